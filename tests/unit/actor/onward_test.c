/* A chain whose memory runs out, at any allocation on its way: its asker gets one answer all the same, and nothing is
   left. */

#include "support/faults.h"

#include <criterion/criterion.h>
#include <zanni.h>

static int
cell_twice (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, 2 * number);
}

static const zanni_method_t cell_methods [] = {
    ZANNI_METHOD ("twice", "x", "x", cell_twice, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t cell_class = { .name = "cell", .methods = cell_methods };
static const zanni_class_t *const classes [] = { &cell_class, NULL };

static int s_answers;
static int64_t s_number;   // or the code

static void
answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) self, (void) arg;
    s_answers++;
    if (!zanni_msg_error (reply, &error))
        s_number = error.code;
    else if (zanni_read (reply, &s_number))
        s_number = 0;
}

Test (onward, is_answered_once_when_memory_is_short, .timeout = 30)
{
    zanni_t *self = NULL;
    zanni_ref_t *first = NULL, *last = NULL;
    const zanni_ask_t ask = { .then = answered };
    const zanni_spawn_t here = { .place = ZANNI_HERE };
    bool struck = true;
    cr_assert_eq (zanni_init (classes), 0);
    faults_install ();
    long held = faults_held ();
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_spawn (self, &first, "cell", &here), 0);
    cr_assert_eq (zanni_spawn (self, &last, "cell", &here), 0);
    const zanni_bound_t then = { last, "twice" };
    for (long nth = 1; struck; nth++) {
        s_answers = 0;
        faults_fail (nth, 0);
        int rc = zanni_ask (self, first, &ask, ZANNI_CHAIN (&then, "twice", 5));
        while (zanni_step (self, 64) > 0)
            continue;
        struck = faults_struck ();
        faults_fail (0, 0);
        cr_assert (!rc || (struck && rc == ZANNI_ENOMEM), "%s", zanni_strerror (rc));
        cr_assert_eq (s_answers, !rc);
        bool short_of_memory = s_number == ZANNI_ENOMEM || s_number == ZANNI_ENOREPLY;
        cr_assert (rc || s_number == 20 || (struck && short_of_memory), "allocation %ld: %d", nth, (int) s_number);
    }
    cr_assert_eq (s_number, 20);
    zanni_ref_destroy (&first);
    zanni_ref_destroy (&last);
    cr_assert_eq (zanni_destroy (&self), 0);
    cr_assert_eq (faults_held (), held);
}
