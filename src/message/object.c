/* Registered types as arguments: an extension of type 6 whose data are three msgpack values in a row, the type's name,
   the version that wrote it, and the array of its fields.

   Its length stands before what is not packed yet, so three bytes are kept free for the head, which fits most; another
   head moves what lies behind it. Buffers inside are indices into the table of the message like any others. Whoever
   passes an object on that he does not know therefore has to go through its values: what is an index is kept anew, and
   all else is copied as it is. Elements of an array follow its head, so that is one walk in a row, without a stack.

   A registered type holds no other one, except by value in its table of fields: so a hostile one has a bounded depth,
   and its indices are found by that walk. */

#include "object.h"

#include "../base/memory.h"
#include "list.h"
#include "quick.h"
#include "type.h"
#include "../wire/text.h"
#include <stdio.h>
#include <string.h>

#define S_HEAD 3          // bytes of the commonest head: c7, size, type
#define S_METHOD_MAX 255  // of a bound method that is passed on

#define S_BIT(ext) (1u << (ext))
#define S_HANDLES (S_BIT (ZANNI__EXT_REF) | S_BIT (ZANNI__EXT_BUFFER) | S_BIT (ZANNI__EXT_BOUND))

static bool
s_fail (zanni__writer_t *writer, int error)
{
    writer->error = error;
    return false;
}

bool
zanni__object_view (const zanni__value_t *value, zanni__object_view_t *view)
{
    zanni__value_t name, version;
    if (value->form != ZANNI__EXT || value->ext != ZANNI__EXT_OBJECT)
        return false;
    zanni__reader_t reader = zanni__reader (value->value.data, value->size);
    if (!zanni__reader_next (&reader, &name) || !zanni__value_text (&name) || !name.size
        || name.size > ZANNI__TYPE_NAME)
        return false;
    if (!zanni__reader_next (&reader, &version) || version.form != ZANNI__UINT || version.value.u > UINT32_MAX)
        return false;
    *view = (zanni__object_view_t) {
        .name = name.value.data, .name_size = name.size, .version = (uint32_t) version.value.u,
        .fields = reader.at, .end = reader.end
    };
    uint32_t count;
    return zanni__reader_array (&reader, &count);
}

/* Whether well-formed values hold no extension of ours but handles that are in `args`; NULL: none at all. */
static bool
s_handles_valid (zanni__reader_t reader, const zanni__args_t *args)
{
    zanni__value_t value, method;
    zanni_ref_t *ref;
    bool good = true;
    while (good && zanni__reader_next (&reader, &value)) {
        if (value.form != ZANNI__EXT)
            continue;
        if (value.ext == ZANNI__EXT_REF || value.ext == ZANNI__EXT_BUFFER)
            good = args && zanni__value_handle (&value, args, value.ext);
        else if (value.ext == ZANNI__EXT_BOUND)
            good = args && zanni__value_bound (&value, args, &ref, &method);
        else
            good = value.ext != ZANNI__EXT_OBJECT;
    }
    return good;
}

/* Numbers, which most fields are, are passed over by their first byte. */
static bool
s_valid (const zanni__value_t *value, const zanni__args_t *args)
{
    zanni__object_view_t view;
    uint32_t count;
    if (!zanni__object_view (value, &view))
        return false;
    zanni__reader_t reader = { view.fields, view.end };
    (void) zanni__reader_array (&reader, &count);
    for (; count; count--) {
        if (reader.at == reader.end)
            return false;
        uint32_t quick = zanni__quick_values [*reader.at] & ZANNI__QUICK_BYTES;
        zanni__reader_t before = reader;
        if (quick && quick <= (size_t) (reader.end - reader.at))
            reader.at += quick;
        else if (!zanni__reader_skip_but (&reader, ZANNI__WIRE_DEPTH - 1, S_HANDLES | S_BIT (ZANNI__EXT_OBJECT))) {
            if (!zanni__reader_skip (&reader, ZANNI__WIRE_DEPTH - 1))
                return false;
            before.end = reader.at;
            if (!s_handles_valid (before, args))
                return false;
        }
    }
    return reader.at == reader.end;
}

bool
zanni__object_valid (const zanni__value_t *value, const zanni__args_t *args)
{
    return s_valid (value, args);
}

