/* What leaves by a session: everything that is queued for one peer, in as few messages as possible.

   Records are written at once into the parcel that is open; a flush, or a full parcel, seals it: it gets the next number
   and joins the queue of what is not acknowledged. On a connection that was welcomed, sealed parcels are sent; before
   that they gather, and only full ones are sealed. On a new connection, sending begins again behind the last batch that
   the peer has seen.

   A parcel ends when its frames have some size, so that what is large goes on its way while more is written. */

#include "hub.h"

#include "../actor/remote/claims.h"
#include "../message/buffer.h"

#include "../base/memory.h"

#include "../base/assert.h"
#include <string.h>

#define S_FRAMES_BYTES (256u << 10)   // a parcel with so much beside its header is sent

void
zanni__outbox_init (zanni__outbox_t *out, uint64_t window)
{
    *out = (zanni__outbox_t) { .window = window, .room = window };
    out->last = &out->first;
    out->transfers_last = &out->transfers;
    out->held_last = &out->held;
    out->early_last = &out->early;
}

static zanni__parcel_t *
s_open (zanni__peer_t *peer)
{
    zanni__outbox_t *out = &peer->out;
    if (!out->writing) {
        out->writing = zanni__parcel_new (peer->hub->pool, ZANNI_WIRE_HEADER_MAX);
        if (out->writing)
            out->writing->begun_ns = peer->hub->worker->now_ns;
    }
    return out->writing;
}

void
zanni__outbox_seal (zanni__peer_t *peer)
{
    zanni__outbox_t *out = &peer->out;
    zanni__parcel_t *parcel = out->writing;
    if (!parcel || !parcel->records)
        return;
    parcel = zanni__parcel_shrink (parcel);
    out->writing = NULL;
    parcel->sequence = ++out->sequence;
    parcel->next = NULL;
    *out->last = parcel;
    out->last = &parcel->next;
    if (!out->unsent)
        out->unsent = parcel;
}

void
zanni__outbox_transmit (zanni__peer_t *peer)
{
    zanni__outbox_t *out = &peer->out;
    if (zanni__peer_has_rings (peer) && peer->up)
        zanni__lane_go_on (peer->lane);
    while (peer->up && out->unsent && zanni__post_parcel (peer, out->unsent))
        out->unsent = out->unsent->next;
}

static zanni__parcel_t *
s_next (zanni__peer_t *peer)
{
    zanni__outbox_seal (peer);
    zanni__outbox_transmit (peer);
    return s_open (peer);
}

/* Answers its size; 0: it does not fit. */
static size_t
s_write (const zanni__parcel_t *parcel, const zanni_record_t *record, const zanni_bytes_t *written)
{
    uint8_t *at = (uint8_t *) (uintptr_t) parcel->data + parcel->end;
    size_t room = parcel->room - parcel->end;
    if (!written)
        return zanni__record_write (at, room, record);
    if (written->size > room)
        return 0;
    memcpy (at, written->data, written->size);
    return written->size;
}

/* Puts a record that has so many frames into the open parcel, with room for them there; NULL: *rc says why not. Where it
   was written before, `written` is that. */
zanni__parcel_t *
zanni__outbox_place (zanni__peer_t *peer, const zanni_record_t *record, const zanni_bytes_t *written, uint32_t frames,
                     int *rc)
{
    zanni__parcel_t *parcel = s_open (peer);
    *rc = ZANNI_ENOMEM;
    if (parcel && parcel->frames_count + frames > ZANNI_WIRE_FRAMES_MAX)
        parcel = s_next (peer);
    if (!parcel || (frames && zanni__parcel_reserve (parcel, frames)))
        return NULL;
    size_t size = s_write (parcel, record, written);
    if (!size && parcel->records) {
        parcel = s_next (peer);
        if (!parcel || (frames && zanni__parcel_reserve (parcel, frames)))
            return NULL;
        size = s_write (parcel, record, written);
    }
    if (!size) {
        *rc = ZANNI_ETOOBIG;
        return NULL;
    }
    parcel->end += (uint32_t) size;
    parcel->records++;
    peer->out.records++;
    peer->base.sent = peer->out.sequence + 1;
    *rc = 0;
    return parcel;
}

