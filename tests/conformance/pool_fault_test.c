/* What makes no sense to a pool, and what it says then; workers that do not start. */

#include "pool.h"

typedef struct {
    zanni_ref_t *friend;
} fussy_t;

static int
fussy_start (zanni_t *self, zanni_msg_t *msg)
{
    fussy_t *fussy = zanni_state (self);
    const zanni_ref_t *other;
    bool good;
    int rc = zanni_read (msg, &good, &other);
    if (!rc && good)
        rc = zanni_ref_weak (self, &fussy->friend, other);
    return rc ? rc : good ? 0 : ZANNI_ENOSPACE;
}

static void
fussy_stop (zanni_t *self, const zanni_reason_t *reason)
{
    fussy_t *fussy = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&fussy->friend);
}

static int
fussy_greet (zanni_t *self, zanni_msg_t *msg)
{
    const fussy_t *fussy = zanni_state (self);
    (void) msg;
    return zanni_tell (self, fussy->friend, "saw", "hello");
}

static const zanni_method_t fussy_methods [] = {
    ZANNI_METHOD ("greet", "", "", fussy_greet, "Its friend."), ZANNI_METHOD_END
};
static const zanni_class_t fussy_class = {
    .name = "fussy", .state_size = sizeof (fussy_t), .methods = fussy_methods, .start_in = "br", .start = fussy_start,
    .stop = fussy_stop
};

CLASSES (&hand_class, &runner_class, &fussy_class);

static zanni_error_t fault;

static int
refused_pool (const char *class_name, zanni_pool_options_t options)
{
    zanni_ref_t *pool = NULL;
    fault = (zanni_error_t) { 0 };
    options.error = &fault;
    int rc = zanni_pool (root, &pool, class_name, &options, 1);
    cr_assert_neq (rc, 0);
    cr_assert_null (pool);
    cr_assert_eq (fault.code, rc);
    return rc;
}

static void
says (const char *part)
{
    cr_assert_not_null (strstr (fault.text, part), "%s", fault.text);
}

CONFORM_ONCE (pool_fault, says_which_option_is_wrong, ZANNI_SHARED)
{
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { 0 }), ZANNI_EINVAL);
    says ("1 to 4,096 workers");
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { .workers = 5000 }), ZANNI_EINVAL);
    says ("1 to 4,096 workers");
    cr_assert_eq (refused_pool ("nobody", (zanni_pool_options_t) { .workers = 1 }), ZANNI_ENOCLASS);
    says ("no such class: nobody");
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { .workers = 1, .routing = (zanni_routing_t) 77 }),
                  ZANNI_EINVAL);
    says ("`routing`");
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { .workers = 1, .restarts = 70000 }), ZANNI_EINVAL);
    says ("`restarts`");
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { .workers = 1, .enough = 2 }), ZANNI_EINVAL);
    says ("`enough`");
    const zanni_spawn_t nowhere = { .place = (zanni_place_t) 50 };
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { .workers = 1, .spawn = &nowhere }), ZANNI_EINVAL);
    says ("no such place");
    const zanni_spawn_t again = { .restartable = true };
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { .workers = 1, .spawn = &again }), ZANNI_EINVAL);
    says ("restartable");
    const zanni_spawn_t far = { .worker = 9999 };
    cr_assert_eq (refused_pool ("hand", (zanni_pool_options_t) { .workers = 1, .spawn = &far }), ZANNI_EINVAL);
}

