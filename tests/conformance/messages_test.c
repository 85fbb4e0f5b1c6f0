/* Messages: what is sent arrives as it was, what is answered comes back as it was, and what is wrong is refused before
   any handler runs. */

#include "support.h"

/* Answers what it is asked with, each method for one type. */
#define ECHO_METHOD(name, type) \
    static int name (zanni_t *self, zanni_msg_t *msg) \
    { \
        type value; \
        int rc = zanni_read (msg, &value); \
        return rc ? rc : zanni_reply (self, msg, value); \
    }

ECHO_METHOD (echo_bool, bool)
ECHO_METHOD (echo_byte, unsigned char)
ECHO_METHOD (echo_int32, int32_t)
ECHO_METHOD (echo_uint32, uint32_t)
ECHO_METHOD (echo_int64, int64_t)
ECHO_METHOD (echo_uint64, uint64_t)
ECHO_METHOD (echo_double, double)
ECHO_METHOD (echo_string, const char *)
ECHO_METHOD (echo_bytes, zanni_bytes_t)
ECHO_METHOD (echo_any, zanni_packed_t)
ECHO_METHOD (echo_ref, const zanni_ref_t *)
ECHO_METHOD (echo_buffer, const zanni_buffer_t *)

static int
echo_bound (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bound_t bound;
    int rc = zanni_read (msg, &bound);
    return rc ? rc : zanni_reply (self, msg, (const zanni_bound_t *) &bound);
}

/* Two arguments come back in the other order. */
static int
echo_swapped (zanni_t *self, zanni_msg_t *msg)
{
    zanni_packed_t first, second;
    int rc = zanni_read (msg, &first, &second);
    return rc ? rc : zanni_reply (self, msg, second, first);
}

