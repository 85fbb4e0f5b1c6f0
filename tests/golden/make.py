"""Writes the golden vectors: records.json, forms.json, invalid.json. It shares no code with the library.

    make.py [--check]      --check writes nothing; status 1 where a file is not what would be written

Every record is described once, as the JSON that a decoder should show; its bytes are made from that by the few
functions here, which know msgpack and README.md of src/wire/ only. README.md beside this says what a vector is.
"""

import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent

NONCE = bytes(range(0x00, 0x10)).hex()
NONCE_2 = bytes(range(0xf0, 0x100)).hex()
NODE = bytes(range(0x10, 0x20)).hex()
NODE_2 = bytes(range(0x20, 0x30)).hex()
HOST = bytes(range(0xa0, 0xb0)).hex()
ENDPOINT = "ipc:///run/user/1000/zanni/4f/0"
HOME = "ipc:///run/user/1000/zanni/4e/0"

KINDS = {
    "BATCH": 0, "HELLO": 1, "WELCOME": 2, "BYE": 3, "ACK": 4, "TELL": 10, "ASK": 11, "REPLY": 12, "ERROR": 13,
    "CANCEL": 14, "FORWARDED": 15, "PROBE": 16, "MONITOR": 20, "DEMONITOR": 21, "DOWN": 22, "LINK": 23, "UNLINK": 24,
    "EXIT": 25, "RETAIN": 26, "RELEASE": 27, "SPAWN": 30, "SPAWNED": 31, "STOP": 32, "RESTART": 33, "CHUNK": 40, "LANE": 41,
}
ELEMENTS = ["raw", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]


# msgpack, in its shortest forms

def head(size, small, small_most, wide):
    """A length or count: in the first byte, or 1, 2 or 4 bytes behind one of the `wide` ones (None: no such form)."""
    if size <= small_most:
        return bytes([small | size])
    for first, form, most in zip(wide, ">B >H >I".split(), (0xff, 0xffff, 0xffffffff)):
        if first is not None and size <= most:
            return bytes([first]) + struct.pack(form, size)
    raise ValueError(size)


def integer(value):
    if 0 <= value < 0x80 or -0x20 <= value < 0:
        return struct.pack(">b", value)
    start, forms = (0xcc, ">B >H >I >Q") if value >= 0 else (0xd0, ">b >h >i >q")
    for first, form in enumerate(forms.split(), start):
        try:
            return bytes([first]) + struct.pack(form, value)
        except struct.error:
            pass
    raise ValueError(value)


def text(value):
    data = value.encode()
    return head(len(data), 0xa0, 31, (0xd9, 0xda, 0xdb)) + data


def binary(data):
    return head(len(data), 0, -1, (0xc4, 0xc5, 0xc6)) + data


def array(*items):
    return head(len(items), 0x90, 15, (None, 0xdc, 0xdd)) + b"".join(items)


def extension(kind, data):
    fixed = {1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8}
    start = bytes([fixed[len(data)]]) if len(data) in fixed else head(len(data), 0, -1, (0xc7, 0xc8, 0xc9))
    return start + struct.pack(">b", kind) + data


def index(number):
    return bytes([number]) if number < 256 else struct.pack(">H", number)


def value(item):
    """An argument, from how it is shown."""
    if item is None:
        return b"\xc0"
    if isinstance(item, bool):
        return b"\xc3" if item else b"\xc2"
    if isinstance(item, int):
        return integer(item)
    if isinstance(item, float):
        return b"\xcb" + struct.pack(">d", item)
    if isinstance(item, str):
        return text(item)
    if isinstance(item, list):
        return array(*map(value, item))
    if "ref" in item:
        return extension(1, index(item["ref"]))
    if "buffer" in item:
        return extension(2, index(item["buffer"]))
    if "blob" in item:
        return extension(3, bytes.fromhex(item["blob"].replace("-", "")))
    if "method" in item:
        return extension(4, array(integer(item["method"][0]), text(item["method"][1])))
    if "object" in item:
        return extension(6, text(item["object"]) + integer(item["version"]) + array(*map(value, item["fields"])))
    if "map" in item:
        pairs = [value(key) + value(other) for key, other in item["map"]]
        return head(len(pairs), 0x80, 15, (None, 0xde, 0xdf)) + b"".join(pairs)
    if "ext" in item:
        return extension(item["ext"], bytes.fromhex(item["bytes"]))
    return binary(bytes.fromhex(item["bytes"]))


# records

def number(shown):
    return integer(int(shown))


def identity(shown):
    return b"\xc0" if shown is None else binary(bytes.fromhex(shown))


def actor(shown):
    """An actor, or a full reference."""
    if shown is None:
        return b"\xc0"
    if "class" in shown:
        endpoint = b"\xc0" if shown["endpoint"] is None else text(shown["endpoint"])
        flags = (1 if shown["strong"] else 0) | (2 if shown["own"] else 0)
        return array(identity(shown["node"]), number(shown["actor"]), identity(shown["nonce"]), endpoint,
                     text(shown["class"]), integer(flags))
    return array(number(shown["actor"]), identity(shown["nonce"]))


def buffer(shown):
    place = [binary(bytes.fromhex(shown["bytes"]))] if "bytes" in shown else \
        [array(*map(number, shown["segment"]))] if "segment" in shown else \
        [extension(3, bytes.fromhex(shown["blob"]))] if "blob" in shown else []
    if shown["element"] == "raw" and not shown["shape"] and not int(shown["chunks"]) and not place:
        return number(shown["size"])
    return array(number(shown["size"]), integer(ELEMENTS.index(shown["element"])), array(*map(number, shown["shape"])),
                 number(shown["chunks"]), *place)


def arguments(shown):
    if shown is None:
        return binary(b"")
    if isinstance(shown, list):
        return binary(value(shown))
    return b"\xc0" if "framed" in shown else array(number(shown["size"]), number(shown["chunks"]))


FIELDS = {
    "to": actor, "from": actor, "reference": actor, "method": text, "class": text, "text": text, "name": text,
    "endpoint": text, "home": text, "node": identity, "host": identity, "args": arguments, "results": arguments,
    "data": arguments, "refs": lambda shown: array(*map(actor, shown)),
    "buffers": lambda shown: array(*map(buffer, shown)),
    "versions": lambda shown: array(*map(number, shown)), "limits": lambda shown: array(*map(number, shown)),
    "origin": lambda shown: array(identity(shown[0]), number(shown[1])),
    "spot": lambda shown: array(number(shown[0]), identity(shown[1]), *map(number, shown[2:8]), actor(shown[8]), *map(number, shown[9:])),
    "reason": lambda shown: array(integer(shown[0]), integer(shown[1]), text(shown[2])), "restarts": value,
    "bytes": lambda shown: binary(bytes.fromhex(shown)), "waiting": lambda shown: binary(bytes.fromhex(shown)),
}


