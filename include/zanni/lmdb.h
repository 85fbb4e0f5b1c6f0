/* lmdb.h: blobs in an LMDB database ("lmdb:/a/folder"), a component of its own: link with zanni::lmdb.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_LMDB_H
#define ZANNI_LMDB_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adds the kind "lmdb" to what zanni_store_open knows. Any thread; as often as you like. Before
   zanni_init, so that processes of the program know it, too. */
ZANNI_EXPORT int zanni_lmdb_register (void) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
