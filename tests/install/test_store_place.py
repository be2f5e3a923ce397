"""Whatever stands in the place of the store, the agent starts, and says what was moved aside; in a booted tree."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm
from simulator.bench.car_config import LAMP_PIN, PANIC_PIN
from tests.install.car import InstalledCar
from tests.install.tree import PATIENCE_S, Tree
from tests.sources import PROJECT

PLACE = "/var/lib/outpost"

STRAYS = {
    "a link to a disk that is gone": f"ln -s /mnt/ssd/outpost {PLACE}",
    "a link to a folder, which systemd does not take either": f"install -d -o outpost -g outpost /srv/store; ln -s /srv/store {PLACE}",
    "a link to itself": f"ln -s {PLACE} {PLACE}",
    "a file": f"echo oops > {PLACE}",
    "a pipe": f"mkfifo {PLACE}",
}


@pytest.fixture(scope="module")
def car(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledCar]:
    with Tree.copied(installed, tmp_path_factory.mktemp("tree") / "root") as tree, InstalledCar(tree) as made:
        tree.boot()
        made.wait_active()
        yield made


@pytest.mark.parametrize("stray", STRAYS)
def test_the_agent_starts_whatever_stands_in_the_place_of_its_store_and_names_what_was_moved(car: InstalledCar, stray: str) -> None:
    tree = car.tree
    tree.run(["systemctl", "stop", "outpost.service"])
    tree.run(["bash", "-c", f"rm -rf {PLACE} {PLACE}.was-*; {STRAYS[stray]}"])
    tree.run(["systemctl", "start", "outpost.service"])
    told = tree.wait_for("it answers", car.status)
    assert told["unit"]["ready"]
    assert car.restarts == 0
    assert {fault["code"]: fault.get("detail") for fault in told["faults"]}["store.aside"] == f"{PLACE}.was-1"
    assert f"it is {PLACE}.was-1 now" in tree.journal("outpost-place.service")
    assert f"{PLACE}.was-1" in tree.run(["/opt/outpost/current/bin/outpost", "doctor"], check=False).stdout
    assert tree.run(["stat", "-c", "%F %a %U", PLACE]).stdout == "directory 700 outpost\n"


def test_with_such_a_thing_at_the_boot_the_button_lights_its_lamp(car: InstalledCar) -> None:
    car.tree.shut_down()
    car.tree.path(PLACE).rename(car.tree.path("/var/lib/elsewhere"))
    car.tree.path(PLACE).symlink_to("/mnt/ssd/outpost")
    car.tree.boot()
    car.wait_active()
    car.wiring.press(PANIC_PIN)
    car.tree.wait_for("the lamp is lit", lambda: car.wiring.level(LAMP_PIN) == 1)
    car.wiring.release(PANIC_PIN)


def commands_of_the_page() -> list[str]:
    """Each block of the section, as one script."""
    section = (PROJECT / "docs/install.md").read_text("utf-8").partition("### The store's disk is gone")[2].partition("\n## ")[0]
    return [block.partition("```")[0].replace("sudo ", "") for block in section.split("```text\n")[1:]]


def test_what_lies_aside_is_sent_by_the_lines_of_the_page(car: InstalledCar, tmp_path: Path) -> None:
    """The alarm of the test before could not be sent: there was no broker."""
    tree, (put_in, put_back) = car.tree, commands_of_the_page()
    tree.run(["systemctl", "stop", "outpost.service"])
    tree.run(["bash", "-c", f"rm -r {PLACE}.was-*; install -d -o outpost -g outpost -m 700 {PLACE}.was-1; mv {PLACE}/spool {PLACE}.was-1/"])
    tree.run(["systemctl", "start", "outpost.service"])
    centre = car.go_online(tmp_path)
    car.hear_new_boot(set())
    assert not [arrival for arrival in centre.records() if isinstance(arrival.record, Alarm)]
    tree.run(["bash", "-ec", put_in])
    centre.wait_for(lambda arrival: isinstance(arrival.record, Alarm) and arrival.record.state == "raised", PATIENCE_S)
    tree.wait_for("nothing waits", lambda: not any(car.status().get("outbox", {}).get("waiting", {"": 1}).values()))
    known = car.boots()
    tree.run(["bash", "-ec", put_back])
    car.hear_new_boot(known)
    told = tree.wait_for("it answers", car.status)
    assert "store.aside" not in {fault["code"] for fault in told["faults"]}
    assert sorted(path.name for path in tree.path("/var/lib").glob("outpost*")) == ["outpost"]
