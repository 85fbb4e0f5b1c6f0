/* class.h: what an actor is: a struct, a table of methods, and a few hooks.

   A class is constant data. zanni_init registers a program's classes once, at its start; the table only grows.
   Signatures use sd-bus's letters: b bool, y byte, i u int32/uint32, x t int64/uint64, d double, s string, ay
   bytes, aT array, (T...) struct, a{KV} list of pairs, v any value, r actor reference, B buffer, M bound method,
   o registered type (type.h), K blob (store.h).

   Inheritance: a child's struct begins with its parent's; it has every method of its parent and may override some
   with the same signature. Hooks add up: start runs from the eldest down, each reading the arguments from the
   first; stop, down and exit run from the youngest up. Where a start fails, the stops of those that did not run.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_CLASS_H
#define ZANNI_CLASS_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Handles one message on the actor's own worker. `msg` is borrowed (zanni_msg_keep outlives the call). 0, or a
   negative code: an asker that has no answer yet gets it as its error, a tell is logged and counted; the actor
   lives on. A SHARED or HERE actor must not block. */
typedef int zanni_handler_fn (zanni_t *self, zanni_msg_t *msg);

/* An actor that was monitored has ended. Valid during the call. */
typedef struct {
    uint64_t monitor;        // as zanni_monitor answered it
    const zanni_ref_t *ref;  // weak
    zanni_reason_t reason;
    bool restarts;           // the next incarnation follows under the same reference, unless its supervisor gives up
} zanni_down_t;

/* An exit signal came to an actor that traps them (exit.h). Valid during the call. */
typedef struct {
    const zanni_ref_t *from;   // who has ended, or has sent it; weak, to call
    zanni_reason_t reason;
    bool linked;               // that one has ended, and the link with it; else it was sent by zanni_exit_signal
} zanni_exit_signal_t;

#define ZANNI_METHOD_PRIVATE 1u      // only the actor itself may call it: timers, watches, its own tells
#define ZANNI_METHOD_HIGH 2u         // its tells and asks overtake those of other methods in the mailbox: behaviour.h
#define ZANNI_METHOD_REPEATABLE 4u   // may be begun twice: a pool (pool.h) repeats it when a worker dies in it

typedef struct {
    const char *name;
    const char *in;     // signature of the arguments
    const char *out;    // signature of the answer, "" where there is none
    zanni_handler_fn *handler;   // NULL in a loop actor, which gets checked messages from zanni_receive
    const char *text;   // one line for people; zanni.describe answers it
    unsigned flags;
    const char *result; // class of the object that it answers with by zanni_reply_share (`out` is "r"); NULL: it does not
} zanni_method_t;

#define ZANNI_METHOD(name, in, out, handler, text) { name, in, out, handler, text, 0, NULL }
#define ZANNI_PRIVATE(name, in, out, handler, text) { name, in, out, handler, text, ZANNI_METHOD_PRIVATE, NULL }
#define ZANNI_HIGH(name, in, out, handler, text) { name, in, out, handler, text, ZANNI_METHOD_HIGH, NULL }
#define ZANNI_REPEATABLE(name, in, out, handler, text) { name, in, out, handler, text, ZANNI_METHOD_REPEATABLE, NULL }
#define ZANNI_SHARES(name, in, class_name, handler, text) { name, in, "r", handler, text, 0, class_name }
#define ZANNI_METHOD_END { NULL, NULL, NULL, NULL, NULL, 0, NULL }

typedef struct zanni_property zanni_property_t;   // property.h

typedef struct {
    const char *name;      // unique in the program; names beginning with "zanni." are taken
    const char *parent;    // name of the class it inherits from, or NULL
    size_t state_size;     // of the state struct; zeroed before start
    const zanni_method_t *methods;                 // ends with ZANNI_METHOD_END; may be NULL
    const char *start_in;                          // signature of the start arguments; NULL is "", or the parent's
    zanni_handler_fn *start;                       // a negative code ends the actor; the spawner gets it
    void (*stop) (zanni_t *self, const zanni_reason_t *reason);   // runs once, except after a kill
    void (*down) (zanni_t *self, const zanni_down_t *down);
    int (*run) (zanni_t *self);   // a loop actor (THREAD): reads with zanni_receive until ZANNI_ECLOSED
    const char *text;             // one line for people
    uint32_t stash_max;           // messages that zanni_stash puts aside at most; 0: 1024, or the parent's
    const zanni_property_t *properties;   // members that methods get and set; ends with ZANNI_PROPERTY_END; may be NULL
    void (*exit) (zanni_t *self, const zanni_exit_signal_t *signal);   // of an actor that traps exits
} zanni_class_t;

/* Registers `classes`, an array that ends with NULL. First line of a program's main: in a process that runs an actor of
   this program (ZANNI_PROCESS) it never returns. A fault (signature,
   duplicate method, unknown parent, ...) is answered as ZANNI_ECLASS and again, with its text, by zanni_new.
   Registering the same definition again is no fault. Thread-safe. */
ZANNI_EXPORT int zanni_init (const zanni_class_t *const *classes);

/* The same, saying what is wrong: all classes are registered, or none. `error` may be NULL. */
ZANNI_EXPORT int zanni_register (const zanni_class_t *const *classes, zanni_error_t *error) ZANNI_CHECKED;

/* Inside a handler: runs the parent's handler of the same method on the same message, from its first argument.
   ZANNI_ENOMETHOD where the parent has none. */
ZANNI_EXPORT int zanni_super (zanni_t *self, zanni_msg_t *msg) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
