"""What is wrong with a unit that answers: its status goes in, findings come out, the worst first; and the facts that prove it well.

Any key may be absent or of another type than today's: the agent may be older or newer than this program.
"""

import math
from typing import Any, NamedTuple

from agent.cli.why_words import Words, clean, size
from agent.wire import faults
from agent.wire.faults import FAULTS
from agent.wire.sentence import Sentence
from agent.wire.whys import heard

Section = dict[str, Any]

SINCE_SHORT_S = 60.0
"""A younger acknowledgement is not told finer: on a unit with a silent button it would tick with that button's alarm."""

NO_FIX_CAUSES = ("gnss.port", "gnss.silent", "gnss.garbage", "gnss.antenna", "gnss.jam")
"""A receiver with one of these has no fix, and that is then no finding of its own."""

PORT_FAULTS = {"gnss.port", "gnss.silent", "gnss.garbage", "gnss.no_fix"}
"""Of which the number of sentences tells more."""


class Finding(NamedTuple):
    """One thing that is wrong: how bad (as in `agent.wire.faults`), what, since when, what is known of it, and what to do."""

    severity: int
    code: str
    what: str
    since: str = ""
    notes: tuple[str, ...] = ()
    do: str = ""


def of_status(body: Section, words: Words) -> list[Finding]:
    """Every finding, the worst first; within one severity in the order of the published table, what the table has not last."""
    told = told_faults(body)
    found = [
        *_alarm(body, words),
        *_unit(body, words),
        *_store(body, words, told),
        *_link(body, words, told),
        *_sky(body, words, told),
        *_time(body, words),
        *(_fault(code, fault, body, words, told) for code, fault in told.items() if not _said_elsewhere(code, told, body)),
    ]
    order = list(FAULTS)
    return sorted(found, key=lambda f: (f.severity, order.index(f.code) if f.code in FAULTS else -1 if f.code in URGENT else len(order)))


URGENT = ("alarm.waiting",)
"""What the table has not and comes before all of its severity: somebody needs help."""


def facts(body: Section, words: Words) -> list[str]:
    """The three facts that prove a unit well: since when the link is up, the last acknowledgement, the last fix."""
    link, outbox, position = section(body, "link"), section(body, "outbox"), section(body, "position")
    state, since = clean(link.get("state", "-")), number(link.get("since_s"))
    named = words(state) if state in ("online", "waiting", "connecting", "ended") else state
    linked = words("fact_link", state=named, span="-" if since is None else words.span(since), endpoint=link.get("endpoint", "-"))
    return [
        linked,
        words("fact_acked", ago=_ago(number(outbox.get("acked_s")), words, short=True)),
        words("fact_fix", ago=_ago(number(position.get("age_s")), words)),
    ]


def more_facts(body: Section, words: Words) -> list[str]:
    """What waits and what holds it, and whence the time is known; for a page that has findings."""
    lines = []
    lanes = lanes_waiting(body)
    if lanes:
        held = [words("held_leaving" if online(body) else "held_link")]
        if until := _held_by_cap(body):
            held.append(words("held_cap", until=until))
        lines.append(words("fact_waiting", count=sum(lanes.values()), lanes=words.counted(lanes), held=words.listed(held)))
    clock = section(body, "clock")
    if (source := clock.get("src")) not in (None, "none"):
        lines.append(words("fact_time", source=source, err_ms=clock.get("err_ms", "-")))
    return lines


# --- each thing that can be wrong -------------------------------------------------------------------------------------------------------


def _fault(code: str, fault: Section, body: Section, words: Words, told: dict[str, Section]) -> Finding:
    known = FAULTS.get(code)
    since = number(fault.get("since_s"))
    return Finding(
        severity=known.severity if known else faults.REST,
        code=code,
        what=words.pick(known.means, known.zh) if known else clean(code),
        since=words("since", span=words.span(since)) if since is not None else "",
        notes=(*([words("detail", text=detail_of(fault))] if fault.get("detail") else []), *_about(code, body, words, told)),
        do=words.pick(known.do, known.do_zh) if known else "",
    )


