/* Seats: where workers sit, come and go.

   Who has been spawned is monitored and asked something that every actor answers: the answer comes when its start was
   good, and so it counts as started; the same question tells later whether it lives. Jobs wait until all have started
   the first time, so that the first is not given what is for all.

   A worker that ends is replaced at once, and the pool keeps the times of the last ends: where the ring of them is
   full and the oldest is younger than the limit says, it gives up. */

#include "pool.h"

#include "../base/memory.h"

#include <stdio.h>

#define S_RETRY_MS 100

static zanni__pool_seat_t *
s_seat_new (uint32_t number)
{
    zanni__pool_seat_t *seat = zanni__calloc (sizeof *seat);
    if (!seat)
        return NULL;
    seat->number = number;
    seat->shut = ZANNI__POOL_ABSENT;
    zanni__link_init (&seat->link);
    zanni__link_init (&seat->jobs);
    zanni__link_init (&seat->waiting);
    return seat;
}

/* After the monitor has fired, or for good. */
static void
s_empty (zanni__pool_t *pool, zanni__pool_seat_t *seat)
{
    if (seat->probe)
        zanni__ask_forget (pool->self, seat->probe);
    seat->probe = 0;
    seat->monitor = 0;
    seat->shut = (uint8_t) ((seat->shut & ~ZANNI__POOL_FULL) | ZANNI__POOL_ABSENT);
    pool->status.running -= seat->started;
    seat->started = false;
    zanni_ref_destroy (&seat->ref);
}

static bool
s_all_started (const zanni__pool_t *pool)
{
    for (uint32_t i = 0; i < pool->count; i++)
        if (!pool->seats [i]->started)
            return false;
    return true;
}

/* The first time: all begin together. */
static void
s_look_whether_begun (zanni__pool_t *pool)
{
    if (pool->begun || !s_all_started (pool))
        return;
    pool->begun = true;
    for (uint32_t i = 0; i < pool->count; i++)
        pool->seats [i]->shut &= (uint8_t) ~ZANNI__POOL_ABSENT;
    if (pool->began) {
        int rc = zanni_promise_reply (pool->self, &pool->began);
        (void) rc;   // without memory: dropped with the pool, or its asker's time is over
    }
}

static void
s_probed (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni__pool_t *pool = zanni_state (self);
    zanni__pool_seat_t *seat = arg;
    zanni_error_t error;
    seat->probe = 0;
    if (zanni__speaks_of_end (reply, &error))
        return;   // its DOWN is on its way; any other error is said by one that lives
    pool->status.running += !seat->started;
    seat->started = true;
    if (pool->begun)
        seat->shut &= (uint8_t) ~ZANNI__POOL_ABSENT;
    s_look_whether_begun (pool);
    zanni__jobs_of_living (pool, seat);
    zanni__jobs_flow (pool);
    zanni__pool_seats_settle (pool);
}

void
zanni__pool_seat_doubt (zanni__pool_t *pool, zanni__pool_seat_t *seat)
{
    const zanni_ask_t ask = { .then = s_probed, .arg = seat, .deadline_ms = -1, .id_p = &seat->probe };
    if (seat->probe)
        return;
    seat->unsure = zanni_ask (pool->self, seat->ref, &ask, "zanni.describe") != 0;
    if (seat->unsure)
        zanni__pool_retry (pool);
}

/* A worker of this pool's, where it is spread over the threads: the next thread. */
static int
s_spawn (zanni__pool_t *pool, zanni__pool_seat_t *seat, zanni_error_t *error)
{
    zanni_spawn_t options = pool->spawn;
    options.on = pool->on;
    options.error = error;
    if (options.place == ZANNI_SHARED && !options.worker && !options.on)
        options.worker = 1 + seat->number % pool->self->worker->node->options.workers;
    int rc = zanni_spawn_args (pool->self, &seat->ref, pool->cls->workers->definition->name, &options, pool->args,
                               pool->args_count);
    if (!rc)
        rc = zanni_monitor (pool->self, &seat->monitor, seat->ref);
    if (rc)
        zanni_ref_destroy (&seat->ref);
    else
        zanni__pool_seat_doubt (pool, seat);
    return rc;
}

/* Room for the ends of so many workers; the latest are kept. */
static int
s_bound_ends (zanni__pool_t *pool, uint32_t workers)
{
    uint32_t most = pool->setup.restarts ? pool->setup.restarts : ZANNI__POOL_RESTARTS * workers;
    uint32_t kept = pool->ends < most ? pool->ends : most;
    if (most == pool->ends_most)
        return 0;
    int64_t *ends_ns = zanni__malloc (most * sizeof *ends_ns);
    if (!ends_ns)
        return ZANNI_ENOMEM;
    for (uint32_t i = 0; i < kept; i++)   // the oldest is where the next one goes, or the first of all
        ends_ns [i] = pool->ends_ns [(pool->ends_at + pool->ends_most - kept + i) % pool->ends_most];
    zanni__free (pool->ends_ns);
    pool->ends_ns = ends_ns;
    pool->ends_most = most;
    pool->ends = kept;
    pool->ends_at = kept % most;
    return 0;
}

