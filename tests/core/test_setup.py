"""Setup: all states × all events; what is sent, what is judged, when it is given up."""

from collections.abc import Callable
from typing import Any

import pytest

from agent.config import Gnss
from agent.core.effects import Note, SetReceiverBaud, SpeakToReceiver
from agent.core.events import (
    Event,
    FaultSeen,
    Fix,
    FixMode,
    ReceiverDown,
    ReceiverHeard,
    ReceiverSpoke,
    ReceiverUp,
    Satellite,
    Sky,
)
from agent.core.part import Output
from agent.core.phrasebook import Identify, Phrase, Phrasebook, SentenceSet, sentence
from agent.core.setup import (
    AGAIN_S,
    ANSWER_S,
    ASKS_MAX,
    FORGOT_S,
    LISTEN_S,
    RETRY_S,
    STEADY_S,
    TRIES_MAX,
    TRY_S,
    Setup,
    State,
)
from tests.core.builders import Bench, assert_covers, of


def text(body: str) -> Phrase:
    return Phrase(text=body, line=sentence(body), sure=True, wait_s=0.3)


BOOK = Phrasebook(
    name="Test kind",
    identify=Identify(ask=(text("WHO"),), answers=("SW=",), kinds=("PTEST",), others=("another make",)),
    constellations={"beidou": (text("SYS,1"),), "beidou_gps": (text("SYS,2"),), "all": (text("SYS,3"),)},
    rate={"1": (text("RATE,1"),), "5": (text("RATE,5"),), "10": (text("RATE,10"),)},
    baud={"115200": (text("BAUD,115200"),)},
    sentences=SentenceSet(standard=(text("SET,1"), text("SET,2")), hears=("GGA", "RMC"), silences=("GLL",)),
    save=(text("SAVE"),),
)
EVERYTHING = Gnss(constellations="beidou_gps", rate_hz=5, sentences="standard", baud_wanted=115200, save=True)
RATE = Gnss(rate_hz=5)
KINDS = {"GNGGA": 1, "GNRMC": 1}


class Talk(Bench):
    """A part with a receiver that does what `does` says, second by second, from `at` on."""

    def __init__(self, config: Gnss, book: Phrasebook = BOOK) -> None:
        self.setup = Setup(config, book)
        super().__init__(self.setup)
        self.at = 0.0
        self.does: dict[str, Any] = {"rate": 1, "baud": 9600, "systems": ("BD", "GP"), "kinds": KINDS}

    def run(self, seconds: float) -> list[Output]:
        """The receiver talks so long; what came out."""
        outs: list[Output] = []
        end = self.at + seconds
        while self.at < end - 1e-9:
            outs += self.second()
        return outs

    def second(self) -> list[Output]:
        rate, start = self.does["rate"], self.at
        sats = tuple(Satellite(system, 1, 40.0) for system in self.does["systems"])
        events: list[Event] = [Fix(start + i / rate, FixMode.THREE_D, 1_000 * i, sats=dict.fromkeys(self.does["systems"], 6)) for i in range(rate)]
        self.at = start + 1.0
        heard = ReceiverHeard(self.at - 0.01, 5 * rate, {}, {}, self.does["kinds"], self.does["baud"])
        return self.feed(*events, Sky(self.at - 0.02, sats), heard)


def said(outs: list[Output]) -> list[str]:
    """What was sent, and set, in order."""
    words = []
    for out in outs:
        if isinstance(out, SpeakToReceiver):
            words.append(out.data.decode().strip()[1:-3])
        if isinstance(out, SetReceiverBaud):
            words.append(str(out.baud))
    return words


def faults(outs: list[Output]) -> list[bool]:
    return [out.active for out in of(FaultSeen, outs) if out.code == "gnss.setup"]


# --- all states × all events ----------------------------------------------------------------------------------------------------------


def off() -> Talk:
    talk = Talk(Gnss(), Phrasebook(name="generic"))
    talk.at = 100.0
    return talk


def away() -> Talk:
    talk = Talk(EVERYTHING)
    talk.at = 100.0
    return talk


def heard(config: Gnss = EVERYTHING) -> Talk:
    talk = Talk(config)
    talk.at = 90.0
    talk.does |= {"systems": ("GP",), "baud": 38400 if config.baud_wanted == "keep" else 9600}
    talk.feed(ReceiverUp(90.0, "/dev/x"))
    return talk


def listening() -> Talk:
    talk = heard()
    talk.run(3)
    return talk


def asking() -> Talk:
    talk = heard()
    talk.run(2)
    talk.until(90.99 + LISTEN_S + 0.1)
    talk.at = 97.1
    return talk


def sending() -> Talk:
    talk = asking()
    talk.feed(ReceiverSpoke(97.2, "SW=1"))
    return talk


def trying() -> Talk:
    talk = sending()
    while talk.setup.state is State.SENDING:
        talk.until(talk.part.deadline)
    return talk


def returning() -> Talk:
    talk = trying()
    talk.until(talk.part.deadline)
    return talk


def watching() -> Talk:
    talk = returning()
    talk.until(talk.part.deadline)
    talk.at = 105.0
    return talk


