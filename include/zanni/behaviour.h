/* behaviour.h: an actor that changes how it is served: other methods, messages put aside, messages that go first.

   Call these from the actor whose `self` it is, in a handler, hook or callback. None blocks. They hold in every
   place.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_BEHAVIOUR_H
#define ZANNI_BEHAVIOUR_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From the next message on the methods of another registered class serve the actor, on the same state: its present
   behaviour alone decides which methods it has, what they take and answer, what is private or high, and what
   zanni.describe says, whoever sends and whenever it was sent. Hooks (start, stop, down, run) stay those of the class
   that it was spawned as; zanni_ref_class goes on to name that one, too, and rights of keys (trust.h) are asked for
   it. NULL or the name of that class undoes it; a restart begins with it.

   ZANNI_ENOCLASS: no such class; ZANNI_EINVAL: its state has another size, only one of the two is a loop, or the
   actor is a root or attached thread that serves no class. The text of the present message's error then says
   which. */
ZANNI_EXPORT int zanni_become (zanni_t *self, const char *class_name) ZANNI_CHECKED;

/* Puts a tell or ask that the actor got aside, with its duty to be answered: for the handler it is as if it had been
   forwarded. Its arguments are shared, not copied. It counts against the limits of the mailbox again (and, where it
   is the message of the present handler, against its sender's window), can be cancelled, and its deadline goes on.
   What is left at the actor's end is told as what is left in its mailbox is; before a restart it goes back there.

   ZANNI_EFULL: `stash_max` of the class (class.h) are put aside already; ZANNI_EREPLIED: the ask has been answered;
   ZANNI_EINVAL: no tell or ask, or another actor's; ZANNI_ENOMEM. The message is still the caller's to answer
   then. */
ZANNI_EXPORT int zanni_stash (zanni_t *self, zanni_msg_t *msg) ZANNI_CHECKED;

/* Puts everything that was put aside before what is in the mailbox, in the order in which it was put aside. Answers
   how many messages that were. */
ZANNI_EXPORT int zanni_unstash_all (zanni_t *self);

/* A method with ZANNI_METHOD_HIGH in its flags (ZANNI_HIGH in the table) has its tells and asks overtake those of
   other methods, and answers, in the receiver's mailbox; among themselves they keep their order, and so do the
   others. So what one actor sends to another arrives in that order for each of the two priorities, and the receiver's
   table says which methods do not wait. They overtake nothing on their way there, count and are refused like others,
   and timers' ticks do not overtake. It costs those actors alone that have such a method. */

#ifdef __cplusplus
}
#endif
#endif
