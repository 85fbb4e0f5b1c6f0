/* What a program describes becomes the start arguments of a supervisor: six numbers and a list with an array for each
   child, whose own start arguments stand at its end. Those of a supervisor among them are of the same form, so a
   whole tree is one value, which travels to wherever the supervisor runs.

   There a child's arguments become a *pattern*, a message that is never sent and that each start copies. References
   and buffers of a message are indices into its own table, so what holds some cannot go over as bytes: it is taken
   apart. */

#include "supervisor.h"

#include "../actor/watchdog.h"
#include "../base/memory.h"
#include "../message/value.h"

#include <stdarg.h>
#include <stdio.h>

#define S_HANDLES (1u << ZANNI__EXT_REF | 1u << ZANNI__EXT_BUFFER | 1u << ZANNI__EXT_BOUND | 1u << ZANNI__EXT_OBJECT)
#define S_HEAD 6         // arguments of a supervisor before its children
#define S_CHILD 12       // values of a child before its start arguments
#define S_DEPTH 16       // of supervisors; lists are bounded elsewhere

/* Memory that goes at once. */
typedef struct s_block {
    struct s_block *next;
    zanni_arg_t args [];
} s_block_t;

typedef struct {
    s_block_t *blocks;
    zanni_error_t *error;
    const zanni_supervisor_t *above [S_DEPTH];
    uint32_t depth;
} s_draft_t;

static zanni_arg_t *
s_room (s_block_t **blocks, size_t count)
{
    s_block_t *block = zanni__malloc (sizeof *block + count * sizeof *block->args);
    if (!block)
        return NULL;
    block->next = *blocks;
    *blocks = block;
    return block->args;
}

static void
s_free (s_block_t *blocks)
{
    while (blocks) {
        s_block_t *next = blocks->next;
        zanni__free (blocks);
        blocks = next;
    }
}

__attribute__ ((format (printf, 3, 4))) static int
s_fault (const s_draft_t *draft, int code, const char *format, ...)
{
    char text [232];
    va_list values;
    va_start (values, format);
    vsnprintf (text, sizeof text, format, values);
    va_end (values);
    zanni__error_set (draft->error, code, text);
    return code;
}

static int
s_check_name (const s_draft_t *draft, const zanni_supervisor_t *supervisor, const zanni_child_t *child)
{
    size_t length = strlen (child->name);
    if (!length || length >= ZANNI__CHILD_NAME)
        return s_fault (draft, ZANNI_EINVAL, "invalid argument: the name of a child has 1 to %d bytes, not %zu",
                        ZANNI__CHILD_NAME - 1, length);
    for (const zanni_child_t *other = supervisor->children; other != child; other++)
        if (!strcmp (other->name, child->name))
            return s_fault (draft, ZANNI_EINVAL, "invalid argument: two children have the name %s", child->name);
    return 0;
}

