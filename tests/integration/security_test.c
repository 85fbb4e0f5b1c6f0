/* Nodes of other hosts that know each other by certificates: who gets in, until when, and what he may do there. */

#include "tcp.h"

#include "actor/node.h"
#include "link/cert.h"
#include "raw.h"

#include <netinet/in.h>

CLASSES (&worker_class);

#define PATH_SIZE 128
#define LOOKS_MS 2000   // within which a change of the folder has its effect

static host_t host;
static char keys [SCRATCH_PATH];

/* A path among the keys of the test; up to eight at once. */
static const char *
at (const char *name)
{
    static char paths [8][PATH_SIZE];
    static int next_path;
    char *path = paths [next_path++ % 8];
    cr_assert_lt (snprintf (path, PATH_SIZE, "%s/%s", keys, name), PATH_SIZE);
    return path;
}

static void
write_file (const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen (path, "w");
    cr_assert_not_null (file);
    cr_assert_geq (fputs (text, file), 0);
    cr_assert_eq (fclose (file), 0);
    cr_assert_eq (chmod (path, mode), 0);
}

static void
read_file (const char *path, char text [1024])
{
    FILE *file = fopen (path, "r");
    cr_assert_not_null (file);
    text [fread (text, 1, 1023, file)] = 0;
    fclose (file);
}

/* From now on who has that key may connect to the host, or not any more. */
static void
admit (const char *name)
{
    char text [1024], path [64];
    snprintf (path, sizeof path, "%s.pub", name);
    read_file (at (path), text);
    write_file (at (".new"), text, 0644);
    snprintf (path, sizeof path, "allowed/%s.pub", name);
    cr_assert_eq (rename (at (".new"), at (path)), 0);
}

static void
dismiss (const char *name)
{
    char path [64];
    snprintf (path, sizeof path, "allowed/%s.pub", name);
    cr_assert_eq (unlink (at (path)), 0);
}

static void
make_keys (void)
{
    static const char *const names [] = { "host", "second", "ours", "other" };
    make_folder ();
    cr_assert (scratch_new (keys));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_assert_eq (zanni_keygen (at (names [i])), 0);
    cr_assert_eq (mkdir (at ("allowed"), 0755), 0);
    admit ("ours");
}

static void
remove_keys (void)
{
    char command [128];
    snprintf (command, sizeof command, "rm -r %s", keys);
    cr_assert_eq (system (command), 0);
    host_prepares = NULL;
    sweep_folder ();
}

TestSuite (security, .init = make_keys, .fini = remove_keys, .timeout = LONG_TIMEOUT);

static zanni_options_t
certified (const char *name)
{
    return (zanni_options_t) { .certificate = at (name), .allowed = at ("allowed"), .heartbeat_ms = 300 };
}

static int
trust_as (const char *endpoint, const char *name)
{
    char path [64];
    snprintf (path, sizeof path, "%s.pub", name);
    const zanni_trust_t by = { .file = at (path) };
    return zanni_trust (root, endpoint, &by);
}

/* The host, and a node here with the key of that name, which trusts it. */
static void
start (const char *name)
{
    start_host (&host, certified ("host"));
    begin (certified (name));
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
}

static void
part (void)
{
    end ();
    end_host (&host);
}

static void
expect_denied (const char *said_here, const char *said_there)
{
    zanni_ref_t *ref = NULL;
    int64_t before_ns = zanni_now_ns (root);
    cr_assert_eq (zanni_connect (root, &ref, host.endpoint, NULL), ZANNI_EAUTH);
    cr_assert_lt (ms_since (before_ns), 1000);
    cr_assert (logged (said_here), "%s", s_log.text);
    cr_assert (host_says_why (&host, said_there), "%s", host.log);
}

/* Until the folder of the host has been looked at. */
static zanni_ref_t *
connect_soon (void)
{
    zanni_ref_t *ref = NULL;
    int64_t before_ns = zanni_now_ns (root);
    while (zanni_connect (root, &ref, host.endpoint, NULL) == ZANNI_EAUTH)
        cr_assert_lt (ms_since (before_ns), LOOKS_MS);
    cr_assert_not_null (ref);
    return ref;
}

