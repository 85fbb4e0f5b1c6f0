"""Arguments: Python values to and from the one msgpack array that travels, and the tables beside it.

    None, bool, int, float, str     as they are
    bytes                           bytes ("ay")
    list, tuple                     an array or struct
    dict                            a list of pairs ("a{..}"), never a map
    Ref, Served                     a reference ("r")
    Method                          a method of a reference ("M")
    Object                          a value of a registered type ("o")
    forms.Blob                      where bytes lie in a store ("K")
    what has Python's buffer        a buffer ("B"): bytearray, memoryview, array.array, numpy arrays; its elements and
      interface                     shape go along, and it comes as a memoryview of them that cannot be written to

In a program's own packed values ("v") there may be maps, which come as forms.Pairs, and further extensions
(forms.Ext).
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from typing import Any, Callable, Sequence

import msgpack

from .errors import Fault
from .forms import DEPTH_MOST, Blob, Buffer, Ext, Pairs, check_args, depth, values_of

ELEMENTS = "Bbhiq" "BHIQfd"   # of memoryviews, by the number of a kind of element; 0 is raw
NUMBERS = {"bhilq": {1: 1, 2: 2, 4: 3, 8: 4}, "BHILQ": {1: 5, 2: 6, 4: 7, 8: 8}, "fd": {4: 9, 8: 10}, "c": {1: 0}}


@dataclass(frozen=True)
class RefAt:
    """A reference, by its index."""
    index: int


@dataclass(frozen=True)
class BufferAt:
    """A buffer, by its index."""
    index: int


@dataclass(frozen=True)
class MethodAt:
    """A method of a reference, by its index."""
    index: int
    name: str


@dataclass(frozen=True)
class Method:
    """A method of an actor, bound to a reference: `ref` is one, or an actor that is served here."""
    ref: Any
    name: str


@dataclass(frozen=True)
class Object:
    """A value of a registered type: its name, the version that wrote it, its fields by position."""
    type: str
    version: int
    fields: list[Any]


def _index(number: int) -> bytes:
    return bytes([number]) if number < 256 else struct.pack(">H", number)


def _pack(packer: msgpack.Packer, value: Any) -> None:
    """Tables are indices already. TypeError, ValueError, OverflowError: it cannot travel."""
    if isinstance(value, (RefAt, BufferAt)):
        packer.pack_ext_type(1 if isinstance(value, RefAt) else 2, _index(value.index))
    elif isinstance(value, MethodAt):
        packer.pack_ext_type(4, msgpack.packb([value.index, value.name]))
    elif isinstance(value, Blob):
        packer.pack_ext_type(3, value.data)
    elif isinstance(value, Object):
        packer.pack_ext_type(6, msgpack.packb(value.type) + msgpack.packb(value.version) + write(value.fields))
    elif isinstance(value, Ext):
        packer.pack_ext_type(value.type, value.data)
    elif isinstance(value, Pairs):
        packer.pack_map_header(len(value))
        for key, item in value:
            _pack(packer, key)
            _pack(packer, item)
    elif isinstance(value, (list, tuple)):
        packer.pack_array_header(len(value))
        for item in value:
            _pack(packer, item)
    else:
        packer.pack(value)


def write(values: Sequence[Any]) -> bytes:
    """The bytes of an array of values whose references and buffers are indices."""
    packer = msgpack.Packer(autoreset=False, unicode_errors="surrogateescape")
    _pack(packer, values)
    return packer.bytes()


def _extension(ext: Ext, inside: bool) -> Any:
    """What it means; the same where it means nothing that is known, as a registered type does `inside` of another."""
    if ext.type in (1, 2) and len(ext.data) in (1, 2):
        return (RefAt if ext.type == 1 else BufferAt)(int.from_bytes(ext.data, "big"))
    if ext.type == 3 and len(ext.data) == 40:
        return Blob(ext.data)
    try:
        parts = values_of(ext.data) if ext.type == 4 or ext.type == 6 and not inside else []
    except Fault:
        return ext
    if depth(parts) > DEPTH_MOST:
        return ext
    if ext.type == 4 and [type(part) for part in parts] == [list] and [type(part) for part in parts[0]] == [int, str]:
        return MethodAt(*parts[0])
    if ext.type == 6 and [type(part) for part in parts] == [str, int, list]:
        return Object(parts[0], parts[1], [_meaning(item, True) for item in parts[2]])
    return ext


def _meaning(value: Any, inside: bool = False) -> Any:
    if isinstance(value, Ext):
        return _extension(value, inside)
    if isinstance(value, msgpack.Timestamp):   # which msgpack makes of extension -1, whether one likes it or not
        return Ext(-1, value.to_bytes())
    if isinstance(value, Pairs):
        return Pairs((_meaning(key, inside), _meaning(item, inside)) for key, item in value)
    return [_meaning(item, inside) for item in value] if isinstance(value, list) else value


def read(data: bytes | memoryview) -> list[Any]:
    """The values of arguments; references and buffers are indices. Fault: they are no arguments."""
    return [_meaning(item) for item in check_args(data)]


def replace(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same value with what `change` makes of all in it that is no array, map or registered type."""
    if isinstance(value, Object):
        return Object(value.type, value.version, [replace(item, change) for item in value.fields])
    if isinstance(value, Pairs):
        return Pairs((replace(key, change), replace(item, change)) for key, item in value)
    if isinstance(value, dict):
        return [[replace(key, change), replace(item, change)] for key, item in value.items()]
    plain = isinstance(value, list) or type(value) is tuple
    return [replace(item, change) for item in value] if plain else change(value)


