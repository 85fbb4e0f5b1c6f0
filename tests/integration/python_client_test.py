"""The client in Python (examples/12-python) against the service in C, as the program that a user would write: with a
secret, with a wrong one, without; buffers in band, as frames and in chunks; connections that are cut; ends of either
side.

    python_client_test.py CLIENT SERVICE      CLIENT: the example's folder; SERVICE: the program made of its service.c
"""

import array
import contextlib
import gc
import logging
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])

try:
    import nacl.bindings  # noqa: F401
    import zanni
    import zanni.keys
    from zanni import assembly, forms, outbox, parcel
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = sys.argv[2]
logging.getLogger("zanni").setLevel(logging.CRITICAL)   # methods fail on purpose
SECRET, OTHER = "the secret of these tests", "the secret of somebody else"
PATIENCE_S = 30
REFUSED_S = 1.0


@contextlib.contextmanager
def serving(secret=None):
    """A service, where it listens; it has to end by itself, or be killed by the test."""
    env = {name: value for name, value in os.environ.items() if name != "ZANNI_SECRET"}
    if secret:
        env["ZANNI_SECRET"] = secret
    with subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            process.endpoint = process.stdout.readline().strip()
            assert process.endpoint.startswith("tcp://127.0.0.1:"), process.endpoint
            yield process
        except BaseException:
            process.kill()
            raise


def connect(endpoint, secret=None, **options):
    return zanni.Client(endpoint, secret=secret, insecure=not secret, timeout=PATIENCE_S, **options)


def end(process, service):
    """Tells the service to end, which it has to do well."""
    service.tell("stop")
    assert process.wait(PATIENCE_S) == 0


class Proxy:
    """Stands between client and service. Once `every` further bytes have passed, in both directions together, it cuts
    all its connections, `cuts` times."""

    def __init__(self, endpoint, every=0, cuts=0):
        self.target = ("127.0.0.1", int(endpoint.rsplit(":", 1)[1]))
        self.every, self.left, self.cuts = every, every, cuts
        self.lock, self.pairs = threading.Lock(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.target)
            with self.lock:
                self.pairs.append((near, far))
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                self.count(len(data))
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def count(self, size):
        with self.lock:
            self.left -= size
            if self.left > 0 or not self.cuts:
                return
            self.left, self.cuts = self.every, self.cuts - 1
            for each in (each for pair in self.pairs for each in pair):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self.pairs = []


def until(client, done):
    """Works until it is so."""
    limit = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < limit, done
        client.poll(0.01)


def talk_of_buffers(service):
    doubles = array.array("d", range(24))
    cube = memoryview(doubles).cast("B").cast("d", (2, 3, 4))
    scaled = service.ask("scale", cube, -0.5)
    assert scaled.shape == (2, 3, 4) and scaled.format == "d" and scaled.readonly
    assert scaled.tolist() == [[[-0.5 * number for number in row] for row in plane] for plane in cube.tolist()]
    for letter in "bhiqBHIQfd":
        numbers = array.array(letter, [1, 2, 3])
        back = service.ask("echo", numbers)
        assert back.format == letter and back.shape == (3,) and back.tolist() == [1, 2, 3], (letter, back.format)
    for size in (0, 1, 1024, 1025, 16384, 16385, 48 << 10, 1 << 20, (1 << 20) + 1, (5 << 20) + 7):
        data = os.urandom(size)
        back = service.ask("echo", memoryview(data), timeout=PATIENCE_S)
        assert back == data, size
    words = ["word", "è", ""] * 500   # arguments and answer of more than 4,096 bytes, which do not go in the header
    assert service.ask("join", words) == "wordè" * 500


