"""As much of zanni as this example needs, by ctypes: nodes, actors, calls and asks.

The structures are those of the headers, member by member: zanni/node.h, actor.h, call.h, arg.h, error.h. Options say
how large they are, so that a library whose headers are others refuses them. A node belongs to the thread that made it,
and so does all that came from it. What fails raises Failure, with a text that says what was wrong; the end of an
actor's process is such a failure, too.
"""

import ctypes
from ctypes import POINTER, byref, c_bool, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

SHARED, HERE, THREAD, PROCESS = range(4)   # zanni_place_t

_ETIMEOUT = -8
_MSG_ERROR = 3
_SIGNALS_MS = 200   # after so long a wait is begun anew, so that Python gets at its signals


class _Error(ctypes.Structure):
    _fields_ = [("code", c_int), ("app_code", c_int64), ("origin_node", ctypes.c_uint8 * 16),
                ("origin_actor", c_uint64), ("text", ctypes.c_char * 232), ("data", c_void_p)]


class _Options(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("workers", c_uint32), ("mailbox_messages", c_uint32),
                ("mailbox_bytes", c_uint64), ("ask_deadline_ms", c_uint32), ("watchdog_ms", c_uint32),
                ("shutdown_ms", c_uint32),
                ("heartbeat_ms", c_uint32), ("window_bytes", c_uint64), ("lane_off", c_bool),
                ("sleep_at_once", c_bool), ("wire_level_max", c_uint32), ("in_band_max", c_uint32), ("chunk_bytes", c_uint32),
                ("share_least", c_uint64),
                ("share_most", c_uint64), ("claim_store", c_char_p), ("claim_least", c_uint64),
                ("secret", c_char_p), ("secret_file", c_char_p), ("certificate", c_char_p), ("allowed", c_char_p),
                ("insecure", c_bool),
                ("allow_spawn", c_bool), ("counts", c_bool), ("child_program", c_char_p),
                ("child_arguments", POINTER(c_char_p)), ("log", c_void_p), ("log_context", c_void_p),
                ("error", POINTER(_Error)), ("seams", c_void_p * 5)]


class _Spawn(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("place", c_int), ("on", c_void_p), ("worker", c_uint32), ("restartable", c_bool),
                ("overflow", c_int), ("mailbox_messages", c_uint32), ("mailbox_bytes", c_uint64),
                ("start_ms", c_int64), ("watchdog_ms", c_int64), ("error", POINTER(_Error))]


class _Ask(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("then", c_void_p), ("arg", c_void_p), ("deadline_ms", c_int64),
                ("id_p", POINTER(c_uint64)), ("error", POINTER(_Error)), ("ticket", c_uint64)]


class _Value(ctypes.Union):
    _fields_ = [("i", c_int64), ("d", c_double), ("p", c_char_p)]


class _Arg(ctypes.Structure):
    _fields_ = [("tag", c_uint32), ("size", c_size_t), ("value", _Value)]


class _Out(ctypes.Structure):
    _fields_ = [("tag", c_uint32), ("place", c_void_p)]


class _Bytes(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]


# How an argument is made of a Python value (zanni_arg_tag_t), and a Python value of a result (zanni_out_tag_t).
_ARGS = {
    bool: lambda value: _Arg(3, 0, _Value(i=value)),
    int: lambda value: _Arg(1, 0, _Value(i=value)),
    float: lambda value: _Arg(4, 0, _Value(d=value)),
    str: lambda value: _Arg(5, 0, _Value(p=value.encode())),
    bytes: lambda value: _Arg(6, len(value), _Value(p=value)),
}
_RESULTS = {
    bool: (1, c_bool, lambda place: place.value),
    int: (5, c_int64, lambda place: place.value),
    float: (7, c_double, lambda place: place.value),
    str: (8, c_char_p, lambda place: place.value.decode()),
    bytes: (9, _Bytes, lambda place: ctypes.string_at(place.data, place.size)),
}


class Failure(Exception):
    """What went wrong: a text, the ZANNI_E... code, and for an answer to Actor.ask its number."""

    def __init__(self, text, code, ask=None):
        super().__init__(text)
        self.code = code
        self.ask = ask


