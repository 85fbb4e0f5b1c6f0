/* Draining: no new work, and what there is gets done.

   Nobody counts what a node has to do, so the workers are asked (actor/census/survey.c), again and again. What one of them hands to
   another between two answers may be in neither, so the node is only quiet when two surveys in a row find nothing and no
   message was handled between them but those of this node's root itself, which looks. */

#include "make.h"

#include "../actor/census/survey.h"

#define S_PAUSE_MS 2        // between two surveys
#define S_ANSWERS_MS 100    // for which they are waited for

static bool
s_never (zanni_worker_t *worker)
{
    (void) worker;
    return false;
}

static void
s_sum (zanni_left_t *left, uint64_t *messages, const zanni__survey_t *survey)
{
    *left = (zanni_left_t) { 0 };
    *messages = 0;
    for (const zanni__picture_t *picture = survey->pictures; picture; picture = picture->next) {
        left->queued += picture->queued;
        left->held += picture->held;
        left->asked += picture->asked;
        left->unknown += !picture->known && picture->of->kind != ZANNI__WORKER_ATTACHED;   // the host's to wait for
        *messages += picture->messages;
    }
}

static int
s_look (zanni_t *self, zanni_left_t *left, uint64_t *messages)
{
    zanni__survey_t *survey;
    int rc = zanni__survey_new (self, &survey);
    if (rc)
        return rc;
    for (int i = 0; i < S_ANSWERS_MS && !rc && survey->left; i++)
        rc = zanni__run_until (self, s_never, 1);
    s_sum (left, messages, survey);
    zanni__survey_destroy (self->worker, &survey);
    return rc;
}

static bool
s_is_done (const zanni_left_t *left)
{
    return !left->queued && !left->held && !left->asked && !left->unknown;
}

static int
s_drain (zanni_t *self, zanni_left_t *left, int64_t until_ns)
{
    uint64_t messages = 0, before = 0;
    bool was_done = false;
    for (;;) {
        int rc = s_look (self, left, &messages);
        bool done = s_is_done (left) && (!was_done || messages == before);
        if (rc || (done && was_done))
            return rc;
        if (zanni__node_now (self->worker->node) >= until_ns)
            return ZANNI_ETIMEOUT;
        was_done = done;
        before = messages;
        rc = zanni__run_until (self, s_never, done ? 0 : S_PAUSE_MS);
        if (rc)
            return rc;
    }
}

int
zanni_drain (zanni_t *self, zanni_left_t *left, int64_t timeout_ms)
{
    zanni_left_t own;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_worker_t *worker = self->worker;
    if (worker->kind != ZANNI__WORKER_ROOT || !zanni__is_owner (self))
        return ZANNI_EOWNER;
    rc = zanni__run_until (self, s_never, 0);
    if (rc)
        return rc;
    atomic_store_explicit (&worker->node->drains, true, memory_order_relaxed);
    bool ends = timeout_ms >= 0 && timeout_ms < INT64_MAX / 4000000;
    return s_drain (self, left ? left : &own, ends ? zanni__node_now (worker->node) + timeout_ms * 1000000 : INT64_MAX);
}
