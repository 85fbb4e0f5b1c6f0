/* message.h: arguments in, arguments out.

   What can be an argument stands in arg.h. Numbers widen where nothing is lost; strings are UTF-8 without NUL.

   A message belongs to the actor that got it: call these from its thread. What is read stays valid as long as the
   message does. None of them blocks.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_MESSAGE_H
#define ZANNI_MESSAGE_H

#include "arg.h"
#include "class.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ZANNI_MSG_TELL,
    ZANNI_MSG_ASK,
    ZANNI_MSG_REPLY,
    ZANNI_MSG_ERROR,
    ZANNI_MSG_DOWN,
    ZANNI_MSG_EXIT
} zanni_msg_kind_t;

ZANNI_EXPORT zanni_msg_kind_t zanni_msg_kind (const zanni_msg_t *msg);

/* The method's name; "" for a reply. */
ZANNI_EXPORT const char *zanni_msg_method (const zanni_msg_t *msg);

/* Who sent it, weak and borrowed: valid as long as the message; never NULL. */
ZANNI_EXPORT const zanni_ref_t *zanni_msg_from (const zanni_msg_t *msg);

/* The number of the ask that a reply or error answers, or of the monitor that fired; 0 otherwise. */
ZANNI_EXPORT uint64_t zanni_msg_id (const zanni_msg_t *msg);

/* How many milliseconds an ask has left; INT64_MAX where it has no deadline, 0 when it is over. */
ZANNI_EXPORT int64_t zanni_msg_remaining_ms (const zanni_msg_t *msg);

/* What an error message says; ZANNI_EINVAL for any other kind. `error->data` is left NULL: read the message. */
ZANNI_EXPORT int zanni_msg_error (const zanni_msg_t *msg, zanni_error_t *error) ZANNI_CHECKED;

/* What a DOWN message says; ZANNI_EINVAL for any other kind. */
ZANNI_EXPORT int zanni_msg_down (const zanni_msg_t *msg, zanni_down_t *down) ZANNI_CHECKED;

/* Reads the next arguments, all or none: zanni_read (msg, &number, &text). ZANNI_EARGS where a type, a count or
   the end does not fit; zanni_msg_fault then says where, and nothing was read. A string goes into a const char * (a
   NUL-terminated copy) or, without a copy, into zanni_bytes_t; any value into zanni_packed_t, as its msgpack. */
ZANNI_EXPORT int zanni_read_args (zanni_msg_t *msg, const zanni_out_t *outs, size_t count) ZANNI_CHECKED;

/* Goes into the next argument, an array, struct or list of pairs of `count` items, which the next reads yield.
   zanni_leave goes on behind it, however much of it was read. At most 8 deep. */
ZANNI_EXPORT int zanni_enter (zanni_msg_t *msg, size_t *count) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_leave (zanni_msg_t *msg) ZANNI_CHECKED;

/* Passes over the next argument; goes back before the first; says whether one is left at this level. */
ZANNI_EXPORT int zanni_skip (zanni_msg_t *msg) ZANNI_CHECKED;
ZANNI_EXPORT void zanni_rewind (zanni_msg_t *msg);
ZANNI_EXPORT bool zanni_more (const zanni_msg_t *msg);

/* What the last failed read of this message found ("argument 2 is a string, int64 was wanted"), or "". */
ZANNI_EXPORT const char *zanni_msg_fault (const zanni_msg_t *msg);

/* Lets a message outlive its handler: the caller owns it, may answer it later, and destroys it. An ask that is
   destroyed unanswered is answered `no reply`. */
ZANNI_EXPORT int zanni_msg_keep (zanni_msg_t **kept_p, zanni_msg_t *msg) ZANNI_CHECKED;

/* Destroys a message that the caller owns (received, kept, or the reply of a call), nulls the handle, forgives
   NULL. */
ZANNI_EXPORT void zanni_msg_destroy (zanni_msg_t **msg_p);

/* A message of one's own that is sent later, by zanni_map: zanni_msg_new (self, &msg, "square", 5). The caller owns it. Who
   it is sent to knows the method or does not. Errors as zanni_tell. */
ZANNI_EXPORT int zanni_msg_new_args (zanni_t *self, zanni_msg_t **msg_p, const char *method, const zanni_arg_t *args,
                                     size_t count) ZANNI_CHECKED;

/* A growing list of values for one argument (`a`, `()` or `a{}`). Append takes what ZANNI_ARG takes but references,
   buffers and bound methods; a list inside the list goes in as ZANNI_LIST (...) or as another list's zanni_list_arg.
   One thread at a time; none blocks. An append that fails (ZANNI_ENOMEM, ZANNI_EARGS, ZANNI_ETOOBIG) leaves the list
   as it was. */
typedef struct zanni_list zanni_list_t;
ZANNI_EXPORT int zanni_list_new (zanni_list_t **list_p) ZANNI_CHECKED;
ZANNI_EXPORT void zanni_list_destroy (zanni_list_t **list_p);
ZANNI_EXPORT int zanni_list_append_args (zanni_list_t *list, const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* The list as one argument, valid until the next append: zanni_tell (self, ref, "counts", zanni_list_arg (list)). */
ZANNI_EXPORT zanni_arg_t zanni_list_arg (zanni_list_t *list);

static inline void
zanni_msg_t_auto (zanni_msg_t **msg_p)
{
    zanni_msg_destroy (msg_p);
}

static inline void
zanni_list_t_auto (zanni_list_t **list_p)
{
    zanni_list_destroy (list_p);
}

#ifdef __cplusplus
}
#else

/* With their arguments typed by C; cpp.h has the same for C++. */
#define zanni_read(msg, ...) zanni_read_args (msg, ZANNI_OUTS (__VA_ARGS__))
#define zanni_msg_new(self, msg_p, ...) zanni_msg_new_args (self, msg_p, ZANNI_ARGV (__VA_ARGS__))
#define zanni_list_append(list, ...) zanni_list_append_args (list, ZANNI_ARGS (__VA_ARGS__))

#endif
#endif
