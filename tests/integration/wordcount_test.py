"""examples/02-wordcount as a user meets it: files, places and numbers of workers; faults that leave a file out; the
table, against coreutils and against a count of our own.

    wordcount_test.py PROGRAM [FULL]     FULL counts the default paths, too
"""

import collections
import gzip
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
LICENSES = pathlib.Path("/usr/share/common-licenses")
LAST = re.compile(r"(verified|counted): (\d+) words, (\d+) distinct, (\d+) files, \d+\.\d MB, \d+\.\d MB/s")
CHAOS = re.compile(r"chaos: seed (?P<seed>\d+), (?P<kills>\d+) counters killed, "
                   r"(?P<repeated>\d+) chunks counted once more")
NOBODY = 65534


class Result:
    """What a run printed: its last line in numbers, warnings, status."""

    def __init__(self, *arguments, program=PROGRAM, **options):
        done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, **options)
        self.status = done.returncode
        self.lines = done.stdout.decode().splitlines()
        self.warnings = done.stderr.decode(errors="surrogateescape")
        match = LAST.fullmatch(self.lines[-1]) if self.lines else None
        self.verb = match.group(1) if match else None
        self.words, self.distinct, self.files = map(int, match.groups()[1:]) if match else (None, None, None)
        print("$ wordcount", *arguments, "->", self.status, self.lines[-1:], self.warnings.splitlines()[:3])


def check(condition, result):
    if not condition:
        print(*result.lines, result.warnings, sep="\n")
        raise AssertionError(result.lines[-1:] or result.warnings)


def count(*texts):
    """The words of some texts, counted here."""
    found = collections.Counter()
    for text in texts:
        found.update(re.findall(rb"[a-z]+", text.lower()))
    return found


def table(found):
    """As --table writes it."""
    return b"".join(b"%d %s\n" % (number, word) for word, number in sorted(found.items(), key=lambda x: (-x[1], x[0])))


