"""What was there at the commissioning and what is there now: before, after and without a store × every event; changes told once."""

import msgpack
import msgspec
import pytest

from agent.core.commissioned import MEMORY, Commissioned
from agent.core.effects import Answer, Remember
from agent.core.events import ActionTaken, Event, MachineSeen, ModemSeen, ReceiverSpoke, Remembered, Reported, TimeLearned
from agent.core.part import Output
from agent.core.timebase import Timebase
from agent.wire.records import EventRecord, SelfTest
from agent.wire.whys import refused, why
from tests.core.builders import UTC_MS, Bench, assert_covers, of, one, spool_opened, timed_fix, told_time

REPORT = "ab" * 32
AT = 10.0
CASIC, UBLOX = "IC=AT6558R-5N-32", "MOD=NEO-M9N-00B"
PI = "Raspberry Pi 4 Model B Rev 1.4, serial 100000001234"


def finished(at: float = AT, **body: object) -> ActionTaken:
    facts = {"result": "passed", "steps": {"inputs": "pass", "crank": "skip"}, "report": REPORT, "signed": True}
    return ActionTaken(at, "commission", {"do": "commission", **facts, **body}, 7, by_root=True)


def board(at: float, identity: str) -> MachineSeen:
    return MachineSeen(at, "3.11.2", board_identity=identity)


def sim(at: float, iccid: str) -> ModemSeen:
    return ModemSeen(at, sim=iccid)


THEN = {"result": "passed", "report": REPORT, "utc_ms": 1, "known": {"receiver IC=": CASIC, "board": PI, "sim": "8986"}}
CASIC_THEN = {MEMORY: msgpack.packb(THEN)}


def fresh() -> Bench:
    return Bench(Commissioned(told_time()))


def opened(memory: dict[str, bytes] | None = None) -> Bench:
    bench = fresh()
    bench.feed(spool_opened(1.0, memory or {}))
    return bench


def handed_over() -> Bench:
    return opened(CASIC_THEN)


def everywhere(outs: list[str]) -> dict[str, list[str]]:
    """The same in every state."""
    return dict.fromkeys(STATES, outs)


STATES = {"closed": fresh, "never": opened, "handed over": handed_over}
RULES: list[tuple[Event, dict[str, list[str]]]] = [
    (finished(), everywhere(["selftest", "remember", "done"])),
    (finished(result="partial"), everywhere(["selftest", "remember", "done"])),
    (finished(full=False), {**everywhere(["selftest", "remember", "done"]), "handed over": ["selftest", "done"]}),
    (finished(full=1), everywhere(["error"])),
    (finished(result="well"), everywhere(["error"])),
    (finished(report="nothing"), everywhere(["error"])),
    (finished(steps={"a": "maybe"}), everywhere(["error"])),
    (finished(steps={f"s{chr(97 + i % 26)}{chr(97 + i // 26)}": "pass" for i in range(33)}), everywhere(["error"])),
    (board(AT, PI), {}),
    (board(AT, "another"), {"handed over": ["board", "remember"]}),
    (sim(AT, "8987"), {"handed over": ["sim", "remember"]}),
    (MachineSeen(AT, "3.11.2", board="a PC"), {}),
    (ModemSeen(AT, model="EC25"), {}),  # what is silent has not changed
    (ReceiverSpoke(AT, CASIC), {}),
    (ReceiverSpoke(AT, "IC=AT6558-5N-31"), {"handed over": ["receiver", "remember"]}),
    (ReceiverSpoke(AT, "SW=URANUS5,V5.3.0.0"), {"handed over": ["remember"]}),
    (ReceiverSpoke(AT, UBLOX), {"handed over": ["receiver", "remember"]}),
    (ReceiverSpoke(AT, "ANTENNA OK"), {}),
    (spool_opened(AT, CASIC_THEN), {}),
    (Remembered(AT, (MEMORY,)), {}),
    (TimeLearned(AT, UTC_MS), {}),
]


def words(outs: list[Output]) -> list[str]:
    """What came out, in words: a record's kind, an event's id, what somebody is answered."""
    return [word(out) for out in outs]


def word(out: Output) -> str:
    match out:
        case Reported(record=EventRecord(what="hardware.changed", id=str(name))):
            return name
        case Reported(record=SelfTest(what="commission")):
            return "selftest"
        case Remember():
            return "remember"
        case Answer(body=body):
            return next(iter(body))
    raise AssertionError(out)


@pytest.mark.parametrize(("state", "event", "then"), [(s, event, outcome.get(s, [])) for event, outcome in RULES for s in STATES])
def test_every_state_answers_every_event(state: str, event: Event, then: list[str]) -> None:
    assert words(STATES[state]().feed(event)) == then


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Commissioned, STATES, ((state, type(event)) for event, _ in RULES for state in STATES))


# --- the record ---------------------------------------------------------------------------------------------------------------------


def test_the_record_says_what_came_of_each_step() -> None:
    record = one(Reported, opened().feed(finished(result="failed"))).record
    assert isinstance(record, SelfTest)
    assert (record.result, record.steps, record.report, record.signed) == ("failed", {"inputs": "pass", "crank": "skip"}, REPORT, True)


def test_what_there_is_at_that_moment_is_remembered_and_found_by_the_next_boot() -> None:
    bench = opened()
    bench.feed(board(2.0, PI), ReceiverSpoke(3.0, CASIC))
    value = one(Remember, bench.feed(finished())).value
    assert value is not None
    then = opened({MEMORY: value})
    assert then.part.status(20.0)["result"] == "passed"
    assert then.part.status(20.0)["utc_ms"] == UTC_MS + 10_000
    assert words(then.feed(board(21.0, PI), ReceiverSpoke(22.0, CASIC))) == []
    assert words(then.feed(ReceiverSpoke(23.0, UBLOX))) == ["receiver", "remember"]


