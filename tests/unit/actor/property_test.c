/* Properties that are wrong are told when their class is registered. */

#include "actor/class.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <zanni/property.h>

typedef struct {
    int64_t width;
    const char *label;
    int64_t many [3];
} box_t;

static int
handle (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static void
expect_fault (const zanni_property_t *properties, const char *text)
{
    static const zanni_method_t methods [] = {
        ZANNI_METHOD ("set_width", "x", "", handle, "By hand."),
        ZANNI_METHOD_END
    };
    const zanni_class_t cls = {
        .name = "box", .state_size = sizeof (box_t), .methods = methods, .properties = properties
    };
    zanni_error_t error = { .code = 0 };
    cr_assert_eq (zanni_register ((const zanni_class_t *const []) { &cls, NULL }, &error), ZANNI_ECLASS);
    cr_assert_str_eq (error.text, text);
    cr_assert_null (zanni__class_find ("box"));
}

Test (property, of_a_type_that_cannot_be_set_is_a_fault)
{
    static const zanni_property_t text [] = { ZANNI_PROPERTY (box_t, label, 0, NULL), ZANNI_PROPERTY_END };
    static const zanni_property_t many [] = { ZANNI_PROPERTY (box_t, many, 0, NULL), ZANNI_PROPERTY_END };
    expect_fault (text, "class \"box\", method \"label\": a member of its type is no property");
    expect_fault (many, "class \"box\", method \"many\": a member of its type is no property");
}

Test (property, outside_of_the_state_is_a_fault)
{
    typedef struct {
        box_t box;
        int64_t more;
    } larger_t;
    static const zanni_property_t properties [] = { ZANNI_PROPERTY (larger_t, more, 0, NULL), ZANNI_PROPERTY_END };
    expect_fault (properties, "class \"box\", method \"more\": it lies outside of the state, which has 40 bytes");
}

Test (property, with_unknown_flags_is_a_fault)
{
    static const zanni_property_t properties [] = { ZANNI_PROPERTY (box_t, width, 4, NULL), ZANNI_PROPERTY_END };
    expect_fault (properties, "class \"box\", method \"width\" has unknown flags 0x4");
}

Test (property, beside_a_method_of_that_name_is_a_fault)
{
    static const zanni_property_t properties [] = { ZANNI_PROPERTY (box_t, width, 0, NULL), ZANNI_PROPERTY_END };
    expect_fault (properties, "class \"box\", method \"set_width\" stands in the table twice");
}

Test (property, that_is_the_same_again_is_none)
{
    static const zanni_property_t one [] = { ZANNI_PROPERTY (box_t, width, 0, "In mm."), ZANNI_PROPERTY_END };
    static const zanni_property_t same [] = { ZANNI_PROPERTY (box_t, width, 0, "In mm."), ZANNI_PROPERTY_END };
    static const zanni_property_t other [] = { ZANNI_PROPERTY (box_t, width, 1, "In mm."), ZANNI_PROPERTY_END };
    static zanni_class_t classes [] = {
        { .name = "box", .state_size = sizeof (box_t), .properties = one },
        { .name = "box", .state_size = sizeof (box_t), .properties = same },
        { .name = "box", .state_size = sizeof (box_t), .properties = other },
        { .name = "box", .state_size = sizeof (box_t) }
    };
    static const int codes [] = { 0, 0, ZANNI_ECLASS, ZANNI_ECLASS };
    for (int i = 0; i < 4; i++)
        cr_assert_eq (zanni_register ((const zanni_class_t *const []) { &classes [i], NULL }, NULL), codes [i], "%d", i);
}
