/* Bound methods as arguments and answers, and answers that go straight to a third actor. */

#include "support.h"

typedef struct {
    int64_t total;
    zanni_promise_t *promise;
} cell_t;

static int
cell_add (zanni_t *self, zanni_msg_t *msg)
{
    cell_t *cell = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    cell->total += number;
    return zanni_reply (self, msg, cell->total);
}

static int
cell_twice (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, 2 * number);
}

static int
cell_get (zanni_t *self, zanni_msg_t *msg)
{
    const cell_t *cell = zanni_state (self);
    return zanni_reply (self, msg, cell->total);
}

static int
cell_fail (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_fail (self, msg, number, "no luck", "with data");
}

static int
cell_later (zanni_t *self, zanni_msg_t *msg)
{
    cell_t *cell = zanni_state (self);
    return zanni_promise_new (self, &cell->promise, msg);
}

static int
cell_now (zanni_t *self, zanni_msg_t *msg)
{
    cell_t *cell = zanni_state (self);
    int rc = cell->promise ? zanni_promise_reply (self, &cell->promise, 7) : ZANNI_EINVAL;
    return rc ? rc : zanni_reply (self, msg);
}

/* Tells a bound method a number. */
static int
cell_tell (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bound_t bound;
    int64_t number;
    int rc = zanni_read (msg, &bound, &number);
    return rc ? rc : zanni_tell (self, bound.ref, bound.method, number);
}

static int
cell_adder (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_bound_t bound = { zanni_self (self), "add" };
    return zanni_reply (self, msg, &bound);
}

/* Hands a reference and a buffer on. */
static int
cell_hand (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &ref, &buffer);
    return rc ? rc : zanni_reply (self, msg, ref, buffer);
}

static int
cell_report (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &ref, &buffer);
    if (!rc)
        rc = report (self, ref, "%s", (const char *) zanni_buffer_data (buffer));
    return rc ? rc : zanni_reply (self, msg);
}

/* Who has sent it, by class. */
static int
cell_by (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_ref_class (zanni_msg_from (msg)));
}

static const zanni_method_t cell_methods [] = {
    ZANNI_METHOD ("add", "x", "x", cell_add, ""),
    ZANNI_METHOD ("twice", "x", "x", cell_twice, ""),
    ZANNI_METHOD ("get", "", "x", cell_get, ""),
    ZANNI_METHOD ("fail", "x", "x", cell_fail, ""),
    ZANNI_METHOD ("later", "", "x", cell_later, ""),
    ZANNI_METHOD ("now", "", "", cell_now, ""),
    ZANNI_METHOD ("tell", "Mx", "", cell_tell, ""),
    ZANNI_METHOD ("adder", "", "M", cell_adder, ""),
    ZANNI_METHOD ("hand", "rB", "rB", cell_hand, ""),
    ZANNI_METHOD ("report", "rB", "", cell_report, ""),
    ZANNI_METHOD ("by", "", "s", cell_by, ""),
    ZANNI_PRIVATE ("secret", "x", "x", cell_twice, ""),
    STATS_METHOD,
    ZANNI_METHOD_END
};
static const zanni_class_t cell_class = { .name = "cell", .state_size = sizeof (cell_t), .methods = cell_methods };

/* Reads what it gets. */
static int
loop_run (zanni_t *self)
{
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int64_t number = 0;
        int rc = zanni_receive (self, &msg, -1);
        if (!rc)
            rc = zanni_read (msg, &number);
        if (!rc)
            rc = zanni_reply (self, msg, number * 10);
        if (rc)
            return rc == ZANNI_ECLOSED ? 0 : rc;
    }
}

static const zanni_method_t loop_methods [] = { ZANNI_METHOD ("tenfold", "x", "x", NULL, ""), ZANNI_METHOD_END };
static const zanni_class_t loop_class = { .name = "loop", .methods = loop_methods, .run = loop_run };
CLASSES (&cell_class, &loop_class, &runner_class);

static zanni_ref_t *s_first;   // in the place
static zanni_ref_t *s_last;    // on a worker of the root's node
static zanni_bound_t s_then;

static void
set_up (const char *method)
{
    s_first = spawn ("cell");
    s_last = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "cell");
    s_then = (zanni_bound_t) { s_last, method };
}

/* The answer, or the code, of a chain from the first to `s_then`, apart from the assertion, which would spell it
   out. */
static int64_t s_got;
static int s_rc;
static zanni_error_t s_error;
#define chain(...) (s_got = call_int (s_first, ZANNI_CHAIN (&s_then, __VA_ARGS__)))
#define chain_refused(...) (s_rc = refused (&s_error, s_first, ZANNI_CHAIN (&s_then, __VA_ARGS__)))
#define chain_told(...) (s_rc = zanni_tell (root, s_first, ZANNI_CHAIN (&s_then, __VA_ARGS__)))

