/* directory.h: what the parts of directories share. */

#ifndef ZANNI_DIRECTORY_DIRECTORY_H
#define ZANNI_DIRECTORY_DIRECTORY_H

#include "../actor/actor.h"
#include "../actor/worker.h"
#include "../base/list.h"
#include "../base/table.h"

#include <zanni/sys/directory.h>
#include <zanni/timer.h>

#define ZANNI__GROUP_MAX 255          // bytes of a name
#define ZANNI__LEASE_LEAST_MS 200
#define ZANNI__LEASE_MOST_MS 3600000
#define ZANNI__PAGE 32                // entries, or changes, of one answer

extern const zanni_directory_ops_t zanni__directory_registry;

struct zanni_directory {
    zanni_t *self;
    zanni_ref_t *agent;     // strong: it ends with the handle
    int64_t timeout_ms;
    zanni_error_t *error;
};

/* The kind of a place and where that is, behind the colon; NULL: there is none, as the error (or NULL) says. */
const zanni_directory_ops_t *zanni__directory_kind (const char *place, const char **where, zanni_error_t *error);

/* Fills an error, which may be NULL: `what` is a format with one %s. Answers the code. */
__attribute__ ((format (printf, 3, 0))) int
zanni__directory_error (zanni_error_t *error, int code, const char *what, const char *subject);

/* Answers an ask with a code and a text of one's own, likewise. */
__attribute__ ((format (printf, 4, 0))) int
zanni__directory_refuse (zanni_t *self, zanni_msg_t *msg, int code, const char *what, const char *subject);

static inline bool
zanni__group_is_good (const char *group)
{
    return group && *group && strnlen (group, ZANNI__GROUP_MAX + 1) <= ZANNI__GROUP_MAX;
}

/* A call, or where `ask` is not NULL an ask, of the handle's agent. The reply is the caller's to destroy; may be
   NULL. */
int zanni__directory_do (zanni_directory_t *directory, zanni_msg_t **reply_p, const zanni_ask_t *ask,
                         const zanni__words_t *words);

/* Of what is spread by its text. */
uint64_t zanni__directory_hash (const void *text, size_t size);

#endif
