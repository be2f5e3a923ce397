"""Inventory: nothing seen, the machine seen × every event."""

import pytest

from agent.core.events import Event, MachineSeen, ModemSeen, StateChanged
from agent.core.inventory import Inventory
from agent.wire.records import Machine
from tests.core.builders import Bench, assert_covers, of, one

SEEN = MachineSeen(1.0, "3.11.2", "Debian 12", "6.6", "Raspberry Pi 4", "mmcblk0p3", 0.1, 5_999_999_999)
MODEM = ModemSeen(2.0, 0.5, "lte", "CHINA MOBILE", "EC25")


def unseen() -> Bench:
    return Bench(Inventory("0.1.0"))


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
