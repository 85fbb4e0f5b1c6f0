/* Registered types, sent to actors in each place and back. A process actor of this test knows a later version of them
   than its root does: it is another program, as far as types go. */

#include "support.h"

typedef struct {
    char name [24];
    int32_t priority;
    double weight;
    zanni_buffer_t *data;
} job_t;

typedef struct {
    job_t job;
    int64_t budget;    // new in version 2
} job_2_t;

static const zanni_field_t job_fields [] = {
    ZANNI_FIELD (job_t, name), ZANNI_FIELD (job_t, priority), ZANNI_FIELD (job_t, weight), ZANNI_FIELD (job_t, data),
    ZANNI_FIELD_END
};
static const zanni_field_t job_2_fields [] = {
    ZANNI_FIELD (job_2_t, job.name), ZANNI_FIELD (job_2_t, job.priority), ZANNI_FIELD (job_2_t, job.weight),
    ZANNI_FIELD (job_2_t, job.data), ZANNI_FIELD (job_2_t, budget), ZANNI_FIELD_END
};
static const job_2_t job_2_defaults = { .budget = 100 };
static const zanni_type_t job_1 = { .name = "job", .version = 1, .size = sizeof (job_t), .fields = job_fields };
static const zanni_type_t job_2 = {
    .name = "job", .version = 2, .size = sizeof (job_2_t), .fields = job_2_fields, .defaults = &job_2_defaults
};

/* Only the root's program has a root. */
static const zanni_type_t *
job_here (void)
{
    return root ? &job_1 : &job_2;
}

/* One that leaves its lock at home. */
typedef struct {
    pthread_mutex_t lock;
    int64_t balance;
} account_t;

static int
account_pack (const void *instance, zanni_list_t *values)
{
    return zanni_list_append (values, ((const account_t *) instance)->balance);
}

static int
account_unpack (void *instance, uint32_t version, zanni_msg_t *values)
{
    account_t *account = instance;
    (void) version;
    int rc = zanni_read (values, &account->balance);
    return rc ? rc : -pthread_mutex_init (&account->lock, NULL);
}

static void
account_drop (void *instance)
{
    pthread_mutex_destroy (&((account_t *) instance)->lock);
}

static const zanni_type_t account_type = {
    .name = "account", .size = sizeof (account_t), .pack = account_pack, .unpack = account_unpack, .drop = account_drop
};

typedef struct {
    job_t *kept;
} clerk_t;

/* Answers the job with its priority one higher; in a newer version the budget is told by it, too. */
static int
clerk_raise (zanni_t *self, zanni_msg_t *msg)
{
    const job_t *got;
    int rc = zanni_read (msg, ZANNI_INTO (job_here (), &got));
    if (rc)
        return rc;
    job_2_t raised = { .job = *got, .budget = 1 };
    raised.job.priority += root ? 1 : (int32_t) ((const job_2_t *) got)->budget;
    return zanni_reply (self, msg, ZANNI_OBJECT (job_here (), &raised));
}

static int
clerk_keep (zanni_t *self, zanni_msg_t *msg)
{
    clerk_t *clerk = zanni_state (self);
    const job_t *got;
    int rc = zanni_read (msg, ZANNI_INTO (job_here (), &got));
    return rc ? rc : zanni_type_take (&clerk->kept, got);
}

static int
clerk_give (zanni_t *self, zanni_msg_t *msg)
{
    clerk_t *clerk = zanni_state (self);
    int rc = zanni_reply (self, msg, ZANNI_OBJECT (job_here (), clerk->kept));
    zanni_type_destroy (&clerk->kept);
    return rc;
}

static int
clerk_pay (zanni_t *self, zanni_msg_t *msg)
{
    account_t *account;
    int64_t amount;
    int rc = zanni_read (msg, ZANNI_INTO (&account_type, &account), &amount);
    if (rc)
        return rc;
    pthread_mutex_lock (&account->lock);
    account->balance += amount;
    pthread_mutex_unlock (&account->lock);
    return zanni_reply (self, msg, ZANNI_OBJECT (&account_type, account));
}

/* Knows nothing of what it passes on. */
static int
clerk_pass (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_object_t *object;
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &object, &buffer);
    return rc ? rc : zanni_reply (self, msg, zanni_object_name (object), buffer, zanni_object_arg (object));
}

