"""What records consist of, and msgpack as the protocol uses it.

What came may be a lie: msgpack that is cut off, claims more than there is, or nests deeper than anybody needs is a
Fault.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import msgpack

from .errors import Fault

DEPTH_MOST = 32


class Actor(NamedTuple):
    """An actor of the receiver or of the sender, by who speaks."""
    id: int
    nonce: bytes


class Reference(NamedTuple):
    """A full reference; without node and endpoint, it is of the sender's."""
    node: bytes | None
    actor: int
    nonce: bytes
    endpoint: str | None
    cls: str
    flags: int                                # 1 strong, 2 owns


class Blob(NamedTuple):
    """Where bytes lie in a store: 40 bytes."""
    data: bytes


class Buffer(NamedTuple):
    """What a record says of a buffer. `place`: None: in a frame or in chunks; its bytes; a segment and offset; a
    Blob."""
    size: int
    element: int = 0
    shape: tuple[int, ...] = ()
    chunks: int = 0
    place: bytes | tuple[int, int] | Blob | None = None


class Reason(NamedTuple):
    """Why an actor ended."""
    kind: int
    code: int = 0
    text: str = ""

    def __str__(self) -> str:
        kinds = ("normal", "shutdown", "killed", "no such actor", "no connection", "error", "signal", "exit code")
        name = kinds[self.kind] if self.kind < len(kinds) else f"reason {self.kind}"
        return name + (f" {self.code}" if self.kind > 4 else "") + (f": {self.text}" if self.text else "")


class Ext(NamedTuple):
    """An extension of msgpack."""
    type: int
    data: bytes


class Pairs(list):
    """A map, whose keys may be anything: its pairs."""


class Record(SimpleNamespace):
    """A record: `kind`, by its name, and its fields. What the page calls `from` is `sender` here."""


def depth(value: Any) -> int:
    """How many arrays and maps lie inside each other; there may be more than Python likes to recurse."""
    levels, inside = 0, [value]
    while inside := [each for each in inside if isinstance(each, list)]:
        levels += 1
        rows = [row for each in inside for row in (each if isinstance(each, Pairs) else [each])]
        inside = [item for row in rows for item in row]
    return levels


def unpacker(data: bytes | memoryview) -> msgpack.Unpacker:
    """Takes every form of msgpack, and loses nothing of a value but how it was written. A str that is not UTF-8 keeps
    its bytes as Python's escapes."""
    reader = msgpack.Unpacker(raw=False, unicode_errors="surrogateescape", strict_map_key=False,
                              object_pairs_hook=Pairs, ext_hook=Ext, max_buffer_size=max(len(data), 1))
    reader.feed(data)
    return reader


def values_of(data: bytes | memoryview) -> list[Any]:
    """All values of some bytes, which have to end with the last. Fault: they are no msgpack, or cut off."""
    reader, values = unpacker(data), []
    try:
        while reader.tell() < len(data):
            values.append(reader.unpack())
    except msgpack.OutOfData:
        raise Fault("the bytes end inside a value") from None
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise Fault(f"no msgpack: {error}") from None
    return values


def check_args(data: bytes | memoryview) -> list[Any]:
    """The values of arguments as msgpack has them. Fault: they are not one array, or nest too deep."""
    values = values_of(data)
    if len(values) != 1 or type(values[0]) is not list:
        raise Fault("the arguments are not one array")
    if depth(values[0]) > DEPTH_MOST + 1:
        raise Fault("the arguments nest too deep")
    return values[0]
