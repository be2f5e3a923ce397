"""MQTT over paho: Connect, Disconnect, Subscribe, Publish in; LinkUp, LinkDown, Subscribed, Acked, Refused and Received out.

Beside it: WatchLink (a link looked at closely), Probe and Probed (another endpoint), CertificateSeen (the files of the TLS identity),
Traffic (the bytes that all of it costs).

Each Connect makes a new client (`broker_attempt`): paho's own queue and its resending never carry over, the outbox asks again. After a
newer Connect, a Disconnect or a LinkDown nothing of that client is posted any more.
"""

from collections.abc import Callable

from agent.adapters import broker_socket
from agent.adapters.broker_attempt import LINGER_S, Attempt, Means
from agent.adapters.broker_files import LOOK_S, Files
from agent.adapters.broker_probe import Prober
from agent.adapters.traffic import Meter
from agent.config import Mqtt
from agent.core.effects import Connect, Disconnect, Effect, Probe, Publish, Subscribe, WatchLink
from agent.core.events import Event, Refused

CONNECT_WITHIN_S = 10.0
"""Bound for name, TCP, TLS and CONNACK together. A mobile network needs 1-3 s; a broker that needs ten is as good as gone."""


class Broker:
    """The adapter. `perform` is for one thread (the deciding one) and never blocks; `post` must not block either.

    `now` is seconds of the monotonic clock.
    """

    def __init__(
        self,
        config: Mqtt,
        client_id: str,
        post: Callable[[Event], None],
        now: Callable[[], float],
        connect_within_s: float = CONNECT_WITHIN_S,
        look_s: float = LOOK_S,
    ) -> None:
        """`look_s`: how often the files of the TLS identity are looked at."""
        known: broker_socket.Known = {}
        meter = Meter(post, now)
        self._files = Files(config, post, now, look_s)
        self._means = Means(config, client_id, self._files, post, now, connect_within_s, known, meter)
        self._prober = Prober(self._files, post, now, connect_within_s, known, meter)
        self._post = post
        self._now = now
        self._attempt: Attempt | None = None
        self._leaving: Attempt | None = None

    def start(self) -> None:
        """Watch the files of the TLS identity; no connection before the first Connect."""
        self._files.start()

    def perform(self, effect: Effect) -> None:
        """Carry out one effect of the link; what names another attempt than the current one is passed over."""
        attempt = self._attempt
        match effect:
            case Connect():
                if attempt is not None:
                    attempt.drop()
                before = attempt or self._leaving
                self._attempt = Attempt(effect, self._means, before)
                self._attempt.start()
            case Disconnect():
                if attempt is not None and attempt.connect.attempt == effect.attempt:
                    attempt.leave(effect.will)
                    self._attempt, self._leaving = None, attempt
            case Subscribe() | WatchLink():
                if attempt is not None and attempt.connect.attempt == effect.attempt:
                    attempt.ask(effect)
            case Publish():
                if attempt is not None and attempt.connected:
                    attempt.ask(effect)
                else:
                    self._post(Refused(self._now(), effect.token, "not connected", by_broker=False))
            case Probe():
                self._prober.begin(effect)
            case _:
                raise TypeError(f"no effect of the link: {effect!r}")

    def close(self) -> None:
        """Drop the connection, and let one that is being left in order write its DISCONNECT; at most about a second each."""
        self._prober.close()
        self._files.close()
        for attempt in (self._leaving, self._attempt):
            if attempt is not None:
                if attempt is self._attempt:
                    attempt.drop()
                attempt.join(LINGER_S + 0.5)
        self._attempt = self._leaving = None