static int
s_check_child (const s_draft_t *draft, const zanni_supervisor_t *supervisor, const zanni_child_t *child)
{
    int rc = s_check_name (draft, supervisor, child);
    if (rc)
        return rc;
    bool away = child->spawn.on && child->spawn.on->identity->elsewhere;
    if (!child->class_name == !child->supervisor)
        return s_fault (draft, ZANNI_EINVAL, "child %s: it needs a class_name or a supervisor, not both",
                        child->name);
    if (child->supervisor && child->args.tag)
        return s_fault (draft, ZANNI_EINVAL, "child %s: a supervisor takes no `args`", child->name);
    if (child->args.tag && child->args.tag != ZANNI_ARG_LIST)
        return s_fault (draft, ZANNI_EINVAL, "child %s: `args` is no ZANNI_LIST (...)", child->name);
    if (child->args.size && !child->args.value.p)
        return s_fault (draft, ZANNI_EINVAL, "child %s: `args` is a list of NULL", child->name);
    if (child->spawn.size && child->spawn.size != sizeof child->spawn)
        return s_fault (draft, ZANNI_EINVAL, "child %s: `spawn.size` is of another version", child->name);
    if ((unsigned) child->restarts > ZANNI_TEMPORARY)
        return s_fault (draft, ZANNI_EINVAL,
                        "child %s: `restarts` is none of ZANNI_PERMANENT, _TRANSIENT, _TEMPORARY", child->name);
    if (child->stop_ms < -1)
        return s_fault (draft, ZANNI_EINVAL, "child %s: `stop_ms` is %lld; -1 is as long as it takes", child->name,
                        (long long) child->stop_ms);
    if (!zanni__watchdog_fits (child->spawn.watchdog_ms))
        return s_fault (draft, ZANNI_EINVAL, "child %s: `spawn.watchdog_ms` is %lld; -1 is none, 2147483647 the most",
                        child->name, (long long) child->spawn.watchdog_ms);
    if (child->class_name && !away && !zanni__class_find (child->class_name))
        return s_fault (draft, ZANNI_ENOCLASS, "child %s: no such class: %.100s; was it given to zanni_init?",
                        child->name, child->class_name);
    return 0;
}

static bool
s_is_time (int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= ZANNI__SUPERVISOR_MS;
}

static int
s_check (const s_draft_t *draft, const zanni_supervisor_t *supervisor)
{
    if (supervisor->size && supervisor->size != sizeof *supervisor)
        return s_fault (draft, ZANNI_EINVAL, "invalid argument: a supervisor of another version: `size` is %zu",
                        supervisor->size);
    for (uint32_t i = 0; i < draft->depth; i++)
        if (draft->above [i] == supervisor)
            return s_fault (draft, ZANNI_EINVAL, "invalid argument: a supervisor is told to supervise itself");
    if (draft->depth == S_DEPTH)
        return s_fault (draft, ZANNI_ETOOBIG, "over a limit: supervisors below supervisors, more than %d", S_DEPTH);
    if ((unsigned) supervisor->strategy > ZANNI_DYNAMIC)
        return s_fault (draft, ZANNI_EINVAL, "invalid argument: there is no strategy %d", (int) supervisor->strategy);
    if (supervisor->max_restarts < -1 || supervisor->max_restarts > UINT16_MAX)
        return s_fault (draft, ZANNI_EINVAL,
                        "invalid argument: `max_restarts` is %d; -1 is none, 0 is 1, %d the most",
                        (int) supervisor->max_restarts, UINT16_MAX);
    if (!s_is_time (supervisor->within_ms) || !s_is_time (supervisor->delay_ms)
        || !s_is_time (supervisor->delay_max_ms))
        return s_fault (draft, ZANNI_EINVAL,
                        "invalid argument: `within_ms`, `delay_ms` or `delay_max_ms` is below 0, or too long");
    if (supervisor->jitter > 100)
        return s_fault (draft, ZANNI_EINVAL, "invalid argument: `jitter` is %u per cent; 100 is the most",
                        (unsigned) supervisor->jitter);
    if (!supervisor->children)
        return s_fault (draft, ZANNI_EINVAL, "invalid argument: `children` is NULL");
    if (supervisor->strategy == ZANNI_DYNAMIC && (!supervisor->children->name || supervisor->children [1].name))
        return s_fault (draft, ZANNI_EINVAL,
                        "invalid argument: a ZANNI_DYNAMIC supervisor has one child in `children`");
    return 0;
}

static int s_draw (s_draft_t *draft, const zanni_supervisor_t *supervisor, zanni_arg_t *args);

