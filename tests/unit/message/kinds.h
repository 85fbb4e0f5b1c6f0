/* kinds.h: a number of each kind, and the letters that take it, for KIND (letters, argument). */

#ifndef TESTS_UNIT_MESSAGE_KINDS_H
#define TESTS_UNIT_MESSAGE_KINDS_H

#include <stdint.h>
#include <zanni/arg.h>

#define NUMBERS(KIND) \
    KIND ("byiuxtdv", ZANNI_ARG (0)); KIND ("byiuxtdv", ZANNI_ARG (1)); KIND ("yiuxtdv", ZANNI_ARG (2)); \
    KIND ("yiuxtdv", ZANNI_ARG (255)); KIND ("iuxtdv", ZANNI_ARG (256)); KIND ("iuxtdv", ZANNI_ARG (INT32_MAX)); \
    KIND ("uxtdv", ZANNI_ARG (INT64_C (2147483648))); KIND ("uxtdv", ZANNI_ARG (UINT32_MAX)); \
    KIND ("xtdv", ZANNI_ARG (INT64_C (4294967296))); KIND ("xtdv", ZANNI_ARG (INT64_C (9007199254740992))); \
    KIND ("xtv", ZANNI_ARG (INT64_C (9007199254740993))); KIND ("xtv", ZANNI_ARG (INT64_MAX)); \
    KIND ("tdv", ZANNI_ARG (UINT64_C (1) << 63)); KIND ("tv", ZANNI_ARG (UINT64_MAX)); \
    KIND ("ixdv", ZANNI_ARG (-1)); KIND ("ixdv", ZANNI_ARG (INT32_MIN)); \
    KIND ("xdv", ZANNI_ARG (INT64_C (-2147483649))); KIND ("xdv", ZANNI_ARG (INT64_MIN)); \
    KIND ("xv", ZANNI_ARG (INT64_MIN + 1)); KIND ("bv", ZANNI_ARG ((bool) true)); \
    KIND ("bv", ZANNI_ARG ((bool) false)); KIND ("dv", ZANNI_ARG (1.5)); KIND ("dv", ZANNI_ARG (1.0));

#endif
