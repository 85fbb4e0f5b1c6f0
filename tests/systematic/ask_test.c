/* An ask ends exactly once: by reply, error, deadline, cancelling, the receiver's end, or its own asker's end. Clients
   with many asks and servers with every habit, while the root stops, kills and restarts them, posts are refused and
   batches are lost. */

#include "scene.h"

#define CLIENTS 4
#define SERVERS 5
#define ASKS 600

/* One ask, in the test's own memory. */
typedef struct {
    uint64_t id;
    int client;
    int ends;
    int code;
} ask_t;

static ask_t asks [ASKS];
static int asks_count;
static bool client_gone [CLIENTS];
static int64_t no_deadline;     // of so many in 100 asks

/* A server keeps promises and messages in no good order. */
#define KEPT 8

typedef struct {
    zanni_promise_t *promises [KEPT];
    zanni_msg_t *msgs [KEPT];
    zanni_ref_t *other;
} server_t;

static int
server_other (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    zanni_ref_destroy (&server->other);
    return rc ? rc : zanni_ref_weak (self, &server->other, other);
}

/* Keeps the ask as a promise, and does something about the one that lay there before. */
static int
server_promise (zanni_t *self, server_t *server, zanni_msg_t *msg)
{
    zanni_promise_t **slot = &server->promises [scene_draw (KEPT)];
    switch (*slot ? scene_draw (3) : 3) {
    case 0:
        check_eq (zanni_promise_reply (self, slot, 2), 0);
        break;
    case 1:
        check_eq (zanni_promise_fail (self, slot, 7, "broken"), 0);
        break;
    case 2:
        zanni_promise_destroy (slot);
        break;
    default:
        break;
    }
    return zanni_promise_new (self, slot, msg);
}

static int
server_keep (zanni_t *self, server_t *server, zanni_msg_t *msg)
{
    zanni_msg_t **slot = &server->msgs [scene_draw (KEPT)];
    if (*slot && scene_draw (2))
        check_eq (zanni_reply (self, *slot, 3), 0);
    zanni_msg_destroy (slot);
    return zanni_msg_keep (slot, msg);
}

static int
server_ask (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    switch (scene_draw (12)) {
    case 0:
        return zanni_exit (self);
    case 1:
        return zanni_exit_error (self, 4, "enough");
    case 2:
        return ZANNI_EPERM;
    case 3:
        return zanni_fail (self, msg, 5, "no");
    case 4:
    case 5:
        return server_promise (self, server, msg);
    case 6:
    case 7:
        return server_keep (self, server, msg);
    case 8:
    case 9:
        /* To itself is no harm, but may go on for a while. */
        return server->other ? zanni_forward (self, msg, server->other, NULL) : 0;
    default:
        return zanni_reply (self, msg, 1);
    }
}

static const zanni_method_t server_methods [] = {
    ZANNI_METHOD ("ask", "", "i", server_ask, "Answers, in one way or another."),
    ZANNI_METHOD ("other", "r", "", server_other, "Whom to forward to."),
    ZANNI_METHOD_END
};
static const zanni_class_t server_class = {
    .name = "server", .state_size = sizeof (server_t), .methods = server_methods
};

typedef struct {
    int number;
    zanni_ref_t *servers [SERVERS];
    int open [ASKS];
} client_t;

static int
client_start (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    int rc = zanni_read (msg, &client->number);
    for (int i = 0; !rc && i < SERVERS; i++) {
        const zanni_ref_t *ref;
        rc = zanni_read (msg, &ref);
        if (!rc)
            rc = zanni_ref_keep (self, &client->servers [i], ref);
    }
    return rc;
}

static void
client_stop (zanni_t *self, const zanni_reason_t *reason)
{
    client_t *client = zanni_state (self);
    (void) reason;
    client_gone [client->number] = true;
}

static void
on_end (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    ask_t *ask = arg;
    zanni_error_t error = { 0 };
    const client_t *client = zanni_state (self);
    check_eq (client->number, ask->client);
    check (!client_gone [ask->client]);
    check_eq (zanni_msg_id (reply), ask->id);
    ask->ends++;
    check_eq (ask->ends, 1);
    ask->code = zanni_msg_error (reply, &error) ? 1 : error.code;
    zanni_sim_note (scene_now->world, "ask %d ends with %d", (int) (ask - asks), ask->code);
}

static int
client_go (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    int count;
    check_eq (zanni_read (msg, &count), 0);
    while (count-- > 0 && asks_count < ASKS) {
        ask_t *ask = &asks [asks_count];
        zanni_ask_t options = {
            .then = on_end, .arg = ask, .id_p = &ask->id,
            .deadline_ms = scene_draw (100) < no_deadline ? -1 : (int64_t) scene_draw (40)
        };
        *ask = (ask_t) { .client = client->number };
        int rc = zanni_ask (self, client->servers [scene_draw (SERVERS)], &options, "ask");
        if (rc) {
            check (rc == ZANNI_ENOACTOR || rc == ZANNI_EFULL);
            continue;
        }
        asks_count++;
        if (scene_draw (4) == 0)   // one's own, or somebody's else, whose id is unknown here
            check_eq (zanni_cancel (self, asks [scene_draw ((uint32_t) asks_count)].id), 0);
    }
    return 0;
}

