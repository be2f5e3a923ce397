"""Recordings of real receivers, played through a real pseudo-terminal into the real adapter; passed over when they are not at hand.

They lie in the folder that OUTPOST_NMEA_CORPUS names, else beside the checkout in ../shared/data/nmea: NAME.nmea, and what gpsd made of it
in NAME.expected.jsonl, a line per instant (`time` in unix seconds, `lat`, `lon`, `mode`).
"""

import json
import os
from pathlib import Path

import pytest

from tests.black_box.recorded_receivers import Played, play_all

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("OUTPOST_NMEA_CORPUS", ROOT.parent / "shared" / "data" / "nmea"))
RECORDINGS = sorted(path.stem for path in CORPUS.glob("*.nmea"))

SPLIT = {"bundg_zeus_9", "ericsson-gru04-02-70sec"}
"""One dates its RMC a second after the GGA that belongs to it, one has a second, coarser GGA once a minute."""

WEEKS_1024_MS = 1024 * 7 * 86_400_000
POSITION_DEG = 1e-6

pytestmark = pytest.mark.skipif(not RECORDINGS, reason=f"no recordings in {CORPUS}")


@pytest.fixture(scope="module")
def played() -> dict[str, Played]:
    return play_all(CORPUS)


def expected(name: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in (CORPUS / f"{name}.expected.jsonl").read_text().splitlines()]


def positions(of: Played) -> dict[int, tuple[float, float]]:
    """Where it was, by ms within 1024 weeks: gpsd moves old recordings to another such era, we tell what the receiver says."""
    return {
        fix.utc_ms % WEEKS_1024_MS: (fix.lat, fix.lon)
        for fix in of.fixes
        if fix.utc_ms is not None and fix.lat is not None and fix.lon is not None
    }


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_is_read_to_its_end(name: str, played: dict[str, Played]) -> None:
    assert played[name].ended
    assert played[name].sentences > 0


@pytest.mark.parametrize("name", RECORDINGS)
def test_where_gpsd_saw_a_fix_we_see_the_same(name: str, played: dict[str, Played]) -> None:
    ours = positions(played[name])
    theirs = {round(e["time"] * 1000) % WEEKS_1024_MS: e for e in expected(name) if e["mode"] >= 2}
    missed = [ms for ms in theirs if ms not in ours]
    assert missed == []
    if name not in SPLIT:
        apart = {ms: max(abs(ours[ms][0] - e["lat"]), abs(ours[ms][1] - e["lon"])) for ms, e in theirs.items()}
        assert {ms: d for ms, d in apart.items() if d > POSITION_DEG} == {}


@pytest.mark.parametrize("name", RECORDINGS)
def test_where_gpsd_saw_none_we_invent_none(name: str, played: dict[str, Played]) -> None:
    ours = positions(played[name])
    seen = {round(e["time"] * 1000) % WEEKS_1024_MS for e in expected(name) if max(e["mode"], e.get("mode_max", 0)) >= 2}
    none = {round(e["time"] * 1000) % WEEKS_1024_MS for e in expected(name)} - seen
    assert none & set(ours) == set()


def test_a_simulator_is_no_receiver(played: dict[str, Played]) -> None:
    if "GPSmap-76S" not in played:
        pytest.skip("GPSmap-76S is not among the recordings")
    assert [fix for fix in played["GPSmap-76S"].fixes if fix.lat is not None] == []


def test_beidou_satellites_are_counted_as_bd(played: dict[str, Played]) -> None:
    for name in {"quectel-l76k-nmea", "ublox-neo-m9n-nmea", "unicore-um621"} & set(played):
        assert any(fix.sats.get("BD", 0) >= 3 for fix in played[name].fixes), name
