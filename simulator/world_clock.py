"""The system clock as the world has it: whether NTP has found it, and what it says; out comes what the kernel would tell."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.world import World

ERR_MS = (20, 400)
"""The kernel's bound of the error of a synchronised clock; its true error is smaller."""

FOUND_AFTER_S = (20.0, 300.0)
"""After power, until NTP has found the time, when there is a network."""

BEHIND_S = (30.0, 400_000.0)
"""A board without a battery starts where it was left, at best."""

AGAIN_S = 30.0


class SystemClock:
    """What `adjtimex` and `time` say."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._synchronized = False
        self._error_ms = -world.rng.uniform(*BEHIND_S) * 1000
        self._err_ms = 0
        self._attempt = 0

    def read(self) -> tuple[int, bool, int]:
        """UTC in ms as the system has it, whether the kernel calls it synchronised, and its bound of the error in ms."""
        return round(self._world.utc_ms() + self._error_ms), self._synchronized, self._err_ms if self._synchronized else 16_000

    def forget(self) -> None:
        """The machine starts: the clock is behind, until NTP finds it."""
        self._synchronized = False
        self._error_ms = -self._world.rng.uniform(*BEHIND_S) * 1000
        self._attempt += 1
        self._world.after(self._world.rng.uniform(*FOUND_AFTER_S), self._find, self._attempt)

    def _find(self, attempt: int) -> None:
        if attempt != self._attempt:
            return
        if self._world.broker.outage:
            self._world.after(AGAIN_S, self._find, attempt)
        else:
            self.synchronize()

    def synchronize(self) -> None:
        """NTP has found it, as well as it could."""
        self._attempt += 1
        self._synchronized = True
        self._err_ms = self._world.rng.randint(*ERR_MS)
        self._error_ms = self._world.rng.uniform(-0.9, 0.9) * self._err_ms

    def step(self, seconds: float) -> None:
        """It is set by hand, and nobody vouches for it."""
        self._attempt += 1
        self._synchronized = False
        self._error_ms += seconds * 1000
