/* The program that runs process actors: the host's own, or another that the node names. Whatever is wrong with that is said
   to the spawner, with the program's or the class's name and what to do. */

#include "process.h"

/* What the library does not have. */
static const zanni_class_t stranger_class = { .name = "stranger" };

CLASSES (&worker_class, &stranger_class);
PROCESS_SUITE (program);

static const char *const s_load [] = { "--load", PROCESS_LIBRARY, NULL };

/* The text of a spawn that has to fail. */
static const char *
failed_spawn (const char *class_name, int code)
{
    static zanni_error_t error;
    zanni_ref_t *ref = NULL;
    error = (zanni_error_t) { 0 };
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .error = &error };
    int rc = zanni_spawn (root, &ref, class_name, &options);
    cr_assert_eq (rc, code, "%s: %s", zanni_strerror (rc), error.text);
    cr_assert_eq (error.code, code);
    cr_assert_null (ref);
    return error.text;
}

static void
expect_in (const char *text, const char *part)
{
    cr_assert_not_null (strstr (text, part), "\"%s\" is not in \"%s\"", part, text);
}

Test (program, zanni_child_runs_the_classes_of_a_library)
{
    begin_again ((zanni_options_t) { .child_program = ZANNI_CHILD, .child_arguments = s_load });
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);
    char path [64], program [512];
    snprintf (path, sizeof path, "/proc/%d/exe", (int) pid_of (ref));
    ssize_t size = readlink (path, program, sizeof program - 1);
    cr_assert_gt (size, 0);
    program [size] = 0;
    expect_in (program, "zanni-child");
    cr_assert_eq (call_int (ref, "add", 1), 2);
    ZANNI_AUTO (zanni_ref_t) grandchild = kept (ref, "spawn", (int) ZANNI_PROCESS);   // of the same program
    cr_assert_eq (call_int (grandchild, "add", 1), 101);
}

/* They are the node's own from the beginning. */
Test (program, and_its_arguments_need_not_stay)
{
    char words [3] [512];
    const char *arguments [] = { words [1], words [2], NULL };
    snprintf (words [0], sizeof words [0], "%s", ZANNI_CHILD);
    snprintf (words [1], sizeof words [1], "%s", s_load [0]);
    snprintf (words [2], sizeof words [2], "%s", s_load [1]);
    begin_again ((zanni_options_t) { .child_program = words [0], .child_arguments = arguments });
    memset (words, 'x', sizeof words);
    memset (arguments, 0, sizeof arguments);
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);
    cr_assert_eq (call_int (ref, "add", 1), 2);
}

Test (program, without_the_class_is_told_which_one_it_lacks)
{
    begin_again ((zanni_options_t) { .child_program = ZANNI_CHILD, .child_arguments = s_load });
    const char *text = failed_spawn ("stranger", ZANNI_ENOCLASS);
    expect_in (text, "stranger");
    expect_in (text, "zanni_init");
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);   // and goes on
    cr_assert_eq (call_int (ref, "add", 1), 2);
}

/* A class that the spawner does not have either is known at once. */
Test (program, is_not_asked_for_a_class_that_nobody_registered)
{
    expect_in (failed_spawn ("nobody's", ZANNI_ENOCLASS), "nobody's");
}

Test (program, that_does_not_begin_with_zanni_init_is_named)
{
    begin_again ((zanni_options_t) { .child_program = "/bin/true" });
    const char *text = failed_spawn ("stranger", ZANNI_ESYSTEM);
    expect_in (text, "/bin/true");
    expect_in (text, "does its main begin with zanni_init?");
}

Test (program, that_is_not_there_is_named)
{
    begin_again ((zanni_options_t) { .child_program = "/nowhere/program" });
    const char *text = failed_spawn ("stranger", ZANNI_ESYSTEM);
    expect_in (text, "/nowhere/program");
    expect_in (text, "No such file or directory");
}

Test (program, whose_library_is_not_there_fails)
{
    static const char *const nowhere [] = { "--load", "/nowhere/library.so", NULL };
    begin_again ((zanni_options_t) { .child_program = ZANNI_CHILD, .child_arguments = nowhere });
    expect_in (failed_spawn ("stranger", ZANNI_ESYSTEM), "zanni-child");
}

/* Actors of a pool worker hear of it by their down hook, since they cannot wait. */
Test (program, that_fails_is_told_to_a_spawner_that_cannot_wait)
{
    begin_again ((zanni_options_t) { .child_program = ZANNI_CHILD, .child_arguments = s_load });
    const zanni_spawn_t shared = { .place = ZANNI_SHARED };
    ZANNI_AUTO (zanni_ref_t) spawner = spawn_with (&shared, "worker", 0);
    done (spawner, "witness", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) other = kept (spawner, "spawn", (int) ZANNI_PROCESS);
    cr_assert_eq (call_int (other, "add", 1), 101);
    done (spawner, "spawn wrongly");
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    const char *text = "";
    cr_assert_eq (zanni_read (msg, &text), 0);
    expect_in (text, "the start of worker failed");
}
