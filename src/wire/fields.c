/* The table of fields. README.md has the same in words; the golden vectors hold both together. */

#include "fields.h"

#include <string.h>
#include <zanni/sys/wire.h>

#define S_WORDS(number) S_WORDS_ (number)
#define S_WORDS_(number) #number

#define S_PLACE(member) .offset = offsetof (zanni_record_t, member), .width = sizeof ((zanni_record_t *) 0)->member
#define S_NUMBER(member, limit, name) \
    { .form = ZANNI__FIELD_NUMBER, S_PLACE (member), .most = limit, .fault = name " is no unsigned integer in range" }
#define S_SIGNED(member, low, high, name) \
    { .form = ZANNI__FIELD_SIGNED, S_PLACE (member), .least = low, .most = high, \
      .fault = name " is no integer in range" }
#define S_TEXT(member, limit, name) \
    { .form = ZANNI__FIELD_TEXT, .offset = offsetof (zanni_record_t, member), .most = limit, \
      .fault = name " is no UTF-8 text of at most " S_WORDS (limit) " bytes" }
#define S_OTHER(kind, member, text) \
    { .form = kind, .offset = offsetof (zanni_record_t, member), .fault = text }
#define S_WHOLE(kind, text) { .form = kind, .fault = text }

const zanni__field_t zanni__fields [128] = {
    ['q'] = S_NUMBER (as.batch.sequence, UINT64_MAX, "sequence"),
    ['k'] = S_NUMBER (as.batch.ack, UINT64_MAX, "ack"),
    ['w'] = S_NUMBER (as.batch.window, UINT64_MAX, "window"),
    ['h'] = S_NUMBER (as.batch.held_ms, UINT64_MAX, "held_ms"),

    ['p'] = S_NUMBER (as.hello.purpose, UINT8_MAX, "purpose"),
    ['v'] = S_NUMBER (as.hello.version_min, UINT32_MAX, "the lowest version"),
    ['V'] = S_NUMBER (as.hello.version_max, UINT32_MAX, "the highest version"),
    ['x'] = S_NUMBER (as.hello.version_min, UINT32_MAX, "version"),
    ['u'] = S_OTHER (ZANNI__FIELD_ID, as.hello.node, "node is not 16 bytes"),
    ['n'] = S_NUMBER (as.hello.incarnation, UINT64_MAX, "incarnation"),
    ['N'] = S_TEXT (as.hello.name, ZANNI_WIRE_NAME_MAX, "name"),
    ['H'] = S_OTHER (ZANNI__FIELD_ID, as.hello.host, "host is not 16 bytes"),
    ['S'] = S_NUMBER (as.hello.session, UINT64_MAX, "session"),
    ['l'] = S_NUMBER (as.hello.last, UINT64_MAX, "last"),
    ['b'] = S_NUMBER (as.hello.abilities, UINT32_MAX, "abilities"),
    ['W'] = S_NUMBER (as.hello.window, UINT64_MAX, "window"),
    ['M'] = S_NUMBER (as.hello.buffer_max, UINT64_MAX, "buffer_max"),
    ['e'] = S_TEXT (as.hello.endpoint, ZANNI_WIRE_NAME_MAX, "endpoint"),
    ['E'] = S_TEXT (as.hello.home, ZANNI_WIRE_NAME_MAX, "home"),
    ['X'] = S_OTHER (ZANNI__FIELD_MAYBE_NUMBER, as.hello.connection, "connection is neither nil nor an unsigned integer"),

    ['i'] = S_NUMBER (id, UINT64_MAX, "id"),
    ['t'] = S_OTHER (ZANNI__FIELD_ACTOR, to, "to is neither nil nor [actor, nonce]"),
    ['T'] = S_OTHER (ZANNI__FIELD_RELAYED, to, "to is neither nil nor [actor, nonce] nor a full reference"),
    ['f'] = S_OTHER (ZANNI__FIELD_ACTOR, from, "from is neither nil nor [actor, nonce]"),
    ['F'] = S_OTHER (ZANNI__FIELD_RELAYED, from, "from is neither nil nor [actor, nonce] nor a full reference"),
    ['m'] = S_TEXT (method, ZANNI_WIRE_NAME_MAX, "method"),
    ['c'] = S_TEXT (method, ZANNI_WIRE_NAME_MAX, "class"),
    ['r'] = S_WHOLE (ZANNI__FIELD_ABOUT, "reference is no full reference"),
    ['R'] = S_WHOLE (ZANNI__FIELD_REFS, "refs is no array of at most " S_WORDS (ZANNI_WIRE_TABLE_MAX) " references"),
    ['B'] = S_WHOLE (ZANNI__FIELD_BUFFERS, "buffers is no array of at most " S_WORDS (ZANNI_WIRE_TABLE_MAX) " buffers"),
    ['A'] = S_WHOLE (ZANNI__FIELD_ARGS, "the arguments are neither at most " S_WORDS (ZANNI_WIRE_INLINE_MAX)
                     " bytes, nor nil, nor [size, chunks]"),
    ['d'] = S_SIGNED (remaining_ms, -1, INT64_MAX, "remaining_ms"),
    ['_'] = S_WHOLE (ZANNI__FIELD_OPTIONS, "options is no array"),
    ['@'] = S_WHOLE (ZANNI__FIELD_MAYBE_SPOT, "spot is neither nil nor [actor, nonce, place, worker, flags, overflow,"
                     " messages, bytes, beside]"),

    ['Q'] = S_OTHER (ZANNI__FIELD_MAYBE_BYTES, as.ask.waiting, "who waits is neither nil nor bytes"),

    ['y'] = S_SIGNED (as.error.code, 0, INT32_MAX, "code"),
    ['z'] = S_SIGNED (as.error.code, INT32_MIN, (uint64_t) -1, "code"),
    ['g'] = S_TEXT (as.error.text, ZANNI_WIRE_TEXT_MAX, "text"),
    ['O'] = S_OTHER (ZANNI__FIELD_ID_OR_NIL, as.error.node, "the origin's node is neither nil nor 16 bytes"),
    ['o'] = S_NUMBER (as.error.actor, UINT64_MAX, "the origin's actor"),
    ['a'] = S_SIGNED (as.error.app_code, INT64_MIN, INT64_MAX, "app_code"),

    ['K'] = S_NUMBER (as.end.reason.kind, UINT8_MAX, "the reason's kind"),
    ['C'] = S_SIGNED (as.end.reason.code, INT64_MIN, INT64_MAX, "the reason's code"),
    ['G'] = S_TEXT (as.end.reason.text, ZANNI_WIRE_TEXT_MAX, "the reason's text"),
    ['s'] = S_OTHER (ZANNI__FIELD_FLAG, as.end.restarts, "restarts is no bool"),

    ['j'] = S_NUMBER (as.count, UINT64_MAX, "count"),
    ['U'] = S_NUMBER (as.chunk.buffer, UINT64_MAX, "buffer"),
    ['P'] = S_NUMBER (as.chunk.offset, UINT64_MAX, "offset"),
    ['L'] = S_NUMBER (as.chunk.total, UINT64_MAX, "total"),
    ['I'] = S_OTHER (ZANNI__FIELD_MAYBE_BYTES, as.chunk.bytes, "a chunk's bytes are neither nil nor bytes"),
    ['D'] = S_NUMBER (as.lane.segment, UINT64_MAX, "segment"),
    ['J'] = S_NUMBER (as.lane.count, UINT64_MAX, "count"),
};

