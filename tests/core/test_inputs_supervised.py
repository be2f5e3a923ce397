"""Supervised inputs: what is believed of position and wire × what the two contacts read; then switches, cuts and pins that fail."""

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Input, InputUse
from agent.core.events import Edge, Event, FaultSeen, InputChanged, InputHeld, InputsFailed, Levels, WireChanged
from agent.core.inputs import Inputs
from agent.core.part import Output
from agent.core.supervised_wire import JOINT, WIRE_S_MIN
from tests.core.builders import Bench, assert_covers, edge, of

BUTTON = Input(id="button", use=InputUse.PANIC, pin_no=17, pin_nc=27)
NORMAL, PRESSED, CUT, SHORT = (False, True), (True, False), (False, False), (True, True)
WIRES = {NORMAL: "ok", PRESSED: "ok", CUT: "cut", SHORT: "short"}
AT = 10.0


def both(at: float, contacts: tuple[bool, bool]) -> Levels:
    """Both contacts: normally open, normally closed."""
    return Levels(at, {"button.no": contacts[0], "button.nc": contacts[1]})


def normally_open(at: float, active: bool) -> Edge:
    return edge(at, active, "button.no")


def normally_closed(at: float, active: bool) -> Edge:
    return edge(at, active, "button.nc")


def made(wired: Input = BUTTON) -> Bench:
    return Bench(Inputs((wired,)))


def believed(contacts: tuple[bool, bool]) -> Callable[[], Bench]:
    """A bench on which the contacts have read so long enough for everything."""

    def make() -> Bench:
        bench = made()
        bench.feed(both(0.0, NORMAL), both(1.0, contacts))
        bench.until(AT - 1.0)
        bench.feed(both(AT - 1.0, contacts))
        return bench

    return make


def failed() -> Bench:
    bench = believed(NORMAL)()
    bench.feed(InputsFailed(AT - 0.5, "no pins"))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "unknown": made,
    "normal": believed(NORMAL),
    "pressed": believed(PRESSED),
    "cut": believed(CUT),
    "short": believed(SHORT),
    "failed": failed,
}


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    words = []
    for out in outs:
        match out:
            case InputChanged(active=active, first=first):
                words.append(f"{'down' if active else 'up'}{' first' if first else ''}")
            case InputHeld(held_s=held_s, first=first):
                words.append(f"held {held_s:g}{' first' if first else ''}")
            case WireChanged(wire=wire):
                words.append(wire)
            case FaultSeen(active=active):
                words.append(f"fault {'on' if active else 'off'}")
    return words


NO_PINS = InputsFailed(AT, "no pins")

# state, event, what comes out at once, what has come out two seconds later without another word
TABLE: list[tuple[str, Event, list[str], list[str]]] = [
    ("unknown", both(AT, NORMAL), ["up first"], []),
    ("unknown", both(AT, PRESSED), ["up first"], ["down first", "held 0.5 first"]),
    ("unknown", both(AT, CUT), ["up first"], ["cut"]),
    ("unknown", both(AT, SHORT), ["up first"], ["short"]),
    ("unknown", Levels(AT, {}), [], []),
    ("unknown", normally_open(AT, False), ["up first"], []),
    ("unknown", normally_open(AT, True), ["up first"], ["down first", "held 0.5 first"]),
    ("unknown", normally_closed(AT, True), ["up first"], []),
    ("unknown", normally_closed(AT, False), ["up first"], ["down first", "held 0.5 first"]),
    ("unknown", NO_PINS, ["fault on"], []),
    ("normal", both(AT, NORMAL), [], []),
    ("normal", both(AT, PRESSED), [], ["down", "held 0.5"]),
    ("normal", both(AT, CUT), [], ["cut"]),
    ("normal", both(AT, SHORT), [], ["short"]),
    ("normal", normally_open(AT, True), [], ["short"]),
    ("normal", normally_closed(AT, False), [], ["cut"]),
    ("normal", NO_PINS, ["fault on"], []),
    ("pressed", both(AT, NORMAL), [], ["up"]),
    ("pressed", both(AT, PRESSED), [], []),
    ("pressed", both(AT, CUT), [], ["up", "cut"]),
    ("pressed", both(AT, SHORT), [], ["up", "short"]),
    ("pressed", normally_open(AT, False), [], ["up", "cut"]),
    ("pressed", normally_closed(AT, True), [], ["up", "short"]),
    ("pressed", NO_PINS, ["fault on"], []),
    ("cut", both(AT, NORMAL), [], ["ok"]),
    ("cut", both(AT, PRESSED), [], ["down", "ok", "held 0.5"]),
    ("cut", both(AT, CUT), [], []),
    ("cut", both(AT, SHORT), [], ["short"]),
    ("cut", normally_open(AT, True), [], ["down", "ok", "held 0.5"]),
    ("cut", normally_closed(AT, True), [], ["ok"]),
    ("cut", NO_PINS, ["fault on"], []),
    ("short", both(AT, NORMAL), [], ["ok"]),
    ("short", both(AT, PRESSED), [], ["down", "ok", "held 0.5"]),
    ("short", both(AT, CUT), [], ["cut"]),
    ("short", both(AT, SHORT), [], []),
    ("short", normally_open(AT, False), [], ["ok"]),
    ("short", normally_closed(AT, False), [], ["down", "ok", "held 0.5"]),
    ("short", NO_PINS, ["fault on"], []),
    ("failed", both(AT, NORMAL), ["fault off"], []),
    ("failed", Levels(AT, {"button.no": False}), [], []),
    ("failed", Levels(AT, {"button.no": True}), [], ["down", "held 0.5"]),
    ("failed", normally_open(AT, True), [], ["short"]),
    ("failed", NO_PINS, [], []),
]


