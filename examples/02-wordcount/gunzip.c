/* gunzip.c: zlib's inflate, as `gzip -dc` behaves: several members one behind the other are one text, and what follows
   the last member without being one is passed over. */

#include "gunzip.h"

#include <limits.h>
#include <stdbool.h>

#define S_GZIP (16 + MAX_WBITS)   // how zlib is told to expect gzip's header and trailer

int
gunzip_start (gunzip_t *gunzip)
{
    gunzip->stream = (z_stream) { .zalloc = Z_NULL };
    return inflateInit2 (&gunzip->stream, S_GZIP) == Z_OK ? 0 : -1;
}

void
gunzip_stop (gunzip_t *gunzip)
{
    (void) inflateEnd (&gunzip->stream);
}

/* Whether a member begins here, though it may end at once. */
static bool
s_is_member (const unsigned char *data, size_t size)
{
    return size && data [0] == 0x1f && (size == 1 || data [1] == 0x8b);
}

/* One member; *at moves behind it. zlib counts its input in unsigned, so a large file goes in by pieces. */
static gunzip_result_t
s_member (gunzip_t *gunzip, const unsigned char **at, const unsigned char *end, gunzip_sink_fn *sink, void *arg)
{
    z_stream *stream = &gunzip->stream;
    int rc = inflateReset (stream);
    while (rc == Z_OK) {
        size_t left = (size_t) (end - *at);
        stream->next_in = (unsigned char *) (size_t) *at;   // zlib only reads it
        stream->avail_in = left > INT_MAX ? INT_MAX : (unsigned) left;
        stream->next_out = (unsigned char *) gunzip->window;
        stream->avail_out = GUNZIP_WINDOW;
        rc = inflate (stream, Z_NO_FLUSH);
        *at = stream->next_in;
        if (sink (arg, gunzip->window, GUNZIP_WINDOW - stream->avail_out))
            return GUNZIP_GIVEN_UP;
    }
    if (rc == Z_STREAM_END)
        return GUNZIP_WHOLE;
    return rc == Z_BUF_ERROR && *at == end ? GUNZIP_TRUNCATED : GUNZIP_DAMAGED;
}

gunzip_result_t
gunzip_run (gunzip_t *gunzip, const void *data, size_t size, gunzip_sink_fn *sink, void *arg)
{
    const unsigned char *at = data;
    const unsigned char *end = at + size;
    gunzip_result_t result = GUNZIP_WHOLE;
    if (!size)
        return GUNZIP_TRUNCATED;
    if (!s_is_member (at, size))
        return GUNZIP_NOT_GZIP;
    while (result == GUNZIP_WHOLE && s_is_member (at, (size_t) (end - at)))
        result = s_member (gunzip, &at, end, sink, arg);
    return result;
}

const char *
gunzip_text (gunzip_result_t result)
{
    static const char *const texts [] = {
        [GUNZIP_WHOLE] = "is whole", [GUNZIP_NOT_GZIP] = "is no gzip file, whatever its name says; left out",
        [GUNZIP_TRUNCATED] = "is a truncated gzip file; left out", [GUNZIP_DAMAGED] = "is a damaged gzip file; left out",
        [GUNZIP_GIVEN_UP] = "was given up"
    };
    return texts [result];
}
