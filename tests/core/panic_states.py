"""The states of the panic part, as its tests bring them about, and short words for what comes out."""

from collections.abc import Callable
from typing import Any

import msgpack

from agent.core.effects import Remember
from agent.core.events import (
    AlarmChanged,
    FaultSeen,
    LampAsked,
    LightsAsked,
    OrderAnswered,
    Remembered,
    Reported,
    ReportLeft,
)
from agent.core.panic import MEMORY, Panic
from agent.core.part import Output
from agent.core.timebase import Timebase
from agent.wire.records import Alarm, Pos
from tests.core.builders import (
    BOOT,
    OTHER_BOOT,
    UTC_MS,
    Bench,
    ignition_input,
    names,
    order,
    panic_input,
    press,
    release,
    spool_opened,
    told_time,
)

OURS = f"{BOOT}-1"
OLDER = f"{OTHER_BOOT}-7"
AT = 21.2
HERE = Pos(lat=36.6, lon=101.8, mode="3d", src="gnss", age_ms=100)


def latch(alarm: str = OLDER, state: str = "raised", mode: str = "overt", n: int = 4) -> dict[str, Any]:
    """A latch as it lies in the store."""
    return {"id": alarm, "source": "button", "mode": mode, "state": state, "n": n, "since": UTC_MS, "at_boot": False}


def memory(*latches: dict[str, Any]) -> dict[str, bytes]:
    """What the store remembers."""
    return {MEMORY: msgpack.packb(list(latches))}


def made(mode: str = "overt", time: Timebase | None = None, buttons: tuple[str, ...] = ("button",), overt: tuple[str, ...] = ()) -> Bench:
    """A quiet panic part: `buttons` of that mode, and overt ones."""
    inputs = (*(panic_input(name, mode=mode) for name in buttons), *(panic_input(name) for name in overt), ignition_input())
    return Bench(Panic(inputs, names(), time or told_time(), lambda _at: HERE))


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    return [word(out) for out in outs]


def word(out: Output) -> str:
    match out:
        case Remember(name="alarms", value=None):
            return "remember none"
        case Remember(name="alarms", value=bytes(value)):
            return f"remember {len(msgpack.unpackb(value))}"
        case Reported(record=Alarm(state=state), slot=slot):
            return f"{state} volatile" if slot else state
        case AlarmChanged(state=state):
            return f"alarm {state}"
        case LightsAsked(by="panic", show=show):
            return f"light {show or 'none'}"
        case LampAsked(lamp=lamp):
            return f"lamp {lamp or 'none'}"
        case FaultSeen(code=code, active=active):
            return f"{code} {'on' if active else 'off'}"
        case OrderAnswered(label=label):
            return f"order {label}"
    raise AssertionError(out)


# --- states -------------------------------------------------------------------------------------------------------------------------


def quiet() -> Bench:
    return made()


def holding() -> Bench:
    bench = made()
    bench.feed(press(20.8))
    return bench


def raised(mode: str = "overt") -> Bench:
    bench = made(mode)
    bench.feed(press(19.5), Remembered(20.01, (MEMORY,)), release(20.5))
    return bench


def sent() -> Bench:
    bench = raised()
    bench.feed(ReportLeft(20.6, OURS, True, True))
    return bench


def acknowledged() -> Bench:
    bench = sent()
    bench.feed(order(20.7, "alarm.ack", OURS), Remembered(20.71, (MEMORY,)))
    return bench


def two() -> Bench:
    bench = raised()
    bench.feed(spool_opened(20.7, memory(latch())), Remembered(20.71, (MEMORY,)))
    return bench


def stuck() -> Bench:
    bench = made()
    bench.feed(press(-9.0), Remembered(-8.4, (MEMORY,)))
    bench.until(21.0)
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "quiet": quiet,
    "holding": holding,
    "raised": raised,
    "sent": sent,
    "acknowledged": acknowledged,
    "two": two,
    "stuck": stuck,
}
