/* room: where the programs of talk.c meet.

   The program's own thread is the actor. It knows its members by who sends: `join` keeps the sender's reference, and
   `say` is spoken in the name of whoever asks, so nobody speaks in another's. It monitors each of them, which is all
   that it takes to notice who leaves, be that by the end of the input, a kill, or a cable. It ends by SIGTERM or SIGINT,
   which a signalfd makes messages of.

   What a member has not read yet waits in its window, 256 KiB at most; nobody else waits for it. When that is full, the
   member misses lines, which are counted, until half of it is free again; then it is told how many, and goes on.

       room [-s SECRET-FILE] ENDPOINT [ADVERTISED]

   ENDPOINT is "tcp://ADDRESS:PORT": one of this machine's addresses, or a star for all; port 0 is one that is free.
   ADVERTISED is how others dial it where that is different: behind a name, or a forwarded port. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zanni.h>

#define MEMBERS 64
#define NAME_SIZE 21
#define LINE_LONGEST 500           // bytes; talk.c cuts its lines so
#define WINDOW_BYTES (256 << 10)   // a line takes 64 or more: it is full before a member's mailbox (8,192 messages)
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

enum { NO_NAME = 1, NAME_TAKEN, NO_PLACE, NO_MEMBER, LONG_LINE };   // our own error codes

typedef struct {
    char name [NAME_SIZE];
    zanni_ref_t *ref;
    uint64_t missed;   // lines, since the window was full
} member_t;

typedef struct {
    member_t members [MEMBERS];
    size_t count;
} room_t;

static member_t *
find (room_t *room, const zanni_ref_t *ref, const char *name)
{
    for (member_t *member = room->members; member < room->members + room->count; member++)
        if ((ref && zanni_ref_equal (member->ref, ref)) || (name && !strcmp (member->name, name)))
            return member;
    return NULL;
}

/* Tells a member what it has missed, if that is anything: before it hears anything else. */
static int
catch_up (zanni_t *self, member_t *member)
{
    char line [64];
    if (!member->missed)
        return 0;
    snprintf (line, sizeof line, "you have missed %" PRIu64 " lines", member->missed);
    int rc = zanni_tell (self, member->ref, "hear", "", line);
    if (!rc)
        member->missed = 0;
    return rc;
}

/* Tells all but one what somebody says; the room itself has no name. What a member cannot be told it misses; whoever is
   gone is about to be known by its monitor. */
static void
spread (zanni_t *self, const member_t *but, const char *who, const char *line)
{
    room_t *room = zanni_state (self);
    for (member_t *member = room->members; member < room->members + room->count; member++) {
        if (member == but)
            continue;
        int rc = catch_up (self, member);
        if (!rc)
            rc = zanni_tell (self, member->ref, "hear", who, line);
        if (rc && !member->missed++)
            rc = zanni_when_writable (self, member->ref, "writable");   // where that fails, the next line tries again
    }
}

/* Tells the others of one. */
static void
announce (zanni_t *self, const member_t *member, const char *what)
{
    char line [64];
    snprintf (line, sizeof line, "%.20s %s", member->name, what);
    spread (self, member, "", line);
}

static int
room_writable (zanni_t *self, zanni_msg_t *msg)
{
    room_t *room = zanni_state (self);
    (void) msg;
    for (member_t *member = room->members; member < room->members + room->count; member++)
        (void) catch_up (self, member);   // it is not said whose window it is: who is still full misses on
    return 0;
}

/* Answers who else is here. */
static int
welcome (zanni_t *self, zanni_msg_t *msg, const member_t *but)
{
    room_t *room = zanni_state (self);
    ZANNI_AUTO (zanni_list_t) names = NULL;
    int rc = zanni_list_new (&names);
    for (member_t *member = room->members; !rc && member < room->members + room->count; member++)
        if (member != but)
            rc = zanni_list_append (names, member->name);
    return rc ? rc : zanni_reply (self, msg, zanni_list_arg (names));
}

static int
room_join (zanni_t *self, zanni_msg_t *msg)
{
    room_t *room = zanni_state (self);
    const char *name;
    uint64_t monitor;
    int rc = zanni_read (msg, &name);
    if (rc)
        return rc;
    if (!*name || strlen (name) >= NAME_SIZE || name [strspn (name, LETTERS)])
        return zanni_fail (self, msg, NO_NAME, "a name has 1 to 20 letters, digits, - and _");
    if (find (room, NULL, name))
        return zanni_fail (self, msg, NAME_TAKEN, "somebody here has that name already");
    if (room->count == MEMBERS || find (room, zanni_msg_from (msg), NULL))
        return zanni_fail (self, msg, NO_PLACE, "there is no place for you, or you have one");
    member_t *member = &room->members [room->count];
    *member = (member_t) { .missed = 0 };
    strcpy (member->name, name);
    rc = zanni_ref_keep (self, &member->ref, zanni_msg_from (msg));
    if (!rc)
        rc = zanni_monitor (self, &monitor, member->ref);
    if (rc) {
        zanni_ref_destroy (&member->ref);
        return rc;
    }
    room->count++;
    announce (self, member, "has come");
    return welcome (self, msg, member);
}

