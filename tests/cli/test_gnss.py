"""`outpost gnss`: recordings and ports, as whoever installs a receiver meets them."""

import argparse
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.gnss import chosen, diagnose
from agent.cli.gnss_view import View
from agent.cli.parser import main
from agent.config import Gnss
from agent.core.events import Antenna, Fix, FixMode, ReceiverDown, ReceiverHeard, ReceiverSpoke, ReceiverUp, Satellite, Sky
from tests.adapters.pty_receiver import PtyReceiver, sentence
from tests.timing import PATIENCE_S

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "agent")


def cycle(n: int, *, lat: str = "4739.7") -> bytes:
    t = f"1200{n % 60:02}.00"
    bodies = (
        f"BDGGA,{t},{lat},N,12219.5,W,1,09,0.9,76.5,M,-21.6,M,,",
        "BDGSA,A,3,06,14,33,,,,,,,,,,1.5,0.9,1.2,4",
        "BDGSV,1,1,03,06,45,123,40,14,20,200,25,33,,,,1",
        f"BDRMC,{t},A,{lat},N,12219.5,W,2.00,90.0,221126,,,A,V",
        "BDTXT,01,01,01,ANTENNA OK",
    )
    return b"".join(sentence(body) for body in bodies)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[PtyReceiver]:
    plugged = PtyReceiver(tmp_path / "receiver")
    yield plugged
    plugged.close()


def replay(tmp_path: Path, data: bytes, *more: str) -> tuple[int, list[dict[str, object]], str]:
    file = tmp_path / "recording.nmea"
    file.write_bytes(data)
    ended = subprocess.run([*PROGRAM, "gnss", "--from", file, *more], capture_output=True, text=True, cwd=ROOT, check=False)
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr


def test_a_recording_becomes_a_line_for_each_fix(tmp_path: Path) -> None:
    code, lines, err = replay(tmp_path, b"".join(cycle(n) for n in range(3)) + b"$BDRMC,cut\r\n")
    assert code == 0
    assert [line["time"] for line in lines] == [1_795_348_800 + n for n in range(3)]
    assert lines[0] == {
        "time": 1_795_348_800.0,
        "lat": pytest.approx(47.661666667),
        "lon": pytest.approx(-122.325),
        "alt": 76.5,
        "speed": pytest.approx(1.028889),
        "track": 90.0,
        "mode": 3,
        "hdop": 0.9,
        "pdop": 1.5,
        "vdop": 1.2,
        "acc": 4.5,
        "acc_estimated": True,
        "sats": {"BD": 3},
        "quality": "autonomous",
    }
    assert err == "3 fixes from 15 sentences; refused: no_checksum 1\n"


def test_a_recording_may_end_without_a_line_end(tmp_path: Path) -> None:
    assert len(replay(tmp_path, cycle(0).rstrip())[1]) == 1


def test_fixes_without_a_date_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    gga = sentence("BDGGA,120000.00,4739.7,N,12219.5,W,1,09,0.9,76.5,M,-21.6,M,,")
    code, lines, err = replay(tmp_path, gga)
    assert (code, lines) == (0, [])
    assert err == "1 fixes from 1 sentences; 1 of them without a date, left out (--undated)\n"
    assert [line["lat"] for line in replay(tmp_path, gga, "--undated")[1]] == [pytest.approx(47.661666667)]


@pytest.mark.parametrize(
    ("more", "date", "says"),
    [((), "2027-01-05", "; mended: week_rollover 1"), (("--not-before", "2007-01-01"), "2007-05-22", "")],
)
def test_a_date_of_an_older_recording_is_moved_unless_it_is_said_how_old_it_is(
    tmp_path: Path, more: tuple[str, ...], date: str, says: str
) -> None:
    rmc = sentence("GPRMC,120000.00,A,4739.7,N,12219.5,W,2.00,90.0,220507,,")
    _, (line,), err = replay(tmp_path, rmc, *more)
    assert datetime.datetime.fromtimestamp(float(str(line["time"])), datetime.UTC).isoformat() == f"{date}T12:00:00+00:00"
    assert err == f"1 fixes from 1 sentences{says}\n"


def test_dead_reckoning_is_marked(tmp_path: Path) -> None:
    _, (line,), _ = replay(tmp_path, sentence("GNRMC,120000.00,A,4739.7,N,12219.5,W,2.00,90.0,221126,,,E,V"))
    assert (line["dr"], line["quality"], line["mode"]) == (True, "estimated", 2)


