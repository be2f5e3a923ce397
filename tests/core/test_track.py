"""The track: the open batch × every event; then that batches are sealed in time and no fix is lost or changed."""

import math
from collections.abc import Callable
from typing import TypeGuard

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Store
from agent.core.events import (
    Drafted,
    Event,
    Fix,
    FixMode,
    Lane,
    LinkDown,
    LinkUp,
    Reported,
    SpoolDown,
    SpoolOpened,
    StopRequested,
    StoreRoom,
)
from agent.core.part import Output
from agent.core.timebase import Timebase
from agent.core.track import DRAFT, FIXES_MAX, OFFLINE_FIXES, TrackLog
from agent.wire import codec
from agent.wire.records import Track
from agent.wire.track import MODES, TrackFix, unpack
from tests.core.builders import UTC_MS, Bench, assert_covers, clock_read, fix, link_down, link_up, of, one, timed_fix, told_time

OFFLINE_S, ONLINE_S = Store().commit_interval_s, Store().commit_interval_online_s
AT = 20.5


def made(time: Timebase | None = None) -> Bench:
    return Bench(TrackLog(Store(), time or told_time()))


def opened(online: bool) -> Bench:
    bench = made()
    if online:
        bench.feed(link_up(1.0))
    bench.feed(timed_fix(18.0), timed_fix(19.0), timed_fix(20.0))
    return bench


def empty(online: bool) -> Bench:
    bench = made()
    if online:
        bench.feed(link_up(1.0))
    return bench


def full() -> Bench:
    bench = made()
    bench.feed(*(timed_fix(14.0 + i / 100) for i in range(FIXES_MAX)))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "empty offline": lambda: empty(False),
    "empty online": lambda: empty(True),
    "open offline": lambda: opened(False),
    "open online": lambda: opened(True),
    "full": full,
}


def sealed(outs: list[Output]) -> list[int]:
    """How many fixes each batch has that came out."""
    return [out.record.n for out in outs if final(out) and isinstance(out.record, Track)]


def final(out: Output) -> TypeGuard[Reported | Drafted]:
    """Whether it is a batch that is sealed."""
    return isinstance(out, Reported) or (isinstance(out, Drafted) and out.final)


def drafts(outs: list[Output]) -> list[int]:
    """How many fixes each batch has that was put on disk and goes on growing."""
    return [out.record.n for out in of(Drafted, outs) if not out.final and isinstance(out.record, Track)]


OPEN = {"empty offline": 0, "empty online": 0, "open offline": 3, "open online": 3, "full": FIXES_MAX}

TABLE: list[tuple[str, Event, list[int], int]] = [
    # state, event, batches sealed, fixes in the open one then
    ("empty offline", timed_fix(AT), [], 1),
    ("empty offline", link_up(AT), [], 0),
    ("empty offline", link_down(AT), [], 0),
    ("empty offline", StopRequested(AT, "x"), [], 0),
    ("empty online", timed_fix(AT), [], 1),
    ("empty online", link_up(AT), [], 0),
    ("empty online", link_down(AT), [], 0),
    ("empty online", StopRequested(AT, "x"), [], 0),
    ("open offline", timed_fix(AT), [], 4),
    ("open offline", timed_fix(20.0), [], 3),  # said twice
    ("open offline", fix(AT, mode=FixMode.NONE), [], 3),
    ("open offline", fix(AT, lat=None, lon=None), [], 3),
    ("open offline", fix(AT), [3], 1),  # without UTC the column would change its meaning
    ("open offline", timed_fix(AT, UTC_MS + 10_000), [3], 1),
    ("open offline", link_up(AT), [], 3),
    ("open offline", link_down(AT), [], 3),
    ("open offline", StopRequested(AT, "x"), [3], 0),
    ("open online", timed_fix(AT), [], 4),
    ("open online", link_up(AT), [], 3),
    ("open online", link_down(AT), [], 3),
    ("open online", link_down(18.0 + OFFLINE_S), [], 3),
    ("open online", StopRequested(AT, "x"), [3], 0),
    ("full", timed_fix(AT), [FIXES_MAX], 1),
    ("full", link_up(AT), [], FIXES_MAX),
    ("full", link_down(AT), [], FIXES_MAX),
    ("full", StopRequested(AT, "x"), [FIXES_MAX], 0),
    *(
        (state, event, [], then)
        for state, then in OPEN.items()
        for event in (SpoolOpened(AT, {}, {}), SpoolDown(AT, "x"), StoreRoom(AT, False))
    ),
]


