"""The session with a node: a numbered conversation that outlives its connections.

It says HELLO on each connection that it makes, and nothing else before WELCOME. When a connection ends it makes
another, both sides say what they have seen last, and each sends again what the other has not. What goes wrong for
good (BYE, a pulse that is lost, bytes that break the protocol) ends it: `down` says why, and it never comes back.
"""

from __future__ import annotations

import os
import time
from typing import Callable, Iterator

from .assembly import BUFFER_MOST, Arrival, Assembly
from .codec import decode, encode
from .dial import Change, Dial
from .errors import Error, Fault, NodeDown, NotTrusted
from .forms import Reason, Record
from .keys import Keys
from .outbox import Outbox, Sent
from .pulse import INTERVAL, Pulse

BACKOFF_FIRST, BACKOFF_LAST = 0.01, 1.0
DENIALS = 3             # handshakes in a row that end early, before the first is over; one may have another reason
TAKES_FRAMES = 4        # an ability
DONE, DEAD, CROSSED, VERSION, FAULT = range(5)   # codes of BYE
TURN_MESSAGES = 256     # that are read before it is looked for anything else


class Session:
    """Dials at once. `deliver` gets each record that is ready; it must not wait for anything."""

    def __init__(self, endpoint: str, keys: Keys | None, name: str, deliver: Callable[[Arrival], None], *,
                 frames: bool = True, window: int = 8 << 20) -> None:
        self.down: Error | None = None
        self.reason = Reason(4)             # of actors there, once it is down
        self.up = False                     # this connection is welcomed
        self.node = os.urandom(16)
        self.peer, self.peer_endpoint, self.peer_buffer_most = b"", "", 0
        self.outbox = Outbox(self._post)
        self._assembly = Assembly()
        self._seen = 0                      # of the other side's numbers
        self._connections = 0               # that said HELLO
        self._owes_ack = False
        self._how = endpoint, keys
        self._deliver, self._window, self._frames = deliver, window, frames
        self._name, self._number = name, time.time_ns()
        self._host = os.urandom(16)         # nobody shares it with us
        self._denials, self._backoff = 0, BACKOFF_FIRST
        self._redial_at = self._lost_at = float("inf")
        self._pulse: Pulse | None = None
        self._dial: Dial | None = None
        self._redial()

    @property
    def stood(self) -> bool:
        """Whether it has been welcomed once."""
        return self._pulse is not None

    @property
    def idle(self) -> bool:
        """Whether all that was sent is acknowledged."""
        return self.outbox.idle

    def dials(self) -> Iterator[Dial]:
        """What `step` has to be called for when it is readable."""
        if self._dial:
            yield self._dial
        if self._pulse:
            yield from self._pulse.dials()

    def due(self) -> float:
        """When `step` has to be called at the latest."""
        return min(self._redial_at, self._lost_at, self._pulse.due() if self._pulse else float("inf"))

    def step(self) -> None:
        """Looks at everything once; waits for nothing."""
        if self.down:
            return
        try:
            self._step()
        except Fault as fault:
            self._say_bye(FAULT, fault.text)
            self._end(NodeDown(-13, f"what came breaks the protocol: {fault.text}"))

    def handled(self, charge: int) -> None:
        """So much of what came was handled, and does not count in the window any longer."""
        self._assembly.held -= charge
        self._owes_ack = self._owes_ack or charge > 0

    def acknowledge(self) -> None:
        """Says what came, unless something else that left has said it: behind each look, since nobody knows when this
        program takes the next one."""
        if self._owes_ack and self.up and self._dial:
            self._owes_ack = False
            self._dial.send([_alone(Record(kind="ACK", ack=self._seen, window=self._room()))])

    def close(self, linger_ms: int = 1000) -> None:
        """Says BYE and ends."""
        if self.up:
            self.acknowledge()
            self._say_bye(DONE, "")
        if not self.down:
            self._end(Error(-18), linger_ms)

    def _step(self) -> None:
        change = self._dial.change() if self._dial else None
        self._receive(None if change in (Change.ENDED, Change.DENIED) else TURN_MESSAGES)
        if change in (Change.ENDED, Change.DENIED) and self._dial and not self.down:
            self._broke(self._dial, change)
        now = time.monotonic()
        if self._pulse and not self._pulse.step():
            self._end(NodeDown(-13, "no heartbeat came from the node any more"))
        elif self._lost_at <= now:
            self._end(NodeDown(-13, f"nobody answers at {self._how[0]}"))
        elif self._redial_at <= now:
            self._redial()

    def _receive(self, most: int | None) -> None:
        while self._dial and not self.down and most != 0:
            frames = self._dial.receive()
            if frames is None:
                return
            most = most and most - 1
            batch, *records = decode(frames.pop(0))
            if batch.sequence:
                self._take(batch, records, frames)
            else:
                for record in records:
                    self._control(record)

    def _take(self, batch: Record, records: list[Record], frames: list[memoryview]) -> None:
        if not self.up:
            raise Fault("a numbered message before WELCOME")
        self.outbox.told(batch.ack, batch.window)
        self._owes_ack = True
        if batch.sequence <= self._seen:
            return   # it was sent again, and so the other side does not know
        if batch.sequence > self._seen + 1:
            raise Fault("a message is missing")
        self._seen = batch.sequence
        for record in records:
            if record.kind == "ACK":
                self.outbox.told(record.ack, record.window)
            elif record.kind in ("HELLO", "WELCOME", "BYE"):
                raise Fault(f"{record.kind} in a numbered message")
            else:
                for arrival in self._assembly.take(record, frames, batch.held_ms):
                    self._deliver(arrival)
        if frames:
            raise Fault("it has frames that no record counts")

    def _control(self, record: Record) -> None:
        if record.kind == "WELCOME" and not self.up:
            self._welcomed(record)
        elif record.kind == "ACK" and self.up:
            self.outbox.told(record.ack, record.window)
        elif record.kind == "BYE":
            texts = {DONE: "the node has ended", VERSION: f"no version in common: {record.text}",
                     FAULT: f"what we sent breaks the protocol: {record.text}"}
            self.reason = Reason(1) if record.code == DONE else self.reason
            self._end(NodeDown(-13, texts.get(record.code, "the session is down there")))
        else:
            raise Fault(f"{record.kind} was not expected")

    def _welcomed(self, welcome: Record) -> None:
        if welcome.version != 1 or welcome.session != self._number:
            raise Fault("WELCOME: not to our HELLO")
        if self.stood and welcome.node != self.peer:
            self._end(NodeDown(-13, "another node answers there now"))
            return
        if not self.stood:
            self.peer, self.peer_endpoint, self.peer_buffer_most = welcome.node, welcome.endpoint, welcome.limits[1]
            self._window = self.outbox.window = self.outbox.room = min(welcome.limits[0], self._window)
            self._assembly.window = self._window
            self.outbox.level = 2 if self._frames and welcome.abilities & TAKES_FRAMES else 1
            self._pulse = Pulse(*self._how, lambda: self._hello(1))
        self._lost_at, self._backoff, self._denials = float("inf"), BACKOFF_FIRST, 0
        self.outbox.told(welcome.last)   # what that lets out takes its turn behind what is sent again
        self.up = True
        self.outbox.again()
        self._owes_ack = True   # room that was told on the last connection may have been lost with it

    def _broke(self, dial: Dial, change: Change) -> None:
        self.up, self._dial = False, None
        dial.close()
        self._denials = self._denials + 1 if change is Change.DENIED else 0
        if not self.stood and self._denials == DENIALS:
            self._end(NotTrusted(-33, f"{self._how[0]} has another secret, or one of us has none"))
            return
        now = time.monotonic()
        if not self.stood and change is Change.ENDED:
            self._lost_at = min(self._lost_at, now + INTERVAL)
        self._redial_at = now + self._backoff
        self._backoff = min(2 * self._backoff, BACKOFF_LAST)

    def _redial(self) -> None:
        self._redial_at = float("inf")
        self._dial = Dial(*self._how)
        self._dial.send([self._hello(0)])

    def _hello(self, purpose: int) -> bytes:
        self._connections += 1
        return _alone(Record(
            kind="HELLO", purpose=purpose, versions=(1, 1), node=self.node, incarnation=1, name=self._name,
            host=self._host, session=self._number, last=self._seen, abilities=TAKES_FRAMES if self._frames else 0,
            limits=(self._window, BUFFER_MOST), endpoint="", home="", connection=self._connections))

    def _room(self) -> int:
        return max(0, self._window - self._assembly.held)

    def _post(self, sent: Sent) -> None:
        if not (self.up and self._dial):
            return
        held_ms = int((time.monotonic() - sent.since) * 1000)
        batch = Record(kind="BATCH", sequence=sent.sequence, ack=self._seen, window=self._room(), held_ms=held_ms)
        self._dial.send([encode([batch]) + sent.body, *sent.frames])
        self._owes_ack = False

    def _say_bye(self, code: int, text: str) -> None:
        if self._dial:
            self._dial.send([_bye(code, text)])

    def _end(self, why: Error, linger_ms: int = 200) -> None:
        self.down, self.up = why, False
        if self._dial:
            self._dial.close(linger_ms)
        if self._pulse:
            self._pulse.close(_bye(DONE, ""), linger_ms)
        self._dial = self._pulse = None


def _alone(record: Record) -> bytes:
    """A message without a number."""
    return encode([Record(kind="BATCH", sequence=0, ack=0, window=0, held_ms=0), record])


def _bye(code: int, text: str) -> bytes:
    return _alone(Record(kind="BYE", code=code, text=text.encode()[:231].decode(errors="ignore")))
