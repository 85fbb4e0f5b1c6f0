/* A world: its seed, its clock, its trace, and the nodes in it.

   All that happens is decided by draws from one sequence, so the same seed gives the same order, as long as the program asks
   nothing but the world for time and chance. */

#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_BEGIN_NS INT64_C (1000000000)
#define S_HASH_BEGIN UINT64_C (14695981039346656037)   // FNV-1a
#define S_HASH_PRIME UINT64_C (1099511628211)

uint64_t
zanni_sim_random (zanni_sim_t *sim)
{
    sim->draws++;
    uint64_t mixed = sim->random += UINT64_C (0x9e3779b97f4a7c15);   // splitmix64
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C (0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint32_t
zanni_sim_below (zanni_sim_t *sim, uint32_t limit)
{
    return limit ? (uint32_t) (zanni_sim_random (sim) % limit) : 0;
}

bool
zanni__sim_draw (zanni_sim_t *sim, uint32_t percent)
{
    return percent && zanni_sim_below (sim, 100) < percent;
}

bool
zanni__sim_fault (zanni_sim_t *sim, uint64_t *nth, uint32_t percent)
{
    if (*nth && !--*nth)
        return true;
    return zanni__sim_draw (sim, percent);
}

/* A line for which there is no memory is missing in the text, not in the hash. */
static void
s_append (zanni_sim_t *sim, const char *line, size_t length)
{
    if (sim->text_size + length + 1 > sim->text_room) {
        size_t room = (sim->text_room + length + 1) * 2;
        char *text = realloc (sim->text, room);
        if (!text)
            return;
        sim->text = text;
        sim->text_room = room;
    }
    memcpy (sim->text + sim->text_size, line, length + 1);
    sim->text_size += length;
}

void
zanni_sim_note (zanni_sim_t *sim, const char *format, ...)
{
    char line [256];
    va_list list;
    va_start (list, format);
    int length = snprintf (line, sizeof line, "%" PRId64 " ", sim->now_ns);
    length += vsnprintf (line + length, sizeof line - (size_t) length - 1, format, list);
    va_end (list);
    if (length > (int) sizeof line - 2)
        length = (int) sizeof line - 2;
    line [length++] = '\n';
    line [length] = 0;
    for (int i = 0; i < length; i++)
        sim->hash = (sim->hash ^ (uint8_t) line [i]) * S_HASH_PRIME;
    if (sim->options.line)
        sim->options.line (sim->options.context, line);
    if (sim->options.traced)
        s_append (sim, line, (size_t) length);
}

uint64_t
zanni_sim_hash (const zanni_sim_t *sim)
{
    return (sim->hash ^ sim->draws) * S_HASH_PRIME;   // whoever went another way without a line has drawn otherwise
}

const char *
zanni_sim_trace (const zanni_sim_t *sim)
{
    return sim->text ? sim->text : "";
}

int64_t
zanni_sim_now_ns (const zanni_sim_t *sim)
{
    return sim->now_ns;
}

void
zanni_sim_spend (zanni_sim_t *sim, int64_t ns)
{
    int64_t until_ns = sim->now_ns + (ns > 0 ? ns : 0);
    for (int64_t next_ns; (next_ns = zanni__sim_watch (sim)) < until_ns;)
        sim->now_ns = next_ns > sim->now_ns ? next_ns : sim->now_ns;
    sim->now_ns = until_ns > sim->now_ns ? until_ns : sim->now_ns;
}

void
zanni_sim_set_faults (zanni_sim_t *sim, const zanni_sim_faults_t *faults)
{
    sim->faults = *faults;
}

uint64_t
zanni_sim_posts (const zanni_sim_t *sim)
{
    return sim->posts;
}

int
zanni_sim_new (zanni_sim_t **sim_p, const zanni_sim_options_t *options)
{
    if (!sim_p || (options && options->size && options->size != sizeof *options))
        return ZANNI_EINVAL;
    zanni_sim_t *sim = calloc (1, sizeof *sim);
    if (!sim)
        return ZANNI_ENOMEM;
    if (options)
        sim->options = *options;
    sim->random = sim->options.seed;
    sim->now_ns = S_BEGIN_NS;
    sim->hash = S_HASH_BEGIN;
    zanni__sim_batons_begin (sim);
    *sim_p = sim;
    return 0;
}

void
zanni_sim_destroy (zanni_sim_t **sim_p)
{
    zanni_sim_t *sim = sim_p ? *sim_p : NULL;
    if (!sim)
        return;
    *sim_p = NULL;
    zanni__sim_batons_end (sim);
    zanni__sim_net_free (sim);
    while (sim->kept)   // of nodes that crashed
        zanni__sim_forget (sim, sim->kept->endpoint);
    zanni__sim_nodes_free (sim);
    free (sim->text);
    free (sim);
}
