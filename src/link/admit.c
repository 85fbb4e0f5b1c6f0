/* The folder of those who may connect. It is looked at by the thread that answers libzmq's questions about keys (zap.c), twice a
   second, and before an answer if files have come or gone, so that whoever is gone from it is refused whatever workers do;
   they end its sessions when they find that the number of distrusts has grown. inotify would save the look, but misses what
   comes by bind mounts and links, such as the volumes of Kubernetes.

   A look compares names, sizes, times and numbers of all files with those of the last one; they are read only where
   something differs. A folder that is not there, or that is not for us, admits nobody. One that cannot be read for now (for want
   of descriptors, which strangers may have taken) changes nothing, and is looked at again. */

#include "trust.h"

#include "../base/memory.h"
#include "../base/table.h"
#include "cert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define S_MOST 4096   // keys
#define S_NEVER (-1)
#define S_SECRET "_secret"     // how czmq's names of secret certificates end

struct zanni__admission {
    pthread_mutex_t look;                // held by who looks; before the other
    pthread_mutex_t lock;                // of the keys
    uint8_t (*keys) [ZANNI__KEY];
    size_t count;
    uint64_t print;                      // of the files as they were seen last
    _Atomic int64_t looked_ns;           // relaxed: when, to spare a look
    int why;                             // errno: it could not be read then
    _Atomic int64_t changed_ns;          // relaxed: when files last came or went, as the folder said before that look, or
                                         // S_NEVER: it could not be read
    char folder [];
};

typedef struct {
    uint8_t (*keys) [ZANNI__KEY];
    size_t count;
    size_t room;
} s_list_t;

static bool
s_is_wanted (const char *name)
{
    size_t size = strlen (name), end = strlen (S_SECRET);
    return *name != '.' && (size < end || strcmp (name + size - end, S_SECRET));
}

/* This process or the disk is short of something; else it is so of the folder or file. */
static bool
s_may_pass (int why)
{
    return why == EMFILE || why == ENFILE || why == ENOMEM || why == EIO;
}

/* Independent of the order in which the folder tells them. 0, or errno: it cannot be read. */
static int
s_print (const char *folder, uint64_t *print)
{
    struct stat status;
    DIR *handle = opendir (folder);
    if (!handle)
        return errno;
    *print = 1;
    for (struct dirent *entry; errno = 0, (entry = readdir (handle));) {
        if (!s_is_wanted (entry->d_name))
            continue;
        if (fstatat (dirfd (handle), entry->d_name, &status, 0)) {
            if (s_may_pass (errno))
                break;
            continue;
        }
        const int64_t facts [] = {
            (int64_t) status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
            status.st_ctim.tv_nsec
        };
        uint64_t name = zanni__hash_bytes (ZANNI__HASH_BEGIN, entry->d_name, strlen (entry->d_name));
        *print += zanni__hash_bytes (name, facts, sizeof facts);
    }
    int why = errno;
    closedir (handle);
    return why;
}

/* 0, or errno. */
static int
s_add (s_list_t *list, const uint8_t key [ZANNI__KEY])
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        uint8_t (*keys) [ZANNI__KEY] = zanni__realloc (list->keys, room * sizeof *keys);
        if (!keys)
            return ENOMEM;
        list->keys = keys;
        list->room = room;
    }
    memcpy (list->keys [list->count++], key, ZANNI__KEY);
    return 0;
}

/* A file that is none, or is not to be read, admits nobody. 0, or errno: it cannot be said now. */
static int
s_read_file (const zanni_node_t *node, s_list_t *list, const char *path)
{
    char text [200];
    uint8_t key [ZANNI__KEY];
    int rc = zanni__cert_read (path, key, NULL, text, sizeof text);
    if (!rc)
        return s_add (list, key);
    if (rc == ZANNI_ESYSTEM && s_may_pass (errno))
        return errno;
    zanni__log (node, ZANNI_LOG_WARNING, "nobody is admitted by a file: %s", text);
    return 0;
}

static int
s_read (const zanni_node_t *node, const char *folder, s_list_t *list)
{
    char path [4096];
    DIR *handle = opendir (folder);
    if (!handle)
        return errno;
    for (struct dirent *entry; errno = 0, list->count < S_MOST && (entry = readdir (handle));) {
        if (!s_is_wanted (entry->d_name)
            || snprintf (path, sizeof path, "%s/%s", folder, entry->d_name) >= (int) sizeof path)
            continue;
        errno = s_read_file (node, list, path);
        if (errno)
            break;
    }
    int why = errno;
    if (list->count == S_MOST)
        zanni__log (node, ZANNI_LOG_WARNING, "%.200s: no more than %d keys are admitted", folder, S_MOST);
    closedir (handle);
    return why;
}

static bool
s_has (const uint8_t (*keys) [ZANNI__KEY], size_t count, const uint8_t key [ZANNI__KEY])
{
    for (size_t i = 0; i < count; i++)
        if (!memcmp (keys [i], key, ZANNI__KEY))
            return true;
    return false;
}

