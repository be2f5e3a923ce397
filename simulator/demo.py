"""`outpost-sim demo`: a car, its network and a command centre on this desk; live on the terminal, or as a fixed story without one.

Exit codes: 0 quit, or the story went well; 1 the story did not, or something could not be started; 2 a mistake on the command line, or no
terminal to show it on.
"""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from simulator.bench.receiver import RATES_HZ
from simulator.receiver_profiles import PROFILES
from simulator.story import FOR_S_DEFAULT, FOR_S_MIN

FAILED, USAGE = 1, 2

EPILOG = f"""\
examples:
  outpost-sim demo                                   watch, press the panic button, cut the network, kill the agent
  outpost-sim demo --headless --report story.json    the fixed story for CI: drive, cut, press, restore, acknowledge, kill -9, restart
  outpost-sim demo --broker nats --rate 10
  outpost-sim demo --receiver l76k                   the car's receiver speaks as a Quectel L76K does: its sentences, noise and start

receivers: {", ".join(PROFILES)}

exit codes:
  0  quit; with --headless: nothing was lost
  1  with --headless: something was lost, and the report says what; or a part did not start
  2  a mistake on the command line, or no terminal

The agent of the demo takes orders without a signature, so that a key can acknowledge: `orders.allow_unsigned_development` in the config
that is written for it. It is off by default, and never for a vehicle."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser = subparsers.add_parser(
        "demo",
        help="a unit on this desk: simulated devices, a broker, the real agent",
        description="A unit on this desk: a simulated car with the real agent, a broker, a network to cut; and what the centre receives.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--headless", action="store_true", help="play the fixed story, without a screen")
    parser.add_argument("--for", dest="for_s", metavar="SECONDS", type=_length, default=FOR_S_DEFAULT, help="length of the story (30)")
    parser.add_argument("--report", metavar="FILE", type=Path, help="with --headless: write what happened there, as JSON")
    parser.add_argument("--rate", metavar="HZ", type=int, choices=RATES_HZ, default=1, help="fixes a second: 1, 2, 4, 5 or 10 (1)")
    parser.add_argument(
        "--receiver", metavar="KIND", choices=tuple(PROFILES), help="a kind of receiver, of those below; else one that says what is true"
    )
    parser.add_argument("--seed", type=int, default=1, help="which drive through the city (1)")
    parser.add_argument("--broker", choices=("auto", "mosquitto", "nats"), default="auto", help="auto (default): Mosquitto, else NATS")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep config, store and logs there (must be empty or absent)")
    parser.set_defaults(run=run)


def _length(word: str) -> float:
    """The length of a story: long enough for its moments."""
    seconds = float(word)
    if not FOR_S_MIN <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{word}: from {FOR_S_MIN:g} to 3600 seconds")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Run it; the exit code."""
    if args.report and not args.headless:
        print("outpost-sim demo: --report is for --headless, the story that can be reported on", file=sys.stderr)
        return USAGE
    if not args.headless and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("outpost-sim demo: this is no terminal; `outpost-sim demo --headless` needs none", file=sys.stderr)
        return USAGE
    if args.keep and args.keep.exists() and (not args.keep.is_dir() or any(args.keep.iterdir())):
        print(f"outpost-sim demo: --keep {args.keep}: it is not an empty directory", file=sys.stderr)
        return USAGE
    from simulator.bench.brokers import BrokerFailed, BrokerMissing
    from simulator.bench.car import AgentFailed

    try:
        with _directory(args.keep) as directory:
            return _headless(args, directory) if args.headless else _live(args, directory)
    except (BrokerMissing, BrokerFailed, AgentFailed) as e:
        print(f"outpost-sim demo: {e}", file=sys.stderr)
        return FAILED


@contextlib.contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    """Where the car keeps its things; gone afterwards unless it is to be kept."""
    if keep is not None:
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="outpost-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _live(args: argparse.Namespace, directory: Path) -> int:
    from simulator.bench.car_config import Options
    from simulator.demo_live import Demo

    options = Options(seed=args.seed, rate_hz=args.rate, receiver=args.receiver)
    return Demo(directory, options, args.broker).run()


def _headless(args: argparse.Namespace, directory: Path) -> int:
    from simulator import story_report
    from simulator.bench.car import Car
    from simulator.bench.car_config import Options
    from simulator.centre import Centre
    from simulator.story import Story

    # Shorter stories commit more often, so that a kill costs the same share of them.
    options = Options(
        seed=args.seed,
        rate_hz=args.rate,
        receiver=args.receiver,
        commit_interval_s=args.for_s / 15,
        commit_interval_online_s=args.for_s / 10,
    )
    signal.signal(signal.SIGTERM, _end)
    with Car(directory, options, args.broker) as car, contextlib.closing(Centre(car.broker.url)) as centre:
        centre.start()
        centre.wait_until_listening()
        broker = type(car.broker).__name__
        kind = f" ({args.receiver})" if args.receiver else ""
        print(
            f"a car with a receiver{kind} at {args.rate} Hz (seed {args.seed}), {broker} at {car.broker.url}; a story of {args.for_s:g} s"
        )
        told = story_report.report(Story(car, centre, args.for_s, _say).play(), car, centre)
    if args.report:
        args.report.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    _verdict(told, args.report)
    return 0 if told["ok"] else FAILED


def _end(number: int, _frame: FrameType | None) -> None:
    """SIGTERM leaves as Ctrl-C does: everything is stopped on the way out. A second one is not heard any more."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _say(line: str) -> None:
    print(line, flush=True)


def _verdict(told: dict[str, Any], report: Path | None) -> None:
    """The last lines."""
    fixes, records = told["fixes"], told["records"]
    uncommitted = fixes["uncommitted_before_kill"]
    apart = f"apart: {fixes['no_agent']} while no agent ran, {uncommitted['count']} not on disk at the kill"
    if uncommitted["count"]:
        apart += f" (the oldest {uncommitted['oldest_s']:.1f} s old, allowed are {uncommitted['bound_s']:.1f} s)"
    print(f"\nfixes    emitted {fixes['emitted']}, delivered {fixes['delivered']}, lost {len(fixes['lost'])}; {apart}")
    for alarm in told["alarms"]:
        if alarm["id"] is None:
            print(f"alarm    pressed at {alarm['pressed_at_s']:.1f} s: LOST")
        elif alarm["during_cut"]:
            back = f"{alarm['after_link_ms']} ms after the connection, {alarm['after_restore_ms']} ms after the network"
            print(f"alarm    pressed in the cut: at the centre {back}")
        else:
            held = f"{alarm['press_to_centre_ms']} ms after the press ({alarm['hold_ms']} ms of hold)"
            print(f"alarm    pressed with a network: at the centre {held}, then kill -9: still live, {alarm['records']} records")
    print(f"alarms   pressed {len(told['alarms'])}, lost {told['alarms_lost']}")
    print(f"records  received {records['received']}, duplicates {records['duplicates']}, holes {len(records['holes'])}")
    for sentence, holds in told["checks"].items():
        print(f"{'PASS' if holds else 'FAIL'}     {sentence}")
    print(("everything held" if told["ok"] else "NOT everything held") + (f"; {report} tells more" if report else ""))
