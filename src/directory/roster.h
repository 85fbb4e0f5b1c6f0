/* roster.h: the members of a group as a router and the agent that follows the group share them.

   A router has to choose at once, on its owner's thread, whatever that is doing; so the agent tells it nothing,
   but writes into a list under a lock, and the router copies what has changed. Members are identities there, with
   references of the list's own, so that it needs nobody's thread to go. It is found by a number, for an address
   would have to be believed. */

#ifndef ZANNI_DIRECTORY_ROSTER_H
#define ZANNI_DIRECTORY_ROSTER_H

#include "directory.h"

typedef struct zanni__roster zanni__roster_t;

/* With one use, the caller's; NULL: out of memory. */
zanni__roster_t *zanni__roster_new (void);
uint64_t zanni__roster_serial (const zanni__roster_t *roster);
zanni__roster_t *zanni__roster_enter (uint64_t serial);   // one use more; NULL: there is none any more
void zanni__roster_exit (zanni__roster_t *roster);

/* Agent: puts a member in (`slot` is greater than all before), takes it out. */
int zanni__roster_add (zanni__roster_t *roster, uint64_t slot, const zanni_ref_t *ref);
void zanni__roster_remove (zanni__roster_t *roster, uint64_t slot);

/* A member as the router knows it. */
typedef struct {
    uint64_t slot;
    zanni_ref_t *ref;
} zanni__roster_seat_t;

typedef struct {
    zanni__roster_seat_t *seats;
    size_t count;
    uint64_t version;
} zanni__roster_seats_t;

/* Router: makes its seats those of the roster, where anything has changed. ZANNI_ENOMEM: they are some
   of them, until the next time. */
int zanni__roster_sync (zanni_t *self, zanni__roster_t *roster, zanni__roster_seats_t *seats);
void zanni__roster_seats_free (zanni__roster_seats_t *seats);

#endif
