/* reader.c: leads the counting.

   The reader is the root actor, so it runs on the program's own thread, inside zanni_run. Every counter has two
   credits: while it counts one chunk, the next one waits in its mailbox. A credit that comes back fetches the next
   chunk. So a fast counter gets more than a slow one, and never are more chunks in memory than there are credits,
   however large the input is: that is all the flow control there is.

   A credit's way is: chunk to the counter, its words to the merger, back. The reader hands the words on as they came,
   packed, without looking at them. Because one actor's messages to another stay in order, the last "add" is handled
   before "result" is.

   Counters that die are begun again (crew.c). The reader keeps a chunk until it is answered; where the answer is that
   the counter is down, nothing of the chunk was counted (counter.c), so the credit asks the supervisor for the counter
   as it is now, and sends the chunk once more. */

#include "reader.h"

#include "classes.h"
#include "crew.h"
#include "cutter.h"
#include "pack.h"
#include "progress.h"
#include "walk.h"

#define S_CREDITS 2

typedef struct {
    counter_t *counter;   // whose credit it is
    chunk_t chunk;        // until it is counted
} credit_t;

typedef struct {
    count_t *count;
    cutter_t *cutter;
    zanni_ref_t *merger;
    crew_t crew;
    credit_t credits [WORKERS_MAX * S_CREDITS];
    unsigned away;    // credits that are not back
    bool ending;      // the result was asked for
    uint64_t done;    // bytes of files that were counted
    uint64_t all;
} reader_t;

/* Something went wrong that no file is to blame for: ends the counting, once. */
static void
s_give_up (zanni_t *self, const zanni_error_t *error)
{
    reader_t *reader = zanni_state (self);
    if (!reader->count->error.code)
        reader->count->error = *error;
    (void) zanni_exit (self);
}

static void
s_give_up_code (zanni_t *self, int code)
{
    zanni_error_t error = { .code = code };
    s_give_up (self, &error);
}

/* Whether an answer is one to read; gives up where it is an error. */
static bool
s_is_good (zanni_t *self, const zanni_msg_t *reply)
{
    zanni_error_t error;
    if (zanni_msg_error (reply, &error))
        return true;
    s_give_up (self, &error);
    return false;
}

static void
s_got_result (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    reader_t *reader = zanni_state (self);
    (void) arg;
    if (!s_is_good (self, reply))
        return;
    int rc = unpack_words (reply, &reader->count->words);
    if (rc)
        s_give_up_code (self, rc);
    else
        (void) zanni_exit (self);
}

/* All chunks were sent; when the last one is back, asks for what they gave. */
static int
s_end (zanni_t *self)
{
    reader_t *reader = zanni_state (self);
    zanni_ask_t options = { .then = s_got_result, .deadline_ms = -1 };
    if (reader->away || reader->ending)
        return 0;
    reader->ending = true;
    return zanni_ask (self, reader->merger, &options, "result");
}

static void s_found (zanni_t *self, zanni_msg_t *reply, void *arg);
static void s_counted (zanni_t *self, zanni_msg_t *reply, void *arg);

/* Asks for the credit's counter as it is now. While it is being begun again the answer waits. */
static void
s_find (zanni_t *self, credit_t *credit)
{
    reader_t *reader = zanni_state (self);
    zanni_ask_t options = { .then = s_found, .arg = credit, .deadline_ms = -1 };
    int rc = zanni_ask (self, reader->crew.supervisor, &options, "child", credit->counter->name);
    if (rc)
        s_give_up_code (self, rc);
}

/* Sends the credit's chunk. */
static void
s_send (zanni_t *self, credit_t *credit)
{
    const chunk_t *chunk = &credit->chunk;
    zanni_ask_t options = { .then = s_counted, .arg = credit, .deadline_ms = -1 };
    int rc = zanni_ask (self, credit->counter->ref, &options, "count", chunk->bytes, zanni_list_arg (chunk->parts));
    if (rc == ZANNI_ENOACTOR)
        s_find (self, credit);
    else if (rc)
        s_give_up_code (self, rc);
}

/* Spends a credit on the next chunk. */
static void
s_next (zanni_t *self, credit_t *credit)
{
    reader_t *reader = zanni_state (self);
    int rc = cutter_next (reader->cutter, self, &credit->chunk);
    if (rc == 1) {
        reader->away++;
        s_send (self, credit);
        return;
    }
    if (!rc)
        rc = s_end (self);
    if (rc)
        s_give_up_code (self, rc);
}

/* The counter is there: for the chunk that is to be counted once more, or for the credit's first. */
static void
s_found (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    credit_t *credit = arg;
    const zanni_ref_t *counter;
    if (!s_is_good (self, reply))
        return;
    zanni_ref_destroy (&credit->counter->ref);
    int rc = zanni_read (reply, &counter);
    if (!rc)
        rc = zanni_ref_keep (self, &credit->counter->ref, counter);
    if (rc)
        s_give_up_code (self, rc);
    else if (credit->chunk.bytes)
        s_send (self, credit);
    else
        s_next (self, credit);
}

