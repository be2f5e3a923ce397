"""A question to the running agent: a request goes in, the agent's answer comes out, by way of its local socket (lines of JSON)."""

import json
import socket
from typing import Any

ANSWER_S_MAX = 7.0
"""The agent itself gives up after five seconds and says so."""

ANSWER_BYTES_MAX = 8_388_608
"""A status has some kilobytes; more is not our agent."""


class NotRunning(Exception):
    """Nothing answers at the socket's path."""


class NoAnswer(Exception):
    """Something is there, but we may not ask it, or it does not give an answer."""


class NotAllowed(NoAnswer):
    """The socket is there, but belongs to others."""


def ask(path: str, request: dict[str, Any], timeout_s: float = ANSWER_S_MAX) -> dict[str, Any]:
    """Put one request to the agent whose socket is at `path`.

    Raises:
        NotRunning: nobody listens there.
        NotAllowed: only its group may ask.
        NoAnswer: silence for `timeout_s`, or something that is no answer; also when the agent answers with an `error`.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        _connect(sock, path)
        try:
            sock.sendall(json.dumps(request).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has closed already, but may have said why
        except OSError as e:
            raise NoAnswer(f"the agent at {path} does not take the question: {e}") from None
        line = _line(sock, path)
    return _answer(line, path)


def _connect(sock: socket.socket, path: str) -> None:
    try:
        sock.connect(path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise NotRunning(f"not running: nothing answers at {path}; start it with `systemctl start outpost`, or `outpost run`") from None
    except PermissionError:
        raise NotAllowed(
            f"you may not ask the agent at {path}, only its group may: "
            "use sudo, or join the group with `sudo usermod -aG outpost $USER` and log in again"
        ) from None
    except OSError as e:
        raise NoAnswer(f"cannot ask at {path}: {e}") from None


def _line(sock: socket.socket, path: str) -> bytes:
    got = bytearray()
    while b"\n" not in got and len(got) <= ANSWER_BYTES_MAX:
        try:
            more = sock.recv(65_536)
        except TimeoutError:
            raise NoAnswer(f"the agent at {path} runs, but says nothing; `journalctl -u outpost` may tell why") from None
        except OSError as e:
            raise NoAnswer(f"the agent at {path} ended while it was asked: {e}") from None
        if not more:
            raise NoAnswer(f"the agent at {path} ended while it was asked")
        got += more
    return bytes(got[: got.find(b"\n")])


def _answer(line: bytes, path: str) -> dict[str, Any]:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as e:
        raise NoAnswer(f"what answers at {path} is not an outpost agent: {e}") from None
    if not isinstance(body, dict):
        raise NoAnswer(f"what answers at {path} is not an outpost agent: expected a map, found {type(body).__name__}")
    if "error" in body:
        raise NoAnswer(f"the agent at {path} answers: {body['error']}")
    return body
