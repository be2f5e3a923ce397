"""TLS for the benchmarks: a directory in; an authority, a broker's and a unit's certificate (P-256, a day) out, by openssl."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificates(NamedTuple):
    """Paths of PEM files."""

    authority: Path
    broker: Path
    broker_key: Path
    unit: Path
    unit_key: Path


def make(directory: Path, unit: str, hosts: tuple[str, ...]) -> Certificates:
    """`hosts`: the addresses at which the broker may be reached."""
    directory.mkdir(parents=True, exist_ok=True)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")
    _openssl(directory, "req", "-x509", *new, "-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=bench authority")
    names = ",".join(f"IP:{host}" for host in hosts)
    for name, subject, extension in (("broker", "broker", f"subjectAltName={names}"), ("unit", unit, "extendedKeyUsage=clientAuth")):
        _openssl(directory, "req", *new[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")
        (directory / f"{name}.key").chmod(0o600)
        (directory / f"{name}.ext").write_text(extension + "\n")
        signed = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "1", "-extfile", f"{name}.ext")
        _openssl(directory, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return Certificates(*(directory / name for name in ("authority.pem", "broker.pem", "broker.key", "unit.pem", "unit.key")))


def _openssl(directory: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
