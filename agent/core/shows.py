"""Shows: a name goes in; what every output of every group of lights plays in it comes out.

Theory. A show says for each group which patterns its outputs play, dealt in turn: the first output the first, and round again. `BUILT_IN`
are the shows that every unit knows; a `[[show]]` of the config gives a group other patterns in one of them, or makes a new show.

- A built-in show speaks for every group (`EVERY`): whoever calls his groups `left` and `right` is not dark in an alarm. But the group
  `scene`, the white work lights, which blind whoever comes near, shines only in `scene` and `test`.
- A new show speaks only for the groups that it names; the others are dark in it.
- `off` and `dark_approach` are dark, and cannot be given patterns. `dark_approach` is `off` with a reminder, see `dark_approach.py`.

All patterns run on one clock. Those of one group in one show have one period, so that they keep in step for ever (`mistakes`).
"""

from collections.abc import Iterator, Sequence

from agent.config import Output, Show
from agent.core.effects import Pattern

EVERY = "*"
"""Every group that is not named; no name of a group can be this."""

WORK = "scene"
"""The group of white work lights."""

PATTERNS = {
    "off": "off",
    "on": "on",
    "flash_a": "120 80 120 480",
    "flash_b": "0 400 120 80 120 80",
    "slow_a": "500 500",
    "slow_b": "0 500 500 0",
    "wide_a": "1000 1000",
    "wide_b": "0 1000 1000 0",
    "arrow_1": "1200 300",
    "arrow_2": "0 300 900 300",
    "arrow_3": "0 600 600 300",
    "arrow_4": "0 900 300 300",
    "turn_1": "500 1500",
    "turn_2": "0 500 500 1000",
    "turn_3": "0 1000 500 500",
    "turn_4": "0 1500 500 0",
}
"""The patterns that have a name, in the words of the config: "on", "off", or milliseconds on and off in turn; 0 first: it begins dark, 0
last: it ends lit."""

HIDDEN = "dark_approach"
DARK_SHOWS = ("off", HIDDEN)
"""Dark by their names."""

_NO_WORK: dict[str, tuple[str, ...]] = {WORK: ("off",)}

BUILT_IN: dict[str, dict[str, tuple[str, ...]]] = {
    "off": {},
    "cruise": {EVERY: ("on",), **_NO_WORK},
    "response": {EVERY: ("flash_a", "flash_b"), **_NO_WORK},
    "scene": {EVERY: ("slow_a", "slow_b"), WORK: ("on",)},
    "checkpoint": {EVERY: ("wide_a", "wide_b"), **_NO_WORK},
    "closure": {EVERY: ("arrow_1", "arrow_2", "arrow_3", "arrow_4"), **_NO_WORK},
    HIDDEN: {},
    "test": {EVERY: ("turn_1", "turn_2", "turn_3", "turn_4")},
}
"""Under way; to a call; standing at one; a checkpoint seen from far; a road closed, an arrow that grows from the first output to the
fourth; nearing unseen; each lamp in its turn, to find the one that is out. A group that is not named is dark."""

STEP_MS_MIN = 20
"""Shorter ones are no light: a relay takes as long to close, and the thread that plays them would do nothing else."""

_NAME_OF = {steps: name for name, steps in PATTERNS.items()}


def pattern(steps: str) -> Pattern:
    """A pattern from its words (`Steps` of agent.config). Its name is that of PATTERNS, else the words: what has one name does the same.

    Steps of no time are left out; a pattern of one level only is steady.
    """
    name = _NAME_OF.get(steps, steps)
    if steps in ("on", "off"):
        return Pattern(name, ((steps == "on", 0),))
    timed = tuple((i % 2 == 0, int(ms)) for i, ms in enumerate(steps.split(" ")) if int(ms))
    levels = {level for level, _ in timed}
    return Pattern(name, timed if len(levels) > 1 else ((True in levels, 0),))


OFF, ON = pattern("off"), pattern("on")


def shines(played: Pattern) -> bool:
    """Whether there is any light in it."""
    return any(level for level, _ in played.steps)


def period_ms(played: Pattern) -> int:
    """After so long it begins anew; 0 for one that is steady."""
    return sum(ms for _, ms in played.steps)


def dark_ms(played: Pattern) -> int:
    """Its longest time without light between two lights; 0 for one that is steady, also for one that is always dark."""
    longest = dark = 0
    for level, ms in played.steps * 2:  # twice, since the end of one round and the beginning of the next are one darkness
        dark = 0 if level else dark + ms
        longest = max(longest, dark)
    return longest


