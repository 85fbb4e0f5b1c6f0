/* hub.h: what the files of this folder share. A hub is the link of one worker; its peers are the endpoints that it talks
   to; a peer has at most one session at a time. All of it belongs to the worker's thread. */

#ifndef ZANNI_LINK_HUB_H
#define ZANNI_LINK_HUB_H

#include "../actor/watch.h"
#include "../base/list.h"
#include "../base/table.h"
#include "../wire/record.h"
#include "lane.h"
#include "link.h"
#include "mail.h"
#include "parcel.h"
#include "socket.h"
#include "throng.h"

#include <zanni/sys/link.h>

#define ZANNI__CHARGE_RECORD 64            // what a record counts in a window beside its arguments and buffers
#define ZANNI__FRAME_LARGEST (1u << 20)    // of a buffer that travels as one frame; larger ones are cut
#define ZANNI__IN_BAND_MOST (16u << 10)    // of all buffers in a record
#define ZANNI__IN_BAND_CHUNK (48u << 10)   // of a chunk in a record
#define ZANNI__CHUNKS_OUT 2                // unacknowledged ones a session
#define ZANNI__BUFFER_LARGEST (UINT64_C (1) << 40)
#define ZANNI__BACKLOG (UINT64_C (64) << 20)   // bytes a peer of what does not count in its window, or goes beyond it
#define ZANNI__ACK_DELAY_NS 20000000
#define ZANNI__LOOK_MESSAGES 256           // a call of receive
#define ZANNI__LOOK_RECORDS 512
#define ZANNI__ROUTE_ID 255                // bytes of a routing id, at most

typedef struct zanni__hub zanni__hub_t;
typedef struct zanni__peer zanni__peer_t;
typedef struct zanni__source zanni__source_t;
typedef struct zanni__dial zanni__dial_t;
typedef struct zanni__gate zanni__gate_t;
typedef struct zanni__route zanni__route_t;
typedef struct zanni__pulse zanni__pulse_t;
typedef struct zanni__strand zanni__strand_t;
typedef struct zanni__assembly zanni__assembly_t;
typedef struct zanni__transfer zanni__transfer_t;
typedef struct zanni__hold zanni__hold_t;
typedef struct zanni__early zanni__early_t;

/* A ZeroMQ socket that is read when its descriptor has stirred; see source.c. */
struct zanni__source {
    zanni__hook_fd_t hook;         // first: `ready` gets it
    zanni__link_t stirred;         // among the hub's, or in no list
    zanni__hub_t *hub;
    zanni_socket_t *socket;        // NULL: closed
    bool calm;                     // one message was read, and there is likely no other
    bool ends;                     // the end of a connection was told, and is acted on when all that came is read
    /* Takes what is there, until the hub has enough for now: then true, for something may be left. */
    bool (*read) (zanni__source_t *source);
};

/* Where a message goes: a DEALER, or a ROUTER and the connection. */
typedef struct {
    zanni_socket_t *socket;
    const void *id;
    size_t id_size;                // 0: of a DEALER
} zanni__way_t;

/* The key that the other side of a tcp connection has shown, or was dialled by; all zero where there was none. */
typedef struct {
    bool keyed;
    uint8_t key [ZANNI__KEY];
} zanni__shown_t;

/* A connection that we made; see dial.c. */
struct zanni__dial {
    zanni__source_t dealer;
    zanni__source_t monitor;
    zanni__dial_t *next;           // among those that are to be freed
    void *owner;                   // a peer or a pulse
    void (*came) (zanni__dial_t *dial, zanni__mail_t *mail);
    void (*stands) (zanni__dial_t *dial);   // its handshake is over; may be NULL
    void (*broke) (zanni__dial_t *dial);    // everything that came by it was read before
    bool broken;
    bool denied;                   // amid its handshake
    bool shook;                    // that is over
    bool not_admitted;             // that is, our key was not
    bool certified;                // dialled by keys of the two nodes, not by a secret
    zanni__shown_t shown;          // whom it was dialled to
};

/* Where others dial us; see listen.c. */
struct zanni__gate {
    zanni__source_t router;        // first: its socket is NULL where nobody can
    zanni__source_t monitor;
    zanni__throng_t throng;        // of tcp
};

