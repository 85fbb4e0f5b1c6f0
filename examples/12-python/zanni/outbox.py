"""What leaves by a session: numbered, kept until it is acknowledged, and sent again behind a cut.

Everything is numbered at once and put on its way if there is one. Two things wait. Chunks: two are under way at most,
so that small records find their way between them. And answers, which do not name who they are for: they, and what the
same actor sends behind them, must not pass what is still being cut of that actor's; see `_stopped`. Messages that
count in the window never wait in here: who sends them asks `admits` before.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from dataclasses import dataclass
from typing import Callable

from .errors import Fault
from .parcel import Data, Parcel, Transfer, item_most

CHUNKS_OUT = 2


@dataclass
class Sent:
    sequence: int
    body: bytes            # of the header frame, behind its BATCH
    frames: list[Data]
    charge: int
    since: float           # when it was ready
    chunk: bool


class Outbox:
    """`post` sends a message if there is a connection; it may as well do nothing, for `again` comes then."""

    def __init__(self, post: Callable[[Sent], None]) -> None:
        self.post = post
        self.level = 1
        self.window = self.room = 0    # in all; behind what is acknowledged
        self.sequence = self.acknowledged = 0
        self.charge = 0                # under way
        self.numbers = itertools.count(1)
        self._sent: deque[Sent] = deque()
        self._chunks = 0               # of them
        self._transfers: deque[Transfer] = deque()
        self._held: list[tuple[Parcel, float]] = []

    @property
    def idle(self) -> bool:
        """Whether everything has been acknowledged."""
        return not (self._sent or self._transfers or self._held)

    def admits(self, charge: int) -> bool:
        """Whether an item of that much fits the window: half of it and one byte at most are counted."""
        return self.charge + min(charge, item_most(self.window)) <= self.room

    def submit(self, parcel: Parcel) -> None:
        """Takes a parcel whose charge is admitted. Error: it is over a limit."""
        if self._stopped(parcel, len(self._held)):
            parcel.encode()   # says what is wrong while somebody listens
            self._held.append((parcel, time.monotonic()))
        else:
            self._put(parcel, time.monotonic())
        self.pump()

    def told(self, ack: int, window: int | None = None) -> None:
        """What the other side has taken, and how much it takes behind that. Fault: it was never sent."""
        if ack > self.sequence:
            raise Fault("it acknowledges what was never sent")
        before = self.charge
        newer = ack > self.acknowledged
        while self._sent and self._sent[0].sequence <= ack:
            gone = self._sent.popleft()
            self.charge -= gone.charge
            self._chunks -= gone.chunk
        if window is not None and (newer or (ack == self.acknowledged and window > self.room)):
            self.room = min(window, self.window)
        elif window is None:                     # as far as is known it is still there
            self.room = max(0, self.room - (before - self.charge))
        self.acknowledged = max(ack, self.acknowledged)
        self.pump()

    def again(self) -> None:
        """Sends what is not acknowledged: there is a new connection."""
        for sent in self._sent:
            self.post(sent)

    def pump(self) -> None:
        """Puts on its way what may leave by now."""
        while self._pump_chunk() or self._pump_held():
            pass

    def _pump_chunk(self) -> bool:
        if not self._transfers or self._chunks == CHUNKS_OUT:
            return False
        transfer = self._transfers.popleft()
        record, frames = transfer.next(self.level)
        self._number(Parcel(record, frames=frames), time.monotonic(), chunk=True)
        if not transfer.done:
            self._transfers.append(transfer)
        return True

    def _pump_held(self) -> bool:
        for at, (parcel, since) in enumerate(self._held):
            if not self._stopped(parcel, at):
                del self._held[at]
                self._put(parcel, since)
                return True
        return False

    def _stopped(self, parcel: Parcel, ahead: int) -> bool:
        """Whether something of the same actor has to leave before it: chunks, where the one or the other is an
        answer, or one of the first `ahead` that are held. Two actors there need not wait for each other, but here it
        is not known who an answer is for."""
        return any(other.sender == parcel.sender and (other.answer or parcel.answer) for other in self._transfers) \
            or any(held.sender == parcel.sender for held, _ in self._held[:ahead])

    def _put(self, parcel: Parcel, since: float) -> None:
        self._number(parcel, since)
        self._transfers.extend(parcel.transfers)

    def _number(self, parcel: Parcel, since: float, chunk: bool = False) -> None:
        body = parcel.encode()
        self.sequence += 1
        charge = min(parcel.charge, item_most(self.window))
        self._sent.append(Sent(self.sequence, body, parcel.frames, charge, since, chunk))
        self.charge += charge
        self._chunks += chunk
        self.post(self._sent[-1])
