"""The unit's own config: what a version brings goes in; /etc/outpost is there, with what is its owner's left alone."""

from pathlib import Path

from agent.installer.manifest import Manifest
from agent.installer.manifest import write as write_manifest
from agent.installer.site import Site, digest, digest_of
from agent.installer.words import Said

START = "firmware_config/agent.start.toml"
REFERENCE = "firmware_config/agent.toml"
KEYS_MODE = 0o700


def lay(site: Site, manifest: Manifest, source: Path) -> bool:
    """The folders, a config to begin with when there is none, and the reference of every key. Whether the config is new."""
    etc, config = site.places.etc, site.places.config
    site.hand.folder(etc)
    site.hand.folder(etc / "keys", KEYS_MODE)
    new = not config.exists()
    if new:
        site.hand.write(config, (source / START).read_bytes())
    reference = config.with_name(config.name + ".reference")
    data = (source / REFERENCE).read_bytes()
    manifest.files[site.places.on_unit(reference)] = digest(data)
    write_manifest(site, manifest)
    site.hand.write(reference, data)
    return new


def check(site: Site, version: str) -> Said | None:
    """What a version has to say against the config, in its own words; None when it is right."""
    program = site.places.versions / version / "bin/outpost"
    ran = site.system.run([str(program), "check", "-c", str(site.places.config)])
    if ran.code == 0:
        return None
    return Said("as_told", text=text) if (text := ran.text.strip()) else Said("config.ended", code=ran.code)


def boot_lines(site: Site, version: str) -> list[str] | None:
    """What a version wants in config.txt for this config; None when it does not say."""
    program = site.places.versions / version / "bin/outpost"
    ran = site.system.run([str(program), "check", "--boot-config", "-c", str(site.places.config)])
    return ran.text.splitlines() if ran.code == 0 else None


def is_applied(site: Site, manifest: Manifest) -> bool:
    """Whether the running agent was started with this config by us."""
    return manifest.applied == digest_of(site.places.config)


def applied(site: Site, manifest: Manifest) -> None:
    """Remember that it is."""
    manifest.applied = digest_of(site.places.config)
    write_manifest(site, manifest)


