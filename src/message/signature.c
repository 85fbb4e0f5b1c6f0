/* A signature is walked beside the bytes: one letter, one value. Where the quick way (quick.h) is not sure, the
   walk here starts from the beginning: each letter has a matcher, which may go deeper (8 levels at most, so
   recursion is bounded by the signature, never by the bytes).

   Signatures were checked when their class was registered, so the walk takes them to be well-formed; the bytes it
   takes to be anything. Where they do not fit, the place is known from `place`, the number of the value at each
   level that the walk is in. */

#include "signature.h"

#include "object.h"
#include "quick.h"
#include "value.h"
#include "../base/assert.h"
#include <string.h>

static bool
s_is_basic (char letter)
{
    return letter && strchr ("byiuxtds", letter) != NULL;
}

static bool
s_is_letter (char letter)
{
    return letter && strchr ("byiuxtdsvrBMoK", letter) != NULL;
}

static const char *s_check_type (const char **at, uint32_t depth);

/* Behind "a{": two types and the brace. */
static bool
s_check_pair (const char **at, uint32_t depth)
{
    if (!s_is_basic (**at))
        return false;
    (*at)++;
    if (!s_check_type (at, depth) || **at != '}')
        return false;
    (*at)++;
    return true;
}

/* Behind "(": at least one type. */
static bool
s_check_struct (const char **at, uint32_t depth)
{
    do {
        if (!s_check_type (at, depth))
            return false;
    } while (**at != ')');
    (*at)++;
    return true;
}

/* Goes behind one type; NULL: *at stands at the wrong letter. */
static const char *
s_check_type (const char **at, uint32_t depth)
{
    const char *start = *at;
    bool bytes = start [0] == 'a' && start [1] == 'y';
    bool pairs = start [0] == 'a' && start [1] == '{';
    bool good = true;
    if (s_is_letter (*start) || bytes)
        *at += bytes ? 2 : 1;
    else if ((*start != 'a' && *start != '(') || depth + 1 + pairs > ZANNI__SIGNATURE_DEPTH)
        good = false;
    else {
        *at += 1 + pairs;
        if (pairs)
            good = s_check_pair (at, depth + 2);
        else
            good = *start == '(' ? s_check_struct (at, depth + 1) : s_check_type (at, depth + 1) != NULL;
    }
    return good ? *at : NULL;
}

int
zanni__signature_check (const char *signature)
{
    if (!signature)
        return 1;
    if (strnlen (signature, ZANNI__SIGNATURE_LETTERS + 1) > ZANNI__SIGNATURE_LETTERS)
        return ZANNI__SIGNATURE_LETTERS + 1;
    const char *at = signature;
    for (uint32_t types = 0; *at; types++)
        if (types == ZANNI__SIGNATURE_TYPES || !s_check_type (&at, 0))
            return (int) (at - signature) + 1;
    return 0;
}

/* No well-formed type is the beginning of another, so neither are lists of them unless type by type. */
bool
zanni__signature_extends (const char *signature, const char *prefix)
{
    return strncmp (signature, prefix, strlen (prefix)) == 0;
}

const char *
zanni__signature_type_end (const char *type)
{
    uint32_t open = 0;
    while (*type == 'a')
        type++;
    do {
        open += *type == '(' || *type == '{';
        open -= *type == ')' || *type == '}';
        type++;
    } while (open);
    return type;
}

typedef struct {
    int64_t least;
    uint64_t most;
} s_range_t;

static const s_range_t s_ranges [128] = {
    ['y'] = { 0, UINT8_MAX },         ['i'] = { INT32_MIN, INT32_MAX }, ['u'] = { 0, UINT32_MAX },
    ['x'] = { INT64_MIN, INT64_MAX }, ['t'] = { 0, UINT64_MAX },
};

typedef struct {
    zanni__reader_t reader;
    const zanni__args_t *args;
    zanni__fault_t *fault;
    bool ours;
    uint32_t depth;
    uint32_t place [ZANNI__SIGNATURE_DEPTH + 1];   // [0]: the argument
} s_match_t;

typedef enum { S_WRONG, S_RANGE, S_TEXT, S_BROKEN, S_MISSING } s_why_t;

