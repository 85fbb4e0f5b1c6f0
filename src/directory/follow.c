/* The groups that a handle follows: for a method of the owner's, or for a router; or once, for a list of the
   members.

   A group is listed page by page, and then asked for changes since the version that it had when that began: what
   is told twice is known by its id. A list that is made again (the directory was lost, or we are too far behind)
   is a *round*: members that are in it go on, those that are not have left. After a loss they have time for that,
   one lease, since they have to find the directory anew themselves; they come with other ids then, and are known
   by their reference.

   Nothing is asked for an owner whose mailbox is full: the directory keeps changes for a while, and has who comes
   too late list the group anew, so what waits here to be told has a limit. */

#include "agent.h"

#include "../base/memory.h"

#include <stdio.h>
#include <string.h>

#define S_LIST_MS 5000
#define S_WATCH_MS 30000       // a registry forgets an empty group after twice that
#define S_MEMBERS_MOST 65535   // of one answer

typedef struct {
    zanni__entry_t entry;      // by its id
    zanni__entry_t named;      // by its reference
    zanni__link_t link;
    uint64_t id;
    uint64_t slot;             // in the roster
    uint32_t round;            // that it was seen in last
    zanni_ref_t *ref;
} s_member_t;

typedef struct {
    zanni__link_t link;
    uint64_t serial;
    uint64_t ask;              // that is under way; 0: none
    zanni__duty_t duty;
    zanni__roster_t *roster;   // of a router, or NULL
    bool once;
    bool whole;                // a round was finished
    int64_t grace_ns;          // until then, members of before a loss have time to come again
    bool late;                 // it was lost, and a round has to begin when the owner's mailbox has room
    uint32_t round;
    uint32_t unsettled;        // members that were not seen in it
    uint64_t slots;
    uint64_t version;
    uint64_t after;
    zanni__table_t by_id;
    zanni__table_t by_ref;
    zanni__link_t members;
    uint32_t count;
    char method [ZANNI__GROUP_MAX + 1];   // "": none
    char group [ZANNI__GROUP_MAX + 1];
} s_follow_t;

static void s_begin (zanni__agent_t *agent, s_follow_t *follow, bool lost);

/* NULL where it is gone, or the answer is to an ask of before. */
static s_follow_t *
s_asked (const zanni__agent_t *agent, const zanni_msg_t *reply, const void *context)
{
    for (zanni__link_t *at = agent->follows.next; at != &agent->follows; at = at->next) {
        s_follow_t *follow = ZANNI__CONTAINER (at, s_follow_t, link);
        if (follow->serial == (uint64_t) (uintptr_t) context)
            return follow->ask == zanni_msg_id (reply) ? follow : NULL;
    }
    return NULL;
}

static void
s_free_member (s_follow_t *follow, s_member_t *member)
{
    follow->unsettled -= member->round != follow->round;
    follow->count--;
    zanni__table_remove (&follow->by_id, &member->entry);
    zanni__table_remove (&follow->by_ref, &member->named);
    zanni__link_remove (&member->link);
    zanni_ref_destroy (&member->ref);
    zanni__free (member);
}

static void
s_free (zanni__agent_t *agent, s_follow_t *follow)
{
    zanni__events_forget (agent, follow);
    while (!zanni__list_empty (&follow->members))
        s_free_member (follow, ZANNI__CONTAINER (follow->members.next, s_member_t, link));
    zanni__table_free (&follow->by_id);
    zanni__table_free (&follow->by_ref);
    zanni__link_remove (&follow->link);
    zanni_msg_destroy (&follow->duty.msg);
    if (follow->roster)
        zanni__roster_exit (follow->roster);
    zanni__free (follow);
}

/* An event of a follow's is due: tells it. */
int
zanni__follow_tell (zanni__agent_t *agent, void *context, const char *kind, const zanni_ref_t *ref)
{
    s_follow_t *follow = context;
    if (kind)
        return zanni_tell (agent->self, agent->owner, follow->method, kind, follow->group, ref);
    zanni__duty_done (agent, &follow->duty, NULL, 0);
    return 0;
}

