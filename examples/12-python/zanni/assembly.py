"""What comes by a session: frames and chunks find the records that they belong to.

A record that waits for chunks does not keep back the others, but those of the same sender to the same receiver wait
until it is whole; a CANCEL or RELEASE, which has no sender, waits for all that is kept back for its receiver.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .errors import Fault
from .forms import Buffer, Record, check_args
from .parcel import COUNTING, Data, charge_of, item_most
from .values import view_of

PAIRED = {"TELL", "ASK", "LINK", "UNLINK", "EXIT"}
BUFFER_MOST = 1 << 30   # bytes of a buffer or of arguments that is taken


@dataclass
class Arrival:
    """A record that came, with its arguments and buffers."""
    record: Record
    came: float                                        # when it was sent, as far as that is known
    args: Data = b""
    buffers: list[memoryview] = field(default_factory=list)
    charge: int = 0
    missing: int = 0                                   # of its parts

    def holds(self, other: Arrival) -> bool:
        """Whether `other`, which came later, has to wait for it."""
        mine, its = self.record, other.record
        if its.kind in ("CANCEL", "RELEASE"):
            return mine.kind in PAIRED and mine.to == its.to
        return mine.kind in PAIRED and its.kind in PAIRED and mine.to == its.to and mine.sender == its.sender


@dataclass
class _Pieces:
    arrival: Arrival
    index: int          # of its buffers; -1: its arguments
    data: bytearray
    got: int = 0


class Assembly:
    """Takes records in the order in which they come, and gives them back as they are ready."""

    def __init__(self) -> None:
        self.window = 1 << 62
        self.held = 0      # what came and counts in the window, until whoever handles it takes it off
        self._waiting: list[Arrival] = []
        self._pieces: dict[int, _Pieces] = {}

    def take(self, record: Record, frames: list[memoryview], held_ms: int) -> list[Arrival]:
        """Takes its frames off `frames`. What is ready now, which is the record itself as a rule. Fault: it lies."""
        if record.kind == "CHUNK":
            self._chunk(record, record.bytes if record.bytes is not None else _frame(frames, None))
            return self._ready()
        arrival = Arrival(record, time.monotonic() - held_ms / 1000)
        if hasattr(record, "args"):
            self._arguments(arrival, frames)
            for index, buffer in enumerate(record.buffers):
                self._buffer(arrival, index, buffer, frames)
        if record.kind in COUNTING:
            size = record.args[0] if isinstance(record.args, tuple) else len(arrival.args)
            whole = charge_of(b"", []) + size + sum(buffer.size for buffer in record.buffers)
            arrival.charge = min(whole, item_most(self.window))
            self.held += arrival.charge
        if not arrival.missing and not any(other.holds(arrival) for other in self._waiting):
            return [arrival]
        self._waiting.append(arrival)
        return []

    def _arguments(self, arrival: Arrival, frames: list[memoryview]) -> None:
        args = arrival.record.args
        if isinstance(args, tuple):
            self._expect(arrival, -1, *args)
            return
        arrival.args = _frame(frames, None) if args is None else args
        if args is None:
            check_args(arrival.args)

    def _buffer(self, arrival: Arrival, index: int, buffer: Buffer, frames: list[memoryview]) -> None:
        arrival.buffers.append(memoryview(b""))
        if buffer.chunks:
            self._expect(arrival, index, buffer.size, buffer.chunks)
            return
        if isinstance(buffer.place, tuple):
            raise Fault("a buffer is in a place that was not agreed on")
        data = memoryview(buffer.place) if buffer.place is not None else _frame(frames, buffer.size)
        arrival.buffers[index] = view_of(buffer, data)

    def _expect(self, arrival: Arrival, index: int, size: int, number: int) -> None:
        if number in self._pieces or size > BUFFER_MOST:
            raise Fault("two buffers have one number, or one is too large")
        self._pieces[number] = _Pieces(arrival, index, bytearray(size))
        arrival.missing += 1

    def _chunk(self, record: Record, data: Data) -> None:
        pieces = self._pieces.get(record.buffer)
        if not pieces or record.offset != pieces.got or record.total != len(pieces.data) or not data \
                or record.offset + len(data) > record.total:
            raise Fault("CHUNK: it was not expected")
        pieces.data[record.offset:record.offset + len(data)] = data
        pieces.got += len(data)
        if pieces.got < record.total:
            return
        del self._pieces[record.buffer]
        arrival = pieces.arrival
        arrival.missing -= 1
        if pieces.index < 0:
            check_args(pieces.data)
            arrival.args = pieces.data
        else:
            arrival.buffers[pieces.index] = view_of(arrival.record.buffers[pieces.index], memoryview(pieces.data))

    def _ready(self) -> list[Arrival]:
        ready: list[Arrival] = []
        waiting: list[Arrival] = []
        for arrival in self._waiting:
            stopped = arrival.missing or any(other.holds(arrival) for other in waiting)
            (waiting if stopped else ready).append(arrival)
        self._waiting = waiting
        return ready


def _frame(frames: list[memoryview], size: int | None) -> memoryview:
    if not frames or size not in (None, len(frames[0])):
        raise Fault("a frame is missing, or is not as large as its record says")
    return frames.pop(0)
