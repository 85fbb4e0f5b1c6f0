/* hello.c: the root actor tells itself a number and prints it. */
#include <inttypes.h>
#include <stdio.h>
#include <zanni.h>

int
main (void)
{
    ZANNI_AUTO (zanni_t) self = NULL;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    int64_t number = 0;
    int rc = zanni_new (&self, NULL);
    if (!rc)
        rc = zanni_tell (self, zanni_self (self), "number", 42);
    if (!rc)
        rc = zanni_receive (self, &msg, 1000);
    if (!rc)
        rc = zanni_read (msg, &number);
    printf ("%" PRId64 "\n", number);
    return rc ? 1 : 0;
}
