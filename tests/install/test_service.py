"""outpost.service in a real systemd: it is ready without a network, comes back from every end, and however it ends its lights are safe."""

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.bench.car_config import BAR
from tests.install.car import SAFE, InstalledCar
from tests.install.tree import Tree
from tests.timing import best_of

AGAIN_S = 3.0
HUNG_S = 11.0
KILLS = 7

LAST = "/var/lib/outpost/last_config.json"
"""`agent.config_kept`."""

NOT_WAITED_FOR = {"network.target", "network-online.target", "time-sync.target", "time-set.target", "systemd-timesyncd.service"}


@pytest.fixture(scope="module")
def car(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledCar]:
    """Booted, and on its own: nobody has made a broker yet."""
    with Tree.copied(installed, tmp_path_factory.mktemp("tree") / "root") as tree, InstalledCar(tree) as made:
        tree.boot()
        yield made


@pytest.fixture(scope="module")
def online(car: InstalledCar, tmp_path_factory: pytest.TempPathFactory) -> InstalledCar:
    """The same with a broker and a centre."""
    car.go_online(tmp_path_factory.mktemp("broker"))
    car.hear_new_boot(set())
    return car


# --- the start ----------------------------------------------------------------------------------------------------------------------------


def test_after_a_boot_without_a_network_it_is_ready(car: InstalledCar) -> None:
    assert car.tree.run(["systemctl", "is-system-running"]).stdout == "running\n"
    assert car.tree.show("outpost", "ActiveState") == "active"
    assert car.status()["unit"]["ready"]
    assert car.status()["link"]["state"] != "online"
    began, ready = (int(car.tree.show("outpost", f"{name}TimestampMonotonic")) / 1e6 for name in ("InactiveExit", "ActiveEnter"))
    print(f"\nfrom the start of its process to READY {ready - began:.2f} s; {car.tree.run(['systemd-analyze']).stdout.splitlines()[0]}")


def test_it_waits_for_local_files_and_for_nothing_of_a_network_or_a_clock(car: InstalledCar) -> None:
    before = car.tree.run(["systemctl", "list-dependencies", "--after", "--plain", "--no-pager", "outpost.service"]).stdout.split()
    assert "local-fs.target" in before
    assert not NOT_WAITED_FOR & set(before)


def test_its_target_starts_all_of_it_at_boot(car: InstalledCar) -> None:
    for unit in ("outpost.target", "outpost.service", "outpost-clock.service", "outpost-keys.path", "outpost-keys.timer"):
        assert car.tree.show(unit, "ActiveState") == "active", unit
    assert car.tree.run(["systemctl", "is-enabled", "outpost.target"]).stdout == "enabled\n"


# --- every end but an order ---------------------------------------------------------------------------------------------------------------


def kills(online: InstalledCar) -> float:
    """Kill it some times; the seconds until the centre hears the next boot, of the one in the middle."""
    took = []
    for _ in range(KILLS):
        online.wait_active()
        known = online.boots()
        killed_at = online.signal("KILL")
        took.append(online.hear_new_boot(known) - killed_at)
    print(f"\n{KILLS} kills, until the centre hears the next boot: median {statistics.median(took):.2f} s, longest {max(took):.2f} s")
    return statistics.median(took)


def test_after_kill_9_it_publishes_again_within_three_seconds(online: InstalledCar) -> None:
    assert best_of(lambda: kills(online), AGAIN_S) <= AGAIN_S


def test_a_kill_in_an_alarm_makes_the_lights_safe_before_the_next_start_and_then_they_play_on(online: InstalledCar) -> None:
    online.wait_active()
    online.raise_alarm()
    online.tree.wait_for("the bar plays response", lambda: online.flashes(online.started_at))
    known = online.boots()
    killed_at = online.signal("KILL")
    online.hear_new_boot(known)
    print(f"\nsafe {online.safe_after_s(killed_at, online.started_at):.2f} s after the kill")
    online.tree.wait_for("the bar plays response again", lambda: online.flashes(online.started_at))


