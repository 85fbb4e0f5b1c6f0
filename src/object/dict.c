/* zanni.dict and zanni.namespace: values by key, in the order in which their keys came; keys of the second are names.

   Keys are compared by what they are, not by how they were packed: an integer is the same in each of its msgpack
   forms. They may come from strangers, so their hash is keyed: nobody can choose keys that lie in one bucket. */

#include "classes.h"
#include "cursor.h"

#include "../actor/node.h"
#include "../actor/worker.h"
#include "../base/memory.h"
#include "../wire/reader.h"
#include "../wire/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

typedef struct {
    uint8_t form;       // zanni__form_t
    const void *data;
    size_t size;
    uint64_t number;    // what `data` points to, where it is one
    uint64_t hash;
} s_key_t;

typedef struct {
    zanni__entry_t entry;
    zanni__link_t order;
    s_key_t key;
    zanni__kept_t *kept [2];   // the key, which owns key.data, and the value
} s_entry_t;

typedef struct {
    zanni__cursors_t cursors;
    zanni__table_t table;
    zanni__link_t order;
    uint8_t secret [crypto_shorthash_KEYBYTES];
} s_dict_t;

static bool
s_key_of (const s_dict_t *dict, s_key_t *key, const zanni__kept_t *kept)
{
    zanni__value_t value;
    zanni__reader_t reader = zanni__reader (kept->bytes, kept->size);
    if (!zanni__reader_next (&reader, &value))
        return false;
    *key = (s_key_t) { .form = value.form, .data = value.value.data, .size = value.size };
    bool number = value.form == ZANNI__UINT || value.form == ZANNI__INT || value.form == ZANNI__BOOL;
    if (number) {
        key->number = value.value.u;
        key->size = sizeof key->number;
        key->data = &key->number;
    }
    if (!number && value.form != ZANNI__STR && value.form != ZANNI__BIN)
        return false;
    uint8_t hash [crypto_shorthash_BYTES];
    (void) crypto_shorthash (hash, key->data, key->size, dict->secret);   // cannot fail
    memcpy (&key->hash, hash, sizeof key->hash);
    key->hash ^= key->form;
    return true;
}

/* A key as people read it; answers `text`. */
static const char *
s_key_text (const s_key_t *key, char *text, size_t size)
{
    if (key->form == ZANNI__STR) {
        snprintf (text, size - 1, "\"%.*s", (int) (key->size < 120 ? key->size : 120), (const char *) key->data);
        zanni__text_mend (text);   // it may have been cut inside of a character
        strcat (text, "\"");
    }
    else if (key->form == ZANNI__INT)
        snprintf (text, size, "%" PRId64, (int64_t) key->number);
    else if (key->form == ZANNI__UINT)
        snprintf (text, size, "%" PRIu64, key->number);
    else if (key->form == ZANNI__BOOL)
        snprintf (text, size, "%s", key->number ? "true" : "false");
    else
        snprintf (text, size, "%zu bytes", key->size);
    return text;
}

/* The next argument as a key; `kept` is the caller's to drop. `key` may point to itself, so it is not moved. */
static int
s_read_key (zanni_t *self, zanni_msg_t *msg, s_key_t *key, zanni__kept_t **kept_p)
{
    zanni__kept_t *kept;
    int rc = zanni__kept_read (self, &kept, msg);
    if (rc)
        return rc;
    if (s_key_of (zanni_state (self), key, kept)) {
        *kept_p = kept;
        return 0;
    }
    zanni__kept_drop (kept);
    return zanni__refuse (msg, ZANNI_EARGS, "%s: a key is a string, an integer, a bool or bytes",
                          zanni_msg_method (msg));
}

static s_entry_t *
s_find (const s_dict_t *dict, const s_key_t *key)
{
    zanni__entry_t *at = zanni__table_find (&dict->table, key->hash);
    for (; at; at = zanni__table_again (at->next, key->hash)) {
        s_entry_t *entry = ZANNI__CONTAINER (at, s_entry_t, entry);
        if (entry->key.form == key->form && entry->key.size == key->size
            && memcmp (entry->key.data, key->data, key->size) == 0)
            return entry;
    }
    return NULL;
}

