"""Inputs, outputs and shows of a config: every mistake between their keys is found, and told with what to do."""

from pathlib import Path

import pytest

from agent import config_file
from agent.config import Config, InputUse
from agent.config_file import ConfigError, ConfigErrors

LEAST = '[unit]\nid = "JD-0417"\n[mqtt]\nendpoints = ["mqtt://localhost"]\n'
LIGHTS = "".join(f'[[output]]\nid = "{name}"\ngroup = "{name}"\npin = {pin}\n' for name, pin in (("front", 23), ("rear", 24)))


def read(directory: Path, text: str) -> Config:
    file = directory / "agent.toml"
    file.write_text(LEAST + text)
    return config_file.read(file)


def mistakes(directory: Path, text: str) -> list[ConfigError]:
    with pytest.raises(ConfigErrors) as raised:
        read(directory, text)
    return raised.value.errors


def only(directory: Path, text: str) -> ConfigError:
    found = mistakes(directory, text)
    assert len(found) == 1, found
    return found[0]


def wired(keys: str, use: str = "generic") -> str:
    """One input on line 5 with its keys from line 8 on."""
    return f'[[input]]\nid = "b"\nuse = "{use}"\n{keys}\n'


# --- one pin or two -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "key", "message"),
    [
        ("", "pin", "missing; expected a BCM pin number from 0 to 27, or pin_no and pin_nc for the two contacts of a supervised switch"),
        ("pin = 4\npin_no = 5\npin_nc = 6", "pin_no", "an input has one pin, or pin_no and pin_nc; remove pin, or this"),
        ("pin = 4\npin_nc = 6", "pin_nc", "an input has one pin, or pin_no and pin_nc; remove pin, or this"),
        ("pin_no = 5", "pin_no", "pin_no is of no use alone; say pin_nc too, or pin for a switch with one contact"),
        ("pin_nc = 5", "pin_nc", "pin_nc is of no use alone; say pin_no too, or pin for a switch with one contact"),
    ],
)
def test_an_input_has_one_pin_or_both_contacts(tmp_path: Path, keys: str, key: str, message: str) -> None:
    error = only(tmp_path, wired(keys))
    assert (error.key, error.message) == (f"input[1].{key}", message)


def test_a_supervised_input_has_two_lines(tmp_path: Path) -> None:
    config = read(tmp_path, wired("pin_no = 17\npin_nc = 4", "panic"))
    assert config.input[0].lines() == {"b.no": 17, "b.nc": 4}


@pytest.mark.parametrize("first", ["pin = 17", "pin_no = 17\npin_nc = 4", "pin_no = 4\npin_nc = 17"])
@pytest.mark.parametrize("second", ['[[input]]\nid = "c"\npin = 17', '[[output]]\nid = "c"\npin = 17'])
def test_two_functions_on_one_pin_are_found_whichever_key_says_it(tmp_path: Path, first: str, second: str) -> None:
    error = only(tmp_path, wired(first) + second + "\n")
    line = 5 + wired(first).split("\n").index(next(text for text in first.split("\n") if "17" in text))
    assert error.message == f'pin 17 is already used by input[1] "b" (line {line}); one pin has one function'


def test_both_contacts_on_one_pin_are_refused(tmp_path: Path) -> None:
    error = only(tmp_path, wired("pin_no = 17\npin_nc = 17"))
    assert (error.key, error.line) == ("input[1].pin_nc", 9)


@pytest.mark.parametrize("key", ["pin", "pin_no"])
def test_the_pins_of_the_receiver_are_taken(tmp_path: Path, key: str) -> None:
    keys = f"{key} = 15" + ("\npin_nc = 4" if key == "pin_no" else "")
    assert "pin 15 is RXD of /dev/serial0" in only(tmp_path, wired(keys)).message


