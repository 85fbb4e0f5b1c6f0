/* czmq.h: the face towards programs that use czmq. Optional: zanni.h does not include it.

   Call these from the actor whose `self` it is. None of them blocks, but for zanni_spawn_zactor as zanni_spawn does.

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

/* Runs an existing zactor function as an actor: `fn` gets its pipe and `args` on a thread of its own. A spawner that may
   block waits for its first signal, which is not passed on.

   Whatever is told to the reference, whatever the method, goes into its pipe as a zmsg (zanni_msg_zmsg); an ask is
   answered ZANNI_ENOREPLY. What it sends, further signals included, is told to `method` of the calling actor, a public
   one with signature "aay": one item a frame. A full pipe fills the actor's mailbox; a full mailbox of the caller's
   stops the reading of the pipe.

   It ends normally when fn returns. On zanni_stop, when the last strong reference is dropped, and when the node ends, fn
   is told "$TERM", as zactor_destroy does it; so it is on zanni_kill, for no thread can be ended from outside. The actor
   ends, and its monitors fire, when fn has returned: then `args` is the program's again. A function that does not
   return in time when the node ends (shutdown_ms) is abandoned; the log says so.

   Errors as zanni_spawn; ZANNI_EARGS, ZANNI_EPERM: `method` has another signature, is private; ZANNI_EINVAL, also on a
   node whose place is not the default. */
ZANNI_EXPORT int zanni_spawn_zactor (zanni_t *self, zanni_ref_t **ref_p, zanni_zactor_fn *fn, void *args,
                                     const char *method) ZANNI_CHECKED;

/* Tells what a zmsg says: its first frame is the method, every other one an argument: "s" where it is UTF-8 text
   without NUL and the method's signature does not say "ay", else "ay". Consumes and nulls *zmsg_p on success only.
   Errors as zanni_tell; ZANNI_EINVAL where the first frame is missing or no name. */
ZANNI_EXPORT int zanni_tell_zmsg_p (zanni_t *self, const zanni_ref_t *ref, zmsg_t **zmsg_p) ZANNI_CHECKED;

/* A zmsg of a message, for the caller to destroy: the method, then a frame for every argument: strings and bytes as
   they are, numbers and booleans as decimal text, buffers copied, lists and other values as msgpack. ZANNI_EARGS for
   a reference, and for a buffer inside a list; zanni_msg_fault says where. Does not move what zanni_read reads next. */
ZANNI_EXPORT int zanni_msg_zmsg (zanni_msg_t *msg, zmsg_t **zmsg_p) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
