"""The MQTT adapter against brokers that misbehave, secrets that others may read, certificates of strangers."""

import contextlib
import errno
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import CallbackOnDisconnect_v2, Client, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, LogLevel
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from agent.adapters import broker_client, broker_socket
from agent.adapters.broker import Broker
from agent.adapters.broker_heard import Heard
from agent.config import Mqtt
from agent.core.events import Acked, LinkDown, LinkUp, Traffic
from simulator.bench.brokers import Mosquitto
from tests.adapters.conftest import Posted
from tests.adapters.mqtt_peers import (
    Scripted,
    certificates,
    closing,
    closing_after_connect,
    resetting,
    resetting_after_connect,
    saying,
    silent,
)
from tests.adapters.test_broker import Adapter, adapter, connect, linked, needs_mosquitto, no_threads_left, publish
from tests.timing import PATIENCE_S

__all__ = ["adapter"]

CONNACK_V5 = b"\x20\x03\x00\x00\x00"


Script = Callable[[socket.socket], None]


def down(adapter: Adapter, posted: Posted, script: Script, protocol: int = 5, within_s: float = PATIENCE_S) -> LinkDown:
    """What the adapter, which gives a broker so many seconds, says of a server that behaves so."""
    server = Scripted(script)
    broker = adapter(within_s=within_s)
    broker.perform(connect(1, server.url, protocol))
    heard = posted.expect(LinkDown, timeout=within_s + PATIENCE_S)
    assert no_threads_left()
    assert posted.drain(but=Traffic) == []
    server.close()
    return heard


# --- brokers that misbehave -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_broker_that_never_answers_connect_is_given_up(adapter: Adapter, posted: Posted, protocol: int) -> None:
    heard = down(adapter, posted, silent, protocol, within_s=1.5)
    assert heard.reason.endswith("took the connection but did not answer CONNECT within 1.5 s")
    assert not heard.wrong_protocol


@pytest.mark.parametrize("script", [closing, closing_after_connect, resetting, resetting_after_connect])
@pytest.mark.parametrize("protocol", [4, 5])
def test_a_broker_that_closes_at_once_is_told(adapter: Adapter, posted: Posted, script: Script, protocol: int) -> None:
    """In one sentence, whether the close is met as an end, as a reset or as a broken pipe: that is a matter of who is faster."""
    heard = down(adapter, posted, script, protocol)
    sentence, _, how = heard.reason.partition(" (")
    assert sentence == "the broker closed the connection before it answered CONNECT"
    assert how in ("", "Connection reset by peer)", "Broken pipe)")
    assert how == "Connection reset by peer)" or script is not resetting_after_connect
    assert how == "" or script is not closing_after_connect
    assert not heard.wrong_protocol


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1", "mqtts://127.0.0.1"])
@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETDOWN, errno.ETIMEDOUT, errno.ENOMEM])
def test_any_other_error_of_the_socket_is_no_close_by_the_broker(url: str, number: int) -> None:
    """Said as paho says it: an error is logged where it was caught, then comes the end of the connection."""
    client, heard = Client(CallbackAPIVersion.VERSION2), Heard(connect(1, url), 20, lambda: 5.0)
    heard.attach(client)
    error = OSError(number, "the kernel's words")
    assert client.on_log is not None
    ended = cast(CallbackOnDisconnect_v2, client.on_disconnect)
    try:
        raise error
    except OSError as e:
        client.on_log(client, None, LogLevel.MQTT_LOG_ERR, f"failed to receive on socket: {e}")
    ended(client, None, DisconnectFlags(False), ReasonCode(PacketTypes.DISCONNECT, "Unspecified error"), None)
    assert heard.take() == [LinkDown(5.0, 1, f"connection lost: failed to receive on socket: {error}")]


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        b"INFO {\"server_id\":\"x\"}\r\n",
        b"\x20\x01\x00",
        b"\x20\x04\x00\x00\x01\x02",
        b"\x20\xff\xff\xff\xff\xff",
        b"\x00\x00",
        b"\x90\x02\x00\x01",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
@pytest.mark.parametrize("protocol", [4, 5])
def test_garbage_is_a_link_down(adapter: Adapter, posted: Posted, garbage: bytes, protocol: int) -> None:
    heard = down(adapter, posted, saying(garbage), protocol, within_s=1.0)  # some may be the beginning of something: that is waited for
    assert "not MQTT" in heard.reason or "did not answer" in heard.reason
    assert not heard.wrong_protocol or "refused MQTT 3.1.1, or" in heard.reason  # a bad length and a refused version look the same in 3.1.1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(garbage=st.binary(min_size=1, max_size=40), after_connack=st.booleans(), protocol=st.sampled_from([4, 5]))
