"""Whatever lies in the folder of keys, the agent starts; in a booted tree, one after the other: what kept it from starting before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.car import InstalledCar
from tests.install.tree import Tree

KEYS = "/etc/outpost/keys"

STRAYS = {
    "a name that is not plain ASCII": (f"echo old > {KEYS}/旧证书.crt", "plain ASCII names"),
    "a name with a colon": (f"echo old > {KEYS}/unit:old.key", "plain ASCII names"),
    "more than a megabyte": (f"head -c 1100000 /dev/zero > {KEYS}/backup.tar", "so it is no key"),
    "more than a megabyte together": (f"for n in {{1..30}}; do head -c 60000 /dev/zero > {KEYS}/part$n; done", "all together have more"),
    "a name of 250 characters": (f"touch {KEYS}/$(printf %0250d 0)", "its name has 250 characters"),
    "a link to nowhere": (f"ln -s nowhere {KEYS}/old.crt", "cannot be read (No such file"),
    "a folder with a file": (f"mkdir {KEYS}/old; echo old > {KEYS}/old/unit.key", "it is no file"),
    "a pipe": (f"mkfifo {KEYS}/pipe", "it is no file"),
    "a file in the folder's place": (f"rm -r {KEYS}; echo oops > {KEYS}", "cannot be read (Not a directory)"),
    "no folder": (f"rm -r {KEYS}", ""),
    "a stage that cannot be laid": ("rm -r /run/outpost-keys; echo oops > /run/outpost-keys", ""),
}

SLOW = "/etc/systemd/system/outpost-keys-stage.service.d/slow.conf"
OFTEN = "/etc/systemd/system/outpost-keys.timer.d/often.conf"


@pytest.fixture(scope="module")
def car(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledCar]:
    with Tree.copied(installed, tmp_path_factory.mktemp("tree") / "root") as tree, InstalledCar(tree) as made:
        tree.write(f"{KEYS}/unit.key", "secret", 0o600).parent.chmod(0o700)
        tree.boot()
        made.wait_active()
        # Each test starts the agent by hand; what comes by itself is tried below and in test_keys.py.
        tree.run(["systemctl", "stop", "outpost-keys.path", "outpost-keys.timer", "outpost.service"])
        yield made


@pytest.mark.parametrize("stray", STRAYS)
def test_the_agent_starts_whatever_lies_among_its_keys_and_the_journal_says_what_was_left_out(car: InstalledCar, stray: str) -> None:
    tree, (make, said) = car.tree, STRAYS[stray]
    seen = tree.journal("outpost-keys-stage.service").count(said) if said else 0
    tree.run(["bash", "-c", make])
    try:
        tree.run(["systemctl", "start", "outpost.service"])
        assert car.status()["unit"]["ready"]
        assert car.restarts == 0
        if said:
            assert tree.journal("outpost-keys-stage.service").count(said) > seen
        if "folder's place" not in stray and stray not in ("no folder", "a stage that cannot be laid"):
            assert tree.run(["cat", "/run/credentials/outpost.service/keys_unit.key"]).stdout == "secret"
    finally:
        tree.run(["systemctl", "stop", "outpost.service"])
        tree.run(["bash", "-c", f"rm -rf /run/outpost-keys {KEYS}; install -d -m 700 {KEYS}; echo -n secret > {KEYS}/unit.key"])


def test_after_a_kill_the_keys_are_laid_out_before_the_next_start_too(car: InstalledCar) -> None:
    car.tree.run(["systemctl", "start", "outpost.service"])
    try:
        car.tree.run(["bash", "-c", f"echo -n newer > {KEYS}/unit.key"])
        before = car.pid
        car.signal("KILL")
        car.next_process(before)
        car.wait_active()
        assert car.tree.run(["cat", "/run/credentials/outpost.service/keys_unit.key"]).stdout == "newer"
        took = (int(car.tree.show("outpost-keys-stage", f"{name}TimestampMonotonic")) / 1e6 for name in ("InactiveExit", "InactiveEnter"))
        began, ended = took
        print(f"\nthe keys were laid out in {ended - began:.2f} s")
    finally:
        car.tree.run(["systemctl", "stop", "outpost.service"])


def test_nobody_but_root_looks_into_the_stage(car: InstalledCar) -> None:
    car.tree.run(["systemctl", "start", "outpost-keys-stage.service"])
    assert car.tree.run(["stat", "-c", "%a %U", "/run/outpost-keys"]).stdout == "700 root\n"
    assert car.tree.run(["runuser", "-u", "outpost", "--", "ls", "/run/outpost-keys"], check=False).returncode != 0


# --- the timer ----------------------------------------------------------------------------------------------------------------------------


def handed(car: InstalledCar) -> str:
    """The key that the agent was given; empty when none."""
    return car.tree.run(["cat", "/run/credentials/outpost.service/keys_unit.key"], check=False).stdout


def look_twice(car: InstalledCar) -> None:
    """Until the timer has had the keys looked at two times more."""
    ends = {car.tree.show("outpost-keys", "InactiveEnterTimestampMonotonic")}

    def ended() -> bool:
        ends.add(car.tree.show("outpost-keys", "InactiveEnterTimestampMonotonic"))
        return len(ends - {"0"}) > 2

    car.tree.wait_for("the keys are looked at twice", ended)


def test_keys_that_could_not_be_laid_out_at_the_boot_are_taken_up_without_a_hand(car: InstalledCar) -> None:
    """The stage takes too long once, as on a card that all others read at that moment too; the timer is as it is shipped."""
    car.tree.shut_down()
    car.tree.write(f"{KEYS}/unit.key", "of the boot", 0o600)
    slow = car.tree.write(SLOW, "[Service]\nExecStartPre=/bin/sleep 60\n")
    car.tree.boot()
    car.wait_active()
    assert car.tree.show("outpost-keys-stage", "Result") == "timeout"
    assert (handed(car), car.status()["unit"]["ready"]) == ("", True)
    slow.unlink()
    car.tree.run(["systemctl", "daemon-reload"])
    began, pid = car.started_at, car.pid
    car.tree.wait_for("it has its keys", lambda: handed(car) == "of the boot", 180.0)
    print(f"\nthe next start, with keys, was {car.started_at - began:.0f} s after the one without")
    car.wait_active()
    assert (car.pid != pid, car.restarts) == (True, 0)


def test_a_key_that_the_path_unit_has_not_seen_is_taken_up_once_and_then_nothing_is_said(car: InstalledCar) -> None:
    tree = car.tree
    tree.write(OFTEN, "[Timer]\nOnUnitInactiveSec=1s\n")
    tree.run(["systemctl", "daemon-reload"])
    tree.run(["systemctl", "stop", "outpost-keys.path"])
    tree.run(["systemctl", "restart", "outpost-keys.timer"])
    tree.run(["systemctl", "start", "outpost-keys.service"], check=False)
    car.wait_active()
    tree.run(["bash", "-c", f"echo -n unseen > {KEYS}/unit.key; echo old > {KEYS}/unit:old.key"])
    tree.wait_for("the agent has it", lambda: handed(car) == "unseen")
    car.wait_active()
    car.wait_active("outpost-keys.service", "inactive")
    pid, said = car.pid, tree.journal("outpost-keys.service")
    assert "the agent is to be given other keys than it has" in said
    assert "unit:old.key is left out" in said
    look_twice(car)
    assert (car.pid, car.restarts) == (pid, 0)
    # A systemd in a container complains of its control groups.
    fresh = tree.journal("outpost-keys.service").removeprefix(said).splitlines()
    assert [line for line in fresh if "control group" not in line] == [], "the stray is not named every five minutes"


def test_keys_that_cannot_be_laid_out_restart_no_agent_however_often_they_are_looked_at(car: InstalledCar) -> None:
    tree, pid = car.tree, car.pid
    tree.run(["bash", "-c", "rm -r /run/outpost-keys; echo oops > /run/outpost-keys"])
    look_twice(car)
    assert "Failed to start" in tree.journal("outpost-keys.service")
    assert (car.pid, car.restarts) == (pid, 0)
    tree.run(["rm", "/run/outpost-keys"])
    tree.run(["systemctl", "stop", "outpost-keys.timer"])
