"""config.txt and cmdline.txt get our lines, keep everybody else's, and get theirs back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.installer import bootconfig
from agent.installer.site import Failed
from tests.installer.machine import BOOT, CMDLINE, Machine

CONFIG = "/boot/firmware/config.txt"
COMMANDS = "/boot/firmware/cmdline.txt"


def test_our_lines_stand_between_marks_after_everybody_elses(unit: Machine) -> None:
    text = unit.read(CONFIG)
    assert text.startswith(BOOT)
    assert text[len(BOOT) :].split("\n")[1:-1] == [bootconfig.BEGIN, "[all]", "enable_uart=1", "gpio=23=op,dl", bootconfig.END]


def test_the_console_leaves_the_uart_and_nothing_else_does(unit: Machine) -> None:
    assert unit.read(COMMANDS) == "console=tty1 root=PARTUUID=1-02 rootwait\n"


def test_both_files_are_kept_as_they_were_before_us(unit: Machine) -> None:
    unit.install("2.0")
    assert unit.read(CONFIG + ".before-outpost") == BOOT
    assert unit.read(COMMANDS + ".before-outpost") == CMDLINE


def test_what_somebody_added_since_stays(unit: Machine) -> None:
    path = unit.root / CONFIG.lstrip("/")
    path.write_text(path.read_text() + "dtoverlay=gpio-fan\n")
    unit.install("1.0")
    assert "dtoverlay=gpio-fan" in unit.read(CONFIG)
    assert unit.read(CONFIG).endswith(bootconfig.END + "\n")
    unit.changes.clear()
    unit.install("1.0")
    assert unit.changes == []


def test_a_restart_is_asked_for_only_when_the_boot_config_has_changed(unit: Machine) -> None:
    unit.install("2.0")
    assert "sudo reboot" not in unit.said[-1]
    path = unit.root / CONFIG.lstrip("/")
    path.write_text(BOOT)
    unit.install("2.0")
    assert "sudo reboot" in unit.said[-1]


def test_older_systems_have_it_in_boot_itself(machine: Machine) -> None:
    for name in ("config.txt", "cmdline.txt"):
        (machine.root / "boot/firmware" / name).rename(machine.root / "boot" / name)
    machine.configure()
    machine.install("1.0")
    assert bootconfig.BEGIN in machine.read("/boot/config.txt")


def test_half_a_block_is_nobodys_to_guess(unit: Machine) -> None:
    path = unit.root / CONFIG.lstrip("/")
    path.write_text(path.read_text().replace(bootconfig.END, ""))
    with pytest.raises(Failed, match="remove these lines"):
        unit.install("1.0")


@given(st.text("ab[]=#\n"), st.lists(st.text("xyz=", min_size=1), max_size=3), st.text("ab\n"))
def test_taking_our_lines_out_gives_back_what_was_there(text: str, ours: list[str], after: str) -> None:
    put = bootconfig.with_block(text, ours)
    assert bootconfig.without_block(put) == text
    assert bootconfig.with_block(put, ours) == put
    both = bootconfig.without_block(put + after)
    assert [line for line in both.split("\n") if line] == [line for line in (text + "\n" + after).split("\n") if line]