/* What was written counts, in the window or else by its bytes. */
static void
s_count (zanni__outbox_t *out, zanni__parcel_t *parcel, uint64_t charge, uint64_t weight)
{
    parcel->charge += charge;
    out->charge += charge;
    if (charge)
        return;
    parcel->weight += weight;
    out->weight += weight;
}

static int
s_send_plain (zanni__peer_t *peer, const zanni_record_t *record)
{
    int rc;
    zanni__parcel_t *parcel = zanni__outbox_place (peer, record, NULL, 0, &rc);
    if (parcel)
        s_count (&peer->out, parcel, zanni__record_charge (peer, record, 0),
                 ZANNI__CHARGE_RECORD + record->args.size);
    return rc;
}

/* Decides how `size` bytes travel: as a frame, where the peer takes them and the message has one left, or in chunks, whose
   number is answered; 0: a frame. */
static int
s_route (zanni__peer_t *peer, zanni__load_t *load, const zanni_buffer_t *buffer, uint64_t *chunks)
{
    *chunks = 0;
    if (load->level > 1 && zanni_buffer_size (buffer) <= ZANNI__FRAME_LARGEST
        && (load->frames < ZANNI_WIRE_FRAMES_MAX || !zanni_buffer_size (buffer))) {
        load->frames++;
        return load->frames > ZANNI_WIRE_FRAMES_MAX ? ZANNI_ETOOBIG : 0;
    }
    zanni__transfer_t *transfer = zanni__calloc (sizeof *transfer);
    if (!transfer)
        return ZANNI_ENOMEM;
    transfer->buffer = zanni_buffer_keep (buffer);
    transfer->number = *chunks = ++peer->out.chunk_serial;
    transfer->pair = load->pair;
    *load->last = transfer;
    load->last = &transfer->next;
    return 0;
}

static int
s_load_args (zanni__peer_t *peer, zanni__load_t *load)
{
    void *data;
    const zanni_bytes_t *args = &load->record.args;
    if (args->size <= ZANNI_WIRE_INLINE_MAX)
        return 0;
    int rc = zanni_worker_buffer (peer->hub->worker, &load->args, args->size);
    if (rc)
        return rc;
    if (!zanni_buffer_edit (&data, load->args))
        memcpy (data, args->data, args->size);
    rc = s_route (peer, load, load->args, &load->record.args_chunks);
    load->record.args_framed = !load->record.args_chunks;
    return rc;
}

/* The lesser of what the session can and what was said of the buffer. */
static uint32_t
s_level (const zanni__peer_t *peer, uint32_t way)
{
    uint32_t level = zanni__peer_level (peer);
    uint32_t most = way & ZANNI__BUFFER_LEVEL;
    return most && most < level ? most : level;
}

/* What is small, or for a peer that takes nothing else, is written into the record. */
static bool
s_goes_in_band (const zanni__peer_t *peer, zanni__load_t *load, uint64_t size)
{
    uint32_t wanted = peer->in_band_most ? peer->in_band_most : peer->hub->worker->node->options.in_band_max;
    bool must = load->level < 2 || load->way & ZANNI__BUFFER_IN_BAND;
    if ((size > wanted && !must) || size > ZANNI__IN_BAND_MOST - load->in_band)
        return false;
    load->in_band += (uint32_t) size;
    return true;
}

/* Whether it is to go as a blob. */
static bool
s_is_claimed (const zanni__peer_t *peer, const zanni__load_t *load, uint64_t size)
{
    uint64_t least = load->record.claim_least;
    return peer->claims && size >= (least ? least : peer->hub->worker->node->options.claim_least);
}

/* false: the store did not take it, so it goes as if there were none. */
static bool
s_claim (zanni__peer_t *peer, zanni__load_t *load, const zanni_buffer_t *buffer, zanni_wire_buffer_t *wire)
{
    zanni_worker_t *worker = peer->hub->worker;
    zanni__claim_t *claim = zanni__malloc (sizeof *claim);
    int rc = claim ? worker->node->claims->put (worker, &claim->blob, buffer) : ZANNI_ENOMEM;
    if (rc) {   // the store has said why
        zanni__free (claim);
        return false;
    }
    claim->next = load->claims;
    load->claims = claim;
    wire->blob = zanni_buffer_data (claim->blob);
    return true;
}

