/* Who waits for whom, as asks tell it: what a chain keeps, and what a record of it may hold. */

#include "actor/chain.h"
#include "wire/pen.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <zanni.h>

static zanni_t *root;

static void
setup (void)
{
    cr_assert_eq (zanni_new (&root, NULL), 0);
}

static void
teardown (void)
{
    cr_assert_eq (zanni_destroy (&root), 0);
}

TestSuite (chain, .init = setup, .fini = teardown, .timeout = 20);

/* An ask of the root's to itself, with a chain as it came in a record; NULL: none. */
static zanni_msg_t *
s_ask (const uint8_t *bytes, size_t size)
{
    zanni_msg_t *msg = zanni__msg_new (root->worker);
    cr_assert_not_null (msg);
    msg->item.kind = ZANNI__ASK;
    msg->item.flags |= ZANNI__ANSWERED;
    msg->to = root->identity;
    zanni__msg_set_from (root->worker, msg, root->identity, root->worker);
    if (bytes)
        zanni__chain_read (msg, &(zanni_bytes_t) { bytes, size });
    return msg;
}

static void
s_done (zanni_msg_t *msg)
{
    zanni__msg_free (root->worker, msg);
}

/* A waiter like those of the root's node; `node` has 16 bytes. */
static void
s_put (zanni__pen_t *pen, const uint8_t *node, uint64_t actor, const char *name, int64_t left_ms)
{
    zanni__pen_array (pen, 5);
    zanni__pen_bytes (pen, node, 16);
    zanni__pen_uint (pen, actor);
    zanni__pen_text (pen, name, strlen (name));
    zanni__pen_text (pen, "work", 4);
    zanni__pen_int (pen, left_ms);
}

static size_t
s_write (uint8_t *bytes, size_t room, uint32_t count, int64_t left_ms)
{
    uint8_t node [16] = { 1 };
    zanni__pen_t pen = { .at = bytes, .end = bytes + room };
    zanni__pen_text (&pen, "asker", 5);
    for (uint32_t i = 0; i < count; i++)
        s_put (&pen, node, i, "waiter", left_ms);
    cr_assert_not (pen.full);
    return (size_t) (pen.at - bytes);
}

Test (chain, an_ask_that_nobody_waits_for_has_none)
{
    uint8_t room [ZANNI__CHAIN_BYTES];
    zanni_msg_t *msg = s_ask (NULL, 0);
    cr_assert_not (zanni__waited_for (msg));
    cr_assert_null (zanni__chain_write (msg, room, sizeof room).data);
    s_done (msg);
}

Test (chain, is_read_as_it_was_written)
{
    uint8_t bytes [ZANNI__CHAIN_BYTES], room [ZANNI__CHAIN_BYTES];
    size_t size = s_write (bytes, sizeof bytes, 3, -1);
    zanni_msg_t *msg = s_ask (bytes, size);
    cr_assert (zanni__waited_for (msg));
    cr_assert_eq (zanni__chain_count (msg), 3);
    zanni_bytes_t written = zanni__chain_write (msg, room, sizeof room);
    cr_assert_eq (written.size, size - 1, "the asker is called root here");
    cr_assert_arr_eq ((const uint8_t *) written.data + 5, bytes + 6, size - 6);
    s_done (msg);
}

Test (chain, of_more_than_a_record_may_have_is_read_no_further)
{
    uint8_t bytes [2 * ZANNI__CHAIN_BYTES], room [ZANNI__CHAIN_BYTES];
    zanni_msg_t *msg = s_ask (bytes, s_write (bytes, sizeof bytes, 2 * ZANNI__CHAIN_MAX, -1));
    cr_assert_eq (zanni__chain_count (msg), ZANNI__CHAIN_MAX);
    cr_assert_leq (zanni__chain_write (msg, room, sizeof room).size, sizeof room);
    s_done (msg);
}

