/* Counts by method: a node that is told to count knows of each method how many messages and bytes it was sent, wherever
   the actor lives; one that is not told answers that it does not. */

#include "support.h"

#include <time.h>

static int
sink_take (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

/* Returns when the test says so. */
static int
sink_stay (zanni_t *self, zanni_msg_t *msg)
{
    int pid, said_fd, go_fd;
    char letter = 'h';
    int rc = zanni_read (msg, &pid, &said_fd, &go_fd);
    (void) self;
    if (!rc && (write (reach (pid, said_fd, O_WRONLY), &letter, 1) != 1
                || read (reach (pid, go_fd, O_RDONLY), &letter, 1) != 1))
        rc = ZANNI_ESYSTEM;
    return rc;
}

static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("stay", "iii", "", sink_stay, "Takes its time."),
    ZANNI_METHOD ("number", "x", "", sink_take, "Takes a number."),
    ZANNI_METHOD ("block", "sB", "", sink_take, "Takes a text and a buffer."),
    ZANNI_METHOD_END
};
static const zanni_class_t sink_class = { .name = "sink", .methods = sink_methods };

static int
loop_run (zanni_t *self)
{
    int rc;
    do {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        rc = zanni_receive (self, &msg, -1);
        if (!rc && zanni_msg_kind (msg) == ZANNI_MSG_ASK)
            rc = zanni_reply_args (self, msg, NULL, 0);
    } while (!rc);
    return rc == ZANNI_ECLOSED ? 0 : rc;
}

static const zanni_method_t loop_methods [] = {
    ZANNI_METHOD ("number", "x", "", NULL, "Takes a number."),
    ZANNI_METHOD_END
};
static const zanni_class_t loop_class = { .name = "loop", .methods = loop_methods, .run = loop_run };

CLASSES (&sink_class, &loop_class);

/* What the node of an actor counted for one method; zeros: nothing. */
static zanni_count_t
count_of (const zanni_ref_t *ref, const char *class_name, const char *method)
{
    zanni_count_t found = { .messages = 0 };
    ZANNI_AUTO (zanni_msg_t) reply = call (ref, "zanni.counts");
    size_t rows, members;
    cr_assert_eq (zanni_enter (reply, &rows), 0);
    for (size_t i = 0; i < rows; i++) {
        zanni_count_t row;
        cr_assert_eq (zanni_enter (reply, &members), 0);
        int rc = zanni_read (reply, &row.class_name, &row.method, &row.messages, &row.argument_bytes, &row.buffer_bytes,
                             &row.largest_bytes, &row.total_ns, &row.longest_ns);
        cr_assert_eq (rc, 0, "%s", zanni_msg_fault (reply));
        cr_assert_eq (zanni_leave (reply), 0);
        if (!strcmp (row.class_name, class_name) && !strcmp (row.method, method))
            found = row;
    }
    return found;
}

static void
tell_blocks (const zanni_ref_t *ref)
{
    static const size_t sizes [] = { 100000, 300000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zanni_buffer_t *buffer = NULL;
        cr_assert_eq (zanni_buffer_new (root, &buffer, sizes [i]), 0);
        tell (ref, "block", "abc", (const zanni_buffer_t *) buffer);
        zanni_buffer_destroy (&buffer);
    }
}

EVERYWHERE_HERE (counts, say_of_each_method_how_many_messages_and_bytes_it_was_sent)
{
    begin_again ((zanni_options_t) { .counts = true });
    zanni_ref_t *sink = spawn ("sink");
    for (int i = 0; i < 1000; i++)
        tell (sink, "number", 5);
    tell_blocks (sink);
    zanni_count_t number = count_of (sink, "sink", "number");
    cr_assert_eq (number.messages, 1000);
    cr_assert_eq (number.argument_bytes, 2000);   // an array of one small integer: two bytes of msgpack
    cr_assert_eq (number.buffer_bytes, 0);
    cr_assert_eq (number.largest_bytes, 2);
    zanni_count_t block = count_of (sink, "sink", "block");
    cr_assert_eq (block.messages, 2);
    cr_assert_eq (block.buffer_bytes, 400000);
    cr_assert_gt (block.argument_bytes, 0);
    cr_assert_eq (block.largest_bytes, 300000 + block.argument_bytes / 2);
    zanni_ref_destroy (&sink);
}

static void
sum_up (void *context, const zanni_count_t *count)
{
    zanni_count_t *sum = context;
    if (strcmp (count->class_name, "sink") || strcmp (count->method, "number"))
        return;
    cr_assert_eq (sum->messages, 0, "sink.number came twice");
    *sum = *count;
}

BESIDE (counts, of_actors_on_several_threads_are_one_row_a_method_and_outlive_them)
{
    begin_again ((zanni_options_t) { .counts = true, .workers = 2 });
    for (int i = 0; i < 4; i++) {
        zanni_ref_t *sink = spawn ("sink");
        tell (sink, "number", 5);
        done (sink, "number", 1000);
        uint64_t ended = monitor (sink);
        zanni_ref_destroy (&sink);
        (void) expect_down (ended, false);
    }
    zanni_count_t sum = { .messages = 0 };
    cr_assert_eq (zanni_counts (root, sum_up, &sum), 0);
    cr_assert_eq (sum.messages, 8);
    cr_assert_eq (sum.argument_bytes, 4 * 2 + 4 * 4);
    cr_assert_eq (sum.largest_bytes, 4);
}

static int64_t
s_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

#define STAY_NS 2000000   // for which it is kept at least

CONFORM_IN (PLACES_ALONE, counts, know_how_long_a_handler_took)
{
    int said [2], go [2];
    char letter = 'g';
    begin_again ((zanni_options_t) { .counts = true });
    cr_assert_eq (pipe2 (said, O_CLOEXEC), 0);
    cr_assert_eq (pipe2 (go, O_CLOEXEC), 0);
    zanni_ref_t *sink = spawn ("sink");
    tell (sink, "stay", (int) getpid (), said [1], go [0]);
    cr_assert_eq (read (said [0], &letter, 1), 1);
    int64_t begun_ns = s_now_ns ();
    while (s_now_ns () - begun_ns < STAY_NS) {}
    cr_assert_eq (write (go [1], &letter, 1), 1);
    zanni_count_t count = count_of (sink, "sink", "stay");
    cr_assert_eq (count.messages, 1);
    cr_assert_geq (count.longest_ns, STAY_NS);
    cr_assert_eq (count.total_ns, count.longest_ns);
    zanni_ref_destroy (&sink);
}

ALONE (counts, know_what_a_loop_received)
{
    begin_again ((zanni_options_t) { .counts = true });
    zanni_ref_t *loop = spawn ("loop");
    tell (loop, "number", 5);
    done (loop, "number", 5);
    cr_assert_eq (count_of (loop, "loop", "number").messages, 2);
    zanni_ref_destroy (&loop);
}

EVERYWHERE (counts, are_refused_where_nothing_counts)
{
    zanni_error_t error = { 0 };
    zanni_ref_t *sink = spawn ("sink");
    cr_assert_eq (refused (&error, sink, "zanni.counts"), ZANNI_EINVAL);
    cr_assert_eq (zanni_counts (root, sum_up, NULL), ZANNI_EINVAL);
    zanni_error_reset (&error);
    zanni_ref_destroy (&sink);
}
