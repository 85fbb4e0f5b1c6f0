/* A header frame, told to whoever asks: tools, tests, people. It checks what a session checks of any frame; what
   depends on the session (numbers, windows, who may speak when) it does not know. */

#include "../base/memory.h"
#include "record.h"

#include <stdio.h>

typedef struct {
    zanni__reader_t reader;
    zanni_record_t record;
    zanni__tables_t tables;
    const uint8_t *start;
    zanni_wire_fn *each;
    void *context;
    zanni_error_t *fault;
    uint32_t frames;
} s_frame_t;

/* Says what is wrong, in which record, and at which byte. */
static int
s_wrong (s_frame_t *frame, const uint8_t *at, const char *what)
{
    const char *name = zanni_record_name (frame->record.kind);
    if (!frame->fault)
        return ZANNI_EARGS;
    *frame->fault = (zanni_error_t) { .code = ZANNI_EARGS };
    snprintf (frame->fault->text, sizeof frame->fault->text, "byte %zu%s%s: %s", (size_t) (at - frame->start),
              *name == '?' ? "" : ", ", *name == '?' ? "" : name, what);
    return ZANNI_EARGS;
}

/* Arguments are one array. An ERROR may have none at all. */
static bool
s_is_array (const zanni_record_t *record)
{
    uint32_t count;
    if (record->args_framed || record->args_chunks || (record->kind == ZANNI_RECORD_ERROR && !record->args.size))
        return true;
    zanni__reader_t reader = zanni__reader (record->args.data, (uint32_t) record->args.size);
    if (!zanni__reader_array (&reader, &count))
        return false;
    while (count--)
        if (!zanni__reader_skip (&reader, ZANNI__WIRE_DEPTH))
            return false;
    return reader.at == reader.end;
}

static bool
s_has_args (const zanni_record_t *record)
{
    static const bool has [UINT8_MAX + 1] = {
        [ZANNI_RECORD_TELL] = true, [ZANNI_RECORD_ASK] = true, [ZANNI_RECORD_REPLY] = true,
        [ZANNI_RECORD_ERROR] = true, [ZANNI_RECORD_SPAWN] = true
    };
    return has [record->kind];
}

/* `first` and `at` are of the record that was just read: whether none was before it, and where it begins. */
static int
s_check (s_frame_t *frame, bool first, const uint8_t *at)
{
    const zanni_record_t *record = &frame->record;
    if (first != (record->kind == ZANNI_RECORD_BATCH))
        return s_wrong (frame, at, first ? "the first record is no BATCH" : "a BATCH is not the first record");
    if (s_has_args (record) && !s_is_array (record))
        return s_wrong (frame, at, "the arguments are not one well-formed array");
    frame->frames += zanni__record_frames (record);
    if (frame->frames > ZANNI_WIRE_FRAMES_MAX)
        return s_wrong (frame, at, "the records count more frames than a message may have");
    return 0;
}

static int
s_decode (s_frame_t *frame)
{
    for (bool first = true;; first = false) {
        const uint8_t *at = frame->reader.at;
        const char *fault = NULL;
        int rc = zanni__record_read (&frame->reader, &frame->record, &frame->tables, &fault);
        if (rc < 0)
            return s_wrong (frame, frame->reader.at, fault);
        if (!rc)
            return first ? s_wrong (frame, at, "the first record is no BATCH") : 0;
        rc = s_check (frame, first, at);
        if (!rc)
            rc = frame->each (frame->context, &frame->record);
        if (rc)
            return rc;
    }
}

/* The tables need no more room than the frame can fill: a reference takes 24 bytes of it at least, a buffer one. */
static bool
s_get_tables (zanni__tables_t *tables, size_t size)
{
    size_t refs = size / 24 + 1;
    size_t buffers = size + 1;
    if (refs > ZANNI_WIRE_TABLE_MAX)
        refs = ZANNI_WIRE_TABLE_MAX;
    if (buffers > ZANNI_WIRE_TABLE_MAX)
        buffers = ZANNI_WIRE_TABLE_MAX;
    tables->refs = zanni__malloc (refs * sizeof *tables->refs);
    tables->buffers = zanni__malloc (buffers * sizeof *tables->buffers);
    return tables->refs && tables->buffers;
}

int
zanni_wire_decode (const void *frame, size_t size, zanni_wire_fn *each, void *context, zanni_error_t *fault)
{
    s_frame_t state = { .start = frame ? frame : (const void *) "", .each = each, .context = context, .fault = fault };
    state.record.kind = UINT8_MAX;   // no record yet
    if (size > ZANNI_WIRE_HEADER_MAX)
        return s_wrong (&state, state.start + ZANNI_WIRE_HEADER_MAX, "a header frame is no longer than 65536 bytes");
    state.reader = zanni__reader (state.start, (uint32_t) size);
    int rc = ZANNI_ENOMEM;
    if (s_get_tables (&state.tables, size))
        rc = s_decode (&state);
    zanni__free (state.tables.refs);
    zanni__free (state.tables.buffers);
    return rc;
}
