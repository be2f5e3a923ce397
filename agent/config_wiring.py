"""Pins and the keys that go with them: the inputs and outputs in force go in, a board's included; the mistakes between them come out."""

from collections.abc import Iterator

from agent.config import InputUse
from agent.config_sheets import DEVICES, Item, Sheets, identity, written
from agent.config_walk import Mistake, close_to
from agent.config_words import listed
from agent.header import FIXED_UP, boot_pull
from agent.toml_lines import line_of

UART_PINS = {14: "TXD", 15: "RXD"}
"""The pins of /dev/serial0 (Raspberry Pi documentation, UART configuration)."""

UART_PORT = "/dev/serial0"

PIN_KEYS = ("pin", "pin_no", "pin_nc")

ONLY_FOR = {
    "hold_s": (InputUse.PANIC, InputUse.PANIC_CANCEL),
    "press": (InputUse.PANIC,),
    "mode": (InputUse.PANIC,),
    "seat": (InputUse.PANIC,),
    "show": (InputUse.LIGHT_HAND,),
    "senses": (InputUse.LIGHT_SENSE,),
    "alive_s": (InputUse.RECORDER_ALIVE,),
}
"""Keys of an input that say something for these uses only: beside another they would be believed to do what they do not."""

PRESS_RELEASE_S_MAX = 1.0
"""A press is believed to go on for `release_s` after each touch, and a hold is the sum of its touches: with more, they add up to one."""


def check(sheets: Sheets, uart: tuple[str, str] | None) -> Iterator[Mistake]:
    """Every mistake. `uart`: the key of [gnss] by which the receiver has pins 14 and 15, and where that is said."""
    yield from _ids(sheets)
    yield from _without(sheets)
    for item in sheets.items("input"):
        yield from _contacts(item)
        yield from _uses(item)
        yield from _press(item)
        yield from _pulls(item)
    yield from _pins(sheets, uart)
    yield from _groups(sheets)
    for item in sheets.items("output"):
        yield from _power_on(item)
        yield from _safe(item)


def _ids(sheets: Sheets) -> Iterator[Mistake]:
    for sheet in sheets.every():
        first: dict[object, Item] = {}
        for item in written(sheet, *DEVICES):
            name = item.value("id")
            other = first.setdefault(identity(item), item)
            if name is not None and other is not item:
                yield item.mistake("id", f'"{name}" is already the id of {other.named(item, "id")}; give it another')


def _without(sheets: Sheets) -> Iterator[Mistake]:
    """Nothing is left out that is not there."""
    known = [name for item in written(sheets.board, *DEVICES) if (name := item.value("id"))] if sheets.board else []
    for path, leaf in sheets.own.leaves.items():
        if path[:-1] != ("unit", "without") or leaf.value in known:
            continue
        if sheets.board is None:
            yield Mistake(path, "without is of no use without a board; say which in unit.board, or remove it")
            return
        near = close_to(leaf.value, known)
        advice = f'did you mean "{near}"?' if near else f"it has {', '.join(known) or 'nothing'}"
        yield Mistake(path, f'the board has no "{leaf.value}"; {advice}')


def _contacts(item: Item) -> Iterator[Mistake]:
    """One pin, or both contacts of a change-over switch."""
    pin, no, nc = (item.has(key) for key in PIN_KEYS)
    if not (pin or no or nc):
        told = "missing; expected a BCM pin number from 0 to 27, or pin_no and pin_nc for the two contacts of a supervised switch"
        yield item.mistake("pin", told)
    elif pin and (no or nc):
        yield item.mistake("pin_no" if no else "pin_nc", "an input has one pin, or pin_no and pin_nc; remove pin, or this")
    elif no != nc:
        key, lacks = ("pin_no", "pin_nc") if no else ("pin_nc", "pin_no")
        yield item.mistake(key, f"{key} is of no use alone; say {lacks} too, or pin for a switch with one contact")


def _uses(item: Item) -> Iterator[Mistake]:
    use = item.value("use")
    if use is None:
        return
    for key, uses in ONLY_FOR.items():
        if item.has(key) and use not in uses:
            right = listed(u.value for u in uses)
            yield item.mistake(key, f"{key} says nothing about an input of use {use.value}; it is for {right}: remove it, or correct use")
    if use is InputUse.LIGHT_HAND and not item.has("show"):
        yield item.mistake("show", 'missing; expected the show that this switch puts on, like "scene"')


def _press(item: Item) -> Iterator[Mistake]:
    """A press that is held for `hold_s` is believed by then, and several short ones are not taken for one."""
    use, debounce_s, release_s, hold_s = (item.value(key) for key in ("use", "debounce_s", "release_s", "hold_s"))
    if use not in (InputUse.PANIC, InputUse.PANIC_CANCEL):
        return
    if use is InputUse.PANIC and None not in (debounce_s, hold_s) and debounce_s > hold_s:
        told = (
            f"a press is believed only after {debounce_s:g} s (debounce_s), but is an alarm after {hold_s:g} s (hold_s): "
            "let go between, it is none; expected a debounce_s of 0.02 to 0.2"
        )
        yield item.mistake("debounce_s" if item.has("debounce_s") else "hold_s", told)
    if release_s is not None and release_s > PRESS_RELEASE_S_MAX:
        told = f"found {release_s:g}; expected at most {PRESS_RELEASE_S_MAX:g} for a button that is held: touches would add up to one press"
        yield item.mistake("release_s", told)