@pytest.mark.parametrize(("state", "event", "outs", "later"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str], later: list[str]) -> None:
    bench = STATES[state]()
    assert short(bench.feed(event)) == outs
    assert sorted(short(bench.until(AT + 2.0))) == sorted(later)
    assert short(bench.until(AT + 2.0)) == []


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Inputs, STATES, ((state, type(event)) for state, event, _, _ in TABLE))


def test_the_table_of_the_contacts_is_whole() -> None:
    assert {contacts: wire.value for contacts, (_, wire) in JOINT.items()} == WIRES
    assert [contacts for contacts, (pressed, _) in JOINT.items() if pressed] == [PRESSED]
    assert WIRE_S_MIN == 0.5


@pytest.mark.parametrize("between", [CUT, SHORT], ids=["break before make", "make before break"])
@pytest.mark.parametrize("travel_s", [0.0005, 0.01, 0.1, 0.45])
def test_a_switch_on_its_way_is_neither_cut_nor_short(between: tuple[bool, bool], travel_s: float) -> None:
    """Pressed and released twenty times, with that long between the contacts each time."""
    bench = made()
    bench.feed(both(0.0, NORMAL))
    at = 1.0
    for _ in range(20):
        bench.feed(both(at, between), both(at + travel_s, PRESSED), both(at + 1.0, between), both(at + 1.0 + travel_s, NORMAL))
        at += 2.0
    bench.until(at + 10.0)
    assert of(WireChanged, bench.all) == []
    assert [out.active for out in of(InputChanged, bench.all)] == [False, *[True, False] * 20]
    assert len(of(InputHeld, bench.all)) == (20 if travel_s < 0.5 else 0)


@pytest.mark.parametrize("contacts", [CUT, SHORT])
def test_a_wire_is_believed_after_its_time_and_again_when_it_is_mended(contacts: tuple[bool, bool]) -> None:
    bench = made()
    bench.feed(both(0.0, NORMAL), both(64.0, contacts), both(128.0, NORMAL))
    bench.until(200.0)
    assert of(WireChanged, bench.all) == [
        WireChanged(64.0 + WIRE_S_MIN, "button", "panic", WIRES[contacts]),
        WireChanged(128.0 + WIRE_S_MIN, "button", "panic", "ok"),
    ]


def test_a_switch_that_settles_slowly_gives_its_wire_as_long() -> None:
    bench = made(Input(id="button", use=InputUse.PANIC, pin_no=17, pin_nc=27, release_s=3.0))
    bench.feed(both(0.0, NORMAL), both(64.0, CUT))
    assert bench.until(66.9) == []
    assert short(bench.until(67.0)) == ["cut"]


