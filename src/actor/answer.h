/* answer.h: how asks are answered inside the runtime. */

#ifndef ZANNI_ACTOR_ANSWER_H
#define ZANNI_ACTOR_ANSWER_H

#include "worker.h"

typedef struct {
    int code;
    int64_t app_code;
    const char *text;
    const zanni_address_t *origin;   // NULL: whom the ask was for
    const zanni_arg_t *args;
    size_t count;
    zanni_msg_t *data;               // whose arguments go with it, in place of args; or NULL
} zanni__answer_t;

int zanni__answer_error_from (zanni_worker_t *worker, zanni_msg_t *ask, const zanni__answer_t *what);

/* With the arguments of a reply that came from elsewhere, whose results were checked there. */
int zanni__answer_as (zanni_worker_t *worker, zanni_msg_t *ask, zanni_msg_t *like);

int zanni__answer_empty (zanni_worker_t *worker, zanni_msg_t *ask);

/* Turns a message round, without arguments: from whom it was for, to whom it came from. */
void zanni__msg_turn (zanni_worker_t *worker, zanni_msg_t *msg, zanni__kind_t kind);

/* Makes a message whose sender is set an ERROR with this code and text. */
void zanni__error_fill (zanni_msg_t *msg, int code, const char *text);

/* The same with everything that an error from elsewhere says. */
void zanni__error_take (zanni_msg_t *msg, const zanni_error_t *error);

/* Hands a tell or ask on itself to an actor of this node, `method` being one of its class. ZANNI__GIVEN_AWAY: it is
   not the caller's any more, whose handler returns that at once; else nothing happened: 0, the way is another one
   (zanni_forward), or why it is not admitted. */
#define ZANNI__GIVEN_AWAY INT32_MIN   // nobody else answers that
int zanni__hand_over (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_ref_t *ref,
                      const zanni__method_t *method);

/* Keeps a promise by what another answer, REPLY or ERROR, says; drops it. */
void zanni__promise_pass (zanni_t *self, zanni_promise_t **promise_p, zanni_msg_t *answer);

/* The same by an error of the caller's. */
void zanni__promise_error (zanni_t *self, zanni_promise_t **promise_p, const zanni_error_t *error);

/* Gives a promise that is not void back to the message that it was made of, which is answered as before it; drops it. */
void zanni__promise_undo (zanni_t *self, zanni_promise_t **promise_p, zanni_msg_t *msg);

/* zanni_forward, with the arguments of `pattern` instead of its own. */
int zanni__forward_with (zanni_t *self, zanni_msg_t *msg, zanni_msg_t *pattern, const zanni_ref_t *ref,
                         const char *method);

/* Answers zanni.chain: onward.c. */
int zanni__answer_chain (zanni_t *self, zanni_msg_t *msg);

/* `code` of a REPLY that answers a START. */
#define ZANNI__STARTED 1

/* The promise of an actor's for the ask that a cancel or probe is about, as long as it is open; or NULL. */
zanni_msg_t *zanni__promise_find (const zanni_t *actor, const zanni_msg_t *about);

/* Whether that is the ask which `cancel` is about. */
bool zanni__cancels (const zanni_msg_t *cancel, const zanni_msg_t *ask);

/* Fails every promise of an actor that ends. */
void zanni__promises_end (zanni_t *actor, const zanni_reason_t *reason);

#endif