/* Notes what is wrong with the value that `at` stands at; answers NULL. */
static const char *
s_fault (s_match_t *match, const char *type, const uint8_t *at, s_why_t why)
{
    zanni__reader_t ahead = { at, match->reader.end };
    zanni__value_t value = { .ext = 0 };
    bool whole = why == S_MISSING || zanni__reader_next (&ahead, &value);
    *match->fault = (zanni__fault_t) {
        .position = match->place [0], .depth = match->depth, .wanted = type,
        .found = at < match->reader.end ? *at : 0, .ext = (uint8_t) value.ext, .missing = why == S_MISSING,
        .range = why == S_RANGE, .text = why == S_TEXT, .broken = why == S_BROKEN || !whole
    };
    memcpy (match->fault->items, match->place + 1, sizeof match->fault->items);
    return NULL;
}

/* Each matcher gets the value that it is about, already read, and where it began; it answers the end of the type,
   or NULL behind s_fault. */
typedef const char *s_match_fn (s_match_t *match, const char *type, const zanni__value_t *value,
                                const uint8_t *at);
static const char *s_match_type (s_match_t *match, const char *type);

static const char *
s_match_bool (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    if (value->form == ZANNI__BOOL || (value->form == ZANNI__UINT && value->value.u < 2))
        return type + 1;
    bool number = value->form == ZANNI__UINT || value->form == ZANNI__INT;
    return s_fault (match, type, at, number ? S_RANGE : S_WRONG);
}

static const char *
s_match_int (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    const s_range_t *range = &s_ranges [*type & 0x7f];
    if (value->form == ZANNI__INT && value->value.i >= range->least)
        return type + 1;
    if (value->form == ZANNI__UINT && value->value.u <= range->most)
        return type + 1;
    bool number = value->form == ZANNI__UINT || value->form == ZANNI__INT;
    return s_fault (match, type, at, number ? S_RANGE : S_WRONG);
}

static const char *
s_match_double (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    double number;
    if (zanni__value_double (value, &number))
        return type + 1;
    bool integer = value->form == ZANNI__UINT || value->form == ZANNI__INT;
    return s_fault (match, type, at, integer ? S_RANGE : S_WRONG);
}

static const char *
s_match_string (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    if (zanni__value_text (value))
        return type + 1;
    return s_fault (match, type, at, value->form == ZANNI__STR ? S_TEXT : S_WRONG);
}

static const char *
s_match_variant (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    (void) value;
    match->reader.at = at;
    if (zanni__reader_skip (&match->reader, ZANNI__WIRE_DEPTH - match->depth))
        return type + 1;
    return s_fault (match, type, at, S_BROKEN);
}

static const char *
s_match_handle (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    int8_t ext = *type == 'r' ? ZANNI__EXT_REF : ZANNI__EXT_BUFFER;
    if (zanni__value_handle (value, match->args, ext))
        return type + 1;
    return s_fault (match, type, at, value->form == ZANNI__EXT && value->ext == ext ? S_BROKEN : S_WRONG);
}

static const char *
s_match_bound (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    zanni_ref_t *ref;
    zanni__value_t method;
    if (zanni__value_bound (value, match->args, &ref, &method))
        return type + 1;
    bool bound = value->form == ZANNI__EXT && value->ext == ZANNI__EXT_BOUND;
    return s_fault (match, type, at, bound ? S_BROKEN : S_WRONG);
}

static const char *
s_match_blob (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    if (zanni__value_is_blob (value))
        return type + 1;
    bool blob = value->form == ZANNI__EXT && value->ext == ZANNI__EXT_BLOB;
    return s_fault (match, type, at, blob ? S_BROKEN : S_WRONG);
}

static const char *
s_match_object (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    bool object = value->form == ZANNI__EXT && value->ext == ZANNI__EXT_OBJECT;
    if (object && (match->ours || zanni__object_valid (value, match->args)))
        return type + 1;
    return s_fault (match, type, at, object ? S_BROKEN : S_WRONG);
}

