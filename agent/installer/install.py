"""Install and upgrade: a parcel goes in; a unit that runs it comes out, or the one that was there, as it was."""

from collections.abc import Callable

from agent.installer import apply, checks, config, lay, links, manifest, probe, service, trial, versions
from agent.installer.parcel import Parcel
from agent.installer.places import SERVICE, TRIAL_SERVICE
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps
from agent.installer.words import Said

DONE = 0
FAILED = 1

JUDGE_SLACK_S = 60.0
"""A judge that begins late, a service that stops slowly."""


def install(site: Site, parcel: Parcel, ready_within_s: float, stay_s: float) -> int:
    """Install `parcel`, or upgrade to it; the exit code.

    Raises:
        Failed: a step did not succeed.
    """
    steps = Steps(site)
    with steps.step("step.checks", version=parcel.version, home=parcel.home) as step:
        checks.refuse(checks.every(site, parcel))
        step.done(Said("checks.passed", python=f"{site.facts.python[0]}.{site.facts.python[1]}", machine=site.facts.machine))
    end_trial(site)
    old, new = links.current(site), versions.name_for(site, parcel)
    users(site, steps, parcel)
    with steps.step("step.version", path=site.places.versions / new) as step:
        built = versions.build(site, parcel, new)
        if built and not site.hand.dry:
            step.done(Said("version.built"))
    source = parcel.home if site.hand.dry else versions.shared(site, new)
    with steps.step("step.etc") as step:
        if config.lay(site, manifest.read(site), source):
            step.done(Said("etc.new"))
    if old and old != new and not site.hand.dry:
        _check(site, steps, new, old, ready_within_s, built=built)
        if not _switch(site, steps, new, old, ready_within_s, stay_s):
            return FAILED
    with steps.step("step.system") as step:
        if lay.lay(site, manifest.read(site), source):
            lay.reload(site)
    with steps.step("step.commands") as step:
        links.use(site, new)
        links.commands(site)
        if not site.hand.dry:
            versions.prune(site)
    if site.hand.dry:
        return DONE
    return bring_into_force(site, steps, ready_within_s, stay_s)


def bring_into_force(site: Site, steps: Steps, ready_within_s: float, stay_s: float) -> int:
    """Have the version in use run, with the config as it is; the exit code.

    An agent of another version may run all the same, of a switch that nobody saw to its end: then the one in use was never tried.

    Raises:
        Failed: it cannot be done.
    """
    new, running = links.current(site), service.look(site).version
    if new and running not in ("", new) and versions.is_sound(site, running) and not config.check(site, new):
        service.may_restart(site, running)
        if not on_trial(site, steps, new, running, ready_within_s, stay_s):
            return FAILED
    return conclude(site, apply.apply(site, steps, ready_within_s))


def users(site: Site, steps: Steps, parcel: Parcel) -> None:
    """The agent's user, in the groups of the devices."""
    with steps.step("step.user"):
        for path in sorted((parcel.home / "systemd").glob("*.sysusers")):
            if site.system.run(["getent", "passwd", "outpost"]).code != 0 or _misses_a_group(site):
                site.must(["systemd-sysusers", str(path)], Said("for.user"))


def _misses_a_group(site: Site) -> bool:
    said = site.system.run(["id", "-nG", "outpost"]).text.split()
    return not {"gpio", "dialout"} <= set(said)


def _check(site: Site, steps: Steps, new: str, old: str, ready_within_s: float, *, built: bool) -> None:
    """Before any switch: a config that the present version takes must be one for the other too. What this run has built goes again.

    An agent that runs may be one whose config was right when it started, or who uses the one before (config.fallback): whoever does not
    take the config could not even be tried, and is not put in its place. Where none runs, nothing can be lost by a switch.

    Raises:
        Failed: it is not.
    """
    with steps.step("step.present", new=new) as step:
        mistakes = config.check(site, new)
        is_taken = bool(mistakes) and not config.check(site, old)
        if mistakes and (is_taken or service.runs(site, ready_within_s)):
            if built and new not in (links.current(site), links.previous(site)):
                versions.discard(site, new)
            if is_taken:
                raise Failed("config.refused", new=new, old=old, mistakes=mistakes)
            raise Failed("config.mistaken", new=new, old=old, mistakes=mistakes)
        step.done(Said("config.unfinished" if mistakes else "config.right"))


