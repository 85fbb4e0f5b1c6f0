/* child.h: what runs in the process of a process actor. */

#ifndef ZANNI_NODE_CHILD_H
#define ZANNI_NODE_CHILD_H

#include "../place/launcher.h"

/* Runs the actor to its end; answers the exit code. */
int zanni__child_main (zanni__birth_t *birth);

#endif
