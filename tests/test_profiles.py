"""Profiles: each kind of unit is there, right, says why, and lives; a config lies on top; mistakes are told where they stand."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import board_file, config_file, data_files, profile_file
from agent.cli import check, safe
from agent.cli.parser import main
from agent.config import NO_BOARD, Config, Mqtt, Unit
from agent.config_file import ConfigErrors, Whole
from agent.profile import NOT_HERE, SECTIONS, Line
from simulator.promises_fix import PlaceAsSaid
from simulator.world import World

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "firmware_config" / "profiles").glob("*.toml"))

MOVING = ("patrol_car", "armoured_car", "command_vehicle", "troop_carrier", "motorcycle", "tricycle", "open_car", "boat")
STANDING = ("station", "junction_post", "checkpoint", "water_checkpoint")
AT_TIMES = ("mobile_checkpoint", "emergency_block_point")
KINDS = (*MOVING, *STANDING, *AT_TIMES)
"""Those that the mission asks for."""
BASES = {"vehicle", "two_wheels", "vessel", "place", "deployed"}

UNIT = '[unit]\nid = "JD-0417"\nlanguage = "en"\n{}\n'
MQTT = '[mqtt]\nendpoints = ["mqtt://localhost"]\n'
BUTTON = '[[input]]\nid = "button"\nuse = "panic"\npin = 17\n[[output]]\nid = "lamp"\npin = 23\n'
"""For a kind that brings no board."""
SEED, HERE = 1, (36.62839, 101.77951)
"""A virtual world, and where its unit stands before it first moves. Elsewhere by more than a place allows, and it would say unit.moved."""


def put(directory: Path, unit: str, more: str = "", **profiles: str) -> Path:
    """A config, line 4 of which is `unit`, with profiles of its own beside it."""
    for name, text in profiles.items():
        (directory / f"{name}.toml").write_text(f'name = "{name}"\nname_zh = "{name}"\n{text}')
    file = directory / "agent.toml"
    file.write_text(UNIT.format(unit) + MQTT + more)
    return file


def whole(directory: Path, unit: str, more: str = "", **profiles: str) -> Whole:
    return config_file.read_whole(put(directory, unit, more, **profiles))


def mistakes(directory: Path, unit: str, more: str = "", **profiles: str) -> list[str]:
    """Each as `file:line: key: message`."""
    with pytest.raises(ConfigErrors) as raised:
        whole(directory, unit, more, **profiles)
    return str(raised.value).replace(f"{directory}/", "").splitlines()


def defaults() -> Config:
    return Config(unit=Unit(id="JD-0417"), mqtt=Mqtt(endpoints=("mqtt://localhost",)))


# --- the files that come along --------------------------------------------------------------------------------------------------------


def test_every_kind_of_the_mission_is_there_and_every_base_is_inherited_from() -> None:
    assert {file.stem for file in FILES} == {*KINDS, *BASES, "generic"}
    assert profile_file.names() == [file.stem for file in FILES]
    assert {tomllib.loads(file.read_text()).get("inherits") for file in FILES} >= BASES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_profile_is_right_and_what_it_says_is_in_force(file: Path, tmp_path: Path) -> None:
    """What it inherits is, too, unless it says otherwise itself."""
    read = whole(tmp_path, f'kind = "{file.stem}"')
    assert read.profile_path == file
    assert read.profile is not None
    said: dict[str, dict[str, Any]] = {}
    layer: Path | None = file
    while layer:
        tables = tomllib.loads(layer.read_text())
        said = {name: {**tables.get(name, {}), **said.get(name, {})} for name in SECTIONS}
        layer = profile_file.find(tables["inherits"]) if "inherits" in tables else None
    for name, keys in said.items():
        in_force = msgspec.to_builtins(getattr(read.config, name))
        assert {key: in_force[key] for key in keys} == keys


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_profile_says_why_in_both_languages_and_has_a_name_of_its_own(file: Path) -> None:
    english, chinese, empty = file.read_text().splitlines()[:3]
    assert english.startswith("# ")
    assert sum("一" <= sign <= "鿿" for sign in english) < 10 < len(english)
    assert chinese.startswith("# ")
    assert sum("一" <= sign <= "鿿" for sign in chinese) > 10
    assert empty == ""
    names = [(tables["name"], tables["name_zh"]) for tables in (tomllib.loads(other.read_text()) for other in FILES)]
    assert len({name for name, _ in names}) == len({name_zh for _, name_zh in names}) == len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_profile_repeats_what_lies_below_it(file: Path, tmp_path: Path) -> None:
    """What is said twice is changed once."""
    tables = tomllib.loads(file.read_text())
    below = whole(tmp_path, f'kind = "{tables["inherits"]}"').config if "inherits" in tables else defaults()
    for name in SECTIONS:
        under = msgspec.to_builtins(getattr(below, name))
        assert [f"{name}.{key}" for key, value in tables.get(name, {}).items() if under[key] == value] == []


def test_a_patrol_car_is_what_the_reference_shows_as_defaults(tmp_path: Path) -> None:
    for kind in ("patrol_car", "generic"):
        read = whole(tmp_path, f'kind = "{kind}"\nboard = "{NO_BOARD}"').config
        assert msgspec.structs.replace(read, unit=defaults().unit) == msgspec.structs.replace(defaults(), unit=defaults().unit)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pace_of_each_kind_makes_sense(kind: str, tmp_path: Path) -> None:
    report, car = whole(tmp_path, f'kind = "{kind}"').config.report, defaults().report
    if kind in STANDING:
        assert report.parked_interval_s >= 10 * car.parked_interval_s
        assert report.interval_s > car.interval_s
    assert report.emergency_interval_s <= 5.0
    assert report.interval_s <= report.parked_interval_s


def test_a_command_vehicle_is_told_faster_a_boat_slower_and_what_sways_needs_a_wider_turn(tmp_path: Path) -> None:
    reports = {kind: whole(tmp_path, f'kind = "{kind}"').config.report for kind in KINDS}
    car = reports["patrol_car"]
    assert reports["command_vehicle"].interval_s < car.interval_s < reports["boat"].interval_s
    assert min(reports["motorcycle"].heading_deg, reports["boat"].heading_deg) > car.heading_deg


@pytest.mark.parametrize("kind", [*KINDS, "generic"])
def test_check_names_profile_and_board_and_asks_for_the_place_of_what_stands(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = whole(tmp_path, f'kind = "{kind}"')
    assert read.profile is not None
    assert main(["check", "-c", str(tmp_path / "agent.toml")]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"profile {read.profile.name}, {profile_file.find(kind)}"
    assert (out[1] == f"board {read.board.name}, {read.board_path}") if read.board else (out[1] == "no inputs and no outputs")
    assert any(line.startswith(f"note: a {kind} stands still, but [place] says no lat and lon") for line in out) == (kind in STANDING)
    surveyed = list(check.kind_notes(whole(tmp_path, f'kind = "{kind}"', "[place]\nlat = 36.6\nlon = 101.8\n")))
    assert [note.partition(",")[0] for note in surveyed] == ([f"a {kind} moves"] if kind in MOVING else [])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_lives_in_the_virtual_world_and_keeps_every_promise(kind: str, tmp_path: Path) -> None:
    """`run` raises Broken when it does not."""
    more = "[orders]\nallow_unsigned_development = true\n"
    more += f"[place]\nlat = {HERE[0]}\nlon = {HERE[1]}\n" if kind in STANDING else ""
    config = config_file.read(put(tmp_path, f'kind = "{kind}"', more))
    if not config.input:
        config = config_file.read(put(tmp_path, f'kind = "{kind}"', more + BUTTON))
    world = World(SEED, 0.2, "field", config=config)
    world.run()
    assert world.counts["fixes delivered"] > 0
    shown = next(promise.shown for promise in world.judge.promises if isinstance(promise, PlaceAsSaid))
    assert ("fixed" in shown, "good" in shown) == (kind in STANDING, kind not in STANDING)


def test_the_wheel_carries_every_profile_to_where_it_is_looked_for() -> None:
    files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    assert files[profile_file.SHARED] == ["firmware_config/profiles/*.toml"]
    assert profile_file.PLACES[0] == Path("/etc/outpost/profiles")


def test_no_board_has_the_name_that_means_none() -> None:
    assert NO_BOARD not in board_file.names()
    assert not data_files.is_path(NO_BOARD)


def test_the_line_to_the_broker_has_the_ranges_and_defaults_of_the_config() -> None:
    of_config = {field.name: (field.type, field.default) for field in msgspec.structs.fields(Mqtt)}
    assert all(of_config[field.name] == (field.type, field.default) for field in msgspec.structs.fields(Line))


# --- a config on top of its profile ---------------------------------------------------------------------------------------------------


def test_the_config_lies_over_the_profile_that_over_its_bases_and_these_over_the_board(tmp_path: Path) -> None:
    board = '[lights]\nshed_every_s = 1.0\nrestore_after_s = 1.0\n[recorder]\nname = "dvr"\n'
    (tmp_path / "b.toml").write_text(f'name = "b"\nname_zh = "b"\n{board}')
    base = 'board = "b.toml"\n[lights]\nshed_every_s = 2.0\nrestore_after_s = 2.0\ndark_reminder_s = 40.0\n[report]\ninterval_s = 2.0\n'
    taxi = 'inherits = "base.toml"\n[lights]\nshed_every_s = 3.0\nrestore_after_s = 3.0\n'
    config = whole(tmp_path, 'kind = "taxi.toml"', "[lights]\nshed_every_s = 4.0\n", base=base, taxi=taxi).config
    lights = config.lights
    assert (lights.shed_every_s, lights.restore_after_s, lights.dark_reminder_s) == (4.0, 3.0, 40.0)
    assert (config.recorder.name, config.report.interval_s, config.unit.kind) == ("dvr", 2.0, "taxi")


def test_a_path_in_a_profile_starts_where_the_profile_lies(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "taxi.toml").write_text('name = "t"\nname_zh = "t"\n[store]\npath = "rows"\n')
    assert whole(tmp_path, 'kind = "deep/taxi.toml"').config.store.path == str(tmp_path / "deep" / "rows")


def test_a_kind_that_is_not_said_drives_no_pins(tmp_path: Path) -> None:
    read = whole(tmp_path, "")
    assert (read.config.unit.kind, read.profile_path) == ("patrol_car", profile_file.find("patrol_car"))
    assert read.board is None
    assert read.config.output == ()


def test_the_board_of_the_config_goes_before_that_of_its_kind_and_none_means_none(tmp_path: Path) -> None:
    paths = [whole(tmp_path, f'kind = "motorcycle"\n{said}').board_path for said in ("", 'board = "checkpoint"', 'board = "none"')]
    assert paths == [board_file.find("motorcycle"), board_file.find("checkpoint"), None]


def test_outputs_of_the_board_of_a_kind_are_made_safe_too(tmp_path: Path) -> None:
    file = put(tmp_path, 'kind = "taxi.toml"', taxi='inherits = "motorcycle"')
    assert {output.id for output in safe.read(file).outputs} == {output.id for output in config_file.read(file).output} != set()
    assert safe.read(put(tmp_path, "")).outputs == []
    assert safe.read(put(tmp_path, 'kind = "motorcycle"\nboard = "none"')).outputs == []
    assert safe.read(put(tmp_path, 'kind = "taxi"')).mistakes == [f'{file}: unit.kind: there is no profile "taxi"']


def test_a_note_says_that_pins_came_with_the_kind_where_the_config_has_pins_of_its_own(tmp_path: Path) -> None:
    own = '[[input]]\nid = "door"\npin = 5\n'
    (note,) = check.kind_notes(whole(tmp_path, 'kind = "motorcycle"', own))
    assert 'when it is wired otherwise say board = "none" in [unit], else board = "motorcycle"' in note
    assert list(check.kind_notes(whole(tmp_path, 'kind = "motorcycle"\nboard = "motorcycle"', own))) == []


def test_explain_says_of_each_value_who_has_said_it_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taxi = 'inherits = "motorcycle"\n[report]\nheading_deg = 30.0\n'
    file = put(tmp_path, 'kind = "taxi.toml"', "[report]\nheading_deg = 25.0\n", taxi=taxi)
    assert main(["check", "-c", str(file), "--explain"]) == 0
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in capsys.readouterr().out.splitlines()}
    two_wheels, board = profile_file.find("two_wheels"), board_file.find("motorcycle")
    assert rows["report.interval_s", "3.0"] == ["profile", f"{two_wheels}:9"]
    assert rows["report.heading_deg", "25.0"] == ["config", f"{file}:8"], "the default, and said against the profile"
    assert rows["lights.shed", '["rear"]'] == ["board", f"{board}:48"]
    assert rows["[[input]]", '"panic_rider"'][0] == "board"
    assert rows["unit.id", '"JD-0417"'] == ["config", f"{file}:2"]
    assert not any(key[0] == "report.emergency_interval_s" for key in rows), "a default comes from nowhere"


# --- mistakes -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ('"patrolcar"', 'unit.kind: there is no profile "patrolcar"; did you mean "patrol_car"?'),
        ('"Patrol Car"', 'unit.kind: there is no profile "Patrol Car"; did you mean "patrol_car"?'),
        ('"zeppelin"', 'unit.kind: there is no profile "zeppelin"; known: armoured_car, boat,'),
        ("5", "unit.kind: found 5; expected a kind of unit, or the path of a file"),
        ('"gone.toml"', "there is no such file; name a profile or the path of one in unit.kind"),
    ],
)
def test_a_kind_that_is_not_there_is_told_at_its_line(tmp_path: Path, kind: str, says: str) -> None:
    (found,) = mistakes(tmp_path, f"kind = {kind}")
    assert says in found
    assert found.startswith("gone.toml: " if "gone" in kind else "agent.toml:4: ")


@pytest.mark.parametrize(
    ("taxi", "says"),
    [
        ('inherits = "vehicl"', 'taxi.toml:3: inherits: there is no profile "vehicl"; did you mean "vehicle"?'),
        ('board = "patrol_cat"', 'taxi.toml:3: board: there is no board "patrol_cat"; did you mean "patrol_car"?'),
        ('stands = "alwys"', 'taxi.toml:3: stands: found "alwys" (text); expected "never", "always" or "at_times"; did you mean "always"?'),
        ("[report]\ninterval_s = 0", "taxi.toml:4: report.interval_s: found 0; expected a number from 0.1 to 3600 seconds"),
        ("[report]\nintervall_s = 1", "taxi.toml:4: report.intervall_s: unknown key; did you mean `interval_s`?"),
        ("[place]\nlat = 36.6", "taxi.toml:4: place.lat: lat has no place in a profile: where a unit stands is its own; say it in"),
        ('[lights]\nshed = ["rear"]', "taxi.toml:4: lights.shed: shed has no place in a profile: groups of lights are a board's; say it"),
        ('[mqtt]\nroot = "a"', "taxi.toml:4: mqtt.root: unknown key; known here: keepalive_s, window_bytes"),
        ("[unit]\nid = 5", "taxi.toml:3: unit: unknown section; known here: name, name_zh, inherits, stands, board, gnss"),
        ("[gnss]\nrate_hz = 5", "taxi.toml:4: gnss.rate_hz: found 5, but nothing is sent to a generic receiver"),
        ("name = 5", "taxi.toml:3: not TOML"),
    ],
)
def test_a_mistake_of_a_profile_has_its_file_and_line(tmp_path: Path, taxi: str, says: str) -> None:
    (found,) = mistakes(tmp_path, 'kind = "taxi.toml"', taxi=taxi)
    assert found.startswith(says)


def test_what_only_profile_and_config_together_get_wrong_is_told_where_it_was_asked_for(tmp_path: Path) -> None:
    taxi = '[gnss]\nreceiver = "um220"\nbaud_wanted = 9600\n'
    (found,) = mistakes(tmp_path, 'kind = "taxi.toml"', '[gnss]\nreceiver = "generic"\n', taxi=taxi)
    assert found.startswith("taxi.toml:5: gnss.baud_wanted: found 9600, but nothing is sent to a generic receiver")
    (found,) = mistakes(tmp_path, 'kind = "taxi.toml"', '[gnss]\nport = "socket://gnss:1"\n', taxi=taxi)
    assert found.startswith("taxi.toml:5: gnss.baud_wanted: socket://gnss:1 has no speed that could be changed")


def test_the_port_of_a_profile_takes_the_pins_of_the_uart_or_leaves_them(tmp_path: Path) -> None:
    door = '[[input]]\nid = "door"\npin = 14\n'
    ports = '[gnss]\nport = "/dev/outpost-gnss"\n'
    assert whole(tmp_path, 'kind = "taxi.toml"', door, taxi=ports).config.input[0].pin == 14
    more = 'more_ports = ["/dev/x", "/dev/serial0"]\n'
    assert whole(tmp_path, 'kind = "taxi.toml"', '[gnss]\nmore_ports = ["/dev/y"]\n' + door, taxi=ports + more).config.input[0].pin == 14
    (found,) = mistakes(tmp_path, 'kind = "taxi.toml"', door, taxi='[gnss]\nmore_ports = ["/dev/x"]\nport = "/dev/serial0"\n')
    assert found.startswith("agent.toml:9: input[1].pin: pin 14 is TXD of /dev/serial0, which gnss.port uses (")
    assert "taxi.toml:5)" in found


def test_mistakes_of_config_profile_and_base_are_all_told_at_once(tmp_path: Path) -> None:
    wrong = "[report]\ninterval_s = 0\n"
    found = mistakes(tmp_path, 'kind = "taxi.toml"', wrong, base=wrong, taxi=f'inherits = "base.toml"\n{wrong}')
    assert [line.split(": ")[0] for line in found] == ["agent.toml:8", "base.toml:4", "taxi.toml:5"]


def test_profiles_that_inherit_from_one_another_in_a_circle_are_refused(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, 'kind = "a.toml"', a='inherits = "b.toml"', b='inherits = "a.toml"')
    assert found == "b.toml:3: inherits: a profile cannot inherit from itself: a.toml → b.toml → a.toml"


def test_no_more_than_four_profiles_lie_on_one_another(tmp_path: Path) -> None:
    chain = {name: f'inherits = "{base}.toml"' for name, base in ("ab", "bc", "cd")}
    assert whole(tmp_path, 'kind = "a.toml"', **chain, d="").profile is not None
    (found,) = mistakes(tmp_path, 'kind = "a.toml"', **chain, d='inherits = "e.toml"', e="")
    assert found == "d.toml:3: inherits: inherits too deep: a → b → c → d → e; at most 4 profiles lie on one another"


def test_a_profile_that_cannot_be_read_makes_no_mistakes_of_what_its_board_may_have(tmp_path: Path) -> None:
    found = mistakes(tmp_path, 'kind = "taxi.toml"', '[lights]\nshed = ["rear"]\n[report]\ninterval_s = 0\n', taxi="name = ")
    assert [line.split(": ")[0] for line in found] == ["agent.toml:10", "taxi.toml:3"]


def test_what_has_no_place_in_a_profile_is_a_key_of_one_of_its_sections() -> None:
    sections = {field.name: field.type for field in msgspec.structs.fields(Config)}
    assert all(key in {field.name for field in msgspec.structs.fields(sections[section])} for section, key in NOT_HERE)
