"""The receiver as the world has it, with the adapter in front of it: the car's true state goes in; the adapter's events come out.

It speaks at whole instants of UTC, one to ten a second. A start is cold (no time, then one from memory, then a place), warm (time from
memory at once) or over. In a tunnel it says nothing of its place, or what it reckons. What it is told, `world_settings` understands.
"""

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from agent.adapters.baud import BAUDS, BaudHunt
from agent.adapters.bursts import Bursts
from agent.config import Gnss
from agent.core.effects import Effect, SetReceiverBaud, SpeakToReceiver
from agent.core.events import Event, Fix, FixMode, ReceiverDown, ReceiverHeard, ReceiverSpoke, ReceiverUp
from agent.core.phrasebook import Phrasebook
from agent.core.setup import wanted
from simulator.receiver_model import TIME_S
from simulator.route import Route
from simulator.world_settings import WorldSettings
from simulator.world_signals import Signals

if TYPE_CHECKING:
    from simulator.world import World

PORT = "/dev/serial0"
SENTENCES = 6

FIX_DELAY_S = (0.08, 0.35)
FIX_JITTER_S = 0.08
"""From the instant of a fix to its first byte: drawn once per receiver, and what each second adds."""

START_S = (5.0, 40.0)
"""Until the first fix after power."""

ENGINE_S = 2.0
"""Other constellations: the engine starts afresh, hot."""

DIP_S = (25.0, 45.0)
"""A flat backup battery: a cold start after each dip of the supply."""

MEMORY_WRONG_S = (-2.0, 3.0)
"""A receiver's clock before its first fix: its own crystal, and leap seconds that it has only heard of long ago."""

REOPEN_S = 2.0
ANSWER_S = 0.12

TUNNEL_FROM_MPS, TUNNEL_AFTER_S = 5.0, 3.0
"""A tunnel is driven into, at the soonest so long after the car stood."""


@functools.cache
def _kinds(kinds: tuple[str, ...]) -> dict[str, int]:
    """As they are counted: each once a second."""
    return {f"GN{kind}": 1 for kind in kinds}


