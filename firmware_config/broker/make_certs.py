#!/usr/bin/env python3
"""Authorities, certificates and access lists for the shipped Mosquitto configuration: names in, files below one directory out.

    ./make_certs.py ca DIR broker.example 10.0.0.5      three authorities and the broker's certificate for these names
    ./make_certs.py unit DIR JD-0417 JD-0418            a key and a certificate for each unit
    ./make_certs.py centre DIR dispatch archive         the same for the centre's programs
    ./make_certs.py revoke DIR JD-0417                  never again: into the list of revoked certificates
    ./make_certs.py groups DIR groups.txt               which unit reads which group's orders

Three authorities, because three things are promised: `broker` says who is a broker (units and centre trust only that), `units` who is a
unit, `centre` who is a program of the centre. None can stand in for another. What goes where, below DIR:

    mosquitto/      to the broker's /etc/mosquitto/outpost/
    units/ID/       to that unit's /etc/outpost/keys/
    centre/NAME/    to that program of the centre
    authorities/    nowhere: who has these keys is the fleet. For a real fleet keep DIR on a machine without a network.

What is there is kept: calling it again changes nothing, and `--renew` makes a new certificate with a new key (the old one stays valid until
it expires or is revoked). Needs Python 3.11 and the openssl command (apt install openssl). It uses P-256 and SHA-256.
"""

import argparse
import ipaddress
import os
import re
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""A unit, a group, a program of the centre: as the contract says, since it goes into topics and access lists."""

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
ROOT = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")

AUTHORITIES = ("broker", "units", "centre")
CA_DAYS = 7300
"""Twenty years: it outlives the fleet, as to replace an authority means to visit every car."""

CRL_DAYS = CA_DAYS
"""A list of revoked certificates that has expired locks everybody out, so it must not run out some night; `revoke` replaces it."""

LEAF_DAYS = 825
EXTENSIONS = {
    "broker": "extendedKeyUsage=serverAuth\nsubjectAltName={names}",
    "units": "extendedKeyUsage=clientAuth",
    "centre": "extendedKeyUsage=clientAuth",
}

CONFIG = """[ca]
default_ca = it
[it]
certificate = {ca}.crt
private_key = {ca}.key
database = {ca}.index
crlnumber = {ca}.number
new_certs_dir = {ca}.issued
rand_serial = yes
unique_subject = no
default_md = sha256
default_crl_days = {crl_days}
policy = name
[name]
commonName = supplied
[req]
distinguished_name = empty
[empty]
"""


class Refused(Exception):
    """What was asked cannot be done; says why and what to do."""


def openssl(*arguments: str | Path) -> None:
    """Run it; its own words when it fails.

    Raises:
        Refused: it is missing or it failed.
    """
    command = shutil.which("openssl")
    if command is None:
        raise Refused("the openssl command is missing: apt install openssl")
    done = subprocess.run([command, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


def paths(*arguments: str | Path) -> tuple[str, ...]:
    """Options and files, as openssl takes them."""
    return tuple(map(str, arguments))


def named(what: str, name: str) -> str:
    """The name, when it may go into a topic."""
    if not NAME.fullmatch(name):
        raise Refused(f"{what} {name!r} is not 1 to 32 letters, digits, - or _")
    return name


def new_key(file: Path) -> None:
    """A P-256 key that only its owner may read; from the first byte on, as the umask is 077."""
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file)


class Authority:
    """One of the three: its key, its certificate, what it issued, what it revoked."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self._base = directory / "authorities" / name
        self.certificate = self._base.with_suffix(".crt")
        self._config = self._base.with_suffix(".conf")

    def make(self, days: int) -> None:
        """Once; what is there is kept."""
        if self.certificate.exists():
            return
        self._base.with_suffix(".issued").mkdir(parents=True, exist_ok=True)
        self._base.with_suffix(".index").touch()
        self._base.with_suffix(".number").write_text("01\n")
        self._config.write_text(CONFIG.format(ca=self._base, crl_days=CRL_DAYS))
        new_key(self._base.with_suffix(".key"))
        extensions = (
            "basicConstraints=critical,CA:TRUE,pathlen:0",  # it signs users, never another authority
            "keyUsage=critical,keyCertSign,cRLSign",
            "subjectKeyIdentifier=hash",
        )
        openssl(
            *("req", "-x509", "-subj", f"/CN=outpost {self.name} authority", "-days", str(days)),
            *(part for extension in extensions for part in ("-addext", extension)),
            *paths("-config", self._config, "-key", self._base.with_suffix(".key"), "-out", self.certificate),
        )
        shown(self.certificate)

    def issue(self, subject: str, out: Path, since: str | None, days: int, names: str = "") -> None:
        """`out`.key and `out`.crt, the old ones replaced only when both are made."""
        if not self.certificate.exists():
            raise Refused(f"there is no authority in {self._base.parent.parent}: first call `ca`")
        valid = validity(since, days)
        self._moved(out.parent)
        key, request, extension, made = (out.with_suffix(f".{end}.new") for end in ("key", "csr", "ext", "crt"))
        extension.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n"
            + EXTENSIONS[self.name].format(names=names)
            + "\n"
        )
        try:
            new_key(key)
            openssl("req", "-new", "-config", self._config, "-key", key, "-subj", f"/CN={subject}", "-out", request)
            openssl(
                *("ca", "-batch", "-notext", *valid),
                *paths("-config", self._config, "-extfile", extension, "-in", request, "-out", made),
            )
            shown(made)
            key.replace(out.with_suffix(".key"))
            made.replace(out.with_suffix(".crt"))
        finally:
            for left in (key, request, extension, made):
                left.unlink(missing_ok=True)

    def revoke(self, certificate: Path) -> bool:
        """Into the index; False when it was there already."""
        self._moved(certificate.parent)
        try:
            openssl("ca", "-config", self._config, "-revoke", certificate)
        except Refused as e:
            if "Already revoked" not in str(e):
                raise
            return False
        return True

    def write_revoked(self, file: Path) -> None:
        """The list of revoked certificates."""
        self._moved(file.parent)
        new = file.with_suffix(".new")
        openssl("ca", "-config", self._config, "-gencrl", "-out", new)
        shown(new)
        new.replace(file)

    def issued(self, subject: str) -> list[Path]:
        """Every certificate for that name that was ever issued, the newest last."""
        rows = [line.split("\t") for line in self._base.with_suffix(".index").read_text().splitlines()]
        return [self._base.with_suffix(".issued") / f"{row[3]}.pem" for row in rows if row[5] == f"/CN={subject}"]

    def _moved(self, place: Path) -> None:
        """The config holds absolute paths: written afresh, so that DIR may be moved."""
        place.mkdir(parents=True, exist_ok=True)
        self._config.write_text(CONFIG.format(ca=self._base, crl_days=CRL_DAYS))


