/* zanni doctor: what keeps nodes from running, or from meeting, a line each: "ok" and what it is, or "no" and what to do. */

#include "talk.h"
#include "verbs.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define S_DESCRIPTORS 1024
#define S_LOCKED (64 << 10)
#define S_SECRET_LEAST 16
#define S_SECRET_MOST 255
#define S_APART_MS 1000
#define S_DIAL_MS 5000
#define S_TRIAL_SECRET "zanni doctor, for a moment"

static const char s_help [] =
    "Looks whether nodes can run here and, with ENDPOINT, whether they reach the one that listens there.\v"
    "A line each: `ok' or `no', what was looked at, and what to do. The exit status is 1 where one says `no'.";

static bool __attribute__ ((format (printf, 3, 4)))
s_say (bool good, const char *what, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    printf ("%s  %s: ", good ? "ok" : "no", what);
    vprintf (format, arguments);
    putchar ('\n');
    va_end (arguments);
    (void) fflush (stdout);
    return good;
}

static bool
s_look_at_limit (__rlimit_resource_t resource, const char *what, rlim_t least, const char *advice)
{
    struct rlimit limit;
    if (getrlimit (resource, &limit))
        return s_say (false, what, "%s", strerror (errno));
    if (limit.rlim_cur == RLIM_INFINITY)
        return s_say (true, what, "no limit");
    bool good = limit.rlim_cur >= least;
    return s_say (good, what, "%llu%s%s", (unsigned long long) limit.rlim_cur, good ? "" : ": ", good ? "" : advice);
}

static bool
s_look_at_files (const tool_keys_t *keys)
{
    zanni_t *self = NULL;
    zanni_error_t error = { .code = 0 };
    const zanni_options_t options = {
        .secret_file = keys->secret_file, .certificate = keys->certificate, .workers = 1, .error = &error
    };
    int rc = zanni_new (&self, &options);
    (void) zanni_destroy (&self);
    return rc ? s_say (false, "secret", "%s", error.text)
              : s_say (true, "secret", "%s is one, and nobody else can read it",
                       keys->secret_file ? keys->secret_file : keys->certificate);
}

static bool
s_look_at_secret (const tool_talk_t *talk)
{
    if (talk->keys.secret_file || talk->keys.certificate)
        return s_look_at_files (&talk->keys);
    const char *secret = getenv ("ZANNI_SECRET");
    size_t size = secret ? strlen (secret) : 0;
    if (!secret && talk->insecure)
        return s_say (true, "secret", "ZANNI_SECRET is not set, which is enough for open nodes on this host");
    if (!secret)
        return s_say (false, "secret", "ZANNI_SECRET is not set: nodes of other hosts need one, the same for all, of %d to %d "
                      "bytes", S_SECRET_LEAST, S_SECRET_MOST);
    if (size < S_SECRET_LEAST || size > S_SECRET_MOST)
        return s_say (false, "secret", "ZANNI_SECRET has %zu bytes: it needs %d to %d%s", size, S_SECRET_LEAST, S_SECRET_MOST,
                      size ? "" : ", or not to be set");
    return s_say (true, "secret", "ZANNI_SECRET has %zu bytes", size);
}

/* Encryption is there if a node listens that has a secret. */
static bool
s_look_at_curve (void)
{
    zanni_t *self = NULL;
    const zanni_options_t options = { .secret = S_TRIAL_SECRET, .workers = 1 };
    int rc = zanni_new (&self, &options);
    if (!rc)
        rc = zanni_bind (self, "tcp://127.0.0.1:0", NULL);
    (void) zanni_destroy (&self);
    return rc ? s_say (false, "encryption", "a node with a secret cannot listen: %s; does libzmq have CURVE?", zanni_strerror (rc))
              : s_say (true, "encryption", "CURVE is there");
}

/* Whether somebody accepts there, within the time. errno says why not. */
static bool
s_dial (const struct addrinfo *address, int timeout_ms)
{
    int error = 0;
    socklen_t size = sizeof error;
    int fd = socket (address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect (fd, address->ai_addr, address->ai_addrlen))
        error = errno;
    if (error == EINPROGRESS) {
        struct pollfd item = { .fd = fd, .events = POLLOUT };
        error = poll (&item, 1, timeout_ms) == 1 ? 0 : ETIMEDOUT;
        if (!error && getsockopt (fd, SOL_SOCKET, SO_ERROR, &error, &size))
            error = errno;
    }
    close (fd);
    errno = error;
    return !error;
}

