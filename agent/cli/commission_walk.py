"""What every step of a commissioning has in hand: the agent to ask, the person to talk to, lines of the report in both languages."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from agent.cli.ask import Denied, Unanswered, ask
from agent.cli.commission_talk import LeftOut, Talk, left_out
from agent.cli.doctor_check import Check, Result
from agent.cli.why_findings import section
from agent.cli.why_words import Language, Words
from agent.config import Config
from agent.wire.sentence import Sentence

Section = dict[str, Any]
Found = TypeVar("Found")
LANGUAGES: tuple[Language, ...] = ("en", "zh")
YES, NO = ("y", "yes", "是"), ("n", "no", "否")


class AgentGone(Exception):
    """The agent does not answer any more; `reason` says it."""

    def __init__(self, reason: Sentence) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Refused(Exception):
    """The agent does not do it, and says why: `reason`."""

    def __init__(self, reason: Sentence | str) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Line(NamedTuple):
    """One line of the report; `what` and `do` by language; `left_out`: somebody did not want to have it looked at."""

    result: Result
    code: str
    what: dict[Language, str]
    do: dict[Language, str]
    left_out: bool = False

    def told(self) -> dict[str, Any]:
        """As it stands in the report; `do` only where there is something to do."""
        return {"result": self.result, "code": self.code, "what": self.what} | ({"do": self.do} if any(self.do.values()) else {})


class Walk:
    """One commissioning. `patience_s` is how long a hand is waited for; `now` gives monotonic seconds."""

    def __init__(
        self,
        socket: str,
        config: Config,
        talk: Talk,
        words: dict[Language, Words],
        language: Language,
        patience_s: float,
        now: Callable[[], float],
    ) -> None:
        self.config = config
        self.talk = talk
        self.words = words
        self.patience_s = patience_s
        self.now = now
        self._socket = socket
        self._language = language
        self.lines: list[Line] = []
        self.testing = False
        """A walk test is open that we have begun."""
        self.begun: Callable[[], None] = lambda: None
        """To be called when that begins in which the machine is not to go down; `commission.py` calls it for all steps but cranking."""

    # --- the agent ----------------------------------------------------------------------------------------------------------------

    def status(self) -> Section:
        """What the agent says of itself. Raises AgentGone."""
        try:
            return ask(self._socket, {"ask": "status"})
        except Unanswered as e:
            raise AgentGone(e.sentence) from None

    def do(self, action: str, **body: object) -> Section:
        """Have it do something.

        Raises:
            Refused: it says why not.
            AgentGone: it does not answer.
        """
        try:
            return ask(self._socket, {"do": action, **body})
        except Denied as e:
            raise Refused(e.reason) from None
        except Unanswered as e:
            raise AgentGone(e.sentence) from None

    def wait(self, look: Callable[[Section], Found], within_s: float | None = None) -> Found | None:
        """What `look` finds in the status, once that is something; None when it is not within that time (else `patience_s`).

        Raises:
            LeftOut: somebody does not want to wait for it.
            AgentGone: it does not answer.
        """
        until = self.now() + (self.patience_s if within_s is None else within_s)
        while True:
            found = look(self.status())
            if found or self.now() >= until:
                return found or None
            self.talk.turn()

    # --- the person ---------------------------------------------------------------------------------------------------------------

    def text(self, key: str, **facts: object) -> str:
        """A sentence in the language of the talk."""
        return self.words[self._language](key, **facts)

    def sentence(self, key: str, **facts: object) -> Sentence:
        """The same in both languages, to be a fact of another."""
        return self.said(lambda words: words(key, **facts))

    def said(self, tell: Callable[[Words], str]) -> Sentence:
        """What that tells, in both languages."""
        return Sentence(*(tell(self.words[name]) for name in LANGUAGES))

    def say(self, key: str, **facts: object) -> None:
        """Say it."""
        self.talk.say(self.text(key, **facts))

    def ask(self, question: str, key: str, /, **facts: object) -> str:
        """Ask it; `question` is its name in a file of answers."""
        return self.talk.ask(question, self.text(key, **facts))

    def asked_yes(self, question: str, key: str, /, **facts: object) -> bool:
        """Yes or no, for what only a person can know: neither by Enter, which may have been typed once too often.

        Raises:
            LeftOut: neither is wanted, or nobody is there to tell.
        """
        return self.asked(question, key, (*YES, *NO), **facts) in YES

    def asked(self, question: str, key: str, answers: Sequence[str], /, **facts: object) -> str:
        """One of these answers, in small letters; it is asked until it is one. Raises LeftOut, as `asked_yes`."""
        while True:
            answer = self.ask(question, key, **facts)
            if answer.lower() in answers:
                return answer.lower()
            if (reason := left_out(answer)) is not None:
                raise LeftOut(reason)
            if not self.talk.attended:
                raise LeftOut(self.sentence("nobody"))
            self.say("yes_or_no")

    # --- the report ---------------------------------------------------------------------------------------------------------------

    def note(self, result: Result, code: str, key: str, do: str = "", **facts: object) -> None:
        """A line of the report, which is also said. `do`: the key of what to do."""
        what = {name: words(key, **facts) for name, words in self.words.items()}
        self._add(Line(result, code, what, {name: words(do, **facts) if do else "" for name, words in self.words.items()}))

    def not_done(self, code: str, key: str, **facts: object) -> None:
        """A line for what was not looked at, because of an answer: it keeps the whole from `passed`, as what was left out does."""
        what = {name: words(key, **facts) for name, words in self.words.items()}
        self._add(Line("skip", code, what, dict.fromkeys(self.words, ""), left_out=True))

    def left_out(self, code: str, reason: Sentence | str) -> None:
        """A line for what was left out by hand."""
        what = {name: words("left_out", reason=reason or "-") for name, words in self.words.items()}
        self._add(Line("skip", code, what, dict.fromkeys(self.words, ""), left_out=True))

    def take(self, checks: Callable[[Words], list[Check]]) -> None:
        """Lines of `outpost doctor`, in both languages. What is looked at has been looked at before: `checks` only says it, twice."""
        first, second = (checks(self.words[name]) for name in LANGUAGES)
        for one, other in zip(first, second, strict=True):
            assert (one.result, one.code) == (other.result, other.code), f"two findings of one look: {one}, {other}"
            what, do = (dict(zip(LANGUAGES, pair, strict=True)) for pair in ((one.what, other.what), (one.do, other.do)))
            self._add(Line(one.result, one.code, what, do))

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        self.tell(line)

    def tell(self, line: Line) -> None:
        """Say a line of the report."""
        self.talk.say(f"  {self.text(line.result)}  {line.what[self._language]}")
        if line.do[self._language]:
            self.talk.say(f"        → {line.do[self._language]}")


def boot(status: Section) -> object:
    """The name of the agent's present life."""
    return section(status, "unit").get("boot")
