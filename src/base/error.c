/* Codes and exit reasons as text.

   The texts of codes come from the one list in zanni/error.h. A reason is a kind, which has a word, and for some
   kinds a number and a text. What a signal is called comes from the C library, which knows more of them than a table
   here would. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <zanni/error.h>

const char *
zanni_strerror (int code)
{
    switch (code) {
    case ZANNI_OK:
        return "ok";
#define S_CASE(name, number, text) \
    case ZANNI_##name:             \
        return text;
        ZANNI_ERRORS (S_CASE)
#undef S_CASE
    default:
        return "unknown error";
    }
}

static const char *
s_kind_name (zanni_exit_t kind)
{
    static const char *const names [] = {
        [ZANNI_EXIT_NORMAL] = "normal",
        [ZANNI_EXIT_SHUTDOWN] = "shutdown",
        [ZANNI_EXIT_KILLED] = "killed",
        [ZANNI_EXIT_NO_ACTOR] = "no such actor",
        [ZANNI_EXIT_NO_CONNECTION] = "no connection"
    };
    size_t index = (size_t) kind;
    return index < sizeof names / sizeof names [0] ? names [index] : "unknown reason";
}

/* "SEGV", or NULL for a number that is no signal's or has no name (real-time ones). */
static const char *
s_signal_name (int64_t number)
{
    return number > 0 && number < NSIG ? sigabbrev_np ((int) number) : NULL;
}

static void
s_write_signal (int64_t number, char *text, size_t size)
{
    const char *name = s_signal_name (number);
    if (name)
        snprintf (text, size, "signal %lld (SIG%s)", (long long) number, name);
    else
        snprintf (text, size, "signal %lld", (long long) number);
}

/* A code of zanni's own that came without a text explains itself. */
static void
s_write_error (const zanni_reason_t *reason, char *text, size_t size)
{
    const char *why = reason->text;
    if (!*why && reason->code < 0 && reason->code >= ZANNI_EAGAIN)
        why = zanni_strerror ((int) reason->code);
    snprintf (text, size, "error %lld%s%s", (long long) reason->code, *why ? ": " : "", why);
}

const char *
zanni_reason_string (const zanni_reason_t *reason, char *text, size_t size)
{
    switch (reason->kind) {
    case ZANNI_EXIT_ERROR:
        s_write_error (reason, text, size);
        break;
    case ZANNI_EXIT_SIGNAL:
        s_write_signal (reason->code, text, size);
        break;
    case ZANNI_EXIT_CODE:
        snprintf (text, size, "exit code %lld", (long long) reason->code);
        break;
    case ZANNI_EXIT_SHUTDOWN:
        snprintf (text, size, "shutdown%s%s", *reason->text ? ": " : "", reason->text);
        break;
    default:
        snprintf (text, size, "%s", s_kind_name (reason->kind));
    }
    return text;
}
