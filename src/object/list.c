/* zanni.list: values in a row. Positions count from 0; negative ones from the end, -1 being the last. */

#include "classes.h"
#include "cursor.h"

#include "../base/memory.h"
#include "../message/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    zanni__cursors_t cursors;
    zanni__kept_t **values;
    size_t count;
    size_t room;
} s_list_t;

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_list_t *list = zanni_state (self);
    (void) msg;
    zanni__cursors_begin (&list->cursors, self);
    return 0;
}

static void
s_empty (s_list_t *list)
{
    while (list->count)
        zanni__kept_drop (list->values [--list->count]);
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_list_t *list = zanni_state (self);
    (void) reason;
    zanni__cursors_end (&list->cursors);
    s_empty (list);
    zanni__free (list->values);
    list->values = NULL;
    list->room = 0;
}

static int
s_grow (s_list_t *list, size_t more)
{
    size_t room = list->room ? list->room : 16;
    while (room < list->count + more)
        room *= 2;
    if (room == list->room)
        return 0;
    zanni__kept_t **values = zanni__realloc (list->values, room * sizeof *values);
    if (!values)
        return ZANNI_ENOMEM;
    list->values = values;
    list->room = room;
    return 0;
}

/* A position from 0 to `count` - 1 + `behind`. */
static int
s_position (const s_list_t *list, zanni_msg_t *msg, int64_t index, bool behind, size_t *at)
{
    int64_t count = (int64_t) list->count;
    int64_t place = index < 0 ? index + count + behind : index;
    if (place < 0 || place >= count + behind)
        return zanni__refuse (msg, ZANNI_ENOKEY, "%s: position %" PRId64 " is outside of a list of %zu",
                              zanni_msg_method (msg), index, list->count);
    *at = (size_t) place;
    return 0;
}

/* The next argument as the position of a value. */
static int
s_read_position (const s_list_t *list, zanni_msg_t *msg, size_t *at)
{
    int64_t index;
    int rc = zanni_read (msg, &index);
    return rc ? rc : s_position (list, msg, index, false, at);
}

static int
s_insert_at (s_list_t *list, size_t at, zanni__kept_t *kept)
{
    int rc = s_grow (list, 1);
    if (rc)
        return rc;
    memmove (list->values + at + 1, list->values + at, (list->count - at) * sizeof *list->values);
    list->values [at] = kept;
    list->count++;
    return 0;
}

static void
s_remove_at (s_list_t *list, size_t at)
{
    zanni__kept_drop (list->values [at]);
    list->count--;
    memmove (list->values + at, list->values + at + 1, (list->count - at) * sizeof *list->values);
}

/* The next argument goes in at `at`. */
static int
s_take (zanni_t *self, zanni_msg_t *msg, size_t at)
{
    zanni__kept_t *kept;
    int rc = zanni__kept_read (self, &kept, msg);
    if (rc)
        return rc;
    rc = s_insert_at (zanni_state (self), at, kept);
    if (rc)
        zanni__kept_drop (kept);
    return rc ? rc : zanni_reply (self, msg);
}

static int
s_append (zanni_t *self, zanni_msg_t *msg)
{
    const s_list_t *list = zanni_state (self);
    return s_take (self, msg, list->count);
}

static int
s_insert (zanni_t *self, zanni_msg_t *msg)
{
    const s_list_t *list = zanni_state (self);
    int64_t index;
    size_t at = 0;
    int rc = zanni_read (msg, &index);
    if (!rc)
        rc = s_position (list, msg, index, true, &at);
    return rc ? rc : s_take (self, msg, at);
}

static int
s_extend (zanni_t *self, zanni_msg_t *msg)
{
    s_list_t *list = zanni_state (self);
    size_t count, before = list->count;
    int rc = zanni_enter (msg, &count);
    if (!rc)
        rc = s_grow (list, count);
    for (; !rc && count; count--) {
        rc = zanni__kept_read (self, &list->values [list->count], msg);
        list->count += !rc;
    }
    while (rc && list->count > before)
        zanni__kept_drop (list->values [--list->count]);
    return rc ? rc : zanni_reply (self, msg);
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    const s_list_t *list = zanni_state (self);
    size_t at;
    int rc = s_read_position (list, msg, &at);
    return rc ? rc : zanni_reply (self, msg, list->values [at]->arg);
}

