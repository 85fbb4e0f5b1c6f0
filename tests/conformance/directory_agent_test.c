/* What an agent does about a directory that refuses, loses or delays something: with a kind of directory whose answers
   the test writes down beforehand.

   The directory is an actor of this node, and its place is the text of its reference. Each of its methods takes its
   next answer from a list, and does well when that is empty; it counts what it is asked, and when. */

#include "support.h"

#include <zanni/directory.h>
#include <zanni/sys/directory.h>

#define EACH_METHOD(ROW) ROW (reach) ROW (put) ROW (drop) ROW (renew) ROW (lookup) ROW (list) ROW (watch)

enum {
#define ROW(name) of_##name,
    EACH_METHOD (ROW)
#undef ROW
    METHODS
};

static const char *const method_names [METHODS] = {
#define ROW(name) #name,
    EACH_METHOD (ROW)
#undef ROW
};

/* Answers that are no error. */
#define NEVER 1000            // it is not answered
#define CHANGES 1001          // of a watch, at once: one that has joined, and has left
#define FIRST_PAGE 1002       // of a list: one member, and there are more
#define SOME(count) (count)   // of a list: so many members

typedef struct {
    int code;
    uint32_t left;
} answer_t;

typedef struct {
    answer_t answers [METHODS] [4];
    int64_t counts [METHODS];
    int64_t reached_ns;
    int64_t gap_ms;          // between the last two times that it was to be reached
    uint64_t version;
    zanni_promise_t *kept [64];
    size_t kept_count;
} script_t;

/* The answer that is next: 0 is a good one. */
static int
s_next (zanni_t *self, int method)
{
    script_t *script = zanni_state (self);
    script->counts [method]++;
    for (int i = 0; i < 4; i++) {
        answer_t *answer = &script->answers [method] [i];
        if (!answer->left)
            continue;
        answer->left--;
        return answer->code;
    }
    return 0;
}

static int
s_keep (zanni_t *self, zanni_msg_t *msg)
{
    script_t *script = zanni_state (self);
    return script->kept_count < 64 ? zanni_promise_new (self, &script->kept [script->kept_count++], msg) : ZANNI_EFULL;
}

static int
s_nothing (zanni_t *self, zanni_msg_t *msg, int method)
{
    int code = s_next (self, method);
    return code == NEVER ? s_keep (self, msg) : code ? code : zanni_reply (self, msg);
}

static int
script_reach (zanni_t *self, zanni_msg_t *msg)
{
    script_t *script = zanni_state (self);
    int64_t now_ns = zanni_now_ns (self);
    int code = s_next (self, of_reach);
    script->gap_ms = script->reached_ns ? (now_ns - script->reached_ns) / 1000000 : 0;
    script->reached_ns = now_ns;
    return code ? code : zanni_reply (self, msg, zanni_self (self));
}

static int
script_put (zanni_t *self, zanni_msg_t *msg)
{
    return s_nothing (self, msg, of_put);
}

static int
script_drop (zanni_t *self, zanni_msg_t *msg)
{
    return s_nothing (self, msg, of_drop);
}

static int
script_renew (zanni_t *self, zanni_msg_t *msg)
{
    return s_nothing (self, msg, of_renew);
}

static int
script_lookup (zanni_t *self, zanni_msg_t *msg)
{
    int code = s_next (self, of_lookup);
    return code ? code : zanni_reply (self, msg, zanni_self (self));
}

static int
script_list (zanni_t *self, zanni_msg_t *msg)
{
    script_t *script = zanni_state (self);
    int code = s_next (self, of_list);
    if (code < 0)
        return code;
    bool more = code == FIRST_PAGE;
    size_t count = more ? 1 : (size_t) code;
    zanni_arg_t ids [8], refs [8];
    for (size_t i = 0; i < count && i < 8; i++) {
        ids [i] = zanni_arg_uint (i + 1);
        refs [i] = zanni_arg_ref (zanni_self (self));
    }
    return zanni_reply (self, msg, script->version, more, zanni_arg_list (ids, count), zanni_arg_list (refs, count));
}

