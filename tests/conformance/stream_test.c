/* Streams: what they carry, and how far the source gets ahead of the sink. */

#include "stream.h"

static void
run_through (bool sink_there)
{
    int64_t count = 0, sum = 0, disorder = -1;
    set_up (sink_there);
    done (s_sink, "be quiet");
    open_numbers ();
    tell (s_source, "run", 1000);
    expect_of ("sink 0 ended: well");
    expect_of ("source 0 ended: well");
    ZANNI_AUTO (zanni_msg_t) reply = call (s_sink, "total");
    cr_assert_eq (zanni_read (reply, &count, &sum, &disorder), 0);
    cr_assert_eq (count, 1000, "%" PRId64, count);
    cr_assert_eq (sum, 500500);
    cr_assert_eq (disorder, 0);
    push (0, 1, 1, 0, ZANNI_ECLOSED);
    tear_down ();
}

EVERYWHERE (stream, carries_everything_in_order_to_a_sink_there)
{
    run_through (true);
}

EVERYWHERE (stream, carries_everything_in_order_from_a_source_there)
{
    run_through (false);
}

static void
exceed_credit (bool sink_there)
{
    set_up (sink_there);
    open_numbers ();
    done (s_sink, "shut");
    push (0, 1, 9, CREDIT, ZANNI_EFULL);
    push (0, 9, 9, 0, ZANNI_EFULL);
    done (s_sink, "unshut");
    expect_of ("sink 0: 1");
    expect_of ("sink 0: 2");
    expect_of ("sink 0: 3");
    expect_of ("sink 0: 4");
    expect_of ("source 0: room");
    push (0, 5, 5, 1, 0);
    expect_of ("sink 0: 5");
    done (s_source, "end");
    expect_of ("sink 0 ended: well");
    expect_of ("source 0 ended: well");
    tear_down ();
}

EVERYWHERE (stream, is_refused_beyond_its_credit_and_called_when_a_sink_there_has_more)
{
    exceed_credit (true);
}

EVERYWHERE (stream, is_refused_beyond_its_credit_and_a_source_there_called_when_there_is_more)
{
    exceed_credit (false);
}

EVERYWHERE (stream, has_a_credit_in_bytes_and_admits_one_larger_item)
{
    set_up (true);
    open_stream ("texts", 0, ZANNI_REJECT);
    expect_of ("source 0: room");
    done (s_sink, "shut");
    cr_assert_eq (call_int (s_source, "push bytes", 400), 0);
    cr_assert_eq (call_int (s_source, "push bytes", 400), 0);
    cr_assert_eq (call_int (s_source, "push bytes", 400), ZANNI_EFULL);
    done (s_sink, "unshut");
    expect_of ("sink: 400 bytes");
    expect_of ("sink: 400 bytes");
    expect_of ("source 0: room");
    done (s_sink, "shut");
    cr_assert_eq (call_int (s_source, "push bytes", 5000), 0);
    cr_assert_eq (call_int (s_source, "push bytes", 1), ZANNI_EFULL);
    done (s_sink, "unshut");
    expect_of ("sink: 5000 bytes");
    expect_of ("source 0: room");
    tear_down ();
}

static void
expect_dropped (zanni_overflow_t overflow, const char *const numbers [7])
{
    set_up (true);
    open_stream ("numbers", 0, overflow);
    push (0, 1, 1, 1, 0);   // waits, or not, for the sink's consent
    expect_of ("sink 0: 1");
    done (s_sink, "shut");
    push (0, 2, 12, 11, 0);
    push (0, 15, 15, 1, 0);
    int64_t dropped = call_int (s_source, "dropped");
    done (s_source, "end");
    push (0, 20, 20, 0, ZANNI_ECLOSED);
    done (s_sink, "unshut");
    for (int i = 0; numbers [i]; i++)
        expect_of (numbers [i]);
    expect_of ("sink 0 ended: well");
    expect_of ("source 0 ended: well");
    cr_assert_eq (dropped, 6);
    tear_down ();
}

EVERYWHERE (stream, drops_the_oldest_that_wait)
{
    expect_dropped (ZANNI_DROP_OLDEST, (const char *const [7]) {
        "sink 0: 2", "sink 0: 3", "sink 0: 4", "sink 0: 11", "sink 0: 12", "sink 0: 15"
    });
}

EVERYWHERE (stream, drops_the_newest_that_should_wait)
{
    expect_dropped (ZANNI_DROP_NEWEST, (const char *const [7]) {
        "sink 0: 2", "sink 0: 3", "sink 0: 4", "sink 0: 5", "sink 0: 6", "sink 0: 7"
    });
}

EVERYWHERE (stream, carries_references_and_buffers)
{
    set_up (true);
    open_stream ("things", 0, ZANNI_REJECT);
    expect_of ("source 0: room");
    done (s_source, "push things");
    expect_of ("sink: in a buffer");
    tear_down ();
}

EVERYWHERE (stream, is_apart_from_others_of_the_same_two)
{
    set_up (true);
    open_numbers ();
    open_stream ("numbers", 1, ZANNI_REJECT);
    expect_of ("source 1: room");
    done (s_sink, "shut");
    push (0, 1, 9, CREDIT, ZANNI_EFULL);
    push (1, 10, 11, 2, 0);
    done (s_sink, "unshut");
    for (int i = 0; i < CREDIT; i++)
        expect_of ((const char *[]) { "sink 0: 1", "sink 0: 2", "sink 0: 3", "sink 0: 4" } [i]);
    expect_of ("sink 1: 10");
    expect_of ("sink 1: 11");
    tear_down ();
}