def record(shown):
    fields = [FIELDS.get(name, number)(field) for name, field in shown.items() if name != "kind"]
    if shown["kind"] == "SPAWN":
        fields.insert(2, array())   # options, of which there are none
    return array(integer(KINDS[shown["kind"]]), *fields)


# the vectors

def batch(sequence=1, ack=0, window=1 << 20, held_ms=0):
    return {"kind": "BATCH", "sequence": sequence, "ack": ack, "window": window, "held_ms": held_ms}


def somebody(number=5, nonce=NONCE):
    return {"actor": number, "nonce": nonce}


def reference(node=NODE, number=7, endpoint=ENDPOINT, strong=True, own=False):
    return {"node": node, "actor": number, "nonce": NONCE_2, "endpoint": endpoint, "class": "counter", "strong": strong,
            "own": own}


def plain(size, element="raw", shape=(), chunks=0):
    return {"size": size, "element": element, "shape": list(shape), "chunks": chunks}


def tell(args, to=somebody(), source=somebody(2, NONCE_2), method="add", refs=(), buffers=()):
    return {"kind": "TELL", "to": to, "from": source, "method": method, "refs": list(refs), "buffers": list(buffers),
            "args": args}


def ask(args, source=somebody(2, NONCE_2), number=9, remaining_ms=5000):
    return {"kind": "ASK", "to": somebody(), "from": source, "method": "add", "refs": [], "buffers": [], "id": number,
            "remaining_ms": remaining_ms, "args": args}


def reply(results, refs=(), buffers=(), number=9):
    return {"kind": "REPLY", "id": number, "refs": list(refs), "buffers": list(buffers), "results": results}


def error(code, words, origin, app_code=0, data=None):
    return {"kind": "ERROR", "id": 9, "code": code, "text": words, "origin": origin, "app_code": app_code, "refs": [],
            "buffers": [], "data": data}


def speaker(number=3, last=0, name="wordcount", home="", abilities=0):
    return {"node": NODE, "incarnation": 1, "name": name, "host": HOST, "session": number, "last": last,
            "abilities": abilities, "limits": [1 << 20, 1 << 30], "endpoint": ENDPOINT, "home": home}


def spawn(args, refs=(), buffers=(), source=somebody(2, NONCE_2), remaining_ms=5000, spot=None):
    shown = {"kind": "SPAWN", "id": 9, "class": "counter", "refs": list(refs), "buffers": list(buffers), "args": args,
             "from": source, "remaining_ms": remaining_ms}
    return {**shown, "spot": spot} if spot else shown


SPAWNED = 5 << 60   # an actor whose spawner chose its number


def nested(depth):
    """`depth` arrays inside each other."""
    item = []
    for _ in range(depth - 1):
        item = [item]
    return item


def count_frames(records):
    """How many frames the records have beside the header."""
    frames = 0
    for shown in records:
        args = shown.get("args", shown.get("results", shown.get("data")))
        frames += shown["kind"] == "CHUNK" and "bytes" not in shown
        frames += isinstance(args, dict) and "framed" in args
        frames += sum(not each["chunks"] and not {"bytes", "segment", "blob"} & each.keys()
                      for each in shown.get("buffers", []))
    return frames


def valid(name, *records, pieces=None):
    """A vector of these records; their bytes are `pieces` where those are not the shortest."""
    vector = {"name": name, "hex": " ".join(piece.hex() for piece in pieces or map(record, records))}
    if pieces:
        vector["canonical"] = False
    return {**vector, "frames": count_frames(records), "records": list(records)}


def one(name, shown):
    return valid(name, batch(), shown)


def session_vectors():
    most = str((1 << 64) - 1)
    hello = {"kind": "HELLO", "purpose": 0, "versions": [1, 1], **speaker()}
    yield valid("a batch of nothing", batch())
    yield valid("a batch with the largest numbers", batch(most, most, most, most))
    yield valid("a message without a number", batch(0, 12))
    yield valid("a first HELLO", batch(0), hello)
    yield valid("a HELLO after a cut, of a process", batch(0, 41),
                {"kind": "HELLO", "purpose": 0, "versions": [1, 3], **speaker(4, 41, "", HOME, 3)})
    yield valid("a HELLO for a pulse", batch(0), {**hello, "purpose": 1})
    yield valid("a HELLO that numbers its connection", batch(0), {**hello, "connection": 70000})
    yield valid("a WELCOME", batch(0), {"kind": "WELCOME", "version": 1, **speaker(3, 17)})
    for code, words in enumerate(["", "declared down 3 s ago", "", "no version in common", "byte 4: no msgpack"]):
        yield valid(f"a BYE with code {code}", batch(0), {"kind": "BYE", "code": code, "text": words})
    yield valid("an ACK", batch(0, 12), {"kind": "ACK", "ack": 12, "window": 65536})
    yield valid("an ACK of a window that is used up", batch(0, 12), {"kind": "ACK", "ack": 12, "window": 0})


def tell_vectors():
    yield one("a tell of one integer", tell([5]))
    yield one("a tell from nobody", tell([5], source=None))
    yield one("a tell to nobody", tell([5], to=None))
    yield one("a tell to the root", tell([5], to=somebody(0)))
    for number in (127, 128, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 63) - 1):
        yield one(f"a tell to actor {number}", tell([5], to=somebody(number)))
    yield one("a tell to the largest actor", tell([5], to=somebody(str((1 << 64) - 1))))
    for size in (0, 8, 9, 31, 32, 255):
        yield one(f"a method's name of {size} bytes", tell([5], method="m" * size))
    yield one("a method's name that is not ASCII", tell([5], method="zähle"))
    yield one("a tell without arguments", tell([]))
    for size in (252, 253, 4092):   # with two bytes of array and head, or four: 254, 256, 4096
        yield one(f"an argument of {size} bytes", tell([{"bytes": "5a" * size}]))
    yield one("arguments of every kind", tell(
        [None, True, False, 0, 127, 128, -1, -32, -33, 65535, 65536, -32769, 1 << 62, str(1 << 62), -(1 << 63), 1.5,
         "text", "", "é", {"bytes": ""}, {"bytes": "00ff"}, [], [1, [2, "three"]], {"map": [["a", 1], [2, []]]},
         {"ext": 3, "bytes": "0102030405"}, {"ext": -1, "bytes": "00000000"}]))
    yield one("a blob", tell([{"blob": "0102030405060708-" + NODE + "-0000000000a00000-fedcba9876543210"}]))
    yield one("an argument 32 arrays deep", tell([nested(32)]))
    yield one("forwarded: the first asker is of a third node", tell([5], source=reference(NODE_2)))
    yield one("arguments in a frame", tell({"framed": True}))
    yield one("arguments in chunks", tell({"size": 3000000, "chunks": 2}))


