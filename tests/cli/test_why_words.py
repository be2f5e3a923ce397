"""The words of `outpost why`: both languages, each fault of the table, and one page whatever is wrong."""

import ast
import re
import socket
import ssl
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters import broker_client
from agent.cli import why_findings
from agent.cli.why_page import COLUMNS, LINES_MAX, columns, page
from agent.cli.why_words import REASONS, WORDS, Language, Words
from agent.wire.faults import FAULTS, SEVERITIES
from tests import sources
from tests.cli.test_status import ANYTHING, NAMES

CHINESE = re.compile(r"[\u4e00-\u9fff]")
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def facts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_say_the_same_facts(key: str) -> None:
    english, chinese = WORDS[key]
    assert facts_of(english) == facts_of(chinese)
    assert not CHINESE.search(english)
    assert CHINESE.search(chinese) or english.count("{") == 2, "but for what only joins two facts"
    assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", chinese), "Chinese has its own punctuation"


def tls_error(kind: type[ssl.SSLError], text: str) -> ssl.SSLError:
    """As OpenSSL's own: with what makes it of use."""
    made = kind(1, text)
    made.reason, made.verify_message = text, text  # type: ignore[attr-defined]  # only one of both kinds has a verify_message
    return made


ERRORS = (
    socket.gaierror(-2, "Name or service not known"), ConnectionRefusedError(), TimeoutError(), ConnectionResetError(104, "reset"),
    tls_error(ssl.SSLCertVerificationError, "self-signed"), tls_error(ssl.SSLError, "wrong version number"),
    OSError(101, "Network is unreachable"),
)  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_the_broker_adapter_says_most_is_known_in_chinese(error: Exception) -> None:
    text = broker_client.in_plain_words(error, broker_client.endpoint("mqtts://centre.example:8883"), 5.0)
    assert CHINESE.search(Words("zh").reason(text)), text
    assert CHINESE.search(Words("zh").advice(text) or "")
    assert Words("en").reason(text) == text


BROKER = tuple(f"adapters/broker_{name}" for name in ("attempt", "client", "heard", "watch"))
SAYS_REASONS = ("core/link", "core/departures", "core/window", *BROKER)
ENDS = ("_give_up", "_wish_to_leave", "LinkDown", "LinkStalled")
NAMES_A_REASON = ("text", "self._reason", "(text, wrong)", "reason")
TELLS = ("in_plain_words", "look", "_why", "again", "stalled")


def spelled(node: ast.expr) -> list[str]:
    """The texts in an expression, a 7 for each place."""
    if isinstance(node, ast.Tuple):
        return [text for part in node.elts for text in spelled(part)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def reasons_of(path: Path) -> Iterator[str]:
    """Every text that becomes the reason for which there is no link."""
    for node in ast.walk(sources.tree(path)):
        match node:
            case ast.Call(args=args) if ast.unparse(node.func).rpartition(".")[2] in ENDS:
                yield from (text for arg in args for text in spelled(arg))
            case ast.Assign(targets=[target], value=value) if ast.unparse(target) in NAMES_A_REASON:
                yield from spelled(value)
            case ast.FunctionDef(name=name) if name in TELLS:
                told = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value is not None]
                yield from (text for value in told for text in spelled(value))


def test_every_reason_that_core_and_broker_adapter_spell_out_is_known_in_chinese_with_advice() -> None:
    paths = sources.python(*(f"agent/{name}.py" for name in SAYS_REASONS))
    found = {text for path in paths for text in reasons_of(path) if re.search("[a-z]{2}", text)}
    assert len(found) > 15, "they are found"
    zh = Words("zh")
    assert [text for text in sorted(found) if not CHINESE.search(zh.reason(text)) or not CHINESE.search(zh.advice(text) or "")] == []


def test_every_reason_fills_its_places_and_has_advice() -> None:
    for reason in REASONS:
        places = {int(name) for name in facts_of(reason.zh)}
        assert places <= set(range(reason.pattern.groups)), reason.zh
        assert CHINESE.search(reason.do[1])
        assert not CHINESE.search(reason.do[0])


