/* The component as programs use it: linked with the shared library, and without an etcd. */

#include "support.h"

#include <zanni/directory.h>
#include <zanni/etcd.h>

static zanni_directory_t *names;
static zanni_error_t error;

static void
set_up (void)
{
    cr_assert_eq (zanni_etcd_register (), 0);
    cr_assert_eq (zanni_etcd_register (), 0, "as often as one likes");
    begin ((zanni_options_t) { 0 });
}

static void
tear_down (void)
{
    zanni_directory_close (&names);
    end ();
    zanni_error_reset (&error);
}

TestSuite (etcd_open, .init = set_up, .fini = tear_down, .timeout = 20);

static int
open_at (const char *where)
{
    const zanni_directory_options_t options = { .error = &error, .timeout_ms = 500 };
    return zanni_directory_open (root, &names, where, &options);
}

Test (etcd_open, a_place_that_makes_no_sense_is_refused_with_what_does)
{
    cr_assert_eq (open_at ("etcd:"), ZANNI_EINVAL);
    cr_assert (strstr (error.text, "etcd:http://HOST:PORT"), "%s", error.text);
    cr_assert_eq (open_at ("etcd:127.0.0.1:2379"), ZANNI_EINVAL);
    cr_assert (strstr (error.text, "what is \"127.0.0.1:2379\"?"), "%s", error.text);
}

Test (etcd_open, an_etcd_that_nobody_has_started_is_named)
{
    zanni_ref_t *found = NULL;
    cr_assert_eq (open_at ("etcd:http://127.0.0.1:1,http://127.0.0.1:2/blue"), 0);
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), ZANNI_ENODE);
    cr_assert (strstr (error.text, "\"etcd:http://127.0.0.1:1,http://127.0.0.1:2/blue\" is not reached"), "%s", error.text);
}

Test (etcd_open, one_of_another_host_without_tls_is_not_trusted)
{
    zanni_ref_t *found = NULL;
    cr_assert_eq (open_at ("etcd:http://192.0.2.1:2379"), 0);
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), ZANNI_EAUTH);
}
