"""What waits for the store, done in one transaction: in go effects and the open rows, out come, after the flush, the answering events."""

import itertools
from collections.abc import Callable, Iterator

from agent.adapters.segment_store import Room
from agent.adapters.spool_rows import Found, Rows
from agent.core.effects import Effect, Forget, Keep, Load, Prune, Recall, Remember, Store
from agent.core.events import Event, Forgotten, Lane, Loaded, Pruned, Recalled, Remembered, Stored

Answer = Callable[[float], Event]
Answers = list[tuple[Effect, Answer | None]]
"""Effects that are done, with the event of their own, but for its time, where they found or removed something."""


def done(rows: Rows, effects: list[Effect]) -> Answers:
    """Do all in one transaction, in their order. Raises StoreError; then nothing is done."""
    answers: Answers = []
    kept = _kept_at_once(effects)
    with rows.transact(min(map(_room, effects), default=Room.MOVES)):
        for index, effect in enumerate(effects):
            answer: Answer | None = None
            match effect:
                case Store(name, lane, payload):
                    rows.store(name, None if index in kept else lane, payload)
                case Forget(names):
                    rows.forget(names)
                case Keep(names):
                    rows.keep(names)
                case Remember(name, value):
                    rows.remember(name, value)
                case Load(lane, after, limit):
                    answer = _loaded(lane, rows.load(lane, after, limit))
                case Recall(boot, first, last, limit):
                    answer = _recalled(effect, rows.recall(boot, first, last, limit))
                case Prune(place, count, before, note):
                    gone = rows.prune(place, count, before)
                    if note and gone[0]:
                        rows.remember(f"{note} {gone[0][0]}", " ".join(gone[0]).encode())
                    answer = _pruned(place, gone)
                case _:
                    raise AssertionError(f"{effect!r} is nothing for the store")
            answers.append((effect, answer))
    return answers


def _loaded(lane: Lane, found: Found) -> Answer:
    return lambda at: Loaded(at, lane, *found)


def _recalled(recall: Recall, found: Found) -> Answer:
    return lambda at: Recalled(at, recall.boot, recall.first, recall.last, *found)


def _pruned(place: Lane | None, gone: tuple[tuple[str, ...], bool]) -> Answer:
    return lambda at: Pruned(at, place, *gone)


def _kept_at_once(effects: list[Effect]) -> set[int]:
    """Which Stores need not put their row into a lane, since a Keep moves it to history before anybody looks: half the pages."""
    kept: set[str] = set()
    found: set[int] = set()
    for index in range(len(effects) - 1, -1, -1):
        match effects[index]:
            case Keep(names):
                kept.update(names)
            case Store(name) if name in kept:
                found.add(index)
            case Store() | Remember():
                continue
            case _:
                kept.clear()
    return found


def events(at: float, answers: Answers) -> Iterator[Event]:
    """One event for neighbours of one kind, so that the order of what happened to a name is the order of the events."""
    for kind, some in itertools.groupby(answers, key=lambda answer: type(answer[0])):
        names: dict[str, int] = {}
        for effect, answer in some:
            if answer is not None:
                yield answer(at)
            match effect:
                case Forget(forgotten) | Keep(forgotten):
                    names.update(dict.fromkeys(forgotten, 0))
                case Store(name, edition=edition):
                    names[name] = edition
                case Remember(name):
                    names[name] = 0
        if kind is Store:
            yield Stored(at, tuple(names), {name: edition for name, edition in names.items() if edition})
        elif kind in (Forget, Keep):
            yield Forgotten(at, tuple(names))
        elif kind is Remember:
            yield Remembered(at, tuple(names))


# --- when there is no room ------------------------------------------------------------------------------------------------------------


LANE_ROOMS = {Lane.ALARM: Room.URGENT, Lane.GAP: Room.GAPS}
"""Lanes whose rows may have more room than others."""


def _room(effect: Effect) -> Room:
    """How far the store may be filled by it."""
    if isinstance(effect, Store):
        return LANE_ROOMS.get(effect.lane, Room.ROWS)
    return Room.URGENT if isinstance(effect, Remember) else Room.MOVES


def _at_least(room: Room) -> Callable[[Effect], bool]:
    return lambda effect: _room(effect) >= room


def _is_removing(effect: Effect) -> bool:
    """What takes no room at all."""
    return _room(effect) is Room.MOVES and not isinstance(effect, Keep)


CHOICES: tuple[Callable[[Effect], bool], ...] = (*map(_at_least, Room), _is_removing)
"""What is tried in turn, when the one before found no room: at least what matters most, and what makes room, is done."""
