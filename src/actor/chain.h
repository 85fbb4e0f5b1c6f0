/* chain.h: who waits for whom, as an ask tells it. See chain.c. */

#ifndef ZANNI_ACTOR_CHAIN_H
#define ZANNI_ACTOR_CHAIN_H

#include "worker.h"

#define ZANNI__CALLED 1           // `code` of an ASK, at least: its asker waits in a call; more says where his name lies
#define ZANNI__CHAIN_MAX 16      // who waits before the asker
#define ZANNI__CHAIN_BYTES 2048  // which that takes in a record, at most
#define ZANNI__PROBE_MAX 64      // the same of a probe, which only goes out where somebody waits for long
#define ZANNI__PROBE_BYTES 8192

static inline bool
zanni__waited_for (const zanni_msg_t *msg)
{
    return msg->item.kind == ZANNI__ASK && msg->code >= ZANNI__CALLED;
}

/* `msg` is a call that `self` will wait for: says so in it, with who waits for `self` meanwhile. ZANNI_EDEADLOCK: among
   those is whom it is for; `error` (may be NULL) and the fault of the ask being served say who. */
int zanni__chain_call (zanni_t *self, zanni_msg_t *msg, zanni_error_t *error);

/* The same ask goes on in another message. */
void zanni__chain_pass (zanni_msg_t *to, const zanni_msg_t *from);

/* To and from a record. `data` NULL: its asker does not wait. What was written lies in `room`. */
zanni_bytes_t zanni__chain_write (const zanni_msg_t *msg, uint8_t *room, size_t size);
void zanni__chain_read (zanni_msg_t *msg, const zanni_bytes_t *bytes);

/* The chain of `msg`, which had none: that of `before`, and who asked `ask`; the eldest go where there are more than `most`.
   false: no memory. */
bool zanni__chain_extend (zanni_msg_t *msg, const zanni_msg_t *before, const zanni_msg_t *ask, uint32_t most);
uint32_t zanni__chain_count (const zanni_msg_t *msg);

/* Whether the chain of `msg`, which is at `self`, comes back: to whom `self` would call by `method`; NULL: to `self`. Then
   `text` says how. */
bool zanni__chain_closes (const zanni_msg_t *msg, const zanni__identity_t *self, const char *method, char *text, size_t size);

/* Whether it says that behind `self` comes `next`. */
bool zanni__chain_follows (const zanni_msg_t *msg, const zanni__identity_t *self, const zanni__identity_t *next);

/* probe.c. Looks whether the call that `self` waits in comes back to it. At whom that asked. */
void zanni__probe_send (zanni_t *self, const zanni__pending_t *pending);
void zanni__probe_arrives (zanni_worker_t *worker, zanni_msg_t *probe);

#endif