CONFORM_ONCE (pool_fault, refuses_nothing_at_all, ZANNI_SHARED)
{
    const zanni_pool_options_t options = { .workers = 1 };
    zanni_ref_t *pool = NULL;
    cr_assert_eq (zanni_pool (NULL, &pool, "hand", &options, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool (root, NULL, "hand", &options, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool (root, &pool, NULL, &options, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_args (root, &pool, "hand", NULL, NULL, 0), ZANNI_EINVAL);
    const zanni_pool_options_t other = { .size = 5, .workers = 1 };
    cr_assert_eq (zanni_pool (root, &pool, "hand", &other, 1), ZANNI_EINVAL);
    zanni_pool_status_t status;
    cr_assert_eq (zanni_pool_resize (root, NULL, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_drain (root, NULL, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_status (root, NULL, &status), ZANNI_EINVAL);
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);   // which is no pool
    cr_assert_eq (zanni_pool_resize (root, hand, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_drain (root, hand, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_drain_ask (root, hand, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_status (root, hand, &status), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool (root, &pool, "hand", &options, 1), 0);
    cr_assert_eq (zanni_pool_resize (root, pool, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_resize (root, pool, 5000), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_status (root, pool, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_pool_drain (root, pool, 0), 0);
    uint64_t down = monitor (pool);
    (void) expect_down (down, false);
    cr_assert_eq (zanni_pool_resize (root, pool, 2), ZANNI_ENOACTOR);
    cr_assert_eq (zanni_pool_drain (root, pool, 0), ZANNI_ENOACTOR);
    cr_assert_eq (zanni_pool_status (root, pool, &status), ZANNI_ENOACTOR);
    cr_assert_eq (zanni_stop (root, pool), 0, "a second end is none");
    zanni_ref_destroy (&pool);
    zanni_ref_destroy (&pool);
}

EVERYWHERE (pool_fault, tells_why_its_workers_do_not_start)
{
    zanni_ref_t *pool = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t how = { PLACED, .start_ms = PATIENCE_MS };
    const zanni_pool_options_t options = { .workers = 2, .spawn = &how, .error = &error };
    int rc = zanni_pool (root, &pool, "hand", &options, "five");
    cr_assert_eq (rc, ZANNI_EARGS, "%s: %s", zanni_strerror (rc), error.text);
    cr_assert_not_null (strstr (error.text, "bad arguments for the start of hand"), "%s", error.text);
    rc = zanni_pool (root, &pool, "fussy", &options, false, zanni_self (root));
    cr_assert_eq (rc, ZANNI_ENOSPACE, "%s: %s", zanni_strerror (rc), error.text);
    cr_assert_not_null (strstr (error.text, "the start of fussy failed"), "%s", error.text);
    cr_assert_null (pool);
}

EVERYWHERE (pool_fault, passes_references_to_each_start)
{
    zanni_ref_t *pool = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t how = { PLACED, .start_ms = PATIENCE_MS };
    const zanni_pool_options_t options = { .workers = 2, .spawn = &how, .error = &error };
    int rc = zanni_pool (root, &pool, "fussy", &options, true, zanni_self (root));
    cr_assert_eq (rc, 0, "%s: %s", zanni_strerror (rc), error.text);
    tell (pool, "greet");
    tell (pool, "greet");
    expect ("hello");
    expect ("hello");
    zanni_ref_destroy (&pool);
}

/* In an actor that must not block: it has the reference at once, and learns of a start that fails by the pool's
   end. */
static zanni_ref_t *runner_pool;

static int
runner_makes_a_pool (zanni_t *self)
{
    const zanni_spawn_t how = { .place = place };
    const zanni_pool_options_t options = { .workers = 2, .spawn = &how };
    uint64_t monitor;
    int rc = zanni_pool (self, &runner_pool, "hand", &options, "five");
    return rc ? rc : zanni_monitor (self, &monitor, runner_pool);
}

static int
runner_drops_it (zanni_t *self)
{
    (void) self;
    zanni_ref_destroy (&runner_pool);
    return 0;
}

EVERYWHERE_HERE (pool_fault, ends_where_nobody_waited_for_its_start)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, runner_makes_a_pool);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    const char *line = "";
    cr_assert_eq (zanni_read (msg, &line), 0);
    cr_assert_not_null (strstr (line, "bad arguments for the start of hand"), "%s", line);
    run_in (runner, runner_drops_it);
}

CONFORM_ONCE (pool_fault, obeys_only_who_made_it, ZANNI_SHARED)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) other = spawn ("hand", 1);
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1 });
    done (other, "resize", pool, 2);
    cr_assert_eq (call_int (other, "through", pool, 3), 9, "the pool has heard it by now");
    cr_assert_eq (status_of (pool).workers, 1);
    cr_assert (logged ("not permitted"));
    cr_assert_eq (refused (&error, pool, "zanni.begin", 1), ZANNI_EPERM);
    cr_assert_eq (refused (&error, pool, "zanni.retry"), ZANNI_EPERM);
}
