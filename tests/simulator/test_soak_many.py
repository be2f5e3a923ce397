"""Many worlds side by side: the slice of link and disk faults that every run of the tests lives through, and what is told of it.

300 vehicle-hours take 40 s on two quiet cores; the same hours are lived on slower ones. The long run is in docs/reliability.md.
"""

import pytest

from simulator import soak_many
from simulator.__main__ import main
from simulator.faults import Killed, LinkOutage
from simulator.schedule import OPTIONS
from simulator.soak_many import Lived, Wanted

WORLDS, HOURS = 30, 10.0


@pytest.mark.timeout(1200)
def test_three_hundred_vehicle_hours_of_link_and_disk_faults_keep_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    broken = soak_many.soak(soak_many.worlds(1, WORLDS, HOURS, "link"), jobs=2)
    told = capsys.readouterr().out
    assert not broken, told
    assert "300 hours of weather in 30 worlds" in told
    missing = [option.fault.__name__ for option in OPTIONS if option.link and option.fault.__name__ not in told]
    assert not missing, "every fault of the preset has happened"


def test_a_world_is_the_same_in_whatever_process_it_is_lived() -> None:
    wanted = Wanted(7, 1.0, "link")
    here = soak_many.live(wanted)
    there = list(soak_many.side_by_side([wanted, Wanted(8, 1.0, "link")], 2))
    assert [lived.seed for lived in there] == [7, 8]
    assert (there[0].trace, there[0].counts) == (here.trace, here.counts)
    assert there[1].trace != here.trace


def test_the_preset_link_has_faults_of_link_and_disk_only_and_densely() -> None:
    """Two dozen an hour and more, a death of the process every ten minutes among them."""
    rates = {option.fault: option.link for option in OPTIONS if option.link}
    assert rates[LinkOutage] > 5
    assert rates[Killed] > 1
    assert sum(rates.values()) > 24
    assert not {fault.__name__ for fault in rates if fault.__module__ == "simulator.faults_gnss" or "Receiver" in fault.__name__}


def test_the_sum_names_the_seeds_that_broke_a_promise() -> None:
    good, bad = Lived(1, "aa", 3600.0, 1.0, 23, {"fault Killed": 2}), Lived(2, "bb", 3600.0, 1.0, 23, {"fault Killed": 3}, "no light")
    told = soak_many.summary([good, bad], 1.0, 2.0, 2)
    assert "BROKEN in 1 of 2 worlds, seeds 2" in told
    assert "5: Killed 5" in told
    assert "all kept" in soak_many.summary([good], 1.0, 2.0, 2)


def test_soak_lives_worlds_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soak", "--seed", "4", "--runs", "2", "--hours", "0.2", "--preset", "link", "--jobs", "2"]) == 0
    told = capsys.readouterr().out
    assert "seed      4" in told
    assert "seed      5" in told
    assert "PROMISES: " in told
    assert "all kept" in told
