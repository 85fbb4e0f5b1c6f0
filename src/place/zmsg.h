/* zmsg.h: what a zmsg says as a method and arguments. See zmsg.c; the way back is zanni_msg_zmsg. */

#ifndef ZANNI_PLACE_ZMSG_H
#define ZANNI_PLACE_ZMSG_H

#include "../actor/worker.h"

#include <zanni/czmq.h>

/* Fills *words for the actor that they are for, or NULL; `*memory_p` is what they lie in besides the zmsg itself, for the
   caller to free. ZANNI_EINVAL: no method in the first frame; ZANNI_ENOMEM. */
int zanni__zmsg_words (zanni__words_t *words, void **memory_p, zmsg_t *zmsg, const zanni_ref_t *to);

/* The frames of a zmsg as one list of bytes, which lies in *memory_p and the zmsg. ZANNI_ENOMEM. */
int zanni__zmsg_frames (zanni_arg_t *list, void **memory_p, zmsg_t *zmsg);

#endif
