"""The last config that ran well: word that the unit is ready goes in; the config lies then where the next start finds it.

`agent.config_start` falls back on it when the config file has mistakes. A thread of its own: a card that dies may hold a writer for ever.
"""

import logging
import threading
from pathlib import Path

from agent import config_kept
from agent.adapters import whole_file
from agent.core import effects

LOG = logging.getLogger("outpost")

MODE = 0o600
CLOSE_S_MAX = 2.0


class LastConfig:
    """Writes once, when the unit is ready, and only what is not there already: a card has only so many writes."""

    def __init__(self, where: Path, content: bytes) -> None:
        """`where`, `content`: of `agent.config_kept`."""
        self._where = where
        self._content = content
        self._is_ready = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="last-config", daemon=True)

    def start(self) -> None:
        """Wait for the word."""
        self._thread.start()

    def perform(self, effect: effects.Notify) -> None:
        """The unit is ready: so its config is good."""
        if effect.ready:
            self._is_ready.set()

    def close(self) -> None:
        """What is being written is written, unless the disk hangs."""
        self._done.set()
        self._is_ready.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)

    def _run(self) -> None:
        self._is_ready.wait()
        if self._done.is_set():
            return
        try:
            if not _holds(self._where, self._content):
                whole_file.replace(self._where, self._content, MODE, durable=True)
        except OSError as e:
            LOG.warning("%s cannot be written (%s): a broken config file would stop the unit at its next start", self._where, e.strerror)


def _holds(where: Path, content: bytes) -> bool:
    """Whether just that lies there."""
    try:
        with where.open("rb") as file:
            return file.read(config_kept.BYTES_MAX + 1) == content
    except FileNotFoundError:
        return False
