"""Where chaos is played: a desk with the tapped agent, a broker as it is shipped, and a centre with a session, behind a line of its own."""

import os
import time
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from simulator.bench.brokers import Mosquitto
from simulator.bench.car import Car
from simulator.bench.car_config import Options
from simulator.bench.line import Line
from simulator.centre import Centre
from simulator.ledger import Arrival
from tests.black_box.desk import PATIENCE_S, Desk
from tests.broker.shipped import SHIPPED

RATE_HZ = 5
COMMIT_S = 1.0
COMMIT_ONLINE_S = 2.0
"""Short, so that a life of some seconds has several commits."""

OPTIONS = Options(
    rate_hz=RATE_HZ,
    commit_interval_s=COMMIT_S,
    commit_interval_online_s=COMMIT_ONLINE_S,
    more={"report": {"interval_s": 0.5}},
)

DELAY_S = 0.03
BYTES_PER_S = 20_000.0
"""The unit's line, each way: so that a kill finds messages between their sending and their PUBACK, as on a mobile network."""

AS_SHIPPED = (
    *("set_tcp_nodelay", "max_packet_size", "max_inflight_messages", "max_queued_messages", "max_queued_bytes"),
    *("persistent_client_expiration", "persistence", "autosave_interval", "autosave_on_changes"),
)
"""Settings of firmware_config/broker/mosquitto.conf that say what a killed broker still has, and what it takes."""


class ShippedMemory(Mosquitto):
    """Mosquitto that forgets and keeps as the shipped one does; without TLS and names, which have tests of their own."""

    def _arguments(self) -> list[str]:
        text = (SHIPPED / "mosquitto.conf").read_text()
        kept = [line for line in text.splitlines() if line.split(" ")[0] in AS_SHIPPED]
        assert len(kept) == len(AS_SHIPPED), f"of {AS_SHIPPED} mosquitto.conf says {kept}"
        lines = [*kept, f"persistence_location {self.directory}/", f"listener {self._port} 127.0.0.1", "allow_anonymous true"]
        # An own user would lose the directory: started by root it becomes `mosquitto` unless told otherwise.
        lines += ["log_dest stderr", "log_type error", "log_type warning", *([] if os.getuid() else ["user root"])]
        file = self.directory / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n")
        return ["-c", str(file)]


class LastingCentre(Centre):
    """A centre with a session at the broker: what comes while it is away waits for it, as long as the broker lives."""

    def _make(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            "the-centre",
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client


class ChaosDesk(Desk):
    """A car and a centre, both on lines that can be shut, and a broker that can be killed."""

    def __init__(self, directory: Path, command: list[str]) -> None:
        super().__init__(directory, OPTIONS)
        self.command = command

    def start(self) -> None:
        Car.start(self)
        self.line.delay_s, self.line.bytes_per_s = DELAY_S, BYTES_PER_S
        self.centre_line = Line(self.broker.port)
        self._left.callback(self.centre_line.close)
        self.centre = LastingCentre(self.centre_line.url)
        self._left.callback(self.centre.close)
        self.centre.start()
        self.centre.wait_until_listening(PATIENCE_S)

    def _make_broker(self) -> ShippedMemory:
        return ShippedMemory(self.directory / "broker")

    def clock_ms(self) -> int:
        """UTC of the receiver minus the monotonic clock of this machine, which all processes on it share."""
        return self.utc_ms(0.0)

    def news(self, since: int) -> list[Arrival]:
        """What the centre has heard from that number on."""
        return self.centre.ledger.arrivals(since)


def now() -> float:
    """Monotonic seconds."""
    return time.monotonic()
