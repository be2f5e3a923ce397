"""The signature of a report, with keys as openssl makes them; checked by the program that the page gives to the centre."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.cli.commission_sign import Unsigned, signed
from tests.commissioning import genuine

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command: apt install openssl")

KINDS = {
    "ES256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "RS256": ["rsa:2048"],
    "EdDSA": ["ed25519"],
    "P-384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
}
REPORT = '{"unit": "car-1", "note": "验收"}\n'.encode()


def identity(place: Path, kind: str, name: str = "unit", *more: str) -> tuple[Path, Path]:
    """A key and its certificate."""
    key, certificate = place / f"{name}.key", place / f"{name}.crt"
    words = [*KINDS[kind], *(more or ["-nodes"]), "-subj", f"/CN={name}", "-days", "1", "-keyout", key, "-out", certificate]
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return key, certificate


def saved(place: Path, report: bytes, jws: str) -> Path:
    file = place / "report.json"
    file.write_bytes(report)
    (place / "report.json.jws").write_text(f"{jws}\n")
    return file


@pytest.mark.parametrize("kind", ["ES256", "RS256", "EdDSA"])
def test_a_report_is_genuine_and_one_that_was_changed_is_not(tmp_path: Path, kind: str) -> None:
    key, certificate = identity(tmp_path, kind)
    jws = signed(REPORT, key, certificate)
    head, middle, _ = jws.split(".")
    assert middle == ""
    assert genuine(saved(tmp_path, REPORT, jws), certificate)
    assert not genuine(saved(tmp_path, REPORT.replace(b"car-1", b"car-2"), jws), certificate)
    assert not genuine(saved(tmp_path, REPORT, f"{head}..{'A' * 86}"), certificate)


def test_a_signature_of_another_unit_is_not_taken(tmp_path: Path) -> None:
    key, certificate = identity(tmp_path, "ES256")
    _, other = identity(tmp_path, "ES256", "other")
    assert not genuine(saved(tmp_path, REPORT, signed(REPORT, key, certificate)), other)


def test_many_signatures_of_p256_are_all_right(tmp_path: Path) -> None:
    """Numbers with leading zeros and with a high first bit are written another way in DER."""
    key, certificate = identity(tmp_path, "ES256")
    for n in range(12):
        report = json.dumps({"n": n}).encode()
        assert genuine(saved(tmp_path, report, signed(report, key, certificate)), certificate), n


def test_what_cannot_be_signed_says_why(tmp_path: Path) -> None:
    key, certificate = identity(tmp_path, "ES256")
    _, other = identity(tmp_path, "ES256", "other")
    with pytest.raises(Unsigned, match="is not the key of"):
        signed(REPORT, key, other)
    with pytest.raises(Unsigned, match="openssl pkey"):
        signed(REPORT, tmp_path / "nothing.key", certificate)
    with pytest.raises(Unsigned, match=r"nothing\.crt"):
        signed(REPORT, key, tmp_path / "nothing.crt")
    with pytest.raises(Unsigned, match="expected a key of P-256"):
        signed(REPORT, *identity(tmp_path, "P-384", "large"))


def test_a_key_with_a_password_does_not_hold_it_up(tmp_path: Path) -> None:
    key, certificate = identity(tmp_path, "ES256", "locked", "-passout", "pass:secret")
    with pytest.raises(Unsigned, match="openssl pkey"):
        signed(REPORT, key, certificate)


def test_without_openssl_there_is_no_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = identity(tmp_path, "ES256")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsigned, match="apt install openssl"):
        signed(REPORT, key, certificate)
