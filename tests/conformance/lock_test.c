/* Ready classes that hold: locks, semaphores, events. Who waits, gives up, ends. */

#include "object.h"

#include <stdatomic.h>
#include <time.h>

/* A lock of the program's own kind, which counts how often it was asked for. */
typedef struct {
    zanni_ready_t lock;
    int64_t asked;
} counting_t;

static int
counting_acquire (zanni_t *self, zanni_msg_t *msg)
{
    counting_t *counting = zanni_state (self);
    counting->asked++;
    return zanni_super (self, msg);
}

static int
counting_asked (zanni_t *self, zanni_msg_t *msg)
{
    const counting_t *counting = zanni_state (self);
    return zanni_reply (self, msg, counting->asked);
}

/* A queue of the program's own kind. */
static atomic_int s_frees, s_stops;

static void
s_count_free (void *data, void *arg)
{
    (void) data;
    (void) arg;
    atomic_fetch_add (&s_frees, 1);
}

static void
shelf_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) self;
    (void) reason;
    atomic_fetch_add (&s_stops, 1);
}

static const zanni_class_t shelf_class = {
    .name = "shelf", .parent = "zanni.joinable_queue", .state_size = sizeof (zanni_ready_t), .stop = shelf_stop
};

static const zanni_method_t counting_methods [] = {
    ZANNI_METHOD ("acquire", "xt", "b", counting_acquire, "Counts it."),
    ZANNI_METHOD ("asked", "", "x", counting_asked, "How often."),
    ZANNI_METHOD_END
};
static const zanni_class_t counting_class = {
    .name = "counting lock", .parent = "zanni.lock", .state_size = sizeof (counting_t), .methods = counting_methods
};

CLASSES (&client_class, &counting_class, &runner_class);

static void
s_held (const zanni_ref_t *lock, int64_t times, bool mine)
{
    int64_t depth;
    bool own;
    ZANNI_AUTO (zanni_msg_t) reply = call (lock, "held");
    cr_assert_eq (zanni_read (reply, &depth, &own), 0);
    cr_assert_eq (depth, times, "held %" PRId64 " times", depth);
    cr_assert_eq (own, mine);
}

EVERYWHERE (lock, is_held_by_one_actor_at_a_time)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, lock);
    bool abandoned = true;
    int64_t number;
    cr_assert_eq (zanni_lock_acquire (root, &abandoned, lock, FOREVER), 0);
    cr_assert_not (abandoned);
    s_held (lock, 1, true);
    done (client, "begin", "acquire", FOREVER, 0);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
    cr_assert_eq (outcome (client, &number), 0);
    cr_assert_eq (number, 0);
    s_held (lock, 1, false);
    done (client, "tell", "release");
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, LONG_MS), 0);
}

EVERYWHERE (lock, is_tried)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, lock);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, 0), 0);
    done (client, "begin", "acquire", 0, 0);
    cr_assert_eq (outcome (client, NULL), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
    s_held (lock, 0, false);
}

EVERYWHERE (lock, is_waited_for_so_long)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, lock);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, 0), 0);
    int64_t begun_ns = zanni_now_ns (root);
    done (client, "begin", "acquire", 50, 0);
    cr_assert_eq (outcome (client, NULL), ZANNI_ETIMEOUT);
    cr_assert_geq (zanni_now_ns (root) - begun_ns, INT64_C (50000000));
    cr_assert_eq (zanni_lock_release (root, lock), 0);
    s_held (lock, 0, false);
}

EVERYWHERE (lock, says_what_is_wrong)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, lock);
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, lock, "release"), ZANNI_EPERM);
    expect_text (&error, "nobody holds the lock");
    cr_assert_eq (refused (&error, lock, "acquire", -2, 0), ZANNI_EINVAL);
    expect_text (&error, "-2 ms");
    cr_assert_eq (refused (&error, lock, "acquire", 10, 0), ZANNI_EINVAL);
    expect_text (&error, "without a ticket");
    done (client, "begin", "acquire", FOREVER, 0);
    cr_assert_eq (outcome (client, NULL), 0);
    cr_assert_eq (refused (&error, lock, "release"), ZANNI_EPERM);
    expect_text (&error, "another actor holds the lock");
    done (client, "tell", "release");
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, LONG_MS), 0);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, LONG_MS), ZANNI_EINUSE);
    cr_assert_eq (zanni_lock_acquire (root, NULL, NULL, LONG_MS), ZANNI_EINVAL);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, -2), ZANNI_EINVAL);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
}