Test (security, of_the_right_keys_lets_both_speak)
{
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    done (ref, "witness", zanni_self (root));
    for (int i = 0; i < 500; i++)
        cr_assert_eq (call_int (ref, "add", 1), i + 1);
    tell (ref, "compute", 1);
    expect ("computing");
    zanni_ref_destroy (&ref);
    part ();
}

Test (security, refuses_a_key_that_is_not_allowed)
{
    start ("other");
    expect_denied ("does not admit our key", "its key is not allowed");
    part ();
}

Test (security, refuses_to_speak_with_another_key_than_was_said)
{
    start_host (&host, certified ("host"));
    begin (certified ("ours"));
    cr_assert_eq (trust_as (host.endpoint, "second"), 0);
    expect_denied ("has another key than was said, or none", "takes this node for one with another key");
    part ();
}

Test (security, refuses_who_has_no_key)
{
    start_host (&host, certified ("host"));
    begin ((zanni_options_t) { .insecure = true });
    expect_denied ("does not take our secret, or has none", "it has no key");
    begin_again ((zanni_options_t) { .secret = SECRET });
    expect_denied ("does not take our secret, or has none", "it has no key");
    part ();
}

Test (security, of_a_certificate_never_speaks_openly)
{
    zanni_ref_t *ref = NULL;
    zanni_options_t options = certified ("ours");
    start_host (&host, (zanni_options_t) { .insecure = true });
    options.insecure = true;
    begin (options);
    cr_assert_eq (zanni_connect (root, &ref, host.endpoint, NULL), ZANNI_EAUTH);
    part ();
}

Test (security, names_the_address_for_which_there_is_no_key)
{
    uint64_t id = 0;
    const zanni_ask_t patient = { .id_p = &id };
    start_host (&host, certified ("host"));
    begin (certified ("ours"));
    cr_assert_eq (zanni_connect_ask (root, host.endpoint, NULL, &patient), 0);
    zanni_error_t error = expect_failure (id, ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, host.endpoint), "%s", error.text);
    char text [1024], key [41] = "";
    read_file (at ("host.pub"), text);
    memcpy (key, strstr (text, "public-key = \"") + 14, 40);
    const zanni_trust_t by = { .key = key };
    cr_assert_eq (zanni_trust (root, host.endpoint, &by), 0);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    cr_assert_eq (call_int (ref, "add", 5), 5);
    zanni_ref_destroy (&ref);
    part ();
}

static host_t second;

/* The host offers the other one's actor, too. */
static int
offer_second (zanni_t *self)
{
    zanni_ref_t *ref = NULL;
    const zanni_trust_t by = { .file = at ("second.pub") };
    int rc = zanni_trust (self, second.endpoint, &by);
    if (!rc)
        rc = zanni_connect (self, &ref, second.endpoint, NULL);
    return rc ? rc : zanni_offer (self, "second", ref);   // held until the process ends
}

Test (security, lets_references_come_whose_nodes_are_trusted_later)
{
    zanni_error_t error = { 0 };
    admit ("host");
    start_host (&second, certified ("second"));
    host_prepares = offer_second;
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, "second");
    int result = 0;
    cr_assert_eq (zanni_tell (root, ref, "count"), ZANNI_EAUTH);
    cr_assert_eq (zanni_tell_wait (root, ref, DEADLINE_MS, "count"), ZANNI_EAUTH);
    cr_assert_eq (zanni_send_all (root, (const zanni_ref_t *[]) { ref }, 1, &result, "count"), 0);
    cr_assert_eq (result, ZANNI_EAUTH);
    cr_assert_eq (refused (&error, ref, "total"), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, second.endpoint), "%s", error.text);
    cr_assert_eq (trust_as (second.endpoint, "second"), 0);
    cr_assert_eq (pid_of (ref), second.pid);
    cr_assert_eq (zanni_tell (root, ref, "count"), 0);
    cr_assert_eq (call_int (ref, "total"), 1);
    zanni_ref_destroy (&ref);
    part ();
    end_host (&second);
}

Test (security, ends_with_a_trust_that_is_taken_back)
{
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    cr_assert_eq (zanni_trust (root, host.endpoint, NULL), 0);
    expect_failure (id, ZANNI_EAUTH);
    cr_assert_eq (zanni_tell (root, ref, "count"), ZANNI_EAUTH);
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
    cr_assert_eq (call_int (ref, "add", 1), 1);
    zanni_ref_destroy (&ref);
    part ();
}

