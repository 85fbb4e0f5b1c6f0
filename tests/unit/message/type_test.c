/* Registered types: tables of fields, versions, definitions, and what strangers send. */

#include "types.h"

Test (type, members_of_every_kind_come_back)
{
    zanni_buffer_t *buffer = buffer_of ("beside");
    all_t sent = sample (buffer);
    const all_t *got = NULL;
    zanni_msg_t *msg = test_packed (7, ZANNI_OBJECT (&all, &sent), "behind");
    zanni__fault_t fault;
    int seven = 0;
    const char *behind = NULL;
    cr_assert_eq (zanni__signature_match ("ios", &msg->args, &fault), 0);
    cr_assert_eq (zanni_read (msg, &seven, ZANNI_INTO (&all, &got), &behind), 0, "%s", zanni_msg_fault (msg));
    cr_assert_eq (seven, 7);
    cr_assert_str_eq (behind, "behind");
    assert_sample (got, buffer);
    cr_assert_eq (users (buffer), 2, "the message's and ours");
    test_free (msg);
    cr_assert_eq (users (buffer), 1);
    zanni_buffer_destroy (&buffer);
}

Test (type, what_is_absent_stays_absent)
{
    all_t sent = { .name = "" };
    const all_t *got = NULL;
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&all, &sent));
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&all, &got)), 0);
    cr_assert_null (got->text);
    cr_assert_null (got->buffer);
    cr_assert_eq (got->bytes.size, 0);
    test_free (msg);
}

Test (type, the_bytes_are_name_version_and_fields_by_position)
{
    static const uint8_t expected [] = {
        0x92, 0xd8, 6, 0xa5, 's', 'm', 'a', 'l', 'l', 2, 0x94, 5, 0xff, 0xa2, 'h', 'i', 0xcd, 1, 0x2c,
        0xc7, 13, 6, 0xa5, 's', 'm', 'a', 'l', 'l', 2, 0x94, 5, 0xff, 0xa1, 'h', 7,
    };
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&small, &(small_t) { 5, -1, "hi", 300 }),
                                    ZANNI_OBJECT (&small, &((small_t) { 5, -1, "h", 7 })));
    cr_assert_eq (msg->args.size, sizeof expected);
    cr_assert_arr_eq (msg->args.bytes, expected, sizeof expected);
    test_free (msg);
}

Test (type, heads_of_all_lengths_are_the_shortest)
{
    for (size_t size = 0; size < 70000; size += size < 300 ? 1 : 997) {
        all_t sent = { .bytes = { calloc (1, size + 1), size } };
        const all_t *got = NULL;
        zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&all, &sent));
        zanni__reader_t reader = zanni__reader (msg->args.bytes + 1, msg->args.size - 1);
        zanni__value_t value;
        cr_assert (zanni__reader_next (&reader, &value));
        cr_assert_eq (reader.at, reader.end);
        size_t head = msg->args.size - 1 - value.size;
        cr_assert_eq (head, value.size > 65535 ? 6 : value.size > 255 ? 4 : 3, "%u bytes", value.size);
        cr_assert_eq (zanni_read (msg, ZANNI_INTO (&all, &got)), 0);
        cr_assert_eq (got->bytes.size, size);
        test_free (msg);
        free ((void *) (uintptr_t) sent.bytes.data);
    }
}

#define FOREIGN(text) foreign_object (text, sizeof (text) - 1)

Test (type, a_newer_program_reads_an_older_version_with_its_defaults)
{
    zanni_msg_t *msg = FOREIGN ("\xa5small\x01\x91\x2a");
    const small_t *got = NULL;
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), 0);
    cr_assert_eq (got->one, 42);
    cr_assert_eq (got->two, 2);
    cr_assert_str_eq (got->name, "three");
    cr_assert_eq (got->three, 4);
    test_foreign_free (msg);
}

Test (type, an_older_program_passes_over_what_a_newer_version_has_added)
{
    zanni_msg_t *msg = FOREIGN ("\xa5small\x09\x97\x01\x02\xa1x\x03\x81\xa1k\x92\x01\x02\xc0\xc4\x02zz");
    const small_t *got = NULL;
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), 0, "%s", zanni_msg_fault (msg));
    cr_assert_eq (got->one, 1);
    cr_assert_eq (got->three, 3);
    cr_assert_str_eq (got->name, "x");
    test_foreign_free (msg);
}

