"""The real core over the real store, in virtual time: fixes in as fast as they go, rows on the disk out.

Every effect for the store is done, and its answer handled, before the clock moves on: at one fix a second a card has the time. The broker
is played: it refuses every connection, or takes each and acknowledges after ACK_S.
"""

import queue
from collections.abc import Callable, Iterable
from pathlib import Path

from agent.adapters.spool import Spool
from agent.config import Config
from agent.core import effects
from agent.core.events import Acked, Event, Fix, LinkDown, LinkUp, ReceiverHeard, ReceiverUp, Started, StopRequested, Subscribed
from agent.core.unit import Unit

ACK_S = 0.05
START_S = 1000.0
FOR_STORE = (
    *(effects.OpenSpool, effects.Store, effects.Forget, effects.Keep, effects.Load),
    *(effects.Recall, effects.Prune, effects.Remember),
)
"""As agent/daemon.py deals them out."""


class WatchedSpool(Spool):
    """The store, which says how many effects it has worked off."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # as they come
        self._worked: queue.SimpleQueue[int] = queue.SimpleQueue()

    def _work_off(self, effects: list[effects.Effect | None]) -> None:
        super()._work_off(effects)
        self._worked.put(sum(effect is not None for effect in effects))

    def wait(self, effects: int) -> None:
        """Until so many more have been worked off."""
        while effects > 0:
            effects -= self._worked.get(timeout=60)
        assert effects == 0, "more was done than was asked for"


class QuickUnit:
    """One boot of the agent."""

    def __init__(self, config: Config, boot: str, online: bool, after: Callable[[float], None] = lambda _: None) -> None:
        """`after`: called once a second, with the virtual time, when all is done."""
        self.now = START_S
        self.online = online
        self.stores = 0
        self.unit = Unit(config, boot, "bench")
        self._after = after
        self._posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._later: list[Event] = []
        self._asked = 0
        self.spool = WatchedSpool(config.store.path, config.store.size_bytes_max, boot, self._posted.put, lambda: self.now)
        Path(config.store.path).mkdir(parents=True, exist_ok=True)
        self.spool.start()
        self._handle(Started(self.now))
        self._settle()
        self._handle(ReceiverUp(self.now, "bench"))

    def drive(self, fix: Fix) -> None:
        """One second: the clock moves to the fix, and what follows from it is done."""
        assert fix.at >= self.now
        self.now = fix.at
        self._handle(ReceiverHeard(self.now, 6))
        self._handle(fix)
        self._settle()
        later, self._later = self._later, []
        for event in later:
            self.now = max(self.now, event.at)
            self._handle(event)
        self._settle()
        self._after(self.now)

    def drive_all(self, fixes: Iterable[Fix]) -> None:
        """One second after the other."""
        for fix in fixes:
            self.drive(fix)

    def close(self) -> None:
        """An orderly end."""
        self._handle(StopRequested(self.now, "bench"))
        self._settle()
        self.now += 5
        self._perform(self.unit.advance(self.now))
        self.spool.close()

    def _handle(self, event: Event) -> None:
        self._perform(self.unit.handle(event))

    def _perform(self, wanted: list[effects.Effect]) -> None:
        for effect in wanted:
            if isinstance(effect, FOR_STORE):
                self.stores += isinstance(effect, effects.Store)
                self._asked += 1
                self.spool.perform(effect)
            else:
                self._play_broker(effect)

    def _settle(self) -> None:
        """Until the store has nothing left to do and all that it said is handled."""
        while self._asked or not self._posted.empty():
            asked, self._asked = self._asked, 0
            self.spool.wait(asked)
            while not self._posted.empty():
                self._handle(self._posted.get())

    def _play_broker(self, effect: effects.Effect) -> None:
        at = self.now + ACK_S
        match effect:
            case effects.Connect(attempt, endpoint, protocol):
                up = LinkUp(at, attempt, endpoint, protocol)
                self._later.append(up if self.online else LinkDown(at, attempt, "played: no network"))
            case effects.Subscribe(attempt):
                self._later.append(Subscribed(at, attempt))
            case effects.Publish(token):
                self._later.append(Acked(at, token))
