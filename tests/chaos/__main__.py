"""`python -m tests.chaos`: a seed and numbers of kills in; the table out, exit code 1 when a promise broke.

python -m tests.chaos --seed 7 --kills 300 --broker-kills 50
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import NO_DEFECT, chaos
from tests.chaos.tapped_agent import DEFECTS


def main() -> int:
    """Run once."""
    what = "kill the real agent and the real broker, and see what is missing"
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=what)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=30, help="of the agent")
    parser.add_argument("--broker-kills", type=int, default=6, help="at most one in each life of the agent")
    parser.add_argument("--defect", choices=[NO_DEFECT, *DEFECTS], default=NO_DEFECT, help="plant a mistake; the judge is to find it")
    parser.add_argument("--keep", type=Path, help="an empty directory for logs and stores; without it they are removed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outpost-chaos-") as place:
        verdict = chaos(args.keep or Path(place), args.seed, args.kills, args.broker_kills, args.defect)
    print(f"seed {args.seed}\n{verdict}")
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
