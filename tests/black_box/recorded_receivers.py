"""Recorded NMEA in, through a real pseudo-terminal and the real adapter, and the fixes it posted out.

    python -m tests.black_box.recorded_receivers DATA_DIR OUT_DIR

plays every DATA_DIR/NAME.nmea and writes OUT_DIR/NAME.jsonl, a line per fix, as a score against another reader's answers wants it.
"""

import argparse
import concurrent.futures
import json
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent import config
from agent.adapters.gnss import Gnss
from agent.core.events import Event, Fix, FixMode, ReceiverDown, ReceiverHeard, ReceiverUp
from tests.adapters.pty_receiver import PtyReceiver, sentence

END = sentence("GPRMC,235958.765,A,0000.100,N,00000.100,E,0,0,311268,,,A") + sentence("GPRMC,,V,,,,,,,,,,N")
"""Said after the recording: a fix off Africa, and the loss of it, tell that everything before has been read."""

END_DEG = 0.1 / 60
TIMEOUT_S = 30.0


@dataclass
class Played:
    """What the adapter made of one recording."""

    name: str
    fixes: list[Fix] = field(default_factory=list)
    sentences: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    ended: bool = False


class _Listener:
    def __init__(self, name: str) -> None:
        self.played = Played(name)
        self.up = threading.Event()
        self.ended = threading.Event()

    def __call__(self, event: Event) -> None:
        match event:
            case ReceiverUp():
                self.up.set()
            case Fix(lat=lat, lon=lon) if lat == END_DEG == lon:
                self.ended.set()
            case Fix() if not self.ended.is_set():
                self.played.fixes.append(event)
            case ReceiverHeard(sentences=n, refused=refused):
                self.played.sentences += n
                for reason, count in refused.items():
                    self.played.refused[reason] = self.played.refused.get(reason, 0) + count
            case ReceiverDown(reason=reason):
                raise AssertionError(f"{self.played.name}: {reason}")


def play(recording: Path) -> Played:
    """One recording, as fast as the adapter takes it: its clock stands still, so that no pause of this machine ends an epoch."""
    listener = _Listener(recording.stem)
    with tempfile.TemporaryDirectory() as folder:
        receiver = PtyReceiver(Path(folder) / "receiver")
        gnss = Gnss(config.Gnss(port=str(receiver.port)), listener, lambda: 0.0, recorded=True)
        gnss.start()
        if listener.up.wait(TIMEOUT_S):
            receiver.say(recording.read_bytes() + b"\r\n" + END)
            listener.played.ended = listener.ended.wait(TIMEOUT_S)
        gnss.close()
        receiver.close()
    listener.played.sentences -= END.count(b"$")
    return listener.played


def play_all(folder: Path) -> dict[str, Played]:
    """Every recording of a folder, eight at a time: each waits most of the time."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return {played.name: played for played in pool.map(play, sorted(folder.glob("*.nmea")))}


def as_result(fix: Fix) -> dict[str, Any]:
    """A fix with a position and a time, as a line of results: unix seconds, degrees, metres, m/s; absent facts are absent."""
    assert fix.utc_ms is not None
    facts = {
        "time": fix.utc_ms / 1000,
        "lat": fix.lat,
        "lon": fix.lon,
        "alt": fix.alt_m,
        "speed": fix.speed_mps,
        "track": fix.course_deg,
        "hdop": fix.hdop,
        "mode": 2 if fix.mode is FixMode.TWO_D else 3,
    }
    return {name: value for name, value in facts.items() if value is not None}


def main() -> None:
    """Play a folder of recordings and write the results."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name, played in play_all(given.data).items():
        results = [as_result(fix) for fix in played.fixes if fix.lat is not None and fix.utc_ms is not None]
        (given.out / f"{name}.jsonl").write_text("".join(f"{json.dumps(result)}\n" for result in results))


if __name__ == "__main__":
    main()
