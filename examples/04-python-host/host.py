"""A Python program that has C actors in processes of their own: counts primes on all processors, and survives a crash.

    python3 host.py CLASSES [CHILD]     CLASSES: the shared object made of primes.c; CHILD: zanni-child, if not in PATH

Python's own thread is the root actor. It deals the numbers out in pieces: who has answered gets the next one.
"""

import os
import sys

import zanni

LIMIT = 1_000_000
PIECE = 50_000


def count(node, actors):
    """The primes below LIMIT."""
    pieces = iter(range(0, LIMIT, PIECE))
    asked = {actor.ask("count", first, first + PIECE): actor for actor, first in zip(actors, pieces)}
    total = 0
    while asked:
        ask, found = node.receive(int)
        actor = asked.pop(ask)
        total += found
        for first in pieces:
            asked[actor.ask("count", first, first + PIECE)] = actor
            break
    return total


def crash(actor):
    """What becomes of a call to an actor that crashes."""
    try:
        actor.call("crash")
    except zanni.Failure as failure:
        return str(failure)
    return "nothing"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with zanni.Node(*sys.argv[1:3]) as node:
        actors = [node.spawn("primes") for _ in range(max(2, os.cpu_count() or 1))]
        total = count(node, actors)
        print(f"{total} primes below {LIMIT}")
        print(f"one actor crashed: {crash(actors.pop())}")
        print(f"python-host: {total} primes, and the others still count: {actors[0].call('count', 0, 100, result=int)}")


try:
    main()
except (zanni.Failure, OSError) as error:
    sys.exit(f"python-host: {error}")
