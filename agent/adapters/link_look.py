"""The way to a broker, step by step, for whoever looks at the unit: an endpoint goes in; how far one comes (name, TCP, TLS) comes out.

No MQTT: with our client id it would throw the agent's own connection out.
"""

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from agent.adapters import broker_client, broker_files
from agent.config import Mqtt

LOOK_S_MAX = 10.0
"""A name server that does not answer holds getaddrinfo for longer; then this is said of it."""


class Stage(NamedTuple):
    """One step: `dns`, `tcp` or `tls`; how long it took, or why it failed; the last one of a look is the one that failed, if any did."""

    name: str
    ms: float
    reason: str = ""


def look(url: str, config: Mqtt, now: Callable[[], float], within_s: float = LOOK_S_MAX) -> list[Stage]:
    """The steps that were taken within `within_s`, in order. `now` gives monotonic seconds."""
    stages: queue.SimpleQueue[Stage | None] = queue.SimpleQueue()
    begun, deadline = now(), now() + within_s
    names = ["dns", "tcp", "tls"]
    threading.Thread(target=_walk, args=(url, config, now, within_s, stages), name="link-look", daemon=True).start()
    found: list[Stage] = []
    while True:
        try:
            stage = stages.get(timeout=max(0.0, deadline - now()))
        except queue.Empty:
            return [*found, Stage(names[len(found)], (now() - begun) * 1000, f"no answer within {within_s:g} s")]
        if stage is None:
            return found
        found.append(stage)
        if stage.reason:
            return found


def _walk(url: str, config: Mqtt, now: Callable[[], float], within_s: float, stages: "queue.SimpleQueue[Stage | None]") -> None:
    """Each step as it is taken, then None."""
    where, name, begun = broker_client.Endpoint(url, 0, False), "dns", now()

    def passed() -> None:
        nonlocal begun
        stages.put(Stage(name, round((now() - begun) * 1000, 1)))
        begun = now()

    try:
        where = broker_client.endpoint(url)
        addresses = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
        passed()
        name = "tcp"
        sock = _connected(addresses, within_s)
        with sock:
            passed()
            if where.tls:
                name = "tls"
                broker_files.tls_context(config).wrap_socket(sock, server_hostname=where.host).close()
                passed()
        stages.put(None)
    except (OSError, ValueError) as e:
        stages.put(Stage(name, round((now() - begun) * 1000, 1), broker_client.in_plain_words(e, where, within_s)))


def _connected(addresses: Sequence[Any], within_s: float) -> socket.socket:
    """To the first address that takes us, of those that getaddrinfo gave.

    Raises:
        OSError: of the last one.
    """
    error = OSError("the name has no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(within_s / len(addresses))
        try:
            sock.connect(address)
        except OSError as e:
            sock.close()
            error = e
        else:
            sock.settimeout(within_s)
            return sock
    raise error
