/* What an actor puts aside when memory is short, and behind what a behaviour's high messages go. */

#include "support/faults.h"

#include <criterion/criterion.h>
#include <zanni.h>

typedef struct {
    int aside;
    int failed;
    int64_t seen [8];
    size_t count;
} waiter_t;

static waiter_t *s_waiter;

static int
waiter_start (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    s_waiter = zanni_state (self);
    return 0;
}

static int
waiter_put (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_stash (self, msg);
    s_waiter->aside += !rc;
    s_waiter->failed += rc == ZANNI_ENOMEM;
    return rc;
}

static int
waiter_note (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (!rc && s_waiter->count < 8)
        s_waiter->seen [s_waiter->count++] = number;
    return rc ? rc : zanni_reply (self, msg);
}

static int
waiter_take_up (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_become (self, "noter");
    (void) msg;
    return rc ? rc : zanni_unstash_all (self) < 0;
}

static const zanni_method_t waiter_methods [] = {
    ZANNI_METHOD ("put", "x", "", waiter_put, ""),
    ZANNI_METHOD ("put first", "x", "", waiter_note, ""),
    ZANNI_METHOD ("take up", "", "", waiter_take_up, ""),
    ZANNI_METHOD_END
};
static const zanni_method_t noter_methods [] = {
    ZANNI_METHOD ("put", "x", "", waiter_note, ""),
    ZANNI_HIGH ("put first", "x", "", waiter_note, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t waiter_class = {
    .name = "waiter", .state_size = sizeof (waiter_t), .methods = waiter_methods, .start = waiter_start
};
static const zanni_class_t noter_class = {
    .name = "noter", .state_size = sizeof (waiter_t), .methods = noter_methods
};
static const zanni_class_t *const classes [] = { &waiter_class, &noter_class, NULL };

static zanni_t *self;
static zanni_ref_t *s_ref;

static void
settle (void)
{
    while (zanni_step (self, 64) > 0)
        continue;
}

static void
begin (void)
{
    cr_assert_eq (zanni_init (classes), 0);
    faults_install ();
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_spawn (self, &s_ref, "waiter", &(zanni_spawn_t) { .place = ZANNI_HERE }), 0);
}

static void
end (void)
{
    faults_fail (0, 0);
    zanni_ref_destroy (&s_ref);
    cr_assert_eq (zanni_destroy (&self), 0);
}

TestSuite (behaviour, .init = begin, .fini = end, .timeout = 20);

static void
expect_seen (const int64_t *numbers, size_t count)
{
    cr_assert_eq (s_waiter->count, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq (s_waiter->seen [i], numbers [i], "at %zu: %d", i, (int) s_waiter->seen [i]);
}

Test (behaviour, says_when_there_is_no_memory_to_put_an_ask_aside_and_its_asker_gets_that)
{
    for (long nth = 1;; nth++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        zanni_error_t error = { 0 };
        int failed = s_waiter->failed, aside = s_waiter->aside;
        cr_assert_eq (zanni_ask (self, s_ref, NULL, "put", 5), 0);
        faults_fail (nth, 0);
        settle ();
        bool struck = faults_struck ();
        faults_fail (0, 0);
        cr_assert_eq (s_waiter->failed - failed, struck);
        cr_assert_eq (s_waiter->aside - aside, !struck);
        if (!struck)
            return;
        cr_assert_eq (zanni_receive (self, &reply, 0), 0);
        cr_assert_eq (zanni_msg_error (reply, &error), 0);
        cr_assert_eq (error.code, ZANNI_ENOMEM);
    }
}

Test (behaviour, takes_up_before_the_mailbox_what_was_put_aside_and_high_ones_go_first_from_then_on)
{
    cr_assert_eq (zanni_tell (self, s_ref, "put", 1), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "put", 2), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "take up"), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "put first", 3), 0);   // arrives before it is high
    cr_assert_eq (zanni_tell (self, s_ref, "put", 4), 0);
    settle ();
    cr_assert_eq (zanni_tell (self, s_ref, "put", 5), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "put first", 6), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "put first", 7), 0);
    settle ();
    expect_seen ((const int64_t []) { 1, 2, 3, 4, 6, 7, 5 }, 7);
}

/* The last of those that overtook leaves the mailbox: by its end of time, by a cancel, or since it is no high one any
   more. */
Test (behaviour, knows_which_high_one_is_the_last_when_others_have_left)
{
    uint64_t ask = 0;
    const zanni_ask_t options = { .id_p = &ask };
    cr_assert_eq (zanni_tell (self, s_ref, "take up"), 0);
    settle ();
    cr_assert_eq (zanni_tell (self, s_ref, "put", 1), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "put first", 2), 0);
    cr_assert_eq (zanni_ask (self, s_ref, &options, "put first", 3), 0);
    cr_assert_eq (zanni_cancel (self, ask), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "put first", 4), 0);
    settle ();
    cr_assert_eq (zanni_tell (self, s_ref, "put", 5), 0);
    cr_assert_eq (zanni_ask (self, s_ref, &options, "put first", 6), 0);
    cr_assert_eq (zanni_cancel (self, ask), 0);
    cr_assert_eq (zanni_tell (self, s_ref, "put first", 7), 0);
    settle ();
    expect_seen ((const int64_t []) { 2, 4, 1, 7, 5 }, 5);
}
