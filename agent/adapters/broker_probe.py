"""An endpoint goes in, whether somebody listens there comes out (`Probed`), beside the connection that is in use.

A TCP connection and, for mqtts, a TLS handshake, closed again; no MQTT: with our client id it would throw the present connection out.
"""

import contextlib
import threading
from collections.abc import Callable

from agent.adapters import broker_client, broker_socket
from agent.adapters.broker_files import Files
from agent.adapters.traffic import Meter
from agent.core.effects import Probe
from agent.core.events import Event, Probed


class Prober:
    """One probe at a time; one that is asked for meanwhile is passed over."""

    def __init__(
        self,
        files: Files,
        post: Callable[[Event], None],
        now: Callable[[], float],
        within_s: float,
        known: broker_socket.Known,
        meter: Meter,
    ) -> None:
        self._files = files
        self._post = post
        self._now = now
        self._within_s = within_s
        self._known = known
        self._meter = meter
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, probe: Probe) -> None:
        """Probed follows; never blocks."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(probe.endpoint,), name="broker-probe", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Nothing is posted from now on."""
        self._over.set()

    def _run(self, url: str) -> None:
        where = broker_client.Endpoint(url, 0, False)
        reason = ""
        try:
            where = broker_client.endpoint(url)
            sock = broker_socket.open_tcp(where.host, where.port, self._within_s, self._now, self._over.is_set, self._known)
            with sock, contextlib.closing(self._meter.line(sock)):
                if where.tls:
                    sock.settimeout(self._within_s)
                    self._files.context().wrap_socket(sock, server_hostname=where.host).close()
        except (OSError, ValueError) as e:
            reason = broker_client.in_plain_words(e, where, self._within_s)
        if not self._over.is_set():
            self._post(Probed(self._now(), url, not reason, reason))
