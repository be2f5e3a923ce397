"""The words of the installer: the same facts in both languages, none that nobody says, and none outside of the tables."""

import ast
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.cli import idle
from agent.installer import bootconfig, install, move, probe, removal, status, trial
from agent.installer.machine import Facts
from agent.installer.site import Failed
from agent.installer.words import WORDS, Language, Said, language, of_english, unpacked
from agent.installer.words_refused import REFUSED
from agent.installer.words_told import TOLD
from tests import sources
from tests.cli.test_why_words import CHINESE, facts_of
from tests.installer.machine import DIES, Machine

INSTALL = sources.PROJECT / "install"
FOLDER = "agent/installer"
TABLES = (f"{FOLDER}/words_refused.py", f"{FOLDER}/words_told.py")
HELP = f"{FOLDER}/options.py"
"""`--help` is English, as that of every `outpost` command."""

SAYING = ("Said", "Failed", "tell", "step", "may")
"""What is called with a code, and the facts of its sentence."""

TYPED = (bootconfig.BEGIN, bootconfig.END, probe.GRAVE, "import agent")
"""What looks like words and is said to no person: marks by which lines are found again, and Python."""

SENTENCE = re.compile(r"[A-Za-z]{2,},? [A-Za-z]{2,}|[a-z]{2,} $|^ [a-z]{2,}|[A-Za-z]: |[\u4e00-\u9fff]")
PLAIN = re.compile(r"{\w+(:[^}]*)?}|[\W\d]|\b(Python|MB)\b")


def modules() -> list[Path]:
    return [path for path in sources.python(FOLDER) if sources.name(path) not in (*TABLES, HELP)]


# --- the tables -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", WORDS)
def test_both_languages_say_the_same_facts(code: str) -> None:
    english, chinese = WORDS[code]
    assert facts_of(english) == facts_of(chinese)
    assert not CHINESE.search(english)
    assert CHINESE.search(chinese) or not PLAIN.sub("", english) or code == "checks.item", "but for what is only facts"
    assert not re.search(r"[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]", chinese), "Chinese has its own punctuation"
    assert english.count("\n") == chinese.count("\n")


def test_no_table_covers_a_word_of_the_other() -> None:
    assert not REFUSED.keys() & TOLD.keys()


def codes_of(node: ast.expr) -> Iterator[str]:
    """The codes that an argument may be; none is told by an empty one."""
    match node:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp(body=one, orelse=other):
            yield from codes_of(one)
            yield from codes_of(other)
        case _:
            yield ""


def said(path: Path) -> Iterator[tuple[int, str, set[str] | None]]:
    """Line, code and facts of each sentence that a module says; the facts are None where they are handed on."""
    for call, called in sources.calls(path):
        handed_on = [word for word in call.keywords if word.arg is None]
        if called in SAYING and call.args and not (handed_on and isinstance(call.args[0], ast.Name)):
            for code in codes_of(call.args[0]):
                yield call.lineno, code, {word.arg or "**" for word in call.keywords}
        if called == "of_english":
            yield from ((call.lineno, code, set()) for argument in call.args[1:] for code in codes_of(argument))


def test_what_is_said_is_in_a_table_and_gets_its_facts() -> None:
    wrong = [
        f"{sources.name(path)}:{line}: {code} {facts}"
        for path in modules()
        if path.name != "words.py"
        for line, code, facts in said(path)
        if code not in WORDS or facts != facts_of(WORDS[code][0])
    ]
    assert wrong == []


def test_every_word_is_said() -> None:
    used = {code for path in modules() for _, code, _ in said(path)}
    assert [code for code in WORDS if code not in used and code != "and"] == []


# --- and nowhere else -------------------------------------------------------------------------------------------------------------------


