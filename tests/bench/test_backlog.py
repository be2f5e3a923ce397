"""A million records waiting: memory of the real agent process, and how long it takes to start with them.

They are events, one row each, which is the worst there is: a million fixes of a track are a few thousand rows.
"""

import contextlib
import os
import statistics
import threading
from pathlib import Path

import pytest

from agent import config
from agent.core.events import Lane
from tests.bench import planted
from tests.bench.weeks import Week, load, scaled, size
from tests.bench.yard import UNIT, Agent, Yard
from tests.black_box.desk import resident_mb

ROWS = int(os.environ.get("OUTPOST_BENCH_ROWS", "1000000"))
STARTS = 3
IDLE_S = 10.0
RSS_MB_MAX = 80.0
READY_S_MAX = 3.0

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


def measured(yard: Yard, state: Path, what: str) -> float:
    """Starts in turn, memory while all of it waits, and while it drains; the most of it, in MB."""
    starts, most = [], 0.0

    @contextlib.contextmanager
    def running(reaches: bool):  # type: ignore[no-untyped-def]  # a generator of Agent
        agent = Agent(yard, yard.configure(state, reaches))
        starts.append(agent.wait_ready())
        try:
            yield agent
        finally:
            agent.stop()

    for _ in range(STARTS - 1):
        with running(reaches=False):
            pass
    with running(reaches=False) as agent:
        threading.Event().wait(IDLE_S)
        waiting = resident_mb(agent.pid)
    with running(reaches=True) as agent:
        threading.Event().wait(IDLE_S)
        draining = resident_mb(agent.pid)
    most = max(waiting, draining)
    print(
        f"\n{what}, file {size(state) / 1e6:.0f} MB: READY after {statistics.median(starts):.2f} s (median of {len(starts)}, "
        f"max {max(starts):.2f}; limit {READY_S_MAX:g}); resident {waiting:.1f} MB waiting, {draining:.1f} MB draining "
        f"(limit {RSS_MB_MAX:g}); {load()}"
    )
    return most


def test_memory_and_start_with_a_million_rows(tmp_path: Path) -> None:
    """At most 80 MB."""
    state = tmp_path / "state"
    planted.plant(state, config.Store().size_bytes_max, Lane.EVENT, planted.events(ROWS, UNIT))
    with Yard(tmp_path / "yard") as yard:
        assert measured(yard, state, f"{ROWS} events{'' if ROWS == 1_000_000 else ' (SCALED, not 1000000)'}") <= RSS_MB_MAX


def test_memory_and_start_with_a_week_of_fixes(week: Week, tmp_path: Path) -> None:
    """At most 80 MB."""
    with Yard(tmp_path / "yard") as yard:
        assert measured(yard, week.copy(tmp_path / "state"), scaled()) <= RSS_MB_MAX
