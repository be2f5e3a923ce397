"""The file that says what is safe: the outputs of a config go in at the start; `outpost safe` has them when the config cannot be read.

It lies beside the local socket, in memory (/run), so that an SD card that dies under the running agent does not take it along.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from agent.adapters import whole_file
from agent.config import Output

LOG = logging.getLogger("outpost")

NAME = "safe.json"
KEYS = ("id", "pin", "active", "safe")


class SafeFile:
    """Written once, at the start, and left: what comes after our end reads it."""

    def __init__(self, socket_path: str, outputs: Sequence[Output]) -> None:
        """`socket_path`: that of the local socket, whose directory it shares."""
        self._path = beside(socket_path)
        self._outputs = outputs

    def start(self) -> None:
        """Write it; without it the agent runs all the same, so a failure is only logged."""
        try:
            write(self._path, self._outputs)
        except OSError as e:
            LOG.warning("%s cannot be written (%s): outputs stay on at the end if the config cannot be read then", self._path, e.strerror)

    def close(self) -> None:
        """It stays: the outputs may not have been made safe."""


def beside(socket_path: str) -> Path:
    """Where it is, by the path of the local socket."""
    return Path(socket_path).parent / NAME


def write(path: Path, outputs: Sequence[Output]) -> None:
    """Replace it at once by a list of objects with KEYS, readable for everybody.

    Raises:
        OSError: it cannot be written.
    """
    text = msgspec.json.encode([{key: getattr(output, key) for key in KEYS} for output in outputs])
    whole_file.replace(path, text, 0o644, durable=False)  # anybody may run `outpost safe`; what lies in memory is gone with the power


def read(path: Path) -> list[Output]:
    """The outputs of the agent that ran last.

    Raises:
        OSError: it is not there, or cannot be read.
        msgspec.DecodeError: it is not what `write` writes.
    """
    return msgspec.json.decode(path.read_bytes(), type=list[Output])
