/* One child's life. It is started by a START that is answered wherever it runs, and monitored. Both tell of a start
   that failed; it has failed when both have, for whether its identity waits is what the DOWN says. A first start has
   nothing to wait for, so there the answer is enough.

   What others may ask of conduct.c is decided there: here state and news are set, nothing follows from them. */

#include "supervisor.h"

#include "../base/memory.h"

#include <stdio.h>
#include <zanni/timer.h>

#define S_ATTEMPT_BITS 16
#define S_AGAIN_MS 10   // until what found no memory is tried again

static zanni__child_t *
s_child_new (const char *name, const char *class_name)
{
    size_t size = strlen (class_name) + 1;
    zanni__child_t *child = zanni__calloc (sizeof *child + size);
    if (!child)
        return NULL;
    memcpy (child + 1, class_name, size);
    child->class_name = (const char *) (child + 1);
    snprintf (child->name, sizeof child->name, "%s", name);
    zanni__link_init (&child->all);
    zanni__link_init (&child->news_link);
    zanni__link_init (&child->questions);
    return child;
}

static int
s_read_on (zanni_t *self, zanni__child_t *child, zanni_msg_t *msg)
{
    size_t count;
    const zanni_ref_t *on;
    int rc = zanni_enter (msg, &count);
    if (!rc && count) {
        rc = zanni_read (msg, &on);
        if (!rc)
            rc = zanni_ref_weak (self, &child->on, on);
    }
    return rc ? rc : zanni_leave (msg);
}

int
zanni__child_read (zanni__supervisor_t *supervisor, zanni__child_t **child_p, zanni_msg_t *msg)
{
    const char *name, *class_name;
    unsigned place, overflow, restarts;
    zanni_spawn_t spawn = { 0 };
    bool kill;
    int64_t stop_ms;
    int rc = zanni_read (msg, &name, &class_name, &place, &spawn.worker, &overflow, &spawn.mailbox_messages,
                         &spawn.mailbox_bytes, &spawn.watchdog_ms, &restarts, &stop_ms, &kill);
    if (rc)
        return rc;
    if (restarts > ZANNI_TEMPORARY)
        return ZANNI_EINVAL;
    zanni__child_t *child = s_child_new (name, class_name);
    if (!child)
        return ZANNI_ENOMEM;
    spawn.place = (zanni_place_t) place;
    spawn.overflow = (zanni_overflow_t) overflow;
    child->spawn = spawn;
    child->restarts = (uint8_t) restarts;
    child->stop_ms = stop_ms > ZANNI__SUPERVISOR_MS ? -1 : stop_ms;
    child->kill = kill;
    rc = s_read_on (supervisor->self, child, msg);
    if (!rc)
        rc = zanni__pattern_new (supervisor->self, &child->pattern, NULL, msg);
    if (rc)
        zanni__child_free (supervisor, child);
    else
        *child_p = child;
    return rc;
}

int
zanni__child_copy (zanni__supervisor_t *supervisor, zanni__child_t **child_p, const char *name, zanni_msg_t *msg)
{
    zanni_t *self = supervisor->self;
    const zanni__child_t *model = supervisor->model;
    zanni__child_t *child = s_child_new (name, model->class_name);
    if (!child)
        return ZANNI_ENOMEM;
    child->spawn = model->spawn;
    child->restarts = model->restarts;
    child->stop_ms = model->stop_ms;
    child->kill = model->kill;
    int rc = model->on ? zanni_ref_keep (self, &child->on, model->on) : 0;
    if (!rc)
        rc = zanni__pattern_new (self, &child->pattern, model->pattern, msg);
    if (rc)
        zanni__child_free (supervisor, child);
    else
        *child_p = child;
    return rc;
}

static uint64_t
s_name_hash (const char *name)
{
    return zanni__hash_bytes (ZANNI__HASH_BEGIN, name, strlen (name));
}

zanni__child_t *
zanni__child_named (const zanni__supervisor_t *supervisor, const char *name)
{
    uint64_t hash = s_name_hash (name);
    zanni__entry_t *entry = zanni__table_find (&supervisor->by_name, hash);
    while (entry && strcmp (ZANNI__CONTAINER (entry, zanni__child_t, by_name)->name, name))
        entry = zanni__table_again (entry->next, hash);
    return entry ? ZANNI__CONTAINER (entry, zanni__child_t, by_name) : NULL;
}

