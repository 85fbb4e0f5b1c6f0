/* type.h: structs of the program's own as arguments (`o`).

   A registered type is a struct with a name, a version, and a description of what of it travels: a table of fields,
   or a pair of hooks. It is constant data that has to stay; registered when it is first used, or before by
   zanni_type_register, for the whole process and for good.

   Versions: a field table only ever grows at its end. A newer program reads what an older one sent, with the defaults
   for what was not there yet; an older one passes over what it does not know. Hooks get the version that was sent.

   Everything here may be called from any thread; an instance belongs to one at a time. None of it blocks, but for a
   moment where a lock guards a pool.

       typedef struct { char name [32]; double x, y; } point_t;
       static const zanni_field_t point_fields [] = {
           ZANNI_FIELD (point_t, name), ZANNI_FIELD (point_t, x), ZANNI_FIELD (point_t, y), ZANNI_FIELD_END
       };
       static const zanni_type_t point = { .name = "point", .size = sizeof (point_t), .fields = point_fields };

       zanni_tell (self, ref, "draw", ZANNI_OBJECT (&point, &(point_t) { "here", 1.0, 2.0 }));    // signature "o"
       const point_t *where;
       zanni_read (msg, ZANNI_INTO (&point, &where));                                             // lives as its msg

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_TYPE_H
#define ZANNI_TYPE_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ZANNI_TYPE_FIELDS 255      // of a type
#define ZANNI_TYPE_BUFFERS 8       // that one run of a pack hook may append

typedef enum {
    ZANNI_KIND_BOOL = 1, ZANNI_KIND_INT8, ZANNI_KIND_INT16, ZANNI_KIND_INT32, ZANNI_KIND_INT64, ZANNI_KIND_UINT8,
    ZANNI_KIND_UINT16, ZANNI_KIND_UINT32, ZANNI_KIND_UINT64, ZANNI_KIND_FLOAT, ZANNI_KIND_DOUBLE,
    ZANNI_KIND_TEXT,      // char [n]: UTF-8 up to its NUL, which has to be there
    ZANNI_KIND_RAW,       // unsigned char [n]: n bytes
    ZANNI_KIND_STRING,    // const char *, or NULL
    ZANNI_KIND_BYTES,     // zanni_bytes_t
    ZANNI_KIND_BUFFER,    // zanni_buffer_t *, or NULL: travels beside the message, without a copy
    ZANNI_KIND_NESTED,    // another type with a field table, by value
    ZANNI_KIND_ARRAY = 64 // added to one of the numbers: T [n]
} zanni_kind_t;

typedef struct {
    const char *name;            // for people: what did not fit; it does not travel
    uint32_t kind;               // zanni_kind_t
    uint32_t offset;
    uint32_t size;               // of the member, all elements of an array
    const zanni_type_t *type;    // NESTED
} zanni_field_t;

#define ZANNI_FIELD_END { NULL, 0, 0, 0, NULL }

/* A member that is a struct with a type of its own: ZANNI_FIELD_NESTED (line_t, from, &point). */
#define ZANNI_FIELD_NESTED(struct_t, member, type) \
    { #member, ZANNI_KIND_NESTED, offsetof (struct_t, member), sizeof (((struct_t *) NULL)->member), (type) }

/* Appends what of the instance travels, with zanni_list_append: anything but references, bound methods and other
   registered types, up to ZANNI_TYPE_BUFFERS buffers. A negative code: the send fails with it. */
typedef int zanni_type_pack_fn (const void *instance, zanni_list_t *values);

/* Fills an instance, which is zeroed or holds the defaults, from what a pack of `version` appended, with zanni_read;
   makes anew what did not travel. What it reads is valid during the call: copy strings, keep buffers. A negative code:
   the read fails, ZANNI_EARGS as one of bad arguments; then nothing may be left in the instance to give back. */
typedef int zanni_type_unpack_fn (void *instance, uint32_t version, zanni_msg_t *values);

struct zanni_type {
    const char *name;                  // 1 to 63 bytes; the same in every program that knows the type
    uint32_t version;
    size_t size;                       // of the struct; aligned to 16 at most
    const zanni_field_t *fields;       // ends with ZANNI_FIELD_END; or NULL, and
    zanni_type_pack_fn *pack;          // both of these
    zanni_type_unpack_fn *unpack;
    void (*drop) (void *instance);     // gives back what an instance of hooks holds, on whatever thread; may be NULL
    const void *defaults;              // an instance without buffers; NULL: zeros
    uint32_t wire_level_max;           // how its buffers may travel to other processes: as zanni_options_t says it; 0: the same
    uint32_t in_band_max;              // bytes of those that go in band; 0: as the node's options say
};

/* Registers a type, and those nested in it. Once more with the same layout is no fault. ZANNI_ECLASS: its definition is
   wrong, or another one has its name, as `error` (may be NULL) says; ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_type_register (const zanni_type_t *type, zanni_error_t *error) ZANNI_CHECKED;

/* Gives the pointer at `instance_p` an instance out of the type's pool, with its defaults or zeros. The buffers in its
   fields are its own; where its strings and bytes point to is the caller's. ZANNI_ECLASS, ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_type_new (void *instance_p, const zanni_type_t *type) ZANNI_CHECKED;

/* Makes an instance that was read the caller's own, so that it outlives the message: with fields, a copy that counts
   its buffers and holds its strings and bytes; with hooks, the instance itself. ZANNI_EINVAL: it is neither read nor the
   caller's; ZANNI_ENOMEM. From the thread that has the message. */
ZANNI_EXPORT int zanni_type_take (void *instance_p, const void *instance) ZANNI_CHECKED;

/* Puts an instance of zanni_type_new or zanni_type_take back and nulls the pointer at `instance_p`; forgives NULL. One
   that belongs to a message stays there. */
ZANNI_EXPORT void zanni_type_destroy (void *instance_p);

/* A registered type as it came, whether or not this program knows it: zanni_read (msg, &object), where object is a
   const zanni_object_t *. It lives as long as its message and can be passed on unchanged, buffers included. The fields are one msgpack array, whose indices of buffers and references belong to the message. */
ZANNI_EXPORT const char *zanni_object_name (const zanni_object_t *object);
ZANNI_EXPORT uint32_t zanni_object_version (const zanni_object_t *object);
ZANNI_EXPORT zanni_bytes_t zanni_object_fields (const zanni_object_t *object);

/* The same as an argument: zanni_reply (self, msg, zanni_object_arg (object)). */
static inline zanni_arg_t
zanni_object_arg (const zanni_object_t *object)
{
    zanni_arg_t arg = { ZANNI_ARG_OBJECT, 0, { 0 } };
    arg.value.p = object;
    return arg;
}

#ifdef __cplusplus
}

