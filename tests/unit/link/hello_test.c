/* HELLO and its answers: other versions, what is said twice, and what is no HELLO; to who listens and to who dialled. */

#include "rogue.h"

#include "link/hub.h"

TestSuite (hello, .init = begin, .fini = end, .timeout = 120);

static void
expect_bye (zanni_bye_t code, const char *text)
{
    zanni_record_t record;
    cr_assert (hear_record (&record), "nothing comes");
    cr_assert_eq (record.kind, ZANNI_RECORD_BYE, "a record of kind %d", record.kind);
    cr_assert_eq (record.as.error.code, code, "%d", (int) record.as.error.code);
    cr_assert_eq (record.as.error.text.size, strlen (text));
    cr_assert (!*text || !memcmp (record.as.error.text.data, text, strlen (text)));
}

static void
say_versions (uint32_t least, uint32_t most)
{
    zanni_record_t record = hello (1);
    record.as.hello.version_min = least;
    record.as.hello.version_max = most;
    say (&record);
}

Test (hello, of_versions_that_have_ours_among_them_is_welcomed_in_ours)
{
    static const uint32_t ranges [][2] = { { 1, 1 }, { 0, 1 }, { 1, 2 }, { 0, UINT32_MAX } };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        zanni_record_t record;
        say_versions (ranges [i][0], ranges [i][1]);
        cr_assert (hear_record (&record));
        cr_assert_eq (record.kind, ZANNI_RECORD_WELCOME);
        cr_assert_eq (record.as.hello.version_min, 1);
    }
    cr_assert_eq (ours.downs, 0);
}

Test (hello, of_other_versions_is_refused_and_says_which_is_spoken)
{
    static const uint32_t ranges [][2] = { { 2, 9 }, { 0, 0 }, { UINT32_MAX, UINT32_MAX }, { 2, 0 } };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char line [80];
        say_versions (ranges [i][0], ranges [i][1]);
        expect_bye (ZANNI_BYE_VERSION, "this node speaks version 1");
        snprintf (line, sizeof line, "a node that speaks versions %u to %u is refused", ranges [i][0], ranges [i][1]);
        cr_assert_str_eq (ours.log, line);
    }
    greet (1);   // the connection is as good as before
    cr_assert_eq (ours.downs, 0);
}

static void
say_tell (uint64_t sequence)
{
    uint8_t bytes [4096];
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .method = { "add", 3 }, .args = { "\x90", 1 }
    };
    size_t size = put_batch (bytes, sequence);
    size += put (bytes + size, &record);
    send_bytes (bytes, size, false);
}

static bool
has_records (void *wanted)
{
    return ours.records == *(int *) wanted;
}

static void
expect_records (int wanted)
{
    cr_assert (stub_run (mine, 1, 5000, has_records, &wanted), "%d records, not %d", ours.records, wanted);
}

Test (hello, that_is_said_again_goes_on_with_its_session)
{
    zanni_record_t record;
    const zanni_record_t again = hello (5);
    greet (5);
    say_tell (1);
    expect_records (1);
    say (&again);
    cr_assert (hear_record (&record));
    cr_assert_eq (record.kind, ZANNI_RECORD_WELCOME);
    cr_assert_eq (record.as.hello.session, 5);
    cr_assert_eq (record.as.hello.last, 1);
    say_tell (1);   // which has come
    say_tell (2);
    expect_records (2);
    cr_assert_eq (ours.downs, 0);
}

/* A session is of the connection that said its HELLO last. */
Test (hello, that_is_said_again_by_another_connection_takes_the_session_there)
{
    int64_t code = -1;
    greet (5);
    say_tell (1);
    expect_records (1);
    void *first = rogue;
    rogue = dial_ours ();
    greet (5);
    say_tell (2);
    expect_records (2);
    void *second = rogue;
    rogue = first;
    say_tell (3);
    cr_assert_eq (hear (&code), ZANNI_RECORD_BYE);
    cr_assert_eq (code, ZANNI_BYE_DEAD);
    rogue = second;
    say_tell (3);
    expect_records (3);
    cr_assert_eq (ours.downs, 0);
    (void) zmq_close (first);
}

static bool
is_lost (void *stub)
{
    return ((const stub_t *) stub)->lost > 0;
}

static void
say_connection (uint64_t purpose, uint64_t connection)
{
    zanni_record_t record = hello (5);
    record.as.hello.purpose = (uint8_t) purpose;
    record.as.hello.connection = connection;
    say (&record);
}