# --- the table of faults ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_fault_is_told_with_its_meaning_and_what_to_do(code: str, language: Language) -> None:
    body = {"faults": [{"code": code, "detail": "of the wire", "since_s": 65.0}]}
    words = Words(language)
    (finding,) = why_findings.of_status(body, words)
    told = page("", [finding], [], words)
    fault = FAULTS[code]
    meaning, advice = (fault.means, fault.do) if language == "en" else (fault.zh, fault.do_zh)
    flat = told.replace("\n", "").replace(" ", "")
    assert f"{meaning}{words('since', span=words.span(65.0))}".replace(" ", "") in flat
    assert advice.replace(" ", "") in flat
    assert words("detail", text="of the wire") in told
    assert (words("note_stays") in told) is (fault.clears == "clear_on_ack")
    assert bool(CHINESE.search(meaning)) is bool(CHINESE.search(advice)) is (language == "zh")


def test_the_table_is_in_the_order_of_its_severities() -> None:
    severities = [fault.severity for fault in FAULTS.values()]
    assert severities == sorted(severities)
    assert set(severities) == set(SEVERITIES)


def test_the_worst_comes_first_and_what_is_not_known_last() -> None:
    listed = [{"code": code} for code in ("lights.dark", "new.one", "link.refused", "store.full", "panic.stuck", "gnss.jam", "power.low")]
    found = why_findings.of_status({"faults": listed}, Words("en"))
    assert [finding.code for finding in found] == [
        "panic.stuck", "store.full", "link.refused", "power.low", "gnss.jam", "lights.dark", "new.one",
    ]  # fmt: skip


# --- the page ---------------------------------------------------------------------------------------------------------------------------


EVERYTHING: dict[str, Any] = {
    "unit": {"id": "car-17", "ready": False},
    "faults": [{"code": code, "detail": f"what {code} says of itself " * 30, "since_s": 725.0} for code in FAULTS],
    "link": {
        "state": "waiting", "endpoint": "mqtts://centre.example:8883", "since_s": 301.0, "reason": "x" * 900, "next_try_s": 4.0,
        "last_end": "y " * 900,
    },
    "outbox": {"waiting": {"alarm": 2, "event": 14, "gap": 1, "live": 1, "backfill": 9999}, "store": "down", "acked": 5, "acked_s": 301.0},
    "position": {"mode": "none", "age_s": 4000.0},
    "receiver": {"port": "/dev/serial0", "up": False, "sentences": 3, "refused": {"checksum": 3}},
    "clock": {"src": "none"},
    "data": {"spares": "history waits", "until": "2026-12-01"},
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_with_everything_wrong_it_is_one_page_and_names_all(language: Language) -> None:
    words = Words(language)
    for detail in (True, False):
        body = EVERYTHING if detail else EVERYTHING | {"faults": [{"code": code, "since_s": 5.0} for code in FAULTS]}
        found = why_findings.of_status(body, words)
        told = page("all is wrong", found, [*why_findings.facts(body, words), *why_findings.more_facts(body, words)], words)
        lines = told.split("\n")
        assert len(lines) <= LINES_MAX
        assert max(map(columns, lines)) <= COLUMNS
        assert not [finding.code for finding in found if finding.code not in told]
        assert not [line for line in lines if line.lstrip()[:1] in set("，。；：、）")], "no line begins with what closes another"


def test_a_terminal_gives_a_chinese_character_two_columns() -> None:
    assert columns("链路 up，") == 9


@given(st.dictionaries(NAMES, ANYTHING, max_size=6), st.sampled_from(LANGUAGES))
def test_no_answer_breaks_the_page(body: dict[str, Any], language: Language) -> None:
    """An agent may be older or newer than this program."""
    words = Words(language)
    before = repr(body)
    found = why_findings.of_status(body, words)
    told = page("", found, [*why_findings.facts(body, words), *why_findings.more_facts(body, words)], words)
    assert all(c.isprintable() or c == "\n" for c in told)
    assert len(told.split("\n")) <= LINES_MAX
    assert repr(body) == before