zanni__child_t *
zanni__child_numbered (const zanni__supervisor_t *supervisor, uint64_t number)
{
    zanni__entry_t *entry = zanni__table_find (&supervisor->by_number, zanni__spread (number));
    return entry ? ZANNI__CONTAINER (entry, zanni__child_t, by_number) : NULL;
}

static zanni__child_t *
s_monitored (const zanni__supervisor_t *supervisor, uint64_t monitor)
{
    zanni__entry_t *entry = zanni__table_find (&supervisor->by_monitor, zanni__spread (monitor));
    return entry ? ZANNI__CONTAINER (entry, zanni__child_t, by_monitor) : NULL;
}

int
zanni__child_enter (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    int rc = zanni__child_named (supervisor, child->name) ? ZANNI_EINUSE : 0;
    child->number = supervisor->numbers + 1;
    if (!rc && !zanni__table_put (&supervisor->by_name, &child->by_name, s_name_hash (child->name)))
        rc = ZANNI_ENOMEM;
    if (!rc && !zanni__table_put (&supervisor->by_number, &child->by_number, zanni__spread (child->number))) {
        zanni__table_remove (&supervisor->by_name, &child->by_name);
        rc = ZANNI_ENOMEM;
    }
    if (rc) {
        child->number = 0;
        zanni__child_free (supervisor, child);
        return rc;
    }
    supervisor->numbers++;
    zanni__list_append (&supervisor->children, &child->all);
    return 0;
}

static void
s_end_timer (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    if (child->timer && zanni_timer_cancel (supervisor->self, child->timer))
        zanni__assert (false && "a timer of one's own can be cancelled");
    child->timer = 0;
}

static void
s_end_monitor (zanni__supervisor_t *supervisor, zanni__child_t *child, bool fired)
{
    if (!child->monitor)
        return;
    if (!fired && zanni_demonitor (supervisor->self, child->monitor))
        fired = true;   // without memory: its DOWN finds nobody whose it is
    zanni__table_remove (&supervisor->by_monitor, &child->by_monitor);
    child->monitor = 0;
}

void
zanni__child_calm (zanni__child_t *child)
{
    child->news = ZANNI__NO_NEWS;
    zanni__link_remove (&child->news_link);
}

void
zanni__child_free (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    zanni__questions_answer (supervisor, child);
    zanni__child_calm (child);
    zanni__link_remove (&child->all);
    s_end_timer (supervisor, child);
    s_end_monitor (supervisor, child, false);
    if (child->number) {
        zanni__table_remove (&supervisor->by_name, &child->by_name);
        zanni__table_remove (&supervisor->by_number, &child->by_number);
    }
    if (supervisor->cursor == child)
        supervisor->cursor = NULL;
    zanni_msg_destroy (&child->adder);
    zanni_ref_destroy (&child->ref);
    zanni_ref_destroy (&child->on);
    if (child->pattern)
        zanni__msg_release (supervisor->self->worker, child->pattern);
    zanni__free (child);
}

static void
s_has_news (zanni__supervisor_t *supervisor, zanni__child_t *child, zanni__news_t news)
{
    zanni__child_calm (child);
    child->state = ZANNI__CHILD_IDLE;
    child->news = (uint8_t) news;
    zanni__list_append (&supervisor->news, &child->news_link);
}

static void
s_set_reason (zanni__child_t *child, int code, const char *text)
{
    child->reason = (zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = code };
    snprintf (child->reason.text, sizeof child->reason.text, "%.*s", (int) sizeof child->reason.text - 1, text);
}

static void
s_lose_ref (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    s_end_monitor (supervisor, child, false);
    zanni_ref_destroy (&child->ref);
    child->waits = false;
}

/* Both have come. An identity that somebody had stopped while it waited is no failure of its child's. */
static void
s_failed_again (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    if (!child->waits && child->reason.code == ZANNI_ENOACTOR)
        zanni__child_start (supervisor, child);
    else
        s_has_news (supervisor, child, ZANNI__NEWS_FAILED);
}

