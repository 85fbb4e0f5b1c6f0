/* A survey asks every worker what it has: no other thread may look into its lists, and to keep what may be looked at would
   cost every message something.

   A sheet of paper goes to each worker as a message for itself, comes back filled in, and completes the survey when it is the
   last. Who is not asked: a worker that has not looked for some time and does not sleep either, for its thread is in a long
   handler, or the host's own and elsewhere. Its sheet has what others see. One that gets stuck with its sheet keeps the
   survey open; who asked has a deadline. */

#include "survey.h"

#include "../answer.h"
#include "../pending.h"
#include "../remote/remote.h"
#include "../watchdog.h"

#include "../../base/memory.h"
#include "../../wire/text.h"

#include <stdio.h>

#define S_AWAY_NS INT64_C (100000000)   // since its last look: it is not asked

/* What the message carries. */
typedef struct {
    uint64_t id;
    zanni_worker_t *asker;   // held
    zanni__picture_t *picture;
    bool back;
} s_trip_t;
_Static_assert (sizeof (s_trip_t) <= ZANNI__MESSAGE_ROOM, "a trip fits a message");

static s_trip_t *
s_trip (zanni_msg_t *msg)
{
    return (s_trip_t *) (void *) msg->room;
}

/* As others see it. */
static void
s_sketch (zanni__picture_t *picture, zanni_worker_t *worker)
{
    snprintf (picture->worker, sizeof picture->worker, "%s", worker->name);
    picture->doing = zanni__doing_what (worker);
    picture->for_ms = picture->doing ? (zanni__node_now (worker->node) - zanni__looked_ns (worker)) / 1000000 : 0;
    picture->stuck = zanni__is_stuck (worker, &picture->actor);
    picture->actors = atomic_load_explicit (&worker->counts.actors, memory_order_relaxed);
    picture->messages = atomic_load_explicit (&worker->counts.messages, memory_order_relaxed);
}

static void
s_name (char *to, const char *name)
{
    snprintf (to, ZANNI__NAME_SHOWN, "%s", name);
    zanni__text_mend (to);   // it may have been cut inside of a character
}

/* The rows are in order, the eldest first: where `begun_ns` belongs, with room made for it. NULL: behind all of them. */
static zanni__asked_t *
s_row (zanni__picture_t *picture, int64_t begun_ns)
{
    uint32_t at = picture->asks_count;
    while (at && picture->asks [at - 1].begun_ns > begun_ns)
        at--;
    if (at == ZANNI_WORK_MOST)
        return NULL;
    uint32_t last = picture->asks_count < ZANNI_WORK_MOST ? picture->asks_count++ : ZANNI_WORK_MOST - 1;
    memmove (&picture->asks [at + 1], &picture->asks [at], (last - at) * sizeof picture->asks [0]);
    return &picture->asks [at];
}

static void
s_show_ask (zanni__picture_t *picture, const zanni__pending_t *pending)
{
    const zanni__identity_t *to = pending->as.ask.target;
    if (pending->as.ask.over || pending->as.ask.answer || !to)
        return;
    picture->asked += pending->as.ask.then || pending->actor->calling == pending->id;   // any other is zanni_receive's
    zanni__asked_t *row = s_row (picture, pending->as.ask.begun_ns);
    if (!row)
        return;
    *row = (zanni__asked_t) {
        .asker = pending->actor->identity->id, .receiver = zanni_ref_address (&to->self).actor, .away = to->elsewhere,
        .begun_ns = pending->as.ask.begun_ns, .waits = pending->actor->calling == pending->id
    };
    s_name (row->asker_class, zanni_ref_class (&pending->actor->identity->self));
    s_name (row->receiver_class, zanni_ref_class (&to->self));
    s_name (row->method, pending->as.ask.starts ? "start" : pending->as.ask.method ? pending->as.ask.method->name
                                                                                  : pending->as.ask.name);
}

static void
s_show_asks (zanni__picture_t *picture, const zanni_worker_t *worker)
{
    for (uint32_t slot = 0; slot < worker->pendings_size; slot++) {
        const zanni__pending_t *pending = zanni__pending_at (worker, slot);
        if (pending && pending->kind == ZANNI__AN_ASK)
            s_show_ask (picture, pending);
    }
}

