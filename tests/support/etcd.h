/* etcd.h: an etcd of a test's own, at free ports of this host, with its data in a folder of its own, which ends
   with whoever started it. Leases are as short as etcd has them, one second; in a cluster two. */

#ifndef TESTS_SUPPORT_ETCD_H
#define TESTS_SUPPORT_ETCD_H

#include "scratch.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ETCD_START_MS 20000
#define ETCD_FIRST_PORT 10000
#define ETCD_PORTS 20000
#define ETCD_PORTS_EACH 16   // of each test

typedef struct {
    pid_t pid;
    bool tls;                      // it has FOLDER/cert and FOLDER/key, and wants the same of clients
    char folder [SCRATCH_PATH];
    int ready_fd;                  // it says there that it can work
    char client [48];              // where it is dialled
    char peer [48];
    char cluster [320];            // "": it is alone
} etcd_t;

/* A port that is free now: none of those that the system gives to whoever wants any, and others than a test beside this
   one tries. So nobody else has it before the etcd does, nor while that is down. 0: there is none. */
static inline int
etcd_free_port (void)
{
    static int tried;
    for (; tried < ETCD_PORTS; tried++) {
        int port = ETCD_FIRST_PORT + (getpid () * ETCD_PORTS_EACH + tried) % ETCD_PORTS;
        const struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons ((uint16_t) port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
        };
        int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = fd >= 0 && !bind (fd, (const struct sockaddr *) &address, sizeof address);
        close (fd);
        if (is_free) {
            tried++;
            return port;
        }
    }
    return 0;
}

static inline bool
etcd_choose_ports (etcd_t *etcd)
{
    int client = etcd_free_port (), peer = etcd_free_port ();
    snprintf (etcd->client, sizeof etcd->client, "http%s://127.0.0.1:%d", etcd->tls ? "s" : "", client);
    snprintf (etcd->peer, sizeof etcd->peer, "http://127.0.0.1:%d", peer);
    return client && peer;
}

/* Replaces the process. */
static inline void
etcd_become (const etcd_t *etcd, const char *socket_path)
{
    char data [SCRATCH_PATH + 8], log [SCRATCH_PATH + 8], cert [SCRATCH_PATH + 8], key [SCRATCH_PATH + 8], alone [100];
    bool many = *etcd->cluster;
    snprintf (data, sizeof data, "%s/data", etcd->folder);
    snprintf (log, sizeof log, "%s/log", etcd->folder);
    snprintf (cert, sizeof cert, "%s/cert", etcd->folder);
    snprintf (key, sizeof key, "%s/key", etcd->folder);
    snprintf (alone, sizeof alone, "%s=%s", etcd->peer, etcd->peer);
    int fd = open (log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
    (void) dup2 (fd, STDOUT_FILENO);
    (void) dup2 (fd, STDERR_FILENO);
    (void) setenv ("NOTIFY_SOCKET", socket_path, 1);
    execlp ("etcd", "etcd", "--name", etcd->peer, "--data-dir", data, "--listen-client-urls", etcd->client,
            "--advertise-client-urls", etcd->client, "--listen-peer-urls", etcd->peer, "--initial-advertise-peer-urls",
            etcd->peer, "--initial-cluster", many ? etcd->cluster : alone, "--heartbeat-interval", many ? "100" : "10",
            "--election-timeout", many ? "1000" : "100",
            etcd->tls ? "--cert-file" : (char *) NULL, cert, "--key-file", key, "--trusted-ca-file", cert,
            "--client-cert-auth", (char *) NULL);
    _exit (127);
}

/* Starts it, again where there was one before, with what that had. */
static inline bool
etcd_begin (etcd_t *etcd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf (address.sun_path, sizeof address.sun_path, "%s/notify", etcd->folder);
    (void) unlink (address.sun_path);
    etcd->ready_fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = etcd->ready_fd >= 0 && !bind (etcd->ready_fd, (struct sockaddr *) &address, sizeof address);
    etcd->pid = good ? fork () : -1;
    if (!etcd->pid)
        etcd_become (etcd, address.sun_path);
    return etcd->pid > 0;
}

/* It can work when this is done, which it says itself as services of systemd do. */
static inline bool
etcd_wait (etcd_t *etcd)
{
    char said [64] = "";
    struct pollfd item = { .fd = etcd->ready_fd, .events = POLLIN };
    bool good = poll (&item, 1, ETCD_START_MS) == 1 && recv (etcd->ready_fd, said, sizeof said - 1, 0) > 0
                && !strncmp (said, "READY=1", 7);
    close (etcd->ready_fd);
    return good;
}

static inline bool
etcd_start (etcd_t *etcd)
{
    return etcd_begin (etcd) && etcd_wait (etcd);
}

static inline void
etcd_kill (etcd_t *etcd)
{
    if (etcd->pid > 0) {
        (void) kill (etcd->pid, SIGKILL);
        (void) waitpid (etcd->pid, NULL, 0);
    }
    etcd->pid = 0;
}

/* In memory, for what it writes to a disk is not what is tested. */
static inline bool
etcd_new (etcd_t *etcd)
{
    memset (etcd, 0, sizeof *etcd);
    return scratch_new_in_memory (etcd->folder) && etcd_choose_ports (etcd) && etcd_start (etcd);
}

/* Three that are one. */
static inline bool
etcd_new_cluster (etcd_t all [3])
{
    bool good = true;
    memset (all, 0, 3 * sizeof *all);
    for (int i = 0; i < 3; i++)
        good = good && scratch_new_in_memory (all [i].folder) && etcd_choose_ports (&all [i]);
    for (int i = 0; i < 3; i++)
        snprintf (all [i].cluster, sizeof all [i].cluster, "%s=%s,%s=%s,%s=%s", all [0].peer, all [0].peer, all [1].peer,
                  all [1].peer, all [2].peer, all [2].peer);
    for (int i = 0; i < 3; i++)
        good = good && etcd_begin (&all [i]);
    for (int i = 0; i < 3; i++)
        good = good && etcd_wait (&all [i]);
    return good;
}

/* With a certificate of its own, which is made by the command openssl; false, too, where there is none. */
static inline bool
etcd_new_with_tls (etcd_t *etcd)
{
    char command [400];
    memset (etcd, 0, sizeof *etcd);
    etcd->tls = true;
    bool good = scratch_new_in_memory (etcd->folder);
    snprintf (command, sizeof command, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
              "-subj /CN=etcd -addext subjectAltName=IP:127.0.0.1 -keyout %s/key -out %s/cert 2>%s/log", etcd->folder,
              etcd->folder, etcd->folder);
    return good && !system (command) && etcd_choose_ports (etcd) && etcd_start (etcd);
}

static inline bool
etcd_end (etcd_t *etcd)
{
    char command [SCRATCH_PATH + 16];
    etcd_kill (etcd);
    snprintf (command, sizeof command, "rm -rf %s", etcd->folder);
    return !system (command);
}

#endif
