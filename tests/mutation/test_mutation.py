"""The mutants of a module are the mistakes that they are meant to be; weak tests let them live, strong ones kill them."""

import random
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from tests import sources
from tests.mutation import equivalents
from tests.mutation.aims import aims
from tests.mutation.mutants import Mutant, module_file, mutants

SEED = 20261122
SAMPLE = 30
SAMPLE_SHARE_MIN = 0.8
"""Of thirty that are drawn, six may live by bad luck though nineteen of twenty of all are killed; more in one draw of three hundred."""


def made(source: str) -> list[Mutant]:
    """The mutants of a text."""
    return mutants("some.py", textwrap.dedent(source), module_file)


def changed(source: str) -> set[str]:
    """What becomes of the lines of a text."""
    return {mutant.becomes for mutant in made(source)}


# --- the mistakes ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("x = a == b", {"x = a != b"}),
        ("x = a < b", {"x = a <= b", "x = a >= b"}),
        ("x = a >= b", {"x = a > b", "x = a < b"}),
        ("x = a is None", {"x = a is not None"}),
        ("x = a in b", {"x = a not in b"}),
        ("x = a + b", {"x = a - b"}),
        ("x = a | b", {"x = b | a", "x = a"}),
        ("x = a | {b}", {"x = a", "x = a | {*()}"}),
        ("x = int | float", {"x = int"}),
        ("x = a and b", {"x = a or b", "x = a", "x = b"}),
        ("x = not a", {"x = a"}),
        ("x = -a", {"x = a"}),
        ("x = a if b else c", {"x = a if not b else c"}),
        ("x = 3", {"x = 4", "x = 2"}),
        ("x = 0.5", {"x = 0.55", "x = 0.45"}),
        ("x = 0.0", {"x = 1.0"}),
        ("x = True", {"x = False"}),
        ("x = 'on'", {"x = 'on~'"}),
        ("x = math.inf", {"x = 0.0"}),
        ("x = min(a, b)", {"x = max(a, b)", "x = a", "x = b"}),
        ("x = all(a)", {"x = any(a)"}),
        ("x = abs(a)", {"x = a"}),
        ("x = a[b:]", {"x = a"}),
        ("x = [a, *b]", {"x = [a]", "x = [*b]"}),
        ("x = (a, b)", set()),
        ("x = (a, b, c)", {"x = (a, b)", "x = (a, c)", "x = (b, c)"}),
        ("x = {a: b, c: d}", {"x = {a: b}", "x = {c: d}"}),
        ("x = [a for a in b if c]", {"x = [a for a in b]", "x = [a for a in b if not c]"}),
        ("x = Alarm(a, b)", {"x = Alarm(a)"}),
        ("x = f(a, b=c)", {"x = f(a)"}),
        ("x += a", {"x -= a", "pass"}),
        ("f(a)", {"pass"}),
        ("for x in a: pass", {"for x in ():"}),
        ("if a: pass", {"if not a:"}),
        ("raise a", {"pass"}),
        ("x = f'{a + b} words'", {"x = f'{a - b} words'"}),
    ],
)
def test_each_kind_of_mistake_is_made(line: str, becomes: set[str]) -> None:
    assert changed(f"def do(a, b, c, d):\n    {line}\n") == becomes


@pytest.mark.parametrize(
    ("head", "value", "becomes"),
    [
        ("def f()", "a", "return None"),
        ("def f() -> bool", "a", "return not a"),
        ("def f() -> list[int]", "a", "return []"),
        ("def f() -> Outputs", "a", "return ()"),
        ("def f() -> Outputs", "()", None),
        ("def f() -> str", "a", "return ''"),
        ("def f() -> None", "", "pass"),
    ],
)
def test_a_function_may_return_nothing(head: str, value: str, becomes: str | None) -> None:
    assert changed(f"{head}:\n    return {value}") == ({becomes} if becomes else set())


def test_what_is_set_once_is_not_left_out_for_every_run_would_die_of_that() -> None:
    twice = "    x = a\n    x = b\n"
    assert changed(f"def f(a, b):\n{twice}") == {"pass"}
    assert changed("x = a\nx = b") == set()
    assert changed("class X:\n    def __init__(self, a):\n        self.a = a") == set()
    assert changed("class X:\n    def set(self, a):\n        self.a = a") == {"pass"}


def test_a_case_takes_more_or_others() -> None:
    found = changed(
        """
        match event:
            case Order(kind="ack", test=True, at=at) if at in known:
                pass
        """
    )
    assert found == {
        "case Order(kind='ack~', test=True, at=at) if at in known:",
        "case Order(kind='ack', test=False, at=at) if at in known:",
        "case Order(test=True, at=at) if at in known:",
        "case Order(kind='ack', at=at) if at in known:",
        "case Order(kind='ack', test=True, at=at) if at not in known:",
        "case Order(kind='ack', test=True, at=at):",
    }


def test_a_member_of_an_enum_becomes_the_next_one_wherever_the_enum_is_written() -> None:
    enums = "from agent.core.events import Lane\nclass State(Enum):\n    ON = a\n    OFF = b\n"
    found = changed(f"{enums}x = State.OFF, Lane.ALARM, Other.ALARM")
    assert {becomes for becomes in found if becomes.count(".") == 3} == {
        "x = (State.ON, Lane.ALARM, Other.ALARM)",
        "x = (State.OFF, Lane.EVENT, Other.ALARM)",
    }


