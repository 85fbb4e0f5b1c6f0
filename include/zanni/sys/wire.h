/* wire.h: what travels between nodes, record by record.

   A ZeroMQ message between nodes is one header frame, msgpack records back to back, and the buffer frames that the
   records count. zanni_wire_decode tells a header frame to a callback, for tools and tests; src/wire/README.md is the
   whole protocol. Pure functions on bytes: any thread, never blocking, no memory kept. Weaker stability promise than
   the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_WIRE_H
#define ZANNI_SYS_WIRE_H

#include "../arg.h"

#define ZANNI_WIRE_VERSION 1
#define ZANNI_WIRE_HEADER_MAX 65536                    // bytes of a header frame
#define ZANNI_WIRE_FRAMES_MAX 64                       // buffer frames of a message
#define ZANNI_WIRE_FRAME_MAX ((1 << 20) + (64 << 10))  // bytes of each
#define ZANNI_WIRE_INLINE_MAX 4096                     // bytes of arguments in the header; more take a frame
#define ZANNI_WIRE_TABLE_MAX 1024                      // references, and buffers, of a record
#define ZANNI_WIRE_TEXT_MAX 231                        // bytes of an error's text
#define ZANNI_WIRE_NAME_MAX 255                        // of a method, class or endpoint

typedef enum {
    ZANNI_RECORD_BATCH = 0,
    ZANNI_RECORD_HELLO = 1,
    ZANNI_RECORD_WELCOME = 2,
    ZANNI_RECORD_BYE = 3,
    ZANNI_RECORD_ACK = 4,
    ZANNI_RECORD_TELL = 10,
    ZANNI_RECORD_ASK = 11,
    ZANNI_RECORD_REPLY = 12,
    ZANNI_RECORD_ERROR = 13,
    ZANNI_RECORD_CANCEL = 14,
    ZANNI_RECORD_FORWARDED = 15,
    ZANNI_RECORD_PROBE = 16,
    ZANNI_RECORD_MONITOR = 20,
    ZANNI_RECORD_DEMONITOR = 21,
    ZANNI_RECORD_DOWN = 22,
    ZANNI_RECORD_LINK = 23,
    ZANNI_RECORD_UNLINK = 24,
    ZANNI_RECORD_EXIT = 25,
    ZANNI_RECORD_RETAIN = 26,
    ZANNI_RECORD_RELEASE = 27,
    ZANNI_RECORD_SPAWN = 30,
    ZANNI_RECORD_SPAWNED = 31,
    ZANNI_RECORD_STOP = 32,
    ZANNI_RECORD_RESTART = 33,
    ZANNI_RECORD_CHUNK = 40,
    ZANNI_RECORD_LANE = 41
} zanni_record_kind_t;

/* Abilities, as bits in HELLO and WELCOME. */
#define ZANNI_ABILITY_LINK 1u     // LINK, UNLINK, EXIT
#define ZANNI_ABILITY_LANE 2u     // a lane was offered, or is taken: descriptors go by it
#define ZANNI_ABILITY_FRAMES 4u   // takes buffers as frames: level 2
#define ZANNI_ABILITY_SHARED 8u   // takes buffers in shared memory: level 3
#define ZANNI_ABILITY_RINGS 16u   // with the lane, rings: messages go by it
#define ZANNI_ABILITY_CLAIMS 32u  // takes buffers as blobs of a store that both know

/* Why a session ends: the code of BYE. */
typedef enum {
    ZANNI_BYE_DONE = 0,      // its node ends in good order
    ZANNI_BYE_DEAD = 1,      // the session of this HELLO was declared down here
    ZANNI_BYE_CROSSED = 2,   // both dialled at once, and the other one's stays
    ZANNI_BYE_VERSION = 3,   // no version in common
    ZANNI_BYE_FAULT = 4,     // what came breaks the protocol: the text says how
    ZANNI_BYE_DISTRUST = 5   // its key may not speak here, or not any more, or not for that node: the text says which
} zanni_bye_t;

/* An actor in one of a session's two nodes. */
typedef struct {
    uint64_t actor;
    const uint8_t *nonce;    // 16 bytes; NULL: nobody (nil)
} zanni_wire_actor_t;

/* A reference that can be passed on. */
typedef struct {
    const uint8_t *node;     // 16 bytes; NULL: the node that sent the record
    uint64_t actor;
    const uint8_t *nonce;    // 16 bytes
    zanni_bytes_t endpoint;  // where to dial; empty: the session's own, of the node that sent the record
    zanni_bytes_t cls;       // name of its class
    bool strong;
    bool own;
} zanni_wire_ref_t;

/* A buffer beside the arguments. Its bytes are the next of the record's frames, or come in CHUNK records, or lie in the
   record itself, or in memory that both sides share, or in a store. */
typedef struct {
    uint64_t size;
    uint64_t chunks;         // not 0: the number that its chunks name
    const uint8_t *bytes;    // not NULL: in the record
    const uint8_t *blob;     // not NULL: 40 bytes, the reference of the blob that has them
    uint64_t segment;        // not 0: in this piece of the sender's memory, at:
    uint64_t offset;
    uint8_t element;         // zanni_element_t
    uint8_t dimensions;      // of shape; 0: nobody said
    uint64_t shape [8];
} zanni_wire_buffer_t;

