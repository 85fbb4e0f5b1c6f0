/* error.h: result codes, errors that travel, exit reasons, and the few macros that every header uses.

   Functions answer 0 (or a count) or one negative ZANNI_E... code; their outputs come first and are untouched on
   failure. Nothing here blocks; all of it may be called from any thread.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_ERROR_H
#define ZANNI_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined __GNUC__
#define ZANNI_EXPORT __attribute__ ((visibility ("default")))
#define ZANNI_CHECKED __attribute__ ((warn_unused_result))
#else
#define ZANNI_EXPORT
#define ZANNI_CHECKED
#endif

/* A variable that is destroyed at the end of its scope: ZANNI_AUTO (zanni_ref_t) counter = NULL; */
#define ZANNI_AUTO(type) __attribute__ ((cleanup (type##_auto), unused)) type *

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zanni zanni_t;
typedef struct zanni_node zanni_node_t;
typedef struct zanni_msg zanni_msg_t;
typedef struct zanni_ref zanni_ref_t;
typedef struct zanni_buffer zanni_buffer_t;

/* Every code: name, number, text. */
#define ZANNI_ERRORS(X)                                                                                       \
    X (EINVAL, -1, "invalid argument")                                                                        \
    X (ENOMEM, -2, "out of memory")                                                                           \
    X (ETHREAD, -3, "used from a thread that does not own it")                                                \
    X (EFORK, -4, "used in a child of fork, where no node lives on")                                          \
    X (ECLASS, -5, "class or type registration failed")                                                       \
    X (ENOCLASS, -6, "no such class")                                                                         \
    X (EARGS, -7, "bad arguments")                                                                            \
    X (ETIMEOUT, -8, "timeout")                                                                               \
    X (ENOACTOR, -9, "no such actor")                                                                         \
    X (ENOMETHOD, -10, "no such method")                                                                      \
    X (ENOREPLY, -11, "no reply")                                                                             \
    X (EDOWN, -12, "receiver down")                                                                           \
    X (ENODE, -13, "node down")                                                                               \
    X (ECANCELED, -14, "cancelled")                                                                           \
    X (EFULL, -15, "mailbox full")                                                                            \
    X (EPERM, -16, "not permitted")                                                                           \
    X (EROUTE, -17, "no route")                                                                               \
    X (ECLOSED, -18, "closed")                                                                                \
    X (EAPP, -19, "application error")                                                                        \
    X (EOWNER, -20, "may block, so it needs an actor that owns its worker and is not blocked already")        \
    X (EREPLIED, -21, "answered already, or not an ask")                                                      \
    X (ETHREADS, -22, "no further thread can be started")                                                     \
    X (EDESCRIPTORS, -23, "too few file descriptors left")                                                    \
    X (ESOCKETS, -24, "too few ZeroMQ sockets left")                                                          \
    X (ESTUCK, -25, "a thread did not end in time and was abandoned")                                         \
    X (ESEALED, -26, "the buffer was sent or is shared, and so cannot be changed")                            \
    X (ETOOBIG, -27, "over a limit")                                                                          \
    X (ESYSTEM, -28, "a system call failed")                                                                  \
    X (EGONE, -29, "gone")                                                                                    \
    X (ENOSPACE, -30, "no space left in the store, or on its disk")                                           \
    X (ECORRUPT, -31, "what is stored is not what was put")                                                   \
    X (EAGAIN, -32, "not yet: it is still being put")                                                         \
    X (EAUTH, -33, "the two sides do not trust each other")                                                   \
    X (EINUSE, -34, "somebody else has it already")                                                           \
    X (EDEADLOCK, -35, "each would wait for the other")                                                   \
    X (ENOKEY, -36, "no such key or position")                                                                \
    X (EWATCHDOG, -37, "a handler did not return in time, so the watchdog ended its process")

enum {
    ZANNI_OK = 0,
#define ZANNI_ERROR_ENUM(name, number, text) ZANNI_##name = number,
    ZANNI_ERRORS (ZANNI_ERROR_ENUM)
#undef ZANNI_ERROR_ENUM
};

/* The text of a code, for people; never NULL. */
ZANNI_EXPORT const char *zanni_strerror (int code);

/* Where an error arose: an actor by its node and id. All zero: this very call. */
typedef struct {
    uint8_t node [16];
    uint64_t actor;
} zanni_address_t;

/* An error as a caller gets it, filled on request by functions that have an `error` option. */
typedef struct {
    int code;                 // a ZANNI_E... code
    int64_t app_code;         // the application's own (zanni_fail), when code is ZANNI_EAPP
    zanni_address_t origin;   // the actor that raised it
    char text [232];          // what was wrong, with which value, what to do
    zanni_msg_t *data;        // the error's own arguments, or NULL; zanni_error_reset frees it
} zanni_error_t;

/* Frees what an error holds and zeroes it; forgives NULL. Call it from the thread that got the error. */
ZANNI_EXPORT void zanni_error_reset (zanni_error_t *error);

/* Why an actor ended. */
typedef enum {
    ZANNI_EXIT_NORMAL = 0,      // it was done: zanni_exit, or its last strong reference is gone
    ZANNI_EXIT_SHUTDOWN,        // zanni_stop, or its node or its worker's owner ended; or a supervisor has given up
    ZANNI_EXIT_KILLED,          // zanni_kill
    ZANNI_EXIT_NO_ACTOR,        // it did not exist any more when the monitor arrived
    ZANNI_EXIT_NO_CONNECTION,   // its node cannot be reached
    ZANNI_EXIT_ERROR,           // start or run failed, zanni_exit_error, ZANNI_EWATCHDOG: code, text
    ZANNI_EXIT_SIGNAL,          // its process was ended by signal `code`
    ZANNI_EXIT_CODE             // its process exited with `code`
} zanni_exit_t;

typedef struct {
    zanni_exit_t kind;
    int64_t code;      // error code, signal number or exit code
    char text [112];   // for ZANNI_EXIT_ERROR, and of a supervisor that has given up: what went wrong
} zanni_reason_t;

/* Writes a reason as people read it ("error 3: no disk", "signal 11 (SIGSEGV)"); answers `text`. */
ZANNI_EXPORT const char *zanni_reason_string (const zanni_reason_t *reason, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