/* The fullest first. */
static void
s_show_mailbox (zanni__picture_t *picture, const zanni__identity_t *identity, uint64_t messages)
{
    uint32_t at = picture->mailboxes_count;
    while (at && picture->mailboxes [at - 1].messages < messages)
        at--;
    if (at == ZANNI_WORK_MOST)
        return;
    uint32_t last = picture->mailboxes_count < ZANNI_WORK_MOST ? picture->mailboxes_count++ : ZANNI_WORK_MOST - 1;
    zanni__mailbox_t *row = &picture->mailboxes [at];
    memmove (row + 1, row, (last - at) * sizeof *row);
    *row = (zanni__mailbox_t) {
        .actor = identity->id, .messages = messages,
        .bytes = atomic_load_explicit (&identity->queued_bytes, memory_order_relaxed)
                 + atomic_load_explicit (&identity->coming_bytes, memory_order_relaxed)
    };
    s_name (row->cls, zanni_ref_class (&identity->self));
}

static uint64_t
s_held (const zanni_t *actor)
{
    uint64_t count = 0;
    for (const zanni__link_t *link = actor->kept.next; link != &actor->kept; link = link->next)
        count += zanni__ask_is_open (ZANNI__CONTAINER (link, zanni__extra_t, kept)->msg);
    for (const zanni__hook_t *hook = actor->promises; hook; hook = hook->next)
        count += zanni__ask_is_open ((const zanni_msg_t *) (const void *) ((const char *) hook - offsetof (zanni_msg_t, room)));
    return count;
}

static void
s_show_actors (zanni__picture_t *picture, const zanni_worker_t *worker)
{
    for (const zanni__hook_t *hook = worker->actors; hook; hook = hook->next) {
        const zanni__identity_t *identity = ZANNI__CONTAINER (hook, zanni__identity_t, all);
        uint64_t messages = (uint64_t) atomic_load_explicit (&identity->queued, memory_order_relaxed)
                            + atomic_load_explicit (&identity->coming, memory_order_relaxed);
        picture->queued += messages;
        picture->held += identity->actor ? s_held (identity->actor) : 0;
        if (messages)
            s_show_mailbox (picture, identity, messages);
    }
}

/* On the worker's thread. Its own owner may be in a handler that waits. */
static void
s_fill (zanni__picture_t *picture, zanni_worker_t *worker)
{
    const zanni_t *owner = worker->owner ? worker->owner->actor : NULL;
    s_sketch (picture, worker);
    picture->known = true;
    if (picture->doing && picture->doing->builtin)
        picture->doing = NULL;   // this question
    if (owner && owner->handling)
        picture->doing = owner->handling->method;
    s_show_asks (picture, worker);
    s_show_actors (picture, worker);
}

/* The worker gets a sheet of its own to fill in; without memory it has none. */
static void
s_send (zanni_worker_t *from, zanni__survey_t *survey, zanni_worker_t *to)
{
    zanni__picture_t *picture = zanni__calloc (sizeof *picture);
    zanni_msg_t *msg = picture ? zanni__msg_new (from) : NULL;
    if (!msg) {
        zanni__free (picture);
        return;
    }
    zanni_worker_hold (to);
    zanni_worker_hold (from);
    picture->of = to;
    msg->item.kind = ZANNI__SURVEY;
    msg->to = (zanni__identity_t *) (void *) to;
    *s_trip (msg) = (s_trip_t) { .id = survey->id, .asker = from, .picture = picture };
    survey->left++;
    zanni__post (from, to, &msg->item);
}

static bool
s_is_away (const zanni_worker_t *worker)
{
    bool sleeps = atomic_load_explicit (&worker->slept, memory_order_relaxed);
    return !sleeps && zanni__node_now (worker->node) - zanni__looked_ns (worker) > S_AWAY_NS;
}

/* `worker` is held, and that is the picture's then. */
static void
s_ask (zanni_worker_t *from, zanni__survey_t *survey, zanni_worker_t *worker)
{
    zanni__picture_t *picture = zanni__calloc (sizeof *picture);
    if (!picture) {
        zanni_worker_drop (worker);
        return;
    }
    picture->of = worker;
    *survey->end = picture;
    survey->end = &picture->next;
    if (worker == from)
        s_fill (picture, worker);
    else
        s_sketch (picture, worker);
    if (worker != from && !s_is_away (worker))
        s_send (from, survey, worker);
}

