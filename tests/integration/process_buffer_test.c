/* Buffers and arguments on their way to a process and back: of every size, at every place that a message has for them, they
   arrive whole and aligned, and in their order.

   Each byte follows from its buffer's seed and its own position, so that nothing that was moved, cut or mixed passes. */

#include "process.h"

#define MIB ((size_t) 1 << 20)

/* Word by word, or the sizes that are wanted here would take their time. */
static uint64_t
pattern (uint64_t seed, uint64_t word)
{
    uint64_t value = (seed + 1) * UINT64_C (0x9e3779b97f4a7c15) ^ word * UINT64_C (0xbf58476d1ce4e5b9);
    return value ^ value >> 29;
}

static void
fill (void *data, size_t size, uint64_t seed)
{
    unsigned char *at = data;
    for (size_t done_bytes = 0; done_bytes < size; done_bytes += 8) {
        uint64_t word = pattern (seed, done_bytes / 8);
        memcpy (at + done_bytes, &word, size - done_bytes < 8 ? size - done_bytes : 8);
    }
}

static bool
is_filled (const void *data, size_t size, uint64_t seed)
{
    const unsigned char *at = data;
    for (size_t seen = 0; seen < size; seen += 8) {
        uint64_t word = pattern (seed, seen / 8);
        if (memcmp (at + seen, &word, size - seen < 8 ? size - seen : 8))
            return false;
    }
    return true;
}

/* Whether a buffer is as its sender made it; one with an element type lies at a multiple of 64. */
static bool
is_good (const zanni_buffer_t *buffer, size_t size, uint64_t seed)
{
    zanni_element_t element;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    size_t dimensions = zanni_buffer_array (buffer, &element, shape);
    const void *data = zanni_buffer_data (buffer);
    if (zanni_buffer_size (buffer) != size || (dimensions && (element != ZANNI_UINT8 || shape [0] != size)))
        return false;
    return !((uintptr_t) data % (dimensions ? 64 : 8)) && is_filled (data, size, seed);
}

typedef struct {
    zanni_ref_t *witness;
    int64_t checked, wrong;
    int64_t wrong_size;      // of the first that was
    int64_t numbers;
} checker_t;

static void
checker_count (checker_t *checker, bool good, size_t size)
{
    checker->checked++;
    checker->wrong_size = good || checker->wrong ? checker->wrong_size : (int64_t) size;
    checker->wrong += !good;
}

/* Buffers of growing sizes, and some bytes in the arguments before them. */
static int
checker_check (zanni_t *self, zanni_msg_t *msg)
{
    checker_t *checker = zanni_state (self);
    zanni_bytes_t bytes;
    int64_t size, seed;
    size_t count;
    int rc = zanni_read (msg, &size, &seed, &bytes);
    if (!rc)
        rc = zanni_enter (msg, &count);
    if (rc)
        return rc;
    checker_count (checker, is_filled (bytes.data, bytes.size, (uint64_t) seed), bytes.size);
    for (size_t i = 0; !rc && i < count; i++) {
        const zanni_buffer_t *buffer;
        rc = zanni_read (msg, &buffer);
        if (!rc)
            checker_count (checker, is_good (buffer, (size_t) size + i, (uint64_t) seed + i), (size_t) size + i);
    }
    return rc;
}

static int
checker_checked (zanni_t *self, zanni_msg_t *msg)
{
    checker_t *checker = zanni_state (self);
    int rc = zanni_reply (self, msg, checker->checked, checker->wrong, checker->wrong_size);
    checker->checked = checker->wrong = checker->wrong_size = 0;
    return rc;
}

/* The same buffer comes back. */
static int
checker_echo (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, buffer);
}

static int
checker_echo_bytes (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &bytes);
    return rc ? rc : zanni_reply (self, msg, bytes);
}

static int
checker_witness (zanni_t *self, zanni_msg_t *msg)
{
    checker_t *checker = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_weak (self, &checker->witness, witness);
}

static int
checker_big (zanni_t *self, zanni_msg_t *msg)
{
    checker_t *checker = zanni_state (self);
    const zanni_buffer_t *buffer;
    int64_t number;
    int rc = zanni_read (msg, &number, &buffer);
    if (rc)
        return rc;
    bool good = is_good (buffer, zanni_buffer_size (buffer), (uint64_t) number);
    return report (self, checker->witness, "%s %d", good ? "big" : "spoilt", (int) number);
}

static int
checker_small (zanni_t *self, zanni_msg_t *msg)
{
    checker_t *checker = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : report (self, checker->witness, "small %d", (int) number);
}

