#include "worker.h"

#include <stdatomic.h>

static _Atomic int64_t s_count;

int64_t
worker_count (void)
{
    return s_count;
}

typedef struct { int64_t total; } worker_t;

static int
worker_start (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    s_count++;
    return 0;
}

static void
worker_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) self, (void) reason;
    s_count--;
}

static int
worker_add (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    worker->total += rc ? 0 : number;
    return rc ? rc : zanni_reply (self, msg, worker->total);
}

static int
worker_quit (zanni_t *self, zanni_msg_t *msg)
{
    const char *text;
    int rc = zanni_read (msg, &text);
    return rc ? rc : zanni_exit_error (self, 7, text);
}

static const zanni_method_t worker_methods [] = {
    ZANNI_METHOD ("add", "x", "x", worker_add, "Add a number; answers the new total."),
    ZANNI_METHOD ("quit", "s", "", worker_quit, "End with an error of this text."), ZANNI_METHOD_END
};

const zanni_class_t worker_class = {
    .name = "worker", .state_size = sizeof (worker_t), .methods = worker_methods, .start = worker_start,
    .stop = worker_stop
};
