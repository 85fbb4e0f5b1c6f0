/* zanni.counter: a number that many count. */

#include "classes.h"
#include "waiting.h"

#include <inttypes.h>
#include <zanni/message.h>

typedef struct {
    int64_t value;
} s_counter_t;

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_counter_t *counter = zanni_state (self);
    return zanni_read (msg, &counter->value);
}

static int
s_add (zanni_t *self, zanni_msg_t *msg)
{
    s_counter_t *counter = zanni_state (self);
    int64_t number, sum;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    if (__builtin_add_overflow (counter->value, number, &sum))
        return zanni__refuse (msg, ZANNI_ETOOBIG, "%" PRId64 " and %" PRId64 " are no int64 any more", counter->value,
                              number);
    counter->value = sum;
    return zanni_reply (self, msg, sum);
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    const s_counter_t *counter = zanni_state (self);
    return zanni_reply (self, msg, counter->value);
}

static int
s_set (zanni_t *self, zanni_msg_t *msg)
{
    s_counter_t *counter = zanni_state (self);
    int64_t before = counter->value;
    int rc = zanni_read (msg, &counter->value);
    return rc ? rc : zanni_reply (self, msg, before);
}

static int
s_replace (zanni_t *self, zanni_msg_t *msg)
{
    s_counter_t *counter = zanni_state (self);
    int64_t expected, number;
    int rc = zanni_read (msg, &expected, &number);
    bool same = counter->value == expected;
    if (!rc && same)
        counter->value = number;
    return rc ? rc : zanni_reply (self, msg, same);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("add", "x", "x", s_add, "Adds; the sum."),
    ZANNI_METHOD ("get", "", "x", s_get, "The number."),
    ZANNI_METHOD ("set", "x", "x", s_set, "Another number; the one before."),
    ZANNI_METHOD ("replace", "xx", "b", s_replace, "Where it is the first, the second instead; whether it was."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__counter_class = {
    .name = "zanni.counter", .state_size = sizeof (s_counter_t), .methods = s_methods, .start_in = "x",
    .start = s_start, .text = "A number that many count."
};
