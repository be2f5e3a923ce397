"""The bench's end of a simulated board: in go presses and wires, out come levels for the agent's pins and a history of its outputs.

JSON lines over a Unix socket. Bench to agent: at first `{"pin": 17, "level": 0, "at": 12.5}` for every input that is driven and
`{"ready": true}`, then such a line at each change; a level of null is a pin that nobody drives. Agent to bench:
`{"pin": 17, "setup": "input", "pull": "up"}`, `{"pin": 5, "setup": "output", "level": 0, "at": 12.5}` (an output begins),
`{"pin": 5, "level": 1, "at": 12.6}` (it changes). `at` is CLOCK_MONOTONIC in seconds.

What an output does when its agent is gone is the board's matter. Upstream Linux makes an input of it, which its resistors pull; the kernels
of Raspberry Pi leave it driven as it was (raspberrypi/linux pull requests 6117 and 6150), whatever level that was. `keeps` is the second
kind, the worse one for a lamp that is lit. An agent that makes an input of it, as gpiozero does when it closes a pin, gets one on both.
"""

import json
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

HISTORY_MAX = 100_000
"""Output changes kept: at a light bar's 20 changes a second more than an hour; the oldest are forgotten."""

LINE_BYTES_MAX = 4096
"""A line of the protocol has some 60 bytes; an agent that sends more without an end is hung up on."""


class Driven(NamedTuple):
    """An output changed, at `at` seconds (monotonic); a level of None: nobody drives it any more."""

    at: float
    pin: int
    level: int | None


class Setup(NamedTuple):
    """What the agent made of a pin: input or output, and an input's pull (up, down, floating)."""

    function: str
    pull: str


