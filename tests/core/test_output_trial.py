"""Outputs one at a time for whoever installs: the lease, what refuses and ends it; then in a whole unit, with alarms and silent ones."""

import pytest

from agent.config import Output as OutputConfig
from agent.core.effects import Answer, Effect, PulseOutput, ShowLights
from agent.core.events import ActionTaken, AlarmChanged, Asked, Event, Fix, FixMode, LightsAsked, OutputTried, Started
from agent.core.output_trial import ENDS, LEASE_S_MAX, OutputTrial
from agent.core.part import Output
from agent.core.unit import Unit
from tests.core.builders import Bench, assert_covers, config, edge, feed, fix, ignition_input, of, one, panic_input, spool_opened, unit

AT = 20.0
OUTPUTS = (
    OutputConfig(id="red", pin=5),
    OutputConfig(id="blue", pin=6),
    OutputConfig(id="lamp", use="panic_lamp", pin=13),
    OutputConfig(id="mark", use="recorder_mark", pin=20),
)


def asked(at: float = AT, **body: object) -> ActionTaken:
    """Somebody wants to see an output."""
    return ActionTaken(at, "output.test", {"do": "output.test", **body}, 7)


def rest() -> Bench:
    return Bench(OutputTrial(OUTPUTS, ("off", "response")))


def trying() -> Bench:
    bench = rest()
    bench.feed(asked(AT - 1, output="red", s=5))
    return bench


def alarmed() -> Bench:
    bench = rest()
    bench.feed(AlarmChanged(AT - 1, "a", "raised", "discreet"))
    return bench


def moving() -> Bench:
    bench = rest()
    bench.feed(fix(AT - 1, speed_mps=9.0))
    return bench


def wanted() -> Bench:
    """The officer has switched the lights on."""
    bench = rest()
    bench.feed(LightsAsked(AT - 1, "hand", "response"))
    return bench


STATES = {"rest": rest, "trying": trying, "alarmed": alarmed, "moving": moving, "wanted": wanted}
ENDED = ["tried None"]
REFUSED = ["error"]
NOT_NOW = {"alarmed": REFUSED, "moving": REFUSED, "wanted": REFUSED}
RULES: list[tuple[Event, dict[str, list[str]]]] = [
    (asked(output="blue"), {"rest": ["tried blue", "done"], "trying": ["tried blue", "done"], **NOT_NOW}),
    (asked(output=None), {"rest": ["done"], "trying": [*ENDED, "done"], "alarmed": ["done"], "moving": ["done"], "wanted": ["done"]}),
    (
        asked(output="mark", s=0.5),
        {"rest": ["pulse 500", "done"], "trying": [*ENDED, "pulse 500", "done"], **NOT_NOW},
    ),
    *((asked(output="red", s=bad), dict.fromkeys(STATES, REFUSED)) for bad in (0, -1, LEASE_S_MAX + 1, "3", True, None, float("nan"))),
    *((asked(output=bad), dict.fromkeys(STATES, REFUSED)) for bad in ("green", 5, ["red"])),
    (asked(), dict.fromkeys(STATES, REFUSED)),
    (
        asked(show="response"),
        {"rest": ["tried response", "done"], "trying": ["tried response", "done"], **NOT_NOW},
    ),
    (asked(show="dark_approach"), dict.fromkeys(STATES, REFUSED)),
    (asked(show=None), {"rest": ["done"], "trying": [*ENDED, "done"], "alarmed": ["done"], "moving": ["done"], "wanted": ["done"]}),
    (AlarmChanged(AT, "b", "raised", "overt"), {"trying": ENDED}),
    (AlarmChanged(AT, "b", "acknowledged", "discreet"), {"trying": ENDED}),
    (AlarmChanged(AT, "b", "raised", "silent"), {}),
    (AlarmChanged(AT, "b", "raised", "overt", test=True), {}),
    (AlarmChanged(AT, "b", "cleared", "overt"), {}),
    *((LightsAsked(AT, row, "cruise"), {"trying": ENDED}) for row in ("hand", "panic", "task")),
    *((LightsAsked(AT, row, "cruise"), {}) for row in ("remote", "cruise")),
    (LightsAsked(AT, "hand", None), {}),
    (fix(AT, speed_mps=0.4), {}),
    (fix(AT, speed_mps=2.5), {"trying": ENDED}),
    (Fix(AT, FixMode.NONE), {}),
]


