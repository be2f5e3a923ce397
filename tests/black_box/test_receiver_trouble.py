"""What a serial line and its plug can do: the agent lives, says what is wrong, says when it is over, and has fixes again."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import FaultRecord, Track
from agent.wire.track import unpack
from tests.adapters.pty_receiver import PtyReceiver, sentence
from tests.black_box.desk import PATIENCE_S, QUICK, Desk, resident_mb, until

LINE_BYTES = 1_048_576
GROWTH_MB_MAX = 5.0
STOPPED_S = 4.0


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A car whose agent was started before its receiver was there."""
    with Desk(tmp_path_factory.mktemp("late") / "car", QUICK) as desk:
        desk.unplug()
        desk.run_online()
        yield desk


def test_a_receiver_that_is_not_there_at_the_start_is_found_when_it_comes(desk: Desk) -> None:
    desk.unplug()
    desk.run_online()
    told = desk.hear_fault("gnss.port", "raised")
    assert str(desk.receiver.port) in (told.detail or "")
    assert "gnss.port" in desk.page()
    desk.plug()
    desk.hear_fix()
    desk.hear_fault("gnss.port", "cleared")
    assert "gnss.port" not in desk.faults()


def test_a_receiver_that_is_pulled_and_plugged_in_again_is_read_again(late: Desk) -> None:
    late.plug()
    late.hear_fix(late.heard)
    since = late.heard
    late.unplug()
    late.hear_fault("gnss.port", "raised", since)
    late.plug()
    late.hear_fault("gnss.port", "cleared", since)
    late.hear_fix(late.heard)


@pytest.mark.parametrize("seconds", [15, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(180)])])
def test_garbage_on_the_serial_line_is_a_fault_until_sentences_come_again(late: Desk, seconds: int) -> None:
    """Bound: a minute of it; 15 s here, the minute among the soaks."""
    late.plug()
    late.hear_fix(late.heard)
    since, pid = late.heard, late.pid
    late.receiver.garbage(seconds)
    raised = late.hear_fault("gnss.garbage", "raised", since, timeout=seconds + PATIENCE_S)
    assert "refused" in (raised.detail or "")
    late.hear_fault("gnss.garbage", "cleared", since, timeout=seconds + PATIENCE_S)
    late.hear_fix(late.heard)
    assert late.pid == pid, "the same process all the time"
    told = [(r.state, r.detail) for r in late.centre.ledger.records("fault") if isinstance(r, FaultRecord) and r.code == "gnss.garbage"]
    assert [state for state, _ in told][-2:] == ["raised", "cleared"]
    print(f"{seconds} s of garbage: {late.told('refused', lambda s: s['receiver']['refused'])['receiver']['refused']}")


def test_an_agent_that_does_not_run_for_a_while_takes_every_fix_that_was_told_meanwhile(desk: Desk) -> None:
    """A machine that swaps: seconds of fixes come in one read, each with its own time."""
    desk.run_online()
    desk.hear_fix()
    desk.told("a dated track", lambda s: s["track"]["fixes"] >= 5)
    pid = desk.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    stopped = time.monotonic()
    threading.Event().wait(STOPPED_S)
    os.kill(pid, signal.SIGCONT)
    ran_on = time.monotonic()
    told = [epoch for epoch in desk.receiver.emitted if stopped <= epoch.at <= ran_on]
    assert len(told) >= STOPPED_S * desk.options.rate_hz - 1
    until("all of them are in the track", lambda: not desk.missing(ran_on))
    account = desk.account()
    assert (account.altered, account.invented) == (0, 0)

    def dated() -> set[int]:
        tracks = [record for record in desk.centre.ledger.records("track") if isinstance(record, Track)]
        return {one.t for record in tracks if record.t_is == "utc" for one in unpack(record)}

    until("none is dated by when it was read", lambda: {epoch.utc_ms for epoch in told} <= dated())


class FarReceiver:
    """A receiver behind a TCP port, as `socket://host:port` reaches it; says what it is told to say."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._door.getsockname()[1]}"
        self._line: socket.socket | None = None

    def say(self, said: bytes) -> None:
        if self._line is None:
            self._door.settimeout(PATIENCE_S)
            self._line, _ = self._door.accept()
            self._line.settimeout(PATIENCE_S)
        self._line.sendall(said)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
        self._door.close()


@pytest.fixture(params=["socket", pytest.param("pty", marks=pytest.mark.soak)])
def talker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, FarReceiver | PtyReceiver]]:
    """The receiver's name for the config, and itself. A pty is read at the pace of the fastest real port: 12 s for a megabyte."""
    found = FarReceiver() if request.param == "socket" else PtyReceiver(tmp_path / "receiver")
    yield found.url if isinstance(found, FarReceiver) else str(found.port), found
    found.close()


def fix(second: int) -> bytes:
    """One RMC."""
    return sentence(f"GNRMC,1200{second:02}.00,A,3637.000,N,10146.000,E,0.0,0.0,221126,,,A")


def test_a_line_of_a_megabyte_costs_no_memory(desk: Desk, talker: tuple[str, FarReceiver | PtyReceiver]) -> None:
    url, far = talker
    desk.configure(f'port = "{desk.receiver.port}"', f'port = "{url}"')
    desk.run()
    far.say(fix(0))
    desk.told("a sentence", lambda s: s["receiver"]["sentences"] >= 1)
    pid = desk.pid
    assert pid is not None
    before = resident_mb(pid)
    peak = before
    done = threading.Event()

    def talk() -> None:
        far.say(b"$" + b"x" * LINE_BYTES + b"\r\n")
        done.set()

    talking = threading.Thread(target=talk, name="receiver")
    talking.start()
    while not done.wait(0.005):
        peak = max(peak, resident_mb(pid))
    talking.join()
    far.say(fix(1))
    desk.told("the next sentence", lambda s: s["receiver"]["sentences"] >= 2 and s["receiver"]["refused"].get("too_long") == 1)
    peak = max(peak, resident_mb(pid))
    print(f"resident: {before:.1f} MB before a line of {LINE_BYTES} bytes, {peak:.1f} MB at most")
    assert peak - before <= GROWTH_MB_MAX
    until("still there", lambda: desk.pid == pid)
