"""The virtual world: a seed goes in; the real core lives through hours of weather in seconds, and what came of it comes out.

The unit is the production one. Time is a heap of future events; nothing sleeps, no thread runs, no clock is read, and chance is one
`random.Random`: the same seed gives the same world to the last byte (`trace`). The unit's monotonic second 0 is the start of its machine;
the world's time is the crystal's, and true UTC runs a little beside it, as it does.
"""

import gc
import heapq
import itertools
import math
import random
import traceback
from collections import Counter, deque
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TextIO

import msgspec

from agent import receiver_file, time_zone
from agent.config import Config
from agent.config import Unit as UnitSection
from agent.core.effects import (
    Connect,
    Disconnect,
    Effect,
    Forget,
    Keep,
    Load,
    OpenSpool,
    Probe,
    Prune,
    Publish,
    PulseOutput,
    Recall,
    Remember,
    SetReceiverBaud,
    ShowLights,
    SpeakToReceiver,
    Store,
    Subscribe,
    WatchLink,
)
from agent.core.events import AdapterDied, Event, Started, StopRequested
from agent.core.latches import MEMORY as ALARMS
from agent.core.unit import Unit
from agent.wire import topics
from simulator import reading
from simulator.facts import Booted, Died, Fact, Given, Sent, Written
from simulator.faults import Fault
from simulator.pace import pace
from simulator.promises import Broken, Judge
from simulator.schedule import schedule
from simulator.world_broker import WorldBroker
from simulator.world_car import WorldCar
from simulator.world_centre import WorldCentre
from simulator.world_clock import SystemClock
from simulator.world_config import configured
from simulator.world_mailbox import WorldMailbox
from simulator.world_store import WorldStore

UTC_MS = 1_800_000_000_000
"""True UTC at second 0 of the world: 2027-01-15."""

DRIFT_PPM_MAX = 60.0
"""The crystal against UTC; the core allows for 100."""

UP_S = (8.0, 25.0)
"""From power to the start of the agent."""

SETTLE_S_MAX = 7200.0
"""After the last fault the backlog drains and every alarm is ended by the centre; much longer than either takes."""

DAY_S = 86_400.0
"""What was asked for at the end of one day's bytes comes with the next."""

CALM_S = 60.0
"""Until what was on its way when the last fault ended has found its place."""

STILL_S = 150.0
"""At the very end nothing new happens for so long: more than it takes to seal a batch, to send it and to hear of it."""

JOURNAL_LINES = 80
"""What is remembered for the report of a broken promise."""


