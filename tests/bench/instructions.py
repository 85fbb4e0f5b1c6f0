"""Counts the instructions of one message, all included: sending, checks, dispatch, handler; at both ends.

Time is noisy, instructions are not: zanni-bench runs a case under callgrind with two counts, and the slope between them
is what one message costs. It is made of every object's own instructions in every process of the run: callgrind follows
forks and programs that are started. Where messages travel between processes, those of libzmq are left out, and with
them what it calls of other libraries, such as the C library's. The slopes of the further cases are printed only, for
whoever changes the hot path.

usage: instructions.py ZANNI-BENCH CASE MOST [CASE...]
"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FEW, MANY = 20000, 60000
TRIES = 4   # where several processes share busy processors, what goes together is less, and costs more

# callgrind counts the one instruction that copies a large block once for every byte: let the C library use others.
NO_STRINGS = {"GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=0x10000000"}
LIBZMQ = re.compile(r"/(libzmq|libstdc\+\+)\.so")
OURS = re.compile(r"/(libzanni\.so|zanni-bench)")
NAME = re.compile(r"\((\d+)\)(?: (.*))?")


def is_remote(case):
    return case.startswith("process")


def objects(path):
    """The instructions of each object in a file of callgrind's; libzmq has those of its callees, too.

    The file names an object in full once and by its number then: `ob` is whose lines follow, `cob` whom the next call is
    to, if that is another. A line that begins with a number or a sign is a cost: its position, then the instructions;
    behind `calls` it is what the call cost, all that it called included.
    """
    names = {}
    costs = collections.Counter()
    current = callee = None
    is_call = False
    for line in path.read_text().splitlines():
        key, _, value = line.partition("=")
        if key in ("ob", "cob"):
            number, name = NAME.match(value).groups()
            names.setdefault(number, name)
            callee = names[number]
            if key == "ob":
                current = callee
        elif key == "calls":
            is_call = True
        elif line and line[0] in "0123456789+-*":
            cost = int(line.split()[1])
            if not is_call:
                costs[current] += cost
            elif LIBZMQ.search(current) and not LIBZMQ.search(callee) and not OURS.search(callee):
                costs[current] += cost
                costs[callee] -= cost
            is_call = False
            callee = current
    return costs


def instructions(program, case, count):
    """What the whole run took, by object, and how many processes there were."""
    with tempfile.TemporaryDirectory(prefix="zanni-instructions-") as folder:
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={folder}/%p", program,
             "--exactly", str(count), case],
            capture_output=True, text=True, timeout=100, check=False, env=os.environ | NO_STRINGS)
        files = list(pathlib.Path(folder).iterdir())
        if result.returncode or not files:
            sys.exit(f"{case}: no count from callgrind: {result.stderr[-400:]}")
        costs = collections.Counter()
        for path in files:
            costs.update(objects(path))
    return costs, len(files)


def slope(program, case):
    """Instructions of a message, by object."""
    few, processes = instructions(program, case, FEW)
    many, others = instructions(program, case, MANY)
    wanted = 3 if is_remote(case) else 1   # the program, its launcher, the actor
    if (processes, others) != (wanted, wanted):
        sys.exit(f"{case}: {processes} and {others} processes were counted, not {wanted}: one did not come to its end")
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in many}


def show(program, case):
    """Prints what a message of the case costs, and answers it."""
    costs = slope(program, case)
    counted = sum(cost for name, cost in costs.items() if not (is_remote(case) and LIBZMQ.search(name)))
    print(f"{case}: {counted:.0f} instructions a message")
    for name, cost in sorted(costs.items(), key=lambda item: -item[1]):
        if cost >= 1:
            print(f"    {cost:6.0f} {pathlib.Path(name).name}")
    return counted


def main():
    program, case, most = sys.argv[1], sys.argv[2], float(sys.argv[3])
    counted = show(program, case)
    for _ in range(TRIES - 1):
        if counted > most:
            counted = min(counted, show(program, case))
    for other in sys.argv[4:]:
        show(program, other)
    print(f"{case}: {most:.0f} are allowed")
    sys.exit(counted > most)


if __name__ == "__main__":
    main()
