/* stub.h: a node that is nothing but a worker with a link, for tests of sessions without actors. Several live in one
   process; whoever calls stub_run drives those that it names, in turn. */

#ifndef TESTS_UNIT_LINK_STUB_H
#define TESTS_UNIT_LINK_STUB_H

#include "actor/worker.h"
#include "link/link.h"

#include <zanni/buffer.h>

typedef struct stub stub_t;

struct stub {
    zanni_worker_t worker;       // first: what the link gets
    zanni_node_t node;
    void *link;
    int listen_fd;
    int lane_fd;
    bool listening;
    char bound [ZANNI_ENDPOINT_MAX];

    /* What the test wants to know of; may be NULL. `buffers` are dropped behind it. Not 0: a fault. */
    int (*record) (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers);
    void *context;
    bool keeps;                  // what came is not taken: the window stays shut
    uint64_t kept;

    int records;
    int downs;
    int rooms;
    int no_links;
    int acknowledged;
    int lost;                    // events, by kind
    int watched;
    int ended;
    zanni_reason_t reason;       // of the last down
    bool restarts;
    bool final;
    char log [256];              // its last line

    zanni_node_event_t events [64];
    int events_count;
};

/* What the environment says of all of them: STUB_LEVEL, how buffers travel (else 2, as frames); STUB_LANE, that they have
   none. A test may set both in the node's options before the first session. STUB_TCP: the secret by which they speak tcp; they do
   so openly where it is not there, or "openly". */

/* `id` is every byte of the node's; its link is open, and has no socket yet. */
void stub_open_with (stub_t *stub, uint8_t id, uint64_t window, uint32_t heartbeat_ms);
void stub_close (stub_t *stub, int64_t wait_ms);

/* Its endpoint, which listens. */
const char *stub_endpoint (stub_t *stub);

/* The same at a path of the test's own. */
void stub_listen_at (stub_t *stub, const char *endpoint);

/* The secret of STUB_TCP, or NULL. */
const char *stub_secret (void);

/* Where it listens for other hosts, by tcp. */
const char *stub_bind (stub_t *stub);

/* One look, which waits for at most so long. */
void stub_step (stub_t *stub, int64_t wait_ms);

/* Drives all of them until `done` (called with `context`) or for so long; whether it was done. */
bool stub_run (stub_t **stubs, int count, int64_t wait_ms, bool (*done) (void *context), void *context);

/* A tell of `number` as from `from` to `to`, with a buffer of `size` bytes unless 0. */
int stub_tell (stub_t *stub, zanni_peer_t *peer, uint64_t from, uint64_t number, size_t size);
int stub_send (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers);
zanni_buffer_t *stub_buffer (stub_t *stub, size_t size, uint64_t seed);
bool stub_buffer_is (const zanni_buffer_t *buffer, size_t size, uint64_t seed);

/* The number in a tell that came, and the parts of `stub_tell`. */
uint64_t stub_number (const zanni_record_t *record);

int64_t stub_now_ns (void);

#endif
