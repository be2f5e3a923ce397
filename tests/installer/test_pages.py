"""docs/install.md and its Chinese mirror tell the same commands; what they tell of the installer is so."""

import re

import pytest

from agent.installer import checks, trial
from agent.installer.options import INTERNAL, VERBS
from agent.installer.words import WORDS
from tests import sources
from tests.install.page import blocks, entered

PAGES = ("install.md", "install.zh-CN.md")


def text(page: str) -> str:
    return (sources.PROJECT / "docs" / page).read_text("utf-8")


def test_both_pages_have_the_same_blocks_in_the_same_sections() -> None:
    english, chinese = (list(blocks(text(page))) for page in PAGES)
    assert english == chinese
    assert {block.kind for block in english} == {"sh", "toml", "text"}


def test_both_pages_have_tables_of_the_same_length() -> None:
    english, chinese = ([line.count("|") for line in text(page).splitlines() if line.startswith("|")] for page in PAGES)
    assert english == chinese


@pytest.mark.parametrize(
    ("page", "index", "heading", "word"),
    [(PAGES[0], 0, "## When it says no", r"[a-z]{2,}"), (PAGES[1], 1, "## 它拒绝的时候", r"[\u4e00-\u9fff]+")],
)
def test_what_the_table_of_refusals_says_is_what_the_installer_says(page: str, index: int, heading: str, word: str) -> None:
    section = text(page).split(heading)[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)[1:]
    assert len(rows) > 10
    for row in rows:
        own = re.sub(r"`\w+`|（[^（）\u4e00-\u9fff]*）", "", row)  # on the Chinese page the English stands in brackets
        for sentence in re.split(r"; |；", own):
            words = re.findall(word, sentence)
            assert words, row
            assert any(all(each in said[index] for each in words) for said in WORDS.values()), row


@pytest.mark.parametrize("page", PAGES)
def test_a_page_tells_every_verb_and_the_times_of_a_trial(page: str) -> None:
    found = text(page)
    for verb in (verb for verb in VERBS if verb not in (*INTERNAL, "install")):
        assert re.search(rf"outpost-install {verb}\b", found), verb
    for number in (f"{trial.READY_WITHIN_S:g} s", f"{trial.STAY_S:g} s"):
        assert number in found or number.replace(" s", " 秒") in found, number
    for option in ("--ready-within", "--stay", "--now", "--purge", "--yes", "--dry-run", "--image", "--lang zh"):
        assert option in found, option


def test_what_the_page_enters_is_asked_for_by_the_config_to_begin_with() -> None:
    start = (sources.PROJECT / "firmware_config/agent.start.toml").read_text("utf-8")
    typed = next(block.text for block in blocks(text(PAGES[0])) if block.kind == "toml")
    filled = entered(start, typed)
    assert 'id = "JD-0417"' in filled
    assert '\nkey = "credential:unit.key"' in filled
    assert checks.PYTHON_MIN == (3, 11), "the page and ./install say so too"