bool
zanni__object_plain (const zanni__value_t *value)
{
    return s_valid (value, NULL);
}

/* What passing an object on will keep. */
static void
s_count_object (const zanni_object_t *object, size_t *refs, size_t *buffers)
{
    zanni__reader_t reader = zanni__reader (object->fields, object->size);
    zanni__value_t value;
    while (zanni__reader_next (&reader, &value)) {
        if (value.form != ZANNI__EXT)
            continue;
        *refs += value.ext == ZANNI__EXT_REF || value.ext == ZANNI__EXT_BOUND;
        *buffers += value.ext == ZANNI__EXT_BUFFER;
    }
}

void
zanni__object_handles (const zanni_arg_t *arg, size_t *refs, size_t *buffers)
{
    const zanni__type_t *type;
    if (!arg->value.p)
        return;
    if (arg->tag == ZANNI_ARG_OBJECT) {
        s_count_object (arg->value.p, refs, buffers);
        return;
    }
    const zanni_typed_t *typed = arg->value.p;
    if (zanni__type_find (&type, typed->type) == 0)
        *buffers += type->fields ? type->buffers : type->definition->pack ? ZANNI_TYPE_BUFFERS : 0;
}

/* Keeps room for the head; answers where the extension begins. */
static bool
s_begin (zanni__writer_t *writer, size_t most, size_t *begin)
{
    if (writer->inside)
        return s_fail (writer, ZANNI_EARGS);
    if (!zanni__writer_room (writer, S_HEAD + most))
        return false;
    *begin = (size_t) (writer->at - writer->start);
    writer->at += S_HEAD;
    writer->inside = true;
    return true;
}

/* Writes the head before what is packed now. */
static bool
s_end (zanni__writer_t *writer, size_t begin)
{
    size_t size = (size_t) (writer->at - writer->start) - begin - S_HEAD;
    uint8_t head [8];
    uint8_t *end = head;
    msgpack_packer packer = { &end, zanni__pack_append };
    writer->inside = false;
    if (size > UINT32_MAX)
        return s_fail (writer, ZANNI_ETOOBIG);
    (void) msgpack_pack_ext (&packer, size, ZANNI__EXT_OBJECT);
    size_t taken = (size_t) (end - head);
    if (taken > S_HEAD && !zanni__writer_room (writer, taken - S_HEAD))
        return false;
    uint8_t *at = writer->start + begin;
    if (taken != S_HEAD)
        memmove (at + taken, at + S_HEAD, size);
    memcpy (at, head, taken);
    writer->at = at + taken + size;
    return true;
}

/* The hook appends to a list that is the message's memory. One byte is kept for the count, two more are made room for
   where there are many. */
static bool
s_pack_hook (zanni__writer_t *writer, const zanni__type_t *type, const void *instance)
{
    zanni__writer_ops_t ops = *writer->ops;
    const zanni__writer_ops_t *before = writer->ops;
    size_t begin = (size_t) (writer->at - writer->start);
    zanni_list_t list = { .writer = writer };
    if (!zanni__writer_append (writer, "\x90", 1))
        return false;
    ops.keep_ref = NULL;
    writer->ops = &ops;
    int rc = type->definition->pack (instance, &list);
    writer->ops = before;
    if (rc < 0)
        return s_fail (writer, rc);
    size_t size = (size_t) (writer->at - writer->start) - begin - 1;
    writer->at = writer->start + begin;
    if (list.count < 16) {
        *writer->at = (uint8_t) (0x90 | list.count);
        writer->at += 1 + size;
        return true;
    }
    writer->at += 1 + size;
    if (!zanni__writer_room (writer, 4))
        return false;
    writer->at = writer->start + begin;
    size_t taken = list.count <= UINT16_MAX ? 3 : 5;
    memmove (writer->at + taken, writer->at + 1, size);
    (void) zanni__writer_array (writer, list.count);
    writer->at += size;
    return true;
}

