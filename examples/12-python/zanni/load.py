"""Values on their way out: what travels beside the arguments, and what is lent with it."""

from __future__ import annotations

from typing import Any

from .errors import Error
from .forms import Buffer, Reference
from .refs import Counts, Key, Ref
from .served import Served, Strong
from .session import Session
from .values import BufferAt, Method, MethodAt, RefAt, buffer_of, replace, write


class Load:
    """Takes values apart. TypeError, ValueError, OverflowError: one cannot travel; Error -27: the other side does not
    take so large a buffer. `commit` when they have left."""

    def __init__(self, session: Session, counts: Counts, args: tuple[Any, ...]) -> None:
        self.refs: list[Reference] = []
        self.buffers: list[tuple[Buffer, memoryview]] = []
        self._lent: list[tuple[Key, Any]] = []
        self._session, self._counts = session, counts
        self.args = write([replace(value, self._change) for value in args])

    def commit(self) -> None:
        for key, kept in self._lent:
            self._counts.lend(key, kept)

    def _change(self, value: Any) -> Any:
        if isinstance(value, Method):
            return MethodAt(self._refer(value.ref), value.name)
        if isinstance(value, (Ref, Served, Strong)):
            return RefAt(self._refer(value))
        found = buffer_of(value)
        if not found:
            return value
        if found[0].size > self._session.peer_buffer_most:
            raise Error(-27)
        self.buffers.append(found)
        return BufferAt(len(self.buffers) - 1)

    def _refer(self, value: Any) -> int:
        if isinstance(value, Ref):
            ours = value.key[0] == self._session.node
            self.refs.append(value.reference._replace(node=None if ours else value.key[0],
                                                      flags=value.reference.flags | value.strong))
            if value.strong:
                self._lent.append((value.key, value.hold))
        else:
            served = value.served if isinstance(value, Strong) else value
            self.refs.append(served.reference(isinstance(value, Strong)))
            if isinstance(value, Strong):
                self._lent.append(((self._session.node, served.number), served))
        return len(self.refs) - 1
