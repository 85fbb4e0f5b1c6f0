"""One connection: a ZeroMQ DEALER and what its monitor tells.

libzmq would dial again by itself, and would then send what was queued before anybody could say HELLO. So it is told
to wait a day with that (to switch it off would throw away what came and was not read), and each DEALER is used for
one connection only. The pulse is one, too, with heartbeats, which libzmq's own thread answers, whatever this program
does meanwhile.
"""

from __future__ import annotations

import enum

import zmq
from zmq.utils.monitor import recv_monitor_message

from .codec import FRAME_MOST
from .keys import Keys

NEVER_MS = 86_400_000
CONNECT_MS, HANDSHAKE_MS = 5000, 3000


class Change(enum.Enum):
    STANDS = "both sides have shaken hands"
    DENIED = "it ended amid the handshake: the other side has other keys, or none"
    ENDED = "it has ended, or could not be made"


EVENTS = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: Change.STANDS, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: Change.DENIED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: Change.DENIED, zmq.EVENT_HANDSHAKE_FAILED_AUTH: Change.DENIED,
    zmq.EVENT_DISCONNECTED: Change.ENDED, zmq.EVENT_CLOSED: Change.ENDED,
}


class Dial:
    """Dials at once. `interval_ms` makes it a pulse. zmq.ZMQError: there is no such endpoint."""

    def __init__(self, endpoint: str, keys: Keys | None, interval_ms: int = 0) -> None:
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)             # windows bound what is on its way
        self.socket.setsockopt(zmq.MAXMSGSIZE, FRAME_MOST + 33)   # CURVE adds as many
        self.socket.setsockopt(zmq.RECONNECT_IVL, NEVER_MS)
        self.socket.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_MS)
        self.socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        if interval_ms:
            self.socket.setsockopt(zmq.HEARTBEAT_IVL, interval_ms // 2)
            self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, interval_ms * 5 // 4)
            self.socket.setsockopt(zmq.HEARTBEAT_TTL, interval_ms * 5 // 4)
        if keys:
            self.socket.setsockopt(zmq.CURVE_SERVERKEY, keys.public)   # theirs is ours
            self.socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
            self.socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        self.monitor = self.socket.get_monitor_socket(sum(EVENTS))
        try:
            self.socket.connect(endpoint)
        except zmq.ZMQError:
            self.close()
            raise

    def change(self) -> Change | None:
        """What has become of it since this was asked before; what came by a connection that has ended can still be
        read."""
        latest = None
        while latest not in (Change.DENIED, Change.ENDED):
            try:
                latest = EVENTS[recv_monitor_message(self.monitor, zmq.NOBLOCK)["event"]]
            except zmq.Again:
                break
        return latest

    def receive(self) -> list[memoryview] | None:
        """The frames of the next message."""
        try:
            return [frame.buffer for frame in self.socket.recv_multipart(zmq.NOBLOCK, copy=False)]
        except zmq.Again:
            return None

    def send(self, frames: list[bytes | memoryview]) -> None:
        """Queues a message; what is lost with the connection is its session's to send again."""
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
        except zmq.Again:
            pass

    def close(self, linger_ms: int = 0) -> None:
        """What was sent may still leave for so long."""
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(linger_ms)