Test (security, ends_for_a_key_that_is_removed)
{
    char said [160];
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    uint64_t down = monitor (ref);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    int64_t before_ns = zanni_now_ns (root);
    dismiss ("ours");
    expect_failure (id, ZANNI_EAUTH);
    zanni_reason_t reason = expect_down (down, false);
    cr_assert_eq (reason.code, ZANNI_EAUTH, "%s", zanni_reason_string (&reason, said, sizeof said));
    cr_assert_lt (ms_since (before_ns), LOOKS_MS);
    cr_assert (host_logs (&host, "its key is not trusted any more"));
    expect_denied ("does not admit our key", "its key is not allowed");
    zanni_ref_destroy (&ref);
    admit ("ours");
    ref = connect_soon ();
    cr_assert_eq (call_int (ref, "promises"), 1);
    zanni_ref_destroy (&ref);
    part ();
}

static void
be_distrusted (zanni_options_t how, int fd)
{
    begin (how);
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    say_byte (fd, 'p');
    expect_failure (id, ZANNI_EAUTH);
    say_byte (fd, 'e');
    _exit (0);
}

Test (security, ends_for_that_key_only)
{
    other_t other;
    admit ("other");
    start_host (&host, certified ("host"));
    start_other (&other, certified ("other"), be_distrusted);
    begin (certified ("ours"));
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    await_byte (other.fd, 'p');
    dismiss ("other");
    await_byte (other.fd, 'e');
    cr_assert_eq (call_int (ref, "add", 1), 1);
    expect_other_done (&other);
    zanni_ref_destroy (&ref);
    part ();
}

Test (security, begins_for_a_key_that_is_added)
{
    start ("other");
    expect_denied ("does not admit our key", "its key is not allowed");
    admit ("other");
    zanni_ref_t *ref = connect_soon ();
    cr_assert_eq (call_int (ref, "add", 2), 2);
    zanni_ref_destroy (&ref);
    part ();
}

Test (security, of_a_folder_that_is_gone_admits_nobody)
{
    start ("ours");
    cr_assert_eq (rename (at ("allowed"), at ("elsewhere")), 0);
    expect_denied ("does not admit our key", "nobody may connect until it is there again");
    cr_assert_eq (rename (at ("elsewhere"), at ("allowed")), 0);
    zanni_ref_t *ref = connect_soon ();
    zanni_ref_destroy (&ref);
    part ();
}

static void
expect_no_node (const char *certificate, const char *allowed, int code, const char *why)
{
    zanni_t *self = NULL;
    zanni_error_t error = { 0 };
    const zanni_options_t options = { .certificate = certificate, .allowed = allowed, .error = &error };
    cr_assert_eq (zanni_new (&self, &options), code, "%s: %s", certificate, error.text);
    cr_assert_null (self);
    cr_assert_eq (error.code, code);
    cr_assert_not_null (strstr (error.text, why), "%s", error.text);
}

Test (security, needs_files_that_are_what_they_should_be)
{
    char ours [1024], other [1024];
    static const char line [] = "    secret-key";
    expect_no_node (at ("missing"), NULL, ZANNI_ESYSTEM, "No such file");
    expect_no_node (at ("allowed"), NULL, ZANNI_EAUTH, "is no file with a key");
    expect_no_node (at ("ours.pub"), NULL, ZANNI_EAUTH, "others than its owner can read");
    cr_assert_eq (chmod (at ("ours.pub"), 0600), 0);
    expect_no_node (at ("ours.pub"), NULL, ZANNI_EAUTH, "has no secret-key");
    read_file (at ("ours"), ours);
    read_file (at ("other"), other);
    strcpy (strstr (ours, line), strstr (other, line));
    write_file (at ("mixed"), ours, 0600);
    expect_no_node (at ("mixed"), NULL, ZANNI_EAUTH, "does not go with its public-key");
    write_file (at ("nothing"), "", 0600);
    expect_no_node (at ("nothing"), NULL, ZANNI_EAUTH, "no line public-key");
    expect_no_node (at ("ours"), at ("nowhere"), ZANNI_ESYSTEM, "No such file");
    expect_no_node (at ("ours"), at ("other"), ZANNI_EAUTH, "is no folder");
    expect_no_node (NULL, at ("allowed"), ZANNI_EINVAL, "needs a certificate");
    static const mode_t modes [] = { 0644, 0640, 0604, 0620 };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        cr_assert_eq (chmod (at ("ours"), modes [i]), 0);
        expect_no_node (at ("ours"), NULL, ZANNI_EAUTH, "others than its owner can read");
    }
    cr_assert_eq (zanni_keygen (at ("other")), ZANNI_ESYSTEM, "it is not overwritten");
}

