/* The end of a place, in one of two ways: its node is destroyed, or the program exits without that.

   Threads and processes are told to end and waited for; in the end processes are killed. A thread that is stuck in user
   code can only be left alone: its zactor is never destroyed, and what it could still touch is never freed. Should it
   come back after all it finds its place `left` and sleeps for ever, since czmq may be gone.

   A program that exits without zanni_destroy would be aborted by czmq's exit handler, which finds its threads alive;
   ours was registered later, so it runs before, stops them within a second and gives back the runtime directory. So
   czmq is brought up here, too. Pipes of those that are stuck are closed behind their backs, or czmq would name them on
   the host's output. A child of fork has none. */

#include "control.h"

#include "thread.h"

#include "../base/rundir.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define S_EXIT_NS 1000000000
#define S_ROUSE_NS 100000000
#define S_KILL_NS 1000000000   // for processes to be gone that were killed

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t s_places_lock = PTHREAD_MUTEX_INITIALIZER;
static zanni__link_t s_places = { &s_places, &s_places };
static pid_t s_pid;

void
zanni__place_remember (zanni__place_t *place)
{
    pthread_mutex_lock (&s_places_lock);
    zanni__list_append (&s_places, &place->all);
    pthread_mutex_unlock (&s_places_lock);
}

void
zanni__place_forget (zanni__place_t *place)
{
    pthread_mutex_lock (&s_places_lock);
    zanni__link_remove (&place->all);
    pthread_mutex_unlock (&s_places_lock);
}

/* A point in time so much later, for pthread_cond_timedwait. */
static struct timespec
s_after (int64_t ns)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    time.tv_sec += ns / 1000000000;
    time.tv_nsec += ns % 1000000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

static void
s_tell_stop (zanni__place_t *place, const struct timespec *until)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    place->grace_ms = (until->tv_sec - now.tv_sec) * 1000 + (until->tv_nsec - now.tv_nsec) / 1000000;
    place->stopping = true;
    zanni__place_wake (place);
}

/* Under its lock. */
static int
s_wait_for_all (zanni__place_t *place, const struct timespec *until)
{
    while (place->threads_count || place->processes_count)
        if (pthread_cond_timedwait (&place->changed, &place->lock, until))
            break;
    return place->threads_count + place->processes_count;
}

/* Stops a place's threads and processes and waits; under its lock. Processes are killed at the end. Answers how many
   threads are left. */
static int
s_stop_all (zanni__place_t *place, const struct timespec *until)
{
    if (!place->stopping)
        s_tell_stop (place, until);
    (void) s_wait_for_all (place, until);
    struct timespec killed = s_after (S_KILL_NS);
    while (place->processes_count)
        if (pthread_cond_timedwait (&place->changed, &place->lock, &killed))
            break;
    return place->threads_count;
}

/* Under the lock. */
static bool
s_guests_awake (const zanni__place_t *place)
{
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = link->next) {
        const zanni__thread_t *thread = ZANNI__CONTAINER (link, zanni__thread_t, link);
        if (thread->guest && !thread->asleep)
            return true;
    }
    return false;
}

/* A socket must not be closed while somebody waits in it, as a function that does not heed "$TERM" may: all waiting ends
   when czmq's context is shut down, which it will be in a moment anyhow. Who is stuck elsewhere does not come. */
static void
s_rouse_guests (zanni__place_t *place)
{
    struct timespec until = s_after (S_ROUSE_NS);
    pthread_mutex_lock (&place->lock);
    if (s_guests_awake (place))
        (void) zmq_ctx_shutdown (zsys_init ());
    while (s_guests_awake (place))
        if (pthread_cond_timedwait (&place->changed, &place->lock, &until))
            break;
    pthread_mutex_unlock (&place->lock);
}

/* Takes the pipes of stuck threads off czmq's books. */
static void
s_close_pipes (zanni__place_t *place)
{
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = link->next) {
        zanni__thread_t *thread = ZANNI__CONTAINER (link, zanni__thread_t, link);
        if (atomic_load_explicit (&thread->over, memory_order_acquire))
            continue;   // it closes its own
        (void) zsys_close (zsock_resolve (thread->pipe), __FILE__, __LINE__);
        (void) zsys_close (zsock_resolve (thread->zactor), __FILE__, __LINE__);
    }
}

