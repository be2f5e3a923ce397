"""Setup: what is sent, what is judged, when it is said again, and when it is given up."""

import itertools

import pytest

from agent.config import Gnss
from agent.core.effects import Note
from agent.core.events import FaultSeen, ReceiverHeard, ReceiverSpoke, ReceiverUp
from agent.core.part import Output
from agent.core.phrasebook import Phrasebook
from agent.core.setup import AGAIN_S, ANSWER_S, ASKS_MAX, FORGOT_S, LISTEN_S, RETRY_S, STEADY_S, TRIES_MAX, TRY_S, State
from tests.core.builders import of
from tests.core.setup_talk import BOOK, EVERYTHING, KINDS, RATE, Talk, asking, faults, heard, off, said, settled, trying

# --- nothing is sent ------------------------------------------------------------------------------------------------------------------


def test_to_a_generic_receiver_nothing_is_ever_sent_whatever_comes() -> None:
    talk = off()
    for rate, systems, kinds in ((1, ("GP",), KINDS), (10, ("BD",), {"GPGLL": 1}), (1, (), {})):
        talk.does |= {"rate": rate, "systems": systems, "kinds": kinds}
        talk.feed(ReceiverUp(talk.at, "/dev/x"), ReceiverSpoke(talk.at, "another make"))
        assert talk.run(120) == []
    assert talk.part.status(talk.at) == {}


def test_a_kind_of_which_nothing_is_wanted_is_told_nothing() -> None:
    talk = Talk(Gnss(receiver="test"))
    talk.feed(ReceiverUp(0.0, "/dev/x"))
    assert talk.run(300) == []


def test_a_receiver_that_does_already_what_is_wanted_is_told_nothing() -> None:
    talk = Talk(EVERYTHING)
    talk.does |= {"rate": 5, "baud": 115200}
    outs = talk.run(300)
    assert said(outs) == []
    assert talk.setup.state is State.SETTLED


@pytest.mark.parametrize("systems", [("GN",), ("BD", "GP", "GL"), ("BD", "GP", "GN")])
def test_one_odd_second_of_a_receiver_that_does_what_is_wanted_changes_nothing(systems: tuple[str, ...]) -> None:
    """A GSA that was lost leaves a fix whose satellites are counted all together."""
    talk = Talk(EVERYTHING)
    talk.does |= {"rate": 5, "baud": 115200}
    outs = talk.run(60)
    usual = talk.does["systems"]
    talk.does["systems"] = systems
    outs += talk.run(1)
    talk.does["systems"] = usual
    outs += talk.run(60)
    assert (said(outs), of(Note, outs), faults(outs)) == ([], [], [False])


def test_what_has_come_round_while_the_receiver_was_asked_who_it_is_is_not_sent() -> None:
    talk = heard(Gnss(constellations="beidou_gps"))
    talk.run(2)
    talk.until(90.99 + LISTEN_S + 0.1)
    talk.at = 97.1
    assert talk.setup.state is State.ASKING
    talk.does["systems"] = ("BD", "GP")
    outs = talk.run(10)
    assert (set(said(outs)), of(Note, outs), talk.setup.state) == ({"WHO"}, [], State.SETTLED)


# --- the way it goes ------------------------------------------------------------------------------------------------------------------


def test_it_listens_asks_sends_all_in_order_and_settles_when_it_is_done_as_wanted() -> None:
    talk = Talk(EVERYTHING)
    talk.does |= {"systems": ("GP", "GL"), "kinds": {"GPGGA": 1, "GPRMC": 1, "GPGLL": 1}}
    outs = talk.run(8)
    assert said(outs) == ["WHO"]
    outs = talk.feed(ReceiverSpoke(talk.at, "SW=1"))
    talk.at += 0.5
    outs += talk.until(talk.at + 0.5)
    assert said(outs) == ["SYS,2", "BAUD,115200", "115200"]
    talk.at += 0.5
    talk.does |= {"baud": 115200, "systems": ("BD", "GP"), "kinds": KINDS}
    outs = talk.run(3)
    assert said(outs) == ["SET,1", "SET,2", "RATE,5"]
    talk.does["rate"] = 5
    outs = talk.run(20)
    assert said(outs) == ["SAVE"]
    assert (talk.setup.state, faults(outs)) == (State.SETTLED, [False])
    status = talk.part.status(talk.at)
    assert status["known"] is True
    assert status["wants"]["rate"] == {"value": 5, "is": "met"}
    assert said(talk.run(1000)) == []


def test_a_phrase_waits_for_the_one_before_it() -> None:
    talk = Talk(Gnss(sentences="standard"), Phrasebook(name="x", sentences=BOOK.sentences))
    talk.does["kinds"] = {"GPGLL": 1}
    outs = talk.run(6)
    start = talk.part.deadline
    assert said(outs) == []
    assert said(talk.until(start)) == ["SET,1"]
    assert said(talk.until(start + 0.29)) == []
    assert said(talk.until(start + 0.31)) == ["SET,2"]


def test_no_answer_is_no_obstacle() -> None:
    talk = heard(RATE)
    outs = talk.run(1 + LISTEN_S + ASKS_MAX * ANSWER_S + 1)
    assert said(outs) == ["WHO", "WHO", "RATE,5"]


