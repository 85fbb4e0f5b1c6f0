/* Ready classes that hold values, and those by which actors meet: conditions, barriers, results. */

#include "object.h"

#include <math.h>

CLASSES (&client_class, &runner_class);

static bool
s_truth_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    ZANNI_AUTO (zanni_msg_t) reply = call_args (ref, method, args, count);
    bool truth = false;
    cr_assert_eq (zanni_read (reply, &truth), 0);
    return truth;
}

#define s_truth(ref, ...) s_truth_args (ref, ZANNI_ARGV (__VA_ARGS__))

static void
s_text_is (const char *wanted, zanni_msg_t *reply)
{
    const char *text = "";
    int rc = zanni_read (reply, &text);
    cr_assert_eq (rc, 0, "\"%s\" was due: %s", wanted, zanni_msg_fault (reply));
    cr_assert_str_eq (text, wanted);
    zanni_msg_destroy (&reply);
}

EVERYWHERE (condition, has_who_waits_go_on_when_notified)
{
    ZANNI_AUTO (zanni_ref_t) condition = spawn ("zanni.condition");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, condition);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_PROCESS, condition);
    const zanni_ref_t *clients [] = { one, other };
    int64_t number;
    for (int i = 0; i < 2; i++) {
        done (clients [i], "begin", "acquire", FOREVER, 0);
        cr_assert_eq (outcome (clients [i], NULL), 0);
        done (clients [i], "begin", "wait", FOREVER, 0);   // gives the lock up
    }
    cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);
    done (condition, "notify", 1);
    cr_assert_eq (zanni_lock_release (root, condition), 0);
    cr_assert_eq (outcome (one, &number), 0);
    cr_assert_eq (number, 1, "it was notified");
    done (one, "tell", "release");
    cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);
    done (condition, "notify_all");
    cr_assert_eq (zanni_lock_release (root, condition), 0);
    cr_assert_eq (outcome (other, &number), 0);
    cr_assert_eq (number, 1);
}

/* With the lock had again, as many times as before. */
EVERYWHERE (condition, is_waited_for_so_long)
{
    ZANNI_AUTO (zanni_ref_t) condition = spawn ("zanni.condition");
    bool notified = true;
    int64_t depth;
    for (int i = 0; i < 2; i++)
        cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);
    cr_assert_eq (zanni_condition_wait (root, &notified, condition, 10), 0);
    cr_assert_not (notified);
    cr_assert_eq (zanni_condition_wait (root, &notified, condition, 0), 0);
    ZANNI_AUTO (zanni_msg_t) reply = call (condition, "held");
    cr_assert_eq (zanni_read (reply, &depth), 0);
    cr_assert_eq (depth, 2);
}

/* Who waits and gives up, or ends, has given the lock up for good, and no notification is spent on it. */
EVERYWHERE (condition, goes_past_who_gave_up_or_ended)
{
    ZANNI_AUTO (zanni_ref_t) condition = spawn ("zanni.condition");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, condition);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_PROCESS, condition);
    ZANNI_AUTO (zanni_ref_t) third = client_in (ZANNI_SHARED, condition);
    const zanni_ref_t *clients [] = { one, other, third };
    int64_t number;
    for (int i = 0; i < 3; i++) {
        done (clients [i], "begin", "acquire", FOREVER, 0);
        cr_assert_eq (outcome (clients [i], NULL), 0);
        done (clients [i], "begin", "wait", FOREVER, 0);
    }
    cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);   // so all of them wait
    done (one, "cancel");
    cr_assert_eq (outcome (one, NULL), ZANNI_ECANCELED);
    done (one, "begin", "acquire", 0, 0);   // behind what it gave back
    cr_assert_eq (outcome (one, NULL), ZANNI_ETIMEOUT);
    uint64_t id = monitor (other);
    tell (other, "crash");
    (void) expect_down (id, false);
    done (condition, "notify", 2);   // one is for whoever the condition may not know yet to be gone
    cr_assert_eq (zanni_lock_release (root, condition), 0);
    cr_assert_eq (outcome (third, &number), 0);
    cr_assert_eq (number, 1);
    done (third, "tell", "release");
    cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);
}

