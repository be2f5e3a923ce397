"""Uninstall leaves the machine as it was, with the store, the config and the keys; purge takes these too."""

import pytest

from agent.installer import removal
from agent.installer.site import Failed
from tests.installer.machine import BOOT, CMDLINE, CONFIG, Machine, PowerCut


def live_in(machine: Machine) -> None:
    """It has a store and a key."""
    machine.places.state.mkdir(parents=True)
    (machine.places.state / "store").write_text("alarms")
    (machine.places.etc / "keys/unit.key").write_text("secret")


def rest(machine: Machine) -> set[str]:
    """Files that are not as flashed."""
    return {name for name in machine.snapshot() if not name.startswith(("boot/", "etc/os-release"))}


def test_the_store_the_config_and_the_keys_stay(unit: Machine) -> None:
    unit.install("2.0")
    live_in(unit)
    assert removal.uninstall(unit.site, purge=False) == 0
    assert rest(unit) == {"etc/outpost/agent.toml", "etc/outpost/keys/unit.key", "var/lib/outpost/store"}
    assert unit.read("/var/lib/outpost/store") == "alarms"
    assert unit.enabled == set()
    assert unit.running == ""
    assert unit.has_user


def test_the_boot_config_is_as_it_was(unit: Machine) -> None:
    removal.uninstall(unit.site, purge=False)
    assert unit.read("/boot/firmware/config.txt") == BOOT
    assert unit.read("/boot/firmware/cmdline.txt") == CMDLINE
    assert sorted(path.name for path in (unit.root / "boot/firmware").iterdir()) == ["cmdline.txt", "config.txt"]


def test_purge_leaves_nothing(unit: Machine) -> None:
    live_in(unit)
    report = unit.places.at("var/lib/outpost-reports/report.html")
    report.parent.mkdir()
    report.write_text("PASS")
    aside = unit.places.at("var/lib/outpost.was-1")
    aside.mkdir()
    (aside / "row").write_text("an alarm")
    link = unit.places.at("var/lib/outpost.was-2")
    link.symlink_to(report.parent)
    removal.uninstall(unit.site, purge=True)
    assert rest(unit) == set()
    assert not unit.has_user


@pytest.mark.parametrize("purge", [False, True])
def test_no_copy_of_the_keys_stays_in_memory(unit: Machine, purge: bool) -> None:
    live_in(unit)
    copy = unit.places.at("run/outpost-keys/unit.key")
    copy.parent.mkdir(parents=True)
    copy.write_text("secret")
    removal.uninstall(unit.site, purge=purge)
    assert not copy.parent.exists()


def test_purge_after_an_uninstallation_takes_what_had_stayed(unit: Machine) -> None:
    live_in(unit)
    removal.uninstall(unit.site, purge=False)
    assert removal.uninstall(unit.site, purge=True) == 0
    assert rest(unit) == set()
    with pytest.raises(Failed, match="nothing is installed"):
        removal.uninstall(unit.site, purge=True)


def test_purge_after_an_uninstallation_takes_the_store_from_its_disk_too(unit: Machine) -> None:
    unit.plug_in()
    unit.install("1.0")
    (unit.disk / "store").write_text("alarms")
    removal.uninstall(unit.site, purge=False)
    assert (unit.disk / "store").is_file()
    removal.uninstall(unit.site, purge=True)
    assert not (unit.disk / "store").exists()
    assert not unit.places.etc.exists()


def test_purge_without_the_disk_of_the_store_says_that_it_keeps_it(unit: Machine) -> None:
    unit.plug_in()
    unit.install("1.0")
    (unit.disk / "store").write_text("alarms")
    unit.run(["systemctl", "stop", "outpost-state.service"])
    (unit.root / "dev/disk/by-label/outpost-state").unlink()
    removal.uninstall(unit.site, purge=True)
    assert (unit.disk / "store").is_file()
    assert "but for the store on the disk outpost-state, which is not in this machine" in unit.said[-2]


def test_the_mount_of_the_store_goes_also_when_the_manifest_is_lost(unit: Machine) -> None:
    unit.plug_in()
    unit.install("1.0")
    unit.places.manifest.unlink()
    removal.uninstall(unit.site, purge=True)
    assert not (unit.places.units / "outpost-state.service").exists()
    assert unit.places.state not in unit.mounts


def test_what_stayed_is_taken_up_by_the_next_installation(unit: Machine) -> None:
    live_in(unit)
    removal.uninstall(unit.site, purge=False)
    assert unit.install("2.0") == 0
    assert unit.running == "2.0"
    assert unit.places.config.read_text() == CONFIG
    assert unit.read("/etc/outpost/keys/unit.key") == "secret"


def test_it_can_be_cut_anywhere_and_run_again(unit: Machine) -> None:
    live_in(unit)
    for cut in range(100):
        unit.changes.clear()
        unit.cut_before = cut
        try:
            removal.uninstall(unit.site, purge=False)
        except PowerCut:
            unit.cut_before = -1
            removal.uninstall(unit.site, purge=False)
            assert rest(unit) == {"etc/outpost/agent.toml", "etc/outpost/keys/unit.key", "var/lib/outpost/store"}, cut
            assert unit.read("/boot/firmware/cmdline.txt") == CMDLINE, cut
            unit.install("1.0")
        else:
            break
    assert cut > 10


def test_nothing_to_remove_is_told(machine: Machine) -> None:
    with pytest.raises(Failed, match="nothing is installed"):
        removal.uninstall(machine.site, purge=False)