/* By it an ask is told from the others of its actor's. */
EVERYWHERE (lock, refuses_a_ticket_that_is_in_use)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.rlock");
    zanni_error_t error = { 0 };
    done (lock, "acquire", FOREVER, 17);
    cr_assert_eq (refused (&error, lock, "acquire", FOREVER, 17), ZANNI_EINVAL);
    expect_text (&error, "the ticket 17 is that of another ask");
    done (lock, "acquire", FOREVER, 18);
    s_held (lock, 2, true);
    done (lock, "got", 17);
    done (lock, "acquire", FOREVER, 17);
    s_held (lock, 3, true);
}

/* Who gives back what it has released already has nothing of it any more, and owes nothing. */
EVERYWHERE (lock, is_given_back_as_often_as_it_is_held_at_most)
{
    ZANNI_AUTO (zanni_ref_t) condition = spawn ("zanni.condition");
    const zanni_ask_t options = { .deadline_ms = -1 };
    for (int i = 0; i < 2; i++)
        cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);
    cr_assert_eq (zanni_call_with (root, NULL, condition, &options, "wait", 0, 17), 0);
    done (condition, "release");
    done (condition, "give_back", 17);
    s_held (condition, 0, false);
}

/* By hand, without a ticket: then without a deadline. */
EVERYWHERE (lock, is_asked_for_without_a_ticket)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    const zanni_ask_t options = { .deadline_ms = -1 };
    cr_assert_eq (zanni_call_with (root, NULL, lock, &options, "acquire", 100, 0), 0);
    s_held (lock, 1, true);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
}

EVERYWHERE (lock, may_be_had_again_where_it_is_reentrant)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.rlock");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, lock);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (zanni_lock_acquire (root, NULL, lock, LONG_MS), 0);
    s_held (lock, 3, true);
    done (client, "begin", "acquire", FOREVER, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (zanni_lock_release (root, lock), 0);
    cr_assert_eq (outcome (client, NULL), 0);
    s_held (lock, 1, false);
    cr_assert_eq (zanni_lock_release (root, lock), ZANNI_EPERM);
}

/* Cancelled while it waits: the next in line is not held up. */
EVERYWHERE (lock, goes_past_who_gave_up)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, lock);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_SHARED, lock);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, 0), 0);
    done (one, "begin", "acquire", FOREVER, 0);
    done (other, "begin", "acquire", FOREVER, 0);
    done (one, "cancel");
    cr_assert_eq (outcome (one, NULL), ZANNI_ECANCELED);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
    cr_assert_eq (outcome (other, NULL), 0);
}

/* The ask's own deadline is over long before the timeout. */
EVERYWHERE (lock, goes_past_whose_ask_has_ended)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, lock);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, 0), 0);
    done (one, "begin", "acquire", FOREVER, 20);
    cr_assert_eq (outcome (one, NULL), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, LONG_MS), 0);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
}

/* Whichever crosses which. */
EVERYWHERE (lock, is_not_lost_where_its_grant_crosses_a_cancel)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, lock);
    for (int i = 0; i < 10; i++)
        done (client, "cross", 20, "acquire", "acquire");
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, LONG_MS), 0);
    s_held (lock, 1, true);
}

static void
s_abandon (const char *how, zanni_place_t where)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.rlock");
    ZANNI_AUTO (zanni_ref_t) holder = client_in (where, lock);
    ZANNI_AUTO (zanni_ref_t) next = client_in (ZANNI_SHARED, lock);
    bool abandoned = false;
    int64_t number;
    for (int i = 0; i < 2; i++) {
        done (holder, "begin", "acquire", FOREVER, 0);
        cr_assert_eq (outcome (holder, NULL), 0);
    }
    done (next, "begin", "acquire", FOREVER, 0);
    tell (holder, how);
    cr_assert_eq (outcome (next, &number), 0);
    cr_assert_eq (number, 1, "the next holder does not know");
    done (next, "tell", "release");
    cr_assert_eq (zanni_lock_acquire (root, &abandoned, lock, LONG_MS), 0);
    cr_assert_not (abandoned, "it is told once");
}