static int
s_load_buffer (zanni__peer_t *peer, zanni__load_t *load, uint32_t index)
{
    const zanni_buffer_t *buffer = load->buffers [index];
    zanni_wire_buffer_t *wire = &peer->hub->wire_buffers [index];
    zanni_element_t element;
    if (zanni_buffer_size (buffer) > ZANNI__BUFFER_LARGEST)
        return ZANNI_ETOOBIG;
    wire->size = zanni_buffer_size (buffer);
    wire->dimensions = (uint8_t) zanni_buffer_array (buffer, &element, wire->shape);
    wire->element = (uint8_t) element;
    wire->bytes = wire->blob = NULL;
    wire->segment = wire->chunks = 0;
    load->way = zanni__buffer_way (buffer);
    load->level = s_level (peer, load->way);
    if (s_is_claimed (peer, load, wire->size) && s_claim (peer, load, buffer, wire))
        return 0;
    if (s_goes_in_band (peer, load, wire->size)) {
        wire->bytes = zanni_buffer_data (buffer);
        return 0;
    }
    if (load->level > 2 && wire->size >= peer->hub->worker->node->options.share_least
        && zanni__share_out (peer, buffer, wire))
        return 0;
    return s_route (peer, load, buffer, &wire->chunks);
}

static uint64_t
s_buffers_bytes (const zanni_record_t *record, const zanni_buffer_t *const *buffers)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < record->buffers_count; i++)
        bytes += zanni_buffer_size (buffers [i]);
    return bytes;
}

static int
s_load (zanni__peer_t *peer, zanni__load_t *load)
{
    load->last = &load->transfers;
    load->level = zanni__peer_level (peer);
    if (load->record.buffers_count > ZANNI_WIRE_TABLE_MAX)
        return ZANNI_ETOOBIG;
    int rc = s_load_args (peer, load);
    for (uint32_t i = 0; !rc && i < load->record.buffers_count; i++) {
        rc = s_load_buffer (peer, load, i);
        load->loaded += !rc;
    }
    load->record.buffers = peer->hub->wire_buffers;
    uint64_t bytes = s_buffers_bytes (&load->record, load->buffers);
    load->charge = zanni__record_charge (peer, &load->record, bytes);
    load->weight = ZANNI__CHARGE_RECORD + load->record.args.size + bytes;
    return rc;
}

static void
s_add_frame (zanni__parcel_t *parcel, const zanni_buffer_t *buffer)
{
    zanni__frame_t *frame = &parcel->frames [parcel->frames_count++];
    frame->buffer = zanni_buffer_keep (buffer);
    frame->data = zanni_buffer_data (buffer);
    frame->size = zanni_buffer_size (buffer);
    parcel->frames_bytes += frame->size;
}

static void
s_add_frames (zanni__parcel_t *parcel, const zanni__load_t *load)
{
    if (load->record.args_framed)
        s_add_frame (parcel, load->args);
    for (uint32_t i = 0; i < load->record.buffers_count; i++)
        if (zanni__wire_framed (&load->record.buffers [i]))
            s_add_frame (parcel, load->buffers [i]);
}

static void
s_add_claims (zanni__parcel_t *parcel, zanni__load_t *load)
{
    zanni__claim_t **last = &load->claims;
    while (*last)
        last = &(*last)->next;
    *last = parcel->claims;
    parcel->claims = load->claims;
    load->claims = NULL;
}

/* Where the record was written before, `written` is that; on success the load's transfers are the outbox's, and its claims
   the parcel's. */
