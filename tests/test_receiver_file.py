"""Kinds of receivers: every file of firmware_config/receivers is right, says where each sentence is from, and is found by its name."""

import re
import tomllib
from pathlib import Path

import pytest

from agent import receiver_file
from agent.config import Gnss
from agent.core.phrasebook import Phrase, Phrasebook, Want, is_ubx, sentence
from agent.core.setup import wanted
from agent.receiver_file import ReceiverFileError

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "firmware_config" / "receivers").glob("*.toml"))
KINDS = [file.stem for file in FILES if file.stem != "generic"]
ISSUE = {"atgm336h", "ublox_m8", "ublox_m9", "ublox_m10", "l76k", "lc29h", "um980", "um220", "mt3333"}

PUBLISHED = {
    "atgm336h": ("$PCAS04,2*1B", "$PCAS04,3*1A", "$PCAS02,100*1E", "$PCAS01,5*19", "$PCAS00*01"),
    "l76k": ("$PCAS04,7*1E", "$PCAS02,200*1D"),
    "lc29h": ("$PAIR066,1,0,0,1,0,0*3A", "$PAIR050,100*22", "$PAIR864,0,0,115200*1B", "$PAIR513*3D"),
    "ublox_m8": ("$PUBX,41,1,0007,0003,115200,0*18", "$PUBX,40,GGA,0,1,0,0,0,0*5B", "B562060806006400010001007A12"),
    "ublox_m9": ("B562068A100000070000010021306400020021300100B187",),
    "mt3333": ("$PMTK353,1,0,0,0,1*2B", "$PMTK220,100*2F", "$PMTK251,38400*27", "$PMTK314,0,1,0,1,1,5,0,0,0,0,0,0,0,0,0,0,0,0,0*2C"),
    "um220": ("$CFGSYS,h10*5E", "$CFGSYS,h11*5F", "$CFGSAVE*43"),
    "um980": ("MASK GPS", "SAVECONFIG"),
}
"""Of each kind some whole sentences as others published them, written down here a second time."""


def phrases(book: Phrasebook) -> list[Phrase]:
    """All of one kind."""
    groups = [*book.constellations.values(), *book.rate.values(), *book.baud.values()]
    groups += [book.identify.ask, book.sentences.standard, book.save]
    return [phrase for group in groups for phrase in group]


def test_the_kinds_that_were_asked_for_are_there() -> None:
    assert set(KINDS) >= ISSUE


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_asked_who_it_is_and_told_constellations_rate_sentences_and_speed(kind: str) -> None:
    book = receiver_file.read(kind)
    assert book.identify.ask
    assert book.identify.answers or book.identify.kinds
    assert {"beidou", "beidou_gps"} <= set(book.constellations) <= {"beidou", "beidou_gps", "all"}
    assert {"1", "5"} <= set(book.rate) <= {"1", "5", "10"}
    assert {"9600", "115200"} <= set(book.baud)
    assert {"GGA", "RMC"} <= set(book.sentences.hears)
    assert not set(book.sentences.hears) & set(book.sentences.silences)
    assert book.save or kind in ("ublox_m9", "ublox_m10", "mt3333")


@pytest.mark.parametrize("kind", KINDS)
def test_our_checksums_are_those_that_were_published(kind: str) -> None:
    """The text goes through our own XOR or Fletcher; the whole sentence beside it is the source's."""
    sent = set()
    for phrase in phrases(receiver_file.read(kind)):
        if phrase.text:
            assert phrase.encoded() == f"{phrase.line}\r\n".encode()
        if phrase.hex:
            assert is_ubx(phrase.hex)
        sent.add(phrase.hex.replace(" ", "") or phrase.encoded().decode().strip())
    assert set(PUBLISHED.get(kind, ())) <= sent


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_sentence_has_its_source_beside_it(file: Path) -> None:
    """A comment at the end of the line, on the line above, or at the table's header; the letters are explained at the top."""
    lines = file.read_text().splitlines()
    letters = set(re.findall(r"(?<!\S)([A-Z])  \S", "\n".join(line for line in lines if line.startswith("#"))))
    found = 0
    for number, line in enumerate(lines):
        if not re.search(r"\bsure = (true|false)", line):
            continue
        found += 1
        header = next((at for at in reversed(lines[:number]) if at.startswith("[[")), "") if line.startswith("sure") else ""
        above = [at for at in (lines[number - 1], lines[number - 2]) if at.strip().startswith("#")]
        comment = " ".join((line.partition("  # ")[2], header.partition("  # ")[2], *above))
        named = set(re.findall(r"\b[A-Z]\b", comment)) & letters
        assert named or "built by us" in comment or "form as below" in comment, f"{number + 1}: {line}"
    assert found == len(phrases(receiver_file.read(str(file))))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_key_of_a_file_is_passed_over(file: Path) -> None:
    assert tomllib.loads(file.read_text())["name"] == receiver_file.read(str(file)).name


