/* Buffers: the same bytes for everyone who holds them, at the same address wherever memory is shared, until the last one
   lets go; then memory that a program lent comes back to it, on the thread that lent it. What goes to a process is a copy
   there, so the lender's memory comes back as soon as it has arrived. */

#include "support.h"

#include <stdatomic.h>

/* What the free function of wrapped memory saw. */
static _Atomic int s_frees;
static _Atomic uint64_t s_freed_by;
static char s_memory [1000];

static void
free_memory (void *data, void *hint)
{
    if (data == s_memory && hint == &s_frees)
        atomic_store (&s_freed_by, (uint64_t) pthread_self ());
    atomic_fetch_add (&s_frees, 1);
}

typedef struct {
    zanni_buffer_t *held;
    zanni_msg_t *kept;
} keeper_t;

static int
keeper_where (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, (uint64_t) (uintptr_t) zanni_buffer_data (buffer));
}

static int
keeper_hold (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    if (!rc)
        keeper->held = zanni_buffer_keep (buffer);
    return rc;
}

static int
keeper_hold_message (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    (void) self;
    return zanni_msg_keep (&keeper->kept, msg);
}

static int
keeper_drop (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    (void) self;
    (void) msg;
    zanni_buffer_destroy (&keeper->held);
    zanni_msg_destroy (&keeper->kept);
    return 0;
}

static int
keeper_give (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    int rc = zanni_reply (self, msg, keeper->held);
    zanni_buffer_destroy (&keeper->held);
    return rc;
}

/* A part of what it got, and what it says about its elements. */
static int
keeper_slice (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    ZANNI_AUTO (zanni_buffer_t) slice = NULL;
    int64_t offset, size;
    int rc = zanni_read (msg, &buffer, &offset, &size);
    if (!rc)
        rc = zanni_buffer_slice (&slice, buffer, (size_t) offset, (size_t) size);
    return rc ? rc : zanni_reply (self, msg, slice);
}

static int
keeper_shape (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    zanni_element_t element;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    int rc = zanni_read (msg, &buffer);
    if (rc)
        return rc;
    size_t dimensions = zanni_buffer_array (buffer, &element, shape);
    return zanni_reply (self, msg, element, dimensions, shape [0], shape [1]);
}

/* Writes into what it holds, and gives that back; whether it is the same memory. */
static int
keeper_scribble (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    ZANNI_AUTO (zanni_buffer_t) mine = NULL;
    void *data = NULL;
    const void *before = zanni_buffer_data (keeper->held);
    int rc = zanni_buffer_writable (self, &mine, keeper->held);
    if (!rc)
        rc = zanni_buffer_edit (&data, mine);
    if (rc)
        return rc;
    memset (data, 'w', 10);
    return zanni_reply (self, msg, data == before, mine);
}

static int
keeper_lend (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    int rc = zanni_buffer_wrap (self, &buffer, s_memory, sizeof s_memory, free_memory, &s_frees);
    return rc ? rc : zanni_reply (self, msg, buffer);
}

static int
keeper_make (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    void *data;
    int rc = zanni_buffer_new (self, &buffer, 100);
    if (!rc)
        rc = zanni_buffer_edit (&data, buffer);
    if (rc)
        return rc;
    memset (data, 'm', 100);
    return zanni_reply (self, msg, buffer);
}

/* Whether the memory was freed on this very thread, and how often that was. */
static int
keeper_freed (zanni_t *self, zanni_msg_t *msg)
{
    bool here = atomic_load (&s_freed_by) == (uint64_t) pthread_self ();
    return zanni_reply (self, msg, here, atomic_load (&s_frees));
}

/* Whether all its bytes are this one. */
static int
keeper_check (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    unsigned char byte;
    int rc = zanni_read (msg, &buffer, &byte);
    if (rc)
        return rc;
    const unsigned char *data = zanni_buffer_data (buffer);
    size_t size = zanni_buffer_size (buffer), good = 0;
    while (good < size && data [good] == byte)
        good++;
    return zanni_reply (self, msg, good == size ? size : 0, (uintptr_t) data % 64);
}

static int
keeper_several (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *first, *second, *third;
    size_t count;
    int rc = zanni_read (msg, &first);
    if (!rc)
        rc = zanni_enter (msg, &count);
    if (!rc)
        rc = zanni_read (msg, &second, &third);
    return rc ? rc : zanni_reply (self, msg, third, ZANNI_LIST (first, second));
}

