"""A client for zanni nodes in Python. It speaks their wire protocol (src/wire/README.md), and shares no code with
them.

    with zanni.Client("tcp://127.0.0.1:7000", secret="...") as client:
        service = client.find()
        print(service.ask("add", 5))

| file | what it is |
| --- | --- |
| client.py | Client: connects, finds, serves; the loop |
| refs.py, asks.py, served.py | actors there, what is waited for, actors here |
| inbound.py, load.py | what records mean; what goes along with values |
| session.py, outbox.py, assembly.py, parcel.py | numbers and windows; what leaves; what comes; frames and chunks |
| pulse.py, dial.py, keys.py | heartbeats; one connection; the secret |
| codec.py, forms.py, values.py | records, what they consist of, arguments |
"""

from .asks import Ask, Monitor
from .client import Client
from .errors import AppError, Error, Fault, NodeDown, NotTrusted, Timeout
from .forms import Blob, Reason
from .refs import Ref
from .served import Served
from .values import Method, Object

__all__ = ["AppError", "Ask", "Blob", "Client", "Error", "Fault", "Method", "Monitor", "NodeDown", "NotTrusted",
           "Object", "Reason", "Ref", "Served", "Timeout"]
