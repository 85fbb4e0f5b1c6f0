"""examples/11-cluster-wordcount over three hosts: network namespaces of the test's own, joined by a bridge in a fourth,
where the coordinator runs. Hosts are killed, stopped, ended and cut off while they have pieces: one of them then runs
counters that never answer (cluster_stuck.c). Where no namespaces can be made the hosts are three nodes on loopback, and
the test says so, and is shown as skipped.

    cluster_test.py ZANNI LIBRARY STUCK COORDINATOR
"""

import collections
import contextlib
import functools
import json
import os
import pathlib
import queue
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ZANNI, LIBRARY, STUCK, COORDINATOR = sys.argv[1:5]
INSIDE = sys.argv[5:] == ["inside"]   # a network namespace of our own
SECRET = "a secret of the tests"
COUNTERS = 16
DEADLINE_S = 60
SKIPPED = 77


def environment(secret=SECRET):
    chosen = {name: value for name, value in os.environ.items() if name != "ZANNI_SECRET"}
    chosen["XDG_RUNTIME_DIR"] = str(FOLDER)
    return {**chosen, "ZANNI_SECRET": secret}


def run(command):
    subprocess.run(command.split(), check=True, timeout=DEADLINE_S)


class Program:
    """A process whose lines can be waited for."""

    def __init__(self, *command, secret=SECRET, **options):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=environment(secret), **options)
        self.queue = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.queue.put(line.rstrip("\n"))
        self.queue.put(None)

    def line(self):
        line = self.queue.get(timeout=DEADLINE_S)
        assert line is not None, (self.process.args, self.process.stderr.read())
        return line

    def wait(self):
        """Status, the lines that nobody has waited for, and complaints."""
        status = self.process.wait(DEADLINE_S)
        lines = list(iter(lambda: self.queue.get(timeout=DEADLINE_S), None))
        return status, lines, self.process.stderr.read()


class Host(Program):
    """`zanni node` on a host of its own, or on loopback."""

    def __init__(self, number, *options, library=LIBRARY, **others):
        self.number = number
        node = [ZANNI, "node", "--load", library, *(options or ["--allow-spawn"])]
        if not INSIDE:
            super().__init__(*node, "--listen", "tcp://127.0.0.1:0", **others)
        else:
            address = f"10.77.0.{number + 2}"
            begin = ('echo moved; read -r cable; ip link set lo up && ip addr add "$0/24" dev eth0 && '
                     'ip link set eth0 up && exec "$@" </dev/null')
            super().__init__("unshare", "--net", "sh", "-c", begin, address, *node, "--listen", f"tcp://{address}:7000",
                             stdin=subprocess.PIPE, **others)
            assert self.line() == "moved"
            run(f"ip link add cable{number} type veth peer name eth0 netns {self.process.pid}")
            run(f"ip link set cable{number} master bridge0 up")
            self.process.stdin.write("cable\n")
            self.process.stdin.close()
        self.endpoint = re.fullmatch(r"zanni: listens at (tcp://[0-9.:]+)", self.line()).group(1)

    def plug(self, is_in):
        run(f"ip link set cable{self.number} {'up' if is_in else 'down'}")

    def has_pieces(self):
        """All of its counters, which never answer, have one."""
        for _ in range(COUNTERS):
            assert self.line() == "has a piece"

    def actors(self):
        done = subprocess.run([ZANNI, "ps", self.endpoint], stdout=subprocess.PIPE, check=True, timeout=DEADLINE_S,
                              env=environment())
        return json.loads(done.stdout)["counts"]["actors"]

    def has_no_counters(self):
        """But its own actor it has none, or soon."""
        until = time.monotonic() + DEADLINE_S
        while self.actors() > 1:
            assert time.monotonic() < until, self.actors()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            status, _, complaints = self.wait()
            assert status == (0 if number == signal.SIGTERM else -number), (status, complaints)


