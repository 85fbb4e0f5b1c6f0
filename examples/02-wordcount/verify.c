/* verify.c: counts again with find, gzip and coreutils, and compares the whole table.

   The script shares nothing with the program but the paths: it finds the files itself, so that one which the program
   missed is a difference, too. `paste -s` writes files one behind the other as cat does, but ends each with a newline,
   so that the last word of a file and the first of the next stay two; between gzip files, a gzipped newline does that.
   Those that gzip finds truncated or damaged (status 1; 2 is a mere warning) are left out as a whole, as the program
   does it. What find and gzip say is dropped, since the program has said it already. Both tables come sorted by word,
   so that one pass compares them. */

#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "progress.h"

#define S_FIRST 4   // sh -c script wordcount

static const char s_script [] =
    "export LC_ALL=C\n"
    "for tool in find gzip paste mktemp tr sort uniq; do\n"
    "    command -v $tool >/dev/null || { echo \"wordcount: --verify needs $tool\" >&2; exit 1; }\n"
    "done\n"
    "folder=$(mktemp -d) || exit 1\n"
    "trap 'rm -rf \"$folder\"' EXIT\n"
    "trap 'exit 1' HUP INT TERM\n"
    "export newline=\"$folder/newline.gz\"\n"
    "echo | gzip >\"$newline\" || exit 1\n"
    "{\n"
    "    find \"$@\" -type f ! -name '*.gz' -exec paste -s -d '\\n' {} +\n"
    "    find \"$@\" -type f -name '*.gz' -exec sh -c '\n"
    "        gzip -qt \"$@\"\n"
    "        [ $? != 1 ] || for file do\n"
    "            shift\n"
    "            gzip -qt \"$file\"\n"
    "            [ $? = 1 ] || set -- \"$@\" \"$file\"\n"
    "        done\n"
    "        for file do\n"
    "            shift\n"
    "            set -- \"$@\" \"$file\" \"$newline\"\n"
    "        done\n"
    "        [ $# = 0 ] || gzip -dcq \"$@\"' sh {} +\n"
    "} 2>/dev/null | tr -cs A-Za-z '\\n' | tr A-Z a-z | sort | uniq -c\n";

/* One word of the other table, or its end. */
typedef struct {
    FILE *input;
    char *line;
    size_t room;
    char *text;   // in line; NULL: no more
    uint64_t count;
} other_t;

/* Reads the next line, "   count word"; the empty word, which `tr` makes of leading separators, is none. */
static void
s_next (other_t *other)
{
    other->text = NULL;
    while (!other->text && getline (&other->line, &other->room, other->input) > 0) {
        other->count = strtoull (other->line, &other->text, 10);
        other->text += strspn (other->text, " ");
        other->text [strcspn (other->text, "\n")] = 0;
        if (!*other->text)
            other->text = NULL;
    }
}

static int
s_fail (int error)
{
    progress_clear ();
    fprintf (stderr, "wordcount: not verified: %s\n", strerror (error));
    return -1;
}

static int
s_differ (const char *word, uint64_t ours, uint64_t theirs)
{
    progress_clear ();
    fprintf (stderr, "wordcount: not verified: \"%.100s\" was counted %" PRIu64 " times, by coreutils %" PRIu64 "\n",
             word, ours, theirs);
    return -1;
}

/* Compares two tables that are sorted by word. */
static int
s_compare (const words_t *words, const word_t *const *sorted, size_t count, other_t *other)
{
    size_t i = 0;
    for (s_next (other); i < count && other->text; s_next (other), i++) {
        const char *text = words_text (words, sorted [i]);
        int order = strcmp (text, other->text);
        if (order < 0)
            return s_differ (text, sorted [i]->count, 0);
        if (order > 0)
            return s_differ (other->text, 0, other->count);
        if (sorted [i]->count != other->count)
            return s_differ (text, sorted [i]->count, other->count);
    }
    if (i < count)
        return s_differ (words_text (words, sorted [i]), sorted [i]->count, 0);
    return other->text ? s_differ (other->text, 0, other->count) : 0;
}

/* A path that find does not take for an option. NULL: out of memory. */
static char *
s_path (const char *path)
{
    size_t size = strlen (path) + sizeof "./";
    char *copy = malloc (size);
    if (copy)
        snprintf (copy, size, "%s%s", strchr ("-(!,)", *path) ? "./" : "", path);
    return copy;
}

static void
s_free (char **arguments)
{
    for (size_t i = S_FIRST; arguments && arguments [i]; i++)
        free (arguments [i]);
    free (arguments);
}

/* sh -c script wordcount PATH..., without empty paths. NULL: out of memory. */
static char **
s_arguments (const char *const *paths)
{
    static const char *const first [S_FIRST] = { "sh", "-c", s_script, "wordcount" };
    size_t count = 0;
    while (paths [count])
        count++;
    char **arguments = calloc (S_FIRST + count + 1, sizeof *arguments);
    if (arguments)
        memcpy (arguments, first, sizeof first);
    for (size_t at = S_FIRST; arguments && *paths; paths++) {
        if (!**paths)
            continue;
        arguments [at] = s_path (*paths);
        if (!arguments [at++]) {
            s_free (arguments);
            return NULL;
        }
    }
    return arguments;
}

/* Runs the script with its output in a pipe; 0, or an errno. */
static int
s_start (pid_t *child, FILE **output, char **arguments)
{
    int ends [2];
    posix_spawn_file_actions_t actions;
    if (pipe2 (ends, O_CLOEXEC))
        return errno;
    *output = fdopen (ends [0], "r");
    int error = *output ? posix_spawn_file_actions_init (&actions) : errno;
    if (!error) {
        error = posix_spawn_file_actions_adddup2 (&actions, ends [1], STDOUT_FILENO);
        if (!error)
            error = posix_spawnp (child, "sh", &actions, NULL, arguments, environ);
        (void) posix_spawn_file_actions_destroy (&actions);
    }
    (void) close (ends [1]);
    if (error)
        (void) (*output ? fclose (*output) : close (ends [0]));
    return error;
}

/* Reads the script's table and compares it. */
static int
s_check (const words_t *words, FILE *output)
{
    size_t count;
    const word_t **sorted = words_sorted (words, WORDS_BY_TEXT, &count);
    other_t other = { .input = output };
    if (!sorted)
        return s_fail (ENOMEM);
    int rc = s_compare (words, sorted, count, &other);
    free (other.line);
    free (sorted);
    return rc;
}

int
verify (const words_t *words, const char *const *paths)
{
    pid_t child;
    FILE *output = NULL;
    int status = 0;
    char **arguments = s_arguments (paths);
    int error = arguments ? s_start (&child, &output, arguments) : ENOMEM;
    s_free (arguments);
    if (error)
        return s_fail (error);
    int rc = s_check (words, output);
    (void) fclose (output);   // a script that is still writing ends by SIGPIPE
    while (waitpid (child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!rc && status) {
        progress_clear ();
        fputs ("wordcount: not verified: the other count failed\n", stderr);
        rc = -1;
    }
    return rc;
}
