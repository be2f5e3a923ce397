"""`outpost gnss`: a port or a recording goes in; what the receiver says comes out, for whoever installs it and for whoever scores it."""

import argparse
import datetime
import errno
import grp
import os
import queue
import sys
from collections.abc import Sequence
from pathlib import Path

from agent import BUILD_DATE, clock, config, config_file
from agent.adapters.gnss import SILENT_S, Gnss
from agent.cli import gnss_lines, parser, reader
from agent.cli.gnss_view import View
from agent.core.events import Event, Fix, ReceiverDown, ReceiverHeard, ReceiverUp

ENDED = 0
FAILED = 1
MISTAKE = 2

OPEN_WITHIN_S = 6.0
SHOW_S = 0.5
"""How often the page is drawn anew; faster than a person reads."""

GPS_BEGAN = datetime.date(1980, 1, 6)

CLEAR = "\x1b[H\x1b[2J"
PORTS = ("serial0", "serial/by-id/*", "ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS0")
"""Where receivers are found, under /dev."""

BAUDS = (4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)

MORE = """
With --port it shows live what the receiver says: fix, satellites of each constellation with their C/N0, antenna, rate,
sentences, errors. Nothing is sent to the receiver. Ctrl-C ends it. Without --port it reads the config file's port and
more_ports as the agent does: the first that opens, the next one when that is silent for 15 s; it says which it reads.

With --from it reads a recording of a receiver's bytes through the very same reader and prints one line of JSON for each
fix: time (unix s, UTC), lat, lon, alt (m), speed (m/s), track (deg), mode (2 or 3), hdop, and more where it is known;
an absent fact is absent. A summary goes to stderr.

Receivers lose 1024 weeks (19.6 years), so a date before --not-before is moved by whole 1024 weeks to be at or after it, and
the summary counts that (week_rollover). It is the build's date unless it is said: to have the dates of an older recording as
they stand, name a day before it."""

EPILOG = """\
examples:
  outpost gnss                                       the ports of the config file (stop the agent first: one reader a port)
  outpost gnss --port /dev/serial0 --baud auto       any port; the speed is found
  outpost gnss --port socket://192.168.4.1:2947      a receiver behind a network
  outpost gnss --port /dev/ttyUSB0 --json --for 30   half a minute as lines of JSON
  outpost gnss --from drive.nmea | jq .speed         a recording
  outpost gnss --from old.nmea --not-before 2007-01-01

exit codes:
  0  ended by Ctrl-C or --for, or the recording was read to its end
  1  the port or the file cannot be opened, or no good sentence was in what came
  2  a mistake on the command line"""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    made = parser.command(subparsers, "gnss", MORE, EPILOG)
    source = made.add_mutually_exclusive_group()
    source.add_argument("--port", metavar="URL", help="a device or any pyserial URL (socket://, rfc2217://); else the config's ports")
    source.add_argument("--from", metavar="FILE", dest="recording", help="read a recording, - for standard input")
    made.add_argument("--not-before", type=_day, metavar="DATE", help=f"with --from: no date in it is earlier; {BUILD_DATE} unless said")
    made.add_argument("--undated", action="store_true", help="with --from: also fixes from before the first date; they have no time")
    made.add_argument("--baud", type=_baud, help="4800 to 921600, or auto; else the config's, else auto")
    made.add_argument("--json", action="store_true", help="with a port: each event as a line of JSON")
    made.add_argument("--for", type=_seconds, metavar="SECONDS", dest="seconds", help="with a port: end after so long")
    parser.add_config(made)


def _day(text: str) -> datetime.date:
    try:
        found = datetime.date.fromisoformat(text)
    except ValueError:
        found = datetime.date.min
    if found < GPS_BEGAN:
        raise argparse.ArgumentTypeError(f"found {text}; expected a day as YYYY-MM-DD, 1980-01-06 (when GPS began) or later")
    return found


