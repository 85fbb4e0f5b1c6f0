/* How entries stand in etcd: what is written is read again, and what others say is refused where it is malformed. */

#include "directory/etcd/form.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void
expect_bytes (const char *text, const char *base64)
{
    char back [ZANNI__ETCD_KEY];
    json_t *json = zanni__etcd_bytes (text);
    cr_assert_str_eq (json_string_value (json), base64);
    cr_assert (zanni__etcd_unbytes (json, back, sizeof back));
    cr_assert_str_eq (back, text);
    json_decref (json);
}

Test (etcd_form, bytes_are_base64)
{
    expect_bytes ("", "");
    expect_bytes ("f", "Zg==");
    expect_bytes ("fo", "Zm8=");
    expect_bytes ("foo", "Zm9v");
    expect_bytes ("foob", "Zm9vYg==");
    expect_bytes ("fooba", "Zm9vYmE=");
    expect_bytes ("foobar", "Zm9vYmFy");
    expect_bytes ("\xff\xfe?>~", "//4/Pn4=");
}

Test (etcd_form, every_length_comes_back)
{
    char text [ZANNI__ETCD_KEY], back [ZANNI__ETCD_KEY];
    for (size_t size = 0; size < sizeof text; size++) {
        for (size_t i = 0; i < size; i++)
            text [i] = (char) (1 + (i * 7 + size) % 255);
        text [size] = 0;
        json_t *json = zanni__etcd_bytes (text);
        cr_assert (zanni__etcd_unbytes (json, back, size + 1));
        cr_assert_str_eq (back, text);
        cr_assert (!size || !zanni__etcd_unbytes (json, back, size), "there is no room for %zu", size);
        json_decref (json);
    }
}

Test (etcd_form, malformed_bytes_are_refused)
{
    static const char *const wrong [] = {
        "Z", "Zg", "Zg=", "=", "==", "====", "Z===", "Zg==Zg==", "Zm9v=", "Zm 9", "Zm9v\n", "Zm9*", "AA==", "Zm8A", "Zg\xc3\xa4="
    };
    char text [64];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        json_t *json = json_string (wrong [i]);
        cr_assert_not (zanni__etcd_unbytes (json, text, sizeof text), "%s", wrong [i]);
        json_decref (json);
    }
    json_t *number = json_integer (5);
    cr_assert_not (zanni__etcd_unbytes (number, text, sizeof text));
    cr_assert_not (zanni__etcd_unbytes (NULL, text, sizeof text));
    json_decref (number);
}

static bool
number_of (const char *text, uint64_t *number)
{
    json_t *json = json_loads (text, 0, NULL);
    cr_assert_not_null (json);
    bool good = zanni__etcd_number (json, "n", number);
    json_decref (json);
    return good;
}

Test (etcd_form, numbers_are_strings_or_numbers)
{
    uint64_t number = 1;
    cr_assert (number_of ("{}", &number) && !number, "what is 0 is left out");
    cr_assert (number_of ("{\"n\": \"18446744073709551615\"}", &number) && number == UINT64_MAX);
    cr_assert (number_of ("{\"n\": 17}", &number) && number == 17);
    cr_assert_not (number_of ("{\"n\": \"18446744073709551616\"}", &number));
    cr_assert_not (number_of ("{\"n\": \"\"}", &number));
    cr_assert_not (number_of ("{\"n\": \"5x\"}", &number));
    cr_assert_not (number_of ("{\"n\": \" 5\"}", &number));
    cr_assert_not (number_of ("{\"n\": \"-5\"}", &number));
    cr_assert_not (number_of ("{\"n\": 1.5}", &number));
    cr_assert_not (number_of ("{\"n\": [5]}", &number));
}

static void
expect_folder (const char *group, const char *expected)
{
    char folder [ZANNI__ETCD_KEY], behind [ZANNI__ETCD_KEY];
    zanni__etcd_folder (folder, "zanni/", group);
    cr_assert_str_eq (folder, expected);
    zanni__etcd_behind (behind, folder);
    cr_assert_eq (strlen (behind), strlen (folder));
    cr_assert_gt (strcmp (behind, folder), 0);
}

