"""The pins of a simulated board, for gpiozero: in come levels from the bench over a Unix socket, out go set-ups and output levels.

The other end is `simulator.bench.wiring`, where the lines are described. Registered as the entry point `simulated`.
"""

import json
import os
import select
import socket
import struct
import threading
import time
from typing import Any

from gpiozero import (
    BadPinFactory,
    PinError,
    PinFixedPull,
    PinInvalidBounce,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPull,
    PinInvalidState,
    PinPWMUnsupported,
    PinSetInput,
)
from gpiozero.pins.pi import PiFactory, PiPin

VARIABLE = "OUTPOST_SIM_PINS"

ANSWER_S_MAX = 5.0
"""How long the bench may take to say how the inputs lie, and to take a line of ours. It is on this machine and does nothing else."""

REVISION = 0xC03111
"""A Raspberry Pi 4B, 4 GB, version 1.1 (Raspberry Pi documentation, revision codes): which pins there are and which have resistors."""


class NoWiring(BadPinFactory):  # type: ignore[misc]  # gpiozero is untyped
    """There is no bench to connect to; the message says where one was looked for."""


class WiringGone(PinError):  # type: ignore[misc]  # gpiozero is untyped
    """The bench was there and is gone; pins can neither be read nor driven until it is back."""


class SimulatedPin(PiPin):  # type: ignore[misc]  # gpiozero is untyped
    """One pin: an input shows what the bench drives it to, or else its pull; an output tells the bench."""

    def __init__(self, factory: "SimulatedFactory", info: Any) -> None:
        """An input without a pull, as after the power came."""
        super().__init__(factory, info)
        self._function = "input"
        self._pull = info.pull or "floating"
        self._output = False
        self._edges = "both"
        self._detecting = False
        self._seen = self._input_level()

    def close(self) -> None:
        """Back to an input without a pull; works also when the bench is gone."""
        self.when_changed = None
        if self._function != "input" or self._pull != (self._info.pull or "floating"):
            self._function, self._pull = "input", self._info.pull or "floating"
            self._announce()

    def output_with_state(self, state: Any) -> None:
        """An output that has this level from its first moment."""
        self._function, self._output = "output", bool(state)
        self._tell()

    def input_with_pull(self, pull: str) -> None:
        """An input that has this pull from its first moment."""
        self._function = "input"
        self._set_pull(pull)

    def setup_line(self) -> dict[str, Any]:
        """What the bench should know of this pin."""
        if self._function == "output":
            return {"pin": self._number, "setup": "output", "level": int(self._output), "at": self._factory.ticks()}
        return {"pin": self._number, "setup": "input", "pull": self._pull}

    def settle(self, at: float) -> None:
        """The bench's level or our pull may have changed, at that moment: call back if what an input shows has."""
        level = self._input_level()
        if level == self._seen:
            return
        self._seen = level
        # `when_changed` takes weak references and may find its owner gone; PiPin._call_when_changed knows how.
        if self._detecting and self._function == "input" and self._edges in ("both", "rising" if level else "falling"):
            self._call_when_changed(at, int(level))

    def _input_level(self) -> bool:
        driven = self._factory.driven.get(self._number)
        return self._pull == "up" if driven is None else driven

    def _tell(self) -> None:
        self._factory.tell(self.setup_line())

    def _announce(self) -> None:
        """Tell if anybody listens."""
        try:
            self._tell()
        except PinError:
            pass  # a bench that comes back is told of every pin

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f"invalid function {value!r} for pin {self!r}; there are input and output")
        if value != self._function:
            self._function = value
            self._tell()

    def _get_state(self) -> int:
        self._factory.check()
        return int(self._output if self._function == "output" else self._input_level())

    def _set_state(self, value: Any) -> None:
        if self._function == "input":
            raise PinSetInput(f"cannot set state of pin {self!r}: it is an input")
        if value not in (0, 1):
            raise PinInvalidState(f"invalid state {value!r} for pin {self!r}; there are 0 and 1")
        self._factory.check()
        if bool(value) != self._output:
            self._output = bool(value)
            self._factory.tell({"pin": self._number, "level": int(self._output), "at": self._factory.ticks()})

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if self._function != "input":
            raise PinFixedPull(f"cannot set pull of pin {self!r}: it is an output")
        if self._info.pull not in (value, ""):
            raise PinFixedPull(f"{self!r} has a physical pull-{self._info.pull} resistor")
        if value not in ("up", "down", "floating"):
            raise PinInvalidPull(f"invalid pull {value!r} for pin {self!r}; there are up, down and floating")
        self._pull = value
        self._tell()
        self.settle(self._factory.ticks())

    def _get_frequency(self) -> None:
        return None

    def _set_frequency(self, value: Any) -> None:
        if value is not None:
            raise PinPWMUnsupported(f"the simulated {self!r} has no PWM")

    def _get_bounce(self) -> None:
        return None

    def _set_bounce(self, value: Any) -> None:
        if value is not None:
            raise PinInvalidBounce(f"the simulated {self!r} gives every edge; use bounce_time=None")

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        if value not in ("both", "rising", "falling", "none"):
            raise PinInvalidEdges(f"invalid edges {value!r} for pin {self!r}")
        self._edges = value

    def _enable_event_detect(self) -> None:
        self._seen = self._input_level()
        self._detecting = True

    def _disable_event_detect(self) -> None:
        self._detecting = False