static const zanni_method_t client_methods [] = {
    ZANNI_METHOD ("go", "i", "", client_go, "Asks so many."),
    ZANNI_METHOD_END
};
static const zanni_class_t client_class = {
    .name = "client", .state_size = sizeof (client_t), .methods = client_methods, .start_in = "irrrrr",
    .start = client_start, .stop = client_stop
};

static const zanni_class_t *const classes [] = { &client_class, &server_class, NULL };

static zanni_ref_t *servers [SERVERS];
static zanni_ref_t *clients [CLIENTS];

static void
place (zanni_spawn_t *options)
{
    uint32_t where = scene_draw (6);
    options->place = where == 0 ? ZANNI_HERE : where == 1 ? ZANNI_THREAD : ZANNI_SHARED;
    options->worker = where > 1 ? where - 1 : 0;
}

static void
spawn_all (scene_t *scene)
{
    for (int i = 0; i < SERVERS; i++) {
        zanni_spawn_t options = {
            .restartable = scene_draw (2), .mailbox_messages = 1 + scene_draw (30),
            .overflow = (zanni_overflow_t) scene_draw (3)
        };
        place (&options);
        check_eq (zanni_spawn (scene->self, &servers [i], "server", &options), 0);
    }
    for (int i = 0; i < SERVERS; i++)
        (void) !zanni_tell (scene->self, servers [i], "other", servers [scene_draw (SERVERS)]);
    for (int i = 0; i < CLIENTS; i++) {
        zanni_spawn_t options = ZANNI_SPAWN_DEFAULT;
        place (&options);
        client_gone [i] = false;
        check_eq (zanni_spawn (scene->self, &clients [i], "client", &options, i, servers [0], servers [1],
                               servers [2], servers [3], servers [4]),
                  0);
    }
}

/* What the root does between two looks. */
static void
meddle (scene_t *scene)
{
    zanni_ref_t *server = servers [scene_draw (SERVERS)];
    zanni_ref_t *client = clients [scene_draw (CLIENTS)];
    switch (scene_draw (24)) {
    case 0:
        check_eq (zanni_stop (scene->self, server), 0);
        break;
    case 1:
        check_eq (zanni_kill (scene->self, server), 0);
        break;
    case 2:
    case 3:
        check_eq (zanni_restart (scene->self, server), 0);
        break;
    case 4:
        check_eq (zanni_stop (scene->self, client), 0);
        break;
    case 5:
        scene_pass (scene_draw (20));
        break;
    case 6:
        scene_settle ();
        break;
    case 7:
        check_eq (zanni_run (scene->self, scene_draw (3)), 0);
        break;
    default: {
        int rc = zanni_tell (scene->self, client, "go", 1 + (int) scene_draw (10));
        check (rc == 0 || rc == ZANNI_ENOACTOR);
    }
    }
}

static void
play (scene_t *scene)
{
    asks_count = 0;
    spawn_all (scene);
    for (int i = 0; i < 60; i++)
        meddle (scene);
    scene_pass (100);
    bool all_stopped = scene_draw (2);
    for (int i = 0; i < SERVERS; i++) {
        if (all_stopped || no_deadline)
            check_eq (zanni_stop (scene->self, servers [i]), 0);
        zanni_ref_destroy (&servers [i]);
    }
    scene_pass (6000);   // longer than the default deadline
    for (int i = 0; i < asks_count; i++)
        check (client_gone [asks [i].client] || asks [i].ends == 1);
    for (int i = 0; i < CLIENTS; i++)
        zanni_ref_destroy (&clients [i]);
}

/* The same, but everything is still under way when the node ends. */
static void
play_cut (scene_t *scene)
{
    asks_count = 0;
    spawn_all (scene);
    for (uint32_t i = scene_draw (60); i > 0; i--)
        meddle (scene);
    for (int i = 0; i < SERVERS; i++)
        zanni_ref_destroy (&servers [i]);
    for (int i = 0; i < CLIENTS; i++)
        zanni_ref_destroy (&clients [i]);
}

static void
run (scene_play_fn *fn, zanni_sim_options_t world)
{
    no_deadline = 0;
    scene_run (&(scene_setup_t) { .classes = classes, .world = world }, fn);
    no_deadline = 20;
    scene_run (&(scene_setup_t) { .classes = classes, .world = world }, fn);
}

Test (ask, ends_once)
{
    run (play, (zanni_sim_options_t) { 0 });
}

Test (ask, ends_once_with_latency)
{
    run (play, (zanni_sim_options_t) { .latency_ns = 20 * MS });
}

Test (ask, ends_once_while_the_clock_ticks)
{
    run (play, (zanni_sim_options_t) { .latency_ns = 5 * MS, .tick_ns = 50000 });
}

static void
play_faulty (scene_t *scene)
{
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_percent = 20, .lose_percent = 20 });
    play (scene);
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { 0 });
}

Test (ask, ends_once_when_posts_are_refused_and_batches_lost)
{
    run (play_faulty, (zanni_sim_options_t) { .latency_ns = 10 * MS });
}

Test (ask, under_way_at_the_end_of_the_node)
{
    run (play_cut, (zanni_sim_options_t) { .latency_ns = 10 * MS });
}

static void
play_nth_post (scene_t *scene)
{
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_post = scene->seed, .lose_batch = scene->seed });
    play (scene);
}

Test (ask, ends_once_whichever_post_fails)
{
    run (play_nth_post, (zanni_sim_options_t) { 0 });
}