/* It has been notified and waits for the lock when it gives up, or ends: the next one is notified instead. */
static void
s_pass_on (const char *how)
{
    ZANNI_AUTO (zanni_ref_t) condition = spawn ("zanni.condition");
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, condition);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_SHARED, condition);
    const zanni_ref_t *clients [] = { one, other };
    int64_t number;
    for (int i = 0; i < 2; i++) {
        done (clients [i], "begin", "acquire", FOREVER, 0);
        cr_assert_eq (outcome (clients [i], NULL), 0);
        done (clients [i], "begin", "wait", FOREVER, 0);
    }
    cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);
    done (condition, "notify", 1);
    tell (one, how);
    cr_assert_eq (zanni_lock_release (root, condition), 0);
    cr_assert_eq (outcome (other, &number), 0);
    cr_assert_eq (number, 1, "it was notified");
}

EVERYWHERE (condition, notifies_another_where_the_first_gives_up)
{
    s_pass_on ("cancel");
}

EVERYWHERE (condition, notifies_another_where_the_first_ends)
{
    s_pass_on ("die");
}

EVERYWHERE (condition, says_what_is_wrong)
{
    ZANNI_AUTO (zanni_ref_t) condition = spawn ("zanni.condition");
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_condition_wait (root, NULL, condition, 10), ZANNI_EPERM);
    cr_assert_eq (refused (&error, condition, "notify", 1), ZANNI_EPERM);
    expect_text (&error, "nobody holds the lock");
    cr_assert_eq (refused (&error, condition, "notify_all"), ZANNI_EPERM);
    cr_assert_eq (zanni_lock_acquire (root, NULL, condition, LONG_MS), 0);
    cr_assert_eq (refused (&error, condition, "notify", 0), ZANNI_EINVAL);
    expect_text (&error, "notify of 0");
}

EVERYWHERE (barrier, lets_all_go_on_together)
{
    ZANNI_AUTO (zanni_ref_t) barrier = spawn ("zanni.barrier", 3);
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, barrier);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_PROCESS, barrier);
    for (int round = 0; round < 3; round++) {
        int64_t index, sum = 0;
        done (one, "begin", "wait", FOREVER, 0);
        done (other, "begin", "wait", LONG_MS, 0);
        cr_assert_eq (zanni_barrier_wait (root, &index, barrier, LONG_MS), 0);
        sum += 1 << index;
        cr_assert_eq (outcome (one, &index), 0);
        sum += 1 << index;
        cr_assert_eq (outcome (other, &index), 0);
        sum += 1 << index;
        cr_assert_eq (sum, 7, "each has another place");
    }
}

/* So many have come to it; before that, who gives up was never there. */
static void
s_until_waiting (const zanni_ref_t *barrier, int64_t wanted)
{
    int64_t parties, waiting = 0;
    int64_t until_ns = zanni_now_ns (root) + INT64_C (10000000000);
    while (waiting < wanted) {
        ZANNI_AUTO (zanni_msg_t) reply = call (barrier, "look");
        cr_assert_eq (zanni_read (reply, &parties, &waiting), 0);
        cr_assert_lt (zanni_now_ns (root), until_ns, "%" PRId64 " wait", waiting);
    }
}

