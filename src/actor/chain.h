/* chain.h: who waits for whom, as an ask tells it. See chain.c. */

#ifndef ZANNI_ACTOR_CHAIN_H
#define ZANNI_ACTOR_CHAIN_H

#include "worker.h"

#define ZANNI__AWAITED 1           // `code` of an ASK, at least: its asker waits in a call; more says where his name lies
#define ZANNI__CHAIN_MAX 16      // who waits before the asker
#define ZANNI__CHAIN_BYTES 2048  // and has room in a record

static inline bool
zanni__waited_for (const zanni_msg_t *msg)
{
    return msg->item.kind == ZANNI__ASK && msg->code >= ZANNI__AWAITED;
}

/* `msg` is a call that `self` will wait for: says so in it, with who waits for `self` meanwhile. ZANNI_EDEADLOCK: among
   those is whom it is for; `error` (may be NULL) and the fault of the ask being served say who. */
int zanni__chain_call (zanni_t *self, zanni_msg_t *msg, zanni_error_t *error);

/* The same ask goes on in another message. */
void zanni__chain_pass (zanni_msg_t *to, const zanni_msg_t *from);

/* To and from a record. `data` NULL: its asker does not wait. What was written lies in `room`, of ZANNI__CHAIN_BYTES. */
zanni_bytes_t zanni__chain_write (const zanni_msg_t *msg, uint8_t *room);
void zanni__chain_read (zanni_msg_t *msg, const zanni_bytes_t *bytes);

#endif
