"""Bytes to typed records and back: one msgpack map each. What cannot be read raises `Malformed`, which says what was found.

On the wire are nil, booleans, integers, finite floats, UTF-8 strings, binary, lists, and maps with string keys (msgpack spec); no
extension types, timestamps included, no NaN, no infinity.
"""

import math
from typing import Any

import msgpack
import msgspec

from agent.wire.records import STATE, UP, Record

BYTES_MAX = 1_048_576
"""A record is a few hundred bytes, a track segment a few thousand; more than this is not ours."""

DEPTH_ITEMS_MAX = 100_000
"""Limit on items in one map or list, so that a hostile length field costs nothing."""

DEPTH_MAX = 16
"""Maps and lists within each other; ours have four. Deeper ones would exhaust the stack of whoever walks, copies or prints them."""

PLAIN = frozenset({int, str, bool, bytes, type(None)})
"""Types of values that need no second look."""

FOUND_CHARS_MAX = 60
"""Of a value that is not ours a message shows this much."""


class Malformed(ValueError):
    """The other side's mistake: these bytes are not a record of the contract."""


def encode(record: Record) -> bytes:
    """One record as a msgpack map; absent facts are left out, `mono` never. A string that is no UTF-8 (a file name) is mended with `?`."""
    facts = msgspec.to_builtins(record)
    facts.setdefault("mono", 0)  # the first millisecond of the machine is a fact like any other
    return bytes(msgpack.packb(facts, unicode_errors="replace"))


def _refuse_extension(code: int, _data: bytes) -> None:
    raise Malformed(f"extension type {code}")


def _check(found: dict[str, Any]) -> None:
    """Depth and numbers, one level after the other: recursion is what this must not need."""
    level: list[Any] = [found]
    for _ in range(DEPTH_MAX):
        deeper = []
        for container in level:
            values = container
            if isinstance(container, dict):
                values = container.values()
                for key in container:
                    if not isinstance(key, str):
                        raise Malformed(f"expected a map with string keys, found the key {_shown(key)}")
            if PLAIN.issuperset(map(type, values)):
                continue
            deeper += [value for value in values if isinstance(value, (dict, list))]
            if not all(math.isfinite(value) for value in values if isinstance(value, float)):
                raise Malformed("a number that is not finite; absent facts are left out")
        if not deeper:
            return
        level = deeper
    raise Malformed(f"maps and lists within each other more than {DEPTH_MAX} deep")


def unpack(payload: bytes) -> dict[str, Any]:
    """Bytes to a plain map, within limits.

    Raises:
        Malformed: too large, not msgpack, not a map, keys that are not strings, too deep, an extension type, or a number that is none.
    """
    if len(payload) > BYTES_MAX:
        raise Malformed(f"{len(payload)} bytes, more than the {BYTES_MAX} that a record may have")
    try:
        found = msgpack.unpackb(
            payload,
            raw=False,
            strict_map_key=True,
            max_map_len=DEPTH_ITEMS_MAX,
            max_array_len=DEPTH_ITEMS_MAX,
            max_str_len=BYTES_MAX,
            max_bin_len=BYTES_MAX,
            max_ext_len=0,
            ext_hook=_refuse_extension,
        )
    except Exception as e:  # msgpack raises a dozen types; all mean the same here: not ours
        raise Malformed(f"not msgpack: {type(e).__name__}: {e}") from e
    if not isinstance(found, dict):
        raise Malformed(f"expected a map with string keys, found {type(found).__name__}")
    _check(found)
    return found


class Header(msgspec.Struct, frozen=True):
    """What tells a record from others, of whatever type it was found; the rest is passed over unread."""

    kind: Any = None
    boot: Any = None
    mono: Any = 0
    time: Any = None
    hist: Any = None


_headers = msgspec.msgpack.Decoder(Header)


def header(payload: bytes) -> Header:
    """The header of a record that we wrote ourselves, in a tenth of the time that `unpack` takes for a track.

    Raises:
        Malformed: not msgpack, or not a map.
    """
    try:
        return _headers.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as e:
        raise Malformed(f"not a record: {e}") from e


def decode(payload: bytes) -> Record:
    """Bytes to the typed record that its `kind` names. Unknown keys are passed over, so that a later version can be read.

    Raises:
        Malformed: not msgpack, an unknown kind, or a fact of the wrong type or out of range.
    """
    return typed(unpack(payload))


def typed(found: dict[str, Any]) -> Record:
    """What `unpack` has found as the typed record that its `kind` names.

    Raises:
        Malformed: an unknown kind, or a fact of the wrong type or out of range.
    """
    kind = found.get("kind")
    record_type = UP.get(kind) or STATE.get(kind) if isinstance(kind, str) else None
    if record_type is None:
        raise Malformed(f"unknown kind {_shown(kind)}; known are {', '.join(sorted(UP | STATE))}")
    try:
        return msgspec.convert(found, record_type)
    except msgspec.ValidationError as e:
        raise Malformed(f"{kind}: {e}") from e


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= FOUND_CHARS_MAX else text[: FOUND_CHARS_MAX - 1] + "…"


def amend(payload: bytes, **facts: Any) -> bytes:
    """The same record with facts set or replaced: what became known after it was encoded. Keys that are not ours stay as they are.

    Raises:
        Malformed: the payload is not a map that `unpack` takes.
    """
    return bytes(msgpack.packb(unpack(payload) | facts, unicode_errors="replace"))
