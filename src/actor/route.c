/* Routes: how messages leave the node.

   An actor of another node has a stand-in here: an identity on the worker that owns the link to it, with counts, limits
   and references like any other, so that nothing above knows the difference. Only its mailbox leads elsewhere: what
   arrives is written as a record and handed to the link. An ask that came in over a link has a stand-in as its sender, so
   its answer goes back by the same hook, with the id that it came with. */

#include "answer.h"

#include "../base/memory.h"

static int64_t
s_remaining_ms (const zanni_worker_t *worker, const zanni_msg_t *msg)
{
    if (msg->deadline_ns == INT64_MAX)
        return -1;
    int64_t left_ns = msg->deadline_ns - zanni__node_now (worker->node);
    return left_ns > 0 ? (left_ns + 999999) / 1000000 : 0;
}

static int
s_send_record (zanni_worker_t *worker, const zanni_msg_t *msg, int kind)
{
    const zanni_link_ops_t *link = worker->node->options.link;
    const zanni__export_t *there = msg->to->exported;
    zanni_error_t error;
    zanni_record_t record = {
        .kind = (zanni_record_kind_t) kind, .to = there->address, .from = zanni_ref_address (&msg->from->self), .id = msg->id,
        .method = zanni_msg_method (msg), .remaining_ms = s_remaining_ms (worker, msg),
        .args = { msg->args.bytes, msg->args.size }, .refs = (const zanni_ref_t *const *) msg->args.table,
        .refs_count = msg->args.refs,
        .buffers = (const zanni_buffer_t *const *) (msg->args.table ? msg->args.table + msg->args.refs : NULL),
        .buffers_count = msg->args.buffers
    };
    if (!link || !link->send)
        return ZANNI_EROUTE;
    if (!zanni_msg_error (msg, &error))
        record.error = &error;
    return link->send (there->link, &record);
}

/* Record kinds, by kind of item; 0: of no link yet. */
static int
s_record_kind (const zanni__item_t *item)
{
    static const uint8_t kinds [] = {
        [ZANNI__TELL] = ZANNI_RECORD_TELL, [ZANNI__ASK] = ZANNI_RECORD_ASK, [ZANNI__REPLY] = ZANNI_RECORD_REPLY,
        [ZANNI__ERROR] = ZANNI_RECORD_ERROR
    };
    return item->kind < sizeof kinds ? kinds [item->kind] : 0;
}

void
zanni__route (zanni_worker_t *worker, zanni__item_t *item)
{
    static const zanni_reason_t cut_off = { .kind = ZANNI_EXIT_NO_CONNECTION };
    int kind = s_record_kind (item);
    item->flags &= (uint8_t) ~ZANNI__COUNTED;
    if (!kind) {
        zanni__bury (worker, item, ZANNI_EROUTE, &cut_off);
        return;
    }
    zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
    int rc = s_send_record (worker, msg, kind);
    if (rc) {
        zanni__bury (worker, item, rc, NULL);
        return;
    }
    msg->item.flags |= ZANNI__ANSWERED;   // the link's to answer now
    zanni__msg_release (worker, msg);
}

int
zanni__stand_in_new (zanni_t *self, zanni_ref_t **ref_p, const zanni_address_t *address, void *link)
{
    zanni_worker_t *worker = self->worker;
    zanni__identity_t *identity = zanni__identity_new (worker, zanni__class_none ());
    zanni__export_t *there = zanni__calloc (sizeof *there);
    zanni_ref_t *ref = identity && there ? zanni__ref_new (identity, worker, true, false) : NULL;
    if (!ref) {
        zanni__free (there);
        if (identity)
            zanni__identity_unref (identity);
        return ZANNI_ENOMEM;
    }
    there->address = *address;
    there->link = link;
    identity->exported = there;
    identity->state = ZANNI__ELSEWHERE;
    identity->owned = false;   // it lives as long as its references
    zanni__identity_unref (identity);
    zanni__ref_adopt (self, ref);
    *ref_p = ref;
    return 0;
}
