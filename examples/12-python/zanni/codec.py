"""Header frames: records to and from bytes.

A header frame is msgpack arrays, back to back. Which fields a kind of record has, and of what type each is, stands in
one table, KINDS, from which both directions follow: a type is a function that checks and takes apart what msgpack
made of the bytes, and one that does the reverse. What came may be a lie: everything is checked, and what is wrong is
a Fault. What is not known (kinds, elements behind those listed) is passed over. How arguments look inside is the
business of values.py; here they are one well-formed msgpack array.
"""

from __future__ import annotations

from typing import Any, Callable, Iterable, NamedTuple

import msgpack

from .errors import Fault
from .forms import DEPTH_MOST, Actor, Blob, Buffer, Ext, Reason, Record, Reference, check_args, depth, values_of

HEADER_MOST = 65536       # bytes
FRAME_MOST = 1114112      # bytes
FRAMES_MOST = 64
TABLE_MOST = 1024         # references, and buffers, of a record
ARGS_MOST = 4096          # bytes of arguments in the header
NAME_MOST, TEXT_MOST = 255, 231
WIDTHS = (1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8)   # bytes of each kind of element


# types: a reader and a writer for each

class Type(NamedTuple):
    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value


def need(good: bool, what: str) -> None:
    if not good:
        raise Fault(what)


def fields(value: Any, least: int) -> list[Any]:
    """The elements of an array of at least so many; those behind them are checked and skipped."""
    need(type(value) is list and len(value) >= least, f"no array of {least}")
    need(all(depth(extra) <= DEPTH_MOST for extra in value[least:]), "an unknown element nests too deep")
    return value[:least]


def integer(least: int, most: int) -> Type:
    def read(value: Any) -> int:
        need(type(value) is int and least <= value <= most, "no integer in range")
        return value
    return Type(read)


def text(most: int, least: int = 0) -> Type:
    def read(value: Any) -> str:
        need(type(value) is str, "no text")
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise Fault("a text is not UTF-8") from None
        need(least <= size <= most and "\0" not in value, "a text is too long, too short, or has a NUL")
        return value
    return Type(read)


def binary(size: int) -> Type:
    def read(value: Any) -> bytes:
        need(type(value) is bytes and len(value) == size, f"not {size} bytes")
        return value
    return Type(read)


def optional(kind: Type) -> Type:
    return Type(lambda value: None if value is None else kind.read(value),
                lambda value: None if value is None else kind.write(value))


def row(*kinds: Type, make: Callable[..., Any] = lambda *items: items) -> Type:
    """An array of fixed types, as what `make` makes of them."""
    return Type(lambda value: make(*(kind.read(item) for kind, item in zip(kinds, fields(value, len(kinds))))),
                lambda value: [kind.write(item) for kind, item in zip(kinds, value)])


def table(kind: Type, most: int) -> Type:
    def read(value: Any) -> list[Any]:
        need(type(value) is list and len(value) <= most, "no array of that many")
        return [kind.read(item) for item in value]
    return Type(read, lambda value: [kind.write(item) for item in value])


def boolean(value: Any) -> bool:
    need(type(value) is bool, "no bool")
    return value


UINT, UINT8, UINT32 = (integer(0, (1 << bits) - 1) for bits in (64, 8, 32))
INT, INT32 = integer(-1 << 63, (1 << 63) - 1), integer(-1 << 31, (1 << 31) - 1)
ID16, NAME, TEXT = binary(16), text(NAME_MOST), text(TEXT_MOST)
ACTOR = optional(row(UINT, ID16, make=Actor))
FLAGS = Type(lambda value: UINT.read(value) & 3)
REFERENCE = row(optional(ID16), UINT, ID16, optional(text(NAME_MOST, 1)), NAME, FLAGS, make=Reference)
REASON = row(UINT8, INT32, TEXT, make=Reason)


def read_actor_or_reference(value: Any) -> Actor | Reference | None:
    short = value is None or (type(value) is list and value and type(value[0]) is int)
    return ACTOR.read(value) if short else REFERENCE.read(value)


def write_actor_or_reference(value: Actor | Reference | None) -> Any:
    return REFERENCE.write(value) if isinstance(value, Reference) else ACTOR.write(value)


def read_place(value: Any) -> Any:
    if value is None or type(value) is bytes:
        return value
    if isinstance(value, Ext):
        need(value.type == 3 and len(value.data) == 40, "no blob")
        return Blob(value.data)
    segment, offset = (UINT.read(item) for item in fields(value, 2))
    need(segment != 0, "no segment")
    return segment, offset


