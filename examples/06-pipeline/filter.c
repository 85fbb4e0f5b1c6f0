/* filter.c: the actor that makes another frame of each and hands that on. Put your own work in the place of
   frame_filter.

   The frame that came is read where it lies, in the memory of whoever made it; what the filter makes of it is written
   into a new one. Each sample is read once and written once, and no frame is ever copied. The one that came is given
   back when the handler is done.

   Other kinds of filters are less work. One that only looks (measures, counts, selects) hands on the frame that it
   got, which costs nothing in any place: what was lent is lent on. One that changes a few samples only calls
   zanni_buffer_writable, which gives the very frame that came where this process made it and nobody else has it, and
   a copy where another process did. */

#include "classes.h"
#include "frame.h"
#include "stage.h"

static int
filter_frame (zanni_t *self, zanni_msg_t *msg)
{
    const stage_t *stage = zanni_state (self);
    ZANNI_AUTO (zanni_buffer_t) frame = NULL;
    const zanni_buffer_t *came;
    uint64_t number = 0;
    uint64_t checksum;
    int rc = zanni_read (msg, &number, &checksum, &came);
    if (!rc)
        rc = frame_check (came);
    if (!rc)
        rc = frame_filter (self, &frame, came, frame_key (stage->number));
    if (!rc)
        rc = stage_send (self, number, checksum, frame);
    return stage_end (self, number, rc);
}

static const zanni_method_t filter_methods [] = {
    ZANNI_METHOD ("frame", "ttB", "", filter_frame, "Change a frame (number, source's checksum, samples), hand it on."),
    ZANNI_METHOD_END
};

const zanni_class_t filter_class = {
    .name = "filter", .parent = "stage", .state_size = sizeof (stage_t), .methods = filter_methods,
    .text = "Changes frames."
};