/* Tells its asker a big buffer. */
static int
say_big (zanni_t *self, zanni_msg_t *msg, zanni_buffer_t **buffer_p)
{
    void *data;
    int64_t size;
    int rc = zanni_read (msg, &size);
    if (!rc)
        rc = zanni_buffer_new (self, buffer_p, (size_t) size);
    if (!rc)
        rc = zanni_buffer_edit (&data, *buffer_p);
    if (rc)
        return rc;
    fill (data, (size_t) size, 1);
    return zanni_tell (self, zanni_msg_from (msg), "big", 1, *buffer_p);
}

/* And answers with it, and tells a small number behind. */
static int
checker_say (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    int rc = say_big (self, msg, &buffer);
    if (!rc)
        rc = zanni_reply (self, msg, buffer);
    return rc ? rc : zanni_tell (self, zanni_msg_from (msg), "small", 2);
}

/* Or answers with nothing, and ends. */
static int
checker_say_and_exit (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    int rc = say_big (self, msg, &buffer);
    if (!rc)
        rc = zanni_reply (self, msg);
    return rc ? rc : zanni_exit (self);
}

static int
checker_spawn (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_spawn_t options = { .place = ZANNI_HERE };
    zanni_ref_t *other;
    int rc = zanni_spawn (self, &other, "checker", &options);
    if (rc)
        return rc;
    rc = zanni_reply (self, msg, other);
    zanni_ref_destroy (&other);
    return rc;
}

static const zanni_method_t checker_methods [] = {
    ZANNI_METHOD ("check", "xxayaB", "", checker_check, ""),
    ZANNI_METHOD ("checked", "", "xxx", checker_checked, ""),
    ZANNI_METHOD ("echo", "B", "B", checker_echo, ""),
    ZANNI_METHOD ("echo bytes", "ay", "ay", checker_echo_bytes, ""),
    ZANNI_METHOD ("witness", "r", "", checker_witness, ""),
    ZANNI_METHOD ("big", "xB", "", checker_big, ""),
    ZANNI_METHOD ("small", "x", "", checker_small, ""),
    ZANNI_METHOD ("say", "x", "B", checker_say, ""),
    ZANNI_METHOD ("say and exit", "x", "", checker_say_and_exit, ""),
    ZANNI_METHOD ("spawn", "", "r", checker_spawn, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t checker_class = {
    .name = "checker", .state_size = sizeof (checker_t), .methods = checker_methods
};

CLASSES (&checker_class);
PROCESS_SUITE (buffers);

static zanni_ref_t *
spawn_checker (void)
{
    zanni_ref_t *checker = spawn ("checker");
    done (checker, "witness", zanni_self (root));
    return checker;
}

/* Filled, with an element type or without. */
static zanni_buffer_t *
make (size_t size, uint64_t seed, bool typed)
{
    zanni_buffer_t *buffer = NULL;
    void *data;
    const uint64_t shape [] = { size };
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    fill (data, size, seed);
    if (typed)
        cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_UINT8, 1, shape), 0);
    return buffer;
}

#define LIST_MOST 8

/* One message with `count` buffers of `size` and more bytes, behind `before` bytes of arguments. */
static void
tell_sizes (const zanni_ref_t *checker, size_t size, size_t count, size_t before)
{
    static unsigned char bytes [70016];
    zanni_buffer_t *buffers [LIST_MOST];
    zanni_arg_t items [LIST_MOST];
    uint64_t seed = size * 31 + before;
    fill (bytes, before, seed);
    for (size_t i = 0; i < count; i++) {
        buffers [i] = make (size + i, seed + i, i % 3 == 1);
        items [i] = zanni_arg_buffer (buffers [i]);
    }
    int rc = zanni_tell_wait (root, checker, -1, "check", size, seed, zanni_arg_bytes (bytes, before),
                              zanni_arg_list (items, count));
    cr_assert_eq (rc, 0, "%zu bytes: %s", size, zanni_strerror (rc));
    for (size_t i = 0; i < count; i++)
        zanni_buffer_destroy (&buffers [i]);
}

static void
expect_checked (const zanni_ref_t *checker, int64_t count)
{
    int64_t checked = 0, wrong = 0, size = 0;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t patient = { .deadline_ms = 60000 };
    cr_assert_eq (zanni_call_with (root, &reply, checker, &patient, "checked"), 0);
    cr_assert_eq (zanni_read (reply, &checked, &wrong, &size), 0);
    cr_assert_eq (checked, count);
    cr_assert_eq (wrong, 0, "%" PRId64 " were wrong, the first of %" PRId64 " bytes", wrong, size);
}

/* Many messages of one turn share a header frame, so each place in that comes up, too. In short runs the sizes are those at
   both ends of the range, and some in between of every remainder by 64. */
Test (buffers, of_every_size_at_every_place_arrive_whole_and_aligned)
{
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    int64_t expected = 0;
    size_t sent = 0;
    for (size_t size = 0; size <= 70000; size += LONG || size < 600 || size > 69900 ? 1 : 67 + size % 5) {
        size_t count = 1 + sent % LIST_MOST;
        tell_sizes (checker, size, count, sent % 97);
        expected += (int64_t) count + 1;
        if (++sent % 500 == 0) {
            expect_checked (checker, expected);
            expected = 0;
        }
    }
    expect_checked (checker, expected);
}

