"""Wires: what a change means for its use, and the faults that several inputs share: a state of each fault × every event."""

from collections.abc import Callable

import pytest

from agent.core.events import Event, FaultSeen, InputChanged, Lane, Reported, Vitals, WireChanged
from agent.core.part import Output
from agent.core.wires import BOARD_WELL_S, Wires
from agent.wire.records import EventRecord
from tests.core.builders import Bench, assert_covers, of, one

AT = 10.0


def changed(name: str, use: str, active: bool = True, first: bool = False, at: float = AT) -> InputChanged:
    """A debounced input, 0.1 s after it began."""
    return InputChanged(at, name, use, active, at - 0.1, first)


def resting() -> Bench:
    return Bench(Wires())


def after(*events: Event) -> Callable[[], Bench]:
    """A bench that has seen these."""

    def make() -> Bench:
        bench = resting()
        bench.feed(*events)
        return bench

    return make


LOW = Vitals(AT, 1, supply_low=True)
WELL = Vitals(AT, 1, supply_low=False)
UNTOLD = Vitals(AT, 1)
STATES: dict[str, Callable[[], Bench]] = {
    "resting": resting,
    "box open": after(changed("box", "tamper", at=1.0)),
    "car low": after(changed("battery", "low_voltage", at=1.0)),
    "board low": after(Vitals(AT - 1, 1, supply_low=True)),
    "board low long ago": after(Vitals(AT - BOARD_WELL_S, 1, supply_low=True)),
    "door cut": after(WireChanged(1.0, "door", "generic", "cut")),
    "door short": after(WireChanged(1.0, "door", "generic", "short")),
}


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    words = []
    for out in outs:
        match out:
            case Reported(record=EventRecord(what=what, id=name, active=active)):
                words.append(f"{what} {name} {'on' if active else 'off'}")
            case FaultSeen(code=code, active=True, detail=detail):
                words.append(f"{code}: {detail}")
            case FaultSeen(code=code):
                words.append(f"{code} over")
    return words


BOX, BOX_SHUT = changed("box", "tamper"), changed("box", "tamper", active=False)
LID = changed("lid", "tamper")
KEY, DOOR = changed("ignition", "ignition"), changed("door", "generic", active=False)
BATTERY, BATTERY_WELL = changed("battery", "low_voltage"), changed("battery", "low_voltage", active=False)
CUT, SHORT, OK = (WireChanged(AT, "door", "generic", how) for how in ("cut", "short", "ok"))
OTHER_CUT = WireChanged(AT, "button", "panic", "cut")

# state, event, what comes out
TABLE: list[tuple[str, Event, list[str]]] = [
    ("resting", KEY, ["ignition ignition on"]),
    ("resting", DOOR, ["input door off"]),
    ("resting", BOX, ["tamper box on", "tamper.open: box"]),
    ("resting", BOX_SHUT, ["tamper box off"]),
    ("resting", changed("box", "tamper", first=True), ["tamper.open: box"]),
    ("resting", changed("box", "tamper", active=False, first=True), []),
    ("resting", changed("ignition", "ignition", first=True), []),
    ("resting", BATTERY, ["power.low: battery"]),
    ("resting", BATTERY_WELL, []),
    *[("resting", changed("x", use), []) for use in ("panic", "panic_cancel", "light_hand", "light_sense", "recorder_alive")],
    ("resting", LOW, ["power.low: the board"]),
    ("resting", WELL, []),
    ("resting", UNTOLD, []),
    ("resting", CUT, ["input.cut: door"]),
    ("resting", SHORT, ["input.short: door"]),
    ("resting", OK, []),
    ("box open", BOX, ["tamper box on"]),
    ("box open", BOX_SHUT, ["tamper box off", "tamper.open over"]),
    ("box open", LID, ["tamper lid on", "tamper.open over", "tamper.open: box, lid"]),
    ("box open", WELL, []),
    ("box open", OK, []),
    ("car low", BATTERY, []),
    ("car low", BATTERY_WELL, ["power.low over"]),
    ("car low", LOW, ["power.low over", "power.low: battery, the board"]),
    ("car low", WELL, []),
    ("car low", OK, []),
    ("board low", BATTERY, ["power.low over", "power.low: the board, battery"]),
    ("board low", BATTERY_WELL, []),
    ("board low", LOW, []),
    ("board low", WELL, []),
    ("board low", OK, []),
    ("board low long ago", BATTERY, ["power.low over", "power.low: the board, battery"]),
    ("board low long ago", LOW, []),
    ("board low long ago", WELL, ["power.low over"]),
    ("board low long ago", UNTOLD, ["power.low over"]),
    ("board low long ago", OK, []),
    ("door cut", KEY, ["ignition ignition on"]),
    ("door cut", WELL, []),
    ("door cut", CUT, []),
    ("door cut", SHORT, ["input.cut over", "input.short: door"]),
    ("door cut", OK, ["input.cut over"]),
    ("door cut", OTHER_CUT, ["input.cut over", "input.cut: door, button"]),
    ("door short", KEY, ["ignition ignition on"]),
    ("door short", WELL, []),
    ("door short", CUT, ["input.cut: door", "input.short over"]),
    ("door short", SHORT, []),
    ("door short", OK, ["input.short over"]),
    ("door short", OTHER_CUT, ["input.cut: button"]),
]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert short(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Wires, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_a_change_is_said_with_the_moment_it_began() -> None:
    report = one(Reported, resting().feed(KEY))
    assert (report.at, report.lane) == (KEY.since, Lane.EVENT)


def test_a_board_that_sags_now_and_then_is_one_fault() -> None:
    bench = resting()
    for turn in range(60):
        bench.feed(Vitals(turn * 10.0, 1, supply_low=turn < 30 and turn % 3 == 0))
    assert [(out.at, out.active) for out in of(FaultSeen, bench.all)] == [(0.0, True), (270.0 + BOARD_WELL_S, False)]


def test_the_status_names_the_wires_that_are_not_well() -> None:
    bench = resting()
    bench.feed(CUT, OTHER_CUT, SHORT)
    assert bench.part.status(AT) == {"button": "cut", "door": "short"}
    bench.feed(OK)
    assert bench.part.status(AT) == {"button": "cut"}
