"""The outbox: drafts that grow, what is delivered before it is written, what becomes history, and what is sent again from it."""

from agent.core.custody import DEFER_S, HISTORY_S
from agent.core.effects import Forget, Keep, Load, Publish, Store
from agent.core.events import (
    Acked,
    Drafted,
    Event,
    EventsDropped,
    FaultSeen,
    HistoryHeld,
    HistoryWanted,
    HistoryWritten,
    Lane,
    Loaded,
    LossesKept,
    Resent,
    Row,
    RowsGivenUp,
    SpoolDown,
    Started,
    StopRequested,
    Stored,
    StoreRoom,
)
from agent.core.outbox import DISK_S_MAX, Outbox
from agent.core.part import Output
from agent.wire.records import EventRecord, Gap
from tests.core.builders import (
    BOOT,
    OTHER_BOOT,
    OTHER_ROW,
    ROOT,
    Bench,
    OutboxBench,
    event_report,
    link_down,
    link_up,
    names,
    of,
    one,
    record,
    told_time,
)
from tests.core.outbox_states import OPEN, UP


def made(*events: Event, keeps: bool = True) -> Bench:
    bench = OutboxBench(Outbox(ROOT, 8192, names(), told_time(), keeps_history=keeps))
    bench.feed(Started(99.5), *events)
    return bench


def draft(at: float, text: str, final: bool = False) -> Drafted:
    return Drafted(at, Lane.BACKFILL, EventRecord(what="input", id=text), "track", final)


def track(at: float, text: str = "t") -> Event:
    return event_report(at, text, Lane.BACKFILL)


def ids(outs: list[Output], kind: type[Store] | type[Publish]) -> list[str | None]:
    found = [record(out) for out in of(kind, outs)]
    return [it.id for it in found if isinstance(it, EventRecord)]


# --- drafts -------------------------------------------------------------------------------------------------------------------------


def test_a_draft_is_kept_under_one_name_in_rising_editions_and_leaves_when_it_is_final() -> None:
    bench = made(OPEN)
    stores = []
    for i in range(3):
        stores.append(one(Store, bench.feed(draft(101.0 + i, str(i)))))
        bench.feed(Stored(101.5 + i, (stores[-1].name,), {stores[-1].name: stores[-1].edition}))
    assert {store.name for store in stores} == {f"{BOOT}-1"}
    assert [store.edition for store in stores] == [0, 1, 2]
    assert of(Publish, bench.feed(link_up(105.0))) == []
    final = bench.feed(draft(106.0, "all", final=True))
    assert ids(final, Store) == ["all"]
    (load,) = of(Load, bench.feed(Stored(106.1, (f"{BOOT}-1",), {f"{BOOT}-1": 3})))
    row = Row(f"{BOOT}-1", load.lane, of(Store, final)[0].payload)
    assert ids(bench.feed(Loaded(106.2, load.lane, (row,), more=False)), Publish) == ["all"]


def test_one_edition_is_asked_of_the_store_at_a_time_and_the_newest_after_it() -> None:
    bench = made(OPEN, draft(101.0, "a"))
    assert bench.feed(draft(102.0, "b"), draft(103.0, "c")) == []
    again = one(Store, bench.feed(Stored(103.5, (f"{BOOT}-1",))))
    assert (again.edition, ids([again], Store)) == (2, ["c"])
    assert bench.feed(Stored(104.0, (f"{BOOT}-1",), {f"{BOOT}-1": 2})) == []
    assert of(Store, bench.until(200.0)) == []


def test_a_draft_does_not_leave_before_it_is_final_whatever_comes() -> None:
    bench = made(OPEN, draft(101.0, "a"), Stored(101.1, (f"{BOOT}-1",)), UP, EventsDropped(102.0, 1))
    assert "a" not in ids(bench.until(500.0), Publish)


