/* work.h: what a node is at just now: what each of its threads is in, who waits for whom, and whose mailboxes are full.

   Nothing is counted for that: every worker says what it has when it is asked, between two messages. One that is not heard of
   soon, since it is in a long handler, or its thread is the host's and away from zanni, is told of as far as others see it.
   Whoever holds a reference to an actor asks the actor for the same: "zanni.work" (signature "", answer ZANNI_WORK: a row a
   worker, the members of zanni_work_t in order). Process actors are nodes of their own, which answer for themselves.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_WORK_H
#define ZANNI_WORK_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ZANNI_WORK "a(sssxbttta(tstssxbb)a(tstt)bt)"
#define ZANNI_WORK_MOST 100   // asks, and mailboxes, of a worker that are told of: the oldest, the fullest

/* An ask that an actor of the worker has made and that is not answered. */
typedef struct {
    uint64_t asker;              // its number in the node
    const char *asker_class;     // "": it has none, as a root may
    uint64_t receiver;           // of this node, or of another one
    const char *receiver_class;  // "": it is not known here
    const char *method;
    int64_t age_ms;
    bool waits;                  // in a call: it does nothing else
    bool away;                   // the receiver is another node's
} zanni_work_ask_t;

/* A mailbox with messages in it. */
typedef struct {
    uint64_t actor;
    const char *class_name;
    uint64_t messages;
    uint64_t bytes;
} zanni_work_mailbox_t;

typedef struct {
    const char *worker;          // "worker 1", "thread actor logger", "root"
    const char *class_name;      // whose method or hook its thread is in; "": in none
    const char *method;
    int64_t for_ms;              // since it was last seen between two
    bool known;                  // it was heard of: what follows is so
    uint64_t actors;             // known or not
    uint64_t queued;             // messages in their mailboxes
    uint64_t held;               // asks that they were asked, have begun with, and have not answered
    const zanni_work_ask_t *asks;
    size_t asks_count;
    const zanni_work_mailbox_t *mailboxes;
    size_t mailboxes_count;
    bool stuck;                  // the watchdog has told of what its thread is in: `watchdog_ms` of zanni_spawn_t
    uint64_t actor;              // and whose that is: its number; else 0
} zanni_work_t;

typedef void zanni_work_fn (void *context, const zanni_work_t *work);

/* Tells each worker of the node to `each`, which runs on the calling thread; texts are valid during the call. Waits for those
   that are asked for at most `wait_ms` (-1: without end), so it is for actors that own their worker (ZANNI_EOWNER): any other
   asks itself.
   ZANNI_EINVAL, ZANNI_ENOMEM, ZANNI_ECLOSED. */
ZANNI_EXPORT int zanni_work (zanni_t *self, int64_t wait_ms, zanni_work_fn *each, void *context) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
