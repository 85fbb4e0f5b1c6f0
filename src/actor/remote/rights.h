/* rights.h: what the holder of a key may do on this node: see zanni/trust.h. */

#ifndef ZANNI_ACTOR_REMOTE_RIGHTS_H
#define ZANNI_ACTOR_REMOTE_RIGHTS_H

#include "../node.h"

#include <zanni/sys/wire.h>
#include <zanni/trust.h>

typedef struct zanni__grant zanni__grant_t;

/* Of one key: once it is there it stays as long as the node, so that sessions can point at it. */
typedef struct zanni__rights {
    struct zanni__rights *next;
    uint8_t key [ZANNI__KEY];
    _Atomic (const zanni__grant_t *) grant;   // NULL: nothing was said (release; acquire)
    _Atomic bool limits;                      // it names methods (release; acquire)
} zanni__rights_t;

/* Those of a key, made where they are new. NULL: no memory. Any thread of the node, as zanni__rights_set: 0, ZANNI_ENOMEM. */
zanni__rights_t *zanni__rights_of (zanni_node_t *node, const uint8_t key [ZANNI__KEY]);
int zanni__rights_set (zanni_node_t *node, const uint8_t key [ZANNI__KEY], const zanni_policy_t *policy);
void zanni__rights_free (zanni_node_t *node);   // when it ends

/* Whether any method is refused at all. `rights` of NULL are those of who has shown no key. */
static inline bool
zanni__rights_limit (const zanni__rights_t *rights)
{
    /* acquire pairs with the release of who has set it. */
    return rights && atomic_load_explicit (&rights->limits, memory_order_acquire);
}

bool zanni__rights_name (const zanni__rights_t *rights, const void *name, size_t size);
bool zanni__rights_method (const zanni__rights_t *rights, const char *class_name, const zanni_bytes_t *method);
bool zanni__rights_spawn (const zanni__rights_t *rights);

#endif