def built_in(show: str, group: str) -> tuple[Pattern, ...]:
    """What a group plays in a built-in show; dark in any other."""
    groups = BUILT_IN.get(show, {})
    return tuple(pattern(PATTERNS[name]) for name in groups.get(group, groups.get(EVERY, ("off",))))


def known(shows: Sequence[Show]) -> tuple[str, ...]:
    """Names of all shows there are, with these of the config: the built-in ones first."""
    return tuple(dict.fromkeys((*BUILT_IN, *(show.name for show in shows))))


def light_groups(outputs: Sequence[Output]) -> dict[str, tuple[str, ...]]:
    """The outputs of each group of lights, both in the order of the config."""
    groups: dict[str, tuple[str, ...]] = {}
    for output in outputs:
        if output.use == "light":
            groups[output.group] = (*groups.get(output.group, ()), output.id)
    return groups


class Shows:
    """All shows of one unit, dealt to its outputs."""

    def __init__(self, shows: Sequence[Show] = (), outputs: Sequence[Output] = ()) -> None:
        self.names = known(shows)
        self.groups = light_groups(outputs)
        named = {(show.name, show.group): tuple(pattern(steps) for steps in show.patterns) for show in shows}
        self._deals = {
            show: {group: _deal(named.get((show, group), built_in(show, group)), ids) for group, ids in self.groups.items()}
            for show in self.names
        }
        every = (played for deals in self._deals.values() for dealt in deals.values() for played in dealt.values())
        self._light = {OFF.name: False} | {played.name: shines(played) for played in every}

    def play(self, show: str, dark: Sequence[str] = ()) -> dict[str, Pattern]:
        """What every light output is to play; groups that are to stay `dark` are."""
        deals = self._deals[show].items()
        return {output: OFF if group in dark else played for group, dealt in deals for output, played in dealt.items()}

    def lit(self, show: str) -> frozenset[str]:
        """Groups that shine in it."""
        return frozenset(group for group, dealt in self._deals[show].items() if any(shines(played) for played in dealt.values()))

    def dark_s(self, group: str) -> float:
        """The longest time for which any lamp of the group is dark while its group plays light, in any show."""
        return max((dark_ms(p) for deals in self._deals.values() for p in deals[group].values() if shines(p)), default=0) / 1000

    def playing(self, shown: dict[str, str]) -> dict[str, bool | None]:
        """By group: whether it plays light, by the names of the patterns that its outputs say they play; None where they do not say."""
        return {group: self._playing([shown.get(output) for output in ids]) for group, ids in self.groups.items()}

    def _playing(self, names: list[str | None]) -> bool | None:
        lights = [None if name is None else self._light.get(name) for name in names]
        return True if True in lights else None if None in lights else False


def _deal(patterns: tuple[Pattern, ...], outputs: tuple[str, ...]) -> dict[str, Pattern]:
    return {output: patterns[i % len(patterns)] for i, output in enumerate(outputs)}


# --- mistakes of the config -------------------------------------------------------------------------------------------------------------


def mistakes(shows: Sequence[Show], outputs: Sequence[Output]) -> Iterator[tuple[int, str, str]]:
    """What is wrong with the `[[show]]` of a config: the number of the show (from 0), the key, and what to do about it."""
    groups = light_groups(outputs)
    first: dict[tuple[str, str], int] = {}
    for i, show in enumerate(shows):
        if show.name in DARK_SHOWS:
            yield i, "name", f'"{show.name}" is dark by its name; give the show another'
        if first.setdefault((show.name, show.group), i) != i:
            yield i, "group", f'show "{show.name}" has patterns for group "{show.group}" already; put them into one [[show]]'
        if show.group not in groups:
            yield i, "group", f'no output of use "light" is of group "{show.group}"; groups: {", ".join(groups) or "none"}'
        for what in _bad_patterns(show):
            yield i, "patterns", what


def _bad_patterns(show: Show) -> Iterator[str]:
    periods: dict[str, int] = {}
    for steps in show.patterns:
        ms = [int(word) for word in steps.split(" ")] if steps[0].isdigit() else []
        short = [n for i, n in enumerate(ms) if n < STEP_MS_MIN and (n or 0 < i < len(ms) - 1)]
        if short:
            yield f'found a step of {short[0]} ms in "{steps}"; expected at least {STEP_MS_MIN} (0 only first or last)'
        elif ms and not sum(ms[::2]):
            yield f'"{steps}" is never lit; write "off"'
        elif ms:
            periods[steps] = sum(ms)
    if len(set(periods.values())) > 1:
        told = ", ".join(f'"{steps}" {ms} ms' for steps, ms in periods.items())
        yield f"patterns of one group keep step only with one period, found {told}; make the sums equal"