static int
echo_nothing (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

/* Calls a bound method. */
static int
echo_use (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bound_t bound;
    int rc = zanni_read (msg, &bound);
    return rc ? rc : zanni_tell (self, bound.ref, bound.method, "used");
}

static const zanni_method_t echo_methods [] = {
    ZANNI_METHOD ("bool", "b", "b", echo_bool, ""),
    ZANNI_METHOD ("byte", "y", "y", echo_byte, ""),
    ZANNI_METHOD ("int32", "i", "i", echo_int32, ""),
    ZANNI_METHOD ("uint32", "u", "u", echo_uint32, ""),
    ZANNI_METHOD ("int64", "x", "x", echo_int64, ""),
    ZANNI_METHOD ("uint64", "t", "t", echo_uint64, ""),
    ZANNI_METHOD ("double", "d", "d", echo_double, ""),
    ZANNI_METHOD ("string", "s", "s", echo_string, ""),
    ZANNI_METHOD ("bytes", "ay", "ay", echo_bytes, ""),
    ZANNI_METHOD ("any", "v", "v", echo_any, ""),
    ZANNI_METHOD ("ints", "ax", "ax", echo_any, ""),
    ZANNI_METHOD ("doubles", "ad", "ad", echo_any, ""),
    ZANNI_METHOD ("strings", "as", "as", echo_any, ""),
    ZANNI_METHOD ("struct", "(xsd)", "(xsd)", echo_any, ""),
    ZANNI_METHOD ("pairs", "a{sx}", "a{sx}", echo_any, ""),
    ZANNI_METHOD ("deep", "aaax", "aaax", echo_any, ""),
    ZANNI_METHOD ("ref", "r", "r", echo_ref, ""),
    ZANNI_METHOD ("buffer", "B", "B", echo_buffer, ""),
    ZANNI_METHOD ("bound", "M", "M", echo_bound, ""),
    ZANNI_METHOD ("swapped", "vv", "vv", echo_swapped, ""),
    ZANNI_METHOD ("nothing", "", "", echo_nothing, ""),
    ZANNI_METHOD ("forgets", "", "x", echo_nothing, ""),
    ZANNI_METHOD ("use", "M", "", echo_use, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t echo_class = { .name = "echo", .methods = echo_methods };

/* Answers in every way that there is, and remembers what the last one said. */
typedef struct {
    int handled;
    int last;
    zanni_ref_t *other;
} teller_t;

static int
teller_count (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    teller->handled++;
    return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_reply (self, msg, teller->handled) : 0;
}

static int
teller_handled (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    return zanni_reply (self, msg, teller->handled);
}

static int
teller_last (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    return zanni_reply (self, msg, teller->last);
}

static int
teller_twice (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    int rc = zanni_reply (self, msg, 1);
    teller->last = zanni_reply (self, msg, 2);
    return rc;
}

static int
teller_fail_too (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    int rc = zanni_reply (self, msg, 1);
    teller->last = zanni_fail (self, msg, 3, "too late");
    return rc;
}

static int
teller_reply_to_tell (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    teller->last = zanni_reply (self, msg, 1);
    return 0;
}

static int
teller_mistype (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    teller->last = zanni_reply (self, msg, "a number was promised");
    return teller->last;
}

static int
teller_correct (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    teller->last = zanni_reply (self, msg, "a number was promised");
    return zanni_reply (self, msg, 5);
}

static int
teller_code (zanni_t *self, zanni_msg_t *msg)
{
    int32_t code;
    int rc = zanni_read (msg, &code);
    (void) self;
    return rc ? rc : code;
}

static int
teller_reply_and_code (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_reply (self, msg, 8);
    return rc ? rc : ZANNI_EROUTE;
}

static int
teller_misread (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static int
teller_fail (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 42, "no disk", "sda", 7, ZANNI_LIST (1, 2));
}

static int
teller_fail_plainly (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, -9, "none");
}

/* In an encoding of its own. */
static int
teller_fail_strangely (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 5, "caf\xe9 closed");
}

static int
teller_know (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_ref_keep (self, &teller->other, other);
}

/* What another answered goes to our own asker. */
static void
teller_passed (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_msg_t *asked = arg;
    zanni_error_t error;
    int rc = zanni_msg_error (reply, &error);
    if (!rc)
        rc = zanni_pass (self, asked, &error);
    if (rc)
        rc = zanni_fail (self, asked, rc, "cannot pass it on");
    zanni_msg_destroy (&asked);
}

/* The same, with the data of the error. */
static void
teller_passed_whole (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_msg_t *asked = arg;
    zanni_error_t error;
    int rc = zanni_msg_error (reply, &error);
    error.data = reply;
    if (!rc)
        rc = zanni_pass (self, asked, &error);
    (void) rc;
    zanni_msg_destroy (&asked);
}

static int
teller_pass_whole (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    zanni_msg_t *kept;
    int rc = zanni_msg_keep (&kept, msg);
    const zanni_ask_t ask = { .then = teller_passed_whole, .arg = kept };
    return rc ? rc : zanni_ask (self, teller->other, &ask, "fail");
}

/* By an owner of its worker, which calls. */
static int
teller_call_and_pass (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    zanni_msg_t *none = NULL;
    zanni_error_t error = { 0 };
    const zanni_ask_t ask = { .error = &error };
    int rc = zanni_call_with (self, &none, teller->other, &ask, "fail");
    if (rc == ZANNI_EAPP)
        rc = zanni_pass (self, msg, &error);
    zanni_error_reset (&error);
    return rc;
}

static int
teller_pass (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    zanni_msg_t *kept;
    int rc = zanni_msg_keep (&kept, msg);
    const zanni_ask_t ask = { .then = teller_passed, .arg = kept };
    return rc ? rc : zanni_ask (self, teller->other, &ask, "fail");
}

static void
teller_got (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_msg_t *asked = arg;
    int64_t number = -1;
    int rc = zanni_msg_kind (reply) == ZANNI_MSG_REPLY ? zanni_read (reply, &number) : ZANNI_EAPP;
    if (!rc)
        rc = zanni_reply (self, asked, number);
    if (rc)
        rc = zanni_fail (self, asked, rc, "no number came");
    zanni_msg_destroy (&asked);
}

/* Asks another, and answers what that one says. */
static int
teller_relay (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    zanni_msg_t *kept;
    int rc = zanni_msg_keep (&kept, msg);
    const zanni_ask_t ask = { .then = teller_got, .arg = kept };
    return rc ? rc : zanni_ask (self, teller->other, &ask, "count");
}

/* The private method, by way of a tell to itself. */
static int
teller_secretly (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_tell (self, zanni_self (self), "secret", 11);
}

static int
teller_secret (zanni_t *self, zanni_msg_t *msg)
{
    teller_t *teller = zanni_state (self);
    int32_t number;
    int rc = zanni_read (msg, &number);
    teller->last = rc ? rc : number;
    return rc;
}

static const zanni_method_t teller_methods [] = {
    ZANNI_METHOD ("count", "", "x", teller_count, ""),
    ZANNI_METHOD ("add", "xs", "x", teller_count, ""),
    ZANNI_METHOD ("sum", "a(xd)", "x", teller_count, ""),
    ZANNI_METHOD ("handled", "", "x", teller_handled, ""),
    ZANNI_METHOD ("last", "", "i", teller_last, ""),
    ZANNI_METHOD ("twice", "", "x", teller_twice, ""),
    ZANNI_METHOD ("fail too", "", "x", teller_fail_too, ""),
    ZANNI_METHOD ("reply to tell", "", "x", teller_reply_to_tell, ""),
    ZANNI_METHOD ("mistype", "", "x", teller_mistype, ""),
    ZANNI_METHOD ("correct", "", "x", teller_correct, ""),
    ZANNI_METHOD ("code", "i", "x", teller_code, ""),
    ZANNI_METHOD ("reply and code", "", "x", teller_reply_and_code, ""),
    ZANNI_METHOD ("misread", "v", "x", teller_misread, ""),
    ZANNI_METHOD ("fail", "", "x", teller_fail, ""),
    ZANNI_METHOD ("fail strangely", "", "x", teller_fail_strangely, ""),
    ZANNI_METHOD ("fail plainly", "", "x", teller_fail_plainly, ""),
    ZANNI_METHOD ("know", "r", "", teller_know, ""),
    ZANNI_METHOD ("pass", "", "x", teller_pass, ""),
    ZANNI_METHOD ("pass whole", "", "x", teller_pass_whole, ""),
    ZANNI_METHOD ("call and pass", "", "x", teller_call_and_pass, ""),
    ZANNI_METHOD ("relay", "", "x", teller_relay, ""),
    ZANNI_METHOD ("secretly", "", "", teller_secretly, ""),
    STATS_METHOD,
    ZANNI_PRIVATE ("secret", "i", "", teller_secret, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t teller_class = {
    .name = "teller", .state_size = sizeof (teller_t), .methods = teller_methods
};

CLASSES (&echo_class, &teller_class);

#define expect_echo(ref, method, type, ...) \
    do { \
        const type values [] = { __VA_ARGS__ }; \
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) { \
            type echoed = 0; \
            ZANNI_AUTO (zanni_msg_t) reply = call (ref, method, values [i]); \
            cr_assert_eq (zanni_read (reply, &echoed), 0); \
            cr_assert (echoed == values [i], "%s: value %zu came back as another", method, i); \
            cr_assert_not (zanni_more (reply)); \
        } \
    } while (0)

EVERYWHERE (messages, numbers_come_back_as_they_were)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    expect_echo (echo, "bool", bool, true, false);
    expect_echo (echo, "byte", unsigned char, 0, 1, 127, 128, 255);
    expect_echo (echo, "int32", int32_t, 0, 1, -1, 127, -128, 32768, INT32_MAX, INT32_MIN);
    expect_echo (echo, "uint32", uint32_t, 0, 1, 128, 65536, UINT32_MAX);
    expect_echo (echo, "int64", int64_t, 0, -1, INT32_MIN, INT64_MAX, INT64_MIN);
    expect_echo (echo, "uint64", uint64_t, 0, 1, UINT32_MAX, UINT64_MAX);
    expect_echo (echo, "double", double, 0, -1.5, 1e300, 3);
}

EVERYWHERE (messages, strings_and_bytes_come_back_as_they_were)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    char *lengthy = malloc (100001);
    memset (lengthy, 'x', 100000);
    lengthy [100000] = 0;
    const char *const texts [] = { "", "short", "Zürich \xe2\x82\xac", lengthy };
    for (size_t i = 0; i < 4; i++) {
        const char *text = NULL;
        zanni_bytes_t bytes = { 0 };
        ZANNI_AUTO (zanni_msg_t) said = call (echo, "string", texts [i]);
        cr_assert_eq (zanni_read (said, &text), 0);
        cr_assert_str_eq (text, texts [i]);
        zanni_bytes_t sent = { texts [i], strlen (texts [i]) + 1 };   // with a NUL
        ZANNI_AUTO (zanni_msg_t) shown = call (echo, "bytes", sent);
        cr_assert_eq (zanni_read (shown, &bytes), 0);
        cr_assert_eq (bytes.size, sent.size);
        cr_assert_arr_eq (bytes.data, sent.data, sent.size);
    }
    free (lengthy);
}