static int
s_draw_child (s_draft_t *draft, const zanni_child_t *child, zanni_arg_t *drawn)
{
    const zanni_spawn_t *spawn = &child->spawn;
    size_t count = child->supervisor ? S_HEAD + 1 : child->args.size;
    zanni_arg_t *values = s_room (&draft->blocks, S_CHILD + count + 1);
    if (!values)
        return ZANNI_ENOMEM;
    zanni_arg_t *on = &values [S_CHILD + count];
    int64_t stop_ms = child->stop_ms ? child->stop_ms : child->supervisor ? -1 : 5000;
    *on = zanni_arg_ref (spawn->on);
    const zanni_arg_t head [S_CHILD] = {
        zanni_arg_string (child->name), zanni_arg_string (child->supervisor ? ZANNI__SUPERVISOR : child->class_name),
        zanni_arg_uint (spawn->place), zanni_arg_uint (spawn->worker), zanni_arg_uint (spawn->overflow),
        zanni_arg_uint (spawn->mailbox_messages), zanni_arg_uint (spawn->mailbox_bytes), zanni_arg_int (spawn->watchdog_ms),
        zanni_arg_uint (child->restarts), zanni_arg_int (stop_ms), zanni_arg_bool (child->kill),
        zanni_arg_list (on, spawn->on != NULL)
    };
    memcpy (values, head, sizeof head);
    *drawn = zanni_arg_list (values, S_CHILD + count);
    if (child->supervisor)
        return s_draw (draft, child->supervisor, values + S_CHILD);
    if (count)
        memcpy (values + S_CHILD, child->args.value.p, count * sizeof *values);
    return 0;
}

/* S_HEAD + 1 arguments. */
static int
s_draw (s_draft_t *draft, const zanni_supervisor_t *supervisor, zanni_arg_t *args)
{
    int rc = s_check (draft, supervisor);
    size_t count = 0;
    if (rc)
        return rc;
    draft->above [draft->depth++] = supervisor;
    for (const zanni_child_t *child = supervisor->children; !rc && child->name; child++, count++)
        rc = s_check_child (draft, supervisor, child);
    zanni_arg_t *children = rc ? NULL : s_room (&draft->blocks, count);
    if (!rc && !children)
        rc = ZANNI_ENOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        rc = s_draw_child (draft, &supervisor->children [i], &children [i]);
    draft->depth--;
    if (rc)
        return rc;
    int64_t restarts = supervisor->max_restarts < 0 ? 0 : supervisor->max_restarts ? supervisor->max_restarts : 1;
    args [0] = zanni_arg_uint (supervisor->strategy);
    args [1] = zanni_arg_int (restarts);
    args [2] = zanni_arg_int (supervisor->within_ms ? supervisor->within_ms : 5000);
    args [3] = zanni_arg_int (supervisor->delay_ms);
    args [4] = zanni_arg_int (supervisor->delay_max_ms ? supervisor->delay_max_ms : 30000);
    args [5] = zanni_arg_uint (supervisor->jitter);
    args [6] = zanni_arg_list (children, count);
    return 0;
}

int
zanni_supervise (zanni_t *self, zanni_ref_t **ref_p, const zanni_supervisor_t *supervisor,
                 const zanni_spawn_t *options)
{
    static const zanni_spawn_t defaults;
    zanni_arg_t args [S_HEAD + 1];
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!options)
        options = &defaults;
    if (options->size && options->size != sizeof *options)
        return ZANNI_EINVAL;   // of another version: `error` may lie elsewhere
    s_draft_t draft = { .error = options->error };
    if (options->error)
        *options->error = (zanni_error_t) { 0 };
    if (!ref_p || !supervisor)
        return s_fault (&draft, ZANNI_EINVAL,
                        "invalid argument: zanni_supervise needs a supervisor and a place for its reference");
    rc = s_draw (&draft, supervisor, args);
    if (!rc)
        rc = zanni__supervisor_spawn (self, ref_p, options, args);
    if (rc && options->error && !options->error->code)
        zanni__error_set (options->error, rc, NULL);
    s_free (draft.blocks);
    return rc;
}

/* Taking apart. */
typedef struct {
    s_block_t *blocks;
    zanni_msg_t *msg;
} s_parts_t;

static int s_part (s_parts_t *parts, zanni_arg_t *arg);

