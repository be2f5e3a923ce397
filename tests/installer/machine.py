"""A unit in a folder: the installer's commands go in; files, services and time come out, as systemd, venv and pip would make them.

Everything that the installer does to files is done for real, below a folder. Only commands are played: each does what the real one would
do to that folder. A `PowerCut` comes before the n-th change; `boot` is what the machine then does.
"""

import errno
import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agent.installer import install, probe, trial
from agent.installer.hand import Hand
from agent.installer.machine import TIMED_OUT, Facts, Ran
from agent.installer.parcel import Parcel
from agent.installer.places import Places
from agent.installer.signals import Signals
from agent.installer.site import Site
from agent.installer.words import Language, Said

GOOD, DIES, MUTE, PARTS = "good", "dies", "mute", "parts"
"""How a version runs: READY after 2 s; never, it dies; never, it hangs; READY, and dies after 5 s."""

UNITS = ("outpost.service", "outpost.target", "outpost-trial.service")
UNIT_TEXT = "# {name} of {version}\n[Unit]\n[Install]\nWantedBy=multi-user.target\n"
OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
BOOT = "# as flashed\n[all]\ndtparam=audio=on\n"
CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=1-02 rootwait\n"
CONFIG = "[unit]\nid = 'JD-0417'\n"


class PowerCut(BaseException):
    """Not an Exception: nothing may clean up after it."""


