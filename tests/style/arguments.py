"""An argument or output of a wrong type does not compile, as C11 by gcc and clang and as C++17 by g++ and clang++; the
right variants do, without a warning.

Each wrong line is compiled alone, and the compiler must name the choice by type as the reason, so that a slip in the
line itself is not taken for success.
"""

import re
import shutil
import subprocess

from faults import TOP, finish

FRAME = """
#include <zanni.h>

typedef struct {{ int x; int y; }} point_t;

int use (zanni_t *self, const zanni_ref_t *ref, zanni_msg_t *msg, const zanni_spawn_t *how);

int
use (zanni_t *self, const zanni_ref_t *ref, zanni_msg_t *msg, const zanni_spawn_t *how)
{{
    int rc = 0;
{lines}
    (void) self;
    (void) ref;
    (void) msg;
    (void) how;
    return rc;
}}
"""

# Compiler, language, standard, and what it says of a type that has no place.
COMPILERS = [
    ("gcc", "c", "c11", r"_Generic"),
    ("clang", "c", "c11", r"generic association"),
    ("g++", "c++", "c++17", r"zanni knows no argument of this type|no matching function|invalid conversion"),
    ("clang++", "c++", "c++17", r"zanni knows no argument of this type|no matching function"),
]

# What it is, and the line that must not compile. (NULL is a number to C++; lines with it are C only.)
WRONG = [
    ("a pointer to a struct", 'point_t point = { 0, 0 }; rc = zanni_tell (self, ref, "at", &point);'),
    ("a struct by value", 'point_t point = { 0, 0 }; rc = zanni_tell (self, ref, "at", point);'),
    ("NULL", 'rc = zanni_tell (self, ref, "at", NULL);'),
    ("a void pointer", 'void *place = &rc; rc = zanni_tell (self, ref, "at", place);'),
    ("a pointer to int", 'rc = zanni_tell (self, ref, "at", &rc);'),
    ("an array of int", 'int many [3] = { 1, 2, 3 }; rc = zanni_tell (self, ref, "at", many);'),
    ("a function", 'rc = zanni_tell (self, ref, "at", use);'),
    ("a long double", 'long double wide = 1; rc = zanni_tell (self, ref, "at", wide);'),
    ("a message", 'rc = zanni_tell (self, ref, "at", msg);'),
    ("the context", 'rc = zanni_tell (self, ref, "at", self);'),
    ("a reference to a reference", 'rc = zanni_tell (self, ref, "at", &ref);'),
    ("a wrong second argument", 'rc = zanni_tell (self, ref, "at", 5, NULL);'),
    ("a wrong item of a list", 'rc = zanni_tell (self, ref, "at", ZANNI_LIST (1, &rc));'),
    ("NULL in an ask", 'rc = zanni_ask (self, ref, NULL, "at", NULL);'),
    ("NULL in a call", 'zanni_msg_t *reply; rc = zanni_call (self, &reply, ref, "at", NULL);'),
    ("NULL in a reply", "rc = zanni_reply (self, msg, NULL);"),
    ("a pointer to int in a spawn",
     'zanni_ref_t *made; rc = zanni_spawn (self, &made, "at", how, &rc);'),
    ("a pointer to int in a pool",
     'zanni_ref_t *made; rc = zanni_pool (self, &made, "at", NULL, &rc);'),
    ("a pointer to int in a new message", 'zanni_msg_t *made; rc = zanni_msg_new (self, &made, "at", &rc);'),
    ("reading into a short", "short number; rc = zanni_read (msg, &number);"),
    ("reading into a float", "float number; rc = zanni_read (msg, &number);"),
    ("reading into a char", "char letter; rc = zanni_read (msg, &letter);"),
    ("reading into a writable string", "char *text; rc = zanni_read (msg, &text);"),
    ("reading into a value", "rc = zanni_read (msg, rc);"),
    ("reading into a void pointer", "void *place = &rc; rc = zanni_read (msg, place);"),
    ("reading into a struct", "point_t point; rc = zanni_read (msg, &point);"),
    ("reading into NULL", "rc = zanni_read (msg, NULL);"),
    ("reading a reference that would be owned", "zanni_ref_t *other; rc = zanni_read (msg, &other);"),
    ("reading into a constant", "const int fixed = 1; rc = zanni_read (msg, &fixed);"),
]

