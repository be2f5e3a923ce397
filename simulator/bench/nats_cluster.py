"""Three NATS nodes with JetStream and an MQTT listener each, as one broker on loopback: a directory in, nodes to kill and start again out.

What an integrator's cluster looks like (docs/brokers.md): each message three times, on disk before it is acknowledged. MQTT 3.1.1 only.
"""

import contextlib
import threading
import time
from pathlib import Path
from typing import Self

from simulator.bench.brokers import BrokerFailed, Nats, free_port

NODES = 3
READY_WITHIN_S = 40.0
"""From the start of all until each answers CONNECT: they must find each other and elect a leader first; 2 s on an idle machine."""


class Node(Nats):
    """One of the three. Not ready by itself: `start` returns at once, the cluster waits."""

    def __init__(self, directory: Path, number: int, cluster_ports: tuple[int, ...]) -> None:
        super().__init__(directory, free_port())
        self.number = number
        self._ports = cluster_ports

    def _arguments(self) -> list[str]:
        routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in self._ports)
        file = self.directory / "nats.conf"
        file.write_text(
            f'server_name: "node-{self.number}"\nhost: "127.0.0.1"\nport: -1\nlogtime: true\n'
            # the largest record is 1 MiB, and by default NATS ends a connection that sends one
            "max_payload: 2MB\n"
            # always: else a write may wait two minutes for its fsync, and three nodes in one rack lose their power together
            f'jetstream {{ store_dir: "{self.directory}/jetstream", sync_interval: always }}\n'
            f'cluster {{ name: "outpost", host: "127.0.0.1", port: {self._ports[self.number]}, routes: [{routes}] }}\n'
            # ack_wait: what was on its way to a centre when its node died goes again after 30 s by default
            f'mqtt {{ host: "127.0.0.1", port: {self._port}, stream_replicas: 3, consumer_replicas: 3, ack_wait: "3s" }}\n'
        )
        return ["-c", str(file)]

    def _ready(self, child: object) -> bool:
        """A node alone answers nobody: two of three must be there."""
        return True

    def wait_until_ready(self, timeout: float = READY_WITHIN_S) -> None:
        """Until it answers CONNECT.

        Raises:
            BrokerFailed: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + timeout
        while self._child is not None and self._child.poll() is None and time.monotonic() < deadline:
            if super()._ready(self._child):
                return
        raise BrokerFailed(f"{self.url} did not come up; its log ends:\n{self.log.read_text(errors='replace')[-2000:]}")


class NatsCluster:
    """The three. With `with`: started, and stopped at the end.

    Raises:
        BrokerMissing: nats-server is not installed.
    """

    def __init__(self, directory: Path) -> None:
        ports = tuple(free_port() for _ in range(NODES))
        self.nodes = tuple(Node(directory / f"node-{number}", number, ports) for number in range(NODES))

    @property
    def urls(self) -> list[str]:
        """`mqtt://127.0.0.1:port` of each."""
        return [node.url for node in self.nodes]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            for node in self.nodes:
                undo.callback(node.stop)
                node.start()
            for node in self.nodes:
                node.wait_until_ready()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        stopping = [threading.Thread(target=node.stop, name="node-stop", daemon=True) for node in self.nodes]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
