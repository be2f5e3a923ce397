"""Discretion: with a silent alarm live, whoever asks in the car reads what they would read without it; the centre is told all."""

from typing import Any

from agent.config import Orders
from agent.core.discretion import Discretion
from agent.core.effects import Answer, Effect, Publish, PulseOutput, ShowLights, Store
from agent.core.events import Acked, Asked, Remembered, SpoolFull, Started, Stored
from agent.core.unit import Unit
from agent.wire.records import Alarm, FaultRecord, Io
from agent.wire.whys import refused, why
from tests.core.builders import config, edge, feed, ignition_input, link_up, of, one, panic_input, record, spool_opened, unit

SILENT = panic_input("foot", mode="silent", pin=22)
OVERT = panic_input("button")


def running(*inputs: Any) -> Unit:
    """A unit that runs, its inputs read, its store open."""
    made = unit(config(input=inputs or (OVERT, SILENT, ignition_input()), orders=Orders(allow_unsigned_development=True)))
    feed(made, Started(0.0), spool_opened(0.1))
    for wired in made.config.input:
        feed(made, edge(0.2, False, wired.id))
    made.advance(2.0)
    return made


def told(made: Unit, at: float) -> dict[str, Any]:
    """What somebody in the car reads."""
    return one(Answer, feed(made, Asked(at, 3, {"ask": "status"}))).body


def calm(body: dict[str, Any]) -> dict[str, Any]:
    """Without what counts by itself: records of any kind, and what the position's pace makes of it."""
    counting = {"unit", "outbox", "track", "position", "link"}
    return {name: section for name, section in body.items() if name not in counting}


def test_with_a_silent_alarm_somebody_in_the_car_reads_what_they_would_read_without() -> None:
    quiet, pressed = running(), running()
    effects = feed(pressed, edge(3.0, True, "foot")) + pressed.advance(40.0)
    assert any(isinstance(record(out), Alarm) for out in of(Store, effects))
    assert calm(told(pressed, 40.0)) == calm(told(quiet, 40.0))
    assert told(pressed, 40.0)["outbox"]["waiting"]["alarm"] == 0
    assert told(pressed, 40.0)["outbox"]["waiting"]["event"] > told(quiet, 40.0)["outbox"]["waiting"]["event"]
    assert {pattern.name for out in of(ShowLights, effects) for pattern in out.outputs.values()} == {"off"}
    assert of(PulseOutput, effects) == []


def test_only_root_is_told_whether_a_restart_would_interrupt_an_alarm() -> None:
    quiet, pressed = running(), running()
    feed(pressed, edge(3.0, True, "foot"))
    pressed.advance(5.0)

    def answer(made: Unit, by_root: bool) -> dict[str, Any]:
        return one(Answer, feed(made, Asked(5.0, 3, {"ask": "restart"}, by_root))).body

    assert answer(pressed, True) == {"alarm": True, "ready": True}
    assert answer(quiet, True) == {"alarm": False, "ready": True}
    assert answer(pressed, False) == answer(quiet, False) == refused(why("root_only"))


def test_before_the_store_is_open_root_is_told_that_the_unit_is_not_ready() -> None:
    made = unit(config(input=(OVERT,)))
    feed(made, Started(0.0))
    assert one(Answer, feed(made, Asked(0.1, 3, {"ask": "restart"}, True))).body == {"alarm": False, "ready": False}


def test_the_centre_is_told_all_of_it() -> None:
    made = running()
    effects = feed(made, link_up(2.5), edge(3.0, True, "foot")) + made.advance(400.0)
    records = [record(out) for out in of(Publish, effects)]
    assert {found.alarm for found in records if isinstance(found, Io)} == {"none", "raised"}
    assert any(found.inputs["foot"] for found in records if isinstance(found, Io))
    assert "panic.stuck" in [fault["code"] for fault in made.status(400.0)["faults"]]  # of which `health` is made
    faults = [found for out in of(Store, effects) if isinstance(found := record(out), FaultRecord)]
    assert {found.detail for found in faults if found.code == "panic.stuck"} == {"foot"}
    assert made.status(400.0)["alarm"]["state"] == "raised"


def test_an_alarm_that_may_be_seen_is_told_beside_a_silent_one() -> None:
    made = running()
    feed(made, edge(3.0, True, "foot"), edge(5.0, True, "button"))
    made.advance(50.0)
    body = told(made, 50.0)
    assert (body["alarm"]["live"], body["alarm"]["n"]) == (1, made.status(50.0)["alarm"]["n"])
    stuck = [fault for fault in body["faults"] if fault["code"] == "panic.stuck"]
    assert [fault["detail"] for fault in stuck] == ["button"]
    assert body["inputs"] == {"button": True, "ignition": False}
    assert not [fault for fault in body["faults"] if "foot" in fault["detail"]]


def test_a_silent_button_that_is_stuck_beside_another_leaves_no_trace_in_the_fault_of_that_one() -> None:
    quiet, pressed = running(), running()
    for made in (quiet, pressed):
        feed(made, edge(3.0, True, "button"))
    feed(pressed, edge(5.0, True, "foot"))
    for made in (quiet, pressed):
        made.advance(50.0)
    assert calm(told(pressed, 50.0))["faults"] == calm(told(quiet, 50.0))["faults"]
    assert [fault["detail"] for fault in pressed.status(50.0)["faults"] if fault["code"] == "panic.stuck"] == ["button, foot"]


