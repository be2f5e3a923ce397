"""Keys as credentials, the whole way: the broker asks for the unit's certificate, and new ones are taken up without a hand."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm
from simulator.bench.car_config import Options
from tests.broker.shipped import Certificates, made
from tests.install.car import OPTIONS, InstalledCar
from tests.install.tree import Tree

PORT = 8883
TLS = {
    "endpoints": [f"mqtts://127.0.0.1:{PORT}"],
    "ca": "credential:ca.crt",
    "cert": "credential:unit.crt",
    "key": "credential:unit.key",
    "keepalive_s": 5,
}
WITH_TLS: Options = OPTIONS._replace(more={**OPTIONS.more, "mqtt": TLS})

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command: apt install openssl")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A broker at 127.0.0.1 and a unit, by the script that a fleet would use."""
    directory = tmp_path_factory.mktemp("certificates") / "fleet"
    made("ca", directory, "127.0.0.1")
    made("unit", directory, "car-1")
    return Certificates(directory)


@pytest.fixture(scope="module")
def car(installed: Path, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledCar]:
    """Its keys are where root put them; the broker has a door beside the centre's, which opens to a certificate of the units' only."""
    of_broker = certificates.directory / "mosquitto"
    door = (
        f"listener {PORT} 127.0.0.1",
        f"cafile {of_broker}/units-ca.crt",
        f"certfile {of_broker}/broker.crt",
        f"keyfile {of_broker}/broker.key",
        "require_certificate true",
    )
    with Tree.copied(installed, tmp_path_factory.mktemp("tree") / "root") as tree, InstalledCar(tree, WITH_TLS) as made_car:
        put(tree, certificates)
        tree.boot()
        made_car.go_online(tmp_path_factory.mktemp("broker"), door)
        yield made_car


def put(tree: Tree, certificates: Certificates, *names: str) -> None:
    """As by `cp`: each file is written where it lies."""
    for name in names or ("ca.crt", "unit.crt", "unit.key"):
        tree.write(f"/etc/outpost/keys/{name}", (certificates.unit("car-1").parent / name).read_text(), 0o600)
    tree.path("/etc/outpost/keys").chmod(0o700)


def renew(certificates: Certificates) -> str:
    """Another certificate, with another key; the certificate."""
    made("unit", certificates.directory, "car-1", "--renew")
    return (certificates.unit("car-1").parent / "unit.crt").read_text()


def handed(car: InstalledCar) -> str:
    """The certificate that the agent was given."""
    return car.tree.run(["cat", "/run/credentials/outpost.service/keys_unit.crt"], check=False).stdout


def test_the_agent_comes_online_by_keys_that_its_user_cannot_read(car: InstalledCar) -> None:
    car.hear_new_boot(set())
    assert car.status()["link"]["endpoint"] == f"mqtts://127.0.0.1:{PORT}"
    assert car.tree.run(["runuser", "-u", "outpost", "--", "ls", "/etc/outpost/keys"], check=False).returncode != 0


def test_root_can_check_the_config_and_somebody_else_is_told_to_be_root(car: InstalledCar) -> None:
    check = ["/opt/outpost/current/bin/outpost", "check", "-c", "/etc/outpost/agent.toml"]
    assert "no mistakes" in car.tree.run(check).stdout
    refused = car.tree.run(["runuser", "-u", "nobody", "--", *check], check=False)
    assert refused.returncode == 2
    assert "/etc/outpost/keys/unit.key cannot be looked at (Permission denied); run as root" in refused.stderr


def test_new_keys_are_taken_up_by_a_new_start_within_a_quarter_of_a_minute(car: InstalledCar, certificates: Certificates) -> None:
    known, before, renewed = car.boots(), car.restarts, renew(certificates)
    began = time.monotonic()
    put(car.tree, certificates)
    came = car.hear_new_boot(known)
    print(f"\nonline with the new certificate {came - began:.1f} s after it was written")
    assert handed(car) == renewed
    assert car.status()["link"]["state"] == "online"
    assert car.restarts == before, "one start, and asked for: nothing failed"


def test_half_a_renewal_restarts_nothing_and_is_taken_up_when_the_other_half_comes(car: InstalledCar, certificates: Certificates) -> None:
    known, before, pid, renewed = car.boots(), handed(car), car.pid, renew(certificates)
    put(car.tree, certificates, "unit.crt")
    said = "the key is not that of the certificate; the ones before are used on"
    car.tree.wait_for("half of it was looked at", lambda: said in car.tree.journal("outpost-keys.service"))
    car.wait_active("outpost-keys.service", "inactive")
    assert (handed(car), car.pid) == (before, pid)
    car.tree.run(["systemctl", "restart", "outpost.service"])
    car.hear_new_boot(known)
    assert handed(car) == before, "nor does any other restart take up half"
    known = car.boots()
    put(car.tree, certificates, "unit.key")
    car.hear_new_boot(known)
    assert handed(car) == renewed
    assert car.status()["link"]["state"] == "online"


def test_keys_that_come_while_the_agent_restarts_are_taken_up_too(car: InstalledCar, certificates: Certificates) -> None:
    renew(certificates)
    pid = car.pid
    put(car.tree, certificates)
    car.tree.wait_for("it is asked to stop", lambda: car.tree.show("outpost", "ActiveState") == "deactivating")
    second = renew(certificates)
    put(car.tree, certificates)
    car.next_process(pid)
    third = renew(certificates)
    put(car.tree, certificates)
    assert third != second
    car.tree.wait_for("the last ones are handed over", lambda: handed(car) == third)
    car.wait_active("outpost-keys.service", "inactive")
    car.wait_active()
    car.tree.wait_for("it is online", lambda: car.status().get("link", {}).get("state") == "online")


def test_a_restart_for_new_keys_waits_until_no_alarm_is_live(car: InstalledCar, certificates: Certificates) -> None:
    assert car.centre is not None
    known, pid = car.boots(), car.pid
    since = len(car.centre.records())
    car.raise_alarm()
    raised = next(a.record for a in car.centre.records()[since:] if isinstance(a.record, Alarm))
    renewed = renew(certificates)
    put(car.tree, certificates)
    car.tree.wait_for("it waits", lambda: "an alarm is live" in car.tree.journal("outpost-keys.service"))
    assert (car.pid, car.tree.show("outpost-keys.service", "ActiveState")) == (pid, "activating")
    car.centre.clear("car-1", raised.id, "test")
    car.hear_new_boot(known)
    assert handed(car) == renewed


def test_new_keys_start_no_agent_that_was_stopped(car: InstalledCar, certificates: Certificates) -> None:
    car.tree.run(["systemctl", "stop", "outpost.service"])
    seen = car.tree.show("outpost-keys.service", "InactiveEnterTimestampMonotonic")
    renewed = renew(certificates)
    put(car.tree, certificates)
    car.tree.wait_for("the change was looked at", lambda: car.tree.show("outpost-keys", "InactiveEnterTimestampMonotonic") != seen)
    assert car.tree.show("outpost.service", "ActiveState") == "inactive"
    car.tree.run(["systemctl", "start", "outpost.service"])
    assert handed(car) == renewed, "its next start takes them"
