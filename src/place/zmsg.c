/* zmsg_t from and to messages.

   A frame has no type, so there is one text for each value: what people would write. Numbers come in the shortest decimal
   that reads back as the same one, with a point whatever the locale; lists and other compound values as the msgpack that
   they are anyhow. References mean nothing outside of zanni, and inside a list neither do buffers, which are only indices
   there: both are refused rather than sent as something that nobody can use.

   On the way back a frame that could be a string is one; everything else is bytes. Where the receiver's signature is known
   and wants bytes, a text is bytes, too: what a frame becomes must not depend on what happens to be in it. */

#include "zmsg.h"

#include "../base/memory.h"
#include "../message/value.h"
#include "../wire/text.h"

#include <czmq.h>
#include <inttypes.h>
#include <zanni/buffer.h>

#define S_METHOD_MAX 255

/* A decimal point is a point. */
static void
s_mend_point (char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (strchr ("+-0123456789aefin", *from))
            *to++ = *from;
        else if (to == text || to [-1] != '.')
            *to++ = '.';
    *to = 0;
}

static void
s_write_double (char *text, size_t size, double number)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf (text, size, "%.*g", digits, number);
        if (strtod (text, NULL) == number)
            break;
    }
    s_mend_point (text);
}

static int
s_add (zmsg_t *zmsg, const void *data, size_t size)
{
    return zmsg_addmem (zmsg, data, size) ? ZANNI_ENOMEM : 0;
}

static int
s_add_number (zmsg_t *zmsg, const zanni__value_t *value)
{
    char text [64];
    if (value->form == ZANNI__INT)
        snprintf (text, sizeof text, "%" PRId64, value->value.i);
    else if (value->form == ZANNI__FLOAT)
        s_write_double (text, sizeof text, value->value.d);
    else
        snprintf (text, sizeof text, "%" PRIu64, value->value.u);
    return s_add (zmsg, text, strlen (text));
}

/* Whether anything between the two is a handle. */
static bool
s_has_handles (const uint8_t *at, const uint8_t *end)
{
    zanni__reader_t reader = { at, end };
    zanni__value_t value;
    while (reader.at < reader.end && zanni__reader_next (&reader, &value))
        if (value.form == ZANNI__EXT
            && (value.ext == ZANNI__EXT_REF || value.ext == ZANNI__EXT_BUFFER || value.ext == ZANNI__EXT_BOUND))
            return true;
    return false;
}

/* The value at the reader, whose head is `value`, goes in as it is. */
static int
s_add_packed (zmsg_t *zmsg, zanni__reader_t *reader)
{
    const uint8_t *start = reader->at;
    if (!zanni__reader_skip (reader, ZANNI__WIRE_DEPTH) || s_has_handles (start, reader->at))
        return ZANNI_EARGS;
    return s_add (zmsg, start, (size_t) (reader->at - start));
}

static int
s_add_value (zmsg_t *zmsg, const zanni_msg_t *msg, zanni__reader_t *reader)
{
    zanni__reader_t ahead = *reader;
    zanni__value_t value;
    if (!zanni__reader_next (&ahead, &value))
        return ZANNI_EARGS;
    const zanni_buffer_t *buffer = zanni__value_handle (&value, &msg->args, ZANNI__EXT_BUFFER);
    int rc;
    switch (value.form) {
    case ZANNI__BOOL:
    case ZANNI__UINT:
    case ZANNI__INT:
    case ZANNI__FLOAT:
        rc = s_add_number (zmsg, &value);
        break;
    case ZANNI__STR:
    case ZANNI__BIN:
        rc = s_add (zmsg, value.value.data, value.size);
        break;
    default:
        if (!buffer)
            return s_add_packed (zmsg, reader);
        rc = s_add (zmsg, zanni_buffer_data (buffer), zanni_buffer_size (buffer));
    }
    *reader = ahead;
    return rc;
}

/* Says which argument it was. */
static int
s_refuse (zanni_msg_t *msg, uint32_t position)
{
    char text [100];
    snprintf (text, sizeof text, "argument %u holds a reference, or a buffer inside a list: a zmsg cannot", position);
    zanni__msg_set_fault (msg, text);
    return ZANNI_EARGS;
}

