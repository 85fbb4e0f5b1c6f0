/* Restarts: the incarnation ends, the identity goes on. What lay in the mailbox is handled by the next one, in order;
   what the old one had begun ends with it; monitors fire once, and say that another follows. */

#include "scene.h"

#define ACTORS 3
#define CLIENTS 3

/* One phoenix as the test sees it. */
typedef struct {
    int incarnation;        // started so far
    bool alive;
    int last [CLIENTS + 1]; // last number from each, the root being the last of them
    int handled;
    int fails_at;           // this incarnation's start fails; 0: none
    int stops;
    int ended;              // for good
} state_t;

static state_t states [ACTORS];

typedef struct {
    int number;
    int incarnation;
    zanni_promise_t *promise;
    uint64_t timer;
} phoenix_t;

static int
phoenix_start (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    check_eq (zanni_read (msg, &phoenix->number), 0);
    state_t *state = &states [phoenix->number];
    check (!state->alive);
    check_eq (phoenix->incarnation, 0);   // fresh and zeroed
    phoenix->incarnation = ++state->incarnation;
    if (state->incarnation == state->fails_at) {
        state->ended++;
        return ZANNI_EPERM;
    }
    state->alive = true;
    return zanni_timer (self, &phoenix->timer, 1 + scene_draw (5), 1 + scene_draw (5), "tick", phoenix->incarnation);
}

static void
phoenix_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const phoenix_t *phoenix = zanni_state (self);
    state_t *state = &states [phoenix->number];
    (void) reason;
    check (state->alive);
    state->alive = false;
    state->stops++;
}

static int
phoenix_tick (zanni_t *self, zanni_msg_t *msg)
{
    const phoenix_t *phoenix = zanni_state (self);
    int incarnation;
    check_eq (zanni_read (msg, &incarnation), 0);
    check_eq (incarnation, phoenix->incarnation);   // none of the one before
    return 0;
}

static void
take (zanni_t *self, zanni_msg_t *msg)
{
    const phoenix_t *phoenix = zanni_state (self);
    state_t *state = &states [phoenix->number];
    int from, number;
    check (state->alive);
    check_eq (phoenix->incarnation, state->incarnation);
    check_eq (zanni_read (msg, &from, &number), 0);
    check_eq (number, state->last [from] + 1);
    state->last [from] = number;
    state->handled++;
}

static int
phoenix_take (zanni_t *self, zanni_msg_t *msg)
{
    take (self, msg);
    return 0;
}

/* Answers every other one at once and keeps the rest. */
static int
phoenix_ask (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    take (self, msg);
    if (scene_draw (2))
        return zanni_reply (self, msg, phoenix->incarnation);
    zanni_promise_destroy (&phoenix->promise);
    return zanni_promise_new (self, &phoenix->promise, msg);
}

static const zanni_method_t phoenix_methods [] = {
    ZANNI_METHOD ("take", "ii", "", phoenix_take, "Sender, number."),
    ZANNI_METHOD ("ask", "ii", "i", phoenix_ask, "The same, answered now or never."),
    ZANNI_PRIVATE ("tick", "i", "", phoenix_tick, "Of a timer."),
    ZANNI_METHOD_END
};
static const zanni_class_t phoenix_class = {
    .name = "phoenix", .state_size = sizeof (phoenix_t), .methods = phoenix_methods, .start_in = "i",
    .start = phoenix_start, .stop = phoenix_stop
};

/* A client sends, asks, and keeps one monitor on each phoenix. */
typedef struct {
    int number;
    zanni_ref_t *phoenixes [ACTORS];
    uint64_t monitors [ACTORS];
    int sent [ACTORS];
    bool gone [ACTORS];
} client_t;

static int asked;
static int answered;
static int downs [CLIENTS] [ACTORS];
static int last_downs [CLIENTS] [ACTORS];

static int
client_start (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    int rc = zanni_read (msg, &client->number);
    for (int i = 0; !rc && i < ACTORS; i++) {
        const zanni_ref_t *ref;
        rc = zanni_read (msg, &ref);
        if (!rc)
            rc = zanni_ref_keep (self, &client->phoenixes [i], ref);
        if (!rc)
            rc = zanni_monitor (self, &client->monitors [i], ref);
    }
    return rc;
}

