"""The agent's service: what systemd says of it goes in; whether it is ready, and of which version it is, comes out."""

from typing import NamedTuple

from agent.installer.places import SERVICE
from agent.installer.site import Failed, Site

LOOK_EVERY_S = 0.5
STARTS_WITHIN_S = 20.0
"""An agent that is just starting does not know yet which alarms are live."""

ALARM_IS_LIVE = 1
"""What `outpost idle` ends with, also when the agent does not answer; 2 is argparse's, of a version that does not know the command."""
KEYS = ("ActiveState", "SubState", "MainPID", "NRestarts", "UnitFileState", "Result")


class Service(NamedTuple):
    """`ready`: it has said READY=1 and runs. `version`: whose program runs, empty when none does."""

    ready: bool
    state: str
    pid: int
    version: str
    enabled: bool


def look(site: Site) -> Service:
    """As it is now."""
    if not site.live:
        return Service(False, "not asked", 0, "", False)
    said = site.system.run(["systemctl", "show", SERVICE, *(f"--property={key}" for key in KEYS)]).text
    found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    pid = int(found.get("MainPID", "0") or 0)
    # Type=notify: systemd calls it active only after READY=1 (systemd.service(5)).
    ready = found.get("ActiveState") == "active" and found.get("SubState") == "running"
    state = f"{found.get('ActiveState', 'unknown')} ({found.get('SubState', '?')})"
    if found.get("Result", "success") != "success":
        state += f", last result: {found['Result']}"
    return Service(ready, state, pid, _version(site, pid), found.get("UnitFileState") == "enabled")


def may_restart(site: Site, version: str) -> None:
    """Ask the running agent, by the command of its version. One that has no such command has nothing to say.

    Raises:
        Failed: an alarm is live, or the agent does not say.
    """
    if site.at_once or not site.live or not look(site).pid:
        return
    program = site.places.versions / version / "bin/outpost"
    ran = site.system.run([str(program), "idle", f"--wait={STARTS_WITHIN_S:g}", "-c", str(site.places.config)])
    if ran.code == ALARM_IS_LIVE:
        why = ran.last(1) or "an alarm is live"
        raise Failed(f"{why}; nothing was restarted. Again when it is over, or with --now to do it all the same")


def _version(site: Site, pid: int) -> str:
    """Its interpreter lies in the folder of its version."""
    parts = site.system.program(pid).split("/") if pid else []
    return parts[parts.index("versions") + 1] if "versions" in parts[:-1] else ""


def await_ready(site: Site, version: str, within_s: float, stay_s: float) -> str:
    """Wait until that version is ready and has stayed so. Empty when it has, else why not.

    It may die and be started again within the time; once it is ready in time it is given `stay_s` to stay so.
    """
    began = now = site.system.now()
    pid, since, deaths = 0, now, 0
    while True:
        found, now = look(site), site.system.now()
        if found.ready and found.pid and found.version == version:
            if found.pid != pid:
                pid, since = found.pid, now
            if now - since >= stay_s:
                return ""
        elif pid:
            pid, deaths = 0, deaths + 1
        if not pid and now - began >= within_s:
            if deaths:
                return f"it came to READY, but did not stay so for {stay_s:g} s ({deaths} times); now {found.state}"
            return f"it did not come to READY within {within_s:g} s; now {found.state}"
        site.system.wait(LOOK_EVERY_S)