typedef struct {
    uint8_t kind;            // zanni_exit_t
    int64_t code;
    zanni_bytes_t text;
} zanni_wire_reason_t;

/* HELLO and WELCOME. */
typedef struct {
    uint8_t purpose;           // HELLO: 0 a session, 1 a pulse
    uint32_t version_min;      // WELCOME: the version that was chosen, in both
    uint32_t version_max;
    const uint8_t *node;       // 16 bytes: who speaks
    uint64_t incarnation;
    zanni_bytes_t name;
    const uint8_t *host;       // 16 bytes that are the same for one user on one running host
    uint64_t session;          // number, chosen by the dialer
    uint64_t last;             // the last batch of the session that was seen; 0: none
    uint32_t abilities;
    uint64_t window;           // limits: bytes that may be under way to the speaker; largest buffer that it takes
    uint64_t buffer_max;
    zanni_bytes_t endpoint;    // the speaker's own, at which its actors are reached
    zanni_bytes_t home;        // of a process node: endpoint of who knows why it ends; else empty
    uint64_t connection;       // HELLO: greater than that of any before; 0: the dialer does not number them
} zanni_wire_hello_t;

/* One record; which members count follows from its kind. Pointers lead into the frame that was read, or to what the
   writer lent. */
typedef struct {
    uint8_t kind;              // zanni_record_kind_t
    bool args_framed;          // the arguments are the first of the record's frames
    uint64_t args_chunks;      // not 0: they come in chunks under this number, args.size of them
    uint32_t refs_count;
    uint32_t buffers_count;
    uint64_t id;               // ASK, REPLY, ERROR, CANCEL, FORWARDED, PROBE, MONITOR to EXIT, SPAWN, SPAWNED
    zanni_wire_actor_t to;     // SPAWN: who is to be made; nobody: the actor of a fresh process
    zanni_wire_actor_t from;
    zanni_bytes_t method;      // TELL, ASK; SPAWN: the class
    zanni_bytes_t args;        // of REPLY the results, of ERROR the data: one msgpack array
    int64_t remaining_ms;      // ASK, SPAWN; -1: no deadline
    const zanni_wire_ref_t *refs;
    const zanni_wire_buffer_t *buffers;
    uint64_t claim_least;      // does not travel: buffers of so many bytes go as blobs; 0: as the node's options say
    const zanni_wire_ref_t *about;   // FORWARDED, SPAWNED; where `to` or `from` is relayed: the full reference, else NULL
    union {
        struct {
            uint64_t sequence, ack, window, held_ms;
        } batch;               // BATCH; ACK: ack, window
        zanni_wire_hello_t hello;
        struct {
            zanni_bytes_t waiting; // data NULL: the asker does not wait in a call; else who waits for it meanwhile
        } ask;                 // ASK; PROBE
        struct {
            int64_t code, app_code;
            zanni_bytes_t text;
            const uint8_t *node;   // origin: 16 bytes, NULL: the sender's
            uint64_t actor;
        } error;               // ERROR; BYE: code, text
        struct {
            zanni_wire_reason_t reason;
            bool restarts;     // DOWN
        } end;                 // DOWN, EXIT, STOP
        uint64_t count;        // RELEASE
        struct {
            uint64_t buffer, offset, total;
            zanni_bytes_t bytes;   // data NULL: its frame has them
        } chunk;
        struct {
            uint64_t segment, count;
        } lane;                // LANE
        struct {
            uint8_t place;     // zanni_place_t
            uint32_t worker;
            bool restartable;
            uint8_t waits;               // behind which ends its identity waits: 0 none, 1 abnormal, 2 all
            bool again;                  // it is there, and waits: it is to begin again
            uint8_t overflow;  // zanni_overflow_t
            uint32_t mailbox_messages;
            uint64_t mailbox_bytes;
            zanni_wire_actor_t beside;   // on whose worker, where the place is HERE
            uint32_t watchdog_ms;        // that a handler of it may take; 0: as the node says; over 2^31 - 1: as long as it likes
        } spawn;               // SPAWN, where it has `to`: an actor of a node that runs, with the right to own it
    } as;
} zanni_record_t;

#ifdef __cplusplus
extern "C" {
#endif

/* The name of a kind ("TELL"), or "?" for an unknown one. */
ZANNI_EXPORT const char *zanni_record_name (unsigned kind);

/* Gets the records of a header frame in order; `record` is valid during the call. Not 0: no more are wanted. */
typedef int zanni_wire_fn (void *context, const zanni_record_t *record);

/* Decodes a header frame and checks it as a session does. 0; what the callback answered; ZANNI_EARGS, and `fault` (may
   be NULL) says what is wrong and at which byte: the records before have been told then. ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_wire_decode (const void *frame, size_t size, zanni_wire_fn *each, void *context,
                                    zanni_error_t *fault) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
