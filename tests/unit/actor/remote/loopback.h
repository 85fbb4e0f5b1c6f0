/* loopback.h: a link without sockets, between nodes of one process that one thread drives. For tests of what crosses nodes.

   A record that is sent waits, as a copy of its own, until the receiving worker looks; acknowledgements come when the test
   says. A worker's endpoint is "loop-" and a number, made with its link. */

#ifndef TESTS_UNIT_ACTOR_LOOPBACK_H
#define TESTS_UNIT_ACTOR_LOOPBACK_H

#include "actor/remote/remote.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <zanni.h>

#define LOOP_LINKS 32
#define LOOP_PEERS 32

typedef struct loop_letter {
    struct loop_letter *next;
    struct loop_link *from;
    zanni_record_t record;
    zanni_wire_ref_t refs [8];
    zanni_wire_ref_t about;
    zanni_buffer_t *buffers [8];
    uint8_t bytes [4096];      // what the record points into
    size_t used;
} loop_letter_t;

typedef struct {
    zanni_peer_t base;
    struct loop_link *link;
    int joins;
} loop_peer_t;

typedef struct loop_link {
    zanni_worker_t *worker;
    loop_letter_t *first;
    loop_letter_t **last;
    loop_peer_t *peers [LOOP_PEERS];
    uint64_t room;             // what `admits` allows
    uint64_t taken;
    bool late;                 // acknowledgements wait for loop_acknowledge
    int refuses;               // records of this kind are not sent: ZANNI_ETOOBIG; 0: none
} loop_link_t;

static loop_link_t *s_links [LOOP_LINKS];
static int s_links_count;
static int s_kinds [64];       // records by kind that were sent

static int
s_loop_open (void *context, zanni_worker_t *worker, void **link_p)
{
    loop_link_t *link = calloc (1, sizeof *link);
    (void) context;
    cr_assert (s_links_count < LOOP_LINKS);
    link->worker = worker;
    link->last = &link->first;
    link->room = UINT64_MAX;
    snprintf (worker->endpoint, sizeof worker->endpoint, "loop-%d", s_links_count);
    s_links [s_links_count++] = link;
    *link_p = link;
    return 0;
}

static loop_link_t *
s_loop_at (const char *endpoint)
{
    for (int i = 0; i < s_links_count; i++)
        if (s_links [i]->worker && !strcmp (s_links [i]->worker->endpoint, endpoint))
            return s_links [i];
    return NULL;
}

static int
s_loop_join (void *self, const char *endpoint, const uint8_t *node, zanni_peer_t **peer_p)
{
    loop_link_t *link = self;
    for (int i = 0; i < LOOP_PEERS; i++) {
        loop_peer_t *peer = link->peers [i];
        if (!peer) {
            peer = link->peers [i] = calloc (1, sizeof *peer);
            peer->link = link;
            peer->base.serial = (uint64_t) i + 1;
            memcpy (peer->base.node, node, 16);
            snprintf (peer->base.endpoint, sizeof peer->base.endpoint, "%s", endpoint);
        }
        if (!strcmp (peer->base.endpoint, endpoint)) {
            peer->joins++;
            *peer_p = &peer->base;
            return 0;
        }
    }
    return ZANNI_ENOMEM;
}

static void
s_loop_leave (zanni_peer_t *peer)
{
    loop_peer_t *self = (loop_peer_t *) peer;
    cr_assert (self->joins-- > 0);
}

static bool
s_loop_admits (zanni_peer_t *peer, uint64_t charge)
{
    return charge <= ((loop_peer_t *) peer)->link->room;
}

static const void *
s_loop_copy (loop_letter_t *letter, const void *data, size_t size)
{
    if (!data)
        return NULL;
    void *copy = letter->bytes + letter->used;
    cr_assert (letter->used + size <= sizeof letter->bytes);
    memcpy (copy, data, size);
    letter->used += size;
    return copy;
}

