/* behaviour.h: what was put aside, for those who end or cancel it. */

#ifndef ZANNI_ACTOR_BEHAVIOUR_H
#define ZANNI_ACTOR_BEHAVIOUR_H

#include "worker.h"

/* Puts what was put aside back before the mailbox; how many messages that were. */
uint32_t zanni__unstash (zanni_t *self);

/* Whether the ask that `cancel` means was put aside; it is gone then. */
bool zanni__stash_cancel (zanni_t *self, const zanni_msg_t *cancel);

/* remote.c: of a message that is being handled and is to count again: whether its sender's window was not yet told
   that it had left, and now will not be. */
bool zanni__remote_retake (zanni_worker_t *worker, const zanni_msg_t *msg);

/* A message that its actor keeps, to do it later, counts in its mailbox again, until it is uncounted. */
void zanni__stay (zanni_worker_t *worker, zanni_msg_t *msg);

#endif
