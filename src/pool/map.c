/* Maps: an actor beside the caller, on the same worker, asks one job after the other and hands the answers to the
   caller's functions. So they run on the caller's thread and in no other, also while it waits in zanni_map, where its
   own handlers and callbacks rest, but not the other actors of its worker.

   The functions are only called as long as the caller's incarnation lives, and the map was not cancelled: what they
   point to may be gone then. Both is seen by looking, since all of it is on one thread; a message that says so would
   come behind answers that are there already.

   A job that finds its receiver full waits until there is room, and so do those behind it. */

#include "pool.h"

#include "../base/memory.h"

#include <stdio.h>

#define S_IN_FLIGHT 64
#define S_IN_FLIGHT_MOST 65536
#define S_PROGRESS_MS 200

typedef struct {
    uint64_t index;
    uint64_t ask;         // 0: it has ended, or there is none
    zanni_msg_t *reply;   // kept until it is its turn
    int rc;
    bool taken;
    bool answered;
} s_item_t;

typedef struct {
    zanni_t *self;
    zanni_map_t map;
    zanni_ref_t *ref;
    zanni_ref_t *owner;        // weak
    uint32_t incarnation;      // of the owner
    zanni_promise_t *over;
    s_item_t *items;           // so many as may be in flight
    uint32_t *spare;           // which of them are not taken
    uint32_t spares;
    s_item_t *blocked;         // waits for room
    zanni_msg_t *job;          // of that one
    uint64_t begun;
    uint64_t done;
    uint64_t failed;
    int64_t began_ns;
    int rc;                    // why it ends; 0: it does not, or well
    bool exhausted;            // there are no more
    bool cancelled;            // the caller's functions are not to be called
    bool busy;                 // inside of one of them, which may bring the next answer about
} s_map_t;

static bool
s_is_wanted (const s_map_t *map)
{
    const zanni__identity_t *owner = map->owner->identity;
    return !map->cancelled && owner->actor && !owner->actor->reason && owner->incarnation == map->incarnation;
}

static void
s_progress (s_map_t *map)
{
    const zanni_map_progress_t progress = {
        .begun = map->begun, .done = map->done, .failed = map->failed,
        .elapsed_ms = (zanni_now_ns (map->self) - map->began_ns) / 1000000
    };
    if (map->map.progress && s_is_wanted (map))
        map->map.progress (map->map.closure, &progress);
}

/* Jobs that are under way, each of which is answered so. */
static void
s_cancel_jobs (const s_map_t *map)
{
    for (uint32_t i = 0; i < map->map.in_flight; i++)
        if (map->items [i].ask) {
            int result = zanni_cancel (map->self, map->items [i].ask);
            (void) result;   // without memory its answer is waited for
        }
}

/* From here on no further one begins. */
static void
s_break (s_map_t *map, int rc)
{
    if (map->rc)
        return;
    map->rc = rc;
    s_cancel_jobs (map);
}

static s_item_t *
s_item_take (s_map_t *map)
{
    uint32_t at = map->map.ordered ? (uint32_t) (map->begun % map->map.in_flight) : map->spare [--map->spares];
    s_item_t *item = &map->items [at];
    zanni__assert (!item->taken);
    *item = (s_item_t) { .index = map->begun++, .taken = true };
    return item;
}

/* The caller gets it. */
static void
s_give (s_map_t *map, s_item_t *item, int rc, zanni_msg_t *reply)
{
    uint64_t index = item->index;
    item->taken = false;
    if (!map->map.ordered)
        map->spare [map->spares++] = (uint32_t) (item - map->items);
    map->done++;
    map->failed += rc != 0;
    if (!s_is_wanted (map))
        return;
    map->busy = true;
    rc = map->map.done (map->map.closure, index, rc, reply);
    map->busy = false;
    if (rc < 0)
        s_break (map, rc);
}

/* Those whose turn it is, in order. */
static void
s_give_in_order (s_map_t *map)
{
    for (;;) {
        s_item_t *item = &map->items [map->done % map->map.in_flight];
        if (!item->taken || !item->answered)
            return;
        zanni_msg_t *reply = item->reply;
        item->reply = NULL;
        s_give (map, item, item->rc, reply);
        zanni_msg_destroy (&reply);
    }
}

static void
s_item_end (s_map_t *map, s_item_t *item, int rc, zanni_msg_t *reply)
{
    item->ask = 0;
    if (!map->map.ordered) {
        s_give (map, item, rc, reply);
        return;
    }
    item->answered = true;
    item->rc = rc;
    if (reply && zanni_msg_keep (&item->reply, reply)) {
        item->reply = NULL;
        item->rc = ZANNI_ENOMEM;
    }
    s_give_in_order (map);
}

static void s_go_on (s_map_t *map);