@contextlib.contextmanager
def hosts(*libraries):
    found = []
    try:
        for number, library in enumerate(libraries):
            found.append(Host(number, library=library))
        yield found
        for host in found:
            host.end()
    finally:
        for host in found:
            host.process.kill()
            host.process.wait()
            if INSIDE:
                subprocess.run(["ip", "link", "del", f"cable{host.number}"], stderr=subprocess.DEVNULL, check=False)


def coordinator(workers, *files, secret=SECRET):
    words = [word for host in workers for word in ("-w", host if isinstance(host, str) else host.endpoint)]
    return Program(COORDINATOR, "-n", "0", *words, *files, secret=secret)


@functools.cache
def words_of(text):
    return collections.Counter(re.findall(rb"[a-z]+", text.lower()))


def counts(files):
    """The lines that are expected."""
    words = collections.Counter()
    for file in files:
        words.update(words_of(file.read_bytes()))
    table = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    return [f"{count:12} {word.decode()}" for word, count in table], f"{words.total()} words, {len(words)} distinct"


def is_exact(job, files, again=0, words=""):
    """The job ends well: with these counts, after so many pieces were given to another, and with that complaint."""
    status, lines, complaints = job.wait()
    table, totals = counts(files)
    assert status == 0 and re.search(words, complaints) and bool(words) == bool(complaints), (status, complaints)
    lines = [line for line in lines if not line.startswith("coordinator: ")]
    assert lines[:-1] == table, (lines[:3], table[:3], len(lines), len(table))
    match = re.fullmatch(r"counted: (.*), (\d+) pieces, (\d+) of them given twice", lines[-1])
    assert match.group(1) == totals and int(match.group(3)) == again, lines[-1]


def fails(job, words):
    status, lines, complaints = job.wait()
    assert status == 1 and re.search(words, complaints), (status, complaints)
    assert all(line.startswith("coordinator: ") for line in lines), lines


def file_of(name, data):
    path = FOLDER / name
    path.write_bytes(data)
    return path


@functools.cache
def large_bytes():
    chosen = random.Random(10)
    words = ["".join(chosen.choices("abcdefgh\u00e9XYZ'", k=chosen.randint(1, 9))) for _ in range(3000)]
    return " ".join(chosen.choices(words, k=3_000_000)).encode()


def large_text():
    """Pieces enough for all counters of three hosts, and more; the same in each run."""
    return file_of("large", large_bytes())


def test_counts_exactly():
    files = [file_of("empty", b""), file_of("word", b"one"), file_of("no letter", b"12 \xff\x00\n" * 1000),
             large_text(), file_of("long word", b"x" * 3_000_000 + b" y"), file_of("bytes", random.Random(1).randbytes(1_000_000)),
             file_of("case", b"Two two TWO tWo-two")]
    with hosts(LIBRARY, LIBRARY, LIBRARY) as three:
        job = coordinator(three, *files)
        for host in three:
            assert job.line() == f"coordinator: {COUNTERS} counters at {host.endpoint}"
        is_exact(job, files)
        for host in three:
            host.has_no_counters()
        is_exact(coordinator(three[:1], files[1]), files[1:2])
        is_exact(coordinator(three, files[0]), files[:1])


def test_words_longer_than_all_that_may_be_under_way():
    """Of several, and of pieces beside them, not all have room at once."""
    files = [file_of(f"long {i}", letter * 12_000_000 + b" and more" * 100_000) for i, letter in enumerate((b"x", b"y", b"z"))]
    with hosts(LIBRARY, LIBRARY) as both:
        is_exact(coordinator(both[:1], *files), files)
        is_exact(coordinator(both, *files), files)


def lose_a_host(how, words):
    large = large_text()
    with hosts(LIBRARY, STUCK, LIBRARY) as three:
        job = coordinator(three, large)
        three[1].has_pieces()
        how(three[1])
        is_exact(job, [large], COUNTERS, re.escape(three[1].endpoint) + f": {words}, others go on")
        three[0].has_no_counters()


