/* handle.h: an open store in a Redis server. */

#ifndef ZANNI_STORE_REDIS_HANDLE_H
#define ZANNI_STORE_REDIS_HANDLE_H

#include "heads.h"

#include <inttypes.h>
#include <stdio.h>

#define ZANNI__REDIS_NUMBER 24

typedef struct zanni__redis_hold {
    struct zanni__redis_hold *next;
    uint8_t id [16];
    uint32_t count;
} zanni__redis_hold_t;

typedef struct {
    zanni_t *self;
    zanni__redis_t redis;
    zanni_store_options_t options;
    zanni__redis_hold_t *holds;
} zanni__redis_store_t;

/* A connection that stands, as far as can be seen, with nothing owed. */
int zanni__redis_ready (zanni__redis_store_t *store);

/* One more hold in the handle's own list, or one less; false: there is no memory. */
bool zanni__redis_note_hold (zanni__redis_store_t *store, const uint8_t id [16]);
void zanni__redis_forget_hold (zanni__redis_store_t *store, const uint8_t id [16]);

/* Operations of the kind (zanni/sys/store.h). */
int zanni__redis_open (zanni_t *self, void **store_p, uint64_t *number, const char *place,
                       const zanni_store_options_t *options);
void zanni__redis_close (void *context);
int zanni__redis_retain (void *context, const zanni_blob_t *blob);
int zanni__redis_release (void *context, const zanni_blob_t *blob);

static inline const char *
zanni__redis_digits (char text [ZANNI__REDIS_NUMBER], uint64_t number)
{
    snprintf (text, ZANNI__REDIS_NUMBER, "%" PRIu64, number);
    return text;
}

#endif