static void
s_answered (zanni__supervisor_t *supervisor, zanni__child_t *child, const zanni_error_t *error)
{
    if (child->state != ZANNI__CHILD_STARTING)
        return;   // it is stopped, and its DOWN says the rest
    if (!error) {
        child->began_ns = zanni_now_ns (supervisor->self);
        zanni__adder_answer (supervisor, child);
    }
    if (!error && child->down)
        s_has_news (supervisor, child, ZANNI__NEWS_ENDED);
    else if (!error) {
        child->state = ZANNI__CHILD_RUNNING;
        zanni__questions_answer (supervisor, child);
    }
    else if (child->again) {
        s_set_reason (child, error->code, error->text);
        child->state = ZANNI__CHILD_FAILING;
        if (child->down)
            s_failed_again (supervisor, child);
    }
    else {
        s_lose_ref (supervisor, child);
        s_set_reason (child, error->code, error->text);
        s_has_news (supervisor, child, ZANNI__NEWS_FAILED);
    }
}

/* The answer to a START. */
static void
s_started (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni__supervisor_t *supervisor = zanni_state (self);
    uint64_t key = (uint64_t) (uintptr_t) arg;
    zanni_error_t error;
    zanni__child_t *child = zanni__child_numbered (supervisor, key >> S_ATTEMPT_BITS);
    if (child && child->attempt == (uint16_t) key)
        s_answered (supervisor, child, zanni_msg_error (reply, &error) ? NULL : &error);
    zanni__conduct (supervisor);
}

static int
s_monitor (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    int rc = zanni_monitor (supervisor->self, &child->monitor, child->ref);
    if (!rc && !zanni__table_put (&supervisor->by_monitor, &child->by_monitor, zanni__spread (child->monitor))) {
        child->monitor = 0;
        rc = ZANNI_ENOMEM;
    }
    return rc;
}

static uint8_t
s_waits (const zanni__child_t *child)
{
    static const uint8_t waits [] = {
        [ZANNI_PERMANENT] = ZANNI__WAITS_ALWAYS, [ZANNI_TRANSIENT] = ZANNI__WAITS_ABNORMAL,
        [ZANNI_TEMPORARY] = ZANNI__WAITS_NEVER
    };
    return waits [child->restarts];
}

/* An identity that waits is monitored first: then nobody else can be told of its next end before. */
static int
s_begin (zanni__supervisor_t *supervisor, zanni__child_t *child, const zanni__care_t *care)
{
    zanni_t *self = supervisor->self;
    int rc;
    if (child->again) {
        rc = s_monitor (supervisor, child);
        return rc ? rc : zanni__spawn_again (self, child->ref, care);
    }
    zanni_ref_destroy (&child->ref);
    rc = zanni__spawn_named (self, &child->ref, child->class_name, care, NULL);
    return rc ? rc : s_monitor (supervisor, child);
}

void
zanni__child_start (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    zanni_error_t error = { 0 };
    uint64_t key = child->number << S_ATTEMPT_BITS | ++child->attempt;
    zanni__care_t care = {
        .options = child->spawn, .waits = s_waits (child), .pattern = child->pattern, .then = s_started,
        .arg = (void *) (uintptr_t) key
    };
    care.options.on = child->on;
    care.options.error = &error;
    s_end_timer (supervisor, child);
    child->again = child->waits;
    child->waits = child->down = child->killed = child->abandoned = false;
    child->state = ZANNI__CHILD_STARTING;
    int rc = s_begin (supervisor, child, &care);
    if (!rc)
        return;
    child->attempt++;   // should an answer come after all
    s_lose_ref (supervisor, child);
    s_set_reason (child, rc, error.code ? error.text : zanni_strerror (rc));
    s_has_news (supervisor, child, ZANNI__NEWS_FAILED);
}

/* Whether there is one: it takes memory. */
static bool
s_set_timer (zanni__supervisor_t *supervisor, zanni__child_t *child, int64_t after_ms)
{
    s_end_timer (supervisor, child);
    if (zanni_timer (supervisor->self, &child->timer, after_ms, 0, "zanni.timer", child->number))
        child->timer = 0;
    return child->timer;
}

void
zanni__child_delay (zanni__supervisor_t *supervisor, zanni__child_t *child, int64_t delay_ms)
{
    if (s_set_timer (supervisor, child, delay_ms))
        child->state = ZANNI__CHILD_DELAYED;
    else
        zanni__child_start (supervisor, child);
}

