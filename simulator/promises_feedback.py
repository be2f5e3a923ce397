"""Promises about what the car may tell of an alarm: the lamp never claims too much, a silent alarm changes nothing. See `promises`."""

import math
from typing import TYPE_CHECKING, Any

import msgpack

from agent.core.effects import Answer, PulseOutput, Remember, ShowLights
from agent.core.events import Asked, Received, SpoolOpened
from agent.core.latches import MEMORY
from agent.core.lights import LAMPS
from agent.core.walk_test import RESULT_SHOWN_S
from simulator.facts import Accepted, Booted, Committed, Ordered, Pulse, Written
from simulator.promises import Promise
from simulator.world_hands import ASKER

if TYPE_CHECKING:
    from simulator.world import World

CLAIMS = ("raised", "sent", "received", "acknowledged")
"""From the least to the most that the lamp can say of an alarm."""

NAMES = {pattern.name: lamp for lamp, pattern in LAMPS.items()}


def latches(value: bytes | None) -> dict[str, dict[str, Any]]:
    """What lies in memory, by id."""
    return {latch["id"]: latch for latch in msgpack.unpackb(value)} if value else {}


class _Known:
    """How far the newest press of one alarm, whose record bears `n`, has come; `auto`, `manual`: up to which `n` the centre has."""

    def __init__(self) -> None:
        self.record = ""
        self.n = 0
        self.silent = False
        self.committed = self.accepted = False
        self.auto = self.manual = 0.0

    @property
    def claim(self) -> int:
        """The most that may be claimed of it, as an index of CLAIMS."""
        return 3 if self.manual >= self.n else 2 if self.auto >= self.n else 1 if self.committed and self.accepted else 0

    def written(self, name: str, n: int) -> None:
        """This record is what the lamp waits for."""
        self.record, self.n, self.committed, self.accepted = name, n, False, False


class FeedbackIsTrue(Promise):
    """The lamp."""

    name = "feedback is true"
    sentence = (
        "The lamp says sent only when the press is on disk and the broker has acknowledged it, received and acknowledged only when the "
        "centre has said so of that press; of several alarms it says the least."
    )
    hears = (
        (Booted, "booted"),
        (SpoolOpened, "opened"),
        (Remember, "remember"),
        (Written, "written"),
        (Committed, "committed"),
        (Accepted, "accepted"),
        (Ordered, "ordered"),
        (ShowLights, "shown"),
    )

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._lamps = [o.id for o in world.config.output if o.use == "panic_lamp"]
        self._known: dict[str, _Known] = {}
        self._live: set[str] = set()
        self._tests: set[str] = set()
        self._passed_until = -math.inf
        """Until when the lamp may say that a test was passed."""
        self._shown: ShowLights | None = None

    def booted(self, _: Booted) -> None:
        """A new process claims nothing of what it has not read; what it says again is a record of its own."""
        self._live, self._tests, self._shown = set(), set(), None
        self._passed_until = -math.inf

    def opened(self, opened: SpoolOpened) -> None:
        """What was latched is live, and its newest press the one that was latched: one after it died with the process."""
        for alarm, latch in latches(opened.memory.get(MEMORY)).items():
            if alarm not in self._live and alarm in self._known:
                self._known[alarm].n = latch["pressed_n"]
            self._live.add(alarm)

    def remember(self, remember: Remember) -> None:
        """What is latched now is live."""
        if remember.name == MEMORY:
            self._live = set(latches(remember.value))

    def written(self, written: Written) -> None:
        """A press, or the end of a test, of which the lamp shows its progress until then."""
        facts = written.facts
        if facts["kind"] == "selftest":
            self._tests.clear()
            self._passed_until = self.world.now + RESULT_SHOWN_S if facts["result"] == "passed" else -math.inf
        if facts["kind"] != "alarm":
            return
        alarm = facts["id"]
        if facts["state"] in ("raised", "repeated"):
            known = self._known.setdefault(alarm, _Known())
            known.written(written.name, known.n if isinstance(self.world.judge.event, SpoolOpened) else facts["n"])
            known.silent = facts["mode"] == "silent"
            if facts.get("test"):
                self._tests.add(alarm)

    def committed(self, committed: Committed) -> None:
        """On disk."""
        for known in self._known.values():
            known.committed |= known.record in committed.names

    def accepted(self, accepted: Accepted) -> None:
        """At the broker."""
        if accepted.sent.kind == "alarm" and accepted.sent.facts["id"] in self._known:
            known = self._known[accepted.sent.facts["id"]]
            known.accepted |= accepted.sent.name == known.record

    def ordered(self, ordered: Ordered) -> None:
        """The centre has said something of that press; of a later one, or of none in particular, it counts for what came before."""
        known = self._known.get(ordered.alarm)
        if known is None:
            return
        n = math.inf if ordered.kind == "alarm.clear" else known.n if ordered.n is None else ordered.n
        if ordered.by == "auto":
            known.auto = max(known.auto, n)
        else:
            known.manual = max(known.manual, n)

    def shown(self, effect: ShowLights) -> None:
        """What does the lamp say when this turn of the loop is over?"""
        self._shown = effect
        self.world.after(0.0, self._look, effect)

    def _look(self, effect: ShowLights) -> None:
        """A test's progress is that of its newest press, and it is shown only while nothing real may be seen."""
        if effect is not self._shown:
            return
        for lamp in self._lamps:
            says = NAMES.get(effect.outputs[lamp].name)
            if says is None or says == "test":
                continue
            real = [self._known[alarm] for alarm in self._live if alarm in self._known and not self._known[alarm].silent]
            tests = [self._known[alarm] for alarm in self._tests]
            if not real and not tests and says == "acknowledged" and self.world.now < self._passed_until:
                continue
            if not real and not tests:
                self.broken(f"the lamp says {says}, and nothing is live")
            may = min(known.claim for known in real) if real else max(known.claim for known in tests)
            if CLAIMS.index(says) > may:
                self.broken(f"the lamp says {says}; it may say {CLAIMS[may]}")


