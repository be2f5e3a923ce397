"""`outpost check`: a config file goes in; every mistake in it, or its kind and the table of its pins, comes out. No pin is driven."""

import argparse
import sys
from collections.abc import Iterator, Sequence

from agent import boot_lines, config_file, config_origins, config_shows, key_stage
from agent.board import Board, Terminal
from agent.cli import parser
from agent.config import NO_BOARD, Config, Input, InputUse, Output
from agent.config_wiring import power_on_level
from agent.header import POSITION, boot_pull

FINE = 0
MISTAKES = 2

COLUMNS = ("pin", "header", "direction", "id", "function", "active", "pull", "power-on")
SCREWS = ("screw", "wire", "part", "fuse", "goes to")
"""What a board adds."""

HERE = ("localhost", "127.0.0.1")
"""A broker on this very unit."""

PRESS_DEBOUNCE_S = (0.02, 0.2)
"""Contacts bounce for milliseconds, interference comes in bursts; a hand that hits a button may be gone in a fifth of a second."""

ORIGIN = ("key", "value", "said by", "where")
"""Of --explain."""

MORE = """
Every mistake is reported at once, with its line. When there is none, the table of pins is printed as it has to be wired: the BCM
number, the position on the 40-pin header, and the level from power-on until the agent takes the pin. With a board (unit.board) also
the screw of each line, its wire, what stands between it and the pin, its fuse, and where it goes.

The board lies lowest, on it the profile of unit.kind, on top the file itself; --explain says of each value that is not the default which
of them has said it, and on which line. --boot-config is what outpost-install writes into config.txt: UART, watchdog, safe outputs."""

EPILOG = """\
examples:
  outpost check
  outpost check -c ./agent.toml
  outpost check --explain
  outpost check --boot-config

exit codes:
  0  the file is right
  2  it is not; stderr says what, line by line"""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "check", MORE, EPILOG)
    parser.add_config(command)
    command.add_argument("--explain", action="store_true", help="say where each value comes from that is not the default")
    command.add_argument("--boot-config", action="store_true", help="print only the lines that it needs in /boot/firmware/config.txt")


def run(args: argparse.Namespace) -> int:
    """Check the file `args.config`: 0 or 2."""
    try:
        whole = config_file.read_whole(args.config)
    except config_file.ConfigErrors as mistakes:
        count = len(mistakes.errors)
        print(mistakes, file=sys.stderr)
        print(f"{count} mistake{'' if count == 1 else 's'}; nothing was driven", file=sys.stderr)
        return MISTAKES
    if args.boot_config:
        print("\n".join(boot_lines.lines(whole.config)))
        return FINE
    config, board, zh = whole.config, whole.board, whole.config.unit.language == "zh"
    for line in layers(whole, zh=zh):
        print(line)
    rows = pin_rows(config, board, zh=zh)
    print(table([COLUMNS + (SCREWS if board else ()), *rows]) if rows else "no inputs and no outputs")
    if args.explain:
        print(table([ORIGIN, *((o.key, o.value, o.layer, f"{o.file}:{o.line}") for o in config_origins.origins(config, whole.sheets))]))
    for note in (*kind_notes(whole), *notes(config), *map(str, key_stage.strays(args.config))):
        print(f"note: {note}")
    print(f"{args.config}: no mistakes; unit {config.unit.id}, {config.mqtt.endpoints[0]}")
    return FINE


def layers(whole: config_file.Whole, *, zh: bool = False) -> Iterator[str]:
    """What lies below the config: its profile and its board, each with its file. `zh`: with the Chinese name, too."""
    for what, layer, path in (("profile", whole.profile, whole.profile_path), ("board", whole.board, whole.board_path)):
        if layer is not None:
            yield f"{what} {layer.name}{f' · {layer.name_zh}' if zh else ''}, {path}"


def kind_notes(whole: config_file.Whole) -> Iterator[str]:
    """What does not go with the kind of unit, and what came with it unasked."""
    config, profile = whole.config, whole.profile
    surveyed = config.place.lat is not None and config.place.lon is not None
    if profile and profile.stands == "always" and not surveyed:
        yield (
            f"a {config.unit.kind} stands still, but [place] says no lat and lon: it is shown where its receiver believes to be, "
            "and nobody sees when it is moved; have it surveyed"
        )
    if profile and profile.stands == "never" and surveyed:
        yield (
            f"a {config.unit.kind} moves, but [place] says lat and lon, so it is shown there until it is {config.place.moved_m:g} m away; "
            "remove them, or correct unit.kind"
        )
    named = ("unit", "board") in whole.sheets.own.lines
    if whole.board and not named and any(item.sheet is whole.sheets.own for item in whole.sheets.items("input", "output")):
        yield (
            f"the pins of the board came with kind {config.unit.kind}, below those of the file; "
            f'when it is wired otherwise say board = "{NO_BOARD}" in [unit], else board = "{whole.board_path and whole.board_path.stem}"'
        )