/* The entry of the key that is the next argument, or NULL; whether there was an argument is `rc`. */
static s_entry_t *
s_look_up (zanni_t *self, zanni_msg_t *msg, int *rc)
{
    s_key_t key;
    zanni__kept_t *kept;
    *rc = s_read_key (self, msg, &key, &kept);
    if (*rc)
        return NULL;
    s_entry_t *entry = s_find (zanni_state (self), &key);
    zanni__kept_drop (kept);
    return entry;
}

/* The same where it has to be there. */
static int
s_need (zanni_t *self, zanni_msg_t *msg, s_entry_t **entry_p)
{
    char text [160];
    s_key_t key;
    zanni__kept_t *kept;
    int rc = s_read_key (self, msg, &key, &kept);
    if (rc)
        return rc;
    *entry_p = s_find (zanni_state (self), &key);
    if (!*entry_p)
        rc = zanni__refuse (msg, ZANNI_ENOKEY, "%s: there is no %s", zanni_msg_method (msg),
                            s_key_text (&key, text, sizeof text));
    zanni__kept_drop (kept);
    return rc;
}

static void
s_remove (s_dict_t *dict, s_entry_t *entry)
{
    zanni__table_remove (&dict->table, &entry->entry);
    zanni__link_remove (&entry->order);
    zanni__kept_drop (entry->kept [0]);
    zanni__kept_drop (entry->kept [1]);
    zanni__free (entry);
}

/* Takes both over where it succeeds: a new entry, or another value of the one that is there. */
static int
s_put (s_dict_t *dict, zanni__kept_t *kept, zanni__kept_t *value)
{
    s_key_t key;
    (void) s_key_of (dict, &key, kept);
    s_entry_t *entry = s_find (dict, &key);
    if (entry) {
        zanni__kept_drop (kept);
        zanni__kept_drop (entry->kept [1]);
        entry->kept [1] = value;
        return 0;
    }
    entry = zanni__calloc (sizeof *entry);
    if (!entry || !zanni__table_put (&dict->table, &entry->entry, key.hash)) {
        zanni__free (entry);
        return ZANNI_ENOMEM;
    }
    (void) s_key_of (dict, &entry->key, kept);
    entry->kept [0] = kept;
    entry->kept [1] = value;
    zanni__list_append (&dict->order, &entry->order);
    return 0;
}

/* The next two arguments. */
static int
s_read_pair (zanni_t *self, zanni_msg_t *msg, zanni__kept_t *pair [2])
{
    s_key_t key;
    int rc = s_read_key (self, msg, &key, &pair [0]);
    if (!rc)
        rc = zanni__kept_read (self, &pair [1], msg);
    return rc;
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_dict_t *dict = zanni_state (self);
    const zanni_clock_t *clock = &self->worker->node->clock;
    (void) msg;
    zanni__cursors_begin (&dict->cursors, self);
    zanni__link_init (&dict->order);
    return clock->random (clock->context, dict->secret, sizeof dict->secret);
}

static void
s_empty (s_dict_t *dict)
{
    while (!zanni__list_empty (&dict->order))
        s_remove (dict, ZANNI__CONTAINER (dict->order.next, s_entry_t, order));
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_dict_t *dict = zanni_state (self);
    (void) reason;
    zanni__cursors_end (&dict->cursors);
    s_empty (dict);
    zanni__table_free (&dict->table);
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    s_entry_t *entry;
    int rc = s_need (self, msg, &entry);
    return rc ? rc : zanni_reply (self, msg, entry->kept [1]->arg);
}

/* Answers with the value of a new entry, which is there only if that can be. */
static int
s_reply_put (zanni_t *self, zanni_msg_t *msg, s_entry_t *entry)
{
    int rc = zanni_reply (self, msg, entry->kept [1]->arg);
    if (rc)
        s_remove (zanni_state (self), entry);
    return rc;
}

