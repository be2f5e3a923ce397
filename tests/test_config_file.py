"""`agent.config_file.read`: a file becomes a Config, or every mistake in it is reported at once, with its line."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import config_file
from agent.config import Config, InputUse
from agent.config_checks import _unfit
from agent.config_file import ConfigError, ConfigErrors

LEAST = '[unit]\nid = "JD-0417"\n[mqtt]\nendpoints = ["mqtt://localhost"]\n'


def put(directory: Path, text: str | bytes) -> Path:
    file = directory / "agent.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def mistakes(directory: Path, text: str | bytes) -> list[ConfigError]:
    with pytest.raises(ConfigErrors) as raised:
        config_file.read(put(directory, text))
    return raised.value.errors


def only(directory: Path, text: str | bytes) -> ConfigError:
    found = mistakes(directory, text)
    assert len(found) == 1, found
    return found[0]


def secret(directory: Path, name: str) -> Path:
    file = directory / name
    file.write_text("secret")
    file.chmod(0o600)
    return file


# --- what is right -------------------------------------------------------------------------------------------------------------------


def test_the_least_file_gives_every_default(tmp_path: Path) -> None:
    config = config_file.read(put(tmp_path, LEAST))
    assert config == Config(unit=config.unit, mqtt=config.mqtt)
    assert (config.unit.id, config.report.interval_s, config.gnss.baud) == ("JD-0417", 5.0, "auto")


def test_types_are_those_of_the_config(tmp_path: Path) -> None:
    config = config_file.read(put(tmp_path, LEAST + '[[input]]\nid = "b"\npin = 17\nuse = "panic"\nhold_s = 1\n[gnss]\nbaud = 9600\n'))
    assert (config.input[0].use, config.input[0].hold_s, config.gnss.baud) == (InputUse.PANIC, 1.0, 9600)


def test_a_byte_order_mark_and_windows_line_ends_are_passed_over(tmp_path: Path) -> None:
    assert config_file.read(put(tmp_path, b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())).unit.id == "JD-0417"


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    secret(tmp_path, "pw")
    config = config_file.read(put(tmp_path, LEAST + 'username = "u"\npassword_file = "pw"\n[store]\npath = "data"\n'))
    assert (config.mqtt.password_file, config.store.path) == (str(tmp_path / "pw"), str(tmp_path / "data"))


def test_tls_without_an_own_authority_uses_the_systems(tmp_path: Path) -> None:
    assert config_file.read(put(tmp_path, LEAST.replace("mqtt://", "mqtts://"))).mqtt.ca is None


# --- one key wrong -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        ('[report]\ninterval_s = "fast"', "report.interval_s", 'found "fast" (text); expected a number from 0.1 to 3600 seconds'),
        ("[report]\ninterval_s = true", "report.interval_s", "found true; expected a number from 0.1 to 3600 seconds"),
        ("[report]\ninterval_s = nan", "report.interval_s", "found nan; expected a number from 0.1 to 3600 seconds"),
        ("[report]\ndistance_m = 1e9", "report.distance_m", "found 1000000000.0; expected a number from 1 to 100_000 metres"),
        ("[report]\nspeed_mps = [1]", "report.speed_mps", "found a list of 1; expected a number from 0.5 to 100 metres per second"),
        (
            "[store]\nsize_bytes_max = 7.5",
            "store.size_bytes_max",
            "found 7.5; expected a whole number from 1_048_576 to 1_099_511_627_776 bytes",
        ),
        (
            "[store]\nsize_bytes_max = 0x" + "f" * 9999,
            "store.size_bytes_max",
            "found a whole number of more than 64 bits; expected a whole number from 1_048_576 to 1_099_511_627_776 bytes",
        ),
        (
            "[store]\nsize_bytes_max = 2024-01-01",
            "store.size_bytes_max",
            "found 2024-01-01 (a date or time); expected a whole number from 1_048_576 to 1_099_511_627_776 bytes",
        ),
        ("[orders]\nallow_unsigned_development = 1", "orders.allow_unsigned_development", "found 1; expected true or false"),
        (
            '[log]\nlevel = "warn"',
            "log.level",
            'found "warn" (text); expected "debug", "info", "warning" or "error"; did you mean "warning"?',
        ),
        ('[gnss]\nport = ""', "gnss.port", 'found "" (text); expected a pyserial URL or the path of a device'),
        (
            "[gnss]\nbaud = 9601",
            "gnss.baud",
            'found 9601; expected "auto", 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800 or 921600',
        ),
        ("[report]\nintervall_s = 5", "report.intervall_s", "unknown key; did you mean `interval_s`?"),
        ("[lights]\nsize_bytes_max = 5", "lights.size_bytes_max", "unknown key; it belongs in [store]"),
        ("[log]\nzzz = 5", "log.zzz", "unknown key; known here: level"),
        ("[reprot]\ninterval_s = 5", "reprot", "unknown section; did you mean `report`?"),
        ("[[inputs]]\nid = 'x'", "inputs", "unknown section; did you mean `input`?"),
        ("[input]\nid = 'x'", "input", "found a table; expected tables, each [[input]] in double brackets"),
        ("[[log]]\nlevel = 'info'", "log", "found a list of 1; expected one table, [log] in single brackets"),
        ('[log]\n"odd key" = 5', 'log."odd key"', "unknown key; known here: level"),
    ],
)
def test_a_mistake_says_what_was_found_and_what_is_expected(tmp_path: Path, lines: str, key: str, message: str) -> None:
    error = only(tmp_path, LEAST + lines + "\n")
    assert (error.key, error.message) == (key, message)
    assert error.line == (5 if "brackets" in message or "section" in message else 6)


@pytest.mark.parametrize(
    ("lines", "line", "key", "message"),
    [
        ("rate_hz = 5", 7, "gnss.rate_hz", "nothing is sent to a generic receiver; say in gnss.receiver what it is: atgm336h, "),
        ('receiver = "l76"', 7, "gnss.receiver", 'there is no receiver "l76"; known: atgm336h, generic, l76k, '),
        ('receiver = "l76"', 7, "gnss.receiver", 'did you mean "l76k"?'),
        ('receiver = "l76k"\nrate_hz = 10', 8, "gnss.rate_hz", "found 10; expected one of what is known for Quectel L76K: keep, 1, 5"),
        ('receiver = "um220"\nconstellations = "all"', 8, "gnss.constellations", "found all; expected one of what is known for Unicore"),
        ('receiver = "mine/own.toml"', 7, "gnss.receiver", "own.toml cannot be read: No such file"),
        (
            'port = "socket://h:1"\nreceiver = "l76k"\nbaud_wanted = 115200',
            9,
            "gnss.baud_wanted",
            "socket://h:1 has no speed that could be changed; leave it at keep",
        ),
    ],
)
def test_what_a_receiver_cannot_be_told_is_refused(tmp_path: Path, lines: str, line: int, key: str, message: str) -> None:
    error = only(tmp_path, f"{LEAST}\n[gnss]\n{lines}\n".replace("\n\n[gnss]", "\n[gnss]"))
    assert (error.line, error.key) == (line - 1, key)
    assert message in error.message


def test_a_receivers_own_file_is_found_from_where_the_config_lies(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('name = "own"\n[[save]]\nplain = "x"\nsure = true\n')
    assert config_file.read(put(tmp_path, LEAST + '[gnss]\nreceiver = "own.toml"\n')).gnss.receiver == str(tmp_path / "own.toml")
    assert config_file.read(put(tmp_path, LEAST + '[gnss]\nreceiver = "l76k"\nrate_hz = 5\n')).gnss.receiver == "l76k"


def test_a_pin_of_the_uart_is_refused_when_the_uart_is_one_of_more_ports(tmp_path: Path) -> None:
    own = '[gnss]\nport = "/dev/ttyUSB0"\nmore_ports = ["/dev/serial0"]\n[[input]]\nid = "b"\npin = 15\n'
    assert "which gnss.more_ports uses" in only(tmp_path, LEAST + own).message


@pytest.mark.parametrize("name", ["JD 0417", "", "a/b", "+", "x" * 33, "北斗", "JD-0417\\n"])
def test_a_unit_id_is_explained_in_words(tmp_path: Path, name: str) -> None:
    error = only(tmp_path, LEAST.replace("JD-0417", name))
    assert (error.line, error.key) == (2, "unit.id")
    assert "1 to 32 letters, digits, - or _" in error.message or "invisible character U+000A" in error.message


@pytest.mark.parametrize(
    "endpoint", ["mqtt://h:0", "mqtt://h:65536", "mqtt://h:99999", "http://h", "mqtt://", "h:1883", "mqtt://u@h", "mqtt://u:p@h", 5]
)
def test_every_wrong_endpoint_is_named_by_its_own_line(tmp_path: Path, endpoint: str | int) -> None:
    written = f'"{endpoint}"' if isinstance(endpoint, str) else endpoint
    error = only(tmp_path, f'[unit]\nid = "a"\n[mqtt]\nendpoints = [\n  "mqtt://good:1",\n  {written},\n]\n')
    assert (error.line, error.key) == (6, "mqtt.endpoints[2]")


@pytest.mark.parametrize("written", ["[]", '"mqtt://localhost"'])
def test_endpoints_are_a_list_with_something_in_it(tmp_path: Path, written: str) -> None:
    error = only(tmp_path, f'[unit]\nid = "a"\n[mqtt]\nendpoints = {written}\n')
    assert error.message.endswith("expected a list of at least 1, each item mqtt://host:port or mqtts://host:port")


def test_a_missing_key_is_reported_at_its_table_or_at_the_end_of_the_file(tmp_path: Path) -> None:
    found = mistakes(tmp_path, '\n[unit]\nname = "x"\n[[input]]\nid = "a"\n# end\n')
    assert [(e.line, e.key) for e in found] == [(2, "unit.id"), (4, "input[1].pin"), (6, "mqtt.endpoints")]
    assert found[1].message.startswith("missing; expected a BCM pin number from 0 to 27, or pin_no and pin_nc")


def test_an_empty_file_lacks_what_is_required(tmp_path: Path) -> None:
    assert [(e.line, e.key) for e in mistakes(tmp_path, "")] == [(1, "unit.id"), (1, "mqtt.endpoints")]


def test_a_time_zone_must_exist(tmp_path: Path) -> None:
    for wrong, advice in (
        ("Asia/Shangai", 'did you mean "Asia/Shanghai"?'),
        ("../../etc/passwd", "expected a name"),
        ("Asia", "there is no time zone"),
    ):
        error = only(tmp_path, LEAST.replace("[mqtt]", f'timezone = "{wrong}"\n[mqtt]'))
        assert (error.line, error.key) == (3, "unit.timezone")
        assert advice in error.message


# --- keys that do not go together ----------------------------------------------------------------------------------------------------


def test_two_functions_on_one_pin_name_both_lines(tmp_path: Path) -> None:
    error = only(tmp_path, LEAST + '[[input]]\nid = "button"\npin = 17\n[[output]]\nid = "red"\npin = 17\n')
    assert (error.line, error.key) == (10, "output[1].pin")
    assert error.message == 'pin 17 is already used by input[1] "button" (line 7); one pin has one function'


def test_the_receivers_pins_are_taken_unless_it_is_elsewhere(tmp_path: Path) -> None:
    button = '[[input]]\nid = "button"\npin = 15\n'
    assert "RXD of /dev/serial0, which gnss.port uses (the default)" in only(tmp_path, LEAST + button).message
    assert "(line 9)" in only(tmp_path, LEAST + button + '[gnss]\nport = "/dev/serial0"\n').message
    assert config_file.read(put(tmp_path, LEAST + button + '[gnss]\nport = "/dev/ttyUSB0"\n')).input[0].pin == 15


def test_two_inputs_cannot_have_one_id_but_an_input_and_an_output_can(tmp_path: Path) -> None:
    one, two = '[[input]]\nid = "a"\npin = 4\n', '[[{}]]\nid = "a"\npin = 16\n'
    error = only(tmp_path, LEAST + one + two.format("input"))
    assert (error.line, error.key) == (9, "input[2].id")
    assert error.message == '"a" is already the id of input[1] (line 6); give it another'
    assert len(config_file.read(put(tmp_path, LEAST + one + two.format("output"))).output) == 1


@pytest.mark.parametrize(("key", "lacks"), [("cert", "mqtt.key"), ("key", "mqtt.cert"), ("password_file", "mqtt.username")])
def test_half_of_a_pair_is_refused(tmp_path: Path, key: str, lacks: str) -> None:
    error = only(tmp_path, LEAST + f'{key} = "{secret(tmp_path, "file")}"\n')
    assert (error.line, error.key) == (5, f"mqtt.{key}")
    assert lacks in error.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert only(tmp_path, LEAST + 'ca = "ca.pem"\n').message == f"there is no file {tmp_path / 'ca.pem'}; put it there, or correct the path"


def test_a_directory_and_an_empty_file_are_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "is a directory" in only(tmp_path, LEAST + 'ca = "."\n').message
    assert "is empty" in only(tmp_path, LEAST + 'ca = "empty"\n').message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_may_read_is_refused_with_the_command_to_run(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "two words"
    directory.mkdir()
    secret(directory, "pw").chmod(mode)
    error = only(directory, LEAST + 'username = "u"\npassword_file = "pw"\n')
    assert (error.line, error.key) == (6, "mqtt.password_file")
    assert error.message.endswith(f"(mode {mode:04o}); run: chmod 600 '{directory / 'pw'}'")


def test_a_certificate_may_be_read_by_all(tmp_path: Path) -> None:
    secret(tmp_path, "unit.pem").chmod(0o644)
    secret(tmp_path, "unit.key")
    assert config_file.read(put(tmp_path, LEAST + 'cert = "unit.pem"\nkey = "unit.key"\n')).mqtt.cert == str(tmp_path / "unit.pem")


def test_a_file_that_this_user_may_not_read_is_refused(tmp_path: Path) -> None:
    said = _unfit(secret(tmp_path, "pw"), secret=True, may_read=lambda file, how: False)
    assert said is not None
    assert "may not be read by this user" in said


# --- all at once ---------------------------------------------------------------------------------------------------------------------


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
[report]
interval_s = "fast"
[[output]]
id = "Red"
pin = 17
[[input]]
id = "button"
pin = 17
holds_s = 1
[unit]
id = "a b"
timezone = "Mars/Olympus"
# end
"""
    assert [(e.line, e.key) for e in mistakes(tmp_path, text)] == [
        (2, "report.interval_s"),
        (4, "output[1].id"),
        (8, "input[1].pin"),
        (9, "input[1].holds_s"),
        (11, "unit.id"),
        (12, "unit.timezone"),
        (13, "mqtt.endpoints"),
    ]


