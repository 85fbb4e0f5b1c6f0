/* cruncher.c: one row of the Mandelbrot set. Put your own work in the place of s_point and cruncher_row.

   What makes it a good job for a pool: all that it needs is in its arguments, it keeps nothing from one to the next,
   and so it may be done twice, which ZANNI_REPEATABLE declares: when a process dies in it, the pool has another one
   do it.

   A row takes some milliseconds; jobs that take microseconds are better put together, since each costs two messages.
   Arithmetic is in whole numbers, so that every machine finds the same picture. */

#include "cruncher.h"

#include <unistd.h>

#define DEEPEST 1000
#define ONE (INT64_C (1) << 28)   // 1.0

/* How many steps a point takes to leave the circle of radius 2, at most DEEPEST. */
static int
s_point (int64_t a, int64_t b)
{
    int64_t x = 0, y = 0;
    int steps = 0;
    for (; steps < DEEPEST; steps++) {
        int64_t xx = x * x / ONE, yy = y * y / ONE;
        if (xx + yy > 4 * ONE)
            break;
        y = 2 * x * y / ONE + b;
        x = xx - yy + a;
    }
    return steps;
}

static int
cruncher_row (zanni_t *self, zanni_msg_t *msg)
{
    uint8_t grey [SIZE_MAX_POINTS];
    uint32_t row, size;
    int rc = zanni_read (msg, &row, &size);
    if (rc)
        return rc;
    if (!size || size > SIZE_MAX_POINTS)
        return zanni_fail (self, msg, 1, "such a picture is too large");
    int64_t step = 3 * ONE / size;
    for (uint32_t column = 0; column < size; column++) {
        int steps = s_point (column * step - 9 * ONE / 4, row * step - 3 * ONE / 2);
        grey [column] = (uint8_t) (steps == DEEPEST ? 0 : 255 - steps % 128);
    }
    return zanni_reply (self, msg, zanni_arg_bytes (grey, size), (int) getpid ());
}

static const zanni_method_t cruncher_methods [] = {
    ZANNI_REPEATABLE ("row", "uu", "ayi", cruncher_row, "A row of a picture of that size; and whose process did it."),
    ZANNI_METHOD_END
};
const zanni_class_t cruncher_class = {
    .name = "cruncher", .methods = cruncher_methods, .text = "Computes rows of the Mandelbrot set."
};
