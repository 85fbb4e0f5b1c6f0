/* Two nodes that both listen by tcp, and dial each other at the same moment. Each has then what it dialled, and what the
   other one did; whatever a reference came by, all that one actor sends to another goes one way, in order, and once.

   In each process an actor beside the one that listens dials, since that worker's HELLOs are those that meet. They agree on
   a moment, and do nothing else until it comes. */

#include "tcp.h"

#include "support/proxy.h"

#include <stdlib.h>

CLASSES (&worker_class);
TCP_SUITE (dials);

#define SOON_NS 3000000
#define NOTES 300         // of each wave
#define WAVES 4

typedef struct {
    zanni_ref_t *found;   // by dialling
    zanni_ref_t *given;   // the same one, by who came
    int64_t wave;
    int code;             // of what went wrong first
} s_meeter_t;

static zanni_ref_t *own_worker, *own_meeter;

/* Some by the one reference and some by the other. */
static int
s_tell_wave (zanni_t *self, s_meeter_t *meeter)
{
    int rc = 0;
    for (int64_t i = 1; !rc && i <= NOTES; i++) {
        const zanni_ref_t *ref = meeter->given && i % 3 == 0 ? meeter->given : meeter->found;
        rc = zanni_tell (self, ref, "note", 1, meeter->wave * NOTES + i);
    }
    meeter->wave++;
    return rc;
}

static void
s_met (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    s_meeter_t *meeter = zanni_state (self);
    const zanni_ref_t *found;
    zanni_error_t error = { 0 };
    (void) arg;
    int rc = zanni_msg_error (reply, &error) ? 0 : error.code;
    if (!rc)
        rc = zanni_read (reply, &found);
    if (!rc)
        rc = zanni_ref_keep (self, &meeter->found, found);
    if (!rc)
        rc = zanni_tell (self, found, "hold", own_worker);
    if (!rc)
        rc = s_tell_wave (self, meeter);
    meeter->code = meeter->code ? meeter->code : rc;
}

/* Dials that endpoint's worker at that time, and gives it the own one and tells it the first wave as soon as it has it. */
static int
s_meet (zanni_t *self, zanni_msg_t *msg)
{
    const char *endpoint;
    int64_t at_ns;
    const zanni_connect_t options = { .name = "worker" };
    const zanni_ask_t ask = { .deadline_ms = DEADLINE_MS, .then = s_met };
    int rc = zanni_read (msg, &endpoint, &at_ns);
    while (!rc && zanni_now_ns (self) < at_ns) {}
    return rc ? rc : zanni_connect_ask (self, endpoint, &options, &ask);
}