static int
node_with (const char *secret, const char *file, zanni_error_t *error)
{
    zanni_t *self = NULL;
    int rc = zanni_new (&self, &(zanni_options_t) { .secret = secret, .secret_file = file, .error = error });
    cr_assert (rc || !zanni_destroy (&self));
    return rc;
}

Test (security, needs_a_secret_that_is_one)
{
    static const char good [] = "a secret of the tests";
    zanni_error_t error = { 0 };
    write_file (at ("secret"), "a secret of the tests\nand a second line\n", 0600);
    write_file (at ("short"), "fifteen letters\n", 0600);
    write_file (at ("known"), "a secret of the tests\n", 0640);
    cr_assert_eq (node_with (NULL, at ("secret"), &error), 0);
    cr_assert_eq (node_with (good, at ("secret"), &error), ZANNI_EINVAL);
    cr_assert_not_null (strstr (error.text, "two secrets"), "%s", error.text);
    cr_assert_eq (node_with (NULL, at ("short"), &error), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "short: the secret has 15 bytes; it needs 16 to 255"), "%s", error.text);
    cr_assert_eq (node_with ("fifteen letters", NULL, &error), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "options.secret: the secret has 15 bytes"), "%s", error.text);
    cr_assert_eq (node_with (NULL, at ("known"), &error), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "others than its owner can read"), "%s", error.text);
    cr_assert_eq (node_with (NULL, at ("nothing"), &error), ZANNI_ESYSTEM);
    cr_assert_eq (node_with (NULL, at ("allowed"), &error), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "is no file with a key"), "%s", error.text);
}

Test (security, takes_the_files_of_czmq)
{
    char text [1024];
    read_file (at ("ours"), text);
    char *keys_at = strstr (text, "    public-key");
    char written [2048];
    snprintf (written, sizeof written, "#   ****  Generated on 2026-01-01 by CZMQ  ****\n\nmetadata\n    name = \"public-key\"\ncurve\n%s",
              keys_at);
    write_file (at ("ours"), written, 0600);
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    zanni_ref_destroy (&ref);
    part ();
}

Test (security, arguments_that_cannot_be_are_said_to_be_so)
{
    static const zanni_policy_t policy;
    zanni_error_t error = { 0 };
    const zanni_trust_t none = { 0 }, two = { .file = "a", .secret = SECRET };
    const zanni_trust_t bad = { .key = "no key", .error = &error }, little = { .secret = "little", .error = &error };
    const zanni_trust_t by = { .file = at ("host.pub"), .error = &error };
    begin ((zanni_options_t) { 0 });
    cr_assert_eq (zanni_trust (root, "ipc:///tmp/a", &by), ZANNI_EINVAL);
    cr_assert_eq (zanni_trust (root, "tcp://a:1", &none), ZANNI_EINVAL);
    cr_assert_eq (zanni_trust (root, "tcp://a:1", &two), ZANNI_EINVAL);
    cr_assert_eq (zanni_trust (root, "tcp://a:1", &bad), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "40 characters"));
    cr_assert_eq (zanni_trust (root, "tcp://a:1", &little), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "too short"));
    cr_assert_eq (zanni_trust (root, "tcp://a:1", &by), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "no certificate to show"));
    cr_assert_eq (zanni_trust (root, "tcp://a:1", NULL), 0);
    cr_assert_eq (zanni_allow (root, NULL, NULL, &policy), ZANNI_EINVAL);
    cr_assert_eq (zanni_allow (root, "no key", NULL, &policy), ZANNI_EAUTH);
    cr_assert_eq (zanni_allow (root, NULL, at ("missing"), &policy), ZANNI_ESYSTEM);
    end ();
}

