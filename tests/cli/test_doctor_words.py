"""The tables of words of `outpost doctor` and `outpost commission`: the same facts in both languages, and none that nobody says."""

import re

import pytest

from agent.cli.commission_words import COMMISSION
from agent.cli.doctor_words import DOCTOR
from agent.cli.why_words import WORDS
from tests import sources
from tests.cli.test_why_words import CHINESE, facts_of

TABLES = DOCTOR | COMMISSION
MADE = re.compile(r"(title|about|use|output\.seen|panic|lights|wires|link)\.\w+$")
"""Keys that are put together from a part that varies."""


@pytest.mark.parametrize("key", TABLES)
def test_both_languages_say_the_same_facts(key: str) -> None:
    english, chinese = TABLES[key]
    assert facts_of(english) == facts_of(chinese)
    assert not CHINESE.search(english)
    bare = re.sub(r"{\w+}|[\W\dA-Z_]", "", english)
    assert CHINESE.search(chinese) or not bare or key in ("volts", "heat.hot", "version"), "but for what is only facts"
    assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", chinese), "Chinese has its own punctuation"


def test_no_table_covers_a_word_of_another() -> None:
    assert not WORDS.keys() & TABLES.keys()
    assert not DOCTOR.keys() & COMMISSION.keys()


def test_every_word_is_said() -> None:
    files = [path for path in sources.python("agent/cli") if not path.name.endswith("_words.py")]
    code = "\n".join(path.read_text() for path in files)
    unsaid = [key for key in TABLES if f'"{key}"' not in code and not MADE.match(key)]
    assert unsaid == []
