"""MQTT over paho: Connect, Disconnect, Subscribe and Publish in; LinkUp, LinkDown, Subscribed, Acked, Refused and Received out.

Each Connect makes a new client (`broker_attempt`): paho's own queue and its resending never carry over, the outbox asks again. After a
newer Connect, a Disconnect or a LinkDown nothing of that client is posted any more.
"""

from collections.abc import Callable

from agent.adapters.broker_attempt import LINGER_S, Attempt
from agent.config import Mqtt
from agent.core.effects import Connect, Disconnect, Effect, Publish, Subscribe
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
    ) -> None:
        self._config = config
        self._client_id = client_id
        self._post = post
        self._now = now
        self._within_s = connect_within_s
        self._attempt: Attempt | None = None
        self._leaving: Attempt | None = None

    def start(self) -> None:
        """Nothing runs before the first Connect."""

    def perform(self, effect: Effect) -> None:
        """Carry out one effect of the link; Subscribe and Disconnect of another attempt than the current one are passed over."""
        attempt = self._attempt
        match effect:
            case Connect():
                if attempt is not None:
                    attempt.drop()
                before = attempt or self._leaving
                self._attempt = Attempt(effect, self._config, self._client_id, self._post, self._now, self._within_s, before)
                self._attempt.start()
            case Disconnect():
                if attempt is not None and attempt.connect.attempt == effect.attempt:
                    attempt.leave()
                    self._attempt, self._leaving = None, attempt
            case Subscribe():
                if attempt is not None and attempt.connect.attempt == effect.attempt:
                    attempt.ask(effect)
            case Publish():
                if attempt is not None and attempt.connected:
                    attempt.ask(effect)
                else:
                    self._post(Refused(self._now(), effect.token, "not connected", by_broker=False))
            case _:
                raise TypeError(f"no effect of the link: {effect!r}")

    def close(self) -> None:
        """Drop the connection, and let one that is being left in order write its DISCONNECT; at most about a second each."""
        for attempt in (self._leaving, self._attempt):
            if attempt is not None:
                if attempt is self._attempt:
                    attempt.drop()
                attempt.join(LINGER_S + 0.5)
        self._attempt = self._leaving = None
