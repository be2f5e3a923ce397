"""Any story of hands, centre, store, crashes: no honest hold is lost, no alarm invented, the lamp does not lie, nothing latched forgotten.

Raw edges go through the real inputs part, so that what the two parts say to each other is what is tried here.
"""

from typing import Any

import msgpack
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.config import Input
from agent.config import WalkTest as WalkTestConfig
from agent.core.effects import Remember
from agent.core.events import Edge, Event, InputChanged, InputHeld, LampAsked, Levels, LightsAsked, Remembered, Reported, ReportLeft
from agent.core.inputs import Inputs
from agent.core.latches import MEMORY
from agent.core.names import Names
from agent.core.panic import Panic
from agent.core.part import Output
from agent.wire.records import Alarm
from tests.core.builders import Bench, link_up, panic_input, spool_opened, told_time
from tests.core.panic_states import HERE, ack, cancel, cancel_input, clear, walk

BUTTONS = ("overt", "discreet", "silent")
LEVELS = ("raised", "sent", "received", "acknowledged")
DEBOUNCE_S, HOLD_S = 0.03, 0.5


class _Seen:
    """One alarm as the test sees it: from its records, and from what the centre and the outbox have said."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.record = ""
        self.press_n = 1
        self.n = 1
        self.level = "raised"


class Story(RuleBasedStateMachine):
    """One car, through several boots."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.boots = 0
        self.disk: dict[str, bytes | None] = {}
        self.down: dict[str, float] = {}
        self.orders = 0

    # --- the car ----------------------------------------------------------------------------------------------------------------------

    @initialize()
    def boot(self) -> None:
        """The process starts; its store is open, and has what was confirmed."""
        self.boots += 1
        self.now += 1.0
        self.started_at = self.now
        config: tuple[Input, ...] = (*(panic_input(name, mode=name, pin=4 + i) for i, name in enumerate(BUTTONS)), cancel_input())
        names = Names("car-1", f"{self.boots:016x}")
        self.inputs = Bench(Inputs(config))
        self.panic = Bench(Panic(config, WalkTestConfig(window_s=60.0), names, told_time(), lambda _at: HERE))
        self.live: dict[str, _Seen] = {}
        self.durable: list[tuple[str, str, float]] = []
        self.unconfirmed: list[Remember] = []
        self.lamp: str | None = None
        self.show: str | None = None
        self.turn(spool_opened(self.now, {name: value for name, value in self.disk.items() if value is not None}), recalled=True)
        self.edges(Levels(self.now, {name: name in self.down for name in (*BUTTONS, "cancel")}))

    def edges(self, event: Event) -> None:
        """A raw reading, and what the inputs part makes of it by now."""
        for out in self.inputs.feed(event):
            if isinstance(out, InputChanged | InputHeld):
                self.turn(out)

    def let_pass(self, seconds: float) -> None:
        """Time passes, in the right order for both parts."""
        end = self.now + seconds
        while (due := min(self.inputs.part.deadline, self.panic.part.deadline)) <= end:
            self.now = due
            if self.inputs.part.deadline <= due:
                for out in self.inputs.until(due):
                    if isinstance(out, InputChanged | InputHeld):  # and not that nothing is heard of the pins: nothing changes in this car
                        self.turn(out)
            else:
                self.take(self.panic.until(due), None, recalled=False)
        self.now = end

    def turn(self, event: Event, recalled: bool = False) -> None:
        """The panic part hears of something."""
        self.take(self.panic.feed(event), event, recalled)

    # --- what comes out ---------------------------------------------------------------------------------------------------------------

    def take(self, outs: list[Output], event: Event | None, recalled: bool) -> None:
        """Keep the books of the test."""
        for out in outs:
            match out:
                case Remember():
                    self.unconfirmed.append(out)
                case LampAsked(lamp=lamp):
                    self.lamp = lamp
                case LightsAsked(show=show):
                    self.show = show
                case Reported(record=Alarm(test=None) as record, slot=slot, seq=seq):
                    self.hear(record, slot, f"{self.boots:016x}-{seq}", event, recalled)
                case Reported(record=Alarm(source=source, state="raised" | "repeated") as record, slot=None):
                    self.durable.append((source, "test", out.at))

    def hear(self, record: Alarm, slot: str | None, name: str, event: Event | None, recalled: bool) -> None:
        """A record of a real alarm."""
        match record.state:
            case "cleared":
                del self.live[record.id]
                return
            case "raised" | "repeated" if slot is None:
                if not recalled:
                    assert isinstance(event, InputHeld), f"{record} came of {event}"
                    held_s = event.at - event.since
                    assert event.input == record.source
                    assert held_s >= HOLD_S - 1e-9, f"{record} after {held_s} s"
                    self.durable.append((record.source, "alarm", event.at))
                seen = self.live.setdefault(record.id, _Seen(record.mode))
                seen.record, seen.level = name, seen.level if recalled else "raised"
                seen.press_n = seen.press_n if recalled else record.n
            case "acknowledged":
                self.live.setdefault(record.id, _Seen(record.mode)).level = "acknowledged"
        assert record.n >= self.live[record.id].n, "n steps back"
        self.live[record.id].n = record.n

    # --- what may happen --------------------------------------------------------------------------------------------------------------

    @rule(button=st.sampled_from(BUTTONS))
    def press(self, button: str) -> None:
        """A hand on a button."""
        if button not in self.down:
            self.down[button] = self.now
            self.edges(Edge(self.now, button, True))

    @rule(button=st.sampled_from(BUTTONS))
    def release(self, button: str) -> None:
        """The hand goes; if it was an honest hold, somebody has been told."""
        began = self.down.pop(button, None)
        if began is None:
            return
        self.edges(Edge(self.now, button, False))
        since = max(began, self.started_at)
        if self.now - since > HOLD_S + DEBOUNCE_S:
            assert any(source == button and since <= at <= self.now for source, _, at in self.durable), f"{button} since {since}"
        if self.now - since > 5.0 + DEBOUNCE_S:
            assert any(row[:2] == (button, "alarm") and since <= row[2] <= self.now for row in self.durable), f"{button} for 5 s"
        self.let_pass(0.25)

    @rule(seconds=st.one_of(st.floats(0.01, 1.0), st.floats(1.0, 40.0)))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.let_pass(seconds)

    @rule()
    def honest_hold(self) -> None:
        """As it should be done."""
        self.press("overt")
        self.let_pass(0.6)
        self.release("overt")

    @rule(button=st.sampled_from(BUTTONS))
    def touch(self, button: str) -> None:
        """Too short to mean anything."""
        if button in self.down:
            return
        before = len(self.durable)
        self.press(button)
        self.let_pass(0.3)
        self.release(button)
        assert [row for row in self.durable[before:] if row[0] == button] == []

    @precondition(lambda self: self.live)
    @rule(data=st.data(), kind=st.sampled_from(["manual", "auto", "clear"]), behind=st.integers(-1, 3))
    def centre(self, data: st.DataObject, kind: str, behind: int) -> None:
        """The centre says something of a live alarm; with `behind` -1 it does not say what it has seen."""
        alarm = data.draw(st.sampled_from(sorted(self.live)))
        seen = self.live[alarm]
        self.orders += 1
        if kind == "clear":
            self.turn(clear(self.now, alarm, f"o-{self.orders}"))
            assert alarm not in self.live
            return
        n = None if behind < 0 else max(1, seen.n - behind)
        facts: dict[str, Any] = {"by": kind} | ({} if n is None else {"n": n})
        before = seen.level
        self.turn(ack(self.now, alarm, f"o-{self.orders}", **facts))
        if n is not None and n < seen.press_n:
            assert seen.level == before
        elif kind == "auto" and seen.level != "acknowledged":
            seen.level = "received"
        else:
            assert seen.level == "acknowledged"

    @rule(stored=st.booleans(), acked=st.booleans())
    def leave(self, stored: bool, acked: bool) -> None:
        """How far the newest record of each alarm has come."""
        for seen in self.live.values():
            if stored and acked and seen.record and seen.level == "raised":
                seen.level = "sent"
        for seen in list(self.live.values()):
            self.turn(ReportLeft(self.now, seen.record, stored, acked))

    @rule()
    def store(self) -> None:
        """The store has everything that was asked of it."""
        for remember in self.unconfirmed:
            self.disk[remember.name] = remember.value
        names = tuple(remember.name for remember in self.unconfirmed)
        self.unconfirmed = []
        self.turn(Remembered(self.now, names))

    @rule()
    def others(self) -> None:
        """What must not touch an alarm."""
        before = {alarm: seen.level for alarm, seen in self.live.items()}
        self.turn(cancel(self.now))
        self.turn(link_up(self.now))
        assert {alarm: seen.level for alarm, seen in self.live.items()} == before

    @rule(stop=st.booleans())
    def test(self, stop: bool) -> None:
        """Somebody begins or stops a walk test."""
        self.turn(walk(self.now, stop=stop))

    @rule(confirmed=st.booleans())
    def crash(self, confirmed: bool) -> None:
        """The power goes; with `confirmed` the store had everything."""
        if confirmed:
            self.store()
        live = {alarm: seen.level for alarm, seen in self.live.items()}
        n = {alarm: seen.n for alarm, seen in self.live.items()}
        self.boot()
        if confirmed:
            assert self.live.keys() == live.keys()
            for alarm, seen in self.live.items():
                assert seen.n > n[alarm], "n steps back over a restart"
                seen.level = live[alarm] if live[alarm] != "sent" else "raised"  # its new record has to leave first
        else:
            latches = msgpack.unpackb(self.disk.get(MEMORY) or b"\x90")
            assert self.live.keys() == {latch["id"] for latch in latches}
            for latch in latches:
                seen = self.live[latch["id"]]
                seen.level = "acknowledged" if latch["state"] == "acknowledged" else "received" if latch["received"] else "raised"
        for latch in msgpack.unpackb(self.disk.get(MEMORY) or b"\x90"):
            self.live[latch["id"]].press_n = latch["pressed_n"]

    # --- what always holds ------------------------------------------------------------------------------------------------------------

    @invariant()
    def the_lamp_says_the_worst_of_what_may_be_seen(self) -> None:
        """And of a silent alarm nothing."""
        shown = [seen.level for seen in self.live.values() if seen.mode != "silent"]
        if shown:
            assert self.lamp == min(shown, key=LEVELS.index)
        else:
            assert (self.lamp is not None) == self.panic.part.status(self.now).get("walk_test", {}).get("open", False)

    @invariant()
    def the_bar_shines_for_an_overt_alarm_alone(self) -> None:
        """No other mode, and no test."""
        assert self.show == ("response" if any(seen.mode == "overt" for seen in self.live.values()) else None)

    @invariant()
    def every_live_alarm_is_known_and_will_be_said_again(self) -> None:
        """Nothing ends but by the centre."""
        assert self.panic.part.status(self.now).get("live", 0) == len(self.live)
        if any(seen.level != "acknowledged" for seen in self.live.values()):
            assert self.panic.part.deadline <= self.now + 60.0

    @invariant()
    def what_the_store_was_asked_to_remember_is_what_is_live(self) -> None:
        """The newest wish, or what lies there."""
        asked = [remember.value for remember in self.unconfirmed if remember.name == MEMORY]
        value = asked[-1] if asked else self.disk.get(MEMORY)
        assert {latch["id"] for latch in msgpack.unpackb(value or b"\x90")} == self.live.keys()


Story.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestStory = Story.TestCase
