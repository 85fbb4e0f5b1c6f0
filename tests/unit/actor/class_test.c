/* Registration: what is a fault and how it is told, what a class inherits, and how it is found. Each test is a process
   of its own, so each begins with an empty table. */

#include "actor/class.h"
#include "support/faults.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zanni/log.h>

#define CLASSES(...) ((const zanni_class_t *const []) { __VA_ARGS__, NULL })
#define METHODS(...) ((const zanni_method_t []) { __VA_ARGS__, ZANNI_METHOD_END })
#define PLAIN(name) ZANNI_METHOD (name, "x", "x", handle, "A method.")
#define LONG_NAME "a123456789b123456789c123456789d123456789e123456789f123456789g123"   // 64 bytes

static int
handle (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static int
handle_otherwise (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 1;
}

static int
run (zanni_t *self)
{
    (void) self;
    return 0;
}

static int
run_otherwise (zanni_t *self)
{
    (void) self;
    return 1;
}

static void
down (zanni_t *self, const zanni_down_t *message)
{
    (void) self;
    (void) message;
}

static void
expect_registered (const zanni_class_t *const *classes)
{
    zanni_error_t error = { .code = 0 };
    cr_assert_eq (zanni_register (classes, &error), 0, "%s", error.text);
}

static void
expect_fault_in (const zanni_class_t *const *classes, const char *text)
{
    zanni_error_t error = { .code = 0 };
    cr_assert_eq (zanni_register (classes, &error), ZANNI_ECLASS);
    cr_assert_eq (error.code, ZANNI_ECLASS);
    cr_assert_str_eq (error.text, text);
}

static void
expect_fault (zanni_class_t cls, const char *text)
{
    expect_fault_in (CLASSES (&cls), text);
    cr_assert_null (zanni__class_find (cls.name));
}

/* The fault of a class "bad" with these methods. */
static void
expect_method_fault (const zanni_method_t *methods, const char *text)
{
    expect_fault ((zanni_class_t) { .name = "bad", .methods = methods }, text);
}

static const zanni_method_t parent_methods [] = {
    ZANNI_METHOD ("add", "x", "x", handle, "Adds."),
    ZANNI_METHOD ("get", "", "x", handle, "Gets."),
    ZANNI_PRIVATE ("tick", "", "", handle, "Ticks."),
    ZANNI_METHOD_END
};
static const zanni_class_t parent = {
    .name = "parent", .state_size = 16, .methods = parent_methods, .start_in = "si", .start = handle
};

/* The fault of a class "child" of that one. */
static void
expect_child_fault (zanni_class_t child, const char *text)
{
    child.name = "child";
    child.parent = "parent";
    expect_registered (CLASSES (&parent));
    expect_fault (child, text);
}

static const zanni__class_t *
register_child (zanni_class_t child)
{
    static zanni_class_t kept;
    kept = child;
    kept.name = "child";
    kept.parent = "parent";
    expect_registered (CLASSES (&parent, &kept));
    return zanni__class_find ("child");
}

Test (class, without_a_name_is_told_by_its_position)
{
    static const zanni_class_t good = { .name = "good" };
    static const zanni_class_t bad = { .name = NULL };
    expect_fault_in (CLASSES (&good, &bad), "class 2 of the array has no name");
}

Test (class, with_an_empty_name_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = "" }, "class 1 of the array has no name");
}

Test (class, name_of_63_bytes_is_possible)
{
    zanni_class_t cls = { .name = &LONG_NAME [1] };
    expect_registered (CLASSES (&cls));
}

Test (class, name_of_64_bytes_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = LONG_NAME },
                  "class \"a123456789b123456789c123456789d123456789e123456789f123456789g12\" has a name of 64 bytes, "
                  "at most 63 are possible");
}

Test (class, name_that_is_ours_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = "zanni.counter" },
                  "class \"zanni.counter\": names beginning with \"zanni.\" are zanni's own: choose another");
}

Test (class, name_that_only_resembles_ours_is_possible)
{
    static const zanni_class_t cls = { .name = "zannis" };
    expect_registered (CLASSES (&cls));
}