static const zanni__layout_t s_kinds [] = {
    [ZANNI_RECORD_BATCH] = { "BATCH", "qkwh", false },
    [ZANNI_RECORD_HELLO] = { "HELLO", "p[vV]unNHSlb[WM]eEX", false },
    [ZANNI_RECORD_WELCOME] = { "WELCOME", "xunNHSlb[WM]eE", false },
    [ZANNI_RECORD_BYE] = { "BYE", "yg", false },
    [ZANNI_RECORD_ACK] = { "ACK", "kw", false },
    [ZANNI_RECORD_TELL] = { "TELL", "tFmRBA", true },
    [ZANNI_RECORD_ASK] = { "ASK", "tFmRBidAQ", true },
    [ZANNI_RECORD_REPLY] = { "REPLY", "iRBA", true },
    [ZANNI_RECORD_ERROR] = { "ERROR", "izg[Oo]aRBA", true },
    [ZANNI_RECORD_CANCEL] = { "CANCEL", "it", false },
    [ZANNI_RECORD_FORWARDED] = { "FORWARDED", "ir", false },
    [ZANNI_RECORD_PROBE] = { "PROBE", "itQ", false },
    [ZANNI_RECORD_MONITOR] = { "MONITOR", "iT", false },
    [ZANNI_RECORD_DEMONITOR] = { "DEMONITOR", "iT", false },
    [ZANNI_RECORD_DOWN] = { "DOWN", "i[KCG]s", false },
    [ZANNI_RECORD_LINK] = { "LINK", "tfi", false },
    [ZANNI_RECORD_UNLINK] = { "UNLINK", "tfi", false },
    [ZANNI_RECORD_EXIT] = { "EXIT", "tf[KCG]i", false },
    [ZANNI_RECORD_RETAIN] = { "RETAIN", "t", false },
    [ZANNI_RECORD_RELEASE] = { "RELEASE", "Tj", false },
    [ZANNI_RECORD_SPAWN] = { "SPAWN", "ic_RBAfd@", true },
    [ZANNI_RECORD_SPAWNED] = { "SPAWNED", "ir", false },
    [ZANNI_RECORD_STOP] = { "STOP", "t[KCG]", false },
    [ZANNI_RECORD_RESTART] = { "RESTART", "t", false },
    [ZANNI_RECORD_CHUNK] = { "CHUNK", "UPLI", false },
    [ZANNI_RECORD_LANE] = { "LANE", "DJ", false },
};

const zanni__layout_t *
zanni__kind (uint64_t kind)
{
    return kind < sizeof s_kinds / sizeof *s_kinds && s_kinds [kind].name ? &s_kinds [kind] : NULL;
}

const char *
zanni_record_name (unsigned kind)
{
    const zanni__layout_t *known = zanni__kind (kind);
    return known ? known->name : "?";
}

uint32_t
zanni__letters_count (const char *letters)
{
    uint32_t count = 0;
    for (; *letters && *letters != ']'; letters++) {
        if (*letters == '[')
            letters = strchr (letters, ']');
        count++;
    }
    return count;
}
