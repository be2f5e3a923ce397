"""The loop: takes events, lets the unit decide, has its effects performed; blocks in exactly one place."""

from collections.abc import Callable

from agent.core.effects import Effect
from agent.core.unit import Unit
from agent.mailbox import Mailbox

PULSE_S = 1.0
"""The loop turns at least this often, so that the watchdog is petted."""


def run(
    unit: Unit, mailbox: Mailbox, perform: Callable[[Effect], None], pet_watchdog: Callable[[], None], now: Callable[[], float]
) -> None:
    """Run until the unit has stopped. `perform` must not block; `now` is the monotonic clock that stamps the events."""
    while not unit.stopped:
        event = mailbox.take(timeout=max(0.0, min(unit.wake_at() - now(), PULSE_S)))
        for effect in unit.handle(event) if event else unit.advance(now()):
            perform(effect)
        pet_watchdog()
