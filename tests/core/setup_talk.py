"""What tests of the set-up build with: a kind of receiver, a receiver that talks second by second (`Talk`), and the part in each state."""

from collections.abc import Callable
from typing import Any

from agent.config import Gnss
from agent.core.effects import SetReceiverBaud, SpeakToReceiver
from agent.core.events import Event, FaultSeen, Fix, FixMode, ReceiverHeard, ReceiverSpoke, ReceiverUp, Satellite, Sky
from agent.core.part import Output
from agent.core.phrasebook import Identify, Phrase, Phrasebook, SentenceSet, sentence
from agent.core.setup import LISTEN_S, Setup, State
from tests.core.builders import Bench, of


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

    @property
    def status(self) -> str:
        """The state, in a word."""
        return self.setup.state.value

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
        used = dict.fromkeys(self.does["systems"], 6)
        events: list[Event] = [Fix(start + i / rate, FixMode.THREE_D, 1_000 * i, sats=used) for i in range(rate)]
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


# --- the part in each state ---------------------------------------------------------------------------------------------------------------


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