static const zanni_method_t keeper_methods [] = {
    ZANNI_METHOD ("where", "B", "t", keeper_where, ""),
    ZANNI_METHOD ("hold", "B", "", keeper_hold, ""),
    ZANNI_METHOD ("hold message", "B", "", keeper_hold_message, ""),
    ZANNI_METHOD ("drop", "", "", keeper_drop, ""),
    ZANNI_METHOD ("give", "", "B", keeper_give, ""),
    ZANNI_METHOD ("slice", "Bxx", "B", keeper_slice, ""),
    ZANNI_METHOD ("shape", "B", "xttt", keeper_shape, ""),
    ZANNI_METHOD ("scribble", "", "bB", keeper_scribble, ""),
    ZANNI_METHOD ("lend", "", "B", keeper_lend, ""),
    ZANNI_METHOD ("make", "", "B", keeper_make, ""),
    ZANNI_METHOD ("freed", "", "bi", keeper_freed, ""),
    ZANNI_METHOD ("check", "By", "tt", keeper_check, ""),
    ZANNI_METHOD ("several", "BaB", "BaB", keeper_several, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t keeper_class = {
    .name = "keeper", .state_size = sizeof (keeper_t), .methods = keeper_methods
};
CLASSES (&keeper_class);

static zanni_buffer_t *
make (size_t size, char byte)
{
    zanni_buffer_t *buffer = NULL;
    void *data;
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, byte, size);
    return buffer;
}

static zanni_buffer_t *
wrap (void)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_buffer_wrap (root, &buffer, s_memory, sizeof s_memory, free_memory, &s_frees), 0);
    return buffer;
}

static uint64_t
address (const void *data)
{
    return (uint64_t) (uintptr_t) data;
}

EVERYWHERE (buffers, arrive_whole_and_aligned)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    static const size_t sizes [] = { 0, 1, 64, 4096, 70000, 1 << 20, 20 << 20 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = make (sizes [i], (char) ('a' + i));
        ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "check", buffer, 'a' + (int) i);
        uint64_t size = 0, misaligned = 64;
        cr_assert_eq (zanni_read (reply, &size, &misaligned), 0);
        cr_assert_eq (size, sizes [i]);
        cr_assert_eq (misaligned % 8, 0, "%zu bytes are %" PRIu64 " over a multiple of 64", sizes [i], misaligned);
    }
}

BESIDE (buffers, arrive_where_they_are)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    static const size_t sizes [] = { 1, 64, 4096, 1 << 20, 20 << 20 };
    for (size_t i = 0; i < 5; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = make (sizes [i], 'x');
        uint64_t where = address (zanni_buffer_data (buffer));
        cr_assert_eq (where % 64, 0);
        cr_assert_eq ((uint64_t) call_int (keeper, "where", buffer), where);
    }
    ZANNI_AUTO (zanni_buffer_t) wrapped = wrap ();
    cr_assert_eq ((uint64_t) call_int (keeper, "where", wrapped), address (s_memory));
}

EVERYWHERE (buffers, that_were_sent_cannot_be_written)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (100, 'x');
    void *data = NULL;
    const uint64_t shape [] = { 100 };
    tell (keeper, "hold", buffer);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), ZANNI_ESEALED);
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_INT8, 1, shape), ZANNI_ESEALED);
    tell (keeper, "drop");
    done (keeper, "freed");
    cr_assert_eq (zanni_buffer_edit (&data, buffer), ZANNI_ESEALED);
    cr_assert_null (data);
}

EVERYWHERE (buffers, say_what_they_hold)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (96, 0);
    ZANNI_AUTO (zanni_buffer_t) plain = make (96, 0);
    const uint64_t shape [] = { 3, 4 };
    int64_t element = 0;
    uint64_t dimensions = 0, rows = 0, columns = 0;
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_FLOAT64, 2, shape), 0);
    ZANNI_AUTO (zanni_msg_t) said = call (keeper, "shape", buffer);
    cr_assert_eq (zanni_read (said, &element, &dimensions, &rows, &columns), 0);
    cr_assert (element == ZANNI_FLOAT64 && dimensions == 2 && rows == 3 && columns == 4);
    ZANNI_AUTO (zanni_msg_t) nothing = call (keeper, "shape", plain);
    cr_assert_eq (zanni_read (nothing, &element, &dimensions, &rows, &columns), 0);
    cr_assert (element == ZANNI_RAW && dimensions == 0);
}