class _Agent:
    """One connection of an agent, with what it has not yet said to the end."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.rest = b""


class Wiring:
    """Buttons, wires and lamps on a board whose agent may come, be killed, and come again; the wires stay as they are."""

    def __init__(self, path: str | Path, keeps: bool = False) -> None:
        """Serve the pins on a new Unix socket at `path` (what is there is replaced) until `close`.

        `keeps`: outputs keep their last level when their agent is gone; else nobody drives them then.
        """
        self.path = Path(path)
        self.keeps = keeps
        self.path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self.path))
        self._server.listen()
        self._changed = threading.Condition()  # noqa: TID251  a test's thread presses and waits while the wiring's own serves
        """Guards all that follows; notified at each change. Re-entrant, so that a predicate may ask for levels."""
        self._inputs: dict[int, tuple[int, float]] = {}
        self._outputs: dict[int, tuple[int, _Agent | None]] = {}
        self._setups: dict[int, Setup] = {}
        self._history: deque[Driven] = deque(maxlen=HISTORY_MAX)
        self._agents: list[_Agent] = []
        self._selector = selectors.DefaultSelector()
        self._waker, waken = socket.socketpair()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._selector.register(waken, selectors.EVENT_READ)
        self._waken = waken
        self._thread = threading.Thread(target=self._serve, name="wiring", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """The wiring, to be closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Hang up on every agent and take the socket away."""
        if not self._thread.is_alive():
            return
        self._waker.send(b"x")
        self._thread.join()
        with self._changed:
            for agent in list(self._agents):
                self._hang_up(agent)
        self._selector.close()
        for end in (self._server, self._waker, self._waken):
            end.close()
        self.path.unlink(missing_ok=True)

    def drive(self, pin: int, level: int) -> float:
        """Put an input to 0 or 1; returns when (monotonic seconds)."""
        assert level in (0, 1), level
        return self._put(pin, level)

    def release(self, pin: int) -> float:
        """Take the wire off an input: it floats to its pull; returns when (monotonic seconds)."""
        return self._put(pin, None)

    def press(self, pin: int, active_low: bool = True) -> float:
        """Close a button's contact, to ground when `active_low`, else to 3.3 V; `release` opens it. Returns when (monotonic seconds)."""
        return self.drive(pin, 0 if active_low else 1)

    def hold(self, pin: int, seconds: float, active_low: bool = True) -> tuple[float, float]:
        """Press, wait and release; returns when each was."""
        pressed = self.press(pin, active_low)
        threading.Event().wait(seconds)
        return pressed, self.release(pin)

    def bounce(self, pin: int, times: int = 5, interval_s: float = 0.001, active_low: bool = True) -> float:
        """Press as a worn contact does: closed and open again `times` times, then closed. Returns when it first closed."""
        first = self.press(pin, active_low)
        for _ in range(times):
            threading.Event().wait(interval_s)
            self.release(pin)
            threading.Event().wait(interval_s)
            self.press(pin, active_low)
        return first

    def level(self, pin: int) -> int | None:
        """What an output is driven to; None when nothing drives it, so that a lamp on it is dark."""
        with self._changed:
            found = self._outputs.get(pin)
            return None if found is None else found[0]

    def setup(self, pin: int) -> Setup | None:
        """What an agent last made of a pin; None when it never spoke of it."""
        with self._changed:
            return self._setups.get(pin)

    def history(self, pin: int | None = None, since: float = 0.0) -> tuple[Driven, ...]:
        """Changes of one output, or of all, from `since` (monotonic seconds) on, oldest first; the last HISTORY_MAX of them."""
        with self._changed:
            return tuple(d for d in self._history if d.at >= since and pin in (None, d.pin))

    @property
    def agents(self) -> int:
        """How many agents are connected now."""
        with self._changed:
            return len(self._agents)

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Wait until `predicate` holds, looked at after each change; False when it did not within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(predicate, timeout)

    def _put(self, pin: int, level: int | None) -> float:
        with self._changed:
            at = time.monotonic()
            if level is None:
                self._inputs.pop(pin, None)
            else:
                self._inputs[pin] = (level, at)
            for agent in list(self._agents):
                self._tell(agent, {"pin": pin, "level": level, "at": at})
            self._changed.notify_all()
            return at

    def _tell(self, agent: _Agent, said: dict[str, Any]) -> None:
        """Send a line without waiting; an agent that has let some hundred lines lie is hung up on."""
        try:
            agent.line.sendall(json.dumps(said).encode() + b"\n")
        except OSError:
            # Only shut: the thread sees the end, takes what the agent had still said, and then hangs up.
            self._shut(agent)

    @staticmethod
    def _shut(agent: _Agent) -> None:
        try:
            agent.line.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has gone by itself

    def _serve(self) -> None:
        """The thread: takes agents, and takes what they say."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._waken:
                    return
                if key.fileobj is self._server:
                    self._welcome()
                else:
                    self._hear(key.data)

    def _welcome(self) -> None:
        """A new agent first learns how the inputs lie."""
        line, _ = self._server.accept()
        line.setblocking(False)
        agent = _Agent(line)
        with self._changed:
            for pin, (level, at) in self._inputs.items():
                self._tell(agent, {"pin": pin, "level": level, "at": at})
            self._tell(agent, {"ready": True})
            self._agents.append(agent)
            self._selector.register(line, selectors.EVENT_READ, agent)
            self._changed.notify_all()

    def _hear(self, agent: _Agent) -> None:
        try:
            got = agent.line.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            got = b""  # a killed agent's connection may be reset instead of ended
        *lines, agent.rest = (agent.rest + got).split(b"\n")
        with self._changed:
            try:
                for line in lines:
                    self._take(agent, json.loads(line))
            except (ValueError, KeyError, TypeError):
                got = b""  # not an agent of ours
            if not got or len(agent.rest) > LINE_BYTES_MAX:
                self._selector.unregister(agent.line)
                self._hang_up(agent)
            self._changed.notify_all()

    def _take(self, agent: _Agent, said: dict[str, Any]) -> None:
        """One line from an agent."""
        pin = int(said["pin"])
        if "setup" in said:
            self._setups[pin] = Setup(said["setup"], said.get("pull", "floating"))
        if "level" in said:
            self._outputs[pin] = (int(said["level"]), agent)
            self._history.append(Driven(float(said["at"]), pin, int(said["level"])))
        elif self._outputs.pop(pin, None) is not None:
            self._history.append(Driven(time.monotonic(), pin, None))

    def _hang_up(self, agent: _Agent) -> None:
        """An agent is gone: nobody drives its outputs any more, or they stay as they are."""
        agent.line.close()
        self._agents.remove(agent)
        for pin in [pin for pin, (_, owner) in self._outputs.items() if owner is agent]:
            if self.keeps:
                self._outputs[pin] = (self._outputs[pin][0], None)
            else:
                del self._outputs[pin]
                self._history.append(Driven(time.monotonic(), pin, None))
