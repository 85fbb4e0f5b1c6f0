/* Lists grow, and go into a message as one argument. */

#include "support.h"

Test (list, that_is_empty_is_an_empty_array)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    cr_assert_eq (zanni_list_new (&list), 0);
    zanni_msg_t *msg = test_packed (zanni_list_arg (list));
    cr_assert_eq (msg->args.size, 2);
    cr_assert_arr_eq (msg->args.bytes, "\x91\x90", 2);
    test_free (msg);
}

Test (list, becomes_one_array_of_what_was_appended)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    cr_assert_eq (zanni_list_new (&list), 0);
    cr_assert_eq (zanni_list_append (list, 1, "x"), 0);
    int rc = zanni_list_append (list, ZANNI_LIST (2, (bool) true));
    cr_assert_eq (rc, 0);
    cr_assert_eq (zanni_list_append_args (list, NULL, 0), 0);
    zanni_msg_t *msg = test_packed (7, zanni_list_arg (list));
    cr_assert_eq (msg->args.size, 9);
    cr_assert_arr_eq (msg->args.bytes, "\x92\x07\x93\x01\xa1x\x92\x02\xc3", 9);
    test_free (msg);
}

Test (list, can_go_on_after_it_was_sent)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    cr_assert_eq (zanni_list_new (&list), 0);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq (zanni_list_append (list, i), 0);
        zanni_msg_t *msg = test_packed (zanni_list_arg (list));
        size_t count = 0;
        cr_assert_eq (zanni_enter (msg, &count), 0);
        cr_assert_eq (count, (size_t) i + 1);
        test_free (msg);
    }
}

Test (list, has_the_shortest_head_for_its_count)
{
    static const size_t counts [] = { 15, 16, 65535, 65536 };
    static const size_t heads [] = { 1, 3, 3, 5 };
    for (size_t i = 0; i < 4; i++) {
        ZANNI_AUTO (zanni_list_t) list = NULL;
        cr_assert_eq (zanni_list_new (&list), 0);
        for (size_t n = 0; n < counts [i]; n++)
            cr_assert_eq (zanni_list_append (list, 1), 0);
        cr_assert_eq (zanni_list_arg (list).size, heads [i] + counts [i]);
    }
}

Test (list, holds_a_hundred_thousand_items)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    cr_assert_eq (zanni_list_new (&list), 0);
    for (int64_t i = 0; i < 100000; i++) {
        int rc = zanni_list_append (list, ZANNI_LIST (i, "a word"));
        cr_assert_eq (rc, 0);
    }
    zanni_msg_t *msg = test_packed (zanni_list_arg (list), "behind");
    zanni__fault_t fault;
    cr_assert_eq (zanni__signature_match ("a{xs}s", &msg->args, &fault), 0);
    size_t count = 0;
    cr_assert_eq (zanni_enter (msg, &count), 0);
    cr_assert_eq (count, 100000);
    for (int64_t i = 0; i < 100000; i++) {
        int64_t number;
        const char *word;
        size_t members;
        cr_assert_eq (zanni_enter (msg, &members), 0);
        cr_assert_eq (zanni_read (msg, &number, &word), 0);
        cr_assert_eq (number, i);
        cr_assert_eq (zanni_leave (msg), 0);
    }
    cr_assert_eq (zanni_leave (msg), 0);
    const char *behind;
    cr_assert_eq (zanni_read (msg, &behind), 0);
    cr_assert_str_eq (behind, "behind");
    test_free (msg);
}

Test (list, goes_into_another_list)
{
    ZANNI_AUTO (zanni_list_t) inner = NULL;
    ZANNI_AUTO (zanni_list_t) outer = NULL;
    cr_assert_eq (zanni_list_new (&inner), 0);
    cr_assert_eq (zanni_list_new (&outer), 0);
    cr_assert_eq (zanni_list_append (inner, 1, 2), 0);
    cr_assert_eq (zanni_list_append (outer, zanni_list_arg (inner), zanni_list_arg (inner)), 0);
    zanni_msg_t *msg = test_packed (zanni_list_arg (outer));
    cr_assert_arr_eq (msg->args.bytes, "\x91\x92\x92\x01\x02\x92\x01\x02", 8);
    test_free (msg);
}

Test (list, that_fails_to_grow_is_as_it_was)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    zanni_buffer_t *buffer = NULL;
    zanni_bound_t bound = { test_ref (1), "add" };
    cr_assert_eq (zanni__buffer_wrap (&buffer, &bound, 1, NULL, NULL), 0);
    cr_assert_eq (zanni_list_new (&list), 0);
    cr_assert_eq (zanni_list_append (list, 1), 0);
    cr_assert_eq (zanni_list_append (list, 2, "\xff"), ZANNI_EARGS);
    int rc = zanni_list_append (list, 2, ZANNI_LIST (3, (const char *) NULL));
    cr_assert_eq (rc, ZANNI_EARGS);
    cr_assert_eq (zanni_list_append (list, 2, test_ref (1)), ZANNI_EARGS);
    cr_assert_eq (zanni_list_append (list, 2, buffer), ZANNI_EARGS);
    cr_assert_eq (zanni_list_append (list, 2, &bound), ZANNI_EARGS);
    cr_assert_eq (zanni_list_append (list, zanni_arg_bytes ("x", UINT32_MAX)), ZANNI_ETOOBIG);
    cr_assert_eq (zanni_list_append_args (list, NULL, (size_t) UINT32_MAX + 1), ZANNI_ETOOBIG);
    cr_assert_eq (zanni_list_append (list, 4), 0);
    zanni_msg_t *msg = test_packed (zanni_list_arg (list));
    cr_assert_eq (msg->args.size, 4);
    cr_assert_arr_eq (msg->args.bytes, "\x91\x92\x01\x04", 4);
    test_free (msg);
    zanni_buffer_destroy (&buffer);
}

Test (list, nests_as_deep_as_a_message)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    zanni_arg_t nested [10] = { zanni_arg_int (1) };
    cr_assert_eq (zanni_list_new (&list), 0);
    for (size_t depth = 1; depth < 10; depth++) {
        nested [depth] = zanni_arg_list (&nested [depth - 1], 1);
        cr_assert_eq (zanni_list_append_args (list, &nested [depth], 1), depth < 8 ? 0 : ZANNI_ETOOBIG);
    }
}

Test (list, survives_every_failing_allocation, .init = faults_install)
{
    int rc = ZANNI_ENOMEM;
    for (long failing = 0; rc; failing++) {
        zanni_list_t *list = NULL;
        faults_fail (failing + 1, 0);
        rc = zanni_list_new (&list);
        cr_assert_eq (list != NULL, !rc);
        int64_t appended = 0;
        while (!rc && appended < 5000) {
            rc = zanni_list_append (list, appended, "text");
            appended += !rc;
        }
        cr_assert (!rc || rc == ZANNI_ENOMEM);
        faults_fail (0, 0);
        if (list) {
            zanni_msg_t *msg = test_packed (zanni_list_arg (list));
            size_t count = 0;
            cr_assert_eq (zanni_enter (msg, &count), 0);
            cr_assert_eq (count, 2 * (size_t) appended);
            test_free (msg);
        }
        zanni_list_destroy (&list);
        cr_assert_eq (faults_held (), 0);
    }
}

Test (list, is_nulled_and_null_forgiven)
{
    zanni_list_t *list = NULL;
    zanni_list_destroy (NULL);
    zanni_list_destroy (&list);
    cr_assert_eq (zanni_list_new (&list), 0);
    zanni_list_destroy (&list);
    cr_assert_null (list);
}
