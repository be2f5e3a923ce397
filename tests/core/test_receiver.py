"""The receiver: port, silence, garbage, sky × every event."""

from collections.abc import Callable

import pytest

from agent.config import Gnss
from agent.core.events import Event, FaultSeen, FixMode, ReceiverDown, ReceiverHeard, ReceiverUp, Started
from agent.core.part import Output
from agent.core.receiver import GARBAGE_AFTER_S, NO_FIX_AFTER_S, Receiver
from tests.core.builders import Bench, assert_covers, fix, of

AT = 10.0
GOOD = ReceiverHeard(AT, 5, {})
BAD = ReceiverHeard(AT, 1, {"checksum": 7, "short": 2})
QUIET = ReceiverHeard(AT, 0, {})


def made() -> Bench:
    bench = Bench(Receiver(Gnss(silence_s=5.0)))
    bench.feed(Started(0.0))
    return bench


def hearing() -> Bench:
    bench = made()
    bench.feed(ReceiverUp(1.0, "/dev/x"), ReceiverHeard(9.5, 5, {}))
    return bench


def silent() -> Bench:
    bench = made()
    bench.feed(ReceiverUp(1.0, "/dev/x"))
    bench.until(9.0)
    return bench


def garbage() -> Bench:
    bench = made()
    bench.feed(ReceiverUp(-5.0, "/dev/x"), *(ReceiverHeard(-3.0 + i, 1, {"checksum": 9}) for i in range(13)))
    return bench


def closed() -> Bench:
    bench = hearing()
    bench.feed(ReceiverDown(9.6, "/dev/x", "unplugged"))
    return bench


STATES: dict[str, Callable[[], Bench]] = {"starting": made, "hearing": hearing, "silent": silent, "garbage": garbage, "closed": closed}


def short(outs: list[Output]) -> list[str]:
    """Faults, in words."""
    return [f"{out.code} {'on' if out.active else 'off'}" for out in of(FaultSeen, outs)]


def _rows(event: Event, words: list[str], **others: list[str]) -> list[tuple[str, Event, list[str]]]:
    return [(state, event, others.get(state, words)) for state in STATES]


TABLE = [
    *_rows(Started(AT), []),
    *_rows(ReceiverUp(AT, "/dev/x"), ["gnss.port off"]),
    *_rows(ReceiverDown(AT, "/dev/x", "gone"), ["gnss.port on", "gnss.silent off"]),
    *_rows(
        GOOD,
        ["gnss.silent off", "gnss.garbage off"],
        starting=["gnss.silent off", "gnss.port off", "gnss.garbage off"],
        closed=["gnss.silent off", "gnss.port off", "gnss.garbage off"],
    ),
    *_rows(QUIET, []),
    *_rows(
        BAD,
        ["gnss.silent off"],
        garbage=["gnss.silent off", "gnss.garbage on"],
        starting=["gnss.silent off", "gnss.port off"],
        closed=["gnss.silent off", "gnss.port off"],
    ),
    *_rows(ReceiverHeard(AT, 0, {"checksum": 1}), [], garbage=["gnss.garbage on"]),
    *_rows(fix(AT), ["gnss.no_fix off"]),
    *_rows(fix(AT, mode=FixMode.NONE), []),
]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert short(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Receiver, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_an_open_port_that_says_nothing_is_silent_after_its_time() -> None:
    bench = made()
    bench.feed(ReceiverUp(1.0, "/dev/x"))
    assert short(bench.until(5.9)) == []
    fault = of(FaultSeen, bench.until(6.0))[0]
    assert (fault.code, fault.active, fault.at) == ("gnss.silent", True, 6.0)
    assert "/dev/x" in str(fault.detail)
    assert short(bench.until(50.0)) == []


def test_a_closed_port_is_not_silent() -> None:
    bench = closed()
    assert short(bench.until(59.0)) == []
    assert bench.part.status(59.0)["up"] is False


def test_sentences_show_that_the_port_is_open_though_the_word_of_it_was_lost() -> None:
    bench = closed()
    assert "gnss.port off" in short(bench.feed(GOOD))
    assert bench.part.status(AT)["up"] is True
    assert "gnss.port off" not in short(bench.feed(ReceiverHeard(11.0, 5, {})))


def test_garbage_is_called_so_after_ten_seconds_of_it_and_one_good_second_ends_it() -> None:
    bench = hearing()
    outs = bench.feed(*(ReceiverHeard(AT + i, 1, {"checksum": 9, "short": 1}) for i in range(11)))
    found = [out for out in of(FaultSeen, outs) if out.code == "gnss.garbage"]
    assert [(out.at, out.active) for out in found] == [(AT + GARBAGE_AFTER_S, True)]
    assert "checksum" in str(found[0].detail)
    bench.feed(ReceiverHeard(21.0, 5, {}))
    assert "gnss.garbage on" not in short(bench.feed(ReceiverHeard(22.0, 1, {"checksum": 9})))


def test_no_fix_for_a_minute_is_a_fault_once_until_there_is_one() -> None:
    bench = made()
    assert short(bench.until(NO_FIX_AFTER_S - 0.1)) == []
    assert short(bench.until(500.0)) == ["gnss.no_fix on"]
    bench.feed(fix(501.0))
    assert short(bench.until(501.0 + NO_FIX_AFTER_S)) == ["gnss.no_fix on"]


def test_counts_add_up() -> None:
    bench = hearing()
    bench.feed(BAD, ReceiverHeard(11.0, 2, {"checksum": 1}))
    assert bench.part.status(11.0) == {"port": "/dev/x", "up": True, "sentences": 8, "refused": {"checksum": 8, "short": 2}}
