/* The control thread's side of the launcher (launcher.c).

   A request is a record that goes from list to list: waiting until the launcher answers, running until it tells the end.
   Who asked waits elsewhere; this side never waits for the launcher, which gets S_ANSWER_MS for an answer. One that has
   never said anything by then is no launcher, but a program whose main does not begin with zanni_init, and is killed.

   When the launcher itself is lost its children are killed by the kernel. Nobody tells their ends then, and their pids
   are not ours to wait for, but a pidfd shows when each is gone. So its end is told when it is true, and the runtime
   directory is swept when the last of them can hold no lock any more. What was waiting for an answer is asked again,
   once, of a new launcher. The orderly end of a launcher is nothing else: it is told to close, does so, and is lost.

   The host may reap every child there is, or ignore SIGCHLD: of the launcher nothing is expected but that it ends, which
   its pidfd tells. It is reaped through that, so that never another process of the same pid is.

   Where the launcher has promised a seat, the request that names it is answered as soon as it is sent: whatever becomes of
   it then is an end.

   The launcher leads a process group of its own: an interrupt at the terminal is for the host, which then ends its
   processes as it means to. */

#include "process.h"
#include "launch.h"
#include "launcher.h"

#include "../actor/worker.h"
#include "../base/list.h"
#include "../base/memory.h"
#include "../base/rundir.h"
#include "../base/sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define S_ANSWER_MS 10000
#define S_GONE_MS 10000          // for what was killed to be gone
#define S_KILLED_MS 1000         // the same, while a node is closing
#define S_HEED_MS 20             // twice, for a process to hear that it is to end; then it is killed
#define S_TRIES 2
#define S_PATH_MAX 192

typedef struct {
    zanni__link_t link;          // in waiting, running, or lost
    uint64_t id;                 // 0: a launcher
    uint8_t node [16];
    uint64_t incarnation;
    zanni_process_t *process;    // NULL: was answered
    void *request;
    int64_t due_ns;              // of the answer; of the end, when it is lost
    int tries;
    bool sent;
    bool silent;                 // nobody knows that it was started
    bool doomed;                 // it is to be killed, with so much patience
    bool condemned;              // and the launcher was told so
    int64_t patience_ms;
    bool keeps;
    char again [ZANNI__ENDPOINT_MAX];   // where it is to listen; "": anywhere
    char endpoint [ZANNI__ENDPOINT_MAX];   // where it does
    pid_t pid;
    int pid_fd;                  // of a launcher, or when it is lost; -1
} s_process_t;

/* A place that the launcher is to forget. */
typedef struct {
    zanni__link_t link;
    char endpoint [ZANNI__ENDPOINT_MAX];
} s_place_t;

struct zanni__children {
    zanni__children_owner_t owner;
    int epoll;                   // of fd (no data), and of what is lost (the record)
    int fd;                      // to the launcher; -1: there is none
    s_process_t *launcher;
    bool heard;                  // it has said something
    bool crowded;                // fd is watched for room, too
    bool kills;                  // of some that are doomed the launcher was perhaps not told
    bool closing;                // no new launcher
    bool stopping;               // no new process
    char seat [ZANNI__ENDPOINT_MAX];   // where the next process will listen; "": not known
    uint64_t last_id;
    zanni__link_t waiting;
    zanni__link_t running;
    zanni__link_t lost;
    zanni__link_t forgets;       // of which it was not told yet
    int count;
};