EVERYWHERE (messages, lists_come_back_as_they_were)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    const int64_t ints [] = { 1, -2, 3000000000 };
    const double doubles [] = { 0.5, -1e9 };
    const char *const strings [] = { "one", "", "three" };
    size_t count = 0;
    int64_t number = 0;
    double real = 0;
    const char *text = "";

    ZANNI_AUTO (zanni_msg_t) one = call (echo, "ints", zanni_arg_ints (ints, 3));
    cr_assert_eq (zanni_enter (one, &count), 0);
    cr_assert_eq (count, 3);
    for (size_t i = 0; i < count; i++)
        cr_assert (!zanni_read (one, &number) && number == ints [i]);
    ZANNI_AUTO (zanni_msg_t) two = call (echo, "doubles", zanni_arg_doubles (doubles, 2));
    cr_assert_eq (zanni_enter (two, &count), 0);
    cr_assert_eq (count, 2);
    cr_assert (!zanni_skip (two) && !zanni_read (two, &real) && real == doubles [1]);
    ZANNI_AUTO (zanni_msg_t) three = call (echo, "strings", zanni_arg_strings (strings, 3));
    cr_assert_eq (zanni_enter (three, &count), 0);
    cr_assert_eq (count, 3);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq (zanni_read (three, &text), 0);
        cr_assert_str_eq (text, strings [i]);
    }
    cr_assert_eq (zanni_leave (three), 0);
    cr_assert_not (zanni_more (three));
}