/* `how` it comes that one of the two does not stay. */
static void
s_break (const char *how, int code)
{
    ZANNI_AUTO (zanni_ref_t) barrier = spawn ("zanni.barrier", 3);
    ZANNI_AUTO (zanni_ref_t) one = client_in (ZANNI_SHARED, barrier);
    ZANNI_AUTO (zanni_ref_t) other = client_in (ZANNI_SHARED, barrier);
    zanni_error_t error = { 0 };
    done (one, "begin", "wait", FOREVER, 0);
    done (other, "begin", "wait", *how ? FOREVER : 10, 0);
    if (*how) {
        s_until_waiting (barrier, 2);
        tell (other, how);
    }
    if (code)
        cr_assert_eq (outcome (other, NULL), code);
    cr_assert_eq (outcome (one, NULL), ZANNI_ECLOSED);
    cr_assert_eq (refused (&error, barrier, "wait", FOREVER, 0), ZANNI_ECLOSED);
    expect_text (&error, "the barrier is broken: some");
    done (barrier, "reset");
    cr_assert_eq (zanni_barrier_wait (root, NULL, barrier, 0), ZANNI_ETIMEOUT);
}

EVERYWHERE (barrier, breaks_when_the_time_of_one_is_over)
{
    s_break ("", ZANNI_ETIMEOUT);
}

EVERYWHERE (barrier, breaks_when_one_gives_up)
{
    s_break ("cancel", ZANNI_ECANCELED);
}

EVERYWHERE (barrier, breaks_when_one_ends)
{
    s_break ("die", 0);
}

/* By hand, without a ticket: what nobody waits for any more counts for nobody. */
EVERYWHERE (barrier, breaks_when_it_turns_out_that_one_has_given_up)
{
    ZANNI_AUTO (zanni_ref_t) barrier = spawn ("zanni.barrier", 2);
    const zanni_ask_t options = { .deadline_ms = 20 };
    cr_assert_eq (zanni_call_with (root, NULL, barrier, &options, "wait", FOREVER, 0), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_barrier_wait (root, NULL, barrier, LONG_MS), ZANNI_ECLOSED);
}

EVERYWHERE (barrier, is_aborted_and_reset)
{
    ZANNI_AUTO (zanni_ref_t) barrier = spawn ("zanni.barrier", 2);
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, barrier);
    zanni_ref_t *none = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t options = { PLACED, .error = &error };
    done (client, "begin", "wait", FOREVER, 0);
    done (barrier, "abort");
    cr_assert_eq (outcome (client, NULL), ZANNI_ECLOSED);
    done (barrier, "reset");
    done (client, "begin", "wait", FOREVER, 0);
    cr_assert_eq (zanni_barrier_wait (root, NULL, barrier, LONG_MS), 0);
    cr_assert_eq (outcome (client, NULL), 0);
    cr_assert_eq (zanni_spawn (root, &none, "zanni.barrier", &options, 0), ZANNI_EINVAL);
    expect_text (&error, "a barrier for 0");
}

EVERYWHERE (counter, counts)
{
    ZANNI_AUTO (zanni_ref_t) counter = spawn ("zanni.counter", 40);
    zanni_error_t error = { 0 };
    cr_assert_eq (call_int (counter, "add", 2), 42);
    cr_assert_eq (call_int (counter, "set", 7), 42);
    cr_assert (s_truth (counter, "replace", 7, 8));
    cr_assert_not (s_truth (counter, "replace", 7, 8));
    cr_assert_eq (call_int (counter, "get"), 8);
    cr_assert_eq (refused (&error, counter, "add", INT64_MAX), ZANNI_ETOOBIG);
    expect_text (&error, "8 and 9223372036854775807");
}

EVERYWHERE (value, is_anything)
{
    ZANNI_AUTO (zanni_ref_t) value = spawn ("zanni.value", "first");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, value);
    s_text_is ("first", call (value, "get"));
    s_text_is ("first", call (value, "swap", 5));
    cr_assert_eq (call_int (value, "get"), 5);
    cr_assert (s_truth (value, "replace", 5, "third"));
    cr_assert_not (s_truth (value, "replace", 5, "fourth"));
    s_text_is ("third", call (value, "get"));
    done (value, "set", client);
    ZANNI_AUTO (zanni_msg_t) reply = call (value, "get");
    const zanni_ref_t *ref;
    cr_assert_eq (zanni_read (reply, &ref), 0);
    cr_assert (zanni_ref_equal (ref, client));
}

