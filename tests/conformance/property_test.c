/* Properties: members of a state that are got and set by methods which nobody wrote. */

#include "support.h"

typedef struct {
    bool open;
    int8_t tiny;
    int16_t small;
    int32_t number;
    int64_t large;
    uint8_t byte;
    uint16_t port;
    uint32_t count;
    uint64_t id;
    float ratio;
    double width;
    char name [8];
    unsigned char key [4];
    zanni_buffer_t *picture;
    int64_t sold;
    int64_t secret;
} box_t;

static const zanni_property_t box_properties [] = {
    ZANNI_PROPERTY (box_t, open, 0, "Whether it is."),
    ZANNI_PROPERTY (box_t, tiny, 0, NULL),
    ZANNI_PROPERTY (box_t, small, 0, NULL),
    ZANNI_PROPERTY (box_t, number, 0, NULL),
    ZANNI_PROPERTY (box_t, large, 0, NULL),
    ZANNI_PROPERTY (box_t, byte, 0, NULL),
    ZANNI_PROPERTY (box_t, port, 0, NULL),
    ZANNI_PROPERTY (box_t, count, 0, NULL),
    ZANNI_PROPERTY (box_t, id, 0, NULL),
    ZANNI_PROPERTY (box_t, ratio, 0, NULL),
    ZANNI_PROPERTY (box_t, width, 0, "In mm."),
    ZANNI_PROPERTY (box_t, name, 0, NULL),
    ZANNI_PROPERTY (box_t, key, 0, NULL),
    ZANNI_PROPERTY (box_t, picture, 0, NULL),
    ZANNI_PROPERTY (box_t, sold, ZANNI_PROPERTY_READ_ONLY, NULL),
    ZANNI_PROPERTY (box_t, secret, ZANNI_PROPERTY_PRIVATE, NULL),
    ZANNI_PROPERTY_END
};

static int
box_sell (zanni_t *self, zanni_msg_t *msg)
{
    box_t *box = zanni_state (self);
    (void) msg;
    box->sold++;
    return zanni_tell (self, zanni_self (self), "set_secret", box->sold * 10);
}

static int
box_tell_secret (zanni_t *self, zanni_msg_t *msg)
{
    const box_t *box = zanni_state (self);
    return zanni_reply (self, msg, box->secret);
}

static void
box_stop (zanni_t *self, const zanni_reason_t *reason)
{
    box_t *box = zanni_state (self);
    (void) reason;
    zanni_buffer_destroy (&box->picture);
}

static const zanni_method_t box_methods [] = {
    ZANNI_METHOD ("sell", "", "", box_sell, "One of them."),
    ZANNI_METHOD ("tell secret", "", "x", box_tell_secret, "What nobody else gets."),
    ZANNI_METHOD_END
};
static const zanni_class_t box_class = {
    .name = "box", .state_size = sizeof (box_t), .methods = box_methods, .stop = box_stop,
    .properties = box_properties
};

/* A child sets one in a way of its own. */
typedef struct {
    box_t box;
    int64_t changes;
} watched_t;

static int
watched_set_width (zanni_t *self, zanni_msg_t *msg)
{
    watched_t *watched = zanni_state (self);
    watched->changes++;
    return zanni_super (self, msg);
}

static const zanni_method_t watched_methods [] = {
    ZANNI_METHOD ("set_width", "d", "", watched_set_width, "Counted."),
    ZANNI_METHOD_END
};
static const zanni_property_t watched_properties [] = {
    ZANNI_PROPERTY (watched_t, changes, ZANNI_PROPERTY_READ_ONLY, "Of the width."),
    ZANNI_PROPERTY_END
};
static const zanni_class_t watched_class = {
    .name = "watched box", .parent = "box", .state_size = sizeof (watched_t), .methods = watched_methods,
    .properties = watched_properties
};

CLASSES (&box_class, &watched_class, &runner_class);

static double
s_double (const zanni_ref_t *ref, const char *method)
{
    ZANNI_AUTO (zanni_msg_t) reply = call_args (ref, method, NULL, 0);
    double number = 0;
    cr_assert_eq (zanni_read (reply, &number), 0);
    return number;
}

EVERYWHERE (property, is_got_and_set)
{
    ZANNI_AUTO (zanni_ref_t) box = spawn ("box");
    static const struct {
        const char *get, *set;
        int64_t value;
    } numbers [] = {
        { "tiny", "set_tiny", -128 },          { "small", "set_small", -32768 },
        { "number", "set_number", INT32_MIN }, { "large", "set_large", INT64_MIN },
        { "byte", "set_byte", 255 },           { "port", "set_port", 65535 },
        { "count", "set_count", UINT32_MAX },  { "id", "set_id", INT64_MAX }
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cr_assert_eq (call_int (box, numbers [i].get), 0);
        done (box, numbers [i].set, numbers [i].value);
        cr_assert_eq (call_int (box, numbers [i].get), numbers [i].value, "%s", numbers [i].get);
    }
    done (box, "set_ratio", 0.5);
    done (box, "set_width", 7);
    cr_assert_eq (s_double (box, "ratio"), 0.5);
    cr_assert_eq (s_double (box, "width"), 7.0);
    done (box, "set_open", true);
    ZANNI_AUTO (zanni_msg_t) reply = call (box, "open");
    bool open = false;
    cr_assert (!zanni_read (reply, &open) && open);
}

