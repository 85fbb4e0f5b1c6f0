/* What comes by a session.

   Batches come in the order of their numbers: one that was seen before is dropped, one that is missing ends the session,
   for everything behind it would be out of order. All of it may be a lie: frames are counted, sizes compared, windows
   watched, and what is wrong ends the session with a reason, never the process.

   A frame becomes a buffer without a copy where it lies well: libzmq gives memory of its own to frames of about 8,000
   bytes and more, while smaller ones lie anywhere in what was read at once, and would keep all that. */

#include "hub.h"

#include "../base/memory.h"
#include "../actor/remote/claims.h"
#include "../message/buffer.h"
#include "../wire/tell.h"

#include <string.h>

#define S_WRAPPED 8000     // bytes of the smallest frame that is taken as it is
#define S_NO_MEMORY "out of memory here"

typedef struct {
    zanni__peer_t *peer;
    zanni__mail_t *mail;
    zanni_record_t *record;
    zanni_bytes_t bytes;      // of the record
    uint64_t held_ms;         // how long it waited at the sender
    zmq_msg_t *args;          // the frame of its arguments, or NULL
    const char *fault;
    int loss;                // why a buffer of its could not be had
} s_arrival_t;

void
zanni__inbox_init (zanni__inbox_t *in, uint64_t window)
{
    *in = (zanni__inbox_t) { .told_room = window, .ack_ns = INT64_MAX };
}

void
zanni__inbox_clear (zanni__peer_t *peer)
{
    zanni__strands_clear (peer);
}

/* Called from any thread that drops the buffer last. */
static void
s_release (void *data, void *hint)
{
    zmq_msg_t *frame = hint;
    (void) data;
    (void) zmq_msg_close (frame);
    zanni__free (frame);
}

static int
s_wrap (zanni_buffer_t **buffer_p, zmq_msg_t *frame)
{
    zmq_msg_t *kept = zanni__malloc (sizeof *kept);
    if (!kept)
        return ZANNI_ENOMEM;
    (void) zmq_msg_init (kept);
    (void) zmq_msg_move (kept, frame);
    int rc = zanni__buffer_wrap (buffer_p, zmq_msg_data (kept), zmq_msg_size (kept), s_release, kept);
    if (rc)
        s_release (NULL, kept);
    else
        (*buffer_p)->own = true;
    return rc;
}

static int
s_copy (zanni__hub_t *hub, zanni_buffer_t **buffer_p, const void *bytes, size_t size)
{
    void *data;
    int rc = zanni_worker_buffer (hub->worker, buffer_p, size);
    if (!rc && size && !zanni_buffer_edit (&data, *buffer_p))
        memcpy (data, bytes, size);
    return rc;
}

/* Makes a buffer of a frame. */
int
zanni__frame_take (zanni__hub_t *hub, zanni_buffer_t **buffer_p, zmq_msg_t *frame, uintptr_t alignment)
{
    void *data = zmq_msg_data (frame);
    bool lies_well = (uintptr_t) data % alignment == 0 && zmq_msg_size (frame) >= S_WRAPPED;
    return lies_well ? s_wrap (buffer_p, frame) : s_copy (hub, buffer_p, data, zmq_msg_size (frame));
}

/* Says what the elements are; where they cannot be, it is destroyed. */
static int
s_shape (zanni_buffer_t **buffer_p, const zanni_wire_buffer_t *wire)
{
    if (!wire->dimensions || zanni__buffer_loss (*buffer_p))
        return 0;
    if (wire->blob) {   // a view, which is sealed, but nobody has it yet; that the shape fits was checked on the wire
        (*buffer_p)->element = wire->element;
        (*buffer_p)->dimensions = wire->dimensions;
        memcpy ((*buffer_p)->shape, wire->shape, wire->dimensions * sizeof *wire->shape);
        return 0;
    }
    if (!zanni_buffer_set_array (*buffer_p, (zanni_element_t) wire->element, wire->dimensions, wire->shape))
        return 0;
    zanni_buffer_destroy (buffer_p);
    return ZANNI_EARGS;
}

static int
s_fault (s_arrival_t *arrival, const char *fault)
{
    arrival->fault = fault;
    return ZANNI_EARGS;
}

static zmq_msg_t *
s_next_frame (s_arrival_t *arrival)
{
    zanni__mail_t *mail = arrival->mail;
    return mail->used < mail->count ? &mail->frames [mail->used++] : NULL;
}

int
zanni__inbox_deliver (zanni__peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers, const char **fault)
{
    int loss = 0;
    for (uint32_t i = 0; i < record->buffers_count && !loss; i++)
        loss = zanni__buffer_loss (buffers [i]);
    if (loss) {
        zanni_worker_lost (peer->hub->worker, &peer->base, record, buffers, loss);
        return 0;
    }
    *fault = "it is not what it should be";
    return zanni_worker_record (peer->hub->worker, &peer->base, record, buffers, fault);
}

