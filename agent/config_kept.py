"""The file that holds the last config that ran well: plain tables go in and come out, or why they cannot be used. Standard library only.

It lies in the directory that systemd gave the service for its state ($STATE_DIRECTORY), else where the store is. Inside are the tables of
the config with all that its board and its profiles say, so that it means the same when these are changed or gone; and no secret, only the
names of the files that hold them.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "last_config.json"
STORE_DEFAULT = "/var/lib/outpost"
"""That of `agent.config`, which is not imported here: it would cost msgspec's start for one string. A test holds the two together."""
FORMAT = 1
BYTES_MAX = 1_048_576
"""A config has a few thousand bytes, with its board a few more."""

Tables = dict[str, Any]


class NotKept(Exception):
    """There is no such file, or none that can be used; the message says why, empty when there just is none."""


def place(environ: Mapping[str, str], store: Path) -> Path:
    """Where it lies; `store`: the directory of the store."""
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return (Path(given) if given else store) / NAME


def find(file: Path, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Where that of the config `file` lies, be it right, wrong or gone; and the text of the file, as far as it can be read."""
    try:
        with file.open("rb") as opened:
            text = opened.read(BYTES_MAX).decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        text = ""
    return place(environ, file.absolute().parent / (said(text, "store", "path") or STORE_DEFAULT)), text


def encode(file: Path, tables: Tables, version: str) -> bytes:
    """The content: the config `file` it is of, its tables, and the version of the agent that it ran with."""
    whole = {"format": FORMAT, "file": str(file.absolute()), "version": version, "sha256": _digest(tables), "config": tables}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def read(where: Path, file: Path) -> Tables:
    """The tables that lie at `where`, if they are of the config `file`: two agents of one machine must not take each other's.

    Raises:
        NotKept: there are none.
    """
    try:
        with where.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
    except FileNotFoundError:
        raise NotKept("") from None
    except (OSError, ValueError) as e:
        raise NotKept(f"cannot be read: {getattr(e, 'strerror', None) or e}") from e
    try:
        whole = json.loads(data)
        tables, digest, of, form = whole["config"], whole["sha256"], whole["file"], whole["format"]
        if form != FORMAT:
            raise NotKept(f"is of format {form}, expected {FORMAT}: another version of the agent wrote it")
        if digest != _digest(tables) or not isinstance(tables, dict):
            raise NotKept("is damaged")
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise NotKept("is damaged") from e
    if of != str(file.absolute()):
        raise NotKept(f"is of another config, {of}")
    return tables


def said(text: str, section: str, key: str) -> str | None:
    """What a file says for a key, also one that is cut short or no TOML: by its plain line, `key = "text"` below `[section]`."""
    found = re.search(rf"^[ \t]*\[{section}\][^\n]*\n(.*?)(?=^[ \t]*\[|\Z)", text, re.MULTILINE | re.DOTALL)
    line = re.search(rf"""^[ \t]*{key}[ \t]*=[ \t]*(["'])([^"'\n]*)\1""", found[1], re.MULTILINE) if found else None
    return line[2] if line else None


def _digest(tables: Tables) -> str:
    """Of what it means, however it is laid out."""
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