EVERYWHERE (messages, structs_pairs_and_nested_lists_come_back_as_they_were)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    size_t count = 0;
    int64_t number = 0;
    double real = 0;
    const char *text = "";

    ZANNI_AUTO (zanni_msg_t) one = call (echo, "struct", ZANNI_LIST (5, "five", 5.5));
    cr_assert_eq (zanni_enter (one, &count), 0);
    cr_assert (!zanni_read (one, &number, &text, &real) && number == 5 && real == 5.5);
    cr_assert_str_eq (text, "five");
    ZANNI_AUTO (zanni_msg_t) two = call (echo, "pairs", ZANNI_LIST (ZANNI_LIST ("a", 1), ZANNI_LIST ("b", 2)));
    cr_assert (!zanni_enter (two, &count) && count == 2);
    cr_assert_eq (zanni_skip (two), 0);
    cr_assert (!zanni_enter (two, &count) && count == 2);
    cr_assert (!zanni_read (two, &text, &number) && number == 2);
    cr_assert_str_eq (text, "b");
    ZANNI_AUTO (zanni_msg_t) three = call (echo, "deep", ZANNI_LIST (ZANNI_LIST (ZANNI_LIST (1, 2), ZANNI_LIST (3))));
    cr_assert (!zanni_enter (three, &count) && count == 1);
    cr_assert (!zanni_enter (three, &count) && count == 2);
    cr_assert_eq (zanni_skip (three), 0);
    cr_assert (!zanni_enter (three, &count) && count == 1);
    cr_assert (!zanni_read (three, &number) && number == 3);
}

EVERYWHERE (messages, any_value_comes_back_as_it_was)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    int64_t number = 0;
    const char *text = "";
    bool yes = false;
    ZANNI_AUTO (zanni_msg_t) one = call (echo, "any", 77);
    cr_assert (!zanni_read (one, &number) && number == 77);
    ZANNI_AUTO (zanni_msg_t) two = call (echo, "any", "text");
    cr_assert_eq (zanni_read (two, &text), 0);
    cr_assert_str_eq (text, "text");
    ZANNI_AUTO (zanni_msg_t) three = call (echo, "swapped", "first", true);
    cr_assert (!zanni_read (three, &yes, &text) && yes);
    cr_assert_str_eq (text, "first");
}