def test_as_text_each_mistake_is_a_line_with_file_line_and_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as raised:
        config_file.read(put(tmp_path, LEAST + '[report]\ninterval_s = "fast"\n'))
    assert (
        str(raised.value) == f'{tmp_path}/agent.toml:6: report.interval_s: found "fast" (text); expected a number from 0.1 to 3600 seconds'
    )


# --- no TOML, no file ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("[unit]\nid = JD-0417\n", 2, 'Invalid value; text stands in straight quotes: "…"'),
        ("[unit]\nid = “JD-0417”\n", 2, "straight quotes"),
        ("[unit]\nid = 'a'\nid = 'b'\n", 3, "Cannot overwrite a value"),
        ("[unit]\n[log]\n[unit]\n", 3, "twice"),
        ("[unit]\nlist = [1,\n\n", 3, "Invalid value"),
    ],
)
def test_a_syntax_error_has_its_line_and_says_that_reading_stopped(tmp_path: Path, text: str, line: int, part: str) -> None:
    error = only(tmp_path, text)
    assert error.line == line
    assert part in error.message
    assert "Reading stopped here" in error.message


def test_a_file_that_is_not_utf8_is_told_so_with_its_line(tmp_path: Path) -> None:
    error = only(tmp_path, '[unit]\nname = "巡逻车"\n'.encode("gbk"))
    assert error.line == 2
    assert "save the file as UTF-8" in error.message


