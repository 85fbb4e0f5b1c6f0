"""zanni keygen, as its user meets it: two files, one of them secret, and nothing is overwritten.

    keygen_tool_test.py ZANNI
"""

import pathlib
import re
import stat
import subprocess
import sys
import tempfile

KEY = re.compile(r'^    (public|secret)-key = "(.{40})"$', re.MULTILINE)


def main():
    zanni = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        secret = pathlib.Path(folder, "node.key")
        public = pathlib.Path(folder, "node.key.pub")

        def keygen(*arguments):
            return subprocess.run([zanni, "keygen", *arguments], capture_output=True, text=True)

        made = keygen(str(secret))
        assert made.returncode == 0 and not made.stdout and not made.stderr, made
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        keys = dict(KEY.findall(secret.read_text()))
        assert set(keys) == {"public", "secret"}, keys
        assert dict(KEY.findall(public.read_text())) == {"public": keys["public"]}
        before = secret.read_text()
        again = keygen(str(secret))
        assert again.returncode == 1 and "File exists" in again.stderr, again
        secret.unlink()
        beside = keygen(str(secret))
        assert beside.returncode == 1 and not secret.exists(), "the public one was there, and so none is made"
        public.unlink()
        assert keygen(str(secret)).returncode == 0 and secret.read_text() != before
        assert keygen().returncode != 0 and keygen("a", "b").returncode != 0


main()
