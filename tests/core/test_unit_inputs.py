"""The unit and its wires: raw edges of supervised contacts, a tamper contact and a recorder go in; what the centre hears comes out."""

from agent.config import Input, InputUse
from agent.core.effects import Effect, Publish, Store
from agent.core.events import Acked, Edge, Event, Levels, Started, Stored, Subscribed, Vitals
from agent.core.unit import Unit
from agent.wire.records import Alarm, EventRecord, FaultRecord, Health, Io, Record
from tests.core.builders import config, feed, link_up, record, spool_opened, unit

INPUTS = (
    Input(id="button", use=InputUse.PANIC, pin_no=17, pin_nc=18),
    Input(id="ignition", use=InputUse.IGNITION, pin=27),
    Input(id="box", use=InputUse.TAMPER, pin=22),
    Input(id="camera", use=InputUse.RECORDER_ALIVE, pin=23, alive_s=2.0),
)
REST = {"button.no": False, "button.nc": True, "ignition": False, "box": False, "camera": False}


def online() -> Unit:
    """A unit with its link up, its inputs at rest."""
    made = unit(config(input=INPUTS, output=()))
    said(made, Started(0.0), Levels(0.1, REST), spool_opened(0.2), link_up(0.5), Subscribed(0.6, 1), until=0.9)
    return made


def said(made: Unit, *events: Event, until: float) -> list[Record]:
    """What is published until then, to a store and a broker that answer at once."""
    records: list[Record] = []

    def answer(effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Publish(token=token):
                    records.append(record(effect))
                    answer(feed(made, Acked(made.now, token)))
                case Store(name=name, edition=edition):
                    answer(feed(made, Stored(made.now, (name,), {name: edition})))

    for event in (*events, Edge(until, "nothing", False)):
        while made.wake_at() < event.at:
            answer(made.advance(made.wake_at()))
        answer(feed(made, event))
    return records


def test_a_press_of_a_supervised_button_is_an_alarm_half_a_second_after_it_was_made() -> None:
    """The contacts break at 5.0 and make at 5.004: no wire is cut."""
    records = said(online(), Edge(5.0, "button.nc", False), Edge(5.004, "button.no", True), until=5.9)
    (alarm,) = (found for found in records if isinstance(found, Alarm))
    assert (alarm.source, alarm.state, alarm.mono) == ("button", "raised", 5504)
    assert not [found for found in records if isinstance(found, FaultRecord)]


def test_a_cut_wire_is_a_fault_and_in_io_and_both_end_when_it_is_mended() -> None:
    made = online()
    records = said(made, Edge(5.0, "button.nc", False), until=6.0)
    assert [(found.code, found.state, found.detail, found.mono) for found in records if isinstance(found, FaultRecord)] == [
        ("input.cut", "raised", "button", 5500)
    ]
    assert [found.wires for found in records if isinstance(found, Io)] == [{"button": "cut"}]
    assert not [found for found in records if isinstance(found, Alarm)]
    records = said(made, Edge(7.0, "button.nc", True), until=8.0)
    assert [found.state for found in records if isinstance(found, FaultRecord)] == ["cleared"]
    assert [found.wires for found in records if isinstance(found, Io)] == [None]


def test_an_opened_box_is_an_event_and_a_fault() -> None:
    records = said(online(), Edge(5.0, "box", True), until=5.1)
    assert [(found.what, found.id, found.active, found.mono) for found in records if isinstance(found, EventRecord)] == [
        ("tamper", "box", True, 5000)
    ]
    assert [(found.code, found.detail) for found in records if isinstance(found, FaultRecord)] == [("tamper.open", "box")]


def test_a_recorder_that_never_beats_is_a_fault_a_minute_after_the_ignition_came_on() -> None:
    made = online()
    records = said(made, Edge(100.0, "ignition", True), until=170.0)
    assert ("recorder.silent", "camera", 160_030) in [(f.code, f.detail, f.mono) for f in records if isinstance(f, FaultRecord)]
    assert ("recorder", False) in [(found.what, found.active) for found in records if isinstance(found, EventRecord)]


def test_a_low_supply_is_a_fault_and_in_the_health_of_the_unit() -> None:
    made = online()
    records = said(made, Vitals(5.0, 1, supply_low=True), until=70.0)
    assert ("power.low", "the board", 5000) in [(f.code, f.detail, f.mono) for f in records if isinstance(f, FaultRecord)]
    assert [found.supply_low for found in records if isinstance(found, Health)] == [True]
