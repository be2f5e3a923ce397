"""The keys as root has put them down, and what they lie on: a config's place and the kernel's files go in, checks come out."""

import os
from pathlib import Path

from agent import key_stage
from agent.adapters import disk
from agent.adapters.kernel_file import PROC, text
from agent.cli.doctor_check import Check
from agent.cli.why_words import Words


def keys(config: Path, words: Words, proc: Path = PROC) -> list[Check]:
    """What of the folder of keys is not handed to the agent, and whether what is put there stays. Only root sees into the folder."""
    folder = key_stage.folder(config)
    lost = [Check("warn", "keys.overlay", words("keys.overlay", path=folder), words("keys.overlay.do"))] if forgets(folder, proc) else []
    if not folder.is_dir():
        return lost
    if not os.access(folder, os.R_OK | os.X_OK):
        return [*lost, Check("skip", "keys", words("keys.closed", path=folder))]
    strays = [Check("warn", "keys", words("keys.stray", reason=line), words("keys.do")) for line in key_stage.strays(config)]
    return [*lost, *(strays or [Check("pass", "keys", words("keys.well", path=folder))])]


def forgets(path: Path, proc: Path = PROC) -> bool:
    """Whether it lies on an overlay whose upper half is memory, as raspi-config makes it (package overlayroot, earlier a script)."""
    mounted = disk.mount(path, proc)
    if mounted is None or mounted.kind != "overlay":
        return False
    asked = text(proc / "cmdline").split()
    return mounted.source == "overlayroot" or any(word == "boot=overlay" or word.startswith("overlayroot=") for word in asked)
