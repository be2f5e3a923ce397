"""The output pins, on gpiozero's own mock pins: patterns on one schedule, safe levels, pins that fail."""

import gc
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.outputs import Look, Outputs, look
from agent.adapters.outputs_pin import drive_safe
from agent.config import Output
from agent.core.effects import Pattern, PulseOutput, ShowLights
from agent.core.events import LightsShown, OutputFailed, OutputPulsed
from tests.adapters.conftest import Posted
from tests.timing import PATIENCE_S

RED = Output(id="red", pin=5)
BLUE = Output(id="blue", pin=6, active="low")
LAMP = Output(id="lamp", pin=13, safe="on")
MARK = Output(id="mark", use="recorder_mark", pin=7, active="low")

STEADY = Pattern("steady", ((True, 0),))
DARK = Pattern("dark", ((False, 0),))
FLASH = Pattern("flash", ((True, 50), (False, 50)))
COUNTER = Pattern("counter", ((False, 50), (True, 50)))

Begin = Callable[..., Outputs]


class BoardWithMemory(MockFactory):  # type: ignore[misc]  # gpiozero is untyped
    """The mock board, with every level of every pin and its moment."""

    def __init__(self) -> None:
        """Nothing has been driven yet."""
        self.driven: list[tuple[float, int, bool]] = []
        self.news: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.broken: set[int] = set()
        super().__init__(pin_class=PinWithMemory)

    def levels(self, pin: int) -> list[bool]:
        """The levels that a pin has been driven to."""
        return [level for _, number, level in self.driven if number == pin]

    def wait_for_changes(self, pin: int, count: int) -> None:
        """Until this pin has been driven `count` times from now on."""
        while not self.news.empty():
            self.news.get()
        while count:
            count -= self.news.get(timeout=PATIENCE_S) == pin


class PinWithMemory(MockPin):  # type: ignore[misc]  # gpiozero is untyped
    """A mock pin that tells its board what it is driven to, and fails when the board says so."""

    def _set_state(self, value: Any) -> None:
        if self._number in self.factory.broken:
            raise OSError(5, "Input/output error")
        super()._set_state(value)
        self.factory.driven.append((time.monotonic(), self._number, bool(value)))
        self.factory.news.put(self._number)


@pytest.fixture
def pins() -> Iterator[BoardWithMemory]:
    """The mock board."""
    factory = BoardWithMemory()
    yield factory
    factory.close()


@pytest.fixture
def begin(pins: BoardWithMemory, posted: Posted) -> Iterator[Begin]:
    """Starts outputs on the mock board, and closes them after the test."""
    begun: list[Outputs] = []

    def _begin(*wired: Output) -> Outputs:
        outputs = Outputs(wired, pins, posted, time.monotonic)
        begun.append(outputs)
        outputs.start()
        return outputs

    yield _begin
    for outputs in begun:
        outputs.close()


def test_a_step_of_no_time_stays() -> None:
    """One step of 0 ms is a steady level."""
    assert look(STEADY, 12_345) == Look(True, None)
    assert look(DARK, 0) == Look(False, None)


def test_a_look_tells_the_level_and_the_next_change() -> None:
    """On for 50 ms, off for 50 ms, in microseconds."""
    assert look(FLASH, 0) == Look(True, 50_000)
    assert look(FLASH, 49_999) == Look(True, 1)
    assert look(FLASH, 50_000) == Look(False, 50_000)
    assert look(FLASH, 100_000 * 86_400 * 3650 + 10) == Look(True, 49_990)


def test_steps_of_one_level_in_a_row_are_one() -> None:
    """Also over the end of the cycle, and steps of 0 ms among others are passed over."""
    assert look(Pattern("p", ((True, 10), (True, 20), (False, 0), (False, 30), (True, 5))), 60_000) == Look(True, 35_000)


