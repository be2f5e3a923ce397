"""Uninstall: the manifest goes in; everything that was laid is gone. The store, the config and the keys stay unless they are purged."""

from pathlib import Path

from agent.installer import bootconfig, manifest, service, state
from agent.installer.manifest import Manifest
from agent.installer.places import COMMANDS, SERVICE, STATE_LABEL, STATE_MOUNT, TARGET, TRIAL_SERVICE
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps
from agent.installer.words import Said

KEPT = ("/etc/outpost", "/var/lib/outpost", "/var/lib/outpost-reports")

REPORTS = "var/lib/outpost-reports"
"""Of `outpost commission`, root's: papers that say where the unit stood and what it was made of."""

KEYS_IN_MEMORY = "run/outpost-keys"
"""Of outpost-keys-stage.service, which keeps them as long as it is there."""

KEYS_SERVICE = "outpost-keys.service"
"""Ten seconds after keys were changed it runs our program, which would be gone: it is stopped, and that is no failure."""


def uninstall(site: Site, *, purge: bool) -> int:
    """Remove it; the exit code. It may be cut at any point and run again (`./install uninstall` when the command is gone already).

    Whatever ends it leaves the agent running as it did, as long as there is one. Once things are removed, signals wait.
    """
    places, steps, laid = site.places, Steps(site), manifest.read(site)
    left = purge and any(place.exists() for place in (places.etc, places.state, *_beside(site)))
    if not places.opt.exists() and not laid.files and not left:
        raise Failed("not_installed")
    has_gone = purge and STATE_MOUNT in laid.enabled and not state.is_mounted(site) and not state.device_is_there(site)
    with site.signals.held():
        found = service.look(site)
        try:
            with site.signals.free():
                restart = _take_down(site, steps, laid, purge=purge)
            if purge:
                _purge(site, steps)
            _remove(site, steps, laid)
        except BaseException:
            needed = (places.config, places.current / "bin/outpost", places.units / SERVICE, places.units / TARGET)
            if all(path.exists() for path in needed):
                _put_up(site, laid, found)
            raise
    if has_gone:
        site.tell("end.purged_but", label=STATE_LABEL)
    elif purge:
        site.tell("end.purged")
    else:
        site.tell("end.removed", kept=KEPT)
    if restart:
        site.tell("end.restart_too")
    return 0


def _take_down(site: Site, steps: Steps, laid: Manifest, *, purge: bool) -> bool:
    """The agent is stopped and does not start again, the boot config is as it was; whether that was changed."""
    with steps.step("step.stop"):
        site.systemctl("stop", TRIAL_SERVICE, TARGET, SERVICE, KEYS_SERVICE)
        if (STATE_MOUNT in laid.enabled or state.is_mounted(site)) and not purge:
            site.systemctl("stop", STATE_MOUNT)
        for unit in laid.enabled:
            site.do(["systemctl", "disable", unit])
    if purge and not state.is_mounted(site) and state.device_is_there(site):  # since an uninstallation nobody mounts it
        site.hand.folder(site.places.state)
        options = ["-t", "ext4", "-o", "nodev,nosuid,noexec"]
        disk = str(site.places.at(f"dev/disk/by-label/{STATE_LABEL}"))
        site.must(["mount", *options, disk, str(site.places.state)], Said("for.disk"))
    with steps.step("step.boot_back"):
        return bootconfig.take_out(site, laid)


def _put_up(site: Site, laid: Manifest, found: service.Service) -> None:
    """What is enabled and what ran, as before. Boot lines that are out already come back with the next `apply`."""
    for unit in laid.enabled:
        site.do(["systemctl", "enable", unit])
    if site.places.trial.exists():
        site.systemctl("start", "--no-block", TRIAL_SERVICE)
    service.start(site, found)


def _remove(site: Site, steps: Steps, laid: Manifest) -> None:
    places = site.places
    with steps.step("step.system_gone"):
        for name in laid.files:
            site.hand.remove(places.at(name))
        site.hand.remove(places.units / STATE_MOUNT)  # also when a lost manifest does not name it
        for folder in ("journald.conf.d", "system.conf.d"):
            site.hand.empty(places.at(f"etc/systemd/{folder}"))
        site.hand.clear(places.at(KEYS_IN_MEMORY))
        _forget(site)
    with steps.step("step.versions_gone"):
        for command in COMMANDS:
            site.hand.remove(places.at(f"usr/local/bin/{command}"))
        site.hand.clear(places.opt)


def _forget(site: Site) -> None:
    """systemd and udev forget what is gone."""
    site.systemctl("daemon-reload")
    for unit in (SERVICE, KEYS_SERVICE):
        site.systemctl("reset-failed", unit)
    if site.live:
        site.do(["udevadm", "control", "--reload"])


def _beside(site: Site) -> list[Path]:
    """What lies beside the store: the reports, and what was moved aside from its place."""
    return [site.places.at(REPORTS), *sorted(site.places.state.parent.glob(f"{site.places.state.name}.was-*"))]


def _clear(site: Site, path: Path) -> None:
    """Whatever it is; a link itself, and not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        site.hand.clear(path)
    else:
        site.hand.remove(path)


def _purge(site: Site, steps: Steps) -> None:
    places = site.places
    with steps.step("step.purge"):
        if places.state.is_dir():
            for path in sorted(places.state.iterdir()):  # the folder itself may be a file system of its own
                _clear(site, path)
        site.systemctl("stop", STATE_MOUNT)
        if state.is_mounted(site):
            site.must(["umount", str(places.state)], Said("for.disk"))
        site.hand.empty(places.state)
        for path in _beside(site):
            _clear(site, path)
        site.hand.clear(places.etc)
        if site.system.run(["getent", "passwd", "outpost"]).code == 0:
            site.do(["userdel", "outpost"])


