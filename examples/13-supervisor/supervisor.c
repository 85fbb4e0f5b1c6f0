/* supervisor: work that crashes, and a program that does not mind.

   `decoder` stands for a library that aborts on some inputs: it has a process of its own, so a crash takes nobody along,
   and a supervisor begins it again, after 10 ms at first and twice that each time it crashes soon. `journal` stands for
   what fails as a whole, a full disk or a lost connection: it ends with an error, is begun again, and goes on with what
   waits in its mailbox. The program has one reference to each, whatever becomes of them.

       supervisor [DOCUMENTS]

   Each document is decoded once. One that crashed the decoder is left out, not tried again: it would crash the next one,
   too. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni.h>

#define DOCUMENTS 20
#define POISON 7     // each so many documents one crashes the decoder
#define FAILS_AT 5   // lines that a journal takes before it fails, to show what happens then

static int
decoder_decode (zanni_t *self, zanni_msg_t *msg)
{
    int64_t document;
    int rc = zanni_read (msg, &document);
    if (rc)
        return rc;
    if (document % POISON == 0)
        abort ();
    return zanni_reply (self, msg, document * document);
}

static const zanni_method_t decoder_methods [] = {
    ZANNI_METHOD ("decode", "x", "x", decoder_decode, "Decodes a document."),
    ZANNI_METHOD_END
};
static const zanni_class_t decoder_class = { .name = "decoder", .methods = decoder_methods };

typedef struct {
    FILE *file;
    int lines;
} journal_t;

static int
journal_start (zanni_t *self, zanni_msg_t *msg)
{
    journal_t *journal = zanni_state (self);   // zeroed, each time
    const char *path;
    int rc = zanni_read (msg, &path);
    if (rc)
        return rc;
    journal->file = fopen (path, "a");
    return journal->file ? 0 : ZANNI_ESYSTEM;
}

static void
journal_stop (zanni_t *self, const zanni_reason_t *reason)
{
    journal_t *journal = zanni_state (self);
    (void) reason;
    fclose (journal->file);
}

static int
journal_note (zanni_t *self, zanni_msg_t *msg)
{
    journal_t *journal = zanni_state (self);
    const char *line;
    int rc = zanni_read (msg, &line);
    if (rc)
        return rc;
    if (fprintf (journal->file, "%s\n", line) < 0)
        return zanni_exit_error (self, 1, "the journal cannot be written");
    return ++journal->lines < FAILS_AT ? 0 : zanni_exit_error (self, 2, "time for a new file");
}

/* Answered behind all that was noted before. */
static int
journal_flush (zanni_t *self, zanni_msg_t *msg)
{
    journal_t *journal = zanni_state (self);
    (void) msg;
    return fflush (journal->file) ? ZANNI_ESYSTEM : 0;
}

static const zanni_method_t journal_methods [] = {
    ZANNI_METHOD ("note", "s", "", journal_note, "Writes a line."),
    ZANNI_METHOD ("flush", "", "", journal_flush, "What was noted is in the file."),
    ZANNI_METHOD_END
};
static const zanni_class_t journal_class = {
    .name = "journal", .state_size = sizeof (journal_t), .methods = journal_methods, .start_in = "s",
    .start = journal_start, .stop = journal_stop
};

static const zanni_class_t *const classes [] = { &decoder_class, &journal_class, NULL };

/* The tree. A journal is there before, and ends behind, who uses it. */
static int
supervise (zanni_t *self, zanni_ref_t **supervisor_p, zanni_error_t *error)
{
    const zanni_child_t children [] = {
        { .name = "journal", .class_name = "journal", .args = ZANNI_LIST ("journal.txt") },
        { .name = "decoder", .class_name = "decoder", .spawn = { .place = ZANNI_PROCESS }, .stop_ms = 1000 },
        ZANNI_CHILD_END
    };
    const zanni_supervisor_t tree = {
        .strategy = ZANNI_ONE_FOR_ONE, .max_restarts = 1000, .within_ms = 60000,
        .delay_ms = 10, .delay_max_ms = 2000, .jitter = 20, .children = children
    };
    return zanni_supervise (self, supervisor_p, &tree, &(zanni_spawn_t) { .error = error });
}