static void
s_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    s_map_t *map = zanni_state (self);
    zanni_error_t error = { 0 };
    if (!zanni_msg_error (reply, &error) && !error.code)
        error.code = ZANNI_ENOREPLY;
    s_item_end (map, arg, error.code, reply);
    s_go_on (map);
}

/* Sends the job that waits; false: it waits on. */
static bool
s_send (s_map_t *map)
{
    s_item_t *item = map->blocked;
    const zanni_ask_t ask = {
        .then = s_answered, .arg = item, .deadline_ms = map->map.deadline_ms, .id_p = &item->ask
    };
    int rc = zanni__ask_again (map->self, map->ref, &ask, map->job, zanni_msg_method (map->job));
    if (rc == ZANNI_EFULL)
        rc = zanni_when_writable (map->self, map->ref, "zanni.room");
    else if (!rc)
        map->blocked = NULL;
    if (!rc && map->blocked)
        return false;
    zanni_msg_destroy (&map->job);
    map->blocked = NULL;
    if (!rc)
        return true;
    s_item_end (map, item, rc, NULL);
    s_break (map, rc);
    return false;
}

/* Begins what may be begun. */
static void
s_begin_more (s_map_t *map)
{
    while (!map->blocked && !map->exhausted && !map->rc && map->begun - map->done < map->map.in_flight) {
        zanni_msg_t *job = NULL;
        map->busy = true;
        int rc = map->map.next (map->map.closure, &job);
        map->busy = false;
        if (!s_is_wanted (map))
            rc = ZANNI_ECANCELED;   // inside of it
        if (rc < 0 || !job) {
            zanni_msg_destroy (&job);
            map->exhausted = true;
            if (rc < 0)
                s_break (map, rc);
            return;
        }
        map->job = job;
        map->blocked = s_item_take (map);
        if (!s_send (map))
            return;
    }
}

static void
s_finish (s_map_t *map)
{
    s_progress (map);
    zanni_error_t error = { .code = map->rc };
    if (map->rc)
        snprintf (error.text, sizeof error.text, "the map ended after %" PRIu64 " jobs: %s", map->done,
                  zanni_strerror (map->rc));
    if (map->over && map->rc)
        zanni__promise_error (map->self, &map->over, &error);
    else if (map->over) {
        int rc = zanni_promise_reply (map->self, &map->over);
        (void) rc;
    }
    int rc = zanni_exit (map->self);
    (void) rc;
}

static void
s_go_on (s_map_t *map)
{
    if (map->busy)
        return;   // who is inside goes on
    if (!s_is_wanted (map) || (map->over && zanni_promise_is_void (map->over)))
        s_break (map, ZANNI_ECANCELED);
    s_begin_more (map);
    if (map->rc && map->blocked) {
        s_item_t *item = map->blocked;
        map->blocked = NULL;
        zanni_msg_destroy (&map->job);
        s_item_end (map, item, ZANNI_ECANCELED, NULL);
    }
    if (map->begun == map->done && (map->exhausted || map->rc) && !map->self->reason)
        s_finish (map);
}

static int
s_on_room (zanni_t *self, zanni_msg_t *msg)
{
    s_map_t *map = zanni_state (self);
    (void) msg;
    if (map->blocked && !map->rc)
        (void) s_send (map);
    s_go_on (map);
    return 0;
}

static int
s_on_progress (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    s_progress (zanni_state (self));
    return 0;
}

static int
s_on_go (zanni_t *self, zanni_msg_t *msg)
{
    s_map_t *map = zanni_state (self);
    uint64_t timer;
    int rc = map->map.progress
             ? zanni_timer (self, &timer, map->map.progress_ms, map->map.progress_ms, "zanni.progress") : 0;
    if (!rc)
        rc = zanni_promise_new (self, &map->over, msg);
    if (rc)
        return rc;
    map->began_ns = zanni_now_ns (self);
    s_go_on (map);
    return 0;
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_map_t *map = zanni_state (self);
    uint64_t address;
    const zanni_ref_t *owner, *ref;
    int rc = zanni_read (msg, &address, &owner, &ref);   // of its caller, on this thread
    if (rc)
        return rc;
    map->self = self;
    map->map = *(const zanni_map_t *) (uintptr_t) address;
    map->incarnation = owner->identity->incarnation;
    rc = zanni_ref_weak (self, &map->owner, owner);
    if (!rc)
        rc = zanni_ref_keep (self, &map->ref, ref);
    uint32_t most = map->map.in_flight;
    map->items = zanni__calloc (most * sizeof *map->items);
    map->spare = zanni__malloc (most * sizeof *map->spare);
    if (!rc && (!map->items || !map->spare))
        rc = ZANNI_ENOMEM;
    for (; !rc && map->spares < most; map->spares++)
        map->spare [map->spares] = map->spares;
    if (rc) {
        zanni__free (map->items);
        zanni__free (map->spare);
    }
    return rc;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_map_t *map = zanni_state (self);
    const zanni_error_t cancelled = { .code = ZANNI_ECANCELED, .text = "the map was cancelled" };
    (void) reason;
    if (map->over)
        zanni__promise_error (self, &map->over, &cancelled);
    s_cancel_jobs (map);   // nobody waits for them any more
    zanni_msg_destroy (&map->job);
    zanni__free (map->items);
    zanni__free (map->spare);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("zanni.go", "", "", s_on_go, "Begins; answers when all is done."),
    ZANNI_PRIVATE ("zanni.room", "", "", s_on_room, "There is room for a job again."),
    ZANNI_PRIVATE ("zanni.progress", "", "", s_on_progress, "The caller is to be told."),
    ZANNI_METHOD_END
};

