"""The store's own file system: a label on a disk goes in; it is mounted at every start, unless that would hide a store.

Its unit is laid only then: a start would wait a minute and a half for a disk that was never there.
"""

from pathlib import Path

from agent.installer import service, versions
from agent.installer.lay import lay
from agent.installer.manifest import Manifest
from agent.installer.manifest import write as write_manifest
from agent.installer.places import STATE_LABEL, STATE_MOUNT
from agent.installer.site import Site
from agent.installer.words import Said

MOUNT_TIMEOUT_S = 300.0
"""Longer than its unit may take: a mount that comes after one has called it failed would hide a store."""


def device_is_there(site: Site) -> bool:
    """Whether a file system with our label is in the machine."""
    return site.places.at(f"dev/disk/by-label/{STATE_LABEL}").exists()


def is_mounted(site: Site) -> bool:
    """Whether /var/lib/outpost is a file system of its own."""
    return mounts(site, site.places.state) > 0


def mounts(site: Site, at: Path) -> int:
    """How many file systems are mounted at a path, one over the other."""
    path = site.places.at("proc/mounts")
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return sum(line.split()[1:2] == [site.places.on_unit(at)] for line in lines)


def settle(site: Site, manifest: Manifest, version: str, *, mistaken: bool) -> Said:
    """Lay, enable and start what mounts it when it is there; what was done, in words.

    The agent stands still meanwhile. One that runs although its config is `mistaken` would not come again: it is left alone.

    Raises:
        Failed: an alarm is live, or the agent cannot be stopped.
    """
    if is_mounted(site):
        return Said("store.own", label=STATE_LABEL)
    was_taken = STATE_MOUNT in manifest.enabled and (_has_something(site) or not device_is_there(site))
    if was_taken:  # else a run before this one was ended as it took it
        return Said("store.unmounted", label=STATE_LABEL, unit=STATE_MOUNT)
    if not device_is_there(site):
        return Said("store.root", label=STATE_LABEL)
    if not (versions.shared(site, version) / "systemd" / STATE_MOUNT).is_file():
        return Said("store.no_unit", label=STATE_LABEL, version=version, unit=STATE_MOUNT)
    if _has_something(site):
        return Said("store.hidden", label=STATE_LABEL)
    if mistaken and service.look(site).pid:
        return Said("store.later", label=STATE_LABEL)
    service.may_restart(site, version)
    # It may have written one as it ended.
    return service.while_stopped(
        site, lambda: Said("store.hidden", label=STATE_LABEL) if _has_something(site) else take(site, manifest, version)
    )


def _has_something(site: Site) -> bool:
    """Whether there is a store on the root."""
    return site.places.state.is_dir() and any(site.places.state.iterdir())


def take(site: Site, manifest: Manifest, version: str) -> Said:
    """Lay, enable and start what mounts it; what was done, in words. The agent is stopped."""
    # Below the mount, for the day on which the disk is gone: a root that is read-only keeps who owns it.
    site.must(["install", "-d", "-o", "outpost", "-g", "outpost", "-m", "0700", str(site.places.state)], Said("for.folder"))
    manifest.enabled = [*(unit for unit in manifest.enabled if unit != STATE_MOUNT), STATE_MOUNT]
    write_manifest(site, manifest)
    if lay(site, manifest, versions.shared(site, version)):
        site.systemctl("daemon-reload")
    site.must(["systemctl", "enable", STATE_MOUNT], Said("for.own"))
    if site.live:
        # It may have started, and found no disk, when the machine did.
        site.do(["systemctl", "restart", STATE_MOUNT], timeout_s=MOUNT_TIMEOUT_S)
        if not is_mounted(site):
            return Said("store.failed", label=STATE_LABEL, unit=STATE_MOUNT)
    return Said("store.own_now", label=STATE_LABEL)