@dataclass
class Machine:
    """One unit. `runs`: how each version runs. `refuses`: versions that do not take the config.

    `faults`: what each version has. `offline`: versions that get no link. `silent`: versions that do not answer.
    `idle`: what `outpost idle` ends with; 2 is of a version without it. `judged`: a judge is at work.
    `ended_by`: what comes before the n-th change instead of a power cut; the machine goes on, and other processes do.
    """

    root: Path
    runs: dict[str, str] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    facts: Facts = field(default_factory=Facts)
    free: int = 10_000_000_000
    is_read_only: bool = False
    is_boot_read_only: bool = False
    enabled: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    cut_before: int = -1
    clock: float = 1000.0
    running: str = ""
    started: float = 0.0
    restarts: int = 0
    has_user: bool = False
    dry: bool = False
    live: bool = True
    disk_fails: bool = False
    slow: bool = False
    idle: int = 2
    at_once: bool = False
    language: Language = "en"
    faults: dict[str, list[str]] = field(default_factory=dict)
    offline: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    mounts: dict[Path, Path] = field(default_factory=dict)
    judged: bool = False
    ended_by: Literal["power", "signal", "disk"] = "power"
    signals: Signals = field(default_factory=Signals)

    def __post_init__(self) -> None:
        for path, text in {"etc/os-release": OS_RELEASE, "boot/firmware/config.txt": BOOT, "boot/firmware/cmdline.txt": CMDLINE}.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        (self.root / "run/systemd/system").mkdir(parents=True)

    # --- what tests ask ---------------------------------------------------------------------------------------------------------------

    @property
    def places(self) -> Places:
        return Places(self.root)

    @property
    def site(self) -> Site:
        hand = Hand(self._before, dry=self.dry)
        site = Site(self.places, hand, self, self.facts, self.said.append, live=self.live, at_once=self.at_once, language=self.language)
        site.signals = self.signals
        return site

    def parcel(self, version: str, *, wheels: tuple[str, ...] = ()) -> Parcel:
        """A bundle of that version, with units that name it."""
        home = self.root.parent / f"bundle-{version}"
        files = {
            **{f"systemd/{name}": UNIT_TEXT.format(name=name, version=version) for name in UNITS},
            "systemd/outpost.sysusers": "u outpost -\n",
            "systemd/outpost.tmpfiles": "d /etc/outpost/keys 0700 root root -\n",
            "systemd/70-outpost-gnss.rules": f"# rules of {version}\n",
            "systemd/journald.conf.d/50-outpost.conf": "[Journal]\n",
            "systemd/outpost-state.service": "[Service]\n[Install]\n",
            "firmware_config/agent.toml": f"# reference of {version}\n",
            "firmware_config/agent.start.toml": "[unit]\nid = ''\n",
            **{f"wheels/{name}": version for name in wheels or (f"outpost_agent-{version}-py3-none-any.whl",)},
        }
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        return Parcel(home, version)

    def install(self, version: str) -> int:
        return install.install(self.site, self.parcel(version), trial.READY_WITHIN_S, trial.STAY_S)

    def configure(self) -> None:
        self.places.etc.mkdir(parents=True, exist_ok=True)
        self.places.config.write_text(CONFIG)

    def read(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()

    def snapshot(self) -> dict[str, str]:
        """Every file and link below the root."""
        files = sorted(path for path in self.root.rglob("*") if path.is_symlink() or path.is_file())
        return {str(p.relative_to(self.root)): str(p.readlink()) if p.is_symlink() else p.read_bytes().decode() for p in files}

    # --- power ------------------------------------------------------------------------------------------------------------------------

    def _before(self, what: Said) -> None:
        if 0 <= self.cut_before <= len(self.changes):
            if self.ended_by == "power":
                raise PowerCut(str(what))
            self.cut_before = -1
            if self.ended_by == "signal":
                self.signals.came(signal.SIGTERM)
            elif not str(what).startswith("run "):
                raise OSError(errno.EIO, "Input/output error", "/a/file")
        self.changes.append(str(what))

    def boot(self) -> None:
        """Power comes back: systemd starts what is enabled, and the judge if there is one to start."""
        self.running, self.cut_before = "", -1
        for target in reversed(list(self.mounts)):
            self._unmount(target)
        if "outpost-state.service" in self.enabled:
            self._mount_state()
        if "outpost.service" in self.enabled:
            self._start()
        if "outpost-trial.service" in self.enabled:
            self._judge()

    def _judge(self) -> None:
        """ConditionPathExists=/opt/outpost/trial, and the program of the version before."""
        if self.places.trial.exists():
            assert (self.places.previous / "bin/outpost-install").is_file(), "nobody is there to judge"
            cut, self.cut_before = self.cut_before, self.cut_before if self.ended_by == "power" else -1  # it is another process
            trial.judge(self.site)
            self.cut_before = cut

    def _start(self) -> None:
        version = self.places.linked(self.places.current)
        whole = version and (self.places.current / "bin/outpost").is_file() and "id = ''" not in self.places.config.read_text()
        self.running, self.started, self.restarts = version if whole else "", self.clock, self.restarts + 1

    # --- agent.installer.machine.System -----------------------------------------------------------------------------------------------

    def now(self) -> float:
        return self.clock

    def wait(self, seconds: float) -> None:
        self.clock += seconds

    def free_bytes(self, path: Path) -> int:
        return self.free

    def read_only(self, path: Path) -> bool:
        return self.is_boot_read_only if path == self.places.boot else self.is_read_only

    def program(self, pid: int) -> str:
        return f"/opt/outpost/versions/{self.running}/bin/python" if pid else ""

    def run(self, argv: Sequence[str], *, timeout_s: float = 60.0, env: dict[str, str] | None = None) -> Ran:
        match argv:
            case [_, "-m", "venv", folder]:
                self._write(Path(folder) / "bin/python", "python")
            case [python, "-m", "pip", *words] if "--requirement" not in words:
                for name in ("outpost", "outpost-install"):
                    self._write(Path(python).with_name(name), words[-1])
            case [python, "-I", "-c", "import agent"]:
                sound = Path(python).is_file() and Path(python).with_name("outpost").is_file()
                return Ran(TIMED_OUT if self.slow else 0 if sound else 1, "")
            case [_, "status", "--json", *_] | [_, "-I", "-c", probe.GRAVE]:
                return self._asked(argv[1] == "status")
            case [_, "idle", *_]:
                return Ran(self.idle, "")
            case [program, "check", *words]:
                return self._check(Path(program).parent.parent.name, words)
            case ["systemctl", verb, *words]:
                return self._systemctl(verb, words)
            case ["mount", *words, target]:
                self._mount(Path(target), self.below if "--bind" in words else self.disk)
            case ["umount", target]:
                self._unmount(Path(target))
            case ["getent", "passwd", "outpost"]:
                return Ran(0 if self.has_user else 2, "")
            case ["id", "-nG", "outpost"]:
                return Ran(0, "outpost gpio dialout" if self.has_user else "")
            case ["systemd-sysusers", _] | ["userdel", "outpost"]:
                self.has_user = argv[0] != "userdel"
        return Ran(0, "")

    def _asked(self, status: bool) -> Ran:
        """Its own agent's socket; or which faults are grave."""
        if not status:
            return Ran(0, '["inputs.failed", "inputs.silent", "config.fallback", "panic.stuck"]')
        if not self.running or self.running in self.silent:
            return Ran(3, "no agent is running")
        faults = [{"code": code} for code in self.faults.get(self.running, [])]
        link = {"state": "waiting" if self.running in self.offline else "online"}
        return Ran(0, json.dumps({"unit": {}, "faults": faults, "link": link}))

    # --- the disk of the store ----------------------------------------------------------------------------------------------------------

    @property
    def disk(self) -> Path:
        """What lies on the disk, mounted or not."""
        return self.root.parent / "disk"

    @property
    def below(self) -> Path:
        """/var/lib as it is below the mount of the store."""
        return self.root.parent / "below"

    def plug_in(self) -> None:
        """A disk with our label, freshly formatted."""
        (self.disk / "lost+found").mkdir(parents=True)
        self._write(self.root / "dev/disk/by-label/outpost-state", "")

    def _mount_state(self) -> None:
        if self.disk.is_dir() and not self.disk_fails and self.places.state not in self.mounts:
            self._mount(self.places.state, self.disk)

    def _mount(self, target: Path, what: Path) -> None:
        """A mount is a link in the place of the folder, which is kept elsewhere meanwhile."""
        is_store = target == self.places.state
        self.mounts[target] = self.below / "outpost" if is_store else self.root.parent / f"hidden-{target.name}"
        self.mounts[target].parent.mkdir(parents=True, exist_ok=True)
        target.mkdir(parents=True, exist_ok=True)
        target.rename(self.mounts[target])
        target.symlink_to(what)
        self._tell_mounts()

    def _unmount(self, target: Path) -> None:
        target.unlink()
        self.mounts.pop(target).rename(target)
        self._tell_mounts()

    def _tell_mounts(self) -> None:
        lines = (f"/dev/sda1 {self.places.on_unit(target)} ext4 rw 0 0\n" for target in self.mounts)
        self._write(self.root / "proc/mounts", "".join(lines))

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _check(self, version: str, words: list[str]) -> Ran:
        text = self.places.config.read_text() if self.places.config.exists() else "id = ''"
        if "id = ''" in text or version in self.refuses:
            return Ran(2, f"agent.toml:2: {version}: unit.id is wrong")
        return Ran(0, "[all]\nenable_uart=1\ngpio=23=op,dl\n" if "--boot-config" in words else "no mistakes")

    def _systemctl(self, verb: str, words: list[str]) -> Ran:
        units = [word for word in words if not word.startswith("-")]
        match verb:
            case "enable":
                self.enabled |= set(units)
            case "disable":
                self.enabled -= set(units)
            case "start" | "restart" if units == ["outpost-state.service"]:
                self._mount_state()
            case "stop" if units == ["outpost-state.service"] and self.places.state in self.mounts:
                self._unmount(self.places.state)
            case "stop" if "outpost.target" in units or "outpost.service" in units:
                self.running = ""
            case "restart" if units == ["outpost-trial.service"]:
                self._judge()
            case "restart" | "start" if units == ["outpost.target"]:
                self._start()
            case "is-active":
                return Ran(0 if self.judged else 3, "")
            case "show":
                return Ran(0, self._show())
        return Ran(0, "")

    def _show(self) -> str:
        """A service of Type=notify whose program runs as its version does."""
        ran_s, how = self.clock - self.started, self.runs.get(self.running, GOOD)
        ready = self.running and ((how == GOOD and ran_s >= 2) or (how == PARTS and 2 <= ran_s < 5))
        if how == PARTS and ran_s >= 5 and self.running:
            self._start()  # Restart=always
        state = "active" if ready else "activating" if self.running else "inactive"
        sub = "running" if ready else "start" if self.running else "dead"
        pid = 100 + self.restarts if self.running and how != DIES else 0
        enabled = "enabled" if "outpost.service" in self.enabled else "disabled"
        return f"ActiveState={state}\nSubState={sub}\nMainPID={pid}\nUnitFileState={enabled}\nResult=success\n"


def manifest(machine: Machine) -> dict[str, object]:
    """What the installer says that it has laid."""
    found: dict[str, object] = json.loads(machine.places.manifest.read_text())
    return found
