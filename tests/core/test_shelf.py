"""The shelf: what is known of the store, and what is asked of it again."""

from agent.core.effects import Forget, Load
from agent.core.events import Lane, Loaded
from agent.core.shelf import ASK_AGAIN_S, LOAD_ROWS, UNSTORED_MAX, Shelf
from tests.core.builders import OTHER_ROW, spool_opened

EVENT = Lane.EVENT


def opened(**waiting: int) -> Shelf:
    shelf = Shelf()
    shelf.opened(spool_opened(0.0, None, **waiting))
    return shelf


def loaded(at: float, rows: int = 1, more: bool = False) -> Loaded:
    return Loaded(at, EVENT, (OTHER_ROW,) * rows, more)


def test_a_store_is_asked_for_at_once_and_then_every_five_seconds_until_it_is_open() -> None:
    shelf = Shelf()
    assert [at for at in range(12) if shelf.reopen(float(at))] == [0, 5, 10]
    shelf.opened(spool_opened(11.0))
    assert not shelf.reopen(100.0)
    shelf.failed("gone")
    assert (shelf.open, shelf.down) == (False, "gone")
    assert shelf.reopen(100.0)
    shelf.opened(spool_opened(101.0))
    assert (shelf.open, shelf.down) == (True, "")


def test_a_store_that_is_said_to_be_open_and_answers_nothing_is_asked_for_again() -> None:
    for owe in ("unstored", "forgetting", "loading"):
        shelf = opened(event=1)
        shelf.reopen(0.0)
        if owe == "loading":
            shelf.load(1.0, EVENT)
        else:
            getattr(shelf, owe)["a"] = 1.0 if owe == "unstored" else (1.0, False)
        assert [at for at in range(1, 13) if shelf.reopen(float(at))] == [6, 11]
        shelf.opened(spool_opened(13.0))
        shelf.unstored.clear()
        shelf.forgetting.clear()
        assert not shelf.reopen(100.0)


def test_rows_are_counted_and_never_below_nothing() -> None:
    shelf = opened(event=1)
    shelf.stored(EVENT)
    assert shelf.rows(EVENT) == 2
    for _ in range(3):
        shelf.forget(1.0, "a", EVENT, counted=True)
    assert shelf.rows(EVENT) == 0
    shelf.stored(EVENT)
    shelf.forget(1.0, "b", EVENT, counted=False)
    assert shelf.rows(EVENT) == 1


def test_an_opening_counts_anew() -> None:
    shelf = opened(event=5, alarm=1)
    shelf.opened(spool_opened(1.0, event=2))
    assert (shelf.rows(EVENT), shelf.rows(Lane.ALARM)) == (2, 0)


def test_what_is_not_confirmed_is_told_after_five_seconds() -> None:
    shelf = opened()
    shelf.unstored = {"a": 0.0, "b": 2.0}
    assert shelf.unstored_for_long(ASK_AGAIN_S - 0.1) == []
    assert shelf.unstored_for_long(ASK_AGAIN_S) == ["a"]


def test_a_forgetting_is_asked_again_every_five_seconds_in_one_request() -> None:
    shelf = opened()
    assert shelf.forget(0.0, "a", EVENT, counted=False) == Forget(("a",))
    shelf.forget(0.0, "b", EVENT, counted=False)
    assert shelf.forget_again(ASK_AGAIN_S - 0.1) == []
    assert shelf.forget_again(ASK_AGAIN_S) == [Forget(("a", "b"))]
    assert shelf.forget_again(ASK_AGAIN_S + 1) == []


def test_nothing_is_read_from_a_store_that_is_closed_or_from_a_lane_that_is_in_memory() -> None:
    closed = Shelf()
    closed.let_lie(EVENT)
    assert closed.load(0.0, EVENT) is None
    assert opened(alarm=1).load(0.0, EVENT) is None


def test_reading_goes_on_behind_the_last_row_until_there_are_no_more() -> None:
    shelf = opened(event=3)
    assert shelf.load(0.0, EVENT) == Load(EVENT, None, LOAD_ROWS)
    assert shelf.load(0.1, EVENT) is None  # it has been asked for just now
    shelf.loaded(loaded(0.2, more=True))
    assert shelf.load(0.3, EVENT) == Load(EVENT, OTHER_ROW.name, LOAD_ROWS)
    shelf.loaded(loaded(0.4))
    assert shelf.load(10.0, EVENT) is None


def test_a_load_whose_answer_was_lost_is_asked_again_from_the_same_place() -> None:
    shelf = opened(event=3)
    shelf.load(0.0, EVENT)
    assert shelf.load(ASK_AGAIN_S, EVENT) == Load(EVENT, None, LOAD_ROWS)


def test_a_row_laid_down_behind_the_reader_makes_it_read_from_the_start() -> None:
    shelf = opened(event=3)
    shelf.load(0.0, EVENT)
    shelf.loaded(loaded(0.1, more=True))
    shelf.load(0.2, EVENT)
    shelf.let_lie(EVENT)
    shelf.loaded(loaded(0.3))
    assert shelf.load(0.4, EVENT) == Load(EVENT, None, LOAD_ROWS)


def test_rows_that_nobody_asked_for_move_nothing() -> None:
    shelf = opened(event=3)
    shelf.loaded(loaded(0.1, more=False))
    assert shelf.load(0.2, EVENT) == Load(EVENT, None, LOAD_ROWS)


def test_an_answer_with_more_but_no_rows_ends_the_reading() -> None:
    shelf = opened(event=3)
    shelf.load(0.0, EVENT)
    shelf.loaded(loaded(0.1, rows=0, more=True))
    assert shelf.load(10.0, EVENT) is None


def test_it_is_full_when_too_much_is_not_confirmed() -> None:
    shelf = opened()
    shelf.unstored = {str(i): 0.0 for i in range(UNSTORED_MAX - 1)}
    assert not shelf.full()
    shelf.unstored["one more"] = 0.0
    assert shelf.full()
