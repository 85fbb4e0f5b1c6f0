/* embed: zanni inside a program that has a loop, signals and sockets of its own.

   The program is a server that turns text into capitals: one request a connection over a unix socket, and any number on
   a czmq REP socket. It waits in one epoll set for its signals (a signalfd), its socket's clients, its czmq socket and
   zanni_fd. zanni never takes the loop away: zanni_step handles a bounded number of messages and returns. The work is
   done by an actor in a thread; the program's own thread is an actor, too (zanni_serve), so answers and the news of the
   worker's end arrive in the same loop, and nothing here needs a lock.

   The end is clean: SIGTERM or SIGINT closes the door, open requests are answered, the worker's last reference is
   dropped, and when its `down` has arrived the loop is over. Called without arguments, the program is its own client
   (a second thread) and ends itself by SIGTERM; `embed serve` waits for a signal from outside. */

#include <ctype.h>
#include <czmq.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <zanni.h>

#define JOBS "inproc://embed-jobs"
#define BUDGET 64        // messages that zanni may handle before the program's own sockets have their turn
#define DESCRIPTORS 32   // fewer are not worth beginning with

static struct {
    zanni_t *self;
    zanni_ref_t *worker;
    zsock_t *jobs;
    int epoll, signals, listener, zanni;
    unsigned open, served, lost;   // requests
    bool closing, over;
} host;

/* The worker: an actor in a thread of its own. */

static int
worker_shout (zanni_t *self, zanni_msg_t *msg)
{
    char loud [256];
    const char *text;
    int rc = zanni_read (msg, &text);
    if (rc)
        return rc;
    size_t size = strnlen (text, sizeof loud - 1);
    for (size_t i = 0; i < size; i++)
        loud [i] = (char) toupper ((unsigned char) text [i]);
    loud [size] = 0;
    return zanni_reply (self, msg, loud);
}

static const zanni_method_t worker_methods [] = {
    ZANNI_METHOD ("shout", "s", "s", worker_shout, "Answers the text in capitals."),
    ZANNI_METHOD_END
};
static const zanni_class_t worker_class = { .name = "worker", .methods = worker_methods };

/* The program's own thread as an actor: it is told when the worker ends. */

static void
boss_down (zanni_t *self, const zanni_down_t *down)
{
    char text [128];
    (void) self;
    printf ("worker ended: %s\n", zanni_reason_string (&down->reason, text, sizeof text));
    host.over = true;
}

static const zanni_class_t boss_class = { .name = "boss", .down = boss_down };
static const zanni_class_t *const classes [] = { &worker_class, &boss_class, NULL };

/* Sends a text to the worker; `then` gets the answer in a later zanni_step. */
static bool
s_ask (const char *text, zanni_reply_fn *then, void *arg)
{
    zanni_ask_t options = { .then = then, .arg = arg };
    int rc = zanni_ask (host.self, host.worker, &options, "shout", text);
    host.open += !rc;
    host.lost += !!rc;
    return !rc;
}

/* The text of an answer, or what stands for an error. */
static const char *
s_answer (zanni_msg_t *reply)
{
    const char *text;
    int rc = zanni_msg_kind (reply) == ZANNI_MSG_REPLY ? zanni_read (reply, &text) : ZANNI_EAPP;
    host.open--;
    host.served += !rc;
    host.lost += !!rc;
    return rc ? "sorry" : text;
}

static void
s_client_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    int client = (int) (intptr_t) arg;
    const char *text = s_answer (reply);
    (void) self;
    (void) send (client, text, strlen (text), MSG_NOSIGNAL);   // a client that has gone misses its answer
    (void) close (client);
}

static void
s_job_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) self;
    (void) arg;
    (void) zstr_send (host.jobs, s_answer (reply));
}

/* The program's loop. */