static const zanni_class_t s_definition = {
    .name = "zanni.map", .state_size = sizeof (s_map_t), .methods = s_methods, .start_in = "trr", .start = s_start,
    .stop = s_stop, .text = "Asks many jobs."
};

static zanni__own_class_t s_class = { .definition = &s_definition };

static int
s_fault (zanni_error_t *error, const char *text)
{
    zanni__error_set (error, ZANNI_EINVAL, text);
    return ZANNI_EINVAL;
}

static int
s_check (zanni_t *self, const zanni_ref_t *ref, const zanni_map_t *map)
{
    int rc = zanni__check_thread (self);
    if (rc || !map || (map->size && map->size != sizeof *map))
        return rc ? rc : ZANNI_EINVAL;
    if (!ref)
        return s_fault (map->error, "a map needs a reference to whom it asks");
    if (!map->next || !map->done)
        return s_fault (map->error, "a map needs `next`, which makes jobs, and `done`, which gets the answers");
    if (map->in_flight > S_IN_FLIGHT_MOST || map->progress_ms < 0)
        return s_fault (map->error, "`in_flight` is at most 65,536, and `progress_ms` not below 0");
    return 0;
}

static int
s_spawn (zanni_t *self, zanni_ref_t **actor_p, const zanni_ref_t *ref, const zanni_map_t *given)
{
    zanni_map_t map = *given;
    if (!map.in_flight)
        map.in_flight = S_IN_FLIGHT;
    if (!map.progress_ms)
        map.progress_ms = S_PROGRESS_MS;
    const zanni_arg_t args [] = {
        ZANNI_ARG ((uint64_t) (uintptr_t) &map), ZANNI_ARG (zanni_self (self)), ZANNI_ARG (ref)
    };
    const zanni__words_t words = { NULL, args, 3 };
    const zanni_spawn_t here = { .place = ZANNI_HERE };
    const zanni__class_t *cls;
    int rc = zanni__class_own (&cls, &s_class);
    return rc ? rc : zanni__spawn (self, actor_p, cls, &here, &words);
}

int
zanni_map (zanni_t *self, const zanni_ref_t *ref, const zanni_map_t *map)
{
    zanni_ref_t *actor = NULL;
    int rc = s_check (self, ref, map);
    if (!rc)
        rc = zanni__may_block (self);
    if (!rc)
        rc = s_spawn (self, &actor, ref, map);
    if (rc)
        return rc;
    const zanni_ask_t wait = { .deadline_ms = -1, .error = map->error };
    rc = zanni_call_args (self, NULL, actor, &wait, "zanni.go", NULL, 0);
    zanni_map_cancel (self, &actor);   // it has ended, or the caller is told to
    return rc;
}

int
zanni_map_ask (zanni_t *self, zanni_ref_t **map_p, const zanni_ref_t *ref, const zanni_map_t *map,
               const zanni_ask_t *ask)
{
    static const zanni_ask_t defaults = { .deadline_ms = -1 };
    zanni_ref_t *actor = NULL;
    int rc = s_check (self, ref, map);
    if (!rc && !map_p)
        rc = ZANNI_EINVAL;
    if (!rc)
        rc = s_spawn (self, &actor, ref, map);
    if (rc)
        return rc;
    zanni_ask_t options = ask ? *ask : defaults;
    if (!options.deadline_ms)
        options.deadline_ms = -1;
    rc = zanni_ask_args (self, actor, &options, "zanni.go", NULL, 0);
    if (rc)
        zanni_ref_destroy (&actor);
    else
        *map_p = actor;
    return rc;
}

void
zanni_map_cancel (zanni_t *self, zanni_ref_t **map_p)
{
    if (!map_p || !*map_p || zanni__check_thread (self))
        return;
    zanni__identity_t *identity = (*map_p)->identity;
    const zanni__class_t *cls = atomic_load_explicit (&identity->cls, memory_order_relaxed);
    if (cls->definition == &s_definition && identity->actor && identity->worker == self->worker)
        ((s_map_t *) identity->actor->state)->cancelled = true;
    zanni_ref_destroy (map_p);
}
