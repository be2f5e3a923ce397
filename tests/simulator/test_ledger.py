"""The centre's bookkeeping: what came, what came twice, what has not come."""

import msgpack
import pytest

from agent.wire import codec, topics
from agent.wire.records import BOOT_BEFORE, Alarm, EventRecord, Position, Presence, Record, Track
from agent.wire.track import TrackFix, pack
from simulator.ledger import Ledger
from simulator.orders import plain_order

BOOT = "0123456789abcdef"
ROOT = topics.ROOT_DEFAULT


def position(seq: int, unit: str = "car-1", boot: str = BOOT) -> Position:
    return Position(v=1, unit=unit, kind="position", boot=boot, seq=seq, mono=seq * 1000)


def said(ledger: Ledger, record: Record, at: float = 0.0) -> None:
    ledger.feed(topics.up(ROOT, record.unit, record.kind), codec.encode(record), at)


def test_arrivals_keep_their_order_and_their_times() -> None:
    ledger = Ledger()
    for seq, at in ((2, 10.0), (1, 11.0), (3, 12.5)):
        said(ledger, position(seq), at)
    assert [(a.number, a.at, a.record.seq) for a in ledger.arrivals() if a.record] == [(0, 10.0, 2), (1, 11.0, 1), (2, 12.5, 3)]
    assert [a.number for a in ledger.arrivals(since=2)] == [2]


def test_the_same_unit_boot_and_seq_is_the_same_record() -> None:
    ledger = Ledger()
    for record in (position(1), position(1), position(1, boot="f" * 16), position(1, unit="car-2"), position(1)):
        said(ledger, record)
    assert ledger.duplicates == 2
    assert [a.duplicate for a in ledger.arrivals()] == [False, True, False, False, True]
    assert len(ledger.records()) == 3
    assert len(ledger.records(unit="car-2")) == 1
    assert ledger.units() == ["car-1", "car-2"]


def test_a_hole_is_what_is_missing_below_the_highest_that_came() -> None:
    ledger = Ledger()
    for seq in (2, 3, 6, 9):
        said(ledger, position(seq))
    assert ledger.holes() == {("car-1", BOOT): [(1, 1), (4, 5), (7, 8)]}
    for seq in (8, 1, 4, 5, 7):
        said(ledger, position(seq))
    assert ledger.holes() == {}


def test_a_boot_of_which_nothing_came_is_wanted_once_the_next_one_has_named_it() -> None:
    ledger = Ledger()
    named = EventRecord(v=1, unit="car-1", kind="event", boot=BOOT, seq=1, what="agent", id=BOOT_BEFORE, detail="f" * 16)
    said(ledger, named)
    assert ledger.wanted("car-1") == [("f" * 16, 1, None), (BOOT, 2, None)]
    said(ledger, position(3, boot="f" * 16))
    assert ledger.wanted("car-1") == [("f" * 16, 1, 2), ("f" * 16, 4, None), (BOOT, 2, None)]


@pytest.mark.parametrize(
    ("topic", "payload", "why"),
    [
        (topics.up(ROOT, "car-1", "position"), b"\xc1garbage", "not msgpack"),
        (topics.up(ROOT, "car-1", "position"), msgpack.packb({"kind": "nonsense"}), "unknown kind"),
        (topics.up(ROOT, "car-2", "position"), codec.encode(position(1)), "the topic says car-2"),
        (topics.up(ROOT, "car-1", "alarm"), codec.encode(position(1)), "the topic says car-1, alarm"),
        (topics.up(ROOT, "car-1", "position"), codec.encode(position(0)), "seq 0"),
        (topics.down(ROOT, "car-1", "alarm.ack"), codec.encode(position(1)), "no topic"),
        ("elsewhere", codec.encode(position(1)), "no topic"),
    ],
)
def test_what_cannot_be_read_is_counted_and_kept(topic: str, payload: bytes, why: str) -> None:
    ledger = Ledger()
    arrival = ledger.feed(topic, payload, 1.0)
    assert arrival.record is None
    assert arrival.payload == payload
    assert why in str(arrival.trouble)
    assert ledger.malformed == 1
    assert ledger.records() == []
    said(ledger, position(1))
    assert ledger.duplicates == 0


def test_the_latest_state_wins_and_is_no_record_of_up() -> None:
    ledger = Ledger()
    for online in (False, True):
        record = Presence(v=1, unit="car-1", kind="presence", boot=BOOT, online=online)
        ledger.feed(topics.state(ROOT, "car-1", "presence"), codec.encode(record), 0.0)
    state = ledger.state("car-1", "presence")
    assert isinstance(state, Presence)
    assert state.online
    assert ledger.state("car-1", "health") is None
    assert ledger.records() == []
    assert ledger.units() == ["car-1"]


def track_of(seq: int, fixes: list[TrackFix]) -> Track:
    body = pack(fixes, "mono")
    return Track(v=1, unit="car-1", kind="track", boot=BOOT, seq=seq, n=body.n, t_is=body.t_is, cols=body.cols, absent=body.absent)


def test_fixes_of_all_tracks_come_by_their_time_and_once() -> None:
    fixes = [TrackFix(t=1000 * i, lat=30.0 + i / 1e4, lon=104.0, mode=2) for i in range(6)]
    ledger = Ledger()
    for seq, part in ((2, fixes[3:]), (1, fixes[:3]), (2, fixes[3:])):
        said(ledger, track_of(seq, part))
    assert ledger.fixes("car-1") == fixes
    assert ledger.fixes("car-1", boot="f" * 16) == []


@pytest.mark.parametrize("broken", [{"n": 3}, {"n": 1_000_000_000, "cols": {"t": [0, 5]}}, {"cols": {}}, {"absent": {"lat": [0]}}])
def test_a_track_whose_columns_do_not_fit_is_malformed(broken: dict[str, object]) -> None:
    ledger = Ledger()
    found = codec.unpack(codec.encode(track_of(1, [TrackFix(t=1, lat=1.0), TrackFix(t=2, lat=2.0)])))
    ledger.feed(topics.up(ROOT, "car-1", "track"), msgpack.packb(found | broken), 0.0)
    assert ledger.malformed == 1
    assert ledger.fixes("car-1") == []


def test_records_can_be_asked_for_by_kind() -> None:
    ledger = Ledger()
    said(ledger, position(1))
    alarm = Alarm(
        v=1, unit="car-1", kind="alarm", boot=BOOT, seq=2, id=f"{BOOT}-2", cause="panic", source="panic", mode="overt", state="raised", n=1
    )
    said(ledger, alarm)
    assert ledger.records("alarm") == [alarm]


def test_a_plain_order_is_one_msgpack_map() -> None:
    order = msgpack.unpackb(plain_order("alarm.ack", {"alarm": "a-1"}, "j", 1.5))
    assert order == {"jti": "j", "kind": "alarm.ack", "iat": 1.5, "body": {"alarm": "a-1"}}