static int64_t
s_now_ns (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

/* Records. */

/* A child that the host forked may keep it open: so it has to be taken out of the set. */
static void
s_close (const zanni__children_t *children, int fd)
{
    (void) epoll_ctl (children->epoll, EPOLL_CTL_DEL, fd, NULL);
    close (fd);
}

static s_process_t *
s_process_new (zanni__children_t *children)
{
    s_process_t *process = zanni__calloc (sizeof *process);
    if (!process)
        return NULL;
    zanni__link_init (&process->link);
    process->pid_fd = -1;
    children->count++;
    return process;
}

static void
s_process_free (zanni__children_t *children, s_process_t *process)
{
    zanni__link_remove (&process->link);
    if (process->pid_fd >= 0)
        s_close (children, process->pid_fd);
    zanni__free (process);
    children->count--;
}

static void
s_answer (zanni__children_t *children, s_process_t *process, int rc)
{
    void *request = process->request;
    if (!process->process)
        return;
    process->process = NULL;
    children->owner.answered (children->owner.context, request, rc);
}

/* Ends a request. */
static void
s_fail (zanni__children_t *children, s_process_t *process, int code, const char *text)
{
    if (process->process)
        zanni__error_set (process->process->error, code, text);
    s_answer (children, process, code);
    s_process_free (children, process);
}

/* `kept`: where it listened is. */
static void
s_end (zanni__children_t *children, s_process_t *process, const zanni_reason_t *reason, bool kept)
{
    bool stays = process->id && !process->silent
                 && children->owner.ended (children->owner.context, process->node, process->incarnation, reason, kept);
    if (kept && !stays)
        zanni__children_forget (children, process->endpoint);
    s_process_free (children, process);
}

static s_process_t *
s_find (zanni__link_t *list, uint64_t id)
{
    for (zanni__link_t *link = list->next; link != list; link = link->next) {
        s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        if (process->id == id)
            return process;
    }
    return NULL;
}

/* Starting a launcher. */

static const char *
s_program (const zanni__children_t *children, char path [S_PATH_MAX])
{
    if (children->owner.program)
        return children->owner.program;
    ssize_t size = readlink ("/proc/self/exe", path, S_PATH_MAX - 1);
    path [size > 0 ? size : 0] = 0;
    return size > 0 ? path : "/proc/self/exe";
}

/* Makes both ends of the socket, ours watched, and runs the program at the other. On failure `why` says what. */
static int
s_launch (zanni__children_t *children, s_process_t *launcher, char why [ZANNI__LAUNCH_TEXT])
{
    char path [S_PATH_MAX];
    int fds [2];
    struct epoll_event event = { .events = EPOLLIN };
    const char *name = s_program (children, path);
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
        return ZANNI_EDESCRIPTORS;
    int error = epoll_ctl (children->epoll, EPOLL_CTL_ADD, fds [0], &event) ? errno : 0;
    if (!error)
        error = zanni__launch_run (children->owner.program, name, children->owner.arguments, fds [1], &launcher->pid);
    close (fds [1]);
    if (error) {
        s_close (children, fds [0]);
        snprintf (why, ZANNI__LAUNCH_TEXT, "cannot start process actors: %s: %s", name, strerrordesc_np (error));
        return error == ENOMEM ? ZANNI_ENOMEM : ZANNI_ESYSTEM;
    }
    children->fd = fds [0];
    launcher->pid_fd = zanni__pid_open (launcher->pid);
    return 0;
}

static int
s_launcher_new (zanni__children_t *children, char why [ZANNI__LAUNCH_TEXT])
{
    int rc = zanni__descriptors_left (3);
    snprintf (why, ZANNI__LAUNCH_TEXT, "cannot start process actors: %s", zanni_strerror (rc ? rc : ZANNI_ENOMEM));
    s_process_t *launcher = rc ? NULL : s_process_new (children);
    if (!launcher)
        return rc ? rc : ZANNI_ENOMEM;
    rc = s_launch (children, launcher, why);
    if (rc) {
        s_process_free (children, launcher);
        return rc;
    }
    children->launcher = launcher;
    children->heard = false;
    return 0;
}

/* Losing one. */

/* Whether it has ended; then it is reaped, where that is ours to do. */
static void
s_reap (const s_process_t *process)
{
    siginfo_t information;
    if (!process->id && process->pid_fd >= 0)
        (void) waitid (P_PIDFD, (id_t) process->pid_fd, &information, WEXITED | WNOHANG);
}

static void
s_gone (zanni__children_t *children, s_process_t *process)
{
    static const zanni_reason_t killed = { .kind = ZANNI_EXIT_SIGNAL, .code = SIGKILL };
    s_reap (process);
    s_end (children, process, &killed, false);
    if (zanni__list_empty (&children->lost))
        zanni__rundir_sweep ();
}

/* It will be told to have ended when it has. */
static void
s_lose (zanni__children_t *children, s_process_t *process)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = process };
    zanni__link_remove (&process->link);
    zanni__list_append (&children->lost, &process->link);
    if (process->pid_fd < 0)
        process->pid_fd = zanni__pid_open (process->pid);
    bool watched = process->pid_fd >= 0
                   && !epoll_ctl (children->epoll, EPOLL_CTL_ADD, process->pid_fd, &event);
    process->due_ns = watched ? s_now_ns () + S_GONE_MS * INT64_C (1000000) : 0;   // else at once
}

