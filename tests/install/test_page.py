"""docs/install.md, followed word by word: a clean Debian that is booted, somebody at two terminals with an editor, no network."""

import contextlib
import json
import re
import struct
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import __version__
from agent.adapters.store_version import VERSION
from tests import sources
from tests.commissioning import genuine
from tests.install import bundles, plugged, unit
from tests.install.car import BENCH
from tests.install.debian import base_tree, why_not
from tests.install.follower import Follower
from tests.install.hands import DONE, LEFT_OUT, Hands
from tests.install.page import Block, blocks

PAGES = ("install.md", "install.zh-CN.md")

LATER = "0.2.0"
"""It has another format of the store."""

NOT_TYPED = {"sudo systemctl stop outpost": "of a store's disk that was gone: tests/install/test_store_place.py types them"}
"""Blocks that are no part of this story, by their first line, and where they are typed, or why they cannot be."""

IN_PASSING = {
    "sudo raspi-config": "no Raspberry Pi OS; what it makes is made by `plugged.overlay`",
    "sudo raspi-config nonint disable_overlayfs": "the same",
    "sudo raspi-config nonint enable_overlayfs": "the same",
    "sudo systemctl edit outpost": "an editor",
    "sudo ./install uninstall": "of an uninstallation that was cut off: tests/installer",
}
"""Commands within sentences that nobody types here. (The table of what it says is of cases that do not come up.)"""

STORE, SET_ASIDE, OF_THE_ROLLBACK = (f"/var/lib/outpost/{name}/cache.db" for name in ("spool", "spool.newer-1", "spool.of-the-rollback"))
REPORTS = "/var/lib/outpost-reports"
CERTIFICATE = ("unit.crt", "unit.key")
HANDED = "/run/credentials/outpost.service/keys_unit.crt"


def text_of(page: str) -> str:
    """The whole page."""
    return (sources.PROJECT / "docs" / page).read_text("utf-8")


def page_blocks(page: str) -> list[Block]:
    """All that the page has."""
    return list(blocks(text_of(page)))


def prose(page: str) -> str:
    """The page without its blocks."""
    return re.sub(r"(?ms)^```.*?^```$", "", text_of(page))


@pytest.mark.parametrize("page", PAGES)
def test_each_block_of_the_page_is_typed_entered_or_named_as_one_that_cannot_be(page: str) -> None:
    assert "~~~" not in text_of(page)
    fenced = text_of(page).count("```") // 2
    found = page_blocks(page)
    assert len(found) == fenced, "a block that is not recognized as one"
    other = {block.text.splitlines()[0] for block in found if block.kind not in ("sh", "toml")}
    assert other == set(NOT_TYPED)


@pytest.mark.parametrize("page", PAGES)
def test_each_command_for_root_within_a_sentence_is_typed_in_a_block_too_or_named(page: str) -> None:
    text = "\n".join(line for line in prose(page).splitlines() if not line.startswith("|"))
    typed = {line for block in page_blocks(page) if block.kind == "sh" for line in block.text.splitlines()}
    assert {code for code in re.findall(r"`([^`\n]+)`", text) if code.startswith("sudo ")} - typed == set(IN_PASSING)


def test_both_pages_have_the_same_commands() -> None:
    english, chinese = (page_blocks(page) for page in PAGES)
    assert chinese == english
    inline = [set(re.findall(r"`([^`\n]+)`", prose(page))) for page in PAGES]
    assert inline[0] ^ inline[1] == set(), "a command, file or word that only one of them names"