Test (security, of_a_node_with_a_certificate_dials_others_by_a_secret)
{
    const zanni_trust_t by = { .secret = SECRET };
    start_host (&second, (zanni_options_t) { .secret = SECRET });
    start ("ours");
    cr_assert_eq (zanni_trust (root, second.endpoint, &by), 0);
    zanni_ref_t *one = connect_to (host.endpoint, NULL);
    zanni_ref_t *two = connect_to (second.endpoint, NULL);
    cr_assert_eq (pid_of (one), host.pid);
    cr_assert_eq (pid_of (two), second.pid);
    zanni_ref_destroy (&one);
    zanni_ref_destroy (&two);
    part ();
    end_host (&second);
}

/* As no node does: it chooses the id of another one. */
static void
begin_as_another (zanni_options_t how)
{
    begin (how);
    memset (zanni_node_of (root)->id, 0x42, 16);
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
}

static void
be_second (zanni_options_t how, int fd)
{
    zanni_ref_t *ref = NULL;
    await_byte (fd, 'g');
    begin_as_another (how);
    _exit (zanni_connect (root, &ref, host.endpoint, NULL) == ZANNI_EAUTH ? 0 : 1);
}

Test (security, of_two_with_one_id_and_two_keys_takes_the_first)
{
    other_t other;
    admit ("other");
    start_host (&host, certified ("host"));
    start_other (&other, certified ("other"), be_second);
    begin_as_another (certified ("ours"));
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    say_byte (other.fd, 'g');
    expect_other_done (&other);   // it did not get in
    cr_assert (host_logs (&host, "claims to be a node that is known by another key"));
    done (ref, "fulfil", 7);
    expect_answer (id, 7);
    zanni_ref_destroy (&ref);
    part ();
}

/* A connection by that key, of a program that is no node of ours. */
static void *
dial_raw (void *context, const char *name)
{
    char path [64], text [200];
    uint8_t server [ZANNI__KEY], public_key [ZANNI__KEY], secret_key [ZANNI__KEY];
    const int wait_ms = DEADLINE_MS, none = 0;
    void *socket = zmq_socket (context, ZMQ_DEALER);
    snprintf (path, sizeof path, "%s", name);
    cr_assert_eq (zanni__cert_read (at ("host.pub"), server, NULL, text, sizeof text), 0);
    cr_assert_eq (zanni__cert_read (at (path), public_key, secret_key, text, sizeof text), 0);
    cr_assert (!zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none)
               && !zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms)
               && !zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, server, sizeof server)
               && !zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, public_key, sizeof public_key)
               && !zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, secret_key, sizeof secret_key)
               && !zmq_connect (socket, host.endpoint));
    return socket;
}

/* A ROUTER cannot close it: so it is refused on each HELLO. */
Test (security, ends_for_a_key_on_its_old_connection_too)
{
    const uint8_t node [16] = "a node of tests";
    const uint8_t third [16] = "another of them";
    void *context = zmq_ctx_new ();
    start_host (&host, certified ("host"));
    void *socket = dial_raw (context, "ours");
    say_hello (socket, node, 1);
    cr_assert_eq (hear (socket), ZANNI_RECORD_WELCOME);
    dismiss ("ours");
    cr_assert_eq (hear (socket), 100 + ZANNI_BYE_DISTRUST);
    say_hello (socket, node, 2);
    cr_assert_eq (hear (socket), 100 + ZANNI_BYE_DISTRUST);
    admit ("ours");
    admit ("other");
    void *other = dial_raw (context, "other");
    say_hello (other, node, 7);
    cr_assert_eq (hear (other), ZANNI_RECORD_WELCOME, "nobody has that id any more");
    say_hello (socket, node, 8);
    cr_assert_eq (hear (socket), 100 + ZANNI_BYE_DISTRUST, "but now another key has");
    say_hello (socket, third, 4);
    cr_assert_eq (hear (socket), ZANNI_RECORD_WELCOME);
    (void) zmq_close (socket);
    (void) zmq_close (other);
    (void) zmq_ctx_term (context);
    end_host (&host);
}

