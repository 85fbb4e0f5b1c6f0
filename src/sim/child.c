/* Process actors: nodes of this process, each with a thread for its root. What the kernel would tell of an end, the place's
   undertaker is told; a crash is told at once, whatever is still to be freed. */

#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/ref.h>

struct zanni__sim_child {
    zanni__sim_child_t *next;
    zanni__sim_place_t *place;     // NULL: told
    zanni__sim_node_t *node;
    zanni_process_child_t *child;          // NULL: it is over
    uint8_t id [16];
    uint64_t incarnation;
    bool keeps;                    // where it listens
    char endpoint [ZANNI_ENDPOINT_MAX];
    bool ended;                    // for:
    zanni_reason_t reason;
};

static void
s_settle (zanni__sim_child_t *child)
{
    zanni__sim_child_t **at = &child->node->sim->children;
    if (child->child || child->place)
        return;
    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
    free (child);
}

static void
s_ended (zanni__sim_child_t *child, const zanni_reason_t *reason)
{
    if (child->ended)
        return;
    child->ended = true;
    child->reason = *reason;
    child->keeps = child->keeps && child->node->crashed;
    if (child->place)
        child->place->roused = true;
}

static void
s_run (void *context)
{
    zanni__sim_child_t *child = context;
    (void) zanni_child_run (child->child);
    child->child = NULL;
    s_ended (child, &(zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL });
    s_settle (child);
}

static zanni__sim_seat_t **
s_seat_at (zanni_sim_t *sim, const char *endpoint)
{
    zanni__sim_seat_t **at = &sim->kept;
    while (*at && strcmp ((*at)->endpoint, endpoint) != 0)
        at = &(*at)->next;
    return at;
}

bool
zanni__sim_is_kept (const zanni_sim_t *sim, const char *endpoint)
{
    const zanni__sim_seat_t *seat = sim->kept;
    while (seat && strcmp (seat->endpoint, endpoint) != 0)
        seat = seat->next;
    return seat != NULL;
}

void
zanni__sim_forget (zanni_sim_t *sim, const char *endpoint)
{
    zanni__sim_seat_t **at = s_seat_at (sim, endpoint);
    zanni__sim_seat_t *seat = *at;
    if (!seat)
        return;
    *at = seat->next;
    free (seat);
}

/* A new one, or where the incarnation before was. */
static int
s_take_seat (zanni_sim_t *sim, zanni_process_t *process)
{
    if (!*process->endpoint)
        snprintf (process->endpoint, sizeof process->endpoint, "ipc://sim/%u", ++sim->seats_made);
    zanni__sim_seat_t **at = s_seat_at (sim, process->endpoint);
    if (!process->keeps || *at)
        return 0;
    *at = calloc (1, sizeof **at);
    if (!*at)
        return ZANNI_ENOMEM;
    memcpy ((*at)->endpoint, process->endpoint, sizeof (*at)->endpoint);
    return 0;
}

int
zanni__sim_child_start (zanni__sim_place_t *place, zanni_process_t *process)
{
    zanni_sim_t *sim = place->sim;
    zanni_options_t seams = ZANNI_OPTIONS_DEFAULT;
    zanni__sim_child_t *child = calloc (1, sizeof *child);
    zanni__sim_node_t *node = child ? zanni__sim_node_new (sim) : NULL;
    int rc = node ? 0 : ZANNI_ENOMEM;
    if (!rc) {
        zanni__sim_node_plug (node, &seams);
        rc = s_take_seat (sim, process);
    }
    if (!rc) {
        rc = zanni_child_begin (&child->child, process, &seams);
    }
    if (!rc && !zanni__sim_fiber (sim, s_run, child)) {
        (void) zanni_child_bid (child->child, false);
        (void) zanni_child_run (child->child);
        rc = ZANNI_ETHREADS;
    }
    if (rc) {
        free (child);
        return rc;
    }
    child->place = place;
    child->node = node;
    memcpy (child->id, process->node, sizeof child->id);
    child->incarnation = process->incarnation;
    child->keeps = process->keeps;
    memcpy (child->endpoint, process->endpoint, sizeof child->endpoint);
    child->next = sim->children;
    sim->children = child;
    zanni_sim_note (sim, "process %u", node->number);
    return 0;
}

void
zanni__sim_children_tell (zanni__sim_place_t *place)
{
    zanni__sim_child_t *next;
    for (zanni__sim_child_t *child = place->sim->children; child; child = next) {
        next = child->next;
        if (child->place != place || !child->ended)
            continue;
        zanni_sim_note (place->sim, "end of process %u", child->node->number);
        child->place = NULL;
        bool stays = zanni_worker_process_ended (place->undertaker, child->id, child->incarnation, &child->reason, child->keeps);
        if (!stays)
            zanni__sim_forget (place->sim, child->endpoint);
        s_settle (child);
    }
}

void
zanni__sim_children_stop (zanni__sim_place_t *place)
{
    for (zanni__sim_child_t *child = place->sim->children; child; child = child->next)
        if (child->place == place && child->child && !child->ended)
            zanni_child_bid (child->child, false);
}

bool
zanni__sim_children_live (const zanni__sim_place_t *place)
{
    const zanni__sim_child_t *child = place->sim->children;
    while (child && child->place != place)
        child = child->next;
    return child != NULL;
}

static void
s_crash (zanni__sim_child_t *child, const zanni_reason_t *reason)
{
    child->node->crashed = true;
    zanni__sim_net_crash (child->node->sim, child->node);
    s_ended (child, reason);
    zanni_child_bid (child->child, false);
}

void
zanni__sim_children_watch (zanni_sim_t *sim)
{
    zanni_reason_t reason;
    for (zanni__sim_child_t *child = sim->children; child; child = child->next)
        if (child->child && !child->ended && zanni_child_stuck (child->child, &reason)) {
            zanni_sim_note (sim, "watchdog of process %u", child->node->number);
            s_crash (child, &reason);
        }
}

int
zanni_sim_kill (zanni_sim_t *sim, const zanni_ref_t *process, int signal)
{
    const zanni_address_t address = process ? zanni_ref_address (process) : (zanni_address_t) { .actor = 0 };
    zanni__sim_child_t *child = sim->children;
    while (child && (child->ended || memcmp (child->id, address.node, sizeof child->id)))
        child = child->next;
    if (!process || !child)
        return ZANNI_EINVAL;
    zanni_sim_note (sim, "signal %d to process %u", signal, child->node->number);
    s_crash (child, &(zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = signal });
    return 0;
}
