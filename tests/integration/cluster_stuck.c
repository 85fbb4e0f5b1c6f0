/* A counter for examples/11-cluster-wordcount that says when it has a piece, and never answers: so that its host can be
   lost in the middle. */

#include <stdio.h>
#include <zanni.h>

typedef struct {
    zanni_promise_t *promise;
} counter_t;

static int
counter_count (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    printf ("has a piece\n");
    fflush (stdout);
    return zanni_promise_new (self, &counter->promise, msg);
}

static const zanni_method_t counter_methods [] = {
    ZANNI_METHOD ("count", "B", "a(st)", counter_count, "Never answers."), ZANNI_METHOD_END
};
static const zanni_class_t counter_class = {
    .name = "counter", .state_size = sizeof (counter_t), .methods = counter_methods
};

ZANNI_EXPORT extern const zanni_class_t *const zanni_classes [];
const zanni_class_t *const zanni_classes [] = { &counter_class, NULL };
