"""A simulated board: buttons here, gpiozero there, in this process and in another one that gets killed."""

import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gpiozero
import pytest

from agent.adapters.inputs import Inputs
from agent.adapters.outputs import Outputs
from agent.config import Input, Output
from agent.core.effects import Pattern, ShowLights
from agent.core.events import Edge, InputsFailed, Levels, LightsShown, OutputFailed
from simulator.bench.pins import VARIABLE, NoWiring, SimulatedFactory, WiringGone
from simulator.bench.wiring import Setup, Wiring
from tests.adapters.conftest import Posted
from tests.timing import PATIENCE_S, best_of

STEADY = Pattern("steady", ((True, 0),))

STAMP_S = 0.001
"""How far a stamp may be off. A machine that takes the processor away just while one is made, makes it later: then the next ones tell."""

AGENT = """
import gpiozero, signal
button = gpiozero.Button(17)
lamp = gpiozero.LED(5, initial_value=button.is_pressed)
button.when_pressed = lamp.on
button.when_released = lamp.off
print("up", int(button.is_pressed), flush=True)
signal.pause()
"""


@pytest.fixture
def wiring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wiring]:
    """A bench, and the variable that leads to it."""
    with Wiring(tmp_path / "pins.sock") as bench:
        monkeypatch.setenv(VARIABLE, str(bench.path))
        yield bench


@pytest.fixture
def pins(wiring: Wiring) -> Iterator[Any]:
    """A board on that bench."""
    factory = SimulatedFactory()
    yield factory
    factory.close()


@pytest.fixture
def agent(wiring: Wiring) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts another process that lights a lamp on GPIO5 while a button on GPIO17 is pressed."""
    started: list[subprocess.Popen[str]] = []

    def _start() -> "subprocess.Popen[str]":
        environment = {**os.environ, "GPIOZERO_PIN_FACTORY": "simulated", VARIABLE: str(wiring.path)}
        process = subprocess.Popen([sys.executable, "-c", AGENT], env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def _first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_an_input_that_nobody_drives_floats_to_its_pull(wiring: Wiring, pins: Any) -> None:
    """Up, down, and without a pull low."""
    states = []
    for pull_up, active_state in ((True, None), (False, None), (None, True)):
        with gpiozero.InputDevice(17, pull_up=pull_up, active_state=active_state, pin_factory=pins) as device:
            states.append(device.pin.state)
    assert states == [1, 0, 0]
    assert wiring.wait_for(lambda: wiring.setup(17) == Setup("input", "floating"), PATIENCE_S)


def test_a_press_before_the_agent_starts_is_read_at_once(wiring: Wiring) -> None:
    """The bench tells how the inputs lie before the first read."""
    wiring.press(17)
    factory = SimulatedFactory()
    with gpiozero.Button(17, pin_factory=factory) as button:
        assert button.is_pressed
        wiring.release(17)
        assert button.wait_for_release(PATIENCE_S)
    factory.close()


def test_edges_carry_the_moment_of_the_press(wiring: Wiring, pins: Any, posted: Posted) -> None:
    """The bench's stamp is what the agent's adapter posts: the same clock in both processes."""
    inputs = Inputs((Input(id="panic", pin=17), Input(id="ignition", pin=27, active="high", pull="down")), pins, posted, time.monotonic)
    inputs.start()
    assert posted.expect(Levels).active == {"panic": False, "ignition": False}

    def pressed_off_s() -> float:
        pressed = wiring.press(17)
        edge = posted.expect(Edge, where=lambda e: e.active)
        assert edge.input == "panic"
        wiring.release(17)
        return abs(edge.at - pressed)

    def turned_off_s() -> float:
        turned = wiring.press(27, active_low=False)
        edge = posted.expect(Edge, where=lambda e: e.input == "ignition" and e.active)
        wiring.release(27)
        return abs(edge.at - turned)

    assert best_of(pressed_off_s, STAMP_S, tries=20) <= STAMP_S
    assert best_of(turned_off_s, STAMP_S, tries=20) <= STAMP_S
    inputs.close()


def test_every_contact_of_a_bounce_arrives(wiring: Wiring, pins: Any, posted: Posted) -> None:
    """Closed, and five times open and closed again, each at its own moment."""
    inputs = Inputs((Input(id="panic", pin=17),), pins, posted, time.monotonic)
    inputs.start()
    posted.expect(Levels)

    def off_s() -> float:
        first = wiring.bounce(17, times=5)
        edges = [posted.expect(Edge) for _ in range(11)]
        assert [e.active for e in edges] == [True, False] * 5 + [True]
        assert edges[0].at >= first - STAMP_S
        pressed, released = wiring.hold(17, 0.05)
        edge = posted.expect(Edge)
        assert edge.active is False
        assert released - pressed >= 0.05
        return max(abs(edges[0].at - first), abs(edge.at - released))

    assert best_of(off_s, STAMP_S, tries=20) <= STAMP_S
    inputs.close()


def test_outputs_are_seen_with_their_moments_and_go_dark_with_the_agent(wiring: Wiring, pins: Any, posted: Posted) -> None:
    """Safe, on, off …, and None when the agent's connection ends."""
    outputs = Outputs((Output(id="red", pin=5), Output(id="blue", pin=6, active="low")), pins, posted, time.monotonic)
    outputs.start()
    assert wiring.wait_for(lambda: (wiring.level(5), wiring.level(6)) == (0, 1), PATIENCE_S)
    asked = time.monotonic()
    outputs.perform(ShowLights({"red": Pattern("flash", ((True, 20), (False, 20))), "blue": STEADY}))
    assert wiring.wait_for(lambda: len(wiring.history(5)) >= 5 and wiring.level(6) == 0, PATIENCE_S)
    outputs.close()
    assert wiring.wait_for(lambda: (wiring.level(5), wiring.level(6)) == (0, 1), PATIENCE_S)
    pins.close()
    assert wiring.wait_for(lambda: wiring.level(5) is None and wiring.level(6) is None, PATIENCE_S)
    assert [d.level for d in wiring.history(6)] == [1, 0, 1, None]
    assert wiring.history(6)[0].at <= asked <= wiring.history(6, since=asked)[0].at
    assert [d.level for d in wiring.history(5)][:3] == [0, 1, 0]


