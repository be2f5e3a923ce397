"""The status page: the agent's answer goes in, lines for people come out, what is wrong first.

Any key may be absent, of another type than today's, or unknown: the agent may be older or newer than this program. What is unknown is
printed as it is.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from agent.wire.faults import FAULTS

Section = dict[str, Any]
"""One section of the answer. A writer takes out of it the keys that it knows; the others follow behind."""

Told = tuple[bool, str]
"""Does it want attention, and what it says."""

LABEL_CHARS = 9


def page(body: Section) -> str:
    """The page, without a newline at its end. No key and no type in the answer makes it fail."""
    body = _regrouped(body)
    lines: list[str] = []
    for name, label, write in WRITERS:
        if name == "faults":
            lines += _faults(body.pop(name, None))
        elif isinstance(found := body.pop(name, None), dict):
            section = dict(found)
            bad, text = write(section)
            lines.append(_line(bad, label, _join(text, _flat(_known(section)))))
        elif found is not None:
            lines.append(_line(False, label, _flat(found)))
    lines += [_line(False, _clean(str(name)), _flat(value) or "none") for name, value in body.items()]
    return "\n".join(lines)


def _regrouped(body: Section) -> Section:
    """The core answers by its parts; a reader looks for the store in one place."""
    body = dict(body)
    store: Section = {}
    for name, keys in (("outbox", ("store", "store_reason", "store_why")), ("vitals", ("store_free_bytes", "store_readonly"))):
        if isinstance(body.get(name), dict):
            body[name] = dict(body[name])
            store |= {key: body[name].pop(key) for key in keys if key in body[name]}
    return {"store": store, **body} if store and "store" not in body else body


# --- one writer for each line -----------------------------------------------------------------------------------------------------------


def _unit(unit: Section) -> Told:
    ready = unit.pop("ready", None)
    name, kind = _text(unit.pop("id", None)), _text(unit.pop("kind", None))
    return ready is False, _join(
        f"{name} ({kind})" if name and kind else name,
        "ready" if ready is True else "not ready" if ready is False else "",
        _pair("up", _span(unit.pop("uptime_s", None))),
        _pair("version", _text(unit.pop("version", None))),
        _pair("boot", _text(unit.pop("boot", None))),
    )


def _faults(found: Any) -> list[str]:
    """A line for each fault, and below it what to do."""
    if found is None:
        return []
    if not isinstance(found, list):
        return [_line(True, "fault", _flat(found))]
    lines = [] if found else [_line(False, "faults", "none")]
    for item in found:
        fault = dict(item) if isinstance(item, dict) else {"detail": item}
        code = _text(fault.pop("code", None))
        fault.pop("why", None)  # the detail in pieces, for another language
        known = FAULTS.get(code)
        text = _join(
            f"{code}: {known.means}" if known else code,
            _text(fault.pop("detail", None)),
            _pair("for", _span(fault.pop("since_s", None))),
            _flat(_known(fault)),
        )
        lines.append(_line(True, "fault", text))
        lines += [_line(False, "", known.do)] if known else []
    return lines


def _alarm(alarm: Section) -> Told:
    state = _text(alarm.pop("state", None)) or "none"
    age, count = _span(alarm.pop("age_s", None)), _text(alarm.pop("n", None))
    return state not in {"none", "cleared"}, _join(
        state, f"{age} ago" if age else "", _pair("records:", count), _pair("id", _text(alarm.pop("id", None)))
    )


def _link(link: Section) -> Told:
    state, endpoint, since = _text(link.pop("state", None)), _text(link.pop("endpoint", None)), _span(link.pop("since_s", None))
    protocol = link.pop("protocol", None)
    version = {5: "MQTT 5", 4: "MQTT 3.1.1"}.get(protocol) if isinstance(protocol, int) else None
    return bool(state) and state != "online", _join(
        state,
        _pair("for", since),
        _text(link.pop("reason", None)),
        _pair("next try in", _span(link.pop("next_try_s", None))),
        endpoint,
        version or _pair("protocol", _text(protocol)),
    )


def _outbox(outbox: Section) -> Told:
    waiting = outbox.pop("waiting", None)
    lanes = {k: v for k, v in waiting.items() if v} if isinstance(waiting, dict) else waiting
    unstored, flying = outbox.pop("unstored", None), outbox.pop("in_flight", None)
    room = _size(outbox.pop("in_flight_bytes", None))
    return isinstance(lanes, dict) and "alarm" in lanes, _join(
        "nothing waits" if lanes == {} else _pair("waiting:", _flat(lanes)),
        _pair(_text(flying), "in flight" + (f" ({room})" if room else "")) if flying else "",
        _pair(_text(unstored), "not yet on disk") if unstored else "",
        _pair("acknowledged:", _text(outbox.pop("acked", None))),
        _pair("the last", f"{acked} ago" if (acked := _span(outbox.pop("acked_s", None))) else ""),
    )


def _data(data: Section) -> Told:
    spares, until = _text(data.pop("spares", None)), _text(data.pop("until", None))
    data.pop("until_why", None)
    used = [
        f"{_size(of)} {when}" + (f" of {_size(cap)}" if cap else "")
        for when, of, cap in (
            ("today", data.pop("today_bytes", None), data.pop("day_bytes_max", None)),
            ("this month", data.pop("month_bytes", None), data.pop("month_bytes_max", None)),
        )
        if of is not None
    ]
    return bool(spares), _join(
        *used,
        f"{spares} until {until}" if spares and until else spares,
        _pair(_size(data.pop("up_bytes", None)), "up"),
        _pair(_size(data.pop("down_bytes", None)), "down since the start"),
    )


def _position(position: Section) -> Told:
    lat, lon = _number(position.pop("lat", None), ".6f"), _number(position.pop("lon", None), ".6f")
    mode, age = _text(position.pop("mode", None)), _span(position.pop("age_s", None))
    sats = position.pop("sats", None)
    return not lat, _join(
        f"{lat}, {lon}" if lat and lon else "no position",
        "no fix now" if mode == "none" and lat else "" if mode == "none" else mode,
        f"{age} old" if age else "",
        _pair(_number(position.pop("spd_mps", None), ".1f"), "m/s"),
        _pair("satellites:", _flat(sats) if sats else ""),
    )


def _lights(lights: Section) -> Told:
    show, by, shown = (_text(lights.pop("show", None)), _text(lights.pop("by", None)), lights.pop("shown", None))
    return False, _join(f"{show or 'off'} by {by}" if by else show or "off", _pair("shown:", _flat(shown)) if shown else "")


def _receiver(receiver: Section) -> Told:
    up = receiver.pop("up", None)
    refused = receiver.pop("refused", None)
    return up is False, _join(
        _text(receiver.pop("port", None)),
        "open" if up is True else "not open" if up is False else "",
        _pair("sentences:", _text(receiver.pop("sentences", None))),
        _pair("refused:", _flat(refused)) if refused else "",
    )


def _store(store: Section) -> Told:
    state = _text(store.pop("store", None))
    store.pop("store_why", None)  # the same in pieces, for another language
    free, readonly = _size(store.pop("store_free_bytes", None)), store.pop("store_readonly", None) is True
    bad = readonly or (bool(state) and state != "open")
    return bad, _join(state, _text(store.pop("store_reason", None)), "read-only" if readonly else "", f"{free} free" if free else "")


FIRMWARE_WORDS = {
    0x1: "under-voltage",
    0x2: "frequency capped",
    0x4: "throttled",
    0x8: "soft temperature limit",
    0x10000: "has had under-voltage",
    0x20000: "has been capped",
    0x40000: "has been throttled",
    0x80000: "has been at its soft temperature limit",
}
"""By the bits of `vcgencmd get_throttled`; "has" is since the agent's start."""


