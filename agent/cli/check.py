"""`outpost check`: a config file goes in; every mistake in it, or the table of its pins, comes out. No pin is driven."""

import argparse
import sys
from collections.abc import Iterator, Sequence

from agent import config_file
from agent.cli import parser
from agent.cli.header import POSITION, boot_pull
from agent.config import Config, Input, Output

FINE = 0
MISTAKES = 2

COLUMNS = ("pin", "header", "direction", "id", "function", "active", "pull", "boot pull")

MORE = """
Every mistake is reported at once, with its line. When there is none, the table of pins is printed as it has to be wired: the BCM
number, the position on the 40-pin header, and how the pin is pulled from power-on until the agent takes it."""

EPILOG = """\
examples:
  outpost check
  outpost check -c ./agent.toml

exit codes:
  0  the file is right
  2  it is not; stderr says what, line by line"""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser.add_config(parser.command(subparsers, "check", MORE, EPILOG))


def run(args: argparse.Namespace) -> int:
    """Check the file `args.config`: 0 or 2."""
    try:
        config = config_file.read(args.config)
    except config_file.ConfigErrors as mistakes:
        count = len(mistakes.errors)
        print(mistakes, file=sys.stderr)
        print(f"{count} mistake{'' if count == 1 else 's'}; nothing was driven", file=sys.stderr)
        return MISTAKES
    rows = pin_rows(config)
    print(table([COLUMNS, *rows]) if rows else "no inputs and no outputs")
    for note in notes(config):
        print(f"note: {note}")
    print(f"{args.config}: no mistakes; unit {config.unit.id}, {config.mqtt.endpoints[0]}")
    return FINE


def pin_rows(config: Config) -> list[tuple[str, ...]]:
    """One row for each pin in the order of the pins; columns as in COLUMNS."""
    rows: list[tuple[int, str, str, str, str, str]] = [(i.pin, "input", i.id, _function(i), i.active, i.pull) for i in config.input]
    rows += [(o.pin, "output", o.id, o.use, o.active, "-") for o in config.output]
    return [(str(pin), str(POSITION[pin]), *rest, boot_pull(pin)) for pin, *rest in sorted(rows)]


def _function(device: Input) -> str:
    return f"{device.use.value} {device.mode}" if device.use.value == "panic" else device.use.value


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns as wide as they need to be."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def notes(config: Config) -> Iterator[str]:
    """What is allowed, and yet most likely not meant."""
    for output in config.output:
        on = _pulled_active(output, boot_pull(output.pin))
        if on != (output.safe == "on"):
            yield (
                f"{output.id}: the boot pull ({boot_pull(output.pin)}) of pin {output.pin} switches it {'on' if on else 'off'} "
                f"from power-on until the agent runs, but safe is {output.safe}; take a pin of the other pull, or add a resistor"
            )
    for device in config.input:
        if device.pull != "none" and _pulled_active(device, device.pull):
            yield (
                f"{device.id}: pull {device.pull} makes it active when nothing is connected (active is {device.active}); "
                "a cut wire then looks like a press"
            )


def _pulled_active(device: Input | Output, pull: str) -> bool:
    """Whether a pin that only its pull decides reads (or drives) active."""
    return (pull == "up") == (device.active == "high")
