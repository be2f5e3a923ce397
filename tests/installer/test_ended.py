"""The installer ends before its time, by a signal or by a disk that fails: the agent that ran runs again, and the next run goes on."""

import errno
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from agent.installer import bootconfig, install, links, move, removal, state, trial
from agent.installer.__main__ import change
from agent.installer.options import parser
from agent.installer.signals import Signals, Stopped
from agent.installer.site import Failed
from tests import sources
from tests.installer.machine import DIES, Machine
from tests.installer.test_move import STORE, store, with_store
from tests.installer.test_trial import CHANGES_MAX, laid_version, units

ENDS = ("signal", "disk")


def every_end(end: str, make: Callable[[], Machine], do: Callable[[Machine], object], then: Callable[[Machine, str], None]) -> int:
    """Do it on a new unit, ended so before its n-th change, for each n. How many."""
    for cut in range(CHANGES_MAX):
        machine = make()
        machine.changes.clear()
        machine.ended_by, machine.cut_before = ("signal" if end == "signal" else "disk"), cut
        ended = ""
        try:
            do(machine)
        except (Stopped, OSError, Failed) as e:
            ended = repr(e)
        if machine.cut_before >= 0:
            return cut
        machine.wait(120)
        then(machine, f"ended at {cut}: {ended}; {machine.changes[-3:]}")
    raise AssertionError(f"more than {CHANGES_MAX} changes")


# --- what may end it --------------------------------------------------------------------------------------------------------------------


def test_the_first_signal_ends_it_and_no_second_one_disturbs_what_puts_things_in_order() -> None:
    signals = Signals()
    with pytest.raises(Stopped):
        signals.came(signal.SIGTERM)
    signals.came(signal.SIGTERM)


def test_a_signal_waits_where_it_is_held_but_for_the_work_that_may_be_ended() -> None:
    signals, order = Signals(), []
    with pytest.raises(Stopped), signals.held():
        signals.came(signal.SIGTERM)
        order.append("stopped the agent")
        try:
            with signals.free():
                order.append("never")
        finally:
            order.append("started the agent")
    assert order == ["stopped the agent", "started the agent"]


def test_of_a_terminal_that_is_gone_it_and_what_it_starts_hear_nothing() -> None:
    code = """
import os, signal, sys
from agent.installer.machine import Debian
from agent.installer.signals import Signals, Stopped
Signals().listen()
os.kill(os.getpid(), signal.SIGHUP)
assert Debian().run(["sh", "-c", "kill -HUP $$; echo goes on"]).text == "goes on\\n"
try:
    os.kill(os.getpid(), signal.SIGTERM)
except Stopped as e:
    sys.exit(e.number)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=sources.PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (signal.SIGTERM, "")


SAYS = """
import sys
from agent.installer.voice import Voice
voice = Voice("en")
sys.stdin.readline()
for number in range(3):
    voice.say(f"step {number}")