EVERYWHERE (lock, of_a_holder_that_ends_goes_to_the_next_who_learns_it)
{
    s_abandon ("die", ZANNI_SHARED);
}

EVERYWHERE (lock, of_a_process_that_is_killed_goes_to_the_next_who_learns_it)
{
    s_abandon ("crash", ZANNI_PROCESS);
}

/* Its reference stays, and what it held is the next one's all the same; it is a client like any other then. */
EVERYWHERE (lock, of_a_holder_that_is_restarted_goes_to_the_next_who_learns_it)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.rlock");
    ZANNI_AUTO (zanni_ref_t) holder = spawn_args (&(zanni_spawn_t) { .restartable = true }, "client", NULL, 0);
    bool abandoned = false;
    done (holder, "use", lock);
    done (holder, "begin", "acquire", FOREVER, 0);
    cr_assert_eq (outcome (holder, NULL), 0);
    cr_assert_eq (zanni_restart (root, holder), 0);
    cr_assert_eq (zanni_lock_acquire (root, &abandoned, lock, LONG_MS), 0);
    cr_assert (abandoned);
    done (holder, "use", lock);
    done (holder, "begin", "acquire", FOREVER, 0);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
    cr_assert_eq (outcome (holder, NULL), 0);
    s_held (lock, 1, false);
}

EVERYWHERE (lock, is_not_given_to_who_ended_while_it_waited)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_PROCESS, lock);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_SHARED, lock);
    int64_t number;
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, 0), 0);
    done (one, "begin", "acquire", FOREVER, 0);
    done (other, "begin", "acquire", FOREVER, 0);
    uint64_t id = monitor (one);
    tell (one, "crash");
    expect_down (id, false);
    cr_assert_eq (zanni_lock_release (root, lock), 0);
    cr_assert_eq (outcome (other, &number), 0);
}

EVERYWHERE (lock, may_be_inherited_from)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("counting lock");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, lock);
    bool abandoned = false;
    done (client, "begin", "acquire", FOREVER, 0);
    cr_assert_eq (outcome (client, NULL), 0);
    tell (client, "die");
    cr_assert_eq (zanni_lock_acquire (root, &abandoned, lock, LONG_MS), 0);
    cr_assert (abandoned);
    cr_assert_eq (call_int (lock, "asked"), 2);
}

/* Behind a kill its own stop hook does not run, but that of what it inherits from does: nothing is left. */
BESIDE (lock, that_a_class_inherits_is_tidied_up_when_it_is_killed)
{
    const zanni_class_t *const more [] = { &shelf_class, NULL };
    static const char bytes [] = "kept";
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_register (more, NULL), 0);
    ZANNI_AUTO (zanni_ref_t) shelf = spawn ("shelf", 0);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, shelf);
    atomic_store (&s_frees, 0);
    cr_assert_eq (zanni_buffer_wrap (root, &buffer, (void *) (uintptr_t) bytes, sizeof bytes, s_count_free, NULL), 0);
    cr_assert_eq (zanni_queue_put (root, shelf, 0, buffer), 0);
    zanni_buffer_destroy (&buffer);
    done (client, "begin", "join", FOREVER, 0);
    cr_assert_eq (zanni_kill (root, shelf), 0);
    (void) outcome (client, NULL);
    while (!atomic_load (&s_frees))   // the test's own timeout ends it
        cr_assert_eq (zanni_run (root, 1), 0);
    cr_assert_eq (atomic_load (&s_stops), 0);
}

