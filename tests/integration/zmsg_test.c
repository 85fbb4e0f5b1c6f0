/* zmsgs from and to messages. The root tells itself what is to be converted, and reads it with zanni_receive. */

#include <criterion/criterion.h>
#include <czmq.h>
#include <locale.h>
#include <zanni.h>
#include <zanni/czmq.h>

#define DEADLINE_MS 10000

static zanni_t *root;

static void
s_begin (void)
{
    cr_assert_eq (zanni_new (&root, NULL), 0);
}

static void
s_finish (void)
{
    cr_assert_eq (zanni_destroy (&root), 0);
}

static zanni_msg_t *
s_next (void)
{
    zanni_msg_t *msg = NULL;
    int rc = zanni_receive (root, &msg, DEADLINE_MS);
    cr_assert_eq (rc, 0, "nothing came: %s", zanni_strerror (rc));
    return msg;
}

/* The root's own message of these arguments, as its receiver gets it. */
static zanni_msg_t *
s_message_args (const char *method, const zanni_arg_t *args, size_t count)
{
    int rc = zanni_tell_args (root, zanni_self (root), method, args, count);
    cr_assert_eq (rc, 0, "%s: %s", method, zanni_strerror (rc));
    return s_next ();
}
#define s_message(...) s_message_args (ZANNI_ARGV (__VA_ARGS__))

static void
s_expect_content (zmsg_t *zmsg, const void *data, size_t size)
{
    zframe_t *frame = zmsg_pop (zmsg);
    cr_assert_not_null (frame);
    cr_assert (zframe_size (frame) == size && memcmp (zframe_data (frame), data, size) == 0,
               "%zu bytes (%.*s), not %zu (%.*s)", zframe_size (frame), (int) zframe_size (frame),
               (const char *) zframe_data (frame), size, (int) size, (const char *) data);
    zframe_destroy (&frame);
}

static void
s_expect_text (zmsg_t *zmsg, const char *text)
{
    s_expect_content (zmsg, text, strlen (text));
}

static zmsg_t *
s_zmsg_of (zanni_msg_t *msg)
{
    zmsg_t *zmsg = NULL;
    int rc = zanni_msg_zmsg (msg, &zmsg);
    cr_assert_eq (rc, 0, "%s: %s", zanni_strerror (rc), zanni_msg_fault (msg));
    return zmsg;
}

