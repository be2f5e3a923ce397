"""What a kind of receiver is told, as data: the phrases of one file of firmware_config/receivers, and the bytes that each is on the line.

Sources: NMEA 0183 (5.3.1) for the checksum of a sentence; u-blox 8 / M8 protocol specification (33.4, Fletcher 8) for that of a UBX frame.
"""

import enum
import functools
import operator
from collections.abc import Mapping

import msgspec

UBX_HEAD = b"\xb5\x62"
WAIT_S = 0.3
"""Between two phrases: receivers work off one at a time (CASIC, u-blox and Unicore drivers wait 0.1 to 0.5 s)."""


class Want(enum.Enum):
    """What may be wanted of a receiver, in the order in which it is asked for.

    Constellations first, since they restart some receivers and put the sentences back; the line's speed before what needs it.
    """

    CONSTELLATIONS = "constellations"
    BAUD = "baud"
    SENTENCES = "sentences"
    RATE = "rate"


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One command: exactly one of `text` (between `$` and `*`), `plain` (a line without either) and `hex` (a whole UBX frame).

    `line` is the whole sentence as its source has it: our own checksum must agree. `sure`: two independent sources agree.
    """

    text: str = ""
    plain: str = ""
    hex: str = ""
    line: str = ""
    sure: bool
    wait_s: float = WAIT_S

    def __post_init__(self) -> None:
        """A phrase says one thing in one way, and what can be told wrong is told at once."""
        given = [one for one in (self.text, self.plain, self.hex) if one]
        if len(given) != 1:
            raise ValueError("expected one of text, plain and hex")
        if not all(" " <= c <= "~" and c not in "$*" for c in self.text + self.plain):
            raise ValueError(f"expected printable ASCII without $ and *, found {given[0]!r}")
        if self.text and self.line != sentence(self.text):
            raise ValueError(f"expected line = {sentence(self.text)!r}, found {self.line!r}")
        if self.hex and not is_ubx(self.hex):
            raise ValueError(f"expected a whole UBX frame with its checksum, found {self.hex[:40]!r}…")
        if not 0 <= self.wait_s <= 10:
            raise ValueError(f"expected a wait_s from 0 to 10 seconds, found {self.wait_s}")

    def encoded(self) -> bytes:
        """The bytes for the line; sentences and lines end with CR LF."""
        if self.hex:
            return bytes.fromhex(self.hex)
        return f"{sentence(self.text) if self.text else self.plain}\r\n".encode("ascii")


Phrases = tuple[Phrase, ...]


class Identify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to ask a receiver who it is. It is this kind when it says one of `answers`, or sends one of the sentences in `kinds`.

    It is another kind when it says one of `others`: then nothing more is sent.
    """

    ask: Phrases = ()
    answers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class SentenceSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`standard` makes the receiver send the sentences in `hears`, and none of those in `silences` (types, without talker)."""

    standard: Phrases = ()
    hears: tuple[str, ...] = ()
    silences: tuple[str, ...] = ()


class Phrasebook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of receiver. What it cannot do, or what nobody knows how to say, is not there."""

    name: str
    identify: Identify = Identify()
    constellations: Mapping[str, Phrases] = {}
    rate: Mapping[str, Phrases] = {}
    baud: Mapping[str, Phrases] = {}
    sentences: SentenceSet = SentenceSet()
    save: Phrases = ()

    def phrases(self, want: Want, value: str | int) -> Phrases:
        """How to ask for that; empty when the kind does not know it."""
        match want:
            case Want.CONSTELLATIONS:
                return self.constellations.get(str(value), ())
            case Want.BAUD:
                return self.baud.get(str(value), ())
            case Want.RATE:
                return self.rate.get(str(value), ())
            case Want.SENTENCES:
                return self.sentences.standard if value == "standard" else ()

    def values(self, want: Want) -> list[str]:
        """What can be asked for."""
        match want:
            case Want.CONSTELLATIONS:
                return list(self.constellations)
            case Want.BAUD:
                return list(self.baud)
            case Want.RATE:
                return list(self.rate)
            case Want.SENTENCES:
                return ["standard"] if self.sentences.standard else []


def sentence(text: str) -> str:
    """`$text*hh` with the XOR of all characters of `text` (NMEA 0183, 5.3.1)."""
    return f"${text}*{functools.reduce(operator.xor, text.encode('ascii', 'replace'), 0):02X}"


def is_ubx(text: str) -> bool:
    """Whether hex digits are one UBX frame: B5 62, class, id, length, payload, and the Fletcher 8 checksum of all between."""
    try:
        frame = bytes.fromhex(text)
    except ValueError:
        return False
    if len(frame) < 8 or frame[:2] != UBX_HEAD or int.from_bytes(frame[4:6], "little") != len(frame) - 8:
        return False
    a = b = 0
    for byte in frame[2:-2]:
        a = (a + byte) & 0xFF
        b = (b + a) & 0xFF
    return frame[-2:] == bytes((a, b))
