/* One msgpack array, of strings, byte strings and numbers in a fixed order: a table says which member comes when. */

#include "brief.h"

#include "../wire/reader.h"

#include <msgpack/pack.h>

typedef enum { S_BYTES, S_TEXT, S_BYTE, S_BOOL, S_UINT32, S_UINT64 } s_form_t;

typedef struct {
    s_form_t form;
    size_t offset;
    size_t size;
} s_member_t;

#define S_MEMBER(form, member) { form, offsetof (zanni__brief_t, member), sizeof ((zanni__brief_t *) 0)->member }

static const s_member_t s_members [] = {
    S_MEMBER (S_BYTES, node),
    S_MEMBER (S_BYTES, own),
    S_MEMBER (S_UINT64, incarnation),
    S_MEMBER (S_TEXT, cls),
    S_MEMBER (S_TEXT, home),
    S_MEMBER (S_TEXT, program),
    S_MEMBER (S_UINT32, options.workers),
    S_MEMBER (S_UINT32, options.mailbox_messages),
    S_MEMBER (S_UINT64, options.mailbox_bytes),
    S_MEMBER (S_UINT32, options.ask_deadline_ms),
    S_MEMBER (S_UINT32, options.watchdog_ms),
    S_MEMBER (S_UINT32, options.shutdown_ms),
    S_MEMBER (S_UINT32, options.heartbeat_ms),
    S_MEMBER (S_UINT64, options.window_bytes),
    S_MEMBER (S_BOOL, options.lane_off),
    S_MEMBER (S_BOOL, options.sleep_at_once),
    S_MEMBER (S_UINT32, options.wire_level_max),
    S_MEMBER (S_UINT32, options.in_band_max),
    S_MEMBER (S_UINT32, options.chunk_bytes),
    S_MEMBER (S_UINT64, options.share_least),
    S_MEMBER (S_UINT64, options.share_most),
    S_MEMBER (S_TEXT, claim_store),
    S_MEMBER (S_UINT64, options.claim_least),
    S_MEMBER (S_BOOL, options.counts),
    S_MEMBER (S_BOOL, options.allow_spawn),
    S_MEMBER (S_UINT32, limit),
    S_MEMBER (S_UINT64, limit_bytes),
    S_MEMBER (S_BYTE, overflow),
    S_MEMBER (S_BOOL, restartable),
    S_MEMBER (S_BYTE, waits),
    S_MEMBER (S_UINT32, arguments_count)   // they follow, as texts
};

#define S_COUNT (sizeof s_members / sizeof *s_members)

/* A place to write to that knows its end. */
typedef struct {
    uint8_t *at;
    uint8_t *end;
} s_pen_t;

static int
s_append (void *data, const char *bytes, size_t size)
{
    s_pen_t *pen = data;
    if (size > (size_t) (pen->end - pen->at))
        return -1;
    memcpy (pen->at, bytes, size);
    pen->at += size;
    return 0;
}

static int
s_pack_text (msgpack_packer *packer, const char *text)
{
    size_t size = strlen (text);
    return msgpack_pack_str (packer, size) || (size && msgpack_pack_str_body (packer, text, size));
}

static uint64_t
s_number (const s_member_t *member, const void *place)
{
    uint32_t four;
    uint64_t eight;
    if (member->form <= S_BOOL)
        return *(const uint8_t *) place;
    if (member->form == S_UINT32) {
        memcpy (&four, place, sizeof four);
        return four;
    }
    memcpy (&eight, place, sizeof eight);
    return eight;
}

static int
s_pack_member (msgpack_packer *packer, const s_member_t *member, const zanni__brief_t *brief)
{
    const void *place = (const char *) brief + member->offset;
    if (member->form == S_BYTES)
        return msgpack_pack_bin (packer, member->size) || msgpack_pack_bin_body (packer, place, member->size);
    if (member->form == S_TEXT)
        return s_pack_text (packer, place);
    return msgpack_pack_uint64 (packer, s_number (member, place));
}

size_t
zanni__brief_write (uint8_t *at, size_t room, const zanni__brief_t *brief)
{
    s_pen_t pen = { at, at + room };
    msgpack_packer packer = { &pen, s_append };
    int rc = msgpack_pack_array (&packer, S_COUNT + brief->arguments_count);
    for (size_t i = 0; !rc && i < S_COUNT; i++)
        rc = s_pack_member (&packer, &s_members [i], brief);
    for (uint32_t i = 0; !rc && i < brief->arguments_count; i++)
        rc = s_pack_text (&packer, brief->arguments [i]);
    return rc ? 0 : (size_t) (pen.at - at);
}

static bool
s_read_bytes (zanni__reader_t *reader, void *place, size_t size, s_form_t form)
{
    zanni__value_t value;
    if (!zanni__reader_next (reader, &value) || value.form != (form == S_TEXT ? ZANNI__STR : ZANNI__BIN))
        return false;
    if (form == S_TEXT ? value.size >= size : value.size != size)
        return false;
    memcpy (place, value.value.data, value.size);
    if (form == S_TEXT)
        ((char *) place) [value.size] = 0;
    return true;
}

static bool
s_read_number (zanni__reader_t *reader, const s_member_t *member, void *place)
{
    zanni__value_t value;
    if (!zanni__reader_next (reader, &value) || value.form != ZANNI__UINT)
        return false;
    uint32_t four = (uint32_t) value.value.u;
    if (member->form == S_BYTE)
        *(uint8_t *) place = (uint8_t) four;
    else if (member->form == S_BOOL)
        *(bool *) place = four;
    else if (member->form == S_UINT32)
        memcpy (place, &four, sizeof four);
    else
        memcpy (place, &value.value.u, sizeof value.value.u);
    return true;
}

static bool
s_read_member (zanni__reader_t *reader, const s_member_t *member, zanni__brief_t *brief)
{
    void *place = (char *) brief + member->offset;
    if (member->form <= S_TEXT)
        return s_read_bytes (reader, place, member->size, member->form);
    return s_read_number (reader, member, place);
}

bool
zanni__brief_read (zanni__brief_t *brief, const void *bytes, size_t size)
{
    zanni__reader_t reader = zanni__reader (bytes, (uint32_t) size);
    uint32_t count;
    bool good = zanni__reader_array (&reader, &count) && count >= S_COUNT;
    memset (brief, 0, sizeof *brief);
    for (size_t i = 0; good && i < S_COUNT; i++)
        good = s_read_member (&reader, &s_members [i], brief);
    good = good && brief->arguments_count <= ZANNI__BRIEF_ARGUMENTS && count == S_COUNT + brief->arguments_count;
    for (uint32_t i = 0; good && i < brief->arguments_count; i++)
        good = s_read_bytes (&reader, brief->arguments [i], sizeof brief->arguments [i], S_TEXT);
    return good;
}
