/* counts.h: what each method of each class was sent: how often, how many bytes; and how long its handlers took.

   A node counts where options.counts says so (zanni/node.h): every tell and ask that reaches a handler, or that
   zanni_receive yields to a loop actor, under the receiver's class. That is how to find out which message a program
   spends its bytes on before anything is made smaller. Process actors are nodes of their own, which count for
   themselves: they inherit the option, and whoever holds a reference asks one for "zanni.counts" (signature "",
   answer "a(sstttttt)": the members of zanni_count_t, in order).

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_COUNTS_H
#define ZANNI_COUNTS_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One method of one class; the texts stay as long as the process. */
typedef struct {
    const char *class_name;
    const char *method;
    uint64_t messages;
    uint64_t argument_bytes;   // as they travel: msgpack
    uint64_t buffer_bytes;     // of the buffers beside them
    uint64_t largest_bytes;    // arguments and buffers of the largest message
    uint64_t total_ns;         // in its handler, the waiting in calls included; 0 where zanni_receive yields the messages
    uint64_t longest_ns;       // of one message
} zanni_count_t;

typedef void zanni_count_fn (void *context, const zanni_count_t *count);

/* Tells every method of the node that got a message so far, by class, then method, to `each`, which runs on the calling
   thread and may do what it likes. Never blocks; from the thread of `self`. ZANNI_EINVAL: the node does not count;
   ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_counts (zanni_t *self, zanni_count_fn *each, void *context) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
