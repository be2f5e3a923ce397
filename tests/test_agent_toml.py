"""`firmware_config/agent.toml` and `agent.config` say the same: every key, what it takes, and its default."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from agent import config_file
from agent import config_words as words
from agent.cli import check
from agent.config import Config

REFERENCE = Path(__file__).parent.parent / "firmware_config" / "agent.toml"
HEADER = re.compile(r"#?\[+(?P<section>\w+)\]+")
KEY = re.compile(r"(?P<off># ?)?(?P<key>[a-z]\w*) = (?P<value>\S.*?)\s+# (?P<says>.*)")
MORE = re.compile(r"\s{8,}# (?P<says>.*)")
OFF = re.compile(r"#(?=[a-z\[])")

BOARD = ("kind", "board", "without")
"""A board, that of a kind too, would lie below, and its wires are not the reference's: `tests/test_boards.py` has them in force."""


class Told(NamedTuple):
    """A key as the reference tells it. `off`: commented out, so at its default."""

    section: str
    key: str
    value: str
    says: str
    off: bool


class Known(NamedTuple):
    """A key as the types have it."""

    section: str
    key: str
    kind: Any
    default: Any


def told() -> list[Told]:
    """Every key of the reference that has a word beside it."""
    section, found = "", []
    for line in REFERENCE.read_text().splitlines():
        if header := HEADER.fullmatch(line):
            section = header["section"]
        elif key := KEY.fullmatch(line):
            found.append(Told(section, key["key"], key["value"], key["says"], bool(key["off"])))
        elif more := MORE.fullmatch(line):
            found[-1] = found[-1]._replace(says=f"{found[-1].says} {more['says']}")
    return found


def known() -> Iterator[Known]:
    """Every key of the config."""
    for section in msgspec.structs.fields(Config):
        for key in msgspec.structs.fields(words.item_of(section.type) or section.type):
            yield Known(section.encode_name, key.encode_name, key.type, key.default)


def uncommented() -> str:
    """The reference with every key and table that is commented out put in force, but for the board."""
    lines = REFERENCE.read_text().splitlines()
    return "\n".join(line if line.startswith(tuple(f"#{key}" for key in BOARD)) else OFF.sub("", line, count=1) for line in lines)


@pytest.mark.parametrize("key", list(known()), ids=lambda key: f"{key.section}.{key.key}")
def test_every_key_is_in_the_reference_with_what_it_takes_and_its_default(key: Known) -> None:
    entries = [entry for entry in told() if (entry.section, entry.key) == (key.section, key.key)]
    assert entries, "not in the reference"
    entry = entries[0]
    assert entry.says.startswith(words.expected(key.kind, key.key))
    if key.default is msgspec.NODEFAULT:
        assert not entry.off
        assert entry.says.endswith("; required")
    elif key.default is None:
        assert entry.says.endswith("; default: none")
    elif entry.off:
        assert msgspec.convert(tomllib.loads(f"value = {entry.value}")["value"], key.kind) == key.default
    else:
        assert entry.says.endswith(f"; default {words.toml(key.default)}")


def test_every_key_in_the_reference_is_one_of_the_config() -> None:
    assert {(entry.section, entry.key) for entry in told() if entry.off} <= {(key.section, key.key) for key in known()}
    assert len(told()) >= len(list(known()))


def test_every_section_is_in_the_reference() -> None:
    assert {entry.section for entry in told()} == {field.encode_name for field in msgspec.structs.fields(Config)}


def test_the_reference_has_no_mistakes() -> None:
    assert config_file.read(REFERENCE).unit.kind == "patrol_car"


def test_the_reference_has_no_mistakes_with_every_key_in_force(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("ca.crt", "unit.crt", "unit.key", "password"):
        (keys / name).write_text("secret")
        (keys / name).chmod(0o600)
    (tmp_path / "agent.toml").write_text(uncommented())
    config = config_file.read(tmp_path / "agent.toml")
    assert config.mqtt.key == str(keys / "unit.key")
    assert config.report == Config(unit=config.unit, mqtt=config.mqtt).report
    assert {i.use.value for i in config.input} >= {"panic", "ignition", "light_hand", "light_sense", "recorder_alive"}


def test_the_wiring_of_the_reference_switches_nothing_on_at_boot_and_a_cut_wire_presses_nothing() -> None:
    assert list(check.notes(config_file.read(REFERENCE))) == []


def test_no_line_of_the_reference_is_longer_than_a_line_of_code() -> None:
    assert max(len(line) for line in REFERENCE.read_text().splitlines()) <= 140
