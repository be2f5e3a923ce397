"""`outpost gnss --from` over recordings of real receivers, against the fixes that gpsd takes from them; passed over without the recordings.

They lie, with the tool that scores, beside the checkout: ../shared/data/nmea and ../shared/tools/gnss_score.py, or where
OUTPOST_NMEA_CORPUS and OUTPOST_GNSS_SCORE say. docs/gnss.md explains what differs.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("OUTPOST_NMEA_CORPUS", ROOT.parent / "shared" / "data" / "nmea"))
SCORE = Path(os.environ.get("OUTPOST_GNSS_SCORE", ROOT.parent / "shared" / "tools" / "gnss_score.py"))
RECORDINGS = sorted(CORPUS.glob("*.nmea"))
OUTPOST = (sys.executable, "-m", "agent")

SPLIT = {"bundg_zeus_9", "ericsson-gru04-02-70sec"}
"""Where sentences of one instant contradict each other: docs/gnss.md says whose answer is the better one."""

pytestmark = pytest.mark.skipif(not RECORDINGS or not SCORE.exists(), reason=f"no recordings in {CORPUS}, or no {SCORE}")

Scored = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """The tool's table: columns by recording."""
    results = tmp_path_factory.mktemp("gnss")

    def replay(recording: Path) -> None:
        with (results / f"{recording.stem}.jsonl").open("wb") as out:
            ended = subprocess.run([*OUTPOST, "gnss", "--from", recording], stdout=out, stderr=subprocess.PIPE, check=False, cwd=ROOT)
        assert ended.returncode == 0, ended.stderr.decode()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(replay, RECORDINGS))
    table = results / "score.json"
    subprocess.run([sys.executable, SCORE, CORPUS, results, "--json", table], check=True, stdout=subprocess.DEVNULL)
    logs: Scored = json.loads(table.read_text())["logs"]
    assert len(logs) == len(RECORDINGS)
    return logs


def share(logs: Scored, right: str, of: str, but: frozenset[str] | set[str] = frozenset()) -> float:
    counted = [columns for name, columns in logs.items() if name not in but]
    return sum(columns[right] for columns in counted) / max(1, sum(columns[of] for columns in counted))


def test_times_are_gpsds(scored: Scored) -> None:
    assert share(scored, "time", "expected") >= 0.999


def test_positions_are_gpsds(scored: Scored) -> None:
    assert share(scored, "pos", "expected", but=SPLIT) >= 0.999


@pytest.mark.parametrize("what", ["alt", "speed", "track", "hdop"])
def test_altitude_speed_track_and_hdop_are_gpsds(scored: Scored, what: str) -> None:
    assert share(scored, what, f"{what}_n") >= 0.995


def test_no_fix_is_invented_against_gpsds_word(scored: Scored) -> None:
    assert {name: columns["x_nofix"] for name, columns in scored.items() if columns["x_nofix"]} == {}
