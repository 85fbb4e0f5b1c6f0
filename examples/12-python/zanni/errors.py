"""What can go wrong, as exceptions: a code, as the wire has it, and a text for people."""

from __future__ import annotations

from typing import Any

TEXTS = {
    -1: "invalid argument", -7: "bad arguments", -8: "timeout", -9: "no such actor", -10: "no such method",
    -11: "no reply", -12: "receiver down", -13: "node down", -14: "cancelled", -15: "mailbox full",
    -16: "not permitted", -17: "no route", -18: "closed", -19: "application error", -27: "over a limit",
    -33: "the two sides do not trust each other",
}


class Error(Exception):
    """An answer that is none, or what kept a message from being sent. `code` is below zero, `origin` the node and the
    number of the actor where it arose, where somebody said so."""

    def __init__(self, code: int, text: str = "", origin: tuple[bytes, int] | None = None) -> None:
        super().__init__(text or TEXTS.get(code, f"error {code}"))
        self.code = code
        self.origin = origin

    @property
    def text(self) -> str:
        return str(self.args[0])


class Timeout(Error):
    """Nothing came in time."""


class NodeDown(Error):
    """The other node has ended, cannot be reached, or has given this one up."""


class NotTrusted(Error):
    """The other side has another secret, or one of the two has none."""


class Fault(Error):
    """Bytes that break the protocol."""

    def __init__(self, text: str) -> None:
        super().__init__(-1, text)


class AppError(Error):
    """An application's own error. A method that is served here raises it to answer one; `app_code` and `data`, a list
    of values, mean what the two sides agree on."""

    def __init__(self, app_code: int, text: str = "", data: list[Any] | None = None,
                 origin: tuple[bytes, int] | None = None) -> None:
        super().__init__(-19, text, origin)
        self.app_code = app_code
        self.data = data or []


def error_of(code: int, text: str, origin: tuple[bytes, int] | None = None) -> Error:
    """The exception for a code; AppError is made by who has its data."""
    return {-8: Timeout, -13: NodeDown, -33: NotTrusted}.get(code, Error)(code, text, origin)
