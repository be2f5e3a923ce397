"""Upgrade, trial and rollback; and the power that goes before each single change of them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core.pin_watch import SILENT_S
from agent.installer import apply, install, links, status, trial, versions
from agent.installer.machine import Ran
from agent.installer.site import Failed
from agent.installer.steps import Steps
from tests.installer.machine import DIES, GOOD, MUTE, PARTS, Machine, PowerCut

CHANGES_MAX = 200


def laid_version(machine: Machine) -> set[str]:
    """Of which version each unit is that lies there."""
    return {path.read_text().split("\n")[0].split(" of ")[1] for path in machine.places.units.glob("outpost*")}


def test_an_upgrade_runs_after_its_trial_and_the_old_version_is_kept(unit: Machine) -> None:
    assert unit.install("2.0") == 0
    assert unit.running == "2.0"
    assert links.previous(unit.site) == "1.0"
    assert laid_version(unit) == {"2.0"}
    assert not unit.places.trial.exists()
    assert any("2.0 is in use; 1.0 is kept" in line for line in unit.said)


def test_versions_before_the_previous_one_are_removed(unit: Machine) -> None:
    unit.install("2.0")
    unit.install("3.0")
    assert versions.names(unit.site) == ["2.0", "3.0"]


@pytest.mark.parametrize(
    ("how", "words"), [(DIES, "did not come to READY within 60 s"), (MUTE, "did not come to READY"), (PARTS, "did not stay so for 25 s")]
)
def test_a_version_that_does_not_come_to_ready_and_stay_is_rolled_back(unit: Machine, how: str, words: str) -> None:
    unit.runs["2.0"] = how
    assert unit.install("2.0") == 1
    assert unit.running == "1.0"
    assert versions.names(unit.site) == ["1.0"]
    assert laid_version(unit) == {"1.0"}
    assert words in trial.last_verdict(unit.site)
    assert "1.0 is in use again" in trial.last_verdict(unit.site)
    assert not unit.places.trial.exists()


def test_a_version_that_is_ready_with_a_dead_button_is_rolled_back(unit: Machine) -> None:
    unit.faults["2.0"] = ["gnss.silent", "inputs.failed"]
    assert unit.install("2.0") == 1
    assert unit.running == "1.0"
    assert "2.0 failed: it is READY, but has inputs.failed, which 1.0 had not" in trial.last_verdict(unit.site)


@pytest.mark.parametrize("code", ["inputs.failed", "inputs.silent", "panic.stuck", "gnss.silent"])
def test_a_fault_that_was_there_before_or_is_of_a_hand_or_is_not_grave_fails_no_trial(unit: Machine, code: str) -> None:
    unit.faults |= {"1.0": ["inputs.failed"], "2.0": [code]}
    assert unit.install("2.0") == 0
    assert unit.running == "2.0"


def test_a_version_that_gets_no_link_where_the_old_one_had_one_is_rolled_back(unit: Machine) -> None:
    unit.offline.add("2.0")
    assert unit.install("2.0") == 1
    assert unit.running == "1.0"
    assert "it is READY, but has no link after 60 s; 1.0 had one" in trial.last_verdict(unit.site)


def test_without_a_link_before_none_is_asked_for(unit: Machine) -> None:
    unit.offline |= {"1.0", "2.0"}
    assert unit.install("2.0") == 0


def test_a_version_that_does_not_answer_where_the_old_one_did_is_rolled_back(unit: Machine) -> None:
    unit.silent.add("2.0")
    assert unit.install("2.0") == 1
    assert "does not answer `outpost status`; 1.0 did" in trial.last_verdict(unit.site)


def test_after_an_old_version_that_could_not_be_asked_readiness_decides(unit: Machine) -> None:
    unit.silent |= {"1.0", "2.0"}
    assert unit.install("2.0") == 0


def test_after_a_power_cut_the_link_has_time_for_a_cold_modem(unit: Machine) -> None:
    site = unit.site
    versions.build(site, unit.parcel("2.0"), "2.0")
    trial.begin(site, "2.0", "1.0", 60, 15)
    unit.changes.clear()
    unit.cut_before = 1
    with pytest.raises(PowerCut):
        trial.judge(unit.site)
    unit.offline.add("2.0")
    unit.boot()
    assert "no link after 300 s" in trial.last_verdict(unit.site)


def test_nothing_is_restarted_while_an_alarm_is_live(unit: Machine) -> None:
    unit.install("2.0")
    before, unit.idle = unit.restarts, 1
    with pytest.raises(Failed, match=r"an alarm is live; nothing was restarted.*--now"):
        unit.install("3.0")
    with pytest.raises(Failed, match="an alarm is live"):
        install.roll_back(unit.site, 60, 15)
    unit.places.config.write_text("[unit]\nid = 'JD-0418'\n")
    with pytest.raises(Failed, match="an alarm is live"):
        apply.apply(unit.site, Steps(unit.site), 60)
    assert (unit.running, unit.restarts) == ("2.0", before)
    assert (links.current(unit.site), links.previous(unit.site)) == ("2.0", "1.0")


def test_with_now_a_live_alarm_does_not_hold_it_up(unit: Machine) -> None:
    unit.idle, unit.at_once = 1, True
    assert unit.install("2.0") == 0
    assert unit.running == "2.0"


def test_what_is_as_it_should_be_is_not_held_up_by_an_alarm(unit: Machine) -> None:
    unit.idle = 1
    assert unit.install("1.0") == 0
    assert unit.restarts == 1


def test_without_an_agent_no_alarm_is_asked_for(machine: Machine) -> None:
    machine.configure()
    machine.idle = 1
    assert machine.install("1.0") == 0


def test_a_failed_upgrade_leaves_the_version_before_the_old_one_as_it_was(unit: Machine) -> None:
    unit.install("2.0")
    unit.runs["3.0"] = DIES
    assert unit.install("3.0") == 1
    assert (links.current(unit.site), links.previous(unit.site)) == ("2.0", "1.0")


def test_a_version_that_does_not_take_the_config_is_never_switched_to(unit: Machine) -> None:
    unit.refuses.add("2.0")
    with pytest.raises(Failed, match=r"2\.0 does not take this unit's config, 1\.0 does; 1\.0 stays in use"):
        unit.install("2.0")
    assert unit.running == "1.0"
    assert unit.restarts == 1
    assert versions.names(unit.site) == ["1.0"]


@pytest.mark.parametrize("is_damaged", [False, True])
def test_an_agent_that_runs_is_not_replaced_by_a_version_that_cannot_be_tried(unit: Machine, is_damaged: bool) -> None:
    unit.refuses |= {"1.0", "2.0"}
    if is_damaged:
        (unit.places.versions / "1.0/bin/python").unlink()
    for running in (True, False):
        unit.clock = unit.started + (10 if running else 0.5)  # READY, or on its way there
        with pytest.raises(Failed, match=r"the agent that runs was left alone, 1\.0 stays in use: 2\.0 does not take this unit's config"):
            unit.install("2.0")
        assert (unit.running, links.current(unit.site), unit.restarts) == ("1.0", "1.0", 1)
        assert versions.names(unit.site) == ["1.0"]
        assert not unit.places.verdict.exists()
    unit.refuses = set()
    assert unit.install("2.0") == 0
    assert unit.running == "2.0"


def test_an_agent_that_dies_of_its_config_again_and_again_does_not_run(unit: Machine) -> None:
    unit.refuses |= {"1.0", "2.0"}
    unit.runs["1.0"] = DIES
    assert unit.install("2.0") == 0
    assert links.current(unit.site) == "2.0"


def test_an_alarm_is_asked_for_by_the_new_version_where_the_old_one_is_damaged(unit: Machine) -> None:
    (unit.places.versions / "1.0/bin/python").unlink()
    run, asked = unit.run, []

    def idle(argv: list[str], **more: float) -> Ran:
        asked.extend([Path(argv[0]).parent.parent.name] if argv[1] == "idle" else [])
        return run(argv, **more)  # type: ignore[arg-type]  # as it came

    unit.run = idle  # type: ignore[method-assign, assignment]  # who was asked
    unit.install("2.0")
    assert asked[0] == "2.0"


def test_a_version_on_trial_stays_longer_than_the_agent_takes_to_see_that_it_is_deaf() -> None:
    assert trial.STAY_S >= SILENT_S + 5


def test_a_unit_that_never_ran_is_upgraded_without_a_trial(machine: Machine) -> None:
    machine.install("1.0")
    assert machine.install("2.0") == 0
    assert links.current(machine.site) == "2.0"
    assert not machine.places.verdict.exists()


def test_the_unit_of_the_trial_stays_the_judges_own_until_the_verdict(unit: Machine) -> None:
    site = unit.site
    versions.build(site, unit.parcel("2.0"), "2.0")
    trial.begin(site, "2.0", "1.0", 60, 15)
    assert "of 1.0" in (unit.places.units / "outpost-trial.service").read_text()
    assert "of 2.0" in (unit.places.units / "outpost.service").read_text()
    trial.judge(site)
    assert laid_version(unit) == {"2.0"}


def test_a_version_under_which_the_machine_goes_down_five_times_has_failed(unit: Machine) -> None:
    site = unit.site
    versions.build(site, unit.parcel("2.0"), "2.0")
    trial.begin(site, "2.0", "1.0", 60, 15)
    for _ in range(trial.STARTS_MAX):
        unit.changes.clear()
        unit.cut_before = 1  # after the start was counted, before anything else
        unit.runs["2.0"] = MUTE
        with pytest.raises(PowerCut):
            trial.judge(unit.site)
    unit.boot()
    assert unit.running == "1.0"
    assert "5 starts without a verdict" in trial.last_verdict(unit.site)


def test_a_rollback_by_hand_is_tried_too_and_can_be_taken_back(unit: Machine) -> None:
    unit.install("2.0")
    assert install.roll_back(unit.site, 60, 15) == 0
    assert (unit.running, links.previous(unit.site)) == ("1.0", "2.0")
    assert laid_version(unit) == {"1.0"}
    assert install.roll_back(unit.site, 60, 15) == 0
    assert unit.running == "2.0"


def test_a_rollback_to_a_version_that_no_longer_runs_comes_back(unit: Machine) -> None:
    unit.install("2.0")
    unit.runs["1.0"] = DIES
    assert install.roll_back(unit.site, 60, 15) == 1
    assert unit.running == "2.0"


def test_a_rollback_to_a_version_that_does_not_take_the_config_is_refused_and_loses_nothing(unit: Machine) -> None:
    unit.install("2.0")
    unit.refuses.add("1.0")
    with pytest.raises(Failed, match=r"1\.0 does not take this unit's config, 2\.0 does; 2\.0 stays in use"):
        install.roll_back(unit.site, 60, 15)
    assert (unit.running, links.previous(unit.site)) == ("2.0", "1.0")
    assert versions.is_sound(unit.site, "1.0")


def test_an_upgrade_to_the_version_before_that_does_not_take_the_config_keeps_it(unit: Machine) -> None:
    unit.install("2.0")
    unit.refuses.add("1.0")
    with pytest.raises(Failed, match=r"2\.0 stays in use"):
        unit.install("1.0")
    assert versions.names(unit.site) == ["1.0", "2.0"]


def test_a_refused_version_that_is_cut_while_it_is_removed_does_not_look_whole(new_machine: Callable[[], Machine]) -> None:
    def do(machine: Machine) -> None:
        machine.refuses.add("2.0")
        with pytest.raises(Failed):
            machine.install("2.0")

    def then(machine: Machine, cut: str) -> None:
        whole = versions.digest_of(machine.site, "2.0")
        assert not whole or versions.is_sound(machine.site, "2.0"), cut
        assert machine.running == "1.0", cut

    assert every_cut(units(new_machine, installed=True), do, then) > 10


def test_without_a_version_before_there_is_no_rollback(unit: Machine) -> None:
    with pytest.raises(Failed, match=r"there is no version before 1\.0"):
        install.roll_back(unit.site, 60, 15)


def test_a_damaged_trial_file_is_told_with_what_to_do(unit: Machine) -> None:
    unit.places.trial.write_text("{")
    with pytest.raises(Failed, match="sudo rm"):
        trial.judge(unit.site)


def test_status_tells_versions_service_and_the_last_trial(unit: Machine) -> None:
    unit.runs["2.0"] = DIES
    unit.install("2.0")
    said = "\n".join(status.lines(unit.site))
    for words in ("version   1.0", "the last one: 2.0 failed", "config    /etc/outpost/agent.toml", "has our lines", "root file system"):
        assert words in said, said


def every_cut(make: Callable[[], Machine], do: Callable[[Machine], object], then: Callable[[Machine, str], None]) -> int:
    """Do it on a new unit with the power cut before its n-th change, for each n; `then` is told before what it was. How many."""
    for cut in range(CHANGES_MAX):
        machine = make()
        machine.changes.clear()
        machine.cut_before = cut
        try:
            do(machine)
        except PowerCut as e:
            machine.boot()
            machine.wait(120)
            then(machine, f"cut {cut}, before {e}")
        else:
            return cut
    raise AssertionError(f"more than {CHANGES_MAX} changes")


def units(new_machine: Callable[[], Machine], *, installed: bool) -> Callable[[], Machine]:
    def make() -> Machine:
        machine = new_machine()
        machine.configure()
        if installed:
            machine.install("0.9")
            machine.install("1.0")
        return machine

    return make


def test_an_upgrade_that_is_cut_anywhere_ends_with_a_version_that_runs(new_machine: Callable[[], Machine]) -> None:
    def then(machine: Machine, cut: str) -> None:
        current = links.current(machine.site)
        assert machine.running == current in ("1.0", "2.0"), cut
        assert versions.is_sound(machine.site, current), cut
        assert not machine.places.trial.exists(), cut
        assert laid_version(machine) == {current}, cut
        assert machine.install("2.0") == 0, cut
        assert machine.running == "2.0", cut
        assert laid_version(machine) == {"2.0"}, cut

    cuts = every_cut(units(new_machine, installed=True), lambda machine: machine.install("2.0"), then)
    assert cuts > 25, "an upgrade is made of many changes"


def test_a_failed_upgrade_that_is_cut_anywhere_ends_with_the_old_version(new_machine: Callable[[], Machine]) -> None:
    make = units(new_machine, installed=True)

    def bad() -> Machine:
        machine = make()
        machine.runs["2.0"] = DIES
        return machine

    def then(machine: Machine, cut: str) -> None:
        assert machine.running == links.current(machine.site) == "1.0", cut
        assert not machine.places.trial.exists(), cut
        assert laid_version(machine) == {"1.0"}, cut
        machine.runs["3.0"] = GOOD
        assert machine.install("3.0") == 0, cut
        assert versions.names(machine.site) == ["1.0", "3.0"], cut

    assert every_cut(bad, lambda machine: machine.install("2.0"), then) > 35


def test_a_first_installation_that_is_cut_anywhere_is_done_by_the_next_run(new_machine: Callable[[], Machine]) -> None:
    def then(machine: Machine, cut: str) -> None:
        assert machine.install("1.0") == 0, cut
        assert machine.running == "1.0", cut
        assert json.loads(machine.places.manifest.read_text())["files"], cut
        machine.changes.clear()
        assert machine.install("1.0") == 0, cut
        assert machine.changes == [], cut

    assert every_cut(units(new_machine, installed=False), lambda machine: machine.install("1.0"), then) > 25