static bool
s_look_at_port (const tool_place_t *place, const tool_talk_t *talk)
{
    struct addrinfo wanted = { .ai_socktype = SOCK_STREAM }, *found;
    char host [TOOL_PLACE_MAX];
    const char *colon = strrchr (place->endpoint + 6, ':');
    if (!colon)
        return s_say (false, "port", "%s has none: tcp://HOST:PORT", place->endpoint);
    snprintf (host, sizeof host, "%.*s", (int) (colon - place->endpoint - 6), place->endpoint + 6);
    wanted.ai_family = *host == '[' ? AF_INET6 : AF_INET;   // as nodes look it up
    if (*host == '[' && host [strlen (host) - 1] == ']') {
        host [strlen (host) - 1] = 0;
        memmove (host, host + 1, strlen (host));
    }
    int rc = getaddrinfo (host, colon + 1, &wanted, &found);
    if (rc)
        return s_say (false, "port", "%s: %s", place->endpoint, gai_strerror (rc));
    int timeout_ms = talk->timeout_ms ? (int) talk->timeout_ms : S_DIAL_MS;
    bool good = s_dial (found, timeout_ms);
    const char *why = good ? "is dialled" : strerror (errno);
    freeaddrinfo (found);
    return s_say (good, "port", "%s: %s%s", place->endpoint, why,
                  good ? "" : "; does a node listen there, and does a firewall let it through?");
}

static int64_t
s_wall_ns (void)
{
    struct timespec now;
    (void) clock_gettime (CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The other node's time of day lies somewhere between the question and the answer. */
static bool
s_look_at_clock (tool_peer_t *peer, const tool_talk_t *talk)
{
    const char *name;
    zanni_bytes_t id;
    uint32_t pid;
    int64_t theirs_ns = 0;
    int64_t before_ns = s_wall_ns ();
    zanni_msg_t *reply = tool_ask (peer, talk, "zanni.node", NULL, 0);
    int64_t after_ns = s_wall_ns ();
    int rc = reply ? zanni_read (reply, &name, &id, &pid, &theirs_ns) : ZANNI_ENODE;
    zanni_msg_destroy (&reply);
    if (rc || !theirs_ns)
        return s_say (true, "clock", "is not told there");
    int64_t apart_ms = (theirs_ns - (before_ns + after_ns) / 2) / 1000000;
    bool good = llabs (apart_ms) <= S_APART_MS + (after_ns - before_ns) / 2000000;
    return s_say (good, "clock", "theirs is %lld ms %s ours%s", llabs (apart_ms), apart_ms < 0 ? "behind" : "ahead of",
                  good ? "" : ": let both hosts get their time from the network (NTP), or their logs do not fit together");
}

static bool
s_look_at_node (const tool_aim_t *aim)
{
    tool_place_t place;
    tool_peer_t peer;
    if (!tool_place (&place, aim->place) || !s_look_at_port (&place, &aim->talk))
        return false;
    bool reached = tool_reach (&peer, aim->place, &aim->talk);
    const tool_keys_t *keys = &aim->talk.keys;
    bool open = !keys->secret_file && !keys->certificate && !getenv ("ZANNI_SECRET");
    const char *how = open ? "answers, and is open" : "answers, and takes our key";
    bool good = s_say (reached, "node", "%s", reached ? how : "does not answer, or not to us: see above");
    if (reached)
        good &= s_look_at_clock (&peer, &aim->talk);
    tool_leave (&peer);
    return good;
}

int
tool_doctor (int argc, char **argv)
{
    static const struct argp argp = { NULL, tool_aim_parse, "[ENDPOINT]", s_help, tool_aim_children, NULL, NULL };
    tool_aim_t aim = { .optional = true };
    if (argp_parse (&argp, argc, argv, 0, NULL, &aim))
        return EXIT_FAILURE;
    bool good = s_look_at_limit (RLIMIT_NOFILE, "descriptors", S_DESCRIPTORS,
                                 "each connection takes some; raise it: ulimit -n, or LimitNOFILE= of the service");
    good &= s_look_at_limit (RLIMIT_MEMLOCK, "locked memory", S_LOCKED,
                             "secrets may be written to the disk with other memory; raise it: ulimit -l, or LimitMEMLOCK=");
    good &= s_look_at_secret (&aim.talk);
    good &= s_look_at_curve ();
    if (aim.place)
        good &= s_look_at_node (&aim);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
