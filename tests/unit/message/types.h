/* What the tests of registered types share: a type of every kind of field, a small one, and values that are extreme. */

#ifndef TESTS_UNIT_MESSAGE_TYPES_H
#define TESTS_UNIT_MESSAGE_TYPES_H

#include "support.h"

#include "message/object.h"
#include "message/type.h"

typedef struct {
    double x, y;
    uint8_t color [3];
} point_t;

typedef struct {
    bool open;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    float narrow;
    double wide;
    char name [16];
    const char *text;
    zanni_bytes_t bytes;
    zanni_buffer_t *buffer;
    point_t at;
    int32_t numbers [4];
    double weights [2];
} all_t;

static const zanni_field_t point_fields [] = {
    ZANNI_FIELD (point_t, x), ZANNI_FIELD (point_t, y), ZANNI_FIELD (point_t, color), ZANNI_FIELD_END
};
static const zanni_type_t point = {
    .name = "point", .version = 3, .size = sizeof (point_t), .fields = point_fields
};

static const zanni_field_t all_fields [] = {
    ZANNI_FIELD (all_t, open),   ZANNI_FIELD (all_t, i8),    ZANNI_FIELD (all_t, i16),
    ZANNI_FIELD (all_t, i32),    ZANNI_FIELD (all_t, i64),   ZANNI_FIELD (all_t, u8),
    ZANNI_FIELD (all_t, u16),    ZANNI_FIELD (all_t, u32),   ZANNI_FIELD (all_t, u64),
    ZANNI_FIELD (all_t, narrow), ZANNI_FIELD (all_t, wide),  ZANNI_FIELD (all_t, name),
    ZANNI_FIELD (all_t, text),   ZANNI_FIELD (all_t, bytes), ZANNI_FIELD (all_t, buffer),
    ZANNI_FIELD_NESTED (all_t, at, &point), ZANNI_FIELD (all_t, numbers), ZANNI_FIELD (all_t, weights),
    ZANNI_FIELD_END
};
static const zanni_type_t all = { .name = "all", .version = 1, .size = sizeof (all_t), .fields = all_fields };

typedef struct {
    int32_t one;
    int32_t two;
    char name [8];
    int64_t three;
} small_t;

static const zanni_field_t small_fields [] = {
    ZANNI_FIELD (small_t, one), ZANNI_FIELD (small_t, two), ZANNI_FIELD (small_t, name), ZANNI_FIELD (small_t, three),
    ZANNI_FIELD_END
};
static const small_t small_defaults = { 1, 2, "three", 4 };
static const zanni_type_t small = {
    .name = "small", .version = 2, .size = sizeof (small_t), .fields = small_fields, .defaults = &small_defaults
};

static inline zanni_buffer_t *
buffer_of (const char *text)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, (void *) (uintptr_t) text, strlen (text), NULL, NULL), 0);
    return buffer;
}

/* Extreme values of every kind. */
static all_t
sample (zanni_buffer_t *buffer)
{
    return (all_t) {
        true, INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN, UINT8_MAX, UINT16_MAX, UINT32_MAX, UINT64_MAX, 0.1f, 0.1,
        "fifteen letters", "text", { "a\0b", 3 }, buffer, { 1.5, -2.5, { 1, 2, 3 } }, { 1, -1, 300, -70000 }, { 1, 2 }
    };
}

static void
assert_sample (const all_t *got, zanni_buffer_t *buffer)
{
    cr_assert (got->open);
    cr_assert_eq (got->i8, INT8_MIN);
    cr_assert_eq (got->i16, INT16_MIN);
    cr_assert_eq (got->i32, INT32_MIN);
    cr_assert_eq (got->i64, INT64_MIN);
    cr_assert_eq (got->u8, UINT8_MAX);
    cr_assert_eq (got->u16, UINT16_MAX);
    cr_assert_eq (got->u32, UINT32_MAX);
    cr_assert_eq (got->u64, UINT64_MAX);
    cr_assert_eq (got->narrow, 0.1f);
    cr_assert_eq (got->wide, 0.1);
    cr_assert_str_eq (got->name, "fifteen letters");
    cr_assert_str_eq (got->text, "text");
    cr_assert_eq (got->bytes.size, 3);
    cr_assert_arr_eq (got->bytes.data, "a\0b", 3);
    cr_assert_eq (got->buffer, buffer);
    cr_assert_eq (got->at.x, 1.5);
    cr_assert_eq (got->at.y, -2.5);
    cr_assert_arr_eq (got->at.color, ((uint8_t []) { 1, 2, 3 }), 3);
    cr_assert_arr_eq (got->numbers, ((int32_t []) { 1, -1, 300, -70000 }), sizeof got->numbers);
    cr_assert_eq (got->weights [1], 2);
}

static uint32_t
users (const zanni_buffer_t *buffer)
{
    return atomic_load (&((zanni_buffer_t *) (uintptr_t) buffer)->users);
}

/* A message of one registered type whose data are these bytes, as if from elsewhere. */
static inline zanni_msg_t *
foreign_object (const void *data, size_t size)
{
    uint8_t bytes [600] = { 0x91, 0xc8, (uint8_t) (size >> 8), (uint8_t) size, 6 };
    cr_assert_leq (size, sizeof bytes - 5);
    memcpy (bytes + 5, data, size);
    return test_foreign (bytes, size + 5);
}

#endif
