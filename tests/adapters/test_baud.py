"""The hunt for the speed of a serial line: moved on by garbage, held by checksums."""

from agent.adapters.baud import BAUDS, DWELL_S, GOOD_MIN, LOST_S, BaudHunt


def tried(hunt: BaudHunt, seconds: float, good: int = 0, start: float = 0.0) -> list[int]:
    """The speeds set while every tenth of a second brings bytes with so many good sentences."""
    moves = (hunt.heard(start + tenth / 10, good) for tenth in range(round(seconds * 10)))
    return [baud for baud in moves if baud is not None]


def test_garbage_tries_one_speed_after_the_other_and_begins_again() -> None:
    assert tried(BaudHunt(), len(BAUDS) * (DWELL_S + 0.2)) == [*BAUDS[1:], BAUDS[0]]


def test_good_sentences_hold_the_speed() -> None:
    assert tried(BaudHunt(), 60, good=1) == []


def test_one_good_checksum_is_chance_two_are_proof() -> None:
    hunt = BaudHunt()
    hunt.heard(0.0, 1)
    assert len(tried(hunt, DWELL_S + 0.2)) == 1
    proved = BaudHunt()
    proved.heard(0.0, GOOD_MIN)
    assert tried(proved, LOST_S - 0.2) == []


def test_a_receiver_that_changed_its_speed_is_hunted_again() -> None:
    hunt = BaudHunt()
    hunt.heard(0.0, GOOD_MIN)
    assert tried(hunt, LOST_S + 0.2)[:1] == [BAUDS[1]]


def test_a_new_opening_begins_with_the_speed_that_was_found() -> None:
    hunt = BaudHunt()
    found = tried(hunt, DWELL_S + 0.2)[0]
    hunt.heard(10.0, GOOD_MIN)
    hunt.reopened()
    assert hunt.baud == found
    assert tried(hunt, DWELL_S - 0.2, start=20.0) == []


def test_a_speed_that_somebody_knows_is_tried_at_once_and_hunted_on_from_when_garbage_comes() -> None:
    hunt = BaudHunt()
    hunt.told(38400)
    assert hunt.baud == 38400
    assert tried(hunt, DWELL_S + 0.2) == [57600]
    hunt.told(921600)
    assert tried(hunt, DWELL_S + 0.2, start=20.0) == [BAUDS[0]]


def test_a_speed_that_is_wanted_is_hunted_too() -> None:
    hunt = BaudHunt(19200, also=(230400,))
    assert tried(hunt, (len(BAUDS) + 2) * (DWELL_S + 0.2)) == [*BAUDS[:0], 230400, *BAUDS, 19200]
