"""The report on a played story: what was played, the car and the centre in; one JSON object out, with a verdict.

Times `…_s` are seconds since the story began, durations `…_ms` milliseconds; what did not happen is null.
    versions                outpost, python, broker (mosquitto or nats)
    seed, rate_hz, receiver, for_s  as asked (receiver: its kind, or null);  took_s: as it was
    commit_interval_s       {offline, online}: how long the agent of this story may keep a fix off the disk
    moments                 [{at_s, what}]
    fixes                   emitted = delivered + no_agent + unplugged + uncommitted_before_kill.count + number of lost; what each means:
                            `simulator.reckoning`. lost: [{utc_ms, at_s}]
                            uncommitted_before_kill: {count, oldest_s, bound_s, seen_live}; oldest_s: age of the oldest at the kill,
                            bound_s: commit interval and commit together, seen_live: those whose place a live position had shown
                            duplicates: fixes that came in two records; altered, invented: must be 0; void: epochs without a position
    records                 received (of up/, without repeats), duplicates (the same record again: at least once is the promise),
                            malformed, gaps (what the agent declares to have given up: [{why, what, count}]),
                            holes: [{boot, first, last, killed}], numbers that never came; in a killed boot they were on their way
    alarms                  one for each press, in order: {pressed_at_s, during_cut, id, raised_arrived_at_s, press_to_centre_ms, hold_ms,
                            after_restore_ms, after_link_ms (of one pressed during the cut; from the network's return, and from the
                            agent's connection through it), acknowledged_at_s, cleared_at_s, records, repeats, boots, latched_through_kill}
    alarms_lost             presses without an alarm at the centre
    link                    cut_at_s, restored_at_s, back_at_s (the agent's connection), first_after_restore: {kind, state, id}, the
                            first record on `up/` that came after the network was back. States do not count: a broker keeps the order
                            within one subscription only, and theirs is another (the last will is not even said by the agent)
    agent                   lives: [{pid, boot, started_at_s, ended_at_s, killed}], exit_code of the last
    checks                  {sentence: true or false}
    ok                      all of them are true: the exit code is 0
"""

import platform
from itertools import zip_longest
from typing import Any

from agent import __version__
from agent.wire.records import Gap, Record
from simulator.alarms import AlarmBook
from simulator.bench.brokers import Mosquitto
from simulator.bench.car import Car
from simulator.bench.car_config import HOLD_S
from simulator.centre import Centre
from simulator.reckoning import COMMIT_S_MAX, Account, Fate, Harvest, reckon
from simulator.story import Played, Press

Json = dict[str, Any]


def report(played: Played, car: Car, centre: Centre) -> Json:
    """The report; everything is over."""
    return _Report(played, car, centre).whole()


