"""`outpost status` against a real local socket with a small loop that answers, and the page with whatever an agent may say."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.local_socket import LocalSocket
from agent.cli import parser, status
from agent.cli.status_page import WRITERS, page
from agent.config import Socket
from agent.core.effects import Answer
from agent.core.events import Asked, Event
from tests.timing import PATIENCE_S

BODY: dict[str, Any] = {
    "unit": {"id": "car-17", "kind": "patrol_car", "boot": "00112233aabbccdd", "version": "0.1.0", "uptime_s": 11_520.4, "ready": True},
    "faults": [{"code": "gnss.silent", "detail": "/dev/serial0", "since_s": 725.0}, {"code": "new.one", "detail": "", "since_s": 3.2}],
    "alarm": {"state": "raised", "id": "00112233aabbccdd-4", "n": 7, "age_s": 34.1, "live": 1},
    "link": {
        "state": "waiting", "endpoint": "mqtts://centre:8883", "protocol": 5, "since_s": 301.0, "reason": "connection refused",
        "next_try_s": 4.0, "connects": 3,
    },
    "outbox": {
        "waiting": {"alarm": 2, "event": 14, "live": 0, "backfill": 0}, "in_flight": 2, "in_flight_bytes": 823, "unstored": 5,
        "store": "down", "store_reason": "disk I/O error", "acked": 1041, "acked_s": 61.0,
    },
    "position": {"lat": 39.904202, "lon": 116.407394, "mode": "3d", "age_s": 1.2, "spd_mps": 12.34, "sats": {"BD": 12, "GP": 8}},
    "lights": {"show": "cruise", "by": "ignition", "shown": {"roof_left": "cruise"}, "lamp": None},
    "receiver": {"port": "/dev/serial0", "up": True, "sentences": 10_234, "refused": {"checksum": 3}},
    "clock": {"src": "gnss", "err_ms": 20, "utc_ms": 1_767_225_600_000},
    "vitals": {"rss_bytes": 23_400_000, "temp_c": 51.25, "store_free_bytes": 12_300_000_000, "events_dropped": 0},
    "moon": {"phase": "full", "craters": [1, 2]},
}  # fmt: skip

PAGE = """\
  unit      car-17 (patrol_car), ready, up 3 h 12 min, version 0.1.0, boot 00112233aabbccdd
! fault     gnss.silent: the receiver says nothing, /dev/serial0, for 12 min
            Check power and wiring of the receiver.
! fault     new.one, for 3.2 s
! alarm     raised, 34 s ago, records: 7, id 00112233aabbccdd-4, live 1
! link      waiting, for 5 min, connection refused, next try in 4.0 s, mqtts://centre:8883, MQTT 5, connects 3
! backlog   waiting: alarm 2, event 14, 2 in flight (823 bytes), 5 not yet on disk, acknowledged: 1041, the last 1 min ago
  position  39.904202, 116.407394, 3d, 1.2 s old, 12.3 m/s, satellites: BD 12, GP 8
  lights    cruise by ignition, shown: roof_left cruise
  receiver  /dev/serial0, open, sentences: 10234, refused: checksum 3
! store     down, disk I/O error, 12.3 GB free
  memory    23.4 MB, 51.2 °C
  clock     2026-01-01 00:00:00 UTC, source: gnss, ± 20 ms
  moon      phase full, craters (1, 2)"""


class Agent:
    """A real local socket, and a loop that answers every question with `body`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.body = BODY
        self.asked: list[dict[str, Any]] = []
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._socket = LocalSocket(str(path), self._events.put, time.monotonic)
        self._socket.start()
        self._thread = threading.Thread(target=self._run, name="answering loop")
        self._thread.start()

    def _run(self) -> None:
        while event := self._events.get():
            if isinstance(event, Asked):
                self.asked.append(event.request)
                self._socket.perform(Answer(event.asker, self.body))

    def close(self) -> None:
        self._events.put(None)
        self._thread.join(PATIENCE_S)
        self._socket.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock")
    yield made
    made.close()


def outpost(*words: str | Path) -> int:
    return parser.main(["status", *map(str, words)])


Read = Callable[[], Any]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Read:
    return capsys.readouterr


def test_the_page_begins_with_what_is_wrong(agent: Agent, printed: Read) -> None:
    assert outpost("-s", agent.path) == 0
    assert printed().out == PAGE + "\n"
    assert agent.asked == [{"ask": "status"}]


def test_json_is_the_answer_as_it_came(agent: Agent, printed: Read) -> None:
    assert outpost("--json", "-s", agent.path) == 0
    assert json.loads(printed().out) == BODY


def test_the_socket_is_found_in_the_config_file(agent: Agent, printed: Read) -> None:
    """A path that does not begin with / starts where the file lies; the rest of the file need not even be right."""
    config = agent.path.parent / "agent.toml"
    config.write_text('[socket]\npath = "agent.sock"\n[unit]\nidd = 5\n')
    assert outpost("-c", config) == 0
    assert "car-17" in printed().out


@pytest.mark.parametrize("text", [None, "[socket\n"])
def test_a_config_file_that_cannot_be_read_is_a_mistake(tmp_path: Path, printed: Read, text: str | None) -> None:
    """Rather than the status of some other agent, that listens at the usual place."""
    config = tmp_path / "agent.toml"
    if text:
        config.write_text(text)
    assert outpost("-c", config) == 2
    assert f"{config}: " in printed().err


