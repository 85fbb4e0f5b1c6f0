/* stress.h: what the stress programs share. Each is a plain main that ends with 0 or says what was wrong; its one
   argument is how much to do, else ZANNI_LONG chooses the full count. */

#ifndef TESTS_STRESS_STRESS_H
#define TESTS_STRESS_STRESS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zanni.h>

/* Ends the program, saying where, unless `holds`. From any thread. */
#define STRESS_CHECK(holds) \
    do { \
        if (!(holds)) { \
            fprintf (stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
            _Exit (1); \
        } \
    } while (0)

/* The same for a result code. */
#define STRESS_OK(call) \
    do { \
        int stress_rc = (call); \
        if (stress_rc) { \
            fprintf (stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, zanni_strerror (stress_rc)); \
            _Exit (1); \
        } \
    } while (0)

#define STRESS_WAIT_MS 60000   // nothing takes so long that is not stuck

/* Whether a sanitizer makes everything ten times slower. */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
#define STRESS_SLOW true
#else
#define STRESS_SLOW false
#endif

static inline int64_t
stress_count (int argc, char **argv, int64_t small, int64_t full)
{
    if (argc > 1)
        return strtoll (argv [1], NULL, 10);
    return getenv ("ZANNI_LONG") ? full : small;
}

/* A number below `limit`, by a state of the caller's own. */
static inline uint32_t
stress_random (uint64_t *state, uint32_t limit)
{
    *state = *state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    return (uint32_t) (*state >> 33) % limit;
}

/* Waits for one message of this method and destroys it. */
static inline void
stress_await (zanni_t *self, const char *method)
{
    zanni_msg_t *msg = NULL;
    STRESS_OK (zanni_receive (self, &msg, STRESS_WAIT_MS));
    const char *got = zanni_msg_method (msg), *want = method;
    while (*got && *got == *want)
        got++, want++;
    STRESS_CHECK (*got == *want);
    zanni_msg_destroy (&msg);
}

/* Waits for one DOWN and says why. */
static inline zanni_exit_t
stress_await_down (zanni_t *self)
{
    zanni_msg_t *msg = NULL;
    zanni_down_t down;
    STRESS_OK (zanni_receive (self, &msg, STRESS_WAIT_MS));
    STRESS_OK (zanni_msg_down (msg, &down));
    zanni_exit_t kind = down.reason.kind;
    zanni_msg_destroy (&msg);
    return kind;
}

#endif
