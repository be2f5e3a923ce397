"""The verdict on a chaos run: what was done, what was committed and what the centre has in; a table, and every broken promise, out."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from agent.wire import codec
from agent.wire.records import Alarm, Gap, Record, Track
from simulator.bench.car_config import HOLD_S
from simulator.ledger import Ledger
from simulator.reckoning import Account, Fate, Harvest, Life, reckon
from tests.chaos.duty import Duty
from tests.chaos.places import ChaosDesk
from tests.chaos.play import Play, Press
from tests.chaos.schedule import End
from tests.chaos.witness import Witness

RELEASE_S = 0.1
"""A button let go so soon after it has been held long enough may have been let go before: the debouncing, and the bench's own clocks."""

KILL_S = 0.5
"""An alarm must be on disk so long after the button has been down long enough; a kill before that may take it with the officer's finger."""

LATE_S = 1.2
"""A lost edge is found by the levels, a second later; none is lost here, but the machine may be busy."""

SHOWN_MAX = 12

AT: dict[End, str] = {"start": "while it started", "commit": "at its first commits", "drain": "as it drained", "any": "at any other moment"}


class Verdict(NamedTuple):
    """Lines of the table as name and figure, and the promises that did not hold: none is as it should be."""

    rows: list[tuple[str, str]]
    broken: list[str]

    def __str__(self) -> str:
        """The table, then what is broken."""
        width = max(len(name) for name, _ in self.rows)
        lines = [f"  {name:<{width}}  {figure:>8}" for name, figure in self.rows]
        told = self.broken[:SHOWN_MAX] + ([f"… and {len(self.broken) - SHOWN_MAX} more"] if len(self.broken) > SHOWN_MAX else [])
        return "\n".join([*lines, *(f"  BROKEN: {each}" for each in told)])


class Pressed(NamedTuple):
    """What became of the presses of the panic button."""

    due: int
    """Held long enough while an agent ran that lived on for long enough."""
    cut_short: int
    """The agent was killed, or none ran, before that."""
    missing: list[str]


def judge(desk: ChaosDesk, witness: Witness, duty: Duty, play: Play) -> Verdict:
    """Judge a run that is over."""
    ledger = desk.centre.ledger
    records = {f"{record.boot}-{record.seq}": record for record in ledger.records(unit=desk.options.unit)}
    committed = witness.committed
    missing = sorted(committed.keys() - records.keys())
    pressed = judge_presses(play.presses, desk.lives, witness.levels, records.values(), committed)
    only_broker = {name: payload for name, payload in witness.acked.items() if name not in records and name not in committed}
    account, with_broker = _account(desk, ledger, {}), _account(desk, ledger, only_broker)
    broken = [
        *play.ended_alone,
        *dict.fromkeys(each.what for each in witness.broken),
        *(f"{name} was committed, and is missing at the centre" for name in missing),
        *_shorter(records, committed),
        *_contradictions(ledger),
        *pressed.missing,
        *(f"the fix of {epoch.utc_ms} ms was lost" for epoch in with_broker.of(Fate.LOST)),
        *([f"{account.altered} fixes altered"] if account.altered else []),
        *([f"{account.invented} fixes invented"] if account.invented else []),
        *([f"{ledger.malformed} messages could not be read"] if ledger.malformed else []),
        *([f"the agent ended with exit code {play.exit_code}"] if play.exit_code else []),
    ]
    rows = [*_deeds(play), *_arrivals(ledger, records, duty, play), *_promises(committed, missing, pressed, records)]
    return Verdict([*rows, *_fixes(account, with_broker, only_broker, desk.lives)], broken)


# --- records ------------------------------------------------------------------------------------------------------------------------


def _shorter(records: dict[str, Record], committed: dict[str, int]) -> list[str]:
    """Batches that had more fixes on disk than have arrived."""
    tracks = ((name, record) for name, record in records.items() if isinstance(record, Track))
    short = ((name, record) for name, record in tracks if record.n < committed.get(name, 0))
    return [f"{name} had {committed[name]} fixes on disk, {record.n} arrived" for name, record in short]


def _contradictions(ledger: Ledger) -> list[str]:
    """A record that came again with other fixes: one name, two records."""
    first: dict[tuple[str, int], Track] = {}
    found = []
    for record in (arrival.record for arrival in ledger.arrivals()):
        if isinstance(record, Track) and record.cols != first.setdefault((record.boot, record.seq), record).cols:
            found.append(f"{record.boot}-{record.seq} came with {first[record.boot, record.seq].n} fixes, and with {record.n}")
    return found


# --- alarms -------------------------------------------------------------------------------------------------------------------------


