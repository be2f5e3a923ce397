"""The script that makes authorities, certificates and access lists: what it makes, keeps, refuses."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broker.peers import context
from tests.broker.shipped import SHIPPED, Certificates, made, make_certs

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command: apt install openssl")


def told(file: Path, *what: str) -> str:
    """What openssl reads in a certificate."""
    done = subprocess.run(["openssl", "x509", "-in", file, "-noout", *what], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout


def everything(directory: Path) -> dict[str, bytes]:
    """All files and what is in them; but the configs for openssl, written at each call."""
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.suffix != ".conf"}


def test_keys_are_p256_and_for_their_owner_only(certificates: Certificates) -> None:
    keys = list(certificates.directory.rglob("*.key"))
    assert len(keys) == 3 + 1 + 4 + 3, "authorities, broker, units, programs"
    for key in keys:
        assert stat.S_IMODE(key.stat().st_mode) == 0o600, key
    assert "prime256v1" in told(certificates.unit("car-1").with_suffix(".crt"), "-text")


def test_an_authority_signs_users_and_no_authority(certificates: Certificates) -> None:
    for name in ("broker", "units", "centre"):
        said = told(certificates.directory / "authorities" / f"{name}.crt", "-text")
        assert "CA:TRUE, pathlen:0" in said
        assert "Certificate Sign, CRL Sign" in said
    unit = told(certificates.unit("car-1").with_suffix(".crt"), "-text")
    assert "CA:FALSE" in unit
    assert "TLS Web Client Authentication" in unit
    assert "Server" not in unit, "a certificate stolen from a car is none for a broker"


def test_the_broker_is_named_by_host_names_and_addresses(tmp_path: Path) -> None:
    made("ca", tmp_path / "d", "broker.example", "10.0.0.5", "2001:db8::1")
    said = told(tmp_path / "d" / "mosquitto" / "broker.crt", "-ext", "subjectAltName")
    assert "DNS:broker.example, IP Address:10.0.0.5, IP Address:2001:DB8:0:0:0:0:0:1" in said


def test_a_unit_trusts_the_brokers_authority_and_no_other(certificates: Certificates) -> None:
    place = certificates.unit("car-1").parent
    made_of_it = context(place / "ca.crt", place / "unit")
    assert [ca["subject"] for ca in made_of_it.get_ca_certs()] == [((("commonName", "outpost broker authority"),),)]


def test_a_second_call_changes_nothing_and_renew_makes_a_new_key(certificates: Certificates, tmp_path: Path) -> None:
    copy = certificates.copy(tmp_path / "d")
    before = everything(copy.directory)
    made("ca", copy.directory, "127.0.0.1", "localhost")
    assert "is there already" in made("unit", copy.directory, "car-1")
    assert everything(copy.directory) == before
    made("unit", copy.directory, "car-1", "--renew")
    made("ca", copy.directory, "127.0.0.1", "another.example")
    after = everything(copy.directory)
    changed = {Path(name).relative_to(copy.directory).as_posix() for name in before if after[name] != before[name]}
    renewed = {"units/car-1/unit.crt", "units/car-1/unit.key", "mosquitto/broker.crt", "mosquitto/broker.key"}
    assert {name for name in changed if not name.startswith("authorities/")} == renewed
    assert not any(name.endswith((".key", ".crt")) for name in changed if name.startswith("authorities/"))


def test_validity_is_as_asked(certificates: Certificates, tmp_path: Path) -> None:
    copy = certificates.copy(tmp_path / "d")
    made("unit", copy.directory, "late", "--from", "2031-02-03", "--days", "10")
    said = told(copy.unit("late").with_suffix(".crt"), "-startdate", "-enddate")
    assert said == "notBefore=Feb  3 00:00:00 2031 GMT\nnotAfter=Feb 13 00:00:00 2031 GMT\n"


def test_every_certificate_of_a_revoked_unit_is_in_the_list(certificates: Certificates, tmp_path: Path) -> None:
    copy = certificates.copy(tmp_path / "d")
    serials = []
    for _ in range(2):
        serials.append(told(copy.unit("car-1").with_suffix(".crt"), "-serial").strip().removeprefix("serial="))
        made("unit", copy.directory, "car-1", "--renew")
    assert "3 of 3 certificates revoked" in made("revoke", copy.directory, "car-1")
    crl = copy.directory / "mosquitto" / "units.crl"
    said = subprocess.run(["openssl", "crl", "-in", crl, "-noout", "-text"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert said.count("Serial Number") == 3
    assert all(serial in said for serial in serials)
    assert not copy.unit("car-1").parent.exists()
    assert "0 of 3 certificates revoked now" in made("revoke", copy.directory, "car-1")
    assert "1 of 1" in made("revoke", copy.directory, "archive", "--centre")


def test_groups_become_entries_in_the_access_list(certificates: Certificates, tmp_path: Path) -> None:
    copy = certificates.copy(tmp_path / "d")
    groups = tmp_path / "groups.txt"
    groups.write_text("# 编组\nJD-0417 east patrol   # two of them\nJD-0418\n")
    made("groups", copy.directory, groups, "--root", "police/xining")
    acl = (copy.directory / "mosquitto" / "units.acl").read_text()
    assert "outpost/v1" not in acl
    entry = "\n".join(f"topic read police/xining/g/{group}/{way}/#" for group in ("east", "patrol") for way in ("down", "desired"))
    assert f"user JD-0417\n{entry}\n" in acl
    assert "pattern write police/xining/u/%u/up/#" in acl


REFUSED = [
    (("unit", "{d}", "car 1"), "1 to 32 letters"),
    (("unit", "{d}", "car/1"), "1 to 32 letters"),
    (("unit", "{d}", "+"), "1 to 32 letters"),
    (("unit", "{d}", "x" * 33), "1 to 32 letters"),
    (("unit", "{d}", "巡逻车"), "1 to 32 letters"),
    (("unit", "{d}", "CN=dispatch"), "1 to 32 letters"),
    (("centre", "{d}", "a@b"), "1 to 32 letters"),
    (("unit", "{d}/nowhere", "car-1"), "first call `ca`"),
    (("revoke", "{d}", "never"), "no certificate was ever issued to never"),
    (("ca", "{d}", "not a host"), "neither a host name nor an IP address"),
    (("ca", "{d}", "a,DNS:b"), "neither a host name nor an IP address"),
    (("unit", "{d}", "car-9", "--days", "0"), "--days must be 1 or more"),
    (("unit", "{d}", "car-9", "--from", "yesterday"), "is no date"),
    (("groups", "{d}", "{d}/nothing.txt"), "No such file"),
]


@pytest.mark.parametrize(("arguments", "says"), REFUSED, ids=[" ".join(a)[:40] for a, _ in REFUSED])
def test_what_cannot_be_done_is_said_in_a_line_and_nothing_is_made(
    certificates: Certificates, arguments: tuple[str, ...], says: str
) -> None:
    before = everything(certificates.directory)
    done = make_certs(*(argument.replace("{d}", str(certificates.directory)) for argument in arguments))
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(certificates.directory) == before


def test_a_unit_twice_in_the_groups_file_is_refused_with_its_line(certificates: Certificates, tmp_path: Path) -> None:
    groups = tmp_path / "groups.txt"
    groups.write_text("car-1 east\n\ncar-1 west\n")
    done = make_certs("groups", certificates.directory, groups)
    assert done.returncode == 2
    assert "groups.txt:3: the unit 'car-1' is there twice" in done.stderr


def test_a_missing_openssl_is_named(tmp_path: Path) -> None:
    command = [sys.executable, str(SHIPPED / "make_certs.py"), "ca", str(tmp_path / "d"), "127.0.0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env={**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 2
    assert "apt install openssl" in done.stderr


def test_the_first_page_says_what_goes_where() -> None:
    said = made("--help")
    assert all(word in said for word in ("ca DIR", "unit DIR", "centre DIR", "revoke DIR", "groups DIR", "mosquitto/"))