def stop_while_lit(online: InstalledCar) -> float:
    """SIGSTOP at a moment at which one of the flashing lights is on, so that it stays on unless somebody does something; when that was."""
    for _ in range(50):
        at = online.signal("STOP")
        if any(online.wiring.level(pin) == 1 for _, _, pin in BAR):
            return at
        online.signal("CONT")
        online.tree.wait_for("a light is on", lambda: any(online.wiring.level(pin) == 1 for _, _, pin in BAR))
    raise AssertionError("the bar does not flash")


def test_the_watchdog_ends_a_hung_agent_makes_its_lights_safe_and_starts_another(online: InstalledCar) -> None:
    """The alarm of the test before is live, so the bar flashes: what shines when it hangs shines on until somebody does something."""
    online.wait_active()
    online.tree.wait_for("the bar plays response", lambda: online.flashes(online.started_at))
    before, known = online.restarts, online.boots()
    hung_at = stop_while_lit(online)
    again_at = online.hear_new_boot(known)
    safe_s = online.safe_after_s(hung_at, online.started_at)
    print(f"\nsafe {safe_s:.2f} s after it hung, publishing again after {again_at - hung_at:.2f} s")
    assert 0 < safe_s <= HUNG_S
    assert online.restarts == before + 1
    assert "Watchdog timeout" in online.tree.journal("outpost")


def test_a_config_that_is_lost_is_replaced_by_the_last_that_ran_well(online: InstalledCar) -> None:
    """It lies in the service's own state directory, for its user only; the start that finds the file again says no more of it."""
    online.wait_active()
    online.tree.wait_for("its config is kept", online.tree.inside(LAST).exists)
    assert online.tree.run(["stat", "-c", "%a %U", LAST]).stdout == "600 outpost\n"
    known = online.boots()
    online.tree.path("/etc/outpost/agent.toml").unlink()
    online.signal("KILL")
    online.hear_new_boot(known)
    told = online.tree.wait_for("it answers", online.status)
    assert "config.fallback" in {fault["code"] for fault in told["faults"]}
    assert "/etc/outpost/agent.toml: there is no such file" in online.tree.journal("outpost")
    online.tree.write("/etc/outpost/agent.toml", online.config)
    known = online.boots()
    online.tree.run(["systemctl", "restart", "outpost"])
    online.hear_new_boot(known)
    told = online.tree.wait_for("it answers", online.status)
    assert "config.fallback" not in {fault["code"] for fault in told["faults"]}


def test_many_ends_in_a_row_never_make_it_give_up(online: InstalledCar) -> None:
    """Each start is killed as soon as there is a process: more often than the five times in ten seconds that systemd allows by default."""
    online.wait_active()
    before, known, pid = online.restarts, online.boots(), 0
    for _ in range(8):
        pid = online.next_process(pid)
        online.tree.run(["sh", "-c", f"kill -KILL {pid}"])
    online.hear_new_boot(known)
    assert online.restarts >= before + 8


# --- an order -----------------------------------------------------------------------------------------------------------------------------


def test_a_stop_leaves_the_lights_safe_and_nothing_running(online: InstalledCar) -> None:
    online.wait_active()
    online.tree.wait_for("the bar plays response", lambda: online.flashes(online.started_at))
    online.tree.run(["systemctl", "stop", "outpost.target"])
    for unit in ("outpost.service", "outpost-clock.service", "outpost-keys.path", "outpost-keys.timer"):
        online.wait_active(unit, "inactive")
    online.tree.wait_for("the bench has heard all", lambda: online.wiring.agents == 0)
    assert online.levels() == SAFE
    assert online.tree.show("outpost", "Result") == "success"
    assert not online.tree.inside("/run/outpost").exists()


def test_a_machine_that_is_switched_off_leaves_the_lights_safe(online: InstalledCar) -> None:
    known = online.boots()
    online.tree.run(["systemctl", "start", "outpost.target"])
    online.hear_new_boot(known)
    online.tree.wait_for("the bar plays response", lambda: online.flashes(online.started_at))
    online.tree.shut_down()
    assert online.levels() == SAFE