static bool
has_no_pulse_to_wait_for (void *stub)
{
    zanni__hub_t *hub = ((stub_t *) stub)->link;
    bool nothing = hub->next_ns == INT64_MAX;
    hub->next_ns = 0;   // it reckons anew what is due
    return nothing;
}

/* Two connections of one dialer's, whose words come in any order. */
Test (hello, of_an_older_connection_does_not_take_the_session_back)
{
    void *first = rogue;
    void *second = rogue = dial_ours ();
    say_connection (0, 2);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    rogue = first;
    say_connection (0, 1);
    expect_bye (ZANNI_BYE_DEAD, "");
    rogue = second;
    say_tell (1);
    expect_records (1);
    say_connection (0, 2);   // again
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    rogue = first;
    say_connection (0, 3);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    say_tell (2);
    expect_records (2);
    cr_assert_eq (ours.downs, 0);
    rogue = second;
    cr_assert_eq (zmq_close (first), 0);
}

Test (hello, of_an_older_connection_does_not_take_the_pulse_back)
{
    void *first = rogue;
    void *second = rogue = dial_ours ();
    say_connection (1, 2);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    rogue = first;
    say_connection (1, 1);
    expect_bye (ZANNI_BYE_DEAD, "");
    cr_assert_eq (zmq_close (first), 0);
    rogue = second;
    cr_assert_not (stub_run (mine, 1, 600, is_lost, &ours), "two intervals");
    cr_assert (stub_run (mine, 1, 10000, has_no_pulse_to_wait_for, &ours));
}

Test (hello, of_a_session_that_is_down_is_refused_however_often_it_comes)
{
    const zanni_record_t again = hello (5);
    const zanni_record_t bye = { .kind = ZANNI_RECORD_BYE, .as.error = { .code = ZANNI_BYE_DONE } };
    greet (5);
    say (&bye);
    for (int i = 0; i < 3; i++) {
        say (&again);
        expect_bye (ZANNI_BYE_DEAD, "");
    }
    cr_assert_eq (ours.downs, 1);
    greet (6);
}

Test (hello, that_has_seen_what_was_never_sent_ends_the_session)
{
    zanni_record_t record = hello (5);
    greet (5);
    record.as.hello.last = 7;
    say (&record);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    expect_bye (ZANNI_BYE_FAULT, "it has seen a batch that was never sent");
    cr_assert_eq (ours.downs, 1);
}

/* Behind what was no HELLO a good one is welcomed, and nothing else was. */
static void
expect_nothing_but (uint64_t session)
{
    zanni_record_t record = hello (session);
    say (&record);
    do {
        cr_assert (hear_record (&record), "HELLO is not answered");
        cr_assert (record.kind == ZANNI_RECORD_WELCOME || record.as.error.code == ZANNI_BYE_DEAD);
    } while (record.kind != ZANNI_RECORD_WELCOME);
    cr_assert_eq (record.as.hello.session, session);
    cr_assert_eq (ours.downs, 0);
    cr_assert_eq (ours.records, 0);
}

Test (hello, that_is_cut_anywhere_is_none)
{
    uint8_t bytes [1024];
    const zanni_record_t record = hello (5);
    size_t begins = put_batch (bytes, 0);
    size_t size = begins + put (bytes + begins, &record);
    for (size_t cut = 0; cut < size; cut++)
        send_bytes (bytes, cut, false);
    expect_nothing_but (6);
}

/* The fields of a good one, and what may stand in the place of each. */
typedef struct {
    const char *bytes;
    size_t size;
    char type;   // n: a number, b: 16 bytes, t: a text, a: two numbers
} s_field_t;

#define S_FIELD(text, type) { text, sizeof (text) - 1, type }
#define S_ID "\xc4\x10" "rogue's own node"
#define ENDPOINT 10