Test (class, name_that_is_not_utf8_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = "caf\xe9" }, "class 1 of the array has a name that is not UTF-8");
}

Test (class, text_that_is_not_utf8_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = "bad", .text = "\xff" }, "class \"bad\": its text is not UTF-8");
}

Test (class, method_without_a_name_is_told_by_its_position)
{
    expect_method_fault (METHODS (PLAIN ("add"), PLAIN (NULL)), "class \"bad\", method 2 has no name");
}

Test (class, method_with_an_empty_name_is_a_fault)
{
    expect_method_fault (METHODS (PLAIN ("")), "class \"bad\", method 1 has no name");
}

Test (class, method_name_of_64_bytes_is_a_fault)
{
    expect_method_fault (METHODS (PLAIN (LONG_NAME)),
                         "class \"bad\", method \"a123456789b123456789c123456789d123456789e123456789f123456789g12\" "
                         "has a name of 64 bytes, at most 63 are possible");
}

Test (class, method_name_that_is_ours_is_a_fault)
{
    expect_method_fault (METHODS (PLAIN ("zanni.describe")),
                         "class \"bad\", method \"zanni.describe\": names beginning with \"zanni.\" are zanni's own: "
                         "choose another");
}

Test (class, method_twice_in_its_table_is_a_fault)
{
    expect_method_fault (METHODS (PLAIN ("add"), PLAIN ("get"), PLAIN ("add")),
                         "class \"bad\", method \"add\" stands in the table twice");
}

Test (class, method_without_a_handler_is_a_fault)
{
    expect_method_fault (METHODS (ZANNI_METHOD ("add", "x", "x", NULL, NULL)),
                         "class \"bad\", method \"add\" has no handler");
}

Test (class, method_with_unknown_flags_is_a_fault)
{
    expect_method_fault (METHODS ({ "add", "x", "x", handle, NULL, 0x11, NULL }),
                         "class \"bad\", method \"add\" has unknown flags 0x10");
}

Test (class, method_text_that_is_not_utf8_is_a_fault)
{
    expect_method_fault (METHODS (ZANNI_METHOD ("add", "x", "x", handle, "\xff")),
                         "class \"bad\", method \"add\": its text is not UTF-8");
}

Test (class, method_text_may_be_left_out)
{
    zanni_class_t cls = { .name = "terse", .methods = METHODS (ZANNI_METHOD ("add", "x", "x", handle, NULL)) };
    expect_registered (CLASSES (&cls));
}

Test (class, wrong_letter_in_the_arguments_is_told_by_its_position)
{
    expect_method_fault (METHODS (ZANNI_METHOD ("add", "xq", "x", handle, NULL)),
                         "class \"bad\", method \"add\": in \"xq\" is no signature, letter 2 is wrong");
}

Test (class, wrong_letter_in_the_answer_is_told_by_its_position)
{
    expect_method_fault (METHODS (ZANNI_METHOD ("add", "x", "?", handle, NULL)),
                         "class \"bad\", method \"add\": out \"?\" is no signature, letter 1 is wrong");
}

Test (class, wrong_letter_in_the_start_arguments_is_told_by_its_position)
{
    expect_fault ((zanni_class_t) { .name = "bad", .start_in = "sz" },
                  "class \"bad\": start_in \"sz\" is no signature, letter 2 is wrong");
}

Test (class, signature_that_ends_too_early_is_a_fault)
{
    expect_method_fault (METHODS (ZANNI_METHOD ("add", "(xs", "x", handle, NULL)),
                         "class \"bad\", method \"add\": in \"(xs\" ends too early");
}

Test (class, method_without_a_signature_is_a_fault)
{
    expect_method_fault (METHODS (ZANNI_METHOD ("add", NULL, "x", handle, NULL)),
                         "class \"bad\", method \"add\": in is NULL, \"\" is the signature of nothing");
}

#define MOST_METHODS 1019   // beside the five that every class has

