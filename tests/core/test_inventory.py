"""Inventory: nothing seen, the machine seen × every event."""

import pytest

from agent.core.effects import Publish
from agent.core.events import Event, FaultSeen, MachineSeen, ModemSeen, Started, StateChanged
from agent.core.inventory import TB, Inventory
from agent.wire import codec
from agent.wire.records import FaultRecord, Machine
from tests.core.builders import Bench, assert_covers, config, feed, link_up, of, one, spool_opened, unit

SEEN = MachineSeen(1.0, "3.11.2", "Debian 12", "6.6", "Raspberry Pi 4", "mmcblk0p3", 0.1, 5_999_999_999)
MODEM = ModemSeen(2.0, 0.5, "lte", "CHINA MOBILE", "EC25")


def unseen() -> Bench:
    return Bench(Inventory("0.1.0", 20 * TB))


def seen() -> Bench:
    bench = unseen()
    bench.feed(SEEN, MODEM)
    return bench


STATES = {"unseen": unseen, "seen": seen}
TABLE: list[tuple[str, Event, int]] = [
    ("unseen", SEEN, 1),
    ("unseen", MODEM, 0),
    ("unseen", ModemSeen(2.0), 0),
    ("seen", SEEN, 0),
    ("seen", MachineSeen(9.0, "3.11.2", "Debian 12", "6.6", "Raspberry Pi 4", "mmcblk0p3", 0.1, 5_000_000_001), 0),
    ("seen", MachineSeen(9.0, "3.11.2", "Debian 12", "6.6", "Raspberry Pi 4", "mmcblk0p3", 0.2, 5_999_999_999), 1),
    ("seen", ModemSeen(9.0, 0.9, "umts", "CHINA MOBILE", "EC25"), 0),
    ("seen", ModemSeen(9.0), 0),
    ("seen", ModemSeen(9.0, 0.5, "lte", "CHN-UNICOM", "EC25"), 1),
]
"""How often it speaks: of what changes each minute, of less than a GB and of a modem that restarts it does not."""


@pytest.mark.parametrize(("state", "event", "count"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, count: int) -> None:
    assert len(of(StateChanged, STATES[state]().feed(event))) == count


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Inventory, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_the_record_has_what_was_seen_and_no_more() -> None:
    bench = unseen()
    first = one(StateChanged, bench.feed(MachineSeen(1.0, "3.11.2")))
    assert (first.name, first.record) == ("machine", Machine(agent="0.1.0", python="3.11.2"))
    assert bench.part.status(2.0) == {"agent": "0.1.0", "python": "3.11.2"}
    whole = of(StateChanged, bench.feed(SEEN, MODEM))[-1].record
    assert whole == Machine(
        agent="0.1.0",
        python="3.11.2",
        os="Debian 12",
        kernel="6.6",
        board="Raspberry Pi 4",
        disk="mmcblk0p3",
        disk_used_life=0.1,
        disk_written_gb=5,
        modem="EC25",
        operator="CHINA MOBILE",
    )
    assert unseen().part.status(1.0) == {}


def test_which_board_and_whose_sim_it_is_stays_out_of_the_retained_state() -> None:
    """They are said once, to be compared: in `hardware.changed` and to the commissioning."""
    bench = unseen()
    bench.feed(MachineSeen(1.0, "3.11.2", board="Raspberry Pi 4", board_identity="Raspberry Pi 4, serial 1000abcdef"))
    record = of(StateChanged, bench.feed(ModemSeen(2.0, model="EC25", sim="89860012345678901234")))[-1].record
    for told in (str(record), str(bench.part.status(3.0))):
        assert "Raspberry Pi 4" in told
        assert "EC25" in told
        assert "1000abcdef" not in told
        assert "89860012345678901234" not in told


# --- wear ---------------------------------------------------------------------------------------------------------------------------------


def disk(at: float = 5.0, life: float | None = None, written: float | None = None, errors: int | None = None) -> MachineSeen:
    """`written`: TB."""
    return MachineSeen(at, "3.11", "", "", "", "mmcblk0p3", life, None if written is None else round(written * TB), errors)


WEAR = [
    (disk(life=0.8), ""),
    (disk(life=0.9), "90% of its life is used"),
    (disk(life=1.0), "100% of its life is used"),
    (disk(life=1.1), "its life is over"),
    (disk(written=17.9), ""),
    (disk(written=18.0), "18.0 of 20 TB are written"),
    (disk(life=0.2, written=40.0), ""),
    (disk(errors=0), ""),
    (disk(errors=3), "errors in its file system: 3"),
    (disk(life=0.9, errors=1), "90% of its life is used; errors in its file system: 1"),
    (disk(), ""),
]
"""What an eMMC says of itself goes before what was written to it; an SD card says nothing, and what it bears is the config's."""


@pytest.mark.parametrize(("event", "detail"), WEAR)
def test_a_disk_that_is_worn_is_a_fault_that_says_how(event: MachineSeen, detail: str) -> None:
    told = [(fault.code, fault.active, str(fault.detail)) for fault in of(FaultSeen, unseen().feed(event))]
    assert told == ([("store.worn", True, detail)] if detail else [])


def test_it_is_told_when_it_changes_and_goes_with_the_cause() -> None:
    """After fsck the file system counts anew; of a card that says nothing any more nothing is taken back."""
    bench = unseen()
    bench.feed(disk(5.0, errors=3), disk(3605.0, errors=3), disk(7205.0, errors=4), disk(10805.0), ModemSeen(10806.0))
    bench.feed(disk(14405.0, errors=0))
    told = [(fault.at, fault.active, str(fault.detail)) for fault in of(FaultSeen, bench.all)]
    assert told == [(5.0, True, "errors in its file system: 3"), (7205.0, True, "errors in its file system: 4"), (14405.0, False, "")]


def test_some_megabytes_more_are_no_news() -> None:
    bench = unseen()
    for hour in range(100):
        bench.feed(disk(5.0 + 3600 * hour, written=19.0 + hour / 100_000))
    assert [str(fault.detail) for fault in of(FaultSeen, bench.all)] == ["19.0 of 20 TB are written"]


def test_the_centre_hears_of_a_worn_card_and_so_does_whoever_asks() -> None:
    made = unit(config())
    effects = feed(made, Started(0.0), spool_opened(0.1), link_up(0.2), disk(1.0, written=18.5))
    said = [codec.decode(effect.payload) for effect in effects if isinstance(effect, Publish)]
    faults = {record.code: record.detail for record in said if isinstance(record, FaultRecord)}
    assert faults["store.worn"] == "18.5 of 20 TB are written"
    assert "store.worn" in [fault["code"] for fault in made.status(2.0)["faults"]]
