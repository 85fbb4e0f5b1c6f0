/* Waits and grants: see waiting.h.

   A wait's time is a timer of the actor's, which ends with the wait; so the number that its tick carries is the
   address of a wait that is there. A client stays known until it ends, also while it waits for nothing, since who
   asks once asks again, and monitoring it anew would cost two messages each time. */

#include "waiting.h"

#include "../actor/worker.h"
#include "../base/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <zanni/timer.h>

#define S_WAITS_MOST (1u << 20)            // and grants, of an object
#define S_LONGEST_MS (INT64_C (1) << 41)   // seventy years: for ever, as timers go no further

int
zanni__refuse (zanni_msg_t *msg, int code, const char *format, ...)
{
    char text [200];
    va_list values;
    va_start (values, format);
    vsnprintf (text, sizeof text, format, values);
    va_end (values);
    zanni__msg_set_fault (msg, text);
    return code;
}

void
zanni__waiting_begin (zanni__waiting_t *waiting, zanni_t *self, const zanni__waiting_ops_t *ops)
{
    waiting->self = self;
    waiting->ops = ops;
    zanni__link_init (&waiting->all);
}

static void
s_free_client (zanni__waiting_t *waiting, zanni__client_t *client)
{
    zanni__table_remove (&waiting->clients, &client->entry);
    zanni__link_remove (&client->all);
    zanni_ref_destroy (&client->ref);
    zanni__free (client);
}

/* Promises and timers go with the actor. */
void
zanni__waiting_end (zanni__waiting_t *waiting, void (*drop) (void *item))
{
    while (waiting->self && !zanni__list_empty (&waiting->all)) {
        zanni__client_t *client = ZANNI__CONTAINER (waiting->all.next, zanni__client_t, all);
        while (!zanni__list_empty (&client->waits)) {
            zanni__wait_t *wait = ZANNI__CONTAINER (client->waits.next, zanni__wait_t, own);
            zanni__link_remove (&wait->own);
            zanni__link_remove (&wait->line);
            if (drop && wait->item)
                drop (wait->item);
            zanni__free (wait);   // the table of tickets goes below
        }
        s_free_client (waiting, client);
    }
    zanni__table_free (&waiting->clients);
    zanni__table_free (&waiting->tickets);
    waiting->self = NULL;
}

void
zanni__waiting_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) reason;
    zanni__waiting_end (zanni_state (self), NULL);
}

static zanni__client_t *
s_find (const zanni__waiting_t *waiting, const zanni_ref_t *ref)
{
    uint64_t hash = zanni_ref_hash (ref);
    zanni__entry_t *entry = zanni__table_find (&waiting->clients, hash);
    for (; entry; entry = zanni__table_again (entry->next, hash)) {
        zanni__client_t *client = ZANNI__CONTAINER (entry, zanni__client_t, entry);
        if (zanni_ref_equal (client->ref, ref))
            return client;
    }
    return NULL;
}

zanni__client_t *
zanni__client_of (const zanni__waiting_t *waiting, const zanni_msg_t *msg)
{
    return s_find (waiting, zanni_msg_from (msg));
}

static int
s_client_new (zanni__waiting_t *waiting, zanni__client_t **client_p, const zanni_ref_t *ref)
{
    zanni__client_t *client = zanni__calloc (sizeof *client);
    if (!client)
        return ZANNI_ENOMEM;
    zanni__link_init (&client->waits);
    int rc = zanni_ref_weak (waiting->self, &client->ref, ref);
    if (!rc && !zanni__table_put (&waiting->clients, &client->entry, zanni_ref_hash (ref)))
        rc = ZANNI_ENOMEM;
    if (rc) {
        zanni_ref_destroy (&client->ref);
        zanni__free (client);
        return rc;
    }
    zanni__list_append (&waiting->all, &client->all);
    rc = zanni_monitor (waiting->self, &client->monitor, client->ref);
    if (rc)
        s_free_client (waiting, client);
    else
        *client_p = client;
    return rc;
}

int
zanni__client_get (zanni__waiting_t *waiting, zanni__client_t **client_p, const zanni_msg_t *msg)
{
    zanni__client_t *client = zanni__client_of (waiting, msg);
    if (!client)
        return s_client_new (waiting, client_p, zanni_msg_from (msg));
    *client_p = client;
    return 0;
}

static uint64_t
s_ticket_hash (const zanni__client_t *client, uint64_t ticket)
{
    return zanni__spread (zanni__spread (ticket) ^ (uint64_t) (uintptr_t) client);
}

/* The wait or grant of a client's with that ticket, or NULL. */
static zanni__wait_t *
s_find_ticket (const zanni__waiting_t *waiting, const zanni__client_t *client, uint64_t ticket)
{
    uint64_t hash = s_ticket_hash (client, ticket);
    zanni__entry_t *entry = zanni__table_find (&waiting->tickets, hash);
    for (; entry; entry = zanni__table_again (entry->next, hash)) {
        zanni__wait_t *wait = ZANNI__CONTAINER (entry, zanni__wait_t, entry);
        if (wait->client == client && wait->ticket == ticket)
            return wait;
    }
    return NULL;
}