def test_a_file_without_sentences_fails(tmp_path: Path) -> None:
    code, lines, err = replay(tmp_path, b"nothing of ours\n" * 3)
    assert (code, lines) == (1, [])
    assert err.splitlines()[-1].endswith("there is no NMEA sentence in it")


def test_a_file_that_is_not_there_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gnss", "--from", "/nowhere/drive.nmea"]) == 1
    assert capsys.readouterr().err == "/nowhere/drive.nmea: No such file or directory\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "x", "--json"],
        ["--from", "x", "--port", "y"],
        ["--port", "y", "--baud", "9601"],
        ["--port", "y", "--for", "0"],
        ["--from", "x", "--not-before", "1979-12-31"],
        ["--from", "x", "--not-before", "soon"],
        ["--port", "y", "--not-before", "2007-01-01"],
    ],
)
def test_words_that_do_not_go_together_are_a_mistake(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gnss", *words]) == 2
    assert capsys.readouterr().err


def test_a_port_that_is_not_there_fails_and_says_which_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gnss", "--port", "/dev/no-such-receiver"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("/dev/no-such-receiver: there is no such port\n")
    assert "port" in err.splitlines()[1]


def test_a_port_that_another_has_is_busy(receiver: PtyReceiver, capsys: pytest.CaptureFixture[str]) -> None:
    import serial

    with serial.Serial(str(receiver.port), exclusive=True):
        assert main(["gnss", "--port", str(receiver.port)]) == 1
    assert "another program has it open" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open anything")
def test_a_port_that_we_may_not_open_names_the_group(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.touch(mode=0o000)
    assert "usermod -aG" in diagnose(str(port), "Permission denied")


def test_a_far_receiver_that_does_not_answer_is_asked_after(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gnss", "--port", "socket://127.0.0.1:1"]) == 1
    assert "is the far end on" in capsys.readouterr().err


def test_a_silent_port_fails_after_the_time_it_was_given(receiver: PtyReceiver, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gnss", "--port", str(receiver.port), "--for", "0.3"]) == 1
    assert "no good sentence came" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [True, False])
def test_a_port_is_shown_live(receiver: PtyReceiver, as_json: bool) -> None:
    words = ["gnss", "--port", str(receiver.port), "--baud", "9600", "--for", "3"]
    with subprocess.Popen(
        [*PROGRAM, *words, *(["--json"] if as_json else [])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        first = program.stdout.readline()  # the port is open
        for n in range(3):
            receiver.say(cycle(n))
        out, err = program.communicate(timeout=2 * PATIENCE_S)
    assert (program.returncode, err) == (0, "")
    if not as_json:
        assert first.startswith(f"{receiver.port} at 9600 baud")
        return
    events = [json.loads(line) for line in (first + out).splitlines()]
    assert {event["event"] for event in events} >= {"receiverup", "fix", "sky", "antenna", "receiverheard"}
    sky = next(event for event in events if event["event"] == "sky")
    assert sky["satellites"][2] == {"system": "BD", "prn": 33, "used": True}


def page(*events: object) -> str:
    view = View("/dev/serial0")
    for event in events:
        view.take(event)  # type: ignore[arg-type]  # any event, told apart by the view
    return view.page(now=102.0, baud=9600, since_s=12.0)


FIX = Fix(101.0, FixMode.THREE_D, 1_795_348_800_000, 30.5, 104.25, 512.3, 1.5, 90.0, 0.9, 4.5, {"BD": 3}, 1.5, 1.2, "autonomous", True)


def test_the_page_tells_the_installer_what_matters() -> None:
    sky = Sky(
        101.0, (Satellite("BD", 6, 44.0, 45, 123, True), Satellite("BD", 33, None, 5, 10, False), Satellite("GP", 7, 38.0, 20, 5, True))
    )
    heard = ReceiverHeard(101.0, 60, {"checksum": 2}, {"week_rollover": 5}, {"BDRMC": 5, "BDGGA": 5, "GPTXT": 1})
    shown = page(ReceiverUp(90.0, "/dev/serial0"), FIX, sky, Antenna(101.0, "open"), heard, ReceiverSpoke(101.0, "HW=ATGM336H"))
    assert shown.splitlines() == [
        "/dev/serial0 at 9600 baud, 12 s",
        "fix         3d  30.5000000 104.2500000  512.3 m  1.50 m/s  90 deg  1.0 s old",
        "time        2026-11-22 12:00:00 UTC; week_rollover 5",
        "quality     autonomous  accuracy 4.5 m (from hdop)  hdop 0.9  pdop 1.5  vdop 1.2  used: BeiDou 3",
        "antenna     OPEN",
        "satellites  2 used of 3 in view; best four 41 dB-Hz",
        "  BeiDou   1/2    6▇44*   33 --",
        "  GPS      1/1    7▆38*",
        "rate        -",
        "sentences   BDGGAx5 BDRMCx5 GPTXT",
        "errors      2 lines refused of 62 (3.2%): checksum 2",
        "says        HW=ATGM336H",
    ]


def test_the_page_says_what_is_not_known_and_what_is_wrong() -> None:
    shown = page(Fix(50.0, FixMode.NONE), ReceiverDown(100.0, "/dev/serial0", "gone"))
    assert "GONE: gone" in shown
    assert "fix         NONE" in shown
    assert "antenna     not told" in shown
    assert "satellites  not told (no GSV)" in shown
    assert "STALE, 52.0 s old" in page(Fix(50.0, FixMode.TWO_D, None, 30.5, 104.25))
    assert "WEAK" in page(Sky(101.0, (Satellite("BD", 6, 20.0),)))


# --- the ports of the config file ---------------------------------------------------------------------------------------------------------


def configured(tmp_path: Path, *ports: Path, more: str = "") -> str:
    first, *others = (str(port) for port in ports)
    file = tmp_path / "agent.toml"
    gnss = f'[gnss]\nport = "{first}"\nmore_ports = {json.dumps(others)}\n{more}\n'
    file.write_text(f'[unit]\nid = "car-1"\n[mqtt]\nendpoints = ["mqtt://broker.example"]\n{gnss}')
    return str(file)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_ports_of_the_config_file_are_tried_in_turn_and_it_says_which_is_read(
    receiver: PtyReceiver, tmp_path: Path, as_json: bool
) -> None:
    absent = tmp_path / "absent"
    words = ["gnss", "--config", configured(tmp_path, absent, receiver.port), "--baud", "9600", "--for", "3"]
    with subprocess.Popen(
        [*PROGRAM, *words, *(["--json"] if as_json else [])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        first = program.stdout.readline()  # the port is open
        second = "" if as_json else program.stdout.readline()
        for n in range(3):
            receiver.say(cycle(n))
        _, err = program.communicate(timeout=2 * PATIENCE_S)
    assert program.returncode == 0
    why = f"{absent}: there is no such port"
    if as_json:
        assert json.loads(first)["port"] == str(receiver.port)
        assert err == f"not read: {why}\n"
    else:
        assert first.startswith(f"{receiver.port} at 9600 baud")
        assert second == f"not read    {why}\n"
        assert err == ""


def test_when_no_port_of_the_config_file_opens_each_is_named_with_why(
    receiver: PtyReceiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import serial

    absent = tmp_path / "absent"
    with serial.Serial(str(receiver.port), exclusive=True):
        assert main(["gnss", "--config", configured(tmp_path, absent, receiver.port)]) == 1
    err = capsys.readouterr().err
    assert f"{absent}: there is no such port\n" in err
    assert f"{receiver.port}: another program has it open" in err


def test_when_no_port_of_the_config_file_speaks_each_is_named_with_why(
    receiver: PtyReceiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent, other = tmp_path / "absent", PtyReceiver(tmp_path / "other")
    assert main(["gnss", "--config", configured(tmp_path, absent, receiver.port, other.port), "--for", "0.5"]) == 1
    other.close()
    err = capsys.readouterr().err
    assert f"{absent}: there is no such port\n" in err
    assert f"{receiver.port}: no good sentence came" in err
    assert f"{other.port}: it was not tried" in err


def test_the_speed_that_the_agent_may_have_set_is_tried_too_unless_another_is_named(tmp_path: Path) -> None:
    file = configured(tmp_path, tmp_path / "a", tmp_path / "b", more='baud = 9600\nreceiver = "atgm336h"\nbaud_wanted = 115200')
    asked = argparse.Namespace(port=None, baud=None, config=Path(file))
    assert chosen(asked) == Gnss(port=str(tmp_path / "a"), more_ports=(str(tmp_path / "b"),), baud=9600, baud_wanted=115200)
    asked.baud = 38400
    assert (chosen(asked).baud, chosen(asked).baud_wanted) == (38400, "keep")