static int
permit_little (zanni_t *self)
{
    static const char *const names [] = { "", "one", NULL };
    static const char *const methods [] = { "add", "worker.total", "witness", "nobody.noted", NULL };
    const zanni_policy_t policy = { .names = names, .methods = methods };
    return zanni_allow (self, NULL, at ("ours.pub"), &policy);
}

Test (security, of_a_policy_is_kept_for_names_and_methods)
{
    zanni_error_t error = { 0 };
    zanni_ref_t *none = NULL;
    const zanni_connect_t one = { .name = "one" }, two = { .name = "two" };
    host_prepares = permit_little;
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    cr_assert_eq (zanni_connect (root, &none, host.endpoint, &one), ZANNI_ENOACTOR);
    cr_assert_eq (zanni_connect (root, &none, host.endpoint, &two), ZANNI_EPERM);
    cr_assert_eq (call_int (ref, "add", 3), 3);
    cr_assert_eq (refused (&error, ref, "promises"), ZANNI_EPERM);
    cr_assert_eq (refused (&error, ref, "noted", 1), ZANNI_EPERM);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (zanni_tell_wait (root, ref, DEADLINE_MS, "count"), 0);
    cr_assert_eq (call_int (ref, "total"), 3);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (zanni_tell_wait (root, ref, DEADLINE_MS, "add", 1), 0);
    cr_assert_eq (call_int (ref, "total"), 1003);
    zanni_ref_destroy (&ref);
    part ();
}

Test (security, of_a_policy_does_not_spawn_unless_it_says_so)
{
    zanni_options_t options = certified ("host");
    zanni_ref_t *there = NULL;
    options.allow_spawn = true;
    host_prepares = permit_little;
    start_host (&host, options);
    begin (certified ("ours"));
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    const zanni_spawn_t on = { .on = ref };
    cr_assert_eq (zanni_spawn (root, &there, "worker", &on, 1), ZANNI_EPERM);
    zanni_ref_destroy (&ref);
    end_host (&host);
    end ();
    host_prepares = NULL;
    start_host (&host, options);
    begin (certified ("ours"));
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
    ref = connect_to (host.endpoint, NULL);
    const zanni_spawn_t again = { .on = ref };
    cr_assert_eq (zanni_spawn (root, &there, "worker", &again, 1), 0);
    cr_assert_eq (call_int (there, "add", 1), 2);
    zanni_ref_destroy (&there);
    zanni_ref_destroy (&ref);
    part ();
}

static uint64_t
dead_letters (void)
{
    zanni_stats_t stats;
    cr_assert_eq (zanni_stats (root, &stats), 0);
    return stats.dead_letters;
}

/* Of whom this node dialled, while the session stands: its tells are dead letters from then on. */
Test (security, of_a_policy_holds_for_who_was_dialled_and_from_the_next_message_on)
{
    static const char *const nothing [] = { NULL };
    const zanni_policy_t policy = { .methods = nothing };
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    done (ref, "witness", zanni_self (root));
    tell (ref, "compute", 1);
    expect ("computing");
    cr_assert_eq (zanni_allow (root, NULL, at ("host.pub"), &policy), 0);
    uint64_t before = dead_letters ();
    tell (ref, "compute", 1);
    cr_assert_eq (call_int (ref, "add", 1), 1);   // answers need no permission
    expect_nothing ();
    cr_assert_gt (dead_letters (), before);
    cr_assert_eq (zanni_allow (root, NULL, at ("host.pub"), NULL), 0);
    tell (ref, "compute", 1);
    expect ("computing");
    zanni_ref_destroy (&ref);
    part ();
}

static int64_t
resident_bytes (pid_t pid)
{
    char path [64];
    long pages = 0, unused;
    snprintf (path, sizeof path, "/proc/%d/statm", (int) pid);
    FILE *file = fopen (path, "r");
    cr_assert_not_null (file);
    cr_assert_eq (fscanf (file, "%ld %ld", &unused, &pages), 2);
    fclose (file);
    return pages * sysconf (_SC_PAGESIZE);
}

static int
descriptors (pid_t pid)
{
    char path [64];
    int count = 0;
    snprintf (path, sizeof path, "/proc/%d/fd", (int) pid);
    DIR *handle = opendir (path);
    while (handle && readdir (handle))
        count++;
    closedir (handle);
    return count;
}