/* A connection to a ROUTER of ours whose HELLO was accepted; see listen.c. */
struct zanni__route {
    zanni__entry_t entry;          // by id
    zanni__gate_t *gate;
    zanni__link_t broken;          // among the hub's broken ones, which are still read
    zanni__peer_t *peer;           // one of the two
    zanni__pulse_t *pulse;
    int fd;                        // -1: not known
    uint8_t id_size;
    uint8_t id [ZANNI__ROUTE_ID];
};

/* Who sends to whom, as far as the order of records goes. */
typedef struct {
    bool known;
    bool answer;                   // of a kind that does not say it on the wire
    bool end;                      // behind everything that `from` sent, for it is not said who monitors
    uint64_t from;
    uint64_t to;
} zanni__pair_t;

/* A buffer that leaves in chunks; see chunk.c. */
struct zanni__transfer {
    zanni__transfer_t *next;
    zanni_buffer_t *buffer;        // kept
    uint64_t number;
    uint64_t at;
    zanni__pair_t pair;
};

/* What a record that is not plain is made of. */
typedef struct {
    zanni_record_t record;
    zanni__pair_t pair;
    const zanni_buffer_t *const *buffers;
    zanni_buffer_t *args;          // where they do not travel inline; a count of its own
    uint32_t frames;
    uint32_t level;                // how the next of its buffers may travel
    uint32_t way;                  // and what was said of that one itself
    uint32_t in_band;              // bytes of buffers in the record
    uint32_t loaded;               // buffers of which it is decided how they travel
    uint64_t charge;
    uint64_t weight;
    zanni__transfer_t *transfers;
    zanni__transfer_t **last;
    zanni__claim_t *claims;
} zanni__load_t;

/* What leaves by a session. */
typedef struct {
    zanni__parcel_t *writing;      // takes records; has no number yet
    zanni__parcel_t *first;        // with numbers, unacknowledged
    zanni__parcel_t **last;
    zanni__parcel_t *unsent;       // the first that was not sent on the present connection
    uint64_t sequence;             // of the last one with a number
    uint64_t window;               // how much the peer takes in when nothing waits there
    uint64_t room;                 // how much it has said to take behind the last acknowledged batch
    uint64_t charge;               // of what is not acknowledged
    uint64_t weight;
    bool wanted;                   // something was not admitted
    uint64_t chunk_serial;         // of the last buffer in chunks
    uint32_t chunks;               // unacknowledged
    uint32_t chunk_size;           // of the last; 0: there was none
    uint64_t records;              // so far
    uint64_t records_before;       // when the last chunk was sent, it included
    uint32_t quiet;                // chunks between which there was no other record
    zanni__transfer_t *transfers;  // buffers that are under way in chunks: the next to send of first
    zanni__transfer_t **transfers_last;
    zanni__early_t *early;         // records that wait until it is known how buffers travel
    zanni__early_t **early_last;
    zanni__hold_t *held;           // records that wait for one of these
    zanni__hold_t **held_last;
} zanni__outbox_t;

/* What comes by a session. */
typedef struct {
    uint64_t seen;                 // the last batch
    uint64_t told;                 // the last that the peer was told of
    uint64_t told_room;
    uint64_t came;                 // charge since the peer was told
    bool ack_now;
    int64_t ack_ns;                // when it is to be told at the latest; INT64_MAX: it knows
    uint32_t head_size;            // of the last tell, if it was a plain one, up to its arguments; 0: it was not
    uint8_t head [ZANNI__TELL_HEAD];
    zanni__strand_t *strands;          // records that wait for their buffers, and those behind them
    zanni__assembly_t *assemblies;
} zanni__inbox_t;

struct zanni__peer {
    zanni_peer_t base;             // first: what the runtime sees
    zanni__entry_t entry;          // in the hub's table
    zanni__link_t all;             // among the hub's peers
    zanni__link_t dirty;           // among those with something to flush
    zanni__hub_t *hub;
    uint32_t joins;
    uint32_t pins;                 // functions that are about to go on with it
    uint64_t held;                 // charge of what came and the runtime has not taken; outlives sessions
    uint64_t ended;                // incarnations up to this one have ended

