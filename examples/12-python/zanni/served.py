"""Actors of this program: methods that the other side can tell and ask, by a reference that it was given.

They work while the client waits for something, one message at a time each: what a method waits for is not answered by
the same actor, but may be by others.
"""

from __future__ import annotations

import inspect
import logging
import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from .assembly import Arrival
from .errors import AppError, Error
from .forms import Actor, Reason, Reference

if TYPE_CHECKING:
    from .client import Client

log = logging.getLogger("zanni")


class Served:
    """As an argument it travels as a weak reference; `strong` of it as one that keeps it served until all are given
    back and this program has called `drop`, too."""

    def __init__(self, client: Client, number: int, name: str, methods: dict[str, Callable[..., Any]]) -> None:
        self.number, self.name = number, name
        self.nonce = os.urandom(16)
        self.ended: Reason | None = None
        self.held = True                              # by this program
        self.watchers: dict[int, None] = {}           # by the number of the other side's monitor
        self._methods = methods
        self._client = client
        self._mail: deque[Arrival] = deque()
        self._busy = False

    @property
    def strong(self) -> Strong:
        return Strong(self)

    @property
    def actor(self) -> Actor:
        return Actor(self.number, self.nonce)

    def reference(self, strong: bool) -> Reference:
        return Reference(None, self.number, self.nonce, None, self.name, int(strong))

    def drop(self) -> None:
        """This program does not hold it any longer: it ends when nobody does."""
        self.held = False
        self._client.settle(self)

    def stop(self, reason: Reason = Reason(0)) -> None:
        """Ends it: who monitors it is told; what it has not handled is answered `receiver down`."""
        if self.ended:
            return
        self.ended = reason
        self._client.ended(self)
        while self._mail:
            arrival = self._mail.popleft()
            self._client.references(arrival)   # which are given back
            self._client.refuse(arrival, Error(-12, f"receiver down: {reason}"), self)

    def take(self, arrival: Arrival) -> None:
        self._mail.append(arrival)

    def cancel(self, number: int) -> None:
        """Who asked does not wait any longer: what has not begun need not."""
        for arrival in [each for each in self._mail if each.record.kind == "ASK" and each.record.id == number]:
            self._mail.remove(arrival)
            self._client.references(arrival)
            self._client.handled(arrival)

    def work(self) -> None:
        """Handles what is there."""
        if self._busy:
            return
        self._busy = True
        try:
            for _ in range(len(self._mail)):
                if self._mail:
                    self._handle(self._mail.popleft())
        finally:
            self._busy = False

    def _handle(self, arrival: Arrival) -> None:
        record = arrival.record
        late = record.kind == "ASK" and 0 <= record.remaining_ms / 1000 < time.monotonic() - arrival.came
        try:
            values = self._client.values(arrival)
            if late:
                raise Error(-8)
            answer = self._call(record.method, values)
            if record.kind == "ASK":
                self._client.reply(arrival, answer, self)
            self._client.handled(arrival)
        except Error as error:
            self._client.refuse(arrival, error, self)
        except Exception as error:   # of the method: who asked is told, and the actor lives on
            log.exception("method %s of %s", record.method, self.name)
            self._client.refuse(arrival, AppError(0, f"{type(error).__name__}: {error}"), self)

    def _call(self, method: str, values: list[Any]) -> Any:
        function = self._methods.get(method)
        if not function:
            raise Error(-10, f"no such method: {method}")
        try:
            inspect.signature(function).bind(*values)
        except TypeError as error:
            raise Error(-7, f"bad arguments: {error}") from None
        return function(*values)


class Strong:
    """A strong reference to a served actor, as an argument."""

    def __init__(self, served: Served) -> None:
        self.served = served
