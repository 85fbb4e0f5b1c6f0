/* types-bench: a record of twelve fields as most programs in C would keep and send it.

   types: the record as a map of field names, packed by msgpack-c and unpacked into its object tree, from which each
   field is found by its name and put into a struct again. The order of the map is tried first, so that finding costs
   one comparison a field. The packer's buffer is used again; so is the unpacked zone, which is cleared.

   types-create: a million records, each a hash of strings: created, filled with twelve pairs, of which key and value
   are copied, and released. The hash is GLib's GHashTable with g_free at both ends. Records per second; a batch holds a
   thousand records at once, and the batches follow each other in warm memory. */

#define _GNU_SOURCE

#include "../peer.h"

#include <glib.h>
#include <inttypes.h>
#include <msgpack.h>

#define S_FIELDS 12
#define S_BATCH 1000

/* Six integers, three floats, three strings. */
typedef struct {
    int64_t integers [6];
    double floats [3];
    char strings [3] [16];
} record_t;

static const char *const s_names [S_FIELDS] = { "identity", "created", "changed", "quantity", "priority", "flags",
                                                "price", "weight", "discount", "name", "owner", "place" };

static const record_t s_record = {
    .integers = { 1234567, 1700000000, 1700000999, 12, 3, 7 },
    .floats = { 9.99, 1.25, 0.5 },
    .strings = { "a small thing", "somebody", "shelf 12" }
};

static void
s_pack_text (msgpack_packer *packer, const char *text)
{
    size_t size = strlen (text);
    msgpack_pack_str (packer, size);
    msgpack_pack_str_body (packer, text, size);
}

static void
s_pack (msgpack_packer *packer, const record_t *record)
{
    msgpack_pack_map (packer, S_FIELDS);
    for (int i = 0; i < S_FIELDS; i++) {
        s_pack_text (packer, s_names [i]);
        if (i < 6)
            msgpack_pack_int64 (packer, record->integers [i]);
        else if (i < 9)
            msgpack_pack_double (packer, record->floats [i - 6]);
        else
            s_pack_text (packer, record->strings [i - 9]);
    }
}

/* The value of a field, which most often stands where it is looked for first. */
static const msgpack_object *
s_find (const msgpack_object_map *map, uint32_t first)
{
    const char *name = s_names [first];
    size_t size = strlen (name);
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *pair = &map->ptr [(first + i) % map->size];
        if (pair->key.type == MSGPACK_OBJECT_STR && pair->key.via.str.size == size
            && !memcmp (pair->key.via.str.ptr, name, size))
            return &pair->val;
    }
    peer_check (0, name);
    return NULL;
}

static void
s_unpack (record_t *record, const msgpack_object *object)
{
    peer_check (object->type == MSGPACK_OBJECT_MAP, "unpack");
    for (uint32_t i = 0; i < S_FIELDS; i++) {
        const msgpack_object *value = s_find (&object->via.map, i);
        if (i < 6)
            record->integers [i] = value->via.i64;
        else if (i < 9)
            record->floats [i - 6] = value->via.f64;
        else {
            peer_check (value->type == MSGPACK_OBJECT_STR && value->via.str.size < 16, "a string");
            memcpy (record->strings [i - 9], value->via.str.ptr, value->via.str.size);
            record->strings [i - 9] [value->via.str.size] = 0;
        }
    }
}

static void
s_types (int64_t count)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_zone zone;
    record_t record = s_record;
    msgpack_sbuffer_init (&buffer);
    msgpack_packer_init (&packer, &buffer, msgpack_sbuffer_write);
    peer_check (msgpack_zone_init (&zone, MSGPACK_ZONE_CHUNK_SIZE), "msgpack_zone_init");
    for (int64_t i = 0; i < count; i++) {
        msgpack_object object;
        size_t offset = 0;
        record.integers [0] = i;
        msgpack_sbuffer_clear (&buffer);
        s_pack (&packer, &record);
        peer_check (msgpack_unpack (buffer.data, buffer.size, &offset, &zone, &object) == MSGPACK_UNPACK_SUCCESS,
                    "msgpack_unpack");
        record = (record_t) { .integers = { -1 } };
        s_unpack (&record, &object);
        msgpack_zone_clear (&zone);
        peer_check (record.integers [0] == i && !strcmp (record.strings [2], "shelf 12"), "the record");
    }
    msgpack_zone_destroy (&zone);
    msgpack_sbuffer_destroy (&buffer);
}

static GHashTable *
s_create (const record_t *record)
{
    GHashTable *hash = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    for (int i = 0; i < S_FIELDS; i++) {
        char text [32];
        if (i < 6)
            snprintf (text, sizeof text, "%" PRId64, record->integers [i]);
        else if (i < 9)
            snprintf (text, sizeof text, "%g", record->floats [i - 6]);
        const char *value = i < 9 ? text : record->strings [i - 9];
        g_hash_table_insert (hash, g_strdup (s_names [i]), g_strdup (value));
    }
    return hash;
}

static void
s_types_create (int64_t count)
{
    static GHashTable *hashes [S_BATCH];
    for (int64_t left = count; left > 0; left -= S_BATCH) {
        int batch = left < S_BATCH ? (int) left : S_BATCH;
        for (int i = 0; i < batch; i++)
            hashes [i] = s_create (&s_record);
        for (int i = 0; i < batch; i++)
            g_hash_table_destroy (hashes [i]);
    }
}

int
main (int argc, char **argv)
{
    static const peer_case_t cases [] = { { "types", s_types, 10000 }, { "types-create", s_types_create, 1000 },
                                          { NULL, NULL, 0 } };
    return peer_main (argc, argv, cases);
}
