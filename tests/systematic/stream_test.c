/* Streams: whatever their two sides do, and whoever ends when, items come in order and none is repeated; as long as
   neither side gives up none is lost but those that the overflow policy counts; no more is under way than the credit;
   and each side that is there hears of the end once. */

#include "scene.h"

#define STREAMS 4
#define SIDES 2           // sources, and sinks, of two streams each
#define BYTES 300         // of an item, at most

/* One stream as the test sees it. */
typedef struct {
    uint32_t items;          // the credit
    uint64_t bytes;
    zanni_overflow_t overflow;
    int wanted;              // items
    int pushed;
    int dropped;
    int taken;
    int last;
    uint64_t sizes;          // of all items that are under way
    bool begun;              // the source has opened it: there was room for that, and somebody there
    bool opened;             // the sink has heard of it
    bool source_knows;       // it has ended the stream for itself, or has itself ended
    bool sink_knows;
    int source_ended;
    int sink_ended;
    int source_code;
    int sink_code;
} state_t;

static state_t states [STREAMS];
static bool wild;            // anybody may end anything
static bool starved;         // there may be no memory

typedef struct {
    zanni_stream_t *streams [STREAMS];
    bool shut;
} sink_t;

static int
sink_opened (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    int number;
    check_eq (zanni_read (msg, &number), 0);
    zanni_stream_set_data (stream, &states [number]);
    check (!states [number].opened);
    if (wild && scene_draw (20) == 0)
        return ZANNI_EPERM;
    states [number].opened = true;
    sink->streams [number] = stream;
    return 0;
}

static void
sink_lets_go (zanni_t *self, const state_t *state)
{
    sink_t *sink = zanni_state (self);
    sink->streams [state - states] = NULL;
}

static int
sink_item (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    state_t *state = zanni_stream_data (stream);
    zanni_bytes_t bytes;
    int number;
    check (!state->sink_knows && !state->sink_ended);
    check_eq (zanni_read (msg, &number, &bytes), 0);
    check (state->overflow == ZANNI_REJECT ? number == state->last + 1 : number > state->last);
    state->last = number;
    state->taken++;
    state->sizes -= bytes.size;
    zanni_sim_spend (scene_now->world, scene_draw (2000));
    if (!wild || scene_draw (60))
        return 0;
    if (scene_draw (2))
        return ZANNI_EPERM;   // which it hears of, too
    state->sink_knows = true;
    sink_lets_go (self, state);
    return zanni_stream_cancel (self, stream, 3, "enough");
}

static void
sink_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    state_t *state = zanni_stream_data (stream);
    check (!state->sink_knows);
    check_eq (state->sink_ended, 0);
    state->sink_ended++;
    state->sink_code = error ? error->code : 0;
    sink_lets_go (self, state);
}

static int
sink_take (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    const zanni_inlet_t inlet = {
        .opened = sink_opened, .item = sink_item, .ended = sink_ended, .items = states [0].items,
        .bytes = states [0].bytes
    };
    if (sink->shut && !zanni_stash (self, msg))
        return 0;
    return zanni_stream_take (self, msg, &inlet);
}

/* Puts aside what comes for a while. */
static int
sink_pause (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    uint64_t timer;
    (void) msg;
    sink->shut = !zanni_timer (self, &timer, scene_draw (20), 0, "resume");
    return 0;
}

static int
sink_resume (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    (void) msg;
    sink->shut = false;
    check (zanni_unstash_all (self) >= 0);
    return 0;
}

static int
sink_cancel (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    int number;
    check_eq (zanni_read (msg, &number), 0);
    if (!sink->streams [number])
        return 0;
    zanni_stream_t *stream = sink->streams [number];
    states [number].sink_knows = true;
    sink->streams [number] = NULL;
    check_eq (zanni_stream_cancel (self, stream, 4, "no more"), 0);
    return 0;
}

static const zanni_method_t sink_methods [] = {
    ZANNI_STREAM ("take", sink_take, "Numbers."),
    ZANNI_METHOD ("pause", "", "", sink_pause, "Handles nothing for a while."),
    ZANNI_METHOD ("cancel", "i", "", sink_cancel, "That stream."),
    ZANNI_PRIVATE ("resume", "", "", sink_resume, "Goes on."),
    ZANNI_METHOD_END
};

