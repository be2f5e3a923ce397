"""What the running agent says of itself, line by line: its status goes in, checks come out.

Any key may be absent or of another type than today's: the agent may be older or newer than this program.
"""

import platform
from collections.abc import Iterable, Iterator
from typing import Any

from agent import __version__
from agent.cli.doctor_check import Check, Result, having, is_told
from agent.cli.doctor_machine import kernel
from agent.cli.why_findings import detail_of, number, section, store_reason, told_faults
from agent.cli.why_words import Words, clean
from agent.config import Config, Input, InputUse
from agent.wire import faults
from agent.wire.faults import FAULTS

Section = dict[str, Any]

ERR_MS_LARGE = 1000
DBHZ_LOW, DBHZ_TOO_LOW = 37.0, 30.0
"""Under an open sky a good antenna gives the best satellites 42 dB-Hz and more; with 30 there is a position now and then."""

DAY_MS = 86_400_000

SKY_S_MAX = 10.0
"""Receivers tell of satellites each second, some each fifth."""

WIRE_FAULT = {"input.cut": "wire.cut", "input.short": "wire.short", "panic.stuck": "wire.stuck"}


def clock(body: Section, words: Words) -> Check:
    """Whence the time is, and how well."""
    told = section(body, "clock")
    err_ms = number(told.get("err_ms"))
    if told.get("src") in (None, "none"):
        return Check("fail", "clock", words("clock.unknown"), words("clock.do"))
    well = err_ms is not None and err_ms <= ERR_MS_LARGE
    what = words("clock.known", source=told["src"], err_ms="-" if err_ms is None else f"{err_ms:.0f}")
    return Check("pass" if well else "warn", "clock", what, "" if well else words("clock.do"))


def store(body: Section, words: Words) -> Check:
    """Whether it is open, and what waits."""
    outbox = section(body, "outbox")
    if outbox.get("store") == "open":
        count = sum(int(number(of) or 0) for of in section(outbox, "waiting").values())
        return Check("pass", "store", words("store.open", count=count))
    return Check("fail", "store", words("store.down", reason=store_reason(outbox)), words("store.down.do"), ("store.down",))


# --- wires ------------------------------------------------------------------------------------------------------------------------------


def wiring(body: Section, config: Config | None, words: Words) -> list[Check]:
    """A line for each input: what it reads, and its wire where that is watched."""
    if config is None:
        return [Check("skip", "wiring", words("no_config"))]
    if not config.input:
        return [Check("skip", "wiring", words("wire.none"))]
    return [_wire(wired, body, words) for wired in config.input]


def _wire(wired: Input, body: Section, words: Words) -> Check:
    name, code = wired.id, f"wiring.{wired.id}"
    if wired.use is InputUse.PANIC and wired.mode == "silent":
        return Check("skip", code, words("wire.hidden", name=name))
    for fault, key in WIRE_FAULT.items():
        detail = told_faults(body).get(fault, {}).get("detail")
        if isinstance(detail, str) and name in having(detail):
            return Check("fail", code, words(key, name=name), words("wire.do"), (f"{fault}:{name}",))
    reads = section(body, "inputs").get(name)
    if not isinstance(reads, bool):
        return Check("fail", code, words("wire.unread", name=name), words("wire.do"))
    return Check("pass", code, words("wire.well" if wired.supervised else "wire.plain", name=name, state=words("on" if reads else "off")))


# --- GNSS -------------------------------------------------------------------------------------------------------------------------------


def gnss(body: Section, words: Words) -> list[Check]:
    """Receiver, antenna, satellites, signal."""
    found = _receiver(body, words)
    if found.result == "fail":
        return [found]
    sky = section(body, "sky")
    age_s = number(sky.get("age_s"))
    if age_s is not None and age_s > SKY_S_MAX:  # so is what is known of antenna and signal
        return [found, Check("fail", "gnss.satellites", words("sats.old", span=words.span(age_s)), words("sats.old.do"))]
    return [found, _antenna(sky, words), _satellites(body, sky, words), signal(number(sky.get("cn0_best_dbhz")), words)]


def _receiver(body: Section, words: Words) -> Check:
    receiver, faulty = section(body, "receiver"), told_faults(body)
    port = clean(receiver.get("port", "-"))
    if receiver.get("up") is False:
        return Check("fail", "gnss.receiver", words("gnss.shut", port=port), words("gnss.silent.do", port=port), PORT_FAULTS)
    if not receiver.get("sentences") or "gnss.silent" in faulty:
        return Check("fail", "gnss.receiver", words("gnss.silent", port=port), words("gnss.silent.do", port=port), PORT_FAULTS)
    what = words("gnss.found", port=port, sentences=receiver["sentences"])
    hardware = section(section(body, "commissioned"), "hardware")
    named = [clean(said) for name, said in hardware.items() if str(name).startswith("receiver")]
    return Check("pass", "gnss.receiver", ", ".join([what, *named]))


MODES = {"none": "mode.none", "2d": "mode.2d", "3d": "mode.3d", "fixed": "mode.fixed"}
PORT_FAULTS = ("gnss.port", "gnss.silent")
ANTENNA = {"ok": "antenna.ok", "open": "antenna.open", "short": "antenna.short"}


