/* net.h: nodes of other hosts, by tcp.

   A node listens where one of its actors binds; another one connects, and gets a reference to an actor that is offered there,
   which is used like any other: tell, ask, monitor. Both sides have to have one secret (options.secret_file, options.secret,
   or ZANNI_SECRET in the environment), from which each makes the same key pair: all that goes by tcp is encrypted then
   (CURVE), and whoever has another secret, or none, is refused within a second. Where nodes are not to be all the same to
   each other, each has a certificate instead: trust.h. Without either tcp is closed, unless the program says `insecure`: in
   the options of the node, for what stays on this host; and in those of the call, too, for what leaves it. A listener is
   open only if its own call has said so. Whoever is dialled may be once any call has, since references lead on to other nodes.

   All actors of the two nodes reach each other, whichever of them binds and connects, those with processes of their own, too;
   whoever only dials is answered over its own connection. References travel on to any node: where that one cannot dial the
   actor's node, who gave it the reference relays, as long as it lives. By two such ways one actor has two addresses, and
   zanni_ref_equal does not know that they are one.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_NET_H
#define ZANNI_NET_H

#include "call.h"
#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t size;              // sizeof (zanni_bind_t), or 0
    const char *advertised;   // how others dial it ("tcp://gate:7000"; port 0: the one that is bound); default: as it is bound,
                              // and for "*" the first address of this host
    bool insecure;            // without a secret, beyond this host, too; and so is whatever is dialled from now on
    zanni_error_t *error;     // filled on failure; NULL: the log says what is wrong
} zanni_bind_t;

/* Listens at "tcp://ADDRESS:PORT", where ADDRESS is "*", of an interface, or 127.0.0.1, and port 0 is one that is free.
   From then on who connects to this node and names nobody gets the calling actor, in place of whoever bound before.
   `options` may be NULL. Once a worker. Blocks some milliseconds, the first time with a secret a tenth of a second.
   ZANNI_EAUTH: there is no secret, and it was not said that tcp may be open, or there is a certificate and no
   options.allowed; ZANNI_EINUSE; ZANNI_EINVAL: no such endpoint, or the worker listens already; ZANNI_ESYSTEM: the
   address is none of this host's, or needs rights; ZANNI_ESOCKETS, ZANNI_EDESCRIPTORS, ZANNI_ETHREADS, ZANNI_ENOMEM,
   ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_bind (zanni_t *self, const char *endpoint, const zanni_bind_t *options) ZANNI_CHECKED;

/* Where the calling actor's worker is dialled by others, "" if nowhere; as long as the worker lives. */
ZANNI_EXPORT int zanni_endpoint (zanni_t *self, const char **endpoint_p) ZANNI_CHECKED;

/* Whoever connects to this node and names `name` (1 to 255 bytes) gets that actor, as long as it lives, in place of
   whom it was before; NULL: nobody. It may be one of another node, such as one with a process of its own. The reference
   that they get is weak, and has the right to call. ZANNI_EINVAL, ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_offer (zanni_t *self, const char *name, const zanni_ref_t *ref) ZANNI_CHECKED;

/* From now on this node dials `to` where it would dial `from` ("for tcp://10.0.0.7:7000 dial tcp://gate:7000"), which is where
   a node beyond a gate or outside of a container says that it listens: nothing else changes, and references go on naming
   `from`. NULL: `from` itself again. Both are "tcp://HOST:PORT". ZANNI_EINVAL, ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_route (zanni_t *self, const char *from, const char *to) ZANNI_CHECKED;

typedef struct {
    size_t size;             // sizeof (zanni_connect_t), or 0
    const char *name;        // who is wanted there; default: the actor that binds
    int64_t timeout_ms;      // 0: the node's ask_deadline_ms; -1: none
    bool insecure;           // without a secret, beyond this host, too; and so is whatever is dialled from now on
    zanni_error_t *error;    // filled when zanni_connect fails
} zanni_connect_t;

/* A weak reference to an actor of the node that listens at "tcp://HOST:PORT", for the caller to destroy. `options` may
   be NULL. Blocks, so it needs an actor that owns its worker; others ask by zanni_connect_ask. ZANNI_EAUTH: the other
   side has another secret, or one of the two has none, or one does not trust the other's key; ZANNI_EPERM: that name is
   not for us; ZANNI_ENODE: nobody answers there; ZANNI_ENOACTOR: nobody is offered by that name; ZANNI_ETIMEOUT,
   ZANNI_EROUTE, ZANNI_EOWNER, ZANNI_EINVAL, ZANNI_ENOMEM, ... */
ZANNI_EXPORT int zanni_connect (zanni_t *self, zanni_ref_t **ref_p, const char *endpoint,
                                const zanni_connect_t *options) ZANNI_CHECKED;

/* The same as an ask, which is answered by the reference ("r"); of `options` timeout_ms and error do not count, but `ask`. */
ZANNI_EXPORT int zanni_connect_ask (zanni_t *self, const char *endpoint, const zanni_connect_t *options,
                                    const zanni_ask_t *ask) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
