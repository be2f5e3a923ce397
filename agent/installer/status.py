"""`outpost-install status`: the unit as the installer sees it goes in; a few lines come out."""

from collections.abc import Iterator

from agent.installer import bootconfig, config, links, manifest, service, state, trial, versions
from agent.installer.site import Site
from agent.installer.words import Said


def lines(site: Site) -> Iterator[str]:
    """A line for each thing that one would ask."""
    yield from map(site.text, _found(site))


def _found(site: Site) -> Iterator[Said]:
    current, on_unit = links.current(site), site.places.on_unit
    if not current:
        yield Said("not_installed")
        return
    found, laid, previous = service.look(site), manifest.read(site), links.previous(site)
    yield Said("status.version" if versions.is_sound(site, current) else "status.damaged", version=current)
    yield Said("status.previous", version=previous) if previous else Said("status.no_previous")
    under_way = trial.read(site)
    if under_way:
        yield Said("status.trial", new=under_way.new, old=under_way.old)
    elif last := trial.last_verdict(site):
        yield Said("status.last", verdict=last)
    yield Said("status.enabled" if found.enabled else "status.disabled", state=found.state)
    if found.version not in ("", current):
        yield Said("status.other", version=found.version)
    mistakes = config.check(site, current)
    if mistakes and site.facts.uid != 0:  # the keys are root's to look at
        yield Said("status.unlooked", path=on_unit(site.places.config))
    elif mistakes:
        yield Said("status.mistakes", path=on_unit(site.places.config))
    else:
        yield Said("status.config" if config.is_applied(site, laid) else "status.changed", path=on_unit(site.places.config))
    boot = site.places.boot
    if boot is not None:
        written = bootconfig.BEGIN in (boot / "config.txt").read_text("utf-8", "replace")
        yield Said("status.boot" if written else "status.no_boot", path=on_unit(boot / "config.txt"))
    yield Said("status.own" if state.is_mounted(site) else "status.root", path=on_unit(site.places.state))
