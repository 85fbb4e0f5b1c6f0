/* probe.h: what a host can see of itself, and programs that are run in a child process and watched. */

#ifndef TESTS_INTEGRATION_PROBE_H
#define TESTS_INTEGRATION_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <zanni.h>

/* Open descriptors and threads of this process, and its resident and allocated bytes. */
int probe_descriptors (void);
int probe_threads (void);
size_t probe_resident (void);
size_t probe_allocated (void);

/* Seconds on the monotonic clock. */
double probe_seconds (void);

/* Repeats `holds` until it does, for at most ten seconds; the node's own thread works meanwhile (`self` may be NULL). */
bool probe_until (zanni_t *self, bool (*holds) (void *context), void *context);

/* Whether a descriptor polls readable now, or within `timeout_ms`. */
bool probe_readable (int fd, int timeout_ms);

/* How a child ended. */
typedef struct {
    int status;          // of waitpid; -1: it was still there after `limit_s` and was killed
    double seconds;
    size_t output_size;
    char output [8192];  // what it wrote to stdout and stderr
} probe_end_t;

/* Runs `program` in a child of this process, which must not have used zanni or ZeroMQ yet; the child exits with what it
   answers. */
void probe_child (probe_end_t *end, int (*program) (void), int limit_s);

/* Whether a child exited with this status by itself. */
bool probe_exited (const probe_end_t *end, int status);

/* Built with the address sanitizer, which keeps freed memory for a while. */
bool probe_sanitized (void);

/* Full counts: the test is registered with the label `long`. */
bool probe_long (void);

/* A class "echo" with the methods echo (x) -> x, stop () and block (), which reads from a pipe that stays empty; and
   "reader", a loop actor with the same echo. */
extern const zanni_class_t *const probe_classes [];

/* Tells an echo to block, and waits until it does; false: it does not. */
bool probe_block (zanni_t *self, const zanni_ref_t *echo);

#endif
