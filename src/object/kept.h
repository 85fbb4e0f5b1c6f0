/* kept.h: any value, kept by an object: what a message brought as `v`, to go into any number of others. */

#ifndef ZANNI_OBJECT_KEPT_H
#define ZANNI_OBJECT_KEPT_H

#include <zanni/message.h>

typedef struct {
    zanni_arg_t arg;     // the value as an argument, as long as this lives
    uint32_t users;      // what shares it; the last one frees
    zanni_msg_t *msg;    // it came with, where it points into that; or NULL
    size_t weight;       // of a message with it, in bytes: its msgpack and its buffers
    uint32_t handles;    // references and buffers in it, at most
    uint32_t size;       // bytes of its msgpack, as it came
    uint8_t bytes [];
} zanni__kept_t;

/* The next argument of a message: ZANNI_EARGS (with the fault set), ZANNI_ENOMEM. */
int zanni__kept_read (zanni_t *self, zanni__kept_t **kept_p, zanni_msg_t *msg);

/* One user more; one less, which forgives NULL. */
zanni__kept_t *zanni__kept_share (zanni__kept_t *kept);
void zanni__kept_drop (void *kept);

/* Whether both are the same value, as msgpack: never so where there are references or buffers in them. */
bool zanni__kept_equal (const zanni__kept_t *one, const zanni__kept_t *other);

#endif