def test_one_that_came_before_the_store_opened_is_not_undone_by_what_lay_there() -> None:
    bench = fresh()
    bench.feed(finished(result="failed"))
    assert words(bench.feed(spool_opened(12.0, CASIC_THEN))) == ["remember"]
    assert bench.part.status(13.0)["result"] == "failed"


def test_its_date_is_put_in_when_the_time_becomes_known() -> None:
    time = Timebase()
    bench = Bench(Commissioned(time))
    bench.feed(spool_opened(1.0), finished())
    bench.feed(Remembered(10.5, (MEMORY,)))
    assert bench.part.status(11.0)["utc_ms"] is None
    for at in (20, 21, 22):
        time.handle(timed_fix(at))
    assert words(bench.feed(TimeLearned(23.0, UTC_MS))) == ["remember"]
    assert bench.part.status(24.0)["utc_ms"] == UTC_MS + 10_000


def test_the_store_is_asked_until_it_has_it() -> None:
    bench = opened()
    bench.feed(finished())
    assert len(of(Remember, bench.until(AT + 16))) == 3
    bench.feed(Remembered(AT + 17, (MEMORY,)))
    assert of(Remember, bench.until(AT + 100)) == []


# --- changes ------------------------------------------------------------------------------------------------------------------------


def test_a_change_says_what_was_and_what_is_and_is_told_once() -> None:
    bench = handed_over()
    record = one(Reported, bench.feed(sim(AT, "8987"))).record
    assert (record.old, record.new) == ("8986", "8987")  # type: ignore[attr-defined]  # of an event record
    assert words(bench.feed(sim(AT + 1, "8987"))) == []
    value = of(Remember, bench.all)[-1].value
    assert value is not None
    assert words(opened({MEMORY: value}).feed(sim(AT, "8987"))) == []


def test_a_sim_that_comes_later_is_learned_without_a_word() -> None:
    bench = opened({MEMORY: msgpack.packb({**THEN, "known": {"board": PI}})})
    assert words(bench.feed(sim(AT, "8987"))) == ["remember"]
    assert words(bench.feed(sim(AT + 1, "8988"))) == ["sim", "remember"]


def test_another_make_of_receiver_is_one_change_whatever_it_says_of_itself() -> None:
    bench = handed_over()
    outs = bench.feed(ReceiverSpoke(AT, "HW UBX 9.0 x 190E0100"), ReceiverSpoke(AT + 1, UBLOX), ReceiverSpoke(AT + 2, "FWVER=SPG 4.04"))
    assert [word for word in words(outs) if word != "remember"] == ["receiver"]
    back = bench.feed(ReceiverSpoke(AT + 3, CASIC))
    assert words(back) == ["receiver", "remember"]


def test_what_was_seen_before_the_store_opened_is_compared_then() -> None:
    bench = fresh()
    bench.feed(board(0.5, "another"), ReceiverSpoke(0.6, CASIC))
    assert words(bench.feed(spool_opened(1.0, CASIC_THEN))) == ["board", "remember"]


def test_only_root_may_say_what_came_of_a_commissioning() -> None:
    bench = opened()
    outs = bench.feed(msgspec.structs.replace(finished(), by_root=False))
    assert one(Answer, outs).body == refused(why("root_only"))
    assert len(outs) == 1
    assert bench.part.status(AT)["result"] is None


def test_a_unit_that_was_never_commissioned_tells_no_changes() -> None:
    bench = opened()
    assert words(bench.feed(sim(2.0, "1"), sim(3.0, "2"))) == []
    assert bench.part.status(4.0) == {"result": None, "hardware": {"sim": "2"}}


@pytest.mark.parametrize("damage", [b"", b"\xc1", msgpack.packb([1]), msgpack.packb({"result": 5})])
def test_a_damaged_memory_is_none(damage: bytes) -> None:
    assert opened({MEMORY: damage}).part.status(2.0)["result"] is None


def test_an_identity_is_no_longer_than_the_contract_allows() -> None:
    bench = handed_over()
    record = one(Reported, bench.feed(sim(AT, "9" * 500))).record
    assert len(record.new) == 160  # type: ignore[attr-defined]  # of an event record


# --- in part ----------------------------------------------------------------------------------------------------------------------------


def result(bench: Bench) -> object:
    return bench.part.status(99.0)["result"]


def test_one_of_some_steps_takes_the_place_of_no_whole_one_also_when_the_store_opens_later() -> None:
    bench = handed_over()
    for outcome in ("partial", "failed"):
        bench.feed(finished(result=outcome, full=False))
        assert result(bench) == "passed"
    early = fresh()
    early.feed(finished(result="failed", full=False), spool_opened(AT, CASIC_THEN))
    assert result(early) == "passed"


def test_one_of_some_steps_is_better_than_none_and_gives_way_to_any_other() -> None:
    bench = opened()
    bench.feed(finished(result="partial", full=False))
    assert result(bench) == "partial"
    bench.feed(finished(result="failed", full=False))
    assert result(bench) == "failed"
    bench.feed(finished(result="passed"))
    assert result(bench) == "passed"
    whole = fresh()
    whole.feed(finished(result="failed"), spool_opened(AT, CASIC_THEN))
    assert result(whole) == "failed"


def test_a_whole_one_in_which_something_was_left_out_is_told_and_makes_nothing_new_the_measure() -> None:
    bench = handed_over()
    bench.feed(finished(result="partial"))
    assert result(bench) == "partial"
    changed = bench.feed(sim(AT + 1, "8987"))
    assert one(Reported, changed).record == EventRecord(what="hardware.changed", id="sim", old="8986", new="8987")
