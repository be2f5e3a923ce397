"""A type or a value of the config goes in; words for people come out: what is expected, what was found, how it is written in TOML."""

import enum
import json
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta

TEXT_SHOWN_MAX = 60
"""More of a wrong text than this does not help to find it."""

UNDERSCORED_MIN = 100_000
"""From here on digits are hard to count."""

UNITS = {"s": "seconds", "m": "metres", "deg": "degrees", "mps": "metres per second", "bytes": "bytes", "days": "days"}
"""What a part of a key's name says about its unit."""

NOUNS: dict[Any, str] = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def unwrap(kind: Any) -> tuple[Any, tuple[Meta, ...]]:
    """A type without its annotation and without `| None`, and the constraints that it carried."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(k for k in get_args(kind) if k is not types.NoneType)
    if get_origin(kind) is Annotated:
        inner, *metas = get_args(kind)
        base, more = unwrap(inner)
        return base, (*more, *(m for m in metas if isinstance(m, Meta)))
    return kind, ()


def item_of(base: Any) -> Any | None:
    """The type of the items when `base` is a list (`tuple[T, ...]`), else None."""
    return get_args(base)[0] if get_origin(base) is tuple else None


def choices(base: Any) -> list[Any]:
    """All values that the type allows, when they can be counted up; in the order of the source."""
    if get_origin(base) is Literal:
        return list(get_args(base))
    return [member.value for member in base] if isinstance(base, type) and issubclass(base, enum.Enum) else []


def toml(value: object) -> str:
    """A value of the config as TOML writes it."""
    if isinstance(value, enum.Enum):
        return toml(value.value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml(v) for v in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def listed(values: Iterable[object], last: str = "or") -> str:
    """`"a", "b" or "c"`."""
    *first, end = [toml(v) for v in values]
    return f"{', '.join(first)} {last} {end}" if first else end


def expected(kind: Any, key: str) -> str:
    """What a key of this type takes: `a number from 0.1 to 3600 seconds`. Made from the type, its constraints and its name."""
    base, metas = unwrap(kind)
    item = item_of(base)
    if item is not None:
        least = next((m.min_length for m in metas if m.min_length), 0)
        return f"a list{f' of at least {least}' if least else ''}, each item {expected(item, key)}"
    if choices(base):
        return listed(choices(base))
    noun = next((m.description for m in metas if m.description), NOUNS[base])
    return " ".join(word for word in (noun, _range(metas), _unit(key)) if word)


def _unit(key: str) -> str:
    return next((UNITS[part] for part in reversed(key.split("_")) if part in UNITS), "")


def _range(metas: tuple[Meta, ...]) -> str:
    limits = {name: getattr(m, name) for m in metas for name in ("ge", "gt", "le", "lt") if getattr(m, name) is not None}
    number = {name: f"{limit:_}" if isinstance(limit, int) and limit >= UNDERSCORED_MIN else f"{limit:g}" for name, limit in limits.items()}
    if number.keys() == {"ge", "le"}:
        return f"from {number['ge']} to {number['le']}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return " and ".join(f"{words[name]} {limit}" for name, limit in number.items())


def found(value: object) -> str:
    """What stands in the file: `"fast" (text)`."""
    match value:
        case bool():
            return toml(value)
        case str():
            shown = value if len(value) <= TEXT_SHOWN_MAX else value[:TEXT_SHOWN_MAX] + "…"
            return f"{toml(shown)} (text)"
        case int() | float():
            return "a whole number of more than 64 bits" if isinstance(value, int) and abs(value) >= 2**63 else str(value)
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "a table"
        case _:
            return f"{value} (a date or time)"
