"""Pauses between sentences: with which sentence a receiver begins, learned from the longest of each cycle."""

import pytest

from agent.adapters.facts import Sentence
from agent.adapters.pauses import CYCLES, PAUSE_S, Pauses
from agent.adapters.sentences import parse
from agent.core.events import Fix
from tests.adapters.pty_receiver import sentence
from tests.adapters.test_epoch import VTG, Line, gga, gsa, rmc

Step = tuple[str, float]

FIRST = (("GSA", 0.03), ("GGA", 0.0), ("RMC", 0.0))
LAST = (("GGA", 0.03), ("RMC", 0.0), ("GSA", 0.0))


def heard(*cycles: tuple[Step, ...]) -> Pauses:
    """Each step a sentence of that kind after that pause; GGA is the first that bears the new time."""
    pauses = Pauses()
    for cycle in cycles:
        for kind, pause_s in cycle:
            pauses.hear(pause_s, "GN", kind, kind not in ("GSA", "VTG"))
            if kind == "GGA":
                pauses.end_cycle()
    return pauses


def test_what_the_longest_pause_comes_before_begins_the_cycle() -> None:
    assert heard(*[FIRST] * CYCLES).starter == ("GN", "GSA")
    assert heard(*[FIRST] * (CYCLES - 1)).starter is None


def test_a_cycle_that_begins_with_a_time_has_no_starter() -> None:
    assert heard(*[LAST] * 10).starter is None


@pytest.mark.parametrize("within_s", [0.02, 0.03, 0.04])
def test_a_pause_within_the_burst_that_is_nearly_as_long_leaves_it_open(within_s: float) -> None:
    assert heard(*[(("GSA", 0.03), ("GGA", 0.0), ("VTG", within_s))] * 10).starter is None


def test_a_pause_as_short_as_a_byte_is_none() -> None:
    assert heard(*[(("GSA", PAUSE_S / 2), ("GGA", 0.0))] * 10).starter is None


def test_when_the_order_changes_it_is_unlearned() -> None:
    assert heard(*[FIRST] * 10, *[LAST] * (CYCLES + 1)).starter is None


def say(receiver: Line, body: str, pause_s: float) -> list[Fix]:
    """With a pause before it, as at 10 Hz: too short to part two instants by itself."""
    receiver.now += 0.001 + pause_s
    parsed = parse(sentence(body).decode().strip())
    assert isinstance(parsed, Sentence)
    return receiver.epochs.take(receiver.now, parsed, pause_s)


def test_a_receiver_that_says_gsa_first_has_its_own_satellites_at_10_hz_and_waits_for_nothing() -> None:
    receiver, told = Line(), []
    for n in range(20):
        t = f"1200{n // 10:02}.{n % 10}0"
        cycle = [(gsa(*range(1, 4 + n % 3)), 0.03), (VTG, 0.0), (gga(t), 0.0), (rmc(t), 0.0)]
        told.append([fix for body, pause_s in cycle for fix in say(receiver, body, pause_s)])
    learned = told[2 * CYCLES + 2 :]
    assert [[fix.utc_ms % 1000 for fix in fixes if fix.utc_ms is not None] for fixes in learned] == [
        [n % 10 * 100] for n in range(2 * CYCLES + 2, 20)
    ]
    assert [fix.sats for fixes in learned for fix in fixes] == [{"GP": 3 + n % 3} for n in range(2 * CYCLES + 2, 20)]
