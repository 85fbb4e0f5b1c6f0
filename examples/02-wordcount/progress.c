/* progress.c: a bar where stderr is a terminal, and warnings that do not write into it.

   Only the program's main thread writes here: the walk and the reader run on it, and counters answer what they found
   instead of printing it. So there is no lock. */

#include "progress.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#define S_WIDTH 40

static bool s_drawn;   // the cursor is behind a bar or a note

bool
progress_wanted (void)
{
    return isatty (STDERR_FILENO) == 1;
}

void
progress_show (uint64_t done, uint64_t all)
{
    static const char full [] = "########################################";
    double part = all && done < all ? (double) done / (double) all : 1;
    int width = (int) (part * S_WIDTH);
    fprintf (stderr, "\r[%.*s%*s] %3d %%", width, full, S_WIDTH - width, "", (int) (part * 100));
    s_drawn = true;
}

void
progress_note (const char *text)
{
    progress_clear ();
    s_drawn = progress_wanted ();
    if (s_drawn)
        fprintf (stderr, "\r%.*s", S_WIDTH, text);
}

void
progress_clear (void)
{
    if (s_drawn)
        fprintf (stderr, "\r%*s\r", S_WIDTH + 8, "");
    s_drawn = false;
}

void
progress_warn (const char *path, size_t size, const char *why)
{
    progress_clear ();
    fputs ("wordcount: ", stderr);
    for (size_t i = 0; i < size; i++)
        fputc (iscntrl ((unsigned char) path [i]) ? '?' : path [i], stderr);   // a name may hold anything
    fprintf (stderr, ": %s\n", why);
}
