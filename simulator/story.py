"""The fixed story, played without a screen: a car, a centre and a length in; lines of what happens when, and what is to be told, out.

Drive; cut the network for a third of the length; press the panic button during the cut; restore; the centre acknowledges and clears; press
again, now with a network; kill -9 the agent while that alarm is live; start it again two seconds later, as systemd would; the alarm must
still be latched; acknowledge, clear; let everything arrive; stop. What waits for the network takes as long as it takes (after a cut the
agent tries again at growing intervals), so a story of 30 s takes about 25 to 40. The report on it: `simulator.story_report`.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from agent.wire import topics
from agent.wire.records import Alarm, Presence, Record
from simulator.bench.car import Car
from simulator.bench.car_config import HOLD_S
from simulator.centre import Centre
from simulator.ledger import Arrival

FOR_S_MIN = 15.0
FOR_S_DEFAULT = 30.0

PRESS_S = 1.0
"""A hand on the button."""

RESTART_S = 2.0
"""systemd's RestartSec."""

LINK_S_MAX = 40.0
"""The agent's longest pause between two attempts is 30 s; a connection takes some more."""

SOON_S_MAX = 15.0
"""What needs no network to come back: an answer, a repeat (5 s), a start."""

DRAIN_S_MAX = 30.0

LOOK_S = 0.5
"""How often, while it waits, the story sees whether the agent is still there."""

TICK_S = 0.005


class Missing(Exception):
    """The story cannot go on: what had to come did not."""


class Press(NamedTuple):
    """A press of the panic button, long enough for an alarm; `alarm` is its id once the centre has it."""

    at: float
    during_cut: bool
    alarm: str | None = None


class Moment(NamedTuple):
    """What happened when, monotonic seconds."""

    at: float
    what: str


class Played:
    """What there is to tell: moments, in monotonic seconds, and what came first."""

    def __init__(self, began_at: float, for_s: float) -> None:
        self.began_at = began_at
        self.for_s = for_s
        self.moments: list[Moment] = []
        self.presses: list[Press] = []
        self.pids: list[int] = []
        self.cut_at: float | None = None
        self.restored_at: float | None = None
        self.back_at: float | None = None
        """When the agent's connection through the restored line was made."""
        self.first: Record | None = None
        """The first record on `up/` that came after the network was back. States come by a subscription of their own, the last will among
        them, and a broker keeps the order within one only (MQTT 5, 4.6): NATS does let a state pass a record that left before it."""
        self.latched: set[str] = set()
        """Alarms that repeated themselves after the kill."""
        self.missing: str | None = None
        self.exit_code: int | None = None


