/* Who gets a job: the first in line, beginning where the last one ended, who has room; but for those that go by a
   key, which have one seat, whoever sits there. A key is spread over the seats, not over the workers: who takes a
   seat after another has its keys.

   As long as there is a job whose worker ended, each worker gets one at a time: so the one that ends whoever does it
   is alone, and takes no other along each time until it is given up. */

#include "pool.h"

#include "../base/table.h"
#include "../message/value.h"

bool
zanni__pool_seat_has_room (const zanni__pool_t *pool, const zanni__pool_seat_t *seat)
{
    return !seat->shut && seat->busy < (pool->suspects ? 1 : pool->setup.ahead);
}

/* Which of the seats that have room comes first from `from` on; NULL: none. */
static zanni__pool_seat_t *
s_next_from (const zanni__pool_t *pool, uint32_t from)
{
    for (uint32_t i = 0, at = from; i < pool->count; i++) {
        if (zanni__pool_seat_has_room (pool, pool->seats [at]))
            return pool->seats [at];
        at = at + 1 < pool->count ? at + 1 : 0;
    }
    return NULL;
}

static zanni__pool_seat_t *
s_round_robin (zanni__pool_t *pool)
{
    zanni__pool_seat_t *seat = s_next_from (pool, pool->next < pool->count ? pool->next : 0);
    if (seat)
        pool->next = seat->number + 1;
    return seat;
}

static zanni__pool_seat_t *
s_random (zanni__pool_t *pool)
{
    uint64_t random = pool->random;   // xorshift: what the system has costs a call each time
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    pool->random = random;
    return s_next_from (pool, (uint32_t) ((random >> 32) * pool->count >> 32));
}

/* Of those who have the same, one after the other. */
static zanni__pool_seat_t *
s_least_busy (zanni__pool_t *pool)
{
    zanni__pool_seat_t *least = NULL;
    uint32_t at = pool->next < pool->count ? pool->next : 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        zanni__pool_seat_t *seat = pool->seats [at];
        if (zanni__pool_seat_has_room (pool, seat) && (!least || seat->busy < least->busy))
            least = seat;
        at = at + 1 < pool->count ? at + 1 : 0;
    }
    if (least)
        pool->next = least->number + 1;
    return least;
}

/* Equal numbers are equal keys, however they were packed. */
static bool
s_key_of (const zanni_msg_t *msg, uint64_t *key)
{
    zanni__reader_t reader;
    zanni__value_t value;
    uint32_t count;
    if (!zanni__args_begin (&msg->args, &reader, &count) || !count)
        return false;
    const uint8_t *at = reader.at;
    zanni__reader_t whole = reader;
    if (!zanni__reader_skip (&whole, ZANNI__WIRE_DEPTH) || !zanni__reader_next (&reader, &value))
        return false;
    if (value.form == ZANNI__UINT || value.form == ZANNI__INT)
        *key = zanni__hash_bytes (ZANNI__HASH_BEGIN, &value.value.u, sizeof value.value.u);
    else if (value.form == ZANNI__STR || value.form == ZANNI__BIN)
        *key = zanni__hash_bytes (ZANNI__HASH_BEGIN, value.value.data, value.size);
    else
        *key = zanni__hash_bytes (ZANNI__HASH_BEGIN, at, (size_t) (whole.at - at));
    *key = zanni__spread (*key);
    return true;
}

static zanni__pool_seat_t *
s_by_key (const zanni__pool_t *pool, uint64_t key)
{
    zanni__pool_seat_t *chosen = NULL;
    uint64_t best = 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        uint64_t weight = zanni__affinity (key, zanni__spread (i + 1));
        if (chosen && weight <= best)
            continue;
        best = weight;
        chosen = pool->seats [i];
    }
    return chosen;
}

int
zanni__pool_choose (zanni__pool_t *pool, zanni__pool_seat_t **seat_p, bool *can, const zanni_msg_t *msg)
{
    uint64_t key;
    if (pool->setup.routing == ZANNI_BY_KEY) {
        if (!s_key_of (msg, &key))
            return ZANNI_EARGS;
        *seat_p = s_by_key (pool, key);
        *can = zanni__pool_seat_has_room (pool, *seat_p) && zanni__list_empty (&(*seat_p)->waiting);
        return 0;
    }
    switch (pool->setup.routing) {
    case ZANNI_RANDOM:
        *seat_p = s_random (pool);
        break;
    case ZANNI_LEAST_BUSY:
        *seat_p = s_least_busy (pool);
        break;
    default:
        *seat_p = s_round_robin (pool);
    }
    *can = *seat_p != NULL;
    return 0;
}