EVERYWHERE (property, is_a_text_bytes_or_a_buffer)
{
    ZANNI_AUTO (zanni_ref_t) box = spawn ("box");
    zanni_bytes_t bytes = { "abcd", 4 };
    zanni_buffer_t *buffer = NULL;
    zanni_error_t error = { 0 };
    void *data;
    const char *name;
    const zanni_buffer_t *got;
    done (box, "set_name", "seven77");
    done (box, "set_key", bytes);
    cr_assert_eq (refused (&error, box, "picture"), ZANNI_ENOKEY);
    cr_assert_eq (zanni_buffer_new (root, &buffer, 70000), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, 7, 70000);
    for (int i = 0; i < 2; i++)
        done (box, "set_picture", buffer);
    zanni_buffer_destroy (&buffer);
    ZANNI_AUTO (zanni_msg_t) text = call (box, "name");
    ZANNI_AUTO (zanni_msg_t) key = call (box, "key");
    ZANNI_AUTO (zanni_msg_t) picture = call (box, "picture");
    cr_assert_eq (zanni_read (text, &name), 0);
    cr_assert_str_eq (name, "seven77");
    cr_assert_eq (zanni_read (key, &bytes), 0);
    cr_assert (bytes.size == 4 && memcmp (bytes.data, "abcd", 4) == 0);
    cr_assert_eq (zanni_read (picture, &got), 0);
    cr_assert_eq (zanni_buffer_size (got), 70000);
}

EVERYWHERE (property, stays_where_what_is_set_does_not_fit)
{
    ZANNI_AUTO (zanni_ref_t) box = spawn ("box");
    zanni_bytes_t bytes = { "abc", 3 };
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, box, "set_tiny", 128), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "128 is outside of -128 to 127"), "%s", error.text);
    cr_assert_eq (refused (&error, box, "set_small", -32769), ZANNI_EARGS);
    cr_assert_eq (refused (&error, box, "set_port", 65536), ZANNI_EARGS);
    cr_assert_eq (refused (&error, box, "set_port", -1), ZANNI_EARGS);
    cr_assert_eq (refused (&error, box, "set_byte", 256), ZANNI_EARGS);
    cr_assert_eq (refused (&error, box, "set_number", "one"), ZANNI_EARGS);
    cr_assert_eq (refused (&error, box, "set_ratio", 1e300), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "1e+300 is too large for a float"), "%s", error.text);
    cr_assert_eq (refused (&error, box, "set_name", "eight888"), ZANNI_ETOOBIG);
    cr_assert_not_null (strstr (error.text, "8 bytes are too many: 7 fit"), "%s", error.text);
    cr_assert_eq (refused (&error, box, "set_key", bytes), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "3 bytes: 4 are wanted"), "%s", error.text);
    cr_assert_eq (call_int (box, "tiny"), 0);
    cr_assert_eq (call_int (box, "port"), 0);
}

EVERYWHERE (property, may_be_read_only_or_private)
{
    ZANNI_AUTO (zanni_ref_t) box = spawn ("box");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, box, "set_sold", 5), ZANNI_ENOMETHOD);
    cr_assert_eq (refused (&error, box, "secret"), ZANNI_EPERM);
    cr_assert_eq (refused (&error, box, "set_secret", 5), ZANNI_EPERM);
    done (box, "sell");
    cr_assert_eq (call_int (box, "sold"), 1);
    cr_assert_eq (call_int (box, "tell secret"), 10);
}

EVERYWHERE (property, is_inherited_and_overridden)
{
    ZANNI_AUTO (zanni_ref_t) box = spawn ("watched box");
    done (box, "set_width", 2.5);
    done (box, "set_number", 3);
    cr_assert_eq (s_double (box, "width"), 2.5);
    cr_assert_eq (call_int (box, "number"), 3);
    cr_assert_eq (call_int (box, "changes"), 1);
}

EVERYWHERE (property, is_described_as_methods)
{
    ZANNI_AUTO (zanni_ref_t) box = spawn ("box");
    ZANNI_AUTO (zanni_msg_t) reply = call (box, "zanni.describe");
    const char *name, *in, *out, *text;
    size_t count, four;
    int found = 0;
    cr_assert_eq (zanni_read (reply, &name, &text), 0);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq (zanni_enter (reply, &four), 0);
        cr_assert_eq (zanni_read (reply, &name, &in, &out, &text), 0);
        cr_assert_eq (zanni_leave (reply), 0);
        found += strcmp (name, "width") == 0 && !*in && strcmp (out, "d") == 0 && strcmp (text, "In mm.") == 0;
        found += strcmp (name, "set_width") == 0 && !*out && strcmp (in, "d") == 0 && strcmp (text, "In mm.") == 0;
        cr_assert (strcmp (name, "secret") != 0 && strcmp (name, "set_sold") != 0);
    }
    cr_assert_eq (found, 2);
}
