"""What the installer says: a code and its facts go in; the sentence comes out, in English or in Chinese.

Code names codes and facts; the sentences lie in the tables beside (`words_refused`, `words_told`). A sentence may be a fact of another.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from agent.installer.words_refused import REFUSED
from agent.installer.words_told import TOLD

Language = Literal["en", "zh"]
WORDS: dict[str, tuple[str, str]] = REFUSED | TOLD

UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Said:
    """A sentence that is not worded yet."""

    def __init__(self, code: str, /, **facts: object) -> None:
        self.code = code
        self.facts = facts

    def text(self, language: Language) -> str:
        """The sentence. Sentences among its facts are worded first; several stand on a line each, several names in a row."""
        facts = {name: _worded(fact, language) for name, fact in self.facts.items()}
        return WORDS[self.code][0 if language == "en" else 1].format(**facts)

    def __str__(self) -> str:
        return self.text("en")

    def packed(self) -> dict[str, object]:
        """As JSON has it: another run, and perhaps another version, words it."""
        return {"code": self.code, "facts": {name: _packed(fact) for name, fact in self.facts.items()}}


def unpacked(found: object, plain: str) -> Said:
    """What `packed` made, or `plain` as it is, where that is missing or of a version that had other words."""
    try:
        said = _unpacked(found)
        for language in ("en", "zh"):
            said.text(language)
    except UNREADABLE:
        return Said("as_told", text=plain)
    return said


def of_english(text: str, *codes: str) -> Said:
    """One of these sentences without facts, found by its English, as another program says it; else `text` as it is."""
    return next((Said(code) for code in codes if WORDS[code][0] == text), Said("as_told", text=text))


def language(config: Path) -> Language:
    """unit.language of a config that names it; else that of LC_ALL, LC_MESSAGES, LANG.

    `outpost` takes a config without that key for Chinese; the installer does not: what it lays is such a config, and the first run and
    the second would speak two languages.
    """
    try:
        unit = tomllib.loads(config.read_text(encoding="utf-8-sig")).get("unit")
    except (OSError, ValueError):
        unit = None
    named = unit.get("language") if isinstance(unit, dict) else None
    told = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "zh" if named == "zh" or (named != "en" and told.startswith("zh")) else "en"


def _worded(fact: object, language: Language) -> object:
    if isinstance(fact, Said):
        return fact.text(language)
    if isinstance(fact, list | tuple):
        between = "\n" if any(isinstance(each, Said) for each in fact) else WORDS["and"][0 if language == "en" else 1]
        return between.join(str(_worded(each, language)) for each in fact)
    return fact


def _packed(fact: object) -> object:
    if isinstance(fact, Said):
        return fact.packed()
    if isinstance(fact, list | tuple):
        return [_packed(each) for each in fact]
    return fact if isinstance(fact, int | float) else str(fact)


def _unpacked(found: Any) -> Said:
    def one(fact: Any) -> object:
        return _unpacked(fact) if isinstance(fact, dict) else [one(each) for each in fact] if isinstance(fact, list) else fact

    return Said(found["code"], **{name: one(fact) for name, fact in found["facts"].items()})