def test_a_loose_wire_that_flickers_is_one_fault() -> None:
    """A second off, 0.2 s on, for a minute: cut once, and well once the contact is steady."""
    bench = made()
    bench.feed(both(0.0, NORMAL))
    for turn in range(50):
        bench.feed(both(1.0 + turn * 1.2, CUT), both(2.0 + turn * 1.2, NORMAL))
    bench.until(100.0)
    assert short(bench.all) == ["up first", "cut", "ok"]


def test_a_press_of_a_button_whose_normally_closed_wire_is_cut_is_a_press() -> None:
    bench = believed(CUT)()
    bench.feed(normally_open(AT, True), normally_open(AT + 1.0, False))
    bench.until(AT + 9.0)
    assert [(out.at, out.held_s) for out in of(InputHeld, bench.all)] == [(AT + 0.5, 0.5)]
    assert bench.part.status(AT + 9.0) == {"button": False}


def test_a_press_of_a_button_whose_normally_open_wire_is_short_is_a_press() -> None:
    bench = believed(SHORT)()
    bench.feed(normally_closed(AT, False), normally_closed(AT + 1.0, True))
    bench.until(AT + 9.0)
    assert [(out.at, out.held_s) for out in of(InputHeld, bench.all)] == [(AT + 0.5, 0.5)]


@pytest.mark.parametrize("missing", ["button.no", "button.nc"])
def test_a_button_with_one_pin_that_cannot_be_read_is_still_a_button(missing: str) -> None:
    """From the start, or later: the contact that is left decides, and when both can be read again both do."""
    for start in (NORMAL, None):
        bench = made()
        bench.feed(*[both(0.0, start)] if start else [])
        for at, contacts in ((1.0, NORMAL), (5.0, PRESSED), (8.0, NORMAL)):
            bench.feed(Levels(at, {name: active for name, active in both(at, contacts).active.items() if name != missing}))
        bench.until(20.0)
        assert short(bench.all) == ["up first", "down", "held 0.5", "up"]
        bench.feed(both(20.0, CUT))
        assert "cut" in short(bench.until(30.0))


def test_of_two_edges_of_a_contact_with_one_stamp_the_later_counts() -> None:
    bench = believed(NORMAL)()
    bench.feed(normally_closed(AT, False), normally_closed(AT, True))
    assert bench.part.deadline == math.inf


def test_a_level_older_than_an_edge_is_not_taken_for_that_contact_but_for_the_other() -> None:
    bench = believed(NORMAL)()
    bench.feed(normally_open(AT + 0.0005, True), both(AT, CUT))
    bench.until(AT + 2.0)
    assert of(WireChanged, bench.all) == []
    assert of(InputHeld, bench.all)[0].since == AT + 0.0005


@given(st.lists(st.tuples(st.floats(0.0001, 0.0299), st.floats(1.0, 5.0), st.sampled_from([PRESSED, CUT, SHORT])), max_size=60))
def test_bursts_of_noise_on_one_contact_or_both_say_nothing(runs: list[tuple[float, float, tuple[bool, bool]]]) -> None:
    """Each shorter than the debounce, with at least as long a rest."""
    bench = believed(NORMAL)()
    said = len(bench.all)
    at = AT
    for burst_s, rest, contacts in runs:
        bench.feed(both(at, contacts), both(at + burst_s, NORMAL))
        at += burst_s * (1 + rest)
    bench.until(at + 100.0)
    assert bench.all[said:] == []


CONTACTS = st.sampled_from([NORMAL, PRESSED, CUT, SHORT])


@given(st.lists(st.tuples(st.floats(0.001, 2.0), CONTACTS), max_size=40), CONTACTS)
def test_whatever_the_contacts_read_it_ends_at_what_they_read_last(
    story: list[tuple[float, tuple[bool, bool]]], last: tuple[bool, bool]
) -> None:
    bench = made()
    at = 1.0
    for wait, contacts in [*story, (1.0, last)]:
        at += wait
        bench.feed(both(at, contacts))
    bench.until(at + 100.0)
    assert bench.part.deadline == math.inf
    assert bench.part.status(at) == {"button": last == PRESSED}
    wires = ["ok", *(out.wire for out in of(WireChanged, bench.all))]
    assert wires[-1] == WIRES[last]
    assert all(a != b for a, b in itertools.pairwise(wires))
