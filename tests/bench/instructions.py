"""Counts the instructions of one tell between shared actors, all included: sending, checks, dispatch, handler.

Time is noisy, instructions are not: zanni-bench runs its case `count` under callgrind with two counts, and the slope
between them is what one message costs. Prints the slopes of some more cases, for whoever changes the hot path.

usage: instructions.py ZANNI-BENCH MOST
"""

import re
import subprocess
import sys

FEW, MANY = 20000, 60000


def instructions(program, case, count):
    """What the whole run took."""
    result = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "--exactly", str(count), case],
        capture_output=True, text=True, timeout=100, check=False)
    found = re.search(r"Collected : (\d+)", result.stderr)
    if result.returncode or not found:
        sys.exit(f"{case}: no count from callgrind: {result.stderr[-400:]}")
    return int(found.group(1))


def slope(program, case):
    return (instructions(program, case, MANY) - instructions(program, case, FEW)) / (MANY - FEW)


def main():
    program, most = sys.argv[1], float(sys.argv[2])
    tell = slope(program, "count")
    print(f"count: {tell:.0f} instructions a tell, at most {most:.0f} allowed")
    for case in ("ring", "pingpong"):
        print(f"{case}: {slope(program, case):.0f}")
    sys.exit(tell > most)


if __name__ == "__main__":
    main()
