/* Messages through a lane.

   A message lies in the ring as its sizes (of the header, of how many frames, of each), its header and its frames, back to
   back: all up to the end of the header is shown at once, so that the reader finds it whole; frames may be larger than the
   ring and come as there is room. The header is copied out before it is parsed, for its writer may change it at any time;
   so is everything else. What cannot be ends the session, like other faults of the peer's.

   The numbers, windows and acknowledgements of the session are what they are on ZeroMQ connections: a ring loses nothing
   as long as both processes live, but one of them may not. HELLO, WELCOME and BYE go by the connection; behind a BYE, and
   behind the connection's end, what is still in the ring is read first.

   A reader that sleeps and a writer that found no room are woken by an eventfd, which otherwise nobody touches. */

#include "hub.h"

#include "../base/memory.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define S_SIZES (2 + ZANNI_WIRE_FRAMES_MAX)   // numbers in front of a message: of its header, of frames, of each

static void
s_ring_bell (const zanni__lane_t *lane)
{
    const uint64_t one = 1;
    ssize_t size = write (lane->other_bell, &one, sizeof one);
    (void) size;   // it can only be full, and then it rings
}

/* Something came, or there is room for what waits. */
static void
s_rang (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t events)
{
    uint64_t count;
    zanni__lane_t *lane = (zanni__lane_t *) (void *) hook;
    ssize_t size = read (hook->fd, &count, sizeof count);
    (void) worker, (void) events, (void) size;
    if (lane->peer)
        zanni__session_dirty (lane->peer);
}

int
zanni__lane_begin (zanni__lane_t *lane, bool rings)
{
    lane->rings = lane->rings && rings;
    if (!lane->rings)
        return 0;
    lane->header = zanni__malloc (ZANNI_WIRE_HEADER_MAX);
    if (!lane->header)
        return ZANNI_ENOMEM;
    lane->bell.ready = s_rang;
    int rc = zanni__hook_fd_add (lane->hub->worker, &lane->bell, EPOLLIN);
    if (rc)
        return rc;
    zanni__list_append (&lane->hub->lanes, &lane->all);
    return 0;
}

/* Its frames are in the ring, or the lane ends. */
static void
s_posted (zanni__lane_t *lane)
{
    zanni__parcel_t *parcel = lane->posting;
    lane->posting = NULL;
    parcel->posting = false;
    if (parcel->over)
        zanni__parcel_empty (parcel);
    zanni__parcel_drop (parcel);
}

void
zanni__lane_end (zanni__lane_t *lane)
{
    if (lane->posting)
        s_posted (lane);
    if (lane->partial)
        zanni__mail_close (&lane->mail);
    lane->partial = false;
}

/* Shows what was put. */
static void
s_show (zanni__lane_t *lane)
{
    if (zanni__ring_wrote (&lane->out))
        s_ring_bell (lane);
}

static bool
s_lie (zanni__lane_t *lane)
{
    lane->fault = "what lies in the memory of its lane cannot be";
    return false;
}

/* How many of the wanted bytes there is room for; 0: for less than `least`, and the bell will ring when there is. The
   other end's position is looked at here alone, for it may be another one, and a lie, at every look. */
static size_t
s_room (zanni__lane_t *lane, uint64_t least, uint64_t wanted)
{
    if (lane->fault)
        return 0;
    uint64_t room = zanni__ring_room (&lane->out, wanted);
    if (room < least && !zanni__ring_wait_for_room (&lane->out, least))
        room = zanni__ring_room (&lane->out, least);   // what was seen there: it is not read again
    if (room > ZANNI__RING_SIZE) {
        (void) s_lie (lane);
        return 0;
    }
    return room < least ? 0 : (size_t) (room < wanted ? room : wanted);
}

/* Goes on with the frames; false: there is no room. Once begun they are written to the end, though the parcel may be
   acknowledged meanwhile: it was sent before, on another connection, and what went then has come. */
