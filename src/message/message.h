/* message.h: a message in memory: envelope, arguments, and where its reader is.

   A message is one block of ZANNI__MESSAGE_SIZE bytes from its worker's free list; arguments up to the room behind
   the envelope lie in the block, so a small message costs one allocation at most. The envelope's parts that only
   actor/ understands (who it is for, where its answer goes) are opaque here. What few messages need (nested reads,
   the text of a fault, copies of strings) is allocated when it is needed, in `extra`. */

#ifndef ZANNI_MESSAGE_MESSAGE_H
#define ZANNI_MESSAGE_MESSAGE_H

#include "../base/list.h"
#include "../base/queue.h"
#include "args.h"
#include "signature.h"
#include <zanni/message.h>

#define ZANNI__MESSAGE_SIZE 384
#define ZANNI__READ_DEPTH 8

/* One level of zanni_enter: how many items it has, and what is left at the level above. Where that goes on is found
   when the level is left, by passing over the rest: a level that is read to its end is walked once. */
typedef struct {
    uint32_t count;
    uint32_t left;
} zanni__level_t;

typedef struct {
    zanni_msg_t *msg;
    zanni__link_t kept;            // among its actor's kept messages
    uint32_t depth;
    zanni__level_t levels [ZANNI__READ_DEPTH];
    void *strings;                 // chunks of copies, freed with the message
    zanni__link_t instances;       // of registered types with hooks, dropped with the message
    void *chain;                   // of an ask whose asker waits: actor/chain.c; freed with the message
    char fault [200];
} zanni__extra_t;

struct zanni__identity;
struct zanni__method;

/* Two cache lines, of which the room's first bytes are the last: a tell of a number or two touches nothing else. */
struct zanni_msg {
    zanni__item_t item;
    struct zanni__identity *to;
    struct zanni__identity *from;             // held
    const struct zanni__method *method;       // resolved by class, or NULL
    zanni__args_t args;
    int64_t deadline_ns;                      // INT64_MAX: none
    zanni__payload_t *payload;
    zanni__extra_t *extra;
    uint32_t at;                              // next byte to read; 0: not begun
    uint32_t left;                            // arguments left at this level
    uint32_t room_used;                       // bytes at the front of the room that are taken
    int32_t code;                             // ERROR; above 0: see actor/
    uint64_t id;                              // of an ask, timer, watch or monitor
    const char *name;                         // of the method where it is not resolved, in memory of the message
    _Alignas (8) uint8_t room [];
};

#define ZANNI__MESSAGE_ROOM (ZANNI__MESSAGE_SIZE - sizeof (struct zanni_msg))

/* The message's `extra`, made when it is not there yet; NULL: out of memory. */
zanni__extra_t *zanni__msg_extra (zanni_msg_t *msg);

/* Frees what reading added; part of freeing a message. */
void zanni__msg_extra_free (zanni_msg_t *msg);

/* Remembers what did not fit, for zanni_msg_fault; without memory it stays "". */
void zanni__msg_set_fault (zanni_msg_t *msg, const char *text);

/* `size` bytes of its room that nothing else lies in; NULL: there are not so many. */
char *zanni__msg_room_left (zanni_msg_t *msg, size_t size);

/* `size` bytes that live as long as the message, in its room where they fit; NULL: out of memory. */
void *zanni__msg_room (zanni_msg_t *msg, size_t size);

/* A copy of `size` bytes and a NUL that lives as long as the message, in its room where it fits; NULL: out of
   memory. */
char *zanni__msg_copy (zanni_msg_t *msg, const void *data, size_t size);

/* Drops instances that a message read: pool.c. */
void zanni__instances_drop (zanni__link_t *instances);

#endif
