"""Integrity: each flag up × every event; what the tests behind it take for nothing to be said."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.events import Antenna, Event, FaultSeen, Fix, FixMode, InputChanged, ReceiverUp, Satellite, Sky
from agent.core.firmament import KNOWN_MAX
from agent.core.integrity import DELAY_S_MAX, Integrity
from agent.wire.faults import FAULTS
from tests.core.builders import UTC_MS, Bench, assert_covers, fix, of, press, timed_fix

METRE_DEG = 1 / 111_000


def made() -> Bench:
    return Bench(Integrity())


def integrity_of(bench: Bench) -> Integrity:
    """The part itself."""
    assert isinstance(bench.part, Integrity)
    return bench.part


def sky(at: float, dbhz: float = 40.0, spread: float = 8.0, count: int = 10, used: bool = True) -> Sky:
    """`count` satellites of BeiDou from `dbhz` down by `spread`."""
    return Sky(at, tuple(Satellite("BD", n, dbhz - spread * n / count, 40, 90, used) for n in range(count)))


def quiet() -> Bench:
    bench = made()
    bench.feed(*(timed_fix(float(at)) for at in range(10)))
    return bench


def jumped() -> Bench:
    bench = quiet()
    bench.feed(timed_fix(10.0, lat=36.63))
    return bench


def frozen() -> Bench:
    bench = quiet()
    bench.feed(*(timed_fix(10.0 + n, speed_mps=5.0, course_deg=0.0) for n in range(12)))
    return bench


def off() -> Bench:
    bench = quiet()
    bench.feed(*(timed_fix(10.0 + n, UTC_MS + 10_000) for n in range(4)))
    return bench


def jammed() -> Bench:
    bench = made()
    bench.feed(*(sky(float(at)) for at in range(0, 120, 5)), *(sky(120.0 + at, 28.0) for at in range(0, 15, 5)))
    return bench


def spoofed() -> Bench:
    bench = made()
    bench.feed(*(sky(float(at), 46.0, 0.0) for at in range(0, 20, 5)))
    return bench


def unplugged() -> Bench:
    bench = made()
    bench.feed(*(Antenna(float(at), "open") for at in range(5)))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "": made,
    "jump": jumped,
    "frozen": frozen,
    "time": off,
    "jam": jammed,
    "spoof": spoofed,
    "antenna_open": unplugged,
}
AT = 200.0


def events(state: str) -> list[tuple[Event, str]]:
    """Each kind of event, and the flag that is up after one of it: none of them takes a flag away at once, only `jump` comes at once."""
    gone = [
        (Fix(AT, FixMode.NONE), state),
        (fix(AT, mode=FixMode.DEAD_RECKONING, lat=30.0), state),
        (fix(AT, lat=None), state),
        (Sky(AT), state),
        (Antenna(AT, "ok"), state),
        (Antenna(AT, "short"), "antenna_short" if state == "antenna_open" else state),
        (ReceiverUp(AT, "/dev/x"), state),
        (InputChanged(AT, "ignition", "ignition", True, AT), state),
        (press(AT), state),
    ]
    return [*gone, (timed_fix(AT), state)]


TABLE = [(state, event, after) for state in STATES for event, after in events(state)]


@pytest.mark.parametrize(("state", "event", "after"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, after: str) -> None:
    bench = STATES[state]()
    assert ",".join(integrity_of(bench).flags) == state
    bench.feed(event)
    assert ",".join(integrity_of(bench).flags) == after


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Integrity, STATES, ((state, type(event)) for state, event, _ in TABLE))


@pytest.mark.parametrize("state", [state for state in STATES if state])
def test_each_flag_is_a_published_fault_that_says_why(state: str) -> None:
    up = [fault for fault in of(FaultSeen, STATES[state]().all) if fault.active]
    assert [fault.code for fault in up] == [f"gnss.{state.removesuffix('_open')}"]
    assert up[0].detail


def test_every_delay_is_of_a_published_fault() -> None:
    assert DELAY_S_MAX.keys() <= FAULTS.keys()


@pytest.mark.parametrize("state", STATES)
def test_the_time_is_doubted_while_it_or_the_whole_receiver_is(state: str) -> None:
    part = integrity_of(STATES[state]())
    assert part.doubts_time() is (state in ("time", "spoof"))
    assert part.doubts_place() is (state in ("jump", "frozen", "jam", "spoof"))
    assert part.status(AT)["flags"] == ([state] if state else [])


def test_a_new_place_after_a_long_silence_is_a_new_place() -> None:
    bench = quiet()
    bench.feed(timed_fix(200.0, lat=37.9))
    assert integrity_of(bench).flags == ()


def test_fixes_read_late_and_all_at_once_are_no_jump() -> None:
    bench = quiet()
    bench.feed(*(fix(20.0, lat=36.6171 + 50 * n * METRE_DEG, speed_mps=20.0) for n in range(40)))
    bench.feed(fix(21.0, lat=36.6171 + 40 * 50 * METRE_DEG, speed_mps=20.0))
    assert integrity_of(bench).flags == ()


def test_a_receiver_that_says_itself_how_bad_it_is_may_jump_by_more() -> None:
    bench = quiet()
    bench.feed(timed_fix(10.0, lat=36.6171 + 250 * METRE_DEG, acc_m=45.0))
    assert integrity_of(bench).flags == ()
    bench.feed(timed_fix(11.0, lat=36.6171, acc_m=5.0), timed_fix(12.0, lat=36.6171 + 250 * METRE_DEG, acc_m=5.0))
    assert integrity_of(bench).flags == ("jump",)


def test_a_receiver_whose_time_cannot_be_is_flagged_from_the_start() -> None:
    bench = made()
    bench.feed(*(timed_fix(float(at), UTC_MS - 1024 * 7 * 86_400_000) for at in range(5)))
    assert integrity_of(bench).flags == ("time",)
    bench.feed(*(timed_fix(float(at)) for at in range(5, 20)))
    assert integrity_of(bench).flags == ()


def test_a_few_weak_satellites_say_nothing() -> None:
    bench = made()
    bench.feed(*(sky(float(at)) for at in range(0, 120, 5)), *(sky(120.0 + at, 28.0, count=5) for at in range(0, 60, 5)))
    assert integrity_of(bench).flags == ()


def test_the_memory_of_satellites_is_bounded() -> None:
    bench = made()
    for at in range(100):
        bench.feed(Sky(float(at), tuple(Satellite("GP", 100 * at + n, 30.0 + n % 15) for n in range(64))))
    part = integrity_of(bench)
    assert len(part._firmament._usual) <= KNOWN_MAX + 64


EVENTS = st.one_of(
    st.builds(
        Fix,
        st.just(0.0),
        st.sampled_from(FixMode),
        st.one_of(st.none(), st.integers(0, 4_000_000_000_000)),
        st.one_of(st.none(), st.floats(-90, 90)),
        st.one_of(st.none(), st.floats(-180, 180)),
        speed_mps=st.one_of(st.none(), st.floats(0, 500)),
        course_deg=st.one_of(st.none(), st.floats(0, 360)),
    ),
    st.lists(
        st.builds(Satellite, st.sampled_from(["BD", "GP"]), st.integers(1, 40), st.one_of(st.none(), st.floats(0, 99)), used=st.booleans()),
        max_size=40,
    ).map(lambda satellites: Sky(0.0, tuple(satellites))),
    st.sampled_from(["ok", "open", "short", ""]).map(lambda state: Antenna(0.0, state)),
)


@given(st.lists(st.tuples(st.floats(0.0, 400.0), EVENTS), max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_flags_and_faults_say_the_same(things: list[tuple[float, Event]]) -> None:
    bench = made()
    part = integrity_of(bench)
    at = 0.0
    for wait, event in things:
        at += wait
        bench.feed(msgspec.structs.replace(event, at=at))
        active = {fault.code: fault.active for fault in of(FaultSeen, bench.all)}
        assert {code for code, on in active.items() if on} == {f"gnss.{flag.split('_')[0]}" for flag in part.flags}
        assert part.deadline > at
