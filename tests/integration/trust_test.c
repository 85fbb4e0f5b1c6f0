/* What a node opens to whom: what was said of secrets, addresses and openness holds, whatever fails or comes later. */

#include "tcp.h"

#include "actor/node.h"

#include <sys/resource.h>

CLASSES (&worker_class);
TCP_SUITE (trust);

/* So many bytes more than there are now is all that this process may have. Answers the limit that there was. */
static struct rlimit
limit_memory (rlim_t more)
{
    unsigned long pages = 0;
    struct rlimit before, now;
    FILE *file = fopen ("/proc/self/statm", "r");
    cr_assert_not_null (file);
    cr_assert_eq (fscanf (file, "%lu", &pages), 1);
    fclose (file);
    cr_assert_eq (getrlimit (RLIMIT_AS, &before), 0);
    now = before;
    now.rlim_cur = (rlim_t) pages * (rlim_t) sysconf (_SC_PAGESIZE) + more;
    cr_assert_eq (setrlimit (RLIMIT_AS, &now), 0);
    return before;
}

/* To make the key takes 64 MiB. */
Test (trust, of_a_secret_without_memory_for_its_key_opens_nothing)
{
    zanni_ref_t *ref = NULL;
    begin ((zanni_options_t) { .secret = SECRET, .insecure = true });
    cr_assert_eq (zanni_bind (root, "tcp://nowhere", NULL), ZANNI_EINVAL);   // all else that it takes is there now
    struct rlimit before = limit_memory (32 << 20);
    int bound = zanni_bind (root, "tcp://127.0.0.1:0", NULL);
    int connected = zanni_connect (root, &ref, "tcp://127.0.0.1:9", NULL);
    cr_assert_eq (setrlimit (RLIMIT_AS, &before), 0);
    cr_assert_eq (bound, ZANNI_ENOMEM, "%s", zanni_strerror (bound));
    cr_assert_eq (connected, ZANNI_ENOMEM, "%s", zanni_strerror (connected));
    cr_assert (logged ("no key can be made of the secret"));
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_not (logged ("is open to everybody"));
    end ();
}