def test_what_is_no_config_at_all_is_refused_within_limits(tmp_path: Path) -> None:
    assert "not a config file" in only(tmp_path, "#" * (config_file.BYTES_MAX + 1)).message
    assert "hundreds deep" in only(tmp_path, "a = " + "[" * 50_000).message
    assert "not TOML" in only(tmp_path, "a = " + "9" * 9999).message


def test_a_missing_file_and_a_directory_are_told_what_to_do(tmp_path: Path) -> None:
    for path, advice in (
        (tmp_path / "none.toml", "copy firmware_config/agent.toml"),
        (tmp_path, "name the file in it"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(ConfigErrors) as raised:
            config_file.read(path)
        assert advice in str(raised.value)


def test_a_file_that_may_not_be_read_is_told_what_to_do(tmp_path: Path) -> None:
    file = put(tmp_path, LEAST)
    file.chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)  # root may read everything: be nobody for a moment
    try:
        with pytest.raises(ConfigErrors, match="may not be read by this user; run as root"):
            config_file.read(file)
    finally:
        os.seteuid(was)


FILE_WORDS = [
    "[unit]",
    "[mqtt]",
    "[[input]]",
    "[input]",
    "[report.x]",
    "id = 'a'",
    "pin = 17",
    "endpoints = [1, {a = 2}]",
    "interval_s = 9",
    "= 3",
    "'''",
]


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(FILE_WORDS), max_size=12).map(lambda lines: "\n".join(lines).encode())))
def test_no_file_whatever_raises_anything_but_its_mistakes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigErrors) as raised:
        config_file.read(file)
    assert all(error.line is None or 1 <= error.line <= data.count(b"\n") + 1 for error in raised.value.errors)


@pytest.mark.parametrize(("key", "other"), [("lat", "lon"), ("lon", "lat")])
def test_a_surveyed_place_needs_both_coordinates(tmp_path: Path, key: str, other: str) -> None:
    error = only(tmp_path, LEAST + f"[place]\n{key} = 36.6\n")
    assert error.message == f"{key} is of no use alone; say place.{other} too, or remove {key}"