EVERYWHERE (buffers, are_cut)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    zanni_buffer_t *buffer = make (1000, 'x');
    const zanni_buffer_t *slice = NULL;
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "slice", buffer, 100, 50);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni_read (reply, &slice), 0);
    cr_assert_eq (zanni_buffer_size (slice), 50);
    cr_assert_eq (call_int (keeper, "check", slice, 'x'), 50);
    cr_assert_eq (refused (&error, keeper, "slice", slice, 40, 20), ZANNI_EINVAL);
}

BESIDE (buffers, are_cut_without_a_copy)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    zanni_buffer_t *buffer = make (1000, 'x');
    const zanni_buffer_t *slice = NULL;
    const char *data = zanni_buffer_data (buffer);
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "slice", buffer, 100, 50);
    cr_assert_eq (zanni_read (reply, &slice), 0);
    cr_assert_eq (zanni_buffer_data (slice), data + 100);
    cr_assert_eq (zanni_buffer_size (slice), 50);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (*(const char *) zanni_buffer_data (slice), 'x');   // the slice keeps it
    cr_assert_eq ((uint64_t) call_int (keeper, "where", slice), address (data + 100));
    ZANNI_AUTO (zanni_msg_t) part = call (keeper, "slice", slice, 10, 5);
    cr_assert_eq (zanni_read (part, &slice), 0);
    cr_assert_eq (zanni_buffer_data (slice), data + 110);
    cr_assert_eq (refused (&error, keeper, "slice", slice, 4, 2), ZANNI_EINVAL);
}

EVERYWHERE (buffers, of_an_actor_live_on_with_others)
{
    zanni_ref_t *keeper = spawn ("keeper");
    const zanni_buffer_t *buffer = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "make");
    uint64_t down = monitor (keeper);
    zanni_ref_destroy (&keeper);
    (void) expect_down (down, false);
    cr_assert_eq (zanni_read (reply, &buffer), 0);
    ZANNI_AUTO (zanni_buffer_t) kept = zanni_buffer_keep (buffer);
    zanni_msg_destroy (&reply);
    cr_assert_eq (zanni_buffer_size (kept), 100);
    cr_assert_eq (((const char *) zanni_buffer_data (kept)) [99], 'm');
}

EVERYWHERE (buffers, several_travel_in_one_message)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    zanni_buffer_t *buffers [3] = { make (10, 'a'), make (20, 'b'), make (30, 'c') };
    const zanni_buffer_t *back [3] = { NULL };
    size_t count = 0;
    ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "several", buffers [0], ZANNI_LIST (buffers [1], buffers [2]));
    cr_assert_eq (zanni_read (reply, &back [0]), 0);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (zanni_read (reply, &back [1], &back [2]), 0);
    for (int i = 0; i < 3; i++) {
        const zanni_buffer_t *sent = buffers [(i + 2) % 3];
        cr_assert_eq (zanni_buffer_size (back [i]), zanni_buffer_size (sent));
        cr_assert_arr_eq (zanni_buffer_data (back [i]), zanni_buffer_data (sent), zanni_buffer_size (sent));
        if (!apart ())
            cr_assert_eq (zanni_buffer_data (back [i]), zanni_buffer_data (sent));
    }
    for (int i = 0; i < 3; i++)
        zanni_buffer_destroy (&buffers [i]);
}

/* Memory that is in use here is not given back; a process has its copy. */
static void
expect_not_freed (void)
{
    if (!apart ())
        cr_assert_eq (atomic_load (&s_frees), 0);
}

/* Until memory that the root lent has come back to it. */
static void
expect_freed_here (void)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (!atomic_load (&s_frees) && zanni_now_ns (root) < until_ns)
        cr_assert_eq (zanni_run (root, 1), 0);
    cr_assert_eq (atomic_load (&s_frees), 1);
    cr_assert_eq (atomic_load (&s_freed_by), (uint64_t) pthread_self ());
}

