/* descriptor.h: what zanni_fd made for a root or attached worker. */

#ifndef ZANNI_ACTOR_DESCRIPTOR_H
#define ZANNI_ACTOR_DESCRIPTOR_H

#include "worker.h"

/* Sets the descriptor to the truth after work was made or done; nothing where there is none. */
void zanni__descriptor_update (zanni_worker_t *worker);
void zanni__descriptor_close (zanni_worker_t *worker);

#endif
