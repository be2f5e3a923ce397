"""The name of a kind of receiver goes in (`gnss.receiver`, or the path of a file); its phrasebook comes out, or what is wrong with it.

Kinds are TOML files; `agent.data_files` says where they are looked for.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from agent import data_files
from agent.core.phrasebook import Phrasebook

GENERIC = "generic"
"""The kind of which nothing is known, and to which nothing is ever sent."""

BYTES_MAX = 262_144
SHARED = f"{data_files.SHARED}/receivers"
PLACES = data_files.places("receivers")
"""Where kinds of receivers lie, in the order of their right. pyproject.toml puts them into the wheel's data directory."""


class ReceiverFileError(Exception):
    """A kind of receiver that is not there, or whose file has a mistake; the message says which, and what to do."""


def names(places: Sequence[Path] = PLACES) -> list[str]:
    """All kinds that are there."""
    return data_files.names(places)


def find(name: str, places: Sequence[Path] = PLACES) -> Path:
    """The file of a kind.

    Raises:
        ReceiverFileError: there is none.
    """
    if file := data_files.find(name, places):
        return file
    raise ReceiverFileError(f'there is no receiver "{name}"; known: {", ".join(names(places)) or "none"}, or give the path of a file')


def read(name: str, places: Sequence[Path] = PLACES) -> Phrasebook:
    """The phrasebook of a kind; for `generic` an empty one, whether or not there is a file.

    Raises:
        ReceiverFileError: there is no such kind, or its file has a mistake.
    """
    if name == GENERIC:
        return Phrasebook(name=GENERIC)
    path = find(name, places)
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as e:
        raise ReceiverFileError(f"{path} cannot be read: {e.strerror}") from e
    if len(data) > BYTES_MAX:
        raise ReceiverFileError(f"{path} has more than {BYTES_MAX:_} bytes; this is no kind of receiver")
    try:
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), Phrasebook)
    except (ValueError, RecursionError) as e:  # ValidationError, TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise ReceiverFileError(f"{path}: {e}") from e
