"""Hearing: what a receiver does, held against what is wanted of it."""

import pytest

from agent.core.events import Event, Fix, FixMode, ReceiverHeard, Satellite, Sky
from agent.core.hearing import GRACE_S, LACK_S, RATE_OLD_S, SECONDS_KEPT, SEEN_S, Hearing, Verdict
from agent.core.phrasebook import SentenceSet, Want
from agent.core.setup import FORGOT_S

SENTENCES = SentenceSet(hears=("GGA", "GSV"), silences=("GLL",))


def hearing(want: Want, value: str | int) -> Hearing:
    return Hearing({want: value}, SENTENCES)


def fixes(rate: float, seconds: float, start: float = 0.0, **facts: object) -> list[Event]:
    return [Fix(start + n / rate, FixMode.THREE_D, 1000 * n, **facts) for n in range(round(rate * seconds) + 1)]  # type: ignore[arg-type]  # facts of a Fix


def feed(to: Hearing, events: list[Event]) -> Hearing:
    for event in events:
        to.take(event)
    return to


@pytest.mark.parametrize("wanted", [1, 5, 10])
@pytest.mark.parametrize("does", [1, 2, 4, 5, 10])
def test_each_rate_is_told_from_every_other(wanted: int, does: int) -> None:
    close = {wanted, 4} if wanted == 5 else {wanted}
    expected = Verdict.MET if does in close else Verdict.UNMET
    assert feed(hearing(Want.RATE, wanted), fixes(does, 6)).verdict(Want.RATE, 6.0) is expected


