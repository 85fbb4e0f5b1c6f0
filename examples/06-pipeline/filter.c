/* filter.c: the actor that changes a frame and hands it on. Put your own work in the place of frame_apply.

   zanni_buffer_writable gives a frame that may be written. Between threads it is the very one that came: nobody else
   holds it any more, so it is changed where it lies, and a frame goes from the source to the sink in the same memory.
   What another process has lent cannot be written, since it is that one's; so there it is a copy, into a frame of this
   process's own pool, which is lent to the next one in turn. A filter that only looks (measures, counts, selects) hands
   on the frame that it got, and copies nothing anywhere. */

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
        rc = zanni_buffer_writable (self, &frame, came);
    if (!rc)
        rc = frame_apply (frame, frame_key (stage->number));
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