static void
s_loop_text (loop_letter_t *letter, zanni_bytes_t *bytes)
{
    bytes->data = s_loop_copy (letter, bytes->data, bytes->size);
}

static void
s_loop_ref (loop_letter_t *letter, zanni_wire_ref_t *ref)
{
    ref->node = s_loop_copy (letter, ref->node, 16);
    ref->nonce = s_loop_copy (letter, ref->nonce, 16);
    s_loop_text (letter, &ref->endpoint);
    s_loop_text (letter, &ref->cls);
}

static void
s_loop_tables (loop_letter_t *letter, const zanni_record_t *record, const zanni_buffer_t *const *buffers)
{
    cr_assert (record->refs_count <= 8 && record->buffers_count <= 8);
    for (uint32_t i = 0; i < record->refs_count; i++) {
        letter->refs [i] = record->refs [i];
        s_loop_ref (letter, &letter->refs [i]);
    }
    for (uint32_t i = 0; i < record->buffers_count; i++)
        letter->buffers [i] = zanni_buffer_keep (buffers [i]);
    letter->record.refs = letter->refs;
    if (record->about) {
        letter->about = *record->about;
        s_loop_ref (letter, &letter->about);
        letter->record.about = &letter->about;
    }
}

static int
s_loop_send (zanni_peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers)
{
    loop_peer_t *self = (loop_peer_t *) peer;
    loop_link_t *to = s_loop_at (peer->endpoint);
    if (!to)
        return ZANNI_EROUTE;
    if (self->link->refuses && self->link->refuses == record->kind)
        return ZANNI_ETOOBIG;
    loop_letter_t *letter = calloc (1, sizeof *letter);
    letter->from = self->link;
    letter->record = *record;
    s_loop_tables (letter, record, buffers);
    letter->record.to.nonce = s_loop_copy (letter, record->to.nonce, 16);
    letter->record.from.nonce = s_loop_copy (letter, record->from.nonce, 16);
    s_loop_text (letter, &letter->record.method);
    s_loop_text (letter, &letter->record.args);
    if (record->kind == ZANNI_RECORD_ERROR)
        s_loop_text (letter, &letter->record.as.error.text);
    if (record->kind == ZANNI_RECORD_ERROR)
        letter->record.as.error.node = s_loop_copy (letter, record->as.error.node, 16);
    if (record->kind == ZANNI_RECORD_DOWN || record->kind == ZANNI_RECORD_EXIT)
        s_loop_text (letter, &letter->record.as.end.reason.text);
    *to->last = letter;
    to->last = &letter->next;
    peer->sent++;
    s_kinds [record->kind]++;
    return 0;
}

static void
s_loop_flush (void *link)
{
    (void) link;
}

static void
s_loop_taken (zanni_peer_t *peer, uint64_t charge)
{
    ((loop_peer_t *) peer)->link->taken += charge;
}

static void
s_loop_arrived (loop_letter_t *letter, const loop_link_t *at)
{
    zanni_peer_t *peer;
    cr_assert_eq (s_loop_join (letter->from, at->worker->endpoint, at->worker->node->id, &peer), 0);
    if (!letter->from->late)
        peer->acknowledged++;
    if (!letter->from->late && peer->awaited)
        zanni_worker_acknowledged (letter->from->worker, peer);
    s_loop_leave (peer);
}

static int
s_loop_receive (void *self)
{
    loop_link_t *link = self;
    loop_letter_t *letter;
    int count = 0;
    while ((letter = link->first)) {
        const char *fault = NULL;
        zanni_peer_t *peer;
        link->first = letter->next;
        if (!link->first)
            link->last = &link->first;
        cr_assert_eq (s_loop_join (link, letter->from->worker->endpoint, letter->from->worker->node->id, &peer), 0);
        cr_assert_eq (zanni_worker_record (link->worker, peer, &letter->record, letter->buffers, &fault), 0, "%s", fault);
        s_loop_leave (peer);
        s_loop_arrived (letter, link);
        free (letter);
        count++;
    }
    return count;
}