def _about(code: str, body: Section, words: Words, told: dict[str, Section]) -> list[str]:
    """What the rest of the status knows of that fault."""
    notes = []
    if code in FAULTS and FAULTS[code].clears == "clear_on_ack":
        notes.append(words("note_stays"))
    if code in PORT_FAULTS:
        notes += _port(body, words)
    if code == next((cause for cause in NO_FIX_CAUSES if cause in told), None) and not _fixed(body):
        notes.append(words("note_no_fix"))
    if code == "gnss.no_fix":
        notes += _last_fix(body, words)
    if code in ("store.down", "store.full") and (free := number(section(body, "vitals").get("store_free_bytes"))) is not None:
        notes.append(words("note_free", size=size(free)))
    if code == "data.cap" and (until := _held_by_cap(body)) and (count := lanes_waiting(body).get("backfill")):
        notes.append(words("note_cap", count=count, until=until))
    return notes


def _said_elsewhere(code: str, told: dict[str, Section], body: Section) -> bool:
    if code == "link.down":
        return _linkless(body)
    return code == "gnss.no_fix" and any(cause in told for cause in NO_FIX_CAUSES)


def _alarm(body: Section, words: Words) -> list[Finding]:
    """What the socket tells has no silent alarm in it (`agent.core.discretion`), so neither has this."""
    if not lanes_waiting(body).get("alarm") or online(body):
        return []
    return [Finding(faults.PANIC, "alarm.waiting", words("alarm.waiting"), do=words("alarm.waiting.do"))]


def _unit(body: Section, words: Words) -> list[Finding]:
    if section(body, "unit").get("ready") is not False:
        return []
    return [Finding(faults.STORE, "unit.starting", words("unit.starting"), do=words("unit.starting.do"))]


def _store(body: Section, words: Words, told: dict[str, Section]) -> list[Finding]:
    outbox = section(body, "outbox")
    if outbox.get("store") != "down" or "store.down" in told:
        return []
    notes = (words("detail", text=store_reason(outbox)),) if outbox.get("store_reason") else ()
    return [Finding(faults.STORE, "store.opening", words("store.opening"), notes=notes, do=words("store.opening.do"))]


def _link(body: Section, words: Words, told: dict[str, Section]) -> list[Finding]:
    if not _linkless(body):
        outbox = section(body, "outbox")
        unproved = online(body) and not outbox.get("acked") and outbox.get("acked_s") is None
        return [Finding(faults.LINK, "link.unproved", words("link.unproved"), do=words("link.unproved.do"))] if unproved else []
    link = section(body, "link")
    state, reason, endpoint, since = clean(link["state"]), link.get("reason"), link.get("endpoint", "-"), number(link.get("since_s"))
    down = FAULTS["link.down"]
    code = "link.down" if "link.down" in told else f"link.{state}" if state in ("waiting", "connecting", "ended") else "link.other"
    what = words.pick(down.means, down.zh) if code == "link.down" else words(code, state=state)
    why = words.reason(clean(reason)) if reason else ""
    notes = [words("note_reason", endpoint=endpoint, reason=why) if why else clean(endpoint)]
    last_end, next_s, days = link.get("last_end"), number(link.get("next_try_s")), number(section(body, "certificate").get("days_left"))
    if last_end and last_end != reason:
        notes.append(words("note_last_end", reason=words.reason(clean(last_end))))
    if next_s is not None:
        notes.append(words("note_next_try", span=words.span(next_s)))
    if days is not None:
        notes.append(words("note_certificate", days=int(days)) if days >= 0 else words("note_certificate_over", days=int(-days)))
    if (lanes := lanes_waiting(body)) and state != "ended":
        notes.append(words("note_wait", count=sum(lanes.values())))
    do = words("link.ended.do") if code == "link.ended" else words.advice(clean(reason)) or words.pick(down.do, down.do_zh)
    return [Finding(faults.LINK, code, what, "" if since is None else words("since", span=words.span(since)), tuple(notes), do)]