static int
script_watch (zanni_t *self, zanni_msg_t *msg)
{
    script_t *script = zanni_state (self);
    int code = s_next (self, of_watch);
    if (code != CHANGES)
        return code ? code : s_keep (self, msg);
    script->version += 2;
    const zanni_arg_t ref = zanni_arg_ref (zanni_self (self));
    const zanni_arg_t joined [] = { zanni_arg_uint (script->version), zanni_arg_bool (true) };
    const zanni_arg_t left [] = { zanni_arg_uint (script->version), zanni_arg_bool (false) };
    const zanni_arg_t changes [] = { zanni_arg_list (joined, 2), zanni_arg_list (left, 2) };
    return zanni_reply (self, msg, script->version, zanni_arg_list (changes, 2), zanni_arg_list (&ref, 1));
}

static int
s_find (const char *name)
{
    for (int i = 0; i < METHODS; i++)
        if (!strcmp (method_names [i], name))
            return i;
    return METHODS;
}

/* Answers that a method is to give, behind those that it has; none, 0 times: forgets them all. */
static int
script_answer (zanni_t *self, zanni_msg_t *msg)
{
    script_t *script = zanni_state (self);
    const char *name;
    answer_t answer;
    int at = 0, rc = zanni_read (msg, &name, &answer.code, &answer.left);
    if (rc)
        return rc;
    answer_t *answers = script->answers [s_find (name)];
    while (at < 3 && answer.left && answers [at].left)
        at++;
    if (!answer.left)
        memset (answers, 0, sizeof script->answers [0]);
    answers [at] = answer;
    return zanni_reply (self, msg);
}

static int
script_count (zanni_t *self, zanni_msg_t *msg)
{
    const script_t *script = zanni_state (self);
    const char *name;
    int rc = zanni_read (msg, &name);
    return rc ? rc : zanni_reply (self, msg, script->counts [s_find (name)]);
}

static int
script_gap (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, ((const script_t *) zanni_state (self))->gap_ms);
}

static void
script_stop (zanni_t *self, const zanni_reason_t *reason)
{
    script_t *script = zanni_state (self);
    (void) reason;
    for (size_t i = 0; i < script->kept_count; i++)
        zanni_promise_destroy (&script->kept [i]);
}

static const zanni_method_t script_methods [] = {
    ZANNI_METHOD ("reach", "", "r", script_reach, "Itself."),
    ZANNI_METHOD ("put", "ttsbur", "", script_put, "As sys/directory.h says."),
    ZANNI_METHOD ("drop", "tt", "", script_drop, "As there."),
    ZANNI_METHOD ("renew", "tu", "", script_renew, "As there."),
    ZANNI_METHOD ("lookup", "s", "r", script_lookup, "As there."),
    ZANNI_METHOD ("list", "st", "tbatar", script_list, "As there."),
    ZANNI_METHOD ("watch", "st", "ta(tb)ar", script_watch, "As there."),
    ZANNI_METHOD ("answer", "siu", "", script_answer, "What a method is to answer, and how often."),
    ZANNI_METHOD ("count", "s", "x", script_count, "How often a method was called."),
    ZANNI_METHOD ("gap", "", "x", script_gap, "Milliseconds between the last two times that it was reached."),
    ZANNI_METHOD_END
};
static const zanni_class_t script_class = {
    .name = "script", .state_size = sizeof (script_t), .methods = script_methods, .stop = script_stop
};

CLASSES (&script_class);

static int
s_check (const char *where, zanni_error_t *error)
{
    (void) where;
    (void) error;
    return 0;
}

static int
s_reach (zanni_t *self, zanni_ref_t **ref_p, const char *where, const zanni_directory_options_t *options,
         const zanni_ask_t *ask)
{
    ZANNI_AUTO (zanni_ref_t) script = NULL;
    (void) ref_p;
    (void) options;
    int rc = zanni_ref_parse (self, &script, where);
    return rc ? rc : zanni_ask (self, script, ask, "reach");
}

