/* cruncher.h: the actor that does the work, one row of the picture a job. */

#ifndef CRUNCHER_H
#define CRUNCHER_H

#include <zanni.h>

#define SIZE_MAX_POINTS 8192

extern const zanni_class_t cruncher_class;

#endif
