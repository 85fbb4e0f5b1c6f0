/* cpp.h: the calls with arguments typed by C++17, under the names that they have in C.

   C has them as macros over _Generic; here they are templates over zanni_arg and zanni_out, so that the same line
   compiles as either and an argument without a type in zanni does not compile. Any number of arguments. What they
   do, who owns what and which threads may call stands at the functions with _args in their names. A program in C++
   includes zanni.h, which includes this; to C it adds nothing.

   A std::string is passed as text.c_str (), since strings of zanni end with NUL and contain none; an enum class is
   cast to its number. Mind that NULL is a number to C++, while nullptr does not compile.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_CPP_H
#define ZANNI_CPP_H

#include "directory.h"
#include "message.h"
#include "node.h"
#include "pool.h"
#include "timer.h"
#include "type.h"

#ifdef __cplusplus

extern "C++" {
inline zanni_arg_t zanni_arg (bool value) { return zanni_arg_bool (value); }
inline zanni_arg_t zanni_arg (char value) { return zanni_arg_int (value); }
inline zanni_arg_t zanni_arg (signed char value) { return zanni_arg_int (value); }
inline zanni_arg_t zanni_arg (short value) { return zanni_arg_int (value); }
inline zanni_arg_t zanni_arg (int value) { return zanni_arg_int (value); }
inline zanni_arg_t zanni_arg (long value) { return zanni_arg_int (value); }
inline zanni_arg_t zanni_arg (long long value) { return zanni_arg_int (value); }
inline zanni_arg_t zanni_arg (unsigned char value) { return zanni_arg_uint (value); }
inline zanni_arg_t zanni_arg (unsigned short value) { return zanni_arg_uint (value); }
inline zanni_arg_t zanni_arg (unsigned value) { return zanni_arg_uint (value); }
inline zanni_arg_t zanni_arg (unsigned long value) { return zanni_arg_uint (value); }
inline zanni_arg_t zanni_arg (unsigned long long value) { return zanni_arg_uint (value); }
inline zanni_arg_t zanni_arg (float value) { return zanni_arg_double (value); }
inline zanni_arg_t zanni_arg (double value) { return zanni_arg_double (value); }
inline zanni_arg_t zanni_arg (char *value) { return zanni_arg_string (value); }
inline zanni_arg_t zanni_arg (const char *value) { return zanni_arg_string (value); }
inline zanni_arg_t zanni_arg (zanni_ref_t *value) { return zanni_arg_ref (value); }
inline zanni_arg_t zanni_arg (const zanni_ref_t *value) { return zanni_arg_ref (value); }
inline zanni_arg_t zanni_arg (zanni_buffer_t *value) { return zanni_arg_buffer (value); }
inline zanni_arg_t zanni_arg (const zanni_buffer_t *value) { return zanni_arg_buffer (value); }
inline zanni_arg_t zanni_arg (zanni_bound_t *value) { return zanni_arg_bound (value); }
inline zanni_arg_t zanni_arg (const zanni_bound_t *value) { return zanni_arg_bound (value); }
inline zanni_arg_t zanni_arg (zanni_blob_t *value) { return zanni_arg_blob (value); }
inline zanni_arg_t zanni_arg (const zanni_blob_t *value) { return zanni_arg_blob (value); }
inline zanni_arg_t zanni_arg (zanni_bytes_t value) { return zanni_arg_bytes_of (value); }
inline zanni_arg_t zanni_arg (zanni_packed_t value) { return zanni_arg_packed (value); }
inline zanni_arg_t zanni_arg (zanni_arg_t value) { return value; }

/* An enum is its number, as in C. This matches better than a conversion would, so that no pointer becomes a bool. */
template <typename other_t>
inline zanni_arg_t
zanni_arg (other_t value)
{
    static_assert (__is_enum (other_t), "zanni knows no argument of this type");
    return zanni_arg (+value);
}

/* A list of values in place, ZANNI_LIST ("one", 1): itself an argument, in the call that it is written in. */
template <size_t count> struct zanni_items {
    zanni_arg_t items [count];
};

template <size_t count>
inline zanni_arg_t
zanni_arg (const zanni_items<count> &list)
{
    return zanni_arg_list (list.items, count);
}

template <typename... args_t>
inline zanni_items<sizeof... (args_t)>
zanni_items_of (const args_t &...args)
{
    return { { zanni_arg (args)... } };
}

#define ZANNI_LIST(...) zanni_items_of (__VA_ARGS__)

