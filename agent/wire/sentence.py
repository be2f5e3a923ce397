"""A sentence in both languages: two texts with the same facts in braces go in, both with the facts in their places come out."""

from collections.abc import Mapping
from typing import NamedTuple

Texts = tuple[str, str]
"""English and Chinese."""


class Sentence(NamedTuple):
    """The same, said twice. As a text it is English: for logs, exceptions, and whoever reads JSON."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.en


def filled(texts: Texts, facts: Mapping[str, object]) -> Sentence:
    """With these facts; one that is a sentence itself is said in the language around it.

    Raises:
        KeyError: a fact is missing.
        ValueError, TypeError: one is of another kind than the texts want.
    """
    return Sentence(*(text.format(**{name: _in(fact, i) for name, fact in facts.items()}) for i, text in enumerate(texts)))


def _in(fact: object, language: int) -> object:
    return fact[language] if isinstance(fact, Sentence) else fact
