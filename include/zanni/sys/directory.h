/* directory.h: the seam behind which the kinds of directories are.

   A kind is an operations table, known by the word in front of the colon; zanni_directory_register adds one, for
   the whole process and for good. A directory is an actor that answers the methods below; a kind says how it is
   reached. The registry is such an actor on some node; a kind that keeps its entries in a server begins one for
   itself, in a thread, that speaks to the server. All else is done in front of it, by the agent of each handle:
   publishing again, renewing, who is told. Weaker stability promise than the rest of the API.

       put (t client, t number, s group, b alone, u lease_ms, r who) -> ""
           An entry, until the client drops it, or its lease is over, or the client ends; again: it is there,
           nothing else. `alone`: a name. ZANNI_EINUSE: the group has an entry, and one of the two is alone;
           ZANNI_EFULL
       drop (t client, t number) -> ""                  There need not be one
       renew (t client, u lease_ms) -> ""               All entries of the client. ZANNI_EGONE: it has none
       lookup (s group) -> r                            The eldest. ZANNI_EGONE
       list (s group, t after) -> t version, b more, at ids, ar who
           Entries in the order of their ids, which is that in which they came: some of those with a greater id
           than `after`, and whether there are more. `version`: of the group, at the latest when the first of them
           was read
       watch (s group, t version) -> t version, a(tb) changes, ar who
           Waits until there are later changes than that version, and tells the first of them in order, with the
           version to go on from: id, and whether it joined, for which `who` has the reference. ZANNI_EGONE: it is
           too old, list again

   A client is an agent, by a random number; ids are never used twice, by no directory, and so have a random
   beginning.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_DIRECTORY_H
#define ZANNI_SYS_DIRECTORY_H

#include "../directory.h"

typedef struct zanni_directory_ops {
    size_t size;          // sizeof (zanni_directory_ops_t)
    const char *kind;
    /* Whether `place`, what stands behind the colon, makes sense; fills the error, which may be NULL, where not. */
    int (*check) (const char *place, zanni_error_t *error);
    /* The actor that answers for the place, now (*ref_p, the caller's to destroy) or by the ask ("r"): then *ref_p
       stays NULL. Called by the agent, which may not block, at first and again after each loss. `options` may be used
       during the call. */
    int (*reach) (zanni_t *self, zanni_ref_t **ref_p, const char *place, const zanni_directory_options_t *options,
                  const zanni_ask_t *ask);
} zanni_directory_ops_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Adds a kind. The table stays where it is. ZANNI_EINVAL: it lacks an operation; ZANNI_ECLASS: another one has its
   name. */
ZANNI_EXPORT int zanni_directory_register (const zanni_directory_ops_t *ops) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
