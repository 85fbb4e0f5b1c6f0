/* asker.h: actors that have ASKER_OPEN asks under way until they have made so many, cancel some of them, and see that each ends
   once. The program defines that number, and asker_sends.

   A "meet" names one to ask, ASKER_MOST in all; "begin" says who is told "done", how often to ask, and a number to draw by. */

#ifndef TESTS_STRESS_ASKER_H
#define TESTS_STRESS_ASKER_H

#include "stress.h"

#define ASKER_MOST 8

typedef struct {
    uint64_t id;
    int answers;
    bool busy;
} asker_ask_t;

typedef struct {
    zanni_ref_t *others [ASKER_MOST];
    uint32_t count;
    zanni_ref_t *boss;
    asker_ask_t asks [ASKER_OPEN];
    int64_t left;
    int64_t open;
    uint64_t random;
} asker_t;

/* One ask, and what else is sent with it; what the ask answered. */
static int asker_sends (zanni_t *self, asker_t *asker, const zanni_ref_t *to, const zanni_ask_t *options);

static void asker_refill (zanni_t *self);

static void
asker_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    asker_t *asker = zanni_state (self);
    asker_ask_t *ask = arg;
    STRESS_CHECK (ask->busy && !ask->answers && zanni_msg_id (reply) == ask->id);
    STRESS_CHECK (zanni_msg_kind (reply) == ZANNI_MSG_REPLY || zanni_msg_kind (reply) == ZANNI_MSG_ERROR);
    ask->answers++;
    ask->busy = false;
    asker->open--;
    asker_refill (self);
}

static void
asker_ask_one (zanni_t *self, asker_t *asker, asker_ask_t *ask)
{
    static const int64_t deadlines [] = { 1, 3, 200, 300 };
    const zanni_ref_t *to = asker->others [stress_random (&asker->random, asker->count)];
    const zanni_ask_t options = {
        .then = asker_answered, .arg = ask, .deadline_ms = deadlines [stress_random (&asker->random, 4)], .id_p = &ask->id
    };
    ask->answers = 0;
    ask->busy = true;
    int rc = asker_sends (self, asker, to, &options);
    asker->left--;
    asker->open += !rc;
    ask->busy = !rc;
    if (!stress_random (&asker->random, 5))
        STRESS_OK (zanni_cancel (self, asker->asks [stress_random (&asker->random, ASKER_OPEN)].id));
}

static void
asker_refill (zanni_t *self)
{
    asker_t *asker = zanni_state (self);
    for (int i = 0; i < ASKER_OPEN && asker->left; i++)
        if (!asker->asks [i].busy)
            asker_ask_one (self, asker, &asker->asks [i]);
    if (!asker->left && !asker->open) {
        asker->open = -1;
        STRESS_OK (zanni_tell (self, asker->boss, "done"));
    }
}

static int
asker_meet (zanni_t *self, zanni_msg_t *msg)
{
    asker_t *asker = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    STRESS_CHECK (asker->count < ASKER_MOST);
    return rc ? rc : zanni_ref_weak (self, &asker->others [asker->count++], other);
}

static int
asker_begin (zanni_t *self, zanni_msg_t *msg)
{
    asker_t *asker = zanni_state (self);
    const zanni_ref_t *boss;
    int rc = zanni_read (msg, &boss, &asker->left, &asker->random);
    if (!rc)
        rc = zanni_ref_weak (self, &asker->boss, boss);
    if (!rc)
        asker_refill (self);
    return rc;
}

static const zanni_method_t asker_methods [] = {
    ZANNI_METHOD ("meet", "r", "", asker_meet, "One to ask."),
    ZANNI_METHOD ("begin", "rxt", "", asker_begin, "Asks so often."), ZANNI_METHOD_END
};
static const zanni_class_t asker_class = { .name = "asker", .state_size = sizeof (asker_t), .methods = asker_methods };

/* One who asks these, so often. */
static inline zanni_ref_t *
asker_new (zanni_t *self, const zanni_spawn_t *where, zanni_ref_t *const *others, uint32_t count, int64_t asks, uint64_t random)
{
    zanni_ref_t *ref = NULL;
    STRESS_OK (zanni_spawn (self, &ref, "asker", where));
    for (uint32_t i = 0; i < count; i++)
        STRESS_OK (zanni_tell (self, ref, "meet", others [i]));
    STRESS_OK (zanni_tell (self, ref, "begin", zanni_self (self), asks, random));
    return ref;
}

#endif