Test (chain, keeps_the_last_where_it_gets_too_long)
{
    uint8_t bytes [ZANNI__CHAIN_BYTES];
    zanni_msg_t *before = s_ask (bytes, s_write (bytes, sizeof bytes, ZANNI__CHAIN_MAX, -1));
    zanni_msg_t *msg = s_ask (NULL, 0);
    cr_assert (zanni__chain_extend (msg, before, before, ZANNI__CHAIN_MAX));
    cr_assert_eq (zanni__chain_count (msg), ZANNI__CHAIN_MAX);
    char text [232];
    cr_assert (zanni__chain_closes (msg, root->identity, NULL, text, sizeof text), "the last is the root");
    cr_assert_str_eq (text, "each would wait for the next: root calls root.");
    s_done (msg);
    s_done (before);
}

/* "a calls b", but b's call has ended by its deadline, so nobody waits for a. */
Test (chain, whose_deadline_has_passed_closes_no_circle)
{
    char text [232];
    uint8_t bytes [ZANNI__CHAIN_BYTES];
    for (int64_t left_ms = 0; left_ms <= 60000; left_ms += 60000) {
        zanni__pen_t pen = { .at = bytes, .end = bytes + sizeof bytes };
        zanni__pen_text (&pen, "asker", 5);
        s_put (&pen, root->worker->node->id, root->identity->id, "alpha", -1);
        s_put (&pen, (const uint8_t [16]) { 1 }, 7, "beta", left_ms);
        zanni_msg_t *msg = s_ask (bytes, (size_t) (pen.at - bytes));
        bool closes = zanni__chain_closes (msg, root->identity, NULL, text, sizeof text);
        cr_assert_eq (closes, left_ms > 0);
        cr_assert_not (zanni__chain_follows (msg, root->identity, root->identity), "beta is the next");
        s_done (msg);
    }
    cr_assert_str_eq (text, "each would wait for the next: root calls beta.work calls root.work", "it knows its own name");
}

/* The ask is good all the same: somebody waits for it, and no more is known. */
Test (chain, of_bytes_that_are_none_says_nothing)
{
    uint8_t bytes [ZANNI__CHAIN_BYTES], copy [ZANNI__CHAIN_BYTES];
    size_t size = s_write (bytes, sizeof bytes, 2, 5000);
    for (size_t cut = 0; cut < size; cut++) {
        zanni_msg_t *msg = s_ask (bytes, cut);
        cr_assert (zanni__waited_for (msg));
        cr_assert_lt (zanni__chain_count (msg), 2);
        s_done (msg);
    }
    for (size_t at = 0; at < size; at++) {
        memcpy (copy, bytes, size);
        copy [at] ^= 0xff;
        zanni_msg_t *msg = s_ask (copy, size);
        cr_assert (zanni__waited_for (msg));
        s_done (msg);
    }
}

/* Names are other nodes', and stand in error texts, which have to be text. */
Test (chain, names_are_cut_between_characters)
{
    char name [200], text [232];
    uint8_t bytes [ZANNI__CHAIN_BYTES];
    for (size_t lead = 0; lead < 3; lead++) {
        memset (name, 'x', lead);
        for (size_t i = lead; i + 3 < sizeof name; i += 3)
            memcpy (name + i, "\xe2\x82\xac", 4);   // the sign of the euro
        zanni__pen_t pen = { .at = bytes, .end = bytes + sizeof bytes };
        zanni__pen_text (&pen, name, strlen (name));
        for (int i = 0; i < 8; i++)
            s_put (&pen, root->worker->node->id, i ? 7 : root->identity->id, name, -1);
        zanni_msg_t *msg = s_ask (bytes, (size_t) (pen.at - bytes));
        cr_assert (zanni__chain_closes (msg, root->identity, NULL, text, sizeof text));
        for (size_t i = 0; text [i]; i++)
            if ((uint8_t) text [i] == 0xe2)
                cr_assert (!strncmp (text + i, "\xe2\x82\xac", 3), "cut inside of a character");
        s_done (msg);
    }
}