def some_text(size, seed):
    """Words of all lengths, some of them rare, with what may stand between words, bytes over 127 too."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyzABCXYZ", k=chance.randint(1, 12))) for _ in range(3000)]
    text = bytearray()
    while len(text) < size:
        text += chance.choice(words).encode() + chance.choice([b" ", b"\n", b"-", b"\0", b"42", b"\xc3\xa4", b"'"])
    return bytes(text[:size])


def test_places(folder):
    """Small files, large ones that are cut in pieces, gzip files of several members: the same in every place."""
    texts = {"small": b"To be, or not\nto BE", "no newline": b"be", "large": some_text(3_500_000, 1),
             "one-word": b"x" * 2_500_000, "empty": b"", "deep/er/file.txt": b"deep"}
    zipped = {"a.gz": b"zipped words", "large.gz": some_text(2_000_000, 2), "bytes.gz": bytes(range(256)) * 40}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    for name, text in zipped.items():
        half = len(text) // 2
        (folder / name).write_bytes(gzip.compress(text[:half]) + gzip.compress(text[half:]))
    wanted = count(*texts.values(), *zipped.values())
    for place in ("shared", "thread", "process"):
        for workers in ("1", "2", "3"):
            output = folder.parent / f"table-{place}-{workers}"
            result = Result("--place", place, "--workers", workers, "--verify", "--table", output, folder)
            check(result.status == 0 and result.verb == "verified" and not result.warnings, result)
            check(result.words == wanted.total() and result.distinct == len(wanted), result)
            check(result.files == len(texts) + len(zipped), result)
            check(output.read_bytes() == table(wanted), result)
            top = [line.split() for line in result.lines[:-1]]
            check([f"{a} {b}".encode() for a, b in top] == table(wanted).splitlines()[:20], result)


def test_chaos(folder):
    """Counters that are killed while they work: in no place does it change what is counted."""
    texts = [some_text(300_000, seed) for seed in range(4)] * 10
    for number, text in enumerate(texts):
        (folder / f"chunk{number}").write_bytes(text)
    wanted = table(count(*texts))
    repeated = 0
    for place, chaos in (("process", "--chaos=7"), ("process", "--chaos"), ("thread", "--chaos=8"),
                         ("shared", "--chaos=9")):
        output = folder.parent / "table"
        result = Result("--place", place, "--workers", "2", chaos, "--verify", "--table", output, folder)
        check(result.status == 0 and result.verb == "verified" and output.read_bytes() == wanted, result)
        done = CHAOS.fullmatch(result.lines[-2])
        check(done and int(done["kills"]) > 0, result)
        check(f"--chaos={done['seed']}" in result.warnings and done["seed"] == (chaos[8:] or done["seed"]), result)
        print(result.lines[-2])
        repeated += int(done["repeated"])
    assert repeated > 0, "nobody was killed who had something to count"


def test_boundaries(folder):
    """A word at each end of a file and of a chunk: none is cut or joined."""
    for shift in range(3):
        name = folder / f"cut{shift}"
        name.write_bytes(b"a" * shift + (b" " * 9 + b"boundary") * 70_000)
    for number in range(300):
        (folder / f"tiny{number}").write_bytes(b"tail" if number % 2 else b"head")
    result = Result("--verify", folder)
    check(result.status == 0 and result.words == 210_000 + 2 + 300 and result.distinct == 5, result)


def test_gzip_faults(folder):
    """Gzip files that are none, are truncated or damaged: said, and left out as a whole."""
    whole = gzip.compress(some_text(900_000, 3))
    wrong = bytearray(whole)
    wrong[-6] ^= 1
    faults = {"cut.gz": whole[:-5], "half.gz": whole[:len(whole) // 2], "head.gz": whole[:4], "nothing.gz": b"",
              "sum.gz": bytes(wrong), "plain.gz": b"plain words", "second.gz": whole + whole[:100],
              "odd\nname \xff.gz".encode("latin-1"): whole[:-1]}
    for name, data in faults.items():
        pathlib.Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(name)))).write_bytes(data)
    (folder / "good.gz").write_bytes(gzip.compress(b"good words"))
    (folder / "garbage.gz").write_bytes(gzip.compress(b"more words") + b"garbage")
    (folder / "text").write_bytes(b"plain text")
    result = Result("--verify", folder)
    check(result.status == 0 and result.words == 6 and result.distinct == 5 and result.files == 3, result)
    check(result.warnings.count("left out") == len(faults), result)
    check(len(result.warnings.splitlines()) == len(faults), result)
    check("cut.gz: is a truncated gzip file" in result.warnings, result)
    check("sum.gz: is a damaged gzip file" in result.warnings, result)
    check("plain.gz: is no gzip file" in result.warnings, result)
    alone = Result(folder / "half.gz")
    check(alone.status == 1 and "no file to count" in alone.warnings, alone)


def test_links(folder):
    """Links, pipes and sockets are neither followed nor waited for; a named one is warned about."""
    (folder / "file").write_bytes(b"once")
    (folder / "link").symlink_to("file")
    (folder / "loop").symlink_to(".")
    os.mkfifo(folder / "pipe")
    result = Result("--verify", folder)
    check(result.status == 0 and result.words == 1 and result.files == 1 and not result.warnings, result)
    for name in (folder / "link", folder / "loop", folder / "pipe", "/dev/zero"):
        result = Result("--verify", name, folder / "file")
        check(result.status == 0 and result.words == 1 and "is no file or folder" in result.warnings, result)


def test_missing(folder):
    """What is not there is said, and the rest counted; nothing left at all is an error."""
    (folder / "-n").write_bytes(b"here")
    result = Result("--verify", folder / "no such file", folder / "-n", "")
    check(result.status == 0 and result.words == 1, result)
    check("no such file: No such file or directory" in result.warnings and "empty path" in result.warnings, result)
    result = Result("--verify", "--", "-n", cwd=folder)
    check(result.status == 0 and result.words == 1 and not result.warnings, result)
    result = Result("--verify", folder / "no such file")
    check(result.status == 1 and "there is no file to count" in result.warnings, result)


def test_empty(folder):
    result = Result(folder)
    check(result.status == 1 and "there is no file to count" in result.warnings, result)
    (folder / "empty").touch()
    (folder / "numbers").write_bytes(b"1 2 3\n")
    result = Result("--verify", "--table", folder.parent / "empty-table", folder)
    check(result.status == 0 and (result.words, result.files) == (0, 2), result)
    check("the files hold no words" in result.warnings, result)
    check((folder.parent / "empty-table").read_bytes() == b"", result)


def test_unreadable(folder):
    """A file and a folder without permission: as somebody who is not root."""
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    (folder / "closed").write_bytes(b"closed")
    (folder / "closed.gz").write_bytes(gzip.compress(b"closed"))
    (folder / "shut").mkdir()
    (folder / "shut" / "inside").write_bytes(b"inside")
    (folder / "open").write_bytes(b"open")
    for name in ("closed", "closed.gz", "shut"):
        (folder / name).chmod(0)
    program = folder.parent / "wordcount"   # where somebody else may run it
    shutil.copy(PROGRAM, program)
    program.chmod(0o755)
    try:
        result = Result("--verify", folder, program=program, **options)
    finally:
        (folder / "shut").chmod(0o700)
    check(result.status == 0 and result.words == 1 and result.files == 1, result)
    check(result.warnings.count("Permission denied") == 3, result)


def test_no_path_left(folder):
    result = Result("")
    check(result.status == 1 and "there is no file to count" in result.warnings, result)


def test_files_that_say_they_are_empty(folder):
    """Such as those below /proc."""
    (folder / "one").write_bytes(b"one two")
    wanted = count(b"one two", pathlib.Path("/proc/filesystems").read_bytes())
    result = Result("--table", folder.parent / "table", folder / "one", "/proc/filesystems")
    check(result.status == 0 and result.words == sum(wanted.values()), result)
    check((folder.parent / "table").read_bytes() == table(wanted), result)


def test_output_that_cannot_be_written(folder):
    (folder / "file").write_bytes(b"word")
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, folder], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "cannot be written" in done.stderr, done


def test_usage(folder):
    for arguments in (["--place", "moon"], ["--workers", "0"], ["--workers", "65"], ["--workers", "x"], ["--what"],
                      ["--chaos=4294967296"], ["--chaos=-1"], ["--chaos=x"]):
        result = Result(*arguments)
        check(result.status == 2 and result.warnings, result)
    check(Result("--help").status == 0, Result("--help"))
    (folder / "file").write_bytes(b"word")
    result = Result("--table", folder / "no" / "such" / "folder", folder / "file")
    check(result.status == 1 and "No such file or directory" in result.warnings, result)


def test_wrong_count(folder):
    """--verify finds a difference: coreutils sees another tree, since the tools are replaced by one that adds a word."""
    (folder / "file").write_bytes(b"one two")
    tools = folder.parent / "tools"
    tools.mkdir()
    (tools / "uniq").write_text("#!/bin/sh\n/usr/bin/uniq \"$@\"\necho '      1 zebra'\n")
    (tools / "uniq").chmod(0o755)
    result = Result("--verify", folder, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    check(result.status == 1 and "not verified: \"zebra\" was counted 0 times, by coreutils 1" in result.warnings, result)
    check(result.verb is None, result)


def test_licenses(folder):
    """Real text, against a count of our own."""
    files = [path for path in LICENSES.rglob("*") if path.is_file() and not path.is_symlink()]
    if not files:
        return
    wanted = count(*(path.read_bytes() for path in files))
    result = Result("--verify", "--table", folder / "table", LICENSES)
    check(result.status == 0 and result.files == len(files), result)
    check((folder / "table").read_bytes() == table(wanted), result)


def main():
    tests = [value for key, value in sorted(globals().items()) if key.startswith("test_")]
    for test in tests:
        print(f"-- {test.__name__}")
        with tempfile.TemporaryDirectory(prefix="wordcount-") as top:
            os.chmod(top, 0o755)
            folder = pathlib.Path(top) / "tree"
            folder.mkdir()
            test(folder)
    if len(sys.argv) > 2:
        result = Result("--verify")
        check(result.status == 0 and result.verb == "verified", result)
    print(f"{len(tests)} tests passed")


main()
