"""The walk test: presses in a window of some minutes go in; test alarms, which go the whole way and are latched nowhere, come out.

Theory. Somebody opens the window and presses each button. A press makes a test alarm: the same records on the same way as a real one, each
marked `test`, and the lamp says how far it has come. It ends when the centre has acknowledged (by `manual`) or cleared the test alarm of
each button, when the window is over, when somebody stops it, when an alarm that may be seen comes, or with the process: then presses are
alarms again. At its end every test alarm that is open is `cleared` by the unit itself, a `selftest` record says what came of it, and the
lamp says for some seconds that all have passed; it is dark at once when they have not.

Whoever begins it in the car may take it on a lease (`lease_s`), and renews that for as long as they are there: a program that was killed
and can stop nothing any more leaves no car with its buttons set to test.

In doubt a press is an alarm. A press that began before the window, a hold of 5 s, and a press of a button whose own alarm is live are none
of the test's. The test is not carried over a start: what the store remembers of it serves only to say so, and to clear its alarms. A
silent alarm neither hinders nor ends a test, since that could be seen.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack
import msgspec

from agent.config import Input
from agent.config import WalkTest as Config
from agent.core.events import AlarmChanged, Lane, OrderAnswered, Reported
from agent.core.feedback import level
from agent.core.keepsake import Keepsake
from agent.core.latches import Ack, Latch, Live, State, raised
from agent.core.names import Names
from agent.core.part import Output
from agent.core.timebase import Timebase
from agent.wire.records import Pos, SelfTest
from agent.wire.whys import Why, why

MEMORY = "walk_test"
"""Name under which a test that is under way lies in the store."""

REPEAT_AFTER_S = 15.0
"""A test alarm that the centre has not answered is said again, in case the broker lost it; nobody's life hangs on it."""


RESULT_SHOWN_S = 5.0
"""For so long the lamp says that the test is passed: who pressed the last button looks at the lamp, not at a page."""


LEASE_S_MIN, LEASE_S_MAX = 2.0, 60.0
"""A lease is shorter than the time in which somebody who needs help has given up, and longer than a busy machine takes to renew it."""


class Wish(NamedTuple):
    """What is asked of it: to begin a test, to `stop` it, or to `renew` its lease; for how long from now, None without a lease."""

    stop: bool
    renew: bool
    lease_s: float | None


class Marker(msgspec.Struct):
    """A test under way, as it lies in the store for the next boot to find."""

    boot: str
    order: str | None
    trials: list[Latch]
    passed: list[str]