def read_buffer(value: Any) -> Buffer:
    if type(value) is int:
        value = [value, 0, [], 0]
    size, element, shape, chunks = fields(value, 4)
    place = read_place(value[4]) if len(value) > 4 else None
    buffer = Buffer(UINT.read(size), integer(0, 10).read(element), tuple(table(UINT, 8).read(shape)),
                    UINT.read(chunks), place)
    product = WIDTHS[buffer.element]
    for length in buffer.shape:
        product *= length
    need(not buffer.shape or product <= buffer.size, "a shape holds more than its buffer")
    need(not chunks or (buffer.size > 0 and place is None), "a buffer in chunks is empty, or comes otherwise, too")
    need(not isinstance(place, bytes) or len(place) == buffer.size, "a buffer in band is not as large as it says")
    need(bool(chunks) or place is not None or buffer.size <= FRAME_MOST, "a buffer is too large for a frame")
    return buffer


def write_buffer(buffer: Buffer) -> Any:
    place = Ext(3, buffer.place.data) if isinstance(buffer.place, Blob) else \
        list(buffer.place) if isinstance(buffer.place, tuple) else buffer.place
    if place is None and not (buffer.element or buffer.shape or buffer.chunks):
        return buffer.size
    return [buffer.size, buffer.element, list(buffer.shape), buffer.chunks] + ([] if place is None else [place])


def arguments(may_be_nothing: bool) -> Type:
    """bytes; None: in the first frame of the record; or size and number of their chunks."""
    def read(value: Any) -> Any:
        if type(value) is list:
            size, chunks = fields(value, 2)
            return integer(1, (1 << 32) - 1).read(size), integer(1, (1 << 64) - 1).read(chunks)
        need(value is None or type(value) is bytes and len(value) <= ARGS_MOST, "no arguments")
        if value or value is not None and not may_be_nothing:
            check_args(value)
        return value
    return Type(read, lambda value: list(value) if isinstance(value, tuple) else value)


TO, ANYBODY = ACTOR, Type(read_actor_or_reference, write_actor_or_reference)
ARGS, DATA = arguments(False), arguments(True)
TABLES = (("refs", table(REFERENCE, TABLE_MOST)), ("buffers", table(Type(read_buffer, write_buffer), TABLE_MOST)))
SPEAKER = (("node", ID16), ("incarnation", UINT), ("name", NAME), ("host", ID16), ("session", UINT), ("last", UINT),
           ("abilities", UINT32), ("limits", row(UINT, UINT)), ("endpoint", NAME), ("home", NAME))
OPTIONS = Type(lambda value: [] if depth(value) <= DEPTH_MOST and type(value) is list else need(False, "no options"))
SPOT = optional(row(UINT, ID16, UINT8, UINT32, UINT, UINT8, UINT32, UINT, ACTOR))
REMAINING = integer(-1, (1 << 63) - 1)
WAITING = Type(lambda value: value if type(value) is bytes else need(False, "who waits is not bytes"))
MESSAGE = (("to", TO), ("sender", ANYBODY), ("method", NAME), *TABLES)

KINDS: dict[int, tuple[str, tuple[tuple[str, Type], ...]]] = {
    0: ("BATCH", (("sequence", UINT), ("ack", UINT), ("window", UINT), ("held_ms", UINT))),
    1: ("HELLO", (("purpose", UINT8), ("versions", row(UINT32, UINT32)), *SPEAKER)),
    2: ("WELCOME", (("version", UINT32), *SPEAKER)),
    3: ("BYE", (("code", integer(0, (1 << 31) - 1)), ("text", TEXT))),
    4: ("ACK", (("ack", UINT), ("window", UINT))),
    10: ("TELL", (*MESSAGE, ("args", ARGS))),
    11: ("ASK", (*MESSAGE, ("id", UINT), ("remaining_ms", REMAINING), ("args", ARGS))),
    12: ("REPLY", (("id", UINT), *TABLES, ("args", ARGS))),
    13: ("ERROR", (("id", UINT), ("code", integer(-1 << 31, -1)), ("text", TEXT),
                   ("origin", row(optional(ID16), UINT)), ("app_code", INT), *TABLES, ("args", DATA))),
    14: ("CANCEL", (("id", UINT), ("to", TO))),
    15: ("FORWARDED", (("id", UINT), ("reference", REFERENCE))),
    16: ("PROBE", (("id", UINT), ("to", TO), ("waiting", WAITING))),
    20: ("MONITOR", (("id", UINT), ("to", ANYBODY))),
    21: ("DEMONITOR", (("id", UINT), ("to", ANYBODY))),
    22: ("DOWN", (("id", UINT), ("reason", REASON), ("restarts", Type(boolean)))),
    23: ("LINK", (("to", TO), ("sender", ACTOR), ("id", UINT))),
    24: ("UNLINK", (("to", TO), ("sender", ACTOR), ("id", UINT))),
    25: ("EXIT", (("to", TO), ("sender", ACTOR), ("reason", REASON), ("id", UINT))),
    26: ("RETAIN", (("to", TO),)),
    27: ("RELEASE", (("to", ANYBODY), ("count", UINT))),
    30: ("SPAWN", (("id", UINT), ("cls", NAME), ("options", OPTIONS), *TABLES, ("args", ARGS), ("sender", ACTOR),
                   ("remaining_ms", REMAINING))),
    31: ("SPAWNED", (("id", UINT), ("reference", REFERENCE))),
    32: ("STOP", (("to", TO), ("reason", REASON))),
    33: ("RESTART", (("to", TO),)),
    40: ("CHUNK", (("buffer", integer(1, (1 << 64) - 1)), ("offset", UINT), ("total", UINT))),
    41: ("LANE", (("segment", UINT), ("count", UINT))),
}
NUMBERS = {name: number for number, (name, _) in KINDS.items()}