static bool
s_loop_waiting (void *self)
{
    return ((loop_link_t *) self)->first != NULL;
}

static bool
s_loop_shares (void *self)
{
    (void) self;
    return false;
}

static bool
s_loop_rest (void *self)
{
    return !s_loop_waiting (self);
}

static int64_t
s_loop_next_ns (void *self)
{
    (void) self;
    return INT64_MAX;
}

static void
s_loop_event (void *self, const zanni_node_event_t *event)
{
    (void) self, (void) event;
}

static void
s_loop_close (void *self, int64_t until_ns)
{
    loop_link_t *link = self;
    const zanni_reason_t over = { .kind = ZANNI_EXIT_NO_CONNECTION };
    (void) until_ns;
    for (int i = 0; i < LOOP_PEERS && link->peers [i]; i++)
        zanni_worker_peer_down (link->worker, &link->peers [i]->base, &over, false, false);
    link->worker->endpoint [0] = 0;
    link->worker = NULL;
}

static const zanni_link_ops_t loopback = {
    .size = sizeof (zanni_link_ops_t), .open = s_loop_open, .join = s_loop_join, .leave = s_loop_leave,
    .admits = s_loop_admits, .send = s_loop_send, .flush = s_loop_flush, .taken = s_loop_taken,
    .receive = s_loop_receive, .waiting = s_loop_waiting, .shares = s_loop_shares, .rest = s_loop_rest,
    .next_ns = s_loop_next_ns, .event = s_loop_event, .close = s_loop_close
};

/* A node whose root can be reached; nothing of it runs but by loop_settle. */
static inline zanni_t *
loop_node (zanni_options_t options)
{
    zanni_t *self = NULL;
    options.link = &loopback;
    cr_assert_eq (zanni_new (&self, &options), 0);
    cr_assert_eq (zanni__worker_link (self->worker), 0);
    return self;
}

static inline loop_link_t *
loop_link (zanni_t *self)
{
    return self->worker->link;
}

/* Runs everybody until nobody has anything to do. */
static inline void
loop_settle (zanni_t *const *nodes, int count)
{
    int left = 1;
    for (int rounds = 0; left; rounds++) {
        cr_assert (rounds < 10000, "they do not come to rest");
        left = 0;
        for (int i = 0; i < count; i++)
            left += zanni_step (nodes [i], 100) > 0;
        for (int i = 0; i < count; i++)   // what those sent that stepped later
            left += loop_link (nodes [i])->first != NULL;
    }
}

/* A reference of `to`'s to an actor that `from` refers to, as if it had been sent. */
static inline zanni_ref_t *
loop_introduce (zanni_t *to, zanni_t *from, const zanni_ref_t *ref, bool strong)
{
    zanni_wire_ref_t wire;
    zanni__identity_t *identity;
    cr_assert_eq (zanni__ref_to_wire (from->worker, NULL, &wire, ref->identity, strong, ref->own), 0);
    if (!wire.node)
        wire.node = from->worker->node->id;
    if (!wire.endpoint.size)
        wire.endpoint = (zanni_bytes_t) { from->worker->endpoint, strlen (from->worker->endpoint) };
    cr_assert_eq (zanni__remote_get (to->worker, &identity, &wire), 0);
    zanni_ref_t *copy = zanni__ref_new (identity, to->worker, strong, ref->own);
    zanni__ref_adopt (to, copy);
    if (strong)
        cr_assert_eq (zanni__retain (to->worker, identity), 0);
    return copy;
}

/* What `self` knows of the other's endpoint goes down. */
static inline void
loop_down (zanni_t *self, zanni_t *other, const zanni_reason_t *reason, bool restarts)
{
    loop_link_t *link = loop_link (self);
    for (int i = 0; i < LOOP_PEERS && link->peers [i]; i++)
        if (!strcmp (link->peers [i]->base.endpoint, other->worker->endpoint))
            zanni_worker_peer_down (self->worker, &link->peers [i]->base, reason, restarts, !restarts);
}

#endif
