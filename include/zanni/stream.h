/* stream.h: many items from one actor to another, wherever they are, as fast as the slower of the two.

   The consumer has a method for streams (ZANNI_STREAM in its table), whose handler passes everything on to
   zanni_stream_take. The producer opens a stream to that method and pushes items. So many items and bytes as the
   consumer admits may be on their way or in its mailbox at once: that is the credit, which comes back as it handles
   them. Beyond it a push is refused, and the producer is called once there is credit again; or items wait at the
   producer, and the oldest or newest is dropped when too many do.

   Either side can end a stream, and the end of either actor (or of the way between them) ends it at the other. Each
   side's `ended` is called exactly once then, unless that side itself has cancelled or destroyed the stream, or
   ended.

   What the consumer's mailbox drops by its own overflow policy (actor.h) is lost to a stream, too.

   Call these from the actor whose `self` it is. None blocks. Callbacks run in its turns: where it reads with
   zanni_receive, as those of asks do (call.h).

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_STREAM_H
#define ZANNI_STREAM_H

#include "actor.h"
#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One end of a stream. */
typedef struct zanni_stream zanni_stream_t;

/* The stream has ended: `error` is NULL where its producer has ended it and the consumer has handled all of it, else
   says why, and is valid during the call: ZANNI_EDOWN or ZANNI_ENODE with the reason (the other side is gone; "no
   such actor" where it was gone before it could be watched), ZANNI_ECANCELED (it gave up), ZANNI_EAPP with its own
   code and text (zanni_stream_fail, zanni_stream_cancel), or what the item's handler answered. A consumer's handle is
   gone behind this call; a producer destroys its own. */
typedef void zanni_stream_ended_fn (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error);

/* The producer's side. */

typedef struct {
    size_t size;                    // sizeof (zanni_stream_options_t), or 0; another is ZANNI_EINVAL
    void (*room) (zanni_t *self, zanni_stream_t *stream);   // REJECT: there is credit, for the first time or after a refusal
    zanni_stream_ended_fn *ended;   // may be NULL
    void *data;                     // for zanni_stream_data
    zanni_overflow_t overflow;      // REJECT: a push without credit is ZANNI_EFULL; else items wait, and this one goes
    uint32_t waiting_items;         // how many items wait at most; 0: 64
    uint64_t waiting_bytes;         // how many bytes of them; 0: 1 MiB. One item may be larger
} zanni_stream_options_t;

#define ZANNI_STREAM_OPTIONS_DEFAULT { .size = sizeof (zanni_stream_options_t) }

/* Opens a stream to `method` of the actor behind `ref`, where further arguments reach `opened`. The first credit
   comes with the consumer's consent; until then a push is refused or waits. `options` may be NULL. Errors as
   zanni_ask: then nothing was opened. A consumer that refuses, or has no such method, ends the stream. */
