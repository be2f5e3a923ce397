"""`agent.wire.codec`: every record survives the way out and in; whatever else comes raises Malformed and nothing else."""

import math
import struct
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.wire import codec
from agent.wire.codec import Malformed
from agent.wire.records import STATE, UP, FaultRecord, Health, Position, Record
from tests.wire import examples

RECORD_TYPES = [*UP.values(), *STATE.values()]
INT64 = st.integers(-(2**63), 2**63 - 1)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=5), st.binary(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=10,
)


def facts_of(type_: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    """Values that a field of the contract may have."""
    match type_:
        case msgspec.inspect.Metadata(type=inner):
            return facts_of(inner)
        case msgspec.inspect.UnionType(types=types):
            return st.one_of([facts_of(inner) for inner in types])
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.IntType(ge=ge):
            return INT64 if ge is None else st.integers(ge, 2**63 - 1)
        case msgspec.inspect.FloatType(ge=ge, gt=gt, le=le):
            return st.floats(gt if ge is None else ge, le, allow_nan=False, allow_infinity=False, exclude_min=gt is not None)
        case msgspec.inspect.StrType():
            return st.text(max_size=20)
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.ListType(item_type=item):
            return st.lists(facts_of(item), max_size=4)
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(facts_of(key), facts_of(value), max_size=4)
        case msgspec.inspect.StructType(cls=cls):
            return records(cls)
        case msgspec.inspect.AnyType():
            return st.one_of(st.integers(0, 100), st.text(max_size=5), st.none(), st.dictionaries(st.text(max_size=5), st.integers(0, 9)))
    raise AssertionError(f"no strategy for {type_}")


def records(cls: type) -> st.SearchStrategy[Any]:
    """Any record of that type, its kind as it should be."""
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    fields = {field.name: facts_of(field.type) for field in info.fields}
    if issubclass(cls, Record):
        fields["kind"] = st.just(cls.KIND)
    return st.fixed_dictionaries(fields).map(lambda facts: cls(**facts))


@pytest.mark.parametrize("cls", RECORD_TYPES, ids=lambda cls: str(cls.KIND))
@settings(max_examples=50)
@given(data=st.data())
def test_every_record_survives_the_way_out_and_in_and_absent_facts_take_no_room(cls: type[Record], data: st.DataObject) -> None:
    record = data.draw(records(cls))
    payload = codec.encode(record)
    assert codec.decode(payload) == record
    facts = codec.unpack(payload)
    assert None not in facts.values()
    assert None not in (facts.get("pos") or {}).values()


def test_the_first_millisecond_of_a_machine_is_not_left_out() -> None:
    assert codec.unpack(codec.encode(Position(v=1, unit="a", kind="position", boot="0" * 16, seq=1)))["mono"] == 0


def test_a_string_that_is_no_utf_8_is_mended_and_not_fatal() -> None:
    """Python hands the undecodable bytes of a file name on as surrogates; a fault's detail may quote one."""
    record = FaultRecord(kind="fault", code="store.down", state="raised", detail="/mnt/\udcff: gone")
    assert codec.unpack(codec.encode(record))["detail"] == "/mnt/?: gone"


@given(st.sampled_from(sorted(examples.RECORDS)), st.dictionaries(st.text(min_size=8, max_size=12), ANYTHING, max_size=3))
def test_what_a_later_version_adds_is_passed_over(name: str, more: dict[str, Any]) -> None:
    finite = msgpack.packb(more)
    try:
        codec.unpack(finite)
    except Malformed:
        return
    facts = codec.unpack(examples.payload(name))
    assert codec.decode(msgpack.packb(facts | {key: value for key, value in more.items() if key not in facts})) == examples.RECORDS[name]


# --- malformed ----------------------------------------------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    """A record whose fact `x` is that many lists within each other, the record being one more."""
    return b"\x82\xa4kind\xa4nope\xa1x" + b"\x91" * (depth - 2) + b"\x90"


MALFORMED = {
    "nothing": (b"", "not msgpack"),
    "a byte that msgpack never uses": (b"\xc1", "not msgpack"),
    "text": (b"hello, unit", "not msgpack"),
    "a cut record": (examples.payload("position")[:-3], "not msgpack"),
    "a record and a half": (examples.payload("position") * 2, "not msgpack"),
    "a list": (b"\x90", "expected a map"),
    "nil": (b"\xc0", "expected a map"),
    "numbers as keys": (b"\x81\x01\x01", "not msgpack"),
    "binary as keys": (msgpack.packb({b"kind": 1}), "string keys"),
    "binary as keys further down": (msgpack.packb({"kind": "health", "link": {b"a": 1}}), "string keys"),
    "no UTF-8": (b"\x81\xa1\xff\x01", "not msgpack"),
    "a map that claims four thousand million items": (b"\xdf\xff\xff\xff\xff", "not msgpack"),
    "a list that claims as many": (b"\x81\xa1a\xdd\xff\xff\xff\xff", "not msgpack"),
    "a string that claims as many bytes": (b"\x81\xa1a\xdb\xff\xff\xff\xff", "not msgpack"),
    "a binary that claims as many": (b"\x81\xa1a\xc6\xff\xff\xff\xff", "not msgpack"),
    "an extension that claims as many": (b"\x81\xa1a\xc9\xff\xff\xff\xff\x05", "not msgpack"),
    "an extension": (msgpack.packb({"kind": "position", "x": msgpack.ExtType(5, b"a")}), "not msgpack"),
    "an empty extension": (b"\x81\xa1a\xc7\x00\x05", "extension"),
    "a timestamp of msgpack": (msgpack.packb({"kind": "position", "time": msgpack.Timestamp(5)}), "not msgpack"),
    "not a number": (b"\x81\xa1a\xcb" + struct.pack(">d", math.nan), "not finite"),
    "infinity in a list": (b"\x81\xa1a\x91\xcb" + struct.pack(">d", -math.inf), "not finite"),
    "short infinity": (b"\x81\xa1a\xca" + struct.pack(">f", math.inf), "not finite"),
    "17 deep": (nested(17), "16 deep"),
    "1000 deep": (nested(1000), "16 deep"),
    "100000 deep": (nested(100_000), "not msgpack"),
    "larger than a record may be": (msgpack.packb({"x": "a" * codec.BYTES_MAX}), "bytes, more than"),
}


@pytest.mark.parametrize("what", list(MALFORMED))
def test_what_is_no_map_of_ours_is_malformed_and_says_why(what: str) -> None:
    payload, says = MALFORMED[what]
    for read in (codec.unpack, codec.decode, codec.amend):
        with pytest.raises(Malformed, match=says):
            read(payload)


def test_as_deep_as_is_allowed_is_read() -> None:
    assert codec.unpack(nested(16))["kind"] == "nope"


BASE = codec.unpack(examples.payload("position"))


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        ({"kind": None}, "unknown kind None"),
        ({"kind": ["position"]}, "unknown kind"),
        ({"kind": "positions"}, "known are ack, alarm"),
        ({"kind": "x" * 100_000}, "unknown kind"),
        ({"unit": 7}, "unit"),
        ({"seq": -1}, "seq"),
        ({"seq": 1.5}, "seq"),
        ({"seq": "1"}, "seq"),
        ({"mono": None}, "mono"),
        ({"time": 1.5}, "time"),
        ({"hist": False}, "hist"),
        ({"clock": {"src": "sundial"}}, "clock"),
        ({"pos": BASE["pos"] | {"lat": 90.1}}, "lat"),
        ({"pos": BASE["pos"] | {"lon": -180.1}}, "lon"),
        ({"pos": BASE["pos"] | {"mode": "good"}}, "mode"),
        ({"pos": {"lat": 1.0}}, "pos"),
        ({"pos": [1, 2]}, "pos"),
        ({"ign": "yes"}, "ign"),
    ],
)
def test_a_fact_of_the_wrong_type_or_out_of_range_is_malformed(fact: dict[str, Any], says: str) -> None:
    with pytest.raises(Malformed, match=says) as raised:
        codec.decode(msgpack.packb(BASE | fact))
    assert len(str(raised.value)) < 300, "a message of ours does not repeat what a stranger sent"


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_malformed(payload: bytes) -> None:
    for read in (codec.unpack, codec.decode, codec.amend):
        try:
            read(payload)
        except Malformed:
            pass


