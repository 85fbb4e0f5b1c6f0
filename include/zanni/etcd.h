/* etcd.h: a directory in etcd ("etcd:http://HOST:PORT"), a component of its own: link with zanni::etcd.

   The place: endpoints of one cluster, with commas; then maybe "/PREFIX", which all keys begin with ("zanni" by default),
   and "?ca=FILE&cert=FILE&key=FILE", for https: whom to believe, and what proves who we are, as PEM; a key with a passphrase cannot be read. Users and
   passwords are not supported. "etcd:http://10.0.0.1:2379,http://10.0.0.2:2379/blue"; without TLS beyond this host the
   directory's options have to say `insecure` (ZANNI_EAUTH).

   What is published stands in etcd as the text of its reference (zanni_ref_text), so:
   * its node has to be dialled from everywhere: zanni_bind first, else publishing and joining are ZANNI_EINVAL;
   * who may read those keys may call those actors, as far as tcp admits him: they are as secret as the secret of the nodes.

   A lease is one of etcd's. What a node that crashed has published is gone when it is over: after seconds, rounded up, and
   not before half as long again as etcd's election timeout (by its defaults 2 s), and a second in which etcd looks. What a
   handle had that was closed is gone at once; with its lease, if etcd was not reached then. When etcd was begun anew with
   what it had, nobody has left. Each node that follows a group is told the changes of all groups of the prefix.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_ETCD_H
#define ZANNI_ETCD_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adds the kind "etcd" to what zanni_directory_open knows; etcd 3.4 or later. Any thread; as often as you like. Before
   zanni_init, so that processes of the program know it, too. ZANNI_ENOMEM: libcurl cannot be used. */
ZANNI_EXPORT int zanni_etcd_register (void) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
