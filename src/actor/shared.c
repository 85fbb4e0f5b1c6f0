/* Objects of the program's as actors: an identity whose incarnation has that object for its state, and no hooks.

   What a node shares stands in one table by its address, under the lock of its exports, so that the same object is the same
   actor, whoever shares it. An entry leaves when its actor ends, before the object is given back. Where that is because the
   last strong reference is gone, it leaves at once, and only if nobody has shared the object meanwhile, who has another. */

#include "answer.h"
#include "node.h"

#include "../base/memory.h"

#include <zanni/share.h>

struct zanni__shared {
    zanni__entry_t entry;
    const void *object;
    zanni__identity_t *identity;
    zanni_share_free_fn *release;
    bool listed;
};

/* What zanni_super_object waits for. */
struct zanni__wanted {
    const zanni_msg_t *msg;
    void *object;
};

static uint64_t
s_hash (const void *object)
{
    return zanni__spread ((uint64_t) (uintptr_t) object);
}

/* Under the lock. */
static struct zanni__shared *
s_find (const zanni_node_t *node, const void *object)
{
    zanni__entry_t *entry = zanni__table_find (&node->shares, s_hash (object));
    return (struct zanni__shared *) (void *) entry;
}

/* A reference to whom the object is already: 0, and NULL where it is nobody. */
static int
s_refer (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const void *object)
{
    zanni_node_t *node = self->worker->node;
    int rc = 0;
    *ref_p = NULL;
    pthread_mutex_lock (&node->exports_lock);
    const struct zanni__shared *share = s_find (node, object);
    if (share && atomic_load_explicit (&share->identity->cls, memory_order_relaxed) != cls)
        rc = ZANNI_EINUSE;
    else if (share) {
        *ref_p = zanni__ref_new (share->identity, self->worker, true, true);
        rc = *ref_p ? 0 : ZANNI_ENOMEM;
    }
    pthread_mutex_unlock (&node->exports_lock);
    return rc;
}

#define S_SLOWER 1   // than another thread, which has shared the object meanwhile

static int
s_enter (zanni_node_t *node, struct zanni__shared *share)
{
    pthread_mutex_lock (&node->exports_lock);
    int rc = s_find (node, share->object) ? S_SLOWER
           : zanni__table_put (&node->shares, &share->entry, s_hash (share->object)) ? 0 : ZANNI_ENOMEM;
    share->listed = !rc;
    pthread_mutex_unlock (&node->exports_lock);
    return rc;
}

/* Under the lock. */
static void
s_leave (zanni_node_t *node, struct zanni__shared *share)
{
    if (share->listed)
        zanni__table_remove (&node->shares, &share->entry);
    share->listed = false;
}

/* The actor itself, which nobody refers to yet but this. */
static int
s_make (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, struct zanni__shared *share, void *object)
{
    zanni_worker_t *worker = self->worker;
    zanni__identity_t *identity = zanni__identity_new (worker, cls);
    zanni_ref_t *ref = identity ? zanni__ref_new (identity, worker, true, true) : NULL;
    zanni_t *actor = ref ? zanni__actor_new (worker, identity, zanni__class_none ()) : NULL;
    zanni__more_t *more = actor ? zanni__more (actor) : NULL;
    share->identity = identity;
    int rc = more ? s_enter (worker->node, share) : ZANNI_ENOMEM;
    if (rc) {
        zanni__free (more);
        zanni__free (actor);
        if (ref)
            zanni__ref_undo (ref);
        if (identity)
            zanni__spawn_undo (identity);
        return rc;
    }
    actor->state = object;
    more->share = share;
    identity->actor = actor;
    identity->state = ZANNI__RUNNING;
    zanni__enlist (worker, identity);
    *ref_p = ref;
    return 0;
}