/* Arguments of these sizes stand in the header, in a frame of their own, or are cut. */
Test (buffers, beside_arguments_of_every_size_arrive_whole)
{
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    int64_t expected = 0;
    size_t sent = 0;
    for (size_t before = 0; before <= 70000; before += LONG || (before > 3900 && before < 4200) ? 1 : 61) {
        size_t count = sent % LIST_MOST;
        tell_sizes (checker, sent % 300, count, before);
        expected += (int64_t) count + 1;
        if (++sent % 500 == 0) {
            expect_checked (checker, expected);
            expected = 0;
        }
    }
    expect_checked (checker, expected);
}

/* And so they come back. */
Test (buffers, come_back_whole_and_aligned)
{
    static const size_t sizes [] = { 0,     1,     7,       8,           63,          64,          65,      4095,    4096,    4097,
                                     7999,  8000,  8001,    65535,       65536,       65537,       70000,   262143,  262144,
                                     262145, 1 << 20, (1 << 20) + 1, 5 << 20, (5 << 20) + 3 };
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes [i / 2];
        const zanni_buffer_t *back = NULL;
        ZANNI_AUTO (zanni_buffer_t) buffer = make (size, i, i % 2);
        ZANNI_AUTO (zanni_msg_t) reply = call (checker, "echo", buffer);
        cr_assert_eq (zanni_read (reply, &back), 0);
        cr_assert (is_good (back, size, i), "%zu bytes", size);
    }
}

Test (buffers, of_sixty_four_mebibytes_arrive)
{
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    for (uint64_t round = 0; round < 2; round++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = make (64 * MIB, round, round);
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        const zanni_buffer_t *back = NULL;
        const zanni_ask_t patient = { .deadline_ms = 60000 };
        cr_assert_eq (zanni_call_with (root, &reply, checker, &patient, "echo", buffer), 0);
        cr_assert_eq (zanni_read (reply, &back), 0);
        cr_assert (is_good (back, 64 * MIB, round));
    }
}

Test (buffers, arguments_of_several_mebibytes_arrive)
{
    static const size_t sizes [] = { 65535, 65536, MIB - 1, MIB, MIB + 1, MIB + (64 << 10) + 1, 7 * MIB + 13 };
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    void *data = malloc (8 * MIB);
    fill (data, 8 * MIB, 3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const zanni_bytes_t sent = { data, sizes [i] };
        zanni_bytes_t back = { NULL, 0 };
        ZANNI_AUTO (zanni_msg_t) reply = call (checker, "echo bytes", sent);
        cr_assert_eq (zanni_read (reply, &back), 0);
        cr_assert_eq (back.size, sizes [i]);
        cr_assert (is_filled (back.data, back.size, 3), "%zu bytes", sizes [i]);
    }
    free (data);
}

/* One message takes what it may of them. */
Test (buffers, a_thousand_in_one_message_arrive)
{
    enum { COUNT = 1000 };
    static zanni_arg_t items [COUNT];
    static zanni_buffer_t *all [COUNT];
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    for (size_t i = 0; i < COUNT; i++) {
        all [i] = make (50 + i, 7 + i, false);
        items [i] = zanni_arg_buffer (all [i]);
    }
    cr_assert_eq (zanni_tell (root, checker, "check", 50, 7, zanni_arg_bytes ("", 0), zanni_arg_list (items, COUNT)), 0);
    expect_checked (checker, COUNT + 1);
    for (size_t i = 0; i < COUNT; i++)
        zanni_buffer_destroy (&all [i]);
}

/* What one tells another stays in order, however long a part of it takes. */
Test (buffers, that_take_long_are_not_overtaken_by_what_follows_them)
{
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    char line [32];
    for (int i = 1; i <= 12; i += 3) {
        ZANNI_AUTO (zanni_buffer_t) big = make (i == 4 ? 3 * MIB : 2 * MIB + 5, (uint64_t) i, i == 7);
        cr_assert_eq (zanni_tell_wait (root, checker, -1, "big", i, big), 0);
        cr_assert_eq (zanni_tell_wait (root, checker, -1, "small", i + 1), 0);
        cr_assert_eq (zanni_tell_wait (root, checker, -1, "small", i + 2), 0);
    }
    uint64_t id = 0;
    cr_assert_eq (zanni_ask (root, checker, &(zanni_ask_t) { .id_p = &id }, "checked"), 0);
    for (int i = 1; i <= 12; i++) {
        snprintf (line, sizeof line, "%s %d", i % 3 == 1 ? "big" : "small", i);
        expect (line);
    }
    ZANNI_AUTO (zanni_msg_t) answer = next ();
    cr_assert_eq (zanni_msg_id (answer), id);
}

