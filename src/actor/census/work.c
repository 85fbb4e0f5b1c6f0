/* What a node is at, for people: a survey (survey.c), told row by row or as an answer. */

#include "../answer.h"
#include "survey.h"

#include <zanni/type.h>

/* A picture as the program sees it. */
typedef struct {
    zanni_work_t work;
    zanni_work_ask_t asks [ZANNI_WORK_MOST];
    zanni_work_mailbox_t mailboxes [ZANNI_WORK_MOST];
} s_view_t;

static void
s_view (s_view_t *view, const zanni__picture_t *picture, int64_t now_ns)
{
    const zanni__method_t *doing = picture->doing;
    view->work = (zanni_work_t) {
        .worker = picture->worker, .class_name = doing ? doing->cls->definition->name : "", .method = doing ? doing->name : "",
        .for_ms = picture->for_ms, .known = picture->known, .actors = picture->actors, .queued = picture->queued,
        .held = picture->held, .asks = view->asks, .asks_count = picture->asks_count, .mailboxes = view->mailboxes,
        .mailboxes_count = picture->mailboxes_count, .stuck = picture->stuck, .actor = picture->actor
    };
    for (uint32_t i = 0; i < picture->asks_count; i++) {
        const zanni__asked_t *ask = &picture->asks [i];
        view->asks [i] = (zanni_work_ask_t) {
            .asker = ask->asker, .asker_class = ask->asker_class, .receiver = ask->receiver,
            .receiver_class = ask->receiver_class, .method = ask->method, .age_ms = (now_ns - ask->begun_ns) / 1000000,
            .waits = ask->waits, .away = ask->away
        };
    }
    for (uint32_t i = 0; i < picture->mailboxes_count; i++) {
        const zanni__mailbox_t *mailbox = &picture->mailboxes [i];
        view->mailboxes [i] = (zanni_work_mailbox_t) {
            .actor = mailbox->actor, .class_name = mailbox->cls, .messages = mailbox->messages, .bytes = mailbox->bytes
        };
    }
}

static bool
s_is_complete (zanni_t *self, void *context)
{
    const zanni__survey_t *survey = context;
    (void) self;
    return !survey->left;
}

int
zanni_work (zanni_t *self, int64_t wait_ms, zanni_work_fn *each, void *context)
{
    s_view_t view;
    zanni__survey_t *survey;
    int rc = zanni__may_block (self);
    if (!rc && !each)
        rc = ZANNI_EINVAL;
    if (!rc)
        rc = zanni__survey_new (self, &survey);
    if (rc)
        return rc;
    zanni_node_t *node = self->worker->node;
    bool ends = wait_ms >= 0 && wait_ms < INT64_MAX / 4000000;
    rc = zanni__block_until (self, s_is_complete, survey, ends ? zanni__node_now (node) + wait_ms * 1000000 : INT64_MAX);
    rc = rc == ZANNI_ETIMEOUT ? 0 : rc;   // some are seen from outside only
    zanni__survey_close (survey);
    int64_t now_ns = zanni__node_now (node);
    for (const zanni__picture_t *picture = survey->pictures; !rc && picture; picture = picture->next) {
        s_view (&view, picture, now_ns);
        each (context, &view.work);
    }
    zanni__survey_destroy (self->worker, &survey);
    return rc;
}

static int
s_list_asks (zanni_list_t *list, const zanni_work_t *work)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < work->asks_count; i++) {
        const zanni_work_ask_t *ask = &work->asks [i];
        rc = zanni_list_append (list, ZANNI_LIST (ask->asker, ask->asker_class, ask->receiver, ask->receiver_class, ask->method,
                                                  ask->age_ms, ask->waits, ask->away));
    }
    return rc;
}

static int
s_list_mailboxes (zanni_list_t *list, const zanni_work_t *work)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < work->mailboxes_count; i++) {
        const zanni_work_mailbox_t *mailbox = &work->mailboxes [i];
        rc = zanni_list_append (list, ZANNI_LIST (mailbox->actor, mailbox->class_name, mailbox->messages, mailbox->bytes));
    }
    return rc;
}

static int
s_list (zanni_list_t *list, const zanni_work_t *work)
{
    ZANNI_AUTO (zanni_list_t) asks = NULL;
    ZANNI_AUTO (zanni_list_t) mailboxes = NULL;
    int rc = zanni_list_new (&asks);
    if (!rc)
        rc = zanni_list_new (&mailboxes);
    if (!rc)
        rc = s_list_asks (asks, work);
    if (!rc)
        rc = s_list_mailboxes (mailboxes, work);
    if (rc)
        return rc;
    return zanni_list_append (list, ZANNI_LIST (work->worker, work->class_name, work->method, work->for_ms, work->known,
                                                work->actors, work->queued, work->held, zanni_list_arg (asks),
                                                zanni_list_arg (mailboxes), work->stuck, work->actor));
}

/* The survey is complete. Who asked may have given up meanwhile, which a promise knows. */
void
zanni__work_reply (zanni_t *self, zanni__survey_t *survey)
{
    s_view_t view;
    ZANNI_AUTO (zanni_list_t) list = NULL;
    int64_t now_ns = zanni__node_now (self->worker->node);
    int rc = zanni_list_new (&list);
    for (const zanni__picture_t *picture = survey->pictures; !rc && picture; picture = picture->next) {
        s_view (&view, picture, now_ns);
        rc = s_list (list, &view.work);
    }
    if (!rc)
        rc = zanni_promise_reply (self, &survey->promise, zanni_list_arg (list));
    if (rc && survey->promise)
        rc = zanni_promise_fail (self, &survey->promise, rc, zanni_strerror (rc));
    zanni_promise_destroy (&survey->promise);
}

int
zanni__answer_work (zanni_t *self, zanni_msg_t *msg)
{
    zanni__survey_t *survey;
    zanni_promise_t *promise;
    int rc = zanni_promise_new (self, &promise, msg);
    if (rc)
        return rc == ZANNI_EREPLIED ? 0 : rc;   // it was told, not asked
    rc = zanni__survey_new (self, &survey);
    if (rc) {
        zanni_promise_destroy (&promise);
        return rc;
    }
    survey->promise = promise;
    survey->actor = self;
    if (survey->left)
        return 0;
    zanni__work_reply (self, survey);
    zanni__survey_destroy (self->worker, &survey);
    return 0;
}
