/* cursor.h: answers of many values, at once or in chunks. Lists and dictionaries begin with zanni__cursors_t. */

#ifndef ZANNI_OBJECT_CURSOR_H
#define ZANNI_OBJECT_CURSOR_H

#include "kept.h"
#include "waiting.h"

typedef struct {
    zanni__waiting_t waiting;   // for its clients, which have cursors
    zanni__link_t all;
    uint32_t count;
    uint64_t serial;
} zanni__cursors_t;

void zanni__cursors_begin (zanni__cursors_t *cursors, zanni_t *self);
void zanni__cursors_end (zanni__cursors_t *cursors);   // again is harmless

/* Answers with `count` values, in pairs where `per` is 2. */
int zanni__many_reply (zanni_t *self, zanni_msg_t *msg, zanni__kept_t *const *values, size_t count, uint32_t per);

/* Answers with a new cursor over them, whose users it takes over, and the array, also where it fails. */
int zanni__cursor_open (zanni_t *self, zanni_msg_t *msg, zanni__kept_t **values, size_t count, uint32_t per);

/* The methods. */
int zanni__cursor_next (zanni_t *self, zanni_msg_t *msg);
int zanni__cursor_close (zanni_t *self, zanni_msg_t *msg);

#endif
