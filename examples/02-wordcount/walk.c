/* walk.c: walks folders by fts, which gives one entry at a time.

   That fits an actor: the reader asks for a file whenever a counter has room for it, and never has to leave the
   middle of a recursion. Links are not followed, not even those on the command line, so no file is counted because
   something points to it; devices, pipes and sockets are no text. Inside a folder they are passed over in silence; a
   path that was named gets an answer. */

#include "walk.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "progress.h"

struct walk {
    FTS *fts;     // NULL: there is no path to walk
};

/* fts refuses all paths because of an empty one, so that is left out here. Frees nothing of the texts. */
static char **
s_paths (const char *const *paths)
{
    size_t count = 0;
    while (paths [count])
        count++;
    char **copy = calloc (count + 1, sizeof *copy);
    size_t kept = 0;
    for (size_t i = 0; copy && i < count; i++)
        if (*paths [i])
            copy [kept++] = (char *) (uintptr_t) paths [i];   // fts_open does not write to them
    return copy;
}

/* Sets *fts, to NULL where no path is left: fts_read would not live through that. False: no memory. */
static bool
s_open (FTS **fts, const char *const *paths)
{
    char **copy = s_paths (paths);
    bool any = copy && *copy;
    *fts = any ? fts_open (copy, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    bool opened = copy && (!any || *fts);
    free (copy);
    return opened;
}

walk_t *
walk_new (const char *const *paths)
{
    walk_t *walk = calloc (1, sizeof *walk);
    if (!walk)
        return NULL;
    for (size_t i = 0; paths [i]; i++)
        if (!*paths [i])
            progress_warn ("\"\"", 2, "the empty path names nothing");
    if (!s_open (&walk->fts, paths))
        walk_destroy (&walk);
    return walk;
}

void
walk_destroy (walk_t **walk_p)
{
    if (*walk_p && (*walk_p)->fts)
        (void) fts_close ((*walk_p)->fts);
    free (*walk_p);
    *walk_p = NULL;
}

/* Says why an entry is no file, where there is something to say. */
static void
s_warn (const FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        progress_warn (entry->fts_path, strlen (entry->fts_path), strerror (entry->fts_errno));
        break;
    case FTS_DC:
        progress_warn (entry->fts_path, strlen (entry->fts_path), "contains itself; left out");
        break;
    case FTS_SL:
    case FTS_SLNONE:
    case FTS_DEFAULT:
        if (entry->fts_level == FTS_ROOTLEVEL)
            progress_warn (entry->fts_path, strlen (entry->fts_path), "is no file or folder; left out");
        break;
    default:
        break;
    }
}

const char *
walk_next (walk_t *walk)
{
    FTSENT *entry;
    while (walk->fts && (entry = fts_read (walk->fts))) {
        if (entry->fts_info == FTS_F)
            return entry->fts_path;
        s_warn (entry);
    }
    return NULL;
}

uint64_t
walk_size (const char *const *paths)
{
    uint64_t size = 0;
    FTSENT *entry;
    FTS *fts;
    if (!s_open (&fts, paths) || !fts)
        return 0;
    while ((entry = fts_read (fts)))
        if (entry->fts_info == FTS_F)
            size += (uint64_t) entry->fts_statp->st_size;
    (void) fts_close (fts);
    return size;
}
