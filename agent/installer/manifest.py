"""What the installer has laid outside /opt/outpost: a file of JSON goes in and out, written before anything that it tells of is done."""

import json
from dataclasses import asdict, dataclass, field

from agent.installer.site import Failed, Site

FORMAT = 1


@dataclass
class Manifest:
    """`files`: path on the unit, and the SHA-256 that it was laid with, and before that. `enabled`: units.

    `cmdline`: words taken out of cmdline.txt. `applied`: the SHA-256 of the config that the running agent was started with by us.
    """

    files: dict[str, str] = field(default_factory=dict)
    enabled: list[str] = field(default_factory=list)
    cmdline: list[str] = field(default_factory=list)
    applied: str = ""
    format: int = FORMAT


def read(site: Site) -> Manifest:
    """The manifest of this unit; an empty one when nothing is installed.

    Raises:
        Failed: it is damaged, or of a newer installer.
    """
    path = site.places.manifest
    if not path.exists():
        return Manifest()
    try:
        found = json.loads(path.read_bytes())
        if found["format"] > FORMAT:
            raise Failed("manifest.newer", path=path, found=found["format"], known=FORMAT)
        return Manifest(**{key: found[key] for key in asdict(Manifest()) if key in found})
    except (ValueError, KeyError, TypeError) as e:
        raise Failed("manifest.unreadable", path=path, reason=e) from e


def write(site: Site, manifest: Manifest) -> None:
    """Write it, if it has changed."""
    site.hand.write(site.places.manifest, json.dumps(asdict(manifest), indent=1, sort_keys=True).encode() + b"\n")
