"""The line's speed: remembered when heard, and the first guess next time."""

from collections.abc import Callable

import pytest

from agent.config import Gnss
from agent.core.effects import Remember, SetReceiverBaud
from agent.core.events import Event, ReceiverHeard, ReceiverUp, Remembered
from agent.core.line_speed import AGAIN_S, MEMORY, LineSpeed
from agent.core.part import Output
from tests.core.builders import Bench, assert_covers, spool_opened

CONFIG = Gnss(port="/dev/a", more_ports=("/dev/b",))
AT = 50.0


def made(config: Gnss = CONFIG) -> Bench:
    return Bench(LineSpeed(config))


def known() -> Bench:
    bench = made()
    bench.feed(spool_opened(1.0, {MEMORY + "/dev/a": b"38400"}))
    return bench


def up() -> Bench:
    bench = made()
    bench.feed(ReceiverUp(1.0, "/dev/a"))
    return bench


def hearing() -> Bench:
    bench = up()
    bench.feed(ReceiverHeard(2.0, 5, baud=115200))
    return bench


def kept() -> Bench:
    bench = hearing()
    bench.feed(Remembered(3.0, (MEMORY + "/dev/a",)))
    return bench


def fixed() -> Bench:
    bench = made(Gnss(port="/dev/a", baud=9600))
    bench.feed(ReceiverUp(1.0, "/dev/a"))
    return bench


STATES: dict[str, Callable[[], Bench]] = {one.__name__: one for one in (made, known, up, hearing, kept, fixed)}
STORE = spool_opened(AT, {MEMORY + "/dev/a": b"57600"})
UP = ReceiverUp(AT, "/dev/a")
HEARD = ReceiverHeard(AT, 5, baud=115200)
DONE = Remembered(AT, (MEMORY + "/dev/a", "alarms"))
SET_STORED, SET_KNOWN, SET_HEARD = SetReceiverBaud(57600), SetReceiverBaud(38400), SetReceiverBaud(115200)
KEEP = Remember(MEMORY + "/dev/a", b"115200")

TABLE: list[tuple[str, Event, list[Output]]] = [
    *(("made", event, []) for event in (STORE, UP, HEARD, DONE)),
    ("known", STORE, []),
    ("known", UP, [SET_KNOWN]),
    ("known", HEARD, []),
    ("known", DONE, []),
    ("up", STORE, [SET_STORED]),
    ("up", UP, []),
    ("up", HEARD, [KEEP]),
    ("up", DONE, []),
    ("hearing", STORE, []),
    ("hearing", UP, [SET_HEARD]),
    ("hearing", HEARD, [KEEP]),
    ("hearing", DONE, []),
    ("kept", STORE, []),
    ("kept", UP, [SET_HEARD]),
    ("kept", HEARD, []),
    ("kept", DONE, []),
    *(("fixed", event, []) for event in (STORE, UP, HEARD, DONE)),
]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[Output]) -> None:
    assert STATES[state]().feed(event) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(LineSpeed, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_a_memory_that_the_store_does_not_confirm_is_asked_for_again_but_not_each_second() -> None:
    bench = up()
    asked = [at for at in range(2, 20) if bench.feed(ReceiverHeard(float(at), 5, baud=9600))]
    assert asked[:3] == [2, 2 + AGAIN_S, 2 + 2 * AGAIN_S]


def test_each_port_has_its_own_speed() -> None:
    bench = kept()
    assert bench.feed(ReceiverUp(60.0, "/dev/b")) == []
    assert bench.feed(ReceiverHeard(61.0, 5, baud=9600)) == [Remember(MEMORY + "/dev/b", b"9600")]
    assert bench.feed(ReceiverUp(62.0, "/dev/a")) == [SET_HEARD]


def test_a_speed_that_one_sentence_was_heard_at_is_chance_and_a_line_without_one_has_none() -> None:
    bench = up()
    assert bench.feed(ReceiverHeard(2.0, 1, baud=9600), ReceiverHeard(3.0, 9, baud=None)) == []


@pytest.mark.parametrize("value", [b"", b"fast", b"0", b"-9600", b"99999999", b"\xff", b"9" * 400])
def test_what_is_no_speed_in_the_store_is_passed_over(value: bytes) -> None:
    bench = up()
    assert bench.feed(spool_opened(2.0, {MEMORY + "/dev/a": value})) == []


def test_a_receiver_that_is_to_be_set_to_another_speed_is_looked_for_even_when_its_own_is_given() -> None:
    bench = made(Gnss(port="/dev/a", baud=9600, baud_wanted=115200))
    assert bench.feed(ReceiverUp(1.0, "/dev/a"), ReceiverHeard(2.0, 5, baud=115200)) == [KEEP]


def test_the_status_tells_the_speed() -> None:
    assert hearing().part.status(3.0) == {"baud": 115200}
