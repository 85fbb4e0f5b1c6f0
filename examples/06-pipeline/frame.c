/* frame.c: frames, and how it is known that they are right.

   A frame stands for a picture, a block of measurements, a tensor: an array of two dimensions, which says so itself
   (zanni_buffer_set_array), so that whoever gets it can check what it is before touching it. Its memory comes from
   zanni's pool (zanni_buffer_new) and is filled where it lies: processes of the host can map it, so that nothing has
   to be copied to send it, and it is used again and again, since memory that is touched for the first time is many
   times slower than memory that is warm.

   Each filter applies a key of its own to every sample, by exclusive or. The sink takes all the keys off while it
   computes the checksum, so the sum is that of the source only if every filter has seen every sample exactly once.
   The checksum is two running sums, as Fletcher's: the second one adds up the first, so that samples that change
   places change it. It is computed in the same pass in which the samples are written or read: passes over memory are
   what such a pipeline costs. */

#include "frame.h"

#define S_FACTOR UINT64_C (0x9e3779b97f4a7c15)   // odd, and its bits look random
#define S_STEP UINT64_C (0x2545f4914f6cdd1d)

typedef struct {
    uint64_t first;
    uint64_t second;
} sums_t;

static inline void
s_add (sums_t *sums, uint64_t sample)
{
    sums->first += sample;
    sums->second += sums->first;
}

static uint64_t
s_sum (const sums_t *sums)
{
    return sums->second * S_FACTOR + sums->first;
}

/* Fills a frame with samples that are another sequence in each. */
static uint64_t
s_fill (uint64_t *samples, uint64_t number)
{
    sums_t sums = { .first = 0 };
    uint64_t sample = (number + 1) * S_FACTOR;
    for (size_t i = 0; i < FRAME_SAMPLES; i++) {
        samples [i] = sample;
        s_add (&sums, sample);
        sample = (sample ^ (sample >> 29)) + S_STEP;
    }
    return s_sum (&sums);
}

/* A frame to be filled; what there is of it is the caller's after a failure, too. */
static int
s_new (zanni_t *self, zanni_buffer_t **frame_p, uint64_t **samples)
{
    static const uint64_t shape [] = { FRAME_ROWS, FRAME_COLUMNS };
    void *data;
    int rc = zanni_buffer_new (self, frame_p, FRAME_SIZE);
    if (!rc)
        rc = zanni_buffer_set_array (*frame_p, ZANNI_UINT64, 2, shape);
    if (!rc)
        rc = zanni_buffer_edit (&data, *frame_p);
    if (!rc)
        *samples = data;
    return rc;
}

int
frame_new (zanni_t *self, zanni_buffer_t **frame_p, uint64_t *checksum, uint64_t number)
{
    uint64_t *samples;
    int rc = s_new (self, frame_p, &samples);
    if (!rc)
        *checksum = s_fill (samples, number);
    return rc;
}

int
frame_check (const zanni_buffer_t *frame)
{
    zanni_element_t element;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    size_t dimensions = zanni_buffer_array (frame, &element, shape);
    bool good = dimensions == 2 && element == ZANNI_UINT64 && shape [0] == FRAME_ROWS && shape [1] == FRAME_COLUMNS;
    return good ? 0 : ZANNI_EARGS;
}

uint64_t
frame_key (unsigned number)
{
    return number * S_FACTOR;
}

int
frame_filter (zanni_t *self, zanni_buffer_t **frame_p, const zanni_buffer_t *other, uint64_t key)
{
    const uint64_t *from = zanni_buffer_data (other);
    uint64_t *samples;
    int rc = s_new (self, frame_p, &samples);
    for (size_t i = 0; !rc && i < FRAME_SAMPLES; i++)
        samples [i] = from [i] ^ key;
    return rc;
}

uint64_t
frame_checksum (const zanni_buffer_t *frame, uint64_t key)
{
    const uint64_t *samples = zanni_buffer_data (frame);
    sums_t sums = { .first = 0 };
    for (size_t i = 0; i < FRAME_SAMPLES; i++)
        s_add (&sums, samples [i] ^ key);
    return s_sum (&sums);
}
