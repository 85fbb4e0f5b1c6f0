/* Calls in a circle, found before the last of them is made.

   An actor that waits in a call serves nobody. So when B, which serves a call of A, calls A itself, neither ever goes on: A
   waits for B's answer, and B's call for A. That is certain, not likely, as long as A's ask is open at B, since nobody but B
   can answer it, and A's deadline has not passed. And so it is with more of them in between: each ask by which its asker
   waits says so, and tells who waits for the asker by whose ask, the *chain*; whoever calls looks for its receiver there.
   What is not certain is never refused: an ask that was answered, passed on or promised is no link, nor is one without a call.

   Others meet too late for that: both call before either is served, or an actor keeps an ask and serves it later. probe.c
   finds those.

   An ask without a chain costs a number in its envelope, and a byte or two in a record. */

#include "chain.h"
#include "remote/remote.h"

#include "../base/memory.h"
#include "../wire/pen.h"
#include "../wire/limits.h"
#include "../wire/reader.h"
#include "../wire/text.h"

#include <stdio.h>

#define S_NAME 40

/* Who waits, and in which call. */
typedef struct {
    zanni_address_t who;
    int64_t deadline_ns;
    char cls [S_NAME];
    char method [S_NAME];   // of the next
} s_waiter_t;

/* Of a message: in its `extra`, and freed with that. The first is who called first. */
typedef struct {
    uint32_t count;
    s_waiter_t waiters [];
} s_chain_t;

static const s_chain_t *
s_chain (const zanni_msg_t *msg)
{
    static const s_chain_t none;
    return msg->extra && msg->extra->chain ? msg->extra->chain : &none;
}

/* As much of a name as fits, in whole characters. */
static void
s_name (char *to, const void *name, size_t size)
{
    size = size < S_NAME ? size : S_NAME - 1;
    while (size && !zanni__text_valid (name, size))
        size--;
    memcpy (to, name, size);
    to [size] = 0;
}

/* What an actor of this node is called: its class, or what its worker is. */
static const char *
s_called (const zanni__identity_t *identity)
{
    const char *cls = zanni_ref_class (&identity->self);
    return *cls ? cls : identity->worker->name;
}

/* What the asker is called; of another node's it came with the ask, whose `code` says where it lies in its room. */
static const char *
s_asker (const zanni_msg_t *ask)
{
    if (!ask->from->elsewhere)
        return s_called (ask->from);
    return ask->code > ZANNI__CALLED ? (const char *) ask->room + (ask->code - ZANNI__CALLED - 1) : "somebody";
}

static void
s_set (s_waiter_t *waiter, const zanni_msg_t *ask)
{
    const char *method = ask->item.kind == ZANNI__ASK ? zanni_msg_method (ask) : "start";
    const char *cls = s_asker (ask);
    *waiter = (s_waiter_t) { .who = zanni_ref_address (&ask->from->self), .deadline_ns = ask->deadline_ns };
    s_name (waiter->cls, cls, strlen (cls));
    s_name (waiter->method, method, strlen (method));
}

/* Says that the asker waits, and what it is called, where there is room for that. */
static void
s_set_name (zanni_msg_t *ask, const char *name)
{
    char *at = ask->from->elsewhere ? zanni__msg_room_left (ask, strlen (name) + 1) : NULL;
    ask->code = at ? (int32_t) (at - (char *) ask->room) + ZANNI__CALLED + 1 : ZANNI__CALLED;
    if (at)
        strcpy (at, name);
}

/* A chain for `msg` with room for so many; what it holds is the caller's to fill in. NULL: no memory. */
static s_chain_t *
s_make (zanni_msg_t *msg, uint32_t count)
{
    s_chain_t *chain = zanni__malloc (sizeof *chain + count * sizeof *chain->waiters);
    zanni__extra_t *extra = chain ? zanni__msg_extra (msg) : NULL;
    if (!extra) {
        zanni__free (chain);
        return NULL;
    }
    chain->count = count;
    extra->chain = chain;   // it had none
    return chain;
}

