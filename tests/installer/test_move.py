"""The store is moved to its own file system: one whole store is in use at every moment, wherever the power is cut."""

from collections.abc import Callable

import pytest

from agent.installer import apply, manifest, move, state
from agent.installer.site import Failed
from agent.installer.steps import Steps
from tests.installer.machine import Machine
from tests.installer.test_trial import every_cut

STORE = {"spool/cache.db": "alarms", "spool/00/ab.val": "a track", "kept/agent.toml": "[unit]"}


def with_store(machine: Machine) -> Machine:
    """Version 1 runs, has a store on the root, and a disk for it is plugged in."""
    machine.configure()
    machine.install("1.0")
    for name, text in STORE.items():
        path = machine.places.state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
    (machine.places.state / "spool/link").symlink_to("00/ab.val")
    machine.plug_in()
    return machine


def store(machine: Machine) -> dict[str, str]:
    """What the agent would find."""
    top = machine.places.state
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file() and not path.is_symlink()}


def test_the_store_is_on_the_disk_and_the_old_one_is_gone(machine: Machine) -> None:
    with_store(machine)
    assert move.move(machine.site, 60) == 0
    assert state.is_mounted(machine.site)
    assert store(machine) == STORE
    assert (machine.disk / "spool/cache.db").stat().st_mode & 0o777 == 0o600
    assert (machine.disk / "spool/link").readlink().as_posix() == "00/ab.val"
    assert list((machine.below / "outpost").iterdir()) == []
    assert not (machine.below / move.MOVED).exists()
    assert machine.running == "1.0"
    assert "outpost-state.service" in machine.enabled
    assert not machine.places.move.exists()
    machine.boot()
    assert store(machine) == STORE


def test_done_twice_it_is_done_once(machine: Machine) -> None:
    with_store(machine)
    move.move(machine.site, 60)
    machine.changes.clear()
    assert move.move(machine.site, 60) == 0
    assert machine.changes == []


def test_cut_anywhere_a_whole_store_is_in_use_and_the_next_run_ends_it(new_machine: Callable[[], Machine]) -> None:
    def then(machine: Machine, cut: str) -> None:
        assert machine.running == "1.0", cut
        assert store(machine) == STORE, cut
        assert move.move(machine.site, 60) == 0, cut
        assert state.is_mounted(machine.site), cut
        assert store(machine) == STORE, cut
        assert list((machine.below / "outpost").iterdir()) == [], cut
        assert not (machine.below / move.MOVED).exists(), cut
        assert not machine.places.move.exists(), cut

    cuts = every_cut(lambda: with_store(new_machine()), lambda machine: move.move(machine.site, 60), then)
    assert cuts > 25


def test_what_the_agent_wrote_after_a_cut_is_moved_too(new_machine: Callable[[], Machine]) -> None:
    def then(machine: Machine, cut: str) -> None:
        (machine.places.state / "spool/new").write_text("a later alarm")
        move.move(machine.site, 60)
        assert store(machine) == STORE | {"spool/new": "a later alarm"}, cut

    every_cut(lambda: with_store(new_machine()), lambda machine: move.move(machine.site, 60), then)


def test_what_lies_on_the_disk_already_is_left_alone(machine: Machine) -> None:
    with_store(machine)
    (machine.disk / "spool").mkdir()
    (machine.disk / "spool/other").write_text("another unit's")
    with pytest.raises(Failed, match="something lies on outpost-state already"):
        move.move(machine.site, 60)
    assert (machine.disk / "spool/other").read_text() == "another unit's"
    assert store(machine) == STORE
    assert machine.running == "1.0"


def test_a_disk_that_is_too_small_is_told_and_the_agent_runs_on(machine: Machine) -> None:
    with_store(machine)
    machine.free = 1000
    with pytest.raises(Failed, match="take a larger one"):
        move.move(machine.site, 60)
    assert store(machine) == STORE
    assert machine.running == "1.0"


def test_a_copy_that_reads_otherwise_is_not_used(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with_store(machine)
    unmount = machine._unmount

    def forgetful(target: object) -> None:
        (machine.disk / "spool/cache.db").write_text("alarmz")
        unmount(target)  # type: ignore[arg-type]  # a path, as the machine says it

    monkeypatch.setattr(machine, "_unmount", forgetful)
    with pytest.raises(Failed, match=r"the copy is not equal \(spool/cache.db\)"):
        move.move(machine.site, 60)
    assert store(machine) == STORE
    assert machine.running == "1.0"
    monkeypatch.undo()
    assert move.move(machine.site, 60) == 0
    assert store(machine) == STORE


def test_a_disk_that_cannot_be_mounted_in_its_place_leaves_the_store_where_it_is(machine: Machine) -> None:
    with_store(machine)
    machine.disk_fails = True
    with pytest.raises(Failed, match="the store stays on the root"):
        move.move(machine.site, 60)
    assert "outpost-state.service" not in machine.enabled
    assert store(machine) == STORE
    machine.disk_fails = False
    machine.boot()
    assert machine.running == "1.0"
    assert move.move(machine.site, 60) == 0


def test_an_old_store_that_was_written_to_after_the_copy_is_not_removed(machine: Machine) -> None:
    with_store(machine)
    site = machine.site
    move._copy(site, Steps(site))
    state.take(site, manifest.read(site), "1.0")
    (machine.below / "outpost/spool/cache.db").write_text("of a start without the disk")
    assert move.move(machine.site, 60) == 0
    assert (machine.below / "outpost/spool/cache.db").read_text() == "of a start without the disk"
    assert any("left as it is, below the mount" in line for line in machine.said)


def test_without_a_disk_or_a_store_there_is_nothing_to_move(unit: Machine) -> None:
    with pytest.raises(Failed, match=r"sudo mkfs\.ext4 -L outpost-state"):
        move.move(unit.site, 60)
    unit.plug_in()
    with pytest.raises(Failed, match="there is no store"):
        move.move(unit.site, 60)
    assert apply.apply(unit.site, Steps(unit.site), 60).failed is None
