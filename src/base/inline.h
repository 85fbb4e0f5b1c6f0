/* inline.h: the few functions that every message passes are inlined whatever the compiler thinks of their size: a call
   each costs more than what it does. */

#ifndef ZANNI_BASE_INLINE_H
#define ZANNI_BASE_INLINE_H

#define ZANNI__INLINE static inline __attribute__ ((always_inline))

#endif
