/* inbound.h: a record that came, on its way to whom it is for. */

#ifndef ZANNI_ACTOR_REMOTE_INBOUND_H
#define ZANNI_ACTOR_REMOTE_INBOUND_H

#include "remote.h"

typedef struct {
    zanni_worker_t *worker;
    zanni_peer_t *peer;
    const zanni_record_t *record;
    zanni_buffer_t **buffers;     // still ours to drop: buffers_count of the record
    uint32_t borrowed;            // so many of its references were made handles
    bool kept;                    // all of these are in a message now
    const char *fault;
} zanni__arrival_t;

static inline int
zanni__arrival_fault (zanni__arrival_t *arrival, const char *fault)
{
    arrival->fault = fault;
    return ZANNI_EARGS;
}

/* inbound.c. A reference with what the session leaves out. */
zanni_wire_ref_t zanni__arrival_whole (const zanni__arrival_t *arrival, const zanni_wire_ref_t *ref);

/* Moves the record's arguments into `msg`, behind what of its room is taken. */
int zanni__arrival_arguments (zanni__arrival_t *arrival, zanni_msg_t *msg);

/* A message for `to`, whose sender is set; NULL: there is no memory, or no way to the sender. */
zanni_msg_t *zanni__arrival_msg (zanni__arrival_t *arrival, zanni__identity_t *to, zanni__kind_t kind);

/* Who sent it, an actor of the peer that the session names: a stand-in of its own, borrowed. */
int zanni__arrival_from (zanni__arrival_t *arrival, zanni__identity_t **identity_p);

/* What came counts as handled in its peer's window. Tells who asked, or spawned, what is wrong. */
void zanni__arrival_handled (const zanni__arrival_t *arrival);
void zanni__arrival_error (zanni__arrival_t *arrival, int code, const char *text);

/* guest.c: another node spawns here. */
void zanni__take_guest (zanni__arrival_t *arrival);

/* partner.c: links with actors of the peer, and exit signals. */
int zanni__take_link (zanni__arrival_t *arrival);
int zanni__take_unlink (zanni__arrival_t *arrival);
int zanni__take_exit (zanni__arrival_t *arrival);

/* returns.c: what comes back to who asked, spawned or monitors. */
int zanni__take_reply (zanni__arrival_t *arrival);   // and SPAWNED
int zanni__take_error (zanni__arrival_t *arrival);
int zanni__take_forwarded (zanni__arrival_t *arrival);
int zanni__take_down (zanni__arrival_t *arrival);

#endif
