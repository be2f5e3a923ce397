"""The states of the panic part, as its tests bring them about, its events, and short words for what comes out."""

from collections.abc import Callable
from typing import Any

import msgpack
import msgspec

from agent.config import Input, InputUse
from agent.config import WalkTest as WalkTestConfig
from agent.core.effects import Answer, Remember
from agent.core.events import (
    ActionTaken,
    AlarmChanged,
    Event,
    FaultSeen,
    InputChanged,
    InputHeld,
    LampAsked,
    LightsAsked,
    OrderAnswered,
    OrderGiven,
    Remembered,
    Reported,
    ReportLeft,
    TimeLearned,
)
from agent.core.latches import MEMORY
from agent.core.panic import Panic
from agent.core.part import Output
from agent.core.timebase import Timebase
from agent.core.walk_test import MEMORY as TEST_MEMORY
from agent.wire.records import Alarm, Pos, SelfTest
from tests.core.builders import (
    BOOT,
    OTHER_BOOT,
    UTC_MS,
    Bench,
    ignition_input,
    link_up,
    names,
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
ASKER = 9


def latch(alarm: str = OLDER, state: str = "raised", mode: str = "overt", n: int = 4, **facts: Any) -> dict[str, Any]:
    """A latch as it lies in the store."""
    return {"id": alarm, "source": "button", "mode": mode, "state": state, "n": n, "since": UTC_MS, "at_boot": False} | facts


def memory(*latches: dict[str, Any]) -> dict[str, bytes]:
    """What the store remembers."""
    return {MEMORY: msgpack.packb(list(latches))}


def marker(*trials: dict[str, Any], boot: str = OTHER_BOOT, order: str | None = None, passed: tuple[str, ...] = ()) -> dict[str, bytes]:
    """A walk test that was under way when the store was last written."""
    return {TEST_MEMORY: msgpack.packb({"boot": boot, "order": order, "trials": list(trials), "passed": list(passed)})}


def cancel_input() -> Input:
    """The switch by which an officer asks that an alarm be cancelled."""
    return Input(id="cancel", use=InputUse.PANIC_CANCEL, pin=26)


def part(*inputs: Input, time: Timebase | None = None, test: WalkTestConfig | None = None) -> Bench:
    """A quiet panic part of these inputs."""
    return Bench(Panic(inputs, test or WalkTestConfig(), names(), time or told_time(), lambda _at: HERE))


def made(mode: str = "overt", time: Timebase | None = None, buttons: tuple[str, ...] = ("button",), overt: tuple[str, ...] = ()) -> Bench:
    """A quiet panic part: `buttons` of that mode, and overt ones."""
    inputs = (*(panic_input(name, mode=mode) for name in buttons), *(panic_input(name) for name in overt))
    return part(*inputs, ignition_input(), cancel_input(), time=time)


# --- events -------------------------------------------------------------------------------------------------------------------------


def held(at: float, held_s: float = 0.5, button: str = "button", since: float | None = None, first: bool = False) -> InputHeld:
    """By now it has been held for so long."""
    return InputHeld(at, button, "panic", held_s, at - held_s if since is None else since, first)


def hold(at: float, button: str = "button", held_s: float = 0.5, first: bool = False) -> list[Event]:
    """A press that began at `at`, held for at least `held_s` and not let go."""
    marks = [mark for mark in sorted({0.5, 5.0, 30.0, held_s}) if mark <= held_s]
    return [press(at, button, first), *(held(at + mark, mark, button, at, first) for mark in marks)]


def cancel(at: float, held_s: float = 3.0) -> InputHeld:
    """The officer has held the switch by which to ask for a cancel."""
    return InputHeld(at, "cancel", "panic_cancel", held_s, at - held_s)


def ack(at: float, alarm: str, name: str = "o-1", **facts: Any) -> OrderGiven:
    """The centre acknowledges."""
    return OrderGiven(at, name, "alarm.ack", {"alarm": alarm} | facts)


def clear(at: float, alarm: str, name: str = "o-1", reason: str = "officer safe", **facts: Any) -> OrderGiven:
    """The centre ends it."""
    return OrderGiven(at, name, "alarm.clear", {"alarm": alarm, "reason": reason} | facts)


def order_test(at: float, name: str = "o-1") -> OrderGiven:
    """The centre wants a walk test."""
    return OrderGiven(at, name, "selftest", {"what": "walk_test"})


def walk(at: float, **facts: Any) -> ActionTaken:
    """Somebody in the car wants a walk test."""
    return ActionTaken(at, "walk_test", {"do": "walk_test"} | facts, ASKER)


def cancel_action(at: float, **facts: Any) -> ActionTaken:
    """The officer asks for a cancel on the page of the unit."""
    return ActionTaken(at, "alarm.cancel", {"do": "alarm.cancel"} | facts, ASKER)


REMEMBERED = (MEMORY, TEST_MEMORY)
"""The store has both memories."""

EVENTS: dict[str, Event] = {
    "down": press(AT),
    "up": release(AT),
    "ignition": InputChanged(AT, "ignition", "ignition", True, AT),
    "held": held(AT),
    "held 5 s": held(AT, 5.0),
    "held 30 s": held(AT, 30.0),
    "cancel": cancel(AT),
    "cancel, let go": cancel(AT, 2.9),
    "other held": InputHeld(AT, "ignition", "ignition", 30.0, 0.0),
    "ack": ack(AT, OURS),
    "ack auto": ack(AT, OURS, by="auto"),
    "ack unknown": ack(AT, "nobody's"),
    "clear": clear(AT, OURS),
    "clear unknown": clear(AT, "nobody's"),
    "test order": order_test(AT),
    "other order": OrderGiven(AT, "o-1", "light.set", {"show": None}),
    "walk": walk(AT),
    "stop": walk(AT, stop=True),
    "cancel action": cancel_action(AT, held_s=3),
    "other action": ActionTaken(AT, "lights.hand", {"do": "lights.hand"}, ASKER),
    "opened": spool_opened(AT),
    "opened, older": spool_opened(AT, memory(latch())),
    "opened, older seen": spool_opened(AT, memory(latch(state="acknowledged"))),
    "opened, ours": spool_opened(AT, memory(latch(OURS))),
    "opened, test": spool_opened(AT, marker(latch())),
    "remembered": Remembered(AT, REMEMBERED),
    "left": ReportLeft(AT, OURS, True, True),
    "left, other": ReportLeft(AT, f"{OTHER_BOOT}-1", True, True),
    "stored only": ReportLeft(AT, OURS, True, False),
    "acked only": ReportLeft(AT, OURS, False, True),
    "learned": TimeLearned(AT, UTC_MS),
    "linked": link_up(AT),
}


# --- what comes out, in words -------------------------------------------------------------------------------------------------------


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    return [word(out) for out in outs]


def word(out: Output) -> str:
    match out:
        case Remember(name="alarms", value=None):
            return "remember none"
        case Remember(name="alarms", value=bytes(value)):
            return f"remember {len(msgpack.unpackb(value))}"
        case Remember(name="walk_test", value=value):
            return "mark test" if value else "unmark test"
        case Reported(record=Alarm(state=state, test=test), slot=slot):
            return f"{'test ' if test else ''}{state}{' volatile' if slot else ''}"
        case Reported(record=SelfTest(result=result, ended=ended)):
            return f"selftest {result} by {ended}"
        case AlarmChanged(state=state, test=test):
            return f"{'test ' if test else ''}alarm {state}"
        case LightsAsked(by="panic", show=show):
            return f"light {show or 'none'}"
        case LampAsked(lamp=lamp):
            return f"lamp {lamp or 'none'}"
        case FaultSeen(code=code, active=active):
            return f"{code} {'on' if active else 'off'}"
        case OrderAnswered(label=label):
            return f"order {label}"
        case Answer(asker=asker, body=body):
            assert asker == ASKER
            return "refused" if "error" in body else "answer"
    raise AssertionError(out)


def summary(bench: Bench) -> str:
    """What is so now: the newest alarm, how many there are, whether there is a test, what the lamp says."""
    panic = bench.part
    assert isinstance(panic, Panic)
    told = panic.status(AT)
    test = "test" if told.get("walk_test", {}).get("open") else ""
    return " ".join(str(fact) for fact in (told["state"], told.get("live", ""), test) if fact)


# --- states -------------------------------------------------------------------------------------------------------------------------


def quiet() -> Bench:
    return made()


def down() -> Bench:
    bench = made()
    bench.feed(press(20.8))
    return bench


def raised(mode: str = "overt") -> Bench:
    bench = made(mode)
    bench.feed(*hold(19.5), Remembered(20.01, REMEMBERED), release(20.5))
    return bench


def sent() -> Bench:
    bench = raised()
    bench.feed(ReportLeft(20.6, OURS, True, True))
    return bench


def received() -> Bench:
    bench = sent()
    bench.feed(ack(20.7, OURS, by="auto"), Remembered(20.71, REMEMBERED))
    return bench


def acknowledged() -> Bench:
    bench = sent()
    bench.feed(ack(20.7, OURS), Remembered(20.71, REMEMBERED))
    return bench


def two() -> Bench:
    bench = raised()
    bench.feed(spool_opened(20.7, memory(latch())), Remembered(20.71, REMEMBERED))
    return bench


def silent() -> Bench:
    return raised("silent")


def stuck() -> Bench:
    bench = made()
    bench.feed(*hold(-9.0, held_s=30.0), Remembered(21.01, REMEMBERED))
    return bench


def testing() -> Bench:
    bench = made()
    bench.feed(walk(19.0), Remembered(19.01, REMEMBERED), press(20.7))
    return bench


def tried() -> Bench:
    bench = made(buttons=("button", "foot"))
    bench.feed(walk(19.0), *hold(19.5), Remembered(20.01, REMEMBERED))
    return bench


def silent_testing() -> Bench:
    """A silent alarm is live, and somebody tests; the other button is overt."""
    bench = made("silent", overt=("foot",))
    bench.feed(*hold(18.0), release(18.7), walk(19.0), Remembered(19.01, REMEMBERED), press(20.7))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "quiet": quiet,
    "down": down,
    "raised": raised,
    "sent": sent,
    "received": received,
    "acknowledged": acknowledged,
    "two": two,
    "silent": silent,
    "stuck": stuck,
    "testing": testing,
    "tried": tried,
    "silent, testing": silent_testing,
}


def result(outs: list[Output]) -> SelfTest:
    """What came of the walk test."""
    found = [out.record for out in outs if isinstance(out, Reported) and isinstance(out.record, SelfTest)]
    assert len(found) == 1, found
    return msgspec.structs.replace(found[0])
