"""Install, twice, and what is whose: the installer on a unit in a folder."""

import stat
from collections.abc import Callable

from agent.installer import links, service, status, versions
from agent.installer.machine import Facts, Ran
from tests.installer.machine import BOOT, CMDLINE, Machine, PowerCut, manifest


def test_a_configured_unit_is_installed_enabled_and_ready(unit: Machine) -> None:
    assert unit.running == "1.0"
    assert {"outpost.service", "outpost.target", "outpost-trial.service"} <= unit.enabled
    assert unit.places.current.readlink().as_posix() == "versions/1.0"
    assert (unit.root / "usr/local/bin/outpost").readlink().as_posix() == "/opt/outpost/current/bin/outpost"
    assert "of 1.0" in unit.read("/usr/local/lib/systemd/system/outpost.service")
    for path in ("etc/sysusers.d/outpost.conf", "etc/tmpfiles.d/outpost.conf", "etc/udev/rules.d/70-outpost-gnss.rules"):
        assert (unit.root / path).is_file(), path
    assert (unit.root / "etc/systemd/journald.conf.d/50-outpost.conf").is_file()


def test_a_second_run_changes_nothing_and_says_so(unit: Machine) -> None:
    before = unit.snapshot()
    assert unit.install("1.0") == 0
    assert unit.changes == []
    assert unit.snapshot() == before
    assert unit.said[-1].strip() == "Nothing had to be changed."
    assert unit.restarts == 1


def test_a_new_unit_gets_a_config_to_finish_and_runs_once_it_is(machine: Machine) -> None:
    assert machine.install("1.0") == 0
    assert machine.running == ""
    assert "edit /etc/outpost/agent.toml, then: sudo outpost-install apply" in machine.said[-1]
    assert "unit.id is wrong" in machine.said[-1]
    assert "outpost.service" in machine.enabled
    assert machine.read("/boot/firmware/config.txt") == BOOT
    machine.configure()
    assert machine.install("1.0") == 0
    assert machine.running == "1.0"


def test_a_config_that_is_there_is_never_touched(unit: Machine) -> None:
    unit.places.config.write_text("# mine\n[unit]\nid = 'X'\n")
    unit.install("1.0")
    unit.install("2.0")
    assert unit.places.config.read_text() == "# mine\n[unit]\nid = 'X'\n"
    assert unit.read("/etc/outpost/agent.toml.reference") == "# reference of 2.0\n"


def test_a_changed_config_comes_into_force_with_the_next_run(unit: Machine) -> None:
    unit.places.config.write_text("[unit]\nid = 'JD-0418'\n")
    assert any("changed since" in line for line in status.lines(unit.site))
    unit.install("1.0")
    assert unit.restarts == 2


def test_the_process_before_is_not_taken_for_the_one_that_is_awaited(unit: Machine) -> None:
    unit.wait(10)
    found = service.look(unit.site)
    assert found.ready
    assert service.await_ready(unit.site, "1.0", 60, 0, found.pid) is not None
    assert service.await_ready(unit.site, "1.0", 60, 0) is None


def test_a_config_that_was_lost_and_put_back_comes_into_force_again(unit: Machine) -> None:
    unit.faults["1.0"] = ["config.fallback"]
    unit.install("1.0")
    assert unit.restarts == 2


