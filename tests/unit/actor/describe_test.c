/* What an actor says when it is asked what it is. */

#include "support/faults.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zanni.h>

static int
handle (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static const zanni_method_t counter_methods [] = {
    ZANNI_METHOD ("get", "", "x", handle, "The total."),
    ZANNI_METHOD ("add", "x", "x", handle, "Adds a number."),
    ZANNI_PRIVATE ("tick", "", "", handle, "Nobody's business."),
    ZANNI_METHOD ("clear", "", "", handle, NULL),
    ZANNI_METHOD_END
};
static const zanni_class_t counter = { .name = "counter", .methods = counter_methods, .text = "Counts." };
static const zanni_method_t child_methods [] = {
    ZANNI_METHOD ("get", "", "x", handle, "The total of a child."),
    ZANNI_METHOD ("both", "xx", "", handle, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t child = { .name = "child", .parent = "counter", .methods = child_methods };
static const zanni_class_t bare = { .name = "bare" };
static const zanni_class_t *const classes [] = { &child, &counter, &bare, NULL };

typedef struct {
    const char *name;
    const char *in;
    const char *out;
    const char *text;
} method_t;

static zanni_t *self;

static void
begin (void)
{
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
}

static void
end (void)
{
    cr_assert_eq (zanni_destroy (&self), 0);
}

/* The description of an actor of this class, for the caller to destroy. */
static zanni_msg_t *
describe (const char *class_name)
{
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    zanni_msg_t *reply = NULL;
    cr_assert_eq (zanni_spawn (self, &ref, class_name, &(zanni_spawn_t) { .place = ZANNI_HERE }), 0);
    cr_assert_eq (zanni_call (self, &reply, ref, "zanni.describe"), 0);
    return reply;
}

/* Reads the list of methods, which must be these. */
static void
expect_methods (zanni_msg_t *reply, const method_t *expected, size_t count)
{
    size_t found, fields;
    cr_assert_eq (zanni_enter (reply, &found), 0);
    cr_assert_eq (found, count);
    for (size_t i = 0; i < count; i++) {
        method_t method;
        cr_assert_eq (zanni_enter (reply, &fields), 0);
        cr_assert_eq (fields, 4);
        cr_assert_eq (zanni_read (reply, &method.name, &method.in, &method.out, &method.text), 0);
        cr_assert_eq (zanni_leave (reply), 0);
        cr_assert_str_eq (method.name, expected [i].name);
        cr_assert_str_eq (method.in, expected [i].in);
        cr_assert_str_eq (method.out, expected [i].out);
        cr_assert_str_eq (method.text, expected [i].text);
    }
    cr_assert_eq (zanni_leave (reply), 0);
    cr_assert_not (zanni_more (reply));
}

static void
expect_class (zanni_msg_t *reply, const char *name, const char *text)
{
    const char *found_name, *found_text;
    cr_assert_eq (zanni_read (reply, &found_name, &found_text), 0);
    cr_assert_str_eq (found_name, name);
    cr_assert_str_eq (found_text, text);
}

TestSuite (describe, .init = begin, .fini = end);

Test (describe, answers_class_text_and_public_methods_by_name)
{
    static const method_t methods [] = {
        { "add", "x", "x", "Adds a number." }, { "clear", "", "", "" }, { "get", "", "x", "The total." }
    };
    ZANNI_AUTO (zanni_msg_t) reply = describe ("counter");
    expect_class (reply, "counter", "Counts.");
    expect_methods (reply, methods, 3);
}

Test (describe, answers_inherited_methods_and_overrides)
{
    static const method_t methods [] = {
        { "add", "x", "x", "Adds a number." },
        { "both", "xx", "", "" },
        { "clear", "", "", "" },
        { "get", "", "x", "The total of a child." }
    };
    ZANNI_AUTO (zanni_msg_t) reply = describe ("child");
    expect_class (reply, "child", "");
    expect_methods (reply, methods, 4);
}

Test (describe, answers_a_class_without_methods)
{
    ZANNI_AUTO (zanni_msg_t) reply = describe ("bare");
    expect_class (reply, "bare", "");
    expect_methods (reply, NULL, 0);
}

Test (describe, takes_no_arguments)
{
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    cr_assert_eq (zanni_spawn (self, &ref, "counter", &(zanni_spawn_t) { .place = ZANNI_HERE }), 0);
    cr_assert_eq (zanni_call (self, &reply, ref, "zanni.describe", 5), ZANNI_EARGS);
}

/* Memory runs out at the n-th allocation of the asked actor, for good. */

static void
begin_with_hook (void)
{
    faults_install ();
    begin ();
}

TestSuite (describe_with_hook, .init = begin_with_hook, .fini = end);

Test (describe_with_hook, without_memory_is_an_error_of_the_call)
{
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    int rc = ZANNI_ENOMEM;
    int round = 0;
    cr_assert_eq (zanni_spawn (self, &ref, "counter", &(zanni_spawn_t) { .place = ZANNI_HERE }), 0);
    for (; rc && round < 100; round++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        faults_fail (round + 1, 1000);
        rc = zanni_call (self, &reply, ref, "zanni.describe");
        faults_fail (0, 0);
        /* No reply: not even the error found memory, so the ask itself went back. */
        cr_assert (rc == 0 || rc == ZANNI_ENOMEM || rc == ZANNI_ENOREPLY, "round %d: %s", round, zanni_strerror (rc));
    }
    cr_assert_eq (rc, 0);
    cr_assert_gt (round, 2);
}
