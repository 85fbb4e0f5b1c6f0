"""Sizes: functions to 70 lines, sources to 800, public headers to 250, sources of examples to 300; every folder below
src/ has a README.md of one screen (60 lines), but for that of wire/, which is the whole protocol.

A function is known by the house style: its opening brace stands alone in the first column, and so does its closing
one; it begins behind the last empty line, preprocessor line or end of another declaration. A definition that opens at
the end of its line is a fault of its own, so that no function escapes.
"""

import re

from faults import TOP, c_files, finish, name

FUNCTION_LINES = 70
SOURCE_LINES = 800
HEADER_LINES = 250
EXAMPLE_LINES = 300
README_LINES = 60
HEAD = re.compile(r"^[A-Za-z_ ].*(?<![;}/])$")
ATTACHED = re.compile(r"^[A-Za-z_].*\)\s*\{\s*(//.*|/\*.*\*/\s*)?$")


def functions(lines):
    """First and last line (from 1) of every function that has a brace of its own."""
    for opening, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        first = opening
        while first > 0 and HEAD.match(lines[first - 1].rstrip()):
            first -= 1
        last = opening
        while last + 1 < len(lines) and not lines[last].startswith("}"):
            last += 1
        yield first + 1, last + 1


def title(lines, first):
    """The name of the function whose definition begins on this line."""
    head = re.sub(r"__attribute__ \(\(.*?\)\)", "", " ".join(lines[first - 1:first + 3]))
    match = re.search(r"(\w+)\s*\(", head)
    return match.group(1) if match else "?"


def function_faults(path, lines):
    for first, last in functions(lines):
        if last - first + 1 > FUNCTION_LINES:
            yield f"{name(path)}:{first}: {title(lines, first)} has {last - first + 1} lines, of {FUNCTION_LINES}"
    for number, line in enumerate(lines, 1):
        if ATTACHED.match(line) and not line.startswith(("struct", "union", "enum", "typedef", "extern")):
            yield f"{name(path)}:{number}: a function's opening brace stands on a line of its own"


def limit(path):
    if path.is_relative_to(TOP / "include"):
        return HEADER_LINES
    return EXAMPLE_LINES if path.is_relative_to(TOP / "examples") else SOURCE_LINES


def readme_faults():
    for folder in sorted(path for path in [TOP / "src", *(TOP / "src").rglob("*")] if path.is_dir()):
        if not any(path.is_file() for path in folder.rglob("*")):
            continue
        readme = folder / "README.md"
        if not readme.is_file():
            yield f"{name(folder)}: has no README.md"
        elif len(readme.read_text().splitlines()) > README_LINES and folder != TOP / "src" / "wire":
            yield f"{name(readme)}: is longer than one screen ({README_LINES} lines)"


def main():
    faults = list(readme_faults())
    checked = 0
    for path in c_files("include", "src", "examples", "tests"):
        checked += 1
        lines = path.read_text().splitlines()
        if len(lines) > limit(path):
            faults.append(f"{name(path)}: has {len(lines)} lines, of {limit(path)}")
        faults += function_faults(path, lines)
    finish(faults, checked)


main()
