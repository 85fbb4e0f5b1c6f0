"""examples/10-chat as its users meet it: who comes and goes, and how; what is said, by a pipe, a file or a terminal;
who does not get in; who reads too slowly, or not at all; how the room ends.

    chat_test.py ROOM TALK
"""

import contextlib
import os
import pathlib
import pty
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading

ROOM, TALK = sys.argv[1:3]
SECRET = "a secret of the tests"
DEADLINE_S = 60
LONGEST = 500


def environment(secret, folder):
    chosen = {name: value for name, value in os.environ.items() if name != "ZANNI_SECRET"}
    chosen["XDG_RUNTIME_DIR"] = str(folder)
    return {**chosen, "ZANNI_SECRET": secret} if secret is not None else chosen


class Lines:
    """What a process prints, line by line, each with a deadline; then None, ever again."""

    def __init__(self, stream):
        self.queue = queue.Queue()
        threading.Thread(target=self.read, args=(stream,), daemon=True).start()

    def read(self, stream):
        for line in stream:
            self.queue.put(line.decode().rstrip("\n"))
        self.queue.put(None)

    def next(self):
        line = self.queue.get(timeout=DEADLINE_S)
        if line is None:
            self.queue.put(None)
        return line


class Program:
    """A room or a member, which has to be ended by its test."""

    folder = None
    running = []

    def __init__(self, *command, stdin=subprocess.PIPE, secret=SECRET, stdout=subprocess.PIPE):
        self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                        env=environment(secret, self.folder))
        self.running.append(self)
        self.lines = None

    def hears(self, *expected):
        self.lines = self.lines or Lines(self.process.stdout)
        for line in expected:
            heard = self.lines.next()
            assert heard == line, (heard, line, self.process.args)

    def ends(self, status=0, words=""):
        """It ends like that, has nothing more to say, and that to complain about."""
        self.lines = self.lines or Lines(self.process.stdout)
        assert self.process.wait(DEADLINE_S) == status, (self.process.returncode, self.process.stderr.read())
        if self.process.stdout:
            self.hears(None)
        complaints = self.process.stderr.read().decode()
        assert words in complaints and bool(words) == bool(complaints), (complaints, words)
        self.running.remove(self)


class Room(Program):
    def __init__(self, endpoint="tcp://127.0.0.1:0", **options):
        super().__init__(ROOM, endpoint, stdin=subprocess.DEVNULL, **options)
        self.lines = Lines(self.process.stdout)
        self.endpoint = (self.lines.next() or "").removeprefix("room: listens at ")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.hears("room: closed")
        self.ends()


class Member(Program):
    """Somebody who has come in, and has been greeted."""

    def __init__(self, room, name, greeting, **options):
        super().__init__(TALK, room.endpoint, name, **options)
        if greeting:
            self.hears("* " + greeting)

    def says(self, *lines):
        for line in lines:
            self.process.stdin.write(line if isinstance(line, bytes) else line.encode() + b"\n")
        self.process.stdin.flush()

    def leaves(self):
        self.process.stdin.close()
        self.ends()


ALONE = "nobody else is here"


@contextlib.contextmanager
def anna_and_ben():
    """They meet in a room, and leave it in the end."""
    room = Room()
    anna = Member(room, "anna", ALONE)
    ben = Member(room, "ben", "here are: anna")
    anna.hears("* ben has come")
    yield room, anna, ben
    ben.leaves()
    anna.hears("* ben has left")
    anna.leaves()
    room.end()


def test_lines_come_in_order_and_with_names():
    with anna_and_ben() as (room, anna, ben):
        carla = Member(room, "carla", "here are: anna ben")
        for other in (anna, ben):
            other.hears("* carla has come")
        lines = [f"line {number}" for number in range(1000)]
        anna.says(*lines)
        for other in (ben, carla):
            other.hears(*[f"anna: {line}" for line in lines])
        carla.says("", "è così", "", "ß")
        anna.hears("carla: è così", "carla: ß")   # nothing of her own, and no empty lines
        ben.hears("carla: è così", "carla: ß")
        carla.leaves()
        for other in (anna, ben):
            other.hears("* carla has left")


def test_what_was_typed_before_the_end_is_said():
    room = Room()
    anna = Member(room, "anna", ALONE)
    file = pathlib.Path(Program.folder, "lines")
    file.write_text("".join(f"{number}\n" for number in range(300)) + "no newline")
    for name in ("ben", "carla"):
        with open(file, "rb") as text:
            if name == "ben":
                ben = Member(room, name, "here are: anna", stdin=text)
            else:
                ben = Member(room, name, "here are: anna")
                ben.says(text.read())
                ben.process.stdin.close()
        anna.hears(f"* {name} has come", *[f"{name}: {number}" for number in range(300)])
        anna.hears(f"{name}: no newline", f"* {name} has left")
        ben.ends()
    dora = Member(room, "dora", "here are: anna", stdin=subprocess.DEVNULL)
    dora.ends()
    anna.hears("* dora has come", "* dora has left")
    anna.leaves()
    room.end()


def test_lines_that_are_too_long_come_in_pieces():
    with anna_and_ben() as (_, anna, ben):
        masks = "xx" + "\U0001f3ad" * 400
        for text in ("x" * LONGEST, "x" * (LONGEST + 1), "è" * 1000, "x" + "è" * 1000, "€" * 500, masks):
            ben.says(text)
            heard = ""
            while heard != text:
                piece = anna.lines.next().removeprefix("ben: ")
                assert len(piece.encode()) <= LONGEST, piece
                heard += piece
                assert text.startswith(heard), (text, heard)


