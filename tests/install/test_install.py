"""Install, upgrade, failed upgrade, power cut, rollback and uninstall of the built bundle in a real systemd, without a network.

Told in order, on one unit: each test goes on where the one before has ended.
"""

import json
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from agent import __version__
from tests.install import bundles, unit
from tests.install.debian import base_tree, why_not
from tests.install.tree import ENVIRONMENT, Tree

QUICK = ("--ready-within", "12", "--stay", "3")
"""Instead of a minute and a quarter."""

ETC = ("/etc/systemd", "/etc/udev", "/etc/tmpfiles.d", "/etc/sysusers.d")
OURS = ("/opt/outpost", "/usr/local/bin", "/usr/local/lib/systemd", "/boot", *ETC)


class Bundles(NamedTuple):
    """The release, and versions after it."""

    release: Path
    good: Path
    dies: Path
    hangs: Path
    parts: Path
    better: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    if reason := why_not():
        pytest.skip(reason)
    release = bundles.release(tmp_path_factory.mktemp("bundles"))
    return Bundles(
        release,
        bundles.later(release, "0.2.0"),
        bundles.later(release, "0.3.0", bundles.DIES),
        bundles.later(release, "0.4.0", bundles.HANGS),
        bundles.later(release, "0.5.0", bundles.PARTS + bundles.SAYS_READY),
        bundles.later(release, "0.6.0"),
    )


