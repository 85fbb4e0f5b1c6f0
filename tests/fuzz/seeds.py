"""Writes every golden vector as a file of its own, for libFuzzer to begin with.

    seeds.py GOLDEN-FOLDER OUTPUT-FOLDER
"""

import json
import pathlib
import sys


def main():
    golden, output = map(pathlib.Path, sys.argv[1:])
    output.mkdir(parents=True, exist_ok=True)
    for path in sorted(golden.glob("*.json")):
        for number, vector in enumerate(json.loads(path.read_text())["vectors"]):
            (output / f"{path.stem}-{number:03}").write_bytes(bytes.fromhex(vector["hex"]))


main()
