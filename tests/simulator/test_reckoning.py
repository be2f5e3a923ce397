"""The account of all fixes: each has one fate, and what is lost is called lost."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire import track
from agent.wire.records import Clock, ClockFix, Pos, Position, Record
from agent.wire.track import TrackFix
from simulator.bench.receiver import Emitted
from simulator.reckoning import COMMIT_S_MAX, START_S_MAX, Account, Fate, Harvest, Life, Span, reckon

UTC_MS = 1_800_000_000_000
BORN_AT = 100.0
"""Monotonic second of the first epoch; UTC_MS is its instant."""

OFFSET_MS = UTC_MS - round(BORN_AT * 1000)
BOOT = "0123456789abcdef"


def epoch(n: int, listened: bool = True, standing: bool = False) -> Emitted:
    return Emitted(UTC_MS + 1000 * n, 36.6 if standing else 36.6 + n * 1e-5, 101.7, BORN_AT + n, listened)


def drive(count: int, standing: bool = False) -> list[Emitted]:
    return [epoch(n, standing=standing) for n in range(count)]


def utc(epochs: list[Emitted]) -> Record:
    return track.pack([TrackFix(e.utc_ms, e.lat, e.lon) for e in epochs], "utc")


def mono(epochs: list[Emitted], late_s: float = 0.004) -> Record:
    """What an agent that does not know the time makes of them; it stamps a bit later than the receiver sends."""
    packed = track.pack([TrackFix(round((e.at + late_s) * 1000), e.lat, e.lon) for e in epochs], "mono")
    return type(packed)(n=packed.n, t_is=packed.t_is, cols=packed.cols, absent=packed.absent, boot=BOOT)


def account(
    epochs: list[Emitted],
    records: list[Record],
    lives: list[Life] | None = None,
    unplugged: list[Span] | None = None,
    settled_at: float = math.inf,
) -> Account:
    harvest = Harvest()
    for record in records:
        harvest.take(record)
    return reckon(epochs, harvest, lives or [Life(BORN_AT - 10)], unplugged or [], settled_at)


def fates(told: Account) -> str:
    """One letter for each fix: D A U K W L."""
    letters = {
        Fate.DELIVERED: "D",
        Fate.NO_AGENT: "A",
        Fate.UNPLUGGED: "U",
        Fate.UNCOMMITTED: "K",
        Fate.WAITING: "W",
        Fate.LOST: "L",
    }
    return "".join(letters[fate] for fate in told.fates)


def test_fixes_that_came_in_tracks_are_delivered() -> None:
    epochs = drive(10)
    told = account(epochs, [utc(epochs[:4]), utc(epochs[4:])])
    assert fates(told) == "DDDDDDDDDD"
    assert (told.duplicates, told.altered, told.invented) == (0, 0, 0)


def test_a_fix_that_never_came_is_lost() -> None:
    epochs = drive(10)
    told = account(epochs, [utc(epochs[:4]), utc(epochs[5:])])
    assert fates(told) == "DDDDLDDDDD"
    assert told.of(Fate.LOST) == [epochs[4]]


def test_a_live_position_delivers_no_fix() -> None:
    epochs = drive(3)
    live = Position(boot=BOOT, time=epochs[1].utc_ms, mono=round(epochs[1].at * 1000), clock=Clock("gnss", 500))
    assert fates(account(epochs, [utc(epochs[:1]), live, utc(epochs[2:])])) == "DLD"


def test_a_fix_in_two_records_is_a_duplicate() -> None:
    epochs = drive(5)
    told = account(epochs, [utc(epochs), utc(epochs[3:])])
    assert (fates(told), told.duplicates) == ("DDDDD", 2)


def test_a_fix_at_another_place_is_altered_and_lost() -> None:
    epochs = drive(3)
    moved = [epochs[0], epochs[1]._replace(lat=epochs[1].lat + 1e-6), epochs[2]]
    told = account(epochs, [utc(moved)])
    assert (fates(told), told.altered) == ("DLD", 1)


def test_rounding_to_the_wires_unit_alters_nothing() -> None:
    exact = epoch(0)._replace(lat=36.620000049, lon=101.78000005)
    assert account([exact], [utc([exact])]).altered == 0


def test_a_fix_that_no_receiver_told_is_invented() -> None:
    epochs = drive(3)
    told = account(epochs, [utc(epochs), utc([epoch(99)])])
    assert (fates(told), told.invented) == ("DDD", 1)


# --- lives of the agent -----------------------------------------------------------------------------------------------------------------


def test_what_was_told_between_two_lives_is_counted_apart() -> None:
    epochs = [epoch(n, listened=n not in (4, 5)) for n in range(9)]
    lives = [Life(BORN_AT - 10, BORN_AT + 3.5), Life(BORN_AT + 5.6)]
    assert fates(account(epochs, [utc(epochs[:4]), utc(epochs[6:])], lives)) == "DDDDAADDD"


def test_a_process_that_is_starting_has_not_heard_the_receiver_yet() -> None:
    """The first epoch that found the port open may have been flushed by the opening; the second not."""
    epochs = [epoch(n, listened=n >= 2) for n in range(6)]
    lives = [Life(BORN_AT - 0.1)]
    assert fates(account(epochs, [utc(epochs[3:])], lives)) == "AAADDD"
    assert fates(account(epochs, [utc(epochs[4:])], lives)) == "AAALDD"


def test_a_process_that_never_opens_the_port_loses_what_it_should_have_heard() -> None:
    epochs = [epoch(n, listened=False) for n in range(9)]
    started_late = int(START_S_MAX) + 1
    assert fates(account(epochs, [], [Life(BORN_AT - 0.1)])) == "A" * (started_late - 1) + "L" * (9 - started_late + 1)


def test_a_port_closed_in_the_middle_of_a_life_is_a_loss() -> None:
    epochs = [epoch(n, listened=n != 5) for n in range(9)]
    assert fates(account(epochs, [utc(epochs[:5]), utc(epochs[6:])])) == "DDDDDLDDD"


def killed(at: float, uncommitted_s_max: float = 2.0) -> Life:
    return Life(BORN_AT - 10, at, killed=True, uncommitted_s_max=uncommitted_s_max)


def test_a_kill_may_take_the_run_of_fixes_that_was_not_on_disk() -> None:
    epochs = drive(8)
    told = account(epochs, [utc(epochs[:6])], [killed(BORN_AT + 7.5)])
    assert fates(told) == "DDDDDDKK"
    assert told.uncommitted_s == pytest.approx(1.5)


def test_a_kill_may_not_take_more_than_the_interval() -> None:
    epochs = drive(12)
    ended_at = BORN_AT + 11.5
    told = account(epochs, [utc(epochs[:4])], [killed(ended_at)])
    taken = sum(ended_at - e.at <= 2.0 + COMMIT_S_MAX for e in epochs)
    assert fates(told) == "DDDD" + "L" * (8 - taken) + "K" * taken


def test_a_hole_before_a_fix_that_arrived_is_a_loss_however_young() -> None:
    epochs = drive(8)
    assert fates(account(epochs, [utc(epochs[:5]), utc([epochs[6]])], [killed(BORN_AT + 7.5)])) == "DDDDDLDK"


def test_a_life_that_ended_in_order_takes_nothing_with_it() -> None:
    epochs = drive(8)
    assert fates(account(epochs, [utc(epochs[:6])], [Life(BORN_AT - 10, BORN_AT + 7.5)])) == "DDDDDDLL"


def test_uncommitted_fixes_that_were_seen_live_are_told() -> None:
    epochs = drive(8)
    pos = Pos(epochs[6].lat, epochs[6].lon, "3d", "gnss", age_ms=200)
    seen = Position(boot=BOOT, time=epochs[6].utc_ms + 200, mono=round(epochs[6].at * 1000) + 200, clock=Clock("gnss", 500), pos=pos)
    told = account(epochs, [utc(epochs[:6]), seen], [killed(BORN_AT + 7.5)])
    assert (fates(told), told.uncommitted_seen_live) == ("DDDDDDKK", 1)


def test_pulling_the_plug_is_not_the_agents_loss() -> None:
    epochs = [epoch(n) for n in (0, 1, 2, 3, 8, 9, 10, 11, 12)]
    spans = [Span(BORN_AT + 3.1, BORN_AT + 7.5)]
    assert fates(account(epochs, [utc(epochs[:3]), utc(epochs[6:8])], unplugged=spans)) == "DDDUUUDDL"


def test_what_may_still_come_is_waiting_and_not_lost() -> None:
    epochs = drive(6)
    assert fates(account(epochs, [utc([epochs[0], epochs[2]])], settled_at=BORN_AT + 3.5)) == "DLDLWW"


# --- before the time was known ------------------------------------------------------------------------------------------------------------


def test_monotonic_fixes_are_found_by_the_boots_clock_fix() -> None:
    epochs = drive(6)
    told = account(epochs, [mono(epochs[:3]), utc(epochs[3:]), ClockFix(boot=BOOT, of=BOOT, offset_ms=OFFSET_MS + 7)])
    assert (fates(told), told.invented) == ("DDDDDD", 0)


@pytest.mark.parametrize("standing", [False, True])
def test_a_lost_fix_among_monotonic_ones_is_lost(standing: bool) -> None:
    epochs = drive(6, standing)
    told = account(epochs, [mono([*epochs[:2], *epochs[3:]]), ClockFix(boot=BOOT, of=BOOT, offset_ms=OFFSET_MS + 7)])
    assert fates(told) == "DDLDDD"


def test_any_dated_record_of_the_boot_dates_its_fixes() -> None:
    epochs = drive(4)
    dated = ClockFix(boot=BOOT, of="f" * 16, offset_ms=0, time=OFFSET_MS + 5000, mono=5000)
    assert fates(account(epochs, [mono(epochs, late_s=0.05), dated])) == "DDDD"


def test_a_boot_that_never_knew_the_time_is_found_by_its_places() -> None:
    epochs = drive(5)
    assert fates(account(epochs, [mono([*epochs[:2], *epochs[3:]])])) == "DDLDD"


def test_a_monotonic_fix_at_a_place_where_the_car_never_was_is_invented() -> None:
    epochs = drive(3)
    elsewhere = epochs[1]._replace(lat=30.0)
    told = account(epochs, [mono([epochs[0], elsewhere, epochs[2]]), ClockFix(boot=BOOT, of=BOOT, offset_ms=OFFSET_MS)])
    assert (fates(told), told.invented) == ("DLD", 1)


# --- always -----------------------------------------------------------------------------------------------------------------------------


@given(came=st.lists(st.booleans(), min_size=1, max_size=40), kill=st.integers(0, 50), gap=st.integers(0, 5))
def test_every_fix_has_one_fate_and_what_came_is_delivered(came: list[bool], kill: int, gap: int) -> None:
    epochs = drive(len(came))
    lives = [killed(BORN_AT + kill + 0.5), Life(BORN_AT + kill + gap + 0.5)]
    arrived = [e for e, yes in zip(epochs, came, strict=True) if yes]
    told = account(epochs, [utc(arrived)] if arrived else [], lives)
    assert sum(told.count(fate) for fate in Fate) == len(epochs)
    assert told.of(Fate.DELIVERED) == arrived
    excused = [e for fate in (Fate.NO_AGENT, Fate.UNCOMMITTED) for e in told.of(fate)]
    for e in excused:  # only around the kill, or while nothing ran, or at the start of a life
        assert e.at <= BORN_AT + kill + gap + 0.5 + START_S_MAX or e is epochs[0]
