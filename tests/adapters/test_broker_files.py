"""The files of the TLS identity: when they end, and that bad ones never cost a link."""

import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.adapters.broker_files import NO_CHECK_TIME, Files, expires_utc_ms
from agent.config import Mqtt
from agent.core.effects import Probe
from agent.core.events import Acked, CertificateSeen, LinkUp, Probed
from tests.adapters.conftest import Posted
from tests.adapters.mqtt_peers import certificates
from tests.adapters.test_broker import Adapter, adapter, connect, linked, needs_mosquitto, publish
from tests.adapters.test_broker_refusals import tls_broker

__all__ = ["adapter"]

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command: apt install openssl")

LOOK_S = 0.05


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return certificates(tmp_path_factory.mktemp("made"))


@pytest.fixture
def certs(made: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Copies that a test may spoil."""
    return {name: Path(shutil.copy2(path, tmp_path)) for name, path in made.items()}


Watching = Callable[..., Files]


@pytest.fixture
def watching(posted: Posted) -> Iterator[Watching]:
    """Watches files of [mqtt], and ends it."""
    all_made: list[Files] = []

    def make(**paths: Path) -> Files:
        keys: dict[str, Any] = {key: str(path) for key, path in paths.items()}
        config = Mqtt(endpoints=("mqtts://a",), **keys)
        all_made.append(Files(config, posted, time.monotonic, LOOK_S))
        all_made[-1].start()
        return all_made[-1]

    yield make
    for each in all_made:
        each.close()


def identity(certs: dict[str, Path]) -> dict[str, Path]:
    return {"ca": certs["ca"], "cert": certs["client"], "key": certs["client_key"]}


def replace(path: Path, text: bytes) -> None:
    """As a careful tool does it."""
    new = path.with_suffix(".new")
    new.write_bytes(text)
    new.chmod(0o600)
    new.replace(path)


# --- when a certificate ends --------------------------------------------------------------------------------------------------------


def ends(path: Path) -> int:
    """What openssl says, ms of UTC."""
    told = subprocess.run(["openssl", "x509", "-in", str(path), "-noout", "-enddate"], capture_output=True, text=True, check=True).stdout
    return round(datetime.strptime(told.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("days", [2, 400, 15_000])
@pytest.mark.parametrize("key", ["ec", "rsa:2048"])
def test_the_end_of_a_certificate_is_what_openssl_says(tmp_path: Path, days: int, key: str) -> None:
    """Of both forms of time: from 2050 on it is another one."""
    options = ["-pkeyopt", "ec_paramgen_curve:prime256v1"] if key == "ec" else []
    file = tmp_path / "c.pem"
    made = ["req", "-x509", "-newkey", key, *options, "-nodes", "-keyout", "/dev/null", "-out", str(file), "-subj", "/CN=x"]
    subprocess.run(["openssl", *made, "-days", str(days)], check=True, capture_output=True)
    assert expires_utc_ms(file.read_text()) == ends(file)
    assert expires_utc_ms("a word before\n" + file.read_text() + "and after") == ends(file)


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda b: b.decode("latin-1"))), st.integers(0, 700), st.integers(0, 127))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_no_certificate_is_a_value_error(made: dict[str, Path], text: str, place: int, other: int) -> None:
    spoilt = made["client"].read_text()
    framed = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    for each in (text, framed, spoilt[:place] + chr(other) + spoilt[place + 1 :]):
        try:
            assert isinstance(expires_utc_ms(each), int)
        except ValueError:
            pass


# --- files that change --------------------------------------------------------------------------------------------------------------


def test_without_files_nothing_is_watched(watching: Watching, posted: Posted) -> None:
    watching()
    assert posted.drain() == []


def test_the_files_are_told_at_the_start_and_when_they_change(watching: Watching, posted: Posted, certs: dict[str, Path]) -> None:
    watching(**identity(certs))
    seen = posted.expect(CertificateSeen)
    assert (seen.version, seen.expires_utc_ms, seen.reason) == (1, ends(certs["client"]), "")
    replace(certs["client"], certs["client"].read_bytes() + b"\n")
    assert posted.expect(CertificateSeen).version == 2
    assert posted.drain() == []


BAD = [("client", b"", "mqtt.ca, cert and key"), ("client", b"not a certificate", "mqtt.ca, cert"), ("ca", b"", "mqtt.ca, cert and key")]


@pytest.mark.parametrize(("name", "text", "says"), [*BAD, ("client", None, "No such file"), ("client_key", None, "No such file")])
def test_files_that_are_not_usable_are_told_and_the_ones_before_used_on(
    watching: Watching, posted: Posted, certs: dict[str, Path], name: str, text: bytes | None, says: str
) -> None:
    files = watching(**identity(certs))
    good = posted.expect(CertificateSeen)
    context, before = files.context(), certs[name].read_bytes()
    certs[name].unlink() if text is None else replace(certs[name], text)
    bad = posted.expect(CertificateSeen)
    assert (bad.version, bad.expires_utc_ms) == (1, good.expires_utc_ms)
    assert says in bad.reason
    assert files.context() is not None
    replace(certs[name], before)
    mended = posted.expect(CertificateSeen)
    assert (mended.version, mended.reason) == (2, "")
    assert files.context() is not context


def test_a_key_of_another_certificate_or_with_a_password_is_not_usable(
    watching: Watching, posted: Posted, certs: dict[str, Path]
) -> None:
    watching(**identity(certs))
    posted.expect(CertificateSeen)
    replace(certs["client_key"], certs["server_key"].read_bytes())
    assert "go together" in posted.expect(CertificateSeen).reason
    locked = certs["client_key"].with_name("locked.key")
    arguments = ["ec", "-in", str(certs["server_key"]), "-aes128", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    replace(certs["client_key"], locked.read_bytes())
    assert "encrypted" in posted.expect(CertificateSeen).reason


def test_files_that_were_never_good_are_told(watching: Watching, posted: Posted, certs: dict[str, Path]) -> None:
    certs["client_key"].chmod(0o644)
    files = watching(**identity(certs))
    seen = posted.expect(CertificateSeen)
    assert seen.version == 0
    assert "others may read this secret" in seen.reason
    with pytest.raises(PermissionError):
        files.context()
    certs["client_key"].chmod(0o600)
    assert posted.expect(CertificateSeen).version == 1


# --- with a broker ------------------------------------------------------------------------------------------------------------------


def test_a_link_outlives_bad_files_and_so_does_the_next_one(
    adapter: Adapter, posted: Posted, tmp_path: Path, certs: dict[str, Path]
) -> None:
    needs_mosquitto()
    server = tls_broker(tmp_path, certs, "require_certificate true")
    url = f"mqtts://127.0.0.1:{server.tls_port}"  # type: ignore[attr-defined]  # set by tls_broker
    broker = adapter(**{key: str(path) for key, path in identity(certs).items()})
    linked(broker, posted, url)
    replace(certs["client"], b"half a fi")
    broker.perform(publish(1))
    posted.expect(Acked)
    broker.perform(connect(2, url))
    assert posted.expect(LinkUp).attempt == 2
    broker.close()
    server.stop()


def test_a_probe_of_tls_believes_the_right_authority_only(adapter: Adapter, posted: Posted, tmp_path: Path, certs: dict[str, Path]) -> None:
    needs_mosquitto()
    server = tls_broker(tmp_path, certs, "require_certificate true")
    url = f"mqtts://127.0.0.1:{server.tls_port}"  # type: ignore[attr-defined]  # set by tls_broker
    for ca, well in (("ca", True), ("other_ca", False)):
        broker = adapter(**{key: str(path) for key, path in (identity(certs) | {"ca": certs[ca]}).items()})
        broker.perform(Probe(url))
        probed = posted.expect(Probed)
        assert probed.well is well, probed.reason
        assert well or probed.reason.startswith("the certificate of 127.0.0.1")
        broker.close()
    server.stop()


@pytest.mark.parametrize("synchronized", [False, True])
def test_a_certificate_of_the_future_is_a_word_about_a_clock_that_nobody_has_set(posted: Posted, synchronized: bool) -> None:
    """Its times are passed over as long as the kernel does not call the clock synchronized, and looked at again from then on."""
    clock = [synchronized]
    files = Files(Mqtt(endpoints=("mqtts://a",)), posted, time.monotonic, synchronized=lambda: clock[0])
    first = files.context()
    assert not first.verify_flags & NO_CHECK_TIME
    first.sslsocket_class.not_yet_valid(None)  # type: ignore[attr-defined]  # what its handshake calls
    passed_over = files.context()
    assert bool(passed_over.verify_flags & NO_CHECK_TIME) is not synchronized
    assert passed_over.check_hostname
    assert passed_over.verify_mode is ssl.CERT_REQUIRED
    clock[0] = True
    assert not files.context().verify_flags & NO_CHECK_TIME
    clock[0] = False
    assert not files.context().verify_flags & NO_CHECK_TIME, "only another such certificate says so again"