def _baud(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdigit() or int(text) not in BAUDS:
        raise argparse.ArgumentTypeError(f"found {text}; expected auto or one of {', '.join(map(str, BAUDS))}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400 * 7:
        raise argparse.ArgumentTypeError(f"found {text}; expected a number of seconds above 0, at most a week")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Read a recording, or watch a port: 0, 1, or 2."""
    if args.recording is not None:
        if args.baud is not None or args.json or args.seconds is not None:
            return _fail("--baud, --json and --for go with a port, not with --from", MISTAKE)
        return _replay(args.recording, args.undated, args.not_before or datetime.date.fromisoformat(BUILD_DATE))
    if args.not_before is not None:
        return _fail("--not-before goes with --from: of a port, no date is earlier than the build", MISTAKE)
    try:
        receiver = chosen(args)
    except config_file.ConfigErrors as mistakes:
        return _fail(f"{mistakes}\nmend this, or name a port with --port", MISTAKE)
    return _watch(receiver, args.json, args.seconds)


def _fail(text: str, code: int = FAILED) -> int:
    print(text, file=sys.stderr)
    return code


# --- a recording --------------------------------------------------------------------------------------------------------------------


def _replay(name: str, with_undated: bool, not_before: datetime.date) -> int:
    try:
        file = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115  closed below, but for stdin
    except OSError as e:
        return _fail(f"{name}: {e.strerror}")
    recording, fixes, undated = gnss_lines.Recording(file, not_before), 0, 0
    try:
        for event in recording.events():
            if isinstance(event, Fix) and event.lat is not None:
                fixes += 1
                undated += event.utc_ms is None
                if event.utc_ms is None and not with_undated:
                    continue
                sys.stdout.buffer.write(gnss_lines.fix_line(event) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        reader.left()
        return ENDED
    except OSError as e:
        return _fail(f"{name}: {e.strerror}")
    finally:
        if file is not sys.stdin.buffer:
            file.close()
    said = [f"{fixes} fixes from {recording.sentences} sentences"]
    said += [f"{undated} of them without a date{'' if with_undated else ', left out (--undated)'}"] if undated else []
    said += [f"refused: {_counts(recording.refused)}"] if recording.refused else []
    said += [f"mended: {_counts(recording.corrected)}"] if recording.corrected else []
    print("; ".join(said), file=sys.stderr)
    return ENDED if recording.sentences else _fail(f"{name}: there is no NMEA sentence in it")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))


# --- a port -------------------------------------------------------------------------------------------------------------------------


def chosen(args: argparse.Namespace) -> config.Gnss:
    """As asked; what is not said, as configured. A port on the command line needs no config file.

    Raises:
        ConfigErrors: no port was named, and the config file has mistakes or is not there.
    """
    if args.port is not None:
        return config.Gnss(port=args.port, baud=args.baud or "auto")
    configured = config_file.read(args.config).gnss
    wanted = configured.baud_wanted if args.baud is None else "keep"  # the agent may have set the receiver to that speed
    return config.Gnss(port=configured.port, more_ports=configured.more_ports, baud=args.baud or configured.baud, baud_wanted=wanted)


def _watch(receiver: config.Gnss, as_json: bool, seconds: float | None) -> int:
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    gnss = Gnss(receiver, events.put, clock.monotonic)
    ports = (receiver.port, *receiver.more_ports)
    ends_at = None if seconds is None else clock.monotonic() + seconds
    show = _print_lines if as_json else _Page(ports, gnss)
    heard, read = 0, set()
    gnss.start()
    try:
        first = _first(events)
        if isinstance(first, ReceiverDown):
            return _fail("\n".join(diagnose(port, gnss.refusals.get(port, first.reason)) for port in ports))
        if first is None:
            return _fail(f"{', '.join(ports)}: did not open within {OPEN_WITHIN_S:.0f} s")
        if as_json:
            print("".join(f"not read: {other}\n" for other in _others(ports, None, gnss)), end="", file=sys.stderr, flush=True)
        event: Event | None = first
        while ends_at is None or clock.monotonic() < ends_at:
            read |= {event.port} if isinstance(event, ReceiverUp) else set()
            heard += event.sentences if isinstance(event, ReceiverHeard) else 0
            show(event)
            event = _next(events, SHOW_S if ends_at is None else min(SHOW_S, max(0.0, ends_at - clock.monotonic())))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        reader.left()
    finally:
        gnss.close()
    while (event := _next(events, 0)) is not None:
        heard += event.sentences if isinstance(event, ReceiverHeard) else 0
    if heard:
        return ENDED
    return _fail("\n".join(_silence(port, port in read, gnss) for port in ports))


def _silence(port: str, was_read: bool, gnss: Gnss) -> str:
    """What is to be said of a port when no receiver was heard at all."""
    if port in gnss.refusals:
        return diagnose(port, gnss.refusals[port])
    if not was_read:
        return f"{port}: it was not tried; a silent port is left after {SILENT_S:.0f} s (--for)"
    return f"{port}: no good sentence came; is the receiver powered, its TX on our RX, and the speed right (--baud auto)?"


def _others(ports: Sequence[str], reads: str | None, gnss: Gnss) -> list[str]:
    """The ports that are not read, those that did not open with the first line of why."""
    return [diagnose(port, gnss.refusals[port]).partition("\n")[0] for port in ports if port != reads and port in gnss.refusals]


def _first(events: "queue.SimpleQueue[Event]") -> Event | None:
    return _next(events, OPEN_WITHIN_S)


def _next(events: "queue.SimpleQueue[Event]", within_s: float) -> Event | None:
    try:
        return events.get(timeout=within_s) if within_s > 0 else events.get_nowait()
    except queue.Empty:
        return None


def _print_lines(event: Event | None) -> None:
    if event is not None:
        sys.stdout.buffer.write(gnss_lines.line(event) + b"\n")
        sys.stdout.buffer.flush()


class _Page:
    """Draws the page: anew in place on a terminal, one below the other into a file."""

    def __init__(self, ports: Sequence[str], gnss: Gnss) -> None:
        self._view = View(ports[0])
        self._ports = ports
        self._gnss = gnss
        self._reads: str | None = None
        self._began = self._shown = clock.monotonic()
        self._tty = sys.stdout.isatty()

    def __call__(self, event: Event | None) -> None:
        now = clock.monotonic()
        if event is not None:
            self._view.take(event)
        if isinstance(event, ReceiverUp):
            self._reads = event.port
        if now - self._shown < (SHOW_S if self._tty else 10 * SHOW_S) and not isinstance(event, ReceiverUp | ReceiverDown):
            return
        self._shown = now
        page = self._view.page(now, self._gnss.baud, now - self._began, _others(self._ports, self._reads, self._gnss))
        print((CLEAR if self._tty else "") + page, flush=True)


def diagnose(port: str, reason: str) -> str:
    """Why a port does not open, and what to do; `reason` is what the operating system said."""
    said = f"{port}: {reason}"
    if "://" in port:
        return f"{said}\nis the far end on, and does it listen there?"
    path = Path(port)
    if not path.exists():
        found = sorted(str(one) for pattern in PORTS for one in Path("/dev").glob(pattern))
        there = f"ports here: {', '.join(found)}" if found else "no serial port is here; is the UART on (enable_uart=1), the USB plug in?"
        return f"{port}: there is no such port\n{there}"
    if not os.access(path, os.R_OK | os.W_OK):
        group = _group(path)
        return f"{port}: permission denied; it belongs to the group {group}: sudo usermod -aG {group} $USER, then log in again"
    if "exclusively lock" in reason or os.strerror(errno.EBUSY) in reason:
        return f"{port}: another program has it open: the agent (`outpost status`), gpsd or a getty; stop it first"
    return said


def _group(path: Path) -> str:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except (KeyError, OSError):
        return "dialout"