static int
s_set (zanni_t *self, zanni_msg_t *msg)
{
    s_list_t *list = zanni_state (self);
    zanni__kept_t *kept;
    size_t at;
    int rc = s_read_position (list, msg, &at);
    if (!rc)
        rc = zanni__kept_read (self, &kept, msg);
    if (rc)
        return rc;
    zanni__kept_drop (list->values [at]);
    list->values [at] = kept;
    return zanni_reply (self, msg);
}

static int
s_pop (zanni_t *self, zanni_msg_t *msg)
{
    s_list_t *list = zanni_state (self);
    size_t at;
    int rc = s_read_position (list, msg, &at);
    if (!rc)
        rc = zanni_reply (self, msg, list->values [at]->arg);
    if (!rc)
        s_remove_at (list, at);
    return rc;
}

static int
s_delete (zanni_t *self, zanni_msg_t *msg)
{
    s_list_t *list = zanni_state (self);
    size_t at;
    int rc = s_read_position (list, msg, &at);
    if (!rc)
        s_remove_at (list, at);
    return rc;
}

/* Where the value that is the next argument is first, and how often it is there. */
static int
s_search (zanni_t *self, zanni_msg_t *msg, size_t *first, int64_t *times)
{
    const s_list_t *list = zanni_state (self);
    zanni__kept_t *kept;
    int rc = zanni__kept_read (self, &kept, msg);
    if (rc)
        return rc;
    *times = 0;
    for (size_t i = list->count; i-- > 0;)
        if (zanni__kept_equal (list->values [i], kept)) {
            *first = i;
            ++*times;
        }
    zanni__kept_drop (kept);
    return 0;
}

static int
s_need (zanni_t *self, zanni_msg_t *msg, size_t *at)
{
    const s_list_t *list = zanni_state (self);
    int64_t times;
    int rc = s_search (self, msg, at, &times);
    if (!rc && !times)
        rc = zanni__refuse (msg, ZANNI_ENOKEY, "%s: no such value is in the list of %zu", zanni_msg_method (msg),
                            list->count);
    return rc;
}

static int
s_remove (zanni_t *self, zanni_msg_t *msg)
{
    size_t at;
    int rc = s_need (self, msg, &at);
    if (rc)
        return rc;
    s_remove_at (zanni_state (self), at);
    return zanni_reply (self, msg);
}

static int
s_index (zanni_t *self, zanni_msg_t *msg)
{
    size_t at;
    int rc = s_need (self, msg, &at);
    return rc ? rc : zanni_reply (self, msg, at);
}

static int
s_count (zanni_t *self, zanni_msg_t *msg)
{
    size_t at;
    int64_t times;
    int rc = s_search (self, msg, &at, &times);
    return rc ? rc : zanni_reply (self, msg, times);
}

static int
s_size (zanni_t *self, zanni_msg_t *msg)
{
    const s_list_t *list = zanni_state (self);
    return zanni_reply (self, msg, list->count);
}

/* Positions outside are none; so a slice may be empty, but never wrong. */
static size_t
s_clip (const s_list_t *list, int64_t index)
{
    int64_t count = (int64_t) list->count;
    int64_t place = index < 0 ? index + count : index;
    return place < 0 ? 0 : place > count ? list->count : (size_t) place;
}

static int
s_slice (zanni_t *self, zanni_msg_t *msg)
{
    const s_list_t *list = zanni_state (self);
    int64_t from, to;
    int rc = zanni_read (msg, &from, &to);
    if (rc)
        return rc;
    size_t first = s_clip (list, from), end = s_clip (list, to);
    if (end <= first)
        return zanni__many_reply (self, msg, NULL, 0, 1);
    return zanni__many_reply (self, msg, list->values + first, end - first, 1);
}

static int
s_clear (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    s_empty (zanni_state (self));
    return 0;
}

static int
s_reverse (zanni_t *self, zanni_msg_t *msg)
{
    s_list_t *list = zanni_state (self);
    (void) msg;
    for (size_t i = 0; i < list->count / 2; i++) {
        zanni__kept_t *kept = list->values [i];
        list->values [i] = list->values [list->count - 1 - i];
        list->values [list->count - 1 - i] = kept;
    }
    return 0;
}

static zanni__value_t
s_value (const zanni__kept_t *kept)
{
    zanni__value_t value = { .form = ZANNI__NIL };
    zanni__reader_t reader = zanni__reader (kept->bytes, kept->size);
    (void) zanni__reader_next (&reader, &value);
    return value;
}

static bool
s_is_text (const zanni__value_t *value)
{
    return value->form == ZANNI__STR || value->form == ZANNI__BIN;
}

