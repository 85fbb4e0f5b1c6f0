/* table.h: a hash table of entries that others own: they lie inside larger structs, so that only the buckets need
   memory, and a table that cannot grow still takes what comes. One thread at a time, or under a lock of the user's. */

#ifndef ZANNI_BASE_TABLE_H
#define ZANNI_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct zanni__entry {
    struct zanni__entry *next;
    uint64_t hash;
} zanni__entry_t;

typedef struct {
    zanni__entry_t **buckets;
    uint32_t size;    // a power of two; 0: nothing was put in yet
    uint32_t count;
} zanni__table_t;

/* false: there is no memory for the first buckets. */
bool zanni__table_put (zanni__table_t *table, zanni__entry_t *entry, uint64_t hash);
void zanni__table_remove (zanni__table_t *table, zanni__entry_t *entry);
void zanni__table_free (zanni__table_t *table);   // its buckets

/* The first entry of that hash, or NULL; zanni__table_again the next of the same hash. */
static inline zanni__entry_t *
zanni__table_again (zanni__entry_t *entry, uint64_t hash)
{
    while (entry && entry->hash != hash)
        entry = entry->next;
    return entry;
}

static inline zanni__entry_t *
zanni__table_find (const zanni__table_t *table, uint64_t hash)
{
    return table->size ? zanni__table_again (table->buckets [hash & (table->size - 1)], hash) : NULL;
}

/* Any entry, the first of bucket *at or later, which is set to that bucket; NULL: there is none. */
zanni__entry_t *zanni__table_first (const zanni__table_t *table, uint32_t *at);

/* Spreads what may count up by ones. No two numbers become the same, so an entry that was put by it is found by it. */
static inline uint64_t
zanni__spread (uint64_t number)
{
    number *= UINT64_C (0x9e3779b97f4a7c15);
    return number ^ (number >> 29);
}

/* Of those who could have a key, who has the highest of these has it: when one goes, its keys go to all others alike,
   and no other key moves. */
static inline uint64_t
zanni__affinity (uint64_t key, uint64_t who)
{
    return zanni__spread (zanni__spread (key ^ who) + key);
}

/* What a hash is with so many further bytes (FNV-1a, for few of them); a number that begins it says what it is of. */
#define ZANNI__HASH_BEGIN UINT64_C (0xcbf29ce484222325)
static inline uint64_t
zanni__hash_bytes (uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes [i]) * UINT64_C (0x100000001b3);
    return hash;
}

#endif