class Fleet:
    """Whoever gives out certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._openssl("-subj", "/CN=fleet", "-out", "ca.crt", "-keyout", "ca.key")

    def certify(self) -> str:
        """The unit's certificate and key, unit.crt and unit.key, new each time; the certificate."""
        self._openssl("-subj", "/CN=JD-0417", "-CA", "ca.crt", "-CAkey", "ca.key", "-out", "unit.crt", "-keyout", "unit.key")
        return (self.folder / "unit.crt").read_text()

    def _openssl(self, *words: str) -> None:
        key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
        made = subprocess.run(["openssl", *key, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr


class Story:
    """What goes on around the page's lines, and whether what the page says is so. `before`, `after`: by line, as often as it is there."""

    def __init__(self, follower: Follower, fleet: Fleet, releases: tuple[Path, Path], stack: contextlib.ExitStack) -> None:
        self.follower, self.fleet, self._releases, self._stack = follower, fleet, releases, stack
        self._card = follower.tree
        self._certificate = ""
        self._inode = 0
        self.before: dict[str, list[Callable[[], None]]] = defaultdict(list) | {
            "ssh user@unit 'rm -rf outpost-*'": [self.a_release_comes_out],
            "scp unit.crt unit.key user@unit:": [self.a_certificate_is_given, lambda: None],
            "ssh -t user@unit 'sudo mount -o remount,rw /'": [self.the_root_is_made_read_only],
            "sudo mount -o remount,rw /media/root-ro && sudo cp unit.crt unit.key /media/root-ro/etc/outpost/keys/": [
                self.the_root_is_made_one_that_forgets
            ],
            "sudo outpost-install uninstall": [self.the_root_is_as_it_was],
        }
        self.after: dict[str, list[Callable[[], None]]] = defaultdict(list) | {
            "sudo outpost commission": [self.there_is_a_report],
            "sudo ./install": [lambda: None, self.the_new_version_has_brought_the_store_up],
            "sudo outpost-install rollback": [self.the_newer_store_is_set_aside, self.the_newer_version_is_back],
            "sudo systemctl start outpost": [self.the_store_has_its_name_back],
            "sudo mkfs.ext4 -L outpost-state /dev/sda1": [lambda: plugged.label_is_seen(self._card)],
            "sudo outpost-install move-store": [self.the_store_is_on_its_disk],
            "sudo install -m 600 unit.crt unit.key /etc/outpost/keys/ && rm unit.key": [self.it_is_used, self.it_is_used],
            "ssh -t user@unit 'sudo install -m 600 unit.crt unit.key /etc/outpost/keys/ && rm unit.key; sudo mount -o remount,ro /'": [
                self.it_is_used_and_the_root_is_read_only
            ],
        }

    def follow(self, page: list[Block]) -> None:
        """From its beginning to its end."""
        for block in page:
            if block.kind == "toml":
                self.follower.enter(block)
            for line in block.text.splitlines() if block.kind == "sh" else ():
                for around in self.before[line][:1]:
                    around()
                self.follower.type(line)
                for around in self.after[line][:1]:
                    around()
                self.before[line], self.after[line] = self.before[line][1:], self.after[line][1:]
        left = {line for about in (self.before, self.after) for line, arounds in about.items() if arounds}
        assert left == set(), "lines that the page has no more, or not as often"

    # --- the unit, as it is found -----------------------------------------------------------------------------------------------------

    def _faults(self) -> set[str]:
        said = self._card.run(["outpost", "status", "--json"], check=False).stdout
        return {fault["code"] for fault in json.loads(said[said.index("{") :])["faults"]}

    def _inode_of(self, path: str) -> int:
        return self.follower.tree.inside(path).stat().st_ino

    def there_is_a_report(self) -> None:
        """Signed, and with all that was done; nothing has failed but what is so: a tree here lies on an overlay."""
        (report,) = self._card.path(REPORTS).glob("*.json")
        told = json.loads(report.read_bytes())
        results = {step["name"]: step["result"] for step in told["steps"]}
        assert {name for name, result in results.items() if result == "skip"} == set(LEFT_OUT), results
        assert results.keys() == {*DONE, *LEFT_OUT}
        assert {line["code"] for step in told["steps"] for line in step["lines"] if line["result"] == "fail"} <= {"disk.mount"}, told
        assert genuine(report, self.fleet.folder / "unit.crt")

    def a_release_comes_out(self) -> None:
        """And lies alone at the computer."""
        assert unit.running(self._card) == __version__, "what the page has done so far"
        self._inode = self._inode_of(STORE)
        self.follower.put_on_the_computer(packed(self._releases[1], self.fleet.folder), instead_of="outpost-*")

    def the_new_version_has_brought_the_store_up(self) -> None:
        assert unit.running(self._card) == LATER
        assert self._inode_of(STORE) == self._inode
        assert "store.damaged" not in self._faults()

    def the_newer_store_is_set_aside(self) -> None:
        assert unit.running(self._card) == __version__
        assert self._inode_of(SET_ASIDE) == self._inode
        assert format_of(self._card.path(SET_ASIDE)) == VERSION + 1
        assert self._inode_of(STORE) != self._inode
        assert "store.damaged" in self._faults()
        assert f"previous  {LATER}" in unit.verb(self._card, "status")

    def the_newer_version_is_back(self) -> None:
        assert unit.running(self._card) == LATER

    def the_store_has_its_name_back(self) -> None:
        unit.wait_running(self._card, LATER)
        assert self._inode_of(STORE) == self._inode
        assert self._card.path(OF_THE_ROLLBACK).is_file()
        assert not self._card.path(SET_ASIDE).exists()
        assert "store.damaged" not in self._faults()

    def the_store_is_on_its_disk(self) -> None:
        unit.wait_running(self._card, LATER)
        options = self._card.run(["findmnt", "-n", "-o", "SOURCE,FSTYPE,OPTIONS", "/var/lib/outpost"]).stdout
        assert {"ext4", "noatime", "commit=30"} <= set(re.split(r"[\s,]+", options))
        assert self._card.inside(OF_THE_ROLLBACK).is_file()
        assert list(self._card.path("/var/lib/outpost").iterdir()) == [], "the old one, below the mount"

    # --- new certificates -------------------------------------------------------------------------------------------------------------

    def a_certificate_is_given(self) -> None:
        """To whoever sits at the computer."""
        self._certificate = self.fleet.certify()
        self.follower.put_on_the_computer(*(self.fleet.folder / name for name in CERTIFICATE))

    def it_is_used(self) -> None:
        """The agent has been given it, and is READY with it."""
        tree = self.follower.tree
        tree.wait_for("it is taken up", lambda: tree.run(["cat", HANDED], check=False).stdout == self._certificate)
        unit.wait_running(tree, LATER)

    def it_is_used_and_the_root_is_read_only(self) -> None:
        self.it_is_used()
        assert self._card.run(["touch", "/etc/x"], check=False).returncode != 0

    def the_root_is_made_read_only(self) -> None:
        """By its own fstab, as the page has it."""
        self.a_certificate_is_given()
        self._card.write("/etc/fstab", "overlay / overlay ro 0 0\n")
        self.follower.restart()
        unit.wait_running(self._card, LATER)
        self._refuses("/ is mounted read-only: sudo mount -o remount,rw /")
        refused = self.follower.computer.line("scp unit.crt unit.key user@unit:")
        assert refused.code != 0, "as the page says"

    def _refuses(self, words: str) -> None:
        """The installer, on a root that it cannot write to."""
        said = self.follower.unit.line("cd && cd outpost-*/ && sudo ./install")
        assert said.code == 1
        assert words in said.said

    def the_root_is_made_one_that_forgets(self) -> None:
        """Like raspi-config's overlay, but made here; then the files are copied as to a usual root."""
        self.follower.hang_up()
        self._card.shut_down()
        subprocess.run(["mount", "-o", "remount,rw", str(self._card.root)], check=True)
        self._card.path("/etc/fstab").unlink()
        self.a_certificate_is_given()
        tree, below = self._stack.enter_context(plugged.overlay(self._card))
        bench = str(Path(BENCH).parent)
        tree.boot(*self.follower.boot_words, *below, f"--bind={self._card.path(bench)}:{bench}")
        self.follower.tree = tree
        unit.wait_running(tree, LATER)
        said = tree.run(["outpost", "doctor", "--lang", "en"], check=False, timeout=unit.INSTALL_S).stdout
        assert "/etc/outpost/keys lies on an overlay in memory" in said
        self._refuses("/ is an overlay, what is written to it is gone at the next start")
        self.follower.type("scp unit.crt unit.key user@unit:")
        self.follower.type("cd")  # as the block's own line, which another terminal had

    def the_root_is_as_it_was(self) -> None:
        """And the certificate lies on the card."""
        self.follower.hang_up()
        self._stack.close()
        self.follower.tree = self._card
        self.follower.restart()
        self.it_is_used()


def packed(bundle: Path, to: Path) -> Path:
    """The bundle as it is handed out."""
    made = to / f"{bundle.name}.tar.gz"
    with tarfile.open(made, "w:gz") as archive:
        archive.add(bundle, bundle.name, filter=lambda entry: entry.replace(uid=0, gid=0, uname="root", gname="root", deep=False))
    return made


def format_of(file: Path) -> int:
    """What a store's file says of itself (sqlite.org/fileformat, offset 60)."""
    return int(struct.unpack_from(">I", file.read_bytes(), 60)[0])


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The release, and the one after it, with sums that are right."""
    if reason := why_not():
        pytest.skip(reason)
    release = bundles.release(tmp_path_factory.mktemp("bundles"))
    return release, bundles.later(release, LATER, ends=bundles.NEWER_STORE)


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    """At the computer; a card is flashed, and an empty disk is plugged in."""
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(plugged.blank_disk(tmp_path))
        tree = stack.enter_context(unit.flashed(base_tree(unit.FLASHED), tmp_path / "root"))
        hands = Hands(tree)
        stack.callback(hands.close)
        made = Follower(tree, hands)
        stack.callback(made.hang_up)
        made.boot_words = (f"--bind={disk}:{plugged.PARTITION}",)
        made.flash()
        yield made


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("page", PAGES)
def test_the_page_leads_from_a_clean_system_through_a_unit_s_life_to_its_removal(
    page: str, follower: Follower, releases: tuple[Path, Path], tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path / "fleet")
    fleet.certify()
    given = [fleet.folder / name for name in ("ca.crt", *CERTIFICATE)]
    follower.put_on_the_computer(packed(releases[0], fleet.folder), *given)
    with contextlib.ExitStack() as stack:
        Story(follower, fleet, releases, stack).follow(page_blocks(page))
    assert set(follower.hands.looked_at) >= {"panic_lamp", "buzzer", "red_rear"}
    left = [line for line in unit.files(follower.tree, "/opt", "/usr/local", "/etc/systemd", "/boot").splitlines() if "outpost" in line]
    assert left == []
    assert follower.tree.path("/etc/outpost/agent.toml").is_file()