    bool alive;                    // there is a session, with all that follows
    bool ours;                     // we dial it
    bool stood;                    // it was welcomed once
    bool up;                       // on its present connection, too
    uint32_t generation;           // of its sessions, here
    uint64_t number;
    uint64_t connection;           // number of its last, as its HELLO says; 0: that said none
    zanni__dial_t *dial;
    zanni__route_t *route;
    zanni__shown_t shown;          // of tcp: by the session
    bool claimed;                  // its node's id, for that key
    const char *said;              // of tcp: what this side has named itself to it, and goes on to; NULL: nothing yet
    uint32_t denials;              // handshakes that the other side ended, one behind the other
    uint32_t level;                // how buffers may travel; 0: not known yet
    bool claims;                   // and in a store that both know, says the peer
    bool takes_claims;             // and this side has said
    uint32_t level_most;           // and how the program wants them to, for good; 0: it has not said
    uint32_t in_band_most;
    zanni__lane_t *lane;           // offered, until the session stands; then what its messages go by; NULL
    int64_t redial_ns;             // INT64_MAX: need not
    int64_t backoff_ns;
    int64_t doubt_ns;              // when it is down unless it is proved to live; INT64_MAX: no doubt
    bool doubt_over;               // that time has come, and everything is read once more
    bool sentenced;                // its incarnation has ended, for:
    bool restarts;
    zanni_reason_t reason;
    zanni__peer_t *home;           // who was asked to tell of its end, joined; NULL
    uint64_t watch;                // the monitor's id there
    uint64_t watched;              // which incarnation it is about; 0: whichever comes last
    uint32_t watch_generation;     // of the session with it that the monitor went by
    zanni__outbox_t out;
    zanni__inbox_t in;
};

#define ZANNI__GRAVES 64

struct zanni__hub {
    zanni_worker_t *worker;        // not held: a hub that outlives its close does not use it
    const zanni_sockets_t *sockets;
    void *handle;                  // of these
    zanni__gate_t near;            // of this host, by ipc
    zanni__gate_t far;             // of any, by tcp
    zanni__table_t routes;
    zanni__route_t *last_route;    // who sent last
    zanni__link_t broken;          // routes whose end the monitor has told
    zanni__table_t table;          // of peers
    zanni__link_t peers;
    zanni__link_t dirty;
    zanni__link_t stirred;
    zanni__dial_t *old_dials;      // closed, to be freed when nothing is called
    zanni__dial_t *ahead;          // a connection in advance, or NULL; see dial.c
    char ahead_endpoint [ZANNI_ENDPOINT_MAX];
    int lane_fd;                   // listens for lanes; -1
    zanni__link_t offers;          // lanes that others have made, whose HELLO has not come
    uint32_t offers_count;
    zanni__link_t lanes;           // that are in use
    zanni__lane_t *old_lanes;      // closed, to be freed when nothing is called
    bool spawns;                   // it has dialled a process of this node
    zanni__pulse_t *pulses;
    zanni__pool_t *pool;
    uint64_t window;               // our own
    int64_t interval_ns;           // of pulses
    int64_t next_ns;               // nothing is due before
    int64_t losses;                // the last that it has heard of
    uint64_t number;               // the last of a session or connection that we dialled
    uint64_t watch_serial;
    uint64_t peer_serial;
    uint32_t messages;             // taken in by the present call of receive
    uint32_t messages_most;
    uint32_t records;
    int64_t strangers_ns;          // when one was last logged
    uint32_t strangers;            // how many there were since
    int64_t refused_ns;            // when one was last refused by its handshake, as the log says
    int64_t distrusted_ns;         // and for its key by us
    uint32_t distrusted;           // so many since
    bool admits;                   // the handler of keys knows this node by us
    bool certified;                // and it does so by a certificate
    uint64_t distrusts;            // of the node, when we looked at them last
    int64_t look_ns;               // when we do so next, if nothing comes; INT64_MAX: need not
    bool receiving;
    bool closing;
    bool closed;
    char endpoint [ZANNI_ENDPOINT_MAX];   // our own of ipc; "": not known yet
    char far_endpoint [ZANNI_ENDPOINT_MAX];   // and of tcp, as others dial it; as below: they cannot
    char nameless [24];            // "~" and a number
    uint8_t host [16];
    struct {
        uint64_t hash;             // of who had it
        uint64_t number;
    } graves [ZANNI__GRAVES];      // the last sessions of others that are down
    uint32_t graves_next;
    zanni__mail_t mail;
    zanni__tables_t tables;
    zanni_wire_buffer_t *wire_buffers;                  // ZANNI_WIRE_TABLE_MAX each
    zanni_buffer_t **buffers;
};