static void
s_forget_all (zanni__children_t *children)
{
    while (!zanni__list_empty (&children->forgets)) {
        s_place_t *place = ZANNI__CONTAINER (children->forgets.next, s_place_t, link);
        zanni__link_remove (&place->link);
        zanni__free (place);
    }
}

/* The launcher is gone, or to be gone. `text` is for those that waited for what will not be tried again. */
static void
s_lose_launcher (zanni__children_t *children, const char *text)
{
    s_process_t *launcher = children->launcher;
    bool heard = children->heard;
    zanni__link_t *next;
    s_close (children, children->fd);
    children->fd = -1;
    children->launcher = NULL;
    children->crowded = children->kills = false;
    *children->seat = 0;
    s_forget_all (children);   // with it
    if (launcher->pid_fd >= 0)
        (void) syscall (SYS_pidfd_send_signal, launcher->pid_fd, SIGKILL, NULL, 0);
    s_lose (children, launcher);
    while (!zanni__list_empty (&children->running))
        s_lose (children, ZANNI__CONTAINER (children->running.next, s_process_t, link));
    for (zanni__link_t *link = children->waiting.next; link != &children->waiting; link = next) {
        s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        next = link->next;
        process->sent = false;
        if (!heard || !process->process || process->tries >= S_TRIES)
            s_fail (children, process, ZANNI_ESYSTEM, text);
    }
}

static void
s_lose_mute (zanni__children_t *children, const char *how)
{
    char path [S_PATH_MAX], text [ZANNI__LAUNCH_TEXT];
    if (children->heard)
        snprintf (text, sizeof text, "the launcher of process actors %s", how);
    else
        snprintf (text, sizeof text, "cannot start process actors: %.128s %s; does its main begin with zanni_init?",
                  s_program (children, path), how);
    s_lose_launcher (children, text);
}

/* What is said to it. */