def resolve(found: list[Any], refs: list[Any], buffers: list[Any]) -> list[Any]:
    """The same values with what indices stand for. Fault: there is nothing at one."""
    def change(value: Any) -> Any:
        at = value.index if isinstance(value, (RefAt, BufferAt, MethodAt)) else None
        if at is None:
            return value
        if at >= len(buffers if isinstance(value, BufferAt) else refs) or at < 0:
            raise Fault("an index lies outside of its table")
        return buffers[at] if isinstance(value, BufferAt) else refs[at] if isinstance(value, RefAt) else \
            Method(refs[at], value.name)
    return [replace(value, change) for value in found]


def buffer_of(value: Any) -> tuple[Buffer, memoryview] | None:
    """What a record says of a buffer, and its bytes, copied where somebody could change them; None: it is no buffer.
    TypeError: elements of a kind that cannot travel."""
    if isinstance(value, (bytes, str)):
        return None
    try:
        view = memoryview(value)
    except TypeError:
        return None
    letter = view.format.lstrip("@=<" if sys.byteorder == "little" else "@=>!")
    sizes = [sizes for letters, sizes in NUMBERS.items() if len(letter) == 1 and letter in letters]
    element = sizes[0].get(view.itemsize) if sizes else None
    if element is None:
        raise TypeError(f"a buffer of elements \"{view.format}\" cannot travel")
    raw = not element or letter == "B" and view.ndim == 1 and isinstance(view.obj, (bytes, bytearray))
    fixed = view.contiguous and view.c_contiguous and isinstance(view.obj, bytes)
    data = view.cast("B") if fixed and view.nbytes else memoryview(view.tobytes())
    shape = () if raw else tuple(view.shape or ())
    return Buffer(len(data), 0 if raw else element, shape), data


def view_of(buffer: Buffer, data: memoryview) -> memoryview:
    """Received bytes as their elements, in their shape; without one they are a row."""
    letter, width = ELEMENTS[buffer.element], struct.calcsize("=" + ELEMENTS[buffer.element])
    data = data.toreadonly().cast("B")
    if not buffer.shape:
        return data[:len(data) // width * width].cast(letter)
    size = width
    for length in buffer.shape:
        size *= length
    return data[:size].cast(letter, buffer.shape) if size else data[:0].cast(letter)