/* Nothing is done before that time; something is by then. */
static inline void
zanni__hub_due (zanni__hub_t *hub, int64_t ns)
{
    if (ns < hub->next_ns)
        hub->next_ns = ns;
}

static inline int64_t
zanni__hub_now (const zanni__hub_t *hub)
{
    return zanni__node_now (hub->worker->node);
}

/* The worker is to go on first with what has come. */
static inline bool
zanni__hub_has_enough (const zanni__hub_t *hub)
{
    return hub->messages >= hub->messages_most || hub->records >= ZANNI__LOOK_RECORDS;
}

/* How buffers travel there. */
static inline uint32_t
zanni__peer_level (const zanni__peer_t *peer)
{
    return peer->level_most && peer->level_most < peer->level ? peer->level_most : peer->level;
}

/* Whether its messages go by rings. */
static inline bool
zanni__peer_has_rings (const zanni__peer_t *peer)
{
    return peer->lane && peer->lane->rings;
}

/* What so many bytes of arguments and buffers count in the window: see window.c. */
static inline uint64_t
zanni__charge_of (const zanni__peer_t *peer, uint64_t bytes)
{
    uint64_t charge = ZANNI__CHARGE_RECORD + bytes;
    return charge < peer->base.item_most ? charge : peer->base.item_most;
}

/* What a record with buffers of so many bytes counts there: 0 for kinds that do not. */
static inline uint64_t
zanni__record_charge (const zanni__peer_t *peer, const zanni_record_t *record, uint64_t bytes)
{
    bool counts = record->kind == ZANNI_RECORD_TELL || record->kind == ZANNI_RECORD_ASK
                  || record->kind == ZANNI_RECORD_SPAWN;
    return counts ? zanni__charge_of (peer, record->args.size + bytes) : 0;
}

/* link.c */
zanni__peer_t *zanni__peer_find (zanni__hub_t *hub, const zanni_bytes_t *endpoint, const uint8_t *node);
int zanni__peer_get (zanni__hub_t *hub, zanni__peer_t **peer_p, const zanni_bytes_t *endpoint, const uint8_t *node);
int zanni__peer_far (zanni__hub_t *hub, zanni__peer_t **peer_p, const zanni_wire_hello_t *hello);   // that dialled us by tcp
bool zanni__peer_is_far (const zanni__peer_t *peer, const zanni_bytes_t *listens, const uint8_t *node);
void zanni__peer_listens (zanni__peer_t *peer, const zanni_wire_hello_t *hello);
void zanni__peer_unpin (zanni__peer_t *peer);   // the last hold of any kind frees it
void zanni__peer_leave (zanni__peer_t *peer);
void zanni__hub_tidy (zanni__hub_t *hub);       // frees what was closed
void zanni__hub_free (zanni__hub_t *hub);       // once it is closed and nobody has a peer of it

/* source.c: sockets and their descriptors. `socket` is closed on failure. */
int zanni__source_open (zanni__source_t *source, zanni__hub_t *hub, zanni_socket_t *socket,
                        bool (*read) (zanni__source_t *));
