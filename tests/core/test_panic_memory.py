"""The panic part's memory: latched through crash and power cut, cleared for ever."""

import msgpack
import pytest

from agent.core.effects import Remember
from agent.core.events import (
    LampAsked,
    OrderAnswered,
    Remembered,
    Reported,
    ReportLeft,
    TimeLearned,
)
from agent.core.panic import ALARMS_MAX, MEMORY
from agent.core.timebase import Timebase
from agent.wire.records import Alarm
from tests.core.builders import (
    BOOT,
    OTHER_BOOT,
    UTC_MS,
    link_up,
    of,
    one,
    order,
    press,
    spool_opened,
    timed_fix,
)
from tests.core.panic_states import (
    AT,
    OLDER,
    OURS,
    acknowledged,
    latch,
    made,
    memory,
    quiet,
    raised,
    short,
    two,
)

# --- memory -------------------------------------------------------------------------------------------------------------------------


def test_the_latch_is_asked_of_the_store_before_anything_else() -> None:
    bench = made()
    bench.feed(press(10.0))
    assert short(bench.until(10.5))[0] == "remember 1"


@pytest.mark.parametrize("end", ["alarm.ack", "alarm.clear"])
def test_what_is_remembered_is_asked_again_until_it_is_confirmed(end: str) -> None:
    bench = raised()
    bench.feed(order(20.6, end, OURS))
    bench.until(40.0)
    assert len(of(Remember, bench.all)) >= 4
    values = {out.value for out in of(Remember, bench.all)[-3:]}
    assert len(values) == 1
    bench.feed(Remembered(40.1, (MEMORY,)))
    count = len(of(Remember, bench.all))
    bench.until(400.0)
    assert len(of(Remember, bench.all)) == count


def test_what_is_remembered_is_the_latch_that_comes_back() -> None:
    first = raised()
    value = of(Remember, first.all)[-1].value
    assert value is not None
    second = made()
    outs = second.feed(spool_opened(1.0, {MEMORY: value}))
    alarm = one(Reported, outs).record
    assert isinstance(alarm, Alarm)
    assert (alarm.id, alarm.source, alarm.mode, alarm.n, alarm.since, alarm.age_ms) == (OURS, "button", "overt", 2, UTC_MS + 20_000, None)


def test_a_recalled_alarm_is_said_again_durably_and_the_lamp_waits_for_that_record() -> None:
    bench = made()
    outs = bench.feed(spool_opened(1.0, memory(latch())))
    reported = one(Reported, outs)
    assert reported.slot is None
    assert one(LampAsked, outs).lamp == "raised"
    assert short(bench.feed(ReportLeft(2.0, f"{BOOT}-{reported.seq}", True, True))) == ["lamp sent"]


def test_a_recalled_alarm_goes_on_repeating() -> None:
    bench = made()
    bench.feed(spool_opened(1.0, memory(latch())), Remembered(1.1, (MEMORY,)))
    assert [out.at for out in of(Reported, bench.until(11.0))] == [6.0, 11.0]


def test_an_alarm_cleared_in_this_boot_does_not_come_back_and_is_taken_out_of_the_store() -> None:
    bench = raised()
    bench.feed(order(21.0, "alarm.clear", OURS), Remembered(21.1, (MEMORY,)))
    outs = bench.feed(spool_opened(30.0, memory(latch(OURS))))
    assert short(outs) == ["remember none"]
    assert bench.part.status(30.0) == {"state": "none"}


def test_every_alarm_cleared_in_this_boot_stays_cleared() -> None:
    bench = two()
    bench.feed(order(21.0, "alarm.clear", OURS), order(21.1, "alarm.clear", OLDER))
    assert short(bench.feed(spool_opened(30.0, memory(latch(OURS), latch()))))[-1] == "remember none"
    assert bench.part.status(30.0) == {"state": "none"}


def test_what_is_remembered_is_asked_again_after_exactly_five_seconds() -> None:
    bench = made()
    bench.feed(press(10.0))
    bench.until(10.5)
    assert of(Remember, bench.until(15.49)) == []
    assert len(of(Remember, bench.until(15.5))) == 1


def test_the_status_tells_the_newest_alarm_and_its_age() -> None:
    assert raised().part.status(23.0) == {"state": "raised", "id": OURS, "n": 1, "age_s": 3.0, "live": 1}


def test_an_alarm_acknowledged_in_this_boot_is_not_raised_by_an_older_memory() -> None:
    bench = acknowledged()
    assert short(bench.feed(spool_opened(30.0, memory(latch(OURS))))) == ["remember 1"]
    assert bench.part.status(30.0)["state"] == "acknowledged"


@pytest.mark.parametrize("value", [b"\xc1", b"\x91\xc0", b"garbage" * 9, msgpack.packb([latch(state="perhaps")]), msgpack.packb(7)])
def test_a_memory_that_cannot_be_read_is_a_fault_and_the_button_works(value: bytes) -> None:
    bench = made()
    outs = bench.feed(spool_opened(1.0, {MEMORY: value}))
    assert short(outs) == ["store.damaged on", "remember none"]
    bench.feed(press(2.0))
    assert "raised" in short(bench.until(2.5))


def test_no_more_latches_are_remembered_than_the_bound() -> None:
    bench = raised()
    outs = bench.feed(spool_opened(21.0, memory(*(latch(f"{OTHER_BOOT}-{i}") for i in range(ALARMS_MAX + 5)))))
    value = of(Remember, outs)[0].value
    assert value is not None
    kept = [found["id"] for found in msgpack.unpackb(value)]
    assert len(kept) == ALARMS_MAX
    assert kept[-1] == OURS


def test_an_alarm_raised_before_the_time_was_known_gets_its_time() -> None:
    time = Timebase()
    bench = made(time=time)
    bench.feed(press(10.0))
    first = one(Reported, bench.until(10.5)).record
    assert isinstance(first, Alarm)
    assert first.since is None
    for at in (11.0, 12.0, 13.0):
        time.handle(timed_fix(at))
    assert short(bench.feed(TimeLearned(13.0, UTC_MS))) == ["remember 1"]
    repeat = one(Reported, bench.feed(link_up(13.1))).record
    assert isinstance(repeat, Alarm)
    assert repeat.since == UTC_MS + 10_500


def test_an_order_about_an_unknown_alarm_is_told_which_are_live() -> None:
    answer = one(OrderAnswered, raised().feed(order(AT, "alarm.ack", "nobody's")))
    assert answer.reason is not None
    assert OURS in answer.reason
    none = one(OrderAnswered, quiet().feed(order(AT, "alarm.ack", "nobody's")))
    assert none.reason is not None
    assert none.reason.endswith("none")
