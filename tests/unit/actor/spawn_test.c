/* Options that mean nothing. */

#include <criterion/criterion.h>
#include <string.h>
#include <zanni.h>

static const zanni_class_t plain = { .name = "plain" };
static const zanni_class_t *const classes [] = { &plain, NULL };

/* As a caller by way of an FFI may have them: nothing in them is where it should be. */
Test (options, that_are_not_of_this_version_are_refused)
{
    zanni_t *self = NULL;
    zanni_ref_t *ref = NULL;
    const zanni_options_t node = { .size = sizeof node - 8 };
    const zanni_spawn_t spawn = { .size = sizeof spawn + 8 };
    const zanni_ask_t ask = { .size = 1 };
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, &node), ZANNI_EINVAL);
    cr_assert_eq (zanni_new (&self, &(zanni_options_t) ZANNI_OPTIONS_DEFAULT), 0);
    cr_assert_eq (zanni_spawn (self, &ref, "plain", &spawn), ZANNI_EINVAL);
    cr_assert_null (ref);
    cr_assert_eq (zanni_ask (self, zanni_self (self), &ask, "zanni.describe"), ZANNI_EINVAL);
    cr_assert_eq (zanni_destroy (&self), 0);
}

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