def validity(since: str | None, days: int) -> tuple[str, ...]:
    """For `openssl ca`, whose -days counts from now whatever the start is."""
    if since is None:
        return ("-days", str(days))
    try:
        first = date.fromisoformat(since)
        last = first + timedelta(days=days)
    except (ValueError, OverflowError):
        raise Refused(f"--from {since!r} is no date, or {days} days after it there is none") from None
    return ("-startdate", f"{first:%Y%m%d}000000Z", "-enddate", f"{last:%Y%m%d}000000Z")


def shown(file: Path) -> None:
    """Public: others may read it."""
    file.chmod(0o644)


def said(text: str) -> None:
    """A line for whoever called us."""
    sys.stdout.write(text + "\n")


def host_names(hosts: list[str]) -> str:
    """`DNS:name,IP:address`, as a certificate names its hosts."""
    found = []
    for host in hosts:
        try:
            found.append(f"IP:{ipaddress.ip_address(host)}")
        except ValueError:
            if not HOST.fullmatch(host) or len(host) > 253:
                raise Refused(f"{host!r} is neither a host name nor an IP address") from None
            found.append(f"DNS:{host}")
    return ",".join(found)


def make_ca(args: argparse.Namespace) -> None:
    """The authorities, the broker's certificate, the lists of revoked ones, and access lists without groups."""
    names, place = host_names(args.host), args.dir / "mosquitto"
    place.mkdir(parents=True, exist_ok=True)
    authorities = {name: Authority(args.dir, name) for name in AUTHORITIES}
    for authority in authorities.values():
        authority.make(args.ca_days)
    noted = args.dir / "authorities" / "broker.hosts"
    if args.renew or not (place / "broker.crt").exists() or not noted.exists() or noted.read_text() != names:
        authorities["broker"].issue("outpost broker", place / "broker", args.since, args.days, names)
        noted.write_text(names)
        said(f"the broker's certificate is for {names}")
    for name in ("units", "centre"):
        shutil.copyfile(authorities[name].certificate, place / f"{name}-ca.crt")
        shown(place / f"{name}-ca.crt")
        if not (place / f"{name}.crl").exists():
            authorities[name].write_revoked(place / f"{name}.crl")
    if not (place / "units.acl").exists():
        write_access(place, args.root, {})
    said(f"{place} is what goes to the broker's /etc/mosquitto/outpost")


def make_users(args: argparse.Namespace) -> None:
    """A directory for each unit, or each program of the centre."""
    kind, file = ("units", "unit") if args.command == "unit" else ("centre", "user")
    authority = Authority(args.dir, kind)
    for name in [named("the name", id_) for id_ in args.id]:
        place = args.dir / kind / name
        if (place / f"{file}.crt").exists() and not args.renew:
            said(f"{place} is there already (--renew makes a new one)")
            continue
        authority.issue(name, place / file, args.since, args.days)
        shutil.copyfile(Authority(args.dir, "broker").certificate, place / "ca.crt")
        shown(place / "ca.crt")
        said(f"{place}: ca.crt, {file}.crt, {file}.key")


