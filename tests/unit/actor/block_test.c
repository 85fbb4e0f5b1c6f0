/* What waiting leaves behind: the waiters of blocking sends, as their receiver's worker sees them. */

#include "actor/worker.h"

#include <criterion/criterion.h>
#include <zanni.h>

static zanni_t *root;
static zanni_t *other;        // its mailbox takes one message, and nobody handles it
static zanni_ref_t *ref;

static void
setup (void)
{
    const zanni_options_t options = { .mailbox_messages = 1 };
    ZANNI_AUTO (zanni_msg_t) hello = NULL;
    cr_assert_eq (zanni_new (&root, &options), 0);
    cr_assert_eq (zanni_attach (&other, zanni_node_of (root)), 0);
    cr_assert_eq (zanni_tell (other, zanni_self (root), "hello"), 0);
    cr_assert_eq (zanni_receive (root, &hello, 5000), 0);
    cr_assert_eq (zanni_ref_keep (root, &ref, zanni_msg_from (hello)), 0);
    cr_assert_eq (zanni_tell (root, ref, "fill"), 0);
}

static void
teardown (void)
{
    zanni_ref_destroy (&ref);
    cr_assert_eq (zanni_destroy (&other), 0);
    cr_assert_eq (zanni_destroy (&root), 0);
}

TestSuite (block, .init = setup, .fini = teardown, .timeout = 20);

static bool
has_waiters (void)
{
    zanni__worker_look (other->worker);
    return other->identity->watchers != NULL;
}

Test (block, who_asks_to_be_told_of_room_waits_with_the_receiver)
{
    cr_assert_eq (zanni_when_writable (root, ref, "room"), 0);
    cr_assert (has_waiters ());
}

Test (block, a_send_that_waited_in_vain_leaves_no_waiter_behind)
{
    for (int i = 0; i < 3; i++) {
        cr_assert_eq (zanni_tell_wait (root, ref, 1, "more"), ZANNI_ETIMEOUT);
        cr_assert_not (has_waiters ());
    }
}