/* A table of `count` methods, at most 1024; with `end` or without. */
static const zanni_method_t *
many_methods (size_t count, bool end)
{
    static zanni_method_t methods [1025];
    static char names [1025] [24];
    for (size_t i = 0; i <= count; i++) {
        snprintf (names [i], sizeof names [i], "m%zu", i);
        methods [i] = (zanni_method_t) PLAIN (names [i]);
    }
    if (end)
        methods [count] = (zanni_method_t) ZANNI_METHOD_END;
    return methods;
}

Test (class, may_have_many_methods)
{
    zanni_class_t cls = { .name = "large", .methods = many_methods (MOST_METHODS, true) };
    expect_registered (CLASSES (&cls));
    const zanni__class_t *compiled = zanni__class_find ("large");
    for (size_t i = 0; i < MOST_METHODS; i++)
        cr_assert_eq (zanni__class_method (compiled, cls.methods [i].name)->name, cls.methods [i].name);
}

Test (class, with_a_table_that_does_not_end_is_a_fault)
{
    expect_method_fault (many_methods (1024, false),
                         "class \"bad\" has over 1024 methods, or its table lacks ZANNI_METHOD_END");
}

Test (class, with_too_many_inherited_methods_is_a_fault)
{
    static zanni_class_t elder = { .name = "elder" };
    elder.methods = many_methods (MOST_METHODS, true);
    zanni_class_t cls = { .name = "bad", .parent = "elder", .methods = METHODS (PLAIN ("add")) };
    expect_registered (CLASSES (&elder));
    expect_fault (cls, "class \"bad\" has 1025 methods with the inherited ones, at most 1024 are possible");
}

Test (class, with_an_unknown_parent_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = "bad", .parent = "nobody" },
                  "class \"bad\": no class has the name of its parent, \"nobody\": register that before or with it");
}

Test (class, that_is_its_own_parent_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = "bad", .parent = "bad" },
                  "class \"bad\" inherits from itself, by its parent \"bad\"");
}

Test (class, circle_of_parents_is_a_fault)
{
    static const zanni_class_t one = { .name = "one", .parent = "two" };
    static const zanni_class_t two = { .name = "two", .parent = "one" };
    zanni_error_t error;
    cr_assert_eq (zanni_register (CLASSES (&one, &two), &error), ZANNI_ECLASS);
    cr_assert_not_null (strstr (error.text, "inherits from itself"));
}

Test (class, below_a_circle_of_parents_is_told_of_one_in_it)
{
    static const zanni_class_t leaf = { .name = "leaf", .parent = "one" };
    static const zanni_class_t one = { .name = "one", .parent = "one" };
    expect_fault_in (CLASSES (&leaf, &one), "class \"one\" inherits from itself, by its parent \"one\"");
}

Test (class, parent_may_stand_later_in_the_array)
{
    static const zanni_class_t three = { .name = "three", .parent = "two" };
    static const zanni_class_t two = { .name = "two", .parent = "one" };
    static const zanni_class_t one = { .name = "one" };
    expect_registered (CLASSES (&three, &one, &two));
    cr_assert_eq (zanni__class_find ("three")->parent, zanni__class_find ("two"));
    cr_assert_eq (zanni__class_find ("two")->parent, zanni__class_find ("one"));
}

/* A line of `count` classes, at most 40, the youngest first. */
static const zanni_class_t *const *
line_of (size_t count)
{
    static zanni_class_t line [40];
    static const zanni_class_t *classes [41];
    static char names [40] [24];
    for (size_t i = 0; i < count; i++) {
        snprintf (names [i], sizeof names [i], "c%zu", i);
        line [i].name = names [i];
        line [i].parent = i + 1 < count ? names [i + 1] : NULL;
        classes [i] = &line [i];
    }
    return classes;
}

Test (class, may_have_31_ancestors)
{
    expect_registered (line_of (32));
}

Test (class, with_32_ancestors_is_a_fault)
{
    expect_fault_in (line_of (33), "class \"c0\" has 32 ancestors, at most 31 are possible");
}

Test (class, override_with_other_arguments_is_a_fault)
{
    expect_child_fault (
        (zanni_class_t) { .state_size = 16, .methods = METHODS (ZANNI_METHOD ("add", "s", "x", handle, NULL)) },
        "class \"child\", method \"add\" takes \"s\" and answers \"x\", but overrides one of \"parent\" with \"x\" and "
        "\"x\"");
}