static void
s_left (zanni__agent_t *agent, s_follow_t *follow, s_member_t *member)
{
    if (follow->roster)
        zanni__roster_remove (follow->roster, member->slot);
    int rc = *follow->method ? zanni__event_add (agent, follow, "left", member->ref) : 0;
    s_free_member (follow, member);
    if (rc)
        zanni__agent_lost (agent, rc);
}

static bool
s_enter (s_follow_t *follow, s_member_t *member, const zanni_ref_t *ref)
{
    if (!zanni__table_put (&follow->by_id, &member->entry, zanni__spread (member->id)))
        return false;
    if (!zanni__table_put (&follow->by_ref, &member->named, zanni_ref_hash (ref))) {
        zanni__table_remove (&follow->by_id, &member->entry);
        return false;
    }
    zanni__list_append (&follow->members, &member->link);
    follow->count++;
    return true;
}

/* Somebody new. */
static int
s_joined (zanni__agent_t *agent, s_follow_t *follow, uint64_t id, const zanni_ref_t *ref)
{
    s_member_t *member = zanni__calloc (sizeof *member);
    if (!member)
        return ZANNI_ENOMEM;
    member->id = id;
    member->slot = ++follow->slots;
    member->round = follow->round;
    if (!s_enter (follow, member, ref)) {
        zanni__free (member);
        return ZANNI_ENOMEM;
    }
    int rc = zanni_ref_weak (agent->self, &member->ref, ref);
    if (!rc && follow->roster)
        rc = zanni__roster_add (follow->roster, member->slot, member->ref);
    else if (!rc && *follow->method)
        rc = zanni__event_add (agent, follow, "joined", member->ref);
    if (rc)
        s_free_member (follow, member);
    return rc;
}

static s_member_t *
s_by_id (const s_follow_t *follow, uint64_t id)
{
    zanni__entry_t *at = zanni__table_find (&follow->by_id, zanni__spread (id));
    return at ? ZANNI__CONTAINER (at, s_member_t, entry) : NULL;
}

/* One that was there before the directory was lost, and has come again. */
static s_member_t *
s_again (s_follow_t *follow, uint64_t id, const zanni_ref_t *ref)
{
    uint64_t hash = zanni_ref_hash (ref);
    zanni__entry_t *at = follow->unsettled ? zanni__table_find (&follow->by_ref, hash) : NULL;
    for (; at; at = zanni__table_again (at->next, hash)) {
        s_member_t *member = ZANNI__CONTAINER (at, s_member_t, named);
        if (member->round == follow->round || !zanni_ref_equal (member->ref, ref))
            continue;
        zanni__table_remove (&follow->by_id, &member->entry);
        member->id = id;
        (void) zanni__table_put (&follow->by_id, &member->entry, zanni__spread (id));   // it has buckets
        return member;
    }
    return NULL;
}

static int
s_seen (zanni__agent_t *agent, s_follow_t *follow, uint64_t id, const zanni_ref_t *ref)
{
    s_member_t *member = s_by_id (follow, id);
    if (!member)
        member = s_again (follow, id, ref);
    if (!member)
        return s_joined (agent, follow, id, ref);
    follow->unsettled -= member->round != follow->round;
    member->round = follow->round;
    return 0;
}

/* Those that were not seen in this round have left. */
static void
s_settle (zanni__agent_t *agent, s_follow_t *follow)
{
    for (zanni__link_t *next, *at = follow->members.next; at != &follow->members && follow->unsettled; at = next) {
        s_member_t *member = ZANNI__CONTAINER (at, s_member_t, link);
        next = at->next;
        if (member->round != follow->round)
            s_left (agent, follow, member);
    }
}

int
zanni__follow_settle (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    uint64_t serial;
    uint32_t round;
    int rc = zanni_read (msg, &serial, &round);
    if (rc)
        return rc;
    for (zanni__link_t *at = agent->follows.next; at != &agent->follows; at = at->next) {
        s_follow_t *follow = ZANNI__CONTAINER (at, s_follow_t, link);
        if (follow->serial == serial && follow->round == round && !follow->late && agent->directory)
            s_settle (agent, follow);
    }
    return 0;
}

/* Pairs of an id and a reference, or of an id and that it has left. */
typedef struct {
    uint64_t version;
    size_t count;
    uint64_t ids [ZANNI__PAGE];
    bool joined [ZANNI__PAGE];
} s_page_t;