SUPERVISED = panic_input("foot", mode="silent", pin=None, pin_no=22, pin_nc=23)
SUPERVISED_TOO = panic_input("button", pin=None, pin_no=17, pin_nc=18)


def test_a_silent_button_with_a_broken_wire_reads_in_the_car_as_if_it_had_none() -> None:
    made = running(SUPERVISED)
    feed(made, edge(3.0, False, "foot.no"), edge(3.0, False, "foot.nc"))
    made.advance(6.0)
    assert made.status(6.0)["wires"] == {"foot": "cut"}
    assert [fault["detail"] for fault in made.status(6.0)["faults"] if fault["code"] == "input.cut"] == ["foot"]
    body = told(made, 6.0)
    assert body["wires"] == {}
    assert not [fault for fault in body["faults"] if fault["code"] == "input.cut"]


def test_a_broken_wire_that_may_be_seen_is_told_beside_that_of_a_silent_button() -> None:
    made = running(SUPERVISED_TOO, SUPERVISED)
    for name in ("button", "foot"):
        feed(made, edge(3.0, True, f"{name}.no"), edge(3.0, True, f"{name}.nc"))
    made.advance(6.0)
    assert [fault["detail"] for fault in made.status(6.0)["faults"] if fault["code"] == "input.short"] == ["button, foot"]
    body = told(made, 6.0)
    assert body["wires"] == {"button": "short"}
    assert [fault["detail"] for fault in body["faults"] if fault["code"] == "input.short"] == ["button"]


def test_where_no_button_is_silent_nothing_is_kept_back() -> None:
    made = running(OVERT, ignition_input())
    feed(made, edge(3.0, True))
    made.advance(50.0)
    body = told(made, 50.0)
    assert body["inputs"] == {"button": True, "ignition": False}
    assert body["outbox"]["waiting"]["alarm"] >= 1
    assert [fault["detail"] for fault in body["faults"] if fault["code"] == "panic.stuck"] == ["button"]


def test_the_age_of_the_last_acknowledgement_does_not_tick_with_a_silent_alarm() -> None:
    """It repeats each few seconds, and what else is said each minute."""
    made = running()
    for effect in feed(made, link_up(2.5), edge(3.0, True, "foot")) + made.advance(9.0):
        if isinstance(effect, Publish):
            feed(made, Acked(9.0, effect.token))
    assert made.status(20.0)["outbox"]["acked_s"] == 11.0
    assert told(made, 20.0)["outbox"]["acked_s"] == 0.0
    assert Discretion(()).shown(made.status(20.0), {}, None)["outbox"]["acked_s"] == 11.0


def test_the_status_itself_is_left_as_it_is() -> None:
    status = {
        "alarm": {"state": "raised"},
        "inputs": {"foot": True},
        "wires": {"foot": "cut"},
        "faults": [{"code": "panic.stuck", "detail": "foot", "since_s": 1.0}],
        "outbox": {"waiting": {"alarm": 2, "event": 3, "live": 0, "backfill": 1}, "acked": 7, "acked_s": 83.4},
    }
    shown = Discretion((SILENT,)).shown(status, {"state": "none"}, None)
    assert shown == {
        "alarm": {"state": "none"},
        "inputs": {},
        "wires": {},
        "faults": [],
        "outbox": {"waiting": {"alarm": 0, "event": 5, "live": 0, "backfill": 1}, "acked": 7, "acked_s": 60},
    }
    assert status["alarm"] == {"state": "raised"}
    assert status["inputs"] == {"foot": True}


# --- a press asks for nothing -------------------------------------------------------------------------------------------------------


def lamp(effects: list[Effect]) -> list[str]:
    """What the lamp plays, one after the other."""
    played = [out.outputs["lamp"].name for out in effects if isinstance(out, ShowLights)]
    return [name for i, name in enumerate(played) if i == 0 or name != played[i - 1]]


def test_a_press_works_with_no_fix_no_time_no_link_and_no_store() -> None:
    made = unit()
    effects = feed(made, Started(0.0), edge(0.5, False), edge(1.0, True)) + made.advance(2.0)
    assert lamp(effects) == ["off", "raised"]
    effects = feed(made, link_up(3.0))
    raised = [found for out in of(Publish, effects) if isinstance(found := record(out), Alarm)]
    assert (raised[0].state, raised[0].pos, raised[0].time, raised[0].since) == ("raised", None, None, None)


def test_a_press_works_with_a_full_disk_and_the_lamp_does_not_say_sent() -> None:
    made = running()
    feed(made, link_up(2.5), SpoolFull(2.6, "no room"))
    effects = feed(made, edge(3.0, True)) + made.advance(4.0)
    token = next(out.token for out in of(Publish, effects) if isinstance(record(out), Alarm))
    name = next(out.name for out in of(Store, effects) if isinstance(record(out), Alarm))
    effects += feed(made, Acked(4.1, token))
    assert lamp(effects)[-1] == "raised"
    assert lamp(feed(made, Stored(60.0, (name,)), Remembered(60.1, ("alarms",))))[-1] == "sent"
