/* redis.h: blobs in a Redis server ("redis:/a/socket", "redis:HOST:PORT"), a component of its own: link with zanni::redis.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_REDIS_H
#define ZANNI_REDIS_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of one server, 6.2 or later; it must not evict keys. A put and what a store retains belong to the store's connection: where
   that breaks, the put is over (ZANNI_ESYSTEM), and what was retained is again when the next operation has opened another
   one, unless somebody looked in between. The deadline is how long the server may give and take nothing. `durable` needs a
   server that writes each change to its disk (appendonly yes, appendfsync always). ZANNI_EPERM: a wrong password, or none. */

/* Adds the kind "redis" to what zanni_store_open knows. Any thread; as often as you like. Before
   zanni_init, so that processes of the program know it, too. */
ZANNI_EXPORT int zanni_redis_register (void) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