def test_a_host_is_killed():
    lose_a_host(lambda host: host.end(signal.SIGKILL), "node down")


def test_a_host_ends():
    lose_a_host(lambda host: host.end(signal.SIGTERM), "(node|receiver) down")


def test_a_host_is_stopped():
    large = large_text()
    with hosts(LIBRARY, STUCK, LIBRARY) as three:
        job = coordinator(three, large)
        three[1].has_pieces()
        three[1].process.send_signal(signal.SIGSTOP)
        is_exact(job, [large], COUNTERS, "node down, others go on")
        three[1].process.send_signal(signal.SIGCONT)
        three[1].has_no_counters()


def test_a_host_is_cut_off():
    if not INSIDE:
        return
    large = large_text()
    with hosts(LIBRARY, LIBRARY, STUCK) as three:
        job = coordinator(three, large)
        three[2].has_pieces()
        three[2].plug(False)
        is_exact(job, [large], COUNTERS, "node down, others go on")
        three[2].plug(True)
        three[2].has_no_counters()   # they end with the way to who spawned them
        is_exact(coordinator(three[:2], large), [large])


def test_all_hosts_are_lost():
    with hosts(STUCK, STUCK) as both:
        job = coordinator(both, large_text())
        for host in both:
            host.has_pieces()
            host.end(signal.SIGKILL)
        fails(job, "coordinator: no host is there to count\n$")


def test_the_coordinator_is_killed():
    with hosts(STUCK) as one:
        job = coordinator(one, large_text())
        one[0].has_pieces()
        job.process.kill()
        job.wait()
        one[0].has_no_counters()


def test_hosts_that_cannot_be_had():
    word = file_of("word", b"one two")
    with hosts(LIBRARY) as good:
        one = good[0]
        closed = Host(1, "--verbose")   # nobody may spawn there
        is_exact(coordinator([one, closed], word), [word], 0, f"{closed.endpoint}: .*not permitted")
        fails(coordinator([closed], word), "not permitted(.|\n)*no host is there")
        closed.end()
        is_exact(coordinator([one, closed], word), [word], 0, f"{closed.endpoint}: (node down|timeout).*\n")
        fails(coordinator([one], word, secret="another secret of the tests"), "does not take our secret(.|\n)*no host")
        fails(coordinator(["nowhere"], word), "nowhere: invalid argument\n")


def test_files_that_cannot_be_read():
    word = file_of("word", b"one two")
    os.mkfifo(FOLDER / "pipe")
    with hosts(LIBRARY) as one:
        for name, words in (("nothing", "No such file"), (".", "is not a file"), ("pipe", "is not a file")):
            fails(coordinator(one, word, FOLDER / name), f"^coordinator: {re.escape(str(FOLDER / name))}: {words}.*\n$")
    assert coordinator([], word).wait()[0] == 1
    assert coordinator(["tcp://127.0.0.1:1"]).wait()[0] == 1


def namespaces():
    """Whether networks can be made here."""
    with contextlib.suppress(FileNotFoundError):
        return not subprocess.run(["unshare", "--net", "ip", "link", "add", "bridge0", "type", "bridge"],
                                  stderr=subprocess.DEVNULL, check=False).returncode
    return False


def main():
    global FOLDER
    if INSIDE:
        for command in ("link add bridge0 type bridge", "link set lo up", "addr add 10.77.0.1/24 dev bridge0",
                        "link set bridge0 up"):
            run("ip " + command)
    elif namespaces():
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv, "inside"])
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        print(f"-- {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="zanni-cluster-") as folder:
            FOLDER = pathlib.Path(folder)
            test()
    if not INSIDE:
        print("skipped: no network namespaces can be made here; all tests passed on loopback, but that of the cable")
        sys.exit(SKIPPED)
    print(f"{len(tests)} tests passed, over three hosts")


main()
