"""A process that works the real Spool as the core does: what is not confirmed is asked again, and a store that is down is reopened.

`python -m tests.power.persistent DIRECTORY ROWS SECONDS [early]`. Lines: `ack NAME`, `left NAME`, `remembered NAME`, `down`, `full` and
`quarantined` with their reasons, `opened`, and at the end `all` or `missing N`. It ends after so many seconds whatever the disk does. With
`early`, a planted defect, it acknowledges before it writes.
"""

import os
import queue
import random
import sys
import time

from agent.adapters import spool as spool_module
from agent.adapters.spool import Spool
from agent.core.effects import Effect, Forget, Keep, Load, OpenSpool, Remember, Store
from agent.core.events import Event, Forgotten, Lane, Remembered, SpoolDown, SpoolFull, SpoolOpened, SpoolQuarantined, Stored
from tests.power.workload import planted_early_ack

BOOT = "00000000000000b1"
SIZE = 4 << 20
TURN = 7
"""Effects that are outstanding together."""

ASK_AGAIN_S = 0.1
"""The core's is five seconds."""


def content(name: str) -> bytes:
    """The payload of a row, told by its name."""
    return f"{name}/".encode() + random.Random(name).randbytes(2500)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def effects(rows: int) -> list[tuple[str, Effect]]:
    """Each with the line that acknowledges it: rows of all lanes, every third kept or forgotten later, and something to remember."""
    wanted: list[tuple[str, Effect]] = []
    for seq in range(1, rows + 1):
        name = f"{BOOT}-{seq}"
        wanted.append((f"ack {name}", Store(name, list(Lane)[seq % len(Lane)], content(name))))
        if seq % 5 == 0:
            wanted.append((f"remembered m{seq}", Remember(f"m{seq}", str(seq).encode())))
        if seq > 10 and seq % 3 == 0:
            moved = f"{BOOT}-{seq - 10}"
            wanted.append((f"left {moved}", Forget((moved,)) if seq % 10 == 0 else Keep((moved,))))
    return wanted


def answers(event: Event) -> list[str]:
    """The lines that an event is worth."""
    match event:
        case Stored(names=names):
            return [f"ack {name}" for name in names]
        case Forgotten(names=names):
            return [f"left {name}" for name in names]
        case Remembered(names=names):
            return [f"remembered {name}" for name in names]
        case _:
            return []


def work(spool: Spool, posted: "queue.SimpleQueue[Event]", wanted: list[tuple[str, Effect]], until: float) -> int:
    """Ask turn by turn, the first that is outstanding first; how many are missing at the end."""
    spool.perform(OpenSpool())
    asked: dict[str, Effect] = {}
    while (wanted or asked) and time.monotonic() < until:
        if not asked:
            asked = dict(wanted[:TURN])
            del wanted[:TURN]
            for effect in asked.values():
                spool.perform(effect)
            spool.perform(Load(Lane.BACKFILL, None, 5))
        try:
            event = posted.get(timeout=ASK_AGAIN_S)
        except queue.Empty:
            spool.perform(OpenSpool())
            continue
        if isinstance(event, SpoolDown | SpoolFull | SpoolQuarantined):
            say(f"{type(event).__name__.removeprefix('Spool').lower()} {event.reason}")
        elif isinstance(event, SpoolOpened):
            say("opened")
            for effect in asked.values():
                spool.perform(effect)
        for line in answers(event):
            if asked.pop(line, None) is not None:
                say(line)
    return len(wanted) + len(asked)


def main(directory: str, rows: str, seconds: str, defect: str = "") -> None:
    posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
    if defect:
        vars(spool_module)["done"] = planted_early_ack(posted.put)
    spool = Spool(directory, SIZE, BOOT, posted.put, time.monotonic)
    spool.start()
    missing = work(spool, posted, effects(int(rows)), time.monotonic() + float(seconds))
    spool.close()
    say(f"missing {missing}" if missing else "all")


if __name__ == "__main__":
    main(*sys.argv[1:])