def test_no_bytes_kill_the_thread(posted: Posted, garbage: bytes, after_connack: bool, protocol: int) -> None:
    connack = (CONNACK_V5 if protocol == 5 else b"\x20\x02\x00\x00") if after_connack else b""

    def script(sock: socket.socket) -> None:
        sock.recv(4096)
        sock.sendall(connack + garbage)

    server = Scripted(script)
    broker = Broker(Mqtt(endpoints=(server.url,)), "car-1", posted, time.monotonic, 0.3)
    broker.perform(connect(1, server.url, protocol))
    posted.expect(LinkDown)
    assert no_threads_left()
    posted.drain()
    server.close()


def test_a_line_that_swallows_everything_is_found_by_the_keepalive(adapter: Adapter, posted: Posted) -> None:
    """The other side's kernel acknowledges our bytes, so TCP cannot tell; the broker asks for a keepalive of 1 s (MQTT 5, 3.2.2.3.14)."""
    heard = down(adapter, posted, saying(b"\x20\x06\x00\x00\x03\x13\x00\x01"))
    assert heard.reason == "nothing heard from the broker for longer than the keepalive of 1 s"


def test_a_broker_that_says_why_it_ends_is_quoted(adapter: Adapter, posted: Posted) -> None:
    heard = down(adapter, posted, saying(CONNACK_V5 + b"\xe0\x01\x8b"))
    assert heard.reason == "the broker ended the connection: Server shutting down"


@pytest.mark.parametrize(("protocol", "connack"), [(4, b"\x20\x02\x00\x01"), (5, b"\x20\x02\x00\x01"), (5, b"\x20\x03\x00\x84\x00")])
def test_a_refused_version_is_a_wrong_protocol(adapter: Adapter, posted: Posted, protocol: int, connack: bytes) -> None:
    heard = down(adapter, posted, saying(connack), protocol)
    assert heard.wrong_protocol
    assert heard.reason.startswith("the broker refused")


@pytest.mark.parametrize(
    ("protocol", "connack", "words"),
    [
        (4, b"\x20\x02\x00\x05", "Not authorized"),
        (4, b"\x20\x02\x00\x03", "Server unavailable"),
        (5, b"\x20\x03\x00\x87\x00", "Not authorized"),
        (5, b"\x20\x03\x00\x88\x00", "Server unavailable"),
    ],
)
def test_any_other_refusal_is_not(adapter: Adapter, posted: Posted, protocol: int, connack: bytes, words: str) -> None:
    heard = down(adapter, posted, saying(connack), protocol)
    assert heard.reason == f"the broker refused us: {words}"
    assert not heard.wrong_protocol


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt://no-such-host.invalid:1883", "the name no-such-host.invalid cannot be resolved"),
        (f"mqtt://{'x' * 64}.example:1883", "no connection to"),
        ("mqtt://127.0.0.1:99999", "Port out of range"),
        ("http://127.0.0.1", "is not mqtt://host:port"),
    ],
)
def test_an_endpoint_that_leads_nowhere_is_told(adapter: Adapter, posted: Posted, url: str, words: str) -> None:
    begin = time.monotonic()
    with contextlib.suppress(OSError):
        socket.getaddrinfo("no-such-host.invalid", 1883)  # a network without a name server takes its time to say no
    within_s = PATIENCE_S + 2 * (time.monotonic() - begin)
    adapter(within_s=within_s).perform(connect(1, url))
    assert words in posted.expect(LinkDown, timeout=within_s + PATIENCE_S).reason


def test_ports_are_those_of_iana_unless_named() -> None:
    assert broker_client.endpoint("mqtt://a") == ("a", 1883, False)
    assert broker_client.endpoint("mqtts://a") == ("a", 8883, True)
    assert broker_client.endpoint("mqtts://a:1") == ("a", 1, True)


# --- what is on the wire --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [4, 5])
def test_connect_asks_for_a_persistent_session_and_a_retained_will(adapter: Adapter, posted: Posted, protocol: int) -> None:
    """MQTT 5, 3.1: flags are will retain 0x20, will QoS 1 0x08, will 0x04; clean start 0x02 is not set."""
    said: list[bytes] = []
    server = Scripted(lambda sock: said.append(sock.recv(4096)))
    adapter(keepalive_s=20).perform(connect(1, server.url, protocol))
    posted.expect(LinkDown)
    server.close()
    variable = said[0][2:]
    assert variable[:10] == b"\x00\x04MQTT" + bytes([protocol, 0x2C, 0, 20])
    assert b"outpost/v1/u/car-1/state/presence\x00\x04lost" in variable
    if protocol == 5:
        assert b"\x11" + (7 * 86_400).to_bytes(4, "big") in variable  # session expiry
        assert b"\x18" + (5).to_bytes(4, "big") in variable  # will delay
        assert b"\x03\x00\x13application/msgpack" in variable