static void
on_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) self;
    (void) arg;
    answered++;
    if (!zanni_msg_error (reply, &error))
        check (error.code == ZANNI_EDOWN || error.code == ZANNI_ENOREPLY || error.code == ZANNI_ENOACTOR);
}

static int
client_go (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    static const zanni_ask_t options = { .then = on_answer, .deadline_ms = -1 };
    int count;
    check_eq (zanni_read (msg, &count), 0);
    while (count-- > 0) {
        uint32_t at = scene_draw (ACTORS);
        bool asks = scene_draw (2);
        int next = client->sent [at] + 1;
        int rc = asks ? zanni_ask (self, client->phoenixes [at], &options, "ask", client->number, next)
                      : zanni_tell (self, client->phoenixes [at], "take", client->number, next);
        check (rc == 0 || rc == ZANNI_ENOACTOR);
        client->sent [at] += !rc;
        asked += asks && !rc;
    }
    return 0;
}

static void
client_down (zanni_t *self, const zanni_down_t *down)
{
    client_t *client = zanni_state (self);
    for (int i = 0; i < ACTORS; i++)
        if (client->monitors [i] == down->monitor) {
            downs [client->number] [i]++;
            last_downs [client->number] [i] += !down->restarts;
            client->monitors [i] = 0;
            if (down->restarts)
                check_eq (zanni_monitor (self, &client->monitors [i], down->ref), 0);
        }
}

static const zanni_method_t client_methods [] = {
    ZANNI_METHOD ("go", "i", "", client_go, "Sends so many."),
    ZANNI_METHOD_END
};
static const zanni_class_t client_class = {
    .name = "client", .state_size = sizeof (client_t), .methods = client_methods, .start_in = "irrr",
    .start = client_start, .down = client_down
};
static const zanni_class_t *const classes [] = { &phoenix_class, &client_class, NULL };
static const scene_setup_t setup = { .classes = classes, .seeds = SCENE_MANY };
static const scene_setup_t slow = {
    .classes = classes, .world = { .latency_ns = 3 * MS, .tick_ns = 20000 }, .seeds = SCENE_MANY
};

static zanni_ref_t *phoenixes [ACTORS];
static zanni_ref_t *clients [CLIENTS];

static zanni_ref_t *
spawn_phoenix (int number, int fails_at)
{
    uint32_t where = scene_draw (6);
    zanni_ref_t *ref = NULL;
    zanni_spawn_t options = {
        .place = where == 5 ? ZANNI_THREAD : where ? ZANNI_SHARED : ZANNI_HERE, .worker = where < 5 ? where : 0,
        .restartable = true
    };
    states [number] = (state_t) { .fails_at = fails_at };
    check_eq (zanni_spawn (scene_now->self, &ref, "phoenix", &options, number), 0);
    return ref;
}

static void
begin (scene_t *scene)
{
    asked = answered = 0;
    memset (downs, 0, sizeof downs);
    memset (last_downs, 0, sizeof last_downs);
    for (int i = 0; i < ACTORS; i++)
        phoenixes [i] = spawn_phoenix (i, 0);
    for (int i = 0; i < CLIENTS; i++) {
        zanni_spawn_t options = { .worker = 1 + scene_draw (4) };
        check_eq (zanni_spawn (scene->self, &clients [i], "client", &options, i, phoenixes [0], phoenixes [1],
                               phoenixes [2]),
                  0);
    }
    scene_pass (50);
}

static void
end (void)
{
    for (int i = 0; i < ACTORS; i++)
        zanni_ref_destroy (&phoenixes [i]);
    for (int i = 0; i < CLIENTS; i++)
        zanni_ref_destroy (&clients [i]);
}

static int
sent_to (int number)
{
    int sum = 0;
    for (int i = 0; i <= CLIENTS; i++)
        sum += states [number].last [i];
    return sum;
}