/* Who ends the program may hold the lock, as a log function; then the next node sweeps. */
static void
s_end_lease (zanni_node_t *node)
{
    if (pthread_mutex_trylock (&node->lock))
        return;
    zanni__lease_destroy (&node->lease);
    pthread_mutex_unlock (&node->lock);
}

static void
s_end_place (zanni__place_t *place, const struct timespec *until)
{
    zanni_node_t *node = place->control ? place->undertaker->node : NULL;   // else it was destroyed
    pthread_mutex_lock (&place->lock);
    if (node) {
        (void) s_stop_all (place, until);
        place->quitting = true;
        place->quit_ns = 0;
        place->left = place->threads_count > 0;
        zanni__place_wake (place);
    }
    pthread_mutex_unlock (&place->lock);
    zactor_destroy (&place->control);
    if (node)
        s_end_lease (node);
    if (!place->left)
        return;
    s_rouse_guests (place);
    s_close_pipes (place);
}

static void
s_at_exit (void)
{
    if (getpid () != s_pid)
        return;
    struct timespec until = s_after (S_EXIT_NS);
    pthread_mutex_lock (&s_places_lock);
    for (zanni__link_t *link = s_places.next; link != &s_places; link = link->next) {
        zanni__place_t *place = ZANNI__CONTAINER (link, zanni__place_t, all);
        pthread_mutex_lock (&place->lock);
        s_tell_stop (place, &until);
        pthread_mutex_unlock (&place->lock);
    }
    for (zanni__link_t *link = s_places.next; link != &s_places; link = link->next)
        s_end_place (ZANNI__CONTAINER (link, zanni__place_t, all), &until);
    pthread_mutex_unlock (&s_places_lock);
}

/* czmq installs handlers for SIGINT and SIGTERM when it comes up; the host's stay what they were. */
static void
s_czmq_init (void)
{
    struct sigaction interrupt, terminate;
    sigaction (SIGINT, NULL, &interrupt);
    sigaction (SIGTERM, NULL, &terminate);
    zsys_init ();
    sigaction (SIGINT, &interrupt, NULL);
    sigaction (SIGTERM, &terminate, NULL);
    s_pid = getpid ();
    (void) atexit (s_at_exit);
}

void
zanni__czmq_init (void)
{
    pthread_once (&s_once, s_czmq_init);
}

static void
s_name_stuck (zanni__place_t *place)
{
    char text [320], doing [200];
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = link->next) {
        const zanni__thread_t *thread = ZANNI__CONTAINER (link, zanni__thread_t, link);
        const char *name = thread->worker ? zanni_worker_name (thread->worker) : thread->guest->name;
        snprintf (text, sizeof text, "%s did not end in time and is abandoned%s%s", name, thread->worker ? ": " : "",
                  thread->worker ? zanni_worker_doing (thread->worker, doing, sizeof doing) : "");
        zanni_worker_log (place->undertaker, ZANNI_LOG_ERROR, text);
    }
}

int
zanni__place_finish (void *self, int64_t until_ns, int64_t wait_ns)
{
    zanni__place_t *place = self;
    int64_t now_ns = zanni_worker_now_ns (place->undertaker);
    struct timespec until = s_after (until_ns > now_ns ? until_ns - now_ns : 0);
    struct timespec wait = s_after (wait_ns > now_ns ? wait_ns - now_ns : 0);
    pthread_mutex_lock (&place->lock);
    if (!place->stopping)
        s_tell_stop (place, &until);
    int left = wait_ns < until_ns ? s_wait_for_all (place, &wait) : s_stop_all (place, &until);
    pthread_mutex_unlock (&place->lock);
    return left;
}

void
zanni__place_close (void *self, int64_t until_ns)
{
    zanni__place_t *place = self;
    pthread_mutex_lock (&place->lock);
    bool stuck = place->threads_count > 0;
    place->quitting = true;
    place->quit_ns = stuck ? 0 : until_ns;   // what was sent to a stuck thread is never settled
    place->left = stuck;
    zanni__place_wake (place);
    pthread_mutex_unlock (&place->lock);
    zactor_destroy (&place->control);
    if (stuck)
        s_name_stuck (place);   // what is abandoned may still touch the place: it stays
    else
        zanni__place_free (place);
}