Test (class, override_with_another_answer_is_a_fault)
{
    expect_child_fault (
        (zanni_class_t) { .state_size = 16, .methods = METHODS (ZANNI_METHOD ("get", "", "s", handle, NULL)) },
        "class \"child\", method \"get\" takes \"\" and answers \"s\", but overrides one of \"parent\" with \"\" and "
        "\"x\"");
}

Test (class, override_that_hides_a_method_is_a_fault)
{
    expect_child_fault (
        (zanni_class_t) { .state_size = 16, .methods = METHODS (ZANNI_PRIVATE ("add", "x", "x", handle, NULL)) },
        "class \"child\", method \"add\": it and the one of \"parent\" that it overrides must both be private, or "
        "neither");
}

Test (class, state_smaller_than_the_parents_is_a_fault)
{
    expect_child_fault ((zanni_class_t) { .state_size = 15 },
                        "class \"child\": its state has 15 bytes, that of its parent \"parent\" 16: begin its struct "
                        "with the parent's");
}

Test (class, state_over_the_limit_is_a_fault)
{
    expect_fault ((zanni_class_t) { .name = "bad", .state_size = (size_t) 1 << 31 },
                  "class \"bad\": its state has 2147483648 bytes, at most 1073741824 are possible");
}

Test (class, start_arguments_that_do_not_begin_with_the_parents_are_a_fault)
{
    expect_child_fault ((zanni_class_t) { .state_size = 16, .start_in = "is" },
                        "class \"child\": start_in \"is\" must begin with \"si\", that of its parent \"parent\"");
}

Test (class, array_that_is_missing_is_an_error)
{
    zanni_error_t error;
    cr_assert_eq (zanni_register (NULL, &error), ZANNI_EINVAL);
    cr_assert_str_eq (error.text, "no array of classes");
}

Test (class, array_may_be_empty)
{
    cr_assert_eq (zanni_register ((const zanni_class_t *const []) { NULL }, NULL), 0);
}

Test (class, array_of_too_many_is_a_fault)
{
    static const zanni_class_t cls = { .name = "cls" };
    static const zanni_class_t *classes [1025];
    for (size_t i = 0; i < 1025; i++)
        classes [i] = &cls;
    expect_fault_in (classes, "over 1024 classes in one call, or the array does not end with NULL");
}

Test (class, error_may_be_left_out)
{
    zanni_class_t cls = { .name = "" };
    cr_assert_eq (zanni_register (CLASSES (&cls), NULL), ZANNI_ECLASS);
}

Test (class, error_is_untouched_where_nothing_is_wrong)
{
    static const zanni_class_t cls = { .name = "cls" };
    zanni_error_t error = { .code = 77 };
    cr_assert_eq (zanni_register (CLASSES (&cls), &error), 0);
    cr_assert_eq (error.code, 77);
}

Test (class, registers_all_of_an_array_or_none)
{
    static const zanni_class_t good = { .name = "good" };
    static const zanni_class_t bad = { .name = "bad", .parent = "nobody" };
    zanni_error_t error;
    cr_assert_eq (zanni_register (CLASSES (&good, &bad), &error), ZANNI_ECLASS);
    cr_assert_null (zanni__class_find ("good"));
    expect_registered (CLASSES (&good));
}

static zanni_class_t
twin (void)
{
    return (zanni_class_t) {
        .name = "twin", .state_size = 8, .methods = METHODS (PLAIN ("add")), .start_in = "s", .start = handle,
        .run = run, .text = "A twin."
    };
}

static void
expect_other (zanni_class_t other)
{
    static zanni_class_t first;
    first = twin ();
    first.methods = parent_methods;
    expect_registered (CLASSES (&first));
    expect_fault_in (CLASSES (&other), "class \"twin\": this name is taken by another definition: choose another");
}

Test (class, registered_again_is_no_fault)
{
    expect_registered (CLASSES (&parent));
    const zanni__class_t *first = zanni__class_find ("parent");
    expect_registered (CLASSES (&parent));
    cr_assert_eq (zanni__class_find ("parent"), first);
}