/* Whatever the way it ends. */
static void
sink_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const sink_t *sink = zanni_state (self);
    (void) reason;
    for (int i = 0; i < STREAMS; i++)
        if (sink->streams [i])
            states [i].sink_knows = true;
}

static const zanni_class_t sink_class = {
    .name = "sink", .state_size = sizeof (sink_t), .methods = sink_methods, .stop = sink_stop, .stash_max = 1000
};

typedef struct {
    zanni_stream_t *streams [STREAMS];
} source_t;

/* Neither its items nor their bytes are more than the credit, or one item. */
static void
check_credit (const state_t *state)
{
    int items = state->pushed - state->taken;
    check (items <= (int) state->items);
    check (items == 1 || !state->bytes || state->sizes <= state->bytes);
}

static int
source_push (zanni_t *self, zanni_stream_t *stream, state_t *state)
{
    static const uint8_t bytes [BYTES];
    size_t size = scene_draw (BYTES);
    state->sizes += size;   // it may be there before this returns
    int rc = zanni_push (self, stream, state->pushed + 1, zanni_arg_bytes (bytes, size));
    state->pushed += !rc;
    state->sizes -= rc ? size : 0;
    if (!rc && state->overflow == ZANNI_REJECT)
        check_credit (state);
    return rc;
}

static void
source_go_on (zanni_t *self, zanni_stream_t *stream)
{
    state_t *state = zanni_stream_data (stream);
    int rc = 0;
    while (!rc && state->pushed < state->wanted)
        rc = source_push (self, stream, state);
    check (!rc || rc == ZANNI_EFULL || (wild && rc == ZANNI_ENOACTOR)
           || (starved && (rc == ZANNI_ENOMEM || rc == ZANNI_ECLOSED)));
    if (!rc)
        check (!zanni_stream_end (self, stream) || starved);
}

static void
source_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    source_t *source = zanni_state (self);
    state_t *state = zanni_stream_data (stream);
    check (!state->source_knows);
    check_eq (state->source_ended, 0);
    state->source_ended++;
    state->source_code = error ? error->code : 0;
    state->dropped = (int) zanni_stream_dropped (stream);
    if (scene_draw (2))
        zanni_stream_destroy (&source->streams [state - states]);
}

/* Where items are dropped: some now and then. */
static int
source_tick (zanni_t *self, zanni_msg_t *msg)
{
    const source_t *source = zanni_state (self);
    uint64_t timer;
    bool more = false;
    (void) msg;
    for (int i = 0; i < STREAMS; i++) {
        state_t *state = &states [i];
        zanni_stream_t *stream = source->streams [i];
        if (!stream || state->overflow == ZANNI_REJECT || state->source_ended || state->pushed == state->wanted)
            continue;
        for (uint32_t j = scene_draw (20); j && state->pushed < state->wanted; j--) {
            int rc = source_push (self, stream, state);
            check (!rc || (wild && (rc == ZANNI_ECLOSED || rc == ZANNI_ENOACTOR)) || (starved && rc == ZANNI_ENOMEM));
        }
        more |= state->pushed < state->wanted;
        if (state->pushed == state->wanted) {
            int rc = zanni_stream_end (self, stream);
            check (!rc || (wild && rc == ZANNI_ECLOSED));
        }
    }
    if (more)
        check (!zanni_timer (self, &timer, 1 + scene_draw (5), 0, "tick") || starved);
    return 0;
}

static int
source_open (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    const zanni_ref_t *sink;
    int number;
    check_eq (zanni_read (msg, &sink, &number), 0);
    const zanni_stream_options_t options = {
        .room = source_go_on, .ended = source_ended, .data = &states [number], .overflow = states [number].overflow,
        .waiting_items = 1 + scene_draw (10), .waiting_bytes = scene_draw (2) ? 400 : 0
    };
    int rc = zanni_stream_open (self, &source->streams [number], sink, &options, "take", number);
    check (!rc || (wild && rc == ZANNI_ENOACTOR) || rc == ZANNI_EFULL || (starved && rc == ZANNI_ENOMEM));
    states [number].begun = !rc;
    return rc ? 0 : source_tick (self, msg);
}

