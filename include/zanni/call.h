/* call.h: tell, ask, call, receive; reply, fail, forward, promise.

   Call these from the actor whose `self` it is. Arguments are borrowed. An ask ends exactly once: reply, error, or
   the asker's end. What one actor sends to another arrives in that order, replies included;
   only methods that the receiver's table calls high overtake others in its mailbox (behaviour.h).

   zanni_tell and its like are macros, so options with a comma between their braces are given as a variable, or in
   parentheses: &((zanni_ask_t) { .then = got, .arg = host }).

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_CALL_H
#define ZANNI_CALL_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sends one way: zanni_tell (self, ref, "add", 5). Never blocks. 0 means accepted; ZANNI_EFULL: the mailbox is at its
   limit (zanni_when_writable tells when to go on); ZANNI_ENOACTOR: known to be gone; ZANNI_EINVAL, ZANNI_ENOMEM,
   ZANNI_EROUTE; ZANNI_EAUTH: its node, of another host, is not trusted. An accepted message that cannot be handled becomes a dead letter. */
ZANNI_EXPORT int zanni_tell_args (zanni_t *self, const zanni_ref_t *ref, const char *method, const zanni_arg_t *args,
                                  size_t count) ZANNI_CHECKED;

/* The same, but waits up to `wait_ms` (-1: without end) for room in the mailbox: for actors that own their worker
   (ZANNI_EOWNER). ZANNI_ETIMEOUT. */
