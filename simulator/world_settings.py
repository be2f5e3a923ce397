"""What a receiver is set to: commands, as bytes, go in; its speed, constellations, rate and sentences, and what it answers, come out.

It understands what the kind's phrasebook can say, each thing when all of its phrases have come, in order, and at its own speed. Power loss
puts everything back to what was saved, or to what it left the factory with.
"""

from collections import deque

import msgspec

from agent.core.phrasebook import Phrasebook, Want
from simulator.receiver_profiles import PROFILES, Profile

FACTORY_BAUD = {"lc29h": 115_200, "um980": 115_200}
"""Of the others 9600, the speed that the hunt begins with."""

SYSTEMS = {"beidou": ("BD",), "beidou_gps": ("BD", "GP"), "all": ("BD", "GP", "GL", "GA")}

HEARD_MAX = 32
"""Phrases that are remembered: more than the longest series of any kind."""


class Settings(msgspec.Struct, frozen=True):
    """How it stands."""

    baud: int
    systems: tuple[str, ...]
    rate_hz: int
    kinds: tuple[str, ...]


def factory(name: str) -> Settings:
    """As that kind is bought."""
    profile: Profile = PROFILES.get(name, PROFILES["generic"])
    systems = profile.systems if name in PROFILES and name != "generic" else ("BD", "GP")
    return Settings(FACTORY_BAUD.get(name, 9600), systems, 1, tuple(profile.order))


class WorldSettings:
    """The inside of one receiver of the kind `name`, which speaks the language of `book`."""

    def __init__(self, name: str, book: Phrasebook) -> None:
        self._book = book
        self._kept = self.now = factory(name)
        self._heard: deque[bytes] = deque(maxlen=HEARD_MAX)
        self._ask = {phrase.encoded() for phrase in book.identify.ask}
        self._save = tuple(phrase.encoded() for phrase in book.save)
        self._forms = [
            (tuple(phrase.encoded() for phrase in book.phrases(want, value)), want, value) for want in Want for value in book.values(want)
        ]

    def forget(self) -> None:
        """Its supply was gone."""
        self.now = self._kept
        self._heard.clear()

    def flip(self, baud: int) -> None:
        """It speaks at another speed, for no good reason."""
        self.now = msgspec.structs.replace(self.now, baud=baud)

    def hear(self, data: bytes) -> str:
        """Take one phrase; the text of the answer, empty when there is none."""
        self._heard.append(data)
        for phrases, want, value in self._forms:
            if phrases[-1] == data and tuple(self._heard)[-len(phrases) :] == phrases:
                self._do(want, value)
        if self._save and self._save[-1] == data:
            self._kept = self.now
        return f"{self._book.identify.answers[0]}1.0" if data in self._ask and self._book.identify.answers else ""

    def _do(self, want: Want, value: str) -> None:
        replace = msgspec.structs.replace
        match want:
            case Want.CONSTELLATIONS:
                self.now = replace(self.now, systems=SYSTEMS[value])
            case Want.BAUD:
                self.now = replace(self.now, baud=int(value))
            case Want.RATE:
                self.now = replace(self.now, rate_hz=int(value))
            case Want.SENTENCES:
                self.now = replace(self.now, kinds=self._book.sentences.hears)

    def does(self, wants: dict[Want, str | int]) -> bool:
        """Whether it does all of that."""
        now = self.now
        standard = set(self._book.sentences.hears) <= set(now.kinds) and not set(self._book.sentences.silences) & set(now.kinds)
        for want, value in wants.items():
            so = {
                Want.CONSTELLATIONS: set(now.systems) == set(SYSTEMS.get(str(value), ())),
                Want.BAUD: now.baud == value,
                Want.RATE: now.rate_hz == value,
                Want.SENTENCES: standard,
            }
            if not so[want]:
                return False
        return True