# --- what is wrong with a file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('nmae = "x"', "unknown field `nmae`"),
        ("", "missing required field `name`"),
        ('name = "x"\n[[save]]\ntext = "PCAS00"\nline = "$PCAS00*02"\nsure = true', "$PCAS00*01"),
        ('name = "x"\n[[save]]\ntext = "PCAS00"\nsure = true', "$PCAS00*01"),
        ('name = "x"\n[[save]]\nhex = "B5 62 06 08 06 00 64 00 01 00 01 00 7A 13"\nsure = true', "UBX"),
        ('name = "x"\n[[save]]\nhex = "B5 6"\nsure = true', "UBX"),
        ('name = "x"\n[[save]]\nplain = "a\\r\\nb"\nsure = true', "printable"),
        ('name = "x"\n[[save]]\nplain = "a"\nhex = "b5"\nsure = true', "one of text, plain and hex"),
        ('name = "x"\n[[save]]\nplain = "a"', "sure"),
        ('name = "x"\n[[save]]\nplain = "a"\nsure = true\nwait_s = 60.0', "wait_s"),
        ("name = ", "Invalid value"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_name(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ReceiverFileError, match=re.escape(says)) as told:
        receiver_file.read(str(file))
    assert str(file) in str(told.value)


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ReceiverFileError, match="No such file"):
        receiver_file.read(str(tmp_path / "mine.toml"))


def test_bytes_that_are_no_text_and_megabytes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"name = '\xff'")
    with pytest.raises(ReceiverFileError):
        receiver_file.read(str(file))
    file.write_bytes(b"#" * (receiver_file.BYTES_MAX + 1))
    with pytest.raises(ReceiverFileError, match="bytes"):
        receiver_file.read(str(file))


# --- where files are looked for -------------------------------------------------------------------------------------------------------


def test_the_first_place_that_has_the_kind_wins(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "etc", tmp_path / "usr"
    for place, name in ((ours, "ours"), (theirs, "theirs")):
        place.mkdir()
        (place / "um220.toml").write_text(f'name = "{name}"')
    (theirs / "other.toml").write_text('name = "other"')
    places = (tmp_path / "nowhere", ours, theirs)
    assert receiver_file.read("um220", places).name == "ours"
    assert receiver_file.read("other", places).name == "other"
    assert receiver_file.names(places) == ["other", "um220"]
    with pytest.raises(ReceiverFileError, match='no receiver "l76k"; known: other, um220'):
        receiver_file.read("l76k", places)


def test_a_keepers_own_file_goes_before_ours_and_the_checkout_before_what_is_installed() -> None:
    assert receiver_file.PLACES[0] == Path("/etc/outpost/receivers")
    assert receiver_file.PLACES[1] == ROOT / "firmware_config" / "receivers"


def test_the_wheel_carries_every_kind_to_where_it_is_looked_for() -> None:
    files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    assert files[receiver_file.SHARED] == ["firmware_config/receivers/*.toml"]


def test_generic_is_known_without_a_file_and_knows_nothing() -> None:
    book = receiver_file.read("generic", ())
    assert phrases(book) == []
    everything = Gnss(constellations="all", rate_hz=10, sentences="standard", baud_wanted=115200)
    assert wanted(everything, book) == {}
    assert phrases(receiver_file.read(str(ROOT / "firmware_config" / "receivers" / "generic.toml"))) == []


def test_a_sentence_is_closed_with_the_xor_of_its_characters() -> None:
    """Two that were published: u-blox's $PUBX,00 poll, and one whose digits XOR cannot tell apart."""
    assert sentence("PUBX,00") == "$PUBX,00*33"
    assert sentence("CFGSYS,h01")[-2:] == sentence("CFGSYS,h10")[-2:] == "5E"


def test_what_a_kind_knows_can_be_listed_and_asked_for() -> None:
    book = receiver_file.read("l76k")
    for want in Want:
        for value in book.values(want):
            assert book.phrases(want, value)
    assert book.phrases(Want.RATE, 10) == ()
    assert book.phrases(Want.SENTENCES, "keep") == ()
    assert Phrasebook(name="x").values(Want.SENTENCES) == []
