/* Plain tells to and from actors of other nodes, which mostly come in rows: one sender, one receiver, one method.

   What stands before the arguments of such a tell, its head, is the same for the whole row. At the sender each stand-in
   keeps the last head, and a further tell is that head and the arguments, written right into what will leave: there is
   no message. At the receiver the link compares heads as bytes, and who they meant is still known.

   Only what follows at once is short-cut. Whatever is unusual (references, buffers, many bytes, a window that is closed,
   an actor that has ended) goes the long way of route.c and inbound.c, which decides. */

#include "remote.h"

#include "../deliver.h"
#include "../envelope.h"
#include "rights.h"

#include "../../message/pack.h"
#include "../../wire/record.h"

#define S_ARGS_MOST (ZANNI__TELL_ARGS - 1)

/* Makes the head of what `from` tells: a record without arguments. false: it has none. */
static bool
s_make_head (zanni__remote_t *to, const zanni__identity_t *from, const zanni__method_t *method)
{
    /* acquire pairs with the release that made it known. */
    const zanni__export_t *export = atomic_load_explicit (&from->as.exported, memory_order_acquire);
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .remaining_ms = -1, .to = { to->address.actor, to->call },
        .from = { from->id, export ? export->call : NULL }, .method = { method->name, strlen (method->name) }
    };
    to->head.method = NULL;
    if (!export || record.method.size >= ZANNI__TELL_METHOD)
        return false;
    to->head.size = (uint32_t) zanni__record_write (to->head.bytes, sizeof to->head.bytes, &record);
    to->head.from = from->id;
    to->head.method = method;
    return true;
}

bool
zanni__tell_plainly (zanni_t *self, zanni__identity_t *to, const zanni__method_t *method,
                     const zanni__words_t *words, int *rc)
{
    zanni__remote_t *remote = to->as.remote;
    zanni_worker_t *worker = self->worker;
    const zanni_link_ops_t *link = worker->node->link;
    if (to->worker != worker || !link->room || atomic_load_explicit (&to->ended, memory_order_relaxed))
        return false;
    if ((remote->head.method != method || remote->head.from != self->identity->id)
        && !s_make_head (remote, self->identity, method))
        return false;
    uint8_t *at = link->room (remote->peer, ZANNI__TELL_HEAD + S_ARGS_MOST);
    if (!at)
        return false;
    memcpy (at, remote->head.bytes, sizeof remote->head.bytes);   // more than it has, but a size that is known
    uint8_t *args = at + remote->head.size;
    const uint8_t *end = zanni__args_put (args, args + S_ARGS_MOST, words->args, words->count);
    if (!end)
        return false;
    size_t size = (size_t) (end - args);
    args [-1] = (uint8_t) size;
    *rc = link->wrote (remote->peer, remote->head.size + size, zanni__charge (remote->peer, size));
    if (!*rc)
        zanni__remote_sent (worker);
    return true;
}

void
zanni__tell_forget (zanni_worker_t *worker)
{
    zanni__remotes_t *remotes = worker->remotes;
    if (!remotes->again.to)
        return;
    zanni__identity_unhold (remotes->again.to);
    zanni__identity_unhold (remotes->again.from);
    memset (&remotes->again, 0, sizeof remotes->again);
}

void
zanni__tell_came (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_msg_t *msg)
{
    zanni__remotes_t *remotes = worker->remotes;
    zanni__identity_t *to = msg->to;
    const zanni__class_t *cls = atomic_load_explicit (&to->cls, memory_order_relaxed);
    bool same = remotes->again.to == to && remotes->again.from == msg->from && remotes->again.peer == peer;
    if (!same || remotes->again.method != msg->method || remotes->again.cls != cls) {
        zanni__tell_forget (worker);
        if (!msg->method || to->state >= ZANNI__ENDED || msg->from->as.remote->peer != peer)
            return;
        remotes->again.peer = peer;
        remotes->again.to = to;
        remotes->again.from = msg->from;
        remotes->again.cls = cls;
        remotes->again.method = msg->method;
        zanni__identity_hold (to);
        zanni__identity_hold (msg->from);
    }
}

bool
zanni_worker_tell_again (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_bytes_t *args)
{
    const zanni__remotes_t *remotes = worker->remotes;
    zanni__identity_t *to = remotes->again.to;
    if (remotes->again.peer != peer || zanni__rights_limit (peer->rights) || to->state >= ZANNI__ENDED
        || args->size > ZANNI__MESSAGE_ROOM
        || atomic_load_explicit (&to->cls, memory_order_relaxed) != remotes->again.cls)
        return false;
    zanni_msg_t *msg = zanni__msg_take (worker);
    if (!msg)
        return false;
    msg->item.kind = ZANNI__TELL;
    msg->item.flags = ZANNI__COUNTED;
    msg->item.weight = (uint32_t) args->size;
    msg->to = to;
    msg->from = remotes->again.from;
    zanni__identity_hold (msg->from);
    msg->method = remotes->again.method;
    memcpy (msg->room, args->data, args->size);
    msg->args.bytes = msg->room;
    msg->args.size = msg->room_used = (uint32_t) args->size;
    zanni__arrive (worker, to, &msg->item);
    return true;
}
