/* The cutting proxy: one thread, one poll over an eventfd, the listening socket and both ends of every connection. Each
   direction has one buffer, whose bytes pass when their time has come; a delayed direction that is full reads no more. */

#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define S_PAIRS 64
#define S_ROOM 65536

typedef struct {
    int from;
    int to;
    size_t size;       // bytes that wait
    size_t at;         // the first of them
    int64_t due_ns;
    bool ended;        // nothing more comes
    char bytes [S_ROOM];
} s_way_t;

typedef struct {
    bool used;
    s_way_t ways [2];
} s_pair_t;

struct proxy {
    pthread_t thread;
    pthread_mutex_t lock;     // guards all of it; the thread lets go of it while it polls
    pthread_cond_t turned;
    uint64_t turns;           // rounds of the thread
    int wake_fd;
    int listen_fd;            // -1: nobody is at the path
    proxy_door_t door;
    bool stalled;
    bool held [2];            // one way only
    bool ending;
    int64_t delay_ns;
    uint64_t cut_after;       // bytes; 0: not
    uint64_t connections;
    uint64_t bytes;
    uint64_t cuts;
    uint16_t port;            // of tcp: that it stands before; 0: it is a path
    uint16_t own_port;        // where it listens; 0: not yet
    char path [108];          // where it listens
    char real [116];          // where that was moved
    s_pair_t pairs [S_PAIRS];
};

static int64_t
s_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C (1000000000) + now.tv_nsec;
}

static struct sockaddr_un
s_address (const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy (address.sun_path, path, strnlen (path, sizeof address.sun_path - 1));
    return address;
}

static struct sockaddr_in
s_tcp_address (uint16_t port)
{
    return (struct sockaddr_in) {
        .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
    };
}

