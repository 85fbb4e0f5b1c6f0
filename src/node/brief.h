/* brief.h: what a process actor is told when it is born. Written by its spawner's node (process.c), read in its own process
   (child.c), by the same library: no protocol, so it has no versions. */

#ifndef ZANNI_NODE_BRIEF_H
#define ZANNI_NODE_BRIEF_H

#include "../actor/remote/remote.h"

#define ZANNI__BRIEF_ARGUMENTS 32

typedef struct {
    uint8_t node [16];
    uint8_t own [ZANNI__NONCE];
    uint64_t incarnation;
    char cls [ZANNI_WIRE_NAME_MAX + 1];
    char home [ZANNI_ENDPOINT_MAX];
    char claim_store [256];                       // "": none
    char program [1024];                          // "": the running one
    char arguments [ZANNI__BRIEF_ARGUMENTS][256];
    uint32_t arguments_count;
    zanni_options_t options;                      // its numbers
    uint32_t limit;                               // of the actor's mailbox
    uint64_t limit_bytes;
    uint8_t overflow;
    bool restartable;
    uint8_t waits;                                // zanni__waits_t
} zanni__brief_t;

/* Answers the size; 0: it does not fit. */
size_t zanni__brief_write (uint8_t *at, size_t room, const zanni__brief_t *brief);
bool zanni__brief_read (zanni__brief_t *brief, const void *bytes, size_t size);

#endif
