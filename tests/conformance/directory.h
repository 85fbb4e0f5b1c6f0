/* directory.h: what the tests of directories share: kinds of directories, and members on other hosts.

   A kind starts a directory, ends it as a crash would, and starts it again at the same place. Another host is a
   process that was forked before this one had a node; so is the directory that comes after a crash, which waits
   until it is told to begin. The root of such a process is a member (the class below), as are actors of this node. */

#ifndef TESTS_CONFORMANCE_DIRECTORY_H
#define TESTS_CONFORMANCE_DIRECTORY_H

#include "integration/tcp.h"

#include <zanni/directory.h>

typedef struct {
    zanni_directory_t *names;
    zanni_ref_t *registry;
    zanni_error_t error;
    int64_t hits;
    zanni_promise_t *promise;
    zanni_ref_t *many [1000];
} member_t;

static int
member_open (zanni_t *self, zanni_msg_t *msg)
{
    member_t *member = zanni_state (self);
    zanni_directory_options_t options = { .error = &member->error, .lost = "lost" };
    const char *where;
    int rc = zanni_read (msg, &where, &options.lease_ms);
    zanni_directory_close (&member->names);
    if (!rc)
        rc = zanni_directory_open (self, &member->names, where, &options);
    return rc ? rc : zanni_reply (self, msg);
}

static int
member_registry (zanni_t *self, zanni_msg_t *msg)
{
    member_t *member = zanni_state (self);
    int rc = zanni_registry (self, &member->registry);
    return rc ? rc : zanni_reply (self, msg);
}

typedef int group_fn (zanni_directory_t *directory, const char *group, const zanni_ref_t *ref);

/* The code of what is done with itself. */
static int
member_do (zanni_t *self, zanni_msg_t *msg, group_fn *what)
{
    const member_t *member = zanni_state (self);
    const char *group;
    int rc = zanni_read (msg, &group);
    return rc ? rc : zanni_reply (self, msg, what (member->names, group, zanni_self (self)));
}

static int
member_publish (zanni_t *self, zanni_msg_t *msg)
{
    return member_do (self, msg, zanni_directory_publish);
}

static int
member_join (zanni_t *self, zanni_msg_t *msg)
{
    return member_do (self, msg, zanni_directory_join);
}

static int
member_leave (zanni_t *self, zanni_msg_t *msg)
{
    return member_do (self, msg, zanni_directory_leave);
}

static int
withdraw (zanni_directory_t *names, const char *name, const zanni_ref_t *ref)
{
    (void) ref;
    return zanni_directory_withdraw (names, name);
}

static int
member_withdraw (zanni_t *self, zanni_msg_t *msg)
{
    return member_do (self, msg, withdraw);
}

/* So many actors, which join, and are held. */
static int
member_many (zanni_t *self, zanni_msg_t *msg)
{
    member_t *member = zanni_state (self);
    const char *group;
    uint32_t count;
    int rc = zanni_read (msg, &group, &count);
    for (uint32_t i = 0; !rc && i < count && i < 1000; i++) {
        rc = zanni_spawn (self, &member->many [i], "member", NULL);
        if (!rc)
            rc = zanni_directory_join (member->names, group, member->many [i]);
    }
    return rc ? rc : zanni_reply (self, msg);
}

static int
member_hit (zanni_t *self, zanni_msg_t *msg)
{
    ((member_t *) zanni_state (self))->hits++;
    return zanni_reply (self, msg);
}

static int
member_hits (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, ((member_t *) zanni_state (self))->hits);
}

static int
member_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

static void
member_got (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    member_t *member = arg;
    zanni_error_t error = { 0 };
    int code = zanni_msg_error (reply, &error) ? 0 : error.code;
    int rc = zanni_promise_reply (self, &member->promise, code);
    (void) rc;
}

