/* wire.c: buffers of all sizes to an actor in a process of its own, by each of the ways that options.wire_level_max
   allows: in the record, as frames, in shared memory. A node has one such level, so each has a node of its own. What is
   promised is of 1 MiB: of what is much larger, how warm the memory is decides more than the way does. */

#include "measure.h"

#include <stdio.h>
#include <string.h>

#define S_LEVELS 3
#define S_PROMISED ((size_t) 1 << 20)

static const char *const s_ways [S_LEVELS] = { "in band", "frames", "shared memory" };

typedef struct {
    size_t size;
    zanni_buffer_t *buffer;
} block_t;

static int
s_make (zanni_t *self, zanni_arg_t *arg, void *context)
{
    block_t *block = context;
    void *data;
    int rc = zanni_buffer_new (self, &block->buffer, block->size);
    if (rc)
        return rc;
    rc = zanni_buffer_edit (&data, block->buffer);
    if (rc) {
        zanni_buffer_destroy (&block->buffer);
        return rc;
    }
    memset (data, 7, block->size);
    *arg = zanni_arg_buffer (block->buffer);
    return 0;
}

static void
s_done (void *context)
{
    block_t *block = context;
    zanni_buffer_destroy (&block->buffer);
}

static void
s_label (char *label, size_t room, size_t size, const char *way)
{
    if (size >> 20)
        snprintf (label, room, "%zu MiB %s", size >> 20, way);
    else
        snprintf (label, room, "%zu KiB %s", size >> 10, way);
}

/* All sizes at one level; *cost is that of the promised one. */
static int
s_level (outcome_t *outcome, cost_t *cost, uint32_t level, bool quick)
{
    static const size_t sizes [] = { 1 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20 };
    size_t count = quick ? 4 : 5;
    stage_t stage;
    char label [40];
    int rc = stage_open (&stage, ZANNI_PROCESS, (zanni_options_t) { .wire_level_max = level });
    for (size_t i = 0; !rc && i < count; i++) {
        block_t block = { .size = sizes [i] };
        unsigned repeats = sizes [i] <= S_PROMISED ? 20 : 2;
        cost_t one;
        rc = measure (&one, &stage, &(way_t) { "buffer", s_make, s_done, &block, repeats, 0 }, 1);
        s_label (label, sizeof label, sizes [i], s_ways [level - 1]);
        if (!rc)
            outcome_add (outcome, label, &one);
        if (!rc && sizes [i] == S_PROMISED)
            *cost = one;
    }
    stage_close (&stage);
    return rc;
}

int
tip_buffers (outcome_t *outcome, bool quick)
{
    cost_t costs [S_LEVELS];
    int rc = 0;
    for (uint32_t level = 1; !rc && level <= S_LEVELS; level++)
        rc = s_level (outcome, &costs [level - 1], level, quick);
    if (!rc)
        outcome->ratio = costs [0].seconds / costs [2].seconds;
    return rc;
}
