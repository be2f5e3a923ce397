"""The centre's book of alarms: what a record that comes late, twice or undated does to it."""

from agent.wire.records import Alarm
from simulator.alarms import AlarmBook
from simulator.ledger import Arrival

ID = "0123456789abcdef-7"


def came(book: AlarmBook, at: float, state: str, n: int, time: int | None = None, duplicate: bool = False, boot: str = "a" * 16) -> None:
    alarm = Alarm(id=ID, unit="car-1", boot=boot, cause="panic", source="driver", mode="overt", state=state, n=n, time=time)  # type: ignore[arg-type]  # a literal
    book.take(Arrival(0, at, "", b"", alarm, duplicate))


def test_an_alarm_is_followed_from_raised_to_cleared() -> None:
    book = AlarmBook()
    for at, state in ((1.0, "raised"), (6.0, "repeated"), (7.0, "acknowledged")):
        came(book, at, state, int(at), round(at * 1000))
    alarm = book.alarms[ID]
    assert (alarm.state, alarm.raised_at, alarm.acknowledged_at, alarm.repeats, alarm.live) == ("acknowledged", 1.0, 7.0, 1, True)
    came(book, 8.0, "cleared", 4, 8000)
    assert (alarm.state, alarm.cleared_at, book.live) == ("cleared", 8.0, [])


def test_a_record_that_comes_late_does_not_turn_the_state_back() -> None:
    book = AlarmBook()
    came(book, 1.0, "acknowledged", 3, 3000)
    came(book, 2.0, "raised", 1, 1000)
    assert book.alarms[ID].state == "acknowledged"
    came(book, 3.0, "cleared", 4, 4000)
    came(book, 4.0, "repeated", 2, 9000)
    assert book.alarms[ID].state == "cleared"


def test_undated_records_count_by_their_arrival() -> None:
    book = AlarmBook()
    came(book, 1.0, "raised", 1, 1000)
    came(book, 2.0, "repeated", 2, None, boot="b" * 16)
    assert book.alarms[ID].state == "repeated"
    assert book.alarms[ID].boots == ["a" * 16, "b" * 16]


def test_the_same_record_again_is_counted_and_changes_nothing() -> None:
    book = AlarmBook()
    came(book, 1.0, "raised", 1, 1000)
    came(book, 2.0, "raised", 1, 1000, duplicate=True)
    alarm = book.alarms[ID]
    assert (alarm.records, alarm.duplicates, alarm.raised_at) == (1, 1, 1.0)
