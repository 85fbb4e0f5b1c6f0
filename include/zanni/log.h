/* log.h: what the library says, where its memory comes from, and what happens when it finds itself broken. All may be
   called from any thread.

   The library prints nothing. A node's messages go to the log callback in its options; without one they are
   dropped. The allocator is the process's, since messages move between nodes' threads by pointer.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_LOG_H
#define ZANNI_LOG_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ZANNI_LOG_DEBUG,
    ZANNI_LOG_INFO,
    ZANNI_LOG_WARNING,
    ZANNI_LOG_ERROR
} zanni_log_level_t;

/* Called from any thread of the node, never while a lock is held; must not block for long or call zanni. `text`
   is one line without newline, valid during the call. */
typedef void zanni_log_fn (void *context, zanni_log_level_t level, const char *text);

/* Memory for everything the library allocates itself. `resize` with NULL allocates; a failing hook answers NULL
   and the caller of zanni gets ZANNI_ENOMEM. All three must be thread-safe. */
typedef struct {
    size_t size;   // sizeof (zanni_allocator_t), or 0
    void *context;
    void *(*allocate) (void *context, size_t size);
    void *(*resize) (void *context, void *memory, size_t size);
    void (*release) (void *context, void *memory);
} zanni_allocator_t;

/* Sets the process's allocator; NULL sets malloc, realloc and free again. Only while no node exists and nothing of
   zanni is held; the table is copied. */
ZANNI_EXPORT void zanni_set_allocator (const zanni_allocator_t *allocator);

/* Called when an assertion of the library about itself fails, on the thread where it did, just before the process is
   aborted: a fault of the library's, not of the program's. `file`, `line` and `condition` say which. */
typedef void zanni_panic_fn (const char *file, int line, const char *condition);

/* Sets the process's panic hook; NULL: none. */
ZANNI_EXPORT void zanni_set_panic (zanni_panic_fn *panic);

#ifdef __cplusplus
}
#endif
#endif