def table_vectors():
    yield one("a reference beside the arguments", tell([{"ref": 0}], refs=[reference()]))
    yield one("references of every form", tell(
        [{"ref": 0}, {"ref": 1}, {"ref": 2}, {"ref": 3}, {"method": [1, "add"]}],
        refs=[reference(None, 1, None), reference(None, 2, ENDPOINT, False), reference(NODE, 3, HOME, True, True),
              reference(NODE_2, 0, None, False, True)]))
    yield one("a buffer in a frame", tell([{"buffer": 0}], buffers=[plain(1000)]))
    yield one("a buffer of no bytes", tell([{"buffer": 0}], buffers=[plain(0)]))
    yield one("the largest buffer in a frame", tell([{"buffer": 0}], buffers=[plain((1 << 20) + (64 << 10))]))
    yield one("a buffer in chunks", tell([{"buffer": 0}], buffers=[plain(64 << 20, chunks=1)]))
    yield one("a buffer with a shape", tell([{"buffer": 0}], buffers=[plain(4800, "float64", [20, 30])]))
    yield one("a buffer with a shape, in chunks",
              tell([{"buffer": 0}], buffers=[plain(8 << 20, "int16", [2, 2, 1 << 20], 7)]))
    yield one("a buffer with a shape of nothing", tell([{"buffer": 0}], buffers=[plain(10, "int64", [1 << 40, 0])]))
    yield one("a buffer whose elements are known and its shape is not", tell([], buffers=[plain(10, "int8")]))
    yield one("a buffer of eight dimensions", tell([{"buffer": 0}], buffers=[plain(256, "uint8", [2] * 8)]))
    yield one("a buffer in band", tell([{"buffer": 0}], buffers=[{**plain(3), "bytes": "0102ff"}]))
    yield one("a buffer of no bytes in band", tell([{"buffer": 0}], buffers=[{**plain(0), "bytes": ""}]))
    yield one("a buffer with a shape, in band",
              tell([{"buffer": 0}], buffers=[{**plain(4, "int16", [2]), "bytes": "0100ff7f"}]))
    yield one("a buffer in a store", tell([{"buffer": 0}], buffers=[{**plain(100 << 20), "blob": bytes(range(40)).hex()}]))
    yield one("a buffer in shared memory", tell([{"buffer": 0}], buffers=[{**plain(100 << 20), "segment": [9, 4096]}]))
    yield one("buffers in every place", tell([], buffers=[
        plain(7), {**plain(1), "bytes": "55"}, plain(2 << 20, chunks=3),
        {**plain(80, "float64", [2, 5]), "segment": [1 << 40, 0]}, plain(8)]))
    yield one("arguments and buffers in frames", tell({"framed": True}, buffers=[plain(1), plain(2, chunks=1),
              plain(3)]))
    yield one("64 frames", tell({"framed": True}, buffers=[plain(size) for size in range(63)]))
    yield one("17 references, so that their index takes one byte and their count three",
              tell([{"ref": 16}], refs=[reference(None, number, None) for number in range(17)]))


