#include "roster.h"

#include "../base/memory.h"

#include <stdatomic.h>
#include <string.h>

typedef struct {
    uint64_t slot;
    zanni__identity_t *identity;   // with a reference
} s_entry_t;

struct zanni__roster {
    zanni__link_t link;            // among all (s_lock), as is:
    uint32_t users;
    uint64_t serial;
    pthread_mutex_t lock;          // guards the rest
    s_entry_t *entries;            // in the order of their slots
    size_t count, room;
    _Atomic uint64_t version;      // written under the lock; read without it as a hint (relaxed)
};

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static zanni__link_t s_all = { &s_all, &s_all };
static uint64_t s_serial;

zanni__roster_t *
zanni__roster_new (void)
{
    zanni__roster_t *roster = zanni__calloc (sizeof *roster);
    if (!roster)
        return NULL;
    pthread_mutex_init (&roster->lock, NULL);
    roster->users = 1;
    pthread_mutex_lock (&s_lock);
    roster->serial = ++s_serial;
    zanni__list_append (&s_all, &roster->link);
    pthread_mutex_unlock (&s_lock);
    return roster;
}

uint64_t
zanni__roster_serial (const zanni__roster_t *roster)
{
    return roster->serial;
}

zanni__roster_t *
zanni__roster_enter (uint64_t serial)
{
    zanni__roster_t *found = NULL;
    pthread_mutex_lock (&s_lock);
    for (zanni__link_t *at = s_all.next; at != &s_all && !found; at = at->next)
        if (ZANNI__CONTAINER (at, zanni__roster_t, link)->serial == serial)
            found = ZANNI__CONTAINER (at, zanni__roster_t, link);
    if (found)
        found->users++;
    pthread_mutex_unlock (&s_lock);
    return found;
}

void
zanni__roster_exit (zanni__roster_t *roster)
{
    pthread_mutex_lock (&s_lock);
    bool last = !--roster->users;
    if (last)
        zanni__link_remove (&roster->link);
    pthread_mutex_unlock (&s_lock);
    if (!last)
        return;
    for (size_t i = 0; i < roster->count; i++)
        zanni__identity_unref (roster->entries [i].identity);
    pthread_mutex_destroy (&roster->lock);
    zanni__free (roster->entries);
    zanni__free (roster);
}

/* Under its lock. */
static void
s_changed (zanni__roster_t *roster)
{
    atomic_fetch_add_explicit (&roster->version, 1, memory_order_relaxed);
}

int
zanni__roster_add (zanni__roster_t *roster, uint64_t slot, const zanni_ref_t *ref)
{
    int rc = 0;
    pthread_mutex_lock (&roster->lock);
    if (roster->count == roster->room) {
        size_t room = roster->room ? roster->room * 2 : 16;
        s_entry_t *entries = zanni__realloc (roster->entries, room * sizeof *entries);
        rc = entries ? 0 : ZANNI_ENOMEM;
        if (entries) {
            roster->entries = entries;
            roster->room = room;
        }
    }
    if (!rc) {
        zanni__identity_ref (ref->identity);
        roster->entries [roster->count++] = (s_entry_t) { slot, ref->identity };
        s_changed (roster);
    }
    pthread_mutex_unlock (&roster->lock);
    return rc;
}

void
zanni__roster_remove (zanni__roster_t *roster, uint64_t slot)
{
    zanni__identity_t *gone = NULL;
    pthread_mutex_lock (&roster->lock);
    size_t at = 0;
    while (at < roster->count && roster->entries [at].slot != slot)
        at++;
    if (at < roster->count) {
        gone = roster->entries [at].identity;
        memmove (roster->entries + at, roster->entries + at + 1, (--roster->count - at) * sizeof *roster->entries);
        s_changed (roster);
    }
    pthread_mutex_unlock (&roster->lock);
    if (gone)
        zanni__identity_unref (gone);
}

/* A reference of the router's; the identity's is borrowed, as one inside a message is. */
static int
s_refer (zanni_t *self, zanni_ref_t **ref_p, zanni__identity_t *identity)
{
    const zanni_ref_t borrowed = { .identity = identity };
    return zanni_ref_weak (self, ref_p, &borrowed);
}

/* Under the roster's lock: moves seats that stay from the old to the new ones; both are in order. */
static int
s_fill (zanni_t *self, const zanni__roster_t *roster, zanni__roster_seat_t *seats, const zanni__roster_seats_t *old)
{
    size_t from = 0;
    for (size_t i = 0; i < roster->count; i++) {
        const s_entry_t *entry = &roster->entries [i];
        while (from < old->count && old->seats [from].slot < entry->slot)
            from++;
        bool stays = from < old->count && old->seats [from].slot == entry->slot;
        zanni_ref_t *ref = NULL;
        int rc = stays ? 0 : s_refer (self, &ref, entry->identity);
        seats [i] = (zanni__roster_seat_t) { entry->slot, stays ? old->seats [from].ref : ref };
        if (stays)
            old->seats [from].ref = NULL;
        if (rc)
            return rc;   // a seat without a reference
    }
    return 0;
}

void
zanni__roster_seats_free (zanni__roster_seats_t *seats)
{
    for (size_t i = 0; i < seats->count; i++)
        zanni_ref_destroy (&seats->seats [i].ref);
    zanni__free (seats->seats);
    *seats = (zanni__roster_seats_t) { .seats = NULL };
}

/* Where there is no memory for a reference its seat is left out until the next time. */
int
zanni__roster_sync (zanni_t *self, zanni__roster_t *roster, zanni__roster_seats_t *seats)
{
    if (atomic_load_explicit (&roster->version, memory_order_relaxed) == seats->version)
        return 0;
    pthread_mutex_lock (&roster->lock);
    zanni__roster_seats_t now = { zanni__calloc (roster->count * sizeof *now.seats + 1), roster->count, 0 };
    int rc = now.seats ? s_fill (self, roster, now.seats, seats) : ZANNI_ENOMEM;
    now.version = rc ? seats->version : atomic_load_explicit (&roster->version, memory_order_relaxed);
    pthread_mutex_unlock (&roster->lock);
    if (!now.seats)
        return rc;
    size_t count = 0;
    for (size_t i = 0; i < now.count; i++)
        if (now.seats [i].ref)
            now.seats [count++] = now.seats [i];
    now.count = count;
    zanni__roster_seats_free (seats);
    *seats = now;
    return rc;
}
