"""The steps that ask little of the person: machine and clock at the begin, cranking and faults at the end; lines of the report come out."""

from dataclasses import dataclass, field

from agent.adapters import supply
from agent.cli import doctor_link, doctor_machine, doctor_unit
from agent.cli.commission_talk import LeftOut, left_out
from agent.cli.commission_walk import AgentGone, Section, Walk, boot
from agent.cli.doctor_check import Check
from agent.cli.why_findings import section, told_faults
from agent.cli.why_words import Words
from agent.config import Config, InputUse

CLOCK_S = 60.0
CRANK_S = 12.0
"""From the turn of the key: cranking takes some seconds. The board's alarm is read here too: the agent tells of it each ten."""

SETTLING = {"power.low", "lights.shed"}
SETTLE_S = 75.0
"""What cranking, and a bridge over the contact of the battery, bring about; the board must have been well for a minute."""


def machine(walk: Walk) -> None:
    """Supply, heat, disk, store."""
    power, storage = doctor_machine.power_seen(), doctor_machine.storage_seen(walk.config.store)
    body = walk.status()
    walk.take(lambda words: doctor_machine.power_told(power, words, body))
    walk.take(lambda words: doctor_machine.storage_told(storage, walk.config.store, words))
    walk.take(lambda words: [doctor_unit.store(body, words)])


def clock(walk: Walk) -> None:
    """The time, for which a cold receiver is given a minute."""
    walk.say("clock.wait")
    walk.wait(lambda status: section(status, "clock").get("src") not in (None, "none"), min(CLOCK_S, walk.patience_s))
    body = walk.status()
    walk.take(lambda words: [doctor_unit.clock(body, words)])


def crank(walk: Walk) -> None:
    """The engine is started; the lowest voltage, what calls it low, and whether the agent lived through it; where there is an engine."""
    if not _engine(walk):
        walk.note("skip", "crank", "crank.no_engine")
        return
    before, bits = walk.status(), supply.throttled()
    if (reason := left_out(walk.ask("crank.start", "crank.start"))) is not None:
        raise LeftOut(reason)
    walk.begun()
    seen = _Seen(before)
    try:
        _watch(walk, seen)
        started = walk.asked_yes("crank.started", "crank.started", seconds=f"{CRANK_S:.0f}")
    except LeftOut:
        _harm(walk, before, seen, bits)
        raise
    harm = _harm(walk, before, seen, bits)
    if not started:
        walk.not_done("crank", "crank.not_started")
        return
    _well(walk, seen, harm)


def _engine(walk: Walk) -> bool:
    """Whether there is one: what has an ignition has; of anything else the person knows."""
    ignition = any(wired.use is InputUse.IGNITION for wired in walk.config.input)
    return ignition or walk.asked_yes("crank.engine", "crank.engine")


@dataclass
class _Seen:
    """While it was cranked: the agent's last answer; the lowest voltages, how often they were read; whether anything called them low."""

    after: Section
    lowest: dict[str, float] = field(default_factory=dict)
    readings: int = 0
    low: bool = False


def _watch(walk: Walk, seen: _Seen) -> None:
    """Raises LeftOut (`s`); what was seen until then is in `seen` all the same."""
    until = walk.now() + CRANK_S
    while walk.now() < until:
        now = supply.voltages()
        seen.lowest |= {name: min(volts, seen.lowest.get(name, volts)) for name, volts in now.items()}
        seen.readings += bool(now)
        seen.after = _status(walk)
        seen.low |= _low(seen.after) or supply.low() is True
        walk.talk.turn()


def _harm(walk: Walk, before: Section, seen: _Seen, bits: supply.Throttled | None) -> set[str]:
    """What went wrong, engine or no engine: the codes of lines that say so. An agent that was restarted after the look counts too."""
    now = supply.throttled()
    fell = bool(now and bits and (now.under_voltage or (now.under_voltage_was and not bits.under_voltage_was)))
    if boot(seen.after) != boot(before) or boot(_status(walk)) != boot(before):
        walk.note("fail", "crank.agent", "crank.restart", "crank.do")
    if fell or seen.low:
        walk.note("warn", "crank.supply", "crank.low", "crank.do")
    return {line.code for line in walk.lines}


def _well(walk: Walk, seen: _Seen, harm: set[str]) -> None:
    """What went well, now that the engine has started."""
    if "crank.agent" not in harm:
        walk.note("pass", "crank.agent", "crank.lived")
    if "crank.supply" not in harm:
        walk.note("pass", "crank.supply", "crank.well")
    for name, volts in seen.lowest.items():
        walk.take(lambda words, name=name, volts=volts: [doctor_machine.voltage(name, volts, seen.readings, words)])  # type: ignore[misc]  # bound by defaults
    if not seen.lowest:
        walk.note("skip", "crank.voltage", "volts.unknown")


def went_down(walk: Walk, name: str) -> None:
    """The machine went down in that step, and this command with it: nothing else is known of it."""
    if name == "crank":
        walk.note("fail", "crank.agent", "crank.rebooted", "crank.do")
    else:
        walk.note("fail", name, "went_down", "went_down.do", name=name)


def faults(walk: Walk) -> None:
    """What is wrong now, at the end: also what another step has brought about or has told already. Versions."""
    if not _settled(walk.status()):
        walk.say("faults.wait", seconds=f"{SETTLE_S:.0f}")
        walk.wait(_settled, SETTLE_S)
    body = walk.status()
    walk.take(lambda words: _faulty(body, walk.config, words))
    walk.take(lambda words: doctor_unit.versions(body, words))


def _faulty(body: Section, config: Config, words: Words) -> list[Check]:
    """Each trouble once: by the check that tells it, with its advice, else as a fault."""
    parts = [*doctor_unit.wiring(body, config, words), *doctor_unit.gnss(body, words), doctor_link.certificate(body, words)]
    there = told_faults(body)
    telling = [check for check in (doctor_unit.store(body, words), *parts) if any(told.partition(":")[0] in there for told in check.tells)]
    return [*telling, *doctor_unit.faults_now(body, words, telling)]


def _settled(status: Section) -> bool:
    """None of the faults is there that go by themselves."""
    return not told_faults(status).keys() & SETTLING


def _status(walk: Walk) -> Section:
    """Empty while the agent does not answer: that is what is looked for."""
    try:
        return walk.status()
    except AgentGone:
        return {}


def _low(status: Section) -> bool:
    """The board, or an input of use `low_voltage`, calls the supply low."""
    return section(status, "vitals").get("supply_low") is True or bool(section(status, "shedding").get("low"))