static const zanni_method_t clerk_methods [] = {
    ZANNI_METHOD ("raise", "o", "o", clerk_raise, ""),
    ZANNI_METHOD ("keep", "o", "", clerk_keep, ""),
    ZANNI_METHOD ("give", "", "o", clerk_give, ""),
    ZANNI_METHOD ("pay", "ox", "o", clerk_pay, ""),
    ZANNI_METHOD ("pass", "oB", "sBo", clerk_pass, ""),
    ZANNI_METHOD ("any", "v", "", clerk_pay, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t clerk_class = {
    .name = "clerk", .state_size = sizeof (clerk_t), .methods = clerk_methods
};
CLASSES (&clerk_class);

static zanni_buffer_t *
data_of (size_t size)
{
    zanni_buffer_t *buffer = NULL;
    void *data;
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, 'd', size);
    return buffer;
}

static void
expect_job (const job_t *job, int32_t priority, size_t size)
{
    cr_assert_str_eq (job->name, "wash");
    cr_assert_eq (job->priority, priority);
    cr_assert_eq (job->weight, 0.5);
    cr_assert_eq (zanni_buffer_size (job->data), size);
    const uint8_t *data = zanni_buffer_data (job->data);
    cr_assert (data [0] == 'd' && data [size - 1] == 'd');
}

EVERYWHERE (types, come_and_go_with_their_buffers_whatever_the_version)
{
    static const size_t sizes [] = { 1, 5000, 3 << 20 };
    ZANNI_AUTO (zanni_ref_t) clerk = spawn ("clerk");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        job_t job = { "wash", 3, 0.5, data_of (sizes [i]) };
        const job_t *raised = NULL;
        ZANNI_AUTO (zanni_msg_t) reply = call (clerk, "raise", ZANNI_OBJECT (&job_1, &job));
        cr_assert_eq (zanni_read (reply, ZANNI_INTO (&job_1, &raised)), 0, "%s", zanni_msg_fault (reply));
        expect_job (raised, apart () ? 103 : 4, sizes [i]);
        zanni_buffer_destroy (&job.data);
    }
}

EVERYWHERE (types, that_were_taken_outlive_their_message)
{
    ZANNI_AUTO (zanni_ref_t) clerk = spawn ("clerk");
    job_t job = { "wash", 3, 0.5, data_of (100) };
    const job_t *given = NULL;
    tell (clerk, "keep", ZANNI_OBJECT (&job_1, &job));
    zanni_buffer_destroy (&job.data);
    ZANNI_AUTO (zanni_msg_t) reply = call (clerk, "give");
    cr_assert_eq (zanni_read (reply, ZANNI_INTO (&job_1, &given)), 0);
    expect_job (given, 3, 100);
}

EVERYWHERE (types, with_hooks_are_made_anew_where_they_come)
{
    ZANNI_AUTO (zanni_ref_t) clerk = spawn ("clerk");
    account_t account = { .lock = PTHREAD_MUTEX_INITIALIZER, .balance = 40 };
    account_t *got = NULL;
    pthread_mutex_lock (&account.lock);   // stays at home, locked
    ZANNI_AUTO (zanni_msg_t) reply = call (clerk, "pay", ZANNI_OBJECT (&account_type, &account), 2);
    pthread_mutex_unlock (&account.lock);
    cr_assert_eq (zanni_read (reply, ZANNI_INTO (&account_type, &got)), 0);
    cr_assert_eq (got->balance, 42);
    cr_assert_eq (pthread_mutex_trylock (&got->lock), 0);
    pthread_mutex_unlock (&got->lock);
}

EVERYWHERE (types, that_nobody_knows_are_passed_on_unchanged)
{
    ZANNI_AUTO (zanni_ref_t) clerk = spawn ("clerk");
    job_t job = { "wash", 3, 0.5, data_of (1000) };
    zanni_buffer_t *other = data_of (10);
    const job_t *got = NULL;
    const char *name = NULL;
    const zanni_buffer_t *buffer = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = call (clerk, "pass", ZANNI_OBJECT (&job_1, &job), other);
    zanni_buffer_destroy (&job.data);
    zanni_buffer_destroy (&other);
    cr_assert_eq (zanni_read (reply, &name, &buffer, ZANNI_INTO (&job_1, &got)), 0, "%s", zanni_msg_fault (reply));
    cr_assert_str_eq (name, "job");
    cr_assert_eq (zanni_buffer_size (buffer), 10);
    expect_job (got, 3, 1000);
}

EVERYWHERE (types, that_do_not_fit_are_bad_arguments)
{
    ZANNI_AUTO (zanni_ref_t) clerk = spawn ("clerk");
    zanni_error_t error = { 0 };
    static const uint8_t hostile [] = { 0xc7, 9, 6, 0xa3, 'j', 'o', 'b', 1, 0xdc, 0xff, 0xff, 0 };
    static const uint8_t wrong [] = { 0xc7, 7, 6, 0xa3, 'j', 'o', 'b', 1, 0x91, 5 };
    job_t job = { .name = "wash" };
    cr_assert_eq (refused (&error, clerk, "raise", 5), ZANNI_EARGS);
    cr_assert (strstr (error.text, "argument 1 is an integer, registered type (o) was wanted"), "%s", error.text);
    cr_assert_eq (refused (&error, clerk, "pay", ZANNI_OBJECT (&job_1, &job), 1), ZANNI_EARGS);
    cr_assert_eq (refused (&error, clerk, "raise", ((zanni_packed_t) { wrong, sizeof wrong })), ZANNI_EARGS);
    zanni_msg_t *reply = NULL;
    int rc = zanni_call (root, &reply, clerk, "raise", ((zanni_packed_t) { hostile, sizeof hostile }));
    cr_assert_eq (rc, ZANNI_EARGS);
    zanni_error_reset (&error);
}
