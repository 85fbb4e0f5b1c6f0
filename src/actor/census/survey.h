/* survey.h: what all workers of a node have just now, asked of each. See survey.c. */

#ifndef ZANNI_ACTOR_CENSUS_SURVEY_H
#define ZANNI_ACTOR_CENSUS_SURVEY_H

#include "../worker.h"

#include <zanni/work.h>

#define ZANNI__NAME_SHOWN 48

typedef struct {
    uint64_t asker;
    uint64_t receiver;
    int64_t begun_ns;
    bool waits;
    bool away;
    char asker_class [ZANNI__NAME_SHOWN];
    char receiver_class [ZANNI__NAME_SHOWN];
    char method [ZANNI__NAME_SHOWN];
} zanni__asked_t;

typedef struct {
    uint64_t actor;
    uint64_t messages;
    uint64_t bytes;
    char cls [ZANNI__NAME_SHOWN];
} zanni__mailbox_t;

/* Of one worker. */
typedef struct zanni__picture {
    struct zanni__picture *next;
    zanni_worker_t *of;       // held by the survey
    char worker [80];
    const zanni__method_t *doing;
    int64_t for_ms;
    bool stuck;
    uint64_t actor;           // if it is
    bool known;
    uint64_t actors;
    uint64_t messages;        // handled so far
    uint64_t queued;
    uint64_t held;
    uint64_t asked;           // asks that are not answered, those in `asks` among them
    uint32_t asks_count;
    uint32_t mailboxes_count;
    zanni__asked_t asks [ZANNI_WORK_MOST];
    zanni__mailbox_t mailboxes [ZANNI_WORK_MOST];
} zanni__picture_t;

typedef struct zanni__survey {
    struct zanni__survey *next;   // of the asker's worker
    uint64_t id;
    uint32_t left;                // workers that have not answered
    zanni__picture_t *pictures;   // by worker
    zanni__picture_t **end;
    zanni_t *actor;               // who is to be answered: NULL: somebody waits for `left`
    zanni_promise_t *promise;
} zanni__survey_t;

/* Begins one, of which `left` tells when it is complete. ZANNI_ENOMEM. On the thread of `self`, as all but the last two. */
int zanni__survey_new (zanni_t *self, zanni__survey_t **survey_p);
void zanni__survey_destroy (zanni_worker_t *worker, zanni__survey_t **survey_p);   // whatever is left

/* Those that have not answered are looked at from outside once more. */
void zanni__survey_close (zanni__survey_t *survey);

/* The worker, or the actor, ends: so do its surveys. */
void zanni__surveys_end (zanni_worker_t *worker, const zanni_t *actor);

/* The item has arrived, or cannot. */
void zanni__survey_arrives (zanni_worker_t *worker, zanni_msg_t *msg);
void zanni__survey_buried (zanni_worker_t *worker, zanni_msg_t *msg);

/* Answers zanni.work: work.c. */
int zanni__answer_work (zanni_t *self, zanni_msg_t *msg);
void zanni__work_reply (zanni_t *self, zanni__survey_t *survey);

#endif
