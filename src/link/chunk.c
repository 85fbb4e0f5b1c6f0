/* Buffers that are too large for a frame leave in pieces between the other records of their session.

   Two pieces are under way at most: more would fill the pipes that small records have to pass. The buffers take turns. A
   piece is a record like others, numbered and resent; it does not count in the window, for its buffer does, as a whole,
   with the record that it belongs to.

   Pieces are small, too, as long as there are others to pass: as large as the node's options say. A session that has carried
   nothing else for some of them sends larger ones, up to the largest frame: what costs then is the way there and back of
   each, and no record waits. Some, since who asks and waits for the answer sends a record now and then only. */

#include "hub.h"

#include "../base/memory.h"

#define S_QUIET 8   // pieces between which no other record went, and the next are larger

static void
s_free (zanni__transfer_t *transfer)
{
    zanni_buffer_destroy (&transfer->buffer);
    zanni__free (transfer);
}

void
zanni__transfers_free (zanni__transfer_t *chain)
{
    while (chain) {
        zanni__transfer_t *transfer = chain;
        chain = transfer->next;
        s_free (transfer);
    }
}

void
zanni__transfers_add (zanni__outbox_t *out, zanni__transfer_t *chain)
{
    while (chain) {
        zanni__transfer_t *transfer = chain;
        chain = transfer->next;
        transfer->next = NULL;
        *out->transfers_last = transfer;
        out->transfers_last = &transfer->next;
    }
}

static zanni__transfer_t *
s_pop (zanni__outbox_t *out)
{
    zanni__transfer_t *transfer = out->transfers;
    out->transfers = transfer->next;
    if (!out->transfers)
        out->transfers_last = &out->transfers;
    transfer->next = NULL;
    return transfer;
}

/* Of the next piece, of `left` bytes. */
static uint64_t
s_size (zanni__peer_t *peer, uint64_t left, bool in_band)
{
    zanni__outbox_t *out = &peer->out;
    uint32_t least = peer->hub->worker->node->options.chunk_bytes;
    out->quiet = out->records == out->records_before ? out->quiet + 1 : 0;
    uint32_t size = out->quiet > S_QUIET && out->chunk_size ? out->chunk_size * 2 : least;
    out->chunk_size = size < ZANNI__FRAME_LARGEST ? size : ZANNI__FRAME_LARGEST;
    if (in_band)
        out->chunk_size = ZANNI__IN_BAND_CHUNK;
    return left < out->chunk_size ? left : out->chunk_size;
}

/* Sends the next piece; false: there is no memory for it now. */
static bool
s_send (zanni__peer_t *peer, zanni__transfer_t *transfer)
{
    int rc;
    uint64_t total = zanni_buffer_size (transfer->buffer);
    bool in_band = zanni__peer_level (peer) < 2;
    uint64_t size = s_size (peer, total - transfer->at, in_band);
    const uint8_t *data = (const uint8_t *) zanni_buffer_data (transfer->buffer) + transfer->at;
    zanni_record_t record = { .kind = ZANNI_RECORD_CHUNK, .as.chunk = { transfer->number, transfer->at, total, { 0 } } };
    if (in_band)
        record.as.chunk.bytes = (zanni_bytes_t) { data, size };
    zanni__parcel_t *parcel = zanni__outbox_place (peer, &record, NULL, in_band ? 0 : 1, &rc);
    if (!parcel)
        return false;
    if (!in_band)
        parcel->frames [parcel->frames_count++] =
            (zanni__frame_t) { zanni_buffer_keep (transfer->buffer), data, size };
    parcel->chunk = true;
    peer->out.chunks++;
    peer->out.records_before = peer->out.records;
    transfer->at += size;
    zanni__outbox_seal (peer);
    return true;
}

static bool
s_send_next (zanni__peer_t *peer)
{
    zanni__outbox_t *out = &peer->out;
    zanni__transfer_t *transfer = s_pop (out);
    bool sent = s_send (peer, transfer);
    if (transfer->at == zanni_buffer_size (transfer->buffer))
        s_free (transfer);
    else
        zanni__transfers_add (out, transfer);
    return sent;
}

void
zanni__transfers_pump (zanni__peer_t *peer)
{
    zanni__outbox_t *out = &peer->out;
    bool sent = true;
    while (sent && out->transfers && out->chunks < ZANNI__CHUNKS_OUT) {
        sent = s_send_next (peer);
        zanni__outbox_transmit (peer);
    }
    if (!out->held)
        return;
    zanni__holds_release (peer);
    zanni__outbox_seal (peer);
    zanni__outbox_transmit (peer);
}
