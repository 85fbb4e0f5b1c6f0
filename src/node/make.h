/* make.h: nodes as they are made and ended, for the program's own (node.c) and for that of a process actor (child.c). */

#ifndef ZANNI_NODE_MAKE_H
#define ZANNI_NODE_MAKE_H

#include "../actor/worker.h"

/* A node with one worker of `kind`, its root; `id` NULL: a new one. One user of it is the caller's to give back. */
int zanni__node_new (zanni_node_t **node_p, const zanni_options_t *options, const uint8_t *id,
                     zanni__worker_kind_t kind);

/* Ends everything in it, each phase with a deadline. On the root's thread. 0 or ZANNI_ESTUCK. */
int zanni__node_destroy (zanni_node_t *node);

/* init.c: the library's own classes that have names. Again is no fault. ZANNI_ENOMEM. */
int zanni__own_classes (void);

/* stop.c */
void zanni__stop_free (zanni_node_t *node);

/* process.c */
zanni__processes_t *zanni__processes_new (void);
void zanni__processes_free (zanni__processes_t *processes);

#endif