Test (zmsg, of_a_message_holds_numbers_as_decimal_text)
{
    const bool yes = true, no = false;
    s_begin ();
    ZANNI_AUTO (zanni_msg_t) msg = s_message ("numbers", 0, -5, INT64_MIN, INT64_MAX, UINT64_MAX, yes, no, 0.1, 1e300,
                                               -2.5, 3.0, 1.0 / 3, HUGE_VAL);
    zmsg_t *zmsg = s_zmsg_of (msg);
    const char *texts [] = { "numbers", "0", "-5", "-9223372036854775808", "9223372036854775807",
                             "18446744073709551615", "1", "0", "0.1", "1e+300", "-2.5", "3", "0.3333333333333333",
                             "inf" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        s_expect_text (zmsg, texts [i]);
    cr_assert_eq (zmsg_size (zmsg), 0);
    zmsg_destroy (&zmsg);
    zanni_msg_destroy (&msg);
    s_finish ();
}

Test (zmsg, of_a_message_has_a_decimal_point_in_every_locale)
{
    const char *const names [] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8" };
    bool set = false;
    for (size_t i = 0; !set && i < sizeof names / sizeof *names; i++)
        set = setlocale (LC_NUMERIC, names [i]) != NULL;
    s_begin ();
    ZANNI_AUTO (zanni_msg_t) msg = s_message ("number", -1234567.25);
    zmsg_t *zmsg = s_zmsg_of (msg);
    s_expect_text (zmsg, "number");
    s_expect_text (zmsg, "-1234567.25");
    zmsg_destroy (&zmsg);
    zanni_msg_destroy (&msg);
    s_finish ();
}

Test (zmsg, of_a_message_holds_texts_bytes_and_buffers_as_they_are)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    void *data;
    char large [100000];
    memset (large, 'x', sizeof large);
    s_begin ();
    cr_assert_eq (zanni_buffer_new (root, &buffer, sizeof large), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memcpy (data, large, sizeof large);
    ZANNI_AUTO (zanni_msg_t) msg = s_message ("all", "text", "", ((zanni_bytes_t) { "a\0b", 3 }),
                                               ((zanni_bytes_t) { "", 0 }), buffer);
    zmsg_t *zmsg = s_zmsg_of (msg);
    s_expect_text (zmsg, "all");
    s_expect_text (zmsg, "text");
    s_expect_text (zmsg, "");
    s_expect_content (zmsg, "a\0b", 3);
    s_expect_text (zmsg, "");
    s_expect_content (zmsg, large, sizeof large);
    cr_assert_eq (zmsg_size (zmsg), 0);
    zmsg_destroy (&zmsg);
    zanni_msg_destroy (&msg);
    zanni_buffer_destroy (&buffer);
    s_finish ();
}

Test (zmsg, of_a_message_holds_lists_and_other_values_as_msgpack)
{
    const int64_t numbers [] = { 1, 2, 3 };
    const double doubles [] = { 0.5 };
    const char *const strings [] = { "a", "b" };
    const bool yes = true;
    s_begin ();
    ZANNI_AUTO (zanni_msg_t) msg = s_message ("all", ZANNI_LIST ("one", 1, ZANNI_LIST (yes)), zanni_arg_ints (numbers, 3),
                                               zanni_arg_doubles (doubles, 1), zanni_arg_strings (strings, 2),
                                               ((zanni_packed_t) { "\xc0", 1 }), ((zanni_packed_t) { "\x81\xa1k\x05", 4 }));
    zmsg_t *zmsg = s_zmsg_of (msg);
    s_expect_text (zmsg, "all");
    s_expect_content (zmsg, "\x93\xa3one\x01\x91\xc3", 8);
    s_expect_content (zmsg, "\x93\x01\x02\x03", 4);
    s_expect_content (zmsg, "\x91\xcb\x3f\xe0\0\0\0\0\0\0", 10);
    s_expect_content (zmsg, "\x92\xa1" "a\xa1" "b", 5);
    s_expect_content (zmsg, "\xc0", 1);
    s_expect_content (zmsg, "\x81\xa1k\x05", 4);
    cr_assert_eq (zmsg_size (zmsg), 0);
    zmsg_destroy (&zmsg);
    zanni_msg_destroy (&msg);
    s_finish ();
}

static void
s_expect_refused (zanni_msg_t *msg, const char *fault)
{
    zmsg_t *zmsg = NULL;
    cr_assert_eq (zanni_msg_zmsg (msg, &zmsg), ZANNI_EARGS);
    cr_assert_null (zmsg);
    cr_assert (strstr (zanni_msg_fault (msg), fault), "fault: %s", zanni_msg_fault (msg));
    zanni_msg_destroy (&msg);
}

Test (zmsg, cannot_hold_a_reference)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    s_begin ();
    const zanni_bound_t bound = { zanni_self (root), "method" };
    cr_assert_eq (zanni_buffer_new (root, &buffer, 8), 0);
    s_expect_refused (s_message ("all", 1, zanni_self (root)), "argument 2");
    s_expect_refused (s_message ("all", &bound), "argument 1");
    s_expect_refused (s_message ("all", ZANNI_LIST (1, ZANNI_LIST (zanni_self (root)))), "argument 1");
    s_expect_refused (s_message ("all", 1, 2, ZANNI_LIST (buffer)), "argument 3");
    zanni_buffer_destroy (&buffer);
    s_finish ();
}

Test (zmsg, of_a_message_leaves_its_reading_alone)
{
    int64_t first = 0, second = 0, inner = 0;
    size_t count = 0;
    s_begin ();
    ZANNI_AUTO (zanni_msg_t) msg = s_message ("all", 1, ZANNI_LIST (5, 6), 2);
    cr_assert_eq (zanni_read (msg, &first), 0);
    cr_assert_eq (zanni_enter (msg, &count), 0);
    zmsg_t *zmsg = s_zmsg_of (msg);
    cr_assert_eq (zmsg_size (zmsg), 4);
    zmsg_destroy (&zmsg);
    cr_assert_eq (zanni_read (msg, &inner), 0);
    cr_assert_eq (zanni_leave (msg), 0);
    cr_assert_eq (zanni_read (msg, &second), 0);
    cr_assert (first == 1 && inner == 5 && second == 2);
    zanni_msg_destroy (&msg);
    s_finish ();
}

