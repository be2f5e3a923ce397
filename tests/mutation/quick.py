"""The quick way to try mistakes within functions: mutants go in; whether the tests saw them comes out.

The module is imported and the tests are collected once, without a mistake. For each mutant that process forks, gives one function the wrong
code, and runs the tests that call it.
"""

import functools
import importlib
import inspect
import os
import types
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from tests.mutation import pool
from tests.mutation.mutants import Mutant
from tests.mutation.pool import Ended
from tests.mutation.reach import Only, Reached
from tests.mutation.trial import Aim, session

Trial = tuple[str, types.CodeType]
"""A function, and its code with the mistake."""


def trial(mutant: Mutant, plain: types.CodeType, reached: Reached) -> Trial | None:
    """How to try a mutant quickly; None when it must be tried thoroughly: it is in no function, or in one that is called on import."""
    parts = mutant.function.split(".")
    names = [name for name in (".".join(parts[: i + 1]) for i in range(len(parts))) if name in codes(plain)]
    if not names or names[0] in reached.on_import or not any(names[0] in functions for functions in reached.functions.values()):
        return None
    before, after = codes(plain)[names[0]], codes(mutant.code()).get(names[0])
    if after is None or after == before or after.co_freevars != before.co_freevars:  # the same: the mistake is in what a default is
        return None
    return names[0], after


def codes(code: types.CodeType) -> dict[str, types.CodeType]:
    """The functions of a program by their dotted names, methods included, but not what is within functions."""
    found: dict[str, types.CodeType] = {}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            is_function = bool(inner.co_flags & inspect.CO_NEWLOCALS)
            found |= {inner.co_qualname: inner} if is_function else codes(inner)
    return found


def functions(module: types.ModuleType) -> dict[str, types.FunctionType]:
    """The same of the module itself."""
    found: dict[str, types.FunctionType] = {}

    def look(holder: types.ModuleType | type) -> None:
        for value in list(vars(holder).values()):
            inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if isinstance(inner, types.FunctionType) and inner.__module__ == module.__name__:
                found[inner.__code__.co_qualname] = inner
            elif isinstance(inner, type) and inner.__module__ == module.__name__ and inner is not holder:
                look(inner)

    look(module)
    return found


class Loop:
    """For pytest: instead of running the tests once, run them for each trial. Writes each Ended to the descriptor `fd`."""

    def __init__(self, aim: Aim, trials: Sequence[Trial], reached: Reached, limits: tuple[int, int], fd: int) -> None:
        self.aim = aim
        self.trials = trials
        self.reached = reached
        self.cpu_s_max, self.jobs = limits
        self.fd = fd

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """All tests are collected."""
        bodies = [functools.partial(self._try, session, name, code) for name, code in self.trials]
        for ended in pool.run(bodies, self.cpu_s_max, self.jobs):
            said = msgspec.json.encode((ended.place, ended.code, ended.said if ended.code == pool.BROKEN else ""))
            os.write(self.fd, said + b"\n")
        return True

    def _try(self, session: pytest.Session, name: str, code: types.CodeType) -> int:
        functions(importlib.import_module(self.aim.module))[name].__code__ = code
        items = list(session.items)
        Only(self.reached.tests(name), self.reached.seconds).pytest_collection_modifyitems(items)
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return pool.FAILED
        return pool.PASSED


def run(aim: Aim, trials: Sequence[Trial], reached: Reached, cpu_s_max: int, jobs: int) -> Iterator[Ended]:
    """Make the trials; each as it ends.

    Raises:
        RuntimeError: the process that makes them died.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = pool.BROKEN
        try:
            os.setpgid(0, 0)
            os.close(reading)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            code = session(aim, aim.plain(), Loop(aim, trials, reached, (cpu_s_max, jobs), writing))
        finally:
            os._exit(code)
    os.close(writing)
    left = len(trials)
    try:
        with os.fdopen(reading, "rb") as file:
            for line in file:
                left -= 1
                place, ended, said = msgspec.json.decode(line, type=tuple[int, int | None, str])
                yield Ended(place, ended, said)
    finally:
        pool.end(pid)
    if left:
        raise RuntimeError(f"{aim.file}: {left} of {len(trials)} trials were not made")
