/* system.h: what a call to the system that failed means to our callers. Any thread. */

#ifndef ZANNI_BASE_SYSTEM_H
#define ZANNI_BASE_SYSTEM_H

#include <errno.h>
#include <zanni/error.h>

/* The code for `number`, an errno: ZANNI_EDESCRIPTORS, ZANNI_ENOMEM, or ZANNI_ESYSTEM for all that needs no name. */
static inline int
zanni__system_code (int number)
{
    switch (number) {
    case EMFILE:
    case ENFILE:
        return ZANNI_EDESCRIPTORS;
    case ENOMEM:
        return ZANNI_ENOMEM;
    default:
        return ZANNI_ESYSTEM;
    }
}

#endif
