/* lock.h: the state of a lock, of which that of a condition is a part. */

#ifndef ZANNI_OBJECT_LOCK_H
#define ZANNI_OBJECT_LOCK_H

#include "waiting.h"

typedef struct {
    zanni__waiting_t waiting;
    zanni__link_t line;
    zanni__client_t *holder;   // NULL: it is free
    int64_t depth;             // how many times the holder has it
    bool reentrant;
    bool abandoned;            // its last holder ended with it
} zanni__lock_t;

int zanni__lock_start (zanni_t *self, zanni_msg_t *msg);

/* What a condition adds to or takes from a lock. */
extern const zanni__waiting_ops_t zanni__lock_ops;
void zanni__lock_free (zanni__lock_t *lock);
void zanni__lock_serve (zanni__waiting_t *waiting);
void zanni__lock_back (zanni__waiting_t *waiting, zanni__wait_t *wait, bool ended);
/* What a wait that stands in the line of the lock is to answer where that is not whether the lock was abandoned: its
   item. */
extern char zanni__lock_true, zanni__lock_false;

void zanni__lock_down (zanni__waiting_t *waiting, zanni__client_t *client);

/* 0 where the sender holds it, else what the handler is to return. */
int zanni__lock_check (zanni__lock_t *lock, zanni_msg_t *msg);

#endif
