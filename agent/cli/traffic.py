"""One MQTT message goes in; what it says, as one line of JSON, comes out. What cannot be read is shown as it is, with the reason."""

from typing import Any

import msgspec

from agent.wire import codec, topics, track
from agent.wire.records import Track

FIXES_MAX = codec.DEPTH_ITEMS_MAX
"""A batch that claims more fixes than a column can hold is not ours; a column of one value for all could claim any number."""

HEX_BYTES_MAX = 4096
"""Of a payload that cannot be read this much is shown."""


def line(root: str, topic: str, payload: bytes, *, retained: bool, at: str, raw: bool = False) -> bytes:
    """One line without its end: `topic`, `at` (when it arrived here, ISO 8601 UTC), `retained`, and what the payload says.

    That is `record` for an uplink record, `fixes` besides in place of a track's columns, `text` for a token or other text on the way
    down, nothing for the empty payload that clears a retained message, else `error`, `bytes` (length) and `hex`; with `raw` only these two.
    """
    shown: dict[str, Any] = {"topic": topic, "at": at, "retained": retained}
    shown |= {"bytes": len(payload), "hex": payload[:HEX_BYTES_MAX].hex()} if raw else _said(root, topic, payload)
    try:
        return msgspec.json.encode(shown, enc_hook=str)
    except (TypeError, ValueError, RecursionError, UnicodeError) as e:  # what msgpack can say and JSON cannot
        return msgspec.json.encode({"topic": topic, "at": at, "retained": retained} | _unread(payload, f"cannot be shown as JSON: {e}"))


def _said(root: str, topic: str, payload: bytes) -> dict[str, Any]:
    if not payload:
        return {"record": None}
    parsed = topics.parse(root, topic)
    if parsed is not None and parsed.way in ("down", "desired"):
        return _order(payload)
    try:
        found = codec.unpack(payload)
        record = codec.decode(payload)
        fixes = _fixes(record) if isinstance(record, Track) else None
    except codec.Malformed as e:
        return _unread(payload, str(e))
    if fixes is None:
        return {"record": found}
    return {"record": {key: value for key, value in found.items() if key not in ("cols", "absent")}, "fixes": fixes}


def _order(payload: bytes) -> dict[str, Any]:
    """A message to a unit: a token is text, an unsigned order of the developer's a map."""
    try:
        return {"text": payload.decode()}
    except UnicodeDecodeError:
        pass
    try:
        return {"record": codec.unpack(payload)}
    except codec.Malformed:
        return {"bytes": len(payload), "hex": payload[:HEX_BYTES_MAX].hex()}  # a blob: no mistake


def _fixes(record: Track) -> list[dict[str, Any]]:
    """The fixes of a track, absent facts left out, `mode` by its name.

    Raises:
        Malformed: the columns do not fit together.
    """
    runs = [count for column in (record.absent or {}).values() for count in column]
    if record.n > FIXES_MAX or any(not 0 <= count <= record.n for count in runs):
        raise codec.Malformed(f"track: {record.n} fixes, absent runs {runs[:6]}: these cannot be")
    try:
        fixes = track.unpack(record)
    except (ValueError, LookupError) as e:
        raise codec.Malformed(f"track: {e!r}") from e
    return [_fix(fix) for fix in fixes]


def _fix(fix: track.TrackFix) -> dict[str, Any]:
    shown = {name: value for name, value in fix._asdict().items() if value is not None}
    if fix.mode is not None and 0 <= fix.mode < len(track.MODES):
        shown["mode"] = track.MODES[fix.mode]
    return shown


def _unread(payload: bytes, why: str) -> dict[str, Any]:
    return {"error": why, "bytes": len(payload), "hex": payload[:HEX_BYTES_MAX].hex()}
