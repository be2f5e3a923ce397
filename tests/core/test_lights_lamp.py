"""The officer's lamp and his buzzer: what they say, in which rhythm, and for how long."""

import pytest

from agent.config import Output as OutputConfig
from agent.core.effects import ShowLights
from agent.core.events import LampAsked, LightsShown, ReminderAsked
from agent.core.lights import LAMPS
from tests.core.builders import of, one
from tests.core.light_states import DARK, answered, made, played


@pytest.mark.parametrize("lamp", LAMPS)
def test_the_lamp_says_what_is_asked_and_is_dark_otherwise(lamp: str) -> None:
    bench = answered()
    assert played(bench.feed(LampAsked(10.0, lamp))) == DARK | {"lamp": LAMPS[lamp].name}
    assert bench.part.status(10.0)["lamp"] == lamp
    assert bench.feed(LampAsked(10.1, lamp)) == []
    assert played(bench.feed(LampAsked(10.2, None))) == DARK


def test_the_words_of_the_lamp_are_told_apart_by_their_rhythm() -> None:
    assert {name: pattern.steps for name, pattern in LAMPS.items()} == {
        "raised": ((True, 100), (False, 100)),
        "sent": ((True, 500), (False, 500)),
        "received": ((True, 1800), (False, 200)),
        "acknowledged": ((True, 0),),
        "passed": ((True, 0),),
        "test": ((True, 100), (False, 1900)),
    }
    assert {name: pattern.name for name, pattern in LAMPS.items() if pattern.name != name} == {"acknowledged": "on", "passed": "on"}


def test_a_lamp_cannot_say_what_has_no_rhythm() -> None:
    with pytest.raises(AssertionError, match="the lamp cannot say hello"):
        made().feed(LampAsked(1.0, "hello"))


def test_a_reminder_sounds_for_two_seconds() -> None:
    bench = answered()
    sounded = bench.feed(ReminderAsked(10.0, "dark_approach"))
    assert played(sounded) == DARK | {"buzzer": "reminder"}
    assert one(ShowLights, sounded).outputs["buzzer"].steps == ((True, 150), (False, 150), (True, 150), (False, 550))
    bench.feed(LightsShown(10.1, DARK | {"buzzer": "reminder"}))
    assert of(ShowLights, bench.until(11.999)) == []
    assert played(bench.until(12.0)) == DARK


def test_a_second_reminder_sounds_on_and_none_ends_it() -> None:
    bench = answered()
    bench.feed(ReminderAsked(10.0, "dark_approach"), ReminderAsked(11.5, "other"))
    assert played(bench.until(13.49)) == DARK | {"buzzer": "reminder"}
    assert played(bench.feed(ReminderAsked(13.495, None))) == DARK
    assert bench.part.deadline < 15.0


def test_a_reminder_that_is_not_answered_is_asked_again_and_then_its_end_is() -> None:
    bench = answered()
    bench.feed(ReminderAsked(10.0, "dark_approach"))
    assert played(bench.until(11.0)) == DARK | {"buzzer": "reminder"}
    assert played(bench.until(12.0)) == DARK
    assert played(bench.until(13.0)) == DARK


def test_a_car_without_a_buzzer_does_not_hear_of_reminders() -> None:
    bench = made(outputs=(OutputConfig(id="red", pin=5),))
    bench.feed(LightsShown(0.1, {"red": "off"}))
    assert bench.feed(ReminderAsked(1.0, "dark_approach")) == []
