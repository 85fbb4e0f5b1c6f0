/* routing.h: the ways to choose who of many gets a message: of a pool (pool.h), or of a group in a directory
   (directory.h), whose routers know the first four.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_ROUTING_H
#define ZANNI_ROUTING_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ZANNI_ROUND_ROBIN = 0,   // one after the other
    ZANNI_RANDOM,
    ZANNI_BY_KEY,            // one key, one member, for all who choose; when one leaves its keys go to all others
    ZANNI_BROADCAST,         // all
    ZANNI_LEAST_BUSY,        // who has the fewest jobs that are not done
    ZANNI_PULL               // whoever has done his last one: jobs wait until then
} zanni_routing_t;

#ifdef __cplusplus
}
#endif
#endif
