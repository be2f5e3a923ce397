"""The step of the panic buttons: the walk test that the agent has, end to end; a line for each button comes out."""

from contextlib import suppress

from agent.cli.commission_talk import LeftOut
from agent.cli.commission_walk import AgentGone, Refused, Section, Walk, boot
from agent.cli.walk_test import LEASE_S, RENEW_S
from agent.cli.why_findings import section
from agent.config import Input, InputUse
from agent.wire.sentence import Sentence

QUIET_TIMES = 3
"""Times the patience for a hand: a human at the centre may be at the telephone."""

ADVICE = {
    "acknowledged": "",
    "received": "panic.centre.do",
    "sent": "panic.centre.do",
    "raised": "panic.raised.do",
    "untried": "panic.untried.do",
}
"""How far a test alarm may come, and what to do when it came no farther."""


class _Quiet(Exception):
    """Nothing has happened for long."""


def panic(walk: Walk) -> None:
    """Begin, follow, tell."""
    buttons = [wired for wired in walk.config.input if wired.use is InputUse.PANIC]
    if not buttons:
        walk.note("skip", "panic", "walk.none")
        return
    life = boot(walk.status())
    walk.testing = True
    try:
        leased = "lease_s" in walk.do("walk_test", lease_s=LEASE_S)
    except Refused as e:
        walk.testing = False
        walk.note("fail", "panic", "panic.refused", "panic.refused.do", reason=e.reason)
        return
    for button in buttons:
        key = "panic.press_twice" if button.press == "twice" else "panic.press"
        walk.say(key, name=button.id, seat=_seat(button), seconds=f"{button.hold_s:g}")
    reason: Sentence | str | None = None
    try:
        test = _followed(walk, life, leased)
    except LeftOut as e:
        reason, test = e.reason, walk.do("walk_test", stop=True)
    except AgentGone:  # perhaps only slow: no press is to be a test now that nobody follows it
        with suppress(AgentGone, Refused):
            walk.do("walk_test", stop=True)
        raise
    walk.testing = False
    reached = section(test, "inputs")
    for button in buttons:
        how = reached.get(button.id)
        level = how if how in ADVICE else "untried"
        if level == "untried" and reason is not None:
            walk.left_out(f"panic.{button.id}", reason)
        else:
            walk.note("fail" if ADVICE[level] else "pass", f"panic.{button.id}", f"panic.{level}", ADVICE[level], name=button.id)


def _followed(walk: Walk, life: object, leased: bool) -> Section:
    """The test when it is over: all passed, its window closed, an alarm, or no news for long.

    `leased`: the agent is to hear now and then that we are there. Raises LeftOut: somebody has had enough (`s`).
    """
    told: Section = {}
    heard_at = renewed_at = walk.now()

    def over(status: Section) -> Section:
        nonlocal told, heard_at, renewed_at
        if boot(status) != life:
            raise AgentGone(walk.sentence("agent_restarted"))
        test = section(section(status, "alarm"), "walk_test")
        news = {name: how for name, how in section(test, "inputs").items() if told.get(name) != how}
        told = section(test, "inputs")
        heard_at = walk.now() if news else heard_at
        if walk.now() - heard_at > QUIET_TIMES * walk.patience_s:
            raise _Quiet
        if leased and test.get("open") and walk.now() - renewed_at > RENEW_S:
            renewed_at = walk.now()
            with suppress(AgentGone):  # the next look tells
                walk.do("walk_test", renew=True, lease_s=LEASE_S)
        for name, how in news.items():
            if how != "untried" and how in ADVICE:
                walk.say("panic.news", name=name, how=walk.text(f"panic.{how}", name=name))
        return {} if test.get("open") else test

    try:
        return walk.wait(over, walk.config.walk_test.window_s + 10.0) or {}
    except _Quiet:
        return walk.do("walk_test", stop=True)


def _seat(button: Input) -> str:
    return f" ({button.seat})" if button.seat else ""