def record_vectors():
    yield one("an ask", ask([1, 2]))
    yield one("an ask without a deadline", ask([], remaining_ms=-1))
    yield one("an ask whose deadline is over", ask([], remaining_ms=0))
    yield one("an ask that was forwarded", ask([1], source=reference(NODE_2)))
    yield one("an ask from nobody", ask([1], source=None))
    yield one("registered types", tell(
        [{"object": "point", "version": 3, "fields": [1.5, -2.5, {"bytes": "010203"}]},
         {"object": "a", "version": 0, "fields": []}, {"object": "nested", "version": 70000, "fields": [None, [2, 7]]},
         {"object": "long", "version": 1, "fields": ["x" * 256]}]))
    yield one("a registered type with a reference and a buffer", ask(
        [{"buffer": 0}, {"object": "page", "version": 1, "fields": [{"buffer": 1}, {"ref": 0}, [{"buffer": 0}]]}])
              | {"refs": [reference(None)], "buffers": [plain(10), plain(20)]})
    yield one("an ask whose asker waits in a call", ask([1]) | {"waiting": text("counter").hex()})
    waiting = [text("counter"), array(identity(NODE), integer(7), text("root"), text("add"), integer(4000)),
               array(identity(NODE_2), integer(0), text("counter"), text("fold"), integer(-1))]
    yield one("an ask whose asker is waited for by two others", ask([1]) | {"waiting": b"".join(waiting).hex()})
    yield one("PROBE, the first", {"kind": "PROBE", "id": 9, "to": somebody(), "waiting": text("counter").hex()})
    yield one("PROBE on its way", {"kind": "PROBE", "id": 9, "to": somebody(), "waiting": b"".join(waiting).hex()})
    yield one("a reply", reply([3]))
    yield one("a reply of nothing", reply([]))
    yield one("a reply with tables", reply([{"ref": 0}, {"buffer": 0}], [reference(None)], [plain(12, "float32", [3])]))
    yield one("a reply in a frame", reply({"framed": True}))
    yield one("an error of zanni's own", error(-10, "no such method: \"ad\"", [None, 5]))
    yield one("an error of an application", error(-19, "no disk", [NODE_2, 0], -7, ["sda", 1]))
    yield one("an error with empty data", error(-19, "", [None, 0], 1, []))
    yield one("CANCEL", {"kind": "CANCEL", "id": 9, "to": somebody()})
    yield one("FORWARDED", {"kind": "FORWARDED", "id": 9, "reference": reference(NODE_2, strong=False)})
    for kind in ("MONITOR", "DEMONITOR"):
        yield one(kind, {"kind": kind, "id": 9, "to": somebody()})
        yield one(f"{kind} at a home", {"kind": kind, "id": 9, "to": reference(NODE_2, 0, strong=False)})
    yield one("DOWN, normal", {"kind": "DOWN", "id": 9, "reason": [0, 0, ""], "restarts": False})
    yield one("DOWN by a signal, and it restarts", {"kind": "DOWN", "id": 9, "reason": [6, 9, ""], "restarts": True})
    yield one("DOWN by an error", {"kind": "DOWN", "id": 9, "reason": [5, -3, "no disk"], "restarts": False})
    for kind in ("LINK", "UNLINK"):
        yield one(kind, {"kind": kind, "to": somebody(), "from": somebody(2, NONCE_2), "id": str((1 << 63) + 9)})
    yield one("EXIT of a link", {"kind": "EXIT", "to": somebody(), "from": somebody(2, NONCE_2), "reason": [7, 1, ""],
                                 "id": str((1 << 63) + 9)})
    yield one("EXIT, a signal", {"kind": "EXIT", "to": somebody(), "from": somebody(2, NONCE_2),
                                 "reason": [5, -3, "no disk"], "id": 0})
    yield one("RETAIN", {"kind": "RETAIN", "to": somebody()})
    yield one("RELEASE", {"kind": "RELEASE", "to": somebody(), "count": 3})
    yield one("RELEASE at a lender", {"kind": "RELEASE", "to": reference(NODE_2), "count": 1})
    yield one("SPAWN", spawn([1]))
    yield one("SPAWN from nobody, with tables", spawn([{"ref": 0}, {"buffer": 0}], [reference()], [plain(5)], None, -1))
    yield one("SPAWN with arguments in a frame", spawn({"framed": True}))
    yield one("SPAWN on a node that runs", spawn([1], remaining_ms=-1, spot=[SPAWNED, NONCE, 0, 0, 0, 0, 0, 0, None]))
    yield one("SPAWN on a node that runs, beside another", spawn(
        [1], remaining_ms=-1, spot=[SPAWNED, NONCE, 1, 3, 1, 2, 100, 1 << 20, somebody()]))
    yield one("SPAWN of an actor with a watchdog", spawn(
        [1], remaining_ms=-1, spot=[SPAWNED, NONCE, 3, 0, 0, 0, 0, 0, None, 60000]))
    yield one("SPAWNED", {"kind": "SPAWNED", "id": 9, "reference": reference(None, 12, None, True, True)})
    yield one("STOP", {"kind": "STOP", "to": somebody(), "reason": [1, 0, ""]})
    yield one("STOP that kills", {"kind": "STOP", "to": somebody(), "reason": [2, 0, ""]})
    yield one("RESTART", {"kind": "RESTART", "to": somebody()})
    yield one("CHUNK, the first", {"kind": "CHUNK", "buffer": 1, "offset": 0, "total": 64 << 20})
    yield one("CHUNK, the last", {"kind": "CHUNK", "buffer": 1, "offset": (64 << 20) - 1, "total": 64 << 20})
    yield one("CHUNK in band", {"kind": "CHUNK", "buffer": 1, "offset": 2, "total": 5, "bytes": "00ff7f"})
    yield one("LANE, uses that are over", {"kind": "LANE", "segment": 9, "count": 3})
    yield one("LANE, a segment that is not used any more", {"kind": "LANE", "segment": 1 << 40, "count": 0})
    yield valid("what one turn produced", batch(8, 7, 900000), tell([5]), tell([6], buffers=[plain(100)]), ask([7]),
                {"kind": "RELEASE", "to": somebody(), "count": 1}, tell({"framed": True}, buffers=[plain(9)]))


B = record(batch())   # what every vector below begins with
TELL_HEAD = b"\x97\x0a"
TO = actor(somebody())
FROM = actor(somebody(2, NONCE_2))
NONE = b"\x90"


def frame(*parts):
    """The BATCH, and one record that is made of these parts."""
    return [B, b"".join(parts)]


