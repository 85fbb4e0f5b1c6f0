/* object.h: ready classes: locks, queues, events, counters, lists, dictionaries, for actors that share.

   They are classes like any others, registered by the library: zanni_spawn (self, &lock, "zanni.lock", NULL) makes a
   lock, in any place, and whoever holds its reference uses it by messages, from any actor, process or node. What is
   kept in them is any value (v): references and buffers, too, which they keep alive. Each does one thing after the
   other, so none of its methods can be seen half done. zanni_describe lists the methods below, with their signatures.

   Methods that wait take two more arguments at the end: a timeout in ms (-1: for ever, 0: not at all) and a ticket.
   They answer ZANNI_ETIMEOUT where the time is over, and ZANNI_ETOOBIG where a million asks wait for the object already;
   ask them by zanni_wait_ask or zanni_wait_call, which add both. Then none of it is ever lost: an asker whose ask ends without the answer (zanni_cancel, a deadline of its own)
   gives back what may be on its way to it, a lock or an item, before it sends anything else to the object; one that
   ends, with its process or node or without, leaves its place, and what it held or had not got yet goes to the next.
   To do that without these calls: the ask has no deadline (deadline_ms -1), is not cancelled, and its ticket is 0; or
   the ticket is a number that this actor uses but once with the object, which it then tells got (ticket) when the
   answer has come, or give_back (ticket) when it has ended without; zanni_ask_t.ticket sees to that. An actor between
   the two cannot hand such an ask on (zanni_forward): it answers with the object's reference, or asks itself.

   The calls below wait, so they are for actors that own their worker (ZANNI_EOWNER); others ask. All answer
   ZANNI_ETIMEOUT where the time is over, and what zanni_call answers. An object out of reach that does not answer at
   all is waited for as much longer as any ask is (zanni_options_t.ask_deadline_ms).

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_OBJECT_H
#define ZANNI_OBJECT_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* With what the state of a class begins that inherits from one of these (zanni_class_t.parent). */
typedef struct {
    uint64_t reserved [32];
} zanni_ready_t;

/* zanni_ask and zanni_call of a method that waits: timeout and ticket go behind the arguments, of which there are 14
   at most. deadline_ms of the options, where it is not 0, ends the ask itself; ticket is chosen where it is 0. */
