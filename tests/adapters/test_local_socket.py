"""The local socket, with real connections: one answer for each request and in order, bounds, other people's mistakes, its file."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters import socket_connection
from agent.adapters.local_socket import ANSWER_S, CONNECTIONS_MAX, RETRY_S, LocalSocket
from agent.adapters.socket_connection import IDLE_S, LINE_BYTES_MAX, STALLED_S
from agent.adapters.socket_file import SocketInUse
from agent.core.effects import Answer
from agent.core.events import Asked
from tests.adapters.conftest import Posted
from tests.timing import PATIENCE_S

NOBODY = Answer(asker=10**9, body={})
"""An answer to nobody: all it does is to wake the socket's thread, so that it looks at the clock."""


class Clock:
    """The monotonic clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class OpenSaid(logging.Filter):
    """Tells when the log says that the socket is open."""

    def __init__(self) -> None:
        super().__init__()
        self.said = threading.Event()

    def filter(self, record: logging.LogRecord) -> bool:
        if "is open now" in record.getMessage():
            self.said.set()
        return True


class Client:
    """One connection, by lines."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(str(path))
        self._file = self.sock.makefile("rb")

    def send(self, *requests: Any) -> None:
        self.sock.sendall(b"".join(json.dumps(request).encode() + b"\n" for request in requests))

    def line(self) -> Any:
        got = self._file.readline()
        assert got.endswith(b"\n"), f"expected a line, the connection ended after {got!r}"
        return json.loads(got)

    def ended(self) -> bool:
        """Waits for the end."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True  # what we sent was not read any more

    def close(self) -> None:
        self._file.close()
        self.sock.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "agent.sock"


@pytest.fixture
def agent(path: Path, posted: Posted, clock: Clock) -> Iterator[LocalSocket]:
    made = LocalSocket(str(path), posted, clock)
    made.start()
    yield made
    made.close()


Connect = Callable[[], Client]


@pytest.fixture
def connect(agent: LocalSocket, path: Path) -> Iterator[Connect]:
    made: list[Client] = []

    def _connect() -> Client:
        made.append(Client(path))
        return made[-1]

    yield _connect
    for client in made:
        client.close()


def test_a_request_is_asked_and_its_answer_comes_back_as_one_line(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    client = connect()
    before = time.monotonic()
    client.send({"ask": "status", "who": "车长"})
    asked = posted.expect(Asked)
    assert asked.request == {"ask": "status", "who": "车长"}
    assert asked.by_root, "our own user asks"
    assert before <= asked.at <= time.monotonic()
    agent.perform(Answer(asked.asker, {"lines": "one\ntwo", "where": "塔秀"}))
    assert client.line() == {"lines": "one\ntwo", "where": "塔秀"}


def test_the_next_request_waits_until_the_one_before_is_answered(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    """So answers cannot change places, and one client cannot flood the mailbox."""
    client = connect()
    client.send({"n": 1}, {"n": 2}, {"n": 3})
    for n in (1, 2, 3):
        asked = posted.expect(Asked)
        assert asked.request == {"n": n}
        assert posted.drain() == []
        agent.perform(Answer(asked.asker, {"answered": n}))
        assert client.line() == {"answered": n}


def test_each_of_many_connections_gets_its_own_answer(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    clients = [connect() for _ in range(CONNECTIONS_MAX)]
    for n, client in enumerate(clients):
        client.send({"n": n})
    asked = [posted.expect(Asked) for _ in clients]
    for question in reversed(asked):
        agent.perform(Answer(question.asker, question.request))
    assert [client.line()["n"] for client in clients] == list(range(CONNECTIONS_MAX))


def test_an_asker_is_never_used_twice(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    seen = set()
    for _ in range(3):
        client = connect()
        for _ in range(3):
            client.send({})
            seen.add(asker := posted.expect(Asked).asker)
            agent.perform(Answer(asker, {}))
            client.line()
        client.close()
    assert len(seen) == 9


def test_no_answer_in_five_seconds_is_told_and_a_late_one_goes_nowhere(
    agent: LocalSocket, connect: Connect, posted: Posted, clock: Clock
) -> None:
    client = connect()
    client.send({"n": 1}, {"n": 2})
    late = posted.expect(Asked)
    clock.ahead_s = ANSWER_S - 0.2
    agent.perform(NOBODY)  # the rest of the time it waits by itself
    assert client.line() == {"error": "the agent did not answer in 5 s", "why": {"code": "no_answer_in_time", "seconds": 5.0}}
    agent.perform(Answer(late.asker, {"answered": 1}))
    agent.perform(Answer(posted.expect(Asked).asker, {"answered": 2}))
    assert client.line() == {"answered": 2}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"status", "found 'status': JSON is malformed"),
        (b"[1, 2]", "found '[1, 2]': Expected `object`, got `array`"),
        (b"null", "Expected `object`, got `null`"),
        (b'{"a": 1', "truncated"),
        (b'{"a": "\xed\xa0\x80"}', "codec can't decode"),
        (b'{"a":' * 10_000, "recursion"),
        (b'{"a": ' + b"9" * 60_000 + b"}", "out of range"),
    ],
)
def test_a_line_that_is_no_json_object_is_answered_with_what_was_found(
    agent: LocalSocket, connect: Connect, posted: Posted, line: bytes, told: str
) -> None:
    """The connection stays, and the next request is answered."""
    client = connect()
    client.sock.sendall(line + b"\n\r\n\n" + b'{"n": 1}\r\n')
    error = client.line()["error"]
    assert error.startswith('expected one JSON object on the line, such as {"ask": "status"}; found ')
    assert told in error
    agent.perform(Answer(posted.expect(Asked).asker, {}))
    assert client.line() == {}


def test_a_line_of_64_kilobytes_is_taken_and_one_more_byte_closes(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    client = connect()
    request = b'{"a": "' + b"x" * (LINE_BYTES_MAX - 9) + b'"}'
    client.sock.sendall(request + b"\n" + b" " + request + b"\n")
    asked = posted.expect(Asked)
    assert len(asked.request["a"]) == LINE_BYTES_MAX - 9
    agent.perform(Answer(asked.asker, {}))
    assert client.line() == {}
    assert client.line()["error"] == "a line may have 65536 bytes, found more; the connection is closed"
    assert client.ended()


def test_a_line_that_never_ends_closes(agent: LocalSocket, connect: Connect) -> None:
    client = connect()
    client.sock.sendall(b"x" * (LINE_BYTES_MAX + 1))
    assert "65536 bytes" in client.line()["error"]
    assert client.ended()


def test_who_ends_its_sending_still_gets_the_answer(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    """As `printf '{"ask":"status"}' | socat - UNIX:agent.sock` does, even without the newline."""
    client = connect()
    client.sock.sendall(b'{"n": 1}\n{"n": 2}')
    client.sock.shutdown(socket.SHUT_WR)
    for n in (1, 2):
        asked = posted.expect(Asked)
        assert asked.request == {"n": n}
        agent.perform(Answer(asked.asker, {"answered": n}))
        assert client.line() == {"answered": n}
    assert client.ended()


def test_who_goes_before_the_answer_does_no_harm(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    gone = connect()
    gone.send({"n": 1})
    asked = posted.expect(Asked)
    gone.close()
    agent.perform(Answer(asked.asker, {}))
    client = connect()
    client.send({"n": 2})
    agent.perform(Answer(posted.expect(Asked).asker, {"answered": 2}))
    assert client.line() == {"answered": 2}


def test_the_seventeenth_connection_is_told_so_and_a_place_that_is_left_can_be_taken(
    agent: LocalSocket, connect: Connect, posted: Posted
) -> None:
    clients = [connect() for _ in range(CONNECTIONS_MAX)]
    over = connect()
    assert over.line()["error"] == "16 connections are open already; close one and try again"
    assert over.ended()
    clients[0].sock.shutdown(socket.SHUT_WR)
    assert clients[0].ended()
    client = connect()
    client.send({})
    agent.perform(Answer(posted.expect(Asked).asker, {"answered": 1}))
    assert client.line() == {"answered": 1}


def test_a_connection_that_asks_and_does_not_read_is_dropped_and_perform_never_waits(
    agent: LocalSocket, connect: Connect, posted: Posted
) -> None:
    deaf, client = connect(), connect()
    body = {"a": "x" * 500_000}
    deaf.send(*[{"n": n} for n in range(5)])
    for _ in range(3):  # 1.5 MB in all: 1 MiB may wait here, and some 200 kB in the kernel
        asked = posted.expect(Asked)
        agent.perform(Answer(asked.asker, body))  # one that waits for the reader never returns: nobody reads
    client.send({"who": "the other"})
    asked = posted.expect(Asked, where=lambda a: "who" in a.request)
    agent.perform(Answer(asked.asker, {"answered": 1}))
    assert client.line() == {"answered": 1}
    with pytest.raises(AssertionError, match="the connection ended"):
        for _ in range(3):
            deaf.line()


@pytest.mark.parametrize(("unread", "still_s"), [(0, IDLE_S), (3_000_000, STALLED_S)])
def test_a_connection_that_stands_still_is_dropped(
    agent: LocalSocket,
    connect: Connect,
    posted: Posted,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    unread: int,
    still_s: float,
) -> None:
    monkeypatch.setattr(socket_connection, "UNSENT_BYTES_MAX", 10_000_000)
    still, other = connect(), connect()

    def exchange() -> None:
        """When this is through, the thread has done all that came before."""
        other.send({})
        agent.perform(Answer(posted.expect(Asked).asker, {}))
        assert other.line() == {}

    if unread:
        still.send({})
        agent.perform(Answer(posted.expect(Asked).asker, {"a": "x" * unread}))
    exchange()
    clock.ahead_s = still_s / 2
    exchange()
    clock.ahead_s = still_s + 1
    exchange()
    while got := still.sock.recv(65_536):
        unread -= len(got)
    assert unread >= 0, "what was to be dropped has all been sent"
    exchange()


def test_an_answer_that_is_no_json_is_an_error_to_who_asked(agent: LocalSocket, connect: Connect, posted: Posted) -> None:
    """A mistake of ours, but a page that cannot be shown must not end the agent."""
    client = connect()
    client.send({})
    agent.perform(Answer(posted.expect(Asked).asker, {"a": object()}))
    assert "Encoding objects of type object is unsupported" in client.line()["error"]


# --- the file ---------------------------------------------------------------------------------------------------------------------------


def test_close_removes_the_file_and_ends_the_connections(agent: LocalSocket, connect: Connect, path: Path) -> None:
    client = connect()
    agent.close()
    assert client.ended()
    assert not path.exists()
    agent.close()
    agent.perform(NOBODY)


def test_close_after_no_start_is_allowed(path: Path, posted: Posted, clock: Clock) -> None:
    LocalSocket(str(path), posted, clock).close()


def test_a_second_agent_is_refused_and_leaves_the_first_alone(agent: LocalSocket, connect: Connect, path: Path, posted: Posted) -> None:
    second = LocalSocket(str(path), posted, time.monotonic)
    with pytest.raises(SocketInUse, match="another agent answers there; stop it first"):
        second.start()
    second.close()
    client = connect()
    client.send({})
    assert posted.expect(Asked)


@pytest.mark.parametrize("obstacle", ["a file in the way", "no directory", "a name that is too long"])
def test_a_socket_that_cannot_be_made_is_a_warning(
    tmp_path: Path, posted: Posted, clock: Clock, caplog: pytest.LogCaptureFixture, obstacle: str
) -> None:
    path = tmp_path / ("x" * 120 if "long" in obstacle else "agent.sock")
    if "file" in obstacle:
        path.write_text("somebody's work")
    if "directory" in obstacle:
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "agent.sock"
    agent = LocalSocket(str(path), posted, clock)
    agent.start()
    agent.close()
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("outpost.socket", "WARNING")
    assert f"the socket {path} is not open, tried again every 10 s" in record.message
    assert "file" not in obstacle or path.read_text() == "somebody's work"


def test_a_socket_that_could_not_be_made_is_tried_again_and_complains_once(
    path: Path, posted: Posted, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path.parent.write_text("a file where the directory should be")
    agent = LocalSocket(str(path), posted, clock)
    agent.start()
    opened = OpenSaid()
    caplog.handler.addFilter(opened)
    clock.ahead_s = RETRY_S + 1
    agent.perform(NOBODY)
    path.parent.unlink()
    clock.ahead_s = 2 * RETRY_S + 2
    agent.perform(NOBODY)
    assert opened.said.wait(PATIENCE_S)
    caplog.handler.removeFilter(opened)
    client = Client(path)
    client.send({})
    assert posted.expect(Asked)
    client.close()
    agent.close()
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]
