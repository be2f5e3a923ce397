"""The window and the line: over lines of many kinds it fills the line, and an alarm waits little behind it."""

import heapq
import itertools
import random
from typing import NamedTuple

import pytest

from agent.core.events import Lane, LinkUp
from agent.core.window import BYTES_MIN, GROWTH_MAX, QUEUE_S, Window
from tests.core.builders import message

WINDOW = 8192
SIZE = 2500


class Line(NamedTuple):
    """A line of `bytes_per_s` behind which the answer takes `base_s` and up to `jitter_s` more."""

    bytes_per_s: float
    base_s: float
    jitter_s: float = 0.0


class Driven(NamedTuple):
    """Share of the line that was used; the waits that one more message would have had, in order; the window in the end."""

    share: float
    waits: list[float]
    window: Window


def drive(line: Line, seconds: float = 60.0, then: Line | None = None) -> Driven:
    """Back-fill without end over that line, and from half-time on over another."""
    rng, window = random.Random(7), Window(WINDOW)
    window.link_up(LinkUp(0.0, 1, "mqtt://a:1883", 5))
    order = itertools.count()
    acks: list[tuple[float, int, int]] = []
    now = free_at = last_ack = sent = 0.0
    capacity, waits = 0.0, []
    while now < seconds:
        here = then if then is not None and now > seconds / 2 else line
        while window.room(Lane.BACKFILL):
            token = window.send(now, message(Lane.BACKFILL, SIZE))
            free_at = max(free_at, now) + SIZE / here.bytes_per_s
            last_ack = max(last_ack, free_at + here.base_s + rng.uniform(0, here.jitter_s))
            heapq.heappush(acks, (last_ack, next(order), token))
        waits.append(max(0.0, free_at - now))
        before, (now, _, token) = now, heapq.heappop(acks)
        capacity += (now - before) * here.bytes_per_s
        taken = window.take(token)
        assert taken is not None
        window.acked(now, taken)
        sent += SIZE
    return Driven(sent / capacity, waits, window)


@pytest.mark.parametrize(
    ("line", "share_min"),
    [
        (Line(125_000, 0.001), 0.9),
        (Line(125_000, 0.05), 0.9),
        (Line(125_000, 0.6), 0.8),
        (Line(1_250_000, 0.04), 0.8),
        (Line(1_200, 0.3), 0.9),
        (Line(125_000, 0.03, 0.12), 0.8),
        (Line(125_000, 0.05, 0.2), 0.5),
        (Line(125_000, 0.3, 0.3), 0.5),
    ],
)
def test_the_line_is_used_and_an_alarm_waits_little(line: Line, share_min: float) -> None:
    driven = drive(line, 60.0 if line.bytes_per_s > 10_000 else 600.0)
    settled = sorted(driven.waits[len(driven.waits) // 2 :])
    p50 = settled[len(settled) // 2]
    assert driven.share >= share_min
    assert p50 <= QUEUE_S + line.jitter_s + 2 * SIZE / line.bytes_per_s


def test_the_window_stays_within_its_bounds() -> None:
    assert drive(Line(12_500_000, 0.5)).window.bytes_max <= GROWTH_MAX * WINDOW
    assert drive(Line(600, 0.5)).window.bytes_max >= BYTES_MIN


def test_a_line_that_has_become_slower_is_believed_in_the_end() -> None:
    driven = drive(Line(250_000, 0.03), 7200.0, then=Line(250_000, 0.4))
    assert driven.window.bytes_max > 4 * BYTES_MIN


def test_nothing_grows_or_shrinks_while_the_window_is_not_what_limits() -> None:
    for delays in ((0.01,), (0.01, 0.9)):
        window = Window(WINDOW)
        window.link_up(LinkUp(0.0, 1, "mqtt://a:1883", 5))
        for at, delay in zip(range(100), itertools.cycle(delays), strict=False):
            taken = window.take(window.send(at, message(Lane.LIVE, 100)))
            assert taken is not None
            window.acked(at + delay, taken)
        assert window.bytes_max == WINDOW
