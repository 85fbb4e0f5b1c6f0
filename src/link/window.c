/* The arithmetic of windows, as in TCP: how much may be under way to a consumer.

   A receiver says with each message which batch it has seen last and how much room there is behind that; the sender takes
   off what it has sent since. Of two such words the later one counts: the one with the greater batch, or, of one batch,
   the one with more room, since room only grows while nothing comes. An item that is larger than the window is admitted
   when the window is whole, so that nothing waits for ever. */

#include "hub.h"

void
zanni__window_told (zanni__outbox_t *out, uint64_t ack, uint64_t room, uint64_t acknowledged)
{
    if (room > out->window)
        room = out->window;
    if (ack > acknowledged || (ack == acknowledged && room > out->room))
        out->room = room;
}

bool
zanni__window_half_open (const zanni__outbox_t *out)
{
    return out->charge <= out->room && out->room - out->charge >= out->window / 2;
}

uint64_t
zanni__window_room (uint64_t window, uint64_t held)
{
    return held < window ? window - held : 0;
}

/* A sender that may have stopped for want of room is told when half is open again; one with an item that is larger than
   what was left, when all is. */
bool
zanni__window_tell_now (const zanni__inbox_t *in, uint64_t window, uint64_t held)
{
    uint64_t room = zanni__window_room (window, held);
    if (in->came >= window / 4)
        return true;
    if (room <= in->told_room)
        return false;
    return (in->told_room < window / 2 && room >= window / 2) || (room == window && in->told_room < window / 4 * 3);
}
