/* What others ask of a supervisor. Who asks for a child that has no reference now, but will have one, waits with it.
   */

#include "supervisor.h"

#include "../actor/remote/remote.h"
#include "../base/memory.h"
#include "../wire/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <zanni/timer.h>

#define S_STEM 40   // bytes of a made name before its number

void
zanni__answer_fault (zanni__supervisor_t *supervisor, zanni_msg_t *msg, int code, const char *format, ...)
{
    zanni_error_t error = { .code = code };
    va_list values;
    va_start (values, format);
    vsnprintf (error.text, sizeof error.text, format, values);
    va_end (values);
    int rc = zanni_pass (supervisor->self, msg, &error);
    (void) rc;   // without memory destroying the message is an error, too
    zanni_msg_destroy (&msg);
}

/* The same for a message that is its handler's. */
__attribute__ ((format (printf, 4, 5))) static int
s_refuse (zanni_t *self, zanni_msg_t *msg, int code, const char *format, ...)
{
    zanni_error_t error = { .code = code };
    va_list values;
    va_start (values, format);
    vsnprintf (error.text, sizeof error.text, format, values);
    va_end (values);
    return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_pass (self, msg, &error) : code;
}

int
zanni__answer_child (zanni__supervisor_t *supervisor, const zanni__child_t *child, zanni_msg_t *msg)
{
    zanni_t *self = supervisor->self;
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    bool owner = zanni_ref_equal (supervisor->owner, zanni_msg_from (msg));
    int rc = zanni_ref_weak (self, &weak, child->ref);
    if (!rc && !owner)
        rc = zanni_ref_limit (self, &limited, weak);
    return rc ? rc : zanni_reply (self, msg, owner ? weak : limited);
}

/* Whether it has ended, though its DOWN has not come: whoever asks may have been told before the supervisor is. */
static bool
s_is_gone (const zanni__child_t *child)
{
    const zanni__identity_t *identity = child->ref->identity;
    zanni_reason_t reason;
    if (atomic_load_explicit (&identity->ended, memory_order_relaxed))
        return child->monitor;
    return identity->elsewhere && child->monitor && !identity->as.remote->address.actor
           && zanni__process_ended (identity->worker->node, identity->as.remote->address.node, &reason);
}

/* Whether it has no reference now and will have one, or it will be known that it has none. */
static bool
s_is_to_come (const zanni__supervisor_t *supervisor, const zanni__child_t *child)
{
    if (supervisor->phase >= ZANNI__ENDING || child->leaves)
        return false;
    return child->state != ZANNI__CHILD_IDLE || child->news || supervisor->phase != ZANNI__SERVING;
}

static int
s_no_child (zanni_t *self, zanni_msg_t *msg, const char *name)
{
    return s_refuse (self, msg, ZANNI_ENOACTOR, "no such actor: no child has the name %.63s", name);
}

static zanni_msg_t *
s_take_question (zanni__child_t *child)
{
    zanni__question_t *question = ZANNI__CONTAINER (child->questions.next, zanni__question_t, link);
    zanni_msg_t *msg = question->msg;
    zanni__link_remove (&question->link);
    zanni__free (question);
    return msg;
}

/* Those in front whose time is over: a child may be delayed for long. */
static void
s_drop_late (zanni_t *self, zanni__child_t *child)
{
    while (!zanni__list_empty (&child->questions)) {
        zanni_msg_t *msg = ZANNI__CONTAINER (child->questions.next, zanni__question_t, link)->msg;
        if (msg->deadline_ns > zanni_now_ns (self))
            return;
        msg = s_take_question (child);
        zanni_msg_destroy (&msg);
    }
}

static int
s_wait (zanni_t *self, zanni__child_t *child, zanni_msg_t *msg)
{
    s_drop_late (self, child);
    zanni__question_t *question = zanni__malloc (sizeof *question);
    if (!question)
        return ZANNI_ENOMEM;
    int rc = zanni_msg_keep (&question->msg, msg);
    if (rc)
        zanni__free (question);
    else
        zanni__list_append (&child->questions, &question->link);
    return rc;
}

int
zanni__supervisor_child (zanni_t *self, zanni_msg_t *msg)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    const char *name;
    char why [160];
    int rc = zanni_read (msg, &name);
    if (rc)
        return rc;
    zanni__child_t *child = zanni__child_named (supervisor, name);
    if (!child)
        return s_no_child (self, msg, name);
    if (child->ref && !s_is_gone (child))
        return zanni__answer_child (supervisor, child, msg);
    if (s_is_to_come (supervisor, child))
        return s_wait (self, child, msg);
    return s_refuse (self, msg, ZANNI_ENOACTOR, "no such actor: child %s has ended: %s", child->name,
                     zanni_reason_string (&child->reason, why, sizeof why));
}

void
zanni__questions_answer (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    while (!zanni__list_empty (&child->questions)) {
        zanni_msg_t *msg = s_take_question (child);
        bool removes = !strcmp (zanni_msg_method (msg), "remove");
        if (removes && child->abandoned)
            zanni__answer_fault (supervisor, msg, ZANNI_ESTUCK, "child %s does not end, and is abandoned", child->name);
        else if (removes ? !child->ref && !zanni_reply_args (supervisor->self, msg, NULL, 0)
                    : child->ref && !zanni__answer_child (supervisor, child, msg))
            zanni_msg_destroy (&msg);
        else
            zanni__answer_fault (supervisor, msg, ZANNI_ENOACTOR, "no such actor: child %s has ended", child->name);
    }
}