/* The two know each other, so that the end of a test is not the beginning of that. */
static void
let_them_meet (void)
{
    const char *method = s_then.method;
    s_then.method = "twice";
    chain ("twice", 1);
    cr_assert_eq (s_got, 4);
    s_then.method = method;
}

/* The other way round. */
static void
set_up_last_there (const char *method)
{
    set_up (method);
    zanni_ref_t *ref = s_first;
    s_first = s_last;
    s_last = ref;
    s_then.ref = ref;
}

static void
tear_down (void)
{
    zanni_ref_destroy (&s_first);
    zanni_ref_destroy (&s_last);
}

EVERYWHERE (bound_method, is_an_argument_that_can_be_told)
{
    const zanni_bound_t there = { .method = "add" };
    set_up ("add");
    zanni_bound_t bound = there;
    bound.ref = s_first;
    done (s_last, "tell", &bound, 5);
    done (s_first, "tell", &s_then, 6);
    while (call_int (s_last, "get") != 6 || call_int (s_first, "get") != 5)   // told by each other, not by this one
        continue;
    tear_down ();
}

EVERYWHERE (bound_method, is_an_answer_that_can_be_called)
{
    set_up ("add");
    zanni_bound_t bound = { NULL, NULL };
    ZANNI_AUTO (zanni_msg_t) reply = call (s_first, "adder");
    cr_assert_eq (zanni_read (reply, &bound), 0);
    cr_assert (zanni_ref_equal (bound.ref, s_first));
    cr_assert_str_eq (bound.method, "add");
    cr_assert_eq (call_int (bound.ref, bound.method, 3), 3);
    tear_down ();
}

EVERYWHERE (chain, gives_the_answer_of_one_to_another_whose_answer_comes_back)
{
    set_up ("add");
    chain ("twice", 5);
    cr_assert_eq (s_got, 10);
    chain ("twice", 1);
    cr_assert_eq (s_got, 12);
    chain ("get");
    cr_assert_eq (s_got, 12);
    cr_assert_eq (call_int (s_last, "get"), 12);
    tear_down ();
}

EVERYWHERE (chain, leads_there)
{
    set_up_last_there ("add");
    chain ("twice", 5);
    cr_assert_eq (s_got, 10);
    cr_assert_eq (call_int (s_last, "get"), 10);
    tear_down ();
}

EVERYWHERE (chain, leads_back_to_the_same_actor)
{
    set_up ("add");
    s_then.ref = s_first;
    chain ("twice", 5);
    cr_assert_eq (s_got, 10);
    chain ("get");
    cr_assert_eq (s_got, 20);
    tear_down ();
}

EVERYWHERE (chain, leads_to_one_who_reads)
{
    set_up ("got");
    s_then.ref = zanni_self (root);
    int64_t number = 0;
    chain_told ("twice", 21);
    cr_assert_eq (s_rc, 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_TELL);
    cr_assert_str_eq (zanni_msg_method (msg), "got");
    cr_assert_eq (zanni_read (msg, &number), 0);
    cr_assert_eq (number, 42);
    cr_assert (zanni_ref_equal (zanni_msg_from (msg), zanni_self (root)));
    tear_down ();
}

EVERYWHERE (chain, keeps_its_place_among_other_messages)
{
    set_up ("add");
    tell (s_first, "add", 1);
    chain_told ("add", 10);
    cr_assert_eq (s_rc, 0);   // gives 11 on
    tell (s_first, "add", 100);
    cr_assert_eq (call_int (s_first, "get"), 111);
    while (call_int (s_last, "get") != 11)
        continue;
    tear_down ();
}

EVERYWHERE (chain, waits_for_an_answer_that_comes_later)
{
    uint64_t id = 0;
    int64_t number = 0;
    const zanni_ask_t ask = { .id_p = &id };
    set_up ("add");
    s_rc = zanni_ask (root, s_first, &ask, ZANNI_CHAIN (&s_then, "later"));
    cr_assert_eq (s_rc, 0);
    done (s_first, "now");
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_read (msg, &number), 0);
    cr_assert_eq (number, 7);
    tear_down ();
}