def test_a_rate_is_the_same_when_fixes_come_in_lumps() -> None:
    """Read late, several fixes carry one stamp."""
    lumps = [Fix(n // 5 * 0.5, FixMode.THREE_D, n) for n in range(60)]
    assert feed(hearing(Want.RATE, 10), list(lumps)).verdict(Want.RATE, 6.0) is Verdict.MET


def test_a_rate_needs_some_seconds_and_fresh_ones() -> None:
    heard = feed(hearing(Want.RATE, 5), fixes(5, 2))
    assert heard.verdict(Want.RATE, 2.0) is Verdict.UNKNOWN
    feed(heard, fixes(5, 2, 2.2))
    assert heard.verdict(Want.RATE, 4.2) is Verdict.MET
    assert heard.verdict(Want.RATE, 4.3 + RATE_OLD_S) is Verdict.UNKNOWN


def test_what_has_neither_time_nor_place_counts_for_no_rate() -> None:
    """A cold receiver's GGA and RMC without a time are told as two."""
    cold: list[Event] = [Fix(n / 2, FixMode.NONE) for n in range(20)]
    assert feed(hearing(Want.RATE, 1), cold).verdict(Want.RATE, 10.0) is Verdict.UNKNOWN


def test_what_comes_within_the_grace_of_a_command_does_not_count() -> None:
    heard = feed(hearing(Want.RATE, 5), fixes(1, 10))
    heard.forget(Want.RATE, 10.0)
    feed(heard, fixes(1, GRACE_S[Want.RATE] - 1, 10.0))
    assert heard.verdict(Want.RATE, 11.0) is Verdict.UNKNOWN
    feed(heard, fixes(5, 5, 10.0 + GRACE_S[Want.RATE]))
    assert heard.verdict(Want.RATE, 17.0) is Verdict.MET


@pytest.mark.parametrize(
    ("wanted", "seen", "verdict"),
    [
        ("beidou", {"BD"}, Verdict.MET),
        ("beidou", {"BD", "GP"}, Verdict.UNMET),
        ("beidou", {"GP"}, Verdict.UNMET),
        ("beidou", set(), Verdict.UNKNOWN),
        ("beidou_gps", {"BD", "GP"}, Verdict.MET),
        ("beidou_gps", {"BD", "GP", "GQ", "SB"}, Verdict.MET),
        ("beidou_gps", {"BD", "GP", "GL"}, Verdict.UNMET),
        ("beidou_gps", {"BD"}, Verdict.UNKNOWN),
        ("all", {"BD", "GP", "GL"}, Verdict.MET),
        ("all", {"BD", "GP", "GA"}, Verdict.MET),
        ("all", {"BD", "GP"}, Verdict.UNKNOWN),
    ],
)
def test_constellations_are_known_by_their_satellites(wanted: str, seen: set[str], verdict: Verdict) -> None:
    heard = hearing(Want.CONSTELLATIONS, wanted)
    heard.take(Sky(1.0, tuple(Satellite(system, 3, 35.0) for system in sorted(seen))))
    assert heard.verdict(Want.CONSTELLATIONS, 2.0) is verdict
    by_use = hearing(Want.CONSTELLATIONS, wanted)
    by_use.take(Fix(1.0, FixMode.THREE_D, 0, sats=dict.fromkeys(seen, 3)))
    assert by_use.verdict(Want.CONSTELLATIONS, 2.0) is verdict


def test_a_satellite_that_the_almanac_promises_and_nobody_hears_is_none() -> None:
    heard = hearing(Want.CONSTELLATIONS, "beidou")
    heard.take(Sky(1.0, (Satellite("BD", 3, 35.0), Satellite("GP", 3), Satellite("GL", 4, 0.0))))
    assert heard.systems(2.0) == {"BD"}


def test_a_count_of_all_together_is_no_constellation() -> None:
    heard = feed(hearing(Want.CONSTELLATIONS, "beidou_gps"), fixes(1, 30, sats={"GN": 12}))
    assert heard.verdict(Want.CONSTELLATIONS, 30.0) is Verdict.UNKNOWN
    heard.take(Sky(30.0, (Satellite("BD", 3, 35.0), Satellite("GP", 3, 40.0))))
    assert heard.verdict(Want.CONSTELLATIONS, 31.0) is Verdict.MET


def test_what_came_once_by_mistake_is_past_before_it_convicts() -> None:
    assert SEEN_S < FORGOT_S


def test_a_wanted_constellation_that_stays_away_for_long_while_others_are_used_is_unmet() -> None:
    heard = feed(hearing(Want.CONSTELLATIONS, "beidou_gps"), fixes(1, LACK_S + 1, sats={"BD": 8}))
    assert heard.verdict(Want.CONSTELLATIONS, LACK_S - 1) is Verdict.UNKNOWN
    assert heard.verdict(Want.CONSTELLATIONS, LACK_S) is Verdict.UNMET
    assert heard.verdict(Want.CONSTELLATIONS, LACK_S + SEEN_S + 2) is Verdict.UNKNOWN


def second(at: float, *kinds: str, baud: int | None = 9600, sentences: int = 5) -> ReceiverHeard:
    return ReceiverHeard(at, sentences, {}, {}, dict.fromkeys(kinds, 1), baud)


def test_sentences_are_met_when_all_came_and_unmet_when_one_came_that_should_not() -> None:
    heard = hearing(Want.SENTENCES, "standard")
    feed(heard, [second(1.0, "GNGGA", "GPGSV", "GNGLL"), second(2.0, "GNGGA")])
    assert heard.verdict(Want.SENTENCES, 2.0) is Verdict.UNKNOWN
    feed(heard, [second(3.0, "GNGGA")])
    assert heard.verdict(Want.SENTENCES, 3.0) is Verdict.UNMET
    feed(heard, [second(4.0, "BDGGA", "PCAS60"), second(5.0, "BDGGA")])
    assert heard.verdict(Want.SENTENCES, 5.0) is Verdict.MET


def test_a_sentence_that_does_not_come_is_missed_after_twice_the_longest_cycle() -> None:
    heard = feed(hearing(Want.SENTENCES, "standard"), [second(float(n), "GNGGA") for n in range(SECONDS_KEPT - 1)])
    assert heard.verdict(Want.SENTENCES, 20.0) is Verdict.UNKNOWN
    heard.take(second(20.0, "GNGGA"))
    assert heard.verdict(Want.SENTENCES, 20.0) is Verdict.UNMET


def test_a_speed_is_where_good_sentences_came() -> None:
    heard = hearing(Want.BAUD, 115200)
    assert heard.verdict(Want.BAUD, 0.0) is Verdict.UNKNOWN
    feed(heard, [second(1.0, "GNGGA", baud=9600), second(2.0, baud=115200, sentences=1)])
    assert heard.verdict(Want.BAUD, 2.0) is Verdict.UNMET
    heard.take(second(3.0, baud=115200))
    assert heard.verdict(Want.BAUD, 3.0) is Verdict.MET
    heard.forget(Want.BAUD, 3.0)
    assert heard.verdict(Want.BAUD, 3.0) is Verdict.UNKNOWN
    heard.take(second(4.0, baud=None))
    assert heard.verdict(Want.BAUD, 4.0) is Verdict.UNKNOWN


def test_what_it_does_can_be_told() -> None:
    heard = feed(hearing(Want.RATE, 5), [*fixes(5, 5, sats={"GP": 4, "BD": 9}), second(5.0)])
    assert heard.told(5.0) == "5.0 Hz, BD+GP, 9600 baud"
    heard.clear()
    assert heard.told(5.0) == ""