Test (etcd_form, a_group_is_one_folder_whatever_its_name)
{
    expect_folder ("all", "zanni/groups/all/");
    expect_folder ("a/b", "zanni/groups/a%2Fb/");
    expect_folder ("a%2Fb", "zanni/groups/a%252Fb/");
    expect_folder ("two words\n", "zanni/groups/two%20words%0A/");
    expect_folder ("\xc3\xa4", "zanni/groups/\xc3\xa4/");
    expect_folder ("..", "zanni/groups/../");
}

Test (etcd_form, the_longest_names_fit)
{
    char prefix [128], group [256], folder [ZANNI__ETCD_KEY], key [ZANNI__ETCD_KEY];
    memset (prefix, 'p', sizeof prefix - 1);
    memset (group, '/', sizeof group - 1);
    prefix [127] = group [255] = 0;
    zanni__etcd_folder (folder, prefix, group);
    cr_assert_eq (strlen (folder), 127 + strlen ("groups/") + 3 * 255 + 1);
    zanni__etcd_entry_key (key, folder, UINT64_MAX, UINT64_MAX, false);
    cr_assert_eq (strlen (key), strlen (folder) + 33);
}

Test (etcd_form, keys_and_values_say_whose_they_are)
{
    char key [ZANNI__ETCD_KEY], value [64];
    uint64_t client = 0, number = 0;
    zanni__etcd_entry_key (key, "z/groups/all/", 0xab, 0x1f, false);
    cr_assert_str_eq (key, "z/groups/all/00000000000000ab.1f");
    cr_assert_eq (zanni__etcd_number_of (key, 0xab), 0x1f);
    cr_assert_eq (zanni__etcd_number_of (key, 0xac), 0);
    zanni__etcd_entry_key (key, "z/groups/all/", 0xab, 0x1f, true);
    cr_assert_str_eq (key, "z/groups/all/name");
    cr_assert_eq (zanni__etcd_number_of (key, 0xab), 0);
    snprintf (value, sizeof value, "00000000000000ab.1f tcp://one");
    cr_assert (zanni__etcd_read_owner (value, &client, &number));
    cr_assert (client == 0xab && number == 0x1f);
    cr_assert_str_eq (zanni__etcd_ref_text (value), "tcp://one");
}

Test (etcd_form, values_of_others_are_none)
{
    static const char *const wrong [] = {
        "", " ", "tcp://one", "00000000000000ab.1f", "00000000000000ab. tcp://one", "0000000000000ab.1 tcp://one",
        "000000000000000ab.1 tcp://one", "00000000000000AB.1 tcp://one", "00000000000000ab.11111111111111111 tcp://one",
        "00000000000000ab.1f ipc:///tmp/one", "00000000000000ab.1f inproc://one"
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_null (zanni__etcd_ref_text (wrong [i]), "%s", wrong [i]);
}

static bool
read_entry (const char *text, zanni__etcd_entry_t *entry)
{
    json_t *json = json_loads (text, JSON_DECODE_ANY, NULL);
    bool good = zanni__etcd_read_entry (json, entry);
    json_decref (json);
    return good;
}

Test (etcd_form, an_entry_is_read_or_refused)
{
    zanni__etcd_entry_t entry;
    cr_assert (read_entry ("{\"key\": \"a2V5\", \"value\": \"dmFsdWU=\", \"create_revision\": \"7\", \"mod_revision\": \"8\"}",
                            &entry));
    cr_assert_str_eq (entry.key, "key");
    cr_assert_str_eq (entry.value, "value");
    cr_assert (entry.created == 7 && entry.changed == 8);
    cr_assert (read_entry ("{\"key\": \"a2V5\", \"value\": \"/w==\"}", &entry));
    cr_assert_str_eq (entry.value, "", "that is no UTF-8");
    cr_assert (read_entry ("{\"key\": 5, \"value\": [\"dmFsdWU=\"]}", &entry));
    cr_assert (!*entry.key && !*entry.value);
    cr_assert_not (read_entry ("{\"create_revision\": {}}", &entry));
    cr_assert_not (read_entry ("[]", &entry));
    cr_assert_not (read_entry ("null", &entry));
    cr_assert_not (zanni__etcd_read_entry (NULL, &entry));
}