Test (type, nested_ones_grow_too)
{
    zanni_msg_t *msg = FOREIGN ("\xa3" "all\x01\xdc\x00\x10\xc3\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\xa0\xc0\xc4\x00"
                                "\xc0\x96\x04\x07\x08\xc4\x01\x09\x11\x12");
    const all_t *got = NULL;
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&all, &got)), 0, "%s", zanni_msg_fault (msg));
    cr_assert_eq (got->at.x, 7);
    cr_assert_eq (got->at.y, 8);
    cr_assert_arr_eq (got->at.color, ((uint8_t []) { 9, 0, 0 }), 3);
    cr_assert_eq (got->numbers [0], 0);
    test_foreign_free (msg);
}

#define REFUSED(text, expected) \
    do { \
        zanni_msg_t *msg = FOREIGN (text); \
        const small_t *got = NULL; \
        cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), ZANNI_EARGS); \
        cr_assert_null (got); \
        cr_assert_str_eq (zanni_msg_fault (msg), expected); \
        test_foreign_free (msg); \
    } while (0)

#define IS_SMALL "argument 1 is type \"small\" version 2 "
#define SMALL_WANTED ", type \"small\" was wanted"

Test (type, what_does_not_fit_is_told_by_its_field)
{
    REFUSED ("\xa5small\x02\x91\xcf\x00\x00\x00\x00\x80\x00\x00\x00",
             IS_SMALL "whose field \"one\" does not fit" SMALL_WANTED);
    REFUSED ("\xa5small\x02\x92\x01\xa1x", IS_SMALL "whose field \"two\" does not fit" SMALL_WANTED);
    REFUSED ("\xa5small\x02\x93\x01\x02\xa8" "12345678", IS_SMALL "whose field \"name\" does not fit" SMALL_WANTED);
    REFUSED ("\xa5small\x02\x93\x01\x02\xa1\xff", IS_SMALL "whose field \"name\" does not fit" SMALL_WANTED);
    REFUSED ("\xa5small\x02\x93\x01\x02\xa1\x00", IS_SMALL "whose field \"name\" does not fit" SMALL_WANTED);
    REFUSED ("\xa5small\x02\x91\x01\x02", IS_SMALL "whose fields do not fit" SMALL_WANTED);
    REFUSED ("\xa5other\x02\x91\x01", "argument 1 is type \"other\" version 2" SMALL_WANTED);
    REFUSED ("\xa5small\xff\x91\x01", "argument 1 is not well-formed" SMALL_WANTED);
    REFUSED ("\xa0\x01\x90", "argument 1 is not well-formed" SMALL_WANTED);
    REFUSED ("\xa5small\x01\xdd\xff\xff\xff\xff\x01", "argument 1 is not well-formed" SMALL_WANTED);
    REFUSED ("\xa5small\x01\x80", "argument 1 is not well-formed" SMALL_WANTED);
}

Test (type, another_value_in_its_place_is_told)
{
    const small_t *got = NULL;
    zanni__fault_t fault;
    char text [200];
    zanni_msg_t *msg = test_packed (5);
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), ZANNI_EARGS);
    cr_assert_str_eq (zanni_msg_fault (msg), "argument 1 is an integer, type \"small\" was wanted");
    cr_assert_eq (zanni__signature_match ("o", &msg->args, &fault), ZANNI_EARGS);
    cr_assert_str_eq (zanni__fault_text (&fault, text, sizeof text),
                      "argument 1 is an integer, registered type (o) was wanted");
    test_free (msg);
    int64_t number = 0;
    msg = test_packed (ZANNI_OBJECT (&small, &small_defaults));
    cr_assert_eq (zanni_read (msg, &number), ZANNI_EARGS);
    cr_assert_str_eq (zanni_msg_fault (msg), "argument 1 is a registered type, int64 was wanted");
    test_free (msg);
}

