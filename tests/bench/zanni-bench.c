/* zanni's side of the comparison: each case through the public API, with dispatch and checks, default options and default
   placement. The actors of pingpong, ring, count, create and idle are spawned by one shared actor and so share its
   worker; in pairs the root spawns each ping, which spawns its pong.

   Every case is a "boss" actor that root asks to do so many; the boss answers when all is done, with the nanoseconds it
   took. Counts grow until a run takes long enough. */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zanni.h>

#define RING 503
#define PAIRS 1000
#define CREDITS 4096
#define CREDIT_BATCH 64
#define CREATE_BATCH 1000
#define IDLE 100000

static double s_seconds = 1.5;
static int64_t s_exactly;   // --exactly N: one run of so many, for counting instructions

static int64_t
s_now_ns (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (int64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

static void
s_check (int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf (stderr, "zanni-bench: %s: %s\n", what, zanni_strerror (rc));
    exit (EXIT_FAILURE);
}

/* pingpong, pairs: ping is told how many rounds and by whom; pong sends each number back. */

typedef struct {
    zanni_ref_t *pong;
    zanni_promise_t *done;
    int64_t left;
} ping_t;

static int
pong_ball (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_tell (self, zanni_msg_from (msg), "ball", number);
}

static int
ping_start (zanni_t *self, zanni_msg_t *msg)
{
    ping_t *ping = zanni_state (self);
    (void) msg;
    return zanni_spawn (self, &ping->pong, "pong", NULL);
}

static int
ping_go (zanni_t *self, zanni_msg_t *msg)
{
    ping_t *ping = zanni_state (self);
    int rc = zanni_read (msg, &ping->left);
    if (!rc)
        rc = zanni_promise_new (self, &ping->done, msg);
    return rc ? rc : zanni_tell (self, ping->pong, "ball", ping->left);
}

static int
ping_ball (zanni_t *self, zanni_msg_t *msg)
{
    ping_t *ping = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    if (--ping->left > 0)
        return zanni_tell (self, ping->pong, "ball", number - 1);
    return zanni_promise_reply (self, &ping->done);
}

static void
ping_stop (zanni_t *self, const zanni_reason_t *reason)
{
    ping_t *ping = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&ping->pong);
}

static const zanni_method_t pong_methods [] = {
    ZANNI_METHOD ("ball", "x", "", pong_ball, "Sends the number back."), ZANNI_METHOD_END
};
static const zanni_method_t ping_methods [] = {
    ZANNI_METHOD ("go", "x", "", ping_go, "Plays so many rounds, then answers."),
    ZANNI_METHOD ("ball", "x", "", ping_ball, "The ball came back."), ZANNI_METHOD_END
};
static const zanni_class_t pong_class = { .name = "pong", .methods = pong_methods };
static const zanni_class_t ping_class = {
    .name = "ping", .state_size = sizeof (ping_t), .methods = ping_methods, .start = ping_start, .stop = ping_stop
};

/* ring: each member knows the next; the token counts hops down. */

typedef struct {
    zanni_ref_t *next;
    zanni_ref_t *boss;
} member_t;

static int
member_join (zanni_t *self, zanni_msg_t *msg)
{
    member_t *member = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    if (!rc)
        rc = zanni_ref_weak (self, &member->next, next);
    return rc ? rc : zanni_ref_weak (self, &member->boss, zanni_msg_from (msg));
}

static int
member_token (zanni_t *self, zanni_msg_t *msg)
{
    member_t *member = zanni_state (self);
    int64_t hops;
    int rc = zanni_read (msg, &hops);
    if (rc)
        return rc;
    if (hops > 1)
        return zanni_tell (self, member->next, "token", hops - 1);
    return zanni_tell (self, member->boss, "done");
}

static void
member_stop (zanni_t *self, const zanni_reason_t *reason)
{
    member_t *member = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&member->next);
    zanni_ref_destroy (&member->boss);
}

static const zanni_method_t member_methods [] = {
    ZANNI_METHOD ("join", "r", "", member_join, "Who is next."),
    ZANNI_METHOD ("token", "x", "", member_token, "Passes the token on."), ZANNI_METHOD_END
};
static const zanni_class_t member_class = {
    .name = "member", .state_size = sizeof (member_t), .methods = member_methods, .stop = member_stop
};

