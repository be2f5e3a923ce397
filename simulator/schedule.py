"""How often things go wrong: a seed, the name of a preset and hours go in, a schedule of typed faults comes out.

Faults of different kinds meet as chance will have it; two of a kind never do.
"""

import random
from typing import NamedTuple

from simulator.faults import (
    AcksSlow,
    AdapterDies,
    BlackHole,
    BrokerRefuses,
    BrokerRestarts,
    ButtonStuck,
    ClockWrong,
    DiskSlow,
    EventsDoubled,
    EventsLate,
    EventsLost,
    Fault,
    FixesTimeless,
    FixesVoid,
    InputNoise,
    InputsFail,
    Killed,
    LinkOutage,
    OldBroker,
    OutputsMute,
    PowerCut,
    PublishesRefused,
    ReaderStalls,
    ReceiverGarbled,
    ReceiverSilent,
    ReceiverUnplugged,
    Restarted,
    StoreDamaged,
    StoreDown,
    StoreFull,
)
from simulator.faults_gnss import (
    AntennaOpen,
    AntennaSaidOnce,
    AntennaShort,
    BaudFlip,
    ColdStart,
    DefaultDate,
    FrozenPosition,
    Jam,
    LinesDamaged,
    Multipath,
    PositionJump,
    PowerDip,
    RollOver,
    SpoofDragOff,
    Tunnel,
    WarmStart,
)
from simulator.faults_link import BrokerForgets, FirstBrokerDown
from simulator.faults_wires import (
    BatteryLow,
    ButtonWireBroken,
    Crank,
    EmiBurst,
    LampsBurnt,
    RecorderDies,
    RelayWelded,
    SupplySags,
    WireBroken,
)


class Option(NamedTuple):
    """One row: times per hour in each preset, the range of seconds that it lasts, the range of its strength."""

    fault: type[Fault]
    calm: float
    field: float
    storm: float
    gnss: float
    link: float
    wires: float
    lasts_s: tuple[float, float]
    strength: tuple[float, float] = (0.0, 0.0)