Test (class, twice_in_an_array_is_no_fault)
{
    expect_registered (CLASSES (&parent, &parent));
}

Test (class, with_the_same_contents_is_no_fault)
{
    static const zanni_method_t copies [] = {
        ZANNI_METHOD ("add", "x", "x", handle, "Adds."),
        ZANNI_METHOD ("get", "", "x", handle, "Gets."),
        ZANNI_PRIVATE ("tick", "", "", handle, "Ticks."),
        ZANNI_METHOD_END
    };
    zanni_class_t copy = parent;
    copy.methods = copies;
    expect_registered (CLASSES (&parent));
    expect_registered (CLASSES (&copy));
}

Test (class, name_taken_by_one_with_another_state_is_a_fault)
{
    zanni_class_t other = twin ();
    other.methods = parent_methods;
    other.state_size = 9;
    expect_other (other);
}

Test (class, name_taken_by_one_with_another_hook_is_a_fault)
{
    zanni_class_t other = twin ();
    other.methods = parent_methods;
    other.run = run_otherwise;
    expect_other (other);
}

Test (class, name_taken_by_one_with_fewer_methods_is_a_fault)
{
    zanni_class_t other = twin ();
    zanni_method_t fewer [] = { parent_methods [0], parent_methods [1], ZANNI_METHOD_END };
    other.methods = fewer;
    expect_other (other);
}

Test (class, name_taken_by_one_without_methods_is_a_fault)
{
    zanni_class_t other = twin ();
    other.methods = NULL;
    expect_other (other);
}

Test (class, name_taken_by_one_with_another_handler_is_a_fault)
{
    zanni_class_t other = twin ();
    zanni_method_t methods [] = { parent_methods [0], parent_methods [1], parent_methods [2], ZANNI_METHOD_END };
    methods [1].handler = handle_otherwise;
    other.methods = methods;
    expect_other (other);
}

Test (class, name_taken_in_the_same_array_is_a_fault)
{
    static const zanni_class_t one = { .name = "same", .state_size = 1 };
    static const zanni_class_t two = { .name = "same", .state_size = 2 };
    expect_fault_in (CLASSES (&one, &two), "class \"same\": this name is taken by another definition: choose another");
}

static const zanni_class_t orphan = { .name = "orphan", .parent = "late" };
static const zanni_class_t late = { .name = "late" };

Test (class, init_answers_the_code_and_keeps_the_text)
{
    zanni_error_t error;
    cr_assert_eq (zanni_init (CLASSES (&orphan)), ZANNI_ECLASS);
    cr_assert_eq (zanni__class_fault (&error), ZANNI_ECLASS);
    cr_assert_eq (error.code, ZANNI_ECLASS);
    cr_assert_str_eq (error.text, "class \"orphan\": no class has the name of its parent, \"late\": register that "
                                  "before or with it");
}

Test (class, init_keeps_the_first_fault)
{
    static const zanni_class_t nameless = { .name = "" };
    zanni_error_t error;
    cr_assert_eq (zanni_init (CLASSES (&nameless)), ZANNI_ECLASS);
    cr_assert_eq (zanni_init (CLASSES (&orphan)), ZANNI_ECLASS);
    cr_assert_eq (zanni__class_fault (&error), ZANNI_ECLASS);
    cr_assert_str_eq (error.text, "class 1 of the array has no name");
}

Test (class, init_forgets_a_fault_once_its_class_is_registered)
{
    cr_assert_eq (zanni_init (CLASSES (&orphan)), ZANNI_ECLASS);
    cr_assert_eq (zanni_init (CLASSES (&late)), 0);
    cr_assert_eq (zanni__class_fault (NULL), ZANNI_ECLASS);
    cr_assert_eq (zanni_init (CLASSES (&orphan)), 0);
    cr_assert_eq (zanni__class_fault (NULL), 0);
}

Test (class, init_keeps_a_name_that_is_taken)
{
    static const zanni_class_t other = { .name = "late", .state_size = 8 };
    cr_assert_eq (zanni_init (CLASSES (&late)), 0);
    cr_assert_eq (zanni_init (CLASSES (&other)), ZANNI_ECLASS);
    cr_assert_eq (zanni_init (CLASSES (&late)), 0);
    cr_assert_eq (zanni__class_fault (NULL), ZANNI_ECLASS);
}