/* count: a producer with credits, a counter that gives them back. */

typedef struct {
    int64_t count;
    int64_t wanted;
    zanni_ref_t *boss;
} counter_t;

static int
counter_begin (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    counter->count = 0;
    int rc = zanni_read (msg, &counter->wanted);
    if (!rc && !counter->boss)
        rc = zanni_ref_weak (self, &counter->boss, zanni_msg_from (msg));
    return rc;
}

static int
counter_item (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    counter->count++;
    if (counter->count % CREDIT_BATCH == 0)
        rc = zanni_tell (self, zanni_msg_from (msg), "credit", CREDIT_BATCH);
    if (!rc && counter->count == counter->wanted)
        rc = zanni_tell (self, counter->boss, "done");
    return rc;
}

static void
counter_stop (zanni_t *self, const zanni_reason_t *reason)
{
    counter_t *counter = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&counter->boss);
}

typedef struct {
    int64_t left;
    int64_t credit;
    zanni_ref_t *counter;
} producer_t;

static int
producer_produce (zanni_t *self, producer_t *producer)
{
    int rc = 0;
    while (!rc && producer->left && producer->credit) {
        rc = zanni_tell (self, producer->counter, "item", producer->left);
        producer->left--;
        producer->credit--;
    }
    return rc;
}

static int
producer_go (zanni_t *self, zanni_msg_t *msg)
{
    producer_t *producer = zanni_state (self);
    const zanni_ref_t *counter;
    int rc = zanni_read (msg, &producer->left, &counter);
    producer->credit = CREDITS;
    if (!rc && !producer->counter)
        rc = zanni_ref_weak (self, &producer->counter, counter);
    return rc ? rc : producer_produce (self, producer);
}

static int
producer_credit (zanni_t *self, zanni_msg_t *msg)
{
    producer_t *producer = zanni_state (self);
    int64_t credit;
    int rc = zanni_read (msg, &credit);
    producer->credit += credit;
    return rc ? rc : producer_produce (self, producer);
}

static void
producer_stop (zanni_t *self, const zanni_reason_t *reason)
{
    producer_t *producer = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&producer->counter);
}

static const zanni_method_t counter_methods [] = {
    ZANNI_METHOD ("begin", "x", "", counter_begin, "How many will come."),
    ZANNI_METHOD ("item", "x", "", counter_item, "One more."), ZANNI_METHOD_END
};
static const zanni_method_t producer_methods [] = {
    ZANNI_METHOD ("go", "xr", "", producer_go, "Sends so many to a counter."),
    ZANNI_METHOD ("credit", "x", "", producer_credit, "May send more."), ZANNI_METHOD_END
};
static const zanni_class_t counter_class = {
    .name = "counter", .state_size = sizeof (counter_t), .methods = counter_methods, .stop = counter_stop
};
static const zanni_class_t producer_class = {
    .name = "producer", .state_size = sizeof (producer_t), .methods = producer_methods, .stop = producer_stop
};

/* create, idle: an actor that answers its parent and stops; one that does nothing. */

static int
child_hello (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_tell (self, zanni_msg_from (msg), "born");
    return rc ? rc : zanni_exit (self);
}

static const zanni_method_t child_methods [] = {
    ZANNI_METHOD ("hello", "", "", child_hello, "Answers and ends."), ZANNI_METHOD_END
};
static const zanni_class_t child_class = { .name = "child", .methods = child_methods };

/* The boss: one method a case, each answers with the time it took. */

typedef struct {
    zanni_promise_t *done;
    int64_t started_ns;
    int64_t left;
    int64_t batch;
    zanni_ref_t *ping;
    zanni_ref_t *members [RING];
    zanni_ref_t *counter;
    zanni_ref_t *producer;
    zanni_ref_t **idle;
} boss_t;

static int
boss_begin (zanni_t *self, zanni_msg_t *msg, int64_t *count)
{
    boss_t *boss = zanni_state (self);
    int rc = zanni_read (msg, count);
    if (!rc)
        rc = zanni_promise_new (self, &boss->done, msg);
    boss->started_ns = s_now_ns ();
    return rc;
}

