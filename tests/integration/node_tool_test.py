"""`zanni node`, `call`, `describe`, `ps` and `doctor` as their user meets them: against real nodes, which are started here on
127.0.0.1, with a secret and without.

    node_tool_test.py PROGRAM LIBRARY
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
LIBRARY = pathlib.Path(sys.argv[2]).resolve()
SECRET = "a secret of the tests"
DEADLINE = 60


def environment(secret, folder):
    chosen = {name: value for name, value in os.environ.items() if name != "ZANNI_SECRET"}
    chosen["XDG_RUNTIME_DIR"] = str(folder)
    return {**chosen, "ZANNI_SECRET": secret} if secret is not None else chosen


class Result:
    """What a run printed: text, values, complaints, status."""

    folder = None

    def __init__(self, *arguments, secret=SECRET):
        done = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE,
                              env=environment(secret, self.folder))
        self.status = done.returncode
        self.text = done.stdout.decode()
        self.complaints = done.stderr.decode()
        self.arguments = arguments

    def values(self):
        decoder, rest, found = json.JSONDecoder(), self.text.strip(), []
        while rest:
            value, end = decoder.raw_decode(rest)
            found.append(value)
            rest = rest[end:].strip()
        return found


def check(condition, result):
    if not condition:
        print(*result.arguments, result.text, result.complaints, f"status {result.status}", sep="\n")
        raise AssertionError(result.arguments)


class Node:
    """A `zanni node`, which ends well with the block."""

    def __init__(self, *arguments, secret=SECRET):
        self.process = subprocess.Popen(
            [PROGRAM, "node", "--listen", "tcp://127.0.0.1:0", "--load", LIBRARY, *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(secret, Result.folder))
        line = self.process.stdout.readline().decode()
        match = re.fullmatch(r"zanni: listens at (tcp://127\.0\.0\.1:\d+)\n", line)
        if not match:
            self.process.kill()
            raise AssertionError((line, self.process.stderr.read().decode()))
        self.endpoint = match.group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)

    def end(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, self.complaints = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0, (self.process.returncode, self.complaints.decode())


def answers(expected, *arguments, **options):
    result = Result("call", *arguments, **options)
    check(result.status == 0 and not result.complaints and result.values() == expected, result)


def fails(words, *arguments, status=1, **options):
    result = Result(*arguments, **options)
    check(result.status == status and words in result.complaints and not result.text, result)


def test_call():
    with Node("--offer", "clerk=desk") as node:
        desk = node.endpoint + "/desk"
        answers([5], desk, "add", "2", "3")
        answers([-1], desk, "add", "-3", "2")
        answers([1.25], desk, "half", "2.5")
        answers([3.5], desk, "half", "7")
        for value in (1, -5, 2.5, "a text", True, None, [], [1, [2, "x"]], 1 << 62):
            answers([value], desk, "echo", json.dumps(value))
        answers([{"bytes": "00ff"}], desk, "echo", '{"bytes": "00ff"}')
        answers([7, 2], desk, "sum", '{"a": 3, "b": 4}')
        answers([0, 0], desk, "sum", "{}")
        result = Result("call", desk, "same", '{"bytes": ""}', '{"buffer": "0102"}')
        check(result.status == 0, result)
        raw, buffer, ref = result.values()
        check(raw == {"bytes": ""} and buffer == {"buffer": "0102"} and ref["ref"]["class"] == "clerk", result)
        result = Result("call", desk, "team")
        check(result.values() == [[["one", ref], ["other", ref]], []], result)
        for value in ('[1, [2, "x"]]', '{"bytes": "00ff"}', '"a text"'):
            result = Result("call", desk, "echo", value)
            check(result.text == value + "\n", result)


def test_call_that_fails():
    with Node("--offer", "clerk=desk") as node:
        desk = node.endpoint + "/desk"
        fails("refuse: error 42: there is none left", "call", desk, "refuse")
        fails("bad arguments", "call", desk, "add", "1", '"two"')
        fails("bad arguments", "call", desk, "add", "1")
        fails("no such method", "call", desk, "subtract", "1")
        fails("timeout", "call", "--timeout", "100", desk, "late")
        fails("argument 2: is no JSON", "call", desk, "add", "1", "two")
        fails("argument 2: has a number that is out of range", "call", desk, "add", "1", "18446744073709551615")
        fails("argument 1: is not made of hex digits", "call", desk, "echo", '{"bytes": "0g"}')
        fails("nobody is offered there by that name", "call", node.endpoint + "/nobody", "add")
        fails("both sides need the same secret", "call", desk, "add", "1", "2", secret="another secret of the tests")
        fails("both sides need the same secret", "call", "--insecure", desk, "add", "1", "2", secret=None)
        fails("both sides need the same secret", "call", desk, "add", "1", "2", secret=None)
        fails("ZANNI_SECRET: the secret has 5 bytes; it needs 16 to 255", "call", desk, "add", "1", "2", secret="short")
    fails("tcp://", "call", desk, "add", "1", "2")
    fails("is no tcp://HOST:PORT", "call", "nowhere", "add")
    fails("say whom to ask, and what", "call", "tcp://127.0.0.1:1", status=2)
    fails("--timeout", "call", "--timeout", "soon", "tcp://127.0.0.1:1", "add", status=2)


def test_files_with_keys():
    """A secret in a file, and certificates: of the node, and of who calls."""
    with tempfile.TemporaryDirectory() as folder:
        names = {name: os.path.join(folder, name) for name in ("secret", "known", "node", "caller", "stranger", "allowed")}
        for name, mode in (("secret", 0o600), ("known", 0o644)):
            with open(names[name], "w") as file:
                file.write("a secret of the tests in a file\n")
            os.chmod(names[name], mode)
        with Node("--secret-file", names["secret"], "--offer", "clerk=desk", secret=None) as node:
            desk = node.endpoint + "/desk"
            answers([5], "-s", names["secret"], desk, "add", "2", "3", secret=None)
            fails("others than its owner can read", "call", "-s", names["known"], desk, "add", "2", "3", secret=None)
            fails("both sides need the same secret", "call", desk, "add", "2", "3")
            result = Result("doctor", "-s", names["secret"], node.endpoint, secret=None)
            check("answers, and takes our key" in result.text, result)
        for name in ("node", "caller", "stranger"):
            check(Result("keygen", names[name]).status == 0, name)
        os.mkdir(names["allowed"])
        os.link(names["caller"] + ".pub", os.path.join(names["allowed"], "caller.pub"))
        with Node("-c", names["node"], "--allowed", names["allowed"], "--offer", "clerk=desk", secret=None) as node:
            desk, trust = node.endpoint + "/desk", ("--trust", names["node"] + ".pub")
            answers([5], "-c", names["caller"], *trust, desk, "add", "2", "3", secret=None)
            fails("both sides need the same secret", "call", "-c", names["stranger"], *trust, desk, "add", "2", "3",
                  secret=None)
            fails("no certificate to show", "call", *trust, desk, "add", "2", "3", secret=None)


def test_without_a_secret():
    with Node("--insecure", "--offer", "clerk=desk", secret=None) as node:
        answers([5], "--insecure", node.endpoint + "/desk", "add", "2", "3", secret=None)
        fails("both sides need the same secret", "call", node.endpoint + "/desk", "add", "2", "3", secret=None)


def test_describe():
    with Node("--offer", "clerk=desk") as node:
        result = Result("describe", node.endpoint + "/desk")
        check(result.status == 0, result)
        [shown] = result.values()
        check(shown["class"] == "clerk" and shown["text"] == "Answers.", result)
        check({"name": "add", "in": "xx", "out": "x", "text": "Adds."} in shown["methods"], result)
        check(len(shown["methods"]) == 9, result)
        [shown] = Result("describe", node.endpoint).values()
        check(shown["class"] == "zanni-node" and shown["methods"] == [], result)
        fails("nobody is offered there by that name", "describe", node.endpoint + "/nobody")
    fails("say whom to ask", "describe", status=2)
    fails("one argument too many", "describe", "a", "b", status=2)


def test_ps():
    with Node("--offer", "clerk=desk", "--offer", "spawner=boss") as node:
        answers([3], node.endpoint + "/desk", "add", "1", "2")
        result = Result("ps", node.endpoint)
        check(result.status == 0, result)
        [shown] = result.values()
        check(shown["pid"] == node.process.pid and shown["name"] == "zanni node", result)
        check(re.fullmatch("[0-9a-f]{32}", shown["node"]) and abs(shown["time"] - time.time()) < DEADLINE, result)
        check(shown["counts"]["actors"] == 3 and shown["counts"]["messages"] >= 1, result)
        check(sum(worker["actors"] for worker in shown["workers"]) == 3, result)
        check({actor["class"] for actor in shown["actors"]} >= {"zanni-node", "clerk"}, result)
        check(sorted(shown["offers"]) == ["", "boss", "desk"], result)
        result = Result("ps", "--work", node.endpoint)
        check(result.status == 0, result)
        [shown] = result.values()
        check(sum(worker["actors"] for worker in shown["work"]) == 3, result)
        check({"root"} <= {worker["name"] for worker in shown["work"]}, result)
        check(all(worker["asks"] == [] and worker["mailboxes"] == [] for worker in shown["work"]), result)
        fails("both sides need the same secret", "ps", node.endpoint, secret="another secret of the tests")


def test_spawn():
    """One node spawns on another: in each place there, which for processes is this program again."""
    with Node("--allow-spawn") as host, Node("--offer", "spawner=boss") as node:
        for place in range(4):
            result = Result("call", node.endpoint + "/boss", "spawn", json.dumps(host.endpoint), str(place))
            check(result.status == 0, result)
            check((result.values() == [host.process.pid]) == (place != 3), result)
        with Node() as closed:
            fails("not permitted", "call", node.endpoint + "/boss", "spawn", json.dumps(closed.endpoint), "0")


def test_doctor():
    with Node() as node:
        result = Result("doctor", node.endpoint)
        lines = result.text.splitlines()
        check([line.split(":")[0] for line in lines] == ["ok  descriptors", "ok  locked memory", "ok  secret",
              "ok  encryption", "ok  port", "ok  node", "ok  clock"] and result.status == 0, result)
        result = Result("doctor", node.endpoint, secret="another secret of the tests")
        check(result.status == 1 and "no  node: " in result.text and "ok  port: " in result.text, result)
        endpoint = node.endpoint
    result = Result("doctor", endpoint)
    check(result.status == 1 and f"no  port: {endpoint}: Connection refused" in result.text, result)
    result = Result("doctor")
    check(result.status == 0 and len(result.text.splitlines()) == 4, result)
    check("no  port: tcp://::1:7: Address family for hostname not supported" in Result("doctor", "tcp://::1:7").text, result)
    with Node("--insecure", secret=None) as node:
        result = Result("doctor", "--insecure", node.endpoint, secret=None)
        check(result.status == 0 and "ok  secret: ZANNI_SECRET is not set, which is enough" in result.text, result)
        check("ok  node: answers, and is open" in result.text, result)
    for secret, words in ((None, "no  secret: ZANNI_SECRET is not set"), ("short", "no  secret: ZANNI_SECRET has 5 bytes"),
                          ("", "no  secret: ZANNI_SECRET has 0 bytes")):
        result = Result("doctor", secret=secret)
        check(result.status == 1 and words in result.text, result)
    result = Result("doctor", "--insecure", secret="")
    check(result.status == 1 and "no  secret: ZANNI_SECRET has 0 bytes" in result.text, result)
    result = Result("doctor", "nowhere")
    check(result.status == 1 and "is no tcp://HOST:PORT" in result.complaints, result)


def test_node_ends_well():
    for number in (signal.SIGTERM, signal.SIGINT):
        node = Node("--offer", "clerk=desk", "--offer", "spawner=boss")
        answers([3], node.endpoint + "/desk", "add", "1", "2")
        node.end(number)
        assert not node.complaints, node.complaints.decode()
    assert not any((Result.folder / "zanni").glob("*")), list((Result.folder / "zanni").glob("*"))


def test_node_that_cannot_be():
    listen = ["--listen", "tcp://127.0.0.1:0"]
    fails("say where to --listen", "node", status=2)
    fails("cannot open shared object file", "node", *listen, "--load", "/nowhere.so")
    fails("it has no array `zanni_classes`", "node", *listen, "--load", "libc.so.6")
    fails("is no CLASS=NAME", "node", *listen, "--offer", "clerk", status=2)
    fails("no such class: nobody", "node", *listen, "--load", LIBRARY, "--offer", "nobody=x")
    fails("both sides need the same secret", "node", *listen, secret=None)
    for options in (["--secret-file", "/nowhere.secret"], ["--certificate", "/nowhere.secret"]):
        result = Result("node", *listen, *options)
        check(result.status == 1 and result.complaints.count("/nowhere.secret") == 1, result)
    fails("both sides need the same secret", "node", "--insecure", "--listen", "tcp://*:0", secret=None)
    fails("tcp://", "node", "--listen", "tcp://nowhere")
    with Node() as node:
        fails("already in use", "node", "--listen", node.endpoint)


def test_child():
    """What starts processes, when it is begun by hand."""
    fails("usage: zanni child --load LIBRARY", "child", "--load", status=2)
    fails("usage: zanni child --load LIBRARY", "child", "--lead", LIBRARY, status=2)
    fails("/nowhere.so", "child", "--load", "/nowhere.so")
    fails("runs process actors", "child", "--load", LIBRARY, status=2)


def test_help():
    for verb, words in (("node", "--allow-spawn"), ("call", "METHOD [ARGUMENT...]"), ("describe", "--timeout=MS"),
                        ("ps", "ENDPOINT[/NAME]"), ("doctor", "what to do")):
        result = Result(verb, "--help")
        check(result.status == 0 and words in result.text, result)
        result = Result("--help")
        check(result.status == 0 and f"  {verb} " in result.text, result)


def main():
    tests = [value for key, value in sorted(globals().items()) if key.startswith("test_")]
    for test in tests:
        print(f"-- {test.__name__}", flush=True)
        with tempfile.TemporaryDirectory(prefix="zanni-node-") as folder:
            Result.folder = pathlib.Path(folder)
            test()
    print(f"{len(tests)} tests passed")


main()
