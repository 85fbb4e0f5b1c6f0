/* References: what keeps an actor alive, and that it ends when the last strong one is gone, behind all that came through
   it; wherever references are at that moment: in hands, in messages, in mailboxes of the dead. */

#include "scene.h"

#define THINGS 6
#define HOLDERS 5
#define POCKETS 4

/* What is referred to. Counts the strong references to it that the test knows of. */
static int strong [THINGS];
static int sent [THINGS];          // messages that were accepted
static int arrived [THINGS];
static int ended [THINGS];
static int ended_with [THINGS];

typedef struct {
    int number;
} thing_t;

static int
thing_start (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    return zanni_read (msg, &thing->number);
}

static int
thing_poke (zanni_t *self, zanni_msg_t *msg)
{
    const thing_t *thing = zanni_state (self);
    (void) msg;
    arrived [thing->number]++;
    return 0;
}

static void
thing_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const thing_t *thing = zanni_state (self);
    ended [thing->number]++;
    ended_with [thing->number] = (int) reason->kind;
}

static const zanni_method_t thing_methods [] = {
    ZANNI_METHOD ("poke", "", "", thing_poke, "Counts."),
    ZANNI_METHOD_END
};
static const zanni_class_t thing_class = {
    .name = "thing", .state_size = sizeof (thing_t), .methods = thing_methods, .start_in = "i", .start = thing_start,
    .stop = thing_stop
};

/* Holders pass references round and poke what they hold, by chance. A message carries the thing's number and a strong
   reference, for which the test counts one as long as it is under way or in a pocket. */
typedef struct {
    zanni_ref_t *pocket [POCKETS];
    int number [POCKETS];
    zanni_ref_t *friends [HOLDERS];
} holder_t;

static void
holder_drop (holder_t *holder, int at)
{
    if (!holder->pocket [at])
        return;
    strong [holder->number [at]]--;
    zanni_ref_destroy (&holder->pocket [at]);
}

static int
holder_friend (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    int number;
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &number, &ref);
    return rc ? rc : zanni_ref_weak (self, &holder->friends [number], ref);
}

static void
holder_poke (zanni_t *self, holder_t *holder, int at)
{
    if (!holder->pocket [at])
        return;
    check_eq (ended [holder->number [at]], 0);   // it is held
    check_eq (zanni_tell (self, holder->pocket [at], "poke"), 0);
    sent [holder->number [at]]++;
}

static void
holder_pass (zanni_t *self, holder_t *holder, int at, int hops)
{
    const zanni_ref_t *to = holder->friends [scene_draw (HOLDERS)];
    const zanni_ref_t *all [3] = { to, holder->friends [scene_draw (HOLDERS)], holder->friends [scene_draw (HOLDERS)] };
    if (!holder->pocket [at] || !to || !all [1] || !all [2])
        return;
    if (scene_draw (3) == 0) {   // one message for all of them
        int accepted = zanni_send_all (self, all, 3, NULL, "take", holder->number [at], holder->pocket [at], hops);
        check (accepted >= 0);
        strong [holder->number [at]] += accepted;
    }
    else if (zanni_tell (self, to, "take", holder->number [at], holder->pocket [at], hops) == 0)
        strong [holder->number [at]]++;
}

/* Takes the reference into a pocket (what was there is dropped) and does a few things. */
static int
holder_take (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    const zanni_ref_t *ref;
    int number, hops;
    int at = (int) scene_draw (POCKETS);
    check_eq (zanni_read (msg, &number, &ref, &hops), 0);
    check (zanni_ref_is_strong (ref));
    check_eq (ended [number], 0);
    if (scene_draw (3) == 0) {   // through the message's own reference
        check_eq (zanni_tell (self, ref, "poke"), 0);
        sent [number]++;
    }
    if (scene_draw (3) == 0) {
        strong [number]--;       // it is not kept
        return 0;
    }
    holder_drop (holder, at);
    check_eq (zanni_ref_keep (self, &holder->pocket [at], ref), 0);
    holder->number [at] = number;   // its count is the message's, which ends with this handler
    for (uint32_t i = scene_draw (4); i > 0; i--)
        holder_poke (self, holder, (int) scene_draw (POCKETS));
    for (uint32_t i = scene_draw (3); hops && i > 0; i--)
        holder_pass (self, holder, (int) scene_draw (POCKETS), hops - 1);
    if (scene_draw (2))
        holder_drop (holder, (int) scene_draw (POCKETS));
    return 0;
}

