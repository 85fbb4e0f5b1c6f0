/* type.h: registered types as they are compiled, and their instances. */

#ifndef ZANNI_MESSAGE_TYPE_H
#define ZANNI_MESSAGE_TYPE_H

#include "object.h"
#include <zanni/type.h>

#define ZANNI__TYPE_NAME 63    // bytes
#define ZANNI__TYPE_DEPTH 8    // types nested in each other

typedef struct zanni__type zanni__type_t;

/* A step of a type's program: members of one kind that follow each other, or one of the other kinds. */
typedef struct {
    uint8_t kind;       // zanni_kind_t without ZANNI_KIND_ARRAY
    bool array;         // its elements are one value
    uint8_t width;      // from one element to the next
    uint32_t offset;
    uint32_t count;     // of members; of elements; of bytes of TEXT and RAW
    uint32_t size;      // of all of them
    uint32_t most;      // bytes that a number of them takes when packed, a head included
    uint32_t field;     // of the first one
    const zanni__type_t *nested;
} zanni__step_t;

typedef struct zanni__slots zanni__slots_t;

/* Made once, then constant, but for its pool. */
struct zanni__type {
    const zanni_type_t *definition;
    zanni__type_t *next;         // of the same bucket
    zanni__slots_t *slots;
    uint32_t fields;
    uint32_t steps_count;
    uint32_t depth;              // 1: nothing is nested in it
    uint32_t buffers;            // fields that are one, nested ones included; at most as many as it packs
    uint32_t pointers;           // STRING and BYTES, nested ones included
    uint32_t prefix_size;
    uint8_t prefix [ZANNI__TYPE_NAME + 2 + 5];   // name and version, packed
    zanni__step_t steps [];
};

/* The compiled type of a definition, which is registered when it was not yet. ZANNI_ECLASS, ZANNI_ENOMEM. */
int zanni__type_find (const zanni__type_t **type_p, const zanni_type_t *definition);

/* Packs the fields of an instance into an array, and reads them out of one. A read answers what zanni__typed_read does,
   and puts strings and bytes into memory of the message; buffers in it are the message's. */
bool zanni__fields_pack (zanni__writer_t *writer, const zanni__type_t *type, const void *instance);

typedef struct {
    zanni_msg_t *msg;
    zanni__reader_t reader;
    const char *field;   // that did not fit, or NULL
} zanni__unfields_t;

int zanni__fields_read (zanni__unfields_t *unfields, const zanni__type_t *type, void *instance);

/* Calls `each` for every member of these kinds (STRING, BYTES, BUFFER), nested ones included, until it answers false. */
typedef bool zanni__pointer_fn (void *context, const zanni__step_t *step, void *member);
bool zanni__fields_each (const zanni__type_t *type, void *instance, zanni__pointer_fn *each, void *context);

/* Stands before every instance of ours. */
typedef struct {
    _Alignas (16) const zanni__type_t *type;
    void *held;            // strings of a copy; ZANNI__BORROWED: it is the message's
    zanni__link_t link;    // of hooks: among its message's; else alone
} zanni__instance_t;

extern char zanni__borrowed;

static inline zanni__instance_t *
zanni__instance_of (const void *instance)
{
    return (zanni__instance_t *) (uintptr_t) instance - 1;
}

/* An instance out of the pool, with its defaults; NULL: out of memory. */
void *zanni__instance_new (const zanni__type_t *type);
void zanni__instance_free (zanni__instance_t *instance);

/* Fills with defaults or zeros. */
void zanni__instance_clear (const zanni__type_t *type, void *instance);

/* A pool for instances of `size` bytes. */
zanni__slots_t *zanni__slots_new (size_t size);

#endif