/* 1: sent; 0: there is no room; -1: nobody reads. */
static int
s_send (const zanni__children_t *children, const zanni__launch_t *packet, const void *brief)
{
    struct iovec parts [] = { { (void *) (uintptr_t) packet, sizeof *packet },
                              { (void *) (uintptr_t) brief, packet->size } };
    const struct msghdr message = { .msg_iov = parts, .msg_iovlen = packet->size ? 2 : 1 };
    if (sendmsg (children->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return 1;
    return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
}

static int
s_send_request (const zanni__children_t *children, s_process_t *process)
{
    zanni__launch_t packet = {
        .version = ZANNI__LAUNCH_VERSION, .kind = ZANNI__LAUNCH_START, .id = process->id,
        .code = process->process->watchdog_ms, .size = (uint32_t) process->process->brief_size, .kept = process->keeps
    };
    memcpy (packet.text, children->seat, sizeof children->seat);
    memcpy (packet.text + ZANNI__LAUNCH_SECOND, process->again, sizeof process->again);
    int sent = s_send (children, &packet, process->process->brief);
    process->sent = sent > 0;
    process->tries += process->sent;
    return sent;
}

static int
s_send_word (const zanni__children_t *children, zanni__launch_kind_t kind, uint64_t id, int64_t code)
{
    const zanni__launch_t packet = {
        .version = ZANNI__LAUNCH_VERSION, .kind = kind, .id = id, .code = code
    };
    return children->fd >= 0 ? s_send (children, &packet, NULL) : -1;
}

static void
s_watch_room (zanni__children_t *children, bool crowded)
{
    struct epoll_event event = { .events = crowded ? EPOLLIN | EPOLLOUT : EPOLLIN };
    if (crowded != children->crowded)
        (void) epoll_ctl (children->epoll, EPOLL_CTL_MOD, children->fd, &event);
    children->crowded = crowded;
}

static void
s_fail_waiting (zanni__children_t *children, int code, const char *text)
{
    while (!zanni__list_empty (&children->waiting))
        s_fail (children, ZANNI__CONTAINER (children->waiting.next, s_process_t, link), code, text);
}

static bool
s_has_unsent (const zanni__children_t *children)
{
    for (zanni__link_t *link = children->waiting.next; link != &children->waiting; link = link->next)
        if (!ZANNI__CONTAINER (link, s_process_t, link)->sent)
            return true;
    return false;
}

/* False: there is no room for them all. */
static bool
s_send_kills (zanni__children_t *children)
{
    if (!children->kills)
        return true;
    for (zanni__link_t *link = children->running.next; link != &children->running; link = link->next) {
        s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        if (!process->doomed || process->condemned)
            continue;
        if (!s_send_word (children, ZANNI__LAUNCH_KILL, process->id, process->patience_ms))
            return false;
        process->condemned = true;
    }
    children->kills = false;
    return true;
}

/* False: there is no room for them all. */
static bool
s_send_forgets (zanni__children_t *children)
{
    while (!zanni__list_empty (&children->forgets)) {
        s_place_t *place = ZANNI__CONTAINER (children->forgets.next, s_place_t, link);
        zanni__launch_t packet = { .version = ZANNI__LAUNCH_VERSION, .kind = ZANNI__LAUNCH_FORGET };
        memcpy (packet.text, place->endpoint, sizeof place->endpoint);
        if (children->fd >= 0 && !s_send (children, &packet, NULL))
            return false;
        zanni__link_remove (&place->link);
        zanni__free (place);
    }
    return true;
}

/* Once, and with what patience it was said first. */
static void
s_doom (zanni__children_t *children, s_process_t *process, int64_t patience_ms)
{
    if (process->doomed)
        return;
    process->doomed = children->kills = true;
    process->patience_ms = patience_ms;
    if (!s_send_kills (children))
        s_watch_room (children, true);
}

/* It has an endpoint: from now on there is only its end to be told. */
static void
s_runs (zanni__children_t *children, s_process_t *process, const char *endpoint)
{
    zanni__link_remove (&process->link);
    zanni__list_append (&children->running, &process->link);
    snprintf (process->endpoint, sizeof process->endpoint, "%.*s", (int) sizeof process->endpoint - 1, endpoint);
    memcpy (process->process->endpoint, process->endpoint, sizeof process->process->endpoint);
    s_answer (children, process, 0);
}

static void
s_seated (zanni__children_t *children, s_process_t *process)
{
    char seat [ZANNI__ENDPOINT_MAX];
    memcpy (seat, *process->again ? process->again : children->seat, sizeof seat);
    *children->seat = 0;
    s_runs (children, process, seat);
}

/* Sends what is not sent yet, to a new launcher where there is none. */
static void
s_flush (zanni__children_t *children)
{
    char why [ZANNI__LAUNCH_TEXT];
    zanni__link_t *next;
    int sent = s_send_kills (children) && s_send_forgets (children);
    if (!s_has_unsent (children)) {
        s_watch_room (children, !sent);
        return;
    }
    int rc = children->launcher ? 0 : s_launcher_new (children, why);
    if (rc) {
        s_fail_waiting (children, rc, why);
        return;
    }
    for (zanni__link_t *link = children->waiting.next; link != &children->waiting && sent > 0; link = next) {
        s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        next = link->next;
        if (process->sent)
            continue;
        sent = s_send_request (children, process);
        if (sent > 0 && (*children->seat || *process->again))
            s_seated (children, process);
    }
    s_watch_room (children, !sent);   // a launcher that is gone shows by its end of file
}

/* What it says. */

static void
s_started (zanni__children_t *children, const zanni__launch_t *packet)
{
    s_process_t *process = s_find (&children->running, packet->id);
    if (process)
        process->pid = (pid_t) packet->code;
    process = s_find (&children->waiting, packet->id);
    if (!process)
        return;
    process->pid = (pid_t) packet->code;
    if (process->process) {
        s_runs (children, process, packet->text);
        return;
    }
    zanni__link_remove (&process->link);   // it came too late
    zanni__list_append (&children->running, &process->link);
    process->silent = true;
    s_doom (children, process, 0);
}

/* A request that was answered before may be refused: that is its end. */
static void
s_refused (zanni__children_t *children, const zanni__launch_t *packet)
{
    int code = packet->code < 0 ? (int) packet->code : ZANNI_ESYSTEM;
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = code };
    s_process_t *process = s_find (&children->waiting, packet->id);
    if (process) {
        s_fail (children, process, code, packet->text);
        return;
    }
    snprintf (reason.text, sizeof reason.text, "%.*s", (int) sizeof reason.text - 1, packet->text);
    process = s_find (&children->running, packet->id);
    if (process)
        s_end (children, process, &reason, packet->kept);
}

static void
s_seat_came (zanni__children_t *children, const zanni__launch_t *packet)
{
    if (children->stopping)
        return;
    snprintf (children->seat, sizeof children->seat, "%.*s", (int) sizeof children->seat - 1, packet->text);
    if (children->owner.seat)
        children->owner.seat (children->owner.context, children->seat);
}

static void
s_hear (zanni__children_t *children, zanni__launch_t *packet)
{
    s_process_t *process;
    zanni_reason_t reason = { .kind = (zanni_exit_t) packet->reason, .code = packet->code };
    packet->text [sizeof packet->text - 1] = 0;
    children->heard = true;
    switch (packet->kind) {
    case ZANNI__LAUNCH_STARTED:
        s_started (children, packet);
        break;
    case ZANNI__LAUNCH_REFUSED:
        s_refused (children, packet);
        break;
    case ZANNI__LAUNCH_SEAT:
        s_seat_came (children, packet);
        break;
    case ZANNI__LAUNCH_ENDED:
        snprintf (reason.text, sizeof reason.text, "%.*s", (int) sizeof reason.text - 1, packet->text);
        process = s_find (&children->running, packet->id);
        if (process)
            s_end (children, process, &reason, packet->kept);
        break;
    default:
        break;
    }
}

static void
s_receive (zanni__children_t *children)
{
    zanni__launch_t packet;
    while (children->launcher) {
        ssize_t size = recv (children->fd, &packet, sizeof packet, MSG_DONTWAIT);
        if (size == (ssize_t) sizeof packet)
            s_hear (children, &packet);
        else if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else if (size <= 0)
            s_lose_mute (children, "ended before it answered");
    }
}

/* Time. */

static int64_t
s_earliest (const zanni__link_t *list, int64_t due_ns)
{
    for (zanni__link_t *link = list->next; link != list; link = link->next) {
        const s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        if (process->due_ns < due_ns)
            due_ns = process->due_ns;
    }
    return due_ns;
}

static void
s_late (zanni__children_t *children, int64_t now_ns)
{
    static const char text [] = "the launcher of process actors did not answer in 10 s";
    zanni__link_t *next;
    if (children->launcher && !children->heard && s_earliest (&children->waiting, INT64_MAX) <= now_ns)
        s_lose_mute (children, "did not answer in 10 s");
    for (zanni__link_t *link = children->waiting.next; link != &children->waiting; link = next) {
        s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        next = link->next;
        if (process->due_ns > now_ns)
            continue;
        if (!process->sent) {
            s_fail (children, process, ZANNI_ETIMEOUT, text);
            continue;
        }
        process->due_ns = INT64_MAX;   // it stays, so that what is started after all is killed
        zanni__error_set (process->process->error, ZANNI_ETIMEOUT, text);
        s_answer (children, process, ZANNI_ETIMEOUT);
    }
    for (zanni__link_t *link = children->lost.next; link != &children->lost; link = next) {
        s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        next = link->next;
        if (process->due_ns <= now_ns)
            s_gone (children, process);
    }
}

/* What others call. */

int
zanni__children_new (zanni__children_t **children_p, const zanni__children_owner_t *owner)
{
    zanni__children_t *children = zanni__calloc (sizeof *children);
    if (!children)
        return ZANNI_ENOMEM;
    children->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (children->epoll < 0) {
        zanni__free (children);
        return ZANNI_EDESCRIPTORS;
    }
    children->owner = *owner;
    children->fd = -1;
    zanni__link_init (&children->waiting);
    zanni__link_init (&children->running);
    zanni__link_init (&children->lost);
    zanni__link_init (&children->forgets);
    *children_p = children;
    return 0;
}

int
zanni__children_fd (const zanni__children_t *children)
{
    return children->epoll;
}

int
zanni__children_count (const zanni__children_t *children)
{
    return children->count - (children->launcher != NULL);
}

void
zanni__children_start (zanni__children_t *children, zanni_process_t *wanted, void *request)
{
    s_process_t *process = wanted->brief_size <= ZANNI_BRIEF_MAX ? s_process_new (children) : NULL;
    if (!process) {
        int rc = wanted->brief_size <= ZANNI_BRIEF_MAX ? ZANNI_ENOMEM : ZANNI_ETOOBIG;
        zanni__error_set (wanted->error, rc, NULL);
        children->owner.answered (children->owner.context, request, rc);
        return;
    }
    process->id = ++children->last_id;
    process->process = wanted;
    process->request = request;
    memcpy (process->node, wanted->node, sizeof process->node);
    process->incarnation = wanted->incarnation;
    process->keeps = wanted->keeps;
    memcpy (process->again, wanted->endpoint, sizeof process->again);
    process->due_ns = s_now_ns () + S_ANSWER_MS * INT64_C (1000000);
    zanni__list_append (&children->waiting, &process->link);
    s_flush (children);
}

int
zanni__children_step (zanni__children_t *children)
{
    struct epoll_event events [16];
    int count = epoll_wait (children->epoll, events, 16, 0);
    for (int i = 0; i < count; i++) {
        if (events [i].data.ptr)
            s_gone (children, events [i].data.ptr);
        else
            s_receive (children);
    }
    int64_t due_ns = s_earliest (&children->lost, s_earliest (&children->waiting, INT64_MAX));
    int64_t now_ns = due_ns < INT64_MAX ? s_now_ns () : 0;
    if (due_ns <= now_ns)
        s_late (children, now_ns);
    if (!children->closing)
        s_flush (children);
    due_ns = s_earliest (&children->lost, s_earliest (&children->waiting, INT64_MAX));
    if (due_ns == INT64_MAX)
        return -1;
    return due_ns <= now_ns ? 0 : (int) ((due_ns - now_ns) / 1000000 + 1);
}

int
zanni__children_kill (zanni__children_t *children, const uint8_t *node, bool at_once)
{
    const zanni__link_t *link = children ? children->running.next : NULL;
    for (; link && link != &children->running; link = link->next) {
        s_process_t *process = ZANNI__CONTAINER (link, s_process_t, link);
        if (memcmp (process->node, node, sizeof process->node))
            continue;
        s_doom (children, process, at_once ? 0 : S_HEED_MS);
        return 0;
    }
    return ZANNI_ENOACTOR;
}

/* Without memory it stays until the launcher ends: who dials there waits in vain. */
void
zanni__children_forget (zanni__children_t *children, const char *endpoint)
{
    s_place_t *place = children && children->launcher ? zanni__malloc (sizeof *place) : NULL;
    if (!place)
        return;
    snprintf (place->endpoint, sizeof place->endpoint, "%s", endpoint);
    zanni__link_init (&place->link);
    zanni__list_append (&children->forgets, &place->link);
    if (!s_send_forgets (children))
        s_watch_room (children, true);
}

void
zanni__children_stop (zanni__children_t *children, int64_t grace_ms)
{
    *children->seat = 0;   // no promise holds any more
    children->stopping = true;
    (void) s_send_word (children, ZANNI__LAUNCH_STOP, 0, grace_ms < 0 ? 0 : grace_ms);
}

/* Works until nothing is left or the time is over. */
static void
s_drive (zanni__children_t *children, int64_t wait_ms)
{
    int64_t until_ns = s_now_ns () + wait_ms * 1000000;
    struct pollfd item = { .fd = children->epoll, .events = POLLIN };
    for (;;) {
        int next_ms = zanni__children_step (children);
        int64_t left_ms = (until_ns - s_now_ns () + 999999) / 1000000;
        if (!children->count || left_ms <= 0)
            return;
        if (next_ms < 0 || next_ms > left_ms)
            next_ms = (int) left_ms;
        (void) poll (&item, 1, next_ms);
    }
}

void
zanni__children_destroy (zanni__children_t **children_p, int64_t wait_ms)
{
    zanni__children_t *children = *children_p;
    if (!children)
        return;
    *children_p = NULL;
    children->closing = true;
    s_fail_waiting (children, ZANNI_ECLOSED, "the node is ending");
    s_watch_room (children, false);   // who is not told dies all the same
    (void) s_send_word (children, ZANNI__LAUNCH_CLOSE, 0, 0);
    s_drive (children, wait_ms);
    if (children->launcher)
        s_lose_mute (children, "did not end in time");
    if (children->count)
        s_drive (children, S_KILLED_MS);
    while (!zanni__list_empty (&children->lost))
        s_gone (children, ZANNI__CONTAINER (children->lost.next, s_process_t, link));
    s_forget_all (children);
    close (children->epoll);
    zanni__free (children);
}
