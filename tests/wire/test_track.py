"""`agent.wire.track`: a batch of fixes comes back as it went in, to the stated units, and what cannot be a batch is refused."""

from collections.abc import Callable
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.wire import codec, track
from agent.wire.records import Track
from agent.wire.track import SCALES, TrackFix
from simulator.route import Route
from tests.wire.make_golden import decoded


def scaled(scale: float, low: int, high: int) -> st.SearchStrategy[float | None]:
    """A fact in its unit of the contract, or its absence."""
    return st.one_of(st.none(), st.integers(low, high).map(lambda v: v / scale))


FIXES = st.builds(
    TrackFix,
    t=st.integers(0, 4_102_444_800_000),
    lat=scaled(1e7, -900_000_000, 900_000_000),
    lon=scaled(1e7, -1_800_000_000, 1_800_000_000),
    alt=scaled(10, -5_000, 90_000),
    spd=scaled(100, 0, 10_000),
    cog=scaled(100, 0, 36_000),
    hdop=scaled(100, 1, 9_999),
    acc=scaled(100, 0, 1_000_000),
    sats=st.one_of(st.none(), st.integers(0, 90)),
    mode=st.one_of(st.none(), st.integers(0, 4)),
)
BATCHES = st.lists(FIXES, min_size=1, max_size=40)
CORNERS = [
    TrackFix(0, -90.0, -180.0),
    TrackFix(1, 90.0, 180.0),
    TrackFix(2, -0.0000001, 0.0000001),
    TrackFix(3, 0.0, -0.0000001),
    TrackFix(4, -33.8567844, 151.2152967, -0.1),
]


def there_and_back(fixes: list[TrackFix]) -> list[TrackFix]:
    record = codec.decode(codec.encode(msgspec.structs.replace(track.pack(fixes, "utc"), kind="track")))
    assert isinstance(record, Track)
    return track.unpack(record)


@given(BATCHES)
@example(CORNERS)
@example([TrackFix(7)])
def test_a_batch_comes_back_to_the_last_bit_of_its_units(fixes: list[TrackFix]) -> None:
    assert there_and_back(fixes) == fixes


@given(BATCHES)
@example(CORNERS)
def test_the_published_dozen_lines_read_the_same(fixes: list[TrackFix]) -> None:
    facts = codec.unpack(codec.encode(track.pack(fixes, "mono")))
    assert [TrackFix(**fix) for fix in decoded(facts)] == fixes


@pytest.mark.parametrize("n", [1, 2, 599, 600])
def test_batches_of_every_length_come_back(n: int) -> None:
    fixes = [TrackFix(1000 * i, -i / 1e7, i / 1e7, spd=None if i % 3 else i / 100, sats=i % 20) for i in range(n)]
    assert there_and_back(fixes) == fixes


@given(st.lists(st.floats(-90, 90), min_size=1, max_size=20))
def test_finer_facts_are_rounded_by_half_a_unit_at_most(latitudes: list[float]) -> None:
    found = there_and_back([TrackFix(i, lat=lat) for i, lat in enumerate(latitudes)])
    for fix, lat in zip(found, latitudes, strict=True):
        assert fix.lat is not None
        assert abs(fix.lat - lat) <= 0.5e-7 + 1e-14


@given(st.lists(st.integers(-(10**10), 10**10), min_size=1, max_size=50))
def test_a_column_comes_back_whatever_its_order(values: list[int]) -> None:
    assert track.unpack_column(track.pack_column(values), len(values)) == values


def test_a_fact_that_no_fix_has_takes_no_room() -> None:
    assert track.pack([TrackFix(1, 1.0, 2.0), TrackFix(2, 1.0, 2.0)], "utc").cols.keys() == {"t", "lat", "lon"}


def batch(**changes: Any) -> Track:
    body: dict[str, Any] = {"n": 2, "t_is": "mono", "cols": {"t": [1, 5, 1], "lat": [0, 1]}, "absent": None}
    return Track(**body | changes)


@pytest.mark.parametrize(
    "wrong",
    [
        batch(n=10**15),
        batch(cols={"lat": [0, 1]}),
        batch(cols={"t": []}),
        batch(cols={"t": [1, 5]}),
        batch(cols={"t": [1, 5, 6, 7]}),
        batch(cols={"t": [0, 5, 6]}),
        batch(cols={"t": [3, 5, 6]}),
        batch(cols={"t": [-1, 5, 6]}),
        batch(absent={"lat": [0]}),
        batch(absent={"lat": [0, 3]}),
        batch(absent={"lat": [-1, 1]}),
        batch(absent={"lat": [1, -1]}),
        batch(absent={"lat": [0, 10**15]}),
    ],
)
def test_columns_that_do_not_fit_are_a_value_error(wrong: Track) -> None:
    with pytest.raises(ValueError, match=r"."):
        track.unpack(wrong)


COLUMNS = st.dictionaries(st.sampled_from(["t", "odd", *SCALES]), st.lists(st.integers(-3, 2**63), max_size=5))


@given(st.integers(1, 2**40), COLUMNS, st.one_of(st.none(), COLUMNS))
def test_no_columns_whatever_raise_anything_but_a_value_error(
    n: int, cols: dict[str, list[int]], absent: dict[str, list[int]] | None
) -> None:
    try:
        assert len(track.unpack(Track(n=n, t_is="utc", cols=cols, absent=absent))) == n
    except ValueError:
        pass


# --- what it costs ------------------------------------------------------------------------------------------------------------------


def steady(i: int) -> tuple[float, int]:
    """HDOP and satellites of a good sky."""
    return 0.8, 20 + i // 300


def restless(i: int) -> tuple[float, int]:
    """HDOP and satellites that change every few seconds."""
    return 0.7 + (i * 7919 % 5) / 100, 18 + i * 104_729 % 4


def driven(n: int, hz: int, sky: Callable[[int], tuple[float, int]]) -> list[TrackFix]:
    """A drive through Xining as a receiver reports it."""
    route = Route.through_xining(7)
    fixes = []
    for i in range(n):
        state, (hdop, sats) = route.at(100 + i / hz), sky(i)
        cog = round(state.course_deg, 2) if state.speed_mps else None
        t = 1_800_000_000_000 + i * 1000 // hz
        fixes.append(TrackFix(t, state.lat, state.lon, state.alt_m, state.speed_mps, cog, hdop, 1.5, sats, 2))
    return fixes


@pytest.mark.parametrize(
    ("n", "hz", "sky", "bytes_max"), [(10, 1, steady, 24), (60, 1, steady, 11), (60, 1, restless, 13), (600, 10, restless, 11)]
)
def test_a_driven_fix_costs_about_ten_bytes(n: int, hz: int, sky: Callable[[int], tuple[float, int]], bytes_max: float) -> None:
    payload = codec.encode(track.pack(driven(n, hz, sky), "utc"))
    header = len(msgpack.packb(codec.unpack(payload) | {"cols": {}}))
    each = len(payload) / n
    print(f"{n} fixes at {hz} Hz, {sky.__name__} sky: {len(payload)} bytes, {each:.1f} a fix ({header} of them for the rest of the body)")  # noqa: T201  a measurement
    assert each < bytes_max
