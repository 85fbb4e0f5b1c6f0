"""Whether the other node lives: a connection that carries HELLO and heartbeats, and nothing else.

It breaks when answers are missing, or for any other reason, and is dialled again at once. It stands again when both
sides have shaken hands; where it does not within an interval, the node is lost.
"""

from __future__ import annotations

import time
from typing import Callable, Iterator

from .dial import Change, Dial
from .keys import Keys

INTERVAL = 1.0
FIRST_INTERVALS = 3     # until a new one has to stand
REDIALS = 8             # within an interval


class Pulse:
    """Dials at once. `hello` makes the bytes of its HELLO."""

    def __init__(self, endpoint: str, keys: Keys | None, hello: Callable[[], bytes]) -> None:
        self._how = endpoint, keys, int(INTERVAL * 1000)
        self._hello = hello
        self._redial_at = float("inf")
        self._lost_at = time.monotonic() + FIRST_INTERVALS * INTERVAL   # infinite: it stands
        self._tried_at = 0.0
        self._dial: Dial | None = None
        self._redial()

    def dials(self) -> Iterator[Dial]:
        if self._dial:
            yield self._dial

    def due(self) -> float:
        """When it has something to do."""
        return min(self._redial_at, self._lost_at)

    def step(self) -> bool:
        """False: the node is lost."""
        change = self._dial.change() if self._dial else None
        while self._dial and self._dial.receive():
            pass   # WELCOME, which says nothing new
        now = time.monotonic()
        if change is Change.STANDS:
            self._lost_at = float("inf")
        elif change and self._dial:
            self._dial.close()
            self._dial = None
            self._lost_at = min(self._lost_at, now + INTERVAL)
            self._redial_at = max(now, self._tried_at + INTERVAL / REDIALS)
        if self._redial_at <= now:
            self._redial()
        return now < self._lost_at

    def close(self, bye: bytes, linger_ms: int) -> None:
        if self._dial:
            self._dial.send([bye])
            self._dial.close(linger_ms)
        self._dial = None

    def _redial(self) -> None:
        self._tried_at, self._redial_at = time.monotonic(), float("inf")
        self._dial = Dial(*self._how)
        self._dial.send([self._hello()])
