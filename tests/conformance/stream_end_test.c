/* How streams end: by either side, by the end of either, or since what is said to them makes no sense. */

#include "stream.h"

static void
fail_behind_items (bool sink_there)
{
    set_up (sink_there);
    open_numbers ();
    push (0, 1, 2, 2, 0);
    done (s_source, "fail");
    expect_of ("sink 0: 1");
    expect_of ("sink 0: 2");
    expect_of ("sink 0 ended: 19 7 it broke");
    expect_of ("source 0 ended: well");
    tear_down ();
}

EVERYWHERE (stream, brings_a_sink_there_an_error_behind_the_items)
{
    fail_behind_items (true);
}

EVERYWHERE (stream, brings_an_error_from_a_source_there_behind_the_items)
{
    fail_behind_items (false);
}

static void
cancel_at_sink (bool sink_there)
{
    set_up (sink_there);
    open_numbers ();
    push (0, 1, 1, 1, 0);
    expect_of ("sink 0: 1");
    done (s_sink, "cancel");
    expect_of ("source 0 ended: 19 9 had enough");
    push (0, 2, 2, 0, ZANNI_ECLOSED);
    tear_down ();
}

EVERYWHERE (stream, is_cancelled_by_a_sink_there)
{
    cancel_at_sink (true);
}

EVERYWHERE (stream, is_cancelled_to_a_source_there)
{
    cancel_at_sink (false);
}

EVERYWHERE (stream, is_cancelled_while_an_item_is_handled_and_can_be_opened_again)
{
    set_up (true);
    open_numbers ();
    push (0, -14, -14, 1, 0);
    expect_of ("source 0 ended: 19 5 no more of this");
    open_numbers ();
    push (0, 3, 3, 1, 0);
    expect_of ("sink 0: 3");
    tear_down ();
}

EVERYWHERE (stream, ends_at_both_sides_with_what_an_item_is_answered)
{
    set_up (true);
    open_numbers ();
    push (0, -13, -13, 1, 0);
    expect_of ("sink 0 ended: 16 0 not permitted");
    expect_of ("source 0 ended: 16 0 not permitted");
    tear_down ();
}

EVERYWHERE (stream, ends_where_an_item_is_not_what_is_read)
{
    set_up (true);
    open_numbers ();
    cr_assert_eq (call_int (s_source, "push bytes", 3), 0);
    expect_of ("sink 0 ended: 7 0 bad arguments: item 1 of argument 3 is bytes, int64 was wanted");
    expect_of ("source 0 ended: 7 0 bad arguments: item 1 of argument 3 is bytes, int64 was wanted");
    tear_down ();
}

EVERYWHERE (stream, can_be_refused)
{
    set_up (true);
    open_stream ("numbers", -1, ZANNI_REJECT);
    expect_of ("source -1 ended: 16 0 not permitted");
    open_stream ("nothing", 0, ZANNI_REJECT);
    expect_of ("source 0 ended: 10 0 no such method: class sink has no nothing");
    open_stream ("too much", 0, ZANNI_REJECT);
    expect_of ("source 0 ended: 1 0 invalid argument");
    open_stream ("total", 0, ZANNI_DROP_OLDEST);
    expect_of ("source 0 ended: 7 0 bad arguments for total: no argument was wanted, argument 1 is too many");
    tear_down ();
}

static void
give_up (bool sink_there)
{
    set_up (sink_there);
    open_numbers ();
    push (0, 1, 2, 2, 0);
    done (s_source, "destroy");
    expect_of ("sink 0: 1");
    expect_of ("sink 0: 2");
    expect_of ("sink 0 ended: 14 0 cancelled");
    open_numbers ();
    push (0, 3, 3, 1, 0);
    expect_of ("sink 0: 3");
    tear_down ();
}

EVERYWHERE (stream, that_its_source_destroys_is_cancelled_at_a_sink_there)
{
    give_up (true);
}

EVERYWHERE (stream, that_a_source_there_destroys_is_cancelled)
{
    give_up (false);
}

EVERYWHERE (stream, can_be_destroyed_before_it_was_opened)
{
    set_up (true);
    done (s_sink, "shut");
    open_stream ("numbers", 2, ZANNI_REJECT);
    open_stream ("numbers", 2, ZANNI_REJECT);   // destroys the first
    done (s_sink, "unshut");
    expect_of ("sink 2 ended: 14 0 cancelled");
    expect_of ("source 2: room");
    push (2, 5, 5, 1, 0);
    expect_of ("sink 2: 5");
    tear_down ();
}

static void
lose_source (bool sink_there)
{
    set_up (sink_there);
    open_numbers ();
    push (0, 1, 1, 1, 0);
    expect_of ("sink 0: 1");
    tell (s_sink, "greet");   // how the sink learns of the source's end has gone there before
    expect_of ("sink knows: yes");
    cr_assert_eq (zanni_kill (root, s_source), 0);
    expect_of ("sink 0 ended: 12 0 producer down: killed");
    tear_down ();
}