ZANNI_EXPORT int zanni_stream_open_args (zanni_t *self, zanni_stream_t **stream_p, const zanni_ref_t *ref,
                                         const zanni_stream_options_t *options, const char *method,
                                         const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* Sends one item, whose values are borrowed. ZANNI_EFULL: no credit, `room` is called once there is some;
   ZANNI_ECLOSED: the stream has ended, or is to; else errors as zanni_tell. With another overflow policy than
   ZANNI_REJECT it is 0, whatever is dropped for it. */
ZANNI_EXPORT int zanni_push_args (zanni_t *self, zanni_stream_t *stream, const zanni_arg_t *args,
                                  size_t count) ZANNI_CHECKED;

/* How many items the overflow policy has dropped. */
ZANNI_EXPORT uint64_t zanni_stream_dropped (const zanni_stream_t *stream);

/* Ends the stream behind what was pushed, also what still waits: well, or with an error of the application's that the
   consumer gets. ZANNI_ECLOSED: it has ended, or is to. */
ZANNI_EXPORT int zanni_stream_end (zanni_t *self, zanni_stream_t *stream) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_stream_fail (zanni_t *self, zanni_stream_t *stream, int64_t code,
                                    const char *text) ZANNI_CHECKED;

/* Lets go of a producer's stream, nulls the handle, forgives NULL. One that has not ended is given up: what waits is
   dropped, and its consumer gets ZANNI_ECANCELED behind what is on its way; one that was told to end goes on to do
   so. It ends with its actor: destroy it before, on that actor's thread. */
ZANNI_EXPORT void zanni_stream_destroy (zanni_stream_t **stream_p);

/* The consumer's side. */

typedef struct {
    /* Somebody opens a stream: reads the further arguments. A negative answer refuses it, and is its error there.
       NULL: all are welcome. */
    int (*opened) (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg);
    /* One item, to be read like any arguments (but not from their beginning again: zanni_rewind). A negative answer
       ends the stream with that error, at both sides. */
    int (*item) (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg);
    zanni_stream_ended_fn *ended;   // may be NULL
    uint32_t items;                 // the credit: how many items, 0: 256, 65,536 at most,
    uint64_t bytes;                 // and bytes; 0: 1 MiB. One item may be larger
} zanni_inlet_t;

#define ZANNI_STREAM_IN "tyv"   // what is in it is between the two sides
#define ZANNI_STREAM_OUT "at"

/* A row of a table of methods, whose handler is: return zanni_stream_take (self, msg, &inlet); */
#define ZANNI_STREAM(name, handler, text) { name, ZANNI_STREAM_IN, ZANNI_STREAM_OUT, handler, text, 0, NULL }

/* Handles what came to a method for streams. `inlet` is copied when a stream is opened. The answer is the handler's.
   While an actor is busy with an item that it cannot be done with at once, its handler calls zanni_stash instead
   (behaviour.h), and the credit stays out until what was put aside is handled. */
ZANNI_EXPORT int zanni_stream_take (zanni_t *self, zanni_msg_t *msg, const zanni_inlet_t *inlet) ZANNI_CHECKED;

/* Ends a stream at its consumer: the producer gets this code and text as ZANNI_EAPP, and what is on its way is
   dropped. The handle is gone. */
ZANNI_EXPORT int zanni_stream_cancel (zanni_t *self, zanni_stream_t *stream, int64_t code,
                                      const char *text) ZANNI_CHECKED;

/* Both sides: the program's own data of a stream, and the actor at its other end (weak, borrowed, as long as the
   stream). */
ZANNI_EXPORT void zanni_stream_set_data (zanni_stream_t *stream, void *data);
ZANNI_EXPORT void *zanni_stream_data (const zanni_stream_t *stream);
ZANNI_EXPORT const zanni_ref_t *zanni_stream_peer (const zanni_stream_t *stream);

static inline void
zanni_stream_t_auto (zanni_stream_t **stream_p)
{
    zanni_stream_destroy (stream_p);
}

#ifdef __cplusplus
}

#include "cpp.h"

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_stream_open (zanni_t *self, zanni_stream_t **stream_p, const zanni_ref_t *ref, const zanni_stream_options_t *options,
                   const char *method, const args_t &...args)
{
    return zanni_stream_open_args (self, stream_p, ref, options, method, zanni_argv_of (args...).args, sizeof... (args));
}

template <typename... args_t>
ZANNI_CHECKED inline int
zanni_push (zanni_t *self, zanni_stream_t *stream, const args_t &...args)
{
    return zanni_push_args (self, stream, zanni_argv_of (args...).args, sizeof... (args));
}

#else

/* With their arguments typed by C. */
#define zanni_stream_open(self, stream_p, ref, options, ...)                                                  \
    zanni_stream_open_args (self, stream_p, ref, options, ZANNI_ARGV (__VA_ARGS__))
#define zanni_push(self, stream, ...) zanni_push_args (self, stream, ZANNI_ARGS (__VA_ARGS__))

#endif
#endif