static bool
s_is_number (const zanni__value_t *value)
{
    return value->form == ZANNI__UINT || value->form == ZANNI__INT || value->form == ZANNI__FLOAT;
}

static long double
s_number (const zanni__value_t *value)
{
    if (value->form == ZANNI__FLOAT)
        return value->value.d;
    return value->form == ZANNI__INT ? (long double) value->value.i : (long double) value->value.u;
}

static int
s_compare_numbers (const zanni__value_t *one, const zanni__value_t *other)
{
    if (one->form == other->form && one->form == ZANNI__UINT)
        return (one->value.u > other->value.u) - (one->value.u < other->value.u);
    if (one->form == other->form && one->form == ZANNI__INT)
        return (one->value.i > other->value.i) - (one->value.i < other->value.i);
    long double a = s_number (one), b = s_number (other);
    if (isnan (a) || isnan (b))
        return !!isnan (a) - !!isnan (b);   // behind all others, or there would be no order
    return (a > b) - (a < b);
}

static int
s_compare (const void *one, const void *other)
{
    const zanni__value_t a = s_value (*(zanni__kept_t *const *) one), b = s_value (*(zanni__kept_t *const *) other);
    if (s_is_number (&a))
        return s_compare_numbers (&a, &b);
    int order = memcmp (a.value.data, b.value.data, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int
s_sort (zanni_t *self, zanni_msg_t *msg)
{
    s_list_t *list = zanni_state (self);
    size_t numbers = 0, texts = 0;
    for (size_t i = 0; i < list->count; i++) {
        const zanni__value_t value = s_value (list->values [i]);
        numbers += s_is_number (&value);
        texts += s_is_text (&value);
    }
    if (numbers != list->count && texts != list->count)
        return zanni__refuse (msg, ZANNI_EARGS, "sort: of %zu values %zu are numbers and %zu strings or bytes: one"
                              " of these they have to be all", list->count, numbers, texts);
    if (list->count)
        qsort (list->values, list->count, sizeof *list->values, s_compare);
    return 0;
}

static int
s_open (zanni_t *self, zanni_msg_t *msg)
{
    const s_list_t *list = zanni_state (self);
    zanni__kept_t **all = zanni__malloc ((list->count + 1) * sizeof *all);
    for (size_t i = 0; all && i < list->count; i++)
        all [i] = zanni__kept_share (list->values [i]);
    return all ? zanni__cursor_open (self, msg, all, list->count, 1) : ZANNI_ENOMEM;
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("append", "v", "", s_append, "At the end."),
    ZANNI_METHOD ("extend", "av", "", s_extend, "Many at the end: all or none."),
    ZANNI_METHOD ("insert", "xv", "", s_insert, "Before the one at a position; -1 is behind the last."),
    ZANNI_METHOD ("get", "x", "v", s_get, "The one at a position."),
    ZANNI_METHOD ("set", "xv", "", s_set, "Another one there."),
    ZANNI_METHOD ("pop", "x", "v", s_pop, "Takes the one at a position out."),
    ZANNI_METHOD ("delete", "x", "", s_delete, "The same without answering it."),
    ZANNI_METHOD ("remove", "v", "", s_remove, "The first that is equal."),
    ZANNI_METHOD ("index", "v", "x", s_index, "Where the first one is that is equal."),
    ZANNI_METHOD ("count", "v", "x", s_count, "How many are equal."),
    ZANNI_METHOD ("size", "", "x", s_size, "How many there are."),
    ZANNI_METHOD ("slice", "xx", "av", s_slice, "Those from a position to before another."),
    ZANNI_METHOD ("clear", "", "", s_clear, "Nothing is left."),
    ZANNI_METHOD ("reverse", "", "", s_reverse, "The last becomes the first."),
    ZANNI_METHOD ("sort", "", "", s_sort, "Numbers, or strings and bytes."),
    ZANNI_METHOD ("open", "", "t", s_open, "A cursor over what there is now, for who asks."),
    ZANNI_METHOD ("next", "tx", "av", zanni__cursor_next, "At most so many more of a cursor; none: that was all."),
    ZANNI_METHOD ("close", "t", "", zanni__cursor_close, "A cursor is not needed any more."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__list_class = {
    .name = "zanni.list", .state_size = sizeof (s_list_t), .methods = s_methods, .start_in = "", .start = s_start,
    .stop = s_stop, .down = zanni__waiting_down, .text = "Values in a row."
};
