/* Threads that get a buffer from weak handles while its holders let go of it: who got it reads what was written, and
   once somebody found it gone, nobody gets it any more. */

#include "stress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define S_THREADS 3
#define S_SIZE 256

typedef struct {
    zanni_weak_t *weak;
    zanni_buffer_t *strong;     // of this thread, which lets go of it on the way
    uint8_t value;
    _Atomic bool *gone;
    pthread_barrier_t *start;
} part_t;

static void
s_look (part_t *part)
{
    zanni_buffer_t *got = NULL;
    bool gone = atomic_load (part->gone);
    int rc = zanni_weak_get (&got, part->weak);
    STRESS_CHECK (rc == 0 || rc == ZANNI_EGONE);
    STRESS_CHECK (rc || !gone);
    if (rc) {
        atomic_store (part->gone, true);
        return;
    }
    const uint8_t *data = zanni_buffer_data (got);
    STRESS_CHECK (data [0] == part->value && data [S_SIZE - 1] == part->value);
    zanni_weak_t *other = NULL;
    STRESS_OK (zanni_buffer_weak (&other, got));
    zanni_weak_destroy (&other);
    zanni_buffer_destroy (&got);
}

static void *
s_race (void *arg)
{
    part_t *part = arg;
    pthread_barrier_wait (part->start);
    s_look (part);
    zanni_buffer_destroy (&part->strong);
    s_look (part);
    s_look (part);
    zanni_weak_destroy (&part->weak);
    return NULL;
}

static void
s_round (zanni_t *self, uint8_t value)
{
    pthread_t threads [S_THREADS];
    part_t parts [S_THREADS];
    pthread_barrier_t start;
    _Atomic bool gone = false;
    zanni_buffer_t *buffer = NULL;
    zanni_weak_t *weak = NULL;
    void *data = NULL;
    STRESS_OK (zanni_buffer_new (self, &buffer, S_SIZE));
    STRESS_OK (zanni_buffer_edit (&data, buffer));
    memset (data, value, S_SIZE);
    STRESS_CHECK (!pthread_barrier_init (&start, NULL, S_THREADS));
    STRESS_OK (zanni_buffer_weak (&weak, buffer));
    for (int i = 0; i < S_THREADS; i++) {
        parts [i] = (part_t) { zanni_weak_keep (weak), zanni_buffer_keep (buffer), value, &gone, &start };
        STRESS_CHECK (!pthread_create (&threads [i], NULL, s_race, &parts [i]));
    }
    zanni_buffer_destroy (&buffer);
    for (int i = 0; i < S_THREADS; i++)
        STRESS_CHECK (!pthread_join (threads [i], NULL));
    STRESS_CHECK (zanni_weak_get (&buffer, weak) == ZANNI_EGONE);
    zanni_weak_destroy (&weak);
    pthread_barrier_destroy (&start);
}

int
main (int argc, char **argv)
{
    int64_t rounds = stress_count (argc, argv, 500, 50000);
    zanni_t *self = NULL;
    STRESS_OK (zanni_new (&self, NULL));
    for (int64_t i = 0; i < rounds; i++)
        s_round (self, (uint8_t) i);
    STRESS_OK (zanni_destroy (&self));
    return 0;
}