/* The value of a key, or the one that was sent along: which stays, or the entry goes. */
static int
s_get_or (zanni_t *self, zanni_msg_t *msg, bool keep, bool pop)
{
    s_dict_t *dict = zanni_state (self);
    s_key_t key;
    zanni__kept_t *pair [2] = { NULL, NULL };
    int rc = s_read_pair (self, msg, pair);
    (void) (!rc && s_key_of (dict, &key, pair [0]));
    s_entry_t *entry = rc ? NULL : s_find (dict, &key);
    if (!rc && !entry && keep) {
        rc = s_put (dict, pair [0], pair [1]);
        if (!rc)
            return s_reply_put (self, msg, s_find (dict, &key));
    }
    if (!rc)
        rc = zanni_reply (self, msg, entry ? entry->kept [1]->arg : pair [1]->arg);
    if (!rc && entry && pop)
        s_remove (dict, entry);
    zanni__kept_drop (pair [0]);
    zanni__kept_drop (pair [1]);
    return rc;
}

static int
s_get_else (zanni_t *self, zanni_msg_t *msg)
{
    return s_get_or (self, msg, false, false);
}

static int
s_set_default (zanni_t *self, zanni_msg_t *msg)
{
    return s_get_or (self, msg, true, false);
}

static int
s_pop_else (zanni_t *self, zanni_msg_t *msg)
{
    return s_get_or (self, msg, false, true);
}

static int
s_pop (zanni_t *self, zanni_msg_t *msg)
{
    s_entry_t *entry;
    int rc = s_need (self, msg, &entry);
    if (!rc)
        rc = zanni_reply (self, msg, entry->kept [1]->arg);
    if (!rc)
        s_remove (zanni_state (self), entry);
    return rc;
}

static int
s_set (zanni_t *self, zanni_msg_t *msg)
{
    zanni__kept_t *pair [2] = { NULL, NULL };
    int rc = s_read_pair (self, msg, pair);
    if (!rc)
        rc = s_put (zanni_state (self), pair [0], pair [1]);
    if (!rc)
        return zanni_reply (self, msg);
    zanni__kept_drop (pair [0]);
    zanni__kept_drop (pair [1]);
    return rc;
}

static int
s_has (zanni_t *self, zanni_msg_t *msg)
{
    int rc;
    s_entry_t *entry = s_look_up (self, msg, &rc);
    return rc ? rc : zanni_reply (self, msg, entry != NULL);
}

static int
s_delete (zanni_t *self, zanni_msg_t *msg)
{
    s_entry_t *entry;
    int rc = s_need (self, msg, &entry);
    if (rc)
        return rc;
    s_remove (zanni_state (self), entry);
    return 0;
}

/* All pairs are read before the first goes in, so that a fault leaves all as it was. */
static int
s_update (zanni_t *self, zanni_msg_t *msg)
{
    size_t count, done = 0, put = 0;
    int rc = zanni_enter (msg, &count);
    zanni__kept_t *(*pairs) [2] = rc ? NULL : zanni__calloc (count * sizeof *pairs + 1);
    if (!pairs)
        return rc ? rc : ZANNI_ENOMEM;
    for (size_t two; !rc && done < count; done++) {
        rc = zanni_enter (msg, &two);
        if (!rc)
            rc = s_read_pair (self, msg, pairs [done]);
        if (!rc)
            rc = zanni_leave (msg);
    }
    while (!rc && put < count && !(rc = s_put (zanni_state (self), pairs [put] [0], pairs [put] [1])))
        put++;
    for (; put < done; put++) {
        zanni__kept_drop (pairs [put] [0]);
        zanni__kept_drop (pairs [put] [1]);
    }
    zanni__free (pairs);
    return rc ? rc : zanni_reply (self, msg);
}

static int
s_size (zanni_t *self, zanni_msg_t *msg)
{
    const s_dict_t *dict = zanni_state (self);
    return zanni_reply (self, msg, dict->table.count);
}

static int
s_clear (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    s_empty (zanni_state (self));
    return 0;
}

/* Keys from `first` 0, values from 1, both where `per` is 2; NULL: no memory. */
static zanni__kept_t **
s_gather (const s_dict_t *dict, uint32_t first, uint32_t per)
{
    zanni__kept_t **all = zanni__malloc (((size_t) dict->table.count * per + 1) * sizeof *all);
    size_t count = 0;
    for (zanni__link_t *at = dict->order.next; all && at != &dict->order; at = at->next)
        for (uint32_t i = first; i < first + per; i++)
            all [count++] = ZANNI__CONTAINER (at, s_entry_t, order)->kept [i];
    return all;
}

