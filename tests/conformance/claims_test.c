/* Claim check: buffers from some size on leave a node as blobs in a store, and nobody who sends or receives them sees it.

   Where the store keeps files, a receiver has the buffer mapped from one, which is how it shows. */

#include "support.h"
#include "kinds.h"
#include "support/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <zanni/store.h>

#if defined HAS_REDIS
#include "support/redis.h"
#endif

#define MIB ((size_t) 1 << 20)

static char folder [SCRATCH_PATH];
static char there [80];   // the store's place

typedef struct {
    zanni_buffer_t *held;
    zanni_ref_t *next;
} keeper_t;

/* The number of the file below the folder in which these bytes lie; 0: in none. */
static uint64_t
file_of (const void *data, const char *part)
{
    char line [512];
    uint64_t inode = 0;
    FILE *file = fopen ("/proc/self/maps", "r");
    while (file && fgets (line, sizeof line, file)) {
        uintptr_t from, to;
        unsigned long number;
        if (strstr (line, part) && sscanf (line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %lu", &from, &to, &number) == 3
            && (uintptr_t) data >= from && (uintptr_t) data < to)
            inode = number;
    }
    if (file)
        fclose (file);
    return inode;
}

static bool
is_whole (const zanni_buffer_t *buffer, uint8_t seed)
{
    const uint8_t *data = zanni_buffer_data (buffer);
    for (size_t i = 0; i < zanni_buffer_size (buffer); i++)
        if (data [i] != (uint8_t) (seed + i % 251))
            return false;
    return true;
}

static int
make_filled (zanni_t *self, zanni_buffer_t **buffer_p, size_t size, uint8_t seed)
{
    void *data;
    int rc = zanni_buffer_new (self, buffer_p, size);
    if (!rc)
        rc = zanni_buffer_edit (&data, *buffer_p);
    for (size_t i = 0; !rc && i < size; i++)
        ((uint8_t *) data) [i] = (uint8_t) (seed + i % 251);
    return rc;
}

/* Keeps the buffer; whether it is what was sent, the file that it is in, and how many columns it has. */
static int
keeper_keep (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    const zanni_buffer_t *buffer;
    const char *part;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS] = { 0 };
    zanni_element_t element;
    uint8_t seed;
    int rc = zanni_read (msg, &buffer, &seed, &part);
    if (rc)
        return rc;
    zanni_buffer_destroy (&keeper->held);
    keeper->held = zanni_buffer_keep (buffer);
    size_t dimensions = zanni_buffer_array (buffer, &element, shape);
    bool lies_well = !dimensions || (uintptr_t) zanni_buffer_data (buffer) % 64 == 0;
    return zanni_reply (self, msg, is_whole (buffer, seed) && lies_well, file_of (zanni_buffer_data (buffer), part),
                        shape [1]);
}

/* Answers a buffer of its own. */
static int
keeper_make (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    uint64_t size;
    uint8_t seed;
    int rc = zanni_read (msg, &size, &seed);
    if (!rc)
        rc = make_filled (self, &buffer, size, seed);
    return rc ? rc : zanni_reply (self, msg, buffer);
}

static int
keeper_aim (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    if (!rc)
        rc = zanni_ref_keep (self, &keeper->next, next);
    return rc ? rc : zanni_reply (self, msg);
}

static int
keeper_pass (zanni_t *self, zanni_msg_t *msg)
{
    const keeper_t *keeper = zanni_state (self);
    return zanni_forward (self, msg, keeper->next, "keep");
}

/* A reference that is only passed along. */
static int
keeper_look (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg);
}

static int
keeper_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

static void
keeper_stop (zanni_t *self, const zanni_reason_t *reason)
{
    keeper_t *keeper = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&keeper->next);
    zanni_buffer_destroy (&keeper->held);
}

static const zanni_method_t keeper_methods [] = {
    ZANNI_METHOD ("keep", "Bys", "btt", keeper_keep, ""), ZANNI_METHOD ("make", "ty", "B", keeper_make, ""),
    ZANNI_METHOD ("aim", "r", "", keeper_aim, ""), ZANNI_METHOD ("pass", "Bys", "btt", keeper_pass, ""),
    ZANNI_METHOD ("look", "Br", "", keeper_look, ""), ZANNI_METHOD ("pid", "", "x", keeper_pid, ""), ZANNI_METHOD_END
};
static const zanni_class_t keeper_class = {
    .name = "keeper", .state_size = sizeof (keeper_t), .methods = keeper_methods, .stop = keeper_stop
};

CLASSES (&keeper_class);

