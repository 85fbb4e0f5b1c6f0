/* Actors that other nodes spawn: what is left of one that could not be made. */

#include "things.h"

#include "place/thread.h"

static zanni_place_ops_t s_threadless;

static int
s_start_none (void *place, zanni_worker_t *worker)
{
    (void) place, (void) worker;
    return ZANNI_ETHREADS;
}

/* An actor of the second node spawns one in the first, with a reference to a third one among the arguments, which nobody
   else holds then. */
static void
spawn_from_afar (void)
{
    ZANNI_AUTO (zanni_ref_t) spawner = spawn_in (1);
    ZANNI_AUTO (zanni_ref_t) held = spawn_in (1);
    cr_assert_eq (zanni_tell (s_nodes [1], spawner, "hold", s_remote), 0);
    cr_assert_eq (zanni_tell (s_nodes [1], spawner, "spawn there", held), 0);
    zanni_ref_destroy (&held);
    settle ();
    cr_assert_eq (s_kinds [ZANNI_RECORD_SPAWN], 1);
    cr_assert_eq (s_kinds [ZANNI_RECORD_SPAWNED], 0);
    cr_assert_eq (s_kinds [ZANNI_RECORD_ERROR], 1);
    cr_assert_eq (s_stopped, 1, "what came with it is held on");
    cr_assert_eq (number_of (asked (1, s_remote, "add", 5)), 5);
}

static void
begin_without_threads (void)
{
    s_threadless = zanni__place_thread;
    s_threadless.start = s_start_none;
    setup_with ((zanni_options_t) { .allow_spawn = true, .place = &s_threadless });
}

TestSuite (guest, .fini = teardown);

Test (guest, that_no_thread_can_be_had_for_is_an_error_to_its_spawner, .init = begin_without_threads)
{
    spawn_from_afar ();
}

Test (guest, that_is_not_allowed_lets_go_of_what_came_with_it, .init = setup)
{
    spawn_from_afar ();
}