class WalkTest:
    """One test at a time. Owned by the panic part, which says what a press is."""

    def __init__(
        self, config: Config, buttons: tuple[Input, ...], names: Names, time: Timebase, here: Callable[[float], Pos | None]
    ) -> None:
        self.memory = Keepsake(MEMORY)
        self._window_s = config.window_s
        self._buttons = {button.id: button for button in buttons}
        self._names = names
        self._time = time
        self._here = here
        self._opened_at = math.inf
        self._closes_at = math.inf
        self._lease_until = math.inf
        self._order: str | None = None
        self._trials: dict[str, Live] = {}
        self._passed: set[str] = set()
        self._newest: Live | None = None
        self._outcome: dict[str, Any] = {}
        self._shown_until = math.inf
        """Until when the lamp says that the last test was passed; inf when it does not."""

    @property
    def open(self) -> bool:
        """Presses are tests now."""
        return self._closes_at < math.inf

    @property
    def deadline(self) -> float:
        """When the window or what the lamp says is over, a test alarm is to be said again, or the store to be asked again."""
        repeats = (live.repeat_at for live in self._trials.values())
        return min(self._closes_at, self._lease_until, self._shown_until, self.memory.deadline, *repeats)

    def takes(self, since: float) -> bool:
        """Whether a press that began then is part of the test."""
        return self.open and since >= self._opened_at

    def get(self, alarm: str) -> Live | None:
        """The test alarm of that id."""
        return next((live for live in self._trials.values() if live.latch.id == alarm), None)

    def lamp(self) -> str | None:
        """How far the newest press has come; `test` while the test waits for the first one; `passed` for a while after; else None."""
        if not self.open:
            return "passed" if self._shown_until < math.inf else None
        return "test" if self._newest is None else level(self._newest)

    # --- begin and end --------------------------------------------------------------------------------------------------------------

    def begin(self, at: float, order: str | None = None, lease_s: float | None = None) -> list[Output]:
        """Open the window; `order` is who is to be answered at the end. With `lease_s` it ends unless that is renewed."""
        assert self._buttons and not self.open, "nothing to test, or a test under way: asked for before"
        self._lease_until = math.inf if lease_s is None else at + lease_s
        self._opened_at, self._closes_at, self._order = at, at + self._window_s, order
        self._trials, self._passed, self._newest, self._outcome = {}, set(), None, {}
        self._shown_until = math.inf
        return [self._keep(at)]

    def wanted(self, at: float, wish: Wish) -> list[Output]:
        """Stop it, or renew its lease, if there is any to stop or to renew."""
        if wish.stop:
            return self.end(at, "stopped") if self.open else []
        if wish.lease_s is not None and self._lease_until < math.inf:
            self._lease_until = at + wish.lease_s
        return []

    def end(self, at: float, why: str) -> list[Output]:
        """Presses are alarms again. `why`: as `ended` of the record."""
        out: list[Output] = [self.memory.keep(at, None)]
        inputs = self._progress()
        for live in self._trials.values():
            out += self._clear(at, live)
        out += self._result(at, self._order, why, inputs)
        self._outcome = {"result": _result(inputs), "ended": why, "inputs": inputs}
        self._trials, self._newest, self._order, self._closes_at = {}, None, None, math.inf
        self._lease_until = math.inf
        self._shown_until = at + RESULT_SHOWN_S if self._outcome["result"] == "passed" else math.inf
        return out

    def give_way(self, at: float) -> list[Output]:
        """An alarm that may be seen is live: it ends a test, and the lamp is its."""
        out = self.end(at, "alarm") if self.open else []
        self._shown_until = math.inf
        return out

    def expire(self, at: float) -> list[Output]:
        """The window is over, or something is to be said or asked once more."""
        if at == self._closes_at:
            return self.end(at, "window")
        if at == self._lease_until:
            return self.end(at, "stopped")
        if at == self._shown_until:
            self._shown_until = math.inf
            return []
        for live in self._trials.values():
            if live.repeat_at == at:
                return [self._repeat(at, live)]
        return [self.memory.again()]

    # --- one button's test ----------------------------------------------------------------------------------------------------------

    def press(self, at: float, button: Input, first: bool) -> list[Output]:
        """A button is pressed: a test alarm, or one more record of the one that is open."""
        seq = self._names.take()
        live = self._trials.get(button.id)
        if live is None:
            since, _ = self._time.stamp(at)
            live = self._trials[button.id] = raised(at, self._names.name(seq), button, since, first)
            state = "raised"
        else:
            live.pressed(first)
            state = "repeated"
        live.awaited, live.sent, live.repeat_at = self._names.name(seq), False, at + REPEAT_AFTER_S
        self._newest = live
        return [self._keep(at), self._report(at, live, state, seq=seq), self._changed(at, live, "raised")]

    def left(self, name: str) -> None:
        """That record is on disk and at the broker."""
        for live in self._trials.values():
            live.sent |= live.awaited == name

    def linked(self, at: float) -> list[Output]:
        """The link is back: what is not answered is said again."""
        return [self._repeat(at, live) for live in self._trials.values() if live.repeat_at < math.inf]

    def acknowledged(self, at: float, live: Live, ack: Ack) -> list[Output]:
        """The centre has answered."""
        if ack is Ack.NOTHING:
            return []
        live.repeat_at = math.inf
        if ack is Ack.RECEIVED:
            return [self._keep(at)]
        self._passed.add(live.latch.source)
        live.latch.n += 1
        out = [self._keep(at), self._report(at, live, "acknowledged"), self._changed(at, live, "acknowledged")]
        return [*out, *self._end_if_done(at)]

    def cleared(self, at: float, live: Live, reason: str) -> list[Output]:
        """The centre has ended it: it has seen it."""
        live.latch.state = State.ACKNOWLEDGED
        self._passed.add(live.latch.source)
        del self._trials[live.latch.source]
        return [self._keep(at), *self._clear(at, live, reason), *self._end_if_done(at)]

    def _end_if_done(self, at: float) -> list[Output]:
        return self.end(at, "done") if self._passed == self._buttons.keys() else []

    def _repeat(self, at: float, live: Live) -> Reported:
        live.latch.n += 1
        live.repeat_at = at + REPEAT_AFTER_S
        return self._report(at, live, "repeated", slot=f"alarm {live.latch.id}")

    def _clear(self, at: float, live: Live, reason: str | None = None) -> list[Output]:
        live.latch.n += 1
        record = live.record(at, "cleared", self._here(at), test=True, reason=reason)
        return [Reported(at, Lane.ALARM, record), self._changed(at, live, "cleared")]

    def _report(self, at: float, live: Live, state: str, slot: str | None = None, seq: int | None = None) -> Reported:
        return Reported(at, Lane.ALARM, live.record(at, state, self._here(at), test=True), slot, seq)

    def _changed(self, at: float, live: Live, state: str) -> AlarmChanged:
        return AlarmChanged(at, live.latch.id, state, live.latch.mode, test=True)

    # --- what came of it ------------------------------------------------------------------------------------------------------------

    def _progress(self) -> dict[str, str]:
        reached = {name: level(live) for name, live in self._trials.items()} | dict.fromkeys(self._passed, "acknowledged")
        return {name: reached.get(name, "untried") for name in self._buttons}

    def _result(self, at: float, order: str | None, why: str, inputs: dict[str, str]) -> list[Output]:
        result = _result(inputs)
        record = SelfTest(what="walk_test", result=result, ended=why, inputs=inputs)  # type: ignore[arg-type]  # literals of ours
        out: list[Output] = [Reported(at, Lane.EVENT, record)]
        if order is not None:
            passed = result == "passed"
            out.append(OrderAnswered(at, order, "done" if passed else "failed", None if passed else f"ended: {why}", {"inputs": inputs}))
        return out

    def status(self, now: float) -> dict[str, Any]:
        """Of the test under way the seconds left and how far each button came; else what came of the last one in this boot."""
        if self.open:
            return {"open": True, "left_s": round(self._closes_at - now, 1), "inputs": self._progress()}
        return {"open": False, **self._outcome}

    # --- memory ---------------------------------------------------------------------------------------------------------------------

    def _keep(self, at: float) -> Output:
        latches = [live.latch for live in self._trials.values()]
        marker = Marker(self._names.boot, self._order, latches, sorted(self._passed))
        return self.memory.keep(at, msgpack.packb(msgspec.to_builtins(marker)))

    def recall(self, at: float, value: bytes | None) -> list[Output]:
        """The store is open: a test that was under way when an earlier boot ended has ended with it."""
        if value is None:
            return [self._keep(at)] if self.open else []
        out = [self._keep(at) if self.open else self.memory.keep(at, None)]
        marker = _unpacked(value)
        if marker is None or marker.boot == self._names.boot:
            return out
        trials = [Live(latch, None) for latch in marker.trials]
        reached = {live.latch.source: level(live) for live in trials} | dict.fromkeys(marker.passed, "acknowledged")
        for live in trials:
            out += self._clear(at, live)
        inputs = {name: reached.get(name, "untried") for name in {**self._buttons, **reached}}
        return [*out, *self._result(at, marker.order, "restart", inputs)]


def wished(body: dict[str, Any]) -> Wish | Why:
    """What an action asks for; or why it cannot be understood."""
    stop, renew, lease_s = body.get("stop", False), body.get("renew", False), body.get("lease_s")
    if not isinstance(stop, bool):
        return why("stop_malformed", found=f"{stop!r:.60}")
    if not isinstance(renew, bool):
        return why("renew_malformed", found=f"{renew!r:.60}")
    timed = isinstance(lease_s, int | float) and not isinstance(lease_s, bool) and LEASE_S_MIN <= lease_s <= LEASE_S_MAX
    if not timed and (renew or lease_s is not None):
        return why("walk_lease_malformed", least=LEASE_S_MIN, most=LEASE_S_MAX, found=f"{lease_s!r:.60}")
    return Wish(stop, renew, lease_s)


def _result(inputs: dict[str, str]) -> str:
    return "passed" if set(inputs.values()) == {"acknowledged"} else "failed"


def _unpacked(value: bytes) -> Marker | None:
    """None for what is nothing of ours: a test is worth no fault."""
    try:
        return msgspec.convert(msgpack.unpackb(value), Marker)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError, msgpack.exceptions.UnpackException):
        return None
