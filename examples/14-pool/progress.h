/* progress.h: a bar on a terminal, a plain line now and then elsewhere. */

#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>
#include <zanni.h>

/* How often it wants to be told, in ms. */
int64_t progress_every_ms (void);

void progress_show (const zanni_map_progress_t *progress, uint64_t all);

/* Takes the bar away, so that other text can follow. */
void progress_clear (void);

#endif