/* The ids, or changes, that are next in a message, and enters the references. ZANNI_EARGS: there are too many, or
   too few references. */
static int
s_read_page (zanni_msg_t *reply, s_page_t *page, bool changes)
{
    size_t refs, two, joined = 0;
    int rc = zanni_enter (reply, &page->count);
    if (!rc && page->count > ZANNI__PAGE)
        rc = ZANNI_EARGS;
    for (size_t i = 0; !rc && i < page->count; i++) {
        page->joined [i] = true;
        rc = changes ? zanni_enter (reply, &two) : 0;
        if (!rc)
            rc = changes ? zanni_read (reply, &page->ids [i], &page->joined [i]) : zanni_read (reply, &page->ids [i]);
        if (!rc && changes)
            rc = zanni_leave (reply);
        joined += page->joined [i];
    }
    if (!rc)
        rc = zanni_leave (reply);
    if (!rc)
        rc = zanni_enter (reply, &refs);
    return rc ? rc : refs == joined ? 0 : ZANNI_EARGS;
}

static int
s_take_page (zanni__agent_t *agent, s_follow_t *follow, zanni_msg_t *reply, const s_page_t *page)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < page->count; i++) {
        const zanni_ref_t *ref;
        s_member_t *member = page->joined [i] ? NULL : s_by_id (follow, page->ids [i]);
        if (member)
            s_left (agent, follow, member);
        if (!page->joined [i])
            continue;
        rc = zanni_read (reply, &ref);
        if (!rc)
            rc = s_seen (agent, follow, page->ids [i], ref);
    }
    return rc;
}

static void
s_ask (zanni__agent_t *agent, s_follow_t *follow, zanni_reply_fn *then, const char *method, uint64_t from)
{
    const zanni_ask_t ask = {
        .then = then, .arg = (void *) (uintptr_t) follow->serial, .id_p = &follow->ask,
        .deadline_ms = strcmp (method, "watch") ? S_LIST_MS : S_WATCH_MS
    };
    int rc = agent->directory ? zanni_ask (agent->self, agent->directory, &ask, method, follow->group, from) : 0;
    if (rc)
        zanni__agent_lost (agent, rc);
}

static void s_on_changes (zanni_t *self, zanni_msg_t *reply, void *context);

static bool
s_has_to_wait (const zanni__agent_t *agent, const s_follow_t *follow)
{
    return agent->full && *follow->method;
}

/* Asks for what comes next. */
static void
s_watch (zanni__agent_t *agent, s_follow_t *follow)
{
    if (!s_has_to_wait (agent, follow))
        s_ask (agent, follow, s_on_changes, "watch", follow->version);
}

static void
s_on_changes (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__agent_t *agent = zanni_state (self);
    s_follow_t *follow = s_asked (agent, reply, context);
    zanni_error_t error;
    s_page_t page;
    if (!follow || !agent->directory)
        return;
    follow->ask = 0;
    int rc = zanni__agent_code (reply, &error);
    if (rc == ZANNI_EGONE || rc == ZANNI_ENOREPLY) {
        s_begin (agent, follow, false);
        return;
    }
    if (!rc)
        rc = zanni_read (reply, &page.version);
    if (!rc)
        rc = s_read_page (reply, &page, true);
    if (!rc)
        rc = s_take_page (agent, follow, reply, &page);
    if (!rc)
        follow->version = page.version;
    if (rc && rc != ZANNI_ETIMEOUT)
        zanni__agent_lost (agent, rc);
    s_watch (agent, follow);
}

/* The answer of a list of the members, and the end of it. */
static void
s_answer_members (zanni__agent_t *agent, s_follow_t *follow)
{
    const zanni_error_t big = { .code = ZANNI_ETOOBIG, .text = "the group has over 65,535 members: subscribe to it" };
    const zanni_error_t none = { .code = ZANNI_ENOMEM };
    bool fits = follow->count <= S_MEMBERS_MOST;
    zanni_arg_t *refs = fits ? zanni__malloc ((follow->count + 1) * sizeof *refs) : NULL;
    size_t count = 0;
    for (zanni__link_t *at = follow->members.next; refs && at != &follow->members; at = at->next)
        refs [count++] = zanni_arg_ref (ZANNI__CONTAINER (at, s_member_t, link)->ref);
    const zanni_arg_t list = zanni_arg_list (refs, count);
    if (refs)
        zanni__duty_done (agent, &follow->duty, &list, 1);
    else
        zanni__duty_fail (agent, &follow->duty, fits ? &none : &big);
    zanni__free (refs);
    s_free (agent, follow);
}

