"""Bytes to typed records and back: one msgpack map each. What cannot be read raises `Malformed`, which says what was found."""

from typing import Any

import msgpack
import msgspec

from agent.wire.records import STATE, UP, Record

BYTES_MAX = 1_048_576
"""A record is a few hundred bytes, a track segment a few thousand; more than this is not ours."""

DEPTH_ITEMS_MAX = 100_000
"""Limit on items in one map or list, so that a hostile length field costs nothing."""


class Malformed(ValueError):
    """The other side's mistake: these bytes are not a record of the contract."""


def encode(record: Record) -> bytes:
    """One record as a msgpack map; absent facts are left out."""
    return bytes(msgpack.packb(msgspec.to_builtins(record)))


def unpack(payload: bytes) -> dict[str, Any]:
    """Bytes to a plain map, within limits.

    Raises:
        Malformed: too large, not msgpack, not a map, or keys that are not strings.
    """
    if len(payload) > BYTES_MAX:
        raise Malformed(f"{len(payload)} bytes, more than the {BYTES_MAX} that a record may have")
    try:
        found = msgpack.unpackb(
            payload, raw=False, strict_map_key=True, max_map_len=DEPTH_ITEMS_MAX, max_array_len=DEPTH_ITEMS_MAX, max_str_len=BYTES_MAX
        )
    except Exception as e:  # msgpack raises a dozen types; all mean the same here: not ours
        raise Malformed(f"not msgpack: {type(e).__name__}: {e}") from e
    if not isinstance(found, dict) or not all(isinstance(k, str) for k in found):
        raise Malformed(f"expected a map with string keys, found {type(found).__name__}")
    return found


def decode(payload: bytes) -> Record:
    """Bytes to the typed record that its `kind` names. Unknown keys are passed over, so that a later version can be read.

    Raises:
        Malformed: not msgpack, an unknown kind, or a fact of the wrong type or out of range.
    """
    found = unpack(payload)
    kind = found.get("kind")
    record_type = UP.get(kind) or STATE.get(kind) if isinstance(kind, str) else None
    if record_type is None:
        raise Malformed(f"unknown kind {kind!r}; known are {', '.join(sorted(UP | STATE))}")
    try:
        return msgspec.convert(found, record_type)
    except msgspec.ValidationError as e:
        raise Malformed(f"{kind}: {e}") from e


def amend(payload: bytes, **facts: Any) -> bytes:
    """The same record with facts set or replaced: what became known after it was encoded."""
    return bytes(msgpack.packb(unpack(payload) | facts))
