"""The golden vectors through the codec of the Python client (examples/12-python), which shares no code with the
library.

    python_codec_test.py CLIENT GOLDEN      CLIENT: the example's folder; GOLDEN: tests/golden

What is valid decodes to the records of its vector, and encodes to its bytes where these are the shortest; what is
invalid is refused, and no other change of a byte does harm. The vectors show records as `zanni wire` does, so they
are written out in the client's terms first; what arguments hold is compared as values.
"""

import array
import json
import pathlib
import sys

sys.path.insert(0, sys.argv[1])

try:
    from zanni import codec, forms, values
    from zanni.errors import Fault
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ELEMENTS = "raw int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
LARGEST = (1 << 63) - 1   # of what is shown as a number
FIELD = {"from": "sender", "class": "cls", "results": "args", "data": "args"}


def identity(shown):
    return None if shown is None else bytes.fromhex(shown)


def actor(shown):
    """An actor or a reference."""
    if shown is None:
        return None
    if "class" not in shown:
        return forms.Actor(int(shown["actor"]), identity(shown["nonce"]))
    flags = (1 if shown["strong"] else 0) | (2 if shown["own"] else 0)
    return forms.Reference(identity(shown["node"]), int(shown["actor"]), identity(shown["nonce"]), shown["endpoint"],
                           shown["class"], flags)


def buffer(shown):
    place = bytes.fromhex(shown["bytes"]) if "bytes" in shown else \
        tuple(map(int, shown["segment"])) if "segment" in shown else \
        forms.Blob(bytes.fromhex(shown["blob"])) if "blob" in shown else None
    return forms.Buffer(int(shown["size"]), ELEMENTS.index(shown["element"]), tuple(map(int, shown["shape"])),
                        int(shown["chunks"]), place)


def value(shown):
    """A value in arguments, as the codec has it; the tables are the indices themselves."""
    if isinstance(shown, list):
        return [value(item) for item in shown]
    if isinstance(shown, str):
        return int(shown) if shown.isdigit() and int(shown) > LARGEST else shown
    if not isinstance(shown, dict):
        return shown
    makers = {
        "ref": lambda: values.RefAt(shown["ref"]), "buffer": lambda: values.BufferAt(shown["buffer"]),
        "method": lambda: values.MethodAt(*shown["method"]),
        "blob": lambda: forms.Blob(bytes.fromhex(shown["blob"].replace("-", ""))),
        "object": lambda: values.Object(shown["object"], shown["version"], [value(item) for item in shown["fields"]]),
        "map": lambda: forms.Pairs((value(key), value(item)) for key, item in shown["map"]),
        "ext": lambda: forms.Ext(shown["ext"], bytes.fromhex(shown["bytes"])),
        "bytes": lambda: bytes.fromhex(shown["bytes"]),
        "str": lambda: bytes.fromhex(shown["str"]).decode(errors="surrogateescape"),
    }
    return makers[next(key for key in makers if key in shown)]()


def arguments(shown):
    if shown is None:
        return b""
    if isinstance(shown, list):
        return values.write([value(item) for item in shown])
    return None if "framed" in shown else (int(shown["size"]), int(shown["chunks"]))


CONVERT = {
    "to": actor, "from": actor, "reference": actor, "node": identity, "host": identity, "args": arguments,
    "results": arguments, "data": arguments, "refs": lambda shown: list(map(actor, shown)),
    "buffers": lambda shown: list(map(buffer, shown)), "versions": lambda shown: tuple(map(int, shown)),
    "limits": lambda shown: tuple(map(int, shown)), "origin": lambda shown: (identity(shown[0]), int(shown[1])),
    "spot": lambda shown: (shown[0], identity(shown[1]), *shown[2:8], actor(shown[8])),
    "reason": lambda shown: forms.Reason(*shown), "bytes": bytes.fromhex, "waiting": bytes.fromhex,
}
SAME = {"kind", "method", "class", "text", "name", "endpoint", "home", "restarts"}


def record(shown):
    made = codec.Record(kind=shown["kind"])
    for field, item in shown.items():
        setattr(made, FIELD.get(field, field), item if field in SAME else CONVERT.get(field, int)(item))
    if made.kind == "CHUNK":
        made.bytes = getattr(made, "bytes", None)
    if made.kind == "HELLO":
        made.connection = getattr(made, "connection", None)
    if made.kind == "ASK":
        made.waiting = getattr(made, "waiting", None)
    if made.kind == "SPAWN":
        made.options = []
        made.spot = getattr(made, "spot", None)
        made.watchdog_ms = int(shown["spot"][9]) if len(shown.get("spot", ())) > 9 else 0
    return made


