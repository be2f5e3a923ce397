"""The udev rules: every jump has its label, every receiver that is nothing else is known, no adapter is taken by its chip alone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

RULES = Path(__file__).parent.parent / "systemd" / "70-outpost-gnss.rules"
KEYS = r'(ACTION|SUBSYSTEM|KERNEL|ATTRS\{\w+\}|ENV\{\w+\}|SYMLINK|GOTO|LABEL)(==|!=|\+=|=)"[^"]*"'
ADAPTERS = ("10c4", "0403", "1a86", "067b")


def rules() -> list[str]:
    """Those in force."""
    return [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]


def examples() -> list[str]:
    """Those to be taken in by hand."""
    return [line.removeprefix("#") for line in RULES.read_text().splitlines() if line.startswith("#ATTRS")]


def test_every_rule_is_made_of_keys_that_udev_knows() -> None:
    for rule in [*rules(), *examples()]:
        assert re.fullmatch(rf"{KEYS}(, {KEYS})*", rule), rule


def test_every_jump_goes_forward_to_a_label() -> None:
    for number, rule in enumerate(rules()):
        for label in re.findall(r'GOTO="(\w+)"', rule):
            assert any(f'LABEL="{label}"' in later for later in rules()[number:]), rule


def test_no_adapter_is_taken_before_somebody_has_said_which() -> None:
    assert not [rule for rule in rules() if any(chip in rule for chip in ADAPTERS)]
    assert {re.findall(r'idVendor\}=="(\w+)"', example)[0] for example in examples()} == set(ADAPTERS)


def test_the_config_tells_the_name_that_the_rules_make() -> None:
    (link,) = re.findall(r'SYMLINK\+="([^"]+)"', RULES.read_text())
    assert f"/dev/{link}" in (RULES.parent.parent / "firmware_config" / "agent.toml").read_text()


def test_udev_finds_nothing_wrong() -> None:
    udevadm = shutil.which("udevadm")
    if udevadm is None or "verify" not in subprocess.run([udevadm, "--help"], capture_output=True, text=True, check=False).stdout:
        pytest.skip("udevadm verify is of systemd 254")
    told = subprocess.run([udevadm, "verify", RULES], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