/* What a record counts in the window, with all that belongs to it. */
uint64_t
zanni__inbox_charge (const zanni__peer_t *peer, const zanni_record_t *record)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < record->buffers_count; i++)
        bytes += record->buffers [i].size;
    return zanni__record_charge (peer, record, bytes);
}

/* Counts what came in the window; false: the peer does not heed it, by far. What goes beyond it counts for all that
   it is. */
static bool
s_charge (zanni__peer_t *peer, uint64_t charge, uint64_t bytes)
{
    uint64_t most = peer->out.window + 2 * ZANNI__BACKLOG;
    if (peer->held && peer->held + charge > peer->out.window && peer->held + bytes > most)
        return false;
    peer->held += charge;
    peer->in.came += charge;
    return true;
}

static int
s_count (s_arrival_t *arrival)
{
    const zanni_record_t *record = arrival->record;
    uint64_t bytes = 0;
    if (!zanni__record_charge (arrival->peer, record, 0))
        return 0;
    for (uint32_t i = 0; i < record->buffers_count; i++) {
        if (record->buffers [i].size > ZANNI__BUFFER_LARGEST)
            return s_fault (arrival, "a buffer is larger than was agreed");
        bytes += record->buffers [i].size;
    }
    uint64_t charge = zanni__record_charge (arrival->peer, record, bytes);
    bool heeds = s_charge (arrival->peer, charge, record->args.size + bytes);
    return heeds ? 0 : s_fault (arrival, "it does not heed the window");
}

static void
s_drop (zanni_buffer_t **buffers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        zanni_buffer_destroy (&buffers [i]);
}

/* A view of a buffer of the store's, which may be others', too: its shape is its own. */
static int
s_view (zanni__hub_t *hub, zanni_buffer_t **buffer_p, zanni_buffer_t *found, const zanni_wire_buffer_t *wire)
{
    const void *data = zanni_buffer_data (found);
    bool lies_well = !wire->size || (uintptr_t) data % (wire->dimensions ? 64 : 8) == 0;
    if (zanni_buffer_size (found) != wire->size)
        return ZANNI_ECORRUPT;
    return lies_well ? zanni_buffer_slice (buffer_p, found, 0, wire->size) : s_copy (hub, buffer_p, data, wire->size);
}

/* From the store, or one that says why it is not there: then its message cannot be handled, and the session goes on. */
static int
s_take_claim (s_arrival_t *arrival, const zanni_wire_buffer_t *wire, zanni_buffer_t **buffer_p)
{
    zanni__hub_t *hub = arrival->peer->hub;
    zanni_buffer_t *found = NULL;
    if (!arrival->peer->takes_claims)
        return s_fault (arrival, "a buffer is in a store, which was not agreed on");
    int rc = arrival->loss;   // of another one of its record: then none is needed
    if (!rc)
        rc = hub->worker->node->claims->take (hub->worker, &found, wire->blob);
    if (!rc)
        rc = s_view (hub, buffer_p, found, wire);
    arrival->loss = rc;
    zanni_buffer_destroy (&found);
    return rc ? zanni__buffer_lost (buffer_p, wire->size, rc) : 0;
}

/* One that does not come in chunks. */
static int
s_take_buffer (s_arrival_t *arrival, const zanni_wire_buffer_t *wire, zanni_buffer_t **buffer_p)
{
    zanni__peer_t *peer = arrival->peer;
    if (wire->bytes)
        return s_copy (peer->hub, buffer_p, wire->bytes, wire->size);
    if (wire->blob)
        return s_take_claim (arrival, wire, buffer_p);
    if (wire->segment)
        return zanni__share_in (peer, buffer_p, wire, &arrival->fault);
    zmq_msg_t *frame = s_next_frame (arrival);
    if (!frame || zmq_msg_size (frame) != wire->size)
        return s_fault (arrival, "a frame is missing, or is not as large as its record says");
    return zanni__frame_take (peer->hub, buffer_p, frame, wire->dimensions ? 64 : 8);
}

/* The buffers that are there; NULL for those that come in chunks. */
static int
s_take_buffers (s_arrival_t *arrival, zanni_buffer_t **buffers, bool *cut)
{
    const zanni_record_t *record = arrival->record;
    for (uint32_t i = 0; i < record->buffers_count; i++) {
        const zanni_wire_buffer_t *wire = &record->buffers [i];
        buffers [i] = NULL;
        *cut |= wire->chunks != 0;
        int rc = wire->chunks ? 0 : s_take_buffer (arrival, wire, &buffers [i]);
        if (!rc && buffers [i])
            rc = s_shape (&buffers [i], wire);
        if (rc) {
            s_drop (buffers, i);
            return arrival->fault ? rc : s_fault (arrival, rc == ZANNI_ENOMEM ? S_NO_MEMORY : "a shape does not fit its buffer");
        }
    }
    return 0;
}

