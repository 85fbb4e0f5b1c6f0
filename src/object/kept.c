/* A value without references and buffers is kept as its msgpack, which goes into any message as it is. In another one
   they are indices into the table of the message that brought it: so it becomes a tree of arguments, of which only
   the branches with such indices are made anew. A registered type that has some keeps its whole message instead, for
   nobody knows what is in it. */

#include "kept.h"

#include "waiting.h"

#include "../base/memory.h"
#include "../message/object.h"

#include <zanni/buffer.h>
#include <zanni/ref.h>

#define S_HANDLES (1u << ZANNI__EXT_REF | 1u << ZANNI__EXT_BUFFER | 1u << ZANNI__EXT_BOUND)
#define S_OBJECT (1u << ZANNI__EXT_OBJECT)
#define S_DEEP 6   // lists with handles inside each other: an answer may put two more around them

typedef struct {
    zanni_t *self;
    zanni_msg_t *msg;
    zanni__kept_t *kept;
    zanni__reader_t reader;
} s_keeping_t;

static int s_keep (s_keeping_t *keeping, zanni_arg_t *arg, uint32_t depth);

static void
s_drop (zanni_arg_t *arg)
{
    zanni_arg_t *items = (zanni_arg_t *) (uintptr_t) arg->value.p;
    zanni_bound_t *bound = (zanni_bound_t *) (uintptr_t) arg->value.p;
    zanni_ref_t *ref = (zanni_ref_t *) (uintptr_t) (arg->tag == ZANNI_ARG_REF ? arg->value.p : NULL);
    zanni_buffer_t *buffer = (zanni_buffer_t *) (uintptr_t) (arg->tag == ZANNI_ARG_BUFFER ? arg->value.p : NULL);
    zanni_ref_destroy (&ref);
    zanni_buffer_destroy (&buffer);
    for (size_t i = 0; arg->tag == ZANNI_ARG_LIST && items && i < arg->size; i++)
        s_drop (&items [i]);
    if (arg->tag == ZANNI_ARG_BOUND && bound) {
        ref = (zanni_ref_t *) (uintptr_t) bound->ref;
        zanni_ref_destroy (&ref);
    }
    if (arg->tag == ZANNI_ARG_LIST || arg->tag == ZANNI_ARG_BOUND)
        zanni__free (items);
    *arg = (zanni_arg_t) { 0 };
}

static int
s_keep_list (s_keeping_t *keeping, zanni_arg_t *arg, uint32_t count, uint32_t depth)
{
    if (depth == S_DEEP)
        return ZANNI_EARGS;
    zanni_arg_t *items = zanni__calloc (count * sizeof *items + 1);
    if (!items)
        return ZANNI_ENOMEM;
    *arg = zanni_arg_list (items, count);
    int rc = 0;
    for (uint32_t i = 0; !rc && i < count; i++)
        rc = s_keep (keeping, &items [i], depth + 1);
    return rc;
}

static int
s_keep_bound (s_keeping_t *keeping, zanni_arg_t *arg, const zanni__value_t *value)
{
    zanni_ref_t *ref, *own;
    zanni__value_t method;
    if (!zanni__value_bound (value, &keeping->msg->args, &ref, &method))
        return ZANNI_EARGS;
    zanni_bound_t *bound = zanni__calloc (sizeof *bound + method.size + 1);
    if (!bound)
        return ZANNI_ENOMEM;
    memcpy (bound + 1, method.value.data, method.size);
    bound->method = (const char *) (bound + 1);
    *arg = (zanni_arg_t) { .tag = ZANNI_ARG_BOUND, .value.p = bound };
    int rc = zanni_ref_keep (keeping->self, &own, ref);
    if (!rc)
        bound->ref = own;
    keeping->kept->handles++;
    return rc;
}

static int
s_keep_object (s_keeping_t *keeping, zanni_arg_t *arg, const zanni__value_t *value)
{
    const zanni_object_t *object;
    zanni__kept_t *kept = keeping->kept;
    if (!kept->msg)
        kept->handles += keeping->msg->args.refs + keeping->msg->args.buffers;
    int rc = kept->msg ? 0 : zanni_msg_keep (&kept->msg, keeping->msg);
    if (!rc)
        rc = zanni__object_read (kept->msg, value, &object);
    if (!rc)
        *arg = (zanni_arg_t) { .tag = ZANNI_ARG_OBJECT, .value.p = object };
    return rc;
}

