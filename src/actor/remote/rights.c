/* Policies by key. What was said is one piece of memory that is never changed: who sets another one puts it in its place, and
   the former stays until the node ends, for a worker may be looking at it. So a look costs no lock. Programs say few of
   them, and the keys are those that the program, or its folder, knows. */

#include "rights.h"

#include "../../base/memory.h"

struct zanni__grant {
    const zanni__grant_t *before;   // that it took the place of
    bool spawn;
    const char *const *names;       // NULL: all
    const char *const *methods;     // NULL: all
};

/* Under the lock. */
static zanni__rights_t *
s_get (zanni_node_t *node, const uint8_t key [ZANNI__KEY])
{
    zanni__rights_t *rights = node->rights;
    while (rights && memcmp (rights->key, key, sizeof rights->key))
        rights = rights->next;
    if (rights)
        return rights;
    rights = zanni__calloc (sizeof *rights);
    if (!rights)
        return NULL;
    memcpy (rights->key, key, sizeof rights->key);
    rights->next = node->rights;
    node->rights = rights;
    return rights;
}

zanni__rights_t *
zanni__rights_of (zanni_node_t *node, const uint8_t key [ZANNI__KEY])
{
    pthread_mutex_lock (&node->exports_lock);
    zanni__rights_t *rights = s_get (node, key);
    pthread_mutex_unlock (&node->exports_lock);
    return rights;
}

static size_t
s_size (const char *const *list, size_t *count)
{
    size_t size = 0;
    *count = 0;
    while (list && list [*count])
        size += strlen (list [(*count)++]) + 1;
    return size;
}

/* Copies a list to where there is room for it. */
static const char *const *
s_copy (const char **to, char **text, const char *const *list, size_t count)
{
    if (!list)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        to [i] = *text;
        *text = stpcpy (*text, list [i]) + 1;
    }
    to [count] = NULL;
    return to;
}

static zanni__grant_t *
s_grant_new (const zanni_policy_t *policy)
{
    size_t names, methods;
    size_t texts = s_size (policy->names, &names) + s_size (policy->methods, &methods);
    zanni__grant_t *grant = zanni__calloc (sizeof *grant + (names + methods + 2) * sizeof (char *) + texts);
    if (!grant)
        return NULL;
    const char **lists = (const char **) (void *) (grant + 1);
    char *text = (char *) (lists + names + methods + 2);
    grant->spawn = policy->spawn;
    grant->names = s_copy (lists, &text, policy->names, names);
    grant->methods = s_copy (lists + names + 1, &text, policy->methods, methods);
    return grant;
}

int
zanni__rights_set (zanni_node_t *node, const uint8_t key [ZANNI__KEY], const zanni_policy_t *policy)
{
    static const zanni_policy_t unsaid = { .spawn = true };
    zanni__grant_t *grant = s_grant_new (policy ? policy : &unsaid);
    if (!grant)
        return ZANNI_ENOMEM;
    pthread_mutex_lock (&node->exports_lock);
    zanni__rights_t *rights = s_get (node, key);
    if (rights) {
        grant->before = atomic_load_explicit (&rights->grant, memory_order_relaxed);
        /* release: who sees it sees it whole. */
        atomic_store_explicit (&rights->grant, grant, memory_order_release);
        atomic_store_explicit (&rights->limits, grant->methods != NULL, memory_order_release);
    }
    pthread_mutex_unlock (&node->exports_lock);
    if (!rights)
        zanni__free (grant);
    return rights ? 0 : ZANNI_ENOMEM;
}

void
zanni__rights_free (zanni_node_t *node)
{
    while (node->rights) {
        zanni__rights_t *rights = node->rights;
        const zanni__grant_t *before, *grant = atomic_load_explicit (&rights->grant, memory_order_relaxed);
        for (; grant; grant = before) {
            before = grant->before;
            zanni__free ((void *) (uintptr_t) grant);
        }
        node->rights = rights->next;
        zanni__free (rights);
    }
}

static const zanni__grant_t *
s_grant (const zanni__rights_t *rights)
{
    /* acquire pairs with the release of who has set it. */
    return rights ? atomic_load_explicit (&rights->grant, memory_order_acquire) : NULL;
}

static bool
s_is (const char *text, const void *bytes, size_t size)
{
    return strlen (text) == size && !memcmp (text, bytes, size);
}

bool
zanni__rights_name (const zanni__rights_t *rights, const void *name, size_t size)
{
    const zanni__grant_t *grant = s_grant (rights);
    if (!grant || !grant->names)
        return true;
    for (const char *const *at = grant->names; *at; at++)
        if (s_is (*at, name, size))
            return true;
    return false;
}

bool
zanni__rights_method (const zanni__rights_t *rights, const char *class_name, const zanni_bytes_t *method)
{
    const zanni__grant_t *grant = s_grant (rights);
    size_t prefix = strlen (class_name);
    if (!grant || !grant->methods)
        return true;
    for (const char *const *at = grant->methods; *at; at++)
        if (s_is (*at, method->data, method->size)
            || (prefix && !strncmp (*at, class_name, prefix) && (*at) [prefix] == '.'
                && s_is (*at + prefix + 1, method->data, method->size)))
            return true;
    return false;
}

bool
zanni__rights_spawn (const zanni__rights_t *rights)
{
    const zanni__grant_t *grant = s_grant (rights);
    return !grant || grant->spawn;   // the node's options are asked, too
}
