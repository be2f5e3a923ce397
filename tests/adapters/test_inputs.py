"""The input pins, on gpiozero's own mock pins: edges and levels with polarity, honest stamps, pins that fail and come back."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from agent.adapters.inputs import TIGHT_S, TRIES, Inputs
from agent.config import Input, InputUse
from agent.core.events import Edge, InputsFailed, Levels
from tests.adapters.conftest import Posted
from tests.timing import best_of

PANIC = Input(id="panic", pin=17)
SUPERVISED = Input(id="button", use=InputUse.PANIC, pin_no=5, pin_nc=6)
IGNITION = Input(id="ignition", pin=27, active="high", pull="down")

Begin = Callable[..., Inputs]


@pytest.fixture
def pins() -> Iterator[Any]:
    """The mock board."""
    factory = MockFactory()
    yield factory
    factory.close()


@pytest.fixture
def begin(pins: Any, posted: Posted) -> Iterator[Begin]:
    """Starts inputs on the mock board, and closes them after the test."""
    begun: list[Inputs] = []

    def _begin(*wired: Input, factory: Any = pins) -> Inputs:
        inputs = Inputs(wired, factory, posted, time.monotonic)
        begun.append(inputs)
        inputs.start()
        return inputs

    yield _begin
    for inputs in begun:
        inputs.close()


def test_levels_are_posted_at_start_with_polarity_applied(begin: Begin, posted: Posted) -> None:
    """Both inputs rest at their pull, which is inactive for one that is active low with a pull-up and for one that is the reverse."""
    begin(PANIC, IGNITION)
    assert posted.expect(Levels).active == {"panic": False, "ignition": False}


def test_levels_are_posted_again_each_second(begin: Begin, posted: Posted) -> None:
    """A second after the last ones, and however much later the machine lets us."""
    begin(PANIC)
    stamps = [posted.expect(Levels).at]

    def next_after() -> float:
        stamps.append(posted.expect(Levels).at)
        return stamps[-1] - stamps[-2]

    assert best_of(next_after, 1.2) <= 1.2
    assert min(later - earlier for earlier, later in itertools.pairwise(stamps)) > 0.9


def test_a_button_that_is_down_at_start_is_in_the_first_levels(begin: Begin, pins: Any, posted: Posted) -> None:
    """A floating input keeps the level it has: no edge tells of a button held while the agent starts."""
    pins.pin(17).drive_low()
    begin(Input(id="panic", pin=17, pull="none"))
    assert posted.expect(Levels).active == {"panic": True}


def test_every_edge_of_a_bounce_is_posted(begin: Begin, pins: Any, posted: Posted) -> None:
    """Nothing is debounced in the adapter: ten contacts are ten pairs of edges, in order."""
    begin(PANIC)
    posted.expect(Levels)
    for _ in range(10):
        pins.pin(17).drive_low()
        pins.pin(17).drive_high()
    edges = [e for e in posted.drain() if isinstance(e, Edge)]
    assert [e.active for e in edges] == [True, False] * 10
    assert {e.input for e in edges} == {"panic"}
    assert [e.at for e in edges] == sorted(e.at for e in edges)


def test_an_active_high_input_is_active_when_high(begin: Begin, pins: Any, posted: Posted) -> None:
    """Polarity is `active`'s word, whatever the pull is."""
    begin(Input(id="tamper", pin=22, active="high", pull="up"))
    assert posted.expect(Levels).active == {"tamper": True}
    pins.pin(22).drive_low()
    assert posted.expect(Edge).active is False


def test_an_edge_is_stamped_when_it_happened(begin: Begin, pins: Any, posted: Posted) -> None:
    """The stamp lies between the moments before and after the pin was driven."""
    begin(PANIC)
    posted.expect(Levels)
    before = time.monotonic()
    pins.pin(17).drive_low()
    assert before - 0.001 <= posted.expect(Edge).at <= time.monotonic()


@pytest.mark.parametrize(("ticks_late_s", "stamped_s_ago"), [(0.2, 0.2), (1.7e9, 0.0), (-1.7e9, 0.0)])
def test_an_edge_told_late_keeps_its_moment_and_a_stamp_of_another_clock_is_not_believed(
    pins: Any, posted: Posted, ticks_late_s: float, stamped_s_ago: float
) -> None:
    """A back-end that says 0.2 s ago is believed; one that stamps by the wall clock while its ticks are monotonic is not."""

    class LateFactory(MockFactory):  # type: ignore[misc]  # gpiozero is untyped
        @staticmethod
        def ticks() -> float:
            return time.monotonic() + ticks_late_s

    factory = LateFactory()
    inputs = Inputs((PANIC,), factory, posted, time.monotonic)
    inputs.start()
    posted.expect(Levels)
    before = time.monotonic()
    factory.pin(17).drive_low()
    assert before - 0.001 <= posted.expect(Edge).at + stamped_s_ago <= time.monotonic() + 0.001
    inputs.close()
    factory.close()


class HeldUp:
    """Our clock and the back-end's, of one thread that is held up at times between reading the one and the other."""

    def __init__(self, held_s: list[float]) -> None:
        """So long each time, in turn; then never again."""
        self.at = 1000.0
        self._held_s = held_s

    def now(self) -> float:
        """Our clock; reading it takes a microsecond."""
        self.at += 1e-6
        return self.at

    def factory(self) -> Any:
        """A mock board whose ticks are that clock, on another scale, and late by what the thread is held up."""
        outer = self

        class Board(MockFactory):  # type: ignore[misc]  # gpiozero is untyped
            @staticmethod
            def ticks() -> float:
                """Read, and then the thread waits for its turn."""
                read = outer.now() + 5e6
                outer.at += outer._held_s.pop(0) if outer._held_s else 0.0
                return read

        return Board()


