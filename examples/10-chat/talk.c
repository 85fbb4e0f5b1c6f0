/* talk: a member of the room of room.c, on another machine or this one.

   The program's own thread is the actor. It watches its standard input: when something can be read there, zanni tells
   it so, and in between it hears what the others say. One line is under way at a time, and nothing is read until the
   room has taken it: whoever types, or whatever is piped in here, cannot flood the room. The input's end is the
   member's, once all of it has been said; so is the room's, which the monitor tells.

       talk [-s SECRET-FILE] ENDPOINT NAME

   ENDPOINT is "tcp://HOST:PORT". The secret has to be the room's. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

#define LINE_LONGEST 500   // bytes: the room takes no more

typedef struct {
    zanni_ref_t *room;
    uint64_t watch;                 // of the standard input; 0: it is a file, which needs none
    char text [LINE_LONGEST + 1];   // was read, but not said yet
    size_t used;
    bool read_all;
    bool failed;
} talk_t;

/* Others can type what a terminal takes for a command: control characters, those of two bytes among them. */
static void
show (FILE *where, const char *text)
{
    for (const unsigned char *at = (const unsigned char *) text; *at; at++) {
        bool pair = *at == 0xc2 && at [1] < 0xa0;
        putc (pair || *at < ' ' || *at == 127 ? '?' : *at, where);
        at += pair;
    }
}

/* What somebody says, or the room (or this program), which has no name. */
static void
show_line (const char *who, const char *line)
{
    show (stdout, *who ? who : "*");
    fputs (*who ? ": " : " ", stdout);
    show (stdout, line);
    putchar ('\n');
    fflush (stdout);
}

/* Ends the program. */
static int
fail (zanni_t *self, const char *what, const char *why)
{
    talk_t *talk = zanni_state (self);
    fprintf (stderr, "talk: %s: ", what);
    show (stderr, why);
    putc ('\n', stderr);
    talk->failed = true;
    return zanni_exit (self);
}

/* Where a piece of a line that is too long ends: in front of a character that may go on. */
static size_t
piece_of (const char *text, size_t size)
{
    size_t at = size;
    while (at && (text [at - 1] & 0xc0) == 0x80)
        at--;
    return at > 1 && text [at - 1] & 0x80 ? at - 1 : size;
}

/* The next line of what was read, if all of it is there, or the largest piece of it that the room takes. */
static bool
take_line (talk_t *talk, char *line)
{
    size_t size = strcspn (talk->text, "\n");
    bool ends = size < talk->used;
    if (!ends && talk->used < LINE_LONGEST && !(talk->read_all && size))
        return false;
    if (!ends && !talk->read_all)
        size = piece_of (talk->text, size);
    memcpy (line, talk->text, size);
    line [size] = '\0';
    size += ends;
    talk->used -= size;
    memmove (talk->text, talk->text + size, talk->used + 1);
    return true;
}

static zanni_reply_fn said;

/* Says the next line, or waits for more, or ends where there is no more. */
static int
go_on (zanni_t *self)
{
    talk_t *talk = zanni_state (self);
    const zanni_ask_t patiently = { .then = said, .deadline_ms = -1 };
    char line [LINE_LONGEST + 1];
    while (take_line (talk, line)) {
        int rc = *line ? zanni_ask (self, talk->room, &patiently, "say", line) : ZANNI_EARGS;
        if (rc != ZANNI_EARGS)
            return rc == ZANNI_ENOACTOR ? 0 : rc;   // its monitor knows better why
        if (*line)
            show_line ("", "that was no UTF-8, and nobody has heard it");
    }
    if (talk->read_all)
        return zanni_exit (self);
    if (talk->watch)
        return zanni_watch_again (self, talk->watch);
    return zanni_tell (self, zanni_self (self), "typed", ZANNI_READABLE);
}

/* The room has heard the line, does not want it, or cannot; where it has gone, its monitor says so. */
static void
said (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    bool refused = !zanni_msg_error (reply, &error);
    (void) arg;
    bool gone = refused && (error.code == ZANNI_ENODE || error.code == ZANNI_EDOWN || error.code == ZANNI_ENOACTOR);
    if (gone)
        return;
    if (refused)
        show_line ("", error.text);
    int rc = go_on (self);
    if (rc)
        fail (self, "the room", zanni_strerror (rc));
}

