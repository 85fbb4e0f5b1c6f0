/* What is on its way between sockets: packets, in rows. A frame is copied into one, since the other side has no memory in
   common with this one. */

#include "packet.h"

#include <stdlib.h>
#include <string.h>

void
zanni__sim_row_init (zanni__sim_row_t *row)
{
    row->head = NULL;
    row->tail = &row->head;
}

void
zanni__sim_row_push (zanni__sim_row_t *row, zanni__sim_packet_t *packet)
{
    packet->next = NULL;
    *row->tail = packet;
    row->tail = &packet->next;
}

zanni__sim_packet_t *
zanni__sim_row_pop (zanni__sim_row_t *row)
{
    zanni__sim_packet_t *packet = row->head;
    if (packet && !(row->head = packet->next))
        row->tail = &row->head;
    return packet;
}

void
zanni__sim_row_clear (zanni__sim_row_t *row)
{
    zanni__sim_packet_t *packet;
    while ((packet = zanni__sim_row_pop (row)))
        zanni__sim_packet_free (packet);
}

zanni__sim_packet_t *
zanni__sim_packet_new (zanni__sim_kind_t kind)
{
    zanni__sim_packet_t *packet = calloc (1, sizeof *packet);
    if (packet)
        packet->kind = kind;
    return packet;
}

static bool
s_make_room (zanni__sim_packet_t *packet)
{
    uint32_t room = packet->room ? packet->room * 2 : 2;
    if (packet->count < packet->room)
        return true;
    zmq_msg_t *frames = realloc (packet->frames, room * sizeof *frames);
    if (!frames)
        return false;
    packet->frames = frames;
    packet->room = room;
    return true;
}

void
zanni__sim_packet_add (zanni__sim_packet_t *packet, const void *data, size_t size)
{
    packet->torn = packet->torn || !s_make_room (packet) || zmq_msg_init_size (&packet->frames [packet->count], size);
    if (packet->torn)
        return;
    zmq_msg_t *frame = &packet->frames [packet->count++];
    if (size)
        memcpy (zmq_msg_data (frame), data, size);
}

zanni__sim_packet_t *
zanni__sim_packet_copy (zanni__sim_packet_t *packet)
{
    zanni__sim_packet_t *copy = zanni__sim_packet_new (packet->kind);
    for (uint32_t i = 0; copy && i < packet->count; i++)
        zanni__sim_packet_add (copy, zmq_msg_data (&packet->frames [i]), zmq_msg_size (&packet->frames [i]));
    if (copy && copy->torn) {
        zanni__sim_packet_free (copy);
        return NULL;
    }
    if (copy)
        copy->number = packet->number;
    return copy;
}

size_t
zanni__sim_packet_size (zanni__sim_packet_t *packet)
{
    size_t size = 0;
    for (uint32_t i = 0; i < packet->count; i++)
        size += zmq_msg_size (&packet->frames [i]);
    return size;
}

void
zanni__sim_packet_free (zanni__sim_packet_t *packet)
{
    if (!packet)
        return;
    for (uint32_t i = 0; i < packet->count; i++)
        (void) zmq_msg_close (&packet->frames [i]);
    free (packet->frames);
    free (packet);
}