/* What is wrong with the end of the arguments, or 0. */
static int
s_check (const zanni__waiting_t *waiting, zanni_msg_t *msg, int64_t timeout_ms, uint64_t ticket)
{
    const char *method = zanni_msg_method (msg);
    if (zanni_msg_kind (msg) != ZANNI_MSG_ASK)
        return zanni__refuse (msg, ZANNI_EINVAL, "%s was told: it has to be asked, for it answers", method);
    if (timeout_ms < ZANNI__FOREVER)
        return zanni__refuse (msg, ZANNI_EINVAL, "%s: the timeout is %" PRId64
                              " ms: it is -1 (for ever), 0 (not at all) or more", method, timeout_ms);
    if (!ticket && !waiting->ops->careless && zanni_msg_remaining_ms (msg) != INT64_MAX)
        return zanni__refuse (msg, ZANNI_EINVAL, "%s: an ask without a ticket must have no deadline (deadline_ms"
                              " -1), or what it gets then would be lost; zanni_wait_ask makes one with both", method);
    if (waiting->count == S_WAITS_MOST)
        return zanni__refuse (msg, ZANNI_ETOOBIG, "%s: %u asks wait already", method, S_WAITS_MOST);
    return 0;
}

/* By its ticket a wait is found, which is one of its client's own. */
static int
s_register (zanni__waiting_t *waiting, zanni__wait_t *wait, zanni_msg_t *msg)
{
    if (!wait->ticket)
        return 0;
    if (s_find_ticket (waiting, wait->client, wait->ticket))
        return zanni__refuse (msg, ZANNI_EINVAL, "%s: the ticket %" PRIu64 " is that of another ask of the same"
                              " actor", zanni_msg_method (msg), wait->ticket);
    uint64_t hash = s_ticket_hash (wait->client, wait->ticket);
    return zanni__table_put (&waiting->tickets, &wait->entry, hash) ? 0 : ZANNI_ENOMEM;
}

static void
s_free_wait (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    if (wait->ticket)
        zanni__table_remove (&waiting->tickets, &wait->entry);
    zanni__free (wait);
}

int
zanni__wait_enter (zanni__waiting_t *waiting, zanni__wait_t **wait_p, zanni_msg_t *msg, zanni__link_t *line)
{
    int64_t timeout_ms;
    uint64_t ticket;
    int rc = zanni_read (msg, &timeout_ms, &ticket);
    if (!rc)
        rc = s_check (waiting, msg, timeout_ms, ticket);
    if (rc)
        return rc;
    zanni__wait_t *wait = zanni__calloc (sizeof *wait);
    if (!wait)
        return ZANNI_ENOMEM;
    wait->ticket = ticket;
    rc = zanni__client_get (waiting, &wait->client, msg);
    if (!rc)
        rc = s_register (waiting, wait, msg);
    if (rc) {
        zanni__free (wait);
        return rc;
    }
    rc = zanni_promise_new (waiting->self, &wait->promise, msg);
    if (rc) {
        s_free_wait (waiting, wait);
        return rc;
    }
    zanni__client_t *client = wait->client;
    wait->timeout_ms = timeout_ms > S_LONGEST_MS ? ZANNI__FOREVER : timeout_ms;
    waiting->count++;
    zanni__list_append (&client->waits, &wait->own);
    zanni__list_append (line, &wait->line);
    waiting->entering = wait;
    *wait_p = wait;
    return 0;
}

static void
s_serve (zanni__waiting_t *waiting)
{
    if (waiting->ops->serve)
        waiting->ops->serve (waiting);
}

static void
s_leave (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    zanni__link_remove (&wait->line);
    if (wait->timer) {
        int rc = zanni_timer_cancel (waiting->self, wait->timer);
        (void) rc;   // this is the actor's thread
        wait->timer = 0;
    }
    if (waiting->entering == wait)
        waiting->entering = NULL;
}

void
zanni__wait_free (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    s_leave (waiting, wait);
    zanni__link_remove (&wait->own);
    zanni_promise_destroy (&wait->promise);
    waiting->count--;
    s_free_wait (waiting, wait);
}

void
zanni__grants_free (zanni__waiting_t *waiting, zanni__client_t *client)
{
    for (zanni__link_t *next, *at = client->waits.next; at != &client->waits; at = next) {
        zanni__wait_t *wait = ZANNI__CONTAINER (at, zanni__wait_t, own);
        next = at->next;
        if (!wait->promise)
            zanni__wait_free (waiting, wait);
    }
}

int
zanni__wait_answer (zanni__waiting_t *waiting, zanni__wait_t *wait, const zanni_arg_t *args, size_t count)
{
    s_leave (waiting, wait);
    int rc = zanni_promise_reply_args (waiting->self, &wait->promise, args, count);
    if (rc)
        zanni__wait_fail (waiting, wait, rc, "%s", zanni_strerror (rc));
    else if (!wait->ticket || waiting->ops->careless)
        zanni__wait_free (waiting, wait);
    return rc;
}

