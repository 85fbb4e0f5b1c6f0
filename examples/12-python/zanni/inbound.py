"""What records that came mean: who gets them. Nothing in here waits; messages go into mailboxes.

What is addressed to nobody (an actor that has ended, an answer that came too late) is dropped like something that was
read: references that were lent with it are given back, and who asked is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .assembly import Arrival
from .errors import AppError, Error, error_of
from .forms import Actor, Reason, Record, Reference
from .served import Served

if TYPE_CHECKING:
    from .client import Client

NODE_ITSELF = 1 << 63


def _find(client: Client, to: Actor | Reference | None) -> Served | None:
    if not isinstance(to, Actor):
        return None
    served = client.served.get(to.id)
    return served if served and served.nonce == to.nonce else None


def _message(client: Client, arrival: Arrival) -> None:
    served = _find(client, arrival.record.to)
    if served:
        served.take(arrival)
        return
    client.references(arrival)
    itself = arrival.record.to and arrival.record.to.id == NODE_ITSELF
    client.refuse(arrival, Error(-10 if itself else -9))


def _spawn(client: Client, arrival: Arrival) -> None:
    client.references(arrival)
    client.refuse(arrival, Error(-16))


def _reply(client: Client, arrival: Arrival) -> None:
    ask = client.asks.pop(arrival.record.id, None)
    if not ask or ask.done:
        client.references(arrival)
        return
    try:
        found = client.values(arrival)
        ask.end(found if len(found) > 1 else found[0] if found else None, None)
    except Error as error:
        ask.end(None, error)


def _error(client: Client, arrival: Arrival) -> None:
    record = arrival.record
    ask = client.asks.pop(record.id, None)
    if not ask or ask.done:
        client.references(arrival)
        return
    origin = record.origin[0] or client.peer, record.origin[1]
    try:
        data = client.values(arrival)
    except Error:
        data = []
    ask.end(None, AppError(record.app_code, record.text, data, origin) if record.code == -19 else
            error_of(record.code, record.text, origin))


def _cancel(client: Client, arrival: Arrival) -> None:
    served = _find(client, arrival.record.to)
    if served:
        served.cancel(arrival.record.id)


def _monitor(client: Client, arrival: Arrival) -> None:
    served = _find(client, arrival.record.to)
    if served:
        served.watchers[arrival.record.id] = None
    else:
        client.post(Record(kind="DOWN", id=arrival.record.id, reason=Reason(3), restarts=False))


def _demonitor(client: Client, arrival: Arrival) -> None:
    served = _find(client, arrival.record.to)
    if served:
        served.watchers.pop(arrival.record.id, None)


def _down(client: Client, arrival: Arrival) -> None:
    monitor = client.monitors.pop(arrival.record.id, None)
    if monitor:
        monitor.reason = arrival.record.reason


def _retain(client: Client, arrival: Arrival) -> None:
    served = _find(client, arrival.record.to)
    if served and not client.counts.lent((client.node, served.number)):
        client.counts.lend((client.node, served.number), served)


def _release(client: Client, arrival: Arrival) -> None:
    to = arrival.record.to
    key = (client.node, to.id) if isinstance(to, Actor) else to and (to.node or client.peer, to.actor)
    if key and client.counts.returned(key, arrival.record.count) and key[0] == client.node:
        served = client.served.get(key[1])
        if served:
            client.settle(served)


_TAKERS = {
    "TELL": _message, "ASK": _message, "SPAWN": _spawn, "REPLY": _reply, "ERROR": _error, "CANCEL": _cancel,
    "MONITOR": _monitor, "DEMONITOR": _demonitor, "DOWN": _down, "RETAIN": _retain, "RELEASE": _release,
}


def take(client: Client, arrival: Arrival) -> None:
    """Others are not for this client: LINK and the like, of which it has not said that it understands them; STOP and
    RESTART, which need a right that it gives nobody; FORWARDED, since all that is asked is of one node."""
    taker = _TAKERS.get(arrival.record.kind)
    if taker:
        taker(client, arrival)