/* A round is finished. */
static void
s_whole (zanni__agent_t *agent, s_follow_t *follow)
{
    uint64_t timer;
    int rc = 0;
    if (follow->once) {
        s_settle (agent, follow);   // who was on a page before the directory was lost
        s_answer_members (agent, follow);
        return;
    }
    int64_t left_ms = (follow->grace_ns - zanni_now_ns (agent->self)) / 1000000;
    if (left_ms > 0 && follow->unsettled)
        rc = zanni_timer (agent->self, &timer, left_ms, 0, "zanni.settle", follow->serial, follow->round);
    if (rc || left_ms <= 0)
        s_settle (agent, follow);
    rc = 0;
    if (!follow->whole && follow->roster)
        zanni__duty_done (agent, &follow->duty, NULL, 0);
    else if (!follow->whole)
        rc = zanni__event_add (agent, follow, NULL, NULL);
    follow->whole = !rc;
    if (rc)
        zanni__agent_lost (agent, rc);
    s_watch (agent, follow);
}

static void
s_on_list (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__agent_t *agent = zanni_state (self);
    s_follow_t *follow = s_asked (agent, reply, context);
    zanni_error_t error;
    s_page_t page;
    bool more = false;
    if (!follow || !agent->directory)
        return;
    follow->ask = 0;
    int rc = zanni__agent_code (reply, &error);
    if (!rc)
        rc = zanni_read (reply, &page.version, &more);
    if (!rc)
        rc = s_read_page (reply, &page, false);
    if (!rc)
        rc = s_take_page (agent, follow, reply, &page);
    if (!rc && more && (!page.count || page.ids [page.count - 1] <= follow->after))
        rc = ZANNI_EARGS;
    if (rc) {
        zanni__agent_lost (agent, rc);
        return;
    }
    if (!follow->after)
        follow->version = page.version;
    follow->after = more ? page.ids [page.count - 1] : follow->after;
    if (more)
        s_ask (agent, follow, s_on_list, "list", follow->after);
    else
        s_whole (agent, follow);
}

static void
s_begin (zanni__agent_t *agent, s_follow_t *follow, bool lost)
{
    follow->round++;
    follow->unsettled = follow->count;
    if (lost)
        follow->grace_ns = zanni_now_ns (agent->self) + INT64_C (1000000) * agent->options.lease_ms;
    follow->late = false;
    follow->after = 0;
    s_ask (agent, follow, s_on_list, "list", 0);
}

/* A new one, which takes the ask over that it begins with. */
static int
s_new (zanni__agent_t *agent, s_follow_t **follow_p, zanni_msg_t *msg, const char *group)
{
    if (!zanni__group_is_good (group))
        return ZANNI_EINVAL;
    s_follow_t *follow = zanni__calloc (sizeof *follow);
    if (!follow)
        return ZANNI_ENOMEM;
    snprintf (follow->group, sizeof follow->group, "%s", group);
    follow->serial = ++agent->serial;
    zanni__link_init (&follow->members);
    int rc = zanni__duty_take (agent, &follow->duty, msg);
    if (rc) {
        zanni__free (follow);
        return rc;
    }
    zanni__list_append (&agent->follows, &follow->link);
    *follow_p = follow;
    return 0;
}

static void
s_set_out (zanni__agent_t *agent, s_follow_t *follow)
{
    zanni__agent_await (agent);
    if (agent->directory)
        s_begin (agent, follow, false);
}

int
zanni__follow_members (zanni_t *self, zanni_msg_t *msg)
{
    const char *group;
    s_follow_t *follow;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &group);
    if (!rc)
        rc = s_new (zanni_state (self), &follow, msg, group);
    if (rc)
        return rc;
    follow->once = true;
    s_set_out (zanni_state (self), follow);
    return 0;
}

static s_follow_t *
s_find (const zanni__agent_t *agent, const char *group, const char *method)
{
    for (zanni__link_t *at = agent->follows.next; at != &agent->follows; at = at->next) {
        s_follow_t *follow = ZANNI__CONTAINER (at, s_follow_t, link);
        if (!strcmp (follow->group, group) && !strcmp (follow->method, method))
            return follow;
    }
    return NULL;
}

int
zanni__follow_subscribe (zanni_t *self, zanni_msg_t *msg)
{
    const char *group, *method;
    s_follow_t *follow;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &group, &method);
    if (!rc && (!zanni__group_is_good (method) || s_find (zanni_state (self), group, method)))
        rc = ZANNI_EINVAL;
    if (!rc)
        rc = s_new (zanni_state (self), &follow, msg, group);
    if (rc)
        return rc;
    snprintf (follow->method, sizeof follow->method, "%s", method);
    s_set_out (zanni_state (self), follow);
    return 0;
}

int
zanni__follow_unsubscribe (zanni_t *self, zanni_msg_t *msg)
{
    const char *group, *method;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &group, &method);
    if (rc)
        return rc;
    s_follow_t *follow = *method ? s_find (zanni_state (self), group, method) : NULL;
    if (!follow)
        return zanni__directory_refuse (self, msg, ZANNI_EGONE,
                                        "there is no subscription of \"%.150s\" for that method", group);
    s_free (zanni_state (self), follow);
    return zanni_reply (self, msg);
}

int
zanni__follow_route (zanni_t *self, zanni_msg_t *msg)
{
    const char *group;
    uint64_t serial;
    s_follow_t *follow;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &group, &serial);
    if (!rc)
        rc = s_new (zanni_state (self), &follow, msg, group);
    if (rc)
        return rc;
    follow->roster = zanni__roster_enter (serial);
    if (!follow->roster) {   // its router was closed meanwhile
        zanni__duty_done (zanni_state (self), &follow->duty, NULL, 0);
        s_free (zanni_state (self), follow);
        return 0;
    }
    s_set_out (zanni_state (self), follow);
    return 0;
}

int
zanni__follow_unroute (zanni_t *self, zanni_msg_t *msg)
{
    zanni__agent_t *agent = zanni_state (self);
    uint64_t serial;
    int rc = zanni__agent_check (self, msg);
    if (!rc)
        rc = zanni_read (msg, &serial);
    for (zanni__link_t *next, *at = agent->follows.next; !rc && at != &agent->follows; at = next) {
        s_follow_t *follow = ZANNI__CONTAINER (at, s_follow_t, link);
        next = at->next;
        if (follow->roster && zanni__roster_serial (follow->roster) == serial)
            s_free (agent, follow);
    }
    return rc;
}

void
zanni__follows_again (zanni__agent_t *agent)
{
    for (zanni__link_t *at = agent->follows.next; at != &agent->follows && agent->directory; at = at->next) {
        s_follow_t *follow = ZANNI__CONTAINER (at, s_follow_t, link);
        follow->late = s_has_to_wait (agent, follow);
        if (follow->late)
            follow->ask = 0;   // an answer to what was asked before is none now
        else
            s_begin (agent, follow, true);
    }
}

/* The owner's mailbox has room. */
void
zanni__follows_go_on (zanni__agent_t *agent)
{
    for (zanni__link_t *at = agent->follows.next; at != &agent->follows && agent->directory; at = at->next) {
        s_follow_t *follow = ZANNI__CONTAINER (at, s_follow_t, link);
        if (follow->late)
            s_begin (agent, follow, true);
        else if (follow->whole && !follow->ask)
            s_watch (agent, follow);
    }
}

/* One that its owner gave up before it was whole ends; what is whole waits for the owner only. */
bool
zanni__follows_look (zanni__agent_t *agent, int64_t now_ns)
{
    bool waits = false;
    for (zanni__link_t *next, *at = agent->follows.next; at != &agent->follows; at = next) {
        s_follow_t *follow = ZANNI__CONTAINER (at, s_follow_t, link);
        next = at->next;
        if (!follow->duty.msg)
            continue;
        waits = true;
        if (zanni__duty_is_over (agent, &follow->duty, now_ns))
            s_free (agent, follow);
    }
    return waits;
}

void
zanni__follows_end (zanni__agent_t *agent)
{
    while (!zanni__list_empty (&agent->follows))
        s_free (agent, ZANNI__CONTAINER (agent->follows.next, s_follow_t, link));
}
