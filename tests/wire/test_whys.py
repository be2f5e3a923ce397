"""What the agent says is wrong, in both languages: every code has its words, every word is said, and nothing is said in English alone."""

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.ask_words import ASK
from agent.core.data_cap import FULL
from agent.core.output_trial import ENDS
from agent.key_words import KEYS
from agent.wire.sentence import Sentence, filled
from agent.wire.why_codes import CODES, WHYS, Code
from agent.wire.whys import NESTED_MAX, Why, heard, refused, several, told, why
from tests import sources
from tests.cli.test_status import ANYTHING
from tests.cli.test_why_words import CHINESE, facts_of

TABLES: dict[str, tuple[str, str]] = {**dict(WHYS.items()), **ASK, **KEYS}
SAYS = sources.python("agent/core", "agent/adapters")
LETTERS = re.compile(r"[A-Za-z]{2}")


def example(code: Code) -> Why:
    """One with a fact in each place: a number where the text wants one."""
    places = {name: spec for text in WHYS[code] for _, name, spec, _ in string.Formatter().parse(text) if name}
    return why(code, **{name: 7.25 if spec else f"<{name}>" for name, spec in places.items()})


@pytest.mark.parametrize("key", TABLES)
def test_both_languages_say_the_same_facts(key: str) -> None:
    english, chinese = TABLES[key]
    assert facts_of(english) == facts_of(chinese)
    assert not CHINESE.search(english)
    bare = re.sub(r"{[^}]*}|[\W\dA-Z_]", "", english)
    assert CHINESE.search(chinese) or not bare, "but for what is only facts"
    assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", chinese), "Chinese has its own punctuation"


def test_every_code_has_words_and_none_is_without_a_code() -> None:
    assert tuple(WHYS) == CODES


def test_every_code_is_said_by_the_agent() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (*SAYS, *sources.python("agent/wire/whys.py")))
    assert [name for name in CODES if f'"{name}"' not in code] == []


