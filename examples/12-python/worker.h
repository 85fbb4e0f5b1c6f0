/* worker.h: an actor that adds. They run on a pool of threads; who hired one need not know which. */

#ifndef WORKER_H
#define WORKER_H

#include <zanni.h>

extern const zanni_class_t worker_class;

/* How many live. */
int64_t worker_count (void);

#endif
