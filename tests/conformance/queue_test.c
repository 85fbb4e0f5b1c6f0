/* Ready classes that hand things on: queues, and those that are joined. */

#include "object.h"

typedef struct {
    int64_t number;
    zanni_buffer_t *buffer;
} parcel_t;

static const zanni_field_t parcel_fields [] = {
    ZANNI_FIELD (parcel_t, number),
    ZANNI_FIELD (parcel_t, buffer),
    ZANNI_FIELD_END
};
static zanni_type_t parcel_type = {
    .name = "parcel", .version = 1, .size = sizeof (parcel_t), .fields = parcel_fields
};

CLASSES (&client_class, &runner_class);

static int64_t
s_get (const zanni_ref_t *queue)
{
    ZANNI_AUTO (zanni_msg_t) item = NULL;
    int64_t number = -1;
    int rc = zanni_queue_get (root, &item, queue, LONG_MS);
    cr_assert_eq (rc, 0, "get: %s", zanni_strerror (rc));
    cr_assert_eq (zanni_read (item, &number), 0);
    return number;
}

static int64_t
s_size (const zanni_ref_t *queue)
{
    return call_int (queue, "size");
}

EVERYWHERE (queue, gives_each_item_once_in_order)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_msg_t) item = NULL;
    for (int i = 0; i < 100; i++)
        cr_assert_eq (zanni_queue_put (root, queue, 0, i), 0);
    cr_assert_eq (s_size (queue), 100);
    for (int i = 0; i < 100; i++)
        cr_assert_eq (s_get (queue), i);
    cr_assert_eq (zanni_queue_get (root, &item, queue, 0), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_queue_get (root, &item, queue, 10), ZANNI_ETIMEOUT);
    cr_assert_null (item);
}

EVERYWHERE (queue, has_items_waited_for)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, queue);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_PROCESS, queue);
    int64_t first, second;
    done (one, "begin", "get", FOREVER, 0);
    done (other, "begin", "get", LONG_MS, 0);
    cr_assert_eq (zanni_queue_put (root, queue, 0, 1), 0);
    cr_assert_eq (zanni_queue_put (root, queue, 0, 2), 0);
    cr_assert_eq (outcome (one, &first), 0);
    cr_assert_eq (outcome (other, &second), 0);
    cr_assert_eq (first + second, 3);
    cr_assert_neq (first, second);
}

EVERYWHERE (queue, has_room_waited_for)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 2);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, queue);
    for (int i = 0; i < 2; i++)
        cr_assert_eq (zanni_queue_put (root, queue, 0, i), 0);
    cr_assert_eq (zanni_queue_put (root, queue, 0, 9), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_queue_put (root, queue, 10, 9), ZANNI_ETIMEOUT);
    done (client, "begin_put", 2, FOREVER);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (s_get (queue), i);
    cr_assert_eq (outcome (client, NULL), 0);
    cr_assert_eq (s_size (queue), 0);
}

EVERYWHERE (queue, says_what_is_wrong)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 1);
    zanni_ref_t *none = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t options = { PLACED, .error = &error };
    cr_assert_eq (refused (&error, queue, "get", -7, 0), ZANNI_EINVAL);
    expect_text (&error, "-7 ms");
    cr_assert_eq (refused (&error, queue, "get", 0, 0), ZANNI_EINVAL);
    expect_text (&error, "without a ticket");
    cr_assert_eq (refused (&error, queue, "get", 0, 7), ZANNI_ETIMEOUT);
    expect_text (&error, "empty for 0 ms");
    cr_assert_eq (zanni_queue_put (root, queue, 0, "first"), 0);
    cr_assert_eq (refused (&error, queue, "put", 1, 5, 8), ZANNI_ETIMEOUT);
    expect_text (&error, "full, with 1 items, for 5 ms");
    cr_assert_eq (zanni_spawn (root, &none, "zanni.queue", &options, -1), ZANNI_EINVAL);
    expect_text (&error, "-1 items");
}