@pytest.mark.parametrize("steps", [(), ((True, 10), (False, -1))])
def test_a_pattern_that_cannot_be_played_is_refused(steps: tuple[tuple[bool, int], ...]) -> None:
    """No steps, or a step of negative time."""
    with pytest.raises(ValueError, match="pattern 'bad' needs at least one step"):
        look(Pattern("bad", steps), 0)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 2000)), min_size=1, max_size=8),
    st.integers(0, 10**12),
)
def test_a_pattern_keeps_its_level_until_the_change_that_it_tells_and_no_longer(steps: list[tuple[bool, int]], elapsed_us: int) -> None:
    """The microsecond before the change has the level; the change has the other one."""
    pattern = Pattern("any", tuple(steps))
    level, changes_in_us = look(pattern, elapsed_us)
    if changes_in_us is not None:
        assert look(pattern, elapsed_us + changes_in_us - 1) == Look(level, 1)
        assert look(pattern, elapsed_us + changes_in_us).level is not level


def test_outputs_start_at_their_safe_level_without_a_blip(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """The first level that a pin is driven to is its safe one, with polarity, and nothing else follows."""
    outputs = begin(RED, BLUE, LAMP)
    outputs.perform(ShowLights({}))
    posted.expect(LightsShown)
    assert (pins.levels(5), pins.levels(6), pins.levels(13)) == ([False], [True], [True])


def test_what_is_asked_is_driven_and_told(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """LightsShown names the pattern of each output, also when nothing changed."""
    outputs = begin(RED, BLUE)
    for _ in range(2):
        outputs.perform(ShowLights({"red": STEADY, "blue": STEADY}))
        assert posted.expect(LightsShown).shown == {"red": "steady", "blue": "steady"}
    assert (pins.pin(5).state, pins.pin(6).state) == (True, False)


def test_patterns_of_one_period_run_in_step_and_do_not_drift(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """Red and the lamp change within a moment of each other, on multiples of 50 ms of one schedule, although asked for at odd times.

    On a busy machine a change may be late, or not be played at all; then the next ones tell.
    """
    outputs = begin(RED, LAMP)
    outputs.perform(ShowLights({"red": FLASH}))
    posted.expect(LightsShown)
    pins.wait_for_changes(5, 3)
    threading.Event().wait(0.02)
    outputs.perform(ShowLights({"lamp": FLASH}))
    posted.expect(LightsShown)

    def in_step() -> bool:
        pins.wait_for_changes(13, 11)
        driven = list(pins.driven)
        changes = {pin: [at for at, number, _ in driven if number == pin][-10:-1] for pin in (5, 13)}
        levels = [level for _, number, level in driven if number == 5][-5:-1]
        # The two pins may be one change apart when we look; each change of the one has one of the other beside it.
        together = all(min(abs(red - lamp) for lamp in changes[13]) < 0.02 for red in changes[5][1:-1])
        on_time = changes[5][-1] - changes[5][0] == pytest.approx(0.05 * 8, abs=0.045)
        return together and on_time and levels in ([True, False] * 2, [False, True] * 2)

    assert any(in_step() for _ in range(15))


def test_asking_again_does_not_disturb_a_running_pattern(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """A hundred repeats within a period of one minute drive nothing."""
    slow = Pattern("slow", ((True, 60_000), (False, 60_000)))
    outputs = begin(RED)
    for _ in range(50):
        outputs.perform(ShowLights({"red": slow}))
        posted.expect(LightsShown)
    assert pins.levels(5) == [False, True]


def test_a_new_pattern_takes_effect_at_once(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """Not at the next change of the pattern that runs, a minute away."""
    outputs = begin(RED)
    outputs.perform(ShowLights({"red": Pattern("slow", ((True, 60_000), (False, 60_000)))}))
    posted.expect(LightsShown)
    assert pins.pin(5).state is True
    asked = time.monotonic()
    outputs.perform(ShowLights({"red": DARK}))
    assert posted.expect(LightsShown).shown == {"red": "dark"}
    assert pins.pin(5).state is False
    assert time.monotonic() - asked < PATIENCE_S < 60


def test_an_output_that_is_not_named_goes_on(begin: Begin, posted: Posted) -> None:
    """LightsShown still tells of it."""
    outputs = begin(RED, BLUE)
    outputs.perform(ShowLights({"red": STEADY}))
    posted.expect(LightsShown)
    outputs.perform(ShowLights({"blue": FLASH}))
    assert posted.expect(LightsShown).shown == {"red": "steady", "blue": "flash"}


def test_close_puts_every_output_to_its_safe_level(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """Whatever was playing."""
    outputs = begin(RED, BLUE, LAMP)
    outputs.perform(ShowLights({"red": STEADY, "blue": FLASH, "lamp": COUNTER}))
    posted.expect(LightsShown)
    outputs.close()
    assert (pins.pin(5).state, pins.pin(6).state, pins.pin(13).state) == (False, True, True)
    assert not outputs._thread.is_alive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_close_puts_outputs_to_their_safe_level_also_when_the_thread_has_died(pins: BoardWithMemory) -> None:
    """Here the mailbox itself fails, which nothing in the thread expects."""

    def full(_: object) -> None:
        raise MemoryError

    outputs = Outputs((RED,), pins, full, time.monotonic)
    outputs.start()
    outputs.perform(ShowLights({"red": STEADY}))
    outputs._thread.join(PATIENCE_S)
    assert not outputs._thread.is_alive()
    assert pins.pin(5).state is True
    outputs.close()
    assert pins.pin(5).state is False


def test_a_pin_that_fails_is_told_and_tried_again_at_the_next_request(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """The other outputs go on; LightsShown names only what plays."""
    outputs = begin(RED, BLUE)
    outputs.perform(ShowLights({"blue": STEADY}))
    posted.expect(LightsShown)
    pins.broken.add(5)
    outputs.perform(ShowLights({"red": STEADY}))
    failed = posted.expect(OutputFailed)
    assert (failed.output, "GPIO5" in failed.reason, "Input/output error" in failed.reason) == ("red", True, True)
    assert posted.expect(LightsShown).shown == {"blue": "steady"}
    pins.broken.clear()
    outputs.perform(ShowLights({"red": STEADY}))
    assert posted.expect(LightsShown).shown == {"red": "steady", "blue": "steady"}
    assert pins.pin(5).state is True


def test_a_pin_that_is_in_use_at_start_is_told(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """And opened when it is free and somebody asks."""
    squatter = gpiozero.InputDevice(5, pin_factory=pins)
    outputs = begin(RED)
    assert "in use" in posted.expect(OutputFailed).reason
    squatter.close()
    outputs.perform(ShowLights({"red": STEADY}))
    assert posted.expect(LightsShown).shown == {"red": "steady"}


def test_an_output_that_does_not_exist_is_told(begin: Begin, posted: Posted) -> None:
    """With the names that do."""
    begin(RED, BLUE).perform(ShowLights({"green": STEADY}))
    assert posted.expect(OutputFailed).reason == "no such output; there are red, blue"


def test_a_pattern_that_cannot_be_played_leaves_the_output_as_it_is(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """The reason names the pattern."""
    outputs = begin(RED)
    outputs.perform(ShowLights({"red": STEADY}))
    outputs.perform(ShowLights({"red": Pattern("bad", ())}))
    assert "'bad'" in posted.expect(OutputFailed).reason
    assert posted.expect(LightsShown).shown == {"red": "steady"}
    assert pins.levels(5) == [False, True]


# --- pulses -----------------------------------------------------------------------------------------------------------------------------


def pulsed_s(pins: BoardWithMemory, pin: int, active: bool) -> float:
    """How long the last pulse of a pin was."""
    moments = [(at, level) for at, number, level in pins.driven if number == pin]
    (began, first), (ended, second) = moments[-2:]
    assert (first, second) == (active, not active)
    return ended - began


def test_a_pulse_is_driven_told_and_ended(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """With polarity; told when it has begun."""
    outputs = begin(MARK)
    outputs.perform(PulseOutput("mark", 80))
    assert posted.expect(OutputPulsed).output == "mark"
    assert pins.levels(7) == [True, False]
    pins.wait_for_changes(7, 1)
    assert pins.levels(7) == [True, False, True]
    assert pulsed_s(pins, 7, active=False) >= 0.08


def test_of_pulses_that_overlap_the_later_end_counts(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """A short one within a long one does not end it, and a long one goes on from where it was asked."""
    outputs = begin(MARK)
    for ms in (60, 200, 10):
        outputs.perform(PulseOutput("mark", ms))
        posted.expect(OutputPulsed)
    pins.wait_for_changes(7, 1)
    assert pins.levels(7) == [True, False, True]
    assert pulsed_s(pins, 7, active=False) >= 0.2


def test_an_output_plays_no_pattern_while_it_is_pulsed_and_goes_on_in_step_after(
    begin: Begin, pins: BoardWithMemory, posted: Posted
) -> None:
    """The pulse covers whole changes of the pattern; what is asked meanwhile is shown after it."""
    outputs = begin(RED, BLUE)
    fast = Pattern("fast", ((True, 5), (False, 5)))
    outputs.perform(ShowLights({"red": fast}))
    posted.expect(LightsShown)
    outputs.perform(PulseOutput("red", 150))
    at = posted.expect(OutputPulsed).at
    outputs.perform(ShowLights({"red": DARK}))
    assert posted.expect(LightsShown).shown == {"red": "dark"}
    while pins.levels(5)[-1]:
        pins.wait_for_changes(5, 1)
    last = [moment for moment, number, _ in pins.driven if number == 5][-1]
    assert last - at >= 0.149
    assert [level for moment, number, level in pins.driven if number == 5 and moment > at] == [False]


def test_a_pulse_of_an_output_that_is_safe_on_ends_on(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """Back is its safe level where it plays nothing: here nothing changes."""
    outputs = begin(LAMP)
    outputs.perform(PulseOutput("lamp", 1))
    posted.expect(OutputPulsed)
    outputs.perform(ShowLights({}))
    posted.expect(LightsShown)
    assert pins.levels(13) == [True]


def test_a_pulse_of_a_pin_that_fails_is_told_as_failed_and_works_when_it_is_asked_again(
    begin: Begin, pins: BoardWithMemory, posted: Posted
) -> None:
    """No OutputPulsed for what was not driven."""
    outputs = begin(MARK)
    pins.broken.add(7)
    outputs.perform(PulseOutput("mark", 50))
    failed = posted.expect(OutputFailed)
    assert (failed.output, "GPIO7" in failed.reason) == ("mark", True)
    outputs.perform(ShowLights({}))
    posted.expect(LightsShown)
    assert posted.drain() == []
    pins.broken.clear()
    outputs.perform(PulseOutput("mark", 50))
    posted.expect(OutputPulsed)
    assert pins.pin(7).state is False


@pytest.mark.parametrize(("output", "ms", "reason"), [("nobody", 50, "no such output; there are mark"), ("mark", 0, "a pulse of 0 ms")])
def test_a_pulse_that_cannot_be_is_told_as_failed(begin: Begin, posted: Posted, output: str, ms: int, reason: str) -> None:
    """And drives nothing."""
    begin(MARK).perform(PulseOutput(output, ms))
    assert reason in posted.expect(OutputFailed).reason


def test_close_ends_a_pulse(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """Ten seconds of it were asked for."""
    outputs = begin(MARK)
    outputs.perform(PulseOutput("mark", 10_000))
    posted.expect(OutputPulsed)
    outputs.close()
    assert pins.pin(7).state is True


# --- the end ----------------------------------------------------------------------------------------------------------------------------


def test_outputs_that_are_forgotten_stay_driven(begin: Begin, pins: BoardWithMemory, posted: Posted) -> None:
    """As at the end of the process, when all objects go: gpiozero's own device would make an input of the pin."""
    outputs = Outputs((LAMP, BLUE), pins, posted, time.monotonic)
    outputs.start()
    outputs.perform(ShowLights({"lamp": DARK}))
    posted.expect(LightsShown)
    outputs.close()
    del outputs
    gc.collect()
    assert [(pins.pin(pin).function, pins.pin(pin).state) for pin in (13, 6)] == [("output", True), ("output", True)]


def test_drive_safe_drives_each_output_and_says_which_it_could_not(pins: BoardWithMemory) -> None:
    """One that fails keeps no other from it."""
    squatter = gpiozero.InputDevice(6, pin_factory=pins)
    told = {output.id: e for output, e in drive_safe((RED, BLUE, LAMP), pins)}
    assert (told["red"], told["lamp"]) == (None, None)
    assert isinstance(told["blue"], gpiozero.GPIOPinInUse)
    assert (pins.levels(5), pins.levels(13)) == ([False], [True])
    squatter.close()
