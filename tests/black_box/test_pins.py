"""Real gpiozero in the agent's process, through its own pin factory seam: contacts here, edges there; what it drives, seen here.

`GPIOZERO_PIN_FACTORY=simulated` names an entry point of the installed package; nothing in agent/ knows of it. What the pins look like to
another process is what a wire would see: function, pull, level, and when it changed.
"""

from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import pairwise

import pytest

from agent.core.shows import BUILT_IN, PATTERNS
from agent.wire.records import AckRecord, Alarm, Media
from simulator.bench.car_config import BAR, IGNITION_PIN, LAMP_PIN, PANIC_PIN
from simulator.bench.wiring import Setup
from tests.black_box.desk import QUICK, Desk, until

MARK_PIN, PULSE_S = 6, 0.3
MORE = f"""
[recorder]
name = "front"
pulse_s = {PULSE_S}

[[output]]
id = "mark"
use = "recorder_mark"
pin = {MARK_PIN}
active = "low"
"""


@pytest.fixture(scope="module")
def car(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("pins") / "car", QUICK) as desk:
        desk.config_file.write_text(desk.config_file.read_text() + MORE)
        desk.run_online()
        yield desk


def pulses(desk: Desk, since: float) -> list[float]:
    """How long the mark line, which is active low, was pulsed each time, in seconds; those that are over."""
    driven = desk.wiring.history(MARK_PIN, since)
    return [end.at - begin.at for begin, end in pairwise(driven) if (begin.level, end.level) == (0, 1)]


def test_the_factory_is_an_entry_point_of_gpiozero(car: Desk) -> None:
    (found,) = entry_points(group="gpiozero_pin_factories", name="simulated")
    assert found.value.startswith("simulator.")
    assert car.environment["GPIOZERO_PIN_FACTORY"] == "simulated"


def test_inputs_are_pulled_and_outputs_begin_at_their_safe_level(car: Desk) -> None:
    """The very first thing that is seen of an output is its safe level."""
    assert [car.wiring.setup(pin) for pin in (PANIC_PIN, IGNITION_PIN)] == [Setup("input", "up")] * 2
    for pin in (*(pin for _, _, pin in BAR), LAMP_PIN, MARK_PIN):
        setup, history = car.wiring.setup(pin), car.wiring.history(pin)
        assert setup is not None
        assert setup.function == "output"
        assert history[0].level == (1 if pin == MARK_PIN else 0)


def test_an_edge_becomes_an_alarm_a_pattern_in_step_and_a_mark(car: Desk) -> None:
    """One press: the bar plays response, its first and third light together, in the pattern's own rhythm; the recorder is marked."""
    since = car.heard
    pressed = car.press()
    alarm = car.hear(Alarm, lambda r: r.state == "raised", since)
    car.release()
    media = car.hear(Media, since=since)
    assert (media.recorder, media.cause, media.marked, media.alarm) == ("front", "panic", True, alarm.id)
    (pulse_s,) = until("the mark line was pulsed", lambda: pulses(car, pressed))
    assert pulse_s >= PULSE_S

    first, third = BAR[0][2], BAR[2][2]
    until("some turns of the pattern", lambda: len(car.wiring.history(first, pressed)) > 30)
    (name, *_) = BUILT_IN["response"]["*"]
    steps = [int(ms) for ms in PATTERNS[name].split()]
    edges = [d for d in car.wiring.history(first, pressed) if d.level is not None]
    lasted_ms = [round((b.at - a.at) * 1000) for a, b in pairwise(edges[4:])]
    assert any(abs(lasted - steps[0]) <= 20 for lasted in lasted_ms)
    assert sum(min(abs(lasted - step) for step in steps) <= 20 for lasted in lasted_ms) > len(lasted_ms) / 2
    together = [d.level for d in car.wiring.history(third, pressed)][: len(edges) - 2]
    assert together == [d.level for d in edges][: len(together)]
    car.centre.clear(car.options.unit, alarm.id, "test")
    car.told("over", lambda s: s["alarm"]["state"] == "none")


def test_the_centre_marks_the_recorder_by_an_order(car: Desk) -> None:
    since, before = car.heard, max(d.at for d in car.wiring.history(MARK_PIN))
    order = car.centre.order(car.options.unit, "mark", {"reason": "grey van"})
    ack = car.hear(AckRecord, lambda r: r.order == order, since)
    assert (ack.label, ack.result) == ("done", {"marked": True})
    media = car.hear(Media, lambda r: r.order == order, since)
    assert (media.cause, media.marked) == ("order", True)
    assert media.start is not None
    assert media.end is not None
    assert media.end - media.start == media.to_mono - media.from_mono
    assert len(until("the mark line was pulsed", lambda: pulses(car, before + 0.001))) == 1