def test_another_kind_is_told_nothing_more_and_not_asked_again() -> None:
    talk = asking()
    outs = talk.feed(ReceiverSpoke(97.2, "another make"))
    fault = of(FaultSeen, outs)[0]
    assert (fault.active, "no Test kind" in str(fault.detail)) == (True, True)
    talk.at = 98.0
    assert said(talk.run(2 * AGAIN_S)) == []
    talk.feed(ReceiverUp(talk.at, "/dev/x"))
    assert "WHO" in said(talk.run(10))


# --- the speed ------------------------------------------------------------------------------------------------------------------------


def test_a_new_speed_that_is_not_heard_is_taken_back_and_the_rest_goes_on() -> None:
    talk = trying()
    began = talk.part.deadline - TRY_S
    assert said(talk.until(began + TRY_S - 0.01)) == []
    assert said(talk.until(began + TRY_S)) == ["9600"]
    outs = talk.feed(ReceiverHeard(began + TRY_S + 1, 5, {}, baud=9600))
    assert said(outs) == ["SET,1"]


def test_a_rate_that_does_not_fit_through_the_line_is_not_asked_for_and_the_fault_says_so() -> None:
    talk = heard(Gnss(rate_hz=10))
    outs = talk.run(200)
    assert "RATE,10" not in said(outs)
    fault = next(out for out in of(FaultSeen, outs) if out.active)
    assert "10 Hz does not fit through 38400 baud" in str(fault.detail)


def test_a_line_without_a_speed_is_asked_for_all_but_the_speed() -> None:
    talk = Talk(EVERYTHING)
    talk.does |= {"baud": None, "systems": ("GP", "GL")}
    outs = talk.run(20)
    assert "BAUD,115200" not in said(outs)
    assert "RATE,5" in said(outs)


# --- what becomes of it ---------------------------------------------------------------------------------------------------------------


def test_a_receiver_that_ignores_everything_is_told_four_times_with_longer_waits_and_given_up() -> None:
    talk = heard(RATE)
    sent_at = []
    outs: list[Output] = []
    while not faults(outs) and talk.at < 1000:
        outs = talk.second()
        sent_at += [talk.at] * said(outs).count("RATE,5")
    assert len(sent_at) == TRIES_MAX
    gaps = [b - a for a, b in itertools.pairwise(sent_at)]
    assert all(gap >= wait for gap, wait in zip(gaps, RETRY_S, strict=True))
    fault = of(FaultSeen, outs)[0]
    assert "rate: told 4 times, still 1.0 Hz" in str(fault.detail)
    assert "is our TX wired" in str(fault.detail)
    assert said(talk.run(600)) == []


def test_after_an_hour_it_is_tried_again_and_the_fault_goes_when_it_works() -> None:
    talk = heard(RATE)
    while talk.setup.state is not State.GIVEN_UP:
        talk.second()
    outs = talk.run(AGAIN_S + LISTEN_S + 2)
    assert said(outs) == ["RATE,5"]
    talk.does["rate"] = 5
    assert faults(talk.run(15)) == [False]


def test_a_receiver_that_does_it_after_it_was_given_up_is_settled() -> None:
    talk = heard(RATE)
    while talk.setup.state is not State.GIVEN_UP:
        talk.second()
    talk.does["rate"] = 5
    outs = talk.run(15)
    assert (faults(outs), said(outs)) == ([False], [])


def test_what_is_forgotten_for_ten_seconds_is_said_again_and_a_hiccup_is_not() -> None:
    talk = settled()
    talk.does["rate"] = 1
    talk.run(4)
    talk.does["rate"] = 5
    assert said(talk.run(60)) == []
    talk.does["rate"] = 1
    began = talk.at
    outs: list[Output] = []
    while "RATE,5" not in said(outs):
        outs = talk.second()
    assert FORGOT_S <= talk.at - began <= 2 * FORGOT_S
    talk.does["rate"] = 5
    talk.run(20)
    assert talk.setup.state is State.SETTLED


def test_a_receiver_that_forgets_again_and_again_is_given_up_and_one_that_stood_long_is_not() -> None:
    for stands_s, ends in ((30.0, "given_up"), (STEADY_S + 60.0, "settled")):
        talk = settled()
        for _ in range(TRIES_MAX + 1):
            talk.does["rate"] = 1
            while talk.status == "settled":
                talk.second()
            talk.does["rate"] = 1 if talk.status == "given_up" else 5
            talk.run(stands_s)
        assert talk.status == ends


def test_under_a_roof_nothing_is_sent_twice_and_nothing_is_a_fault() -> None:
    """Constellations that cannot be seen are unknown: sent once, then waited for."""
    talk = Talk(Gnss(constellations="beidou"))
    talk.does["systems"] = ()
    outs = talk.run(1800)
    assert said(outs) == ["WHO", "WHO", "SYS,1"]
    assert faults(outs) == []
    assert talk.setup.state is State.WATCHING
    talk.does["systems"] = ("BD",)
    assert faults(talk.run(30)) == [False]


def test_notes_for_the_log_say_what_was_asked() -> None:
    talk = heard(RATE)
    notes = of(Note, talk.run(20))
    assert "rate 5" in notes[0].text
