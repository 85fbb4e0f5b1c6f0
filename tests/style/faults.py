"""What the style tests share: paths of the tree, its C files, and a list of faults that ends the test."""

import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def c_files(*folders):
    """Every .c and .h below these folders of the tree, in order."""
    found = []
    for folder in folders:
        found += [path for path in (TOP / folder).rglob("*") if path.suffix in (".c", ".h") and path.is_file()]
    return sorted(found)


def name(path):
    """A path as people know it: from the top of the tree."""
    return str(path.relative_to(TOP))


def finish(faults, checked):
    """Prints the faults and ends the program: 1 if there are any, or if nothing was there to check."""
    for fault in faults:
        print(fault)
    if not checked:
        print("nothing was checked")
    print(f"{checked} checked, {len(faults)} faults")
    sys.exit(1 if faults or not checked else 0)