bool
zanni__chain_extend (zanni_msg_t *msg, const zanni_msg_t *before, const zanni_msg_t *ask, uint32_t most)
{
    const s_chain_t *old = s_chain (before);
    uint32_t kept = old->count < most ? old->count : most - 1;
    s_waiter_t last;
    s_set (&last, ask);
    s_chain_t *chain = s_make (msg, kept + 1);
    if (!chain)
        return false;
    memcpy (chain->waiters, old->waiters + old->count - kept, kept * sizeof *chain->waiters);
    chain->waiters [kept] = last;
    return true;
}

uint32_t
zanni__chain_count (const zanni_msg_t *msg)
{
    return s_chain (msg)->count;
}

/* The ask that `self` serves and that its asker waits for; NULL: there is none. */
static zanni_msg_t *
s_served (const zanni_t *self)
{
    zanni_msg_t *msg = self->worker->current ? self->worker->current : self->serving;
    return msg && zanni__waited_for (msg) && zanni__ask_is_open (msg) ? msg : NULL;
}

/* Where in a chain `who` waits, and all behind it still do; its count: nowhere. */
static uint32_t
s_find (const s_chain_t *chain, const zanni_address_t *who, int64_t now_ns)
{
    for (uint32_t at = chain->count; at-- > 0 && chain->waiters [at].deadline_ns > now_ns;)
        if (!memcmp (&chain->waiters [at].who, who, sizeof *who))
            return at;
    return chain->count;
}

/* "a calls b.x calls c.y calls a.z" */
bool
zanni__chain_closes (const zanni_msg_t *msg, const zanni__identity_t *self, const char *method, char *text, size_t size)
{
    const s_chain_t *chain = s_chain (msg);
    const zanni_address_t who = zanni_ref_address (method ? &msg->to->self : &self->self);
    uint32_t at = s_find (chain, &who, zanni__node_now (self->worker->node));
    if (at == chain->count)
        return false;
    int used = snprintf (text, size, "each would wait for the next: %s", method ? chain->waiters [at].cls : s_called (self));
    for (uint32_t i = at; i < chain->count && used > 0 && (size_t) used < size; i++)
        used += snprintf (text + used, size - (size_t) used, " calls %s.%s",
                          i + 1 < chain->count ? chain->waiters [i + 1].cls : s_called (self), chain->waiters [i].method);
    if (method && used > 0 && (size_t) used < size)
        snprintf (text + used, size - (size_t) used, " calls %s.%s", chain->waiters [at].cls, method);
    zanni__text_mend (text);   // it may have been cut inside of a character
    return true;
}

bool
zanni__chain_follows (const zanni_msg_t *msg, const zanni__identity_t *self, const zanni__identity_t *next)
{
    const s_chain_t *chain = s_chain (msg);
    const zanni_address_t who = zanni_ref_address (&self->self), behind = zanni_ref_address (&next->self);
    uint32_t at = s_find (chain, &who, INT64_MIN) + 1;
    return at < chain->count && !memcmp (&chain->waiters [at].who, &behind, sizeof behind);
}

int
zanni__chain_call (zanni_t *self, zanni_msg_t *msg, zanni_error_t *error)
{
    zanni_msg_t *served = s_served (self);
    char text [sizeof error->text];
    msg->code = ZANNI__CALLED;
    if (!served || !zanni__chain_extend (msg, served, served, ZANNI__CHAIN_MAX)
        || !zanni__chain_closes (msg, self->identity, zanni_msg_method (msg), text, sizeof text))
        return 0;
    zanni__error_set (error, ZANNI_EDEADLOCK, text);
    zanni__msg_set_fault (served, text);
    return ZANNI_EDEADLOCK;
}

void
zanni__chain_pass (zanni_msg_t *to, const zanni_msg_t *from)
{
    const s_chain_t *chain = s_chain (from);
    if (!zanni__waited_for (from))
        return;
    s_set_name (to, s_asker (from));
    s_chain_t *copy = chain->count ? s_make (to, chain->count) : NULL;
    if (copy)
        memcpy (copy->waiters, chain->waiters, chain->count * sizeof *chain->waiters);
}

