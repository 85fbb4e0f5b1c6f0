/* The virtual world: a scheduler that steps workers, a port of queues, a clock that only the scheduler moves.

   A parcel is a posted batch; a lane holds those from one worker to another, in order, and belongs to the receiver's
   port, which receives what has arrived. A driver is a worker that the world steps: those that the place started, and
   the undertaker. The root and attached threads drive themselves; when one of them waits, the scheduler runs inside its
   wait, so the test's stack is the whole schedule. A driver whose handler waits itself runs the scheduler again one
   level deeper; it is marked active, since a worker cannot be entered twice.

   Every decision takes one of the things that could happen, all alike likely: steps of drivers, arrivals of parcels, and
   the end of the wait that is on. What a closed port had left goes back in order. */

#include "virtual.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/sys/clock.h>
#include <zanni/sys/place.h>
#include <zanni/sys/port.h>

typedef struct s_parcel {
    struct s_parcel *next;
    zanni_batch_t *batch;
    int64_t ready_ns;        // not delivered before
    uint64_t number;         // in its lane
    bool lost;
} s_parcel_t;

typedef struct {
    s_parcel_t *head;
    s_parcel_t **tail;
} s_queue_t;

typedef struct s_lane {
    struct s_lane *next;
    uint64_t from;           // serial of the sender
    s_queue_t parcels;
    s_parcel_t *coming;      // the first of them that has not arrived
    int64_t last_ns;
    uint64_t count;
    bool broken;
} s_lane_t;

typedef struct s_port {
    virtual_t *world;
    zanni_worker_t *worker;
    s_lane_t *lanes;
    struct s_port *next;
} s_port_t;

typedef struct s_place {
    virtual_t *world;
    zanni_worker_t *undertaker;
    bool roused;
} s_place_t;

typedef struct s_driver {
    struct s_driver *next;
    zanni_worker_t *worker;  // held
    s_place_t *place;
    bool busy;               // its last step left work, or it has had none yet
    bool active;             // it is on the stack
} s_driver_t;

struct virtual {
    virtual_options_t options;
    zanni_clock_t clock;
    zanni_port_ops_t port;
    virtual_faults_t faults;
    int64_t now_ns;
    uint64_t random;
    uint64_t posts;
    uint64_t delivered;
    s_driver_t *drivers;
    s_port_t *ports;
    uint64_t hash;
    char *text;
    size_t text_size;
    size_t text_room;
};

/* Something that could happen now, drawn from all of it. */
typedef struct {
    uint32_t count;
    s_driver_t *driver;
    s_lane_t *lane;
    bool wakes;
} s_choice_t;

static void *
s_new (size_t size)
{
    void *memory = calloc (1, size);
    if (!memory)
        abort ();
    return memory;
}

