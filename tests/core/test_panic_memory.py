"""The panic part's memory: latched through crash and power cut, cleared for ever."""

from typing import Any

import msgpack
import pytest

from agent.config import WalkTest as WalkTestConfig
from agent.core.effects import Remember
from agent.core.events import FaultSeen, LampAsked, Remembered, Reported, ReportLeft, TimeLearned
from agent.core.keepsake import RETRY_S, Keepsake
from agent.core.latches import ALARMS_MAX, CLEARED_MAX, MEMORY, N_AHEAD
from agent.core.names import Names
from agent.core.panic import Panic
from agent.core.timebase import Timebase
from agent.wire.records import Alarm
from tests.core.builders import (
    BOOT,
    OTHER_BOOT,
    UTC_MS,
    Bench,
    link_up,
    of,
    one,
    panic_input,
    press,
    release,
    spool_opened,
    timed_fix,
    told_time,
)
from tests.core.panic_states import (
    AT,
    HERE,
    OLDER,
    OURS,
    REMEMBERED,
    STATES,
    ack,
    acknowledged,
    clear,
    held,
    hold,
    latch,
    made,
    memory,
    part,
    raised,
    short,
    two,
)


def kept(bench: Bench) -> list[dict[str, Any]]:
    """The latches as the store was last asked to remember them."""
    value = [out for out in of(Remember, bench.all) if out.name == MEMORY][-1].value
    return [] if value is None else msgpack.unpackb(value)


def alarm(bench: Bench, *outs: Reported) -> Alarm:
    """The newest record of an alarm."""
    record = [out.record for out in outs or of(Reported, bench.all)][-1]
    assert isinstance(record, Alarm)
    return record


def test_the_latch_is_asked_of_the_store_before_anything_else() -> None:
    assert short(made().feed(held(10.5)))[0] == "remember 1"


def test_what_lies_in_the_store() -> None:
    bench = part(panic_input(seat="driver", mode="discreet"))
    bench.feed(spool_opened(1.0), *hold(10.0, first=True))
    assert kept(bench) == [
        {
            "id": OURS,
            "source": "button",
            "seat": "driver",
            "mode": "discreet",
            "state": "raised",
            "since": UTC_MS + 10_500,
            "n": 1,
            "pressed_n": 1,
            "received": False,
            "at_boot": True,
        }
    ]


@pytest.mark.parametrize("end", [ack, clear])
def test_what_is_remembered_is_asked_again_until_it_is_confirmed(end: Any) -> None:
    bench = raised()
    bench.feed(end(20.6, OURS))
    bench.until(40.0)
    asked = of(Remember, bench.all)[1:]
    assert len(asked) == 4
    assert len({out.value for out in asked}) == 1
    bench.feed(Remembered(40.1, (MEMORY,)))
    bench.until(400.0)
    assert len(of(Remember, bench.all)) == 5


def test_what_is_remembered_is_asked_again_after_exactly_five_seconds() -> None:
    bench = made()
    bench.feed(held(10.5))
    assert of(Remember, bench.until(15.49)) == []
    assert len(of(Remember, bench.until(15.5))) == 1


def test_a_keepsake_waits_for_as_many_words_as_it_asked() -> None:
    keepsake = Keepsake("x")
    assert keepsake.keep(1.0, b"1") == Remember("x", b"1")
    keepsake.keep(2.0, b"2")
    keepsake.confirmed(("x", "y"))
    assert keepsake.deadline == 2.0 + RETRY_S
    assert keepsake.again() == Remember("x", b"2")
    assert keepsake.deadline == 2.0 + 2 * RETRY_S
    keepsake.confirmed(("y",))
    assert keepsake.deadline == 2.0 + 2 * RETRY_S
    keepsake.confirmed(("x", "x"))
    assert keepsake.deadline == float("inf")


