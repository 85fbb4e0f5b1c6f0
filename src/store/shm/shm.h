/* shm.h: blobs in memory, as those who put them have them and as others see them.

   What the two say to each other goes by a SOCK_SEQPACKET socket, in packets of these forms; both are programs of one
   host. A request but GIVE is answered, in order. */

#ifndef ZANNI_STORE_SHM_H
#define ZANNI_STORE_SHM_H

#include "../../base/passing.h"
#include "../../base/rundir.h"
#include "../memory.h"

#define ZANNI__SHM_PIECE (56u << 10)   // bytes that one READ is answered with

typedef enum {
    ZANNI__SHM_GET = 1,   // a descriptor, and where the bytes are in it; or that they have to be read
    ZANNI__SHM_GIVE,      // a lease is over
    ZANNI__SHM_READ,      // bytes from `offset` on, which follow the answer
    ZANNI__SHM_WAIT,      // answered when there may be more than `offset`, or after some time
    ZANNI__SHM_RETAIN,
    ZANNI__SHM_RELEASE,
    ZANNI__SHM_DROP
} zanni__shm_op_t;

typedef struct {
    uint32_t op;
    uint32_t timeout_ms;
    uint64_t offset;      // GIVE: the lease
    uint8_t id [16];
} zanni__shm_request_t;

typedef struct {
    int32_t rc;
    uint32_t got;         // bytes that follow
    uint32_t shared;      // a descriptor comes with it
    uint32_t more;        // the put goes on
    uint64_t size;
    uint64_t checksum;
    uint64_t lease;
    uint64_t segment_size;
    uint64_t offset;
    uint64_t gone;        // so often the owner has given memory back to the system
} zanni__shm_answer_t;

typedef struct zanni__shm_client zanni__shm_client_t;

/* What one handle has put. */
typedef struct {
    zanni_store_options_t options;
    uint8_t number [8];         // by which it is known; the tag of its lease
    zanni__memory_t *memory;    // which the server looks at
    zanni__lease_t *lease;      // NULL: it has put nothing, so nobody asks
    zanni__seat_t seat;
    int wake_fd;                // something has changed that somebody may wait for
    pthread_t server;
    bool stopping;              // guarded by the memory's lock
    zanni__shm_client_t *clients;   // connections to others; of the handle's thread
} zanni__shm_t;

/* server.c: answers others. */
int zanni__shm_serve (zanni__shm_t *shm);
void zanni__shm_stop (zanni__shm_t *shm);
void zanni__shm_changed (void *shm);

/* client.c: asks others. */
int zanni__shm_ask (zanni__shm_t *shm, const zanni_blob_t *blob, zanni__shm_request_t *request,
                    zanni__shm_answer_t *answer);
int zanni__shm_fetch (zanni__shm_t *shm, zanni_found_t *found, const zanni_blob_t *blob);
int zanni__shm_read (zanni__shm_t *shm, const zanni_blob_t *blob, uint64_t offset, void *data, zanni__shm_answer_t *answer);
void zanni__shm_hang_up (zanni__shm_t *shm);

#endif