def test_the_socket_sends_at_once_and_does_not_wait_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        broker_socket.set_options(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000


# --- secrets and certificates ---------------------------------------------------------------------------------------------------------


def test_user_and_password_come_from_a_file_that_nobody_else_reads(adapter: Adapter, posted: Posted, tmp_path: Path) -> None:
    needs_mosquitto()
    server = Mosquitto(tmp_path / "b", config=(f"password_file {tmp_path / 'users'}",))
    # PBKDF2-SHA512 of "geheim" as mosquitto_passwd writes it
    (tmp_path / "users").write_text(mosquitto_user("car-1", "geheim"))
    (tmp_path / "users").chmod(0o600)
    server.start()
    secret = tmp_path / "password"
    secret.write_text("geheim\n")
    secret.chmod(0o640)
    broker = adapter(username="car-1", password_file=str(secret))
    broker.perform(connect(1, server.url))
    assert "others may read this secret" in posted.expect(LinkDown).reason
    secret.chmod(0o600)
    linked(broker, posted, server.url, attempt=2)
    secret.write_text("wrong")
    broker.perform(connect(3, server.url))
    assert posted.expect(LinkDown).reason == "the broker refused us: Not authorized"
    secret.unlink()
    broker.perform(connect(4, server.url))
    assert posted.expect(LinkDown).reason == f"{secret}: No such file or directory"
    broker.close()
    server.stop()


def mosquitto_user(name: str, password: str) -> str:
    """A line of Mosquitto's password file: $7$iterations$salt$hash (PBKDF2-HMAC-SHA512)."""
    import base64
    import hashlib

    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{name}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Made once: openssl takes a while."""
    return certificates(tmp_path_factory.mktemp("certs"))


def tls_broker(directory: Path, certs: dict[str, Path], *lines: str) -> Mosquitto:
    needs_mosquitto()
    port = broker_port()
    listener = (f"listener {port} 127.0.0.1", f"cafile {certs['ca']}", f"certfile {certs['server']}", f"keyfile {certs['server_key']}")
    server = Mosquitto(directory, config=(*listener, *lines))
    server.start()
    server.tls_port = port  # type: ignore[attr-defined]  # for this file only
    return server


def broker_port() -> int:
    from simulator.bench.brokers import free_port

    return free_port()


def test_tls_takes_the_broker_that_our_authority_vouches_for_under_its_name(
    adapter: Adapter, posted: Posted, tmp_path: Path, certs: dict[str, Path]
) -> None:
    server = tls_broker(tmp_path, certs)
    port = server.tls_port  # type: ignore[attr-defined]  # set by tls_broker
    broker = adapter(ca=str(certs["ca"]))
    for attempt, protocol in enumerate((5, 4), 1):
        linked(broker, posted, f"mqtts://127.0.0.1:{port}", protocol, attempt)
        for token in range(50):
            broker.perform(publish(token, payload=bytes(3000)))
        assert {posted.expect(Acked).token for _ in range(50)} == set(range(50))
    broker.perform(connect(3, f"mqtts://localhost:{port}"))
    heard = posted.expect(LinkDown).reason
    assert heard.startswith(f"the certificate of localhost:{port} is not accepted")
    assert "mismatch" in heard
    stranger = adapter(ca=str(certs["other_ca"]))
    stranger.perform(connect(4, f"mqtts://127.0.0.1:{port}"))
    assert "is not accepted" in posted.expect(LinkDown).reason
    stranger.perform(connect(5, f"mqtts://127.0.0.1:{server.port}"))  # the other listener speaks no TLS
    assert posted.expect(LinkDown).reason
    broker.close()
    stranger.close()
    server.stop()


def test_a_client_certificate_is_shown_and_its_key_kept_to_ourselves(
    adapter: Adapter, posted: Posted, tmp_path: Path, certs: dict[str, Path]
) -> None:
    server = tls_broker(tmp_path, certs, "require_certificate true", "tls_version tlsv1.2")
    url = f"mqtts://127.0.0.1:{server.tls_port}"  # type: ignore[attr-defined]  # set by tls_broker
    bare = adapter(ca=str(certs["ca"]))
    bare.perform(connect(1, url))
    assert posted.expect(LinkDown).reason
    broker = adapter(ca=str(certs["ca"]), cert=str(certs["client"]), key=str(certs["client_key"]))
    linked(broker, posted, url, attempt=2)
    certs["client_key"].chmod(0o644)
    other = adapter(ca=str(certs["ca"]), cert=str(certs["client"]), key=str(certs["client_key"]))
    other.perform(connect(3, url))
    assert "others may read this secret" in posted.expect(LinkDown).reason
    certs["client_key"].chmod(0o600)
    missing = adapter(ca=str(tmp_path / "no.pem"))
    missing.perform(connect(4, url))
    assert posted.expect(LinkDown).reason == f"{tmp_path / 'no.pem'}: No such file or directory"
    assert not [e for e in posted.drain() if isinstance(e, LinkUp)]
    broker.close()
    server.stop()
