"""Shows: the built-in ones, words into patterns, patterns dealt to outputs, and what is wrong with those of a config."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Output as OutputConfig
from agent.config import Show
from agent.core.effects import Pattern
from agent.core.shows import BUILT_IN, DARK_SHOWS, OFF, ON, PATTERNS, Shows, built_in, dark_ms, known, mistakes, pattern, period_ms, shines
from tests.core.light_states import OUTPUTS

GROUPS = Shows((), OUTPUTS)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("on", Pattern("on", ((True, 0),))),
        ("off", Pattern("off", ((False, 0),))),
        ("120 80 120 480", Pattern("flash_a", ((True, 120), (False, 80), (True, 120), (False, 480)))),
        ("0 400 120 80 120 80", Pattern("flash_b", ((False, 400), (True, 120), (False, 80), (True, 120), (False, 80)))),
        ("100 900", Pattern("100 900", ((True, 100), (False, 900)))),
        ("0 500 500 0", Pattern("slow_b", ((False, 500), (True, 500)))),
        ("0 500 250", Pattern("0 500 250", ((False, 500), (True, 250)))),
        ("500 0", Pattern("500 0", ((True, 0),))),
        ("0 500", Pattern("0 500", ((False, 0),))),
        ("0 0", Pattern("0 0", ((False, 0),))),
    ],
)
def test_words_become_a_pattern_named_as_known_or_by_the_words(steps: str, expected: Pattern) -> None:
    assert pattern(steps) == expected


@given(st.lists(st.integers(0, 99_999), min_size=2, max_size=8))
def test_any_words_are_played_for_as_long_as_they_say(ms: list[int]) -> None:
    made = pattern(" ".join(map(str, ms)))
    lit = any(ms[::2])
    assert shines(made) is lit
    if lit and any(ms[1::2]):
        assert sum(n for level, n in made.steps if level) == sum(ms[::2])
        assert period_ms(made) == sum(ms)
        assert all(n > 0 for _, n in made.steps)
    else:
        assert made.steps == ((lit, 0),)


@pytest.mark.parametrize(
    ("steps", "longest"),
    [("on", 0), ("off", 0), ("120 80 120 480", 480), ("0 400 120 80 120 80", 480), ("0 300 900 300", 600), ("100 900", 900), ("0 500", 0)],
)
def test_the_longest_darkness_between_two_lights_goes_round(steps: str, longest: int) -> None:
    assert dark_ms(pattern(steps)) == longest


def test_off_and_on_are_steady() -> None:
    assert (OFF.steps, ON.steps) == (((False, 0),), ((True, 0),))
    assert (period_ms(OFF), period_ms(ON), shines(OFF), shines(ON)) == (0, 0, False, True)


# --- the built-in shows -----------------------------------------------------------------------------------------------------------------


def test_the_built_in_shows_as_the_bar_and_the_work_lights_play_them() -> None:
    bar = {show: [p.name for p in built_in(show, "bar")] for show in BUILT_IN}
    work = {show: [p.name for p in built_in(show, "scene")] for show in BUILT_IN}
    assert bar == {
        "off": ["off"],
        "cruise": ["on"],
        "response": ["flash_a", "flash_b"],
        "scene": ["slow_a", "slow_b"],
        "checkpoint": ["wide_a", "wide_b"],
        "closure": ["arrow_1", "arrow_2", "arrow_3", "arrow_4"],
        "dark_approach": ["off"],
        "test": ["turn_1", "turn_2", "turn_3", "turn_4"],
    }
    assert work == {show: ["off"] for show in BUILT_IN} | {"scene": ["on"], "test": bar["test"]}


def test_the_named_patterns_are_what_integrators_know_them_as() -> None:
    assert PATTERNS == {
        "off": "off",
        "on": "on",
        "flash_a": "120 80 120 480",
        "flash_b": "0 400 120 80 120 80",
        "slow_a": "500 500",
        "slow_b": "0 500 500 0",
        "wide_a": "1000 1000",
        "wide_b": "0 1000 1000 0",
        "arrow_1": "1200 300",
        "arrow_2": "0 300 900 300",
        "arrow_3": "0 600 600 300",
        "arrow_4": "0 900 300 300",
        "turn_1": "500 1500",
        "turn_2": "0 500 500 1000",
        "turn_3": "0 1000 500 500",
        "turn_4": "0 1500 500 0",
    }


@pytest.mark.parametrize("show", BUILT_IN)
@pytest.mark.parametrize("group", ["bar", "scene", "left"])
def test_the_patterns_of_a_group_keep_step(show: str, group: str) -> None:
    assert len({period_ms(p) for p in built_in(show, group)}) == 1


@pytest.mark.parametrize("show", set(BUILT_IN) - set(DARK_SHOWS))
@pytest.mark.parametrize("group", ["bar", "left", "anything"])
def test_a_group_by_any_name_shines_in_every_show_but_the_dark_ones(show: str, group: str) -> None:
    assert all(shines(p) for p in built_in(show, group))


def test_no_built_in_show_leaves_the_bar_of_four_dark_for_longer_than_a_blink() -> None:
    """Whoever looks at a bar of four must not think that it is out."""
    for show in set(BUILT_IN) - set(DARK_SHOWS):
        dealt = built_in(show, "bar")
        rounds = max(period_ms(p) for p in dealt)
        lit = {n for p in dealt for n in range(rounds) if at(p, n)}
        gaps = longest_gap([n in lit for n in range(rounds)] * 2) if rounds else 0
        assert gaps <= 300, show


def at(played: Pattern, ms: int) -> bool:
    """The level so long after the begin."""
    for level, length in played.steps:
        if ms < length or not length:
            return level
        ms -= length
    raise AssertionError(played)


def longest_gap(levels: list[bool]) -> int:
    """Of darkness."""
    return max(len(run) for run in "".join("1" if level else "0" for level in levels).split("1"))


def test_the_two_flashes_are_never_lit_together() -> None:
    a, b = built_in("response", "bar")
    assert not any(at(a, n) and at(b, n) for n in range(800))


# --- dealt to outputs -------------------------------------------------------------------------------------------------------------------


def test_the_groups_are_those_of_the_lights_in_their_order() -> None:
    assert GROUPS.groups == {"bar": ("red", "blue"), "scene": ("work",)}


def test_every_light_plays_something_in_every_show_and_nothing_else_does() -> None:
    for show in GROUPS.names:
        assert list(GROUPS.play(show)) == ["red", "blue", "work"]


def test_a_group_that_is_to_stay_dark_does() -> None:
    assert GROUPS.play("scene", ("bar",)) == {"red": OFF, "blue": OFF, "work": ON}
    assert GROUPS.play("scene", ("bar", "scene", "nothing")) == {"red": OFF, "blue": OFF, "work": OFF}


def test_a_show_of_the_config_replaces_one_group_of_a_built_in_one() -> None:
    shows = Shows((Show(name="cruise", group="scene", patterns=("100 900",)),), OUTPUTS)
    assert [p.name for p in shows.play("cruise").values()] == ["on", "on", "100 900"]
    assert shows.lit("cruise") == {"bar", "scene"}
    assert shows.names == tuple(BUILT_IN)


def test_a_new_show_speaks_only_for_the_groups_that_it_names() -> None:
    shows = Shows((Show(name="flood", group="scene", patterns=("on",)), Show(name="flood", group="left", patterns=("on",))), OUTPUTS)
    assert [p.name for p in shows.play("flood").values()] == ["off", "off", "on"]
    assert shows.names == (*BUILT_IN, "flood")
    assert known((Show(name="flood", patterns=("on",)), Show(name="off", patterns=("off",)))) == (*BUILT_IN, "flood")


def test_a_group_shines_when_one_of_its_lamps_does() -> None:
    one = Show(name="one", patterns=("off", "on", "100 900"))
    assert Shows((one,), OUTPUTS).lit("one") == {"bar"}
    assert Shows((one,), OUTPUTS[1:]).lit("one") == set()  # a pattern that no output plays lights nothing


def test_the_longest_darkness_of_a_group_is_that_of_any_lamp_in_any_show() -> None:
    assert GROUPS.dark_s("bar") == 1.5  # of each lamp in `test`
    assert Shows((Show(name="slow", patterns=("500 4000", "off")),), OUTPUTS).dark_s("bar") == 4.0
    assert Shows((Show(name="slow", patterns=("0 9000", "on")),), OUTPUTS).dark_s("bar") == 1.5


@pytest.mark.parametrize(
    ("shown", "playing"),
    [
        ({}, {"bar": None, "scene": None}),
        ({"red": "on"}, {"bar": True, "scene": None}),
        ({"red": "off"}, {"bar": None, "scene": None}),
        ({"red": "off", "blue": "flash_b", "work": "off"}, {"bar": True, "scene": False}),
        ({"red": "off", "blue": "off", "work": "on"}, {"bar": False, "scene": True}),
        ({"red": "off", "blue": "who knows", "work": "who knows"}, {"bar": None, "scene": None}),
    ],
)
def test_what_a_group_plays_is_known_by_the_names_that_its_outputs_say(shown: dict[str, str], playing: dict[str, bool | None]) -> None:
    assert GROUPS.playing(shown) == playing


def test_the_patterns_of_the_config_are_known_by_their_names() -> None:
    shows = Shows((Show(name="blink", patterns=("100 900", "0 500")),), OUTPUTS)
    assert shows.playing({"red": "100 900", "blue": "0 500"})["bar"] is True
    assert shows.playing({"red": "0 500", "blue": "0 500"})["bar"] is False


def test_a_unit_without_lights_knows_the_shows_and_plays_nothing() -> None:
    shows = Shows()
    assert (shows.groups, shows.play("response"), shows.lit("response"), shows.playing({})) == ({}, {}, frozenset(), {})


# --- mistakes ---------------------------------------------------------------------------------------------------------------------------


def show(name: str = "mine", group: str = "bar", *patterns: str) -> Show:
    """One of the config."""
    return Show(name=name, group=group, patterns=patterns or ("on",))


LEAST = "expected at least 20 (0 only first or last)"
STEP = "patterns of one group keep step only with one period"


@pytest.mark.parametrize(
    ("shows", "found"),
    [
        ([show()], []),
        ([show("mine", "bar", "120 80", "0 100 100 0", "on", "off", "100 100")], []),
        ([show("mine", "bar", "500 0")], []),
        ([show("response"), show("response", "scene")], []),
        ([show("off")], [(0, "name", '"off" is dark by its name; give the show another')]),
        ([show("dark_approach")], [(0, "name", '"dark_approach" is dark by its name; give the show another')]),
        ([show(), show("other"), show()], [(2, "group", 'show "mine" has patterns for group "bar" already; put them into one [[show]]')]),
        ([show(group="left")], [(0, "group", 'no output of use "light" is of group "left"; groups: bar, scene')]),
        ([show("mine", "bar", "100 19")], [(0, "patterns", f'found a step of 19 ms in "100 19"; {LEAST}')]),
        ([show("mine", "bar", "100 0 100 100")], [(0, "patterns", f'found a step of 0 ms in "100 0 100 100"; {LEAST}')]),
        ([show("mine", "bar", "5 20")], [(0, "patterns", f'found a step of 5 ms in "5 20"; {LEAST}')]),
        ([show("mine", "bar", "20 20")], []),
        ([show("mine", "bar", "0 500")], [(0, "patterns", '"0 500" is never lit; write "off"')]),
        ([show("mine", "bar", "0 0")], [(0, "patterns", '"0 0" is never lit; write "off"')]),
        (
            [show(), show("mine", "scene", "100 100", "on", "100 200")],
            [(1, "patterns", f'{STEP}, found "100 100" 200 ms, "100 200" 300 ms; make the sums equal')],
        ),
    ],
)
def test_mistakes_are_found_where_they_are(shows: list[Show], found: list[tuple[int, str, str]]) -> None:
    assert list(mistakes(shows, OUTPUTS)) == found


def test_every_mistake_is_told_at_once() -> None:
    wrong = [show("off", "left", "5 5", "100 100"), show("off", "left", "100 100", "100 101")]
    assert [(i, key) for i, key, _ in mistakes(wrong, OUTPUTS)] == [
        *((0, "name"), (0, "group"), (0, "patterns")),
        *((1, "name"), (1, "group"), (1, "group"), (1, "patterns")),
    ]


def test_without_lights_no_group_is_right() -> None:
    assert next(mistakes([show()], (OutputConfig(id="lamp", use="panic_lamp", pin=13),)))[2].endswith("groups: none")


def test_the_built_in_shows_would_pass_as_shows_of_a_config() -> None:
    for group in ("bar", "scene"):
        shows = [Show(name=f"my_{name}", group=group, patterns=tuple(PATTERNS[p.name] for p in built_in(name, group))) for name in BUILT_IN]
        assert list(mistakes(shows, OUTPUTS)) == []
