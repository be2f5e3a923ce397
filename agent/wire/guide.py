"""The contract in words, for docs/asyncapi.yaml and docs/decoding.md: what no schema can say. Nothing but text."""

DECODER = '''\
from itertools import accumulate

UNITS = {"lat": 1e7, "lon": 1e7, "alt": 10, "spd": 100, "cog": 100, "hdop": 100, "acc": 100}


def fixes(track):
    columns = {}
    for name, (order, *values) in track["cols"].items():
        if order < 0:
            values = [v for v, count in zip(values[::2], values[1::2]) for _ in range(count)]
        for _ in range(abs(order)):
            values = list(accumulate(values))
        column = [v / UNITS[name] if name in UNITS else v for v in values] * (track["n"] if order == 0 else 1)
        runs = iter((track.get("absent") or {}).get(name, []))
        for first, count in zip(runs, runs):
            column[first : first + count] = [None] * count
        columns[name] = column
    return [dict(zip(columns, fix)) for fix in zip(*columns.values())]
'''
"""The track decoder, in Python. A test runs it as it stands in docs/decoding.md against `agent.wire.track`."""

CONTRACT = """\
What one Outpost unit (a patrol vehicle, a checkpoint) says to the command centre, and what it takes from it. The document speaks for the
unit: it *sends* what is below `up/` and `state/`, and *receives* what is below `down/`.

**Payloads** are one msgpack map each, with string keys. Times are integer milliseconds UTC, durations end in `_s` or `_ms`; metres, m/s,
degrees clockwise from true north, WGS 84 degrees. An absent fact is absent (or nil), never 0. Unknown keys are to be passed over: later
versions add some. No extension types, no NaN. The schemas use what JSON Schema 2020-12 and draft-07 have in common.

**Transport.** MQTT 5 where the broker speaks it, else 3.1.1; persistent session. QoS 1 throughout: a message may come twice. With
MQTT 5 the content type is `application/msgpack`. Messages below `state/` are retained, those below `up/` and `down/` never are.

**Names of records.** `unit`, `boot` and `seq` name a record of `up/` for ever; a second message with the same three is the same record,
whatever its topic. `boot` is 16 hex digits, new at each start of the agent; `seq` counts 1, 2, 3 … over all kinds within the boot. So a
centre knows by the numbers that nothing is missing. Records of `state/` have no `seq`: the latest of a name counts.

**Order.** Urgent records overtake others: alarms first, then answers, events, declared losses (`gap`), the live position, back-fill.
`mono` (milliseconds on the boot's monotonic clock) orders the records of one boot, also those without a time.

**The clock.** `time` is when it happened. While the unit does not know the time, it is absent, never wrong. `clock.src` says
whence it is known (`gnss`, `ntp`, `none`; `rtc` is kept for later), `clock.err_ms` bounds its error. Records that left undated are dated
afterwards: `clock_fix` tells for its boot `of` that `time = mono + offset_ms`. Records still on the unit get their time before they leave.

**History.** `hist` is there when a record is sent later than 10 s after it was made, or was made without a link: it belongs to the books,
not on the live map.

**Gaps.** What the unit had to give up it declares: `gap` says why (`store_full`, `too_old`, `store_damaged`, `memory_full`,
`events_dropped`), what, how many, and between which moments of `mono`; with `of`, `first` and `last` also which numbers of which boot. A
number that is missing without a `gap` is still on the unit and will come, or the broker has lost it: a PUBACK proves only the broker, and
Mosquitto, killed, forgets what it acknowledged. Ask for it: `down/resend` with ranges of `boot` and `seq`; what the unit has delivered in
the last `keep_days` leaves once more. The live position and an alarm's repeats are not kept; the last numbers of a boot that ended in a
power cut may be missing for good.

**Alarms.** An alarm is named by its `id`, `{boot}-{seq}` of its first record; the name outlives restarts of the unit. `raised` comes
first, then `repeated` with a fresh position (every 5 s for a minute, every 15 s for five minutes, then every minute, and at once when the
link is back), until a human at the centre has seen it: `alarm.ack`. Each further press of that button is one more `repeated` and makes an
acknowledged alarm live again; another button has an alarm of its own. Only `alarm.clear` from the centre ends it, with a `reason`
that the `cleared` record carries. `cancel_requested` says that the officer asks for that; nothing else changes, and the decision is the
centre's. Never rely on it alone: somebody may force a hand. A PUBACK proves only that the broker has the message: the unit stops repeating
for `alarm.ack` alone.

`n` counts what is said of the alarm and never steps back; repeats that could not be sent are not kept and a restart skips some, so it may
jump. Send back the `n` that was seen with `alarm.ack`: when the button was pressed again meanwhile, the answer is `failed`, nothing
changes, and the new press is there to be seen (after an `alarm.clear` the alarm is told once more, as it is). An `n` that was never said is
answered `failed` too. Software that takes alarms in should send `alarm.ack` with `by: auto` at once: the unit goes on repeating, but its
lamp tells the officer `received`. The lamp says what is so of the newest press and never more: fast, somebody has yet to get it; slow, it
is on the unit's disk and at the broker; on but for a blink, `received`; steady, a human has seen it.

`mode`: an `overt` alarm lights the bar and the lamp, a `discreet` one the lamp alone, a `silent` one changes nothing in the car, also when
it is acknowledged; do not call the car for it. `at_boot`: the button was down when the agent started, perhaps a wire.

**Walk tests.** An alarm with `test` is of somebody who tests the buttons (`up/selftest` tells what came of it, `down/selftest` begins one).
Take it in and answer it as a real one, `alarm.ack` by a human: that is what is tested. The unit says `cleared` itself when the test
ends. In the window a hold of 5 s, and any press in doubt, is a real alarm: without `test`.

**Live position and track.** `position` is the dot on the map: it leaves when enough has changed, and is not kept while there is no link. An
old position says so (`src` is `last`, `age_ms`, the flag `stale`). `track` is the evidence: every fix, in batches.

**Decoding a track.** A column is `[order, v0, v1, …]`: drop the order; if it is negative, what follows are runs, a value and how often it
comes: write them out; then as many times as the order says replace the list by its running sums; with order 0 the one value holds for all
`n` fixes. Divide `lat`, `lon` by 1e7, `alt` by 10, `spd`, `cog`, `hdop`, `acc` by 100; `t` is milliseconds
(UTC or `mono`, as `t_is` says), `sats` a count, `mode` an index into none, 2d, 3d, dr, fixed. `absent` lists, by column, runs
`[first, count, …]` of fixes that lack the fact: what the column holds there means nothing. In Python:

```python
{decoder}```

**Orders.** Each order is answered on `up/ack` by its `jti`. Today a unit takes only plain orders of a development bench, `alarm.ack`,
`alarm.clear`, `light.set`, `mark`, `resend` and `selftest`, and those only when its config says `orders.allow_unsigned_development`; every
other order, one whose body is not of its kind, and every retained message on `down/`, is answered `rejected` with the reason. Signed
orders and the desired state (`{root}/u/{unit}/desired/{name}`, `{root}/g/{group}/desired/{name}`: the unit already subscribes, and
does nothing with it) come in a later version of this document.

**Rights.** A unit publishes only below its own `up/` and `state/`, and reads only its own and its groups' `down/` and `desired/`.
""".replace("{decoder}", DECODER)

UP = "Everything that happened."
STATE = "What is so now; retained, the latest counts."
DOWN = "Orders to one unit. Never retained: a retained order is refused, since it would be obeyed again at every start."
GROUP_DOWN = "Orders to all units of a group. Never retained."

PARAMETERS = {
    "root": "Words joined by /; the same for all units of a broker.",
    "unit": "The unit's id: 1 to 32 letters, digits, - or _.",
    "group": "A group that the unit's config names: 1 to 32 letters, digits, - or _.",
}