static void
play (scene_t *scene)
{
    int restarts [ACTORS] = { 0 };
    begin (scene);
    for (int i = 0; i < 30; i++) {
        check_eq (zanni_tell (scene->self, clients [scene_draw (CLIENTS)], "go", (int) scene_draw (20)), 0);
        if (scene_draw (2)) {
            uint32_t at = scene_draw (ACTORS);
            check_eq (zanni_restart (scene->self, phoenixes [at]), 0);
            restarts [at]++;
        }
        if (scene_draw (3) == 0)
            check_eq (zanni_run (scene->self, scene_draw (5)), 0);
    }
    scene_pass (100);
    for (int i = 0; i < ACTORS; i++) {
        check (states [i].alive);
        check (states [i].incarnation >= (restarts [i] ? 2 : 1));   // two that meet in one handler are one
        check (states [i].incarnation <= restarts [i] + 1);
        check_eq (states [i].stops, states [i].incarnation - 1);
        check_eq (states [i].handled, sent_to (i));
        for (int j = 0; j < CLIENTS; j++) {
            /* Each end was seen by the monitor on that incarnation; one that came in between saw the next. */
            check (downs [j] [i] <= states [i].stops);
            check (!states [i].stops || downs [j] [i] >= 1);
            check_eq (last_downs [j] [i], 0);
        }
    }
    check_eq (scene_stats ().dead_letters, 0);
    for (int i = 0; i < ACTORS; i++)
        check_eq (zanni_stop (scene->self, phoenixes [i]), 0);
    scene_pass (100);
    check_eq (answered, asked);
    for (int i = 0; i < ACTORS; i++) {
        check (!states [i].alive);
        for (int j = 0; j < CLIENTS; j++)
            check_eq (last_downs [j] [i], 1);
    }
    end ();
}

Test (restart, loses_nothing)
{
    scene_run (&setup, play);
    scene_run (&slow, play);
}

/* Restart, stop and kill at the same time: the end wins whenever it comes. */
static void
play_race (scene_t *scene)
{
    begin (scene);
    for (int i = 0; i < ACTORS; i++) {
        check_eq (zanni_tell (scene->self, clients [i], "go", 20), 0);
        for (uint32_t n = scene_draw (4); n > 0; n--)
            check_eq (zanni_restart (scene->self, phoenixes [i]), 0);
        if (scene_draw (2))
            check_eq (zanni_run (scene->self, scene_draw (3)), 0);
        check_eq (scene_draw (2) ? zanni_stop (scene->self, phoenixes [i]) : zanni_kill (scene->self, phoenixes [i]), 0);
        for (uint32_t n = scene_draw (4); n > 0; n--)
            check_eq (zanni_restart (scene->self, phoenixes [i]), 0);
    }
    scene_pass (100);
    check_eq (answered, asked);
    check_eq (scene_stats ().actors, 1 + CLIENTS);
    for (int i = 0; i < ACTORS; i++)
        for (int j = 0; j < CLIENTS; j++)
            check_eq (last_downs [j] [i], 1);
    end ();
}

Test (restart, does_not_raise_what_was_ended)
{
    scene_run (&setup, play_race);
    scene_run (&slow, play_race);
}

/* A start that fails at a restart ends the actor for good, with that error. */
static void
play_failing (scene_t *scene)
{
    zanni_ref_t *phoenix = spawn_phoenix (0, 2 + (int) scene_draw (3));
    zanni_ask_t ask = { .deadline_ms = -1 };
    uint64_t monitor;
    int ends = 0;
    zanni_down_t down = { .restarts = true };
    check_eq (zanni_monitor (scene->self, &monitor, phoenix), 0);
    while (down.restarts) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        check_eq (zanni_restart (scene->self, phoenix), 0);
        check_eq (zanni_receive (scene->self, &msg, 1000), 0);
        check_eq (zanni_msg_down (msg, &down), 0);
        check_eq (down.monitor, monitor);
        ends++;
        if (down.restarts)
            check_eq (zanni_monitor (scene->self, &monitor, phoenix), 0);
        else
            check (down.reason.kind == ZANNI_EXIT_ERROR || down.reason.kind == ZANNI_EXIT_NO_ACTOR);
    }
    check_eq (states [0].incarnation, states [0].fails_at);
    check_eq (states [0].ended, 1);
    check (ends <= states [0].fails_at);
    check_eq (zanni_ask (scene->self, phoenix, &ask, "ask", 0, 1), ZANNI_ENOACTOR);
    zanni_ref_destroy (&phoenix);
}

Test (restart, that_fails_is_the_end)
{
    scene_run (&setup, play_failing);
    scene_run (&slow, play_failing);
}