def test_a_final_draft_waits_for_the_disk_so_that_no_shorter_edition_can_follow_it_but_not_for_ever() -> None:
    bench = made(OPEN, UP, draft(101.0, "a"), Stored(101.1, (f"{BOOT}-1",)))
    assert "all" not in ids(bench.feed(draft(102.0, "all", final=True)), Publish)
    assert "all" not in ids(bench.until(102.0 + DISK_S_MAX - 1), Publish)
    assert "all" in ids(bench.until(102.0 + DISK_S_MAX + 2), Publish)


def test_a_final_draft_leaves_over_a_good_link_though_the_disk_is_gone_or_full() -> None:
    for trouble in (SpoolDown(101.5, "gone"), StoreRoom(101.5, False, "full")):
        bench = made(OPEN, UP, draft(101.0, "a"), Stored(101.1, (f"{BOOT}-1",)), trouble)
        bench.feed(draft(102.0, "all", final=True))
        assert "all" in ids(bench.until(102.0 + DISK_S_MAX + 2), Publish)


def test_the_word_of_a_loss_that_was_given_up_itself_is_stored_once_more() -> None:
    """Memory has it, and should the process end now, nobody would ever hear of the loss."""
    bench = made(OPEN, draft(101.0, "a"), Stored(101.1, (f"{BOOT}-1",)), RowsGivenUp(102.0, Lane.BACKFILL, (f"{BOOT}-1",), "store_full"))
    assert "a" in ids(bench.until(108.0), Store)


def test_an_end_in_order_stores_at_once_what_was_given_up_and_is_in_memory() -> None:
    bench = made(OPEN, draft(101.0, "a"), Stored(101.1, (f"{BOOT}-1",)), RowsGivenUp(102.0, Lane.BACKFILL, (f"{BOOT}-1",), "store_full"))
    assert "a" in ids(bench.feed(StopRequested(102.1, "SIGTERM")), Store)


def test_a_draft_that_grows_while_we_are_about_to_end_is_asked_of_the_store_again_at_once() -> None:
    """Seed 94 of the preset link: the track sealed its batch with one more fix, and the card had not answered for the one before."""
    bench = made(OPEN, draft(101.0, "a"))
    assert "a" in ids(bench.feed(StopRequested(102.0, "SIGTERM")), Store)
    assert "all" in ids(bench.feed(draft(102.0, "all", final=True)), Store)


def test_what_a_full_card_has_not_taken_is_declared_before_the_process_goes() -> None:
    bench = made(OPEN, event_report(101.0, "door"), event_report(101.0, "help", Lane.ALARM), StoreRoom(101.5, False, "full"))
    stored = of(Store, bench.feed(StopRequested(102.0, "SIGTERM")))
    gaps = [(store.lane, gap.why, gap.what, gap.count) for store in stored if isinstance(gap := record(store), Gap)]
    assert gaps == [(Lane.GAP, "store_full", "event", 1)]


def test_a_declared_loss_is_stored_though_the_card_is_full_and_that_is_no_end_of_the_fullness() -> None:
    given_up = RowsGivenUp(102.0, Lane.EVENT, (f"{OTHER_BOOT}-5",), "store_full")
    bench = made(OPEN, StoreRoom(101.0, False, "full"))
    told = one(Store, bench.feed(given_up))
    assert told.lane is Lane.GAP
    outs = bench.feed(Stored(400.0, (told.name,)))
    assert not of(FaultSeen, outs)
    assert of(LossesKept, outs)


def test_the_notes_of_losses_stay_until_every_declaration_is_on_disk() -> None:
    bench = made(OPEN)
    bench.feed(RowsGivenUp(102.0, Lane.EVENT, (f"{OTHER_BOOT}-5",), "store_full"))
    bench.feed(RowsGivenUp(102.0, Lane.BACKFILL, (f"{OTHER_BOOT}-6",), "store_full"))
    first, second = [store.name for store in of(Store, bench.all) if store.lane is Lane.GAP]
    assert not of(LossesKept, bench.feed(Stored(103.0, (first,))))
    assert of(LossesKept, bench.feed(Stored(103.1, (second,))))