def read_record(value: Any) -> Record | None:
    """None: a kind that is not known."""
    need(type(value) is list and len(value) > 0, "a record is no array that begins with its kind")
    number = UINT.read(value[0])
    if number not in KINDS:
        fields(value, 1)
        return None
    name, types = KINDS[number]
    try:
        record = Record(kind=name)
        for (field, kind), item in zip(types, fields(value, len(types) + 1)[1:]):
            setattr(record, field, kind.read(item))
        if name == "HELLO":   # not there: its dialer does not number them
            record.connection = optional(UINT).read(value[13] if len(value) > 13 else None)
        if name == "SPAWN":   # where on a node that runs; not there: a fresh process
            spot = value[9] if len(value) > 9 else None
            record.spot = SPOT.read(spot)
            record.watchdog_ms = UINT32.read(spot[9]) if record.spot and len(spot) > 9 else 0
        if name == "ASK":   # its asker waits in a call; not there: it does not
            record.waiting = optional(WAITING).read(value[9] if len(value) > 9 else None)
        if name == "CHUNK":
            record.bytes = value[4] if len(value) > 4 else None
            need(record.offset < record.total, "it lies outside of its buffer")
            need(record.bytes is None or type(record.bytes) is bytes, "its bytes are none")
    except Fault as fault:
        raise Fault(f"{name}: {fault}") from None
    return record


def frames_of(record: Record) -> int:
    """How many frames behind the header belong to it."""
    if record.kind == "CHUNK":
        return int(record.bytes is None)
    own = sum(not buffer.chunks and buffer.place is None for buffer in getattr(record, "buffers", ()))
    return own + (getattr(record, "args", b"") is None)


def decode(header: bytes | memoryview) -> list[Record]:
    """The records of a header frame, the first of which is its BATCH. Fault: it breaks the protocol."""
    need(len(header) <= HEADER_MOST, "the header frame is too long")
    read = [read_record(value) for value in values_of(header)]
    records = [record for record in read if record]
    first = bool(read) and read[0] is not None and read[0].kind == "BATCH"
    need(first and [record.kind for record in records].count("BATCH") == 1, "one BATCH, as the first, was expected")
    need(sum(map(frames_of, records)) <= FRAMES_MOST, "the records count too many frames")
    return records


def encode(records: Iterable[Record]) -> bytes:
    """Their bytes, in the shortest forms. What is no record raises what Python raises."""
    packer = msgpack.Packer(autoreset=False, strict_types=True, default=lambda ext: msgpack.ExtType(*ext))
    for record in records:
        number = NUMBERS[record.kind]
        items = [number, *(kind.write(getattr(record, field)) for field, kind in KINDS[number][1])]
        if record.kind == "HELLO" and getattr(record, "connection", None) is not None:
            items.append(record.connection)
        if record.kind == "CHUNK" and record.bytes is not None:
            items.append(record.bytes)
        if record.kind == "ASK" and getattr(record, "waiting", None) is not None:
            items.append(record.waiting)
        if record.kind == "SPAWN" and getattr(record, "spot", None) is not None:
            items.append(SPOT.write(record.spot) + [record.watchdog_ms] * bool(record.watchdog_ms))
        packer.pack(items)
    return packer.bytes()
