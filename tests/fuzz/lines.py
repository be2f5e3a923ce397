"""A seed in, lines of NMEA out that a receiver, a bad wire or an enemy could say: our own good lines, and mutants of them."""

import functools
import operator
import random
from collections.abc import Iterator
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "golden" / "nmea_corpus"
"""Lines that once broke something, or that reach a place nothing else does; our own, one a line, `\\xNN` for other bytes than ASCII."""

ODD = (
    "",
    "0",
    "-0",
    "1e999",
    "nan",
    "inf",
    "-1",
    "9" * 12,
    "٣",
    "²",
    "0x10",
    "1_4",
    " 1",
    "+",
    "-",
    ".",
    "..",
    "1.2.3",
    "60",
    "235960.9",
    "\x00",
)
ODD_BYTES = (b"$", b"*", b",", b"\r", b"\n", b"\xff", b"\x00", b"#VERSIONA,", b"$$", b"*00", b"\xb5b")
KINDS = ("GGA", "GNS", "RMC", "GLL", "VTG", "GST", "GBS", "ZDA", "GSA", "GSV", "TXT", "THS", "XYZ")
TALKERS = ("BD", "GB", "GP", "GN", "GL", "GA", "GQ", "PQ", "P", "II", "", "?")


def summed(body: bytes) -> bytes:
    """A body between `$` and `*` as a line with a right checksum."""
    return b"$%b*%02X\r\n" % (body, functools.reduce(operator.xor, body, 0))


def kept() -> list[bytes]:
    """The corpus, as it is to be read: with line ends."""
    lines = []
    for file in sorted(CORPUS.glob("*.txt")):
        for line in file.read_text().splitlines():
            if line and not line.startswith(";"):
                lines.append(line.encode().decode("unicode_escape").encode("latin-1") + b"\r\n")
    return lines


def good(rng: random.Random) -> bytes:
    """A line that a sound receiver could say, though not always one that fits its neighbours."""
    h, m, s = rng.randrange(24), rng.randrange(60), rng.randrange(61)
    tod = f"{h:02}{m:02}{s:02}.{rng.randrange(100):02}"
    lat, lon = f"{rng.randrange(90):02}{rng.random() * 59:08.5f},N", f"{rng.randrange(180):03}{rng.random() * 59:08.5f},E"
    talker = rng.choice(TALKERS)
    n, total = rng.randrange(1, 10), rng.randrange(1, 10)
    view = ",".join(
        f"{rng.randrange(1, 470)},{rng.randrange(-5, 91)},{rng.randrange(361)},{rng.randrange(60)}" for _ in range(rng.randrange(5))
    )
    used = ",".join(str(rng.randrange(1, 470)) if rng.random() < 0.7 else "" for _ in range(12))
    mode, date = rng.choice("ADEFMNPRSQ"), f"{rng.randrange(1, 32):02}1126"
    body = rng.choice(
        (
            f"{talker}GGA,{tod},{lat},{lon},{rng.randrange(10)},{rng.randrange(40):02},0.9,76.5,M,-21.6,M,,",
            f"{talker}RMC,{tod},{rng.choice('AVD')},{lat},{lon},{rng.random() * 99:.2f},{rng.randrange(361)},{date},,,{mode},V",
            f"{talker}GLL,{lat},{lon},{tod},{rng.choice('AV')},{mode}",
            f"{talker}GNS,{tod},{lat},{lon},{mode}{rng.choice('AN')},11,1.3,168.9,39.5,,,V",
            f"{talker}VTG,{rng.randrange(361)}.0,T,,M,10.00,N,18.52,K,{mode}",
            f"{talker}GST,{tod},,,,,3.0,4.0,9.0",
            f"{talker}GBS,{tod},2.4,1.5,3.9,,,,,,",
            f"{talker}ZDA,{tod},{rng.randrange(1, 32):02},11,{rng.randrange(1980, 2100)},00,00",
            f"{talker}GSA,A,{rng.randrange(1, 4)},{used},1.5,0.9,1.2,{rng.randrange(8)}",
            f"{talker}GSV,{total},{n},12,{view},{rng.randrange(10)}",
            f"{talker}TXT,01,01,02,{rng.choice(('ANTENNA OK', 'ANTSTATUS=SHORT', 'SW=URANUS5', 'a,b,c'))}",
            rng.choice(("PCAS10,0", "PAIR001,062,0", "PGRMZ,125,f,3", "PSTMANTENNASTATUS,1,1,1,0", "PUBX", "OK", "PDTINFO,UM621-02")),
        )
    )
    return summed(body.encode())


def mutant(rng: random.Random, line: bytes, other: bytes) -> bytes:
    """A line with one to three things wrong in it; six of ten have the checksum repaired, so that the fields are read."""
    data = bytearray(line)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data)) if data else 0
        match rng.randrange(9):
            case 0 if data:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + rng.randrange(1, 20)]
            case 2:
                data[at:at] = rng.choice(ODD_BYTES)
            case 3:
                data[at:at] = other[rng.randrange(len(other)) :]
            case 4 | 5:
                fields = bytes(data).split(b",")
                fields[rng.randrange(len(fields))] = rng.choice(ODD).encode()
                data = bytearray(b",".join(fields))
            case 6:
                data[3:6] = rng.choice(KINDS).encode()
            case 7:
                data[at:at] = bytes([rng.randrange(256)]) * rng.choice((1, 2, 40, 400))
            case _:
                fields = bytes(data).split(b",")
                del fields[rng.randrange(len(fields))]
                data = bytearray(b",".join(fields))
    if rng.random() < 0.6:
        body = bytes(data).strip().lstrip(b"$").rpartition(b"*")[0]
        return summed(body)
    return bytes(data) if rng.random() < 0.9 else bytes(data).strip()


def lines(seed: int) -> Iterator[bytes]:
    """Without end: one in five is good, the rest are mutants of good and of kept ones."""
    rng = random.Random(seed)
    seeds = kept()
    other = good(rng)
    while True:
        line = good(rng) if not seeds or rng.random() < 0.9 else rng.choice(seeds)
        yield line if rng.random() < 0.2 else mutant(rng, line, other)
        other = line
