"""Feedback: live alarms go in; what the officer's lamp may say of them comes out.

Theory. The lamp never claims more than is so, and each level is another fact, of another witness:

    raised        the button was understood; whether anybody else knows is not sure yet
    sent          this press is on this unit's disk (fsync) AND the broker has it (PUBACK): no single failure can lose it now
    received      the command centre's software says that it has this press (`alarm.ack` by `auto`)
    acknowledged  a human there says that they have seen it (`alarm.ack` by `manual`)

The levels are no ladder. With a dead disk the broker alone has the alarm: a broker can lose what it acknowledged, and a power cut
loses what is only in our memory. So the lamp does not say `sent` as long as the disk is dead; but what the centre says of its own books is
true whatever our disk does, so `received` and `acknowledged` are shown all the same. Without a link the disk alone has it: not `sent`.

Each press counts for itself: one more press takes the lamp back to `raised`, and what was said of the one before does not count for it. Of
several alarms the lamp says the worst. A silent alarm says nothing, ever.
"""

from collections.abc import Iterable

from agent.core.latches import Live, State

LEVELS = ("raised", "sent", "received", "acknowledged")
"""From the worst to the best."""


def level(live: Live) -> str:
    """What is so of the newest press of that alarm: the word of the most trustworthy witness there is."""
    if live.latch.state is State.ACKNOWLEDGED:
        return "acknowledged"
    if live.latch.received:
        return "received"
    return "sent" if live.sent else "raised"


def lamp(alarms: Iterable[Live]) -> str | None:
    """The worst of those that may be seen; None when there is none."""
    return min((level(live) for live in alarms if live.shown), key=LEVELS.index, default=None)
