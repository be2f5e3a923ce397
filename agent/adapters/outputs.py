"""The output pins: in go `ShowLights` and `PulseOutput`, out go levels on GPIO lines in the rhythm asked for, and what became of it.

That is `LightsShown`, `OutputPulsed` or `OutputFailed`.
"""

import math
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from agent.adapters.outputs_pin import OutputPin
from agent.config import Output
from agent.core.effects import Pattern, PulseOutput, ShowLights
from agent.core.events import Event, LightsShown, OutputFailed, OutputPulsed

WAITING_MAX = 64
"""Requests that may wait for the thread. It serves one in well under a millisecond, so a full queue is a back-end that hangs."""

CLOSE_S_MAX = 2.0
"""How long `close` waits for the thread before it puts the outputs to their safe level over its head."""


class Look(NamedTuple):
    """What a pattern does at one moment: the level, and in how many microseconds it changes (None: never)."""

    level: bool
    changes_in_us: int | None


def look(pattern: Pattern, elapsed_us: int) -> Look:
    """The level of a pattern `elapsed_us` after the common start, and when it next differs. Integers, so that a year does not drift.

    Raises:
        ValueError: the pattern has no steps, or a step of negative length.
    """
    if not pattern.steps or any(ms < 0 for _, ms in pattern.steps):
        raise ValueError(f"pattern {pattern.name!r} needs at least one step and no negative time, found {pattern.steps!r}")
    steps = [(level, ms * 1000) for level, ms in pattern.steps if ms > 0]
    if not steps or all(level == steps[0][0] for level, _ in steps):
        return Look((steps or pattern.steps)[0][0], None)
    left_us = elapsed_us % sum(us for _, us in steps)
    current = 0
    while left_us >= steps[current][1]:
        left_us -= steps[current][1]
        current += 1
    level, us = steps[current]
    changes_in_us = us - left_us
    # Two steps of one level in a row (the cycle's end and its start, too) are no change: sleep through them.
    following = (current + 1) % len(steps)
    while steps[following][0] == level:
        changes_in_us += steps[following][1]
        following = (following + 1) % len(steps)
    return Look(level, changes_in_us)


class _Channel(OutputPin):
    """One output pin, with what it plays."""

    def __init__(self, wired: Output, factory: Any) -> None:
        """Open the pin; raises whatever the back-end raises."""
        super().__init__(wired, factory)
        self.pattern: Pattern | None = None
        self.pulse_ends_us: int | None = None
        """When its pulse ends, after the common start; until then it plays no pattern."""

    def look(self, elapsed_us: int) -> Look:
        """The pulse before the pattern, and without either of them the safe level."""
        if self.pulse_ends_us is not None:
            if elapsed_us < self.pulse_ends_us:
                return Look(True, self.pulse_ends_us - elapsed_us)
            self.pulse_ends_us = None
        return Look(self.wired.safe == "on", None) if self.pattern is None else look(self.pattern, elapsed_us)