def _pulls(item: Item) -> Iterator[Mistake]:
    pull, active = item.value("pull"), item.value("active")
    for key in PIN_KEYS:
        if item.value(key) in FIXED_UP and pull in ("down", "none"):
            told = f'pin {item.value(key)} is pulled up by 1.8 kΩ on the Pi, found pull = "{pull}"; say pull = "up", or take another pin'
            yield item.mistake(key, told)
    if item.has("pin_no") and (pull, active) in (("up", "high"), ("down", "low")):
        told = f"pull {pull} makes an open wire read active (active is {active}): a cut would be taken for a short; turn one of them round"
        yield item.mistake("pull" if item.has("pull") else "active", told)


def _pins(sheets: Sheets, uart: tuple[str, str] | None) -> Iterator[Mistake]:
    first: dict[int, tuple[Item, str]] = {}
    used = [(item, key) for item in sheets.items(*DEVICES) for key in PIN_KEYS if item.path[0] == "input" or key == "pin"]
    used.sort(key=lambda at: (not at[0].sheet.is_board, line_of(at[0].sheet.lines, (*at[0].path, at[1])) or 0))
    for item, key in used:
        pin = item.value(key)
        if pin is None:
            continue
        other, other_key = first.setdefault(pin, (item, key))
        if (other, other_key) != (item, key):
            told = f"pin {pin} is already used by {other.named(item, other_key)}; one pin has one function"
            if other.sheet is not item.sheet:
                told += f'; take another, or say without = ["{other.value("id")}"] in [unit]'
            yield item.mistake(key, told)
        elif uart is not None and pin in UART_PINS:
            told = f"pin {pin} is {UART_PINS[pin]} of {UART_PORT}, which gnss.{uart[0]} uses ({uart[1]}); take another pin"
            yield item.mistake(key, told)


def _groups(sheets: Sheets) -> Iterator[Mistake]:
    """Every group that is named is one of lights."""
    groups = sheets.groups()
    for item in sheets.items("output"):
        if item.has("group") and item.value("use") not in ("light", None):
            told = f"group says nothing about an output of use {item.value('use')}; it is for light: remove it, or correct use"
            yield item.mistake("group", told)
    for item in sheets.items("input"):
        if item.has("senses") and item.value("senses") is not None:
            yield from no_group(item.value("senses"), groups, item.mistake("senses", ""))
    for sheet in sheets.every():
        seen: set[object] = set()
        for path, leaf in sheet.leaves.items():
            if path[:-1] == ("lights", "shed"):
                yield from no_group(leaf.value, sheets.groups(sheet), Mistake(path, "", sheet.named))
                if leaf.value in seen:
                    yield Mistake(path, f'"{leaf.value}" is there already: a group is shed once; remove it', sheet.named)
                seen.add(leaf.value)


def no_group(group: str, groups: set[str], at: Mistake) -> Iterator[Mistake]:
    """A mistake there when no light is in that group."""
    if group not in groups:
        near = close_to(group, groups)
        known = f'did you mean "{near}"?' if near else f"there are: {', '.join(sorted(groups)) or 'none, for there are no lights'}"
        yield at._replace(message=f'no light is in a group "{group}"; {known}')


def power_on_level(at_power_on: str, pin: int) -> str:
    """`up` or `down`: the level of an output's pin from power-on until a program takes it."""
    return boot_pull(pin) if at_power_on == "pi" else at_power_on


SAFE_OFF = {
    "panic_lamp": "steady light means that a human has seen the alarm",
    "buzzer": "it would sound until the agent runs again",
    "recorder_mark": "the next mark would have no edge",
}
"""Why an output of such a use must not be on when nobody drives it."""


def _safe(item: Item) -> Iterator[Mistake]:
    """Only a light may be on when the agent has ended."""
    use = item.value("use")
    if item.value("safe") == "on" and use in SAFE_OFF:
        yield item.mistake("safe", f'found "on" for an output of use {use}; expected "off": {SAFE_OFF[use]}')


def _power_on(item: Item) -> Iterator[Mistake]:
    """No output is switched on by what pulls its pin before the agent runs."""
    pin, active, safe, said = (item.value(key) for key in ("pin", "active", "safe", "at_power_on"))
    if None in (pin, active, safe, said):
        return
    if pin in FIXED_UP and said == "down":
        yield item.mistake("at_power_on", f"pin {pin} is pulled up by 1.8 kΩ on the Pi, which no resistor turns round; take another pin")
        return
    level = power_on_level(said, pin)
    if safe == "on" or (level == "up") != (active == "high"):
        return
    whose = f"the Pi's own pull of pin {pin} is {level}" if said == "pi" else f"pin {pin} is {level}, as at_power_on says,"
    turned, pins = ("down", "9 to 27") if level == "up" else ("up", "0 to 8")
    told = (
        f'{whose} from power-on until the agent runs, and that switches "{item.value("id")}" on, while safe is off; '
        f'take a pin of {pins}, or put a resistor of 10 kΩ there and say at_power_on = "{turned}"'
    )
    yield item.mistake("pin" if said == "pi" else "at_power_on", told)
