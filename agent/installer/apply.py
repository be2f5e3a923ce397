"""The unit's config comes into force: checked, the boot lines of its board written, the service enabled and started, READY awaited."""

from dataclasses import dataclass

from agent.installer import bootconfig, checks, config, links, manifest, probe, service, state
from agent.installer.manifest import Manifest
from agent.installer.places import SERVICE, STATE_MOUNT, TARGET
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps
from agent.installer.words import Said


@dataclass(frozen=True)
class Outcome:
    """`mistakes`: what is wrong with the config. `restart`: the machine has to be, for the boot lines."""

    mistakes: Said | None = None
    restart: bool = False
    failed: Said | None = None


def apply(site: Site, steps: Steps, ready_within_s: float) -> Outcome:
    """Bring the config into force for the current version.

    Raises:
        Failed: nothing is installed, an alarm is live, or systemd does not take the service.
    """
    version, laid = links.current(site), manifest.read(site)
    if not version:
        raise Failed("not_installed.do")
    mistakes = config.check(site, version)
    with steps.step("step.store") as step:
        step.done(state.settle(site, laid, version, mistaken=bool(mistakes)))
    enable(site, laid)
    with steps.step("step.check", path=site.places.on_unit(site.places.config)) as step:
        if mistakes:
            step.done(Said("check.unfinished"))
            return Outcome(mistakes)
    restart = boot(site, steps, laid, version)
    if not site.live:
        return Outcome(restart=restart)
    with steps.step("step.start") as step:
        found = service.look(site)
        runs = found.ready and found.version == version and config.is_applied(site, laid)
        if runs and "config.fallback" not in probe.look(site, version).faults:
            step.done(Said("service.runs", version=version))
            return Outcome(restart=restart)
        if not site.hand.dry:
            service.may_restart(site, version)
        site.systemctl("reset-failed", SERVICE)
        site.systemctl("restart", "--no-block", TARGET)
        config.applied(site, laid)
        failed = None if site.hand.dry else service.await_ready(site, version, ready_within_s, 0.0, found.pid)
        step.done(failed or Said("service.ready", version=version))
    return Outcome(restart=restart, failed=failed)


def boot(site: Site, steps: Steps, laid: Manifest, version: str) -> bool:
    """The lines of config.txt; whether they have changed."""
    with steps.step("step.boot") as step:
        if site.places.boot is None:
            step.done(Said("boot.none"))
            return False
        lines = config.boot_lines(site, version)
        if lines is None:
            step.done(Said("boot.unasked"))
            return False
        try:
            changed = bootconfig.put(site, laid, lines)
        except OSError:
            checks.refuse(list(checks.boot_writable(site)))
            raise
        if changed:
            step.done(Said("as_told", text=site.places.boot / "config.txt"))
    return changed


def enable(site: Site, laid: Manifest) -> None:
    """Our units start with the machine. One that its owner has disabled since stays so: we enable once.

    Raises:
        Failed: systemctl cannot.
    """
    for path in sorted(site.places.at(name) for name in laid.files):
        unit = path.name
        is_one = path.parent == site.places.units and path.is_file() and b"\n[Install]\n" in path.read_bytes()
        if not is_one or unit in (*laid.enabled, STATE_MOUNT):
            continue
        site.must(["systemctl", "enable", unit], Said("for.enable", unit=unit))
        laid.enabled.append(unit)
        manifest.write(site, laid)
