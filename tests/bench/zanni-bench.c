/* zanni's side of the comparison: each case through the public API, with dispatch and checks, default options and
   default placement. The actors of pingpong, ring, count, create and idle are spawned by one shared actor and so share
   its worker; in pairs the root spawns each ping, which spawns its pong. What crosses from one worker to another, or to
   another process, stands in cross.c, process.c, mixed.c and handover.c; what does not travel in data.c.

   The cases here are a "boss" actor that root asks to do so many; the boss answers when all is done, with the
   nanoseconds it took. Counts grow until a run takes long enough. */

#define _GNU_SOURCE

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING 503
#define PAIRS 1000
#define CREDITS 4096
#define CREDIT_BATCH 64
#define CREATE_BATCH 1000
#define IDLE 100000

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
    boss->started_ns = bench_now_ns ();
    return rc;
}

static int
boss_done (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    (void) msg;
    return zanni_promise_reply (self, &boss->done, bench_now_ns () - boss->started_ns);
}

static void
boss_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) arg;
    bench_check (zanni_msg_kind (reply) == ZANNI_MSG_ERROR ? ZANNI_ENOREPLY : 0, "ping");
    bench_check (boss_done (self, reply), "boss");
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

static const zanni_class_t *const s_classes [] = {
    &boss_class, &ping_class, &pong_class, &member_class, &counter_class, &producer_class, &child_class,
    &bench_source_class, &bench_sink_class, &bench_holder_class, &bench_typer_class,
    &bench_pool_boss_class, &bench_pool_hand_class,
    NULL
};

static void
s_boss_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) boss = NULL;
    const bench_run_t run = { .name = name };
    bench_check (zanni_spawn (self, &boss, "boss", NULL), "spawn");
    if (strcmp (name, "idle") != 0) {
        bench_rate (self, boss, &run);
        return;
    }
    (void) bench_ask (self, boss, &run, 1000);
    printf ("idle %.1f B\n", (double) bench_ask (self, boss, &run, IDLE) / IDLE);
}

static int64_t
s_pairs_round (zanni_t *self, zanni_ref_t **pings, int64_t count)
{
    int64_t started_ns = bench_now_ns ();
    for (int i = 0; i < PAIRS; i++)
        bench_check (zanni_ask (self, pings [i], &((zanni_ask_t) { .deadline_ms = -1 }), "go", count), "ask");
    for (int i = 0; i < PAIRS; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        bench_check (zanni_receive (self, &reply, -1), "receive");
        bench_check (zanni_msg_kind (reply) == ZANNI_MSG_REPLY ? 0 : ZANNI_ENOREPLY, "ping");
    }
    return bench_now_ns () - started_ns;
}

static void
s_pairs_case (zanni_t *self, const char *name)
{
    static zanni_ref_t *pings [PAIRS];
    int64_t next = 10;
    int64_t count;
    double seconds;
    for (int i = 0; i < PAIRS; i++)
        bench_check (zanni_spawn (self, &pings [i], "ping", NULL), "spawn");
    do {
        count = next;
        seconds = (double) s_pairs_round (self, pings, count) / 1e9;
        next = bench_grow (count, seconds);
    }
    while (next);
    printf ("%s %.0f /s\n", name, (double) count * PAIRS / seconds);
    for (int i = 0; i < PAIRS; i++)
        zanni_ref_destroy (&pings [i]);
    bench_check_letters (self);
}

static const bench_case_t s_cases [] = {
    { "pingpong", s_boss_case, NULL }, { "ring", s_boss_case, NULL }, { "count", s_boss_case, NULL },
    { "create", s_boss_case, NULL }, { "idle", s_boss_case, NULL }, { "pairs", s_pairs_case, NULL },
    { "crossworker", bench_cross_case, NULL }, { "crossworker-ask", bench_cross_case, NULL },
    { "thread-buffer", bench_thread_buffer_case, NULL }, { "process-tell", bench_process_tell_case, NULL },
    { "process-ask", bench_process_ask_case, NULL }, { "process-buffer", bench_process_buffer_case, NULL },
    { "process-big", bench_process_buffer_case, NULL }, { "spawn-process", bench_spawn_process_case, NULL },
    { "process-kill", bench_kill_case, NULL }, { "restart", bench_restart_case, NULL },
    { "lane-tell", bench_process_tell_case, NULL }, { "lane-ask", bench_process_ask_case, NULL },
    { "tcp-tell", bench_process_tell_case, NULL }, { "tcp-tell-curve", bench_process_tell_case, NULL },
    { "tcp-ask", bench_process_ask_case, NULL }, { "tcp-buffer", bench_process_buffer_case, NULL },
    { "tcp-buffer-curve", bench_process_buffer_case, NULL }, { "tcp-big", bench_process_buffer_case, NULL },
    { "tcp-mixed", bench_mixed_case, NULL }, { "tcp-mixed-speed", bench_mixed_case, NULL },
    { "handover-100MB", bench_handover_case, NULL }, { "handover-untouched", bench_untouched_case, NULL },
    { "fanout", bench_fanout_case, NULL }, { "types", bench_types_case, bench_types_prepare },
    { "types-create", bench_create_case, NULL }, { "store-shm", bench_store_case, NULL },
    { "pool", bench_pool_case, NULL }, { "pool-dispatch", bench_pool_dispatch_case, NULL },
    { "pool-dispatch-tell", bench_pool_dispatch_case, NULL }, { "thresholds", bench_thresholds_case, NULL },
#if defined HAS_LMDB
    { "store-lmdb", bench_store_lmdb_case, NULL },
#endif
#if defined HAS_REDIS
    { "store-redis", bench_store_redis_case, NULL },
#endif
};

/* Under valgrind, where instructions are counted, a process cannot begin /proc/self/exe anew: it is named there. */
static void
s_run (const bench_case_t *bench, const char *program)
{
    const char *secret = bench_secret (bench->name);
    const zanni_options_t options = {
        .child_program = bench_exactly ? program : NULL, .secret = secret, .insecure = !secret
    };
    ZANNI_AUTO (zanni_t) self = NULL;
    if (bench->prepare)
        bench->prepare ();
    bench_check (zanni_new (&self, &options), "new");
    bench->run (self, bench->name);
}

int
main (int argc, char **argv)
{
    const char *name = argc > 1 ? argv [argc - 1] : "";
    bench_check (zanni_init (s_classes), "init");   // in a process actor it does not return
    if (!strcmp (name, BENCH_FORKER))
        return bench_be_forker ();
    if (argc > 2 && !strcmp (argv [1], BENCH_OTHER))
        return bench_be_other (name);
    if (argc > 2 && !strcmp (argv [1], "--quick"))
        bench_seconds = 0.05;
    if (argc > 3 && !strcmp (argv [1], "--exactly"))
        bench_exactly = atoll (argv [2]);
    for (size_t i = 0; i < sizeof s_cases / sizeof *s_cases; i++)
        if (!strcmp (s_cases [i].name, name)) {
            s_run (&s_cases [i], argv [0]);
            return EXIT_SUCCESS;
        }
    fprintf (stderr, "usage: zanni-bench [--quick | --exactly N] CASE; there is no case \"%s\"\ncases:", name);
    for (size_t i = 0; i < sizeof s_cases / sizeof *s_cases; i++)
        fprintf (stderr, " %s", s_cases [i].name);
    fputc ('\n', stderr);
    return EXIT_FAILURE;
}
