"""One chaos run: a seed, how many kills and a directory in; the verdict out."""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.chaos.duty import Duty
from tests.chaos.judge import Verdict, judge
from tests.chaos.places import ChaosDesk
from tests.chaos.play import Play
from tests.chaos.schedule import lives
from tests.chaos.witness import Witness

NO_DEFECT = "none"


Say = Callable[[str], None]


def chaos(directory: Path, seed: int, kills: int, broker_kills: int, defect: str = NO_DEFECT, say: Say = print) -> Verdict:
    """Play the schedule of that seed, and judge."""
    tap = directory / "tap.jsonl"
    command = [sys.executable, "-m", "tests.chaos.tapped_agent", str(tap), defect]
    with ChaosDesk(directory / "car", command) as desk:
        witness, duty = Witness(tap, desk.directory / "state"), Duty(desk)
        play = Play(desk, witness, duty, say)
        play.run(lives(seed, kills, broker_kills))
        return judge(desk, witness, duty, play)