class Outputs:
    """All configured outputs, at their safe level until told otherwise, and again after `close`.

    All patterns run on one schedule that began when this object was made: the phase of a pattern is the time since then modulo its period,
    so outputs with one period stay in step for ever, and asking for a running pattern again changes nothing. An output that a
    ShowLights does not name goes on as it is. While an output is pulsed its pattern runs on unseen; of pulses that overlap the later
    end counts.
    """

    def __init__(self, outputs: tuple[Output, ...], factory: Any, post: Callable[[Event], None], now: Callable[[], float]) -> None:
        """Nothing is driven before `start`. `factory` is a gpiozero pin factory, `now` gives monotonic seconds, `post` never blocks."""
        self._outputs = {output.id: output for output in outputs}
        self._factory = factory
        self._post = post
        self._now = now
        self._epoch = now()
        self._channels: dict[str, _Channel] = {}
        self._asked: queue.Queue[ShowLights | PulseOutput | None] = queue.Queue(WAITING_MAX)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outputs", daemon=True)

    def start(self) -> None:
        """Drive every output to its safe level and begin to take requests. A pin that cannot be opened is tried again at each request."""
        self._thread.start()

    def perform(self, effect: ShowLights | PulseOutput) -> None:
        """Take effect at once, in the outputs' own thread; never blocks."""
        try:
            self._asked.put_nowait(effect)
        except queue.Full:
            for output in effect.outputs if isinstance(effect, ShowLights) else (effect.output,):
                self._post(OutputFailed(self._now(), output, f"{WAITING_MAX} requests wait: the pins do not answer"))

    def close(self) -> None:
        """Put every output to its safe level, also when the thread has died or hangs.

        The pins stay so when the process ends, unless the board's kernel makes inputs of pins that nobody holds; then, as after a power
        cut, their resistors decide.
        """
        self._stopped.set()
        try:
            self._asked.put_nowait(None)
        except queue.Full:
            pass  # the thread has enough to wake up for, and looks at `_stopped` first
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)
        if self._thread.ident is not None:
            for output in self._outputs.keys() - self._channels.keys():
                self._open(output)  # it failed and floats; opening drives it to its safe level, if it can be driven at all
        for channel in list(self._channels.values()):
            try:
                channel.write_safe()
            except Exception as e:  # noqa: BLE001  the other outputs must still get their safe level, whatever this back-end raised
                self._fail(channel.wired.id, e)

    def _run(self) -> None:
        for output in self._outputs:
            self._open(output)
        while not self._stopped.is_set():
            wait_s = self._play()
            try:
                effect = self._asked.get(timeout=wait_s)
            except queue.Empty:
                continue
            if self._stopped.is_set():
                return
            match effect:
                case ShowLights():
                    self._show(effect)
                case PulseOutput():
                    self._pulse(effect)

    def _show(self, effect: ShowLights) -> None:
        """Give each output named its pattern, play, and say what is shown."""
        for output, pattern in effect.outputs.items():
            channel = self._channels.get(output) or self._open(output)
            if channel is None:
                continue
            try:
                look(pattern, 0)
            except ValueError as e:  # not to be played, and no reason to let go of the pin: it goes on as it is
                self._fail(output, e)
            else:
                channel.pattern = pattern
        self._play()
        self._post(LightsShown(self._now(), {i: c.pattern.name for i, c in self._channels.items() if c.pattern is not None}))

    def _pulse(self, effect: PulseOutput) -> None:
        """Drive the output active, and let `_play` end it. Counted from when it is active, so that a slow pin is not pulsed for less."""
        output = effect.output
        channel = self._channels.get(output) or self._open(output)
        if channel is None:
            return
        if effect.ms <= 0:
            self._fail(output, ValueError(f"a pulse of {effect.ms} ms is none"))
            return
        try:
            channel.write(True)
        except Exception as e:  # noqa: BLE001  as in _play
            self._fail(output, e)
            self._drop(output)
            return
        channel.pulse_ends_us = max(channel.pulse_ends_us or 0, self._elapsed_us() + effect.ms * 1000)
        self._post(OutputPulsed(self._now(), output))

    def _elapsed_us(self) -> int:
        """Since the common start."""
        return math.floor((self._now() - self._epoch) * 1_000_000)

    def _play(self) -> float | None:
        """Write what each output is to show now; seconds until the next change, None when there is none."""
        elapsed_us = self._elapsed_us()
        change_us: int | None = None
        for output, channel in list(self._channels.items()):
            try:
                level, changes_in_us = channel.look(elapsed_us)
                channel.write(level)
            except Exception as e:  # noqa: BLE001  each back-end has its own exceptions; all become a fact about this output
                self._fail(output, e)
                self._drop(output)
                continue
            if changes_in_us is not None and (change_us is None or changes_in_us < change_us):
                change_us = changes_in_us
        if change_us is None:
            return None
        # From the schedule, not from the last wake-up: what the writes took is not added to the pattern.
        return max(0.0, self._epoch + (elapsed_us + change_us) / 1_000_000 - self._now())

    def _open(self, output: str) -> _Channel | None:
        wired = self._outputs.get(output)
        if wired is None:
            self._post(OutputFailed(self._now(), output, f"no such output; there are {', '.join(self._outputs) or 'none'}"))
            return None
        try:
            channel = self._channels[output] = _Channel(wired, self._factory)
        except Exception as e:  # noqa: BLE001  as above
            self._fail(output, e)
            return None
        return channel

    def _drop(self, output: str) -> None:
        """Forget an output that failed, so that the next request opens it afresh."""
        try:
            self._channels.pop(output).release()
        except Exception as e:  # noqa: BLE001  as above
            self._fail(output, e)

    def _fail(self, output: str, e: Exception) -> None:
        pin = self._outputs[output].pin
        self._post(OutputFailed(self._now(), output, f"output {output} on GPIO{pin}: {type(e).__name__}: {e}"))