static bool
s_post_frames (zanni__lane_t *lane)
{
    const zanni__parcel_t *parcel = lane->posting;
    while (lane->posting_frame < parcel->frames_count) {
        const zanni__frame_t *frame = &parcel->frames [lane->posting_frame];
        size_t left = frame->size - lane->posting_at;
        size_t piece = left ? s_room (lane, 1, left) : 0;
        if (left && !piece)
            return false;
        zanni__ring_put (&lane->out, (const uint8_t *) frame->data + lane->posting_at, piece);
        s_show (lane);
        lane->posting_at += piece;
        if (piece < left)
            continue;
        lane->posting_frame++;
        lane->posting_at = 0;
    }
    s_posted (lane);
    return true;
}

/* Puts everything of a message in front of its frames; false: there is no room. */
static bool
s_post_head (zanni__lane_t *lane, const zanni__parcel_t *parcel, const zanni_bytes_t *batch)
{
    uint32_t sizes [S_SIZES];
    uint32_t records = parcel->end - ZANNI__PARCEL_FRONT;
    uint32_t count = 2 + parcel->frames_count;
    sizes [0] = (uint32_t) batch->size + records;
    sizes [1] = parcel->frames_count;
    for (uint32_t i = 0; i < parcel->frames_count; i++)
        sizes [2 + i] = (uint32_t) parcel->frames [i].size;
    uint64_t size = count * sizeof *sizes + sizes [0];
    if (!s_room (lane, size, size))
        return false;
    zanni__ring_put (&lane->out, sizes, count * sizeof *sizes);
    zanni__ring_put (&lane->out, batch->data, batch->size);
    zanni__ring_put (&lane->out, parcel->data + ZANNI__PARCEL_FRONT, records);
    s_show (lane);
    return true;
}

/* One parcel goes whole, as far as the caller is concerned: what does not fit of it now goes before the next. */
bool
zanni__lane_post (zanni__peer_t *peer, zanni__parcel_t *parcel, const zanni_bytes_t *batch)
{
    zanni__lane_t *lane = peer->lane;
    if ((lane->posting && !s_post_frames (lane)) || !s_post_head (lane, parcel, batch))
        return false;
    if (!parcel->frames_count)
        return true;
    zanni__parcel_use (parcel);
    parcel->posting = true;
    lane->posting = parcel;
    lane->posting_frame = 0;
    lane->posting_at = 0;
    (void) s_post_frames (lane);
    return true;
}

bool
zanni__lane_say (zanni__peer_t *peer, const void *bytes, size_t size)
{
    zanni__lane_t *lane = peer->lane;
    const uint32_t sizes [2] = { (uint32_t) size, 0 };
    if ((lane->posting && !s_post_frames (lane)) || !s_room (lane, sizeof sizes + size, sizeof sizes + size))
        return false;
    zanni__ring_put (&lane->out, sizes, sizeof sizes);
    zanni__ring_put (&lane->out, bytes, size);
    s_show (lane);
    return true;
}

/* What waits for room is tried again. */
void
zanni__lane_go_on (zanni__lane_t *lane)
{
    if (lane->posting)
        (void) s_post_frames (lane);
}

/* Takes the head of the next message; false: there is none, or it cannot be. */
static bool
s_take_head (zanni__lane_t *lane, uint64_t ready)
{
    uint32_t sizes [S_SIZES];
    zanni__mail_t *mail = &lane->mail;
    if (ready < 2 * sizeof *sizes)
        return ready ? s_lie (lane) : false;
    zanni__ring_take (&lane->in, sizes, 2 * sizeof *sizes);
    ready -= 2 * sizeof *sizes;
    if (sizes [0] > ZANNI_WIRE_HEADER_MAX || sizes [1] > ZANNI_WIRE_FRAMES_MAX
        || ready < sizes [0] + sizes [1] * sizeof *sizes)
        return s_lie (lane);
    zanni__ring_take (&lane->in, sizes + 2, sizes [1] * sizeof *sizes);
    zanni__ring_take (&lane->in, lane->header, sizes [0]);
    (void) zmq_msg_init_data (&mail->header, lane->header, sizes [0], NULL, NULL);
    mail->count = mail->used = 0;
    mail->crowded = false;
    lane->partial = true;
    lane->filling = 0;
    lane->filled = 0;
    for (uint32_t i = 0; i < sizes [1]; i++) {
        if (sizes [2 + i] > ZANNI_WIRE_FRAME_MAX)
            return s_lie (lane);
        if (zmq_msg_init_size (&mail->frames [i], sizes [2 + i])) {
            lane->fault = "out of memory here";
            return false;
        }
        mail->count++;
    }
    return true;
}

