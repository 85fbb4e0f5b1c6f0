/* directory.h: who offers which name or group.

   A directory tells actors of many nodes of each other. A group has any number of members, in the order in which
   they joined; a name is a group of at most one, its holder. Which directory that is stands in the one word that
   opens it:

       "registry:"                  an actor of this node,
       begun where there is none; other hosts reach it by tcp where the
                                    node binds (net.h). zanni_registry begins it as well
       "registry:tcp://HOST:PORT"   that of the node that listens there
       "etcd:http://HOST:PORT"      an etcd, which outlives every node: with zanni::etcd
                                    (etcd.h), for actors of nodes that bind

   A handle belongs to the actor that opened it, which an *agent* of the library's serves: an actor on the pool;
   or, where the owner's worker listens for other hosts (zanni_bind), on that worker, which then has to be inside
   zanni more often than a lease lasts. Bind first, and open on the worker that does: then who finds an actor by
   the directory dials its node, else the directory's node relays, as long as it lives. What the actor has
   published or joined stays as long as the handle is open, what was published lives, and it is not taken back.
   Every entry has a lease, which the agent renews: when its node crashes, the entry is gone when the lease is over
   at the latest; with a registry, when the session with that node is down, which is sooner.

   When the directory cannot be reached, or refuses what it had taken before, the agent tries again, after 50 ms at
   first and 2 s at last, and then publishes again what it has. So a registry that was begun anew is complete after a lease. Who has subscribed is
   not told of that: members that are there again within a lease of the reconnection go on as if nothing had been,
   others are told as left then. A name that somebody else has taken meanwhile is lost (options.lost).

   References that come out of a directory are weak, with the right to call. Functions block until the directory
   has answered, so they need an actor that owns its worker (ZANNI_EOWNER); others use those that end in _ask: the
   answer comes as that of any ask, and as long as a directory is not reached it is waited for. Where it was not
   reached in time the error is the reason (ZANNI_ENODE: nobody answers; ZANNI_ENOACTOR: there is no registry;
   ZANNI_ETIMEOUT; or that of what it refused last), ZANNI_EAUTH at once. Names have 1 to 255 bytes (ZANNI_EINVAL) of UTF-8 (ZANNI_EARGS). Call these
   from the actor whose handle it is (ZANNI_ETHREAD).

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_DIRECTORY_H
#define ZANNI_DIRECTORY_H

#include "call.h"
#include "ref.h"
#include "routing.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zanni_directory zanni_directory_t;
typedef struct zanni_router zanni_router_t;

/* Begins this node's registry, and offers it to other hosts as "zanni.registry". The reference is strong and owns
   it: the registry ends with the last one. It keeps everything in memory. ZANNI_EINUSE: the node has one; else as
   zanni_spawn. */
ZANNI_EXPORT int zanni_registry (zanni_t *self, zanni_ref_t **ref_p) ZANNI_CHECKED;

typedef struct {
    size_t size;             // sizeof (zanni_directory_options_t), or 0
    uint32_t lease_ms;       // of what is published by this handle: 200 to 3,600,000; default 5000
    int64_t timeout_ms;      // of calls that block; 0: the node's ask_deadline_ms; -1: none
    const char *lost;        // method ("s") that is told each name that somebody else has taken, but not of groups that
                             // are a name of somebody's now; default: none
    bool insecure;           // without a secret, beyond this host, too: as in zanni_connect_t
    zanni_error_t *error;    // filled when a function that blocks fails, as long as the handle is open
} zanni_directory_options_t;

/* Opens a directory; does not wait until it is reached. `options` may be NULL. ZANNI_EINVAL: no such kind, or the
   place makes no sense, as the error says; ZANNI_ENOMEM, ZANNI_ETHREADS, ZANNI_ETHREAD, ... */
ZANNI_EXPORT int zanni_directory_open (zanni_t *self, zanni_directory_t **directory_p, const char *place,
                                       const zanni_directory_options_t *options) ZANNI_CHECKED;

/* Takes back what it has published and joined, ends its subscriptions, and nulls it; forgives NULL. Its routers
   have to be closed before. Does not wait. */
ZANNI_EXPORT void zanni_directory_close (zanni_directory_t **directory_p);

/* `ref` is the holder of a name from now on. It may be any actor; when it ends, the name is free. ZANNI_EINUSE:
   another one holds it, or it is a group (a holder that has crashed holds it until that is known); ZANNI_EFULL:
   over 4,096 names and memberships of the handle, or over what the registry takes. The ask is answered by nothing
   (""). In etcd ZANNI_EINVAL: the actor's node listens nowhere. */
ZANNI_EXPORT int zanni_directory_publish (zanni_directory_t *directory, const char *name,
                                          const zanni_ref_t *ref) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_publish_ask (zanni_directory_t *directory, const char *name, const zanni_ref_t *ref,
                                              const zanni_ask_t *ask) ZANNI_CHECKED;

/* Takes a name back. ZANNI_EGONE: it was not published by this handle, or is lost. */
ZANNI_EXPORT int zanni_directory_withdraw (zanni_directory_t *directory, const char *name) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_withdraw_ask (zanni_directory_t *directory, const char *name,
                                               const zanni_ask_t *ask) ZANNI_CHECKED;

/* The holder of a name (of a group: its eldest member), for the caller to destroy. ZANNI_EGONE: there is none. The
   ask is answered by it ("r"). */