/* What is left to be read at this level, and where. */
static size_t
s_left (const zanni_msg_t *msg, zanni__reader_t *reader)
{
    uint32_t left = msg->left;
    *reader = (zanni__reader_t) { msg->args.bytes + msg->at, msg->args.bytes + msg->args.size };
    if (!msg->at && !zanni__args_begin (&msg->args, reader, &left))
        left = 0;
    return left;
}

/* Whether the next value holds no index. */
static bool
s_is_plain (const zanni_msg_t *msg)
{
    zanni__reader_t reader;
    return s_left (msg, &reader) && zanni__reader_skip_but (&reader, ZANNI__WIRE_DEPTH - 1, S_HANDLES);
}

static int
s_part_list (s_parts_t *parts, zanni_arg_t *arg)
{
    size_t count;
    int rc = zanni_enter (parts->msg, &count);
    if (rc)
        return rc;
    zanni_arg_t *items = s_room (&parts->blocks, count);
    if (!items)
        return ZANNI_ENOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        rc = s_part (parts, &items [i]);
    *arg = zanni_arg_list (items, count);
    return rc ? rc : zanni_leave (parts->msg);
}

/* A value that is one handle, where it is of that kind. */
static bool
s_part_handle (s_parts_t *parts, zanni_arg_t *arg)
{
    const zanni_ref_t *ref;
    const zanni_buffer_t *buffer;
    const zanni_object_t *object;
    if (!zanni_read (parts->msg, &ref))
        *arg = zanni_arg_ref (ref);
    else if (!zanni_read (parts->msg, &buffer))
        *arg = zanni_arg_buffer (buffer);
    else if (!zanni_read (parts->msg, &object))
        *arg = (zanni_arg_t) { .tag = ZANNI_ARG_OBJECT, .value.p = object };
    else
        return false;
    return true;
}

static int
s_part_bound (s_parts_t *parts, zanni_arg_t *arg)
{
    s_block_t *block = zanni__malloc (sizeof *block + sizeof (zanni_bound_t));
    if (!block)
        return ZANNI_ENOMEM;
    block->next = parts->blocks;
    parts->blocks = block;
    zanni_bound_t *bound = (zanni_bound_t *) (void *) block->args;
    *arg = zanni_arg_bound (bound);
    return zanni_read (parts->msg, bound);
}

static int
s_part (s_parts_t *parts, zanni_arg_t *arg)
{
    zanni_packed_t packed;
    if (s_is_plain (parts->msg)) {
        int rc = zanni_read (parts->msg, &packed);
        *arg = zanni_arg_packed (packed);
        return rc;
    }
    if (s_part_handle (parts, arg))
        return 0;
    int rc = s_part_list (parts, arg);
    return rc == ZANNI_EARGS ? s_part_bound (parts, arg) : rc;
}

int
zanni__pattern_new (zanni_t *self, zanni_msg_t **pattern_p, zanni_msg_t *head, zanni_msg_t *msg)
{
    s_parts_t parts = { .msg = head };
    zanni__reader_t reader;
    int rc = 0;
    if (head)
        zanni_rewind (head);
    size_t first = head ? s_left (head, &reader) : 0;
    size_t count = first + s_left (msg, &reader);
    zanni_arg_t *args = s_room (&parts.blocks, count);
    if (!args)
        return ZANNI_ENOMEM;
    for (size_t i = 0; !rc && i < count; i++) {
        parts.msg = i < first ? head : msg;
        rc = s_part (&parts, &args [i]);
    }
    const zanni__words_t words = { "", args, count };
    zanni_msg_t *pattern = NULL;
    if (!rc)
        rc = zanni__msg_make (self, &pattern, self->identity, &words);
    if (!rc)
        rc = zanni__msg_share (pattern);
    s_free (parts.blocks);
    if (rc && pattern)
        zanni__msg_release (self->worker, pattern);
    if (!rc)
        *pattern_p = pattern;
    return rc;
}