def test_what_is_no_behaviour_is_left_alone() -> None:
    assert not made(
        '''
        """A docstring."""
        from a import b
        __all__ = ["f", "limit"]
        limit: Literal[3]
        """What is said beside a constant."""
        @b(1)
        def f(x: Meta[1]) -> Literal["on"]:
            """Another."""
            assert x > 0, f"{x + 1}"
            local = x
            yield f"only words {local:.3f}"
            try:
                yield
            except (ValueError, TypeError, KeyError):
                yield
        '''
    )


def test_a_mutant_tells_where_it_is() -> None:
    [mutant] = made("class Lamp:\n    def dark(self):\n        return self.a == self.b")[1:]
    assert (mutant.file, mutant.line, mutant.function) == ("some.py", 3, "Lamp.dark")
    assert (mutant.was, mutant.becomes) == ("return self.a == self.b", "return self.a != self.b")


def test_every_mutant_is_a_program() -> None:
    every = [mutant for aim in aims() for mutant in mutants(aim.file, aim.source, module_file)]
    for mutant in random.Random(SEED).sample(every, 100):
        mutant.code()
        assert mutant.was != mutant.becomes, mutant.name


# --- the trial ------------------------------------------------------------------------------------------------------------------------

LADDER = """
    STEPS = (5.0, 15.0)


    def wait(number):
        return STEPS[min(number, len(STEPS) - 1)]
"""
WEAK = """
    from ladder import wait

    def test_wait():
        wait(0)
        assert wait(1) == 15.0
"""
STRONG = """
    from ladder import wait

    def test_wait():
        assert [wait(number) for number in range(4)] == [5.0, 15.0, 15.0, 15.0]
"""
LOOP = """
    def drain(presses):
        while presses:
            presses.pop()
"""
DRAINED = """
    from ladder import drain

    def test_drain():
        presses = [1, 2]
        drain(presses)
        assert not presses
"""


def tried(tmp_path: Path, program: str, tests: str) -> subprocess.CompletedProcess[str]:
    """What the command says of that program with those tests."""
    (tmp_path / "ladder.py").write_text(textwrap.dedent(program))
    (tmp_path / "test_ladder.py").write_text(textwrap.dedent(tests))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return command("--root", str(tmp_path), "--file", "ladder.py", "--tests", "test_ladder.py")


def command(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tests.mutation", *args], cwd=sources.PROJECT, capture_output=True, text=True, check=False)


def test_a_weak_test_lets_mutants_live_and_tells_which(tmp_path: Path) -> None:
    done = tried(tmp_path, LADDER, WEAK)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "alive: ladder.py:2 \n    - STEPS = (5.0, 15.0)\n    + STEPS = (5.5, 15.0)" in done.stdout
    assert "    + return STEPS[number]" in done.stdout
    assert "    + STEPS = (5.0, 16.5)" not in done.stdout


def test_a_strong_test_kills_all(tmp_path: Path) -> None:
    done = tried(tmp_path, LADDER, STRONG)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100.0%  in all: 11 of 11 killed" in done.stdout


def test_a_loop_without_end_is_seen(tmp_path: Path) -> None:
    done = tried(tmp_path, LOOP, DRAINED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ladder.py: 1 killed, 1 timed out, 0 alive" in done.stdout


@pytest.mark.parametrize(
    ("tests", "why"),
    [
        ("import ladder\n\n\ndef test_wrong():\n    assert ladder.wait(0) == 6\n", "its tests do not pass without a mistake"),
        ("def test_nothing():\n    pass\n", "none of them imports ladder"),
        ("import ladder\n", "pytest cannot run them"),
    ],
)
def test_tests_that_say_nothing_of_a_module_are_no_proof(tmp_path: Path, tests: str, why: str) -> None:
    done = tried(tmp_path, LADDER, tests)
    assert done.returncode == 2, done.stdout + done.stderr
    assert why in done.stdout


# --- the project ----------------------------------------------------------------------------------------------------------------------


def test_a_sample_of_the_mutants_of_the_panic_button_is_killed() -> None:
    done = command("panic.py", "--sample", str(SAMPLE), "--seed", str(SEED), "--min", str(SAMPLE_SHARE_MIN))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f" of {SAMPLE} killed" in done.stdout


def test_every_equivalent_is_still_one_mutant_and_has_its_reason() -> None:
    counts = Counter(mutant.name for aim in aims() for mutant in mutants(aim.file, aim.source, module_file))
    listed = equivalents.read()
    wrong = [entry for entry in listed if counts[entry.name] != 1]
    assert not wrong, f"take out what is no mutant any more, and do not excuse two at once: {wrong}"
    assert all(entry.why.strip() for entry in listed)
    assert len({entry.name for entry in listed}) == len(listed)


def test_every_aim_and_its_tests_are_there() -> None:
    for aim in aims():
        assert (aim.root / aim.file).is_file()
        assert aim.tests