static const s_field_t far_endpoint = S_FIELD ("\xa2~7", 't');
static const s_field_t s_fields [] = {
    S_FIELD ("\x00", 'n'), S_FIELD ("\x92\x01\x01", 'a'), S_FIELD (S_ID, 'b'), S_FIELD ("\x01", 'n'), S_FIELD ("\xa1r", 't'),
    S_FIELD (S_ID, 'b'), S_FIELD ("\x05", 'n'), S_FIELD ("\x00", 'n'), S_FIELD ("\x00", 'n'),
    S_FIELD ("\x92\xcd\x10\x00\xcd\x10\x00", 'a'), S_FIELD ("\xaaipc:///a/b", 't'), S_FIELD ("\xa0", 't')
};
static const s_field_t s_others [] = {
    S_FIELD ("\x07", 'n'), S_FIELD ("\xff", '-'), S_FIELD ("\xc0", '-'), S_FIELD ("\xc3", '-'),
    S_FIELD ("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", '-'), S_FIELD ("\xa3" "abc", 't'), S_FIELD ("\xa2" "a\0", '-'),
    S_FIELD ("\xa2\xc3\x28", '-'), S_FIELD ("\xc4\x03" "abc", '-'), S_FIELD ("\xc4\x0f" "no sixteen byte", '-'),
    S_FIELD ("\x90", '-'), S_FIELD ("\x91\x01", '-'), S_FIELD ("\x92\x01\xff", '-'), S_FIELD ("\x80", '-'),
    S_FIELD ("\xd4\x05\x00", '-'), S_FIELD ("\xdd\xff\xff\xff\xff", '-'), S_FIELD ("\xc1", '-')
};

enum { FIELDS = sizeof s_fields / sizeof *s_fields, OTHERS = sizeof s_others / sizeof *s_others };

/* With another one in place of one of them; -1: with all of its own. */
static size_t
put_fields (uint8_t *bytes, int changed, int other)
{
    size_t size = put_batch (bytes, 0);
    bytes [size++] = 0x90 | (FIELDS + 1);
    bytes [size++] = ZANNI_RECORD_HELLO;
    for (int i = 0; i < FIELDS; i++) {
        const s_field_t *field = i == changed ? &s_others [other] : is_far () && i == ENDPOINT ? &far_endpoint : &s_fields [i];
        memcpy (bytes + size, field->bytes, field->size);
        size += field->size;
    }
    return size;
}

Test (hello, of_a_field_of_another_type_is_none)
{
    uint8_t bytes [1024];
    for (int i = 0; i < FIELDS; i++)
        for (int j = 0; j < OTHERS; j++) {
            if (s_fields [i].type == s_others [j].type)
                continue;
            send_bytes (bytes, put_fields (bytes, i, j), false);
            stub_run (mine, 1, 0, NULL, NULL);
        }
    send_bytes (bytes, put_fields (bytes, -1, 0), false);
    zanni_record_t record;
    do
        cr_assert (hear_record (&record), "the good one is not answered");
    while (record.kind == ZANNI_RECORD_BYE && record.as.error.code == ZANNI_BYE_DEAD);
    cr_assert_eq (record.kind, ZANNI_RECORD_WELCOME);   // and so the others have been read
    cr_assert_eq (ours.records + ours.downs, 0);
    cr_assert_not_null (strstr (ours.log, "dropped"), "%s", ours.log);
}

Test (hello, may_hold_more_than_is_known)
{
    uint8_t bytes [1024];
    size_t begins = put_batch (bytes, 0);
    size_t size = put_fields (bytes, -1, 0);
    bytes [begins] = 0x90 | (FIELDS + 3);
    memcpy (bytes + size, "\x09\x92\xa1x\xc0", 5);   // its connection's number is known
    send_bytes (bytes, size + 5, false);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
}

/* Nothing else is in its message. */
Test (hello, brings_no_other_record_with_it)
{
    uint8_t bytes [4096];
    const zanni_record_t record = hello (5);
    const zanni_record_t more = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .method = { "add", 3 }, .args = { "\x90", 1 }
    };
    size_t size = put_batch (bytes, 0);
    size += put (bytes + size, &record);
    size += put (bytes + size, &more);
    send_bytes (bytes, size, false);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    stub_run (mine, 1, 20, NULL, NULL);
    cr_assert_eq (ours.records, 0);
}

static bool
has_no_connection (void *stub)
{
    return !((zanni__hub_t *) ((stub_t *) stub)->link)->routes.count;
}

/* A node that was given up by us, or has given us up, and comes back: its new pulse may be later than its session. */
Test (hello, of_a_new_session_gives_a_pulse_that_broke_the_time_of_a_new_one)
{
    zanni_record_t record = hello (1);
    void *session = rogue;
    rogue = dial_ours ();
    record.as.hello.purpose = 1;
    say (&record);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    cr_assert_eq (zmq_close (rogue), 0);
    rogue = session;
    cr_assert (stub_run (mine, 1, 10000, has_no_connection, &ours), "its end is not seen");
    greet (2);
    cr_assert_not (stub_run (mine, 1, 600, is_lost, &ours), "two intervals");
    cr_assert (stub_run (mine, 1, 1200, is_lost, &ours), "it has to come in the end");
}