static int
dial_plainly (void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    address.sin_port = htons ((uint16_t) atoi (strrchr (host.endpoint, ':') + 1));
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_geq (fd, 0);
    cr_assert (!connect (fd, (struct sockaddr *) &address, sizeof address) || errno == EINPROGRESS);
    return fd;
}

#define GARBAGE_PEERS 400
#if defined __SANITIZE_ADDRESS__
#define GARBAGE_MOST (INT64_C (640) << 20)   // what was freed is kept for a while
#else
#define GARBAGE_MOST (INT64_C (160) << 20)   // of the host's memory: README.md of src/link says how it comes to that
#endif
#define GARBAGE_CONNECTIONS 200              // that it has at once: those that it lets in, and what the kernel had taken

/* Greets as CURVE does, and goes on with a command of the largest size, or with frames, for as long as it is let. */
static void
send_garbage (int fd, int kind, char *bytes, size_t size)
{
    static const uint8_t greeting [64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E' };
    static const uint8_t command [] = { 6, 0, 0, 0, 0, 0, 16, 0, 0 };
    static const uint8_t frame [] = { 1, 200 };
    if (kind)
        (void) send (fd, greeting, sizeof greeting, MSG_NOSIGNAL);
    if (kind == 1)
        (void) send (fd, command, sizeof command, MSG_NOSIGNAL);
    if (kind == 2)
        (void) send (fd, frame, sizeof frame, MSG_NOSIGNAL);
    (void) send (fd, bytes, size, MSG_NOSIGNAL);
}

static void
disturb (int *fds, char *bytes, size_t size, int round)
{
    for (int i = 0; i < GARBAGE_PEERS; i++) {
        char byte;
        ssize_t got = recv (fds [i], &byte, 1, MSG_PEEK);
        bool over = got == 0 || (got < 0 && errno != EAGAIN);
        if (over) {
            close (fds [i]);
            fds [i] = dial_plainly ();
        }
        if (over || !round)
            send_garbage (fds [i], i % 3, bytes, 16);
        else
            (void) send (fds [i], bytes, size, MSG_NOSIGNAL);
    }
}

Test (security, of_peers_that_send_garbage_is_bounded)
{
    enum { SIZE = 32768 };
    int fds [GARBAGE_PEERS];
    char *bytes = calloc (1, SIZE);
    start ("ours");
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    cr_assert_eq (call_int (ref, "add", 0), 0);
    int64_t before = resident_bytes (host.pid), most = before, slowest_ms = 0;
    int before_fds = descriptors (host.pid), most_fds = 0, calls = 0;
    for (int i = 0; i < GARBAGE_PEERS; i++)
        fds [i] = dial_plainly ();
    cr_assert (host_logs (&host, "have not said who they are"), "%s", host.log);
    int64_t began_ns = zanni_now_ns (root);
    for (int round = 0; ms_since (began_ns) < 6000; round++) {
        disturb (fds, bytes, SIZE, round);
        int64_t asked_ns = zanni_now_ns (root);
        cr_assert_eq (call_int (ref, "add", 1), ++calls);
        slowest_ms = ms_since (asked_ns) > slowest_ms ? ms_since (asked_ns) : slowest_ms;
        int64_t now = resident_bytes (host.pid);
        most = now > most ? now : most;
        most_fds = descriptors (host.pid) > most_fds ? descriptors (host.pid) : most_fds;
    }
    cr_log_info ("%" PRId64 " MiB more, %d descriptors, %d calls, the slowest %" PRId64 " ms", (most - before) >> 20,
                 most_fds - before_fds, calls, slowest_ms);
    cr_assert_lt (most - before, GARBAGE_MOST);
    cr_assert_lt (most_fds - before_fds, GARBAGE_CONNECTIONS);
    cr_assert_lt (slowest_ms, 1000);
    for (int i = 0; i < GARBAGE_PEERS; i++)
        close (fds [i]);
    free (bytes);
    zanni_ref_destroy (&ref);
    end ();
    begin (certified ("ours"));   // and the door is open again
    cr_assert_eq (trust_as (host.endpoint, "host"), 0);
    ref = connect_to (host.endpoint, NULL);
    zanni_ref_destroy (&ref);
    part ();
}
