"""Ten power cuts in a minute: a plug that does not sit, a starter motor on a weak battery. Each life is ready, and no press is lost.

Here the process dies (SIGKILL); what a cut does to what the disk had not flushed is in `tests/power`.
"""

import time
from collections.abc import Callable

import pytest

from agent.wire.records import AckRecord, Alarm
from simulator.bench.car_config import HOLD_S
from tests.black_box.desk import QUICK, Desk, until

CUTS = 10
WITHIN_S = 60.0
EARLY_S = 0.1
"""The agent stamps an edge before the bench has returned from making it."""


@pytest.mark.timeout(240)
def test_ten_power_cuts_in_a_minute_lose_no_press_and_no_answer(tmp_path_factory: pytest.TempPathFactory) -> None:
    """In every life the button is pressed; after the first the alarm is latched and says so by itself, whatever is done to it."""
    with Desk(tmp_path_factory.mktemp("cuts") / "car", QUICK) as desk:
        began, alarm, highest, took = time.monotonic(), "", 0, []
        acknowledged_in = CUTS - 3
        for cut in range(CUTS):
            since, started = desk.heard, time.monotonic()
            boot = desk.run_online()
            took.append(time.monotonic() - started)
            if alarm:
                told = desk.told("latched", lambda s: s["alarm"]["state"] != "none")
                assert told["alarm"]["id"] == alarm, "the same alarm, in every life"
                assert told["lights"]["show"] == "response"
            said = desk.hear(Alarm, pressed(boot, desk.press()), since)
            alarm = alarm or said.id
            assert said.id == alarm, "a press of the same button is the same alarm"
            assert said.n > highest, "numbers of what is said never step back"
            highest = said.n
            desk.told("the press is on disk", lambda s: s["outbox"]["unstored"] == 0 and s["outbox"]["store"] == "open")
            if cut == acknowledged_in:
                desk.centre.acknowledge(desk.options.unit, alarm)
                desk.hear(Alarm, lambda r: r.state == "acknowledged")
                desk.all_on_disk()
            desk.kill_agent()
            desk.release()
        lasted = time.monotonic() - began
        print(f"{CUTS} cuts in {lasted:.1f} s; online after {', '.join(f'{s:.1f}' for s in took)} s")

        since = desk.heard
        last = desk.run_online()
        status = desk.told("the eleventh life has it", lambda s: s["alarm"].get("id") == alarm)
        assert status["alarm"]["state"] == "raised", "it was acknowledged, and pressed again since then"
        again = desk.hear(Alarm, lambda r: r.boot == last and r.id == alarm, since)
        assert again.n > highest
        until("all that was stored has come", lambda: not _lost(desk))
        desk.drive_into_a_tunnel()
        order = desk.centre.clear(desk.options.unit, alarm, "test")
        desk.hear(Alarm, lambda r: r.id == alarm and r.state == "cleared")
        desk.hear(AckRecord, lambda r: r.order == order and r.label == "done")
        assert desk.terminate() == 0
        account = desk.account()
        assert (account.altered, account.invented) == (0, 0)
        assert lasted < WITHIN_S * 2, "a busy machine is given twice the minute"


def pressed(boot: str, at: float) -> Callable[[Alarm], bool]:
    """Whether an alarm tells of the press that began then: not of an older one, which a new link hears of first."""
    held_ms = (at + HOLD_S - EARLY_S) * 1000
    return lambda r: r.boot == boot and r.state in ("raised", "repeated") and r.mono >= held_ms


def _lost(desk: Desk) -> list[str]:
    """Alarms of which the centre has heard nothing but a later repeat: none may be without its first record."""
    heard = [r for r in desk.centre.ledger.records("alarm") if isinstance(r, Alarm)]
    return sorted({r.id for r in heard} - {r.id for r in heard if r.state == "raised"})
