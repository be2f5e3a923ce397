"""The step of GNSS against a socket whose agent hears one position: `--wait` changes nothing of what is measured."""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.local_socket import LocalSocket
from agent.cli.commission_gnss import gnss
from agent.cli.commission_talk import Answers
from agent.cli.commission_walk import LANGUAGES, Walk
from agent.cli.commission_words import COMMISSION
from agent.cli.doctor_words import DOCTOR
from agent.cli.why_words import Words
from agent.core.effects import Answer
from agent.core.events import Asked, Event
from tests.core.builders import config
from tests.timing import PATIENCE_S


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[str]:
    """Of an agent that heard its one position at the start."""
    path, began = tmp_path / "agent.sock", time.monotonic()
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    agent = LocalSocket(str(path), events.put, time.monotonic)

    def answer() -> None:
        while event := events.get():
            if isinstance(event, Asked):
                raw = {"lat": 36.6, "lon": 101.8, "age_s": time.monotonic() - began}
                agent.perform(Answer(event.asker, {"position": {"mode": "3d"}, "sky": {"raw": raw}}))

    agent.start()
    thread = threading.Thread(target=answer, name="agent")
    thread.start()
    yield str(path)
    events.put(None)
    thread.join(PATIENCE_S)
    agent.close()


def test_one_position_is_no_scatter_however_short_the_time_to_wait_for_a_hand(socket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.cli.commission_gnss.SCATTER_S", 2.0)
    monkeypatch.setattr("agent.cli.commission_gnss.LIGHTS_S", 0.1)
    monkeypatch.setattr("agent.cli.commission_gnss.SKY_S_MAX", 60.0)
    words = {name: Words(name, DOCTOR, COMMISSION) for name in LANGUAGES}
    walk = Walk(socket, config(), Answers(), words, "en", 1.0, time.monotonic)
    began = time.monotonic()
    gnss(walk)
    (line,) = [line for line in walk.lines if line.code == "gnss.scatter"]
    assert (line.result, line.what["en"]) == ("fail", "only 1 positions")
    assert time.monotonic() - began >= 2.0