voice.complain("not done")
"""


def test_it_goes_on_where_nobody_reads_what_it_says() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS], cwd=sources.PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    _, complaint = process.communicate("\n")
    assert (process.returncode, complaint) == (0, "not done\n"), "who still listens is told"


def test_it_goes_on_at_a_terminal_that_was_hung_up() -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS], cwd=sources.PROJECT, stdin=subprocess.PIPE, stdout=its, stderr=its, start_new_session=True
    )
    for each in (its, ours):
        os.close(each)
    process.communicate(b"\n")
    assert process.returncode == 0


# --- an upgrade -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("how", ["good", DIES])
def test_an_upgrade_that_is_ended_anywhere_leaves_a_version_that_was_tried(new_machine: Callable[[], Machine], end: str, how: str) -> None:
    make = units(new_machine, installed=True)

    def upgrade(machine: Machine) -> None:
        machine.runs["2.0"] = how
        machine.install("2.0")

    def then(machine: Machine, told: str) -> None:
        current = links.current(machine.site)
        assert machine.running == current in ("1.0", "2.0"), told
        assert current == "1.0" or "2.0 is in use" in trial.last_verdict(machine.site), told
        assert not machine.places.trial.exists(), told
        machine.runs["2.0"] = "good"
        assert machine.install("2.0") == 0, told
        assert (machine.running, laid_version(machine)) == ("2.0", {"2.0"}), told

    assert every_end(end, make, upgrade, then) > 25


def test_an_agent_whose_version_is_no_longer_the_one_in_use_is_followed_by_a_trial_of_that(unit: Machine) -> None:
    unit.install("2.0")
    links.use(unit.site, "1.0")
    assert changed(unit, "apply") == 0
    assert unit.running == "1.0"
    assert "1.0 is in use; 2.0 is kept" in trial.last_verdict(unit.site)
    links.use(unit.site, "2.0")
    unit.runs["2.0"] = DIES
    assert changed(unit, "apply") == 1
    assert (unit.running, links.current(unit.site)) == ("1.0", "1.0")


def test_a_version_that_failed_goes_also_when_its_units_cannot_be_replaced(unit: Machine) -> None:
    unit.faults["2.0"] = ["inputs.failed"]
    read_only = unit.places.units / "outpost.service.outpost-new"
    judge = unit._judge

    def on_a_disk_that_fails() -> None:
        read_only.mkdir()
        with pytest.raises(OSError, match="directory"):
            judge()
        assert unit.running == "1.0", "the agent is what counts"
        read_only.rmdir()
        judge()

    unit._judge = on_a_disk_that_fails  # type: ignore[method-assign]  # the disk of this machine, at this moment
    assert unit.install("2.0") == 1
    assert laid_version(unit) == {"1.0"}


# --- a move of the store ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
def test_a_move_that_is_ended_anywhere_leaves_the_agent_running_and_no_mount_of_ours(new_machine: Callable[[], Machine], end: str) -> None:
    def then(machine: Machine, told: str) -> None:
        assert machine.running == "1.0", told
        assert set(machine.mounts) <= {machine.places.state}, told
        assert store(machine) == STORE, told
        assert move.move(machine.site, 60) == 0, told
        assert state.is_mounted(machine.site), told
        assert store(machine) == STORE, told
        assert list((machine.below / "outpost").iterdir()) == [], told

    assert every_end(end, lambda: with_store(new_machine()), lambda machine: move.move(machine.site, 60), then) > 25


def test_after_a_run_that_was_killed_the_next_one_takes_its_mount_away_and_starts_the_agent(machine: Machine) -> None:
    with_store(machine)
    for name in ("disk", "root"):
        machine.run(["mount", "--bind", "", str(machine.root / "run/outpost-move" / name)])
    machine.running = ""
    assert move.move(machine.site, 60) == 0
    assert machine.running == "1.0"
    assert set(machine.mounts) == {machine.places.state}
    machine.running = ""
    assert move.move(machine.site, 60) == 0
    machine.wait(10)
    assert machine.running == "1.0", "killed after the mount"


def test_an_agent_that_is_just_between_two_starts_is_started_again_too(machine: Machine) -> None:
    with_store(machine)
    machine.runs["1.0"] = DIES
    machine.free = 1000
    with pytest.raises(Failed, match="take a larger one"):
        move.move(machine.site, 60)
    assert machine.running == "1.0"


# --- an uninstallation ------------------------------------------------------------------------------------------------------------------


def test_an_uninstallation_that_is_ended_leaves_all_or_nothing(new_machine: Callable[[], Machine]) -> None:
    def then(machine: Machine, told: str) -> None:
        if machine.places.opt.exists():
            assert machine.running == "1.0", told
            assert {"outpost.service", "outpost.target", "outpost-trial.service"} <= machine.enabled, told
            removal.uninstall(machine.site, purge=False)
        assert not machine.places.opt.exists(), told
        assert machine.running == "", told

    make = units(new_machine, installed=True)
    assert every_end("signal", make, lambda machine: removal.uninstall(machine.site, purge=False), then) > 10


def test_an_uninstallation_on_a_disk_that_fails_leaves_an_agent_that_is_still_there_running(new_machine: Callable[[], Machine]) -> None:
    ran = 0

    def then(machine: Machine, told: str) -> None:
        nonlocal ran
        places = machine.places
        needed = (places.current / "bin/outpost", places.units / "outpost.service", places.units / "outpost.target")
        if all(path.exists() for path in needed):
            assert (machine.running, "outpost.service" in machine.enabled) == ("1.0", True), told
            ran += 1
        if places.opt.exists():
            removal.uninstall(machine.site, purge=False)
        assert not places.opt.exists(), told
        assert machine.running == "", told

    make = units(new_machine, installed=True)
    assert every_end("disk", make, lambda machine: removal.uninstall(machine.site, purge=False), then) > 10
    assert ran > 5


@pytest.mark.parametrize("name", ["config.txt", "cmdline.txt"])
def test_a_boot_partition_that_fails_leaves_the_agent_running(unit: Machine, name: str) -> None:
    (unit.root / f"boot/firmware/{name}.outpost-new").mkdir()
    enabled = set(unit.enabled)
    with pytest.raises(OSError, match="directory"):
        removal.uninstall(unit.site, purge=False)
    assert (unit.running, unit.enabled) == ("1.0", enabled)


# --- before anything is changed ---------------------------------------------------------------------------------------------------------


def changed(machine: Machine, *words: str) -> int:
    """Run a verb that changes something."""
    args = parser("outpost-install").parse_args(words)
    return change(args.verb, args, machine.site, None)


@pytest.mark.parametrize("verb", ["apply", "rollback", "move-store", "uninstall"])
@pytest.mark.parametrize(("source", "words"), [("", "/ is mounted read-only"), ("overlayroot", "raspi-config nonint disable_overlayfs")])
def test_a_root_that_keeps_nothing_is_told_by_every_verb_before_it_does_anything(
    machine: Machine, verb: str, source: str, words: str
) -> None:
    with_store(machine).install("2.0")
    machine.is_read_only = not source
    if source:
        (machine.root / "proc").mkdir()
        (machine.root / "proc/mounts").write_text(f"{source} / overlay rw,lowerdir=/lower 0 0\n")
    before, pid = machine.snapshot(), machine.restarts
    machine.changes.clear()
    with pytest.raises(Failed, match=words):
        changed(machine, verb)
    assert (machine.changes, machine.snapshot(), machine.restarts) == ([], before, pid)
    assert machine.running == "2.0"


@pytest.mark.parametrize("verb", ["apply", "rollback", "move-store"])
def test_a_boot_partition_that_is_read_only_bars_no_way_back(machine: Machine, verb: str) -> None:
    """A kernel that finds an error in it mounts it so; the lines in it are those of this config already."""
    with_store(machine).install("2.0")
    machine.is_boot_read_only = True
    changed(machine, verb)
    assert machine.running == ("1.0" if verb == "rollback" else "2.0")
    with pytest.raises(Failed, match="mounted read-only"):
        changed(machine, "uninstall")
    assert machine.running


def test_lines_for_a_boot_partition_that_is_read_only_are_refused_with_advice(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with_store(machine).install("2.0")
    machine.is_boot_read_only = True

    def put(*_: object) -> bool:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(bootconfig, "put", put)
    with pytest.raises(Failed, match="remount,rw"):
        changed(machine, "apply")
    assert machine.running == "2.0"


@pytest.mark.parametrize("verb", ["apply", "rollback", "move-store"])
def test_while_a_version_is_on_trial_nothing_else_is_done(machine: Machine, verb: str) -> None:
    with_store(machine)
    trial._write(machine.site, trial.Trial("2.0", "1.0"))
    machine.judged = True
    machine.changes.clear()
    with pytest.raises(Failed, match="a version is on trial: wait"):
        changed(machine, verb)
    assert machine.changes == []
    assert changed(machine, "uninstall") == 0, "which ends the trial too"


def test_a_judge_that_still_removes_what_nobody_needs_is_waited_for(unit: Machine) -> None:
    unit.judged = True
    with pytest.raises(Failed, match="a version is on trial: wait"):
        unit.install("2.0")


@pytest.mark.parametrize("verb", ["apply", "move-store"])
def test_a_trial_that_was_cut_off_is_ended_first(machine: Machine, verb: str) -> None:
    with_store(machine)
    trial._write(machine.site, trial.Trial("2.0", "1.0"))
    assert changed(machine, verb) == 0
    assert not machine.places.trial.exists()
    assert machine.running == "1.0"


@pytest.mark.parametrize("mistaken", [True, False])
def test_an_agent_is_not_stopped_for_a_disk_while_an_alarm_is_live_or_its_config_has_a_mistake(unit: Machine, mistaken: bool) -> None:
    unit.plug_in()
    unit.idle = 1
    if mistaken:
        unit.refuses.add("1.0")
        assert changed(unit, "apply") == 0
        assert any("is taken when the config has no mistakes" in line for line in unit.said)
    else:
        with pytest.raises(Failed, match="an alarm is live"):
            changed(unit, "apply")
    assert (unit.running, unit.restarts) == ("1.0", 1)
    assert not unit.mounts
    unit.idle, unit.refuses = 2, set()
    assert changed(unit, "apply") == 0
    assert state.is_mounted(unit.site)
    assert unit.running == "1.0"


def test_a_disk_that_cannot_be_taken_leaves_the_agent_running(unit: Machine) -> None:
    unit.plug_in()
    unit.changes.clear()
    for what in ("run install -d", "run systemctl enable outpost-state", "run systemctl restart outpost-state"):
        unit.signals = Signals()
        seen = unit._before

        def end_there(said: object, seen: Callable[..., None] = seen, what: str = what) -> None:
            if str(said).startswith(what):
                unit.signals.came(signal.SIGTERM)
            seen(said)

        unit._before = end_there  # type: ignore[method-assign, assignment]  # a signal at this moment
        with pytest.raises(Stopped):
            changed(unit, "apply")
        unit._before = seen  # type: ignore[method-assign]  # as it was
        unit.signals = Signals()
        assert unit.running == "1.0", what
    assert changed(unit, "apply") == 0


def test_rollback_is_one_of_those_that_look_at_a_config_nobody_takes(unit: Machine) -> None:
    unit.install("2.0")
    unit.refuses |= {"1.0", "2.0"}
    with pytest.raises(Failed, match=r"the agent that runs was left alone, 2\.0 stays in use"):
        install.roll_back(unit.site, 60, 15)
    assert (unit.running, links.current(unit.site), links.previous(unit.site)) == ("2.0", "2.0", "1.0")
