/* Buffers fan out: one sender gives every buffer to 100 actors on several workers and threads, of which each checks what
   it reads, some keep it for a while, some cut a slice, some pass it on. Pooled and wrapped ones; each wrapped one is
   released once, and in the end the pool has all of its own. */

#include "stress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define S_READERS 100
#define S_SIZE 5000

static _Atomic int64_t s_released;

typedef struct {
    zanni_buffer_t *kept;
    zanni_ref_t *boss;
    uint64_t random;
} reader_t;

static bool
s_is_filled (const zanni_buffer_t *buffer, uint8_t value)
{
    const uint8_t *data = zanni_buffer_data (buffer);
    size_t size = zanni_buffer_size (buffer);
    return size && data [0] == value && data [size / 2] == value && data [size - 1] == value;
}

static int
s_see (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    const zanni_buffer_t *buffer;
    zanni_buffer_t *slice = NULL;
    uint8_t value;
    bool last;
    int rc = zanni_read (msg, &buffer, &value, &last);
    if (rc)
        return rc;
    STRESS_CHECK (s_is_filled (buffer, value));
    switch (stress_random (&reader->random, 3)) {
    case 0:
        zanni_buffer_destroy (&reader->kept);
        reader->kept = zanni_buffer_keep (buffer);
        break;
    case 1:
        STRESS_OK (zanni_buffer_slice (&slice, buffer, 100, S_SIZE - 200));
        STRESS_CHECK (s_is_filled (slice, value));
        zanni_buffer_destroy (&reader->kept);
        reader->kept = slice;
        break;
    default:
        break;
    }
    if (last) {
        zanni_buffer_destroy (&reader->kept);
        rc = zanni_tell (self, reader->boss, "done");
    }
    return rc;
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    const zanni_ref_t *boss;
    int rc = zanni_read (msg, &boss, &reader->random);
    return rc ? rc : zanni_ref_weak (self, &reader->boss, boss);
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    reader_t *reader = zanni_state (self);
    (void) reason;
    zanni_buffer_destroy (&reader->kept);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("see", "Byb", "", s_see, "A buffer to look at."), ZANNI_METHOD_END
};
static const zanni_class_t s_reader = {
    .name = "reader", .state_size = sizeof (reader_t), .methods = s_methods, .start_in = "rt", .start = s_start,
    .stop = s_stop
};
static const zanni_class_t *const s_classes [] = { &s_reader, NULL };

static pthread_t s_home;

static void
s_release (void *data, void *hint)
{
    (void) hint;
    STRESS_CHECK (pthread_equal (pthread_self (), s_home));
    free (data);
    s_released++;
}

static zanni_buffer_t *
s_buffer (zanni_t *self, bool wrapped, uint8_t value)
{
    zanni_buffer_t *buffer = NULL;
    void *data;
    if (wrapped) {
        data = malloc (S_SIZE);
        STRESS_CHECK (data);
        STRESS_OK (zanni_buffer_wrap (self, &buffer, data, S_SIZE, s_release, NULL));
    }
    else {
        STRESS_OK (zanni_buffer_new (self, &buffer, S_SIZE));
        STRESS_OK (zanni_buffer_edit (&data, buffer));
    }
    memset (data, value, S_SIZE);
    return buffer;
}

static zanni_ref_t *s_readers [S_READERS];

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 300, 30000);
    int64_t wrapped = 0;
    zanni_t *self = NULL;
    s_home = pthread_self ();
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 3 }));
    for (uint32_t i = 0; i < S_READERS; i++) {
        const zanni_spawn_t where = { .place = i % 10 ? ZANNI_SHARED : ZANNI_THREAD };
        STRESS_OK (zanni_spawn (self, &s_readers [i], "reader", &where, zanni_self (self), i));
    }
    for (int64_t i = 0; i < count; i++) {
        uint8_t value = (uint8_t) (i % 251 + 1);
        zanni_buffer_t *buffer = s_buffer (self, i % 3 == 0, value);
        wrapped += i % 3 == 0;
        int accepted = zanni_send_all (self, (const zanni_ref_t *const *) s_readers, S_READERS, NULL, "see", buffer,
                                       value, i + 1 == count);
        STRESS_CHECK (accepted == S_READERS);
        zanni_buffer_destroy (&buffer);
        STRESS_CHECK (zanni_step (self, 16) >= 0);
    }
    for (int i = 0; i < S_READERS; i++)
        stress_await (self, "done");
    for (int i = 0; i < S_READERS; i++)
        zanni_ref_destroy (&s_readers [i]);
    for (int i = 0; s_released < wrapped && i < STRESS_WAIT_MS; i++)
        STRESS_OK (zanni_run (self, 1));
    STRESS_CHECK (s_released == wrapped);
    STRESS_OK (zanni_destroy (&self));
    printf ("fanned out: %" PRId64 " buffers to %d actors\n", count, S_READERS);
    return 0;
}