def _vitals(vitals: Section) -> Told:
    dropped, bits, low, signal = (vitals.pop(key, None) for key in ("events_dropped", "throttled", "supply_low", "signal"))
    slowed = bits if isinstance(bits, int) and not isinstance(bits, bool) else 0
    words = [word for bit, word in FIRMWARE_WORDS.items() if slowed & bit]
    return bool(dropped or low is True or slowed & 0xF), _join(
        _size(vitals.pop("rss_bytes", None)),
        _pair(_number(vitals.pop("temp_c", None), ".1f"), "°C"),
        _pair(_number(vitals.pop("supply_v", None), ".2f"), "V"),
        "supply too low" if low is True else "",
        _pair("firmware:", "; ".join(words)),
        _pair(_number(signal * 100, ".0f"), "% signal") if isinstance(signal, int | float) else "",
        _text(vitals.pop("access", None)),
        _pair("events dropped:", _text(dropped)) if dropped else "",
    )


def _clock(clock: Section) -> Told:
    source, err_ms = _text(clock.pop("src", None)), _text(clock.pop("err_ms", None))
    utc_ms = clock.pop("utc_ms", None)
    return source == "none", _join(
        _instant(utc_ms), "source: " + (source or "unknown"), _pair(f"± {err_ms}", "ms") if err_ms and source != "none" else ""
    )


WRITERS: tuple[tuple[str, str, Callable[[Section], Told]], ...] = (
    ("unit", "unit", _unit),
    ("faults", "fault", lambda _: (False, "")),  # one section, many lines: written by _faults
    ("alarm", "alarm", _alarm),
    ("link", "link", _link),
    ("outbox", "backlog", _outbox),
    ("data", "data", _data),
    ("position", "position", _position),
    ("lights", "lights", _lights),
    ("receiver", "receiver", _receiver),
    ("store", "store", _store),
    ("vitals", "memory", _vitals),
    ("clock", "clock", _clock),
)
"""The order of the page: section, its label, who writes it."""


# --- words and numbers ------------------------------------------------------------------------------------------------------------------


def _line(bad: bool, label: str, text: str) -> str:
    return f"{'!' if bad else ' '} {label:<{LABEL_CHARS}} {text}".rstrip()


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _pair(one: str, other: str) -> str:
    """Both, or nothing: a label means nothing without its value, nor a unit without its number."""
    return f"{one} {other}" if one and other else ""


def _known(section: Section) -> Section:
    return {key: value for key, value in section.items() if value is not None}


def _clean(text: str) -> str:
    """Reasons come from brokers and files: what is not printable must not reach a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _text(value: Any) -> str:
    """A word; empty for what is absent."""
    return "" if value is None else _clean(value) if isinstance(value, str) else _flat(value)


def _flat(value: Any) -> str:
    """Anything, on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{_clean(str(key))} {_nested(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_nested(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else _clean(str(value))


def _nested(value: Any) -> str:
    return f"({_flat(value)})" if isinstance(value, dict | list) and value else _flat(value) or "none"


def _number(value: Any, form: str) -> str:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15
    return format(value, form) if fits else _text(value)


def _span(value: Any) -> str:
    """Seconds, in the two largest units that matter."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return _text(value)
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    minutes = int(value // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def _size(value: Any) -> str:
    """Bytes, in powers of 1000."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        return _text(value)
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} bytes"


def _instant(value: Any) -> str:
    """Milliseconds UTC as a date and time; "time unknown" when absent."""
    if value is None:
        return "time unknown"
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 253_402_300_800_000:
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return _text(value)
