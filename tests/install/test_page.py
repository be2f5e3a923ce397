"""docs/install.md, followed word by word: a clean Debian that is booted, somebody with a shell and an editor, no network."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from agent import __version__
from tests import sources
from tests.install import bundles, unit
from tests.install.debian import base_tree, why_not
from tests.install.page import blocks, entered
from tests.install.tree import Tree

HOME = "/home/pi"
PAGES = ("install.md", "install.zh-CN.md")

MAY_FAIL = {
    "sudo outpost why": "it finds what is wrong: here are no pins, no receiver and no broker",
    "sudo outpost doctor": "the same",
}


def type_in(tree: Tree, lines: list[str]) -> list[str]:
    """Type lines into a shell of pi's that stays in its folder; what is to be edited is not run but handed back."""
    edited = []
    for line in lines:
        words = line.split()
        if words[:2] == ["sudo", "nano"]:
            edited.append(words[2])
        elif line == "sudo reboot":
            tree.shut_down()
            tree.boot()
        else:
            script = f'cd "$(cat ~/.where 2>/dev/null || echo ~)"\n{line}\ncode=$?\npwd > ~/.where\nexit $code'
            done = tree.run(["runuser", "-l", "pi", "-c", script], check=False, timeout=unit.INSTALL_S)
            print(f"\n$ {line}\n{done.stdout}{done.stderr}", end="")
            assert done.returncode == 0 or line in MAY_FAIL, f"{line} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return edited


def carry(tree: Tree, bundle: Path) -> None:
    """What the page does from the computer: the archive and the three files into the user's home."""
    home = tree.path(HOME)
    subprocess.run(["sh", "-c", f"rm -rf {home}/outpost-*"], check=True)
    with tarfile.open(home / f"{bundle.name}.tar.gz", "w:gz") as archive:
        archive.add(bundle, bundle.name)
    tree.run(["chown", "-R", "pi:", HOME])


def certificates(home: Path) -> None:
    """An authority and a unit's certificate, by OpenSSL."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    ca, unit_key = [str(home / name) for name in ("ca.crt", "ca.key")], str(home / "unit.key")
    for words in (
        ["req", "-x509", *key, "-subj", "/CN=fleet", "-out", ca[0], "-keyout", ca[1]],
        ["req", "-x509", *key, "-subj", "/CN=JD-0417", "-CA", ca[0], "-CAkey", ca[1], "-out", str(home / "unit.crt"), "-keyout", unit_key],
    ):
        made = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
    Path(ca[1]).unlink()


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The release, and the one after it, with sums that are right."""
    if reason := why_not():
        pytest.skip(reason)
    release = bundles.release(tmp_path_factory.mktemp("bundles"))
    return release, bundles.later(release, "0.2.0")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
def test_the_page_leads_from_a_clean_system_to_a_unit_that_runs_is_upgraded_and_removed(
    page: str, releases: tuple[Path, Path], tmp_path: Path
) -> None:
    with unit.flashed(base_tree(unit.FLASHED), tmp_path / "root") as tree:
        tree.boot()
        tree.run(["useradd", "-m", "-s", "/bin/bash", "pi"])
        tree.write("/etc/sudoers.d/010_pi-nopasswd", "pi ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        certificates(tree.path(HOME))
        carry(tree, releases[0])
        edited, seen = "", 0
        for block in blocks((sources.PROJECT / "docs" / page).read_text("utf-8")):
            if block.kind == "toml":
                tree.write(edited, entered(tree.path(edited).read_text(), block.text))
            elif block.kind == "sh":
                edited = (*type_in(tree, block.text.splitlines()), edited)[0]
                seen += 1
            elif "rm -rf outpost-*" in block.text:
                assert unit.running(tree) == __version__, "what the page has done so far"
                carry(tree, releases[1])
        assert seen >= 7, "the page has shrunk"
        left = [line for line in unit.files(tree, "/opt", "/usr/local", "/etc/systemd", "/boot").splitlines() if "outpost" in line]
        assert left == []
        assert tree.path("/etc/outpost/agent.toml").is_file()