@pytest.mark.parametrize("state", ["raised", "sent", "received", "acknowledged", "two", "silent"])
def test_what_is_remembered_is_what_comes_back(state: str) -> None:
    first = STATES[state]()
    value = [out for out in of(Remember, first.all) if out.name == MEMORY][-1].value
    second = made()
    second.feed(spool_opened(1.0, {MEMORY: value or b""}))
    for latched, again in zip(kept(first), kept(second), strict=True):
        assert again == latched | {"n": latched["n"] + N_AHEAD + 1}
    assert second.part.status(1.0)["state"] == first.part.status(AT)["state"]


def test_a_recalled_alarm_is_said_again_durably_and_the_lamp_waits_for_that_record() -> None:
    bench = made()
    outs = bench.feed(spool_opened(1.0, memory(latch(seat="driver", at_boot=True))))
    reported = one(Reported, outs)
    assert (reported.slot, reported.seq) == (None, 1)
    found = alarm(bench)
    assert (found.id, found.seat, found.at_boot, found.since, found.age_ms) == (OLDER, "driver", True, UTC_MS, None)
    assert one(LampAsked, outs).lamp == "raised"
    assert short(bench.feed(ReportLeft(2.0, f"{BOOT}-1", True, True))) == ["lamp sent"]


def test_what_the_centre_has_seen_is_seen_after_a_restart_too() -> None:
    bench = made()
    assert one(LampAsked, bench.feed(spool_opened(1.0, memory(latch(received=True))))).lamp == "received"
    assert one(Reported, bench.until(6.0)).slot  # and it goes on repeating
    other = made()
    assert one(LampAsked, other.feed(spool_opened(1.0, memory(latch(state="acknowledged"))))).lamp == "acknowledged"
    assert of(Reported, other.until(400.0)) == []


def test_a_recalled_alarm_goes_on_repeating() -> None:
    bench = made()
    bench.feed(spool_opened(1.0, memory(latch())), Remembered(1.1, REMEMBERED))
    assert [out.at for out in of(Reported, bench.until(11.0))] == [6.0, 11.0]


def test_a_latch_of_an_older_version_is_read() -> None:
    bench = made()
    bench.feed(spool_opened(1.0, memory({"id": OLDER, "source": "button", "mode": "overt", "state": "raised", "n": 4})))
    assert (alarm(bench).seat, alarm(bench).since, alarm(bench).at_boot) == (None, None, None)


# --- a button that is down at the start ---------------------------------------------------------------------------------------------


def sources(bench: Bench) -> list[tuple[str, str]]:
    """Ids and states of what was said of alarms."""
    return [(r.id, r.state) for out in of(Reported, bench.all) if isinstance(r := out.record, Alarm)]


def test_a_button_down_at_the_start_waits_for_the_store_and_is_one_more_press_of_the_alarm_that_lies_there() -> None:
    bench = made()
    assert short(bench.feed(*hold(0.1, first=True))) == []
    bench.feed(spool_opened(2.0, memory(latch())))
    assert sources(bench) == [(OLDER, "repeated"), (OLDER, "repeated")]
    assert bench.part.status(2.0)["live"] == 1
    assert kept(bench)[-1] | {"n": 0} == latch(n=0, seat=None, at_boot=True, pressed_n=kept(bench)[-1]["n"], received=False)


def test_a_button_down_at_the_start_is_an_alarm_of_the_moment_it_was_pressed_when_the_store_has_none() -> None:
    bench = made()
    bench.feed(*hold(0.1, first=True), spool_opened(2.0))
    found = alarm(bench)
    assert (found.id, found.state, found.at_boot, found.age_ms, found.since) == (OURS, "raised", True, 1400, UTC_MS + 600)
    assert len(sources(bench)) == 1
    bench.feed(spool_opened(3.0))
    bench.until(4.9)
    assert len(sources(bench)) == 1