int
zanni__outbox_load (zanni__peer_t *peer, zanni__load_t *load, const zanni_bytes_t *written)
{
    int rc;
    zanni__parcel_t *parcel = zanni__outbox_place (peer, &load->record, written, load->frames, &rc);
    if (!parcel)
        return rc;
    s_add_frames (parcel, load);
    s_add_claims (parcel, load);
    s_count (&peer->out, parcel, load->charge, load->weight);
    zanni__transfers_add (&peer->out, load->transfers);
    load->transfers = NULL;
    if (parcel->frames_bytes >= S_FRAMES_BYTES) {
        zanni__outbox_seal (peer);
        zanni__outbox_transmit (peer);
    }
    return 0;
}

/* What was lent for a record that is not sent. */
static void
s_unload (zanni__peer_t *peer, const zanni__load_t *load, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        zanni__share_undo (peer, &load->record.buffers [i]);
}

/* The same of a record whose sender and receiver are known, also where they are not written in it. */
int
zanni__outbox_send_as (zanni__peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers,
                       const zanni__pair_t *pair)
{
    zanni__load_t load = { .record = *record, .pair = *pair, .buffers = buffers };
    int rc = s_load (peer, &load);
    if (!rc && pair->known && zanni__hold_wanted (&peer->out, pair))
        rc = zanni__hold_put (peer, &load);
    else if (!rc)
        rc = zanni__outbox_load (peer, &load, NULL);
    if (rc)
        s_unload (peer, &load, load.loaded);
    zanni__transfers_free (load.transfers);
    zanni__claims_free (load.claims);
    zanni_buffer_destroy (&load.args);
    return rc;
}

int
zanni__outbox_send (zanni__peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers)
{
    bool plain = !record->buffers_count && record->args.size <= ZANNI_WIRE_INLINE_MAX;
    bool passes = record->kind == ZANNI_RECORD_RETAIN;   // it names no order, and its batch is awaited
    if (!peer->stood && !passes && (peer->out.early || !plain))
        return zanni__early_put (peer, record, buffers);
    if (plain && !peer->out.transfers && !peer->out.held)
        return s_send_plain (peer, record);
    const zanni__pair_t pair = zanni__pair_of (record);
    if (plain && !(pair.known && zanni__hold_wanted (&peer->out, &pair)))
        return s_send_plain (peer, record);
    return zanni__outbox_send_as (peer, record, buffers, &pair);
}

void
zanni__outbox_flush (zanni__peer_t *peer)
{
    if (!peer->up)
        return;
    if (peer->lane)
        zanni__share_flush (peer);
    zanni__outbox_seal (peer);
    zanni__outbox_transmit (peer);
    if (peer->out.transfers || peer->out.held)
        zanni__transfers_pump (peer);
    if (peer->in.ack_now && !zanni__post_ack (peer) && !zanni__peer_has_rings (peer))
        peer->in.ack_now = false;   // on its next connection HELLO or WELCOME says it
}

void
zanni__outbox_again (zanni__peer_t *peer, uint64_t last)
{
    (void) zanni__outbox_acknowledged (&peer->out, last);
    peer->out.unsent = peer->out.first;
}

/* false: that batch was never sent. */
bool
zanni__outbox_acknowledged (zanni__outbox_t *out, uint64_t ack)
{
    zanni__parcel_t *parcel;
    if (ack > out->sequence)
        return false;
    while ((parcel = out->first) && parcel->sequence <= ack) {
        out->first = parcel->next;
        if (!out->first)
            out->last = &out->first;
        if (out->unsent == parcel)
            out->unsent = parcel->next;
        out->charge -= parcel->charge;
        out->weight -= parcel->weight;
        out->chunks -= parcel->chunk;
        zanni__parcel_empty (parcel);
        zanni__parcel_drop (parcel);
    }
    return true;
}

bool
zanni__outbox_idle (const zanni__outbox_t *out)
{
    return !out->first && !out->transfers && !out->held && !out->early && (!out->writing || !out->writing->records);
}

void
zanni__outbox_clear (zanni__outbox_t *out)
{
    (void) zanni__outbox_acknowledged (out, out->sequence);
    if (out->writing) {
        zanni__parcel_empty (out->writing);
        zanni__parcel_drop (out->writing);
    }
    zanni__transfers_free (out->transfers);
    zanni__holds_free (out->held);
    zanni__earlies_free (out->early);
    zanni__outbox_init (out, out->window);
}
