"""A disk as a power cut leaves it: in goes a tape entry by entry, out come the files as the platter may hold them at that moment.

The model (after ALICE and CrashMonkey, ext4 with data=ordered): of each page of 4096 bytes any version written since the file's last
flush may be there, pages independent of each other, so that torn and reordered writes are covered. Names (made, removed, renamed) and
sizes are an ordered journal, of which some prefix is there; a flush of any file or directory commits it all. With `strict`, as POSIX has
it, only a flush of the directory commits the names in it.
"""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.power.tape import Entry

PAGE = 4096


@dataclass(eq=False)
class Inode:
    """A file's content: what is on the platter, and what was done to it since its last flush."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Entry] = field(default_factory=list)
    position: int = 0

    def flush(self) -> None:
        for entry in self.pending:
            _apply(self.durable, entry)
        self.pending.clear()

    def image(self, variant: str, rng: random.Random) -> bytearray:
        """What may be there after a cut: `none` of the pending, `all` of it, or a page of this and a page of that."""
        image = bytearray(self.durable)
        if variant == "none":
            return image
        versions: dict[int, list[int]] = {}
        for index, entry in enumerate(self.pending):
            for page in _pages(entry):
                versions.setdefault(page, [-1]).append(index)
        newest = {page: len(self.pending) if variant == "all" else rng.choice(some) for page, some in versions.items()}
        sizes = len(self.pending) if variant == "all" else rng.randint(0, len(self.pending))
        for index, entry in enumerate(self.pending):
            if entry.what != "wrote":
                if index < sizes:
                    _apply(image, entry)
                continue
            for page in _pages(entry):
                if index <= newest[page]:
                    _apply(image, _part(entry, page))
        return image


class Platter:
    """All files under a root."""

    def __init__(self, root: str, strict: bool = False) -> None:
        """Takes what lies there now as durable."""
        self._root = root
        self._strict = strict
        files = (path for path in Path(root).rglob("*") if path.is_file())
        self._names = {str(path): Inode(bytearray(path.read_bytes())) for path in files}
        self._durable_names = dict(self._names)
        self._journal: list[tuple[str, str, str, Inode | None]] = []

    def step(self, entry: Entry) -> None:
        """One more thing was done."""
        inode = self._names.get(entry.path)
        match entry.what:
            case "opened":
                if inode is None:
                    inode = self._names[entry.path] = Inode()
                    self._journal.append(("make", entry.path, "", inode))
                elif entry.at == 0:
                    inode.pending.append(Entry("sized", entry.path, 0))
                inode.position = 0
            case "removed":
                if self._names.pop(entry.path, None) is not None:
                    self._journal.append(("remove", entry.path, "", None))
            case "renamed":
                _rename(self._names, entry.path, entry.to)
                self._journal.append(("rename", entry.path, entry.to, None))
            case "flushed":
                if inode is not None:
                    inode.flush()
                if inode is None or not self._strict:
                    self._commit(entry.path if self._strict else None)
            case "not flushed":
                if inode is not None:
                    inode.pending.clear()  # Linux takes the pages for written: no later flush brings them to the platter
            case _ if inode is not None:
                if entry.at < 0:
                    entry = Entry("wrote", entry.path, inode.position, entry.data)
                    inode.position += len(entry.data)
                inode.pending.append(entry)

    def _commit(self, directory: str | None) -> None:
        """Names are durable now: all, or those in one directory."""
        kept: list[tuple[str, str, str, Inode | None]] = []
        for change in self._journal:
            if directory is None or os.path.dirname(change[1]) == directory or change[1] == directory:  # noqa: PTH120  text, not a file
                _change(self._durable_names, *change)
            else:
                kept.append(change)
        self._journal = kept

    def write_to(self, target: Path, variant: str, rng: random.Random) -> None:
        """Lay the files down as they may be after a cut at this moment."""
        names = dict(self._durable_names)
        count = {"none": 0, "all": len(self._journal)}.get(variant)
        for change in self._journal[: rng.randint(0, len(self._journal)) if count is None else count]:
            _change(names, *change)
        for path, inode in names.items():
            if path.endswith("-shm"):
                continue  # shared memory, which SQLite makes anew
            file = target / os.path.relpath(path, self._root)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(inode.image(variant, rng))


def _change(names: dict[str, Inode], what: str, path: str, to: str, inode: Inode | None) -> None:
    if what == "make" and inode is not None:
        names[path] = inode
    elif what == "remove":
        names.pop(path, None)
    elif what == "rename":
        _rename(names, path, to)


def _rename(names: dict[str, Inode], path: str, to: str) -> None:
    """A file, or a directory with all in it."""
    for name in [name for name in names if name == path or name.startswith(f"{path}/")]:
        names[f"{to}{name.removeprefix(path)}"] = names.pop(name)


def _pages(entry: Entry) -> range:
    return range(entry.at // PAGE, (entry.at + len(entry.data) - 1) // PAGE + 1) if entry.what == "wrote" else range(0)


def _part(entry: Entry, page: int) -> Entry:
    """What of a write falls on a page."""
    start, end = max(entry.at, page * PAGE), min(entry.at + len(entry.data), (page + 1) * PAGE)
    return Entry("wrote", entry.path, start, entry.data[start - entry.at : end - entry.at])


def _apply(image: bytearray, entry: Entry) -> None:
    end = entry.at + len(entry.data)
    if len(image) < end:
        image.extend(bytes(end - len(image)))
    if entry.what == "wrote":
        image[entry.at : end] = entry.data
    elif entry.what == "sized":
        del image[entry.at :]