def test_the_wires_stay_when_an_agent_is_killed_and_started_again(wiring: Wiring, agent: Callable[[], "subprocess.Popen[str]"]) -> None:
    """Another process: gpiozero finds the pins by their name, is killed with the button down, and finds it down when it is back."""
    first = agent()
    assert _first_line(first) == "up 0"
    wiring.press(17)
    assert wiring.wait_for(lambda: wiring.level(5) == 1, PATIENCE_S)
    first.send_signal(signal.SIGKILL)
    assert wiring.wait_for(lambda: wiring.level(5) is None and wiring.agents == 0, PATIENCE_S)
    second = agent()
    assert _first_line(second) == "up 1"
    assert wiring.wait_for(lambda: wiring.level(5) == 1, PATIENCE_S)
    wiring.release(17)
    assert wiring.wait_for(lambda: wiring.level(5) == 0, PATIENCE_S)
    assert [d.level for d in wiring.history(5)] == [0, 1, None, 1, 0]


def test_a_board_that_keeps_its_outputs_leaves_them_as_a_killed_agent_drove_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until another drives them; only an agent that makes an input of one lets it go."""
    with Wiring(tmp_path / "pins.sock", keeps=True) as bench:
        monkeypatch.setenv(VARIABLE, str(bench.path))
        factory: Any = SimulatedFactory()
        factory.pin(5).output_with_state(True)
        factory.pin(6).output_with_state(True)
        assert bench.wait_for(lambda: (bench.level(5), bench.level(6)) == (1, 1), PATIENCE_S)
        factory.pin(6).close()
        assert bench.wait_for(lambda: bench.level(6) is None, PATIENCE_S)
        factory._socket.shutdown(socket.SHUT_RDWR)
        assert bench.wait_for(lambda: bench.agents == 0, PATIENCE_S)
        assert (bench.level(5), bench.level(6)) == (1, None)
        assert [driven.level for driven in bench.history(5)] == [1]
        other = SimulatedFactory()
        other.pin(5).output_with_state(False)
        assert bench.wait_for(lambda: bench.level(5) == 0, PATIENCE_S)
        other.close()
        factory.close()


def test_a_board_whose_bench_goes_and_comes_back_works_again(wiring: Wiring, pins: Any, posted: Posted) -> None:
    """In between the inputs and a lamp that changes say so; afterwards both are as if nothing had been."""
    inputs = Inputs((Input(id="panic", pin=17),), pins, posted, time.monotonic)
    outputs = Outputs((Output(id="red", pin=5),), pins, posted, time.monotonic)
    inputs.start()
    outputs.start()
    posted.expect(Levels)
    assert wiring.wait_for(lambda: wiring.level(5) == 0, PATIENCE_S)
    wiring.close()
    assert "is gone" in posted.expect(InputsFailed).reason
    outputs.perform(ShowLights({"red": STEADY}))
    assert re.search("WiringGone|NoWiring", posted.expect(OutputFailed).reason), "gone, or, as the inputs found already, not to be had"
    with Wiring(wiring.path) as again:
        again.press(17)
        posted.expect(Levels, where=lambda e: e.active == {"panic": True})
        outputs.perform(ShowLights({"red": STEADY}))
        assert posted.expect(LightsShown, where=lambda e: bool(e.shown)).shown == {"red": "steady"}
        assert again.wait_for(lambda: again.level(5) == 1, PATIENCE_S)
        inputs.close()
        outputs.close()
        pins.close()


def test_a_lamp_of_a_new_agent_outlives_the_old_agents_connection(wiring: Wiring, pins: Any) -> None:
    """Only what the old one drove goes dark."""
    other = SimulatedFactory()
    pins.pin(5).output_with_state(True)
    assert wiring.wait_for(lambda: wiring.level(5) == 1, PATIENCE_S)
    other.pin(5).output_with_state(True)
    other.pin(6).output_with_state(True)
    assert wiring.wait_for(lambda: wiring.level(6) == 1 and wiring.agents == 2, PATIENCE_S)
    pins._socket.shutdown(socket.SHUT_RDWR)
    assert wiring.wait_for(lambda: wiring.agents == 1, PATIENCE_S)
    assert (wiring.level(5), wiring.level(6)) == (1, 1)
    other.close()


def test_a_board_without_a_bench_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the variable nor the socket need be there."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(NoWiring, match=f"{VARIABLE} is not set"):
        SimulatedFactory()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(NoWiring, match=r"no bench answers at .*nowhere.*No such file"):
        SimulatedFactory()


def test_a_stranger_on_the_socket_is_hung_up_on(wiring: Wiring, pins: Any) -> None:
    """And the agent beside it is not disturbed."""
    for said in (b"hello\n", b"[1]\n", b"x" * 5000):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
            stranger.connect(str(wiring.path))
            stranger.sendall(said)
            stranger.settimeout(PATIENCE_S)
            while stranger.recv(4096):
                pass
    pins.pin(5).output_with_state(True)
    assert wiring.wait_for(lambda: wiring.level(5) == 1, PATIENCE_S)


def test_pins_of_a_lost_bench_can_neither_be_read_nor_driven(wiring: Wiring, pins: Any) -> None:
    """The error says that the bench is gone."""
    lamp = pins.pin(5)
    lamp.output_with_state(False)
    wiring.close()
    deadline = time.monotonic() + PATIENCE_S
    while pins._lost is None and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    with pytest.raises(WiringGone, match="is gone"):
        lamp.state = True
    with pytest.raises(WiringGone, match="is gone"):
        assert lamp.state is None


def test_many_edges_in_a_row_arrive_in_order_and_soon(wiring: Wiring, pins: Any, posted: Posted) -> None:
    """A thousand contacts, each told once."""
    inputs = Inputs((Input(id="panic", pin=17),), pins, posted, time.monotonic)
    inputs.start()
    posted.expect(Levels)
    off_s = []
    for n in range(1000):
        at = wiring.press(17) if n % 2 == 0 else wiring.release(17)
        edge = posted.expect(Edge)
        assert edge.active is (n % 2 == 0)
        off_s.append(abs(edge.at - at))
    assert statistics.median(off_s) <= STAMP_S
    inputs.close()
