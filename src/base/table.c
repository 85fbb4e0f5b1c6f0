/* Chains in a power of two of buckets, doubled when there are as many entries as buckets. Entries keep their hash, so
   growing asks nobody for it. */

#include "table.h"

#include "memory.h"

#define S_LEAST 16

static void
s_grow (zanni__table_t *table)
{
    uint32_t size = table->size ? table->size * 2 : S_LEAST;
    zanni__entry_t **buckets = size ? zanni__calloc (size * sizeof *buckets) : NULL;
    if (!buckets)
        return;
    for (uint32_t i = 0; i < table->size; i++) {
        zanni__entry_t *next;
        for (zanni__entry_t *entry = table->buckets [i]; entry; entry = next) {
            next = entry->next;
            entry->next = buckets [entry->hash & (size - 1)];
            buckets [entry->hash & (size - 1)] = entry;
        }
    }
    zanni__free (table->buckets);
    table->buckets = buckets;
    table->size = size;
}

bool
zanni__table_put (zanni__table_t *table, zanni__entry_t *entry, uint64_t hash)
{
    if (table->count >= table->size)
        s_grow (table);
    if (!table->size)
        return false;
    zanni__entry_t **bucket = &table->buckets [hash & (table->size - 1)];
    entry->hash = hash;
    entry->next = *bucket;
    *bucket = entry;
    table->count++;
    return true;
}

void
zanni__table_remove (zanni__table_t *table, zanni__entry_t *entry)
{
    zanni__entry_t **at = &table->buckets [entry->hash & (table->size - 1)];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    table->count--;
}

void
zanni__table_free (zanni__table_t *table)
{
    zanni__free (table->buckets);
    *table = (zanni__table_t) { 0 };
}

zanni__entry_t *
zanni__table_first (const zanni__table_t *table, uint32_t *at)
{
    for (; *at < table->size; ++*at)
        if (table->buckets [*at])
            return table->buckets [*at];
    return NULL;
}