def test_a_button_down_at_the_start_waits_no_longer_than_three_seconds() -> None:
    bench = made()
    bench.feed(*hold(0.1, first=True))
    assert short(bench.until(3.59)) == []
    assert short(bench.until(3.6)) == ["remember 1", "raised", "alarm raised", "light response", "lamp raised"]
    assert (alarm(bench).age_ms, alarm(bench).at_boot) == (3000, True)
    bench.feed(spool_opened(4.0))
    assert sources(bench) == [(OURS, "raised")]


def test_one_more_press_before_the_store_opens_waits_for_nothing() -> None:
    bench = made()
    bench.feed(*hold(0.1, first=True), release(0.7), *hold(0.9))
    assert sources(bench) == [(OURS, "raised")]
    bench.until(5.0)
    assert sources(bench) == [(OURS, "raised")]


@pytest.mark.parametrize(("opens_at", "latches"), [(2.0, 2), (4.5, ALARMS_MAX)])
def test_a_button_that_sticks_through_forty_starts_with_a_slow_store_hides_no_other(opens_at: float, latches: int) -> None:
    """A store that opens later than the press could wait finds an alarm that has been told already: both are live."""
    value = memory(latch(source="foot"))
    for boot in range(1, 41):
        panic = Panic((panic_input(), panic_input("foot")), WalkTestConfig(), Names("car-1", f"{boot:016x}"), told_time(), lambda _at: HERE)
        bench = Bench(panic)
        bench.feed(*hold(0.1, first=True), spool_opened(opens_at, value))
        value = {MEMORY: msgpack.packb(kept(bench))}
        assert "foot" in {row["source"] for row in kept(bench)}
    assert len(kept(bench)) == latches


def test_of_too_many_latches_the_oldest_go_that_have_a_newer_one_of_their_button() -> None:
    bench = made(buttons=("button", "foot"))
    olds = [latch(f"{OTHER_BOOT}-{i}") for i in range(2, ALARMS_MAX + 2)]
    bench.feed(spool_opened(21.0, memory(latch(f"{OTHER_BOOT}-1", source="foot"), *olds)))
    assert [row["id"] for row in kept(bench)] == [f"{OTHER_BOOT}-{i}" for i in (1, *range(3, ALARMS_MAX + 2))]


# --- counting -----------------------------------------------------------------------------------------------------------------------


def test_n_never_steps_back_over_a_restart_and_costs_a_write_each_fifty_repeats() -> None:
    bench = raised()
    bench.feed(Remembered(20.7, REMEMBERED))
    writes = len(of(Remember, bench.all))
    for minute in range(1, 200):
        bench.feed(Remembered(20.7 + 60 * minute, REMEMBERED))
    told = alarm(bench).n
    assert told > 200
    assert len(of(Remember, bench.all)) - writes == told // N_AHEAD
    assert told - kept(bench)[0]["n"] < N_AHEAD
    again = made()
    again.feed(spool_opened(1.0, {MEMORY: msgpack.packb(kept(bench))}))
    assert alarm(again).n > told


def test_an_acknowledgement_from_before_a_restart_does_not_count_for_a_press_after_it() -> None:
    bench = raised()
    bench.until(200.0)
    seen = alarm(bench).n
    again = made()
    again.feed(spool_opened(1.0, {MEMORY: msgpack.packb(kept(bench))}), held(3.0))
    assert short(again.feed(ack(3.1, OURS, n=seen))) == ["order failed"]
    other = made()
    other.feed(spool_opened(1.0, {MEMORY: msgpack.packb(kept(bench))}))
    assert "acknowledged" in short(other.feed(ack(3.1, OURS, n=seen)))  # without a press it is what the centre has seen


# --- what ends ----------------------------------------------------------------------------------------------------------------------


def test_an_alarm_cleared_in_this_boot_does_not_come_back_and_is_taken_out_of_the_store() -> None:
    bench = raised()
    bench.feed(clear(21.0, OURS), Remembered(21.1, REMEMBERED))
    assert short(bench.feed(spool_opened(30.0, memory(latch(OURS))))) == ["remember none"]
    assert bench.part.status(30.0) == {"state": "none"}


