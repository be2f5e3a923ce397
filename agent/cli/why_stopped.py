"""What can be known of an agent that does not answer: config, socket, store and service are looked at, findings and lines come out.

Nothing is changed, and nothing is asked for that needs more than reading. The store's path is the config's; systemd and its journal are
asked only where they are (`systemctl show`, `journalctl`).
"""

import os
from pathlib import Path
from typing import NamedTuple

from agent import config_file
from agent.adapters.command import said
from agent.cli.why_findings import Finding
from agent.cli.why_words import Words, clean, size
from agent.config import Config
from agent.wire import faults

ASKED_S_MAX = 5.0
"""systemctl and journalctl answer in a fraction of a second, also on a Pi; a bus that is stuck must not hold the page."""

JOURNAL_LINES = 6
MISTAKES_TOLD_MAX = 3
STORE_FREE_BYTES_MIN = 1_048_576
"""With less the store cannot even open: its smallest size is this."""

UNSEEN = ("by this user", "cannot be looked at")
"""How a config's mistakes say that it is we who may not look, and not the file that is wrong."""


class Looked(NamedTuple):
    """What was found wrong, and what is right or unknown, in lines."""

    findings: list[Finding]
    lines: list[str]


class ConfigSeen(NamedTuple):
    """The config file as the agent would read it at its next start: itself, or its mistakes; neither when we may not see all of it."""

    config: Config | None
    mistakes: tuple[str, ...]


def read_config(path: Path) -> ConfigSeen:
    """Read it with every check."""
    try:
        return ConfigSeen(config_file.read(path), ())
    except config_file.ConfigErrors as e:
        wrong = [error for error in e.errors if not any(word in error.message for word in UNSEEN)]
        return ConfigSeen(None, tuple(clean(line) for line in str(config_file.ConfigErrors(e.path, wrong)).splitlines()))


def config_finding(seen: ConfigSeen, path: Path, words: Words, code: str) -> list[Finding]:
    """`config.wrong` (an agent still runs, with what it has read) or `config.bad`. Cars stop each day, so the next start is near."""
    if not seen.mistakes:
        return []
    notes = [*seen.mistakes[:MISTAKES_TOLD_MAX]]
    if more := len(seen.mistakes) - len(notes):
        notes.append(f"+ {more}")
    return [Finding(faults.PANIC, code, words(code), notes=tuple(notes), do=words("config.wrong.do", path=path))]


def look(socket: Path, config: Path, seen: ConfigSeen, words: Words) -> Looked:
    """Everything that can be known without an agent."""
    findings, lines = config_finding(seen, config, words, "config.bad"), []
    if not seen.mistakes:
        lines.append(words("config_right" if seen.config else "config_unseen", path=config))
    lines.append(_socket(socket, words))
    if seen.config:
        store = _store(Path(seen.config.store.path), words)
        findings, lines = [*findings, *store.findings], [*lines, *store.lines]
    return Looked(findings, [*lines, *service(words)])


def _socket(path: Path, words: Words) -> str:
    if path.is_socket():
        return words("socket_dead", path=path)
    return words("socket_gone", path=path) if path.parent.is_dir() else words("socket_place", path=path.parent)


def _store(path: Path, words: Words) -> Looked:
    """Whether the directory is there and takes what is written. As root that is a question of the mount and the room only."""
    try:
        path.stat()
        seen = os.statvfs(path)
    except (FileNotFoundError, NotADirectoryError):
        return Looked([], [words("store_missing", path=path)])
    except OSError:
        return Looked([], [words("store_unseen", path=path)])
    free = seen.f_bavail * seen.f_frsize
    why = "why_no_directory" if not path.is_dir() else "why_readonly" if seen.f_flag & os.ST_RDONLY else ""
    why = why or ("why_full" if free < STORE_FREE_BYTES_MIN else "")
    if why:
        what = words("store.unwritable", path=path, why=words(why))
        return Looked([Finding(faults.STORE, "store.unwritable", what, do=words("store.unwritable.do"))], [])
    if not os.access(path, os.W_OK):
        return Looked([], [words("store_unseen", path=path)])  # it belongs to the agent, mode 0700: that is as it should be
    return Looked([], [words("store_right", path=path, size=size(free))])


# --- systemd ----------------------------------------------------------------------------------------------------------------------------


def service(words: Words) -> list[str]:
    """What systemd and its journal know of the service; nothing where there is no systemd."""
    properties = "LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState"
    shown = _lines("systemctl", "show", "outpost.service", f"--property={properties}")
    known = dict(line.split("=", 1) for line in shown if "=" in line)
    if "ActiveState" not in known:
        return []
    if known.get("LoadState") == "not-found":
        return [words("service_absent")]
    line = words("service_state", active=known["ActiveState"], sub=known.get("SubState", "-"), result=known.get("Result", "-"))
    if known.get("NRestarts", "0") != "0":
        line += words("service_starts", count=known["NRestarts"])
    if known.get("UnitFileState") == "disabled":
        line += words("service_disabled")
    last = _lines("journalctl", "--unit=outpost.service", f"--lines={JOURNAL_LINES}", "--output=cat", "--no-pager", "--quiet")
    return [line, *([words("journal"), *(f"  {clean(each)}" for each in last)] if last else [])]


def _lines(program: str, *words: str) -> list[str]:
    """The lines that a program prints; none when it is not there, fails or is stuck."""
    printed = said(program, *words, within_s=ASKED_S_MAX).decode("utf-8", "replace")
    return [line for line in printed.splitlines() if line.strip()]