def talk_of_references(client, service):
    worker = service.ask("hire")
    assert worker.strong and service.ask("workers") == 1
    assert [worker.ask("add", number) for number in (1, -3, 1 << 40)] == [1, -2, (1 << 40) - 2]
    service.ask("keep", worker)         # lent on, to its own node
    back = service.ask("kept")
    assert back == worker and back.strong
    del worker, back
    gc.collect()
    assert service.ask("workers") == 1  # somebody else has it
    last = service.ask("kept").monitor()
    service.ask("forget")
    assert last.wait(PATIENCE_S).kind == 0 and service.ask("workers") == 0
    assert not client.counts._lent and not dict(client.counts._holds)
    worker = service.ask("hire")
    down = worker.monitor()
    worker.tell("quit", "bored")
    assert str(down.wait(PATIENCE_S)) == "error 7: bored"
    assert worker.monitor().wait(PATIENCE_S).kind == 3   # no such actor
    refused(-9, lambda: worker.ask("add", 1))


def talk_of_errors(client, service):
    error = refused(-19, lambda: service.ask("refuse", "no"))
    assert isinstance(error, zanni.AppError) and (error.app_code, error.text, error.data) == (42, "no", ["why", 6, 7])
    assert error.origin == (client.peer, service.key[1])
    assert "argument 1" in refused(-7, lambda: service.ask("scale", "text", 1.0)).text
    refused(-10, lambda: service.ask("dance"))
    assert isinstance(refused(-8, lambda: service.ask("ponder", timeout=0.05)), zanni.Timeout)
    refused(-9, lambda: client.find("nobody"))
    with contextlib.suppress(TypeError):
        service.ask("echo", object())
        raise AssertionError("an object has travelled")


