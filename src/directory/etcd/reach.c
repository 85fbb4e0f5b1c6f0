/* The kind "etcd": how an agent finds the actor that speaks to the etcd of its place. There is one for each place and node,
   whatever the number of handles. Who begins it leaves its text (zanni_ref_text) in a list of the process, which the next
   agent makes a reference of; one that is not there any more says so when it is asked, and is forgotten then.

   Handles whose places are written differently have actors of their own, which is no harm. */

#include "etcd.h"

#include <pthread.h>
#include <stdio.h>
#include <zanni/etcd.h>

typedef struct {
    zanni__link_t link;
    uint8_t node [16];
    char text [ZANNI_REF_TEXT];
    char place [];
} s_known_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;   // guards the list, and is held while an actor is begun
static zanni__link_t s_all = { &s_all, &s_all };

static s_known_t *
s_find (const uint8_t node [16], const char *place)
{
    for (zanni__link_t *at = s_all.next; at != &s_all; at = at->next) {
        s_known_t *known = ZANNI__CONTAINER (at, s_known_t, link);
        if (!memcmp (known->node, node, sizeof known->node) && !strcmp (known->place, place))
            return known;
    }
    return NULL;
}

static void
s_forget (s_known_t *known)
{
    zanni__link_remove (&known->link);
    free (known);
}

void
zanni__etcd_unknown (zanni_t *self)
{
    char text [ZANNI_REF_TEXT];
    if (zanni_ref_text (self, zanni_self (self), text, sizeof text))
        return;
    pthread_mutex_lock (&s_lock);
    for (zanni__link_t *next, *at = s_all.next; at != &s_all; at = next) {
        s_known_t *known = ZANNI__CONTAINER (at, s_known_t, link);
        const char *its = strchr (known->text, '#'), *mine = strchr (text, '#');   // where it is dialled may have changed
        next = at->next;
        if (its && mine && !strcmp (its, mine))
            s_forget (known);
    }
    pthread_mutex_unlock (&s_lock);
}

/* Begins one, which holds itself. */
static int
s_begin (zanni_t *self, zanni_ref_t **ref_p, s_known_t *known)
{
    static const zanni_spawn_t options = { .place = ZANNI_THREAD, .mailbox_messages = 65536 };
    zanni_ref_t *ref = NULL;
    int rc = zanni_spawn (self, &ref, ZANNI__ETCD_CLASS, &options, known->place);
    if (!rc)
        rc = zanni_tell (self, ref, "stay", ref);
    if (!rc)
        rc = zanni_ref_text (self, ref, known->text, sizeof known->text);
    if (!rc)
        rc = zanni_ref_weak (self, ref_p, ref);
    zanni_ref_destroy (&ref);
    return rc;
}

/* Under the lock. */
static int
s_get (zanni_t *self, zanni_ref_t **ref_p, const char *place)
{
    zanni_address_t address = zanni_ref_address (zanni_self (self));
    s_known_t *known = s_find (address.node, place);
    if (known)
        return zanni_ref_parse (self, ref_p, known->text);
    known = calloc (1, sizeof *known + strlen (place) + 1);
    if (!known)
        return ZANNI_ENOMEM;
    memcpy (known->node, address.node, sizeof known->node);
    strcpy (known->place, place);
    int rc = s_begin (self, ref_p, known);
    if (rc)
        free (known);
    else
        zanni__list_append (&s_all, &known->link);
    return rc;
}

static int
s_reach (zanni_t *self, zanni_ref_t **ref_p, const char *place, const zanni_directory_options_t *options,
         const zanni_ask_t *ask)
{
    zanni__etcd_place_t parts;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    (void) ref_p;   // it is known when it has answered
    int rc = zanni__etcd_place_read (&parts, place, NULL);
    if (!rc && parts.open && !options->insecure)
        rc = ZANNI_EAUTH;
    if (rc)
        return rc;
    pthread_mutex_lock (&s_lock);
    rc = s_get (self, &ref, place);
    if (!rc)
        rc = zanni_ask (self, ref, ask, "reach");
    s_known_t *known = rc == ZANNI_ENOACTOR ? s_find (zanni_ref_address (zanni_self (self)).node, place) : NULL;
    if (known)
        s_forget (known);
    pthread_mutex_unlock (&s_lock);
    return rc;
}

static int
s_check (const char *place, zanni_error_t *error)
{
    zanni__etcd_place_t parts;
    return zanni__etcd_place_read (&parts, place, error);
}

static const zanni_directory_ops_t s_ops = {
    .size = sizeof (zanni_directory_ops_t), .kind = "etcd", .check = s_check, .reach = s_reach
};

int
zanni_etcd_register (void)
{
    static const zanni_class_t *const classes [] = { &zanni__etcd_class, NULL };
    int rc = zanni__etcd_http_prepare ();
    if (!rc)
        rc = zanni_register (classes, NULL);
    return rc ? rc : zanni_directory_register (&s_ops);
}
