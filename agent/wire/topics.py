"""Topics: names in, topic strings out, and back. Source: the contract's table of topics (docs/asyncapi.yaml)."""

import re
from typing import NamedTuple

ROOT_DEFAULT = "outpost/v1"
NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""A unit or a group: goes into a topic, so it holds no wildcard, no separator and nothing personal."""

KIND = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""One word of what follows up/, state/, down/ and desired/: `alarm`, `alarm.ack`, `plan`."""

ROOT = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")

WAYS = {"u": ("up", "state", "down", "desired"), "g": ("down", "desired")}
"""What there is below a unit and below a group."""


class Parsed(NamedTuple):
    """A topic taken apart. `scope`: u or g; `who`: unit or group; `way`: up, down, state or desired; `what`: kind or name."""

    scope: str
    who: str
    way: str
    what: str


def up(root: str, unit: str, kind: str) -> str:
    """Where a unit says what happened."""
    return f"{root}/u/{unit}/up/{kind}"


def state(root: str, unit: str, name: str) -> str:
    """Where a unit keeps what is so now (retained)."""
    return f"{root}/u/{unit}/state/{name}"


def down(root: str, unit: str, kind: str) -> str:
    """Where the centre gives an order to one unit (never retained)."""
    return f"{root}/u/{unit}/down/{kind}"


def group_down(root: str, group: str, kind: str) -> str:
    """Where the centre gives an order to a group (never retained)."""
    return f"{root}/g/{group}/down/{kind}"


def subscriptions(root: str, unit: str, groups: tuple[str, ...] = ()) -> tuple[str, ...]:
    """All that a unit reads: its own orders and desired state, and its groups'."""
    own = (f"{root}/u/{unit}/down/+", f"{root}/u/{unit}/desired/#")
    return own + tuple(f"{root}/g/{group}/{way}" for group in groups for way in ("down/+", "desired/#"))


def parse(root: str, topic: str) -> Parsed | None:
    """Take a topic apart; None when it is not one of ours. Only `desired/` has names of several words, as in `desired/plan/blob`."""
    if not topic.startswith(root + "/"):
        return None
    words = topic[len(root) + 1 :].split("/")
    if len(words) < 4:
        return None
    scope, who, way, *what = words
    if way not in WAYS.get(scope, ()) or not NAME.fullmatch(who) or (len(what) > 1 and way != "desired"):
        return None
    return Parsed(scope, who, way, "/".join(what)) if all(KIND.fullmatch(word) for word in what) else None