static int
s_list (zanni_t *self, zanni_msg_t *msg, uint32_t first, uint32_t per)
{
    const s_dict_t *dict = zanni_state (self);
    zanni__kept_t **all = s_gather (dict, first, per);
    int rc = all ? zanni__many_reply (self, msg, all, (size_t) dict->table.count * per, per) : ZANNI_ENOMEM;
    zanni__free (all);
    return rc;
}

static int
s_keys (zanni_t *self, zanni_msg_t *msg)
{
    return s_list (self, msg, 0, 1);
}

static int
s_values (zanni_t *self, zanni_msg_t *msg)
{
    return s_list (self, msg, 1, 1);
}

static int
s_items (zanni_t *self, zanni_msg_t *msg)
{
    return s_list (self, msg, 0, 2);
}

static int
s_open (zanni_t *self, zanni_msg_t *msg)
{
    const s_dict_t *dict = zanni_state (self);
    zanni__kept_t **all = s_gather (dict, 0, 2);
    size_t count = (size_t) dict->table.count * 2;
    for (size_t i = 0; all && i < count; i++)
        zanni__kept_share (all [i]);
    return all ? zanni__cursor_open (self, msg, all, count, 2) : ZANNI_ENOMEM;
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("get", "v", "v", s_get, "The value of a key."),
    ZANNI_METHOD ("get_or", "vv", "v", s_get_else, "The value of a key, or where it is not there, the second one."),
    ZANNI_METHOD ("set", "vv", "", s_set, "Key and value."),
    ZANNI_METHOD ("set_default", "vv", "v", s_set_default, "As get_or, but then the second one is its value."),
    ZANNI_METHOD ("has", "v", "b", s_has, "Whether a key is there."),
    ZANNI_METHOD ("delete", "v", "", s_delete, "Key and value."),
    ZANNI_METHOD ("pop", "v", "v", s_pop, "Deletes a key; its value."),
    ZANNI_METHOD ("pop_or", "vv", "v", s_pop_else, "The same, or where it is not there, the second one."),
    ZANNI_METHOD ("update", "a(vv)", "", s_update, "Many keys and values: all or none."),
    ZANNI_METHOD ("size", "", "x", s_size, "How many keys there are."),
    ZANNI_METHOD ("keys", "", "av", s_keys, "All, in the order in which they came."),
    ZANNI_METHOD ("values", "", "av", s_values, "All, in the order of their keys."),
    ZANNI_METHOD ("items", "", "a(vv)", s_items, "Keys and values."),
    ZANNI_METHOD ("clear", "", "", s_clear, "Nothing is left."),
    ZANNI_METHOD ("open", "", "t", s_open, "A cursor over what there is now, for who asks."),
    ZANNI_METHOD ("next", "tx", "a(vv)", zanni__cursor_next, "At most so many more of a cursor; none: that was all."),
    ZANNI_METHOD ("close", "t", "", zanni__cursor_close, "A cursor is not needed any more."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__dict_class = {
    .name = "zanni.dict", .state_size = sizeof (s_dict_t), .methods = s_methods, .start_in = "", .start = s_start,
    .stop = s_stop, .down = zanni__waiting_down, .text = "Values by key."
};

static const zanni_method_t s_namespace_methods [] = {
    ZANNI_METHOD ("get", "s", "v", s_get, "The value of a name."),
    ZANNI_METHOD ("set", "sv", "", s_set, "Name and value."),
    ZANNI_METHOD ("has", "s", "b", s_has, "Whether a name is there."),
    ZANNI_METHOD ("delete", "s", "", s_delete, "Name and value."),
    ZANNI_METHOD ("names", "", "as", s_keys, "All, in the order in which they came."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__namespace_class = {
    .name = "zanni.namespace", .state_size = sizeof (s_dict_t), .methods = s_namespace_methods, .start_in = "",
    .start = s_start, .stop = s_stop, .down = zanni__waiting_down, .text = "Values by name."
};
