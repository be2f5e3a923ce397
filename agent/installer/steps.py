"""One line for each step, as it happens: a step's name goes in, and whether it changed anything comes out with the time that it took."""

from collections.abc import Iterator
from contextlib import contextmanager

from agent.installer.site import Site
from agent.installer.words import Said


class Step:
    """What is said when it is done."""

    def __init__(self) -> None:
        self.words: Said | None = None

    def done(self, words: Said) -> None:
        """In a few words, what has come of it."""
        self.words = words


class Steps:
    """Numbered from 1."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.count = 0

    @contextmanager
    def step(self, code: str, /, **facts: object) -> Iterator[Step]:
        """Tell that it begins, and what came of it."""
        self.count += 1
        self.site.tell("step", number=self.count, name=Said(code, **facts))
        step, began, before = Step(), self.site.system.now(), len(self.site.hand.changes)
        yield step
        took_s = self.site.system.now() - began
        changed = len(self.site.hand.changes) > before
        words = step.words or Said("step.changed" if changed else "step.same")
        if took_s >= 1:
            self.site.tell("step.end_after", words=words, took=took_s)
        else:
            self.site.tell("step.end", words=words)
