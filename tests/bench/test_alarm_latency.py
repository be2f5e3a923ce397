"""Press to PUBACK: the whole agent in this process over a real broker and a real store, against a bare paho publish in the same run.

Counted from the moment at which the button has been held long enough (the raw edge plus `hold_s`) to the stamp of the PUBACK; the peer from
before its publish() to its on_publish. Presses and publishes take turns, so that a slow moment of the machine hits both.
"""

import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent import clock, config, daemon, loop
from agent.adapters.inputs import Inputs
from agent.core import effects
from agent.core.events import Acked, Event, Started, StopRequested
from agent.core.unit import Unit
from agent.mailbox import Mailbox
from simulator.bench.brokers import best_broker

ROUNDS = 150
HOLD_S = 0.05
RELEASED_S = 0.25
PIN = 17

pytestmark = pytest.mark.bench


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * len(values)))]


@pytest.fixture
def broker_url(tmp_path: Path) -> Iterator[str]:
    broker = best_broker(tmp_path / "broker")
    broker.start()
    yield broker.url
    broker.stop()


class Agent:
    """The agent without its process: the same core, loop and adapters, with a tap on what it publishes and what is acknowledged."""

    def __init__(self, tmp_path: Path, url: str) -> None:
        self.config = config.Config(
            unit=config.Unit(id="bench-1"),
            mqtt=config.Mqtt(endpoints=(url,)),
            gnss=config.Gnss(port=str(tmp_path / "no-receiver")),
            input=(config.Input(id="driver", use=config.InputUse.PANIC, pin=PIN, hold_s=HOLD_S),),
            store=config.Store(path=str(tmp_path / "state")),
            socket=config.Socket(path=str(tmp_path / "agent.sock")),
        )
        self.acked: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.durable: dict[int, None] = {}
        self.mailbox = Mailbox(clock.monotonic)
        self.unit = Unit(self.config, "0" * 16, "bench")
        self.adapters, self.performers = daemon.compose(self.config, "0" * 16, self.post)
        self.performers |= {effects.Notify: lambda _: None, effects.Note: lambda _: None}
        self.thread = threading.Thread(target=self.run, name="bench-agent", daemon=True)

    def post(self, event: Event) -> None:
        if isinstance(event, Acked) and event.token in self.durable:
            self.acked.put(event.at)
        self.mailbox.post(event)

    def perform(self, effect: effects.Effect) -> None:
        # a slotted repeat of an earlier press has no Store before it; only the record of this press counts
        if isinstance(effect, effects.Publish) and effect.topic.endswith("/alarm") and effect.payload in self.stored:
            self.durable[effect.token] = None
        if isinstance(effect, effects.Store):
            self.stored.add(effect.payload)
        self.performers[type(effect)](effect)

    def run(self) -> None:
        self.stored: set[bytes] = set()
        self.mailbox.post(Started(clock.monotonic()))
        for adapter in self.adapters:
            adapter.start()
        loop.run(self.unit, self.mailbox, self.perform, lambda: None, clock.monotonic)
        for adapter in self.adapters:
            adapter.close()


def bare_paho(url: str) -> tuple[Client, Callable[[bytes], float]]:
    """A publisher as anybody writes it; the function gives the seconds from publish() to on_publish."""
    client = Client(CallbackAPIVersion.VERSION2, "peer", protocol=MQTTProtocolVersion.MQTTv5)
    done: queue.SimpleQueue[float] = queue.SimpleQueue()
    client.on_publish = lambda *_: done.put(time.monotonic())
    host, _, port = url.removeprefix("mqtt://").partition(":")
    client.connect(host, int(port))
    client.loop_start()

    def publish(payload: bytes) -> float:
        before = time.monotonic()
        client.publish("peer/alarm", payload, qos=1)
        return done.get(timeout=5) - before

    return client, publish


def test_press_to_puback_against_a_bare_publish(tmp_path: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """p50 at most 5 ms, p99 at most three times the peer's."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    agent = Agent(tmp_path, broker_url)
    pin = next(adapter for adapter in agent.adapters if isinstance(adapter, Inputs))._factory.pin(PIN)
    agent.thread.start()
    client, publish = bare_paho(broker_url)
    ours, peers = [], []
    try:
        until = time.monotonic() + 10
        while agent.unit.link.connects == 0 and time.monotonic() < until:
            threading.Event().wait(0.05)
        publish(b"warm-up")
        for number in range(ROUNDS):
            pressed = time.monotonic()
            pin.drive_low()
            acked = agent.acked.get(timeout=10)
            ours.append((acked - pressed - HOLD_S) * 1000)
            pin.drive_high()
            peers.append(publish(msgspec.msgpack.encode({"n": number, "filler": "x" * 280})) * 1000)
            threading.Event().wait(RELEASED_S)
    finally:
        client.disconnect()
        client.loop_stop()
        agent.mailbox.post(StopRequested(clock.monotonic(), "bench"))
        agent.thread.join(10)
    lines = [
        f"{name:24} p50 {statistics.median(values):6.2f} ms   p99 {percentile(values, 0.99):6.2f} ms   max {max(values):6.2f} ms"
        for name, values in (("press to PUBACK, agent", ours), ("publish to PUBACK, paho", peers))
    ]
    ratio = percentile(ours, 0.99) / percentile(peers, 0.99)
    print("\n" + "\n".join([*lines, f"p99 ratio {ratio:.2f} over {ROUNDS} rounds each, taking turns"]))
    assert statistics.median(ours) <= 5
    assert ratio <= 3
