/* The tables of quick.h, from msgpack's format. */

#include "quick.h"

#define S_INT(bytes) (ZANNI__QUICK_INT | (bytes))
#define S_SMALL (ZANNI__QUICK_SMALL | 1)
#define S_4(value) value, value, value, value
#define S_16(value) S_4 (value), S_4 (value), S_4 (value), S_4 (value)

const uint8_t zanni__quick_values [256] = {
    S_16 (S_SMALL), S_16 (S_SMALL), S_16 (S_SMALL), S_16 (S_SMALL),
    S_16 (S_SMALL), S_16 (S_SMALL), S_16 (S_SMALL), S_16 (S_SMALL),
    [0xc2] = ZANNI__QUICK_BOOL | 1,
    [0xc3] = ZANNI__QUICK_BOOL | 1,
    [0xcb] = ZANNI__QUICK_DOUBLE | 9,
    [0xcc] = S_INT (2),
    [0xcd] = S_INT (3),
    [0xce] = S_INT (5),
    [0xd0] = S_INT (2),
    [0xd1] = S_INT (3),
    [0xd2] = S_INT (5),
    [0xd3] = S_INT (9),
    [0xe0] = S_16 (S_INT (1)), S_16 (S_INT (1))
};

const uint8_t zanni__quick_letters [128] = {
    ['b'] = ZANNI__QUICK_BOOL,
    ['y'] = ZANNI__QUICK_SMALL,
    ['i'] = ZANNI__QUICK_SMALL,
    ['u'] = ZANNI__QUICK_SMALL,
    ['t'] = ZANNI__QUICK_SMALL,
    ['x'] = ZANNI__QUICK_SMALL | ZANNI__QUICK_INT,
    ['d'] = ZANNI__QUICK_DOUBLE
};