EVERYWHERE (buffers, that_were_lent_come_back_after_the_last_user_to_the_thread_that_lent_them)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    zanni_buffer_t *buffer = wrap ();
    done (keeper, "hold", buffer);
    zanni_buffer_destroy (&buffer);
    done (keeper, "freed");
    expect_not_freed ();
    done (keeper, "drop");
    expect_freed_here ();
}

EVERYWHERE (buffers, that_were_lent_come_back_after_the_last_slice)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    zanni_buffer_t *buffer = wrap ();
    zanni_buffer_t *slice = NULL;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 10, 10), 0);
    zanni_buffer_destroy (&buffer);
    done (keeper, "hold", slice);
    zanni_buffer_destroy (&slice);
    done (keeper, "freed");
    expect_not_freed ();
    done (keeper, "drop");
    expect_freed_here ();
}

EVERYWHERE (buffers, that_were_lent_come_back_out_of_kept_and_forgotten_messages)
{
    zanni_ref_t *keeper = spawn ("keeper");
    zanni_buffer_t *buffer = wrap ();
    tell (keeper, "hold message", buffer);
    zanni_buffer_destroy (&buffer);
    done (keeper, "freed");
    expect_not_freed ();
    zanni_ref_destroy (&keeper);   // its end lets go of what it kept
    expect_freed_here ();
}

/* Whether the memory that a keeper lent has come back on its thread; how often goes to `frees`. */
static bool
is_freed_there (const zanni_ref_t *keeper, int *frees)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "freed");
    bool there = false;
    cr_assert_eq (zanni_read (reply, &there, frees), 0);
    return there;
}

EVERYWHERE (buffers, that_an_actor_lent_come_back_to_its_thread)
{
    int frees = 0;
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("keeper");
    const zanni_buffer_t *buffer = NULL;
    zanni_msg_t *reply = call (keeper, "lend");
    cr_assert_eq (zanni_read (reply, &buffer), 0);
    done (other, "hold", buffer);
    zanni_msg_destroy (&reply);
    expect_not_freed ();
    done (other, "drop");
    while (!is_freed_there (keeper, &frees)) {}
    cr_assert_eq (frees, 1);
}

BESIDE (buffers, that_an_actor_lent_are_freed_though_it_has_ended)
{
    zanni_ref_t *keeper = spawn ("keeper");
    zanni_msg_t *reply = call (keeper, "lend");
    uint64_t down = monitor (keeper);
    zanni_ref_destroy (&keeper);
    (void) expect_down (down, false);
    zanni_msg_destroy (&reply);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (!atomic_load (&s_frees) && zanni_now_ns (root) < until_ns)
        cr_assert_eq (zanni_run (root, 1), 0);
    cr_assert_eq (atomic_load (&s_frees), 1);
}

static zanni_buffer_t *
letters (size_t size)
{
    void *data;
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, 'a', size);
    return buffer;
}

/* What comes back is written on; whether it is where it was is told. */
static bool
scribble (const zanni_ref_t *keeper, zanni_buffer_t *buffer, bool gives)
{
    bool same = false;
    const zanni_buffer_t *back;
    done (keeper, "drop");
    done (keeper, "hold", buffer);
    if (gives)
        zanni_buffer_destroy (&buffer);
    zanni_msg_t *reply = call (keeper, "scribble");
    cr_assert_eq (zanni_read (reply, &same, &back), 0);
    cr_assert_eq (memcmp (zanni_buffer_data (back), "wwwwwwwwwwaaaaa", 15), 0);
    zanni_msg_destroy (&reply);
    done (keeper, "drop");
    return same;
}

/* As seen by the receiver: what was lent by another process is copied, what came as bytes is its own. */
EVERYWHERE (buffers, that_nobody_else_holds_are_written_to_without_a_copy)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    cr_assert (scribble (keeper, letters (20000), true));
    cr_assert (scribble (keeper, letters (200000), true) || apart ());
}

EVERYWHERE (buffers, that_others_hold_are_copied_before_they_are_written_to)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) buffer = letters (200000);
    bool same = scribble (keeper, buffer, false);
    cr_assert_not (same && !apart ());
    cr_assert_eq (memcmp (zanni_buffer_data (buffer), "aaaaaaaaaaaaaaa", 15), 0, "the sender's is as it was");
}