def sentences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of what reads like a sentence; a docstring and what an assert says are for us."""
    ours = {id(child) for node in ast.walk(tree) if isinstance(node, ast.Assert) and node.msg for child in ast.walk(node.msg)}
    ours |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    printed = {id(node.args[0]) for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args and prints(node.func)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in ours or node.value in TYPED:
            continue
        if id(node) in printed or SENTENCE.search(node.value):
            yield node.lineno, node.value


def prints(called: ast.expr) -> bool:
    """Whether what it is called with stands on the screen as it is."""
    return (isinstance(called, ast.Name) and called.id in ("print", "input", "SystemExit")) or (
        isinstance(called, ast.Attribute) and called.attr in ("say", "done", "exit", "write_text")
    )


def test_no_sentence_stands_outside_of_the_tables() -> None:
    found = [f"{sources.name(path)}:{line}: {text}" for path in modules() for line, text in sentences(sources.tree(path))]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'raise Failed("nothing is installed")',
        'site.say("Removed.")',
        'step.done("built")',
        'print(f"{made.prog}: not done", file=sys.stderr)',
        'yield f"{boot} is mounted"',
        'why = f"pip could not install from {home}"',
        'input("Sure?")',
        'words = "没有"',
        'note = f"now: {state}"',
    ],
)
def test_a_sentence_in_the_code_is_seen(line: str) -> None:
    assert list(sentences(ast.parse(line)))


def test_the_front_door_has_both_languages_and_says_what_the_installer_says() -> None:
    text = INSTALL.read_text("utf-8")
    pairs = re.findall(r'\|\| refuse \\\n    "(.+)" \\\n    "(.+)"\n', text)
    assert len(pairs) == len(re.findall(r"\brefuse\b", text)) - 1, "but for its definition"
    assert not [pair for pair in pairs if CHINESE.search(pair[0]) or not CHINESE.search(pair[1])]
    for spoken, worded in zip(pairs[0], WORDS["checks.bits"], strict=True):
        assert spoken.replace('\\"', '"') == worded.replace("{bits}", "$bits")


def test_what_outpost_idle_says_is_known() -> None:
    source = Path(idle.__file__).read_text("utf-8")
    for code in ("idle.alarm", "idle.starting"):
        assert f'"{WORDS[code][0]}"' in source
        assert CHINESE.search(of_english(WORDS[code][0], "idle.alarm", "idle.starting").text("zh"))
    assert of_english("something else", "idle.alarm").text("zh") == "something else"


# --- which language ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
    ],
)
def test_without_a_word_the_language_is_that_of_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], spoken: Language
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "agent.toml"
    for text in (None, "[unit]\nid = 'X'\n", "unit = 3\n", "not TOML"):
        if text:
            config.write_text(text)
        assert language(config) == spoken, text
    for named in ("zh", "en"):
        config.write_text(f'[unit]\nlanguage = "{named}"\n')
        assert language(config) == named, "somebody has said it"


def front(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """./install as it is, in an environment of its own."""
    return subprocess.run([INSTALL, *words], env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("words", "env"), [(("--lang", "zh"), {}), (("--lang=zh",), {"LC_ALL": "C"}), ((), {"LANG": "zh_CN.UTF-8"})])
def test_it_is_chinese_by_the_option_and_by_the_locale(words: tuple[str, ...], env: dict[str, str]) -> None:
    done = front("status", *words, **env)
    assert done.returncode == 0, done.stderr
    assert CHINESE.search(done.stdout)


@pytest.mark.parametrize(
    ("words", "env"), [(("--lang", "en"), {"LANG": "zh_CN.UTF-8"}), (("--lang", "zh"), {"PYTHONIOENCODING": "latin-1"})]
)
def test_it_is_english_when_asked_to_and_where_there_are_no_chinese_letters(words: tuple[str, ...], env: dict[str, str]) -> None:
    done = front("status", *words, **env)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert not CHINESE.search(done.stdout)


@pytest.mark.parametrize("words", [("--lang", "zh"), ("--dry-run", "--lang=zh")])
def test_the_front_door_is_chinese_too(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    for option, env in ((words, {}), ((), {"LANG": "zh_CN.UTF-8"})):
        done = front(*option, **{**env, "PATH": str(tmp_path)})
        assert (done.returncode, done.stderr) == (1, "./install: 没有 python3：sudo apt-get install python3 python3-venv\n")
    assert "there is no python3" in front("--lang", "en", LANG="zh_CN.UTF-8", PATH=str(tmp_path)).stderr


# --- all of it in Chinese ---------------------------------------------------------------------------------------------------------------


FOREIGN = ("agent.toml:2: ", "/", "Python 3.11，aarch64")
"""What the version's own check says; a path; names."""


def english_lines(lines: list[str]) -> list[str]:
    """Lines that say something and have no Chinese in them."""
    every = [line.strip() for text in lines for line in text.splitlines()]
    return [line for line in every if PLAIN.sub("", line) and not CHINESE.search(line) and not line.startswith(FOREIGN)]