EVERYWHERE (messages, references_come_back_as_they_were)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("teller");
    const zanni_ref_t *back = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = call (echo, "ref", other);
    cr_assert_eq (zanni_read (reply, &back), 0);
    cr_assert (zanni_ref_equal (back, other));
    cr_assert_str_eq (zanni_ref_class (back), "teller");
    cr_assert_eq (call_int (back, "count"), 1);
}

EVERYWHERE (messages, bound_methods_come_back_as_they_were_and_can_be_told)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    zanni_bound_t bound = { zanni_self (root), "saw" };
    zanni_bound_t back = { 0 };
    ZANNI_AUTO (zanni_msg_t) reply = call (echo, "bound", &bound);
    cr_assert_eq (zanni_read (reply, &back), 0);
    cr_assert (zanni_ref_equal (back.ref, zanni_self (root)));
    cr_assert_str_eq (back.method, "saw");
    tell (echo, "use", &bound);
    expect ("used");
}

EVERYWHERE (messages, buffers_come_back_as_they_were)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    const zanni_buffer_t *back = NULL;
    void *data;
    cr_assert_eq (zanni_buffer_new (root, &buffer, 3), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memcpy (data, "abc", 3);
    ZANNI_AUTO (zanni_msg_t) reply = call (echo, "buffer", buffer);
    cr_assert_eq (zanni_read (reply, &back), 0);
    cr_assert_eq (zanni_buffer_size (back), 3);
    cr_assert_arr_eq (zanni_buffer_data (back), "abc", 3);
}

EVERYWHERE (messages, integers_widen_and_zero_and_one_are_booleans)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    bool yes = false;
    double real = 0;
    ZANNI_AUTO (zanni_msg_t) one = call (echo, "bool", 1);
    cr_assert (!zanni_read (one, &yes) && yes);
    ZANNI_AUTO (zanni_msg_t) two = call (echo, "double", 12);
    cr_assert (!zanni_read (two, &real) && real == 12);
}

EVERYWHERE (messages, a_tell_is_handled_and_an_ask_is_answered_by_callback)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("teller");
    tell (teller, "know", other);
    tell (other, "count");
    tell (other, "count");
    cr_assert_eq (call_int (other, "handled"), 2);
    cr_assert_eq (call_int (teller, "relay"), 3);
    cr_assert_eq (call_int (teller, "relay"), 4);
}

EVERYWHERE (messages, an_ask_without_callback_is_received_with_its_number)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    uint64_t first = 0, second = 0;
    int64_t number = 0;
    cr_assert_eq (zanni_ask (root, teller, &(zanni_ask_t) { .id_p = &first }, "count"), 0);
    cr_assert_eq (zanni_ask (root, teller, &(zanni_ask_t) { .id_p = &second }, "fail"), 0);
    cr_assert_neq (first, second);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_msg_id (reply), first);
    cr_assert_str_eq (zanni_msg_method (reply), "");
    cr_assert (zanni_ref_equal (zanni_msg_from (reply), teller));
    cr_assert (!zanni_read (reply, &number) && number == 1);
    ZANNI_AUTO (zanni_msg_t) failure = next ();
    zanni_error_t error;
    zanni_down_t down;
    cr_assert_eq (zanni_msg_kind (failure), ZANNI_MSG_ERROR);
    cr_assert_eq (zanni_msg_id (failure), second);
    cr_assert_eq (zanni_msg_error (failure, &error), 0);
    cr_assert_eq (error.app_code, 42);
    cr_assert_eq (zanni_msg_error (reply, &error), ZANNI_EINVAL);
    cr_assert_eq (zanni_msg_down (reply, &down), ZANNI_EINVAL);
}

static int s_answers;

static void
count_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    int64_t number = 0;
    s_answers += arg == &s_answers && !zanni_read (reply, &number) && number == 1;
    (void) zanni_exit (self);
}

EVERYWHERE (messages, the_root_gets_its_callbacks_while_it_runs_and_only_then)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    const zanni_ask_t ask = { .then = count_answer, .arg = &s_answers };
    cr_assert_eq (zanni_ask (root, teller, &ask, "count"), 0);
    cr_assert_eq (call_int (teller, "handled"), 1);
    expect_nothing ();
    cr_assert_eq (zanni_ask (root, teller, NULL, "count"), 0);
    ZANNI_AUTO (zanni_msg_t) reply = next ();   // overtakes what waits for its callback
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_eq (s_answers, 0);
    cr_assert_eq (zanni_run (root, DEADLINE_MS), 0);
    cr_assert_eq (s_answers, 1);
    expect_nothing ();
}