def _antenna(sky: Section, words: Words) -> Check:
    state = sky.get("antenna")
    if state is None:
        return Check("skip", "gnss.antenna", words("antenna.silent"))
    well = state == "ok"
    told = words(ANTENNA[state]) if state in ANTENNA else state
    what = words("antenna", state=told)
    return Check("pass", "gnss.antenna", what) if well else Check("fail", "gnss.antenna", what, words("antenna.do"), ("gnss.antenna",))


def _satellites(body: Section, sky: Section, words: Words) -> Check:
    systems = {clean(name): counts for name, counts in section(sky, "systems").items() if isinstance(counts, dict)}
    mode = clean(section(body, "position").get("mode", "none"))
    fixed = mode in ("2d", "3d", "fixed")
    if not systems:
        return _fixed(fixed, words("sats.none"), words, well="skip")
    told = words.listed(f"{name} {counts.get('used', '-')}/{counts.get('view', '-')}" for name, counts in sorted(systems.items()))
    return _fixed(fixed, words("sats", told=told, mode=words(MODES[mode]) if mode in MODES else mode), words)


def _fixed(fixed: bool, what: str, words: Words, well: Result = "pass") -> Check:
    return Check(well, "gnss.satellites", what) if fixed else Check("fail", "gnss.satellites", what, words("sats.do"), ("gnss.no_fix",))


def signal(dbhz: float | None, words: Words, code: str = "gnss.signal") -> Check:
    """C/N0 of the best four against the limits."""
    if dbhz is None:
        return Check("warn", code, words("signal.unknown"), words("signal.do"))
    result: Result = "fail" if dbhz < DBHZ_TOO_LOW else "warn" if dbhz < DBHZ_LOW else "pass"
    return Check(result, code, words("signal", dbhz=f"{dbhz:.0f}"), "" if result == "pass" else words("signal.do"))


# --- faults, tests, versions ------------------------------------------------------------------------------------------------------------


def faults_now(body: Section, words: Words, told: Iterable[Check] = ()) -> list[Check]:
    """A line for each fault that none of the checks so far has told."""
    order, told = list(FAULTS), list(told)
    found = {code: fault for code, fault in told_faults(body).items() if not is_told(code, clean(fault.get("detail") or ""), told)}
    if not found:
        return [Check("pass", "faults", words("faults.none_more" if told_faults(body) else "faults.none"))]
    return [_fault(code, found[code], words) for code in sorted(found, key=lambda c: order.index(c) if c in FAULTS else -1)]


def _fault(code: str, fault: Section, words: Words) -> Check:
    known = FAULTS.get(code)
    means = words.pick(known.means, known.zh) if known else code
    what = words("fault.detailed", means=means, detail=detail_of(fault)) if fault.get("detail") else means
    result: Result = "warn" if known and known.severity >= faults.REST else "fail"
    return Check(result, f"fault.{code}", what, words.pick(known.do, known.do_zh) if known else "")


def walk_tests(body: Section, config: Config | None, words: Words) -> list[Check]:
    """When each panic button last passed."""
    tested = section(body, "tested")
    if not tested:
        return [Check("skip", "walk_test", words("walk.none"))]
    every = 0 if config is None else config.walk_test.every_days
    return list(_walks(tested, number(section(body, "clock").get("utc_ms")), every, words))


def _walks(tested: Section, now_ms: float | None, every: int, words: Words) -> Iterator[Check]:
    for name, at in tested.items():
        code, at_ms = f"walk_test.{clean(name)}", number(at)
        if at_ms is None:
            yield Check("warn", code, words("walk.never", name=name), words("walk.do"), (f"panic.untested:{clean(name)}",))
        elif now_ms is None:
            yield Check("pass", code, words("walk.passed_some", name=name))
        elif every and now_ms - at_ms > every * DAY_MS:
            what = words("walk.old", name=name, days=int((now_ms - at_ms) // DAY_MS), every=every)
            yield Check("warn", code, what, words("walk.do"), (f"panic.untested:{clean(name)}",))
        else:
            yield Check("pass", code, words("walk.passed", name=name, days=int(max(0.0, now_ms - at_ms) // DAY_MS)))


def versions(body: Section | None, words: Words) -> list[Check]:
    """Of agent, Python and kernel; whether the agent that runs is the one that is installed."""
    found = [Check("pass", "version", words("version", version=__version__, python=platform.python_version(), kernel=kernel()))]
    running = section(body or {}, "unit").get("version")
    if running is not None and running != __version__:
        found.append(Check("warn", "version.running", words("version.differs", running=running, ours=__version__), words("version.do")))
    return found


COMMISSIONED = {"partial": "commission.partial", "failed": "commission.failed"}


def commissioned(body: Section, words: Words) -> Check:
    """What came of the last commissioning."""
    result = section(body, "commissioned").get("result")
    if result == "passed":
        return Check("pass", "commissioned", words("commission.passed"))
    return Check("warn", "commissioned", words(COMMISSIONED.get(str(result), "commission.none")), words("commission.do"))
