/* scratch.h: new folders for tests and benchmarks, which remove them again. The caller looks at what is answered.

   They lie in the system's own folder for such and not in $TMPDIR, whose path may be too long for sockets. */

#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRATCH_PATH 64
#define SCRATCH_MEMORY "/dev/shm"   // where a Linux has files in memory

static inline bool
scratch_in (char path [SCRATCH_PATH], const char *parent)
{
    snprintf (path, SCRATCH_PATH, "%s/zanni-test-XXXXXX", parent);
    return mkdtemp (path) != NULL;
}

static inline bool
scratch_new (char path [SCRATCH_PATH])
{
    return scratch_in (path, P_tmpdir);
}

/* For who measures something else than a disk: in memory where there is such a folder. */
static inline bool
scratch_new_in_memory (char path [SCRATCH_PATH])
{
    return scratch_in (path, SCRATCH_MEMORY) || scratch_new (path);
}

/* A new folder becomes the system's for what runs, and `directory` is where nodes have their sockets from now on. */
static inline bool
scratch_runtime (char path [SCRATCH_PATH], char directory [SCRATCH_PATH + sizeof "/zanni"])
{
    bool good = scratch_new (path) && !setenv ("XDG_RUNTIME_DIR", path, 1);
    snprintf (directory, SCRATCH_PATH + sizeof "/zanni", "%s/zanni", path);
    return good;
}

/* A descriptor of a file that has no name; -1: there is none. */
static inline int
scratch_file (void)
{
    FILE *file = tmpfile ();
    int fd = file ? dup (fileno (file)) : -1;
    if (file)
        (void) fclose (file);
    return fd;
}

/* How many entries a folder has, without those that begin with a dot; 0 also where it does not exist. */
static inline int
scratch_entries (const char *path)
{
    int count = 0;
    DIR *folder = opendir (path);
    for (struct dirent *entry; folder && (entry = readdir (folder));)
        count += *entry->d_name != '.';
    if (folder)
        closedir (folder);
    return count;
}

#endif