ZANNI_EXPORT int zanni_wait_ask_args (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options,
                                      int64_t timeout_ms, const char *method, const zanni_arg_t *args,
                                      size_t count) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_wait_call_args (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *ref,
                                       const zanni_ask_t *options, int64_t timeout_ms, const char *method,
                                       const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* zanni.lock (): held by one actor at a time. Who asks first has it first.
   acquire "xt" "b"   waits for it; whether the lock is abandoned: its last holder ended and had not released it.
                      ZANNI_EINUSE: who asks holds it already
   release "" ""      ZANNI_EPERM: nobody holds it, or another
   held "" "xb"       how many times it is held; whether by who asks
   zanni.rlock (): the same, but its holder may have it several times, and has to release it as often. */
ZANNI_EXPORT int zanni_lock_acquire (zanni_t *self, bool *abandoned, const zanni_ref_t *lock,
                                     int64_t timeout_ms) ZANNI_CHECKED;   // `abandoned` may be NULL
ZANNI_EXPORT int zanni_lock_release (zanni_t *self, const zanni_ref_t *lock) ZANNI_CHECKED;

/* zanni.semaphore (x value): counts what has happened and was not used. Negative: ZANNI_EINVAL.
   acquire "xt" ""    waits until there is one, and uses it
   release "x" ""     so many more, at least 1 (ZANNI_EINVAL); by any actor
   value "" "x"       how many there are
   zanni.bounded_semaphore (x value): so many places, which actors take and give back. Those of an actor that ends
   come back. release of more than who asks holds: ZANNI_EPERM. */
ZANNI_EXPORT int zanni_semaphore_acquire (zanni_t *self, const zanni_ref_t *semaphore,
                                          int64_t timeout_ms) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_semaphore_release (zanni_t *self, const zanni_ref_t *semaphore, int64_t count) ZANNI_CHECKED;

/* zanni.event (): has happened, or not yet.
   set "" ""          it has: all who wait go on
   clear "" ""        not yet, again
   is_set "" "b"      whether it has
   wait "xt" ""       until it has */
ZANNI_EXPORT int zanni_event_wait (zanni_t *self, const zanni_ref_t *event, int64_t timeout_ms) ZANNI_CHECKED;

/* zanni.queue (x most): items, each for one actor, in the order in which they came; at most so many, 0: any number.
   put "vxt" ""       at the end, when there is room
   get "xt" "v"       the first, when there is one. One that was given to an actor which ended before its node could
                      say that it came goes back to the front: what a killed process had just got, another gets, too
   size "" "x"        how many are in it
   zanni.joinable_queue (x most): the same, and
   task_done "" ""    an item that was got is done, whoever says so. ZANNI_EINVAL: all are already
   join "xt" ""       until all that were put are done */
ZANNI_EXPORT int zanni_queue_put_args (zanni_t *self, const zanni_ref_t *queue, int64_t timeout_ms,
                                       const zanni_arg_t *item) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_queue_get (zanni_t *self, zanni_msg_t **item_p, const zanni_ref_t *queue,
                                  int64_t timeout_ms) ZANNI_CHECKED;   // for zanni_read; the caller destroys it
ZANNI_EXPORT int zanni_queue_join (zanni_t *self, const zanni_ref_t *queue, int64_t timeout_ms) ZANNI_CHECKED;

/* zanni.condition (): a zanni.rlock whose holder may wait for others to say that something has changed.
   wait "xt" "b"      gives the lock up, all times that it is held, until it is notified or the time is over, and then
                      waits for the lock, however long; whether it was notified. Who gives up does not hold it then
   notify "x" ""      so many of those who wait, at least 1 (ZANNI_EINVAL), get the lock when it is free. Who gives up
                      or ends before that is not counted: another is notified
   notify_all "" ""   all of them. ZANNI_EPERM, for each: who asks does not hold the lock */
ZANNI_EXPORT int zanni_condition_wait (zanni_t *self, bool *notified, const zanni_ref_t *condition,
                                       int64_t timeout_ms) ZANNI_CHECKED;   // `notified` may be NULL

/* zanni.barrier (x parties): so many go on together, when all have come. One who comes and whose time is over, who
   gives up or ends, breaks it: who waits, or comes then, gets ZANNI_ECLOSED.
   wait "xt" "x"      until all are there; as how manieth who asks came, from 0
   abort "" ""        breaks it
   reset "" ""        as at the start; who waits gets ZANNI_ECLOSED
   look "" "xxb"      how many it is for, how many wait, whether it is broken */
ZANNI_EXPORT int zanni_barrier_wait (zanni_t *self, int64_t *index, const zanni_ref_t *barrier,
                                     int64_t timeout_ms) ZANNI_CHECKED;   // `index` may be NULL

/* zanni.result (): what somebody will have worked out, for as many as like.
   set "v" ""         that is it, once (ZANNI_EINUSE)
   fail "xs" ""       or there is none, for this code and text
   get "xt" "v"       the result, when it is there; or ZANNI_EAPP, with that code and text
   wait "xt" ""       until it is there or has failed
   look "" "bb"       whether it is there; whether it has failed

   zanni.counter (x number)
   add "x" "x"        adds; the sum. ZANNI_ETOOBIG: it is no int64
   get "" "x", set "x" "x" (the one before)
   replace "xx" "b" (where it is the first, the second instead; whether it was)

   zanni.value (v value): the same for any value: get "" "v", set "v" "", swap "v" "v", replace "vv" "b". Values are
   equal here, and below, when they are the same msgpack; those with references or buffers never are.

   zanni.list (): values in a row. Positions count from 0, or from the end: -1 is the last. ZANNI_ENOKEY, with
   position and length: there is none; no value is equal.
   append "v" "", extend "av" "", insert "xv" "" (before a position; -1 is behind the last)
   get "x" "v", set "xv" "", pop "x" "v" (takes it out), delete "x" ""
   remove "v" "" (the first that is equal), index "v" "x" (where that is), count "v" "x" (how many are), size "" "x"
   slice "xx" "av" (those from a position to before another, as many as there are), clear "" "", reverse "" ""
   sort "" "" (numbers, what is none, NaN, behind all; or strings and bytes; else ZANNI_EARGS)

   zanni.dict (): values by key: a string, integer, bool, or bytes. ZANNI_ENOKEY, with the key: there is none.
   get "v" "v", get_or "vv" "v" (the second where there is none), set_default "vv" "v" (the same, and keeps it)
   set "vv" "", update "a(vv)" "", has "v" "b", delete "v" "", pop "v" "v" (takes it out), pop_or "vv" "v"
   size "" "x", clear "" ""
   keys "" "av", values "" "av", items "" "a(vv)" (in the order in which the keys came)

   Both of them, where there is too much for one message:
   open "" "t"        a cursor over what there is now, which later changes do not touch; it is the actor's that asked,
                      and ends with it
   next "tx" "av"     so many more at most, and no more than travel in one message, about 1 MiB with their buffers;
                      none: that was all. Of a dict "a(vv)"
   close "t" ""       it is not needed any more

   zanni.namespace (): values by name: get "s" "v", set "sv" "", has "s" "b", delete "s" "", names "" "as".

   zanni.array (s type, x length): numbers of one type, int8 to int64, uint8 to uint64, float32, float64; zeros at
   first.
   get "x" "v", set "xv" "" (ZANNI_EARGS: it is no such number), fill "v" ""
   slice "xx" "B"     so many from a position, as a buffer of that type
   store "xB" ""      those of a buffer, from a position
   look "" "sx"       type and length. ZANNI_ENOKEY, for each: the range is not inside */

#ifdef __cplusplus
}

