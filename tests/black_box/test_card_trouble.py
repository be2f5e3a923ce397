"""What a card does at its end: the kernel makes it read-only under the running agent, or it is full when the unit is switched on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm, FaultRecord, Health
from tests.black_box.desk import QUICK, Desk
from tests.black_box.small_disk import SmallDisk, small_disk_or_skip


@pytest.fixture
def disk(desk: Desk, tmp_path: Path) -> Iterator[SmallDisk]:
    """The car's state lies on it."""
    with small_disk_or_skip(tmp_path, desk.directory / "state", 32) as found:
        yield found
        if desk.pid is not None:
            desk.kill_agent()


def answered(desk: Desk, alarm: str) -> None:
    """The way back works, too."""
    desk.centre.acknowledge(desk.options.unit, alarm)
    desk.hear(Alarm, lambda r: r.id == alarm and r.state == "acknowledged")


def test_a_card_that_becomes_read_only_costs_durability_and_no_alarm(desk: Desk, disk: SmallDisk) -> None:
    """An alarm that was on it stays live; one that comes then reaches the centre all the same. After fsck at the next boot all is well."""
    desk.run_online()
    before = desk.raise_alarm()
    desk.all_on_disk()
    disk.fail()
    since = desk.heard
    desk.press()
    told = desk.hear(FaultRecord, lambda r: r.code == "store.down" and r.state == "raised", since)
    again = desk.hear(Alarm, lambda r: r.id == before and r.state == "repeated" and r.n is not None, since)
    desk.release()
    assert again.source == "driver"
    assert "cannot be used" in (told.detail or "")
    desk.hear(Health, lambda r: r.store_readonly is True and "store.down" in r.faults, since)
    answered(desk, before)
    page = desk.told("the page says why", lambda s: s["vitals"]["store_readonly"]) and desk.page()
    assert "nothing is durable" in page
    assert "read-only" in page
    assert (desk.status() or {})["lights"]["lamp"] != "off"
    assert desk.pid is not None, "it runs on"

    desk.kill_agent()
    disk.unmount()
    disk.repair()
    disk.mount()
    since = desk.heard
    boot = desk.run_online()
    desk.hear(Alarm, lambda r: r.id == before and r.boot == boot, since)
    assert "store.down" not in desk.faults()
    desk.hear(Health, lambda r: r.boot == boot and r.store == "open" and r.store_readonly is None, since)
    answered(desk, before)
    assert desk.terminate() == 0


def test_a_card_that_is_full_at_boot_costs_durability_and_no_alarm(desk: Desk, disk: SmallDisk) -> None:
    """Ready all the same, and told; with room again it is used without a restart."""
    disk.fill()
    boot = desk.run_online()
    told = desk.hear(FaultRecord, lambda r: r.boot == boot and r.code in ("store.down", "store.full") and r.state == "raised")
    assert "full" in (told.detail or "").lower() or "space" in (told.detail or "").lower()
    since = desk.heard
    desk.press()
    alarm = desk.hear(Alarm, lambda r: r.state == "raised", since)
    desk.release()
    answered(desk, alarm.id)
    desk.hear_fix()
    disk.free()
    desk.hear_fault(told.code, "cleared")
    desk.all_on_disk()
    desk.kill_agent()
    after = desk.run_online()
    desk.told("the alarm that is on disk now", lambda s: s["alarm"].get("id") == alarm.id)
    assert after != boot
    assert desk.terminate() == 0


def test_a_card_that_was_full_when_it_had_run_well_before_starts_with_what_lies_on_it(tmp_path: Path) -> None:
    """The alarm of the life before is live again, though not a byte can be written."""
    with Desk(tmp_path / "car", QUICK) as desk, small_disk_or_skip(tmp_path, desk.directory / "state", 32) as disk:
        desk.run_online()
        alarm = desk.raise_alarm()
        desk.all_on_disk()
        desk.kill_agent()
        disk.fill()
        boot = desk.run_online()
        desk.hear(Alarm, lambda r: r.id == alarm and r.boot == boot)
        answered(desk, alarm)
        desk.kill_agent()