/* Two who wait when it ends get the error, and so does who asks then. */
EVERYWHERE (lock, that_ends_fails_who_waits)
{
    ZANNI_AUTO (zanni_ref_t) lock = spawn ("zanni.lock");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, lock);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_THREAD, lock);
    cr_assert_eq (zanni_lock_acquire (root, NULL, lock, 0), 0);
    done (one, "begin", "acquire", FOREVER, 0);
    done (other, "begin", "acquire", LONG_MS, 0);
    cr_assert_eq (zanni_kill (root, lock), 0);
    int code = outcome (one, NULL);
    cr_assert (code == ZANNI_EDOWN || code == ZANNI_ENOACTOR, "%s", zanni_strerror (code));
    code = outcome (other, NULL);
    cr_assert (code == ZANNI_EDOWN || code == ZANNI_ENOACTOR, "%s", zanni_strerror (code));
}

EVERYWHERE (semaphore, lets_so_many_through)
{
    ZANNI_AUTO (zanni_ref_t) semaphore = spawn ("zanni.semaphore", 2);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, semaphore);
    cr_assert_eq (zanni_semaphore_acquire (root, semaphore, LONG_MS), 0);
    cr_assert_eq (zanni_semaphore_acquire (root, semaphore, 0), 0);
    cr_assert_eq (zanni_semaphore_acquire (root, semaphore, 0), ZANNI_ETIMEOUT);
    done (client, "begin", "acquire", FOREVER, 0);
    cr_assert_eq (zanni_semaphore_release (root, semaphore, 3), 0);
    cr_assert_eq (outcome (client, NULL), 0);
    cr_assert_eq (call_int (semaphore, "value"), 2);
}

EVERYWHERE (semaphore, says_what_is_wrong)
{
    ZANNI_AUTO (zanni_ref_t) semaphore = spawn ("zanni.semaphore", 0);
    ZANNI_AUTO (zanni_ref_t) bounded = spawn ("zanni.bounded_semaphore", 1);
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, semaphore, "release", 0), ZANNI_EINVAL);
    expect_text (&error, "release of 0");
    cr_assert_eq (refused (&error, semaphore, "release", -4), ZANNI_EINVAL);
    expect_text (&error, "-4");
    cr_assert_eq (refused (&error, bounded, "release", 1), ZANNI_EPERM);
    expect_text (&error, "holds 0 of 1");
    done (semaphore, "release", INT64_MAX);
    cr_assert_eq (refused (&error, semaphore, "release", 1), ZANNI_ETOOBIG);
}

EVERYWHERE (semaphore, takes_back_what_did_not_come)
{
    ZANNI_AUTO (zanni_ref_t) semaphore = spawn ("zanni.semaphore", 1);
    done (semaphore, "acquire", 0, 17);
    done (semaphore, "give_back", 17);
    cr_assert_eq (call_int (semaphore, "value"), 1);
    done (semaphore, "acquire", 0, 18);
    done (semaphore, "release", INT64_MAX);
    done (semaphore, "give_back", 18);
    cr_assert_eq (call_int (semaphore, "value"), INT64_MAX);
}

EVERYWHERE (semaphore, does_not_begin_below_zero)
{
    zanni_ref_t *semaphore = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t options = { PLACED, .error = &error };
    cr_assert_eq (zanni_spawn (root, &semaphore, "zanni.semaphore", &options, -1), ZANNI_EINVAL);
    expect_text (&error, "-1");
}

/* What has happened was used; a place comes back. */
EVERYWHERE (semaphore, gets_back_the_places_of_who_ends_where_it_is_bounded)
{
    ZANNI_AUTO (zanni_ref_t) bounded = spawn ("zanni.bounded_semaphore", 2);
    ZANNI_AUTO (zanni_ref_t) holder = client_in (ZANNI_PROCESS, bounded);
    for (int i = 0; i < 2; i++) {
        done (holder, "begin", "acquire", FOREVER, 0);
        cr_assert_eq (outcome (holder, NULL), 0);
    }
    cr_assert_eq (call_int (bounded, "value"), 0);
    tell (holder, "crash");
    cr_assert_eq (zanni_semaphore_acquire (root, bounded, LONG_MS), 0);
    cr_assert_eq (zanni_semaphore_acquire (root, bounded, LONG_MS), 0);
    cr_assert_eq (zanni_semaphore_release (root, bounded, 2), 0);
    cr_assert_eq (call_int (bounded, "value"), 2);
}