static int
s_socket (const proxy_t *proxy)
{
    const int on = 1;
    int fd = socket (proxy->port ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && proxy->port) {
        (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void) setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    return fd;
}

static bool
s_bind (const proxy_t *proxy)
{
    const struct sockaddr_un near = s_address (proxy->path);
    const struct sockaddr_in far = s_tcp_address (proxy->own_port);
    const struct sockaddr *address = proxy->port ? (const struct sockaddr *) &far : (const struct sockaddr *) &near;
    return !bind (proxy->listen_fd, address, proxy->port ? sizeof far : sizeof near);
}

/* Under way is enough: what is written to it waits. */
static bool
s_connect (const proxy_t *proxy, int fd)
{
    const struct sockaddr_un near = s_address (proxy->real);
    const struct sockaddr_in far = s_tcp_address (proxy->port);
    const struct sockaddr *address = proxy->port ? (const struct sockaddr *) &far : (const struct sockaddr *) &near;
    return !connect (fd, address, proxy->port ? sizeof far : sizeof near) || errno == EINPROGRESS;
}

static bool
s_listen (proxy_t *proxy)
{
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    proxy->listen_fd = s_socket (proxy);
    if (proxy->listen_fd >= 0 && s_bind (proxy) && !listen (proxy->listen_fd, 128)) {
        if (proxy->port && !getsockname (proxy->listen_fd, (struct sockaddr *) &own, &size))
            proxy->own_port = ntohs (own.sin_port);
        return true;
    }
    if (proxy->listen_fd >= 0)
        close (proxy->listen_fd);
    proxy->listen_fd = -1;
    return false;
}

static void
s_leave (proxy_t *proxy)
{
    if (proxy->listen_fd < 0)
        return;
    close (proxy->listen_fd);
    if (!proxy->port)
        unlink (proxy->path);
    proxy->listen_fd = -1;
}

static void
s_end (s_pair_t *pair)
{
    close (pair->ways [0].from);
    close (pair->ways [0].to);
    pair->used = false;
}

static int
s_cut_all (proxy_t *proxy)
{
    int count = 0;
    for (int i = 0; i < S_PAIRS; i++)
        if (proxy->pairs [i].used) {
            s_end (&proxy->pairs [i]);
            count++;
        }
    proxy->cuts += (uint64_t) count;
    return count;
}

static void
s_begin (proxy_t *proxy, int fd)
{
    s_pair_t *pair = proxy->pairs;
    int other = s_socket (proxy);
    while (pair < proxy->pairs + S_PAIRS && pair->used)
        pair++;
    if (other < 0 || pair == proxy->pairs + S_PAIRS || !s_connect (proxy, other)) {
        if (other >= 0)
            close (other);
        close (fd);
        return;
    }
    pair->used = true;
    for (int i = 0; i < 2; i++) {
        s_way_t *way = &pair->ways [i];
        way->from = i ? other : fd;
        way->to = i ? fd : other;
        way->size = way->at = 0;
        way->ended = false;
    }
    proxy->connections++;
}

static void
s_accept (proxy_t *proxy)
{
    int fd = accept4 (proxy->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (proxy->door == PROXY_OPEN)
        s_begin (proxy, fd);
    else
        close (fd);
}

static void
s_read (proxy_t *proxy, s_way_t *way)
{
    if (way->size || way->ended)
        return;
    ssize_t got = read (way->from, way->bytes, sizeof way->bytes);
    if (got > 0) {
        way->at = 0;
        way->size = (size_t) got;
        way->due_ns = proxy->delay_ns ? s_now_ns () + proxy->delay_ns : 0;
    }
    else
        way->ended = !got || (errno != EAGAIN && errno != EINTR);
}

/* Whether the time for a cut has come. */
static bool
s_write (proxy_t *proxy, s_way_t *way)
{
    size_t size = way->size;
    if (!size || (way->due_ns && way->due_ns > s_now_ns ()))
        return false;
    bool cuts = proxy->cut_after && proxy->cut_after <= size;
    if (cuts)
        size = (size_t) proxy->cut_after;
    ssize_t sent = send (way->to, way->bytes + way->at, size, MSG_NOSIGNAL);
    if (sent <= 0) {
        way->ended |= sent < 0 && errno != EAGAIN && errno != EINTR;
        way->size = way->ended ? 0 : way->size;
        return false;
    }
    way->at += (size_t) sent;
    way->size -= (size_t) sent;
    proxy->bytes += (uint64_t) sent;
    if (proxy->cut_after)
        proxy->cut_after -= (uint64_t) sent;
    return cuts && !proxy->cut_after;
}

static void
s_move (proxy_t *proxy)
{
    for (int i = 0; i < S_PAIRS; i++) {
        s_pair_t *pair = &proxy->pairs [i];
        for (int j = 0; pair->used && j < 2; j++) {
            s_way_t *way = &pair->ways [j];
            if (proxy->held [j])
                continue;
            s_read (proxy, way);
            if (s_write (proxy, way))
                (void) s_cut_all (proxy);
            else if (way->ended && !way->size)
                s_end (pair);
        }
    }
}

/* What to wait for; the earliest due time goes to *until_ns. */
static int
s_items (const proxy_t *proxy, struct pollfd *items, int64_t *until_ns)
{
    int count = 0;
    items [count++] = (struct pollfd) { .fd = proxy->wake_fd, .events = POLLIN };
    if (proxy->listen_fd >= 0 && proxy->door != PROXY_HELD)
        items [count++] = (struct pollfd) { .fd = proxy->listen_fd, .events = POLLIN };
    for (int i = 0; i < S_PAIRS * 2 && !proxy->stalled; i++) {
        const s_pair_t *pair = &proxy->pairs [i / 2];
        const s_way_t *way = &pair->ways [i % 2];
        if (!pair->used || proxy->held [i % 2])
            continue;
        if (way->size && way->due_ns > s_now_ns ())
            *until_ns = way->due_ns < *until_ns ? way->due_ns : *until_ns;
        else
            items [count++] = (struct pollfd) {
                .fd = way->size ? way->to : way->from, .events = way->size ? POLLOUT : POLLIN
            };
    }
    return count;
}

static void *
s_main (void *argument)
{
    proxy_t *proxy = argument;
    struct pollfd items [2 + S_PAIRS * 2];
    pthread_mutex_lock (&proxy->lock);
    while (!proxy->ending) {
        uint64_t count;
        int64_t until_ns = s_now_ns () + INT64_C (1000000000);
        int items_count = s_items (proxy, items, &until_ns);
        pthread_mutex_unlock (&proxy->lock);
        int64_t left_ns = until_ns - s_now_ns ();
        (void) poll (items, (nfds_t) items_count, left_ns > 0 ? (int) (left_ns / 1000000 + 1) : 0);
        pthread_mutex_lock (&proxy->lock);
        ssize_t size = read (proxy->wake_fd, &count, sizeof count);
        (void) size;
        if (proxy->listen_fd >= 0 && proxy->door != PROXY_HELD)
            s_accept (proxy);
        if (!proxy->stalled)
            s_move (proxy);
        proxy->turns++;
        pthread_cond_broadcast (&proxy->turned);
    }
    pthread_mutex_unlock (&proxy->lock);
    return NULL;
}

static void
s_wake (proxy_t *proxy)
{
    uint64_t one = 1;
    ssize_t size = write (proxy->wake_fd, &one, sizeof one);
    (void) size;
}

/* Under the lock: two rounds from now the thread polls for what is true now. */
static void
s_settle (proxy_t *proxy)
{
    for (uint64_t until = proxy->turns + 1; proxy->turns < until;) {
        s_wake (proxy);
        pthread_cond_wait (&proxy->turned, &proxy->lock);
    }
}

static proxy_t *
s_new (void)
{
    proxy_t *proxy = calloc (1, sizeof *proxy);
    pthread_mutex_init (&proxy->lock, NULL);
    pthread_cond_init (&proxy->turned, NULL);
    proxy->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    return proxy;
}

proxy_t *
proxy_new_tcp (const char *endpoint, char own [PROXY_TCP])
{
    proxy_t *proxy = s_new ();
    if (strncmp (endpoint, "tcp://127.0.0.1:", 16))
        abort ();
    proxy->port = (uint16_t) atoi (endpoint + 16);
    if (s_listen (proxy) && !pthread_create (&proxy->thread, NULL, s_main, proxy)) {
        snprintf (own, PROXY_TCP, "tcp://127.0.0.1:%d", proxy->own_port);
        return proxy;
    }
    s_leave (proxy);
    close (proxy->wake_fd);
    free (proxy);
    return NULL;
}

proxy_t *
proxy_new (const char *endpoint)
{
    proxy_t *proxy = s_new ();
    if (strncmp (endpoint, "ipc://", 6) || strlen (endpoint + 6) + 6 > sizeof proxy->path)
        abort ();
    snprintf (proxy->path, sizeof proxy->path, "%s", endpoint + 6);
    snprintf (proxy->real, sizeof proxy->real, "%s.real", endpoint + 6);
    char lane [sizeof proxy->path + 1];
    snprintf (lane, sizeof lane, "%s+", proxy->path);
    (void) unlink (lane);   // or what comes would go around the proxy
    if (!rename (proxy->path, proxy->real) && s_listen (proxy)
        && !pthread_create (&proxy->thread, NULL, s_main, proxy))
        return proxy;
    s_leave (proxy);
    (void) rename (proxy->real, proxy->path);
    close (proxy->wake_fd);
    free (proxy);
    return NULL;
}

void
proxy_destroy (proxy_t **proxy_p)
{
    proxy_t *proxy = *proxy_p;
    if (!proxy)
        return;
    *proxy_p = NULL;
    pthread_mutex_lock (&proxy->lock);
    proxy->ending = true;
    s_wake (proxy);
    pthread_mutex_unlock (&proxy->lock);
    pthread_join (proxy->thread, NULL);
    (void) s_cut_all (proxy);
    s_leave (proxy);
    if (!proxy->port)
        (void) rename (proxy->real, proxy->path);
    close (proxy->wake_fd);
    pthread_cond_destroy (&proxy->turned);
    pthread_mutex_destroy (&proxy->lock);
    free (proxy);
}

int
proxy_cut (proxy_t *proxy)
{
    pthread_mutex_lock (&proxy->lock);
    int count = s_cut_all (proxy);
    s_settle (proxy);
    pthread_mutex_unlock (&proxy->lock);
    return count;
}

void
proxy_cut_after (proxy_t *proxy, uint64_t bytes)
{
    pthread_mutex_lock (&proxy->lock);
    proxy->cut_after = bytes;
    pthread_mutex_unlock (&proxy->lock);
}

void
proxy_door (proxy_t *proxy, proxy_door_t door)
{
    pthread_mutex_lock (&proxy->lock);
    proxy->door = door;
    if (door == PROXY_GONE)
        s_leave (proxy);
    else if (proxy->listen_fd < 0 && !s_listen (proxy))
        abort ();
    s_settle (proxy);
    pthread_mutex_unlock (&proxy->lock);
}

void
proxy_stall (proxy_t *proxy, bool stalled)
{
    pthread_mutex_lock (&proxy->lock);
    proxy->stalled = stalled;
    s_settle (proxy);
    pthread_mutex_unlock (&proxy->lock);
}

void
proxy_hold (proxy_t *proxy, proxy_way_t way, bool held)
{
    pthread_mutex_lock (&proxy->lock);
    proxy->held [way] = held;
    s_settle (proxy);
    pthread_mutex_unlock (&proxy->lock);
}

void
proxy_delay (proxy_t *proxy, int64_t ms)
{
    pthread_mutex_lock (&proxy->lock);
    proxy->delay_ns = ms * 1000000;
    pthread_mutex_unlock (&proxy->lock);
}

static uint64_t
s_read_count (proxy_t *proxy, const uint64_t *count)
{
    pthread_mutex_lock (&proxy->lock);
    uint64_t value = *count;
    pthread_mutex_unlock (&proxy->lock);
    return value;
}

uint64_t
proxy_connections (proxy_t *proxy)
{
    return s_read_count (proxy, &proxy->connections);
}

uint64_t
proxy_bytes (proxy_t *proxy)
{
    return s_read_count (proxy, &proxy->bytes);
}

uint64_t
proxy_cuts (proxy_t *proxy)
{
    return s_read_count (proxy, &proxy->cuts);
}
