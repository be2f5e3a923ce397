"""Parts of `outpost commission` by themselves: answers, scatter, the report's page, and what the report says of a step."""

import io
import json
import os
import pty
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent import __version__
from agent.cli import commission_page, commission_report, parser
from agent.cli.commission_gnss import scatter_m
from agent.cli.commission_report import Step
from agent.cli.commission_talk import TYPED_CHARS_MAX, Answers, LeftOut, Stopped, Terminal, left_out, read_answers
from agent.cli.commission_walk import Line
from agent.cli.why_words import Language
from tests.core.builders import config

TITLE: dict[Language, str] = {"en": "inputs", "zh": "输入"}


def line(result: Any, code: str = "x") -> Line:
    return Line(result, code, {"en": "it <is>", "zh": "是"}, {"en": "mend & try", "zh": "修"} if result == "fail" else {"en": "", "zh": ""})


# --- what is typed ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "reason"), [("s no engine", "no engine"), ("S", ""), ("s", ""), ("", None), ("y", None), ("skip it", None)]
)
def test_an_s_and_a_reason_leaves_out(typed: str, reason: str | None) -> None:
    assert left_out(typed) == reason


def test_a_file_of_answers_answers_and_what_it_has_not_is_enter(tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(json.dumps({"outputs.red": " n "}))
    answers = read_answers(file)
    assert (answers.ask("outputs.red", "?"), answers.ask("outputs.blue", "?")) == ("n", "")


@pytest.mark.parametrize("text", ["", "[]", '{"a": 5}', "no json"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "answers.json").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read_answers(tmp_path / "answers.json")


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of our terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield master
    try:
        os.close(master)
    except OSError:
        pass  # the test has closed it


def typed_when_asked(keyboard: int, screen: io.StringIO, question: str, typed: bytes) -> threading.Thread:
    """Somebody who types once the question stands there."""

    def type_it() -> None:
        while question not in screen.getvalue():
            threading.Event().wait(0.01)
        os.write(keyboard, typed)

    thread = threading.Thread(target=type_it)
    thread.start()
    return thread


def test_what_was_typed_before_the_question_is_no_answer_to_it(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter twice, and another before the next question."""
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    terminal = Terminal()
    os.write(keyboard, b"y\nr\n\n")
    for key, answer in (("first?", "n"), ("second?", "y")):
        thread = typed_when_asked(keyboard, screen, key, f"{answer}\nr\n".encode())
        assert terminal.ask(key, key) == answer
        thread.join()


def test_a_script_on_a_pipe_may_say_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"y\nr\n")
    os.close(theirs)
    with os.fdopen(ours) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        terminal = Terminal()
        assert (terminal.ask("a", "?"), terminal.ask("b", "?")) == ("y", "r")


def test_while_something_is_waited_for_an_s_leaves_it_out_and_anything_else_is_passed_over(keyboard: int) -> None:
    terminal = Terminal()
    os.write(keyboard, b"hello\n")
    terminal.turn()
    os.write(keyboard, "s 没有\n".encode())
    with pytest.raises(LeftOut, match="没有"):
        terminal.turn()


def test_an_answer_is_no_longer_than_a_reason(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    thread = typed_when_asked(keyboard, screen, "?", b"s " + b"x" * 1000 + b"\n")
    assert len(Terminal().ask("a", "?")) == TYPED_CHARS_MAX
    thread.join()


def test_the_end_of_the_input_ends_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nothing").touch()
    with (tmp_path / "nothing").open() as empty:
        monkeypatch.setattr("sys.stdin", empty)
        with pytest.raises(Stopped):
            Terminal().ask("a", "?")


def test_a_terminal_that_is_gone_ends_everything(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a traceback, and with what is on put back: SIGHUP may come later, or never."""
    os.close(keyboard)
    terminal = Terminal()
    with pytest.raises(Stopped):
        terminal.turn()
    with open(os.dup(sys.stdin.fileno()), "w") as screen:  # noqa: PTH123  a descriptor
        monkeypatch.setattr("sys.stdout", screen)
        with pytest.raises(Stopped):
            terminal.say("hello")
        with pytest.raises(Stopped):
            Answers().say("hello")
        monkeypatch.undo()
        with suppress(OSError):
            screen.close()


def test_somebody_is_there_at_a_terminal_and_nobody_at_a_pipe_or_in_a_file(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Terminal().attended
    assert not Answers().attended
    ours, theirs = os.pipe()
    os.close(theirs)
    with os.fdopen(ours) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert not Terminal().attended


# --- scatter ----------------------------------------------------------------------------------------------------------------------------


def test_scatter_is_the_root_of_the_mean_square_in_metres() -> None:
    north = 10 / 111_195
    assert scatter_m([(36.0 + north, 101.0), (36.0 - north, 101.0)]) == pytest.approx(10.0, rel=1e-3)
    half_as_long = [(60.0, 101.0 + 2 * north), (60.0, 101.0 - 2 * north)]
    assert scatter_m(half_as_long) == pytest.approx(10.0, rel=1e-3)
    assert scatter_m([(36.0, 101.0)] * 5) == pytest.approx(0.0, abs=1e-6)


# --- the report -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "of_step"),
    [(["pass", "skip"], "pass"), (["pass", "warn"], "warn"), (["fail", "warn"], "fail"), (["skip"], "skip"), ([], "skip")],
)
def test_a_step_is_as_its_worst_line(results: list[str], of_step: str) -> None:
    assert Step("inputs", {"en": "inputs", "zh": "输入"}, [line(result) for result in results], 1, None).result == of_step


UTC = 1_800_000_000_000


def report(*results: str, utc_ms: int | None = UTC, reason: str | None = None, full: bool = True) -> dict[str, Any]:
    steps = [Step("inputs", {"en": "inputs", "zh": "输入"}, [line(result) for result in results], 1, reason)]
    status = {"clock": {"utc_ms": utc_ms, "src": "gnss", "err_ms": 20}, "unit": {"boot": "00ff"}}
    return commission_report.made(steps, config(), status, full)


def test_one_step_that_failed_fails_it_all_and_only_what_was_all_done_has_passed() -> None:
    assert report("pass", "skip")["result"] == "passed", "there was nothing to look at, which nobody left out"
    assert report("pass", "fail")["result"] == "failed"
    assert report("fail", full=False)["result"] == "failed"
    assert report("pass", full=False)["result"] == "partial"
    assert report(reason="rain")["result"] == "partial"
    assert report(reason="rain")["steps"][0]["skipped"] == "rain"


def test_one_lamp_that_was_left_out_makes_it_partial() -> None:
    lines = [line("pass"), line("skip")._replace(left_out=True)]
    assert commission_report.outcome([Step("outputs", {"en": "outputs", "zh": "输出"}, lines, 1, None)], full=True) == "partial"
    assert commission_report.outcome([], full=True) == "partial"


def test_what_nobody_has_seen_is_partial_at_most_and_the_report_and_its_page_say_so() -> None:
    steps = [Step("inputs", TITLE, [line("pass")], 1, None)]
    status = {"unit": {"boot": "00ff", "version": "1.2.3"}}
    seen, unseen = (commission_report.made(steps, config(), status, full=True, attended=attended) for attended in (True, False))
    assert (seen["attended"], seen["result"]) == (True, "passed")
    assert (unseen["attended"], unseen["result"]) == (False, "partial")
    assert "无人在场" in commission_page.page(unseen, "ab" * 32, None)
    assert "无人在场" not in commission_page.page(seen, "ab" * 32, None)
    failed = [Step("inputs", TITLE, [line("fail")], 1, None)]
    assert commission_report.outcome(failed, full=True, attended=False) == "failed"


def test_the_version_is_that_of_the_agent_that_runs() -> None:
    status = {"unit": {"boot": "00ff", "version": "1.2.3"}}
    assert commission_report.made([], config(), status, full=True)["version"] == "1.2.3"
    assert commission_report.made([], config(), {}, full=True)["version"] == __version__, "an older agent does not say"


def test_the_files_are_named_after_unit_and_time_or_boot() -> None:
    assert commission_report.name(report("pass")) == "car-1-20270115T080000Z"
    assert commission_report.name(report("pass", utc_ms=None)) == "car-1-boot-00ff"


def test_without_a_key_it_is_saved_unsigned_and_says_so(tmp_path: Path) -> None:
    saved = commission_report.save(report("pass"), tmp_path / "new" / "place", None, None)
    assert (saved.signature, saved.unsigned) == (None, ("mqtt.key and mqtt.cert are not set", "没有设置 mqtt.key 和 mqtt.cert"))
    assert json.loads(saved.report.read_text())["v"] == 1
    assert "not signed: mqtt.key and mqtt.cert are not set" in saved.page.read_text()
    assert sorted(path.suffix for path in saved.report.parent.iterdir()) == [".html", ".json"]


def test_the_page_needs_nothing_else_and_obeys_nothing() -> None:
    told = report("fail", "pass", reason="<script>alert(1)</script>")
    page = commission_page.page(told, "ab" * 32, None)
    assert "<script" not in page
    assert "it &lt;is&gt;" in page
    assert "mend &amp; try" in page
    assert "http" not in page
    assert "验收未通过 · failed" in page
    assert "失败 FAIL" in page
    assert "ab" * 32 in page


# --- the command ------------------------------------------------------------------------------------------------------------------------


def test_without_an_agent_there_is_nothing_to_commission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f'[unit]\nid = "car-1"\n[mqtt]\nendpoints = ["mqtt://a"]\n[socket]\npath = "{tmp_path}/agent.sock"\n')
    assert parser.main(["commission", "-c", str(file), "--yes"]) == 3
    assert "没有运行" in capsys.readouterr().err
    assert parser.main(["commission", "-c", str(file), "--yes", "--lang", "en"]) == 3
    assert "not running" in capsys.readouterr().err


def test_a_config_that_is_wrong_or_answers_that_are_none_are_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["commission", "-c", str(tmp_path / "nothing.toml")]) == 2
    file = tmp_path / "agent.toml"
    file.write_text('[unit]\nid = "car-1"\n[mqtt]\nendpoints = ["mqtt://a"]\n')
    assert parser.main(["commission", "-c", str(file), "--answers", str(tmp_path / "nothing.json")]) == 2
    assert "nothing.json" in capsys.readouterr().err


@pytest.mark.parametrize("wait", ["inf", "nan", "0.5", "-3", "3601", "1e308", "long"])
def test_a_time_to_wait_that_is_none_is_a_mistake(wait: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["commission", "--wait", wait]) == 2
    assert "--wait" in capsys.readouterr().err


def test_what_is_not_in_a_file_of_answers_is_enter() -> None:
    assert Answers().ask("a", "?") == ""
