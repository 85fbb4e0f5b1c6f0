/* zanni.value: one value of any kind. */

#include "classes.h"
#include "kept.h"

#include <zanni/actor.h>
#include <zanni/call.h>

typedef struct {
    zanni__kept_t *kept;
} s_value_t;

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_value_t *value = zanni_state (self);
    return zanni__kept_read (self, &value->kept, msg);
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_value_t *value = zanni_state (self);
    (void) reason;
    zanni__kept_drop (value->kept);
    value->kept = NULL;
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    const s_value_t *value = zanni_state (self);
    return zanni_reply (self, msg, value->kept->arg);
}

static void
s_change (s_value_t *value, zanni__kept_t *kept)
{
    zanni__kept_drop (value->kept);
    value->kept = kept;
}

static int
s_set (zanni_t *self, zanni_msg_t *msg)
{
    s_value_t *value = zanni_state (self);
    zanni__kept_t *kept;
    int rc = zanni__kept_read (self, &kept, msg);
    if (rc)
        return rc;
    s_change (value, kept);
    return zanni_reply (self, msg);
}

static int
s_swap (zanni_t *self, zanni_msg_t *msg)
{
    s_value_t *value = zanni_state (self);
    zanni__kept_t *kept;
    int rc = zanni__kept_read (self, &kept, msg);
    if (rc)
        return rc;
    rc = zanni_reply (self, msg, value->kept->arg);
    if (rc)
        zanni__kept_drop (kept);
    else
        s_change (value, kept);
    return rc;
}

static int
s_replace (zanni_t *self, zanni_msg_t *msg)
{
    s_value_t *value = zanni_state (self);
    zanni__kept_t *expected = NULL, *kept = NULL;
    int rc = zanni__kept_read (self, &expected, msg);
    if (!rc)
        rc = zanni__kept_read (self, &kept, msg);
    bool same = !rc && zanni__kept_equal (value->kept, expected);
    if (same)
        s_change (value, zanni__kept_share (kept));
    zanni__kept_drop (expected);
    zanni__kept_drop (kept);
    return rc ? rc : zanni_reply (self, msg, same);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("get", "", "v", s_get, "The value."),
    ZANNI_METHOD ("set", "v", "", s_set, "Another one."),
    ZANNI_METHOD ("swap", "v", "v", s_swap, "Another one; the one before."),
    ZANNI_METHOD ("replace", "vv", "b", s_replace, "Where it is the first, the second instead; whether it was."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__value_class = {
    .name = "zanni.value", .state_size = sizeof (s_value_t), .methods = s_methods, .start_in = "v", .start = s_start,
    .stop = s_stop, .text = "One value of any kind."
};