void zanni__source_close (zanni__source_t *source);
void zanni__source_stir (zanni__source_t *source);            // forgives NULL
bool zanni__source_is_calm (zanni__source_t *source);         // and nothing is in it: it need not be read
bool zanni__source_is_read (const zanni__source_t *source);   // nothing is known to be left in it, or it is NULL
void zanni__source_sent (zanni__source_t *source);   // after a send its descriptor may be silent with something to read
int zanni__socket_new (zanni__hub_t *hub, zanni_socket_t **socket_p, int type, int linger_ms);
void zanni__socket_pings (zanni_socket_t *socket, int64_t interval_ns);
int zanni__monitor_open (zanni__source_t *monitor, zanni__source_t *of, bool (*read) (zanni__source_t *));
bool zanni__monitor_read (zanni__source_t *monitor, int *event, int *value);
bool zanni__mail_read (zanni__mail_t *mail, zanni_socket_t *socket);   // false: there is none

/* post.c: one message goes. false: there is no connection. */
bool zanni__post_parcel (zanni__peer_t *peer, zanni__parcel_t *parcel);
bool zanni__post_record (const zanni__way_t *way, const zanni_record_t *record);
bool zanni__post_ack (zanni__peer_t *peer);   // by a lane that is full: later
void zanni__peer_sent (zanni__peer_t *peer);   // its socket may have something to read that did not stir
zanni__way_t zanni__peer_way (const zanni__peer_t *peer);
zanni__way_t zanni__dial_way (const zanni__dial_t *dial);
zanni__way_t zanni__route_way (const zanni__route_t *route);
zanni__source_t *zanni__peer_source (const zanni__peer_t *peer);   // what its connection is read from; NULL: it has none

/* outbox.c */
void zanni__outbox_init (zanni__outbox_t *out, uint64_t window);
int zanni__outbox_send (zanni__peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers);
int zanni__outbox_send_as (zanni__peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers,
                           const zanni__pair_t *pair);
zanni__parcel_t *zanni__outbox_place (zanni__peer_t *peer, const zanni_record_t *record, const zanni_bytes_t *written,
                                      uint32_t frames, int *rc);
int zanni__outbox_load (zanni__peer_t *peer, zanni__load_t *load, const zanni_bytes_t *written);
void zanni__outbox_transmit (zanni__peer_t *peer);
void zanni__outbox_seal (zanni__peer_t *peer);
void zanni__outbox_flush (zanni__peer_t *peer);
void zanni__outbox_again (zanni__peer_t *peer, uint64_t last);   // on a new connection, behind that batch
bool zanni__outbox_acknowledged (zanni__outbox_t *out, uint64_t ack);
bool zanni__outbox_idle (const zanni__outbox_t *out);
void zanni__outbox_clear (zanni__outbox_t *out);

/* window.c */
static inline bool
zanni__window_admits (const zanni__outbox_t *out, uint64_t charge)
{
    if (!out->charge && out->room >= out->window)
        return true;
    return out->charge <= out->room && charge <= out->room - out->charge;
}
uint64_t zanni__window_item_most (uint64_t window);
void zanni__window_told (zanni__outbox_t *out, uint64_t ack, uint64_t room, uint64_t acknowledged);
bool zanni__window_half_open (const zanni__outbox_t *out);
uint64_t zanni__window_room (uint64_t window, uint64_t held);
bool zanni__window_tell_now (const zanni__inbox_t *in, uint64_t window, uint64_t held);

/* inbox.c: what came by a session, behind its BATCH. */
void zanni__inbox_init (zanni__inbox_t *in, uint64_t window);
void zanni__inbox_take (zanni__peer_t *peer, zanni__mail_t *mail, zanni__reader_t *reader, const zanni_record_t *batch);
void zanni__inbox_clear (zanni__peer_t *peer);
uint64_t zanni__inbox_charge (const zanni__peer_t *peer, const zanni_record_t *record);
int zanni__inbox_deliver (zanni__peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers, const char **fault);
int zanni__frame_take (zanni__hub_t *hub, zanni_buffer_t **buffer_p, zmq_msg_t *frame, uintptr_t alignment);
void zanni__peer_taken (zanni__peer_t *peer, uint64_t charge);

/* chunk.c: buffers that are cut. */
void zanni__transfers_free (zanni__transfer_t *chain);
void zanni__transfers_add (zanni__outbox_t *out, zanni__transfer_t *chain);
void zanni__transfers_pump (zanni__peer_t *peer);

