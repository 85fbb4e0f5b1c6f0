/* primes: the actor that the Python program runs in processes.

   This file is a shared object without a main. Its classes stand in the array `zanni_classes`: the Python program gives
   them to zanni_init in its own process, and so does `zanni-child --load`, which is the program of every actor's
   process. What an actor does there, it does beside Python, on a processor of its own, and its crash is an answer. */

#include <signal.h>
#include <zanni.h>

static bool
s_is_prime (int64_t number)
{
    for (int64_t divisor = 2; divisor <= number / divisor; divisor++)
        if (number % divisor == 0)
            return false;
    return number > 1;
}

static int
primes_count (zanni_t *self, zanni_msg_t *msg)
{
    int64_t first, end, found = 0;
    int rc = zanni_read (msg, &first, &end);
    if (rc)
        return rc;
    for (int64_t number = first; number < end; number++)
        found += s_is_prime (number);
    return zanni_reply (self, msg, found);
}

static int
primes_crash (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return raise (SIGSEGV);
}

static const zanni_method_t primes_methods [] = {
    ZANNI_METHOD ("count", "xx", "x", primes_count, "Count the primes from the first number to before the second."),
    ZANNI_METHOD ("crash", "", "", primes_crash, "Crash."),
    ZANNI_METHOD_END
};

static const zanni_class_t primes_class = { .name = "primes", .methods = primes_methods };

ZANNI_EXPORT const zanni_class_t *const zanni_classes [] = { &primes_class, NULL };
