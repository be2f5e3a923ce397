"""Which pins there are: the factory that is asked for, and a message that helps when there is none."""

from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from agent.adapters.pins import NoPins, factory


def test_the_factory_asked_for_is_given_and_is_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """gpiozero's exit hook must not find it: it would turn outputs into floating inputs."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    found = factory()
    assert isinstance(found, MockFactory)
    assert gpiozero.Device.pin_factory is None
    found.close()


def test_an_unknown_factory_is_refused_with_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable, what it says, and what could be said instead."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "abacus")
    with pytest.raises(NoPins, match=r"GPIOZERO_PIN_FACTORY=abacus.*Installed: .*lgpio.*mock"):
        factory()


def test_a_board_without_pins_says_what_was_tried_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """No warning is printed (warnings are errors here); each back-end's reason is in the message."""
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    if Path("/dev/gpiomem").exists() or Path("/dev/gpiochip0").exists():
        pytest.skip("this machine has pins")
    with pytest.raises(NoPins, match=r"is not set.*lgpio.*rpigpio.*native.*Unable to load.*python3-lgpio"):
        factory()
