/* arg.h: how C's own types become arguments.

   The calling macros tag each argument by its type (ZANNI_ARG), the reading ones by the pointer it goes to
   (ZANNI_OUT), both by _Generic: a type without a tag does not compile. Beneath lie ordinary functions on arrays, for
   other languages. Everything here is plain data, for any thread.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_ARG_H
#define ZANNI_ARG_H

#include "error.h"

#define ZANNI_ARGS_MAX 16   // arguments of one call by macro; lists hold any number

typedef struct {
    const void *data;
    size_t size;
} zanni_bytes_t;            // `ay`: raw bytes inside the arguments

typedef struct {
    const void *data;
    size_t size;
} zanni_packed_t;           // `v` or any other letter: one value, already in msgpack

typedef struct {
    const zanni_ref_t *ref;
    const char *method;
} zanni_bound_t;            // `M`: a method of an actor

typedef struct zanni_blob zanni_blob_t;       // `K`: where a store has something; store.h

typedef struct zanni_type zanni_type_t;       // what follows stands in type.h
typedef struct zanni_object zanni_object_t;   // `o`, whatever its type

typedef struct {
    const zanni_type_t *type;
    const void *instance;
} zanni_typed_t;            // `o`: ZANNI_OBJECT (&type, instance)

typedef struct {
    const zanni_type_t *type;
    void *place;            // of a pointer to the instance
} zanni_into_t;             // ZANNI_INTO (&type, &instance)

typedef enum {
    ZANNI_ARG_INT = 1,   // value.i
    ZANNI_ARG_UINT,      // value.u
    ZANNI_ARG_BOOL,      // value.i
    ZANNI_ARG_DOUBLE,    // value.d
    ZANNI_ARG_STRING,    // value.p: NUL-terminated
    ZANNI_ARG_BYTES,     // value.p, size
    ZANNI_ARG_REF,       // value.p: const zanni_ref_t *
    ZANNI_ARG_BUFFER,    // value.p: const zanni_buffer_t *
    ZANNI_ARG_LIST,      // value.p: const zanni_arg_t *, size of them: array, struct or pair
    ZANNI_ARG_INTS,      // value.p: const int64_t *, size of them
    ZANNI_ARG_DOUBLES,   // value.p: const double *, size of them
    ZANNI_ARG_STRINGS,   // value.p: const char *const *, size of them
    ZANNI_ARG_PACKED,    // value.p, size: one msgpack value
    ZANNI_ARG_BOUND,     // value.p: const zanni_bound_t *
    ZANNI_ARG_TYPED,     // value.p: const zanni_typed_t *
    ZANNI_ARG_OBJECT,    // value.p: const zanni_object_t *
    ZANNI_ARG_BLOB       // value.p: const zanni_blob_t *
} zanni_arg_tag_t;

/* One argument, borrowed for the duration of the call. */
typedef struct {
    uint32_t tag;
    size_t size;
    union {
        int64_t i;
        uint64_t u;
        double d;
        const void *p;
    } value;
} zanni_arg_t;

typedef enum {
    ZANNI_OUT_BOOL = 1, ZANNI_OUT_UINT8, ZANNI_OUT_INT32, ZANNI_OUT_UINT32, ZANNI_OUT_INT64, ZANNI_OUT_UINT64,
    ZANNI_OUT_DOUBLE, ZANNI_OUT_STRING, ZANNI_OUT_BYTES, ZANNI_OUT_REF, ZANNI_OUT_BUFFER, ZANNI_OUT_PACKED,
    ZANNI_OUT_BOUND, ZANNI_OUT_TYPED, ZANNI_OUT_OBJECT, ZANNI_OUT_BLOB
} zanni_out_tag_t;

/* Where one argument goes. */
typedef struct {
    uint32_t tag;
    void *place;
} zanni_out_t;

#define ZANNI_TAGGED(tag, size, member, from) \
    zanni_arg_t arg = { tag, size, { 0 } }; \
    arg.value.member = from; \
    return arg