/* Those that there are now, held. NULL: no memory. */
static zanni_worker_t **
s_workers (zanni_node_t *node, uint32_t *count)
{
    pthread_mutex_lock (&node->lock);
    zanni_worker_t **all = zanni__malloc (node->workers_size * sizeof *all);
    *count = 0;
    for (uint32_t i = 0; all && i < node->workers_size; i++) {
        zanni_worker_t *worker = node->workers [i];
        if (!worker || worker->kind == ZANNI__WORKER_CONTROL)
            continue;
        zanni_worker_hold (worker);
        all [(*count)++] = worker;
    }
    pthread_mutex_unlock (&node->lock);
    return all;
}

int
zanni__survey_new (zanni_t *self, zanni__survey_t **survey_p)
{
    zanni_worker_t *worker = self->worker;
    uint32_t count;
    zanni__survey_t *survey = zanni__calloc (sizeof *survey);
    zanni_worker_t **all = survey ? s_workers (worker->node, &count) : NULL;
    if (!all) {
        zanni__free (survey);
        return ZANNI_ENOMEM;
    }
    survey->id = ++worker->survey_serial;
    survey->end = &survey->pictures;
    survey->next = worker->surveys;
    worker->surveys = survey;
    for (uint32_t i = 0; i < count; i++)
        s_ask (worker, survey, all [i]);
    zanni__free (all);
    zanni__uncorked (worker);
    *survey_p = survey;
    return 0;
}

void
zanni__survey_destroy (zanni_worker_t *worker, zanni__survey_t **survey_p)
{
    zanni__survey_t *survey = *survey_p;
    zanni__picture_t *next;
    if (!survey)
        return;
    zanni__survey_t **at = &worker->surveys;
    while (*at != survey)
        at = &(*at)->next;
    *at = survey->next;
    for (zanni__picture_t *picture = survey->pictures; picture; picture = next) {
        next = picture->next;
        zanni_worker_drop (picture->of);
        zanni__free (picture);
    }
    zanni__free (survey);
    *survey_p = NULL;
}

void
zanni__survey_close (zanni__survey_t *survey)
{
    for (zanni__picture_t *picture = survey->pictures; picture; picture = picture->next)
        if (!picture->known)
            s_sketch (picture, picture->of);
}

void
zanni__surveys_end (zanni_worker_t *worker, const zanni_t *actor)
{
    zanni__survey_t *next;
    for (zanni__survey_t *survey = worker->surveys; survey; survey = next) {
        next = survey->next;
        if (survey->actor == actor)
            zanni__survey_destroy (worker, &survey);
    }
}

static void
s_take (zanni__survey_t *survey, const zanni__picture_t *filled)
{
    zanni__picture_t *picture = survey->pictures;
    while (picture->of != filled->of)
        picture = picture->next;
    zanni__picture_t *next = picture->next;
    *picture = *filled;
    picture->next = next;
}

static void
s_returns (zanni_worker_t *worker, uint64_t id, const zanni__picture_t *picture)
{
    zanni__survey_t *survey = worker->surveys;
    while (survey && survey->id != id)
        survey = survey->next;
    if (!survey)
        return;
    if (picture->known)
        s_take (survey, picture);
    if (!--survey->left && survey->actor) {
        zanni__work_reply (survey->actor, survey);
        zanni__survey_destroy (worker, &survey);
    }
}

void
zanni__survey_arrives (zanni_worker_t *worker, zanni_msg_t *msg)
{
    s_trip_t *trip = s_trip (msg);
    if (trip->back) {
        s_returns (worker, trip->id, trip->picture);
        zanni__free (trip->picture);
        zanni__msg_release (worker, msg);
    }
    else {
        s_fill (trip->picture, worker);
        trip->back = true;
        msg->to = (zanni__identity_t *) (void *) trip->asker;
        zanni__post (worker, trip->asker, &msg->item);
    }
    zanni_worker_drop (worker);
}

/* Whom it was for has ended; without him it goes back. */
void
zanni__survey_buried (zanni_worker_t *worker, zanni_msg_t *msg)
{
    s_trip_t *trip = s_trip (msg);
    zanni_worker_t *to = zanni__item_home (&msg->item);
    if (trip->back) {
        zanni__free (trip->picture);
        zanni__msg_release (worker, msg);
    }
    else {
        trip->back = true;
        msg->to = (zanni__identity_t *) (void *) trip->asker;
        zanni__post (worker, trip->asker, &msg->item);
    }
    zanni_worker_drop (to);
}
