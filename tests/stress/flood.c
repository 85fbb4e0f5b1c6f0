/* Two actors on two workers flood each other: each tells until the other's mailbox is full, waits to hear that there is
   room, and goes on, while it is flooded itself. Nobody waits for anybody, so both must come to their end, and every
   message that was accepted arrives. The mailboxes are small, so that both are full nearly all the time. */

#include "stress.h"

typedef struct {
    zanni_ref_t *peer;
    zanni_ref_t *boss;
    int64_t left;
    int64_t got;
    int64_t wanted;
    int64_t full;
} flooder_t;

static int
s_pour (zanni_t *self)
{
    flooder_t *flooder = zanni_state (self);
    int rc = 0;
    while (flooder->left && !rc) {
        rc = zanni_tell (self, flooder->peer, "drop", flooder->left);
        flooder->left -= !rc;
    }
    if (rc != ZANNI_EFULL)
        return rc;
    flooder->full++;
    return zanni_when_writable (self, flooder->peer, "room");
}

static int
s_begin (zanni_t *self, zanni_msg_t *msg)
{
    flooder_t *flooder = zanni_state (self);
    const zanni_ref_t *peer, *boss;
    int rc = zanni_read (msg, &peer, &boss, &flooder->left);
    if (rc)
        return rc;
    flooder->wanted = flooder->left;
    STRESS_OK (zanni_ref_weak (self, &flooder->peer, peer));
    STRESS_OK (zanni_ref_weak (self, &flooder->boss, boss));
    return s_pour (self);
}

static int
s_room (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return s_pour (self);
}

static int
s_drop (zanni_t *self, zanni_msg_t *msg)
{
    flooder_t *flooder = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    flooder->got++;
    if (flooder->got == flooder->wanted)
        STRESS_OK (zanni_tell (self, flooder->boss, "done", flooder->full));
    return rc;
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("begin", "rrx", "", s_begin, "Begins to flood."),
    ZANNI_METHOD ("drop", "x", "", s_drop, "One of the flood."),
    ZANNI_PRIVATE ("room", "", "", s_room, "There is room again."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_class = { .name = "flooder", .state_size = sizeof (flooder_t), .methods = s_methods };
static const zanni_class_t *const s_classes [] = { &s_class, NULL };

static void
s_flood (zanni_t *self, zanni_place_t place, int64_t count)
{
    zanni_ref_t *pair [2] = { NULL, NULL };
    for (uint32_t i = 0; i < 2; i++) {
        const zanni_spawn_t where = { .place = place, .worker = place == ZANNI_SHARED ? i + 1 : 0,
                                      .mailbox_messages = 64 };
        STRESS_OK (zanni_spawn (self, &pair [i], "flooder", &where));
    }
    for (int i = 0; i < 2; i++)
        STRESS_OK (zanni_tell_wait (self, pair [i], STRESS_WAIT_MS, "begin", pair [!i], zanni_self (self), count));
    for (int i = 0; i < 2; i++)
        stress_await (self, "done");
    for (int i = 0; i < 2; i++)
        zanni_ref_destroy (&pair [i]);
}

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 30000, 3000000);
    zanni_stats_t stats;
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 2 }));
    s_flood (self, ZANNI_SHARED, count);
    s_flood (self, ZANNI_THREAD, count);
    STRESS_OK (zanni_stats (self, &stats));
    STRESS_CHECK (stats.dead_letters == 0);
    STRESS_CHECK (stats.failed_tells == 0);
    STRESS_OK (zanni_destroy (&self));
    printf ("flooded: 4 x %" PRId64 " messages\n", count);
    return 0;
}
