"""The way to the broker: the agent's word where it has a link, our own look, step by step, where it has none; checks come out."""

from collections.abc import Callable
from typing import Any

from agent.adapters import link_look
from agent.cli.doctor_check import Check, Result
from agent.cli.why_findings import number, section
from agent.cli.why_words import Words, clean
from agent.config import Mqtt

TRIP_MS_LONG, TRIP_MS_TOO_LONG = 2000.0, 10_000.0
"""After ten seconds the agent itself sends again."""

DAYS_FEW = 30
"""As the fault link.certificate."""

STAGES = ("dns", "tcp", "tls")


def link(body: dict[str, Any] | None, mqtt: Mqtt | None, words: Words, now: Callable[[], float]) -> list[Check]:
    """Connection, steps, certificate, round trip. `now` gives monotonic seconds."""
    return link_told(body, link_seen(body, mqtt, now), words)


def link_seen(body: dict[str, Any] | None, mqtt: Mqtt | None, now: Callable[[], float]) -> list[link_look.Stage] | None:
    """Look once, step by step: none where the agent has a link, None where nothing is known of the way."""
    if mqtt is None:
        return None
    if body is None:
        return link_look.look(mqtt.endpoints[0], mqtt, now)
    told = section(body, "link")
    return [] if told.get("state") == "online" else link_look.look(clean(told.get("endpoint", "-")), mqtt, now)


def link_told(body: dict[str, Any] | None, seen: list[link_look.Stage] | None, words: Words) -> list[Check]:
    """Say it."""
    looked = [_stage(stage, words) for stage in seen or []]
    if body is None:
        return [Check("skip", "link", words("no_config"))] if seen is None else looked
    told = section(body, "link")
    endpoint, since = clean(told.get("endpoint", "-")), number(told.get("since_s"))
    if told.get("state") == "online":
        span = "-" if since is None else words.span(since)
        state = Check("pass", "link.state", words("link.online", endpoint=endpoint, span=span))
        return [state, Check("pass", "link.steps", words("link.agreed")), certificate(body, words), trip(body, words)]
    reason = clean(told.get("reason") or "-")
    advice = words.advice(reason) or ""
    state = Check("fail", "link.state", words("link.offline", endpoint=endpoint, reason=words.reason(reason)), advice, ("link.down",))
    return [state, *looked, certificate(body, words)]


def _stage(stage: link_look.Stage, words: Words) -> Check:
    assert stage.name in STAGES, stage
    if not stage.reason:
        return Check("pass", f"link.{stage.name}", words(f"link.{stage.name}", ms=f"{stage.ms:.0f}"))
    what = words("link.stage", reason=words.reason(stage.reason))
    return Check("fail", f"link.{stage.name}", what, words.advice(stage.reason) or "")


def certificate(body: dict[str, Any], words: Words) -> Check:
    """Days that are left of the unit's certificate, and whether new files are taken up."""
    told, do, fault = section(body, "certificate"), words("certificate.do"), ("link.certificate",)
    days = number(told.get("days_left"))
    if told.get("trouble"):
        return Check("fail", "link.certificate", words("certificate.trouble", reason=clean(told["trouble"])), do, fault)
    if days is None:
        return Check("skip", "link.certificate", words("certificate.none"))
    if days < 0:
        return Check("fail", "link.certificate", words("certificate.over", days=int(-days)), do, fault)
    what = words("certificate", days=int(days))
    return Check("warn", "link.certificate", what, do, fault) if days < DAYS_FEW else Check("pass", "link.certificate", what)


def trip(body: dict[str, Any], words: Words) -> Check:
    """From PUBLISH to PUBACK, of the last position."""
    ms = number(section(body, "outbox").get("ack_ms"))
    if ms is None:
        return Check("skip", "link.trip", words("trip.unknown"))
    result: Result = "fail" if ms > TRIP_MS_TOO_LONG else "warn" if ms > TRIP_MS_LONG else "pass"
    return Check(result, "link.trip", words("trip", ms=f"{ms:.0f}"), "" if result == "pass" else words("trip.do"))