EVERYWHERE (result, is_waited_for)
{
    ZANNI_AUTO (zanni_ref_t) result = spawn ("zanni.result");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, result);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error = { 0 };
    int64_t number;
    cr_assert_eq (waits (result, 10, "get", &reply), ZANNI_ETIMEOUT);
    done (client, "begin", "get", FOREVER, 0);
    done (result, "set", 42);
    cr_assert_eq (outcome (client, &number), 0);
    cr_assert_eq (number, 42);
    cr_assert_eq (waits (result, 0, "get", &reply), 0);
    cr_assert_eq (zanni_read (reply, &number), 0);
    cr_assert_eq (number, 42);
    cr_assert_eq (refused (&error, result, "set", 1), ZANNI_EINUSE);
    expect_text (&error, "there already");
    cr_assert_eq (refused (&error, result, "fail", 1, "late"), ZANNI_EINUSE);
}

EVERYWHERE (result, may_be_an_error)
{
    ZANNI_AUTO (zanni_ref_t) result = spawn ("zanni.result");
    ZANNI_AUTO (zanni_ref_t) client = client_in (ZANNI_SHARED, result);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    bool there = false, failed = false;
    done (client, "begin", "get", FOREVER, 0);
    done (result, "fail", 7, "no disk");
    cr_assert_eq (outcome (client, NULL), ZANNI_EAPP);
    cr_assert_eq (waits (result, 0, "wait", NULL), 0);
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, result, "get", 0, 0), ZANNI_EAPP);
    cr_assert_eq (error.app_code, 7);
    cr_assert_str_eq (error.text, "no disk");
    reply = call (result, "look");
    cr_assert_eq (zanni_read (reply, &there, &failed), 0);
    cr_assert (there && failed);
}

EVERYWHERE (dict, has_values_by_key)
{
    ZANNI_AUTO (zanni_ref_t) dict = spawn ("zanni.dict");
    zanni_bytes_t bytes = { "abc", 3 };
    zanni_error_t error = { 0 };
    done (dict, "set", "one", 1);
    done (dict, "set", 2, "two");
    done (dict, "set", bytes, 3);
    done (dict, "set", true, 4);
    done (dict, "set", -5, 5);
    cr_assert_eq (call_int (dict, "size"), 5);
    cr_assert_eq (call_int (dict, "get", "one"), 1);
    s_text_is ("two", call (dict, "get", 2));
    cr_assert_eq (call_int (dict, "get", bytes), 3);
    cr_assert_eq (call_int (dict, "get", true), 4);
    cr_assert_eq (call_int (dict, "get", -5), 5);
    done (dict, "set", "one", 11);
    cr_assert_eq (call_int (dict, "get", "one"), 11);
    cr_assert_eq (call_int (dict, "get_or", "none", 7), 7);
    cr_assert_eq (call_int (dict, "set_default", "new", 8), 8);
    cr_assert_eq (call_int (dict, "set_default", "new", 9), 8);
    cr_assert_eq (call_int (dict, "pop", "new"), 8);
    cr_assert_eq (call_int (dict, "pop_or", "new", 6), 6);
    cr_assert (s_truth (dict, "has", 2));
    done (dict, "delete", 2);
    cr_assert_not (s_truth (dict, "has", 2));
    cr_assert_eq (refused (&error, dict, "get", "no such"), ZANNI_ENOKEY);
    expect_text (&error, "there is no \"no such\"");
    cr_assert_eq (refused (&error, dict, "pop", -17), ZANNI_ENOKEY);
    expect_text (&error, "-17");
    cr_assert_eq (refused (&error, dict, "delete", 18), ZANNI_ENOKEY);
    expect_text (&error, "18");
    char key [152] = "a";   // cut inside of a character, wherever
    for (int i = 0; i < 75; i++)
        strcat (key, "\xc3\xa9");
    cr_assert_eq (refused (&error, dict, "get", (const char *) key), ZANNI_ENOKEY);
    expect_text (&error, "there is no \"a\xc3\xa9");
    cr_assert_eq (refused (&error, dict, "set", 1.5, 1), ZANNI_EARGS);
    expect_text (&error, "a key is a string, an integer, a bool or bytes");
    done (dict, "clear");
    cr_assert_eq (call_int (dict, "size"), 0);
}

