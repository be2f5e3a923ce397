"""The table of rights: all rows × all asks, what is refused and why, and that the remote lease never darkens what is lit."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Output as OutputConfig
from agent.config import Show
from agent.core.events import LightsAsked, LightsShed, OutputFailed, Started
from agent.core.lights import RIGHTS, ROWS, Right, ruling
from agent.core.shows import BUILT_IN, HIDDEN, Shows
from agent.wire.whys import why
from tests.core.builders import Bench
from tests.core.light_states import DARK, OUTPUTS, answered, asked, lights, made, played

SHOWS = Shows((Show(name="flood", group="scene", patterns=("on",)),), OUTPUTS)
"""`flood` lights the work lights alone, so it darkens the bar, as `response` darkens the work lights."""

LIT = {
    "off": set(),
    "cruise": {"bar"},
    "response": {"bar"},
    "scene": {"bar", "scene"},
    "checkpoint": {"bar"},
    "closure": {"bar"},
    "dark_approach": set(),
    "test": {"bar", "scene"},
    "flood": {"scene"},
}
ASKS = (None, "off", "response", "scene", "flood")
"""One show of each kind: dark, either group, both."""


def test_the_order_of_the_rows_and_their_rights() -> None:
    expected = [("hand", True, True), ("panic", True, False), ("task", True, True), ("remote", False, False), ("cruise", True, False)]
    assert list(RIGHTS) == [Right(*right) for right in expected]
    assert ROWS == ("hand", "panic", "task", "remote", "cruise")


def test_the_groups_that_each_show_lights() -> None:
    assert {show: set(SHOWS.lit(show)) for show in SHOWS.names} == LIT


TABLE = [dict(zip(ROWS, asks, strict=True)) for asks in itertools.product(ASKS, repeat=len(ROWS))]


def test_all_rows_times_all_asks() -> None:
    """3,125 cases: the highest row that asks, but for a remote show that is dark where the car itself wants light."""
    for asks in TABLE:
        wins = next((row for row in ROWS if asks[row] is not None), None)
        own = LIT[asks["cruise"] or "off"]
        if wins == "remote" and not own <= LIT[asks["remote"] or "off"]:
            wins = "cruise"
        expected = ("off", None) if wins is None else (asks[wins], wins)
        assert ruling({row: show for row, show in asks.items() if show is not None}, SHOWS) == expected, asks


WISHES = st.lists(st.tuples(st.sampled_from(ROWS), st.sampled_from([None, *(show for show in BUILT_IN if show != HIDDEN)])), max_size=30)


@given(WISHES)
def test_the_highest_row_that_asks_wins_whatever_the_order(wishes: list[tuple[str, str | None]]) -> None:
    bench = made()
    held: dict[str, str] = {}
    for by, show in wishes:
        bench.feed(LightsAsked(1.0, by, show))
        held = {row: other for row, other in held.items() if row != by} | ({by: show} if show else {})
    above = next((row for row in ROWS if row in held and row != "remote"), None)
    if "remote" in held and above in (None, "cruise") and LIT[held.get("cruise", "off")] <= LIT[held["remote"]]:
        above = "remote"
    assert lights(bench).winner() == ((held[above], above) if above else ("off", None))
    assert played(bench.all) == {o: p.name for o, p in lights(bench)._wanted().items()}


@given(WISHES)
def test_a_remote_wish_never_darkens_what_shines_without_it(wishes: list[tuple[str, str | None]]) -> None:
    with_it, without = made(), made()
    for by, show in wishes:
        with_it.feed(LightsAsked(1.0, by, show))
        if by != "remote":
            without.feed(LightsAsked(1.0, by, show))
        assert LIT[lights(without).winner()[0]] <= LIT[lights(with_it).winner()[0]]


def test_the_remote_show_waits_while_it_would_darken_and_is_back_afterwards() -> None:
    bench = answered(asked("remote", "off"))
    assert lights(bench).winner() == ("off", "remote")
    bench.feed(asked("cruise", "cruise", 10.0))
    assert lights(bench).winner() == ("cruise", "cruise")
    bench.feed(asked("cruise", None, 11.0))
    assert lights(bench).winner() == ("off", "remote")


def test_giving_up_a_row_lets_the_next_one_down_win() -> None:
    bench = answered()
    bench.feed(*(asked(by, show, 10.0) for by, show in (("cruise", "cruise"), ("panic", "response"))))
    assert (played(bench.feed(asked("panic", None, 10.2))) or {})["red"] == "on"
    assert played(bench.feed(asked("cruise", None, 10.3))) == DARK
    assert bench.feed(asked("cruise", None, 10.4)) == []


def test_the_officers_hand_may_darken_what_nobody_else_may() -> None:
    bench = answered(asked("panic", "response"))
    assert played(bench.feed(asked("hand", "off", 10.0))) == DARK
    assert lights(bench).winner() == ("off", "hand")


# --- what is refused --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ROWS)
def test_a_show_that_nobody_knows_is_refused_to_everybody_with_those_that_there_are(by: str) -> None:
    known = "off, cruise, response, scene, checkpoint, closure, dark_approach, test"
    assert str(lights(answered()).refuses(by, "disco")) == f"no show 'disco'; there are: {known}"
    assert len(str(lights(answered()).refuses(by, "x" * 900))) < 200


@pytest.mark.parametrize("by", ROWS)
def test_a_dark_approach_is_for_the_hand_and_for_tasks(by: str) -> None:
    said = None if by in ("hand", "task") else why("show_hidden", show="dark_approach", rows="hand, task")
    assert lights(answered()).refuses(by, "dark_approach") == said


@pytest.mark.parametrize(("by", "held"), [(by, held) for by in ROWS for held in ROWS])
def test_a_row_is_refused_while_a_higher_one_has_the_lights(by: str, held: str) -> None:
    said = why("lights_taken", row=held, show="cruise") if ROWS.index(held) < ROWS.index(by) else None
    assert lights(answered(asked(held, "cruise"))).refuses(by, "response") == said


def test_the_highest_row_of_all_that_ask_is_named() -> None:
    part = lights(answered(asked("task", "cruise"), asked("hand", "off")))
    assert str(part.refuses("remote", "response")) == "hand has the lights, with off"


@pytest.mark.parametrize("lit", LIT)
@pytest.mark.parametrize("show", LIT)
def test_only_remote_is_refused_a_show_that_is_dark_where_it_is_lit_now(lit: str, show: str) -> None:
    if "flood" in (lit, show) or HIDDEN in (lit, show):
        return
    darkened = sorted(LIT[lit] - LIT[show])
    part = lights(answered_with(lit))
    assert part.refuses("remote", show) == (why("lights_darkened", show=show, groups=", ".join(darkened)) if darkened else None)
    assert part.refuses("hand", show) is None


def answered_with(show: str) -> Bench:
    """The car itself asks for that."""
    bench = made()
    bench.feed(asked("cruise", show, 1.0))
    return bench


def test_what_the_lease_itself_lights_counts_as_lit_and_so_does_what_is_shed() -> None:
    bench = answered(asked("remote", "scene"))
    assert str(lights(bench).refuses("remote", "response")) == "response would darken what is lit: scene"
    bench.feed(LightsShed(10.0, ("scene",)))
    assert str(lights(bench).refuses("remote", "response")) == "response would darken what is lit: scene"


# --- our own mistakes -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", [LightsAsked(1.0, "stranger", "cruise"), LightsAsked(1.0, "panic", "disco")])
def test_a_wish_outside_the_table_is_our_mistake(wish: LightsAsked) -> None:
    with pytest.raises(AssertionError, match=f"{wish.by} asks for {wish.show}: no such row or show"):
        made().feed(wish)


@pytest.mark.parametrize("by", ["panic", "remote", "cruise"])
def test_a_dark_approach_asked_for_by_who_has_no_right_to_is_our_mistake(by: str) -> None:
    with pytest.raises(AssertionError, match=f"{by} asks for dark_approach: it has no right to"):
        made().feed(LightsAsked(1.0, by, "dark_approach"))


# --- groups -----------------------------------------------------------------------------------------------------------------------------


def test_a_show_of_the_config_is_played_by_its_group_and_the_others_stay_dark() -> None:
    bench = made((Show(name="blink", patterns=("100 900", "off")),))
    assert played(bench.feed(asked("hand", "blink", 1.0))) == DARK | {"red": "100 900"}


def test_more_outputs_than_patterns_take_them_in_turn() -> None:
    bench = made(outputs=tuple(OutputConfig(id=f"l{i}", pin=i + 4) for i in range(3)))
    assert played(bench.feed(asked("panic", "response", 1.0))) == {"l0": "flash_a", "l1": "flash_b", "l2": "flash_a"}


def test_each_group_deals_its_own_patterns() -> None:
    """The first output of each group has the first pattern, wherever it stands in the config."""
    wired = [(i, group) for i in (1, 2) for group in "ab"]
    bench = made(outputs=tuple(OutputConfig(id=f"{group}{i}", group=group, pin=pin) for pin, (i, group) in enumerate(wired, 4)))
    assert played(bench.feed(asked("panic", "response", 1.0))) == {"a1": "flash_a", "b1": "flash_a", "a2": "flash_b", "b2": "flash_b"}


def test_remote_is_not_told_done_for_light_that_nobody_would_see() -> None:
    bench = answered()
    bench.feed(LightsShed(9.0, ("bar",)))
    assert str(lights(bench).refuses("remote", "response")) == "the supply is low; shed: bar"
    assert lights(bench).refuses("hand", "response") is None
    bench.feed(LightsShed(9.5, ()))
    assert lights(bench).refuses("remote", "response") is None


def test_an_output_that_is_none_of_the_lights_is_none_of_their_business() -> None:
    """The mark line of the recorder, on a unit that has no light at all."""
    bench = made(outputs=[OutputConfig(id="mark", use="recorder_mark", pin=5)])
    bench.feed(Started(0.0))
    assert bench.feed(OutputFailed(1.0, "mark", "busy")) == []
    assert bench.part.deadline == math.inf


def test_light_of_which_only_a_part_is_shed_is_seen() -> None:
    wired = [OutputConfig(id=group, group=group, pin=pin) for pin, group in enumerate(("bar", "rear"), 4)]
    bench = made(outputs=tuple(wired))
    bench.feed(LightsShed(9.0, ("rear",)))
    assert lights(bench).refuses("remote", "response") is None
    bench.feed(LightsShed(9.5, ("bar", "rear")))
    assert str(lights(bench).refuses("remote", "response")) == "the supply is low; shed: bar, rear"