static inline zanni_arg_t
zanni_typed_arg (const zanni_typed_t &typed)
{
    return zanni_arg_typed (&typed);
}

/* One argument, one place; both live to the end of the statement. */
#define ZANNI_OBJECT(type, ...) zanni_typed_arg (zanni_typed_t { (type), (__VA_ARGS__) })
#define ZANNI_INTO(type, instance_p) (zanni_into_t { (type), (void *) (instance_p) })

#define ZANNI_FIELD(struct_t, member) \
    { #member, zanni_kind ((decltype (struct_t::member) *) nullptr), offsetof (struct_t, member), \
      sizeof (struct_t::member), nullptr }

extern "C++" {

#define ZANNI_KIND_IS(type, kind) constexpr uint32_t zanni_kind (type *) { return kind; }
#define ZANNI_KIND_MANY(type, kind) template <size_t n> constexpr uint32_t zanni_kind (type (*) [n]) { return kind; }
#define ZANNI_KIND_NUMBER(type, kind) ZANNI_KIND_IS (type, kind) ZANNI_KIND_MANY (type, kind | ZANNI_KIND_ARRAY)
ZANNI_KIND_NUMBER (bool, ZANNI_KIND_BOOL)
ZANNI_KIND_NUMBER (signed char, ZANNI_KIND_INT8)
ZANNI_KIND_NUMBER (short, ZANNI_KIND_INT16)
ZANNI_KIND_NUMBER (int, ZANNI_KIND_INT32)
ZANNI_KIND_NUMBER (long, ZANNI_KIND_INT64)
ZANNI_KIND_NUMBER (long long, ZANNI_KIND_INT64)
ZANNI_KIND_NUMBER (unsigned short, ZANNI_KIND_UINT16)
ZANNI_KIND_NUMBER (unsigned, ZANNI_KIND_UINT32)
ZANNI_KIND_NUMBER (unsigned long, ZANNI_KIND_UINT64)
ZANNI_KIND_NUMBER (unsigned long long, ZANNI_KIND_UINT64)
ZANNI_KIND_NUMBER (float, ZANNI_KIND_FLOAT)
ZANNI_KIND_NUMBER (double, ZANNI_KIND_DOUBLE)
ZANNI_KIND_IS (char, (char) -1 < 0 ? ZANNI_KIND_INT8 : ZANNI_KIND_UINT8)
ZANNI_KIND_IS (unsigned char, ZANNI_KIND_UINT8)
ZANNI_KIND_IS (const char *, ZANNI_KIND_STRING)
ZANNI_KIND_IS (zanni_bytes_t, ZANNI_KIND_BYTES)
ZANNI_KIND_IS (zanni_buffer_t *, ZANNI_KIND_BUFFER)
ZANNI_KIND_MANY (char, ZANNI_KIND_TEXT)
ZANNI_KIND_MANY (unsigned char, ZANNI_KIND_RAW)
#undef ZANNI_KIND_NUMBER
#undef ZANNI_KIND_MANY
#undef ZANNI_KIND_IS

}
#else