def test_only_root_may_look_at_the_keys(unit: Machine) -> None:
    assert stat.S_IMODE((unit.places.etc / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE(unit.places.etc.stat().st_mode) == 0o755


def test_a_unit_that_somebody_changed_is_replaced_and_kept_beside(unit: Machine) -> None:
    path = unit.places.units / "outpost.service"
    path.write_text("somebody's\n")
    unit.install("1.0")
    assert "of 1.0" in path.read_text()
    assert path.with_name("outpost.service.changed").read_text() == "somebody's\n"
    assert any("a drop-in is left alone" in line for line in unit.said)


def test_a_rule_that_somebody_filled_in_is_theirs_also_over_an_upgrade(unit: Machine) -> None:
    path = unit.root / "etc/udev/rules.d/70-outpost-gnss.rules"
    path.write_text("# with my serial\n")
    unit.install("2.0")
    unit.install("2.0")
    assert path.read_text() == "# with my serial\n"
    assert any("was changed here: left as it is" in line for line in unit.said)


def test_a_drop_in_of_somebody_is_left_alone(unit: Machine) -> None:
    theirs = unit.root / "etc/systemd/system/outpost.service.d/override.conf"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[Service]\n")
    unit.install("2.0")
    assert theirs.read_text() == "[Service]\n"


def test_a_service_that_somebody_disabled_is_not_enabled_again(unit: Machine) -> None:
    unit.enabled.discard("outpost.service")
    unit.install("1.0")
    assert "outpost.service" not in unit.enabled


def test_a_machine_that_is_no_raspberry_pi_has_no_boot_config(machine: Machine) -> None:
    (machine.root / "boot/firmware/config.txt").unlink()
    machine.configure()
    assert machine.install("1.0") == 0
    assert any("this is no Raspberry Pi" in line for line in machine.said)
    assert machine.read("/boot/firmware/cmdline.txt") == CMDLINE


def test_a_dry_run_lists_and_changes_nothing(machine: Machine) -> None:
    machine.dry = True
    before = machine.snapshot()
    assert machine.install("1.0") == 0
    assert machine.snapshot() == before
    assert not machine.enabled
    assert any("venv" in what for what in machine.changes)
    assert any("outpost.service" in what for what in machine.changes)


def test_an_image_is_laid_and_nothing_is_started(machine: Machine) -> None:
    machine.live = False
    (machine.root / "run/systemd/system").rmdir()
    machine.configure()
    assert machine.install("1.0") == 0
    assert machine.running == ""
    assert "outpost.service" in machine.enabled
    assert not [what for what in machine.changes if what.startswith(("run systemctl start", "run systemctl restart", "run udevadm"))]


def test_another_build_of_the_same_version_lies_beside_it(unit: Machine) -> None:
    parcel = unit.parcel("1.0")
    (parcel.home / "wheels/outpost_agent-1.0-py3-none-any.whl").write_text("built again")
    from agent.installer import install

    assert install.install(unit.site, parcel, 60, 15) == 0
    assert unit.running.startswith("1.0+")
    assert unit.places.linked(unit.places.previous) == "1.0"


def test_who_may_not_see_the_keys_is_not_told_of_mistakes(unit: Machine) -> None:
    unit.refuses.add("1.0")
    assert any("has mistakes: outpost check" in line for line in status.lines(unit.site))
    unit.facts = Facts(uid=1000)
    said = "\n".join(status.lines(unit.site))
    assert "has mistakes" not in said
    assert "not looked at: that needs root (sudo outpost-install status)" in said


def test_a_slow_card_has_as_long_to_be_synced_as_to_be_written(machine: Machine) -> None:
    run, given = machine.run, {}

    def note(argv: list[str], *, timeout_s: float = 60.0, **more: dict[str, str] | None) -> Ran:
        given[argv[0]] = timeout_s
        return run(argv, timeout_s=timeout_s, **more)

    machine.run = note  # type: ignore[method-assign, assignment]  # how long each has
    machine.install("1.0")
    assert given["sync"] == versions.BUILD_TIMEOUT_S


def test_a_version_whose_python_is_gone_is_built_again(unit: Machine) -> None:
    (unit.places.versions / "1.0/bin/python").unlink()
    assert "damaged" in next(iter(status.lines(unit.site)))
    assert unit.install("1.0") == 0
    assert unit.running.startswith("1.0+")
    assert versions.is_sound(unit.site, unit.running)
    assert versions.names(unit.site) == [unit.running]


def test_a_damaged_version_is_kept_until_the_one_in_its_place_is_whole(new_machine: Callable[[], Machine]) -> None:
    for cut in range(100):
        machine = new_machine()
        machine.configure()
        machine.install("1.0")
        (machine.places.versions / "1.0/bin/python").unlink()
        machine.changes.clear()
        machine.cut_before = cut
        try:
            machine.install("1.0")
        except PowerCut:
            machine.cut_before = -1
            current = links.current(machine.site)
            assert (machine.places.versions / current / "bin/outpost").is_file(), cut
            assert current == "1.0" or versions.is_sound(machine.site, current), cut
            assert machine.install("1.0") == 0, cut
            assert versions.is_sound(machine.site, machine.running), cut
        else:
            break
    assert cut > 10


def test_a_python_that_is_not_done_in_time_is_no_reason_to_build_again(unit: Machine) -> None:
    unit.slow = True
    unit.install("1.0")
    assert unit.changes == []


def test_a_damaged_version_before_is_rebuilt_beside_it(unit: Machine) -> None:
    unit.install("2.0")
    (unit.places.versions / "1.0/bin/python").unlink()
    assert unit.install("1.0") == 0
    assert unit.running.startswith("1.0+")
    assert links.previous(unit.site) == "2.0"


def test_the_store_gets_its_own_file_system_when_one_is_labelled_for_it(unit: Machine) -> None:
    assert not (unit.places.units / "outpost-state.service").exists()
    unit.plug_in()
    unit.install("1.0")
    assert "outpost-state.service" in unit.enabled
    assert (unit.places.units / "outpost-state.service").is_file()
    unit.install("2.0")
    assert (unit.places.units / "outpost-state.service").is_file()


def test_a_store_that_is_there_is_not_hidden_by_a_mount(unit: Machine) -> None:
    unit.plug_in()
    unit.places.state.mkdir(parents=True)
    (unit.places.state / "store").touch()
    unit.install("1.0")
    assert "outpost-state.service" not in unit.enabled
    assert any("would hide what is in /var/lib/outpost: sudo outpost-install move-store moves it" in line for line in unit.said)


def test_what_was_laid_is_in_the_manifest(unit: Machine) -> None:
    files = manifest(unit)["files"]
    assert isinstance(files, dict)
    folders = ("etc/sysusers", "etc/tmpfiles", "etc/udev", "etc/systemd", "usr/local/lib")
    assert {f"/{name}" for name in unit.snapshot() if name.startswith(folders)} <= set(files)
