/* The class of a pool, made of that of its workers. */

#include "pool/pool.h"

#include <criterion/criterion.h>

static int
nothing (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return 0;
}

static const char long_signature [] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";   // as many types as there may be

static const zanni_method_t elder_methods [] = {
    ZANNI_METHOD ("old", "s", "x", nothing, "Of the parent."), ZANNI_METHOD_END
};
static const zanni_class_t elder = { .name = "elder", .methods = elder_methods };
static const zanni_method_t methods [] = {
    ZANNI_REPEATABLE ("one", "x", "xs", nothing, "Two results."),
    ZANNI_METHOD ("none", "", "", nothing, "No result."),
    ZANNI_METHOD ("many", "", long_signature, nothing, "Too many for a list of lists? No: they are one level down."),
    ZANNI_METHOD ("deep", "", "aaaaaaaax", nothing, "As deep as may be."),
    ZANNI_PRIVATE ("secret", "", "", nothing, "For itself."),
    ZANNI_METHOD_END
};
static const zanni_class_t child = { .name = "child", .parent = "elder", .methods = methods };
static const zanni_class_t *const classes [] = { &elder, &child, NULL };

static const zanni__class_t *
pool_class (const char *name, bool broadcast)
{
    zanni__pool_class_t *made = NULL;
    cr_assert_eq (zanni__pool_class (&made, zanni__class_find (name), broadcast), 0);
    return made->own.made;
}

static void
set_up (void)
{
    cr_assert_eq (zanni_register (classes, NULL), 0);
}

TestSuite (pool_class, .init = set_up);

Test (pool_class, is_made_once)
{
    cr_assert_eq (pool_class ("child", false), pool_class ("child", false));
    cr_assert_neq (pool_class ("child", false), pool_class ("child", true));
    cr_assert_neq (pool_class ("child", false), pool_class ("elder", false));
}

Test (pool_class, has_what_its_workers_have)
{
    const zanni__class_t *cls = pool_class ("child", false);
    const zanni__method_t *one = zanni__class_method (cls, "one");
    cr_assert_str_eq (cls->definition->name, "zanni.pool:child");
    cr_assert_not_null (one);
    cr_assert_str_eq (one->in, "x");
    cr_assert_str_eq (one->out, "xs");
    cr_assert_eq (one->super, zanni__class_method (zanni__class_find ("child"), "one"));
    cr_assert_eq (one->super->flags, ZANNI_METHOD_REPEATABLE);
    cr_assert_not_null (zanni__class_method (cls, "old"));
    cr_assert_not_null (zanni__class_method (cls, "zanni.describe"));
    cr_assert_null (zanni__class_method (cls, "secret"));
    cr_assert_null (zanni__class_method (cls, "unknown"));
}

Test (pool_class, answers_lists_where_all_are_asked)
{
    const zanni__class_t *cls = pool_class ("child", true);
    cr_assert_str_eq (zanni__class_method (cls, "one")->out, "a(xs)");
    cr_assert_str_eq (zanni__class_method (cls, "none")->out, "u");
    cr_assert_str_eq (zanni__class_method (cls, "deep")->out, "v");
    cr_assert_str_eq (zanni__class_method (cls, "old")->out, "a(x)");
}
