"""`outpost-install status`: the unit as the installer sees it goes in; a few lines come out."""

from collections.abc import Iterator

from agent.installer import bootconfig, config, links, manifest, service, state, trial, versions
from agent.installer.site import Site


def lines(site: Site) -> Iterator[str]:
    """A line for each thing that one would ask."""
    current = links.current(site)
    if not current:
        yield "nothing is installed"
        return
    found, laid = service.look(site), manifest.read(site)
    sound = "" if versions.is_sound(site, current) else " (damaged, or its Python is gone: run ./install again)"
    yield f"version   {current}{sound}"
    yield f"previous  {links.previous(site) or 'none: a rollback is not possible'}"
    under_way = trial.read(site)
    if under_way:
        yield f"trial     {under_way.new} is on trial; {under_way.old} comes back when it fails"
    elif last := trial.last_verdict(site):
        yield f"trial     the last one: {last}"
    yield f"service   {found.state}{', starts with the machine' if found.enabled else ', does not start with the machine'}"
    if found.version not in ("", current):
        yield f"          runs {found.version}: sudo systemctl restart outpost"
    mistakes = config.check(site, current)
    if mistakes:
        yield f"config    {site.places.on_unit(site.places.config)} has mistakes: outpost check"
    else:
        in_force = config.is_applied(site, laid)
        yield f"config    {site.places.on_unit(site.places.config)}{'' if in_force else ', changed since: sudo outpost-install apply'}"
    boot = site.places.boot
    if boot is not None:
        written = bootconfig.BEGIN in (boot / "config.txt").read_text("utf-8", "replace")
        yield f"boot      {site.places.on_unit(boot / 'config.txt')} {'has our lines' if written else 'has no lines of ours'}"
    own = state.is_mounted(site)
    yield f"store     {site.places.on_unit(site.places.state)} on {'its own file system' if own else 'the root file system'}"