/* Whether one more that has ended is one too many. */
static bool
s_count_end (zanni__pool_t *pool)
{
    int64_t now_ns = zanni_now_ns (pool->self);
    uint32_t most = pool->ends_most;
    pool->status.ended++;
    if (pool->ends == most && now_ns - pool->ends_ns [pool->ends_at] <= pool->setup.restart_ms * 1000000)
        return true;
    pool->ends += pool->ends < most;
    pool->ends_ns [pool->ends_at] = now_ns;
    pool->ends_at = (pool->ends_at + 1) % most;
    return false;
}

static void
s_give_up (zanni__pool_t *pool, int64_t code, const char *why)
{
    zanni__pool_fail (pool, (int) code, "%u workers of class %.40s ended within %" PRId64 " ms, at last: %.60s",
                      pool->ends_most + 1, pool->cls->workers->definition->name, pool->setup.restart_ms, why);
}

/* Somebody new for an empty seat. */
static void
s_take_seat (zanni__pool_t *pool, zanni__pool_seat_t *seat)
{
    zanni_error_t error = { 0 };
    int rc = s_spawn (pool, seat, &error);
    if (!rc)
        return;
    if (!pool->begun)
        zanni__pool_fail (pool, rc, "%s", error.code ? error.text : zanni_strerror (rc));
    else if (s_count_end (pool))
        s_give_up (pool, rc, error.code ? error.text : zanni_strerror (rc));
    else
        zanni__pool_retry (pool);
}

void
zanni__pool_retry (zanni__pool_t *pool)
{
    uint64_t timer;
    if (!pool->retries && zanni_timer (pool->self, &timer, S_RETRY_MS, 0, "zanni.retry"))
        zanni__pool_fail (pool, ZANNI_ENOMEM, "%s", zanni_strerror (ZANNI_ENOMEM));
    pool->retries = true;
}

int
zanni__pool_seat_retry (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pool_t *pool = zanni_state (self);
    (void) msg;
    pool->retries = false;
    for (uint32_t i = 0; i < pool->count && !pool->ending; i++)
        if (!pool->seats [i]->ref)
            s_take_seat (pool, pool->seats [i]);
        else if (pool->seats [i]->unsure)
            zanni__pool_seat_doubt (pool, pool->seats [i]);
    for (zanni__link_t *link = pool->leaving.next; link != &pool->leaving; link = link->next) {
        zanni__pool_seat_t *seat = ZANNI__CONTAINER (link, zanni__pool_seat_t, link);
        if (seat->ref && seat->unsure)
            zanni__pool_seat_doubt (pool, seat);
    }
    return 0;
}

/* More seats, with somebody on each; on failure those that there are so far. */
static int
s_grow (zanni__pool_t *pool, uint32_t workers)
{
    zanni__pool_seat_t **seats = zanni__realloc (pool->seats, workers * sizeof *seats);
    if (!seats)
        return ZANNI_ENOMEM;
    pool->seats = seats;
    while (pool->count < workers && !pool->ending) {
        zanni__pool_seat_t *seat = s_seat_new (pool->count);
        if (!seat)
            return ZANNI_ENOMEM;
        pool->seats [pool->count++] = seat;
        s_take_seat (pool, seat);
    }
    return 0;
}

/* The last ones go, as soon as they have done what they have. */
static void
s_shrink (zanni__pool_t *pool, uint32_t workers)
{
    while (pool->count > workers) {
        zanni__pool_seat_t *seat = pool->seats [--pool->count];
        seat->shut |= ZANNI__POOL_LEAVES;
        seat->gathers = pool->gathered;
        zanni__list_append (&pool->leaving, &seat->link);
        if (pool->count)
            zanni__jobs_elsewhere (pool, seat);
    }
    zanni__pool_seats_settle (pool);
}

int
zanni__pool_seats_begin (zanni__pool_t *pool)
{
    int rc = s_bound_ends (pool, pool->setup.workers);
    if (!rc)
        rc = s_grow (pool, pool->setup.workers);
    s_look_whether_begun (pool);
    return rc;
}