def test_a_declared_loss_leaves_behind_events_and_before_back_fill() -> None:
    rows = [Row(f"{OTHER_BOOT}-{seq}", lane, OTHER_ROW.payload) for seq, lane in ((5, Lane.EVENT), (6, Lane.GAP), (7, Lane.BACKFILL))]
    bench = made(OPEN)
    for row in reversed(rows):
        bench.part._leaving.take_row(100.5, row)  # type: ignore[attr-defined]  # an outbox
    sent = [out.token for out in of(Publish, bench.feed(UP, Started(UP.at)))]
    window = bench.part._window._messages  # type: ignore[attr-defined]  # as above
    assert [window[token].lane for token in sent] == [Lane.EVENT, Lane.GAP, Lane.BACKFILL]


def test_a_final_draft_that_was_asked_of_no_store_leaves_without_one() -> None:
    bench = made(OPEN, UP, SpoolDown(100.5, "gone"), draft(101.0, "a"), draft(102.0, "all", final=True))
    assert "all" in ids(bench.all, Publish)


# --- delivered before written -------------------------------------------------------------------------------------------------------


def test_a_track_that_is_delivered_at_once_is_written_with_others_for_the_history() -> None:
    bench = made(OPEN, UP)
    for i in range(3):
        token = one(Publish, bench.feed(track(101.0 + i))).token
        assert bench.feed(Acked(101.1 + i, token)) == []
    assert of(Store, bench.until(101.0 + HISTORY_S - 1)) == []
    outs = bench.until(101.0 + HISTORY_S + 1)
    assert [type(out) for out in outs] == [Store, Keep] * 3


def test_without_a_history_it_is_never_written() -> None:
    bench = made(OPEN, UP, keeps=False)
    token = one(Publish, bench.feed(track(101.0))).token
    bench.feed(Acked(101.1, token))
    assert of(Store, bench.until(1000.0)) == []
    assert bench.part.settled()  # type: ignore[attr-defined]  # an outbox


def test_a_track_that_is_not_acknowledged_soon_is_written() -> None:
    bench = made(OPEN, UP, track(101.0))
    assert of(Store, bench.until(101.0 + DEFER_S - 0.6)) == []
    assert len(of(Store, bench.until(101.0 + DEFER_S + 1))) == 1


def test_what_is_put_off_is_written_when_the_link_ends_and_before_we_end() -> None:
    for event in (link_down(102.0), StopRequested(102.0, "SIGTERM")):
        bench = made(OPEN, UP, track(101.0))
        assert len(of(Store, bench.feed(event))) == 1
    bench = made(OPEN, UP)
    bench.feed(Acked(101.1, one(Publish, bench.feed(track(101.0))).token))
    assert [type(out) for out in bench.feed(StopRequested(102.0, "SIGTERM"))] == [Store, Keep]
    assert not bench.part.settled()  # type: ignore[attr-defined]  # an outbox
    bench.feed(Stored(102.1, (f"{BOOT}-1",)))
    assert bench.part.settled()  # type: ignore[attr-defined]  # an outbox


def test_history_is_written_along_with_what_is_written_anyway() -> None:
    bench = made(OPEN, UP)
    bench.feed(Acked(101.1, one(Publish, bench.feed(track(101.0))).token))
    assert [type(out) for out in bench.feed(event_report(105.0, "door"))] == [Store, Store, Keep, Publish]


def test_history_is_written_before_it_is_read() -> None:
    bench = made(OPEN, UP)
    bench.feed(Acked(101.1, one(Publish, bench.feed(track(101.0))).token))
    assert [type(out) for out in bench.feed(HistoryWanted(102.0))] == [Store, Keep, HistoryWritten]


# --- history ------------------------------------------------------------------------------------------------------------------------


