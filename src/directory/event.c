/* What the owner of a handle is told, in order. Where its mailbox is full that waits, and all behind it, until
   there is room: nothing is left out. Meanwhile no more is asked for (follow.c). Without memory to wait for room it
   waits until the directory is reached anew. */

#include "agent.h"

#include "../base/memory.h"

#include <string.h>

typedef struct {
    zanni__link_t link;
    void *follow;        // NULL: a name that is lost
    const char *kind;
    zanni_ref_t *ref;
    char name [];
} s_event_t;

static void
s_free (s_event_t *event)
{
    zanni__link_remove (&event->link);
    zanni_ref_destroy (&event->ref);
    zanni__free (event);
}

static void
s_tell_all (zanni__agent_t *agent)
{
    while (!zanni__list_empty (&agent->events) && !agent->full) {
        s_event_t *event = ZANNI__CONTAINER (agent->events.next, s_event_t, link);
        int rc = event->follow ? zanni__follow_tell (agent, event->follow, event->kind, event->ref)
                               : zanni_tell (agent->self, agent->owner, agent->lost, event->name);
        if (rc != ZANNI_EFULL) {
            s_free (event);   // where it cannot be told otherwise, nobody is there, or takes it
            continue;
        }
        rc = zanni_when_writable (agent->self, agent->owner, "zanni.room");
        agent->full = !rc;
        if (rc) {
            zanni__agent_lost (agent, rc);
            return;
        }
    }
}

void
zanni__events_again (zanni__agent_t *agent)
{
    s_tell_all (agent);
}

static int
s_add (zanni__agent_t *agent, void *follow, const char *kind, const zanni_ref_t *ref, const char *name)
{
    s_event_t *event = zanni__calloc (sizeof *event + strlen (name) + 1);
    if (!event)
        return ZANNI_ENOMEM;
    strcpy (event->name, name);
    event->follow = follow;
    event->kind = kind;
    int rc = ref ? zanni_ref_weak (agent->self, &event->ref, ref) : 0;
    if (rc) {
        zanni__free (event);
        return rc;
    }
    zanni__list_append (&agent->events, &event->link);
    s_tell_all (agent);
    return 0;
}

int
zanni__event_add (zanni__agent_t *agent, void *follow, const char *kind, const zanni_ref_t *ref)
{
    return s_add (agent, follow, kind, ref, "");
}

int
zanni__event_lost (zanni__agent_t *agent, const char *name)
{
    return *agent->lost ? s_add (agent, NULL, NULL, NULL, name) : 0;
}

void
zanni__events_forget (zanni__agent_t *agent, const void *follow)
{
    for (zanni__link_t *next, *at = agent->events.next; at != &agent->events; at = next) {
        s_event_t *event = ZANNI__CONTAINER (at, s_event_t, link);
        next = at->next;
        if (event->follow == follow)
            s_free (event);
    }
}

int
zanni__event_room (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    (void) msg;
    agent->full = false;
    s_tell_all (agent);
    if (!agent->full)
        zanni__follows_go_on (agent);
    return 0;
}

void
zanni__events_end (zanni__agent_t *agent)
{
    while (!zanni__list_empty (&agent->events))
        s_free (ZANNI__CONTAINER (agent->events.next, s_event_t, link));
}
