"""A week without a link: bytes in the file and on the wire for each fix, and how fast it is drained, against what else there is.

The real core and the real store fill it in virtual time (quick_unit.py); then the real agent process drains it over TLS to a real
Mosquitto, and every fix that arrives is compared with the one that was fed. Bytes on the wire are all of IP, both ways, with MQTT, TLS, TCP
and their acknowledgements, from the first SYN until the last record (see simulator/bench/uplink.py).
"""

import statistics
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from simulator.bench.uplink import Counted
from tests.bench import peers
from tests.bench.driven import drive
from tests.bench.weeks import FIRST_S, Week, load, scaled
from tests.bench.yard import UNIT, Yard, fixes_of, same, tracks_of

ROUNDS = 3
PEER_FIXES = 20_000
BRIDGE_FIXES = 40_000
FILE_BYTES_MAX = 25.0
WIRE_BYTES_MAX = 12.0
DRAIN_S_MAX = 5.0
BRIDGE_TIMES_MIN = 10.0
SLOW_BITS_PER_S = 1_000_000
LINE_TIMES_MAX = 1.2

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


class Drained(NamedTuple):
    """One drain, from the CONNACK on. `last_ack_s`: of the last PUBACK for a track; `cpu_s`: of the agent."""

    seconds: float
    last_ack_s: float
    messages: int
    payload_bytes: int
    cpu_s: float
    wire: Counted | None
    lost: int


def drain(yard: Yard, week: Week, number: int) -> Drained:
    """Start the agent on a copy of the store and wait until nothing more comes."""
    state = week.copy(yard.directory / "store")
    listening = yard.listen(f"outpost/v1/u/{UNIT}/up/#", f"drain-{number}")
    before = yard.uplink.counted() if yard.uplink is not None else None
    agent = yard.run(yard.configure(state))
    agent.wait_ready()
    cpu_s = agent.cpu_s()
    listening.wait_quiet()
    cpu_s = agent.cpu_s() - cpu_s
    wire = yard.uplink.counted().since(before) if yard.uplink is not None and before is not None else None
    moments, heard = agent.stop(), listening.heard()
    listening.close()
    tracks = tracks_of(heard)
    last = max(one.at for one in tracks)
    last_ack = max(at for at in moments.acks if at <= last + 0.2)
    got = fixes_of(heard)
    wrong = sum(not same(*pair) for pair in zip(got, drive(week.fixes, FIRST_S), strict=False)) + abs(len(got) - week.fixes)
    up = moments.up[0]
    return Drained(last - up, last_ack - up, len(tracks), sum(len(one.payload) for one in tracks), cpu_s, wire, wrong)


def drain_bridge(yard: Yard, number: int) -> tuple[float, Counted | None]:
    """Fixes a second of a local Mosquitto that has queued them and bridges them to the centre, and the wire's bytes."""
    bridge = peers.Bridge(yard, f"bridge-{number}")
    bridge.start(reaches=False)
    peers.run(yard, "fill", BRIDGE_FIXES, bridge.port)
    bridge.stop()
    listening = yard.listen("peer/fix", f"bridge-{number}")
    before = yard.uplink.counted() if yard.uplink is not None else None
    bridge.start(reaches=True)
    listening.wait_quiet(2.0)
    wire = yard.uplink.counted().since(before) if yard.uplink is not None and before is not None else None
    bridge.stop()
    heard = listening.heard()
    listening.close()
    assert len({one.payload for one in heard}) == BRIDGE_FIXES, "the bridge has not delivered all"
    return len(heard) / (heard[-1].at - heard[0].at), wire


def test_bytes_of_file_for_a_fix(week: Week) -> None:
    """At most 25; a row of SQLite with a compact body has more than 80."""
    per_fix = week.file_bytes / week.fixes
    print(f"\nfile: {per_fix:.2f} bytes a fix (limit {FILE_BYTES_MAX:g}), {scaled()}, {week.file_bytes / 1e6:.1f} MB")
    assert per_fix <= FILE_BYTES_MAX