static int
talk_typed (zanni_t *self, zanni_msg_t *msg)
{
    talk_t *talk = zanni_state (self);
    (void) msg;
    ssize_t size = read (STDIN_FILENO, talk->text + talk->used, LINE_LONGEST - talk->used);
    if (size < 0 && errno != EINTR && errno != EAGAIN)
        return fail (self, "the standard input", strerror (errno));
    talk->read_all = !size;
    talk->used += size > 0 ? (size_t) size : 0;
    talk->text [talk->used] = '\0';
    int rc = go_on (self);
    return rc ? fail (self, "the room", zanni_strerror (rc)) : 0;
}

static int
talk_hear (zanni_t *self, zanni_msg_t *msg)
{
    const char *who, *line;
    int rc = zanni_read (msg, &who, &line);
    (void) self;
    if (!rc)
        show_line (who, line);
    return rc;
}

static void
talk_down (zanni_t *self, const zanni_down_t *down)
{
    char reason [128];
    if (down->reason.kind > ZANNI_EXIT_SHUTDOWN) {
        fail (self, "the room is lost", zanni_reason_string (&down->reason, reason, sizeof reason));
        return;
    }
    show_line ("", "the room has closed");
    (void) zanni_exit (self);
}

static void
talk_stop (zanni_t *self, const zanni_reason_t *reason)
{
    talk_t *talk = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&talk->room);
}

static const zanni_method_t talk_methods [] = {
    ZANNI_METHOD ("hear", "ss", "", talk_hear, "Who says what; the room itself has no name."),
    ZANNI_PRIVATE ("typed", "u", "", talk_typed, "The standard input can be read."), ZANNI_METHOD_END
};
static const zanni_class_t talk_class = {
    .name = "talk", .state_size = sizeof (talk_t), .methods = talk_methods, .down = talk_down, .stop = talk_stop
};
static const zanni_class_t *const classes [] = { &talk_class, NULL };

/* What the room answers to who comes: the names of those who are here. */
static int
greet (zanni_msg_t *reply)
{
    size_t count;
    int rc = zanni_enter (reply, &count);
    if (!rc)
        fputs (count ? "* here are:" : "* nobody else is here", stdout);
    for (size_t i = 0; !rc && i < count; i++) {
        const char *name;
        rc = zanni_read (reply, &name);
        if (!rc) {
            putchar (' ');
            show (stdout, name);
        }
    }
    putchar ('\n');
    fflush (stdout);
    return rc;
}

/* A descriptor that cannot be watched is that of a file, which can always be read. */
static int
watch_input (zanni_t *self)
{
    talk_t *talk = zanni_state (self);
    int rc = zanni_watch (self, &talk->watch, STDIN_FILENO, ZANNI_READABLE, "typed");
    return rc == ZANNI_EINVAL ? zanni_tell (self, zanni_self (self), "typed", ZANNI_READABLE) : rc;
}

static int
join (zanni_t *self, const char *endpoint, const char *name)
{
    talk_t *talk = zanni_state (self);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error = { .code = 0 };
    uint64_t monitor;
    int rc = zanni_connect (self, &talk->room, endpoint, &(zanni_connect_t) { .error = &error });
    if (!rc)
        rc = zanni_monitor (self, &monitor, talk->room);
    if (!rc)
        rc = zanni_call_with (self, &reply, talk->room, &((zanni_ask_t) { .error = &error }), "join", name);
    if (!rc)
        rc = greet (reply);
    if (!rc)
        rc = watch_input (self);
    if (rc)
        fail (self, talk->room ? name : endpoint, *error.text ? error.text : zanni_strerror (rc));
    zanni_error_reset (&error);
    return rc;
}

int
main (int argc, char **argv)
{
    zanni_init (classes);
    zanni_error_t error = { .code = 0 };
    zanni_options_t options = { .error = &error };
    int option;
    while ((option = getopt (argc, argv, "s:")) == 's')
        options.secret_file = optarg;
    if (option != -1 || argc - optind != 2) {
        fprintf (stderr, "usage: talk [-s SECRET-FILE] ENDPOINT NAME\n");
        return EXIT_FAILURE;
    }
    ZANNI_AUTO (zanni_t) self = NULL;
    int rc = zanni_new (&self, &options);
    if (!rc)
        rc = zanni_serve (self, "talk");
    if (rc) {
        fprintf (stderr, "talk: %s\n", *error.text ? error.text : zanni_strerror (rc));
        return EXIT_FAILURE;
    }
    const talk_t *talk = zanni_state (self);
    if (!join (self, argv [optind], argv [optind + 1]))
        rc = zanni_run (self, -1);
    return rc || talk->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
