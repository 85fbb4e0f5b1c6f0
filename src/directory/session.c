/* How an agent reaches its directory, and what it does while it cannot: asks of the owner wait until their time is
   nearly over, and then get the reason, which says more than a timeout. All that has to be done anew is done when
   the directory is reached; nothing is repeated before.

   A directory that answers but refuses is given up and reached anew as well, for then everything is asked again; but
   for single offers, which are put again while the rest goes on. So the backoff begins anew only where one was of use
   for a while: that it was reached says little. */

#include "agent.h"

#include "../base/memory.h"

#include <stdio.h>
#include <string.h>

#define S_BACKOFF_LEAST_MS 50
#define S_BACKOFF_MOST_MS 2000
#define S_USEFUL_NS INT64_C (2000000000)
#define S_LOOK_MS 50
#define S_REACH_MS 5000

typedef struct {
    zanni__link_t link;
    zanni__duty_t duty;
} s_waiting_t;

int
zanni__agent_code (const zanni_msg_t *reply, zanni_error_t *error)
{
    *error = (zanni_error_t) { .code = 0 };
    return zanni_msg_error (reply, error) ? 0 : error->code;
}

bool
zanni__agent_is_gone (int code)
{
    return code == ZANNI_ENOACTOR || code == ZANNI_EDOWN || code == ZANNI_ENODE || code == ZANNI_EROUTE
           || code == ZANNI_ECANCELED || code == ZANNI_ECLOSED;
}

void
zanni__agent_retry_later (zanni__agent_t *agent)
{
    uint32_t after_ms = agent->backoff_ms < S_BACKOFF_LEAST_MS ? S_BACKOFF_LEAST_MS : agent->backoff_ms;
    agent->backoff_ms = after_ms * 2 < S_BACKOFF_MOST_MS ? after_ms * 2 : S_BACKOFF_MOST_MS;
    int rc = agent->retry ? 0 : zanni_timer (agent->self, &agent->retry, after_ms, 0, "zanni.retry");
    if (rc)
        rc = zanni_exit_error (agent->self, rc, "a directory is not reached again");
    (void) rc;
}

/* `text` may be empty. */
static void
s_failed (zanni__agent_t *agent, int code, const char *how, const char *text)
{
    const char *why = code == ZANNI_ENOACTOR ? "there is none" : *text ? text : zanni_strerror (code);
    agent->why = (zanni_error_t) { .code = code };
    snprintf (agent->why.text, sizeof agent->why.text, "the directory \"%.*s\" is %s: %s", *text ? 60 : 120, agent->whole,
              how, why);
    zanni__agent_retry_later (agent);
}

static void
s_not_reached (zanni__agent_t *agent, int code, const char *text)
{
    agent->hopeless = code == ZANNI_EAUTH || code == ZANNI_EINVAL;
    s_failed (agent, code, "not reached", text);
}

static void
s_free_waiting (s_waiting_t *waiting)
{
    zanni_msg_destroy (&waiting->duty.msg);
    zanni__link_remove (&waiting->link);
    zanni__free (waiting);
}

static void
s_forward_waiting (zanni__agent_t *agent)
{
    while (!zanni__list_empty (&agent->waiting) && agent->directory) {
        s_waiting_t *waiting = ZANNI__CONTAINER (agent->waiting.next, s_waiting_t, link);
        int rc = zanni_forward (agent->self, waiting->duty.msg, agent->directory, NULL);
        if (rc) {
            const zanni_error_t error = { .code = rc };
            zanni__duty_fail (agent, &waiting->duty, &error);
        }
        s_free_waiting (waiting);
    }
}

static void
s_reached (zanni__agent_t *agent, const zanni_ref_t *ref)
{
    int rc = zanni_ref_weak (agent->self, &agent->directory, ref);
    if (!rc)
        rc = zanni_monitor (agent->self, &agent->monitor, agent->directory);
    if (rc) {
        zanni_ref_destroy (&agent->directory);
        s_not_reached (agent, rc, "");
        return;
    }
    agent->reached_ns = zanni_now_ns (agent->self);
    agent->hopeless = false;
    agent->renewing = 0;
    agent->why = (zanni_error_t) { .code = 0 };
    zanni__events_again (agent);
    zanni__offers_again (agent, true);
    zanni__follows_again (agent);
    s_forward_waiting (agent);
}

static void
s_on_reached (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__agent_t *agent = zanni_state (self);
    const zanni_ref_t *ref;
    zanni_error_t error;
    (void) context;
    if (zanni_msg_id (reply) != agent->reaching || agent->directory)
        return;
    agent->reaching = 0;
    int rc = zanni__agent_code (reply, &error);
    if (!rc)
        rc = zanni_read (reply, &ref);
    if (rc)
        s_not_reached (agent, rc, error.text);
    else
        s_reached (agent, ref);
}

