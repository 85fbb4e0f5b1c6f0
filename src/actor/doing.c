/* What a worker's thread is in, in words: see doing.h. */

#include "doing.h"

#include <inttypes.h>
#include <stdio.h>

const char *
zanni_worker_doing (const zanni_worker_t *worker, char *text, size_t size)
{
    const zanni__method_t *method = zanni__doing_what (worker);
    int64_t for_ms = (zanni__node_now (worker->node) - zanni__looked_ns (worker)) / 1000000;
    uint64_t actors = atomic_load_explicit (&worker->counts.actors, memory_order_relaxed);
    char others [64] = "";
    if (actors > 1)
        snprintf (others, sizeof others, "; %" PRIu64 " more actors wait for that", actors - 1);
    if (!method)
        snprintf (text, size, "it is in no actor's hands");
    else
        snprintf (text, size, "%s is in its %s %s, for %" PRId64 " ms%s",
                  *method->cls->definition->name ? method->cls->definition->name : "an actor without a class",
                  method->hook ? "hook" : "method", method->name, for_ms, others);
    return text;
}
