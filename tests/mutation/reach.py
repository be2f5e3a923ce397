"""Which tests reach which functions: a run of the tests goes in; for each function the tests that may see a mistake come out."""

import os
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import msgspec
import pytest


class Reached(msgspec.Struct, frozen=True):
    """Seconds and functions of each test, by its name in pytest, and the functions that are called by whoever imports the module."""

    seconds: dict[str, float]
    functions: dict[str, set[str]]
    on_import: set[str]

    def tests(self, function: str) -> frozenset[str] | None:
        """Those that call a function of that name; None for all: what is no function, or is called on import, may be felt anywhere."""
        found = frozenset(test for test, functions in self.functions.items() if function in functions)
        return found if found and function not in self.on_import else None


class Watch:
    """For pytest: notes which functions of `file` are called in each test, and writes a Reached to the descriptor `fd` at the end."""

    def __init__(self, file: str, fd: int) -> None:
        self.file = file
        self.fd = fd
        self.reached = Reached({}, {}, set())
        self._called: set[str] = self.reached.on_import

    def _trace(self, frame: types.FrameType, event: str, arg: object) -> None:
        """A function is entered; nothing of what happens in it is asked for."""
        if frame.f_code.co_filename == self.file:
            self._called.add(frame.f_code.co_qualname.split(".<locals>")[0])

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Iterator[None]:
        """While the tests are imported."""
        sys.settrace(self._trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """While one of them runs."""
        self._called = self.reached.functions[item.nodeid] = set()
        began = monotonic()
        sys.settrace(self._trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.reached.seconds[item.nodeid] = monotonic() - began

    def pytest_sessionfinish(self) -> None:
        """All have run."""
        os.write(self.fd, msgspec.msgpack.encode(self.reached))


@dataclass(frozen=True)
class Only:
    """For pytest: of the tests that are known those in `wanted` (None: all), the quickest first; and any that is not known."""

    wanted: frozenset[str] | None
    seconds: dict[str, float]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The tests are known, none has run."""
        if self.wanted is not None:
            items[:] = [item for item in items if item.nodeid in self.wanted or item.nodeid not in self.seconds]
        items.sort(key=lambda item: self.seconds.get(item.nodeid, 0.0))
