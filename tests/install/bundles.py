"""Release bundles for a tree: the checkout goes in; the bundle of `make release`, unpacked, and versions after it come out.

A later version is the same bundle with another number, and perhaps with a program that fails: its wheel is opened, changed, closed.
"""

import base64
import csv
import hashlib
import io
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from agent import __version__
from tests import sources

DIES = "raise SystemExit(9)"
HANGS = "import threading; threading.Event().wait()"
PARTS = "import os, socket, threading\nthreading.Timer(1, os._exit, (9,)).start()  # READY, and then dead\n"
"""What `outpost run` of a failing version does first."""

NEWER_STORE = {"agent/adapters/store_version.py": "\nVERSION += 1\nSTEPS[VERSION - 1] = _from_0\n"}
"""What a version has at the ends of its files that changes the store's format."""

SAYS_READY = """
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
threading.Event().wait()
"""


def release(to: Path) -> Path:
    """What `make release` makes for this machine, unpacked below `to` (which is not there yet): the folder with `install` in it."""
    arch = platform.machine()
    command = [sys.executable, "-m", "tests.release", "bundles", arch]
    made = subprocess.run(command, cwd=sources.PROJECT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert made.returncode == 0, f"{' '.join(command)} failed:\n{made.stdout[-1000:]}{made.stderr[-2000:]}"
    with tarfile.open(sources.PROJECT / f"dist/outpost-{__version__}-{arch}.tar.gz") as archive:
        archive.extractall(to, filter="data")
    return to / f"outpost-{__version__}-{arch}"


def later(bundle: Path, version: str, run_first: str = "", ends: Mapping[str, str] = MappingProxyType({})) -> Path:
    """The same bundle as another version, beside it. `run_first`: Python that `outpost run` then begins with; `ends`: added to files."""
    made = bundle.with_name(bundle.name.replace(__version__, version))
    shutil.copytree(bundle, made)
    old = next((made / "wheels").glob("outpost_agent-*.whl"))
    new = old.with_name(old.name.replace(__version__, version))
    _rewrite(old, new, version, run_first, ends)
    requirements = made / "requirements.txt"
    text = requirements.read_text()
    was = re.compile(r"outpost-agent==\S+( \\\n    --hash=sha256:\w+)+")
    assert was.search(text), text
    requirements.write_text(was.sub(f"outpost-agent=={version} \\\\\n    --hash=sha256:{_sha256(new.read_bytes()).hex()}", text))
    old.unlink()
    own = made / "agent/__init__.py"
    own.write_text(own.read_text().replace(f'"{__version__}"', f'"{version}"'))
    sums = made / "SHA256SUMS"
    sums.unlink()
    files = sorted(path for path in made.rglob("*") if path.is_file())
    sums.write_text("".join(f"{_sha256(path.read_bytes()).hex()}  {path.relative_to(made)}\n" for path in files))
    return made


def _rewrite(old: Path, new: Path, version: str, run_first: str, ends: Mapping[str, str]) -> None:
    """A wheel as another version (PEP 427): names, metadata, the program, and the list of it all."""
    stem = f"outpost_agent-{__version__}."
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(old) as wheel:
        for name in wheel.namelist():
            files[name.replace(stem, f"outpost_agent-{version}.")] = wheel.read(name)
    info = f"outpost_agent-{version}.dist-info"
    files[f"{info}/METADATA"] = files[f"{info}/METADATA"].replace(f"\nVersion: {__version__}".encode(), f"\nVersion: {version}".encode())
    files["agent/__init__.py"] = files["agent/__init__.py"].replace(f'"{__version__}"'.encode(), f'"{version}"'.encode())
    if run_first:
        files["agent/daemon.py"] = f'"""A version that fails."""\n{run_first}\n'.encode()
    for name, end in ends.items():
        files[name] += end.encode()
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for name, data in files.items():
        if not name.endswith("/RECORD"):
            rows.writerow([name, f"sha256={base64.urlsafe_b64encode(_sha256(data)).rstrip(b'=').decode()}", len(data)])
    rows.writerow([f"{info}/RECORD", "", ""])
    files[f"{info}/RECORD"] = record.getvalue().encode()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