static int
s_watch (int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    return fd < 0 ? -1 : epoll_ctl (host.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void
s_accept (void)
{
    int client = accept4 (host.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0 && s_watch (client))
        (void) close (client);
}

/* A client's request. Its socket leaves the epoll set and stays open for the answer. */
static void
s_read_client (int client)
{
    char text [256];
    ssize_t size = recv (client, text, sizeof text - 1, 0);
    (void) epoll_ctl (host.epoll, EPOLL_CTL_DEL, client, NULL);
    text [size > 0 ? size : 0] = 0;
    if (size <= 0 || host.closing || !s_ask (text, s_client_answered, (void *) (intptr_t) client))
        (void) close (client);
}

/* A ZeroMQ socket's descriptor tells of changes only: so its state is looked at in every round. */
static void
s_read_jobs (void)
{
    while (!host.closing && zsock_events (host.jobs) & ZMQ_POLLIN) {
        char *text = zstr_recv (host.jobs);
        if (text && !s_ask (text, s_job_answered, NULL))
            (void) zstr_send (host.jobs, "sorry");
        zstr_free (&text);
    }
}

static void
s_ready (int fd)
{
    struct signalfd_siginfo info;
    if (fd == host.zanni)
        host.over |= zanni_step (host.self, BUDGET) < 0;
    else if (fd == host.signals)
        host.closing |= read (fd, &info, sizeof info) == sizeof info;
    else if (fd == host.listener)
        s_accept ();
    else if (fd != zsock_fd (host.jobs))
        s_read_client (fd);
}

static void
s_loop (void)
{
    struct epoll_event events [16];
    while (!host.over) {
        int count = epoll_wait (host.epoll, events, 16, -1);
        for (int i = 0; i < count; i++)
            s_ready (events [i].data.fd);
        s_read_jobs ();
        if (host.closing && !host.open)
            zanni_ref_destroy (&host.worker);   // again and again: it forgives NULL
    }
}

/* libzmq and czmq end the program where they get no descriptor, so it looks before it calls them. zanni answers errors. */
static bool
s_has_descriptors (void)
{
    struct rlimit limit;
    return !getrlimit (RLIMIT_NOFILE, &limit) && limit.rlim_cur >= DESCRIPTORS;
}

/* The program's own sockets and signals, as they were before zanni came. */
static int
s_open_host (void)
{
    sigset_t signals;
    struct sockaddr address = { .sa_family = AF_UNIX };   // the kernel picks an abstract name
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    zsys_handler_set (NULL);   // czmq shall not install handlers of its own
    pthread_sigmask (SIG_BLOCK, &signals, NULL);
    host.epoll = epoll_create1 (EPOLL_CLOEXEC);
    host.signals = signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    host.listener = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    host.jobs = zsock_new_rep ("@" JOBS);
    if (!host.jobs || bind (host.listener, &address, sizeof address.sa_family) || listen (host.listener, 16))
        return -1;
    return s_watch (host.signals) || s_watch (host.listener) || s_watch (zsock_fd (host.jobs)) ? -1 : 0;
}

static int
s_open_zanni (void)
{
    uint64_t monitor;
    zanni_spawn_t options = { .place = ZANNI_THREAD };
    int rc = zanni_new (&host.self, NULL);
    if (!rc)
        rc = zanni_serve (host.self, "boss");
    if (!rc)
        rc = zanni_spawn (host.self, &host.worker, "worker", &options);
    if (!rc)
        rc = zanni_monitor (host.self, &monitor, host.worker);
    if (!rc)
        rc = zanni_fd (host.self, &host.zanni);
    if (!rc && s_watch (host.zanni))
        rc = ZANNI_ESYSTEM;
    return rc;
}

/* The client, for a run without another one. */

static void
s_talk_unix (const char *text)
{
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    char answer [256] = "";
    int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (getsockname (host.listener, (struct sockaddr *) &address, &size) || connect (fd, (struct sockaddr *) &address, size)
        || send (fd, text, strlen (text), MSG_NOSIGNAL) < 0 || recv (fd, answer, sizeof answer - 1, 0) < 0)
        perror ("embed: client");
    printf ("unix: %s -> %s\n", text, answer);
    (void) close (fd);
}

static void *
s_talk (void *arg)
{
    zsock_t *jobs = zsock_new_req (">" JOBS);
    s_talk_unix ("pantalone");
    s_talk_unix ("colombina");
    char *answer = jobs && !zstr_send (jobs, "arlecchino") ? zstr_recv (jobs) : NULL;
    printf ("czmq: arlecchino -> %s\n", answer ? answer : "");
    zstr_free (&answer);
    zsock_destroy (&jobs);
    (void) kill (getpid (), SIGTERM);
    return arg;
}

int
main (int argc, char **argv)
{
    zanni_init (classes);
    pthread_t client;
    bool alone = argc < 2 || strcmp (argv [1], "serve") != 0;
    int rc = s_has_descriptors () ? 0 : ZANNI_EDESCRIPTORS;
    if (!rc)
        rc = s_open_host () ? ZANNI_ESYSTEM : s_open_zanni ();
    if (!rc && alone)
        rc = pthread_create (&client, NULL, s_talk, NULL) ? ZANNI_ETHREADS : 0;
    if (!rc)
        s_loop ();
    if (!rc && alone)
        (void) pthread_join (client, NULL);
    zanni_ref_destroy (&host.worker);
    (void) zanni_destroy (&host.self);
    zsock_destroy (&host.jobs);
    if (rc)
        fprintf (stderr, "embed: %s\n", zanni_strerror (rc));
    else
        printf ("embed: %u requests served, %u lost\n", host.served, host.lost);
    return rc || host.lost ? EXIT_FAILURE : EXIT_SUCCESS;
}