/* A reply and a tell behind it wait for it as well. */
Test (buffers, in_tells_and_answers_keep_their_order)
{
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    uint64_t id = 0;
    int64_t number = 0;
    const zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_ask (root, checker, &(zanni_ask_t) { .id_p = &id }, "say", 3 * MIB), 0);
    ZANNI_AUTO (zanni_msg_t) first = next ();
    cr_assert_str_eq (zanni_msg_method (first), "big");
    cr_assert_eq (zanni_read (first, &number, &buffer), 0);
    cr_assert (number == 1 && is_good (buffer, 3 * MIB, 1));
    ZANNI_AUTO (zanni_msg_t) second = next ();
    cr_assert_eq (zanni_msg_kind (second), ZANNI_MSG_REPLY, "%s came", zanni_msg_method (second));
    cr_assert_eq (zanni_msg_id (second), id);
    cr_assert_eq (zanni_read (second, &buffer), 0);
    cr_assert (is_good (buffer, 3 * MIB, 1));
    ZANNI_AUTO (zanni_msg_t) third = next ();
    cr_assert_str_eq (zanni_msg_method (third), "small");
}

/* Neither does the answer pass it, nor the end of its sender. */
Test (buffers, that_take_long_come_before_the_end_of_who_sent_them)
{
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    uint64_t id = 0;
    int64_t number = 0;
    const zanni_buffer_t *buffer = NULL;
    uint64_t down = monitor (checker);
    cr_assert_eq (zanni_ask (root, checker, &(zanni_ask_t) { .id_p = &id }, "say and exit", 5 * MIB), 0);
    ZANNI_AUTO (zanni_msg_t) first = next ();
    cr_assert_str_eq (zanni_msg_method (first), "big");
    cr_assert_eq (zanni_read (first, &number, &buffer), 0);
    cr_assert (number == 1 && is_good (buffer, 5 * MIB, 1));
    ZANNI_AUTO (zanni_msg_t) second = next ();
    cr_assert_eq (zanni_msg_kind (second), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_msg_id (second), id);
    expect_reason (down, "normal");
}

/* Others need not wait for it: the pieces leave room. */
Test (buffers, that_take_long_let_others_pass)
{
    begin_again ((zanni_options_t) { .window_bytes = 256 * MIB, .wire_level_max = 2 });
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    ZANNI_AUTO (zanni_ref_t) beside = NULL;
    ZANNI_AUTO (zanni_buffer_t) big = make (64 * MIB, 1, false);
    const zanni_ref_t *got = NULL;
    zanni_msg_t *reply = call (checker, "spawn");
    cr_assert_eq (zanni_read (reply, &got), 0);
    cr_assert_eq (zanni_ref_keep (root, &beside, got), 0);
    zanni_msg_destroy (&reply);
    done (beside, "witness", zanni_self (root));
    tell (checker, "big", 1, big);
    for (int i = 0; i < 10; i++)
        cr_assert_eq (zanni_tell_wait (root, beside, -1, "small", i), 0);
    char line [32];
    for (int i = 0; i < 10; i++) {
        snprintf (line, sizeof line, "small %d", i);
        expect (line);
    }
    expect ("big 1");
}

/* Memory that was lent comes back when it has arrived, and what is under way to one that is killed comes back, too. */
static int s_frees;

static void
count_free (void *data, void *hint)
{
    (void) data;
    ++*(int *) hint;
}

static void
run_until_freed (int count)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (s_frees < count && zanni_now_ns (root) < until_ns)
        cr_assert_eq (zanni_run (root, 1), 0);
    cr_assert_eq (s_frees, count);
}

Test (buffers, that_were_lent_come_back_though_their_receiver_is_killed)
{
    begin_again ((zanni_options_t) { .wire_level_max = 2 });   // in shared memory it would arrive before that
    ZANNI_AUTO (zanni_ref_t) checker = spawn_checker ();
    void *memory = malloc (20 * MIB);
    zanni_buffer_t *buffer = NULL;
    fill (memory, 20 * MIB, 1);
    cr_assert_eq (zanni_buffer_wrap (root, &buffer, memory, 20 * MIB, count_free, &s_frees), 0);
    tell (checker, "big", 1, buffer);
    zanni_buffer_destroy (&buffer);
    expect ("big 1");
    run_until_freed (1);
    uint64_t down = monitor (checker);
    cr_assert_eq (zanni_buffer_wrap (root, &buffer, memory, 20 * MIB, count_free, &s_frees), 0);
    tell (checker, "big", 1, buffer);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni_kill (root, checker), 0);
    expect_reason (down, "killed");
    run_until_freed (2);
    free (memory);
}