def words(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    return [word(out) for out in outs]


def word(out: Output) -> str:
    """One of them; any other type is a mistake."""
    match out:
        case OutputTried(output=output, show=show):
            return f"tried {output or show}"
        case PulseOutput(ms=ms):
            return f"pulse {ms}"
        case Answer(body=body):
            return next(iter(body))
    raise AssertionError(out)


@pytest.mark.parametrize(("state", "event", "then"), [(s, event, outcome.get(s, [])) for event, outcome in RULES for s in STATES])
def test_every_state_answers_every_event(state: str, event: Event, then: list[str]) -> None:
    assert words(STATES[state]().feed(event)) == then


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(OutputTrial, STATES, ((state, type(event)) for event, _ in RULES for state in STATES))


def test_it_goes_back_by_itself_when_the_lease_is_over() -> None:
    bench = trying()
    assert bench.part.status(AT) == {"tried": "red", "left_s": 4.0}
    assert bench.until(AT + 3.9) == []
    assert words(bench.until(AT + 4.0)) == ENDED
    assert bench.part.status(AT + 5) == {"tried": None, "left_s": None}


def test_a_car_that_has_stood_for_a_while_may_be_tried() -> None:
    bench = moving()
    assert words(bench.feed(asked(AT + 8.9, output="red"))) == REFUSED
    assert words(bench.feed(asked(AT + 9.1, output="red"))) == ["tried red", "done"]


@pytest.mark.parametrize("row", ENDS)
def test_a_wish_for_light_stands_until_its_row_gives_it_up(row: str) -> None:
    bench = rest()
    bench.feed(LightsAsked(AT - 9, row, "scene"), LightsAsked(AT - 8, row, "response"), LightsAsked(AT - 7, "remote", None))
    assert words(bench.feed(asked(AT, show="off"))) == REFUSED
    bench.feed(LightsAsked(AT + 1, row, None), LightsAsked(AT + 1, row, None))
    assert words(bench.feed(asked(AT + 2, show="off"))) == ["tried off", "done"]


def test_two_rows_that_want_the_lights_must_both_give_them_up() -> None:
    bench = wanted()
    bench.feed(LightsAsked(AT, "task", "scene"), LightsAsked(AT + 1, "hand", None))
    answer = one(Answer, bench.feed(asked(AT + 2, output="red")))
    assert answer.body["error"] == "task wants the lights, with scene: no output is tried before it gives them up"
    bench.feed(LightsAsked(AT + 3, "task", None))
    assert words(bench.feed(asked(AT + 4, output="red"))) == ["tried red", "done"]


def test_after_the_last_alarm_is_cleared_it_is_possible_again() -> None:
    bench = alarmed()
    bench.feed(AlarmChanged(AT, "b", "raised", "overt"), AlarmChanged(AT + 1, "a", "cleared", "discreet"))
    assert words(bench.feed(asked(AT + 2, output="red"))) == REFUSED
    bench.feed(AlarmChanged(AT + 3, "b", "cleared", "overt"))
    assert words(bench.feed(asked(AT + 4, output="red"))) == ["tried red", "done"]


# --- in a unit ----------------------------------------------------------------------------------------------------------------------


def running(mode: str = "overt") -> Unit:
    """It runs, its ignition is on, so that it cruises."""
    made = unit(config(input=(panic_input(mode=mode), ignition_input())))
    feed(made, Started(0.0), spool_opened(0.1), edge(0.2, False), edge(0.2, True, "ignition"))
    made.advance(2.0)
    return made


def plays(effects: list[Effect]) -> dict[str, str]:
    """What the outputs are asked to play at last."""
    return {name: pattern.name for name, pattern in of(ShowLights, effects)[-1].outputs.items()}


def test_the_one_shines_and_the_others_are_dark_and_afterwards_all_is_as_before() -> None:
    made = running()
    assert plays(feed(made, Asked(3.0, 1, {"do": "output.test", "output": "blue", "s": 2}))) == {"red": "off", "blue": "on", "lamp": "off"}
    assert made.status(3.0)["lights"]["show"] == "cruise"
    assert plays(made.advance(5.1)) == {"red": "on", "blue": "on", "lamp": "off"}


def test_an_alarm_has_the_lights_in_the_turn_in_which_it_is_raised() -> None:
    made = running()
    feed(made, Asked(3.0, 1, {"do": "output.test", "output": "blue", "s": 10}))
    assert plays(feed(made, edge(4.0, True)) + made.advance(4.6)) == {"red": "flash_a", "blue": "flash_b", "lamp": "raised"}


def test_lights_that_the_officer_has_switched_on_are_not_put_out_by_a_trial() -> None:
    made = running()
    shown = plays(feed(made, Asked(3.0, 1, {"do": "lights.hand", "show": "response"})))
    effects = feed(made, Asked(4.0, 2, {"do": "output.test", "show": "off", "s": 10}))
    assert "hand wants the lights" in one(Answer, effects).body["error"]
    assert plays(effects) == shown
    assert shown["red"] != "off"
    feed(made, Asked(5.0, 3, {"do": "lights.hand", "show": None}))
    assert set(plays(feed(made, Asked(6.0, 4, {"do": "output.test", "show": "off", "s": 10}))).values()) == {"off"}


def test_a_silent_alarm_changes_nothing_of_a_trial() -> None:
    seen = []
    for pressed in (False, True):
        made = running("silent")
        effects = feed(made, *([edge(2.5, True)] if pressed else [])) + made.advance(3.0)
        effects += feed(made, Asked(3.0, 1, {"do": "output.test", "output": "blue", "s": 10})) + made.advance(4.0)
        effects += feed(made, *([] if not pressed else [edge(4.0, False)])) + made.advance(20.0)
        seen.append((of(ShowLights, effects), one(Answer, effects).body))
    assert seen[0] == seen[1]