Test (type, reading_is_all_or_none)
{
    int number = -1;
    const small_t *got = NULL;
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&small, &small_defaults), "no number");
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got), &number), ZANNI_EARGS);
    cr_assert_null (got);
    cr_assert_eq (number, -1);
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), 0);
    cr_assert_eq (got->three, 4);
    test_free (msg);
}

/* Reads bytes as what they are not, in every way that there is. Only that it ends well is asked. */
static int
read_in_every_way (zanni_msg_t *msg)
{
    zanni__fault_t fault;
    const all_t *got = NULL;
    const zanni_object_t *object = NULL;
    int matched = zanni__signature_match ("o", &msg->args, &fault);
    int typed = zanni_read (msg, ZANNI_INTO (&all, &got));
    zanni_rewind (msg);
    int opaque = zanni_read (msg, &object);
    cr_assert (typed == 0 || typed == ZANNI_EARGS);
    cr_assert_eq (matched, opaque);
    cr_assert (typed == 0 || got == NULL);
    return typed ? typed : opaque;
}

Test (type, cut_at_any_byte_it_is_refused)
{
    zanni_buffer_t *buffer = buffer_of ("beside");
    all_t sent = sample (buffer);
    zanni_msg_t *whole = test_packed (ZANNI_OBJECT (&all, &sent));
    uint32_t head = whole->args.bytes [1] == 0xc7 ? 4 : 5;
    for (uint32_t size = 0; size < whole->args.size; size++) {
        zanni_msg_t *msg = test_foreign (whole->args.bytes, size);   // its head says more than there is
        cr_assert_eq (read_in_every_way (msg), ZANNI_EARGS, "%u bytes", size);
        test_foreign_free (msg);
    }
    for (uint32_t size = 0; head + size < whole->args.size; size++) {
        zanni_msg_t *msg = foreign_object (whole->args.bytes + head, size);   // and says what is there
        msg->args.table = whole->args.table;
        msg->args.buffers = 1;
        cr_assert_eq (read_in_every_way (msg), ZANNI_EARGS, "%u bytes", size);
        msg->args.buffers = 0;
        test_foreign_free (msg);
    }
    test_free (whole);
    zanni_buffer_destroy (&buffer);
}

Test (type, with_any_byte_changed_nothing_is_believed, .timeout = 60)
{
    zanni_buffer_t *buffer = buffer_of ("beside");
    all_t sent = sample (buffer);
    zanni_msg_t *whole = test_packed (ZANNI_OBJECT (&all, &sent));
    for (uint32_t at = 1; at < whole->args.size; at++)
        for (int change = 1; change < 256; change++) {
            zanni_msg_t *msg = test_foreign (whole->args.bytes, whole->args.size);
            ((uint8_t *) (uintptr_t) msg->args.bytes) [at] ^= (uint8_t) change;
            msg->args.table = whole->args.table;
            msg->args.buffers = 1;
            (void) read_in_every_way (msg);
            msg->args.buffers = 0;
            test_foreign_free (msg);
        }
    test_free (whole);
    zanni_buffer_destroy (&buffer);
}

Test (type, indices_past_the_table_and_types_inside_types_are_refused)
{
    static const struct {
        const char *data;
        size_t size;
    } cases [] = {
#define CASE(text) { text, sizeof (text) - 1 }
        CASE ("\xa1x\x01\x91\xd4\x02\x00"), CASE ("\xa1x\x01\x91\xd4\x01\x00"), CASE ("\xa1x\x01\x91\x91\xd4\x02\x07"),
        CASE ("\xa1x\x01\x91\xc7\x04\x04\x92\x00\xa1m"), CASE ("\xa1x\x01\x91\xc7\x04\x06\xa1y\x01\x90"),
        CASE ("\xa1x\x01\x91\xc1"), CASE ("\xa1x\x01"), CASE ("\xa1x"), CASE (""), CASE ("\x01\x01\x90"),
        CASE ("\xa1x\xcf\x00\x00\x00\x01\x00\x00\x00\x00\x90"), CASE ("\xa1x\x01\x90\x90"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zanni_msg_t *msg = foreign_object (cases [i].data, cases [i].size);
        cr_assert_eq (read_in_every_way (msg), ZANNI_EARGS, "case %zu", i);
        test_foreign_free (msg);
    }
}

Test (type, arrays_in_arrays_in_an_unknown_field_have_a_bounded_depth)
{
    char deep [80] = "\xa5small\x02\x95\x01\x02\xa0\x03";
    size_t size = 11;
    memset (deep + size, 0x91, 60);
    deep [size + 60] = 0x01;
    zanni_msg_t *msg = foreign_object (deep, size + 61);
    const small_t *got = NULL;
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), ZANNI_EARGS);
    test_foreign_free (msg);
}