# fmt: off
OPTIONS: tuple[Option, ...] = (
    #      fault              calm  field storm gnss  link  wires lasts_s          strength
    Option(LinkOutage,        0.25, 2.0,  6.0,  0.3,  6.0,  2.0,  (2.0, 900.0)),
    Option(BlackHole,         0.0,  0.3,  3.0,  0.0,  3.0,  0.3,  (10.0, 180.0)),
    Option(BrokerRefuses,     0.0,  0.2,  2.0,  0.0,  2.0,  0.0,  (10.0, 300.0)),
    Option(BrokerRestarts,    0.0,  0.1,  2.0,  0.0,  3.0,  0.5,  (1.0, 30.0)),
    Option(OldBroker,         0.0,  0.02, 0.5,  0.0,  0.3,  0.0,  (600.0, 3600.0)),
    Option(PublishesRefused,  0.0,  0.05, 1.0,  0.0,  1.5,  0.0,  (5.0, 120.0)),
    Option(AcksSlow,          0.0,  0.3,  2.0,  0.0,  2.0,  0.5,  (20.0, 300.0),  (0.5, 15.0)),
    Option(EventsLost,        0.0,  0.05, 2.0,  0.0,  1.5,  0.5,  (1.0, 60.0),    (0.02, 0.4)),
    Option(EventsDoubled,     0.0,  0.05, 2.0,  0.0,  1.5,  0.5,  (1.0, 60.0),    (0.02, 0.5)),
    Option(EventsLate,        0.0,  0.05, 2.0,  0.0,  1.5,  0.5,  (1.0, 60.0),    (0.05, 3.0)),
    Option(Killed,            0.0,  0.1,  2.0,  0.1,  2.0,  2.0,  (1.0, 5.0)),
    Option(PowerCut,          0.0,  0.15, 2.0,  0.1,  2.0,  2.0,  (5.0, 120.0)),
    Option(Restarted,         0.0,  0.1,  1.0,  0.1,  1.0,  1.0,  (4.0, 10.0)),
    Option(AdapterDies,       0.0,  0.05, 1.0,  0.0,  0.5,  0.5,  (1.0, 5.0)),
    Option(DiskSlow,          0.0,  0.2,  2.0,  0.0,  2.0,  1.0,  (30.0, 600.0),  (0.3, 2.0)),
    Option(StoreDown,         0.0,  0.05, 1.0,  0.0,  1.0,  0.5,  (10.0, 600.0)),
    Option(StoreDamaged,      0.0,  0.02, 0.3,  0.0,  0.2,  0.0,  (0.0, 0.0),     (0.0, 1.0)),
    Option(ReceiverUnplugged, 0.0,  0.1,  1.0,  0.5,  0.0,  0.0,  (5.0, 300.0)),
    Option(ReceiverSilent,    0.0,  0.1,  1.0,  0.5,  0.0,  0.0,  (5.0, 300.0)),
    Option(ReceiverGarbled,   0.0,  0.1,  1.0,  0.5,  0.0,  0.0,  (5.0, 120.0)),
    Option(ReaderStalls,      0.0,  0.2,  2.0,  0.5,  0.0,  0.0,  (0.5, 90.0)),
    Option(FixesVoid,         0.5,  1.0,  3.0,  0.7,  0.0,  0.0,  (5.0, 600.0)),
    Option(FixesTimeless,     0.0,  0.05, 1.0,  0.5,  0.0,  0.0,  (5.0, 300.0)),
    Option(ClockWrong,        0.0,  0.1,  1.0,  0.5,  0.0,  0.0,  (60.0, 1200.0), (-48.0, 48.0)),
    Option(InputNoise,        0.0,  0.5,  4.0,  0.0,  0.0,  4.0,  (1.0, 120.0),   (0.03, 2.0)),
    Option(InputsFail,        0.0,  0.02, 0.5,  0.0,  0.0,  0.3,  (2.0, 30.0)),
    Option(ButtonStuck,       0.0,  0.02, 0.3,  0.0,  0.2,  0.5,  (20.0, 200.0)),
    Option(OutputsMute,       0.0,  0.05, 1.0,  0.0,  0.0,  1.0,  (1.0, 60.0)),
    Option(Jam,               0.0,  0.2,  1.0,  0.8,  0.0,  0.0,  (30.0, 300.0),  (11.0, 16.0)),
    Option(SpoofDragOff,      0.0,  0.1,  0.7,  0.8,  0.0,  0.0,  (30.0, 240.0),  (4.0, 12.0)),
    Option(PositionJump,      0.0,  0.2,  1.0,  0.8,  0.0,  0.0,  (1.0, 300.0),   (0.5, 20.0)),
    Option(FrozenPosition,    0.0,  0.1,  0.7,  0.7,  0.0,  0.0,  (10.0, 300.0)),
    Option(AntennaOpen,       0.0,  0.1,  0.7,  0.7,  0.0,  0.0,  (10.0, 300.0)),
    Option(RollOver,          0.0,  0.1,  0.7,  0.5,  0.0,  0.0,  (30.0, 1200.0)),
    Option(AntennaShort,      0.0,  0.1,  0.7,  0.5,  0.0,  0.0,  (10.0, 300.0)),
    Option(ColdStart,         0.0,  0.05, 0.7,  0.5,  0.0,  0.0,  (30.0, 60.0),    (-3.0, 18.0)),
    Option(WarmStart,         0.0,  0.1,  1.0,  0.7,  0.0,  0.0,  (5.0, 30.0),     (-2.0, 2.0)),
    Option(PowerDip,          0.0,  0.1,  1.0,  0.5,  0.0,  0.0,  (1.0, 2.0)),
    Option(BaudFlip,          0.0,  0.05, 0.5,  0.4,  0.0,  0.0,  (1.0, 2.0)),
    Option(Tunnel,            0.3,  1.0,  3.0,  1.0,  0.0,  0.0,  (20.0, 240.0),   (-1.0, 1.5)),
    Option(Multipath,         0.5,  1.0,  3.0,  1.0,  0.0,  0.0,  (30.0, 900.0),   (3.0, 8.0)),
    Option(LinesDamaged,      0.0,  0.1,  1.0,  0.5,  0.0,  0.0,  (5.0, 120.0),    (0.05, 0.5)),
    Option(StoreFull,         0.0,  0.05, 1.0,  0.0,  1.0,  0.0,  (10.0, 900.0)),
    Option(FirstBrokerDown,   0.0,  0.1,  0.5,  0.0,  0.5,  0.0,  (60.0, 3600.0)),
    Option(BrokerForgets,     0.0,  0.1,  0.5,  0.0,  1.0,  0.0,  (1.0, 300.0)),
    Option(AntennaSaidOnce,   0.0,  0.1,  0.7,  0.5,  0.0,  0.0,  (30.0, 900.0)),
    Option(DefaultDate,       0.0,  0.05, 0.7,  0.5,  0.0,  0.0,  (20.0, 120.0),   (0.0, 3.99)),
    Option(EmiBurst,          0.0,  0.5,  4.0,  0.0,  0.0,  8.0,  (0.1, 5.0),      (0.05, 0.4)),
    Option(WireBroken,        0.0,  0.1,  1.0,  0.0,  0.0,  3.0,  (5.0, 300.0),    (0.0, 0.999)),
    Option(ButtonWireBroken,  0.0,  0.02, 0.3,  0.0,  0.0,  0.5,  (5.0, 100.0)),
    Option(Crank,             0.2,  0.5,  2.0,  0.0,  0.0,  4.0,  (0.3, 2.0)),
    Option(BatteryLow,        0.0,  0.05, 0.5,  0.0,  0.0,  1.0,  (30.0, 600.0)),
    Option(SupplySags,        0.0,  0.05, 0.5,  0.0,  0.0,  0.5,  (30.0, 600.0)),
    Option(LampsBurnt,        0.0,  0.05, 0.5,  0.0,  0.0,  1.5,  (30.0, 600.0),   (0.0, 0.999)),
    Option(RelayWelded,       0.0,  0.05, 0.5,  0.0,  0.0,  1.5,  (30.0, 600.0),   (0.0, 0.999)),
    Option(RecorderDies,      0.0,  0.05, 0.5,  0.0,  0.0,  1.0,  (60.0, 600.0)),
)
# fmt: on

PRESETS = ("calm", "field", "storm", "gnss", "link", "wires")


def schedule(rng: random.Random, preset: str, hours: float) -> list[Fault]:
    """Faults of `hours` hours in the order in which they begin; every one is over by then.

    Raises:
        ValueError: there is no preset of that name.
    """
    if preset not in PRESETS:
        raise ValueError(f"no preset {preset!r}; there are {', '.join(PRESETS)}")
    faults: list[Fault] = []
    for option in OPTIONS:
        per_hour: float = getattr(option, preset)
        at = 0.0
        while per_hour:
            at += rng.expovariate(per_hour / 3600)
            lasts_s = rng.uniform(*option.lasts_s)
            if at + lasts_s >= hours * 3600:
                break
            faults.append(option.fault(at, lasts_s, rng.uniform(*option.strength)))
            at += lasts_s
    return sorted(faults, key=lambda fault: fault.at)
