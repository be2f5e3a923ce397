"""A version on trial: it is ready in time, stays so and is no worse, or the one before comes back. A file goes in; a verdict comes out.

One path for the installer, for the start of the machine and for a power cut: `outpost-trial.service` runs `judge` while
/opt/outpost/trial is there, by the version before (link `previous`). What can be cut, and what the next start then does:

  previous -> old                       nothing is on trial
  trial file written                    current is old: its system files are laid again, the trial is over
  new system files laid, some or all    the same
  current -> new                        systemd has started the new one; it is judged
  restarted, being judged               it is judged again; after STARTS_MAX starts without a verdict it has failed
  failed, written into the trial file   the way back is gone again from its beginning; each step of it may be done twice
  trial file removed                    it is over; versions that nobody needs are removed by the next run
"""

import json
from dataclasses import asdict, dataclass, replace

from agent.installer import links, manifest, probe, service, versions
from agent.installer.lay import lay, lay_one, reload
from agent.installer.places import SERVICE, TARGET, TRIAL_SERVICE
from agent.installer.site import Failed, Site
from agent.installer.words import Said, unpacked

STARTS_MAX = 5
"""A version under which the machine itself goes down never gets a verdict (nor does one in a car that is stopped each minute)."""

READY_WITHIN_S = 60.0
STAY_S = 25.0
"""More than the watchdog's nine seconds: a version that hangs after READY is found. And more than `SILENT_S` (15) of
agent/core/pin_watch.py, by ten: so is one that no longer hears its button soon after the start. A test holds the two together."""

FORMAT = 1


@dataclass(frozen=True)
class Trial:
    """`before`: what `previous` was, to be called so again. `starts`: how often a judge has begun. `failed`: why, once that is decided.

    `why`: the same packed, for other languages; a judge of another version may know the first only.
    `seen`: what the old version said of itself before the switch (`probe.Seen`).
    """

    new: str
    old: str
    before: str = ""
    ready_within_s: float = READY_WITHIN_S
    stay_s: float = STAY_S
    starts: int = 0
    failed: str = ""
    why: dict[str, object] | None = None
    seen: probe.Seen = probe.NOTHING
    format: int = FORMAT


def read(site: Site) -> Trial | None:
    """The trial that is under way.

    Raises:
        Failed: its file is damaged.
    """
    try:
        found = json.loads(site.places.trial.read_bytes())
        trial = Trial(**{key: found[key] for key in asdict(Trial("", "")) if key in found})
        trial = replace(trial, seen=probe.Seen(*trial.seen))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as e:
        raise Failed("trial.unreadable", path=site.places.trial, reason=e) from e
    return trial


def begin(site: Site, new: str, old: str, ready_within_s: float, stay_s: float) -> None:
    """Switch to `new`, on trial; `judge` does the rest."""
    before, seen = links.previous(site), probe.look(site, old)
    links.remember(site, old)
    _write(site, Trial(new, old, before, ready_within_s, stay_s, seen=seen))
    # Not the unit of the trial itself: until the verdict it stays as the judge knows it.
    if lay(site, manifest.read(site), versions.shared(site, new), without=(TRIAL_SERVICE,)):
        reload(site)
    links.use(site, new)


def judge(site: Site) -> bool:
    """See the trial that is under way to its end, from wherever it is. True: there was none, or the new version has passed."""
    trial = read(site)
    if trial is None:
        return True
    if links.current(site) != trial.new or trial.failed:
        _roll_back(site, trial, unpacked(trial.why, trial.failed) if trial.failed else Said("trial.power"))
        return False
    if trial.starts >= STARTS_MAX:
        why: Said | None = Said("trial.starts", starts=trial.starts)
    else:
        trial = replace(trial, starts=trial.starts + 1)
        _write(site, trial)
        _start(site, trial)
        why = service.await_ready(site, trial.new, trial.ready_within_s, trial.stay_s)
        link_within_s = probe.LINK_WITHIN_S if trial.starts == 1 else probe.LINK_AFTER_START_S
        why = why or probe.worse(site, trial.new, trial.old, trial.seen, link_within_s)
    if why:
        site.tell("trial.going_back", new=trial.new, why=why, old=trial.old)
        _write(site, replace(trial, failed=str(why), why=why.packed()))
        _roll_back(site, trial, why)
        return False
    _pass(site, trial)
    return True


def _start(site: Site, trial: Trial) -> None:
    """Have the new version run, if another does or none."""
    found = service.look(site)
    if found.version not in ("", trial.new):
        site.systemctl("restart", "--no-block", TARGET)
    elif not found.pid:
        site.systemctl("start", "--no-block", TARGET)


def _pass(site: Site, trial: Trial) -> None:
    # The others lie there since the beginning, laid by a newer installer than this one, which may know of more.
    if lay_one(site, manifest.read(site), versions.shared(site, trial.new), TRIAL_SERVICE):
        reload(site)
    _verdict(site, trial, Said("trial.passed", new=trial.new, old=trial.old))
    site.hand.remove(site.places.trial)
    versions.prune(site)


def _roll_back(site: Site, trial: Trial, why: Said) -> None:
    was = links.current(site)
    links.use(site, trial.old)
    try:
        if lay(site, manifest.read(site), versions.shared(site, trial.old)):
            reload(site)
    finally:  # also with units that cannot be written: the agent is what counts
        running = service.look(site).version
        if was != trial.old or running not in ("", trial.old):
            site.systemctl("reset-failed", SERVICE)
            site.systemctl("restart", "--no-block", TARGET)
    trial = replace(trial, failed=str(why), why=why.packed())
    _verdict(site, trial, Said("trial.failed", new=trial.new, why=why, old=trial.old))
    site.hand.remove(site.places.trial)
    links.remember(site, trial.before if trial.before in versions.names(site) and trial.before != trial.old else "")
    versions.prune(site)


def _write(site: Site, trial: Trial) -> None:
    site.hand.write(site.places.trial, json.dumps(asdict(trial)).encode() + b"\n")


def _verdict(site: Site, trial: Trial, said: Said) -> None:
    site.say(site.text(said))
    site.hand.write(site.places.verdict, json.dumps(asdict(trial) | {"verdict": str(said), "said": said.packed()}).encode() + b"\n")


def last_verdict(site: Site) -> str:
    """What came of the last trial, in words; empty when there was none."""
    try:
        found = json.loads(site.places.verdict.read_bytes())
        return site.text(unpacked(found.get("said"), str(found["verdict"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