static void
s_reach (zanni__agent_t *agent)
{
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    const zanni_ask_t ask = { .then = s_on_reached, .deadline_ms = S_REACH_MS, .id_p = &agent->reaching };
    int rc = agent->ops->reach (agent->self, &ref, agent->place, &agent->options, &ask);
    if (rc)
        s_not_reached (agent, rc, "");
    else if (ref)
        s_reached (agent, ref);
}

void
zanni__agent_begin (zanni__agent_t *agent)
{
    s_reach (agent);
}

int
zanni__agent_retry (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    (void) msg;
    agent->retry = 0;
    if (agent->directory)
        zanni__offers_again (agent, false);
    else
        s_reach (agent);
    return 0;
}

void
zanni__agent_lost (zanni__agent_t *agent, int code)
{
    if (!agent->directory)
        return;
    int rc = zanni_demonitor (agent->self, agent->monitor);
    (void) rc;   // one that has fired is over
    zanni_ref_destroy (&agent->directory);
    if (zanni_now_ns (agent->self) - agent->reached_ns >= S_USEFUL_NS)
        agent->backoff_ms = 0;
    if (zanni__agent_is_gone (code))
        s_failed (agent, ZANNI_ENODE, "not reached", "");
    else
        s_failed (agent, code, "given up for now", "");
    zanni__agent_await (agent);
}

void
zanni__agent_await (zanni__agent_t *agent)
{
    int rc = agent->patience ? 0 : zanni_timer (agent->self, &agent->patience, S_LOOK_MS, S_LOOK_MS, "zanni.look");
    (void) rc;   // the askers' deadlines do
}

int
zanni__agent_look (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    int64_t now_ns = zanni_now_ns (self);
    (void) msg;
    for (zanni__link_t *next, *at = agent->waiting.next; at != &agent->waiting; at = next) {
        s_waiting_t *waiting = ZANNI__CONTAINER (at, s_waiting_t, link);
        next = at->next;
        if (zanni__duty_is_over (agent, &waiting->duty, now_ns))
            s_free_waiting (waiting);
    }
    bool offers = zanni__offers_look (agent, now_ns);
    bool follows = zanni__follows_look (agent, now_ns);
    if (offers || follows || !zanni__list_empty (&agent->waiting))
        return 0;
    uint64_t timer = agent->patience;
    agent->patience = 0;
    return zanni_timer_cancel (self, timer);
}

int
zanni__agent_forward (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    int rc = zanni__agent_check (self, msg);
    if (rc)
        return rc;
    rc = agent->directory ? zanni_forward (self, msg, agent->directory, NULL) : ZANNI_ENODE;
    if (!zanni__agent_is_gone (rc))
        return rc;
    zanni__agent_lost (agent, rc);
    s_waiting_t *waiting = zanni__calloc (sizeof *waiting);
    if (!waiting)
        return ZANNI_ENOMEM;
    rc = zanni__duty_take (agent, &waiting->duty, msg);
    if (rc) {
        zanni__free (waiting);
        return rc;
    }
    zanni__list_append (&agent->waiting, &waiting->link);
    zanni__agent_await (agent);
    return 0;
}

static void
s_on_renewed (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__agent_t *agent = zanni_state (self);
    zanni_error_t error;
    (void) context;
    if (zanni_msg_id (reply) != agent->renewing)
        return;
    agent->renewing = 0;
    int rc = zanni__agent_code (reply, &error);
    if (rc == ZANNI_EGONE && agent->directory)
        zanni__offers_again (agent, true);
    else if (rc && !zanni__agent_is_gone (rc))
        zanni__agent_lost (agent, rc);
}

void
zanni__agent_keep_renewed (zanni__agent_t *agent)
{
    int64_t every_ms = agent->options.lease_ms / 3;
    int rc = agent->renewal ? 0 : zanni_timer (agent->self, &agent->renewal, every_ms, every_ms, "zanni.renew");
    (void) rc;   // tried again with the next entry
}

int
zanni__agent_renew (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    (void) msg;
    if (zanni__list_empty (&agent->offers)) {
        uint64_t timer = agent->renewal;
        agent->renewal = 0;
        return zanni_timer_cancel (self, timer);
    }
    if (!agent->directory || agent->renewing)
        return 0;
    const zanni_ask_t ask = {
        .then = s_on_renewed, .deadline_ms = agent->options.lease_ms, .id_p = &agent->renewing
    };
    int rc = zanni_ask (self, agent->directory, &ask, "renew", agent->number, agent->options.lease_ms);
    if (zanni__agent_is_gone (rc))
        zanni__agent_lost (agent, rc);
    return 0;
}

void
zanni__agent_end (zanni__agent_t *agent)
{
    while (!zanni__list_empty (&agent->waiting))
        s_free_waiting (ZANNI__CONTAINER (agent->waiting.next, s_waiting_t, link));
    zanni_ref_destroy (&agent->directory);
}
