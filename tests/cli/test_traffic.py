"""`agent.cli.traffic.line`: any message becomes one line of JSON."""

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli import traffic
from agent.wire import codec, track
from agent.wire.records import Alarm, Track
from agent.wire.track import TrackFix

UP = "outpost/v1/u/JD-0417/up/"
HEADER: dict[str, Any] = {"v": 1, "unit": "JD-0417", "boot": "0123456789abcdef", "seq": 7, "mono": 1000}


def shown(payload: bytes, topic: str = UP + "event", *, raw: bool = False) -> Any:
    line = traffic.line("outpost/v1", topic, payload, retained=False, at="2026-01-01T00:00:00.000Z", raw=raw)
    assert b"\n" not in line
    return json.loads(line)


def test_a_record_is_shown_with_all_that_it_says() -> None:
    alarm = Alarm(**HEADER, kind="alarm", id="x-1", cause="panic", source="panic_driver", mode="overt", state="raised", n=1)
    found = shown(codec.encode(alarm))
    assert found == {
        "topic": UP + "event",
        "at": "2026-01-01T00:00:00.000Z",
        "retained": False,
        "record": HEADER
        | {"kind": "alarm", "id": "x-1", "cause": "panic", "source": "panic_driver", "mode": "overt", "state": "raised", "n": 1},
    }


def test_what_a_later_version_adds_is_shown_too() -> None:
    assert shown(msgpack.packb(HEADER | {"kind": "fault", "code": "x", "state": "raised", "later": [1]}))["record"]["later"] == [1]


def test_a_track_is_shown_as_its_fixes_in_place_of_columns() -> None:
    fixes = [TrackFix(1000, 39.9, 116.4, spd=1.5, mode=2), TrackFix(2000, 39.9001, None, mode=9)]
    body = track.pack(fixes, "utc")
    found = shown(codec.encode(Track(**HEADER, kind="track", n=body.n, t_is=body.t_is, cols=body.cols, absent=body.absent)))
    assert found["fixes"] == [{"t": 1000, "lat": 39.9, "lon": 116.4, "spd": 1.5, "mode": "3d"}, {"t": 2000, "lat": 39.9001, "mode": 9}]
    assert found["record"] == HEADER | {"kind": "track", "n": 2, "t_is": "utc"}


@pytest.mark.parametrize(
    "body",
    [
        {"n": 10**15, "cols": {"t": [0, 1]}},
        {"n": 2, "cols": {}},
        {"n": 2, "cols": {"t": [1, 5]}},
        {"n": 2, "cols": {"t": [3, 5, 6]}},
        {"n": 2, "cols": {"t": []}},
        {"n": 1, "cols": {"t": [0, 1], "lat": [0, 1]}, "absent": {"lat": [0, 10**15]}},
        {"n": 1, "cols": {"t": [0, 1], "lat": [0, 1]}, "absent": {"lat": [0]}},
        {"n": 2, "cols": {"t": [0, 1], "lat": [0, 1]}, "absent": {"lat": [0, -1]}},
    ],
)
def test_a_track_whose_columns_cannot_be_is_an_error(body: dict[str, Any]) -> None:
    payload = msgpack.packb(HEADER | {"kind": "track", "t_is": "utc"} | body)
    found = shown(payload)
    assert found["error"].startswith("track: ")
    assert found["hex"] == payload.hex()


@pytest.mark.parametrize(
    "payload", [b"\xc1", b"hello", msgpack.packb([1]), msgpack.packb({"kind": "nope"}), msgpack.packb({"kind": "event", "what": 5})]
)
def test_what_is_no_record_is_shown_with_the_reason_and_in_hex(payload: bytes) -> None:
    found = shown(payload)
    assert found["error"]
    assert (found["bytes"], found["hex"]) == (len(payload), payload.hex())


def test_a_large_unreadable_payload_is_shown_in_part() -> None:
    found = shown(b"\xc1" * 100_000)
    assert found["bytes"] == 100_000
    assert len(found["hex"]) == 2 * traffic.HEX_BYTES_MAX


def test_the_empty_payload_that_clears_a_retained_message_is_no_error() -> None:
    assert shown(b"", "outpost/v1/u/JD-0417/state/io") == {
        "topic": "outpost/v1/u/JD-0417/state/io",
        "at": "2026-01-01T00:00:00.000Z",
        "retained": False,
        "record": None,
    }


def test_orders_are_shown_as_the_text_or_map_that_they_are_and_blobs_in_hex() -> None:
    down = "outpost/v1/u/JD-0417/down/light.set"
    assert shown(b"eyJhbGciOiJFZERTQSJ9.e30.c2ln", down)["text"] == "eyJhbGciOiJFZERTQSJ9.e30.c2ln"
    assert shown(msgpack.packb({"kind": "light.set"}), down)["record"] == {"kind": "light.set"}
    assert shown(b"\x78\x9c\xff", "outpost/v1/u/JD-0417/desired/plan/blob")["hex"] == "789cff"


def test_raw_shows_only_hex() -> None:
    assert shown(b"\x80", raw=True).keys() == {"topic", "at", "retained", "bytes", "hex"}


def test_what_json_cannot_say_is_still_a_line() -> None:
    health = HEADER | {"kind": "health", "version": "1", "uptime_s": 1, "faults": [], "backlog": {}, "store": "open", "gnss": {}}
    odd = {"nan": float("nan"), "ext": msgpack.ExtType(5, b"x"), "when": msgpack.Timestamp(0), "keys": {b"\xff": 1}}
    assert shown(msgpack.packb(health | {"link": {"bytes": b"\xff"}}))["record"]["link"]["bytes"] == "/w=="
    for key, value in odd.items():
        assert shown(msgpack.packb(health | {"link": {key: value}}))["error"]


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=5), st.binary(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.text(max_size=3), st.binary(max_size=3)), inner, max_size=3)
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(["track", "alarm", "health", "position", "nope"])


@given(
    st.one_of(st.binary(max_size=60), st.dictionaries(st.sampled_from(["n", "cols", "absent", "t_is", "link", "pos", "id"]), ANYTHING)),
    KINDS,
)
def test_no_payload_whatever_keeps_a_line_from_coming(payload: bytes | dict[str, Any], kind: str) -> None:
    packed = payload if isinstance(payload, bytes) else msgpack.packb(payload | {"kind": kind})
    assert shown(packed).keys() & {"record", "error"}


COLUMNS = st.dictionaries(st.sampled_from(["t", "lat", "mode", "odd"]), st.lists(st.integers(-3, 2**40), max_size=6))


@given(st.integers(1, 2**50), COLUMNS, st.one_of(st.none(), COLUMNS))
def test_no_track_whatever_keeps_a_line_from_coming(n: int, cols: dict[str, list[int]], absent: dict[str, list[int]] | None) -> None:
    packed = msgpack.packb(HEADER | {"kind": "track", "t_is": "mono", "n": n, "cols": cols, "absent": absent})
    assert shown(packed).keys() & {"fixes", "error"}
