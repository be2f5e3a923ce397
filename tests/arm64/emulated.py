"""A Raspberry Pi's processor, emulated: a Debian tree for arm64 goes in, commands in it come out, run by qemu-user.

The kernel is this machine's; it hands programs for arm64 to qemu (binfmt_misc). Everything of user space is the real thing: Debian's
Python for arm64, and wheels with machine code for it. Much slower than either machine: what is seen here is what works, not how fast.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

REGISTERED = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
PACKAGES = {"mmdebstrap": "mmdebstrap", "qemu-aarch64-static": "qemu-user-static", "update-binfmts": "binfmt-support"}
"""Programs and the Debian packages that bring them."""

CPU = "cortex-a53"
"""Of a Raspberry Pi 3 and Zero 2 W, the oldest there is with 64 bits: what needs a newer one is found out. qemu's own choice, the newest it
knows, signs each return address in software where Debian was built for that (trixie), and is ten times slower there."""

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root", "QEMU_CPU": CPU}
"""Nothing of ours: no pip configuration, no proxy."""


def why_not() -> str | None:
    """Why nothing can be emulated here; None when it can. Tells the kernel of qemu when nobody has yet."""
    missing = sorted(package for tool, package in PACKAGES.items() if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin") is None)
    if missing:
        return f"missing here: {' '.join(missing)}; as root: apt-get install {' '.join(missing)} debian-archive-keyring"
    if os.geteuid() != 0:
        return "trees are made and entered by root only: run `sudo make test-arm64`"
    if not REGISTERED.exists():
        with contextlib.suppress(subprocess.CalledProcessError):
            if not REGISTERED.parent.joinpath("register").exists():
                subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", REGISTERED.parent], check=True, capture_output=True)
            subprocess.run(["update-binfmts", "--enable", "qemu-aarch64"], check=True, capture_output=True)
    if not REGISTERED.exists():
        return "the kernel does not hand programs for arm64 to qemu: binfmt_misc cannot be mounted here"
    return None if "F" in _flags() else "binfmt_misc has qemu-aarch64 without the flag F, so it is not found within a tree"


def _flags() -> str:
    return next(line for line in REGISTERED.read_text().splitlines() if line.startswith("flags:")).removeprefix("flags: ")


class Pi:
    """One tree. `took`: what was run, and for how many seconds, for the log that is kept."""

    def __init__(self, base: Path, root: Path) -> None:
        # Real copies, no overlay as elsewhere: the installer refuses a root that is one.
        subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
        self.root = root
        self.took: list[tuple[str, float]] = []

    def path(self, inside: str) -> Path:
        """Where a file of it is, as seen from here."""
        return self.root / inside.lstrip("/")

    def command(self, argv: Sequence[str], env: Mapping[str, str], binds: Sequence[Path] = (), network: bool = False) -> list[str]:
        """What runs it: in mounts of its own, with /proc and /dev, our `binds` at the same paths, and no network unless told.

        It becomes the program itself (nothing forks), so that a signal to its process id is one to the program.
        """
        mounts = [f"mount --rbind /dev {self.path('/dev')}", f"mount -t proc proc {self.path('/proc')}"]
        for bind in binds:
            self.path(str(bind)).mkdir(parents=True, exist_ok=True)
            mounts.append(f"mount --bind {shlex.quote(str(bind))} {shlex.quote(str(self.path(str(bind))))}")
        told = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in {**ENVIRONMENT, **env}.items()), *argv])
        enter = " && ".join([*mounts, f"exec chroot {shlex.quote(str(self.root))} {told}"])
        return ["unshare", "--mount", "--propagation", "private", *([] if network else ["--net"]), "sh", "-c", enter]

    def run(self, argv: Sequence[str], timeout: float = 600.0, env: Mapping[str, str] | None = None) -> str:
        """Run a command to its end; what it said. AssertionError when it fails."""
        began = time.monotonic()
        done = subprocess.run(
            self.command(argv, env or {}), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
        self.took.append((shlex.join(argv), time.monotonic() - began))
        assert done.returncode == 0, f"{shlex.join(argv)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout
