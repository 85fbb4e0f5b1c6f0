/* A supervisor is an actor that never blocks, so it may share its worker with its children. It learns of them as any
   actor might: by the answer to a start, and by a monitor; that its children's identities wait for it is what actor/
   does for it. Its own start is answered when its children have begun (a promise), so that whoever spawned it, a
   supervisor above it among them, waits for the whole tree.

   It ends in two steps: told to, it ends its children first. That takes as long as they have; only where it is
   killed, or its worker is about to end, they are left to their fate at once. */

#include "supervisor.h"

#include "../base/memory.h"

#include <zanni/timer.h>

static int
s_read_children (zanni__supervisor_t *supervisor, zanni_msg_t *msg)
{
    size_t count;
    int rc = zanni_enter (msg, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        size_t values;
        zanni__child_t *child;
        rc = zanni_enter (msg, &values);
        if (!rc)
            rc = zanni__child_read (supervisor, &child, msg);
        if (!rc)
            rc = zanni_leave (msg);
        if (!rc && supervisor->strategy == ZANNI_DYNAMIC && !supervisor->model)
            supervisor->model = child;
        else if (!rc)
            rc = zanni__child_enter (supervisor, child);
    }
    if (!rc && supervisor->strategy == ZANNI_DYNAMIC && !supervisor->model)
        rc = ZANNI_EINVAL;
    return rc ? rc : zanni_leave (msg);
}

static bool
s_is_time (int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= ZANNI__SUPERVISOR_MS;
}

static int
s_read (zanni__supervisor_t *supervisor, zanni_msg_t *msg)
{
    zanni_t *self = supervisor->self;
    int64_t restarts;
    unsigned strategy;
    int rc = zanni_read (msg, &strategy, &restarts, &supervisor->within_ms, &supervisor->delay_ms,
                         &supervisor->delay_max_ms, &supervisor->jitter);
    if (rc)
        return rc;
    /* They may have come from another node, whoever wrote them there. */
    if (strategy > ZANNI_DYNAMIC || restarts < 0 || restarts > UINT16_MAX || supervisor->jitter > 100
        || !s_is_time (supervisor->within_ms) || !s_is_time (supervisor->delay_ms)
        || !s_is_time (supervisor->delay_max_ms))
        return ZANNI_EINVAL;
    supervisor->strategy = (uint8_t) strategy;
    supervisor->max_restarts = (uint32_t) restarts;
    supervisor->times_ns = zanni__malloc ((size_t) restarts * sizeof *supervisor->times_ns + 1);
    rc = supervisor->times_ns ? zanni_ref_weak (self, &supervisor->owner, zanni_msg_from (msg)) : ZANNI_ENOMEM;
    if (!rc)
        rc = s_read_children (supervisor, msg);
    return rc;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    (void) reason;
    while (!zanni__list_empty (&supervisor->children)) {
        zanni__child_t *child = ZANNI__CONTAINER (supervisor->children.next, zanni__child_t, all);
        child->adder = NULL;   // what is kept is answered with the reason of this end
        zanni__child_free (supervisor, child);
    }
    if (supervisor->model)
        zanni__child_free (supervisor, supervisor->model);
    zanni__table_free (&supervisor->by_number);
    zanni__table_free (&supervisor->by_name);
    zanni__table_free (&supervisor->by_monitor);
    zanni__free (supervisor->times_ns);
    zanni_ref_destroy (&supervisor->owner);
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    supervisor->self = self;
    zanni__link_init (&supervisor->children);
    zanni__link_init (&supervisor->news);
    int rc = s_read (supervisor, msg);
    if (!rc)
        rc = zanni_promise_new (self, &supervisor->started, msg);
    if (rc && rc != ZANNI_EREPLIED) {
        s_stop (self, NULL);   // which does not run behind a start that fails
        return rc;
    }
    zanni__conduct (supervisor);
    return 0;
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    zanni__child_down (supervisor, down);
    zanni__conduct (supervisor);
}

static int
s_on_timer (zanni_t *self, zanni_msg_t *msg)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    uint64_t number;
    int rc = zanni_read (msg, &number);
    zanni__child_t *child = rc ? NULL : zanni__child_numbered (supervisor, number);
    if (child)
        zanni__child_late (supervisor, child);
    else if (!rc && !number && supervisor->phase == ZANNI__PAUSING) {
        supervisor->pause = 0;
        supervisor->phase = ZANNI__RESUMING;
        supervisor->cursor = NULL;
    }
    zanni__conduct (supervisor);
    return rc;
}

static bool
s_closing (zanni_t *self, const zanni_reason_t *reason)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    bool kills = reason->kind == ZANNI_EXIT_KILLED;
    if (!self->started || supervisor->phase == ZANNI__OVER || self->worker->stopping)
        return false;
    if (!kills) {
        zanni__conduct_end (supervisor, reason, true);
        return supervisor->phase != ZANNI__OVER;
    }
    for (zanni__link_t *link = supervisor->children.prev; link != &supervisor->children; link = link->prev) {
        zanni__child_t *child = ZANNI__CONTAINER (link, zanni__child_t, all);
        child->kill = true;
        zanni__child_stop (supervisor, child, true);
    }
    supervisor->phase = ZANNI__OVER;
    return false;
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("child", "s", "r", zanni__supervisor_child, "The child of that name."),
    ZANNI_METHOD ("children", "", "a(ssst)", zanni__supervisor_children, "Name, class, state and restarts of each."),
    ZANNI_METHOD ("add", "sav", "r", zanni__supervisor_add, "Begins a child with that name and these arguments."),
    ZANNI_METHOD ("remove", "s", "", zanni__supervisor_remove, "Ends that child for good."),
    ZANNI_PRIVATE ("zanni.timer", "t", "", s_on_timer, "A delay, or the time that a child has to stop, is over."),
    ZANNI_METHOD_END
};

static const zanni_class_t s_definition = {
    .name = ZANNI__SUPERVISOR, .state_size = sizeof (zanni__supervisor_t), .methods = s_methods,
    .start_in = ZANNI__SUPERVISOR_IN, .start = s_start, .stop = s_stop, .down = s_down,
    .text = "Begins its children again when they end."
};

static zanni__own_class_t s_class = { .definition = &s_definition, .closing = s_closing, .tidies = true, .named = true };

int
zanni__supervisor_class (void)
{
    const zanni__class_t *cls;
    return zanni__class_own (&cls, &s_class);
}

int
zanni__supervisor_spawn (zanni_t *self, zanni_ref_t **ref_p, const zanni_spawn_t *options, const zanni_arg_t *args)
{
    const zanni__words_t words = { NULL, args, 7 };
    zanni__care_t care = { .options = *options, .awaits = true };
    care.options.restartable = false;
    return zanni__spawn_named (self, ref_p, ZANNI__SUPERVISOR, &care, &words);
}
