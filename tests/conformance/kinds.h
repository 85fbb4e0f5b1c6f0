/* kinds.h: the kinds of stores that were built, in every process of a test, and tests that run in several of them.

   Whoever includes it has conform_in (kind, body) and, with Redis, conform_in_redis (body). */

#ifndef TESTS_CONFORMANCE_KINDS_H
#define TESTS_CONFORMANCE_KINDS_H

#include <stdlib.h>

#if defined HAS_LMDB
#include <zanni/lmdb.h>
#endif
#if defined HAS_REDIS
#include <zanni/redis.h>
#endif

__attribute__ ((constructor (101))) static void
register_kinds (void)
{
#if defined HAS_LMDB
    if (zanni_lmdb_register ())
        abort ();
#endif
#if defined HAS_REDIS
    if (zanni_redis_register ())
        abort ();
#endif
}

/* The body s_NAME as a test of the suite KIND_SUFFIX. */
#define IN_KIND(kind, suffix, name) \
    Test (kind##_##suffix, name, .timeout = 60) \
    { \
        conform_in (#kind, s_##name); \
    }

#if defined HAS_LMDB
#define IN_LMDB(suffix, name) IN_KIND (lmdb, suffix, name)
#else
#define IN_LMDB(suffix, name)
#endif

#if defined HAS_REDIS
#define IN_REDIS(suffix, name) \
    Test (redis_##suffix, name, .timeout = 60) \
    { \
        conform_in_redis (s_##name); \
    }
#else
#define IN_REDIS(suffix, name)
#endif

#endif
