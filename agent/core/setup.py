"""Setup: what the receiver says goes in; what it is told (SpeakToReceiver, SetReceiverBaud), and the fault `gnss.setup`, come out.

Theory. Police equipment listens: nothing is sent unless a kind of receiver and something of it are wanted in the config. Even then, first
we hear whether it does already what is wanted, and send only what it does not, or does not show. Success is what it then does, never what
it answers. A receiver that forgets (its supply dipped) is told again, a limited number of times, with longer and longer waits.

    state       what happens                                                          until
    off         nothing is wanted: nothing is sent, ever
    away        the port is closed, or nothing has been heard                         good sentences come -> listening
    listening   does it do what is wanted already?                                    LISTEN_S: yes -> settled, no -> asking
    asking      who are you? (twice; no answer is no obstacle, another kind's is)     answer or ANSWER_S -> sending
    sending     one phrase after the other, with the waits that they ask for          the last one -> watching
    trying      the new speed after a change of baud                                  good sentences -> sending, TRY_S -> returning
    returning   the old speed again: the receiver stayed                              good sentences -> sending, TRY_S -> watching
    watching    does it do what was asked? unknown is waited for                      all met -> settled, one unmet -> waiting
    settled     all is as wanted                                                      one unmet -> sending
    waiting     before the next try, longer each time                                 RETRY_S -> sending; too often -> given up
    given up    the fault stands                                                      all met -> settled; AGAIN_S -> listening

In every state but `off` a closed port leads to `away`, and an open one begins anew. "Unmet" is what stood so for FORGOT_S on end.
"""

import enum
import math
from collections import deque
from collections.abc import Iterable
from typing import Any

from agent.config import Gnss
from agent.core.effects import Note, SetReceiverBaud, SpeakToReceiver
from agent.core.events import Event, FaultSeen, Fix, ReceiverDown, ReceiverHeard, ReceiverSpoke, ReceiverUp, Sky
from agent.core.hearing import GOOD_MIN, Hearing, Verdict
from agent.core.part import Output, Outputs, Part
from agent.core.phrasebook import Phrase, Phrasebook, Want
from agent.wire.whys import Reason, why

LISTEN_S = 6.0
"""Enough to hear a rate, the sentences of five fixes at 1 Hz, and satellites."""
ANSWER_S = 1.5
ASKS_MAX = 2
TRY_S = 3.0
"""A new speed without a good sentence for so long is not the receiver's: at 1 Hz two fixes, and a second to be told of them."""
FORGOT_S = 10.0
"""Shorter than this it may be a gap in what we hear; longer, and the receiver has forgotten."""
TRIES_MAX = 4
RETRY_S = (5.0, 20.0, 60.0)
"""Before the second, third and fourth try."""
STEADY_S = 600.0
"""What has stood so long and is then forgotten, is a new story with all its tries."""
AGAIN_S = 3600.0
"""After giving up: events may have been lost, a wire may have been mended."""
BAUD_MIN = {5: 38_400, 10: 115_200}
"""Sentences at that rate (800 bytes a fix with ours) do not fit through a slower line; the receiver would drop some (CASIC 2.3.2)."""


class State(enum.Enum):
    """Where the set-up stands; see the table above."""

    OFF = "off"
    AWAY = "away"
    LISTENING = "listening"
    ASKING = "asking"
    SENDING = "sending"
    TRYING = "trying"
    RETURNING = "returning"
    WATCHING = "watching"
    SETTLED = "settled"
    WAITING = "waiting"
    GIVEN_UP = "given_up"


JUDGED = (State.WATCHING, State.SETTLED, State.GIVEN_UP)
"""In these, what is heard decides what comes next."""


def wanted(config: Gnss, book: Phrasebook) -> dict[Want, str | int]:
    """What is wanted and can be said, in the order in which it is said; the rest the config file's check has refused."""
    values: dict[Want, str | int] = {
        Want.CONSTELLATIONS: config.constellations,
        Want.BAUD: config.baud_wanted,
        Want.SENTENCES: config.sentences,
        Want.RATE: config.rate_hz,
    }
    return {want: value for want, value in values.items() if value != "keep" and book.phrases(want, value)}


