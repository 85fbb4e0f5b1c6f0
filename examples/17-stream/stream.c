/* stream: the rows of a file, from a process that reads quickly to a program that takes its time.

   `reader` is an actor in a process of its own. Whoever wants the rows of a file asks it to "read" that to him: it
   opens a stream and pushes row after row, until it is told that there is no credit, and goes on when there is
   again. The program is the consumer: so many rows as it has given credit for are under way, or wait for it, and no
   more, however long the file is and however slow the program. It reads a file to its end, then the same again and
   stops in the middle.

       stream [ROWS] */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <zanni.h>

#define ROWS 20000
#define CREDIT 100   // rows
#define FEW 10       // of the second time

typedef struct {
    FILE *file;
    zanni_stream_t *stream;
    zanni_promise_t *promise;   // to who asked: how many rows went, and how often it had to wait
    char row [80];
    bool refused;               // that row was, and goes first
    int64_t rows;
    int64_t waits;
} reader_t;

/* Also called by the stream itself, when there is credit. */
static void
reader_go_on (zanni_t *self, zanni_stream_t *stream)
{
    reader_t *reader = zanni_state (self);
    const char *row = reader->row;
    int rc = 0;
    while (reader->refused || fgets (reader->row, sizeof reader->row, reader->file)) {
        rc = zanni_push (self, stream, row);
        reader->refused = rc == ZANNI_EFULL;
        reader->waits += reader->refused;
        if (rc)
            return;   // it is called again; or the stream has ended, as reader_ended is told
        reader->rows++;
    }
    if (ferror (reader->file))
        rc = zanni_stream_fail (self, stream, 1, "the file cannot be read");
    else
        rc = zanni_stream_end (self, stream);
    (void) rc;   // it has ended already
}

/* Once, whoever ends it and why. */
static void
reader_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    reader_t *reader = zanni_state (self);
    (void) stream, (void) error;
    fclose (reader->file);
    zanni_stream_destroy (&reader->stream);
    int rc = zanni_promise_reply (self, &reader->promise, reader->rows, reader->waits);
    (void) rc;   // who asked is gone
}

static int
reader_read (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_stream_options_t options = { .room = reader_go_on, .ended = reader_ended };
    reader_t *reader = zanni_state (self);
    const char *path;
    int rc = zanni_read (msg, &path);
    if (rc || reader->stream)
        return rc ? rc : ZANNI_EFULL;   // one at a time
    *reader = (reader_t) { .file = fopen (path, "r") };
    if (!reader->file)
        return ZANNI_ESYSTEM;
    rc = zanni_stream_open (self, &reader->stream, zanni_msg_from (msg), &options, "rows");
    if (!rc)
        rc = zanni_promise_new (self, &reader->promise, msg);
    if (rc) {
        zanni_stream_destroy (&reader->stream);
        fclose (reader->file);
    }
    return rc;
}

static const zanni_method_t reader_methods [] = {
    ZANNI_METHOD ("read", "s", "xx", reader_read, "Pushes a file's rows to the asker's method rows."),
    ZANNI_METHOD_END
};
static const zanni_class_t reader_class = {
    .name = "reader", .state_size = sizeof (reader_t), .methods = reader_methods
};

/* The program, which is an actor, too. */
typedef struct {
    zanni_ref_t *reader;
    int64_t wanted;
    int64_t rows;
    int64_t sum;
    int64_t all [2];      // rows and sum of the first time
    int64_t waits;
    int64_t few;          // rows that were pushed the second time
} counter_t;

static int
counter_row (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    const char *row;
    int rc = zanni_read (msg, &row);
    if (rc)
        return rc;
    for (int i = 0; i < 1000; i++)   // work, of which there is always too much
        counter->sum += i % 2 ? atoi (row) : -atoi (row);
    counter->sum += atoi (row);
    if (++counter->rows < counter->wanted)
        return 0;
    return zanni_stream_cancel (self, stream, 0, "that is enough");   // the reader hears of it
}