class Story:
    """Plays once. `say` takes each line of progress."""

    def __init__(self, car: Car, centre: Centre, for_s: float, say: Callable[[str], None]) -> None:
        self.car = car
        self.centre = centre
        self.for_s = for_s
        self.played = Played(time.monotonic(), for_s)
        self._say = say

    def play(self) -> Played:
        """Play to the end, or until something that must come does not."""
        try:
            self._start_agent()
            self._pause(self.for_s * 0.1)
            alarm = self._cut_press_restore()
            self._answer(alarm)
            alarm = self._press_with_network()
            self._pause(self.for_s * 0.05)
            self._kill_and_restart(alarm)
            self._answer(alarm)
            self._pause(self.for_s * 0.05)
            self._end()
        except Missing as e:
            self.played.missing = str(e)
            self._tell(f"MISSING: {e}")
            if self.car.pid is not None:
                self.played.exit_code = self.car.stop_agent()
        return self.played

    # --- the scenes -----------------------------------------------------------------------------------------------------------------

    def _start_agent(self) -> str:
        """A new process; returns its boot, once the centre hears it."""
        since = len(self.centre.records())
        known = {a.record.boot for a in self.centre.records() if a.record is not None}
        self.played.pids.append(self.car.start_agent())
        self._tell(f"the agent starts: process {self.played.pids[-1]}")
        online = self._await(lambda r: isinstance(r, Presence) and r.online and r.boot not in known, SOON_S_MAX, "presence online", since)
        self._tell("the centre hears that the unit is online")
        assert online.record is not None
        return online.record.boot

    def _cut_press_restore(self) -> str:
        """The id of the alarm that was raised meanwhile."""
        played = self.played
        played.cut_at = time.monotonic()
        self.car.line.cut()
        self._tell("the network is cut")
        cut_s = self.for_s / 3
        self._pause(cut_s * 0.3)
        self._press(during_cut=True)
        self._pause(max(0.0, played.cut_at + cut_s - time.monotonic()))
        since = len(self.centre.records())
        played.restored_at = restored_at = time.monotonic()
        self.car.line.restore()
        self._tell(f"the network is back after {played.restored_at - played.cut_at:.1f} s; the agent has to find that out")
        self._until(lambda: (self.car.line.accepted_at or 0.0) > restored_at, LINK_S_MAX, "a connection of the agent")
        played.back_at = back_at = self.car.line.accepted_at or restored_at
        self._tell("the agent has connected")
        arrival = self._await(lambda r: isinstance(r, Alarm) and r.state == "raised", SOON_S_MAX, "the alarm of the cut", since)
        played.first = next(a.record for a in self.centre.records()[since:] if a.record is not None and self._is_up(a.topic))
        return self._arrived(arrival, f"{1000 * (arrival.at - back_at):.0f} ms after the connection was made")

    def _press_with_network(self) -> str:
        """The id of the alarm."""
        since = len(self.centre.records())
        pressed_at = self._press(during_cut=False)
        arrival = self._await(lambda r: isinstance(r, Alarm) and r.state == "raised", SOON_S_MAX, "the second alarm", since)
        took_ms = 1000 * (arrival.at - pressed_at)
        return self._arrived(arrival, f"{took_ms:.0f} ms after the press began, of which the button has to be held {1000 * HOLD_S:.0f}")

    def _press(self, during_cut: bool) -> float:
        at = self.car.press()
        self.played.presses.append(Press(at, during_cut))
        self._tell("the panic button is pressed" + ("; there is no network" if during_cut else ""))
        self._pause(PRESS_S)
        self.car.release()
        return at

    def _arrived(self, arrival: Arrival, when: str) -> str:
        assert isinstance(arrival.record, Alarm)
        alarm = arrival.record.id
        self.played.presses[-1] = self.played.presses[-1]._replace(alarm=alarm)
        self._tell(f"the alarm has arrived at the centre, {when}", arrival.at)
        return alarm

    def _answer(self, alarm: str) -> None:
        """The centre acknowledges and clears, and hears that the unit has done so."""
        unit = self.car.options.unit
        for state in ("acknowledged", "cleared"):
            self._pause(0.5)
            since = len(self.centre.records())
            if state == "acknowledged":
                self.centre.acknowledge(unit, alarm)
            else:
                self.centre.clear(unit, alarm, "the end of the story")
            self._await(self._says(alarm, state), SOON_S_MAX, f"alarm {alarm} {state}", since)
            self._tell(f"the centre has the alarm {state}, the unit confirms")

    def _kill_and_restart(self, alarm: str) -> None:
        self.car.kill_agent()
        self._tell("kill -9: the alarm is live, the last fixes are not on disk")
        self._pause(RESTART_S)
        since = len(self.centre.records())
        boot = self._start_agent()
        repeated = self._says(alarm, "repeated")
        repeat = self._await(lambda r: repeated(r) and r.boot == boot, SOON_S_MAX, "a repeat of the alarm after the restart", since)
        self.played.latched.add(alarm)
        self._tell(f"the alarm is still latched: repeated {repeat.at - self.car.lives[-1].started_at:.1f} s after the start")

    def _end(self) -> None:
        """No more positions; everything arrives; the agent stops in order."""
        self.car.receiver.void(lost=True)
        self._pause(1 / self.car.options.rate_hz + 0.5)
        self._until(self._nothing_waits, DRAIN_S_MAX, "an empty backlog")
        self.played.exit_code = self.car.stop_agent()
        self._tell(f"the agent was asked to stop and ended with exit code {self.played.exit_code}")
        unit = self.car.options.unit
        self._await(lambda r: isinstance(r, Presence) and r.unit == unit and r.reason == "stopped", SOON_S_MAX, "presence: stopped")

    def _nothing_waits(self) -> bool:
        outbox: dict[str, Any] = (self.car.status() or {}).get("outbox") or {}
        return bool(outbox) and not any(outbox["waiting"].values()) and not outbox["in_flight"]

    # --- waiting and telling --------------------------------------------------------------------------------------------------------

    def _tell(self, what: str, at: float | None = None) -> None:
        at = time.monotonic() if at is None else at
        self.played.moments.append(Moment(at, what))
        self._say(f"{at - self.played.began_at:7.2f} s  {what}")

    @staticmethod
    def _pause(seconds: float) -> None:
        threading.Event().wait(seconds)

    def _until(self, holds: Callable[[], bool], timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        while not holds():
            self._look_at_agent(what)
            if time.monotonic() > deadline:
                raise Missing(f"{what}, not within {timeout:g} s")
            self._pause(TICK_S)

    def _await(self, wanted: Callable[[Record], bool], timeout: float, what: str, since: int = 0) -> Arrival:
        """The first new record from arrival number `since` on that is wanted."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.centre.wait_for(lambda a: a.record is not None and not a.duplicate and wanted(a.record), LOOK_S, since)
            except TimeoutError as e:
                self._look_at_agent(what)
                if time.monotonic() > deadline:
                    raise Missing(f"{what}, {e}") from e

    def _look_at_agent(self, what: str) -> None:
        """An agent that has ended by itself says nothing more."""
        if self.car.pid is None and self.played.exit_code is None:
            self.played.exit_code = self.car.exit_code
            raise Missing(f"{what}: the agent has ended by itself, exit code {self.car.exit_code}; its last words: {self.car.last_words}")

    def _is_up(self, topic: str) -> bool:
        place = topics.parse(self.centre.root, topic)
        return place is not None and place.way == "up"

    @staticmethod
    def _says(alarm: str, state: str) -> Callable[[Record], bool]:
        return lambda r: isinstance(r, Alarm) and r.id == alarm and r.state == state
