"""The store's own file system: a label on a disk goes in; it is mounted at every start, unless that would hide a store.

Its unit is laid only then: a start would wait a minute and a half for a disk that was never there.
"""

from agent.installer import versions
from agent.installer.lay import lay
from agent.installer.manifest import Manifest
from agent.installer.manifest import write as write_manifest
from agent.installer.places import SERVICE, STATE_LABEL, STATE_MOUNT
from agent.installer.site import Site


def device_is_there(site: Site) -> bool:
    """Whether a file system with our label is in the machine."""
    return site.places.at(f"dev/disk/by-label/{STATE_LABEL}").exists()


def is_mounted(site: Site) -> bool:
    """Whether /var/lib/outpost is a file system of its own."""
    path = site.places.at("proc/mounts")
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return any(line.split()[1:2] == ["/var/lib/outpost"] for line in lines)


def settle(site: Site, manifest: Manifest, version: str) -> str:
    """Lay, enable and start what mounts it when it is there; what was done, in words."""
    if is_mounted(site):
        return f"on its own file system, {STATE_LABEL}"
    if STATE_MOUNT in manifest.enabled:
        return f"on the root file system: {STATE_LABEL} is not mounted (journalctl -u {STATE_MOUNT})"
    if not device_is_there(site):
        return f"on the root file system (no file system is labelled {STATE_LABEL})"
    if not (versions.shared(site, version) / "systemd" / STATE_MOUNT).is_file():
        return f"on the root file system; one labelled {STATE_LABEL} is there, but {version} has no {STATE_MOUNT}"
    if site.places.state.is_dir() and any(site.places.state.iterdir()):
        return (
            f"on the root file system; one labelled {STATE_LABEL} is there, and would hide what is in /var/lib/outpost: "
            "sudo outpost-install move-store moves it"
        )
    return take(site, manifest, version)


def take(site: Site, manifest: Manifest, version: str) -> str:
    """Lay, enable and start what mounts it; what was done, in words. The agent is stopped."""
    # Below the mount, for the day on which the disk is gone: a root that is read-only keeps who owns it.
    site.must(["install", "-d", "-o", "outpost", "-g", "outpost", "-m", "0700", str(site.places.state)], "the store's folder")
    manifest.enabled = [*(unit for unit in manifest.enabled if unit != STATE_MOUNT), STATE_MOUNT]
    write_manifest(site, manifest)
    if lay(site, manifest, versions.shared(site, version)):
        site.systemctl("daemon-reload")
    site.must(["systemctl", "enable", STATE_MOUNT], "the store's own file system")
    if site.live:
        site.systemctl("stop", SERVICE)
        site.systemctl("restart", STATE_MOUNT)  # it may have started, and found no disk, when the machine did
        if not is_mounted(site):
            return f"on the root file system: {STATE_LABEL} could not be mounted (is it ext4? journalctl -u {STATE_MOUNT})"
    return f"on its own file system, {STATE_LABEL}, from now on"
