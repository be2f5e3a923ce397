"""What a wire does to a receiver's bytes, and what is left of them when it ends."""

from datetime import UTC, datetime

import pytest

from agent.adapters.nmea import Nmea
from agent.core.events import Fix
from simulator import receiver_line
from simulator.receiver_model import ReceiverModel
from simulator.receiver_profiles import PROFILES
from simulator.route import Route

START_MS = round(datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC).timestamp() * 1000)
ROUTE = Route.through_xining(3)


@pytest.mark.parametrize(("sent", "heard"), [(9600, 115_200), (115_200, 9600), (38_400, 57_600), (9600, 4800)])
def test_a_uart_at_another_speed_hears_no_sentence(sent: int, heard: int) -> None:
    data = ReceiverModel(PROFILES["l76k"], 1, START_MS).say(0, ROUTE.at(0)).data
    assert receiver_line.at_another_speed(data, sent, sent) == data
    assert b"$G" not in receiver_line.at_another_speed(data, sent, heard)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_plug_that_is_pulled_leaves_what_was_whole_and_no_half_line(name: str) -> None:
    model = ReceiverModel(PROFILES[name], 1, START_MS)
    model.say(0, ROUTE.at(0))
    spoken = next(spoken for n in range(1, 10) if (spoken := model.say(n * 1000, ROUTE.at(n))).belief.valid)
    for length in range(0, len(spoken.data), 7):
        reader = Nmea()
        told = [*reader.feed(1.0, spoken.data[:length]), *reader.end()]
        for fix in (event for event in told if isinstance(event, Fix) and event.lat is not None):
            assert (fix.lat, fix.lon) == pytest.approx((spoken.belief.lat, spoken.belief.lon), abs=1e-9)
            assert fix.utc_ms in (None, spoken.utc_ms)
