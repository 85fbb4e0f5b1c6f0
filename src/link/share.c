/* Buffers that are lent instead of sent: both processes map the same memory.

   The sender gives a descriptor of a piece of memory, a segment, once, by the lane's socket and before the first record
   that names it; the receiver checks it (a memory file, of a fixed size, all there, that nobody maps to write any more),
   maps it to read, and keeps it mapped. From then on a buffer in it costs a few bytes in a record. The sender keeps a
   count of the buffer for each such record, a loan, until the receiver's last user is done and says so by LANE; since
   blocks are used again, the next buffer is mostly in a segment that the receiver knows. When the sender has given a
   segment back to the system it says that, too, and the receiver lets go of it.

   A loan whose session ends is over, but the other process may live and read on: that memory is not used again, unless a
   home has said that the process has ended. What was lent to us can be lent on in the same way, as long as it is ours.

   Memory that cannot be mapped by others (the program's own, small blocks, one beyond the quota) is copied once into some
   that can; where there is none either, the buffer goes as frames or chunks. */

#include "hub.h"

#include "../base/memfd.h"
#include "../base/memory.h"
#include "../base/passing.h"
#include "../message/buffer.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define S_MAPPINGS_MOST 4096   // that one peer may have us keep
#define S_LOANS_IDLE 256       // segments that a peer keeps mapped without need

/* What goes by the socket with a descriptor. */
typedef struct {
    uint64_t serial;
    uint64_t size;
} s_notice_t;

/* A segment of ours that the peer has mapped. */
typedef struct {
    zanni__entry_t entry;          // by serial
    zanni_buffer_t *kept;          // while it is lent
    uint32_t uses;                 // records that have it and are not given back
    bool passing;                  // not of our region: it may vanish without a word, so the peer is not to keep it
} s_loan_t;

/* A segment of the peer's that we have mapped. It outlives the lane as long as buffers are in it. */
typedef struct {
    zanni__entry_t entry;          // by the peer's serial
    zanni__link_t returning;       // among the lane's that have uses to give back
    zanni__lane_t *lane;           // NULL: that is closed
    const uint8_t *data;
    uint64_t size;
    uint64_t serial;               // our own, by which it is lent on
    int fd;
    _Atomic uint32_t uses;         // buffers in it; on the worker's thread as long as that lives
    uint32_t back;                 // uses that are over and not told yet
    bool forgotten;                // the peer has no more use for it
    _Atomic bool abandoned;        // somebody to whom it was lent on may read it for ever: its uses are not given back
} s_mapping_t;

static s_loan_t *
s_loan_find (const zanni__lane_t *lane, uint64_t serial)
{
    return (s_loan_t *) (void *) zanni__table_find (&lane->loans, serial);
}

static void
s_loan_free (zanni__lane_t *lane, s_loan_t *loan)
{
    zanni__table_remove (&lane->loans, &loan->entry);
    zanni_buffer_destroy (&loan->kept);
    zanni__free (loan);
}

/* false: the socket is full, or has ended. */
static bool
s_send_descriptor (const zanni__lane_t *lane, const zanni_segment_t *segment)
{
    s_notice_t notice = { segment->serial, segment->size };
    return zanni__pass (lane->socket, &notice, sizeof notice, &segment->fd, 1);
}

/* The loan of a segment, new where the peer does not know it; NULL: it cannot be lent. */
static s_loan_t *
s_loan_get (zanni__lane_t *lane, const zanni_segment_t *segment)
{
    s_loan_t *loan = s_loan_find (lane, segment->serial);
    if (loan)
        return loan;
    loan = zanni__calloc (sizeof *loan);
    if (!loan)
        return NULL;
    if (!s_send_descriptor (lane, segment) || !zanni__table_put (&lane->loans, &loan->entry, segment->serial)) {
        zanni__free (loan);   // should it know now, it does not hear of it
        return NULL;
    }
    const zanni_node_t *node = lane->hub->worker->node;
    loan->passing = !node->region_ops->has (node->region, segment->serial);
    return loan;
}

