/* share.h: objects that exist already, as actors.

   A C struct that a program has anyway becomes an actor without being copied: the struct is the state that its class's
   methods work on. So a handler can answer with a part of what it has, as a reference that others call wherever they are,
   where a copy would be too large or would not stay the same.

   The object runs on the worker of the actor that shares it, as a HERE actor does, so it may be used there by both, and
   must not block. What an actor shares of its own memory has to outlive it as long as somebody holds it: what was allocated
   by itself, and is freed by `release`, does. Hooks start and stop of its class do not run: the object is there before its actor, and may outlive it.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SHARE_H
#define ZANNI_SHARE_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gets the object back when its actor has ended, on that actor's worker, outside of any handler of it. */
typedef void zanni_share_free_fn (void *object);

/* Makes an actor of `object`, which begins with the struct of this class, and gives the caller a strong reference that owns
   it. `release` (NULL: nothing is to be done) gets the object when the actor has ended: when its last strong reference is
   gone, it was stopped, or its worker ends; until then it has to stay where it is. The same object and class again is the
   same actor, of whatever worker, whose first `release` counts. Does not block. Where it fails, nothing has happened to the
   object. ZANNI_EINVAL (NULL, or a class with a run hook), ZANNI_ENOCLASS, ZANNI_EINUSE: it is an actor of another class;
   ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_share (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, void *object,
                              zanni_share_free_fn *release) ZANNI_CHECKED;

/* Answers an ask with an object of the class that the method's table names (ZANNI_SHARES, class.h): who asked gets a strong
   reference with the right to call, as by zanni_share, which keeps the object as long as somebody has it. Without an asker,
   and without anybody who holds it otherwise, `release` gets it soon. Where it fails the object stays the caller's. Errors:
   those of zanni_share, and ZANNI_EINVAL where the method names no class, ZANNI_EREPLIED. */
ZANNI_EXPORT int zanni_reply_share (zanni_t *self, zanni_msg_t *msg, void *object, zanni_share_free_fn *release) ZANNI_CHECKED;

/* zanni_super for such a method: what the parent's handler answers comes here as the object itself, which is neither shared
   nor released, and nobody is answered yet. ZANNI_ENOREPLY: it did not answer with an object; and what zanni_super answers. */
ZANNI_EXPORT int zanni_super_object (zanni_t *self, zanni_msg_t *msg, void **object_p) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
