"""CPU and latency of the reader at 10 Hz, against gpsd in the same run.

Both read, each from a pseudo-terminal of its own, the same true 10 Hz: 12 sentences an epoch (GGA, three GSA, six GSV, RMC, VTG; some 800
bytes), paced as a UART at 115200 baud paces them, in bursts of 16 bytes (what its FIFO hands over). Ours is a process with the real adapter
and nothing else; gpsd (`-N -n`, no client) is Debian's. CPU time comes from /proc/PID/schedstat, which counts in nanoseconds.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

import pytest

from tests.adapters.pty_receiver import sentence

HZ = 10
WARM_S = 5.0
MEASURE_S = 30.0
BURST_BYTES = 16
BYTE_S = 10 / 115_200
LATENCY_S_MAX = 0.060

READER = """
import json, sys, time
from agent import config
from agent.adapters.gnss import Gnss
from agent.core.events import Fix
out = []
def post(event):
    if isinstance(event, Fix):
        out.append((time.monotonic(), event.at, event.utc_ms))
gnss = Gnss(config.Gnss(port=sys.argv[1], baud=115200), post, time.monotonic)
gnss.start()
sys.stdin.read()
gnss.close()
print(json.dumps(out))
"""

pytestmark = pytest.mark.bench


def epoch(n: int) -> bytes:
    """The sentences of tenth `n` since noon; RMC and VTG last."""
    s, tenth = divmod(n, 10)
    t = f"12{s // 60:02}{s % 60:02}.{tenth}00"
    gsa = [
        f"GNGSA,A,3,{','.join(f'{first + i:02}' for i in range(8))},,,,,1.{s % 10}0,0.70,1.00,{system}"
        for system, first in ((1, 1), (2, 65), (4, 6))
    ]
    gsv = [
        f"{talker}GSV,2,{i},08,{','.join(f'{first + 4 * i + k:02},{9 * k:02},{40 * k:03},{30 + (k + n) % 17}' for k in range(4))},1"
        for talker, first in (("GP", 1), ("GL", 65), ("BD", 6))
        for i in (1, 2)
    ]
    place = "3040.12345,N,10404.54321,E"
    bodies = [f"GNGGA,{t},{place},1,24,0.70,512.3,M,-33.1,M,,", *gsa, *gsv, f"GNRMC,{t},A,{place},12.345,271.20,221126,,,A,V"]
    return b"".join(sentence(body) for body in [*bodies, "GNVTG,271.20,T,,M,12.345,N,22.863,K,A"])


class Line:
    """A pseudo-terminal at whose far end a receiver speaks; when it said the first and the last byte of each epoch."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.lost = 0

    def say(self, data: bytes) -> None:
        """Never waits for the reader: a UART does not."""
        if select.select([], [self.master], [], 0)[1]:
            os.write(self.master, data)
        else:
            self.lost += 1

    def close(self) -> None:
        os.close(self.master)
        os.close(self._slave)


def speak(lines: list[Line], seconds: float, first: int = 0) -> list[tuple[float, float]]:
    """So many seconds of epochs on all lines; the monotonic times of the first and the last burst of each."""
    wait = threading.Event().wait
    began, told = time.monotonic(), []
    for n in range(round(seconds * HZ)):
        data = epoch(first + n)
        for i in range(0, len(data), BURST_BYTES):
            due = began + n / HZ + min(i + BURST_BYTES, len(data)) * BYTE_S
            if (left := due - time.monotonic()) > 0:
                wait(left)
            for line in lines:
                line.say(data[i : i + BURST_BYTES])
            if i == 0:
                start = time.monotonic()
        told.append((start, time.monotonic()))
    return told


def cpu_s(pid: int) -> float:
    """CPU time of all threads of a process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * len(values)))]


@pytest.mark.timeout(120)
def test_the_reader_costs_no_more_than_gpsd_and_a_fix_is_posted_within_60_ms_of_its_last_byte() -> None:
    gpsd = shutil.which("gpsd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if gpsd is None:
        pytest.skip("gpsd is not installed (apt-get install gpsd)")
    ours, theirs = Line(), Line()
    reader = subprocess.Popen([sys.executable, "-c", READER, ours.port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    daemon = subprocess.Popen([gpsd, "-N", "-n", "-b", "-S", "29470", theirs.port], stderr=subprocess.DEVNULL)
    try:
        speak([ours, theirs], WARM_S)
        before = cpu_s(reader.pid), cpu_s(daemon.pid)
        began = time.monotonic()
        told = speak([ours, theirs], MEASURE_S, first=round(WARM_S * HZ))
        took = time.monotonic() - began
        after = cpu_s(reader.pid), cpu_s(daemon.pid)
        heard = json.loads(reader.communicate("", timeout=10)[0])
    finally:
        for process in (reader, daemon):
            process.kill()
            process.wait()
        ours.close()
        theirs.close()
    shares = [(b - a) / took for a, b in zip(before, after, strict=True)]
    first_ms = heard[-1][2] - (len(told) - 1) * 1000 // HZ
    posted = {(utc_ms - first_ms) * HZ // 1000: (at_posted, at) for at_posted, at, utc_ms in heard if utc_ms >= first_ms}
    latency = [posted[n][0] - last for n, (_, last) in enumerate(told)]
    stamp = [posted[n][1] - start for n, (start, _) in enumerate(told)]
    print(
        f"\n{len(told)} epochs at {len(told) / took:.2f} Hz, {len(epoch(0))} bytes each; "
        f"lost bursts: ours {ours.lost}, gpsd {theirs.lost}\n"
        f"CPU: outpost {shares[0]:.2%}, gpsd {shares[1]:.2%} of a core; ratio {shares[0] / shares[1]:.2f}\n"
        f"last byte to Fix posted: p50 {percentile(latency, 0.5) * 1e3:.1f} ms, p99 {percentile(latency, 0.99) * 1e3:.1f} ms, "
        f"max {max(latency) * 1e3:.1f} ms\n"
        f"stamp of the fix against its first byte: p1 {percentile(stamp, 0.01) * 1e3:+.1f} ms, "
        f"p50 {percentile(stamp, 0.5) * 1e3:+.1f} ms, "
        f"p99 {percentile(stamp, 0.99) * 1e3:+.1f} ms"
    )
    assert len(posted) == len(told)
    assert shares[1] > 0.001, "gpsd did not read"
    assert shares[0] <= shares[1]
    assert percentile(latency, 0.99) <= LATENCY_S_MAX