Test (zmsg, is_told_as_a_method_and_its_arguments)
{
    const char *text, *empty;
    zanni_bytes_t nul, wild;
    zmsg_t *zmsg = zmsg_new ();
    zmsg_addstr (zmsg, "method");
    zmsg_addstr (zmsg, "gr\xc3\xbc\xc3\x9f" "e");
    zmsg_addstr (zmsg, "");
    zmsg_addmem (zmsg, "a\0b", 3);
    zmsg_addmem (zmsg, "\xff\xfe", 2);
    s_begin ();
    cr_assert_eq (zanni_tell_zmsg_p (root, zanni_self (root), &zmsg), 0);
    cr_assert_null (zmsg);
    ZANNI_AUTO (zanni_msg_t) msg = s_next ();
    cr_assert_str_eq (zanni_msg_method (msg), "method");
    cr_assert_eq (zanni_read (msg, &text, &empty, &nul, &wild), 0, "%s", zanni_msg_fault (msg));
    cr_assert_str_eq (text, "gr\xc3\xbc\xc3\x9f" "e");
    cr_assert_str_eq (empty, "");
    cr_assert (nul.size == 3 && !memcmp (nul.data, "a\0b", 3));
    cr_assert (wild.size == 2 && !memcmp (wild.data, "\xff\xfe", 2));
    cr_assert_not (zanni_more (msg));
    zmsg = s_zmsg_of (msg);   // and back
    cr_assert_eq (zmsg_size (zmsg), 5);
    zmsg_destroy (&zmsg);
    zanni_msg_destroy (&msg);
    s_finish ();
}

/* Answers how its arguments were packed. */
static int
s_taker_take (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t *sum = zanni_state (self);
    const char *text;
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &text, &bytes);
    sum->size += rc ? 0 : strlen (text) + bytes.size;
    return rc;
}

static int
s_taker_sum (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_bytes_t *sum = zanni_state (self);
    return zanni_reply (self, msg, (uint64_t) sum->size);
}

static const zanni_method_t s_taker_methods [] = {
    ZANNI_METHOD ("take", "say", "", s_taker_take, "Takes a text and bytes."),
    ZANNI_METHOD ("sum", "", "t", s_taker_sum, "How long they were together."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_taker_class = {
    .name = "taker", .state_size = sizeof (zanni_bytes_t), .methods = s_taker_methods
};
static const zanni_class_t *const s_taker_classes [] = { &s_taker_class, NULL };

Test (zmsg, holds_bytes_where_the_signature_says_so_whatever_is_in_them)
{
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    uint64_t sum = 0;
    cr_assert_eq (zanni_init (s_taker_classes), 0);
    s_begin ();
    cr_assert_eq (zanni_spawn (root, &ref, "taker", NULL), 0);
    for (int i = 0; i < 2; i++) {
        zmsg_t *zmsg = zmsg_new ();
        zmsg_addstr (zmsg, "take");
        zmsg_addstr (zmsg, "text");
        zmsg_addstr (zmsg, i ? "\xff\xff" : "ab");
        cr_assert_eq (zanni_tell_zmsg_p (root, ref, &zmsg), 0);
    }
    cr_assert_eq (zanni_call (root, &reply, ref, "sum"), 0);
    cr_assert_eq (zanni_read (reply, &sum), 0);
    cr_assert_eq (sum, 12);
    zanni_msg_destroy (&reply);
    zanni_ref_destroy (&ref);
    s_finish ();
}

static void
s_expect_kept (zmsg_t *zmsg, const zanni_ref_t *ref, int code)
{
    size_t size = zmsg_size (zmsg);
    cr_assert_eq (zanni_tell_zmsg_p (root, ref, &zmsg), code);
    cr_assert_not_null (zmsg);
    cr_assert_eq (zmsg_size (zmsg), size);
    zmsg_destroy (&zmsg);
}

static zmsg_t *
s_frame (const void *data, size_t size)
{
    zmsg_t *zmsg = zmsg_new ();
    zmsg_addmem (zmsg, data, size);
    return zmsg;
}

Test (zmsg, that_cannot_be_told_stays_the_caller_s)
{
    char name [300];
    zmsg_t *none = NULL;
    memset (name, 'n', sizeof name);
    s_begin ();
    const zanni_ref_t *self = zanni_self (root);
    s_expect_kept (zmsg_new (), self, ZANNI_EINVAL);
    s_expect_kept (s_frame ("", 0), self, ZANNI_EINVAL);
    s_expect_kept (s_frame ("a\0b", 3), self, ZANNI_EINVAL);
    s_expect_kept (s_frame ("\xff", 1), self, ZANNI_EINVAL);
    s_expect_kept (s_frame (name, sizeof name), self, ZANNI_EINVAL);
    s_expect_kept (s_frame ("method", 6), NULL, ZANNI_EINVAL);
    cr_assert_eq (zanni_tell_zmsg_p (root, self, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_tell_zmsg_p (root, self, &none), ZANNI_EINVAL);
    cr_assert_eq (zanni_msg_zmsg (NULL, &none), ZANNI_EINVAL);
    zanni_msg_t *msg = s_message ("all");
    cr_assert_eq (zanni_msg_zmsg (msg, NULL), ZANNI_EINVAL);
    zanni_msg_destroy (&msg);
    s_finish ();
}
