/* czmq.h: the face towards programs that use czmq. Optional: zanni.h does not include it.

   Call these from the actor whose `self` it is.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_CZMQ_H
#define ZANNI_CZMQ_H

#include "actor.h"

typedef struct _zmsg_t zmsg_t;
typedef struct _zsock_t zsock_t;

#ifdef __cplusplus
extern "C" {
#endif

/* As czmq's zactor_fn. */
typedef void zanni_zactor_fn (zsock_t *pipe, void *args);

/* Runs an existing zactor function as an actor: `fn` gets its pipe and `args` on a thread of its own. Whatever is
   told to the reference, whatever the method, goes into its pipe as a zmsg (zanni_msg_zmsg); what it sends is told
   to `method` (signature "aay", one item a frame) of the calling actor. It ends when fn returns, or on zanni_stop by
   "$TERM", as zactor_destroy does it. Errors as zanni_spawn. */
ZANNI_EXPORT int zanni_spawn_zactor (zanni_t *self, zanni_ref_t **ref_p, zanni_zactor_fn *fn, void *args,
                                     const char *method) ZANNI_CHECKED;

/* Tells what a zmsg says: its first frame is the method, every other one an argument: "s" where it is UTF-8 text
   without NUL, else "ay". Consumes and nulls *zmsg_p on success only. Errors as zanni_tell. */
ZANNI_EXPORT int zanni_tell_zmsg_p (zanni_t *self, const zanni_ref_t *ref, zmsg_t **zmsg_p) ZANNI_CHECKED;

/* A zmsg of a message, for the caller to destroy: the method, then a frame for every argument: strings and bytes as
   they are, numbers and booleans as decimal text, buffers copied, lists and other values as msgpack. ZANNI_EARGS for
   a reference. Does not move what zanni_read reads next. */
ZANNI_EXPORT int zanni_msg_zmsg (zanni_msg_t *msg, zmsg_t **zmsg_p) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
