"""The spool against a dict: whatever is stored, kept, forgotten, pruned, remembered, loaded and recalled, over starts, the two agree."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.core.effects import Keep, Store
from agent.core.events import Forgotten, Lane, Stored
from tests.adapters.spools import Running, running

LANES = st.sampled_from(Lane)
PLACES = LANES | st.none()
SEQS = st.integers(0, 40) | st.integers(0, 10**14 - 1)
MEMORY_NAMES = st.sampled_from(["alarm", "a", "ab", "前哨", "x/y"])


class SpoolAndDict(RuleBasedStateMachine):
    """`rows` by (number of the start, seq); names of boots are chosen so that they do not sort in the order of the starts."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.path = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.starts = 0
        self.rows: dict[tuple[int, int], tuple[Lane | None, bytes]] = {}
        self.known: set[int] = set()
        self.memory: dict[str, bytes] = {}
        self.life = ExitStack()
        self.run: Running

    def boot(self, start: int) -> str:
        return f"{start * 0x9E3779B97F4A7C15 % 2**64:016x}"

    def name(self, row: tuple[int, int]) -> str:
        return f"{self.boot(row[0])}-{row[1]}"

    def in_lane(self, lane: Lane | None) -> list[tuple[int, int]]:
        return sorted(row for row, (where, _) in self.rows.items() if where == lane)

    @initialize()
    def first_start(self) -> None:
        self.start()

    @rule()
    def start(self) -> None:
        self.life.close()
        self.starts += 1
        self.known = {start for start, _ in self.rows}
        self.run = self.life.enter_context(running(self.path, self.boot(self.starts)))
        opened = self.run.open()
        assert opened.memory == self.memory
        assert opened.waiting == {lane: len(self.in_lane(lane)) for lane in Lane}
        assert opened.kept == len(self.in_lane(None))

    @rule(seq=SEQS, lane=LANES, payload=st.binary(min_size=1, max_size=3000))
    def store(self, seq: int, lane: Lane, payload: bytes) -> None:
        self.run.store(seq, lane=lane, payload=payload)
        self.rows[self.starts, seq] = (lane, payload)

    @rule(lane=LANES, count=st.integers(1, 5), stranger=st.booleans())
    def keep(self, lane: Lane, count: int, stranger: bool) -> None:
        moved = self.in_lane(lane)[-count:]
        self.run.keep(*(self.name(row) for row in moved), *(["ffffffffffffffff-1"] if stranger else []))
        for row in moved:
            self.rows[row] = (None, self.rows[row][1])

    @rule(seq=SEQS, lane=LANES, payload=st.binary(min_size=1, max_size=3000))
    def store_and_keep_at_once(self, seq: int, lane: Lane, payload: bytes) -> None:
        name = self.name((self.starts, seq))
        self.run.perform(Store(name, lane, payload), Keep((name,)))
        self.run.posted.expect(Stored)
        self.run.posted.expect(Forgotten)
        self.rows[self.starts, seq] = (None, payload)

    @rule(place=PLACES, count=st.integers(0, 5), mark=st.none() | st.tuples(st.integers(1, 9), SEQS))
    def prune(self, place: Lane | None, count: int, mark: tuple[int, int] | None) -> None:
        meant = [row for row in self.in_lane(place) if mark is None or (row < mark and self.is_known(mark[0]))]
        pruned = self.run.prune(place, count, None if mark is None else self.name(mark))
        assert pruned.lane == place
        assert list(pruned.names) == [self.name(row) for row in meant[:count]]
        assert pruned.more == (len(meant) > count)
        for row in meant[:count]:
            del self.rows[row]

    def is_known(self, start: int) -> bool:
        """A boot is known while it has a row, or runs."""
        return start == self.starts or start in self.known

    @rule(start=st.integers(1, 9), first=SEQS, last=SEQS, limit=st.integers(1, 10))
    def recall(self, start: int, first: int, last: int, limit: int) -> None:
        meant = [row for row in self.in_lane(None) if row[0] == start and first <= row[1] <= last]
        recalled = self.run.recall(first, last, self.boot(start), limit)
        assert [row.name for row in recalled.rows] == [self.name(row) for row in meant[:limit]]
        assert [row.payload for row in recalled.rows] == [self.rows[row][1] for row in meant[:limit]]
        assert recalled.more == (len(meant) > limit)

    @rule(lane=PLACES, count=st.integers(1, 5), stranger=st.booleans())
    def forget(self, lane: Lane | None, count: int, stranger: bool) -> None:
        gone = self.in_lane(lane)[:count]
        self.run.forget(*(self.name(row) for row in gone), *(["ffffffffffffffff-1"] if stranger else []))
        for row in gone:
            del self.rows[row]

    @rule(name=MEMORY_NAMES, value=st.none() | st.binary(max_size=50))
    def remember(self, name: str, value: bytes | None) -> None:
        self.run.remember(name, value)
        if value is None:
            self.memory.pop(name, None)
        else:
            self.memory[name] = value

    @rule(lane=LANES, skip=st.integers(0, 10), limit=st.integers(1, 10))
    def load(self, lane: Lane, skip: int, limit: int) -> None:
        there = self.in_lane(lane)
        after = there[skip] if skip < len(there) else None
        loaded = self.run.load(lane, None if after is None else self.name(after), limit)
        expected = [row for row in there if after is None or row > after]
        assert [row.name for row in loaded.rows] == [self.name(row) for row in expected[:limit]]
        assert [row.payload for row in loaded.rows] == [self.rows[row][1] for row in expected[:limit]]
        assert loaded.more == (len(expected) > limit)

    @invariant()
    def nothing_was_posted_unasked(self) -> None:
        if hasattr(self, "run"):
            assert self.run.posted.drain() == []

    def teardown(self) -> None:
        self.life.close()
        self.stack.close()


TestSpoolAndDict = SpoolAndDict.TestCase
TestSpoolAndDict.settings = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
