"""The agent's service: what systemd says of it goes in; whether it is ready, and of which version it is, comes out."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple, TypeVar

from agent.installer.places import SERVICE, TARGET
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps
from agent.installer.words import Said, of_english

LOOK_EVERY_S = 0.5
STARTS_WITHIN_S = 20.0
"""An agent that is just starting does not know yet which alarms are live."""

ALARM_IS_LIVE = 1
"""What `outpost idle` ends with, also when the agent does not answer; 2 is argparse's, of a version that does not know the command."""
DEATHS_MAX = 2
"""So often it dies without READY before one knows that it does not run: an agent on its first day, without a config."""

CHANGING = ("activating", "deactivating", "reloading")
KEYS = ("ActiveState", "SubState", "MainPID", "NRestarts", "UnitFileState", "Result")


Result = TypeVar("Result")


class Service(NamedTuple):
    """`ready`: it has said READY=1 and runs. `version`: whose program runs, empty when none does.

    `changing`: it starts, stops, or is just about to be started again. `restarts`: how often it was, by itself.
    """

    ready: bool
    state: Said
    pid: int
    version: str
    enabled: bool
    changing: bool = False
    restarts: int = 0


def look(site: Site) -> Service:
    """As it is now."""
    if not site.live:
        return Service(False, Said("service.unasked"), 0, "", False)
    said = site.system.run(["systemctl", "show", SERVICE, *(f"--property={key}" for key in KEYS)]).text
    found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    pid = int(found.get("MainPID", "0") or 0)
    # Type=notify: systemd calls it active only after READY=1 (systemd.service(5)).
    ready = found.get("ActiveState") == "active" and found.get("SubState") == "running"
    state = Said("service.state", active=found.get("ActiveState") or Said("unknown"), sub=found.get("SubState", "?"))
    if (result := found.get("Result", "success")) != "success":
        state = Said("service.result", state=state, result=result)
    changing, restarts = found.get("ActiveState") in CHANGING, int(found.get("NRestarts", "0") or 0)
    return Service(ready, state, pid, _version(site, pid), found.get("UnitFileState") == "enabled", changing, restarts)


def runs(site: Site, within_s: float) -> bool:
    """Whether an agent is READY, or comes to it in that time. One that dies again and again does not run."""
    began, before = site.system.now(), look(site).restarts
    while True:
        found = look(site)
        if found.ready or not found.changing:
            return found.ready
        if found.restarts - before >= DEATHS_MAX or site.system.now() - began >= within_s:
            return False
        site.system.wait(LOOK_EVERY_S)


def while_stopped(site: Site, work: Callable[[], Result], steps: Steps | None = None) -> Result:
    """Do something while the agent stands still. However that ends, it runs again afterwards, if it did or starts with the machine.

    `steps`: the stop is told as one of these.

    Raises:
        Failed: it cannot be stopped.
    """
    if not site.live:
        return work()
    with site.signals.held():
        found = look(site)
        try:
            with steps.step("step.stop") if steps else nullcontext():
                site.must(["systemctl", "stop", SERVICE], Said("for.stop"))
            with site.signals.free():
                return work()
        finally:
            start(site, found)


def start(site: Site, found: Service) -> None:
    """Have it run if it did, or if it starts with the machine: between two starts of one that dies there is no process."""
    if found.pid or found.enabled:
        site.systemctl("start", "--no-block", TARGET)


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
        why = ran.last(1)
        raise Failed("alarm", why=of_english(why, "idle.alarm", "idle.starting") if why else Said("alarm.live"))


def _version(site: Site, pid: int) -> str:
    """Its interpreter lies in the folder of its version."""
    parts = site.system.program(pid).split("/") if pid else []
    return parts[parts.index("versions") + 1] if "versions" in parts[:-1] else ""


def await_ready(site: Site, version: str, within_s: float, stay_s: float, before: int = 0) -> Said | None:
    """Wait until that version is ready and has stayed so, by another process than `before`. None when it has, else why not.

    It may die and be started again within the time; once it is ready in time it is given `stay_s` to stay so.
    """
    began = now = site.system.now()
    pid, since, deaths = 0, now, 0
    while True:
        found, now = look(site), site.system.now()
        if found.ready and found.pid not in (0, before) and found.version == version:
            if found.pid != pid:
                pid, since = found.pid, now
            if now - since >= stay_s:
                return None
        elif pid:
            pid, deaths = 0, deaths + 1
        if not pid and now - began >= within_s:
            if deaths:
                return Said("service.fell", stay=stay_s, deaths=deaths, state=found.state)
            return Said("service.late", within=within_s, state=found.state)
        site.system.wait(LOOK_EVERY_S)
