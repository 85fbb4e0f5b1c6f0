/* What every actor can be asked: "zanni.describe" answers what it is and what it can do.

   The methods of this table are part of every class, of the one without a name too, and are found like any other, so
   that sends, checks and answers know nothing of them. The answer is built with the public calls only. */

#include "actor.h"
#include "answer.h"
#include "../base/memory.h"
#include "census/census.h"
#include "census/survey.h"

#include <stdlib.h>

static const char *
s_or_empty (const char *text)
{
    return text ? text : "";
}

static int
s_compare (const void *one, const void *other)
{
    const zanni__method_t *const *left = one;
    const zanni__method_t *const *right = other;
    return strcmp ((*left)->name, (*right)->name);
}

/* What others may call: neither private nor one of ours. */
static bool
s_is_shown (const zanni__method_t *method)
{
    if (method->flags & ZANNI_METHOD_PRIVATE)
        return false;
    const zanni__method_t *builtin = zanni__class_method (zanni__class_none (), method->name);
    return builtin == NULL;
}

static int
s_append_all (zanni_list_t *list, const zanni__method_t *const *methods, size_t count)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        const zanni__method_t *method = methods [i];
        rc = zanni_list_append (list, ZANNI_LIST (method->name, method->in, method->out, s_or_empty (method->text)));
    }
    return rc;
}

/* Fills the list with the class's methods, by name. */
static int
s_list_methods (zanni_list_t *list, const zanni__class_t *cls)
{
    size_t count = 0;
    const zanni__method_t **sorted = zanni__malloc (cls->methods_count * sizeof *sorted);
    if (!sorted)
        return ZANNI_ENOMEM;
    for (uint32_t i = 0; i < cls->methods_count; i++)
        if (s_is_shown (&cls->methods [i]))
            sorted [count++] = &cls->methods [i];
    qsort (sorted, count, sizeof *sorted, s_compare);
    int rc = s_append_all (list, sorted, count);
    zanni__free (sorted);
    return rc;
}

static int
s_describe (zanni_t *self, zanni_msg_t *msg)
{
    const zanni__class_t *cls = zanni__behaviour (self->identity);
    ZANNI_AUTO (zanni_list_t) methods = NULL;
    int rc = zanni_list_new (&methods);
    if (!rc)
        rc = s_list_methods (methods, cls);
    if (!rc)
        rc = zanni_reply (self, msg, cls->definition->name, s_or_empty (cls->definition->text),
                          zanni_list_arg (methods));
    return rc;
}

const zanni_method_t zanni__builtin_methods [] = {
    ZANNI_METHOD ("zanni.describe", "", "ssa(ssss)", s_describe,
                  "Class and text; name, arguments, answer and text of every public method."),
    ZANNI_METHOD ("zanni.counts", "", "a(sstttttt)", zanni__answer_counts,
                  "Class, method, messages, bytes of arguments and of buffers, largest message: what the node counted."),
    ZANNI_METHOD ("zanni.work", "", ZANNI_WORK, zanni__answer_work,
                  "What each worker of its node is at: what it is in, asks that wait, the fullest mailboxes (zanni/work.h)."),
    ZANNI_METHOD ("zanni.node", "", ZANNI__CENSUS, zanni__answer_census,
                  "Name, id, process, time of day (ns) of the node; messages, dead letters, failed tells, late replies, "
                  "actors, threads; its workers; its actors that others know; who is offered."),
    ZANNI_METHOD ("zanni.chain", "Msv", "v", zanni__answer_chain,
                  "Method and a list of its arguments: what it answers goes to the bound method, whose answer is the answer."),
    ZANNI_METHOD_END
};
