"""How a record's arguments and buffers travel: in the header, as frames, or cut into chunks.

Level 1 is in band only: buffers and chunks lie in records. At level 2 there are frames, too. What is small goes in
band in any case, for a frame costs more than its copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator

from .codec import ARGS_MOST, FRAMES_MOST, HEADER_MOST, encode
from .errors import Error
from .forms import Buffer, Record

Data = bytes | memoryview

SMALL_MOST = 1024             # bytes of a buffer that goes in band in any case
IN_BAND_MOST = 16 << 10       # of all of a record's that go so
FRAME_MOST = 1 << 20          # of those that go as a frame
CHUNK, CHUNK_IN_BAND = 256 << 10, 48 << 10
CHARGE = 64                   # of a message, beside its arguments and buffers
COUNTING = {"TELL", "ASK", "SPAWN"}


@dataclass
class Transfer:
    """Bytes that leave in chunks."""
    number: int
    data: memoryview
    sender: int
    answer: bool
    at: int = 0

    def next(self, level: int) -> tuple[Record, list[Data]]:
        """The next chunk, and its frame."""
        piece = self.data[self.at:self.at + (CHUNK if level > 1 else CHUNK_IN_BAND)]
        record = Record(kind="CHUNK", buffer=self.number, offset=self.at, total=len(self.data),
                        bytes=None if level > 1 else bytes(piece))
        self.at += len(piece)
        return record, [piece] if level > 1 else []

    @property
    def done(self) -> bool:
        return self.at == len(self.data)


@dataclass
class Parcel:
    """A record that is ready to leave. `sender` is the actor of ours that it comes from."""
    record: Record
    sender: int = 0
    frames: list[Data] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    charge: int = 0

    @property
    def answer(self) -> bool:
        """Whether it names no pair of actors, so that it is the sender who keeps it in order."""
        return self.record.kind in ("REPLY", "ERROR", "DOWN")

    def load(self, args: bytes, buffers: list[tuple[Buffer, memoryview]], level: int, numbers: Iterator[int]) -> None:
        """Gives it arguments and buffers. Error: it is over a limit."""
        if len(args) >= 1 << 32 or len(buffers) > 1024:
            raise Error(-27)
        if self.record.kind in COUNTING:
            self.charge = charge_of(args, [data for _, data in buffers])
        self.record.args = args
        if len(args) > ARGS_MOST:
            framed = level > 1 and len(args) <= FRAME_MOST
            self.record.args = None if framed else (len(args), self._cut(memoryview(args), numbers))
            self.frames += [args] if framed else []
        room = IN_BAND_MOST
        self.record.buffers = []
        for head, data in buffers:
            in_band = len(data) <= (SMALL_MOST if level > 1 else room) and len(data) <= room
            place, chunks = None, 0
            if in_band:
                place, room = bytes(data), room - len(data)
            elif level > 1 and len(data) <= FRAME_MOST and len(self.frames) < FRAMES_MOST:
                self.frames.append(data)
            else:
                chunks = self._cut(data, numbers)
            self.record.buffers.append(head._replace(place=place, chunks=chunks))

    def encode(self) -> bytes:
        """The record's bytes, without a BATCH. Error: it does not fit into a header frame."""
        data = encode([self.record])
        if len(data) > HEADER_MOST - 64:
            raise Error(-27)
        return data

    def _cut(self, data: memoryview, numbers: Iterator[int]) -> int:
        self.transfers.append(Transfer(next(numbers), data, self.sender, self.answer))
        return self.transfers[-1].number


def charge_of(args: Data, buffers: list[Data]) -> int:
    """What a TELL, ASK or SPAWN takes of a window, wherever its parts travel."""
    return CHARGE + len(args) + sum(map(len, buffers))


def item_most(window: int) -> int:
    """What one item counts in a window, however large it is, so that small ones pass."""
    return window // 2 + 1
