"""The whole agent, `outpost run`, on a disk that fails: strace gives its store the error.

The alarm arrives, the centre is told, and no fix is lost in silence.
"""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.diskcache_store import DiskcacheStore
from agent.adapters.segment_store import Room
from agent.adapters.spool_rows import Rows
from agent.core.events import Lane
from agent.wire.records import Alarm, FaultRecord, Gap
from tests.black_box.desk import OUTPOST, QUICK, Desk, until
from tests.power.tape import strace_or_skip
from tests.power.test_disk_errors import CALLS, in_the_store

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A car without an agent yet, its centre listening."""
    with Desk(tmp_path / "car", QUICK) as found:
        yield found


def under_strace(desk: Desk, inject: str) -> None:
    """The agent is the process that we start; strace watches it from beside."""
    options = ["-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "signal=none", "-e", f"trace={','.join(CALLS)}"]
    desk.command = [strace_or_skip(), *options, *in_the_store(desk.directory / "state"), "-e", f"inject={inject}", *OUTPOST]


def drive_with_a_gap_in_the_line(desk: Desk, *faults: str) -> None:
    """Online, offline with an alarm, online again; one of the faults is told, and all fixes come, or their loss is declared."""
    desk.run_online()
    desk.hear_fix()
    desk.line.cut()
    desk.press()
    pause = threading.Event()
    pause.wait(6)
    desk.release()
    desk.line.restore()
    desk.hear(Alarm, lambda r: r.state == "raised")
    if faults:
        desk.hear(FaultRecord, lambda r: r.code in faults and r.state == "raised")
    desk.drive_into_a_tunnel()
    at = time.monotonic()
    assert desk.pid is not None, desk.log.read_text()[-2000:]
    until("all fixes have come, or a loss is declared", lambda: not desk.missing(at) or declared(desk))
    assert desk.terminate() == 0


def declared(desk: Desk) -> bool:
    return any(isinstance(record, Gap) for record in (arrival.record for arrival in desk.centre.records()))


@pytest.mark.parametrize("number", [40, pytest.param(39, marks=pytest.mark.soak), pytest.param(41, marks=pytest.mark.soak)])
def test_one_flush_that_fails_costs_nothing_in_silence(desk: Desk, number: int) -> None:
    under_strace(desk, f"fdatasync:error=EIO:when={number}")
    drive_with_a_gap_in_the_line(desk, "store.damaged")


@pytest.mark.parametrize("error", ["ENOSPC", pytest.param("EIO", marks=pytest.mark.soak), pytest.param("EROFS", marks=pytest.mark.soak)])
def test_a_disk_that_takes_nothing_any_more_is_told_and_the_alarm_arrives(desk: Desk, error: str) -> None:
    under_strace(desk, f"pwrite64:error={error}:when=150+")
    drive_with_a_gap_in_the_line(desk, "store.down", "store.full")


@pytest.mark.soak
def test_a_card_that_takes_two_seconds_for_each_flush_is_no_fault_and_loses_nothing(desk: Desk) -> None:
    under_strace(desk, "fdatasync:delay_enter=2000000:when=39..50")
    drive_with_a_gap_in_the_line(desk)
    assert not any(isinstance(arrival.record, FaultRecord) and arrival.record.code.startswith("store") for arrival in desk.centre.records())


def test_a_store_that_is_removed_under_the_agent_is_told_and_made_anew(desk: Desk) -> None:
    """What lay there alone is gone and declared; what the agent still has in memory is written again."""
    desk.run_online()
    desk.hear_fix()
    shutil.rmtree(desk.directory / "state" / "spool")
    desk.press()
    desk.hear(FaultRecord, lambda r: r.code == "store.damaged" and "another store" in (r.detail or ""))
    desk.hear(Gap, lambda r: r.why == "store_damaged")
    desk.hear(Alarm, lambda r: r.state == "raised")
    desk.release()
    desk.told("the store is open again", lambda s: s["outbox"]["store"] == "open" and s["outbox"]["unstored"] == 0)
    assert (desk.directory / "state" / "spool" / "cache.db").exists()
    assert desk.terminate() == 0


@pytest.mark.soak
@pytest.mark.parametrize("number", range(120, 220, 5))
def test_one_write_that_fails_costs_nothing_in_silence(desk: Desk, number: int) -> None:
    under_strace(desk, f"pwrite64:error=EIO:when={number}")
    drive_with_a_gap_in_the_line(desk)


@pytest.mark.bench
@pytest.mark.parametrize("size", [900, 9000])
def test_ready_with_a_million_records_in_the_store(desk: Desk, size: int, tmp_path: Path) -> None:
    """Ten thousand segments of a hundred records, half of them in history; from exec to READY=1."""
    state = desk.directory / "state"
    state.mkdir()
    store = DiskcacheStore(state / "spool", 1 << 30)
    rows = Rows(store, "a" * 16, {})
    rows.open()
    for start in range(0, 10_000, 500):
        with rows.transact(Room.ROWS):
            for seq in range(start, start + 500):
                rows.store(f"{'a' * 16}-{seq}", Lane.BACKFILL if seq % 2 else None, bytes(size))
    store.close()
    desk.line.cut()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(str(tmp_path / "notify"))
        service.settimeout(30)
        started = time.monotonic()
        command = [sys.executable, "-m", "agent", "run", "-c", str(desk.config_file)]
        environment = {**desk.environment, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as agent:
            while b"READY=1" not in service.recv(4096):
                pass
            seconds = time.monotonic() - started
            agent.terminate()
    print(json.dumps({"segment bytes": size, "MB": round((state / "spool" / "cache.db").stat().st_size / 1e6), "s": round(seconds, 2)}))
    assert seconds < 3