class WorldReceiver:
    """One receiver on one port."""

    def __init__(self, world: "World", config: Gnss, book: Phrasebook | None, seed: int, moves: Callable[[], bool]) -> None:
        """`moves`: whether the car is under way."""
        self._world = world
        self._config = config
        self._moves = moves
        self._route = Route.through_xining(seed)
        self._driven_s = 0.0
        self.book = book or Phrasebook(name="generic")
        self.wants = wanted(config, self.book)
        self.settings = WorldSettings(config.receiver, self.book)
        self.signals = Signals(world, seed)
        self.delay_s = world.rng.uniform(*FIX_DELAY_S)
        self._process = 0
        self._next_ms: int | None = None
        self._tunnel: float | None = None
        self.read_late_at = -math.inf
        """When all that had waited was read at once."""
        self.fixes = False
        """The receiver had a fix computed from satellites at its last word, and was heard."""
        self.speed_mps = 0.0
        self.stood_since = 0.0
        """Since when the car has not moved."""
        self._stood_at = 0.0
        self.opened_at = self.good_at = self.fixed_at = math.inf
        """When the port was opened, a good sentence was heard last, a fix was; never yet: infinity."""
        self.unplugged_at = -math.inf
        self.bad_since = math.inf
        """Since when there is nothing but lines that cannot be read."""
        self.bad_at = -math.inf
        # faults
        self.unplugged = False
        self.silent = False
        self.garbage = False
        self.void = False
        self.timeless = False
        self.damaged = 0.0
        self._unread: list[Event] | None = None
        self._adapter()
        self.restart("cold", world.rng.uniform(*START_S))

    # --- starts -------------------------------------------------------------------------------------------------------------------

    def restart(self, how: Literal["cold", "warm"], ready_s: float, wrong_s: float | None = None) -> None:
        """It has to find its satellites again, for so long; `wrong_s`: how wrong its memory of the time is."""
        now = self._world.now
        self._began_at, self._ready_at = now, now + ready_s
        self._time_at = now + min(TIME_S[how], ready_s)
        self._wrong_ms = round(1000 * (self._world.rng.uniform(*MEMORY_WRONG_S) if wrong_s is None else wrong_s))

    def dip(self) -> None:
        """Its supply was gone, and its backup battery is flat: it has forgotten all."""
        self.settings.forget()
        self.restart("cold", self._world.rng.uniform(*DIP_S))

    def flip(self) -> None:
        """It speaks at another speed."""
        self.settings.flip(self._world.rng.choice([baud for baud in BAUDS if baud != self.settings.now.baud]))

    # --- the adapter ----------------------------------------------------------------------------------------------------------------

    def _adapter(self) -> None:
        also = () if self._config.baud_wanted == "keep" else (self._config.baud_wanted,)
        self._hunt = BaudHunt(also=also) if self._config.baud == "auto" else BaudHunt(self._config.baud, also)
        self._hunts = self._config.baud == "auto" or bool(also)
        self._bursts = Bursts()
        self.opened_at = self.good_at = self.fixed_at = self.bad_since = math.inf

    def boot(self, cold: bool) -> None:
        """The adapter starts. `cold`: after power, so the receiver has to find its satellites again."""
        self._process += 1
        if cold:
            self.restart("cold", self._world.rng.uniform(*START_S))
        self._world.after(self._world.rng.uniform(0.05, 0.5), self._open_port, self._process)

    def crash(self) -> None:
        """Nobody listens any more."""
        self._process += 1
        self._unread = None if self._unread is None else []
        self._adapter()

    def _open_port(self, process: int) -> None:
        if process != self._process or not self._world.running:
            return
        if self.unplugged:
            self._world.post(ReceiverDown(self._world.mono(), PORT, "could not open port: no such file or directory"))
            self._world.after(REOPEN_S, self._open_port, process)
        elif self.opened_at == math.inf:
            self.opened_at = self._world.now
            self._hunt.reopened()
            self._world.post(ReceiverUp(self._world.mono(), PORT))

    def unplug(self) -> None:
        """The cable is out."""
        self.unplugged = True
        self.unplugged_at = self._world.now
        self._unread = None if self._unread is None else []
        self.opened_at = self.bad_since = math.inf
        self._world.post(ReceiverDown(self._world.mono(), PORT, "device reports readiness to read but returned no data"))
        self._world.after(REOPEN_S, self._open_port, self._process)

    def plug(self) -> None:
        """The cable is in again."""
        self.unplugged = False
        self._open_port(self._process)

    def stall(self) -> None:
        """Nobody reads what the receiver says: it waits."""
        self._unread = []

    def read_on(self) -> None:
        """All that has waited is read at once."""
        unread, self._unread, at = self._unread or [], None, self._world.mono()
        self.read_late_at = self._world.now
        said = [msgspec.structs.replace(event, at=at) for event in unread]
        fixes = iter(self._bursts.stamped(at, [event for event in said if isinstance(event, Fix)]))
        for event in said:
            self._post(next(fixes) if isinstance(event, Fix) else event)

    def _say(self, event: Event) -> None:
        if self._unread is None:
            self._post(self._bursts.stamped(event.at, [event])[0] if isinstance(event, Fix) else event)
        else:
            self._unread.append(event)

    def _post(self, event: Event) -> None:
        if isinstance(event, ReceiverHeard):
            now = self._world.now
            self.good_at = now if event.sentences else self.good_at
            self.bad_since = math.inf if event.sentences else min(self.bad_since, now)
            self.bad_at = self.bad_at if event.sentences else now
        elif isinstance(event, Fix) and event.mode is not FixMode.NONE:
            self.fixed_at = self._world.now
        self._world.post(event)

    def perform(self, effect: Effect) -> None:
        """What the unit wants of it; lost while the port is closed, not understood at another speed, not heard by one without power."""
        if self.unplugged or not self._world.running:
            return
        match effect:
            case SetReceiverBaud(baud=baud) if baud != self._hunt.baud:
                self._hunt.told(baud)
            case SpeakToReceiver(data=data) if not self.silent and self._hunt.baud == self.settings.now.baud:
                before = self.settings.now.systems
                self._world.counts["phrases heard"] += 1
                if answer := self.settings.hear(data):
                    self._world.after(ANSWER_S, self._answer, answer, self._process)
                if self.settings.now.systems != before:
                    self._ready_at = max(self._ready_at, self._world.now + ENGINE_S)

    def _answer(self, text: str, process: int) -> None:
        if process == self._process and not self.unplugged:
            self._say(ReceiverSpoke(self._world.mono(), text))

    # --- speech ---------------------------------------------------------------------------------------------------------------------

    def speak(self) -> None:
        """One instant: the next of UTC, and when its first byte will come. What is said now is of the last one."""
        world = self._world
        step_ms = 1000 * world.pace.fix_s // self.settings.now.rate_hz
        this_ms = (int(world.utc_ms()) if self._next_ms is None else self._next_ms) // step_ms * step_ms
        instant_ms = self._next_ms = this_ms + step_ms  # at 5 Hz it has come already when the words of the last one do
        moment = world.at_utc(instant_ms)
        world.after(moment - world.now + self.delay_s + world.rng.random() * FIX_JITTER_S, self.speak)
        if self._moves():
            self._driven_s += step_ms / 1000
        self.fixes = False
        if self.unplugged or self.silent or not world.running:
            self._live_through(step_ms / 1000)
        else:
            self._utter(world.mono(), this_ms, step_ms / 1000)

    def _live_through(self, step_s: float) -> tuple[float, float, float, float, float]:
        """Drive on; latitude, longitude, height, speed and course as they are."""
        here = self._route.at(self._driven_s)
        speed_mps = here.speed_mps if self._moves() else 0.0
        if speed_mps:
            self.stood_since = math.inf
        else:
            self._stood_at = self._world.now
            self.stood_since = min(self.stood_since, self._stood_at)
        self.speed_mps = speed_mps
        if self._tunnel is not None and speed_mps >= TUNNEL_FROM_MPS and self._world.now - self._stood_at > TUNNEL_AFTER_S:
            self._world.counts["tunnels driven through"] += 1
            self.signals.begin("tunnel", self._tunnel)
            self._tunnel = None
        return here.lat, here.lon, here.alt_m, speed_mps, here.course_deg

    def _utter(self, at: float, instant_ms: int, step_s: float) -> None:
        world, now = self._world, self.settings.now
        lat, lon, alt_m, speed_mps, course_deg = self._live_through(step_s)
        whole = instant_ms % 1000 == 0
        if self.garbage or now.baud != self._hunt.baud:
            if whole:
                self._say(ReceiverHeard(at, 0, {"checksum": SENTENCES}, baud=self._hunt.baud))
            if self._hunts and self._unread is None:
                self._hunt.heard(at, 0)
            return
        if self._hunts and self._unread is None:
            self._hunt.heard(at, SENTENCES)
        hurt = self.damaged and world.rng.random() < self.damaged
        if whole:
            self._say(ReceiverHeard(at, SENTENCES - bool(hurt), {"checksum": 1} if hurt else {}, {}, _kinds(now.kinds), now.baud))
        fix = self._fix(at, instant_ms, step_s, (lat, lon, alt_m, speed_mps, course_deg))
        if instant_ms // 1000 % world.pace.sky_s == 0 and whole:
            found = 1.0 if world.now >= self._ready_at else (world.now - self._began_at) / (self._ready_at - self._began_at)
            for event in self.signals.around(at, now.systems, course_deg, found, self.void):
                self._say(event)
        if hurt and fix.mode is not FixMode.NONE:
            world.counts["fixes damaged"] += 1
            if world.rng.random() < 0.5:
                return  # no sentence with a place has come through
            fix = msgspec.structs.replace(fix, speed_mps=None, course_deg=None)
        self._say(fix)

    def _fix(self, at: float, instant_ms: int, step_s: float, true: tuple[float, float, float, float, float]) -> Fix:
        """What it says of this instant."""
        world, counts = self._world, self._world.counts
        utc_ms = None if self.timeless else self.signals.time_ms(instant_ms)
        lat, lon, alt_m, speed_mps, course_deg = true
        if "tunnel" in self.signals.since:
            reckoned = self.signals.reckoned(lat, lon) if world.now >= self._ready_at else None
            if reckoned is None:
                counts["fixes void"] += 1
                return Fix(at, FixMode.NONE, utc_ms)
            counts["fixes estimated"] += 1
            return Fix(at, FixMode.DEAD_RECKONING, utc_ms, *reckoned, speed_mps=round(speed_mps, 2), quality="estimated")
        if self.void or world.now < self._ready_at:
            counts["fixes void"] += 1
            if utc_ms is not None and world.now < self._ready_at:
                utc_ms = None if world.now < self._time_at else utc_ms + self._wrong_ms
            return Fix(at, FixMode.NONE, utc_ms, sats={"BD": 2})
        self.fixes = self._unread is None and not self.damaged
        said = self.signals.place(lat, lon, speed_mps, course_deg, step_s)
        sats = {system: 12 if system == "BD" else 8 for system in self.settings.now.systems}
        counts["fixes in reflections"] += "multipath" in self.signals.since
        return Fix(
            at,
            FixMode.THREE_D,
            utc_ms,
            said.lat,
            said.lon,
            round(alt_m, 1),
            said.speed_mps,
            said.course_deg,
            said.hdop,
            said.acc_m,
            sats,
            quality="autonomous",
            acc_estimated=True,
        )

    # --- faults that wait for the car ---------------------------------------------------------------------------------------------

    def enter_tunnel(self, strength: float) -> None:
        """There is a tunnel ahead."""
        self._tunnel = strength

    def leave_tunnel(self) -> None:
        """It is behind us, or the car never came to it."""
        self._tunnel = None
        self.signals.end("tunnel")
