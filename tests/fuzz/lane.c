/* One end of a lane, lane.c and ring.c as they are, between a session that is not there and another end that does what
   bytes tell it. The same bytes also say what our end is called for, so that one input is one story.

   Another process can write between any two of our reads. Here it can, too: whatever lane.c calls of ring.c goes through
   this file (the linker's --wrap), and the other end acts in front of it and behind it. Between the last of these and a
   position that is read nothing else is read, so that no order is left out.

   What must hold: what is handed out keeps to the limits, lies in memory of our own, does not change any more, and is
   made of bytes that came; no call of ours goes on for ever, whatever comes meanwhile; a lane that is at fault ends; and
   nothing is held at the end (the address sanitizer sees that, and what lies outside of the blocks). */

#include "lane.h"

#include "base/memfd.h"
#include "base/memory.h"
#include "link/hub.h"
#include "support/hostile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_MESSAGES 16         // a look
#define S_STEPS (1u << 20)    // calls of ring.c in one call of ours: a full ring of empty messages has fewer
#define S_PARCEL 70000

static struct {
    zanni__hub_t hub;
    zanni__peer_t peer;
    zanni__lane_t lane;
    zanni__ring_t into;        // the other end's view of what we read
    zanni__ring_t from;        // and of what we write
    hostile_t hostile;
    zanni__parcel_t *parcel;
    zanni__frame_t frames [ZANNI_WIRE_FRAMES_MAX];
    uint64_t steps;            // of the call of ours that runs
    uint64_t bytes;            // taken since the last message
    lane_count_t count;
} s_world;

static zanni__ring_t s_ends [4];   // in, its other end, out, its other end

void __real_zanni__ring_take (zanni__ring_t *ring, void *to, size_t size);
bool __real_zanni__ring_took (zanni__ring_t *ring);
void __real_zanni__ring_put (zanni__ring_t *ring, const void *bytes, size_t size);
bool __real_zanni__ring_wrote (zanni__ring_t *ring);
bool __real_zanni__ring_wait_for_room (zanni__ring_t *ring, uint64_t wanted);
bool __real_zanni__ring_sleep (zanni__ring_t *ring);
void __wrap_zanni__ring_take (zanni__ring_t *ring, void *to, size_t size);
bool __wrap_zanni__ring_took (zanni__ring_t *ring);
void __wrap_zanni__ring_put (zanni__ring_t *ring, const void *bytes, size_t size);
bool __wrap_zanni__ring_wrote (zanni__ring_t *ring);
bool __wrap_zanni__ring_wait_for_room (zanni__ring_t *ring, uint64_t wanted);
bool __wrap_zanni__ring_sleep (zanni__ring_t *ring);

static void
s_expect (bool condition)
{
    if (!condition)
        abort ();
}

/* The other end's turn. */
static void
s_interfere (void)
{
    s_expect (++s_world.steps < S_STEPS);
    hostile_write (&s_world.hostile, &s_world.into);
    hostile_read (&s_world.hostile, &s_world.from);
}

void
__wrap_zanni__ring_take (zanni__ring_t *ring, void *to, size_t size)
{
    s_interfere ();
    s_expect (ring == &s_world.lane.in && size <= ZANNI__RING_SIZE);
    __real_zanni__ring_take (ring, to, size);
    s_world.bytes += size;
    s_interfere ();
}

bool
__wrap_zanni__ring_took (zanni__ring_t *ring)
{
    bool wake = __real_zanni__ring_took (ring);
    s_interfere ();
    return wake;
}

void
__wrap_zanni__ring_put (zanni__ring_t *ring, const void *bytes, size_t size)
{
    s_interfere ();
    s_expect (ring == &s_world.lane.out && size <= ZANNI__RING_SIZE);
    __real_zanni__ring_put (ring, bytes, size);
}

bool
__wrap_zanni__ring_wrote (zanni__ring_t *ring)
{
    bool wake = __real_zanni__ring_wrote (ring);
    s_interfere ();
    return wake;
}

bool
__wrap_zanni__ring_wait_for_room (zanni__ring_t *ring, uint64_t wanted)
{
    s_interfere ();
    bool waits = __real_zanni__ring_wait_for_room (ring, wanted);
    s_interfere ();
    return waits;
}

