/* hello: one actor in a process of its own, and a program that asks it.

   An actor is a struct and a table of methods. `counter_t` is the struct: only the actor itself ever touches it, so it
   needs no lock. `counter_methods` is the table: each line names a method, the types it takes and answers (x is a
   64-bit integer), the function that handles it, and what it is for. The program never calls those functions; it sends
   a message to a reference, and zanni checks the arguments before the handler sees them.

   The place is one word. With ZANNI_PROCESS this program is begun once more, only to come to zanni_init and become the
   counter; whatever happens there, even a crash, does not harm the program here. With ZANNI_THREAD the counter would
   have a thread of its own, with ZANNI_SHARED it would run beside thousands of others on a pool of threads, and nothing
   else in this file would change. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zanni.h>

typedef struct {
    int64_t total;
} counter_t;

static int
counter_add (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;   // the asker gets this error; the actor lives on
    counter->total += number;
    return zanni_reply (self, msg, counter->total);
}

static const zanni_method_t counter_methods [] = {
    ZANNI_METHOD ("add", "x", "x", counter_add, "Add a number; answers the new total."),
    ZANNI_METHOD_END
};

static const zanni_class_t counter_class = {
    .name = "counter", .state_size = sizeof (counter_t), .methods = counter_methods
};

static const zanni_class_t *const classes [] = { &counter_class, NULL };

/* Adds a number and says what the total is now. */
static int
s_add (zanni_t *self, const zanni_ref_t *counter, int number)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t total;
    int rc = zanni_call (self, &reply, counter, "add", number);
    if (!rc)
        rc = zanni_read (reply, &total);
    if (!rc)
        printf ("counter: %" PRId64 "\n", total);
    return rc;
}

/* Calls with a text where a number is wanted: zanni refuses it and says what is wrong. */
static int
s_add_nonsense (zanni_t *self, const zanni_ref_t *counter)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error = { .code = 0 };
    zanni_ask_t options = { .error = &error };
    int rc = zanni_call_with (self, &reply, counter, &options, "add", "a lot");
    if (rc == ZANNI_EARGS)
        printf ("refused: %s\n", error.text);
    zanni_error_reset (&error);
    return rc == ZANNI_EARGS ? 0 : ZANNI_EINVAL;
}

int
main (void)
{
    zanni_init (classes);   // first line; in the counter's process it never returns
    ZANNI_AUTO (zanni_t) self = NULL;          // first: destroyed last, behind what belongs to it
    ZANNI_AUTO (zanni_ref_t) counter = NULL;   // the last strong reference: the actor stops
    zanni_error_t error = { .code = 0 };
    zanni_spawn_t options = { .place = ZANNI_PROCESS, .error = &error };
    int rc = zanni_new (&self, NULL);
    if (!rc)
        rc = zanni_spawn (self, &counter, "counter", &options);
    if (!rc)
        rc = s_add (self, counter, 5);
    if (!rc)
        rc = s_add_nonsense (self, counter);
    if (!rc)
        rc = s_add (self, counter, 37);
    if (rc)
        fprintf (stderr, "hello: %s\n", *error.text ? error.text : zanni_strerror (rc));
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
