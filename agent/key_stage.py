"""The keys that root has put down go in; a folder that systemd can always hand over to the agent comes out. Standard library only.

systemd starts nothing when one file in the folder of LoadCredential= has a name that it does not like, or all are too large, or one cannot
be read. A button must not depend on that: so before each start of the agent (outpost-keys-stage.service) what is plainly named, small and
readable is copied into a folder in memory, and the journal says what was left out. Half a renewal is not taken up: of a certificate and a
key that do not belong together, the two before are kept. Where there are none before, both are handed over: the agent says what is wrong
with them (link.certificate), while one that is missing would be a mistake in its config.
"""

import os
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from agent.key_words import KEYS
from agent.wire.sentence import Sentence, filled

SOURCE = Path("/etc/outpost/keys")
STAGE = Path("/run/outpost-keys")
CONFIG = Path("/etc/outpost/agent.toml")

FILE_BYTES_MAX = 65_536
"""A chain of certificates has some kilobytes."""

TOTAL_BYTES_MAX = 524_288
"""systemd 252 hands over 1 MB, names included (CREDENTIALS_TOTAL_SIZE_MAX)."""

FILES_MAX = 64
NAME_CHARS_MAX = 100
DIFFERS, SAME = 0, 1

TRIGGER = "TRIGGER_UNIT"
"""In the environment: which unit has started this one, since systemd 252 (systemd.exec(5))."""

Files = dict[str, bytes]


class Plan(NamedTuple):
    """What is to lie in the stage, and a sentence for each thing that is left out."""

    files: Files
    left_out: list[Sentence]


class _Refused(Exception):
    """A file is not for the agent; `reason` says why."""

    def __init__(self, key: str, **facts: object) -> None:
        self.reason = _said(key, **facts)
        super().__init__(str(self.reason))