static void
counter_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    (void) self, (void) stream;
    if (error)
        fprintf (stderr, "stream: %s\n", error->text);
}

static int
counter_rows (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_stream_take (self, msg, &(zanni_inlet_t) {
        .item = counter_row, .ended = counter_ended, .items = CREDIT
    });
}

static const zanni_method_t counter_methods [] = {
    ZANNI_STREAM ("rows", counter_rows, "Takes rows."),
    ZANNI_METHOD_END
};
static const zanni_class_t counter_class = {
    .name = "counter", .state_size = sizeof (counter_t), .methods = counter_methods
};
static const zanni_class_t *const classes [] = { &reader_class, &counter_class, NULL };

static void counter_done (zanni_t *self, zanni_msg_t *reply, void *arg);

/* So many rows; there are perhaps fewer. */
static int
counter_begin (zanni_t *self, int64_t wanted)
{
    counter_t *counter = zanni_state (self);
    const zanni_ask_t ask = { .then = counter_done, .deadline_ms = -1 };
    counter->wanted = wanted;
    counter->rows = counter->sum = 0;
    return zanni_ask (self, counter->reader, &ask, "read", "rows.txt");
}

static void
counter_done (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    counter_t *counter = zanni_state (self);
    int64_t pushed, waits;
    int rc = zanni_read (reply, &pushed, &waits);
    (void) arg;
    if (!rc && counter->wanted == FEW) {
        counter->few = pushed;
        rc = zanni_node_stop (self, 0, NULL);
    }
    else if (!rc) {
        counter->all [0] = counter->rows;
        counter->all [1] = counter->sum;
        counter->waits = waits;
        rc = counter_begin (self, FEW);
    }
    if (rc)
        rc = zanni_node_stop (self, 1, zanni_strerror (rc));
    (void) rc;
}

/* Numbers, a row each; answers their sum, -1: they could not be written. */
static int64_t
write_rows (const char *path, int64_t rows)
{
    FILE *file = fopen (path, "w");
    int64_t sum = 0;
    for (int64_t i = 0; file && i < rows; i++) {
        fprintf (file, "%" PRId64 "\n", i % 1000);
        sum += i % 1000;
    }
    return file && !fclose (file) ? sum : -1;
}

static int
run (zanni_t *self, int64_t rows)
{
    zanni_reason_t why = { .code = 0 };
    int rc = zanni_serve (self, "counter");
    counter_t *counter = zanni_state (self);
    if (!rc)
        rc = zanni_spawn (self, &counter->reader, "reader", &(zanni_spawn_t) { .place = ZANNI_PROCESS });
    if (!rc)
        rc = counter_begin (self, rows + 1);
    if (!rc)
        rc = zanni_wait (self, &why, -1);
    if (!rc && why.kind != ZANNI_EXIT_NORMAL)
        rc = ZANNI_EAPP;
    return rc;
}

int
main (int argc, char **argv)
{
    zanni_init (classes);   // first line; in the reader's process it never returns
    int64_t rows = argc > 1 ? atoll (argv [1]) : ROWS;
    int64_t sum = write_rows ("rows.txt", rows);
    ZANNI_AUTO (zanni_t) self = NULL;
    int rc = sum < 0 ? ZANNI_ESYSTEM : zanni_new (&self, NULL);
    if (!rc)
        rc = run (self, rows);
    counter_t *counter = self ? zanni_state (self) : NULL;
    if (counter)
        zanni_ref_destroy (&counter->reader);
    if (rc) {
        fprintf (stderr, "stream: %s\n", zanni_strerror (rc));
        return EXIT_FAILURE;
    }
    bool right = counter->all [0] == rows && counter->all [1] == sum;
    printf ("the reader had to wait %" PRId64 " times\n", counter->waits);
    printf ("stream: %" PRId64 " rows, their sum is %s; then %d, of %" PRId64 " that were pushed\n", counter->all [0],
            right ? "right" : "wrong", FEW, counter->few);
    return right && counter->few <= FEW + CREDIT ? EXIT_SUCCESS : EXIT_FAILURE;
}
