/* Threads begin and end in a loop, from the root and from the pool at once: called, asked with the answer left behind,
   stopped, killed, dropped, or ended by themselves while others talk to them. Descriptors do not pile up. */

#include "stress.h"

#include <dirent.h>
#include <string.h>

static int
s_echo (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static int
s_leave (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static int
s_loop (zanni_t *self)
{
    for (;;) {
        zanni_msg_t *msg = NULL;
        int rc = zanni_receive (self, &msg, -1);
        bool leaves = !rc && !strcmp (zanni_msg_method (msg), "leave");
        if (!rc && !leaves && zanni_msg_kind (msg) == ZANNI_MSG_ASK)
            rc = s_echo (self, msg);
        zanni_msg_destroy (&msg);
        if (rc || leaves)
            return rc == ZANNI_ECLOSED ? 0 : rc;
    }
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("echo", "x", "x", s_echo, "Answers the number."),
    ZANNI_METHOD ("leave", "", "", s_leave, "Ends."), ZANNI_METHOD_END
};
static const zanni_class_t s_server = { .name = "server", .methods = s_methods };
static const zanni_class_t s_looper = { .name = "looper", .methods = s_methods, .run = s_loop };

typedef struct {
    zanni_ref_t *boss;
    zanni_ref_t *server;
    int64_t left;
    bool down;
    bool answered;
} maker_t;

static int s_next (zanni_t *self);

static void
s_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    maker_t *maker = zanni_state (self);
    (void) reply;
    (void) arg;
    maker->answered = true;
    if (maker->down)
        STRESS_OK (s_next (self));
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    maker_t *maker = zanni_state (self);
    if (!down->monitor)   // the end overtook the start; its monitor says so, too
        return;
    maker->down = true;
    if (maker->answered)
        STRESS_OK (s_next (self));
}

/* One more thread, from a handler on a pool worker: asked, and gone before or after its answer. */
static int
s_next (zanni_t *self)
{
    maker_t *maker = zanni_state (self);
    uint64_t monitor;
    const zanni_spawn_t thread = { .place = ZANNI_THREAD };
    zanni_ref_destroy (&maker->server);
    if (!maker->left--)
        return zanni_tell (self, maker->boss, "done");
    maker->down = maker->answered = false;
    STRESS_OK (zanni_spawn (self, &maker->server, maker->left % 2 ? "server" : "looper", &thread));
    STRESS_OK (zanni_monitor (self, &monitor, maker->server));
    STRESS_OK (zanni_ask (self, maker->server, (&(zanni_ask_t) { .then = s_answered }), "echo", maker->left));
    switch (maker->left % 4) {
    case 0:
        return zanni_stop (self, maker->server);
    case 1:
        return zanni_kill (self, maker->server);
    case 2:
        return zanni_tell (self, maker->server, "leave");
    default:
        zanni_ref_destroy (&maker->server);
        return 0;
    }
}

static int
s_begin (zanni_t *self, zanni_msg_t *msg)
{
    maker_t *maker = zanni_state (self);
    const zanni_ref_t *boss;
    int rc = zanni_read (msg, &boss, &maker->left);
    if (!rc)
        rc = zanni_ref_weak (self, &maker->boss, boss);
    return rc ? rc : s_next (self);
}

static int
s_do_nothing (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static const zanni_method_t s_maker_methods [] = {
    ZANNI_METHOD ("nothing", "", "", s_do_nothing, "Answers."),
    ZANNI_METHOD ("begin", "rx", "", s_begin, "Makes so many threads, one after the other."), ZANNI_METHOD_END
};
static const zanni_class_t s_maker = {
    .name = "maker", .state_size = sizeof (maker_t), .methods = s_maker_methods, .down = s_down
};
static const zanni_class_t *const s_classes [] = { &s_server, &s_looper, &s_maker, NULL };

static int
s_descriptors (void)
{
    int count = 0;
    DIR *folder = opendir ("/proc/self/fd");
    while (folder && readdir (folder))
        count++;
    if (folder)
        closedir (folder);
    return count;
}

/* A closed socket is gone when those that it was connected with have worked for a moment. */
static bool
s_is_tidy (zanni_t *self, zanni_ref_t **makers, int before)
{
    for (int i = 0; i < 5000; i++) {
        if (s_descriptors () <= before + 10)
            return true;
        for (int j = 0; j < 2; j++)
            STRESS_OK (zanni_call (self, NULL, makers [j], "nothing"));
        STRESS_OK (zanni_run (self, 1));
    }
    return false;
}

static void
s_own_threads (zanni_t *self, int64_t count)
{
    uint64_t monitor;
    for (int64_t i = 0; i < count; i++) {
        zanni_ref_t *server = NULL;
        STRESS_OK (zanni_spawn (self, &server, i % 2 ? "server" : "looper", &(zanni_spawn_t) { .place = ZANNI_THREAD }));
        STRESS_OK (zanni_monitor (self, &monitor, server));
        STRESS_OK (zanni_call (self, NULL, server, "echo", i));
        if (i % 3 == 0)
            STRESS_OK (zanni_stop (self, server));
        else if (i % 3 == 1)
            STRESS_OK (zanni_tell (self, server, "leave"));
        zanni_ref_destroy (&server);
        (void) stress_await_down (self);
    }
}

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 300, 30000) / 3;
    zanni_ref_t *makers [2] = { NULL };
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 2 }));
    s_own_threads (self, 10);
    int before = s_descriptors ();
    for (uint32_t i = 0; i < 2; i++) {
        STRESS_OK (zanni_spawn (self, &makers [i], "maker", &(zanni_spawn_t) { .worker = i + 1 }));
        STRESS_OK (zanni_call (self, NULL, makers [i], "begin", zanni_self (self), 0));
        stress_await (self, "done");
    }
    s_own_threads (self, count);
    for (int i = 0; i < 2; i++)
        STRESS_OK (zanni_tell (self, makers [i], "begin", zanni_self (self), count));
    for (int i = 0; i < 2; i++)
        stress_await (self, "done");
    STRESS_CHECK (s_is_tidy (self, makers, before));
    for (int i = 0; i < 2; i++)
        zanni_ref_destroy (&makers [i]);
    STRESS_OK (zanni_destroy (&self));
    printf ("began and ended: %" PRId64 " threads\n", 3 * count);
    return 0;
}
