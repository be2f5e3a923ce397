"""A slice of the fuzz of the NMEA reader, each time the same; the long run is a soak."""

import pytest

from agent.adapters.nmea import Nmea
from tests.fuzz.lines import kept, summed
from tests.fuzz.nmea import Outcome, add, fuzz

SLICE = 40_000
SOAK = 10_000_000


def kept_promises(outcome: Outcome) -> bool:
    assert outcome.broken == []
    return outcome.fixes > 0 and outcome.sentences > 0


def test_no_mutated_line_breaks_a_promise_of_the_reader() -> None:
    outcome = fuzz(seed=1, inputs=SLICE)
    assert kept_promises(outcome)
    assert outcome.rss_growth_kb < 16_384


def test_every_kept_line_is_read_and_a_good_one_after_it() -> None:
    assert len(kept()) > 15
    for line in kept():
        nmea = Nmea()
        nmea.feed(0.0, line + summed(b"GNRMC,120000.00,A,3000.0,N,10400.0,E,1.0,2.0,221126,,,A,V"))
        nmea.end()
        assert nmea.counts()[0] >= 1


def test_runs_add_up() -> None:
    total = add([fuzz(2, 500), fuzz(3, 500)])
    assert total.inputs == 1000


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_ten_million_mutated_lines_break_no_promise() -> None:
    outcome = fuzz(seed=4, inputs=SOAK)
    assert kept_promises(outcome)
