"""One mutant before the tests: a program and its tests go in; whether they saw the mistake comes out.

There are two ways. The thorough one imports the wrong module in a process, forked from a warm one, that has imported everything but this
module and what builds on it, and collects the tests anew. The quick one (`quick.py`) is for a mistake within a function.
"""

import ast
import contextlib
import functools
import gc
import importlib.abc
import importlib.machinery
import io
import math
import os
import resource
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import msgspec
import pytest

from tests.mutation import pool
from tests.mutation.mutants import program
from tests.mutation.pool import Ended, Verdict
from tests.mutation.reach import Only, Reached, Watch

CPU_FACTOR = 10
CPU_S_MIN = 2
"""Processor time that a trial may take, as a multiple of what the tests take without a mistake: a loop without end is seen too."""

BASELINE_CPU_S_MAX = 600
NOT_IMPORTED = 70
"""Exit code of a trial whose tests passed without ever importing the module."""

ARGUMENTS = (
    *("-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider"),
    "--capture=sys",  # in memory: trials that go on at once share the files
    "--assert=plain",  # that an assert fails is enough, why it does nobody reads
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # plug-ins are imported beforehand, too late to rewrite their asserts
)


class Useless(Exception):
    """The tests say nothing of this module: they fail without a mistake, or never import it."""


@dataclass(frozen=True)
class Aim:
    """A module and the tests that are to hold it. `root` is where both are, and where the tests run."""

    root: Path
    file: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        """Its name for an import."""
        return ".".join(Path(self.file).with_suffix("").parts)

    @property
    def source(self) -> str:
        """Its text."""
        return (self.root / self.file).read_text("utf-8")

    def plain(self) -> types.CodeType:
        """Its program, without a mistake."""
        return program(ast.parse(self.source, self.file), self.file)


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a program that is given, whatever lies on the disk."""

    def __init__(self, aim: Aim, code: types.CodeType) -> None:
        self.aim = aim
        self.code = code
        self.used = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The module that was asked for, when it is ours."""
        if name != self.aim.module:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(self.aim.root / self.aim.file))

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the program as that module."""
        self.used = True
        exec(self.code, module.__dict__)  # noqa: S102  the project's own program, wrong at one place


class Repeatable:
    """For pytest: the same examples in each trial, and no files left behind. It comes after the project's conftest and its own profile."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Before the first test is imported."""
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # one counterexample will do, it need not be the smallest
        own = hypothesis.settings.get_profile(hypothesis.settings.get_current_profile_name())
        hypothesis.settings.register_profile("mutation", own, derandomize=True, database=None, phases=phases, print_blob=False)
        hypothesis.settings.load_profile("mutation")


def warm() -> None:
    """Have pytest import what it needs and all its plug-ins, and set apart what is there, so that no trial has to look through it again."""
    with contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main(["--markers", *ARGUMENTS])
    assert code == pytest.ExitCode.OK, code
    gc.collect()
    gc.freeze()


def session(aim: Aim, code: types.CodeType, *plugins: object) -> int:
    """Run the tests with that program in the place of the module; pytest's exit code. For a process of its own."""
    planted = Planted(aim, code)
    sys.meta_path.insert(0, planted)
    os.chdir(aim.root)
    ended = int(pytest.main([*ARGUMENTS, *aim.tests], plugins=[Repeatable(), *plugins]))
    return NOT_IMPORTED if ended == pytest.ExitCode.OK and not planted.used else ended


def thorough(aim: Aim, code: Callable[[], types.CodeType], only: Only) -> pool.Body:
    """A trial that imports and collects everything with the mistake in it."""
    return lambda: session(aim, code(), only)


def judged(aim: Aim, ended: Ended) -> Verdict:
    """What a trial has shown.

    Raises:
        Useless: nothing.
    """
    if ended.code is None:
        return Verdict.TIMED_OUT
    if ended.code == NOT_IMPORTED:
        raise Useless(f"{', '.join(aim.tests)}: none of them imports {aim.module}")
    if ended.code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise Useless(f"{', '.join(aim.tests)}: pytest cannot run them:\n{ended.said}")
    return Verdict.ALIVE if ended.code == pytest.ExitCode.OK else Verdict.KILLED


def baseline(aim: Aim) -> tuple[float, Reached]:
    """Seconds of processor time that the tests take without a mistake, and what they reach.

    Raises:
        Useless: they do not pass.
    """
    fd = os.memfd_create("reached")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    [ended] = pool.run([functools.partial(session, aim, aim.plain(), Watch(aim.file, fd))], BASELINE_CPU_S_MAX)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with os.fdopen(fd, "rb") as file:
        if judged(aim, ended) is not Verdict.ALIVE:
            raise Useless(f"{aim.file}: its tests do not pass without a mistake:\n{ended.said}")
        file.seek(0)
        reached = msgspec.msgpack.decode(file.read(), type=Reached)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, reached


def cpu_s_max(baseline_s: float) -> int:
    """The limit for each trial of an aim whose tests take so long."""
    return max(CPU_S_MIN, math.ceil(baseline_s * CPU_FACTOR))