class SimulatedFactory(PiFactory):  # type: ignore[misc]  # gpiozero is untyped
    """A Raspberry Pi whose pins are driven from another process.

    From PiFactory and PiPin: they bring the header, the names of pins and the weak callbacks, and nothing else. MockPin would keep every
    level it ever had and forget what drives it when its pull is set; LocalPiFactory shares pins between factories and asks /proc for
    a board.
    """

    def __init__(self) -> None:
        """Connect to the bench at OUTPOST_SIM_PINS and learn how the inputs lie.

        Raises:
            NoWiring: the variable is not set, or nobody answers there.
        """
        super().__init__()
        self.pin_class = SimulatedPin
        self.driven: dict[int, bool] = {}
        self._lost: str | None = "not connected yet"
        self._socket: socket.socket | None = None
        self._sending = threading.Lock()  # noqa: TID251  the agent's threads drive pins through one socket, line by line
        self._connecting = threading.Lock()  # noqa: TID251  two of the agent's threads may find the bench gone at once
        self._listener: threading.Thread | None = None
        self._connect()

    @staticmethod
    def ticks() -> float:
        """CLOCK_MONOTONIC, which the bench stamps by, too: it is one clock for all processes of a machine."""
        return time.monotonic()

    @staticmethod
    def ticks_diff(later: float, earlier: float) -> float:
        """Seconds between two ticks."""
        return later - earlier

    def pin(self, name: Any) -> Any:
        """The pin of that name; a bench that had gone is looked for again."""
        with self._connecting:
            if self._lost is not None:
                self._connect()
        return super().pin(name)

    def check(self) -> None:
        """Raises: WiringGone: the bench is gone."""
        if self._lost is not None:
            raise WiringGone(f"the bench at {os.environ.get(VARIABLE)} is gone: {self._lost}")

    def tell(self, line: dict[str, Any]) -> None:
        """Send one line to the bench.

        Raises:
            WiringGone: it does not take it.
        """
        self.check()
        assert self._socket is not None
        with self._sending:
            try:
                self._socket.sendall(json.dumps(line).encode() + b"\n")
            except OSError as e:
                self._lost = str(e)
                self._socket.close()
        self.check()

    def close(self) -> None:
        """Let all pins go and hang up."""
        super().close()
        self._lost = "closed"
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other end has hung up before
            if self._listener is not None and self._listener is not threading.current_thread():
                self._listener.join(ANSWER_S_MAX)
            self._socket.close()

    def _get_revision(self) -> int:
        return REVISION

    def _connect(self) -> None:
        path = os.environ.get(VARIABLE)
        if not path:
            raise NoWiring(f"{VARIABLE} is not set: it names the Unix socket on which the bench serves its pins")
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Only for sending: a bench that is stuck must not hold the agent's threads for ever, but it may be silent for as long as it likes.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(ANSWER_S_MAX), 0))
        try:
            line.connect(path)
            rest = self._learn(line)
        except OSError as e:
            line.close()
            raise NoWiring(f"no bench answers at {VARIABLE}={path}: {e}; is outpost-sim bench running?") from e
        self._socket, self._lost = line, None
        for pin in list(self.pins.values()):
            self.tell(pin.setup_line())
            pin.settle(self.ticks())
        self._listener = threading.Thread(target=self._listen, args=(line, rest), name="simulated pins", daemon=True)
        self._listener.start()

    def _learn(self, line: socket.socket) -> bytes:
        """Read how the inputs lie, up to the line that says that this was all; what follows it is given back."""
        self.driven = {}
        deadline = time.monotonic() + ANSWER_S_MAX
        waiting = b""
        while True:
            if not select.select([line], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"it did not say within {ANSWER_S_MAX} s how the inputs lie")
            got = line.recv(65536)
            if not got:
                raise ConnectionResetError("it hung up at once")
            waiting += got
            while b"\n" in waiting:
                one, waiting = waiting.split(b"\n", 1)
                said = json.loads(one)
                if said.get("ready"):
                    return waiting
                self._take(said)

    def _listen(self, line: socket.socket, rest: bytes) -> None:
        """The thread that takes what the bench says, until it hangs up."""
        reason = "it hung up"
        while True:
            *lines, rest = rest.split(b"\n")
            for one in lines:
                self._take(json.loads(one))
            try:
                got = line.recv(65536)
            except OSError as e:
                reason = str(e)
                break
            if not got:
                break
            rest += got
        if self._socket is line and self._lost is None:
            self._lost = reason
        line.close()

    def _take(self, said: dict[str, Any]) -> None:
        """One line from the bench: {"pin": 17, "level": 0, "at": seconds}; a level of null is a pin that nobody drives."""
        number, level = int(said["pin"]), said["level"]
        if level is None:
            self.driven.pop(number, None)
        else:
            self.driven[number] = bool(level)
        for info, pin in list(self.pins.items()):
            if info.name == f"GPIO{number}":
                pin.settle(float(said["at"]))
