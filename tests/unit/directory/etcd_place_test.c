/* Places of directories in etcd: what they say, and that others are refused. */

#include "directory/etcd/place.h"

#include <criterion/criterion.h>
#include <string.h>

static zanni__etcd_place_t place;

static void
expect_place (const char *text)
{
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni__etcd_place_read (&place, text, &error), 0, "%s: %s", text, error.text);
}

Test (etcd_place, of_one_endpoint_has_the_usual_prefix)
{
    expect_place ("http://127.0.0.1:2379");
    cr_assert_eq (place.endpoints_count, 1);
    cr_assert_str_eq (place.endpoints [0], "http://127.0.0.1:2379");
    cr_assert_str_eq (place.prefix, "zanni/");
    cr_assert_null (place.ca);
    cr_assert_not (place.open);
    expect_place ("http://127.0.0.1:2379/");
    cr_assert_str_eq (place.endpoints [0], "http://127.0.0.1:2379");
    cr_assert_str_eq (place.prefix, "zanni/");
}

Test (etcd_place, of_several_endpoints_has_a_prefix_and_files)
{
    expect_place ("https://one:1,https://[::2]:2/blue/green?ca=/etc/ca.pem&cert=/a&key=/b");
    cr_assert_eq (place.endpoints_count, 2);
    cr_assert_str_eq (place.endpoints [0], "https://one:1");
    cr_assert_str_eq (place.endpoints [1], "https://[::2]:2");
    cr_assert_str_eq (place.prefix, "blue/green/");
    cr_assert_str_eq (place.ca, "/etc/ca.pem");
    cr_assert_str_eq (place.cert, "/a");
    cr_assert_str_eq (place.key, "/b");
    cr_assert_not (place.open);
    expect_place ("http://one:1/blue/");
    cr_assert_str_eq (place.prefix, "blue/");
}

Test (etcd_place, beyond_this_host_without_tls_is_open)
{
    expect_place ("http://10.0.0.1:2379");
    cr_assert (place.open);
    expect_place ("http://localhost:1,http://[::1]:2,https://10.0.0.1:3");
    cr_assert_not (place.open);
    expect_place ("https://10.0.0.1:3,http://localhost.example.org:1");
    cr_assert (place.open);
    expect_place ("http://127.0.0.1.example.org:1");
    cr_assert (place.open);
    expect_place ("http://127.0.0.256:1");
    cr_assert (place.open, "that is looked up");
}

Test (etcd_place, that_makes_no_sense_is_refused_with_what_does)
{
    static const char *const wrong [] = {
        "", "127.0.0.1:2379", "http://", "http://:1", "http://host", "http://host:", "http://host:0", "http://host:65536",
        "http://host:1x", "http://host:-1", "ftp://host:1", "http://user@host:1", "http://one:1,two:2",
        "http://a b:1", "http://host:1?ca", "http://host:1?ca=", "http://host:1?secret=5",
        "http://host:1?cert=/a", "http://host:1?key=/a", "http://host:1#x"
    };
    char longer [2000];
    zanni_error_t error = { 0 };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq (zanni__etcd_place_read (&place, wrong [i], &error), ZANNI_EINVAL, "%s", wrong [i]);
        cr_assert (strstr (error.text, "etcd:http://HOST:PORT"), "%s", error.text);
    }
    memset (longer, 'x', sizeof longer - 1);
    longer [sizeof longer - 1] = 0;
    cr_assert_eq (zanni__etcd_place_read (&place, longer, NULL), ZANNI_EINVAL);
    memcpy (longer, "http://host:1/", 14);
    longer [14 + 127] = 0;
    cr_assert_eq (zanni__etcd_place_read (&place, longer, NULL), ZANNI_EINVAL);
    longer [14 + 126] = 0;
    cr_assert_eq (zanni__etcd_place_read (&place, longer, NULL), 0);
}

Test (etcd_place, has_a_limit_of_endpoints)
{
    char text [ZANNI__ETCD_PLACE] = "http://a:1";
    for (int i = 1; i < ZANNI__ETCD_ENDPOINTS; i++)
        strcat (text, ",http://a:1");
    expect_place (text);
    cr_assert_eq (place.endpoints_count, ZANNI__ETCD_ENDPOINTS);
    strcat (text, ",http://a:1");
    cr_assert_eq (zanni__etcd_place_read (&place, text, NULL), ZANNI_EINVAL);
}
