"""Where everything lies: a root goes in (`/`, or a test's folder), paths below it come out."""

from dataclasses import dataclass
from pathlib import Path

SERVICE = "outpost.service"
TARGET = "outpost.target"
"""All our units but the trial's; what is done to it is done to them."""

TRIAL_SERVICE = "outpost-trial.service"
STATE_MOUNT = "outpost-state.service"
STATE_LABEL = "outpost-state"
"""The label of the file system that the store gets for itself, when there is one."""

COMMANDS = ("outpost", "outpost-install")
"""What /usr/local/bin has for people."""

SHARED = "share/outpost/install"
"""In a version: the system files and the reference config that came with it. Going back to it lays these again."""


@dataclass(frozen=True)
class Places:
    """Paths of an installed unit."""

    root: Path = Path("/")

    def at(self, path: str | Path) -> Path:
        """An absolute path of the unit, below the root."""
        return self.root / str(path).lstrip("/")

    def on_unit(self, path: Path) -> str:
        """A path below the root, as the unit itself calls it."""
        return "/" + str(path.relative_to(self.root))

    @property
    def opt(self) -> Path:
        """Everything that is not config, state or a system file."""
        return self.at("opt/outpost")

    @property
    def versions(self) -> Path:
        """A virtual environment each."""
        return self.opt / "versions"

    @property
    def current(self) -> Path:
        """Link to the version in use."""
        return self.opt / "current"

    @property
    def previous(self) -> Path:
        """Link to the version before; while a version is on trial, to the one that judges it."""
        return self.opt / "previous"

    @property
    def trial(self) -> Path:
        """There while a version is on trial."""
        return self.opt / "trial"

    @property
    def verdict(self) -> Path:
        """What came of the last trial."""
        return self.opt / "last-trial"

    @property
    def move(self) -> Path:
        """There while the store is moved."""
        return self.opt / "move"

    @property
    def manifest(self) -> Path:
        """What was laid outside /opt/outpost."""
        return self.opt / "manifest.json"

    @property
    def etc(self) -> Path:
        """The unit's own config and keys."""
        return self.at("etc/outpost")

    @property
    def config(self) -> Path:
        """Written once, then the unit's own."""
        return self.etc / "agent.toml"

    @property
    def state(self) -> Path:
        """The store."""
        return self.at("var/lib/outpost")

    @property
    def units(self) -> Path:
        """Ours: nobody else's edits are expected here, drop-ins go to /etc/systemd/system (systemd.unit(5), unit file load path)."""
        return self.at("usr/local/lib/systemd/system")

    @property
    def boot(self) -> Path | None:
        """The folder with config.txt: /boot/firmware, before Raspberry Pi OS 12 /boot; None on a machine that is no Raspberry Pi."""
        return next((folder for name in ("boot/firmware", "boot") if ((folder := self.at(name)) / "config.txt").is_file()), None)

    def linked(self, link: Path) -> str:
        """The name of the version that a link leads to; empty when it leads nowhere."""
        target = link.readlink().name if link.is_symlink() else ""
        return target if target and (self.versions / target).is_dir() else ""
