"""References, and the counts of strong ones that crossed.

A strong reference that comes is lent: its lender counts it, and keeps the actor alive until the count is given back.
It is when the last strong reference to that actor is gone here, which Python knows by itself. One that is sent is
lent in the same way, and is kept here until it is given back.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from .asks import Ask, Monitor, deadline_of
from .forms import Actor, Reference

if TYPE_CHECKING:
    from .client import Client

Key = tuple[bytes, int]   # node, and number of the actor there


class Ref:
    """An actor elsewhere. Two are equal if they name the same one. As long as a strong one is there, the actor lives;
    `drop` makes it a weak one early."""

    def __init__(self, client: Client, reference: Reference, node: bytes, hold: Hold | None) -> None:
        self._client = client
        self.hold = hold
        self.reference = reference._replace(node=node, flags=reference.flags & 2)
        self.key: Key = node, reference.actor

    @property
    def strong(self) -> bool:
        return self.hold is not None

    @property
    def actor(self) -> Actor:
        return Actor(self.reference.actor, self.reference.nonce)

    def tell(self, method: str, *values: Any, timeout: float | None = 5.0) -> None:
        """Sends a message that nothing answers. Waits for room in the window where there is none. Error -15: there
        was none in time; -17: the actor is of a node that this client does not speak with; NodeDown; TypeError,
        ValueError: a value cannot travel."""
        self._client.send(self, method, values, deadline_of(timeout))

    def ask(self, method: str, *values: Any, timeout: float | None = 5.0) -> Any:
        """Asks, waits, and returns the answer: None, a value, or a list of several. Served actors work meanwhile.
        Timeout; AppError; Error with what the other side says; and what `tell` raises."""
        return self.start(method, *values, timeout=timeout).result()

    def start(self, method: str, *values: Any, timeout: float | None = 5.0) -> Ask:
        """The same without waiting: `result` of what it returns yields the answer."""
        return self._client.ask(self, method, values, deadline_of(timeout))

    def monitor(self) -> Monitor:
        """Says when the actor ends, and why; at once where it has."""
        return self._client.monitor(self)

    def drop(self) -> None:
        """Gives up a strong reference, behind what was sent to its actor before."""
        self.hold = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<{'strong' if self.strong else 'weak'} reference to {self.reference.cls or 'actor'} {self.key[1]}>"


class Hold:
    """What all strong references to an actor share: how many times it was lent."""

    def __init__(self, reference: Reference, back: deque[tuple[Reference, int]]) -> None:
        self._reference, self._back = reference, back
        self.count = 0

    def __del__(self) -> None:
        self._back.append((self._reference, self.count))


class Counts:
    """Both directions. `back` fills with what is to be given back: an actor and how many times."""

    def __init__(self) -> None:
        self.back: deque[tuple[Reference, int]] = deque()
        self._holds: weakref.WeakValueDictionary[Key, Hold] = weakref.WeakValueDictionary()
        self._lent: dict[Key, list[Any]] = {}

    def borrow(self, key: Key, reference: Reference) -> Hold:
        """A strong reference came."""
        hold = self._holds.get(key)
        if hold is None:
            hold = self._holds[key] = Hold(reference._replace(node=key[0], flags=0), self.back)
        hold.count += 1
        return hold

    def lend(self, key: Key, kept: Any) -> None:
        """A strong reference leaves: `kept` is what keeps its actor alive here."""
        self._lent.setdefault(key, []).append(kept)

    def returned(self, key: Key, count: int) -> bool:
        """So many were given back; true: those were the last."""
        kept = self._lent.get(key, [])
        del kept[:count]
        return key in self._lent and not kept and self._lent.pop(key) is kept

    def lent(self, key: Key) -> int:
        return len(self._lent.get(key, ()))
