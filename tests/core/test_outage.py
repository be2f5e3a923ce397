"""An outage on purpose: what it refuses, how it ends; and in a whole unit, that it never delays an alarm."""

from collections import deque

import pytest

from agent.core.effects import Answer, Connect, Disconnect, Effect, Forget, Keep, Load, Publish, Remember, Store, Subscribe
from agent.core.events import (
    Acked,
    ActionTaken,
    AlarmChanged,
    Asked,
    Event,
    FaultSeen,
    Forgotten,
    LinkUp,
    Loaded,
    OutageAsked,
    Remembered,
    Row,
    Started,
    Stored,
    Subscribed,
)
from agent.core.link import FAULT_AFTER_S
from agent.core.outage import OUTAGE_S_MAX, Outage
from agent.core.unit import Unit
from agent.wire.records import Alarm, FaultRecord, Track
from agent.wire.whys import refused, why
from tests.core.builders import (
    Bench,
    assert_covers,
    config,
    edge,
    fix,
    link_down,
    link_up,
    of,
    one,
    panic_input,
    record,
    spool_opened,
    unit,
)
from tests.core.link_states import online

AT = 20.0
NOT_NOW = refused(why("outage_not_now"))


def asked(at: float = AT, **body: object) -> ActionTaken:
    """Somebody wants an outage."""
    return ActionTaken(at, "link.outage", {"do": "link.outage", **body}, 7)


def offline() -> Bench:
    return Bench(Outage())


def linked() -> Bench:
    bench = offline()
    bench.feed(link_up(1.0))
    return bench


def out() -> Bench:
    bench = linked()
    bench.feed(asked(AT - 1), link_down(AT - 1))
    return bench


def alarmed(mode: str = "silent") -> Bench:
    bench = linked()
    bench.feed(AlarmChanged(AT - 1, "a", "raised", mode), AlarmChanged(AT - 0.5, "a", "acknowledged", mode))
    return bench


STATES = {"offline": offline, "linked": linked, "out": out, "alarmed": alarmed}
REFUSED = (["error"], False)
RULES: list[tuple[Event, dict[str, tuple[list[str], bool]]]] = [
    (asked(), {"linked": (["until 50", "done"], True), "offline": REFUSED, "out": (["error"], True), "alarmed": REFUSED}),
    (asked(s=10), {"linked": (["until 30", "done"], True), "offline": REFUSED, "out": (["error"], True), "alarmed": REFUSED}),
    (asked(s=0), dict.fromkeys(STATES, (["until 20", "done"], False))),
    *(
        (asked(s=bad), {name: (["error"], name == "out") for name in STATES})
        for bad in (-1, 0.5, OUTAGE_S_MAX + 1, "30", True, None, float("nan"))
    ),
    (AlarmChanged(AT, "b", "raised", "silent"), dict.fromkeys(STATES, ([], False))),
    (AlarmChanged(AT, "b", "raised", "overt", test=True), dict.fromkeys(STATES, ([], False))),
    (AlarmChanged(AT, "b", "cleared", "overt"), {}),
    (link_up(AT, 2), dict.fromkeys(STATES, ([], False))),
    (link_down(AT), {}),
]


@pytest.mark.parametrize(
    ("state", "event", "outs", "on"), [(s, event, *outcome.get(s, ([], s == "out"))) for event, outcome in RULES for s in STATES]
)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str], on: bool) -> None:
    bench = STATES[state]()
    came = [out for out in bench.feed(event) if isinstance(out, OutageAsked | Answer)]
    said = [f"until {out.until:g}" if isinstance(out, OutageAsked) else next(iter(out.body)) for out in came]
    assert (said, bench.part.status(AT)["on"]) == (outs, on)


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Outage, STATES, ((state, type(event)) for event, _ in RULES for state in STATES))


def test_the_refusal_does_not_say_why() -> None:
    """So that it reads the same for a silent alarm, another one, and a link that is not there."""
    said = [one(Answer, made.feed(asked())).body for made in (offline(), alarmed("silent"), alarmed("overt"))]
    assert said == [NOT_NOW] * 3
    assert NOT_NOW["why"] == {"code": "outage_not_now"}


# --- the link -----------------------------------------------------------------------------------------------------------------------


def test_the_link_is_ended_and_made_again_when_the_time_is_over() -> None:
    bench = online(subscribed=True)
    bench.until(15.0)
    outs = bench.feed(OutageAsked(AT, AT + 30))
    assert [(d.attempt, d.will) for d in of(Disconnect, outs)] == [(1, True)]
    assert of(Connect, bench.until(AT + 29.9)) == []
    assert len(of(Connect, bench.until(AT + 30.0))) == 1


def test_an_outage_is_no_fault() -> None:
    assert OUTAGE_S_MAX < FAULT_AFTER_S
    bench = online(subscribed=True)
    bench.until(15.0)
    outs = bench.feed(OutageAsked(AT, AT + OUTAGE_S_MAX)) + bench.until(AT + OUTAGE_S_MAX)
    outs += bench.feed(link_up(AT + OUTAGE_S_MAX + 1, 2))
    assert not any(fault.active for fault in of(FaultSeen, outs))


def test_it_can_be_ended_before_its_time() -> None:
    bench = online(subscribed=True)
    bench.feed(OutageAsked(AT, AT + 30))
    bench.feed(OutageAsked(AT + 5, AT + 5))
    assert len(of(Connect, bench.until(AT + 5))) == 1