EVERYWHERE (semaphore, has_used_what_was_acquired_before_an_end)
{
    ZANNI_AUTO (zanni_ref_t) semaphore = spawn ("zanni.semaphore", 2);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, semaphore);
    done (client, "begin", "acquire", FOREVER, 0);
    cr_assert_eq (outcome (client, NULL), 0);
    uint64_t id = monitor (client);
    tell (client, "die");
    expect_down (id, false);
    cr_assert_eq (call_int (semaphore, "value"), 1);
}

EVERYWHERE (event, is_waited_for)
{
    ZANNI_AUTO (zanni_ref_t) event = spawn ("zanni.event");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, event);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_THREAD, event);
    cr_assert_eq (zanni_event_wait (root, event, 0), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_event_wait (root, event, 10), ZANNI_ETIMEOUT);
    done (one, "begin", "wait", FOREVER, 0);
    done (other, "begin", "wait", LONG_MS, 0);
    done (event, "set");
    cr_assert_eq (outcome (one, NULL), 0);
    cr_assert_eq (outcome (other, NULL), 0);
    cr_assert_eq (zanni_event_wait (root, event, 0), 0);
    done (event, "clear");
    cr_assert_eq (zanni_event_wait (root, event, 0), ZANNI_ETIMEOUT);
    ZANNI_AUTO (zanni_msg_t) reply = call (event, "is_set");
    bool set = true;
    cr_assert_eq (zanni_read (reply, &set), 0);
    cr_assert_not (set);
}

/* Nothing can be lost of it, so it may be asked in any way. */
EVERYWHERE (event, is_asked_plainly)
{
    ZANNI_AUTO (zanni_ref_t) event = spawn ("zanni.event");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, event, "wait", 10, 0), ZANNI_ETIMEOUT);
    expect_text (&error, "10 ms");
    done (event, "set");
    done (event, "wait", 10, 0);
}

/* Longer than any timer runs. */
EVERYWHERE (event, is_waited_for_for_centuries)
{
    ZANNI_AUTO (zanni_ref_t) event = spawn ("zanni.event");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, event);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_SHARED, event);
    done (one, "begin", "wait", INT64_C (3000000000000), 0);
    done (other, "begin", "wait", INT64_MAX, 0);
    done (event, "set");
    cr_assert_eq (outcome (one, NULL), 0);
    cr_assert_eq (outcome (other, NULL), 0);
}

/* Whoever gives up is found among all others at once: it takes this process about as much work as to ask did, and would
   take a hundred times that if each of them looked at all. */
Test (semaphore, is_given_up_by_very_many, .timeout = 120)
{
    enum { many = 30000, few = 5000 };
    static uint64_t asks [many];
    const zanni_ask_t patient = { .deadline_ms = 60000 };
    zanni_t *self = NULL;
    zanni_ref_t *semaphore = NULL;
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_spawn (self, &semaphore, "zanni.semaphore", NULL, 0), 0);
    clock_t begun = clock ();
    for (int i = 0; i < many; i++) {
        const zanni_ask_t options = { .id_p = &asks [i] };
        cr_assert_eq (zanni_wait_ask (self, semaphore, &options, FOREVER, "acquire"), 0);
        if (i % few == 0)   // so that its mailbox is never full
            cr_assert_eq (zanni_call_with (self, NULL, semaphore, &patient, "value"), 0);
    }
    clock_t asked = clock ();
    for (int i = 0; i < many; i++) {
        cr_assert_eq (zanni_cancel (self, asks [i % 2 ? i : many - 2 - i]), 0);
        if (i % few == 0)
            cr_assert_eq (zanni_call_with (self, NULL, semaphore, &patient, "value"), 0);
    }
    cr_assert_lt (clock () - asked, 20 * (asked - begun));
    cr_assert_eq (zanni_call_with (self, NULL, semaphore, &patient, "release", 1), 0);
    cr_assert_eq (zanni_semaphore_acquire (self, semaphore, 0), 0, "somebody waits still");
    zanni_ref_destroy (&semaphore);
    zanni_destroy (&self);
}
