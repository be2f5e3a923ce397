"""The real agent against the shipped broker configuration: everything it does is allowed, and a rogue broker learns nothing from it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client

from agent.wire.records import Alarm, Presence, Track
from simulator.bench.brokers import Mosquitto, find_mosquitto, free_port
from simulator.bench.car import Car
from simulator.bench.car_config import Options
from simulator.centre import Centre
from tests.black_box.desk import Desk
from tests.broker.peers import context
from tests.broker.shipped import Certificates, Shipped, made


class TlsCentre(Centre):
    """The small centre, with the certificate of the dispatcher."""

    def __init__(self, broker: Shipped) -> None:
        super().__init__(f"mqtt://127.0.0.1:{broker.centre_port}")
        self._tls = context(broker.certificates.authority, broker.certificates.centre("dispatch"))

    def _make(self) -> Client:
        client = super()._make()
        client.tls_set_context(self._tls)
        return client


class ShippedDesk(Desk):
    """A car and its centre on the shipped broker; the agent has the files that `make_certs.py unit` made for car-1."""

    def __init__(self, directory: Path, certificates: Certificates) -> None:
        files = certificates.unit("car-1").parent
        mqtt: dict[str, object] = {"ca": str(files / "ca.crt"), "cert": str(files / "unit.crt"), "key": str(files / "unit.key")}
        more: dict[str, dict[str, object]] = {"unit": {"groups": ["east", "patrol"]}, "report": {"interval_s": 1.0}, "mqtt": mqtt}
        super().__init__(directory, Options(commit_interval_online_s=1.0, more=more))
        self._certificates = certificates

    def start(self) -> None:
        Car.start(self)
        assert isinstance(self.broker, Shipped)
        self.configure(f'"{self.line.url}"', f'"mqtts://127.0.0.1:{self.line.port}"')
        self.centre = TlsCentre(self.broker)
        self._left.callback(self.centre.close)
        self.centre.start()
        self.centre.wait_until_listening()

    def _make_broker(self) -> Shipped:
        return Shipped(self.directory / "broker", self._certificates)


@pytest.fixture
def desk(certificates: Certificates, tmp_path: Path) -> Iterator[ShippedDesk]:
    """A car without an agent yet."""
    if find_mosquitto() is None:
        pytest.skip("no Mosquitto: apt install mosquitto")
    with ShippedDesk(tmp_path / "car", certificates) as found:
        yield found


def test_the_shipped_broker_carries_presence_position_alarm_track_and_orders(desk: ShippedDesk) -> None:
    boot = desk.run_online()
    desk.hear_fix()
    alarm = desk.raise_alarm()
    desk.centre.acknowledge(desk.options.unit, alarm)
    desk.hear(Alarm, lambda r: r.id == alarm and r.state == "acknowledged")
    desk.centre.clear(desk.options.unit, alarm, "a test")
    desk.hear(Alarm, lambda r: r.id == alarm and r.state == "cleared")
    desk.hear(Track, lambda r: r.boot == boot)
    status = desk.status() or {}
    assert status["link"]["endpoint"].startswith("mqtts://")
    assert "link.subscription" not in desk.faults()
    desk.kill_agent()
    lost = desk.hear(Presence, lambda r: r.boot == boot and not r.online)
    assert lost.reason == "lost", "the last will came through"


def test_a_revoked_unit_is_out_and_says_why(certificates: Certificates, tmp_path: Path) -> None:
    if find_mosquitto() is None:
        pytest.skip("no Mosquitto: apt install mosquitto")
    with ShippedDesk(tmp_path / "car", certificates.copy(tmp_path / "certificates")) as desk:
        assert isinstance(desk.broker, Shipped)
        stolen = certificates.unit("car-1").parent
        desk.configure(str(tmp_path / "certificates" / "units" / "car-1"), str(stolen))
        desk.run_online()
        made("revoke", desk.broker.certificates.directory, "car-1")
        desk.broker.stop()
        desk.broker.start()
        status = desk.told("why there is no link", lambda s: s["link"]["state"] == "waiting" and "mqtt.cert" in s["link"]["reason"])
        assert status["link"]["connects"] >= 1, "it was in before"


def stranger(_ours: Certificates, place: Path) -> Path:
    """The right host, of another authority."""
    made("ca", place, "127.0.0.1")
    return place / "mosquitto" / "broker"


def elsewhere(ours: Certificates, place: Path) -> Path:
    """Our authority, another host."""
    made("ca", ours.copy(place).directory, "broker.example")
    return place / "mosquitto" / "broker"


def expired(ours: Certificates, place: Path) -> Path:
    """Ours, of long ago."""
    made("ca", ours.copy(place).directory, "127.0.0.1", "--from", "2020-01-01", "--days", "30", "--renew")
    return place / "mosquitto" / "broker"


def stolen(ours: Certificates, _place: Path) -> Path:
    """That of a unit, taken from a car."""
    return ours.unit("car-2")


ROGUES = [
    (stranger, "unable to get local issuer certificate"),
    (elsewhere, "IP address mismatch"),
    (expired, "expired"),
    (stolen, "unable to get local issuer certificate"),
]


@pytest.mark.parametrize(("show", "says"), ROGUES, ids=[show.__name__ for show, _ in ROGUES])
def test_a_rogue_broker_hears_not_a_word_and_the_agent_goes_on_to_the_right_one(
    desk: ShippedDesk, certificates: Certificates, tmp_path: Path, show: Callable[[Certificates, Path], Path], says: str
) -> None:
    """It takes everybody, and asks for no certificate; the agent finds it first in its list."""
    shown, port = show(certificates, tmp_path / "theirs"), free_port()
    door = (
        *("log_type notice", f"listener {port} 127.0.0.1", f"certfile {shown}.crt", f"keyfile {shown}.key"),
        "max_connections -1",
    )
    rogue = Mosquitto(tmp_path / "rogue", config=door)
    rogue.start()
    ours = f'"mqtts://127.0.0.1:{desk.line.port}"'
    try:
        desk.configure(ours, f'"mqtts://127.0.0.1:{port}"')
        desk.run()
        status = desk.told("why there is no link", lambda s: s["link"]["state"] == "waiting" and s["link"]["reason"])
        assert says in status["link"]["reason"]
        assert status["link"]["connects"] == 0
        desk.kill_agent()
        desk.configure(f'"mqtts://127.0.0.1:{port}"', f'"mqtts://127.0.0.1:{port}", {ours}')
        boot = desk.run_online()
        assert desk.boots[-1] == boot
        log = rogue.log.read_text()
        assert f"on port {port}" in log, "the rogue was never tried"
        # who is in its log as a client is the bench itself, on the other door, to see whether it is up
        assert {line.split(" as ")[1].split(" ")[0] for line in log.splitlines() if "New client connected" in line} == {"outpost-up"}
    finally:
        rogue.stop()
