"""A config file that is missing, empty, cut short or wrong, and what the unit then starts with."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from agent import config_file, config_kept, config_start
from agent.config import NO_BOARD, Config, Store
from agent.config_kept import NotKept
from agent.config_start import Start
from agent.config_text import ConfigErrors

TEXT = """\
[unit]
id = "car-7"

[mqtt]
endpoints = ["mqtt://broker.example:1883"]

[store]
path = "state"

[[input]]
id = "driver"
use = "panic"
pin = 17
"""


class Unit:
    """A config file that has run well once, and what is kept of it."""

    def __init__(self, directory: Path, text: str = TEXT) -> None:
        self.file = directory / "agent.toml"
        self.environ: dict[str, str] = {}
        self.state = directory / "state"
        self.state.mkdir()
        self.file.write_text(text)
        self.good = self.ran_well().config

    def ran_well(self) -> Start:
        start = config_start.read(self.file, self.environ)
        assert start.kept is not None
        where, tables = start.kept
        where.write_bytes(config_kept.encode(self.file, tables, "1.0"))
        return start

    def start(self) -> Start:
        return config_start.read(self.file, self.environ)

    def refusal(self) -> str:
        with pytest.raises(ConfigErrors) as told:
            self.start()
        return str(told.value)


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def without_its_board(config: Config) -> dict[str, Any]:
    """As plain tables, without what names the layers below: in what is kept they are in it."""
    tables: dict[str, Any] = json.loads(json.dumps(config, default=lambda o: o.value if hasattr(o, "value") else _fields(o)))
    del tables["unit"]["board"], tables["unit"]["without"]
    return tables


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def test_a_right_file_is_its_own_config(unit: Unit) -> None:
    start = unit.start()
    assert (start.refused, start.mistakes) == ("", "")
    assert start.kept is not None
    assert start.kept[0] == unit.state / config_kept.NAME


def test_a_file_that_is_gone_is_replaced_by_the_last_that_ran_well(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file cannot say where the store was: as a service it is where systemd says, else the usual place."""
    unit.file.unlink()
    monkeypatch.setattr(config_kept, "STORE_DEFAULT", str(unit.state))
    start = unit.start()
    assert without_its_board(start.config) == without_its_board(unit.good)
    assert start.config.input[0].pin == 17
    assert start.refused.startswith(f"{unit.file}: there is no such file")
    assert start.kept is None, "what was kept is kept on"
    monkeypatch.setattr(config_kept, "STORE_DEFAULT", "/nonexistent")
    assert "there is no such file" in unit.refusal()
    unit.environ["STATE_DIRECTORY"] = f"{unit.state}:/other"
    assert unit.start().config == start.config


def test_the_usual_place_is_that_of_the_store() -> None:
    assert Store().path == config_kept.STORE_DEFAULT


WRONG = [b"", b"\0" * 4096, TEXT.encode()[:60], b"[unit\n", b"\xff\xfe[unit]", TEXT.replace("pin = 17", "pin = 99").encode()]


@pytest.mark.parametrize("content", WRONG)
def test_a_file_that_is_wrong_in_any_way_is_replaced_too(unit: Unit, content: bytes) -> None:
    unit.environ["STATE_DIRECTORY"] = str(unit.state)
    unit.file.write_bytes(content)
    start = unit.start()
    assert without_its_board(start.config) == without_its_board(unit.good)
    assert str(unit.file) in start.refused
    assert str(unit.file) in start.mistakes


def test_a_file_cut_short_at_any_byte_leaves_the_button_or_is_a_right_config_of_this_unit(unit: Unit) -> None:
    """A half that is right in itself cannot be told from a whole: that is why a config is written beside and renamed."""
    unit.environ["STATE_DIRECTORY"] = str(unit.state)
    data, replaced, right = TEXT.encode(), 0, 0
    for length in range(len(data)):
        unit.file.write_bytes(data[:length])
        start = unit.start()
        assert start.config.unit.id == "car-7"
        if start.refused:
            replaced += 1
            assert [device.id for device in start.config.input] == ["driver"]
        else:
            right += 1
    assert (replaced, right) == (133, 10), "what is right in itself ends between two sections"


def test_the_first_mistake_is_named_and_the_others_are_counted(unit: Unit) -> None:
    unit.file.write_text(TEXT.replace("pin = 17", "pin = 99").replace("[mqtt]", "[mqttt]"))
    start = unit.start()
    assert start.refused.startswith(f"{unit.file}:4: mqttt: unknown section; did you mean `mqtt`?")
    assert start.refused.endswith("(and 2 more)")
    assert len(start.mistakes.splitlines()) == 3


def test_without_a_last_config_the_mistakes_are_all_there_is(unit: Unit) -> None:
    (unit.state / config_kept.NAME).unlink()
    unit.file.write_text(TEXT.replace("pin = 17", "pin = 99"))
    with pytest.raises(ConfigErrors) as told:
        unit.start()
    assert len(told.value.errors) == 1


def test_what_lay_below_then_is_in_force_though_it_is_gone(tmp_path: Path) -> None:
    """The board and the profile are in what is kept; their files may be broken, too."""
    profiles = Path(config_file.__file__).parents[1] / "firmware_config"
    board = next((profiles / "boards").glob("*.toml"))
    shutil.copy(board, tmp_path / "board.toml")
    (tmp_path / "kind.toml").write_text('name = "x"\nname_zh = "x"\nboard = "board.toml"\n[report]\ninterval_s = 7.0\n')
    unit = Unit(tmp_path, '[unit]\nid = "car-7"\nkind = "./kind.toml"\n[mqtt]\nendpoints = ["mqtt://b"]\n[store]\npath = "state"\n')
    assert unit.good.input, "of the board"
    assert unit.good.report.interval_s == 7.0
    for name in ("board.toml", "kind.toml"):
        (tmp_path / name).unlink()
    start = unit.start()
    assert start.refused
    assert without_its_board(start.config) == without_its_board(unit.good)
    assert start.config.unit.board == NO_BOARD