bool
zanni__typed_pack (zanni__writer_t *writer, const zanni_typed_t *typed)
{
    const zanni__type_t *type;
    size_t begin;
    int rc = typed->instance ? zanni__type_find (&type, typed->type) : ZANNI_EARGS;
    if (rc)
        return s_fail (writer, rc);
    if (!s_begin (writer, type->prefix_size, &begin))
        return false;
    memcpy (writer->at, type->prefix, type->prefix_size);
    writer->at += type->prefix_size;
    writer->type = type->definition;
    bool good = type->definition->pack
        ? s_pack_hook (writer, type, typed->instance)
        : zanni__writer_array (writer, type->fields) && zanni__fields_pack (writer, type, typed->instance);
    writer->type = NULL;
    return good && s_end (writer, begin);
}

/* A handle is kept anew, by the index that it gets here. */
static bool
s_pass_handle (zanni__writer_t *writer, const zanni__value_t *value, const zanni__args_t *args)
{
    zanni_arg_t arg;
    zanni_bound_t bound;
    zanni_ref_t *ref;
    zanni__value_t method;
    char name [S_METHOD_MAX + 1];
    void *handle = zanni__value_handle (value, args, value->ext);
    if (value->ext == ZANNI__EXT_BUFFER)
        arg = zanni_arg_buffer (handle);
    else if (value->ext == ZANNI__EXT_REF)
        arg = zanni_arg_ref (handle);
    else {
        if (!zanni__value_bound (value, args, &ref, &method) || method.size > S_METHOD_MAX)
            return s_fail (writer, ZANNI_EARGS);
        memcpy (name, method.value.data, method.size);
        name [method.size] = 0;
        bound = (zanni_bound_t) { ref, name };
        arg = zanni_arg_bound (&bound);
    }
    return zanni__writer_values (writer, &arg, 1, 0);
}

static bool
s_pass_fields (zanni__writer_t *writer, const zanni_object_t *object)
{
    zanni__reader_t reader = zanni__reader (object->fields, object->size);
    const uint8_t *from = reader.at;
    zanni__value_t value;
    for (;;) {
        const uint8_t *at = reader.at;
        bool more = zanni__reader_next (&reader, &value);
        bool handle = more && value.form == ZANNI__EXT && value.ext >= 0 && value.ext < 32
            && S_BIT (value.ext) & S_HANDLES;
        if (more && !handle)
            continue;
        if (!zanni__writer_append (writer, from, (size_t) (at - from)))
            return false;
        if (!more)
            return true;
        if (!s_pass_handle (writer, &value, &object->msg->args))
            return false;
        from = reader.at;
    }
}

bool
zanni__object_pack (zanni__writer_t *writer, const zanni_object_t *object)
{
    size_t begin;
    const zanni_arg_t head [] = { zanni_arg_string (object->name), zanni_arg_uint (object->version) };
    return s_begin (writer, 0, &begin) && zanni__writer_values (writer, head, 2, 0) && s_pass_fields (writer, object)
        && s_end (writer, begin);
}

/* Memory of the message, aligned to 16. */
static void *
s_room (zanni_msg_t *msg, size_t size)
{
    uintptr_t room = (uintptr_t) zanni__msg_room (msg, size + 15);
    return room ? (void *) ((room + 15) & ~(uintptr_t) 15) : NULL;
}

int
zanni__object_read (zanni_msg_t *msg, const zanni__value_t *value, const zanni_object_t **object_p)
{
    zanni__object_view_t view;
    if (!zanni__object_valid (value, &msg->args) || !zanni__object_view (value, &view))
        return ZANNI_EARGS;
    zanni_object_t *object = s_room (msg, sizeof *object);
    const char *name = object ? zanni__msg_copy (msg, view.name, view.name_size) : NULL;
    if (!name)
        return ZANNI_ENOMEM;
    *object = (zanni_object_t) {
        .msg = msg, .name = name, .version = view.version, .fields = view.fields,
        .size = (uint32_t) (view.end - view.fields)
    };
    *object_p = object;
    return 0;
}

/* The instance goes behind the arguments, or to where long strings go; it holds nothing that is to be given back. */
static int
s_read_fields (zanni_msg_t *msg, const zanni__type_t *type, const zanni__object_view_t *view, void **instance_p,
               const char **field)
{
    uint32_t used = msg->room_used;
    size_t size = type->definition->size;
    zanni__instance_t *instance = s_room (msg, sizeof *instance + size);
    if (!instance)
        return ZANNI_ENOMEM;
    instance->type = type;
    instance->held = &zanni__borrowed;
    zanni__instance_clear (type, instance + 1);
    zanni__unfields_t unfields = { .msg = msg, .reader = { view->fields, view->end } };
    int rc = zanni__fields_read (&unfields, type, instance + 1);
    *field = unfields.field;
    if (rc)
        msg->room_used = used;
    else
        *instance_p = instance + 1;
    return rc;
}

