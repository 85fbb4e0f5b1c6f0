/* sim.h: what the files of the simulator share. Everything here is touched by whoever has the baton, and nobody else. */

#ifndef ZANNI_SIM_SIM_H
#define ZANNI_SIM_SIM_H

#include <pthread.h>
#include <zanni/sim.h>
#include <zanni/sys/clock.h>
#include <zanni/sys/place.h>
#include <zanni/sys/port.h>
#include <zanni/sys/sockets.h>

typedef struct zanni__sim_child zanni__sim_child_t;
typedef struct zanni__sim_conn zanni__sim_conn_t;
typedef struct zanni__sim_fiber zanni__sim_fiber_t;
typedef struct zanni__sim_net zanni__sim_net_t;
typedef struct zanni__sim_node zanni__sim_node_t;
typedef struct zanni__sim_driver zanni__sim_driver_t;
typedef struct zanni__sim_lane zanni__sim_lane_t;
typedef struct zanni__sim_port zanni__sim_port_t;
typedef struct zanni__sim_place zanni__sim_place_t;

/* Somebody waits: until `done`, or until that time. The innermost of each thread can be ended. */
typedef struct zanni__sim_wait {
    struct zanni__sim_wait *outer;
    bool (*done) (void *context);
    void *context;
    int64_t until_ns;
    bool woken;
} zanni__sim_wait_t;

/* A thread: the program's own, or one that is kept for whoever needs a stack. */
struct zanni__sim_fiber {
    zanni__sim_fiber_t *next;
    zanni_sim_t *sim;
    pthread_t thread;
    pthread_cond_t turn;
    zanni__sim_wait_t *wait;
    void (*job) (void *context);   // NULL: it is free
    void *context;
    bool begun;                    // the job has
    bool quits;
};

/* A worker that is stepped: those that a place started, undertakers, roots that are served. */
struct zanni__sim_driver {
    zanni__sim_driver_t *next;
    zanni_sim_t *sim;
    zanni_worker_t *worker;        // held
    zanni__sim_place_t *place;     // NULL: of a root
    zanni_t *self;                 // of a root
    int64_t not_before_ns;         // it is slow
    bool busy;                     // its last step left work, or it has had none yet
    bool active;                   // it is on a stack
    bool threaded;                 // it has a thread of its own
};

/* Seams of a node of its own, and so a clock. */
struct zanni__sim_node {
    zanni__sim_node_t *next;
    zanni_sim_t *sim;
    uint32_t number;
    zanni_t *self;                 // its root, which is served; or NULL
    bool crashed;
    int64_t ahead_ns;              // of a crashed one, whose end takes no time
    zanni_clock_t clock;
    zanni_port_ops_t port;
    zanni_sockets_t sockets;
    zanni_link_ops_t link;
};

/* Two nodes that do not reach each other. */
typedef struct zanni__sim_cut {
    struct zanni__sim_cut *next;
    uint32_t one;
    uint32_t other;                // 0: all
} zanni__sim_cut_t;

/* Where a process listens, or none just now and another one may follow. */
typedef struct zanni__sim_seat {
    struct zanni__sim_seat *next;
    char endpoint [ZANNI_ENDPOINT_MAX];
} zanni__sim_seat_t;

struct zanni__sim_port {
    zanni__sim_port_t *next;
    zanni_sim_t *sim;
    zanni__sim_node_t *node;
    zanni_worker_t *worker;
    uint64_t number;               // in its world
    zanni__sim_lane_t *lanes;
    uint32_t waits;                // that are on
    bool linked;                   // with other nodes
    bool stirred;                  // something but a batch has come
};

struct zanni_sim {
    zanni_sim_options_t options;
    zanni_sim_faults_t faults;
    int64_t now_ns;
    uint64_t random;
    uint64_t draws;                   // so far
    uint64_t posts;
    uint64_t delivered;
    uint64_t ports_made;
    zanni__sim_driver_t *drivers;
    zanni__sim_port_t *ports;
    zanni__sim_node_t *nodes;
    uint32_t nodes_made;
    zanni__sim_net_t *nets;
    zanni__sim_conn_t *conns;
    uint32_t conns_made;
    uint32_t listeners_made;
    uint32_t seats_made;
    zanni__sim_cut_t *cuts;
    zanni__sim_child_t *children;
    zanni__sim_seat_t *kept;
    pthread_mutex_t lock;             // of the baton
    zanni__sim_fiber_t main;
    zanni__sim_fiber_t *fibers;       // all but that
    zanni__sim_fiber_t *holder;       // who has the baton
    zanni__sim_driver_t *errand;      // that only the program's thread may step
    uint64_t hash;
    char *text;
    size_t text_size;
    size_t text_room;
};

/* baton.c: threads of which one runs at a time. */
void zanni__sim_batons_begin (zanni_sim_t *sim);
void zanni__sim_batons_end (zanni_sim_t *sim);
void zanni__sim_hand_over (zanni_sim_t *sim, zanni__sim_fiber_t *to);   // returns when somebody hands it back
zanni__sim_fiber_t *zanni__sim_fiber (zanni_sim_t *sim, void (*job) (void *), void *context);   // begins when it gets it; NULL: no thread

