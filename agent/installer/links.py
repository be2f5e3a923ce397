"""The links `current` and `previous`: a version's name goes in; the switch is one rename."""

from agent.installer.places import COMMANDS
from agent.installer.site import Site


def current(site: Site) -> str:
    """The version in use; empty when there is none."""
    return site.places.linked(site.places.current)


def previous(site: Site) -> str:
    """The version before, empty when there is none, or no other."""
    name = site.places.linked(site.places.previous)
    return "" if name == current(site) else name


def use(site: Site, version: str) -> None:
    """Switch to a version."""
    site.hand.link(site.places.current, f"versions/{version}")


def remember(site: Site, version: str) -> None:
    """Call a version the previous one; none when it is empty."""
    if version:
        site.hand.link(site.places.previous, f"versions/{version}")
    else:
        site.hand.remove(site.places.previous)


def commands(site: Site) -> None:
    """People find the commands on their PATH."""
    for name in COMMANDS:
        site.hand.link(site.places.at(f"usr/local/bin/{name}"), f"/opt/outpost/current/bin/{name}")
