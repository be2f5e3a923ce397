"""Orders: messages from the centre go in; verified orders for the parts, and the answers for the centre, come out.

First form: signed orders are not verified yet and so are refused; the plain `alarm.ack`, `alarm.clear` of a development bench
and `resend` are taken only when the config says so in so many words.
"""

from typing import Any

from agent.core.effects import Note
from agent.core.events import Event, Lane, OrderAnswered, OrderGiven, Received, Reported
from agent.core.part import Output, Outputs, Part
from agent.wire import codec, topics
from agent.wire.records import AckRecord

PAYLOAD_BYTES_MAX = 16_384
"""An order is a few hundred bytes; anything larger is refused before it is looked at."""

ORDER_CHARS_MAX = 36
"""`jti` of the contract."""

KINDS_DEVELOPMENT = ("alarm.ack", "alarm.clear", "resend")
"""All that can be ordered without a signature, and only on a bench."""

SEEN_MAX = 256
"""Orders remembered so that a repeat gets the stored answer and is not carried out twice."""


class Orders(Part):
    """What the centre wants."""

    name = "orders"
    listens = (Received, OrderAnswered)

    def __init__(self, root: str, allow_unsigned: bool) -> None:
        self._root = root
        self._allow_unsigned = allow_unsigned
        self._answers: dict[str, AckRecord] = {}

    def handle(self, event: Event) -> Outputs:
        """Take a message from the centre, or what became of an order."""
        match event:
            case Received():
                return self._receive(event)
            case OrderAnswered(order=order):
                return [self._answer(event.at, order, event.label, event.reason, event.result)]
        return ()

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
