"""examples/06-pipeline as a user meets it: both places, several numbers of stages; a terminal and Ctrl-C; signals; a
stage that is killed; wrong options. No process stays behind.

    pipeline_test.py PROGRAM
"""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import termios

PROGRAM = sys.argv[1]
LAST = re.compile(r"pipeline: (interrupted: )?(\d+) frames, \d+\.\d MB, \d+\.\d MB/s, 0 lost, in order, checksums equal")
SHOWN = re.compile(r"\d+( of \d+)? frames, \d+ MB/s")
PATIENCE_S = 60


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE_S)
    print("$ pipeline", *arguments, "->", done.returncode, done.stdout.splitlines()[-1:], done.stderr.splitlines())
    return done


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def descendants(pid):
    """Names and numbers of a process's descendants: the launcher and the stages."""
    found = {}
    for child in children(pid):
        found[pathlib.Path(f"/proc/{child}/comm").read_text().strip()] = child
        found.update(descendants(child))
    return found


class Running:
    """A run whose end is a signal or a kill. It is at work once it has shown its throughput for the first time."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        first = self.process.stdout.readline().rstrip("\n")
        assert SHOWN.fullmatch(first), first
        self.family = descendants(self.process.pid)
        self.watched = [os.pidfd_open(pid) for pid in self.family.values()]

    def end(self):
        """Status, last line and what stands on stderr; all its processes have ended soon after."""
        output, errors = self.process.communicate(timeout=PATIENCE_S)
        for fd in self.watched:
            assert select.select([fd], [], [], PATIENCE_S)[0], self.family
            os.close(fd)
        print(self.process.args[1:], "->", self.process.returncode, output.splitlines()[-1:], errors.splitlines())
        return self.process.returncode, output.splitlines()[-1] if output else "", errors


def test_places():
    for place in ("process", "thread"):
        for stages in ("1", "2", "5"):
            done = run("--frames", "12", "--stages", stages, "--place", place)
            match = LAST.fullmatch(done.stdout.splitlines()[-1])
            assert done.returncode == 0 and not done.stderr and match and match.group(2) == "12", done


def test_fewer_frames_than_may_be_under_way():
    done = run("--frames", "1")
    assert done.returncode == 0 and LAST.fullmatch(done.stdout.splitlines()[-1]).group(2) == "1", done


def test_signals():
    """What is under way arrives: the numbers are right at the end."""
    for place in ("process", "thread"):
        for number in (signal.SIGINT, signal.SIGTERM):
            running = Running("--frames", "100000", "--place", place)
            running.process.send_signal(number)
            status, last, errors = running.end()
            match = LAST.fullmatch(last)
            assert status == 128 + number and not errors and match and match.group(1), (status, last, errors)
    running = Running("--frames", "0")
    running.process.send_signal(signal.SIGINT)
    assert running.end()[0] == 0


def test_second_signal():
    """It does not wait for a stage that has stopped."""
    running = Running("--frames", "0")
    os.kill(running.family["filter 2"], signal.SIGSTOP)
    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(signal.SIGTERM)
    status, _, errors = running.end()
    assert status == 1 and "a second signal" in errors, (status, errors)


def test_killed_stage():
    for victim in ("source", "filter 1", "filter 2", "sink"):
        running = Running("--frames", "0")
        os.kill(running.family[victim], signal.SIGKILL)
        status, _, errors = running.end()
        assert status == 1 and f"pipeline: {victim} ended: signal 9 (SIGKILL)\n" in errors, (status, errors)
        assert re.search(r"pipeline: \d+ frames had arrived, \d+ were under way and are lost\n", errors), errors


def test_killed_program():
    running = Running("--frames", "0")
    running.process.kill()
    assert running.end()[0] == -signal.SIGKILL


def on_terminal(*arguments):
    """Runs it on a terminal of its own, where Ctrl-C is typed once the throughput has been rewritten."""
    ours, theirs = pty.openpty()

    def take():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen([PROGRAM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=take)
    os.close(theirs)
    shown, typed = b"", False
    while True:
        assert select.select([ours], [], [], PATIENCE_S)[0], shown
        try:
            piece = os.read(ours, 4096)
        except OSError:   # Linux's way to say that the other end is closed
            break
        if not piece:
            break
        shown += piece
        if shown.count(b"MB/s") == 2 and not typed:
            typed = os.write(ours, b"\x03") == 1
    os.close(ours)
    return process.wait(PATIENCE_S), shown.decode()


def test_terminal():
    status, shown = on_terminal("--frames", "0")
    lines = shown.replace("^C", "").split("\r\n")
    print(lines)
    assert status == 0 and len(lines) == 2 and not lines[1], (status, lines)   # one line, and the last
    rewritten = [text.strip() for text in lines[0].split("\r") if text.strip()]
    assert len(rewritten) >= 3 and all(SHOWN.fullmatch(text) for text in rewritten[:-1]), rewritten
    assert LAST.fullmatch(rewritten[-1]), rewritten


def test_wrong_options():
    for arguments in (["--frames", "-1"], ["--frames", "many"], ["--stages", "0"], ["--stages", "17"],
                      ["--place", "moon"], ["--colour"], ["more"]):
        done = run(*arguments)
        assert done.returncode == 2 and done.stderr and not done.stdout, done
    done = run("--help")
    assert done.returncode == 0 and done.stdout.startswith("usage:"), done


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(f"-- {name}", flush=True)
            test()


main()