static const zanni_directory_ops_t script_ops = {
    .size = sizeof script_ops, .kind = "script", .check = s_check, .reach = s_reach
};

static zanni_ref_t *script;
static zanni_directory_t *names;
static zanni_error_t names_error;

static void
open_names (uint32_t lease_ms, uint32_t mailbox)
{
    char text [ZANNI_REF_TEXT], where [ZANNI_REF_TEXT + 8];
    const zanni_directory_options_t options = { .lease_ms = lease_ms, .error = &names_error };
    cr_assert_eq (zanni_register (classes, NULL), 0);
    begin ((zanni_options_t) { .mailbox_messages = mailbox });
    script = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "script");
    cr_assert_eq (zanni_ref_text (root, script, text, sizeof text), 0);
    snprintf (where, sizeof where, "script:%s", text);
    cr_assert_eq (zanni_directory_register (&script_ops), 0);
    cr_assert_eq (zanni_directory_open (root, &names, where, &options), 0, "%s", names_error.text);
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &found, "it"), 0);   // so it is reached
}

static void
close_names (void)
{
    zanni_directory_close (&names);
    zanni_ref_destroy (&script);
    end ();
}

/* A test with a handle that has this lease, and an owner with this mailbox; 0: the default. */
#define AGENT_WITH(lease_ms, mailbox, name) \
    static void s_##name (void); \
    Test (agent, name, .timeout = 30) \
    { \
        open_names (lease_ms, mailbox); \
        s_##name (); \
        close_names (); \
    } \
    static void s_##name (void)

#define AGENT(name) AGENT_WITH (0, 0, name)

/* The next message says that somebody has joined or left. */
static void
expect_change (const char *what)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    const char *change = "", *group = "";
    const zanni_ref_t *ref = NULL;
    cr_assert_str_eq (zanni_msg_method (msg), "changed");
    cr_assert_eq (zanni_read (msg, &change, &group, &ref), 0);
    cr_assert_str_eq (change, what);
}

static void
answer (const char *method, int code, uint32_t times)
{
    done (script, "answer", method, code, times);
}

#define ALWAYS UINT32_MAX

static void
await_count (const char *method, int64_t least)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (call_int (script, "count", method) < least && zanni_now_ns (root) < until_ns)
        continue;
    cr_assert_geq (call_int (script, "count", method), least, "%s was not called so often", method);
}

/* Until it was to be reached as late after the last time. */
static void
await_gap (int64_t least_ms)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (call_int (script, "gap") < least_ms && zanni_now_ns (root) < until_ns)
        continue;
    cr_assert_geq (call_int (script, "gap"), least_ms);
}

/* The agent loses the directory, and does not get it again until `find`. */
static void
lose (void)
{
    const zanni_ask_t ask = { .deadline_ms = 30000 };
    int64_t before = call_int (script, "count", "reach");
    answer ("list", ZANNI_ENOMEM, 1);
    answer ("reach", ZANNI_ENODE, ALWAYS);
    cr_assert_eq (zanni_directory_members_ask (names, "all", &ask), 0);
    await_count ("reach", before + 1);
}

static void
find (void)
{
    answer ("reach", 0, 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY, "the members");
}

/* What the agent has sent before has arrived. */
static void
hear_the_agent (void)
{
    cr_assert_eq (zanni_directory_unsubscribe (names, "nobody", "changed"), ZANNI_EGONE);
}

/* What the script has answered before has arrived, and what the agent has said to that. */
static void
hear_both (void)
{
    hear_the_agent ();
    (void) call_int (script, "count", "put");
    hear_the_agent ();
}

