"""The steps that ask little of the person: machine and clock at the begin, cranking at the end; lines of the report come out."""

from agent.adapters import supply
from agent.cli import doctor_machine, doctor_unit
from agent.cli.commission_walk import AgentGone, Section, Walk, boot
from agent.cli.why_findings import section

CLOCK_S = 60.0
CRANK_S = 12.0
"""From the turn of the key: cranking takes some seconds. The board's alarm is read here too: it speaks of two, the agent looks each ten."""


def machine(walk: Walk) -> None:
    """Supply, heat, disk, store."""
    power, storage = doctor_machine.power_seen(), doctor_machine.storage_seen(walk.config.store)
    walk.take(lambda words: doctor_machine.power_told(power, words))
    walk.take(lambda words: doctor_machine.storage_told(storage, walk.config.store, words))
    body = walk.status()
    walk.take(lambda words: [doctor_unit.store(body, words)])


def clock(walk: Walk) -> None:
    """The time, for which a cold receiver is given a minute."""
    walk.say("clock.wait")
    walk.wait(lambda status: section(status, "clock").get("src") not in (None, "none"), min(CLOCK_S, walk.patience_s))
    body = walk.status()
    walk.take(lambda words: [doctor_unit.clock(body, words)])


def crank(walk: Walk) -> None:
    """The engine is started; the lowest voltage, what calls it low, and whether the agent lived through it."""
    before, bits = walk.status(), supply.throttled()
    walk.ask("crank.start", "crank.start")
    lowest: dict[str, float] = {}
    count, low, until = 0, False, walk.now() + min(CRANK_S, walk.patience_s)
    after: Section = before
    while walk.now() < until:
        now = supply.voltages()
        lowest |= {name: min(volts, lowest.get(name, volts)) for name, volts in now.items()}
        count += bool(now)
        after = _status(walk)
        low |= _low(after) or supply.low() is True
        walk.talk.turn()
    for name, volts in lowest.items():
        walk.take(lambda words, name=name, volts=volts: [doctor_machine.voltage(name, volts, count, words)])  # type: ignore[misc]  # bound by defaults
    _judge(walk, before, after, low, bits)
    if not lowest:
        walk.note("skip", "crank.voltage", "volts.unknown")


def rebooted(walk: Walk) -> None:
    """The machine went down in the step, and this command with it: nothing else is known of it."""
    walk.note("fail", "crank.agent", "crank.rebooted", "crank.do")


def _judge(walk: Walk, before: Section, after: Section, low: bool, bits: supply.Throttled | None) -> None:
    now = supply.throttled()
    fell = bool(now and bits and (now.under_voltage or (now.under_voltage_was and not bits.under_voltage_was)))
    if boot(after) != boot(before):
        walk.note("fail", "crank.agent", "crank.restart", "crank.do")
    else:
        walk.note("pass", "crank.agent", "crank.lived")
    if fell or low:
        walk.note("warn", "crank.supply", "crank.low", "crank.do")
    else:
        walk.note("pass", "crank.supply", "crank.well")


def _status(walk: Walk) -> Section:
    """Empty while the agent does not answer: that is what is looked for."""
    try:
        return walk.status()
    except AgentGone:
        return {}


def _low(status: Section) -> bool:
    """The board, or an input of use `low_voltage`, calls the supply low."""
    return section(status, "vitals").get("supply_low") is True or bool(section(status, "shedding").get("low"))
