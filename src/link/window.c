/* The arithmetic of windows, as in TCP: how much may be under way to a consumer.

   A receiver says with each message which batch it has seen last and how much room there is behind that; the sender takes
   off what it has sent since. Of two such words the later one counts: the one with the greater batch, or, of one batch,
   the one with more room, since room only grows while nothing comes.

   An item counts half of the window and one byte at most, however large it is: so of those that are larger only one
   is under way, there is room beside it for small ones, which pass it, and whoever waits until so much is open finds
   room for whatever it has, though others go on sending. Were an item to count for all that it is, one that is larger
   than the window would have to wait until nothing is under way, which may never be so, and then keep out everything
   else. */

#include "hub.h"

uint64_t
zanni__window_item_most (uint64_t window)
{
    return window / 2 + 1;
}

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
    return out->charge <= out->room && out->room - out->charge >= zanni__window_item_most (out->window);
}

uint64_t
zanni__window_room (uint64_t window, uint64_t held)
{
    return held < window ? window - held : 0;
}

/* A sender that may have stopped for want of room is told when half is open again, and once more when all is. */
bool
zanni__window_tell_now (const zanni__inbox_t *in, uint64_t window, uint64_t held)
{
    uint64_t room = zanni__window_room (window, held);
    uint64_t half = zanni__window_item_most (window);
    if (in->came >= window / 4)
        return true;
    if (room <= in->told_room)
        return false;
    return (in->told_room < half && room >= half) || (room == window && in->told_room < window / 4 * 3);
}