static inline zanni_arg_t zanni_arg_int (long long value) { ZANNI_TAGGED (ZANNI_ARG_INT, 0, i, value); }
static inline zanni_arg_t zanni_arg_uint (unsigned long long value) { ZANNI_TAGGED (ZANNI_ARG_UINT, 0, u, value); }
static inline zanni_arg_t zanni_arg_bool (bool value) { ZANNI_TAGGED (ZANNI_ARG_BOOL, 0, i, value); }
static inline zanni_arg_t zanni_arg_double (double value) { ZANNI_TAGGED (ZANNI_ARG_DOUBLE, 0, d, value); }
static inline zanni_arg_t zanni_arg_string (const char *value) { ZANNI_TAGGED (ZANNI_ARG_STRING, 0, p, value); }
static inline zanni_arg_t zanni_arg_ref (const zanni_ref_t *value) { ZANNI_TAGGED (ZANNI_ARG_REF, 0, p, value); }
static inline zanni_arg_t zanni_arg_typed (const zanni_typed_t *value) { ZANNI_TAGGED (ZANNI_ARG_TYPED, 0, p, value); }
static inline zanni_arg_t zanni_arg_blob (const zanni_blob_t *value) { ZANNI_TAGGED (ZANNI_ARG_BLOB, 0, p, value); }
static inline zanni_arg_t zanni_arg_self (zanni_arg_t value) { return value; }

static inline zanni_arg_t
zanni_arg_buffer (const zanni_buffer_t *value)
{
    ZANNI_TAGGED (ZANNI_ARG_BUFFER, 0, p, value);
}

static inline zanni_arg_t
zanni_arg_bytes (const void *data, size_t size)
{
    ZANNI_TAGGED (ZANNI_ARG_BYTES, size, p, data);
}

static inline zanni_arg_t
zanni_arg_ints (const int64_t *values, size_t count)
{
    ZANNI_TAGGED (ZANNI_ARG_INTS, count, p, values);
}

static inline zanni_arg_t
zanni_arg_doubles (const double *values, size_t count)
{
    ZANNI_TAGGED (ZANNI_ARG_DOUBLES, count, p, values);
}

static inline zanni_arg_t
zanni_arg_strings (const char *const *values, size_t count)
{
    ZANNI_TAGGED (ZANNI_ARG_STRINGS, count, p, values);
}

static inline zanni_arg_t
zanni_arg_list (const zanni_arg_t *values, size_t count)
{
    ZANNI_TAGGED (ZANNI_ARG_LIST, count, p, values);
}

static inline zanni_arg_t
zanni_arg_packed (zanni_packed_t value)
{
    ZANNI_TAGGED (ZANNI_ARG_PACKED, value.size, p, value.data);
}

static inline zanni_arg_t
zanni_arg_bytes_of (zanni_bytes_t value)
{
    return zanni_arg_bytes (value.data, value.size);
}

static inline zanni_arg_t
zanni_arg_bound (const zanni_bound_t *value)
{
    ZANNI_TAGGED (ZANNI_ARG_BOUND, 0, p, value);
}

#undef ZANNI_TAGGED

#ifndef __cplusplus

#define ZANNI_ARG(a) \
    _Generic ((a), \
        bool: zanni_arg_bool, \
        char: zanni_arg_int, signed char: zanni_arg_int, short: zanni_arg_int, int: zanni_arg_int, \
        long: zanni_arg_int, long long: zanni_arg_int, \
        unsigned char: zanni_arg_uint, unsigned short: zanni_arg_uint, unsigned: zanni_arg_uint, \
        unsigned long: zanni_arg_uint, unsigned long long: zanni_arg_uint, \
        float: zanni_arg_double, double: zanni_arg_double, \
        char *: zanni_arg_string, const char *: zanni_arg_string, \
        zanni_ref_t *: zanni_arg_ref, const zanni_ref_t *: zanni_arg_ref, \
        zanni_buffer_t *: zanni_arg_buffer, const zanni_buffer_t *: zanni_arg_buffer, \
        zanni_bound_t *: zanni_arg_bound, const zanni_bound_t *: zanni_arg_bound, \
        zanni_blob_t *: zanni_arg_blob, const zanni_blob_t *: zanni_arg_blob, \
        zanni_bytes_t: zanni_arg_bytes_of, zanni_packed_t: zanni_arg_packed, \
        zanni_arg_t: zanni_arg_self) (a)

