"""The step of the link: the way to the broker, and an outage on purpose, after which every position that was made in it must arrive."""

from agent.cli import doctor_link
from agent.cli.commission_talk import LeftOut
from agent.cli.commission_walk import Refused, Section, Walk
from agent.cli.why_findings import lanes_waiting, number, online, section

OUTAGE_S = 30.0
BACK_S = 60.0
"""So long the link may take to be back: a modem that was not asked has no reason to."""

SLACK_S = 60.0
"""Besides what a batch waits to be sealed, a slow line needs time."""


def link(walk: Walk) -> None:
    """First as it is, then without, then again."""
    walk.wait(online)
    body = walk.status()
    seen = doctor_link.link_seen(body, walk.config.mqtt, walk.now)
    walk.take(lambda words: doctor_link.link_told(body, seen, words))
    if not online(body):
        walk.note("skip", "link.outage", "outage.offline")
        return
    try:
        _outage(walk, OUTAGE_S)
    except LeftOut as e:
        walk.do("link.outage", s=0)
        walk.left_out("link.outage", e.reason)
    except Refused as e:
        walk.note("fail", "link.outage", "outage.refused", "outage.refused.do", reason=e.reason)


def _outage(walk: Walk, seconds: float) -> None:
    before = _fixes(walk.status())
    walk.do("link.outage", s=seconds)
    begun = walk.now()
    walk.say("outage.on", seconds=f"{seconds:.0f}")
    if not walk.wait(lambda status: not online(status), 5.0):
        walk.note("fail", "link.outage", "outage.none", "outage.none.do")
        return
    if not walk.wait(online, seconds + BACK_S):
        walk.note("fail", "link.outage", "outage.stays", "outage.stays.do", seconds=f"{seconds:.0f}")
        return
    lasted, after = walk.now() - begun, _fixes(walk.status())
    made, back = after - before, walk.now()
    walk.say("outage.over", count=made)
    left = walk.wait(lambda status: _sealed(status) >= after and _delivered(status), walk.config.store.commit_interval_online_s + SLACK_S)
    if not left:
        lanes = lanes_waiting(walk.status())
        waits = walk.said(lambda words: words.counted(lanes))
        walk.note("fail", "link.outage", "outage.unsent", "outage.unsent.do", count=made, waits=waits)
    elif made <= 0:
        walk.note("warn", "link.outage", "outage.empty", "sats.do", seconds=f"{lasted:.0f}")
    else:
        took = f"{walk.now() - back:.0f}"
        walk.note("pass", "link.outage", "outage.delivered", count=made, seconds=f"{lasted:.0f}", took=took)


def _fixes(status: Section) -> int:
    """Positions taken since the agent's start."""
    return int(number(section(status, "track").get("fixes")) or 0)


def _sealed(status: Section) -> int:
    """Those of them that are in batches that have left the agent's hands."""
    return _fixes(status) - int(number(section(status, "track").get("open")) or 0)


def _delivered(status: Section) -> bool:
    """No track waits for the broker's acknowledgement."""
    outbox = section(status, "outbox")
    return outbox.get("unstored") == 0 and section(outbox, "waiting").get("backfill") == 0