def talk_to_served(client, service):
    """The service tells and asks an actor in Python, watches it, and has a strong reference to it."""
    ticks, asks = [], []

    def enough(word):
        asks.append(service.ask("workers"))   # while it is being asked itself
        return word.upper()

    counter = client.serve("counter", tick=ticks.append, enough=enough)
    assert service.ask("count", counter, 1000) == "ZERO" and ticks == list(range(1000, 0, -1)) and asks == [0]
    deaf = client.serve("deaf", tick=lambda number: 1 // 0, enough=lambda: "so many arguments")
    assert "bad arguments" in refused(-19, lambda: service.ask("count", deaf, 1)).text
    before = service.ask("gone")[0]
    service.ask("watch", counter)
    service.ask("keep", counter.strong)
    assert service.ask("kept").key == (client.node, counter.number)
    counter.drop()
    client.poll()
    assert not counter.ended
    service.ask("forget")
    until(client, lambda: counter.ended)
    until(client, lambda: service.ask("gone") == [before + 1, "normal"])
    refused(-9, lambda: service.ask("count", counter, 1))
    service.ask("watch", counter)
    until(client, lambda: service.ask("gone") == [before + 2, "no such actor"])


def refused(code, call):
    try:
        found = call()
    except zanni.Error as error:
        assert error.code == code, error
        return error
    raise AssertionError(f"{found} in place of error {code}")


def test_keys():
    """Are those of the page."""
    page = pathlib.Path(__file__).resolve().parents[2] / "src" / "wire" / "README.md"
    secret, key = re.search(r"The secret `(.+?)` has the public key\s+`([0-9a-f]{64})`", page.read_text()).groups()
    assert zanni.keys.keys_of(secret).public.hex() == key


def test_conversation():
    for secret in (SECRET, None):
        for frames in (True, False):
            with serving(secret) as process, connect(process.endpoint, secret, frames=frames) as client:
                service = client.find()
                talk_of_buffers(service)
                talk_of_references(client, service)
                talk_of_errors(client, service)
                talk_to_served(client, service)
                end(process, service)


def test_who_is_not_trusted():
    for theirs, ours in ((SECRET, OTHER), (SECRET, None), (None, OTHER)):
        with serving(theirs) as process:
            took_s = []
            while len(took_s) < 3 and min(took_s, default=REFUSED_S) >= REFUSED_S:   # others want the processor, too
                began = time.monotonic()
                error = refused(-33, lambda: connect(process.endpoint, ours))
                took_s.append(time.monotonic() - began)
                assert isinstance(error, zanni.NotTrusted) and "another secret" in error.text, error
            assert min(took_s) < REFUSED_S, took_s
            with connect(process.endpoint, theirs) as client:   # and nobody else is kept out
                end(process, client.find())
    refused(-33, lambda: zanni.Client("tcp://127.0.0.1:9"))
    refused(-33, lambda: zanni.Client("tcp://127.0.0.1:9", secret="short"))
    refused(-1, lambda: connect("nowhere"))


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        error = refused(-8, lambda: zanni.Client(endpoint, insecure=True, timeout=0.1))   # it is no node
        assert isinstance(error, zanni.Timeout)
    assert isinstance(refused(-13, lambda: connect(endpoint)), zanni.NodeDown)


def test_cuts():
    """Whatever happens to connections, nothing is lost, nothing comes twice, and all of it in order."""
    for secret, frames in ((SECRET, True), (None, False)):
        with serving(secret) as process:
            proxy = Proxy(process.endpoint, every=50_000, cuts=20)
            with connect(proxy.endpoint, secret, frames=frames) as client:
                service, ticks = client.find(timeout=PATIENCE_S), []
                worker = service.ask("hire", timeout=PATIENCE_S)
                counter = client.serve(tick=ticks.append, enough=lambda word: word)
                asked = [worker.start("add", 1, timeout=PATIENCE_S) for _ in range(3000)]
                assert service.ask("count", counter, 3000, timeout=PATIENCE_S) == "zero"
                assert ticks == list(range(3000, 0, -1))
                assert [ask.result() for ask in asked] == list(range(1, 3001))
                data = os.urandom(4 << 20)
                proxy.every, proxy.left, proxy.cuts = 1 << 20, 1 << 20, 5
                assert service.ask("echo", memoryview(data), timeout=PATIENCE_S) == data
                assert proxy.cuts == 0
                end(process, service)


def test_largest_frame():
    """As the page has it; nodes in C send none of more than a mebibyte."""
    for secret in (SECRET, None):
        with serving(secret) as process, connect(process.endpoint, secret) as client:
            service, before = client.find(), parcel.FRAME_MOST
            parcel.FRAME_MOST = zanni.codec.FRAME_MOST
            largest = bytearray(zanni.codec.FRAME_MOST)
            assert service.ask("echo", largest, timeout=PATIENCE_S) == largest
            parcel.FRAME_MOST = before
            end(process, service)


def test_window():
    """What is larger than the window goes alone; many small ones wait for room."""
    with serving() as process, connect(process.endpoint, window=1 << 16) as client:
        service = client.find()
        data = memoryview(os.urandom(3 << 20))
        for back in [service.start("echo", data, timeout=PATIENCE_S) for _ in range(3)]:
            assert back.result() == data
        worker = service.ask("hire")
        for _ in range(5000):
            worker.tell("add", 1, timeout=PATIENCE_S)
        assert worker.ask("add", 0) == 5000
        end(process, service)


def test_end_of_the_service():
    """In good order, by a signal, and by being stopped, which only heartbeats tell."""
    for how, reason in ((None, (0, 1)), (signal.SIGKILL, (4,)), (signal.SIGSTOP, (4,))):
        with serving() as process, connect(process.endpoint) as client:
            service = client.find()
            worker = service.ask("hire")
            downs, ask = [service.monitor(), worker.monitor()], service.start("ponder", timeout=PATIENCE_S)
            assert service.ask("workers") == worker.ask("add", 1) == 1   # who answers has taken what came before
            if how:
                process.send_signal(how)
            else:
                service.tell("stop")
            for down in downs:
                assert down.wait(PATIENCE_S).kind in reason, down.reason
            assert ask_failed(ask)
            assert isinstance(refused(-13, lambda: client.poll(PATIENCE_S)), zanni.NodeDown)   # at last
            refused(-13, lambda: service.ask("workers"))
            process.kill()


def ask_failed(ask):
    try:
        ask.result()
    except zanni.Error as error:
        return error.code in (-11, -12, -13)
    return False


def test_end_of_a_client():
    """Whose actors another one hears of, by the service."""
    program = "\n".join([
        "import os, sys", "import zanni",
        "client = zanni.Client(sys.argv[1], insecure=True)",
        "client.find().ask('watch', client.serve())",
        "worker = client.find().ask('hire')",
        "client.close() if sys.argv[2] == 'well' else os.kill(os.getpid(), 9)",
    ])
    with serving() as process, connect(process.endpoint) as client:
        service = client.find()
        for count, (how, why) in enumerate((("well", "shutdown"), ("killed", "no connection")), 1):
            done = subprocess.run([sys.executable, "-B", "-c", program, process.endpoint, how], timeout=PATIENCE_S,
                                  env={**os.environ, "PYTHONPATH": sys.argv[1]}, check=False)
            assert done.returncode == (0 if how == "well" else -9), done
            until(client, lambda count=count, why=why: service.ask("gone") == [count, why])
            until(client, lambda: service.ask("workers") == 0)   # what it held is released
        end(process, service)


def message(sender, to, name, chunks=0):
    buffers = [forms.Buffer(4, chunks=chunks)] if chunks else []
    return forms.Record(kind="TELL", to=forms.Actor(to, bytes(16)), sender=forms.Actor(sender, bytes(16)),
                        method=name, refs=[], buffers=buffers, args=b"\x90")


def piece(number, offset, data):
    return forms.Record(kind="CHUNK", buffer=number, offset=offset, total=4, bytes=data)


def test_order_of_what_comes_in_chunks():
    """Who sent one waits for it with what he says to the same actor behind it, and nobody else does."""
    taken = assembly.Assembly()
    release = forms.Record(kind="RELEASE", to=forms.Actor(1, bytes(16)), count=1)
    came = [message(7, 1, "large", 5), message(7, 1, "behind it"), message(8, 1, "of another"),
            message(7, 2, "to another"), release, piece(5, 0, b"ab"), message(7, 1, "still behind"),
            piece(5, 2, b"cd"), message(7, 1, "free")]
    order = [[getattr(ready.record, "method", ready.record.kind) for ready in taken.take(record, [], 0)]
             for record in came]
    assert order == [[], [], ["of another"], ["to another"], [], [], [],
                     ["large", "behind it", "RELEASE", "still behind"], ["free"]], order
    for lie in (piece(5, 0, b"ab"), message(7, 1, "known already", 6)):
        taken.take(message(7, 1, "large", 6), [], 0)
        refused(-1, lambda lie=lie: taken.take(lie, [], 0))
        taken = assembly.Assembly()


def test_order_of_what_leaves_in_chunks():
    """An answer does not overtake what its actor has sent in chunks, and nothing of that actor's overtakes the
    answer."""
    left = []
    out = outbox.Outbox(left.append)
    out.level, out.window, out.room = 1, 1 << 30, 1 << 30

    def put(sender, kind, name, size=0):
        made = parcel.Parcel(message(sender, 1, name) if kind == "TELL" else
                             forms.Record(kind="REPLY", id=int(name), refs=[]), sender)
        data = memoryview(bytes(size))
        made.load(b"\x90", [(forms.Buffer(size), data)] if size else [], 1, out.numbers)
        out.submit(made)

    def names():
        kinds = [zanni.codec.decode(b"\x95\x00\x01\x00\x00\x00" + sent.body)[1] for sent in left]
        return [getattr(each, "method", getattr(each, "id", each.kind)) for each in kinds]

    put(1, "TELL", "large", 200_000)       # five chunks in band, two of which may be under way
    put(1, "REPLY", "1")
    put(1, "TELL", "behind the answer")
    put(2, "REPLY", "2")
    assert names() == ["large", "CHUNK", "CHUNK", 2], names()
    while not out.idle:
        out.told(left[-1].sequence, 1 << 30)
    assert names() == ["large", "CHUNK", "CHUNK", 2, "CHUNK", "CHUNK", "CHUNK", 1, "behind the answer"], names()


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            began = time.monotonic()
            test()
            print(f"-- {name}: {time.monotonic() - began:.1f} s", flush=True)


main()
