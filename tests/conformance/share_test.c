/* Objects of a program's own become actors: an archive answers with its records as references, not as copies. The
   records are its process's and not its own, since who holds one may do so longer than the archive lives. */

#include "support.h"

#include <sched.h>
#include <stdatomic.h>

typedef struct {
    int64_t number;
    bool freed;
} record_t;

#define RECORDS 3

static record_t s_records [RECORDS];

static int
record_add (zanni_t *self, zanni_msg_t *msg)
{
    record_t *record = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, record->number += number);
}

static int
record_never (zanni_t *self, zanni_msg_t *msg)
{
    record_t *record = zanni_state (self);
    (void) msg;
    record->number = -1;
    return ZANNI_EINVAL;
}

static void
record_stop (zanni_t *self, const zanni_reason_t *reason)
{
    record_t *record = zanni_state (self);
    (void) reason;
    record->number = -1;
}

static const zanni_method_t record_methods [] = {
    ZANNI_METHOD ("add", "x", "x", record_add, "Adds to the number; answers it."), ZANNI_METHOD_END
};
static const zanni_class_t record_class = {
    .name = "record", .state_size = sizeof (record_t), .methods = record_methods, .start = record_never, .stop = record_stop
};
static const zanni_class_t other_class = { .name = "other", .state_size = sizeof (record_t) };

static int
loop_run (zanni_t *self)
{
    return zanni_receive (self, NULL, 0);
}

static const zanni_class_t loop_class = { .name = "loop", .run = loop_run };

static void
note_freed (void *object)
{
    record_t *record = object;
    record->freed = true;
}

/* The record with that number, of RECORDS. */
static int
archive_record (zanni_t *self, zanni_msg_t *msg)
{
    int64_t index;
    int rc = zanni_read (msg, &index);
    if (rc)
        return rc;
    return index < 0 || index >= RECORDS ? ZANNI_EINVAL
                                         : zanni_reply_share (self, msg, &s_records [index], note_freed);
}

static int
archive_number (zanni_t *self, zanni_msg_t *msg)
{
    int64_t index;
    int rc = zanni_read (msg, &index);
    return rc ? rc : zanni_reply (self, msg, s_records [index].number);
}

/* How many records were given back. */
static int
archive_freed (zanni_t *self, zanni_msg_t *msg)
{
    int64_t count = 0;
    for (int i = 0; i < RECORDS; i++)
        count += s_records [i].freed;
    return zanni_reply (self, msg, count);
}

static int
archive_no_result (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) zanni_reply_share (self, msg, &s_records [0], NULL));
}

static int
archive_other (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply_share (self, msg, &s_records [0], NULL);
}

static const zanni_method_t archive_methods [] = {
    ZANNI_SHARES ("record", "x", "record", archive_record, "The record with that number."),
    ZANNI_SHARES ("as other", "", "other", archive_other, "The first record, as what it is not."),
    ZANNI_METHOD ("number", "x", "x", archive_number, "What a record holds."),
    ZANNI_METHOD ("freed", "", "x", archive_freed, "Records that were given back."),
    ZANNI_METHOD ("no result", "", "x", archive_no_result, "Shares though the table names no class; answers the code."),
    ZANNI_METHOD_END
};
static const zanni_class_t archive_class = {
    .name = "archive", .methods = archive_methods
};

/* Adds a thousand to each record that it answers with. */
static int
second_record (zanni_t *self, zanni_msg_t *msg)
{
    void *object;
    int rc = zanni_super_object (self, msg, &object);
    if (rc)
        return rc;
    record_t *record = object;
    record->number += 1000;
    return zanni_reply_share (self, msg, record, note_freed);
}

static const zanni_method_t second_methods [] = {
    ZANNI_SHARES ("record", "x", "record", second_record, "The record with that number, and a thousand more."),
    ZANNI_METHOD_END
};
static const zanni_class_t second_class = {
    .name = "second", .parent = "archive", .methods = second_methods
};

CLASSES (&record_class, &other_class, &loop_class, &archive_class, &second_class);