EVERYWHERE (queue, carries_references_and_buffers)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, queue);
    ZANNI_AUTO (zanni_msg_t) item = NULL;
    zanni_buffer_t *buffer = NULL;
    void *data;
    const size_t size = 300000;
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, 'z', size);
    const zanni_arg_t inner [] = { zanni_arg_string ("a"), zanni_arg_buffer (buffer) };
    const zanni_bound_t bound = { client, "outcome" };
    const zanni_arg_t all [] = {
        zanni_arg_ref (client), zanni_arg_list (inner, 2), zanni_arg_int (7), ZANNI_ARG (&bound), ZANNI_LIST (1, 2)
    };
    cr_assert_eq (zanni_queue_put (root, queue, 0, zanni_arg_list (all, 5)), 0);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni_queue_get (root, &item, queue, 0), 0);
    const zanni_ref_t *ref;
    const zanni_buffer_t *got;
    const char *text;
    int64_t number;
    zanni_bound_t method;
    size_t count;
    cr_assert_eq (zanni_enter (item, &count), 0);
    cr_assert_eq (count, 5);
    cr_assert_eq (zanni_read (item, &ref), 0);
    cr_assert (zanni_ref_equal (ref, client));
    cr_assert_eq (zanni_enter (item, &count), 0);
    cr_assert_eq (zanni_read (item, &text, &got), 0);
    cr_assert_str_eq (text, "a");
    cr_assert_eq (zanni_buffer_size (got), size);
    cr_assert_eq (((const char *) zanni_buffer_data (got)) [size - 1], 'z');
    cr_assert_eq (zanni_leave (item), 0);
    cr_assert_eq (zanni_read (item, &number, &method), 0);
    cr_assert_eq (number, 7);
    cr_assert (zanni_ref_equal (method.ref, client));
    cr_assert_str_eq (method.method, "outcome");
}

EVERYWHERE (queue, carries_registered_types)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_msg_t) item = NULL;
    parcel_t parcel = { .number = 5 };
    void *data;
    cr_assert_eq (zanni_buffer_new (root, &parcel.buffer, 3), 0);
    cr_assert_eq (zanni_buffer_edit (&data, parcel.buffer), 0);
    memcpy (data, "abc", 3);
    cr_assert_eq (zanni_queue_put (root, queue, 0, ZANNI_OBJECT (&parcel_type, &parcel)), 0);
    zanni_buffer_destroy (&parcel.buffer);
    cr_assert_eq (zanni_queue_get (root, &item, queue, 0), 0);
    parcel_t *got = NULL;
    cr_assert_eq (zanni_read (item, ZANNI_INTO (&parcel_type, &got)), 0, "%s", zanni_msg_fault (item));
    cr_assert_eq (got->number, 5);
    cr_assert_eq (memcmp (zanni_buffer_data (got->buffer), "abc", 3), 0);
}

static int
s_get_where_it_must_not_block (zanni_t *self)
{
    zanni_msg_t *item = NULL;
    return zanni_queue_get (self, &item, witness_of (self), 0) == ZANNI_EOWNER ? 0 : ZANNI_EINVAL;
}

EVERYWHERE (queue, refuses_nonsense)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    ZANNI_AUTO (zanni_msg_t) item = NULL;
    static const zanni_arg_t many [15] = { { .tag = ZANNI_ARG_INT } };
    cr_assert_eq (zanni_queue_get (root, NULL, queue, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_queue_get (root, &item, NULL, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_queue_get (NULL, &item, queue, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_queue_put_args (root, queue, 0, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_queue_put (root, queue, -3, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_wait_ask_args (root, queue, NULL, 0, "put", many, 15), ZANNI_EINVAL);
    cr_assert_eq (zanni_wait_ask_args (root, queue, NULL, 0, "put", NULL, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_wait_call (root, NULL, queue, NULL, 0, "no such"), ZANNI_ENOMETHOD);
    run_in (runner, s_get_where_it_must_not_block);
    uint64_t id = monitor (queue);
    cr_assert_eq (zanni_kill (root, queue), 0);
    (void) expect_down (id, false);
    cr_assert_eq (zanni_queue_get (root, &item, queue, FOREVER), ZANNI_ENOACTOR);
}

/* Whatever a queue holds goes with it. */
EVERYWHERE (queue, that_ends_gives_up_what_is_in_it)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 1);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, queue);
    zanni_ref_t *kept = client_in (ZANNI_SHARED, queue);
    uint64_t id = monitor (kept);
    cr_assert_eq (zanni_queue_put (root, queue, 0, kept), 0);
    done (client, "begin_put", 2, FOREVER);
    zanni_ref_destroy (&kept);
    cr_assert_eq (zanni_kill (root, queue), 0);
    expect_down (id, false);
    int code = outcome (client, NULL);
    cr_assert (code == ZANNI_EDOWN || code == ZANNI_ENOACTOR, "%s", zanni_strerror (code));
}

EVERYWHERE (queue, goes_past_who_gave_up)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, queue);
    done (client, "begin", "get", FOREVER, 0);
    done (client, "cancel");
    cr_assert_eq (outcome (client, NULL), ZANNI_ECANCELED);
    cr_assert_eq (zanni_queue_put (root, queue, 0, 5), 0);
    cr_assert_eq (s_get (queue), 5);
}