def _sky(body: Section, words: Words, told: dict[str, Section]) -> list[Finding]:
    """Before the faults of port and sky come, and beside those that do not stand for having no fix."""
    receiver = section(body, "receiver")
    if _fixed(body) or any(cause in told for cause in (*NO_FIX_CAUSES, "gnss.no_fix")):
        return []
    if receiver.get("up") is False:
        port, do = FAULTS["gnss.port"], words("gnss.closed")
        return [Finding(faults.GNSS, "gnss.closed", do, notes=tuple(_port(body, words)), do=words.pick(port.do, port.do_zh))]
    if "position" not in body:
        return []
    notes = (*_port(body, words), *_last_fix(body, words))
    return [Finding(faults.GNSS, "gnss.searching", words("gnss.searching"), notes=notes, do=words("gnss.searching.do"))]


def _time(body: Section, words: Words) -> list[Finding]:
    if section(body, "clock").get("src") != "none":
        return []
    notes = (words("note_time"),)
    return [Finding(faults.GNSS, "time.unknown", words("time.unknown"), notes=notes, do=words("time.unknown.do"))]


# --- what the answer says ---------------------------------------------------------------------------------------------------------------


def section(body: Section, name: str) -> Section:
    """One section of the answer; empty when it is none."""
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def number(value: Any) -> float | None:
    """A number of a size that can be meant; None for anything else."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15
    return float(value) if fits and math.isfinite(value) else None


def told_faults(body: Section) -> dict[str, Section]:
    """The faults of now, by code."""
    listed = body.get("faults")
    maps = [fault for fault in listed if isinstance(fault, dict)] if isinstance(listed, list) else []
    return {clean(fault.get("code", "-")): fault for fault in maps}


def detail_of(fault: Section) -> Sentence | str:
    """What is told of that fault."""
    return heard(fault.get("why"), clean(fault.get("detail") or ""))


def store_reason(outbox: Section) -> Sentence | str:
    """Why the store is not open."""
    return heard(outbox.get("store_why"), clean(outbox.get("store_reason") or "-"))


def lanes_waiting(body: Section) -> dict[str, int]:
    """What waits, by lane; lanes in which nothing does are absent."""
    waiting = section(section(body, "outbox"), "waiting")
    return {clean(lane): int(count) for lane, of in waiting.items() if (count := number(of)) is not None and count >= 1}


def online(body: Section) -> bool:
    """Whether there is a link now."""
    return section(body, "link").get("state") == "online"


def _linkless(body: Section) -> bool:
    return section(body, "link").get("state") is not None and not online(body)


def _fixed(body: Section) -> bool:
    return section(body, "position").get("mode") in ("2d", "3d")


def _held_by_cap(body: Section) -> Sentence | str:
    data = section(body, "data")
    return heard(data.get("until_why"), clean(data.get("until") or "")) if data.get("spares") else ""


def _port(body: Section, words: Words) -> list[str]:
    receiver = section(body, "receiver")
    if "port" not in receiver:
        return []
    key, refused = ("note_port_refused", receiver["refused"]) if receiver.get("refused") else ("note_port", "")
    return [words(key, port=receiver["port"], sentences=receiver.get("sentences", "-"), refused=refused)]


def _last_fix(body: Section, words: Words) -> list[str]:
    age_s = number(section(body, "position").get("age_s"))
    return [] if age_s is None else [words("note_last_fix", span=words.span(age_s))]


def _ago(age_s: float | None, words: Words, short: bool = False) -> str:
    if age_s is None:
        return words("none_yet")
    return words("ago_short") if short and age_s < SINCE_SHORT_S else words("ago", span=words.span(age_s))