EVERYWHERE (messages, a_handler_without_reply_answers_empty_or_no_reply)
{
    ZANNI_AUTO (zanni_ref_t) echo = spawn ("echo");
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_msg_t) reply = call (echo, "nothing");
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_not (zanni_more (reply));
    cr_assert_eq (refused (&error, echo, "forgets"), ZANNI_ENOREPLY);
    cr_assert_not_null (strstr (error.text, "forgets"));
}

EVERYWHERE (messages, a_second_answer_is_refused_and_one_to_a_tell_does_nothing)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    cr_assert_eq (call_int (teller, "twice"), 1);
    cr_assert_eq (call_int (teller, "last"), ZANNI_EREPLIED);
    cr_assert_eq (call_int (teller, "fail too"), 1);
    cr_assert_eq (call_int (teller, "last"), ZANNI_EREPLIED);
    tell (teller, "reply to tell");
    cr_assert_eq (call_int (teller, "last"), 0);
    cr_assert_eq (stats ().late_replies, 0);
}

EVERYWHERE (messages, a_result_of_the_wrong_type_is_not_sent)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, teller, "mistype"), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "result of mistype: argument 1 is a string, int64 (x) was wanted"),
                        "the text is: %s", error.text);
    cr_assert_eq (call_int (teller, "last"), ZANNI_EARGS);
    cr_assert_eq (call_int (teller, "correct"), 5);
    cr_assert_eq (call_int (teller, "last"), ZANNI_EARGS);
}

EVERYWHERE (messages, what_a_handler_returns_reaches_the_asker)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    zanni_address_t address = zanni_ref_address (teller);
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, teller, "code", (int) ZANNI_EROUTE), ZANNI_EROUTE);
    cr_assert_str_eq (error.text, zanni_strerror (ZANNI_EROUTE));
    cr_assert_eq (memcmp (&error.origin, &address, sizeof address), 0);
    cr_assert_eq (refused (&error, teller, "misread", "text"), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "argument 1 is a string, int64 was wanted"), "the text is: %s", error.text);
    cr_assert_eq (call_int (teller, "reply and code"), 8);
    cr_assert_eq (call_int (teller, "count"), 1, "the actor lives on");
}

EVERYWHERE (messages, what_a_handler_of_a_tell_returns_is_counted_and_logged)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    tell (teller, "code", (int) ZANNI_EROUTE);
    tell (teller, "code", 0);
    cr_assert_eq (call_int (teller, "count"), 1);
    cr_assert_eq (stats_of (teller).failed_tells, 1);
    if (!apart ())
        cr_assert (logged ("teller.code answered a tell with \"no route\""));
}

/* The method fails in the end with what "fail" of `origin` says. */
static void
expect_failure (const zanni_ref_t *ref, const char *method, const zanni_ref_t *origin)
{
    zanni_address_t address = zanni_ref_address (origin);
    zanni_error_t error = { 0 };
    const char *device = "";
    int64_t number = 0;
    size_t count = 0;
    cr_assert_eq (refused (&error, ref, method), ZANNI_EAPP);
    cr_assert_eq (error.app_code, 42);
    cr_assert_str_eq (error.text, "no disk");
    cr_assert_eq (memcmp (&error.origin, &address, sizeof address), 0);
    cr_assert_not_null (error.data);
    cr_assert_eq (zanni_read (error.data, &device, &number), 0);
    cr_assert_str_eq (device, "sda");
    cr_assert_eq (number, 7);
    cr_assert (!zanni_enter (error.data, &count) && count == 2);
    zanni_error_reset (&error);
    cr_assert_null (error.data);
}

EVERYWHERE (messages, an_application_error_carries_code_text_and_data)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    zanni_error_t error = { 0 };
    expect_failure (teller, "fail", teller);
    cr_assert_eq (refused (&error, teller, "fail strangely"), ZANNI_EAPP);
    cr_assert_str_eq (error.text, "caf? closed");
    cr_assert_eq (refused (&error, teller, "fail plainly"), ZANNI_EAPP);
    cr_assert_eq (error.app_code, -9);
    cr_assert_str_eq (error.text, "none");
    cr_assert_null (error.data);
    cr_assert_eq (refused (&error, teller, "subtract"), ZANNI_ENOMETHOD);
    cr_assert_null (error.data);
}