def test_without_the_usual_config_file_the_usual_socket_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "CONFIG_DEFAULT", str(tmp_path / "not_there.toml"))
    assert status.socket_path(tmp_path / "not_there.toml") == status.SOCKET_DEFAULT == Socket().path


def test_no_agent_is_exit_code_3_and_says_how_to_start_it(tmp_path: Path, printed: Read) -> None:
    path = tmp_path / "agent.sock"
    assert outpost("-s", path) == 3
    assert printed().err == f"not running: nothing answers at {path}; start it with `systemctl start outpost`, or `outpost run`\n"


def test_the_socket_of_a_dead_agent_is_exit_code_3(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "agent.sock"))
    assert outpost("-s", tmp_path / "agent.sock") == 3


def test_an_agent_that_answers_with_an_error_is_exit_code_1(agent: Agent, printed: Read) -> None:
    agent.body = {"error": "cannot answer"}
    assert outpost("-s", agent.path) == 1
    assert printed().err == f"the agent at {agent.path} answers: cannot answer\n"


@pytest.mark.parametrize(
    ("said", "told"), [(b"", "ended while it was asked"), (b"220 mail\n", "is not an outpost agent"), (b"[]\n", "found list")]
)
def test_somebody_else_at_the_socket_is_exit_code_1(tmp_path: Path, printed: Read, said: bytes, told: str) -> None:
    def answer() -> None:
        other, _ = listener.accept()
        other.recv(1000)
        other.sendall(said)
        other.close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "other.sock"))
        listener.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        assert outpost("-s", tmp_path / "other.sock") == 1
        thread.join(PATIENCE_S)
    assert told in printed().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not ask")
def test_who_may_not_ask_is_told_how_to_be_allowed(printed: Read) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        path = Path(f"/tmp/outpost-test-{os.getpid()}.sock")
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen()
        groups = os.getgroups()
        try:
            os.setgroups([])
            os.setegid(65534)
            os.seteuid(65534)
            assert outpost("-s", path) == 1
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)
            path.unlink()
    assert "join the group with `sudo usermod -aG outpost $USER`" in printed().err


@pytest.mark.usefixtures("ctrl_c")
def test_watch_asks_again_and_lives_through_a_restart_of_the_agent(tmp_path: Path) -> None:
    """One line each second; ended with Ctrl-C."""
    path = tmp_path / "agent.sock"
    words = [sys.executable, "-m", "agent", "status", "--watch", "--json", "-s", str(path)]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as watching:
        assert watching.stdout is not None
        told = json.loads(watching.stdout.readline())
        assert "not running" in told["error"]
        agent = Agent(path)
        while told != BODY:  # it may have asked once more before the agent was there
            assert "not running" in told["error"]
            told = json.loads(watching.stdout.readline())
        watching.send_signal(signal.SIGINT)
        more, wrong = watching.communicate(timeout=PATIENCE_S)
        agent.close()
    assert (watching.returncode, wrong) == (0, "")
    assert all(json.loads(line) == BODY for line in more.splitlines())


def test_a_reader_that_has_enough_is_no_error(agent: Agent) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = ["bash", "-o", "pipefail", "-c", '"$0" -m agent status --watch -s "$1" | head -1', sys.executable, str(agent.path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ, timeout=2 * PATIENCE_S)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", PAGE.partition("\n")[0] + "\n")


# --- the page ---------------------------------------------------------------------------------------------------------------------------


def test_a_quiet_unit_has_no_line_that_wants_attention() -> None:
    body = {
        "unit": {"id": "post-3", "ready": True, "uptime_s": 200_000},
        "faults": [],
        "alarm": {"state": "none"},
        "link": {"state": "online", "endpoint": "mqtt://centre", "protocol": 4, "since_s": 5, "reason": None, "next_try_s": None},
        "outbox": {"waiting": {"alarm": 0, "live": 0}, "in_flight": 0, "unstored": 0, "store": "open", "store_reason": None},
        "position": {"lat": 0.0, "lon": 0.0, "mode": "2d", "age_s": 0.3},
    }
    assert page(body).split("\n") == [
        "  unit      post-3, ready, up 2 d 7 h",
        "  faults    none",
        "  alarm     none",
        "  link      online, for 5.0 s, mqtt://centre, MQTT 3.1.1",
        "  backlog   nothing waits",
        "  position  0.000000, 0.000000, 2d, 0.3 s old",
        "  store     open",
    ]


def test_an_old_position_without_a_fix_says_both() -> None:
    assert page({"position": {"lat": 1.5, "lon": 2.5, "mode": "none", "age_s": 4000.0}}) == (
        "  position  1.500000, 2.500000, no fix now, 1 h 6 min old"
    )
    assert page({"position": {"mode": "none"}}) == "! position  no position"


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    """A reason comes from a broker."""
    told = page({"link": {"state": "waiting", "reason": "\x1b[2Jgone\r\n"}, "x\x07": "\x9b"})
    assert all(c.isprintable() or c == "\n" for c in told)
    assert "gone" in told


def test_a_unit_that_is_not_ready_wants_attention() -> None:
    assert page({"unit": {"id": "a", "ready": False}}) == "! unit      a, not ready"


NAMES = st.sampled_from(
    [name for name, _, _ in WRITERS] + sorted({key for section in BODY.values() if isinstance(section, dict) for key in section}) + ["odd"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_no_answer_breaks_the_page(body: dict[str, Any]) -> None:
    """An agent may be older or newer than this program."""
    before = repr(body)
    told = page(body)
    assert all(c.isprintable() or c == "\n" for c in told)
    assert repr(body) == before, "the answer is left as it was"