EVERYWHERE (chain, carries_references_and_buffers)
{
    zanni_buffer_t *buffer = NULL;
    void *data;
    set_up ("report");
    cr_assert_eq (zanni_buffer_new (root, &buffer, 100000), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    snprintf (data, 100000, "passed on");
    done (s_first, ZANNI_CHAIN (&s_then, "hand", zanni_self (root), buffer));
    expect ("passed on");
    zanni_buffer_destroy (&buffer);
    tear_down ();
}

EVERYWHERE (chain, ends_with_the_error_of_the_first)
{
    const char *data = "";
    set_up ("add");
    let_them_meet ();
    chain_refused ("fail", 9);
    cr_assert_eq (s_rc, ZANNI_EAPP);
    cr_assert_eq (s_error.app_code, 9);
    cr_assert_str_eq (s_error.text, "no luck");
    cr_assert_eq (zanni_read (s_error.data, &data), 0);
    cr_assert_str_eq (data, "with data");
    chain_refused ("nothing");
    cr_assert_eq (s_rc, ZANNI_ENOMETHOD);
    cr_assert_str_eq (s_error.text, "no such method: class cell has no nothing");
    chain_refused ("add", "one");
    cr_assert_eq (s_rc, ZANNI_EARGS);
    cr_assert_str_eq (s_error.text, "bad arguments for add: argument 1 is a string, int64 (x) was wanted");
    chain_refused ("secret", 1);
    cr_assert_eq (s_rc, ZANNI_EPERM);
    cr_assert_str_eq (s_error.text, "not permitted: secret of class cell is private");
    s_rc = refused (&s_error, s_first, "zanni.chain", &s_then, "add", 5);
    cr_assert_eq (s_rc, ZANNI_EARGS);
    cr_assert_str_eq (s_error.text, "bad arguments: argument 3 is no list of arguments");
    cr_assert_eq (call_int (s_last, "get"), 0);
    zanni_error_reset (&s_error);
    tear_down ();
}

EVERYWHERE (chain, ends_with_the_error_of_the_last)
{
    set_up ("fail");
    let_them_meet ();
    chain_refused ("twice", 4);
    cr_assert_eq (s_rc, ZANNI_EAPP);
    cr_assert_eq (s_error.app_code, 8);
    s_then.method = "nothing";
    chain_refused ("twice", 4);
    cr_assert_eq (s_rc, ZANNI_ENOMETHOD);
    s_then.method = "secret";
    chain_refused ("twice", 4);
    cr_assert_eq (s_rc, ZANNI_EPERM);
    zanni_error_reset (&s_error);
    tear_down ();
}

EVERYWHERE (chain, calls_no_private_method_by_way_of_a_chain)
{
    set_up ("add");
    let_them_meet ();
    const zanni_arg_t number = ZANNI_ARG (4);
    chain_refused ("zanni.chain", &s_then, "secret", zanni_arg_list (&number, 1));
    cr_assert_eq (s_rc, ZANNI_EPERM);
    cr_assert_eq (call_int (s_last, "get"), 0);
    zanni_error_reset (&s_error);
    tear_down ();
}

EVERYWHERE (chain, that_was_told_and_fails_is_counted)
{
    set_up ("add");
    let_them_meet ();
    uint64_t before = stats_of (s_first).failed_tells;
    chain_told ("fail", 3);
    cr_assert_eq (s_rc, 0);
    while (stats_of (s_first).failed_tells == before)
        continue;
    cr_assert_eq (stats_of (s_first).failed_tells, before + 1);
    tear_down ();
}

EVERYWHERE (chain, ends_when_the_first_does)
{
    uint64_t id = 0;
    zanni_error_t error = { 0 };
    const zanni_ask_t ask = { .id_p = &id, .deadline_ms = -1 };
    set_up ("add");
    let_them_meet ();
    s_rc = zanni_ask (root, s_first, &ask, ZANNI_CHAIN (&s_then, "later"));
    cr_assert_eq (s_rc, 0);
    cr_assert_eq (call_int (s_first, "get"), 0);
    cr_assert_eq (zanni_kill (root, s_first), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_eq (error.code, ZANNI_EDOWN);
    tear_down ();
}

EVERYWHERE (chain, is_asked_by_the_first_itself)
{
    set_up ("twice");
    let_them_meet ();
    chain_refused ("by");
    cr_assert_eq (s_rc, ZANNI_EARGS);
    cr_assert_str_eq (s_error.text, "bad arguments for twice: argument 1 is a string, int64 (x) was wanted");
    zanni_error_reset (&s_error);
    tear_down ();
}

CONFORM_ONCE (chain, begins_at_a_loop, ZANNI_THREAD)
{
    zanni_ref_t *loop = spawn ("loop");
    zanni_ref_t *last = spawn ("cell");
    const zanni_bound_t then = { last, "add" };
    s_got = call_int (loop, ZANNI_CHAIN (&then, "tenfold", 5));
    cr_assert_eq (s_got, 50);
    s_got = call_int (loop, ZANNI_CHAIN (&then, "tenfold", 1));
    cr_assert_eq (s_got, 60);
    zanni_ref_destroy (&loop);
    zanni_ref_destroy (&last);
}
