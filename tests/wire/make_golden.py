"""Writes the golden files anew: `python -m tests.wire.make_golden`. On purpose only: they are what integrators rely on.

For each example `NAME.msgpack`, the bytes, and `NAME.json`, the facts in them; for a track `NAME.fixes.json` besides, the decoded fixes.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgpack

from agent.wire import guide
from tests.wire import examples

GOLDEN = Path(__file__).parent.parent / "golden"


def decoded(record: dict[str, Any]) -> Any:
    """The fixes of a track by the published dozen lines."""
    room: dict[str, Any] = {}
    exec(guide.DECODER, room)  # noqa: S102  our own text
    return room["fixes"](record)


def files() -> dict[str, bytes]:
    """All golden files as they should be, by name."""
    made: dict[str, bytes] = {}
    for name in (*examples.RECORDS, *examples.ORDERS):
        payload = examples.payload(name)
        facts = msgpack.unpackb(payload)
        made[f"{name}.msgpack"] = payload
        made[f"{name}.json"] = _text(facts)
        if facts["kind"] == "track":
            made[f"{name}.fixes.json"] = _text(decoded(facts))
    return made


def _text(facts: Any) -> bytes:
    """One fact, one line, so that a change shows in a review."""
    if isinstance(facts, list):
        return ("[\n" + ",\n".join(f"  {json.dumps(item)}" for item in facts) + "\n]\n").encode()
    return ("{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items()) + "\n}\n").encode()


def main() -> int:
    """Write what differs, and remove what is not an example any more; says which."""
    GOLDEN.mkdir(exist_ok=True)
    wanted = files()
    for path in GOLDEN.iterdir():
        if path.is_file() and path.name not in wanted:
            path.unlink()
            sys.stdout.write(f"removed {path.name}\n")
    for name, content in wanted.items():
        path = GOLDEN / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            sys.stdout.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
