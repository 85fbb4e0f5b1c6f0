/* What leaves the node passes one hook: a stand-in hands what arrives to its link, whatever sent it. The link here
   writes down what it gets; its answer comes back as an answer of any actor does. */

#include "actor/answer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <zanni.h>

typedef struct {
    int count;
    int kind;
    uint64_t id;
    uint64_t to;
    uint64_t from;
    int64_t remaining_ms;
    size_t refs;
    size_t buffers;
    char method [32];
    int answer;          // what send is to answer
} s_sent_t;

static int
s_link_send (void *link, const zanni_record_t *record)
{
    s_sent_t *sent = link;
    if (sent->answer)
        return sent->answer;
    sent->count++;
    sent->kind = (int) record->kind;
    sent->id = record->id;
    sent->to = record->to.actor;
    sent->from = record->from.actor;
    sent->remaining_ms = record->remaining_ms;
    sent->refs = record->refs_count;
    sent->buffers = record->buffers_count;
    snprintf (sent->method, sizeof sent->method, "%s", record->method);
    return 0;
}

static const zanni_link_ops_t s_link = { .size = sizeof (zanni_link_ops_t), .send = s_link_send };

static zanni_t *
s_begin (s_sent_t *sent, zanni_ref_t **ref_p)
{
    zanni_t *self = NULL;
    const zanni_address_t there = { .node = { 7 }, .actor = 42 };
    *sent = (s_sent_t) { 0 };
    cr_assert_eq (zanni_new (&self, &((zanni_options_t) { .link = &s_link })), 0);
    cr_assert_eq (zanni__stand_in_new (self, ref_p, &there, sent), 0);
    return self;
}

Test (route, a_tell_to_a_stand_in_becomes_a_record_of_its_link)
{
    s_sent_t sent;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    ZANNI_AUTO (zanni_t) self = s_begin (&sent, &ref);
    cr_assert_eq (zanni_buffer_new (self, &buffer, 10), 0);
    cr_assert_eq (zanni_tell (self, ref, "greet", 5, buffer, zanni_self (self)), 0);
    cr_expect_eq (sent.count, 1);
    cr_expect_eq (sent.kind, ZANNI_RECORD_TELL);
    cr_expect_eq (sent.to, 42);
    cr_expect_eq (sent.refs, 1);
    cr_expect_eq (sent.buffers, 1);
    cr_expect_str_eq (sent.method, "greet");
    zanni_ref_destroy (&ref);
}

Test (route, a_stand_in_says_where_its_actor_is)
{
    s_sent_t sent;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_t) self = s_begin (&sent, &ref);
    zanni_address_t address = zanni_ref_address (ref);
    cr_expect_eq (address.actor, 42);
    cr_expect_eq (address.node [0], 7);
    zanni_ref_destroy (&ref);
}

Test (route, an_ask_carries_its_id_and_what_is_left_of_its_deadline)
{
    s_sent_t sent;
    uint64_t id = 0;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_t) self = s_begin (&sent, &ref);
    const zanni_ask_t ask = { .deadline_ms = 1000, .id_p = &id };
    cr_assert_eq (zanni_ask (self, ref, &ask, "sum", 1, 2), 0);
    cr_expect_eq (sent.kind, ZANNI_RECORD_ASK);
    cr_expect_eq (sent.id, id);
    cr_expect (sent.remaining_ms > 0 && sent.remaining_ms <= 1000);
    zanni_ref_destroy (&ref);
}

Test (route, an_ask_that_its_link_refuses_is_answered_with_the_reason)
{
    s_sent_t sent;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_t) self = s_begin (&sent, &ref);
    sent.answer = ZANNI_EROUTE;
    cr_expect_eq (zanni_call (self, NULL, ref, "sum"), ZANNI_EROUTE);
    zanni_ref_destroy (&ref);
}

Test (route, a_monitor_of_a_stand_in_fires_with_no_connection_where_links_carry_none)
{
    s_sent_t sent;
    uint64_t monitor;
    zanni_down_t down;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    ZANNI_AUTO (zanni_t) self = s_begin (&sent, &ref);
    cr_assert_eq (zanni_monitor (self, &monitor, ref), 0);
    cr_assert_eq (zanni_receive (self, &msg, 1000), 0);
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_expect_eq (down.reason.kind, ZANNI_EXIT_NO_CONNECTION);
    zanni_msg_destroy (&msg);
    zanni_ref_destroy (&ref);
}