#define ZANNI_OUT(a) \
    { _Generic ((a), \
        bool *: ZANNI_OUT_BOOL, unsigned char *: ZANNI_OUT_UINT8, int *: ZANNI_OUT_INT32, \
        unsigned *: ZANNI_OUT_UINT32, long *: ZANNI_OUT_INT64, long long *: ZANNI_OUT_INT64, \
        unsigned long *: ZANNI_OUT_UINT64, unsigned long long *: ZANNI_OUT_UINT64, double *: ZANNI_OUT_DOUBLE, \
        const char **: ZANNI_OUT_STRING, zanni_bytes_t *: ZANNI_OUT_BYTES, \
        const zanni_ref_t **: ZANNI_OUT_REF, const zanni_buffer_t **: ZANNI_OUT_BUFFER, \
        zanni_packed_t *: ZANNI_OUT_PACKED, zanni_bound_t *: ZANNI_OUT_BOUND, zanni_blob_t *: ZANNI_OUT_BLOB, \
        zanni_into_t *: ZANNI_OUT_TYPED, const zanni_object_t **: ZANNI_OUT_OBJECT), (a) }

#define ZANNI_ARG_1(a) ZANNI_ARG (a)
#define ZANNI_ARG_2(a, ...) ZANNI_ARG (a), ZANNI_ARG_1 (__VA_ARGS__)
#define ZANNI_ARG_3(a, ...) ZANNI_ARG (a), ZANNI_ARG_2 (__VA_ARGS__)
#define ZANNI_ARG_4(a, ...) ZANNI_ARG (a), ZANNI_ARG_3 (__VA_ARGS__)
#define ZANNI_ARG_5(a, ...) ZANNI_ARG (a), ZANNI_ARG_4 (__VA_ARGS__)
#define ZANNI_ARG_6(a, ...) ZANNI_ARG (a), ZANNI_ARG_5 (__VA_ARGS__)
#define ZANNI_ARG_7(a, ...) ZANNI_ARG (a), ZANNI_ARG_6 (__VA_ARGS__)
#define ZANNI_ARG_8(a, ...) ZANNI_ARG (a), ZANNI_ARG_7 (__VA_ARGS__)
#define ZANNI_ARG_9(a, ...) ZANNI_ARG (a), ZANNI_ARG_8 (__VA_ARGS__)
#define ZANNI_ARG_10(a, ...) ZANNI_ARG (a), ZANNI_ARG_9 (__VA_ARGS__)
#define ZANNI_ARG_11(a, ...) ZANNI_ARG (a), ZANNI_ARG_10 (__VA_ARGS__)
#define ZANNI_ARG_12(a, ...) ZANNI_ARG (a), ZANNI_ARG_11 (__VA_ARGS__)
#define ZANNI_ARG_13(a, ...) ZANNI_ARG (a), ZANNI_ARG_12 (__VA_ARGS__)
#define ZANNI_ARG_14(a, ...) ZANNI_ARG (a), ZANNI_ARG_13 (__VA_ARGS__)
#define ZANNI_ARG_15(a, ...) ZANNI_ARG (a), ZANNI_ARG_14 (__VA_ARGS__)
#define ZANNI_ARG_16(a, ...) ZANNI_ARG (a), ZANNI_ARG_15 (__VA_ARGS__)

