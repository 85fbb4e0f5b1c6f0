/* stream.h: what the two sides of a stream share.

   All that is said goes to the consumer's method, as (key, kind, v): tells and asks of the producer, in order. What
   the consumer has to say is an answer.

   OPEN    ask   v: the further arguments   answered with [items, bytes], or the refusal
   WAIT    ask   behind that                answered when the stream is over, so that each side's end ends it
   ITEM    tell  v: the item's values
   MARK    ask                              answered when it is handled: by then, all items before it were
   END     tell  v: [] or [code, application's code, text]
   GONE    tell  v: [text]                  the producer's incarnation has ended before OPEN was answered: where another
                                            follows, the consumer's monitor may watch that one

   The key is the sender's: with him it names the stream. */

#ifndef ZANNI_STREAM_STREAM_H
#define ZANNI_STREAM_STREAM_H

#include "../actor/pending.h"

#include <zanni/stream.h>

typedef enum { ZANNI__OPEN, ZANNI__WAIT, ZANNI__ITEM, ZANNI__MARK, ZANNI__END, ZANNI__GONE } zanni__stream_kind_t;

/* What both kinds of handles begin with. */
struct zanni_stream {
    zanni_t *self;
    zanni_ref_t *peer;
    void *data;
    uint64_t key;
    bool pushes;          // it is the producer's
};

#define ZANNI__STREAM_ITEMS 256
#define ZANNI__STREAM_ITEMS_MAX 65536
#define ZANNI__STREAM_BYTES (UINT64_C (1) << 20)
#define ZANNI__STREAM_WAITING 64

#endif
