/* Addresses of tcp in their parts, and what is none. */

#include "base/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

Test (tcp, addresses_have_a_host_and_a_port)
{
    static const struct {
        const char *text, *host, *port;
        bool any_port;
    } rows [] = {
        { "tcp://a:1", "a", "1", false }, { "tcp://127.0.0.1:65535", "127.0.0.1", "65535", false },
        { "tcp://[::1]:7000", "[::1]", "7000", false }, { "tcp://*:0", "*", "0", true }, { "tcp://eth0:*", "eth0", "*", true },
        { "tcp://a:00", "a", "00", true }, { "tcp://255.255.255.255:1", "255.255.255.255", "1", false },
        { "tcp://1.example:1", "1.example", "1", false }, { "tcp://127.0.0.1.example:1", "127.0.0.1.example", "1", false }
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        zanni__tcp_t parts;
        cr_assert (zanni__tcp_split (&parts, rows [i].text), "%s", rows [i].text);
        cr_assert_eq (parts.host_size, strlen (rows [i].host));
        cr_assert (!strncmp (parts.host, rows [i].host, parts.host_size));
        cr_assert_str_eq (parts.port, rows [i].port);
        cr_assert_eq (parts.any_port, rows [i].any_port);
        cr_assert_eq (zanni__tcp_is_address (rows [i].text), !rows [i].any_port);
    }
}

Test (tcp, all_else_is_no_address)
{
    static const char *const wrong [] = {
        "", "tcp", "tcp:/", "tcp://", "tcp://:1", "tcp://a", "tcp://a:", "tcp://a:b", "tcp://a:1b", "tcp://a:-1", "tcp://a:+1",
        "tcp://a:65536", "tcp://a:111111", "tcp://a:1:", "tcp://a:1;b:2", "tcp://a/b:1", "ipc://a:1", "xtcp://a:1", " tcp://a:1",
        "tcp://127.0.0.256:1", "tcp://127.1:1", "tcp://127.0.0.1.1:1", "tcp://127.0.0.:1", "tcp://1:1", "tcp://.:1",
        "tcp://0127.0.0.1:1", "tcp://127.0.0.1111111111111:1"
    };
    char text [256] = "tcp://";
    zanni__tcp_t parts;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_not (zanni__tcp_split (&parts, wrong [i]), "%s", wrong [i]);
    cr_assert_not (zanni__tcp_is_address (NULL));
    memset (text + 6, 'a', 99);
    strcpy (text + 105, ":1");
    cr_assert (zanni__tcp_is_address (text), "107 bytes");
    strcpy (text + 105, ":10");
    cr_assert_not (zanni__tcp_is_address (text), "108");
}
