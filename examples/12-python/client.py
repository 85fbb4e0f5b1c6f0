"""A conversation with the service, from beginning to end.

    python3 client.py SERVICE            the program made of service.c, which is started with a secret of its own
    python3 client.py tcp://HOST:PORT    where one listens, whose secret is in ZANNI_SECRET
"""

import array
import contextlib
import os
import secrets
import subprocess
import sys

try:
    import nacl.bindings  # noqa: F401, for the secret
    import zanni
except ImportError as missing:
    print(f"python: {missing}; on Debian: apt-get install python3-zmq python3-msgpack python3-nacl", file=sys.stderr)
    sys.exit(77)   # which tests take for: skipped


@contextlib.contextmanager
def started(program):
    """Starts the service; where it listens, and the secret. It ends when it is told to, or else is killed."""
    secret = secrets.token_urlsafe(24)
    environment = {**os.environ, "ZANNI_SECRET": secret}
    service = subprocess.Popen([program], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield service.stdout.readline().strip(), secret
        service.wait(10)
    finally:
        service.kill()


def tables(service):
    """Buffers go and come as they are in memory: numbers in a shape."""
    cells = array.array("d", range(6))
    table = service.ask("scale", memoryview(cells).cast("B").cast("d", (2, 3)), 2.5)
    print(f"a table of {table.shape} doubles: {table.tolist()}")
    large = bytes(range(256)) * (12 << 12)
    print(f"{len(large) >> 20} MiB, there and back: {bytes(service.ask('echo', memoryview(large))) == large}")


def workers(service):
    """A reference that came is a strong one: the actor lives as long as this program has it."""
    worker = service.ask("hire")
    asked = [worker.start("add", number) for number in (1, 20, 300)]
    print(f"a worker adds: {[ask.result() for ask in asked]}")
    end = worker.monitor()
    worker.tell("quit", "tired")
    print(f"the worker has ended: {end.wait()}")
    end = service.ask("hire").monitor()   # its reference is gone at the end of this line
    print(f"nobody holds another one: {end.wait()}")


def errors(service):
    """Answers that are none."""
    try:
        service.ask("refuse", "not today")
    except zanni.AppError as error:
        print(f"an error of the application's: {error.app_code}, {error}, {error.data}")
    try:
        service.ask("ponder", timeout=0.1)
    except zanni.Timeout as error:
        print(f"an ask that is not answered: {error}")


def serves(client, service):
    """An actor of this program, which the service tells, asks and watches."""
    ticks = []
    counter = client.serve("counter", tick=ticks.append, enough=lambda word: f"{word}, said Python")
    service.ask("watch", counter)
    print(f"the service counts: {service.ask('count', counter, 3)}; before, it told {ticks}")
    counter.stop()
    print(f"it has seen the counter end: {service.ask('gone')[1]}")


def talk(endpoint, secret):
    with zanni.Client(endpoint, secret=secret, insecure=True) as client:
        service = client.find()
        tables(service)
        workers(service)
        errors(service)
        serves(client, service)
        end = service.monitor()
        service.tell("stop")
        print(f"python: the service has ended: {end.wait()}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1].startswith("tcp://"):
        talk(sys.argv[1], None)
    else:
        with started(sys.argv[1]) as (endpoint, secret):
            talk(endpoint, secret)


try:
    main()
except (zanni.Error, OSError) as error:
    sys.exit(f"python: {error}")
