/* exit.h: actors that share their fate: links, exit signals, and trapping them.

   A link ties two actors: when one of them ends, the other gets an exit signal with the reason. A signal for any
   other reason than normal ends who gets it, for the same reason: at once, overtaking what is in its mailbox, and
   its own links pass it on. An actor that traps exits is not ended: its `exit` hook is called (zanni_receive
   yields a ZANNI_MSG_EXIT) with who and why, in order behind what that one sent before, for normal ends as well.
   The semantics are Erlang's, with these differences: a link is one incarnation's, so a restart ends it (reason
   shutdown); what was trapped and is still in the mailbox does not come any more once the link is undone; one
   cannot link to oneself; and a normal exit signal that an actor sends to itself is ignored like any other.

   Rights: who links two actors is one of them and owns the other (ZANNI_EPERM), as a parent owns its child. That
   is enough for both directions: its own fate is its own to share. A child that does not own its parent can
   neither link to it nor undo the link; it can trap. What ends a root or attached actor ends no thread of the
   host's: zanni_run, zanni_step and what would block answer ZANNI_ECLOSED, and its reason stands when it is
   destroyed.

   Call these from the actor whose `self` it is. None blocks.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_EXIT_H
#define ZANNI_EXIT_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Links the calling actor with another, in both directions. Who is linked already stays so: there is one link
   between two actors, whoever asked for it. Where the actor is gone, its end is told like that of one that ends
   now, with ZANNI_EXIT_NO_ACTOR (of a process that has ended it may be why it did, if not in good order); the
   loss of a node, with ZANNI_EXIT_NO_CONNECTION; that its node is of a version that knows no links, as an error
   of the code ZANNI_ENOMETHOD. The link does not hold the actor: keep a reference. ZANNI_EPERM: `ref` does not
   own; ZANNI_EINVAL: it is NULL or the actor itself; ZANNI_ENOMEM, ZANNI_ETHREAD, and where another node has to
   be dialled what zanni_monitor answers. */
ZANNI_EXPORT int zanni_link (zanni_t *self, const zanni_ref_t *ref) ZANNI_CHECKED;

/* Ends the link, for both: once this has answered, nothing of it reaches the caller any more, though it is on its
   way or in the mailbox. Without a link it is no error. ZANNI_EPERM, ZANNI_EINVAL (NULL), ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_unlink (zanni_t *self, const zanni_ref_t *ref) ZANNI_CHECKED;

/* Whether exit signals that come from now on are trapped; an incarnation begins without. ZANNI_ETHREAD,
   ZANNI_EINVAL. */
ZANNI_EXPORT int zanni_trap_exits (zanni_t *self, bool trap);

/* Sends an exit signal, linked or not, as if an actor that ended for this reason had been linked: but
   ZANNI_EXIT_KILLED cannot be trapped and is zanni_kill. (The end of a linked actor that was killed can.) Any
   kind of reason may be sent; the text, which only ZANNI_EXIT_ERROR shows, is UTF-8. Not waiting for the end:
   monitor it. A node of a version that knows no exit signals ignores all but a kill. ZANNI_EPERM: `ref` does not
   own; ZANNI_EINVAL: it or the reason is NULL, or the reason is none; ZANNI_ENOMEM, ZANNI_ETHREAD, and what
   zanni_monitor answers. */
ZANNI_EXPORT int zanni_exit_signal (zanni_t *self, const zanni_ref_t *ref, const zanni_reason_t *reason) ZANNI_CHECKED;

/* What a ZANNI_MSG_EXIT says; ZANNI_EINVAL for any other kind. */
ZANNI_EXPORT int zanni_msg_exit (const zanni_msg_t *msg, zanni_exit_signal_t *signal) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
