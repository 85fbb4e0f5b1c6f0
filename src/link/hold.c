/* Records that wait at their sender.

   A record whose buffer is cut is on its way long before the buffer is whole there, and the receiver keeps later ones of
   the same two actors back until then: see strand.c. It cannot for answers and the like, which do not name the actors on
   the wire. So those are kept back here, until the last piece of what their sender sent before has left; and everything
   that their sender sends to the same actor behind such an answer waits, too, as long as the answer is here or its own
   buffer is under way. The runtime says of such records who sends to whom, though that is not written. */

#include "hub.h"

#include "../base/memory.h"

#include <string.h>

struct zanni__hold {
    zanni__hold_t *next;
    zanni__load_t load;        // with counts of its own; its record is only good for what is not written
    zanni__pair_t pair;
    int64_t since_ns;
    zanni_buffer_t **buffers;
    zanni_wire_buffer_t *wire;
    uint32_t size;
    uint8_t bytes [];
};

static bool
s_is_answer (const zanni_record_t *record)
{
    return record->kind == ZANNI_RECORD_REPLY || record->kind == ZANNI_RECORD_ERROR
           || record->kind == ZANNI_RECORD_SPAWNED || record->kind == ZANNI_RECORD_DOWN
           || record->kind == ZANNI_RECORD_FORWARDED;
}

zanni__pair_t
zanni__pair_of (const zanni_record_t *record)
{
    uint64_t nonce = 0;
    const zanni_wire_ref_t *about = s_is_answer (record) ? NULL : record->about;
    zanni__pair_t pair = {
        .known = record->to.nonce && (record->from.nonce || about), .answer = s_is_answer (record),
        .end = record->kind == ZANNI_RECORD_DOWN, .from = record->from.actor, .to = record->to.actor
    };
    if (!about || !pair.known)
        return pair;
    memcpy (&nonce, about->nonce, sizeof nonce);
    pair.from = zanni__spread (about->actor ^ nonce);
    return pair;
}

static bool
s_are_of_two (const zanni__pair_t *first, const zanni__pair_t *second)
{
    return first->from == second->from && (first->to == second->to || second->end);
}

/* Whether the second must not pass the first. */
static bool
s_stops (const zanni__pair_t *first, const zanni__pair_t *second)
{
    return first->known && second->known && s_are_of_two (first, second) && (first->answer || second->answer);
}

static bool
s_is_stopped (const zanni__outbox_t *out, const zanni__pair_t *pair, const zanni__hold_t *until)
{
    for (const zanni__transfer_t *transfer = out->transfers; transfer; transfer = transfer->next)
        if (s_stops (&transfer->pair, pair))
            return true;
    for (const zanni__hold_t *hold = out->held; hold != until; hold = hold->next)
        if (s_are_of_two (&hold->pair, pair))
            return true;
    return false;
}

bool
zanni__hold_wanted (const zanni__outbox_t *out, const zanni__pair_t *pair)
{
    return s_is_stopped (out, pair, NULL);
}

static void
s_free (zanni__hold_t *hold)
{
    for (uint32_t i = 0; i < hold->load.record.buffers_count; i++)
        zanni_buffer_destroy (&hold->buffers [i]);
    zanni_buffer_destroy (&hold->load.args);
    zanni__transfers_free (hold->load.transfers);
    zanni__claims_free (hold->load.claims);
    zanni__free (hold->buffers);
    zanni__free (hold->wire);
    zanni__free (hold);
}

void
zanni__holds_free (zanni__hold_t *chain)
{
    while (chain) {
        zanni__hold_t *hold = chain;
        chain = hold->next;
        s_free (hold);
    }
}

/* Takes counts of the buffers; the record's table is copied. */
static int
s_keep (zanni__hold_t *hold, const zanni__load_t *load)
{
    uint32_t count = load->record.buffers_count;
    hold->load.record.buffers_count = 0;
    hold->load.transfers = NULL;
    hold->load.claims = NULL;
    hold->load.args = load->args ? zanni_buffer_keep (load->args) : NULL;
    if (!count)
        return 0;
    hold->buffers = zanni__malloc (count * sizeof *hold->buffers);
    hold->wire = zanni__malloc (count * sizeof *hold->wire);
    if (!hold->buffers || !hold->wire)
        return ZANNI_ENOMEM;
    memcpy (hold->wire, load->record.buffers, count * sizeof *hold->wire);
    for (uint32_t i = 0; i < count; i++)
        hold->buffers [i] = zanni_buffer_keep (load->buffers [i]);
    hold->load.record.buffers_count = count;
    hold->load.record.buffers = hold->wire;
    hold->load.buffers = (const zanni_buffer_t *const *) hold->buffers;
    return 0;
}

static zanni__hold_t *
s_new (const zanni__load_t *load, const uint8_t *bytes, size_t size)
{
    zanni__hold_t *hold = zanni__calloc (sizeof *hold + size);
    if (!hold)
        return NULL;
    memcpy (hold->bytes, bytes, size);
    hold->size = (uint32_t) size;
    hold->load = *load;
    hold->pair = load->pair;
    if (!s_keep (hold, load))
        return hold;
    s_free (hold);
    return NULL;
}

/* What waits counts as what is on its way does. */
static void
s_count (zanni__outbox_t *out, const zanni__load_t *load, bool more)
{
    uint64_t *count = load->charge ? &out->charge : &out->weight;
    uint64_t by = load->charge ? load->charge : load->weight;
    *count = more ? *count + by : *count - by;
}

/* On success the load's transfers and claims are the hold's. */
int
zanni__hold_put (zanni__peer_t *peer, zanni__load_t *load)
{
    zanni__outbox_t *out = &peer->out;
    zanni__parcel_t *scratch = zanni__parcel_new (peer->hub->pool, ZANNI_WIRE_HEADER_MAX);
    if (!scratch)
        return ZANNI_ENOMEM;
    size_t size = zanni__record_write (scratch->data, scratch->room - ZANNI__PARCEL_FRONT, &load->record);
    zanni__hold_t *hold = size ? s_new (load, scratch->data, size) : NULL;
    zanni__parcel_drop (scratch);
    if (!hold)
        return size ? ZANNI_ENOMEM : ZANNI_ETOOBIG;
    hold->load.transfers = load->transfers;
    hold->load.claims = load->claims;
    load->transfers = NULL;
    load->claims = NULL;
    hold->since_ns = peer->hub->worker->now_ns;
    s_count (out, &hold->load, true);
    *out->held_last = hold;
    out->held_last = &hold->next;
    return 0;
}

/* Its waiting counts against its deadline, as that of the parcel does. */
static int
s_release (zanni__peer_t *peer, zanni__hold_t *hold)
{
    const zanni_bytes_t written = { hold->bytes, hold->size };
    s_count (&peer->out, &hold->load, false);   // its parcel counts it now
    int rc = zanni__outbox_load (peer, &hold->load, &written);
    if (rc)
        s_count (&peer->out, &hold->load, true);
    zanni__parcel_t *parcel = peer->out.writing;
    if (!rc && parcel && hold->since_ns < parcel->begun_ns)
        parcel->begun_ns = hold->since_ns;
    return rc;
}

void
zanni__holds_release (zanni__peer_t *peer)
{
    zanni__outbox_t *out = &peer->out;
    zanni__hold_t **at = &out->held;
    while (*at) {
        zanni__hold_t *hold = *at;
        if (s_is_stopped (out, &hold->pair, hold) || s_release (peer, hold)) {
            at = &hold->next;
            continue;
        }
        *at = hold->next;
        s_free (hold);
    }
    out->held_last = at;
}