ZANNI_EXPORT int zanni_directory_lookup (zanni_directory_t *directory, zanni_ref_t **ref_p,
                                         const char *name) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_lookup_ask (zanni_directory_t *directory, const char *name,
                                             const zanni_ask_t *ask) ZANNI_CHECKED;

/* `ref` is a member of a group from now on, once for each time that it joined. ZANNI_EINUSE: somebody holds it as
   a name; ZANNI_EFULL as above. */
ZANNI_EXPORT int zanni_directory_join (zanni_directory_t *directory, const char *group,
                                       const zanni_ref_t *ref) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_join_ask (zanni_directory_t *directory, const char *group, const zanni_ref_t *ref,
                                           const zanni_ask_t *ask) ZANNI_CHECKED;

/* Ends one membership. ZANNI_EGONE: it has not joined by this handle. */
ZANNI_EXPORT int zanni_directory_leave (zanni_directory_t *directory, const char *group,
                                        const zanni_ref_t *ref) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_leave_ask (zanni_directory_t *directory, const char *group, const zanni_ref_t *ref,
                                            const zanni_ask_t *ask) ZANNI_CHECKED;

/* Tells each member, which is borrowed; not 0: no more is wanted, and that is the answer. The ask is answered by
   all of them ("ar"). ZANNI_ETOOBIG: there are over 65,535. */
typedef int zanni_member_fn (void *context, const zanni_ref_t *member);
ZANNI_EXPORT int zanni_directory_members (zanni_directory_t *directory, const char *group, zanni_member_fn *each,
                                          void *context) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_members_ask (zanni_directory_t *directory, const char *group,
                                              const zanni_ask_t *ask) ZANNI_CHECKED;

/* Tells `method` of the calling actor, which is public with the signature "ssr", the present members of a group or
   the holder of a name, and then every change: "joined" or "left", the group, who. When this returns, or the ask
   is answered, the present ones have been told. Waits for room in the actor's mailbox. What joined and left while
   nobody could be told (the directory was not reached, or over 1,024 changes of a group behind) is left out; the
   members that were told are right in any case. One subscription for each group and method of a handle:
   ZANNI_EINVAL. */
ZANNI_EXPORT int zanni_directory_subscribe (zanni_directory_t *directory, const char *group,
                                            const char *method) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_subscribe_ask (zanni_directory_t *directory, const char *group, const char *method,
                                                const zanni_ask_t *ask) ZANNI_CHECKED;

/* Nothing is told any more when this returns but what is in the mailbox. ZANNI_EGONE: there is no such
   subscription. */
ZANNI_EXPORT int zanni_directory_unsubscribe (zanni_directory_t *directory, const char *group,
                                              const char *method) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_directory_unsubscribe_ask (zanni_directory_t *directory, const char *group, const char *method,
                                                  const zanni_ask_t *ask) ZANNI_CHECKED;

/* A router over a group that is live, by one of the first four ways of routing.h (a group with broadcast is a topic): it follows what comes and goes by itself. Opened when the present members are
   known, or the ask is answered (""); by an error it stays empty. Close it before the directory. */
ZANNI_EXPORT int zanni_router_open (zanni_directory_t *directory, zanni_router_t **router_p, const char *group,
                                    zanni_routing_t routing) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_router_open_ask (zanni_directory_t *directory, zanni_router_t **router_p, const char *group,
                                        zanni_routing_t routing, const zanni_ask_t *ask) ZANNI_CHECKED;
ZANNI_EXPORT void zanni_router_close (zanni_router_t **router_p);

/* How many members there are now, and who is next, borrowed until the router is used again; none of these blocks.
   `key`: of ZANNI_BY_KEY, else NULL. ZANNI_EGONE: the group has no member; ZANNI_EINVAL: the key is missing, or it
   is a topic. */
ZANNI_EXPORT size_t zanni_router_count (zanni_router_t *router);
ZANNI_EXPORT int zanni_router_next (zanni_router_t *router, const zanni_ref_t **ref_p, const char *key) ZANNI_CHECKED;

/* Tells whom it chooses: zanni_router_tell (router, NULL, "add", 5). Round robin and random pass over members that
   are gone or full. Of a topic all members are told, as by zanni_topic_tell, and none is no error. Errors as
   zanni_tell, and ZANNI_EGONE. */
ZANNI_EXPORT int zanni_router_tell_args (zanni_router_t *router, const char *key, const char *method,
                                         const zanni_arg_t *args,
                                         size_t count) ZANNI_CHECKED;

/* Tells all members of the group, whatever the router's way is; answers how many accepted it, or a negative code. */
ZANNI_EXPORT int zanni_topic_tell_args (zanni_router_t *router, const char *method, const zanni_arg_t *args,
                                        size_t count) ZANNI_CHECKED;

static inline void
zanni_directory_t_auto (zanni_directory_t **directory_p)
{
    zanni_directory_close (directory_p);
}

static inline void
zanni_router_t_auto (zanni_router_t **router_p)
{
    zanni_router_close (router_p);
}

#ifdef __cplusplus
}
#else

/* With their arguments typed by C; cpp.h has the same for C++. */
#define zanni_router_tell(router, key, ...) zanni_router_tell_args (router, key, ZANNI_ARGV (__VA_ARGS__))
#define zanni_topic_tell(router, ...) zanni_topic_tell_args (router, ZANNI_ARGV (__VA_ARGS__))

#endif
#endif