def settled() -> Talk:
    talk = Talk(RATE)
    talk.at = 90.0
    talk.does |= {"rate": 5, "baud": 38400}
    talk.run(10)
    return talk


def waiting() -> Talk:
    talk = heard(RATE)
    while talk.setup.state is not State.WAITING:
        talk.second()
    return talk


def given_up() -> Talk:
    talk = asking()
    talk.feed(ReceiverSpoke(97.2, "another make"))
    return talk


STATES: dict[str, Callable[[], Talk]] = {
    one.__name__: one for one in (off, away, listening, asking, sending, trying, returning, watching, settled, waiting, given_up)
}


@pytest.mark.parametrize("state", STATES)
def test_the_states_of_this_test_are_the_parts(state: str) -> None:
    assert STATES[state]().setup.state.value == state
    assert {one.value for one in State} == set(STATES)


SPOKE_ITSELF, SPOKE_OTHER, SPOKE = "itself", "other", "spoke"
TABLE: list[tuple[str, str, type[Event], str]] = []
for _state in STATES:
    _off = _state == "off"
    TABLE += [
        (_state, "up", ReceiverUp, "off" if _off else "away"),
        (_state, "down", ReceiverDown, "off" if _off else "away"),
        (_state, SPOKE, ReceiverSpoke, _state),
        (_state, SPOKE_ITSELF, ReceiverSpoke, "sending" if _state == "asking" else _state),
        (_state, SPOKE_OTHER, ReceiverSpoke, "off" if _off else "given_up"),
        (_state, "one fix", Fix, _state),
        (_state, "one sky", Sky, _state),
        (_state, "garbage", ReceiverHeard, _state),
        (_state, "sentences", ReceiverHeard, {"away": "listening", "returning": "sending"}.get(_state, _state)),
        (_state, "new speed", ReceiverHeard, {"away": "listening", "trying": "sending"}.get(_state, _state)),
        (_state, "own kind", ReceiverHeard, {"away": "listening", "asking": "sending", "returning": "sending"}.get(_state, _state)),
    ]


def event(what: str, at: float) -> Event:
    return {
        "up": ReceiverUp(at, "/dev/x"),
        "down": ReceiverDown(at, "/dev/x", "gone"),
        SPOKE: ReceiverSpoke(at, "ANTENNA?"),
        SPOKE_ITSELF: ReceiverSpoke(at, "SW=5,V2"),
        SPOKE_OTHER: ReceiverSpoke(at, "this is another make"),
        "one fix": Fix(at, FixMode.NONE),
        "one sky": Sky(at, ()),
        "garbage": ReceiverHeard(at, 0, {"noise": 9}, baud=9600),
        "sentences": ReceiverHeard(at, 5, {}, baud=9600),
        "new speed": ReceiverHeard(at, 5, {}, baud=115200),
        "own kind": ReceiverHeard(at, 5, {}, {}, {"PTEST": 1}, 9600),
    }[what]


@pytest.mark.parametrize(("state", "what", "_kind", "then"), TABLE)
def test_every_state_answers_every_event(state: str, what: str, _kind: type[Event], then: str) -> None:
    talk = STATES[state]()
    if talk.part.deadline <= (at := max(talk.at, 97.21)):
        at = talk.part.deadline - 0.01
    outs = talk.feed(event(what, at))
    assert talk.setup.state.value == then
    if then == "off" or what in ("up", "down", "one fix", "one sky", "garbage"):
        assert outs == []


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Setup, STATES, ((state, kind) for state, _, kind, _ in TABLE))


@pytest.mark.parametrize(
    ("state", "then"),
    [("listening", "asking"), ("asking", "asking"), ("sending", "sending"), ("trying", "returning"), ("returning", "watching")]
    + [("waiting", "sending"), ("given_up", "given_up")],
)
def test_every_state_with_a_deadline_goes_on(state: str, then: str) -> None:
    talk = STATES[state]()
    if state != "given_up":
        talk.until(talk.part.deadline)
    assert talk.setup.state.value == then


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
    assert (fault.active, "no Test kind" in fault.detail) == (True, True)
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
    fault = [out for out in of(FaultSeen, outs) if out.active][0]
    assert "10 Hz does not fit through 38400 baud" in fault.detail


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
    gaps = [b - a for a, b in zip(sent_at, sent_at[1:], strict=False)]
    assert all(gap >= wait for gap, wait in zip(gaps, RETRY_S, strict=True))
    fault = of(FaultSeen, outs)[0]
    assert "rate: told 4 times, still 1.0 Hz" in fault.detail
    assert "is our TX wired" in fault.detail
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
    talk = settled()
    for _ in range(TRIES_MAX + 1):
        talk.does["rate"] = 1
        while talk.setup.state is State.SETTLED:
            talk.second()
        talk.does["rate"] = 5 if talk.setup.state is not State.GIVEN_UP else 1
        talk.run(30)
    assert talk.setup.state is State.GIVEN_UP
    talk = settled()
    for _ in range(TRIES_MAX + 1):
        talk.does["rate"] = 1
        while talk.setup.state is State.SETTLED:
            talk.second()
        talk.does["rate"] = 5
        talk.run(STEADY_S + 60)
        assert talk.setup.state is State.SETTLED


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
