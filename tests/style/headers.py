"""Each public header compiles alone, and twice in a row, without a warning: as C11 by gcc and clang, as C++17 by g++
and clang++. It is also among those that are installed. Compilers that are not here are named and left out, but for
gcc and g++.

    headers.py INSTALLED-HEADER...      what the build installs, from include/ on
"""

import shutil
import subprocess
import sys

from faults import TOP, c_files, finish, name

COMPILERS = [("gcc", "c", "c11"), ("clang", "c", "c11"), ("g++", "c++", "c++17"), ("clang++", "c++", "c++17")]
NEEDED = ("gcc", "g++")
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only"]


def compile_alone(compiler, language, standard, header):
    """What the compiler says against a header, or ''."""
    line = f"#include <{header}>\n"
    command = [compiler, "-x", language, f"-std={standard}", *FLAGS, f"-I{TOP / 'include'}", "-"]
    result = subprocess.run(command, input=line * 2, capture_output=True, text=True)
    return result.stderr if result.returncode else ""


def main():
    installed = set(sys.argv[1:])
    faults = []
    checked = 0
    present = []
    for compiler in COMPILERS:
        if shutil.which(compiler[0]):
            present.append(compiler)
        elif compiler[0] in NEEDED:
            faults.append(f"{compiler[0]} is not installed")
        else:
            print(f"not checked with {compiler[0]}: it is not installed")
    for path in c_files("include"):
        header = str(path.relative_to(TOP / "include"))
        if header not in installed:
            faults.append(f"{name(path)}: is not installed; list it in src/CMakeLists.txt")
        for compiler, language, standard in present:
            checked += 1
            said = compile_alone(compiler, language, standard, header)
            if said:
                faults.append(f"{name(path)}: {compiler} -std={standard}:\n{said}")
    finish(faults, checked)


main()