/* hold.c: records that wait here for a buffer in chunks. */
zanni__pair_t zanni__pair_of (const zanni_record_t *record);
bool zanni__hold_wanted (const zanni__outbox_t *out, const zanni__pair_t *pair);
int zanni__hold_put (zanni__peer_t *peer, zanni__load_t *load);
void zanni__holds_release (zanni__peer_t *peer);
void zanni__holds_free (zanni__hold_t *chain);

/* early.c: records that come before WELCOME. */
int zanni__early_put (zanni__peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers);
void zanni__earlies_release (zanni__peer_t *peer);
void zanni__earlies_free (zanni__early_t *chain);

/* strand.c: records that wait for a buffer in chunks, or behind one that does. */
bool zanni__strand_wanted (const zanni__inbox_t *in, const zanni_record_t *record);
int zanni__strand_put (zanni__peer_t *peer, const zanni_record_t *record, const zanni_bytes_t *bytes, zanni_buffer_t *args,
                     const char **fault);
int zanni__chunk_take (zanni__peer_t *peer, const zanni_record_t *record, const zanni_bytes_t *bytes, const char **fault);
void zanni__strands_clear (zanni__peer_t *peer);

/* session.c */
int zanni__session_begin (zanni__peer_t *peer);                    // dialled by us
void zanni__session_accept (zanni__peer_t *peer, uint64_t number);   // by the peer
void zanni__session_welcomed (zanni__peer_t *peer, const zanni_wire_hello_t *hello);
void zanni__session_acknowledge (zanni__peer_t *peer, uint64_t ack, const uint64_t *room);
void zanni__session_broke (zanni__peer_t *peer);
void zanni__session_doubt (zanni__peer_t *peer);
void zanni__session_fault (zanni__peer_t *peer, const char *text);
void zanni__session_down (zanni__peer_t *peer, const zanni_reason_t *reason, bool restarts, bool final);
void zanni__session_lost (zanni__peer_t *peer);   // down without a reason but that there is no connection
void zanni__session_due (zanni__peer_t *peer, int64_t now_ns);
void zanni__session_dirty (zanni__peer_t *peer);
uint64_t zanni__number_next (zanni__hub_t *hub);   // for what we dial
bool zanni__grave_has (const zanni__hub_t *hub, const zanni_wire_hello_t *hello);

/* dial.c */
typedef struct {
    void *owner;
    void (*came) (zanni__dial_t *dial, zanni__mail_t *mail);
    void (*stands) (zanni__dial_t *dial);
    void (*broke) (zanni__dial_t *dial);
    int64_t pulse_ns;              // of ZMTP heartbeats; 0: none
} zanni__dialling_t;
int zanni__dial_new (zanni__hub_t *hub, zanni__dial_t **dial_p, const char *endpoint, const zanni__dialling_t *how);
void zanni__dial_close (zanni__dial_t **dial_p, int linger_ms);
void zanni__dial_ahead (zanni__hub_t *hub, const char *endpoint);
bool zanni__dial_refused (zanni__hub_t *hub, const char *endpoint);

/* listen.c */
void zanni__gate_init (zanni__gate_t *gate);
int zanni__listen (zanni__hub_t *hub, const char *endpoint, int fd, int lane_fd);
int zanni__listen_far (zanni__hub_t *hub, const char *endpoint, char bound [ZANNI_ENDPOINT_MAX]);
zanni__route_t *zanni__route_new (zanni__hub_t *hub, const zanni__way_t *way, int fd);
void zanni__route_end (zanni__hub_t *hub, zanni__route_t **route_p);
void zanni__listen_far_close (zanni__hub_t *hub);
void zanni__listen_close (zanni__hub_t *hub);
void zanni__listen_due (zanni__hub_t *hub);

/* tcp.c: connections with other hosts. */
bool zanni__is_tcp (const char *endpoint);
int zanni__secure_dial (zanni__hub_t *hub, zanni__dial_t *dial, const char *endpoint, const char *dialled);
int zanni__secure_listener (zanni__hub_t *hub, zanni_socket_t *socket, const char *endpoint);
void zanni__secure_no_more (zanni__hub_t *hub);
int zanni__trusts (zanni_peer_t *peer);
int zanni__bind (void *link, const zanni_link_bind_t *how, char known [ZANNI_ENDPOINT_MAX]);

