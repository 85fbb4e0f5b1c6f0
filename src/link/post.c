/* One message leaves.

   A parcel's BATCH is written when it is sent, so that it says what is true now: what has come, how much room there is,
   how long the records have waited. The first sending writes it in front of the records in the block itself; while libzmq
   still has that block from an earlier connection, a further one takes a copy. Buffers are never copied: each sending keeps
   a count of them, which libzmq gives back from a thread of its own. */

#include "hub.h"

#include "../base/race.h"

#include "../base/assert.h"
#include <errno.h>
#include <string.h>

#define S_CONTROL_ROOM 2048   // HELLO is the longest: two endpoints, a name

zanni__way_t
zanni__dial_way (const zanni__dial_t *dial)
{
    return (zanni__way_t) { .socket = dial->dealer.socket };
}

zanni__way_t
zanni__route_way (const zanni__route_t *route)
{
    return (zanni__way_t) { .socket = route->gate->router.socket, .id = route->id, .id_size = route->id_size };
}

zanni__way_t
zanni__peer_way (const zanni__peer_t *peer)
{
    if (peer->ours)
        return peer->dial ? zanni__dial_way (peer->dial) : (zanni__way_t) { .socket = NULL };
    return peer->route ? zanni__route_way (peer->route) : (zanni__way_t) { .socket = NULL };
}

zanni__source_t *
zanni__peer_source (const zanni__peer_t *peer)
{
    if (peer->ours)
        return peer->dial ? &peer->dial->dealer : NULL;
    return peer->route ? &peer->route->gate->router : NULL;
}

void
zanni__peer_sent (zanni__peer_t *peer)
{
    zanni__source_t *source = zanni__peer_has_rings (peer) ? NULL : zanni__peer_source (peer);
    if (source)
        zanni__source_sent (source);
}

/* Whether what is sent next goes to that connection. */
static bool
s_begin (const zanni__way_t *way)
{
    if (!way->socket)
        return false;
    return !way->id_size || zanni__socket_write (way->socket, way->id, way->id_size, true);
}

static bool
s_put (const zanni__way_t *way, zmq_msg_t *msg, bool more)
{
    if (!zanni__socket_send (way->socket, msg, more))
        return true;
    (void) zmq_msg_close (msg);
    return false;
}

/* Called by libzmq on the thread that is done with it. */
static void
s_block_sent (void *data, void *hint)
{
    (void) data;
    ZANNI__TAKEN_OVER (hint);
    zanni__parcel_drop (hint);
}

static void
s_buffer_sent (void *data, void *hint)
{
    zanni_buffer_t *buffer = hint;
    (void) data;
    ZANNI__TAKEN_OVER (buffer);
    zanni_buffer_destroy (&buffer);
}

/* The header, of which `parcel` is given away. */
static bool
s_header (zmq_msg_t *msg, zanni__parcel_t *parcel, const zanni_record_t *batch)
{
    uint8_t front [ZANNI__PARCEL_FRONT];
    size_t size = zanni__record_write (front, sizeof front, batch);
    zanni__assert (size);
    uint8_t *start = parcel->data + ZANNI__PARCEL_FRONT - size;
    memcpy (start, front, size);
    ZANNI__HANDED_OVER (parcel);
    if (!zmq_msg_init_data (msg, start, parcel->end - ZANNI__PARCEL_FRONT + size, s_block_sent, parcel))
        return true;
    zanni__parcel_drop (parcel);
    return false;
}

/* The parcel with one more user, or a copy of its records where libzmq has it already. */
static zanni__parcel_t *
s_block (zanni__parcel_t *parcel)
{
    /* acquire: what libzmq's thread read of it is over when its use is. */
    if (atomic_load_explicit (&parcel->users, memory_order_acquire) == 1) {
        zanni__parcel_use (parcel);
        return parcel;
    }
    zanni__parcel_t *copy = zanni__parcel_new (parcel->pool, parcel->end);
    if (!copy)
        return NULL;
    memcpy (copy->data + ZANNI__PARCEL_FRONT, parcel->data + ZANNI__PARCEL_FRONT, parcel->end - ZANNI__PARCEL_FRONT);
    copy->end = parcel->end;
    return copy;
}

static bool
s_frame (zmq_msg_t *msg, const zanni__frame_t *frame)
{
    if (!frame->size)
        return !zmq_msg_init (msg);
    zanni_buffer_t *kept = zanni_buffer_keep (frame->buffer);
    ZANNI__HANDED_OVER (kept);
    if (!zmq_msg_init_data (msg, (void *) (uintptr_t) frame->data, frame->size, s_buffer_sent, kept))
        return true;
    zanni_buffer_destroy (&kept);
    return false;
}

