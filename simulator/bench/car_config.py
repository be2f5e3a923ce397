"""The config file of a car at the desk: options and places in, the text of agent.toml out. Pure."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PANIC_PIN = 17
IGNITION_PIN = 22
LAMP_PIN = 25
HOLD_S = 0.5
"""The panic button's `hold_s`."""

BAR = (("red_1", "red", 23), ("blue_1", "blue", 24), ("red_2", "red", 16), ("blue_2", "blue", 26))
"""The light bar from left to right: id, colour, pin. The agent deals its patterns out in this order."""

UNSIGNED = "allow_unsigned_development"


class Options(NamedTuple):
    """What a car can be like. The intervals are shorter than a vehicle's, so that half a minute shows them; seconds all of them."""

    unit: str = "car-1"
    seed: int = 1
    rate_hz: int = 1
    receiver: str | None = None
    """A kind of receiver, a name of `receiver_profiles.PROFILES`; None: one that says what is true, in words of its own."""
    commit_interval_s: float = 2.0
    commit_interval_online_s: float = 5.0
    health_interval_s: float = 5.0
    keepalive_s: int = 5
    unsigned: bool = True
    outputs_keep: bool = False
    """Of the board, not of the file: whether outputs stay as they are when their process ends, as on a Raspberry Pi."""
    more: Mapping[str, Mapping[str, object]] = {}
    """Further keys by section, over those above."""


def text(options: Options, sockets: Path, directory: Path, endpoint: str) -> str:
    """The file. `sockets`: where the receiver's port and the local socket are; the store lies in `directory`."""
    sections: dict[str, dict[str, object]] = {
        "unit": {"id": options.unit, "name": "演示车"},
        "gnss": {"port": str(sockets / "gnss")},
        "report": {"health_interval_s": options.health_interval_s},
        "store": {
            "path": str(directory / "state"),
            "commit_interval_s": options.commit_interval_s,
            "commit_interval_online_s": options.commit_interval_online_s,
        },
        "mqtt": {"endpoints": [endpoint], "keepalive_s": options.keepalive_s},
        "orders": {UNSIGNED: options.unsigned},
        "socket": {"path": str(sockets / "agent.sock")},
    }
    for section, keys in options.more.items():
        sections.setdefault(section, {}).update(keys)
    wires: list[tuple[str, dict[str, object]]] = [
        ("input", {"id": "driver", "use": "panic", "pin": PANIC_PIN, "hold_s": HOLD_S}),
        ("input", {"id": "ignition", "use": "ignition", "pin": IGNITION_PIN, "release_s": 1.0}),
        *(("output", {"id": id_, "pin": pin}) for id_, _, pin in BAR),
        ("output", {"id": "panic_lamp", "use": "panic_lamp", "pin": LAMP_PIN}),
    ]
    lines = ["# A car at a desk, written by the simulator: never for a vehicle.  （桌面演示用，严禁装车）"]
    for section, keys in sections.items():
        if section == "orders" and keys.get(UNSIGNED):
            lines += ["", "# Whoever reaches the broker can acknowledge and clear alarms: off by default.  （接受未签名指令，默认关闭）"]
        lines += ["", f"[{section}]", *_keys(keys)]
    for wire, keys in wires:
        lines += ["", f"[[{wire}]]", *_keys(keys)]
    return "\n".join(lines) + "\n"


def _keys(keys: Mapping[str, object]) -> list[str]:
    """JSON's strings, numbers, true and false, and lists of them are TOML's, too."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