bool
__wrap_zanni__ring_sleep (zanni__ring_t *ring)
{
    s_interfere ();
    return __real_zanni__ring_sleep (ring);
}

/* What lane.c wants of the rest of the folder. */

int
zanni__hook_fd_add (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t events)
{
    (void) worker, (void) hook, (void) events;
    return 0;
}

void
zanni__session_dirty (zanni__peer_t *peer)
{
    (void) peer;
}

void
zanni__parcel_drop (zanni__parcel_t *parcel)
{
    s_expect (parcel == s_world.parcel && atomic_fetch_sub (&parcel->users, 1) > 1);
}

void
zanni__parcel_empty (zanni__parcel_t *parcel)
{
    s_expect (parcel == s_world.parcel && parcel->over && !parcel->posting);
}

void
zanni__mail_close (zanni__mail_t *mail)
{
    s_expect (!zmq_msg_close (&mail->header));
    for (uint32_t i = 0; i < mail->count; i++)
        s_expect (!zmq_msg_close (&mail->frames [i]));
    mail->count = 0;
}

/* The session is over, and its lane with it: what is not mapped any more is not touched. */
static void
s_end (void)
{
    zanni__lane_t *lane = &s_world.lane;
    s_world.peer.lane = NULL;
    s_world.peer.generation++;
    zanni__lane_end (lane);
    zanni__link_remove (&lane->all);
    lane->in = lane->out = (zanni__ring_t) { .shared = NULL };
    lane->peer = NULL;
}

void
zanni__session_fault (zanni__peer_t *peer, const char *text)
{
    s_expect (peer == &s_world.peer && text && *text && peer->lane);
    s_world.count.faults++;
    s_end ();
}

/* The message's bytes, or some of them, in a number. */
static uint64_t
s_look (zanni__mail_t *mail)
{
    const uint8_t *header = zmq_msg_data (&mail->header);
    uint64_t sum = 0, bytes = zmq_msg_size (&mail->header) + (2 + mail->count) * sizeof (uint32_t);
    s_expect (zmq_msg_size (&mail->header) <= ZANNI_WIRE_HEADER_MAX && mail->count <= ZANNI_WIRE_FRAMES_MAX);
    s_expect (header < s_ends [0].data || header >= s_ends [0].data + 2 * ZANNI__RING_SIZE);
    for (size_t i = 0; i < zmq_msg_size (&mail->header); i++)
        sum = sum * 31 + header [i];
    for (uint32_t i = 0; i < mail->count; i++) {
        const uint8_t *frame = zmq_msg_data (&mail->frames [i]);
        size_t size = zmq_msg_size (&mail->frames [i]);
        s_expect (size <= ZANNI_WIRE_FRAME_MAX);
        for (size_t at = 0; at < size; at += 1 + size / 64)
            sum = sum * 31 + frame [at];
        bytes += size;
    }
    s_expect (bytes == s_world.bytes);
    return sum;
}

void
zanni__mail_by_lane (zanni__peer_t *peer, zanni__mail_t *mail)
{
    uint64_t sum = s_look (mail);
    s_expect (peer == &s_world.peer && peer->lane);
    s_interfere ();
    s_expect (s_look (mail) == sum);
    s_world.bytes = 0;
    s_world.count.messages++;
    if (hostile_byte (&s_world.hostile) == 255)
        s_end ();
}

/* Our end. */

static void
s_post (hostile_t *hostile)
{
    static uint8_t content [ZANNI_WIRE_FRAME_MAX];
    const zanni_bytes_t batch = { .data = "batch", .size = 5 };
    zanni__parcel_t *parcel = s_world.parcel;
    if (atomic_load (&parcel->users) > 1)
        return;   // it is still being written
    parcel->end = ZANNI__PARCEL_FRONT + (hostile_byte (hostile) % 8 ? hostile_byte (hostile) : hostile_word (hostile));
    parcel->over = hostile_byte (hostile) % 2;
    parcel->frames_count = hostile_byte (hostile) % 8;
    if (parcel->frames_count == 7)
        parcel->frames_count = ZANNI_WIRE_FRAMES_MAX;
    for (uint32_t i = 0; i < parcel->frames_count; i++) {
        size_t size = (size_t) hostile_byte (hostile) << hostile_byte (hostile) % 16;
        s_world.frames [i] = (zanni__frame_t) {
            .data = content, .size = size < sizeof content ? size : sizeof content
        };
    }
    (void) zanni__lane_post (&s_world.peer, parcel, &batch);
}