/* All frames are made before the first is sent: a message cannot be taken back half way. */
static bool
s_frames (zmq_msg_t *msgs, const zanni__parcel_t *parcel)
{
    for (uint32_t i = 0; i < parcel->frames_count; i++)
        if (!s_frame (&msgs [i], &parcel->frames [i])) {
            while (i)
                (void) zmq_msg_close (&msgs [--i]);
            return false;
        }
    return true;
}

static void
s_frames_close (zmq_msg_t *msgs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        (void) zmq_msg_close (&msgs [i]);
}

/* Behind its first part a message cannot fail: where the connection ends meanwhile libzmq drops the rest. */
static bool
s_send (const zanni__way_t *way, zmq_msg_t *header, zmq_msg_t *frames, uint32_t count)
{
    bool begun = s_begin (way);
    if (!begun)
        (void) zmq_msg_close (header);
    if (!begun || !s_put (way, header, count > 0)) {
        s_frames_close (frames, count);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        (void) s_put (way, &frames [i], i + 1 < count);
    return true;
}

static uint64_t
s_window (const zanni__peer_t *peer)
{
    return zanni__window_room (peer->out.window, peer->held);
}

/* The peer knows what has come. */
static void
s_told (zanni__peer_t *peer)
{
    zanni__inbox_t *in = &peer->in;
    in->told = in->seen;
    in->told_room = s_window (peer);
    in->came = 0;
    in->ack_now = false;
    in->ack_ns = INT64_MAX;
}

static bool
s_post_by_lane (zanni__peer_t *peer, zanni__parcel_t *parcel, const zanni_record_t *batch)
{
    uint8_t front [ZANNI__PARCEL_FRONT];
    const zanni_bytes_t written = { front, zanni__record_write (front, sizeof front, batch) };
    if (!zanni__lane_post (peer, parcel, &written))
        return false;
    s_told (peer);
    return true;
}

bool
zanni__post_parcel (zanni__peer_t *peer, zanni__parcel_t *parcel)
{
    zmq_msg_t header;
    zmq_msg_t frames [ZANNI_WIRE_FRAMES_MAX];
    const zanni__way_t way = zanni__peer_way (peer);
    int64_t held_ns = parcel->begun_ns ? peer->hub->worker->now_ns - parcel->begun_ns : 0;
    const zanni_record_t batch = {
        .kind = ZANNI_RECORD_BATCH,
        .as.batch = { parcel->sequence, peer->in.seen, s_window (peer), held_ns > 0 ? (uint64_t) held_ns / 1000000 : 0 }
    };
    if (zanni__peer_has_rings (peer))
        return s_post_by_lane (peer, parcel, &batch);
    zanni__parcel_t *block = s_block (parcel);
    if (!block || !s_header (&header, block, &batch))
        return false;
    if (parcel->frames_count && !s_frames (frames, parcel)) {
        (void) zmq_msg_close (&header);
        return false;
    }
    if (!s_send (&way, &header, frames, parcel->frames_count))
        return false;
    s_told (peer);
    return true;
}

/* A message of one record that has no number: it is not resent. */
static size_t
s_write (uint8_t bytes [S_CONTROL_ROOM], const zanni_record_t *record)
{
    const zanni_record_t batch = { .kind = ZANNI_RECORD_BATCH };
    size_t size = zanni__record_write (bytes, S_CONTROL_ROOM, &batch);
    return size + zanni__record_write (bytes + size, S_CONTROL_ROOM - size, record);
}

bool
zanni__post_record (const zanni__way_t *way, const zanni_record_t *record)
{
    uint8_t bytes [S_CONTROL_ROOM];
    size_t size = s_write (bytes, record);
    return s_begin (way) && zanni__socket_write (way->socket, bytes, size, false);
}

static bool
s_say (zanni__peer_t *peer, const zanni_record_t *record)
{
    uint8_t bytes [S_CONTROL_ROOM];
    const zanni__way_t way = zanni__peer_way (peer);
    return zanni__peer_has_rings (peer) ? zanni__lane_say (peer, bytes, s_write (bytes, record)) : zanni__post_record (&way, record);
}

bool
zanni__post_ack (zanni__peer_t *peer)
{
    const zanni_record_t ack = {
        .kind = ZANNI_RECORD_ACK, .as.batch = { .ack = peer->in.seen, .window = s_window (peer) }
    };
    bool said = s_say (peer, &ack);
    if (said)
        s_told (peer);
    else if (zanni__peer_has_rings (peer))
        peer->in.ack_now = true;   // its bell will ring
    return said;
}
