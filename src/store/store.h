/* store.h: what the kinds of stores share. */

#ifndef ZANNI_STORE_STORE_H
#define ZANNI_STORE_STORE_H

#include "../actor/actor.h"
#include "../actor/worker.h"
#include "../base/list.h"

#include <zanni/sys/link.h>
#include <zanni/sys/store.h>

extern const zanni_store_ops_t zanni__store_shm;
extern const zanni_store_ops_t zanni__store_file;
extern const zanni_store_ops_t zanni__store_peer;
extern const struct zanni__claim_ops zanni__store_claims;

/* Fills the options' error, if there is one: `what` is a format with one %s for the place. Answers the code. */
__attribute__ ((format (printf, 3, 0))) int
zanni__store_fail (const zanni_store_options_t *options, int code, const char *what, const char *place);

/* Since 1970, as all that share a store know it; and for deadlines, which never goes back. */
int64_t zanni__store_now_ms (void);
int64_t zanni__store_ticks_ms (void);

/* sum.c: checksums, XXH3 of 64 bits: of bytes that are there, and of those that come piece by piece. */
typedef struct zanni__sum zanni__sum_t;
uint64_t zanni__store_sum (const void *data, size_t size);
zanni__sum_t *zanni__sum_new (void);   // NULL: out of memory
void zanni__sum_add (zanni__sum_t *sum, const void *data, size_t size);
uint64_t zanni__sum_so_far (const zanni__sum_t *sum);
void zanni__sum_free (zanni__sum_t *sum);

/* An id in hex, and back. */
#define ZANNI__ID_TEXT 33
void zanni__id_print (const uint8_t id [16], char text [ZANNI__ID_TEXT]);
bool zanni__id_parse (uint8_t id [16], const char *text);

#endif
