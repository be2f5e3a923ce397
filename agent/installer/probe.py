"""What the running agent says of itself: a version goes in; its faults and link come out, and whether another had it better."""

import json
from typing import NamedTuple

from agent.installer.site import Site
from agent.installer.words import Said

ASK_TIMEOUT_S = 20.0
LOOK_EVERY_S = 1.0

LINK_WITHIN_S = 60.0
"""A unit that was online has to be so again: a modem that is registered needs seconds."""

LINK_AFTER_START_S = 300.0
"""The same when the machine itself has been started in between: a modem comes up from cold."""

GRAVE = "import json; from agent.wire.faults import FAULTS; print(json.dumps([code for code in FAULTS if FAULTS[code].severity == 1]))"
"""Run by a version's own Python: the codes of its faults by which a press may not become an alarm."""

OF_A_HAND = {"panic.stuck", "panic.untested"}
"""Of these no version is guilty: somebody holds a button, or a date has passed."""


class Seen(NamedTuple):
    """`answered`: the agent was there, and could be asked."""

    answered: bool = False
    faults: tuple[str, ...] = ()
    online: bool = False


NOTHING = Seen()
"""It was not there, or could not be asked."""


def look(site: Site, version: str) -> Seen:
    """As it is now, by the command of that version."""
    program = str(site.places.versions / version / "bin/outpost")
    ran = site.system.run([program, "status", "--json", "-c", str(site.places.config)], timeout_s=ASK_TIMEOUT_S)
    if ran.code != 0:
        return Seen()
    try:
        body = json.loads(ran.text[ran.text.index("{") :])
        return Seen(True, tuple(sorted(fault["code"] for fault in body["faults"])), body["link"]["state"] == "online")
    except (ValueError, KeyError, TypeError):
        return Seen()  # of a version that words its status otherwise


def grave(site: Site, version: str) -> set[str]:
    """The faults of severity 1 that a version knows; none when it does not say."""
    ran = site.system.run([str(site.places.versions / version / "bin/python"), "-I", "-c", GRAVE], timeout_s=ASK_TIMEOUT_S)
    try:
        return set(json.loads(ran.text)) - OF_A_HAND if ran.code == 0 else set()
    except (ValueError, TypeError):
        return set()


def worse(site: Site, new: str, old: str, before: Seen, link_within_s: float) -> Said | None:
    """What the new version lacks that the old one had; None when nothing. Waits for the link, if there was one."""
    if not before.answered:
        return None
    # One dead board is inputs.failed at first and inputs.silent later: what was ill before is no news under another name.
    ill = {code.partition(".")[0] for code in before.faults}
    began, codes = site.system.now(), {code for code in grave(site, new) if code.partition(".")[0] not in ill}
    while True:
        seen = look(site, new)
        if found := sorted(codes & set(seen.faults)):
            return Said("probe.faults", codes=found, old=old)
        if seen.answered and (seen.online or not before.online):
            return None
        if site.system.now() - began >= link_within_s:
            if not seen.answered:
                return Said("probe.mute", old=old)
            return Said("probe.offline", within=link_within_s, old=old)
        site.system.wait(LOOK_EVERY_S)