#define ZANNI_OUT_1(a) ZANNI_OUT (a)
#define ZANNI_OUT_2(a, ...) ZANNI_OUT (a), ZANNI_OUT_1 (__VA_ARGS__)
#define ZANNI_OUT_3(a, ...) ZANNI_OUT (a), ZANNI_OUT_2 (__VA_ARGS__)
#define ZANNI_OUT_4(a, ...) ZANNI_OUT (a), ZANNI_OUT_3 (__VA_ARGS__)
#define ZANNI_OUT_5(a, ...) ZANNI_OUT (a), ZANNI_OUT_4 (__VA_ARGS__)
#define ZANNI_OUT_6(a, ...) ZANNI_OUT (a), ZANNI_OUT_5 (__VA_ARGS__)
#define ZANNI_OUT_7(a, ...) ZANNI_OUT (a), ZANNI_OUT_6 (__VA_ARGS__)
#define ZANNI_OUT_8(a, ...) ZANNI_OUT (a), ZANNI_OUT_7 (__VA_ARGS__)
#define ZANNI_OUT_9(a, ...) ZANNI_OUT (a), ZANNI_OUT_8 (__VA_ARGS__)
#define ZANNI_OUT_10(a, ...) ZANNI_OUT (a), ZANNI_OUT_9 (__VA_ARGS__)
#define ZANNI_OUT_11(a, ...) ZANNI_OUT (a), ZANNI_OUT_10 (__VA_ARGS__)
#define ZANNI_OUT_12(a, ...) ZANNI_OUT (a), ZANNI_OUT_11 (__VA_ARGS__)
#define ZANNI_OUT_13(a, ...) ZANNI_OUT (a), ZANNI_OUT_12 (__VA_ARGS__)
#define ZANNI_OUT_14(a, ...) ZANNI_OUT (a), ZANNI_OUT_13 (__VA_ARGS__)
#define ZANNI_OUT_15(a, ...) ZANNI_OUT (a), ZANNI_OUT_14 (__VA_ARGS__)
#define ZANNI_OUT_16(a, ...) ZANNI_OUT (a), ZANNI_OUT_15 (__VA_ARGS__)

#define ZANNI_COUNT(...) ZANNI_COUNT_ (__VA_ARGS__, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ZANNI_COUNT_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, count, ...) count
#define ZANNI_JOIN(a, b) ZANNI_JOIN_ (a, b)
#define ZANNI_JOIN_(a, b) a##b

/* An array and its length, for 1 to 16 operands. */
#define ZANNI_ARGS(...) \
    (const zanni_arg_t []) { ZANNI_JOIN (ZANNI_ARG_, ZANNI_COUNT (__VA_ARGS__)) (__VA_ARGS__) }, \
    ZANNI_COUNT (__VA_ARGS__)
#define ZANNI_OUTS(...) \
    (const zanni_out_t []) { ZANNI_JOIN (ZANNI_OUT_, ZANNI_COUNT (__VA_ARGS__)) (__VA_ARGS__) }, \
    ZANNI_COUNT (__VA_ARGS__)

/* The same behind a first operand that is passed on as it is (a method, a message), for 0 to 16 further ones. */
#define ZANNI_ARGV(...) \
    ZANNI_FIRST (__VA_ARGS__, 0), \
    ZANNI_JOIN (ZANNI_ARGV_, ZANNI_MANY (__VA_ARGS__)) (__VA_ARGS__)
#define ZANNI_FIRST(a, ...) a
#define ZANNI_MANY(...) ZANNI_COUNT_ (__VA_ARGS__, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, 0, 0)
#define ZANNI_ARGV_0(a) NULL, 0
#define ZANNI_ARGV_M(a, ...) ZANNI_ARGS (__VA_ARGS__)

/* A list of values in place: zanni_reply (self, msg, ZANNI_LIST (ZANNI_LIST ("one", 1), ZANNI_LIST ("two", 2))).
   Each level of lists holds at most 16 items. */
#define ZANNI_LIST(...) zanni_arg_list (ZANNI_ARGS (__VA_ARGS__))

#endif
#endif