/* The agent loses the directory, and finds it soon. */
static void
stumble (void)
{
    const zanni_ask_t ask = { .deadline_ms = 30000 };
    answer ("list", ZANNI_ENOMEM, 1);
    cr_assert_eq (zanni_directory_members_ask (names, "nobody", &ask), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
}

AGENT (what_is_taken_back_while_the_directory_is_not_reached_is_dropped_when_it_is)
{
    cr_assert_eq (zanni_directory_publish (names, "stays", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_publish (names, "goes", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    lose ();
    cr_assert_eq (zanni_directory_withdraw (names, "goes"), 0);
    cr_assert_eq (zanni_directory_withdraw (names, "goes"), ZANNI_EGONE);
    cr_assert_eq (zanni_directory_leave (names, "all", zanni_self (root)), 0);
    cr_assert_eq (call_int (script, "count", "drop"), 0);
    find ();
    await_count ("drop", 2);
    await_count ("put", 4);   // and "stays" again
    hear_the_agent ();
    cr_assert_eq (call_int (script, "count", "put"), 4);
}

AGENT (an_actor_that_ends_while_the_directory_is_not_reached_is_dropped_when_it_is)
{
    ZANNI_AUTO (zanni_ref_t) actor = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "script");
    cr_assert_eq (zanni_directory_publish (names, "its", actor), 0);
    lose ();
    uint64_t end_of_it = monitor (actor);
    zanni_ref_destroy (&actor);
    (void) expect_down (end_of_it, false);
    find ();
    await_count ("drop", 1);
}

AGENT (what_was_never_put_is_not_dropped)
{
    lose ();
    const zanni_ask_t ask = { .deadline_ms = 30000 };
    cr_assert_eq (zanni_directory_publish_ask (names, "one", zanni_self (root), &ask), 0);
    cr_assert_eq (zanni_directory_withdraw (names, "one"), 0);
    ZANNI_AUTO (zanni_msg_t) cancelled = next ();
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_msg_error (cancelled, &error), 0);
    cr_assert_eq (error.code, ZANNI_ECANCELED);
    find ();
    cr_assert_eq (zanni_directory_publish (names, "two", zanni_self (root)), 0);
    cr_assert_eq (call_int (script, "count", "drop"), 0);
    cr_assert_eq (call_int (script, "count", "put"), 1);
}

AGENT (a_drop_that_is_refused_is_asked_again)
{
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    answer ("drop", ZANNI_ENOMEM, 2);
    cr_assert_eq (zanni_directory_withdraw (names, "one"), 0);
    await_count ("drop", 3);
}

AGENT_WITH (0, 16, of_changes_that_its_owner_does_not_read_no_more_are_asked_for)
{
    answer ("watch", CHANGES, 100);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    await_count ("watch", 9);   // the mailbox is full
    hear_the_agent ();
    for (int i = 0; i < 200; i++) {
        ZANNI_AUTO (zanni_ref_t) found = NULL;
        cr_assert_eq (zanni_directory_lookup (names, &found, "one"), 0);   // the agent and the directory go on
    }
    cr_assert_leq (call_int (script, "count", "watch"), 9);
    for (int i = 0; i < 100; i++) {
        expect_change ("joined");
        expect_change ("left");
    }
    await_count ("watch", 101);
}

AGENT_WITH (0, 16, an_owner_that_did_not_read_while_the_directory_was_lost_is_told_the_rest)
{
    answer ("watch", CHANGES, 9);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    await_count ("watch", 9);
    hear_the_agent ();
    int64_t lists = call_int (script, "count", "list");
    answer ("list", ZANNI_ENOMEM, 1);
    const zanni_ask_t ask = { .deadline_ms = 30000 };
    cr_assert_eq (zanni_directory_members_ask (names, "all", &ask), 0);
    await_count ("list", lists + 2);   // that of the ask, twice
    hear_the_agent ();
    cr_assert_eq (call_int (script, "count", "list"), lists + 2);
    answer ("list", SOME (1), 1);
    int changes = 0, replies = 0;
    for (int i = 0; i < 20; i++) {   // with the members, and who has joined since
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        replies += zanni_msg_kind (msg) == ZANNI_MSG_REPLY;
        changes += zanni_msg_kind (msg) == ZANNI_MSG_TELL;
    }
    cr_assert_eq (changes, 19);
    cr_assert_eq (replies, 1);
    await_count ("watch", 10);
}

AGENT_WITH (200, 0, a_directory_that_is_reached_and_refuses_is_tried_less_and_less_often)
{
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    answer ("renew", ZANNI_EPERM, ALWAYS);
    await_gap (400);
}

AGENT (a_watch_that_is_refused_is_tried_less_and_less_often_though_the_list_is_not)
{
    answer ("watch", ZANNI_EFULL, ALWAYS);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    await_gap (400);
}

AGENT (who_waits_in_vain_for_a_directory_that_refuses_gets_its_own_reason)
{
    answer ("watch", ZANNI_EPERM, ALWAYS);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    await_gap (400);
    hear_both ();   // the list
    hear_both ();   // the watch
    const zanni_ask_t ask = { .deadline_ms = 500 };
    cr_assert_eq (zanni_directory_lookup_ask (names, "two", &ask), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_eq (error.code, ZANNI_EPERM, "%s", error.text);
    cr_assert_not_null (strstr (error.text, "is given up for now"), "%s", error.text);
}

AGENT_WITH (1000, 0, a_renewal_from_before_the_directory_was_lost_does_not_lose_it_again)
{
    answer ("renew", NEVER, 1);
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    await_count ("renew", 1);
    stumble ();
    cr_assert_eq (call_int (script, "count", "reach"), 2);
    await_count ("renew", 6);   // the first one's deadline has passed: it was that of the lease
    cr_assert_eq (call_int (script, "count", "reach"), 2);
}

AGENT (members_that_have_time_to_come_again_after_a_loss_have_it_though_the_list_is_made_once_more)
{
    answer ("list", SOME (1), 1);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    expect_change ("joined");
    answer ("list", ZANNI_ENOMEM, 1);
    answer ("list", SOME (0), 3);   // of the one who asks below, too
    answer ("list", SOME (1), 1);
    answer ("watch", ZANNI_EGONE, 2);
    answer ("watch", CHANGES, 1);
    const zanni_ask_t ask = { .deadline_ms = 30000 };
    cr_assert_eq (zanni_directory_members_ask (names, "all", &ask), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY, "somebody has left at once");
    expect_change ("joined");   // of the watch, which comes last
    expect_change ("left");
}

AGENT (members_of_a_page_from_before_the_directory_was_lost_are_not_answered)
{
    size_t count = 99;
    answer ("list", FIRST_PAGE, 1);
    answer ("list", ZANNI_ENOMEM, 1);
    const zanni_ask_t ask = { .deadline_ms = 30000 };
    cr_assert_eq (zanni_directory_members_ask (names, "all", &ask), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_enter (msg, &count), 0);
    cr_assert_eq (count, 0);
}

/* All ten are put again, the first of which is refused three times. */
AGENT_WITH (3000, 0, an_offer_that_is_refused_later_is_put_again_and_no_other)
{
    for (int i = 0; i < 10; i++)
        cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    answer ("put", ZANNI_EFULL, 1);
    answer ("put", 0, 9);
    answer ("put", ZANNI_EFULL, 2);
    answer ("renew", ZANNI_EGONE, 1);
    await_count ("put", 23);
    hear_both ();
    cr_assert_eq (call_int (script, "count", "put"), 23);
}

AGENT_WITH (200, 0, an_offer_that_is_refused_later_is_put_again_while_the_rest_goes_on)
{
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    answer ("put", ZANNI_EFULL, ALWAYS);
    answer ("renew", ZANNI_EGONE, 1);   // so it is put again
    await_count ("put", 3);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    int64_t reached = call_int (script, "count", "reach");
    answer ("put", 0, 0);
    await_count ("put", call_int (script, "count", "put") + 1);
    cr_assert_eq (call_int (script, "count", "reach"), reached);
    cr_assert_eq (reached, 1);
}
