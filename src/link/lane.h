/* lane.h: what two nodes of one host have beside their ZeroMQ connection: two rings, a bell each, and a socket by which
   descriptors go. It belongs to one session, and to the worker's thread.

   meet.c makes it, lane.c moves messages through it. */

#ifndef ZANNI_LINK_LANE_H
#define ZANNI_LINK_LANE_H

#include "ring.h"

#include "../actor/watch.h"
#include "../base/list.h"
#include "../base/table.h"
#include "mail.h"
#include "parcel.h"

#include <zanni/sys/wire.h>

typedef struct zanni__lane zanni__lane_t;
struct zanni__hub;
struct zanni__peer;

struct zanni__lane {
    zanni__hook_fd_t bell;         // first: its descriptor is the bell that the other end rings
    zanni__link_t all;             // among the hub's lanes that are read; in no list as long as it is an offer
    zanni__lane_t *next;           // among those that are to be freed
    struct zanni__hub *hub;
    struct zanni__peer *peer;      // NULL: closed, or an offer
    uint64_t session;              // of an offer: whose it is
    uint8_t node [16];
    int socket;                    // to the other end
    int other_bell;
    bool rings;                    // messages go by them; else it is there for descriptors only
    zanni__table_t loans;          // segments of ours that the other end has mapped; see share.c
    bool loans_stale;              // of some it is to be told that they are gone
    uint64_t gone;                 // how many of the region's were when that was last seen to
    zanni__table_t mappings;       // segments of the other end's
    zanni__link_t returns;         // of those, with uses that are to be given back
    zanni__ring_t in;
    zanni__ring_t out;
    zanni__parcel_t *posting;      // that is written in part, with a use of its own; NULL: there is none
    uint32_t posting_frame;        // of it, which comes next
    size_t posting_at;             // in that frame
    const char *fault;             // what the other end has left in the memory cannot be, or the like
    uint8_t *header;               // of the message that is being read: ZANNI_WIRE_HEADER_MAX bytes
    zanni__mail_t mail;
    bool partial;                  // it has begun
    uint32_t filling;              // its frame that comes next
    size_t filled;                 // bytes of that frame
};

/* meet.c: how two ends come together. The dialer offers before it says HELLO, and then says that it has; the listener
   takes what was offered for that session. */
void zanni__lane_listen (struct zanni__hub *hub, int fd);
void zanni__lane_unlisten (struct zanni__hub *hub);
void zanni__lane_offer (struct zanni__peer *peer);    // where that cannot be, there is none
void zanni__lane_accept (struct zanni__peer *peer);
void zanni__lane_close (zanni__lane_t **lane_p);      // forgives NULL

/* lane.c */
int zanni__lane_begin (zanni__lane_t *lane, bool rings);   // it was agreed on: from now on it is read
void zanni__lane_end (zanni__lane_t *lane);
bool zanni__lane_post (struct zanni__peer *peer, zanni__parcel_t *parcel, const zanni_bytes_t *batch);
void zanni__lane_go_on (zanni__lane_t *lane);         // with what there was no room for
bool zanni__lane_say (struct zanni__peer *peer, const void *bytes, size_t size);   // a message without frames
void zanni__lanes_read (struct zanni__hub *hub);
bool zanni__lane_drain (struct zanni__peer *peer);    // all that is in it now; false: the session has ended
bool zanni__lanes_wait (struct zanni__hub *hub);      // there is something to read
bool zanni__lanes_sleep (struct zanni__hub *hub);     // false: there is something to read

/* share.c: buffers in memory that both have mapped. */
bool zanni__share_out (struct zanni__peer *peer, const zanni_buffer_t *buffer, zanni_wire_buffer_t *wire);
void zanni__share_undo (struct zanni__peer *peer, const zanni_wire_buffer_t *wire);   // its record was not sent
int zanni__share_in (struct zanni__peer *peer, zanni_buffer_t **buffer_p, const zanni_wire_buffer_t *wire,
                     const char **fault);
bool zanni__share_told (struct zanni__peer *peer, const zanni_record_t *record);      // false: it cannot be
void zanni__share_flush (struct zanni__peer *peer);
void zanni__share_end (zanni__lane_t *lane, bool over);

#endif
