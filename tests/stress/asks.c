/* Every ask ends exactly once. Askers on all workers ask servers on all workers, which answer at once, later by a
   promise, with an error, by handing on, by a kept message, or never; some asks are cancelled, some have a deadline of a
   millisecond, some find their server gone. Each ask has a counter that its answer raises. */

#define ASKER_OPEN 64

#include "asker.h"

#define S_ASKERS 4
#define S_SERVERS 6

typedef struct {
    zanni_ref_t *next;
    zanni_promise_t *promise;
    zanni_msg_t *kept;
    uint64_t random;
} server_t;

static int
s_answer_later (zanni_t *self, server_t *server, zanni_msg_t *msg)
{
    if (server->promise && stress_random (&server->random, 2))   // the one before is answered now, or dropped
        STRESS_OK (zanni_promise_reply (self, &server->promise, 1));
    zanni_promise_destroy (&server->promise);
    return zanni_promise_new (self, &server->promise, msg);
}

static int
s_keep (zanni_t *self, server_t *server, zanni_msg_t *msg)
{
    if (server->kept) {
        int rc = zanni_reply (self, server->kept, 2);
        STRESS_CHECK (!rc || rc == ZANNI_EREPLIED);
    }
    zanni_msg_destroy (&server->kept);
    return zanni_msg_keep (&server->kept, msg);
}

static int
s_serve (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    switch (stress_random (&server->random, 6)) {
    case 0:
        return s_answer_later (self, server, msg);
    case 1:
        return s_keep (self, server, msg);
    case 2:
        return zanni_fail (self, msg, 7, "no");
    case 3:
        return server->next && !zanni_forward (self, msg, server->next, NULL) ? 0 : zanni_reply (self, msg, 3);
    case 4:
        return 0;   // no reply
    default:
        return zanni_reply (self, msg, 4);
    }
}

static int
s_server_next (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next, &server->random);
    return rc ? rc : zanni_ref_weak (self, &server->next, next);
}

static const zanni_method_t s_server_methods [] = {
    ZANNI_METHOD ("serve", "x", "x", s_serve, "Answers somehow."),
    ZANNI_METHOD ("next", "rt", "", s_server_next, "Whom to hand on to."), ZANNI_METHOD_END
};
static const zanni_class_t s_server = {
    .name = "server", .state_size = sizeof (server_t), .methods = s_server_methods
};

static int
asker_sends (zanni_t *self, asker_t *asker, const zanni_ref_t *to, const zanni_ask_t *options)
{
    int rc = zanni_ask (self, to, options, "serve", asker->left);
    STRESS_CHECK (rc == 0 || rc == ZANNI_ENOACTOR);
    return rc;
}

static const zanni_class_t *const s_classes [] = { &s_server, &asker_class, NULL };

static zanni_ref_t *s_servers [S_SERVERS];
static zanni_ref_t *s_askers [S_ASKERS];

static void
s_set_up (zanni_t *self, int64_t count)
{
    for (uint32_t i = 0; i < S_SERVERS; i++) {
        const zanni_spawn_t where = { .place = i < 4 ? ZANNI_SHARED : ZANNI_THREAD, .worker = i < 4 ? i % 3 + 1 : 0 };
        STRESS_OK (zanni_spawn (self, &s_servers [i], "server", &where));
    }
    for (uint32_t i = 0; i < S_SERVERS; i++)   // handing on goes one way, so it ends
        if (i + 1 < S_SERVERS)
            STRESS_OK (zanni_tell (self, s_servers [i], "next", s_servers [i + 1], i + 1));
    for (uint32_t i = 0; i < S_ASKERS; i++) {
        const zanni_spawn_t where = { .place = i < 3 ? ZANNI_SHARED : ZANNI_THREAD, .worker = i < 3 ? i + 1 : 0 };
        s_askers [i] = asker_new (self, &where, s_servers, S_SERVERS, count, i + 77);
    }
}

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 20000, 2000000) / S_ASKERS;
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 3 }));
    s_set_up (self, count);
    stress_await (self, "done");
    zanni_ref_destroy (&s_servers [1]);   // two servers go while the others ask
    STRESS_OK (zanni_stop (self, s_servers [4]));
    for (int i = 1; i < S_ASKERS; i++)
        stress_await (self, "done");
    for (int i = 0; i < S_SERVERS; i++)
        zanni_ref_destroy (&s_servers [i]);
    for (int i = 0; i < S_ASKERS; i++)
        zanni_ref_destroy (&s_askers [i]);
    STRESS_OK (zanni_destroy (&self));
    printf ("ended once: %" PRId64 " asks\n", S_ASKERS * count);
    return 0;
}
