/* Threads that use the same registered types for the first time at once, make instances, and put back what others made:
   everybody finds what his own type holds in the instance, and whoever comes late finds the same type. */

#include "stress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define S_THREADS 4
#define S_TYPES 12       // more than a thread has places for
#define S_SHELVES 64

typedef struct {
    int64_t type;
    int64_t check;
    char name [40];
} thing_t;

static const zanni_field_t thing_fields [] = {
    ZANNI_FIELD (thing_t, type), ZANNI_FIELD (thing_t, check), ZANNI_FIELD (thing_t, name), ZANNI_FIELD_END
};

#define S_TYPE(number) { .name = "thing " #number, .version = number, .size = sizeof (thing_t), .fields = thing_fields }
static const zanni_type_t s_types [S_TYPES] = {
    S_TYPE (0), S_TYPE (1), S_TYPE (2), S_TYPE (3), S_TYPE (4), S_TYPE (5), S_TYPE (6), S_TYPE (7), S_TYPE (8), S_TYPE (9),
    S_TYPE (10), S_TYPE (11)
};

static _Atomic (thing_t *) s_shelves [S_SHELVES];   // where threads leave instances for each other
static _Atomic int64_t s_living;
static int64_t s_rounds;

static void
s_put_back (thing_t *thing)
{
    if (!thing)
        return;
    STRESS_CHECK (thing->check == ~thing->type);
    STRESS_CHECK (strcmp (thing->name, s_types [thing->type].name) == 0);
    zanni_type_destroy (&thing);
    atomic_fetch_sub (&s_living, 1);
}

static void *
s_use (void *arg)
{
    uint64_t random = (uint64_t) (uintptr_t) arg;
    for (int64_t i = 0; i < s_rounds; i++) {
        uint32_t number = stress_random (&random, S_TYPES);
        thing_t *thing = NULL;
        STRESS_OK (zanni_type_new (&thing, &s_types [number]));
        STRESS_CHECK (!thing->type && !thing->check && !*thing->name);
        atomic_fetch_add (&s_living, 1);
        *thing = (thing_t) { .type = number, .check = ~(int64_t) number };
        snprintf (thing->name, sizeof thing->name, "%s", s_types [number].name);
        s_put_back (atomic_exchange (&s_shelves [stress_random (&random, S_SHELVES)], thing));
    }
    return NULL;
}

int
main (int argc, char **argv)
{
    s_rounds = stress_count (argc, argv, 20000, 2000000);
    for (int round = 0; round < 3; round++) {
        pthread_t threads [S_THREADS];
        for (uintptr_t i = 0; i < S_THREADS; i++)
            STRESS_CHECK (!pthread_create (&threads [i], NULL, s_use, (void *) (i + 1)));
        for (int i = 0; i < S_THREADS; i++)
            STRESS_CHECK (!pthread_join (threads [i], NULL));
    }
    for (int i = 0; i < S_SHELVES; i++)
        s_put_back (atomic_exchange (&s_shelves [i], NULL));
    STRESS_CHECK (!atomic_load (&s_living));
    return 0;
}