int
zanni__pool_seats_resize (zanni__pool_t *pool, uint32_t workers)
{
    uint32_t before = pool->count;
    int rc = s_bound_ends (pool, workers);
    if (!rc && workers > before)
        rc = s_grow (pool, workers);
    if (!rc && workers < before)
        s_shrink (pool, workers);
    for (uint32_t i = 0; pool->setup.routing == ZANNI_BY_KEY && i < before && before < pool->count; i++)
        zanni__jobs_elsewhere (pool, pool->seats [i]);   // some of its keys are somebody else's now
    pool->setup.workers = pool->count;
    s_look_whether_begun (pool);
    zanni__jobs_flow (pool);
    return rc;
}

static void
s_free (zanni__pool_seat_t *seat)
{
    zanni__link_remove (&seat->link);
    zanni__free (seat);
}

/* Whether anything is left to do of what a draining pool has taken. */
static bool
s_is_idle (const zanni__pool_t *pool)
{
    bool idle = !pool->waiting_count && zanni__list_empty (&pool->gathers);
    for (uint32_t i = 0; i < pool->count; i++)
        idle = idle && !pool->seats [i]->busy;
    for (const zanni__link_t *link = pool->leaving.next; link != &pool->leaving; link = link->next)
        idle = idle && !ZANNI__CONTAINER (link, zanni__pool_seat_t, link)->busy;   // a job of it may come back
    return idle;
}

void
zanni__pool_seats_settle (zanni__pool_t *pool)
{
    zanni__link_t *next;
    if (pool->draining && pool->count && s_is_idle (pool)) {
        s_shrink (pool, 0);   // which settles
        return;
    }
    for (zanni__link_t *link = pool->leaving.next; link != &pool->leaving; link = next) {
        zanni__pool_seat_t *seat = ZANNI__CONTAINER (link, zanni__pool_seat_t, link);
        next = link->next;
        if (!seat->busy && seat->monitor && zanni__gathers_over (pool, seat->gathers))
            zanni_ref_destroy (&seat->ref);   // behind what it was sent; its DOWN frees the seat
        else if (!seat->monitor)
            s_free (seat);
    }
    if (pool->draining && !pool->count && zanni__list_empty (&pool->leaving) && !pool->ending) {
        int rc = zanni_promise_reply (pool->self, &pool->drained);
        (void) rc;   // without memory it is dropped: an answer, too
        pool->ending = true;
        rc = zanni_exit (pool->self);
        (void) rc;
    }
}

static zanni__pool_seat_t *
s_find (const zanni__pool_t *pool, uint64_t monitor)
{
    for (uint32_t i = 0; i < pool->count; i++)
        if (pool->seats [i]->monitor == monitor)
            return pool->seats [i];
    for (zanni__link_t *link = pool->leaving.next; link != &pool->leaving; link = link->next) {
        zanni__pool_seat_t *seat = ZANNI__CONTAINER (link, zanni__pool_seat_t, link);
        if (seat->monitor == monitor)
            return seat;
    }
    return NULL;
}

/* One that was not told to has ended. */
static void
s_replace (zanni__pool_t *pool, zanni__pool_seat_t *seat, const zanni_reason_t *reason)
{
    char why [128];
    int64_t code = reason->kind == ZANNI_EXIT_ERROR ? reason->code : ZANNI_EDOWN;
    zanni_reason_string (reason, why, sizeof why);
    if (!pool->begun && reason->kind == ZANNI_EXIT_ERROR)
        zanni__pool_fail (pool, (int) code, "%s", reason->text);
    else if (!pool->begun)
        zanni__pool_fail (pool, (int) code, "a worker of class %s ended when it started: %s",
                          pool->cls->workers->definition->name, why);
    else if (s_count_end (pool))
        s_give_up (pool, code, why);
    else
        s_take_seat (pool, seat);
}

void
zanni__pool_seat_down (zanni_t *self, const zanni_down_t *down)
{
    zanni__pool_t *pool = zanni_state (self);
    zanni__pool_seat_t *seat = down->monitor ? s_find (pool, down->monitor) : NULL;
    if (!seat || pool->ending)
        return;   // a failed start is told twice
    s_empty (pool, seat);
    zanni__jobs_of_dead (pool, seat, &down->reason);
    if (!(seat->shut & ZANNI__POOL_LEAVES) && !(pool->draining && s_is_idle (pool)))
        s_replace (pool, seat, &down->reason);
    if (pool->ending)
        return;
    zanni__jobs_flow (pool);
    zanni__pool_seats_settle (pool);
}

void
zanni__pool_seats_free (zanni__pool_t *pool)
{
    for (uint32_t i = 0; i < pool->count; i++)
        s_free (pool->seats [i]);
    while (!zanni__list_empty (&pool->leaving))
        s_free (ZANNI__CONTAINER (pool->leaving.next, zanni__pool_seat_t, link));
    zanni__free (pool->seats);
    zanni__free (pool->ends_ns);
    pool->seats = NULL;
    pool->ends_ns = NULL;
    pool->count = 0;
}
