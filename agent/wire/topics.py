"""Topics: names in, topic strings out, and back. Source: the contract's table of topics (docs/asyncapi.yaml)."""

import re
from typing import NamedTuple

ROOT_DEFAULT = "outpost/v1"
NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""A unit or a group: goes into a topic, so it holds no wildcard, no separator and nothing personal."""

ROOT = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


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


def subscriptions(root: str, unit: str, groups: tuple[str, ...] = ()) -> tuple[str, ...]:
    """All that a unit reads: its own orders and desired state, and its groups'."""
    own = (f"{root}/u/{unit}/down/+", f"{root}/u/{unit}/desired/#")
    return own + tuple(f"{root}/g/{group}/{way}" for group in groups for way in ("down/+", "desired/#"))


def parse(root: str, topic: str) -> Parsed | None:
    """Take a topic apart; None when it is not one of ours."""
    if not topic.startswith(root + "/"):
        return None
    parts = topic[len(root) + 1 :].split("/")
    if len(parts) < 4 or parts[0] not in ("u", "g") or parts[2] not in ("up", "down", "state", "desired") or not NAME.fullmatch(parts[1]):
        return None
    return Parsed(parts[0], parts[1], parts[2], "/".join(parts[3:]))