def form_vectors():
    first = [batch(), tell([5])]
    unknown = array(integer(60), integer(1), text("what"), array(value({"map": [["k", [1]]]})))
    binary_16 = b"\xc5\x00\x10" + bytes.fromhex(NONCE)
    yield valid("an unknown kind is skipped", *first, pieces=[B, unknown, record(tell([5]))])
    yield valid("an unknown kind of a large number is skipped", *first,
                pieces=[B, array(integer(1 << 40)), record(tell([5]))])
    yield valid("unknown kinds between, at the end", *first,
                pieces=[B, unknown, record(tell([5])), array(integer(255)), array(integer(5), value(None))])
    yield valid("trailing elements of a record are skipped", *first, pieces=frame(
        b"\x99\x0a", TO, FROM, text("add"), NONE, NONE, arguments([5]), text("later"), array(integer(1), NONE)))
    yield valid("trailing elements of BATCH are skipped", *first, pieces=[
        array(integer(0), integer(1), integer(0), integer(1 << 20), integer(0), value(["later"])), record(tell([5]))])
    yield valid("trailing elements of an actor are skipped", *first, pieces=frame(
        TELL_HEAD, array(integer(5), identity(NONCE), integer(1)), FROM, text("add"), NONE, NONE, arguments([5])))
    yield valid("trailing elements of a reference are skipped", batch(), tell([], refs=[reference()]), pieces=frame(
        TELL_HEAD, TO, FROM, text("add"), array(b"\x98" + actor(reference())[1:] + integer(1) + text("x")), NONE,
        arguments([])))
    yield valid("trailing elements of a buffer are skipped", batch(), tell([], buffers=[plain(4, "int8", [4])]),
                pieces=frame(TELL_HEAD, TO, FROM, text("add"), NONE,
                             array(array(integer(4), integer(1), array(integer(4)), integer(0), b"\xc0", NONE)), arguments([])))
    yield valid("trailing elements of arguments in chunks are skipped", batch(), tell({"size": 9, "chunks": 1}),
                pieces=frame(TELL_HEAD, TO, FROM, text("add"), NONE, NONE, array(integer(9), integer(1), integer(2))))
    yield valid("trailing elements of a reason are skipped", batch(),
                {"kind": "STOP", "to": somebody(), "reason": [1, 0, ""]},
                pieces=frame(b"\x93\x20", TO, array(integer(1), integer(0), text(""), value(True))))
    yield valid("trailing elements of versions and limits are skipped", batch(0),
                {"kind": "HELLO", "purpose": 0, "versions": [1, 1], **speaker()},
                pieces=[record(batch(0)), record({"kind": "HELLO", "purpose": 0, "versions": [1, 1, 1], **speaker(),
                                                  "limits": [1 << 20, 1 << 30, 5]})])
    named = {"kind": "HELLO", "purpose": 0, "versions": [1, 1], **speaker()}
    yield valid("a HELLO whose connection is nil, and more", batch(0), named,
                pieces=[record(batch(0)), b"\x9f" + record(named)[1:] + b"\xc0" + text("later")])
    yield valid("a HELLO with more behind its connection", batch(0), {**named, "connection": 7},
                pieces=[record(batch(0)), b"\x9f" + record(named)[1:] + integer(7) + text("later")])
    yield valid("options that are not known are skipped", batch(), spawn([1]), pieces=frame(
        b"\x99\x1e", integer(9), text("counter"), array(text("niceness"), integer(5)), NONE, NONE, arguments([1]), FROM,
        integer(5000)))
    yield valid("integers in wide and in signed forms", batch(), tell([5]), pieces=[
        array(b"\xcc\x00", b"\xcd\x00\x01", b"\xd3" + bytes(8), b"\xd2\x00\x10\x00\x00", b"\xcf" + bytes(8)),
        b"".join([b"\x97\xcc\x0a", array(b"\xd0\x05", identity(NONCE)),
                  array(b"\xce\x00\x00\x00\x02", identity(NONCE_2)), text("add"), NONE, NONE, arguments([5])])])
    yield valid("heads in wide forms", *first, pieces=frame(
        b"\xdd\x00\x00\x00\x07\x0a", b"\xdc\x00\x02\x05" + binary_16, FROM, b"\xdb\x00\x00\x00\x03add", b"\xdc\x00\x00",
        b"\xdd\x00\x00\x00\x00", b"\xc6\x00\x00\x00\x02\x91\x05"))
    yield valid("a full reference whose node has a wide head", batch(), ask([1], source=reference(NODE)), pieces=frame(
        b"\x99\x0b", TO, b"\x96\xc5\x00\x10" + bytes.fromhex(NODE) + actor(reference())[19:], text("add"), NONE, NONE,
        integer(9), integer(5000), arguments([1])))
    yield valid("flags that are not known", batch(), tell([], refs=[reference()]), pieces=frame(
        TELL_HEAD, TO, FROM, text("add"), array(actor(reference())[:-1] + b"\x7d"), NONE, arguments([])))
    yield valid("a plain buffer in its long form", batch(), tell([], buffers=[plain(4)]), pieces=frame(
        TELL_HEAD, TO, FROM, text("add"), NONE, array(array(integer(4), integer(0), NONE, integer(0))), arguments([])))
    yield valid("registered types in wide forms", batch(), tell([{"object": "a", "version": 1, "fields": [5]}]),
                pieces=frame(TELL_HEAD, TO, FROM, text("add"), NONE, NONE, binary(
                    b"\x91\xc8\x00\x0c\x06" + b"\xd9\x01a" + b"\xcd\x00\x01" + b"\xdc\x00\x01" + b"\xd1\x00\x05")))
    yield valid("an extension 6 that is no registered type", batch(), tell([{"ext": 6, "bytes": "a16101"}]),
                pieces=frame(TELL_HEAD, TO, FROM, text("add"), NONE, NONE, binary(
                    b"\x91" + extension(6, b"\xa1a\x01"))))
    yield valid("arguments in wide forms", batch(), tell([1.5, 300, "é"]), pieces=frame(
        TELL_HEAD, TO, FROM, text("add"), NONE, NONE,
        binary(b"\xdc\x00\x03\xca\x3f\xc0\x00\x00\xd1\x01\x2c\xd9\x02\xc3\xa9")))


def invalid(name, before, wrong, after, kind, fault):
    """`wrong` is what a decoder stumbles over; the fault that is expected names where it begins."""
    place = f"byte {len(before)}" + (f", {kind}" if kind else "")
    return {"name": name, "hex": (before + wrong + after).hex(), "fault": f"{place}: {fault}"}


BROKEN = "the bytes end inside a record, or are no msgpack"
UNKNOWN = "an unknown field is cut off, is no msgpack, or nests too deep"
FEW = "a record or an array in it has too few fields"
NO_ACTOR = "to is neither nil nor [actor, nonce]"
NO_FROM = "from is neither nil nor [actor, nonce] nor a full reference"
NO_METHOD = "method is no UTF-8 text of at most 255 bytes"
NO_REFS = "refs is no array of at most 1024 references"
NO_BUFFERS = "buffers is no array of at most 1024 buffers"
NO_ARGS = "the arguments are neither at most 4096 bytes, nor nil, nor [size, chunks]"
NO_BATCH = "the first record is no BATCH"
NO_RECORD = "a record is no array that begins with its kind"
NO_KIND = "a record's kind is no unsigned integer"
NO_SIZE = "arguments in chunks have no size or no number"
NO_REFERENCE = "reference is no full reference"
NO_ENTRY = "an entry of refs is no full reference"
NO_BUFFER = "an entry of buffers is neither a size nor [size, element, shape, chunks]"


def invalid_frames():
    tell_5 = record(tell([5]))
    yield invalid("no bytes", b"", b"", b"", "", NO_BATCH)
    yield invalid("no BATCH first", b"", tell_5, b"", "TELL", NO_BATCH)
    yield invalid("an ACK first", b"", record({"kind": "ACK", "ack": 1, "window": 0}), b"", "ACK", NO_BATCH)
    yield invalid("a BATCH that is not first", B + tell_5, B, b"", "BATCH", "a BATCH is not the first record")
    yield invalid("no array", B, b"\x05", b"", "", NO_RECORD)
    yield invalid("a map in place of a record", B, b"\x81\x0a\x01", b"", "", NO_RECORD)
    yield invalid("an empty record", B, b"\x90", b"", "", NO_RECORD)
    yield invalid("a kind that is no integer", B + b"\x92", text("TELL"), b"\x01", "", NO_KIND)
    yield invalid("a kind below zero", B + b"\x91", b"\xff", b"", "", NO_KIND)
    yield invalid("a byte that is no msgpack", B, b"\xc1", b"", "", BROKEN)
    yield invalid("trailing garbage", B + tell_5, b"\xc1\xff", b"", "", BROKEN)
    yield invalid("a trailing string", B + tell_5, text("more"), b"", "", NO_RECORD)
    yield invalid("four billion elements", B, b"\xdd\xff\xff\xff\xff\x0a", b"", "", BROKEN)
    yield invalid("a record that claims one element more than there is", B + b"\x98" + tell_5[1:], b"", b"", "TELL",
                  UNKNOWN)
    yield invalid("too few fields", B + b"\x93\x0a" + TO + FROM, b"", b"", "TELL", FEW)
    yield invalid("a BATCH with too few fields", b"\x94\x00\x01\x00\x00", b"", b"", "BATCH", FEW)
    yield invalid("a BATCH whose ack is no integer", b"\x95\x00\x01", text("x"), b"\x00\x00", "BATCH",
                  "ack is no unsigned integer in range")
    yield invalid("a BATCH whose sequence is below zero", b"\x95\x00", b"\xff", b"\x00\x00\x00", "BATCH",
                  "sequence is no unsigned integer in range")
    yield invalid("an unknown kind that is cut off", B + b"\x93\x3c\x01", b"\xa5ab", b"", "", UNKNOWN)
    yield invalid("an unknown kind that nests too deep", B + b"\x92\x3c", nested_bytes(33), b"", "", UNKNOWN)
    yield invalid("a trailing element that nests too deep", B + b"\x98" + tell_5[1:], nested_bytes(40), b"", "TELL",
                  UNKNOWN)


