/* link.h: the seam through which messages leave the node.

   A reference whose actor is not in this node names a link; whatever is sent to it, and whatever answers an ask that
   came over it, passes through `send`. One process needs none: the table is fixed when a node is made, and is empty
   by default. Weaker stability promise than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_LINK_H
#define ZANNI_SYS_LINK_H

#include "../message.h"

typedef enum {
    ZANNI_RECORD_TELL = 10,
    ZANNI_RECORD_ASK = 11,
    ZANNI_RECORD_REPLY = 12,
    ZANNI_RECORD_ERROR = 13
} zanni_record_kind_t;

/* What crosses a link, in the words of the wire protocol. Borrowed during the call. */
typedef struct {
    zanni_record_kind_t kind;
    zanni_address_t to;
    zanni_address_t from;
    uint64_t id;             // of the ask
    const char *method;
    int64_t remaining_ms;    // of an ask; -1: no deadline
    zanni_bytes_t args;      // msgpack, references and buffers as indices
    const zanni_ref_t *const *refs;
    size_t refs_count;
    const zanni_buffer_t *const *buffers;
    size_t buffers_count;
    const zanni_error_t *error;   // of an ERROR
} zanni_record_t;

typedef struct zanni_link_ops {
    size_t size;   // sizeof (zanni_link_ops_t), or 0
    void *context;
    /* Opens a way to `endpoint`; its events come to the worker that opened it. Must not block. */
    int (*open) (void *context, const char *endpoint, void **link_p);
    /* Sends one record, copying what it needs. ZANNI_EFULL: its window is used up. Must not block. */
    int (*send) (void *link, const zanni_record_t *record);
    void (*close) (void *link);
    /* Takes in what has arrived; answers the number of records. Must not block. */
    int (*events) (void *link);
} zanni_link_ops_t;

#endif
