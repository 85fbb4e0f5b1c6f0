/* reuse.c: a large block to an actor on another thread, in memory of the node's pool against memory of malloc. Nothing is
   copied either way; but what malloc gets from the system for each block anew is touched for the first time each time. */

#include "measure.h"

#include <stdlib.h>
#include <string.h>

#define S_SIZE ((size_t) 40 << 20)   // over what malloc would keep

static void
s_free (void *data, void *hint)
{
    (void) hint;
    free (data);
}

static int
s_make_fresh (zanni_t *self, zanni_arg_t *arg, void *context)
{
    zanni_buffer_t **buffer = context;
    void *data = malloc (S_SIZE);
    if (!data)
        return ZANNI_ENOMEM;
    memset (data, 7, S_SIZE);
    int rc = zanni_buffer_wrap (self, buffer, data, S_SIZE, s_free, NULL);
    if (rc)
        free (data);
    else
        *arg = zanni_arg_buffer (*buffer);
    return rc;
}

static int
s_make_pooled (zanni_t *self, zanni_arg_t *arg, void *context)
{
    zanni_buffer_t **buffer = context;
    void *data;
    int rc = zanni_buffer_new (self, buffer, S_SIZE);
    if (rc)
        return rc;
    rc = zanni_buffer_edit (&data, *buffer);
    if (rc) {
        zanni_buffer_destroy (buffer);
        return rc;
    }
    memset (data, 7, S_SIZE);
    *arg = zanni_arg_buffer (*buffer);
    return 0;
}

static void
s_done (void *context)
{
    zanni_buffer_destroy (context);
}

int
tip_reuse (outcome_t *outcome, bool quick)
{
    stage_t stage;
    zanni_buffer_t *buffer = NULL;
    cost_t costs [2];
    unsigned repeats = quick ? 2 : 10;
    int rc = stage_open (&stage, ZANNI_THREAD, (zanni_options_t) { 0 });
    if (rc)
        return rc;
    const way_t ways [2] = {
        { "buffer", s_make_fresh, s_done, &buffer, repeats, 0 },
        { "buffer", s_make_pooled, s_done, &buffer, repeats, 0 }
    };
    rc = measure (costs, &stage, ways, 2);
    if (!rc) {
        outcome_add (outcome, "40 MiB of malloc", &costs [0]);
        outcome_add (outcome, "40 MiB of the pool", &costs [1]);
        outcome->ratio = costs [0].seconds / costs [1].seconds;
    }
    stage_close (&stage);
    return rc;
}
