"""The whole unit: history that the centre asks for."""

import msgspec

from agent.config import Orders
from agent.core.effects import Keep, Publish, Recall, Store
from agent.core.events import Acked, Lane, Received, Started
from tests.core.builders import BOOT, ROOT, config, feed, link_up, of, record, spool_opened, timed_fix, unit


def test_what_was_just_delivered_is_written_before_history_is_read_for_the_centre() -> None:
    made = unit(config(orders=Orders(allow_unsigned_development=True)))
    feed(made, Started(0.0), spool_opened(0.1), link_up(0.2))
    at, track = 1.0, None
    while track is None:
        at += 1.0
        track = next((out for out in of(Publish, feed(made, timed_fix(at))) if out.topic.endswith("up/track")), None)
    assert of(Store, feed(made, Acked(at + 0.1, track.token))) == []
    number = record(track).seq
    payload = msgspec.msgpack.encode({"jti": "o-9", "kind": "resend", "body": {"ranges": [[BOOT, number, number]]}})
    effects = feed(made, Received(at + 0.2, f"{ROOT}/u/car-1/down/resend", payload, False))
    asked = [out for out in effects if isinstance(out, Store | Keep | Recall)]
    assert [type(out) for out in asked if not (isinstance(out, Store) and out.lane is Lane.EVENT)] == [Store, Keep, Recall]