@pytest.mark.parametrize(("state", "event", "batches", "then"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, batches: list[int], then: int) -> None:
    bench = STATES[state]()
    assert sealed(bench.feed(event)) == batches
    assert bench.part.status(AT)["open"] == then


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(TrackLog, STATES, ((state, type(event)) for state, event, _, _ in TABLE))


def test_with_a_link_a_batch_is_sealed_at_its_age_from_its_first_fix() -> None:
    bench = opened(online=True)
    assert bench.until(18.0 + ONLINE_S - 0.001) == []
    report = one(Reported, bench.until(18.0 + ONLINE_S))
    assert (report.at, report.lane, report.slot, report.seq) == (18.0 + ONLINE_S, Lane.BACKFILL, None, None)
    assert bench.part.deadline == math.inf


def test_without_a_link_a_batch_is_put_on_disk_again_and_again_and_sealed_when_it_is_large() -> None:
    bench = made()
    outs = bench.feed(*(timed_fix(1.0 + i) for i in range(OFFLINE_FIXES + 30)))
    assert drafts(outs) == [10 * i for i in range(1, OFFLINE_FIXES // 10)] + [10, 20]
    assert sealed(outs) == [OFFLINE_FIXES]
    assert {out.draft for out in of(Drafted, outs)} == {DRAFT}
    assert outs[0].at == 1.0 + OFFLINE_S  # type: ignore[union-attr]  # a draft


def test_a_batch_that_has_not_grown_is_not_put_on_disk_again() -> None:
    assert drafts(opened(online=False).until(10_000.0)) == [3]


def test_a_batch_that_was_on_disk_is_sealed_as_the_same_record_when_the_link_is_back() -> None:
    bench = opened(online=False)
    assert drafts(bench.until(30.0)) == [3]
    outs = bench.feed(link_up(31.0), timed_fix(32.0), timed_fix(100.0))
    draft = one(Drafted, outs)
    assert (draft.at, draft.final, sealed(outs)) == (18.0 + ONLINE_S, True, [4])


@pytest.mark.parametrize("gone", [SpoolDown(32.0, "read-only"), StoreRoom(32.0, False, "full")])
def test_a_draft_is_sealed_when_the_store_goes_and_the_next_one_is_not_sealed_again_each_time_that_it_is_said_to_be_gone(
    gone: Event,
) -> None:
    """What lies in a store that is away has to wait for it: later fixes need not."""
    bench = opened(online=False)
    bench.feed(SpoolOpened(17.0, {}, {}))
    assert drafts(bench.until(30.0)) == [3]
    assert sealed(bench.feed(timed_fix(31.0), gone)) == [4]
    outs = bench.feed(timed_fix(33.0), timed_fix(45.0), msgspec.structs.replace(gone, at=50.0))
    assert (drafts(outs), sealed(outs)) == ([1], [])


def test_a_batch_that_was_never_on_disk_is_not_sealed_when_the_store_goes() -> None:
    bench = opened(online=False)
    assert sealed(bench.feed(SpoolOpened(20.1, {}, {}), SpoolDown(20.2, "gone"))) == []


def test_an_empty_batch_is_never_sealed() -> None:
    assert made().until(10_000.0) == []


def test_a_link_that_comes_gives_the_open_batch_its_longer_time() -> None:
    bench = opened(online=False)
    bench.feed(link_up(21.0))
    assert bench.part.deadline == 18.0 + ONLINE_S
    bench.feed(link_down(22.0))
    assert bench.part.deadline == 18.0 + OFFLINE_S


def test_times_are_utc_when_the_receivers_agree_with_the_units() -> None:
    record = one(Drafted, opened(online=False).until(100.0)).record
    assert isinstance(record, Track)
    assert (record.t_is, [found.t for found in unpack(record)]) == ("utc", [UTC_MS + 18_000, UTC_MS + 19_000, UTC_MS + 20_000])


def test_times_are_monotonic_while_the_time_is_not_known_by_the_receiver() -> None:
    for time in (Timebase(), _by_ntp()):
        bench = made(time)
        bench.feed(timed_fix(1.0), timed_fix(2.0))
        record = one(Drafted, bench.until(100.0)).record
        assert isinstance(record, Track)
        assert (record.t_is, [found.t for found in unpack(record)]) == ("mono", [1000, 2000])


def _by_ntp() -> Timebase:
    time = Timebase()
    time.handle(clock_read(0.0))
    return time


GRID = st.integers(-900_000_000, 900_000_000)
FIXES = st.lists(
    st.builds(
        lambda lat, lon, alt, speed, course, hdop, acc, sats, mode: {
            "lat": lat / 1e7,
            "lon": lon / 1e7,
            "alt_m": None if alt is None else alt / 10,
            "speed_mps": None if speed is None else speed / 100,
            "course_deg": None if course is None else course / 100,
            "hdop": None if hdop is None else hdop / 100,
            "acc_m": None if acc is None else acc / 100,
            "sats": sats,
            "mode": mode,
        },
        GRID,
        GRID,
        st.none() | st.integers(-5000, 90_000),
        st.none() | st.integers(0, 9000),
        st.none() | st.integers(0, 35_999),
        st.none() | st.integers(30, 9999),
        st.none() | st.integers(0, 9999),
        st.dictionaries(st.sampled_from(["BD", "GP", "GL"]), st.integers(1, 20), max_size=3),
        st.sampled_from([FixMode.TWO_D, FixMode.THREE_D, FixMode.DEAD_RECKONING, FixMode.FIXED]),
    ),
    min_size=1,
    max_size=40,
)
STEPS = st.lists(st.tuples(st.floats(0.1, 30.0), st.sampled_from(["", "", "", "up", "down", "untimed", "none"])), min_size=40, max_size=40)


@given(FIXES, STEPS)
@settings(max_examples=100, deadline=None)
def test_no_fix_is_lost_or_changed_on_its_way_through_batches_and_bytes(
    facts: list[dict[str, object]], steps: list[tuple[float, str]]
) -> None:
    bench = made()
    at, wanted = 3.0, []
    for found, (wait, what) in zip(facts, steps, strict=False):
        at = round(at + wait, 3)
        if what in ("up", "down"):
            bench.feed(link_up(at) if what == "up" else link_down(at))
        if what == "none":
            bench.feed(fix(at, mode=FixMode.NONE, lat=None, lon=None))
            continue
        utc = None if what == "untimed" else round(at * 1000) + UTC_MS
        one_fix = Fix(at, utc_ms=utc, **found)  # type: ignore[arg-type]  # drawn by name
        bench.feed(one_fix)
        sats = sum(one_fix.sats.values()) or None
        t = utc if utc is not None else round(at * 1000)
        wanted.append(
            TrackFix(
                t,
                one_fix.lat,
                one_fix.lon,
                one_fix.alt_m,
                one_fix.speed_mps,
                one_fix.course_deg,
                one_fix.hdop,
                one_fix.acc_m,
                sats,
                MODES.index(one_fix.mode.value),
            )
        )
    bench.feed(StopRequested(at + 0.001, "x"))
    records = [codec.decode(codec.encode(_headed(out))) for out in bench.all if final(out)]
    assert [found for record in records if isinstance(record, Track) for found in unpack(record)] == wanted
    assert all(out.at - _first_at(out) <= ONLINE_S + 1e-6 for out in of(Reported, bench.all))


def _headed(out: Reported | Drafted) -> Track:
    assert isinstance(out.record, Track)
    return msgspec.structs.replace(out.record, kind="track")


def _first_at(out: Reported) -> float:
    assert isinstance(out.record, Track)
    first = unpack(out.record)[0].t
    return (first - UTC_MS if out.record.t_is == "utc" else first) / 1000


def test_the_events_are_known_by_their_types() -> None:
    assert set(TrackLog.listens) == {Fix, LinkUp, LinkDown, SpoolOpened, SpoolDown, StoreRoom, StopRequested}


def test_fixes_of_one_stamp_are_told_apart_by_their_utc() -> None:
    """Seven instants in one read: none is lost, the same one said twice is taken once."""
    bench = made()
    for ms in range(0, 700, 100):
        bench.feed(fix(20.0, UTC_MS + 20_000 + ms), fix(20.0, UTC_MS + 20_000 + ms))
    assert bench.part.status(20.0)["fixes"] == 7


def test_fixes_of_one_stamp_without_utc_are_told_apart_by_what_they_say() -> None:
    bench = made()
    bench.feed(fix(20.0), fix(20.0), fix(20.0, lat=36.62), fix(20.0, lat=36.63), fix(19.0))
    assert bench.part.status(20.0)["fixes"] == 3


def test_fixes_that_came_late_together_are_one_dated_batch_whose_time_runs_from_the_read() -> None:
    """A stall of five minutes, sealed neither fix by fix nor before it has been open."""
    bench = made()
    outs: list[Output] = []
    for second in range(10, 311):
        outs += bench.part.handle(timed_fix(float(second), read_at=310.0))
        assert bench.part.deadline == 310.0 + OFFLINE_S
    outs += bench.feed(StopRequested(310.1, "x"))
    (batch,) = of(Reported, outs)
    assert isinstance(batch.record, Track)
    assert (batch.record.t_is, batch.record.n) == ("utc", 301)
