/* Nodes of a world: their seams, which of them reach each other, and their crashes.

   A node that crashes is cut off from everything at one moment, and then taken apart by the same functions as any other, for
   its memory has to be freed. That takes no time: its clock runs ahead of all others, and nobody hears of it. */

#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>

static int64_t
s_now (void *context)
{
    return zanni__sim_node_now (context);
}

static int
s_random (void *context, void *data, size_t size)
{
    uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        bytes [i] = (uint8_t) zanni_sim_random (((zanni__sim_node_t *) context)->sim);
    return 0;
}

static uint32_t
s_choose (void *context, uint32_t count)
{
    return zanni_sim_below (((zanni__sim_node_t *) context)->sim, count);
}

int64_t
zanni__sim_node_now (zanni__sim_node_t *node)
{
    zanni_sim_t *sim = node->sim;
    if (sim->options.tick_ns)
        sim->now_ns += (int64_t) (zanni_sim_random (sim) % (uint64_t) (sim->options.tick_ns + 1));
    return sim->now_ns + node->ahead_ns;
}

void
zanni__sim_node_skip (zanni__sim_node_t *node, int64_t until_ns)
{
    if (node->crashed && until_ns != INT64_MAX && until_ns > node->sim->now_ns + node->ahead_ns)
        node->ahead_ns = until_ns - node->sim->now_ns;
}

int64_t
zanni__sim_node_pause (const zanni__sim_node_t *node)
{
    zanni_sim_t *sim = node->sim;
    if (node->crashed || sim->faults.slow_ns <= 0 || !zanni__sim_draw (sim, sim->faults.slow_percent))
        return 0;
    return (int64_t) (zanni_sim_random (sim) % (uint64_t) (sim->faults.slow_ns + 1));
}

zanni__sim_node_t *
zanni__sim_node_new (zanni_sim_t *sim)
{
    zanni__sim_node_t *node = calloc (1, sizeof *node);
    if (!node)
        return NULL;
    node->sim = sim;
    node->number = ++sim->nodes_made;
    node->next = sim->nodes;
    sim->nodes = node;
    node->clock = (zanni_clock_t) {
        .size = sizeof node->clock, .context = node, .now_ns = s_now, .random = s_random, .choose = s_choose
    };
    node->port = zanni__sim_port_ops;
    node->port.context = node;
    node->sockets = zanni__sim_sockets_ops;
    node->sockets.context = node;
    zanni_link_over (&node->link, &node->sockets);
    return node;
}

void
zanni__sim_nodes_free (zanni_sim_t *sim)
{
    zanni__sim_node_t *node;
    zanni_sim_heal (sim, NULL, NULL);
    while ((node = sim->nodes)) {
        sim->nodes = node->next;
        free (node);
    }
}

void
zanni__sim_node_plug (zanni__sim_node_t *node, zanni_options_t *options)
{
    options->clock = &node->clock;
    options->port = &node->port;
    options->place = &zanni__sim_place_ops;
    options->link = &node->link;
    options->sleep_at_once = options->lane_off = true;
    if (!options->wire_level_max || options->wire_level_max > 2)
        options->wire_level_max = 2;   // memory is not shared
}

int
zanni_sim_plug (zanni_sim_t *sim, zanni_options_t *options)
{
    zanni__sim_node_t *node = zanni__sim_node_new (sim);
    if (!node)
        return ZANNI_ENOMEM;
    zanni__sim_node_plug (node, options);
    return 0;
}

int
zanni_sim_node (zanni_sim_t *sim, zanni_t **self_p, const zanni_options_t *options)
{
    zanni_options_t own = ZANNI_OPTIONS_DEFAULT;
    zanni_t *self;
    if (!sim || !self_p || (options && options->size && options->size != sizeof *options))
        return ZANNI_EINVAL;
    if (options)
        own = *options;
    zanni__sim_node_t *node = zanni__sim_node_new (sim);
    if (!node)
        return ZANNI_ENOMEM;
    zanni__sim_node_plug (node, &own);
    own.insecure = true;
    int rc = zanni_new (&self, &own);
    if (rc)
        return rc;
    rc = zanni__sim_root_new (node, self);
    if (rc)
        (void) zanni_destroy (&self);
    else
        *self_p = self;
    return rc;
}

static zanni__sim_node_t *
s_find (const zanni_sim_t *sim, const zanni_t *self)
{
    zanni__sim_node_t *node = sim->nodes;
    while (node && node->self != self)
        node = node->next;
    return self ? node : NULL;
}

static bool
s_is_between (const zanni__sim_cut_t *cut, uint32_t one, uint32_t other)
{
    return (cut->one == one && (!cut->other || cut->other == other))
        || (cut->one == other && (!cut->other || cut->other == one));
}

bool
zanni__sim_is_cut (const zanni_sim_t *sim, const zanni__sim_node_t *one, const zanni__sim_node_t *other)
{
    if (one != other)
        for (const zanni__sim_cut_t *cut = sim->cuts; cut; cut = cut->next)
            if (s_is_between (cut, one->number, other->number))
                return true;
    return false;
}

int
zanni_sim_cut (zanni_sim_t *sim, zanni_t *one, zanni_t *other)
{
    const zanni__sim_node_t *first = s_find (sim, one);
    const zanni__sim_node_t *second = s_find (sim, other);
    if (!first || (other && !second))
        return ZANNI_EINVAL;
    zanni__sim_cut_t *cut = calloc (1, sizeof *cut);
    if (!cut)
        return ZANNI_ENOMEM;
    cut->one = first->number;
    cut->other = second ? second->number : 0;
    cut->next = sim->cuts;
    sim->cuts = cut;
    zanni_sim_note (sim, "cut %u from %u", cut->one, cut->other);
    zanni__sim_net_cut (sim);
    return 0;
}

void
zanni_sim_heal (zanni_sim_t *sim, zanni_t *one, zanni_t *other)
{
    const zanni__sim_node_t *first = s_find (sim, one);
    const zanni__sim_node_t *second = s_find (sim, other);
    zanni__sim_cut_t **at = &sim->cuts;
    zanni__sim_cut_t *cut;
    while ((cut = *at))
        if (!first || (cut->one == first->number && (!second || cut->other == second->number))
            || (cut->other == first->number && (!second || cut->one == second->number))) {
            *at = cut->next;
            free (cut);
        }
        else
            at = &cut->next;
    zanni_sim_note (sim, "heal %u and %u", first ? first->number : 0, second ? second->number : 0);
    zanni__sim_net_cut (sim);
}

int
zanni_sim_reset (zanni_sim_t *sim, zanni_t *one, zanni_t *other)
{
    const zanni__sim_node_t *first = s_find (sim, one);
    const zanni__sim_node_t *second = s_find (sim, other);
    if (!first || (other && !second))
        return ZANNI_EINVAL;
    zanni__sim_net_reset (sim, first, second);
    return 0;
}

int
zanni_sim_crash (zanni_sim_t *sim, zanni_t *self)
{
    zanni__sim_node_t *node = s_find (sim, self);
    if (!node)
        return ZANNI_EINVAL;
    zanni_sim_note (sim, "crash %u", node->number);
    node->crashed = true;
    zanni__sim_net_crash (sim, node);
    zanni__sim_roots_forget (node);
    return 0;
}