def test_everything_that_a_unit_lives_through_is_told_in_chinese(machine: Machine) -> None:
    machine.language = "zh"
    machine.dry = True
    machine.install("1.0")
    machine.dry = False
    machine.install("1.0")
    machine.configure()
    machine.install("1.0")
    machine.said += status.lines(machine.site)
    machine.install("2.0")
    machine.runs["3.0"] = DIES
    machine.install("3.0")
    machine.faults["4.0"] = ["inputs.failed"]
    machine.install("4.0")
    machine.plug_in()
    (machine.places.state / "spool").mkdir(parents=True)
    move.move(machine.site, 60)
    install.roll_back(machine.site, 60, 15)
    machine.said += status.lines(machine.site)
    removal.uninstall(machine.site, purge=False)
    assert english_lines(machine.said) == []
    told = "\n".join(machine.said)
    assert "已使用 2.0；保留 1.0" in told
    assert "3.0 未通过：60 秒内没有 READY；现在 activating（start）；已恢复 2.0" in told
    assert "4.0 未通过：已 READY，但有 2.0 没有的故障 inputs.failed；" in told
    assert "\n已搬移：" in told
    assert "\n已卸载。保留：" in told


def refusal(machine: Machine, do: Callable[[], object]) -> str:
    with pytest.raises(Failed) as refused:
        do()
    return machine.site.text(refused.value.said)


def test_a_refusal_is_told_in_chinese_with_all_that_is_in_the_way(machine: Machine) -> None:
    machine.language = "zh"
    machine.facts = Facts(uid=1000, bits=32, python=(3, 9), has_venv=False)
    machine.is_read_only = machine.is_boot_read_only = True
    (machine.root / "etc/os-release").unlink()
    (machine.root / "run/systemd/system").rmdir()
    told = refusal(machine, lambda: machine.install("1.0"))
    assert told.startswith("有 8 项障碍，没有改动任何东西：\n  - 需要 root 权限")
    assert "本系统：不明（没有 /etc/os-release）；需要" in told
    assert english_lines([told]) == []


def test_a_command_that_failed_is_told_in_chinese_with_its_own_last_words(unit: Machine) -> None:
    unit.language, unit.idle = "zh", 1
    assert refusal(unit, lambda: unit.install("2.0")).startswith("报警尚未结束；没有重启任何东西。")
    unit.refuses.add("2.0")
    told = refusal(unit, lambda: unit.install("2.0"))
    assert told == "2.0 不接受本单元的配置，而 1.0 接受；仍使用 1.0。2.0 的说明：\nagent.toml:2: 2.0: unit.id is wrong"


# --- a verdict is worded where it is read -----------------------------------------------------------------------------------------------


def test_a_verdict_that_was_given_in_one_language_is_read_in_the_other(unit: Machine) -> None:
    unit.faults["2.0"] = ["inputs.failed"]
    unit.install("2.0")
    english = "2.0 failed: it is READY, but has inputs.failed, which 1.0 had not; 1.0 is in use again"
    assert trial.last_verdict(unit.site) == english
    unit.language = "zh"
    assert trial.last_verdict(unit.site) == "2.0 未通过：已 READY，但有 1.0 没有的故障 inputs.failed；已恢复 1.0"
    assert json.loads(unit.places.verdict.read_text())["verdict"] == english, "an older version reads this one"


@pytest.mark.parametrize("found", [None, 3, {"code": "of.later", "facts": {}}, {"code": "trial.passed", "facts": {}}, {"code": "step.end"}])
def test_a_verdict_of_another_version_is_read_as_it_is(unit: Machine, found: object) -> None:
    unit.places.verdict.write_text(json.dumps({"verdict": "2.0 is in use", "said": found}))
    unit.language = "zh"
    assert trial.last_verdict(unit.site) == "2.0 is in use"
    assert any("上一次：2.0 is in use" in line for line in status.lines(unit.site))


def test_what_is_packed_comes_back_whole() -> None:
    said = Said("trial.failed", new="2", old="1", why=Said("probe.faults", old="1", codes=["a.b", "c.d"]))
    back = unpacked(json.loads(json.dumps(said.packed())), "")
    assert (back.text("en"), back.text("zh")) == (said.text("en"), said.text("zh"))
    assert "a.b、c.d" in back.text("zh")
