"""The path of a config file goes in; what to start with comes out: its config, or the last one that ran well when it has mistakes.

Theory. A file that was saved half, emptied by a power cut or mistyped must not cost the button. What ran well once is kept
(`agent.config_kept`), and is looked at again as the file would be: two functions on one pin are never driven. Passed over is only what the
world took away since: a key, a certificate, a time zone, a kind of receiver. Files of secrets are used by nobody without a look at who may
read them, so the link waits for them, and the button does not. A file that plainly names another unit is not replaced: it is being set up,
somebody stands beside it, and an alarm in the wrong name would send help to the wrong car.
"""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from agent import config_checks, config_file, config_kept
from agent.config import NO_BOARD, Config
from agent.config_kept import NotKept, Tables
from agent.config_sheets import Sheet, Sheets
from agent.config_text import ConfigError, ConfigErrors
from agent.config_walk import Mistake, Walk, key_text
from agent.toml_lines import Path as Key

TOLD_CHARS_MAX = 200
"""Of the first mistake: it travels over the air in a fault."""

RECEIVER = frozenset(("gnss", key) for key in (*config_checks.WANTS, "receiver"))
TIMEZONE = ("unit", "timezone")


class Start(NamedTuple):
    """A config to start with. `kept`: what to keep of it once it runs well, and where. `refused`: why it is not that of the file."""

    config: Config
    kept: tuple[Path, Tables] | None = None
    refused: str = ""
    mistakes: str = ""
    """Of the file, all of them, a line each."""


def read(path: Path, environ: Mapping[str, str]) -> Start:
    """The config in the file at `path`, or the last one that ran well with it.

    Raises:
        ConfigErrors: the file has mistakes, and there is none, or none that can be used; then the last line says why.
    """
    try:
        whole = config_file.read_whole(path)
    except ConfigErrors as wrong:
        return _last(path, environ, wrong)
    return Start(whole.config, (config_kept.place(environ, Path(whole.config.store.path)), alone(whole.tables)))


def alone(tables: Tables) -> Tables:
    """The tables of a config and of all that lies below it, as a config that needs nothing below it."""
    unit = {key: value for key, value in tables["unit"].items() if key != "without"} | {"board": NO_BOARD}
    return tables | {"unit": unit}


def _last(path: Path, environ: Mapping[str, str], wrong: ConfigErrors) -> Start:
    where, text = config_kept.find(path, environ)
    try:
        tables = config_kept.read(where, path)
        config = _checked(path, tables, config_kept.said(text, "unit", "id"))
    except NotKept as e:
        if not str(e):
            raise wrong from None
        told = ConfigError(None, "", f"{e}; so there is no last config to run with instead", where)
        raise ConfigErrors(path, [*wrong.errors, told]) from e
    first = str(ConfigErrors(path, wrong.errors[:1]))
    more = f" (and {len(wrong.errors) - 1} more)" if len(wrong.errors) > 1 else ""
    return Start(config, None, f"{first:.{TOLD_CHARS_MAX}}{more}", str(wrong))


def _checked(path: Path, tables: Tables, unit: str | None) -> Config:
    """The config that was kept, if it may be used; `unit`: the id that the file says.

    Raises:
        NotKept: it may not.
    """
    config, mistakes = _walked(path, tables)
    away = {mistake.path[:2] for mistake in mistakes}
    if away & RECEIVER or TIMEZONE in away:
        config, mistakes = _walked(path, _without(tables, away))
    if mistakes:
        raise NotKept(f"has a mistake by now, {key_text(mistakes[0].path)}: {mistakes[0].message}")
    assert config is not None, "it has no mistakes"
    if unit is not None and unit != config.unit.id:
        raise NotKept(f'is of unit "{config.unit.id}", but the file says "{unit}"')
    return config


def _walked(path: Path, tables: Tables) -> tuple[Config | None, list[Mistake]]:
    """As config_file does it, but what a file of the world lacks is no mistake: whoever opens it looks again."""
    walk = Walk(path.absolute().parent)
    config = walk.read(tables)
    sheets = Sheets(Sheet(path, walk.leaves, dict.fromkeys(_keys(tables), 1)))
    found = [*walk.mistakes, *(() if walk.mistakes else config_checks.check(sheets))]
    mistakes = [mistake for mistake in found if not _is_file(walk, mistake)]
    return config if isinstance(config, Config) else None, mistakes


def _is_file(walk: Walk, mistake: Mistake) -> bool:
    leaf = walk.leaves.get(mistake.path)
    return leaf is not None and leaf.file in ("read", "secret")


def _without(tables: Tables, away: set[Key]) -> Tables:
    """Without a kind of receiver that is gone and all that is wanted of it; without a time zone that is."""
    tables = copy.deepcopy(tables)
    for section, key in (*(RECEIVER if away & RECEIVER else ()), *((TIMEZONE,) if TIMEZONE in away else ())):
        tables.get(section, {}).pop(key, None)
    return tables


def _keys(value: Any, path: Key = ()) -> Iterator[Key]:
    """The path of everything in the tables."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from _keys(inner, (*path, step))