class World:
    """One vehicle, its broker and its centre, from power-on to the end of `hours` hours of `preset` weather and the calm after it."""

    def __init__(
        self,
        seed: int,
        hours: float,
        preset: str = "field",
        *,
        config: Config | None = None,
        unit: Callable[..., Unit] = Unit,
        faults: list[Fault] | None = None,
        store: Callable[["World"], WorldStore] = WorldStore,
        journal: TextIO | None = None,
    ) -> None:
        """`faults` instead of those drawn for the preset; `unit` and `store` make the parts that a test wants to break.

        `config`: by default `configured(preset)`.
        """
        self.rng = random.Random(seed)
        self.config = config = config or configured(preset)
        self.pace = pace(preset)
        book = receiver_file.read(config.gnss.receiver)
        self._phrasebook = (book,) if book.constellations or book.identify.ask else ()
        self._zone = {} if config.unit.timezone == UnitSection(id="x").timezone else {"east_s": time_zone.east_s(config.unit.timezone)}
        self.now = 0.0
        self.end_at = hours * 3600.0
        self.drift = 1 + self.rng.uniform(-DRIFT_PPM_MAX, DRIFT_PPM_MAX) * 1e-6
        self.people = True
        self.mailbox = WorldMailbox(self)
        self.counts: Counter[str] = Counter()
        self.faults = schedule(self.rng, preset, hours) if faults is None else faults
        self._make_unit = unit
        self._heap: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._trace = blake2b(digest_size=16)
        self._encoder = msgspec.msgpack.Encoder()
        self._journal_file = journal
        self.journal: deque[tuple[float, Any]] = deque(maxlen=JOURNAL_LINES)
        self._origin = 0.0
        self._powered = False
        self.unit: Unit | None = None
        self.system_clock = SystemClock(self)
        self.store = store(self)
        self.centre = WorldCentre(self, config.unit.id, config.mqtt.root)
        self.broker = WorldBroker(self, self.centre.feed)
        self.car = WorldCar(self, config, book, self.rng.getrandbits(32))
        self.judge = Judge(self)
        self._written: set[tuple[str, int]] = set()
        self._perform: dict[type[Effect], Callable[[Any], None]] = {Store: self._store, Publish: self._publish}
        self._perform |= dict.fromkeys((ShowLights, PulseOutput), self.car.perform)
        self._perform |= dict.fromkeys((OpenSpool, Forget, Keep, Load, Prune, Recall, Remember), self.store.perform)
        self._perform |= dict.fromkeys((SpeakToReceiver, SetReceiverBaud), self.car.receiver.perform)
        self._perform |= dict.fromkeys((Connect, Disconnect, Subscribe, WatchLink, Probe), self.broker.perform)

    # --- time ---------------------------------------------------------------------------------------------------------------------

    def mono(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return self.now - self._origin

    def world_time(self, mono_ms: float) -> float:
        """When that millisecond of the present machine's monotonic clock was."""
        return mono_ms / 1000 + self._origin

    def utc_ms(self, at: float | None = None) -> float:
        """True UTC at a second of the world (now)."""
        return UTC_MS + (self.now if at is None else at) * 1000 * self.drift

    def at_utc(self, utc_ms: float) -> float:
        """The second of the world at which it is that UTC."""
        return (utc_ms - UTC_MS) / 1000 / self.drift

    def after(self, wait_s: float, todo: Callable[..., object], *args: Any) -> None:
        """Do it so much later; what is due at the same time is done in the order in which it was asked for."""
        heapq.heappush(self._heap, (self.now + wait_s, next(self._order), todo, args))

    # --- for the devices ----------------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """A process of the agent runs."""
        return self.unit is not None

    def post(self, event: Event) -> None:
        """An adapter puts an event into the mailbox."""
        if self.unit is not None:
            self.mailbox.post(event)

    def tell(self, fact: Fact) -> None:
        """Something is so: the promises hear of it."""
        self.judge.see(fact)

    def give_order(self, topic: str, payload: bytes) -> None:
        """The centre says something to the unit."""
        self.tell(Given(payload))
        self.broker.order(topic, payload)

    def fail_inputs(self, failed: bool) -> None:
        """The inputs can no longer be read, or can again."""
        self.car.inputs_failed = failed
        self.mailbox.disturb(1.5)

    def events_disturbed_since(self, at: float) -> bool:
        """Whether edges or levels may not have come as they were since then."""
        return self.car.inputs_failed or self.mailbox.disturbed_since(at)

    def noisy_since(self, at: float) -> bool:
        """Whether there was noise on the inputs since then."""
        return self.car.noise.since(at)

    # --- the process --------------------------------------------------------------------------------------------------------------

    def boot(self, cold: bool = False) -> None:
        """Start the agent, unless it runs. `cold`: the machine starts too."""
        self._powered = self._powered or cold
        if self.unit is not None or not self._powered:
            return
        if cold:
            self._origin = self.now - self.rng.uniform(*UP_S)
            self.system_clock.forget()
        boot = f"{self.rng.getrandbits(64):016x}"
        self.unit = self._make_unit(self.config, boot, "0.1.0", *self._phrasebook, **self._zone)
        self.tell(Booted(self.unit.boot, self._origin))
        self.counts["boots"] += 1
        self.mailbox.put(Started(self.mono()))
        self.car.boot(cold)

    def crash(self, how: str) -> None:
        """The process is gone without a word."""
        self._powered = self._powered and how != "power"
        if self.unit is None:
            return
        self.store.crash()
        self.broker.crash(power=how == "power")
        self._gone(how)

    def _gone(self, how: str) -> None:
        assert self.unit is not None
        boot = self.unit.boot
        self.unit = None
        self.mailbox.clear()
        self.car.crash()
        self.tell(Died(boot, how))

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self.unit is not None:
            self.mailbox.put(StopRequested(self.mono(), "SIGTERM"))

    def kill_adapter(self) -> None:
        """A thread ends with an exception."""
        if self.unit is not None:
            self.mailbox.put(AdapterDied(self.mono(), "gnss", "IndexError: pop from an empty deque"))

    def _stopped(self) -> None:
        """The loop is over: the adapters are closed, the spool does what it was asked for."""
        assert self.unit is not None
        orderly = self.unit.exit_code == 0
        self.store.close()
        self.broker.crash(power=False)
        self._gone("stop" if orderly else "died")

    # --- effects ------------------------------------------------------------------------------------------------------------------

    def _store(self, effect: Store) -> None:
        if (effect.name, effect.edition) not in self._written:
            self._written.add((effect.name, effect.edition))
            self.tell(Written(effect.name, effect, reading.facts(effect.payload)))
        self.store.perform(effect)

    def _publish(self, effect: Publish) -> None:
        facts = reading.facts(effect.payload)
        place = topics.parse(self.config.mqtt.root, effect.topic)
        way = place.way if place else ""
        name = f"{facts.get('boot')}-{facts.get('seq')}" if way == "up" else ""
        sent = Sent(effect, way, str(facts.get("kind")), name, facts)
        self.tell(sent)
        self.broker.publish(sent)

    def _step(self, event: Event | None, at: float) -> None:
        """The loop turns once: an event, or a timer."""
        unit = self.unit
        assert unit is not None
        if event is not None:
            self._note(event)
            self.counts["events"] += 1
        self.judge.begin(event)
        try:
            effects = unit.advance(at) if event is None else unit.handle(event)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            detail = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
            raise Broken("the core stands", "No event and no timer makes the core raise.", detail, self.now, self.journal) from error
        for effect in effects:
            self._note(effect)
            self.counts["effects"] += 1
            perform = self._perform.get(type(effect))
            if perform is not None:
                perform(effect)
            self.judge.see(effect)
        if unit.stopped:
            self._stopped()

    def _note(self, thing: Event | Effect) -> None:
        encoded = self._encoder.encode(thing)
        self._trace.update(encoded)
        self.journal.append((self.now, thing))
        if self._journal_file is not None:
            self._journal_file.write(f"{self.now:.6f} {thing!r}\n")

    # --- the run ------------------------------------------------------------------------------------------------------------------

    def run(self, progress: Callable[[float], None] = lambda _: None) -> Judge:
        """Live to the end. Raises Broken, with the journal's tail, as soon as a promise is broken."""
        gc.disable()  # nothing in here makes cycles to speak of, and to look for them takes a tenth of the time
        try:
            return self._live(progress)
        finally:
            gc.enable()

    def _live(self, progress: Callable[[float], None]) -> Judge:
        self.car.live()
        self.centre.desk.live()
        for fault in self.faults:
            self.after(fault.at, self._begin, fault)
        self.boot(cold=True)
        while self.now < self.end_at:
            self._run_until(min(self.end_at, self.now + 3600.0))
            progress(self.now)
        self._settle()
        self.judge.close()
        return self.judge

    def _begin(self, fault: Fault) -> None:
        self.counts[f"fault {type(fault).__name__}"] += 1
        self.journal.append((self.now, fault))
        fault.begin(self)
        self.after(fault.lasts_s, fault.end, self)

    def _settle(self) -> None:
        """No more faults: everything that waits gets through, the centre ends every alarm, and then nothing new happens."""
        self.people = False
        self.car.receiver.silent = capped = self.config.mqtt.bytes_per_day_max > 0  # or each day's fixes take all that it may carry
        until = SETTLE_S_MAX + (self.broker.bill.midnight() if capped else self.now)
        self._run_until(self.now + CALM_S)
        self._wait(until, lambda: not self.store.rows and not self.store.memory.get(ALARMS) and self.centre.quiet)
        self.centre.clerk.close()
        self._wait(until + (DAY_S if capped else 0.0), lambda: self.centre.clerk.settled)
        self.car.receiver.silent = True
        self._run_until(self.now + STILL_S)

    def _wait(self, until: float, done: Callable[[], bool]) -> None:
        while self.now < until and (self.unit is None or not done()):
            self._run_until(self.now + 10.0)

    def _run_until(self, until: float) -> None:
        heap, waiting = self._heap, self.mailbox.waiting
        while True:
            if waiting:
                event = waiting.popleft()
                self._step(event, event.at)
                continue
            due = heap[0][0] if heap else math.inf
            wake = math.inf
            if self.unit is not None:
                wake_mono = self.unit.wake_at()
                wake = wake_mono + self._origin
            if min(due, wake) > until:
                self.now = max(self.now, until)
                return
            if wake <= due:
                self.now = max(self.now, wake)
                self._step(None, wake_mono)
            else:
                self.now = due
                _, _, todo, args = heapq.heappop(heap)
                todo(*args)

    @property
    def trace(self) -> str:
        """Digest of every event and effect so far, in their order."""
        return self._trace.hexdigest()
