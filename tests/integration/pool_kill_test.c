/* A map over processes that are killed while it runs: each job is answered once and rightly, whoever did it, however
   often it was begun, and what the dead have cost comes back. */

#include "probe.h"
#include "process.h"

#define WORKERS 4
#define KILLS (probe_long () ? 1000 : 50)
#define JOBS (100 * KILLS)
#define LATEST 64   // killed ones that may still be heard of

static int
square_of (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number * number, (int32_t) getpid ());
}

static const zanni_method_t squarer_methods [] = {
    ZANNI_REPEATABLE ("square", "t", "ti", square_of, "Of a number; and who did it."), ZANNI_METHOD_END
};
static const zanni_class_t squarer_class = { .name = "squarer", .methods = squarer_methods };

CLASSES (&squarer_class, &worker_class);
PROCESS_SUITE (pool_kill);

typedef struct {
    uint64_t made;
    uint64_t done;
    uint64_t wrong;
    int kills;
    pid_t killed [LATEST];
    size_t memory;        // after half of the kills
    int descriptors;
    uint8_t *answers;     // of each job
} chaos_t;

static int
make_job (void *closure, zanni_msg_t **msg_p)
{
    chaos_t *chaos = closure;
    return chaos->made < (uint64_t) JOBS ? zanni_msg_new (root, msg_p, "square", chaos->made++) : 0;
}

static bool
was_killed (const chaos_t *chaos, pid_t pid)
{
    bool found = false;
    for (int i = 0; i < LATEST; i++)
        found |= chaos->killed [i] == pid;
    return found;
}

static int
take_result (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    chaos_t *chaos = closure;
    uint64_t square = 0;
    int32_t pid = 0;
    bool right = !rc && !zanni_read (reply, &square, &pid) && square == index * index;
    chaos->wrong += !right;
    chaos->answers [index]++;
    chaos->done++;
    if (right && chaos->done * (uint64_t) KILLS >= (uint64_t) chaos->kills * (uint64_t) JOBS && chaos->kills < KILLS
        && !was_killed (chaos, pid)) {
        chaos->killed [chaos->kills++ % LATEST] = pid;
        (void) kill (pid, SIGKILL);
    }
    if (chaos->kills == KILLS / 2 && !chaos->memory) {
        chaos->memory = probe_allocated ();
        chaos->descriptors = probe_descriptors ();
    }
    return 0;
}

Test (pool_kill, answers_every_job_once_while_processes_are_killed)
{
    chaos_t chaos = { .answers = calloc ((size_t) JOBS, 1) };
    const zanni_spawn_t process = { .place = ZANNI_PROCESS, .start_ms = 30000 };
    const zanni_pool_options_t options = {
        .workers = WORKERS, .routing = ZANNI_PULL, .ahead = 2, .spawn = &process, .restarts = 60000, .attempts = 100
    };
    const zanni_map_t map = {
        .next = make_job, .done = take_result, .closure = &chaos, .in_flight = 32, .deadline_ms = 60000
    };
    ZANNI_AUTO (zanni_ref_t) pool = NULL;
    cr_assert_not_null (chaos.answers);
    cr_assert_eq (zanni_pool (root, &pool, "squarer", &options), 0);
    int rc = zanni_map (root, pool, &map);
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
    cr_assert_eq (chaos.done, (uint64_t) JOBS);
    cr_assert_eq (chaos.wrong, 0);
    for (int i = 0; i < JOBS; i++)
        cr_assert_eq (chaos.answers [i], 1, "job %d was answered %d times", i, chaos.answers [i]);
    cr_assert_eq (chaos.kills, KILLS);
    size_t memory = probe_allocated ();
    if (!probe_sanitized ())
        cr_assert_leq (memory, chaos.memory + (1u << 20), "%zu bytes have become %zu", chaos.memory, memory);
    int descriptors = probe_descriptors ();
    cr_assert_leq (descriptors, chaos.descriptors + 10 * WORKERS, "%d have become %d", chaos.descriptors,
                   descriptors);
    zanni_pool_status_t status;
    cr_assert_eq (zanni_pool_status (root, pool, &status), 0);
    cr_assert_eq (status.lost, 0);
    cr_assert_leq (status.ended, (uint64_t) KILLS);
    cr_assert_geq (status.ended + WORKERS, (uint64_t) KILLS);   // the last ones may not be noticed yet
    free (chaos.answers);
}