static int
boss_done (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    (void) msg;
    return zanni_promise_reply (self, &boss->done, s_now_ns () - boss->started_ns);
}

static void
boss_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) arg;
    s_check (zanni_msg_kind (reply) == ZANNI_MSG_ERROR ? ZANNI_ENOREPLY : 0, "ping");
    s_check (boss_done (self, reply), "boss");
}

static int
boss_pingpong (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    int64_t count;
    int rc = boss->ping ? 0 : zanni_spawn (self, &boss->ping, "ping", NULL);
    if (!rc)
        rc = boss_begin (self, msg, &count);
    if (rc)
        return rc;
    return zanni_ask (self, boss->ping, &((zanni_ask_t) { .then = boss_answered, .deadline_ms = -1 }), "go", count);
}

static int
boss_ring (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    int64_t count;
    int rc = 0;
    if (!boss->members [0]) {
        for (int i = 0; !rc && i < RING; i++)
            rc = zanni_spawn (self, &boss->members [i], "member", NULL);
        for (int i = 0; !rc && i < RING; i++)
            rc = zanni_tell (self, boss->members [i], "join", boss->members [(i + 1) % RING]);
    }
    if (!rc)
        rc = boss_begin (self, msg, &count);
    return rc ? rc : zanni_tell (self, boss->members [0], "token", count);
}

static int
boss_count (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    int64_t count;
    int rc = 0;
    if (!boss->counter) {
        rc = zanni_spawn (self, &boss->counter, "counter", NULL);
        if (!rc)
            rc = zanni_spawn (self, &boss->producer, "producer", NULL);
    }
    if (!rc)
        rc = boss_begin (self, msg, &count);
    if (!rc)
        rc = zanni_tell (self, boss->counter, "begin", count);
    return rc ? rc : zanni_tell (self, boss->producer, "go", count, boss->counter);
}

static int
boss_spawn_batch (zanni_t *self, boss_t *boss)
{
    int rc = 0;
    boss->batch = boss->left < CREATE_BATCH ? boss->left : CREATE_BATCH;
    for (int64_t i = 0; !rc && i < boss->batch; i++) {
        zanni_ref_t *child;
        rc = zanni_spawn (self, &child, "child", NULL);
        if (rc)
            break;
        rc = zanni_tell (self, child, "hello");
        zanni_ref_destroy (&child);
    }
    boss->left -= boss->batch;
    return rc;
}

static int
boss_create (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    int rc = boss_begin (self, msg, &boss->left);
    return rc ? rc : boss_spawn_batch (self, boss);
}

static int
boss_born (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    if (--boss->batch)
        return 0;
    return boss->left ? boss_spawn_batch (self, boss) : boss_done (self, msg);
}

static int64_t
s_resident (void)
{
    long long pages = 0, resident = 0;
    FILE *file = fopen ("/proc/self/statm", "r");
    if (!file || fscanf (file, "%lld %lld", &pages, &resident) != 2)
        exit (EXIT_FAILURE);
    fclose (file);
    return resident * sysconf (_SC_PAGESIZE);
}

static int
boss_idle (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    int64_t count;
    int rc = zanni_read (msg, &count);
    if (rc)
        return rc;
    int64_t before = s_resident ();
    boss->idle = calloc ((size_t) count, sizeof *boss->idle);
    for (int64_t i = 0; !rc && i < count; i++)
        rc = zanni_spawn (self, &boss->idle [i], "child", NULL);
    int64_t bytes = s_resident () - before;
    for (int64_t i = 0; i < count; i++)
        zanni_ref_destroy (&boss->idle [i]);
    free (boss->idle);
    return rc ? rc : zanni_reply (self, msg, bytes);
}

static void
boss_stop (zanni_t *self, const zanni_reason_t *reason)
{
    boss_t *boss = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&boss->ping);
    zanni_ref_destroy (&boss->counter);
    zanni_ref_destroy (&boss->producer);
    for (int i = 0; i < RING; i++)
        zanni_ref_destroy (&boss->members [i]);
}