/* The object becomes an actor now. */
static int
s_share_first (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, struct zanni__shared what)
{
    struct zanni__shared *share = zanni__malloc (sizeof *share);
    if (!share)
        return ZANNI_ENOMEM;
    *share = what;
    int rc = s_make (self, ref_p, cls, share, (void *) (uintptr_t) what.object);
    if (rc)
        zanni__free (share);
    return rc;
}

/* Whether it was made now goes to `made`. */
static int
s_share (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, struct zanni__shared what, bool *made)
{
    zanni_ref_t *ref;
    int rc;
    if (!what.object || cls->run)
        return ZANNI_EINVAL;
    do {
        rc = s_refer (self, &ref, cls, what.object);
        *made = !rc && !ref;
        if (*made)
            rc = s_share_first (self, &ref, cls, what);
    } while (rc == S_SLOWER);
    if (rc) {
        *made = false;
        return rc;
    }
    zanni__ref_adopt (self, ref);
    *ref_p = ref;
    return 0;
}

int
zanni_share (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, void *object, zanni_share_free_fn *release)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref_p || !class_name)
        return ZANNI_EINVAL;
    const zanni__class_t *cls = zanni__class_find (class_name);
    const struct zanni__shared what = { .object = object, .release = release };
    bool made;
    return cls ? s_share (self, ref_p, cls, what, &made) : ZANNI_ENOCLASS;
}

bool
zanni__shared_leave (zanni__identity_t *identity)
{
    const zanni__more_t *more = identity->actor ? identity->actor->more : NULL;
    if (!more || !more->share)
        return true;
    zanni_node_t *node = identity->worker->node;
    pthread_mutex_lock (&node->exports_lock);
    bool alone = !atomic_load_explicit (&identity->strong, memory_order_relaxed);   // the lock orders it
    if (alone)
        s_leave (node, more->share);
    pthread_mutex_unlock (&node->exports_lock);
    return alone;
}

void
zanni__shared_end (zanni_worker_t *worker, struct zanni__shared *share)
{
    zanni_node_t *node = worker->node;
    zanni_share_free_fn *release = share->release;
    void *object = (void *) (uintptr_t) share->object;
    pthread_mutex_lock (&node->exports_lock);
    s_leave (node, share);
    pthread_mutex_unlock (&node->exports_lock);
    zanni__free (share);
    if (release)
        release (object);
}

int
zanni_reply_share (zanni_t *self, zanni_msg_t *msg, void *object, zanni_share_free_fn *release)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!msg || !msg->method || !msg->method->result || !object)
        return ZANNI_EINVAL;
    struct zanni__wanted *wanted = self->worker->wanted;
    if (wanted && wanted->msg == msg && !wanted->object) {
        wanted->object = object;
        return 0;
    }
    const zanni__class_t *cls = zanni__class_find (msg->method->result);
    if (!cls)
        return ZANNI_ENOCLASS;
    const struct zanni__shared what = { .object = object, .release = release };
    zanni_ref_t *whole = NULL, *ref = NULL;
    bool made = false;
    rc = s_share (self, &whole, cls, what, &made);
    if (!rc)
        rc = zanni_ref_limit (self, &ref, whole);
    if (!rc)
        rc = zanni_reply (self, msg, ref);
    if (rc && made)
        whole->identity->actor->more->share->release = NULL;   // it stays the caller's
    zanni_ref_destroy (&ref);
    zanni_ref_destroy (&whole);
    return rc;
}

int
zanni_super_object (zanni_t *self, zanni_msg_t *msg, void **object_p)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!object_p || !msg)
        return ZANNI_EINVAL;
    struct zanni__wanted *outer = self->worker->wanted;
    struct zanni__wanted wanted = { .msg = msg };
    self->worker->wanted = &wanted;
    rc = zanni_super (self, msg);
    self->worker->wanted = outer;
    if (!rc && !wanted.object)
        rc = ZANNI_ENOREPLY;
    if (!rc)
        *object_p = wanted.object;
    return rc;
}