class SilentIsSilent(Promise):
    """Somebody watches the officer."""

    name = "silent is silent"
    sentence = (
        "While only silent alarms are live the lamp is dark, the bar does not play response for them, nothing buzzes, the recorder is not "
        "marked, and the unit's own page knows nothing."
    )
    hears = (
        (Booted, "booted"),
        (SpoolOpened, "opened"),
        (Remember, "remember"),
        (Written, "written"),
        (Received, "received"),
        (ShowLights, "shown"),
        (PulseOutput, "pulsed"),
        (Pulse, "pulse"),
        (Answer, "answered"),
    )

    MARK_S = 10.0
    """After a press that may be seen, or an order to mark, the mark is given up by then."""

    ASK_S = 20.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._lamps = [o.id for o in world.config.output if o.use == "panic_lamp"]
        self._live: dict[str, dict[str, Any]] = {}
        self._silent = {i.id for i in world.config.input if i.mode == "silent"}
        self._marks_until = -math.inf
        self._passed_until = -math.inf
        self._ask_at = -math.inf
        self._shown: ShowLights | None = None

    def booted(self, _: Booted) -> None:
        """It knows nothing yet."""
        self._live = {}

    def opened(self, opened: SpoolOpened) -> None:
        """What was latched is live."""
        self._live |= latches(opened.memory.get(MEMORY))

    def remember(self, remember: Remember) -> None:
        """What is latched now is live."""
        if remember.name == MEMORY:
            self._live = latches(remember.value)

    def written(self, written: Written) -> None:
        """A press that may be seen may be marked, and a test that is passed be shown."""
        facts = written.facts
        if facts["kind"] == "selftest" and facts["result"] == "passed":
            self._passed_until = self.world.now + RESULT_SHOWN_S
        if facts["kind"] == "alarm" and facts["mode"] != "silent":
            self._marks_until = self.world.now + self.MARK_S
            if facts["source"] in self._silent:
                self.broken(f"{written.name} of {facts['source']} is called {facts['mode']}")

    def received(self, received: Received) -> None:
        """So may an order; and a test may begin."""
        if received.topic.endswith("/mark") and not self.quiet:
            self._marks_until = self.world.now + self.MARK_S

    @property
    def quiet(self) -> bool:
        """Only silent alarms are live, at least one."""
        return bool(self._live) and all(latch["mode"] == "silent" for latch in self._live.values())

    def shown(self, effect: ShowLights) -> None:
        """What does the lamp do when this turn of the loop is over?"""
        if self.quiet:
            self._shown = effect
            self.world.after(0.0, self._look, effect)

    def _look(self, effect: ShowLights) -> None:
        """A test's window shows its own progress, whatever is live."""
        if effect is not self._shown or not self.quiet or self._testing or self.world.now < self._passed_until:
            return
        lit = [lamp for lamp in self._lamps if effect.outputs[lamp].name != "off"]
        if lit:
            self.broken(f"{lit[0]} plays {effect.outputs[lit[0]].name}, and only {', '.join(self._live)} is live")

    @property
    def _testing(self) -> bool:
        unit = self.world.unit
        return unit is not None and bool(unit.panic.status(unit.now).get("walk_test", {}).get("open"))

    def pulsed(self, effect: PulseOutput) -> None:
        """The recorder may beep."""
        if self.world.now > self._marks_until:
            self.broken(f"{effect.output} is pulsed, and nobody has pressed a button that may be seen, or ordered a mark")

    def pulse(self, _: Pulse) -> None:
        """Ask the unit's page now and then."""
        if self.quiet and self.world.running and self.world.now >= self._ask_at and not self.world.mailbox.meddling.on:
            self._ask_at = self.world.now + self.ASK_S
            self.world.post(Asked(self.world.mono(), ASKER + 1, {"ask": "status"}))

    def answered(self, answer: Answer) -> None:
        """What does it say?"""
        if answer.asker != ASKER + 1 or not self.quiet:
            return
        told = answer.body
        if told["alarm"].get("state", "none") != "none":
            self.broken(f"the unit's page says {told['alarm']}")
        if self._silent & told["inputs"].keys():
            self.broken(f"the unit's page shows the button: {told['inputs']}")


FEEDBACK_PROMISES: tuple[type[Promise], ...] = (FeedbackIsTrue, SilentIsSilent)
