"""The cap of a day in the virtual world: the core keeps it through midnight and a kill; one that does not keep it is found out."""

import msgspec
import pytest

from agent.config import Config
from agent.config import Unit as UnitSection
from agent.core.data_cap import MEMORY
from agent.core.events import Event, HistoryHeld, LiveSlowed
from agent.core.outbox import Outbox
from agent.core.position import Position
from agent.core.unit import Unit
from simulator.faults import Fault, Killed, LinkOutage, PowerCut
from simulator.promises import Broken
from simulator.world import World
from simulator.world_config import configured

CAP = 400_000
MIDNIGHT = 2 * 3600.0
"""The world begins at 08:00 UTC; on Kiritimati (UTC+14) it is 22:00."""


def world(unit: type[Unit] = Unit, hours: float = 2.05, faults: tuple[Fault, ...] = (), cap: int = CAP, seed: int = 1) -> World:
    return World(seed, hours, config=config(cap), faults=list(faults), unit=unit)


def config(cap: int) -> Config:
    """Where midnight is near, and little is in flight."""
    made = configured("field", cap)
    mqtt, where = msgspec.structs.replace(made.mqtt, window_bytes=1024), UnitSection(id="sim-1", timezone="Pacific/Kiritimati")
    return msgspec.structs.replace(made, mqtt=mqtt, unit=where)


def without(part: type[Outbox] | type[Position], event: type[Event]) -> type[Unit]:
    """A unit in which a part does not hear of something."""

    class Deaf(Unit):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they came
            self._listeners[event] = tuple((n, p) for n, p in enumerate(self.parts) if event in p.listens and not isinstance(p, part))

    return Deaf


class NeverEnds(Unit):
    """For whom the day never ends."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they came
        data = next(part for part in self.parts if part.name == "data")
        data._look = lambda at: None  # type: ignore[attr-defined]  # the defect


OUTAGE = LinkOutage(900.0, 2400.0)
"""What lies in the store after it is more than a minute of track."""


@pytest.mark.parametrize("faults", [(OUTAGE,), (OUTAGE, Killed(4500.0, 2.0), PowerCut(6000.0, 60.0))])
def test_history_waits_for_midnight_and_leaves_then(faults: tuple[Fault, ...]) -> None:
    made = world(faults=faults)
    held: list[tuple[float, bool]] = []
    tracks: list[float] = []
    sent = made.tell

    def listening(fact: object) -> None:
        if getattr(fact, "kind", "") == "track" and type(fact).__name__ == "Sent":
            tracks.append(made.now)
        unit = made.unit
        now_held = unit is not None and "data.cap" in unit.faults.active
        if not held or held[-1][1] != now_held:
            held.append((made.now, now_held))
        sent(fact)  # type: ignore[arg-type]  # as it came

    made.tell = listening  # type: ignore[method-assign]  # looks on
    made.run()
    assert any(now_held for at, now_held in held if at < MIDNIGHT)
    begins = next(at for at, now_held in held if now_held)
    assert not [at for at in tracks if begins + 60 < at < MIDNIGHT and not _restarts(faults, at)]
    assert [at for at in tracks if MIDNIGHT < at < MIDNIGHT + 120], "and then leaves"
    assert made.counts["fixes taken"] == made.counts["fixes delivered"] + made.counts["fixes uncommitted"]


def _restarts(faults: tuple[Fault, ...], at: float) -> bool:
    """Around a restart the unit has not read yet what it had counted."""
    return any(fault.at <= at <= fault.at + fault.lasts_s + 90 for fault in faults if not isinstance(fault, LinkOutage))


def test_a_count_lives_on_through_a_kill_and_a_power_cut() -> None:
    made = world(faults=(Killed(2000.0, 2.0), PowerCut(4000.0, 60.0)), hours=1.5, cap=100_000_000)
    made.run()
    remembered = int(made.store.memory[MEMORY].split()[1])
    truth = made.broker.bill.today
    assert made.broker.bill.day == int(made.store.memory[MEMORY].split()[0])
    assert truth * 0.85 <= remembered <= truth, "five minutes of some hours, twice, and what came since the last writing"


@pytest.mark.parametrize("unit", [without(Outbox, HistoryHeld), without(Position, LiveSlowed)])
def test_a_unit_that_does_not_keep_the_cap_is_found_out(unit: type[Unit]) -> None:
    with pytest.raises(Broken) as broken:
        world(unit, faults=(OUTAGE,), cap=200_000, hours=1.9).run()
    assert broken.value.name == "the cap is kept"


def test_a_unit_that_never_lets_go_is_found_out() -> None:
    with pytest.raises(Broken) as broken:
        world(NeverEnds, faults=(OUTAGE,), hours=1.9).run()
    assert broken.value.name == "nothing is lost"


def test_weather_and_a_cap_together() -> None:
    World(2, 2.2, "storm", config=config(CAP)).run()


def test_alarms_leave_when_all_is_used() -> None:
    made = world(hours=1.9, cap=200_000)
    made.after(6000.0, made.car.press, "panic", 1.5)
    made.run()
    assert made.counts["records of alarms beyond the cap"] >= 10


