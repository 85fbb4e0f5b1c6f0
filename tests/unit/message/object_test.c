/* Instances of registered types: hooks, whose they are, what they cost, and passing on what one does not know. */

#include "types.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* A type with state that stays at home: a lock, a descriptor, a cache. */

typedef struct {
    char path [64];
    pthread_mutex_t lock;
    int fd;
    size_t length;       // a cache of strlen (path)
    zanni_buffer_t *content;
} file_t;

static int made, dropped;

static int
file_pack (const void *instance, zanni_list_t *values)
{
    const file_t *file = instance;
    return file->content ? zanni_list_append (values, file->path, file->content) : zanni_list_append (values, file->path);
}

static int
file_unpack (void *instance, uint32_t version, zanni_msg_t *values)
{
    file_t *file = instance;
    const char *path;
    const zanni_buffer_t *content = NULL;
    int rc = zanni_read (values, &path);
    if (!rc && zanni_more (values))
        rc = zanni_read (values, &content);
    if (rc)
        return rc;
    if (version != 1 || *path != '/')
        return ZANNI_EINVAL;
    snprintf (file->path, sizeof file->path, "%s", path);
    file->length = strlen (path);
    file->fd = dup (STDERR_FILENO);
    file->content = content ? zanni_buffer_keep (content) : NULL;
    pthread_mutex_init (&file->lock, NULL);
    made++;
    return 0;
}

static void
file_drop (void *instance)
{
    file_t *file = instance;
    pthread_mutex_destroy (&file->lock);
    close (file->fd);
    zanni_buffer_destroy (&file->content);
    dropped++;
}

static const zanni_type_t file_type = {
    .name = "file", .version = 1, .size = sizeof (file_t), .pack = file_pack, .unpack = file_unpack, .drop = file_drop
};

Test (object, hooks_leave_state_at_home_and_make_it_anew)
{
    zanni_buffer_t *content = buffer_of ("content");
    file_t sent = { .path = "/tmp/x", .lock = PTHREAD_MUTEX_INITIALIZER, .fd = 1000000, .content = content };
    file_t *got = NULL;
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&file_type, &sent));
    cr_assert_leq (msg->args.size, 32, "neither lock nor descriptor travels");
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&file_type, &got)), 0, "%s", zanni_msg_fault (msg));
    cr_assert_str_eq (got->path, "/tmp/x");
    cr_assert_eq (got->length, 6);
    cr_assert_eq (got->content, content);
    cr_assert_eq (users (content), 3);
    cr_assert_eq (pthread_mutex_lock (&got->lock), 0);
    cr_assert_eq (pthread_mutex_unlock (&got->lock), 0);
    cr_assert_neq (lseek (got->fd, 0, SEEK_CUR) == -1 && errno == EBADF, 1);
    cr_assert_eq (dropped, 0);
    test_free (msg);
    cr_assert_eq (made, 1);
    cr_assert_eq (dropped, 1, "with its message");
    cr_assert_eq (users (content), 1);
    zanni_buffer_destroy (&content);
}

Test (object, what_hooks_made_can_outlive_its_message)
{
    file_t sent = { .path = "/tmp/x" };
    file_t *got = NULL, *own = NULL;
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&file_type, &sent));
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&file_type, &got)), 0);
    zanni_type_destroy (&got);
    cr_assert_null (got);
    cr_assert_eq (dropped, 0, "it is the message's");
    zanni_rewind (msg);
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&file_type, &got)), 0);
    cr_assert_eq (zanni_type_take (&own, got), 0);
    cr_assert_eq (own, got);
    test_free (msg);
    cr_assert_eq (dropped, 1, "the one that nobody took");
    cr_assert_str_eq (own->path, "/tmp/x");
    zanni_type_destroy (&own);
    cr_assert_eq (dropped, 2);
}

Test (object, an_unpack_that_refuses_leaves_nothing)
{
    file_t sent = { .path = "relative" };
    file_t *got = NULL;
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&file_type, &sent));
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&file_type, &got)), ZANNI_EARGS);
    cr_assert_str_eq (zanni_msg_fault (msg),
                      "argument 1 is type \"file\" version 1 whose fields do not fit, type \"file\" was wanted");
    test_free (msg);
    cr_assert_eq (made + dropped, 0);
}

static int
many_pack (const void *instance, zanni_list_t *values)
{
    int count = *(const int *) instance;
    int rc = 0;
    for (int i = 0; !rc && i < count; i++)
        rc = zanni_list_append (values, i);
    return rc;
}

static int
many_unpack (void *instance, uint32_t version, zanni_msg_t *values)
{
    int number, rc = 0;
    (void) version;
    for (int i = 0; !rc && zanni_more (values); i++) {
        rc = zanni_read (values, &number);
        *(int *) instance += !rc && number == i;
    }
    zanni_rewind (values);   // goes to the first field, not to the message's first argument
    return !rc && zanni_more (values) && zanni_read (values, &number) == 0 && number ? ZANNI_EINVAL : rc;
}

