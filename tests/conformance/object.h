/* object.h: what the tests of the ready classes share: a client, which uses an object as it is told. It may be in any
   place, so that it can end there. */

#ifndef TESTS_CONFORMANCE_OBJECT_H
#define TESTS_CONFORMANCE_OBJECT_H

#include "support.h"

#define FOREVER (-1)
#define LONG_MS 60000

typedef struct {
    zanni_ref_t *object;
    zanni_promise_t *promise;   // of "outcome", which is wanted
    uint64_t ask;
    bool open, over;
    int code;
    int64_t number;
} client_t;

static int
client_use (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    const zanni_ref_t *object;
    int rc = zanni_read (msg, &object);
    zanni_ref_destroy (&client->object);
    return rc ? rc : zanni_ref_keep (self, &client->object, object);
}

static void
s_client_tell (zanni_t *self, client_t *client)
{
    if (!client->promise || !client->over)
        return;
    int rc = zanni_promise_reply (self, &client->promise, client->code, client->number);
    (void) rc;
    client->open = client->over = false;
}

static void
client_got (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    client_t *client = arg;
    zanni_error_t error;
    client->number = 0;
    client->code = zanni_msg_error (reply, &error) ? 0 : error.code;
    if (!client->code && zanni_more (reply)) {
        bool truth = false;
        if (zanni_read (reply, &client->number)) {
            client->code = zanni_read (reply, &truth);
            client->number = truth;
        }
    }
    client->over = true;
    s_client_tell (self, client);
}

/* Asks a method that waits: its name, timeout and deadline. */
static int
client_begin (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    const char *method;
    int64_t timeout_ms, deadline_ms;
    int rc = zanni_read (msg, &method, &timeout_ms, &deadline_ms);
    const zanni_ask_t options = {
        .then = client_got, .arg = client, .id_p = &client->ask, .deadline_ms = rc ? 0 : deadline_ms
    };
    client->open = true;
    client->over = false;
    return rc ? rc : zanni_wait_ask (self, client->object, &options, timeout_ms, method);
}

static int
client_begin_put (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    int64_t number, timeout_ms;
    int rc = zanni_read (msg, &number, &timeout_ms);
    const zanni_ask_t options = { .then = client_got, .arg = client, .id_p = &client->ask };
    client->open = true;
    client->over = false;
    return rc ? rc : zanni_wait_ask (self, client->object, &options, timeout_ms, "put", number);
}

/* Asks one method and the other, both of which wait, and gives each up in the same turn, so many times. */
static int
client_cross (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    const char *methods [2];
    int64_t count;
    int rc = zanni_read (msg, &count, &methods [0], &methods [1]);
    for (int64_t i = 0; !rc && i < count; i++) {
        uint64_t ask;
        const zanni_ask_t options = { .id_p = &ask };
        const char *method = methods [i % 2];
        rc = strcmp (method, "put") ? zanni_wait_ask (self, client->object, &options, FOREVER, method)
                                    : zanni_wait_ask (self, client->object, &options, FOREVER, method, -1);
        if (!rc)
            rc = zanni_cancel (self, ask);
    }
    return rc;
}

static int
client_cancel (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    (void) msg;
    return zanni_cancel (self, client->ask);
}

/* The code and number of what was begun, when it is over. */
static int
client_outcome (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    int rc = client->open ? zanni_promise_new (self, &client->promise, msg) : ZANNI_EINVAL;
    s_client_tell (self, client);
    return rc;
}

/* A method without arguments, asked by the client: behind all that it has said to the object. */
static int
client_pass (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    return zanni_forward (self, msg, client->object, NULL);
}

/* A method without arguments, as a tell. */
static int
client_tell (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    const char *method;
    int rc = zanni_read (msg, &method);
    return rc ? rc : zanni_tell (self, client->object, method);
}

static int
client_die (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 3, "it was told to");
}

static int
client_crash (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    raise (SIGKILL);
    return 0;
}

UNUSED static const zanni_method_t client_methods [] = {
    ZANNI_METHOD ("use", "r", "", client_use, "Uses this object."),
    ZANNI_METHOD ("begin", "sxx", "", client_begin, "Asks a method that waits."),
    ZANNI_METHOD ("begin_put", "xx", "", client_begin_put, "Puts a number."),
    ZANNI_METHOD ("cross", "xss", "", client_cross, "Asks and gives up."),
    ZANNI_METHOD ("cancel", "", "", client_cancel, "Gives that up."),
    ZANNI_METHOD ("outcome", "", "xx", client_outcome, "Code and number of what came of it."),
    ZANNI_METHOD ("tell", "s", "", client_tell, "Tells a method."),
    ZANNI_METHOD ("size", "", "x", client_pass, "Of the object."),
    ZANNI_METHOD ("value", "", "x", client_pass, "Of the object."),
    ZANNI_METHOD ("die", "", "", client_die, "Ends with an error."),
    ZANNI_METHOD ("crash", "", "", client_crash, "Its process is killed."),
    ZANNI_METHOD_END
};
UNUSED static const zanni_class_t client_class = {
    .name = "client", .state_size = sizeof (client_t), .methods = client_methods
};

static inline zanni_ref_t *
client_in (zanni_place_t where, const zanni_ref_t *object)
{
    zanni_ref_t *client = spawn_args (&(zanni_spawn_t) { .place = where }, "client", NULL, 0);
    done (client, "use", object);
    return client;
}

/* What a client's ask came to: its code; its number goes to `number`. */
static inline int
outcome (const zanni_ref_t *client, int64_t *number)
{
    int64_t code = 1, value = 0;
    zanni_msg_t *reply = NULL;
    const zanni_ask_t options = { .deadline_ms = 30000 };
    int rc = zanni_call_with (root, &reply, client, &options, "outcome");
    cr_assert_eq (rc, 0, "outcome: %s", zanni_strerror (rc));
    cr_assert_eq (zanni_read (reply, &code, &value), 0);
    zanni_msg_destroy (&reply);
    if (number)
        *number = value;
    return (int) code;
}

/* A call by the root of a method that waits. */
static inline int
waits (const zanni_ref_t *object, int64_t timeout_ms, const char *method, zanni_msg_t **reply_p)
{
    return zanni_wait_call (root, reply_p, object, NULL, timeout_ms, method);
}

static inline void
expect_text (const zanni_error_t *error, const char *part)
{
    cr_assert_not_null (strstr (error->text, part), "\"%s\" is not in \"%s\"", part, error->text);
}

#endif
