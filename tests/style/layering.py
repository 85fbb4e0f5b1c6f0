"""Includes run one way: base, wire, message, actor, the folders in braces, node, the folders that use them all.

A folder may include itself and what stands on a lower line of LINES; folders on one line do not include each other.
`tool` stands on the public API only. Public headers include standard headers and each other, and nothing of src/;
czmq.h is no exception, since it only declares what it needs. `wire` knows neither sockets nor threads.
"""

import re

from faults import TOP, c_files, finish, name

LINES = [
    ["base"],
    ["wire"],
    ["message"],
    ["actor"],
    ["link", "place", "directory", "store", "object", "stream", "supervisor"],
    ["node"],
    ["sim", "pool", "tool"],
]
LINE_OF = {folder: number for number, line in enumerate(LINES) for folder in line}
STANDARD = set(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg "
    "stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype".split()
)
SOCKETS_AND_THREADS = {"zmq.h", "czmq.h", "pthread.h", "threads.h", "sys/socket.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """The includes of a file: line number, '<' or '"', what stands there."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def resolve(path, written):
    """The file of ours that an include names, as the compiler finds it, or None."""
    for folder in (path.parent, TOP / "src", TOP / "include"):
        found = (folder / written).resolve()
        if found.is_file() and found.is_relative_to(TOP):
            return found
    return None


def source_fault(path, kind, written):
    """Why a file below src/ may not include this, or None."""
    if written == "assert.h" and kind == "<":
        return "can be compiled out: base/assert.h cannot"
    folder = path.relative_to(TOP / "src").parts[0]
    found = resolve(path, written)
    if found is None:
        if kind == '"':
            return "there is no such file"
        if folder == "wire" and written in SOCKETS_AND_THREADS:
            return "wire knows no sockets and no threads"
        return None
    if found.is_relative_to(TOP / "include"):
        return None
    if not found.is_relative_to(TOP / "src"):
        return "is neither in src nor in include"
    other = found.relative_to(TOP / "src").parts[0]
    if other == folder:
        return None
    if folder == "tool":
        return "tool stands on the public headers only"
    if LINE_OF.get(other, len(LINES)) >= LINE_OF[folder]:
        return f"{folder} does not stand on {other}"
    return None


def header_fault(path, kind, written):
    """Why a public header may not include this, or None."""
    found = resolve(path, written)
    if found is not None:
        return None if found.is_relative_to(TOP / "include") else "is not a public header"
    if kind == "<" and written.endswith(".h") and written[:-2] in STANDARD:
        return None
    return "is neither a standard header nor one of ours"


def main():
    faults = []
    checked = 0
    for path in c_files("src"):
        parts = path.relative_to(TOP / "src").parts
        if len(parts) < 2 or parts[0] not in LINE_OF:
            faults.append(f"{name(path)}: this folder has no place in the order of layers")
            continue
        for number, kind, written in includes(path):
            checked += 1
            fault = source_fault(path, kind, written)
            if fault:
                faults.append(f"{name(path)}:{number}: includes {written}: {fault}")
    for path in c_files("include"):
        for number, kind, written in includes(path):
            checked += 1
            fault = header_fault(path, kind, written)
            if fault:
                faults.append(f"{name(path)}:{number}: includes {written}: {fault}")
    finish(faults, checked)


main()
