/* Registered types of the process: checked, compiled, found by their definition.

   The table is that of classes (actor/class.c) once more: buckets that only grow at their head, a mutex for writers,
   nothing for readers. It is keyed by the address of the definition, since that is what a send or read has at hand; an
   address that is new is looked up by name under the lock. So a type needs no registration before its first use, which
   a process actor would have no place for: its main never comes back from zanni_init.

   A field table is compiled to steps: members of one kind that follow each other without a gap become one step with a
   count, so that packing a struct of twelve numbers is a loop over few steps, and where each member lies, how wide it is
   and how much it takes at most is not worked out again. Two definitions of one name are the same type if everything in
   them is equal; the second one then shares what was compiled for the first. */

#include "type.h"

#include "../base/assert.h"
#include "../base/memory.h"
#include "../wire/text.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#define S_BUCKETS 256                     // a power of two
#define S_SLACK 8                         // of a step: a head, or what a number is written too far
#define S_SIZE_MAX ((size_t) 1 << 24)     // of a struct

typedef struct s_entry {
    const zanni_type_t *definition;
    const zanni__type_t *made;
    struct s_entry *next;
} s_entry_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;   // guards both
static _Atomic (s_entry_t *) s_entries [S_BUCKETS];          // by address, read without it
static zanni__type_t *s_types;                               // all, for their names

static const struct {
    uint8_t width;   // 0: of the whole member
    uint8_t most;
} s_kinds [ZANNI_KIND_NESTED + 1] = {
    [ZANNI_KIND_BOOL] = { sizeof (bool), 1 },            [ZANNI_KIND_INT8] = { 1, 2 },
    [ZANNI_KIND_INT16] = { 2, 3 },                       [ZANNI_KIND_INT32] = { 4, 5 },
    [ZANNI_KIND_INT64] = { 8, 9 },                       [ZANNI_KIND_UINT8] = { 1, 2 },
    [ZANNI_KIND_UINT16] = { 2, 3 },                      [ZANNI_KIND_UINT32] = { 4, 5 },
    [ZANNI_KIND_UINT64] = { 8, 9 },                      [ZANNI_KIND_FLOAT] = { sizeof (float), 5 },
    [ZANNI_KIND_DOUBLE] = { sizeof (double), 9 },        [ZANNI_KIND_TEXT] = { 1, 1 },
    [ZANNI_KIND_RAW] = { 1, 1 },                         [ZANNI_KIND_STRING] = { sizeof (char *), 0 },
    [ZANNI_KIND_BYTES] = { sizeof (zanni_bytes_t), 0 },  [ZANNI_KIND_BUFFER] = { sizeof (void *), 0 },
    [ZANNI_KIND_NESTED] = { 0, 0 },
};

/* Says what is wrong with a definition. */
__attribute__ ((format (printf, 3, 4))) static int
s_fault (zanni_error_t *error, const zanni_type_t *definition, const char *format, ...)
{
    va_list values;
    if (!error)
        return ZANNI_ECLASS;
    bool named = definition && definition->name && zanni__text_valid (definition->name, strlen (definition->name));
    int used = snprintf (error->text, sizeof error->text, "type \"%.63s\"", named ? definition->name : "?");
    va_start (values, format);
    vsnprintf (error->text + used, sizeof error->text - (size_t) used, format, values);
    va_end (values);
    return error->code = ZANNI_ECLASS;
}

static bool
s_is_number (uint32_t kind)
{
    return kind >= ZANNI_KIND_BOOL && kind <= ZANNI_KIND_DOUBLE;
}

static bool
s_fits_kind (const zanni_field_t *field)
{
    uint32_t kind = field->kind & ~(uint32_t) ZANNI_KIND_ARRAY;
    bool array = field->kind & ZANNI_KIND_ARRAY;
    if (!kind || kind > ZANNI_KIND_NESTED || !field->size || (array && !s_is_number (kind)))
        return false;
    uint32_t width = s_kinds [kind].width;
    if (kind == ZANNI_KIND_TEXT || kind == ZANNI_KIND_RAW || array)
        return field->size % width == 0;
    return kind == ZANNI_KIND_NESTED ? field->type != NULL : field->size == width;
}

/* On all that zanni runs on, a number is aligned to its size, a pointer to that of one. */
static uint32_t
s_alignment (const zanni_field_t *field)
{
    uint32_t width = s_kinds [field->kind & ~(uint32_t) ZANNI_KIND_ARRAY].width;
    return width > sizeof (void *) ? (uint32_t) sizeof (void *) : width ? width : 1;
}

static size_t
s_count_fields (const zanni_type_t *definition)
{
    size_t count = 0;
    while (count <= ZANNI_TYPE_FIELDS && definition->fields [count].name)
        count++;
    return count;
}

