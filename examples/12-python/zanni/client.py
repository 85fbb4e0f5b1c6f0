"""The client: a node with one session and no thread.

Everything happens in one loop, which runs while some call waits: it looks at the session, hands out what came, and
lets served actors work. So a program that computes for long answers nobody meanwhile; that it lives, others know by
the pulse, which needs nobody here.
"""

from __future__ import annotations

import math
import os
import time
import weakref
from itertools import count
from typing import Any, Callable

import zmq

from . import inbound, values
from .asks import Ask, Monitor, deadline_of
from .assembly import Arrival
from .errors import AppError, Error, Fault, NotTrusted, Timeout
from .forms import Actor, Reason, Record, Reference
from .keys import keys_of
from .load import Load
from .parcel import Parcel
from .refs import Counts, Ref
from .served import Served
from .session import Session


class Client:
    """Connects to the node that listens at "tcp://HOST:PORT". Without a secret (`secret`, or ZANNI_SECRET in the
    environment) it speaks openly, if `insecure` says that it may. `frames`: whether buffers may come as frames of
    their own. Use it as a context, or `close` it. NotTrusted; NodeDown; Timeout; Error -1: there is no such
    endpoint."""

    def __init__(self, endpoint: str, *, secret: str | None = None, insecure: bool = False, name: str = "python",
                 frames: bool = True, window: int = 8 << 20, timeout: float | None = 5.0) -> None:
        secret = secret if secret is not None else os.environ.get("ZANNI_SECRET")
        if secret is None and not insecure:
            raise NotTrusted(-33, "there is no secret, and it was not said that tcp may be open")
        self.counts = Counts()
        self.asks: weakref.WeakValueDictionary[int, Ask] = weakref.WeakValueDictionary()
        self.monitors: weakref.WeakValueDictionary[int, Monitor] = weakref.WeakValueDictionary()
        self.served: dict[int, Served] = {}
        self._numbers, self._actor_numbers = count(1), count(1)   # of asks and monitors; of actors
        self._self = Actor(0, os.urandom(16))                     # who tells and asks
        keys = keys_of(secret) if secret is not None else None
        try:
            self._session = Session(endpoint, keys, name, lambda arrival: inbound.take(self, arrival), frames=frames,
                                    window=window)
        except zmq.ZMQError as error:
            raise Error(-1, f"{endpoint}: {error}") from None
        self._welcome(endpoint, deadline_of(timeout))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def down(self) -> Error | None:
        """Why this client cannot be used any longer."""
        return self._session.down

    @property
    def node(self) -> bytes:
        """The id of this client's own node."""
        return self._session.node

    @property
    def peer(self) -> bytes:
        """The id of the node at the other end."""
        return self._session.peer

    def find(self, name: str = "", timeout: float | None = 5.0) -> Ref:
        """A weak reference to who is offered there by that name; without one, to the actor that listens. Error -9:
        nobody is; Timeout; NodeDown."""
        itself = Reference(None, inbound.NODE_ITSELF, bytes(16), None, "", 0)
        return Ref(self, itself, self.peer, None).ask("zanni.find", name, timeout=timeout)

    def serve(self, name: str = "python", /, **methods: Callable[..., Any]) -> Served:
        """An actor of this program; what a method returns is the answer: None is none, a tuple several values. To be
        sent to whoever is to use it."""
        served = Served(self, next(self._actor_numbers), name, methods)
        self.served[served.number] = served
        return served

    def poll(self, timeout: float | None = 0.0) -> None:
        """Lets served actors work for so long, without end for None. The error of a session that is down."""
        deadline = deadline_of(timeout)
        self._turn(time.monotonic())
        self.wait(lambda: False, deadline)

    def close(self, timeout: float = 5.0) -> None:
        """Ends: served actors stop, and what was sent is waited for until it is acknowledged. Forgives what goes
        wrong."""
        for served in list(self.served.values()):
            served.stop(Reason(1))
        self._give_back()
        try:
            self.wait(lambda: self._session.idle, deadline_of(timeout))
        except Error:
            pass
        self._session.close()

    # what the rest of the package uses

    def wait(self, done: Callable[[], bool], deadline: float) -> bool:
        """Works until `done`; false: the time was over before. The error of a session that is down."""
        while not done():
            if self._session.down:
                raise self._session.down
            if time.monotonic() >= deadline:
                return False
            self._turn(deadline)
        return True

    def send(self, ref: Ref, method: str, args: tuple[Any, ...], deadline: float, ask: Ask | None = None) -> None:
        """A TELL, or an ASK. What it raises stands at Ref.tell."""
        self._check(ref)
        record = Record(kind="ASK" if ask else "TELL", to=ref.actor, sender=self._self, method=method)
        parcel, load = self._loaded(record, 0, args)
        if not self.wait(lambda: self._session.outbox.admits(parcel.charge), deadline):
            raise Error(-15, "the window is used up")
        if self._session.down:
            raise self._session.down
        if ask:
            left_ms = -1 if deadline == math.inf else max(0, math.ceil((deadline - time.monotonic()) * 1000))
            record.id, record.remaining_ms = ask.number, left_ms
        self._give_back()   # what was dropped before is known there before this is
        self._session.outbox.submit(parcel)
        load.commit()

    def ask(self, ref: Ref, method: str, args: tuple[Any, ...], deadline: float) -> Ask:
        ask = Ask(self, next(self._numbers), ref.actor, deadline)
        self.asks[ask.number] = ask
        self.send(ref, method, args, deadline, ask)
        return ask

    def monitor(self, ref: Ref) -> Monitor:
        self._check(ref)
        monitor = Monitor(self, next(self._numbers), ref.actor)
        self.monitors[monitor.number] = monitor
        self.post(Record(kind="MONITOR", id=monitor.number, to=ref.actor))
        return monitor

    def post(self, record: Record, sender: int = 0) -> None:
        """Sends a record without arguments. Nothing happens where the session is down."""
        if not self._session.down:
            self._session.outbox.submit(Parcel(record, sender))

    def references(self, arrival: Arrival) -> list[Ref]:
        """Those that came with it; who drops them gives them back."""
        return [self._ref(reference) for reference in arrival.record.refs]

    def values(self, arrival: Arrival) -> list[Any]:
        """What came, as Python's values. Error -7: it is not what it should be."""
        refs = self.references(arrival)
        try:
            return values.resolve(values.read(arrival.args), refs, arrival.buffers) if arrival.args else []
        except Fault as fault:
            raise Error(-7, f"bad arguments: {fault}") from None

    def reply(self, arrival: Arrival, answer: Any, served: Served) -> None:
        args = () if answer is None else answer if isinstance(answer, tuple) else (answer,)
        self._answer(Record(kind="REPLY", id=arrival.record.id), served.number, args)

    def refuse(self, arrival: Arrival, error: Error, served: Served | None = None) -> None:
        """Answers an error where somebody asked; the message is handled then."""
        record, number = arrival.record, served.number if served else 0
        if record.kind in ("ASK", "SPAWN"):
            app_code, data = (error.app_code, error.data) if isinstance(error, AppError) else (0, [])
            text = error.text.replace("\0", " ").encode(errors="replace")[:231].decode(errors="ignore")
            answer = Record(kind="ERROR", id=record.id, code=error.code, text=text,
                            origin=error.origin or (None, number), app_code=app_code)
            try:
                self._answer(answer, number, tuple(data))
            except (Error, TypeError, ValueError, OverflowError):   # of the data, which cannot travel
                self._answer(answer, number, ())
        self.handled(arrival)

    def handled(self, arrival: Arrival) -> None:
        self._session.handled(arrival.charge)

    def settle(self, served: Served) -> None:
        """Ends it where nobody holds it."""
        if not served.held and not self.counts.lent((self.node, served.number)):
            served.stop()

    def ended(self, served: Served) -> None:
        del self.served[served.number]
        for number in served.watchers:
            self.post(Record(kind="DOWN", id=number, reason=served.ended, restarts=False), served.number)

    def _welcome(self, endpoint: str, deadline: float) -> None:
        try:
            if not self.wait(lambda: self._session.up, deadline):
                raise Timeout(-8, f"{endpoint} does not answer")
        except BaseException:
            self._session.close(0)
            raise

    def _turn(self, until: float) -> None:
        """Waits for something to happen, until then at most, and handles it."""
        poller = zmq.Poller()
        for dial in self._session.dials():
            poller.register(dial.socket, zmq.POLLIN)
            poller.register(dial.monitor, zmq.POLLIN)
        left = min(until, self._session.due()) - time.monotonic()
        poller.poll(None if left == math.inf else max(0, math.ceil(left * 1000)))
        self._session.step()
        if self._session.down:
            self._fail(self._session.down)
        for served in list(self.served.values()):
            served.work()
        self._give_back()
        self._session.acknowledge()

    def _fail(self, why: Error) -> None:
        for ask in list(self.asks.values()):
            if not ask.done:
                ask.end(None, why)
        for monitor in list(self.monitors.values()):
            monitor.reason = monitor.reason or self._session.reason

    def _give_back(self) -> None:
        while self.counts.back:
            reference, times = self.counts.back.popleft()
            to = Actor(reference.actor, reference.nonce) if reference.node == self.peer else reference
            self.post(Record(kind="RELEASE", to=to, count=times))

    def _check(self, ref: Ref) -> None:
        if ref.key[0] != self.peer:
            raise Error(-17, "no route: this client speaks with one node only")

    def _loaded(self, record: Record, sender: int, args: tuple[Any, ...]) -> tuple[Parcel, Load]:
        parcel, load, outbox = Parcel(record, sender), Load(self._session, self.counts, args), self._session.outbox
        record.refs = load.refs
        parcel.load(load.args, load.buffers, outbox.level, outbox.numbers)
        return parcel, load

    def _answer(self, record: Record, sender: int, args: tuple[Any, ...]) -> None:
        parcel, load = self._loaded(record, sender, args)
        if not self._session.down:
            self._session.outbox.submit(parcel)
            load.commit()

    def _ref(self, reference: Reference) -> Ref:
        node = reference.node or self.peer
        whole = reference._replace(node=node, endpoint=reference.endpoint or self._session.peer_endpoint or None)
        if not reference.flags & 1:
            return Ref(self, whole, node, None)
        if node == self.node:     # one of ours that comes home
            self.counts.back.append((whole, 1))
            return Ref(self, whole, node, None)
        return Ref(self, whole, node, self.counts.borrow((node, reference.actor), whole))