def plan(source: Path, before: Mapping[str, bytes], config: Path, *, weigh: bool = True) -> Plan:
    """What the agent is to be given of the files in `source`. `before`: what it was given until now; `config`: names what it needs.

    `weigh`: also say which certificate and key do not belong together where there are none before to fall back to.
    """
    try:
        names = [path.name for path in source.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return Plan({}, [])
    except OSError as e:
        return Plan(dict(before), [_said("folder_unread", path=source, reason=e.strerror)])
    files: Files = {}
    left_out: list[Sentence] = []
    needed = _needed(config)
    # What the config names goes first: nothing that lies about crowds it out.
    for name in sorted(names, key=lambda name: (name not in needed.values(), name)):
        try:
            data = _read(source, name)
            _fit_in(files, data)
            files[name] = data
        except _Refused as e:
            left_out.append(_said("left_out", path=source / ascii(name)[1:-1], reason=e.reason))
        except OSError as e:
            left_out.append(_said("unread_kept" if name in before else "unread", path=source / name, reason=e.strerror))
            files |= {name: before[name]} if name in before else {}
    for cert, key in _pairs({*files, *before}, needed) if weigh or before else ():
        left_out += _keep_before(files, before, cert, key)
    return Plan(files, left_out)


def _needed(config: Path) -> dict[str, str]:
    """Key of [mqtt] to the name of its file, for those that are credentials; empty when the config cannot be read."""
    try:
        found = tomllib.loads(config.read_text("utf-8-sig")).get("mqtt")
    except (OSError, ValueError):
        return {}
    said = found.items() if isinstance(found, dict) else ()
    return {key: value.partition(":")[2] for key, value in said if isinstance(value, str) and value.startswith("credential:")}


def _read(source: Path, name: str) -> bytes:
    if not (name.isascii() and name.isprintable()) or ":" in name:
        raise _Refused("name_odd")
    if len(name) > NAME_CHARS_MAX:
        raise _Refused("name_long", found=len(name), most=NAME_CHARS_MAX)
    if not stat.S_ISREG((source / name).stat().st_mode):
        raise _Refused("no_file")
    with (source / name).open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise _Refused("large", most=FILE_BYTES_MAX)
    return data


def _fit_in(files: Files, data: bytes) -> None:
    if len(files) >= FILES_MAX:
        raise _Refused("many", most=FILES_MAX)
    if sum(map(len, files.values())) + len(data) > TOTAL_BYTES_MAX:
        raise _Refused("heavy", most=TOTAL_BYTES_MAX)


# --- certificate and key ----------------------------------------------------------------------------------------------------------------


def _pairs(names: set[str], needed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The certificate and the key of the config; when it cannot be read, those that are called alike."""
    if "cert" in needed and "key" in needed:
        yield needed["cert"], needed["key"]
    elif not needed:
        keys = sorted(name for name in names if name.endswith(".key"))
        alike = [(f"{key[:-4]}{end}", key) for key in keys for end in (".crt", ".pem")]
        yield from (pair for pair in alike if pair[0] in names)


def _keep_before(files: Files, before: Mapping[str, bytes], cert: str, key: str) -> list[Sentence]:
    """Put the two before back into `files` when the new ones are half a renewal; what is to be said of that."""
    pair = (cert, key)
    there = [name for name in pair if name in files]
    if cert == key or not there or all(files.get(name) == before.get(name) for name in pair):
        return []
    reason = misfit(files[cert], files[key]) if len(there) == len(pair) else _said("alone", name=there[0])
    if reason is None:
        return []
    if not all(name in before for name in pair):
        return [_said("pair", cert=cert, key=key, reason=reason)] if len(there) == len(pair) else []
    files |= {name: before[name] for name in pair}
    return [_said("pair_kept", cert=cert, key=key, reason=reason)]


def misfit(cert: bytes, key: bytes) -> Sentence | None:
    """Why this certificate and this key (PEM) do not belong together; None when they do. Neither is written to a disk."""
    import ssl  # noqa: PLC0415  needed for others than before only, and each start of the agent waits for this program

    def no_password() -> str:
        raise _Refused("locked")

    with open(os.memfd_create("cert"), "wb", 0) as cert_file, open(os.memfd_create("key"), "wb", 0) as key_file:  # noqa: PTH123  no paths
        cert_file.write(cert)
        key_file.write(key)
        cert_path, key_path = (f"/proc/self/fd/{file.fileno()}" for file in (cert_file, key_file))
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert_path, key_path, no_password)
        except ssl.SSLError as e:
            if e.reason == "KEY_VALUES_MISMATCH":
                return _said("mismatch")
            return _said("no_pem", reason=e.reason or e)
        except _Refused as e:
            return e.reason
        except (OSError, ValueError) as e:
            return _said("unusable", reason=e)
    return None


def _said(code: str, /, **facts: object) -> Sentence:
    return filled(KEYS[code], facts)


def folder(config: Path) -> Path:
    """Where the keys of the config at that path lie."""
    return config.absolute().parent / SOURCE.name


def strays(config: Path) -> list[Sentence]:
    """A sentence for each thing in that folder that the agent would not be given, or could not use; none when we may not look into it."""
    source = folder(config)
    return plan(source, {}, config).left_out if os.access(source, os.R_OK | os.X_OK) else []


# --- the stage --------------------------------------------------------------------------------------------------------------------------


def staged(stage: Path) -> Files:
    """What lies there: what the agent was given at its last start. What cannot be read does not lie there."""
    try:
        return {path.name: path.read_bytes() for path in stage.iterdir() if path.is_file() and not path.name.startswith(".")}
    except OSError:
        return {}


def lay(stage: Path, files: Mapping[str, bytes]) -> None:
    """Have exactly these files there, for root only, each replaced at once.

    Raises:
        OSError: the stage cannot be written.
    """
    stage.mkdir(mode=0o700, exist_ok=True)
    for path in stage.iterdir():
        if path.name not in files:
            path.unlink()
    there = staged(stage)
    for name, data in files.items():
        if there.get(name) != data:
            new = stage / f".{name}"
            new.unlink(missing_ok=True)
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400), "wb") as file:  # noqa: PTH123  a mode
                file.write(data)
            new.replace(stage / name)


def main(argv: list[str]) -> int:
    """Lay the stage and say what was left out; with `--differs` only say by the exit code whether it would be another than now."""
    before, asked = staged(STAGE), argv == ["--differs"]
    # At the start of the machine the agent waits for this: that a pair is none it says itself (link.certificate), and so does doctor.
    planned = plan(SOURCE, before, CONFIG, weigh=asked)
    differs = planned.files != before
    # The timer comes each five minutes: what has not changed was said before.
    if differs or not (asked and os.environ.get(TRIGGER, "").endswith(".timer")):
        for line in planned.left_out:
            sys.stderr.write(f"{line}\n")
    if asked:
        if differs:
            sys.stderr.write("the agent is to be given other keys than it has: it is started afresh, if it runs\n")
        return DIFFERS if differs else SAME
    lay(STAGE, planned.files)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
