"""The steps of inputs and wires: each input is worked by hand and seen or not; plugs are pulled; lines of the report come out."""

from agent.cli.commission_talk import LeftOut
from agent.cli.commission_walk import Walk
from agent.cli.why_findings import section
from agent.config import Input, InputUse

ALIVE_S = 30.0
"""A video recorder's line that beats does so each few seconds."""

TOUCHED = (InputUse.IGNITION, InputUse.LIGHT_HAND, InputUse.TAMPER, InputUse.GENERIC, InputUse.PANIC_CANCEL)
"""What a hand can work. Panic buttons are pressed in their own step, where a press is a test; lamps are watched where they are lit."""

BRIDGED = (InputUse.LOW_VOLTAGE, InputUse.RECORDER_ALIVE)
"""Lines of other devices, which say nothing when all is well: a cut wire reads just so. A hand opens and bridges the terminal."""

ASKED = (InputUse.IGNITION, InputUse.RECORDER_ALIVE)
"""How they read at this moment is no matter of course, and the person knows."""


def inputs(walk: Walk) -> None:
    """Each input, one after the other."""
    if not walk.config.input:
        walk.note("skip", "inputs", "wire.none")
    for wired in walk.config.input:
        try:
            _input(walk, wired)
        except LeftOut as e:
            walk.left_out(f"inputs.{wired.id}", e.reason)


def _input(walk: Walk, wired: Input) -> None:
    code = f"inputs.{wired.id}"
    if wired.use is InputUse.LIGHT_SENSE:
        return
    if wired.use is InputUse.PANIC and wired.mode == "silent":
        walk.note("skip", code, "wire.hidden", name=wired.id)
        return
    reads = _reads(walk, wired)
    if reads is None:
        walk.note("fail", code, "wire.unread", "wire.do", name=wired.id)
    elif wired.use is InputUse.RECORDER_ALIVE and wired.alive_s:
        found = walk.wait(lambda status: section(status, "inputs").get(wired.id) is not reads, ALIVE_S)
        walk.note("pass" if found else "fail", code, "input.beats" if found else "input.still", "" if found else "wire.do", name=wired.id)
    elif wired.use in TOUCHED or wired.use in BRIDGED:
        _touched(walk, wired, code, reads)
    elif not reads:
        walk.note("pass", code, "input.rests_off", name=wired.id)
    else:
        walk.note("fail", code, "input.wrong_way", "input.wrong_way.do", name=wired.id, active=wired.active, other=_other(wired))


def _touched(walk: Walk, wired: Input, code: str, reads: bool) -> None:
    """It is worked, and goes back. One that reads on while nobody works it is connected the wrong way round, or stuck."""
    ask = wired.use in ASKED or reads
    on, off = ("input.make_on", "input.make_off") if wired.use in BRIDGED else ("input.now_on", "input.now_off")
    if ask and walk.asked_yes(f"inputs.{wired.id}.is_on", "input.is_on", name=wired.id, use=_use(walk, wired)) is not reads:
        walk.note("fail", code, "input.wrong_way", "input.wrong_way.do", name=wired.id, active=wired.active, other=_other(wired))
        return
    for wanted in (not reads, reads):
        walk.say(on if wanted else off, name=wired.id, use=_use(walk, wired), seconds=f"{walk.patience_s:.0f}")
        if not walk.wait(lambda status, wanted=wanted: section(status, "inputs").get(wired.id) is wanted):  # type: ignore[misc]  # a default binds it
            walk.note("fail", code, "input.not_found", "input.not_found.do", name=wired.id, seconds=f"{walk.patience_s:.0f}")
            return
    walk.note("pass", code, "input.found", name=wired.id)


def _reads(walk: Walk, wired: Input) -> bool | None:
    found = section(walk.status(), "inputs").get(wired.id)
    return found if isinstance(found, bool) else None


def _other(wired: Input) -> str:
    return "high" if wired.active == "low" else "low"


def _use(walk: Walk, wired: Input) -> str:
    return walk.text(f"use.{wired.use.value}")


# --- wires ------------------------------------------------------------------------------------------------------------------------------


def wires(walk: Walk) -> None:
    """The supervised inputs: cut, then short."""
    supervised = [wired for wired in walk.config.input if wired.supervised]
    if not supervised:
        walk.note("skip", "wires", "wires.none")
    for wired in supervised:
        if wired.use is InputUse.PANIC and wired.mode == "silent":
            walk.note("skip", f"wires.{wired.id}", "wire.hidden", name=wired.id)
            continue
        for wrong in ("cut", "short"):
            try:
                _wire(walk, wired, wrong)
            except LeftOut as e:
                walk.left_out(f"wires.{wired.id}.{wrong}", e.reason)


def _wire(walk: Walk, wired: Input, wrong: str) -> None:
    code = f"wires.{wired.id}.{wrong}"
    if section(walk.status(), "wires").get(wired.id) is not None:
        walk.note("fail", code, "wires.unwell", "wire.do", name=wired.id)
        return
    if wrong == "short" and not walk.asked_yes(code, "wires.short_too", name=wired.id):
        walk.not_done(code, "wires.short_not", name=wired.id)
        return
    walk.say(f"wires.make_{wrong}", name=wired.id, seconds=f"{walk.patience_s:.0f}")
    if not walk.wait(lambda status: section(status, "wires").get(wired.id) == wrong):
        walk.note("fail", code, f"wires.not_{wrong}", "wires.not.do", name=wired.id)
        return
    walk.say(f"wires.mend_{wrong}", name=wired.id)
    if not walk.wait(lambda status: wired.id not in section(status, "wires") and section(status, "inputs").get(wired.id) is False):
        walk.note("fail", code, "wires.stays", "wire.do", name=wired.id)
        return
    walk.note("pass", code, f"wires.{wrong}", name=wired.id)
