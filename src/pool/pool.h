/* pool.h: what the parts of pools share.

   A pool has *seats*, one for each worker, which are taken anew when a worker ends. A *job* is a message that the
   pool keeps until a worker has done it; what is only handed on is none. Everything here belongs to the pool's actor,
   on its thread. */

#ifndef ZANNI_POOL_POOL_H
#define ZANNI_POOL_POOL_H

#include "../actor/answer.h"
#include "../base/list.h"

#include <inttypes.h>
#include <zanni/pool.h>
#include <zanni/timer.h>

#define ZANNI__POOL_RESTARTS_MOST 65535
#define ZANNI__POOL_PREFIX "zanni.pool"   // of the name of every pool's class

/* class.c: a pool has a class of its own for each class of workers, so that a job is looked up and checked like any
   message. Made once, it lives as long as the process. */
typedef struct {
    zanni_class_t definition;           // first: the class leads to it
    zanni__own_class_t own;
    const zanni__class_t *workers;
    bool broadcast;
    const zanni__method_t **methods;    // of the workers, by number, while it is made; then they are the `super` of
                                        // its own
    zanni__link_t link;                 // among all of them
    char name [64];
} zanni__pool_class_t;

int zanni__pool_class (zanni__pool_class_t **class_p, const zanni__class_t *workers, bool broadcast);
extern const zanni_class_t zanni__pool_hooks;   // what every one of them has: start, methods, ...; pool.c
bool zanni__pool_closing (zanni_t *self, const zanni_reason_t *reason);

/* START, in order. */
typedef struct {
    uint32_t workers;
    uint32_t routing;
    uint32_t ahead;
    uint32_t restarts;          // 0: so many for each worker
    int64_t restart_ms;
    uint32_t attempts;
    uint32_t enough;
    int64_t gather_ms;
} zanni__pool_setup_t;

#define ZANNI__POOL_RESTARTS 3   // for each worker

/* Why a worker gets no jobs. */
#define ZANNI__POOL_ABSENT 1u   // it has not started, has ended, or will be found to have
#define ZANNI__POOL_FULL 2u     // its mailbox
#define ZANNI__POOL_LEAVES 4u   // it is to end when it has done what it has

typedef struct {
    zanni__link_t link;         // among those that leave
    zanni_ref_t *ref;           // NULL: nobody sits here
    uint64_t monitor;           // 0: likewise
    zanni__link_t jobs;         // that it has, in the order in which it got them
    zanni__link_t waiting;      // for it and nobody else: by key
    uint32_t busy;              // jobs that it has
    uint32_t number;
    uint64_t probe;             // the ask by which it is found out whether it lives; 0: there is none
    uint64_t gathers;           // it leaves when so many are over, which it may be part of
    bool unsure;                // it should be asked that, and could not be
    bool started;
    uint8_t shut;               // why it gets no jobs now; 0: it does
} zanni__pool_seat_t;

typedef struct {
    zanni__link_t link;
    zanni_msg_t *msg;              // kept
    zanni_promise_t *promise;      // NULL: nobody asked
    const zanni__method_t *method;
    zanni__pool_seat_t *seat;           // that it was given to
    zanni_msg_t *doubt;            // kept: an answer that may be the end of the worker
    uint64_t ask;
    uint32_t attempts;
    bool tracked;                  // the pool asks the worker; else it hands on
    bool suspect;                  // its worker has ended
} zanni__job_t;