def revoke(args: argparse.Namespace) -> None:
    """All certificates of that name, older ones too; the directory is removed, so that a new one can be made."""
    kind = "centre" if args.centre else "units"
    authority, file = Authority(args.dir, kind), args.dir / "mosquitto" / f"{kind}.crl"
    if not authority.certificate.exists():
        raise Refused(f"there is no authority in {args.dir}: first call `ca`")
    for name in [named("the name", id_) for id_ in args.id]:
        certificates = authority.issued(name)
        if not certificates:
            raise Refused(f"no certificate was ever issued to {name}")
        new = sum([authority.revoke(certificate) for certificate in certificates])
        authority.write_revoked(file)
        shutil.rmtree(args.dir / kind / name, ignore_errors=True)
        said(f"{name}: {new} of {len(certificates)} certificates revoked now, all of them in {file}")
    said("copy it to the broker and reload it (SIGHUP) against new connections; only a restart ends one that is open")


def groups_of(file: Path) -> dict[str, list[str]]:
    """Lines `unit group group …` of a text file; `#` begins a comment."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{file}:{number}: the"
        unit, *groups = [named(f"{where} {'group' if i else 'unit'}", word) for i, word in enumerate(words)]
        if unit in found:
            raise Refused(f"{where} unit {unit!r} is there twice")
        found[unit] = groups
    return found


def write_access(place: Path, root: str, groups: dict[str, list[str]]) -> None:
    """`units.acl` and, from its template beside us, `centre.acl`."""
    if not ROOT.fullmatch(root):
        raise Refused(f"the root {root!r} is not words of letters, digits, - or _ with / between them")
    templates = Path(__file__).resolve().parent
    for name in ("units.acl", "centre.acl"):
        text = (templates / name).read_text("utf-8").replace("outpost/v1", root)
        if name == "units.acl":
            for unit, names in groups.items():
                lines = [f"topic read {root}/g/{group}/{way}/#\n" for group in names for way in ("down", "desired")]
                text += f"\nuser {unit}\n" + "".join(lines)
        elif (place / name).exists() and (place / name).read_text("utf-8") != text:
            said(f"{place / name} is kept as it is: it is yours to change")
            continue
        (place / f"{name}.new").write_text(text, "utf-8")
        shown(place / f"{name}.new")
        (place / f"{name}.new").replace(place / name)


def make_groups(args: argparse.Namespace) -> None:
    """The access list with an entry for each unit that is in a group."""
    place = args.dir / "mosquitto"
    if not place.is_dir():
        raise Refused(f"there is no {place}: first call `ca`")
    groups = groups_of(args.file)
    write_access(place, args.root, groups)
    said(f"{place / 'units.acl'}: {len(groups)} units; copy it to the broker, then reload it (SIGHUP): nobody loses his connection")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    text = __doc__ or ""
    top = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, about: str, issues: bool) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.add_argument("dir", type=Path, metavar="DIR", help="where everything lies")
        if issues:
            made.add_argument("--days", type=int, default=LEAF_DAYS, help=f"how long it is valid, default {LEAF_DAYS}")
            made.add_argument("--from", dest="since", metavar="YYYY-MM-DD", help="valid from 0:00 UTC of that day on, default now")
            made.add_argument("--renew", action="store_true", help="make a new one although there is one")
        return made

    ca = command("ca", "three authorities and the broker's certificate", issues=True)
    ca.add_argument("host", nargs="+", metavar="HOST", help="a name or an address by which units and centre reach the broker")
    ca.add_argument("--ca-days", type=int, default=CA_DAYS, help=f"how long the authorities are valid, default {CA_DAYS}")
    ca.add_argument("--root", default="outpost/v1", help="mqtt.root of the units, default outpost/v1")
    command("unit", "a key and a certificate for each unit", issues=True).add_argument("id", nargs="+", metavar="ID")
    command("centre", "a key and a certificate for each program of the centre", issues=True).add_argument("id", nargs="+", metavar="NAME")
    gone = command("revoke", "revoke every certificate of a unit", issues=False)
    gone.add_argument("id", nargs="+", metavar="ID")
    gone.add_argument("--centre", action="store_true", help="of a program of the centre")
    groups = command("groups", "write which unit reads which group's orders", issues=False)
    groups.add_argument("file", type=Path, metavar="FILE", help="lines `unit group group …`; # begins a comment")
    groups.add_argument("--root", default="outpost/v1", help="mqtt.root of the units, default outpost/v1")
    return top


def refuse(why: str) -> NoReturn:
    """End with exit code 2."""
    sys.stderr.write(f"make_certs: {why}\n")
    raise SystemExit(2)


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says; exit code 2 and one line when it cannot be done."""
    args = parser().parse_args(arguments)
    os.umask(0o077)
    args.dir = args.dir.absolute()
    commands = {"ca": make_ca, "unit": make_users, "centre": make_users, "revoke": revoke, "groups": make_groups}
    try:
        if getattr(args, "days", 1) < 1 or getattr(args, "ca_days", 1) < 1:
            raise Refused("--days must be 1 or more")
        commands[args.command](args)
    except (Refused, OSError, UnicodeDecodeError) as e:
        refuse(str(e))


if __name__ == "__main__":
    main()
