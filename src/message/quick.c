/* The tables of quick.h, from msgpack's format. */

#include "quick.h"

#define S_BIT ZANNI__QUICK_BIT
#define S_SMALL ZANNI__QUICK_SMALL
#define S_4(value) value, value, value, value
#define S_16(value) S_4 (value), S_4 (value), S_4 (value), S_4 (value)

const uint16_t zanni__quick_values [256] = {
    S_BIT | 1, S_BIT | 1, S_SMALL | 1, S_SMALL | 1, S_4 (S_SMALL | 1), S_4 (S_SMALL | 1), S_4 (S_SMALL | 1),
    S_16 (S_SMALL | 1), S_16 (S_SMALL | 1), S_16 (S_SMALL | 1), S_16 (S_SMALL | 1), S_16 (S_SMALL | 1),
    S_16 (S_SMALL | 1), S_16 (S_SMALL | 1),
    [0xc2] = ZANNI__QUICK_BOOL | 1,
    [0xc3] = ZANNI__QUICK_BOOL | 1,
    [0xca] = ZANNI__QUICK_FLOAT | 5,
    [0xcb] = ZANNI__QUICK_FLOAT | 9,
    [0xcc] = ZANNI__QUICK_U8 | 2,
    [0xcd] = ZANNI__QUICK_U16 | 3,
    [0xce] = ZANNI__QUICK_U32 | 5,
    [0xcf] = ZANNI__QUICK_U64 | 9,
    [0xd0] = ZANNI__QUICK_I32 | 2,
    [0xd1] = ZANNI__QUICK_I32 | 3,
    [0xd2] = ZANNI__QUICK_I32 | 5,
    [0xd3] = ZANNI__QUICK_I64 | 9,
    [0xe0] = S_16 (ZANNI__QUICK_I32 | 1), S_16 (ZANNI__QUICK_I32 | 1)
};

#define S_UP_TO_U8 (S_BIT | S_SMALL | ZANNI__QUICK_U8)
#define S_UP_TO_U32 (S_UP_TO_U8 | ZANNI__QUICK_U16 | ZANNI__QUICK_U32)

/* A double takes the integers of 32 bits, all of which it holds exactly. */
const uint16_t zanni__quick_letters [128] = {
    ['b'] = S_BIT | ZANNI__QUICK_BOOL,
    ['y'] = S_UP_TO_U8,
    ['i'] = S_UP_TO_U8 | ZANNI__QUICK_U16 | ZANNI__QUICK_I32,
    ['u'] = S_UP_TO_U32,
    ['t'] = S_UP_TO_U32 | ZANNI__QUICK_U64,
    ['x'] = S_UP_TO_U32 | ZANNI__QUICK_I32 | ZANNI__QUICK_I64,
    ['d'] = S_UP_TO_U32 | ZANNI__QUICK_I32 | ZANNI__QUICK_FLOAT
};
