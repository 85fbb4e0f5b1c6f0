"""The tree: no entry at the top but the agreed ones, no test that sleeps, every example known to the build.

A test waits for an event, never for time to pass: a sleep is too short on a slow machine and too long on every other.

    tree.py EXAMPLE...      the examples that the build knows
"""

import re
import sys

from faults import TOP, finish, name

ENTRIES = {"CMakeLists.txt", "README.md", "LICENSE", "src", "include", "examples", "tests", "cmake", "build"}
SUFFIXES = {".c", ".h", ".cpp", ".hpp", ".py", ".sh", ".erl", ".cmake", ""}
SLEEPS = re.compile(
    r"\b((clock_)?(u|nano)?sleep|zclock_sleep|thrd_sleep|sleep_(for|until)|p?poll\s*\(\s*NULL|select\s*\(\s*0)\s*[(,]"
    r"|\btimer:sleep\b|^\s*sleep\s+[\d$]"
)


def top_faults():
    for path in sorted(TOP.iterdir()):
        if path.name not in ENTRIES and not path.name.startswith("."):
            yield f"{path.name}: is not among the entries that the top of the tree may have"


def sleep_faults(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if SLEEPS.search(line):
            yield f"{name(path)}:{number}: sleeps: {line.strip()}"


def example_faults(known):
    folder = TOP / "examples"
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name not in known:
            yield f"{name(path)}: is not listed in the CMakeLists.txt at the top"
        elif not (path / "README.md").is_file():
            yield f"{name(path)}: has no README.md"


def main():
    faults = [*top_faults(), *example_faults(sys.argv[1:])]
    checked = 0
    for path in sorted((TOP / "tests").rglob("*")):
        if path.is_file() and path.suffix in SUFFIXES:
            checked += 1
            faults += sleep_faults(path)
    finish(faults, checked)


main()
