"""The harness: a tree boots, commands run in it, it shuts down and leaves nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.tree import Tree


@pytest.fixture(scope="module")
def booted(tree: Tree) -> Iterator[Tree]:
    tree.boot()
    yield tree
    tree.shut_down()


def test_it_boots_without_a_failed_unit(booted: Tree) -> None:
    assert booted.run(["systemctl", "--failed", "--quiet", "--plain", "--no-legend"]).stdout == ""
    assert booted.run(["cat", "/proc/1/comm"]).stdout == "systemd\n"


def test_it_has_a_network_of_its_own_that_leads_nowhere(booted: Tree) -> None:
    ours = Path("/proc/thread-self/ns/net")
    home = ours.readlink()
    with booted.network():
        assert ours.readlink() == Path(f"/proc/{booted.leader}/ns/net").readlink() != home
        names = [line.split(":")[0].strip() for line in Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]]
    assert [name for name in names if not name.startswith(("tun", "sit", "ip6", "gre", "erspan", "teql"))] == ["lo"]
    assert ours.readlink() == home


def test_input_output_and_exit_codes_of_commands_come_through(booted: Tree) -> None:
    assert booted.run(["tr", "a-z", "A-Z"], input="outpost").stdout == "OUTPOST"
    assert booted.run(["false"], check=False).returncode == 1
    with pytest.raises(AssertionError, match="ended with 2"):
        booted.run(["ls", "/nowhere"])


def test_what_a_service_says_is_in_the_journal(booted: Tree) -> None:
    booted.run(["systemd-run", "--wait", "--unit=say", "echo", "heard"])
    booted.wait_for("the journal has it", lambda: "heard" in booted.journal("say"))


def test_it_shuts_down_and_boots_again_with_what_was_written(tree: Tree, booted: Tree) -> None:
    leader = booted.leader
    booted.run(["tee", "/etc/kept"], input="yes")
    booted.shut_down()
    assert not booted.running
    assert not Path(f"/proc/{leader}").exists()
    booted.boot()
    assert booted.run(["cat", "/etc/kept"]).stdout == "yes"
    booted.kill()
    assert not booted.running
