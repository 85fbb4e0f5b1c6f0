/* list.h: a list in memory. One of a program's own has memory of its own; the one that a pack hook of a registered type
   appends to writes into the message. */

#ifndef ZANNI_MESSAGE_LIST_H
#define ZANNI_MESSAGE_LIST_H

#include "pack.h"
#include <zanni/message.h>

struct zanni_list {
    zanni__writer_t *writer;
    uint32_t count;
    zanni__writer_t own;   // unused by hooks
};

#endif
