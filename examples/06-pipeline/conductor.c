/* conductor.c: leads the pipeline. It is the root actor, on the program's own thread, inside zanni_run.

   Backpressure: a frame may be made only when another has arrived. The conductor begins with a fixed number of
   "make", two for each stage, and sends one more for each "arrived" of the sink. So that many frames are under way at
   most, however slow one stage is and however fast the source: in each stage one that is worked on and one that
   waits, which is what keeps all of them busy. The slowest stage sets the pace; what waits, waits in front of it. The
   other way would be mailboxes with a limit and senders that wait for room. That bounds each step instead of the
   whole, and a message in a process on its way through a socket is in no mailbox; a count of what is under way is
   right in every place, and costs two small messages a frame. It also is what the node's limits in bytes follow from
   (main.c).

   Three things end it. All frames have arrived. Or a signal: then no more frames are made, those under way still
   arrive, and the numbers are right at the end; who does not want to wait for them sends a second one. (The library
   takes no signals, and its processes are in a group of their own, so that Ctrl-C comes here and nowhere else. A
   signalfd makes a message of it.) Or a stage ends, by a kill, a crash or an error of its own: the monitor tells why.
   Frames were in it, so nothing can go on, and the run ends with that reason. */

#include "conductor.h"

#include "classes.h"
#include "progress.h"
#include "stage.h"

#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define S_EACH 2   // frames for each stage
#define S_ALL_MAX (STAGES_MAX + 2)

typedef struct {
    const options_t *options;
    result_t *result;
    zanni_ref_t *stages [S_ALL_MAX];   // source, filters, sink
    int signals;
    uint64_t watch;
    int64_t start_ns;
    progress_t progress;
} conductor_t;

unsigned
conductor_in_flight (const options_t *options)
{
    return S_EACH * (options->stages + 2);
}

/* Ends the run because of an error, the first of which counts. */
static void
s_give_up (zanni_t *self, int code, const char *who, const char *why)
{
    conductor_t *conductor = zanni_state (self);
    zanni_error_t *error = &conductor->result->error;
    if (!error->code) {
        error->code = code;
        snprintf (error->text, sizeof error->text, "%s%s", who, why);
    }
    (void) zanni_exit (self);
}

static bool
s_wants_more (const conductor_t *conductor)
{
    const options_t *options = conductor->options;
    return !conductor->result->signal && (!options->frames || conductor->result->sent < options->frames);
}

/* Has the source make a frame, if there is to be another; ends the run when the last one is there. */
static void
s_go_on (zanni_t *self)
{
    conductor_t *conductor = zanni_state (self);
    result_t *result = conductor->result;
    if (s_wants_more (conductor)) {
        int rc = zanni_tell (self, conductor->stages [0], "make", result->sent);
        if (!rc)
            result->sent++;
        else if (rc != ZANNI_ENOACTOR && rc != ZANNI_EROUTE)   // then the monitor knows better why
            s_give_up (self, rc, "source: ", zanni_strerror (rc));
    }
    else if (result->arrived == result->sent)
        (void) zanni_exit (self);
}

static int
conductor_arrived (zanni_t *self, zanni_msg_t *msg)
{
    conductor_t *conductor = zanni_state (self);
    (void) msg;
    conductor->result->arrived++;
    conductor->result->seconds = (double) (zanni_now_ns (self) - conductor->start_ns) / 1e9;
    s_go_on (self);
    return 0;
}

static int
conductor_tick (zanni_t *self, zanni_msg_t *msg)
{
    conductor_t *conductor = zanni_state (self);
    (void) msg;
    progress_show (&conductor->progress, conductor->result->arrived, conductor->options->frames, zanni_now_ns (self));
    return 0;
}

static int
conductor_signal (zanni_t *self, zanni_msg_t *msg)
{
    conductor_t *conductor = zanni_state (self);
    struct signalfd_siginfo info;
    (void) msg;
    if (read (conductor->signals, &info, sizeof info) == sizeof info) {
        if (conductor->result->signal)
            s_give_up (self, ZANNI_ECANCELED, "", "a second signal: ended at once");
        conductor->result->signal = (int) info.ssi_signo;
        s_go_on (self);
    }
    return zanni_watch_again (self, conductor->watch);
}

static void
conductor_down (zanni_t *self, const zanni_down_t *down)
{
    const conductor_t *conductor = zanni_state (self);
    char name [STAGE_NAME] = "a stage";
    char who [STAGE_NAME + 8];
    char text [160];
    const char *why = down->reason.text;   // a stage's own words
    for (unsigned i = 0; i < S_ALL_MAX; i++)
        if (zanni_ref_equal (conductor->stages [i], down->ref))
            stage_name (name, zanni_ref_class (down->ref), i);
    snprintf (who, sizeof who, "%s ended: ", name);
    if (down->reason.kind != ZANNI_EXIT_ERROR)
        why = zanni_reason_string (&down->reason, text, sizeof text);
    s_give_up (self, ZANNI_EDOWN, who, why);
}

static void
conductor_stop (zanni_t *self, const zanni_reason_t *reason)
{
    conductor_t *conductor = zanni_state (self);
    (void) reason;
    for (unsigned i = 0; i < S_ALL_MAX; i++)
        zanni_ref_destroy (&conductor->stages [i]);
    progress_clear (&conductor->progress);
}

/* Starts the stages from the last to the first: each is told which one comes next. */
static int
s_spawn (zanni_t *self, conductor_t *conductor)
{
    zanni_spawn_t options = { .place = conductor->options->place, .error = &conductor->result->error };
    unsigned last = conductor->options->stages + 1;
    const zanni_ref_t *next = zanni_self (self);
    int rc = 0;
    for (unsigned i = last + 1; !rc && i--; next = conductor->stages [i]) {
        const char *name = i == 0 ? source_class.name : i == last ? sink_class.name : filter_class.name;
        uint64_t monitor;
        rc = zanni_spawn (self, &conductor->stages [i], name, &options, next, i);
        if (!rc)
            rc = zanni_monitor (self, &monitor, conductor->stages [i]);
    }
    return rc;
}

int
conductor_begin (zanni_t *self, const options_t *options, int signals, result_t *result)
{
    conductor_t *conductor = zanni_state (self);
    uint64_t timer;
    conductor->options = options;
    conductor->result = result;
    conductor->signals = signals;
    int rc = s_spawn (self, conductor);
    if (!rc)
        rc = zanni_watch (self, &conductor->watch, signals, ZANNI_READABLE, "signal");
    conductor->start_ns = zanni_now_ns (self);
    progress_begin (&conductor->progress, conductor->start_ns);
    int64_t every_ms = progress_every_ms (&conductor->progress);
    if (!rc)
        rc = zanni_timer (self, &timer, every_ms, every_ms, "tick");
    for (unsigned i = conductor_in_flight (options); !rc && i && s_wants_more (conductor); i--)
        s_go_on (self);
    return rc;
}

static const zanni_method_t conductor_methods [] = {
    ZANNI_METHOD ("arrived", "", "", conductor_arrived, "A frame has come to its end."),
    ZANNI_PRIVATE ("tick", "", "", conductor_tick, "Show the throughput."),
    ZANNI_PRIVATE ("signal", "u", "", conductor_signal, "A signal has come."),
    ZANNI_METHOD_END
};

const zanni_class_t conductor_class = {
    .name = "conductor", .state_size = sizeof (conductor_t), .methods = conductor_methods, .stop = conductor_stop,
    .down = conductor_down, .text = "Leads the pipeline."
};