EVERYWHERE (dict, is_listed_in_the_order_of_its_keys)
{
    ZANNI_AUTO (zanni_ref_t) dict = spawn ("zanni.dict");
    zanni_error_t error = { 0 };
    done (dict, "update", ZANNI_LIST (ZANNI_LIST ("c", 1), ZANNI_LIST ("a", 2), ZANNI_LIST ("b", 3)));
    int rc = refused (&error, dict, "update", ZANNI_LIST (ZANNI_LIST ("d", 1), ZANNI_LIST (2.5, 2)));
    cr_assert_eq (rc, ZANNI_EARGS);
    static const char *const keys [] = { "c", "a", "b" };
    ZANNI_AUTO (zanni_msg_t) reply = call (dict, "keys");
    ZANNI_AUTO (zanni_msg_t) values = call (dict, "values");
    ZANNI_AUTO (zanni_msg_t) items = call (dict, "items");
    size_t count, two;
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (count, 3);
    cr_assert_eq (zanni_enter (values, &count), 0);
    cr_assert_eq (zanni_enter (items, &count), 0);
    cr_assert_eq (count, 3);
    for (int i = 0; i < 3; i++) {
        const char *key;
        int64_t number;
        cr_assert_eq (zanni_read (reply, &key), 0);
        cr_assert_str_eq (key, keys [i]);
        cr_assert_eq (zanni_read (values, &number), 0);
        cr_assert_eq (number, i + 1);
        cr_assert_eq (zanni_enter (items, &two), 0);
        cr_assert_eq (zanni_read (items, &key, &number), 0);
        cr_assert_eq (zanni_leave (items), 0);
        cr_assert_str_eq (key, keys [i]);
        cr_assert_eq (number, i + 1);
    }
}

/* It does not see what is changed meanwhile, and ends with who opened it. */
EVERYWHERE (dict, is_gone_through_in_chunks)
{
    ZANNI_AUTO (zanni_ref_t) dict = spawn ("zanni.dict");
    zanni_error_t error = { 0 };
    for (int i = 0; i < 25; i++)
        done (dict, "set", i, i * i);
    uint64_t cursor = (uint64_t) call_int (dict, "open");
    done (dict, "clear");
    int seen = 0;
    for (size_t count = 1; count;) {
        ZANNI_AUTO (zanni_msg_t) chunk = call (dict, "next", cursor, 10);
        size_t two;
        cr_assert_eq (zanni_enter (chunk, &count), 0);
        cr_assert_leq (count, 10);
        for (size_t i = 0; i < count; i++, seen++) {
            int64_t key, number;
            cr_assert_eq (zanni_enter (chunk, &two), 0);
            cr_assert_eq (zanni_read (chunk, &key, &number), 0);
            cr_assert_eq (zanni_leave (chunk), 0);
            cr_assert_eq (key, seen);
            cr_assert_eq (number, key * key);
        }
    }
    cr_assert_eq (seen, 25);
    cr_assert_eq (refused (&error, dict, "next", cursor, 0), ZANNI_EINVAL);
    done (dict, "close", cursor);
    cr_assert_eq (refused (&error, dict, "next", cursor, 1), ZANNI_ENOKEY);
    expect_text (&error, "no cursor 1");
}