uint64_t
virtual_random (virtual_t *world)
{
    uint64_t mixed = world->random += UINT64_C (0x9e3779b97f4a7c15);   // splitmix64
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C (0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint32_t
virtual_below (virtual_t *world, uint32_t limit)
{
    return (uint32_t) (virtual_random (world) % limit);
}

static void
s_append (virtual_t *world, const char *line, size_t length)
{
    if (world->text_size + length + 1 > world->text_room) {
        world->text_room = (world->text_room + length + 1) * 2;
        world->text = realloc (world->text, world->text_room);
        if (!world->text)
            abort ();
    }
    memcpy (world->text + world->text_size, line, length + 1);
    world->text_size += length;
}

void
virtual_note (virtual_t *world, const char *format, ...)
{
    char line [256];
    va_list list;
    va_start (list, format);
    int length = snprintf (line, sizeof line, "%" PRId64 " ", world->now_ns);
    length += vsnprintf (line + length, sizeof line - (size_t) length - 1, format, list);
    va_end (list);
    if (length > (int) sizeof line - 2)
        length = (int) sizeof line - 2;
    line [length++] = '\n';
    line [length] = 0;
    for (int i = 0; i < length; i++)
        world->hash = (world->hash ^ (uint8_t) line [i]) * UINT64_C (1099511628211);
    if (world->options.echoed)
        fputs (line, stderr);
    if (world->options.traced)
        s_append (world, line, (size_t) length);
}

uint64_t
virtual_hash (const virtual_t *world)
{
    return world->hash;
}

const char *
virtual_trace (const virtual_t *world)
{
    return world->text ? world->text : "";
}

static int64_t
s_now (void *context)
{
    virtual_t *world = context;
    if (world->options.tick_ns)
        world->now_ns += (int64_t) (virtual_random (world) % (uint64_t) (world->options.tick_ns + 1));
    return world->now_ns;
}

static int
s_random (void *context, void *data, size_t size)
{
    uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        bytes [i] = (uint8_t) virtual_random (context);
    return 0;
}

static uint32_t
s_choose_worker (void *context, uint32_t count)
{
    return virtual_below (context, count);
}

int64_t
virtual_now_ns (const virtual_t *world)
{
    return world->now_ns;
}

void
virtual_spend (virtual_t *world, int64_t ns)
{
    world->now_ns += ns;
}

static void
s_queue_init (s_queue_t *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
}

static void
s_push (s_queue_t *queue, s_parcel_t *parcel)
{
    parcel->next = NULL;
    *queue->tail = parcel;
    queue->tail = &parcel->next;
}

static s_parcel_t *
s_pop (s_queue_t *queue)
{
    s_parcel_t *parcel = queue->head;
    if (parcel && !(queue->head = parcel->next))
        queue->tail = &queue->head;
    return parcel;
}

static void
s_give_back (s_parcel_t *parcel)
{
    zanni_batch_undelivered (parcel->batch);
    free (parcel);
}

static bool
s_by_chance (virtual_t *world, uint32_t percent)
{
    return percent && virtual_below (world, 100) < percent;
}

static int
s_port_open (void *context, zanni_worker_t *worker, void **port_p)
{
    virtual_t *world = context;
    if (s_by_chance (world, world->faults.closed_percent))
        return ZANNI_ESOCKETS;
    s_port_t *port = s_new (sizeof *port);
    port->world = world;
    port->worker = worker;
    port->next = port->world->ports;
    port->world->ports = port;
    *port_p = port;
    return 0;
}

static s_lane_t *
s_lane (s_port_t *port, uint64_t from)
{
    s_lane_t *lane = port->lanes;
    while (lane && lane->from != from)
        lane = lane->next;
    if (lane)
        return lane;
    lane = s_new (sizeof *lane);
    lane->from = from;
    s_queue_init (&lane->parcels);
    lane->next = port->lanes;
    port->lanes = lane;
    return lane;
}

/* Counts down to the n-th; or a share of all. */
static bool
s_fault (virtual_t *world, uint64_t *nth, uint32_t percent)
{
    if (*nth && !--*nth)
        return true;
    return s_by_chance (world, percent);
}

/* The undertaker posts what others could not: its own posts always arrive. */
static bool
s_is_undertaker (const virtual_t *world, const zanni_worker_t *worker)
{
    for (const s_driver_t *driver = world->drivers; driver; driver = driver->next)
        if (driver->place->undertaker == worker)
            return true;
    return false;
}

static void
s_send (s_port_t *from, s_lane_t *lane, zanni_batch_t *batch)
{
    virtual_t *world = from->world;
    s_parcel_t *parcel = s_new (sizeof *parcel);
    parcel->batch = batch;
    parcel->number = ++lane->count;
    parcel->ready_ns = world->now_ns;
    if (!s_is_undertaker (world, from->worker))
        parcel->lost = s_fault (world, &world->faults.lose_batch, world->faults.lose_percent);
    if (world->options.latency_ns)
        parcel->ready_ns += (int64_t) (virtual_random (world) % (uint64_t) (world->options.latency_ns + 1));
    if (parcel->ready_ns < lane->last_ns)
        parcel->ready_ns = lane->last_ns;
    lane->last_ns = parcel->ready_ns;
    s_push (&lane->parcels, parcel);
    if (!lane->coming)
        lane->coming = parcel;
}

static int
s_port_post (void *self, zanni_worker_t *to, zanni_batch_t *batch)
{
    s_port_t *from = self;
    virtual_t *world = from->world;
    s_port_t *port = zanni_worker_port (to);
    world->posts++;
    if (!port)
        return ZANNI_ECLOSED;
    s_lane_t *lane = s_lane (port, zanni_worker_serial (from->worker));
    if (lane->broken)
        return ZANNI_ECLOSED;
    if (s_fault (world, &world->faults.refuse_post, world->faults.refuse_percent)) {
        virtual_note (world, "refused %" PRIu64 ">%" PRIu64, lane->from, zanni_worker_serial (to));
        return ZANNI_ENOMEM;
    }
    s_send (from, lane, batch);
    return 0;
}

static bool
s_has_arrived (const s_lane_t *lane)
{
    return lane->parcels.head && lane->parcels.head != lane->coming;
}

static bool
s_any_arrived (const s_port_t *port)
{
    if (port)
        for (const s_lane_t *lane = port->lanes; lane; lane = lane->next)
            if (s_has_arrived (lane))
                return true;
    return false;
}

/* A lost parcel and those behind it go back in their order, and nothing passes here any more. */
static void
s_break (s_lane_t *lane)
{
    s_parcel_t *parcel;
    lane->broken = true;
    lane->coming = NULL;
    while ((parcel = s_pop (&lane->parcels)))
        s_give_back (parcel);
}

/* One of the parcels that are first in their lanes and have arrived. */
static bool
s_deliver_one (s_port_t *port)
{
    virtual_t *world = port->world;
    s_lane_t *chosen = NULL;
    uint32_t count = 0;
    for (s_lane_t *lane = port->lanes; lane; lane = lane->next)
        if (s_has_arrived (lane) && virtual_below (world, ++count) == 0)
            chosen = lane;
    if (!chosen)
        return false;
    bool lost = chosen->parcels.head->lost;
    world->delivered++;
    virtual_note (world, "%s %" PRIu64 ">%" PRIu64 " #%" PRIu64, lost ? "lost" : "batch", chosen->from,
                  zanni_worker_serial (port->worker), chosen->parcels.head->number);
    if (lost)
        s_break (chosen);
    else {
        s_parcel_t *parcel = s_pop (&chosen->parcels);
        zanni_worker_deliver (port->worker, parcel->batch);
        free (parcel);
    }
    return true;
}

static int
s_port_receive (void *self)
{
    int count = 0;
    while (s_deliver_one (self))
        count++;
    return count;
}

static int
s_port_fd (void *self)
{
    (void) self;
    return -1;
}

static bool
s_port_waiting (void *self)
{
    return s_any_arrived (self);
}

static void
s_port_close (void *self)
{
    s_port_t *port = self;
    s_port_t **at = &port->world->ports;
    s_lane_t *lane;
    while (*at != port)
        at = &(*at)->next;
    *at = port->next;
    while ((lane = port->lanes)) {
        port->lanes = lane->next;
        s_break (lane);
        free (lane);
    }
    free (port);
}

static bool
s_can_run (const virtual_t *world, const s_driver_t *driver)
{
    if (driver->active)
        return false;
    bool roused = driver->worker == driver->place->undertaker && driver->place->roused;
    return driver->busy || roused || zanni_worker_next_ns (driver->worker) <= world->now_ns
           || s_any_arrived (zanni_worker_port (driver->worker));
}

static bool
s_drawn (virtual_t *world, s_choice_t *choice)
{
    if (virtual_below (world, ++choice->count))
        return false;
    *choice = (s_choice_t) { .count = choice->count };
    return true;
}

/* Draws from what could happen now; `waiting` (or NULL) is who waits, until then. */
static s_choice_t
s_choose (virtual_t *world, const s_port_t *waiting, int64_t until_ns)
{
    s_choice_t choice = { .count = 0 };
    for (s_driver_t *driver = world->drivers; driver; driver = driver->next)
        if (s_can_run (world, driver) && s_drawn (world, &choice))
            choice.driver = driver;
    for (const s_port_t *port = world->ports; port; port = port->next)
        for (s_lane_t *lane = port->lanes; lane; lane = lane->next)
            if (lane->coming && lane->coming->ready_ns <= world->now_ns && s_drawn (world, &choice))
                choice.lane = lane;
    if (waiting && (until_ns <= world->now_ns || s_any_arrived (waiting)) && s_drawn (world, &choice))
        choice.wakes = true;
    return choice;
}

static void
s_forget (virtual_t *world, s_driver_t *driver)
{
    s_driver_t **at = &world->drivers;
    while (*at != driver)
        at = &(*at)->next;
    *at = driver->next;
    zanni_worker_drop (driver->worker);
    free (driver);
}

static void
s_step (virtual_t *world, s_driver_t *driver)
{
    bool undertaker = driver->worker == driver->place->undertaker;
    if (undertaker)
        driver->place->roused = false;
    driver->active = true;
    driver->busy = zanni_worker_step (driver->worker);
    if (!undertaker && zanni_worker_stopping (driver->worker)) {
        virtual_note (world, "end %" PRIu64, zanni_worker_serial (driver->worker));
        zanni_worker_end (driver->worker);
        s_forget (world, driver);
        return;
    }
    driver->active = false;
}

/* What was drawn happens, unless it is the end of a wait; false: nothing was drawn. */
static bool
s_do (virtual_t *world, const s_choice_t *choice)
{
    if (!choice->count)
        return false;
    if (choice->driver)
        s_step (world, choice->driver);
    else if (choice->lane)
        choice->lane->coming = choice->lane->coming->next;
    return true;
}

static int64_t
s_earlier (int64_t one_ns, int64_t other_ns)
{
    return one_ns < other_ns ? one_ns : other_ns;
}

/* Nothing can happen: time goes on to when something can. */
static void
s_advance (virtual_t *world, int64_t until_ns)
{
    int64_t next_ns = until_ns;
    for (const s_driver_t *driver = world->drivers; driver; driver = driver->next)
        if (!driver->active)
            next_ns = s_earlier (next_ns, zanni_worker_next_ns (driver->worker));
    for (const s_port_t *port = world->ports; port; port = port->next)
        for (const s_lane_t *lane = port->lanes; lane; lane = lane->next)
            if (lane->coming)
                next_ns = s_earlier (next_ns, lane->coming->ready_ns);
    if (next_ns == INT64_MAX) {
        fprintf (stderr, "virtual world: everybody waits for ever (seed %" PRIu64 ")\n%s", world->options.seed,
                 virtual_trace (world));
        abort ();
    }
    if (next_ns > world->now_ns)
        world->now_ns = next_ns;
}

static int
s_port_wait (void *self, int64_t until_ns, int fd)
{
    s_port_t *port = self;
    virtual_t *world = port->world;
    (void) fd;
    for (;;) {
        s_choice_t choice = s_choose (world, port, until_ns);
        if (!s_do (world, &choice))
            s_advance (world, until_ns);
        else if (choice.wakes)
            break;
    }
    return s_deliver_one (port);
}

void
virtual_settle (virtual_t *world, zanni_t *self)
{
    for (;;) {
        uint64_t delivered = world->delivered;
        int left = self ? zanni_step (self, 64) : 0;
        if (left < 0)
            abort ();   // the world is settled from outside of every handler
        s_choice_t choice = s_choose (world, NULL, INT64_MAX);
        if (!s_do (world, &choice) && !left && delivered == world->delivered)
            return;
    }
}

static s_driver_t *
s_driver_new (s_place_t *place, zanni_worker_t *worker)
{
    s_driver_t **at = &place->world->drivers;
    s_driver_t *driver = s_new (sizeof *driver);
    while (*at)
        at = &(*at)->next;
    zanni_worker_hold (worker);
    zanni_worker_enter (worker);
    driver->worker = worker;
    driver->place = place;
    *at = driver;
    return driver;
}

/* The table has no context: the undertaker's port, which was opened before, knows the world. */
static int
s_place_open (void **place_p, zanni_worker_t *undertaker)
{
    const s_port_t *port = zanni_worker_port (undertaker);
    s_place_t *place = s_new (sizeof *place);
    place->world = port->world;
    place->undertaker = undertaker;
    (void) s_driver_new (place, undertaker);
    *place_p = place;
    return 0;
}

static void
s_place_rouse (void *self)
{
    s_place_t *place = self;
    place->roused = true;
}

static int
s_place_start (void *self, zanni_worker_t *worker)
{
    s_place_t *place = self;
    if (s_by_chance (place->world, place->world->faults.threadless_percent))
        return ZANNI_ETHREADS;
    virtual_note (place->world, "start %" PRIu64, zanni_worker_serial (worker));
    s_driver_new (place, worker)->busy = true;
    return 0;
}

static bool
s_is_living (const s_driver_t *driver, const s_place_t *place)
{
    return driver->place == place && driver->worker != place->undertaker;
}

static int
s_living (const s_place_t *place)
{
    int count = 0;
    for (const s_driver_t *driver = place->world->drivers; driver; driver = driver->next)
        count += s_is_living (driver, place);
    return count;
}

static void
s_run_once (virtual_t *world, int64_t until_ns)
{
    s_choice_t choice = s_choose (world, NULL, until_ns);
    if (!s_do (world, &choice))
        s_advance (world, until_ns);
}

static int
s_place_finish (void *self, int64_t until_ns, int64_t wait_ns)
{
    (void) wait_ns;   // nobody waits for anybody here
    s_place_t *place = self;
    virtual_t *world = place->world;
    for (s_driver_t *driver = world->drivers; driver; driver = driver->next)
        if (s_is_living (driver, place))
            zanni_worker_stop (place->undertaker, driver->worker);
        else if (driver->place == place)
            driver->busy = true;   // a post of these that was refused is its to repeat
    while (s_living (place) && world->now_ns < until_ns)
        s_run_once (world, until_ns);
    return s_living (place);
}

static void
s_place_close (void *self, int64_t until_ns)
{
    s_place_t *place = self;
    virtual_t *world = place->world;
    s_driver_t *driver = world->drivers;
    while (driver->worker != place->undertaker)
        driver = driver->next;
    while (zanni_worker_unsettled (place->undertaker) && world->now_ns < until_ns)
        s_run_once (world, until_ns);
    zanni_worker_end (place->undertaker);
    s_forget (world, driver);
    free (place);
}

static const zanni_place_ops_t s_place = {
    .size = sizeof (zanni_place_ops_t), .open = s_place_open, .rouse = s_place_rouse, .start = s_place_start,
    .finish = s_place_finish, .close = s_place_close
};

virtual_t *
virtual_new (const virtual_options_t *options)
{
    virtual_t *world = s_new (sizeof *world);
    world->options = *options;
    world->random = options->seed;
    world->now_ns = INT64_C (1000000000);
    world->hash = UINT64_C (14695981039346656037);
    world->clock = (zanni_clock_t) {
        .size = sizeof world->clock, .context = world, .now_ns = s_now, .random = s_random, .choose = s_choose_worker
    };
    world->port = (zanni_port_ops_t) {
        .size = sizeof world->port, .context = world, .open = s_port_open, .post = s_port_post,
        .receive = s_port_receive, .wait = s_port_wait, .fd = s_port_fd, .waiting = s_port_waiting,
        .close = s_port_close
    };
    return world;
}

void
virtual_destroy (virtual_t **world_p)
{
    virtual_t *world = *world_p;
    if (!world)
        return;
    *world_p = NULL;
    free (world->text);
    free (world);
}

void
virtual_plug (virtual_t *world, zanni_options_t *options)
{
    options->clock = &world->clock;
    options->port = &world->port;
    options->place = &s_place;
}

void
virtual_set_faults (virtual_t *world, const virtual_faults_t *faults)
{
    world->faults = *faults;
}

uint64_t
virtual_posts (const virtual_t *world)
{
    return world->posts;
}
