"""What the unit is made of: at start and each ten minutes out go `HardwareSeen`, the board with its serial number and the SIM's ICCID.

Sources: /proc/device-tree (model, serial-number) and, where there is none, the lines Model, Revision and Serial of /proc/cpuinfo, as
Raspberry Pi kernels write them; ModemManager's `mmcli` for the SIM. Who cannot be asked says nothing.
"""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.core.events import Event, HardwareSeen

TURN_S = 600.0
"""A SIM is changed in a garage; a modem may take minutes to find its own."""

FIRST_AGAIN_S = 60.0
"""The second look: at the first the modem was not up yet."""

ASKED_S_MAX = 5.0
"""ModemManager answers in a fraction of a second, or its bus is stuck."""

CLOSE_S_MAX = 2.0

TEXT_CHARS_MAX = 80
ICCID = re.compile(r"[0-9]{18,20}")
"""ITU-T E.118: up to 19 digits, as SIMs give them with or without a last one more."""


class Hardware:
    """Asks the kernel and ModemManager; they cost nothing, and their silence is no fault."""

    def __init__(self, post: Callable[[Event], None], now: Callable[[], float], proc: Path = Path("/proc")) -> None:
        """`now` gives monotonic seconds, `post` never blocks."""
        self._post = post
        self._now = now
        self._proc = proc
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hardware", daemon=True)

    def start(self) -> None:
        """Begin to look; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)

    def _run(self) -> None:
        wait_s = FIRST_AGAIN_S
        while not self._stopped.is_set():
            for what, identity in (("board", board(self._proc)), ("sim", sim())):
                if identity is not None:
                    self._post(HardwareSeen(self._now(), what, identity))
            self._stopped.wait(wait_s)
            wait_s = TURN_S


def board(proc: Path = Path("/proc")) -> str | None:
    """Model and serial number, `Raspberry Pi 4 Model B Rev 1.4, serial 10000000abcdef01`; None where the kernel tells neither."""
    told = {"Model": _text(proc / "device-tree" / "model"), "Serial": _text(proc / "device-tree" / "serial-number")}
    for line in (_text(proc / "cpuinfo", 65_536) or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("Model", "Revision", "Serial") and value.strip():
            told.setdefault(name.strip(), None)
            told[name.strip()] = told[name.strip()] or value.strip()[:TEXT_CHARS_MAX]
    words = [told["Model"], f"revision {told['Revision']}" if told.get("Revision") else None]
    words.append(f"serial {told['Serial']}" if told["Serial"] else None)
    return ", ".join(word for word in words if word) or None


def sim() -> str | None:
    """The ICCID of the first modem that has a SIM, by ModemManager; None where there is none of all that."""
    modems = _mmcli("--list-modems", "modem-list")
    for modem in modems if isinstance(modems, list) else []:
        path = _mmcli(f"--modem={modem}", "modem", "generic", "sim")
        iccid = _mmcli(f"--sim={path}", "sim", "properties", "iccid") if isinstance(path, str) and path != "--" else None
        if isinstance(iccid, str) and ICCID.fullmatch(iccid.strip()):
            return iccid.strip()
    return None


def _mmcli(word: str, *keys: str) -> Any:
    """What `mmcli --output-json` says under these keys; None when it is not there, fails, is stuck, or says something else."""
    path = shutil.which("mmcli")
    if path is None:
        return None
    try:
        done = subprocess.run([path, word, "--output-json"], capture_output=True, check=False, timeout=ASKED_S_MAX)
        said = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, RecursionError, subprocess.TimeoutExpired):
        return None
    for key in keys:
        said = said.get(key) if isinstance(said, dict) else None
    return said


def _text(file: Path, most: int = TEXT_CHARS_MAX) -> str | None:
    """A file of the kernel's, without the NUL that ends strings in the device tree; None when it is not there or empty."""
    try:
        with file.open("rb") as opened:
            text = opened.read(most).decode("utf-8", "replace")
    except OSError:
        return None
    return "".join(c for c in text if c.isprintable() or c == "\n").strip() or None
