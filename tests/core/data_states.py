"""What tests of the data cap share: a bench with an adapter's sums, and the cap in each of its states."""

from collections.abc import Callable

from agent.config import Mqtt
from agent.core import local_days
from agent.core.data_cap import MEMORY, DataCap
from agent.core.events import Remembered, Started, Traffic
from agent.core.part import Output
from agent.core.timebase import Timebase
from tests.core.builders import UTC_MS, Bench, spool_opened, told_time

ENDPOINTS = ("mqtt://a:1",)
CAP = 1_000_000
DAY = local_days.day(UTC_MS, local_days.china)
MONTH = local_days.month(DAY)
MIDNIGHT = 8 * 3600.0
"""UTC_MS is 16:00 in UTC+8."""
AT = 50.0
CAPPED = Mqtt(endpoints=ENDPOINTS, bytes_per_day_max=CAP)
MONTHLY = Mqtt(endpoints=ENDPOINTS, bytes_per_month_max=CAP)
BOTH = Mqtt(endpoints=ENDPOINTS, bytes_per_day_max=CAP, bytes_per_month_max=10 * CAP)


class CapBench(Bench):
    """With the sums that an adapter would tell."""

    def __init__(self, caps: Mqtt = CAPPED, time: Timebase | None = None) -> None:
        super().__init__(DataCap(caps, time or told_time(), local_days.china))
        self.moved = 0

    def move(self, at: float, size: int) -> list[Output]:
        """So many bytes more, a third of them down."""
        self.moved += size
        return self.feed(Traffic(at, self.moved - self.moved // 3, self.moved // 3))

    @property
    def today(self) -> int | None:
        found = self.part.status(0.0)["today_bytes"]
        assert found is None or isinstance(found, int)
        return found

    @property
    def this_month(self) -> int | None:
        found = self.part.status(0.0)["month_bytes"]
        assert found is None or isinstance(found, int)
        return found


def made(caps: Mqtt = CAPPED, time: Timebase | None = None, memory: dict[str, bytes] | None = None) -> CapBench:
    """Started, with an open store."""
    bench = CapBench(caps, time)
    bench.feed(Started(3.0), spool_opened(4.0, memory))
    return bench


def shut() -> CapBench:
    bench = CapBench()
    bench.feed(Started(3.0))
    return bench


def idle() -> CapBench:
    return made()


def timeless() -> CapBench:
    return made(time=Timebase())


def used(share: float) -> CapBench:
    bench = made()
    bench.move(40.0, round(CAP * share))
    bench.feed(Remembered(40.1, (MEMORY,)))
    return bench


def held() -> CapBench:
    return used(0.8)


def slowed() -> CapBench:
    return used(0.9)


def stopped() -> CapBench:
    return used(1.0)


STATES: dict[str, Callable[[], CapBench]] = {state.__name__: state for state in (shut, idle, timeless, held, slowed, stopped)}


def told(day: int | None, day_bytes: int, month: int | None, month_bytes: int) -> bytes:
    return f"{'-' if day is None else day} {day_bytes} {'-' if month is None else month} {month_bytes}".encode()


FULL = {MEMORY: told(DAY, 799_000, MONTH, 799_000)}
