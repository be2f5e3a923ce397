"""`outpost-sim`: the words of a command line go in, the command runs, its exit code comes out.

A command is one module of this package with `add(subparsers)`, which makes its parser, and `run(args) -> int`. Only the one that is asked
for is imported.
"""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence

COMMANDS = {
    "demo": "a unit on this desk: simulated devices, a broker, the real agent",
    "presses": "stories of switches in virtual time: no honest press lost, no alarm invented",
    "soak": "hours of weather in virtual time: the real core against every fault, and every promise checked",
}
"""What there is, with a line for `--help`; each in the module of its name."""

DESCRIPTION = "Stands in for the devices of a unit: on a desk in real time, or as a seeded world in virtual time."

EPILOG = """\
exit codes:
  0  done
  1  failed; stderr or the last lines say why
  2  a mistake on the command line

`outpost-sim COMMAND --help` tells more about a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """The console script: `argv` without the program's name (default: the process's own)."""
    words = list(sys.argv[1:] if argv is None else argv)
    there = {name: summary for name, summary in COMMANDS.items() if importlib.util.find_spec(f"simulator.{name}")}
    parser = argparse.ArgumentParser(
        prog="outpost-sim", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    subparsers = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name, summary in there.items():
        if name in words:
            importlib.import_module(f"simulator.{name}").add(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    args = parser.parse_args(words)
    code: int = args.run(args)
    return code


if __name__ == "__main__":
    sys.exit(main())
