/* stage.c: the class that source, filter and sink inherit. It has no methods, only the start and stop that they
   share.

   Frames are told, not asked for: a stage is done with a frame when it has handed it on. So there is nobody to whom a
   handler's error would go, and a frame that was given up quietly would be one that the conductor waits for without
   end. A stage that cannot go on therefore ends, and says why: the conductor monitors it.

   That the next stage is gone is no reason to end. The conductor hears of it from its own monitor, and ends
   everything; a second end here would only compete with the true cause. That the next one has no room is none either:
   the send waits, which an actor with a thread or process of its own may. With the conductor's count of what is under
   way and the limits in main.c it hardly ever has to; it is what keeps a frame from being lost when somebody changes
   one of the two. */

#include "stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "classes.h"

void
stage_name (char name [STAGE_NAME], const char *class_name, unsigned number)
{
    if (strcmp (class_name, filter_class.name) == 0)
        snprintf (name, STAGE_NAME, "%s %u", class_name, number);
    else
        snprintf (name, STAGE_NAME, "%s", class_name);
}

/* The thread's name is what ps and top show, of a process as well. */
static int
stage_start (zanni_t *self, zanni_msg_t *msg)
{
    stage_t *stage = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next, &stage->number);
    if (!rc)
        rc = zanni_ref_keep (self, &stage->next, next);
    stage_name (stage->name, zanni_ref_class (zanni_self (self)), stage->number);
    (void) prctl (PR_SET_NAME, stage->name);
    return rc;
}

static void
stage_stop (zanni_t *self, const zanni_reason_t *reason)
{
    stage_t *stage = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&stage->next);
}

int
stage_send (zanni_t *self, uint64_t number, uint64_t checksum, const zanni_buffer_t *frame)
{
    const stage_t *stage = zanni_state (self);
    int rc = zanni_tell_wait (self, stage->next, -1, "frame", number, checksum, frame);
    return rc == ZANNI_ENOACTOR || rc == ZANNI_EROUTE ? 0 : rc;
}

int
stage_end (zanni_t *self, uint64_t number, int rc)
{
    char text [80];
    if (!rc)
        return 0;
    snprintf (text, sizeof text, "frame %" PRIu64 ": %s", number, zanni_strerror (rc));
    return zanni_exit_error (self, rc, text);
}

const zanni_class_t stage_class = {
    .name = "stage", .state_size = sizeof (stage_t), .start_in = "ru", .start = stage_start, .stop = stage_stop,
    .text = "Has a number and a next stage."
};
