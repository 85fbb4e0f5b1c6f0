"""The program of examples/03-embed where descriptors are short: it says so, and neither it nor a library aborts it.

    embed_program_test.py PROGRAM
"""

import resource
import subprocess
import sys

PROGRAM = sys.argv[1]


def run(most):
    """Runs the program with so many descriptors at most."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return subprocess.run([PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=limit)


def main():
    for most in (6, 8, 10, 12, 13, 20, 31, 32, 40):
        done = run(most)
        assert done.returncode == 1 and "embed: too few file descriptors left" in done.stderr, (most, done)
    done = run(256)
    assert done.returncode == 0 and "0 lost" in done.stdout, done


main()
