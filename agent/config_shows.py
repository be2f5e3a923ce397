"""The shows of a config: every [[show]] in force, and every name of one, go in; the mistakes come out, and what is allowed but not wise.

What a show may be is said in `agent.core.shows`; here are the places in the files, and what only a person would mind.
"""

from collections.abc import Iterator

from agent.config import Config, Input, InputUse, Output, Show
from agent.config_sheets import Item, Sheet, Sheets, written
from agent.config_walk import Mistake, close_to
from agent.core import shows
from agent.core.effects import Pattern

PERIOD_MS_MAX = 20_000
"""A bar that is dark for longer looks dead to a driver."""

FLASHES_HZ_MAX = 4.0
"""UN/ECE Regulation 65 has warning lamps at 2 to 4 Hz; from about 5 Hz on flashing can harm people with photosensitive epilepsy."""

SENSED_MIN = 2
"""A flash that is so many times as long as its sense line's `debounce_s` is believed, also when lamp and timing are a little late."""

ALARM = "response"
"""The show of an overt alarm."""


def check(sheets: Sheets) -> Iterator[Mistake]:
    """Every mistake."""
    known = {*shows.BUILT_IN, *(show.value("name") for show in sheets.items("show"))} - {None}
    for item in sheets.items("input"):
        name = item.value("show")
        if name is not None and name not in known:
            near = close_to(name, known)
            advice = f'did you mean "{near}"?' if near else f"there are: {', '.join(sorted(known))}"
            yield item.mistake("show", f'there is no show "{name}"; {advice}')
    for sheet in sheets.every():
        yield from _shows(sheet, sheets.groups(sheet))


def _shows(sheet: Sheet, groups: set[str]) -> Iterator[Mistake]:
    """The shows of one file, which may name these groups."""
    right = [item for item in written(sheet, "show") if None not in (item.value("name"), item.value("group"), item.value("patterns"))]
    made = [Show(name=item.value("name"), group=item.value("group"), patterns=item.value("patterns")) for item in right]
    for i, key, told in shows.mistakes(made, [Output(id=group, group=group, pin=0) for group in sorted(groups)]):
        yield right[i].mistake(key, told)
    for item, show in zip(right, made, strict=True):
        yield from _patterns(item, show)


def _patterns(item: Item, show: Show) -> Iterator[Mistake]:
    for i, steps in enumerate(show.patterns):
        if (period_ms := shows.period_ms(shows.pattern(steps))) > PERIOD_MS_MAX:
            told = f"found a period of {period_ms} ms; expected at most {PERIOD_MS_MAX}: longer looks like a dead bar"
            yield Mistake((*item.path, "patterns", i), told, item.sheet.named)


def notes(config: Config) -> Iterator[str]:
    """What is allowed, and yet most likely not meant."""
    for show in config.show:
        for pattern in show.patterns:
            if (hz := flashes_hz(pattern)) > FLASHES_HZ_MAX:
                yield (
                    f"show {show.name}, group {show.group}: {hz:.1f} flashes a second; warning lamps keep to 2 to 4 (UN/ECE R65), "
                    "and from about 5 on it can harm people with photosensitive epilepsy"
                )
        if show.name == ALARM and show.group != shows.WORK and not any(shows.shines(shows.pattern(steps)) for steps in show.patterns):
            yield f"show {show.name}, group {show.group}: all off; an overt alarm darkens the group {show.group}, also one that was lit"
    played = shows.Shows(config.show, config.output)
    for line in config.input:
        if line.use is InputUse.LIGHT_SENSE and (group := line.senses or next(iter(played.groups), None)) is not None:
            yield from _unseen(line, group, played)


def _unseen(line: Input, group: str, played: shows.Shows) -> Iterator[str]:
    """What a sense line cannot see of its group. It watches one output, and which one the config does not say: so any of them."""
    debounce_ms = round(1000 * line.debounce_s)
    for show in played.names:
        for output in played.groups.get(group, ()):
            pattern = played.play(show)[output]
            if shows.period_ms(pattern) and (ms := lit_ms(pattern)) < SENSED_MIN * debounce_ms:
                yield (
                    f"{line.id}: in show {show} {output} is lit for {ms} ms at a time, and this line believes what lasts {debounce_ms} ms "
                    f"(debounce_s); with less than {SENSED_MIN} times as much the group {group} may be called dark (lights.dark)"
                )
            if not shows.shines(pattern) and group in played.lit(show):
                yield (
                    f"{line.id}: in show {show} {output} is dark while others of the group {group} shine; "
                    "watch one of those, else the group is called dark (lights.dark)"
                )


def lit_ms(played: Pattern) -> int:
    """Its longest time of light without a break, milliseconds; for one that is not steady."""
    longest = lit = 0
    for level, ms in played.steps * 2:  # twice, since the end of one round and the beginning of the next are one light
        lit = lit + ms if level else 0
        longest = max(longest, lit)
    return longest


def flashes_hz(steps: str) -> float:
    """How often a second it lights up; the words are those of `Steps`."""
    played = shows.pattern(steps)
    levels = [level for level, _ in played.steps]
    rises = sum(level and not before for before, level in zip([levels[-1], *levels], levels, strict=False))
    return 1000 * rises / shows.period_ms(played) if shows.period_ms(played) else 0.0
