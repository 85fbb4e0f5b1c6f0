/* What the owner of a handle has published and joined. It is put into the directory when it comes, and again each
   time that the directory is reached anew or has forgotten it; who was published is watched, so that it goes when
   that actor ends. What is taken back stays on the list until the directory has answered that it is not there any
   more: a directory that is lost to us may have kept all that we put into it.

   An answer is known by the entry's number and the ask's, for an entry may be gone when it comes, and the ask be
   one that was made before the directory was lost. */

#include "agent.h"

#include "../base/memory.h"

#include <string.h>

#define S_OFFERS_MOST 4096
#define S_PUT_MS 5000

typedef struct {
    zanni__link_t link;
    zanni__entry_t entry;    // by its number
    uint64_t number;
    uint64_t ask;            // that is under way
    uint64_t monitor;
    zanni__duty_t duty;      // of who published it, or takes it back
    zanni_ref_t *ref;
    bool alone;
    bool sent;               // it may be there
    bool held;               // it was there, once
    bool leaving;
    bool refused;            // it was held, and is put again later
    char group [];
} s_offer_t;

static void s_take_out (zanni__agent_t *agent, s_offer_t *offer);

static s_offer_t *
s_by_number (const zanni__agent_t *agent, uint64_t number)
{
    zanni__entry_t *at = zanni__table_find (&agent->offers_by_number, zanni__spread (number));
    return at ? ZANNI__CONTAINER (at, s_offer_t, entry) : NULL;
}

static void
s_unwatch (zanni__agent_t *agent, s_offer_t *offer)
{
    int rc = offer->monitor ? zanni_demonitor (agent->self, offer->monitor) : 0;
    (void) rc;
    offer->monitor = 0;
}

static void
s_free (zanni__agent_t *agent, s_offer_t *offer)
{
    s_unwatch (agent, offer);
    zanni__table_remove (&agent->offers_by_number, &offer->entry);
    zanni__link_remove (&offer->link);
    agent->offers_count--;
    zanni_msg_destroy (&offer->duty.msg);
    zanni_ref_destroy (&offer->ref);
    zanni__free (offer);
}

/* Somebody else has it: whoever waits gets to know, or else the owner. */
static void
s_taken (zanni__agent_t *agent, s_offer_t *offer, const zanni_error_t *error)
{
    zanni__duty_fail (agent, &offer->duty, error);
    int rc = offer->held && offer->alone ? zanni__event_lost (agent, offer->group) : 0;
    (void) rc;   // without memory it is not told
    s_free (agent, offer);
}

static void
s_on_put (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__agent_t *agent = zanni_state (self);
    s_offer_t *offer = s_by_number (agent, (uint64_t) (uintptr_t) context);
    zanni_error_t error;
    int rc = zanni__agent_code (reply, &error);
    if (!offer || offer->ask != zanni_msg_id (reply))
        return;
    offer->ask = 0;
    if (!rc) {
        offer->held = true;
        zanni__duty_done (agent, &offer->duty, NULL, 0);
        zanni__agent_keep_renewed (agent);
    } else if (zanni__agent_is_gone (rc))
        zanni__agent_await (agent);
    else if (rc == ZANNI_EINUSE)
        s_taken (agent, offer, &error);
    else if (!offer->held && offer->duty.msg) {
        zanni__duty_fail (agent, &offer->duty, &error);
        s_take_out (agent, offer);
    } else if (rc == ZANNI_ETIMEOUT)
        zanni__agent_lost (agent, rc);
    else {
        offer->refused = true;
        zanni__agent_retry_later (agent);   // the rest goes on meanwhile
    }
}

static void
s_on_dropped (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__agent_t *agent = zanni_state (self);
    s_offer_t *offer = s_by_number (agent, (uint64_t) (uintptr_t) context);
    zanni_error_t error;
    int rc = zanni__agent_code (reply, &error);
    if (!offer || offer->ask != zanni_msg_id (reply))
        return;
    offer->ask = 0;
    zanni__duty_done (agent, &offer->duty, NULL, 0);
    if (!rc)
        s_free (agent, offer);
    else if (!zanni__agent_is_gone (rc))
        zanni__agent_lost (agent, rc);   // and again
}

/* Puts it, or takes it out. false: the directory is lost. */
static bool
s_send (zanni__agent_t *agent, s_offer_t *offer)
{
    int64_t left_ms = offer->duty.msg && !offer->leaving ? zanni_msg_remaining_ms (offer->duty.msg) : S_PUT_MS;
    const zanni_ask_t ask = {
        .then = offer->leaving ? s_on_dropped : s_on_put, .arg = (void *) (uintptr_t) offer->number,
        .id_p = &offer->ask,
        .deadline_ms = left_ms > 0 && left_ms < S_PUT_MS ? left_ms : S_PUT_MS
    };
    offer->refused = false;
    int rc = offer->leaving
             ? zanni_ask (agent->self, agent->directory, &ask, "drop", agent->number, offer->number)
             : zanni_ask (agent->self, agent->directory, &ask, "put", agent->number, offer->number, offer->group,
                          offer->alone, agent->options.lease_ms, offer->ref);
    offer->sent |= !rc;
    if (rc)
        zanni__agent_lost (agent, rc);
    return !rc;
}

/* At once or, with nobody waiting, as soon as the directory is reached. */
static void
s_take_out (zanni__agent_t *agent, s_offer_t *offer)
{
    offer->leaving = true;
    offer->ask = 0;
    s_unwatch (agent, offer);
    if (offer->sent && agent->directory && s_send (agent, offer))
        return;
    zanni__duty_done (agent, &offer->duty, NULL, 0);
    if (!offer->sent)
        s_free (agent, offer);
}

