/* sink.c: the actor in which frames end. It checks each and tells the conductor that it has arrived.

   Two things are checked: that the frame is the one that is due, so none was lost, doubled or overtaken; and that its
   checksum, once the filters' keys are off, is the one that the source computed. What is wrong ends the sink, with a
   text that says which frame it was. The frame's memory goes back to who made it when the handler is done; only then
   does the conductor's next "make" come to the source. */

#include "classes.h"
#include "frame.h"
#include "stage.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct {
    stage_t stage;
    uint64_t due;    // number of the next frame
    uint64_t keys;   // those of all filters
} sink_t;

static int
sink_start (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    (void) msg;
    for (unsigned i = 1; i < sink->stage.number; i++)
        sink->keys ^= frame_key (i);
    return 0;
}

static int
sink_frame (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    char text [80];
    const zanni_buffer_t *frame;
    uint64_t number = 0;
    uint64_t checksum;
    int rc = zanni_read (msg, &number, &checksum, &frame);
    if (!rc)
        rc = frame_check (frame);
    if (rc)
        return stage_end (self, number, rc);
    if (number != sink->due) {
        snprintf (text, sizeof text, "frame %" PRIu64 " came where %" PRIu64 " was due", number, sink->due);
        return zanni_exit_error (self, ZANNI_EAPP, text);
    }
    if (frame_checksum (frame, sink->keys) != checksum) {
        snprintf (text, sizeof text, "frame %" PRIu64 " is not what the source made", number);
        return zanni_exit_error (self, ZANNI_EAPP, text);
    }
    sink->due++;
    return stage_end (self, number, zanni_tell (self, sink->stage.next, "arrived"));
}

static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("frame", "ttB", "", sink_frame, "Check a frame (number, source's checksum, samples)."),
    ZANNI_METHOD_END
};

const zanni_class_t sink_class = {
    .name = "sink", .parent = "stage", .state_size = sizeof (sink_t), .methods = sink_methods, .start = sink_start,
    .text = "Checks frames and counts them."
};