/* What an actor that may not block does: each call, which has to refuse, and then the same as an ask. */
static int
member_asks (zanni_t *self, zanni_msg_t *msg)
{
    member_t *member = zanni_state (self);
    const zanni_ref_t *me = zanni_self (self);
    const zanni_ask_t ask = { .then = member_got, .arg = member };
    const char *what, *group;
    int blocks = 0, rc = zanni_read (msg, &what, &group);
    if (!rc)
        rc = zanni_promise_new (self, &member->promise, msg);
    if (rc)
        return rc;
    zanni_directory_t *names = member->names;
    switch (*what) {
    case 'p':
        blocks = zanni_directory_publish (names, group, me);
        rc = zanni_directory_publish_ask (names, group, me, &ask);
        break;
    case 'w':
        blocks = zanni_directory_withdraw (names, group);
        rc = zanni_directory_withdraw_ask (names, group, &ask);
        break;
    case 'j':
        blocks = zanni_directory_join (names, group, me);
        rc = zanni_directory_join_ask (names, group, me, &ask);
        break;
    case 'l':
        blocks = zanni_directory_leave (names, group, me);
        rc = zanni_directory_leave_ask (names, group, me, &ask);
        break;
    case 'm':
        rc = zanni_directory_members_ask (names, group, &ask);
        break;
    case 's':
        blocks = zanni_directory_subscribe (names, group, "changed");
        rc = zanni_directory_subscribe_ask (names, group, "changed", &ask);
        break;
    case 'u':
        blocks = zanni_directory_unsubscribe (names, group, "changed");
        rc = zanni_directory_unsubscribe_ask (names, group, "changed", &ask);
        break;
    default:
        rc = zanni_directory_lookup_ask (names, group, &ask);
    }
    return rc || (*what != 'm' && *what != 'f' && blocks != ZANNI_EOWNER) ? ZANNI_EINVAL : 0;
}

static int
member_changed (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    ((member_t *) zanni_state (self))->hits += 100;
    return 0;
}

static int
member_lost (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    ((member_t *) zanni_state (self))->hits += 1000;
    return 0;
}

static int
member_exit (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_reply (self, msg);
    return rc ? rc : zanni_exit (self);
}

static void
member_stop (zanni_t *self, const zanni_reason_t *reason)
{
    member_t *member = zanni_state (self);
    (void) reason;
    zanni_directory_close (&member->names);
    zanni_ref_destroy (&member->registry);
    for (size_t i = 0; i < 1000; i++)
        zanni_ref_destroy (&member->many [i]);
    zanni_promise_destroy (&member->promise);
    zanni_error_reset (&member->error);
}

static const zanni_method_t member_methods [] = {
    ZANNI_METHOD ("open", "su", "", member_open, "A directory."),
    ZANNI_METHOD ("registry", "", "", member_registry, "That of its node."),
    ZANNI_METHOD ("publish", "s", "i", member_publish, "Itself."),
    ZANNI_METHOD ("withdraw", "s", "i", member_withdraw, "Its name."),
    ZANNI_METHOD ("join", "s", "i", member_join, "A group."),
    ZANNI_METHOD ("leave", "s", "i", member_leave, "It."),
    ZANNI_METHOD ("many", "su", "", member_many, "Others join."),
    ZANNI_METHOD ("hit", "", "", member_hit, "Counts."),
    ZANNI_METHOD ("hits", "", "x", member_hits, "How many."),
    ZANNI_METHOD ("pid", "", "x", member_pid, "Of its process."),
    ZANNI_METHOD ("asks", "ss", "i", member_asks, "The code of what is done without waiting."),
    ZANNI_METHOD ("changed", "ssr", "", member_changed, "Counts by hundreds."),
    ZANNI_METHOD ("lost", "s", "", member_lost, "Counts by thousands."),
    ZANNI_METHOD ("exit", "", "", member_exit, "Ends."),
    ZANNI_METHOD_END
};
static const zanni_class_t member_class = {
    .name = "member", .state_size = sizeof (member_t), .methods = member_methods, .stop = member_stop
};

