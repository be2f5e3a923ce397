"""One input as its wires have it: a hand, a key or a lamp turns it, its wire breaks, radio disturbs it; the levels of its lines come out.

A single line is a contact to the common wire. A supervised input is a change-over contact on two lines, which breaks before it makes; its
wires are seen to be well because one of them always reads active. What is told (`PressBegan`, `PressEnded`, `Turned`) is what is really so.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.config import NC, NO, Input
from simulator.facts import PressBegan, PressEnded, Turned

if TYPE_CHECKING:
    from simulator.world import World

BOUNCE_S = 0.012
"""Contacts of an industrial button bounce for some milliseconds."""

TRANSFER_S = (0.001, 0.025)
"""A change-over contact hangs between its ends for so long: a snap switch a millisecond, a worn one longer."""

PRESSED = ("panic", "panic_cancel")
"""Uses whose presses are told."""

WELL_S = 1.0
"""A wire that looked like a press until just now is no wire for an honest one: the unit sees one press of both."""

FOLLOW = ("light_sense", "recorder_alive")
"""Uses of lines that change by themselves: nobody has touched anything then."""

WIRES: dict[str, dict[str, bool]] = {
    "ok": {},
    "cut": {NO: False, NC: False},
    "cut_no": {NO: False},
    "cut_nc": {NC: False},
    "short": {NO: True, NC: True},
    "short_no": {NO: True},
    "short_nc": {NC: True},
}
"""What a wire reads whatever its contact does. A single line is wired as the one that is normally open."""

SINGLE_WIRES = ("cut_no", "short_no")


class Switch:
    """One input. `lines` is shared by all of them: what each line reads, by its name; `drive` changes one."""

    def __init__(self, world: "World", config: Input, drive: Callable[[str, bool], None]) -> None:
        self._world = world
        self.config = config
        self._drive = drive
        self.names = {NO: config.id + NO, NC: config.id + NC} if config.supervised else {NO: config.id}
        self.on = False
        """Turned on, pressed, shining: whatever the contact follows."""
        self.wire = "ok"
        self.wire_since = -math.inf
        """Since when it has been so."""
        self.flipped: frozenset[str] = frozenset()
        """Contacts whose lines read the contrary just now."""
        self._contacts = {NO: False, NC: True}
        self._turns = 0
        self._told = config.use.value in PRESSED
        self._follows = config.use.value in FOLLOW
        self._present = False
        self._began_at = self._steady_at = 0.0
        self._honest = False
        for contact, line in self.names.items():
            drive(line, self._contacts[contact])

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of its lines."""
        return tuple(self.names.values())

    def contact(self, contact: str) -> bool:
        """What the line of that contact reads, noise and bouncing apart."""
        return WIRES[self.wire].get(contact, self.on is (contact == NO))

    @property
    def reads(self) -> bool:
        """What it says, noise and bouncing apart: of a single line its level, else whether its contacts stand as when it is on."""
        return self.contact(NO) and not (self.config.supervised and self.contact(NC))

    # --- what happens to it -------------------------------------------------------------------------------------------------------

    def turn(self, on: bool, bounces: bool = True) -> float:
        """Turn it; after how many seconds its contacts are still."""
        if on is self.on:
            return 0.0
        self.on = on
        self._turns += 1
        still_s = 0.0
        if not bounces:
            self._make(NO, on)
            self._make(NC, not on)
        elif self.config.supervised:
            first, then = (NC, NO) if on else (NO, NC)
            gap_s = self._bounce(first, False, 0.0)
            gap_s = max(gap_s, self._world.rng.uniform(*TRANSFER_S))
            still_s = gap_s + self._bounce(then, True, gap_s)
        else:
            still_s = self._bounce(NO, on, 0.0)
        self._tell(still_s)
        return still_s

    def _bounce(self, contact: str, closed: bool, wait_s: float) -> float:
        """It closes or opens after a while: some edges from then on, and for how many seconds."""
        rng, after = self._world.rng, self._world.after
        times = sorted(rng.random() * BOUNCE_S for _ in range(2 * rng.randrange(4)))
        if wait_s:
            after(wait_s, self._bounced, contact, closed, self._turns)
        else:
            self._make(contact, closed)
        for n, wait in enumerate(times):
            after(wait_s + wait, self._bounced, contact, closed ^ (n % 2 == 0), self._turns)
        return times[-1] if times else 0.0

    def _bounced(self, contact: str, closed: bool, turns: int) -> None:
        if turns == self._turns:
            self._make(contact, closed)

    def _make(self, contact: str, closed: bool) -> None:
        self._contacts[contact] = closed
        self._show(contact)

    def _show(self, contact: str) -> None:
        line = self.names.get(contact)
        if line is not None:
            self._drive(line, WIRES[self.wire].get(contact, self._contacts[contact]) ^ (contact in self.flipped))

    def disturb(self, contacts: frozenset[str]) -> None:
        """From now on these read the contrary, and no others."""
        self.flipped = contacts
        for contact in self.names:
            self._show(contact)

    def rewire(self, wire: str) -> None:
        """Its wire breaks so (see WIRES), or is mended (ok)."""
        self.wire, self.wire_since = wire, self._world.now
        self._honest = False
        for contact in self.names:
            self._show(contact)
        self._tell(0.0)

    # --- what is told -------------------------------------------------------------------------------------------------------------

    def _tell(self, still_s: float) -> None:
        """A press is one of a hand, or of a wire that looks like one."""
        present = self.on or self.reads
        now, name = self._world.now, self.config.id
        if not self._follows:
            self._world.car.touched_at = now
        self._world.tell(Turned(name, self.reads))
        if not self._told or present is self._present:
            return
        self._present = present
        if present:
            self._began_at, self._steady_at = now, now + still_s
            self._honest = self.wire == "ok" and now >= self.wire_since + WELL_S
            self._world.tell(PressBegan(name))
        else:
            self._world.tell(PressEnded(name, self._began_at, self._steady_at, self._honest))
