"""What is waited for: the answer to an ask, the end of an actor."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from .errors import Error, Timeout
from .forms import Actor, Reason, Record

if TYPE_CHECKING:
    from .client import Client


def deadline_of(timeout: float | None) -> float:
    """When so many seconds are over; never for None."""
    return math.inf if timeout is None else time.monotonic() + timeout


class Ask:
    """An ask on its way. Whoever drops it does not get the answer."""

    def __init__(self, client: Client, number: int, to: Actor, deadline: float) -> None:
        self.number, self.deadline = number, deadline
        self.answer: Any = None
        self.error: Error | None = None
        self.done = False
        self._client, self._to = client, to

    def end(self, answer: Any, error: Error | None) -> None:
        self.answer, self.error, self.done = answer, error, True

    def result(self) -> Any:
        """Waits for the answer: None, a value, or a list of several. Timeout; AppError; Error."""
        if not self._client.wait(lambda: self.done, self.deadline):
            self.cancel()
            raise Timeout(-8)
        if self.error:
            raise self.error
        return self.answer

    def cancel(self) -> None:
        """Does not want the answer any longer."""
        if not self.done:
            self._client.post(Record(kind="CANCEL", id=self.number, to=self._to))
            self.end(None, Error(-14))


class Monitor:
    """Watches an actor until it ends. Whoever drops it is not told."""

    def __init__(self, client: Client, number: int, to: Actor) -> None:
        self.number = number
        self.reason: Reason | None = None
        self._client, self._to = client, to

    def wait(self, timeout: float | None = 5.0) -> Reason:
        """Why the actor ended. Timeout: it has not."""
        self._client.wait(lambda: self.reason is not None, deadline_of(timeout))
        if self.reason is None:
            raise Timeout(-8)
        return self.reason

    def cancel(self) -> None:
        """Does not want to know any longer."""
        if not self.reason:
            self._client.post(Record(kind="DEMONITOR", id=self.number, to=self._to))