@pytest.mark.parametrize("held_s", [[], [0.004], [0.004, 0.02]])
def test_a_thread_that_is_held_up_between_the_two_clocks_reads_them_again(posted: Posted, held_s: list[float]) -> None:
    """The edge was 3 ms ago; where it is stamped does not depend on what the machine did between the readings."""
    clocks = HeldUp([])
    factory = clocks.factory()
    inputs = Inputs((PANIC,), factory, posted, clocks.now)
    inputs.start()
    posted.expect(Levels)
    happened = clocks.at
    clocks.at += 0.003
    clocks._held_s = held_s
    inputs._lines["panic"]._changed(happened + 5e6, 0)
    assert happened <= posted.expect(Edge).at <= happened + TIGHT_S
    inputs.close()
    factory.close()


def test_edges_stay_in_their_order_on_a_machine_that_is_always_held_up(posted: Posted) -> None:
    """All tries of the first are late by 5 ms, those of the second by 1 ms: neither is early, and the second is not before the first."""
    clocks = HeldUp([])
    factory = clocks.factory()
    inputs = Inputs((PANIC,), factory, posted, clocks.now)
    inputs.start()
    posted.expect(Levels)
    happened = clocks.at
    clocks._held_s = [0.005] * TRIES + [0.001] * TRIES
    inputs._lines["panic"]._changed(happened + 5e6, 0)
    inputs._lines["panic"]._changed(happened + 5e6 + 0.0001, 1)
    pressed, released = posted.expect(Edge), posted.expect(Edge)
    assert (pressed.active, released.active) == (True, False)
    assert happened + 0.005 <= pressed.at <= released.at <= happened + 0.006
    inputs.close()
    factory.close()


def test_a_supervised_input_is_two_lines(begin: Begin, pins: Any, posted: Posted) -> None:
    """Each contact has its own name, its own edges and its level in the same Levels."""
    begin(SUPERVISED, IGNITION)
    assert posted.expect(Levels).active == {"button.no": False, "button.nc": False, "ignition": False}
    pins.pin(6).drive_low()
    assert (posted.expect(Edge).input, posted.expect(Levels).active["button.nc"]) == ("button.nc", True)
    pins.pin(6).drive_high()
    pins.pin(5).drive_low()
    edges = [e for e in posted.drain() if isinstance(e, Edge)]
    assert [(e.input, e.active) for e in edges] == [("button.nc", False), ("button.no", True)]


def test_a_contact_that_cannot_be_read_is_missing_and_the_other_is_told(begin: Begin, pins: Any, posted: Posted) -> None:
    """The failure names the line."""
    squatter = gpiozero.OutputDevice(6, pin_factory=pins)
    begin(SUPERVISED)
    assert posted.expect(Levels).active == {"button.no": False}
    assert "input button.nc on GPIO6" in posted.expect(InputsFailed).reason
    squatter.close()
    assert posted.expect(Levels, where=lambda e: len(e.active) == 2).active == {"button.no": False, "button.nc": False}


def test_a_pin_in_use_is_named_and_the_other_inputs_go_on(begin: Begin, pins: Any, posted: Posted) -> None:
    """The failure tells input and pin and reason; when the pin is free again, the input is back by itself."""
    squatter = gpiozero.OutputDevice(27, pin_factory=pins)
    begin(PANIC, IGNITION)
    assert posted.expect(Levels).active == {"panic": False}
    failed = posted.expect(InputsFailed)
    assert "input ignition on GPIO27" in failed.reason
    assert "in use" in failed.reason
    assert "panic" not in failed.reason
    squatter.close()
    assert posted.expect(Levels, where=lambda e: len(e.active) == 2).active == {"panic": False, "ignition": False}


def test_a_pull_that_the_board_cannot_give_is_a_failure_with_a_reason(begin: Begin, posted: Posted) -> None:
    """GPIO2 has a resistor to 3.3 V on every Raspberry Pi."""
    begin(Input(id="door", pin=2, pull="down"))
    assert "input door on GPIO2: PinFixedPull" in posted.expect(InputsFailed).reason


class FrailPin(MockPin):  # type: ignore[misc]  # gpiozero is untyped
    """A mock pin that cannot be read while its board is broken."""

    def _get_state(self) -> bool:
        if self.factory.broken:
            raise OSError(5, "Input/output error")
        return bool(super()._get_state())


class FrailBoard(MockFactory):  # type: ignore[misc]  # gpiozero is untyped
    """A mock board whose pins can neither be opened nor read while it is broken."""

    broken = False

    def __init__(self) -> None:
        """Whole, at first."""
        super().__init__(pin_class=FrailPin)

    def pin(self, name: Any, pin_class: Any = None) -> Any:
        """The pin, or no such device."""
        if self.broken:
            raise OSError(19, "No such device")
        return super().pin(name, pin_class)


def test_a_pin_that_fails_later_is_told_each_second_and_opened_again(begin: Begin, posted: Posted) -> None:
    """A read error is a fact, not the end of the thread."""
    factory = FrailBoard()
    begin(PANIC, factory=factory)
    posted.expect(Levels)
    factory.broken = True
    assert "input panic on GPIO17: OSError: [Errno 5]" in posted.expect(InputsFailed).reason
    assert "No such device" in posted.expect(InputsFailed).reason
    factory.broken = False
    assert posted.expect(Levels).active == {"panic": False}


def test_nothing_is_posted_after_close(begin: Begin, pins: Any, posted: Posted) -> None:
    """A closed input listens to nobody, and its pin is free."""
    inputs = begin(PANIC)
    posted.expect(Levels)
    inputs.close()
    posted.drain()
    gpiozero.OutputDevice(17, pin_factory=pins).close()
    assert posted.drain() == []
