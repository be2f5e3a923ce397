"""A SIM that has not enough: the real agent counts as the kernel does, goes quiet but for alarms, and knows it after a kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm, Health, Position, Track
from simulator.bench.car_config import Options
from tests.black_box.desk import Desk

CAP = 4000
"""Less than a connection and what is said first: all of it is used when the bytes are told the first time."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A car that sends more than it may."""
    with Desk(tmp_path / "car", Options(more={"mqtt": {"bytes_per_day_max": CAP}})) as found:
        yield found


def test_beyond_the_cap_alarms_leave_and_nothing_else_that_can_wait_and_a_kill_changes_nothing(desk: Desk) -> None:
    desk.run_online()
    desk.hear_fix()
    fault = desk.hear_fault("data.cap", "raised", timeout=30.0)
    assert fault.detail is not None
    assert "of 0.0 MB of this day are used: history waits until " in fault.detail
    told = desk.told("the cap is used", lambda s: s["data"]["spares"] == "history waits, no live position")
    assert told["data"]["today_bytes"] == told["data"]["up_bytes"] + told["data"]["down_bytes"] > CAP
    assert "data.cap" in desk.faults()
    since = desk.heard
    health = desk.hear(Health, lambda r: r.data_today_bytes is not None and r.data_today_bytes > CAP, since)
    desk.hear(Health, lambda r: r.uptime_s >= health.uptime_s + 8, since)
    assert not [r for r in desk.centre.records()[since:] if isinstance(r, Position | Track)], "ten seconds of quiet"
    assert (desk.status() or {})["outbox"]["waiting"]["backfill"] >= 1

    desk.raise_alarm()
    alarmed = desk.heard
    for _ in range(3):
        desk.hear_fix(since=alarmed)

    counted = (desk.status() or {})["data"]["today_bytes"]
    desk.kill_agent()
    since = desk.heard
    boot = desk.run_online()
    again = desk.told("the count is back", lambda s: s["data"]["today_bytes"] is not None)["data"]
    assert 0.3 * counted < again["today_bytes"], "all but what came since the last writing"
    assert again["spares"] == "history waits, no live position"
    desk.hear(Alarm, lambda r: r.boot == boot, since)
    page = desk.page()
    assert "history waits, no live position until " in page
