/* Zactor functions come and go while much is under way: some echo, some talk and return, and they end by themselves, by a
   stop, a kill, a dropped reference, or with their node, which is destroyed in the midst of it all. Every function must
   have returned when its node is gone. */

#include "stress.h"

#include <czmq.h>
#include <stdatomic.h>
#include <zanni/czmq.h>

#define S_ZACTORS 8
#define S_TELLS 400
#define S_TALK 3000   // more than a pipe holds

static _Atomic int s_alive;

static void
s_echo (zsock_t *pipe, void *args)
{
    zmsg_t *zmsg;
    (void) args;
    s_alive++;
    zsock_signal (pipe, 0);
    while ((zmsg = zmsg_recv (pipe)) && !zframe_streq (zmsg_first (zmsg), "$TERM"))
        zmsg_send (&zmsg, pipe);
    zmsg_destroy (&zmsg);
    s_alive--;
}

static void
s_talk (zsock_t *pipe, void *args)
{
    (void) args;
    s_alive++;
    zsock_signal (pipe, 0);
    for (int i = 0; i < S_TALK; i++)
        zstr_send (pipe, "word");
    s_alive--;
}

/* A third or so of what is under way is read. */
static void
s_tell_some (zanni_t *self, zanni_ref_t **refs, uint64_t *random)
{
    for (int i = 0; i < S_TELLS; i++) {
        zanni_msg_t *msg = NULL;
        int rc = zanni_tell (self, refs [stress_random (random, S_ZACTORS)], "hello", i);
        STRESS_CHECK (!rc || rc == ZANNI_EFULL || rc == ZANNI_ENOACTOR);
        rc = stress_random (random, 3) ? 0 : zanni_receive (self, &msg, 0);
        STRESS_CHECK (!rc || rc == ZANNI_ETIMEOUT);
        zanni_msg_destroy (&msg);
    }
}

static void
s_end_some (zanni_t *self, zanni_ref_t **refs, uint64_t *random)
{
    for (int i = 0; i < S_ZACTORS; i++)
        switch (stress_random (random, 4)) {
        case 0:
            STRESS_OK (zanni_stop (self, refs [i]));
            break;
        case 1:
            STRESS_OK (zanni_kill (self, refs [i]));
            break;
        case 2:
            zanni_ref_destroy (&refs [i]);
            break;
        default:
            break;   // ends with the node
        }
}

static void
s_round (uint64_t *random)
{
    zanni_t *self = NULL;
    zanni_ref_t *refs [S_ZACTORS] = { NULL };
    const zanni_options_t options = { .mailbox_messages = 64 };
    STRESS_OK (zanni_new (&self, &options));
    for (int i = 0; i < S_ZACTORS; i++)
        STRESS_OK (zanni_spawn_zactor (self, &refs [i], i % 2 ? s_talk : s_echo, NULL, "heard"));
    s_tell_some (self, refs, random);
    s_end_some (self, refs, random);
    STRESS_OK (zanni_destroy (&self));
    STRESS_CHECK (s_alive == 0);
}

int
main (int argc, char **argv)
{
    int64_t rounds = stress_count (argc, argv, 20, 1000);
    uint64_t random = 1;
    for (int64_t i = 0; i < rounds; i++)
        s_round (&random);
    printf ("%" PRId64 " rounds of %d zactors\n", rounds, S_ZACTORS);
    return 0;
}
