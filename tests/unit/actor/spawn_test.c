/* Options of a spawn that mean nothing. */

#include <criterion/criterion.h>
#include <string.h>
#include <zanni.h>

static const zanni_class_t plain = { .name = "plain" };
static const zanni_class_t *const classes [] = { &plain, NULL };

Test (spawn, an_overflow_that_does_not_exist_is_refused_by_its_name)
{
    zanni_t *self = NULL;
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t options = { .overflow = (zanni_overflow_t) 77, .error = &error };
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_spawn (self, &ref, "plain", &options), ZANNI_EINVAL);
    cr_assert_null (ref);
    cr_assert_eq (error.code, ZANNI_EINVAL);
    cr_assert (strstr (error.text, "`overflow`"), "%s", error.text);
    cr_assert_eq (zanni_destroy (&self), 0);
}