/* Ends one of its streams: well, by an error, or as if there were nothing. */
static int
source_end (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    int number, how, rc = 0;
    check_eq (zanni_read (msg, &number, &how), 0);
    state_t *state = &states [number];
    zanni_stream_t *stream = source->streams [number];
    if (!stream)
        return 0;
    if (how == 0)
        rc = zanni_stream_end (self, stream);
    else if (how == 1)
        rc = zanni_stream_fail (self, stream, 5, "broken");
    else {
        state->source_knows |= !state->source_ended;
        zanni_stream_destroy (&source->streams [number]);
    }
    check (!rc || rc == ZANNI_ECLOSED);
    state->wanted = state->pushed;
    return 0;
}

static int
source_exit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static void
source_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const source_t *source = zanni_state (self);
    (void) reason;
    for (int i = 0; i < STREAMS; i++)
        if (source->streams [i] && !states [i].source_ended)
            states [i].source_knows = true;
}

static const zanni_method_t source_methods [] = {
    ZANNI_METHOD ("open", "ri", "", source_open, "A stream to that sink, with that number."),
    ZANNI_METHOD ("end", "ii", "", source_end, "That stream, somehow."),
    ZANNI_METHOD ("exit", "", "", source_exit, "Ends."),
    ZANNI_PRIVATE ("tick", "", "", source_tick, "Pushes some."),
    ZANNI_METHOD_END
};
static const zanni_class_t source_class = {
    .name = "source", .state_size = sizeof (source_t), .methods = source_methods, .stop = source_stop
};
static const zanni_class_t *const classes [] = { &sink_class, &source_class, NULL };
static const scene_setup_t setup = { .classes = classes };
static const scene_setup_t slow = { .classes = classes, .world = { .latency_ns = 3 * MS, .tick_ns = 20000 } };

static zanni_ref_t *sources [SIDES];
static zanni_ref_t *sinks [SIDES];

static zanni_ref_t *
spawn_side (const char *class_name)
{
    zanni_ref_t *ref = NULL;
    uint32_t where = scene_draw (6);
    const zanni_spawn_t options = {
        .place = where == 5 ? ZANNI_THREAD : where ? ZANNI_SHARED : ZANNI_HERE, .worker = where < 5 ? where : 0,
        .mailbox_messages = scene_draw (2) ? 4 + scene_draw (8) : 0, .restartable = true
    };
    check_eq (zanni_spawn (scene_now->self, &ref, class_name, &options), 0);
    return ref;
}

/* All streams have the same credit. */
static void
begin_streams (bool drops)
{
    uint32_t items = 1 + scene_draw (8);
    uint64_t bytes = scene_draw (2) ? 100 + scene_draw (900) : 0;
    memset (states, 0, sizeof states);
    for (int i = 0; i < SIDES; i++) {
        sources [i] = spawn_side ("source");
        sinks [i] = spawn_side ("sink");
    }
    for (int i = 0; i < STREAMS; i++) {
        states [i].items = items;
        states [i].bytes = bytes;
        states [i].wanted = 1 + (int) scene_draw (40);
        states [i].overflow = drops ? (zanni_overflow_t) scene_draw (3) : ZANNI_REJECT;
        check_eq (zanni_tell (scene_now->self, sources [i % SIDES], "open", sinks [i / SIDES], i), 0);
    }
}

static void
end_sides (void)
{
    for (int i = 0; i < SIDES; i++) {
        zanni_ref_destroy (&sources [i]);
        zanni_ref_destroy (&sinks [i]);
    }
    scene_pass (100);
    check_eq (scene_stats ().actors, 1);
}

static void
pause_some (void)
{
    for (int i = (int) scene_draw (6); i > 0; i--) {
        int rc = zanni_tell (scene_now->self, sinks [scene_draw (SIDES)], "pause");
        check (!rc || rc == ZANNI_EFULL || (wild && rc == ZANNI_ENOACTOR));
        check_eq (zanni_run (scene_now->self, scene_draw (30)), 0);
    }
}

