/* supervisor.h: a supervisor and its children as they are in memory.

   describe.c packs and checks what a program describes, supervisor.c is the class, child.c one child's life,
   conduct.c who does what when, answer.c what others may ask. */

#ifndef ZANNI_SUPERVISOR_SUPERVISOR_H
#define ZANNI_SUPERVISOR_SUPERVISOR_H

#include "../actor/pending.h"
#include "../base/list.h"
#include "../base/table.h"

#include <zanni/supervisor.h>

#define ZANNI__CHILD_NAME 64
#define ZANNI__SUPERVISOR "zanni.supervisor"
#define ZANNI__SUPERVISOR_MS (INT64_MAX / 4000000)   // the longest time that timers take
#define ZANNI__SUPERVISOR_IN "uixxxuav"   // strategy, restarts, within, delay, its most, jitter, children

typedef enum {
    ZANNI__CHILD_IDLE,       // has not begun, or has ended
    ZANNI__CHILD_DELAYED,    // the same until its timer is due
    ZANNI__CHILD_STARTING,
    ZANNI__CHILD_FAILING,    // its start was answered by an error, its DOWN is still to come
    ZANNI__CHILD_RUNNING,
    ZANNI__CHILD_STOPPING
} zanni__child_state_t;

/* What has become of a child and was not decided about yet. */
typedef enum { ZANNI__NO_NEWS, ZANNI__NEWS_ENDED, ZANNI__NEWS_FAILED } zanni__news_t;

/* A message that waits to be answered. */
typedef struct {
    zanni__link_t link;
    zanni_msg_t *msg;
} zanni__question_t;

typedef struct zanni__child {
    zanni__link_t all;              // in the order of their start
    zanni__link_t news_link;
    zanni__link_t questions;
    zanni__entry_t by_number;
    zanni__entry_t by_name;
    zanni__entry_t by_monitor;      // while `monitor`
    uint64_t number;                // grows in the order of their start
    char name [ZANNI__CHILD_NAME];
    const char *class_name;         // behind this struct
    zanni_spawn_t spawn;
    zanni_ref_t *on;
    zanni_msg_t *pattern;           // its start arguments
    int64_t stop_ms;                // -1: as long as it takes
    uint8_t restarts;               // zanni_restarts_t
    bool kill;

    uint8_t state;                  // zanni__child_state_t
    uint8_t news;                   // zanni__news_t
    bool waits;                     // its identity does
    bool again;                     // STARTING: it is an identity that had waited
    bool down;                      // STARTING: it has ended since, before the answer came
    bool leaves;                    // is to be forgotten when it has ended
    bool killed;                    // STOPPING: it has been
    bool abandoned;                 // IDLE: it may go on, for it has not even heeded a kill
    uint16_t attempt;               // of starting it
    zanni_ref_t *ref;               // strong, owns; NULL: none that anybody is behind
    uint64_t monitor;
    uint64_t timer;                 // of its delay, or its stop
    zanni_reason_t reason;          // of its last end
    int64_t began_ns;
    uint32_t tries;                 // restarts since it lived long enough
    uint64_t restarted;             // in all
    zanni_msg_t *adder;             // who waits for its start
} zanni__child_t;

typedef enum {
    ZANNI__BEGINNING,   // children start for the first time, up to the cursor
    ZANNI__SERVING,
    ZANNI__SWEEPING,    // those from `from` on are stopped, down to the cursor
    ZANNI__PAUSING,     // until the delay is over
    ZANNI__RESUMING,    // those from `from` on are started, up to the cursor
    ZANNI__ENDING,      // all are stopped, down to the cursor
    ZANNI__OVER
} zanni__phase_t;