EVERYWHERE (stream, ends_at_a_sink_there_when_its_source_does)
{
    lose_source (true);
}

EVERYWHERE (stream, ends_when_a_source_there_does)
{
    lose_source (false);
}

static void
lose_sink (bool sink_there)
{
    set_up (sink_there);
    open_numbers ();
    push (0, 1, 1, 1, 0);
    expect_of ("sink 0: 1");
    cr_assert_eq (zanni_kill (root, s_sink), 0);
    expect_of ("source 0 ended: 12 0 receiver down: killed");
    push (0, 2, 2, 0, ZANNI_ECLOSED);
    tear_down ();
}

EVERYWHERE (stream, ends_when_a_sink_there_does)
{
    lose_sink (true);
}

EVERYWHERE (stream, ends_at_a_source_there_when_its_sink_does)
{
    lose_sink (false);
}

/* By a signal: its process, or that of its node. */
static void
crash (const zanni_ref_t *side)
{
    if (place == OTHER_NODE)
        cr_assert_eq (kill (other_pid, SIGKILL), 0);
    else
        tell (side, "crash");
}

/* Where the home of a process does not say in time how that ended, its end is that of the way there. */
#define SINK_IS_LOST "source 0 ended: 13 0 node down: no connection"
#define SOURCE_IS_LOST "sink 0 ended: 13 0 producer down: no connection"

static void
crash_sink (const char *end)
{
    set_up (true);
    open_numbers ();
    push (0, 1, 1, 1, 0);
    expect_of ("sink 0: 1");
    crash (s_sink);
    expect_one_of (end, SINK_IS_LOST);
    push (0, 2, 2, 0, ZANNI_ECLOSED);
    tear_down ();
}

static void
crash_source (const char *end)
{
    set_up (false);
    open_numbers ();
    push (0, 1, 1, 1, 0);
    expect_of ("sink 0: 1");
    tell (s_sink, "greet");
    expect_of ("sink knows: yes");
    crash (s_source);
    expect_one_of (end, SOURCE_IS_LOST);
    tear_down ();
}

CONFORM_ONCE (stream, ends_when_the_process_of_its_sink_crashes, ZANNI_PROCESS)
{
    crash_sink ("source 0 ended: 12 0 receiver down: signal 9 (SIGKILL)");
}

CONFORM_ONCE (stream, ends_when_the_process_of_its_source_crashes, ZANNI_PROCESS)
{
    crash_source ("sink 0 ended: 12 0 producer down: signal 9 (SIGKILL)");
}

CONFORM_ONCE (stream, ends_when_the_node_of_its_sink_crashes, OTHER_NODE)
{
    crash_sink (SINK_IS_LOST);
}

CONFORM_ONCE (stream, ends_when_the_node_of_its_source_crashes, OTHER_NODE)
{
    crash_source (SOURCE_IS_LOST);
}

EVERYWHERE (stream, refuses_what_is_wrong)
{
    int wrong = -1;
    bool nothing = false;
    set_up (false);
    open_numbers ();
    ZANNI_AUTO (zanni_msg_t) reply = call (s_source, "err");
    cr_assert_eq (zanni_read (reply, &wrong, &nothing), 0);
    cr_assert_eq (wrong, 0);
    cr_assert (nothing);
    tear_down ();
}

/* The code that a message of one's own to the method for numbers is answered with. */
static int
say (int kind, const zanni_arg_t *args, size_t count)
{
    const zanni_arg_t all [] = { ZANNI_ARG (1), ZANNI_ARG (kind), zanni_arg_list (args, count) };
    return zanni_call_args (root, NULL, s_sink, NULL, "numbers", all, 3);
}

static void
say_one_way (int kind, const zanni_arg_t *args, size_t count)
{
    const zanni_arg_t all [] = { ZANNI_ARG (1), ZANNI_ARG (kind), zanni_arg_list (args, count) };
    cr_assert_eq (zanni_tell_args (root, s_sink, "numbers", all, 3), 0);
}

/* Who speaks to the method himself. */
EVERYWHERE (stream, takes_nothing_that_is_none)
{
    set_up (true);
    cr_assert_eq (zanni_call (root, NULL, s_sink, "numbers", 1, 99, 7), ZANNI_EARGS);
    cr_assert_eq (say (1, NULL, 0), ZANNI_ECANCELED);
    cr_assert_eq (say (0, ZANNI_ARGS ("no number")), ZANNI_EARGS);
    cr_assert_eq (say (0, ZANNI_ARGS (2)), 0);
    cr_assert_eq (say (0, ZANNI_ARGS (2)), ZANNI_EINVAL);
    cr_assert_eq (say (77, NULL, 0), ZANNI_EINVAL);
    say_one_way (1, NULL, 0);
    say_one_way (2, ZANNI_ARGS (6));
    expect_of ("sink 2: 6");
    say_one_way (4, ZANNI_ARGS (-19, 3, "bye"));
    expect_of ("sink 2 ended: 19 3 bye");
    cr_assert_eq (say (1, NULL, 0), ZANNI_EAPP);
    tear_down ();
}
