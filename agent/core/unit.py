"""The unit: all parts together. Events from outside go in, effects come out; owns no clock and does no I/O.

Time moves by the stamps on events: before an event is handled, every timer due by then fires, the earliest first, at exactly its own time.
So it does not matter how often anybody looked.
"""

import math
from collections import deque
from typing import Any

from agent.config import Config
from agent.core.certificate import Certificate
from agent.core.commissioned import Commissioned
from agent.core.cruise import Cruise
from agent.core.dark_approach import DarkApproach
from agent.core.data_cap import DataCap
from agent.core.diary import Diary
from agent.core.discretion import Discretion
from agent.core.effects import Answer, Effect, Note, Notify
from agent.core.events import ActionTaken, AdapterDied, Asked, Event, LinkDown, LinkUp, SpoolDown, SpoolOpened, Started, StopRequested
from agent.core.faults import Faults
from agent.core.health import HealthReport
from agent.core.heartbeat import Heartbeats
from agent.core.heat import Heat
from agent.core.inputs import Inputs
from agent.core.integrity import Integrity
from agent.core.inventory import TB, Inventory
from agent.core.io import IoState
from agent.core.light_hand import LightHand
from agent.core.light_lease import LightLease
from agent.core.light_sense import LightSense
from agent.core.light_tally import LightTally
from agent.core.lights import Lights
from agent.core.line_speed import LineSpeed
from agent.core.lineage import Lineage
from agent.core.link import Link
from agent.core.local_days import EastS, china
from agent.core.names import Names
from agent.core.orders import Orders
from agent.core.outage import Outage
from agent.core.outbox import Outbox
from agent.core.output_trial import OutputTrial
from agent.core.panic import Panic
from agent.core.part import Outputs, Part
from agent.core.phrasebook import Phrasebook
from agent.core.pin_watch import PinWatch
from agent.core.position import Position
from agent.core.receiver import Receiver
from agent.core.recorder import Recorder
from agent.core.resend import Resend
from agent.core.retention import Retention
from agent.core.setup import Setup
from agent.core.shedding import Shedding
from agent.core.shows import HIDDEN, Shows
from agent.core.sky_seen import SkySeen
from agent.core.surveyed import Surveyed
from agent.core.timebase import Timebase
from agent.core.track import TrackLog
from agent.core.untested import Untested
from agent.core.wires import Wires
from agent.wire.whys import refused, why

STOP_S_MAX = 3.0
"""An orderly end may take this long to store and send what is left; systemd waits longer."""

QUESTIONS = ("status", "restart")
"""What the local socket may ask. `restart`: would one interrupt an alarm? For root only: a silent alarm counts too."""