Test (type, a_text_without_its_end_is_not_sent)
{
    small_t sent = { .name = { 'n', 'o', ' ', 'e', 'n', 'd', '!', '!' } };
    zanni_msg_t *msg = test_message ();
    cr_assert_eq (test_pack (msg, ZANNI_OBJECT (&small, &sent)), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, ZANNI_OBJECT (&small, NULL)), ZANNI_EARGS);
    zanni__free (msg);
}

Test (type, the_same_layout_may_be_registered_again_and_another_may_not)
{
    zanni_error_t error = { 0 };
    zanni_type_t again = small;
    small_t defaults = small_defaults;
    again.defaults = &defaults;
    cr_assert_eq (zanni_type_register (&small, &error), 0);
    cr_assert_eq (zanni_type_register (&small, &error), 0);
    cr_assert_eq (zanni_type_register (&again, &error), 0);
    static const zanni_field_t fewer [] = { ZANNI_FIELD (small_t, one), ZANNI_FIELD_END };
    zanni_type_t other = small;
    other.fields = fewer;
    cr_assert_eq (zanni_type_register (&other, &error), ZANNI_ECLASS);
    cr_assert_str_eq (error.text, "type \"small\": this name is taken by another definition: choose another");
    other = small;
    other.version = 3;
    cr_assert_eq (zanni_type_register (&other, NULL), ZANNI_ECLASS);
    zanni_msg_t *msg = test_message ();
    cr_assert_eq (test_pack (msg, ZANNI_OBJECT (&other, &defaults)), ZANNI_ECLASS);
    zanni__free (msg);
}

Test (type, definitions_that_are_wrong_are_told)
{
    static const zanni_field_t outside [] = { { "late", ZANNI_KIND_INT32, 4, 4, NULL }, ZANNI_FIELD_END };
    static const zanni_field_t kind [] = { { "odd", ZANNI_KIND_INT32, 0, 3, NULL }, ZANNI_FIELD_END };
    static const zanni_field_t odd [] = { { "odd", ZANNI_KIND_INT16, 1, 2, NULL }, ZANNI_FIELD_END };
    static zanni_field_t circle [] = { { "self", ZANNI_KIND_NESTED, 0, 8, NULL }, ZANNI_FIELD_END };
    static const zanni_type_t round = { .name = "round", .size = 8, .fields = circle };
    circle [0].type = &round;
    const struct {
        zanni_type_t type;
        const char *text;
    } cases [] = {
        { { .size = 4, .fields = outside }, "type \"?\" has no name" },
        { { .name = "a", .fields = outside }, "type \"a\": its struct has 0 bytes, 1 to 16777216 are possible" },
        { { .name = "a", .size = 4 }, "type \"a\": it needs either a table of fields, or both pack and unpack" },
        { { .name = "a", .size = 4, .fields = outside },
          "type \"a\", field 1 (late): bytes 4 to 8 are not inside the struct, which has 4" },
        { { .name = "a", .size = 4, .fields = kind },
          "type \"a\", field 1 (odd): kind 4 and 3 bytes do not go together: use ZANNI_FIELD" },
        { { .name = "a", .size = 4, .fields = odd },
          "type \"a\", field 1 (odd): at byte 1 it is not aligned: packed structs need hooks" },
        { round, "type \"round\": over 8 types are nested in each other" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zanni_error_t error = { 0 };
        cr_assert_eq (zanni_type_register (&cases [i].type, &error), ZANNI_ECLASS);
        cr_assert_str_eq (error.text, cases [i].text);
    }
}
