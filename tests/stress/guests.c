/* Threads of the host come and go while traffic flows: each attaches, spawns an actor, calls and asks those of the node
   and of other guests, leaves some of it unanswered, and detaches. Meanwhile the root and the pool talk to each other. */

#include "stress.h"

#include <pthread.h>
#include <stdatomic.h>

#define S_GUESTS 4

static int
s_echo (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

/* Tells its guest, who may have gone by then. */
static int
s_call_back (zanni_t *self, zanni_msg_t *msg)
{
    int rc = 0;
    for (int i = 0; i < 5 && !rc; i++)
        rc = zanni_tell (self, zanni_msg_from (msg), "back", i);
    return rc == ZANNI_ENOACTOR ? 0 : rc;
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("echo", "x", "x", s_echo, "Answers the number."),
    ZANNI_METHOD ("call_back", "", "", s_call_back, "Tells its sender five times."), ZANNI_METHOD_END
};
static const zanni_class_t s_class = { .name = "echo", .methods = s_methods };
static const zanni_class_t *const s_classes [] = { &s_class, NULL };

static zanni_node_t *s_node;
static const zanni_ref_t *s_root;
static _Atomic int s_present;

static void
s_visit (int64_t number)
{
    zanni_t *self = NULL;
    zanni_ref_t *echo = NULL;
    zanni_msg_t *msg = NULL;
    uint64_t monitor;
    int64_t got = -1;
    const zanni_spawn_t where = { .place = (zanni_place_t) (number % 3) };
    STRESS_OK (zanni_attach (&self, s_node));
    STRESS_OK (zanni_spawn (self, &echo, "echo", &where));
    STRESS_OK (zanni_monitor (self, &monitor, echo));
    STRESS_OK (zanni_call (self, &msg, echo, "echo", number));
    STRESS_OK (zanni_read (msg, &got));
    STRESS_CHECK (got == number);
    zanni_msg_destroy (&msg);
    STRESS_OK (zanni_tell (self, echo, "call_back"));
    STRESS_OK (zanni_receive (self, &msg, STRESS_WAIT_MS));
    zanni_msg_destroy (&msg);
    STRESS_OK (zanni_ask (self, echo, NULL, "echo", number));   // never read
    STRESS_OK (zanni_tell (self, s_root, "visited", number));
    if (number % 2)
        zanni_ref_destroy (&echo);
    STRESS_OK (zanni_destroy (&self));
}

static void *
s_guest (void *argument)
{
    int64_t visits = *(const int64_t *) argument;
    for (int64_t i = 0; i < visits; i++)
        s_visit (i);
    s_present--;
    return NULL;
}

int
main (int argc, char **argv)
{
    int64_t visits = stress_count (argc, argv, 400, 40000) / S_GUESTS;
    pthread_t guests [S_GUESTS];
    zanni_ref_t *echo = NULL;
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 2 }));
    s_node = zanni_node_of (self);
    s_root = zanni_self (self);
    s_present = S_GUESTS;
    for (int i = 0; i < S_GUESTS; i++)
        STRESS_CHECK (!pthread_create (&guests [i], NULL, s_guest, &visits));
    STRESS_OK (zanni_spawn (self, &echo, "echo", NULL));
    int64_t seen = 0;
    while (seen < S_GUESTS * visits) {
        zanni_msg_t *msg = NULL;
        STRESS_OK (zanni_call (self, NULL, echo, "echo", seen));
        STRESS_OK (zanni_receive (self, &msg, STRESS_WAIT_MS));
        zanni_msg_destroy (&msg);
        seen++;
    }
    for (int i = 0; i < S_GUESTS; i++)
        pthread_join (guests [i], NULL);
    STRESS_CHECK (!s_present);
    zanni_ref_destroy (&echo);
    STRESS_OK (zanni_destroy (&self));
    printf ("came and went: %" PRId64 " guests\n", S_GUESTS * visits);
    return 0;
}