/* The hook reads a message that holds the fields and nothing else, and that does not outlive it. */
static int
s_call_unpack (zanni_msg_t *msg, void *instance, const zanni__type_t *type, const zanni__object_view_t *view)
{
    union {
        zanni_msg_t msg;
        uint8_t block [ZANNI__MESSAGE_SIZE];
    } room;
    zanni_msg_t *values = &room.msg;
    memset (values, 0, sizeof *values);
    values->args = msg->args;
    values->args.bytes = view->fields;
    values->args.size = (uint32_t) (view->end - view->fields);
    int rc = type->definition->unpack (instance, view->version, values);
    zanni__msg_extra_free (values);
    return rc < 0 ? rc : 0;
}

static int
s_read_hooks (zanni_msg_t *msg, const zanni__type_t *type, const zanni__object_view_t *view, void **instance_p)
{
    zanni__extra_t *extra = zanni__msg_extra (msg);
    void *own = extra ? zanni__instance_new (type) : NULL;
    if (!own)
        return ZANNI_ENOMEM;
    int rc = s_call_unpack (msg, own, type, view);
    zanni__instance_t *instance = zanni__instance_of (own);
    if (rc) {
        zanni__instance_free (instance);
        return rc == ZANNI_ENOMEM ? rc : ZANNI_EARGS;
    }
    instance->held = &zanni__borrowed;
    zanni__list_append (&extra->instances, &instance->link);
    *instance_p = own;
    return 0;
}

static bool
s_is_type (const zanni__object_view_t *view, const char *name)
{
    return strlen (name) == view->name_size && memcmp (name, view->name, view->name_size) == 0;
}

/* What begins with the very bytes that we write there needs no closer look: it is this type in our version. */
static bool
s_view_of (const zanni__value_t *value, const zanni__type_t *type, zanni__object_view_t *view)
{
    bool object = value->form == ZANNI__EXT && value->ext == ZANNI__EXT_OBJECT;
    if (object && value->size > type->prefix_size && !memcmp (value->value.data, type->prefix, type->prefix_size)) {
        view->version = type->definition->version;
        view->fields = value->value.data + type->prefix_size;
        view->end = value->value.data + value->size;
        return true;
    }
    return zanni__object_view (value, view) && s_is_type (view, type->definition->name);
}

int
zanni__typed_read (zanni_msg_t *msg, const zanni__value_t *value, const zanni_into_t *into, void **instance_p,
                   const char **field)
{
    const zanni__type_t *type;
    zanni__object_view_t view;
    *field = NULL;
    int rc = zanni__type_find (&type, into->type);
    if (rc)
        return rc;
    if (!s_view_of (value, type, &view))
        return ZANNI_EARGS;
    if (!type->definition->unpack)
        return s_read_fields (msg, type, &view, instance_p, field);
    return zanni__object_valid (value, &msg->args) ? s_read_hooks (msg, type, &view, instance_p) : ZANNI_EARGS;
}

const char *
zanni__typed_words (const zanni__value_t *value, const zanni_into_t *into, const char *field, char *text, size_t size)
{
    zanni__object_view_t view;
    if (!zanni__object_view (value, &view))
        return NULL;
    int used = snprintf (text, size, "type \"%.*s\" version %u", (int) view.name_size, (const char *) view.name,
                         (unsigned) view.version);
    if (field)
        snprintf (text + used, size - (size_t) used, " whose field \"%.40s\" does not fit", field);
    else if (s_is_type (&view, into->type->name))
        snprintf (text + used, size - (size_t) used, " whose fields do not fit");
    return text;
}

const char *
zanni_object_name (const zanni_object_t *object)
{
    return object->name;
}

uint32_t
zanni_object_version (const zanni_object_t *object)
{
    return object->version;
}

zanni_bytes_t
zanni_object_fields (const zanni_object_t *object)
{
    return (zanni_bytes_t) { object->fields, object->size };
}
