/* signature.h: what a method takes and answers, in sd-bus's letters (see zanni/class.h). */

#ifndef ZANNI_MESSAGE_SIGNATURE_H
#define ZANNI_MESSAGE_SIGNATURE_H

#include "args.h"

#define ZANNI__SIGNATURE_DEPTH 8
#define ZANNI__SIGNATURE_LETTERS 255
#define ZANNI__SIGNATURE_TYPES 64

/* What does not fit, for zanni__fault_text. Plain data; `wanted` points into the signature. */
typedef struct {
    uint32_t position;     // of the argument, from 1; 0: nothing is wrong
    uint32_t depth;        // how many of `items` lead to the value; 0: it is the argument itself
    uint32_t items [ZANNI__SIGNATURE_DEPTH];   // from 1, the outermost first
    const char *wanted;    // the type in the signature, or "" where nothing more was wanted
    uint8_t found;         // first msgpack byte of what is there
    uint8_t ext;           // its ext type, where it is one
    const char *detail;    // what is there in words, or NULL
    bool missing;          // there is nothing
    bool range;            // the right kind of value, but it does not fit the type
    bool text;             // a string with a NUL or that is not UTF-8
    bool broken;           // no msgpack, or bytes behind the last argument, or an index past the side table
} zanni__fault_t;

/* Whether `signature` is well-formed: 0, or the position (from 1) of the first wrong letter. NULL is wrong; "" is
   right. At most 255 letters, 8 levels deep, 64 types at the top level. */
int zanni__signature_check (const char *signature);

/* Whether the arguments are what the signature says: 0, or ZANNI_EARGS and *fault. Checks everything that a later
   read relies on: lengths, depth, ranges (int32 in `i`, ...), UTF-8 without NUL, table indices. The arguments may
   come from a stranger. The commonest case, a few numbers, must cost a few dozen instructions. */
int zanni__signature_match (const char *signature, const zanni__args_t *args, zanni__fault_t *fault);

/* The same for who has tried the quick way (quick.h) already. */
int zanni__signature_match_closely (const char *signature, const zanni__args_t *args, zanni__fault_t *fault);

/* The same for arguments that this node has packed: registered types are well-formed then, and who reads one looks at each
   of its fields anyway. */
int zanni__signature_match_ours (const char *signature, const zanni__args_t *args, zanni__fault_t *fault);

/* Behind the first type of a well-formed signature that is not at its end. */
const char *zanni__signature_type_end (const char *type);

/* Whether `signature` begins with all of `prefix`'s types. */
bool zanni__signature_extends (const char *signature, const char *prefix);

/* Writes a fault for people: "argument 2 is a string, int64 (x) was wanted", "argument 3 is missing, ...", "2
   arguments were wanted, argument 3 is too many". Answers `text`. */
const char *zanni__fault_text (const zanni__fault_t *fault, char *text, size_t size);

/* The same with the wanted type in words, for readers that have no signature. */
const char *zanni__fault_words (const zanni__fault_t *fault, const char *wanted, char *text, size_t size);

#endif
