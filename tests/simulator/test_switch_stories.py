"""Stories of switches: the slice that every run of the tests lives through, and the ten thousand of each kind that `make soak` does.

The same by hand: `outpost-sim presses --stories 10000`, and with `--cut`.
"""

import pytest

from simulator import press_story, presses
from simulator.__main__ import main
from simulator.press_story import Wanted
from simulator.promises import Broken

SLICE = 100
ALL = 10_000


@pytest.mark.parametrize("cut", [False, True])
def test_no_honest_press_is_lost_and_no_alarm_is_invented(cut: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """With a power cut: nothing that the lamp has called sent is lost."""
    total = presses.tell(SLICE, 1, cut, 1)
    told = capsys.readouterr().out
    assert not total.broken, told
    assert total.stories == SLICE
    assert total.presses > SLICE
    assert total.knocks > SLICE / 2
    assert total.sent > SLICE / 2


@pytest.mark.soak
@pytest.mark.parametrize("cut", [False, True])
def test_ten_thousand_stories_lose_no_press_and_invent_no_alarm(cut: bool) -> None:
    total = presses.tell(ALL, 1, cut, 2)
    assert not total.broken
    assert total.presses > ALL


def test_a_story_is_the_same_each_time_it_is_told() -> None:
    first, second = press_story.tell(Wanted(7, cut=True)), press_story.tell(Wanted(7, cut=True))
    assert first == second
    assert first.trace != press_story.tell(Wanted(8, cut=True)).trace


def test_stories_differ_in_what_happens_in_them() -> None:
    """Noise, broken wires, outages and cuts all come within a few dozen."""
    happened = {type(fault).__name__ for seed in range(60) for fault in press_story.StoryWorld(Wanted(seed, cut=True)).faults}
    assert happened == {
        *("InputNoise", "EmiBurst", "WireBroken", "ButtonWireBroken", "Crank", "LinkOutage", "DiskSlow", "PowerCut"),
    }


def test_what_the_lamp_called_sent_and_the_unit_forgot_is_a_lost_press() -> None:
    """A latch that is gone without the centre's word."""
    world = press_story.StoryWorld(Wanted(1))
    world.sent.add("0123456789abcdef-1")
    with pytest.raises(Broken, match="the centre never heard of it"):
        world.run()


def test_presses_tells_what_came_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presses", "--stories", "4", "--seed", "3", "--jobs", "2"]) == 0
    told = capsys.readouterr().out
    assert "lost      0" in told
    assert "invented  0" in told
    assert "PROMISES: all kept" in told


def test_a_broken_story_is_told_with_its_seed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(wanted: Wanted) -> press_story.Told:
        return press_story.Told(wanted.seed, 1, 0, 0, 0, "the story", "an honest press raises")

    monkeypatch.setattr(press_story, "tell", lost)
    assert main(["presses", "--stories", "2", "--seed", "41"]) == 1
    told = capsys.readouterr().out
    assert "The same again: outpost-sim presses --stories 1 --seed 41" in told
    assert "lost      2, seeds 41, 42" in told
    assert "BROKEN in 2 stories: an honest press raises 2" in told