/* A promise is an ask without its arguments. */
void
zanni__wait_fail (zanni__waiting_t *waiting, zanni__wait_t *wait, int code, const char *format, ...)
{
    char text [200];
    va_list values;
    va_start (values, format);
    vsnprintf (text, sizeof text, format, values);
    va_end (values);
    zanni_msg_t *ask = (zanni_msg_t *) (void *) wait->promise;
    const zanni_error_t error = { .code = code };
    if (ask && zanni__ask_is_open (ask)) {
        int rc = zanni__answer_error (waiting->self->worker, ask, error.code, 0, text);
        (void) rc;   // no memory: destroying the promise is an answer, too
    }
    zanni__wait_free (waiting, wait);
}

void
zanni__wait_move (zanni__waiting_t *waiting, zanni__wait_t *wait, zanni__link_t *line)
{
    s_leave (waiting, wait);
    zanni__list_append (line, &wait->line);
}

static void
s_late (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    int64_t timeout_ms = wait->timeout_ms;
    s_leave (waiting, wait);
    if (waiting->ops->late)
        waiting->ops->late (waiting, wait);
    else
        zanni__wait_fail (waiting, wait, ZANNI_ETIMEOUT, "timeout: not within %" PRId64 " ms", timeout_ms);
    s_serve (waiting);
}

int
zanni__wait_stay (zanni__waiting_t *waiting)
{
    s_serve (waiting);
    zanni__wait_t *wait = waiting->entering;
    waiting->entering = NULL;
    if (!wait || wait->timeout_ms < 0)
        return 0;
    int rc = 0;
    if (wait->timeout_ms)
        rc = zanni_timer (waiting->self, &wait->timer, wait->timeout_ms, 0, "zanni.due", (uint64_t) (uintptr_t) wait);
    else
        s_late (waiting, wait);
    if (rc)
        zanni__wait_fail (waiting, wait, rc, "%s", zanni_strerror (rc));
    return 0;
}

int
zanni__waiting_due (zanni_t *self, zanni_msg_t *msg)
{
    zanni__waiting_t *waiting = zanni_state (self);
    uint64_t address;
    int rc = zanni_read (msg, &address);
    if (rc)
        return rc;
    zanni__wait_t *wait = (zanni__wait_t *) (uintptr_t) address;
    wait->timer = 0;
    s_late (waiting, wait);
    return 0;
}

/* A wait or grant that is not wanted any more. Of one whose deadline is over here, its client may not know yet. */
static void
s_drop (zanni__waiting_t *waiting, zanni__wait_t *wait, bool ended)
{
    bool waits = wait->promise != NULL;
    s_leave (waiting, wait);
    if (waits && waiting->ops->gone)
        waiting->ops->gone (waiting, wait);
    else if (!waits && waiting->ops->back)
        waiting->ops->back (waiting, wait, ended);
    zanni__wait_fail (waiting, wait, ZANNI_ETIMEOUT, "%s", zanni_strerror (ZANNI_ETIMEOUT));
}

zanni__wait_t *
zanni__line_first (zanni__waiting_t *waiting, zanni__link_t *line)
{
    while (!zanni__list_empty (line)) {
        zanni__wait_t *wait = ZANNI__CONTAINER (line->next, zanni__wait_t, line);
        if (!zanni_promise_is_void (wait->promise))
            return wait;
        s_drop (waiting, wait, false);
    }
    return NULL;
}

static zanni__wait_t *
s_ticket (const zanni__waiting_t *waiting, zanni_msg_t *msg, int *rc)
{
    uint64_t ticket;
    *rc = zanni_read (msg, &ticket);
    const zanni__client_t *client = *rc || !ticket ? NULL : zanni__client_of (waiting, msg);
    return client ? s_find_ticket (waiting, client, ticket) : NULL;
}

int
zanni__waiting_got (zanni_t *self, zanni_msg_t *msg)
{
    int rc;
    zanni__waiting_t *waiting = zanni_state (self);
    zanni__wait_t *wait = s_ticket (waiting, msg, &rc);
    if (!wait || wait->promise)
        return rc;
    if (waiting->ops->got)
        waiting->ops->got (waiting, wait);
    zanni__wait_free (waiting, wait);
    return 0;
}

int
zanni__waiting_give_back (zanni_t *self, zanni_msg_t *msg)
{
    int rc;
    zanni__waiting_t *waiting = zanni_state (self);
    zanni__wait_t *wait = s_ticket (waiting, msg, &rc);
    if (wait) {
        s_drop (waiting, wait, false);
        s_serve (waiting);
    }
    return rc;
}

void
zanni__waiting_down (zanni_t *self, const zanni_down_t *down)
{
    zanni__waiting_t *waiting = zanni_state (self);
    zanni__client_t *client = s_find (waiting, down->ref);
    if (!client || client->monitor != down->monitor)
        return;
    /* The last first, so that what goes back to the front of a line comes into the order in which it was. */
    while (!zanni__list_empty (&client->waits))
        s_drop (waiting, ZANNI__CONTAINER (client->waits.prev, zanni__wait_t, own), true);
    if (waiting->ops->down)
        waiting->ops->down (waiting, client);
    s_free_client (waiting, client);
    s_serve (waiting);
}