zanni_bytes_t
zanni__chain_write (const zanni_msg_t *msg, uint8_t *room, size_t size)
{
    const s_chain_t *chain = s_chain (msg);
    zanni__pen_t pen = { .at = room, .end = room + size };
    int64_t now_ns = chain->count ? zanni__node_now (msg->to->worker->node) : 0;
    if (msg->code < ZANNI__CALLED)
        return (zanni_bytes_t) { 0 };
    const char *name = s_asker (msg);
    zanni__pen_text (&pen, name, strnlen (name, S_NAME - 1));
    for (uint32_t i = 0; i < chain->count; i++) {
        const s_waiter_t *waiter = &chain->waiters [i];
        int64_t left_ns = waiter->deadline_ns - now_ns;
        int64_t left_ms = waiter->deadline_ns == INT64_MAX ? -1 : left_ns > 0 ? (left_ns + 999999) / 1000000 : 0;
        zanni__pen_array (&pen, 5);
        zanni__pen_bytes (&pen, waiter->who.node, sizeof waiter->who.node);
        zanni__pen_uint (&pen, waiter->who.actor);
        zanni__pen_text (&pen, waiter->cls, strlen (waiter->cls));
        zanni__pen_text (&pen, waiter->method, strlen (waiter->method));
        zanni__pen_int (&pen, left_ms);
    }
    zanni__assert (!pen.full);
    return (zanni_bytes_t) { room, (size_t) (pen.at - room) };
}

static bool
s_read_name (zanni__reader_t *reader, char *name)
{
    zanni__value_t value;
    if (!zanni__reader_next (reader, &value) || value.form != ZANNI__STR)
        return false;
    s_name (name, value.value.data, value.size);
    return true;
}

static bool
s_read_waiter (zanni__reader_t *reader, s_waiter_t *waiter, int64_t now_ns)
{
    zanni__value_t node, actor, left;
    uint32_t count;
    if (!zanni__reader_array (reader, &count) || count < 5 || !zanni__reader_next (reader, &node)
        || node.form != ZANNI__BIN || node.size != sizeof waiter->who.node || !zanni__reader_next (reader, &actor)
        || actor.form != ZANNI__UINT || !s_read_name (reader, waiter->cls) || !s_read_name (reader, waiter->method)
        || !zanni__reader_next (reader, &left) || (left.form != ZANNI__UINT && left.form != ZANNI__INT))
        return false;
    memcpy (waiter->who.node, node.value.data, sizeof waiter->who.node);
    waiter->who.actor = actor.value.u;
    bool ends = left.form == ZANNI__UINT && left.value.u < INT64_MAX / 4000000;
    waiter->deadline_ns = ends ? now_ns + (int64_t) left.value.u * 1000000 : INT64_MAX;
    while (count-- > 5)
        if (!zanni__reader_skip (reader, ZANNI__WIRE_DEPTH))
            return false;
    return true;
}

/* What is no chain says nothing: the ask is good without. */
void
zanni__chain_read (zanni_msg_t *msg, const zanni_bytes_t *bytes)
{
    s_waiter_t waiters [ZANNI__PROBE_MAX];
    const uint32_t most = msg->item.kind == ZANNI__PROBE ? ZANNI__PROBE_MAX : ZANNI__CHAIN_MAX;
    uint32_t count = 0;
    char name [S_NAME];
    zanni__reader_t reader = zanni__reader (bytes->data, (uint32_t) bytes->size);
    msg->code = ZANNI__CALLED;
    if (!s_read_name (&reader, name))
        return;
    s_set_name (msg, name);
    if (reader.at == reader.end)
        return;
    int64_t now_ns = zanni__node_now (msg->to->worker->node);
    while (reader.at < reader.end && count < most)
        if (!s_read_waiter (&reader, &waiters [count++], now_ns))
            return;
    s_chain_t *chain = s_make (msg, count);
    if (chain)
        memcpy (chain->waiters, waiters, count * sizeof *waiters);
}