static void
holder_stop (zanni_t *self, const zanni_reason_t *reason)
{
    holder_t *holder = zanni_state (self);
    (void) reason;
    for (int i = 0; i < POCKETS; i++)
        if (holder->pocket [i])
            strong [holder->number [i]]--;   // the runtime drops them now
}

static const zanni_method_t holder_methods [] = {
    ZANNI_METHOD ("friend", "ir", "", holder_friend, "Another holder."),
    ZANNI_METHOD ("take", "iri", "", holder_take, "A reference."),
    ZANNI_METHOD_END
};
static const zanni_class_t holder_class = {
    .name = "holder", .state_size = sizeof (holder_t), .methods = holder_methods, .stop = holder_stop
};

/* Answers whoever asks, behind the message by which it knows him. */
static int
mirror_hello (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *from = zanni_msg_from (msg);
    zanni_ask_t options = { .deadline_ms = 1 };
    zanni_ref_t *kept = NULL;
    int rc = 0;
    switch (scene_draw (5)) {
    case 0:
        rc = zanni_ref_keep (self, &kept, from);
        zanni_ref_destroy (&kept);
        break;
    case 1:
        rc = zanni_ask (self, from, &options, "hello back");
        break;
    case 2:
        rc = zanni_send_all (self, &from, 1, NULL, "hello back") < 0;
        break;
    case 3:
        rc = zanni_forward (self, msg, from, "hello back");
        break;
    default:
        rc = zanni_tell (self, from, "hello back");
    }
    check (rc == 0 || rc == ZANNI_ENOACTOR);
    return 0;
}

static const zanni_method_t mirror_methods [] = {
    ZANNI_METHOD ("hello", "", "", mirror_hello, "Says hello to who said it."),
    ZANNI_METHOD_END
};
static const zanni_class_t mirror_class = { .name = "mirror", .methods = mirror_methods };

/* Says hello and is gone. */
static int
guest_visit (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *mirror;
    check_eq (zanni_read (msg, &mirror), 0);
    for (uint32_t i = 1 + scene_draw (3); i > 0; i--)
        check_eq (zanni_tell (self, mirror, "hello"), 0);
    return scene_draw (2) ? zanni_exit (self) : 0;
}

static const zanni_method_t guest_methods [] = {
    ZANNI_METHOD ("visit", "r", "", guest_visit, "Whom to greet."),
    ZANNI_METHOD_END
};
static const zanni_class_t guest_class = { .name = "guest", .methods = guest_methods };

static const zanni_class_t *const classes [] = {
    &thing_class, &holder_class, &mirror_class, &guest_class, NULL
};
static const scene_setup_t setup = { .classes = classes, .seeds = SCENE_MANY };
static const scene_setup_t slow = {
    .classes = classes, .world = { .latency_ns = 5 * MS, .tick_ns = 20000 }, .seeds = SCENE_MANY
};

static zanni_ref_t *
spawn_thing (int number)
{
    zanni_ref_t *ref = NULL;
    uint32_t worker = scene_draw (6);
    zanni_spawn_t options = {
        .place = worker == 5 ? ZANNI_THREAD : worker ? ZANNI_SHARED : ZANNI_HERE, .worker = worker == 5 ? 0 : worker
    };
    strong [number] = 1;
    sent [number] = arrived [number] = ended [number] = 0;
    check_eq (zanni_spawn (scene_now->self, &ref, "thing", &options, number), 0);
    return ref;
}

static void
play_last (scene_t *scene)
{
    zanni_ref_t *thing = spawn_thing (0);
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    int count = (int) scene_draw (300);
    check_eq (zanni_ref_weak (scene->self, &weak, thing), 0);
    check_eq (zanni_ref_limit (scene->self, &limited, thing), 0);
    for (int i = 0; i < count; i++)
        check_eq (zanni_tell (scene->self, scene_draw (2) ? thing : weak, "poke"), 0);
    zanni_ref_destroy (scene_draw (2) ? &thing : &limited);
    if (scene_draw (2)) {
        scene_settle ();
        check_eq (ended [0], 0);   // one is left
    }
    zanni_ref_destroy (&thing);
    zanni_ref_destroy (&limited);
    check_eq (ended [0], 0);
    scene_pass (100);
    check_eq (arrived [0], count);   // everything that came before
    check_eq (ended [0], 1);
    check_eq (ended_with [0], ZANNI_EXIT_NORMAL);
    check_eq (zanni_tell (scene->self, weak, "poke"), ZANNI_ENOACTOR);
}

