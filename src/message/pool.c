/* Where instances of registered types live: slots of one size, from slabs that stay for the life of the process.

   Each thread has a few slots at hand for each of the types that it used last, so that making and putting back takes a
   handful of instructions and no lock. What it has too few or too many of goes from and to the type's pool in lots,
   under the pool's lock; so slots find their way home also where one thread makes what another one puts back. A thread
   that ends gives back what it had. Slots go round last in, first out, since what was just used is in the cache.

   Two types of a thread that fall on the same place drive each other out, a lot at a time. That is rare enough, and a
   place for every type in every thread would cost threads what they do not use. */

#include "type.h"

#include "../base/assert.h"
#include "../base/memory.h"
#include <pthread.h>
#include <string.h>
#include <zanni/buffer.h>

#define S_PLACES 8       // of a thread; a power of two
#define S_LOT 32         // slots that go to or from the pool at once
#define S_SLAB 16384     // bytes, if that is at least one slot

struct zanni__slots {
    pthread_mutex_t lock;
    zanni__link_t *slots;   // chained by next
    size_t size;            // of a slot
    uint32_t number;
    void *slabs;            // chained by their first word, so that they are found by who looks for leaks
};

typedef struct {
    zanni__slots_t *pool;
    zanni__link_t *slots;
    uint32_t count;
} s_place_t;

char zanni__borrowed;

static _Thread_local s_place_t s_places [S_PLACES];
static _Thread_local bool s_known;   // its end is noticed
static pthread_key_t s_end;
static pthread_once_t s_end_once = PTHREAD_ONCE_INIT;
static bool s_end_made;

static void
s_push (zanni__link_t **slots, zanni__link_t *slot)
{
    slot->next = *slots;
    *slots = slot;
}

static zanni__link_t *
s_pop (zanni__link_t **slots)
{
    zanni__link_t *slot = *slots;
    *slots = slot->next;
    return slot;
}

static void
s_give (s_place_t *place, uint32_t count)
{
    zanni__slots_t *pool = place->pool;
    pthread_mutex_lock (&pool->lock);
    for (; count; count--, place->count--)
        s_push (&pool->slots, s_pop (&place->slots));
    pthread_mutex_unlock (&pool->lock);
}

static void
s_thread_ends (void *value)
{
    (void) value;
    for (size_t i = 0; i < S_PLACES; i++)
        if (s_places [i].count)
            s_give (&s_places [i], s_places [i].count);
    s_known = false;
}

static void
s_make_end (void)
{
    s_end_made = pthread_key_create (&s_end, s_thread_ends) == 0;
}

/* A library that is unloaded leaves no function behind for threads that end later. */
static __attribute__ ((destructor)) void
s_forget_end (void)
{
    if (s_end_made)
        (void) pthread_key_delete (s_end);
}

/* False: this thread keeps nothing, since its end would go unnoticed. */
static bool
s_know_thread (void)
{
    pthread_once (&s_end_once, s_make_end);
    s_known = s_end_made && pthread_setspecific (s_end, &s_known) == 0;
    return s_known;
}

/* With the lock. */
static bool
s_add_slab (zanni__slots_t *pool)
{
    size_t room = sizeof (zanni__instance_t);   // what the chain takes, so that slots stay aligned
    size_t count = pool->size < S_SLAB ? S_SLAB / pool->size : 1;
    uint8_t *slab = zanni__malloc (room + count * pool->size);
    if (!slab)
        return false;
    memcpy (slab, &pool->slabs, sizeof pool->slabs);
    pool->slabs = slab;
    for (size_t i = count; i-- > 0;)
        s_push (&pool->slots, &((zanni__instance_t *) (void *) (slab + room + i * pool->size))->link);
    return true;
}

static bool
s_take (s_place_t *place, uint32_t most)
{
    zanni__slots_t *pool = place->pool;
    pthread_mutex_lock (&pool->lock);
    bool good = pool->slots || s_add_slab (pool);
    for (; most && pool->slots; most--, place->count++)
        s_push (&place->slots, s_pop (&pool->slots));
    pthread_mutex_unlock (&pool->lock);
    return good;
}

static s_place_t *
s_place_of (zanni__slots_t *pool)
{
    s_place_t *place = &s_places [pool->number & (S_PLACES - 1)];
    if (place->pool == pool)
        return place;
    if (place->count)
        s_give (place, place->count);
    place->pool = pool;
    return place;
}

zanni__slots_t *
zanni__slots_new (size_t size)
{
    static uint32_t number;   // under the lock of the registry
    zanni__slots_t *pool = zanni__calloc (sizeof *pool);
    if (!pool)
        return NULL;
    pthread_mutex_init (&pool->lock, NULL);
    pool->size = sizeof (zanni__instance_t) + ((size + 15) & ~(size_t) 15);
    pool->number = number++;
    return pool;
}

void
zanni__instance_clear (const zanni__type_t *type, void *instance)
{
    const zanni_type_t *definition = type->definition;
    if (definition->defaults)
        memcpy (instance, definition->defaults, definition->size);
    else
        memset (instance, 0, definition->size);
}

