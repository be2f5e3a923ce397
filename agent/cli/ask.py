"""A question to the running agent: a request goes in, the agent's answer comes out, by way of its local socket (lines of JSON)."""

import json
import socket
from typing import Any

from agent.cli.ask_words import ASK
from agent.wire.sentence import Sentence, filled
from agent.wire.whys import heard

ANSWER_S_MAX = 7.0
"""The agent itself gives up after five seconds and says so."""

ANSWER_BYTES_MAX = 8_388_608
"""A status has some kilobytes; more is not our agent."""


class Unanswered(Exception):
    """There is no answer; `sentence` says why. As a text it is English."""

    def __init__(self, key: str, **facts: object) -> None:
        self.sentence = filled(ASK[key], facts)
        super().__init__(str(self.sentence))


class NotRunning(Unanswered):
    """Nothing answers at the socket's path."""


class NoAnswer(Unanswered):
    """Something is there, but we may not ask it, or it does not give an answer."""


class NotAllowed(NoAnswer):
    """The socket is there, but belongs to others."""


class Denied(NoAnswer):
    """The agent answers, and does not do it: `reason` says why, in English alone if the agent knows one that we do not."""

    def __init__(self, path: str, reason: Sentence | str) -> None:
        super().__init__("ask.refused", path=path, reason=reason)
        self.reason = reason


def ask(path: str, request: dict[str, Any], timeout_s: float = ANSWER_S_MAX) -> dict[str, Any]:
    """Put one request to the agent whose socket is at `path`.

    Raises:
        NotRunning: nobody listens there.
        NotAllowed: only its group may ask.
        NoAnswer: silence for `timeout_s`, or something that is no answer.
        Denied: the agent answers with an `error`.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        _connect(sock, path)
        try:
            sock.sendall(json.dumps(request).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has closed already, but may have said why
        except OSError as e:
            raise NoAnswer("ask.not_taken", path=path, reason=e) from None
        line = _line(sock, path)
    return _answer(line, path)


def _connect(sock: socket.socket, path: str) -> None:
    try:
        sock.connect(path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise NotRunning("ask.not_running", path=path) from None
    except PermissionError:
        raise NotAllowed("ask.not_allowed", path=path) from None
    except OSError as e:
        raise NoAnswer("ask.no_way", path=path, reason=e) from None


def _line(sock: socket.socket, path: str) -> bytes:
    got = bytearray()
    while b"\n" not in got and len(got) <= ANSWER_BYTES_MAX:
        try:
            more = sock.recv(65_536)
        except TimeoutError:
            raise NoAnswer("ask.silent", path=path) from None
        except OSError as e:
            raise NoAnswer("ask.broken", path=path, reason=e) from None
        if not more:
            raise NoAnswer("ask.ended", path=path)
        got += more
    return bytes(got[: got.find(b"\n")])


def _answer(line: bytes, path: str) -> dict[str, Any]:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as e:
        raise NoAnswer("ask.foreign", path=path, reason=e) from None
    if not isinstance(body, dict):
        raise NoAnswer("ask.no_map", path=path, found=type(body).__name__)
    if "error" in body:
        raise Denied(path, heard(body.get("why"), body["error"]))
    return body