static const zanni_type_t many = { .name = "many", .size = sizeof (int), .pack = many_pack, .unpack = many_unpack };

Test (object, hooks_append_any_number_of_values)
{
    static const int counts [] = { 0, 1, 15, 16, 17, 300, 65535, 65536 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const int *got = NULL;
        zanni_msg_t *msg = test_packed (1, ZANNI_OBJECT (&many, &counts [i]), 2);
        cr_assert_eq (zanni_skip (msg), 0);
        cr_assert_eq (zanni_read (msg, ZANNI_INTO (&many, &got)), 0, "%s", zanni_msg_fault (msg));
        cr_assert_eq (*got, counts [i]);
        test_free (msg);
    }
}

static int
bad_pack (const void *instance, zanni_list_t *values)
{
    zanni_buffer_t *buffer = *(zanni_buffer_t *const *) instance;
    int rc = zanni_list_append (values, test_ref (1));
    cr_assert_eq (rc, ZANNI_EARGS, "no references");
    rc = zanni_list_append (values, ZANNI_OBJECT (&small, &small_defaults));
    cr_assert_eq (rc, ZANNI_EARGS, "no registered types");
    for (int i = 0; i < ZANNI_TYPE_BUFFERS; i++)
        cr_assert_eq (zanni_list_append (values, buffer), 0);
    return zanni_list_append (values, buffer);
}

static const zanni_type_t bad = {
    .name = "bad", .size = sizeof (void *), .pack = bad_pack, .unpack = many_unpack
};

Test (object, hooks_have_limits)
{
    zanni_buffer_t *buffer = buffer_of ("x");
    zanni_msg_t *msg = test_message ();
    cr_assert_eq (test_pack (msg, ZANNI_OBJECT (&bad, &buffer)), ZANNI_ETOOBIG);
    cr_assert_eq (users (buffer), 1);
    zanni__free (msg);
    zanni_buffer_destroy (&buffer);
}

Test (object, a_copy_of_ones_own_outlives_its_message)
{
    zanni_buffer_t *buffer = buffer_of ("beside");
    all_t sent = sample (buffer);
    const all_t *got = NULL;
    all_t *own = NULL;
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&all, &sent));
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&all, &got)), 0);
    cr_assert_eq (zanni_type_take (&own, got), 0);
    test_free (msg);
    assert_sample (own, buffer);
    cr_assert_eq (users (buffer), 2);
    zanni_type_destroy (&own);
    cr_assert_null (own);
    cr_assert_eq (users (buffer), 1);
    zanni_type_destroy (&own);
    zanni_buffer_destroy (&buffer);
}

Test (object, instances_are_reused_and_begin_with_their_defaults)
{
    small_t *one = NULL;
    cr_assert_eq (zanni_type_new (&one, &small), 0);
    cr_assert_eq (one->two, 2);
    cr_assert_eq ((uintptr_t) one % 16, 0);
    one->two = 77;
    void *before = one;
    zanni_type_destroy (&one);
    cr_assert_eq (zanni_type_new (&one, &small), 0);
    cr_assert_eq ((void *) one, before);
    cr_assert_eq (one->two, 2);
    zanni_type_destroy (&one);
}

Test (object, instances_and_packing_allocate_nothing_once_warm)
{
    small_t *one = NULL;
    faults_install ();
    cr_assert_eq (zanni_type_new (&one, &small), 0);
    zanni_type_destroy (&one);
    zanni_msg_t *msg = test_message ();
    long tried = faults_tried ();
    const small_t *got = NULL;
    cr_assert_eq (zanni_type_new (&one, &small), 0);
    cr_assert_eq (test_pack (msg, ZANNI_OBJECT (&small, one)), 0);
    cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), 0);
    zanni_type_destroy (&one);
    cr_assert_eq (faults_tried (), tried);
    test_free (msg);
}

/* Sends, reads and takes a type whose instance and text fit no room, with each allocation failing in turn; `stays` is how
   many blocks the first time leaves behind: types and slabs. */
static void
fail_each (const all_t *sent, long stays)
{
    bool done = false;
    for (long nth = 1; !done; nth++) {
        const all_t *got = NULL;
        all_t *own = NULL;
        long held = faults_held ();
        zanni_msg_t *msg = test_message ();
        faults_fail (nth, 0);
        int rc = test_pack (msg, ZANNI_OBJECT (&all, sent));
        if (rc)
            msg->args = (zanni__args_t) { .size = 0 };
        if (!rc)
            rc = zanni_read (msg, ZANNI_INTO (&all, &got));
        if (!rc)
            rc = zanni_type_take (&own, got);
        done = !faults_struck ();
        faults_fail (0, 0);
        cr_assert_eq (rc, done ? 0 : ZANNI_ENOMEM);
        if (done)
            cr_assert_str_eq (own->text, sent->text);
        zanni_type_destroy (&own);
        test_free (msg);
        cr_assert_eq (users (sent->buffer), 1);
        cr_assert_leq (faults_held (), held + stays);
    }
}

