"""`mqtts` with both sides' certificates, against a Mosquitto that requires ours; the certificates are made here, by the openssl command."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm, Presence
from simulator.bench.brokers import find_mosquitto, free_port
from tests.black_box.desk import QUICK, Desk

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command: apt install openssl"),
    pytest.mark.skipif(find_mosquitto() is None, reason="no Mosquitto: apt install mosquitto"),
]


def openssl(directory: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def make_certificate(directory: Path, name: str, issuer: str | None, extension: str) -> None:
    """`name.key` (mode 0600) and `name.crt`, for a day; signed by itself, or by `issuer`."""
    openssl(directory, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    (directory / f"{name}.key").chmod(0o600)
    openssl(directory, "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
    (directory / f"{name}.ext").write_text(extension + "\n")
    by = ["-signkey", f"{name}.key"] if issuer is None else ["-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial"]
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", *by, "-days", "1", "-extfile", f"{name}.ext", "-out", f"{name}.crt")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a broker at 127.0.0.1, a unit; and an authority that nobody asked, with a unit of its own."""
    directory = tmp_path_factory.mktemp("certificates")
    for authority in ("authority", "stranger"):
        make_certificate(directory, authority, None, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign")
    make_certificate(directory, "broker", "authority", "subjectAltName=IP:127.0.0.1")
    make_certificate(directory, "car-1", "authority", "extendedKeyUsage=clientAuth")
    make_certificate(directory, "thief", "stranger", "extendedKeyUsage=clientAuth")
    return directory


@pytest.fixture(scope="module")
def desk(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A car whose broker has a second door, with TLS; the agent is told of that one only."""
    port = free_port()
    door = (
        f"listener {port} 127.0.0.1",
        f"cafile {certificates / 'authority.crt'}",
        f"certfile {certificates / 'broker.crt'}",
        f"keyfile {certificates / 'broker.key'}",
        "require_certificate true",
    )
    with Desk(tmp_path_factory.mktemp("tls") / "car", QUICK, broker_config=door) as found:
        found.configure(f'endpoints = ["{found.line.url}"]', f'endpoints = ["mqtts://127.0.0.1:{port}"]\n{keys(certificates)}')
        yield found


def keys(certificates: Path, ca: str = "authority", name: str = "car-1") -> str:
    """The lines of [mqtt] that name the files."""
    files = {"ca": f"{ca}.crt", "cert": f"{name}.crt", "key": f"{name}.key"}
    return "\n".join(f'{key} = "{certificates / file}"' for key, file in files.items())


WRONG = [("stranger", "car-1", "the certificate of 127.0.0.1"), ("authority", "thief", "it may not accept mqtt.cert")]


@pytest.mark.parametrize(("ca", "name", "says"), WRONG)
def test_a_wrong_certificate_on_either_side_is_no_link_and_says_why(desk: Desk, certificates: Path, ca: str, name: str, says: str) -> None:
    desk.configure(keys(certificates), keys(certificates, ca, name))
    try:
        desk.run()
        status = desk.told("why there is no link", lambda s: s["link"]["state"] == "waiting" and s["link"]["reason"])
        print(f"{ca}, {name}: {status['link']['reason']}")
        assert says in status["link"]["reason"]
        assert status["link"]["connects"] == 0
        assert desk.terminate() == 0
    finally:
        desk.configure(keys(certificates, ca, name), keys(certificates))


def test_the_right_certificates_carry_an_alarm_and_its_answer(desk: Desk) -> None:
    boot = desk.run()
    desk.hear(Presence, lambda r: r.online and r.boot == boot)
    alarm = desk.raise_alarm()
    desk.centre.acknowledge(desk.options.unit, alarm)
    desk.hear(Alarm, lambda r: r.id == alarm and r.state == "acknowledged")
    assert (desk.status() or {})["link"]["endpoint"].startswith("mqtts://")
    assert desk.terminate() == 0
    stopped = desk.hear(Presence, lambda r: r.boot == boot and not r.online)
    assert stopped.reason == "stopped"


def test_a_new_certificate_is_taken_up_while_the_agent_runs_and_half_a_one_costs_nothing(desk: Desk, certificates: Path) -> None:
    desk.run()
    before = desk.told("a link, and days left", lambda s: s["link"]["state"] == "online" and s["certificate"]["days_left"] is not None)
    assert (before["link"]["connects"], before["certificate"]["days_left"]) == (1, 0)
    assert "link.certificate" in {fault["code"] for fault in before["faults"]}, "it is for a day only"
    good = (certificates / "car-1.crt").read_bytes()
    (certificates / "car-1.crt").write_bytes(good[: len(good) // 2])
    bad = desk.told("that the files are no good", lambda s: s["certificate"]["trouble"], timeout=40)
    assert (bad["link"]["state"], bad["link"]["connects"]) == ("online", 1)
    make_certificate(certificates, "car-1", "authority", "extendedKeyUsage=clientAuth")
    after = desk.told("a link with the new one", lambda s: s["link"]["connects"] == 2 and s["link"]["state"] == "online", timeout=40)
    assert after["link"]["last_end"] == "the certificate files have changed"
    assert after["certificate"]["trouble"] is None
    assert desk.terminate() == 0