/* Whether the bytes lie there as a receiver may ask for. */
static bool
s_lies_well (const zanni_buffer_t *buffer, const zanni_segment_t *segment)
{
    return segment->offset % (zanni_buffer_array (buffer, NULL, NULL) ? 64 : 8) == 0;
}

static bool
s_lend (zanni__lane_t *lane, const zanni_buffer_t *buffer, zanni_wire_buffer_t *wire)
{
    zanni_segment_t segment;
    if (!zanni__buffer_segment (buffer, &segment) || !s_lies_well (buffer, &segment))
        return false;
    s_loan_t *loan = s_loan_get (lane, &segment);
    if (!loan)
        return false;
    if (!loan->uses++)
        loan->kept = zanni_buffer_keep (buffer);
    wire->segment = segment.serial;
    wire->offset = segment.offset;
    return true;
}

/* A copy of a buffer that can be lent, if there is room for one. */
static bool
s_lend_copy (zanni__lane_t *lane, const zanni_buffer_t *buffer, zanni_wire_buffer_t *wire)
{
    void *data;
    zanni_buffer_t *copy = NULL;
    zanni_segment_t segment;
    bool lent = false;
    if (zanni_worker_buffer (lane->hub->worker, &copy, zanni_buffer_size (buffer)))
        return false;
    if (zanni__buffer_segment (copy, &segment) && !zanni_buffer_edit (&data, copy)) {
        memcpy (data, zanni_buffer_data (buffer), zanni_buffer_size (buffer));
        lent = s_lend (lane, copy, wire);
    }
    zanni_buffer_destroy (&copy);
    return lent;
}

bool
zanni__share_out (zanni__peer_t *peer, const zanni_buffer_t *buffer, zanni_wire_buffer_t *wire)
{
    zanni__lane_t *lane = peer->lane;
    return s_lend (lane, buffer, wire) || s_lend_copy (lane, buffer, wire);
}

/* So many uses of a segment are over. */
static bool
s_give_back (zanni__lane_t *lane, uint64_t serial, uint64_t count)
{
    s_loan_t *loan = s_loan_find (lane, serial);
    if (!loan || count > loan->uses)
        return false;
    loan->uses -= (uint32_t) count;
    if (loan->uses)
        return true;
    zanni_buffer_destroy (&loan->kept);
    lane->loans_stale |= loan->passing || lane->loans.count > S_LOANS_IDLE;
    return true;
}

void
zanni__share_undo (zanni__peer_t *peer, const zanni_wire_buffer_t *wire)
{
    if (wire->segment && peer->lane)
        (void) s_give_back (peer->lane, wire->segment, 1);
}

static void
s_mapping_free (s_mapping_t *mapping)
{
    (void) munmap ((void *) (uintptr_t) mapping->data, mapping->size);
    close (mapping->fd);
    zanni__free (mapping);
}

/* Nobody here has it any more, and nobody will. */
static void
s_mapping_drop (s_mapping_t *mapping)
{
    zanni__table_remove (&mapping->lane->mappings, &mapping->entry);
    zanni__link_remove (&mapping->returning);
    s_mapping_free (mapping);
}

static s_mapping_t *
s_mapping_find (const zanni__lane_t *lane, uint64_t serial)
{
    return (s_mapping_t *) (void *) zanni__table_find (&lane->mappings, serial);
}

