/* Buffers under way: lent memory comes back once, whoever was the last to use it; also from the mailboxes of the dead,
   from lost batches and from a node that ends. On which thread cannot be seen here, where there is one. */

#include "scene.h"

#define LOANS 60
#define HANDS 5

typedef struct {
    uint8_t data [100];
    int released;
} loan_t;

static loan_t loans [LOANS];
static int loans_count;

typedef struct {
    zanni_buffer_t *kept [3];
    zanni_ref_t *others [HANDS];
} hand_t;

static void
on_release (void *data, void *hint)
{
    loan_t *loan = hint;
    check (loan->data == data);
    loan->released++;
    check_eq (loan->released, 1);
}

static int
hand_other (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    const zanni_ref_t *ref;
    int at;
    check_eq (zanni_read (msg, &at, &ref), 0);
    return zanni_ref_weak (self, &hand->others [at], ref);
}

static void
pass (zanni_t *self, hand_t *hand, const zanni_buffer_t *buffer, int hops)
{
    const zanni_ref_t *to = hand->others [scene_draw (HANDS)];
    const zanni_ref_t *both [2] = { to, hand->others [scene_draw (HANDS)] };
    int rc = scene_draw (3) ? zanni_tell (self, to, "take", buffer, hops)
                            : zanni_send_all (self, both, 2, NULL, "take", buffer, hops);
    check (rc >= 0 || rc == ZANNI_ENOACTOR);
}

/* Lends some memory and passes it on. */
static int
hand_lend (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    zanni_buffer_t *buffer;
    (void) msg;
    if (loans_count == LOANS)
        return 0;
    loan_t *loan = &loans [loans_count++];
    loan->released = 0;
    memset (loan->data, loans_count, sizeof loan->data);
    check_eq (zanni_buffer_wrap (self, &buffer, loan->data, sizeof loan->data, on_release, loan), 0);
    for (uint32_t n = scene_draw (3); n > 0; n--)
        pass (self, hand, buffer, 4);
    zanni_buffer_destroy (&buffer);
    return 0;
}

static int
hand_take (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    const zanni_buffer_t *buffer;
    zanni_buffer_t *slice;
    int hops;
    uint32_t at = scene_draw (3);
    check_eq (zanni_read (msg, &buffer, &hops), 0);
    const uint8_t *data = zanni_buffer_data (buffer);
    check_eq (data [0], data [zanni_buffer_size (buffer) - 1]);
    zanni_buffer_destroy (&hand->kept [at]);
    if (scene_draw (2))
        hand->kept [at] = zanni_buffer_keep (buffer);
    for (uint32_t n = scene_draw (3); hops && n > 0; n--) {
        check_eq (zanni_buffer_slice (&slice, buffer, 0, 1 + scene_draw ((uint32_t) zanni_buffer_size (buffer))), 0);
        pass (self, hand, scene_draw (2) ? slice : buffer, hops - 1);
        zanni_buffer_destroy (&slice);
    }
    return 0;
}

static void
hand_stop (zanni_t *self, const zanni_reason_t *reason)
{
    hand_t *hand = zanni_state (self);
    (void) reason;
    for (int i = 0; i < 3; i++)
        zanni_buffer_destroy (&hand->kept [i]);
}

static const zanni_method_t hand_methods [] = {
    ZANNI_METHOD ("other", "ir", "", hand_other, "Somebody to pass to."),
    ZANNI_METHOD ("lend", "", "", hand_lend, "Lends memory."),
    ZANNI_METHOD ("take", "Bi", "", hand_take, "A buffer."),
    ZANNI_METHOD_END
};
static const zanni_class_t hand_class = {
    .name = "hand", .state_size = sizeof (hand_t), .methods = hand_methods, .stop = hand_stop
};
static const zanni_class_t *const classes [] = { &hand_class, NULL };

static zanni_ref_t *hands [HANDS];

static void
begin (scene_t *scene)
{
    loans_count = 0;
    for (int i = 0; i < HANDS; i++)
        hands [i] = scene_spawn ("hand", 1 + scene_draw (4));
    for (int i = 0; i < HANDS; i++)
        for (int j = 0; j < HANDS; j++)
            check_eq (zanni_tell (scene->self, hands [i], "other", j, hands [j]), 0);
    scene_pass (100);
}

static void
lend (scene_t *scene)
{
    for (int i = 0; i < 30; i++) {
        check_eq (zanni_tell (scene->self, hands [scene_draw (HANDS)], "lend"), 0);
        if (scene_draw (4) == 0)
            check_eq (zanni_run (scene->self, scene_draw (4)), 0);
    }
}

static void
play (scene_t *scene)
{
    begin (scene);
    lend (scene);
    for (int i = 0; i < HANDS; i++) {
        check_eq (zanni_stop (scene->self, hands [i]), 0);
        zanni_ref_destroy (&hands [i]);
        if (scene_draw (2))
            check_eq (zanni_run (scene->self, scene_draw (4)), 0);
    }
    scene_pass (1000);
    for (int i = 0; i < loans_count; i++)
        check_eq (loans [i].released, 1);
}

static void
play_faulty (scene_t *scene)
{
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_percent = 20, .lose_percent = 3 });
    play (scene);
}

static void
play_cut (scene_t *scene)
{
    begin (scene);
    lend (scene);
    for (int i = 0; i < HANDS; i++)
        zanni_ref_destroy (&hands [i]);
}

static void
run (scene_play_fn *fn, int64_t latency_ns)
{
    scene_run (&(scene_setup_t) { .classes = classes, .world.latency_ns = latency_ns }, fn);
}

Test (buffer, lent_memory_comes_back_once)
{
    run (play, 0);
    run (play, 5 * MS);
}

Test (buffer, lent_memory_comes_back_over_broken_lanes)
{
    run (play_faulty, 5 * MS);
}

/* Each world ends with a check that nothing is held; each loan must have come back by then. */
static void
play_all_back (scene_t *scene)
{
    for (int i = 0; i < loans_count; i++)
        check_eq (loans [i].released, 1);
    play_cut (scene);
}

Test (buffer, lent_memory_comes_back_at_the_end_of_the_node)
{
    run (play_all_back, 5 * MS);
}
