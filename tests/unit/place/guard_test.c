/* The guard of a process, at moments that the test names: what it kills, what it lets be, what it says. */

#include "place/guard.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 1000
#define AT(ms) ((ms) * INT64_C (1000000))

static zanni__guard_t s_guard;
static pid_t s_pid;

/* A process in a handler. */
static void
begin (uint32_t limit_ms)
{
    cr_assert_eq (zanni__guard_new (&s_guard), 0);
    s_pid = fork ();
    if (!s_pid) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause ();
    }
    strcpy (s_guard.page->cls, "sloth");
    strcpy (s_guard.page->method, "stay");
    atomic_store (&s_guard.page->beat.number, 1);
    zanni__guard_set (&s_guard, limit_ms, AT (0));
}

static void
end (void)
{
    (void) kill (s_pid, SIGKILL);
    (void) waitpid (s_pid, NULL, 0);
    zanni__guard_free (&s_guard);
}

/* Looks as often as the guard wants to, until then. */
static void
look_until (int64_t now_ns)
{
    while (s_guard.due_ns <= now_ns)
        zanni__guard_look (&s_guard, s_pid, s_guard.due_ns);
}

Test (guard, a_handler_that_takes_longer_ends_its_process)
{
    int status;
    begin (LIMIT_MS);
    look_until (AT (999));
    cr_assert (!s_guard.killed);
    look_until (AT (1250));
    cr_assert (s_guard.killed);
    cr_assert_eq (s_guard.due_ns, INT64_MAX);
    cr_assert_eq (waitpid (s_pid, &status, 0), s_pid);
    cr_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    zanni__guard_free (&s_guard);
}

Test (guard, handlers_that_return_are_let_be)
{
    begin (LIMIT_MS);
    for (int i = 1; i < 20; i++) {
        look_until (AT (900 * i));
        atomic_fetch_add (&s_guard.page->beat.number, 1);
    }
    cr_assert (!s_guard.killed);
    end ();
}

Test (guard, without_a_limit_nobody_looks)
{
    begin (0);
    cr_assert_eq (s_guard.due_ns, INT64_MAX);
    end ();
}

Test (guard, an_actor_that_has_longer_in_the_same_process_gets_it)
{
    begin (LIMIT_MS);
    atomic_store (&s_guard.page->beat.limit_ms, 5000);
    look_until (AT (4900));
    cr_assert (!s_guard.killed);
    look_until (AT (5300));
    cr_assert (s_guard.killed);
    end ();
}

Test (guard, the_time_of_a_process_that_is_stopped_stands_still)
{
    int status;
    begin (LIMIT_MS);
    look_until (AT (500));
    cr_assert_eq (kill (s_pid, SIGSTOP), 0);
    cr_assert_eq (waitpid (s_pid, &status, WUNTRACED), s_pid);
    look_until (AT (60000));
    cr_assert (!s_guard.killed);
    cr_assert_eq (kill (s_pid, SIGCONT), 0);
    cr_assert_eq (waitpid (s_pid, &status, WCONTINUED), s_pid);
    look_until (AT (60700));
    cr_assert (!s_guard.killed);
    look_until (AT (61300));
    cr_assert (s_guard.killed);
    end ();
}

Test (guard, the_reason_names_the_method_and_the_time)
{
    zanni_reason_t reason;
    begin (LIMIT_MS);
    look_until (AT (1300));
    zanni__guard_reason (&s_guard, &reason);
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, ZANNI_EWATCHDOG);
    cr_assert_str_eq (reason.text, "watchdog: sloth has been in its method stay for 1000 ms");
    s_guard.page->hook = true;
    zanni__guard_reason (&s_guard, &reason);
    cr_assert_str_eq (reason.text, "watchdog: sloth has been in its hook stay for 1000 ms");
    end ();
}

/* The page is the process's to write. */
Test (guard, whatever_is_in_the_page_the_reason_is_text)
{
    zanni_reason_t reason;
    begin (LIMIT_MS);
    memset (s_guard.page->cls, 0xff, sizeof s_guard.page->cls);
    memset (s_guard.page->method, 'm', sizeof s_guard.page->method);
    memcpy (s_guard.page->method + 28, "\xc3\xa4", 2);
    zanni__guard_reason (&s_guard, &reason);
    cr_assert_str_eq (reason.text, "watchdog:  has been in its method mmmmmmmmmmmmmmmmmmmmmmmmmmmm for 0 ms");
    end ();
}