def nested_bytes(depth):
    return b"\x91" * (depth - 1) + b"\x90"


def invalid_tells():
    good = [TO, FROM, text("add"), NONE, NONE, arguments([5])]

    def broken(name, place, wrong, fault, behind=b""):
        """A tell whose field at `place` is `wrong`, or begins with `behind` what is right."""
        before = B + TELL_HEAD + b"".join(good[:place]) + behind
        return invalid(name, before, wrong, b"".join(good[place + 1:]), "TELL", fault)

    nonce = identity(NONCE)
    relayed = "to is neither nil nor [actor, nonce]"
    yield broken("to is a number", 0, b"\x05", relayed)
    yield broken("to is a string", 0, text("root"), relayed)
    yield broken("to is an array of one", 0, b"\x91\x05", relayed)
    yield broken("to is a full reference, where none may be", 0, identity(NODE), relayed, b"\x96") \
        | {"hex": (B + TELL_HEAD + actor(reference()) + b"".join(good[1:])).hex()}
    yield broken("an actor below zero", 0, b"\xff", relayed, b"\x92")
    yield broken("an actor that is a float", 0, b"\xca\x00\x00\x00\x00", relayed, b"\x92")
    yield broken("a nonce of 15 bytes", 0, binary(bytes(15)), relayed, b"\x92\x05")
    yield broken("a nonce of 17 bytes", 0, binary(bytes(17)), relayed, b"\x92\x05")
    yield broken("a nonce that is a string", 0, text("0123456789abcdef"), relayed, b"\x92\x05")
    yield broken("a nonce that is nil", 0, b"\xc0", relayed, b"\x92\x05")
    yield broken("a trailing element of an actor that is no msgpack", 0, b"\xc1", UNKNOWN, b"\x93\x05" + nonce)
    yield broken("from is true", 1, b"\xc3", NO_FROM)
    yield broken("from is a reference that is cut short", 1, identity(NODE), NO_FROM, b"\x95") \
        | {"fault": f"byte {len(B + TELL_HEAD + TO)}, TELL: {NO_FROM}"}
    yield broken("a method that is bytes", 2, binary(b"add"), NO_METHOD)
    yield broken("a method that is nil", 2, b"\xc0", NO_METHOD)
    yield broken("a method's name of 256 bytes", 2, text("m" * 256), NO_METHOD)
    yield broken("a method's name with a NUL", 2, b"\xa3a\0b", NO_METHOD)
    yield broken("a method's name that is not UTF-8", 2, b"\xa3a\xffb", NO_METHOD)
    yield broken("a long method's name that is not UTF-8", 2, b"\xac0123456789\xc3\x28", NO_METHOD)
    yield broken("refs is nil", 3, b"\xc0", NO_REFS)
    yield broken("refs is a map", 3, b"\x80", NO_REFS)
    yield broken("1,025 references", 3, b"\xdc\x04\x01" + b"\xc0" * 1025, NO_REFS)
    yield broken("more references than there are bytes", 3, b"\xdc\x03\xff", BROKEN)
    yield broken("a reference that is an actor", 3, array(integer(5), nonce), NO_ENTRY, b"\x91")
    yield broken("buffers is a number", 4, b"\x01", NO_BUFFERS)
    yield broken("1,025 buffers", 4, b"\xdc\x04\x01" + b"\x00" * 1025, NO_BUFFERS)
    yield broken("arguments that are a string", 5, text("five"), NO_ARGS)
    yield broken("arguments that are not packed in bytes", 5, b"\x91\x05", NO_ARGS)
    yield broken("4,097 bytes of arguments", 5, binary(b"\xc5\x0f\xfe" + bytes(4094)), NO_ARGS)
    yield broken("arguments in chunks without a number", 5, b"\x00", NO_SIZE, b"\x92\x09")
    yield broken("arguments in chunks without a size", 5, b"\x01", NO_SIZE, b"\x92\x00")
    yield broken("arguments in chunks with a size that is no integer", 5, b"\xc0", NO_ARGS, b"\x92") \
        | {"hex": (B + TELL_HEAD + b"".join(good[:5]) + b"\x92\xc0\x01").hex()}
    yield broken("arguments of 4 GiB", 5, integer(1 << 32), NO_ARGS, b"\x92") \
        | {"hex": (B + TELL_HEAD + b"".join(good[:5]) + b"\x92" + integer(1 << 32) + b"\x01").hex()}


