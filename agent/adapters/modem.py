"""The modem: every minute `ModemSeen` goes out, with what ModemManager says of it and its SIM by its own command, `mmcli`.

A command and not D-Bus itself: a library for that would be one more dependency, for one number a minute. Where there is no `mmcli`, nothing
is asked and nothing posted. Reading needs no rights. In a thread of its own: a bus that hangs must hold nobody up.
"""

import json
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from typing import Any

from agent.adapters.command import said
from agent.core.events import Event, ModemSeen

TURN_S = 60.0
ASKED_S_MAX = 10.0
"""mmcli itself waits 30 s for a bus that does not answer."""

CLOSE_S_MAX = 2.0
TEXT_CHARS_MAX = 40
PATH_CHARS_MAX = 200
"""Of an object on the bus; they are some 40."""

UNKNOWN = "--"
"""As mmcli writes what it does not know."""

ICCID = re.compile(r"[0-9]{18,20}")
"""ITU-T E.118: up to 19 digits, as SIMs give them with or without a last one more."""


class Modem:
    """Asks for the first modem there is."""

    def __init__(self, post: Callable[[Event], None], now: Callable[[], float], program: str | None = None) -> None:
        """`now` gives monotonic seconds, `post` never blocks. `program`: None looks for `mmcli` where commands are."""
        self._post = post
        self._now = now
        self._program = program or shutil.which("mmcli")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="modem", daemon=True)

    def start(self) -> None:
        """Begin to ask, if there is somebody to be asked."""
        if self._program:
            self._thread.start()

    def close(self) -> None:
        """Stop posting; a command that hangs is left behind."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)

    def _run(self) -> None:
        while not self._stopped.is_set():
            told = self._said("-m", "any")
            sim = _word(_section(_section(told, "modem"), "generic").get("sim"), PATH_CHARS_MAX)
            seen = modem_seen(self._now(), told, self._said("-i", sim) if sim else None)
            if not self._stopped.is_set():
                self._post(seen)
            self._stopped.wait(TURN_S)

    def _said(self, *words: str) -> Any:
        """What the command prints, as JSON; None when it fails, as it does without a modem, or prints something else."""
        assert self._program is not None, "it was not started"
        try:
            return json.loads(said(self._program, *words, "-J", within_s=ASKED_S_MAX))
        except (ValueError, RecursionError):
            return None


def modem_seen(at: float, told: Any, sim: Any = None) -> ModemSeen:
    """What `mmcli` told of the modem and of its SIM: everything in it may be absent, of another type, or `--`."""
    modem = _section(told, "modem")
    generic, network = _section(modem, "generic"), _section(modem, "3gpp")
    access = generic.get("access-technologies")
    iccid = _word(_section(_section(sim, "sim"), "properties").get("iccid"))
    model = " ".join(word for key in ("manufacturer", "model") if (word := _word(generic.get(key))))
    return ModemSeen(
        at,
        _share(_section(generic, "signal-quality").get("value")),
        "+".join(word for each in access if (word := _word(each)))[:TEXT_CHARS_MAX] if isinstance(access, list) else "",
        _word(network.get("operator-name")),
        model[:TEXT_CHARS_MAX],
        iccid if ICCID.fullmatch(iccid) else "",
    )


def _section(of: Any, key: str) -> Mapping[str, Any]:
    found = of.get(key) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _word(value: Any, most: int = TEXT_CHARS_MAX) -> str:
    return value.strip()[:most] if isinstance(value, str) and value != UNKNOWN and value.isprintable() else ""


def _share(value: Any) -> float | None:
    """Per cent as text."""
    return int(value) / 100 if isinstance(value, str) and value.isascii() and value.isdigit() and int(value[:9]) <= 100 else None