/* schedule.c. false: nothing can happen any more, ever. */
bool zanni__sim_wait (zanni_sim_t *sim, bool (*done) (void *), void *context, int64_t until_ns);

/* driver.c: workers that are stepped. */
zanni__sim_driver_t *zanni__sim_driver_new (zanni_sim_t *sim, zanni__sim_place_t *place, zanni_worker_t *worker);
void zanni__sim_driver_forget (zanni__sim_driver_t *driver);
bool zanni__sim_driver_threaded (zanni__sim_driver_t *driver);   // gets a thread of its own; false: there is none
bool zanni__sim_driver_can_run (const zanni__sim_driver_t *driver);
int64_t zanni__sim_driver_due (const zanni__sim_driver_t *driver);
void zanni__sim_driver_step (zanni__sim_driver_t *driver);
int zanni__sim_root_new (zanni__sim_node_t *node, zanni_t *self);
void zanni__sim_root_forget (zanni_sim_t *sim, const zanni_worker_t *worker);
void zanni__sim_roots_forget (zanni__sim_node_t *node);

/* sim.c: whether the seed says so, in so many of a hundred cases. */
bool zanni__sim_draw (zanni_sim_t *sim, uint32_t percent);
bool zanni__sim_fault (zanni_sim_t *sim, uint64_t *nth, uint32_t percent);   // or the count is down to this one

/* node.c */
zanni__sim_node_t *zanni__sim_node_new (zanni_sim_t *sim);
void zanni__sim_node_plug (zanni__sim_node_t *node, zanni_options_t *options);
void zanni__sim_nodes_free (zanni_sim_t *sim);
bool zanni__sim_is_cut (const zanni_sim_t *sim, const zanni__sim_node_t *one, const zanni__sim_node_t *other);
/* A crashed node's waits are over at once, and its clock has gone on until then. */
int64_t zanni__sim_node_now (zanni__sim_node_t *node);
void zanni__sim_node_skip (zanni__sim_node_t *node, int64_t until_ns);
int64_t zanni__sim_node_pause (const zanni__sim_node_t *node);   // until its next step: 0 where the seed does not make it slow

/* net.c: connections between nodes. What arrives next of them, and breaks: the next such step behind `step`, which begins as
   zero, and when it can happen; false: there is none. */
extern const zanni_sockets_t zanni__sim_sockets_ops;
typedef struct {
    zanni__sim_conn_t *conn;
    uint32_t line;
} zanni__sim_step_t;
bool zanni__sim_net_next (const zanni_sim_t *sim, zanni__sim_step_t *step, int64_t *ready_ns);
void zanni__sim_net_step (zanni_sim_t *sim, const zanni__sim_step_t *step);
void zanni__sim_net_cut (zanni_sim_t *sim);   // cuts have changed
void zanni__sim_net_reset (zanni_sim_t *sim, const zanni__sim_node_t *one, const zanni__sim_node_t *other);   // NULL: all
void zanni__sim_net_crash (zanni_sim_t *sim, const zanni__sim_node_t *node);
void zanni__sim_net_free (zanni_sim_t *sim);

/* port.c: batches between workers. */
extern const zanni_port_ops_t zanni__sim_port_ops;
bool zanni__sim_port_arrived (const zanni__sim_port_t *port);
bool zanni__sim_port_wait (zanni__sim_port_t *port, int64_t until_ns, bool afar);   // for nothing but other nodes; as zanni__sim_wait
void zanni__sim_lane_arrive (zanni__sim_lane_t *lane);
/* The next lane with something under way, and when that can arrive; NULL: none. */
zanni__sim_lane_t *zanni__sim_lane_coming (const zanni__sim_port_t *port, const zanni__sim_lane_t *before, int64_t *ready_ns);

/* child.c: process actors. */
int zanni__sim_child_start (zanni__sim_place_t *place, zanni_process_t *process);
void zanni__sim_children_tell (zanni__sim_place_t *place);   // their ends; on the undertaker's thread
void zanni__sim_children_stop (zanni__sim_place_t *place);
bool zanni__sim_children_live (const zanni__sim_place_t *place);
void zanni__sim_children_watch (zanni_sim_t *sim);
bool zanni__sim_is_kept (const zanni_sim_t *sim, const char *endpoint);
void zanni__sim_forget (zanni_sim_t *sim, const char *endpoint);

/* Whoever is in a handler has its watchdog look; answers when that is next. */
int64_t zanni__sim_watch (zanni_sim_t *sim);

/* place.c */
struct zanni__sim_place {
    zanni_sim_t *sim;
    zanni__sim_node_t *node;
    zanni_worker_t *undertaker;
    bool roused;
};
extern const zanni_place_ops_t zanni__sim_place_ops;

#endif
