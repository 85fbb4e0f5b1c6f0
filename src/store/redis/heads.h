/* heads.h: what a Redis server knows of blobs beside their bytes, and who has them. */

#ifndef ZANNI_STORE_REDIS_HEADS_H
#define ZANNI_STORE_REDIS_HEADS_H

#include "wire.h"

#define ZANNI__REDIS_ID 33
#define ZANNI__REDIS_KEY 80
#define ZANNI__REDIS_PIECE ((size_t) 1 << 20)   // bytes of each piece of a blob but the last

typedef struct {
    bool whole;
    zanni_stored_t stored;
    char owner [ZANNI__REDIS_SESSION];   // of a put that goes on
} zanni__redis_head_t;

typedef enum {
    ZANNI__REDIS_BEGIN,      // id, session, pieces, expected, quota
    ZANNI__REDIS_REACH,      // id, session, pieces
    ZANNI__REDIS_GROW,       // id, session, size, quota
    ZANNI__REDIS_COMMIT,     // id, session, size, checksum, expires, counted
    ZANNI__REDIS_ERASE,      // id, session, pieces
    ZANNI__REDIS_DROP,       // id
    ZANNI__REDIS_RETAIN,     // id, session, by how much
    ZANNI__REDIS_RELEASE,    // id, session
    ZANNI__REDIS_BURY        // session
} zanni__redis_script_t;

void zanni__redis_id (char text [ZANNI__REDIS_ID], const uint8_t id [16]);
void zanni__redis_key (char key [ZANNI__REDIS_KEY], const char *kind, const uint8_t id [16]);
void zanni__redis_piece (char key [ZANNI__REDIS_KEY], const uint8_t id [16], uint64_t number);

/* Sends one of the changes, which happens as a whole; its reply is owed. */
int zanni__redis_change_later (zanni__redis_t *redis, zanni__redis_script_t script, const char *const *values);

/* The same, and waits for its result, which is a code. */
int zanni__redis_change (zanni__redis_t *redis, zanni__redis_script_t script, const char *const *values);

/* ZANNI_EGONE: there is none, or its time is over. */
int zanni__redis_head (zanni__redis_t *redis, const uint8_t id [16], zanni__redis_head_t *head);

bool zanni__redis_lives (zanni__redis_t *redis, const char *session);

/* Ends what the dead had. */
int zanni__redis_sweep (zanni__redis_t *redis);

#endif