@pytest.mark.parametrize(("pull", "active"), [("up", "high"), ("down", "low")])
def test_a_supervised_input_whose_cut_wire_would_read_as_a_short_is_refused(tmp_path: Path, pull: str, active: str) -> None:
    error = only(tmp_path, wired(f'pin_no = 17\npin_nc = 4\npull = "{pull}"\nactive = "{active}"'))
    assert "a cut would be taken for a short" in error.message
    read(tmp_path, wired(f'pin = 17\npull = "{pull}"\nactive = "{active}"'))


@pytest.mark.parametrize("pull", ["down", "none"])
def test_a_pin_that_the_pi_itself_pulls_up_has_no_other_pull(tmp_path: Path, pull: str) -> None:
    """gpiozero refuses it as well, but only when the agent runs."""
    error = only(tmp_path, wired(f'pin = 3\npull = "{pull}"'))
    assert error.message == f'pin 3 is pulled up by 1.8 kΩ on the Pi, found pull = "{pull}"; say pull = "up", or take another pin'


# --- keys and uses --------------------------------------------------------------------------------------------------------------------

KEYS = {
    "hold_s": ("1.0", {"panic", "panic_cancel"}),
    "press": ('"twice"', {"panic"}),
    "mode": ('"silent"', {"panic"}),
    "seat": ('"driver"', {"panic"}),
    "show": ('"scene"', {"light_hand"}),
    "senses": ('"front"', {"light_sense"}),
    "alive_s": ("5.0", {"recorder_alive"}),
}


@pytest.mark.parametrize("use", [use.value for use in InputUse])
@pytest.mark.parametrize("key", KEYS)
def test_a_key_beside_a_use_that_it_says_nothing_about_is_refused(tmp_path: Path, use: str, key: str) -> None:
    value, uses = KEYS[key]
    needs = 'show = "scene"\n' if use == "light_hand" and key != "show" else ""
    text = LIGHTS + wired(f"pin = 4\n{needs}{key} = {value}", use)
    if use in uses:
        assert read(tmp_path, text).input[0].use.value == use
    else:
        error = only(tmp_path, text)
        assert error.key == f"input[1].{key}"
        assert f"{key} says nothing about an input of use {use}; it is for " in error.message


@pytest.mark.parametrize(
    ("use", "keys", "key", "message"),
    [
        (
            "panic",
            "debounce_s = 5",
            "debounce_s",
            "a press is believed only after 5 s (debounce_s), but is an alarm after 0.5 s (hold_s): let go between, it is none; expected",
        ),
        (
            "panic",
            "debounce_s = 0.2\nhold_s = 0.1",
            "debounce_s",
            "a press is believed only after 0.2 s (debounce_s), but is an alarm after",
        ),
        ("panic", "release_s = 60", "release_s", "found 60; expected at most 1 for a button that is held: touches would add up to one"),
        ("panic_cancel", "release_s = 1.5", "release_s", "found 1.5; expected at most 1 for a button that is held"),
        ("panic", "debounce_s = 0.1\nhold_s = 0.1\nrelease_s = 1", "", ""),
        ("panic", "hold_s = 0.05", "", ""),
        ("panic_cancel", "debounce_s = 1", "", ""),
        ("ignition", "debounce_s = 5\nrelease_s = 60", "", ""),
    ],
)
def test_a_button_that_would_lose_a_press_or_add_touches_up_to_one_is_refused(
    tmp_path: Path, use: str, keys: str, key: str, message: str
) -> None:
    text = wired(f"pin = 4\n{keys}", use)
    if not message:
        assert read(tmp_path, text).input[0].use.value == use
        return
    error = only(tmp_path, text)
    assert error.key == f"input[1].{key}"
    assert error.message.startswith(message)


def test_a_use_that_is_wrong_itself_makes_no_second_mistake_of_its_keys(tmp_path: Path) -> None:
    assert only(tmp_path, wired('pin = 4\nmode = "silent"', "pannic")).key == "input[1].use"