static const zanni_method_t boss_methods [] = {
    ZANNI_METHOD ("pingpong", "x", "x", boss_pingpong, "Round trips."),
    ZANNI_METHOD ("ring", "x", "x", boss_ring, "Hops."),
    ZANNI_METHOD ("count", "x", "x", boss_count, "Counted messages."),
    ZANNI_METHOD ("create", "x", "x", boss_create, "Actors spawned, told and ended."),
    ZANNI_METHOD ("idle", "x", "x", boss_idle, "Resident bytes of idle actors."),
    ZANNI_METHOD ("done", "", "", boss_done, "A run is over."),
    ZANNI_METHOD ("born", "", "", boss_born, "A child has answered."),
    ZANNI_METHOD_END
};
static const zanni_class_t boss_class = {
    .name = "boss", .state_size = sizeof (boss_t), .methods = boss_methods, .stop = boss_stop
};

/* crossworker: 64 bytes a tell from an actor of one worker to one of another; crossworker-ask: round trips. */

typedef struct {
    int64_t left;
    int64_t started_ns;
    zanni_ref_t *sink;
    zanni_promise_t *done;
    int64_t *samples;
    int64_t taken;
} source_t;

static uint8_t s_payload [64];

/* Some at a time: a handler that never returned would keep its worker from everything else. */
static int
source_pour (zanni_t *self, source_t *source)
{
    int rc = 0;
    for (int some = 1024; !rc && source->left && some; some--) {
        rc = zanni_tell (self, source->sink, "drop", zanni_arg_bytes (s_payload, sizeof s_payload));
        if (!rc)
            source->left--;
    }
    if (rc == ZANNI_EFULL)
        return zanni_when_writable (self, source->sink, "more");
    return rc || !source->left ? rc : zanni_tell (self, zanni_self (self), "more");
}

static int
source_more (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return source_pour (self, zanni_state (self));
}

static int
source_go (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    const zanni_ref_t *sink;
    int rc = zanni_read (msg, &source->left, &sink);
    if (!rc && !source->sink)
        rc = zanni_ref_weak (self, &source->sink, sink);
    if (!rc)
        rc = zanni_promise_new (self, &source->done, msg);
    if (!rc)
        rc = zanni_tell (self, source->sink, "begin", source->left);
    source->started_ns = s_now_ns ();
    return rc ? rc : source_pour (self, source);
}

static int
source_done (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    (void) msg;
    return zanni_promise_reply (self, &source->done, s_now_ns () - source->started_ns);
}

static int
s_compare (const void *one, const void *other)
{
    int64_t a = *(const int64_t *) one, b = *(const int64_t *) other;
    return (a > b) - (a < b);
}

static int source_next (zanni_t *self, source_t *source);

static void
source_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    source_t *source = arg;
    s_check (zanni_msg_kind (reply) == ZANNI_MSG_ERROR ? ZANNI_ENOREPLY : 0, "ask");
    source->samples [source->taken++] = s_now_ns () - source->started_ns;
    s_check (source_next (self, source), "ask");
}

static int
source_next (zanni_t *self, source_t *source)
{
    if (source->taken < source->left) {
        source->started_ns = s_now_ns ();
        return zanni_ask (self, source->sink, &((zanni_ask_t) { .then = source_answered, .arg = source }), "echo",
                          zanni_arg_bytes (s_payload, sizeof s_payload));
    }
    qsort (source->samples, (size_t) source->taken, sizeof *source->samples, s_compare);
    int64_t median_ns = source->samples [source->taken / 2];
    free (source->samples);
    return zanni_promise_reply (self, &source->done, median_ns);
}

static int
source_asks (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    const zanni_ref_t *sink;
    int rc = zanni_read (msg, &source->left, &sink);
    if (!rc && !source->sink)
        rc = zanni_ref_weak (self, &source->sink, sink);
    if (!rc)
        rc = zanni_promise_new (self, &source->done, msg);
    source->taken = 0;
    source->samples = calloc ((size_t) source->left, sizeof *source->samples);
    return rc ? rc : source_next (self, source);
}

static void
source_stop (zanni_t *self, const zanni_reason_t *reason)
{
    source_t *source = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&source->sink);
}

static int
sink_drop (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *sink = zanni_state (self);
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &bytes);
    if (!rc && bytes.size == sizeof s_payload && ++sink->count == sink->wanted)
        rc = zanni_tell (self, zanni_msg_from (msg), "done");
    return rc;
}