def test_what_is_stored_and_delivered_is_kept_once_and_asked_again_until_it_is_confirmed() -> None:
    bench = made(OPEN, UP, event_report(101.0))
    bench.feed(Stored(101.1, (f"{BOOT}-1",)))
    assert one(Keep, bench.feed(Acked(101.2, 1))).names == (f"{BOOT}-1",)
    assert [type(out) for out in bench.until(108.0) if isinstance(out, Keep | Forget)] == [Keep]
    assert bench.part.waiting()["event"] == 0  # type: ignore[attr-defined]  # an outbox


def test_rows_of_history_leave_once_more_behind_what_is_new_and_are_no_longer_counted_when_they_have_arrived() -> None:
    bench = made(OPEN, UP)
    part = bench.part
    assert isinstance(part, Outbox)
    sent = one(Publish, bench.feed(Resent(101.0, (OTHER_ROW,))))
    assert part.resending() == 1
    bench.feed(link_down(102.0))
    assert part.resending() == 1
    again = one(Publish, bench.feed(link_up(103.0, 2)))
    assert again.payload[-4:] == sent.payload[-4:]
    assert bench.feed(Acked(103.1, again.token)) == []
    assert part.resending() == 0


def test_back_fill_is_held_and_everything_else_is_not() -> None:
    bench = made(OPEN, UP, HistoryHeld(100.5, True))
    outs = bench.feed(track(101.0, "t"), event_report(101.1, "e"), event_report(101.2, "a", Lane.ALARM))
    assert ids(outs, Publish) == ["e", "a"]
    assert ids(bench.feed(HistoryHeld(102.0, False)), Publish) == ["t"]


# --- given up -----------------------------------------------------------------------------------------------------------------------


def test_rows_that_were_given_up_are_declared_with_their_numbers() -> None:
    bench = made(OPEN, link_up(100.1))
    old = tuple(f"{'b' * 16}-{number}" for number in (4, 5, 9))
    outs = bench.feed(RowsGivenUp(101.0, Lane.BACKFILL, old, "store_full"))
    assert one(FaultSeen, outs).code == "store.full"
    gaps = [found for out in of(Publish, [*outs, *bench.until(103.0)]) if isinstance(found := record(out), Gap)]
    assert [(gap.why, gap.what, gap.count, gap.of, gap.first, gap.last) for gap in gaps] == [("store_full", "backfill", 3, "b" * 16, 4, 9)]


def test_what_is_given_up_on_disk_goes_from_memory_too_but_what_is_in_flight_may_still_arrive() -> None:
    bench = made(OPEN, track(101.0, "waits"), Stored(101.1, (f"{BOOT}-1",)))
    bench.feed(RowsGivenUp(102.0, Lane.BACKFILL, (f"{BOOT}-1",), "too_old"))
    assert "waits" not in ids(bench.feed(link_up(103.0)), Publish)
    flying = made(OPEN, track(101.0, "flies"), Stored(101.1, (f"{BOOT}-1",)), link_up(102.0))
    flying.feed(RowsGivenUp(103.0, Lane.BACKFILL, (f"{BOOT}-1",), "too_old"))
    assert not [out for out in of(Publish, flying.until(110.0)) if isinstance(record(out), Gap)]
    assert "flies" in ids(flying.feed(link_down(111.0), link_up(112.0, 2)), Publish)


def test_without_a_link_one_declaration_grows() -> None:
    bench = made(OPEN)
    for i in range(5):
        bench.feed(EventsDropped(101.0 + 2 * i, 1))
        for store in of(Store, bench.until(102.5 + 2 * i)):
            bench.feed(Stored(102.5 + 2 * i, (store.name,), {store.name: store.edition}))
    stores = of(Store, bench.all)
    assert {store.name for store in stores} == {f"{BOOT}-1"}
    assert [found.count for store in stores if isinstance(found := record(store), Gap)] == [1, 2, 3, 4, 5]
