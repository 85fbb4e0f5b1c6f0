/* choose.c: a document that keeps an index of itself. One type sends both; the other leaves the index at home, since the
   receiver can make it again if it ever needs it. */

#include "measure.h"

#include "sink.h"

#include <stdlib.h>
#include <string.h>

static int
s_pack_lean (const void *instance, zanni_list_t *values)
{
    const document_t *document = instance;
    return zanni_list_append (values, (const char *) document->text);
}

static int
s_pack_whole (const void *instance, zanni_list_t *values)
{
    const document_t *document = instance;
    int rc = s_pack_lean (instance, values);
    return rc ? rc : zanni_list_append (values, zanni_arg_ints (document->index, DOCUMENT_INDEX));
}

static int
s_unpack_lean (void *instance, uint32_t version, zanni_msg_t *values)
{
    (void) version;
    document_t *document = instance;
    const char *text = NULL;
    int rc = zanni_read (values, &text);
    if (rc)
        return rc;
    if (strlen (text) >= sizeof document->text)
        return ZANNI_EARGS;
    strcpy (document->text, text);
    return 0;
}

static int
s_unpack_whole (void *instance, uint32_t version, zanni_msg_t *values)
{
    document_t *document = instance;
    size_t count = 0;
    int rc = s_unpack_lean (instance, version, values);
    if (!rc)
        rc = zanni_enter (values, &count);
    if (!rc && count != DOCUMENT_INDEX)
        rc = ZANNI_EARGS;
    if (rc)
        return rc;
    document->index = malloc (DOCUMENT_INDEX * sizeof *document->index);
    if (!document->index)
        return ZANNI_ENOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        rc = zanni_read (values, &document->index [i]);
    if (rc) {
        free (document->index);
        document->index = NULL;
    }
    return rc;
}

static void
s_drop (void *instance)
{
    document_t *document = instance;
    free (document->index);
}

const zanni_type_t document_lean = {
    .name = "document", .size = sizeof (document_t), .pack = s_pack_lean, .unpack = s_unpack_lean, .drop = s_drop
};
const zanni_type_t document_whole = {
    .name = "whole document", .size = sizeof (document_t), .pack = s_pack_whole, .unpack = s_unpack_whole,
    .drop = s_drop
};

static int
s_make (zanni_t *self, zanni_arg_t *arg, void *context)
{
    (void) self;
    *arg = zanni_arg_typed (context);
    return 0;
}

int
tip_choose (outcome_t *outcome, bool quick)
{
    static document_t document;
    static int64_t index [DOCUMENT_INDEX];
    zanni_typed_t lean = { &document_lean, &document };
    zanni_typed_t whole = { &document_whole, &document };
    stage_t stage;
    cost_t costs [2];
    for (size_t i = 0; i < DOCUMENT_INDEX; i++)
        index [i] = (int64_t) (i * 7);
    memset (document.text, 't', sizeof document.text - 1);
    document.index = index;
    int rc = stage_open (&stage, ZANNI_PROCESS, (zanni_options_t) { 0 });
    if (rc)
        return rc;
    unsigned repeats = quick ? 20 : 200;
    const way_t ways [2] = {
        { "whole", s_make, NULL, &whole, repeats, MEASURE_WINDOW },
        { "document", s_make, NULL, &lean, repeats, MEASURE_WINDOW }
    };
    rc = measure (costs, &stage, ways, 2);
    if (!rc) {
        outcome_add (outcome, "text and index", &costs [0]);
        outcome_add (outcome, "text", &costs [1]);
        outcome->ratio = costs [0].seconds / costs [1].seconds;
    }
    stage_close (&stage);
    return rc;
}
