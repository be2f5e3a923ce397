"""Why something is not done, or not well: a code and its facts go in; the sentence in both languages, and the map that is told, come out.

An answer that refuses is `{"error": …, "why": {"code": …, …}}`: the English sentence, and what it is made of, by name; so have the faults
and the store of the status. So a page in another language, and a program, need not read the sentence.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.wire.sentence import Sentence, filled
from agent.wire.why_codes import CODES, WHYS, Code

NESTED_MAX = 8
"""A reason of a reason; deeper is none of ours."""


class Why(NamedTuple):
    """A code and its facts: texts, numbers, or another Why. As a text it is the English sentence."""

    code: Code
    facts: dict[str, Any]

    def __str__(self) -> str:
        return self.said().en

    def said(self) -> Sentence:
        """In both languages."""
        return filled(WHYS[self.code], {name: fact.said() if isinstance(fact, Why) else fact for name, fact in self.facts.items()})

    def told(self) -> dict[str, Any]:
        """As a map: the code beside the facts, by name."""
        return {"code": self.code, **{name: told(fact) or fact for name, fact in self.facts.items()}}


def why(code: Code, **facts: object) -> Why:
    """One Why."""
    return Why(code, facts)


Reason = Why | str
"""In a code and its facts, or, where it comes from elsewhere, in words only."""


def several(reasons: Sequence[Reason]) -> Reason:
    """All of them in one; empty when there is none."""
    if len(reasons) < 2:
        return reasons[0] if reasons else ""
    return why("several", one=reasons[0], more=several(reasons[1:]))


def told(reason: object) -> dict[str, Any] | None:
    """A reason as a map; None for one in words only."""
    return reason.told() if isinstance(reason, Why) else None


def refused(reason: Why) -> dict[str, Any]:
    """The answer to whoever asked for what is not done."""
    return {"error": str(reason), "why": reason.told()}


def heard(found: object, otherwise: object) -> Sentence | str:
    """What such a map says; `otherwise` when it is none, or its code or facts are not those of today: the agent may be older or newer."""
    return _worded(found, NESTED_MAX) or str(otherwise)


def _worded(found: object, nested: int) -> Sentence | None:
    """None when there are no words for it, or for a reason within it."""
    code = found.get("code") if isinstance(found, dict) else None
    if not isinstance(found, dict) or code not in CODES or nested == 0:
        return None
    facts = {name: _worded(fact, nested - 1) if isinstance(fact, dict) else fact for name, fact in found.items()}
    if None in facts.values():
        return None
    try:
        return filled(WHYS[code], facts)
    except (KeyError, ValueError, TypeError, OverflowError):  # a fact is missing, or no such number
        return None