void *
zanni__instance_new (const zanni__type_t *type)
{
    s_place_t *place = s_place_of (type->slots);
    if (!place->count && !s_take (place, s_known || s_know_thread () ? S_LOT : 1))
        return NULL;
    zanni__instance_t *instance = ZANNI__CONTAINER (s_pop (&place->slots), zanni__instance_t, link);
    place->count--;
    instance->type = type;
    instance->held = NULL;
    zanni__link_init (&instance->link);
    zanni__instance_clear (type, instance + 1);
    return instance + 1;
}

void
zanni__instance_free (zanni__instance_t *instance)
{
    s_place_t *place = s_place_of (instance->type->slots);
    instance->type = NULL;
    s_push (&place->slots, &instance->link);
    place->count++;
    if (!s_known && !s_know_thread ())
        s_give (place, place->count);
    else if (place->count > 2 * S_LOT)
        s_give (place, S_LOT);
}

static void *
s_load (const void *place)
{
    void *pointer;
    memcpy (&pointer, place, sizeof pointer);
    return pointer;
}

static void
s_store (void *place, void *pointer)
{
    memcpy (place, &pointer, sizeof pointer);
}

int
zanni_type_new (void *instance_p, const zanni_type_t *definition)
{
    const zanni__type_t *type;
    int rc = zanni__type_find (&type, definition);
    if (rc)
        return rc;
    void *instance = zanni__instance_new (type);
    if (!instance)
        return ZANNI_ENOMEM;
    s_store (instance_p, instance);
    return 0;
}

static bool
s_drop_member (void *context, const zanni__step_t *step, void *member)
{
    (void) context;
    if (step->kind == ZANNI_KIND_BUFFER)
        zanni_buffer_destroy (member);
    return true;
}

static void
s_destroy (zanni__instance_t *instance)
{
    const zanni__type_t *type = instance->type;
    (void) zanni__fields_each (type, instance + 1, s_drop_member, NULL);
    if (type->definition->drop)
        type->definition->drop (instance + 1);
    zanni__free (instance->held);
    zanni__instance_free (instance);
}

void
zanni_type_destroy (void *instance_p)
{
    void *own = instance_p ? s_load (instance_p) : NULL;
    if (!own)
        return;
    zanni__instance_t *instance = zanni__instance_of (own);
    zanni__assert (instance->type);
    s_store (instance_p, NULL);
    if (instance->held != &zanni__borrowed)
        s_destroy (instance);
}

void
zanni__instances_drop (zanni__link_t *instances)
{
    while (!zanni__list_empty (instances)) {
        zanni__instance_t *instance = ZANNI__CONTAINER (instances->next, zanni__instance_t, link);
        zanni__link_remove (&instance->link);
        instance->held = NULL;
        s_destroy (instance);
    }
}

/* What strings and bytes of an instance take. */
static bool
s_measure (void *context, const zanni__step_t *step, void *member)
{
    size_t *size = context;
    if (step->kind == ZANNI_KIND_BYTES)
        *size += ((zanni_bytes_t *) member)->size;
    if (step->kind == ZANNI_KIND_STRING && *(const char **) member)
        *size += strlen (*(const char **) member) + 1;
    return true;
}

/* Makes a member's content the copy's own: a count of its own, or a place in the block at *context. */
static bool
s_own (void *context, const zanni__step_t *step, void *member)
{
    uint8_t **at = context;
    if (step->kind == ZANNI_KIND_BUFFER) {
        if (s_load (member))
            (void) zanni_buffer_keep (s_load (member));
        return true;
    }
    bool text = step->kind == ZANNI_KIND_STRING;
    zanni_bytes_t *bytes = member;
    const void *from = text ? *(const char **) member : bytes->data;
    size_t size = text ? (from ? strlen (from) + 1 : 0) : bytes->size;
    if (!size)
        return true;
    memcpy (*at, from, size);
    if (text)
        *(const char **) member = (const char *) *at;
    else
        bytes->data = *at;
    *at += size;
    return true;
}

static int
s_copy (void **copy_p, const zanni__instance_t *from)
{
    const zanni__type_t *type = from->type;
    size_t size = 0;
    void *copy = zanni__instance_new (type);
    if (!copy)
        return ZANNI_ENOMEM;
    memcpy (copy, from + 1, type->definition->size);
    (void) zanni__fields_each (type, copy, s_measure, &size);
    uint8_t *held = size ? zanni__malloc (size) : NULL;
    if (size && !held) {
        zanni__instance_free (zanni__instance_of (copy));
        return ZANNI_ENOMEM;
    }
    zanni__instance_of (copy)->held = held;
    (void) zanni__fields_each (type, copy, s_own, &held);
    *copy_p = copy;
    return 0;
}

int
zanni_type_take (void *instance_p, const void *instance)
{
    if (!instance)
        return ZANNI_EINVAL;
    zanni__instance_t *from = zanni__instance_of (instance);
    void *own = from + 1;
    int rc = 0;
    if (!from->type)
        rc = ZANNI_EINVAL;
    else if (!from->type->definition->unpack)
        rc = s_copy (&own, from);
    else {
        zanni__link_remove (&from->link);
        from->held = NULL;
    }
    if (!rc)
        s_store (instance_p, own);
    return rc;
}
