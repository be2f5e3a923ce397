"""The step of GNSS: receiver, antenna, satellites, what the lights do to the signal, how far a parked car's positions scatter."""

import math
from statistics import fmean, median

from agent.cli import doctor_unit
from agent.cli.commission_talk import LeftOut
from agent.cli.commission_walk import Refused, Walk
from agent.cli.doctor_check import Result
from agent.cli.why_findings import number, section

LIGHTS_S = 8.0
"""So long the sky is watched with the lights off, and on; skies come each second."""

LEASE_S = 10.0
SKY_S_MAX = 3.0
"""An older sky is none of now."""

LOSS_DB, LOSS_DB_LARGE = 2.0, 6.0
"""What the best four may lose when the lights go on: a weak power supply of a light bar costs more."""

SCATTER_S = 60.0
"""So long positions are collected."""

SCATTER_M, SCATTER_M_LARGE = 5.0, 20.0
"""Of a car that stands, in one minute, root of the mean square; under an open sky about 1 m."""

FIXES_MIN = 10
DEGREE_M = 111_195.0
"""Of latitude: a sphere of 6371 km."""


def gnss(walk: Walk) -> None:
    """One after the other; the lights and the scatter only when there is a position."""
    walk.say("gnss.sky")
    walk.wait(lambda status: section(status, "position").get("mode") in ("2d", "3d", "fixed"))
    body = walk.status()
    walk.take(lambda words: doctor_unit.gnss(body, words))
    for part, code in ((_lights, "gnss.lights"), (_scatter, "gnss.scatter")):
        try:
            part(walk, code)
        except LeftOut as e:
            walk.left_out(code, e.reason)
        except Refused as e:
            walk.note("fail", code, "output.refused", "output.refused.do", name=code, reason=e.reason)


def _lights(walk: Walk, code: str) -> None:
    if not any(output.use == "light" for output in walk.config.output):
        walk.note("skip", code, "lights.none")
        return
    heard = {}
    for show in ("off", "response"):
        walk.say(f"lights.{show}")
        walk.do("output.test", show=show, s=LEASE_S)
        heard[show] = _signal(walk)
    walk.do("output.test", show=None)
    dark, lit = heard["off"], heard["response"]
    if dark is None or lit is None:
        walk.note("skip", code, "lights.unheard")
        return
    loss = dark - lit
    result: Result = "fail" if loss > LOSS_DB_LARGE else "warn" if loss > LOSS_DB else "pass"
    walk.note(result, code, "lights.heard", "" if result == "pass" else "lights.do", dark=f"{dark:.0f}", lit=f"{lit:.0f}")


def _signal(walk: Walk) -> float | None:
    """Median of the C/N0 of the best, over some seconds; the first second belongs to what was before."""
    heard: list[float] = []
    begun = walk.now()
    while walk.now() < begun + LIGHTS_S:
        walk.talk.turn()
        sky = section(walk.status(), "sky")
        dbhz, age_s = number(sky.get("cn0_best_dbhz")), number(sky.get("age_s"))
        if dbhz is not None and age_s is not None and walk.now() - age_s > begun + 1 and age_s <= SKY_S_MAX:
            heard.append(dbhz)
    return median(heard) if heard else None


def _scatter(walk: Walk, code: str) -> None:
    walk.say("scatter.wait", seconds=f"{SCATTER_S:.0f}")
    seen: dict[float, tuple[float, float]] = {}
    until = walk.now() + SCATTER_S
    while walk.now() < until:
        walk.talk.turn()
        raw = section(section(walk.status(), "sky"), "raw")
        lat, lon, age_s = (number(raw.get(key)) for key in ("lat", "lon", "age_s"))
        if lat is not None and lon is not None and age_s is not None and age_s < SKY_S_MAX:
            seen[round(walk.now() - age_s)] = (lat, lon)
    if len(seen) < FIXES_MIN:
        walk.note("fail", code, "scatter.few", "sats.do", count=len(seen))
        return
    metres = scatter_m(list(seen.values()))
    result: Result = "fail" if metres > SCATTER_M_LARGE else "warn" if metres > SCATTER_M else "pass"
    walk.note(result, code, "scatter", "" if result == "pass" else "scatter.do", metres=f"{metres:.1f}", count=len(seen))


def scatter_m(places: list[tuple[float, float]]) -> float:
    """Root of the mean square of the distance from their mean, m; latitude and longitude in degrees. On a plane: it is metres."""
    lat, lon = fmean(place[0] for place in places), fmean(place[1] for place in places)
    east_m = DEGREE_M * math.cos(math.radians(lat))
    return math.sqrt(fmean(((a - lat) * DEGREE_M) ** 2 + ((o - lon) * east_m) ** 2 for a, o in places))
