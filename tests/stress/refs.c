/* References go round: actors on all workers pass the references that they hold to each other at random, copy them, weaken
   them and drop them. In the end everyone forgets everything, and only then, and then at once, all the actors end whom
   nobody holds any more. */

#include "stress.h"

#define S_HANDS 8      // who passes
#define S_HELD 16      // references that a hand holds at most
#define S_PASSED 60    // actors that are passed around

static const zanni_class_t s_thing = { .name = "thing" };

typedef struct {
    zanni_ref_t *hands [S_HANDS];
    int hands_count;
    zanni_ref_t *held [S_HELD];
    zanni_ref_t *boss;
    int64_t left;
    uint64_t random;
} hand_t;

static zanni_ref_t **
s_any (hand_t *hand)
{
    return &hand->held [stress_random (&hand->random, S_HELD)];
}

static int
s_take (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    const zanni_ref_t *ref;
    zanni_ref_t **place = s_any (hand);
    int rc = zanni_read (msg, &ref);
    if (rc)
        return rc;
    zanni_ref_destroy (place);
    return stress_random (&hand->random, 10) ? zanni_ref_keep (self, place, ref) : zanni_ref_weak (self, place, ref);
}

static int
s_pass_one (zanni_t *self, hand_t *hand)
{
    zanni_ref_t **from = s_any (hand);
    zanni_ref_t **to = s_any (hand);
    if (!*from)
        return 0;
    if (!stress_random (&hand->random, 20))   // something for it: it must still be there, or answer that it is not
        (void) !zanni_tell (self, *from, "anything");
    switch (stress_random (&hand->random, 8)) {
    case 0:
        zanni_ref_destroy (from);
        return 0;
    case 1:
        if (from == to)
            return 0;
        zanni_ref_destroy (to);
        return zanni_ref_keep (self, to, *from);
    default:
        return zanni_tell (self, hand->hands [stress_random (&hand->random, S_HANDS)], "take", *from);
    }
}

static int
s_more (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    (void) msg;
    for (int i = 0; i < 10 && hand->left; i++, hand->left--) {
        int rc = s_pass_one (self, hand);
        STRESS_CHECK (rc == 0 || rc == ZANNI_EFULL);
    }
    if (!hand->left)
        return zanni_tell (self, hand->boss, "done");
    int rc = zanni_tell (self, zanni_self (self), "more");
    return rc == ZANNI_EFULL ? zanni_when_writable (self, zanni_self (self), "more") : rc;
}

static int
s_meet (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_ref_weak (self, &hand->hands [hand->hands_count++], other);
}

static int
s_begin (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    const zanni_ref_t *boss;
    int rc = zanni_read (msg, &boss, &hand->left, &hand->random);
    if (!rc)
        rc = zanni_ref_weak (self, &hand->boss, boss);
    return rc ? rc : zanni_tell (self, zanni_self (self), "more");
}

static int
s_forget (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    for (int i = 0; i < S_HELD; i++)
        zanni_ref_destroy (&hand->held [i]);
    return zanni_reply (self, msg);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("meet", "r", "", s_meet, "Another hand."),
    ZANNI_METHOD ("take", "r", "", s_take, "A reference to hold."),
    ZANNI_METHOD ("begin", "rxt", "", s_begin, "Passes on so often."),
    ZANNI_METHOD ("forget", "", "", s_forget, "Drops all."),
    ZANNI_PRIVATE ("more", "", "", s_more, "Goes on."), ZANNI_METHOD_END
};
static const zanni_class_t s_hand = { .name = "hand", .state_size = sizeof (hand_t), .methods = s_methods };
static const zanni_class_t *const s_classes [] = { &s_thing, &s_hand, NULL };

static zanni_ref_t *s_hands [S_HANDS];

static void
s_set_up (zanni_t *self, int64_t count)
{
    uint64_t monitor;
    for (uint32_t i = 0; i < S_HANDS; i++) {
        const zanni_spawn_t where = { .place = i < 6 ? ZANNI_SHARED : ZANNI_THREAD, .worker = i < 6 ? i % 3 + 1 : 0 };
        STRESS_OK (zanni_spawn (self, &s_hands [i], "hand", &where));
    }
    for (int i = 0; i < S_HANDS; i++)
        for (int j = 0; j < S_HANDS; j++)
            STRESS_OK (zanni_tell (self, s_hands [i], "meet", s_hands [j]));
    for (uint32_t i = 0; i < S_PASSED; i++) {
        zanni_ref_t *thing = NULL;
        const zanni_spawn_t where = { .place = i % 20 ? ZANNI_SHARED : ZANNI_THREAD };
        STRESS_OK (zanni_spawn (self, &thing, "thing", &where));
        STRESS_OK (zanni_monitor (self, &monitor, thing));
        STRESS_OK (zanni_tell (self, s_hands [i % S_HANDS], "take", thing));
        zanni_ref_destroy (&thing);
    }
    for (uint32_t i = 0; i < S_HANDS; i++)
        STRESS_OK (zanni_tell (self, s_hands [i], "begin", zanni_self (self), count, i + 5));
}

/* Waits for what is wanted of both kinds, in whatever order. */
static void
s_gather (zanni_t *self, int *done, int *downs, int done_wanted, int downs_wanted)
{
    while (*done < done_wanted || *downs < downs_wanted) {
        zanni_msg_t *msg = NULL;
        STRESS_OK (zanni_receive (self, &msg, STRESS_WAIT_MS));
        if (zanni_msg_kind (msg) == ZANNI_MSG_DOWN)
            (*downs)++;
        else
            (*done)++;
        zanni_msg_destroy (&msg);
    }
}

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 24000, 2400000) / S_HANDS;
    int done = 0, downs = 0;
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 3 }));
    s_set_up (self, count);
    s_gather (self, &done, &downs, S_HANDS, 0);
    for (int round = 0; round < 2; round++)   // what was still under way in the first is forgotten in the second
        for (int i = 0; i < S_HANDS; i++)
            STRESS_OK (zanni_call (self, NULL, s_hands [i], "forget"));
    s_gather (self, &done, &downs, S_HANDS, S_PASSED);
    for (int i = 0; i < S_HANDS; i++)
        zanni_ref_destroy (&s_hands [i]);
    STRESS_OK (zanni_destroy (&self));
    printf ("passed around: %d actors, %" PRId64 " times\n", S_PASSED, S_HANDS * count);
    return 0;
}