/* A child's reference, which leads to every incarnation of it. */
static int
find (zanni_t *self, zanni_ref_t **child_p, const zanni_ref_t *supervisor, const char *name)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *child;
    int rc = zanni_call (self, &reply, supervisor, "child", name);
    if (!rc)
        rc = zanni_read (reply, &child);
    return rc ? rc : zanni_ref_keep (self, child_p, child);
}

typedef struct {
    zanni_ref_t *supervisor;
    zanni_ref_t *journal;
    zanni_ref_t *decoder;
    int decoded;
    int crashed;
} work_t;

/* One document. ZANNI_EDOWN: it was this one that crashed the decoder. */
static int
decode (zanni_t *self, work_t *work, int64_t document)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    char line [80];
    int64_t result;
    int rc = zanni_call (self, &reply, work->decoder, "decode", document);
    if (rc == ZANNI_EDOWN) {
        work->crashed++;
        snprintf (line, sizeof line, "%" PRId64 ": left out", document);
        return zanni_tell_wait (self, work->journal, -1, "note", line);
    }
    if (!rc)
        rc = zanni_read (reply, &result);
    if (rc)
        return rc;
    work->decoded++;
    snprintf (line, sizeof line, "%" PRId64 ": %" PRId64, document, result);
    return zanni_tell_wait (self, work->journal, -1, "note", line);
}

/* What the supervisor says of its children. */
static int
show (zanni_t *self, const zanni_ref_t *supervisor)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    size_t count, fields;
    int rc = zanni_call (self, &reply, supervisor, "children");
    if (!rc)
        rc = zanni_enter (reply, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        const char *name, *class_name, *state;
        uint64_t restarts;
        rc = zanni_enter (reply, &fields);
        if (!rc)
            rc = zanni_read (reply, &name, &class_name, &state, &restarts);
        if (!rc)
            rc = zanni_leave (reply);
        if (!rc)
            printf ("%s: %s, begun again %" PRIu64 " times\n", name, state, restarts);
    }
    return rc;
}

static int
count_lines (const char *path)
{
    FILE *file = fopen (path, "r");
    int lines = 0;
    for (int c; file && (c = getc (file)) != EOF;)
        lines += c == '\n';
    if (file)
        fclose (file);
    return lines;
}

static int
run (zanni_t *self, work_t *work, int documents)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int rc = find (self, &work->journal, work->supervisor, "journal");
    if (!rc)
        rc = find (self, &work->decoder, work->supervisor, "decoder");
    for (int document = 1; !rc && document <= documents; document++)
        rc = decode (self, work, document);
    if (!rc)
        rc = zanni_call (self, &reply, work->journal, "flush");
    return rc ? rc : show (self, work->supervisor);
}

static void
print_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    if (level >= ZANNI_LOG_WARNING)
        fprintf (stderr, "%s\n", text);
}

int
main (int argc, char **argv)
{
    zanni_init (classes);   // first line; in the decoder's process it never returns
    const zanni_options_t options = { .log = print_log };
    int documents = argc > 1 ? atoi (argv [1]) : DOCUMENTS;
    zanni_error_t error = { .code = 0 };
    work_t work = { .decoded = 0 };
    ZANNI_AUTO (zanni_t) self = NULL;
    remove ("journal.txt");
    int rc = zanni_new (&self, &options);
    if (!rc)
        rc = supervise (self, &work.supervisor, &error);
    if (!rc)
        rc = run (self, &work, documents);
    int lines = count_lines ("journal.txt");
    zanni_ref_destroy (&work.decoder);
    zanni_ref_destroy (&work.journal);
    zanni_ref_destroy (&work.supervisor);   // the last reference: it ends its children, then itself
    if (rc)
        fprintf (stderr, "supervisor: %s\n", *error.text ? error.text : zanni_strerror (rc));
    else
        printf ("supervisor: %d documents, %d decoded, %d crashed the decoder, %d lines in the journal\n", documents,
                work.decoded, work.crashed, lines);
    return rc || lines != documents ? EXIT_FAILURE : EXIT_SUCCESS;
}