static int
s_check_fields (const zanni_type_t *definition, zanni_error_t *error)
{
    size_t count = s_count_fields (definition);
    if (count > ZANNI_TYPE_FIELDS)
        return s_fault (error, definition, " has over %d fields, or its table lacks ZANNI_FIELD_END", ZANNI_TYPE_FIELDS);
    for (size_t i = 0; i < count; i++) {
        const zanni_field_t *field = &definition->fields [i];
        if (!s_fits_kind (field))
            return s_fault (error, definition, ", field %zu (%.63s): kind %u and %u bytes do not go together: use "
                            "ZANNI_FIELD", i + 1, field->name, (unsigned) field->kind, (unsigned) field->size);
        if (field->offset % s_alignment (field))
            return s_fault (error, definition, ", field %zu (%.63s): at byte %u it is not aligned: packed structs need "
                            "hooks", i + 1, field->name, (unsigned) field->offset);
        if (field->offset > definition->size || field->size > definition->size - field->offset)
            return s_fault (error, definition, ", field %zu (%.63s): bytes %u to %zu are not inside the struct, which "
                            "has %zu", i + 1, field->name, (unsigned) field->offset,
                            (size_t) field->offset + field->size, definition->size);
    }
    return 0;
}

static int
s_check (const zanni_type_t *definition, zanni_error_t *error)
{
    if (!definition || !definition->name || !*definition->name)
        return s_fault (error, definition, " has no name");
    size_t size = strlen (definition->name);
    if (size > ZANNI__TYPE_NAME || !zanni__text_valid (definition->name, size))
        return s_fault (error, definition, " has a name of %zu bytes: it has to be UTF-8 of at most %d", size,
                        ZANNI__TYPE_NAME);
    if (!definition->size || definition->size > S_SIZE_MAX)
        return s_fault (error, definition, ": its struct has %zu bytes, 1 to %zu are possible", definition->size,
                        S_SIZE_MAX);
    bool hooks = definition->pack && definition->unpack;
    if (definition->fields ? definition->pack || definition->unpack || definition->drop : !hooks)
        return s_fault (error, definition, ": it needs either a table of fields, or both pack and unpack");
    return definition->fields ? s_check_fields (definition, error) : 0;
}

static bool
s_same_fields (const zanni_field_t *one, const zanni_field_t *other)
{
    if (one == other)
        return true;
    if (!one || !other)
        return false;
    for (; one->name && other->name; one++, other++)
        if (strcmp (one->name, other->name) != 0 || one->kind != other->kind || one->offset != other->offset
            || one->size != other->size || (one->type && strcmp (one->type->name, other->type->name) != 0))
            return false;
    return !one->name && !other->name;
}

static bool
s_same_defaults (const zanni_type_t *one, const zanni_type_t *other)
{
    if (one->defaults == other->defaults)
        return true;
    return one->defaults && other->defaults && memcmp (one->defaults, other->defaults, one->size) == 0;
}

static bool
s_same (const zanni_type_t *one, const zanni_type_t *other)
{
    return one->version == other->version && one->size == other->size && one->pack == other->pack
        && one->unpack == other->unpack && one->drop == other->drop && s_same_fields (one->fields, other->fields)
        && s_same_defaults (one, other);
}

/* Whether a member goes on where the last step ends. */
static bool
s_continues (const zanni__step_t *step, const zanni_field_t *field)
{
    return step->kind == field->kind && !step->array && s_is_number (step->kind)
        && step->offset + step->count * step->width == field->offset;
}

static void
s_add_step (zanni__type_t *type, const zanni_field_t *field, uint32_t number, const zanni__type_t *nested)
{
    zanni__step_t *last = type->steps_count ? &type->steps [type->steps_count - 1] : NULL;
    uint32_t kind = field->kind & ~(uint32_t) ZANNI_KIND_ARRAY;
    bool array = field->kind & ZANNI_KIND_ARRAY;
    if (last && s_continues (last, field)) {
        last->count++;
        last->size += field->size;
        last->most += s_kinds [kind].most;
        return;
    }
    bool bytes = kind == ZANNI_KIND_TEXT || kind == ZANNI_KIND_RAW;
    uint32_t count = array ? field->size / s_kinds [kind].width : bytes ? field->size : 1;
    type->steps [type->steps_count++] = (zanni__step_t) {
        .kind = (uint8_t) kind, .array = array, .width = s_kinds [kind].width, .offset = field->offset, .count = count,
        .size = field->size, .most = count * s_kinds [kind].most + S_SLACK, .field = number, .nested = nested
    };
    type->buffers += kind == ZANNI_KIND_BUFFER;
    type->pointers += kind == ZANNI_KIND_STRING || kind == ZANNI_KIND_BYTES;
    if (!nested)
        return;
    type->buffers += nested->buffers;
    type->pointers += nested->pointers;
    type->depth = type->depth > nested->depth ? type->depth : nested->depth + 1;
}

static int s_register (const zanni__type_t **type_p, const zanni_type_t *definition, zanni_error_t *error,
                       uint32_t depth);