def invalid_parts():
    parts = [identity(NODE), integer(7), identity(NONCE_2), text(ENDPOINT), text("counter"), integer(1)]
    before = B + b"\x93\x1f\x09\x96"

    def broken(name, place, wrong, fault):
        return invalid(name, before + b"".join(parts[:place]), wrong, b"".join(parts[place + 1:]), "SPAWNED", fault)

    def buffer_of(name, inside, wrong, fault, after=b""):
        head_of = B + TELL_HEAD + TO + FROM + text("add") + NONE + b"\x91"
        return invalid(name, head_of + inside, wrong, after + arguments([]), "TELL", fault)

    yield broken("a reference's node of 4 bytes", 0, binary(b"node"), "a reference's node is neither nil nor 16 bytes")
    yield broken("a reference's actor that is nil", 1, b"\xc0", "a reference's actor is no unsigned integer")
    yield broken("a reference's nonce that is nil", 2, b"\xc0", "a reference's nonce is not 16 bytes")
    endpoint = "a reference's endpoint is neither nil nor a UTF-8 text of 1 to 255 bytes"
    yield broken("a reference's endpoint that is empty", 3, text(""), endpoint)
    yield broken("a reference's endpoint of 256 bytes", 3, text("e" * 256), endpoint)
    yield broken("a reference's class that is a number", 4, b"\x05",
                 "a reference's class is no UTF-8 text of at most 255 bytes")
    yield broken("a reference's flags that are a bool", 5, b"\xc3", "a reference's flags are no unsigned integer")
    yield invalid("SPAWNED without a reference", B + b"\x93\x1f\x09", b"\xc0", b"", "SPAWNED", NO_REFERENCE)
    yield invalid("FORWARDED with an actor", B + b"\x93\x0f\x09", TO, b"", "FORWARDED", NO_REFERENCE)

    yield buffer_of("a buffer that is bytes", b"", binary(b"x"),
                    NO_BUFFER)
    yield buffer_of("a buffer with too few parts", b"", array(integer(1), integer(0), NONE),
                    NO_BUFFER)
    yield buffer_of("a buffer that is too large for a frame", b"", integer((1 << 20) + (64 << 10) + 1),
                    "a buffer is too large for a frame")
    yield buffer_of("a buffer of a size below zero", b"", b"\xff",
                    NO_BUFFER)
    yield buffer_of("an element that is not known", b"\x94\x09", b"\x0b", "a buffer's element is not known",
                    b"\x90\x00")
    yield buffer_of("nine dimensions", b"\x94\x09\x01", b"\x99" + b"\x01" * 9,
                    "a buffer's shape is no array of at most 8",
                    b"\x00")
    yield buffer_of("a shape of strings", b"\x94\x09\x01\x91", text("x"),
                    "a buffer's shape holds no unsigned integer", b"\x00")
    shape = "a buffer's shape holds more than the buffer"
    yield buffer_of("a shape that is larger than its buffer", b"", array(integer(15), integer(4), array(integer(2)),
                    integer(0)),
                    shape)
    yield buffer_of("a shape whose product is over 64 bits", b"",
                    array(integer(16), integer(1), array(integer(1 << 63), integer(2)), integer(0)), shape)
    place = "a buffer's place is neither nil, nor its bytes, nor [segment, offset], nor a blob"
    yield buffer_of("a buffer whose place is a number", b"\x95\x04\x00\x90\x00", b"\x01", place)
    yield buffer_of("a buffer in a blob that is too short", b"\x95\x04\x00\x90\x00", extension(3, bytes(39)), place)
    yield buffer_of("a buffer in a segment without an offset", b"\x95\x04\x00\x90\x00", b"\x91\x01", place)
    yield buffer_of("a buffer in a segment that is none", b"\x95\x04\x00\x90\x00\x92\x00", b"\x00", place)
    yield buffer_of("a buffer in a segment of bytes", b"\x95\x04\x00\x90\x00\x92", b"\xc4\x00", place, b"\x00")
    yield buffer_of("a buffer in band that is shorter than its size", b"\x95\x04\x00\x90\x00", binary(b"abc"),
                    "a buffer in band is not as large as it says")
    yield buffer_of("a buffer in chunks and in band", b"\x95\x04\x00\x90\x01", binary(b"abcd"),
                    "a buffer comes in chunks and otherwise, too")
    yield buffer_of("a buffer without a byte in chunks", b"", array(integer(0), integer(0), NONE, integer(1)),
                    "a buffer without a byte comes in chunks")