/* far.c: whose key speaks for which node, and until when. */
bool zanni__far_hello (zanni__hub_t *hub, const zanni__way_t *way, zanni__mail_t *mail, const zanni_wire_hello_t *hello,
                       zanni__shown_t *shown);   // false: it is refused, and told so
bool zanni__far_keep (zanni__peer_t *peer, const uint8_t *node, const zanni__shown_t *shown);   // false: the same
void zanni__far_drop (zanni__peer_t *peer);
void zanni__far_denied (zanni__peer_t *peer, const char *text);   // by the other side or by us: the session is down
void zanni__far_watch (zanni__hub_t *hub);
void zanni__far_look (zanni__hub_t *hub);
void zanni__far_due (zanni__hub_t *hub, int64_t now_ns);
bool zanni__far_is_trusted (zanni__hub_t *hub, const char *endpoint, const zanni__shown_t *shown, bool ours);

/* hello.c: who may speak. */
void zanni__hello_host (uint8_t host [16]);
void zanni__hello_fill (zanni__hub_t *hub, zanni_wire_hello_t *hello, bool far);
bool zanni__hello_send (zanni__peer_t *peer);
void zanni__mail_dialled (zanni__dial_t *dial, zanni__mail_t *mail);   // what comes by a session that we dialled
void zanni__mail_came (zanni__hub_t *hub, const zanni__way_t *way, zanni__route_t *route, zanni__mail_t *mail);
void zanni__mail_by_lane (zanni__peer_t *peer, zanni__mail_t *mail);
void zanni__bye_send (const zanni__way_t *way, zanni_bye_t code, const char *text);

/* pulse.c */
void zanni__pulse_watch (zanni__hub_t *hub, const zanni_node_event_t *event);
void zanni__pulse_want (zanni__peer_t *peer);
void zanni__pulse_follows (zanni__hub_t *hub, const uint8_t *node);   // to a session that the node has dialled
void zanni__pulse_miss (zanni__peer_t *peer);
void zanni__pulse_came (zanni__hub_t *hub, const zanni__way_t *way, int fd, const zanni_wire_hello_t *hello,
                        const zanni__shown_t *shown);
void zanni__pulse_broke (zanni__hub_t *hub, zanni__pulse_t *pulse);   // of the other side's
void zanni__pulse_done (zanni__pulse_t *pulse);
void zanni__pulse_fault (zanni__pulse_t *pulse);    // of the other side's: its node is lost at once
void zanni__pulse_detach (zanni__pulse_t *pulse);   // its connection is another's; forgives NULL
bool zanni__pulse_is_with (const zanni__pulse_t *pulse, const uint8_t *node);
void zanni__pulses_ended (zanni__hub_t *hub, const uint8_t *node, uint64_t incarnation);
void zanni__pulses_lost (zanni__hub_t *hub, const zanni_node_event_t *event);   // of a node that is
void zanni__pulses_distrust (zanni__hub_t *hub);   // those whose keys are not trusted any more
void zanni__pulses_due (zanni__hub_t *hub, int64_t now_ns);
void zanni__pulses_close (zanni__hub_t *hub);

/* home.c: why nodes end. */
bool zanni__home_is_here (const zanni__hub_t *hub, const char *home);
void zanni__home_watch (zanni__peer_t *peer);
void zanni__home_guess (zanni__peer_t *peer);
void zanni__home_unwatch (zanni__peer_t *peer);
bool zanni__home_down (zanni__peer_t *from, const zanni_record_t *record);
void zanni__home_ended (zanni__hub_t *hub, const zanni_node_event_t *event);
void zanni__home_lost (zanni__hub_t *hub, const zanni_node_event_t *event);

/* close.c */
void zanni__hub_close (zanni__hub_t *hub, int64_t until_ns);
uint32_t zanni__hub_receive (zanni__hub_t *hub);   // link.c

#endif
