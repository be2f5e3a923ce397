"""Install and upgrade: a parcel goes in; a unit that runs it comes out, or the one that was there, as it was."""

from agent.installer import apply, checks, config, lay, links, manifest, probe, trial, versions
from agent.installer.parcel import Parcel
from agent.installer.places import SERVICE, TRIAL_SERVICE
from agent.installer.service import await_ready, look, may_restart
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps

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
    with steps.step(f"checks, before anything is changed: Outpost {parcel.version} from {parcel.home}") as step:
        found = checks.every(site, parcel)
        if found:
            raise Failed("\n".join([f"{len(found)} in the way; nothing was changed:", *(f"  - {each}" for each in found)]))
        step.done(f"Python {site.facts.python[0]}.{site.facts.python[1]}, {site.facts.machine}")
    _end_trial(site)
    old, new = links.current(site), versions.name_for(site, parcel)
    users(site, steps, parcel)
    with steps.step(f"version: {site.places.versions / new}") as step:
        built = versions.build(site, parcel, new)
        if built:
            step.done("built" if not site.hand.dry else "")
    source = parcel.home if site.hand.dry else versions.shared(site, new)
    with steps.step("config: /etc/outpost") as step:
        if config.lay(site, manifest.read(site), source):
            step.done("a new agent.toml, to be finished; agent.toml.reference has every key")
    if old and old != new and not site.hand.dry:
        _check(site, steps, new, old, built=built)
        if not _switch(site, steps, new, old, ready_within_s, stay_s):
            return FAILED
    with steps.step("system files: units, tmpfiles, journal, watchdog, udev") as step:
        if lay.lay(site, manifest.read(site), source):
            lay.reload(site)
    with steps.step("commands: outpost, outpost-install") as step:
        links.use(site, new)
        links.commands(site)
        if not site.hand.dry:
            versions.prune(site)
    if site.hand.dry:
        return DONE
    return tell(site, apply.apply(site, steps, ready_within_s))


def users(site: Site, steps: Steps, parcel: Parcel) -> None:
    """The agent's user, in the groups of the devices."""
    with steps.step("user and groups: outpost, in gpio and dialout"):
        for path in sorted((parcel.home / "systemd").glob("*.sysusers")):
            if site.system.run(["getent", "passwd", "outpost"]).code != 0 or _misses_a_group(site):
                site.must(["systemd-sysusers", str(path)], "the user outpost")


def _misses_a_group(site: Site) -> bool:
    said = site.system.run(["id", "-nG", "outpost"]).text.split()
    return not {"gpio", "dialout"} <= set(said)


def _check(site: Site, steps: Steps, new: str, old: str, *, built: bool) -> None:
    """Before any switch: a config that the present version takes must be one for the other too. What this run has built goes again.

    Raises:
        Failed: it is not.
    """
    with steps.step(f"the present config under {new}") as step:
        mistakes = config.check(site, new)
        if mistakes and not config.check(site, old):
            if built and new not in (links.current(site), links.previous(site)):
                versions.discard(site, new)
            raise Failed(f"{new} does not take this unit's config, {old} does; {old} stays in use. What {new} says:\n{mistakes}")
        step.done("it has to be finished" if mistakes else "no mistakes")


def _switch(site: Site, steps: Steps, new: str, old: str, ready_within_s: float, stay_s: float) -> bool:
    """Put the new version in use, on trial if it has anything to show; whether it is."""
    may_restart(site, old)
    found = look(site)
    if not versions.is_sound(site, old):  # it could neither judge nor come back
        links.use(site, new)
        return True
    if config.check(site, new) or not site.live or not (found.enabled or found.pid):
        links.remember(site, old)
        links.use(site, new)
        return True
    return on_trial(site, steps, new, old, ready_within_s, stay_s)


def on_trial(site: Site, steps: Steps, new: str, old: str, ready_within_s: float, stay_s: float) -> bool:
    """Switch to another version on trial, and wait for the verdict; whether it has passed."""
    terms = f"{ready_within_s:g} s to be READY, and has to stay so for {stay_s:g} s, no worse than {old}; else that comes back"
    with steps.step(f"trial: {new} has {terms}") as step:
        trial.begin(site, new, old, ready_within_s, stay_s)
        site.systemctl("reset-failed", TRIAL_SERVICE)  # and its count of starts: five upgrades in ten minutes are no failure
        site.systemctl("restart", "--no-block", TRIAL_SERVICE)
        began = site.system.now()
        while site.places.trial.exists() or _is_judged(site):
            if site.system.now() - began > ready_within_s + stay_s + probe.LINK_WITHIN_S + JUDGE_SLACK_S:
                raise Failed(f"no verdict: systemctl status {TRIAL_SERVICE} ; the next start of the machine judges again")
            site.system.wait(0.5)
        step.done(trial.last_verdict(site))
    if links.current(site) == new:
        return True
    with steps.step(f"service: wait for READY of {old}") as step:
        step.done(await_ready(site, old, ready_within_s, 0.0) or f"{old} is READY")
    site.say(f"\nNot upgraded; {old} is in use. Why {new} failed: journalctl -u outpost -u outpost-trial")
    return False


def roll_back(site: Site, ready_within_s: float, stay_s: float) -> int:
    """Back to the previous version, which is tried like any other; the exit code.

    Raises:
        Failed: there is none.
    """
    _end_trial(site)
    old, new = links.current(site), links.previous(site)
    if not new:
        raise Failed(f"there is no version before {old}" if old else "nothing is installed")
    if not versions.is_sound(site, new):
        raise Failed(f"{new} is damaged, or its Python is gone; {old} stays in use: run ./install of {new}'s bundle")
    steps = Steps(site)
    _check(site, steps, new, old, built=False)
    if not _switch(site, steps, new, old, ready_within_s, stay_s):
        return FAILED
    if lay.lay(site, manifest.read(site), versions.shared(site, new)):
        lay.reload(site)
    return tell(site, apply.apply(site, steps, ready_within_s))


def _end_trial(site: Site) -> None:
    """An upgrade that is on trial is seen to its end first."""
    if site.hand.dry or not site.places.trial.exists():
        return
    if _is_judged(site):
        raise Failed("a version is on trial: wait a minute or two (outpost-install status)")
    site.say("an upgrade was cut off; it is ended first")
    trial.judge(site)


def _is_judged(site: Site) -> bool:
    """Whether a judge is at work; after its verdict it removes what nobody needs."""
    return site.live and site.system.run(["systemctl", "is-active", "--quiet", TRIAL_SERVICE]).code == 0


def tell(site: Site, outcome: apply.Outcome) -> int:
    """What the installer does next; the exit code."""
    config_path = site.places.on_unit(site.places.config)
    if outcome.mistakes:
        site.say(f"\n{outcome.mistakes}\n\nInstalled. Next: edit {config_path}, then: sudo outpost-install apply")
    elif outcome.failed:
        site.say(f"\nInstalled, but {SERVICE} is not well: {outcome.failed}\nNext: outpost why ; journalctl -u outpost -n 50")
        return FAILED
    elif not site.hand.changes:
        site.say("\nNothing had to be changed.")
    elif outcome.restart:
        site.say("\nInstalled. The boot config has changed: it counts after a restart. Next: sudo reboot")
    else:
        site.say("\nInstalled. Next: outpost status")
    return DONE