def judge_presses(
    presses: list[Press], lives: list[Life], levels: list[float], records: Iterable[Record], committed: dict[str, int]
) -> Pressed:
    """Each press that an agent must have taken for an alarm has a record of it, stamped with the moment it had been held long enough.

    A repeat from memory says nothing of a press; `raised` does, and what was stored.
    """
    said = [r for r in records if isinstance(r, Alarm) and (r.state == "raised" or f"{r.boot}-{r.seq}" in committed)]
    moments = sorted(r.mono / 1000 for r in said if r.state in ("raised", "repeated"))
    due, cut_short, missing = 0, 0, []
    for press in presses:
        held = [at for life in lives if (at := _held(press, life, levels)) is not None]
        due += bool(held)
        cut_short += not held
        missing += [
            f"the button was down from {press.at:.2f} to {press.released_at:.2f}, an alarm due at {at:.2f}: none arrived"
            for at in held
            if not any(at - RELEASE_S <= moment <= at + LATE_S for moment in moments)
        ]
    return Pressed(due, cut_short, missing)


def _held(press: Press, life: Life, levels: list[float]) -> float | None:
    """When, in that life, the button had been down for long enough; None when it cannot be said that it was."""
    ended_at = math.inf if life.ended_at is None else life.ended_at
    first = next((at for at in levels if life.started_at <= at < ended_at), None)
    if first is None:
        return None
    at = max(press.at, first) + HOLD_S
    return at if press.released_at >= at + RELEASE_S and ended_at >= at + KILL_S else None


# --- fixes --------------------------------------------------------------------------------------------------------------------------


def _account(desk: ChaosDesk, ledger: Ledger, more: dict[str, bytes]) -> Account:
    """What became of each fix; `more`: payloads that count as if they had come."""
    harvest = Harvest()
    for record in (*ledger.records(unit=desk.options.unit), *(codec.decode(payload) for payload in more.values() if payload)):
        harvest.take(record)
        # All processes here share one monotonic clock: a life too short to learn the time is dated by it.
        harvest.offsets_ms.setdefault(record.boot, desk.clock_ms())
    return reckon(desk.receiver.emitted, harvest, desk.lives, desk.unplugged)


# --- the table ----------------------------------------------------------------------------------------------------------------------


def _deeds(play: Play) -> list[tuple[str, str]]:
    return [
        ("agent killed (SIGKILL)", f"{play.kills.total()}"),
        *((f"  {AT[end]}", f"{play.kills[end]}") for end in AT),
        ("broker killed (SIGKILL)", f"{play.broker_kills}"),
        ("the unit's line cut", f"{play.line_cuts}"),
        ("the centre's line cut", f"{play.centre_cuts}"),
    ]


def _arrivals(ledger: Ledger, records: dict[str, Record], duty: Duty, play: Play) -> list[tuple[str, str]]:
    kinds = Counter(record.kind for record in records.values())
    gaps = sum(isinstance(record, Gap) for record in records.values())
    return [
        ("messages at the centre", f"{len(ledger.arrivals())}"),
        ("records among them", f"{len(records)}"),
        *((f"  {kind}", f"{count}") for kind, count in kinds.most_common()),
        ("duplicates", f"{ledger.duplicates}"),
        ("losses declared by the agent (gap)", f"{gaps}"),
        ("orders to resend, in rounds", f"{duty.orders_to_resend} in {play.rounds}"),
        ("rows resent", f"{duty.rows_resent}"),
    ]


def _promises(committed: dict[str, int], missing: list[str], pressed: Pressed, records: dict[str, Record]) -> list[tuple[str, str]]:
    alarms = sum(isinstance(records.get(name), Alarm) for name in committed)
    return [
        ("records committed", f"{len(committed)}"),
        ("  missing at the centre", f"{len(missing)}"),
        ("  alarm records among those that came", f"{alarms}"),
        ("presses that must raise an alarm", f"{pressed.due}"),
        ("  missing at the centre", f"{len(pressed.missing)}"),
        ("presses cut short by a kill", f"{pressed.cut_short}"),
    ]


def _fixes(account: Account, with_broker: Account, only_broker: dict[str, bytes], lives: list[Life]) -> list[tuple[str, str]]:
    gone = Counter(next(life for life in lives if life.covers(epoch.at)) for epoch in account.of(Fate.UNCOMMITTED))
    kills = sum(life.killed for life in lives)
    return [
        ("fixes told by the receiver", f"{len(account.epochs)}"),
        ("  delivered", f"{account.count(Fate.DELIVERED)}"),
        ("  told while no agent listened", f"{account.count(Fate.NO_AGENT)}"),
        ("  not yet committed when killed", f"{account.count(Fate.UNCOMMITTED)}"),
        ("    in a kill, mean", f"{account.count(Fate.UNCOMMITTED) / max(1, kills):.1f}"),
        ("    in a kill, most", f"{max(gone.values(), default=0)}"),
        ("    the oldest of them, s", f"{account.uncommitted_s:.2f}"),
        ("  only the killed broker had them", f"{account.count(Fate.LOST) - with_broker.count(Fate.LOST)}"),
        ("  lost", f"{with_broker.count(Fate.LOST)}"),
        ("records only the killed broker had", f"{len(only_broker)}"),
    ]
