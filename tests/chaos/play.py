"""Plays a schedule on a desk, in real time: processes killed and lines shut, then a quiet phase in which all is to arrive.

In goes a desk with its witness and the people on duty; what was done, and when, comes out. Who judges it: `tests.chaos.judge`.
"""

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from agent.wire.records import Presence
from simulator.bench.line import State
from tests.chaos.duty import RANGES_MAX, RESEND_WITHIN_S, Duty, Range
from tests.chaos.places import ChaosDesk, now
from tests.chaos.schedule import Deed, End, LifePlan, What
from tests.chaos.witness import Witness

TICK_S = 0.01

LIFE_S_MAX = 12.0
"""A life whose moment has not come by then is ended all the same: the machine is slow, or the agent does not get as far."""

LET_GO_S = 0.5
"""Between two presses. A button that is up for less than `release_s` (0.2 s) has not been let go: its contact bounced."""

QUIET_S_MAX = 90.0
"""Nothing that is promised: how long the quiet phase waits before it calls something missing."""

ROUNDS_MAX = 8


class Press(NamedTuple):
    """The panic button was down, monotonic seconds."""

    at: float
    released_at: float


class Unsettled(Exception):
    """The quiet phase did not come to its end."""


class Play:
    """Plays once; afterwards its lists tell what was done."""

    def __init__(self, desk: ChaosDesk, witness: Witness, duty: Duty, say: Callable[[str], None]) -> None:
        self._desk, self._witness, self._duty, self._say = desk, witness, duty, say
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._pause = threading.Event()
        self._pressed_at: float | None = None
        self._restored_at = 0.0
        self._broker_dead = False
        self.presses: list[Press] = []
        self.kills: Counter[End] = Counter()
        self.broker_kills = 0
        self.line_cuts = 0
        self.centre_cuts = 0
        self.ended_alone: list[str] = []
        self.rounds = 0
        self.exit_code: int | None = None

    def run(self, plan: list[LifePlan]) -> None:
        """All lives, one after the other, then the quiet phase.

        Raises:
            Unsettled: the quiet phase did not come to its end.
        """
        for number, life in enumerate(plan):
            self._live(number, life)
            if (number + 1) % 20 == 0:
                heard = len(self._desk.centre.ledger.arrivals())
                self._say(f"{number + 1} lives, {self.broker_kills} kills of the broker, {heard} messages at the centre")
        self._quiet(len(plan))

    # --- chaos ----------------------------------------------------------------------------------------------------------------------

    def _live(self, number: int, life: LifePlan) -> None:
        desk, began = self._desk, now()
        levels_before = len(self._witness.levels)
        desk.start_agent()
        for deed in life.deeds:
            self._at(began + deed.after_s, self._doing(deed))
        while now() < self._kill_at(life, began, levels_before):
            self._tick()
            if desk.pid is None:
                self.ended_alone.append(f"life {number} ended by itself, exit code {desk.exit_code}: {desk.last_words}")
                break
        else:
            desk.kill_agent()
            self.kills[life.end] += 1
        self._witness.look(number)
        next_at = now() + life.down_s
        while now() < next_at:
            self._tick()

    def _kill_at(self, life: LifePlan, began: float, levels_before: int) -> float:
        latest = began + LIFE_S_MAX
        if life.end in ("start", "any"):
            return began + life.kill_after_s
        if life.end == "commit":
            known = len(self._witness.levels) > levels_before
            return min(latest, self._witness.levels[-1] + life.kill_after_s) if known else latest
        connected = self._desk.line.accepted_at or 0.0
        drains = self._restored_at > began and connected > self._restored_at
        return min(latest, connected + life.kill_after_s) if drains else latest

    def _tick(self) -> None:
        while self._due and self._due[0][0] <= now():
            heapq.heappop(self._due)[2]()
        self._witness.hear()
        self._duty.look()
        self._pause.wait(TICK_S)

    def _at(self, due: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (due, next(self._number), what))

    # --- deeds ----------------------------------------------------------------------------------------------------------------------

    def _doing(self, deed: Deed) -> Callable[[], None]:
        hands: dict[What, Callable[[float], None]] = {
            "broker": self._broker,
            "line": self._line,
            "centre": self._centre,
            "press": self._press,
            "ignition": self._ignition,
        }
        return lambda: hands[deed.what](deed.for_s)

    def _broker(self, for_s: float) -> None:
        if self._broker_dead:
            self._at(now() + 0.5, lambda: self._broker(for_s))  # the schedule promises a number of kills
            return
        self._desk.broker.kill()
        self.broker_kills += 1
        self._broker_dead = True
        self._at(now() + for_s, self._broker_again)

    def _broker_again(self) -> None:
        self._desk.broker.start()
        self._broker_dead = False

    def _line(self, for_s: float) -> None:
        if self._desk.line.state is State.OPEN:
            self._desk.line.cut()
            self.line_cuts += 1
            self._at(now() + for_s, self._line_again)

    def _line_again(self) -> None:
        self._desk.line.restore()
        self._restored_at = now()

    def _centre(self, for_s: float) -> None:
        line = self._desk.centre_line
        if line.state is State.OPEN:
            line.cut()
            self.centre_cuts += 1
            self._at(now() + for_s, line.restore)

    def _press(self, for_s: float) -> None:
        let_go_at = self.presses[-1].released_at if self.presses else -LET_GO_S
        if self._pressed_at is None and now() - let_go_at < LET_GO_S:
            self._at(let_go_at + LET_GO_S, lambda: self._press(for_s))
        elif self._pressed_at is None:
            self._pressed_at = self._desk.press()
            self._at(now() + for_s, self._release)

    def _release(self) -> None:
        assert self._pressed_at is not None
        self.presses.append(Press(self._pressed_at, self._desk.release()))
        self._pressed_at = None

    def _ignition(self, for_s: float) -> None:
        self._desk.ignition(False)
        self._at(now() + for_s, self._ignition_again)

    def _ignition_again(self) -> None:
        self._desk.ignition(True)

    # --- the quiet phase ------------------------------------------------------------------------------------------------------------

    def _quiet(self, life: int) -> None:
        """All faults end; what waits leaves, what is missing is asked for, the agent ends in order."""
        desk = self._desk
        self._until("an end of all deeds", lambda: not self._due)
        desk.start_agent()
        self._until("the agent is online", lambda: desk.centre.listening and self._told("link", "state") == "online")
        desk.receiver.void(lost=True)
        self._until("no fix any more", lambda: self._told("position", "mode") == "none")
        self._drain()
        self._say("all has drained; the centre asks for what is missing")
        self._ask_until_nothing_comes()
        self.exit_code = desk.stop_agent()
        self._until("the goodbye", self._heard_goodbye)
        self._witness.look(life)

    def _ask_until_nothing_comes(self) -> None:
        """The centre asks for holes until a round brings nothing, which it does twice, as what came last may have followed an answer."""
        barren = 0
        while barren < 2:
            had = self._old_records()
            self._round()
            self._drain()
            barren = barren + 1 if self._old_records() == had else 0
            self.rounds += 1
            if self.rounds > ROUNDS_MAX:
                raise Unsettled(f"after {ROUNDS_MAX} rounds of asking there still came records that had been missing")

    def _round(self) -> None:
        wanted = self._duty.wanted()
        for start in range(0, len(wanted), RANGES_MAX):
            self._resend(wanted[start : start + RANGES_MAX])

    def _resend(self, ranges: list[Range]) -> None:
        order = self._duty.ask(ranges)
        self._until("an answer to resend", lambda: order in self._duty.answers, RESEND_WITHIN_S)
        answer = self._duty.answers[order]
        if answer.label != "done":
            raise Unsettled(f"resend of {len(ranges)} ranges: {answer.label}, {answer.reason}")
        self._duty.rows_resent += int((answer.result or {})["sent"])

    def _old_records(self) -> int:
        """Records of lives that are over: nothing is added to them but what was missing."""
        boot = (self._desk.status(10.0) or {"unit": {}})["unit"].get("boot")
        return sum(record.boot != boot for record in self._desk.centre.ledger.records())

    def _drain(self) -> None:
        self._until("an empty backlog, and all alarms answered", lambda: self._duty.idle and self._nothing_waits())

    def _nothing_waits(self) -> bool:
        outbox = (self._desk.status(10.0) or {}).get("outbox")
        return outbox is not None and not any(outbox["waiting"].values()) and not outbox["in_flight"] and not outbox["unstored"]

    def _told(self, section: str, key: str) -> object:
        if self._desk.pid is None:
            raise Unsettled(f"the agent ended by itself, exit code {self._desk.exit_code}: {self._desk.last_words}")
        return ((self._desk.status(10.0) or {}).get(section) or {}).get(key)

    def _heard_goodbye(self) -> bool:
        presence = self._desk.centre.ledger.state(self._desk.options.unit, "presence")
        return isinstance(presence, Presence) and not presence.online

    def _until(self, what: str, so: Callable[[], bool], within_s: float = QUIET_S_MAX) -> None:
        latest = now() + within_s
        while not so():
            if now() > latest:
                raise Unsettled(f"not within {within_s:g} s: {what}; the agent says {self._desk.status(5.0)}")
            self._tick()