def test_drain_of_a_week_over_tls(week: Week, tmp_path: Path) -> None:
    """At most 12 bytes a fix on the wire, nothing lost, ten times as fast as a Mosquitto bridge in the same run."""
    ours: list[Drained] = []
    bridges: list[float] = []
    bridge_wire: Counted | None = None
    with Yard(tmp_path / "yard") as yard:
        for number in range(ROUNDS):  # taking turns
            ours.append(drain(yard, week, number))
            speed, bridge_wire = drain_bridge(yard, number)
            bridges.append(speed)
        listening = yard.listen("peer/#", "peers")
        rows, naive = peers.run(yard, "rows", PEER_FIXES), peers.run(yard, "queue", PEER_FIXES)
        listening.close()
        no_uplink = yard.no_uplink
    one = ours[-1]
    speeds = [week.fixes / each.seconds for each in ours]
    ratio = statistics.median(speed / bridge for speed, bridge in zip(speeds, bridges, strict=True))
    print(f"\n{scaled()}: {one.messages} messages, payload {one.payload_bytes / week.fixes:.2f} bytes a fix; {load()}")
    print(
        f"drain: last record after {statistics.median(each.seconds for each in ours):.2f} s, "
        f"last PUBACK {statistics.median(each.last_ack_s for each in ours):.2f} s (medians of {ROUNDS}, limit {DRAIN_S_MAX:g} s), "
        f"CPU of the agent {statistics.median(each.cpu_s for each in ours):.2f} s"
    )
    print(f"outpost            {statistics.median(speeds):10,.0f} fixes/s")
    print(f"Mosquitto bridge   {statistics.median(bridges):10,.0f} fixes/s   ratio {ratio:.1f} (limit {BRIDGE_TIMES_MIN:g}; pairs)")
    print(f"paho over sqlite3  {PEER_FIXES / rows['seconds']:10,.0f} fixes/s   {rows['file_bytes'] / PEER_FIXES:.0f} bytes of file a fix")
    print(f"paho's own queue   {PEER_FIXES / naive['seconds']:10,.0f} fixes/s   an alarm behind it {naive['alarm_s']:.1f} s")
    print(f"lost or changed: {sum(each.lost for each in ours)} of {ROUNDS} x {week.fixes}")
    assert sum(each.lost for each in ours) == 0
    if one.wire is None:
        print(f"wire: not counted: {no_uplink}")
    else:
        per_fix = statistics.median((w.up_bytes + w.down_bytes) / week.fixes for w in (each.wire for each in ours) if w is not None)
        up, down = one.wire.up_bytes / week.fixes, one.wire.down_bytes / week.fixes
        print(f"wire: {per_fix:.2f} bytes a fix (limit {WIRE_BYTES_MAX:g}): up {up:.2f}, down {down:.2f}")
        if bridge_wire is not None:
            print(f"wire of the bridge: {(bridge_wire.up_bytes + bridge_wire.down_bytes) / BRIDGE_FIXES:.0f} bytes a fix")
        assert per_fix <= WIRE_BYTES_MAX
    assert ratio >= BRIDGE_TIMES_MIN


def test_drain_over_a_slow_line(slow_week: Week, tmp_path: Path) -> None:
    """At 1 Mbit/s at most 1.2 times as long as the line itself takes for the bytes."""
    with Yard(tmp_path / "yard") as yard:
        if yard.uplink is None:
            pytest.skip(f"a line of 1 Mbit/s needs network namespaces: {yard.no_uplink}")
        yard.uplink.hold(SLOW_BITS_PER_S)
        threading.Event().wait(0.1)
        done = drain(yard, slow_week, 0)
    assert done.wire is not None
    line_s = (done.wire.up_bytes + 14 * done.wire.up_packets) * 8 / SLOW_BITS_PER_S
    print(
        f"\n1 Mbit/s, {slow_week.fixes} fixes: {done.seconds:.2f} s, {done.seconds / line_s:.3f} times the line's own "
        f"(limit {LINE_TIMES_MAX}); {(done.wire.up_bytes + done.wire.down_bytes) / slow_week.fixes:.2f} bytes a fix; {load()}"
    )
    assert done.lost == 0
    assert done.seconds <= LINE_TIMES_MAX * line_s
