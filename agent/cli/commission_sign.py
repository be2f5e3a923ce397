"""A report and the unit's key go in, a detached signature comes out: JWS (RFC 7515, appendix F), by the openssl command.

Compact form `header..signature`. The header names the algorithm and the certificate by its SHA-256 (`x5t#S256`, 4.1.8). ES256 for P-256,
RS256 for RSA, EdDSA for Ed25519 (RFC 7518, RFC 8037). `openssl` is on every Raspberry Pi OS; a package for this alone would be 10 MB.
"""

import base64
import hashlib
import json
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from agent.cli.commission_words import COMMISSION
from agent.wire.sentence import filled

SIGNED_S_MAX = 20.0
"""RSA with 4096 bits takes a Pi a tenth of a second."""

P256, RSA, ED25519 = "2a8648ce3d030107", "2a864886f70d010101", "2b6570"
"""Object identifiers, as they stand in a public key (RFC 5480, 8017, 8410)."""

ALGORITHMS = {P256: "ES256", RSA: "RS256", ED25519: "EdDSA"}
P256_BYTES = 32


class Unsigned(Exception):
    """There is no signature; `reason` says why. As a text it is English."""

    def __init__(self, key: str, **facts: object) -> None:
        self.reason = filled(COMMISSION[key], facts)
        super().__init__(str(self.reason))


def signed(report: bytes, key: Path, certificate: Path) -> str:
    """The detached signature of these bytes.

    Raises:
        Unsigned: a file cannot be read, the key is not that of the certificate, or of a kind that is not known; openssl is missing.
    """
    try:
        der = ssl.PEM_cert_to_DER_cert(_first(certificate.read_text("ascii")))
    except (OSError, ValueError) as e:
        raise Unsigned("sign.unread", file=certificate, reason=e) from None
    public = _openssl("pkey", "-in", str(key), "-pubout", "-outform", "DER")
    told = _openssl("x509", "-in", str(certificate), "-pubkey", "-noout")
    if ssl.DER_cert_to_PEM_cert(public).split("\n")[1:-2] != told.decode("ascii", "replace").split("\n")[1:-2]:
        raise Unsigned("sign.mismatch", file=key, certificate=certificate)
    algorithm = next((name for oid, name in ALGORITHMS.items() if bytes.fromhex(oid) in public[:40]), None)
    if algorithm is None:
        raise Unsigned("sign.kind", file=key)
    header = {"alg": algorithm, "x5t#S256": encoded(hashlib.sha256(der).digest())}
    head = encoded(json.dumps(header, separators=(",", ":")).encode())
    signature = _signature(f"{head}.{encoded(report)}".encode(), key, algorithm)
    return f"{head}..{encoded(signature)}"


def encoded(data: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _first(pem: str) -> str:
    """The first certificate of a file that may hold its authorities too."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    body = pem.partition(begin)[2].partition(end)[0]
    return f"{begin}{body}{end}\n"


def _signature(text: bytes, key: Path, algorithm: str) -> bytes:
    with tempfile.NamedTemporaryFile(prefix="outpost-sign-") as file:
        file.write(text)
        file.flush()
        if algorithm == "EdDSA":
            return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in", file.name)
        made = _openssl("dgst", "-sha256", "-sign", str(key), file.name)
    return _raw(made) if algorithm == "ES256" else made


def _raw(der: bytes) -> bytes:
    """R and S, 32 bytes each (RFC 7518, 3.4), of the SEQUENCE of two INTEGERs that openssl writes."""
    numbers, rest = [], der[2:]
    while rest:
        size = rest[1]
        numbers.append(int.from_bytes(rest[2 : 2 + size], "big"))
        rest = rest[2 + size :]
    return b"".join(number.to_bytes(P256_BYTES, "big") for number in numbers)


def _openssl(*words: str) -> bytes:
    path = shutil.which("openssl")
    if path is None:
        raise Unsigned("sign.no_openssl")
    try:
        # A key with a password must not hold everything up: openssl finds no terminal and an empty one.
        done = subprocess.run(
            [path, *words], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SIGNED_S_MAX, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Unsigned("sign.openssl", command=words[0], reason=e) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Unsigned("sign.openssl", command=words[0], reason=said or done.returncode)
    return done.stdout