inline zanni_out_t zanni_out (bool *place) { return { ZANNI_OUT_BOOL, place }; }
inline zanni_out_t zanni_out (unsigned char *place) { return { ZANNI_OUT_UINT8, place }; }
inline zanni_out_t zanni_out (int *place) { return { ZANNI_OUT_INT32, place }; }
inline zanni_out_t zanni_out (unsigned *place) { return { ZANNI_OUT_UINT32, place }; }
inline zanni_out_t zanni_out (long *place) { return { ZANNI_OUT_INT64, place }; }
inline zanni_out_t zanni_out (long long *place) { return { ZANNI_OUT_INT64, place }; }
inline zanni_out_t zanni_out (unsigned long *place) { return { ZANNI_OUT_UINT64, place }; }
inline zanni_out_t zanni_out (unsigned long long *place) { return { ZANNI_OUT_UINT64, place }; }
inline zanni_out_t zanni_out (double *place) { return { ZANNI_OUT_DOUBLE, place }; }
inline zanni_out_t zanni_out (const char **place) { return { ZANNI_OUT_STRING, place }; }
inline zanni_out_t zanni_out (zanni_bytes_t *place) { return { ZANNI_OUT_BYTES, place }; }
inline zanni_out_t zanni_out (const zanni_ref_t **place) { return { ZANNI_OUT_REF, place }; }
inline zanni_out_t zanni_out (const zanni_buffer_t **place) { return { ZANNI_OUT_BUFFER, place }; }
inline zanni_out_t zanni_out (zanni_packed_t *place) { return { ZANNI_OUT_PACKED, place }; }
inline zanni_out_t zanni_out (zanni_bound_t *place) { return { ZANNI_OUT_BOUND, place }; }
inline zanni_out_t zanni_out (zanni_blob_t *place) { return { ZANNI_OUT_BLOB, place }; }
inline zanni_out_t zanni_out (const zanni_object_t **place) { return { ZANNI_OUT_OBJECT, place }; }
inline zanni_out_t zanni_out (const zanni_into_t &into) { return { ZANNI_OUT_TYPED, (void *) &into }; }

/* What the calls below pass on: an array that has room for one at least, since C++ has none of length 0. */
template <size_t count> struct zanni_argv {
    zanni_arg_t args [count + 1];
};

template <typename... args_t>
inline zanni_argv<sizeof... (args_t)>
zanni_argv_of (const args_t &...args)
{
    return { { zanni_arg (args)..., zanni_arg_t () } };
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_tell (zanni_t *self, const zanni_ref_t *ref, const char *method, const args_t &...args)
{
    return zanni_tell_args (self, ref, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_tell_wait (zanni_t *self, const zanni_ref_t *ref, int64_t wait_ms, const char *method, const args_t &...args)
{
    return zanni_tell_wait_args (self, ref, wait_ms, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_send_all (zanni_t *self, const zanni_ref_t *const *refs, size_t refs_count, int *results, const char *method,
                const args_t &...args)
{
    return zanni_send_all_args (self, refs, refs_count, results, method, zanni_argv_of (args...).args,
                                sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_ask (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options, const char *method,
           const args_t &...args)
{
    return zanni_ask_args (self, ref, options, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_call_with (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *ref, const zanni_ask_t *options,
                 const char *method, const args_t &...args)
{
    return zanni_call_args (self, reply_p, ref, options, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_call (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *ref, const char *method, const args_t &...args)
{
    return zanni_call_with (self, reply_p, ref, nullptr, method, args...);
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_reply (zanni_t *self, zanni_msg_t *msg, const args_t &...args)
{
    return zanni_reply_args (self, msg, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_fail (zanni_t *self, zanni_msg_t *msg, int64_t code, const char *text, const args_t &...args)
{
    return zanni_fail_args (self, msg, code, text, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_promise_reply (zanni_t *self, zanni_promise_t **promise_p, const args_t &...args)
{
    return zanni_promise_reply_args (self, promise_p, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_spawn (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, const zanni_spawn_t *options,
             const args_t &...args)
{
    return zanni_spawn_args (self, ref_p, class_name, options, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_serve (zanni_t *self, const char *class_name, const args_t &...args)
{
    return zanni_serve_args (self, class_name, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_timer (zanni_t *self, uint64_t *timer_p, int64_t after_ms, int64_t every_ms, const char *method,
             const args_t &...args)
{
    return zanni_timer_args (self, timer_p, after_ms, every_ms, method, zanni_argv_of (args...).args,
                             sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_router_tell (zanni_router_t *router, const char *key, const char *method, const args_t &...args)
{
    return zanni_router_tell_args (router, key, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_topic_tell (zanni_router_t *router, const char *method, const args_t &...args)
{
    return zanni_topic_tell_args (router, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t> ZANNI_CHECKED inline int
zanni_pool (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, const zanni_pool_options_t *options,
            const args_t &...args)
{
    return zanni_pool_args (self, ref_p, class_name, options, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t> ZANNI_CHECKED inline int
zanni_msg_new (zanni_t *self, zanni_msg_t **msg_p, const char *method, const args_t &...args)
{
    return zanni_msg_new_args (self, msg_p, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_list_append (zanni_list_t *list, const args_t &...args)
{
    return zanni_list_append_args (list, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... places_t>
ZANNI_CHECKED inline int
zanni_read (zanni_msg_t *msg, const places_t &...places)
{
    const zanni_out_t outs [] = { zanni_out (places)..., zanni_out_t () };
    return zanni_read_args (msg, outs, sizeof... (places));
}
}
#endif
#endif