static int
s_keep_handle (s_keeping_t *keeping, zanni_arg_t *arg, const zanni__value_t *value)
{
    zanni_ref_t *ref = NULL;
    void *handle = zanni__value_handle (value, &keeping->msg->args, value->ext);
    if (!handle)
        return ZANNI_EARGS;
    int rc = value->ext == ZANNI__EXT_REF ? zanni_ref_keep (keeping->self, &ref, handle) : 0;
    if (!rc)
        *arg = ref ? zanni_arg_ref (ref) : zanni_arg_buffer (zanni_buffer_keep (handle));
    keeping->kept->handles++;
    keeping->kept->weight += ref || rc ? 0 : zanni_buffer_size (handle);
    return rc;
}

/* The next value, all of which without handles is left where it lies in the bytes that were copied. */
static int
s_keep (s_keeping_t *keeping, zanni_arg_t *arg, uint32_t depth)
{
    zanni__value_t value;
    const uint8_t *start = keeping->reader.at;
    uint32_t left = depth < ZANNI__WIRE_DEPTH ? ZANNI__WIRE_DEPTH - depth : 0;
    if (zanni__reader_skip_but (&keeping->reader, left, S_HANDLES | S_OBJECT)) {
        *arg = zanni_arg_packed ((zanni_packed_t) { start, (size_t) (keeping->reader.at - start) });
        return 0;
    }
    if (!left || !zanni__reader_next (&keeping->reader, &value))
        return ZANNI_EARGS;
    if (value.form == ZANNI__ARRAY)
        return s_keep_list (keeping, arg, value.size, depth);
    if (value.form != ZANNI__EXT)
        return ZANNI_EARGS;   // a map with handles inside: none that this library packs
    if (value.ext == ZANNI__EXT_OBJECT && zanni__object_plain (&value)) {
        *arg = zanni_arg_packed ((zanni_packed_t) { start, (size_t) (keeping->reader.at - start) });
        return 0;
    }
    return value.ext == ZANNI__EXT_OBJECT ? s_keep_object (keeping, arg, &value)
         : value.ext == ZANNI__EXT_BOUND ? s_keep_bound (keeping, arg, &value) : s_keep_handle (keeping, arg, &value);
}

int
zanni__kept_read (zanni_t *self, zanni__kept_t **kept_p, zanni_msg_t *msg)
{
    zanni_packed_t packed;
    int rc = zanni_read (msg, &packed);
    if (rc)
        return rc;
    zanni__kept_t *kept = zanni__calloc (sizeof *kept + packed.size);
    if (!kept)
        return ZANNI_ENOMEM;
    kept->users = 1;
    kept->size = (uint32_t) packed.size;
    kept->weight = packed.size;
    memcpy (kept->bytes, packed.data, packed.size);
    s_keeping_t keeping = { self, msg, kept, zanni__reader (kept->bytes, (uint32_t) packed.size) };
    rc = s_keep (&keeping, &kept->arg, 0);
    if (!rc)
        *kept_p = kept;
    else
        zanni__kept_drop (kept);
    return rc == ZANNI_EARGS ? zanni__refuse (msg, rc, "%s: lists that hold references or buffers are kept"
                                             " %d deep at most", zanni_msg_method (msg), S_DEEP) : rc;
}

zanni__kept_t *
zanni__kept_share (zanni__kept_t *kept)
{
    kept->users++;
    return kept;
}

void
zanni__kept_drop (void *value)
{
    zanni__kept_t *kept = value;
    if (!kept || --kept->users)
        return;
    s_drop (&kept->arg);
    zanni_msg_destroy (&kept->msg);
    zanni__free (kept);
}

bool
zanni__kept_equal (const zanni__kept_t *one, const zanni__kept_t *other)
{
    return one->arg.tag == ZANNI_ARG_PACKED && other->arg.tag == ZANNI_ARG_PACKED && one->size == other->size
           && memcmp (one->bytes, other->bytes, one->size) == 0;
}