Test (class, init_without_an_array_is_kept)
{
    cr_assert_eq (zanni_init (NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni__class_fault (NULL), ZANNI_EINVAL);
}

Test (class, register_keeps_no_fault)
{
    cr_assert_eq (zanni_register (CLASSES (&orphan), NULL), ZANNI_ECLASS);
    cr_assert_eq (zanni__class_fault (NULL), 0);
}

Test (class, child_has_its_parents_methods)
{
    const zanni__class_t *child = register_child (
        (zanni_class_t) { .state_size = 24, .methods = METHODS (PLAIN ("more")) });
    cr_assert_str_eq (zanni__class_method (child, "add")->in, "x");
    cr_assert_str_eq (zanni__class_method (child, "more")->text, "A method.");
    cr_assert_eq (zanni__class_method (child, "tick")->flags, ZANNI_METHOD_PRIVATE);
    cr_assert_null (zanni__class_method (child, "less"));
}

Test (class, parent_does_not_have_its_childs_methods)
{
    const zanni__class_t *child = register_child (
        (zanni_class_t) { .state_size = 24, .methods = METHODS (PLAIN ("more")) });
    cr_assert_null (zanni__class_method (child->parent, "more"));
}

Test (class, override_knows_what_it_overrides)
{
    const zanni__class_t *child = register_child ((zanni_class_t) {
        .state_size = 24, .methods = METHODS (ZANNI_METHOD ("add", "x", "x", handle_otherwise, NULL)) });
    const zanni__method_t *method = zanni__class_method (child, "add");
    cr_assert (method->handler == handle_otherwise);
    cr_assert_eq (method->super, zanni__class_method (child->parent, "add"));
    cr_assert (method->super->handler == handle);
    cr_assert_null (method->super->super);
}

Test (class, own_method_overrides_nothing)
{
    const zanni__class_t *child = register_child (
        (zanni_class_t) { .state_size = 24, .methods = METHODS (PLAIN ("more")) });
    cr_assert_null (zanni__class_method (child, "more")->super);
}

Test (class, start_arguments_are_nothing_by_default)
{
    static const zanni_class_t cls = { .name = "cls" };
    expect_registered (CLASSES (&cls));
    cr_assert_str_eq (zanni__class_find ("cls")->start_in, "");
}

Test (class, start_arguments_are_the_parents_by_default)
{
    const zanni__class_t *child = register_child ((zanni_class_t) { .state_size = 16 });
    cr_assert_str_eq (child->start_in, "si");
}

Test (class, start_arguments_may_be_more_than_the_parents)
{
    const zanni__class_t *child = register_child ((zanni_class_t) { .state_size = 16, .start_in = "siax" });
    cr_assert_str_eq (child->start_in, "siax");
    cr_assert_eq (child->state_size, 16);
}

Test (class, hooks_of_an_ancestor_count)
{
    const zanni__class_t *child = register_child ((zanni_class_t) { .state_size = 16, .down = down });
    cr_assert (child->has_start && child->has_down);
    cr_assert (child->parent->has_start && !child->parent->has_down);
}

Test (class, nearest_loop_runs)
{
    static const zanni_class_t elder = { .name = "elder", .run = run };
    static const zanni_class_t middle = { .name = "middle", .parent = "elder" };
    static const zanni_class_t young = { .name = "young", .parent = "middle", .run = run_otherwise };
    expect_registered (CLASSES (&young, &middle, &elder));
    cr_assert (zanni__class_find ("middle")->run == run);
    cr_assert (zanni__class_find ("young")->run == run_otherwise);
}

Test (class, that_is_not_registered_is_not_found)
{
    cr_assert_null (zanni__class_find ("nobody"));
    cr_assert_null (zanni__class_find (""));
    cr_assert_null (zanni__class_find (NULL));
}

Test (class, points_to_its_definition)
{
    expect_registered (CLASSES (&parent));
    cr_assert_eq (zanni__class_find ("parent")->definition, &parent);
}

Test (class, of_none_has_no_name_and_the_methods_of_all)
{
    const zanni__class_t *none = zanni__class_none ();
    cr_assert_str_eq (none->definition->name, "");
    cr_assert_str_eq (none->start_in, "");
    cr_assert_not_null (zanni__class_method (none, "zanni.describe"));
    cr_assert_null (zanni__class_method (none, "add"));
    cr_assert_eq (zanni__class_none (), none);
}

Test (class, has_the_methods_of_all)
{
    const zanni__class_t *child = register_child ((zanni_class_t) { .state_size = 16 });
    cr_assert (zanni__class_method (child, "zanni.describe")->handler == zanni__builtin_methods [0].handler);
}

#define THREADS 4
#define EACH 100

static zanni_class_t crowd [THREADS] [EACH];
static char crowd_names [THREADS] [EACH] [48];

static void *
register_many (void *index)
{
    for (size_t i = 0; i < EACH; i++)
        if (zanni_register (CLASSES (&crowd [*(size_t *) index] [i]), NULL))
            return index;
    return NULL;
}

static void *
find_many (void *index)
{
    for (size_t i = 0; i < EACH; i++) {
        const zanni_class_t *definition = &crowd [*(size_t *) index] [i];
        const zanni__class_t *cls;
        while (!(cls = zanni__class_find (definition->name)))
            ;
        if (cls->definition != definition || !zanni__class_method (cls, "get"))
            return index;
    }
    return NULL;
}

Test (class, is_found_whole_while_others_are_registered, .timeout = 30)
{
    pthread_t threads [2 * THREADS];
    size_t indices [THREADS];
    for (size_t i = 0; i < THREADS; i++)
        for (size_t j = 0; j < EACH; j++) {
            snprintf (crowd_names [i] [j], sizeof crowd_names [i] [j], "c%zu.%zu", i, j);
            crowd [i] [j] = (zanni_class_t) { .name = crowd_names [i] [j], .methods = parent_methods };
        }
    for (size_t i = 0; i < THREADS; i++) {
        indices [i] = i;
        cr_assert_eq (pthread_create (&threads [i], NULL, find_many, &indices [i]), 0);
        cr_assert_eq (pthread_create (&threads [THREADS + i], NULL, register_many, &indices [i]), 0);
    }
    for (size_t i = 0; i < 2 * THREADS; i++) {
        void *failed;
        pthread_join (threads [i], &failed);
        cr_assert_null (failed);
    }
}

Test (class, registration_without_memory_leaves_nothing)
{
    static const zanni_class_t child = { .name = "child", .parent = "parent", .state_size = 16 };
    int rc = ZANNI_ENOMEM;
    int round = 0;
    faults_install ();
    for (; rc && round < 100; round++) {
        zanni_error_t error;
        faults_fail (round + 1, 0);
        rc = zanni_register (CLASSES (&child, &parent), &error);
        cr_assert_eq (rc, rc ? ZANNI_ENOMEM : 0);
        if (rc) {
            cr_assert_str_eq (error.text, "out of memory");
            cr_assert_eq (faults_held (), 0);
            cr_assert_null (zanni__class_find ("parent"));
        }
    }
    cr_assert_eq (round, 4);    // the list of entries, two classes, and the one that went well
    cr_assert_eq (faults_held (), 2);
    cr_assert_not_null (zanni__class_find ("child"));
}

Test (class, init_keeps_that_memory_was_out_until_the_classes_are_there)
{
    zanni_error_t error;
    cr_assert_eq (zanni_init (CLASSES (NULL)), 0);   // the ready ones are there
    faults_install ();
    faults_fail (2, 0);
    cr_assert_eq (zanni_init (CLASSES (&late)), ZANNI_ENOMEM);
    cr_assert_eq (zanni__class_fault (&error), ZANNI_ENOMEM);
    cr_assert_str_eq (error.text, "out of memory");
    faults_fail (0, 0);
    cr_assert_eq (zanni_init (CLASSES (&late)), 0);
    cr_assert_eq (zanni__class_fault (NULL), 0);
}