def test_what_is_no_text_harms_nobody():
    with anna_and_ben() as (_, anna, ben):
        ben.says("\x1b[2J", "bell\x07 and \x9b3m, c\u00e9 ", "tab\there", b"one\0other\n")
        ben.says(b"\xff\xfe\n", b"\x80" * LONGEST, b"\n", "good")
        ben.hears(*["* that was no UTF-8, and nobody has heard it"] * 2)
        anna.hears("ben: ?[2J", "ben: bell? and ?3m, c\u00e9 ", "ben: tab?here", "ben: one", "ben: other", "ben: good")


def test_names_are_unique_and_free_again():
    room = Room()
    anna = Member(room, "anna", ALONE)
    taken = "somebody here has that name already"
    nameless = "a name has 1 to 20 letters, digits, - and _"
    for name, words in (("anna", taken), ("", nameless), ("anna b", nameless), ("è", nameless), ("x" * 21, nameless)):
        Member(room, name, None).ends(1, f"talk: {name}: {words}\n")
    other = Member(room, "Anna", "here are: anna")
    anna.hears("* Anna has come")
    anna.leaves()
    other.hears("* anna has left")
    anna = Member(room, "anna", "here are: Anna")
    other.hears("* anna has come")
    anna.process.kill()
    other.hears("* anna is lost")
    anna.ends(-signal.SIGKILL)
    anna = Member(room, "x" * 20, "here are: Anna")
    other.hears(f"* {'x' * 20} has come")
    anna.leaves()
    other.hears(f"* {'x' * 20} has left")
    other.leaves()
    room.end()


def test_who_is_stopped_is_lost_and_knows_it_later():
    room = Room()
    anna = Member(room, "anna", ALONE)
    ben = Member(room, "ben", "here are: anna")
    anna.hears("* ben has come")
    ben.process.send_signal(signal.SIGSTOP)
    anna.hears("* ben is lost")
    ben.process.send_signal(signal.SIGCONT)
    ben.ends(1, "talk: the room is lost: no connection\n")
    anna.leaves()
    room.end()


def test_who_does_not_read_harms_nobody_and_knows_how_much_was_missed():
    room = Room()
    anna = Member(room, "anna", ALONE)
    slow = Member(room, "slow", None)   # nobody reads what it prints
    anna.hears("* slow has come")
    ben = Member(room, "ben", "here are: anna slow")
    anna.hears("* ben has come")
    lines = [f"{number} ".ljust(LONGEST, ".") for number in range(1500)]
    for line in lines:
        ben.says(line)
        anna.hears("ben: " + line)
    slow.hears("* here are: anna", "* ben has come")
    heard = missed = 0
    while heard + missed < len(lines):
        line = slow.lines.next()
        report = re.fullmatch(r"\* you have missed (\d+) lines", line)
        assert report or line == "ben: " + lines[heard + missed], (line, heard, missed)
        missed += int(report.group(1)) if report else 0
        heard += not report
    assert heard and missed and heard + missed == len(lines), (heard, missed)
    ben.says("again")
    for other in (anna, slow):
        other.hears("ben: again")
    ben.leaves()
    for other in (anna, slow):
        other.hears("* ben has left")
    slow.leaves()
    anna.hears("* slow has left")
    anna.leaves()
    room.end()


def test_a_terminal():
    room = Room()
    anna = Member(room, "anna", ALONE)
    ours, theirs = pty.openpty()
    ben = Member(room, "ben", "here are: anna", stdin=theirs)
    os.close(theirs)
    anna.hears("* ben has come")
    os.write(ours, b"typex\x7fd\n")
    anna.hears("ben: typed")
    os.write(ours, b"\x04")
    anna.hears("* ben has left")
    ben.ends()
    os.close(ours)
    anna.leaves()
    room.end()


def test_the_room_ends_by_signals():
    for number in (signal.SIGTERM, signal.SIGINT):
        room = Room()
        members = [Member(room, "anna", ALONE)]
        members.append(Member(room, "ben", "here are: anna"))
        members[0].hears("* ben has come")
        room.end(number)
        for member in members:
            member.hears("* the room has closed")
            member.ends()


def test_the_room_is_killed():
    room = Room()
    anna = Member(room, "anna", ALONE)
    room.process.kill()
    anna.ends(1, "talk: the room is lost: ")
    room.ends(-signal.SIGKILL)
    Member(room, "anna", None).ends(1, f"talk: {room.endpoint}: ")   # nobody answers there


def test_only_who_has_the_secret_gets_in():
    room = Room()
    known = pathlib.Path(Program.folder, "known")
    known.write_text(SECRET)
    known.chmod(0o644)
    Member(room, "anna", None, secret="another secret of the tests").ends(1, "does not take our secret")
    Member(room, "anna", None, secret=None).ends(1, "no secret or key is known for " + room.endpoint)
    Member(room, "anna", None, secret="short").ends(1, "the secret has 5 bytes")
    Program(TALK, "-s", known, room.endpoint, "anna").ends(1, "others than its owner can read this secret")
    Program(ROOM, "-s", known, "tcp://127.0.0.1:0").ends(1, "others than its owner can read this secret")
    Room(secret=None).ends(1, "there is no secret or certificate")
    Room(room.endpoint).ends(1, "already in use")
    anna = Member(room, "anna", ALONE)
    anna.leaves()
    room.process.send_signal(signal.SIGTERM)
    room.hears("room: closed")
    room.ends(0, "room: ")   # who was refused


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        print(f"-- {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="zanni-chat-") as folder:
            Program.folder = folder
            try:
                test()
                assert not Program.running, [each.process.args for each in Program.running]
            finally:
                for each in Program.running:
                    each.process.kill()
    print(f"{len(tests)} tests passed")


main()