def test_a_hand_switch_needs_a_show_that_there_is(tmp_path: Path) -> None:
    assert only(tmp_path, LIGHTS + wired("pin = 4", "light_hand")).message.startswith("missing; expected the show")
    error = only(tmp_path, LIGHTS + wired('pin = 4\nshow = "respones"', "light_hand"))
    assert error.message == 'there is no show "respones"; did you mean "response"?'
    own = '[[show]]\nname = "escort"\ngroup = "front"\npatterns = ["on"]\n'
    assert read(tmp_path, LIGHTS + own + wired('pin = 4\nshow = "escort"', "light_hand")).input[0].show == "escort"


def test_a_sense_line_sees_a_group_that_there_is(tmp_path: Path) -> None:
    error = only(tmp_path, LIGHTS + wired('pin = 4\nsenses = "fronts"', "light_sense"))
    assert error.message == 'no light is in a group "fronts"; did you mean "front"?'


def test_only_lights_are_in_a_group(tmp_path: Path) -> None:
    error = only(tmp_path, '[[output]]\nid = "b"\nuse = "buzzer"\ngroup = "front"\npin = 23\n')
    assert error.message == "group says nothing about an output of use buzzer; it is for light: remove it, or correct use"


def test_shed_groups_are_there_and_shed_once(tmp_path: Path) -> None:
    assert read(tmp_path, LIGHTS + '[lights]\nshed = ["rear", "front"]\n').lights.shed == ("rear", "front")
    found = mistakes(tmp_path, LIGHTS + '[lights]\nshed = ["rear", "side", "rear"]\n')
    assert [(e.key, e.message) for e in found] == [
        ("lights.shed[2]", 'no light is in a group "side"; there are: front, rear'),
        ("lights.shed[3]", '"rear" is there already: a group is shed once; remove it'),
    ]


# --- shows ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "says"),
    [
        ('["500 500", "0 400 400"]', "patterns of one group keep step only with one period"),
        ('["10 990"]', "found a step of 10 ms"),
        ('["12000 9000"]', "found a period of 21000 ms; expected at most 20000: longer looks like a dead bar"),
        ('["fast"]', 'expected "on", "off", or milliseconds on and off in turn'),
        ("[]", "expected a list of at least 1"),
        ('"on"', "expected a list of at least 1"),
    ],
)
def test_a_show_that_cannot_be_played_is_refused(tmp_path: Path, patterns: str, says: str) -> None:
    error = only(tmp_path, f'{LIGHTS}[[show]]\nname = "escort"\ngroup = "front"\npatterns = {patterns}\n')
    assert error.line == 16
    assert says in error.message


def test_a_group_has_its_patterns_in_a_show_once_and_is_there(tmp_path: Path) -> None:
    show = '[[show]]\nname = "escort"\ngroup = "{}"\npatterns = ["on"]\n'
    found = mistakes(tmp_path, LIGHTS + show.format("front") * 2 + show.format("side"))
    assert [e.key for e in found] == ["show[2].group", "show[3].group"]
    assert read(tmp_path, LIGHTS + show.format("front") + show.format("rear")).show[1].group == "rear"


@pytest.mark.parametrize(
    ("window", "right"), [("20:00-06:00", True), ("sunset-sunrise", True), ("24:00-06:00", False), ("8:00-9:00", False), ("dusk", False)]
)
def test_windows_of_the_day_are_read_from_a_list(tmp_path: Path, window: str, right: bool) -> None:
    text = f'[lights]\ncruise = "schedule"\nschedule = ["06:00-07:00", "{window}"]\n'
    if right:
        assert read(tmp_path, text).lights.schedule == ("06:00-07:00", window)
    else:
        error = only(tmp_path, text)
        assert (error.key, "a window of the day" in error.message) == ("lights.schedule[2]", True)


def test_a_policy_of_the_recorder_is_a_list_of_words(tmp_path: Path) -> None:
    assert read(tmp_path, "[recorder]\nmark_on = []\n").recorder.mark_on == ()
    error = only(tmp_path, '[recorder]\nmark_on = ["panics"]\n')
    assert error.message == 'found "panics" (text); expected "panic", "lights" or "order"; did you mean "panic"?'
