/* The folder of those who may connect. It is looked at by the thread that answers libzmq's questions about keys (zap.c), twice a
   second, and before an answer if files have come or gone, so that whoever is gone from it is refused whatever workers do;
   they end its sessions when they find that the number of distrusts has grown. inotify would save the look, but misses what
   comes by bind mounts and links, such as the volumes of Kubernetes.

   A look compares names, sizes, times and numbers of all files with those of the last one; they are read only where
   something differs. A folder that cannot be read admits nobody. */

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
#include <unistd.h>

#define S_MOST 4096   // keys
#define S_SECRET "_secret"     // how czmq's names of secret certificates end

struct zanni__admission {
    pthread_mutex_t look;                // held by who looks; before the other
    pthread_mutex_t lock;                // of the keys
    uint8_t (*keys) [ZANNI__KEY];
    size_t count;
    uint64_t print;                      // of the files as they were seen last
    _Atomic int64_t looked_ns;           // relaxed: when, to spare a look
    bool lost;                           // it could not be read then
    _Atomic int64_t changed_ns;          // relaxed: when files last came or went, as the folder said before that look
    char folder [];
};

typedef struct {
    uint8_t (*keys) [ZANNI__KEY];
    size_t count;
    size_t room;
    bool whole;                          // nothing was left out for want of memory
} s_list_t;

static bool
s_is_wanted (const char *name)
{
    size_t size = strlen (name), end = strlen (S_SECRET);
    return *name != '.' && (size < end || strcmp (name + size - end, S_SECRET));
}

/* Independent of the order in which the folder tells them. false: it cannot be read. */
static bool
s_print (const char *folder, uint64_t *print)
{
    struct stat status;
    DIR *handle = opendir (folder);
    if (!handle)
        return false;
    *print = 1;
    for (struct dirent *entry; (entry = readdir (handle));) {
        if (!s_is_wanted (entry->d_name) || fstatat (dirfd (handle), entry->d_name, &status, 0))
            continue;
        const int64_t facts [] = {
            (int64_t) status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
            status.st_ctim.tv_nsec
        };
        uint64_t name = zanni__hash_bytes (ZANNI__HASH_BEGIN, entry->d_name, strlen (entry->d_name));
        *print += zanni__hash_bytes (name, facts, sizeof facts);
    }
    closedir (handle);
    return true;
}

static void
s_add (s_list_t *list, const uint8_t key [ZANNI__KEY])
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        uint8_t (*keys) [ZANNI__KEY] = zanni__realloc (list->keys, room * sizeof *keys);
        list->whole = list->whole && keys;
        if (!keys)
            return;
        list->keys = keys;
        list->room = room;
    }
    memcpy (list->keys [list->count++], key, ZANNI__KEY);
}

static void
s_read (const zanni_node_t *node, const char *folder, s_list_t *list)
{
    char path [4096], text [200];
    uint8_t key [ZANNI__KEY];
    DIR *handle = opendir (folder);
    for (struct dirent *entry; handle && list->count < S_MOST && (entry = readdir (handle));) {
        if (!s_is_wanted (entry->d_name)
            || snprintf (path, sizeof path, "%s/%s", folder, entry->d_name) >= (int) sizeof path)
            continue;
        if (!zanni__cert_read (path, key, NULL, text, sizeof text))
            s_add (list, key);
        else
            zanni__log (node, ZANNI_LOG_WARNING, "nobody is admitted by a file: %s", text);
    }
    if (list->count == S_MOST)
        zanni__log (node, ZANNI_LOG_WARNING, "%.200s: no more than %d keys are admitted", folder, S_MOST);
    if (handle)
        closedir (handle);
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
s_look (zanni_node_t *node, zanni__admission_t *admission)
{
    uint64_t print = 0;
    s_list_t list = { .whole = true };
    bool there = s_print (admission->folder, &print);
    if (!there && !admission->lost)
        zanni__log (node, ZANNI_LOG_ERROR, "%.200s: %s: nobody may connect until it is there again", admission->folder,
                    strerror (errno));
    admission->lost = !there;
    if (print == admission->print)
        return;
    if (there)
        s_read (node, admission->folder, &list);
    admission->print = list.whole ? print : 0;   // else again, next time
    if (s_replace (admission, &list))
        /* release: who sees that it has grown sees the list. */
        atomic_fetch_add_explicit (&node->distrusts, 1, memory_order_release);
}

void
zanni__admission_look (zanni_node_t *node, zanni__admission_t *admission, int64_t least_ns)
{
    int64_t now_ns = zanni__node_now (node);
    int64_t looked_ns = atomic_load_explicit (&admission->looked_ns, memory_order_relaxed);
    if (looked_ns && now_ns - looked_ns < least_ns)
        return;
    pthread_mutex_lock (&admission->look);
    atomic_store_explicit (&admission->changed_ns, s_changed_ns (admission), memory_order_relaxed);
    s_look (node, admission);
    atomic_store_explicit (&admission->looked_ns, now_ns, memory_order_relaxed);
    pthread_mutex_unlock (&admission->look);
}

bool
zanni__admission_has (zanni_node_t *node, zanni__admission_t *admission, const uint8_t key [ZANNI__KEY])
{
    if (s_changed_ns (admission) != atomic_load_explicit (&admission->changed_ns, memory_order_relaxed))
        zanni__admission_look (node, admission, 0);
    pthread_mutex_lock (&admission->lock);
    bool has = s_has ((const uint8_t (*) [ZANNI__KEY]) admission->keys, admission->count, key);
    pthread_mutex_unlock (&admission->lock);
    return has;
}

int
zanni__admission_new (zanni__admission_t **admission_p, const char *folder, char *text, size_t size)
{
    struct stat status;
    size_t length = strlen (folder) + 1;
    if (stat (folder, &status)) {
        snprintf (text, size, "%.120s: %s", folder, strerror (errno));
        return ZANNI_ESYSTEM;
    }
    bool open = (status.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH;
    if (!S_ISDIR (status.st_mode) || open) {
        snprintf (text, size, "%.120s %s", folder, open ? "can be written to by anybody: who may connect is not theirs to say"
                                                       : "is no folder of certificates");
        return ZANNI_EAUTH;
    }
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
