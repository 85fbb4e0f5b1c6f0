/* Signatures: which are well-formed, and what arguments they take. */

#include "message/quick.h"
#include "message/signature.h"

#include "kinds.h"
#include "support.h"

#include <stdio.h>
#include <zanni/store.h>

Test (signature, every_type_is_well_formed)
{
    static const char *const good [] = {
        "", "b", "y", "i", "u", "x", "t", "d", "s", "v", "r", "B", "M", "ay", "as", "aay", "(x)", "(xs)", "a(xs)",
        "a{sv}", "a{s(ia{tB})}", "byiuxtdsvrBMK", "(a(a(a(x))))", "aaaaaaaax", "((((((((x))))))))",
        "a{sa{sa{sa{sx}}}}", "aaaaaaaaay"
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_eq (zanni__signature_check (good [i]), 0, "%s", good [i]);
}

Test (signature, a_wrong_letter_is_named_by_its_position)
{
    static const struct {
        const char *signature;
        int position;
    } cases [] = {
        { "z", 1 }, { "xz", 2 }, { "xx x", 3 }, { "q", 1 }, { "a", 2 }, { "xa", 3 }, { "az", 2 }, { "(", 2 },
        { "()", 2 }, { "(x", 3 }, { ")", 1 }, { "x)", 2 }, { "(xz)", 3 }, { "{sx}", 1 }, { "a{", 3 }, { "a{s", 4 },
        { "a{sx", 5 }, { "a{sxx}", 5 }, { "a{s}", 4 }, { "a{}", 3 }, { "a{vx}", 3 }, { "a{ox}", 3 }, { "a{(x)x}", 3 },
        { "a(x", 4 }, { "(x}", 3 }, { "}", 1 },
        { "\xc3\xbc", 1 }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq (zanni__signature_check (cases [i].signature), cases [i].position, "%s", cases [i].signature);
}

Test (signature, null_is_wrong)
{
    cr_assert_eq (zanni__signature_check (NULL), 1);
}

Test (signature, nine_levels_are_too_deep)
{
    cr_assert_eq (zanni__signature_check ("aaaaaaaaax"), 9);
    cr_assert_eq (zanni__signature_check ("(((((((((x)))))))))"), 9);
    cr_assert_eq (zanni__signature_check ("a{sa{sa{sa{sax}}}}"), 13);
    cr_assert_eq (zanni__signature_check ("aaaaaaaa{sx}"), 8);
}

Test (signature, there_are_64_types_at_most)
{
    char types [66] = { 0 };
    memset (types, 'x', 65);
    cr_assert_eq (zanni__signature_check (types), 65);
    types [64] = 0;
    cr_assert_eq (zanni__signature_check (types), 0);
}

Test (signature, there_are_255_letters_at_most)
{
    char types [300] = "(";
    memset (types + 1, 'x', 298);
    cr_assert_eq (zanni__signature_check (types), 256);
    types [254] = ')';
    types [255] = 0;
    cr_assert_eq (zanni__signature_check (types), 0);
}

Test (signature, one_extends_another_type_by_type)
{
    cr_assert (zanni__signature_extends ("xs", "x"));
    cr_assert (zanni__signature_extends ("xs", "xs"));
    cr_assert (zanni__signature_extends ("xs", ""));
    cr_assert (zanni__signature_extends ("ayx", "ay"));
    cr_assert_not (zanni__signature_extends ("x", "xs"));
    cr_assert_not (zanni__signature_extends ("xs", "s"));
    cr_assert_not (zanni__signature_extends ("", "x"));
}

Test (signature, the_end_of_a_type_is_found)
{
    static const char *const types [] = { "x", "ay", "aax", "(xs)", "a(x(ss))", "a{s(ia{tB})}" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char text [40];
        snprintf (text, sizeof text, "%sxs", types [i]);
        cr_assert_eq (zanni__signature_type_end (text), text + strlen (types [i]));
    }
}

static int
match (const char *signature, const zanni_msg_t *msg)
{
    zanni__fault_t fault;
    cr_assert_eq (zanni__signature_check (signature), 0);
    return zanni__signature_match (signature, &msg->args, &fault);
}

/* One value of each kind, and the letters that take it. */
static size_t
kinds (zanni_arg_t *values, const char **letters)
{
    static zanni_bound_t bound = { NULL, "add" };
    static const zanni_blob_t blob = { .size = 100 };
    static zanni_buffer_t *buffer;
    static const int64_t numbers [] = { 1, 2 };
    size_t i = 0;
    bound.ref = test_ref (9);
    if (!buffer)
        cr_assert_eq (zanni__buffer_wrap (&buffer, &i, sizeof i, NULL, NULL), 0);
#define KIND(taken, ...) letters [i] = taken, values [i++] = __VA_ARGS__
    NUMBERS (KIND)
    KIND ("sv", ZANNI_ARG ("text"));
    KIND ("sv", ZANNI_ARG (""));
    KIND ("Yv", zanni_arg_bytes ("abc", 3));
    KIND ("av", zanni_arg_ints (numbers, 2));
    KIND ("av", zanni_arg_ints (numbers, 0));
    KIND ("v", zanni_arg_packed ((zanni_packed_t) { "\xc0", 1 }));
    KIND ("v", zanni_arg_packed ((zanni_packed_t) { "\x80", 1 }));
    KIND ("v", zanni_arg_packed ((zanni_packed_t) { "\xd4\x09\x00", 3 }));
    KIND ("dv", zanni_arg_packed ((zanni_packed_t) { "\xca\x3f\x00\x00\x00", 5 }));
    KIND ("rv", ZANNI_ARG (test_ref (1)));
    KIND ("Bv", ZANNI_ARG (buffer));
    KIND ("Mv", ZANNI_ARG (&bound));
    KIND ("Kv", ZANNI_ARG (&blob));
#undef KIND
    return i;
}

/* `a` and `Y` stand for the array of int64 and for bytes. */
static const char *
type_of (char letter)
{
    static char one [2];
    one [0] = letter;
    return letter == 'a' ? "ax" : letter == 'Y' ? "ay" : one;
}

Test (signature, each_letter_takes_what_it_should_and_nothing_else)
{
    zanni_arg_t values [40];
    const char *letters [40];
    size_t count = kinds (values, letters);
    for (size_t i = 0; i < count; i++)
        for (const char *letter = "byiuxtdsvrBMKaY"; *letter; letter++) {
            zanni_msg_t *msg = test_packed_args (&values [i], 1);
            int expected = strchr (letters [i], *letter) ? 0 : ZANNI_EARGS;
            cr_assert_eq (match (type_of (*letter), msg), expected, "value %zu against %c", i, *letter);
            test_free (msg);
        }
}

Test (signature, each_letter_takes_the_same_inside_a_struct_and_an_array)
{
    zanni_arg_t values [40];
    const char *letters [40];
    size_t count = kinds (values, letters);
    for (size_t i = 0; i < count; i++)
        for (const char *letter = "byiuxtdsvrBMKaY"; *letter; letter++) {
            char types [16];
            zanni_arg_t inner [2] = { values [i], values [i] };
            zanni_arg_t both [2] = { zanni_arg_list (inner, 1), zanni_arg_list (inner, 2) };
            zanni_msg_t *msg = test_packed_args (both, 2);
            int expected = strchr (letters [i], *letter) ? 0 : ZANNI_EARGS;
            const char *type = type_of (*letter);
            const char *format = *letter == 'y' ? "(%s)(%s%s)" : "(%s)a%s";   // there is no array of y
            snprintf (types, sizeof types, format, type, type, type);
            cr_assert_eq (match (types, msg), expected, "value %zu against %s", i, types);
            test_free (msg);
        }
}

Test (signature, the_quick_way_is_never_wrong)
{
    zanni_arg_t values [40];
    const char *letters [40];
    size_t count = kinds (values, letters);
    for (size_t i = 0; i < count; i++)
        for (const char *letter = "byiuxtdsvrBMKaY"; *letter; letter++)
            for (size_t number = 1; number <= 2; number++) {
                char types [8];
                zanni__fault_t fault;
                zanni_msg_t *msg = test_packed_args ((zanni_arg_t []) { values [i], values [i] }, number);
                snprintf (types, sizeof types, number == 1 ? "%s" : "%s%s", type_of (*letter), type_of (*letter));
                int closely = zanni__signature_match_closely (types, &msg->args, &fault);
                bool quickly = zanni__signature_match_quickly (types, &msg->args);
                cr_assert (!quickly || !closely, "value %zu against %s", i, types);
                test_free (msg);
            }
}

Test (signature, the_quick_way_passes_numbers)
{
    zanni_msg_t *msg = test_packed (1, 300, -5, UINT32_MAX, INT64_MIN, INT64_MAX, 1.5, (bool) true, UINT64_MAX);
    cr_assert_not (zanni__signature_match_quickly ("yyiuxxdbt", &msg->args));
    cr_assert (zanni__signature_match_quickly ("yiiuxxdbt", &msg->args));
    test_free (msg);
}

Test (signature, the_quick_way_survives_arguments_that_are_not_there)
{
    zanni__args_t args = { .bytes = NULL, .size = 0 };
    cr_assert_not (zanni__signature_match_quickly ("", &args));
    cr_assert_not (zanni__signature_match_quickly ("x", &args));
}

Test (signature, structs_and_pairs_have_their_number_of_members)
{
    zanni_msg_t *msg = test_packed (ZANNI_LIST ("one", 1), ZANNI_LIST (ZANNI_LIST ("a", 1), ZANNI_LIST ("b", 2)));
    cr_assert_eq (match ("(sx)a{sx}", msg), 0);
    cr_assert_eq (match ("(sx)a(sx)", msg), 0);
    cr_assert_eq (match ("(sx)aav", msg), 0);
    cr_assert_eq (match ("vv", msg), 0);
    cr_assert_eq (match ("(s)a{sx}", msg), ZANNI_EARGS);
    cr_assert_eq (match ("(sxx)a{sx}", msg), ZANNI_EARGS);
    cr_assert_eq (match ("(sx)a(s)", msg), ZANNI_EARGS);
    cr_assert_eq (match ("(sx)a{ss}", msg), ZANNI_EARGS);
    test_free (msg);
}

Test (signature, the_number_of_arguments_matters)
{
    zanni_msg_t *msg = test_packed (1, 2, 3);
    cr_assert_eq (match ("xxx", msg), 0);
    cr_assert_eq (match ("xx", msg), ZANNI_EARGS);
    cr_assert_eq (match ("xxxx", msg), ZANNI_EARGS);
    cr_assert_eq (match ("", msg), ZANNI_EARGS);
    test_free (msg);
}

Test (signature, no_arguments_match_the_empty_one)
{
    zanni_msg_t *msg = test_packed_args (NULL, 0);
    cr_assert_eq (match ("", msg), 0);
    cr_assert_eq (match ("x", msg), ZANNI_EARGS);
    msg->args.size = 0;
    cr_assert_eq (match ("", msg), 0);
    cr_assert_eq (match ("x", msg), ZANNI_EARGS);
    test_free (msg);
}

Test (signature, more_than_fifteen_arguments_match)
{
    zanni_msg_t *msg = test_packed (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "last");
    cr_assert_eq (match ("xxxxxxxxxxxxxxxs", msg), 0);
    cr_assert_eq (match ("xxxxxxxxxxxxxxxx", msg), ZANNI_EARGS);
    test_free (msg);
}

static int
match_foreign (const char *signature, const void *bytes, size_t size, uint16_t refs, zanni__fault_t *fault)
{
    zanni_msg_t *msg = test_foreign (bytes, size);
    void *table [4] = { test_ref (1), test_ref (2), test_ref (3), test_ref (4) };
    msg->args.table = table;
    msg->args.refs = refs;
    int rc = zanni__signature_match (signature, &msg->args, fault);
    test_foreign_free (msg);
    return rc;
}

Test (signature, strings_from_strangers_are_checked)
{
    zanni__fault_t fault;
    cr_assert_eq (match_foreign ("s", "\x91\xa3" "a\0b", 5, 0, &fault), ZANNI_EARGS);
    cr_assert (fault.text);
    cr_assert_eq (match_foreign ("s", "\x91\xa2\xc3(", 4, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("as", "\x91\x91\xa1\xff", 4, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("s", "\x91\xa2\xc3\xbc", 4, 0, &fault), 0);
}

Test (signature, indices_from_strangers_are_checked)
{
    zanni__fault_t fault;
    cr_assert_eq (match_foreign ("r", "\x91\xd4\x01\x01", 4, 2, &fault), 0);
    cr_assert_eq (match_foreign ("r", "\x91\xd4\x01\x02", 4, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("r", "\x91\xd5\x01\x00\x01", 5, 2, &fault), 0);
    cr_assert_eq (match_foreign ("r", "\x91\xd5\x01\x01\x00", 5, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("r", "\x91\xd6\x01\x00\x00\x00\x00", 7, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("r", "\x91\xc7\x00\x01", 4, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("B", "\x91\xd4\x02\x00", 4, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("M", "\x91\xc7\x06\x04\x92\x01\xa3" "add", 10, 2, &fault), 0);
    cr_assert_eq (match_foreign ("M", "\x91\xc7\x06\x04\x92\x02\xa3" "add", 10, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("M", "\x91\xc7\x06\x04\x92\xff\xa3" "add", 10, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("M", "\x91\xc7\x07\x04\x92\x01\xa3" "add\0", 11, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("M", "\x91\xc7\x06\x04\x92\x01\xa3" "a\0d", 10, 2, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("M", "\x91\xd4\x04\xc0", 4, 2, &fault), ZANNI_EARGS);
    cr_assert (fault.broken);
}

Test (signature, claims_from_strangers_are_checked)
{
    zanni__fault_t fault;
    cr_assert_eq (match_foreign ("ax", "\x91\xdd\xff\xff\xff\xff", 6, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("v", "\x91\xdf\xff\xff\xff\xff", 6, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("s", "\x91\xdb\xff\xff\xff\xff", 6, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("x", "\xdd\xff\xff\xff\xff\x01", 6, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("x", "\x81\x01\x01", 3, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("x", "\x05", 1, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("x", "\x91\x05\x06", 3, 0, &fault), ZANNI_EARGS);   // bytes behind the last
    cr_assert_eq (match_foreign ("", "\x90\xc0", 2, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("x", "\xdc\x00\x01\x05", 4, 0, &fault), 0);   // a longer head is right
}

Test (signature, a_value_that_is_too_deep_is_refused)
{
    uint8_t nested [64];
    zanni__fault_t fault;
    memset (nested, 0x91, sizeof nested);
    nested [33] = 0xc0;   // behind the array of arguments and 32 more
    cr_assert_eq (match_foreign ("v", nested, 34, 0, &fault), 0);
    nested [33] = 0x91;
    nested [34] = 0xc0;
    cr_assert_eq (match_foreign ("v", nested, 35, 0, &fault), ZANNI_EARGS);
    cr_assert_eq (match_foreign ("(v)", nested, 34, 0, &fault), ZANNI_EARGS);
}

/* Arguments of every kind. */
static zanni_msg_t *
full_message (void)
{
    static zanni_bound_t bound;
    static char bytes [] = "abc";
    static zanni_buffer_t *buffer;
    bound = (zanni_bound_t) { test_ref (2), "add" };
    if (!buffer)
        cr_assert_eq (zanni__buffer_wrap (&buffer, bytes, 3, NULL, NULL), 0);
    return test_packed (1, 300, -70000, 1.5, "text", zanni_arg_bytes (bytes, 3), test_ref (1), buffer, &bound,
                        ZANNI_LIST (ZANNI_LIST ("k", 1), ZANNI_LIST ("l", 2)), (bool) true,
                        ZANNI_LIST (1, "x", 2.5));
}
#define FULL "yixdsayrBMa{sx}b(ivd)"

Test (signature, arguments_of_every_kind_match)
{
    zanni_msg_t *msg = full_message ();
    cr_assert_eq (match (FULL, msg), 0);
    test_free (msg);
}

Test (signature, arguments_that_are_cut_anywhere_do_not_match)
{
    zanni_msg_t *msg = full_message ();
    for (uint32_t size = 0; size < msg->args.size; size++) {
        zanni_msg_t *cut = test_foreign (msg->args.bytes, size);
        zanni__fault_t fault;
        char text [200];
        cut->args.table = msg->args.table;
        cut->args.refs = msg->args.refs;
        cut->args.buffers = msg->args.buffers;
        cr_assert_eq (zanni__signature_match (FULL, &cut->args, &fault), ZANNI_EARGS, "%u", size);
        cr_assert_gt (strlen (zanni__fault_text (&fault, text, sizeof text)), 10);
        test_foreign_free (cut);
    }
    test_free (msg);
}

static void
expect_text (const char *signature, const zanni_msg_t *msg, const char *expected)
{
    char text [200];
    zanni__fault_t fault;
    cr_assert_eq (zanni__signature_match (signature, &msg->args, &fault), ZANNI_EARGS);
    cr_assert_str_eq (zanni__fault_text (&fault, text, sizeof text), expected);
}
#define FAULT(signature, expected, ...)                                                                       \
    do {                                                                                                      \
        zanni_msg_t *msg = test_packed (__VA_ARGS__);                                                         \
        expect_text (signature, msg, expected);                                                               \
        test_free (msg);                                                                                      \
    } while (0)

Test (signature, a_fault_names_position_and_both_types)
{
    FAULT ("xx", "argument 2 is a string, int64 (x) was wanted", 1, "two");
    FAULT ("s", "argument 1 is an integer, string (s) was wanted", 1);
    FAULT ("s", "argument 1 is a bool, string (s) was wanted", (bool) true);
    FAULT ("i", "argument 1 is a double, int32 (i) was wanted", 1.5);
    FAULT ("xs", "argument 2 is bytes, string (s) was wanted", 1, zanni_arg_bytes ("x", 1));
    FAULT ("x", "argument 1 is a reference, int64 (x) was wanted", test_ref (1));
    FAULT ("r", "argument 1 is an integer, reference (r) was wanted", 1);
    FAULT ("x", "argument 1 is an array, int64 (x) was wanted", ZANNI_LIST (1));
    FAULT ("ay", "argument 1 is an array, bytes (ay) was wanted", ZANNI_LIST (1));
    FAULT ("a{sx}", "argument 1 is a string, list of pairs (a{sx}) was wanted", "x");
    FAULT ("(xs)x", "argument 1 is an integer, struct (xs) was wanted", 1, 1);
}

Test (signature, a_fault_says_what_does_not_fit)
{
    FAULT ("y", "argument 1 is an integer that does not fit, byte (y) was wanted", 300);
    FAULT ("d", "argument 1 is an integer that does not fit, double (d) was wanted", INT64_MAX);
    FAULT ("b", "argument 1 is an integer that does not fit, bool (b) was wanted", 2);
}

Test (signature, a_fault_says_what_is_missing_or_too_many)
{
    FAULT ("xxs", "argument 3 is missing, string (s) was wanted", 1, 2);
    FAULT ("xx", "2 arguments were wanted, argument 3 is too many", 1, 2, 3);
    FAULT ("x", "1 argument was wanted, argument 2 is too many", 1, 2);
    FAULT ("", "no argument was wanted, argument 1 is too many", 1);
    FAULT ("(xx)", "item 2 of argument 1 is missing, int64 (x) was wanted", ZANNI_LIST (1));
    FAULT ("(x)", "1 item was wanted, item 2 of argument 1 is too many", ZANNI_LIST (1, 2));
}

Test (signature, a_fault_leads_to_the_item)
{
    FAULT ("xax", "item 3 of argument 2 is a string, int64 (x) was wanted", 1, ZANNI_LIST (1, 2, "three"));
    FAULT ("a{sx}", "item 1 of item 2 of argument 1 is an integer, string (s) was wanted",
           ZANNI_LIST (ZANNI_LIST ("a", 1), ZANNI_LIST (2, 2)));
}

Test (signature, a_fault_in_foreign_bytes_has_words_too)
{
    zanni_msg_t *msg = test_foreign ("\x91\xa2\xc3(", 4);
    expect_text ("s", msg, "argument 1 is a string that has a NUL or is not UTF-8, string (s) was wanted");
    test_foreign_free (msg);
    msg = test_foreign ("\x92\x01\xc1", 3);
    expect_text ("xx", msg, "argument 2 is not well-formed, int64 (x) was wanted");
    test_foreign_free (msg);
    msg = test_foreign ("\x91\x01\x01", 3);
    expect_text ("x", msg, "argument 2 is not well-formed");
    test_foreign_free (msg);
}

Test (signature, a_fault_fits_any_buffer)
{
    zanni_msg_t *msg = test_packed ("x");
    zanni__fault_t fault;
    char text [64];
    cr_assert_eq (zanni__signature_match ("x", &msg->args, &fault), ZANNI_EARGS);
    for (size_t size = 1; size < sizeof text; size++) {
        memset (text, 'z', sizeof text);
        zanni__fault_text (&fault, text, size);
        cr_assert_lt (strlen (text), size);
        cr_assert_eq (text [size], 'z');
    }
    cr_assert_eq (zanni__fault_text (&fault, NULL, 0), NULL);
    test_free (msg);
}