/* Another host: its root is a member that is offered to who connects. */
typedef struct {
    pid_t pid;
    int go_fd;       // it begins when this gets an endpoint
    int endpoint_fd;
    char endpoint [ZANNI_ENDPOINT_MAX];
} side_t;

static void
s_be_side (int go_fd, int endpoint_fd)
{
    zanni_t *self = NULL;
    zanni_ref_t *registry = NULL;
    char endpoint [ZANNI_ENDPOINT_MAX] = "";
    const char *bound = "";
    const zanni_options_t options = { .insecure = true, .heartbeat_ms = 300 };
    if (read (go_fd, endpoint, sizeof endpoint) <= 0)
        _exit (0);
    int rc = zanni_new (&self, &options);
    if (!rc)
        rc = zanni_serve (self, "member");
    if (!rc)
        rc = zanni_registry (self, &registry);
    if (!rc)
        rc = zanni_bind (self, endpoint, NULL);
    if (!rc)
        rc = zanni_endpoint (self, &bound);
    if (rc || write (endpoint_fd, bound, strlen (bound) + 1) < 0)
        _exit (1);
    rc = zanni_run (self, -1);
    zanni_ref_destroy (&registry);
    _exit (rc || zanni_destroy (&self) ? 1 : 0);
}

static inline void
prepare_side (side_t *side)
{
    int go [2], endpoint [2];
    cr_assert (!pipe2 (go, O_CLOEXEC) && !pipe2 (endpoint, O_CLOEXEC));
    *side = (side_t) { .pid = fork (), .go_fd = go [1], .endpoint_fd = endpoint [0] };
    if (!side->pid) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        close (go [1]);
        s_be_side (go [0], endpoint [1]);
    }
    close (go [0]);
    close (endpoint [1]);
}

static inline void
start_side (side_t *side, const char *endpoint)
{
    struct pollfd item = { .fd = side->endpoint_fd, .events = POLLIN };
    cr_assert_gt (write (side->go_fd, endpoint, strlen (endpoint) + 1), 0);
    cr_assert_eq (poll (&item, 1, DEADLINE_MS), 1);
    cr_assert_gt (read (side->endpoint_fd, side->endpoint, sizeof side->endpoint), 0, "the side did not start");
}

static inline void
end_side (side_t *side)
{
    if (!side->pid)
        return;
    (void) kill (side->pid, SIGKILL);
    (void) kill (side->pid, SIGCONT);
    (void) waitpid (side->pid, NULL, 0);
    close (side->go_fd);
    close (side->endpoint_fd);
    side->pid = 0;
}

static zanni_directory_t *names;             // the root's handle
static zanni_error_t names_error;
static side_t other;                         // a host with members only
static char there [2 * ZANNI_ENDPOINT_MAX];  // the place, as this node says it
static char far [2 * ZANNI_ENDPOINT_MAX];    // as others do

/* A kind: what is done before there is a node, and then. */
typedef struct {
    void (*prepare) (void);
    void (*start) (void);
    void (*crash) (void);
    void (*again) (void);
    void (*finish) (void);   // while there is a node
    void (*end) (void);
} kind_t;

/* A registry of this node. */
static zanni_ref_t *own_registry;

static void
here_none (void)
{
}

static void
here_start (void)
{
    const char *endpoint = "";
    cr_assert_eq (zanni_registry (root, &own_registry), 0);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_eq (zanni_endpoint (root, &endpoint), 0);
    strcpy (there, "registry:");
    snprintf (far, sizeof far, "registry:%s", endpoint);
}

/* Stopped and not killed, for a killed actor does not free what it has; its clients see the same. */
static void
here_crash (void)
{
    uint64_t end_of_it = monitor (own_registry);
    cr_assert_eq (zanni_stop (root, own_registry), 0);
    (void) expect_down (end_of_it, false);
    zanni_ref_destroy (&own_registry);
}

