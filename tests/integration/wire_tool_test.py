"""`zanni wire` as its user meets it: every golden vector, as a vector, as hex digits and as captured bytes; what it
says of what is wrong; its exit status.

    wire_tool_test.py PROGRAM GOLDEN-FOLDER
"""

import json
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
GOLDEN = pathlib.Path(sys.argv[2]).resolve()


class Result:
    """What a run printed: JSON objects, complaints, status."""

    def __init__(self, *arguments, given=b""):
        done = subprocess.run([PROGRAM, *arguments], input=given, capture_output=True)
        self.status = done.returncode
        self.text = done.stdout.decode()
        self.complaints = done.stderr.decode()
        self.arguments = arguments

    def frames(self):
        decoder = json.JSONDecoder()
        rest = self.text.strip()
        found = []
        while rest:
            frame, end = decoder.raw_decode(rest)
            found.append(frame)
            rest = rest[end:].strip()
        return found

    def frame(self):
        frames = self.frames()
        check(len(frames) == 1, self)
        return frames[0]


def check(condition, result):
    if not condition:
        print(*result.arguments, result.text, result.complaints, f"status {result.status}", sep="\n")
        raise AssertionError(result.arguments)


def vectors():
    for path in sorted(GOLDEN.glob("*.json")):
        for vector in json.loads(path.read_text())["vectors"]:
            yield path, vector


def check_vector(vector, result):
    frame = result.frame()
    if "records" in vector:
        check(result.status == 0 and not result.complaints and "fault" not in frame, result)
        check(frame == {"records": vector["records"], "frames": vector["frames"]}, result)
        check([list(shown) for shown in frame["records"]] == [list(shown) for shown in vector["records"]], result)
    else:
        check(result.status == 1 and frame["fault"] in result.complaints, result)
        check(vector["fault"] in (None, frame["fault"]), result)


def test_vectors():
    """Each by its name; the fields of each record come in the order of the wire."""
    count = 0
    for path, vector in vectors():
        check_vector(vector, Result("wire", "--vector", vector["name"], path))
        count += 1
    print(f"{count} vectors")
    assert count > 150


def test_hex_and_bytes(folder):
    """The same from digits and from bytes, in files and on standard input."""
    for number, (_, vector) in enumerate(vectors()):
        if number % 10:
            continue
        digits = vector["hex"].encode()
        check_vector(vector, Result("wire", "--hex", given=digits.upper() + b"\n"))
        check_vector(vector, Result("wire", "-", given=bytes.fromhex(vector["hex"])))
        (folder / "frame").write_bytes(bytes.fromhex(vector["hex"]))
        check_vector(vector, Result("wire", folder / "frame"))


def test_several_files(folder):
    """One object a file; one that is wrong does not keep the others from being shown."""
    (folder / "good").write_text("95 00 01 00 0a 00")
    (folder / "bad").write_text("95 00 01 00 0a 00 c1")
    result = Result("wire", "--hex", folder / "good", folder / "bad", folder / "good")
    frames = result.frames()
    check(result.status == 1 and len(frames) == 3 and frames[0] == frames[2], result)
    check(frames[1]["records"] == frames[0]["records"], result)
    words = "bad breaks the protocol: byte 6: the bytes end inside a record, or are no msgpack"
    check(words in result.complaints, result)


def test_values():
    """What JSON has not."""
    arguments = ("9f cf ff ff ff ff ff ff ff ff ca 7f c0 00 00 cb 7f f0 00 00 00 00 00 00 ca ff 80 00 00 a2 61 00 a1 ff"
                 " d9 01 fe d4 01 05 d5 02 01 00 c7 06 04 92 00 a3 61 64 64 d4 04 00 d4 2a 07 c7 03 e0 01 02 03 de 00 01"
                 " 01 02 d8 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f")
    size = len(bytes.fromhex(arguments))
    tell = f"95 00 01 00 0a 00 97 0a c0 c0 a0 90 90 c4 {size:02x} {arguments}"
    result = Result("wire", "--hex", given=tell.encode())
    check(result.status == 0, result)
    check(result.frame()["records"][1]["args"] == [
        "18446744073709551615", "nan", "inf", "-inf", "a\0", {"str": "ff"}, {"str": "fe"}, {"ref": 5}, {"buffer": 256},
        {"method": [0, "add"]}, {"ext": 4, "bytes": "00"}, {"ext": 42, "bytes": "07"}, {"ext": -32, "bytes": "010203"},
        {"map": [[1, 2]]}, {"ext": 1, "bytes": bytes(range(16)).hex()}], result)


def test_complaints(folder):
    records = GOLDEN / "records.json"
    (folder / "not hex").write_text("0g")
    (folder / "odd").write_text("950")
    (folder / "large").write_bytes(bytes(17 << 20))
    (folder / "long").write_bytes(bytes.fromhex("95000100 0a00") + b"\x91\x7f" * 40000)
    for arguments, status, words in [
        (("wire", folder / "nowhere"), 1, "nowhere: No such file or directory"),
        (("wire", folder), 1, "Is a directory"),
        (("wire", "--hex", folder / "not hex"), 1, "is not made of hex digits"),
        (("wire", "--hex", folder / "odd"), 1, "is not made of hex digits"),
        (("wire", "--vector", "nobody's", records), 1, "has no vector of this name"),
        (("wire", "--vector", "a BATCH", folder / "odd"), 1, "odd: "),
        (("wire", folder / "large"), 1, "too large to be a frame"),
        (("wire", folder / "long"), 1, "a header frame is no longer than 65536 bytes"),
        (("wire",), 1, "standard input breaks the protocol: byte 0: the first record is no BATCH"),
        (("wire", "--what"), 2, "unrecognized option"),
        (("wires",), 2, "there is no verb \"wires\""),
        ((), 2, "say what to do"),
    ]:
        result = Result(*arguments)
        check(result.status == status and words in result.complaints, result)


def test_help():
    for arguments, words in ((["--help"], "show what travels between nodes"), (["wire", "--help"], "--vector=NAME"),
                             (["wire", "--usage"], "zanni wire")):
        result = Result(*arguments)
        check(result.status == 0 and words in result.text, result)


def main():
    tests = [value for key, value in sorted(globals().items()) if key.startswith("test_")]
    for test in tests:
        print(f"-- {test.__name__}")
        with tempfile.TemporaryDirectory(prefix="zanni-wire-") as folder:
            test(*[pathlib.Path(folder)] * test.__code__.co_argcount)
    print(f"{len(tests)} tests passed")


main()