EVERYWHERE (queue, loses_and_doubles_nothing_where_answers_cross_cancels)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, queue);
    for (int i = 0; i < 50; i++)
        cr_assert_eq (zanni_queue_put (root, queue, 0, i), 0);
    for (int i = 0; i < 10; i++)
        done (client, "cross", 20, "put", "get");
    cr_assert_eq (s_size (client), 50);   // behind what it gave back
    for (int i = 0; i < 50; i++)
        cr_assert_eq (s_get (queue), i);
}

EVERYWHERE (queue, keeps_its_items_when_who_waits_is_killed)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_PROCESS, queue);
    done (client, "begin", "get", FOREVER, 0);
    uint64_t id = monitor (client);
    tell (client, "crash");
    expect_down (id, false);
    int64_t sum = 0;
    for (int i = 0; i < 3; i++)
        cr_assert_eq (zanni_queue_put (root, queue, 0, 1 << i), 0);
    for (int i = 0; i < 3; i++)   // the first may come back when the queue learns of the end, which it may learn last
        sum += s_get (queue);
    cr_assert_eq (sum, 7);
    cr_assert_eq (s_size (queue), 0);
}

/* By hand: an item that is not said to have come goes back to the front. */
EVERYWHERE (queue, takes_back_what_did_not_come)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.queue", 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq (zanni_queue_put (root, queue, 0, i), 0);
    cr_assert_eq (call_int (queue, "get", 0, 101), 0);
    cr_assert_eq (call_int (queue, "get", 0, 102), 1);
    cr_assert_eq (call_int (queue, "get", 0, 103), 2);
    done (queue, "got", 102);
    done (queue, "give_back", 102);   // too late
    done (queue, "give_back", 103);
    done (queue, "give_back", 101);
    done (queue, "give_back", 101);
    cr_assert_eq (s_size (queue), 3);
    cr_assert_eq (s_get (queue), 0);
    cr_assert_eq (s_get (queue), 2);
    cr_assert_eq (s_get (queue), 3);
}

EVERYWHERE (queue, is_joined_when_all_is_done)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.joinable_queue", 0);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, queue);
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_queue_join (root, queue, 0), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq (zanni_queue_put (root, queue, 0, i), 0);
    cr_assert_eq (zanni_queue_join (root, queue, 10), ZANNI_ETIMEOUT);
    done (client, "begin", "join", FOREVER, 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq (s_get (queue), i);
    cr_assert_eq (zanni_queue_join (root, queue, 0), ZANNI_ETIMEOUT);
    done (queue, "task_done");
    cr_assert_eq (zanni_queue_join (root, queue, 0), ZANNI_ETIMEOUT);
    done (queue, "task_done");
    cr_assert_eq (outcome (client, NULL), 0);
    cr_assert_eq (refused (&error, queue, "task_done"), ZANNI_EINVAL);
    expect_text (&error, "all items are done");
}

/* An item that somebody has called done although it did not stay. */
EVERYWHERE (queue, is_joined_when_what_was_done_is_taken_back)
{
    ZANNI_AUTO (zanni_ref_t) queue = spawn ("zanni.joinable_queue", 0);
    done (queue, "put", 1, 0, 17);
    done (queue, "task_done");
    done (queue, "give_back", 17);
    cr_assert_eq (s_size (queue), 0);
    cr_assert_eq (zanni_queue_join (root, queue, 0), 0);
    done (queue, "put", 2, 0, 18);
    cr_assert_eq (zanni_queue_join (root, queue, 0), ZANNI_ETIMEOUT);
    done (queue, "task_done");
    cr_assert_eq (zanni_queue_join (root, queue, 0), 0);
}
