"""What the core really sends is what the published contract says: every topic is a channel, every payload fits its schema."""

import re
from collections import deque
from typing import Any

import jsonschema
import msgspec
import pytest

from agent.config import Config, Input, InputUse, Mqtt, Orders, Output
from agent.config import Unit as UnitSection
from agent.core.effects import Connect, Effect, Forget, Keep, Publish, PulseOutput, Recall, Remember, ShowLights, Store, Subscribe
from agent.core.events import (
    Acked,
    Edge,
    Event,
    EventsDropped,
    Fix,
    FixMode,
    Forgotten,
    LightsShown,
    LinkDown,
    LinkUp,
    MachineSeen,
    OutputFailed,
    OutputPulsed,
    Recalled,
    Received,
    Remembered,
    SpoolOpened,
    Started,
    StopRequested,
    Stored,
    Subscribed,
    Vitals,
)
from agent.core.unit import Unit
from agent.wire import asyncapi, codec, topics
from agent.wire.orders import DOWN
from agent.wire.records import STATE, UP, Alarm
from tests.wire import examples

UTC_MS = 1_800_000_000_000
CONFIG = Config(
    unit=UnitSection(id="car-1", groups=("east",)),
    mqtt=Mqtt(endpoints=("mqtt://broker.example",)),
    input=(Input(id="panic", use=InputUse.PANIC, pin=17), Input(id="ignition", use=InputUse.IGNITION, pin=22)),
    output=(Output(id="light", pin=5), Output(id="mark", use="recorder_mark", pin=6)),
    orders=Orders(allow_unsigned_development=True),
)


def fixes(start: float, n: int) -> list[Event]:
    """A second apart, with a hole in the facts."""
    return [
        Fix(t, FixMode.THREE_D, UTC_MS + round(t * 1000), 36.62, 101.78 + t / 1e5, 2261.0, 9.0, 90.0 if t % 2 else None, sats={"BD": 9})
        for t in (start + i for i in range(n))
    ]


class Desk:
    """One unit, whose effects are answered at once, as by a store, a broker and a light bar that work."""

    def __init__(self) -> None:
        self.unit = Unit(CONFIG, examples.BOOT, "0.1.0")
        self.said: list[tuple[str, bytes, bool]] = []
        """Topic, payload and whether it is retained, of everything that the unit said, its last will included."""

    def give(self, *events: Event) -> None:
        """Let this happen."""
        waiting = deque(events)
        while waiting:
            event = waiting.popleft()
            answers = [self._answer(event.at, effect) for effect in self.unit.handle(event)]
            waiting.extendleft(answer for answer in reversed(answers) if answer is not None)

    def _answer(self, at: float, effect: Effect) -> Event | None:
        match effect:
            case Publish(token=token, topic=topic, payload=payload, retain=retain):
                self.said.append((topic, payload, retain))
                return Acked(at, token)
            case Connect(will_topic=topic, will_payload=payload):
                self.said.append((topic, payload, True))
            case Store(name=name, edition=edition):
                return Stored(at, (name,), {name: edition})
            case Forget(names=names) | Keep(names=names):
                return Forgotten(at, names)
            case Remember(name=name):
                return Remembered(at, (name,))
            case Recall(boot=boot, first=first, last=last):
                return Recalled(at, boot, first, last, (), more=False)
            case Subscribe(attempt=attempt):
                return Subscribed(at, attempt)
            case ShowLights(outputs=outputs):
                return LightsShown(at, {name: pattern.name for name, pattern in outputs.items()})
            case PulseOutput(output=output):
                return OutputPulsed(at, output)
        return None

    def order(self, at: float, name: str, **changes: Any) -> None:
        """Give a golden order, changed for this unit."""
        facts = msgspec.to_builtins(examples.ORDERS[name]) | changes
        self.give(Received(at, topics.down(topics.ROOT_DEFAULT, "car-1", facts["kind"]), msgspec.msgpack.encode(facts), retained=False))

    def alarm(self, test: bool = False) -> dict[str, str]:
        """The body of an order about the alarm there is, or the one of the walk test."""
        alarms = [record for _, payload, _ in self.said if isinstance(record := codec.decode(payload), Alarm)]
        return {"alarm": next(record.id for record in alarms if bool(record.test) is test)}


