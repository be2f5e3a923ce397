"""A program in the agent's place: code goes in, runs as outpost.service would run the agent, and what it prints comes out.

A unit of its own, made of the text of ours: all that confines the agent confines it. It has the service's directories, so the service must
not run meanwhile.
"""

from tests.install.installed import SYSTEMD
from tests.install.tree import Tree

OTHERWISE = ("Type=", "ExecStart=", "ExecStopPost=", "Restart", "WatchdogSec=", "Wants=", "PartOf=")
"""What a program has that runs once and is not watched."""


def as_service(tree: Tree, code: str) -> str:
    """The standard output of that Python program."""
    assert tree.show("outpost", "ActiveState") != "active", "it has the directories"
    kept = [line for line in (SYSTEMD / "outpost.service").read_text().splitlines() if not line.startswith(OTHERWISE)]
    at = kept.index("[Service]") + 1
    run = ["Type=oneshot", "ExecStart=/opt/outpost/current/bin/python /run/probe.py", "StandardOutput=truncate:/run/probe.out"]
    tree.run(["tee", "/run/systemd/system/probe.service"], input="\n".join([*kept[:at], *run, *kept[at:]]))
    tree.run(["tee", "/run/probe.py"], input=code)
    tree.run(["systemctl", "daemon-reload"])
    done = tree.run(["systemctl", "start", "probe.service"], check=False)
    assert done.returncode == 0, tree.journal("probe.service")[-3000:]
    return tree.run(["cat", "/run/probe.out"]).stdout