class Setup(Part):
    """The conversation with the receiver."""

    name = "setup"
    listens = (ReceiverUp, ReceiverDown, ReceiverHeard, ReceiverSpoke, Fix, Sky)

    def __init__(self, config: Gnss, book: Phrasebook) -> None:
        self._book = book
        self._save = config.save
        self.wants = wanted(config, book)
        self.state = State.AWAY if self.wants else State.OFF
        self.hearing = Hearing(self.wants, book.sentences)
        self._deadline = math.inf
        self._script: deque[Phrase | SetReceiverBaud] = deque()
        self._sent: list[Want] = []
        self._unmet: dict[Want, float] = {}
        self._old_baud: int | None = None
        self._new_baud: int | None = None
        self._known = False
        self._asks = 0
        self._tries = 0
        self._unsaved = False
        self._settled_at = -math.inf
        self._said = ""
        self._why: Reason = ""

    @property
    def deadline(self) -> float:
        """When the present state has lasted long enough."""
        return self._deadline

    def _enter(self, state: State, until: float = math.inf) -> None:
        self.state, self._deadline = state, until

    # --- what is heard ------------------------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> Outputs:
        """Take what the receiver, or its port, says."""
        if self.state is State.OFF:
            return ()
        at = event.at
        match event:
            case ReceiverUp() | ReceiverDown():
                return self._begin()
            case ReceiverSpoke(text=text):
                return self._heed(at, text)
        self.hearing.take(event)
        if isinstance(event, ReceiverHeard) and event.sentences >= GOOD_MIN:
            return self._hear(event)
        return self._judge(at) if self.state in JUDGED else ()

    def _begin(self) -> Outputs:
        """It may be another receiver now, or one that starts."""
        self.hearing.clear()
        self._known, self._asks, self._tries, self._said = False, 0, 0, ""
        self._script.clear()
        self._unmet.clear()
        self._enter(State.AWAY)
        return ()

    def _hear(self, heard: ReceiverHeard) -> Outputs:
        if any(kind.startswith(own) for own in self._book.identify.kinds for kind in heard.kinds):
            self._known = True
        match self.state:
            case State.AWAY:
                self._enter(State.LISTENING, heard.at + LISTEN_S)
            case State.ASKING if self._known:
                return self._send(heard.at)
            case State.TRYING if heard.baud == self._new_baud and heard.sentences >= GOOD_MIN:
                return self._next(heard.at)
            case State.RETURNING if heard.baud == self._old_baud and heard.sentences >= GOOD_MIN:
                return self._next(heard.at)
            case state if state in JUDGED:
                return self._judge(heard.at)
        return ()

    def _heed(self, at: float, text: str) -> Outputs:
        """Who it is, or what it answers: that it is another kind is the one answer that is believed."""
        self._said = text
        if any(own in text for own in self._book.identify.answers):
            self._known = True
        if any(other in text for other in self._book.identify.others):
            outs = self._give_up(at, why("receiver_another", kind=self._book.name, said=repr(text)))
            self._deadline = math.inf
            return outs
        return self._send(at) if self._known and self.state is State.ASKING else ()

    # --- time ---------------------------------------------------------------------------------------------------------------------

    def expire(self) -> Outputs:
        """The state has lasted long enough."""
        at, self._deadline = self._deadline, math.inf
        match self.state:
            case State.LISTENING | State.WAITING:
                return self._ask(at) if self._pending(at) else self._settle(at)
            case State.ASKING:
                return self._ask(at)
            case State.TRYING:
                assert self._old_baud is not None
                self._enter(State.RETURNING, at + TRY_S)
                return [Note("warning", f"receiver: silent at {self._new_baud} baud"), SetReceiverBaud(self._old_baud)]
            case State.RETURNING:  # heard at neither speed: the hunt finds it, or the port is dead, and what then comes is judged
                self._script.clear()
                return self._watch(at)
            case State.GIVEN_UP:
                self._tries = 0
                self._enter(State.LISTENING, at + LISTEN_S)
                return ()
        return self._next(at)

    # --- what is said -------------------------------------------------------------------------------------------------------------

    def _pending(self, at: float) -> list[Want]:
        """What is not shown to be met; and, since constellations restart receivers and sentences reset rates, what comes after it."""
        wants = [want for want in self.wants if want is not Want.BAUD or self.hearing.baud is not None]
        unshown = [want for want in wants if self.hearing.verdict(want, at) is not Verdict.MET]
        if not unshown:
            return []
        after = wants[wants.index(unshown[0]) :]
        return [want for want in after if want in unshown or want is not Want.BAUD]

    def _ask(self, at: float) -> Outputs:
        ask = self._book.identify.ask
        if self._known or not ask or self._asks >= ASKS_MAX:
            return self._send(at)
        self._asks += 1
        self._enter(State.ASKING, at + ANSWER_S)
        return [SpeakToReceiver(phrase.encoded()) for phrase in ask]

    def _send(self, at: float) -> Outputs:
        """Write the script of this try, and begin with it."""
        self._sent = self._pending(at)
        if not self._sent:  # it has come round meanwhile
            return self._settle(at)
        self._tries += 1
        self._why = ""
        self._unsaved = self._unsaved or bool(self._sent)
        self._old_baud = self.hearing.baud
        for want in self._sent:
            value = self.wants[want]
            self._script += self._book.phrases(want, value)
            if want is Want.BAUD and isinstance(value, int):
                self._script.append(SetReceiverBaud(value))
        self._enter(State.SENDING, at)
        said = ", ".join(f"{want.value} {self.wants[want]}" for want in self._sent)
        return [Note("info", f"receiver: asked for {said} (try {self._tries} of {TRIES_MAX})"), *self._next(at)]

    def _next(self, at: float) -> Outputs:
        """The next line of the script."""
        if not self._script:
            return self._watch(at)
        line = self._script.popleft()
        if isinstance(line, SetReceiverBaud):
            self._new_baud = line.baud
            self._enter(State.TRYING, at + TRY_S)
            return [line]
        if self._too_fast(line):
            self._why = why("receiver_line_thin", hz=str(self.wants[Want.RATE]), baud=self.hearing.baud)
            return self._next(at)
        self._enter(State.SENDING, at + max(line.wait_s, 0.01))
        return [SpeakToReceiver(line.encoded())]

    def _too_fast(self, line: Phrase) -> bool:
        rate, baud = self.wants.get(Want.RATE), self.hearing.baud
        if not isinstance(rate, int) or baud is None or baud >= BAUD_MIN.get(rate, 0):
            return False
        return line in self._book.phrases(Want.RATE, rate)

    def _watch(self, at: float) -> Outputs:
        for want in self._sent:
            self.hearing.forget(want, at)
        self._unmet.clear()
        self._enter(State.WATCHING)
        return ()

    # --- what became of it --------------------------------------------------------------------------------------------------------

    def _judge(self, at: float) -> Outputs:
        """Whether all is met now, or something has been unmet for too long."""
        verdicts = {want: self.hearing.verdict(want, at) for want in self.wants if want is not Want.BAUD or self.hearing.baud is not None}
        for want, verdict in verdicts.items():
            if verdict is not Verdict.UNMET:
                self._unmet.pop(want, None)
            else:
                self._unmet.setdefault(want, at)
        if self.state is not State.SETTLED and set(verdicts.values()) == {Verdict.MET}:
            return self._settle(at)
        if self.state is not State.GIVEN_UP and any(at - since >= FORGOT_S for since in self._unmet.values()):
            return self._again(at)
        return ()

    def _settle(self, at: float) -> Outputs:
        out: list[Output] = [FaultSeen(at, "gnss.setup", False)]
        if self._unsaved:
            out.append(Note("info", f"receiver: set up ({self.hearing.told(at)})"))
            if self._save:
                out += [SpeakToReceiver(phrase.encoded()) for phrase in self._book.save]
            self._unsaved = False
        self._settled_at = at
        self._enter(State.SETTLED)
        return out

    def _again(self, at: float) -> Outputs:
        """It does not do it, or does it no more."""
        if self.state is State.SETTLED:
            self._tries = 0 if at - self._settled_at >= STEADY_S else self._tries
            if self._tries < TRIES_MAX:
                return [Note("warning", f"receiver: forgot {_words(self._unmet)} ({self.hearing.told(at)})"), *self._ask(at)]
        if self._tries >= TRIES_MAX:
            return self._give_up(at, why("receiver_unmet", wants=_words(self._unmet), reason=self._why or self._stubborn(at)))
        self._enter(State.WAITING, at + RETRY_S[min(self._tries, len(RETRY_S)) - 1])
        return ()

    def _stubborn(self, at: float) -> Reason:
        """It was told, and does something else."""
        facts = {"count": self._tries, "does": self.hearing.told(at)}
        if self._known:
            return why("receiver_stubborn", **facts)
        return why("receiver_stubborn_said", **facts, said=repr(self._said)) if self._said else why("receiver_deaf", **facts)

    def _give_up(self, at: float, reason: Reason) -> Outputs:
        self._script.clear()
        self._why = reason
        self._enter(State.GIVEN_UP, at + AGAIN_S)
        return [FaultSeen(at, "gnss.setup", True, reason)]

    def status(self, now: float) -> dict[str, Any]:
        """The kind, the state, and for each want what is wanted and whether it is met; what the receiver said last."""
        if self.state is State.OFF:
            return {}
        return {
            "receiver": self._book.name,
            "state": self.state.value,
            "known": self._known,
            "tries": self._tries,
            "wants": {want.value: {"value": value, "is": self.hearing.verdict(want, now).value} for want, value in self.wants.items()},
            "said": self._said or None,
        }


def _words(wants: Iterable[Want]) -> str:
    return ", ".join(want.value for want in wants)