def test_every_kind_of_unit_with_its_board_can_be_kept_and_had_again(tmp_path: Path) -> None:
    kinds = sorted((Path(config_file.__file__).parents[1] / "firmware_config/profiles").glob("*.toml"))
    assert len(kinds) > 5
    for kind in kinds:
        here = tmp_path / kind.stem
        here.mkdir()
        unit = Unit(here, f'[unit]\nid = "u"\nkind = "{kind.stem}"\n[mqtt]\nendpoints = ["mqtt://b"]\n[store]\npath = "state"\n')
        unit.file.write_text('[store]\npath = "state"\n')
        assert without_its_board(unit.start().config) == without_its_board(unit.good), kind.stem


def test_a_key_that_is_gone_or_open_to_others_does_not_cost_the_button(tmp_path: Path) -> None:
    """The link waits for it: whoever uses a secret looks at who may read it."""
    for name in ("ca.pem", "unit.pem", "unit.key"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    lines = 'ca = "ca.pem"\ncert = "unit.pem"\nkey = "unit.key"\n'
    unit = Unit(tmp_path, TEXT.replace("[store]", f"{lines}[store]"))
    (tmp_path / "unit.key").chmod(0o644)
    start = unit.start()
    assert "others than its owner have access" in start.refused
    assert start.config.mqtt.key == unit.good.mqtt.key == str(tmp_path / "unit.key")
    (tmp_path / "unit.key").unlink()
    assert "there is no file" in unit.start().refused


def test_a_time_zone_or_a_kind_of_receiver_that_is_gone_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\n')
    unit = Unit(tmp_path, TEXT.replace("[mqtt]", '[gnss]\nreceiver = "./mine.toml"\nsilence_s = 9.0\n[mqtt]'))
    (tmp_path / "mine.toml").unlink()
    start = unit.start()
    assert "gnss.receiver" in start.refused
    assert (start.config.gnss.receiver, start.config.gnss.silence_s) == ("generic", 9.0)
    elsewhere = {**_tables(unit), "unit": {"id": "car-7", "timezone": "Asia/Nowhere"}}
    (unit.state / config_kept.NAME).write_bytes(config_kept.encode(unit.file, elsewhere, "1.0"))
    assert unit.start().config.unit.timezone == "Asia/Shanghai"


def _tables(unit: Unit) -> dict[str, Any]:
    return config_kept.read(unit.state / config_kept.NAME, unit.file)


def test_two_functions_on_one_pin_are_not_driven_whatever_is_kept(unit: Unit) -> None:
    tables = _tables(unit)
    tables["output"] = [{"id": "lamp", "pin": 17}]
    (unit.state / config_kept.NAME).write_bytes(config_kept.encode(unit.file, tables, "1.0"))
    unit.file.write_text('[store]\npath = "state"\n')
    assert "has a mistake by now, output[1].pin" in unit.refusal()


def test_a_file_that_says_it_is_another_unit_is_not_replaced(unit: Unit) -> None:
    unit.file.write_text(TEXT.replace("car-7", "car-8").replace("pin = 17", "pin = 99"))
    assert 'is of unit "car-7", but the file says "car-8"; so there is no last config' in unit.refusal()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[: len(data) // 2], "is damaged"),
        (lambda data: data.replace(b"17", b"18"), "is damaged"),
        (lambda data: b"[]", "is damaged"),
        (lambda data: b"[" * 100_000, "is damaged"),
        (lambda data: data.replace(b'"format": 1', b'"format": 2'), "is of format 2"),
        (lambda data: data.replace(b"agent.toml", b"other.toml"), "is of another config"),
    ],
)
def test_what_is_kept_is_used_whole_or_not_at_all(unit: Unit, spoil: Any, says: str) -> None:
    where = unit.state / config_kept.NAME
    where.write_bytes(spoil(where.read_bytes()))
    unit.file.write_text('[store]\npath = "state"\n')
    told = unit.refusal()
    assert f"{where}: {says}" in told
    assert "so there is no last config to run with instead" in told


def test_what_is_kept_but_may_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotKept, match="cannot be read"):
        config_kept.read(tmp_path, tmp_path / "agent.toml")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[unit]\nid = "a"\n', "a"),
        ("  [unit]   # who\n\tname = 'b'\n\tid='a' # c\n", "a"),
        ('[unit]\nid = "a"\n[mqtt\nid = "b"', "a"),
        ('[unit]\nid = "a', None),
        ('[input]\nid = "a"\n', None),
        ('[unit]\n[x]\nid = "a"\n', None),
        ('id = "a"\n', None),
        ("", None),
    ],
)
def test_a_broken_file_is_understood_by_its_plain_lines(text: str, found: str | None) -> None:
    assert config_kept.said(text, "unit", "id") == found


def test_no_secret_is_kept(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("hunter2")
    (tmp_path / "pass").chmod(0o600)
    unit = Unit(tmp_path, TEXT.replace("[store]", 'username = "u"\npassword_file = "pass"\n[store]'))
    assert b"hunter2" not in (unit.state / config_kept.NAME).read_bytes()
    assert os.environ.get("STATE_DIRECTORY") is None