/* That is the same one as was found; the next wave goes by both. */
static int
s_again (zanni_t *self, zanni_msg_t *msg)
{
    s_meeter_t *meeter = zanni_state (self);
    const zanni_ref_t *given;
    int rc = zanni_read (msg, &given);
    if (!rc)
        rc = meeter->code;
    if (!rc && !meeter->found)
        rc = ZANNI_EAGAIN;
    if (!rc && !zanni_ref_equal (given, meeter->found))
        rc = ZANNI_EINVAL;
    if (!rc && !meeter->given)
        rc = zanni_ref_keep (self, &meeter->given, given);
    if (!rc)
        rc = s_tell_wave (self, meeter);
    return rc ? rc : zanni_reply (self, msg);
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_meeter_t *meeter = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&meeter->found);
    zanni_ref_destroy (&meeter->given);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("meet", "sx", "", s_meet, ""),
    ZANNI_METHOD ("again", "r", "", s_again, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t meeter_class = {
    .name = "meeter", .state_size = sizeof (s_meeter_t), .methods = s_methods, .stop = s_stop
};
static const zanni_class_t *const meeters [] = { &meeter_class, NULL };

/* A node whose root listens, and has a worker and a meeter beside it. */
static const char *
begin_meeter (zanni_options_t options)
{
    const zanni_spawn_t here = { .place = ZANNI_HERE };
    const char *endpoint = NULL;
    cr_assert_eq (zanni_register (meeters, NULL), 0);
    begin (options);
    own_worker = spawn_with (&here, "worker", 0);
    cr_assert_eq (zanni_spawn (root, &own_meeter, "meeter", &here), 0);
    cr_assert_eq (zanni_offer (root, "worker", own_worker), 0);
    cr_assert_eq (zanni_offer (root, "meeter", own_meeter), 0);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_eq (zanni_endpoint (root, &endpoint), 0);
    return endpoint;
}

/* Says where it listens, and is told whom to dial, and when. */
static void
be_other (zanni_options_t options, int fd)
{
    char endpoint [PROXY_TCP];
    int64_t at_ns;
    const char *own = begin_meeter (options);
    cr_assert_gt (write (fd, own, strlen (own) + 1), 0);
    cr_assert_eq (read (fd, endpoint, sizeof endpoint), sizeof endpoint);
    cr_assert_eq (read (fd, &at_ns, sizeof at_ns), sizeof at_ns);
    tell (own_meeter, "meet", (const char *) endpoint, at_ns);
    _exit (zanni_run (root, -1));
}

/* What stands between the two, either way. */
typedef struct {
    bool nothing;          // they dial what each other has bound
    int64_t delay_ms;
    unsigned cut;          // once, in the middle of the first so many bytes; 0: it is not
} s_between_t;

static unsigned seed = 11;

static proxy_t *
stand_before (const char *endpoint, char own [PROXY_TCP], const s_between_t *between)
{
    if (between->nothing) {
        snprintf (own, PROXY_TCP, "%.31s", endpoint);
        return NULL;
    }
    proxy_t *proxy = proxy_new_tcp (endpoint, own);
    cr_assert_not_null (proxy);
    proxy_delay (proxy, between->delay_ms);
    if (between->cut)
        proxy_cut_after (proxy, 1 + (uint64_t) rand_r (&seed) % between->cut);
    return proxy;
}

/* Another wave of the other one's; it may still be about to dial. */
static void
again (const zanni_ref_t *meeter, const zanni_ref_t *given)
{
    int rc = ZANNI_EAGAIN;
    int64_t before_ns = zanni_now_ns (root);
    while (rc == ZANNI_EAGAIN && ms_since (before_ns) < DEADLINE_MS)
        rc = zanni_call (root, NULL, meeter, "again", given);
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
}

/* Both have dialled, or soon will have. */
static void
check_waves (const char *endpoint)
{
    const zanni_connect_t worker = { .name = "worker" };
    zanni_ref_t *their_meeter = connect_to (endpoint, "meeter");
    zanni_ref_t *their_worker = NULL;
    cr_assert_eq (zanni_connect (root, &their_worker, endpoint, &worker), 0);
    again (their_meeter, own_worker);
    int64_t before_ns = zanni_now_ns (root);
    while (!call_bool_args (own_worker, "holds something", NULL, 0))
        cr_assert_lt (ms_since (before_ns), DEADLINE_MS);
    zanni_ref_t *given = kept (own_worker, "lend");   // as it came by the other one's dial
    cr_assert (zanni_ref_equal (given, their_worker));
    for (int wave = 1; wave < WAVES; wave++) {
        again (own_meeter, given);
        if (wave > 1)
            again (their_meeter, own_worker);
    }
    sleep_until_noted (their_worker, 1, WAVES * NOTES);
    cr_assert_eq (noted (their_worker, 1), WAVES * NOTES);
    before_ns = zanni_now_ns (root);
    while (noted (own_worker, 1) < WAVES * NOTES)
        cr_assert_lt (ms_since (before_ns), DEADLINE_MS);
    cr_assert_eq (noted (own_worker, 1), WAVES * NOTES);
    zanni_ref_destroy (&given);
    zanni_ref_destroy (&their_worker);
    zanni_ref_destroy (&their_meeter);
}

static void
meet_once (zanni_options_t options, const s_between_t *between)
{
    other_t other;
    char theirs [ZANNI_ENDPOINT_MAX] = "", there [PROXY_TCP], here [PROXY_TCP];
    start_other (&other, options, be_other);
    cr_assert_gt (read (other.fd, theirs, sizeof theirs), 0);
    const char *ours = begin_meeter (options);
    proxy_t *before_them = stand_before (theirs, there, between);
    proxy_t *before_us = stand_before (ours, here, between);
    int64_t at_ns = zanni_now_ns (root) + SOON_NS;
    cr_assert_eq (write (other.fd, here, sizeof here), sizeof here);
    cr_assert_eq (write (other.fd, &at_ns, sizeof at_ns), sizeof at_ns);
    tell (own_meeter, "meet", (const char *) there, at_ns);
    check_waves (there);
    zanni_ref_destroy (&own_worker);
    zanni_ref_destroy (&own_meeter);
    end ();
    end_other (&other);
    proxy_destroy (&before_them);
    proxy_destroy (&before_us);
}

static void
meet_often (int times, zanni_options_t options, const s_between_t *between)
{
    for (int i = 0; i < (LONG ? 10 * times : times); i++) {
        s_between_t now = *between;
        now.delay_ms = now.delay_ms ? rand_r (&seed) % now.delay_ms : 0;
        meet_once (options, &now);
    }
}

static const zanni_options_t openly = { .insecure = true };

Test (dials, that_meet_lead_both_to_each_other)
{
    meet_often (20, openly, &(s_between_t) { .nothing = true });
}

Test (dials, that_meet_lead_both_to_each_other_by_other_addresses)
{
    meet_often (10, openly, &(s_between_t) { 0 });
}

Test (dials, that_meet_lead_both_to_each_other_by_a_secret)
{
    meet_often (5, (zanni_options_t) { .secret = SECRET }, &(s_between_t) { .nothing = true });
}

Test (dials, that_meet_late_lead_both_to_each_other)
{
    meet_often (10, openly, &(s_between_t) { .delay_ms = 20 });
}

Test (dials, that_meet_and_are_cut_amid_it_lead_both_to_each_other)
{
    meet_often (30, openly, &(s_between_t) { .delay_ms = 3, .cut = 600 });
}

Test (dials, that_meet_and_are_cut_later_lead_both_to_each_other)
{
    meet_often (20, openly, &(s_between_t) { .delay_ms = 3, .cut = 30000 });
}
