"""`outpost run` with one library call that begins to raise what nobody expects of it; for tests only, and none of it is in the agent.

    python -m tests.black_box.dying_agent SEAM TRIGGER run -c agent.toml

From the moment the file TRIGGER exists, the library call of that seam raises once, in the adapter's own thread; TRIGGER.died then holds
the monotonic second. So what dies is the real thread of the real process, where its library would have killed it.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import diskcache
import msgspec
import paho.mqtt.client
import serial

from agent.__main__ import main
from agent.adapters import vitals
from simulator.bench import pins


class Panicked(BaseException):
    """As a library written in Rust panics (PyO3's PanicException): no Exception, so that no broad except holds it."""


class Seam(NamedTuple):
    """The library's object and its function, the name with which the thread's begins, and what is raised in it."""

    owner: Any
    function: str
    thread: str
    error: type[BaseException]


SEAMS = {
    "gnss": Seam(serial.Serial, "read", "gnss", ZeroDivisionError),
    "inputs": Seam(pins.SimulatedPin, "_get_state", "inputs", Panicked),
    "outputs": Seam(pins.SimulatedPin, "_set_state", "outputs", Panicked),
    "spool": Seam(diskcache.Cache, "transact", "spool", ZeroDivisionError),
    "broker": Seam(paho.mqtt.client.Client, "loop_misc", "broker-", ZeroDivisionError),
    "broker-connect": Seam(paho.mqtt.client.Client, "connect", "broker-connect-", ZeroDivisionError),
    "socket": Seam(msgspec.json, "decode", "socket", ZeroDivisionError),
    "vitals": Seam(os, "statvfs", "vitals", ZeroDivisionError),
}


def spoil(seam: Seam, trigger: Path) -> None:
    """Let that function raise once, in that thread, from the moment `trigger` exists."""
    original: Callable[..., Any] = getattr(seam.owner, seam.function)
    died = trigger.with_suffix(".died")

    def spoiled(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread().name.startswith(seam.thread) and trigger.exists() and not died.exists():
            died.write_text(repr(time.monotonic()))
            raise seam.error(f"a test spoiled {seam.function}")
        return original(*args, **kwargs)

    setattr(seam.owner, seam.function, spoiled)


if __name__ == "__main__":
    vitals.TURN_S = 0.2
    spoil(SEAMS[sys.argv[1]], Path(sys.argv[2]))
    sys.argv[1:3] = []
    sys.exit(main())