static int
s_new (zanni__agent_t *agent, s_offer_t **offer_p, const char *group, const zanni_ref_t *ref)
{
    if (!zanni__group_is_good (group))
        return ZANNI_EINVAL;
    if (agent->offers_count == S_OFFERS_MOST)
        return ZANNI_EFULL;
    s_offer_t *offer = zanni__calloc (sizeof *offer + strlen (group) + 1);
    if (!offer)
        return ZANNI_ENOMEM;
    strcpy (offer->group, group);
    offer->number = ++agent->serial;
    if (!zanni__table_put (&agent->offers_by_number, &offer->entry, zanni__spread (offer->number))) {
        zanni__free (offer);
        return ZANNI_ENOMEM;
    }
    zanni__list_append (&agent->offers, &offer->link);
    agent->offers_count++;
    int rc = zanni_ref_weak (agent->self, &offer->ref, ref);
    if (!rc)
        rc = zanni_monitor (agent->self, &offer->monitor, offer->ref);
    if (rc)
        s_free (agent, offer);
    else
        *offer_p = offer;
    return rc;
}

static int
s_add (zanni_t *self, zanni_msg_t *msg, bool alone)
{
    zanni__agent_t *agent = zanni_state (self);
    const char *group;
    const zanni_ref_t *ref;
    s_offer_t *offer;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &group, &ref);
    if (!rc)
        rc = s_new (agent, &offer, group, ref);
    if (rc)
        return rc;
    offer->alone = alone;
    rc = zanni__duty_take (agent, &offer->duty, msg);
    if (rc) {
        s_free (agent, offer);
        return rc;
    }
    if (!agent->directory || !s_send (agent, offer))
        zanni__agent_await (agent);
    return 0;
}

int
zanni__offer_publish (zanni_t *self, zanni_msg_t *msg)
{
    return s_add (self, msg, true);
}

int
zanni__offer_join (zanni_t *self, zanni_msg_t *msg)
{
    return s_add (self, msg, false);
}

/* The last one, so that a name that is being taken from another handle is not meant; `ref` NULL: a name. */
static s_offer_t *
s_find (const zanni__agent_t *agent, const char *group, const zanni_ref_t *ref)
{
    for (zanni__link_t *at = agent->offers.prev; at != &agent->offers; at = at->prev) {
        s_offer_t *offer = ZANNI__CONTAINER (at, s_offer_t, link);
        bool is = !offer->leaving && offer->alone == !ref && !strcmp (offer->group, group)
                  && (!ref || zanni_ref_equal (offer->ref, ref));
        if (is)
            return offer;
    }
    return NULL;
}

static int
s_leave (zanni__agent_t *agent, zanni_msg_t *msg, const char *group, const zanni_ref_t *ref)
{
    s_offer_t *offer = s_find (agent, group, ref);
    if (!offer)
        return zanni__directory_refuse (agent->self, msg, ZANNI_EGONE, ref ? "it has not joined \"%.150s\" here"
                                        : "the name \"%.150s\" was not published here, or is lost", group);
    const zanni_error_t cancelled = { .code = ZANNI_ECANCELED, .text = "it was taken back before it was there" };
    zanni__duty_fail (agent, &offer->duty, &cancelled);
    int rc = zanni__duty_take (agent, &offer->duty, msg);
    s_take_out (agent, offer);
    return rc;
}

int
zanni__offer_withdraw (zanni_t *self, zanni_msg_t *msg)
{
    const char *name;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &name);
    return rc ? rc : s_leave (zanni_state (self), msg, name, NULL);
}

int
zanni__offer_leave (zanni_t *self, zanni_msg_t *msg)
{
    const char *group;
    const zanni_ref_t *ref;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &group, &ref);
    return rc ? rc : s_leave (zanni_state (self), msg, group, ref);
}

/* Somebody who was published has ended; or begins anew, and is watched again. */
void
zanni__offer_down (zanni__agent_t *agent, const zanni_down_t *down)
{
    zanni__link_t *at = agent->offers.next;
    while (at != &agent->offers && ZANNI__CONTAINER (at, s_offer_t, link)->monitor != down->monitor)
        at = at->next;
    if (at == &agent->offers)
        return;
    s_offer_t *offer = ZANNI__CONTAINER (at, s_offer_t, link);
    offer->monitor = 0;
    if (down->restarts && !zanni_monitor (agent->self, &offer->monitor, offer->ref))
        return;
    const zanni_error_t error = { .code = ZANNI_ENOACTOR, .text = "the actor that was to be published has ended" };
    zanni__duty_fail (agent, &offer->duty, &error);
    s_take_out (agent, offer);
}

void
zanni__offers_again (zanni__agent_t *agent, bool all)
{
    for (zanni__link_t *at = agent->offers.next; at != &agent->offers && agent->directory; at = at->next) {
        s_offer_t *offer = ZANNI__CONTAINER (at, s_offer_t, link);
        if (all || offer->refused)
            (void) s_send (agent, offer);
    }
}

bool
zanni__offers_look (zanni__agent_t *agent, int64_t now_ns)
{
    bool waits = false;
    for (zanni__link_t *next, *at = agent->offers.next; at != &agent->offers; at = next) {
        s_offer_t *offer = ZANNI__CONTAINER (at, s_offer_t, link);
        next = at->next;
        if (!offer->duty.msg)
            continue;
        waits = true;
        if (zanni__duty_is_over (agent, &offer->duty, now_ns) && !offer->leaving)
            s_take_out (agent, offer);
    }
    return waits;
}

void
zanni__offers_end (zanni__agent_t *agent)
{
    while (!zanni__list_empty (&agent->offers))
        s_free (agent, ZANNI__CONTAINER (agent->offers.next, s_offer_t, link));
    zanni__table_free (&agent->offers_by_number);
}