def meant(records):
    """Records whose arguments are values, so that it does not matter in what form they were written."""
    def read(args):
        return values.read(args) if isinstance(args, bytes) and args else args
    return [codec.Record(**{**vars(each), "args": read(getattr(each, "args", None))}) for each in records]


def check_valid(vector):
    header = bytes.fromhex(vector["hex"].replace(" ", ""))
    shown = [record(each) for each in vector["records"]]
    decoded = codec.decode(header)
    if meant(decoded) != meant(shown):
        return f"decodes to {decoded}, in place of {shown}"
    if sum(map(codec.frames_of, decoded)) != vector["frames"]:
        return "counts another number of frames"
    if vector.get("canonical", True) and codec.encode(shown) != header:
        return f"encodes to {codec.encode(shown).hex()}"
    return None


def check_invalid(vector):
    try:
        decoded = codec.decode(bytes.fromhex(vector["hex"].replace(" ", "")))
    except Fault:
        return None
    return f"is taken for {decoded}"


def check_lies(vector):
    """Any byte may be another: what is no fault decodes to something, and nothing else happens."""
    header = bytearray.fromhex(vector["hex"].replace(" ", ""))
    for at, byte in enumerate(header[:400]):
        for other in (byte ^ 1, byte ^ 0x80, 0xc0, 0xc1, 0xdd, 0xff):
            header[at] = other
            try:
                for each in codec.decode(bytes(header)):
                    if isinstance(getattr(each, "args", None), bytes) and each.args:
                        values.read(each.args)
            except Fault:
                pass
        header[at] = byte


def check_depths():
    """Neither arrays nor registered types inside each other are more than it can bear."""
    for levels in (30, 900, 1100, 60000):
        for inside in (b"\x91" * levels + b"\x90", b"\x91" + b"\x81\x90" * levels + b"\x90"):
            try:
                forms.check_args(inside)
            except Fault:
                pass
            try:
                codec.decode(b"\x95\x00\x01\x00\x00\x00\x92\x3c" + inside)
            except Fault:
                pass
    data = b"\x90"
    for _ in range(2000):
        data = values.write([forms.Ext(6, b"\xa1t\x01" + data)])
        values.read(data)


def check_values():
    """What a program gives comes as it was, where Python's types are not the wire's."""
    def change(item):
        found = values.buffer_of(item)
        if not found:
            return item
        buffers.append(values.view_of(*found))
        return values.BufferAt(len(buffers) - 1)

    buffers = []
    grid = memoryview(bytes(range(24))).cast("B", (2, 3, 4))
    given = [{"a": 1, "b": [2.5, None]}, (True, b"\0", "\0é"), 1 << 64 - 1, -1 << 63, bytearray(b"raw"), grid,
             grid[1:2], memoryview(array.array("i", range(6)))[::2], values.Object("pair", 1, [5, memoryview(b"")])]
    written = values.write([values.replace(item, change) for item in given])
    back = values.resolve(values.read(written), [], buffers)
    assert back[:4] == [[["a", 1], ["b", [2.5, None]]], [True, b"\0", "\0é"], 1 << 64 - 1, -1 << 63], back
    assert [view.tolist() for view in back[4:8]] == [list(b"raw"), grid.tolist(), grid.tolist()[1:2], [0, 2, 4]], back
    assert [view.format for view in back[4:8]] == ["B", "B", "B", "i"] and back[8].fields[1].nbytes == 0
    for wrong in (1 << 64, object(), memoryview(bytes(8)).cast("P"), 1j):
        try:
            values.write([values.replace(wrong, change)])
        except (TypeError, OverflowError):
            continue
        raise AssertionError(f"{wrong} has travelled")


def main():
    check_depths()
    check_values()
    golden = pathlib.Path(sys.argv[2])
    checked, wrong = 0, 0
    for file, check in (("records", check_valid), ("forms", check_valid), ("invalid", check_invalid)):
        for vector in json.loads((golden / f"{file}.json").read_text())["vectors"]:
            checked += 1
            fault = check(vector)
            check_lies(vector)
            if fault:
                wrong += 1
                print(f"{file}: {vector['name']}: {fault}")
    print(f"{checked} vectors, {wrong} of them wrong")
    sys.exit(wrong != 0 or not checked)


main()