static zanni_ref_t *
record_of (const zanni_ref_t *archive, int index)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (archive, "record", index);
    const zanni_ref_t *ref;
    zanni_ref_t *copy;
    cr_assert_eq (zanni_read (reply, &ref), 0);
    cr_assert_str_eq (zanni_ref_class (ref), "record");
    cr_assert_eq (zanni_ref_keep (root, &copy, ref), 0);
    return copy;
}

EVERYWHERE (share, an_object_is_called_where_it_is)
{
    ZANNI_AUTO (zanni_ref_t) archive = spawn ("archive");
    ZANNI_AUTO (zanni_ref_t) record = record_of (archive, 1);
    cr_assert_eq (call_int (record, "add", 5), 5);
    cr_assert_eq (call_int (record, "add", 2), 7);
    cr_assert_eq (call_int (archive, "number", 1), 7);
}

EVERYWHERE (share, the_same_object_is_the_same_actor)
{
    ZANNI_AUTO (zanni_ref_t) archive = spawn ("archive");
    ZANNI_AUTO (zanni_ref_t) one = record_of (archive, 1);
    ZANNI_AUTO (zanni_ref_t) again = record_of (archive, 1);
    ZANNI_AUTO (zanni_ref_t) other = record_of (archive, 2);
    cr_assert (zanni_ref_equal (one, again));
    cr_assert (!zanni_ref_equal (one, other));
}

EVERYWHERE (share, an_object_is_given_back_when_nobody_holds_it_any_more)
{
    ZANNI_AUTO (zanni_ref_t) archive = spawn ("archive");
    zanni_ref_t *one = record_of (archive, 1);
    zanni_ref_t *again = record_of (archive, 1);
    uint64_t down = monitor (one);
    cr_assert_eq (zanni_kill (root, one), ZANNI_EPERM);
    zanni_ref_destroy (&one);
    cr_assert_eq (call_int (archive, "freed"), 0);
    cr_assert_eq (call_int (again, "add", 1), 1);
    zanni_ref_destroy (&again);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
    cr_assert_eq (call_int (archive, "freed"), 1);
    ZANNI_AUTO (zanni_ref_t) anew = record_of (archive, 1);
    cr_assert_eq (call_int (anew, "add", 1), 2);   // no stop hook has touched it
}

EVERYWHERE (share, an_object_that_nobody_asked_for_is_given_back)
{
    ZANNI_AUTO (zanni_ref_t) archive = spawn ("archive");
    tell (archive, "record", 2);
    while (call_int (archive, "freed") != 1) {}   // its turn comes behind that of the archive
}

EVERYWHERE (share, an_object_of_another_class_is_refused)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) archive = spawn ("archive");
    ZANNI_AUTO (zanni_ref_t) record = record_of (archive, 0);
    cr_assert_eq (refused (&error, archive, "as other"), ZANNI_EINUSE);
    cr_assert_eq (call_int (archive, "no result"), ZANNI_EINVAL);
    cr_assert_eq (call_int (record, "add", 1), 1);
}

EVERYWHERE (share, a_class_takes_the_object_of_its_parent)
{
    ZANNI_AUTO (zanni_ref_t) archive = spawn ("second");
    ZANNI_AUTO (zanni_ref_t) record = record_of (archive, 1);
    cr_assert_eq (call_int (record, "add", 1), 1001);
}

/* Two threads of the program's share the same object again and again, and let it go: whoever has it can call it. */
#define SHARINGS 200

static struct {
    zanni_node_t *node;
    record_t record;
    atomic_int freed, met;
    pthread_mutex_t lock;
    size_t actors;
    uint64_t seen [2 * SHARINGS];
} s_common;

static void
count_freed (void *object)
{
    cr_assert_eq (object, &s_common.record);
    atomic_fetch_add (&s_common.freed, 1);
}

static void
see_actor (const zanni_ref_t *ref)
{
    uint64_t actor = zanni_ref_address (ref).actor;
    pthread_mutex_lock (&s_common.lock);
    size_t at = s_common.actors;
    while (at > 0 && s_common.seen [at - 1] != actor)
        at--;
    if (!at)
        s_common.seen [s_common.actors++] = actor;
    pthread_mutex_unlock (&s_common.lock);
}