/* An argument and a place; nothing notices a pointer to another struct, so mind the type. The instance may be a literal
   with commas. */
#define ZANNI_OBJECT(type, ...) zanni_arg_typed (&(const zanni_typed_t) { (type), (__VA_ARGS__) })
#define ZANNI_INTO(type, instance_p) (&(zanni_into_t) { (type), (void *) (instance_p) })

/* A member, whose kind is known from its C type: integers, bool, float, double and fixed arrays of them, char [n],
   unsigned char [n], const char *, zanni_bytes_t, zanni_buffer_t *. */
#define ZANNI_FIELD(struct_t, member) \
    { #member, ZANNI_KIND (((struct_t *) NULL)->member), offsetof (struct_t, member), \
      sizeof (((struct_t *) NULL)->member), NULL }

#define ZANNI_KIND(m) \
    _Generic (&(m), \
        ZANNI_KIND_NUMBER (m, bool, ZANNI_KIND_BOOL), ZANNI_KIND_NUMBER (m, signed char, ZANNI_KIND_INT8), \
        ZANNI_KIND_NUMBER (m, short, ZANNI_KIND_INT16), ZANNI_KIND_NUMBER (m, int, ZANNI_KIND_INT32), \
        ZANNI_KIND_NUMBER (m, long, ZANNI_KIND_INT64), ZANNI_KIND_NUMBER (m, long long, ZANNI_KIND_INT64), \
        ZANNI_KIND_NUMBER (m, unsigned short, ZANNI_KIND_UINT16), \
        ZANNI_KIND_NUMBER (m, unsigned, ZANNI_KIND_UINT32), \
        ZANNI_KIND_NUMBER (m, unsigned long, ZANNI_KIND_UINT64), \
        ZANNI_KIND_NUMBER (m, unsigned long long, ZANNI_KIND_UINT64), \
        ZANNI_KIND_NUMBER (m, float, ZANNI_KIND_FLOAT), ZANNI_KIND_NUMBER (m, double, ZANNI_KIND_DOUBLE), \
        char *: (char) -1 < 0 ? ZANNI_KIND_INT8 : ZANNI_KIND_UINT8, \
        unsigned char *: ZANNI_KIND_UINT8, ZANNI_KIND_MANY (m, unsigned char): ZANNI_KIND_RAW, \
        ZANNI_KIND_MANY (m, char): ZANNI_KIND_TEXT, const char **: ZANNI_KIND_STRING, \
        zanni_bytes_t *: ZANNI_KIND_BYTES, zanni_buffer_t **: ZANNI_KIND_BUFFER)
#define ZANNI_KIND_NUMBER(m, type, kind) type *: kind, ZANNI_KIND_MANY (m, type): kind | ZANNI_KIND_ARRAY
#define ZANNI_KIND_MANY(m, type) type (*) [(sizeof (m) + sizeof (type) - 1) / sizeof (type)]

#endif
#endif
