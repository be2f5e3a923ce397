"""What no single key shows: the good values of a config file and their lines go in; mistakes between keys, and with the world, come out."""

import os
import shlex
import stat
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from agent import config_shows, config_wiring, credentials, receiver_file
from agent.config import Gnss
from agent.config_sheets import Said, Sheets
from agent.config_walk import Leaf, Mistake, close_to
from agent.core.phrasebook import Want
from agent.toml_lines import Path

PORT_MAX = 65535

Leaves = Mapping[Path, Leaf]


def check(sheets: Sheets, *, board_is_known: bool = True) -> Iterator[Mistake]:
    """Every mistake that shows only when keys are seen together or looked up outside. Reads files' modes, drives nothing.

    `board_is_known`: what the board has is known, or there is none; when not, nothing is said of what may lie in it.
    """
    leaves = sheets.own.leaves
    if board_is_known:
        yield from config_wiring.check(sheets, _uart(sheets))
        yield from config_shows.check(sheets)
    yield from _endpoints(leaves)
    yield from _pairs(leaves)
    yield from _place(leaves)
    yield from _timezone(leaves)
    yield from _receiver(sheets)
    for path, leaf in leaves.items():
        if leaf.file in ("read", "secret") and (message := _unfit(FilePath(leaf.value), secret=leaf.file == "secret")):
            yield Mistake(path, message)


def _uart(sheets: Sheets) -> tuple[str, str] | None:
    """The key of [gnss] by which the receiver has the UART's pins, and where that is said."""
    ports = {path: said for path, said in sheets.in_force("gnss").items() if path[1] in ("port", "more_ports")}
    path = next((path for path, said in ports.items() if said.value == config_wiring.UART_PORT), None)
    if path is not None:
        return str(path[1]), ports[path].sheet.at(path, sheets.own)
    return ("port", "the default") if ("gnss", "port") not in ports and Gnss().port == config_wiring.UART_PORT else None


def _endpoints(leaves: Leaves) -> Iterator[Mistake]:
    for path, leaf in leaves.items():
        if path[:2] != ("mqtt", "endpoints"):
            continue
        host, _, port = leaf.value.split("://")[1].partition(":")
        if port and not 1 <= int(port) <= PORT_MAX:
            yield Mistake(path, f'found port {port} in "{leaf.value}"; expected a port from 1 to {PORT_MAX}')
        if "@" in host:
            yield Mistake(path, f'found a user in "{leaf.value}"; expected only the host: the user goes to mqtt.username')


def _pairs(leaves: Leaves) -> Iterator[Mistake]:
    for key, other, what in (
        ("cert", "key", "the certificate's private key"),
        ("key", "cert", "the private key's certificate"),
        ("password_file", "username", "whose password this is"),
    ):
        if ("mqtt", key) in leaves and ("mqtt", other) not in leaves:
            yield Mistake(("mqtt", key), f"{key} is of no use alone; say in mqtt.{other} {what}, or remove {key}")


def _place(leaves: Leaves) -> Iterator[Mistake]:
    for key, other in (("lat", "lon"), ("lon", "lat")):
        if ("place", key) in leaves and ("place", other) not in leaves:
            yield Mistake(("place", key), f"{key} is of no use alone; say place.{other} too, or remove {key}")


def _timezone(leaves: Leaves) -> Iterator[Mistake]:
    leaf = leaves.get(("unit", "timezone"))
    if leaf is None:
        return
    try:
        zoneinfo.ZoneInfo(leaf.value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        near = close_to(leaf.value, known)
        advice = f'did you mean "{known[near]}"?' if near else 'expected a name like "Asia/Shanghai"'
        if not known:
            advice = "this machine has no time zones; install tzdata"
        yield Mistake(("unit", "timezone"), f'there is no time zone "{leaf.value}"; {advice}')


WANTS = {
    "constellations": Want.CONSTELLATIONS,
    "rate_hz": Want.RATE,
    "sentences": Want.SENTENCES,
    "baud_wanted": Want.BAUD,
}
"""Keys of [gnss] that ask something of the receiver."""


def _receiver(sheets: Sheets) -> Iterator[Mistake]:
    """The kind of receiver is known, and knows what is wanted of it."""
    said = sheets.in_force("gnss")
    named = said.get(("gnss", "receiver"))
    name = named.value if named else receiver_file.GENERIC
    asked = [key for key in WANTS if ("gnss", key) in said and said["gnss", key].value != "keep"]
    for key, message in _unknown(name, {key: said["gnss", key].value for key in asked}, said):
        yield Mistake(("gnss", key), message, said["gnss", key].sheet.named)


def _unknown(name: str, wanted: Mapping[str, Any], said: Mapping[Path, Said]) -> Iterator[tuple[str, str]]:
    """The key and why for each thing that the receiver `name` does not know."""
    if name == receiver_file.GENERIC:
        for key, value in wanted.items():
            kinds = ", ".join(kind for kind in receiver_file.names() if kind != name)
            told = f"found {value}, but nothing is sent to a generic receiver; say in gnss.receiver what it is: {kinds}"
            yield key, told
        return
    try:
        book = receiver_file.read(name)
    except receiver_file.ReceiverFileError as e:
        near = close_to(name, receiver_file.names())
        yield "receiver", f'{e}; did you mean "{near}"?' if near else str(e)
        return
    for key, value in wanted.items():
        if not book.phrases(WANTS[key], value):
            known = ", ".join(each for each in ("keep", *book.values(WANTS[key])))
            yield key, f"found {value}; expected one of what is known for {book.name}: {known}"
    port = said[("gnss", "port")].value if ("gnss", "port") in said else Gnss().port
    if "baud_wanted" in wanted and str(port).startswith("socket://"):
        yield "baud_wanted", f"{port} has no speed that could be changed; leave it at keep"


def _unfit(file: FilePath, *, secret: bool, may_read: Callable[[FilePath, int], bool] = os.access) -> str | None:
    """Why the agent cannot use this file, or None when it can."""
    quoted = shlex.quote(str(file))
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        if credentials.is_handed(file):
            name = file.name.removeprefix(f"{credentials.FOLDER}_")
            return f"systemd has not handed over {name}; put it into /etc/outpost/keys, then: systemctl restart outpost"
        return f"there is no file {file}; put it there, or correct the path"
    except (OSError, ValueError) as e:
        return f"{file} cannot be looked at ({getattr(e, 'strerror', None) or e}); run as root or as the agent's user, or correct the path"
    if not stat.S_ISREG(status.st_mode):
        return f"{file} is {'a directory' if stat.S_ISDIR(status.st_mode) else 'not a regular file'}; name the file itself"
    if secret and credentials.strangers(file, status.st_mode):
        return f"others than its owner have access to {file} (mode {stat.S_IMODE(status.st_mode):04o}); run: chmod 600 {quoted}"
    if not may_read(file, os.R_OK):
        return f"{file} may not be read by this user; run as the agent's user, or give it the file: chown outpost {quoted}"
    if status.st_size == 0:
        return f"{file} is empty; put the right contents there, or correct the path"
    return None