def pin_rows(config: Config, board: Board | None = None, *, zh: bool = False) -> list[tuple[str, ...]]:
    """One row for each pin in the order of the pins; columns as in COLUMNS, with a board as in SCREWS too. `zh`: places in Chinese."""
    rows: list[tuple[int, tuple[str, ...]]] = [
        (pin, ("input", line, _function(i), i.active, i.pull, boot_pull(pin))) for i in config.input for line, pin in i.lines().items()
    ]
    rows += [(o.pin, ("output", o.id, _light(o), o.active, "-", power_on_level(o.at_power_on, o.pin))) for o in config.output]
    screws = {} if board is None else screws_of(board)
    fuses = {} if board is None else {t.line: t.fuse_a for t in board.terminal if t.side == "supply"}
    return [
        (str(pin), str(POSITION[pin]), *row, *(() if board is None else _screw(screws.get((row[1], pin)), fuses, zh)))
        for pin, row in sorted(rows)
    ]


def screws_of(board: Board) -> dict[tuple[str, int], Terminal]:
    """The screw of each line on its pin: a line that the config has put on another pin has none."""
    pins = {line: pin for i in board.input for line, pin in i.lines().items()} | {o.id: o.pin for o in board.output}
    return {(t.line, pins[t.line]): t for t in board.terminal if t.side == "signal"}


def _screw(terminal: Terminal | None, fuses: dict[str, float | None], zh: bool) -> tuple[str, ...]:
    """What a board adds to a line. `fuses`: those of loads that have a screw of their own for their supply."""
    if terminal is None:
        return ("-",) * len(SCREWS)
    fuse_a = terminal.fuse_a or fuses.get(terminal.line)
    fuse = "-" if fuse_a is None else f"{fuse_a:g} A"
    to = terminal.to_zh if zh else terminal.to
    return (terminal.at, f"{terminal.wire} {terminal.mm2:g}", (terminal.part or "-").replace("_", " "), fuse, to)


def _function(device: Input) -> str:
    detail = {"panic": device.mode, "light_hand": device.show, "light_sense": device.senses}.get(device.use.value)
    return f"{device.use.value} {detail}" if detail else device.use.value


def _light(device: Output) -> str:
    return f"light {device.group}" if device.use == "light" else device.use


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns as wide as they need to be."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def notes(config: Config) -> Iterator[str]:
    """What is allowed, and yet most likely not meant."""
    for output in config.output:
        level = power_on_level(output.at_power_on, output.pin)
        if output.safe == "on" and not _active_at(output, level):
            yield f"{output.id}: pin {output.pin} is {level} from power-on until the agent runs, which is off, but safe is on"
    for device in config.input:
        if device.pull != "none" and _active_at(device, device.pull):
            yield (
                f"{device.id}: pull {device.pull} makes it active when nothing is connected (active is {device.active}); "
                "a cut wire then looks like a press"
            )
        shortest_s, longest_s = PRESS_DEBOUNCE_S
        if device.use is InputUse.PANIC and not shortest_s <= device.debounce_s <= longest_s:
            why = "a bouncing contact or a spike may be a press" if device.debounce_s < shortest_s else "a quick press may not be believed"
            yield f"{device.id}: debounce_s is {device.debounce_s:g}, outside {shortest_s:g} to {longest_s:g}; {why}"
    yield from config_shows.notes(config)
    yield from open_doors(config)


def open_doors(config: Config) -> Iterator[str]:
    """What SECURITY.md calls for a desk only."""
    for endpoint in config.mqtt.endpoints:
        if endpoint.startswith("mqtt://") and endpoint.removeprefix("mqtt://").partition(":")[0] not in HERE:
            yield f"{endpoint}: without TLS anybody on the way reads all of it, and may be the broker; mqtts:// on a road"
    if config.orders.allow_unsigned_development:
        yield "orders.allow_unsigned_development is on: whoever may publish at the broker commands this unit; never in a vehicle"


def _active_at(device: Input | Output, level: str) -> bool:
    """Whether a pin that is `up` or `down` reads (or drives) active."""
    return (level == "up") == (device.active == "high")