/* Fills the frames; false: more of them has to come. */
static bool
s_take_frames (zanni__lane_t *lane)
{
    zanni__mail_t *mail = &lane->mail;
    while (lane->filling < mail->count) {
        zmq_msg_t *frame = &mail->frames [lane->filling];
        size_t left = zmq_msg_size (frame) - lane->filled;
        uint64_t ready = left ? zanni__ring_ready (&lane->in) : 0;
        size_t piece = ready < left ? (size_t) ready : left;
        if (ready > ZANNI__RING_SIZE)
            return s_lie (lane);
        zanni__ring_take (&lane->in, (uint8_t *) zmq_msg_data (frame) + lane->filled, piece);
        if (piece && zanni__ring_took (&lane->in))
            s_ring_bell (lane);
        lane->filled += piece;
        if (piece < left)
            return false;
        lane->filling++;
        lane->filled = 0;
    }
    return true;
}

/* One message; false: there is none that is whole, or the lane is closed now. */
static bool
s_read (zanni__lane_t *lane)
{
    zanni__peer_t *peer = lane->peer;
    if (!lane->partial) {
        uint64_t ready = zanni__ring_ready (&lane->in);
        if (ready > ZANNI__RING_SIZE ? !s_lie (lane) : !s_take_head (lane, ready))
            return false;
        if (zanni__ring_took (&lane->in))
            s_ring_bell (lane);
    }
    if (!s_take_frames (lane))
        return false;
    lane->partial = false;
    lane->hub->messages++;
    zanni__mail_by_lane (peer, &lane->mail);
    zanni__mail_close (&lane->mail);
    return lane->peer != NULL;
}

static void
s_read_all (zanni__lane_t *lane)
{
    zanni__hub_t *hub = lane->hub;
    while (!lane->fault && !zanni__hub_has_enough (hub) && s_read (lane)) {}
    if (lane->fault && lane->peer)
        zanni__session_fault (lane->peer, lane->fault);
}

/* The one that was read first stands last then. */
void
zanni__lanes_read (zanni__hub_t *hub)
{
    zanni__link_t turn;
    zanni__link_init (&turn);
    while (!zanni__list_empty (&hub->lanes)) {
        zanni__link_t *link = hub->lanes.next;
        zanni__link_remove (link);
        zanni__list_append (&turn, link);
        s_read_all (ZANNI__CONTAINER (link, zanni__lane_t, all));
    }
    while (!zanni__list_empty (&turn)) {
        zanni__link_t *link = turn.next;
        zanni__link_remove (link);
        zanni__list_append (&hub->lanes, link);
    }
}

/* What the other end writes meanwhile is not waited for. */
bool
zanni__lane_drain (zanni__peer_t *peer)
{
    zanni__lane_t *lane = peer->lane;
    uint32_t generation = peer->generation;
    if (!lane || !lane->header)
        return true;
    uint64_t ready = zanni__ring_ready (&lane->in);
    if (ready > ZANNI__RING_SIZE)
        (void) s_lie (lane);
    uint64_t end = lane->in.own + ready;
    while (!lane->fault && (int64_t) (end - lane->in.own) > 0 && s_read (lane)) {}
    return peer->generation == generation;
}

bool
zanni__lanes_wait (zanni__hub_t *hub)
{
    for (zanni__link_t *link = hub->lanes.next; link != &hub->lanes; link = link->next)
        if (zanni__ring_ready (&ZANNI__CONTAINER (link, zanni__lane_t, all)->in))
            return true;
    return false;
}

/* From now on whoever writes rings the bell. */
bool
zanni__lanes_sleep (zanni__hub_t *hub)
{
    for (zanni__link_t *link = hub->lanes.next; link != &hub->lanes; link = link->next)
        if (!zanni__ring_sleep (&ZANNI__CONTAINER (link, zanni__lane_t, all)->in))
            return false;
    return true;
}
