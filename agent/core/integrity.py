"""Integrity: fixes, skies and the antenna's word go in; flags on the position and faults come out. Shown; a fix is never hidden.

Theory. Each test looks at what comes, and a suspicion has its own delays (`suspicion.py`): found for so long it is raised, gone for so
long it is cleared. What each test can see, and what not, stands at its head: `motion.py` (jump, frozen, drag), `pace.py` (time),
`firmament.py` (jam, spoofing). The published flags:

    jam      all satellites weaker at once, alike; or gone while the car stood
    spoof    the position goes another way than the Doppler; time and position step together; all satellites alike or too strong;
             constellations contradict each other
    jump     the position moves as no car can
    frozen   the position stands although the car does not
    time     the receiver's time steps or runs away
    antenna  open or short, as the receiver says

They are reasons to look, not proofs: one receiver cannot prove that it is deceived. A flag that nothing can confirm any more (the
receiver is gone) is let go after FORGET_S.
"""

import math
from typing import Any

from agent.core.events import Antenna, Event, FaultSeen, Fix, InputChanged, ReceiverUp, Sky
from agent.core.firmament import DARK_RAISE_S, JAM_RAISE_S, LOPSIDED_RAISE_S, UNIFORM_RAISE_S, Firmament
from agent.core.motion import DRAG_RAISE_S, FROZEN_RAISE_S, Motion
from agent.core.pace import PACE_RAISE_S, Pace
from agent.core.part import Outputs, Part
from agent.core.suspicion import Suspicion
from agent.wire.whys import several, why

ANTENNA_RAISE_S, ANTENNA_CLEAR_S = 3.0, 3.0
"""A bump shakes the plug. Some receivers say it each second, some once when it changes: the last word stands until it is taken back."""

TOGETHER_CLEAR_S = 30.0

FORGET_S = 600.0

DELAY_S_MAX = {
    "gnss.jam": max(JAM_RAISE_S, DARK_RAISE_S),
    "gnss.spoof": max(UNIFORM_RAISE_S, LOPSIDED_RAISE_S, DRAG_RAISE_S),
    "gnss.jump": 0.0,
    "gnss.frozen": FROZEN_RAISE_S,
    "gnss.time": PACE_RAISE_S,
    "gnss.antenna": ANTENNA_RAISE_S,
}
"""Seconds, from when a test first finds it to when the flag is up; how long a drag-off takes to be found depends on its speed."""

ANTENNAS = {"open": why("antenna_open"), "short": why("antenna_short")}
"""What a receiver may say of its antenna that is not well."""


class Integrity(Part):
    """Whether the receiver is to be believed."""

    name = "integrity"
    listens = (Fix, Sky, Antenna, ReceiverUp, InputChanged)

    def __init__(self) -> None:
        self._motion = Motion()
        self._pace = Pace()
        self._firmament = Firmament()
        self._antenna = Suspicion(ANTENNA_RAISE_S, ANTENNA_CLEAR_S)
        self._antenna_said = ""
        self._together = Suspicion(0.0, TOGETHER_CLEAR_S)
        self._ignition: bool | None = None
        self._flags: tuple[str, ...] = ()
        motion, sky = self._motion, self._firmament
        self._jam = (sky.jam, sky.dark)
        self._spoof = (motion.drag, self._together, sky.uniform, sky.lopsided)
        self._all = (*self._jam, *self._spoof, motion.jump, motion.frozen, self._pace.off, self._antenna)

    @property
    def flags(self) -> tuple[str, ...]:
        """What is to be said with a position now, as on the wire (`jam`, `spoof`, `antenna_open` …)."""
        return self._flags

    def doubts_time(self) -> bool:
        """Whether the receiver's time is not to be learned from."""
        return "time" in self._flags or "spoof" in self._flags

    def doubts_place(self) -> bool:
        """Whether the receiver's position is not to be judged by."""
        return not {"spoof", "jump", "frozen", "jam"}.isdisjoint(self._flags)

    @property
    def deadline(self) -> float:
        """When what was said of the antenna has stood for long enough, or a flag that nothing confirms is let go."""
        forgets_at = min((s.judged_at + FORGET_S for s in self._all if s.raised), default=math.inf) if self._flags else math.inf
        return min(forgets_at, self._antenna.due_at)

    def handle(self, event: Event) -> Outputs:
        """Look at what comes."""
        if self._antenna.raised and self._antenna_said and isinstance(event, Fix | Sky):
            self._antenna.judged_at = event.at  # it speaks, and has not taken it back
        match event:
            case Fix():
                self._motion.take(event, self._ignition)
                self._pace.take(event)
                if self._flags or self._motion.jump.raised or self._pace.off.raised:
                    both = self._motion.jump.raised and self._pace.off.raised
                    self._together.judge(event.at, both, why("steps_together"))
            case Sky():
                self._firmament.take(event, self._motion.still(event.at))
            case Antenna(state=state):
                self._antenna_said = state
                self._judge_antenna(event.at)
            case ReceiverUp():
                self._antenna_said = ""  # it may be another one, and its antenna another
            case InputChanged(use="ignition", active=active):
                self._ignition = active
        return self._tell(event.at)

    def _judge_antenna(self, at: float) -> None:
        bad = ANTENNAS.get(self._antenna_said)
        self._antenna.judge(at, bad is not None, bad or "")
        if bad is not None and self._antenna.raised:
            self._antenna.why = bad

    def expire(self) -> Outputs:
        """Believe what was said of the antenna; let go what nothing confirms."""
        at = self.deadline
        if self._antenna.due_at <= at:
            self._judge_antenna(at)
        for suspicion in self._all:
            if suspicion.raised and suspicion.judged_at + FORGET_S <= at:
                suspicion.forget()
        return self._tell(at)

    def _tell(self, at: float) -> Outputs:
        """The faults, when something has changed; saying one again changes nothing."""
        raised = [s for s in self._all if s.raised]
        if not raised and not self._flags:
            return ()
        flags = tuple(name for name, group in self._groups() if any(s.raised for s in group))
        if flags == self._flags:
            return ()
        self._flags = flags
        reasons = {name: several([s.why for s in group if s.raised]) for name, group in self._groups()}
        antenna = "antenna_open" if "antenna_open" in flags else "antenna_short"
        return [
            FaultSeen(at, "gnss.jam", "jam" in flags, reasons["jam"]),
            FaultSeen(at, "gnss.spoof", "spoof" in flags, reasons["spoof"]),
            FaultSeen(at, "gnss.jump", "jump" in flags, reasons["jump"]),
            FaultSeen(at, "gnss.frozen", "frozen" in flags, reasons["frozen"]),
            FaultSeen(at, "gnss.time", "time" in flags, reasons["time"]),
            FaultSeen(at, "gnss.antenna", antenna in flags, reasons.get(antenna, "")),
        ]

    def _groups(self) -> tuple[tuple[str, tuple[Suspicion, ...]], ...]:
        """Flags of the wire, and the suspicions behind each."""
        antenna = "antenna_short" if self._antenna.why == ANTENNAS["short"] else "antenna_open"
        return (
            ("jam", self._jam),
            ("spoof", self._spoof),
            ("jump", (self._motion.jump,)),
            ("frozen", (self._motion.frozen,)),
            ("time", (self._pace.off,)),
            (antenna, (self._antenna,)),
        )

    def status(self, now: float) -> dict[str, Any]:
        """The flags that are up, and why."""
        return {"flags": list(self._flags), "why": [str(s.why) for s in self._all if s.raised]}