#include "cpp.h"

extern "C++" {

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_wait_ask (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options, int64_t timeout_ms,
                const char *method, const args_t &...args)
{
    return zanni_wait_ask_args (self, ref, options, timeout_ms, method, zanni_argv_of (args...).args,
                                sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_wait_call (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *ref, const zanni_ask_t *options,
                 int64_t timeout_ms, const char *method, const args_t &...args)
{
    return zanni_wait_call_args (self, reply_p, ref, options, timeout_ms, method, zanni_argv_of (args...).args,
                                 sizeof... (args));
}

template <typename item_t>
ZANNI_CHECKED inline int
zanni_queue_put (zanni_t *self, const zanni_ref_t *queue, int64_t timeout_ms, const item_t &item)
{
    return zanni_queue_put_args (self, queue, timeout_ms, zanni_argv_of (item).args);
}

}
#else

/* With their arguments typed by C: zanni_wait_call (self, &reply, queue, NULL, 1000, "get"). */
#define zanni_wait_ask(self, ref, options, timeout_ms, ...)                                                   \
    zanni_wait_ask_args (self, ref, options, timeout_ms, ZANNI_ARGV (__VA_ARGS__))
#define zanni_wait_call(self, reply_p, ref, options, timeout_ms, ...)                                         \
    zanni_wait_call_args (self, reply_p, ref, options, timeout_ms, ZANNI_ARGV (__VA_ARGS__))

/* One value into a queue: zanni_queue_put (self, queue, -1, "a job"). */
#define zanni_queue_put(self, queue, timeout_ms, item)                                                        \
    zanni_queue_put_args (self, queue, timeout_ms, (const zanni_arg_t []) { ZANNI_ARG (item) })

#endif
#endif
