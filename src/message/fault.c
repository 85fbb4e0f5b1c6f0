/* What does not fit, in words for people: which argument (or which item of it), what is there, what was wanted. */

#include "signature.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct {
    char *text;
    size_t size, used;
} s_text_t;

static void
s_add (s_text_t *text, const char *format, ...)
{
    va_list list;
    va_start (list, format);
    if (text->used < text->size) {
        int added = vsnprintf (text->text + text->used, text->size - text->used, format, list);
        text->used += added > 0 ? (size_t) added : 0;
    }
    va_end (list);
}

static const char *const s_names [128] = {
    ['b'] = "bool",   ['y'] = "byte",      ['i'] = "int32",  ['u'] = "uint32",       ['x'] = "int64",
    ['t'] = "uint64", ['d'] = "double",    ['s'] = "string", ['v'] = "any value",    ['r'] = "reference",
    ['B'] = "buffer", ['M'] = "bound method", ['('] = "struct", ['{'] = "pair",      ['a'] = "array",
    ['o'] = "registered type", ['K'] = "blob",
};

static const char *
s_wanted (const char *type, char *words, size_t size)
{
    const char *name = s_names [*type & 0x7f];
    if (!*type || !name)
        return "";
    if (*type == 'a' && type [1] == 'y')
        name = "bytes";
    if (*type == 'a' && type [1] == '{')
        name = "list of pairs";
    bool enclosed = *type == '(';
    int length = (int) (zanni__signature_type_end (type) - type);
    snprintf (words, size, enclosed ? "%s %.*s" : "%s (%.*s)", name, length, type);
    return words;
}

static const char *
s_found_ext (uint8_t ext)
{
    static const char *const names [] = {
        [ZANNI__EXT_REF] = "a reference", [ZANNI__EXT_BUFFER] = "a buffer", [ZANNI__EXT_BOUND] = "a bound method",
        [ZANNI__EXT_OBJECT] = "a registered type", [ZANNI__EXT_BLOB] = "a blob"
    };
    bool known = ext < sizeof names / sizeof *names && names [ext];
    return known ? names [ext] : "an extension value";
}

/* What a value is, by its first byte. */
static const char *
s_found (const zanni__fault_t *fault)
{
    static const struct {
        uint8_t last;
        const char *name;
    } kinds [] = {
        { 0x7f, "an integer" }, { 0x8f, "a map" },      { 0x9f, "an array" },   { 0xbf, "a string" },
        { 0xc0, "nil" },        { 0xc1, "no value" },   { 0xc3, "a bool" },     { 0xc6, "bytes" },
        { 0xc9, NULL },         { 0xcb, "a double" },   { 0xd3, "an integer" }, { 0xd8, NULL },
        { 0xdb, "a string" },   { 0xdd, "an array" },   { 0xdf, "a map" },      { 0xff, "an integer" },
    };
    size_t i = 0;
    while (fault->found > kinds [i].last)
        i++;
    return kinds [i].name ? kinds [i].name : s_found_ext (fault->ext);
}

static void
s_add_place (s_text_t *text, const zanni__fault_t *fault)
{
    for (uint32_t level = fault->depth; level; level--)
        s_add (text, "item %u of ", (unsigned) fault->items [level - 1]);
    s_add (text, "argument %u", (unsigned) fault->position);
}

static void
s_add_too_many (s_text_t *text, const zanni__fault_t *fault)
{
    const char *noun = fault->depth ? "item" : "argument";
    uint32_t wanted = (fault->depth ? fault->items [fault->depth - 1] : fault->position) - 1;
    if (wanted)
        s_add (text, "%u %s%s wanted, ", (unsigned) wanted, noun, wanted == 1 ? " was" : "s were");
    else
        s_add (text, "no %s was wanted, ", noun);
    s_add_place (text, fault);
    s_add (text, " is too many");
}

const char *
zanni__fault_words (const zanni__fault_t *fault, const char *wanted, char *text, size_t size)
{
    s_text_t out = { text, size, 0 };
    if (size)
        *text = 0;
    if (!fault->position)
        return text;
    if (!fault->broken && !fault->missing && !*wanted) {
        s_add_too_many (&out, fault);
        return text;
    }
    s_add_place (&out, fault);
    if (fault->broken)
        s_add (&out, " is not well-formed");
    else if (fault->missing)
        s_add (&out, " is missing");
    else
        s_add (&out, " is %s%s%s", fault->detail ? fault->detail : s_found (fault), fault->range ? " that does not fit" : "",
               fault->text ? " that has a NUL or is not UTF-8" : "");
    if (*wanted)
        s_add (&out, ", %s was wanted", wanted);
    return text;
}

const char *
zanni__fault_text (const zanni__fault_t *fault, char *text, size_t size)
{
    char words [ZANNI__SIGNATURE_LETTERS + 32];
    return zanni__fault_words (fault, fault->position ? s_wanted (fault->wanted, words, sizeof words) : "", text,
                               size);
}