Test (reference, the_last_strong_one_ends_it_behind_what_was_sent)
{
    scene_run (&setup, play_last);
    scene_run (&slow, play_last);
}

static zanni_ref_t *holders [HOLDERS];

static void
spawn_holders (scene_t *scene)
{
    for (int i = 0; i < HOLDERS; i++)
        holders [i] = scene_spawn ("holder", scene_draw (5));
    for (int i = 0; i < HOLDERS; i++)
        for (int j = 0; j < HOLDERS; j++)
            check_eq (zanni_tell (scene->self, holders [i], "friend", j, holders [j]), 0);
    scene_pass (100);
}

/* No holder ends before its time: every thing lives exactly as long as somebody has it. */
static void
play_round (scene_t *scene)
{
    spawn_holders (scene);
    for (int i = 0; i < THINGS; i++) {
        zanni_ref_t *thing = spawn_thing (i);
        for (uint32_t n = 1 + scene_draw (4); n > 0; n--) {
            check_eq (zanni_tell (scene->self, holders [scene_draw (HOLDERS)], "take", i, thing, 6), 0);
            strong [i]++;
        }
        zanni_ref_destroy (&thing);
        strong [i]--;
    }
    scene_pass (1000);
    for (int i = 0; i < THINGS; i++) {
        check_eq (ended [i], strong [i] == 0);
        check_eq (arrived [i], sent [i]);
    }
    for (int i = 0; i < HOLDERS; i++)
        zanni_ref_destroy (&holders [i]);
    scene_pass (1000);
    for (int i = 0; i < THINGS; i++) {
        check_eq (ended [i], 1);
        check_eq (ended_with [i], ZANNI_EXIT_NORMAL);
    }
    check_eq (scene_stats ().actors, 1);
    check_eq (scene_stats ().dead_letters, 0);
}

Test (reference, what_is_under_way_keeps_it_alive)
{
    scene_run (&setup, play_round);
    scene_run (&slow, play_round);
}

static void
play_refused (scene_t *scene)
{
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_percent = 30, .lose_percent = 3 });
    play_round (scene);
}

Test (reference, what_is_under_way_on_broken_lanes_too)
{
    scene_run (&slow, play_refused);
}

/* Holders are stopped and killed while references are passed round: whatever lay with the dead is dropped. */
static void
play_deaths (scene_t *scene)
{
    spawn_holders (scene);
    for (int i = 0; i < THINGS; i++) {
        zanni_ref_t *thing = spawn_thing (i);
        check_eq (zanni_tell (scene->self, holders [scene_draw (HOLDERS)], "take", i, thing, 10), 0);
        zanni_ref_destroy (&thing);
    }
    for (int i = 0; i < HOLDERS; i++) {
        check_eq (zanni_run (scene->self, scene_draw (4)), 0);
        check_eq (scene_draw (2) ? zanni_stop (scene->self, holders [i]) : zanni_kill (scene->self, holders [i]), 0);
        zanni_ref_destroy (&holders [i]);
    }
    scene_pass (1000);
    for (int i = 0; i < THINGS; i++)
        check_eq (ended [i], 1);
    check_eq (scene_stats ().actors, 1);
}

Test (reference, what_lay_with_the_dead_is_dropped)
{
    scene_run (&setup, play_deaths);
    scene_run (&slow, play_deaths);
}

/* Sent through a message's sender, which is no handle of anybody's: it outlives its actor and the message. */
static void
play_guests (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) mirror = scene_spawn ("mirror", 1 + scene_draw (2));
    for (int i = 0; i < 20; i++) {
        ZANNI_AUTO (zanni_ref_t) guest = scene_spawn ("guest", 1 + scene_draw (4));
        check_eq (zanni_tell (scene->self, guest, "visit", mirror), 0);
        if (scene_draw (2))
            check_eq (zanni_run (scene->self, scene_draw (3)), 0);
    }
    scene_pass (1000);
    check_eq (scene_stats ().actors, 2);
}

Test (reference, a_senders_outlives_its_actor)
{
    scene_run (&setup, play_guests);
    scene_run (&slow, play_guests);
}
