"""What a user would pick instead, each against the same broker: paho alone, paho over plain sqlite3, and a local Mosquitto that bridges.

All are given the same fixes, one message a fix, as a first design has it, in a compact body of some 60 bytes (msgpack, no field names).
"""

import json
import queue
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgpack
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.core.events import Fix
from simulator.bench.brokers import free_port
from tests.bench.certificates import Certificates
from tests.bench.driven import drive
from tests.bench.yard import PATIENCE_S, ROOT, Yard, common, end, mosquitto

WINDOW = 20
"""paho's own default, and Mosquitto's: messages in flight."""


def body(fix: Fix) -> bytes:
    """A fix as an array of numbers."""
    facts = (fix.utc_ms, fix.lat, fix.lon, fix.alt_m, fix.speed_mps, fix.course_deg, fix.hdop, fix.acc_m, sum(fix.sats.values()))
    return bytes(msgpack.packb(facts))


def rows_in(file: Path) -> sqlite3.Connection:
    """A database of one row a fix, every commit flushed."""
    database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE IF NOT EXISTS waiting(n INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB)")
    return database


class Paho:
    """A publisher as anybody writes it. `acked`: (message id, monotonic seconds) of each PUBACK."""

    def __init__(self, host: str, port: int, keys: Certificates | None, name: str) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
        self.acked: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
        self.client.on_publish = lambda _c, _u, mid, *_: self.acked.put((mid, time.monotonic()))
        connected: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.client.on_connect = lambda *_: connected.put(None)
        if keys is not None:
            context = ssl.create_default_context(cafile=keys.authority)
            context.load_cert_chain(keys.unit, keys.unit_key)
            self.client.tls_set_context(context)
        self.client.connect(host, port)
        self.client.loop_start()
        connected.get(timeout=10)

    def publish(self, topic: str, payload: bytes) -> int:
        """Its message id."""
        return self.client.publish(topic, payload, qos=1).mid

    def latency_s(self, topic: str, payload: bytes, file: sqlite3.Connection | None = None) -> float:
        """From before publish() (and before the row is on disk, with a file) to its PUBACK."""
        before = time.monotonic()
        if file is not None:
            file.execute("INSERT INTO waiting(payload) VALUES (?)", (payload,))
        mid = self.publish(topic, payload)
        while True:
            found, at = self.acked.get(timeout=60)
            if found == mid:
                return at - before

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()
        self.client.on_publish = self.client.on_connect = None


def drain_rows(paho: Paho, file: sqlite3.Connection, topic: str) -> float:
    """Seconds in which all rows are published, WINDOW at a time, and deleted once acknowledged, a hundred in a transaction."""
    began = time.monotonic()
    flying: dict[int, int] = {}
    done: list[int] = []
    rows = iter(file.execute("SELECT n, payload FROM waiting ORDER BY n").fetchall())
    more = True
    while more or flying:
        while more and len(flying) < WINDOW:
            row = next(rows, None)
            if row is None:
                more = False
            else:
                flying[paho.publish(topic, row[1])] = row[0]
        if flying:
            done.append(flying.pop(paho.acked.get(timeout=60)[0]))
        if len(done) >= 100 or not (more or flying):
            file.execute("BEGIN")
            file.executemany("DELETE FROM waiting WHERE n = ?", ((n,) for n in done))
            file.execute("COMMIT")
            done.clear()
    return time.monotonic() - began


def drain_queue(paho: Paho, payloads: Sequence[bytes], topic: str) -> tuple[float, float]:
    """Everything to paho's own queue, then an alarm: seconds until all is acknowledged, and until the alarm is, after its press."""
    began = time.monotonic()
    for payload in payloads:
        paho.publish(topic, payload)
    pressed = time.monotonic()
    alarm = paho.publish(f"{topic}/alarm", b"help")
    alarm_s = last = 0.0
    for _ in range(len(payloads) + 1):
        mid, last = paho.acked.get(timeout=120)
        if mid == alarm:
            alarm_s = last - pressed
    return last - began, alarm_s


class Bridge:
    """A Mosquitto in the car that bridges to the centre's, its store on disk, as its manual says; in MQTT 3.1.1, 2.0's default."""

    def __init__(self, yard: Yard, name: str) -> None:
        self._yard = yard
        self._directory = yard.directory / name
        self._directory.mkdir()
        self.port = free_port()
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, reaches: bool) -> None:
        """`reaches`: whether the centre can be reached, or nobody is at that port."""
        keys = self._yard.certificates
        lines = [
            *(line for line in common() if not line.startswith(("persistence", "max_inflight"))),
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {self._directory}/",
            "connection centre",
            f"address {self._yard.host}:{self._yard.tls if reaches else 9}",
            "topic peer/# out 1",
            "cleansession false",
            "restart_timeout 1",
            "notifications false",
            *(f"bridge_{name} {file}" for name, file in (("cafile", keys.authority), ("certfile", keys.unit), ("keyfile", keys.unit_key))),
        ]
        file = self._directory / "bridge.conf"
        file.write_text("\n".join(lines) + "\n")
        self._child = self._yard.spawn(self._yard.at_car(mosquitto(), "-c", str(file)), "bridge")

    def stop(self) -> None:
        """In order: it writes down what waits."""
        child, self._child = self._child, None
        if child is not None:
            end(child)


def spec(yard: Yard, what: str, count: int, port: int | None = None) -> list[str]:
    """The command that runs this file as a peer in the car; `port`: of a broker there, instead of the centre's behind TLS."""
    keys = yard.certificates
    facts = {"what": what, "count": count, "host": yard.host, "port": yard.tls, "keys": [str(path) for path in keys]}
    facts |= {} if port is None else {"host": "127.0.0.1", "port": port, "keys": None}
    facts["file"] = str(yard.directory / f"{what}.db")
    return yard.at_car(sys.executable, "-m", "tests.bench.peers", json.dumps(facts))


def run(yard: Yard, what: str, count: int, port: int | None = None) -> dict[str, float]:
    """Run one to its end; what it measured."""
    done = subprocess.run(spec(yard, what, count, port), capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """One peer, as told by a JSON argument."""
    told = json.loads(sys.argv[1])
    keys = None if told["keys"] is None else Certificates(*(Path(path) for path in told["keys"]))
    payloads = [body(fix) for fix in drive(told["count"], 0.0)]
    deadline = time.monotonic() + 10
    while True:
        try:
            paho = Paho(told["host"], told["port"], keys, f"peer-{told['what']}")
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)
    found: dict[str, float] = {"payload_bytes": sum(map(len, payloads)) / max(1, len(payloads))}
    match told["what"]:
        case "rows":
            database = rows_in(Path(told["file"]))
            database.execute("BEGIN")
            database.executemany("INSERT INTO waiting(payload) VALUES (?)", ((payload,) for payload in payloads))
            database.execute("COMMIT")
            found["file_bytes"] = Path(told["file"]).stat().st_size + Path(told["file"] + "-wal").stat().st_size
            found["seconds"] = drain_rows(paho, database, "peer/fix")
        case "queue":
            found["seconds"], found["alarm_s"] = drain_queue(paho, payloads, "peer/fix")
        case "fill":
            found["seconds"] = drain_queue(paho, payloads, "peer/fix")[0]
        case "alarms":
            database = rows_in(Path(told["file"]))
            print("ready", flush=True)
            for line in sys.stdin:
                print(paho.latency_s("peer/alarm", bytes(280), database if line == "row\n" else None), flush=True)
    paho.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