/* The members of a struct or pair, up to `close`. */
static const char *
s_match_members (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    char close = *type == '(' ? ')' : '}';
    uint32_t left = value->size;
    if (value->form != ZANNI__ARRAY)
        return s_fault (match, type, at, S_WRONG);
    zanni__assert (match->depth < ZANNI__SIGNATURE_DEPTH);
    uint32_t *place = &match->place [++match->depth];
    *place = 1;
    for (type++; *type != close; left--, ++*place) {
        if (!left)
            return s_fault (match, type, match->reader.at, S_MISSING);
        type = s_match_type (match, type);
        if (!type)
            return NULL;
    }
    if (left)
        return s_fault (match, "", match->reader.at, S_WRONG);
    match->depth--;
    return type + 1;
}

static const char *
s_match_array (s_match_t *match, const char *type, const zanni__value_t *value, const uint8_t *at)
{
    if (type [1] == 'y')
        return value->form == ZANNI__BIN ? type + 2 : s_fault (match, type, at, S_WRONG);
    if (value->form != ZANNI__ARRAY)
        return s_fault (match, type, at, S_WRONG);
    zanni__assert (match->depth < ZANNI__SIGNATURE_DEPTH);
    uint32_t *place = &match->place [++match->depth];
    for (*place = 1; *place <= value->size; ++*place)
        if (!s_match_type (match, type + 1))
            return NULL;
    match->depth--;
    return zanni__signature_type_end (type + 1);
}

static s_match_fn *const s_matchers [128] = {
    ['b'] = s_match_bool,   ['y'] = s_match_int,     ['i'] = s_match_int,     ['u'] = s_match_int,
    ['x'] = s_match_int,    ['t'] = s_match_int,     ['d'] = s_match_double,  ['s'] = s_match_string,
    ['v'] = s_match_variant, ['r'] = s_match_handle, ['B'] = s_match_handle,  ['M'] = s_match_bound,
    ['o'] = s_match_object, ['K'] = s_match_blob,
    ['a'] = s_match_array,  ['('] = s_match_members, ['{'] = s_match_members,
};

static const char *
s_match_type (s_match_t *match, const char *type)
{
    const uint8_t *at = match->reader.at;
    const uint8_t *behind = zanni__quick_pass (at, match->reader.end, *type);
    zanni__value_t value;
    if (behind && behind <= match->reader.end) {
        match->reader.at = behind;
        return type + 1;
    }
    s_match_fn *matcher = s_matchers [*type & 0x7f];
    zanni__assert (matcher);
    if (!zanni__reader_next (&match->reader, &value))
        return s_fault (match, type, at, S_BROKEN);
    return matcher (match, type, &value, at);
}

static int
s_match (const char *signature, const zanni__args_t *args, zanni__fault_t *fault, bool ours)
{
    s_match_t match = { .args = args, .fault = fault, .ours = ours, .place = { 1 } };
    const char *type = signature;
    uint32_t count;
    bool good = zanni__args_begin (args, &match.reader, &count);
    if (!good)
        s_fault (&match, type, match.reader.at, S_BROKEN);
    for (; good && *type && match.place [0] <= count; match.place [0]++) {
        type = s_match_type (&match, type);
        if (!type)
            return ZANNI_EARGS;
    }
    if (good && *type)
        good = s_fault (&match, type, match.reader.at, S_MISSING);
    else if (good && match.place [0] <= count)
        good = s_fault (&match, "", match.reader.at, S_WRONG);
    else if (good && match.reader.at != match.reader.end)
        good = s_fault (&match, "", match.reader.at, S_BROKEN);
    return good ? 0 : ZANNI_EARGS;
}

int
zanni__signature_match_closely (const char *signature, const zanni__args_t *args, zanni__fault_t *fault)
{
    return s_match (signature, args, fault, false);
}

int
zanni__signature_match_ours (const char *signature, const zanni__args_t *args, zanni__fault_t *fault)
{
    return s_match (signature, args, fault, true);
}

int
zanni__signature_match (const char *signature, const zanni__args_t *args, zanni__fault_t *fault)
{
    if (zanni__signature_match_quickly (signature, args))
        return 0;
    return zanni__signature_match_closely (signature, args, fault);
}
