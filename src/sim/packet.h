/* packet.h: what is on its way between sockets, in rows; see packet.c. */

#ifndef ZANNI_SIM_PACKET_H
#define ZANNI_SIM_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

typedef enum { ZANNI__SIM_DATA, ZANNI__SIM_OPEN, ZANNI__SIM_STANDS, ZANNI__SIM_END, ZANNI__SIM_EVENT } zanni__sim_kind_t;

/* A message, or what becomes of a connection, or what a monitor is told of that. */
typedef struct zanni__sim_packet {
    struct zanni__sim_packet *next;
    zanni__sim_kind_t kind;
    int64_t ready_ns;
    uint32_t number;         // of its connection
    uint16_t event;          // for a monitor
    bool torn;               // a frame is missing, for lack of memory
    uint32_t count;
    uint32_t room;
    zmq_msg_t *frames;
} zanni__sim_packet_t;

typedef struct {
    zanni__sim_packet_t *head;
    zanni__sim_packet_t **tail;
} zanni__sim_row_t;

void zanni__sim_row_init (zanni__sim_row_t *row);
void zanni__sim_row_push (zanni__sim_row_t *row, zanni__sim_packet_t *packet);
zanni__sim_packet_t *zanni__sim_row_pop (zanni__sim_row_t *row);
void zanni__sim_row_clear (zanni__sim_row_t *row);

zanni__sim_packet_t *zanni__sim_packet_new (zanni__sim_kind_t kind);   // NULL: no memory
zanni__sim_packet_t *zanni__sim_packet_copy (zanni__sim_packet_t *packet);
void zanni__sim_packet_add (zanni__sim_packet_t *packet, const void *data, size_t size);
size_t zanni__sim_packet_size (zanni__sim_packet_t *packet);
void zanni__sim_packet_free (zanni__sim_packet_t *packet);   // forgives NULL

#endif