/* Until both are there; the object may be here, and the other thread call it. */
static int
meet (zanni_t *self, int round)
{
    int rc = 0;
    atomic_fetch_add (&s_common.met, 1);
    while (rc >= 0 && atomic_load (&s_common.met) < 2 * round) {
        rc = zanni_step (self, 64);
        sched_yield ();
    }
    return rc < 0 ? rc : 0;
}

static void *
share_again_and_again (void *arg)
{
    zanni_t *self = NULL;
    const char *fault = NULL;
    int rc = zanni_attach (&self, s_common.node);
    for (int i = 1; !rc && i <= SHARINGS; i++) {
        zanni_ref_t *ref = NULL;
        rc = meet (self, i);
        if (rc)
            break;
        fault = "share";
        rc = zanni_share (self, &ref, "record", &s_common.record, count_freed);
        if (!rc) {
            see_actor (ref);
            fault = "call";
            rc = zanni_call (self, NULL, ref, "add", 1);
        }
        zanni_ref_destroy (&ref);
    }
    if (!rc)
        rc = meet (self, SHARINGS + 1);
    else
        atomic_fetch_add (&s_common.met, 2 * SHARINGS);   // the other does not wait for this one
    zanni_destroy (&self);
    (void) arg;
    return (void *) (uintptr_t) (rc ? fault : NULL);
}

Test (share, an_object_that_threads_share_at_once_is_one_actor, .timeout = 60)
{
    pthread_t threads [2];
    zanni_t *self = NULL;
    cr_assert_eq (zanni_new (&self, NULL), 0);
    s_common.node = zanni_node_of (self);
    pthread_mutex_init (&s_common.lock, NULL);
    for (int i = 0; i < 2; i++)
        cr_assert_eq (pthread_create (&threads [i], NULL, share_again_and_again, NULL), 0);
    for (int i = 0; i < 2; i++) {
        void *fault = "";
        cr_assert_eq (pthread_join (threads [i], &fault), 0);
        cr_assert_null (fault, "%s failed", (const char *) fault);
    }
    zanni_destroy (&self);
    cr_assert_eq (s_common.record.number, 2 * SHARINGS);
    cr_assert_eq ((size_t) atomic_load (&s_common.freed), s_common.actors, "once each");
}

Test (share, refuses_what_is_no_object_or_class, .timeout = 20)
{
    zanni_t *self = NULL;
    zanni_ref_t *ref = NULL;
    record_t record = { .number = 1 };
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_share (self, &ref, "record", NULL, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_share (self, &ref, NULL, &record, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_share (self, NULL, "record", &record, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_share (self, &ref, "nobody", &record, NULL), ZANNI_ENOCLASS);
    cr_assert_eq (zanni_share (self, &ref, "loop", &record, NULL), ZANNI_EINVAL);
    cr_assert_null (ref);
    cr_assert_eq (zanni_share (self, &ref, "record", &record, note_freed), 0);
    zanni_ref_destroy (&ref);
    zanni_destroy (&self);
    cr_assert (record.freed);
    cr_assert_eq (record.number, 1);
}

Test (share, says_what_is_wrong_with_a_result, .timeout = 20)
{
    static const zanni_method_t unknown [] = {
        ZANNI_SHARES ("get", "", "nobody", archive_other, ""), ZANNI_METHOD_END
    };
    static const zanni_method_t wrong [] = { { "get", "", "x", archive_other, "", 0, "record" }, ZANNI_METHOD_END };
    static const zanni_class_t one = { .name = "one", .methods = unknown };
    static const zanni_class_t two = { .name = "two", .methods = wrong };
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_register ((const zanni_class_t *const []) { &one, NULL }, &error), ZANNI_ECLASS);
    cr_assert (strstr (error.text, "\"nobody\", and no class has that name"), "%s", error.text);
    cr_assert_eq (zanni_register ((const zanni_class_t *const []) { &two, NULL }, &error), ZANNI_ECLASS);
    cr_assert (strstr (error.text, "its out is to be \"r\", not \"x\""), "%s", error.text);
}