def said_with(path: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Where a code is said, each code that it may be, and the facts that it is said with; of `**facts` those of the map of that name."""
    for function in (node for node in ast.walk(sources.tree(path)) if isinstance(node, ast.FunctionDef)):
        assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
        maps = {ast.unparse(node.targets[0]): node.value for node in assigned if isinstance(node.value, ast.Dict)}
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "why":
                given = {keyword.arg for keyword in call.keywords if keyword.arg}
                for spread in (keyword.value for keyword in call.keywords if keyword.arg is None):
                    given |= {str(ast.literal_eval(key)) for key in maps[ast.unparse(spread)].keys if key is not None}
                named = [part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
                for code in named or MAY_BE[ast.unparse(call.args[0])]:
                    yield f"{sources.name(path)}:{call.lineno}", str(code), given


MAY_BE = {"unknown": ("output_unknown", "show_unknown"), "ENDS[wanting]": tuple(ENDS.values()), "FULL[name]": tuple(FULL.values())}
"""Where the code is no constant."""


def test_every_code_is_said_with_its_facts() -> None:
    """One that is missing would end the agent when it is told."""
    calls = [call for path in (*SAYS, *sources.python("agent/wire/whys.py")) for call in said_with(path)]
    assert {code for _, code, _ in calls} | {"antenna_open", "antenna_short", "walk_test_alarm_live"} == set(CODES)
    wrong = [(place, code, given) for place, code, given in calls if given != facts_of(WHYS[code][0])]  # type: ignore[index]  # seen above
    assert wrong == []


# --- nothing in English alone -----------------------------------------------------------------------------------------------------------


def spelled_out(node: ast.expr) -> bool:
    """Whether an expression holds words; a text that only joins what comes from elsewhere has none."""
    texts = [part for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    named = {inner for outer in ast.walk(node) if isinstance(outer, ast.Call | ast.Subscript) for inner in ast.walk(outer)}
    return any(LETTERS.search(str(text.value)) for text in texts if text not in named)


def unsaid(path: Path) -> Iterator[str]:
    """Refusals and details of faults that are spelled out where they are said, as `file:line`."""
    for node in ast.walk(sources.tree(path)):
        if isinstance(node, ast.Dict) and any(isinstance(key, ast.Constant) and key.value == "error" for key in node.keys):
            yield f"{sources.name(path)}:{node.lineno}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "FaultSeen" and len(node.args) > 3 and spelled_out(node.args[3]):
            yield f"{sources.name(path)}:{node.lineno}"


def test_no_refusal_and_no_detail_of_a_fault_is_spelled_out_where_it_is_said() -> None:
    found = [place for path in SAYS for place in unsaid(path)]
    assert not found, "give it a code in agent/wire/why_codes.py, and answer with refused(why(…))\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ('Answer(1, {"error": "no"})', True),
        ('FaultSeen(at, "gnss.port", True, f"{port} is gone")', True),
        ('FaultSeen(at, "gnss.port", True, f"{port}: {reason}")', False),
        ('FaultSeen(at, "gnss.port", True, ", ".join(names))', False),
        ('FaultSeen(at, "gnss.port", True, why("no_fix", seconds=3))', False),
        ('FaultSeen(at, "gnss.port", False)', False),
    ],
)
def test_what_is_spelled_out_is_seen(code: str, is_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PROJECT", tmp_path)
    (tmp_path / "x.py").write_text(code)
    assert bool(list(unsaid(tmp_path / "x.py"))) is is_one


# --- there and back ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_what_is_told_is_heard_in_both_languages(code: Code) -> None:
    made = example(code)
    body = json.loads(json.dumps(refused(made)))
    assert body["error"] == str(made) == made.said().en
    assert body["why"]["code"] == code
    assert heard(body["why"], "x") == made.said()
    assert heard(body["why"] | {"a new fact": 5}, "x") == made.said(), "of a newer agent"


def test_a_reason_of_a_reason_is_said_in_the_language_around_it() -> None:
    damaged = why("store_damaged", path="/s", reason="bad page")
    aside = why("store_set_aside", reason=why("store_copied", reason=damaged), path="/s.1", rows=3)
    assert str(aside) == "/s is damaged: bad page; what could be read of it was copied into a fresh file; set aside at /s.1, 3 rows saved"
    said = heard(json.loads(json.dumps(aside.told())), "x")
    assert said == aside.said()
    assert isinstance(said, Sentence)
    assert said.zh == "/s 已损坏（bad page）；能读出的内容已复制到新文件；已移到 /s.1，救回 3 条"


def test_several_are_one_and_none_is_none() -> None:
    assert several([]) == ""
    assert several([why("gone_dark")]) == why("gone_dark")
    both = several([why("gone_dark"), why("time_impossible"), why("steps_together")])
    assert str(both) == (
        "all satellites went out while the car stood; the receiver tells a time that cannot be; position and time step together"
    )
    assert isinstance(both, Why)
    assert both.said().zh == "停车时全部卫星信号消失；接收机报告的时间不可能；位置和时间同时跳变"


def test_words_only_are_no_map() -> None:
    assert told("disk I/O error") is None
    assert told(why("root_only")) == {"code": "root_only"}


@pytest.mark.parametrize(
    "found",
    [
        None, "root_only", [], {}, {"code": "never heard of"}, {"code": ["root_only"]}, {"code": {"code": "root_only"}},
        {"code": "store_damaged"}, {"code": "jumped", "way_m": "far", "seconds": 1, "limit_m": 2}, {"code": "no_fix", "seconds": None},
        {"code": "no_fix", "seconds": 10**400},
    ],
    ids=repr,
)  # fmt: skip
def test_of_an_agent_that_is_older_or_newer_the_english_words_are_told(found: object) -> None:
    assert heard(found, "as it was said") == "as it was said"


def test_reasons_without_an_end_are_given_up() -> None:
    deep: object = "x"
    for _ in range(10 * NESTED_MAX):
        deep = {"code": "store_copied", "reason": deep}
    assert heard(deep, "x") == "x"


@given(st.dictionaries(st.sampled_from(["code", "reason", "path", "seconds"]), ANYTHING | st.sampled_from(CODES)))
def test_no_map_breaks_the_hearing(found: dict[str, object]) -> None:
    assert str(heard(found, "x"))


def test_facts_are_in_their_places_once() -> None:
    """A fact with braces in it is no place for another."""
    assert filled(("{a}: {b}", "{b}：{a}"), {"a": "{b}", "b": 1}) == ("{b}: 1", "1：{b}")


def test_a_reason_within_a_reason_that_has_no_words_leaves_the_agent_s_own() -> None:
    """Of a newer agent: half a sentence in words and half as a map would be worse."""
    made = several([why("antenna_open"), why("antenna_short")])
    assert isinstance(made, Why)
    assert heard(made.told(), "x") == made.said()
    for inner in ({"code": "of tomorrow"}, {"code": "hot"}):
        assert heard(made.told() | {"more": inner}, "open; short") == "open; short"