Test (object, whatever_allocation_fails_nothing_is_lost)
{
    zanni_buffer_t *buffer = buffer_of ("beside");
    all_t sent = sample (buffer);
    char text [1000];
    memset (text, 't', sizeof text - 1);
    text [sizeof text - 1] = 0;
    sent.text = text;
    faults_install ();
    fail_each (&sent, 6);
    fail_each (&sent, 0);
    zanni_buffer_destroy (&buffer);
}

/* Passes the only argument of a message on in another one, behind a buffer and a reference. */
static zanni_msg_t *
passed_on (zanni_msg_t *msg, zanni_buffer_t *first)
{
    const zanni_object_t *object = NULL;
    cr_assert_eq (zanni_read (msg, &object), 0, "%s", zanni_msg_fault (msg));
    return test_packed (first, zanni_object_arg (object), test_ref (1));
}

Test (object, an_unknown_one_is_passed_on_unchanged_with_its_buffers)
{
    zanni_buffer_t *buffer = buffer_of ("beside"), *first = buffer_of ("first");
    all_t sent = sample (buffer);
    const zanni_object_t *object = NULL;
    const all_t *got = NULL;
    zanni_msg_t *msg = test_packed (ZANNI_OBJECT (&all, &sent));
    cr_assert_eq (zanni_read (msg, &object), 0);
    cr_assert_str_eq (zanni_object_name (object), "all");
    cr_assert_eq (zanni_object_version (object), 1);
    cr_assert_gt (zanni_object_fields (object).size, 100);
    zanni_rewind (msg);
    zanni_msg_t *next = passed_on (msg, first);
    test_free (msg);
    cr_assert_eq (zanni_skip (next), 0);
    cr_assert_eq (zanni_read (next, ZANNI_INTO (&all, &got)), 0, "%s", zanni_msg_fault (next));
    assert_sample (got, buffer);
    cr_assert_eq (users (buffer), 2);
    test_free (next);
    cr_assert_eq (users (buffer), 1);
    cr_assert_eq (test_refs.kept, 0);
    zanni_buffer_destroy (&buffer);
    zanni_buffer_destroy (&first);
}

Test (object, references_and_methods_of_an_unknown_one_are_passed_on)
{
    static const char data [] = "\xa1x\x01\x94\x05\x91\xd4\x01\x00\xc7\x04\x04\x92\x01\xa1m\xd4\x02\x00";
    zanni_buffer_t *buffer = buffer_of ("beside"), *first = buffer_of ("first");
    void *table [] = { test_ref (7), test_ref (8), buffer };
    zanni_msg_t *msg = foreign_object (data, sizeof data - 1);
    msg->args.table = table;
    msg->args.refs = 2;
    msg->args.buffers = 1;
    zanni_msg_t *next = passed_on (msg, first);
    cr_assert_eq (next->args.refs, 3);
    cr_assert_eq (next->args.buffers, 2);
    cr_assert_eq (next->args.table [0], test_ref (7));
    cr_assert_eq (next->args.table [1], test_ref (8));
    cr_assert_eq (next->args.table [4], buffer);
    zanni__fault_t fault;
    cr_assert_eq (zanni__signature_match ("Bor", &next->args, &fault), 0);
    test_free (next);
    test_foreign_free (msg);
    zanni_buffer_destroy (&buffer);
    zanni_buffer_destroy (&first);
}

Test (object, lists_hold_types_without_buffers_only)
{
    zanni_list_t *list = NULL;
    zanni_buffer_t *buffer = buffer_of ("beside");
    all_t sent = sample (buffer);
    cr_assert_eq (zanni_list_new (&list), 0);
    cr_assert_eq (zanni_list_append (list, ZANNI_OBJECT (&all, &sent)), ZANNI_EARGS);
    for (int i = 0; i < 100; i++)
        cr_assert_eq (zanni_list_append (list, ZANNI_OBJECT (&small, &((small_t) { .one = i }))), 0);
    zanni_msg_t *msg = test_packed (zanni_list_arg (list));
    zanni__fault_t fault;
    size_t count = 0;
    const small_t *got = NULL;
    cr_assert_eq (zanni__signature_match ("ao", &msg->args, &fault), 0);
    cr_assert_eq (zanni_enter (msg, &count), 0);
    cr_assert_eq (count, 100);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq (zanni_read (msg, ZANNI_INTO (&small, &got)), 0);
        cr_assert_eq (got->one, i);
    }
    test_free (msg);
    msg = test_message ();
    static const uint8_t hidden [] = { 0xc7, 8, 6, 0xa1, 'x', 1, 0x91, 0xd4, 2, 0, 0xc0 };
    cr_assert_eq (test_pack (msg, ((zanni_packed_t) { hidden, 10 })), ZANNI_EARGS);
    zanni__free (msg);
    zanni_list_destroy (&list);
    zanni_buffer_destroy (&buffer);
}