EVERYWHERE (namespace, has_values_by_name)
{
    ZANNI_AUTO (zanni_ref_t) names = spawn ("zanni.namespace");
    zanni_error_t error = { 0 };
    done (names, "set", "width", 5);
    done (names, "set", "name", "box");
    cr_assert_eq (call_int (names, "get", "width"), 5);
    s_text_is ("box", call (names, "get", "name"));
    cr_assert (s_truth (names, "has", "name"));
    done (names, "delete", "name");
    cr_assert_eq (refused (&error, names, "get", "name"), ZANNI_ENOKEY);
    expect_text (&error, "\"name\"");
    cr_assert_eq (refused (&error, names, "get", 5), ZANNI_EARGS);
    ZANNI_AUTO (zanni_msg_t) reply = call (names, "names");
    size_t count;
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (count, 1);
}

static void
s_list_is (const zanni_ref_t *list, const char *wanted)
{
    char text [200] = "";
    ZANNI_AUTO (zanni_msg_t) reply = call (list, "slice", 0, INT64_MAX);
    size_t count;
    cr_assert_eq (zanni_enter (reply, &count), 0);
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        cr_assert_eq (zanni_read (reply, &number), 0);
        snprintf (text + strlen (text), sizeof text - strlen (text), "%s%" PRId64, i ? " " : "", number);
    }
    cr_assert_str_eq (text, wanted);
}

EVERYWHERE (list, has_values_in_a_row)
{
    ZANNI_AUTO (zanni_ref_t) list = spawn ("zanni.list");
    s_list_is (list, "");
    done (list, "append", 1);
    done (list, "extend", ZANNI_LIST (2, 3, 3));
    done (list, "insert", 0, 9);
    done (list, "insert", -1, 8);
    done (list, "insert", -2, 7);
    s_list_is (list, "9 1 2 3 3 7 8");
    cr_assert_eq (call_int (list, "get", 2), 2);
    cr_assert_eq (call_int (list, "get", -1), 8);
    cr_assert_eq (call_int (list, "pop", -1), 8);
    cr_assert_eq (call_int (list, "count", 3), 2);
    cr_assert_eq (call_int (list, "index", 3), 3);
    done (list, "remove", 3);
    done (list, "delete", 0);
    done (list, "set", -1, 0);
    s_list_is (list, "1 2 3 0");
    done (list, "reverse");
    s_list_is (list, "0 3 2 1");
    done (list, "append", -4);
    done (list, "sort");
    s_list_is (list, "-4 0 1 2 3");
    cr_assert_eq (call_int (list, "size"), 5);
    done (list, "clear");
    s_list_is (list, "");
}

EVERYWHERE (list, says_what_is_wrong)
{
    ZANNI_AUTO (zanni_ref_t) list = spawn ("zanni.list");
    zanni_error_t error = { 0 };
    done (list, "extend", ZANNI_LIST (1, "two", 3));
    cr_assert_eq (refused (&error, list, "get", 3), ZANNI_ENOKEY);
    expect_text (&error, "position 3 is outside of a list of 3");
    cr_assert_eq (refused (&error, list, "set", -4, 1), ZANNI_ENOKEY);
    expect_text (&error, "position -4");
    cr_assert_eq (refused (&error, list, "insert", 5, 1), ZANNI_ENOKEY);
    cr_assert_eq (refused (&error, list, "pop", INT64_MIN), ZANNI_ENOKEY);
    cr_assert_eq (refused (&error, list, "delete", INT64_MAX), ZANNI_ENOKEY);
    cr_assert_eq (refused (&error, list, "remove", 17), ZANNI_ENOKEY);
    expect_text (&error, "no such value is in the list of 3");
    cr_assert_eq (refused (&error, list, "sort"), ZANNI_EARGS);
    expect_text (&error, "2 are numbers and 1 strings");
}

EVERYWHERE (list, sorts_strings_and_mixed_numbers)
{
    ZANNI_AUTO (zanni_ref_t) texts = spawn ("zanni.list");
    ZANNI_AUTO (zanni_ref_t) numbers = spawn ("zanni.list");
    done (texts, "extend", ZANNI_LIST ("pear", "apple", "fig", "app"));
    done (texts, "sort");
    s_text_is ("app", call (texts, "get", 0));
    s_text_is ("pear", call (texts, "get", 3));
    done (numbers, "extend", ZANNI_LIST (2.5, -1, UINT64_MAX, 2, -0.5));
    done (numbers, "sort");
    cr_assert_eq (call_int (numbers, "get", 0), -1);
    cr_assert_eq (call_int (numbers, "get", 2), 2);
}