def invalid_others():
    def of(name, kind, before, wrong, after, fault):
        return invalid(name, B + before, wrong, after, kind, fault)

    hello = {"kind": "HELLO", "purpose": 0, "versions": [1, 1], **speaker()}
    yield of("HELLO whose versions are no array", "HELLO", b"\x9d\x01\x00", b"\x01", b"\x00" * 12,
             "a field is not the array that it should be")
    yield of("HELLO with one version", "HELLO", b"\x9d\x01\x00\x91\x01", b"", b"\x00" * 12, FEW)
    yield of("HELLO of a node of 8 bytes", "HELLO", b"\x9d\x01\x00\x92\x01\x01", binary(bytes(8)), b"\x00" * 12,
             "node is not 16 bytes")
    yield of("HELLO with a purpose over 255", "HELLO", b"\x9d\x01", b"\xcd\x01\x00", b"\x00" * 12,
             "purpose is no unsigned integer in range")
    yield of("WELCOME with a version over 32 bits", "WELCOME", b"\x9c\x02", integer(1 << 32), b"\x00" * 12,
             "version is no unsigned integer in range")
    full = record(hello)
    yield of("HELLO whose connection is a text", "HELLO", b"\x9e" + full[1:], text("7"), b"",
             "connection is neither nil nor an unsigned integer")
    yield of("HELLO that is cut in its home", "HELLO", full[:-1], b"\xa4hom", b"", BROKEN)
    yield of("BYE with a code below zero", "BYE", b"\x93\x03", b"\xff", text(""), "code is no integer in range")
    yield of("BYE with a text of 232 bytes", "BYE", b"\x93\x03\x04", text("x" * 232), b"",
             "text is no UTF-8 text of at most 231 bytes")
    yield of("ERROR with code 0", "ERROR", b"\x99\x0d\x09", b"\x00", text("") + b"\x92\xc0\x05\x00\x90\x90\xc4\x00",
             "code is no integer in range")
    yield of("ERROR with a code below 32 bits", "ERROR", b"\x99\x0d\x09", integer(-(1 << 31) - 1),
             text("") + b"\x92\xc0\x05\x00\x90\x90\xc4\x00", "code is no integer in range")
    yield of("ERROR whose origin's node is a number", "ERROR", b"\x99\x0d\x09\xff" + text("") + b"\x92", b"\x05",
             b"\x05\x00\x90\x90\xc4\x00", "the origin's node is neither nil nor 16 bytes")
    yield of("ERROR with a code of its application over 63 bits", "ERROR",
             b"\x99\x0d\x09\xff" + text("") + b"\x92\xc0\x05",
             integer(1 << 63), b"\x90\x90\xc4\x00", "app_code is no integer in range")
    yield of("ASK with less than no time", "ASK", b"\x99\x0b" + TO + FROM + text("add") + NONE + NONE + b"\x09",
             b"\xfe",
             arguments([]), "remaining_ms is no integer in range")
    yield of("ASK with an id that is nil", "ASK", b"\x99\x0b" + TO + FROM + text("add") + NONE + NONE, b"\xc0",
             b"\x00" + arguments([]), "id is no unsigned integer in range")
    yield of("ASK whose asker waits for a number", "ASK",
             b"\x9a\x0b" + TO + FROM + text("add") + NONE + NONE + b"\x09\x00" + arguments([]), b"\x05", b"",
             "who waits is neither nil nor bytes")
    yield of("MONITOR of a number", "MONITOR", b"\x93\x14\x09", b"\x05", b"",
             "to is neither nil nor [actor, nonce] nor a full reference")
    yield of("DOWN whose reason is a string", "DOWN", b"\x94\x16\x09", text("normal"), b"\xc2",
             "a field is not the array that it should be")
    yield of("DOWN whose reason has a kind over 255", "DOWN", b"\x94\x16\x09\x93", b"\xcd\x01\x00", b"\x00\xa0\xc2",
             "the reason's kind is no unsigned integer in range")
    yield of("DOWN whose restarts is 1", "DOWN", b"\x94\x16\x09\x93\x00\x00\xa0", b"\x01", b"", "restarts is no bool")
    yield of("LINK from a full reference", "LINK", b"\x94\x17" + TO + b"\x96", identity(NODE), actor(reference())[19:],
             "from is neither nil nor [actor, nonce]")
    yield of("EXIT whose number is nil", "EXIT", b"\x95\x19" + TO + FROM + b"\x93\x00\x00\xa0", b"\xc0", b"",
             "id is no unsigned integer in range")
    yield of("RELEASE of less than nothing", "RELEASE", b"\x93\x1b" + TO, b"\xff", b"",
             "count is no unsigned integer in range")
    yield of("SPAWN whose options are a map", "SPAWN", b"\x99\x1e\x09" + text("counter"), b"\x80",
             NONE + NONE + arguments([]) + FROM + b"\x00", "options is no array")
    yield of("SPAWN of a class with a long name", "SPAWN", b"\x99\x1e\x09", text("c" * 256),
             NONE + NONE + NONE + arguments([]) + FROM + b"\x00", "class is no UTF-8 text of at most 255 bytes")
    spot = "spot is neither nil nor [actor, nonce, place, worker, flags, overflow, messages, bytes, beside]"
    before = b"\x9a\x1e\x09" + text("counter") + NONE + NONE + NONE + arguments([]) + FROM + b"\x00"
    yield of("SPAWN whose spot is a number", "SPAWN", before, b"\x05", b"", spot)
    yield of("SPAWN whose spot has no room for whom it is beside", "SPAWN", before,
             array(integer(5), identity(NONCE), *[integer(0)] * 6), b"", spot)
    yield of("SPAWN of an actor without a nonce", "SPAWN", before + b"\x99\x05", b"\xc0", b"\x00" * 6 + b"\xc0", spot)
    yield of("SPAWN at a place over 255", "SPAWN", before + b"\x99\x05" + identity(NONCE), b"\xcd\x01\x00",
             b"\x00" * 5 + b"\xc0", spot)
    chunk = "a chunk has no number, or lies outside of its buffer"
    yield of("CHUNK without a number", "CHUNK", b"\x94\x28\x00\x00", b"\x05", b"", chunk)
    yield of("CHUNK at its buffer's end", "CHUNK", b"\x94\x28\x01\x05", b"\x05", b"", chunk)
    yield of("CHUNK whose bytes are a number", "CHUNK", b"\x95\x28\x01\x00\x05", b"\x07", b"",
             "a chunk's bytes are neither nil nor bytes")
    yield of("LANE of a string", "LANE", b"\x93\x29", text("fd"), b"\x01", "segment is no unsigned integer in range")
    yield of("LANE without a count", "LANE", b"\x92\x29\x01", b"", b"", FEW)


def invalid_args():
    array_fault = "the arguments are not one well-formed array"

    def of(name, data):
        return invalid(name, B, TELL_HEAD + TO + FROM + text("add") + NONE + NONE + binary(data), b"", "TELL",
                       array_fault)

    yield of("arguments of no bytes", b"")
    yield of("arguments that are one integer", b"\x05")
    yield of("arguments that are a map", b"\x81\x01\x02")
    yield of("arguments that are cut off", b"\x92\x05\xa3ab")
    yield of("arguments with something behind", b"\x91\x05\x05")
    yield of("arguments that are no msgpack", b"\x91\xc1")
    yield of("four billion arguments", b"\xdd\xff\xff\xff\xff")
    yield of("an argument 33 arrays deep", b"\x91" + nested_bytes(33))
    yield of("an argument deep in arrays that never end", b"\x91" * 4000)
    yield invalid("results that are one string", B, record(reply([]))[:-3] + binary(text("five")), b"", "REPLY",
                  array_fault)
    yield invalid("65 frames", B, record(tell({"framed": True}, buffers=[plain(size) for size in range(64)])), b"",
                  "TELL",
                  "the records count more frames than a message may have")
    many = record(tell([], buffers=[plain(1) for _ in range(40)]))
    yield invalid("80 frames of two records", B + many, many, b"", "TELL",
                  "the records count more frames than a message may have")


def cut_vectors():
    """A frame that is cut in many places. (A unit test cuts every valid one everywhere.)"""
    whole = record(tell([5], source=reference(NODE), refs=[reference()], buffers=[plain(4, "int8", [4])]))
    for size in range(1, len(whole), 9):
        yield {"name": f"a tell that is cut behind byte {size}", "hex": (B + whole[:size]).hex(), "fault": None}


ABOUT = {
    "records": "Every kind of record, in the forms that we write: encoding the records gives the same bytes.",
    "forms": "Valid, but not as we write it: wide forms, unknown kinds and elements, which readers pass over.",
    "invalid": "What a reader must refuse. `fault` is what this library says; null where any fault will do.",
}
VECTORS = {
    "records": [session_vectors, tell_vectors, table_vectors, record_vectors],
    "forms": [form_vectors],
    "invalid": [invalid_frames, invalid_tells, invalid_parts, invalid_others, invalid_args, cut_vectors],
}


def file_text(group):
    vectors = [vector for source in VECTORS[group] for vector in source()]
    names = [vector["name"] for vector in vectors]
    assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]
    rows = ",\n".join("    " + json.dumps(vector, ensure_ascii=False) for vector in vectors)
    return f'{{\n  "about": {json.dumps(ABOUT[group])},\n  "vectors": [\n{rows}\n  ]\n}}\n'


def main():
    stale = []
    for group in VECTORS:
        path = HERE / f"{group}.json"
        fresh = file_text(group)
        if "--check" not in sys.argv:
            path.write_text(fresh)
        elif not path.is_file() or path.read_text() != fresh:
            stale.append(path.name)
    if stale:
        sys.exit(f"not what make.py writes: {', '.join(stale)}")


main()
