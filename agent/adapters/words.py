"""One good line that is not of the fix in; what the receiver says in it in plain words out: a `Word`, or None.

That is: TXT sentences, who the receiver is, its answers to commands, and what it says of its antenna. Sources: CASIC protocol 4.2 (ANTENNA
OPEN/OK/SHORT), u-blox and MediaTek (ANTSTATUS=), GlobalTop's data sheet of the FGPMMOPA6H, 3.2 ($PGTOP,11), ST Teseo
($PSTMANTENNASTATUS, as gpsd reads it), Quectel PAIR and PQTM, MediaTek PMTK, Unicore ($PDTINFO, $OK, $FAIL; #VERSIONA with the 32 bit CRC
of its ASCII logs, held against two published answers).
"""

import functools
import operator
import zlib

import msgspec

TEXT_CHARS_MAX = 120

_ANTENNA = {
    "ANTENNA OK": "ok",
    "ANTENNA OPEN": "open",
    "ANTENNA SHORT": "short",
    "ANTSTATUS=OK": "ok",
    "ANTSTATUS=OPEN": "open",
    "ANTSTATUS=SHORT": "short",
}
"""ANTSTATUS=INIT and =DONTKNOW say nothing."""

_MEDIATEK_ANTENNA = {"1": "short", "3": "ok"}
"""$PGTOP,11,n (GlobalTop) and $PCD,11,n (CDTop); 2 is "using the internal antenna": right in a module that has no other."""

_TESEO_ANTENNA = {"0": "ok", "1": "open", "2": "short"}

_ANSWERS = ("PAIR0", "PMTK0", "PMTK7", "PCAS", "PQTMVER", "PDTINFO", "PGRMT,", "PASHR,RID,", "PSRFTXT,", "OK", "FAIL", "command,")
"""What begins an answer or an identification: $PAIR001 and 021, $PMTK001 and 705, $PQTMVERNO, $PDTINFO, $OK*04, $command,…,response;
Garmin's, Ashtech's and SiRF's versions ($PGRMT comes once a minute, and is told once)."""


class Word(msgspec.Struct, frozen=True):
    """What was said; `antenna` is "ok", "open" or "short" when that is what it was about."""

    text: str
    antenna: str | None = None


def is_right(line: str) -> bool:
    """Whether the checksum fits: XOR of all between $ and * (NMEA 0183, 5.3.1)."""
    body, _, checksum = line[1:].rpartition("*")
    try:
        return len(checksum) == 2 and int(checksum, 16) == functools.reduce(operator.xor, body.encode("ascii"), 0)
    except ValueError:
        return False


def is_log_right(line: str) -> bool:
    """The same for an ASCII log, `#NAME,…;…*cccccccc`: CRC-32 with neither start value nor final inversion (Unicore, NovAtel)."""
    body, _, checksum = line[1:].rpartition("*")
    try:
        return len(checksum) == 8 and int(checksum, 16) == zlib.crc32(body.encode("ascii"), 0xFFFFFFFF) ^ 0xFFFFFFFF
    except ValueError:
        return False


def word(line: str) -> Word | None:
    """What a line whose checksum is right says in words, from its `$` or `#`."""
    body = line[1:].rpartition("*")[0]
    if body[2:6] == "TXT,":
        return _text(body)
    if body.startswith("PSTMANTENNASTATUS,"):
        return Word(_clean(body), _TESEO_ANTENNA.get(body.split(",")[1]))
    if body.startswith(("PGTOP,11,", "PCD,11,")):
        return Word(_clean(body), _MEDIATEK_ANTENNA.get(body.split(",")[2].strip()))
    if line.startswith("#VERSIONA,"):
        return Word(_clean(body.partition(";")[2]))
    if body.startswith(_ANSWERS) and body.partition(",")[0] not in ("PCAS60", "PMTK010"):
        return Word(_clean(body))
    return None


def _text(body: str) -> Word | None:
    """TXT: total, number, kind, text, which may itself hold commas; receivers of old leave the first three out."""
    fields = body.split(",", 4)
    text = fields[4] if len(fields) == 5 else body.partition(",")[2]
    if not text.strip():
        return None
    upper = text.upper().strip()
    return Word(_clean(text), next((state for said, state in _ANTENNA.items() if upper.startswith(said)), None))


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:TEXT_CHARS_MAX]).strip()