static void
play (scene_t *scene)
{
    (void) scene;
    wild = starved = false;
    begin_streams (true);
    pause_some ();
    scene_pass (5000);
    for (int i = 0; i < STREAMS; i++) {
        const state_t *state = &states [i];
        check_eq (state->source_ended, state->begun);
        check_eq (state->sink_ended, state->begun);
        if (!state->begun)
            continue;
        check (!state->source_code && !state->sink_code);
        check_eq (state->pushed, state->wanted);
        check_eq (state->taken, state->pushed - state->dropped);
        check (state->overflow != ZANNI_REJECT || !state->dropped);
        check (state->overflow != ZANNI_DROP_OLDEST || state->last == state->pushed);
    }
    check_eq (scene_stats ().dead_letters, 0);
    end_sides ();
}

Test (stream, carries_everything_or_counts_what_it_drops)
{
    scene_run (&setup, play);
    scene_run (&slow, play);
}

/* Something happens to one side of a stream. */
static void
disturb (zanni_t *self)
{
    int number = (int) scene_draw (STREAMS), rc = 0;
    zanni_ref_t **source = &sources [number % SIDES], **sink = &sinks [number / SIDES];
    switch (scene_draw (12)) {
    case 0:
        rc = zanni_stop (self, *source);
        break;
    case 1:
        rc = zanni_stop (self, *sink);
        break;
    case 2:
        rc = zanni_restart (self, *sink);
        break;
    case 3:
        rc = zanni_restart (self, *source);
        break;
    case 4:
        rc = zanni_tell (self, *source, "exit");
        break;
    case 5: case 6: case 7:
        rc = zanni_tell (self, *sink, "cancel", number);
        break;
    default:
        rc = zanni_tell (self, *source, "end", number, (int) scene_draw (3));
    }
    check (!rc || rc == ZANNI_ENOACTOR || rc == ZANNI_EFULL);
}

/* Who is there has heard of it, once, and what is well is complete. */
static void
check_ends (void)
{
    for (int i = 0; i < STREAMS; i++) {
        const state_t *state = &states [i];
        check_eq (state->source_ended + state->source_knows, state->begun);
        if (state->opened)
            check_eq (state->sink_ended + state->sink_knows, 1);
        else
            check_eq (state->sink_ended, 0);
        if (state->source_ended && !state->source_code)
            check_eq (state->taken, state->pushed - state->dropped);
        if (state->sink_ended && !state->sink_code && state->source_ended)
            check_eq (state->taken, state->pushed - state->dropped);
    }
}

static void
play_wild (scene_t *scene)
{
    wild = true;
    starved = false;
    begin_streams (true);
    for (int i = (int) scene_draw (8); i > 0; i--) {
        if (scene_draw (3))
            check_eq (zanni_run (scene->self, scene_draw (10)), 0);
        disturb (scene->self);
        pause_some ();
    }
    scene_pass (5000);
    check_ends ();
    end_sides ();
}

Test (stream, ends_once_for_each_side_whoever_ends_it)
{
    scene_run (&setup, play_wild);
    scene_run (&slow, play_wild);
}

/* Memory is short for a while: what was pushed by then may be lost with its stream, and when the sources have gone
   the sinks know. */
static void
play_starved (scene_t *scene)
{
    wild = starved = true;
    begin_streams (true);
    if (scene_draw (2))
        check_eq (zanni_run (scene->self, scene_draw (5)), 0);
    faults_fail_some (5 + scene_draw (100), scene->seed);
    int rc = zanni_run (scene->self, scene_draw (50));
    faults_fail (0, 0);
    check (!rc || rc == ZANNI_ENOMEM);
    scene_pass (5000);
    for (int i = 0; i < STREAMS; i++)
        check (states [i].source_ended + states [i].source_knows <= states [i].begun);
    for (int i = 0; i < SIDES; i++)
        zanni_ref_destroy (&sources [i]);
    scene_pass (5000);
    for (int i = 0; i < STREAMS; i++)
        check_eq (states [i].sink_ended + states [i].sink_knows, states [i].opened);
    end_sides ();
    starved = false;
}

Test (stream, ends_where_there_is_no_memory)
{
    scene_run (&setup, play_starved);
}