def test_every_alarm_cleared_in_this_boot_stays_cleared() -> None:
    bench = two()
    bench.feed(clear(21.0, OURS), clear(21.1, OLDER))
    assert short(bench.feed(spool_opened(30.0, memory(latch(OURS), latch()))))[-1] == "remember none"
    assert bench.part.status(30.0) == {"state": "none"}


def test_as_many_cleared_alarms_are_known_as_the_bound_says() -> None:
    bench = made()
    for i in range(CLEARED_MAX + 1):
        bench.feed(press(9.5 + i), held(10.0 + i), clear(10.1 + i, f"{BOOT}-{i + 1}"))
    latches = [latch(f"{BOOT}-{i + 1}") for i in range(CLEARED_MAX + 1)]
    bench.feed(spool_opened(100.0, memory(*latches)))
    assert bench.part.status(100.0)["live"] == 1
    assert bench.part.status(100.0)["id"] == OURS


def test_an_alarm_acknowledged_in_this_boot_is_not_raised_by_an_older_memory() -> None:
    bench = acknowledged()
    assert short(bench.feed(spool_opened(30.0, memory(latch(OURS))))) == ["remember 1"]
    assert bench.part.status(30.0)["state"] == "acknowledged"


# --- what may lie there -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        *(b"\xc1", b"\x91\xc0", b"garbage" * 9, b"\x93\x01", b"\x91" * 2000, msgpack.packb([latch(state="perhaps")]), msgpack.packb(7)),
        *(msgpack.packb([latch() | {"n": "4"}]), msgpack.packb([{"id": OLDER}]), msgpack.packb([latch() | {1: 2}]), b"\xc7\x00\x05"),
    ],
)
def test_a_memory_that_cannot_be_read_is_a_fault_and_the_button_works(value: bytes) -> None:
    bench = made()
    outs = bench.feed(spool_opened(1.0, {MEMORY: value}))
    assert short(outs) == ["store.damaged on", "remember none"]
    assert str(one(FaultSeen, outs).detail).startswith("the alarms that were remembered cannot be read: ")
    assert "raised" in short(bench.feed(held(2.5)))


def test_no_more_latches_are_remembered_than_the_bound() -> None:
    bench = raised()
    bench.feed(spool_opened(21.0, memory(*(latch(f"{OTHER_BOOT}-{i}") for i in range(ALARMS_MAX + 5)))))
    assert len(kept(bench)) == ALARMS_MAX
    assert kept(bench)[-1]["id"] == OURS


def test_an_alarm_raised_before_the_time_was_known_gets_its_time() -> None:
    time = Timebase()
    bench = made(time=time)
    bench.feed(held(10.5))
    assert alarm(bench).since is None
    for at in (11.0, 12.0, 13.0):
        time.handle(timed_fix(at))
    assert short(bench.feed(TimeLearned(13.0, UTC_MS))) == ["remember 1"]
    assert kept(bench)[0]["since"] == UTC_MS + 10_500
    assert alarm(bench, one(Reported, bench.feed(link_up(13.1)))).since == UTC_MS + 10_500
    assert bench.feed(TimeLearned(14.0, UTC_MS)) == []


def test_an_alarm_of_an_earlier_boot_that_did_not_know_the_time_stays_undated() -> None:
    bench = made()
    bench.feed(spool_opened(1.0, memory(latch(since=None))))
    assert bench.feed(TimeLearned(2.0, UTC_MS)) == []


def test_the_status_tells_the_newest_alarm_and_its_age() -> None:
    assert raised().part.status(23.04) == {"state": "raised", "id": OURS, "n": 1, "age_s": 3.0, "live": 1}
    assert two().part.status(23.0) == {"state": "raised", "id": OURS, "n": 1, "age_s": 3.0, "live": 2}
    bench = made()
    bench.feed(spool_opened(1.0, memory(latch())))
    assert bench.part.status(2.0)["age_s"] is None