EVERYWHERE (list, sorts_what_is_no_number_behind_all)
{
    ZANNI_AUTO (zanni_ref_t) list = spawn ("zanni.list");
    for (int i = 0; i < 40; i++)
        done (list, "append", i % 4 ? (double) (40 - i) : (double) NAN);
    done (list, "sort");
    double before = 0, number;
    for (int i = 0; i < 40; i++, before = number) {
        ZANNI_AUTO (zanni_msg_t) reply = call (list, "get", i);
        cr_assert_eq (zanni_read (reply, &number), 0);
        cr_assert (i < 30 ? number > before : isnan (number), "%f is at %d", number, i);
    }
}

/* More references than travel in one message. */
EVERYWHERE (list, is_gone_through_whatever_is_in_it)
{
    ZANNI_AUTO (zanni_ref_t) list = spawn ("zanni.list");
    zanni_buffer_t *buffer = NULL;
    zanni_error_t error = { 0 };
    size_t seen = 0;
    cr_assert_eq (zanni_buffer_new (root, &buffer, 100), 0);
    const zanni_arg_t inner [] = { zanni_arg_buffer (buffer), zanni_arg_int (1) };
    zanni_arg_t items [650];
    for (int i = 0; i < 650; i++)
        items [i] = i % 2 ? zanni_arg_ref (zanni_self (root)) : zanni_arg_list (inner, 2);
    for (int i = 0; i < 2; i++)
        done (list, "extend", zanni_arg_list (items, 650));
    zanni_buffer_destroy (&buffer);   // it is in the list
    uint64_t cursor = (uint64_t) call_int (list, "open");
    for (size_t count = 1; count; seen += count) {
        ZANNI_AUTO (zanni_msg_t) chunk = call (list, "next", cursor, INT64_MAX);
        cr_assert_eq (zanni_enter (chunk, &count), 0);
        cr_assert_leq (count, 1024);
    }
    cr_assert_eq (seen, 1300);
    for (int i = 0; i < 650; i++)
        items [i] = zanni_arg_ref (zanni_self (root));
    for (int i = 0; i < 2; i++)
        done (list, "extend", zanni_arg_list (items, 650));
    if (apart ())   // too many references for one message
        cr_assert_eq (refused (&error, list, "slice", 0, 2600), ZANNI_ETOOBIG);
    else
        done (list, "slice", 0, 2600);
}

EVERYWHERE (list, is_gone_through_in_chunks)
{
    ZANNI_AUTO (zanni_ref_t) list = spawn ("zanni.list");
    ZANNI_AUTO (zanni_msg_t) first = NULL;
    ZANNI_AUTO (zanni_msg_t) rest = NULL;
    size_t count;
    for (int i = 0; i < 5; i++)
        done (list, "append", i);
    uint64_t cursor = (uint64_t) call_int (list, "open");
    first = call (list, "next", cursor, 3);
    cr_assert_eq (zanni_enter (first, &count), 0);
    cr_assert_eq (count, 3);
    rest = call (list, "next", cursor, INT64_MAX);
    cr_assert_eq (zanni_enter (rest, &count), 0);
    cr_assert_eq (count, 2);
}

EVERYWHERE (array, has_numbers_of_one_type)
{
    static const char *const types [] = {
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ZANNI_AUTO (zanni_ref_t) array = spawn ("zanni.array", types [i], 10);
        bool sign = *types [i] != 'u';
        done (array, "fill", 3);
        done (array, "set", -1, sign ? -100 : 200);
        ZANNI_AUTO (zanni_msg_t) one = call (array, "get", 0);
        ZANNI_AUTO (zanni_msg_t) last = call (array, "get", 9);
        double number = 0;
        cr_assert_eq (zanni_read (one, &number), 0);
        cr_assert_eq (number, 3.0, "%s", types [i]);
        cr_assert_eq (zanni_read (last, &number), 0);
        cr_assert_eq (number, sign ? -100.0 : 200.0, "%s", types [i]);
    }
}