int
zanni_msg_zmsg (zanni_msg_t *msg, zmsg_t **zmsg_p)
{
    zanni__reader_t reader;
    uint32_t count;
    if (!msg || !zmsg_p)
        return ZANNI_EINVAL;
    if (!zanni__args_begin (&msg->args, &reader, &count))
        return ZANNI_EARGS;
    zmsg_t *zmsg = zmsg_new ();
    const char *method = zanni_msg_method (msg);
    int rc = zmsg ? s_add (zmsg, method, strlen (method)) : ZANNI_ENOMEM;
    for (uint32_t i = 0; !rc && i < count; i++) {
        rc = s_add_value (zmsg, msg, &reader);
        if (rc == ZANNI_EARGS)
            rc = s_refuse (msg, i + 1);
    }
    if (rc)
        zmsg_destroy (&zmsg);
    else
        *zmsg_p = zmsg;
    return rc;
}

/* Strings need a NUL behind them, so what could be one is copied. */
static char *
s_copy (char **text, zframe_t *frame)
{
    char *copy = *text;
    size_t size = zframe_size (frame);
    if (size)
        memcpy (copy, zframe_data (frame), size);
    copy [size] = 0;
    *text += size + 1;
    return copy;
}

static bool
s_is_text (zframe_t *frame)
{
    return zanni__text_valid (zframe_data (frame), zframe_size (frame));
}

/* Whether the signature, if it is known, has bytes next; goes behind that type as long as all are simple. */
static bool
s_wants_bytes (const char **in)
{
    const char *type = *in;
    if (!type || !*type)
        return false;
    bool bytes = type [0] == 'a' && type [1] == 'y';
    bool simple = *type != 'a' && *type != '(';
    *in = bytes ? type + 2 : simple ? type + 1 : NULL;
    return bytes;
}

static const char *
s_signature (const zanni_ref_t *to, const char *name)
{
    /* acquire pairs with the release of a root that begins to serve. */
    const zanni__class_t *cls = to ? atomic_load_explicit (&to->identity->cls, memory_order_acquire) : NULL;
    const zanni__method_t *method = cls ? zanni__class_method (cls, name) : NULL;
    return method ? method->in : NULL;
}

int
zanni__zmsg_words (zanni__words_t *words, void **memory_p, zmsg_t *zmsg, const zanni_ref_t *to)
{
    zframe_t *first = zmsg_first (zmsg);
    if (!first || !zframe_size (first) || zframe_size (first) > S_METHOD_MAX || !s_is_text (first))
        return ZANNI_EINVAL;
    size_t count = zmsg_size (zmsg) - 1;
    size_t size = zmsg_content_size (zmsg) + zmsg_size (zmsg);
    zanni_arg_t *args = zanni__malloc (count * sizeof *args + size);
    if (!args)
        return ZANNI_ENOMEM;
    char *text = (char *) (args + count);
    *words = (zanni__words_t) { .method = s_copy (&text, first), .args = args, .count = count };
    const char *in = s_signature (to, words->method);
    for (size_t i = 0; i < count; i++) {
        zframe_t *frame = zmsg_next (zmsg);
        bool bytes = s_wants_bytes (&in) || !s_is_text (frame);
        args [i] = !bytes ? zanni_arg_string (s_copy (&text, frame))
                          : zanni_arg_bytes (zframe_data (frame), zframe_size (frame));
    }
    *memory_p = args;
    return 0;
}

int
zanni__zmsg_frames (zanni_arg_t *list, void **memory_p, zmsg_t *zmsg)
{
    size_t count = zmsg_size (zmsg);
    zanni_arg_t *args = zanni__malloc (count * sizeof *args + 1);
    if (!args)
        return ZANNI_ENOMEM;
    zframe_t *frame = zmsg_first (zmsg);
    for (size_t i = 0; i < count; i++, frame = zmsg_next (zmsg))
        args [i] = zanni_arg_bytes (zframe_data (frame), zframe_size (frame));
    *list = zanni_arg_list (args, count);
    *memory_p = args;
    return 0;
}

int
zanni_tell_zmsg_p (zanni_t *self, const zanni_ref_t *ref, zmsg_t **zmsg_p)
{
    zanni__words_t words;
    void *memory;
    if (!zmsg_p || !*zmsg_p || !zmsg_is (*zmsg_p))
        return ZANNI_EINVAL;
    int rc = zanni__zmsg_words (&words, &memory, *zmsg_p, ref);
    if (rc)
        return rc;
    rc = zanni_tell_args (self, ref, words.method, words.args, words.count);
    zanni__free (memory);
    if (!rc)
        zmsg_destroy (zmsg_p);
    return rc;
}