def test_a_link_that_somebody_in_need_uses_is_not_ended() -> None:
    bench = online(subscribed=True)
    bench.feed(AlarmChanged(AT - 1, "a", "raised", "silent"))
    assert bench.feed(OutageAsked(AT, AT + 30)) == []


def test_an_alarm_in_an_outage_is_tried_at_once_and_again_without_waiting_for_its_end() -> None:
    bench = online(subscribed=True)
    bench.feed(OutageAsked(AT, AT + 30))
    outs = bench.feed(AlarmChanged(AT + 1, "a", "raised", "silent")) + bench.until(AT + 1)
    assert len(of(Connect, outs)) == 1
    bench.feed(link_down(AT + 2, 2))
    assert len(of(Connect, bench.until(AT + 4))) == 1


# --- in a unit ----------------------------------------------------------------------------------------------------------------------


class Life:
    """A unit whose store and broker answer at once; the broker while there is a link."""

    def __init__(self, made: Unit) -> None:
        self.unit = made
        self._linked = False
        self._rows: dict[str, Row] = {}
        self.lives(Started(0.0), spool_opened(0.1), edge(0.2, False), link_up(1.0))

    def lives(self, *events: Event) -> list[Effect]:
        """Let this happen; every effect that came of it, and of the answers."""
        effects: list[Effect] = []
        waiting = deque(events)
        while waiting:
            event = waiting.popleft()
            self._linked = self._linked or isinstance(event, LinkUp)
            effects += self._answered(event.at, self.unit.handle(event))
        return effects

    def until(self, at: float) -> list[Effect]:
        """Time passes, timer by timer."""
        effects: list[Effect] = []
        while self.unit.wake_at() <= at:
            effects += self._answered(self.unit.wake_at(), self.unit.advance(self.unit.wake_at()))
        return effects

    def _answered(self, at: float, effects: list[Effect]) -> list[Effect]:
        self._linked &= not of(Disconnect, effects)
        answers = [answer for effect in effects if (answer := self._answer(at, effect)) is not None]
        return [*effects, *(self.lives(*answers) if answers else [])]

    def _answer(self, at: float, effect: Effect) -> Event | None:
        match effect:
            case Publish(token=token) if self._linked:
                return Acked(at, token)
            case Subscribe(attempt=attempt) if self._linked:
                return Subscribed(at, attempt)
            case Store(name=name, lane=lane, payload=payload, edition=edition):
                self._rows[name] = Row(name, lane, payload)
                return Stored(at, (name,), {name: edition})
            case Forget(names=names) | Keep(names=names):
                self._rows = {name: row for name, row in self._rows.items() if name not in names}
                return Forgotten(at, names)
            case Load(lane=lane, after=None):
                return Loaded(at, lane, tuple(row for row in self._rows.values() if row.lane is lane), more=False)
            case Remember(name=name):
                return Remembered(at, (name,))
        return None


@pytest.mark.parametrize("mode", ["overt", "discreet", "silent"])
def test_in_a_unit_the_press_ends_the_outage_and_the_alarm_is_the_first_on_the_new_link(mode: str) -> None:
    life = Life(unit(config(input=(panic_input(mode=mode),))))
    life.until(15.0)
    assert one(Answer, life.lives(Asked(AT, 1, {"do": "link.outage", "s": 30}))).body == {"done": "link.outage", "s": 30}
    assert life.unit.status(AT)["outage"] == {"on": True, "left_s": 30.0}
    effects = life.until(AT + 3) + life.lives(edge(AT + 3, True)) + life.until(AT + 4)
    assert [connect.attempt for connect in of(Connect, effects)] == [2]
    sent = of(Publish, life.lives(link_up(AT + 4.2, 2)))
    assert isinstance(record(sent[0]), Alarm)
    assert life.unit.status(AT + 5)["outage"]["on"] is False


@pytest.mark.parametrize("mode", ["overt", "discreet", "silent"])
def test_while_it_is_live_there_is_no_outage_whatever_its_mode(mode: str) -> None:
    life = Life(unit(config(input=(panic_input(mode=mode),))))
    life.lives(edge(2.0, True))
    life.until(AT)
    effects = life.lives(Asked(AT, 1, {"do": "link.outage"}))
    assert one(Answer, effects).body == NOT_NOW
    assert life.unit.status(AT)["link"]["state"] == "online"
    assert of(Disconnect, effects) == []


def test_what_is_made_in_the_outage_comes_after_it() -> None:
    life = Life(unit())
    life.until(AT)
    life.lives(Asked(AT, 1, {"do": "link.outage", "s": 30}))
    for i in range(1, 30):
        life.until(AT + i)
        life.lives(fix(AT + i))
    assert life.unit.status(AT + 30)["track"]["fixes"] == 29
    effects = life.until(AT + 30.5)
    assert len(of(Connect, effects)) == 1
    effects = life.lives(link_up(AT + 31, 2)) + life.until(AT + 200)
    told = [found for out in of(Publish, effects) if isinstance(found := record(out), Track)]
    assert sum(track.n for track in told) == 29
    faults = [found for out in of(Publish, effects) if isinstance(found := record(out), FaultRecord)]
    assert "link.down" not in [fault.code for fault in faults]
