/* The class of a pool, made of that of its workers: the same public methods with the same signatures, behind one
   handler. So a job is known by its number in the table, unknown methods and bad arguments are refused before they
   wait anywhere, and "zanni.describe" says of a pool what can be asked of it. A pool whose class took whatever comes
   would know of neither, and look methods up by their names.

   Of a pool that asks all, the answers are lists: it is another class. */

#include "pool.h"

#include "../base/memory.h"
#include "../message/signature.h"

#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;   // guards the list and what is being made
static zanni__link_t s_all = { &s_all, &s_all };

static zanni__pool_class_t *
s_find (const zanni__class_t *workers, bool broadcast)
{
    for (zanni__link_t *link = s_all.next; link != &s_all; link = link->next) {
        zanni__pool_class_t *made = ZANNI__CONTAINER (link, zanni__pool_class_t, link);
        if (made->workers == workers && made->broadcast == broadcast)
            return made;
    }
    return NULL;
}

static bool
s_is_job (const zanni__method_t *method)
{
    return !method->builtin && !(method->flags & ZANNI_METHOD_PRIVATE);
}

/* What many answers are together. "a(" and ")" around a signature may be too much of one. */
static const char *
s_many (const char *out)
{
    size_t size = strlen (out) + sizeof "a()";
    char *text = *out ? zanni__malloc (size) : NULL;
    if (!*out || !text)
        return *out ? "v" : "u";
    snprintf (text, size, "a(%s)", out);
    if (zanni__signature_check (text)) {
        zanni__free (text);
        return "v";
    }
    return text;
}

/* The methods of its own, then those of its workers. */
static void
s_fill (zanni__pool_class_t *made, zanni_method_t *methods)
{
    size_t count = 0;
    for (const zanni_method_t *own = zanni__pool_hooks.methods; own->name; own++)
        methods [count++] = *own;
    for (uint32_t i = 0; i < made->workers->methods_count; i++) {
        const zanni__method_t *method = &made->workers->methods [i];
        if (!s_is_job (method))
            continue;
        made->methods [count] = method;
        methods [count++] = (zanni_method_t) {
            .name = method->name, .in = method->in, .out = made->broadcast ? s_many (method->out) : method->out,
            .handler = zanni__job_take, .text = method->text
        };
    }
    made->definition = zanni__pool_hooks;
    made->definition.name = made->name;
    made->definition.methods = methods;
    snprintf (made->name, sizeof made->name, ZANNI__POOL_PREFIX ":%s", made->workers->definition->name);
}

/* With the lock. `begin`, whose arguments are those of the workers' start, takes any. */
static int
s_make (zanni__pool_class_t **class_p, const zanni__class_t *workers, bool broadcast)
{
    size_t own = 0;
    while (zanni__pool_hooks.methods [own].name)
        own++;
    size_t most = own + workers->methods_count;
    zanni__pool_class_t *made = zanni__calloc (sizeof *made);
    zanni_method_t *methods = zanni__calloc ((most + 1) * sizeof *methods);
    if (made)
        made->methods = zanni__calloc (most * sizeof *made->methods);
    const zanni__class_t *cls;
    int rc = made && methods && made->methods ? 0 : ZANNI_ENOMEM;
    if (!rc) {
        made->workers = workers;
        made->broadcast = broadcast;
        s_fill (made, methods);
        made->own = (zanni__own_class_t) { .definition = &made->definition, .closing = zanni__pool_closing };
        rc = zanni__class_own (&cls, &made->own);
    }
    if (rc) {
        if (made)
            zanni__free ((void *) (uintptr_t) made->methods);
        zanni__free (methods);
        zanni__free (made);
        return rc;
    }
    made->own.made->methods [0].any = true;
    for (size_t i = 0; i < most; i++)
        if (made->methods [i])
            made->own.made->methods [i].super = made->methods [i];
    zanni__free ((void *) (uintptr_t) made->methods);
    made->methods = NULL;
    zanni__list_append (&s_all, &made->link);
    *class_p = made;
    return 0;
}

int
zanni__pool_class (zanni__pool_class_t **class_p, const zanni__class_t *workers, bool broadcast)
{
    int rc = 0;
    pthread_mutex_lock (&s_lock);
    *class_p = s_find (workers, broadcast);
    if (!*class_p)
        rc = s_make (class_p, workers, broadcast);
    pthread_mutex_unlock (&s_lock);
    return rc;
}
