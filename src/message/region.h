/* region.h: where buffers get their memory by default. */

#ifndef ZANNI_MESSAGE_REGION_H
#define ZANNI_MESSAGE_REGION_H

#include <zanni/sys/region.h>

/* Pooled blocks from the process's allocator. Any thread. */
extern const zanni_region_ops_t zanni__region_default;

#endif
