"""Boards: every file of firmware_config/boards is right and safe; a config lies on top of one; mistakes are told where they stand."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import board_file, config_file
from agent.board import FUSE_A_MAX, Board
from agent.cli.parser import main
from agent.config import Config, InputUse
from agent.config_file import ConfigErrors, Whole
from agent.core.shows import Shows

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "firmware_config" / "boards").glob("*.toml"))
LEAST = '[unit]\nid = "JD-0417"\nlanguage = "en"\nboard = "{}"\n{}\n[mqtt]\nendpoints = ["mqtt://localhost"]\n'

BOOT_PULLED_UP = range(9)
"""BCM2835 ARM Peripherals, table 6-31, written down here a second time: GPIO 0 to 8 are pulled up at reset, 9 to 27 down."""

SMALL = """\
name = "Small"
name_zh = "小"

[[input]]
id = "button"
use = "panic"
pin_no = 17
pin_nc = 4

[[output]]
id = "red"
group = "front"
pin = 23

[[output]]
id = "blue"
group = "rear"
pin = 24

[lights]
shed = ["rear"]

[[terminal]]
at = "X1.1"
line = "button.no"
part = "contact"
wire = "white"
to = "button"
to_zh = "按钮"
"""


def put(directory: Path, board: str = SMALL, unit: str = "", more: str = "") -> Path:
    """A config with a board of its own beside it."""
    (directory / "board.toml").write_text(board)
    file = directory / "agent.toml"
    file.write_text(LEAST.format("board.toml", unit) + more)
    return file


def read(directory: Path, board: str = SMALL, unit: str = "", more: str = "") -> Config:
    return config_file.read(put(directory, board, unit, more))


def mistakes(directory: Path, board: str = SMALL, unit: str = "", more: str = "") -> list[str]:
    """Each as `file:line: key: message`."""
    with pytest.raises(ConfigErrors) as raised:
        read(directory, board, unit, more)
    return str(raised.value).replace(f"{directory}/", "").splitlines()


# --- the files that come along --------------------------------------------------------------------------------------------------------


def on(board: str, directory: Path) -> Whole:
    """A config that says nothing but the board."""
    file = directory / "agent.toml"
    file.write_text(LEAST.format(board, ""))
    return config_file.read_whole(file)


def test_the_boards_that_were_asked_for_are_there() -> None:
    assert {file.stem for file in FILES} >= {"patrol_car", "motorcycle", "checkpoint"}
    assert board_file.names() == [file.stem for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_board_is_right_by_itself_and_below_a_config(file: Path, tmp_path: Path) -> None:
    whole = on(file.stem, tmp_path)
    config, board = whole.config, whole.board
    assert (board, whole.board_path) == (config_file.read_board(file), file)
    assert board is not None
    assert (config.input, config.output, config.show, config.lights) == (board.input, board.output, board.show, board.lights)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_check_prints_every_pin_of_a_board_with_its_screw(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = on(file.stem, tmp_path)
    config, board = whole.config, whole.board
    assert board is not None
    assert main(["check", "-c", str(tmp_path / "agent.toml")]) == 0
    _, first, columns, *lines = capsys.readouterr().out.splitlines()
    assert first == f"board {board.name}, {file}"
    assert columns.split()[:8] == ["pin", "header", "direction", "id", "function", "active", "pull", "power-on"]
    assert columns.split()[8:] == ["screw", "wire", "part", "fuse", "goes", "to"]
    rows = {line[: line.find("  ")]: line for line in lines[:-1]}
    screws = {t.line: t for t in board.terminal if t.side == "signal"}
    for line, pin in [pair for i in config.input for pair in i.lines().items()] + [(o.id, o.pin) for o in config.output]:
        assert f" {line} " in rows[str(pin)]
        assert f"  {screws[line].at} " in rows[str(pin)]
        assert rows[str(pin)].endswith(screws[line].to)
    assert len(rows) == len(screws)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_output_of_a_board_is_on_before_the_agent_runs_or_when_nobody_drives_it(file: Path) -> None:
    """By the Pi's own pull alone; the pull-down at the driver's input does the same."""
    for output in config_file.read_board(file).output:
        level = "high" if output.pin in BOOT_PULLED_UP else "low"
        assert (level == output.active, output.safe, output.at_power_on) == (False, "off", "pi"), output.id


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_wire_of_a_board_has_its_screw_its_way_back_and_a_fuse_that_protects_it(file: Path) -> None:
    board = config_file.read_board(file)
    screws = {(t.line, t.side) for t in board.terminal}
    for line in [line for i in board.input for line in i.lines()] + [o.id for o in board.output]:
        assert (line, "signal") in screws
    parts = {t.line.partition(".")[0]: t.part for t in board.terminal if t.side == "signal"}
    for device, part in parts.items():
        back = {"contact": "return", "isolator": "return", "low_side": "supply"}.get(str(part))
        assert back is None or (device, back) in screws, f"{device}: a {part} needs its {back}"
    for t in board.terminal:
        fed = t.part in ("optocoupler", "high_side", "relay") or t.side == "supply"
        assert (t.fuse_a is not None) == fed, f"{t.at}: what carries the battery's current has a fuse, what does not has none"
        assert t.fuse_a is None or t.fuse_a <= FUSE_A_MAX[t.mm2]
        assert t.fuse_a is None or t.load_a is None or t.load_a * 1.25 <= t.fuse_a


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_board_has_a_supervised_button_and_a_lamp_beside_it_and_leaves_the_receivers_pins(file: Path) -> None:
    board = config_file.read_board(file)
    buttons = [i for i in board.input if i.use is InputUse.PANIC]
    assert buttons
    assert all(button.supervised for button in buttons)
    assert any(o.use == "panic_lamp" for o in board.output)
    pins = {pin for i in board.input for pin in i.lines().values()} | {o.pin for o in board.output}
    assert not pins & {0, 1, 2, 3, 14, 15}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_in_an_alarm_something_of_every_board_shines_and_in_darkness_nothing_does(file: Path) -> None:
    board = config_file.read_board(file)
    shows = Shows(board.show, board.output)
    assert shows.lit("response")
    assert shows.lit("cruise")
    assert not shows.lit("dark_approach")


def test_the_patrol_car_has_what_was_asked_for() -> None:
    board = config_file.read_board(ROOT / "firmware_config" / "boards" / "patrol_car.toml")
    assert {(i.use.value, i.mode, i.seat) for i in board.input if i.use is InputUse.PANIC} == {
        ("panic", "overt", "driver"),
        ("panic", "silent", "passenger"),
    }
    assert {i.use.value for i in board.input} == {
        *("panic", "ignition", "light_hand", "light_sense", "low_voltage", "recorder_alive", "tamper")
    }
    assert {o.use for o in board.output} == {"light", "panic_lamp", "buzzer", "recorder_mark"}
    assert {o.group for o in board.output if o.use == "light"} == {"front", "rear", "scene"}


def test_the_barrier_of_a_checkpoint_shines_also_when_the_mains_have_failed_and_the_battery_is_low() -> None:
    """A barrier that is dark across a road kills."""
    board = config_file.read_board(ROOT / "firmware_config" / "boards" / "checkpoint.toml")
    assert {i.id: i.use for i in board.input if i.id in ("mains_fail", "battery_low")} == {
        "mains_fail": InputUse.GENERIC,
        "battery_low": InputUse.LOW_VOLTAGE,
    }
    assert [i.id for i in board.input if i.use is InputUse.LOW_VOLTAGE] == ["battery_low"]
    assert "barrier" not in board.lights.shed
    shows = Shows(board.show, board.output)
    assert all("barrier" in shows.lit(show) for show in ("cruise", "response", "checkpoint", "closure"))


def test_the_wheel_carries_every_board_to_where_it_is_looked_for() -> None:
    files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    assert files[board_file.SHARED] == ["firmware_config/boards/*.toml"]
    assert board_file.PLACES[0] == Path("/etc/outpost/boards")


# --- a config on top of a board -------------------------------------------------------------------------------------------------------


def test_an_entry_of_the_config_replaces_the_boards_in_its_place(tmp_path: Path) -> None:
    own = '[[output]]\nid = "red"\ngroup = "front"\npin = 20\n[[input]]\nid = "ignition"\nuse = "ignition"\npin = 22\n'
    config = read(tmp_path, more=own)
    assert [(o.id, o.pin) for o in config.output] == [("red", 20), ("blue", 24)]
    assert [i.id for i in config.input] == ["button", "ignition"]


def test_keys_of_the_lights_and_the_recorder_are_laid_over_one_by_one(tmp_path: Path) -> None:
    board = SMALL + '[recorder]\nname = "dvr"\npulse_s = 2.0\n'
    config = read(tmp_path, board, more='[lights]\ncruise = "always"\n[recorder]\npulse_s = 1.0\n')
    assert (config.lights.cruise, config.lights.shed) == ("always", ("rear",))
    assert (config.recorder.name, config.recorder.pulse_s) == ("dvr", 1.0)


def test_a_show_of_the_config_replaces_the_boards_for_the_same_group(tmp_path: Path) -> None:
    show = '[[show]]\nname = "cruise"\ngroup = "{}"\npatterns = ["{}"]\n'
    board = SMALL + show.format("front", "on") + show.format("rear", "on")
    config = read(tmp_path, board, more=show.format("rear", "off"))
    assert [(s.name, s.group, s.patterns) for s in config.show] == [("cruise", "front", ("on",)), ("cruise", "rear", ("off",))]


def test_what_is_not_wired_is_left_out_and_its_pin_is_free(tmp_path: Path) -> None:
    config = read(tmp_path, unit='without = ["blue", "button"]', more='[[input]]\nid = "door"\npin = 24\n')
    assert [i.id for i in config.input] == ["door"]
    assert [o.id for o in config.output] == ["red"]


def test_a_line_on_another_pin_has_no_screw_of_the_board_any_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = put(tmp_path, more='[[input]]\nid = "button"\nuse = "panic"\npin_no = 27\npin_nc = 4\n')
    assert main(["check", "-c", str(file)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert next(row for row in rows if " button.no " in row).split()[-5:] == ["-"] * 5


# --- mistakes -------------------------------------------------------------------------------------------------------------------------


def test_a_board_that_is_not_there_is_told_at_its_line_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(LEAST.format("patrolcar", ""))
    with pytest.raises(ConfigErrors) as raised:
        config_file.read(file)
    assert str(raised.value) == f'{file}:4: unit.board: there is no board "patrolcar"; did you mean "patrol_car"?'


def test_mistakes_of_a_board_have_its_own_path_and_line_and_those_of_the_config_come_first(tmp_path: Path) -> None:
    board = SMALL.replace("pin_nc = 4", "pin_nc = 99").replace('shed = ["rear"]', 'shed = ["side"]')
    found = mistakes(tmp_path, board, more="[report]\ninterval_s = 0\n")
    assert [line.partition(": found")[0].partition(": no light")[0] for line in found] == [
        "agent.toml:9: report.interval_s",
        "board.toml:8: input[1].pin_nc",
        "board.toml:21: lights.shed[1]",
    ]


@pytest.mark.parametrize(
    ("board", "says"),
    [
        ("name = ", "board.toml:1: not TOML"),
        (SMALL + '[unit]\nid = "x"\n', "board.toml:30: unit: unknown section; known here: name, name_zh, input, output"),
        (SMALL.replace('name = "Small"\n', ""), "name: missing; expected text"),
        (SMALL.replace("pin = 24", "pin = 23"), 'board.toml:18: output[2].pin: pin 23 is already used by output[1] "red" (line 13)'),
        (SMALL.replace("pin = 24", "pin = 5"), "the Pi's own pull of pin 5 is up from power-on"),
        (SMALL.replace('id = "blue"', 'id = "red"'), '"red" is already the id of output[1] (line 11); give it another'),
    ],
)
def test_a_board_is_checked_like_a_config(tmp_path: Path, board: str, says: str) -> None:
    assert any(says in line and line.startswith("board.toml") for line in mistakes(tmp_path, board))


def test_a_board_that_cannot_be_read_hides_no_mistake_of_the_config_and_makes_none(tmp_path: Path) -> None:
    """What the config says of groups and pins may be right with the board."""
    found = mistakes(tmp_path, "name = ", more='[lights]\nshed = ["rear"]\n[gnss]\nrate_hz = 5\n')
    assert [line.split(": ")[0] for line in found] == ["agent.toml:11", "board.toml:1"]


def test_a_pin_that_config_and_board_both_want_is_told_in_the_config_with_the_way_out(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, more='[[input]]\nid = "door"\npin = 23\n')
    assert found == (
        'agent.toml:10: input[1].pin: pin 23 is already used by output[1] "red" (board.toml:13); one pin has one function; '
        'take another, or say without = ["red"] in [unit]'
    )


def test_only_what_the_board_has_can_be_left_out(tmp_path: Path) -> None:
    assert mistakes(tmp_path, unit='without = ["blu"]') == ['agent.toml:5: unit.without[1]: the board has no "blu"; did you mean "blue"?']
    file = tmp_path / "agent.toml"
    file.write_text(file.read_text().replace('board = "board.toml"\n', ""))
    with pytest.raises(ConfigErrors, match="without is of no use without a board"):
        config_file.read(file)


def test_shows_and_shedding_of_a_board_may_name_a_group_that_is_left_out_but_a_sense_line_would_be_blind(tmp_path: Path) -> None:
    assert read(tmp_path, unit='without = ["blue"]').lights.shed == ("rear",)
    sense = '[[input]]\nid = "eye"\nuse = "light_sense"\npin = 5\nsenses = "rear"\n'
    (found,) = mistakes(tmp_path, SMALL.replace("[lights]", f"{sense}[lights]"), unit='without = ["blue"]')
    assert found == 'board.toml:24: input[2].senses: no light is in a group "rear"; there are: front'


TERMINAL = '[[terminal]]\nat = "X1.2"\nline = "red"\npart = "high_side"\nwire = "red"\nto = "a"\nto_zh = "a"\n'


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"X1.2"', '"X1.1"'), "terminal[2].at: X1.1 is already used by terminal[1] (line 24); one screw has one wire"),
        (('"X1.2"', '"1"'), "terminal[2].at: found \"1\" (text); expected a strip and a screw, X1.3"),
        (('"red"\npart', '"button"\npart'), 'line: no input or output of this board has a signal "button"; did you mean "button.no"?'),
        (('"red"\npart = "high_side"', '"button.no"\npart = "contact"'), "terminal[2].line: button.no has its screw already: terminal[1]"),
        (('part = "high_side"\n', ""), 'part: missing; expected "low_side", "high_side", "relay" or "isolator"'),
        (('"high_side"', '"contact"'), 'part: found "contact"; expected "low_side", "high_side", "relay" or "isolator" for an output'),
        (('part = "high_side"', 'part = "high_side"\nside = "supply"'), "part: part is for the signal; remove it"),
        (('wire = "red"', 'wire = "redd"'), 'did you mean "red"?'),
        (('wire = "red"', 'wire = "red"\nfuse_a = 7.5'), "a fuse of 7.5 A does not protect a wire of 0.5 mm²; expected at most 5 A"),
        (('wire = "red"', 'wire = "red"\nload_a = 3'), "fuse_a: missing; expected the fuse of this line of 3 A"),
        (('wire = "red"', 'wire = "red"\nload_a = 3\nfuse_a = 3'), "3 A is too small for 3 A all night; expected at least 3.75 A"),
        (('wire = "red"', 'wire = "red"\nmm2 = 0.6'), "mm2: found 0.6; expected 0.35, 0.5, 0.75, 1.0, 1.5 or 2.5"),
        (('"high_side"', '"relay"'), 'part: a relay that flashes, as "red" does in show response, is worn out in days'),
        (('to_zh = "a"\n', ""), "to_zh: missing; expected text"),
    ],
)
def test_a_mistake_at_a_screw_is_told(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    (found,) = mistakes(tmp_path, SMALL + TERMINAL.replace(*change))
    assert found.startswith("board.toml:")
    assert says in found


def test_a_part_that_turns_a_level_round_is_held_against_the_pins_polarity(tmp_path: Path) -> None:
    board = SMALL.replace("pin = 23", 'pin = 23\nactive = "low"\nat_power_on = "up"') + TERMINAL
    (found,) = mistakes(tmp_path, board)
    assert '"high_side" makes a pin active "high", but output[1] "red" (line 10) says active = "low"' in found


def test_the_screws_are_no_part_of_the_config(tmp_path: Path) -> None:
    whole = config_file.read_whole(put(tmp_path))
    assert isinstance(whole.board, Board)
    assert len(whole.board.terminal) == 1
    assert not hasattr(whole.config, "terminal")


HEADERS = ["[[input]]", "[[output]]", "[[show]]", "[[terminal]]"]
KEYS = {
    "id": ["'a'", "'b'", "5"],
    "use": ["'panic'", "'light_hand'", "'light_sense'", "'light'", "'buzzer'", "[]"],
    "pin": ["17", "3", "99", "{a = 1}"],
    "pin_no": ["17", "5"],
    "pin_nc": ["4", "'x'"],
    "active": ["'high'", "'low'", "1"],
    "pull": ["'none'", "'down'", "'up'"],
    "safe": ["'on'", "'off'"],
    "at_power_on": ["'up'", "'down'", "'pi'"],
    "show": ["'a'", "'scene'"],
    "senses": ["'bar'", "'a'"],
    "group": ["'bar'", "'a'", "'A'"],
    "name": ["'a'", "'test'", "'off'"],
    "patterns": ["['on']", "['0 0', '1 2']", "['500 500', '9 9']", "[['on']]", "[]", "'on'"],
    "at": ["'X1.1'", "'X1.2'", "'1'"],
    "line": ["'a'", "'a.no'", "'b'"],
    "part": ["'relay'", "'contact'", "'low_side'", "5"],
    "side": ["'return'", "'signal'"],
    "wire": ["'red'"],
    "to": ["'a'"],
    "to_zh": ["'a'"],
    "mm2": ["0.5", "0.6"],
    "load_a": ["9", "1.0"],
    "fuse_a": ["9", "2"],
}
"""Right and wrong values of what boards and configs say of wires."""

TABLES = st.tuples(
    st.sampled_from(HEADERS),
    st.lists(st.sampled_from(sorted(KEYS)), max_size=8, unique=True).flatmap(
        lambda keys: st.tuples(*(st.sampled_from([f"{key} = {value}" for value in KEYS[key]]) for key in keys))
    ),
).map(lambda table: "\n".join([table[0], *table[1]]))
PIECES = st.lists(TABLES, max_size=5).map("\n".join)
TOP = st.sampled_from(["", "input = 5", "output = [1, {id = 'a'}]", "[lights]\nshed = ['bar', 'bar']", "[lights]\nshed = [[]]"])
WITHOUT = st.sampled_from(["", "without = ['a']", "without = []", "without = [{}]", "without = 5"])


@settings(max_examples=50)
@given(own=PIECES, below=PIECES, top=TOP, without=WITHOUT)
def test_no_board_and_no_config_whatever_raise_anything_but_their_mistakes(
    tmp_path_factory: pytest.TempPathFactory, own: str, below: str, top: str, without: str
) -> None:
    file = put(tmp_path_factory.getbasetemp(), f"name = 'a'\nname_zh = 'a'\n{top}\n{below}\n", without, own + "\n")
    errors: list[config_file.ConfigError] = []
    try:
        config_file.read(file)
    except ConfigErrors as mistakes_found:
        errors = mistakes_found.errors
    assert all(error.message and (error.line is None or error.line >= 1) for error in errors)
