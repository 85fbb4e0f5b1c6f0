/* The folder of those who may connect: whose it has to be, and what happens when it cannot be read. */

#include "actor/worker.h"
#include "link/cert.h"
#include "link/trust.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zanni.h>
#include <zanni/trust.h>

#define PATH 128

static char folder [SCRATCH_PATH];
static zanni_t *root;
static char logged [4096];

/* Up to four at once. */
static const char *
at (const char *name)
{
    static char paths [4][PATH];
    static int next_path;
    char *path = paths [next_path++ % 4];
    cr_assert_lt (snprintf (path, PATH, "%s/%s", folder, name), PATH);
    return path;
}

static void
make_folder (void)
{
    cr_assert (scratch_new (folder));
    cr_assert_eq (mkdir (at ("allowed"), 0755), 0);
    cr_assert_eq (zanni_keygen (at ("host")), 0);
}

static void
remove_folder (void)
{
    static const char *const names [] = { "allowed/one", "allowed/two", "host", "host.pub", "one", "two", "two.pub" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void) unlink (at (names [i]));
    (void) rmdir (at ("allowed"));
    (void) rmdir (folder);
}

TestSuite (admit, .init = make_folder, .fini = remove_folder);

static void
note_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    (void) level;
    strncat (logged, text, sizeof logged - 1 - strlen (logged));
}

static int
begin (zanni_error_t *error)
{
    const zanni_options_t options = {
        .certificate = at ("host"), .allowed = at ("allowed"), .log = note_log, .error = error
    };
    return zanni_new (&root, &options);
}

static bool
admits (const uint8_t key [ZANNI__KEY])
{
    return zanni__trust_asked (root->worker->node, key);
}

static uint64_t
distrusts (void)
{
    return atomic_load (&root->worker->node->distrusts);
}

/* From now on no more than so many descriptors can be opened; -1: as many as before. */
static void
limit_descriptors (int more)
{
    static struct rlimit before;
    struct rlimit limit;
    int next = dup (STDOUT_FILENO);
    if (more >= 0) {
        cr_assert_geq (next, 0);
        cr_assert_eq (getrlimit (RLIMIT_NOFILE, &before), 0);
    }
    close (next);
    limit = before;
    if (more >= 0)
        limit.rlim_cur = (rlim_t) (next + more);
    cr_assert_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
}

static void
move (const char *from, const char *to)
{
    cr_assert_eq (rename (at (from), at (to)), 0);
}

/* Neither is the folder opened, nor, with one more, the files in it. */
Test (admit, changes_nothing_as_long_as_there_are_too_few_descriptors)
{
    char fault [200];
    uint8_t one [ZANNI__KEY], two [ZANNI__KEY];
    cr_assert_eq (zanni_keygen (at ("one")), 0);
    cr_assert_eq (zanni_keygen (at ("two")), 0);
    cr_assert_eq (zanni__cert_read (at ("one.pub"), one, NULL, fault, sizeof fault), 0);
    cr_assert_eq (zanni__cert_read (at ("two.pub"), two, NULL, fault, sizeof fault), 0);
    move ("one.pub", "allowed/one");
    cr_assert_eq (begin (NULL), 0);
    cr_assert (admits (one) && !admits (two));
    for (int more = 0; more < 2; more++) {
        uint64_t before = distrusts ();
        move ("two.pub", "allowed/two");
        limit_descriptors (more);
        bool same = admits (one) && !admits (two);
        limit_descriptors (-1);
        cr_assert (same);
        cr_assert_not_null (strstr (logged, "stays as it was"), "%s", logged);
        cr_assert (admits (one) && admits (two), "and is looked at again");
        cr_assert_eq (distrusts (), before);
        move ("allowed/two", "two.pub");
        cr_assert (admits (one) && !admits (two));
        cr_assert_eq (distrusts (), before + 1);
        *logged = 0;
    }
    cr_assert_eq (zanni_destroy (&root), 0);
}

static void
expect_refused (const char *why)
{
    zanni_error_t error = { .code = 0 };
    cr_assert_eq (begin (&error), ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, why), "%s", error.text);
}

Test (admit, is_not_for_those_to_say_who_could_write_to_the_folder)
{
    static const mode_t modes [] = { 0775, 0757, 01777 };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        cr_assert_eq (chmod (at ("allowed"), modes [i]), 0);
        expect_refused ("chmod 755");
    }
    cr_assert_eq (chmod (at ("allowed"), 0700), 0);
    if (!geteuid ()) {
        cr_assert_eq (chown (at ("allowed"), 12345, 12345), 0);
        expect_refused ("belongs to another user");
        cr_assert_eq (chown (at ("allowed"), 0, 12345), 0);
    }
    cr_assert_eq (begin (NULL), 0);
    cr_assert_eq (zanni_destroy (&root), 0);
}

/* As Kubernetes mounts what it is given to. */
Test (admit, is_for_all_to_read_where_nobody_can_write)
{
    if (unshare (CLONE_NEWNS) || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)
        || mount ("none", at ("allowed"), "tmpfs", MS_RDONLY, "mode=1777"))
        cr_skip_test ("nothing can be mounted here: %s", strerror (errno));
    cr_assert_eq (begin (NULL), 0);
    cr_assert_eq (zanni_destroy (&root), 0);
    cr_assert_eq (umount (at ("allowed")), 0);
}