/* Maps what came, if it is what it has to be. */
static bool
s_map (zanni__lane_t *lane, const s_notice_t *notice, int fd)
{
    if (!notice->size || !zanni__memfd_is_good (fd, notice->size, true) || s_mapping_find (lane, notice->serial)
        || lane->mappings.count >= S_MAPPINGS_MOST)
        return false;
    s_mapping_t *mapping = zanni__calloc (sizeof *mapping);
    void *data = mapping ? mmap (NULL, notice->size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (data == MAP_FAILED) {
        zanni__free (mapping);
        return false;
    }
    *mapping = (s_mapping_t) {
        .lane = lane, .data = data, .size = notice->size, .serial = zanni__memfd_serial (), .fd = fd
    };
    zanni__link_init (&mapping->returning);
    if (zanni__table_put (&lane->mappings, &mapping->entry, notice->serial))
        return true;
    (void) munmap (data, notice->size);
    zanni__free (mapping);
    return false;
}

/* What the other side has sent is read up to the segment of that number. */
static s_mapping_t *
s_mapping_get (zanni__lane_t *lane, uint64_t serial, const char **fault)
{
    s_notice_t notice;
    int fd;
    s_mapping_t *mapping;
    while (!(mapping = s_mapping_find (lane, serial))) {
        int rc = zanni__pass_take (lane->socket, &notice, sizeof notice, &fd, 1);
        if (!rc && s_map (lane, &notice, fd))
            continue;
        if (!rc)
            close (fd);
        *fault = rc == ZANNI_EROUTE ? "a buffer is in shared memory that did not come"
                                    : "shared memory that came is not what it should be, or cannot be mapped";
        return NULL;
    }
    return mapping;
}

/* The last use of a buffer is over, on its worker's thread, or on another behind the worker's end. */
static void
s_over (void *data, void *hint)
{
    s_mapping_t *mapping = hint;
    (void) data;
    /* acq_rel: where the worker has ended the last of several threads frees it. */
    bool last = atomic_fetch_sub_explicit (&mapping->uses, 1, memory_order_acq_rel) == 1;
    if (mapping->lane && !atomic_load_explicit (&mapping->abandoned, memory_order_relaxed)) {
        mapping->back++;
        if (zanni__list_empty (&mapping->returning))
            zanni__list_append (&mapping->lane->returns, &mapping->returning);
        if (mapping->lane->peer)
            zanni__session_dirty (mapping->lane->peer);
    }
    if (last && !mapping->lane)
        s_mapping_free (mapping);
}

/* What is lent on. */
static int
s_share_on (void *region, const zanni_block_t *block, zanni_segment_t *segment)
{
    const s_mapping_t *mapping = region;
    (void) block;
    *segment = (zanni_segment_t) {
        .serial = mapping->serial, .fd = mapping->fd, .size = mapping->size,
        .offset = (size_t) ((const uint8_t *) block->data - mapping->data)
    };
    return 0;
}

static void
s_abandon (void *region, const zanni_block_t *block)
{
    (void) block;
    atomic_store_explicit (&((s_mapping_t *) region)->abandoned, true, memory_order_relaxed);
}

static void
s_release (void *region, zanni_block_t *block)
{
    (void) region, (void) block;   // s_over sees to it, at home
}

static const zanni_region_ops_t s_mapped = { .share = s_share_on, .abandon = s_abandon, .release = s_release };

int
zanni__share_in (zanni__peer_t *peer, zanni_buffer_t **buffer_p, const zanni_wire_buffer_t *wire, const char **fault)
{
    if (!peer->lane || peer->level < 3 || !wire->size) {
        *fault = "a buffer is in shared memory, which was not agreed on";
        return ZANNI_EARGS;
    }
    s_mapping_t *mapping = s_mapping_get (peer->lane, wire->segment, fault);
    if (!mapping)
        return ZANNI_EARGS;
    if (wire->offset > mapping->size || wire->size > mapping->size - wire->offset || wire->offset % 8) {
        *fault = "a buffer lies outside of its shared memory";
        return ZANNI_EARGS;
    }
    const zanni_block_t block = { (void *) (uintptr_t) (mapping->data + wire->offset), wire->size, mapping };
    int rc = zanni_worker_wrap (peer->hub->worker, buffer_p, &block, s_over);
    if (rc)
        return rc;
    (*buffer_p)->ops = &s_mapped;
    (*buffer_p)->region = mapping;
    /* Relaxed: on the worker's thread. */
    atomic_fetch_add_explicit (&mapping->uses, 1, memory_order_relaxed);
    return 0;
}

static void
s_forget (zanni__lane_t *lane, uint64_t serial)
{
    s_mapping_t *mapping = s_mapping_find (lane, serial);
    if (!mapping)
        return;
    mapping->forgotten = true;
    if (!mapping->uses && zanni__list_empty (&mapping->returning))
        s_mapping_drop (mapping);
}

bool
zanni__share_told (zanni__peer_t *peer, const zanni_record_t *record)
{
    if (!peer->lane)
        return false;
    if (record->as.lane.count)
        return s_give_back (peer->lane, record->as.lane.segment, record->as.lane.count);
    s_forget (peer->lane, record->as.lane.segment);
    return true;
}

/* Records of our own: false where there is no memory now. */
static bool
s_tell (zanni__peer_t *peer, uint64_t segment, uint64_t count)
{
    int rc;
    const zanni_record_t record = { .kind = ZANNI_RECORD_LANE, .as.lane = { segment, count } };
    return zanni__outbox_place (peer, &record, NULL, 0, &rc) != NULL;
}

static void
s_tell_returns (zanni__peer_t *peer)
{
    zanni__lane_t *lane = peer->lane;
    while (!zanni__list_empty (&lane->returns)) {
        s_mapping_t *mapping = ZANNI__CONTAINER (lane->returns.next, s_mapping_t, returning);
        if (!s_tell (peer, mapping->entry.hash, mapping->back))
            return;
        mapping->back = 0;
        zanni__link_remove (&mapping->returning);
        if (mapping->forgotten && !mapping->uses)
            s_mapping_drop (mapping);
    }
}

/* Segments that are not lent now, and will not be again, or not soon. */
static void
s_tell_stale (zanni__peer_t *peer)
{
    zanni__lane_t *lane = peer->lane;
    const zanni_node_t *node = lane->hub->worker->node;
    for (uint32_t i = 0; i < lane->loans.size; i++)
        for (zanni__entry_t *next, *entry = lane->loans.buckets [i]; entry; entry = next) {
            s_loan_t *loan = (s_loan_t *) (void *) entry;
            uint64_t serial = loan->entry.hash;
            next = entry->next;
            bool stale = loan->passing || lane->loans.count > S_LOANS_IDLE
                         || !node->region_ops->has (node->region, serial);
            if (!loan->uses && stale && s_tell (peer, serial, 0))
                s_loan_free (lane, loan);
        }
}

void
zanni__share_flush (zanni__peer_t *peer)
{
    zanni__lane_t *lane = peer->lane;
    const zanni_node_t *node = lane->hub->worker->node;
    if (!zanni__list_empty (&lane->returns))
        s_tell_returns (peer);
    uint64_t gone = lane->loans.count ? node->region_ops->gone (node->region) : lane->gone;
    if (!lane->loans_stale && gone == lane->gone)
        return;
    lane->gone = gone;
    lane->loans_stale = false;
    s_tell_stale (peer);
}

/* The lane is closed. `over`: the other process has ended, and reads nothing any more. */
void
zanni__share_end (zanni__lane_t *lane, bool over)
{
    uint32_t at = 0;
    zanni__entry_t *entry;
    while ((entry = zanni__table_first (&lane->loans, &at))) {
        s_loan_t *loan = (s_loan_t *) (void *) entry;
        if (loan->uses && !over)
            zanni__buffer_abandon (loan->kept);
        s_loan_free (lane, loan);
    }
    at = 0;
    while ((entry = zanni__table_first (&lane->mappings, &at))) {
        s_mapping_t *mapping = (s_mapping_t *) (void *) entry;
        zanni__table_remove (&lane->mappings, &mapping->entry);
        zanni__link_remove (&mapping->returning);
        mapping->lane = NULL;
        if (!mapping->uses)
            s_mapping_free (mapping);
    }
    zanni__table_free (&lane->loans);
    zanni__table_free (&lane->mappings);
}
