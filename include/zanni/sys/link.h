/* link.h: the seam through which messages leave the node and come in from others.

   Each worker that talks to other nodes has one link, driven on its own thread. Behind it stands a peer for every
   endpoint that it talks to, and with each a session, dialled by either side: numbered, resent until acknowledged, with
   one window in bytes. The default is src/link: ZeroMQ over ipc and tcp. Weaker stability promise than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_LINK_H
#define ZANNI_SYS_LINK_H

#include "../buffer.h"
#include "../message.h"
#include "port.h"
#include "region.h"
#include "wire.h"

#define ZANNI_ENDPOINT_MAX 108   // bytes of an endpoint, its NUL included

/* One endpoint of another node, as a worker knows it. The link makes and frees it; it outlives its sessions. */
typedef struct zanni_peer {
    uint8_t node [16];
    uint64_t serial;                     // that no other peer of this link has had
    uint64_t incarnation;                // of the last session; 0: there was none yet
    char endpoint [ZANNI_ENDPOINT_MAX];  // where it listens; "~" and a number: it dialled us, and cannot be dialled
    char listens [ZANNI_ENDPOINT_MAX];   // of tcp: where it says that it does; "~...": nowhere
    bool far;                            // reached by tcp
    char home [ZANNI_ENDPOINT_MAX];      // who knows why its process ends; "": nobody
    uint64_t sent;                       // number of the batch that the last record went or will go into
    uint64_t acknowledged;               // of the last batch that has arrived there
    uint64_t item_most;                  // that a message counts in the window, however large it is; 0: all of it
    bool no_links;                       // the node that the session stands with knows no LINK, UNLINK, EXIT
    const struct zanni__rights *rights;  // the runtime's: of the key that the session was made with; NULL: there was none
    bool awaited;                        // the runtime wants to know when `acknowledged` grows
    void *held;                          // the runtime's: what was lent to it, what waits for an acknowledgement
} zanni_peer_t;

/* What happens to whole nodes, between the workers of one. */
typedef enum {
    ZANNI_NODE_LISTEN,   // adopt the sockets that were made for you
    ZANNI_NODE_WATCH,    // to the undertaker: keep a pulse with this node, at `endpoint`
    ZANNI_NODE_ENDED,    // the incarnation has ended, for `reason`, says its home
    ZANNI_NODE_LOST,     // its pulse is gone
    ZANNI_NODE_NEXT,     // the next process of this node listens at `endpoint` already, and does not speak yet
    ZANNI_NODE_TRUST     // of this node: whom it trusts has changed
} zanni_node_change_t;

typedef struct {
    zanni_node_change_t change;
    bool restarts;
    bool own;            // to watch: a process of this node, which hears of its end without a pulse
    uint8_t node [16];
    uint64_t incarnation;
    char endpoint [ZANNI_ENDPOINT_MAX];
    uint8_t kind;        // of the reason: zanni_exit_t
    int64_t code;        // of the reason; of a loss: its number in this node; to watch: the last such that the sender knew
    char text [sizeof ((zanni_reason_t *) 0)->text];
} zanni_node_event_t;

/* Where a link is to listen for nodes of any host. */
typedef struct {
    const char *endpoint;     // "tcp://ADDRESS:PORT"
    const char *advertised;   // by which others know it; "": as it was bound
    bool openly;              // beyond this host, too, where it is open to everybody and the node's options let it be
    char *why;                // what is wrong, when it fails, if more can be said than the code does
    size_t why_size;
} zanni_link_bind_t;