/* What it has no place for is refused, and does not become another number. */
EVERYWHERE (array, holds_infinity_and_no_number_but_none_that_is_too_large)
{
    ZANNI_AUTO (zanni_ref_t) array = spawn ("zanni.array", "float32", 2);
    zanni_error_t error = { 0 };
    double number = 0;
    cr_assert_eq (refused (&error, array, "set", 0, 1e300), ZANNI_EARGS);
    expect_text (&error, "the value is no float32");
    done (array, "set", 0, (double) -INFINITY);
    done (array, "set", 1, (double) NAN);
    ZANNI_AUTO (zanni_msg_t) first = call (array, "get", 0);
    ZANNI_AUTO (zanni_msg_t) second = call (array, "get", 1);
    cr_assert_eq (zanni_read (first, &number), 0);
    cr_assert (isinf (number) && number < 0);
    cr_assert_eq (zanni_read (second, &number), 0);
    cr_assert (isnan (number));
}

EVERYWHERE (array, travels_as_buffers)
{
    ZANNI_AUTO (zanni_ref_t) array = spawn ("zanni.array", "float64", 1000);
    zanni_buffer_t *buffer = NULL;
    void *data;
    const uint64_t shape [] = { 500 };
    cr_assert_eq (zanni_buffer_new (root, &buffer, 500 * sizeof (double)), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    for (int i = 0; i < 500; i++)
        ((double *) data) [i] = i;
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_FLOAT64, 1, shape), 0);
    done (array, "store", 500, buffer);
    ZANNI_AUTO (zanni_msg_t) reply = call (array, "slice", -500, 500);
    const zanni_buffer_t *slice;
    zanni_element_t element;
    uint64_t lengths [ZANNI_BUFFER_DIMENSIONS];
    cr_assert_eq (zanni_read (reply, &slice), 0);
    cr_assert_eq (zanni_buffer_array (slice, &element, lengths), 1);
    cr_assert_eq (element, ZANNI_FLOAT64);
    cr_assert_eq (lengths [0], 500);
    cr_assert_eq (memcmp (zanni_buffer_data (slice), zanni_buffer_data (buffer), 500 * sizeof (double)), 0);
    zanni_buffer_destroy (&buffer);
}

EVERYWHERE (array, says_what_is_wrong)
{
    ZANNI_AUTO (zanni_ref_t) array = spawn ("zanni.array", "int8", 4);
    ZANNI_AUTO (zanni_msg_t) none = call (array, "slice", 4, 0);
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t options = { PLACED, .error = &error };
    cr_assert_eq (refused (&error, array, "get", 4), ZANNI_ENOKEY);
    expect_text (&error, "1 from position 4 are not inside of an array of 4");
    cr_assert_eq (refused (&error, array, "slice", 2, 3), ZANNI_ENOKEY);
    cr_assert_eq (refused (&error, array, "slice", 0, -1), ZANNI_ENOKEY);
    cr_assert_eq (refused (&error, array, "set", 0, 128), ZANNI_EARGS);
    expect_text (&error, "the value is no int8");
    cr_assert_eq (refused (&error, array, "set", 0, "x"), ZANNI_EARGS);
    cr_assert_eq (refused (&error, array, "fill", 1.5), ZANNI_EARGS);
    cr_assert_eq (zanni_spawn (root, &ref, "zanni.array", &options, "int9", 1), ZANNI_EINVAL);
    expect_text (&error, "\"int9\"");
    cr_assert_eq (zanni_spawn (root, &ref, "zanni.array", &options, "int8", -1), ZANNI_EINVAL);
    expect_text (&error, "-1 elements");
}
