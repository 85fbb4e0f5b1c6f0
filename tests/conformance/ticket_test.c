/* Asks with a ticket: who was asked is told how each ended, once, before anything else that the asker sends then. */

#include "support.h"

/* Answers as it is told, and reports what it hears of tickets. */
typedef struct {
    zanni_ref_t *witness;
    zanni_promise_t *promise;
} giver_t;

static int
giver_know (zanni_t *self, zanni_msg_t *msg)
{
    giver_t *giver = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &giver->witness, witness);
}

static int
giver_give (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, 1);
}

static int
giver_refuse (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 7, "none");
}

static int
giver_wait (zanni_t *self, zanni_msg_t *msg)
{
    giver_t *giver = zanni_state (self);
    zanni_promise_destroy (&giver->promise);
    return zanni_promise_new (self, &giver->promise, msg);
}

/* What was promised is given now, whether anybody waits for it or not. */
static int
giver_fulfil (zanni_t *self, zanni_msg_t *msg)
{
    giver_t *giver = zanni_state (self);
    (void) msg;
    return giver->promise ? zanni_promise_reply (self, &giver->promise, 2) : 0;
}

static int
giver_hear (zanni_t *self, zanni_msg_t *msg)
{
    giver_t *giver = zanni_state (self);
    uint64_t ticket;
    int rc = zanni_read (msg, &ticket);
    return rc ? rc : report (self, giver->witness, "%s %" PRIu64, zanni_msg_method (msg), ticket);
}

static int
giver_say (zanni_t *self, zanni_msg_t *msg)
{
    giver_t *giver = zanni_state (self);
    (void) msg;
    return report (self, giver->witness, "said");
}

/* To whom it is told to: a method that it has, too. */
static int
giver_pass (zanni_t *self, zanni_msg_t *msg)
{
    const giver_t *giver = zanni_state (self);
    return zanni_forward (self, msg, giver->witness, "give");
}

static const zanni_method_t giver_methods [] = {
    ZANNI_METHOD ("pass", "", "x", giver_pass, "Hands it on."),
    ZANNI_METHOD ("know", "r", "", giver_know, "Who is to learn of it."),
    ZANNI_METHOD ("give", "", "x", giver_give, "Answers at once."),
    ZANNI_METHOD ("refuse", "", "x", giver_refuse, "With an error."),
    ZANNI_METHOD ("wait", "", "x", giver_wait, "Answers later."),
    ZANNI_METHOD ("fulfil", "", "", giver_fulfil, "That is now."),
    ZANNI_METHOD ("say", "", "", giver_say, "Reports it."),
    ZANNI_METHOD ("got", "t", "", giver_hear, "Of a ticket."),
    ZANNI_METHOD ("give_back", "t", "", giver_hear, "Of a ticket."),
    ZANNI_METHOD_END
};
static const zanni_class_t giver_class = {
    .name = "giver", .state_size = sizeof (giver_t), .methods = giver_methods
};

CLASSES (&giver_class, &runner_class);

static zanni_ref_t *
s_giver (void)
{
    zanni_ref_t *giver = spawn ("giver");
    done (giver, "know", zanni_self (root));
    return giver;
}

EVERYWHERE (ticket, of_an_answer_is_got)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t options = { .ticket = 17 };
    cr_assert_eq (zanni_call_with (root, &reply, giver, &options, "give"), 0);
    tell (giver, "say");
    expect ("got 17");
    expect ("said");
}

EVERYWHERE (ticket, of_an_answer_that_is_received_is_got)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    const zanni_ask_t options = { .ticket = 17 };
    cr_assert_eq (zanni_ask (root, giver, &options, "give"), 0);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    tell (giver, "say");
    expect ("got 17");
    expect ("said");
}

EVERYWHERE (ticket, of_an_error_is_given_back)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    const zanni_ask_t options = { .ticket = 17 };
    cr_assert_eq (zanni_call_with (root, NULL, giver, &options, "refuse"), ZANNI_EAPP);
    tell (giver, "say");
    expect ("give_back 17");
    expect ("said");
}

EVERYWHERE (ticket, of_a_deadline_is_given_back)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    const zanni_ask_t options = { .ticket = 17, .deadline_ms = 20 };
    cr_assert_eq (zanni_call_with (root, NULL, giver, &options, "wait"), ZANNI_ETIMEOUT);
    tell (giver, "fulfil");
    tell (giver, "say");
    expect ("give_back 17");
    expect ("said");
}

/* Before zanni_cancel returns; what its error is received for later says no more. */
EVERYWHERE (ticket, of_a_cancelled_ask_is_given_back_at_once)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    uint64_t ask;
    const zanni_ask_t options = { .ticket = 17, .id_p = &ask };
    zanni_error_t error;
    cr_assert_eq (zanni_ask (root, giver, &options, "wait"), 0);
    cr_assert_eq (zanni_cancel (root, ask), 0);
    tell (giver, "say");
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_eq (error.code, ZANNI_ECANCELED);
    expect ("give_back 17");
    expect ("said");
}

/* The answer lies in the mailbox: without a ticket it would win. */
EVERYWHERE (ticket, of_an_answer_that_was_not_read_is_given_back_when_it_is_cancelled)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    uint64_t ask;
    const zanni_ask_t options = { .ticket = 17, .id_p = &ask };
    zanni_error_t error;
    cr_assert_eq (zanni_ask (root, giver, &options, "give"), 0);
    done (giver, "say");   // its answer comes behind the other
    cr_assert_eq (zanni_cancel (root, ask), 0);
    done (giver, "say");
    expect ("said");
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_eq (error.code, ZANNI_ECANCELED);
    expect ("give_back 17");
    expect ("said");
    expect_nothing ();
}

/* Nobody is told, so nothing becomes a dead letter. */
EVERYWHERE (ticket, of_who_is_gone_is_nobodys)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    const zanni_ask_t options = { .ticket = 17 };
    uint64_t id = monitor (giver);
    cr_assert_eq (zanni_kill (root, giver), 0);
    (void) expect_down (id, false);
    cr_assert_eq (zanni_call_with (root, NULL, giver, &options, "give"), ZANNI_ENOACTOR);
    expect_nothing ();
}

/* Who has it then would not be told how it ended. */
EVERYWHERE (ticket, keeps_an_ask_from_being_handed_on)
{
    ZANNI_AUTO (zanni_ref_t) giver = s_giver ();
    ZANNI_AUTO (zanni_ref_t) passer = spawn ("giver");
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .ticket = 17, .error = &error };
    done (passer, "know", giver);
    cr_assert_eq (call_int (passer, "pass"), 1);
    cr_assert_eq (zanni_call_with (root, NULL, passer, &options, "pass"), ZANNI_EPERM);
    cr_assert_not_null (strstr (error.text, "an ask with a ticket is not handed on"), "%s", error.text);
}