RIGHT = [
    "const char *text = NULL; char letters [4] = \"abc\"; const int fixed = 5; bool yes = true;",
    "int64_t total = 0; unsigned char byte = 0; size_t size = 0; uint32_t word = 0; double real = 0; int number = 0;",
    "short small = 1; float single = 1; long double_word = 2; enum { FIRST, SECOND } which = SECOND;",
    "const zanni_ref_t *other = NULL; const zanni_buffer_t *buffer = NULL; zanni_bytes_t bytes = { NULL, 0 };",
    "zanni_packed_t packed = { NULL, 0 }; zanni_bound_t bound = { NULL, NULL }; zanni_ref_t *made = NULL;",
    "zanni_blob_t blob;",
    "int64_t many [2] = { 1, 2 }; zanni_msg_t *reply = NULL;",
    'rc = zanni_tell (self, ref, "none");',
    'rc = zanni_tell (self, ref, "ints", 5, -5, fixed, total, byte, size, word, small, which, double_word, 5u, 5ull);',
    "rc = zanni_tell (self, ref, \"rest\", yes, 1.5, single, 'c', \"text\", letters, text, true, false);",
    'rc = zanni_tell (self, ref, "handles", ref, other, made, buffer, bytes, packed, &bound, &blob);',
    'rc = zanni_tell (self, ref, "lists", zanni_arg_ints (many, 2), ZANNI_LIST (1, ZANNI_LIST ("two", 2.0)));',
    'rc = zanni_tell (self, ref, "most", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);',
    'rc = zanni_ask (self, ref, NULL, "at", 5);',
    'rc = zanni_call (self, &reply, ref, "at", "x");',
    'rc = zanni_reply (self, msg, total);',
    'rc = zanni_reply (self, msg);',
    'rc = zanni_spawn (self, &made, "at", NULL);',
    'rc = zanni_spawn (self, &made, "at", NULL, 5);',
    'rc = zanni_pool (self, &made, "at", NULL);',
    'rc = zanni_pool (self, &made, "at", NULL, 5, "x");',
    'rc = zanni_msg_new (self, &reply, "at");',
    'rc = zanni_msg_new (self, &reply, "at", 5, "x");',
    "rc = zanni_read (msg, &yes, &byte, &number, &word, &total, &size, &real, &text, &bytes, &other, &buffer);",
    "rc = zanni_read (msg, &packed, &bound, &blob);",
]


# Right in C only: compound literals are no C++.
RIGHT_C = [
    'rc = zanni_spawn (self, &made, "at", &(zanni_spawn_t) { .place = ZANNI_THREAD }, 5);',
]


def compile_lines(compiler, lines):
    """Exit status and what the compiler says of a function with these lines."""
    command, language, standard, _ = compiler
    command = [command, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
               "-Wconversion", "-Werror", "-fsyntax-only", f"-I{TOP / 'include'}", "-"]
    text = FRAME.format(lines="\n".join("    " + line for line in lines))
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    return result.returncode, result.stderr


def wrong_fault(compiler, what, line):
    status, said = compile_lines(compiler, [line])
    if status == 0:
        return f"{compiler[0]}: {what} compiles: {line}"
    errors = [row for row in said.splitlines() if " error: " in row]
    if not any(re.search(compiler[3], row) for row in errors[:1]):
        return f"{compiler[0]}: {what}: not refused for its type: {line}\n{said}"
    return None


def main():
    faults = []
    checked = 0
    for compiler in COMPILERS:
        if not shutil.which(compiler[0]):
            print(f"not checked with {compiler[0]}: it is not installed")
            continue
        in_c = compiler[1] == "c"
        status, said = compile_lines(compiler, RIGHT + (RIGHT_C if in_c else []))
        checked += 1
        if status:
            faults.append(f"{compiler[0]}: the right types do not compile:\n{said}")
        for what, line in WRONG:
            if "NULL" in line and not in_c:
                continue
            checked += 1
            fault = wrong_fault(compiler, what, line)
            if fault:
                faults.append(fault)
    finish(faults, checked)


main()