@pytest.fixture(scope="module")
def pi(built: Bundles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """As flashed, with the bundles on it."""
    with unit.flashed(base_tree(unit.FLASHED), tmp_path_factory.mktemp("pi") / "root") as tree:
        unit.carry(tree, *built)
        tree.boot()
        yield tree


def test_a_dry_run_changes_nothing(pi: Tree, built: Bundles) -> None:
    before = unit.files(pi, *OURS, "/etc/outpost")
    said = unit.install(pi, built.release, "--dry-run")
    assert "would run /usr/bin/python3 -m venv" in said
    assert unit.files(pi, *OURS, "/etc/outpost") == before


def test_the_bundle_installs_without_a_network_and_asks_for_a_config(pi: Tree, built: Bundles) -> None:
    said = unit.install(pi, built.release)
    assert 'unit.id: found ""' in said
    assert "edit /etc/outpost/agent.toml, then: sudo outpost-install apply" in said
    assert unit.current(pi) == __version__
    assert pi.run(["outpost", "--version"]).stdout == f"outpost {__version__}\n"
    assert pi.run(["id", "-nG", "outpost"]).stdout.split() == ["outpost", "dialout", "gpio"]
    assert stat.S_IMODE(pi.path("/etc/outpost/keys").stat().st_mode) == 0o700
    assert pi.path("/boot/firmware/config.txt").read_text() == unit.BOOT
    assert pi.run(["systemctl", "is-enabled", "outpost.service"]).stdout == "enabled\n"
    assert unit.running(pi) == ""


def test_with_a_config_it_is_applied_and_ready(pi: Tree) -> None:
    pi.write("/etc/outpost/agent.toml", unit.CONFIG)
    said = unit.verb(pi, "apply")
    assert f"{__version__} is READY" in said
    assert "sudo reboot" in said
    assert unit.running(pi) == __version__
    text = pi.path("/boot/firmware/config.txt").read_text()
    assert text.startswith(unit.BOOT)
    assert "enable_uart=1" in text
    assert pi.path("/boot/firmware/cmdline.txt").read_text() == unit.CMDLINE.removeprefix("console=serial0,115200 ")
    assert pi.path("/etc/outpost/agent.toml").read_text() == unit.CONFIG


def test_a_second_run_changes_nothing(pi: Tree, built: Bundles) -> None:
    before, pid = unit.files(pi, *OURS, "/etc/outpost"), pi.show("outpost", "MainPID")
    assert unit.install(pi, built.release).rstrip().endswith("Nothing had to be changed.")
    assert unit.files(pi, *OURS, "/etc/outpost") == before
    assert pi.show("outpost", "MainPID") == pid


def test_it_speaks_chinese_when_it_is_asked_to_or_by_a_locale_which_sudo_keeps(pi: Tree, built: Bundles) -> None:
    assert unit.install(pi, built.release, "--lang", "zh").rstrip().endswith("没有需要改动的。")
    assert "随机启动" in pi.run(["sudo", "outpost-install", "status"], env={"LANG": "zh_CN.UTF-8"}).stdout


def test_it_starts_with_the_machine(pi: Tree) -> None:
    pi.shut_down()
    pi.boot()
    unit.wait_running(pi, __version__)
    for name in ("outpost-clock.service", "outpost-keys.path", "outpost-keys.timer"):
        assert pi.show(name, "ActiveState") == "active", name
    assert pi.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout == ""


def test_an_upgrade_runs_after_its_trial_and_the_old_version_is_kept(pi: Tree, built: Bundles) -> None:
    said = unit.install(pi, built.good, *QUICK)
    assert f"0.2.0 is in use; {__version__} is kept" in said
    answered, _, online = json.loads(pi.path("/opt/outpost/last-trial").read_text())["seen"]
    assert (answered, online) == (True, False), "the old version was asked how it was; so the new one was, too"
    assert unit.running(pi) == "0.2.0"
    assert unit.versions(pi) == {__version__, "0.2.0"}
    assert pi.path("/etc/outpost/agent.toml").read_text() == unit.CONFIG
    assert pi.show("outpost-trial", "ActiveState") == "inactive"


@pytest.mark.parametrize(
    ("which", "words"), [("dies", "did not come to READY within 12 s"), ("hangs", "did not come to READY"), ("parts", "did not stay so")]
)
def test_a_version_that_fails_is_rolled_back_by_itself(pi: Tree, built: Bundles, which: str, words: str) -> None:
    store = pi.path("/var/lib/outpost").stat().st_ino
    said = unit.install(pi, getattr(built, which), *QUICK, check=False)
    assert words in said
    assert "Not upgraded; 0.2.0 is in use." in said
    unit.wait_running(pi, "0.2.0")
    assert unit.versions(pi) == {__version__, "0.2.0"}
    assert pi.path("/opt/outpost/previous").readlink().name == __version__
    assert not pi.path("/opt/outpost/trial").exists()
    assert pi.path("/var/lib/outpost").stat().st_ino == store


def test_a_version_is_not_put_in_place_of_an_agent_that_runs_with_a_config_that_nobody_takes(pi: Tree, built: Bundles) -> None:
    pi.wait_for("the last config that ran well is kept", pi.inside("/var/lib/outpost/last_config.json").exists)
    pi.write("/etc/outpost/agent.toml", unit.CONFIG.replace("kind =", "kinf ="))
    pi.run(["systemctl", "stop", "outpost.target"])
    pi.run(["systemctl", "start", "outpost.service"])
    unit.wait_running(pi, "0.2.0")
    said = unit.install(pi, built.dies, *QUICK, check=False)
    assert "the agent that runs was left alone, 0.2.0 stays in use" in said
    assert unit.current(pi) == "0.2.0"
    assert "0.3.0" not in unit.versions(pi)
    pi.run(["sh", "-c", f"kill -KILL {pi.show('outpost', 'MainPID')}"])
    unit.wait_running(pi, "0.2.0")
    pi.write("/etc/outpost/agent.toml", unit.CONFIG)
    unit.verb(pi, "apply")
    assert unit.running(pi) == "0.2.0"


def test_a_status_without_sudo_tells_nobody_of_mistakes_that_are_none(pi: Tree) -> None:
    named = 'endpoints = ["mqtts://127.0.0.1"]\nca = "credential:ca.crt"\n'
    pi.write("/etc/outpost/agent.toml", unit.CONFIG.replace('endpoints = ["mqtt://127.0.0.1"]\n', named))
    said = pi.run(["runuser", "-u", "nobody", "--", "outpost-install", "status"]).stdout
    assert "has mistakes" not in said
    assert "not looked at: that needs root" in said
    pi.write("/etc/outpost/agent.toml", unit.CONFIG)


def test_an_uninstallation_that_a_boot_partition_refuses_leaves_the_agent_running(pi: Tree) -> None:
    config = "/boot/firmware/config.txt"
    pi.run(["mount", "--bind", config, config])  # nothing can be renamed over it
    said = unit.verb(pi, "uninstall", check=False)
    assert "outpost-install: " in said
    assert "Device or resource busy" in said
    assert "Traceback" not in said
    unit.wait_running(pi, "0.2.0")
    assert pi.run(["systemctl", "is-enabled", "outpost.service", "outpost.target"]).stdout == "enabled\nenabled\n"
    pi.run(["umount", config])
    assert "Nothing had to be changed." in unit.verb(pi, "apply")


def cut_in_trial(pi: Tree, bundle: Path, version: str) -> None:
    """Begin an upgrade, and take the power away while it is on trial."""
    upgrade = threading.Thread(target=lambda: unit_install_quietly(pi, bundle), name="upgrade", daemon=True)
    upgrade.start()
    trial = pi.path("/opt/outpost/trial")
    pi.wait_for(f"{version} is judged", lambda: trial.exists() and '"starts": 1' in trial.read_text(), unit.INSTALL_S)
    pi.kill()
    upgrade.join(60)


def unit_install_quietly(pi: Tree, bundle: Path) -> None:
    """It is going to be killed."""
    subprocess.run(
        ["nsenter", "-a", "-t", str(pi.leader), "--", f"/srv/{bundle.name}/install", "--ready-within", "20", "--stay", "10"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def test_the_power_goes_while_a_bad_version_is_on_trial_and_the_next_start_goes_back(pi: Tree, built: Bundles) -> None:
    cut_in_trial(pi, built.hangs, "0.4.0")
    assert unit.current(pi) == "0.4.0"
    pi.boot(wait=False)
    pi.wait_for("the trial is over", lambda: not pi.path("/opt/outpost/trial").exists())
    unit.wait_running(pi, "0.2.0")
    assert "last one: 0.4.0 failed: it did not come to READY within 20 s" in unit.verb(pi, "status")
    pi.wait_for("0.4.0 is removed", lambda: unit.versions(pi) == {__version__, "0.2.0"})


def test_the_power_goes_while_a_good_version_is_on_trial_and_the_next_start_keeps_it(pi: Tree, built: Bundles) -> None:
    cut_in_trial(pi, built.better, "0.6.0")
    pi.boot(wait=False)
    pi.wait_for("the trial is over", lambda: not pi.path("/opt/outpost/trial").exists())
    unit.wait_running(pi, "0.6.0")
    assert "0.6.0 is in use; 0.2.0 is kept" in unit.verb(pi, "status")
    pi.wait_for("the first one is removed", lambda: unit.versions(pi) == {"0.2.0", "0.6.0"})


def test_a_rollback_by_hand(pi: Tree) -> None:
    said = unit.verb(pi, "rollback", *QUICK)
    assert "0.2.0 is in use; 0.6.0 is kept" in said
    assert unit.running(pi) == "0.2.0"


def test_uninstall_keeps_the_store_the_config_and_the_keys(pi: Tree) -> None:
    pi.write("/etc/outpost/keys/unit.key", "secret", 0o600)
    store = sorted(path.name for path in pi.path("/var/lib/outpost").iterdir())
    assert store
    said = unit.verb(pi, "uninstall")
    assert "What stays: /etc/outpost, /var/lib/outpost" in said
    left = [line for line in unit.files(pi, *OURS).splitlines() if "outpost" in line]
    assert left == []
    assert sorted(path.name for path in pi.path("/var/lib/outpost").iterdir()) == store
    assert pi.path("/etc/outpost/agent.toml").read_text() == unit.CONFIG
    assert pi.path("/boot/firmware/config.txt").read_text() == unit.BOOT
    assert pi.path("/boot/firmware/cmdline.txt").read_text() == unit.CMDLINE
    assert pi.run(["systemctl", "list-unit-files", "outpost*", "--no-legend"], check=False).stdout == ""
    assert pi.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout == ""


def test_what_stayed_is_taken_up_again(pi: Tree, built: Bundles) -> None:
    assert f"{__version__} is READY" in unit.install(pi, built.release)
    assert pi.path("/etc/outpost/keys/unit.key").read_text() == "secret"
    assert unit.running(pi) == __version__


def test_purge_asks_and_then_leaves_nothing(pi: Tree) -> None:
    assert "say --yes as well" in unit.verb(pi, "uninstall", "--purge", check=False)
    assert unit.running(pi) == __version__
    unit.verb(pi, "uninstall", "--purge", "--yes")
    for path in ("/etc/outpost", "/var/lib/outpost", "/opt/outpost"):
        assert not pi.path(path).exists(), path
    assert "outpost" not in pi.path("/etc/passwd").read_text()


def test_an_image_that_is_made_in_a_chroot_runs_at_its_first_start(built: Bundles, tmp_path: Path) -> None:
    with unit.flashed(base_tree(unit.FLASHED), tmp_path / "root") as tree:
        unit.carry(tree, built.release)
        tree.write("/etc/outpost/agent.toml", unit.CONFIG)
        refused = chrooted(tree, f"/srv/{built.release.name}/install")
        assert refused.returncode == 1
        assert "systemd does not run here" in refused.stderr
        done = chrooted(tree, f"/srv/{built.release.name}/install", "--image")
        assert done.returncode == 0, done.stdout + done.stderr
        tree.boot()
        unit.wait_running(tree, __version__)
        assert "enable_uart=1" in tree.path("/boot/firmware/config.txt").read_text()


def chrooted(tree: Tree, *argv: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a tree that is not booted, as a maker of images does."""
    return subprocess.run(["chroot", str(tree.root), *argv], env=ENVIRONMENT, capture_output=True, text=True, check=False)