static int
room_say (zanni_t *self, zanni_msg_t *msg)
{
    const member_t *member = find (zanni_state (self), zanni_msg_from (msg), NULL);
    const char *line;
    int rc = zanni_read (msg, &line);
    if (rc)
        return rc;
    if (!member)
        return zanni_fail (self, msg, NO_MEMBER, "join first");
    if (strlen (line) > LINE_LONGEST)
        return zanni_fail (self, msg, LONG_LINE, "a line has at most 500 bytes");
    spread (self, member, member->name, line);
    return 0;
}

static int
room_signal (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static void
room_down (zanni_t *self, const zanni_down_t *down)
{
    room_t *room = zanni_state (self);
    member_t *member = find (room, down->ref, NULL);
    announce (self, member, down->reason.kind == ZANNI_EXIT_NO_CONNECTION ? "is lost" : "has left");
    zanni_ref_destroy (&member->ref);
    *member = room->members [--room->count];
}

static void
room_stop (zanni_t *self, const zanni_reason_t *reason)
{
    room_t *room = zanni_state (self);
    (void) reason;
    while (room->count)
        zanni_ref_destroy (&room->members [--room->count].ref);
}

static const zanni_method_t room_methods [] = {
    ZANNI_METHOD ("join", "s", "as", room_join, "By that name, until you end; answers who else is here."),
    ZANNI_METHOD ("say", "s", "", room_say, "To all others, each of whom is told to `hear' (\"ss\"): who, what."),
    ZANNI_PRIVATE ("signal", "u", "", room_signal, "SIGTERM or SIGINT."),
    ZANNI_PRIVATE ("writable", "", "", room_writable, "Somebody who has missed something can be told again."),
    ZANNI_METHOD_END
};
static const zanni_class_t room_class = {
    .name = "room", .state_size = sizeof (room_t), .methods = room_methods, .down = room_down, .stop = room_stop
};
static const zanni_class_t *const classes [] = { &room_class, NULL };

/* Who was refused, and why, is worth a line in the journal. */
static void
say (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    if (level >= ZANNI_LOG_WARNING)
        fprintf (stderr, "room: %s\n", text);
}

static int
serve (zanni_t *self, const zanni_bind_t *bind, const char *endpoint, int signals)
{
    const char *where = NULL;
    uint64_t watch;
    int rc = zanni_serve (self, "room");
    if (!rc)
        rc = zanni_watch (self, &watch, signals, ZANNI_READABLE, "signal");
    if (!rc)
        rc = zanni_bind (self, endpoint, bind);
    if (!rc)
        rc = zanni_endpoint (self, &where);
    if (rc)
        return rc;
    printf ("room: listens at %s\n", where);
    fflush (stdout);
    return zanni_run (self, -1);   // until a signal
}

/* SIGTERM and SIGINT become readable instead of ending the program: before it has other threads. */
static int
take_signals (void)
{
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    sigprocmask (SIG_BLOCK, &signals, NULL);
    return signalfd (-1, &signals, SFD_CLOEXEC);
}

int
main (int argc, char **argv)
{
    zanni_init (classes);
    zanni_error_t error = { .code = 0 };
    zanni_options_t options = { .window_bytes = WINDOW_BYTES, .log = say, .error = &error };
    int option;
    while ((option = getopt (argc, argv, "s:")) == 's')
        options.secret_file = optarg;
    if (option != -1 || optind == argc) {
        fprintf (stderr, "usage: room [-s SECRET-FILE] ENDPOINT [ADVERTISED]\n");
        return EXIT_FAILURE;
    }
    int signals = take_signals ();
    ZANNI_AUTO (zanni_t) self = NULL;
    int rc = signals < 0 ? ZANNI_EDESCRIPTORS : zanni_new (&self, &options);
    if (!rc)
        rc = serve (self, &(zanni_bind_t) { .advertised = argv [optind + 1], .error = &error }, argv [optind], signals);
    if (rc)
        fprintf (stderr, "room: %s\n", *error.text ? error.text : zanni_strerror (rc));
    else
        printf ("room: closed\n");
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