static int
s_take_args (s_arrival_t *arrival)
{
    zanni_record_t *record = arrival->record;
    if (!record->args_framed)
        return record->args_chunks && record->args.size > ZANNI__BUFFER_LARGEST
                   ? s_fault (arrival, "the arguments are larger than was agreed") : 0;
    arrival->args = s_next_frame (arrival);
    if (!arrival->args)
        return s_fault (arrival, "the frame of its arguments is missing");
    record->args = (zanni_bytes_t) { zmq_msg_data (arrival->args), zmq_msg_size (arrival->args) };
    return 0;
}

/* Behind others, or until its buffers are whole. */
static int
s_park (s_arrival_t *arrival)
{
    zanni__hub_t *hub = arrival->peer->hub;
    zanni_buffer_t *args = NULL;
    int rc = arrival->args ? zanni__frame_take (hub, &args, arrival->args, 8) : 0;
    if (!rc)
        rc = zanni__strand_put (arrival->peer, arrival->record, &arrival->bytes, args, &arrival->fault);
    else {
        s_drop (hub->buffers, arrival->record->buffers_count);
        arrival->peer->held -= zanni__inbox_charge (arrival->peer, arrival->record);
    }
    return rc && !arrival->fault ? s_fault (arrival, S_NO_MEMORY) : rc;
}

/* A record of an actor's kind. */
static int
s_take_record (s_arrival_t *arrival)
{
    zanni__peer_t *peer = arrival->peer;
    zanni_record_t *record = arrival->record;
    bool cut = record->args_chunks != 0;
    int rc = s_take_args (arrival);
    if (!rc)
        rc = s_count (arrival);
    if (rc)
        return rc;
    if (record->buffers_count)
        rc = s_take_buffers (arrival, peer->hub->buffers, &cut);
    if (rc) {
        peer->held -= zanni__inbox_charge (peer, record);   // the runtime does not get it
        return rc;
    }
    if (cut || (peer->in.strands && zanni__strand_wanted (&peer->in, record)))
        return s_park (arrival);
    return zanni__inbox_deliver (peer, record, peer->hub->buffers, &arrival->fault);
}

static int
s_take_timed (s_arrival_t *arrival)
{
    zanni_record_t *record = arrival->record;
    if (record->remaining_ms >= 0) {
        bool late = (uint64_t) record->remaining_ms < arrival->held_ms;
        record->remaining_ms = late ? 0 : record->remaining_ms - (int64_t) arrival->held_ms;
    }
    return s_take_record (arrival);
}

static int
s_take_chunk (s_arrival_t *arrival)
{
    zanni_bytes_t bytes = arrival->record->as.chunk.bytes;
    zmq_msg_t *frame = bytes.data ? NULL : s_next_frame (arrival);
    arrival->peer->in.ack_now = true;   // the next one waits for that
    if (!bytes.data && !frame)
        return s_fault (arrival, "CHUNK: its frame is missing");
    if (frame)
        bytes = (zanni_bytes_t) { zmq_msg_data (frame), zmq_msg_size (frame) };
    return zanni__chunk_take (arrival->peer, arrival->record, &bytes, &arrival->fault);
}

static int
s_take_ack (s_arrival_t *arrival)
{
    zanni__session_acknowledge (arrival->peer, arrival->record->as.batch.ack, &arrival->record->as.batch.window);
    return 0;
}

static int
s_take (s_arrival_t *arrival)
{
    zanni_record_t *record = arrival->record;
    arrival->args = NULL;
    switch (record->kind) {
    case ZANNI_RECORD_BATCH:
    case ZANNI_RECORD_HELLO:
    case ZANNI_RECORD_WELCOME:
    case ZANNI_RECORD_BYE:
        return s_fault (arrival, "this record does not belong into a numbered message");
    case ZANNI_RECORD_ACK:
        return s_take_ack (arrival);
    case ZANNI_RECORD_CHUNK:
        return s_take_chunk (arrival);
    case ZANNI_RECORD_LANE:
        return zanni__share_told (arrival->peer, record) ? 0 : s_fault (arrival, "LANE: it gives back what was not lent");
    case ZANNI_RECORD_ASK:
    case ZANNI_RECORD_SPAWN:
        return s_take_timed (arrival);
    case ZANNI_RECORD_DOWN:
        return zanni__home_down (arrival->peer, record) ? 0 : s_take_record (arrival);
    default:
        return s_take_record (arrival);
    }
}