/* One call of ours. */
static void
s_call (hostile_t *hostile)
{
    static const uint8_t ack [256];
    uint32_t generation = s_world.peer.generation;
    s_world.steps = 0;
    s_world.hub.messages = 0;
    switch (hostile_byte (hostile) % 8) {
    case 0:
        s_post (hostile);
        break;
    case 1:
        zanni__lane_go_on (&s_world.lane);
        break;
    case 2:
        (void) zanni__lane_say (&s_world.peer, ack, hostile_byte (hostile));
        break;
    case 3:
        (void) zanni__lanes_sleep (&s_world.hub);
        break;
    case 4:
        s_expect (zanni__lane_drain (&s_world.peer) == (generation == s_world.peer.generation));
        break;
    default:
        zanni__lanes_read (&s_world.hub);
        s_expect (s_world.hub.messages <= S_MESSAGES);
    }
}

static void
s_map (void)
{
    for (int i = 0; i < 4; i += 2) {
        int fd;
        s_expect (!zanni__memfd_new (&fd, ZANNI__RING_MAPPED) && !zanni__ring_map (&s_ends [i], fd, 0)
                  && !zanni__ring_map (&s_ends [i + 1], fd, 0));
        close (fd);
    }
    s_world.parcel = calloc (1, sizeof *s_world.parcel + S_PARCEL);
    s_world.lane.other_bell = open ("/dev/null", O_WRONLY | O_CLOEXEC);
    s_expect (s_world.parcel && s_world.lane.other_bell >= 0);
    s_world.parcel->frames = s_world.frames;
}

/* An end at a position that both agree on. */
static zanni__ring_t
s_at (const zanni__ring_t *ring, uint64_t position)
{
    *ring->shared = (zanni__ring_shared_t) { .written = position, .read = position };
    return (zanni__ring_t) { .shared = ring->shared, .data = ring->data, .own = position, .other = position };
}

static void
s_begin (uint64_t position)
{
    int bell = s_world.lane.other_bell;
    memset (&s_world.hub, 0, sizeof s_world.hub);
    memset (&s_world.peer, 0, sizeof s_world.peer);
    memset (s_ends [0].data, 0, ZANNI__RING_SIZE);   // the same bytes tell the same story each time
    zanni__link_init (&s_world.hub.lanes);
    s_world.hub.messages_most = S_MESSAGES;
    s_world.lane = (zanni__lane_t) {
        .hub = &s_world.hub, .peer = &s_world.peer, .other_bell = bell, .rings = true,
        .in = s_at (&s_ends [0], position), .out = s_at (&s_ends [2], position)
    };
    zanni__link_init (&s_world.lane.all);
    s_world.into = s_at (&s_ends [1], position);
    s_world.from = s_at (&s_ends [3], position);
    s_world.peer.lane = &s_world.lane;
    s_world.bytes = 0;
    atomic_store (&s_world.parcel->users, 1);
    s_expect (!zanni__lane_begin (&s_world.lane, true));
}

void
lane_drive (const uint8_t *data, size_t size, lane_count_t *count)
{
    if (!s_ends [0].shared)
        s_map ();
    s_world.hostile = (hostile_t) { .data = data, .size = size };
    s_world.count = (lane_count_t) { .messages = 0 };
    s_begin (hostile_byte (&s_world.hostile) * UINT64_C (0x0101010101010101));
    while (s_world.hostile.size && s_world.peer.lane) {
        s_call (&s_world.hostile);
        hostile_write (&s_world.hostile, &s_world.into);
        hostile_read (&s_world.hostile, &s_world.from);
    }
    if (s_world.lane.fault && s_world.peer.lane)
        zanni__lanes_read (&s_world.hub);   // who found it while it wrote says so when it reads
    s_expect (!s_world.lane.fault || !s_world.peer.lane);
    if (s_world.peer.lane)
        s_end ();
    s_expect (atomic_load (&s_world.parcel->users) == 1);
    zanni__free (s_world.lane.header);
    count->messages += s_world.count.messages;
    count->faults += s_world.count.faults;
}