/* Takes the list; whether one that was there before is not any more. */
static bool
s_replace (zanni__admission_t *admission, const s_list_t *list)
{
    bool gone = false;
    pthread_mutex_lock (&admission->lock);
    uint8_t (*before) [ZANNI__KEY] = admission->keys;
    for (size_t i = 0; i < admission->count && !gone; i++)
        gone = !s_has ((const uint8_t (*) [ZANNI__KEY]) list->keys, list->count, before [i]);
    admission->keys = list->keys;
    admission->count = list->count;
    pthread_mutex_unlock (&admission->lock);
    zanni__free (before);
    return gone;
}

/* When files last came to the folder or went; 0: it is not there. */
static int64_t
s_changed_ns (const zanni__admission_t *admission)
{
    struct stat status;
    if (stat (admission->folder, &status))
        return 0;
    return (int64_t) status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
}

static void
s_tell (const zanni_node_t *node, zanni__admission_t *admission, int why)
{
    if (why && why != admission->why)
        zanni__log (node, ZANNI_LOG_ERROR, "%.200s: %s: %s", admission->folder, strerror (why),
                    s_may_pass (why) ? "who may connect stays as it was until it can be read"
                                     : "nobody may connect until it is there again");
    admission->why = why;
}

/* false: it has to be looked at again, and nothing has changed. */
static bool
s_look (zanni_node_t *node, zanni__admission_t *admission)
{
    uint64_t print = 0;
    s_list_t list = { .keys = NULL };
    int why = s_print (admission->folder, &print);
    if (!why && print != admission->print)
        why = s_read (node, admission->folder, &list);
    s_tell (node, admission, why);
    if (why) {
        zanni__free (list.keys);
        list = (s_list_t) { .keys = NULL };
        print = 0;
        if (s_may_pass (why))
            return false;
    }
    if (print == admission->print)
        return true;
    admission->print = print;
    if (s_replace (admission, &list))
        /* release: who sees that it has grown sees the list. */
        atomic_fetch_add_explicit (&node->distrusts, 1, memory_order_release);
    return true;
}

static void
s_look_now (zanni_node_t *node, zanni__admission_t *admission)
{
    pthread_mutex_lock (&admission->look);
    int64_t changed_ns = s_changed_ns (admission);   // what changes from here on is looked at once more
    bool looked = s_look (node, admission);
    atomic_store_explicit (&admission->changed_ns, looked ? changed_ns : S_NEVER, memory_order_relaxed);
    atomic_store_explicit (&admission->looked_ns, zanni__node_now (node), memory_order_relaxed);
    pthread_mutex_unlock (&admission->look);
}

void
zanni__admission_look (zanni_node_t *node, zanni__admission_t *admission, int64_t least_ns)
{
    int64_t looked_ns = atomic_load_explicit (&admission->looked_ns, memory_order_relaxed);
    if (!looked_ns || zanni__node_now (node) - looked_ns >= least_ns)
        s_look_now (node, admission);
}

bool
zanni__admission_asked (zanni_node_t *node, zanni__admission_t *admission, const uint8_t key [ZANNI__KEY])
{
    if (s_changed_ns (admission) != atomic_load_explicit (&admission->changed_ns, memory_order_relaxed))
        s_look_now (node, admission);
    return zanni__admission_has (admission, key);
}

bool
zanni__admission_has (zanni__admission_t *admission, const uint8_t key [ZANNI__KEY])
{
    pthread_mutex_lock (&admission->lock);
    bool has = s_has ((const uint8_t (*) [ZANNI__KEY]) admission->keys, admission->count, key);
    pthread_mutex_unlock (&admission->lock);
    return has;
}

/* Whether it is for this user alone to say who may connect. Where it is mounted so that nobody can write, as Kubernetes does,
   its mode says nothing. */
static int
s_check (const char *folder, char *text, size_t size)
{
    struct stat status;
    struct statvfs mount;
    if (stat (folder, &status) || statvfs (folder, &mount)) {
        snprintf (text, size, "%.120s: %s", folder, strerror (errno));
        return ZANNI_ESYSTEM;
    }
    unsigned mode = status.st_mode & 0777;
    if (!S_ISDIR (status.st_mode))
        snprintf (text, size, "%.120s is no folder of certificates", folder);
    else if (mount.f_flag & ST_RDONLY)
        return 0;
    else if (mode & (S_IWGRP | S_IWOTH))
        snprintf (text, size, "%.120s: others than its owner can write there (mode %03o), and so say who may connect; chmod 755",
                  folder, mode);
    else if (status.st_uid && status.st_uid != geteuid ())
        snprintf (text, size, "%.120s belongs to another user, who could say who may connect", folder);
    else
        return 0;
    return ZANNI_EAUTH;
}

int
zanni__admission_new (zanni__admission_t **admission_p, const char *folder, char *text, size_t size)
{
    size_t length = strlen (folder) + 1;
    int rc = s_check (folder, text, size);
    if (rc)
        return rc;
    zanni__admission_t *admission = zanni__calloc (sizeof *admission + length);
    if (!admission)
        return ZANNI_ENOMEM;
    memcpy (admission->folder, folder, length);
    pthread_mutex_init (&admission->look, NULL);
    pthread_mutex_init (&admission->lock, NULL);
    *admission_p = admission;
    return 0;
}

void
zanni__admission_free (zanni__admission_t *admission)
{
    if (!admission)
        return;
    pthread_mutex_destroy (&admission->look);
    pthread_mutex_destroy (&admission->lock);
    zanni__free (admission->keys);
    zanni__free (admission);
}
