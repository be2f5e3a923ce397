"""The log: its two forms, and that it neither raises nor waits."""

import io
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import logs

LOG = logging.getLogger("outpost.test")


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in [h for h in root.handlers if h not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


class Journal:
    """A stream socket as journald gives it to a service: what the service writes to, and what comes out of it."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.stream = os.fdopen(ours.detach(), "w")
        facts = os.fstat(self.stream.fileno())
        self.environ = {"JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}"}
        self.theirs.setblocking(False)

    def read(self) -> str:
        got = b""
        while True:
            try:
                more = self.theirs.recv(1_000_000)
            except BlockingIOError:
                return got.decode()
            got += more


@pytest.fixture
def journal() -> Iterator[Journal]:
    made = Journal()
    yield made
    made.stream.close()
    made.theirs.close()


def test_people_get_a_time_a_level_and_a_name() -> None:
    stream = io.StringIO()
    logs.set_up("info", {}, stream)
    LOG.warning("the port %s is gone", "/dev/serial0")
    LOG.debug("nobody asked")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} WARNING outpost\.test: the port /dev/serial0 is gone\n", stream.getvalue())


def test_the_journal_gets_a_priority_on_each_line(journal: Journal) -> None:
    """The lines of a traceback too, else they were of another priority than their head."""
    logs.set_up("debug", journal.environ, journal.stream)
    LOG.debug("a")
    LOG.info("b")
    LOG.warning("c\nd")
    LOG.critical("e")
    try:
        raise ValueError("because")
    except ValueError:
        LOG.exception("died")
    lines = journal.read().splitlines()
    head = ["<7>outpost.test: a", "<6>outpost.test: b", "<4>outpost.test: c", "<4>d", "<2>outpost.test: e", "<3>outpost.test: died"]
    assert lines[:6] == head
    assert lines[-1] == "<3>ValueError: because"
    assert all(line.startswith("<3>") for line in lines[5:])


def test_a_variable_that_names_another_stream_means_people(journal: Journal, tmp_path: Path) -> None:
    """A desktop's terminal inherits JOURNAL_STREAM, and INVOCATION_ID, from the service that it is."""
    with (tmp_path / "log").open("w+") as stream:
        logs.set_up("info", {**journal.environ, "INVOCATION_ID": "5" * 32}, stream)
        LOG.info("hello")
        assert (tmp_path / "log").read_text().endswith("INFO    outpost.test: hello\n")


def test_a_journal_that_hangs_is_not_waited_for_and_hears_later_what_it_missed(journal: Journal) -> None:
    """A hanging journal must not hold an alarm; the line that was cut does not run into the next one."""
    logs.set_up("info", journal.environ, journal.stream)
    for n in range(3000):
        LOG.info("%d %s", n, "x" * 1000)
    taken = journal.read().split("\n")
    assert 0 < len(taken) < 3000
    LOG.info("after")
    after = journal.read().strip("\n").split("\n")
    assert re.fullmatch(r"<6>outpost\.logs: \d+ log lines were lost because journald did not take them", after[0])
    assert after[1:] == ["<6>outpost.test: after"]
    LOG.info("once more")
    assert journal.read() == "<6>outpost.test: once more\n"


def test_a_long_line_keeps_within_what_the_journal_takes(journal: Journal) -> None:
    logs.set_up("info", journal.environ, journal.stream)
    LOG.info("塔" * 50_000)
    assert len(journal.theirs.recv(1_000_000)) == logs.LINE_BYTES_MAX + 1


def test_a_journal_that_is_gone_is_no_error(journal: Journal) -> None:
    logs.set_up("info", journal.environ, journal.stream)
    journal.theirs.close()
    LOG.error("nobody hears")


def test_a_closed_stream_is_no_error() -> None:
    stream = io.StringIO()
    logs.set_up("info", {}, stream)
    stream.close()
    LOG.error("nobody hears")


def test_arguments_that_do_not_fit_are_told_and_not_raised() -> None:
    stream = io.StringIO()
    logs.set_up("info", {}, stream)
    # Past pytest's own handlers, which raise.
    (handler,) = [h for h in logging.getLogger().handlers if type(h).__module__ == "agent.logs"]
    handler.handle(LOG.makeRecord("outpost.test", logging.INFO, __file__, 1, "%d metres", ("many",), None))
    assert "outpost.test: '%d metres' with ('many',), which do not fit" in stream.getvalue()


def test_setting_up_again_replaces_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.set_up("info", {}, first)
    logs.set_up("error", {}, second)
    LOG.info("too low")
    LOG.error("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "2>&1 | true"])
def test_a_process_whose_stderr_cannot_be_written_goes_on(closed: str, tmp_path: Path) -> None:
    """Closed, full, or a pipe that nobody reads."""
    code = (
        "import logging, os, pathlib; from agent import logs; logs.set_up('info', os.environ)\n"
        "for n in range(100): logging.getLogger('outpost').error('x' * 1000)\n"
        f"pathlib.Path({str(tmp_path / 'done')!r}).write_text('done')"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run(["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, code], check=False, env=environ, stdout=subprocess.DEVNULL)
    assert (tmp_path / "done").read_text() == "done"