class _Report:
    def __init__(self, played: Played, car: Car, centre: Centre) -> None:
        self.played = played
        self.car = car
        self.centre = centre
        self.records: list[Record] = centre.ledger.records(unit=car.options.unit)
        self.book = AlarmBook()
        for arrival in centre.records():
            self.book.take(arrival)

    def whole(self) -> Json:
        account = self._account()
        parts = {"fixes": self._fixes(account), "records": self._records(), **self._alarms(), "link": self._link(), "agent": self._agent()}
        checks = self._checks(parts)
        options = self.car.options
        return {
            "versions": {"outpost": __version__, "python": platform.python_version(), "broker": self._broker()},
            "seed": options.seed,
            "rate_hz": options.rate_hz,
            "receiver": options.receiver,
            "for_s": self.played.for_s,
            "took_s": self._at_s(self.played.moments[-1].at),
            "commit_interval_s": {"offline": options.commit_interval_s, "online": options.commit_interval_online_s},
            "moments": [{"at_s": self._at_s(moment.at), "what": moment.what} for moment in self.played.moments],
            **parts,
            "checks": checks,
            "ok": all(checks.values()),
        }

    def _at_s(self, at: float | None) -> float | None:
        return None if at is None else round(at - self.played.began_at, 3)

    def _broker(self) -> str:
        return "mosquitto" if isinstance(self.car.broker, Mosquitto) else "nats"

    def _account(self) -> Account:
        harvest = Harvest()
        for record in self.records:
            harvest.take(record)
        return reckon(self.car.receiver.emitted, harvest, self.car.lives, self.car.unplugged)

    def _fixes(self, account: Account) -> Json:
        bound_s = max((life.uncommitted_s_max + COMMIT_S_MAX for life in self.car.lives if life.killed), default=0.0)
        return {
            "emitted": len(account.epochs),
            "delivered": account.count(Fate.DELIVERED),
            "lost": [{"utc_ms": epoch.utc_ms, "at_s": self._at_s(epoch.at)} for epoch in account.of(Fate.LOST)],
            "no_agent": account.count(Fate.NO_AGENT),
            "unplugged": account.count(Fate.UNPLUGGED),
            "uncommitted_before_kill": {
                "count": account.count(Fate.UNCOMMITTED),
                "oldest_s": round(account.uncommitted_s, 3),
                "bound_s": bound_s,
                "seen_live": account.uncommitted_seen_live,
            },
            "duplicates": account.duplicates,
            "altered": account.altered,
            "invented": account.invented,
            "void": self.car.receiver.void_epochs,
        }

    def _records(self) -> Json:
        killed = {boot for boot, life in zip(self.car.boots, self.car.lives, strict=False) if life.killed}
        gaps = [{"why": r.why, "what": r.what, "count": r.count} for r in self.records if isinstance(r, Gap)]
        return {
            "received": len(self.records),
            "duplicates": self.centre.ledger.duplicates,
            "malformed": self.centre.ledger.malformed,
            "gaps": gaps,
            "holes": [
                {"boot": boot, "first": first, "last": last, "killed": boot in killed}
                for (_, boot), holes in self.centre.ledger.holes().items()
                for first, last in holes
            ],
        }

    def _alarms(self) -> Json:
        alarms = [self._alarm(press) for press in self.played.presses]
        return {"alarms": alarms, "alarms_lost": sum(alarm["id"] is None for alarm in alarms)}

    def _alarm(self, press: Press) -> Json:
        seen = self.book.alarms.get(press.alarm or "")
        raised_at = seen.raised_at if seen else None
        return {
            "pressed_at_s": self._at_s(press.at),
            "during_cut": press.during_cut,
            "id": press.alarm,
            "raised_arrived_at_s": self._at_s(raised_at),
            "press_to_centre_ms": _ms(press.at, raised_at),
            "hold_ms": round(1000 * HOLD_S),
            "after_restore_ms": _ms(self.played.restored_at, raised_at) if press.during_cut else None,
            "after_link_ms": _ms(self.played.back_at, raised_at) if press.during_cut else None,
            "acknowledged_at_s": self._at_s(seen.acknowledged_at) if seen else None,
            "cleared_at_s": self._at_s(seen.cleared_at) if seen else None,
            "records": seen.records if seen else 0,
            "repeats": seen.repeats if seen else 0,
            "boots": seen.boots if seen else [],
            "latched_through_kill": press.alarm in self.played.latched,
        }

    def _link(self) -> Json:
        first, played = self.played.first, self.played
        return {
            "cut_at_s": self._at_s(played.cut_at),
            "restored_at_s": self._at_s(played.restored_at),
            "back_at_s": self._at_s(played.back_at),
            "first_after_restore": first and {"kind": first.kind, "state": getattr(first, "state", None), "id": getattr(first, "id", None)},
        }

    def _agent(self) -> Json:
        rows = zip_longest(self.played.pids, self.car.boots, self.car.lives)
        lives = [
            {
                "pid": pid,
                "boot": boot,
                "started_at_s": self._at_s(life.started_at),
                "ended_at_s": self._at_s(life.ended_at),
                "killed": life.killed,
            }
            for pid, boot, life in rows
        ]
        return {"lives": lives, "exit_code": self.played.exit_code}

    def _checks(self, parts: Json) -> dict[str, bool]:
        fixes, records, alarms, first = parts["fixes"], parts["records"], parts["alarms"], parts["link"]["first_after_restore"]
        in_cut = next((alarm["id"] for alarm in alarms if alarm["during_cut"]), None)
        return {
            "the story was played to its end": self.played.missing is None,
            "no fix was lost": not fixes["lost"],
            "no fix came altered or invented": fixes["altered"] == fixes["invented"] == 0,
            "no alarm was lost": len(alarms) == 2 and parts["alarms_lost"] == 0,
            "the alarm pressed during the cut arrived first after the network was back": bool(
                first and in_cut and (first["kind"], first["state"], first["id"]) == ("alarm", "raised", in_cut)
            ),
            "the alarm that was live at kill -9 was live after the restart": bool(alarms) and alarms[-1]["latched_through_kill"],
            "every alarm was acknowledged and cleared": bool(alarms) and all(a["acknowledged_at_s"] and a["cleared_at_s"] for a in alarms),
            "no record was malformed, none is missing from a boot that ended in order, none was given up": not records["malformed"]
            and not records["gaps"]
            and all(hole["killed"] for hole in records["holes"]),
            "the agent ended in order": parts["agent"]["exit_code"] == 0,
        }


def _ms(since: float | None, until: float | None) -> int | None:
    return None if since is None or until is None else round(1000 * (until - since))
