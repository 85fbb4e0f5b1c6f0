/* topic.h: the groups of a registry, their entries in order, what changed lately, and who waits for changes. */

#ifndef ZANNI_DIRECTORY_REGISTRY_TOPIC_H
#define ZANNI_DIRECTORY_REGISTRY_TOPIC_H

#include "../directory.h"

typedef struct {
    zanni__table_t table;      // of topics, by their names' hash
    zanni__link_t all;
    uint64_t version;          // of the last change; the id of what joined by it
    uint64_t swept;            // that of the last change before which a topic may have been forgotten
    uint32_t topics;
    uint32_t entries;
    uint32_t waiters;
} zanni__topics_t;

typedef struct {
    zanni__entry_t entry;      // in the table
    zanni__link_t link;        // among all
    zanni__link_t entries;     // by id
    zanni__link_t changes;     // the last ones, in order; those up to `forgotten` are not there any more
    zanni__link_t waiters;
    uint64_t forgotten;
    uint32_t changes_count;
    int64_t touched_ns;
    size_t size;
    char name [];
} zanni__topic_t;

typedef struct {
    zanni__link_t link;        // in its topic
    zanni__link_t of_client;
    zanni__entry_t numbered;   // among its client's
    zanni__topic_t *topic;
    uint64_t id;
    uint64_t number;           // the client's
    bool alone;
    zanni_ref_t *ref;
} zanni__offered_t;

/* The topic, made where it is new; ZANNI_EFULL, ZANNI_ENOMEM. Or as it is: NULL, there is none. */
int zanni__topic_get (zanni_t *self, zanni__topics_t *topics, zanni__topic_t **topic_p, const char *name);
zanni__topic_t *zanni__topic_find (const zanni__topics_t *topics, const char *name);

/* Puts an entry in, or takes it out and frees it; whoever waits is told. */
int zanni__topic_add (zanni_t *self, zanni__topics_t *topics, zanni__topic_t *topic, zanni__offered_t **offered_p,
                      const zanni_ref_t *ref);
void zanni__topic_remove (zanni_t *self, zanni__topics_t *topics, zanni__offered_t *offered);

/* Answers list and watch; the latter maybe later. */
int zanni__topic_list (zanni_t *self, zanni_msg_t *msg, const zanni__topics_t *topics, const zanni__topic_t *topic,
                       uint64_t after);
int zanni__topic_watch (zanni_t *self, zanni_msg_t *msg, zanni__topics_t *topics, zanni__topic_t *topic,
                        uint64_t version);

/* Frees what nobody needs any more: promises in vain, topics that have long been empty. */
void zanni__topics_sweep (zanni_t *self, zanni__topics_t *topics);
void zanni__topics_free (zanni__topics_t *topics);

/* Nobody is told any more: the registry ends, and its members do not leave because of that. */
void zanni__topics_hush (zanni__topics_t *topics);

#endif
