/* An assertion of ours that fails: the program's hook hears of it, then the process is aborted. */

#include "base/assert.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <zanni/log.h>

Test (panic, an_assertion_that_holds_does_nothing)
{
    zanni__assert (1 + 1 == 2);
}

Test (panic, an_assertion_that_fails_aborts, .signal = SIGABRT)
{
    zanni__assert (1 + 1 == 3);
}

/* Ends the process in another way than an abort would, so that the test sees that it was called. */
static void
hook (const char *file, int line, const char *condition)
{
    _exit (strstr (file, "panic_test.c") && line > 0 && !strcmp (condition, "1 + 1 == 3") ? 42 : 1);
}

Test (panic, the_hook_is_told_what_failed_and_where, .exit_code = 42)
{
    zanni_set_panic (hook);
    zanni__assert (1 + 1 == 3);
}
