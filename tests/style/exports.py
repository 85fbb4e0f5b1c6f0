"""What the shared library shows: its name, the libraries that it needs, and what it exports, which is every function of
the public headers, every one with its prefix, and nothing else.

    exports.py LIBRARY SONAME
"""

import re
import subprocess
import sys

from faults import c_files, finish

COMPONENTS = {"etcd.h", "lmdb.h", "redis.h", "sim.h"}   # headers of libraries of their own
NEEDED = re.compile(r"^(libzmq|libczmq|libmsgpack-?c|libsodium|libc|libm|libpthread|librt|ld-linux[-\w]*)\.so\.\d+$")
DECLARATION = re.compile(r"\bZANNI_EXPORT\b[^;{]*?\b(zanni\w+)\s*\([^;{]*?\)[^;{]*;", re.DOTALL)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def declared():
    """The functions that the public headers promise."""
    names = set()
    for path in c_files("include"):
        if path.name in COMPONENTS:
            continue
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.DOTALL)
        names |= set(DECLARATION.findall(text))
    return names


def dynamic_faults(library, soname):
    text = run("readelf", "-dW", library)
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
        if not NEEDED.match(needed):
            yield f"needs {needed}, which was not promised"
    names = re.findall(r"\(SONAME\).*\[(.*)\]", text)
    if names != [soname]:
        yield f"is called {names}, not {soname}"
    if re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", text):
        yield "has a search path or text relocations"


def symbol_faults(exported):
    promised = declared()
    for symbol in sorted(exported):
        if not symbol.startswith("zanni_") or symbol.startswith("zanni__"):
            yield f"exports {symbol}, which is no name of the API"
        elif symbol not in promised:
            yield f"exports {symbol}, which no public header declares"
    for symbol in sorted(promised - exported):
        yield f"does not export {symbol}, which a public header declares"


def main():
    library, soname = sys.argv[1:]
    rows = [row.split() for row in run("nm", "-D", "--defined-only", library).splitlines()]
    exported = {row[2].split("@")[0] for row in rows if len(row) == 3}
    faults = [*dynamic_faults(library, soname), *symbol_faults(exported)]
    finish(faults, len(exported))


main()