@pytest.fixture(scope="module")
def spoken() -> list[tuple[str, bytes, bool]]:
    """All that a unit says on a day with everything: no clock at first, a press, orders good and bad, faults, a broken link, an end."""
    desk = Desk()
    desk.give(Started(0.0), SpoolOpened(0.01, {}, {}), LinkUp(0.1, 1, "mqtt://broker.example", 5), Vitals(0.2, 38_000_000, 51.5, 10**9))
    desk.give(MachineSeen(0.3, "3.11.2"))
    desk.give(*fixes(1.0, 30), Edge(31.2, "panic", True), Edge(31.3, "ignition", True), OutputFailed(31.5, "light", "short"))
    desk.give(*fixes(32.0, 7))
    desk.order(38.9, "down_alarm_ack_auto", body=desk.alarm() | {"by": "auto", "n": 1})
    desk.order(39.0, "down_alarm_ack", body=desk.alarm())
    desk.order(39.1, "down_alarm_ack", jti="second", body={"alarm": "nobody-1"})
    desk.order(39.2, "down_alarm_clear", body=desk.alarm() | {"reason": "officer safe"})
    desk.order(39.25, "down_resend")
    desk.order(39.26, "down_mark")
    desk.order(39.27, "down_light_set")
    desk.order(39.28, "down_light_set_back")
    desk.give(
        Received(39.3, topics.down(topics.ROOT_DEFAULT, "car-1", "alarm.ack"), b"\xc1", retained=False),
        Received(39.4, topics.group_down(topics.ROOT_DEFAULT, "east", "light.set"), b"\x80", retained=True),
        Edge(39.5, "ignition", False),
        EventsDropped(40.0, 12),
    )
    desk.order(40.05, "down_selftest")
    desk.give(Edge(40.1, "panic", False), Edge(40.6, "panic", True), Edge(41.3, "panic", False))
    desk.order(41.5, "down_alarm_ack", jti="of the test", body=desk.alarm(test=True))
    desk.give(
        *fixes(42.0, 89),
        LinkDown(131.0, 1, "gone"),
        *fixes(132.0, 20),
        LinkUp(152.0, 2, "mqtt://broker.example", 4),
        *fixes(153.0, 3),
        StopRequested(160.0, "SIGTERM"),
    )
    return desk.said


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The contract."""
    return asyncapi.document(asyncapi.golden())


def test_the_unit_says_everything_that_there_is_to_say(spoken: list[tuple[str, bytes, bool]]) -> None:
    assert {codec.decode(payload).kind for _, payload, _ in spoken} == UP.keys() | STATE.keys()


def test_every_message_has_a_channel_that_says_whether_it_is_retained(
    spoken: list[tuple[str, bytes, bool]], document: dict[str, Any]
) -> None:
    channels = {re.sub(r"{\w+}", "", channel["address"]): name for name, channel in document["channels"].items()}
    retained = {op["channel"]["$ref"]: op["bindings"]["mqtt"]["retain"] for op in document["operations"].values()}
    for topic, _, retain in spoken:
        name = channels[topic.replace(f"{topics.ROOT_DEFAULT}/u/car-1/", "/u//")]
        assert retained[f"#/channels/{name}"] is retain, topic


def test_every_payload_fits_its_published_schema(spoken: list[tuple[str, bytes, bool]], document: dict[str, Any]) -> None:
    for topic, payload, _ in spoken:
        facts = codec.unpack(payload)
        record = (UP | STATE)[facts["kind"]]
        schema = {"$ref": asyncapi.SCHEMAS.format(name=record.__name__), "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(facts)
        assert topic.endswith(f"/{facts['kind']}")
        assert set(facts) <= set(record.__struct_fields__)


def test_every_order_that_the_contract_tells_of_is_carried_out(spoken: list[tuple[str, bytes, bool]]) -> None:
    labels: dict[str | None, list[str]] = {}
    for topic, payload, _ in spoken:
        if topic.endswith("/up/ack"):
            answer = codec.unpack(payload)
            labels.setdefault(answer.get("order"), []).append(answer["label"])
    carried_out = {order.KIND: labels.pop(order.jti, ["never answered"])[-1] for order in examples.ORDERS.values()}
    assert carried_out == dict.fromkeys(DOWN, "done")
    assert labels == {"second": ["failed"], "of the test": ["done"], None: ["rejected", "rejected"]}
