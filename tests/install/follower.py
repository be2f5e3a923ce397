"""Somebody who has the page before them, a computer and a unit: a block goes in; it is typed where it belongs, or entered in the editor.

Both are one booted tree, which is its own network: `office` is who sits at the computer, `user` who was named when the card was flashed.
ssh and scp are Debian's, between the two, through sshd. What is not as on the page: TYPED_INSTEAD, and the editor, whose file is changed
here; a terminal that a restart has ended is opened anew.
"""

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.install import unit
from tests.install.hands import Hands
from tests.install.login import Deed, Login, may_log_in
from tests.install.page import Block, entered
from tests.install.tree import Tree

OFFICE, USER = "office", "user"
HOSTS = "127.0.0.1 localhost raspberrypi raspberrypi.local unit\n"

TYPED_INSTEAD: Mapping[str, str] = {"-aarch64.": f"-{platform.machine()}."}
"""The bundle is this machine's."""

FROM_THE_COMPUTER = ("scp", "ssh")
LOG_IN = "ssh user@raspberrypi.local"

MAY_FAIL = {
    "sudo outpost why": "it finds what is wrong: here are no receiver and no broker",
    "sudo outpost doctor": "the same",
    "sudo outpost commission": "a tree lies on an overlay here, which is a FAIL; what else it finds, the report says",
}


class Follower:
    """Types at two terminals. `tree`: both machines, as flashed; `hands`: what is done at the dashboard."""

    def __init__(self, tree: Tree, hands: Hands) -> None:
        self.tree = tree
        self.hands = hands
        self.boot_words: tuple[str, ...] = ()
        """Further words for systemd-nspawn: what is plugged into the unit."""
        self._computer: Login | None = None
        self._unit: Login | None = None
        self._edited = ""

    def flash(self) -> None:
        """What the imager asks for: names, and a key for SSH."""
        self.tree.write("/etc/hosts", HOSTS)
        self.tree.write("/etc/hostname", "raspberrypi\n")
        self.tree.boot(*self.boot_words)
        tree = self.tree
        for name in (OFFICE, USER):
            may_log_in(tree, name)
        tree.write("/etc/sudoers.d/010_user-nopasswd", f"{USER} ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        tree.run(["runuser", "-l", OFFICE, "-c", "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519"])
        given = f"install -d -m 700 /home/{USER}/.ssh; cp /home/{OFFICE}/.ssh/id_ed25519.pub /home/{USER}/.ssh/authorized_keys"
        tree.run(["sh", "-c", f"{given}; chown -R {USER}: /home/{USER}/.ssh"])

    def put_on_the_computer(self, *files: Path, instead_of: str = "") -> None:
        """Files into the folder in which the computer's terminal is; what is called like `instead_of` is taken away."""
        home = self.tree.path(f"/home/{OFFICE}")
        for old in home.glob(instead_of) if instead_of else ():
            old.unlink()
        subprocess.run(["cp", *map(str, files), str(home)], check=True)
        for file in files:
            (home / file.name).chmod(0o644)  # so that it is office's to read, whoever owns it

    # --- the terminals ----------------------------------------------------------------------------------------------------------------

    @property
    def computer(self) -> Login:
        """The terminal at the computer."""
        if self._computer is None:
            self._computer = Login(self.tree, OFFICE)
        return self._computer

    @property
    def unit(self) -> Login:
        """Another one at the computer, that has been logged in on the unit."""
        if self._unit is None:
            self._unit = Login(self.tree, OFFICE)
            self._say_yes(self._unit, LOG_IN)
        return self._unit

    def hang_up(self) -> None:
        """Close both."""
        for login in (self._unit, self._computer):
            if login is not None:
                login.close()
        self._unit = self._computer = None

    def restart(self) -> None:
        """Switch the unit off, and on."""
        self.hang_up()
        self.tree.shut_down()
        self.tree.boot(*self.boot_words)

    # --- what the page has ------------------------------------------------------------------------------------------------------------

    def enter(self, block: Block) -> None:
        """Into the file that the editor was opened with last."""
        file = self.tree.path(self._edited)
        file.write_text(entered(file.read_text(), block.text))

    def type(self, line: str) -> str:
        """A line, at the terminal where it belongs; what it said. It must end well."""
        for page, here in TYPED_INSTEAD.items():
            line = line.replace(page, here)
        words = line.split()
        if words[:2] == ["sudo", "nano"]:
            self._edited = words[2]
            return ""
        if line == LOG_IN:
            assert self.unit.screen.count(LOG_IN) == 1
            return ""
        if line == "sudo reboot":
            return self._reboot(line)
        return self._say_yes(self.computer if words[0] in FROM_THE_COMPUTER else self.unit, line)

    def _say_yes(self, login: Login, line: str) -> str:
        """ssh asks a new host's first visitor; others ask nothing."""
        trust = Deed(r"Are you sure you want to continue connecting \(yes/no/\[fingerprint\]\)\? ", lambda: login.answer("yes"))
        done = login.line(line, unit.INSTALL_S, [trust, *self.hands.deeds(login)], self.hands.watch)
        print(f"\n$ {done.said}", end="")
        assert done.code == 0 or line in MAY_FAIL, f"{line} ended with {done.code}:\n{done.said}"
        return done.said

    def _reboot(self, line: str) -> str:
        said = self.unit.line(line).said
        self.hang_up()
        self.tree.wait_for("it goes down", lambda: not self.tree.running)
        self.tree.kill()
        self.tree.boot(*self.boot_words)
        return said
