/* assert.h: assertions about ourselves, which are never compiled out. What a user gives is never asserted. */

#ifndef ZANNI_BASE_ASSERT_H
#define ZANNI_BASE_ASSERT_H

/* Tells the program's panic hook, if it set one, and aborts. */
_Noreturn void zanni__panic (const char *file, int line, const char *condition);

#define zanni__assert(condition) \
    (__builtin_expect (!!(condition), 1) ? (void) 0 : zanni__panic (__FILE__, __LINE__, #condition))

#endif
