"""Hands at the dashboard of a patrol car: a booted tree and a terminal go in; what `outpost commission` asks for is done, and answered.

Its pins are simulated: the board file says which they are, and the bench serves them on a socket in the tree's files.
"""

import re
import tomllib
from typing import Any

from agent.cli.commission_words import COMMISSION
from simulator.bench.wiring import Wiring
from tests import sources
from tests.install.car import BENCH, DROP_IN
from tests.install.login import Deed, Login
from tests.install.tree import Tree

BOARD = "firmware_config/boards/patrol_car.toml"

DROP_IN_PLACE = "/usr/lib/systemd/system/outpost.service.d/bench.conf"
"""Not below /etc or /usr/local: what is there after an uninstallation the page's test wants to know."""

DONE = ("machine", "inputs", "wires", "outputs")
LEFT_OUT = ("clock", "gnss", "link", "panic", "crank", "faults")
"""Here is no time, no sky, no broker, no centre and no engine; the faults of all that are in the last step."""

BRIDGED = ("low_voltage", "recorder_alive")
"""Lines of other devices, which are bridged and opened at their terminal."""

REASON = "车不在这里"

LOOKS_S = 3.0
"""At a lamp, until it is lit."""


class Hands:
    """The wires of that car at rest, with the ignition on; `commission` does what it asks for."""

    def __init__(self, tree: Tree) -> None:
        board = tomllib.loads((sources.PROJECT / BOARD).read_text("utf-8"))
        self._inputs: dict[str, dict[str, Any]] = {each["id"]: each for each in board["input"]}
        self._outputs: dict[str, dict[str, Any]] = {each["id"]: each for each in board["output"]}
        tree.write(DROP_IN_PLACE, DROP_IN)
        bench = tree.path(BENCH)
        bench.parent.mkdir(parents=True)
        self._wiring = Wiring(bench, keeps=True)
        bench.chmod(0o666)
        for wire in (self._inputs["ignition"]["pin"], self._inputs["recorder_alive"]["pin"], *self._closed):
            self._wiring.press(wire)
        self.looked_at: list[str] = []
        """The outputs that somebody was asked about while they were on."""

    def close(self) -> None:
        """Let go."""
        self._wiring.close()

    @property
    def _closed(self) -> list[int]:
        """The contacts of the panic buttons that a press opens."""
        return [each["pin_nc"] for each in self._inputs.values() if "pin_nc" in each]

    def watch(self) -> None:
        """What the line that watches the front lamps does: it is low while one of them shines."""
        eye = self._inputs["front_sense"]
        shines = any(self._wiring.level(each["pin"]) == 1 for each in self._outputs.values() if each.get("group") == eye["senses"])
        (self._wiring.press if shines else self._wiring.release)(eye["pin"])

    # --- what the screen asks for, in Chinese, as a unit whose config does not say otherwise ------------------------------------------

    def deeds(self, login: Login) -> list[Deed]:
        """Each wish, and how it is fulfilled."""
        begins = {step: re.escape(_words(f"title.{step}")) + " ──(?s:.*?)" + re.escape(_words("begin")) for step in (*DONE, *LEFT_OUT)}
        return [
            *(Deed(begins[step], login.answer) for step in DONE),
            *(Deed(begins[step], lambda: login.answer(f"s {REASON}")) for step in LEFT_OUT),
            Deed(re.escape(_words("go_on").partition("}")[2]), login.answer),
            *(deed for name in ("ignition", "tamper", "scene_switch", *BRIDGED) for deed in self._worked(login, name)),
            *self._wired(login),
            *(self._seen(login, name, each.get("use", "light")) for name, each in self._outputs.items()),
        ]

    def _worked(self, login: Login, name: str) -> list[Deed]:
        """An input that a hand switches on and off."""
        pin, use = self._inputs[name]["pin"], self._inputs[name]["use"]
        facts = {"name": name, "use": _words(f"use.{use}"), "seconds": "60"}
        on, off = ("input.make_on", "input.make_off") if name in BRIDGED else ("input.now_on", "input.now_off")
        return [
            Deed(_shown("input.is_on", **facts), lambda: login.answer("y")),
            Deed(_shown(on, **facts), lambda: self._wiring.press(pin)),
            Deed(_shown(off, **facts), lambda: self._wiring.release(pin)),
        ]

    def _wired(self, login: Login) -> list[Deed]:
        """The driver's button, whose plug is pulled and whose contacts are bridged."""
        button, facts = self._inputs["panic_driver"], {"name": "panic_driver", "seconds": "60"}
        return [
            Deed(_shown("wires.make_cut", **facts), lambda: self._wiring.release(button["pin_nc"])),
            Deed(_shown("wires.mend_cut"), lambda: self._wiring.press(button["pin_nc"])),
            Deed(_shown("wires.short_too", **facts), lambda: login.answer("y")),
            Deed(_shown("wires.make_short", **facts), lambda: self._wiring.press(button["pin_no"])),
            Deed(_shown("wires.mend_short"), lambda: self._wiring.release(button["pin_no"])),
        ]

    def _seen(self, login: Login, name: str, use: str) -> Deed:
        """A lamp that somebody looks at: yes only if its pin is driven."""

        def look() -> None:
            self.looked_at.append(name)
            lit = self._wiring.wait_for(lambda: self._wiring.level(self._outputs[name]["pin"]) == 1, LOOKS_S)
            login.answer("y" if lit else "n")

        return Deed(_shown(f"output.seen.{use}", name=name), look)


def _words(key: str) -> str:
    return COMMISSION[key][1]


def _shown(key: str, **facts: str) -> str:
    """A sentence as the screen shows it."""
    return re.escape(_words(key).format(**facts))
