"""What the idle agent costs: memory, CPU and start, against a bare loop of the same three libraries in the same run.

Both read receivers of the same route and rate at the same time, on the same machine, and publish to the same broker: the loop a message for
every fix, the agent as its config says (a position each 5 s or on a change, and every fix once a minute in a track).
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.bench.car_config import Options
from simulator.bench.receiver import Receiver
from simulator.route import Route
from tests.black_box.desk import Desk, resident_mb

SECONDS = 30.0
STARTS = 7
IDLE = Options(commit_interval_s=10.0, commit_interval_online_s=60.0, health_interval_s=60.0, keepalive_s=20)
"""As the reference config has it; the intervals of a desk are shorter."""

BARE_LOOP = Path(__file__).with_name("bare_loop.py")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

pytestmark = [pytest.mark.bench, pytest.mark.timeout(180)]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, user and system (proc(5): fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@contextlib.contextmanager
def bare_loop(port: Path, broker_port: int) -> Iterator[tuple[int, float]]:
    """The peer, running and connected: process id, and the seconds from its start until it was."""
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, str(BARE_LOOP), str(port), str(broker_port)], stdout=subprocess.PIPE)
    out = child.stdout
    assert out is not None
    try:
        assert out.readline() == b"ready\n"
        yield child.pid, time.monotonic() - started
    finally:
        child.terminate()
        child.wait(10)
        out.close()


@pytest.mark.parametrize("rate_hz", [1, 10])
def test_memory_and_cpu_of_the_idle_agent(rate_hz: int, tmp_path: Path) -> None:
    """The agent may take 60 MB (bound); the CPU is printed beside the peer's."""
    with Desk(tmp_path / "car", IDLE._replace(rate_hz=rate_hz)) as desk:
        desk.run_online()
        ours = desk.pid
        assert ours is not None
        with (
            Receiver(Route.through_xining(1), rate_hz, datetime(2026, 11, 22, tzinfo=UTC), tmp_path, name="peer") as receiver,
            bare_loop(receiver.port, desk.broker.port) as (peer, _),
        ):
            threading.Event().wait(20)  # as the bound says: idle for 20 s
            before = cpu_s(ours), cpu_s(peer), time.monotonic()
            threading.Event().wait(SECONDS)
            seconds = time.monotonic() - before[2]
            shares = [100 * (cpu_s(pid) - then) / seconds for pid, then in ((ours, before[0]), (peer, before[1]))]
            memory = [resident_mb(ours), resident_mb(peer)]
    print(f"\n{rate_hz} Hz over {seconds:.0f} s")
    for name, share, mb in zip(("agent", "bare loop"), shares, memory, strict=True):
        print(f"{name:12} CPU {share:5.2f} % of a core   resident {mb:5.1f} MB")
    assert memory[0] <= 60


def test_start_to_ready(tmp_path: Path) -> None:
    """From the start of the process to READY=1 (bound: 2 s), and to the peer's CONNACK."""
    ours: list[float] = []
    peers: list[float] = []
    with Desk(tmp_path / "car", IDLE) as desk, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = f"outpost-bench-{os.getpid()}"
        manager.bind(f"\0{address}")
        manager.settimeout(20)
        for _ in range(STARTS):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("NOTIFY_SOCKET", f"@{address}")
                started = time.monotonic()
                desk.start_agent()
                while b"READY=1" not in manager.recv(4096).split(b"\n"):
                    pass
                ours.append(time.monotonic() - started)
            desk.terminate()
            with contextlib.suppress(TimeoutError):
                manager.settimeout(0.1)
                while manager.recv(4096):
                    pass
            manager.settimeout(20)
            with bare_loop(desk.receiver.port, desk.broker.port) as (_, took):
                peers.append(took)
    print()
    for name, values in (("agent, READY=1", ours), ("bare loop, CONNACK", peers)):
        print(f"{name:20} median {statistics.median(values):.2f} s   max {max(values):.2f} s   of {STARTS} starts, taking turns")
    assert statistics.median(ours) <= 2