static int
sink_echo (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &bytes);
    return rc ? rc : zanni_reply (self, msg, bytes);
}

static int
sink_buffer (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, buffer);
}

static const zanni_method_t source_methods [] = {
    ZANNI_METHOD ("go", "xr", "x", source_go, "Tells so many; answers the time until all had arrived."),
    ZANNI_METHOD ("asks", "xr", "x", source_asks, "Asks so often; answers the median time."),
    ZANNI_METHOD ("more", "", "", source_more, "There is room again."),
    ZANNI_METHOD ("done", "", "", source_done, "All have arrived."), ZANNI_METHOD_END
};
static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("begin", "x", "", counter_begin, "How many will come."),
    ZANNI_METHOD ("drop", "ay", "", sink_drop, "One more."),
    ZANNI_METHOD ("echo", "ay", "ay", sink_echo, "Answers the same."),
    ZANNI_METHOD ("buffer", "B", "B", sink_buffer, "Answers the same."), ZANNI_METHOD_END
};
static const zanni_class_t source_class = {
    .name = "source", .state_size = sizeof (source_t), .methods = source_methods, .stop = source_stop
};
static const zanni_class_t sink_class = {
    .name = "sink", .state_size = sizeof (counter_t), .methods = sink_methods, .stop = counter_stop
};

static const zanni_class_t *const s_classes [] = {
    &boss_class, &ping_class, &pong_class, &member_class, &counter_class, &producer_class, &child_class,
    &source_class, &sink_class, NULL
};

/* Asks `ref` for a run of `count` and gives its answer. */
static int64_t
s_ask (zanni_t *self, const zanni_ref_t *ref, const char *method, int64_t count, const zanni_ref_t *other)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t patient = { .deadline_ms = -1 };
    int64_t answer = 0;
    int rc = other ? zanni_call_with (self, &reply, ref, &patient, method, count, other)
                   : zanni_call_with (self, &reply, ref, &patient, method, count);
    if (!rc)
        rc = zanni_read (reply, &answer);
    s_check (rc, method);
    return answer;
}

static void
s_check_letters (zanni_t *self)
{
    zanni_stats_t stats;
    s_check (zanni_stats (self, &stats), "stats");
    if (stats.dead_letters || stats.failed_tells) {
        fprintf (stderr, "zanni-bench: %" PRIu64 " dead letters, %" PRIu64 " failed tells\n", stats.dead_letters,
                 stats.failed_tells);
        exit (EXIT_FAILURE);
    }
}

/* Runs with growing counts until one takes long enough; prints its rate. */
static void
s_rate (zanni_t *self, const zanni_ref_t *ref, const char *name, const char *method, const zanni_ref_t *other)
{
    int64_t count = s_exactly ? s_exactly : 10000;
    for (;;) {
        int64_t took_ns = s_ask (self, ref, method, count, other);
        double seconds = (double) took_ns / 1e9;
        if (s_exactly || seconds >= 0.7 * s_seconds) {
            printf ("%s %.0f /s\n", name, (double) count / seconds);
            break;
        }
        double factor = seconds > 0 ? s_seconds / seconds : 100;
        count = (int64_t) ((double) count * (factor > 100 ? 100 : factor)) + 1;
    }
    s_check_letters (self);
}

static void
s_boss_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) boss = NULL;
    s_check (zanni_spawn (self, &boss, "boss", NULL), "spawn");
    if (strcmp (name, "idle") != 0) {
        s_rate (self, boss, name, name, NULL);
        return;
    }
    (void) s_ask (self, boss, name, 1000, NULL);
    printf ("idle %.1f B\n", (double) s_ask (self, boss, name, IDLE, NULL) / IDLE);
}

static int64_t
s_pairs_round (zanni_t *self, zanni_ref_t **pings, int64_t count)
{
    int64_t started_ns = s_now_ns ();
    for (int i = 0; i < PAIRS; i++)
        s_check (zanni_ask (self, pings [i], &((zanni_ask_t) { .deadline_ms = -1 }), "go", count), "ask");
    for (int i = 0; i < PAIRS; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        s_check (zanni_receive (self, &reply, -1), "receive");
        s_check (zanni_msg_kind (reply) == ZANNI_MSG_REPLY ? 0 : ZANNI_ENOREPLY, "ping");
    }
    return s_now_ns () - started_ns;
}

