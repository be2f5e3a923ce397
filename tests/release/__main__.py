"""What a release is made of: `python -m tests.release wheelhouse|bundles|audit|lock [ARCH …]`; files in dist/ come out."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from packaging.utils import NormalizedName

from tests import sources
from tests.release import audit, bundle, runtime, source_tree, wheelhouse
from tests.release.targets import ARCHES

DIST = sources.PROJECT / "dist"


def say(text: str) -> None:
    """A line, at once."""
    print(text, flush=True)


def size(path: Path) -> str:
    """The path below the checkout, and how large the file is."""
    return f"{sources.name(path)} ({path.stat().st_size / 1e6:.2f} MB)"


def make_wheelhouses(arches: list[str]) -> int:
    """dist/wheelhouse-ARCH for each."""
    moment = source_tree.epoch()
    _, wheel = source_tree.build(DIST, moment)
    for arch in arches:
        house = wheelhouse.make(arch, wheel, DIST)
        say(f"{sources.name(house)}: {len(list(house.glob('*.whl')))} wheels for CPython 3.11 and 3.13, {wheelhouse.REQUIREMENTS}")
    return 0


def looked_through(*, strict: bool, ask: Callable[[dict[NormalizedName, str]], audit.Looked] = audit.asked) -> list[str]:
    """The audit, before anything is made; what nobody could look up, to be said once more at the end.

    Raises:
        Refused: something is open; with `strict` also when it could not be looked up.
    """
    told: list[str] = []
    code = audit.run(told.append, strict=strict, ask=ask)
    for line in told:
        say(line)
    if code:
        raise runtime.Refused("nothing was made: the audit above says why")
    return [line for line in told if "NOT DONE" in line]


def make_bundles(
    arches: list[str], *, strict: bool = False, ask: Callable[[dict[NormalizedName, str]], audit.Looked] = audit.asked
) -> int:
    """Everything that is published: sdist, wheel, a bundle and its bill of materials for each architecture, checksums."""
    not_done = looked_through(strict=strict, ask=ask)
    moment = source_tree.epoch()
    if not source_tree.is_clean():
        say("release: this is not what was committed; fine for a trial, not for others")
    made = list(source_tree.build(DIST, moment))
    for arch in arches:
        house = wheelhouse.make(arch, made[1], DIST)
        made += bundle.make(arch, house, DIST, moment)
    for path in [*made, bundle.write_sums(DIST, made)]:
        say(size(path))
    for line in not_done:
        say(f"release: MADE WITHOUT NEWS OF HOLES, do not publish it before this is done: {line}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """0 done, 1 refused or something found."""
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__)
    parser.add_argument("what", choices=["wheelhouse", "bundles", "audit", "lock"])
    parser.add_argument("arches", nargs="*", metavar="ARCH", help=f"{' or '.join(ARCHES)}; both when none is named")
    parser.add_argument("--strict", action="store_true", help="audit, bundles: what could not be looked up is a failure")
    asked = parser.parse_args(arguments)
    arches = asked.arches or list(ARCHES)
    if wrong := set(arches) - set(ARCHES):
        parser.error(f"{', '.join(sorted(wrong))}: a release is for {' and '.join(ARCHES)}, 64 bits only")
    try:
        match asked.what:
            case "wheelhouse":
                return make_wheelhouses(arches)
            case "bundles":
                return make_bundles(arches, strict=asked.strict)
            case "audit":
                return audit.run(say, strict=asked.strict)
            case _:
                runtime.CHECKSUMS.write_text(wheelhouse.lock())
                say(f"{sources.name(runtime.CHECKSUMS)}: {len(runtime.checksums())} files")
                return 0
    except runtime.Refused as refused:
        say(f"release: {refused}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