ZANNI_EXPORT int zanni_tell_wait_args (zanni_t *self, const zanni_ref_t *ref, int64_t wait_ms, const char *method,
                                       const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* Tells the same to `refs_count` actors, packing the arguments once and copying no buffer. Answers how many accepted
   it; `results` (may be NULL) gets each one's code. A negative code: sent to nobody. */
ZANNI_EXPORT int zanni_send_all_args (zanni_t *self, const zanni_ref_t *const *refs, size_t refs_count, int *results,
                                      const char *method, const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* Tells `method` (signature "") of the calling actor once, when `ref`'s mailbox has room again or the actor is gone.
   At once where it has room. */
ZANNI_EXPORT int zanni_when_writable (zanni_t *self, const zanni_ref_t *ref, const char *method) ZANNI_CHECKED;

/* Gets the answer of an ask, once: kind REPLY or ERROR; `reply` is borrowed. */
typedef void zanni_reply_fn (zanni_t *self, zanni_msg_t *reply, void *arg);

typedef struct {
    size_t size;             // sizeof (zanni_ask_t), or 0; another is ZANNI_EINVAL
    zanni_reply_fn *then;    // NULL: zanni_receive yields the answer, with the id of the ask
    void *arg;
    int64_t deadline_ms;     // 0: the node's default, or what is left of the ask being served; -1: none
    uint64_t *id_p;          // gets the id, for zanni_cancel and zanni_msg_id
    zanni_error_t *error;    // zanni_call: filled on failure
    uint64_t ticket;         // not 0: whom it asks is told "got" with this number when it has its answer, and "give_back"
                             // when it ends without one; zanni_cancel and its deadline do so at once: object.h
} zanni_ask_t;

#define ZANNI_ASK_DEFAULT { .size = sizeof (zanni_ask_t) }

/* Sends a request; never blocks. Errors as zanni_tell: then nothing was asked and `then` is not called. */
ZANNI_EXPORT int zanni_ask_args (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options,
                                 const char *method, const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* Ends one's own ask: its answer becomes ZANNI_ECANCELED, and the receiver drops it where it has not begun. An id
   whose ask has ended is no error. */
ZANNI_EXPORT int zanni_cancel (zanni_t *self, uint64_t ask) ZANNI_CHECKED;

/* Asks and waits for the answer, which the caller destroys. For actors that own their worker (ZANNI_EOWNER); while
   waiting, other actors of the worker run, its own handlers and callbacks do not. An error answer is the result;
   zanni_call_with gives its text through options->error. ZANNI_EDEADLOCK: whom it would call waits, on whatever node, in a
   call that only this actor can bring on: a handler (or a loop, with the ask that it received last) would call its asker,
   or who waits for that. Nothing was asked; the text says "a calls b.x calls a.y", and so does the error of the ask being
   served where the handler answers this code. Circles that could not be seen before (all call at once, an ask was promised, or
   one calls its spawner in its start, who waits for that) are found while they wait: in some 200 ms. */
ZANNI_EXPORT int zanni_call_args (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *ref,
                                  const zanni_ask_t *options, const char *method, const zanni_arg_t *args,
                                  size_t count) ZANNI_CHECKED;

/* Waits up to `timeout_ms` (-1: without end, 0: not at all) for the next message, which the caller destroys. For
   actors that own their worker. ZANNI_ETIMEOUT; ZANNI_ECLOSED once the actor was told to stop, or ended by an
   exit signal. An answer that has a callback is not yielded: it waits for the actor's next turn; a loop actor,
   which has none, gets it called here. */
ZANNI_EXPORT int zanni_receive (zanni_t *self, zanni_msg_t **msg_p, int64_t timeout_ms) ZANNI_CHECKED;

/* Answers an ask: zanni_reply (self, msg, total). For a tell it does nothing, so that one handler serves both.
   ZANNI_EREPLIED for a second answer; ZANNI_EARGS where the
   method's result signature wants something else (nothing was sent then). */
ZANNI_EXPORT int zanni_reply_args (zanni_t *self, zanni_msg_t *msg, const zanni_arg_t *args,
                                   size_t count) ZANNI_CHECKED;

/* Answers an ask with the application's own error: code, text, and arguments as data. Of the text as much arrives as
   zanni_error_t holds; what is not UTF-8 in it becomes question marks. */
ZANNI_EXPORT int zanni_fail_args (zanni_t *self, zanni_msg_t *msg, int64_t code, const char *text,
                                  const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* Answers an ask with an error that came from elsewhere, and keeps where it arose and its data, if it has any: that
   may be the very message that brought the error to a callback (error.data = reply). */
ZANNI_EXPORT int zanni_pass (zanni_t *self, zanni_msg_t *msg, const zanni_error_t *error) ZANNI_CHECKED;

/* Hands a tell or ask on as it is, to `method` of another actor (NULL: the same method); the answer goes to the first
   asker. On failure the message is still the caller's to answer. ZANNI_EPERM: that method is private, or it is an ask with
   a ticket, which only whom it was sent to can answer. */
ZANNI_EXPORT int zanni_forward (zanni_t *self, zanni_msg_t *msg, const zanni_ref_t *ref,
                                const char *method) ZANNI_CHECKED;

/* Chaining: every actor has a method "zanni.chain", which has another of its methods handle the arguments, in the place of
   this message; what that answers goes straight to a method of a third actor as its arguments, and what the third answers is
   the answer. So A asks, B works, C gets B's result, and A gets C's:

       const zanni_bound_t then = { c, "put" };
       rc = zanni_ask (self, b, &options, ZANNI_CHAIN (&then, "get", 5));

   A tell is passed on as a tell. An error of either is the answer; that of a tell is logged and counted. B's method is handled
   as if B had asked itself; private ones are refused. A key whose rights name zanni.chain (trust.h) may call any method in
   such a way. In C++, and from elsewhere: "zanni.chain", the bound method, the name, a list of the arguments. */

/* The duty to answer an ask, taken off its message so that it can be done later. A promise that is dropped, or whose
   actor ends, answers an error. The actor owns it; the calls that answer consume it. */
typedef struct zanni_promise zanni_promise_t;

ZANNI_EXPORT int zanni_promise_new (zanni_t *self, zanni_promise_t **promise_p, zanni_msg_t *msg) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_promise_reply_args (zanni_t *self, zanni_promise_t **promise_p, const zanni_arg_t *args,
                                           size_t count) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_promise_fail (zanni_t *self, zanni_promise_t **promise_p, int64_t code,
                                     const char *text) ZANNI_CHECKED;

/* Whether its asker has cancelled it or its deadline is over: work on it is in vain. */
ZANNI_EXPORT bool zanni_promise_is_void (const zanni_promise_t *promise);
ZANNI_EXPORT void zanni_promise_destroy (zanni_promise_t **promise_p);

#ifdef __cplusplus
}
#else

/* With their arguments typed by C; cpp.h has the same for C++. */
#define zanni_tell(self, ref, ...) zanni_tell_args (self, ref, ZANNI_ARGV (__VA_ARGS__))
#define zanni_tell_wait(self, ref, wait_ms, ...)                                                              \
    zanni_tell_wait_args (self, ref, wait_ms, ZANNI_ARGV (__VA_ARGS__))
#define zanni_send_all(self, refs, refs_count, results, ...)                                                  \
    zanni_send_all_args (self, refs, refs_count, results, ZANNI_ARGV (__VA_ARGS__))
#define zanni_ask(self, ref, options, ...) zanni_ask_args (self, ref, options, ZANNI_ARGV (__VA_ARGS__))
#define zanni_call(self, reply_p, ref, ...) zanni_call_args (self, reply_p, ref, NULL, ZANNI_ARGV (__VA_ARGS__))
#define zanni_call_with(self, reply_p, ref, options, ...)                                                     \
    zanni_call_args (self, reply_p, ref, options, ZANNI_ARGV (__VA_ARGS__))
#define ZANNI_CHAIN(then, ...) \
    "zanni.chain", (const zanni_bound_t *) (then), ZANNI_FIRST (__VA_ARGS__, 0), \
        zanni_arg_list (ZANNI_JOIN (ZANNI_ARGV_, ZANNI_MANY (__VA_ARGS__)) (__VA_ARGS__))
#define zanni_reply(self, ...) zanni_reply_args (self, ZANNI_ARGV (__VA_ARGS__))
#define zanni_fail(self, msg, code, ...) zanni_fail_args (self, msg, code, ZANNI_ARGV (__VA_ARGS__))
#define zanni_promise_reply(self, ...) zanni_promise_reply_args (self, ZANNI_ARGV (__VA_ARGS__))

#endif
#endif