class Node:
    """A run of zanni in this process; this thread is its root actor. Use it as a context: `with Node(...) as node`.

    `classes` is the path of a shared object with an array zanni_classes; it is linked with libzanni, which comes with
    it. `child` is the program of processes, zanni-child by name or path.
    """

    def __init__(self, classes, child="zanni-child"):
        self.lib = ctypes.CDLL(classes)
        self.lib.zanni_strerror.restype = self.lib.zanni_msg_fault.restype = c_char_p
        self.lib.zanni_msg_id.restype = c_uint64
        self.handle = c_void_p()
        self.actors = []
        error = _Error()
        arguments = (c_char_p * 3)(b"--load", classes.encode(), None)
        options = _Options(size=ctypes.sizeof(_Options), name=b"python", child_program=child.encode(),
                           child_arguments=arguments, error=ctypes.pointer(error))
        self.lib.zanni_init(byref(c_void_p.in_dll(self.lib, "zanni_classes")))
        self.check(self.lib.zanni_new(byref(self.handle), byref(options)), error)

    def check(self, code, error=None):
        """Raises Failure for a negative code."""
        if code < 0:
            text = error and error.text or self.lib.zanni_strerror(code)
            self.lib.zanni_error_reset(error and byref(error))
            raise Failure(text.decode(), code)

    def spawn(self, name, *args, place=PROCESS):
        """Starts an actor of a class; it lives until Actor.drop, or as long as the node."""
        return Actor(self, name, place, args)

    def receive(self, result=None):
        """Waits for the answer to any Actor.ask; its number, and its value of the type `result`."""
        message = c_void_p()
        code = _ETIMEOUT
        while code == _ETIMEOUT:
            code = self.lib.zanni_receive(self.handle, byref(message), c_int64(_SIGNALS_MS))
        self.check(code)
        ask = self.lib.zanni_msg_id(message)
        try:
            if self.lib.zanni_msg_kind(message) == _MSG_ERROR:
                error = _Error()
                self.check(self.lib.zanni_msg_error(message, byref(error)))
                raise Failure(error.text.decode(), error.code, ask)
            return ask, self.read(message, result)
        finally:
            self.lib.zanni_msg_destroy(byref(message))

    def read(self, message, result):
        """The next value of a message."""
        if result is None:
            return None
        tag, kind, value = _RESULTS[result]
        place = kind()
        out = _Out(tag, ctypes.addressof(place))
        code = self.lib.zanni_read_args(message, byref(out), c_size_t(1))
        if code < 0:
            raise Failure(self.lib.zanni_msg_fault(message).decode(), code)
        return value(place)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.actors:
            self.actors[-1].drop()
        self.check(self.lib.zanni_destroy(byref(self.handle)))


class Actor:
    """A strong reference to an actor."""

    def __init__(self, node, name, place, args):
        self.node, self.lib = node, node.lib
        self.handle = c_void_p()
        error = _Error()
        options = _Spawn(size=ctypes.sizeof(_Spawn), place=place, error=ctypes.pointer(error))
        node.check(self.lib.zanni_spawn_args(node.handle, byref(self.handle), name.encode(), byref(options),
                                             *_pack(args)), error)
        node.actors.append(self)

    def call(self, method, *args, result=None):
        """Asks and waits for the answer; its value of the type `result`."""
        message = c_void_p()
        error = _Error()
        options = _Ask(size=ctypes.sizeof(_Ask), error=ctypes.pointer(error))
        self.node.check(self.lib.zanni_call_args(self.node.handle, byref(message), self.handle, byref(options),
                                                 method.encode(), *_pack(args)), error)
        try:
            return self.node.read(message, result)
        finally:
            self.lib.zanni_msg_destroy(byref(message))

    def ask(self, method, *args):
        """Asks and does not wait: Node.receive yields the answer, with the number that this answers."""
        number = c_uint64()
        options = _Ask(size=ctypes.sizeof(_Ask), id_p=ctypes.pointer(number))
        self.node.check(self.lib.zanni_ask_args(self.node.handle, self.handle, byref(options), method.encode(),
                                                *_pack(args)))
        return number.value

    def drop(self):
        """Gives the reference back; the actor ends when it was the last."""
        if self in self.node.actors:
            self.node.actors.remove(self)
            self.lib.zanni_ref_destroy(byref(self.handle))


def _pack(args):
    """Arguments as an array and its length."""
    return (_Arg * len(args))(*(_ARGS[type(value)](value) for value in args)), c_size_t(len(args))
