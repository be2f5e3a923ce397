"""The way to a broker, step by step: to listeners of this machine that answer, refuse, are silent, or speak no TLS."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.link_look import look
from agent.config import Mqtt
from simulator.bench.brokers import free_port
from tests.adapters.conftest import thread_left


def mqtt(url: str) -> Mqtt:
    return Mqtt(endpoints=(url,))


def steps(url: str, within_s: float = 5.0) -> list[tuple[str, bool]]:
    """Each step, and whether it was taken."""
    return [(stage.name, not stage.reason) for stage in look(url, mqtt(url), time.monotonic, within_s)]


@pytest.fixture
def door() -> Iterator[int]:
    """Somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_plain_broker_is_reached_in_two_steps(door: int) -> None:
    assert steps(f"mqtt://127.0.0.1:{door}") == [("dns", True), ("tcp", True)]


def test_nobody_there_is_told_at_that_step() -> None:
    port = free_port()
    (*_, last) = look(f"mqtt://127.0.0.1:{port}", mqtt("mqtt://a"), time.monotonic)
    assert (last.name, last.reason) == ("tcp", f"nobody listens at 127.0.0.1:{port}")


def test_a_name_that_is_none_is_told_at_the_first_step() -> None:
    (only,) = look("mqtt://no-such-host.invalid", mqtt("mqtt://a"), time.monotonic)
    assert only.name == "dns"
    assert "no-such-host.invalid" in only.reason


def test_one_who_says_nothing_to_tls_is_given_up_in_time(door: int) -> None:
    before = time.monotonic()
    assert steps(f"mqtts://127.0.0.1:{door}", 0.5) == [("dns", True), ("tcp", True), ("tls", False)]
    assert time.monotonic() - before < 3.0
    assert not thread_left("link-look")


def test_an_authority_that_cannot_be_read_is_told(door: int, tmp_path: Path) -> None:
    (*_, last) = look(f"mqtts://127.0.0.1:{door}", Mqtt(endpoints=("mqtts://a",), ca=str(tmp_path / "none.crt")), time.monotonic)
    assert last.name == "tls"
    assert "none.crt" in last.reason
