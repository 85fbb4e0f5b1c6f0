/* The agent of a handle: an actor which asks the directory and is asked by its owner. It does what has to be done
   again and again, so that nobody else has to: renewing, reaching the directory anew, publishing again, asking for
   changes. Only its owner may ask it, for others know its reference, too: it asks them.

   It holds nothing of its owner's but weak references, and the owner's handle is the only strong one to it: it
   ends with the handle, or with the owner. The directory monitors it, so that what it has published goes then.

   It lives on the pool; but where its owner's worker listens for other hosts, there, for what it says then leaves
   by a session that names that endpoint: so others that get to know an actor by the directory dial its node, and
   do not go by the directory's node and its life. */

#include "agent.h"

#include <stdio.h>
#include <string.h>

#define S_MARGIN_NS INT64_C (100000000)   // an answer that says why comes so much before the deadline

int
zanni__agent_check (zanni_t *self, const zanni_msg_t *msg)
{
    const zanni__agent_t *agent = zanni_state (self);
    return zanni_ref_equal (agent->owner, zanni_msg_from (msg)) ? 0 : ZANNI_EPERM;
}

int
zanni__duty_take (zanni__agent_t *agent, zanni__duty_t *duty, zanni_msg_t *msg)
{
    int64_t left_ms = zanni_msg_remaining_ms (msg);
    int64_t now_ns = zanni_now_ns (agent->self);
    int64_t left_ns = left_ms < INT64_C (1000000000) ? left_ms * 1000000 : INT64_MAX - now_ns;
    int64_t margin_ns = left_ns / 5 < S_MARGIN_NS ? left_ns / 5 : S_MARGIN_NS;
    duty->due_ns = now_ns + left_ns - margin_ns;
    return zanni_msg_keep (&duty->msg, msg);
}

/* Where there is no memory for the answer, destroying the message is one. */
void
zanni__duty_done (zanni__agent_t *agent, zanni__duty_t *duty, const zanni_arg_t *args, size_t count)
{
    int rc = duty->msg ? zanni_reply_args (agent->self, duty->msg, args, count) : 0;
    (void) rc;
    zanni_msg_destroy (&duty->msg);
}

void
zanni__duty_fail (zanni__agent_t *agent, zanni__duty_t *duty, const zanni_error_t *error)
{
    int rc = duty->msg ? zanni_pass (agent->self, duty->msg, error) : 0;
    (void) rc;
    zanni_msg_destroy (&duty->msg);
}

bool
zanni__duty_is_over (zanni__agent_t *agent, zanni__duty_t *duty, int64_t now_ns)
{
    if (duty->msg && (agent->hopeless || duty->due_ns <= now_ns)) {
        const zanni_error_t late = { .code = ZANNI_ETIMEOUT, .text = "the directory has not answered in time" };
        zanni__duty_fail (agent, duty, agent->why.code ? &agent->why : &late);
    }
    return !duty->msg;
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    const zanni_clock_t *clock = &self->worker->node->clock;
    const char *place, *lost;
    const zanni_ref_t *owner;
    int rc = zanni_read (msg, &place, &owner, &agent->options.lease_ms, &lost, &agent->options.insecure);
    if (rc)
        return rc;
    agent->self = self;
    snprintf (agent->whole, sizeof agent->whole, "%s", place);
    snprintf (agent->lost, sizeof agent->lost, "%s", lost);
    agent->ops = zanni__directory_kind (agent->whole, &agent->place, NULL);
    zanni__link_init (&agent->waiting);
    zanni__link_init (&agent->offers);
    zanni__link_init (&agent->follows);
    zanni__link_init (&agent->events);
    rc = agent->ops ? zanni_ref_weak (self, &agent->owner, owner) : ZANNI_EINVAL;
    if (!rc)
        rc = clock->random (clock->context, &agent->number, sizeof agent->number);
    if (!rc)
        zanni__agent_begin (agent);
    return rc;
}

/* Everything else goes with the actor. */
static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    zanni__agent_t *agent = zanni_state (self);
    (void) reason;
    zanni__events_end (agent);
    zanni__follows_end (agent);
    zanni__offers_end (agent);
    zanni__agent_end (agent);
    zanni_ref_destroy (&agent->owner);
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    zanni__agent_t *agent = zanni_state (self);
    if (agent->directory && down->monitor == agent->monitor)
        zanni__agent_lost (agent, ZANNI_ENODE);
    else
        zanni__offer_down (agent, down);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("publish", "sr", "", zanni__offer_publish, "The holder of a name."),
    ZANNI_METHOD ("withdraw", "s", "", zanni__offer_withdraw, "Takes it back."),
    ZANNI_METHOD ("join", "sr", "", zanni__offer_join, "A member of a group."),
    ZANNI_METHOD ("leave", "sr", "", zanni__offer_leave, "No more."),
    ZANNI_METHOD ("lookup", "s", "r", zanni__agent_forward, "Who holds a name."),
    ZANNI_METHOD ("members", "s", "ar", zanni__follow_members, "All of a group."),
    ZANNI_METHOD ("subscribe", "ss", "", zanni__follow_subscribe,
                  "Members of a group, and changes, are told a method."),
    ZANNI_METHOD ("unsubscribe", "ss", "", zanni__follow_unsubscribe, "No more."),
    ZANNI_METHOD ("route", "st", "", zanni__follow_route, "Members of a group go into the roster with that number."),
    ZANNI_METHOD ("unroute", "t", "", zanni__follow_unroute, "No more."),
    ZANNI_PRIVATE ("zanni.retry", "", "", zanni__agent_retry, "The directory is to be reached."),
    ZANNI_PRIVATE ("zanni.renew", "", "", zanni__agent_renew, "The lease is to be renewed."),
    ZANNI_PRIVATE ("zanni.look", "", "", zanni__agent_look, "Somebody may have waited for long enough."),
    ZANNI_PRIVATE ("zanni.settle", "tu", "", zanni__follow_settle, "Members that did not come again have left."),
    ZANNI_PRIVATE ("zanni.room", "", "", zanni__event_room, "The owner's mailbox has room."),
    ZANNI_METHOD_END
};

static const zanni_class_t s_definition = {
    .name = "zanni.directory", .state_size = sizeof (zanni__agent_t), .methods = s_methods, .start_in = "srusb",
    .start = s_start, .stop = s_stop, .down = s_down, .text = "Serves a handle of a directory."
};

static zanni__own_class_t s_class = { .definition = &s_definition };

int
zanni__agent_spawn (zanni_t *self, zanni_ref_t **ref_p, const char *place, const zanni_directory_options_t *options)
{
    bool listens = *self->worker->far_endpoint;
    const zanni_spawn_t spawn = { .place = listens ? ZANNI_HERE : ZANNI_SHARED, .mailbox_messages = 65536 };
    const zanni_arg_t args [] = {
        zanni_arg_string (place), zanni_arg_ref (zanni_self (self)), zanni_arg_uint (options->lease_ms),
        zanni_arg_string (options->lost ? options->lost : ""), zanni_arg_bool (options->insecure)
    };
    const zanni__words_t words = { NULL, args, sizeof args / sizeof *args };
    const zanni__class_t *cls;
    int rc = zanni__class_own (&cls, &s_class);
    return rc ? rc : zanni__spawn (self, ref_p, cls, &spawn, &words);
}
