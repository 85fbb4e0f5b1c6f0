/* Panic: an invariant of the library does not hold, so nothing that it could still do would be right. The program hears of
   it first, to write down what it can; then the process ends where it stands, for a debugger or a core dump. */

#include "assert.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <zanni/log.h>

static _Atomic (zanni_panic_fn *) s_panic;   // relaxed: set before there is anything to panic about

void
zanni_set_panic (zanni_panic_fn *panic)
{
    atomic_store_explicit (&s_panic, panic, memory_order_relaxed);
}

void
zanni__panic (const char *file, int line, const char *condition)
{
    zanni_panic_fn *panic = atomic_load_explicit (&s_panic, memory_order_relaxed);
    if (panic)
        panic (file, line, condition);
    abort ();
}