static void
s_pairs_case (zanni_t *self, const char *name)
{
    static zanni_ref_t *pings [PAIRS];
    int64_t count = 10;
    for (int i = 0; i < PAIRS; i++)
        s_check (zanni_spawn (self, &pings [i], "ping", NULL), "spawn");
    for (;;) {
        double seconds = (double) s_pairs_round (self, pings, count) / 1e9;
        if (seconds >= 0.7 * s_seconds) {
            printf ("%s %.0f /s\n", name, (double) count * PAIRS / seconds);
            break;
        }
        double factor = s_seconds / seconds;
        count = (int64_t) ((double) count * (factor > 100 ? 100 : factor)) + 1;
    }
    for (int i = 0; i < PAIRS; i++)
        zanni_ref_destroy (&pings [i]);
    s_check_letters (self);
}

static void
s_cross_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) source = NULL;
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    s_check (zanni_spawn (self, &source, "source", &((zanni_spawn_t) { .worker = 1 })), "spawn");
    s_check (zanni_spawn (self, &sink, "sink", &((zanni_spawn_t) { .worker = 2 })), "spawn");
    if (!strcmp (name, "crossworker")) {
        s_rate (self, source, name, "go", sink);
        return;
    }
    int64_t count = s_seconds < 1 ? 1000 : 30000;
    (void) s_ask (self, source, "asks", 100, sink);
    printf ("%s %.3f us\n", name, (double) s_ask (self, source, "asks", count, sink) / 1e3);
}

/* The median time for a buffer of `size` to a thread actor and back. */
static double
s_buffer_us (zanni_t *self, const zanni_ref_t *ref, size_t size, int rounds)
{
    int64_t *samples = calloc ((size_t) rounds, sizeof *samples);
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    s_check (zanni_buffer_new (self, &buffer, size), "buffer");
    for (int i = 0; i < rounds; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        int64_t started_ns = s_now_ns ();
        s_check (zanni_call (self, &reply, ref, "buffer", buffer), "call");
        samples [i] = s_now_ns () - started_ns;
    }
    qsort (samples, (size_t) rounds, sizeof *samples, s_compare);
    double median_us = (double) samples [rounds / 2] / 1e3;
    free (samples);
    return median_us;
}

static void
s_buffer_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    int rounds = s_seconds < 1 ? 200 : 10000;
    s_check (zanni_spawn (self, &sink, "sink", &((zanni_spawn_t) { .place = ZANNI_THREAD })), "spawn");
    (void) s_buffer_us (self, sink, 64, 100);
    printf ("%s-small %.3f us\n", name, s_buffer_us (self, sink, 64, rounds));
    printf ("%s %.3f us\n", name, s_buffer_us (self, sink, (size_t) 64 << 20, rounds));
}

static const struct {
    const char *name;
    void (*run) (zanni_t *self, const char *name);
} s_cases [] = {
    { "pingpong", s_boss_case }, { "ring", s_boss_case }, { "count", s_boss_case }, { "create", s_boss_case },
    { "idle", s_boss_case }, { "pairs", s_pairs_case }, { "crossworker", s_cross_case },
    { "crossworker-ask", s_cross_case }, { "thread-buffer", s_buffer_case }
};

int
main (int argc, char **argv)
{
    const char *name = argc > 1 ? argv [argc - 1] : "";
    if (argc > 2 && !strcmp (argv [1], "--quick"))
        s_seconds = 0.05;
    if (argc > 3 && !strcmp (argv [1], "--exactly"))
        s_exactly = atoll (argv [2]);
    s_check (zanni_init (s_classes), "init");
    for (size_t i = 0; i < sizeof s_cases / sizeof *s_cases; i++)
        if (!strcmp (s_cases [i].name, name)) {
            ZANNI_AUTO (zanni_t) self = NULL;
            s_check (zanni_new (&self, NULL), "new");
            s_cases [i].run (self, name);
            return EXIT_SUCCESS;
        }
    fprintf (stderr, "usage: zanni-bench [--quick | --exactly N] CASE; there is no case \"%s\"\n", name);
    return EXIT_FAILURE;
}
