"""Setting up a receiver from end to end: the real core, the real adapter, a pseudo-terminal, and a receiver that obeys, or does not."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import config, receiver_file
from agent.adapters.gnss import Gnss
from agent.core.effects import Effect, Remember, SetReceiverBaud, SpeakToReceiver
from agent.core.events import Event, ReceiverUp, SpoolOpened, Started
from agent.core.unit import Unit
from tests.adapters.casic_receiver import CasicReceiver
from tests.adapters.conftest import Posted
from tests.core.builders import BOOT
from tests.core.builders import config as unit_config
from tests.timing import PATIENCE_S

ALL = {"receiver": "atgm336h", "constellations": "beidou", "rate_hz": 5, "sentences": "standard", "baud_wanted": 115200}


class Car:
    """A unit with a receiver, both in a time that runs `times` as fast as ours."""

    def __init__(self, port: Path, times: float, obeys: tuple[str, ...] | None = None, **wanted: object) -> None:
        start = time.monotonic()
        self.now: Callable[[], float] = lambda: start + (time.monotonic() - start) * times
        self.receiver = CasicReceiver(port, times) if obeys is None else CasicReceiver(port, times, obeys)
        section = config.Gnss(port=str(port), **wanted)  # type: ignore[arg-type]  # keys of the file
        self.unit = Unit(unit_config(gnss=section), BOOT, "0", receiver_file.read(section.receiver))
        self.posted = Posted()
        self.gnss = Gnss(section, self.posted, self.now)
        self.spoken: list[str] = []
        self.bauds: list[int] = []
        self.memory: dict[str, bytes] = {}
        self._perform(self.unit.handle(Started(self.now())))

    def begin(self, memory: dict[str, bytes] | None = None) -> None:
        """The receiver talks, the port opens; the store remembers that."""
        self.receiver.start()
        self.gnss.start()
        self._take(self.posted.expect(ReceiverUp))
        self._take(SpoolOpened(self.now(), {}, memory or {}))

    def close(self) -> None:
        self.gnss.close()
        self.receiver.close()

    def _take(self, event: Event) -> None:
        self._perform(self.unit.handle(event))

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, (SpeakToReceiver, SetReceiverBaud)):
                self.gnss.perform(effect)
            if isinstance(effect, SetReceiverBaud):
                self.bauds.append(effect.baud)
            if isinstance(effect, SpeakToReceiver):
                self.spoken.append(effect.data.decode().strip())
            if isinstance(effect, Remember) and effect.value is not None:
                self.memory[effect.name] = effect.value

    def until(self, done: Callable[[], bool], timeout: float = 2 * PATIENCE_S) -> None:
        """The loop, until something is so."""
        ends = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < ends, (self.setup, self.spoken, self.unit.faults.active)
            try:
                event = self.posted.expect(Event, timeout=0.02)
            except AssertionError:
                self._perform(self.unit.advance(self.now()))
            else:
                self._take(event)

    @property
    def setup(self) -> dict[str, object]:
        return next(part.status(self.now()) for part in self.unit.parts if part.name == "setup")

    def settled(self) -> bool:
        return self.setup["state"] == "settled"


@pytest.fixture
def car(tmp_path: Path) -> Iterator[Callable[..., Car]]:
    made = []

    def make(times: float, obeys: tuple[str, ...] | None = None, **wanted: object) -> Car:
        made.append(Car(tmp_path / "receiver", times, obeys, **wanted))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_receiver_that_obeys_is_set_to_beidou_five_hertz_and_115200_and_its_speed_remembered(car: Callable[..., Car]) -> None:
    one = car(8, **ALL)
    one.begin()
    one.until(one.settled)
    assert (one.receiver.baud, one.receiver.period_s, one.receiver.systems, one.receiver.standard) == (115200, 0.2, ("BD",), True)
    assert one.receiver.commands[:2] == ["PCAS06,0", "PCAS06,1"]
    assert one.setup["known"] is True
    assert one.gnss.baud == one.receiver.pty.baud == 115200
    one.until(lambda: one.memory.get(f"gnss baud {one.receiver.pty.port}") == b"115200")
    assert "gnss.setup" not in one.unit.faults.active


def test_what_it_forgets_at_a_power_dip_it_is_told_again(car: Callable[..., Car]) -> None:
    one = car(16, receiver="atgm336h", baud=9600, constellations="beidou", sentences="standard")
    one.begin()
    one.until(one.settled)
    one.receiver.dip()
    one.until(lambda: not one.settled())
    one.until(one.settled)
    assert one.receiver.commands.count("PCAS04,2") == 2
    assert one.receiver.systems == ("BD",)
    assert one.receiver.standard


def test_one_that_ignores_everything_is_given_up_with_a_fault_and_still_heard(car: Callable[..., Car]) -> None:
    one = car(60, obeys=(), receiver="atgm336h", baud=9600, sentences="standard")
    one.begin()
    one.until(lambda: "gnss.setup" in one.unit.faults.active)
    assert one.receiver.commands.count("PCAS03,1,0,1,5,1,0,0,9,0,0,,,0,0") == 4
    said = len(one.spoken)
    before = one.unit.position.status(one.now())
    one.until(lambda: one.unit.position.status(one.now()) != before)
    assert len(one.spoken) == said


def test_a_speed_that_it_does_not_take_is_taken_back_within_seconds_and_the_rest_is_set(car: Callable[..., Car]) -> None:
    one = car(8, obeys=("03", "06"), receiver="atgm336h", baud=9600, sentences="standard", baud_wanted=115200)
    one.begin()
    one.until(lambda: one.gnss.baud == 115200)
    one.until(lambda: one.gnss.baud == 9600)
    one.until(lambda: one.receiver.standard)
    assert "PCAS01,5" in one.receiver.commands


def test_a_remembered_speed_is_the_first_that_is_tried(car: Callable[..., Car]) -> None:
    one = car(2)
    one.receiver.baud = 38400
    one.begin({f"gnss baud {one.receiver.pty.port}": b"38400"})
    speed = next(part for part in one.unit.parts if part.name == "line_speed")
    one.until(lambda: speed.status(one.now())["baud"] == 38400)
    assert one.bauds == [38400]
    assert one.receiver.read_at <= {9600, 38400}, "the hunt would have come by 115200"
    assert one.receiver.commands == []


def test_to_a_generic_receiver_nothing_is_sent(car: Callable[..., Car]) -> None:
    one = car(50)
    one.begin()
    ends = one.now() + 60
    one.until(lambda: one.now() > ends)
    assert (one.spoken, one.receiver.commands) == ([], [])
