/* What codes and exit reasons read like. */

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <zanni/error.h>

static void
expect_string (zanni_reason_t reason, const char *expected)
{
    char text [160];
    cr_assert_eq (zanni_reason_string (&reason, text, sizeof text), text);
    cr_assert_str_eq (text, expected);
}

Test (error, every_code_has_a_text_of_its_own)
{
    static const int codes [] = {
#define CODE(name, number, text) ZANNI_##name,
        ZANNI_ERRORS (CODE)
#undef CODE
    };
    size_t count = sizeof codes / sizeof codes [0];
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq (codes [i], -1 - (int) i);
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq (zanni_strerror (codes [i]), zanni_strerror (codes [j]));
    }
}

Test (error, code_reads_as_it_stands_in_the_header)
{
    cr_assert_str_eq (zanni_strerror (ZANNI_EARGS), "bad arguments");
    cr_assert_str_eq (zanni_strerror (ZANNI_ESYSTEM), "a system call failed");
}

Test (error, success_is_ok)
{
    cr_assert_str_eq (zanni_strerror (ZANNI_OK), "ok");
}

Test (error, number_that_is_no_code_is_unknown)
{
    cr_assert_str_eq (zanni_strerror (1), "unknown error");
    cr_assert_str_eq (zanni_strerror (ZANNI_EWATCHDOG - 1), "unknown error");
}

Test (reason, without_a_number_is_its_word)
{
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL }, "normal");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SHUTDOWN }, "shutdown");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SHUTDOWN, .text = "child b" }, "shutdown: child b");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_KILLED }, "killed");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_NO_ACTOR }, "no such actor");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_NO_CONNECTION }, "no connection");
}

Test (reason, error_reads_with_code_and_text)
{
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = 3, .text = "no disk" }, "error 3: no disk");
}

Test (reason, error_without_text_reads_with_its_code)
{
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = 3 }, "error 3");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = -1000 }, "error -1000");
}

Test (reason, error_of_ours_without_text_explains_itself)
{
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_ETIMEOUT }, "error -8: timeout");
}

Test (reason, signal_reads_with_its_name)
{
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = SIGSEGV }, "signal 11 (SIGSEGV)");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = SIGKILL }, "signal 9 (SIGKILL)");
}

Test (reason, signal_without_a_name_reads_with_its_number)
{
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = 40 }, "signal 40");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = 0 }, "signal 0");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = INT64_MAX }, "signal 9223372036854775807");
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = -1 }, "signal -1");
}

Test (reason, exit_code_reads_with_its_number)
{
    expect_string ((zanni_reason_t) { .kind = ZANNI_EXIT_CODE, .code = 3 }, "exit code 3");
}

Test (reason, of_a_later_version_is_unknown)
{
    expect_string ((zanni_reason_t) { .kind = (zanni_exit_t) 77 }, "unknown reason");
}

Test (reason, that_is_too_long_is_cut)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 3, .text = "no disk" };
    char text [8] = "";
    zanni_reason_string (&reason, text, sizeof text);
    cr_assert_str_eq (text, "error 3");
}
