/* An owner that only sends: it tells another worker's actor without ever looking at what comes back, not even the memory of
   its own messages. What the process holds stays bounded all the same. */

#include "stress.h"

#include <sched.h>
#include <unistd.h>

#define MOST_KIB (STRESS_SLOW ? 512 << 10 : 128 << 10)

static int
s_take (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return 0;
}

/* A THREAD actor whose handler does the same. */
static int
s_pour (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *sink;
    int64_t count;
    int rc = zanni_read (msg, &sink, &count);
    while (!rc && count) {
        int full = zanni_tell (self, sink, "take", count);
        if (full == ZANNI_EFULL)
            sched_yield ();
        else
            rc = full;
        count -= !full;
    }
    return rc ? rc : zanni_reply (self, msg);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("take", "x", "", s_take, "One of many."),
    ZANNI_METHOD ("pour", "rx", "", s_pour, "Tells so many without looking."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_class = { .name = "quiet", .methods = s_methods };
static const zanni_class_t *const s_classes [] = { &s_class, NULL };

static long
s_resident_kib (void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen ("/proc/self/statm", "r");
    STRESS_CHECK (file && fscanf (file, "%ld %ld", &pages, &resident) == 2);
    fclose (file);
    return resident * (sysconf (_SC_PAGESIZE) / 1024);
}

static void
s_tell_many (zanni_t *self, const zanni_ref_t *sink, int64_t count)
{
    while (count) {
        int rc = zanni_tell (self, sink, "take", count);
        if (rc == ZANNI_EFULL)
            sched_yield ();
        else
            STRESS_OK (rc);
        count -= !rc;
    }
}

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 500000, 5000000);
    zanni_t *self = NULL;
    zanni_ref_t *sink = NULL, *source = NULL;
    zanni_msg_t *reply = NULL;
    const zanni_ask_t patient = { .deadline_ms = -1 };
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, NULL));
    STRESS_OK (zanni_spawn (self, &sink, "quiet", NULL));
    STRESS_OK (zanni_spawn (self, &source, "quiet", &(zanni_spawn_t) { .place = ZANNI_THREAD }));
    long before = s_resident_kib ();
    s_tell_many (self, sink, count);
    STRESS_OK (zanni_call_with (self, &reply, source, &patient, "pour", sink, count));
    long grown = s_resident_kib () - before;
    if (grown > MOST_KIB)
        fprintf (stderr, "%" PRId64 " messages left %ld KiB behind\n", 2 * count, grown);
    STRESS_CHECK (grown <= MOST_KIB);
    zanni_msg_destroy (&reply);
    zanni_ref_destroy (&source);
    zanni_ref_destroy (&sink);
    STRESS_OK (zanni_destroy (&self));
    printf ("told: 2 x %" PRId64 " messages, %ld KiB\n", count, grown);
    return 0;
}
