"""The unit: parts wired together, time moved by stamps, and how it starts, answers and ends."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Gnss, Mqtt, Orders
from agent.core.effects import (
    Answer,
    Connect,
    Disconnect,
    Effect,
    Note,
    Notify,
    OpenSpool,
    Publish,
    Remember,
    ShowLights,
    Store,
    Subscribe,
)
from agent.core.events import (
    Acked,
    AdapterDied,
    Asked,
    Event,
    EventsDropped,
    Lane,
    Levels,
    LightsShown,
    Received,
    ReceiverUp,
    Remembered,
    Reported,
    SpoolDown,
    Started,
    StopRequested,
    Stored,
    Subscribed,
)
from agent.core.part import Outputs, Part
from agent.core.unit import STOP_S_MAX, Unit
from agent.wire.records import Alarm, Presence, Track
from agent.wire.records import Position as PositionRecord
from tests.core.builders import (
    BOOT,
    ROOT,
    config,
    edge,
    event_report,
    feed,
    fix,
    link_down,
    link_up,
    of,
    one,
    record,
    spool_opened,
    timed_fix,
    types,
    unit,
)

UP = Levels(0.1, {"button": False, "ignition": False})


def started(**sections: Any) -> Unit:
    """A unit that runs, with its store open."""
    made = unit(config(**sections))
    feed(made, Started(0.0), UP, spool_opened(0.2))
    return made


def online(**sections: Any) -> Unit:
    """And its link up and subscribed."""
    made = started(**sections)
    feed(made, link_up(0.5), Subscribed(0.6, 1))
    return made


def held(made: Unit, at: float) -> list[Effect]:
    """The button goes down and stays."""
    return [*feed(made, edge(at, True)), *made.advance(at + 0.5)]


# --- the way of an alarm ------------------------------------------------------------------------------------------------------------


def test_a_press_is_latched_stored_and_published_in_one_turn_half_a_second_after_the_edge() -> None:
    made = online()
    feed(made, edge(5.0, True))
    assert not any(out.topic.endswith("alarm") for out in of(Publish, made.advance(5.499)))
    effects = made.advance(5.5)
    alarm = next(out for out in of(Publish, effects) if out.topic.endswith("up/alarm"))
    found = record(alarm)
    assert isinstance(found, Alarm)
    assert (found.id, found.state, found.mono, found.source) == (f"{BOOT}-{found.seq}", "raised", 5500, "button")
    kinds = types(effects)
    assert kinds.index("Remember") < kinds.index("Store") < kinds.index("Publish")
    assert one(ShowLights, [e for e in effects if isinstance(e, ShowLights)][-1:]).outputs["lamp"].name == "raised"


def test_the_lamp_says_sent_only_when_the_alarm_is_on_disk_and_at_the_broker() -> None:
    made = online()
    effects = held(made, 5.0)
    store = next(out for out in of(Store, effects) if out.lane is Lane.ALARM)
    token = next(out.token for out in of(Publish, effects) if out.topic.endswith("up/alarm"))
    lamps = []
    for event in (Acked(5.6, token), Stored(5.7, (store.name,))):
        lamps += [out.outputs["lamp"].name for out in of(ShowLights, feed(made, event))]
    assert lamps == ["sent"]


def test_an_alarm_in_the_memory_of_the_store_is_live_after_a_restart_and_leaves_first() -> None:
    first = online()
    memory = of(Remember, held(first, 5.0))[-1]
    assert memory.value is not None
    second = unit(boot="f" * 16)
    feed(second, Started(0.0), UP, spool_opened(0.2, {memory.name: memory.value}))
    published = [record(out) for out in of(Publish, feed(second, link_up(0.5)))]
    assert isinstance(published[0], Alarm)
    assert published[0].state == "repeated"
    assert second.status(1.0)["alarm"]["state"] == "raised"


def test_a_live_alarm_is_repeated_as_soon_as_the_link_is_back() -> None:
    """The outbox knows of the link before the parts speak to it."""
    made = online()
    held(made, 5.0)
    feed(made, link_down(6.0))
    made.advance(8.0)
    connect = next(iter(of(Connect, made.advance(9.0))), None)
    attempt = connect.attempt if connect else 2
    published = [record(out) for out in of(Publish, feed(made, link_up(9.1, attempt)))]
    assert {found.state for found in published if isinstance(found, Alarm)} == {"raised", "repeated"}
    assert any(isinstance(found, PositionRecord) for found in published)


def test_an_unsigned_acknowledgement_from_the_bench_reaches_the_lamp_and_is_answered() -> None:
    made = online(orders=Orders(allow_unsigned_development=True))
    effects = held(made, 5.0)
    alarm = next(record(out) for out in of(Publish, effects) if out.topic.endswith("up/alarm"))
    assert isinstance(alarm, Alarm)
    payload = msgspec.msgpack.encode({"jti": "o-1", "kind": "alarm.ack", "body": {"alarm": alarm.id}})
    answers = feed(made, Received(6.0, f"{ROOT}/u/car-1/down/alarm.ack", payload, False))
    assert [out.topic.rsplit("/", 1)[1] for out in of(Publish, answers)] == ["io", "alarm", "ack"]  # io was due before
    assert of(ShowLights, answers)[-1].outputs["lamp"].name == "on"


# --- news of another attempt --------------------------------------------------------------------------------------------------------


def test_what_an_older_attempt_says_reaches_nobody() -> None:
    made = online()
    made.advance(1.0)
    before = made.status(1.0)["link"]
    assert feed(made, link_down(1.0, 0), link_up(1.0, 0), link_up(1.0, 1)) == []
    assert made.status(1.0)["link"] == before
    assert len(of(Publish, feed(made, fix(1.3)))) == 1  # still online
    feed(made, link_down(2.0))
    assert of(Publish, feed(made, link_up(2.1, 1))) == []


# --- time ---------------------------------------------------------------------------------------------------------------------------


def test_timers_fire_in_order_at_exactly_their_own_time() -> None:
    made = online(gnss=Gnss(silence_s=2.0))
    feed(made, ReceiverUp(1.0, "/dev/x"), edge(1.2, True))
    stored = [record(out) for out in of(Store, made.advance(100.0))]
    monos = list(dict.fromkeys((found.seq, found.mono) for found in stored if found.kind in ("alarm", "fault")))
    assert [mono for _, mono in monos] == sorted(mono for _, mono in monos)
    assert {(found.kind, found.mono) for found in stored} >= {("alarm", 1700), ("fault", 3000), ("fault", 31_200)}


EVENTS = st.lists(
    st.tuples(st.floats(0.01, 20.0), st.sampled_from(["edge", "fix", "levels", "link", "down", "shown", "stored"])), max_size=25
)


def _story(steps: list[tuple[float, str]], looks: list[float]) -> list[str]:
    made = unit()
    effects: list[Effect] = feed(made, Started(0.0), UP, spool_opened(0.2))
    at, pressed = 1.0, False
    for wait, what in steps:
        for look in looks:
            if look < wait:
                effects += made.advance(at + look)
        at += wait
        pressed ^= what == "edge"
        events: dict[str, Event] = {
            "edge": edge(at, pressed),
            "fix": timed_fix(at),
            "levels": Levels(at, {"button": pressed, "ignition": False}),
            "link": link_up(at),
            "down": link_down(at),
            "shown": LightsShown(at, {"red": "off", "blue": "off", "lamp": "off"}),
            "stored": Stored(at, (f"{BOOT}-1", f"{BOOT}-2")),
        }
        effects += made.handle(events[what])
    return [repr(effect) for effect in effects]


@given(EVENTS, st.lists(st.floats(0.0, 20.0), max_size=6).map(sorted))
@settings(max_examples=60, deadline=None)
def test_it_does_not_matter_how_often_anybody_looked(steps: list[tuple[float, str]], looks: list[float]) -> None:
    assert _story(steps, looks) == _story(steps, [])


def test_an_event_that_comes_late_does_not_turn_time_back() -> None:
    made = online()
    made.advance(50.0)
    feed(made, fix(40.0))
    assert made.now == 50.0


def test_a_unit_that_has_not_started_waits_for_nothing() -> None:
    assert unit().wake_at() == math.inf
    assert started().wake_at() < 2.0


def test_a_part_that_stands_still_is_our_mistake() -> None:
    class Stuck(Part):
        name = "stuck"

        @property
        def deadline(self) -> float:
            return 1.0

        def expire(self) -> Outputs:
            return ()

    made = unit()
    made.parts = (Stuck(),)
    made._deadlines = [1.0]
    with pytest.raises(AssertionError, match="stuck stands still"):
        made.advance(2.0)


def test_a_part_that_does_not_do_what_it_says_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="does not handle"):
        Part().handle(Started(0.0))
    with pytest.raises(AssertionError, match="does not expire"):
        Part().expire()
    assert (Part().deadline, Part().status(0.0)) == (math.inf, {})


# --- life ---------------------------------------------------------------------------------------------------------------------------


def test_the_first_turn_asks_for_the_store_and_the_lights() -> None:
    assert {"OpenSpool", "ShowLights"} <= set(types(feed(unit(), Started(0.0))))


@pytest.mark.parametrize("settles", [spool_opened(1.0), SpoolDown(1.0, "read-only")])
def test_it_is_ready_once_the_store_has_spoken_and_says_so_once(settles: Event) -> None:
    made = unit()
    assert of(Notify, feed(made, Started(0.0))) == []
    assert of(Notify, feed(made, settles)) == [Notify(True, "running")]
    assert of(Notify, feed(made, spool_opened(2.0), SpoolDown(3.0, "x"))) == []
    assert made.status(4.0)["unit"]["ready"] is True


def test_a_dead_adapter_ends_the_process_at_once_with_code_1() -> None:
    made = online()
    effects = feed(made, AdapterDied(2.0, "gnss", "ValueError: x"))
    note = of(Note, effects)[-1]
    assert (note.level, note.text) == ("error", "gnss died: ValueError: x")
    assert (made.stopped, made.exit_code) == (True, 1)
    assert feed(made, StopRequested(3.0, "SIGTERM"), fix(4.0)) == []
    assert made.advance(1000.0) == []


def _settled(made: Unit, effects: list[Effect], at: float) -> list[Effect]:
    """Store and broker confirm everything until nothing more is asked."""
    seen: list[Effect] = list(effects)
    todo = list(effects)
    while todo and not made.stopped:
        answers: list[Event] = []
        for effect in todo:
            match effect:
                case Store(name=name):
                    answers.append(Stored(at, (name,)))
                case Publish(token=token):
                    answers.append(Acked(at, token))
                case Remember(name=name):
                    answers.append(Remembered(at, (name,)))
        todo = feed(made, *answers)
        seen += todo
    return seen


def test_a_stop_seals_the_track_says_goodbye_and_ends_when_all_is_confirmed() -> None:
    made = unit()
    effects = feed(made, Started(0.0), UP, spool_opened(0.2), link_up(0.5), Subscribed(0.6, 1), fix(1.0))
    _settled(made, effects, 1.1)
    stop = feed(made, StopRequested(1.5, "SIGTERM"))
    assert one(Note, stop).text == "asked to stop by SIGTERM"
    assert any(isinstance(record(out), Track) for out in of(Store, stop))
    goodbye = next(found for out in of(Publish, stop) if isinstance(found := record(out), Presence))
    assert (goodbye.online, goodbye.reason) == (False, "stopped")
    assert not made.stopped
    end = _settled(made, stop, 1.6)
    assert (made.stopped, made.exit_code) == (True, 0)
    assert end[-1] == Disconnect(1)


def test_a_stop_that_nothing_confirms_ends_after_three_seconds() -> None:
    made = online()
    feed(made, StopRequested(2.0, "SIGTERM"), StopRequested(4.0, "SIGTERM"))
    assert made.wake_at() <= 2.0 + STOP_S_MAX
    made.advance(2.0 + STOP_S_MAX - 0.01)
    assert not made.stopped
    assert of(Disconnect, made.advance(2.0 + STOP_S_MAX)) == [Disconnect(1)]
    assert (made.stopped, made.exit_code) == (True, 0)


def test_a_stop_without_a_link_and_with_nothing_to_store_ends_at_once() -> None:
    made = unit()
    _settled(made, feed(made, Started(0.0), SpoolDown(0.1, "x"), link_down(0.2)), 0.3)
    feed(made, StopRequested(1.0, "SIGINT"))
    assert made.stopped


# --- questions ----------------------------------------------------------------------------------------------------------------------


def test_the_status_has_a_section_for_each_part_and_can_be_encoded() -> None:
    made = online()
    feed(made, timed_fix(1.0))
    answer = one(Answer, feed(made, Asked(2.0, 7, {"ask": "status"})))
    assert answer.asker == 7
    assert set(answer.body) >= {
        "unit",
        "faults",
        "clock",
        "inputs",
        "position",
        "track",
        "alarm",
        "lights",
        "receiver",
        "outbox",
        "link",
        "vitals",
    }
    assert answer.body["unit"] == {"id": "car-1", "kind": "patrol_car", "boot": BOOT, "version": "0.0.1", "uptime_s": 2.0, "ready": True}
    assert msgspec.msgpack.encode(answer.body)


@pytest.mark.parametrize("question", [{}, {"ask": "the way"}, {"ask": None}, {"ask": ["status"]}])
def test_a_question_without_an_answer_is_told_what_may_be_asked(question: dict[str, Any]) -> None:
    answer = one(Answer, feed(online(), Asked(2.0, 7, question)))
    assert list(answer.body) == ["error", "why"]
    assert "status" in answer.body["error"]


def test_every_note_has_a_level_of_the_log() -> None:
    made = online()
    effects = feed(made, link_down(1.0), Received(1.1, "elsewhere", b"", False), StopRequested(1.2, "x"), AdapterDied(1.3, "a", "b"))
    assert {note.level for note in of(Note, effects)} <= {"debug", "info", "warning", "error"}
    assert len(of(Note, effects)) == 4


def test_dropped_events_become_a_fault_a_gap_and_a_count() -> None:
    made = online()
    effects = feed(made, EventsDropped(1.0, 5)) + made.advance(3.0)
    kinds = {record(out).kind for out in of(Store, effects)}
    assert kinds >= {"fault", "gap"}
    assert made.status(3.0)["vitals"]["events_dropped"] == 5


def test_groups_and_endpoints_come_from_the_config() -> None:
    made = unit(config(mqtt=Mqtt(endpoints=("mqtts://b:8883",), root="x/y")))
    effects = feed(made, Started(0.0), spool_opened(0.1))
    assert one(Connect, effects).endpoint == "mqtts://b:8883"
    assert "x/y/g/north/down/+" in one(Subscribe, feed(made, link_up(0.5))).topics
    assert of(OpenSpool, effects)


def test_parts_hear_only_what_they_listen_to() -> None:
    made = unit()
    assert all(made._listening(type(event_report(0.0)))[0][1].name == "outbox" for _ in range(2))
    assert Reported in made.outbox.listens