class Unit:
    """The deciding core of one agent."""

    def __init__(self, config: Config, boot: str, version: str, phrasebook: Phrasebook | None = None, east_s: EastS = china) -> None:
        """`phrasebook`: of the kind of receiver that the config names; without it nothing is ever sent to the receiver.

        `east_s`: the time zone that the config names.
        """
        self.config = config
        self.boot = boot
        self.version = version
        self.stopped = False
        self.exit_code = 0
        self.now = -math.inf
        self._started_at = -math.inf
        self._stop_by = math.inf
        self._ready = False
        names = Names(config.unit.id, boot)
        root = config.mqtt.root
        integrity = Integrity()
        surveyed = Surveyed(config.place, integrity.doubts_place)
        self.timebase = Timebase(integrity.doubts_time)
        self.faults = Faults()
        shows = Shows(config.show, config.output)
        self.lights = Lights(config.output, shows)
        self._sense = LightSense(config.input, shows)
        self.position = Position(config.report, self._showing, integrity, surveyed)
        self.outbox = Outbox(root, config.mqtt.window_bytes, names, self.timebase, keeps_history=config.store.keep_days > 0)
        self.link = Link(config.mqtt.endpoints, root, config.unit.groups, names, version, self.outbox.quiet)
        self.panic = Panic(config.input, config.walk_test, names, self.timebase, self.position.here)
        self._discretion = Discretion(config.input)
        self.parts: tuple[Part, ...] = (
            self.outbox,  # first: what the others say to a link that is up or down finds it knowing so
            Lineage(boot),  # before whoever has something to store
            integrity,  # before whoever learns from fixes
            self.timebase,
            Inputs(config.input),
            PinWatch(len(config.input)),
            self.panic,  # before whoever else has something to say to a new link
            Untested(config.input, config.walk_test, self.timebase),
            surveyed,
            self.position,
            TrackLog(config.store, self.timebase),
            *self._around_the_lights(shows, east_s),
            *self._at_the_receiver(phrasebook or Phrasebook(name="generic")),
            Retention(config.store, names, self.timebase),
            Resend(self.outbox.resending),
            Orders(root, config.orders.allow_unsigned_development),
            self.link,
            Outage(),
            DataCap(config.mqtt, self.timebase, east_s),
            Certificate(self.timebase),
            Commissioned(self.timebase),
            *self._who_tells(),
        )
        self._deadlines = [math.inf] * len(self.parts)
        self._listeners: dict[type[Event], tuple[tuple[int, Part], ...]] = {}

    def _at_the_receiver(self, phrasebook: Phrasebook) -> tuple[Part, ...]:
        """Who listens to it and speaks to it."""
        gnss = self.config.gnss
        return Receiver(gnss), SkySeen(), LineSpeed(gnss), Setup(gnss, phrasebook)

    def _around_the_lights(self, shows: Shows, east_s: EastS) -> tuple[Part, ...]:
        """The bar, who asks for it, what watches it and what counts."""
        config = self.config
        return (
            self.lights,
            OutputTrial(config.output, [name for name in shows.names if name != HIDDEN]),
            LightHand(config.input, self.lights.refuses),
            LightLease(self.lights.refuses),
            Cruise(config.lights, self.timebase, self.position.here, east_s),
            DarkApproach(config.lights.dark_reminder_s),
            Shedding(config.lights, shows.groups),
            self._sense,
            LightTally(self.timebase, east_s, bar=bool(shows.groups)),
        )

    def _who_tells(self) -> tuple[Part, ...]:
        """Whoever says what has become of all this, and so comes last."""
        config = self.config
        return (
            self.faults,
            Diary(),
            Recorder(config.recorder, config.input, config.output, self.lights.winner, self.timebase, self.position.here),
            Wires(),
            Heat(),
            Heartbeats(config.input),
            IoState(self._told),
            Inventory(self.version, config.store.endurance_tb * TB),
            HealthReport(self.version, config.report.health_interval_s, self._told),
        )

    def _showing(self) -> str | None:
        """The show that the bar is known to show: none, when a group that should shine in it has been found dark."""
        return None if self._sense.belies() else self.lights.showing()

    # --- time ---------------------------------------------------------------------------------------------------------------------

    def wake_at(self) -> float:
        """When the unit next wants to act by itself."""
        soonest = min(self._deadlines)
        return min(self._stop_by, soonest)

    def handle(self, event: Event) -> list[Effect]:
        """Take one event from outside; first everything that was due by then."""
        effects = self.advance(event.at)
        if self.stopped:
            return effects
        match event:
            case Started(at=at):
                self._started_at = at
            case AdapterDied(adapter=adapter, reason=reason):
                return [*effects, *self._die(f"{adapter} died: {reason}")]
            case Asked(request={"do": str(action)}):
                if not any(action in part.actions for part in self.parts):
                    known = ", ".join(sorted(action for part in self.parts for action in part.actions)) or "-"
                    return [*effects, Answer(event.asker, refused(why("action_unknown", found=f"{action!r:.60}", known=known)))]
                event = ActionTaken(event.at, action, event.request, event.asker, event.by_root)
            case Asked():
                effects.append(self._reply(event))
                return effects
            case LinkUp() | LinkDown() if not self.link.hears(event):
                return effects
            case StopRequested(at=at, by=by):
                self._stop_by = min(self._stop_by, at + STOP_S_MAX)
                effects.append(Note("info", f"asked to stop by {by}"))
        self._dispatch(event, effects)
        if not self._ready and isinstance(event, (SpoolOpened, SpoolDown)):
            self._ready = True  # the store is open, or known not to be: in both cases the unit does its work
            effects.append(Notify(True, "running"))
        if self._stop_by < math.inf and self.outbox.settled():
            effects += self._end()
        return effects

    def advance(self, at: float) -> list[Effect]:
        """Let time come to `at`: every timer due by then fires."""
        effects: list[Effect] = []
        while not self.stopped:
            due = min(self._deadlines)
            if due > at:
                break
            index = self._deadlines.index(due)
            part = self.parts[index]
            self.now = max(self.now, due)
            outputs = part.expire()
            self._deadlines[index] = part.deadline
            assert part.deadline > due or outputs, f"{part.name} stands still at {due}"
            self._spread(outputs, effects)
        self.now = max(self.now, at)
        if not self.stopped and at >= self._stop_by:
            effects += self._end()
        return effects

    # --- events -------------------------------------------------------------------------------------------------------------------

    def _dispatch(self, event: Event, effects: list[Effect]) -> None:
        for index, part in self._listening(type(event)):
            outputs = part.handle(event)
            self._deadlines[index] = part.deadline
            if outputs:
                self._spread(outputs, effects)

    def _spread(self, outputs: Outputs, effects: list[Effect]) -> None:
        """Effects leave; events go to the parts that listen, breadth first, before the next part sees the present event."""
        waiting = deque(outputs)
        while waiting:
            output = waiting.popleft()
            if isinstance(output, Effect):
                effects.append(output)
                continue
            for index, part in self._listening(type(output)):
                waiting.extend(part.handle(output))
                self._deadlines[index] = part.deadline

    def _listening(self, event: type[Event]) -> tuple[tuple[int, Part], ...]:
        found = self._listeners.get(event)
        if found is None:
            found = self._listeners[event] = tuple((i, part) for i, part in enumerate(self.parts) if event in part.listens)
        return found

    # --- life ---------------------------------------------------------------------------------------------------------------------

    def _end(self) -> list[Effect]:
        self.stopped = True
        return [effect for effect in self.link.end() if isinstance(effect, Effect)]

    def _die(self, why: str) -> list[Effect]:
        """A dead thread: leave, and be started afresh; what is in the store is safe, and the adapters' close makes the outputs safe."""
        self.stopped, self.exit_code = True, 1
        return [Note("error", why)]

    # --- what is asked --------------------------------------------------------------------------------------------------------------

    def _reply(self, asked: Asked) -> Answer:
        question = asked.request.get("ask")
        if question == "restart":
            return Answer(asked.asker, self._interrupted(asked.at) if asked.by_root else refused(why("root_only")))
        if question != "status":
            return Answer(asked.asker, refused(why("question_unknown", found=f"{question!r:.60}", known=", ".join(QUESTIONS))))
        told = self.status(asked.at)
        return Answer(asked.asker, self._discretion.shown(told, self.panic.shown(asked.at), self.panic.stuck_shown(asked.at)))

    def _interrupted(self, now: float) -> dict[str, Any]:
        """Until it is ready, the alarms of before are not known, and a press would be held in memory only."""
        return {"alarm": "live" in self.panic.status(now), "ready": self._ready}

    def status(self, now: float) -> dict[str, Any]:
        """The whole unit as a map of sections, one per part; see each part's `status`. Not all of it may be told in the car: `_reply`."""
        unit = {
            "id": self.config.unit.id,
            "kind": self.config.unit.kind,
            "boot": self.boot,
            "version": self.version,
            "uptime_s": round(now - self._started_at, 1),
            "ready": self._ready,
        }
        told = {part.name: part.status(now) for part in self.parts if type(part).status is not Part.status}
        return {"unit": unit, "faults": self.faults.listing(now), **told}

    def _told(self, now: float) -> "_Told":
        """The same for the parts that ask for a few sections, several times a minute."""
        return _Told(self, now)


class _Told(dict[str, Any]):
    """Sections of the status, each made when it is asked for."""

    def __init__(self, unit: Unit, now: float) -> None:
        super().__init__()
        self._unit = unit
        self._now = now

    def __missing__(self, name: str) -> Any:
        if name == "faults":
            return self._unit.faults.listing(self._now)
        return next(part for part in self._unit.parts if part.name == name).status(self._now)
