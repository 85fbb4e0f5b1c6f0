/* zanni.result: what somebody will have worked out: set once, a value or an error, and got by as many as like. */

#include "classes.h"
#include "kept.h"
#include "waiting.h"

#include "../base/memory.h"

typedef struct {
    zanni__waiting_t waiting;
    zanni__link_t line;
    zanni__kept_t *kept;   // NULL: not there yet, or failed
    char *text;            // of the error; NULL: it has not failed
    int64_t code;
} s_result_t;

static bool
s_is_there (const s_result_t *result)
{
    return result->kept || result->text;
}

/* `flag`: it wants the result, not only to know that it is there. */
static void
s_serve (zanni__waiting_t *waiting)
{
    s_result_t *result = (s_result_t *) waiting;
    zanni__wait_t *wait;
    int rc = 0;
    while (s_is_there (result) && (wait = zanni__line_first (waiting, &result->line))) {
        if (wait->flag && result->text) {
            rc = zanni_promise_fail (waiting->self, &wait->promise, result->code, result->text);
            zanni__wait_free (waiting, wait);
        }
        else
            rc = zanni__wait_answer (waiting, wait, wait->flag ? &result->kept->arg : NULL, wait->flag);
    }
    (void) rc;   // its client has the error
}

static const zanni__waiting_ops_t s_ops = { .serve = s_serve, .careless = true };

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_result_t *result = zanni_state (self);
    (void) msg;
    zanni__waiting_begin (&result->waiting, self, &s_ops);
    zanni__link_init (&result->line);
    return 0;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_result_t *result = zanni_state (self);
    (void) reason;
    zanni__waiting_end (&result->waiting, NULL);
    zanni__kept_drop (result->kept);
    zanni__free (result->text);
    result->kept = NULL;
    result->text = NULL;
}

static int
s_check (const s_result_t *result, zanni_msg_t *msg)
{
    if (!s_is_there (result))
        return 0;
    return zanni__refuse (msg, ZANNI_EINUSE, "%s: the result is there already", zanni_msg_method (msg));
}

static int
s_set (zanni_t *self, zanni_msg_t *msg)
{
    s_result_t *result = zanni_state (self);
    int rc = s_check (result, msg);
    if (!rc)
        rc = zanni__kept_read (self, &result->kept, msg);
    if (rc)
        return rc;
    s_serve (&result->waiting);
    return zanni_reply (self, msg);
}

static int
s_fail (zanni_t *self, zanni_msg_t *msg)
{
    s_result_t *result = zanni_state (self);
    const char *text;
    int rc = s_check (result, msg);
    if (!rc)
        rc = zanni_read (msg, &result->code, &text);
    if (rc)
        return rc;
    result->text = zanni__strdup (text);
    if (!result->text)
        return ZANNI_ENOMEM;
    s_serve (&result->waiting);
    return zanni_reply (self, msg);
}

static int
s_enter (zanni_t *self, zanni_msg_t *msg, bool wants)
{
    s_result_t *result = zanni_state (self);
    zanni__wait_t *wait;
    int rc = zanni__wait_enter (&result->waiting, &wait, msg, &result->line);
    if (rc)
        return rc;
    wait->flag = wants;
    return zanni__wait_stay (&result->waiting);
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    return s_enter (self, msg, true);
}

static int
s_wait (zanni_t *self, zanni_msg_t *msg)
{
    return s_enter (self, msg, false);
}

static int
s_look (zanni_t *self, zanni_msg_t *msg)
{
    const s_result_t *result = zanni_state (self);
    return zanni_reply (self, msg, s_is_there (result), result->text != NULL);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("set", "v", "", s_set, "This is the result."),
    ZANNI_METHOD ("fail", "xs", "", s_fail, "There is none, for this code and text."),
    ZANNI_METHOD ("get", "xt", "v", s_get, "The result, when it is there; or that error."),
    ZANNI_METHOD ("wait", "xt", "", s_wait, "Until it is there, or has failed."),
    ZANNI_METHOD ("look", "", "bb", s_look, "Whether it is there; whether it has failed."),
    ZANNI__WAITING_METHODS,
    ZANNI_METHOD_END
};

const zanni_class_t zanni__result_class = {
    .name = "zanni.result", .state_size = sizeof (s_result_t), .methods = s_methods, .start_in = "", .start = s_start,
    .stop = s_stop, .down = zanni__waiting_down, .text = "What somebody will have worked out."
};
