"""Two installers at once: the second is refused, and told whose turn it is."""

import os

import pytest

from agent.installer.alone import alone
from agent.installer.site import Failed
from tests.installer.machine import Machine


def test_a_second_one_is_refused_and_told_who_is_at_work(machine: Machine) -> None:
    with alone(machine.site), pytest.raises(Failed, match=rf"an installation is under way \(process {os.getpid()}\)"), alone(machine.site):
        pass


def test_after_the_first_one_the_next_may(machine: Machine) -> None:
    for _ in range(2):
        with alone(machine.site):
            pass


def test_one_that_fails_gives_it_back(machine: Machine) -> None:
    with pytest.raises(Failed, match="it was so"), alone(machine.site):
        raise Failed("as_told", text="it was so")
    with alone(machine.site):
        pass


def test_a_dry_run_takes_none(machine: Machine) -> None:
    machine.dry = True
    with alone(machine.site):
        assert not (machine.root / "run/outpost-install.lock").exists()