typedef struct {
    zanni_t *self;
    zanni_ref_t *owner;             // who spawned it
    zanni_promise_t *started;       // to the owner; NULL: nobody waits
    uint8_t strategy;
    uint32_t max_restarts;
    int64_t within_ms;
    int64_t delay_ms;
    int64_t delay_max_ms;
    uint32_t jitter;
    zanni__child_t *model;          // what all children of a dynamic one are like, in no list

    uint8_t phase;                  // zanni__phase_t
    bool conducting;
    bool closing;                   // whoever ends it is told by the answer
    bool by_request;                // ENDING: it was stopped or killed, or nobody refers to it any more
    zanni_reason_t reason;          // ENDING: why
    zanni_error_t error;            // ENDING: a child's first start failed
    zanni__link_t children;
    zanni__link_t news;             // children with news, in their order
    zanni__table_t by_number, by_name, by_monitor;
    uint64_t numbers;
    zanni__child_t *cursor;         // NULL: none is left
    uint64_t from;                  // a number
    uint64_t pause;                 // timer
    int64_t pause_ms;
    int64_t *times_ns;              // of the last restarts, a ring of max_restarts
    uint32_t times_at;
    uint32_t times_used;
} zanni__supervisor_t;

/* describe.c. A pattern of start arguments: those left to be read at this level of `msg`, behind those of `head` (may
   be NULL). */
int zanni__pattern_new (zanni_t *self, zanni_msg_t **pattern_p, zanni_msg_t *head, zanni_msg_t *msg);

/* supervisor.c. The class is found by its name from then on, by other nodes and in processes, too. Again is no fault.
   ZANNI_ENOMEM. */
int zanni__supervisor_class (void);
int zanni__supervisor_spawn (zanni_t *self, zanni_ref_t **ref_p, const zanni_spawn_t *options,
                             const zanni_arg_t *args);

/* child.c. Reads a child from a description, entered in `msg`. */
int zanni__child_read (zanni__supervisor_t *supervisor, zanni__child_t **child_p, zanni_msg_t *msg);

/* A copy of the model with that name, and with what is left in `msg` behind its arguments. */
int zanni__child_copy (zanni__supervisor_t *supervisor, zanni__child_t **child_p, const char *name, zanni_msg_t *msg);

/* Takes it into the tables; ZANNI_EINUSE. */
int zanni__child_enter (zanni__supervisor_t *supervisor, zanni__child_t *child);
void zanni__child_free (zanni__supervisor_t *supervisor, zanni__child_t *child);
zanni__child_t *zanni__child_named (const zanni__supervisor_t *supervisor, const char *name);
zanni__child_t *zanni__child_numbered (const zanni__supervisor_t *supervisor, uint64_t number);

/* What becomes of it shows as its state, or its news. */
void zanni__child_start (zanni__supervisor_t *supervisor, zanni__child_t *child);
void zanni__child_delay (zanni__supervisor_t *supervisor, zanni__child_t *child, int64_t delay_ms);
void zanni__child_late (zanni__supervisor_t *supervisor, zanni__child_t *child);   // its timer is due
void zanni__child_down (zanni__supervisor_t *supervisor, const zanni_down_t *down);

/* Ends it, or its identity; `for_good`: that does not wait. Nothing to do where it is IDLE afterwards. */
void zanni__child_stop (zanni__supervisor_t *supervisor, zanni__child_t *child, bool for_good);
void zanni__child_calm (zanni__child_t *child);   // no news any more

/* conduct.c: goes on, as far as that is possible now; the supervisor may be over then. */
void zanni__conduct (zanni__supervisor_t *supervisor);
void zanni__conduct_end (zanni__supervisor_t *supervisor, const zanni_reason_t *reason, bool by_request);

/* answer.c */
int zanni__supervisor_child (zanni_t *self, zanni_msg_t *msg);
int zanni__supervisor_children (zanni_t *self, zanni_msg_t *msg);
int zanni__supervisor_add (zanni_t *self, zanni_msg_t *msg);
int zanni__supervisor_remove (zanni_t *self, zanni_msg_t *msg);
int zanni__answer_child (zanni__supervisor_t *supervisor, const zanni__child_t *child, zanni_msg_t *msg);
__attribute__ ((format (printf, 4, 5))) void
zanni__answer_fault (zanni__supervisor_t *supervisor, zanni_msg_t *msg, int code, const char *format, ...);

/* All that waited for it: it has a reference, or has ended. The one who added it, too. */
void zanni__questions_answer (zanni__supervisor_t *supervisor, zanni__child_t *child);
void zanni__adder_answer (zanni__supervisor_t *supervisor, zanni__child_t *child);

#endif