typedef struct zanni_link_ops {
    size_t size;   // sizeof (zanni_link_ops_t), or 0
    void *context;
    /* Makes the link of `worker`, on its thread, as all that follow. None blocks but close. 0, ZANNI_ENOMEM,
       ZANNI_ESOCKETS, ZANNI_EDESCRIPTORS. */
    int (*open) (void *context, zanni_worker_t *worker, void **link_p);
    /* Where `worker` is to listen for others of this host; as what was answered, it is given to `listen` on its own thread later,
       without a descriptor. Any thread. NULL: sockets are made in the user's runtime directory. */
    int (*seat) (void *context, zanni_worker_t *worker, char endpoint [ZANNI_ENDPOINT_MAX]);
    /* Takes over `fd`, a socket that listens at `endpoint` ("ipc://..."), and `lane_fd`, which listens beside it for what
       programs of one host hand over (-1: nothing does): from now on others may dial. */
    int (*listen) (void *link, const char *endpoint, int fd, int lane_fd);
    /* Listens there; as what others know it goes to `known`. Once a link. ZANNI_EINUSE, ZANNI_EAUTH, ZANNI_EINVAL,
       ZANNI_ESYSTEM (errno says why), ... */
    int (*bind) (void *link, const zanni_link_bind_t *how, char known [ZANNI_ENDPOINT_MAX]);
    /* The peer at `endpoint` of `node`, made where it is new; counted: each join needs a leave. */
    int (*join) (void *link, const char *endpoint, const uint8_t *node, zanni_peer_t **peer_p);
    void (*leave) (zanni_peer_t *peer);
    /* Whether the window admits a further `charge` (64 + argument bytes + buffer bytes, at most item_most). */
    bool (*admits) (zanni_peer_t *peer, uint64_t charge);
    /* Queues one record, dialling where there is no session; what one turn queued leaves with flush. `buffers` has
       record->buffers_count handles, which the link keeps for itself as long as it needs them; it fills in how they
       travel: record->buffers is NULL, args are inline. ZANNI_EFULL: over the limit of what may wait; ZANNI_ETOOBIG;
       ZANNI_ENOMEM; ZANNI_ECLOSED: the link is closing. On failure nothing was sent. */
    int (*send) (zanni_peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers);
    /* Whether a peer may be dialled at all, where there is no session: 0; ZANNI_EAUTH: it is not trusted;
       ZANNI_ENOMEM. May be NULL. */
    int (*trusts) (zanni_peer_t *peer);
    /* A quick way for plain tells, which the runtime writes itself; may be NULL. `room` answers where the next record goes
       if at most `size` bytes are written there; NULL: it has to be sent. `wrote` takes so many of them, which charge the
       window; ZANNI_EFULL: it does not admit that, and nothing was written. Nothing comes between the two. */
    uint8_t *(*room) (zanni_peer_t *peer, size_t size);
    int (*wrote) (zanni_peer_t *peer, size_t size, uint64_t charge);
    /* How buffers are to travel to the peer from now on: at most by that level, in band up to so many bytes; 0: as the
       node's options say. */
    void (*prefer) (zanni_peer_t *peer, uint32_t level_max, uint32_t in_band_max);
    void (*flush) (void *link);
    /* The runtime has handled so much of what came from the peer: its window opens again. */
    void (*taken) (zanni_peer_t *peer, uint64_t charge);
    /* Takes in what has arrived (zanni_worker_record ...), sees to timers and connections. Answers how many records. */
    int (*receive) (void *link);
    /* Whether something waits for receive, whatever descriptors show. It may be asked over and over: as a rule it costs a
       look into memory. Whether that has a point: whether things may come by memory that another process shares. */
    bool (*waiting) (void *link);
    bool (*shares) (void *link);
    /* Before the worker sleeps: whatever comes from now on has to show in a descriptor. false: something waits already. */
    bool (*rest) (void *link);
    /* When receive has something to do by itself; INT64_MAX: never. */
    int64_t (*next_ns) (void *link);
    void (*event) (void *link, const zanni_node_event_t *event);
    /* Ends all sessions: what was sent is waited for until acknowledged or the clock reaches `until_ns`, then BYE. */
    void (*close) (void *link, int64_t until_ns);
} zanni_link_ops_t;

#ifdef __cplusplus
extern "C" {
#endif

/* What a link tells the runtime, on its worker's thread. */

/* A record of an actor's kind (TELL to RESTART) has come, whole. `buffers`: record->buffers_count handles, which are
   taken over whatever is answered; record->args are inline, remaining_ms is corrected. Not 0: the record breaks the
   protocol, `fault` says how, and the session has to end with BYE. */
ZANNI_EXPORT int zanni_worker_record (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *record,
                                      zanni_buffer_t **buffers, const char **fault);

/* A record of an actor's kind has come, but one of its buffers could not be had, for that reason (a code): who asked is told,
   and who waits for the answer that it is; a tell is a dead letter. `buffers` are taken over. */
ZANNI_EXPORT void zanni_worker_lost (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *record,
                                     zanni_buffer_t **buffers, int code);

/* A further tell, of which all but the arguments is as in the last one that the peer sent, and that was plain: no
   references, no buffers, both actors of the session's two nodes. false: it has to be told as a record. */
ZANNI_EXPORT bool zanni_worker_tell_again (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_bytes_t *args);

/* The session with `peer` is down for good: its asks fail, monitors fire, what was lent is given back. `final`: the node
   will not come back. A further send begins a new session, unless final. */
ZANNI_EXPORT void zanni_worker_peer_down (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_reason_t *reason,
                                          bool restarts, bool final);

/* A session begins to stand, and peer->no_links is set: who was linked with that node before is told that it is not. */
ZANNI_EXPORT void zanni_worker_no_links (zanni_worker_t *worker, zanni_peer_t *peer);

/* The window has opened, after it did not admit something. */
ZANNI_EXPORT void zanni_worker_peer_room (zanni_worker_t *worker, zanni_peer_t *peer);

/* peer->acknowledged has grown, and somebody awaits it. */
ZANNI_EXPORT void zanni_worker_acknowledged (zanni_worker_t *worker, zanni_peer_t *peer);

/* Memory for a buffer of `size` bytes from the node's region, with one count; writable until it is given away. */
ZANNI_EXPORT int zanni_worker_buffer (zanni_worker_t *worker, zanni_buffer_t **buffer_p, size_t size);

/* A buffer over memory of the link's own: `release` gets block->data and block->handle on the worker's thread, after the
   last user; where the worker has ended by then, on that one's. */
ZANNI_EXPORT int zanni_worker_wrap (zanni_worker_t *worker, zanni_buffer_t **buffer_p, const zanni_block_t *block,
                                    zanni_buffer_free_fn *release);

/* The worker's own endpoint, which listens; made where it is new. ZANNI_EDESCRIPTORS, ZANNI_ESYSTEM, ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_worker_endpoint (zanni_worker_t *worker, const char **endpoint_p);

/* Sends an event to one worker of the node, or to all that have a link (`to` NULL), from the thread of `from`, which may
   be meant itself: its link gets the event later, not inside this call. */
ZANNI_EXPORT void zanni_worker_event (zanni_worker_t *from, zanni_worker_t *to, const zanni_node_event_t *event);

#ifdef __cplusplus
}
#endif
#endif
