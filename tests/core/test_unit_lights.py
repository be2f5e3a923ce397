"""The whole unit and its lights: what the centre is told of them is never more than is so, and leases end whatever happens."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Input, InputUse, Orders, Show
from agent.config import Lights as LightsConfig
from agent.core.effects import Answer, Effect, Forget, Keep, Publish, Remember, ShowLights, Store, Subscribe
from agent.core.events import (
    Acked,
    Asked,
    Edge,
    Event,
    Forgotten,
    LightsShown,
    OutputFailed,
    Received,
    Remembered,
    Started,
    Stored,
    Subscribed,
    Vitals,
)
from agent.core.unit import Unit
from agent.wire import codec, topics
from agent.wire.records import AckRecord, EventRecord, FaultRecord, Health, Io, Position, Record
from tests.core.builders import ROOT, config, ignition_input, link_up, panic_input, spool_opened, timed_fix
from tests.core.light_states import OUTPUTS

INPUTS = (
    panic_input(),
    ignition_input(),
    Input(id="dark", use=InputUse.LIGHT_HAND, pin=22, show="dark_approach"),
    Input(id="eye", use=InputUse.LIGHT_SENSE, pin=23, senses="bar"),
    Input(id="volts", use=InputUse.LOW_VOLTAGE, pin=24),
)
CONFIG = config(
    input=INPUTS,
    output=OUTPUTS,
    orders=Orders(allow_unsigned_development=True),
    lights=LightsConfig(shed=("bar",), dark_reminder_s=600.0),
    show=(Show(name="flood", group="scene", patterns=("on",)),),
)


class Car:
    """A unit with a broker that acknowledges, and a light bar that answers, plays nothing (`mute`), or has lost an output."""

    def __init__(self) -> None:
        self.unit = Unit(CONFIG, "0" * 16, "0.0.1")
        self.mute = False
        self.plays: dict[str, str] = {}
        self.sounded: list[str] = []
        self.answers: list[dict[str, Any]] = []
        self.said: list[Record] = []
        self.at = 0.0
        self.do(Started(0.0), spool_opened(0.1), link_up(0.2))

    def do(self, *events: Event) -> None:
        """Let this happen."""
        for event in events:
            self.at = max(self.at, event.at)
            self._perform(self.unit.handle(event))

    def until(self, at: float) -> None:
        """Time passes; the bar and the broker answer in time."""
        while (due := self.unit.wake_at()) <= at:
            self.at = max(self.at, due)
            self._perform(self.unit.advance(due))
        self.at = max(self.at, at)
        self._perform(self.unit.advance(at))

    def _perform(self, effects: Iterable[Effect]) -> None:
        """What the world answers at once, in the order in which it was asked."""
        waiting = deque(effects)
        while waiting:
            answer = self._answer(waiting.popleft())
            if answer is not None:
                waiting.extend(self.unit.handle(answer))

    def _answer(self, effect: Effect) -> Event | None:
        match effect:
            case Publish(token=token, payload=payload):
                self.said.append(codec.decode(payload))
                return Acked(self.at, token)
            case Subscribe(attempt=attempt):
                return Subscribed(self.at, attempt)
            case Store(name=name, edition=edition):
                return Stored(self.at, (name,), {name: edition})
            case Forget(names=names) | Keep(names=names):
                return Forgotten(self.at, names)
            case Remember(name=name):
                return Remembered(self.at, (name,))
            case ShowLights(outputs=outputs) if not self.mute:
                self.plays = {name: pattern.name for name, pattern in outputs.items()}
                self.sounded += [pattern.name for name, pattern in outputs.items() if name == "buzzer" and pattern.name != "off"]
                return LightsShown(self.at, dict(self.plays))
            case Answer(body=body):
                self.answers.append(body)
        return None

    def order(self, at: float, name: str, **body: Any) -> AckRecord:
        """A `light.set`, and its answer."""
        facts = {"jti": name, "kind": "light.set", "body": body}
        self.do(Received(at, topics.down(ROOT, "car-1", "light.set"), msgspec.msgpack.encode(facts), retained=False))
        return [record for record in self.said if isinstance(record, AckRecord)][-1]

    def last(self, kind: type[Record]) -> Any:
        """The newest record of that kind."""
        return [record for record in self.said if isinstance(record, kind)][-1]

    def events(self, ident: str) -> list[tuple[bool | None, str | None]]:
        """Event records by their id."""
        return [(record.active, record.detail) for record in self.said if isinstance(record, EventRecord) and record.id == ident]


def pressed(car: Car, at: float) -> None:
    """An alarm."""
    car.do(Edge(at, "button", True))
    car.until(at + 1.0)


def test_an_alarm_is_shown_and_said_to_be() -> None:
    car = Car()
    pressed(car, 10.0)
    car.do(timed_fix(12.0))
    assert car.plays == {"red": "flash_a", "blue": "flash_b", "work": "off", "lamp": "sent", "buzzer": "off"}
    assert car.last(Position).lights == "response"
    io = car.last(Io)
    assert (io.lights, io.lights_by, io.outputs) == ("response", "panic", car.plays)


def test_a_bar_that_does_not_answer_is_not_said_to_show_anything() -> None:
    car = Car()
    car.until(1.0)
    assert car.unit.lights.showing() == "off"
    car.mute = True
    pressed(car, 10.0)
    car.do(timed_fix(11.5))
    assert car.last(Position).lights == "off"
    car.until(20.0)
    car.do(timed_fix(20.5))
    car.until(23.0)
    assert (car.last(Position).lights, car.last(Io).lights, car.last(Io).outputs) == (None, "response", {})
    assert "lights.output" in [record.code for record in car.said if isinstance(record, FaultRecord)]


def test_an_output_that_fails_is_not_said_to_play() -> None:
    car = Car()
    pressed(car, 10.0)
    car.mute = True
    car.do(OutputFailed(12.0, "red", "gone"))
    car.until(12.5)
    assert car.last(Io).outputs == {"blue": "flash_b", "work": "off", "lamp": "sent", "buzzer": "off"}
    car.do(timed_fix(13.0))
    car.until(13.5)
    assert car.last(Position).lights is None


def test_a_bar_that_is_seen_dark_is_not_said_to_shine() -> None:
    car = Car()
    car.do(Edge(0.5, "eye", False))
    pressed(car, 10.0)
    car.do(timed_fix(12.0))
    assert car.last(Position).lights == "response"
    car.until(20.0)
    assert car.last(Io).lit == {"bar": False}
    fault = car.last(FaultRecord)
    assert (fault.code, fault.state, fault.detail) == ("lights.dark", "raised", "bar (as eye sees it)")
    car.do(timed_fix(21.0))
    car.until(22.0)
    assert car.last(Position).lights is None


def test_a_flashing_bar_that_is_watched_says_so_once() -> None:
    """Five minutes of flashes: the line follows each of them, the centre hears of one light."""
    car = Car()
    car.do(Edge(0.5, "eye", False))
    pressed(car, 10.0)
    car.until(13.0)
    told = len([record for record in car.said if isinstance(record, Io)])
    for n in range(400):
        car.do(Edge(13.0 + 0.8 * n, "eye", True), Edge(13.3 + 0.8 * n, "eye", False))
    assert car.events("eye") == [(True, None)]
    assert len([record for record in car.said if isinstance(record, Io)]) <= told + 2
    assert car.last(Io).lit == {"bar": True}


def test_a_lease_is_taken_shown_and_over_by_itself() -> None:
    car = Car()
    assert car.order(5.0, "a", show="response", lease_s=10).label == "done"
    assert (car.unit.lights.winner(), car.plays["red"]) == (("response", "remote"), "flash_a")
    car.until(14.999)
    assert car.plays["red"] == "flash_a"
    car.until(15.0)
    assert (car.unit.lights.winner(), car.plays["red"]) == (("off", None), "off")


@pytest.mark.parametrize(
    ("show", "reason"),
    [
        ("disco", "no show 'disco'; there are: off, cruise, response, scene, checkpoint, closure, dark_approach, test, flood"),
        ("dark_approach", "dark_approach is for hand, task alone"),
        ("flood", "flood would darken what is lit: bar"),
        ("off", "off would darken what is lit: bar"),
    ],
)
def test_what_the_centre_may_not_is_answered_with_the_reason(show: str, reason: str) -> None:
    car = Car()
    car.do(Edge(1.0, "ignition", True))
    car.until(3.0)
    answer = car.order(5.0, "a", show=show)
    assert (answer.label, answer.reason) == ("failed", reason)
    assert car.plays["red"] == "on"


def test_an_alarm_is_not_overridden_by_the_centre() -> None:
    car = Car()
    pressed(car, 10.0)
    assert car.order(12.0, "a", show="cruise").reason == "panic has the lights, with response"
    assert car.plays["red"] == "flash_a"


def test_the_officer_chooses_on_his_page() -> None:
    car = Car()
    car.do(Asked(5.0, 1, {"do": "lights.hand", "show": "scene"}))
    assert car.answers == [{"done": "lights.hand", "show": "scene"}]
    assert (car.plays["work"], car.unit.lights.winner()) == ("on", ("scene", "hand"))
    car.do(Asked(6.0, 1, {"do": "lights.hand", "show": "disco"}), Asked(7.0, 1, {"do": "lights.foot"}))
    assert [list(body) for body in car.answers[1:]] == [["error", "why"], ["error", "why"]]


def test_a_dark_approach_is_reminded_of_by_the_buzzer_and_to_the_centre() -> None:
    car = Car()
    car.do(Edge(1.0, "ignition", True), Edge(5.0, "dark", True))
    car.until(600.0)
    assert (car.plays["red"], car.sounded) == ("off", [])
    assert car.events("dark_approach") == [(True, "by hand")]
    car.until(1300.0)
    assert set(car.sounded) == {"reminder"}
    assert car.plays["buzzer"] == "off"
    assert car.events("dark_approach") == [(True, "by hand"), (True, "for 600 s"), (True, "for 1200 s")]
    car.do(Edge(1300.0, "dark", False))
    car.until(1302.0)
    assert (car.plays["red"], car.events("dark_approach")[-1]) == ("on", (False, None))


def test_a_low_supply_sheds_and_gives_back() -> None:
    car = Car()
    car.do(Edge(1.0, "ignition", True), Edge(5.0, "volts", True))
    car.until(12.0)
    assert (car.plays["red"], car.last(Io).shed, car.last(Io).lights) == ("off", ["bar"], "cruise")
    car.do(timed_fix(13.0), Edge(20.0, "volts", False))
    car.until(22.0)
    assert car.unit.lights.showing() == "off"
    car.until(150.0)
    assert (car.plays["red"], car.last(Io).shed) == ("on", None)


def test_the_day_s_light_is_in_the_health() -> None:
    car = Car()
    car.do(Edge(1.0, "ignition", True), Vitals(2.0, 1000))
    car.until(100.0)
    assert 55 <= car.last(Health).lights_on_s_today <= 100


STORIES = st.lists(
    st.tuples(
        st.floats(0.01, 25.0),
        st.sampled_from(["light.set", "ignition", "dark", "button", "mute", "volts"]),
        st.sampled_from(["cruise", "response", "scene", "flood", "off", "dark_approach", "disco", None]),
        st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STORIES)
def test_the_centre_never_darkens_a_lit_group_and_its_lease_always_ends(story: list[tuple[float, str, str | None, bool]]) -> None:
    car, at = Car(), 1.0
    for n, (wait_s, what, show, active) in enumerate(story):
        at += wait_s
        car.until(at)
        if what == "light.set":
            before, had = car.unit.lights.winner(), _lit(car)
            answer = car.order(at, f"o-{n}", show=show, lease_s=30.0)
            taken = car.unit.lights.winner()[1] == "remote" or show is None
            assert answer.label == ("done" if taken else "failed") or (answer.label == "failed" and car.unit.lights.winner() == before)
            assert show is None or had <= _lit(car)
            if before[1] in ("hand", "panic"):
                assert car.unit.lights.winner() == before
        elif what == "mute":
            car.mute = active
        else:
            car.do(Edge(at, what, active))
    car.until(at + 30.0)
    assert car.unit.lights.winner()[1] != "remote"


def _lit(car: Car) -> set[str]:
    """Groups that are commanded to shine."""
    return {"cruise": {"bar"}, "response": {"bar"}, "scene": {"bar", "scene"}, "flood": {"scene"}}.get(car.unit.lights.winner()[0], set())