static int
s_compile (zanni__type_t *type, zanni_error_t *error, uint32_t depth)
{
    const zanni_type_t *definition = type->definition;
    int rc = 0;
    type->depth = 1;
    for (uint32_t i = 0; !rc && i < type->fields; i++) {
        const zanni_field_t *field = &definition->fields [i];
        const zanni__type_t *nested = NULL;
        if (field->kind == ZANNI_KIND_NESTED)
            rc = s_register (&nested, field->type, error, depth + 1);
        if (!rc && nested && (nested->definition->pack || nested->definition->size != field->size))
            rc = s_fault (error, definition, ", field %u (%.63s): type \"%s\" cannot be nested here: it needs a table of "
                          "fields, and to be as large as the member", (unsigned) i + 1, field->name,
                          nested->definition->name);
        if (!rc)
            s_add_step (type, field, i + 1, nested);
    }
    return rc;
}

static void
s_write_prefix (zanni__type_t *type)
{
    const zanni_type_t *definition = type->definition;
    uint8_t *at = type->prefix;
    size_t size = strlen (definition->name);
    msgpack_packer packer = { &at, zanni__pack_append };
    (void) msgpack_pack_str (&packer, size);
    (void) zanni__pack_append (&at, definition->name, size);
    type->prefix_size = (uint32_t) (zanni__pack_int (at, definition->version) - type->prefix);
}

static int
s_make (zanni__type_t **type_p, const zanni_type_t *definition, zanni_error_t *error, uint32_t depth)
{
    size_t fields = definition->fields ? s_count_fields (definition) : 0;
    zanni__type_t *type = zanni__calloc (sizeof *type + fields * sizeof *type->steps);
    if (!type)
        return ZANNI_ENOMEM;
    type->definition = definition;
    type->fields = (uint32_t) fields;
    int rc = s_compile (type, error, depth);
    type->slots = rc ? NULL : zanni__slots_new (definition->size);
    if (!rc && !type->slots)
        rc = ZANNI_ENOMEM;
    if (rc) {
        zanni__free (type);
        return rc;
    }
    s_write_prefix (type);
    *type_p = type;
    return 0;
}

static _Atomic (s_entry_t *) *
s_bucket (const zanni_type_t *definition)
{
    uintptr_t address = (uintptr_t) definition;
    return &s_entries [(address >> 4 ^ address >> 12) & (S_BUCKETS - 1)];
}

static const zanni__type_t *
s_find (const zanni_type_t *definition)
{
    /* Acquire: pairs with the release in s_show, so that the entry and its type are there. */
    const s_entry_t *entry = atomic_load_explicit (s_bucket (definition), memory_order_acquire);
    while (entry && entry->definition != definition)
        entry = entry->next;
    return entry ? entry->made : NULL;
}

static zanni__type_t *
s_find_name (const char *name)
{
    zanni__type_t *type = s_types;
    while (type && strcmp (type->definition->name, name) != 0)
        type = type->next;
    return type;
}

static void
s_show (s_entry_t *entry)
{
    _Atomic (s_entry_t *) *bucket = s_bucket (entry->definition);
    entry->next = atomic_load_explicit (bucket, memory_order_relaxed);
    atomic_store_explicit (bucket, entry, memory_order_release);   // pairs with the load in s_find
}

/* With the lock. A type that is nested in itself goes too deep. */
static int
s_register (const zanni__type_t **type_p, const zanni_type_t *definition, zanni_error_t *error, uint32_t depth)
{
    *type_p = definition ? s_find (definition) : NULL;
    if (*type_p)
        return 0;
    int rc = s_check (definition, error);
    if (rc)
        return rc;
    if (depth > ZANNI__TYPE_DEPTH)
        return s_fault (error, definition, ": over %d types are nested in each other", ZANNI__TYPE_DEPTH);
    zanni__type_t *type = s_find_name (definition->name);
    bool known = type != NULL;
    if (known && !s_same (type->definition, definition))
        return s_fault (error, definition, ": this name is taken by another definition: choose another");
    s_entry_t *entry = zanni__malloc (sizeof *entry);
    if (!entry)
        return ZANNI_ENOMEM;
    rc = known ? 0 : s_make (&type, definition, error, depth);
    if (rc) {
        zanni__free (entry);
        return rc;
    }
    if (!known) {
        type->next = s_types;
        s_types = type;
    }
    *entry = (s_entry_t) { .definition = definition, .made = type };
    s_show (entry);
    *type_p = type;
    return 0;
}

int
zanni_type_register (const zanni_type_t *definition, zanni_error_t *error)
{
    const zanni__type_t *type;
    pthread_mutex_lock (&s_lock);
    int rc = s_register (&type, definition, error, 1);
    pthread_mutex_unlock (&s_lock);
    if (rc == ZANNI_ENOMEM && error) {
        error->code = rc;
        snprintf (error->text, sizeof error->text, "%s", zanni_strerror (rc));
    }
    return rc;
}

int
zanni__type_find (const zanni__type_t **type_p, const zanni_type_t *definition)
{
    const zanni__type_t *type = s_find (definition);
    int rc = 0;
    if (!type) {
        pthread_mutex_lock (&s_lock);
        rc = s_register (&type, definition, NULL, 1);
        pthread_mutex_unlock (&s_lock);
    }
    if (!rc)
        *type_p = type;
    return rc;
}
