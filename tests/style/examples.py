"""Runs an example and compares the last line that it prints with the regular expression in its test.expect.

    examples.py FOLDER WORK PREFIX      copies the example to WORK, builds it there against the package installed in
                                        PREFIX, and runs it
    examples.py FOLDER PROGRAM          runs a program that is built already

The arguments stand in test.args, as a shell reads them; without that file there are none. The program runs in an
empty folder, without input. Its exit status must be 0; one that lacks what it needs ends with 77, and so does this,
which CTest shows as skipped.
"""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77


def program_name(folder):
    """02-wordcount has the program wordcount."""
    return re.sub(r"^\d+-", "", folder.name)


def build(folder, work, prefix):
    """Copies and builds the example outside of the tree; answers its program."""
    if work.exists():
        shutil.rmtree(work)
    shutil.copytree(folder, work / "source")
    configure = ["cmake", "--log-level=WARNING", "-S", work / "source", "-B", work / "build",
                 f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"]
    subprocess.run(configure, check=True)
    subprocess.run(["cmake", "--build", work / "build", "--parallel", "2"], check=True)
    return work / "build" / program_name(folder)


def run(folder, program):
    """Runs it and answers what is wrong with the outcome, or None."""
    arguments = folder / "test.args"
    expected = folder / "test.expect"
    if not expected.is_file():
        return f"{folder.name} has no test.expect"
    command = [program, *shlex.split(arguments.read_text() if arguments.is_file() else "")]
    with tempfile.TemporaryDirectory() as empty:
        result = subprocess.run(command, cwd=empty, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    print(result.stdout, end="")
    last = (result.stdout.splitlines() or [""])[-1]
    pattern = expected.read_text().strip()
    if result.returncode == SKIPPED:
        sys.exit(SKIPPED)
    if result.returncode:
        return f"{program.name} ended with status {result.returncode}"
    if not re.fullmatch(pattern, last):
        return f"the last line of {program.name} is \"{last}\"; it should match \"{pattern}\""
    return None


def main():
    folder = pathlib.Path(sys.argv[1])
    if len(sys.argv) == 4:
        program = build(folder, pathlib.Path(sys.argv[2]), sys.argv[3])
    else:
        program = pathlib.Path(sys.argv[2])
    fault = run(folder, program)
    if fault:
        sys.exit(fault)


main()
