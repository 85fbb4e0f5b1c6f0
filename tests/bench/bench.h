/* bench.h: what the files of zanni-bench share.

   A case is run by the root of a node that was made for it. Most of the work is asked of an actor, as a "run": a method
   that takes a count (and what else it needs) and answers the nanoseconds that it took. */

#ifndef ZANNI_BENCH_H
#define ZANNI_BENCH_H

#include <sys/types.h>
#include <zanni.h>

#define BENCH_FILL 0x5a           // every byte of a buffer that is sent
#define BENCH_FORKER "--forker"   // in place of a case: be the process that bench_fork_us measures
#define BENCH_OTHER "--other"     // before a case: be the process at the other end of tcp

typedef struct {
    const char *name;
    void (*run) (zanni_t *self, const char *name);
    void (*prepare) (void);         // before there is a node; may be NULL
} bench_case_t;

typedef struct {
    const char *name;               // of the figure
    const char *method;             // NULL: called as the figure
    const zanni_ref_t *sink;        // arguments behind the count; NULL: none
    const zanni_buffer_t *buffer;
    int64_t first;                  // count of the first run; 0: 10,000
} bench_run_t;

extern double bench_seconds;        // what a run should take
extern int64_t bench_exactly;       // --exactly N: one run of so many, for counting instructions; or 0

/* cross.c */
extern const zanni_class_t bench_source_class;
extern const zanni_class_t bench_sink_class;
void bench_cross_case (zanni_t *self, const char *name);
void bench_thread_buffer_case (zanni_t *self, const char *name);

/* other.c: the other side of a case, a sink in a process of its own: the case's name says how it is reached. */
typedef struct {
    zanni_ref_t *sink;
    pid_t pid;                      // 0: a process actor
    int leash;                      // where there is a pid: it ends when this is closed
} bench_other_t;
const char *bench_secret (const char *name);
void bench_other_open (zanni_t *self, bench_other_t *other, const char *name);
void bench_other_close (zanni_t *self, bench_other_t *other);
int bench_be_other (const char *name);

/* process.c */
void bench_process_tell_case (zanni_t *self, const char *name);
void bench_process_ask_case (zanni_t *self, const char *name);
void bench_process_buffer_case (zanni_t *self, const char *name);
void bench_spawn_process_case (zanni_t *self, const char *name);
void bench_echo (zanni_t *self, const zanni_ref_t *ref);   // one ask of 64 bytes
int64_t bench_spawn_ns (zanni_t *self, bench_other_t *other);   // of a process actor, up to its first answer

/* kill.c */
void bench_kill_case (zanni_t *self, const char *name);
pid_t bench_pid (zanni_t *self, const zanni_ref_t *sink);

/* restart.c */
void bench_restart_case (zanni_t *self, const char *name);

/* pool.c */
extern const zanni_class_t bench_pool_boss_class;
extern const zanni_class_t bench_pool_hand_class;
void bench_pool_dispatch_case (zanni_t *self, const char *name);
void bench_pool_case (zanni_t *self, const char *name);

/* mixed.c */
void bench_mixed_case (zanni_t *self, const char *name);

/* handover.c */
extern const zanni_class_t bench_holder_class;
void bench_handover_case (zanni_t *self, const char *name);
void bench_untouched_case (zanni_t *self, const char *name);
void bench_fanout_case (zanni_t *self, const char *name);

/* data.c */
extern const zanni_class_t bench_typer_class;
void bench_types_prepare (void);
void bench_types_case (zanni_t *self, const char *name);
void bench_create_case (zanni_t *self, const char *name);
void bench_store_case (zanni_t *self, const char *name);
void bench_store_lmdb_case (zanni_t *self, const char *name);   // where the component is built
void bench_store_redis_case (zanni_t *self, const char *name);  // the same

/* thresholds.c: a table, and no figure of a case. */
void bench_thresholds_case (zanni_t *self, const char *name);

/* fork.c: starts this program once more, with these two as its standard input and output; */
pid_t bench_start (char *const arguments [], int in, int out);

/* the median time of a bare fork up to the child's first byte, and what the measured process does. */
double bench_fork_us (int rounds);
int bench_be_forker (void);

int64_t bench_now_ns (void);

/* Ends the program unless rc is good. */
void bench_check (int rc, const char *what);

/* The same, for system calls. */
void bench_check_system (bool good, const char *what);

/* Asks `ref` for a run of `count` and gives its answer. */
int64_t bench_ask (zanni_t *self, const zanni_ref_t *ref, const bench_run_t *run, int64_t count);

/* Runs with growing counts until one takes long enough; prints its rate. */
void bench_rate (zanni_t *self, const zanni_ref_t *ref, const bench_run_t *run);

/* The next count, where a run of `count` took so long; 0: it was long enough. */
int64_t bench_grow (int64_t count, double seconds);

/* The median of some times, which it sorts; and the one that so many of a hundred are below. */
int64_t bench_median_ns (int64_t *samples, size_t count);
int64_t bench_percentile_ns (int64_t *samples, size_t count, size_t percent);

/* A buffer that is filled with BENCH_FILL. */
void bench_buffer (zanni_t *self, zanni_buffer_t **buffer_p, size_t size);

/* Ends the program if a message of this node was lost. */
void bench_check_letters (zanni_t *self);

#endif