/* In the folder, or in memory, or in what listens there. */
static void
conform_at (const char *kind, const char *behind, void (*body) (void))
{
    char command [160];
    snprintf (there, sizeof there, "%s:%s%s", kind, strcmp (kind, "shm") ? folder : "", behind);
    place = ZANNI_PROCESS;
    begin ((zanni_options_t) { .name = "claims", .claim_store = there, .claim_least = 100000 });
    body ();
    end ();
    snprintf (command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq (system (command), 0);
}

static void
conform_in (const char *kind, void (*body) (void))
{
    cr_assert (scratch_new (folder));
    conform_at (kind, "", body);
}

#if defined HAS_REDIS

static void
conform_in_redis (void (*body) (void))
{
    cr_assert (scratch_new (folder));
    pid_t server = redis_start (folder, NULL, NULL);
    cr_assert_gt (server, 0, "redis-server does not start");
    conform_at ("redis", "/socket", body);
    redis_stop (&server);
}

#endif

#define ANY_STORE(name) \
    static void s_##name (void); \
    IN_KIND (shm, claims, name) \
    IN_KIND (file, claims, name) \
    IN_LMDB (claims, name) \
    IN_REDIS (claims, name) \
    static void s_##name (void)

#define IN_FILES(name) \
    static void s_##name (void); \
    IN_KIND (file, claims, name) \
    static void s_##name (void)

static zanni_buffer_t *
make (size_t size, uint8_t seed)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (make_filled (root, &buffer, size, seed), 0);
    return buffer;
}

/* The file in which the receiver has it; 0: none. */
static uint64_t
send_to (const zanni_ref_t *keeper, const zanni_buffer_t *buffer, uint8_t seed)
{
    bool whole = false;
    uint64_t file = 0, columns;
    ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "keep", buffer, seed, (const char *) folder);
    cr_assert_eq (zanni_read (reply, &whole, &file, &columns), 0);
    cr_assert (whole);
    return file;
}

static int
count (void *context, const zanni_blob_t *blob)
{
    (void) blob;
    ++*(int *) context;
    return 0;
}

/* Until what is in the store is as much. */
static bool
comes_to (int wanted)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    ZANNI_AUTO (zanni_store_t) store = NULL;
    cr_assert_eq (zanni_store_open (root, &store, there, NULL), 0);
    for (;;) {
        int found = 0;
        cr_assert_eq (zanni_store_list (store, count, &found), 0);
        if (found == wanted || zanni_now_ns (root) > until_ns)
            return found == wanted;
        cr_assert_eq (zanni_run (root, 5), 0);
    }
}

ANY_STORE (large_buffers_arrive_whole_in_both_directions)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    static const size_t sizes [] = { 1000, 99999, 100000, 3 * MIB + 5 };
    for (uint8_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = make (sizes [i], i);
        (void) send_to (keeper, buffer, i);
        const zanni_buffer_t *answer;
        ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "make", sizes [i], i);
        cr_assert_eq (zanni_read (reply, &answer), 0);
        cr_assert_eq (zanni_buffer_size (answer), sizes [i]);
        cr_assert (is_whole (answer, i));
    }
    cr_assert (comes_to (0), "what has arrived is deleted");
}

ANY_STORE (the_shape_travels)
{
    static const uint64_t shape [] = { 512, 1024 };
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (8 * shape [0] * shape [1], 1);
    bool whole;
    uint64_t file, columns = 0;
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_FLOAT64, 2, shape), 0);
    ZANNI_AUTO (zanni_msg_t) reply = call (keeper, "keep", buffer, 1, (const char *) folder);
    cr_assert_eq (zanni_read (reply, &whole, &file, &columns), 0);
    cr_assert (whole);
    cr_assert_eq (columns, 1024);
}

IN_FILES (only_buffers_from_some_size_on_are_in_files)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) small = make (99999, 1);
    ZANNI_AUTO (zanni_buffer_t) large = make (100000, 2);
    cr_assert_eq (send_to (keeper, small, 1), 0);
    cr_assert_neq (send_to (keeper, large, 2), 0);
}

IN_FILES (an_actor_decides_for_itself)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) small = make (5000, 1);
    ZANNI_AUTO (zanni_buffer_t) large = make (MIB, 2);
    cr_assert_eq (zanni_set_claims (root, 5000), 0);
    cr_assert_neq (send_to (keeper, small, 1), 0);
    cr_assert_eq (zanni_set_claims (root, UINT64_MAX), 0);
    cr_assert_eq (send_to (keeper, large, 2), 0);
    cr_assert_eq (zanni_set_claims (root, 0), 0);
    cr_assert_neq (send_to (keeper, large, 2), 0, "what one message was told does not stay on its buffer");
}

IN_FILES (a_buffer_for_many_is_put_once)
{
    enum { MANY = 4 };
    zanni_ref_t *keepers [MANY];
    uint64_t ids [MANY], files [MANY];
    ZANNI_AUTO (zanni_buffer_t) buffer = make (MIB, 1);
    for (int i = 0; i < MANY; i++) {
        keepers [i] = spawn ("keeper");
        (void) call_int (keepers [i], "pid");   // its session stands
    }
    for (int i = 0; i < MANY; i++) {
        const zanni_ask_t options = { .id_p = &ids [i], .deadline_ms = DEADLINE_MS };
        cr_assert_eq (zanni_ask (root, keepers [i], &options, "keep", buffer, 1, (const char *) folder), 0);
    }
    for (int i = 0; i < MANY; i++) {
        bool whole = false;
        uint64_t columns;
        ZANNI_AUTO (zanni_msg_t) reply = next ();
        cr_assert_eq (zanni_read (reply, &whole, &files [i], &columns), 0);
        cr_assert (whole);
        cr_assert_neq (files [i], 0);
        cr_assert_eq (files [i], files [0]);
    }
    for (int i = 0; i < MANY; i++)
        zanni_ref_destroy (&keepers [i]);
}