def _switch(site: Site, steps: Steps, new: str, old: str, ready_within_s: float, stay_s: float) -> bool:
    """Put the new version in use, on trial if it has anything to show; whether it is."""
    is_sound = versions.is_sound(site, old)
    service.may_restart(site, old if is_sound else new)
    found = service.look(site)
    if not is_sound:  # it could neither judge nor come back
        links.use(site, new)
        return True
    if config.check(site, new) or not site.live or not (found.enabled or found.pid):
        links.remember(site, old)
        links.use(site, new)
        return True
    return on_trial(site, steps, new, old, ready_within_s, stay_s)


def on_trial(site: Site, steps: Steps, new: str, old: str, ready_within_s: float, stay_s: float) -> bool:
    """Switch to another version on trial, and wait for the verdict; whether it has passed."""
    with steps.step("step.trial", new=new, old=old, ready=ready_within_s, stay=stay_s) as step:
        _with_a_judge(site, lambda: trial.begin(site, new, old, ready_within_s, stay_s))
        began = site.system.now()
        while site.places.trial.exists() or _is_judged(site):
            if site.system.now() - began > ready_within_s + stay_s + probe.LINK_WITHIN_S + JUDGE_SLACK_S:
                raise Failed("trial.no_verdict", unit=TRIAL_SERVICE)
            site.system.wait(0.5)
        step.done(Said("as_told", text=trial.last_verdict(site)))
    if links.current(site) == new:
        return True
    with steps.step("step.old_ready", old=old) as step:
        step.done(service.await_ready(site, old, ready_within_s, 0.0) or Said("service.ready", version=old))
    site.tell("end.not_upgraded", old=old, new=new)
    return False


def _with_a_judge(site: Site, work: Callable[[], object]) -> None:
    """Begin a trial, or judge one. However that ends, somebody sees to the end what is then on trial."""
    with site.signals.held():
        try:
            with site.signals.free():
                work()
        finally:
            if site.places.trial.exists():
                site.systemctl("reset-failed", TRIAL_SERVICE)  # and its count of starts: five upgrades in ten minutes are no failure
                site.systemctl("restart", "--no-block", TRIAL_SERVICE)


def roll_back(site: Site, ready_within_s: float, stay_s: float) -> int:
    """Back to the previous version, which is tried like any other; the exit code.

    Raises:
        Failed: there is none.
    """
    end_trial(site)
    old, new = links.current(site), links.previous(site)
    if not new:
        raise Failed("no_version_before", old=old) if old else Failed("not_installed")
    if not versions.is_sound(site, new):
        raise Failed("damaged", new=new, old=old)
    steps = Steps(site)
    _check(site, steps, new, old, ready_within_s, built=False)
    if not _switch(site, steps, new, old, ready_within_s, stay_s):
        return FAILED
    if lay.lay(site, manifest.read(site), versions.shared(site, new)):
        lay.reload(site)
    return bring_into_force(site, steps, ready_within_s, stay_s)


def end_trial(site: Site) -> None:
    """An upgrade that is on trial is seen to its end first.

    Raises:
        Failed: its judge is at work.
    """
    if site.hand.dry:
        return
    if _is_judged(site):
        raise Failed("trial.on")
    if site.places.trial.exists():
        site.tell("trial.cut")
        _with_a_judge(site, lambda: trial.judge(site))


def _is_judged(site: Site) -> bool:
    """Whether a judge is at work; after its verdict it removes what nobody needs."""
    return site.live and site.system.run(["systemctl", "is-active", "--quiet", TRIAL_SERVICE]).code == 0


def conclude(site: Site, outcome: apply.Outcome) -> int:
    """What the installer does next; the exit code."""
    config_path = site.places.on_unit(site.places.config)
    if outcome.mistakes:
        site.tell("end.unfinished", mistakes=outcome.mistakes, path=config_path)
    elif outcome.failed:
        site.tell("end.unwell", unit=SERVICE, why=outcome.failed)
        return FAILED
    elif not site.hand.changes:
        site.tell("end.same")
    elif outcome.restart:
        site.tell("end.restart")
    else:
        site.tell("end.well")
    return DONE