/* Its last reference is dropped, which needs no memory, and nobody waits for its end. */
static void
s_abandon (zanni__supervisor_t *supervisor, zanni__child_t *child, const char *why)
{
    zanni__log (supervisor->self->worker->node, ZANNI_LOG_ERROR, "child %s of class %s is abandoned: %s", child->name,
                child->class_name, why);
    s_lose_ref (supervisor, child);
    s_set_reason (child, ZANNI_ESTUCK, why);
    child->abandoned = true;
    child->state = ZANNI__CHILD_IDLE;
}

static void
s_kill (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    zanni_t *self = supervisor->self;
    int rc = child->leaves ? zanni_kill (self, child->ref) : zanni__hold (self, child->ref, true);
    child->killed = !rc;
    if (!s_set_timer (supervisor, child, rc ? S_AGAIN_MS : self->worker->node->options.shutdown_ms) && rc)
        s_abandon (supervisor, child, zanni_strerror (rc));
}

void
zanni__child_late (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    bool was_delayed = child->state == ZANNI__CHILD_DELAYED;
    child->timer = 0;
    if (was_delayed && supervisor->phase == ZANNI__SERVING)
        zanni__child_start (supervisor, child);
    else if (child->state == ZANNI__CHILD_STOPPING && child->killed)
        s_abandon (supervisor, child, "it does not even heed a kill");   // it is in the program's hands
    else if (child->state == ZANNI__CHILD_STOPPING)
        s_kill (supervisor, child);
    if (child->abandoned && supervisor->phase == ZANNI__SERVING)   // it was removed
        s_has_news (supervisor, child, ZANNI__NEWS_ENDED);
}

void
zanni__child_stop (zanni__supervisor_t *supervisor, zanni__child_t *child, bool for_good)
{
    zanni_t *self = supervisor->self;
    zanni__child_calm (child);
    child->leaves = child->leaves || for_good || child->restarts == ZANNI_TEMPORARY;
    if (child->state == ZANNI__CHILD_STARTING && child->down) {   // it has ended, before its start was answered
        child->attempt++;
        child->state = ZANNI__CHILD_IDLE;
    }
    if (child->state <= ZANNI__CHILD_DELAYED) {
        s_end_timer (supervisor, child);
        child->state = ZANNI__CHILD_IDLE;
        if (child->ref && child->leaves) {
            int rc = zanni_stop (self, child->ref);
            (void) rc;   // the last reference of ours follows
            s_lose_ref (supervisor, child);
        }
        return;
    }
    if (child->state == ZANNI__CHILD_STOPPING && !(child->kill && !child->killed))
        return;   // its timer says when that is enough
    child->state = ZANNI__CHILD_STOPPING;
    if (child->kill) {
        s_kill (supervisor, child);
        return;
    }
    int rc = child->leaves ? zanni_stop (self, child->ref) : zanni__hold (self, child->ref, false);
    int64_t after_ms = rc ? S_AGAIN_MS : child->stop_ms;
    if (after_ms >= 0 && !s_set_timer (supervisor, child, after_ms))
        s_kill (supervisor, child);
}

void
zanni__child_down (zanni__supervisor_t *supervisor, const zanni_down_t *down)
{
    zanni__child_t *child = s_monitored (supervisor, down->monitor);
    if (!child)
        return;
    s_end_monitor (supervisor, child, true);
    child->waits = down->restarts;
    if (!child->waits)
        zanni_ref_destroy (&child->ref);
    if (child->state != ZANNI__CHILD_FAILING)
        child->reason = down->reason;
    switch (child->state) {
    case ZANNI__CHILD_STARTING:
        child->down = true;
        break;
    case ZANNI__CHILD_FAILING:
        s_failed_again (supervisor, child);
        break;
    case ZANNI__CHILD_STOPPING:
        s_end_timer (supervisor, child);
        child->state = ZANNI__CHILD_IDLE;
        if (supervisor->phase == ZANNI__SERVING)   // it was removed
            s_has_news (supervisor, child, ZANNI__NEWS_ENDED);
        break;
    default:
        s_has_news (supervisor, child, ZANNI__NEWS_ENDED);
    }
}