/* Takes away what is in the store, while the receiver stands still. */
static void
take_away (pid_t receiver)
{
    char command [160];
    cr_assert (comes_to (1));
    snprintf (command, sizeof command, "rm -rf %s/*", folder);
    cr_assert_eq (system (command), 0);
    cr_assert_eq (kill (receiver, SIGCONT), 0);
}

static void
expect_gone (void)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_msg_error (reply, &error), 0);
    cr_assert_eq (error.code, ZANNI_EGONE, "%s", error.text);
}

IN_FILES (a_blob_that_is_gone_is_an_error_of_its_message_alone)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (MIB, 1);
    uint64_t id = 0;
    pid_t pid = (pid_t) call_int (keeper, "pid");
    cr_assert_eq (kill (pid, SIGSTOP), 0);
    const zanni_ask_t options = { .id_p = &id, .deadline_ms = DEADLINE_MS };
    cr_assert_eq (zanni_ask (root, keeper, &options, "keep", buffer, 1, (const char *) folder), 0);
    take_away (pid);
    expect_gone ();
    ZANNI_AUTO (zanni_buffer_t) other = make (MIB, 2);
    cr_assert_neq (send_to (keeper, other, 2), 0, "the session goes on");
}

IN_FILES (whose_ask_was_forwarded_is_told_of_a_blob_that_is_gone)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_ref_t) passer = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (MIB, 1);
    uint64_t id = 0;
    pid_t pid = (pid_t) call_int (keeper, "pid");
    done (passer, "aim", keeper);
    ZANNI_AUTO (zanni_msg_t) before = call (passer, "pass", buffer, 1, (const char *) folder);   // their session stands
    cr_assert (comes_to (0));
    cr_assert_eq (kill (pid, SIGSTOP), 0);
    const zanni_ask_t options = { .id_p = &id, .deadline_ms = DEADLINE_MS };
    cr_assert_eq (zanni_ask (root, passer, &options, "pass", buffer, 1, (const char *) folder), 0);
    (void) call_int (passer, "pid");   // behind which it has passed it on, as a blob of its own
    take_away (pid);
    expect_gone ();
}

/* What came beside the blob is dropped as if it had been read. */
IN_FILES (a_reference_beside_a_blob_that_is_gone_comes_back)
{
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (MIB, 1);
    place = ZANNI_SHARED;
    zanni_ref_t *other = spawn ("keeper");
    place = ZANNI_PROCESS;
    uint64_t id = 0;
    pid_t pid = (pid_t) call_int (keeper, "pid");
    uint64_t down = monitor (other);
    cr_assert_eq (kill (pid, SIGSTOP), 0);
    const zanni_ask_t options = { .id_p = &id, .deadline_ms = DEADLINE_MS };
    cr_assert_eq (zanni_ask (root, keeper, &options, "look", buffer, other), 0);
    zanni_ref_destroy (&other);
    take_away (pid);
    expect_gone ();
    (void) expect_down (down, false);
}

/* Nothing can be put any more, so it goes with the message. */
IN_FILES (what_the_store_does_not_take_goes_with_its_message)
{
    char command [160];
    ZANNI_AUTO (zanni_ref_t) keeper = spawn ("keeper");
    ZANNI_AUTO (zanni_buffer_t) first = make (MIB, 1);
    cr_assert_neq (send_to (keeper, first, 1), 0);
    cr_assert (comes_to (0));
    snprintf (command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq (system (command), 0);
    ZANNI_AUTO (zanni_buffer_t) buffer = make (MIB, 2);
    cr_assert_eq (send_to (keeper, buffer, 2), 0);
    cr_assert (logged ("goes with its message for a while"));
}

static void
expect_error (const char *what, const char *part)
{
    zanni_error_t error = { 0 };
    zanni_t *none = NULL;
    cr_assert_neq (zanni_new (&none, &(zanni_options_t) { .claim_store = what, .error = &error }), 0);
    cr_assert_null (none);
    cr_assert (strstr (error.text, part), "%s", error.text);
}

Test (claims, a_store_that_cannot_be_used_is_told_at_once, .timeout = 20)
{
    expect_error ("magic:x", "names no kind");
    expect_error ("file:/nowhere/at/all", "cannot be made");
    expect_error ("peer:", "name another store");
}

Test (claims, an_actor_of_a_node_without_a_store_has_none, .timeout = 20)
{
    begin ((zanni_options_t) { .name = "claims" });
    cr_assert_eq (zanni_set_claims (root, 1000), ZANNI_EINVAL);
    end ();
}