@given(st.sampled_from(sorted(examples.RECORDS)), st.data())
def test_no_damaged_record_raises_anything_but_malformed(name: str, data: st.DataObject) -> None:
    payload = bytearray(examples.payload(name))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    for read in (codec.unpack, codec.decode, codec.amend):
        try:
            read(bytes(payload))
        except Malformed:
            pass


@given(st.sampled_from(sorted(UP | STATE)), st.sampled_from([*Health.__struct_fields__, "pos", "cols", "absent", "n"]), ANYTHING)
def test_no_wrong_fact_raises_anything_but_malformed(kind: str, key: str, value: Any) -> None:
    payload = msgpack.packb(BASE | {"kind": kind, key: value})
    try:
        codec.decode(payload)
    except Malformed:
        pass


# --- amend --------------------------------------------------------------------------------------------------------------------------


def test_amending_sets_and_replaces_facts_and_keeps_the_others_and_their_order() -> None:
    payload = examples.payload("track_mono")
    amended = codec.amend(payload, time=5, clock={"src": "gnss", "err_ms": 500}, hist=True)
    assert codec.unpack(amended) == codec.unpack(payload) | {"time": 5, "clock": {"src": "gnss", "err_ms": 500}, "hist": True}
    assert [key for key in codec.unpack(amended) if key != "time"] == list(codec.unpack(payload))


@given(st.sampled_from(sorted(examples.RECORDS)))
def test_amending_nothing_changes_nothing(name: str) -> None:
    assert codec.amend(examples.payload(name)) == examples.payload(name)


def test_amending_keeps_what_a_later_version_has_added() -> None:
    payload = msgpack.packb(BASE | {"later": {"a": [1, None]}})
    assert codec.unpack(codec.amend(payload, hist=True))["later"] == {"a": [1, None]}
