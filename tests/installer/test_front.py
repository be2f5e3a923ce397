"""The front door: ./install says what is missing before there is any Python, and the installer needs nothing but Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sources

INSTALL = sources.PROJECT / "install"


def run(folder: Path, programs: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run ./install where only these programs (shell scripts) and `dirname` are on the PATH."""
    for name, script in ({"dirname": 'exec /usr/bin/dirname "$@"'} | programs).items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return subprocess.run([INSTALL, *words], env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def python(version: str) -> str:
    """A python3 of that version, as far as ./install asks it."""
    return f'case "$1" in --version) echo "Python {version}" ;; *) exit {0 if version >= "3.11" else 1} ;; esac'


@pytest.mark.parametrize(
    ("programs", "words"),
    [
        ({"getconf": "echo 32"}, "this system is 32-bit (its programs, whatever its kernel is); Outpost is built for 64-bit only"),
        ({"getconf": "echo 64"}, "there is no python3: sudo apt-get install python3 python3-venv"),
        ({"getconf": "echo 64", "python3": python("3.10")}, "found Python 3.10; expected 3.11 or later"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(tmp_path: Path, programs: dict[str, str], words: str) -> None:
    done = run(tmp_path, programs)
    assert done.returncode == 1
    assert words in done.stderr


def test_it_hands_on_to_the_installer(tmp_path: Path) -> None:
    done = run(tmp_path, {"getconf": "echo 64", "python3": f'exec {sys.executable} "$@"'}, "--help")
    assert done.returncode == 0, done.stderr
    assert "sudo ./install" in done.stdout
    assert "uninstall" in done.stdout


def test_a_word_that_is_no_verb_is_a_mistake_on_the_command_line() -> None:
    done = subprocess.run([INSTALL, "instal"], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "invalid choice: 'instal'" in done.stderr


def test_the_installer_runs_by_the_standard_library_alone() -> None:
    own = ("agent.installer", "agent.__version__")
    every = ((path, line, name) for path in sources.python("agent/installer") for line, name in sources.imports(path))
    found = [
        f"{sources.name(path)}:{line}: {name}"
        for path, line, name in every
        if name.split(".")[0] not in sys.stdlib_module_names and not sources.is_in(name, *own)
    ]
    assert not found, f"it runs before anything is installed: {found}"
