"""Plain tables go in (what tomllib made of a file); the typed whole (Config, Board, Profile) and every mistake in it come out.

Each leaf is converted on its own, so that one mistake does not hide the next. All constraints come from the types of `agent.config`.
"""

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import msgspec

from agent import config_words as words
from agent import credentials
from agent.config import Config, Section
from agent.toml_lines import Path

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Mistake(NamedTuple):
    """One thing wrong: where it stands, and what was found, what was expected, what to do. `file`: None is the config itself."""

    path: Path
    message: str
    file: FilePath | None = None


class Leaf(NamedTuple):
    """One good value of the file. `file`: how a path is used (`read`, `secret`, `made`; `named`: a path or a mere name), else None."""

    value: Any
    file: str | None


def key_text(path: Path) -> str:
    """A path as people write it: `report.interval_s`, `input[1].pin`; tables and items are counted from 1."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            text += ("." if text else "") + (step if BARE_KEY.fullmatch(step) else json.dumps(step, ensure_ascii=False))
    return text


def close_to(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return near[0] if near else None


class Walk:
    """One walk over the tables. Afterwards: `mistakes`, and `leaves`, all good values by path, even when others are wrong."""

    def __init__(self, base: FilePath, whole: type[Section] = Config) -> None:
        """`base`: where relative paths start. `whole`: what the file is."""
        self.base = base
        self.whole = whole
        self.mistakes: list[Mistake] = []
        self.leaves: dict[Path, Leaf] = {}

    def read(self, tables: dict[str, Any]) -> Section | None:
        """The whole file; None when something in it is wrong."""
        made = self._table(self.whole, (), tables)
        return None if self.mistakes else made

    def _wrong(self, path: Path, message: str) -> None:
        self.mistakes.append(Mistake(path, message))

    def _table(self, kind: type[Section], path: Path, found: object) -> Section | None:
        if not isinstance(found, dict):
            self._wrong(path, f"found {words.found(found)}; expected one table, [{key_text(path)}] in single brackets")
            return None
        before = len(self.mistakes)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        for key in [key for key in found if key not in fields]:
            self._unknown(kind, path, key, found[key])
        values = {}
        for key, field in fields.items():
            here = (*path, key)
            if key in found:
                values[key] = self._value(field.type, here, found[key])
            elif field.required and _is_section(field.type):
                values[key] = self._table(field.type, here, {})
            elif field.required:
                self._wrong(here, f"missing; expected {words.expected(field.type, key)}")
        return kind(**values) if len(self.mistakes) == before else None

    def _unknown(self, kind: type[Section], path: Path, key: str, found: object) -> None:
        known = [field.encode_name for field in msgspec.structs.fields(kind)]
        what = "section" if not path and (isinstance(found, dict) or _is_tables(found)) else "key"
        near = close_to(key, known)
        if near:
            advice = f"did you mean `{near}`?"
        elif homes := [section for section, keys in _keys_by_section(self.whole).items() if key in keys]:
            advice = f"it belongs in {' or '.join(homes)}"
        else:
            advice = f"known here: {', '.join(known)}"
        self._wrong((*path, key), f"unknown {what}; {advice}")

    def _value(self, kind: Any, path: Path, found: object) -> Any:
        base, _ = words.unwrap(kind)
        item = words.item_of(base)
        if _is_section(base):
            return self._table(base, path, found)
        if item is None:
            return self._leaf(kind, path, found)
        if _is_section(item) and not _is_tables(found):
            return self._wrong(path, f"found {words.found(found)}; expected tables, each [[{key_text(path)}]] in double brackets")
        if isinstance(found, list):
            made = tuple(self._value(item, (*path, i), one) for i, one in enumerate(found))
            if found:
                return made
        return self._leaf(kind, path, found)  # not a list, or an empty one: the constraints on the whole

    def _leaf(self, kind: Any, path: Path, found: object) -> Any:
        if isinstance(found, str) and (odd := _invisible(found)):
            return self._wrong(path, f"found {words.found(found)} with the invisible character {odd}; write it anew without")
        try:
            value = msgspec.convert(found, kind)
        except msgspec.ValidationError:
            return self._wrong(path, self._told(kind, path, found))
        _, metas = words.unwrap(kind)
        file = next((str(m.extra["file"]) for m in metas if m.extra and "file" in m.extra), None)
        if file in ("read", "secret") and value.startswith(credentials.PREFIX):
            try:
                value = str(credentials.locate(value, self.base))
            except ValueError as e:
                return self._wrong(path, str(e))
        elif file and (file != "named" or "/" in value or value.endswith(".toml")):
            value = str(self.base / value)
        self.leaves[path] = Leaf(value, file)
        return value

    def _told(self, kind: Any, path: Path, found: object) -> str:
        key = next(step for step in reversed(path) if isinstance(step, str))
        told = f"found {words.found(found)}; expected {words.expected(kind, key)}"
        texts = [choice for choice in words.choices(words.unwrap(kind)[0]) if isinstance(choice, str)]
        near = close_to(found, texts) if isinstance(found, str) else None
        return f'{told}; did you mean "{near}"?' if near else told


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _is_tables(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(one, dict) for one in found)


def _invisible(text: str) -> str | None:
    """A control or format character, as its code: it cannot be seen, and comes from copying out of a web page or a chat."""
    return next((f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in ("Cc", "Cf")), None)


def _keys_by_section(whole: type[Section]) -> dict[str, set[str]]:
    """Every section as its header is written, with its keys."""
    sections = {}
    for field in msgspec.structs.fields(whole):
        item = words.item_of(field.type)
        if _is_section(item or field.type):
            header = f"[[{field.name}]]" if item else f"[{field.name}]"
            sections[header] = {f.encode_name for f in msgspec.structs.fields(item or field.type)}
    return sections