typedef struct {
    zanni_t *self;
    zanni__pool_class_t *cls;
    zanni__pool_setup_t setup;
    zanni_spawn_t spawn;
    zanni_ref_t *on;
    zanni_ref_t *owner;            // weak: who made it
    zanni_msg_t *begin;            // kept: its arguments are those of the workers' start
    zanni_arg_t *args;
    size_t args_count;
    zanni_promise_t *began;        // to be kept when all have started
    zanni_promise_t *drained;
    zanni__pool_seat_t **seats;         // so many as there are workers to be
    uint32_t count;
    uint32_t next;                 // round robin
    uint64_t random;
    zanni__link_t leaving;         // seats that are given up when their worker is done
    zanni__link_t waiting;         // jobs for whoever can
    zanni__link_t gathers;
    uint64_t gathered;             // how many there have been
    uint64_t waiting_count;        // of those and of all seats'
    uint64_t suspects;             // jobs that are to be begun anew, or were: each is alone at its worker
    int64_t *ends_ns;              // of the last workers that ended: a ring
    uint32_t ends_most;            // room of it
    uint32_t ends;
    uint32_t ends_at;
    bool begun;                    // all have started once
    bool plain;                    // jobs are handed on, but for those that may be repeated
    bool draining;
    bool ending;
    bool retries;                  // a timer will look for empty seats
    zanni_pool_status_t status;
} zanni__pool_t;

/* job.c */
int zanni__job_take (zanni_t *self, zanni_msg_t *msg);   // the handler of every job
void zanni__jobs_flow (zanni__pool_t *pool);             // gives what waits to who has room
void zanni__jobs_of_dead (zanni__pool_t *pool, zanni__pool_seat_t *seat, const zanni_reason_t *reason);
void zanni__jobs_elsewhere (zanni__pool_t *pool, zanni__pool_seat_t *seat);   // those that wait for a seat which
                                                                              // may be theirs no more
void zanni__jobs_free (zanni__pool_t *pool);
int zanni__job_room (zanni_t *self, zanni_msg_t *msg);   // a mailbox has room again

/* route.c: who is to get it, and whether he can now. *seat_p NULL: nobody can, and it may be anybody; by key, the one
   that it has to wait for. ZANNI_EARGS: it has no key. */
int zanni__pool_choose (zanni__pool_t *pool, zanni__pool_seat_t **seat_p, bool *can, const zanni_msg_t *msg);
bool zanni__pool_seat_has_room (const zanni__pool_t *pool, const zanni__pool_seat_t *seat);

/* seat.c */
int zanni__pool_seats_begin (zanni__pool_t *pool);
int zanni__pool_seats_resize (zanni__pool_t *pool, uint32_t workers);
void zanni__pool_seats_settle (zanni__pool_t *pool);          // lets go who has nothing left to do and is to leave
void zanni__pool_retry (zanni__pool_t *pool);            // looks for empty seats in a while
void zanni__pool_seats_free (zanni__pool_t *pool);
void zanni__pool_seat_doubt (zanni__pool_t *pool, zanni__pool_seat_t *seat);   // asks whether its worker lives
void zanni__pool_seat_down (zanni_t *self, const zanni_down_t *down);
int zanni__pool_seat_retry (zanni_t *self, zanni_msg_t *msg);

/* Whether an answer may mean that its worker has ended, or is still busy. */
bool zanni__speaks_of_end (zanni_msg_t *reply, zanni_error_t *error);

/* A job that was in doubt is decided: the worker lives. */
void zanni__jobs_of_living (zanni__pool_t *pool, zanni__pool_seat_t *seat);

/* gather.c */
int zanni__gather (zanni__pool_t *pool, zanni_msg_t *msg, const zanni__method_t *method);
bool zanni__gathers_over (const zanni__pool_t *pool, uint64_t number);   // all up to that one
void zanni__gathers_free (zanni__pool_t *pool);

/* pool.c: ends with an error, which its asks and monitors get. */
__attribute__ ((format (printf, 3, 4))) void
zanni__pool_fail (zanni__pool_t *pool, int code, const char *format, ...);

/* Answers with a text of one's own; for who returns that as its handler's result. */
__attribute__ ((format (printf, 4, 5))) int
zanni__pool_refuse (zanni_t *self, zanni_msg_t *msg, int code, const char *format, ...);

/* A tell that was lost, or was refused. */
void zanni__pool_letter (zanni__pool_t *pool, const zanni_msg_t *msg, const char *why);

#endif