void
zanni__adder_answer (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    zanni_msg_t *adder = child->adder;
    child->adder = NULL;
    if (adder && child->ref && !zanni__answer_child (supervisor, child, adder))
        zanni_msg_destroy (&adder);
    else if (adder)
        zanni__answer_fault (supervisor, adder, ZANNI_ENOACTOR, "no such actor: child %s has ended", child->name);
}

static const char *
s_state (const zanni__supervisor_t *supervisor, const zanni__child_t *child)
{
    static const char *const names [] = {
        [ZANNI__CHILD_IDLE] = "ended", [ZANNI__CHILD_DELAYED] = "restarting", [ZANNI__CHILD_STARTING] = "starting",
        [ZANNI__CHILD_FAILING] = "restarting", [ZANNI__CHILD_RUNNING] = "running",
        [ZANNI__CHILD_STOPPING] = "stopping"
    };
    bool sweeps = supervisor->phase >= ZANNI__SWEEPING && supervisor->phase <= ZANNI__RESUMING;
    if (child->state == ZANNI__CHILD_IDLE && (child->news || (sweeps && child->number >= supervisor->from)))
        return "restarting";
    if (child->state == ZANNI__CHILD_IDLE && supervisor->phase == ZANNI__BEGINNING)
        return "starting";
    return names [child->state];
}

int
zanni__supervisor_children (zanni_t *self, zanni_msg_t *msg)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    ZANNI_AUTO (zanni_list_t) list = NULL;
    int rc = zanni_list_new (&list);
    for (zanni__link_t *link = supervisor->children.next; !rc && link != &supervisor->children; link = link->next) {
        const zanni__child_t *child = ZANNI__CONTAINER (link, zanni__child_t, all);
        const char *name = child->name, *state = s_state (supervisor, child);
        rc = zanni_list_append (list, ZANNI_LIST (name, child->class_name, state, child->restarted));
    }
    return rc ? rc : zanni_reply (self, msg, zanni_list_arg (list));
}

/* One that no child has. */
static void
s_make_name (const zanni__supervisor_t *supervisor, char room [ZANNI__CHILD_NAME])
{
    char stem [S_STEM + 1];
    uint64_t number = supervisor->numbers;
    snprintf (stem, sizeof stem, "%.*s", S_STEM, supervisor->model->name);
    while (!zanni__text_valid (stem, strlen (stem)))   // cut inside of a character
        stem [strlen (stem) - 1] = 0;
    do
        snprintf (room, ZANNI__CHILD_NAME, "%s-%llu", stem, (unsigned long long) ++number);
    while (zanni__child_named (supervisor, room));
}

static int
s_check_name (zanni_t *self, zanni_msg_t *msg, const char *name, char room [ZANNI__CHILD_NAME])
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    if (strlen (name) >= ZANNI__CHILD_NAME)
        return s_refuse (self, msg, ZANNI_EINVAL, "invalid argument: the name of a child has %d bytes at most",
                         ZANNI__CHILD_NAME - 1);
    if (*name)
        snprintf (room, ZANNI__CHILD_NAME, "%s", name);
    else
        s_make_name (supervisor, room);
    return 1;
}

int
zanni__supervisor_add (zanni_t *self, zanni_msg_t *msg)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    char room [ZANNI__CHILD_NAME];
    const char *name;
    zanni__child_t *child;
    size_t count;
    int rc = zanni_read (msg, &name);
    if (rc)
        return rc;
    if (supervisor->strategy != ZANNI_DYNAMIC)
        return s_refuse (self, msg, ZANNI_EINVAL,
                         "invalid argument: children are added to a ZANNI_DYNAMIC supervisor only");
    if (supervisor->phase >= ZANNI__ENDING)
        return s_refuse (self, msg, ZANNI_ECLOSED, "closed: the supervisor is about to end");
    rc = s_check_name (self, msg, name, room);
    if (rc <= 0)
        return rc;
    if (zanni__child_named (supervisor, room))
        return s_refuse (self, msg, ZANNI_EINUSE, "somebody else has it already: a child has the name %s", room);
    rc = zanni_enter (msg, &count);
    if (!rc)
        rc = zanni__child_copy (supervisor, &child, room, msg);
    if (!rc)
        rc = zanni__child_enter (supervisor, child);
    if (rc)
        return rc;
    if (zanni_msg_kind (msg) == ZANNI_MSG_ASK && zanni_msg_keep (&child->adder, msg)) {
        zanni__child_free (supervisor, child);
        return ZANNI_ENOMEM;
    }
    zanni__child_start (supervisor, child);
    zanni__conduct (supervisor);
    return 0;
}

int
zanni__supervisor_remove (zanni_t *self, zanni_msg_t *msg)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    const char *name;
    int rc = zanni_read (msg, &name);
    if (rc)
        return rc;
    if (supervisor->strategy != ZANNI_DYNAMIC)
        return s_refuse (self, msg, ZANNI_EINVAL,
                         "invalid argument: children are removed from a ZANNI_DYNAMIC supervisor only");
    zanni__child_t *child = zanni__child_named (supervisor, name);
    if (!child)
        return s_no_child (self, msg, name);
    zanni__child_stop (supervisor, child, true);
    if (child->state != ZANNI__CHILD_IDLE)
        return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? s_wait (self, child, msg) : 0;
    zanni__adder_answer (supervisor, child);
    zanni__child_free (supervisor, child);
    return 0;
}