/* Unless the agents of this node were faster: they begin one where there is none. */
static void
here_again (void)
{
    int rc = zanni_registry (root, &own_registry);
    cr_assert (!rc || rc == ZANNI_EINUSE, "%s", zanni_strerror (rc));
}

static void
here_finish (void)
{
    zanni_ref_destroy (&own_registry);
}

UNUSED static const kind_t here = { here_none, here_start, here_crash, here_again, here_finish, here_none };

/* One on another host. */
static side_t server, spare;

static void
away_prepare (void)
{
    prepare_side (&server);
    prepare_side (&spare);
    start_side (&server, "tcp://127.0.0.1:0");
}

static void
away_start (void)
{
    snprintf (there, sizeof there, "registry:%s", server.endpoint);
    strcpy (far, there);
}

static void
away_crash (void)
{
    end_side (&server);
}

static void
away_again (void)
{
    start_side (&spare, there + strlen ("registry:"));
}

static void
away_end (void)
{
    end_side (&server);
    end_side (&spare);
}

UNUSED static const kind_t away = { away_prepare, away_start, away_crash, away_again, here_none, away_end };

static inline void
open_names (zanni_directory_options_t options)
{
    zanni_directory_close (&names);
    options.error = &names_error;
    cr_assert_eq (zanni_directory_open (root, &names, there, &options), 0, "%s", names_error.text);
}

static const kind_t *kind;

static inline void
conform_to (const kind_t *which, void (*body) (void))
{
    kind = which;
    kind->prepare ();
    prepare_side (&other);
    start_side (&other, "tcp://127.0.0.1:0");
    begin ((zanni_options_t) { .insecure = true, .heartbeat_ms = 300 });
    kind->start ();
    open_names ((zanni_directory_options_t) { 0 });
    body ();
    zanni_directory_close (&names);
    kind->finish ();
    end ();
    kind->end ();
    end_side (&other);
}

/* A member of this node, which may block; and the one of the other host. Both have opened the directory. */
static inline zanni_ref_t *
member_here (void)
{
    zanni_ref_t *ref = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "member");
    done (ref, "open", there, 1000u);
    return ref;
}

static inline zanni_ref_t *
member_away (void)
{
    zanni_ref_t *ref = connect_to (other.endpoint, NULL);
    done (ref, "open", far, 1000u);
    return ref;
}

static inline int
count_member (void *context, const zanni_ref_t *member)
{
    cr_assert_not_null (member);
    ++*(int *) context;
    return 0;
}

static inline int
members (const char *group)
{
    int count = 0;
    int rc = zanni_directory_members (names, group, count_member, &count);
    cr_assert_eq (rc, 0, "members of %s: %s: %s", group, zanni_strerror (rc), names_error.text);
    return count;
}

/* Whether a lookup answers that code, or does so in time. */
static inline bool
lookup_becomes (const char *name, int code, int64_t within_ms)
{
    int64_t until_ns = zanni_now_ns (root) + within_ms * 1000000;
    for (;;) {
        ZANNI_AUTO (zanni_ref_t) found = NULL;
        if (zanni_directory_lookup (names, &found, name) == code)
            return true;
        if (zanni_now_ns (root) > until_ns)
            return false;
    }
}

/* The next message says that somebody has joined or left. */
static inline void
expect_change (const char *what, const char *group, const zanni_ref_t *who)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const char *kind_of = "", *in = "";
    const zanni_ref_t *ref = NULL;
    int rc = zanni_receive (root, &msg, DEADLINE_MS);
    cr_assert_eq (rc, 0, "\"%s\" of %s did not come: %s", what, group, zanni_strerror (rc));
    cr_assert_str_eq (zanni_msg_method (msg), "changed");
    cr_assert_eq (zanni_read (msg, &kind_of, &in, &ref), 0);
    cr_assert_str_eq (kind_of, what);
    cr_assert_str_eq (in, group);
    if (who)
        cr_assert (zanni_ref_equal (ref, who));
}

#endif
