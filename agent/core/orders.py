"""Orders: messages from the centre go in; verified orders for the parts, and the answers for the centre, come out.

First form: signed orders are not verified yet and so are refused; the plain ones of a development bench are taken only when the config says
so in so many words. What is given to the parts has the shape that the contract says (`agent.wire.orders`): they may rely on it.

The broker's session may hold an order from before a restart, about an alarm that only the store still knows of. So nothing is carried out
before the store has spoken, or has had time enough.
"""

import math
from typing import Any

import msgspec

from agent.core.effects import Note
from agent.core.events import Event, Lane, OrderAnswered, OrderGiven, Received, Reported, SpoolOpened, Started
from agent.core.part import Output, Outputs, Part
from agent.wire import codec, topics
from agent.wire.orders import DOWN
from agent.wire.records import AckRecord

PAYLOAD_BYTES_MAX = 16_384
"""An order is a few hundred bytes; anything larger is refused before it is looked at."""

ORDER_CHARS_MAX = 36
"""`jti` of the contract."""

KINDS_DEVELOPMENT = ("alarm.ack", "alarm.clear", "light.set", "mark", "resend", "selftest")
"""All that can be ordered without a signature, and only on a bench."""

SEEN_MAX = 256
"""Orders remembered so that a repeat gets the stored answer and is not carried out twice."""


STORE_S_MAX = 10.0
"""A store that has not opened by then may never do."""

WAITING_MAX = 64
"""Messages that wait for the store; what comes beyond that does not wait."""


class Orders(Part):
    """What the centre wants."""

    name = "orders"
    listens = (Started, SpoolOpened, Received, OrderAnswered)

    def __init__(self, root: str, allow_unsigned: bool) -> None:
        self._root = root
        self._allow_unsigned = allow_unsigned
        self._answers: dict[str, AckRecord] = {}
        self._waiting: list[Received] = []
        self._wait_until = -math.inf

    @property
    def deadline(self) -> float:
        """When the store has had time enough."""
        return self._wait_until if self._waiting else math.inf

    def handle(self, event: Event) -> Outputs:
        """Take a message from the centre, or what became of an order."""
        match event:
            case Started():
                self._wait_until = event.at + STORE_S_MAX
            case SpoolOpened():
                return self._wait_no_more(event.at)
            case Received() if event.at < self._wait_until and len(self._waiting) < WAITING_MAX:
                self._waiting.append(event)
            case Received():
                return self._receive(event)
            case OrderAnswered(order=order):
                return [self._answer(event.at, order, event.label, event.reason, event.result)]
        return ()

    def expire(self) -> Outputs:
        """Take them without the store."""
        return self._wait_no_more(self._wait_until)

    def _wait_no_more(self, at: float) -> list[Output]:
        """Take what has waited, in its order."""
        waiting, self._waiting, self._wait_until = self._waiting, [], -math.inf
        return [output for received in waiting for output in self._receive(msgspec.structs.replace(received, at=at))]

    def _receive(self, received: Received) -> Outputs:
        topic = topics.parse(self._root, received.topic)
        if topic is None or topic.way != "down":
            return [Note("debug", f"nothing to do for a message on {received.topic}")]
        if received.retained:
            return [self._reject(received.at, None, "a retained order is refused: it would be obeyed again at every start")]
        if len(received.payload) > PAYLOAD_BYTES_MAX:
            return [self._reject(received.at, None, f"too large: {len(received.payload)} bytes, the limit is {PAYLOAD_BYTES_MAX}")]
        try:
            order = codec.unpack(received.payload)
        except codec.Malformed as e:
            return [self._reject(received.at, None, f"malformed: {e}")]
        return self._take(received.at, topic.what, order)

    def _take(self, at: float, kind: str, order: dict[str, Any]) -> Outputs:
        name, body = order.get("jti"), order.get("body")
        if not isinstance(name, str) or not 0 < len(name) <= ORDER_CHARS_MAX or order.get("kind") != kind or not isinstance(body, dict):
            wanted = f"jti of 1 to {ORDER_CHARS_MAX} characters, kind {kind!r} as in the topic, body a map"
            return [self._reject(at, name[:ORDER_CHARS_MAX] if isinstance(name, str) else None, f"malformed: expected {wanted}")]
        if name in self._answers:
            return [Reported(at, Lane.EVENT, self._answers[name])]
        if not self._allow_unsigned:
            reason = "unsigned: this unit takes signed orders only (orders.allow_unsigned_development is off)"
            return [self._answer(at, name, "rejected", reason)]
        if kind not in KINDS_DEVELOPMENT:
            return [self._answer(at, name, "rejected", f"kind {kind} is not known to this unit; known: {', '.join(KINDS_DEVELOPMENT)}")]
        try:
            msgspec.convert(order, DOWN[kind])
        except msgspec.ValidationError as e:
            return [self._answer(at, name, "rejected", f"malformed: {e}")]
        return [OrderGiven(at, name, kind, body)]

    def _reject(self, at: float, name: str | None, reason: str) -> Output:
        """What is no order is answered once for a flood of it, and not remembered: the latest of these answers wins."""
        return Reported(at, Lane.EVENT, AckRecord(order=name, label="rejected", reason=reason), slot="rejected")

    def _answer(self, at: float, name: str, label: str, reason: str | None, result: dict[str, Any] | None = None) -> Output:
        record = AckRecord(order=name, label=label, reason=reason, result=result)  # type: ignore[arg-type]  # labels of the contract
        self._answers[name] = record
        if len(self._answers) > SEEN_MAX:
            del self._answers[next(iter(self._answers))]
        return Reported(at, Lane.EVENT, record)
