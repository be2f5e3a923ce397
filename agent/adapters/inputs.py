"""The input pins: in go edges and levels of GPIO lines, out go `Edge`, `Levels` and `InputsFailed`, stamped and with polarity applied.

A line is called what `Input.lines` calls it: an input of two contacts is two lines.

Nothing is debounced here: the back-ends of gpiozero give `bounce_time` four different meanings, so the core does it.
"""

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gpiozero

from agent.config import Input
from agent.core.events import Edge, Event, InputsFailed, Levels

TURN_S = 1.0
"""Levels are posted this often, so that a lost edge heals within a second; a pin that failed is tried again as often."""

EDGE_AGE_S_MAX = 0.5
"""An edge that a back-end calls older than this was stamped by another clock than the one we can ask, and is stamped on arrival."""

TIGHT_S = 50e-6
TRIES = 3
"""Two clocks are read one after the other; when the thread was held up between them they are read again, a few times."""

CLOSE_S_MAX = 2.0
"""How long `close` waits for the thread: one turn reads some pins, so anything longer is a back-end that hangs."""

PULLS = {"up": True, "down": False, "none": None}


class _Line:
    """One open line. gpiozero keeps only weak references to callbacks, so this object must live as long as the pin is open."""

    def __init__(self, name: str, pin: int, wired: Input, factory: Any, post: Callable[[Event], None], now: Callable[[], float]) -> None:
        """Open the pin and listen for both edges; raises whatever the back-end raises."""
        self._name = name
        self._high_is_active = wired.active == "high"
        self._factory = factory
        self._post = post
        self._now = now
        self._latest = -math.inf
        pull = PULLS[wired.pull]
        self._device = gpiozero.InputDevice(
            pin, pull_up=pull, active_state=self._high_is_active if pull is None else None, pin_factory=factory
        )
        try:
            self._device.pin.edges = "both"
            self._device.pin.when_changed = self._changed
        except Exception:
            self._device.close()
            raise

    def active(self) -> bool:
        """The level now, with polarity applied; raises whatever the back-end raises."""
        # InputDevice.value would apply a polarity that gpiozero guesses from the pull, which need not be ours.
        return bool(self._device.pin.state) == self._high_is_active

    def close(self) -> None:
        """Let the pin go."""
        self._device.close()

    def _changed(self, ticks: float, state: int) -> None:
        """Called in the back-end's thread for each edge."""
        # Edges of a line come in order; two stamps that are late by different amounts must not turn that round.
        self._latest = max(self._latest, self._stamp(ticks))
        self._post(Edge(self._latest, self._name, bool(state) == self._high_is_active))

    def _stamp(self, ticks: float) -> float:
        """When the edge happened, on our clock, or a little later, but never earlier: levels read before it would seem to be younger.

        `ticks` is the best stamp there is (lgpio: of the kernel's interrupt), but on a clock of the back-end's own, so only its distance
        from the same clock's present is used. lgpio stamps edges by the wall clock on kernels before 5.7 while its `ticks()` is
        monotonic: such a distance makes no sense, and the moment of the call, some 0.1 ms late, is the honest answer.
        """
        _, age, at = min(self._ages(ticks))
        return at - age if 0 <= age <= EDGE_AGE_S_MAX else at

    def _ages(self, ticks: float) -> Iterator[tuple[float, float, float]]:
        """How long it took to read both clocks, how old the edge was in between, and our clock at the end."""
        for _ in range(TRIES):
            before = self._now()
            age = self._factory.ticks_diff(self._factory.ticks(), ticks)
            at = self._now()
            yield at - before, age, at
            if at - before <= TIGHT_S:
                return


class Inputs:
    """All configured inputs. A pin that fails is named in `InputsFailed` each second until it works; the others go on."""

    def __init__(self, inputs: tuple[Input, ...], factory: Any, post: Callable[[Event], None], now: Callable[[], float]) -> None:
        """Nothing is opened before `start`. `factory` is a gpiozero pin factory, `now` gives monotonic seconds, `post` never blocks."""
        self._wired = [(line, pin, wired) for wired in inputs for line, pin in wired.lines().items()]
        self._factory = factory
        self._post = post
        self._now = now
        self._lines: dict[str, _Line] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inputs", daemon=True)

    def start(self) -> None:
        """Open the pins and begin to post; the first `Levels` comes at once."""
        self._thread.start()

    def close(self) -> None:
        """Stop posting and let the pins go."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._turn()
            self._stopped.wait(TURN_S)

    def _turn(self) -> None:
        """Read each line, opening those that are not open; say what they read, and what failed."""
        at = self._now()
        active: dict[str, bool] = {}
        failures: list[str] = []
        for name, pin, wired in self._wired:
            try:
                # Edges are watched before the first level is read: a change between the two is then seen twice, never missed.
                line = self._lines.get(name) or self._open(name, pin, wired)
                active[name] = line.active()
            except Exception as e:  # noqa: BLE001  each back-end has its own exceptions (lgpio.error is a bare Exception); all become a fact
                failures.append(f"input {name} on GPIO{pin}: {type(e).__name__}: {e}")
                self._drop(name, pin)
        if active:
            self._post(Levels(at, active))
        if failures:
            self._post(InputsFailed(at, "; ".join(failures)))

    def _open(self, name: str, pin: int, wired: Input) -> _Line:
        line = self._lines[name] = _Line(name, pin, wired, self._factory, self._post, self._now)
        return line

    def _drop(self, name: str, pin: int) -> None:
        """Forget a line that failed, so that the next turn opens it afresh."""
        line = self._lines.pop(name, None)
        if line is None:
            return
        try:
            line.close()
        except Exception as e:  # noqa: BLE001  the pin has failed already; that it cannot be closed either is one more fact about it
            self._post(InputsFailed(self._now(), f"input {name} on GPIO{pin} cannot be closed: {type(e).__name__}: {e}"))
