/* source.c: the actor that makes frames, one for each "make".

   It does not decide how many, or when: the conductor does, who knows what has arrived. So it needs no loop, no timer
   and no wait, and is free for a stop between any two frames.

   Its own count of the frame goes at the end of the handler (ZANNI_AUTO); the message has one, too, and so the
   frame's memory comes back to this actor's pool when the first filter is done with it. */

#include "classes.h"
#include "frame.h"
#include "stage.h"

static int
source_make (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) frame = NULL;
    uint64_t number = 0;
    uint64_t checksum;
    int rc = zanni_read (msg, &number);
    if (!rc)
        rc = frame_new (self, &frame, &checksum, number);
    if (!rc)
        rc = stage_send (self, number, checksum, frame);
    return stage_end (self, number, rc);
}

static const zanni_method_t source_methods [] = {
    ZANNI_METHOD ("make", "t", "", source_make, "Make the frame of this number and hand it on."),
    ZANNI_METHOD_END
};

const zanni_class_t source_class = {
    .name = "source", .parent = "stage", .state_size = sizeof (stage_t), .methods = source_methods,
    .text = "Makes frames."
};
