/* ref.h: references, the handles by which actors know each other.

   A reference names an actor wherever it runs. A strong one keeps it alive: when the last is dropped, the actor
   ends after everything that its holders sent before. A weak one does not. A reference carries one of two rights:
   *call* (tell, ask, monitor) or *own* (also stop, kill, restart, link, exit signals); spawn gives a strong one
   that owns. Cycles of strong references are never collected. A reference belongs to the actor that got it and
   ends with it: destroy it before, on that actor's thread (so a program declares its `self` before its
   references). To give one to another actor, send it.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_REF_H
#define ZANNI_REF_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A further reference of the same strength and right, for the caller to destroy. None of these blocks. */
ZANNI_EXPORT int zanni_ref_keep (zanni_t *self, zanni_ref_t **copy_p, const zanni_ref_t *ref) ZANNI_CHECKED;

/* The same actor, but weak. */
ZANNI_EXPORT int zanni_ref_weak (zanni_t *self, zanni_ref_t **copy_p, const zanni_ref_t *ref) ZANNI_CHECKED;

/* The same actor and strength, with the right to call only. */
ZANNI_EXPORT int zanni_ref_limit (zanni_t *self, zanni_ref_t **copy_p, const zanni_ref_t *ref) ZANNI_CHECKED;

/* Drops a reference and nulls the handle; forgives NULL. The drop travels behind what this thread sent to that
   actor before. */
ZANNI_EXPORT void zanni_ref_destroy (zanni_ref_t **ref_p);

/* NULL is neither. */
ZANNI_EXPORT bool zanni_ref_is_strong (const zanni_ref_t *ref);
ZANNI_EXPORT bool zanni_ref_is_own (const zanni_ref_t *ref);

/* Whether both name the same actor, whatever their strength and right; NULL equals nothing. */
ZANNI_EXPORT bool zanni_ref_equal (const zanni_ref_t *one, const zanni_ref_t *other);

/* A hash that is equal for equal references, of any strength and right. */
ZANNI_EXPORT uint64_t zanni_ref_hash (const zanni_ref_t *ref);

/* The name of the actor's class, or "" for a root or attached thread that serves none, and for NULL. */
ZANNI_EXPORT const char *zanni_ref_class (const zanni_ref_t *ref);

/* Where it is: its node's id and its number there; all zero for NULL. */
ZANNI_EXPORT zanni_address_t zanni_ref_address (const zanni_ref_t *ref);

#define ZANNI_REF_TEXT 512   // bytes that a reference's text has at most, its NUL included

/* A reference as text, to be printed, stored or carried by other ways, and back: who reads it, in this node or any other,
   gets a weak reference with the right to call. The text names where the actor is dialled: by tcp where its node listens
   there (for actors of other nodes that cannot be dialled, this node, which relays), else on this host. Who has the text may
   call the actor, as far as tcp admits him at all, so it is as secret as that. ZANNI_EINVAL; ZANNI_ETOOBIG: `size` is too
   small; ZANNI_EARGS: the text is no reference; ZANNI_ENOMEM, ZANNI_ETHREAD, and what zanni_spawn answers where a socket
   cannot be made. */
ZANNI_EXPORT int zanni_ref_text (zanni_t *self, const zanni_ref_t *ref, char *text, size_t size) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_ref_parse (zanni_t *self, zanni_ref_t **ref_p, const char *text) ZANNI_CHECKED;

/* How buffers travel to the node of an actor, where that is another. */
typedef struct {
    size_t size;            // sizeof (zanni_wire_t), or 0
    uint32_t level_max;     // 1 in band, 2 as frames, too, 3 in shared memory, too; 0: as the node's options say
    uint32_t in_band_max;   // bytes of those that go in band where others would not; 0: as the node's options say
} zanni_wire_t;

/* Sets that for what the calling actor's worker sends there from now on; nothing happens where the actor is of this
   node, or of one that has dialled another worker, by whose session all is sent there. The lesser of this and what the session has agreed on counts. ZANNI_EINVAL, ZANNI_ETHREAD, ZANNI_ENOACTOR,
   ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_set_wire (zanni_t *self, const zanni_ref_t *ref, const zanni_wire_t *wire) ZANNI_CHECKED;

static inline void
zanni_ref_t_auto (zanni_ref_t **ref_p)
{
    zanni_ref_destroy (ref_p);
}

#ifdef __cplusplus
}
#endif
#endif
