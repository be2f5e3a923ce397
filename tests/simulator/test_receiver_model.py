"""What the model of a receiver says, the agent's own reader understands: the true fixes, and nothing that was not said."""

import itertools
import math
import random
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from agent.adapters.nmea import Nmea, Told
from agent.core.events import Antenna, Fix, FixMode, Sky
from simulator import receiver_line
from simulator.receiver_model import ERROR_M, OPEN_SKY, REACQUIRE_S, TIME_S, TTFF_S, Conditions, ReceiverModel, Spoken, Start
from simulator.receiver_profiles import PROFILES
from simulator.receiver_words import Belief
from simulator.route import Route

START_MS = round(datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC).timestamp() * 1000)
MIDNIGHT_MS = round(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)
ROUTE = Route.through_xining(3)
WARM_S = 3
"""A hot start is over by then."""

AT_ANY_TIME = 50.0
"""After each damaged epoch: what happens without is told by a test of its own."""

METRE_DEG = 1 / 111_200
every_profile = pytest.mark.parametrize("name", sorted(PROFILES))


class Drive:
    """A receiver and the reader of its bytes; `at` is the moment of an epoch on the reader's clock, to the fix that came of it."""

    def __init__(
        self, name: str, seed: int = 1, hz: int = 1, start: Start = "hot", start_ms: int = START_MS, leap_ms: int | None = None
    ) -> None:
        self.model = ReceiverModel(PROFILES[name], seed, start_ms, start, leap_ms)
        self.reader = Nmea()
        self.spoken: dict[float, Spoken] = {}
        self.told: list[tuple[float, Told]] = []
        self._hz, self._n = hz, 0

    def go(self, seconds: float, conditions: Conditions = OPEN_SKY) -> list[float]:
        """Epochs under these conditions; their moments."""
        self.model.conditions = conditions
        return [self.step() for _ in range(round(seconds * self._hz))]

    def step(self, trouble: str = "", chance: random.Random | None = None) -> float:
        """One epoch."""
        at = AT_ANY_TIME + self._n / self._hz
        self.spoken[at] = self.model.say(self._n * 1000 // self._hz, ROUTE.at(self._n / self._hz))
        self._n += 1
        data = self.spoken[at].data
        if trouble == "baud":
            data = receiver_line.at_another_speed(data, 9600, 115_200)
        elif trouble == "endless":
            data = data[:-2]
        elif trouble and chance is not None:
            data = receiver_line.TROUBLES[trouble](data, chance)
        self._tell(at, self.reader.feed(at, data))
        return at

    def end(self) -> None:
        self._tell(AT_ANY_TIME + self._n / self._hz, self.reader.end())

    def _tell(self, at: float, told: Iterable[Told]) -> None:
        self.told += [(at, event) for event in told]

    @property
    def fixes(self) -> dict[float, Fix]:
        """Every fix by the moment of its first byte; no moment has two."""
        fixes = [event for _, event in self.told if isinstance(event, Fix)]
        by_moment = {fix.at: fix for fix in fixes}
        assert len(by_moment) == len(fixes)
        return by_moment

    def belief(self, at: float) -> Belief:
        return self.spoken[at].belief


def used(belief: Belief) -> dict[str, int]:
    counts: dict[str, int] = {}
    for sat in belief.sats:
        if sat.used:
            counts[sat.system] = counts.get(sat.system, 0) + 1
    return counts


def metres(drive: Drive, at: float) -> tuple[float, float]:
    """East and north of where it truly was."""
    fix, true = drive.fixes[at], ROUTE.at(at - AT_ANY_TIME)
    assert fix.lat is not None
    assert fix.lon is not None
    return (fix.lon - true.lon) / METRE_DEG * math.cos(math.radians(true.lat)), (fix.lat - true.lat) / METRE_DEG


def is_said(fix: Fix, spoken: Spoken) -> bool:
    """Whether a fix with a position is that which was said."""
    assert fix.lat is not None
    assert fix.lon is not None
    belief = spoken.belief
    near = abs(fix.lat - belief.lat) < 1e-9 and abs(fix.lon - belief.lon) < 1e-9
    return belief.valid and near and fix.utc_ms in (None, spoken.utc_ms)


# --- a clean drive of every kind of receiver ------------------------------------------------------------------------------------------


@every_profile
@pytest.mark.parametrize("hz", [1, 5, 10])
def test_the_reader_gives_back_each_fix_once_and_as_it_was_said(name: str, hz: int) -> None:
    """Position to the last digit, height, speed, course and HDOP to theirs, the time to the millisecond."""
    drive = Drive(name, hz=hz)
    moments = drive.go(40)
    drive.end()
    assert sorted(drive.fixes) == moments
    for at, fix in drive.fixes.items():
        belief = drive.belief(at)
        assert (fix.lat is not None) == belief.valid
        if belief.valid:
            assert is_said(fix, drive.spoken[at])
            assert fix.utc_ms == drive.spoken[at].utc_ms
            assert fix.mode is FixMode.THREE_D
            assert fix.alt_m == pytest.approx(belief.alt_m)
            assert fix.speed_mps == pytest.approx(belief.speed_mps, abs=0.003)
            assert fix.hdop == pytest.approx(belief.hdop, abs=0.051)
            if fix.course_deg is not None:
                assert abs((fix.course_deg - belief.course_deg + 180) % 360 - 180) < 0.0051
    assert drive.reader.counts()[1] == {}, "no line is refused"


@every_profile
def test_the_end_of_its_cycle_is_learned_and_a_fix_leaves_with_its_last_byte(name: str) -> None:
    drive = Drive(name, hz=10)
    drive.go(WARM_S)
    late = [at for at in drive.go(20) if not any(isinstance(told, Fix) and told.at == at == when for when, told in drive.told)]
    assert len(late) <= 3, "at the beginning, and when another system needs one GSA more"


@every_profile
def test_errors_of_position_are_as_stated_and_change_slowly(name: str) -> None:
    drive = Drive(name, seed=5)
    drive.go(WARM_S)
    moments = drive.go(900)[:-1]
    east = [metres(drive, at)[0] for at in moments]
    sigma = math.sqrt(math.fsum(error**2 for error in east) / len(east))
    steps = math.sqrt(math.fsum((b - a) ** 2 for a, b in itertools.pairwise(east)) / len(east))
    assert max(map(abs, east)) <= drive.model.error_m() + 0.1, "and a tenth for what is rounded"
    assert 0.4 * ERROR_M["open"] < sigma < 1.8 * ERROR_M["open"]
    assert steps < 0.35 * ERROR_M["open"]


@every_profile
def test_the_sky_is_told_with_its_satellites_each_under_its_own_number(name: str) -> None:
    """BeiDou's above 33 and the geostationary ones, too, whatever offset or talker that kind of receiver has."""
    drive = Drive(name)
    drive.go(20)
    at, sky = next((when, told) for when, told in reversed(drive.told) if isinstance(told, Sky))
    told_before = PROFILES[name].order[-1] == "GSV"  # the fix leaves before its sky is said
    said = [(sat.system, sat.prn, sat.elev_deg, sat.azim_deg, sat.cn0_dbhz) for sat in drive.belief(at - told_before).sats]
    assert {(one.system, one.prn, one.elev_deg, one.azim_deg, one.cn0_dbhz) for one in sky.satellites} == set(said)
    if "BD" in PROFILES[name].systems:
        assert {1, 2, 3} <= {one.prn for one in sky.satellites if one.system == "BD"}
        assert any(one.prn > 33 for one in sky.satellites if one.system == "BD")


@every_profile
def test_c_n0_grows_with_elevation(name: str) -> None:
    drive = Drive(name)
    drive.go(10)
    sats = [sat for sat in drive.belief(AT_ANY_TIME + 9).sats if sat.cn0_dbhz is not None]
    low = [sat.cn0_dbhz or 0 for sat in sats if sat.elev_deg < 25]
    high = [sat.cn0_dbhz or 0 for sat in sats if sat.elev_deg > 50]
    assert not low or not high or max(low) - 4 < min(high)


@every_profile
def test_the_satellites_used_are_counted_for_each_system(name: str) -> None:
    drive = Drive(name, start="warm")
    drive.go(TTFF_S["warm"][1] + 1)
    moments = drive.go(20)
    drive.end()
    for at in moments[5:]:
        assert drive.fixes[at].sats == used(drive.belief(at))


# --- antenna, starts ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(name for name, profile in PROFILES.items() if profile.antenna != "none"))
@pytest.mark.parametrize("state", ["open", "short"])
def test_the_antenna_s_state_is_told_and_told_again_when_it_is_well(name: str, state: str) -> None:
    drive = Drive(name)
    drive.go(3)
    drive.go(3, Conditions(antenna=state))
    drive.go(3)
    states = [told.state for _, told in drive.told if isinstance(told, Antenna)]
    assert list(dict.fromkeys(states)) == ["ok", state]
    assert states[-1] == "ok"


@every_profile
@pytest.mark.parametrize("start", ["cold", "warm", "hot"])
def test_a_start_takes_its_time_and_no_fix_is_told_before(name: str, start: Start) -> None:
    """Nor a time, though some tell that of a clock nobody set; the satellites come one after the other."""
    drive = Drive(name, start=start)
    drive.go(60)
    drive.end()
    assert all((fix.lat is not None) == drive.belief(at).valid for at, fix in drive.fixes.items())
    assert all(fix.utc_ms is None for at, fix in drive.fixes.items() if not drive.belief(at).valid)
    first = next(at for at, fix in drive.fixes.items() if fix.lat is not None) - AT_ANY_TIME
    shortest, longest = TTFF_S[start]
    assert shortest <= first <= longest + REACQUIRE_S + 1
    if start == "cold":
        heard = [sum(sat.cn0_dbhz is not None for sat in drive.belief(AT_ANY_TIME + s).sats) for s in (1, 10, 20)]
        assert heard == sorted(set(heard))
        assert drive.belief(AT_ANY_TIME + TIME_S[start] - 1).utc_ms in (None, 315_964_807_000)


# --- conditions -----------------------------------------------------------------------------------------------------------------------


@every_profile
def test_a_tunnel_ends_the_fix_with_the_first_epoch_in_it_and_it_is_back_behind(name: str) -> None:
    drive = Drive(name)
    drive.go(10)
    within = drive.go(20, Conditions("tunnel"))
    behind = drive.go(10)
    drive.end()
    assert all(drive.fixes[at].mode is FixMode.NONE for at in within)
    back = [at for at in behind if drive.fixes[at].mode is FixMode.THREE_D]
    assert back[0] <= behind[0] + REACQUIRE_S
    assert drive.fixes[back[0]].utc_ms == drive.spoken[back[0]].utc_ms


@every_profile
def test_a_canyon_has_fewer_satellites_and_errors_of_metres(name: str) -> None:
    drive = Drive(name, seed=5)
    open_sky = drive.go(60)[WARM_S:]
    canyon = drive.go(600, Conditions("canyon"))[:-1]
    fewer = [sum(used(drive.belief(at)).values()) for at in canyon]
    assert sum(fewer) / len(fewer) < 0.9 * sum(used(drive.belief(open_sky[0])).values())
    told = [metres(drive, at) for at in canyon if drive.fixes[at].lat is not None]
    assert max(max(map(abs, error)) for error in told) <= drive.model.error_m() + 0.1
    assert math.sqrt(math.fsum(north**2 for _, north in told) / len(told)) > 2 * ERROR_M["open"]


@every_profile
@pytest.mark.parametrize("jam_db", [10.0, 40.0])
def test_a_jammer_takes_its_decibels_from_each_satellite_and_a_strong_one_the_fix(name: str, jam_db: float) -> None:
    drive = Drive(name)
    before = drive.go(10)[-1]
    jammed = drive.go(5, Conditions(jam_db=jam_db))
    after = drive.go(5)[-2]
    clear = {(sat.system, sat.prn): sat.cn0_dbhz or 0 for sat in drive.belief(before).sats}
    for sat in drive.belief(jammed[0]).sats:
        if sat.cn0_dbhz is not None and (sat.system, sat.prn) in clear:
            assert clear[sat.system, sat.prn] - sat.cn0_dbhz == pytest.approx(jam_db, abs=5)
    assert (jam_db < 20) or all(drive.fixes[at].mode is FixMode.NONE for at in jammed)
    assert drive.fixes[after].mode is FixMode.THREE_D


@every_profile
def test_a_spoofer_pulls_the_position_away_slowly_with_signals_of_one_strength(name: str) -> None:
    drive = Drive(name)
    drive.go(10)
    dragged = drive.go(60, Conditions(drag_mps=3.0))
    after = drive.go(3)
    east = [metres(drive, at)[0] for at in dragged]
    assert east[-1] - east[0] == pytest.approx(3.0 * 59, abs=6)
    assert max(b - a for a, b in itertools.pairwise(east)) < 5, "no step is a jump"
    strengths = {sat.cn0_dbhz for sat in drive.belief(dragged[5]).sats if sat.cn0_dbhz is not None}
    assert max(strengths) - min(strengths) <= 2
    assert abs(metres(drive, after[0])[0]) <= drive.model.error_m()


@every_profile
def test_a_receiver_that_has_rolled_over_is_corrected(name: str) -> None:
    drive = Drive(name)
    drive.go(20, Conditions(rolled_over=True))
    drive.end()
    assert all(fix.utc_ms == drive.spoken[at].utc_ms for at, fix in drive.fixes.items() if fix.lat is not None)
    assert drive.reader.details()[0]["week_rollover"] > 0
    assert datetime.fromtimestamp((drive.belief(AT_ANY_TIME + 19).utc_ms or 0) / 1000, UTC).year == 2007


@every_profile
@pytest.mark.parametrize("hz", [1, 10])
def test_through_a_leap_second_time_never_runs_back(name: str, hz: int) -> None:
    """Second 60 is said and read, each epoch once; then the new year begins with its right date."""
    drive = Drive(name, hz=hz, start_ms=MIDNIGHT_MS - 10_000, leap_ms=MIDNIGHT_MS)
    drive.go(20)
    drive.end()
    assert sum(b",235960." in spoken.data for spoken in drive.spoken.values()) == hz
    assert len(drive.fixes) == len(drive.spoken)
    times = [fix.utc_ms for fix in drive.fixes.values() if fix.utc_ms is not None]
    assert times == sorted(times)
    assert times[-1] == MIDNIGHT_MS + 10_000 - 1000 - 1000 // hz
    assert all(fix.utc_ms == drive.spoken[at].utc_ms for at, fix in drive.fixes.items() if fix.lat is not None)


# --- the wire -------------------------------------------------------------------------------------------------------------------------


@every_profile
def test_at_another_speed_nothing_is_invented_and_back_at_its_own_the_next_fix_is_good(name: str) -> None:
    drive = Drive(name)
    drive.go(10)
    garbled = [drive.step("baud") for _ in range(5)]
    behind = drive.go(3)
    drive.end()
    assert not drive.fixes.keys() & set(garbled)
    assert set(behind) <= drive.fixes.keys()


@every_profile
@pytest.mark.parametrize("trouble", ["cut", "merged", "garbage", "flipped"])
def test_a_damaged_line_is_refused_and_the_next_fix_is_good(name: str, trouble: str) -> None:
    drive, chance = Drive(name), random.Random(4)
    drive.go(10)
    for _ in range(40):
        drive.step(trouble, chance)
        good = drive.step()
        drive.step()  # by now it has left, even where the end of the cycle has to be learned again
        assert is_said(drive.fixes[good], drive.spoken[good])
    assert sum(drive.reader.counts()[1].values()) > 10


@every_profile
def test_a_fix_after_a_lost_line_end_has_the_stamp_of_its_own_first_byte(name: str) -> None:
    drive = Drive(name)
    drive.go(10)
    drive.step("endless")
    behind = drive.go(3)
    drive.end()
    stamps = [told.at for _, told in drive.told if isinstance(told, Fix)]
    assert len(stamps) == len(set(stamps))
    assert set(behind) <= set(stamps)


# --- all of it ------------------------------------------------------------------------------------------------------------------------


def conditions_of(chance: random.Random) -> Conditions:
    """Mostly an open sky."""
    return chance.choice(
        [
            OPEN_SKY,
            OPEN_SKY,
            Conditions("canyon"),
            Conditions("tunnel"),
            Conditions(jam_db=chance.uniform(5, 40)),
            Conditions("canyon", jam_db=chance.uniform(2, 12)),
            Conditions(drag_mps=chance.uniform(0.5, 8)),
            Conditions(antenna=chance.choice(["open", "short"])),
            Conditions(rolled_over=True),
        ]
    )


@every_profile
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_no_fix_is_invented_and_none_is_lost_outside_a_fault_of_the_wire(name: str, seed: int) -> None:
    """Ten minutes over midnight and a leap second: every surrounding, start and damage, in an order that the seed draws."""
    chance = random.Random(seed)
    drive = Drive(name, seed, hz=2, start="cold", start_ms=MIDNIGHT_MS - 300_000, leap_ms=MIDNIGHT_MS)
    damaged = set()
    while len(drive.spoken) < 1200:
        if chance.random() < 0.1:
            drive.model.restart(chance.choice(["cold", "warm", "hot"]))
        drive.go(chance.uniform(5, 20), conditions_of(chance))
        if chance.random() < 0.7:
            trouble = chance.choice(["baud", *receiver_line.TROUBLES])
            damaged |= {drive.step(trouble, chance) for _ in range(chance.randint(1, 4))}
    drive.end()
    fixes = drive.fixes
    invented = [at for at, fix in fixes.items() if fix.lat is not None and not is_said(fix, drive.spoken[at])]
    lost = [at for at, spoken in drive.spoken.items() if spoken.belief.valid and at not in damaged and at not in fixes]
    void = [at for at, fix in fixes.items() if fix.lat is None and drive.belief(at).valid and at not in damaged]
    assert (invented, lost, void) == ([], [], [])
    times = [fixes[at].utc_ms or 0 for at in sorted(fixes) if fixes[at].utc_ms is not None]
    assert times == sorted(times)
    assert sum(spoken.belief.valid for spoken in drive.spoken.values()) > 300, "a story with fixes in it"
