/* The watchdog of a process actor. A process that is stuck cannot be trusted to say so, so its launcher looks at the
   beat that the process keeps in a page of memory which both share, and kills it by SIGKILL when one handler takes
   longer than it may.

   A process that is stopped, or that a debugger has, does not get on, and is not stuck: its time stands still.
   Whoever stops it between two looks and lets it go on before the second costs it that time, a quarter of what it has
   at most. That launcher and process are stopped together (a terminal, a container that is paused) the vigil sees by
   itself: beat.h.

   The page is the process's to write, so it may hold anything: what is read of it is bounded, and shown as far as
   it is text. */

#include "guard.h"

#include "../actor/watchdog.h"
#include "../wire/text.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define S_NAME 30   // bytes shown of a class's, and of a method's

int
zanni__guard_new (zanni__guard_t *guard)
{
    void *page = mmap (NULL, sizeof *guard->page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return ZANNI_ENOMEM;
    *guard = (zanni__guard_t) { .page = page, .due_ns = INT64_MAX };
    return 0;
}

void
zanni__guard_free (zanni__guard_t *guard)
{
    if (guard->page)
        (void) munmap (guard->page, sizeof *guard->page);
    guard->page = NULL;
}

void
zanni__guard_set (zanni__guard_t *guard, uint32_t limit_ms, int64_t now_ns)
{
    guard->limit_ms = limit_ms;
    guard->due_ns = limit_ms ? now_ns : INT64_MAX;
}

/* Somebody has stopped it, or traces it. What cannot be read is not so. */
static bool
s_is_held (pid_t pid)
{
    char path [40], text [1024];
    snprintf (path, sizeof path, "/proc/%d/status", (int) pid);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read (fd, text, sizeof text - 1);
    if (fd >= 0)
        close (fd);
    if (size <= 0)
        return false;
    text [size] = 0;
    const char *state = strstr (text, "\nState:");
    const char *tracer = strstr (text, "\nTracerPid:");
    char letter = 0;
    int pid_of_tracer = 0;
    if (state)
        (void) sscanf (state, "\nState: %c", &letter);
    if (tracer)
        (void) sscanf (tracer, "\nTracerPid: %d", &pid_of_tracer);
    return letter == 'T' || letter == 't' || pid_of_tracer;
}

void
zanni__guard_look (zanni__guard_t *guard, pid_t pid, int64_t now_ns)
{
    int64_t period_ns = zanni__watchdog_period_ns (guard->limit_ms);
    if (now_ns < guard->due_ns)
        return;
    guard->due_ns = now_ns + period_ns;
    if (!zanni__vigil_look (&guard->vigil, &guard->page->beat, now_ns, period_ns))
        return;
    if (s_is_held (pid))
        guard->vigil.spent_ns = 0;
    uint32_t limit_ms = atomic_load_explicit (&guard->page->beat.limit_ms, memory_order_relaxed);
    limit_ms = limit_ms < guard->limit_ms ? guard->limit_ms : limit_ms;   // that of an actor beside it
    if (guard->vigil.spent_ns < limit_ms * INT64_C (1000000))
        return;
    guard->due_ns = INT64_MAX;
    guard->killed = !kill (pid, SIGKILL);
}

/* What is text of it. */
static void
s_copy (char to [S_NAME], const char *from)
{
    memcpy (to, from, S_NAME);
    to [S_NAME - 1] = 0;
    while (!zanni__text_valid (to, strlen (to)))
        to [strlen (to) - 1] = 0;
}

void
zanni__guard_reason (const zanni__guard_t *guard, zanni_reason_t *reason)
{
    char cls [S_NAME], method [S_NAME];
    s_copy (cls, guard->page->cls);
    s_copy (method, guard->page->method);
    zanni__watchdog_reason (reason, cls, guard->page->hook, method, guard->vigil.spent_ns);
}
