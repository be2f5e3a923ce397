"""ThingsBoard's IoT gateway as a peer: fixes published to a broker in the car in, the centre's side of what it does with them out.

The gateway is an installed package (3.8.5 was measured) with its own interpreter, which OUTPOST_BENCH_THINGSBOARD names; nothing of it is
imported here. It is configured as it is shipped, but for: where the platform is and the unit's certificate, the store (`sqlite`, with the
values of its manual), a connector for the broker in the car, and no statistics or remote configuration. At every start and every hour it
asks a host of its maker's for a newer version, and no setting keeps it from that, so it runs only at the car's end of an Uplink, from
which nobody but the centre can be reached.

The platform is the yard's Mosquitto, a sink for the telemetry, and an answer to the one question that the gateway asks before it sends
anything: `getSessionLimits`, answered as a ThingsBoard without rate limits does (65536 bytes, 100 messages in flight).
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from agent.core.events import Fix
from simulator.bench.brokers import free_port
from simulator.bench.uplink import Uplink
from tests.bench import sink
from tests.bench.driven import drive
from tests.bench.peers import Paho
from tests.bench.yard import PATIENCE_S, UNIT, Yard, common, end, mosquitto

VARIABLE = "OUTPOST_BENCH_THINGSBOARD"
TELEMETRY = "v1/gateway/telemetry"
FIX_TOPIC, ALARM_TOPIC = "car/fix", "car/alarm"
LIMITS = {"maxPayloadSize": 65536, "maxInflightMessages": 100, "rateLimits": {}, "gatewayRateLimits": {}}
STORAGE = {
    "type": "sqlite",
    "max_read_records_count": 1000,
    "size_limit": 1024,
    "max_db_amount": 10,
    "oversize_check_period": 1,
    "writing_batch_size": 1000,
    "messages_ttl_check_in_hours": 1,
    "messages_ttl_in_days": 7,
}
"""Of its manual, "SQLite storage"."""

DOUBLES = ("lat", "lon", "alt", "speed", "course", "hdop", "acc")
AHEAD = 200
"""Messages that the feeder has in flight: the broker in the car is no bottleneck."""


def facts(fix: Fix) -> dict[str, float | int | None]:
    """A fix as its values."""
    numbers = (fix.lat, fix.lon, fix.alt_m, fix.speed_mps, fix.course_deg, fix.hdop, fix.acc_m)
    return {**dict(zip(DOUBLES, numbers, strict=True)), "sats": sum(fix.sats.values())}


def record(fix: Fix) -> bytes:
    """As a device tells it to the gateway: its time as `ts`, in milliseconds, beside the values."""
    return json.dumps({"ts": fix.utc_ms, **facts(fix)}).encode()


def interpreter() -> tuple[Path, Path]:
    """The Python that has the gateway, and where its package lies; skips the test, with the reason, where there is none."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(f"no ThingsBoard gateway: {VARIABLE} is to name the Python of an environment with the package thingsboard-gateway")
    told = "import importlib.util as u; print(u.find_spec('thingsboard_gateway').submodule_search_locations[0])"
    done = subprocess.run([named, "-c", told], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.skip(f"no ThingsBoard gateway: {named} ({VARIABLE}) cannot import thingsboard_gateway")
    return Path(named), Path(done.stdout.strip())


def wire_or_skip(yard: Yard) -> Uplink:
    """The yard's wire; skips the test where there is none."""
    if yard.uplink is None:
        pytest.skip(f"the gateway asks its maker for updates, so it runs only where it cannot; that needs namespaces: {yard.no_uplink}")
    return yard.uplink


class Stored(NamedTuple):
    """Of the gateway's store: rows, bytes of its file (when all of the log is in it), and of the file's write-ahead log as it lies."""

    rows: int
    file_bytes: int
    wal_bytes: int


class Gateway:
    """One in the car, with the broker that its devices publish to. From `with` to its end; started and killed by hand."""

    def __init__(self, yard: Yard, name: str) -> None:
        self._yard = yard
        self._python, package = interpreter()
        self._name, self._directory = name, yard.directory / name
        self._left = contextlib.ExitStack()
        self._port = free_port()
        (self._directory / "logs").mkdir(parents=True)
        shutil.copy(package / "config" / "logs.json", self._directory)
        shipped = json.loads((package / "config" / "tb_gateway.json").read_text())
        (self._directory / "tb_gateway.json").write_text(json.dumps(self._configured(shipped)))
        (self._directory / "mqtt.json").write_text(json.dumps(self._connector()))
        self._child: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def _configured(self, shipped: dict[str, Any]) -> dict[str, Any]:
        """The shipped main configuration, with what a vehicle changes in it."""
        keys, platform = self._yard.certificates, shipped["thingsboard"]
        files = {"caCert": str(keys.authority), "privateKey": str(keys.unit_key), "cert": str(keys.unit)}
        security = {"type": "tls", **files, "certificateDaysLeft": 0}  # the bench's live for a day: else it would warn of them
        changed = {"host": self._yard.host, "port": self._yard.tls, "remoteConfiguration": False, "security": security}
        platform |= {**changed, "statistics": {"enable": False, "enableCustom": False}}
        connector = {"type": "mqtt", "name": "car", "configuration": "mqtt.json"}
        return {**shipped, "storage": {**STORAGE, "data_file_path": f"{self._directory}/data/"}, "connectors": [connector]}

    def _connector(self) -> dict[str, Any]:
        """One device; each value is named with its type, as the manual does it."""
        device = {"deviceNameExpressionSource": "constant", "deviceNameExpression": UNIT}
        device |= {"deviceProfileExpressionSource": "constant", "deviceProfileExpression": "default"}
        keys = {FIX_TOPIC: {**dict.fromkeys(DOUBLES, "double"), "sats": "integer"}, ALARM_TOPIC: {"alarm": "string"}}
        mapping = [
            {
                "topicFilter": topic,
                "subscriptionQos": 1,
                "converter": {
                    "type": "json",
                    "deviceInfo": device,
                    "timeout": 60000,
                    "attributes": [],
                    "timeseries": [{"type": kind, "key": key, "value": f"${{{key}}}"} for key, kind in names.items()],
                },
            }
            for topic, names in keys.items()
        ]
        broker = {"host": "127.0.0.1", "port": self._port, "clientId": "gateway", "version": 5, "security": {"type": "anonymous"}}
        return {"broker": broker, "mapping": mapping, "requestsMapping": {}}

    def __enter__(self) -> Self:
        file = self._directory / "car.conf"
        file.write_text("\n".join([*common(), "log_type subscribe", f"listener {self._port} 127.0.0.1"]) + "\n")
        self._left.callback(end, self._yard.spawn(self._yard.at_car(mosquitto(), "-c", str(file)), f"{self._name}-broker"))
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._left.close()

    def start(self) -> None:
        """Start it, with an environment that names no proxy, and wait until it has subscribed to what its devices say."""
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self._directory), "TB_GW_CONFIG_DIR": str(self._directory)}
        command = self._yard.at_car(str(self._python), "-m", "thingsboard_gateway.tb_gateway")
        with (self._directory / "gateway.log").open("ab") as log:
            self._child = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, cwd=self._directory, env=environment, stdin=subprocess.DEVNULL
            )
        self._starts += 1
        subscribed = self._yard.directory / f"{self._name}-broker.log"
        wait_until(lambda: subscribed.read_text().count(ALARM_TOPIC) >= self._starts, "the gateway's subscription in the car")

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._child is not None
        return self._child.pid

    def kill(self) -> None:
        """SIGKILL, as a power cut ends it."""
        running, self._child = self._child, None
        if running is not None:
            running.kill()
            running.wait(10)

    def feed(self, count: int) -> "Feeder":
        """A feeder, once it has published so many fixes."""
        return Feeder(self._yard, self._port, count)

    def stored(self) -> Stored:
        """What its store holds."""
        file = self._directory / "data" / "data.db"
        if not file.exists():
            return Stored(0, 0, 0)
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (rows,) = database.execute("SELECT COUNT(*) FROM messages").fetchone()
            (pages,), (page_bytes,) = (database.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
        wal = file.with_name("data.db-wal")
        return Stored(rows, pages * page_bytes, wal.stat().st_size if wal.exists() else 0)


class Feeder:
    """A device in the car: publishes fixes, then waits to publish an alarm."""

    def __init__(self, yard: Yard, port: int, count: int) -> None:
        self._child = child(yard, yard.at_car, {"what": "feed", "port": port, "count": count})
        assert said(self._child) == "fed"

    def alarm(self) -> float:
        """Publish one; monotonic seconds just before."""
        assert self._child.stdin is not None
        self._child.stdin.write(b"alarm\n")
        self._child.stdin.flush()
        return float(said(self._child))

    def close(self) -> None:
        """End it."""
        self._child.communicate(timeout=10)


class Platform:
    """Answers the gateway's question for its limits; `wait_asked` says when it did."""

    def __init__(self, yard: Yard) -> None:
        self._child = child(yard, yard.at_centre, {"what": "limits", "host": yard.host, "port": yard.plain})
        assert said(self._child) == "ready"

    def wait_asked(self) -> None:
        """Until the gateway has asked."""
        assert said(self._child) == "asked"

    def close(self) -> None:
        """End it."""
        self._child.communicate(timeout=10)


def child(yard: Yard, at: Callable[..., list[str]], told: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """This file as a process at one end."""
    command = at(sys.executable, "-m", "tests.bench.thingsboard", json.dumps(told))
    return yard.spawn(command, told["what"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def said(process: "subprocess.Popen[bytes]") -> str:
    """Its next line."""
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def wait_until(true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Look every hundredth of a second."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"not within {patience_s:g} s: {what}"
        threading.Event().wait(0.01)


def telemetry(heard: list[sink.Heard]) -> list[tuple[float, int, dict[str, Any]]]:
    """What the platform was told: when it came, the time it is of (ms), and its values."""
    found = []
    for one in heard:
        if one.topic == TELEMETRY:
            found += [(one.at, item["ts"], item["values"]) for items in json.loads(one.payload).values() for item in items]
    return found


# --- the processes --------------------------------------------------------------------------------------------------------------------


def feed(told: dict[str, Any]) -> None:
    """Publish `count` fixes, AHEAD at a time, and say `fed`; then an alarm for each line."""
    deadline = time.monotonic() + 10
    while True:
        try:
            paho = Paho("127.0.0.1", told["port"], None, "feeder")
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)
    flying, last_ms = 0, 0
    for fix in drive(told["count"], 0.0):
        paho.publish(FIX_TOPIC, record(fix))
        flying, last_ms = flying + 1, fix.utc_ms or 0
        if flying == AHEAD:
            paho.acked.get(timeout=60)
            flying -= 1
    for _ in range(flying):
        paho.acked.get(timeout=60)
    print("fed", flush=True)
    for n, _ in enumerate(sys.stdin):
        at = time.monotonic()
        paho.publish(ALARM_TOPIC, json.dumps({"ts": last_ms + 500 + n, "alarm": "panic"}).encode())
        print(at, flush=True)
    paho.close()


def answer_limits(told: dict[str, Any]) -> None:
    """Answer until stdin ends."""
    client = Client(CallbackAPIVersion.VERSION2, "platform")

    def answer(_: Client, __: object, message: MQTTMessage) -> None:
        number = message.topic.rpartition("/")[2]
        assert json.loads(message.payload)["method"] == "getSessionLimits"
        client.publish(f"v1/devices/me/rpc/response/{number}", json.dumps(LIMITS), qos=1)
        print("asked", flush=True)

    client.on_message = answer
    client.on_subscribe = lambda *_: print("ready", flush=True)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.connect(told["host"], told["port"])
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)
    client.subscribe("v1/devices/me/rpc/request/+", 1)
    client.loop_start()
    sys.stdin.read()
    client.disconnect()
    client.loop_stop()


def main() -> None:
    """One of them, as told by a JSON argument."""
    told = json.loads(sys.argv[1])
    {"feed": feed, "limits": answer_limits}[told["what"]](told)


if __name__ == "__main__":
    main()