/* A tell whose head is that of the last one need not be read but for its arguments: they are compared as bytes. */
static bool
s_take_again (zanni__peer_t *peer, zanni__reader_t *reader)
{
    zanni_bytes_t args;
    const uint8_t *at = reader->at;
    zanni__inbox_t *in = &peer->in;
    if (!zanni__tell_again (reader, in->head, in->head_size, &args))
        return false;
    uint64_t charge = zanni__charge_of (peer, args.size);
    if (!in->strands && s_charge (peer, charge, args.size)) {
        if (zanni_worker_tell_again (peer->hub->worker, &peer->base, &args))
            return true;
        peer->held -= charge;
        in->came -= charge;
    }
    reader->at = at;
    in->head_size = 0;
    return false;
}

/* Of what waits in a strand, or came out of one, the runtime has not been told last. */
static void
s_keep_head (const s_arrival_t *arrival)
{
    zanni__inbox_t *in = &arrival->peer->in;
    in->head_size = in->strands ? 0 : zanni__tell_head (arrival->bytes.data, arrival->bytes.size, arrival->record);
    if (in->head_size)
        memcpy (in->head, arrival->bytes.data, in->head_size);
}

/* All records of the message; false: the session ended meanwhile, or ends now. */
static bool
s_take_all (s_arrival_t *arrival, zanni__reader_t *reader)
{
    zanni__peer_t *peer = arrival->peer;
    zanni__hub_t *hub = peer->hub;
    uint32_t generation = peer->generation;
    int rc = 0, more = 1;
    while (!rc && more > 0) {
        hub->records++;
        if (s_take_again (peer, reader))
            continue;
        arrival->bytes.data = reader->at;
        more = zanni__record_read (reader, arrival->record, &hub->tables, &arrival->fault);
        if (more <= 0)
            break;
        arrival->bytes.size = (size_t) (reader->at - (const uint8_t *) arrival->bytes.data);
        rc = s_take (arrival);
        if (peer->generation != generation)
            return false;
        s_keep_head (arrival);
    }
    if (!rc && more == 0 && arrival->mail->used == arrival->mail->count && !arrival->mail->crowded)
        return true;
    zanni__session_fault (peer, arrival->fault && (rc || more < 0) ? arrival->fault : "it has frames that no record counts");
    return false;
}

/* When the peer is told what came: at once where it may wait for that, or with what leaves next, or soon. */
static void
s_answer (zanni__peer_t *peer)
{
    zanni__inbox_t *in = &peer->in;
    if (in->ack_now || zanni__window_tell_now (in, peer->out.window, peer->held)) {
        in->ack_now = true;
        zanni__session_dirty (peer);
    }
    else if (in->ack_ns == INT64_MAX) {
        in->ack_ns = peer->hub->worker->now_ns + ZANNI__ACK_DELAY_NS;
        zanni__hub_due (peer->hub, in->ack_ns);
    }
}

void
zanni__inbox_take (zanni__peer_t *peer, zanni__mail_t *mail, zanni__reader_t *reader, const zanni_record_t *batch)
{
    zanni_record_t record;
    uint32_t generation = peer->generation;
    uint64_t sequence = batch->as.batch.sequence;
    s_arrival_t arrival = {
        .peer = peer, .mail = mail, .record = &record, .held_ms = batch->as.batch.held_ms
    };
    zanni__session_acknowledge (peer, batch->as.batch.ack, &batch->as.batch.window);
    if (peer->generation != generation)
        return;
    if (sequence > peer->in.seen + 1) {
        zanni__session_fault (peer, "a batch is missing");
        return;
    }
    if (sequence <= peer->in.seen) {   // sent again, and so the sender does not know
        peer->in.ack_now = true;
        zanni__session_dirty (peer);
        return;
    }
    peer->in.seen = sequence;
    if (s_take_all (&arrival, reader))
        s_answer (peer);
}

void
zanni__peer_taken (zanni__peer_t *peer, uint64_t charge)
{
    zanni__inbox_t *in = &peer->in;
    peer->held -= charge < peer->held ? charge : peer->held;
    if (!peer->up || in->told_room == peer->out.window)
        return;
    if (zanni__window_tell_now (in, peer->out.window, peer->held)) {
        if (zanni__post_ack (peer))
            zanni__peer_sent (peer);
    }
    else if (in->ack_ns == INT64_MAX && !peer->held) {
        in->ack_ns = peer->hub->worker->now_ns + ZANNI__ACK_DELAY_NS;
        zanni__hub_due (peer->hub, in->ack_ns);
    }
}