EVERYWHERE (messages, an_error_that_is_passed_on_keeps_where_it_arose)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("teller");
    zanni_address_t address = zanni_ref_address (other);
    zanni_error_t error = { 0 };
    tell (teller, "know", other);
    cr_assert_eq (refused (&error, teller, "pass"), ZANNI_EAPP);
    cr_assert_eq (error.app_code, 42);
    cr_assert_str_eq (error.text, "no disk");
    cr_assert_eq (memcmp (&error.origin, &address, sizeof address), 0);
    zanni_error_reset (&error);
    expect_failure (teller, "pass whole", other);
    if (owns ())
        expect_failure (teller, "call and pass", other);
}

EVERYWHERE (messages, wrong_arguments_are_refused_before_the_handler)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    zanni_error_t error = { 0 };
    static const struct {
        const char *text;
    } wanted [] = {
        { "bad arguments for add: argument 1 is a string, int64 (x) was wanted" },
        { "bad arguments for add: argument 2 is an integer, string (s) was wanted" },
        { "bad arguments for add: argument 2 is missing, string (s) was wanted" },
        { "bad arguments for add: 2 arguments were wanted, argument 3 is too many" },
        { "bad arguments for sum: item 2 of item 2 of argument 1 is a string, double (d) was wanted" },
    };
    for (size_t i = 0; i < 5; i++) {
        int rc = 0;
        switch (i) {
        case 0:
            rc = refused (&error, teller, "add", "one", "text");
            break;
        case 1:
            rc = refused (&error, teller, "add", 1, 2);
            break;
        case 2:
            rc = refused (&error, teller, "add", 1);
            break;
        case 3:
            rc = refused (&error, teller, "add", 1, "text", 3);
            break;
        default:
            rc = refused (&error, teller, "sum", ZANNI_LIST (ZANNI_LIST (1, 1.0), ZANNI_LIST (2, "two")));
        }
        cr_assert_eq (rc, ZANNI_EARGS);
        cr_assert_str_eq (error.text, wanted [i].text);
    }
    cr_assert_eq (stats_of (teller).dead_letters, 0);
    tell (teller, "add", 1, 2);
    cr_assert_eq (call_int (teller, "handled"), 0);
    cr_assert_eq (stats_of (teller).dead_letters, 1);
}

EVERYWHERE (messages, a_method_that_is_not_there_is_said_so)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, teller, "subtract", 1), ZANNI_ENOMETHOD);
    cr_assert_str_eq (error.text, "no such method: class teller has no subtract");
    tell (teller, "subtract", "some", "text");
    cr_assert_eq (call_int (teller, "handled"), 0);
    cr_assert_eq (stats_of (teller).dead_letters, 1);
}

EVERYWHERE (messages, a_private_method_is_for_the_actor_itself)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, teller, "secret", 12), ZANNI_EPERM);
    cr_assert_str_eq (error.text, "not permitted: secret of class teller is private");
    tell (teller, "secret", 13);
    cr_assert_eq (call_int (teller, "last"), 0);
    cr_assert_eq (stats_of (teller).dead_letters, 1);
    done (teller, "secretly");
    cr_assert_eq (call_int (teller, "last"), 11);
}

EVERYWHERE (messages, what_cannot_be_sent_is_an_error_at_once)
{
    ZANNI_AUTO (zanni_ref_t) teller = spawn ("teller");
    const char *none = NULL;
    const zanni_ref_t *nobody = NULL;
    cr_assert_eq (zanni_tell (root, NULL, "count"), ZANNI_EINVAL);
    cr_assert_eq (zanni_tell (root, teller, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_tell (root, teller, "add", 1, none), ZANNI_EARGS);
    cr_assert_eq (zanni_tell (root, teller, "know", nobody), ZANNI_EARGS);
    cr_assert_eq (zanni_tell (root, teller, "add", 1, "not \xff UTF-8"), ZANNI_EARGS);
    cr_assert_eq (zanni_ask (root, NULL, NULL, "count"), ZANNI_EINVAL);
    cr_assert_eq (call_int (teller, "count"), 1);
}