static void
s_merged (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    reader_t *reader = zanni_state (self);
    credit_t *credit = arg;
    reader->away--;
    reader->done += credit->chunk.size;
    if (s_is_good (self, reply))
        s_next (self, credit);
}

/* Warns about each file that the counter could not read; a file that was left out is not counted as one. */
static int
s_read_faults (zanni_msg_t *reply, uint64_t *files)
{
    size_t count;
    size_t fields;
    zanni_bytes_t name;
    const char *why;
    int rc = zanni_enter (reply, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = zanni_enter (reply, &fields);
        if (!rc)
            rc = zanni_read (reply, &name, &why);
        if (!rc)
            rc = zanni_leave (reply);
        if (!rc)
            progress_warn (name.data, name.size, why);
    }
    if (rc)
        return rc;
    *files -= count;
    return zanni_leave (reply);
}

/* Whether the counter died before it had counted the chunk. */
static bool
s_is_lost (const zanni_msg_t *reply)
{
    zanni_error_t error;
    return !zanni_msg_error (reply, &error) && (error.code == ZANNI_EDOWN || error.code == ZANNI_ENOACTOR);
}

/* A counter has counted a chunk: its words go on to the merger. */
static void
s_counted (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    reader_t *reader = zanni_state (self);
    credit_t *credit = arg;
    zanni_ask_t options = { .then = s_merged, .arg = credit, .deadline_ms = -1 };
    uint64_t files = credit->chunk.files;
    uint64_t bytes;
    int pid;
    zanni_packed_t words;
    if (s_is_lost (reply)) {
        reader->count->repeated++;
        s_find (self, credit);
        return;
    }
    chunk_free (&credit->chunk);
    if (!s_is_good (self, reply))
        return;
    int rc = zanni_read (reply, &pid, &bytes);
    if (!rc)
        rc = s_read_faults (reply, &files);
    if (!rc)
        rc = zanni_read (reply, &words);
    if (!rc)
        rc = zanni_ask (self, reader->merger, &options, "add", words);
    if (rc) {
        s_give_up_code (self, rc);
        return;
    }
    reader->count->files += files;
    reader->count->bytes += bytes;
    reader->count->kills += crew_has_counted (self, &reader->crew, credit->counter, pid);
}

static int
reader_tick (zanni_t *self, zanni_msg_t *msg)
{
    const reader_t *reader = zanni_state (self);
    (void) msg;
    progress_show (reader->done, reader->all);
    return 0;
}

static void
reader_stop (zanni_t *self, const zanni_reason_t *reason)
{
    reader_t *reader = zanni_state (self);
    (void) reason;
    for (size_t i = 0; i < WORKERS_MAX * S_CREDITS; i++)
        chunk_free (&reader->credits [i].chunk);
    crew_end (&reader->crew);
    zanni_ref_destroy (&reader->merger);
    cutter_destroy (&reader->cutter);
    progress_clear ();
}

/* The merger shares the reader's thread. */
static int
s_spawn (zanni_t *self, reader_t *reader, const options_t *options)
{
    zanni_error_t *error = &reader->count->error;
    zanni_spawn_t here = { .place = ZANNI_HERE, .error = error };
    for (unsigned i = 0; i < options->workers * S_CREDITS; i++)
        reader->credits [i].counter = &reader->crew.counters [i % options->workers];
    int rc = zanni_spawn (self, &reader->merger, "merger", &here);
    return rc ? rc : crew_begin (self, &reader->crew, options, error);
}

int
reader_begin (zanni_t *self, const options_t *options, count_t *count)
{
    reader_t *reader = zanni_state (self);
    uint64_t timer;
    reader->count = count;
    reader->cutter = cutter_new (options->paths);
    int rc = reader->cutter ? s_spawn (self, reader, options) : ZANNI_ENOMEM;
    if (!rc && progress_wanted ()) {
        reader->all = walk_size (options->paths);
        rc = zanni_timer (self, &timer, 0, PROGRESS_EVERY_MS, "tick");
    }
    for (unsigned i = 0; !rc && i < options->workers * S_CREDITS; i++)
        s_find (self, &reader->credits [i]);
    return rc;
}

static const zanni_method_t reader_methods [] = {
    ZANNI_PRIVATE ("tick", "", "", reader_tick, "Draw the progress bar."),
    ZANNI_METHOD_END
};

const zanni_class_t reader_class = {
    .name = "reader", .state_size = sizeof (reader_t), .methods = reader_methods, .stop = reader_stop,
    .text = "Cuts files into chunks and leads the counting."
};
