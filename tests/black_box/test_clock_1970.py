"""A system clock that begins at 1970, as every Raspberry Pi's does without a network: nothing is dated wrong, and the alarm leaves."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm, ClockFix, Presence, Record
from simulator.bench.brokers import free_port
from tests.black_box.desk import QUICK, Desk
from tests.black_box.test_tls import make_certificate

SOURCE = Path(__file__).with_name("clock_of_1970.c")
EARLIEST_MS = 1_767_225_600_000
"""2026-01-01: no record may be dated earlier."""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library to be preloaded."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: apt install gcc")
    library = tmp_path_factory.mktemp("clock") / "clock_of_1970.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked = "import time, datetime; print(time.time() < 3600, datetime.datetime.now().year)"
    told = subprocess.run([sys.executable, "-c", asked], env={"LD_PRELOAD": str(library)}, capture_output=True, text=True, check=False)
    if told.stdout != "True 1970\n":
        pytest.skip(f"a library cannot be preloaded here: {told.stdout}{told.stderr}")
    return library


@pytest.fixture
def desk(tmp_path: Path, clock: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A car whose agent's clock is that; ours is right."""
    with Desk(tmp_path / "car", QUICK) as found:
        monkeypatch.setattr(Desk, "environment", {**found.environment, "LD_PRELOAD": str(clock)})
        yield found


def test_a_clock_from_1970_dates_nothing_wrong_and_everything_once_the_receiver_tells_the_time(desk: Desk) -> None:
    desk.unplug()
    boot = desk.run_online()
    presence = desk.hear(Presence, lambda r: r.boot == boot and r.online)
    assert (presence.time, presence.clock and presence.clock.src) == (None, "none")
    assert " 1970-01-01 " in f" {desk.log.read_text()}", "the system clock of the agent is as it should be here"
    desk.press()
    alarm = desk.hear(Alarm, lambda r: r.state == "raised")
    desk.release()
    assert (alarm.time, alarm.clock and alarm.clock.src) == (None, "none")
    assert "time unknown" in desk.page()

    since = desk.heard
    desk.plug()
    learned = desk.hear(ClockFix, lambda r: r.of == boot, since)
    dated = alarm.mono + learned.offset_ms
    assert abs(dated - desk.utc_ms(alarm.mono / 1000)) < 2000, "by which the alarm's moment is known after all"
    again = desk.hear(Alarm, lambda r: r.id == alarm.id and r.time is not None, since)
    assert again.clock is not None
    assert again.clock.src == "gnss"
    assert again.time is not None
    assert abs(again.time - desk.utc_ms(again.mono / 1000)) < 2000
    desk.hear_fix(desk.heard)
    assert "clock.conflict" not in desk.faults(), "a clock that nobody has set contradicts nobody"
    assert desk.terminate() == 0
    said = [arrival.record for arrival in desk.centre.records() if isinstance(arrival.record, Record)]
    assert [record for record in said if record.time is not None and record.time < EARLIEST_MS] == []
    account = desk.account()
    assert (account.altered, account.invented) == (0, 0)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command: apt install openssl")
def test_a_clock_from_1970_does_not_keep_the_alarm_from_a_broker_whose_certificate_is_of_today(
    tmp_path: Path, clock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a receiver and without NTP nobody ever tells the time: the certificate's own would never begin."""
    for name, issuer, extension in (
        ("authority", None, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"),
        ("stranger", None, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"),
        ("broker", "authority", "subjectAltName=IP:127.0.0.1"),
    ):
        make_certificate(tmp_path, name, issuer, extension)
    port = free_port()
    door = (f"listener {port} 127.0.0.1", f"certfile {tmp_path / 'broker.crt'}", f"keyfile {tmp_path / 'broker.key'}")
    with Desk(tmp_path / "car", QUICK, broker_config=door) as desk:
        monkeypatch.setattr(Desk, "environment", {**desk.environment, "LD_PRELOAD": str(clock)})
        ca = f'ca = "{tmp_path / "authority.crt"}"'
        desk.configure(f'endpoints = ["{desk.line.url}"]', f'endpoints = ["mqtts://127.0.0.1:{port}"]\n{ca}')
        desk.unplug()
        desk.run_online()
        assert desk.raise_alarm()
        assert (desk.status() or {})["clock"]["src"] == "none"
        assert desk.terminate() == 0

        desk.configure("authority.crt", "stranger.crt")
        desk.run()
        status = desk.told("why there is no link", lambda s: s["link"]["state"] == "waiting" and s["link"]["reason"])
        assert "the certificate of 127.0.0.1" in status["link"]["reason"], "who has signed it is looked at as ever"
        assert status["link"]["connects"] == 0
        assert desk.terminate() == 0
